/* whisper.c: records that a rule keeps below, the rule now there, now gone, now
 * another. They are nobody's promise: whether one goes up depends on when its
 * turn came. What is promised is that a node which was told to keep them says
 * none to its parent any more, new or again, and that none that was set apart
 * for a group is above as it is. */
#include "whisper.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "ask.h"
#include "guantong.pb-c.h"
#include "inside.h"
#include "sheaf.h"
#include "store.h"

enum { LEARNERS = 5, BATCH = 4 };

static const uint8_t mark[8] = {'w', 'h', 'i', 's', 0, 0, 0x40, 0};
static const char verb[] = "http://v.cn/private";
static bool on, lifted;
static uint32_t next;

void whisper_init(struct world *w)
{
	/* whose rows rot, and are asked for, are those of promises */
	if ((w->faults & FAULT_WHISPER) && (w->faults & FAULT_SPOIL))
		w->faults &= prng_below(&w->draws[FAULT_BIT_WHISPER], 2)
		                     ? ~(unsigned)FAULT_WHISPER
		                     : ~(unsigned)FAULT_SPOIL;
	on = w->faults & FAULT_WHISPER;
	lifted = false;
	next = 0;
}

bool whisper_is(const uint8_t id[GT_UUID_BYTES])
{
	return memcmp(id, mark, sizeof mark) == 0;
}

/* ---------------------------------------------------------------- rules */

static Gt__Treatment treatment(unsigned choice)
{
	static const Gt__Treatment of[] = {
	        GT__TREATMENT__TREAT_PASS, GT__TREATMENT__TREAT_DROP,
	        GT__TREATMENT__TREAT_AGGREGATE, GT__TREATMENT__TREAT_PASS};
	return on && !lifted ? of[choice / 2 % 4] : GT__TREATMENT__TREAT_PASS;
}

Gt__Demand *whisper_demand(unsigned choice)
{
	static Gt__Demand d;
	static Gt__TraitTest test, *when = &test;
	static char *value;
	if (treatment(choice) == GT__TREATMENT__TREAT_PASS)
		return NULL;
	gt__demand__init(&d);
	gt__trait_test__init(&test);
	value = gt_lend(verb);
	test.trait = GT__TRAIT__TRAIT_VERB;
	test.values = &value;
	test.n_values = 1;
	d.name = gt_lend("whispers");
	d.when = &when;
	d.n_when = 1;
	d.treatment = treatment(choice);
	d.group = d.treatment == GT__TREATMENT__TREAT_AGGREGATE ? 3 : 0;
	return &d;
}

void whisper_settle(struct world *w)
{
	lifted = true; /* people set new ones, which have none */
	for (unsigned i = 0; on && i < w->count; i++)
		work.layer_unsure[i] |= work.layer[i] != 0;
}

/* -------------------------------------------------------------- handed in */

static void hand_in(struct world *w, unsigned node, struct prng *p)
{
	struct gt_statement s[BATCH];
	char bodies[BATCH][256], why[200], id[GT_UUID_TEXT];
	size_t count = 1 + (size_t)prng_below(p, BATCH);
	for (size_t i = 0; i < count; i++) {
		uint8_t raw[GT_UUID_BYTES] = {0};
		memcpy(raw, mark, sizeof mark);
		raw[8] = 0x80;
		gt_put32(raw + 12, ++next);
		gt_uuid_format(id, raw);
		int n = snprintf(
		        bodies[i], sizeof bodies[i],
		        "{\"id\":\"%s\",\"actor\":{\"mbox\":"
		        "\"mailto:w%u@b.cn\"},\"verb\":{\"id\":\"%s\"},"
		        "\"object\":{\"id\":\"http://o.cn/%u\"}}",
		        id, (unsigned)prng_below(p, LEARNERS), verb,
		        (unsigned)prng_below(p, 2));
		if (gt_statements_parse(gt_bytes_of(bodies[i], (size_t)n),
		                        GT_XAPI_ANY, NULL, 0, &s[i], 1, why,
		                        sizeof why) != 1)
			world_fail(w, "statement", "%s", why);
		s[i].authority = "{\"mbox\":\"mailto:w@b.cn\"}";
	}
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = ++w->tokens,
	                     .statements = s,
	                     .count = count,
	                     .actor = "user:sim"};
	world_command(w, node, &e);
}

void whisper_episode(struct world *w)
{
	struct prng *p = sim_draws(w, FAULT_WHISPER);
	unsigned node = (unsigned)prng_below(p, w->count);
	if (prng_below(p, 3) == 0) {
		work_rules(w, node, (unsigned)prng_below(p, 1000));
		return;
	}
	node = clone_used(w, node);
	if (!w->nodes[node].core)
		return;
	w->struck[FAULT_BIT_WHISPER]++;
	hand_in(w, node, p);
}

/* ------------------------------------------------------------------ said */

static bool is_whisper(const Gt__Record *r)
{
	return r->id.len == GT_UUID_BYTES && whisper_is(r->id.data);
}

/* By what its people were told, and as the whole tree knows nothing else of it. */
static bool keeps(const struct world *w, const struct sim_node *s)
{
	unsigned i = clone_home(w, s->index);
	return work.layer[i] && !work.layer_open[i] && !work.layer_unsure[i] &&
	       !clone_alive(w) && !s->two_pasts && !s->ran_old &&
	       treatment(work.layer[i] - 1) != GT__TREATMENT__TREAT_PASS;
}

void whisper_said(struct world *w, struct sim_node *s, uint32_t peer,
                  struct gt_bytes head)
{
	if (!on || peer != s->uplink || !keeps(w, s))
		return;
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Request *q =
	        gt__request__unpack(gt_arena_allocator(arena), head.n, head.p);
	Gt__Records *m = q && q->body_case == GT__REQUEST__BODY_RECORDS
	                         ? q->records
	                         : NULL;
	bool *derived, bad = false;
	if (m && m->sheaf.len > 0)
		(void)gt_sheaf_untie(arena, m, &derived);
	for (size_t i = 0; m && i < m->n_records; i++)
		bad = bad || is_whisper(m->records[i]);
	for (size_t i = 0; m && i < m->n_again; i++)
		bad = bad || is_whisper(m->again[i]);
	gt_arena_free(arena);
	if (bad)
		world_fail(w, "demanded",
		           "%s hands up what its own rules keep here", s->code);
}

/* ------------------------------------------------------------------ apart */

static bool unsure(const struct sim_node *s)
{
	return s->forgot || s->emptied || s->ran_old || s->two_pasts ||
	       s->met_two || s->was_hung || !s->core;
}

static bool is_above(const struct sim_node *up, const uint8_t *id)
{
	return ask_one(up, "SELECT count(*) FROM record WHERE id=?2", NULL, id,
	               GT_UUID_BYTES) > 0;
}

static bool apart(const struct sim_node *s, const struct sim_node *up,
                  bool loud)
{
	uint8_t id[GT_UUID_BYTES];
	bool right = true;
	sqlite3_stmt *st =
	        ask(s, "SELECT r.id FROM pool p JOIN record r ON r.seq=p.seq"
	               " WHERE p.cell>=0");
	while (right && sqlite3_step(st) == SQLITE_ROW) {
		gt_col_fixed(st, 0, id, GT_UUID_BYTES);
		right = !is_above(up, id);
	}
	ask_end(st);
	if (!right && loud)
		printf("not converged: what %s sets apart for a group is at "
		       "%s as it is\n",
		       s->code, up->code);
	return right;
}

bool whisper_right(const struct world *w, bool loud)
{
	bool right = true;
	for (unsigned i = 0; on && right && i < w->count; i++) {
		const struct sim_node *s = &w->nodes[i];
		if (s->parent < 0 || unsure(s) || unsure(&w->nodes[s->parent]))
			continue;
		right = apart(s, &w->nodes[s->parent], loud);
	}
	return right;
}
