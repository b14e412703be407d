#include "cdc.h"

/* The bits looked at lie just below the top one, where the hash has taken in
 * the last ~50 bytes; the top one is lost when a step shifts the mask. */
#define BITS(k) (((UINT64_C(1) << (k)) - 1) << (63 - (k)))

static const uint64_t rare = BITS(19);  /* below the normal size: 1 in 512 Ki */
static const uint64_t often = BITS(15); /* above: 1 in 32 Ki */

/* splitmix64 (Steele, Lea, Flood 2014) from a fixed seed: 256 numbers with
 * nothing up the sleeve, shorter to state than a table. */
void gt_cdc_init(struct gt_cdc *cdc)
{
	uint64_t x = UINT64_C(0x6775616e746f6e67); /* "guantong" */
	for (size_t i = 0; i < 256; i++) {
		uint64_t z = x += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		cdc->gear[i] = z ^ z >> 31;
		cdc->gear2[i] = cdc->gear[i] << 1;
	}
}

/* From *hash at i up to end, two bytes per step; true: cut at *i. Both are even
 * numbers apart. */
static bool scan(const struct gt_cdc *cdc, const uint8_t *p, size_t *i,
                 size_t end, uint64_t *hash, uint64_t mask)
{
	uint64_t h = *hash, mask2 = mask << 1;
	size_t at = *i;
	for (; at + 1 < end; at += 2) {
		h = (h << 2) + cdc->gear2[p[at]];
		if ((h & mask2) == 0) {
			*i = at;
			return true;
		}
		h += cdc->gear[p[at + 1]];
		if ((h & mask) == 0) {
			*i = at + 1;
			return true;
		}
	}
	*i = at;
	*hash = h;
	return false;
}

size_t gt_cdc_cut(const struct gt_cdc *cdc, const uint8_t *p, size_t n)
{
	size_t end = n < GT_CDC_MAX ? n : GT_CDC_MAX;
	size_t normal = end < GT_CDC_NORMAL ? end : GT_CDC_NORMAL;
	size_t i = GT_CDC_MIN;
	uint64_t hash = 0;
	assert(n > 0);
	if (end <= GT_CDC_MIN)
		return end;
	if (scan(cdc, p, &i, normal, &hash, rare))
		return i;
	if (scan(cdc, p, &i, end, &hash, often))
		return i;
	return end;
}
