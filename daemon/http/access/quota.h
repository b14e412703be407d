/* quota.h: how much a credential may do in a while, and how much of it is left.
 *
 * A meter is one number: until when it is used up, as if each thing took its
 * share of the window. So what may be done in a window can be done at once, and
 * comes back evenly; nothing is forgotten at a stroke of the clock, and no more
 * than twice the number ever fits into one window. Pure; times are in
 * milliseconds of any clock that does not go back.
 * Tests: u_access_quota.c. */
#ifndef GT_QUOTA_H
#define GT_QUOTA_H

#include "base.h"

/* What is counted: requests by the minute, statements and bytes of bodies by
 * the hour. */
enum gt_quota_kind {
	GT_QUOTA_REQUESTS,
	GT_QUOTA_STATEMENTS,
	GT_QUOTA_BYTES,
	GT_QUOTAS,
};
#define GT_QUOTA_MOST ((uint64_t)1 << 40) /* more is no limit */

/* How many of each; 0: as many as it likes. */
struct gt_quota {
	uint64_t most[GT_QUOTAS];
};

/* In microseconds, so that a million in a minute count one by one. */
struct gt_quota_meter {
	int64_t until_us[GT_QUOTAS];
};

/* "requests", "statements", "bytes"; milliseconds of each one's window. */
const char *gt_quota_name(enum gt_quota_kind kind);
int64_t gt_quota_window_ms(enum gt_quota_kind kind);

/* Takes n of a kind. 0; -GT_EBUSY: there are not so many left, in *wait_ms (more
 * than 0) there are; -GT_ELIMIT: there never are. Nothing is taken then. */
int gt_quota_take(const struct gt_quota *quota, struct gt_quota_meter *meter,
                  enum gt_quota_kind kind, uint64_t n, int64_t now_ms,
                  int64_t *wait_ms);
/* How many of a kind are used just now, rounded up. */
uint64_t gt_quota_used(const struct gt_quota *quota,
                       const struct gt_quota_meter *meter,
                       enum gt_quota_kind kind, int64_t now_ms);
/* As far as a meter can be at all at that time: of one that was kept by another
 * clock. */
void gt_quota_settle(struct gt_quota_meter *meter, int64_t now_ms);

#endif
