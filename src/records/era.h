/* era.h: clock eras, so that a clock set back spoils nothing that is stored
 * afterwards.
 *
 * `stored` must grow with what becomes visible, or who reads on from the last
 * `stored` he saw misses what came since. It could only grow for ever if the
 * clock were never wrong. So it grows within an era, and a new one begins where
 * the clock was moved, and with every start: what the run before told its
 * readers of the time is not known any more. The order of everything is (era,
 * seq); the times are for people, and for xapi/stored.h, which leads back from
 * one to its place.
 *
 * Within an era what a turn stores is later than what the turns before it
 * stored, and than any moment readers were told of (gt_now.told_ms). A clock
 * that goes back by less than a second is waited for.
 *
 * A restore forgets eras, and readers were told of them. So it leaves a gap in
 * the numbers, which no era of before or after has. A machine that slept knows
 * that it did: its clock was not set.
 *
 * Eras in which nothing was stored, and which no reader can have seen, leave no
 * row. Returns as turn.h says.
 * Tests: u_era.c. */
#ifndef GT_ERA_H
#define GT_ERA_H

#include "turn.h"

/* START, when the records are loaded. */
int gt_era_start(struct gt_node *n);
/* A turn begins: was the clock moved since the last one? */
int gt_era_turn(struct gt_node *n);
/* This run turned out to be that of a backup come back, or of one of two
 * copies. */
int gt_era_restored(struct gt_node *n);
/* When what this turn stores is stored. */
int64_t gt_era_now(struct gt_node *n);
/* As gt_node_clock. */
void gt_era_clock(const struct gt_node *n, struct gt_node_clock *out);

#endif
