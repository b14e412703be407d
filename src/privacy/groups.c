#include "groups.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "error.h"

struct row {
	const char *verb, *activity, *part, *month;
	uint64_t *who;
	uint32_t nwho, least;
	int32_t cell; /* -1: none */
};

struct cell {
	uint32_t first; /* a row of it */
	uint32_t rows, learners, least;
	bool several; /* of several activities */
	bool gone;    /* back in the pool */
};

struct gt_groups {
	struct gt_arena *arena;
	struct row *rows;
	uint32_t *order; /* rows, as the pass under way wants them */
	struct cell *cells;
	uint64_t *who; /* scratch, with room for everybody */
	size_t n, cap, ncells, nwho;
};

struct gt_groups *gt_groups_new(void)
{
	struct gt_groups *g = calloc(1, sizeof *g);
	if (g && !(g->arena = gt_arena_new())) {
		free(g);
		return NULL;
	}
	return g;
}

void gt_groups_free(struct gt_groups *g)
{
	if (!g)
		return;
	gt_arena_free(g->arena);
	free(g->rows);
	free(g->order);
	free(g->cells);
	free(g->who);
	free(g);
}

static bool grow(struct gt_groups *g)
{
	size_t cap = g->cap ? 2 * g->cap : 64;
	if (g->n < g->cap)
		return true;
	struct row *rows = realloc(g->rows, cap * sizeof *rows);
	if (!rows)
		return false;
	g->rows = rows;
	g->cap = cap;
	return true;
}

int gt_groups_add(struct gt_groups *g, const struct gt_group_row *r)
{
	size_t nwho = r->nwho < GT_GROUPS_WHO ? r->nwho : GT_GROUPS_WHO;
	if (g->n == GT_GROUPS_ROWS)
		return -GT_ELIMIT;
	if (!grow(g))
		return -GT_ENOMEM;
	struct row *to = &g->rows[g->n];
	*to = (struct row){
	        .verb = gt_arena_str(g->arena, r->verb),
	        .activity = gt_arena_str(g->arena, r->activity),
	        .part = gt_arena_str(g->arena, r->part),
	        .month = gt_arena_str(g->arena, r->month),
	        .who = gt_arena_copy(g->arena, r->who, nwho * sizeof *r->who),
	        .nwho = (uint32_t)nwho,
	        .least = r->least,
	        .cell = -1,
	};
	if (!to->verb || !to->activity || !to->part || !to->month ||
	    (nwho > 0 && !to->who))
		return -GT_ENOMEM;
	g->n++;
	g->nwho += nwho;
	return 0;
}

/* ------------------------------------------------------------- counting */

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* How many different ones lie in g->who. */
static uint32_t distinct(struct gt_groups *g, size_t n)
{
	uint32_t count = 0;
	if (n > 1)
		qsort(g->who, n, sizeof *g->who, by_number);
	for (size_t i = 0; i < n; i++)
		count += i == 0 || g->who[i] != g->who[i - 1];
	return count;
}

static void collect(struct gt_groups *g, const struct row *r, size_t *n)
{
	for (uint32_t i = 0; i < r->nwho; i++)
		g->who[(*n)++] = r->who[i];
}

/* A run of g->order. */
struct run {
	uint32_t *v;
	size_t n;
};

enum which { ALL, WITHOUT, ONLY };

/* Learners of a run: of all of it, without what comes from that place, or of
 * that alone. */
static uint32_t learners(struct gt_groups *g, const struct run *run,
                         enum which which, const char *part)
{
	size_t n = 0;
	for (size_t i = 0; i < run->n; i++) {
		const struct row *r = &g->rows[run->v[i]];
		bool is = which == ALL || strcmp(r->part, part) == 0;
		if (is != (which == WITHOUT))
			collect(g, r, &n);
	}
	return distinct(g, n);
}

static uint32_t least_of(const struct gt_groups *g, const struct run *run)
{
	uint32_t least = 0;
	for (size_t i = 0; i < run->n; i++)
		if (g->rows[run->v[i]].least > least)
			least = g->rows[run->v[i]].least;
	return least;
}

/* ---------------------------------------------------------------- order */

static int by_key(const struct row *a, const struct row *b, bool several)
{
	int c = strcmp(a->verb, b->verb);
	if (c == 0)
		c = strcmp(a->month, b->month);
	if (c == 0 && !several)
		c = strcmp(a->activity, b->activity);
	return c;
}

/* Then by place, so that one's lie side by side. A heap, for qsort has no room
 * for what is compared. */
static bool before(const struct gt_groups *g, uint32_t a, uint32_t b,
                   bool several)
{
	const struct row *x = &g->rows[a], *y = &g->rows[b];
	int c = by_key(x, y, several);
	if (c == 0)
		c = strcmp(x->part, y->part);
	return c != 0 ? c < 0 : a < b;
}

static void sift(struct gt_groups *g, size_t i, size_t n, bool several)
{
	for (;;) {
		size_t big = i, l = 2 * i + 1;
		for (size_t k = l; k < l + 2 && k < n; k++)
			if (before(g, g->order[big], g->order[k], several))
				big = k;
		if (big == i)
			return;
		uint32_t t = g->order[i];
		g->order[i] = g->order[big];
		g->order[big] = t;
		i = big;
	}
}

/* Rows that are in no cell, in the order of their keys. How many. */
static size_t line_up(struct gt_groups *g, bool several)
{
	size_t n = 0;
	for (size_t i = 0; i < g->n; i++)
		if (g->rows[i].cell < 0)
			g->order[n++] = (uint32_t)i;
	for (size_t i = n / 2; i-- > 0;)
		sift(g, i, n, several);
	for (size_t end = n; end-- > 1;) {
		uint32_t t = g->order[0];
		g->order[0] = g->order[end];
		g->order[end] = t;
		sift(g, 0, end, several);
	}
	return n;
}

/* ---------------------------------------------------------------- cells */

/* Takes one place's rows out of a run. */
static void take_out(struct gt_groups *g, struct run *run, const char *part)
{
	size_t n = 0;
	for (size_t i = 0; i < run->n; i++)
		if (strcmp(g->rows[run->v[i]].part, part) != 0)
			run->v[n++] = run->v[i];
	run->n = n;
}

/* Whether the run is fit for a cell but for some place that, without its own, is
 * told of fewer than k. *out: the place with the fewest learners, which has to
 * go first; NULL: it is fit. */
static void misfit(struct gt_groups *g, const struct run *run, uint32_t k,
                   const char **out)
{
	uint32_t fewest = UINT32_MAX;
	uint32_t all = learners(g, run, ALL, NULL);
	const char *small = NULL;
	bool bad = false;
	for (size_t i = 0; i < run->n; i++) {
		const char *part = g->rows[run->v[i]].part;
		if (i > 0 && strcmp(part, g->rows[run->v[i - 1]].part) == 0)
			continue;
		uint32_t own = learners(g, run, ONLY, part);
		if (own > 0 && own < fewest) {
			fewest = own;
			small = part;
		}
		/* those are at least so many */
		if (bad || own == 0 || all - own >= k)
			continue;
		uint32_t rest = learners(g, run, WITHOUT, part);
		bad = rest > 0 && rest < k;
	}
	*out = bad ? small : NULL;
}

/* A cell of what of the run is fit for one, if any is. */
static void make_cell(struct gt_groups *g, struct run run, bool several)
{
	const char *part;
	uint32_t k = least_of(g, &run);
	while (run.n > 0 && (misfit(g, &run, k, &part), part))
		take_out(g, &run, part);
	uint32_t n = learners(g, &run, ALL, NULL);
	if (n == 0 || n < k)
		return;
	g->cells[g->ncells] = (struct cell){.first = run.v[0],
	                                    .rows = (uint32_t)run.n,
	                                    .learners = n,
	                                    .least = k,
	                                    .several = several};
	for (size_t i = 0; i < run.n; i++)
		g->rows[run.v[i]].cell = (int32_t)g->ncells;
	g->ncells++;
}

static void pass(struct gt_groups *g, bool several)
{
	size_t n = line_up(g, several), from = 0;
	for (size_t i = 1; i <= n; i++)
		if (i == n || by_key(&g->rows[g->order[from]],
		                     &g->rows[g->order[i]], several) != 0) {
			struct run run = {g->order + from, i - from};
			make_cell(g, run, several);
			from = i;
		}
}

/* ----------------------------------------------------------- complement */

static void put_back(struct gt_groups *g, size_t cell)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->rows[i].cell == (int32_t)cell)
			g->rows[i].cell = -1;
	g->cells[cell].gone = true;
}

/* The cell of the fewest learners that is left; ncells: none is. */
static size_t least_cell(const struct gt_groups *g)
{
	size_t least = g->ncells;
	for (size_t i = 0; i < g->ncells; i++)
		if (!g->cells[i].gone &&
		    (least == g->ncells ||
		     g->cells[i].learners < g->cells[least].learners))
			least = i;
	return least;
}

/* Whether what is in no cell is of too few to be subtracted. Records of nobody
 * who is known are of too few as well. */
static bool too_few(struct gt_groups *g)
{
	struct run rest = {g->order, line_up(g, true)};
	return rest.n > 0 && learners(g, &rest, ALL, NULL) < least_of(g, &rest);
}

/* Closes the gaps that those leave that went back. */
static void close_up(struct gt_groups *g)
{
	size_t n = 0;
	for (size_t c = 0; c < g->ncells; c++) {
		if (g->cells[c].gone)
			continue;
		for (size_t i = 0; n != c && i < g->n; i++)
			if (g->rows[i].cell == (int32_t)c)
				g->rows[i].cell = (int32_t)n;
		g->cells[n++] = g->cells[c];
	}
	g->ncells = n;
}

int gt_groups_settle(struct gt_groups *g)
{
	size_t cell, back = 1;
	if (g->n == 0)
		return 0;
	g->order = calloc(g->n, sizeof *g->order);
	g->cells = calloc(2 * g->n, sizeof *g->cells);
	g->who = calloc(g->nwho + 1, sizeof *g->who);
	if (!g->order || !g->cells || !g->who)
		return -GT_ENOMEM;
	pass(g, false);
	pass(g, true);
	/* twice as many each time, or it could take as many looks as there are
	 * cells */
	for (; too_few(g) && least_cell(g) < g->ncells; back *= 2)
		for (size_t i = 0;
		     i < back && (cell = least_cell(g)) < g->ncells; i++)
			put_back(g, cell);
	close_up(g);
	return 0;
}

size_t gt_groups_cells(const struct gt_groups *g)
{
	return g->ncells;
}

struct gt_group_cell gt_groups_cell(const struct gt_groups *g, size_t i)
{
	const struct cell *c = &g->cells[i];
	const struct row *r = &g->rows[c->first];
	return (struct gt_group_cell){.verb = r->verb,
	                              .activity = c->several ? "" : r->activity,
	                              .month = r->month,
	                              .statements = c->rows,
	                              .learners = c->learners,
	                              .least = c->least};
}

int gt_groups_cell_of(const struct gt_groups *g, size_t i)
{
	return g->rows[i].cell;
}
