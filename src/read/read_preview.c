/* read_preview.c: what records here would be on their way up, and none of them
 * goes: the same rules, transforms and keys as records/leave.c.
 * Tests: e2e/test_demand.py. */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "code.h"
#include "demand.h"
#include "identity.h"
#include "json.h"
#include "read_inside.h"
#include "statement.h"

enum { SAMPLES = 2 }; /* of each treatment */

struct preview {
	struct gt_reader *r;
	const struct gt_reader_layers *layers;
	const struct gt_pseudonym_source *names;
	char own[GT_CODE_MAX + 1];
	struct gt_receiver to;
	json_t *samples;
	size_t looked, did[GT_TREATMENTS], keyless;
	size_t told[GT_TREATMENTS];
	bool ok;
};

/* A row of GT_Q_PREVIEW. */
struct row {
	struct gt_about about;
	struct gt_demand demand;
	struct gt_done done;
	const char *authority;
};

static struct gt_traits traits_of(const struct gt_about *a, const char *region,
                                  bool voids)
{
	return (struct gt_traits){
	        .verb = a->verb,
	        .activities = a->activities,
	        .nactivities = a->nactivities,
	        .region = region,
	        .classes = a->classes,
	        .nclasses = a->nclasses,
	        .minor = GT_MINOR_UNKNOWN,
	        .voids = voids,
	};
}

/* What it would be, behind out. 0; -GT_ESTATE: there is no key; -GT_ELIMIT: it
 * would stay; -GT_ENOMEM. */
static int become(const struct preview *p, struct row *row, int64_t ms,
                  struct gt_buffer *out)
{
	if (row->demand.treatment <= GT_REDACT)
		return gt_identity_redact(out, &row->about,
		                          row->demand.fields |
		                                  row->done.fields);
	const struct gt_pseudonym_key *key =
	        p->names ? gt_pseudonym_key_at(p->names->keys, p->names->nkeys,
	                                       p->own, ms)
	                 : NULL;
	const struct gt_pseudonyms how = {key,
	                                  p->names ? p->names->aliases : NULL};
	if (!key)
		return -GT_ESTATE;
	return gt_identity_pseudonymise(out, &row->about, row->authority, &how);
}

static void sample(struct preview *p, sqlite3_stmt *st, const struct row *row,
                   enum gt_treatment did, const struct gt_buffer *body)
{
	json_error_t error;
	json_t *v = json_object();
	json_t *is = body ? gt_json_load(gt_buffer_bytes(body), 0, &error)
	                  : json_null();
	if (p->told[did]++ >= SAMPLES || !is) {
		json_decref(v);
		json_decref(is);
		return;
	}
	gt_json_set(&p->ok, v, "seq", json_integer(gt_col_int(st, 0)));
	gt_json_set(&p->ok, v, "treatment",
	            gt_json_text(gt_treatment_name(did)));
	gt_json_set(&p->ok, v, "rule", gt_json_text(row->demand.rule));
	gt_json_set(&p->ok, v, "layer", gt_json_text(row->demand.layer));
	gt_json_set(&p->ok, v, "version",
	            json_integer((int64_t)row->demand.version));
	gt_json_set(&p->ok, v, "body", is);
	gt_json_add(&p->ok, p->samples, v);
}

/* As it is; or as it would become; or not at all. */
static int judge(struct preview *p, sqlite3_stmt *st, struct row *row)
{
	struct gt_buffer body = {0};
	struct gt_bytes as_is = gt_col_bytes(st, 1);
	enum gt_treatment did = row->demand.treatment;
	bool done = gt_done_satisfies(&row->done, &row->demand);
	int status = 0;
	if (done) {
		did = row->done.treatment;
		status =
		        gt_buffer_add(&body, as_is.p, as_is.n) ? 0 : -GT_ENOMEM;
	} else if (did <= GT_PSEUDONYMISE) {
		status = become(p, row, gt_col_int(st, 6), &body);
	}
	bool leaves = status == 0 && (done || did <= GT_PSEUDONYMISE);
	p->keyless += status == -GT_ESTATE;
	if (status == -GT_ELIMIT)
		did = GT_DROP;
	if (status != -GT_ESTATE && status != -GT_ENOMEM) {
		p->did[did]++;
		sample(p, st, row, did, leaves ? &body : NULL);
	}
	gt_buffer_free(&body);
	return status == -GT_ENOMEM ? status : 0;
}

static void look(struct preview *p, sqlite3_stmt *st)
{
	struct row row = {.authority = gt_col_text(st, 2)};
	const char *policy = gt_col_text(st, 4);
	int status = gt_about_open(&row.about, gt_col_bytes(st, 1));
	p->looked++;
	if (status == 0) {
		struct gt_traits traits =
		        traits_of(&row.about, gt_col_text(st, 3),
		                  gt_col_int(st, 5) & GT_STATEMENT_VOIDS);
		row.demand = gt_demand_of(
		        (const struct gt_layer *const *)p->layers->layer,
		        p->layers->n, &traits, p->own, &p->to);
		row.done = gt_done_parse(policy);
		status = judge(p, st, &row);
		gt_about_close(&row.about);
	}
	/* what cannot be read does not leave */
	p->ok = p->ok && status != -GT_ENOMEM;
}

static json_t *counts(const struct preview *p)
{
	json_t *v = json_object();
	bool ok = v != NULL;
	for (int t = 0; t < GT_TREATMENTS; t++)
		gt_json_set(&ok, v, gt_treatment_name((enum gt_treatment)t),
		            json_integer((json_int_t)p->did[t]));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *whole(struct preview *p)
{
	json_t *v = json_object();
	bool ok = v && p->ok;
	gt_json_set(&ok, v, "to", gt_json_text(p->to.code));
	gt_json_set(&ok, v, "level", gt_json_text(p->to.level));
	gt_json_set(&ok, v, "looked", json_integer((json_int_t)p->looked));
	gt_json_set(&ok, v, "did", counts(p));
	gt_json_set(&ok, v, "keyless", json_integer((json_int_t)p->keyless));
	gt_json_set(&ok, v, "samples", json_incref(p->samples));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static bool look_at_all(struct preview *p, size_t limit)
{
	sqlite3_stmt *st = gt_reader_query(p->r, GT_Q_PREVIEW);
	int rc = SQLITE_DONE;
	if (!st)
		return false;
	gt_reader_fail(p->r, gt_strerror(GT_ENOMEM));
	(void)sqlite3_bind_int64(st, 1, (int64_t)limit);
	while (p->ok && (rc = sqlite3_step(st)) == SQLITE_ROW)
		look(p, st);
	return gt_reader_end(p->r, st, rc) && p->ok;
}

json_t *gt_read_preview(struct gt_reader *r, const char *to, size_t limit,
                        const struct gt_pseudonym_source *names)
{
	struct gt_reader_layers layers;
	const char *level = gt_level_name(gt_code_depth(to));
	struct preview p = {.r = r,
	                    .layers = &layers,
	                    .names = names,
	                    .to = {to, level ? level : ""},
	                    .samples = json_array()};
	json_t *v = NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	p.ok = p.samples != NULL;
	limit = limit == 0 ? 1000 : limit < 10000 ? limit : 10000;
	if (p.ok && gt_reader_code(r, p.own) &&
	    gt_reader_layers_load(r, &layers, p.own)) {
		if (look_at_all(&p, limit))
			v = whole(&p);
		gt_reader_layers_free(&layers);
	}
	json_decref(p.samples);
	return v;
}
