/* sheaf.h: records of a batch as they travel (sheaf.c, PROTOCOL.md M48). */
#ifndef GT_SHEAF_H
#define GT_SHEAF_H

#include "arena.h"
#include "guantong.pb-c.h"
#include "record_seal.h"
#include "statement.h"

/* In a sheaf alone: nobody vouches for it, though somebody did for the one
 * before. */
enum { GT_SHEAF_NOBODY = GT_RECORD_RESERVED };

/* m's records become its sheaf, in the arena; there is at least one.
 * -GT_ENOMEM. */
int gt_sheaf_bind(struct gt_arena *arena, Gt__Records *m);

/* The other way: m->records, in the arena, and which of them had id, form and
 * target worked out from their bodies, that need not be verified. Of another one
 * they are zeros, and it does not verify. -GT_EMALFORMED, -GT_ENOMEM. */
int gt_sheaf_untie(struct gt_arena *arena, Gt__Records *m, bool **derived);

#endif
