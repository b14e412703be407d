/* signed.h: what lies in a Signed as it is stored or sent: the envelope
 * (proto/guantong.proto), and the body by the kind the envelope names.
 *
 * Nothing is checked but the shape: whether the signature is good is asked of
 * gt_unseal (seal.h), who may have made it of the roster. What is given back
 * lies in the arena and may be changed. NULL: bytes of another shape, or no
 * memory, which gt_arena_short tells apart. */
#ifndef GT_SIGNED_H
#define GT_SIGNED_H

#include "arena.h"
#include "guantong.pb-c.h"

/* The envelope. No bytes are no envelope: NULL. */
Gt__Signed *gt_signed_open(struct gt_arena *arena, struct gt_bytes sealed);

/* The body of an envelope of that kind; of any other, and of NULL, NULL. A
 * member's key has the length of a key. */
Gt__Entry *gt_signed_entry(struct gt_arena *arena, const Gt__Signed *s);
Gt__Layer *gt_signed_layer(struct gt_arena *arena, const Gt__Signed *s);
Gt__Member *gt_signed_member(struct gt_arena *arena, const Gt__Signed *s);
/* Whether, by that row, what the key signed is the member's own: the key it has
 * now, or had before and lost to nobody. Of one that was revoked none is. */
bool gt_member_vouches(const Gt__Member *m, const uint8_t *key);
/* A date's tree has the length of a key. */
Gt__Dated *gt_signed_date(struct gt_arena *arena, const Gt__Signed *s);

#endif
