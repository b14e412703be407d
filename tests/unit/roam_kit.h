/* roam_kit.h: documents put at four nodes of a tree: for u_roam.c, u_seek.c. */
#ifndef ROAM_KIT_H
#define ROAM_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "documents_take.h"
#include "nodes.h"

/* 33; 3301 and 3302 below it; 330106 below 3301. Beyond: what is kept of one. */
enum { TOP, MID, LOW, SIDE, KEPT };

static const char learner[] = "sha1:0123456789012345678901234567890123456789";

static inline int four(void **state)
{
	struct nodes *t = nodes_new();
	nodes_dir_new(t);
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, MID, "3301", "33", nodes_path(t, MID));
	nodes_open(t, LOW, "330106", "3301", nodes_path(t, LOW));
	nodes_open(t, SIDE, "3302", "33", nodes_path(t, SIDE));
	nodes_enrol(t);
	*state = t;
	return 0;
}

static inline int edit(struct nodes *t, unsigned i, enum gt_document_verb verb,
                       const struct gt_document_key *key, const char *body)
{
	struct gt_document_edit d = {.key = *key,
	                             .verb = verb,
	                             .actor = "{}",
	                             .type = "application/json",
	                             .body = gt_bytes_str(body)};
	struct gt_event e = {.type = GT_EV_DOCUMENT,
	                     .token = ++t->tokens,
	                     .actor = "user:test",
	                     .document = &d};
	assert_int_equal(nodes_event(t, i, &e), 0);
	const struct done *r = nodes_last(t, i, GT_ACT_REPLY, 0);
	assert_true(r && r->a.token == e.token);
	return r->a.status;
}

static inline void put(struct nodes *t, unsigned i, const char *id,
                       const char *body)
{
	struct gt_document_key key = {GT_DOCUMENT_STATE, "http://x.cn/a",
	                              learner, "", id};
	assert_int_equal(edit(t, i, GT_DOCUMENT_PUT, &key, body), 0);
}

static inline void take_away(struct nodes *t, unsigned i, const char *id)
{
	struct gt_document_key key = {GT_DOCUMENT_STATE, "http://x.cn/a",
	                              learner, "", id};
	assert_int_equal(edit(t, i, GT_DOCUMENT_DELETE, &key, ""), 0);
}

static inline const char *body_of(struct nodes *t, unsigned i, const char *id)
{
	return nodes_text(t, i,
	                  "SELECT CASE gone WHEN 1 THEN 'gone' ELSE "
	                  "CAST(body AS TEXT) END FROM document WHERE id='%s'",
	                  id);
}

static inline int64_t waiting(struct nodes *t, unsigned i)
{
	int64_t rows =
	        nodes_int(t, i, "SELECT count(*) FROM document WHERE up=1");
	assert_int_equal(nodes_status(t, i)->documents_waiting, rows);
	return rows;
}

static inline int64_t conflicts(struct nodes *t, unsigned i)
{
	int64_t rows = nodes_int(t, i, "SELECT count(*) FROM document_lost");
	assert_int_equal(nodes_status(t, i)->documents_conflicts, rows);
	return rows;
}

/* Links that are down are dialled; what waits is carried. */
static inline void link_up(struct nodes *t, unsigned child, unsigned parent)
{
	for (size_t w = 0; w < t->nwires; w++)
		if (t->wires[w].up && t->wires[w].child == child)
			return;
	size_t kept = 0;
	for (size_t w = 0; w < t->nwires; w++)
		if (t->wires[w].up)
			t->wires[kept++] = t->wires[w];
	t->nwires = kept;
	nodes_wire(t, child, parent, true);
	nodes_run(t);
}

static inline void cut(struct nodes *t, unsigned child)
{
	for (size_t w = 0; w < t->nwires; w++)
		if (t->wires[w].up && t->wires[w].child == child)
			nodes_cut(t, (unsigned)w);
}

static inline void settle(struct nodes *t)
{
	for (int i = 0; i < 6; i++) {
		link_up(t, MID, TOP);
		link_up(t, LOW, MID);
		link_up(t, SIDE, TOP);
		nodes_pass(t, 15000);
	}
}

/* Node i's layer, which demands that of all records on their way to a level. */
static inline void demand(struct nodes *t, unsigned i, const char *level,
                          Gt__Treatment treatment)
{
	Gt__Layer m;
	Gt__Demand d, *list = &d;
	char *levels = gt_lend(level);
	static char name[] = "the rule";
	gt__layer__init(&m);
	gt__demand__init(&d);
	m.fallback = GT__VERDICT__MIRROR;
	m.demands = &list;
	m.n_demands = 1;
	d.name = name;
	d.treatment = treatment;
	d.fields = treatment == GT__TREATMENT__TREAT_REDACT;
	d.levels = &levels;
	d.n_levels = 1;
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .token = ++t->tokens,
	                     .body = gt_arena_pack(t->arena, &m.base)};
	assert_int_equal(nodes_event(t, i, &e), 0);
	assert_int_equal(nodes_last(t, i, GT_ACT_REPLY, 0)->a.status, 0);
}

#endif
