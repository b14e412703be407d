/* units.h: sizes, durations and dates as people write them.
 *
 * The parsers read the whole text or nothing and never round. */
#ifndef GT_UNITS_H
#define GT_UNITS_H

#include "base.h"

/* "200MiB": digits and B, KiB, MiB, GiB or TiB. A bare 0 needs no unit. */
bool gt_size_parse(uint64_t *bytes, const char *text);
/* "15s": digits and ms, s, m, h or d. A bare 0 needs no unit. */
bool gt_duration_parse(uint64_t *ms, const char *text);
/* ISO 8601: "2024-01-01" (UTC) or "2024-01-01T08:00:00+08:00", "...Z"; seconds
 * and their decimals may be left out, the zone may not. Years 1970 to 9999. A
 * date alone is its first millisecond, with `end` its last. */
bool gt_date_parse(int64_t *ms, const char *text, bool end);

/* The largest unit that divides the value: parsing gives it back. */
void gt_size_format(char out[32], uint64_t bytes);
void gt_duration_format(char out[32], uint64_t ms);

/* "host:port", "[::1]:port". port may be 0 (the system chooses) if zero is
 * true. */
bool gt_address_valid(const char *text, bool zero);

#endif
