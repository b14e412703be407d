/* plot.h: bars, as a drawing (SVG 1.1).
 * Tests: u_plot.c, e2e/test_report.py. */
#ifndef GT_PLOT_H
#define GT_PLOT_H

#include "buffer.h"

/* Borrowed. Texts may hold anything. */
struct gt_bar {
	const char *label;
	double value;   /* not below 0 */
	const char *is; /* the value as it is written */
};
struct gt_plot {
	const char *title, *note;
	const struct gt_bar *bars;
	size_t n;
};

/* Appends the drawing: a bar for each, one under the other. What is wrong is the
 * buffer's to say. */
void gt_plot_svg(struct gt_buffer *out, const struct gt_plot *plot);

#endif
