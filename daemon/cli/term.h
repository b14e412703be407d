/* term.h: text for people at a terminal: widths, tables, progress.
 *
 * What comes from peers may hold anything. Everything printed through here has
 * its control characters, escapes and direction overrides replaced, so that a
 * title cannot move the cursor or colour the screen. */
#ifndef GT_TERM_H
#define GT_TERM_H

#include <stdio.h>

#include "base.h"

/* Columns the text takes: East Asian wide characters two, combining none. */
size_t gt_term_width(const char *text);
/* The text made harmless, cut to `columns` with "…" when it is wider. out is
 * always terminated; cap bytes are enough for all of it or it is cut. */
void gt_term_clean(char *out, size_t cap, const char *text, size_t columns);
/* Columns of the terminal behind f; 0: f is no terminal. */
size_t gt_term_columns(FILE *f);

/* ----------------------------------------------------------- tables */

struct gt_table;
/* An empty table. align: a letter a column, 'l' or 'r', '*' for the one that
 * gives way (left) when the terminal is too narrow. heads are borrowed. NULL:
 * no memory. */
struct gt_table *gt_table_new(const char *align, const char *const *heads);
/* Copies one row; NULL cells are empty. False: no memory. */
bool gt_table_row(struct gt_table *t, const char *const *cells);
/* Prints heads and rows, within so many columns (0: as wide as it needs), and
 * drops the rows. Rows of a long table may be added and printed again: they go
 * on under the same heads, in columns at least as wide. */
void gt_table_print(struct gt_table *t, FILE *out, size_t columns);
/* Frees it; NULL is fine. */
void gt_table_free(struct gt_table *t);

/* --------------------------------------------------------- progress */

/* One line that is drawn over on a terminal; elsewhere plain lines: one at the
 * end and, for what takes more than a second, one each quarter. */
struct gt_progress {
	FILE *out;
	const char *label; /* borrowed */
	bool tty;
	uint64_t begun_ms, drawn_ms;
	uint64_t done, total;
	unsigned quarter;
	bool drawn;
};
/* Begins at nothing done; label is borrowed, the clock runs. */
void gt_progress_begin(struct gt_progress *p, FILE *out, const char *label);
/* So much is done; total 0: not known. Draws at most ten times per second. */
void gt_progress_set(struct gt_progress *p, uint64_t done, uint64_t total);
/* Leaves the last state on a line of its own. */
void gt_progress_end(struct gt_progress *p);

#endif
