#include "runs.h"

#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

/* ---------------------------------------------------------- opening */

struct gt_runs *gt_runs_new(sqlite3 *db, bool keep)
{
	struct gt_runs *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->db = db;
	r->keep = keep;
	r->most_rows = GT_TAIL_ROWS;
	r->most_names = GT_TAIL_NAMES;
	r->most_terms = GT_TAIL_TERMS;
	return r;
}

void gt_runs_rest(struct gt_runs *r)
{
	for (size_t i = 0; r->guides && i < GT_RUN_GUIDES; i++)
		free(r->guides[i].b);
	free(r->guides);
	r->guides = NULL;
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].top);
		r->v[i].top = NULL;
	}
	for (int k = 0; k < GT_RUN_KINDS; k++)
		if (r->fresh[k].n == 0)
			gt_run_drop(&r->fresh[k]);
	gt_run_merge_free(r->merge);
	r->merge = NULL;
	free(r->make);
	r->make = NULL;
	free(r->block);
	r->block = NULL;
}

void gt_runs_free(struct gt_runs *r)
{
	if (!r)
		return;
	for (int k = 0; k < GT_RUN_KINDS; k++) {
		gt_run_drop(&r->fresh[k]);
		gt_run_drop(&r->tail[k]);
	}
	gt_runs_rest(r);
	gt_runs_forget_all(r);
	free(r->v);
	for (int i = 0; i < GT_RUN_SQL_COUNT; i++)
		sqlite3_finalize(r->st[i]);
	free(r);
}

void gt_runs_fresh(struct gt_runs *r)
{
	assert(!r->keep);
	gt_runs_forget_all(r);
}

const char *gt_runs_why(const struct gt_runs *r)
{
	return r->why;
}

enum gt_run_kind gt_runs_damaged(const struct gt_runs *r)
{
	return r->damaged;
}

/* ------------------------------------------------------------- get */

/* The place of a key among entries, or where it would be. */
static size_t lower(const struct gt_run_entry *v, size_t n, uint64_t hi,
                    uint64_t lo)
{
	struct gt_run_entry e = {hi, lo, 0};
	size_t low = 0;
	while (low < n) {
		size_t mid = low + (n - low) / 2;
		if (gt_run_compare(&v[mid], &e) < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return low;
}

static int in_run(struct gt_runs *r, struct gt_run *run, uint64_t hi,
                  uint64_t lo, int64_t *value)
{
	struct gt_run_group g;
	int row = gt_runs_known_group(r, run, hi, lo, &g);
	if (row != 1 || !gt_guide_may(&g.guide, hi, lo))
		return row < 0 ? row : 0;
	int at = gt_guide_block(&g.guide, hi, lo);
	int n = at < 0 ? 0 : gt_runs_buffer(r);
	if (at >= 0 && n == 0)
		n = gt_runs_block(r, run, g.gid, (unsigned)at, r->block);
	if (n <= 0)
		return n;
	size_t i = lower(r->block, (size_t)n, hi, lo);
	if (i == (size_t)n || r->block[i].hi != hi || r->block[i].lo != lo)
		return 0;
	*value = r->block[i].value;
	return 1;
}

int gt_runs_get(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                uint64_t lo, int64_t *value)
{
	assert(gt_run_names(kind));
	int row = gt_runs_in_tail(r, kind, hi, lo, value);
	if (row == 0)
		row = gt_runs_know(r);
	else if (row == 1)
		return *value > 0;
	for (size_t i = 0; row == 0 && i < r->n; i++)
		if (r->v[i].kind == kind && r->v[i].state == GT_RUN_WHOLE)
			row = in_run(r, &r->v[i], hi, lo, value);
	return row;
}

int gt_runs_count(struct gt_runs *r, enum gt_run_kind kind, int64_t *n)
{
	int status = gt_runs_know(r);
	if (status == 0)
		status = gt_runs_know_tail(r, kind);
	*n = (int64_t)(r->tail_n[kind] + r->fresh[kind].n);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].kind == kind && r->v[i].state == GT_RUN_WHOLE)
			*n += r->v[i].n;
	return status;
}

/* ------------------------------------------------------------- all */

/* The blocks of one group, as far as they can be read. */
static int each_of_group(struct gt_runs *r, const struct gt_run *run,
                         const struct gt_run_top *t, gt_runs_look *look,
                         void *arg, size_t *bad)
{
	int status = 0;
	for (unsigned b = 0; status == 0 && b < GT_GROUP_BLOCKS; b++) {
		gt_runs_bind(r, GT_RUN_SQL_BLOCK_GET, "i",
		             t->gid * GT_GROUP_BLOCKS + b);
		int row = gt_runs_step(r, GT_RUN_SQL_BLOCK_GET);
		gt_runs_reset(r, GT_RUN_SQL_BLOCK_GET);
		if (row == 0)
			break;
		int n = row < 0 ? row
		                : gt_runs_block(r, run, t->gid, b, r->block);
		*bad += n < 0;
		for (int i = 0; status == 0 && i < n; i++)
			status = look(arg, &r->block[i]);
	}
	return status;
}

static int each_of_run(struct gt_runs *r, struct gt_run *run,
                       gt_runs_look *look, void *arg, size_t *bad)
{
	int status = run->top ? 0 : gt_runs_top(r, run);
	if (status < 0) {
		++*bad;
		return status == -GT_ENOMEM ? status : 0;
	}
	for (size_t i = 0; status == 0 && i < run->ntop; i++)
		status = each_of_group(r, run, &run->top[i], look, arg, bad);
	return status;
}

int gt_runs_each(struct gt_runs *r, enum gt_run_kind kind, gt_runs_look *look,
                 void *arg, size_t *bad)
{
	size_t rows;
	*bad = 0;
	int status = gt_runs_buffer(r);
	if (status == 0)
		status = gt_runs_each_of_tail(r, kind, look, arg, &rows);
	if (status == -GT_ESTORE || status == -GT_EDAMAGED) {
		++*bad;
		status = 0;
	}
	int known = status == 0 ? gt_runs_know(r) : status;
	if (known == -GT_ESTORE || known == -GT_EDAMAGED)
		++*bad;
	for (size_t i = 0; status == 0 && i < r->n; i++)
		if (r->v[i].kind == kind && r->v[i].state == GT_RUN_WHOLE)
			status = each_of_run(r, &r->v[i], look, arg, bad);
	return known == -GT_ENOMEM ? known : status;
}
