#include "local.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "iso8601.h"

enum { SHORTEST = 20 }; /* of a whole time of UTC, "2026-11-30T13:43:10Z" */

void gt_local_time(char out[GT_LOCAL_TIME], int64_t wall_ms)
{
	time_t s = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
	struct tm tm;
	char date[24], zone[8];
	if (!localtime_r(&s, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099 ||
	    !strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm) ||
	    strftime(zone, sizeof zone, "%z", &tm) != 5) {
		gt_format(out, GT_LOCAL_TIME, "%" PRId64, wall_ms);
		return;
	}
	gt_format(out, GT_LOCAL_TIME, "%s %.3s:%s", date, zone, zone + 3);
}

const char *gt_local_iso(char out[GT_LOCAL_TIME], const char *text)
{
	int64_t ms;
	if (!gt_iso_parse(&ms, text))
		return text;
	gt_local_time(out, ms);
	return out;
}

/* Bytes of the time of UTC that the text begins with, 0: with none. */
static size_t time_at(const char *text)
{
	static const char form[] = "0000-00-00T00:00:00";
	size_t n = 0;
	for (; form[n]; n++)
		if (form[n] == '0' ? text[n] < '0' || text[n] > '9'
		                   : text[n] != form[n])
			return 0;
	if (text[n] == '.')
		n += 1 + strspn(text + n + 1, "0123456789");
	return text[n] == 'Z' ? n + 1 : 0;
}

const char *gt_local_text(char out[GT_LOCAL_TEXT], const char *sentence)
{
	size_t used = 0, at = 0, all = strlen(sentence);
	bool changed = false;
	while (at < all) {
		char iso[GT_ISO_UTC_CHARS], local[GT_LOCAL_TIME];
		size_t n = all - at >= SHORTEST ? time_at(sentence + at) : 0;
		const char *put = sentence + at;
		size_t len = 1;
		if (n > 0 && n < sizeof iso) {
			gt_format(iso, sizeof iso, "%.*s", (int)n, put);
			put = gt_local_iso(local, iso);
			changed = changed || put == local;
			len = strlen(put);
		}
		if (len >= GT_LOCAL_TEXT - used)
			return sentence;
		memcpy(out + used, put, len);
		used += len;
		at += n > 0 && n < sizeof iso ? n : 1;
	}
	out[used] = '\0';
	return changed ? out : sentence;
}

bool gt_local_day(int64_t *wall_ms, const char *date)
{
	struct gt_iso_moment day;
	if (!gt_iso_read(&day, date) || day.clock)
		return false;
	time_t utc = (time_t)day.s;
	struct tm tm;
	if (!gmtime_r(&utc, &tm))
		return false;
	tm.tm_isdst = -1;
	time_t s = mktime(&tm);
	*wall_ms = (int64_t)s * 1000;
	return s != (time_t)-1;
}
