/* local.h: moments as the clock on a person's wall shows them.
 *
 * What programs read (JSON, the database, the wire) has times in ISO 8601, in
 * UTC; what people read has them in the zone of the machine (TZ), each with its
 * offset, so that none can be taken for another, also when summer time ends. */
#ifndef GT_LOCAL_H
#define GT_LOCAL_H

#include "base.h"

enum { GT_LOCAL_TIME = 32, GT_LOCAL_TEXT = 4096 };

/* "2026-11-30 21:43:10 +08:00"; beyond the years 0..9999 the number itself. */
void gt_local_time(char out[GT_LOCAL_TIME], int64_t wall_ms);
/* The same of an ISO 8601 time; returns out, or the text itself where it is
 * none ("" too). */
const char *gt_local_iso(char out[GT_LOCAL_TIME], const char *text);
/* A sentence, with every time of UTC in it ("2026-11-30T13:43:10Z") turned into
 * local time. Returns out, or the sentence itself: there is none in it, or the
 * whole has no room. */
const char *gt_local_text(char out[GT_LOCAL_TEXT], const char *sentence);
/* The first millisecond of a day of this zone, "2026-11-30". False: it is not
 * such a date. */
bool gt_local_day(int64_t *wall_ms, const char *date);

#endif
