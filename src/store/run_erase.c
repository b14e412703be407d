/* run_erase.c: keys that are taken out, sets that are.
 * Tests: u_runs.c. */
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

/* All entries of a group but one. *had: it was there. */
static int others(struct gt_runs *r, const struct gt_run *run,
                  const struct gt_run_group *g, const struct gt_run_entry *e,
                  struct gt_run_list *l, bool *had)
{
	unsigned nblocks = g->guide.nblocks;
	*had = false;
	for (unsigned b = 0; b < nblocks; b++) {
		int n = gt_runs_block(r, run, g->gid, b, r->block);
		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			if (gt_run_compare(&r->block[i], e) == 0)
				*had = true;
			else if (!gt_run_push(l, r->block[i]))
				return -GT_ENOMEM;
		}
	}
	return 0;
}

/* The group's blocks, filter and guide anew. What has no room in it any more,
 * cut otherwise as it is, makes another. */
static int rewrite(struct gt_runs *r, const struct gt_run *run, int64_t gid,
                   const struct gt_run_list *l)
{
	bool names = gt_run_names(run->kind);
	unsigned width = names ? gt_run_width(run->high) : 0;
	gt_runs_bind(r, GT_RUN_SQL_BLOCKS_DELETE, "ii", gid * GT_GROUP_BLOCKS,
	             (gid + 1) * GT_GROUP_BLOCKS);
	int status = gt_runs_run(r, GT_RUN_SQL_BLOCKS_DELETE);
	gt_group_begin(r->make, names, width);
	for (size_t i = 0; status == 0 && i < l->n; i++) {
		if (gt_group_add(r->make, &l->v[i]))
			continue;
		status = gt_runs_write(r, run, width, gid);
		gid = 0;
		gt_group_add(r->make, &l->v[i]);
	}
	return status ? status : gt_runs_write(r, run, width, gid);
}

static int erase_in_run(struct gt_runs *r, struct gt_run *run,
                        const struct gt_run_entry *e)
{
	struct gt_run_group g;
	struct gt_run_list l = {0};
	bool had = false;
	int row = gt_runs_group(r, run, e->hi, e->lo, &g);
	if (row != 1 || !gt_guide_may(&g.guide, e->hi, e->lo))
		return row < 0 ? row : 0;
	int status = others(r, run, &g, e, &l, &had);
	if (status == 0 && had)
		status = l.n > 0 ? rewrite(r, run, g.gid, &l)
		                 : gt_runs_remove(r, g.gid);
	gt_run_drop(&l);
	if (status != 0 || !had)
		return status;
	free(run->top);
	run->top = NULL;
	run->n--;
	gt_runs_bind(r, GT_RUN_SQL_RUN_COUNT, "ii", run->run, INT64_C(-1));
	return gt_runs_run(r, GT_RUN_SQL_RUN_COUNT);
}

int gt_runs_erase(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                  uint64_t lo)
{
	const struct gt_run_entry e = {hi, lo, 0};
	int status = gt_runs_erase_tail(r, kind, hi, lo);
	if (status == 0)
		status = gt_runs_know(r);
	if (status == 0)
		status = gt_runs_make(r);
	if (status == 0)
		status = gt_runs_buffer(r);
	/* what is read ahead of a merge has it too */
	gt_run_merge_free(r->merge);
	r->merge = NULL;
	for (size_t i = 0; status == 0 && i < r->n; i++)
		if (r->v[i].kind == kind)
			status = erase_in_run(r, &r->v[i], &e);
	return status;
}

int gt_runs_clear(struct gt_runs *r, enum gt_run_kind kind)
{
	gt_run_merge_free(r->merge);
	r->merge = NULL;
	r->known = false;
	gt_run_drop(&r->fresh[kind]);
	gt_run_drop(&r->tail[kind]);
	r->tail_known[kind] = true;
	r->tail_rows[kind] = r->tail_n[kind] = 0;
	gt_runs_bind(r, GT_RUN_SQL_TAIL_CLEAR, "i", (int64_t)kind);
	int status = gt_runs_run(r, GT_RUN_SQL_TAIL_CLEAR);
	gt_runs_bind(r, GT_RUN_SQL_RUN_CLEAR, "i", (int64_t)kind);
	return status ? status : gt_runs_run(r, GT_RUN_SQL_RUN_CLEAR);
}
