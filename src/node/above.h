/* above.h: asks a node above the parent for the roster.
 *
 * Whoever is below a revoked node, or one that died or holds things back, hears
 * of it from nobody: the parent was the only way. So a node above it is dialled
 * by a link of the kind roster-only (PROTOCOL.md M33), its rows are taken, and
 * the link is given up: when the parent refuses this node, or has been away for
 * as long as a dead link takes to be noticed (dead_ms), and then not again for
 * ten times as long; and every above_ms though the parent is there, when nothing
 * is on its way from it. Where the newest date of the tree is old (M35) the parent
 * has nothing new to say, or holds it back: then it is GT_ABOVE_FIRST_MS, twice as
 * long after each time that brings no newer date, up to GT_ABOVE_LAST_MS, and
 * each of these less by up to a half, which is drawn. What is on its way puts it off
 * once by so long at most. There is one link upward at a time: the parent's waits.
 * What is learned so is said: in the log, and by gt_node_status.
 *
 * It is off unless config.above_ms says that there are addresses, and where the
 * node is held to a protocol without kinds of links.
 *
 * Returns 0 or a fatal -GT_E..., as turn.h says.
 * Tests: u_above.c, e2e/test_above.py. */
#ifndef GT_ABOVE_H
#define GT_ABOVE_H

#include "node_inside.h"

/* START. */
void gt_above_load(struct gt_node *n);
/* The parent is READY. */
void gt_above_parent(struct gt_node *n);
/* The parent does not want this node, or is none: asks without waiting. */
void gt_above_soon(struct gt_node *n);
/* The link to the parent, or above, is gone. */
void gt_above_down(struct gt_node *n);
/* TIME: dials if that is due. */
int gt_above_time(struct gt_node *n);
/* A node above is READY: asks for its rows. */
int gt_above_up(struct gt_node *n);
/* It answered with some. */
int gt_above_roster(struct gt_node *n, const struct gt_asking *a,
                    const Gt__RosterReply *m);
/* When it is due next, in mono_ms; UINT64_MAX: never. */
uint64_t gt_above_deadline(const struct gt_node *n);

#endif
