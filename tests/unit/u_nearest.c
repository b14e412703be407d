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
		const char *got = gt_nearest(rows[i].word, known, COUNT(known),
		                             GT_SLIPS_WRITTEN);
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else
			assert_null(got);
	}
}

static void commands(void **state)
{
	(void)state;
	static const char *const known[] = {"publish", "policy", "status",
	                                    "ls"};
	static const struct {
		const char *word, *written, *typed;
	} rows[] = {{"pubilsh", "publish", "publish"},
	            {"stat", "status", "status"},
	            {"zebra", NULL, NULL},
	            /* two slips in five letters */
	            {"pblsh", NULL, "publish"},
	            {"plocy", NULL, "policy"},
	            /* three in six, and four: another word */
	            {"pobush", NULL, NULL},
	            {"pobuzh", NULL, NULL},
	            {"l", NULL, "ls"},
	            {"sl", "ls", "ls"},
	            {"", NULL, NULL},
	            {"a-word-much-longer-than-any-that-is-ever-typed-here",
	             NULL, NULL}};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *written = gt_nearest(
		        rows[i].word, known, COUNT(known), GT_SLIPS_WRITTEN);
		const char *typed = gt_nearest(rows[i].word, known,
		                               COUNT(known), GT_SLIPS_TYPED);
		assert_string_equal(written ? written : "none",
		                    rows[i].written ? rows[i].written : "none");
		assert_string_equal(typed ? typed : "none",
		                    rows[i].typed ? rows[i].typed : "none");
	}
}

/* A word cut short is one slip away from the whole, however long that is. */
static void cut_short(void **state)
{
	(void)state;
	static const char *const known[] = {"publish", "plus", "puc"};
	assert_string_equal(
	        gt_nearest("pub", known, COUNT(known), GT_SLIPS_TYPED),
	        "publish");
	assert_string_equal(
	        gt_nearest("pub", known, COUNT(known), GT_SLIPS_WRITTEN),
	        "puc");
	/* two letters are too few to say so */
	assert_null(gt_nearest("pu", known, 1, GT_SLIPS_TYPED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keys),
	        cmocka_unit_test(commands),
	        cmocka_unit_test(cut_short),
	};
	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
