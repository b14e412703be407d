/* run_merge.c: eight runs of a level become one of the next, a piece at a time.
 *
 * The run that is being made has in its row how far it is; what it has up to
 * there is in its sources too, which alone are asked until it is whole. Lower
 * levels go first: they are small, and there are always more of them.
 * Tests: u_runs.c. */
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

/* One of the runs that are merged, at its next entry. */
struct source {
	struct gt_run run;
	struct gt_run_entry *v; /* a block of it */
	int n, at;              /* at == n: it is through */
	int64_t gid;
	unsigned block, nblocks;
};

struct gt_run_merge {
	struct gt_run to;
	unsigned width;
	size_t n;
	struct source v[GT_RUN_FAN]; /* the newest first */
};

void gt_run_merge_free(struct gt_run_merge *m)
{
	for (size_t i = 0; m && i < m->n; i++)
		free(m->v[i].v);
	free(m);
}

/* ---------------------------------------------------------- sources */

static int load(struct gt_runs *r, struct source *s)
{
	int n = gt_runs_block(r, &s->run, s->gid, s->block, s->v);
	s->at = 0;
	s->n = n < 0 ? 0 : n;
	return n < 0 ? n : 0;
}

static int enter(struct gt_runs *r, struct source *s, int row,
                 const struct gt_run_group *g, unsigned block)
{
	s->n = s->at = 0;
	if (row != 1)
		return row;
	s->gid = g->gid;
	s->nblocks = g->guide.nblocks;
	s->block = block;
	return load(r, s);
}

/* To the first entry behind the one it is at. */
static int forward(struct gt_runs *r, struct source *s)
{
	struct gt_run_group g;
	struct gt_run_entry last = s->v[s->at++];
	if (s->at < s->n)
		return 0;
	if (++s->block < s->nblocks)
		return load(r, s);
	int row = gt_runs_behind(r, &s->run, last.hi, last.lo, &g);
	return enter(r, s, row, &g, 0);
}

/* To the first entry behind what has been merged. */
static int seek(struct gt_runs *r, struct source *s, const struct gt_run *to)
{
	/* the least key there can be, if nothing has been */
	const struct gt_run_entry *c = &to->cursor;
	struct gt_run_group g;
	int row = gt_runs_group(r, &s->run, c->hi, c->lo, &g);
	int at = row == 1 ? gt_guide_block(&g.guide, c->hi, c->lo) : 0;
	if (row == 0)
		row = gt_runs_behind(r, &s->run, c->hi, c->lo, &g);
	int status = enter(r, s, row, &g, at < 0 ? 0 : (unsigned)at);
	while (status == 0 && to->begun && s->at < s->n &&
	       gt_run_compare(&s->v[s->at], c) <= 0)
		status = forward(r, s);
	return status;
}

static int open(struct gt_runs *r, const struct gt_run *to)
{
	struct gt_run_merge *m = r->merge;
	int status = 0;
	if (m && m->to.run == to->run)
		return 0;
	gt_run_merge_free(m);
	r->merge = m = calloc(1, sizeof *m);
	if (!m)
		return -GT_ENOMEM;
	m->to = *to;
	m->to.top = NULL;
	m->width = gt_run_names(to->kind) ? gt_run_width(to->high) : 0;
	for (size_t i = 0; status == 0 && i < r->n; i++) {
		if (r->v[i].target != to->run ||
		    r->v[i].state != GT_RUN_WHOLE || m->n == GT_RUN_FAN)
			continue;
		struct source *s = &m->v[m->n++];
		s->run = r->v[i];
		s->run.top = NULL;
		s->v = malloc(GT_BLOCK_ENTRIES * sizeof *s->v);
		status = s->v ? seek(r, s, to) : -GT_ENOMEM;
	}
	return status;
}

/* ------------------------------------------------------------ a step */

/* The source of the least entry, of two that are the same the newer one; NULL:
 * all are through. */
static struct source *least(struct gt_run_merge *m)
{
	struct source *best = NULL;
	for (size_t i = 0; i < m->n; i++) {
		struct source *s = &m->v[i];
		if (s->at < s->n &&
		    (!best ||
		     gt_run_compare(&s->v[s->at], &best->v[best->at]) < 0))
			best = s;
	}
	return best;
}

/* Every source goes behind e. */
static int pass(struct gt_runs *r, struct gt_run_merge *m,
                const struct gt_run_entry *e)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < m->n; i++) {
		struct source *s = &m->v[i];
		if (s->at < s->n && gt_run_compare(&s->v[s->at], e) == 0)
			status = forward(r, s);
	}
	return status;
}

static int note_cursor(struct gt_runs *r, struct gt_run_merge *m,
                       const struct gt_run_entry *last, unsigned n)
{
	uint8_t key[16];
	m->to.n += n;
	m->to.cursor = *last;
	m->to.begun = true;
	gt_run_key(key, last->hi, last->lo);
	gt_runs_bind(r, GT_RUN_SQL_RUN_CURSOR, "ibi", m->to.run,
	             gt_bytes_of(key, sizeof key), m->to.n);
	return gt_runs_run(r, GT_RUN_SQL_RUN_CURSOR);
}

static int finish(struct gt_runs *r, struct gt_run_merge *m)
{
	gt_runs_bind(r, GT_RUN_SQL_RUN_MERGED, "i", m->to.run);
	int status = gt_runs_run(r, GT_RUN_SQL_RUN_MERGED);
	gt_runs_bind(r, GT_RUN_SQL_RUN_STATE, "ii", m->to.run,
	             (int64_t)GT_RUN_WHOLE);
	if (status == 0)
		status = gt_runs_run(r, GT_RUN_SQL_RUN_STATE);
	gt_run_merge_free(m);
	r->merge = NULL;
	r->known = false;
	return status;
}

/* Fills r->make; *end: there is nothing behind it. */
static int fill(struct gt_runs *r, struct gt_run_merge *m,
                struct gt_run_entry *last, bool *end)
{
	struct source *s;
	int status = 0;
	gt_group_begin(r->make, gt_run_names(m->to.kind), m->width);
	while (status == 0 && (s = least(m)) != NULL) {
		struct gt_run_entry e = s->v[s->at];
		if (!gt_group_add(r->make, &e))
			break;
		*last = e;
		status = pass(r, m, &e);
	}
	*end = status == 0 && !least(m);
	return status;
}

/* A group of what is being made. *ended: it is whole. */
static int step(struct gt_runs *r, const struct gt_run *to, bool *ended)
{
	struct gt_run_entry last = {0};
	int status = open(r, to);
	if (status == 0)
		status = gt_runs_make(r);
	struct gt_run_merge *m = r->merge;
	if (status == 0)
		status = fill(r, m, &last, ended);
	unsigned n = status == 0 ? r->make->n : 0;
	if (n > 0)
		status = gt_runs_write(r, &m->to, m->width, 0);
	if (status == 0 && n > 0)
		status = note_cursor(r, m, &last, n);
	return status || !*ended ? status : finish(r, m);
}

/* ------------------------------------------------------ what is next */

/* Of a set's runs at a level those that no merge has yet. */
static size_t idle(const struct gt_runs *r, enum gt_run_kind kind, int level)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].kind == kind && r->v[i].level == level &&
		     r->v[i].state == GT_RUN_WHOLE && r->v[i].target == 0;
	return n;
}

static bool making(const struct gt_runs *r, enum gt_run_kind kind, int level)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].kind == kind && r->v[i].level == level &&
		    r->v[i].state == GT_RUN_MAKING)
			return true;
	return false;
}

/* Begins to merge the oldest of a level. */
static int begin(struct gt_runs *r, enum gt_run_kind kind, int level)
{
	struct gt_run to = {.level = level + 1, .low = UINT64_MAX};
	int64_t of[GT_RUN_FAN];
	size_t n = 0;
	for (size_t i = r->n; i-- > 0 && n < GT_RUN_FAN;) {
		const struct gt_run *v = &r->v[i];
		if (v->kind != kind || v->level != level || v->target != 0 ||
		    v->state != GT_RUN_WHOLE)
			continue;
		of[n++] = v->run;
		to.place = v->place > to.place ? v->place : to.place;
		to.low = v->low < to.low ? v->low : to.low;
		to.high = v->high > to.high ? v->high : to.high;
	}
	gt_runs_bind(r, GT_RUN_SQL_RUN_NEW, "iiiiiii", (int64_t)kind,
	             (int64_t)to.level, to.place, INT64_C(0), (int64_t)to.low,
	             (int64_t)to.high, (int64_t)GT_RUN_MAKING);
	int status = gt_runs_run(r, GT_RUN_SQL_RUN_NEW);
	to.run = sqlite3_last_insert_rowid(r->db);
	for (size_t i = 0; status == 0 && i < n; i++) {
		gt_runs_bind(r, GT_RUN_SQL_RUN_TARGET, "ii", of[i], to.run);
		status = gt_runs_run(r, GT_RUN_SQL_RUN_TARGET);
	}
	r->known = false;
	return status;
}

/* Begins what may be, of one level of one set: 1. */
static int begin_some(struct gt_runs *r)
{
	for (int level = 0; level < GT_RUN_LEVELS; level++)
		for (int k = GT_RUN_ID; k < GT_RUN_KINDS; k++) {
			enum gt_run_kind kind = (enum gt_run_kind)k;
			if (making(r, kind, level + 1) ||
			    idle(r, kind, level) < GT_RUN_FAN)
				continue;
			int status = begin(r, kind, level);
			return status ? status : 1;
		}
	return 0;
}

static const struct gt_run *lowest_making(const struct gt_runs *r)
{
	const struct gt_run *best = NULL;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].state == GT_RUN_MAKING &&
		    (!best || r->v[i].level < best->level))
			best = &r->v[i];
	return best;
}

/* All merges that may be begun are; the lowest of them: NULL, there is none. */
static int next(struct gt_runs *r, const struct gt_run **to)
{
	int status;
	do {
		status = gt_runs_know(r);
		if (status == 0)
			status = begin_some(r);
	} while (status == 1);
	*to = status == 0 ? lowest_making(r) : NULL;
	return status;
}

/* A group of a run that is gone: 1; 0: there is none. */
static int remove_one(struct gt_runs *r)
{
	int status = gt_runs_know(r);
	const struct gt_run *gone = NULL;
	for (size_t i = 0; status == 0 && !gone && i < r->n; i++)
		if (r->v[i].state == GT_RUN_GONE)
			gone = &r->v[i];
	if (!gone)
		return status;
	sqlite3_stmt *st =
	        gt_runs_bind(r, GT_RUN_SQL_GROUP_ANY, "i", gone->run);
	int row = gt_runs_step(r, GT_RUN_SQL_GROUP_ANY);
	int64_t gid = row == 1 ? sqlite3_column_int64(st, 0) : 0;
	gt_runs_reset(r, GT_RUN_SQL_GROUP_ANY);
	if (row == 1) {
		status = gt_runs_remove(r, gid);
	} else if (row == 0) {
		gt_runs_bind(r, GT_RUN_SQL_RUN_DELETE, "i", gone->run);
		status = gt_runs_run(r, GT_RUN_SQL_RUN_DELETE);
		r->known = false;
	} else {
		status = row;
	}
	return status ? status : 1;
}

int gt_runs_work(struct gt_runs *r, unsigned groups, bool *more)
{
	int status = 1;
	const struct gt_run *to = NULL;
	bool ended;
	for (unsigned i = 0; status == 1 && i < groups; i++)
		status = remove_one(r);
	*more = status == 1;
	status = status < 0 ? status : next(r, &to);
	for (unsigned i = 0; status == 0 && to && i < groups; i++) {
		ended = false;
		status = step(r, to, &ended);
		if (status == 0 && ended)
			status = next(r, &to);
	}
	*more = *more || to != NULL;
	return status;
}
