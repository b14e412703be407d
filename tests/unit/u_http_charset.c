/* u_http_charset.c: what encoding a text is said to be in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "http_charset.h"
#include "utf8.h"

#define NONE GT_CHARSET_NONE
#define UTF8 GT_CHARSET_UTF8
#define GB   GT_CHARSET_GB18030

#define KE "\xbf\xce\xb3\xcc" /* 课程 in GBK */
#define META \
	"<meta http-equiv=Content-Type content='text/html; charset=gb2312'>"

static const struct {
	const char *type, *text;
	enum gt_charset whole, cut; /* cut: as the first of something longer */
} rows[] = {
        {"text/html", "<p>hello</p>", UTF8, UTF8},
        {"text/html", "", UTF8, UTF8},
        {"text/html", "<p>课程</p>", UTF8, UTF8},
        {"text/html", META "<p>" KE, NONE, NONE},
        {"text/html", "<p>" KE, NONE, NONE},
        /* its scripts, which say nothing, are in what the page says */
        {"text/html", META "<p>plain", NONE, NONE},
        {"text/html", "<META CHARSET='GBK'><p>plain", NONE, NONE},
        {"text/html", "<META CHARSET='GBK'><p>课程", UTF8, UTF8},
        {"text/css", "@charset 'gbk'; /* " KE " */", NONE, NONE},
        {"text/javascript", "alert('" KE "')", NONE, NONE},
        {"text/javascript", "alert('课程')", UTF8, UTF8},
        {"text/plain", KE, GB, GB},
        {"text/csv", "a," KE ",1\r\n", GB, GB},
        {"text/markdown", "# " KE, GB, GB},
        {"text/plain", "\x81\x30\x89\x38", GB, GB}, /* four bytes */
        {"text/plain", "\x81\x30\x89", NONE, GB},
        {"text/plain", KE "\xbf", NONE, GB},
        {"text/html", "课程\xe8\xaf", NONE, UTF8},
        {"text/plain", "\xff\xfe\x00a", NONE, NONE},   /* UTF-16 */
        {"text/plain", "caf\xe9 au lait", NONE, NONE}, /* Latin-1 */
        {"text/plain", "\xef\xbb\xbfx", UTF8, UTF8},
        {"text/plain; charset=big5", "x", NONE, NONE},
        {"TEXT/PLAIN", KE, GB, GB},
        {"application/json", "{}", NONE, NONE},
        {"text/vtt", "WEBVTT", UTF8, UTF8},
};

static void texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = strlen(rows[i].text);
		for (size_t step = 1; step <= n + 1; step++) {
			struct gt_charset_look l = {0};
			for (size_t at = 0; at < n; at += step)
				gt_charset_feed(
				        &l, (const uint8_t *)rows[i].text + at,
				        step < n - at ? step : n - at);
			if (gt_charset_end(&l, rows[i].type, true) !=
			            rows[i].whole ||
			    gt_charset_end(&l, rows[i].type, false) !=
			            rows[i].cut)
				fail_msg("row %zu, by %zu", i, step);
		}
	}
}

/* The same as utf8.h of every three bytes that begin with one above ASCII. */
static void as_utf8_has_it(void **state)
{
	(void)state;
	for (uint32_t c = 0x800000; c <= 0xffffff; c += 5) {
		const uint8_t b[4] = {(uint8_t)(c >> 16), (uint8_t)(c >> 8),
		                      (uint8_t)c, 0x80};
		for (size_t n = 1; n <= 4; n++) {
			struct gt_charset_look l = {0};
			gt_charset_feed(&l, b, n);
			bool is = gt_charset_end(&l, "text/html", true) == UTF8;
			if (is != gt_utf8_valid((const char *)b, n))
				fail_msg("%06x %zu", (unsigned)c, n);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts),
	                                   cmocka_unit_test(as_utf8_has_it)};
	return cmocka_run_group_tests_name("http_charset", tests, NULL, NULL);
}
