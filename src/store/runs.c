#include "runs.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

enum { GUIDES = 8192 }; /* remembered at most, of 4 KiB each */

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
	if (!*st && sqlite3_prepare_v3(r->db, texts[q], -1,
	                               SQLITE_PREPARE_PERSISTENT, st,
	                               NULL) != SQLITE_OK)
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

static void forget_runs(struct gt_runs *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].top);
	r->n = 0;
	r->known = false;
}

void gt_runs_rest(struct gt_runs *r)
{
	for (size_t i = 0; r->guides && i < GUIDES; i++)
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
	forget_runs(r);
	free(r->v);
	for (int i = 0; i < GT_RUN_SQL_COUNT; i++)
		sqlite3_finalize(r->st[i]);
	free(r);
}

void gt_runs_fresh(struct gt_runs *r)
{
	assert(!r->keep);
	forget_runs(r);
}

const char *gt_runs_why(const struct gt_runs *r)
{
	return r->why;
}

enum gt_run_kind gt_runs_damaged(const struct gt_runs *r)
{
	return r->damaged;
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

int gt_runs_know(struct gt_runs *r)
{
	int row, status = 0;
	if (r->known)
		return 0;
	forget_runs(r);
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
	        r->guides ? &r->guides[(uint64_t)gid % GUIDES] : NULL;
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

static int read_top(struct gt_runs *r, struct gt_run *run)
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
		r->guides = calloc(GUIDES, sizeof *r->guides);
	if (!r->guides)
		return -GT_ENOMEM;
	struct gt_run_guide *g = &r->guides[(uint64_t)gid % GUIDES];
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
static int known_group(struct gt_runs *r, struct gt_run *run, uint64_t hi,
                       uint64_t lo, struct gt_run_group *g)
{
	if (!r->keep)
		return gt_runs_group(r, run, hi, lo, g);
	int status = run->top ? 0 : read_top(r, run);
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
		n = n == 1 ? gt_block_read(gt_col_bytes(st, 0), out) : -GT_EDAMAGED;
	gt_runs_reset(r, GT_RUN_SQL_BLOCK_GET);
	return n != -GT_EDAMAGED ? n
	                         : gt_runs_rotten(r, run->kind, run->run, gid,
	                                          "a block is damaged");
}

/* ------------------------------------------------------------- get */

int gt_runs_buffer(struct gt_runs *r)
{
	if (!r->block)
		r->block = malloc(GT_BLOCK_ENTRIES * sizeof *r->block);
	return r->block ? 0 : -GT_ENOMEM;
}

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
	int row = known_group(r, run, hi, lo, &g);
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

