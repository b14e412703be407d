/* heap.c: what will happen, by time, then by the order it was planned in. */
#include <stdio.h>
#include <stdlib.h>

#include "inside.h"

/* What decides the order stands here and not behind a pointer: a province plans
 * thousands of things at once. */
struct place {
	uint64_t at, seq;
	struct happening *what;
};

struct heap {
	struct place *v;
	size_t n, cap;
};

void *sim_must(void *p)
{
	if (!p) {
		(void)fputs("simulate: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

static bool sooner(const struct place *a, const struct place *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

struct happening *sim_plan(struct world *w, uint64_t at, enum kind kind,
                           unsigned node)
{
	struct heap *h = w->heap;
	struct happening *e = sim_must(calloc(1, sizeof *e));
	e->at = at < w->now ? w->now : at;
	e->seq = ++w->sequence;
	e->kind = kind;
	e->node = node;
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 1024;
		h->v = sim_must(realloc(h->v, h->cap * sizeof *h->v));
	}
	size_t i = h->n++;
	struct place p = {e->at, e->seq, e};
	for (; i > 0 && sooner(&p, &h->v[(i - 1) / 2]); i = (i - 1) / 2)
		h->v[i] = h->v[(i - 1) / 2];
	h->v[i] = p;
	return e;
}

struct happening *sim_pop(struct heap *h)
{
	struct happening *top = h->v[0].what;
	struct place last = h->v[--h->n];
	size_t i = 0;
	for (;;) {
		size_t c = 2 * i + 1;
		if (c >= h->n)
			break;
		if (c + 1 < h->n && sooner(&h->v[c + 1], &h->v[c]))
			c++;
		if (!sooner(&h->v[c], &last))
			break;
		h->v[i] = h->v[c];
		i = c;
	}
	if (h->n > 0)
		h->v[i] = last;
	return top;
}

uint64_t sim_next_at(const struct heap *h)
{
	return h->n ? h->v[0].at : UINT64_MAX;
}

void sim_discard(struct happening *e)
{
	net_unref(e->bulk);
	free(e);
}

struct heap *sim_heap_new(void)
{
	return sim_must(calloc(1, sizeof(struct heap)));
}

void sim_heap_free(struct heap *h)
{
	while (h->n > 0)
		sim_discard(sim_pop(h));
	free(h->v);
	free(h);
}
