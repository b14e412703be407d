/* clone.c: two live copies of one node.
 *
 * Somebody starts a second time what was to be one node: a snapshot of its
 * machine, an image of its disk. Both have its code and its keys. People and
 * the nodes below use either, as it happens, until somebody sees it and
 * switches one off, the first or the second, after it has handed up what it
 * holds: for which he lets it in where it is held off, and then the other one. The second copy lives in the slot behind the last node's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "peer.h"
#include "records_inside.h"
#include "work.h"

/* How often the status page is looked at for what is left; how long that may
 * take; how long two may run before anybody looks at all. Faults are rarer in a
 * calendar, and last no longer for that: people come to work. */
enum { LOOK_MS = 10000, DRAIN_MS = 7200000, SEEN_MS = 3600000, SEEN_DAYS = 3 };

static struct sim_node *slot(struct world *w)
{
	return &w->nodes[w->count];
}

bool clone_alive(const struct world *w)
{
	return w->copied != NULL;
}

struct sim_node *clone_other(struct world *w, const struct sim_node *s)
{
	if (!w->copied)
		return NULL;
	if (s == w->copied)
		return slot(w);
	return s == slot(w) ? w->copied : NULL;
}

unsigned clone_home(const struct world *w, unsigned node)
{
	return node == w->count && w->copied ? w->copied->index : node;
}

unsigned clone_used(struct world *w, unsigned node)
{
	if (!w->copied || node != w->copied->index)
		return node;
	if (w->leaving)
		return w->leaving == w->copied ? w->count : node;
	return prng_below(&w->draws[FAULT_BIT_CLONE], 2) ? node : w->count;
}

struct sim_node *clone_dialled(struct world *w, const struct sim_node *child)
{
	return &w->nodes[clone_used(w, (unsigned)child->parent)];
}

void clone_past(struct world *w, struct sim_node *s)
{
	s->two_pasts = true;
	if (s->parent >= 0)
		w->nodes[s->parent].met_two = true;
	for (unsigned i = 0; i <= w->count; i++)
		if (w->nodes[i].parent == s->parent ||
		    w->nodes[i].parent == (int)s->index || &w->nodes[i] == s)
			w->nodes[i].met_two = true;
}

static void say(const struct world *w, const struct sim_node *s,
                const char *what)
{
	if (w->verbose)
		printf("%10llu %-12s %s\n", (unsigned long long)w->now, s->code,
		       what);
}

/* -------------------------------------------------------- beginning */

void clone_episode(struct world *w)
{
	struct prng *p = &w->draws[FAULT_BIT_CLONE];
	struct sim_node *s = &w->nodes[prng_below(p, w->count)], *c = slot(w);
	uint64_t incarnation = c->incarnation;
	if (!s->core || w->copied)
		return;
	disk_copy(&c->disk, &s->disk);
	struct disk disk = c->disk;
	*c = (struct sim_node){.index = w->count,
	                       .parent = s->parent,
	                       .key = s->key,
	                       .disk = disk,
	                       .clock_off = s->clock_off,
	                       .protocol = s->protocol,
	                       .marks_unsure = s->marks_unsure,
	                       .incarnation = incarnation};
	c->far = s->parent;
	gt_copy(c->code, sizeof c->code, s->code);
	w->copied = s;
	w->leaving = NULL;
	w->struck[FAULT_BIT_CLONE]++;
	say(w, s, "is copied");
	clone_past(w, s);
	c->met_two = true;
	if (s->parent >= 0)
		w->nodes[s->parent].met_copies = true;
	check_copied(w, s->index);
	work_copied(w, s->index);
	/* An image may lie on a shelf before it is started. */
	sim_plan(w, w->now + 1000 + prng_below(p, sim_rare(w, 600000)),
	         POWER_ON, c->index);
	uint64_t seen = w->calendar ? SEEN_DAYS * (uint64_t)86400000 : SEEN_MS;
	sim_plan(w, w->now + 120000 + prng_below(p, seen), COPY_SEEN, c->index);
}

/* ---------------------------------------------------------- the end */

/* As the operator sees it on the status page: linked, and nothing waits. */
static bool drained(const struct sim_node *s)
{
	const struct gt_node *n = s->core;
	if (!n)
		return false;
	return s->parent < 0 ||
	       (gt_up_ready(n) && n->records->hop == n->records->seq);
}

/* Said at the node above: the one that is held off there is right. */
static void let_in(struct world *w, const struct sim_node *s)
{
	if (s->parent < 0 || !w->nodes[s->parent].core ||
	    w->nodes[s->parent].core->status.copies_held == 0)
		return;
	struct gt_event e = {.type = GT_EV_KEEP,
	                     .token = ++w->tokens,
	                     .text = s->code,
	                     .number = 1,
	                     .actor = "operator"};
	world_command(w, (unsigned)s->parent, &e);
}

static void switch_off(struct world *w, struct sim_node *gone)
{
	struct sim_node *home = w->copied, *c = slot(w);
	say(w, gone,
	    gone == c ? "the copy is switched off"
	              : "is switched off, its copy goes on");
	check_restored(w, gone->index);
	audit_lost(w, gone->index, home->index);
	audit_kept(w, gone == c ? home->index : c->index, home->index);
	power_off(w, gone);
	if (gone != c) {
		power_off(w, c);
		disk_free(&home->disk);
		home->disk = c->disk;
		home->clock_off = c->clock_off;
		home->marks_unsure = c->marks_unsure;
		disk_power_cycle(&home->disk, &w->draws[FAULT_BIT_CLONE]);
		work_moved(c->index, home->index);
		sim_plan(w, w->now + 1000, POWER_ON, home->index);
	} else {
		disk_free(&c->disk);
	}
	c->disk = (struct disk){0};
	c->off = true;
	w->copied = w->leaving = NULL;
	for (unsigned i = 0; i < w->count; i++)
		if (w->nodes[i].parent == (int)home->index)
			w->nodes[i].marks_unsure = true;
	let_in(w, home);
	check_copied(w, home->index);
	work_restored(w, home->index);
	world_tick_at(w, w->now + 1);
}

void clone_look(struct world *w)
{
	if (!w->copied)
		return;
	if (!w->leaving) {
		struct prng *p = &w->draws[FAULT_BIT_CLONE];
		w->leaving = prng_below(p, 2) ? w->copied : slot(w);
		w->patience = w->now + DRAIN_MS;
		say(w, w->leaving, "is to be switched off");
	}
	struct sim_node *other = clone_other(w, w->leaving);
	bool late = !w->calm && w->now > w->patience;
	if (w->leaving->core && !gt_up_ready(w->leaving->core))
		let_in(w, w->leaving);
	if (w->leaving->core && other->core && (late || drained(w->leaving)))
		switch_off(w, w->leaving);
	else
		sim_plan(w, w->now + LOOK_MS, COPY_SEEN, w->count);
}
