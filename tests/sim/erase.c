/* erase.c: records that somebody wants gone. An order that was answered holds:
 * neighbours are told, whatever is cut and killed. Where a node on the way lost
 * what it knew, or ran a program that knows nothing of it, nobody is to blame. */
#include "erase.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "inside.h"
#include "person.h"

enum { ORDERS = 128, TRIES = 16 };

static struct order {
	const struct record *r;
	unsigned node;
	uint64_t token; /* waits for its answer; 0: it has one, or none comes */
	bool holds;
} orders[ORDERS];
static unsigned norders;

void erase_init(void)
{
	norders = 0;
}

bool erase_asked(const uint8_t id[GT_UUID_BYTES])
{
	for (unsigned i = 0; i < norders; i++)
		if (memcmp(orders[i].r->id, id, GT_UUID_BYTES) == 0)
			return true;
	return false;
}

static void order(struct world *w, const struct sim_node *s,
                  const struct record *r, int64_t seq)
{
	uint8_t item[GT_ERASE_ITEM] = {GT_PERSON_STATEMENTS};
	for (int i = 0; i < 8; i++)
		item[1 + i] = (uint8_t)((uint64_t)seq >> (56 - 8 * i));
	memcpy(item + 9, r->id, GT_UUID_BYTES);
	struct gt_event e = {.type = GT_EV_ERASE,
	                     .token = ++w->tokens,
	                     .actor = "operator",
	                     .body = gt_bytes_of(item, sizeof item)};
	orders[norders++] =
	        (struct order){.r = r, .node = s->index, .token = e.token};
	w->struck[FAULT_BIT_ERASE]++;
	world_command(w, s->index, &e);
}

void erase_episode(struct world *w)
{
	struct prng *p = sim_draws(w, FAULT_ERASE);
	for (int i = 0; i < TRIES && work.nrecords > 0 && norders < ORDERS;
	     i++) {
		const struct record *r =
		        &work.records[prng_below(p, work.nrecords)];
		const struct sim_node *s = &w->nodes[r->home];
		while (s->parent >= 0 && prng_below(p, 2))
			s = &w->nodes[s->parent];
		if (!r->acknowledged || r->shared || r->excused || r->voids ||
		    !s->core || erase_asked(r->id) ||
		    !work_record_at(s, r, false))
			continue;
		order(w, s, r,
		      ask_one(s, "SELECT seq FROM record WHERE id=?2", NULL,
		              r->id, GT_UUID_BYTES));
		return;
	}
}

void erase_replied(const struct gt_action *a)
{
	for (unsigned i = 0; i < norders; i++) {
		if (orders[i].token == 0 || orders[i].token != a->token)
			continue;
		orders[i].holds = a->status == 0;
		orders[i].token = 0;
	}
}

void erase_crashed(unsigned node)
{
	for (unsigned i = 0; i < norders; i++)
		if (orders[i].node == node)
			orders[i].token = 0;
}

static bool unsure(const struct sim_node *s)
{
	return s->forgot || s->emptied || s->ran_old || s->two_pasts ||
	       s->met_two || s->was_hung || !s->core;
}

bool erase_right(const struct world *w, bool loud)
{
	for (unsigned i = 0; i < norders; i++) {
		const struct order *o = &orders[i];
		bool skip = !o->holds || o->r->shared ||
		            w->struck[FAULT_BIT_SPOIL] > 0;
		for (int k = (int)o->r->home; k >= 0; k = w->nodes[k].parent)
			skip = skip || unsure(&w->nodes[k]);
		for (int k = (int)o->r->home; !skip && k >= 0;
		     k = w->nodes[k].parent) {
			if (!work_record_at(&w->nodes[k], o->r, false))
				continue;
			if (loud)
				printf("not converged: %s: what was erased at "
				       "%s is there\n",
				       w->nodes[k].code,
				       w->nodes[o->node].code);
			return false;
		}
	}
	return true;
}
