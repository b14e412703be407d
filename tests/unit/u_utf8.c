/* u_utf8.c: the decoder against a model that only encodes; cuts at every place
 * of every kind of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "utf8.h"

/* The table of RFC 3629, section 3. 0: no character. */
static size_t encode(uint8_t out[GT_UTF8_MAX], uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (uint8_t)(0x80 + c % 64);
	out[0] = (uint8_t)(lead[n] + c);
	return n;
}

/* The character whose encoding these bytes begin with: the one that, encoded,
 * gives them back. */
static uint32_t model(const uint8_t *p, size_t n, size_t *len)
{
	static const uint32_t head[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	for (size_t k = 1; k <= n && k <= GT_UTF8_MAX; k++) {
		uint8_t again[GT_UTF8_MAX];
		uint32_t c = p[0] & head[k];
		for (size_t i = 1; i < k; i++)
			c = c * 64 + p[i] % 64;
		if (encode(again, c) == k && memcmp(again, p, k) == 0) {
			*len = k;
			return c;
		}
	}
	*len = 1;
	return GT_UTF8_BROKEN;
}

/* Both ends of every range of bytes that the RFC tells apart. */
static const uint8_t classes[] = {
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
        0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
        0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff,
};
enum { CLASSES = sizeof classes, SEQUENCES = CLASSES * CLASSES };

static void one_sequence(const uint8_t p[GT_UTF8_MAX])
{
	const char *s = (const char *)p;
	bool valid = true;
	for (size_t n = 1; n <= GT_UTF8_MAX; n++) {
		size_t len, want_len;
		uint32_t want = model(p, n, &want_len);
		assert_int_equal(gt_utf8_next(s, n, &len), want);
		assert_int_equal(len, want_len);
	}
	for (size_t i = 0, len; i < GT_UTF8_MAX; i += len)
		valid &= model(p + i, GT_UTF8_MAX - i, &len) != GT_UTF8_BROKEN;
	assert_int_equal(gt_utf8_valid(s, GT_UTF8_MAX), valid);
}

static void sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < SEQUENCES; i++)
		for (size_t k = 0; k < SEQUENCES; k++) {
			const uint8_t p[GT_UTF8_MAX] = {
			        classes[i / CLASSES], classes[i % CLASSES],
			        classes[k / CLASSES], classes[k % CLASSES]};
			one_sequence(p);
		}
}

static void every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x110000; c++) {
		uint8_t p[GT_UTF8_MAX];
		size_t n = encode(p, c), len;
		if (n == 0)
			continue;
		assert_int_equal(gt_utf8_next((char *)p, n, &len), c);
		assert_int_equal(len, n);
	}
}

/* A string that ends in the middle of a character is read up to its NUL and no
 * further; the sanitizers see to that. */
static void ends(void **state)
{
	(void)state;
	static const char *const cut[] = {"\xe4\xb8", "\xe4", "\xf0\x9f\x98",
	                                  "\xc3"};
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		size_t len;
		assert_int_equal(gt_utf8_next(cut[i], GT_UTF8_MAX, &len),
		                 GT_UTF8_BROKEN);
		assert_int_equal(len, 1);
	}
	assert_true(gt_utf8_valid("", 0));
	assert_true(gt_utf8_valid("a\0b", 3));
	assert_false(gt_utf8_valid("课程", 5));
	assert_true(gt_utf8_valid("课程", 6));
	assert_true(
	        gt_utf8_valid("课程", 3)); /* what follows is not looked at */
}

static void cuts(void **state)
{
	(void)state;
	static const char text[] = "aé课😀\xff\x80\x80\x80z程";
	const size_t n = sizeof text - 1;
	/* where a character ends, or nothing begins */
	static const bool fine[] = {
	        true,  true,  false, true,  false, false, true,
	        false, false, false, true,  true,  true,  true,
	        true,  true,  false, false, true,
	};
	assert_int_equal(n + 1, sizeof fine);
	for (size_t most = 0; most <= n + 2; most++) {
		size_t want = most > n ? n : most;
		char out[sizeof text + 2];
		while (!fine[want])
			want--;
		assert_int_equal(gt_utf8_cut(text, n, most), want);
		memset(out, '~', sizeof out);
		/* and what cuts to fit cuts there */
		assert_int_equal(gt_copy(out, most + 1, text), most >= n);
		assert_int_equal(strlen(out), want);
		assert_memory_equal(out, text, want);
		for (size_t i = most + 1; i < sizeof out; i++)
			assert_int_equal(out[i], '~');
		gt_format(out, most + 1, "%s%s", "", text);
		assert_int_equal(strlen(out), want);
		assert_memory_equal(out, text, want);
	}
}

/* A cut before all there is, and text that is broken already. */
static void cuts_early(void **state)
{
	(void)state;
	for (size_t most = 0; most < 3; most++)
		assert_int_equal(gt_utf8_cut("课程", 6, most), 0);
	for (size_t most = 0; most < 4; most++)
		assert_int_equal(gt_utf8_cut("😀", 4, most), 0);
	assert_int_equal(gt_utf8_cut("\xe8\xaf", 2, 2), 2);
	assert_int_equal(gt_utf8_cut("\x80\x80\x80\x80\x80", 5, 4), 4);
}

static void controls(void **state)
{
	(void)state;
	static const uint32_t yes[] = {0,      0x1f,   0x7f,   0x80,  0x9f,
	                               0x2028, 0x202e, 0x2066, 0x2069};
	static const uint32_t no[] = {0x20,   0x7e,   0xa0,   0x2027,  0x202f,
	                              0x2065, 0x206a, 0x4e00, 0x10ffff};
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		assert_true(gt_utf8_control(yes[i]));
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		assert_false(gt_utf8_control(no[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sequences),  cmocka_unit_test(every_character),
	        cmocka_unit_test(ends),       cmocka_unit_test(cuts),
	        cmocka_unit_test(cuts_early), cmocka_unit_test(controls),
	};
	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
