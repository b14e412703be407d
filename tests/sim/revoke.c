#include "revoke.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "ask.h"
#include "inside.h"
#include "limit.h"
#include "peer.h"
#include "turn.h"

enum { MINUTE = 60000, LOOK_EACH = 16 /* turns, at the audit */ };

static struct {
	int node; /* the last that was revoked; -1: none was */
	bool is;  /* ... and it is still */
	uint64_t version;
} row;

/* Who is right below it, and knows. */
static struct {
	bool knows;
	unsigned turns;
	int64_t aid; /* the last row written down before it knew */
} below[NODES_MAX];

void revoke_init(struct world *w)
{
	row.node = -1;
	row.is = false;
	row.version = 1;
	memset(below, 0, sizeof below);
	if (!(w->faults & FAULT_REVOKE))
		return;
	/* A program that has no such links cannot hear of it; whose copy is at
	 * the other end of one is another story; and a clock that was wrong
	 * spoils what the age of a date is reckoned by. */
	unsigned others = FAULT_VERSION | FAULT_CLONE | FAULT_CLOCK;
	if (prng_below(sim_draws(w, FAULT_REVOKE), 2))
		w->faults &= ~others;
	else if (w->faults & others)
		w->faults &= ~(unsigned)FAULT_REVOKE;
}

/* ---------------------------------------------------------- the operator */

void revoke_row(const struct world *w, const struct sim_node *s, unsigned i,
                Gt__Member *m)
{
	if (s != &w->nodes[0] || (int)i != row.node)
		return;
	m->version = row.version;
	m->standing = row.is ? GT__STANDING__REVOKED : GT__STANDING__ACTIVE;
}

/* A root without power is given it when it starts. */
static void write_row(struct world *w)
{
	row.version++;
	if (w->nodes[0].core)
		power_members(w, &w->nodes[0]);
}

static bool has_children(const struct world *w, unsigned i)
{
	for (unsigned c = 1; c < w->count; c++)
		if (w->nodes[c].parent == (int)i)
			return true;
	return false;
}

static void say(const struct world *w, const char *what)
{
	if (w->verbose)
		printf("%10llu %-12s %s\n", (unsigned long long)w->now,
		       w->nodes[row.node].code, what);
}

static void take_back(struct world *w)
{
	row.is = false;
	memset(below, 0, sizeof below);
	say(w, "is taken back");
	write_row(w);
}

void revoke_episode(struct world *w)
{
	struct prng *p = sim_draws(w, FAULT_REVOKE);
	unsigned at = (unsigned)prng_below(p, w->count);
	if (row.is) {
		if (at % 3 == 0)
			take_back(w);
		return;
	}
	if (w->nodes[at].parent < 0 || !has_children(w, at))
		return;
	w->struck[FAULT_BIT_REVOKE]++;
	row.node = (int)at;
	row.is = true;
	memset(below, 0, sizeof below);
	say(w, "is revoked");
	write_row(w);
}

/* ------------------------------------------------------- links above it */

uint64_t revoke_above_ms(const struct world *w, const struct sim_node *s)
{
	bool any = s->parent >= 0 && w->nodes[s->parent].parent >= 0;
	return any && (w->faults & FAULT_REVOKE) ? (uint64_t)GT_DAY_MS : 0;
}

struct sim_node *revoke_dialled(struct world *w, struct sim_node *child)
{
	bool told = child->asks_above && !child->skips;
	child->asks_above = false;
	if (!told)
		return NULL;
	int at = w->nodes[child->parent].parent;
	/* any of its addresses; all have power, or nobody is reached */
	while (w->nodes[at].parent >= 0 &&
	       prng_below(sim_draws(w, FAULT_REVOKE), 2))
		at = w->nodes[at].parent;
	return w->nodes[at].core ? &w->nodes[at] : NULL;
}

struct gt_bulk *revoke_asks(struct world *w, const struct sim_node *child)
{
	if (!sim_may(w, FAULT_REVOKE) || child->parent < 0 ||
	    !prng_once_in(sim_draws(w, FAULT_REVOKE), 8))
		return NULL;
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	struct gt_bulk *m = net_message(gt_arena_pack(arena, &r.base), NULL, 0);
	gt_arena_free(arena);
	return m;
}

void revoke_answered(struct world *w, const struct sim_node *child,
                     const struct gt_bulk *m)
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(arena), m->nhead,
	                                 m->bytes);
	if (!r || m->npayload > 0 ||
	    (r->body_case != GT__REPLY__BODY_HELLO &&
	     r->body_case != GT__REPLY__BODY_PROVE &&
	     r->body_case != GT__REPLY__BODY_ROSTER &&
	     r->body_case != GT__REPLY__BODY_ERROR))
		world_fail(w, "roster-only",
		           "%s gives %s more than the roster on a link for "
		           "that alone",
		           w->nodes[child->far].code, child->code);
	gt_arena_free(arena);
}

/* -------------------------------------------------------- what is checked */

static int64_t last_row(const struct sim_node *s)
{
	return ask_one(s, "SELECT ifnull(max(aid),0) FROM audit", NULL, NULL,
	               0);
}

static void took_nothing(struct world *w, const struct sim_node *s)
{
	char sql[200];
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM audit WHERE aid>%lld AND peer=?1 AND"
	         " event IN('receive','retract','fetch') AND result='ok'",
	         (long long)below[s->index].aid);
	if (ask_one(s, sql, w->nodes[row.node].code, NULL, 0) > 0)
		world_fail(w, "revoked",
		           "%s took something from %s, which it knows to be "
		           "revoked",
		           s->code, w->nodes[row.node].code);
}

void revoke_turn(struct world *w, const struct sim_node *s)
{
	const struct gt_node *n = s->core;
	if (!row.is || s->parent != row.node || s->skips || !n)
		return;
	if (!n->status.parent_revoked) {
		below[s->index].knows = false; /* or it was restored */
		return;
	}
	if (!below[s->index].knows)
		below[s->index].aid = last_row(s);
	below[s->index].knows = true;
	if (gt_up_ready(n))
		world_fail(w, "revoked",
		           "%s is linked to %s, which it knows to be revoked",
		           s->code, n->up->code);
	if (++below[s->index].turns % LOOK_EACH == 0)
		took_nothing(w, s);
}

/* A parent that says nothing lets the date grow old, long before the daily
 * round. */
static uint64_t bound_ms(const struct world *w)
{
	return (uint64_t)world_date_limit(w) / 2 + 3 * GT_ABOVE_FIRST_MS +
	       40 * (uint64_t)w->heartbeat;
}

void revoke_settle(struct world *w)
{
	if (!row.is)
		return;
	world_run(w, w->now + bound_ms(w));
	for (unsigned i = 1; i < w->count && !w->invariant; i++) {
		const struct sim_node *s = &w->nodes[i];
		if (s->parent == row.node && s->core &&
		    !s->core->status.parent_revoked)
			world_fail(w, "revoked",
			           "%s has not heard in %llu minutes that %s "
			           "is revoked",
			           s->code,
			           (unsigned long long)bound_ms(w) / MINUTE,
			           w->nodes[row.node].code);
	}
	if (!w->invariant)
		take_back(w);
}
