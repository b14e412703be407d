/* reckon.h: sums of what the records say, for reports (xapi/figures.h), kept so
 * that nobody has to look through ten million of them.
 *
 * Records are added up in spans of 2,048 numbers that begin at a multiple of
 * that; eight spans of a size become one of the next, up to 131,072. A report
 * puts the spans together and looks at the records that lie in none: those
 * behind the last span, and those of a span that is gone, because one of its
 * records was voided, erased, or is another now (schema.h, figures). So a sum is
 * right or it is not there, and nothing waits for it.
 *
 * It is done when no record has come for a while, a span a turn; while they come
 * without end, a span now and then.
 *
 * Figures are kept by the node where a record was handed in, what it was about
 * and the month, by each of the two clocks; one of no name at all says how many
 * records cannot be read (GT_STATEMENTS). They are under a secret of this node's,
 * meta `figures_key`.
 *
 * Returns as turn.h says.
 * Tests: u_reckon.c. */
#ifndef GT_RECKON_H
#define GT_RECKON_H

#include "turn.h"

enum { GT_RECKON_SPAN = 2048 };

struct gt_reckoning;

void gt_reckon_free(struct gt_reckoning *x); /* NULL is fine */
/* The end of a turn: adds up a span, or puts some together. */
int gt_reckon_go(struct gt_node *n);
/* When there is more to do, mono_ms; UINT64_MAX: never. */
uint64_t gt_reckon_deadline(const struct gt_node *n);
/* Some span may be gone. */
void gt_reckon_again(struct gt_node *n);

#endif
