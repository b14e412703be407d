#include "iso8601.h"

#include <string.h>

enum { DAY_S = 86400, NANO_DIGITS = 9 };

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
static const int64_t first_s = -62167219200;
static const int64_t last_s = 253402300799;

/* Days since 1970-01-01 of a date there is. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void date_of(int64_t days, int *y, int *m, int *d)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t doe = days - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = (int)(yoe + era * 400 + (*m <= 2));
}

/* Exactly n digits, not more. -1: something else. */
static int digits(const char **p, int n)
{
	int v = 0;
	for (int i = 0; i < n; i++, ++*p) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int month_days(int y, int m)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
	                           31, 31, 30, 31, 30, 31};
	return m == 2 && leap(y) ? 29 : days[m - 1];
}

static bool read_date(int64_t *days, const char **p)
{
	int y = digits(p, 4);
	if (y < 0 || !literal(p, '-'))
		return false;
	int m = digits(p, 2);
	if (m < 1 || m > 12 || !literal(p, '-'))
		return false;
	int d = digits(p, 2);
	if (d < 1 || d > month_days(y, m))
		return false;
	*days = days_of(y, m, d);
	return true;
}

static bool read_fraction(const char **p, uint32_t *nano)
{
	if (**p != '.' && **p != ',')
		return true;
	++*p;
	size_t n = strspn(*p, "0123456789");
	for (size_t i = 0; i < NANO_DIGITS; i++)
		*nano = *nano * 10 + (i < n ? (uint32_t)((*p)[i] - '0') : 0);
	*p += n;
	return n > 0;
}

/* Seconds may be left out by people, never by programs. */
static bool read_clock(const char **p, bool loose, struct gt_iso_moment *out)
{
	int h = digits(p, 2);
	if (h < 0 || h > 23 || !literal(p, ':'))
		return false;
	int m = digits(p, 2), s = 0;
	if (m < 0 || m > 59)
		return false;
	bool seconds = literal(p, ':');
	if (seconds)
		s = digits(p, 2);
	if (!(seconds || loose) || s < 0 || s > 60)
		return false;
	out->clock = true;
	out->s += h * 3600 + m * 60 + s;
	return !seconds || read_fraction(p, &out->nano);
}

static bool read_offset(const char **p, bool loose, struct gt_iso_moment *out)
{
	out->zoned = **p != '\0';
	if (!out->zoned || literal(p, 'Z') || literal(p, 'z'))
		return true;
	bool minus = **p == '-';
	if (!literal(p, '-') && !literal(p, '+'))
		return false;
	int h = digits(p, 2), m = 0;
	if (h < 0 || h > 23)
		return false;
	if (**p != '\0') {
		if (**p == ':')
			++*p;
		m = digits(p, 2);
		if (m < 0 || m > 59)
			return false;
	}
	int offset = h * 3600 + m * 60;
	out->east_s = minus ? -offset : offset;
	out->s -= out->east_s;
	return loose || !(minus && offset == 0);
}

static bool read_moment(struct gt_iso_moment *out, const char *p, bool loose)
{
	int64_t days;
	*out = (struct gt_iso_moment){0};
	if (!read_date(&days, &p))
		return false;
	out->s = days * DAY_S;
	/* a date, which begins at midnight there */
	if (loose && *p != 'T' && *p != 't' && *p != ' ')
		return read_offset(&p, loose, out) && *p == '\0';
	if (!literal(&p, 'T') && !literal(&p, 't') &&
	    !(loose && literal(&p, ' ')))
		return false;
	return read_clock(&p, loose, out) && read_offset(&p, loose, out) &&
	       *p == '\0';
}

bool gt_iso_read(struct gt_iso_moment *out, const char *text)
{
	return read_moment(out, text, true);
}

/* n digits of v and what follows them. */
static char *put(char *w, int v, int n, char end)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		w[i] = (char)('0' + v % 10);
	w[n] = end;
	return w + n + 1;
}

/* n bytes of "2026-11-22T22:27:37", of which there is room. */
static int write_seconds(char *out, size_t cap, int64_t s)
{
	int64_t days = (s >= 0 ? s : s - (DAY_S - 1)) / DAY_S;
	int rest = (int)(s - days * DAY_S);
	int y, m, d;
	char *w = out;
	date_of(days, &y, &m, &d);
	assert(cap > 20 && y >= 0 && y <= 9999);
	w = put(w, y, 4, '-');
	w = put(w, m, 2, '-');
	w = put(w, d, 2, 'T');
	w = put(w, rest / 3600, 2, ':');
	w = put(w, rest / 60 % 60, 2, ':');
	w = put(w, rest % 60, 2, '\0');
	return (int)(w - out) - 1;
}

/* A moment that can be written. */
static int64_t cut(int64_t ms)
{
	if (ms < first_s * 1000)
		return first_s * 1000;
	return ms > last_s * 1000 + 999 ? last_s * 1000 + 999 : ms;
}

static int64_t seconds_of(int64_t ms)
{
	return (ms >= 0 ? ms : ms - 999) / 1000;
}

void gt_iso_format(char out[GT_ISO_CHARS], int64_t ms)
{
	ms = cut(ms);
	int64_t s = seconds_of(ms);
	int n = write_seconds(out, GT_ISO_CHARS, s);
	gt_format(out + n, GT_ISO_CHARS - (size_t)n, ".%03dZ",
	          (int)(ms - s * 1000));
}

void gt_http_date(char out[GT_HTTP_DATE_CHARS], int64_t ms)
{
	static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t s = seconds_of(cut(ms)), day = s / DAY_S - (s % DAY_S < 0);
	int y, m, d, left = (int)(s - day * DAY_S);
	date_of(day, &y, &m, &d);
	gt_format(out, GT_HTTP_DATE_CHARS,
	          "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
	          days + (day % 7 + 7) % 7 * 3, d, months + (m - 1) * 3, y,
	          left / 3600, left / 60 % 60, left % 60);
}

bool gt_iso_seconds(char out[GT_ISO_CHARS], int64_t s)
{
	if (s < first_s || s > last_s)
		return false;
	int n = write_seconds(out, GT_ISO_CHARS, s);
	return gt_copy(out + n, GT_ISO_CHARS - (size_t)n, "Z");
}

bool gt_iso_parse(int64_t *ms, const char *text)
{
	struct gt_iso_moment at;
	if (!read_moment(&at, text, false))
		return false;
	if (ms)
		*ms = at.s * 1000 + at.nano / 1000000;
	return true;
}

bool gt_iso_utc(char out[GT_ISO_UTC_CHARS], const char *text)
{
	struct gt_iso_moment at;
	if (!read_moment(&at, text, false) || at.s < first_s || at.s > last_s)
		return false;
	size_t n = (size_t)write_seconds(out, GT_ISO_UTC_CHARS, at.s);
	if (at.nano) {
		gt_format(out + n, GT_ISO_UTC_CHARS - n, ".%09u", at.nano);
		n += 1 + NANO_DIGITS;
		while (out[n - 1] == '0')
			n--;
	}
	gt_copy(out + n, GT_ISO_UTC_CHARS - n, at.zoned ? "Z" : "");
	return true;
}

/* The parts named by units, in that order, each at most once. Returns how many
 * were there, -1: not such text. done: a fraction ends the duration. */
static int parts(const char **p, const char *units, bool *done)
{
	int n = 0;
	while (**p >= '0' && **p <= '9' && !*done) {
		*p += strspn(*p, "0123456789");
		if (**p == '.' || **p == ',') {
			size_t frac = strspn(++*p, "0123456789");
			if (frac == 0)
				return -1;
			*p += frac;
			*done = true;
		}
		const char *unit = **p ? strchr(units, **p) : NULL;
		if (!unit)
			return -1;
		units = unit + 1;
		++*p;
		n++;
	}
	return n;
}

bool gt_iso_duration(const char *text)
{
	const char *p = text;
	bool done = false;
	if (!literal(&p, 'P'))
		return false;
	const char *weeks = p;
	if (parts(&weeks, "W", &done) == 1 && *weeks == '\0')
		return true;
	done = false;
	int days = parts(&p, "YMD", &done);
	if (days < 0)
		return false;
	if (*p == '\0')
		return days > 0;
	if (done || !literal(&p, 'T'))
		return false;
	return parts(&p, "HMS", &done) > 0 && *p == '\0';
}
