/* tail.h: the parts of the seek table that closes an object's file: a head, an
 * entry for each frame, a foot.
 *
 * Tests: u_object.c, u_index.c. */
#ifndef GT_TAIL_H
#define GT_TAIL_H

#include "base.h"

enum { GT_TAIL_HEAD = 8, GT_TAIL_ENTRY = 8, GT_TAIL_FOOT = 9 };

/* The skippable frame's own head. */
void gt_tail_head(uint8_t out[GT_TAIL_HEAD], uint32_t nframes);
/* What is said of one frame. */
void gt_tail_entry(uint8_t out[GT_TAIL_ENTRY], uint32_t stored, uint32_t plain);
/* How many there were, without checksums. */
void gt_tail_foot(uint8_t out[GT_TAIL_FOOT], uint32_t nframes);

#endif
