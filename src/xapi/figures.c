#include "figures.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

/* ---------------------------------------------------------------- figure */

void gt_figure_day(char day[GT_DEED_DAY], const struct gt_deed *d,
                   const struct gt_receipt *r, enum gt_counts_by by)
{
	int64_t ms = by == GT_BY_STORED             ? r->stored_ms
	             : d->timestamp_ms != INT64_MIN ? d->timestamp_ms
	                                            : r->origin_ms;
	gt_deed_day(day, ms);
}

void gt_figure_count(struct gt_figure *f, const struct gt_deed *d,
                     const struct gt_receipt *r)
{
	f->n[GT_STATEMENTS]++;
	f->n[GT_COMPLETIONS] += d->completion;
	f->n[GT_NEEDS] += d->need;
	f->n[GT_SPENT_MS] += d->spent_ms;
	f->n[GT_AHEAD] += d->timestamp_ms != INT64_MIN &&
	                  d->timestamp_ms > r->stored_ms + GT_AHEAD_MS;
}

int gt_figure_add(struct gt_figure *f, const struct gt_deed *d,
                  const struct gt_receipt *r, const char day[GT_DEED_DAY],
                  const uint8_t key[GT_SKETCH_KEY])
{
	int status = 0;
	size_t visits = d->nlearners ? d->nlearners : 1;
	gt_figure_count(f, d, r);
	for (size_t i = 0; status == 0 && i < d->nlearners; i++)
		status = gt_sketch_add(&f->learners, d->learner[i]);
	for (size_t i = 0; status == 0 && i < visits; i++)
		status = gt_sketch_add(&f->visits,
		                       gt_deed_visit(d, i, key, day, r->id));
	return status;
}

int gt_figure_merge(struct gt_figure *f, const struct gt_figure *other)
{
	for (size_t i = 0; i < GT_MEASURES; i++)
		f->n[i] += other->n[i];
	int status = gt_sketch_merge(&f->learners, &other->learners);
	return status ? status : gt_sketch_merge(&f->visits, &other->visits);
}

void gt_figure_free(struct gt_figure *f)
{
	gt_sketch_free(&f->learners);
	gt_sketch_free(&f->visits);
	*f = (struct gt_figure){0};
}

/* --------------------------------------------------------------- figures */

struct entry {
	uint8_t *key;
	uint32_t nkey;
	uint32_t hash;
	struct gt_figure *figure;
};

/* Invariants: n entries, by key once `sorted`; slot has nslots >= 2 n numbers of
 * entries, plus one, while it is not. */
struct gt_figures {
	struct entry *v;
	uint32_t *slot;
	size_t n, cap, nslots;
	bool sorted;
};

struct gt_figures *gt_figures_new(void)
{
	return calloc(1, sizeof(struct gt_figures));
}

void gt_figures_free(struct gt_figures *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		gt_figure_free(f->v[i].figure);
		free(f->v[i].figure);
		free(f->v[i].key);
	}
	free(f->v);
	free(f->slot);
	free(f);
}

static uint32_t hash_of(struct gt_bytes key)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < key.n; i++)
		h = (h ^ key.p[i]) * 16777619u;
	return h;
}

static void place(struct gt_figures *f, size_t i)
{
	size_t at = f->v[i].hash & (f->nslots - 1);
	while (f->slot[at] != 0)
		at = (at + 1) & (f->nslots - 1);
	f->slot[at] = (uint32_t)i + 1;
}

/* Slots for n entries, all of them in their places. */
static bool lay_out(struct gt_figures *f, size_t n)
{
	size_t nslots = f->nslots ? f->nslots : 64;
	while (nslots < 2 * n)
		nslots *= 2;
	uint32_t *slot = calloc(nslots, sizeof *slot);
	if (!slot)
		return false;
	free(f->slot);
	f->slot = slot;
	f->nslots = nslots;
	for (size_t i = 0; i < f->n; i++)
		place(f, i);
	f->sorted = false;
	return true;
}

static bool room(struct gt_figures *f)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 32;
		struct entry *v = realloc(f->v, cap * sizeof *v);
		if (!v)
			return false;
		f->v = v;
		f->cap = cap;
	}
	return (!f->sorted && f->nslots >= 2 * (f->n + 1)) ||
	       lay_out(f, f->n + 1);
}

static struct gt_figure *make(struct gt_figures *f, struct gt_bytes key,
                              uint32_t hash)
{
	struct entry e = {.key = malloc(key.n + 1),
	                  .nkey = (uint32_t)key.n,
	                  .hash = hash,
	                  .figure = calloc(1, sizeof *e.figure)};
	if (!e.key || !e.figure) {
		free(e.key);
		free(e.figure);
		return NULL;
	}
	if (key.n > 0)
		memcpy(e.key, key.p, key.n);
	e.key[key.n] = '\0';
	f->v[f->n] = e;
	place(f, f->n++);
	return e.figure;
}

struct gt_figure *gt_figures_at(struct gt_figures *f, struct gt_bytes key)
{
	uint32_t hash = hash_of(key);
	if (key.n > GT_FIGURE_KEY || !room(f))
		return NULL;
	for (size_t at = hash & (f->nslots - 1); f->slot[at] != 0;
	     at = (at + 1) & (f->nslots - 1)) {
		struct entry *e = &f->v[f->slot[at] - 1];
		if (e->hash == hash &&
		    gt_bytes_eq(gt_bytes_of(e->key, e->nkey), key))
			return e->figure;
	}
	return make(f, key, hash);
}

size_t gt_figures_count(const struct gt_figures *f)
{
	return f->n;
}

static size_t bytes_of(const struct gt_sketch *s)
{
	return s->cap * sizeof *s->v + (s->reg ? GT_SKETCH_REGISTERS : 0);
}

size_t gt_figures_bytes(const struct gt_figures *f)
{
	size_t sum = f->cap * sizeof *f->v + f->nslots * sizeof *f->slot;
	for (size_t i = 0; i < f->n; i++)
		sum += sizeof(struct gt_figure) + f->v[i].nkey +
		       bytes_of(&f->v[i].figure->learners) +
		       bytes_of(&f->v[i].figure->visits);
	return sum;
}

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	size_t n = x->nkey < y->nkey ? x->nkey : y->nkey;
	int c = memcmp(x->key, y->key, n);
	return c ? c : (x->nkey > y->nkey) - (x->nkey < y->nkey);
}

static void sort(struct gt_figures *f)
{
	if (!f->sorted && f->n > 0)
		qsort(f->v, f->n, sizeof *f->v, by_key);
	f->sorted = true;
}

struct gt_figure *gt_figures_nth(struct gt_figures *f, size_t i,
                                 struct gt_bytes *key)
{
	sort(f);
	*key = gt_bytes_of(f->v[i].key, f->v[i].nkey);
	return f->v[i].figure;
}

/* ---------------------------------------------------------------- packed */

/* Seven bits a byte, the low ones first. */
static void put_number(struct gt_buffer *out, uint64_t v)
{
	uint8_t b[10];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		b[n++] = (uint8_t)(v | 0x80);
	b[n++] = (uint8_t)v;
	gt_buffer_add(out, b, n);
}

static bool get_number(struct gt_bytes *in, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; in->n > 0 && shift < 63; shift += 7) {
		uint8_t b = *in->p++;
		in->n--;
		*v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

static bool get_bytes(struct gt_bytes *in, size_t most, struct gt_bytes *out)
{
	uint64_t n;
	if (!get_number(in, &n) || n > most || n > in->n)
		return false;
	*out = gt_bytes_of(in->p, (size_t)n);
	in->p += n;
	in->n -= (size_t)n;
	return true;
}

static void put_sketch(struct gt_buffer *out, struct gt_sketch *s,
                       struct gt_buffer *scratch)
{
	scratch->n = 0;
	gt_sketch_pack(scratch, s);
	put_number(out, scratch->n);
	gt_buffer_add(out, scratch->p, scratch->n);
	out->failed = out->failed || scratch->failed;
}

void gt_figures_pack(struct gt_buffer *out, struct gt_figures *f)
{
	struct gt_buffer scratch = {0};
	sort(f);
	for (size_t i = 0; i < f->n && !out->failed; i++) {
		struct entry *e = &f->v[i];
		put_number(out, e->nkey);
		gt_buffer_add(out, e->key, e->nkey);
		for (size_t k = 0; k < GT_MEASURES; k++)
			put_number(out, e->figure->n[k]);
		put_sketch(out, &e->figure->learners, &scratch);
		put_sketch(out, &e->figure->visits, &scratch);
	}
	gt_buffer_free(&scratch);
}

int gt_packed_next(struct gt_bytes *in, struct gt_packed *out)
{
	bool ok = true;
	if (in->n == 0)
		return 0;
	ok = get_bytes(in, GT_FIGURE_KEY, &out->key);
	for (size_t k = 0; ok && k < GT_MEASURES; k++)
		ok = get_number(in, &out->n[k]);
	ok = ok && get_bytes(in, GT_SKETCH_PACKED, &out->learners) &&
	     get_bytes(in, GT_SKETCH_PACKED, &out->visits);
	return ok ? 1 : -GT_EMALFORMED;
}

int gt_figure_unpack(struct gt_figure *f, const struct gt_packed *p)
{
	for (size_t k = 0; k < GT_MEASURES; k++)
		f->n[k] += p->n[k];
	int status = gt_sketch_merge_packed(&f->learners, p->learners);
	return status ? status : gt_sketch_merge_packed(&f->visits, p->visits);
}
