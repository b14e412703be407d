/* u_iso8601.c: times, dates and durations, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "iso8601.h"

static void times(void **state)
{
	static const struct {
		const char *in, *utc;
		int64_t ms;
	} row[] = {
	        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
	        {"2026-11-22T22:27:37.120Z", "2026-11-22T22:27:37.12Z",
	         1795386457120},
	        {"2026-11-23T06:27:37.12+08:00", "2026-11-22T22:27:37.12Z",
	         1795386457120},
	        {"2026-11-23T06:27:37,12+0800", "2026-11-22T22:27:37.12Z",
	         1795386457120},
	        {"2026-11-22T22:27:37.000+00", "2026-11-22T22:27:37Z",
	         1795386457000},
	        {"2026-11-22t22:27:37.1234567891z",
	         "2026-11-22T22:27:37.123456789Z", 1795386457123},
	        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", 1483228800000},
	        {"2000-02-29T00:00:00", "2000-02-29T00:00:00", 951782400000},
	        {"2000-02-29T23:59:59-23:59", "2000-03-01T23:58:59Z",
	         951955139000},
	        {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
	         -62167219200000},
	        {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
	         253402300799000},
	        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", -1},
	};
	static const char *const bad[] = {
	        "",
	        "2026-11-22",
	        "2026-11-22T22:27Z",
	        "2026-11-22 22:27:37Z",
	        "2026-13-22T22:27:37Z",
	        "2026-02-29T22:27:37Z",
	        "1900-02-29T22:27:37Z",
	        "2026-11-22T24:00:00Z",
	        "2026-11-22T22:27:37.Z",
	        "2026-11-22T22:27:37-00:00",
	        "2026-11-22T22:27:37-0000",
	        "2026-11-22T22:27:37-00",
	        "2026-11-22T22:27:37+24:00",
	        "2026-11-22T22:27:37+08:00x",
	        "26-11-22T22:27:37Z",
	        "2026-1122T22:27:37Z",
	        "202611-22T22:27:37Z",
	        "2026-11-2222:27:37Z",
	        "2026-11-22T22-27:37Z",
	        "2026-11-22T22:60:37Z",
	        "2026-11-22T22:27:61Z",
	        "2026-11-22T22:27:",
	        "2026-11-22T22:",
	        "2026-11-22T22:27:37+",
	        "2026-11-22T22:27:37+08:",
	        "2026-11-22T22:27:37+08:60",
	        "2026-11-22T22:27:37 08:00",
	        "2026-11-22T22:27:37+08::00",
	};
	char utc[GT_ISO_UTC_CHARS];
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		int64_t ms;
		assert_true(gt_iso_parse(&ms, row[i].in));
		assert_int_equal(ms, row[i].ms);
		assert_true(gt_iso_utc(utc, row[i].in));
		assert_string_equal(utc, row[i].utc);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_iso_parse(NULL, bad[i]));
	assert_false(gt_iso_utc(utc, "0000-01-01T00:00:00+00:01"));
	assert_false(gt_iso_utc(utc, "9999-12-31T23:59:59-00:01"));
	assert_false(gt_iso_utc(utc, "9999-12-31T23:59:60Z"));
}

static void times_out(void **state)
{
	char text[GT_ISO_CHARS];
	(void)state;
	gt_iso_format(text, 1795386457012);
	assert_string_equal(text, "2026-11-22T22:27:37.012Z");
	gt_iso_format(text, -1);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	gt_iso_format(text, INT64_MAX);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	gt_iso_format(text, 253402300800000);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	gt_iso_format(text, -62167219200001);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
	gt_iso_format(text, 82800000);
	assert_string_equal(text, "1970-01-01T23:00:00.000Z");
	gt_iso_format(text, 86399001);
	assert_string_equal(text, "1970-01-01T23:59:59.001Z");
	gt_iso_format(text, INT64_MIN);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
	for (int64_t day = -800000; day < 2900000; day += 97) {
		int64_t back;
		gt_iso_format(text, day * 86400000);
		if (day < -719528 || day > 2932896)
			continue;
		assert_true(gt_iso_parse(&back, text));
		assert_int_equal(back, day * 86400000);
	}
}

static void durations(void **state)
{
	static const char *const good[] = {"P1Y",    "PT0S",   "P1Y2M3DT4H5M6S",
	                                   "P4W",    "PT1.5S", "PT16.559S",
	                                   "P1DT2H", "PT1,5H", "P0.5Y",
	                                   "PT09S",  "P9Y",    "PT9S"};
	static const char *const bad[] = {
	        "",      "P",        "PT",       "1Y",     "P1",     "P1YT",
	        "P4W1D", "P1S",      "PT1Y",     "P1D2M",  "PT1S1M", "P1.D",
	        "-P1Y",  "P1.5YT1S", "PT1.5H1M", "p1y",    "P1Y1Y",  "PT1S ",
	        "P4W ",  "P1:D",     "P1/D",     "P1.T1S", "P1T1S"};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(gt_iso_duration(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_iso_duration(bad[i]));
}

static bool read_day(int64_t *days, int y, int m, int d)
{
	char text[32];
	struct gt_iso_moment at;
	gt_format(text, sizeof text, "%04d-%02d-%02d", y, m, d);
	if (!gt_iso_read(&at, text))
		return false;
	assert_false(at.clock || at.zoned || at.nano || at.east_s);
	assert_int_equal(at.s % 86400, 0);
	*days = at.s / 86400;
	return true;
}

/* A date is the one after the date before it, from 0 to 9999. */
static void dates(void **state)
{
	static const int length[] = {31, 28, 31, 30, 31, 30,
	                             31, 31, 30, 31, 30, 31};
	int64_t want = -719528, days = 0;
	(void)state;
	for (int y = 0; y <= 9999; y++) {
		bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
		for (int m = 1; m <= 12; m++) {
			int last = length[m - 1] + (m == 2 && leap);
			assert_false(read_day(&days, y, m, 0));
			assert_false(read_day(&days, y, m, last + 1));
			for (int d = 1; d <= last; d++, want++) {
				char text[GT_ISO_CHARS], back[32];
				assert_true(read_day(&days, y, m, d));
				assert_int_equal(days, want);
				assert_true(gt_iso_seconds(text, days * 86400));
				gt_format(back, sizeof back,
				          "%04d-%02d-%02dT00:00:00Z", y, m, d);
				assert_string_equal(text, back);
			}
		}
	}
	assert_int_equal(want, 2932897);
	assert_false(read_day(&days, 2026, 0, 1));
	assert_false(read_day(&days, 2026, 13, 1));
}

static void seconds(void **state)
{
	char text[GT_ISO_CHARS] = "as it was";
	(void)state;
	assert_false(gt_iso_seconds(text, -62167219201));
	assert_false(gt_iso_seconds(text, 253402300800));
	assert_string_equal(text, "as it was");
	assert_true(gt_iso_seconds(text, -62167219200));
	assert_string_equal(text, "0000-01-01T00:00:00Z");
	assert_true(gt_iso_seconds(text, 253402300799));
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	assert_true(gt_iso_seconds(text, -1));
	assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void as_people_write(void **state)
{
	static const struct {
		const char *text;
		struct gt_iso_moment want;
	} good[] = {
	        {"2024-02-29", {.s = 1709164800}},
	        {"2024-02-29 08:00", {.s = 1709193600, .clock = true}},
	        {"2024-02-29T08:00Z",
	         {.s = 1709193600, .clock = true, .zoned = true}},
	        {"2024-02-29T08:00:01.25-00:00",
	         {.s = 1709193601,
	          .nano = 250000000,
	          .clock = true,
	          .zoned = true}},
	        {"2024-02-29T08:00+08:00",
	         {.s = 1709164800,
	          .east_s = 28800,
	          .clock = true,
	          .zoned = true}},
	        {"2024-02-29Z", {.s = 1709164800, .zoned = true}},
	        {"2024-02-29+08:00",
	         {.s = 1709136000, .east_s = 28800, .zoned = true}},
	        {"2024-02-29T08:00:00-0530",
	         {.s = 1709213400,
	          .east_s = -19800,
	          .clock = true,
	          .zoned = true}},
	};
	static const char *const bad[] = {"",
	                                  "2024",
	                                  "2024-02-30",
	                                  "2024-2-29",
	                                  "2024-02",
	                                  "2024/02/29",
	                                  "2024-02-29T",
	                                  "2024-02-29T8:00",
	                                  "2024-02-29T08",
	                                  "2024-02-29T08:",
	                                  "2024-02-29T:00",
	                                  "2024-0229",
	                                  "202402-29",
	                                  "2024-02-29T08:00.5",
	                                  "2024-02-29T08:00:",
	                                  "2024-02-29T24:00",
	                                  "2024-02-29+",
	                                  "2024-02-29x",
	                                  "2024-02-29Zx",
	                                  "2024-02-29T08:00+8:00",
	                                  "2024-02-29T08:00Zx"};
	struct gt_iso_moment at;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		const struct gt_iso_moment *want = &good[i].want;
		assert_true(gt_iso_read(&at, good[i].text));
		assert_true(at.s == want->s && at.nano == want->nano &&
		            at.east_s == want->east_s &&
		            at.clock == want->clock && at.zoned == want->zoned);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_iso_read(&at, bad[i]));
}

static void http_dates(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} row[] = {
	        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
	        {784111777999, "Sun, 06 Nov 1994 08:49:37 GMT"},
	        {1795386457120, "Sun, 22 Nov 2026 22:27:37 GMT"},
	        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
	        {951782400000, "Tue, 29 Feb 2000 00:00:00 GMT"},
	        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
	        {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT"},
	};
	char got[GT_HTTP_DATE_CHARS];
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		gt_http_date(got, row[i].ms);
		assert_string_equal(got, row[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(times),           cmocka_unit_test(times_out),
	        cmocka_unit_test(http_dates),      cmocka_unit_test(durations),
	        cmocka_unit_test(dates),           cmocka_unit_test(seconds),
	        cmocka_unit_test(as_people_write),
	};
	return cmocka_run_group_tests_name("iso8601", tests, NULL, NULL);
}
