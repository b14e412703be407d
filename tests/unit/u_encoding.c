/* u_encoding.c: what a text that should be UTF-8 is instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "encoding.h"

static void what_it_is(void **state)
{
	static const struct {
		const char *text;
		size_t n; /* 0: as a string */
		const char *name, *shown;
		int line, column;
	} rows[] = {
	        {"a\n\xb5\xda\xd2\xbb\xbf\xce", 0, "GB18030", "第一课", 2, 1},
	        {"title: \xb5\xda\xd2\xbb\xbf\xce\r\nb", 0, "GB18030",
	         "title: 第一课", 1, 8},
	        {"\t\xa1\xba\xce\xc4\xa1\xbb", 0, "GB18030", " 『文』", 1, 2},
	        /* Latin 1, and what decodes as rare characters alone */
	        {"caf\xe9 au lait", 0, NULL, "", 1, 4},
	        {"\xfe\x60\xfe\x61", 0, NULL, "", 1, 1},
	        /* halved */
	        {"\xb5\xda\xd2", 0, NULL, "", 1, 1},
	        {"\xff\xfe{\0i\0\n\0x\0", 10, "UTF-16LE", "{i", 1, 1},
	        {"\xfe\xff\x7b\x2c\x4e\0\0\n\0x", 10, "UTF-16BE", "第一", 1, 1},
	        {"i\0d\0", 4, "UTF-16LE", "id", 1, 1},
	        {"\0i\0d", 4, "UTF-16BE", "id", 1, 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_encoding e;
		size_t n = rows[i].n ? rows[i].n : strlen(rows[i].text);
		assert_true(
		        gt_encoding_other(&e, gt_bytes_of(rows[i].text, n)));
		if (rows[i].name && e.name)
			assert_string_equal(e.name, rows[i].name);
		else if (rows[i].name || e.name)
			fail_msg("row %zu", i);
		assert_int_equal(e.line, rows[i].line);
		assert_int_equal(e.column, rows[i].column);
		assert_string_equal(e.shown, rows[i].shown);
	}
}

static void what_is_utf8(void **state)
{
	static const char *const good[] = {"", "a", "第一课\n",
	                                   "\xef\xbb\xbf{}", "é"};
	struct gt_encoding e;
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_false(gt_encoding_other(&e, gt_bytes_str(good[i])));
}

/* Long lines are cut, and not within a character. */
static void long_lines_are_cut(void **state)
{
	char text[400];
	(void)state;
	for (size_t odd = 0; odd < 2; odd++) {
		struct gt_encoding e;
		memset(text, 'a', odd);
		for (size_t i = odd; i + 1 < sizeof text; i += 2)
			memcpy(text + i, "\xb5\xda", 2);
		size_t n = odd + (sizeof text - odd) / 2 * 2;
		assert_true(gt_encoding_other(&e, gt_bytes_of(text, n)));
		assert_string_equal(e.name, "GB18030");
		assert_int_equal(strlen(e.shown), odd ? 1 + 49 * 3 : 50 * 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_it_is),
	        cmocka_unit_test(what_is_utf8),
	        cmocka_unit_test(long_lines_are_cut),
	};
	return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
