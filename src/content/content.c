/* content.c: the room as one. */
#include "content_inside.h"

#include <stdlib.h>

struct gt_content *gt_content_new(uint32_t links)
{
	struct gt_content *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->links = links;
	c->served = calloc(links, sizeof *c->served);
	if (!c->served) {
		free(c);
		return NULL;
	}
	return c;
}

void gt_content_free(struct gt_content *c)
{
	if (!c)
		return;
	GT_EACH_OBJECT(o, c)
		gt_object_close(c, o);
	free(c->served);
	free(c);
}

int gt_content_load(struct gt_node *n)
{
	struct gt_content *c = n->content;
	c->window.least = n->config.window_min;
	c->window.most = n->config.window_max;
	c->look = true;
	gt_window_reset(&c->window);
	int status = gt_stuck_load(n);
	return status ? status : gt_transfer_load(n);
}

int gt_content_time(struct gt_node *n)
{
	struct gt_content *c = n->content;
	int status = gt_serve_go(n); /* who is told "no" has not got it */
	if (c->paused && n->now.mono_ms >= c->probe_due) {
		c->paused = false;
		n->touched = true;
	}
	GT_EACH_OBJECT(o, c)
		if (status == 0 && n->now.mono_ms >= o->expiry)
			status = gt_waiter_expire(n, o, false);
	return status;
}

int gt_content_go(struct gt_node *n)
{
	int status = gt_serve_go(n);
	if (status == 0)
		status = gt_evict_go(n);
	if (status == 0)
		status = gt_fetch_go(n);
	return status ? status : gt_transfer_go(n);
}

uint64_t gt_content_deadline(const struct gt_node *n)
{
	uint64_t at = gt_fetch_deadline(n);
	if (n->content->handovers.again_ms)
		at = gt_sooner(at, n->content->handovers.again_ms);
	return n->content->paused ? gt_sooner(at, n->content->probe_due) : at;
}

void gt_content_down(struct gt_node *n)
{
	n->content->handovers.told = 0; /* all that is kept is told again */
	n->content->handovers.asked = 0;
	n->content->handovers.again_ms = 0;
	gt_fetch_down(n);
}

void gt_content_rtt(struct gt_node *n, uint64_t ms)
{
	n->content->window.base_ms = ms;
}

void gt_content_status(const struct gt_node *n, struct gt_node_status *out)
{
	out->bulk_paused = n->content->paused;
	out->bulk_paused_by = n->content->paused ? n->content->paused_by : 0;
	out->ntransfers = 0;
	GT_EACH_OBJECT(o, n->content) {
		if (!o->filling || out->ntransfers == GT_TRANSFERS_MAX)
			continue;
		struct gt_transfer_status *t =
		        &out->transfers[out->ntransfers++];
		*t = (struct gt_transfer_status){.object = o->id};
		gt_copy(t->resource, sizeof t->resource, o->resource);
		if (!o->m)
			continue;
		t->frames = o->m->nframes;
		t->total = o->m->file_size;
		t->present = o->count[GT_FRAME_PLACED] +
		             o->count[GT_FRAME_SYNCING] +
		             o->count[GT_FRAME_PRESENT];
		t->bytes = t->total * t->present / t->frames;
	}
}
