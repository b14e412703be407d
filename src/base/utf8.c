#include "utf8.h"

/* Length of the sequence a byte begins, 0: none begins with it. */
static size_t length_of(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

uint32_t gt_utf8_next(const char *s, size_t n, size_t *len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = (const uint8_t *)s;
	size_t k = length_of(p[0]);
	*len = 1;
	if (k == 1)
		return p[0];
	if (k == 0 || k > n)
		return GT_UTF8_BROKEN;
	uint32_t c = p[0] & (0xffu >> (k + 1));
	for (size_t i = 1; i < k; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return GT_UTF8_BROKEN;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[k] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return GT_UTF8_BROKEN;
	*len = k;
	return c;
}

bool gt_utf8_valid(const char *s, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i += len)
		if (gt_utf8_next(s + i, n - i, &len) == GT_UTF8_BROKEN)
			return false;
	return true;
}

size_t gt_utf8_cut(const char *s, size_t n, size_t most)
{
	if (n <= most)
		return n;
	for (size_t back = 1; back < GT_UTF8_MAX && back <= most; back++) {
		uint8_t b = (uint8_t)s[most - back];
		if ((b & 0xc0) != 0x80)
			return length_of(b) > back ? most - back : most;
	}
	return most;
}

bool gt_utf8_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}
