/* read_demand.c: what the layers demand of a record, and what another layer
 * would.
 * Tests: u_leave.c, e2e/test_demand.py. */
#include <string.h>

#include "code.h"
#include "passage.h"
#include "read_inside.h"
#include "statement.h"

static json_t *fields_of(uint32_t fields)
{
	json_t *list = json_array();
	for (uint32_t bit = 1; list && bit <= GT_REDACT_ALL; bit <<= 1)
		if (fields & bit)
			(void)json_array_append_new(
			        list, gt_json_text(gt_redact_name(bit)));
	return list;
}

/* Sets what it says in v. */
static void set_demand(bool *ok, json_t *v, const struct gt_demand *d)
{
	const char *name = gt_treatment_name(d->treatment);
	gt_json_set(ok, v, "treatment", gt_json_text(name));
	gt_json_set(ok, v, "fields", fields_of(d->fields));
	gt_json_set(ok, v, "group", json_integer(d->group));
	gt_json_set(ok, v, "rule", gt_json_text(d->rule));
	gt_json_set(ok, v, "layer", gt_json_text(d->layer));
	gt_json_set(ok, v, "version", json_integer((json_int_t)d->version));
}

/* v, or NULL, and v is gone. */
static json_t *if_ok(bool ok, json_t *v)
{
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* ---------------------------------------------------------- explain */

/* A record, and who has a word in it. */
struct asked {
	const struct gt_reader_layers *layers;
	struct gt_goer goer;
};

static json_t *words_of(const struct asked *a, const struct gt_edge *e,
                        const struct gt_passage *way)
{
	const char *level = gt_level_name(gt_code_depth(e->to));
	const struct gt_receiver to = {e->to, level ? level : ""};
	const struct gt_traits traits = gt_passage_traits(way, &a->goer);
	json_t *list = json_array();
	bool ok = list != NULL;
	for (size_t i = 0; i < a->layers->n; i++) {
		const struct gt_layer *l = a->layers->layer[i];
		if (!gt_code_within(e->from, gt_layer_origin(l)) ||
		    !gt_layer_demands(l))
			continue;
		struct gt_demand d = gt_layer_demand(l, &traits, &to);
		d.layer = gt_layer_origin(l);
		d.version = gt_layer_version(l);
		json_t *v = json_object();
		set_demand(&ok, v, &d);
		gt_json_add(&ok, list, v);
	}
	return if_ok(ok, list);
}

static json_t *hop(const struct asked *a, const char *from, const char *to)
{
	const struct gt_edge e = {
	        (const struct gt_layer *const *)a->layers->layer, a->layers->n,
	        from, to};
	const char *level = gt_level_name(gt_code_depth(to));
	struct gt_passage way;
	json_t *v = json_object();
	bool ok = v && gt_passage_open(&way, &e, &a->goer) == 0;
	if (!ok)
		return if_ok(false, v);
	gt_json_set(&ok, v, "from", gt_json_text(from));
	gt_json_set(&ok, v, "to", gt_json_text(to));
	gt_json_set(&ok, v, "level", gt_json_text(level ? level : ""));
	set_demand(&ok, v, &way.demand);
	gt_json_set(&ok, v, "done", json_boolean(gt_passage_is_done(&way)));
	gt_json_set(&ok, v, "layers", words_of(a, &e, &way));
	gt_passage_close(&way);
	return if_ok(ok, v);
}

static json_t *hops_up(struct gt_reader *r, const struct asked *a,
                       const char *own)
{
	char at[GT_LEVELS_MAX + 1][GT_CODE_MAX + 1];
	size_t n = 0;
	json_t *list = json_array();
	bool ok = list && gt_reader_above(r, own, at, &n);
	for (size_t i = n; ok && i-- > 1;)
		gt_json_add(&ok, list, hop(a, at[i], at[i - 1]));
	return if_ok(ok, list);
}

/* The row of GT_Q_DEMANDED that st is on. */
static json_t *demanded(struct gt_reader *r, sqlite3_stmt *st,
                        const uint8_t *id)
{
	struct gt_reader_layers layers;
	char own[GT_CODE_MAX + 1], text[GT_UUID_TEXT];
	const struct asked a = {&layers,
	                        {.body = gt_col_bytes(st, 1),
	                         .id = id,
	                         .authority = gt_col_text(st, 2),
	                         .region = gt_col_text(st, 3),
	                         .policy = gt_col_text(st, 4),
	                         .flags = (uint32_t)gt_col_int(st, 5)}};
	if (!gt_reader_code(r, own) || !gt_reader_layers_load(r, &layers, own))
		return NULL;
	gt_uuid_format(text, id);
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "id", gt_json_text(text));
	gt_json_set(&ok, v, "seq", json_integer(gt_col_int(st, 0)));
	gt_json_set(&ok, v, "origin", gt_json_text(a.goer.region));
	gt_json_set(&ok, v, "policy", gt_json_text(a.goer.policy));
	gt_json_set(&ok, v, "hops", hops_up(r, &a, own));
	gt_reader_layers_free(&layers);
	return if_ok(ok, v);
}

json_t *gt_read_demanded(struct gt_reader *r, const uint8_t *id)
{
	json_t *v = NULL;
	gt_arena_reset(r->arena);
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_DEMANDED);
	if (!st)
		return NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	(void)sqlite3_bind_blob(st, 1, id, GT_UUID_BYTES, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		v = demanded(r, st, id);
	else if (rc == SQLITE_DONE)
		v = json_null();
	return if_ok(gt_reader_end(r, st, rc) && v, v);
}

/* ------------------------------------------------------------- diff */

struct diff {
	struct gt_edge was, becomes;
	size_t looked, changed;
	size_t count[GT_TREATMENTS][GT_TREATMENTS];
	int64_t seq[GT_TREATMENTS][GT_TREATMENTS];
	bool ok;
};

static void compare(struct diff *d, int64_t seq, const struct gt_demand *a,
                    const struct gt_demand *b)
{
	if (a->treatment == b->treatment && a->fields == b->fields &&
	    a->group == b->group)
		return;
	d->changed++;
	if (d->count[a->treatment][b->treatment]++ == 0)
		d->seq[a->treatment][b->treatment] = seq;
}

static void look(struct diff *d, sqlite3_stmt *st)
{
	const struct gt_goer r = {.body = gt_col_bytes(st, 1),
	                          .authority = "",
	                          .region = gt_col_text(st, 3),
	                          .policy = "",
	                          .flags = (uint32_t)gt_col_int(st, 5)};
	struct gt_passage was, becomes;
	d->looked++;
	int status = gt_passage_open(&was, &d->was, &r);
	if (status == 0) {
		status = gt_passage_open(&becomes, &d->becomes, &r);
		if (status == 0)
			compare(d, gt_col_int(st, 0), &was.demand,
			        &becomes.demand);
		gt_passage_close(&becomes);
	}
	gt_passage_close(&was);
	d->ok = d->ok && status != -GT_ENOMEM;
}

static json_t *changes_of(const struct diff *d)
{
	json_t *list = json_array();
	bool ok = list != NULL;
	for (int i = 0; i < GT_TREATMENTS * GT_TREATMENTS; i++) {
		int a = i / GT_TREATMENTS, b = i % GT_TREATMENTS;
		if (d->count[a][b] == 0)
			continue;
		json_t *v = json_object();
		gt_json_set(
		        &ok, v, "was",
		        gt_json_text(gt_treatment_name((enum gt_treatment)a)));
		gt_json_set(
		        &ok, v, "becomes",
		        gt_json_text(gt_treatment_name((enum gt_treatment)b)));
		gt_json_set(&ok, v, "count",
		            json_integer((json_int_t)d->count[a][b]));
		gt_json_set(&ok, v, "seq", json_integer(d->seq[a][b]));
		gt_json_add(&ok, list, v);
	}
	return if_ok(ok, list);
}

static json_t *differ(struct gt_reader *r, struct diff *d, size_t limit)
{
	json_t *v = json_object();
	int rc = SQLITE_DONE;
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_PREVIEW);
	if (!st)
		return if_ok(false, v);
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	(void)sqlite3_bind_int64(st, 1, (int64_t)limit);
	while (d->ok && (rc = sqlite3_step(st)) == SQLITE_ROW)
		look(d, st);
	bool ok = gt_reader_end(r, st, rc) && v && d->ok;
	gt_json_set(&ok, v, "to", gt_json_text(d->was.to));
	gt_json_set(&ok, v, "looked", json_integer((json_int_t)d->looked));
	gt_json_set(&ok, v, "changed", json_integer((json_int_t)d->changed));
	gt_json_set(&ok, v, "changes", changes_of(d));
	return if_ok(ok, v);
}

json_t *gt_read_demand_diff(struct gt_reader *r, struct gt_bytes layer,
                            const char *to, size_t limit)
{
	char own[GT_CODE_MAX + 1];
	struct gt_reader_layers held;
	const struct gt_layer *next[GT_LEVELS_MAX + 2];
	struct gt_layer *candidate = NULL;
	size_t n = 0;
	json_t *v = NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	if (!gt_reader_code(r, own) || !gt_reader_layers_load(r, &held, own))
		return NULL;
	if (gt_layer_new(&candidate, layer, r->why, sizeof r->why) == 0) {
		for (size_t i = 0; i < held.n; i++)
			if (strcmp(gt_layer_origin(held.layer[i]), own) != 0)
				next[n++] = held.layer[i];
		next[n++] = candidate;
		struct diff d = {
		        .was = {(const struct gt_layer *const *)held.layer,
		                held.n, own, to},
		        .becomes = {next, n, own, to},
		        .ok = true};
		v = differ(r, &d, gt_preview_limit(limit));
	}
	gt_layer_free(candidate);
	gt_reader_layers_free(&held);
	return v;
}
