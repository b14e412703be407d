/* u_local.c: times in the zone of whoever reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "local.h"

static void zone(const char *name)
{
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
}

static void moments(void **state)
{
	static const struct {
		const char *zone, *text;
		int64_t ms;
	} rows[] = {
	        {"UTC0", "1970-01-01 00:00:00 +00:00", 0},
	        {"CST-8", "1970-01-01 08:00:00 +08:00", 999},
	        {"CST-8", "1970-01-01 07:59:59 +08:00", -1},
	        {"NST3:30", "2026-11-30 10:13:10 -03:30", 1796046190000},
	        {"CST-8", "2026-11-30 21:43:10 +08:00", 1796046190123},
	        {"CST-8", "9223372036854775807", INT64_MAX},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[GT_LOCAL_TIME];
		zone(rows[i].zone);
		gt_local_time(out, rows[i].ms);
		assert_string_equal(out, rows[i].text);
	}
}

/* The hour that comes twice when summer time ends is not the same twice. */
static void summer_time(void **state)
{
	char first[GT_LOCAL_TIME], second[GT_LOCAL_TIME];
	(void)state;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	gt_local_iso(first, "2026-10-25T00:30:00Z");
	gt_local_iso(second, "2026-10-25T01:30:00Z");
	assert_string_equal(first, "2026-10-25 02:30:00 +02:00");
	assert_string_equal(second, "2026-10-25 02:30:00 +01:00");
}

static void texts(void **state)
{
	static const char *const rows[][2] = {
	        {"ended 2026-11-30T13:43:10Z, now 2026-12-01T16:00:00.123004Z",
	         "ended 2026-11-30 21:43:10 +08:00, now "
	         "2026-12-02 00:00:00 +08:00"},
	        {"2026-11-30T13:43:10Z", "2026-11-30 21:43:10 +08:00"},
	        {"2026-11-30T13:43:10ZZ", "2026-11-30 21:43:10 +08:00Z"},
	        /* other zones, what is no time, and halves stay */
	        {"2026-11-30T13:43:10+08:00", NULL},
	        {"2026-11-30T13:43:10", NULL},
	        {"2026-13-30T13:43:10Z", NULL},
	        {"2026-11-30T13:43", NULL},
	        {"", NULL},
	};
	char out[GT_LOCAL_TEXT], *longest = malloc(2 * GT_LOCAL_TEXT);
	(void)state;
	zone("CST-8");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = gt_local_text(out, rows[i][0]);
		if (rows[i][1])
			assert_string_equal(got, rows[i][1]);
		else
			assert_ptr_equal(got, rows[i][0]);
	}
	assert_non_null(longest);
	memset(longest, 'x', 2 * GT_LOCAL_TEXT);
	longest[2 * GT_LOCAL_TEXT - 1] = '\0';
	memcpy(longest, rows[1][0], strlen(rows[1][0]));
	assert_ptr_equal(gt_local_text(out, longest), longest);
	/* the longest that has room, with a time at its end */
	memset(longest, 'x', GT_LOCAL_TEXT);
	strcpy(longest + GT_LOCAL_TEXT - 27, rows[1][0]);
	{
		const char *got = gt_local_text(out, longest);
		assert_ptr_equal(got, out);
		assert_int_equal(strlen(got), GT_LOCAL_TEXT - 1);
	}
	free(longest);
}

static void iso(void **state)
{
	char out[GT_LOCAL_TIME];
	(void)state;
	zone("CST-8");
	assert_string_equal(gt_local_iso(out, "2026-11-30T13:43:10.123004Z"),
	                    "2026-11-30 21:43:10 +08:00");
	assert_string_equal(gt_local_iso(out, "2026-11-30T13:43:10+09:00"),
	                    "2026-11-30 12:43:10 +08:00");
	assert_string_equal(gt_local_iso(out, "-"), "-");
	assert_string_equal(gt_local_iso(out, ""), "");
}

static void days(void **state)
{
	int64_t ms;
	(void)state;
	zone("CST-8");
	assert_true(gt_local_day(&ms, "2026-11-30"));
	assert_int_equal(ms, 1795968000000);
	zone("UTC0");
	assert_true(gt_local_day(&ms, "2026-11-30"));
	assert_int_equal(ms, 1795996800000);
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	assert_true(gt_local_day(&ms, "2026-07-01"));
	assert_int_equal(ms, 1782856800000);
	assert_false(gt_local_day(&ms, "2026-11-30T00:00:00Z"));
	assert_false(gt_local_day(&ms, "2026-11-31"));
	assert_false(gt_local_day(&ms, "today"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(moments), cmocka_unit_test(summer_time),
	        cmocka_unit_test(texts),   cmocka_unit_test(iso),
	        cmocka_unit_test(days),
	};
	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
