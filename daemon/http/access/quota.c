#include "quota.h"

enum { US = 1000 };

static const struct {
	const char *name;
	int64_t window_ms;
} kinds[GT_QUOTAS] = {
        [GT_QUOTA_REQUESTS] = {"requests", 60000},
        [GT_QUOTA_STATEMENTS] = {"statements", 3600000},
        [GT_QUOTA_BYTES] = {"bytes", 3600000},
};

const char *gt_quota_name(enum gt_quota_kind kind)
{
	return kinds[kind].name;
}

int64_t gt_quota_window_ms(enum gt_quota_kind kind)
{
	return kinds[kind].window_ms;
}

/* By how much numbers are made smaller, so that products with a window fit. */
static unsigned coarse(uint64_t most)
{
	unsigned by = 0;
	while (most >> by >= (uint64_t)1 << 31)
		by++;
	return by;
}

/* What n of them take of the window, rounded up: never less than it is. */
static int64_t share_us(uint64_t n, uint64_t most, int64_t window_us)
{
	unsigned by = coarse(most);
	uint64_t part = (n + ((uint64_t)1 << by) - 1) >> by;
	most >>= by;
	part = part < most ? part : most;
	return (int64_t)((part * (uint64_t)window_us + most - 1) / most);
}

int gt_quota_take(const struct gt_quota *quota, struct gt_quota_meter *meter,
                  enum gt_quota_kind kind, uint64_t n, int64_t now_ms,
                  int64_t *wait_ms)
{
	uint64_t most = quota->most[kind];
	int64_t now_us = now_ms * US, window_us = kinds[kind].window_ms * US;
	int64_t *until = &meter->until_us[kind];
	*wait_ms = 0;
	if (most == 0 || most >= GT_QUOTA_MOST)
		return 0;
	if (n > most)
		return -GT_ELIMIT;
	int64_t from = *until > now_us ? *until : now_us;
	int64_t then = from + share_us(n, most, window_us);
	int64_t over = then - window_us - now_us;
	if (over > 0) {
		*wait_ms = (over + US - 1) / US;
		return -GT_EBUSY;
	}
	*until = then;
	return 0;
}

uint64_t gt_quota_used(const struct gt_quota *quota,
                       const struct gt_quota_meter *meter,
                       enum gt_quota_kind kind, int64_t now_ms)
{
	uint64_t most = quota->most[kind];
	int64_t window_us = kinds[kind].window_ms * US;
	int64_t left = meter->until_us[kind] - now_ms * US;
	if (most == 0 || left <= 0)
		return 0;
	left = left < window_us ? left : window_us;
	unsigned by = coarse(most);
	uint64_t used = (most >> by) * (uint64_t)left;
	return (used + (uint64_t)window_us - 1) / (uint64_t)window_us << by;
}

void gt_quota_settle(struct gt_quota_meter *meter, int64_t now_ms)
{
	for (unsigned k = 0; k < GT_QUOTAS; k++) {
		int64_t most = (now_ms + kinds[k].window_ms) * US;
		if (meter->until_us[k] > most)
			meter->until_us[k] = most;
	}
}
