#include "terms.h"

#include <string.h>

#include "json.h"
#include "records_inside.h"
#include "runs.h"
#include "xapi_term.h"

enum {
	TARGETS = 8,  /* A targets B, which targets C, ... (read_filter.c) */
	PIECE = 2000, /* records a turn, where nobody waits */
	PIECE_BUSY = 256, /* ... while a backlog comes, once it lasts */
	GROUPS = 4,       /* merged a turn, where nobody waits */
	PUT_GROUP = 3000, /* with so many put one more is */
	/* a backlog of which nothing came for so long has ended */
	LULL_MS = 100,
	PATIENT_MS = 60000, /* so long nothing of it is indexed */
	REST_MS = 60000,
};

/* ---------------------------------------------------------- a record */

static int put(struct gt_node *n, uint64_t term, int64_t seq)
{
	const struct gt_run_entry e = {term, (uint64_t)seq, 0};
	return gt_store_of_runs(
	        n->store, gt_runs_put(gt_store_runs(n->store), GT_RUN_TERM, e));
}

/* NULL and *malformed, or out of memory. */
static json_t *parse(struct gt_bytes text, bool *malformed)
{
	json_error_t error;
	json_t *v = gt_json_load(text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
	                         &error);
	*malformed = !v && *error.text;
	return v;
}

/* Adds the terms of a body; *next: whom it targets, which is followed. 0,
 * -GT_ENOMEM; -GT_EDAMAGED: it cannot be read. */
static int add(struct gt_terms *t, struct gt_bytes body, const char *authority,
               uint8_t target[GT_UUID_BYTES], bool *next)
{
	bool malformed = false, other = false;
	json_t *v = parse(body, &malformed);
	json_t *by =
	        v && *authority ? parse(gt_bytes_str(authority), &other) : NULL;
	malformed = malformed || other;
	bool short_of = !malformed && (!v || (*authority && !by));
	*next = false;
	if (v && !short_of) {
		gt_terms_of(t, v, by);
		*next = gt_query_target(v, target);
	}
	json_decref(v);
	json_decref(by);
	return short_of ? -GT_ENOMEM : malformed ? -GT_EDAMAGED : 0;
}

/* Adds those of the record that is targeted, and whom that one does. *next: it
 * was here, and targets another. *lost: it is not here. */
static int follow(struct gt_node *n, struct gt_terms *t,
                  uint8_t target[GT_UUID_BYTES], bool *next, bool *lost)
{
	uint8_t id[GT_UUID_BYTES];
	memcpy(id, target, sizeof id);
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_WORDS, "b",
	                                 gt_bytes_of(id, sizeof id));
	int row = gt_store_step(n->store, GT_SQL_RECORD_WORDS);
	int status = row < 0 ? row : 0;
	*lost = row == 0;
	*next = false;
	if (row == 1)
		status = add(t, gt_col_bytes(st, 0), gt_col_text(st, 1), target,
		             next);
	gt_store_reset(n->store, GT_SQL_RECORD_WORDS);
	if (status == -GT_EDAMAGED)
		*lost = true;
	return status == -GT_EDAMAGED ? 0 : status;
}

/* All terms of a record, with those of what it targets. *lost: not of all. */
static int collect(struct gt_node *n, struct gt_bytes body,
                   const char *authority, struct gt_terms *t, bool *lost)
{
	uint8_t target[GT_UUID_BYTES];
	bool next = false;
	t->n = 0;
	t->more = false;
	int status = add(t, body, authority, target, &next);
	*lost = status == -GT_EDAMAGED;
	if (*lost)
		return 0;
	for (unsigned i = 0; status == 0 && next && i < TARGETS; i++)
		status = follow(n, t, target, &next, lost);
	return status;
}

/* A row of (seq, body, authority). */
static int index_record(struct gt_node *n, int64_t seq, struct gt_bytes body,
                        const char *authority, struct gt_terms *t)
{
	bool lost = false;
	int status = collect(n, body, authority, t, &lost);
	if (status == 0 && (lost || t->more))
		return put(n, GT_TERM_UNSURE, seq);
	for (size_t i = 0; status == 0 && i < t->n; i++)
		status = put(n, t->v[i], seq);
	return status;
}

static int take_out(struct gt_node *n, uint64_t term, int64_t seq)
{
	return gt_store_of_runs(n->store, gt_runs_erase(gt_store_runs(n->store),
	                                                GT_RUN_TERM, term,
	                                                (uint64_t)seq));
}

int gt_terms_forget(struct gt_node *n, int64_t seq, struct gt_bytes body,
                    const char *authority)
{
	struct gt_terms *t = gt_arena_get(n->arena, sizeof *t);
	bool lost;
	int status = t ? gt_store_enter(n->store) : -GT_ENOMEM;
	if (status == 0)
		status = collect(n, body, authority, t, &lost);
	if (status == 0)
		status = take_out(n, GT_TERM_UNSURE, seq);
	for (size_t i = 0; status == 0 && i < t->n; i++)
		status = take_out(n, t->v[i], seq);
	return status;
}

/* Some of what is not indexed yet. */
static int index_some(struct gt_node *n, int64_t most)
{
	struct gt_index *x = n->records->index;
	struct gt_terms *t = gt_arena_get(n->arena, sizeof *t);
	int64_t last = x->seq;
	int row = 1, status = t ? gt_store_enter(n->store) : -GT_ENOMEM;
	if (status != 0 || most <= 0)
		return status;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_RECORDS_WORDS, "ii", last, most);
	while (status == 0 &&
	       (row = gt_store_step(n->store, GT_SQL_RECORDS_WORDS)) == 1) {
		last = gt_col_int(st, 0);
		status = index_record(n, last, gt_col_bytes(st, 1),
		                      gt_col_text(st, 2), t);
		most--;
	}
	gt_store_reset(n->store, GT_SQL_RECORDS_WORDS);
	if (status == 0 && row < 0)
		status = row;
	if (row == 0 && most > 0)
		last = n->records->seq; /* numbers without a record */
	if (status != 0 || last == x->seq)
		return status;
	x->seq = last;
	return gt_meta_put(n->store, "indexed", last);
}

/* ------------------------------------------------------------- when */

int gt_terms_load(struct gt_node *n)
{
	struct gt_index *x = n->records->index;
	*x = (struct gt_index){0};
	int status = gt_store_runs(n->store)
	                     ? gt_meta_get(n->store, "indexed", 0, &x->seq)
	                     : -GT_ENOMEM;
	if (status != 0)
		return status;
	x->more = true; /* a merge may have been under way */
	/* of a database that forgot records its index may know more */
	if (x->seq < 0 || x->seq > n->records->seq)
		x->clear = true;
	return 0;
}

void gt_terms_batch(struct gt_node *n, bool full)
{
	struct gt_index *x = n->records->index;
	if (full && x->backlog_ms == 0)
		x->backlog_ms = n->now.mono_ms + 1;
	x->lull_due = full ? n->now.mono_ms + LULL_MS : 0;
}

int gt_terms_again(struct gt_node *n, int64_t seq)
{
	if (seq > n->records->index->seq)
		return 0;
	int status = gt_store_enter(n->store);
	return status ? status : put(n, GT_TERM_UNSURE, seq);
}

/* How many records are indexed now. */
static int64_t piece(struct gt_node *n)
{
	struct gt_index *x = n->records->index;
	int64_t left = n->records->seq - x->seq;
	if (left == 0 || n->now.mono_ms >= x->lull_due) {
		x->backlog_ms = 0;
		return left < PIECE ? left : PIECE;
	}
	return n->now.mono_ms > x->backlog_ms + PATIENT_MS ? PIECE_BUSY : 0;
}

/* Nothing of the index is believed: all is indexed anew. */
static int begin_anew(struct gt_node *n)
{
	struct gt_index *x = n->records->index;
	int status = gt_store_enter(n->store);
	if (status == 0)
		status = gt_store_of_runs(
		        n->store,
		        gt_runs_clear(gt_store_runs(n->store), GT_RUN_TERM));
	x->clear = false;
	x->seq = 0;
	x->more = true;
	return status ? status : gt_meta_put(n->store, "indexed", 0);
}

/* Damage of what can be made anew is no end. */
static int heal(struct gt_node *n, int status)
{
	if (status != -GT_EDAMAGED ||
	    gt_runs_damaged(gt_store_runs(n->store)) != GT_RUN_TERM)
		return status;
	n->records->index->clear = true;
	return gt_log(n, GT_LOG_ERROR,
	              "%s: it is made anew from the records. Look after this "
	              "disk",
	              gt_store_why(n->store));
}

static int write_sets(struct gt_node *n)
{
	struct gt_index *x = n->records->index;
	struct gt_runs *r = gt_store_runs(n->store);
	size_t put = gt_runs_waiting(r);
	bool idle = put == 0 && n->now.mono_ms >= x->lull_due;
	unsigned groups = idle ? GROUPS : (unsigned)(put / PUT_GROUP + 1);
	if (put == 0 && !x->more)
		return 0;
	int status = gt_store_enter(n->store);
	if (status == 0)
		status = gt_store_of_runs(n->store, gt_runs_commit(r));
	if (status == 0)
		status = gt_store_of_runs(n->store,
		                          gt_runs_work(r, groups, &x->more));
	if (put > 0)
		x->rest_due = n->now.mono_ms + REST_MS;
	return status;
}

int gt_terms_go(struct gt_node *n)
{
	struct gt_index *x = n->records->index;
	int status = x->clear ? begin_anew(n) : 0;
	int64_t most = status == 0 ? piece(n) : 0;
	if (most > 0)
		status = index_some(n, most);
	if (status == 0)
		status = write_sets(n);
	if (x->rest_due && n->now.mono_ms >= x->rest_due && !x->more) {
		gt_runs_rest(gt_store_runs(n->store));
		x->rest_due = 0;
	}
	return heal(n, status);
}

uint64_t gt_terms_deadline(const struct gt_node *n)
{
	const struct gt_index *x = n->records->index;
	if (x->clear || x->more || x->seq < n->records->seq)
		return x->lull_due > n->now.mono_ms ? x->lull_due
		                                    : n->now.mono_ms;
	return UINT64_MAX;
}
