#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

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

/* ---------------------------------------------------------- figures */

void gt_term_size(char out[GT_TERM_SIZE], uint64_t bytes)
{
	static const char *const units[] = {"B",   "KiB", "MiB", "GiB",
	                                    "TiB", "PiB", "EiB"};
	size_t unit = 0;
	double v = (double)bytes;
	/* 1023.95 would be printed as 1024.0 */
	while (v >= 1023.95 && unit < 6) {
		v /= 1024;
		unit++;
	}
	if (unit == 0)
		gt_format(out, GT_TERM_SIZE, "%u B", (unsigned)bytes);
	else
		gt_format(out, GT_TERM_SIZE, "%.1f %s", v, units[unit]);
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. */
static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

static void date_of(int64_t days, int64_t *y, unsigned *m, unsigned *d)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned doe = (unsigned)(days - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = (int64_t)yoe + era * 400 + (*m <= 2);
}

void gt_term_time(char out[GT_TERM_TIME], int64_t wall_ms)
{
	int64_t s = wall_ms / 1000 - (wall_ms % 1000 < 0), y;
	int64_t days = s / 86400 - (s % 86400 < 0);
	unsigned rest = (unsigned)(s - days * 86400), m, d;
	date_of(days, &y, &m, &d);
	if (y < 0 || y > 9999)
		gt_format(out, GT_TERM_TIME, "%lld", (long long)wall_ms);
	else
		gt_format(out, GT_TERM_TIME, "%04d-%02u-%02uT%02u:%02u:%02uZ",
		          (int)y, m, d, rest / 3600, rest / 60 % 60, rest % 60);
}

void gt_term_duration(char out[GT_TERM_SIZE], uint64_t ms)
{
	uint64_t s = ms / 1000;
	if (s < 60)
		gt_format(out, GT_TERM_SIZE, "%us", (unsigned)s);
	else if (s < 3600)
		gt_format(out, GT_TERM_SIZE, "%um %02us", (unsigned)(s / 60),
		          (unsigned)(s % 60));
	else if (s < 86400)
		gt_format(out, GT_TERM_SIZE, "%uh %02um", (unsigned)(s / 3600),
		          (unsigned)(s / 60 % 60));
	else
		gt_format(out, GT_TERM_SIZE, "%ud %02uh",
		          (unsigned)(s / 86400 % 100000000),
		          (unsigned)(s / 3600 % 24));
}

/* n digits at *p, which moves on. -1: they are not there. */
static int digits(const char **p, int n)
{
	int v = 0;
	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static bool after(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* "Z", "+08:00" or the end: seconds east of UTC. */
static bool parse_zone(const char *p, int *east)
{
	*east = 0;
	if (*p == '\0')
		return true;
	if (after(&p, 'Z') || after(&p, 'z'))
		return *p == '\0';
	int sign = *p == '-' ? -1 : 1;
	if (*p != '-' && *p != '+')
		return false;
	p++;
	int h = digits(&p, 2);
	int m = after(&p, ':') ? digits(&p, 2) : -1;
	*east = sign * (h * 3600 + m * 60);
	return h >= 0 && h < 24 && m >= 0 && m < 60 && *p == '\0';
}

bool gt_term_time_parse(const char *text, int64_t *wall_ms)
{
	const char *p = text;
	int h = 0, min = 0, s = 0, ms = 0, east = 0;
	int y = digits(&p, 4);
	int m = y >= 0 && after(&p, '-') ? digits(&p, 2) : -1;
	int d = m > 0 && after(&p, '-') ? digits(&p, 2) : -1;
	if (m < 1 || m > 12 || d < 1 || d > 31)
		return false;
	if (*p == 'T' || *p == ' ') {
		p++;
		h = digits(&p, 2);
		min = h >= 0 && after(&p, ':') ? digits(&p, 2) : -1;
		if (min >= 0 && after(&p, ':'))
			s = digits(&p, 2);
		if (min >= 0 && s >= 0 && after(&p, '.')) {
			int scale = 100;
			for (; *p >= '0' && *p <= '9'; p++, scale /= 10)
				ms += (*p - '0') * scale;
		}
	}
	if (h < 0 || h > 23 || min < 0 || min > 59 || s < 0 || s > 60 ||
	    !parse_zone(p, &east))
		return false;
	int64_t days = days_of(y, (unsigned)m, (unsigned)d), ry;
	unsigned rm, rd;
	date_of(days, &ry, &rm, &rd);
	if (rm != (unsigned)m) /* 31 June */
		return false;
	*wall_ms = (days * 86400 + (int64_t)h * 3600 + (int64_t)min * 60 + s -
	            east) * 1000 +
	           ms;
	return true;
}

/* ----------------------------------------------------------- tables */

enum { COLUMNS_MAX = 24, CELL = 1024 };

struct gt_table {
	const char *align;
	const char *const *heads;
	size_t ncols, nrows, cap;
	char **cells; /* nrows * ncols */
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

void gt_table_free(struct gt_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nrows * t->ncols; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

static void measure(const struct gt_table *t, size_t columns,
                    size_t width[COLUMNS_MAX])
{
	size_t total = 0, gives = t->ncols;
	for (size_t c = 0; c < t->ncols; c++) {
		width[c] = gt_term_width(t->heads[c]);
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

void gt_table_print(const struct gt_table *t, FILE *out, size_t columns)
{
	size_t width[COLUMNS_MAX];
	measure(t, columns, width);
	print_row(t, out, width, t->heads);
	for (size_t r = 0; r < t->nrows; r++)
		print_row(t, out, width,
		          (const char *const *)(t->cells + r * t->ncols));
}

/* --------------------------------------------------------- progress */

enum { REDRAW_MS = 100, PLAIN_MS = 1000, BAR = 24 };

static uint64_t now_ms(void)
{
	struct timespec ts = {0, 0};
	/* A clock that cannot be read stops the figures, not the work. */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void gt_progress_begin(struct gt_progress *p, FILE *out, const char *label)
{
	*p = (struct gt_progress){.out = out,
	                          .label = label,
	                          .tty = gt_term_columns(out) > 0,
	                          .begun_ms = now_ms()};
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
	char label[256], done[GT_TERM_SIZE], total[GT_TERM_SIZE];
	char rate[GT_TERM_SIZE], took[GT_TERM_SIZE];
	uint64_t ms = now > p->begun_ms ? now - p->begun_ms : 1;
	gt_term_clean(label, sizeof label, p->label, 32);
	gt_term_size(done, p->done);
	gt_term_size(total, p->total);
	gt_term_size(rate, (uint64_t)((double)p->done * 1000 / (double)ms));
	gt_term_duration(took, ms);
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
	uint64_t now = now_ms();
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
	draw(p, now_ms());
	if (p->tty)
		(void)fputc('\n', p->out);
}
