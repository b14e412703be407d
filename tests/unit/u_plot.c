/* u_plot.c: bars, as a drawing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nomem.h"
#include "plot.h"

static char *draw(const struct gt_bar *bars, size_t n)
{
	struct gt_buffer b = {0};
	gt_plot_svg(&b, &(struct gt_plot){"33: <VISITS> & \"more\"",
	                                  "by what they say", bars, n});
	char *text = gt_buffer_text(&b, NULL);
	assert_non_null(text);
	return text;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *s = text; (s = strstr(s, what)); s++)
		n++;
	return n;
}

static void a_bar_is_as_long_as_its_value(void **state)
{
	(void)state;
	static const struct gt_bar bars[] = {
	        {"330106 · 养老", 200, "200"}, {"b", 50, "50"}, {"c", 0, "0"}};
	char *svg = draw(bars, 3);
	assert_int_equal(count(svg, "<rect x="), 3);
	assert_non_null(strstr(svg, "width=\"460\" height=\"16\""));
	assert_non_null(strstr(svg, "width=\"115\" height=\"16\""));
	assert_non_null(strstr(svg, "width=\"1\" height=\"16\""));
	assert_non_null(strstr(svg, ">330106 · 养老</text>"));
	assert_non_null(strstr(svg, ">200</text>"));
	free(svg);
}

static void nothing_of_a_text_is_taken_for_a_mark(void **state)
{
	(void)state;
	static const struct gt_bar bars[] = {
	        {"<script>&\"'\x01\x1b[1m", 1, "<b>"},
	        {"\xff\xfe\xed\xa0\x80", 1, "1"}};
	char *svg = draw(bars, 2);
	assert_null(strstr(svg, "<script"));
	assert_null(strstr(svg, "<b>"));
	assert_null(strchr(svg, '\x01'));
	assert_null(strchr(svg, '\x1b'));
	assert_null(strstr(svg, "\xff"));
	assert_null(strstr(svg, "\xed\xa0\x80"));
	assert_non_null(strstr(svg, "&lt;script&gt;&amp;&quot;"));
	assert_non_null(strstr(svg, "33: &lt;VISITS&gt; &amp; &quot;more"));
	free(svg);
}

static void of_nothing_there_is_a_drawing_too(void **state)
{
	(void)state;
	char *svg = draw(NULL, 0);
	assert_int_equal(count(svg, "<rect x="), 0);
	assert_int_equal(count(svg, "</svg>"), 1);
	free(svg);
}

static void no_memory_is_said(void **state)
{
	(void)state;
	static const struct gt_bar bars[] = {{"a", 1, "1"}};
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_buffer b = {0};
		gt_plot_svg(&b, &(struct gt_plot){"t", "n", bars, 1});
		assert_true(b.failed == nomem_hit());
		gt_buffer_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_bar_is_as_long_as_its_value),
	        cmocka_unit_test(nothing_of_a_text_is_taken_for_a_mark),
	        cmocka_unit_test(of_nothing_there_is_a_drawing_too),
	        cmocka_unit_test(no_memory_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
