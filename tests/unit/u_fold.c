/* u_fold.c: names as they are on other file systems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"

static void is(const char *path, const char *want)
{
	struct gt_buffer b = {0};
	assert_true(gt_buffer_str(&b, "x"));
	assert_true(gt_fold(&b, path));
	assert_int_equal(strlen((char *)b.p), b.n);
	assert_string_equal((char *)b.p + 1, want);
	gt_buffer_free(&b);
}

static void folds(void **state)
{
	static char longest[GT_PATH_MAX + 1];
	(void)state;
	is("a", "a");
	is("A.TXT", "a.txt");
	is("Dir/B", "dir/b");
	is("课程/第一讲.MP4", "课程/第一讲.mp4");
	is("caf\xc3\xa9", "cafe\xcc\x81");  /* composed */
	is("cafe\xcc\x81", "cafe\xcc\x81"); /* decomposed */
	is("\xd0\x99", "\xd0\xb8\xcc\x86"); /* Cyrillic, a capital */
	is("\xe3\x81\x8c", "\xe3\x81\x8b\xe3\x82\x99"); /* ga */
	is("a.", "a");
	is("a. .", "a");
	is("a./b /c", "a/b/c");
	is("...", "...");
	is(".../a", ".../a");
	is(" a", " a");
	is("x.y", "x.y");
	for (size_t i = 0; i < GT_PATH_MAX; i += 2)
		memcpy(longest + i, "\xce\x90", 2);
	struct gt_buffer b = {0};
	assert_true(gt_fold(&b, longest));
	assert_int_equal(b.n, GT_PATH_MAX / 2 * 6);
	gt_buffer_free(&b);
}

static void reserved(void **state)
{
	static const char *const no[] = {
	        "con", "CON",   "a/Con/b", "nul.txt", "NUL.tar.gz", "aux .x",
	        "prn", "com1",  "LPT9.c",  "a:b",     "a?",         "x/a*b",
	        "a|b", "\"a\"", "<a",      "a>"};
	static const char *const yes[] = {
	        "cons",        "acon",  "com0",  "com10",       "com", "lpt",
	        "console.txt", "a.con", "nulls", "课程/第一讲", "a'b", "a,b"};
	(void)state;
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (!gt_fold_reserved(no[i]))
			fail_msg("%s", no[i]);
	for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
		if (gt_fold_reserved(yes[i]))
			fail_msg("%s", yes[i]);
}

static void names_of_people(void **state)
{
	static const char *const same[][2] = {
	        {"School", "school"},
	        {"\uff33chool\u3000\uff13", "school 3"},
	        {"stra\u00dfe", "STRASSE"},
	        {"e\u0301cole", "\u00c9COLE"},
	        {"sch\u200book\u00ad", "schook"}};
	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		struct gt_buffer a = {0}, b = {0};
		assert_true(gt_fold_name(&a, same[i][0]));
		assert_true(gt_fold_name(&b, same[i][1]));
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.p, b.p, a.n);
		gt_buffer_free(&a);
		gt_buffer_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(folds),
	                                   cmocka_unit_test(reserved),
	                                   cmocka_unit_test(names_of_people)};
	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
