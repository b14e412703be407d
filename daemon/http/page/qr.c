#include "qr.h"

#include <qrencode.h>
#include <string.h>

#include "http_out.h"

/* Of what libqrencode says of a module: its colour. */
enum { BLACK = 1 };

/* What is black of a row: its runs, each as one rectangle of the path. */
static void draw_row(struct gt_buffer *o, const uint8_t *row, int width, int y)
{
	for (int x = 0, end; x < width; x = end + 1) {
		for (end = x; end < width && row[end] & BLACK;)
			end++;
		if (end > x)
			gt_buffer_format(o, "M%d %dh%dv1h-%dz",
			                 x + GT_QR_MARGIN, y + GT_QR_MARGIN,
			                 end - x, end - x);
	}
}

bool gt_out_qr(struct gt_buffer *o, const char *text, const char *label)
{
	size_t n = strlen(text);
	QRcode *code = n > 0 && n <= GT_QR_TEXT_MAX
	                       ? QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M)
	                       : NULL;
	if (!code)
		return false;
	int side = code->width + 2 * GT_QR_MARGIN;
	gt_buffer_format(o,
	                 "<svg class=\"qr\" role=\"img\" viewBox=\"0 0 %d "
	                 "%d\" shape-rendering=\"crispEdges\" aria-label=\"",
	                 side, side);
	gt_out_html(o, label);
	gt_buffer_format(o,
	                 "\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
	                 "<path fill=\"#000\" d=\"",
	                 side, side);
	for (int y = 0; y < code->width; y++)
		draw_row(o, code->data + (size_t)y * (size_t)code->width,
		         code->width, y);
	gt_buffer_str(o, "\"/></svg>");
	QRcode_free(code);
	return true;
}
