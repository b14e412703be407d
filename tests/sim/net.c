/* net.c: links between a child and its parent, and what goes wrong on them.
 *
 * A link has two peer ids, the child's odd and the parent's even. Each end may
 * give it up without the other knowing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "flood.h"
#include "guantong.pb-c.h"
#include "revoke.h"
#include "spoil.h"

struct gt_bulk *net_message(struct gt_bytes head, const void *p, size_t n)
{
	struct gt_bulk *m = sim_must(malloc(sizeof *m + head.n + n));
	*m = (struct gt_bulk){.refs = 1, .nhead = head.n, .npayload = n};
	memcpy(m->bytes, head.p, head.n);
	if (n > 0)
		memcpy(m->bytes + head.n, p, n);
	return m;
}

void net_unref(struct gt_bulk *b)
{
	if (b && --b->refs == 0)
		free(b);
}

/* --------------------------------------------------------- carrying */

/* The child of the link s knows as `peer`, if s still holds that end. */
static struct sim_node *link_of(struct world *w, const struct sim_node *s,
                                uint32_t peer)
{
	if (peer == 0 || (peer - 1) / 2 >= w->link_cap)
		return NULL;
	struct sim_node *c = &w->nodes[w->link_child[(peer - 1) / 2]];
	if (c == s && c->uplink == peer)
		return c;
	return c->far == (int)s->index && c->uplink_far == peer ? c : NULL;
}

struct sim_node *net_child(struct world *w, const struct sim_node *s,
                           uint32_t peer)
{
	struct sim_node *c = link_of(w, s, peer);
	return c == s ? NULL : c;
}

static uint64_t arrival(struct world *w, struct sim_node *child, bool up,
                        size_t bytes)
{
	uint64_t at = w->now + 1 + prng_below(&w->net, 40);
	if (child->rate && sim_may(w, FAULT_THIN)) {
		uint64_t free_at =
		        child->order[up] > w->now ? child->order[up] : w->now;
		at = free_at + bytes * 1000 / child->rate + 1;
		child->order[up] = at;
		return at;
	}
	bool rough = sim_may(w, FAULT_REORDER) &&
	             prng_once_in(sim_draws(w, FAULT_REORDER), 3);
	if (!rough && at < child->order[up])
		at = child->order[up];
	else if (rough)
		w->struck[FAULT_BIT_REORDER]++;
	if (at > child->order[up])
		child->order[up] = at;
	return at;
}

static void carry(struct world *w, struct sim_node *child, bool up,
                  uint64_t token, struct gt_bulk *m)
{
	struct sim_node *to = up ? &w->nodes[child->far] : child;
	size_t bytes = m->nhead + m->npayload + 28;
	struct happening *e =
	        sim_plan(w, arrival(w, child, up, bytes), DELIVER, to->index);
	e->incarnation = to->incarnation;
	e->peer = up ? child->uplink_far : child->uplink;
	e->event.token = token;
	e->bulk = m;
	m->refs++;
}

static bool strikes(struct world *w, enum fault f, enum fault_bit bit,
                    uint64_t once_in)
{
	if (!sim_may(w, f) || !prng_once_in(&w->draws[bit], once_in))
		return false;
	w->struck[bit]++;
	return true;
}

static void forge(struct world *w, struct sim_node *child, uint64_t token,
                  const struct gt_bulk *m)
{
	struct gt_bulk *other =
	        net_forge(w, child, m, sim_draws(w, FAULT_FORGE));
	if (!other)
		return;
	/* The forgery comes first; the answer it replaces is not wanted
	 * then. */
	carry(w, child, false, token, other);
	net_unref(other);
}

/* Under tokens that the child itself does not use, so that it passes over the
 * answers. */
static void claim(struct world *w, struct sim_node *child,
                  const struct gt_bulk *m)
{
	struct gt_bulk *asks[FORGE_ASKS] = {NULL};
	net_claims(w, child, m, asks);
	for (unsigned i = 0; i < FORGE_ASKS && asks[i]; i++) {
		carry(w, child, true, UINT64_MAX - i, asks[i]);
		net_unref(asks[i]);
	}
}

/* The same on a link for the roster alone. */
static void ask_more(struct world *w, struct sim_node *child)
{
	struct gt_bulk *m = revoke_asks(w, child);
	if (m)
		carry(w, child, true, UINT64_MAX, m);
	net_unref(m);
}

/* Whoever is not its parent says no. */
static void check_skipping(struct world *w, const struct sim_node *child,
                           const struct gt_bulk *m)
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(arena), m->nhead,
	                                 m->bytes);
	if (r && r->body_case != GT__REPLY__BODY_ERROR)
		world_fail(
		        w, "denied",
		        "%s, which is not its parent, takes %s for its child",
		        w->nodes[child->far].code, child->code);
	gt_arena_free(arena);
}

void net_post(struct world *w, struct sim_node *from, uint32_t peer,
              uint64_t token, struct gt_bulk *m)
{
	struct sim_node *child = link_of(w, from, peer);
	bool up = child == from;
	unsigned copies = 1;
	if (m->nhead > GT_HEAD_MAX || m->npayload > GT_PAYLOAD_MAX)
		world_fail(w, "limit", "%s sends %zu bytes and %zu behind them",
		           from->code, m->nhead, m->npayload);
	spoil_sent(w, from, m);
	if (flood_heard(w, from, peer, m)) {
		net_unref(m);
		return;
	}
	if (child && !up && child->skips)
		check_skipping(w, child, m);
	if (child && !up && child->roster_only)
		revoke_answered(w, child, m);
	if (!up && m->npayload == 0 && w->now < from->frozen_until &&
	    sim_may(w, FAULT_FREEZE))
		m = net_undated(m);
	if (child && strikes(w, FAULT_LOSS, FAULT_BIT_LOSS, 400))
		copies = 0;
	if (child && strikes(w, FAULT_DUPLICATE, FAULT_BIT_DUPLICATE, 100))
		copies = 2;
	/* The other end has given the link up, or nothing gets through. */
	if (!child || !child->uplink || !child->uplink_far ||
	    (child->blocked & (up ? 1u : 2u)))
		copies = 0;
	if (copies > 0 && !up && !child->hung && m->npayload == 0 &&
	    strikes(w, FAULT_FORGE, FAULT_BIT_FORGE, 30))
		forge(w, child, token, m);
	if (copies > 0 && up && m->npayload == 0 &&
	    strikes(w, FAULT_FORGE, FAULT_BIT_FORGE, 60))
		claim(w, child, m);
	if (copies > 0 && up && child->roster_only)
		ask_more(w, child);
	for (; copies > 0; copies--)
		carry(w, child, up, token, m);
	net_unref(m);
}

void net_deliver(struct world *w, struct sim_node *s, struct happening *h)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = h->peer,
	                     .token = h->event.token,
	                     .bulk = h->bulk};
	if (!link_of(w, s, h->peer))
		return; /* that link is gone */
	e.body = gt_bytes_of(h->bulk->bytes, h->bulk->nhead);
	e.payload =
	        gt_bytes_of(h->bulk->bytes + h->bulk->nhead, h->bulk->npayload);
	w->messages++;
	sim_turn(w, s, &e);
}

/* ------------------------------------------------------ up and down */

static void tell(struct world *w, struct sim_node *s, enum gt_event_type type,
                 uint32_t peer, bool parent)
{
	struct gt_event e = {.type = type,
	                     .peer = peer,
	                     .parent = parent,
	                     .roster_only = parent && s->roster_only,
	                     .text = "",
	                     .detail = "sim"};
	if (s->core && peer)
		sim_turn(w, s, &e);
}

static void again(struct world *w, struct sim_node *child)
{
	sim_plan(w, w->now + 200 + prng_below(&w->net, 5000), LINK_TRY,
	         child->index);
}

static void child_down(struct world *w, struct sim_node *child)
{
	uint32_t near = child->uplink;
	child->uplink = 0;
	if (!near)
		return;
	again(w, child);
	tell(w, child, GT_EV_PEER_DOWN, near, true);
}

static void parent_down(struct world *w, struct sim_node *child)
{
	uint32_t far = child->uplink_far;
	child->uplink_far = 0;
	if (far)
		tell(w, &w->nodes[child->far], GT_EV_PEER_DOWN, far, false);
}

void net_cut(struct world *w, struct sim_node *child)
{
	bool half = strikes(w, FAULT_HALF_OPEN, FAULT_BIT_HALF_OPEN, 4);
	bool child_first =
	        half && prng_below(sim_draws(w, FAULT_HALF_OPEN), 2) == 0;
	if (!half || child_first)
		child_down(w, child);
	if (!half || !child_first)
		parent_down(w, child);
}

/* The node itself has closed its end; the other end hears of it, or not. */
void net_drop(struct world *w, struct sim_node *s, uint32_t peer)
{
	struct sim_node *child = link_of(w, s, peer);
	flood_dropped(s, peer);
	if (!child)
		return;
	uint32_t other = child == s ? child->uplink_far : child->uplink;
	if (child == s) {
		child->uplink = 0;
		again(w, child);
	} else {
		child->uplink_far = 0;
	}
	if (other)
		sim_plan(w, w->now, LINK_CUT, child->index)->peer = other;
}

void net_power_cut(struct world *w, struct sim_node *s)
{
	s->uplink = 0;
	if (s->parent >= 0)
		parent_down(w, s);
	for (unsigned i = 0; i <= w->count; i++) {
		struct sim_node *c = &w->nodes[i];
		if (c->parent < 0 || c->far != (int)s->index || c->off)
			continue;
		c->uplink_far = 0;
		child_down(w, c);
	}
}

static void new_link(struct world *w, struct sim_node *child)
{
	size_t at = w->peers / 2;
	if (at >= w->link_cap) {
		w->link_cap = w->link_cap ? 2 * w->link_cap : 4096;
		w->link_child = sim_must(realloc(
		        w->link_child, w->link_cap * sizeof *w->link_child));
	}
	w->link_child[at] = child->index;
	child->uplink = ++w->peers;
	child->uplink_far = ++w->peers;
	child->order[0] = child->order[1] = w->now;
	child->rate = 0;
	if (strikes(w, FAULT_THIN, FAULT_BIT_THIN, 4))
		child->rate = (16u << 10)
		              << prng_below(sim_draws(w, FAULT_THIN), 5);
}

void net_try(struct world *w, struct sim_node *child)
{
	if (child->uplink || !child->core)
		return;
	struct sim_node *above = revoke_dialled(w, child);
	struct sim_node *parent = above ? above : clone_dialled(w, child);
	if (child->skips || child->hung)
		parent = &w->nodes[w->nodes[child->parent].parent];
	if (!parent->core || (!w->calm && w->now < child->dark_until)) {
		again(w, child);
		return;
	}
	parent_down(w, child); /* what is left of the link before */
	if (child->uplink || !child->core || !parent->core) {
		again(w, child);
		return;
	}
	child->far = (int)parent->index;
	child->roster_only = above != NULL;
	new_link(w, child);
	uint32_t near = child->uplink;
	tell(w, parent, GT_EV_PEER_UP, child->uplink_far, false);
	if (child->uplink == near)
		tell(w, child, GT_EV_PEER_UP, near, true);
	if (sim_may(w, FAULT_CUT))
		sim_plan(w,
		         w->now + 1000 +
		                 prng_below(sim_draws(w, FAULT_CUT),
		                            sim_rare(w, 600000)),
		         LINK_CUT, child->index)
		        ->peer = near;
}

/* ----------------------------------------------------------- faults */

static void outage(struct world *w, struct sim_node *c)
{
	struct prng *p = sim_draws(w, FAULT_OUTAGE);
	uint64_t longest = prng_once_in(p, 4) ? 86400000 : 3600000;
	c->dark_until = w->now + 60000 + prng_below(p, longest);
	if (w->verbose)
		printf("%10llu %-12s outage\n", (unsigned long long)w->now,
		       c->code);
	child_down(w, c);
	parent_down(w, c);
}

/* Often for longer than a date is good for. */
static void freeze(struct world *w, struct sim_node *s, struct prng *p)
{
	uint64_t limit = (uint64_t)world_date_limit(w);
	s->frozen_until = w->now + limit / 2 + prng_below(p, 2 * limit);
	if (w->verbose)
		printf("%10llu %-12s holds dates back\n",
		       (unsigned long long)w->now, s->code);
}

void net_episode(struct world *w, enum fault f)
{
	struct prng *p = sim_draws(w, f);
	struct sim_node *c =
	        &w->nodes[1 + prng_below(p, w->count > 1 ? w->count - 1 : 1)];
	if (w->count < 2)
		return;
	if (f == FAULT_FREEZE) {
		freeze(w, &w->nodes[prng_below(p, w->count)], p);
		return;
	}
	if (f == FAULT_OUTAGE) {
		outage(w, c);
		return;
	}
	c->blocked = 1 + (unsigned)prng_below(p, 2);
	sim_plan(w, w->now + 5000 + prng_below(p, 300000), WAY_OPEN, c->index);
}
