/* draw.h: bytes nobody can guess, from the entropy that START and PEER_UP
 * brought; the same again when the same events come again.
 * Tests: u_draw.c, u_lineage.c. */
#ifndef GT_DRAW_H
#define GT_DRAW_H

#include "turn.h"

/* Mixes more in. A machine resumed twice from one snapshot draws the same bytes
 * twice, until something only one of the two was given is stirred in. */
void gt_stir(struct gt_node *n, struct gt_bytes more);
/* Fills out. */
void gt_draw(struct gt_node *n, uint8_t *out, size_t len);

#endif
