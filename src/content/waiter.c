/* waiter.c: children that wait for a frame or a manifest.
 * Tests: u_serve.c. */
#include "content_inside.h"

#include <stdlib.h>

int gt_waiter_park(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                   struct gt_object *o, uint32_t frame, uint64_t offset,
                   const struct gt_waiter *like)
{
	if (n->content->nwaiters >= GT_WAITERS_MAX)
		return gt_send_error(n, p, token, GT_EBUSY,
		                     "too many requests are waiting",
		                     GT_SOON_MS);
	struct gt_waiter *w = calloc(1, sizeof *w);
	if (!w)
		return -GT_ENOMEM;
	*w = *like;
	w->next = o->waiters;
	w->peer = p->id;
	w->frame = frame;
	w->token = token;
	w->offset = offset;
	w->until = n->now.mono_ms + n->config.heartbeat_ms;
	o->waiters = w;
	if (w->until < o->expiry)
		o->expiry = w->until;
	n->content->nwaiters++;
	n->content->look = true;
	return 0;
}

void gt_waiter_news(struct gt_node *n, struct gt_object *o)
{
	o->news = n->content->news = true;
}

void gt_waiter_drop(struct gt_content *c, struct gt_waiter **at)
{
	struct gt_waiter *w = *at;
	assert(c->nwaiters > 0);
	*at = w->next;
	c->nwaiters--;
	free(w);
}

int gt_waiter_expire(struct gt_node *n, struct gt_object *o, bool all)
{
	int status = 0;
	o->expiry = UINT64_MAX;
	for (struct gt_waiter **at = &o->waiters; status == 0 && *at;) {
		struct gt_waiter *w = *at;
		struct gt_peer *p = gt_peer_by_id(n, w->peer);
		if (p && !all && n->now.mono_ms < w->until) {
			if (w->until < o->expiry)
				o->expiry = w->until;
			at = &w->next;
			continue;
		}
		if (p)
			status = gt_send_error(n, p, w->token, GT_EUNAVAILABLE,
			                       "not here yet", GT_SOON_MS);
		gt_waiter_drop(n->content, at);
	}
	return status;
}

void gt_content_forget(struct gt_node *n, uint32_t peer)
{
	GT_EACH_OBJECT(o, n->content)
		for (struct gt_waiter **at = &o->waiters; *at;)
			if ((*at)->peer == peer)
				gt_waiter_drop(n->content, at);
			else
				at = &(*at)->next;
}
