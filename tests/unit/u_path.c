/* u_path.c: which names a member may have, and how the others are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "object.h"
#include "utf8.h"

static void paths(void **state)
{
	static const struct {
		const char *path;
		enum gt_path_fault fault;
	} rows[] = {
	        {"a", GT_PATH_FINE},
	        {"课程/第一讲/讲义 (最终).pdf", GT_PATH_FINE},
	        {"...", GT_PATH_FINE},
	        {"a.", GT_PATH_FINE},
	        {".a", GT_PATH_FINE},
	        {".hidden", GT_PATH_FINE},
	        {"a/..b/c", GT_PATH_FINE},
	        {"caf\xc3\xa9", GT_PATH_FINE},  /* composed */
	        {"\xef\xa8\x8e", GT_PATH_FINE}, /* U+FA0E: unified after all */
	        {"m\xcc\x80", GT_PATH_FINE},    /* m + grave: no such letter */
	        {"", GT_PATH_EMPTY},
	        {"/etc/passwd", GT_PATH_ABSOLUTE},
	        {"a//b", GT_PATH_COMPONENT},
	        {"a/", GT_PATH_COMPONENT},
	        {".", GT_PATH_DOT},
	        {"a/./b", GT_PATH_DOT},
	        {"..", GT_PATH_ESCAPE},
	        {"a/../../etc", GT_PATH_ESCAPE},
	        {"a/..", GT_PATH_ESCAPE},
	        {"a\\b", GT_PATH_BACKSLASH},
	        {"a\nb", GT_PATH_CONTROL},
	        {"a\x7f", GT_PATH_CONTROL},
	        {"a\xc2\x85", GT_PATH_CONTROL},            /* C1 */
	        {"a\xe2\x80\xaetxt.exe", GT_PATH_CONTROL}, /* bidi override */
	        {"a\xe2\x80\xa8", GT_PATH_CONTROL},        /* line separator */
	        {"\xff", GT_PATH_UTF8},
	        {"\xc0\xaf", GT_PATH_UTF8},         /* overlong slash */
	        {"\xe0\x80\xaf", GT_PATH_UTF8},     /* overlong, longer */
	        {"\xed\xa0\x80", GT_PATH_UTF8},     /* surrogate */
	        {"\xf4\x90\x80\x80", GT_PATH_UTF8}, /* beyond Unicode */
	        {"\xe8\xaf", GT_PATH_UTF8},         /* cut short */
	        {"\xbf\xce\xb3\xcc", GT_PATH_UTF8}, /* GBK: 课程 */
	        {"cafe\xcc\x81", GT_PATH_NFC},      /* e + acute */
	        {"\xe3\x81\x8b\xe3\x82\x99", GT_PATH_NFC}, /* ka + voicing */
	        {"\xe3\x83\x8f\xe3\x82\x9a",
	         GT_PATH_NFC}, /* ha + half voicing */
	        {"\xe1\x84\x80\xe1\x85\xa1", GT_PATH_NFC}, /* jamo */
	        {"\xea\xb0\x80\xe1\x86\xa8", GT_PATH_NFC}, /* LV + T */
	        {"\xe2\x84\xab", GT_PATH_NFC},             /* angstrom sign */
	        {"\xef\xa4\x80", GT_PATH_NFC},             /* U+F900 */
	        {"\xf0\xaf\xa0\x80", GT_PATH_NFC},         /* U+2F800 */
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum gt_path_fault f =
		        gt_path_check(rows[i].path, strlen(rows[i].path));
		if (f != rows[i].fault)
			fail_msg("row %zu %s: %d", i, rows[i].path, (int)f);
		assert_true((f == GT_PATH_FINE) ==
		            (gt_path_refusal(rows[i].path,
		                             strlen(rows[i].path)) == NULL));
	}
}

/* What was seen to pass: decomposed names of other scripts. They are refused
 * where they are published; what is published already is let in. */
static void decomposed_names_of_other_scripts(void **state)
{
	static const struct {
		const char *composed, *decomposed;
	} rows[] = {
	        {"\xd0\xb9", "\xd0\xb8\xcc\x86"},         /* Cyrillic i */
	        {"\xce\xac", "\xce\xb1\xcc\x81"},         /* Greek alpha */
	        {"\xce\x90", "\xce\xb9\xcc\x88\xcc\x81"}, /* iota, twice */
	        {"\xd8\xa2", "\xd8\xa7\xd9\x93"},         /* Arabic alef */
	        {"\xd8\xa6", "\xd9\x8a\xd9\x94"},     /* yeh hamza: Uyghur */
	        {"\xe1\xba\xbf", "\xc3\xaa\xcc\x81"}, /* Vietnamese e */
	        {"\xe1\xba\xbf", "e\xcc\x82\xcc\x81"},
	        {"\xe1\xbb\x9b", "\xc6\xa1\xcc\x81"}, /* and o with horn */
	        {"caf\xc3\xa9", "cafe\xcc\x81"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char deep[200];
		gt_format(deep, sizeof deep, "课程/%s/第一讲.mp4",
		          rows[i].composed);
		assert_int_equal(gt_path_offer(deep, strlen(deep)),
		                 GT_PATH_FINE);
		gt_format(deep, sizeof deep, "课程/%s/第一讲.mp4",
		          rows[i].decomposed);
		assert_int_equal(gt_path_offer(deep, strlen(deep)),
		                 GT_PATH_NFC);
	}
	assert_int_equal(gt_path_check(rows[0].decomposed, 4), GT_PATH_FINE);
	/* marks in another order than Unicode's */
	assert_int_equal(gt_path_offer("q\xcc\x87\xcc\xa3", 5), GT_PATH_NFC);
	assert_int_equal(gt_path_offer("q\xcc\xa3\xcc\x87", 5), GT_PATH_FINE);
	/* the longest there is, of what grows most */
	char longest[GT_PATH_MAX];
	for (size_t k = 0; k < GT_PATH_MAX; k += 2)
		memcpy(longest + k, k % 128 ? "\xce\x90" : "a/", 2);
	longest[GT_PATH_MAX - 1] = longest[GT_PATH_MAX - 2] = 'x';
	assert_int_equal(gt_path_offer(longest, sizeof longest), GT_PATH_FINE);
	assert_int_equal(gt_path_offer("a//b", 4), GT_PATH_COMPONENT);
}

/* Of so many bytes, whatever lies behind them. */
static void lengths(void **state)
{
	char longest[GT_PATH_MAX + 2];
	(void)state;
	assert_int_equal(gt_path_check("a\0b", 3), GT_PATH_CONTROL);
	assert_int_equal(gt_path_check("a课", 3), GT_PATH_UTF8);
	assert_int_equal(gt_path_check("a课", 4), GT_PATH_FINE);
	assert_int_equal(gt_path_check("a/b", 2), GT_PATH_COMPONENT);
	memset(longest, 'a', sizeof longest);
	for (size_t i = 200; i < sizeof longest; i += 200)
		longest[i] = '/';
	assert_int_equal(gt_path_check(longest, GT_PATH_MAX), GT_PATH_FINE);
	assert_int_equal(gt_path_check(longest, GT_PATH_MAX + 1), GT_PATH_LONG);
	longest[200] = 'a';
	assert_int_equal(gt_path_check(longest, 399), GT_PATH_NAME_LONG);
	memset(longest, 'a', 255);
	assert_int_equal(gt_path_check(longest, 255), GT_PATH_FINE);
	memset(longest, 'a', 256);
	assert_int_equal(gt_path_check(longest, 256), GT_PATH_NAME_LONG);
}

static void shown(void **state)
{
	char out[GT_PATH_SHOWN], big[1000];
	(void)state;
	assert_string_equal(gt_path_show(out, "课\n\"\xff", 6),
	                    "\"课\\x0a\\x22\\xff\"");
	for (size_t n = 0; n < sizeof big; n++) {
		memset(big, n % 2 ? 1 : 'x', sizeof big);
		gt_path_show(out, big, n);
		assert_true(strlen(out) < sizeof out);
		assert_int_equal(out[strlen(out) - 1], '"');
	}
}

/* ------------------------------------------------------ composition */

/* What a path of one or two characters is found to be; 0: only one. */
static enum gt_path_fault fault_of(uint32_t first, uint32_t second)
{
	char path[2 * GT_UTF8_MAX];
	size_t n = 0;
	const uint32_t c[2] = {first, second};
	for (size_t i = 0; i < 2 && c[i]; i++) {
		if (c[i] < 0x80) {
			path[n++] = (char)c[i];
			continue;
		}
		unsigned more = c[i] < 0x800 ? 1 : c[i] < 0x10000 ? 2 : 3;
		path[n++] = (char)(0xff00u >> (more + 1) | c[i] >> 6 * more);
		while (more--)
			path[n++] = (char)(0x80 | (c[i] >> 6 * more & 0x3f));
	}
	return gt_path_check(path, n);
}

static bool refused(uint32_t first, uint32_t second)
{
	enum gt_path_fault f = fault_of(first, second);
	assert_true(f == GT_PATH_FINE || f == GT_PATH_NFC);
	return f == GT_PATH_NFC;
}

static bool among(const uint32_t *list, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == c)
			return true;
	return false;
}

#define AMONG(list, c) among(list, sizeof(list) / sizeof *(list), c)

/* Unicode's table: the kana that have a voiced or half voiced form. */
static void kana(void **state)
{
	static const uint32_t half[] = {
	        0x306f, 0x3072, 0x3075, 0x3078, 0x307b, /* ha hi fu he ho */
	        0x30cf, 0x30d2, 0x30d5, 0x30d8, 0x30db,
	};
	static const uint32_t full[] = {
	        0x3046, /* u, ka ... chi, tsu, te, to, the iteration mark */
	        0x304b,
	        0x304d,
	        0x304f,
	        0x3051,
	        0x3053,
	        0x3055,
	        0x3057,
	        0x3059,
	        0x305b,
	        0x305d,
	        0x305f,
	        0x3061,
	        0x3064,
	        0x3066,
	        0x3068,
	        0x309d,
	        /* and in katakana, which has wa wi we wo too */
	        0x30a6,
	        0x30ab,
	        0x30ad,
	        0x30af,
	        0x30b1,
	        0x30b3,
	        0x30b5,
	        0x30b7,
	        0x30b9,
	        0x30bb,
	        0x30bd,
	        0x30bf,
	        0x30c1,
	        0x30c4,
	        0x30c6,
	        0x30c8,
	        0x30ef,
	        0x30f0,
	        0x30f1,
	        0x30f2,
	        0x30fd,
	};
	(void)state;
	for (uint32_t c = 0x3041; c <= 0x30ff; c++) {
		bool h = AMONG(half, c);
		assert_int_equal(refused(c, 0x309a), h);
		assert_int_equal(refused(c, 0x3099), h || AMONG(full, c));
		assert_false(refused(c, 0x3098));
		assert_false(refused(c, 0x309b));
	}
	assert_false(refused('u', 0x3099));
}

static void hangul(void **state)
{
	(void)state;
	for (uint32_t c = 0x1100; c <= 0x1160; c++) {
		bool leads = c <= 0x1112;
		assert_false(refused(c, 0x1160));
		assert_int_equal(refused(c, 0x1161), leads);
		assert_int_equal(refused(c, 0x1175), leads);
		assert_false(refused(c, 0x1176));
	}
	assert_false(refused(0x10ff, 0x1161));
	for (uint32_t c = 0xabe0; c <= 0xd7a3 + 28; c++) {
		bool open =
		        c >= 0xac00 && c <= 0xd7a3 && (c - 0xac00) % 28 == 0;
		assert_false(refused(c, 0x11a7));
		assert_int_equal(refused(c, 0x11a8), open);
		assert_int_equal(refused(c, 0x11c2), open);
		assert_false(refused(c, 0x11c3));
	}
}

static void latin(void **state)
{
	(void)state;
	assert_true(refused('A', 0x300));
	assert_true(refused('z', 0x331));
	assert_false(refused('A', 0x331));
	assert_false(refused('Q', 0x300));
	assert_false(refused('A', 0x2ff));
	assert_false(refused('A', 0x332));
	assert_false(refused(0x300, 0));    /* on nothing */
	assert_false(refused(0xc1, 0x300)); /* on what has a mark already */
	assert_true(refused(0x340, 0));
}

/* What NFC always replaces, and the neighbours of each. */
static void twins(void **state)
{
	static const uint32_t alone[] = {
	        0x340,  0x341,  0x343,  0x344,  0x37e,  0x387,  0x2000,
	        0x2001, 0x2126, 0x212a, 0x212b, 0x2329, 0x232a,
	};
	/* between the compatibility ideographs, yet no twins */
	static const uint32_t own[] = {
	        0xfa0e, 0xfa0f, 0xfa11, 0xfa13, 0xfa14, 0xfa1f, 0xfa21,
	        0xfa23, 0xfa24, 0xfa27, 0xfa28, 0xfa29, 0xfa6e, 0xfa6f,
	};
	(void)state;
	for (uint32_t c = 0x33f; c <= 0x3000; c++)
		if (!gt_utf8_control(c))
			assert_int_equal(refused(c, 0), AMONG(alone, c));
	for (uint32_t c = 0xf8ff; c <= 0xfada; c++)
		assert_int_equal(refused(c, 0),
		                 c >= 0xf900 && c <= 0xfad9 && !AMONG(own, c));
	for (uint32_t c = 0x2f7ff; c <= 0x2fa1e; c++)
		assert_int_equal(refused(c, 0), c >= 0x2f800 && c <= 0x2fa1d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(paths),
	        cmocka_unit_test(decomposed_names_of_other_scripts),
	        cmocka_unit_test(lengths),
	        cmocka_unit_test(shown),
	        cmocka_unit_test(kana),
	        cmocka_unit_test(hangul),
	        cmocka_unit_test(latin),
	        cmocka_unit_test(twins),
	};
	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
