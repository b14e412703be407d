/* u_media.c: media types by extension, and what may be one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "object.h"

static void by_extension(void **state)
{
	static const char *const none = "application/octet-stream";
	(void)state;
	assert_string_equal(gt_media_type("a/b.HTML"), "text/html");
	assert_string_equal(gt_media_type("a.htm"), "text/html");
	assert_string_equal(gt_media_type("讲义.pdf"), "application/pdf");
	assert_string_equal(gt_media_type("a.tar.apk"),
	                    "application/vnd.android.package-archive");
	assert_string_equal(gt_media_type("b.d/a"), none);
	assert_string_equal(gt_media_type("b.pdf/a"), none);
	assert_string_equal(gt_media_type("html"), none);
	assert_string_equal(gt_media_type("a."), none);
	assert_string_equal(gt_media_type("a.htmlx"), none);
	assert_string_equal(gt_media_type("a.ht"), none);
	assert_string_equal(gt_media_type(""), none);
}

static bool valid(const char *type)
{
	return gt_media_type_valid(type, strlen(type));
}

static void forms(void **state)
{
	(void)state;
	assert_true(valid("text/plain; charset=gbk"));
	assert_true(valid("azAZ09!#$&^_.+-/azAZ09!#$&^_.+-"));
	assert_true(valid("a/b"));
	assert_true(valid("a/b;"));
	static const char *const bad[] = {
	        "",      "text",   "text/",
	        "/x",    "a/;",    "a/b/c",
	        "a b/c", "a/b c",  "a;b/c",
	        "@/b",   "[/b",    "`/b",
	        "{/b",   "//b",    "/",
	        ":/b",   "a/@",    "a/b;\"",
	        "a/b;/", "a/b;,",  "text/plain\r\nX: y",
	        "课/b",  "a/b;课",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (valid(bad[i]))
			fail_msg("%s", bad[i]);
	/* a NUL is no end */
	assert_false(gt_media_type_valid("a/b", 4));
	assert_false(gt_media_type_valid("a\0/b", 4));
	assert_false(gt_media_type_valid("a/b;\0", 5));
	char longest[GT_MEDIA_TYPE_MAX + 1];
	memset(longest, 'a', sizeof longest);
	longest[10] = '/';
	assert_true(gt_media_type_valid(longest, GT_MEDIA_TYPE_MAX));
	assert_false(gt_media_type_valid(longest, GT_MEDIA_TYPE_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(by_extension),
	        cmocka_unit_test(forms),
	};
	return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}
