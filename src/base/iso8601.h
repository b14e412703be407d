/* iso8601.h: ISO 8601 times and durations, in the shape RFC 3339 and xAPI give
 * them. Pure text and arithmetic; no zone database, no clock. */
#ifndef GT_ISO8601_H
#define GT_ISO8601_H

#include "base.h"

enum { GT_ISO_CHARS = 25, GT_ISO_UTC_CHARS = 40 };

/* "2026-11-22T22:27:37.123Z". Years before 0 or beyond 9999 are cut to the
 * first or last moment that can be written. */
void gt_iso_format(char out[GT_ISO_CHARS], int64_t ms);

enum { GT_HTTP_DATE_CHARS = 30 };
/* "Sun, 22 Nov 2026 22:27:37 GMT", as HTTP's headers have it (RFC 9110, 5.6.7).
 * Years are cut as gt_iso_format cuts them. */
void gt_http_date(char out[GT_HTTP_DATE_CHARS], int64_t ms);
/* "2026-11-22T22:27:37Z", seconds since 1970. False, and nothing written: the
 * year is not 0..9999. */
bool gt_iso_seconds(char out[GT_ISO_CHARS], int64_t s);

/* Date, 'T', time with seconds, any fraction, then Z, +hh:mm, +hhmm, +hh or
 * nothing (xAPI 1.0.3 allows it; taken as UTC). A second of 60 is a leap
 * second. An offset of -00, -0000 or -00:00 is refused, as xAPI demands.
 * ms may be NULL. False: not such a time. */
bool gt_iso_parse(int64_t *ms, const char *text);

/* A moment as a person gave it. */
struct gt_iso_moment {
	int64_t s;     /* since 1970, in UTC */
	uint32_t nano; /* further digits are dropped */
	int east_s;    /* of UTC */
	bool clock;    /* else a date alone, its first second */
	bool zoned;    /* else taken as UTC */
};

/* As gt_iso_parse, but a date may stand alone, a space for the 'T', seconds may
 * be left out, and -00:00 is UTC. False: not such a time; *out is undefined. */
bool gt_iso_read(struct gt_iso_moment *out, const char *text);

/* The same moment in UTC with no trailing zeros in the fraction, which is cut
 * after nine digits. A time without offset stays without. False: not a time, or
 * its UTC year is not 0..9999. */
bool gt_iso_utc(char out[GT_ISO_UTC_CHARS], const char *text);

/* ISO 8601 duration: PnW alone, or PnYnMnDTnHnMnS with at least one part and a
 * fraction in the last one only. */
bool gt_iso_duration(const char *text);

#endif
