/* u_clash.c: which names of a package are one elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "clash.h"
#include "text.h"

static const char *of_list(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

static void which(void **state)
{
	static const char *const names[] = {
	        "A.TXT",            /* 0 */
	        "Dir",              /* 1 */
	        "a.TXT",            /* 2 */
	        "a.txt",            /* 3 */
	        "b",                /* 4 */
	        "b-",               /* 5 */
	        "cafe\xcc\x81.mp4", /* 6 */
	        "caf\xc3\xa9.mp4",  /* 7 */
	        "d",                /* 8 */
	        "d.",               /* 9 */
	        "d ",               /* 10 */
	        "dir/x/y",          /* 11: a file is where it needs a folder */
	        "f-g",              /* 12 */
	        "f/g",              /* 13 */
	};
	enum { N = sizeof names / sizeof *names };
	static const size_t want[N] = {
	        SIZE_MAX, SIZE_MAX, 0, 2, SIZE_MAX, SIZE_MAX, SIZE_MAX,
	        6,        SIZE_MAX, 8, 9, 1,        SIZE_MAX, SIZE_MAX};
	(void)state;
	size_t *with = gt_clash_find(of_list, names, N);
	assert_non_null(with);
	for (size_t i = 0; i < N; i++)
		if (with[i] != want[i])
			fail_msg("%s: %zu", names[i], with[i]);
	free(with);
	with = gt_clash_find(of_list, names, 0);
	assert_non_null(with);
	free(with);
}

static char *warned(const char *const *names, size_t n)
{
	struct gt_walk_file *files = calloc(n, sizeof *files);
	struct gt_walk w = {.files = files, .n = n};
	char *said = NULL;
	size_t len;
	FILE *err = open_memstream(&said, &len);
	assert_non_null(files);
	assert_non_null(err);
	for (size_t i = 0; i < n; i++)
		files[i].path = gt_lend(names[i]);
	assert_true(gt_clash_warn(err, "here", &w));
	assert_int_equal(fclose(err), 0);
	free(files);
	return said;
}

static void warnings(void **state)
{
	static const char *const fine[] = {"a", "b", "课程/a"};
	static const char *const bad[] = {"A", "a", "b", "con/x", "what?"};
	(void)state;
	gt_text_language("en");
	char *said = warned(fine, 3);
	assert_string_equal(said, "");
	free(said);
	said = warned(bad, 5);
	assert_string_equal(
	        said,
	        "here: warning: on Windows, Macs and USB sticks these are one "
	        "name, and only one of them can be saved:\n"
	        "  \"A\" \"a\"\n"
	        "here: warning: Windows and USB sticks know no files of these "
	        "names:\n"
	        "  \"con/x\"\n  \"what?\"\n");
	free(said);
}

/* Of many the first twenty. */
static void many(void **state)
{
	enum { N = 25 };
	static char room[2 * N][8];
	const char *names[2 * N];
	(void)state;
	for (size_t i = 0; i < N; i++) {
		gt_format(room[2 * i], 8, "%02zuA", i);
		gt_format(room[2 * i + 1], 8, "%02zua", i);
		names[2 * i] = room[2 * i];
		names[2 * i + 1] = room[2 * i + 1];
	}
	char *said = warned(names, 2 * (size_t)N);
	size_t lines = 0;
	for (const char *p = said; (p = strstr(p, "\n  \"")); p++)
		lines++;
	assert_int_equal(lines, 20);
	assert_non_null(strstr(said, "... 25 in all"));
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(which),
	                                   cmocka_unit_test(warnings),
	                                   cmocka_unit_test(many)};
	return cmocka_run_group_tests_name("clash", tests, NULL, NULL);
}
