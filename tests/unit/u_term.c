/* u_term.c: widths, harmless text, figures, times, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "term.h"

static void widths(void **state)
{
	(void)state;
	assert_int_equal(gt_term_width("abc"), 3);
	assert_int_equal(gt_term_width("浙江省"), 6);
	assert_int_equal(gt_term_width("e\xcc\x81"),
	                 1); /* e, combining acute */
	assert_int_equal(gt_term_width("（Ａ）"), 6);
	assert_int_equal(gt_term_width("\xff\xfe"), 2); /* a mark a byte */
}

static void nothing_moves_the_cursor(void **state)
{
	(void)state;
	char out[64];
	gt_term_clean(out, sizeof out, "a\x1b[2Jb\nc\x7f", 40);
	assert_null(strpbrk(out, "\x1b\n\x7f"));
	gt_term_clean(out, sizeof out, "x\xe2\x80\xaey", 40); /* RLO */
	assert_null(strstr(out, "\xe2\x80\xae"));
	gt_term_clean(out, sizeof out,
	              "\xc2\x9b"
	              "31m",
	              40); /* C1 CSI */
	assert_null(strstr(out, "\xc2\x9b"));
}

static void cut_to_columns(void **state)
{
	(void)state;
	char out[64];
	gt_term_clean(out, sizeof out, "浙江省杭州市", 7);
	assert_string_equal(out, "浙江省…");
	assert_int_equal(gt_term_width(out), 7);
	gt_term_clean(out, sizeof out, "abcdef", 6);
	assert_string_equal(out, "abcdef");
	/* never more bytes than there are */
	char small[8];
	gt_term_clean(small, sizeof small, "浙江省杭州市", 40);
	assert_true(strlen(small) < sizeof small);
}

static char *table(size_t columns)
{
	static const char *const heads[] = {"ID", "TITLE", "SIZE"};
	const char *a[] = {"33/a", "长者学用智能手机", "1.0 MiB"};
	const char *b[] = {"33/bb", "x", NULL};
	struct gt_table *t = gt_table_new("l*r", heads);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(t);
	assert_non_null(f);
	assert_true(gt_table_row(t, a));
	assert_true(gt_table_row(t, b));
	gt_table_print(t, f, columns);
	gt_table_free(t);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void tables_line_up(void **state)
{
	(void)state;
	char *text = table(0);
	assert_string_equal(text, "ID     TITLE                SIZE\n"
	                          "33/a   长者学用智能手机  1.0 MiB\n"
	                          "33/bb  x                        \n");
	free(text);
	text = table(26); /* the title gives way */
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_int_equal(gt_term_width(line), 26);
	free(text);
}

static void progress_off_a_terminal_is_plain(void **state)
{
	(void)state;
	struct gt_progress p;
	char *text = NULL;
	size_t n, lines = 0;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	gt_progress_begin(&p, f, "pack");
	for (uint64_t i = 0; i <= 1000; i++)
		gt_progress_set(&p, i, 1000);
	gt_progress_end(&p);
	assert_int_equal(fclose(f), 0);
	assert_null(strpbrk(text, "\r\x1b"));
	for (char *c = text; *c; c++)
		lines += *c == '\n';
	assert_in_range(lines, 1, 4);
	assert_non_null(strstr(text, "1000 B / 1000 B"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(widths),
	        cmocka_unit_test(nothing_moves_the_cursor),
	        cmocka_unit_test(cut_to_columns),
	        cmocka_unit_test(tables_line_up),
	        cmocka_unit_test(progress_off_a_terminal_is_plain),
	};
	return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
