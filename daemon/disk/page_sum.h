/* page_sum.h: the sum of a page, and what one altered word of it is put right
 * by: the parity of the page's words says what the word differs by, and the sum
 * says which it is.
 * Tests: u_sums.c, u_log_sums.c. */
#ifndef GT_PAGE_SUM_H
#define GT_PAGE_SUM_H

#include "base.h"

enum { GT_SUMS_PAGE = 4096, GT_SUMS_WORD = 8 };

struct gt_page_sum {
	uint64_t sum;
	uint64_t parity; /* all words of the page, one upon the other */
};

enum gt_sum {
	GT_SUM_NONE, /* it has none: believed */
	GT_SUM_SAME,
	GT_SUM_MENDED, /* it was wrong in a word, and is right now, in memory */
	GT_SUM_BAD,
};

/* One more word into a sum. Each step can be undone. */
static inline uint64_t gt_sum_mix(uint64_t h, uint64_t w)
{
	h ^= w;
	return (h << 29 | h >> 35) * 0x9e3779b97f4a7c15u;
}

/* What the page is. One word that differs is always told; more than one pass
 * unseen once in 2^64. */
void gt_page_sum(struct gt_page_sum *out, const uint8_t p[GT_SUMS_PAGE]);
/* Whether the page is what it was; mends p. *at: the word that was mended, in
 * bytes from the beginning. Never GT_SUM_NONE. */
enum gt_sum gt_page_compare(const struct gt_page_sum *want,
                            uint8_t p[GT_SUMS_PAGE], size_t *at);

#endif
