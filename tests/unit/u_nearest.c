/* u_nearest.c: what a person meant to type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nearest.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void keys(void **state)
{
	(void)state;
	static const char *const known[] = {"heartbeat", "dead", "listen",
	                                    "window_min", "window_max"};
	static const struct {
		const char *word, *want;
	} rows[] = {{"hartbeat", "heartbeat"},
	            {"haertbeat", "heartbeat"},
	            {"heartbeats", "heartbeat"},
	            {"window-max", "window_max"},
	            {"ded", "dead"},
	            {"lisetn", "listen"},
	            {"listen", "listen"},
	            {"colour", NULL},
	            {"", NULL},
	            {"x", NULL}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = gt_nearest(rows[i].word, known, COUNT(known));
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else
			assert_null(got);
	}
}

static void commands(void **state)
{
	(void)state;
	static const char *const known[] = {"publish", "policy", "status"};
	assert_string_equal(gt_nearest("pubilsh", known, COUNT(known)),
	                    "publish");
	assert_string_equal(gt_nearest("stat", known, COUNT(known)), "status");
	assert_null(gt_nearest("zebra", known, COUNT(known)));
	assert_null(gt_nearest(
	        "a-word-much-longer-than-any-that-is-ever-typed-here", known,
	        COUNT(known)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keys),
	        cmocka_unit_test(commands),
	};
	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
