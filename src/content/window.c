#include "window.h"

enum {
	QUEUE_TARGET_MS = 100,
	THIN_MS = 1000,
	RATE_BYTES = 1 << 20 /* what the link's rate is reckoned from */
};

void gt_window_reset(struct gt_window *w)
{
	*w = (struct gt_window){.least = w->least,
	                        .most = w->most,
	                        .size = GT_WINDOW_THIN,
	                        .base_ms = w->base_ms,
	                        .answered_ms = w->answered_ms};
}

bool gt_window_room(const struct gt_window *w)
{
	return w->inflight < w->size;
}

void gt_window_ask(struct gt_window *w, uint32_t bytes)
{
	w->inflight += bytes;
}

void gt_window_refused(struct gt_window *w, uint32_t bytes)
{
	assert(w->inflight >= bytes);
	w->inflight -= bytes;
}

/* How long the link was busy with this frame: since the one before it, or since
 * it was asked for less the way there and back. */
static void measure(struct gt_window *w, uint32_t bytes, uint64_t sent_ms,
                    uint64_t now_ms)
{
	uint64_t start = sent_ms + w->base_ms;
	if (start < w->answered_ms)
		start = w->answered_ms;
	if (start < now_ms)
		w->busy_ms += now_ms - start;
	w->busy_bytes += bytes;
	w->answered_ms = now_ms;
	if (w->busy_bytes >= RATE_BYTES) { /* what is long ago counts little */
		w->busy_bytes /= 2;
		w->busy_ms /= 2;
	}
}

/* The window for a link on which the least window takes too long; 0: it is none
 * of these. Four times what is on the way at once keeps it from idling. */
static uint64_t thin_size(const struct gt_window *w)
{
	if (w->busy_bytes >= GT_WINDOW_THIN &&
	    w->busy_ms * w->least < w->busy_bytes * THIN_MS)
		return 0;
	uint64_t rate_ms = w->busy_ms ? w->busy_ms : 1;
	uint64_t size = 4 * w->base_ms * w->busy_bytes / rate_ms;
	if (size > w->least)
		size = w->least;
	return size > GT_WINDOW_THIN ? size : GT_WINDOW_THIN;
}

void gt_window_answered(struct gt_window *w, uint32_t bytes, uint64_t sent_ms,
                        uint64_t now_ms)
{
	uint64_t rtt = now_ms - sent_ms;
	gt_window_refused(w, bytes);
	measure(w, bytes, sent_ms, now_ms);
	if (w->rtt_min == 0 || rtt + 1 < w->rtt_min)
		w->rtt_min = rtt + 1;
	uint64_t queued = rtt + 1 - w->rtt_min;
	uint64_t thin = thin_size(w);
	if (thin) { /* shrinks as what is outstanding comes in */
		bool above = w->size > thin + bytes;
		w->size = above ? w->size - bytes : thin;
		return;
	}
	if (queued < QUEUE_TARGET_MS)
		w->size += bytes;
	else
		w->size -= bytes / 8;
	if (w->size > w->most)
		w->size = w->most;
	if (w->size < w->least)
		w->size = w->least;
}
