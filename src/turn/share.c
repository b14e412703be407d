#include "share.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "limit.h"

enum { HOUR_MS = 3600 * 1000, NAME_MAX = 112 };

/* used: bytes in the bucket as of at_ms. */
struct share {
	char whom[NAME_MAX]; /* "": free */
	uint64_t used, at_ms;
};

struct gt_shares {
	struct share v[GT_SHARES_MAX];
};

struct gt_shares *gt_shares_new(void)
{
	return calloc(1, sizeof(struct gt_shares));
}

void gt_shares_free(struct gt_shares *s)
{
	free(s);
}

/* What has leaked since it was last looked at. Less than a byte is left to the
 * next look. */
static void leak(struct share *h, uint64_t hourly, uint64_t mono_ms)
{
	uint64_t past = mono_ms - h->at_ms;
	uint64_t out = past >= HOUR_MS ? h->used : hourly / 3600 * past / 1000;
	if (out == 0 && h->used > 0)
		return;
	h->used -= out < h->used ? out : h->used;
	h->at_ms = mono_ms;
}

/* The one of that name, or else a free one, or else the least used. */
static struct share *find(struct gt_shares *s, const char *whom)
{
	struct share *least = &s->v[0];
	for (size_t i = 0; i < GT_SHARES_MAX; i++) {
		struct share *h = &s->v[i];
		if (strncmp(h->whom, whom, NAME_MAX - 1) == 0)
			return h;
		bool lighter = h->used != least->used ? h->used < least->used
		                                      : h->at_ms < least->at_ms;
		if (lighter)
			least = h;
	}
	*least = (struct share){.used = 0};
	gt_copy(least->whom, sizeof least->whom, whom);
	return least;
}

uint64_t gt_share_take(struct gt_shares *s, const char *whom, uint64_t hourly,
                       uint64_t bytes, uint64_t mono_ms)
{
	struct share *h = find(s, whom);
	assert(hourly >= 3600);
	leak(h, hourly, mono_ms);
	uint64_t room = hourly > h->used ? hourly - h->used : 0;
	if (bytes <= room || h->used == 0) {
		h->used += bytes;
		return 0;
	}
	uint64_t excess = bytes > hourly ? h->used : bytes - room;
	return excess / (hourly / 3600) * 1000 + 1000;
}
