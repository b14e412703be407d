/* u_qr.c: a text is drawn as the modules of its QR code, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <qrencode.h>

#include "qr.h"

#define URL "https://lib.example.cn:8080/verify/urn%3Auuid%3A1"

/* What gt_out_qr drew for it. */
static char *drawn(const char *text, const char *label)
{
	struct gt_buffer o = {0};
	assert_true(gt_out_qr(&o, text, label));
	char *s = gt_buffer_text(&o, NULL);
	assert_non_null(s);
	return s;
}

/* Paints the second path's rectangles; every one must lie within. */
static int paint(const char *svg, uint8_t *dots, int side)
{
	const char *at = strstr(svg, "fill=\"#000\" d=\"");
	int count = 0, used = 0, x, y, w, back;
	assert_non_null(at);
	at += strlen("fill=\"#000\" d=\"");
	for (; *at != '"'; at += used, count++) {
		assert_int_equal(sscanf(at, "M%d %dh%dv1h-%dz%n", &x, &y, &w,
		                        &back, &used),
		                 4);
		assert_int_equal(w, back);
		assert_true(w > 0 && x >= 0 && x + w <= side && y < side);
		memset(dots + y * side + x, 1, (size_t)w);
	}
	return count;
}

static void is_the_modules_of_it(void **state)
{
	(void)state;
	QRcode *code = QRcode_encodeString8bit(URL, 0, QR_ECLEVEL_M);
	assert_non_null(code);
	int width = code->width, side = width + 2 * GT_QR_MARGIN;
	uint8_t *dots = calloc((size_t)side, (size_t)side);
	assert_non_null(dots);
	char *svg = drawn(URL, "x"), box[64];
	gt_format(box, sizeof box, "viewBox=\"0 0 %d %d\"", side, side);
	assert_non_null(strstr(svg, box));
	assert_true(paint(svg, dots, side) > width);
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++) {
			int i = x - GT_QR_MARGIN, k = y - GT_QR_MARGIN;
			bool in = i >= 0 && k >= 0 && i < width && k < width;
			int want = in ? code->data[k * width + i] & 1 : 0;
			assert_int_equal(dots[y * side + x], want);
		}
	free(dots);
	free(svg);
	QRcode_free(code);
}

/* No page speaks through it. */
static void holds_a_label_and_no_markup(void **state)
{
	(void)state;
	char *svg = drawn("<script>", "\"><script>");
	assert_null(strstr(svg, "<script"));
	assert_non_null(strstr(svg, "aria-label=\"&quot;&gt;&lt;script&gt;\""));
	assert_null(strstr(svg, "href"));
	assert_null(strstr(svg, "style="));
	assert_null(strstr(svg, "url("));
	free(svg);
}

static void what_is_too_long_is_not_drawn(void **state)
{
	(void)state;
	char text[GT_QR_TEXT_MAX + 2];
	struct gt_buffer o = {0};
	memset(text, 'x', sizeof text);
	text[GT_QR_TEXT_MAX + 1] = '\0';
	assert_false(gt_out_qr(&o, text, ""));
	assert_false(gt_out_qr(&o, "", ""));
	assert_int_equal(o.n, 0);
	text[GT_QR_TEXT_MAX] = '\0';
	assert_true(gt_out_qr(&o, text, ""));
	assert_true(o.n > 0 && o.n < 64 << 10);
	gt_buffer_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(is_the_modules_of_it),
	        cmocka_unit_test(holds_a_label_and_no_markup),
	        cmocka_unit_test(what_is_too_long_is_not_drawn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
