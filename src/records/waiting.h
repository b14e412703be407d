/* waiting.h: whose records wait here for the parent, and how many bytes they
 * are.
 *
 * For each name a few heaps, oldest first: bytes, and the number of the last
 * record in it. A heap is gone once the parent has that record. Where a name has
 * too many heaps the two that are smallest together become one, so what counts
 * as waiting may be somewhat more than does, never less; but what was seen to be
 * at one parent is not counted again when another one has it yet to come. What is
 * known of a name can be packed and unpacked, so that a restart forgets nothing.
 * At most GT_SHARES_MAX names: the one with least goes first. Pure. */
#ifndef GT_WAITING_H
#define GT_WAITING_H

#include "base.h"

enum {
	GT_WAITING_HEAPS = 8,
	GT_WAITING_BYTES = 16 * GT_WAITING_HEAPS, /* of a name, packed */
};

struct gt_waiting;

/* NULL: out of memory. */
struct gt_waiting *gt_waiting_new(void);
void gt_waiting_free(struct gt_waiting *w); /* NULL is fine */
/* Bytes of whom that the parent has not, which has all up to `hop`. */
uint64_t gt_waiting_bytes(struct gt_waiting *w, const char *whom, int64_t hop);
/* So many bytes more are here of whom; the last record is number `upto`, not
 * less than in the call before. Returns the name that had to give way, which is
 * good until the next call; NULL: none had to. */
const char *gt_waiting_add(struct gt_waiting *w, const char *whom, int64_t hop,
                           uint64_t bytes, int64_t upto);
/* What is known of whom; how many bytes of out it takes, 0: nothing is. */
size_t gt_waiting_pack(const struct gt_waiting *w, const char *whom,
                       uint8_t out[GT_WAITING_BYTES]);
/* Knows of whom, a name not known yet, what was packed. False: there is no place
 * for it, nothing of it waits behind `hop`, or it is nothing that was packed
 * where the last record is number `seq`: nothing is known of it. */
bool gt_waiting_unpack(struct gt_waiting *w, const char *whom,
                       struct gt_bytes packed, int64_t hop, int64_t seq);

#endif
