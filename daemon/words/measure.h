/* measure.h: sizes, durations and moments as people read and write them.
 *
 * What is shown is rounded, what is kept in a file is exact: parsing it gives
 * the value back. The readers take the whole text or nothing and never round.
 * Pure; src/base/iso8601.h knows the calendar. */
#ifndef GT_MEASURE_H
#define GT_MEASURE_H

#include "base.h"

enum { GT_MEASURE_SIZE = 16, GT_MEASURE_TIME = 32, GT_MEASURE_EXACT = 32 };

/* --------------------------------------------------- as it is shown */

/* "0 B", "4.0 KiB", "1.2 GiB" */
void gt_measure_size(char out[GT_MEASURE_SIZE], uint64_t bytes);
/* "45s", "3m 05s", "2h 10m", "4d 03h" */
void gt_measure_duration(char out[GT_MEASURE_SIZE], uint64_t ms);
/* "2025-03-01T08:00:00Z"; beyond the years 0..9999 the number itself. */
void gt_measure_time(char out[GT_MEASURE_TIME], int64_t wall_ms);

/* ---------------------------------------------------- as it is kept */

/* "200MiB", "1536B": the largest unit that divides the value. */
void gt_measure_size_exact(char out[GT_MEASURE_EXACT], uint64_t bytes);
/* "90s", "2m": the largest unit that divides the value. */
void gt_measure_duration_exact(char out[GT_MEASURE_EXACT], uint64_t ms);

/* ------------------------------------------------- as it is written */

/* "200MiB": digits and B, KiB, MiB, GiB or TiB. A bare 0 needs no unit. False:
 * it is not, or does not fit. */
bool gt_measure_read_size(uint64_t *bytes, const char *text);
/* "15s": digits and ms, s, m, h or d. A bare 0 needs no unit. False: it is not,
 * or does not fit. */
bool gt_measure_read_duration(uint64_t *ms, const char *text);
/* ISO 8601, whole ("2025-03-01T08:00:00Z", "+08:00") or a date, which begins at
 * 00:00 UTC. False: it is not. */
bool gt_measure_read_time(int64_t *wall_ms, const char *text);
/* ISO 8601: "2024-01-01" (UTC) or "2024-01-01T08:00:00+08:00", "...Z"; seconds
 * and their decimals may be left out, the zone may not. Years 1970 to 9999. A
 * date alone is its first millisecond, with `end` its last. False: it is
 * not. */
bool gt_measure_read_date(int64_t *wall_ms, const char *text, bool end);

#endif
