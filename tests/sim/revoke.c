#include "revoke.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "ask.h"
#include "inside.h"
#include "limit.h"
#include "peer.h"
#include "turn.h"

enum {
	MINUTE = 60000,
	LOOK_EACH = 16, /* turns, at the audit */
	TRIES = 8,
	TOLD = 120 /* minutes that ends of transfers may take */
};

static struct {
	int node; /* the last that was revoked; -1: none was */
	bool is;  /* ... and it is still */
} row;

/* Who is right below it, and knows. */
static struct {
	bool knows;
	unsigned turns;
	int64_t aid; /* the last row written down before it knew */
} below[NODES_MAX];

/* How often each node's row was changed. */
static uint64_t changes[NODES_MAX];

void revoke_init(struct world *w)
{
	row.node = -1;
	row.is = false;
	memset(below, 0, sizeof below);
	memset(changes, 0, sizeof changes);
	if (!(w->faults & FAULT_REVOKE))
		return;
	/* A program that has no such links cannot hear of it; whose copy is at
	 * the other end of one is another story; and a clock that was wrong
	 * spoils what the age of a date is reckoned by. */
	unsigned others = FAULT_VERSION | FAULT_CLONE | FAULT_CLOCK;
	if (!(w->faults & others) ||
	    prng_once_in(sim_draws(w, FAULT_REVOKE), 4))
		w->faults &= ~others;
	else
		w->faults &= ~(unsigned)FAULT_REVOKE;
}

/* ---------------------------------------------------------- the operator */

void revoke_row(const struct world *w, const struct sim_node *s, unsigned i,
                Gt__Member *m)
{
	const struct sim_node *of = &w->nodes[i];
	if (s != &w->nodes[0])
		return;
	m->version += changes[i];
	if (of->hung)
		m->parent = gt_lend(w->nodes[w->nodes[of->parent].parent].code);
	if ((int)i != row.node)
		return;
	m->standing = row.is ? GT__STANDING__REVOKED : GT__STANDING__ACTIVE;
}

/* A root without power is given it when it starts. */
static void write_row(struct world *w, unsigned of)
{
	changes[of]++;
	if (w->nodes[0].core)
		power_members(w, &w->nodes[0]);
}

static bool in_the_middle(const struct world *w, unsigned i)
{
	for (unsigned c = 1; c < w->count; c++)
		if (w->nodes[c].parent == (int)i)
			return w->nodes[i].parent >= 0;
	return false;
}

static void say(const struct world *w, const struct sim_node *s,
                const char *what)
{
	if (w->verbose)
		printf("%10llu %-12s %s\n", (unsigned long long)w->now, s->code,
		       what);
}

/* By the operator at the root and by its own: from its next start on. */
static void hang(struct world *w, struct sim_node *s, bool elsewhere)
{
	s->hung = elsewhere;
	s->was_hung = s->marks_unsure = true;
	say(w, s, elsewhere ? "is hung under a node above" : "is hung back");
	write_row(w, s->index);
	power_cut(w, s);
}

static void take_back(struct world *w)
{
	row.is = false;
	memset(below, 0, sizeof below);
	say(w, &w->nodes[row.node], "is taken back");
	write_row(w, (unsigned)row.node);
}

static bool is_below(const struct world *w, const struct sim_node *s)
{
	int i = s->parent;
	while (i >= 0 && i != row.node)
		i = w->nodes[i].parent;
	return i >= 0;
}

/* Its row, as it stands, is known there. */
static bool knows(const struct world *w, const struct sim_node *s)
{
	return ask_one(s, "SELECT version FROM item WHERE kind=3 AND id=?1",
	               w->nodes[row.node].code, NULL,
	               0) >= (int64_t)(1 + changes[row.node]);
}

/* Its operator asked who the parent is now. */
static void hang_some(struct world *w, struct prng *p)
{
	for (int i = 0; i < TRIES; i++) {
		struct sim_node *s = &w->nodes[prng_below(p, w->count)];
		if (s->parent != row.node || !s->core || s->hung || s->skips)
			continue;
		hang(w, s, true);
		return;
	}
}

/* Somebody comes with a bundle from the root, and it is heard of at once. */
static void bring_some(struct world *w, struct prng *p)
{
	struct sim_node *s = &w->nodes[prng_below(p, w->count)];
	for (int i = 0; i < TRIES && !(s->core && is_below(w, s)); i++)
		s = &w->nodes[prng_below(p, w->count)];
	if (!s->core || !is_below(w, s))
		return;
	say(w, s, "is brought a bundle");
	power_bundle(w, s);
	if (s->core && !knows(w, s))
		world_fail(w, "revoked",
		           "%s was brought the row that says that %s is "
		           "revoked, and does not know it",
		           s->code, w->nodes[row.node].code);
}

void revoke_episode(struct world *w)
{
	struct prng *p = sim_draws(w, FAULT_REVOKE);
	unsigned at = (unsigned)prng_below(p, w->count);
	if (row.is) {
		if (at % 3 == 0)
			take_back(w);
		else if (prng_below(p, 2))
			hang_some(w, p);
		else
			bring_some(w, p);
		return;
	}
	for (int i = 0; i < TRIES && !in_the_middle(w, at); i++)
		at = (unsigned)prng_below(p, w->count);
	if (!in_the_middle(w, at))
		return;
	w->struck[FAULT_BIT_REVOKE]++;
	row.node = (int)at;
	row.is = true;
	memset(below, 0, sizeof below);
	say(w, &w->nodes[row.node], "is revoked");
	write_row(w, (unsigned)row.node);
}

/* ------------------------------------------------------- links above it */

uint64_t revoke_above_ms(const struct world *w, const struct sim_node *s)
{
	bool any =
	        s->parent >= 0 && w->nodes[s->parent].parent >= 0 && !s->hung;
	return any && (w->faults & FAULT_REVOKE) ? (uint64_t)GT_DAY_MS : 0;
}

struct sim_node *revoke_dialled(struct world *w, struct sim_node *child)
{
	bool told = child->asks_above && !child->skips && !child->hung;
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
	if (!row.is || s->parent != row.node || s->skips || s->hung || !n)
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

/* Whoever is right below has, or deeper, or is hung elsewhere. */
static bool heard(const struct world *w, const struct sim_node *s)
{
	bool acts = s->parent != row.node || s->hung || !s->core ||
	            s->core->status.parent_revoked;
	return !s->core || !is_below(w, s) || (acts && knows(w, s));
}

static bool all_heard(const struct world *w)
{
	bool all = true;
	for (unsigned i = 1; i < w->count; i++)
		all = all && heard(w, &w->nodes[i]);
	return all;
}

static void wait_heard(struct world *w)
{
	uint64_t until = w->now + bound_ms(w);
	while (!w->invariant && w->now < until && !all_heard(w))
		world_run(w, w->now + MINUTE);
	for (unsigned i = 1; i < w->count && !w->invariant; i++) {
		const struct sim_node *s = &w->nodes[i];
		if (!heard(w, s))
			world_fail(w, "revoked",
			           "%s has not heard in %llu minutes that %s "
			           "is revoked",
			           s->code,
			           (unsigned long long)bound_ms(w) / MINUTE,
			           w->nodes[row.node].code);
	}
}

/* Those above it are told first what they gave it. */
static void hang_back(struct world *w, struct sim_node *s)
{
	const char *above = w->nodes[w->nodes[s->parent].parent].code;
	for (int i = 0; i < TOLD && !w->invariant; i++) {
		if (s->core &&
		    ask_one(s, "SELECT count(*) FROM handover WHERE parent=?1",
		            above, NULL, 0) == 0)
			break;
		world_run(w, w->now + MINUTE);
	}
	hang(w, s, false);
}

void revoke_settle(struct world *w)
{
	if (row.is)
		wait_heard(w);
	if (row.is && !w->invariant)
		take_back(w);
	for (unsigned i = 1; i < w->count && !w->invariant; i++)
		if (w->nodes[i].hung)
			hang_back(w, &w->nodes[i]);
}
