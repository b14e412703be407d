#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "measure.h"
#include "sys.h"
#include "utf8.h"

/* ------------------------------------------------------------ width */

struct range {
	uint32_t from, to;
};

/* Unicode 15 East Asian Width W and F, joined where gaps are unassigned. */
static const struct range wide[] = {
        {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},
        {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},
        {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
        {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},
        {0x1f300, 0x1f64f}, {0x1f680, 0x1f6fc}, {0x1f900, 0x1f9ff},
        {0x20000, 0x3fffd},
};
static const struct range zero[] = {
        {0x300, 0x36f},   {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0x302a, 0x302d},
        {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
};
/* What moves the cursor or turns the reading direction. */
static const struct range harmful[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfff9, 0xfffb},
};

static bool within(uint32_t c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= r[i].from && c <= r[i].to)
			return true;
	return false;
}
#define WITHIN(c, table) within(c, table, sizeof(table) / sizeof *(table))

/* One character; *n its bytes. Broken UTF-8 is U+FFFD, a byte at a time. */
static uint32_t decode(const char *text, size_t *n)
{
	uint32_t c = gt_utf8_next(text, GT_UTF8_MAX, n);
	return c == GT_UTF8_BROKEN ? 0xfffd : c;
}

static size_t width_of(uint32_t c)
{
	if (WITHIN(c, zero))
		return 0;
	return WITHIN(c, wide) ? 2 : 1;
}

size_t gt_term_width(const char *text)
{
	size_t width = 0, n;
	for (; *text; text += n)
		width += width_of(decode(text, &n));
	return width;
}

static const char replacement[] = "\xef\xbf\xbd";
static const char ellipsis[] = "\xe2\x80\xa6";

void gt_term_clean(char *out, size_t cap, const char *text, size_t columns)
{
	size_t used = 0, width = 0, n;
	bool cut = gt_term_width(text) > columns;
	assert(cap > sizeof ellipsis);
	for (; *text; text += n) {
		uint32_t c = decode(text, &n);
		const char *put = text;
		size_t len = n;
		if (c == 0xfffd || WITHIN(c, harmful)) {
			put = replacement;
			len = sizeof replacement - 1;
		}
		if (width + width_of(c) + cut > columns ||
		    used + len + sizeof ellipsis > cap)
			break;
		memcpy(out + used, put, len);
		used += len;
		width += width_of(c);
	}
	out[used] = '\0';
	if (*text && columns > 0)
		memcpy(out + used, ellipsis, sizeof ellipsis);
}

size_t gt_term_columns(FILE *f)
{
	struct winsize size;
	int fd = fileno(f);
	if (fd < 0 || !isatty(fd))
		return 0;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/* ----------------------------------------------------------- tables */

enum { COLUMNS_MAX = 24, CELL = 1024 };

struct gt_table {
	const char *align;
	const char *const *heads;
	size_t ncols, nrows, cap;
	char **cells;              /* nrows * ncols */
	size_t width[COLUMNS_MAX]; /* of what is printed already */
	bool begun;                /* the heads are */
};

struct gt_table *gt_table_new(const char *align, const char *const *heads)
{
	struct gt_table *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->align = align;
	t->heads = heads;
	t->ncols = strlen(align);
	assert(t->ncols > 0 && t->ncols <= COLUMNS_MAX);
	return t;
}

bool gt_table_row(struct gt_table *t, const char *const *cells)
{
	if (t->nrows == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 32;
		char **p = realloc(t->cells, cap * t->ncols * sizeof *p);
		if (!p)
			return false;
		t->cells = p;
		t->cap = cap;
	}
	char **row = t->cells + t->nrows * t->ncols;
	for (size_t c = 0; c < t->ncols; c++) {
		row[c] = strdup(cells[c] ? cells[c] : "");
		if (!row[c]) {
			while (c > 0)
				free(row[--c]);
			return false;
		}
	}
	t->nrows++;
	return true;
}

static void drop_rows(struct gt_table *t)
{
	for (size_t i = 0; i < t->nrows * t->ncols; i++)
		free(t->cells[i]);
	t->nrows = 0;
}

void gt_table_free(struct gt_table *t)
{
	if (!t)
		return;
	drop_rows(t);
	free(t->cells);
	free(t);
}

static void measure(struct gt_table *t, size_t columns)
{
	size_t total = 0, gives = t->ncols, *width = t->width;
	for (size_t c = 0; c < t->ncols; c++) {
		size_t head = gt_term_width(t->heads[c]);
		width[c] = head > width[c] ? head : width[c];
		for (size_t r = 0; r < t->nrows; r++) {
			size_t w = gt_term_width(t->cells[r * t->ncols + c]);
			width[c] = w > width[c] ? w : width[c];
		}
		if (width[c] > CELL / 4)
			width[c] = CELL / 4;
		if (t->align[c] == '*')
			gives = c;
		total += width[c] + 2;
	}
	if (columns == 0 || total <= columns + 2 || gives == t->ncols)
		return;
	size_t over = total - 2 - columns;
	width[gives] = width[gives] > over + 8 ? width[gives] - over : 8;
}

static void pad(FILE *out, size_t n)
{
	while (n-- > 0)
		(void)fputc(' ', out);
}

static void print_row(const struct gt_table *t, FILE *out,
                      const size_t width[COLUMNS_MAX], const char *const *cells)
{
	for (size_t c = 0; c < t->ncols; c++) {
		char clean[CELL];
		gt_term_clean(clean, sizeof clean, cells[c], width[c]);
		size_t w = gt_term_width(clean);
		size_t space = width[c] > w ? width[c] - w : 0;
		bool last = c + 1 == t->ncols;
		if (t->align[c] == 'r')
			pad(out, space);
		(void)fputs(clean, out);
		if (t->align[c] != 'r' && !last)
			pad(out, space);
		if (!last)
			pad(out, 2);
	}
	(void)fputc('\n', out);
}

void gt_table_print(struct gt_table *t, FILE *out, size_t columns)
{
	measure(t, columns);
	if (!t->begun)
		print_row(t, out, t->width, t->heads);
	t->begun = true;
	for (size_t r = 0; r < t->nrows; r++)
		print_row(t, out, t->width,
		          (const char *const *)(t->cells + r * t->ncols));
	drop_rows(t);
}

/* --------------------------------------------------------- progress */

enum { REDRAW_MS = 100, PLAIN_MS = 1000, BAR = 24 };

void gt_progress_begin(struct gt_progress *p, FILE *out, const char *label)
{
	*p = (struct gt_progress){.out = out,
	                          .label = label,
	                          .tty = gt_term_columns(out) > 0,
	                          .begun_ms = gt_sys_now().mono_ms};
}

static void draw_bar(const struct gt_progress *p)
{
	uint64_t full = p->total ? p->done * BAR / p->total : 0;
	char bar[BAR + 1];
	for (unsigned i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR] = '\0';
	(void)fprintf(p->out, "[%s] %3u%%  ", bar,
	              (unsigned)(p->total ? p->done * 100 / p->total : 0));
}

static void draw(struct gt_progress *p, uint64_t now)
{
	char label[256], done[GT_MEASURE_SIZE], total[GT_MEASURE_SIZE];
	char rate[GT_MEASURE_SIZE], took[GT_MEASURE_SIZE];
	uint64_t ms = now > p->begun_ms ? now - p->begun_ms : 1;
	gt_term_clean(label, sizeof label, p->label, 32);
	gt_measure_size(done, p->done);
	gt_measure_size(total, p->total);
	gt_measure_size(rate, (uint64_t)((double)p->done * 1000 / (double)ms));
	gt_measure_duration(took, ms);
	(void)fprintf(p->out, "%s%s  ", p->tty ? "\r" : "", label);
	if (p->total && p->tty)
		draw_bar(p);
	(void)fprintf(p->out, "%s", done);
	if (p->total)
		(void)fprintf(p->out, " / %s", total);
	(void)fprintf(p->out, "  %s/s  %s%s", rate, took,
	              p->tty ? "\x1b[K" : "\n");
	(void)fflush(p->out);
	p->drawn_ms = now;
	p->drawn = true;
}

void gt_progress_set(struct gt_progress *p, uint64_t done, uint64_t total)
{
	uint64_t now = gt_sys_now().mono_ms;
	p->done = total && done > total ? total : done;
	p->total = total;
	unsigned quarter =
	        total ? (unsigned)((double)p->done * 4 / (double)total) : 0;
	bool due = p->tty ? !p->drawn || now - p->drawn_ms >= REDRAW_MS
	                  : quarter > p->quarter && quarter < 4 &&
	                            now - p->begun_ms >= PLAIN_MS;
	p->quarter = quarter;
	if (due)
		draw(p, now);
}

void gt_progress_end(struct gt_progress *p)
{
	draw(p, gt_sys_now().mono_ms);
	if (p->tty)
		(void)fputc('\n', p->out);
}
