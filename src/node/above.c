#include "above.h"

#include "draw.h"

enum { REST = 10, BUSY_MS = 60000 }; /* REST times dead_ms */

static bool on(const struct gt_node *n)
{
	return n->config.above_ms && *n->parent &&
	       gt_version_kinds(n->config.protocol_max);
}

static uint64_t not_before(const struct gt_node *n, uint64_t ms)
{
	return ms > n->above.rest ? ms : n->above.rest;
}

/* ------------------------------------------------------ when it is due */

void gt_above_load(struct gt_node *n)
{
	n->above.next = on(n) ? n->now.mono_ms + n->config.above_ms : 0;
	gt_above_down(n);
}

void gt_above_soon(struct gt_node *n)
{
	if (on(n))
		n->above.away = not_before(n, n->now.mono_ms);
}

void gt_above_down(struct gt_node *n)
{
	uint64_t at = not_before(n, n->now.mono_ms + n->config.dead_ms);
	if (on(n) && (!n->above.away || n->above.away > at))
		n->above.away = at;
}

void gt_above_parent(struct gt_node *n)
{
	n->above.rest = n->now.mono_ms;
	n->above.away = 0;
}

static bool old(const struct gt_node *n)
{
	return on(n) && n->status.date >= GT_DATE_OLD;
}

/* Between half of it and all: those that one parent keeps waiting do not all
 * come at once. */
static uint64_t some_of(struct gt_node *n, uint64_t ms)
{
	uint64_t drawn;
	gt_draw(n, (uint8_t *)&drawn, sizeof drawn);
	return ms - drawn % (ms / 2 + 1);
}

/* The date became too old, or is new enough again. */
static void look_at_date(struct gt_node *n)
{
	struct gt_above *a = &n->above;
	if (!old(n)) {
		a->wait = 0;
		return;
	}
	if (a->wait)
		return;
	a->wait = gt_sooner(GT_ABOVE_FIRST_MS, n->config.above_ms);
	a->next = gt_sooner(a->next, n->now.mono_ms + some_of(n, a->wait));
	a->since = 0;
}

/* It is asked now: and next? */
static void plan(struct gt_node *n)
{
	struct gt_above *a = &n->above;
	uint64_t now = n->now.mono_ms, every = n->config.above_ms;
	a->rest = now + REST * (uint64_t)n->config.dead_ms;
	a->away = a->rest;
	a->since = 0;
	if (a->wait)
		a->wait = gt_sooner(2 * a->wait,
		                    gt_sooner(GT_ABOVE_LAST_MS, every));
	a->next = now + (a->wait ? some_of(n, a->wait) : every);
}

/* Something is on its way from the parent. A parent that keeps us busy for ever
 * is no reason, however often it begins anew. */
static bool busy(struct gt_node *n)
{
	struct gt_above *a = &n->above;
	if (!gt_up_ready(n) || (n->asks.count <= 1 && n->up->following))
		return false;
	if (!a->since)
		a->since = n->now.mono_ms;
	return n->now.mono_ms <
	       a->since + (a->wait ? a->wait : n->config.above_ms);
}

static uint64_t due(const struct gt_node *n)
{
	const struct gt_above *a = &n->above;
	return gt_sooner(a->away ? a->away : UINT64_MAX,
	                 a->next ? a->next : UINT64_MAX);
}

uint64_t gt_above_deadline(const struct gt_node *n)
{
	return old(n) == (n->above.wait != 0) ? due(n) : n->now.mono_ms;
}

int gt_above_time(struct gt_node *n)
{
	int status = 0;
	look_at_date(n);
	if (n->now.mono_ms < due(n))
		return 0;
	if (busy(n)) {
		n->above.next =
		        n->now.mono_ms + gt_sooner(BUSY_MS, n->config.above_ms);
		return 0;
	}
	plan(n);
	if (n->up)
		status = gt_drop(n, n->up,
		                 "to ask a node above it for the roster");
	if (status != 0)
		return status;
	return gt_act(n, GT_ACT_DIAL_ABOVE) ? 0 : -GT_ENOMEM;
}

/* ------------------------------------------------------------ asking */

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
