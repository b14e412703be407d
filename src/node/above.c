#include "above.h"

enum { REST = 10, BUSY_MS = 60000 }; /* REST times dead_ms */

static bool on(const struct gt_node *n)
{
	return n->config.above_ms && *n->parent &&
	       gt_version_kinds(n->config.protocol_max);
}

static uint64_t not_before(const struct gt_node *n, uint64_t ms)
{
	return ms > n->above_rest ? ms : n->above_rest;
}

void gt_above_load(struct gt_node *n)
{
	gt_above_down(n);
}

void gt_above_soon(struct gt_node *n)
{
	if (on(n))
		n->above_due = not_before(n, n->now.mono_ms);
}

void gt_above_down(struct gt_node *n)
{
	uint64_t at = not_before(n, n->now.mono_ms + n->config.dead_ms);
	if (on(n) && (!n->above_due || n->above_due > at))
		n->above_due = at;
}

void gt_above_parent(struct gt_node *n)
{
	n->above_rest = n->now.mono_ms;
	n->above_due = on(n) ? n->now.mono_ms + n->config.above_ms : 0;
}

/* Something is on its way from the parent. A parent that keeps us busy for ever
 * is no reason. */
static bool busy(const struct gt_node *n)
{
	return gt_up_ready(n) &&
	       n->now.mono_ms < n->above_rest + 2 * n->config.above_ms &&
	       (n->asks.count > 1 || !n->up->following);
}

int gt_above_time(struct gt_node *n)
{
	int status = 0;
	if (!n->above_due || n->now.mono_ms < n->above_due)
		return 0;
	if (busy(n)) {
		n->above_due = n->now.mono_ms + (n->config.above_ms < BUSY_MS
		                                         ? n->config.above_ms
		                                         : BUSY_MS);
		return 0;
	}
	n->above_rest = n->now.mono_ms + REST * (uint64_t)n->config.dead_ms;
	n->above_due = n->above_rest;
	if (n->up)
		status = gt_drop(n, n->up,
		                 "to ask a node above it for the roster");
	if (status != 0)
		return status;
	return gt_act(n, GT_ACT_DIAL_ABOVE) ? 0 : -GT_ENOMEM;
}

static int ask(struct gt_node *n, uint64_t after, uint32_t page)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Roster m = GT__ROSTER__INIT;
	struct gt_asking a = {
	        .what = GT_ASKED_ROSTER, .frame = page, .upto = after};
	m.after = after;
	r.body_case = GT__REQUEST__BODY_ROSTER;
	r.roster = &m;
	return gt_ask(n, &r, &a, NULL);
}

int gt_above_up(struct gt_node *n)
{
	return ask(n, 0, 0);
}

int gt_above_roster(struct gt_node *n, const struct gt_asking *a,
                    const Gt__RosterReply *m)
{
	int status = gt_follow_roster(n, m);
	if (status != 0 || !n->up)
		return status;
	if (!m->more)
		return gt_drop(n, n->up, "its roster is here");
	if (m->upto <= a->upto || a->frame + 1 >= GT_ROSTER_PAGES)
		return gt_drop(n, n->up, "a roster that never ends");
	return ask(n, m->upto, a->frame + 1);
}

uint64_t gt_above_deadline(const struct gt_node *n)
{
	return n->above_due ? n->above_due : UINT64_MAX;
}
