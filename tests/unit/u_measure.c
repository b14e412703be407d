/* u_measure.c: sizes, durations and moments as people read and write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void units(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t want;
	} sizes[] = {{"0", 0},
	             {"1B", 1},
	             {"512KiB", 512u << 10},
	             {"200MiB", 200u << 20},
	             {"3 GiB", 3ull << 30},
	             {"2TiB", 2ull << 40}};
	static const char *const no[] = {"",
	                                 "1",
	                                 "KiB",
	                                 "-1B",
	                                 "1kb",
	                                 "1MB",
	                                 "1.5",
	                                 "1B ",
	                                 "1  B",
	                                 "0x1B",
	                                 "99999999999999999999B",
	                                 "99999999TiB"};
	uint64_t v;
	char out[GT_MEASURE_EXACT];
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_true(gt_measure_read_size(&v, sizes[i].text));
		assert_true(v == sizes[i].want);
		gt_measure_size_exact(out, v);
		assert_true(gt_measure_read_size(&v, out) &&
		            v == sizes[i].want);
	}
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(gt_measure_read_size(&v, no[i]));
	assert_true(gt_measure_read_duration(&v, "365d") &&
	            v == 365ull * 86400000);
	assert_true(gt_measure_read_duration(&v, "90s") && v == 90000);
	assert_false(gt_measure_read_duration(&v, "15"));
	assert_false(gt_measure_read_duration(&v, "1M"));
	gt_measure_duration_exact(out, 90000);
	assert_string_equal(out, "90s");
	gt_measure_duration_exact(out, 120000);
	assert_string_equal(out, "2m");
	gt_measure_size_exact(out, (1 << 20) + 1);
	assert_string_equal(out, "1048577B");
}

static void dates(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want;
	} yes[] = {{"1970-01-01", 0},
	           {"2024-01-01", 1704067200000},
	           {"2000-02-29", 951782400000},
	           {"2024-03-01T00:00Z", 1709251200000},
	           {"2024-01-01T08:00:00+08:00", 1704067200000},
	           {"2024-01-01 00:00:00.250Z", 1704067200250},
	           {"2023-12-31T19:00:00-05:00", 1704067200000},
	           {"9999-12-31", 253402214400000}};
	static const char *const no[] = {"",
	                                 "2024",
	                                 "2024-1-1",
	                                 "2023-02-29",
	                                 "1900-02-29",
	                                 "2024-13-01",
	                                 "2024-00-01",
	                                 "2024-01-32",
	                                 "1969-12-31",
	                                 "2024-01-01T",
	                                 "2024-01-01T08:00",
	                                 "2024-01-01x",
	                                 "2024-01-01T24:00Z",
	                                 "2024-01-01T08:00+8:00"};
	int64_t v;
	for (size_t i = 0; i < COUNT(yes); i++) {
		assert_true(gt_measure_read_date(&v, yes[i].text, false));
		assert_true(v == yes[i].want);
	}
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(gt_measure_read_date(&v, no[i], false));
	assert_true(gt_measure_read_date(&v, "2024-01-01", true));
	assert_true(v == 1704067200000 + 86399999);
	assert_true(gt_measure_read_date(&v, "2024-01-01T00:00Z", true));
	assert_true(v == 1704067200000);
}

static void figures(void **state)
{
	(void)state;
	char s[GT_MEASURE_SIZE];
	gt_measure_size(s, 0);
	assert_string_equal(s, "0 B");
	gt_measure_size(s, 1536);
	assert_string_equal(s, "1.5 KiB");
	gt_measure_size(s, 1048575);
	assert_string_equal(s, "1.0 MiB");
	gt_measure_size(s, UINT64_MAX);
	assert_string_equal(s, "16.0 EiB");
	gt_measure_duration(s, 185000);
	assert_string_equal(s, "3m 05s");
	gt_measure_duration(s, UINT64_MAX);
}

static void times(void **state)
{
	(void)state;
	char t[GT_MEASURE_TIME];
	int64_t ms;
	gt_measure_time(t, 0);
	assert_string_equal(t, "1970-01-01T00:00:00Z");
	gt_measure_time(t, -1);
	assert_string_equal(t, "1969-12-31T23:59:59Z");
	gt_measure_time(t, 1709210096000);
	assert_string_equal(t, "2024-02-29T12:34:56Z");
	gt_measure_time(t, INT64_MIN);
	gt_measure_time(t, INT64_MAX);
	assert_true(gt_measure_read_time(&ms, "2024-02-29T12:34:56Z"));
	assert_int_equal(ms, 1709210096000);
	assert_true(gt_measure_read_time(&ms, "2024-02-29T20:34:56+08:00"));
	assert_int_equal(ms, 1709210096000);
	assert_true(gt_measure_read_time(&ms, "2024-02-29"));
	assert_int_equal(ms, 1709164800000);
	assert_false(gt_measure_read_time(&ms, "2023-02-29"));
	assert_false(gt_measure_read_time(&ms, "2024-13-01"));
	assert_false(gt_measure_read_time(&ms, "2024-02-29T25:00:00Z"));
	assert_false(gt_measure_read_time(&ms, "2024-02-29x"));
	assert_false(gt_measure_read_time(&ms, "yesterday"));
	assert_false(gt_measure_read_time(&ms, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(units),
	        cmocka_unit_test(dates),
	        cmocka_unit_test(figures),
	        cmocka_unit_test(times),
	};
	return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
