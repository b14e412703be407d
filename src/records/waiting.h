/* waiting.h: whose records wait here for the parent, and how many bytes they
 * are.
 *
 * For each name a few heaps, oldest first: bytes, and the number of the last
 * record in it. A heap is gone once the parent has that record. Where a name has
 * too many heaps the two that are smallest together become one, so what counts
 * as waiting may be somewhat more than does, never less. Kept in memory alone: a
 * restart forgives. At most GT_SHARES_MAX names: the one with least goes first.
 * Pure. */
#ifndef GT_WAITING_H
#define GT_WAITING_H

#include <stdint.h>

struct gt_waiting;

/* NULL: out of memory. */
struct gt_waiting *gt_waiting_new(void);
void gt_waiting_free(struct gt_waiting *w); /* NULL is fine */
/* Bytes of whom that the parent has not, which has all up to `hop`. */
uint64_t gt_waiting_bytes(struct gt_waiting *w, const char *whom, int64_t hop);
/* So many bytes more are here of whom; the last record is number `upto`, not
 * less than in the call before. */
void gt_waiting_add(struct gt_waiting *w, const char *whom, int64_t hop,
                    uint64_t bytes, int64_t upto);

#endif
