/* run_tail.c: what came into a set since its last run: rows, and in memory.
 * Tests: u_runs.c. */
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

enum {
	ENTRY = 24, /* bytes of a name in a row; */
	POSTING = 16,
	SUM = 4,
};

/* ------------------------------------------------------------- lists */

void gt_run_drop(struct gt_run_list *l)
{
	free(l->v);
	*l = (struct gt_run_list){0};
}

bool gt_run_push(struct gt_run_list *l, struct gt_run_entry e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct gt_run_entry *v = realloc(l->v, cap * sizeof *v);
		if (!v)
			return false;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = e;
	return true;
}

static void merge_halves(struct gt_run_entry *to, const struct gt_run_entry *a,
                         size_t na, const struct gt_run_entry *b, size_t nb)
{
	while (na > 0 && nb > 0) {
		bool first = gt_run_compare(a, b) <= 0;
		*to++ = first ? *a++ : *b++;
		na -= first;
		nb -= !first;
	}
	memcpy(to, na > 0 ? a : b, (na + nb) * sizeof *to);
}

int gt_run_sort(struct gt_run_list *l)
{
	struct gt_run_entry *from = l->v;
	struct gt_run_entry *to = l->n > 1 ? malloc(l->n * sizeof *to) : l->v;
	if (l->n > 1 && !to)
		return -GT_ENOMEM;
	for (size_t w = 1; w < l->n; w *= 2) {
		for (size_t i = 0; i < l->n; i += 2 * w) {
			size_t na = l->n - i < w ? l->n - i : w;
			size_t nb = l->n - i - na < w ? l->n - i - na : w;
			merge_halves(to + i, from + i, na, from + i + na, nb);
		}
		struct gt_run_entry *swap = from;
		from = to;
		to = swap;
	}
	if (l->n > 1) {
		free(to);
		l->v = from;
		l->cap = l->n;
	}
	return 0;
}

/* Of those of one key the last is left. */
void gt_run_newest(struct gt_run_list *l)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (i + 1 == l->n ||
		    gt_run_compare(&l->v[i], &l->v[i + 1]) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

/* -------------------------------------------------------------- tail */

static size_t entry_bytes(enum gt_run_kind kind)
{
	return gt_run_names(kind) ? ENTRY : POSTING;
}

/* How many entries a tail's row has; negative: it is damaged. */
static int64_t tail_count(enum gt_run_kind kind, struct gt_bytes b, int64_t n)
{
	size_t each = entry_bytes(kind);
	if (b.n < SUM || (b.n - SUM) % each ||
	    (int64_t)((b.n - SUM) / each) != n ||
	    gt_get32(b.p) != gt_run_sum(b.p + SUM, b.n - SUM))
		return -1;
	return n;
}

static struct gt_run_entry tail_entry(enum gt_run_kind kind, struct gt_bytes b,
                                      size_t i)
{
	const uint8_t *p = b.p + SUM + i * entry_bytes(kind);
	struct gt_run_entry e = gt_run_unkey(p);
	if (gt_run_names(kind))
		e.value = (int64_t)((uint64_t)gt_get32(p + 16) << 32 |
		                    gt_get32(p + 20));
	return e;
}

int gt_runs_each_of_tail(struct gt_runs *r, enum gt_run_kind kind,
                         gt_runs_look *look, void *arg, size_t *rows)
{
	int row, status = 0;
	sqlite3_stmt *st = gt_runs_bind(r, GT_RUN_SQL_TAIL, "i", (int64_t)kind);
	*rows = 0;
	while ((row = gt_runs_step(r, GT_RUN_SQL_TAIL)) == 1 && status == 0) {
		struct gt_bytes b = gt_col_bytes(st, 2);
		int64_t n = tail_count(kind, b, sqlite3_column_int64(st, 1));
		if (n < 0)
			status = gt_runs_rotten(r, kind, 0, 0,
			                        "its tail is damaged");
		for (int64_t i = 0; status == 0 && i < n; i++) {
			struct gt_run_entry e = tail_entry(kind, b, (size_t)i);
			status = look(arg, &e);
		}
		++*rows;
		if (status != 0)
			break;
	}
	gt_runs_reset(r, GT_RUN_SQL_TAIL);
	return status ? status : row < 0 ? row : 0;
}

static int push(void *list, const struct gt_run_entry *e)
{
	return gt_run_push(list, *e) ? 0 : -GT_ENOMEM;
}

int gt_runs_tail(struct gt_runs *r, enum gt_run_kind kind,
                 struct gt_run_list *out)
{
	size_t rows;
	*out = (struct gt_run_list){0};
	int status = gt_runs_each_of_tail(r, kind, push, out, &rows);
	if (status == 0)
		status = gt_run_sort(out);
	gt_run_newest(out);
	return status;
}

int gt_runs_tail_of(struct gt_runs *r, uint64_t hash, struct gt_run_list *out)
{
	uint8_t key[8];
	int row, status = 0;
	sqlite3_stmt *st =
	        gt_runs_bind(r, GT_RUN_SQL_TAIL, "i", (int64_t)GT_RUN_TERM);
	gt_put64(key, hash);
	while ((row = gt_runs_step(r, GT_RUN_SQL_TAIL)) == 1 && status == 0) {
		struct gt_bytes b = gt_col_bytes(st, 2);
		int64_t n =
		        tail_count(GT_RUN_TERM, b, sqlite3_column_int64(st, 1));
		if (n < 0)
			status = gt_runs_rotten(r, GT_RUN_TERM, 0, 0,
			                        "its tail is damaged");
		for (int64_t i = 0; status == 0 && i < n; i++)
			if (memcmp(b.p + SUM + i * POSTING, key, 8) == 0 &&
			    !gt_run_push(out,
			                 tail_entry(GT_RUN_TERM, b, (size_t)i)))
				status = -GT_ENOMEM;
		if (status != 0)
			break;
	}
	gt_runs_reset(r, GT_RUN_SQL_TAIL);
	if (status == 0 && row < 0)
		status = row;
	return status ? status : gt_run_sort(out);
}

/* Names of the tail in memory: the slot of a key, or the free one. */
static struct gt_run_entry *slot(struct gt_run_list *t, uint64_t hi,
                                 uint64_t lo)
{
	size_t mask = t->cap - 1;
	size_t at = (size_t)((hi ^ lo * UINT64_C(0x9e3779b97f4a7c15)) *
	                             UINT64_C(0xff51afd7ed558ccd) >>
	                     20) &
	            mask;
	while (t->v[at].value != 0 && (t->v[at].hi != hi || t->v[at].lo != lo))
		at = (at + 1) & mask;
	return &t->v[at];
}

static bool tail_grow(struct gt_run_list *t)
{
	struct gt_run_list old = *t;
	t->cap = old.cap ? 2 * old.cap : 256;
	t->v = calloc(t->cap, sizeof *t->v);
	if (!t->v) {
		*t = old;
		return false;
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.v[i].value != 0)
			*slot(t, old.v[i].hi, old.v[i].lo) = old.v[i];
	free(old.v);
	return true;
}

struct memory {
	struct gt_runs *r;
	enum gt_run_kind kind;
	size_t n;
};

static int remember(void *arg, const struct gt_run_entry *e)
{
	struct memory *m = arg;
	struct gt_run_list *t = &m->r->tail[m->kind];
	m->n++;
	if (!gt_run_names(m->kind))
		return 0;
	if (2 * (t->n + 1) > t->cap && !tail_grow(t))
		return -GT_ENOMEM;
	struct gt_run_entry *s = slot(t, e->hi, e->lo);
	t->n += s->value == 0;
	*s = *e;
	return 0;
}

int gt_runs_know_tail(struct gt_runs *r, enum gt_run_kind kind)
{
	struct memory m = {r, kind, 0};
	if (r->tail_known[kind])
		return 0;
	int status = gt_runs_each_of_tail(r, kind, remember, &m,
	                                  &r->tail_rows[kind]);
	r->tail_n[kind] = m.n;
	r->tail_known[kind] = status == 0;
	return status;
}

int gt_runs_put(struct gt_runs *r, enum gt_run_kind kind, struct gt_run_entry e)
{
	struct memory m = {r, kind, 0};
	assert(r->keep && (e.value > 0 || !gt_run_names(kind)));
	int status = gt_runs_know_tail(r, kind);
	if (status == 0)
		status = push(&r->fresh[kind], &e);
	return status ? status : remember(&m, &e);
}

/* A row's bytes, malloc'ed; NULL: out of memory. */
static uint8_t *row_of(enum gt_run_kind kind, const struct gt_run_list *l,
                       size_t *n)
{
	size_t each = entry_bytes(kind);
	*n = SUM + l->n * each;
	uint8_t *b = malloc(*n);
	if (!b)
		return NULL;
	for (size_t i = 0; i < l->n; i++) {
		uint8_t *p = b + SUM + i * each;
		gt_run_key(p, l->v[i].hi, l->v[i].lo);
		if (gt_run_names(kind))
			gt_put64(p + 16, (uint64_t)l->v[i].value);
	}
	gt_put32(b, gt_run_sum(b + SUM, *n - SUM));
	return b;
}

int gt_runs_put_tail(struct gt_runs *r, enum gt_run_kind kind,
                     const struct gt_run_list *l)
{
	size_t n;
	uint8_t *b = row_of(kind, l, &n);
	if (!b)
		return -GT_ENOMEM;
	gt_runs_bind(r, GT_RUN_SQL_TAIL_PUT, "iib", (int64_t)kind,
	             (int64_t)l->n, gt_bytes_of(b, n));
	free(b);
	r->tail_rows[kind]++;
	r->tail_n[kind] += l->n;
	return gt_runs_run(r, GT_RUN_SQL_TAIL_PUT);
}

/* ------------------------------------------------------ looking, erasing */

struct sought {
	struct gt_run_entry e; /* value: of the newest so far */
};

static int see(void *arg, const struct gt_run_entry *e)
{
	struct sought *s = arg;
	if (gt_run_compare(&s->e, e) == 0)
		s->e.value = e->value;
	return 0;
}

int gt_runs_in_tail(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                    uint64_t lo, int64_t *value)
{
	struct sought s = {{hi, lo, 0}};
	size_t rows;
	int status = r->keep ? gt_runs_know_tail(r, kind)
	                     : gt_runs_each_of_tail(r, kind, see, &s, &rows);
	if (status == 0 && r->keep && r->tail[kind].cap > 0)
		s.e.value = slot(&r->tail[kind], hi, lo)->value;
	*value = s.e.value;
	return status ? status : s.e.value != 0;
}

/* The row that has the key, without it. */
struct without {
	struct gt_run_list l;
	enum gt_run_kind kind;
	struct gt_run_entry e;
	int64_t tid; /* 0: no row has it */
};

/* A row: 1, it has the key, and w the others. */
static int sift(struct gt_runs *r, struct without *w, sqlite3_stmt *st)
{
	struct gt_bytes b = gt_col_bytes(st, 2);
	int64_t n = tail_count(w->kind, b, sqlite3_column_int64(st, 1));
	bool has = false;
	w->l.n = 0;
	if (n < 0)
		return gt_runs_rotten(r, w->kind, 0, 0, "its tail is damaged");
	for (int64_t i = 0; i < n; i++) {
		struct gt_run_entry e = tail_entry(w->kind, b, (size_t)i);
		if (gt_run_compare(&e, &w->e) == 0)
			has = true;
		else if (!gt_run_push(&w->l, e))
			return -GT_ENOMEM;
	}
	w->tid = sqlite3_column_int64(st, 0);
	return has;
}

/* One row that has it is written anew without it: 1; 0: none has. */
static int erase_one(struct gt_runs *r, struct without *w)
{
	int row, found = 0;
	size_t n;
	sqlite3_stmt *st =
	        gt_runs_bind(r, GT_RUN_SQL_TAIL, "i", (int64_t)w->kind);
	while ((row = gt_runs_step(r, GT_RUN_SQL_TAIL)) == 1) {
		found = sift(r, w, st);
		if (found != 0)
			break;
	}
	gt_runs_reset(r, GT_RUN_SQL_TAIL);
	if (row < 0 || found <= 0)
		return row < 0 ? row : found;
	uint8_t *b = row_of(w->kind, &w->l, &n);
	if (!b)
		return -GT_ENOMEM;
	gt_runs_bind(r, GT_RUN_SQL_TAIL_SET, "iib", w->tid, (int64_t)w->l.n,
	             gt_bytes_of(b, n));
	free(b);
	row = gt_runs_run(r, GT_RUN_SQL_TAIL_SET);
	return row ? row : 1;
}

static void erase_fresh(struct gt_run_list *l, const struct gt_run_entry *e)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (gt_run_compare(&l->v[i], e) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

int gt_runs_erase_tail(struct gt_runs *r, enum gt_run_kind kind, uint64_t hi,
                       uint64_t lo)
{
	struct without w = {.kind = kind, .e = {hi, lo, 0}};
	int status = gt_runs_know_tail(r, kind), more = 1;
	while (status == 0 && more == 1) {
		more = erase_one(r, &w);
		status = more < 0 ? more : 0;
	}
	free(w.l.v);
	erase_fresh(&r->fresh[kind], &w.e);
	if (r->tail[kind].cap > 0) {
		struct gt_run_entry *s = slot(&r->tail[kind], hi, lo);
		s->value = s->value == 0 ? 0 : -1;
	}
	return status;
}
