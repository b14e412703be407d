/* shrink.c: a smaller run in which the same promise breaks. */
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "inside.h"
#include "run.h"

/* The same invariant, or the smaller run shows something else. */
static bool still(const struct options *o, uint64_t seed, const char *invariant,
                  struct result *out)
{
	return run(o, seed, out) && out->invariant &&
	       strcmp(out->invariant, invariant) == 0;
}

static bool try(struct options *best, const struct options *next, uint64_t seed,
                const char *invariant, struct result *last)
{
	struct result r;
	run_mind(next, seed);
	if (!still(next, seed, invariant, &r))
		return false;
	*best = *next;
	*last = r;
	printf("shrink: still %s: ", invariant);
	run_replay(stdout, best, seed);
	return true;
}

static void fewer_minutes(struct options *best, uint64_t seed,
                          const char *invariant, struct result *last)
{
	struct options next = *best;
	next.minutes = last->failed_at / 60000 + 1;
	if (next.minutes < best->minutes)
		try(best, &next, seed, invariant, last);
	for (uint64_t part = 2; part <= 8 && best->minutes > 1; part *= 2) {
		next = *best;
		next.minutes -= (next.minutes + part - 1) / part;
		if (next.minutes > 0 && try(best, &next, seed, invariant, last))
			part = 1;
	}
}

static void fewer_nodes(struct options *best, uint64_t seed,
                        const char *invariant, struct result *last)
{
	struct options next = *best;
	for (unsigned n = 2; !best->shape.file && n < best->shape.nodes; n++) {
		next = *best;
		next.shape.nodes = n;
		if (try(best, &next, seed, invariant, last))
			return;
	}
}

/* The first level with more than one place, 0: none. */
static int branches(const struct world *tree)
{
	unsigned places[GT_LEVELS_MAX + 1] = {0};
	for (unsigned i = 0; i < tree->count; i++)
		places[gt_code_depth(tree->nodes[i].code)]++;
	for (int d = 0; d <= GT_LEVELS_MAX; d++)
		if (places[d] > 1)
			return d;
	return 0;
}

/* One branch of a tree from a file instead of all. */
static bool one_branch(struct options *best, uint64_t seed,
                       const char *invariant, struct result *last)
{
	static char under[GT_LEVELS_MAX + 1][GT_CODE_MAX + 1];
	static struct world tree;
	memset(&tree, 0, sizeof tree);
	int depth = tree_shape(&tree, &best->shape) ? branches(&tree) : 0;
	for (unsigned i = 0; depth > 0 && i < tree.count; i++) {
		struct options next = *best;
		if (gt_code_depth(tree.nodes[i].code) != depth)
			continue;
		gt_copy(under[depth], GT_CODE_MAX + 1, tree.nodes[i].code);
		next.shape.under = under[depth];
		if (try(best, &next, seed, invariant, last))
			return true;
	}
	return false;
}

static void fewer_places(struct options *best, uint64_t seed,
                         const char *invariant, struct result *last)
{
	struct options next = *best;
	next.shape.villages = NULL;
	if (best->shape.villages)
		try(best, &next, seed, invariant, last);
	while (best->shape.file && one_branch(best, seed, invariant, last))
		;
}

static void fewer_bits(struct options *best, uint64_t seed,
                       const char *invariant, struct result *last)
{
	for (unsigned i = 0; i < FAULT_BITS; i++) {
		struct options next = *best;
		next.faults &= ~(1u << i);
		if (next.faults != best->faults)
			try(best, &next, seed, invariant, last);
	}
	for (unsigned i = 0; i < 10; i++) {
		struct options next = *best;
		next.skip |= 1u << i;
		if (next.skip != best->skip)
			try(best, &next, seed, invariant, last);
	}
}

void shrink(const struct options *o, uint64_t seed, const struct result *failed)
{
	struct options best = *o;
	struct result last = *failed;
	best.verbose = false;
	best.pace = failed->pace; /* fewer nodes shall not do less */
	fewer_places(&best, seed, failed->invariant, &last);
	fewer_minutes(&best, seed, failed->invariant, &last);
	fewer_nodes(&best, seed, failed->invariant, &last);
	fewer_bits(&best, seed, failed->invariant, &last);
	fewer_minutes(&best, seed, failed->invariant, &last);
	printf("shrunk to: ");
	run_print(&best, seed, &last);
}
