#include "page_sum.h"

#include <string.h>

enum { LANES = 4 }; /* words at once: one does not wait for the other */

void gt_page_sum(struct gt_page_sum *out, const uint8_t p[GT_SUMS_PAGE])
{
	uint64_t h[LANES] = {1, 2, 3, 4}, x[LANES] = {0}, w[LANES], sum = 0;
	for (size_t i = 0; i < GT_SUMS_PAGE; i += sizeof w) {
		memcpy(w, p + i, sizeof w);
		for (int k = 0; k < LANES; k++) {
			x[k] ^= w[k];
			h[k] = gt_sum_mix(h[k], w[k]);
		}
	}
	for (int k = 0; k < LANES; k++)
		sum = gt_sum_mix(sum, h[k]);
	out->sum = sum ^ sum >> 32;
	out->parity = x[0] ^ x[1] ^ x[2] ^ x[3];
}

/* What the parity says it differs by, tried in one word after the other. */
static bool mend(const struct gt_page_sum *want, uint64_t delta, uint8_t *p,
                 size_t *at)
{
	struct gt_page_sum is;
	uint64_t w;
	for (*at = 0; delta != 0 && *at < GT_SUMS_PAGE; *at += GT_SUMS_WORD) {
		memcpy(&w, p + *at, GT_SUMS_WORD);
		w ^= delta;
		memcpy(p + *at, &w, GT_SUMS_WORD);
		gt_page_sum(&is, p);
		if (is.sum == want->sum)
			return true;
		w ^= delta;
		memcpy(p + *at, &w, GT_SUMS_WORD);
	}
	return false;
}

enum gt_sum gt_page_compare(const struct gt_page_sum *want,
                            uint8_t p[GT_SUMS_PAGE], size_t *at)
{
	struct gt_page_sum is;
	gt_page_sum(&is, p);
	if (is.sum == want->sum)
		return GT_SUM_SAME;
	return mend(want, is.parity ^ want->parity, p, at) ? GT_SUM_MENDED
	                                                   : GT_SUM_BAD;
}
