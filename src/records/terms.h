/* terms.h: which records have which words, for queries (xapi/xapi_term.h,
 * store/runs.h).
 *
 * Records are indexed in the order of their numbers; meta `indexed` is the last
 * one that is. What lies behind it readers look through row by row, so that no
 * answer lacks it: that costs them time, no more. What people hand in is indexed
 * in the turn that takes it; what a child brings out of a backlog is when that
 * has ended, a piece a turn. A statement that targets another has its terms
 * too, if it is here by then; if it is not, or has more than have room, or
 * cannot be read, it is among those that may fit whatever is asked.
 *
 * All of it can be made anew: damage of it clears it, and the records are
 * indexed again. Returns as turn.h says.
 * Tests: u_terms.c. */
#ifndef GT_TERMS_H
#define GT_TERMS_H

#include "turn.h"

/* START. */
int gt_terms_load(struct gt_node *n);
/* The end of a turn: indexes what is due, writes what was put into sets, merges
 * a piece. */
int gt_terms_go(struct gt_node *n);
/* When there is more to do, mono_ms; UINT64_MAX: never. */
uint64_t gt_terms_deadline(const struct gt_node *n);
/* A child's batch was taken. full: as large as it may be, so that more of its
 * backlog follows. */
void gt_terms_batch(struct gt_node *n, bool full);
/* The record of that number is erased, of that body, which is a copy of the
 * caller's: none of its words is in the index any more, but those that it had
 * of a target that is not here any more. */
int gt_terms_forget(struct gt_node *n, int64_t seq, struct gt_bytes body,
                    const char *authority);
/* A record was put at a number that may be behind `indexed`. */
int gt_terms_again(struct gt_node *n, int64_t seq);

#endif
