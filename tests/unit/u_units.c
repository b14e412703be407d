/* u_units.c: sizes, durations, dates and addresses as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "units.h"

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
	char out[32];
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_true(gt_size_parse(&v, sizes[i].text));
		assert_true(v == sizes[i].want);
		gt_size_format(out, v);
		assert_true(gt_size_parse(&v, out) && v == sizes[i].want);
	}
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(gt_size_parse(&v, no[i]));
	assert_true(gt_duration_parse(&v, "365d") && v == 365ull * 86400000);
	assert_true(gt_duration_parse(&v, "90s") && v == 90000);
	assert_false(gt_duration_parse(&v, "15"));
	assert_false(gt_duration_parse(&v, "1M"));
	gt_duration_format(out, 90000);
	assert_string_equal(out, "90s");
	gt_duration_format(out, 120000);
	assert_string_equal(out, "2m");
	gt_size_format(out, (1 << 20) + 1);
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
		assert_true(gt_date_parse(&v, yes[i].text, false));
		assert_true(v == yes[i].want);
	}
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(gt_date_parse(&v, no[i], false));
	assert_true(gt_date_parse(&v, "2024-01-01", true));
	assert_true(v == 1704067200000 + 86399999);
	assert_true(gt_date_parse(&v, "2024-01-01T00:00Z", true));
	assert_true(v == 1704067200000);
}

static void addresses(void **state)
{
	(void)state;
	static const char *const yes[] = {"a:1", "10.33.1.6:7700", "[::]:7700",
	                                  "[fe80::1]:65535",
	                                  "sync.zj.example:7700"};
	static const char *const no[] = {
	        "",       "a",        ":7700", "a:",        "a:65536",
	        "a:-1",   "::1:7700", "[::1]", "[]:1",      "[::1]7700",
	        "*:7700", "a b:1",    "a:1x",  "tcp://a:1", "a:000001"};
	for (size_t i = 0; i < COUNT(yes); i++)
		assert_true(gt_address_valid(yes[i], false));
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(gt_address_valid(no[i], true));
	assert_true(gt_address_valid("127.0.0.1:0", true));
	assert_false(gt_address_valid("127.0.0.1:0", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(units),
	        cmocka_unit_test(dates),
	        cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
