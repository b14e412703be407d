/* run_write.c: runs as they are written.
 * Tests: u_runs.c. */
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

/* --------------------------------------------------------- a new run */

int gt_runs_make(struct gt_runs *r)
{
	if (!r->make)
		r->make = malloc(sizeof *r->make);
	return r->make ? 0 : -GT_ENOMEM;
}

/* The group's row: a new one, or (gid) the one that was. */
static int write_guide(struct gt_runs *r, const struct gt_run *run,
                       int64_t *gid)
{
	struct gt_group_make *m = r->make;
	enum gt_run_sql q = *gid ? GT_RUN_SQL_GROUP_PUT : GT_RUN_SQL_GROUP_NEW;
	uint8_t key[16];
	struct gt_bytes guide = gt_group_end(m);
	gt_run_key(key, m->first[0].hi, m->first[0].lo);
	gt_runs_bind(r, q, "ibib", *gid ? *gid : run->run,
	             gt_bytes_of(key, sizeof key), (int64_t)m->n, guide);
	int status = gt_runs_run(r, q);
	if (*gid == 0)
		*gid = sqlite3_last_insert_rowid(r->db);
	gt_runs_forget(r, *gid);
	return status;
}

int gt_runs_write(struct gt_runs *r, const struct gt_run *run, unsigned width,
                  int64_t gid)
{
	struct gt_group_make *m = r->make;
	int status = write_guide(r, run, &gid);
	for (unsigned i = 0; status == 0 && i < m->nblocks; i++) {
		gt_runs_bind(r, GT_RUN_SQL_BLOCK_PUT, "ib",
		             gid * GT_GROUP_BLOCKS + i,
		             gt_bytes_of(m->blocks[i], m->bytes[i]));
		status = gt_runs_run(r, GT_RUN_SQL_BLOCK_PUT);
	}
	gt_group_begin(m, gt_run_names(run->kind), width);
	return status;
}

/* What a run of these entries is: its row, but for the number. */
static struct gt_run run_for(struct gt_runs *r, enum gt_run_kind kind,
                             const struct gt_run_list *l)
{
	struct gt_run run = {.kind = kind,
	                     .n = (int64_t)l->n,
	                     .low = UINT64_MAX,
	                     .place = 1};
	for (size_t i = 0; i < l->n; i++) {
		uint64_t v = gt_run_names(kind) ? (uint64_t)l->v[i].value
		                                : l->v[i].lo;
		run.low = v < run.low ? v : run.low;
		run.high = v > run.high ? v : run.high;
	}
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].kind == kind && r->v[i].place >= run.place)
			run.place = r->v[i].place + 1;
	return run;
}

static int write_run(struct gt_runs *r, enum gt_run_kind kind,
                     const struct gt_run_list *l)
{
	int status = gt_runs_know(r);
	if (status == 0)
		status = gt_runs_make(r);
	if (status != 0 || l->n == 0)
		return status;
	struct gt_run run = run_for(r, kind, l);
	unsigned width = gt_run_names(kind) ? gt_run_width(run.high) : 0;
	gt_runs_bind(r, GT_RUN_SQL_RUN_NEW, "iiiiiii", (int64_t)kind,
	             INT64_C(0), run.place, run.n, (int64_t)run.low,
	             (int64_t)run.high, (int64_t)GT_RUN_WHOLE);
	status = gt_runs_run(r, GT_RUN_SQL_RUN_NEW);
	run.run = sqlite3_last_insert_rowid(r->db);
	gt_group_begin(r->make, gt_run_names(kind), width);
	for (size_t i = 0; status == 0 && i < l->n; i++) {
		if (gt_group_add(r->make, &l->v[i]))
			continue;
		status = gt_runs_write(r, &run, width, 0);
		gt_group_add(r->make, &l->v[i]);
	}
	r->known = false;
	return status ? status : gt_runs_write(r, &run, width, 0);
}

/* The tail, and what is fresh, become a run. */
static int flush(struct gt_runs *r, enum gt_run_kind kind)
{
	struct gt_run_list l = {0}, *fresh = &r->fresh[kind];
	int status = gt_runs_tail(r, kind, &l);
	for (size_t i = 0; status == 0 && i < fresh->n; i++)
		status = gt_run_push(&l, fresh->v[i]) ? 0 : -GT_ENOMEM;
	if (status == 0)
		status = gt_run_sort(&l);
	gt_run_newest(&l);
	if (status == 0)
		status = write_run(r, kind, &l);
	gt_run_drop(&l);
	gt_runs_bind(r, GT_RUN_SQL_TAIL_CLEAR, "i", (int64_t)kind);
	if (status == 0)
		status = gt_runs_run(r, GT_RUN_SQL_TAIL_CLEAR);
	gt_run_drop(&r->tail[kind]);
	r->tail_rows[kind] = r->tail_n[kind] = 0;
	return status;
}

static int commit_kind(struct gt_runs *r, enum gt_run_kind kind)
{
	struct gt_run_list *l = &r->fresh[kind];
	size_t most = gt_run_names(kind) ? r->most_names : r->most_terms;
	if (l->n == 0)
		return 0;
	bool full = r->tail_n[kind] + l->n > most ||
	            r->tail_rows[kind] >= r->most_rows;
	int status = full ? flush(r, kind) : gt_runs_put_tail(r, kind, l);
	l->n = 0;
	return status;
}

size_t gt_runs_waiting(const struct gt_runs *r)
{
	size_t n = 0;
	for (int k = 0; k < GT_RUN_KINDS; k++)
		n += r->fresh[k].n;
	return n;
}

int gt_runs_commit(struct gt_runs *r)
{
	int status = commit_kind(r, GT_RUN_ID);
	if (status == 0)
		status = commit_kind(r, GT_RUN_KEY);
	return status ? status : commit_kind(r, GT_RUN_TERM);
}

int gt_runs_remove(struct gt_runs *r, int64_t gid)
{
	gt_runs_bind(r, GT_RUN_SQL_BLOCKS_DELETE, "ii", gid * GT_GROUP_BLOCKS,
	             (gid + 1) * GT_GROUP_BLOCKS);
	int status = gt_runs_run(r, GT_RUN_SQL_BLOCKS_DELETE);
	gt_runs_forget(r, gid);
	gt_runs_bind(r, GT_RUN_SQL_GROUP_DELETE, "i", gid);
	return status ? status : gt_runs_run(r, GT_RUN_SQL_GROUP_DELETE);
}
