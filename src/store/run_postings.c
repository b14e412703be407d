/* run_postings.c: the numbers of one term, out of all runs and the tail.
 *
 * Of each run one block is known at a time. What one term's numbers do not say
 * costs at most a group's row and two blocks of each run among whose numbers
 * the sought one may lie.
 * Tests: u_runs.c. */
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

/* Of one run what lies in [from, to] of the term's numbers: v. */
struct piece {
	struct gt_run run;
	uint64_t *v;
	size_t n, cap;
	uint64_t from, to;
	bool known;
};

struct gt_postings {
	struct gt_runs *r;
	uint64_t hash;
	struct gt_run_list tail; /* of the term alone */
	struct piece *v;
	size_t n;
	int status; /* of what new() met */
	unsigned cost;
};

static int begin(struct gt_postings *p)
{
	int status = gt_runs_tail_of(p->r, p->hash, &p->tail);
	if (status == 0)
		status = gt_runs_know(p->r);
	if (status == 0)
		status = gt_runs_buffer(p->r);
	if (status != 0)
		return status;
	p->v = calloc(p->r->n + 1, sizeof *p->v);
	for (size_t i = 0; p->v && i < p->r->n; i++) {
		const struct gt_run *run = &p->r->v[i];
		if (run->kind != GT_RUN_TERM || run->state != GT_RUN_WHOLE)
			continue;
		p->v[p->n].run = *run;
		p->v[p->n++].run.top = NULL;
	}
	return p->v ? 0 : -GT_ENOMEM;
}

struct gt_postings *gt_postings_new(struct gt_runs *r, uint64_t hash)
{
	struct gt_postings *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->r = r;
	p->hash = hash;
	p->status = begin(p);
	return p;
}

void gt_postings_free(struct gt_postings *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].v);
	free(p->v);
	gt_run_drop(&p->tail);
	free(p);
}

unsigned gt_postings_cost(const struct gt_postings *p)
{
	return p->cost;
}

/* --------------------------------------------------------- one piece */

/* What of the block is the term's. */
static int take(struct gt_postings *p, struct piece *s, int64_t gid,
                unsigned block, struct gt_run_entry *last)
{
	const struct gt_run_entry *v = p->r->block;
	int n = gt_runs_block(p->r, &s->run, gid, block, p->r->block);
	p->cost++;
	if (n < 0)
		return n;
	s->n = 0;
	for (int i = 0; i < n; i++) {
		if (v[i].hi != p->hash)
			continue;
		if (s->n == s->cap) {
			size_t cap = s->cap ? 4 * s->cap : 32;
			uint64_t *w = realloc(s->v, cap * sizeof *w);
			if (!w)
				return -GT_ENOMEM;
			s->v = w;
			s->cap = cap;
		}
		s->v[s->n++] = v[i].lo;
	}
	*last = v[n - 1];
	s->from = v[0].hi < p->hash ? 0 : v[0].lo;
	s->to = last->hi > p->hash ? UINT64_MAX : s->n ? last->lo : 0;
	s->known = s->n > 0 || s->to == UINT64_MAX;
	return 0;
}

/* How many of its numbers are less than x. */
static size_t below(const struct piece *s, uint64_t x)
{
	size_t low = 0, high = s->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->v[mid] < x)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The block in which (hash, x) would be. 1, 0: none. */
static int locate(struct gt_postings *p, struct piece *s, uint64_t x,
                  struct gt_run_group *g, unsigned *block,
                  struct gt_run_entry *last)
{
	int row = gt_runs_group(p->r, &s->run, p->hash, x, g);
	int at = row == 1 ? gt_guide_block(&g->guide, p->hash, x) : -1;
	s->known = false;
	if (row < 0 || at < 0)
		return row < 0 ? row : 0;
	*block = (unsigned)at;
	int status = take(p, s, g->gid, *block, last);
	return status ? status : 1;
}

static int down(struct gt_postings *p, struct piece *s, uint64_t x,
                uint64_t *found)
{
	struct gt_run_group g;
	struct gt_run_entry last;
	unsigned block;
	if (!s->known || x < s->from || x > s->to) {
		int row = locate(p, s, x, &g, &block, &last);
		if (row != 1)
			return row;
	}
	size_t n = x == UINT64_MAX ? s->n : below(s, x + 1);
	if (n > 0)
		*found = s->v[n - 1];
	return n > 0;
}

/* The first block behind all that is at x or before it. */
static int behind(struct gt_postings *p, struct piece *s,
                  const struct gt_run_group *was, unsigned block,
                  const struct gt_run_entry *end)
{
	struct gt_run_group g;
	struct gt_run_entry last;
	int64_t gid = was ? was->gid : 0;
	if (!was || ++block == was->guide.nblocks) {
		int row = gt_runs_behind(p->r, &s->run, end->hi, end->lo, &g);
		if (row != 1)
			return row;
		gid = g.gid;
		block = 0;
	}
	int status = take(p, s, gid, block, &last);
	return status ? status : 1;
}

static int up(struct gt_postings *p, struct piece *s, uint64_t x,
              uint64_t *found)
{
	struct gt_run_group g;
	struct gt_run_entry last = {p->hash, x, 0};
	unsigned block = 0;
	bool here = s->known && x >= s->from && x <= s->to;
	int row = here ? 1 : locate(p, s, x, &g, &block, &last);
	size_t n = row == 1 ? below(s, x) : 0;
	if (row == 1 && n < s->n) {
		*found = s->v[n];
		return 1;
	}
	if (row < 0 || (row == 1 && s->to == UINT64_MAX))
		return row < 0 ? row : 0;
	row = behind(p, s, row == 1 ? &g : NULL, block, &last);
	if (row == 1 && s->n > 0)
		*found = s->v[0];
	return row == 1 ? s->n > 0 : row;
}

/* ------------------------------------------------------------ all */

static int in_tail(const struct gt_postings *p, uint64_t x, bool up,
                   uint64_t *found)
{
	int any = 0;
	for (size_t i = 0; i < p->tail.n; i++) {
		uint64_t v = p->tail.v[i].lo;
		if (up ? v < x : v > x)
			continue;
		*found = v;
		any = 1;
		if (up)
			break;
	}
	return any;
}

/* Whether a run may have one that is nearer than `best`. */
static bool may(const struct gt_run *run, uint64_t x, bool up, int any,
                uint64_t best)
{
	if (up)
		return run->high >= x && (!any || run->low < best);
	return run->low <= x && (!any || run->high > best);
}

int gt_postings_seek(struct gt_postings *p, int64_t seq, bool up_from,
                     int64_t *found)
{
	uint64_t x = (uint64_t)seq, best = 0, here = 0;
	int any = in_tail(p, x, up_from, &best);
	int row = p->status;
	assert(seq >= 0);
	for (size_t i = 0; row >= 0 && i < p->n; i++) {
		if (!may(&p->v[i].run, x, up_from, any, best))
			continue;
		row = up_from ? up(p, &p->v[i], x, &here)
		              : down(p, &p->v[i], x, &here);
		if (row == 1 && (!any || (up_from ? here < best : here > best)))
			best = here;
		any = any || row == 1;
	}
	*found = (int64_t)best;
	return row < 0 ? row : any;
}
