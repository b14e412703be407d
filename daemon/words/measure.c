#include "measure.h"

#include <inttypes.h>
#include <string.h>

#include "iso8601.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
        {"B", 1},           {"KiB", 1u << 10},   {"MiB", 1u << 20},
        {"GiB", 1u << 30},  {"TiB", 1ull << 40}, {"PiB", 1ull << 50},
        {"EiB", 1ull << 60}};
static const struct unit times[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
enum {
	SHOWN = sizeof sizes / sizeof *sizes,
	WRITTEN = 5, /* nobody means a PiB */
	TIMES = sizeof times / sizeof *times
};

/* ------------------------------------------------------------ shown */

void gt_measure_size(char out[GT_MEASURE_SIZE], uint64_t bytes)
{
	size_t unit = 0;
	double v = (double)bytes;
	/* 1023.95 would be printed as 1024.0 */
	while (v >= 1023.95 && unit < SHOWN - 1) {
		v /= 1024;
		unit++;
	}
	if (unit == 0)
		gt_format(out, GT_MEASURE_SIZE, "%u B", (unsigned)bytes);
	else
		gt_format(out, GT_MEASURE_SIZE, "%.1f %s", v, sizes[unit].name);
}

void gt_measure_duration(char out[GT_MEASURE_SIZE], uint64_t ms)
{
	uint64_t s = ms / 1000;
	if (s < 60)
		gt_format(out, GT_MEASURE_SIZE, "%us", (unsigned)s);
	else if (s < 3600)
		gt_format(out, GT_MEASURE_SIZE, "%um %02us", (unsigned)(s / 60),
		          (unsigned)(s % 60));
	else if (s < 86400)
		gt_format(out, GT_MEASURE_SIZE, "%uh %02um",
		          (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		gt_format(out, GT_MEASURE_SIZE, "%ud %02uh",
		          (unsigned)(s / 86400 % 100000000),
		          (unsigned)(s / 3600 % 24));
}

void gt_measure_time(char out[GT_MEASURE_TIME], int64_t wall_ms)
{
	if (!gt_iso_seconds(out, wall_ms / 1000 - (wall_ms % 1000 < 0)))
		gt_format(out, GT_MEASURE_TIME, "%" PRId64, wall_ms);
}

static void exact(char out[GT_MEASURE_EXACT], uint64_t v,
                  const struct unit *units, int n)
{
	int i = n - 1;
	while (i > 0 && (v == 0 || v % units[i].factor != 0))
		i--;
	gt_format(out, GT_MEASURE_EXACT, "%" PRIu64 "%s", v / units[i].factor,
	          units[i].name);
}

void gt_measure_size_exact(char out[GT_MEASURE_EXACT], uint64_t bytes)
{
	exact(out, bytes, sizes, WRITTEN);
}

void gt_measure_duration_exact(char out[GT_MEASURE_EXACT], uint64_t ms)
{
	exact(out, ms, times, TIMES);
}

/* ------------------------------------------------------------- read */

static bool measure(uint64_t *out, const char *text, const struct unit *units,
                    int n)
{
	const char *p = text;
	uint64_t v = 0;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	if (p == text)
		return false;
	if (*p == '\0') {
		*out = 0;
		return v == 0;
	}
	p += *p == ' ';
	for (int i = 0; i < n; i++)
		if (strcmp(p, units[i].name) == 0)
			return !__builtin_mul_overflow(v, units[i].factor, out);
	return false;
}

bool gt_measure_read_size(uint64_t *bytes, const char *text)
{
	return measure(bytes, text, sizes, WRITTEN);
}

bool gt_measure_read_duration(uint64_t *ms, const char *text)
{
	return measure(ms, text, times, TIMES);
}

bool gt_measure_read_time(int64_t *wall_ms, const char *text)
{
	struct gt_iso_moment at;
	if (!gt_iso_read(&at, text))
		return false;
	*wall_ms = at.s * 1000 + at.nano / 1000000;
	return true;
}

bool gt_measure_read_date(int64_t *wall_ms, const char *text, bool end)
{
	const int64_t day_ms = 86400000;
	const int zone_most_s = 15 * 3600 - 60;
	struct gt_iso_moment at;
	if (!gt_iso_read(&at, text) || at.s + at.east_s < 0 ||
	    at.clock != at.zoned || at.east_s > zone_most_s ||
	    at.east_s < -zone_most_s)
		return false;
	*wall_ms = at.s * 1000 + at.nano / 1000000;
	if (end && !at.clock)
		*wall_ms += day_ms - 1;
	return true;
}
