/* check.c: what must be true after each step, and in the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "policy.h"
#include "schema.h"
#include "state.h"
#include "work.h"

/* ------------------------------------------------------------ asking a node */

static int64_t one(struct sim_node *s, const char *sql, const void *blob, int n)
{
	sqlite3_stmt *st;
	sqlite3 *db = sqlite3_db_handle(
	        gt_store_bind(s->core->store, GT_SQL_LAYERS, ""));
	int64_t out = -1;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) {
		fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
		exit(2);
	}
	if (blob)
		sqlite3_bind_blob(st, 1, blob, n, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return out;
}

/* ----------------------------------------------------------- after each turn
 */

/* Marks never overtake the truth: what a node believes its parent has, the
 * parent has. */
static void check_marks(struct world *w, struct sim_node *s)
{
	if (s->parent < 0 || !w->nodes[s->parent].core || !s->core)
		return;
	struct sim_node *up = &w->nodes[s->parent];
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT records FROM child WHERE code='%s'",
	         s->code);
	int64_t has = one(up, sql, NULL, 0);
	if (s->core->hop > 0 && has < s->core->hop)
		world_fail(w, "hop-mark", "%s believes %lld, %s has %lld",
		           s->code, (long long)s->core->hop, up->code,
		           (long long)has);
	if (s->core->root > s->core->hop && s->core->hop > 0)
		world_fail(w, "root-mark", "%s: root %lld beyond hop %lld",
		           s->code, (long long)s->core->root,
		           (long long)s->core->hop);
}

/* The root's layer holds this rule from the start, so nothing the root
 * publishes may slip past it; a county that has not heard of it yet may err for
 * a while. */
static void check_denied(struct world *w, struct sim_node *s)
{
	if (gt_code_depth(s->code) != 4)
		return;
	if (one(s,
	        "SELECT count(*) FROM item WHERE type='secret' AND verdict>0"
	        " AND id LIKE '33/%'",
	        NULL, 0) != 0)
		world_fail(w, "denied",
		           "%s holds a type its province denies to villages",
		           s->code);
}

void check_node(struct world *w, unsigned node)
{
	struct sim_node *s = &w->nodes[node];
	if (!s->core)
		return;
	if (w->events % 16 == 0) {
		check_marks(w, s);
		check_denied(w, s);
	}
}

/* ---------------------------------------------------------------- in the end
 */

static struct gt_layer *layers[NODES_MAX];

static void build_layers(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		uint8_t body[1024], again[1100];
		char why[200];
		gt_layer_free(layers[i]);
		layers[i] = NULL;
		if (!work.layer[i])
			continue;
		size_t n = work_layer(i, work.layer[i] - 1, body);
		Gt__Layer *m = gt__layer__unpack(NULL, n, body);
		char *empty = m->origin;
		m->origin = w->nodes[i].code;
		m->version = 1;
		n = gt__layer__pack(m, again);
		m->origin = empty;
		gt__layer__free_unpacked(m, NULL);
		if (gt_layer_new(&layers[i], gt_bytes_of(again, n), why,
		                 sizeof why) != 0) {
			fprintf(stderr, "layer: %s\n", why);
			exit(2);
		}
	}
}

/* The verdict by the definition in policy.h, walking down from the publisher.
 */
static enum gt_verdict expected(struct world *w, const struct resource *r,
                                unsigned node, const Gt__Entry *entry)
{
	const struct gt_layer *all[NODES_MAX];
	size_t n = 0;
	if (node == r->node)
		return GT_MIRROR;
	if (w->nodes[node].parent < 0)
		return GT_DENY;
	enum gt_verdict above =
	        expected(w, r, (unsigned)w->nodes[node].parent, entry);
	for (unsigned i = 0; i < w->count; i++)
		if (layers[i])
			all[n++] = layers[i];
	struct gt_receiver to = {
	        w->nodes[node].code,
	        gt_level_name(gt_code_depth(w->nodes[node].code))};
	struct gt_decision d = gt_policy_meet(all, n, entry, &to, 0);
	enum gt_verdict ceiling = gt_verdict_ceiling(above);
	return d.verdict < ceiling ? d.verdict : ceiling;
}

static bool wrong(bool loud, const struct sim_node *s, const char *id,
                  const char *what)
{
	if (loud)
		printf("not converged: %s: %s: %s\n", s->code, id, what);
	return false;
}

static bool object_right(struct sim_node *s, const struct resource *r,
                         enum gt_verdict v, bool loud)
{
	char sql[160];
	if (gt_id_is_zero(&r->object) || v < GT_MIRROR)
		return true;
	snprintf(sql, sizeof sql, "SELECT state FROM object WHERE id=?1");
	if (one(s, sql, r->object.b, GT_ID_BYTES) != GT_OBJECT_COMPLETE)
		return wrong(loud, s, r->id, "its object is not complete");
	return true;
}

static bool resource_right(struct world *w, struct sim_node *s,
                           const struct resource *r, bool loud)
{
	static const char *const types[] = {"course", "video", "document",
	                                    "secret", "announcement"};
	char sql[300];
	Gt__Entry entry;
	gt__entry__init(&entry);
	union {
		const char *in;
		char *out;
	} type = {types[r->type]}, id = {r->id};
	entry.type = type.out;
	entry.id = id.out;
	enum gt_verdict v = expected(w, r, s->index, &entry);
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM item WHERE kind=1 AND id='%s'"
	         " AND verdict>0 AND state=0",
	         r->id);
	bool here = one(s, sql, NULL, 0) > 0;
	if (r->withdrawn)
		return here ? wrong(loud, s, r->id, "withdrawn, still here")
		            : true;
	if ((v > GT_DENY) != here)
		return wrong(loud, s, r->id, here ? "denied, here" : "missing");
	if (v == GT_DENY)
		return true;
	snprintf(sql, sizeof sql,
	         "SELECT verdict FROM item WHERE kind=1 AND id='%s'", r->id);
	if (one(s, sql, NULL, 0) != (int64_t)v)
		return wrong(loud, s, r->id, "another verdict");
	snprintf(sql, sizeof sql,
	         "SELECT object IS ?1 OR (object IS NULL AND length(?1)=0)"
	         " FROM item WHERE kind=1 AND id='%s'",
	         r->id);
	bool none = gt_id_is_zero(&r->object);
	if (!none && one(s, sql, r->object.b, GT_ID_BYTES) != 1)
		return wrong(loud, s, r->id, "another version's object");
	return object_right(s, r, v, loud);
}

/* Every acknowledged record is at the root once, in one of the forms that were
 * acknowledged for its id. */
static bool records_right(struct world *w, bool loud)
{
	struct sim_node *root = &w->nodes[0];
	for (unsigned i = 0; i < work.nrecords; i++) {
		const struct record *r = &work.records[i];
		char body[256];
		bool match = false;
		if (!r->acknowledged)
			continue;
		if (one(root, "SELECT count(*) FROM record WHERE id=?1", r->id,
		        16) != 1)
			return wrong(loud, root, "record", "not there once");
		for (unsigned k = 0; !match && k < work.nrecords; k++) {
			const struct record *o = &work.records[k];
			if (memcmp(o->id, r->id, 16) != 0)
				continue;
			size_t n = work_record_body(o, body);
			match = one(root,
			            "SELECT count(*) FROM record WHERE body=?1",
			            body, (int)n) == 1;
		}
		if (!match)
			return wrong(loud, root, "record",
			             "changed on the way");
	}
	return true;
}

static bool node_quiet(struct sim_node *s, bool loud)
{
	struct gt_node_status *st = malloc(sizeof *st);
	if (!st)
		exit(2);
	gt_node_status(s->core, st);
	bool linked = s->parent < 0 || (st->parent_up && st->synced);
	bool rooted = st->records_unrooted == 0;
	free(st);
	if (!linked)
		return wrong(loud, s, "link", "not up and in step");
	return rooted ? true : wrong(loud, s, "records", "not all at the root");
}

bool check_converged(struct world *w, bool loud)
{
	bool right = true;
	build_layers(w);
	for (unsigned i = 0; right && i < w->count; i++) {
		struct sim_node *s = &w->nodes[i];
		right = s->core && node_quiet(s, loud);
		for (unsigned r = 0; right && r < work.nresources; r++)
			if (work.resources[r].version > 0)
				right = resource_right(w, s, &work.resources[r],
				                       loud);
	}
	right = right && records_right(w, loud);
	for (unsigned i = 0; i < w->count; i++) {
		gt_layer_free(layers[i]);
		layers[i] = NULL;
	}
	return right;
}
