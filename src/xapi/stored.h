/* stored.h: when a statement was stored, as text that leads back to its place.
 *
 * A node's clock may be set back, and what it stored before and after may bear
 * the same times. So the time is cut into *clock eras* (records/era.h), within
 * which `stored` only grows, and each time given out bears its era's mark in the
 * three digits behind the milliseconds:
 *
 *   2026-11-22T22:27:37.123004Z   mark 4: the fourth era
 *   2026-11-22T22:27:37.123Z      era 0, of a program that knew none; or a
 *                                 client's own time, or cut by a client
 *
 * Marks go from 1 to 999 and begin anew. Pure.
 * Tests: u_stored.c. */
#ifndef GT_STORED_H
#define GT_STORED_H

#include "iso8601.h"

enum { GT_STORED_CHARS = 28, GT_STORED_MARKS = 999 };

/* 0 for era 0, else 1 to GT_STORED_MARKS. */
unsigned gt_stored_mark(int64_t era);
/* The last era of that mark, not 0, up to `newest`; 0: there is none. */
int64_t gt_stored_era(unsigned mark, int64_t newest);
/* The moment with the era's mark, as gt_iso_format writes it otherwise. */
void gt_stored_format(char out[GT_STORED_CHARS], int64_t ms, int64_t era);
/* A time as gt_iso_parse takes it, and its mark, 0: none. False: no time. */
bool gt_stored_parse(int64_t *ms, unsigned *mark, const char *text);

#endif
