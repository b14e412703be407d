/* share.h: how much each terminal, each child has brought of late.
 *
 * A bucket for each name, that holds what may come in an hour and leaks as much
 * in an hour: a burst is taken, what goes on beyond it is told to wait. Kept in
 * memory alone: a restart forgives, and no neighbour can bring one about; what
 * stays here of all he brought is bounded beside it, and that outlives a restart
 * (records/waiting.h), as does the room that is kept on the disk. At most GT_SHARES_MAX names: the one that
 * has brought least goes first, so nobody gets rid of what he did by coming
 * under many names. Pure. */
#ifndef GT_SHARE_H
#define GT_SHARE_H

#include <stdint.h>

struct gt_shares;

/* NULL: out of memory. */
struct gt_shares *gt_shares_new(void);
void gt_shares_free(struct gt_shares *s); /* NULL is fine */
/* Takes `bytes` more of whom, who may bring `hourly` (at least 3600) bytes
 * per hour. 0: they are counted; else they are not, and it is so many
 * milliseconds until they could be. Who has brought nothing is never told to
 * wait, however much it is. */
uint64_t gt_share_take(struct gt_shares *s, const char *whom, uint64_t hourly,
                       uint64_t bytes, uint64_t mono_ms);

#endif
