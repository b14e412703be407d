/* u_stored.c: times of storing, their marks and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stored.h"

static void marks(void **state)
{
	(void)state;
	assert_int_equal(gt_stored_mark(0), 0);
	assert_int_equal(gt_stored_mark(1), 1);
	assert_int_equal(gt_stored_mark(999), 999);
	assert_int_equal(gt_stored_mark(1000), 1);
	for (int64_t newest = 1; newest < 2100; newest++)
		for (unsigned mark = 1; mark <= GT_STORED_MARKS; mark += 37) {
			int64_t era = gt_stored_era(mark, newest);
			assert_true(era <= newest &&
			            era > newest - GT_STORED_MARKS);
			assert_true(era >= 0);
			assert_true(era == 0 || gt_stored_mark(era) == mark);
		}
	assert_int_equal(gt_stored_era(5, 4), 0);
	assert_int_equal(gt_stored_era(5, 5), 5);
	assert_int_equal(gt_stored_era(5, 1003), 5);
	assert_int_equal(gt_stored_era(5, 1004), 1004);
}

static void texts(void **state)
{
	static const struct {
		int64_t ms, era;
		const char *text;
	} rows[] = {
	        {1795386457123, 0, "2026-11-22T22:27:37.123Z"},
	        {1795386457123, 4, "2026-11-22T22:27:37.123004Z"},
	        {1795386457000, 999, "2026-11-22T22:27:37.000999Z"},
	        {1795386457000, 1000, "2026-11-22T22:27:37.000001Z"},
	};
	char out[GT_STORED_CHARS];
	int64_t ms;
	unsigned mark;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_stored_format(out, rows[i].ms, rows[i].era);
		assert_string_equal(out, rows[i].text);
		assert_true(gt_stored_parse(&ms, &mark, out));
		assert_int_equal(ms, rows[i].ms);
		assert_int_equal(mark, gt_stored_mark(rows[i].era));
	}
	assert_true(gt_stored_parse(&ms, &mark, "2026-11-22T22:27:37Z"));
	assert_int_equal(mark, 0);
	assert_true(gt_stored_parse(&ms, &mark,
	                            "2026-11-23T06:27:37.1230045+08:00"));
	assert_int_equal(ms, 1795386457123);
	assert_int_equal(mark, 4);
	assert_false(gt_stored_parse(&ms, &mark, "2026-11-22"));
	assert_false(gt_stored_parse(&ms, &mark, "yesterday"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(marks),
	        cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests_name("stored", tests, NULL, NULL);
}
