/* u_access_name.c: which names may be given, and which look like another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "name.h"

static void who_may(void **state)
{
	static const char *const good[] = {
	        "school-3",       "county_report.2",
	        "anna@school.cn", "书屋 1",
	        "西湖区第三小学", "二〇二六级",
	        "阿不都·热合曼",  "ئابدۇراخمان",
	        "قۇدايبەردى",     "བཀྲ་ཤིས",
	        "ᠪᠠᠲᠤ",           "김철수",
	        "ꀀꀁ",           "新疆 ئالىم",
	        "𠮷野",
	};
	static const char *const bad[] = {
	        "schооl", /* Cyrillic */
	        "школа",  /* all of it */
	        "αβγ",
	        "school‐3", /* U+2010 */
	        "school–3",
	        "ｓｃｈｏｏｌ",
	        "sch\xe2\x80\x8bool",
	        "sch\xc2\xadool",
	        "school\xe2\x80\xae",
	        "école",
	        "cafe\xcc\x81",
	        "٣",
	        "３",
	        "کتاب",
	        "ひらがな",
	        "丨",
	        "a  b",
	        "a|b",
	        "⼀",
	        "김ب",
	        "ᠪ\xe1\xa0\x8b",
	        "a\302\240b", /* U+00A0 */
	};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!gt_access_name_plain(good[i]))
			print_error("%s\n", good[i]);
		assert_true(gt_access_name_plain(good[i]));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (gt_access_name_plain(bad[i]))
			print_error("%s\n", bad[i]);
		assert_false(gt_access_name_plain(bad[i]));
	}
}

static void looks(void **state)
{
	static const struct {
		const char *old, *name;
		int alike;
	} rows[] = {
	        {"school", "School", 1},
	        {"ｓｃｈｏｏｌ", "school", 1},
	        {"sch\xe2\x80\x8bool", "school", 1},
	        {"schооl", "school", 1}, /* an earlier program's */
	        {"асе", "ace", 1},
	        {"СССР", "cccp", 1},
	        {"school‐3", "school-3", 1},
	        {"school–3", "school-3", 1},
	        {"schooI", "school", 1}, /* a capital i */
	        {"schooI", "schooi", 1},
	        {"school-1", "school-l", 1},
	        {"school-0", "school-O", 1},
	        {"班丨", "班l", 1},
	        {"ᠣᠷᠳᠤ", "ᠤᠷᠳᠤ", 1},
	        {"school-3", "school-4", 0},
	        {"school", "schools", 0},
	        {"学校一", "学校二", 0},
	        {"未来", "末来", 0},
	        {"김철수", "김철호", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (gt_access_name_alike(rows[i].old, rows[i].name) !=
		    rows[i].alike)
			print_error("%s %s\n", rows[i].old, rows[i].name);
		assert_int_equal(
		        gt_access_name_alike(rows[i].old, rows[i].name),
		        rows[i].alike);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(who_may),
	        cmocka_unit_test(looks),
	};
	return cmocka_run_group_tests_name("names of credentials", tests, NULL,
	                                   NULL);
}
