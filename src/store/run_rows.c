/* run_rows.c: the rows of sorted runs: statements, the list of runs, groups and
 * blocks as they are found.
 * Tests: u_runs.c. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

static const char *const texts[] = {
#define X(name, text) text,
        GT_RUN_STATEMENTS(X)
#undef X
};

static const char *const kinds[GT_RUN_KINDS] = {"?", "statement ids",
                                                "places in streams", "terms"};

/* ------------------------------------------------------ statements */

static int failed(struct gt_runs *r)
{
	gt_format(r->why, sizeof r->why, "SQLite %d: %s",
	          sqlite3_extended_errcode(r->db), sqlite3_errmsg(r->db));
	return -GT_ESTORE;
}

sqlite3_stmt *gt_runs_bind(struct gt_runs *r, enum gt_run_sql q,
                           const char *types, ...)
{
	sqlite3_stmt **st = &r->st[q];
	va_list ap;
	if (!*st &&
	    sqlite3_prepare_v3(r->db, texts[q], -1, SQLITE_PREPARE_PERSISTENT,
	                       st, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_reset(*st);
	va_start(ap, types);
	for (int i = 0; types[i]; i++) {
		struct gt_bytes b;
		/* one that cannot be bound is NULL, and no column may be */
		if (types[i] == 'i') {
			(void)sqlite3_bind_int64(*st, i + 1,
			                         va_arg(ap, int64_t));
		} else {
			b = va_arg(ap, struct gt_bytes);
			(void)sqlite3_bind_blob64(*st, i + 1, b.p, b.n,
			                          SQLITE_TRANSIENT);
		}
	}
	va_end(ap);
	return *st;
}

int gt_runs_step(struct gt_runs *r, enum gt_run_sql q)
{
	int rc = r->st[q] ? sqlite3_step(r->st[q]) : SQLITE_ERROR;
	if (rc == SQLITE_ROW)
		return 1;
	int status = rc == SQLITE_DONE ? 0 : failed(r);
	sqlite3_reset(r->st[q]);
	return status;
}

int gt_runs_run(struct gt_runs *r, enum gt_run_sql q)
{
	int status = gt_runs_step(r, q);
	assert(status != 1);
	return status;
}

void gt_runs_reset(struct gt_runs *r, enum gt_run_sql q)
{
	sqlite3_reset(r->st[q]);
}

int gt_runs_rotten(struct gt_runs *r, enum gt_run_kind kind, int64_t run,
                   int64_t gid, const char *what)
{
	r->damaged = kind;
	gt_format(r->why, sizeof r->why,
	          "the index of %s: run %lld, group %lld: %s", kinds[kind],
	          (long long)run, (long long)gid, what);
	return -GT_EDAMAGED;
}

/* ------------------------------------------------- the list of runs */

/* Column by column; what cannot be is damage. */
static int run_of(struct gt_runs *r, sqlite3_stmt *st, struct gt_run *run)
{
	struct gt_bytes cursor = gt_col_bytes(st, 9);
	*run = (struct gt_run){
	        .run = sqlite3_column_int64(st, 0),
	        .kind = (enum gt_run_kind)sqlite3_column_int(st, 1),
	        .level = sqlite3_column_int(st, 2),
	        .place = sqlite3_column_int64(st, 3),
	        .n = sqlite3_column_int64(st, 4),
	        .low = (uint64_t)sqlite3_column_int64(st, 5),
	        .high = (uint64_t)sqlite3_column_int64(st, 6),
	        .state = (enum gt_run_state)sqlite3_column_int(st, 7),
	        .target = sqlite3_column_int64(st, 8),
	        .begun = cursor.n == 16,
	};
	if (run->begun)
		run->cursor = gt_run_unkey(cursor.p);
	bool kind = run->kind == GT_RUN_ID || run->kind == GT_RUN_KEY ||
	            run->kind == GT_RUN_TERM;
	if (!kind || run->run < 1 || run->level < 0 ||
	    run->level > GT_RUN_LEVELS)
		return gt_runs_rotten(r, kind ? run->kind : GT_RUN_ID, run->run,
		                      0, "its row is damaged");
	return 0;
}

static bool room(struct gt_runs *r)
{
	if (r->n < r->cap)
		return true;
	size_t cap = r->cap ? 2 * r->cap : 16;
	struct gt_run *v = realloc(r->v, cap * sizeof *v);
	if (!v)
		return false;
	r->v = v;
	r->cap = cap;
	return true;
}

void gt_runs_forget_all(struct gt_runs *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].top);
	r->n = 0;
	r->known = false;
}

int gt_runs_know(struct gt_runs *r)
{
	int row, status = 0;
	if (r->known)
		return 0;
	gt_runs_forget_all(r);
	sqlite3_stmt *st = gt_runs_bind(r, GT_RUN_SQL_RUNS, "");
	while ((row = gt_runs_step(r, GT_RUN_SQL_RUNS)) == 1) {
		status = room(r) ? run_of(r, st, &r->v[r->n]) : -GT_ENOMEM;
		if (status != 0)
			break;
		r->n++;
	}
	gt_runs_reset(r, GT_RUN_SQL_RUNS);
	r->known = row == 0;
	return status ? status : row < 0 ? row : 0;
}

/* ----------------------------------------------------------- groups */

void gt_runs_forget(struct gt_runs *r, int64_t gid)
{
	struct gt_run_guide *g =
	        r->guides ? &r->guides[(uint64_t)gid % GT_RUN_GUIDES] : NULL;
	if (g && g->gid == gid)
		g->gid = 0;
}

/* A row of (gid, guide). */
static int group_of(struct gt_runs *r, const struct gt_run *run,
                    enum gt_run_sql q, struct gt_run_group *out)
{
	int row = gt_runs_step(r, q);
	if (row == 1) {
		struct gt_bytes b = gt_col_bytes(r->st[q], 1);
		out->gid = sqlite3_column_int64(r->st[q], 0);
		bool fits = b.n <= sizeof r->guide;
		if (fits)
			memcpy(r->guide, b.p, b.n);
		if (!fits ||
		    !gt_guide_read(&out->guide, gt_bytes_of(r->guide, b.n)))
			row = gt_runs_rotten(r, run->kind, run->run, out->gid,
			                     "its guide is damaged");
	}
	gt_runs_reset(r, q);
	return row;
}

int gt_runs_top(struct gt_runs *r, struct gt_run *run)
{
	size_t cap = 0;
	int row;
	sqlite3_stmt *st = gt_runs_bind(r, GT_RUN_SQL_GROUPS, "i", run->run);
	run->ntop = 0;
	while ((row = gt_runs_step(r, GT_RUN_SQL_GROUPS)) == 1) {
		struct gt_bytes key = gt_col_bytes(st, 1);
		if (run->ntop == cap) {
			cap = cap ? 2 * cap : 8;
			void *v = realloc(run->top, cap * sizeof *run->top);
			if (!v)
				row = -GT_ENOMEM;
			run->top = v ? v : run->top;
		}
		if (row == 1 && key.n != 16)
			row = gt_runs_rotten(r, run->kind, run->run,
			                     sqlite3_column_int64(st, 0),
			                     "its key is damaged");
		if (row != 1)
			break;
		struct gt_run_entry e = gt_run_unkey(key.p);
		run->top[run->ntop++] = (struct gt_run_top){
		        e.hi, e.lo, sqlite3_column_int64(st, 0)};
	}
	gt_runs_reset(r, GT_RUN_SQL_GROUPS);
	if (row < 0) {
		free(run->top);
		run->top = NULL;
	}
	return row;
}

/* The last group that begins at the key or before it; -1: none. */
static ptrdiff_t in_top(const struct gt_run *run, uint64_t hi, uint64_t lo)
{
	size_t low = 0, high = run->ntop;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct gt_run_top *t = &run->top[mid];
		if (t->hi < hi || (t->hi == hi && t->lo <= lo))
			low = mid + 1;
		else
			high = mid;
	}
	return (ptrdiff_t)low - 1;
}

/* A guide out of memory, where it is put if it was not there. */
static int kept_guide(struct gt_runs *r, const struct gt_run *run, int64_t gid,
                      struct gt_run_group *out)
{
	if (!r->guides)
		r->guides = calloc(GT_RUN_GUIDES, sizeof *r->guides);
	if (!r->guides)
		return -GT_ENOMEM;
	struct gt_run_guide *g = &r->guides[(uint64_t)gid % GT_RUN_GUIDES];
	out->gid = gid;
	if (g->gid == gid) {
		bool ok = gt_guide_read(&out->guide, gt_bytes_of(g->b, g->n));
		assert(ok);
		return ok;
	}
	gt_runs_bind(r, GT_RUN_SQL_GROUP_GET, "i", gid);
	int row = group_of(r, run, GT_RUN_SQL_GROUP_GET, out);
	if (row != 1)
		return row < 0 ? row
		               : gt_runs_rotten(r, run->kind, run->run, gid,
		                                "it is gone");
	size_t n = (size_t)(out->guide.filter - r->guide) +
	           out->guide.filter_bytes;
	uint8_t *b = realloc(g->b, n);
	if (!b)
		return -GT_ENOMEM;
	memcpy(b, r->guide, n);
	*g = (struct gt_run_guide){gid, n, b};
	return gt_guide_read(&out->guide, gt_bytes_of(b, n));
}

int gt_runs_group(struct gt_runs *r, const struct gt_run *run, uint64_t hi,
                  uint64_t lo, struct gt_run_group *g)
{
	uint8_t key[16];
	gt_run_key(key, hi, lo);
	gt_runs_bind(r, GT_RUN_SQL_GROUP_OF, "ib", run->run,
	             gt_bytes_of(key, sizeof key));
	return group_of(r, run, GT_RUN_SQL_GROUP_OF, g);
}

/* The same, by what is kept in memory. */
int gt_runs_known_group(struct gt_runs *r, struct gt_run *run, uint64_t hi,
                        uint64_t lo, struct gt_run_group *g)
{
	if (!r->keep)
		return gt_runs_group(r, run, hi, lo, g);
	int status = run->top ? 0 : gt_runs_top(r, run);
	ptrdiff_t at = status == 0 ? in_top(run, hi, lo) : -1;
	return at < 0 ? status : kept_guide(r, run, run->top[at].gid, g);
}

int gt_runs_behind(struct gt_runs *r, const struct gt_run *run, uint64_t hi,
                   uint64_t lo, struct gt_run_group *g)
{
	uint8_t key[16];
	gt_run_key(key, hi, lo);
	gt_runs_bind(r, GT_RUN_SQL_GROUP_BEHIND, "ib", run->run,
	             gt_bytes_of(key, sizeof key));
	return group_of(r, run, GT_RUN_SQL_GROUP_BEHIND, g);
}

int gt_runs_block(struct gt_runs *r, const struct gt_run *run, int64_t gid,
                  unsigned block, struct gt_run_entry *out)
{
	sqlite3_stmt *st = gt_runs_bind(r, GT_RUN_SQL_BLOCK_GET, "i",
	                                gid * GT_GROUP_BLOCKS + block);
	int n = gt_runs_step(r, GT_RUN_SQL_BLOCK_GET);
	if (n >= 0)
		n = n == 1 ? gt_block_read(gt_col_bytes(st, 0), out)
		           : -GT_EDAMAGED;
	gt_runs_reset(r, GT_RUN_SQL_BLOCK_GET);
	return n != -GT_EDAMAGED ? n
	                         : gt_runs_rotten(r, run->kind, run->run, gid,
	                                          "a block is damaged");
}

int gt_runs_buffer(struct gt_runs *r)
{
	if (!r->block)
		r->block = malloc(GT_BLOCK_ENTRIES * sizeof *r->block);
	return r->block ? 0 : -GT_ENOMEM;
}
