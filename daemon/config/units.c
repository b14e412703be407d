#include "units.h"

#include <inttypes.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
        {"B", 1},          {"KiB", 1u << 10},   {"MiB", 1u << 20},
        {"GiB", 1u << 30}, {"TiB", 1ull << 40},
};
static const struct unit times[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};
enum {
	SIZES = sizeof sizes / sizeof *sizes,
	TIMES = sizeof times / sizeof *times
};

static const char *number(uint64_t *out, const char *s)
{
	const char *p = s;
	uint64_t v = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return NULL;
	*out = v;
	return p == s ? NULL : p;
}

static bool measure(uint64_t *out, const char *text, const struct unit *units,
                    int n)
{
	uint64_t v;
	const char *rest = number(&v, text);
	if (!rest)
		return false;
	if (*rest == '\0') {
		*out = 0;
		return v == 0;
	}
	rest += *rest == ' ';
	for (int i = 0; i < n; i++)
		if (strcmp(rest, units[i].name) == 0)
			return !__builtin_mul_overflow(v, units[i].factor, out);
	return false;
}

static void unmeasure(char out[32], uint64_t v, const struct unit *units, int n)
{
	int i = n - 1;
	while (i > 0 && (v == 0 || v % units[i].factor != 0))
		i--;
	gt_format(out, 32, "%" PRIu64 "%s", v / units[i].factor, units[i].name);
}

bool gt_size_parse(uint64_t *bytes, const char *text)
{
	return measure(bytes, text, sizes, SIZES);
}

bool gt_duration_parse(uint64_t *ms, const char *text)
{
	return measure(ms, text, times, TIMES);
}

void gt_size_format(char out[32], uint64_t bytes)
{
	unmeasure(out, bytes, sizes, SIZES);
}

void gt_duration_format(char out[32], uint64_t ms)
{
	unmeasure(out, ms, times, TIMES);
}

/* Exactly n digits; moves on. */
static bool digits(const char **s, int n, int *out)
{
	int v = 0;
	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*out = v;
	return true;
}

static bool skip(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, -1: no such
 * day. */
static int64_t day_number(int y, int m, int d)
{
	static const int length[] = {31, 28, 31, 30, 31, 30,
	                             31, 31, 30, 31, 30, 31};
	static const int before[] = {0,   31,  59,  90,  120, 151,
	                             181, 212, 243, 273, 304, 334};
	if (y < 1970 || m < 1 || m > 12 || d < 1)
		return -1;
	if (d > length[m - 1] + (m == 2 && leap(y)))
		return -1;
	int past = y - 1;
	int64_t days = 365LL * (y - 1970) + past / 4 - past / 100 + past / 400 -
	               (1969 / 4 - 1969 / 100 + 1969 / 400);
	return days + before[m - 1] + (m > 2 && leap(y)) + d - 1;
}

/* "08:00[:00[.123]]" in milliseconds of the day, -1: not that. */
static int64_t clock_ms(const char **s)
{
	int h, m, sec = 0, ms = 0;
	if (!digits(s, 2, &h) || !skip(s, ':') || !digits(s, 2, &m))
		return -1;
	if (skip(s, ':') && !digits(s, 2, &sec))
		return -1;
	if (skip(s, '.') && !digits(s, 3, &ms))
		return -1;
	if (h > 23 || m > 59 || sec > 59)
		return -1;
	return ((h * 60LL + m) * 60 + sec) * 1000 + ms;
}

/* Milliseconds the zone is ahead of UTC. False: no zone. */
static bool zone_ms(const char **s, int64_t *out)
{
	int h, m, sign = **s == '-' ? -1 : 1;
	*out = 0;
	if (skip(s, 'Z'))
		return true;
	if (!skip(s, '+') && !skip(s, '-'))
		return false;
	if (!digits(s, 2, &h) || !skip(s, ':') || !digits(s, 2, &m))
		return false;
	*out = sign * (h * 60LL + m) * 60000;
	return h <= 14 && m <= 59;
}

bool gt_date_parse(int64_t *ms, const char *text, bool end)
{
	const int64_t day = 86400000;
	int y, m, d;
	int64_t zone, number_, time_;
	if (!digits(&text, 4, &y) || !skip(&text, '-') ||
	    !digits(&text, 2, &m) || !skip(&text, '-') || !digits(&text, 2, &d))
		return false;
	number_ = day_number(y, m, d);
	if (number_ < 0)
		return false;
	*ms = number_ * day + (end ? day - 1 : 0);
	if (*text == '\0')
		return true;
	if (!skip(&text, 'T') && !skip(&text, ' '))
		return false;
	time_ = clock_ms(&text);
	if (time_ < 0 || !zone_ms(&text, &zone) || *text != '\0')
		return false;
	*ms = number_ * day + time_ - zone;
	return true;
}

static bool port_valid(const char *s, bool zero)
{
	uint64_t v;
	const char *rest = number(&v, s);
	return rest && *rest == '\0' && strlen(s) <= 5 && v <= 65535 &&
	       (zero || v > 0);
}

bool gt_address_valid(const char *text, bool zero)
{
	static const char six[] = "0123456789abcdefABCDEF:.";
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
	                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                           "0123456789.-_";
	size_t n;
	if (text[0] == '[') {
		n = strspn(text + 1, six);
		return n >= 2 && text[n + 1] == ']' && text[n + 2] == ':' &&
		       port_valid(text + n + 3, zero);
	}
	n = strspn(text, name);
	return n > 0 && text[n] == ':' && port_valid(text + n + 1, zero);
}
