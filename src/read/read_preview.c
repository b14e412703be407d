/* read_preview.c: what records here would be on their way up, and none of them
 * goes: by privacy/, which records/leave.c asks too.
 * Tests: u_leave.c, e2e/test_demand.py. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "passage.h"
#include "read_inside.h"

enum { SAMPLES = 2 }; /* of each treatment */

struct preview {
	struct gt_reader *r;
	const struct gt_reader_layers *layers;
	const struct gt_pseudonym_source *names;
	char own[GT_CODE_MAX + 1];
	const char *to, *level;
	json_t *samples;
	size_t looked, did[GT_TREATMENTS], keyless;
	size_t told[GT_TREATMENTS];
	bool ok;
};

/* A row of GT_Q_PREVIEW. */
static struct gt_goer goer_of(sqlite3_stmt *st)
{
	return (struct gt_goer){
	        .body = gt_col_bytes(st, 1),
	        .authority = gt_col_text(st, 2),
	        .region = gt_col_text(st, 3),
	        .policy = gt_col_text(st, 4),
	        .flags = (uint32_t)gt_col_int(st, 5),
	        .id = gt_col_bytes(st, 7).p,
	};
}

/* What it would be. As gt_passage_become, and -GT_ESTATE: there is no key. */
static int become(const struct preview *p, sqlite3_stmt *st,
                  struct gt_passage *way, const struct gt_goer *r,
                  struct gt_passed *out)
{
	struct gt_pseudonyms how = {NULL, p->names ? p->names->aliases : NULL};
	*out = (struct gt_passed){0};
	if (way->demand.treatment == GT_PSEUDONYMISE) {
		how.key = gt_passage_key(p->names, p->own, gt_col_int(st, 6));
		if (!how.key)
			return -GT_ESTATE;
	}
	return gt_passage_become(way, r, &how, out);
}

/* body NULL: it would not go. */
static void sample(struct preview *p, sqlite3_stmt *st,
                   const struct gt_demand *by, enum gt_treatment did,
                   const struct gt_bytes *body)
{
	json_t *v = json_object();
	json_t *is = body ? gt_json_load(*body, 0, NULL) : json_null();
	if (p->told[did]++ >= SAMPLES || !is) {
		json_decref(v);
		json_decref(is);
		return;
	}
	gt_json_set(&p->ok, v, "seq", json_integer(gt_col_int(st, 0)));
	gt_json_set(&p->ok, v, "treatment",
	            gt_json_text(gt_treatment_name(did)));
	gt_json_set(&p->ok, v, "rule", gt_json_text(by->rule));
	gt_json_set(&p->ok, v, "layer", gt_json_text(by->layer));
	gt_json_set(&p->ok, v, "version", json_integer((int64_t)by->version));
	gt_json_set(&p->ok, v, "body", is);
	gt_json_add(&p->ok, p->samples, v);
}

/* As it is; or as it would become; or not at all. */
static int judge(struct preview *p, sqlite3_stmt *st, struct gt_passage *way,
                 const struct gt_goer *r)
{
	struct gt_passed to = {0};
	enum gt_treatment did = way->demand.treatment;
	bool done = gt_passage_is_done(way);
	int status = done ? 0 : become(p, st, way, r, &to);
	struct gt_bytes body = done ? r->body : gt_buffer_bytes(&to.body);
	if (done)
		did = way->done.treatment;
	else if (status == -GT_ELIMIT && did != GT_AGGREGATE)
		did = GT_DROP;
	p->keyless += status == -GT_ESTATE;
	if (status == 0 || status == -GT_ELIMIT) {
		p->did[did]++;
		sample(p, st, &way->demand, did, status == 0 ? &body : NULL);
	}
	gt_passed_free(&to);
	return status == -GT_ENOMEM ? status : 0;
}

static void look(struct preview *p, sqlite3_stmt *st)
{
	const struct gt_edge edge = {
	        (const struct gt_layer *const *)p->layers->layer, p->layers->n,
	        p->own, p->to};
	const struct gt_goer r = goer_of(st);
	struct gt_passage way;
	p->looked++;
	/* what cannot be read does not leave */
	int status = r.id ? gt_passage_open(&way, &edge, &r) : -GT_EINVALID;
	if (status == 0)
		status = judge(p, st, &way, &r);
	if (r.id)
		gt_passage_close(&way);
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
	gt_json_set(&ok, v, "to", gt_json_text(p->to));
	gt_json_set(&ok, v, "level", gt_json_text(p->level));
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

size_t gt_preview_limit(size_t asked)
{
	return asked == 0 ? 1000 : asked < 10000 ? asked : 10000;
}

json_t *gt_read_preview(struct gt_reader *r, const char *to, size_t limit,
                        const struct gt_pseudonym_source *names)
{
	struct gt_reader_layers layers;
	const char *level = gt_level_name(gt_code_depth(to));
	struct preview p = {.r = r,
	                    .layers = &layers,
	                    .names = names,
	                    .to = to,
	                    .level = level ? level : "",
	                    .samples = json_array()};
	json_t *v = NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	p.ok = p.samples != NULL;
	if (p.ok && gt_reader_code(r, p.own) &&
	    gt_reader_layers_load(r, &layers, p.own)) {
		if (look_at_all(&p, gt_preview_limit(limit)))
			v = whole(&p);
		gt_reader_layers_free(&layers);
	}
	json_decref(p.samples);
	return v;
}
