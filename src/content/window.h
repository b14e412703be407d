/* window.h: how many bytes may be outstanding to the parent.
 *
 * The window grows while answers come back promptly and shrinks when they queue
 * (delay based, after LEDBAT, RFC 6817, target 100 ms). Where the least window
 * would take over a second, next to nothing is asked for ahead: there a change
 * or a record's acknowledgement waits behind what has been asked for.
 *
 * Pure: times are passed in.
 * Tests: u_window.c. */
#ifndef GT_WINDOW_H
#define GT_WINDOW_H

#include "base.h"

/*   1. inflight = sum of the bytes of what is ASKED and not answered
 *   2. size >= GT_WINDOW_THIN */
struct gt_window {
	/* configured; least: of a link that is not thin */
	uint64_t least, most;
	uint64_t size, inflight;
	uint64_t rtt_min;     /* + 1; 0: not measured */
	uint64_t base_ms;     /* round trip of the link without a queue */
	uint64_t answered_ms; /* when a frame last came */
	uint64_t busy_ms, busy_bytes; /* spent on frames lately, for what */
};

enum { GT_WINDOW_THIN = 64 << 10 }; /* one large frame, or many small ones */

/* A new link: as small as can be, nothing measured but base_ms and
 * answered_ms. */
void gt_window_reset(struct gt_window *w);
/* More may be asked for. */
bool gt_window_room(const struct gt_window *w);
/* So many bytes were asked for. */
void gt_window_ask(struct gt_window *w, uint32_t bytes);
/* They will not come after all. */
void gt_window_refused(struct gt_window *w, uint32_t bytes);
/* They came: asked for at sent_ms, here at now_ms. */
void gt_window_answered(struct gt_window *w, uint32_t bytes, uint64_t sent_ms,
                        uint64_t now_ms);

#endif
