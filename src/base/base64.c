#include "base64.h"

#include "error.h"

static int digit(uint8_t c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	return c == (url ? '_' : '/') ? 63 : -1;
}

int gt_base64_read(struct gt_buffer *out, struct gt_bytes in, bool url)
{
	uint32_t bits = 0;
	size_t n = in.n;
	if (!url && n % 4 == 0)
		for (int i = 0; i < 2 && n > 0 && in.p[n - 1] == '='; i++)
			n--;
	if (n % 4 == 1 || (!url && in.n % 4 != 0))
		return -GT_EINVALID;
	if (!gt_buffer_room(out, n / 4 * 3 + 3))
		return -GT_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int d = digit(in.p[i], url);
		if (d < 0)
			return -GT_EINVALID;
		bits = bits << 6 | (uint32_t)d;
		if (i % 4 != 0)
			out->p[out->n++] = (uint8_t)(bits >> (6 - i % 4 * 2));
	}
	/* what is left over of the last digit is nothing */
	size_t over = n % 4 == 2 ? 4 : n % 4 == 3 ? 2 : 0;
	if (bits & ((1u << over) - 1))
		return -GT_EINVALID;
	out->p[out->n] = '\0';
	return 0;
}

bool gt_base64_url(struct gt_buffer *out, const uint8_t *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789-_";
	if (!gt_buffer_room(out, n / 3 * 4 + 5))
		return false;
	uint32_t bits = 0;
	unsigned have = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			out->p[out->n++] =
			        (uint8_t)digits[bits >> (have - 6) & 63];
	}
	if (have > 0)
		out->p[out->n++] = (uint8_t)digits[bits << (6 - have) & 63];
	out->p[out->n] = '\0';
	return true;
}
