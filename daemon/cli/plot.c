#include "plot.h"

#include "term.h"

enum {
	LABEL = 340, /* where bars begin; pixels, as all below */
	BARS = 460,  /* the longest */
	VALUE = 120,
	ROW = 24,
	TOP = 56,
	BOTTOM = 36,
	LABEL_COLUMNS = 44, /* what has room before a bar */
	LINE_COLUMNS = 120, /* ... above all of them, and below */
	TEXT = 2048
};

/* What XML has marks for, escaped, and what it may not hold at all left out, in
 * no more columns than that. */
static void put(struct gt_buffer *out, const char *text, size_t columns)
{
	char clean[TEXT];
	gt_term_clean(clean, sizeof clean, text, columns);
	for (const char *c = clean; *c; c++) {
		switch (*c) {
		case '&':
			gt_buffer_str(out, "&amp;");
			break;
		case '<':
			gt_buffer_str(out, "&lt;");
			break;
		case '>':
			gt_buffer_str(out, "&gt;");
			break;
		case '"':
			gt_buffer_str(out, "&quot;");
			break;
		default:
			gt_buffer_add(out, c, 1);
		}
	}
}

static void text_at(struct gt_buffer *out, int x, int y, const char *class,
                    const char *text, size_t columns)
{
	gt_buffer_format(out, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y,
	                 class);
	put(out, text, columns);
	gt_buffer_str(out, "</text>\n");
}

static void bar(struct gt_buffer *out, const struct gt_bar *b, int y,
                double most)
{
	int length = most > 0 ? (int)(b->value / most * BARS + 0.5) : 0;
	text_at(out, LABEL - 8, y + 16, "label", b->label, LABEL_COLUMNS);
	gt_buffer_format(out,
	                 "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
	                 "rx=\"2\"/>\n",
	                 LABEL, y + 4, length > 0 ? length : 1, ROW - 8);
	text_at(out, LABEL + length + 6, y + 16, "value", b->is, LABEL_COLUMNS);
}

void gt_plot_svg(struct gt_buffer *out, const struct gt_plot *plot)
{
	int width = LABEL + BARS + VALUE;
	int height = TOP + (int)plot->n * ROW + BOTTOM;
	double most = 0;
	for (size_t i = 0; i < plot->n; i++)
		if (plot->bars[i].value > most)
			most = plot->bars[i].value;
	gt_buffer_format(
	        out,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	        "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
	        "<style>text{font:13px sans-serif;fill:#1f2933}"
	        ".title{font-size:18px;font-weight:600}"
	        ".label{text-anchor:end}.note{font-size:12px;fill:#52606d}"
	        "rect{fill:#2b6cb0}.page{fill:#fff}</style>\n"
	        "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n<title>",
	        width, height, width, height, width, height);
	put(out, plot->title, LINE_COLUMNS);
	gt_buffer_str(out, "</title>\n");
	text_at(out, 16, 32, "title", plot->title, LINE_COLUMNS);
	for (size_t i = 0; i < plot->n; i++)
		bar(out, &plot->bars[i], TOP + (int)i * ROW, most);
	text_at(out, 16, height - 14, "note", plot->note, LINE_COLUMNS);
	gt_buffer_str(out, "</svg>\n");
}
