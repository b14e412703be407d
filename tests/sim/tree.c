/* tree.c: a tree from a list of codes, parents before children. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "inside.h"

/* Above, below or at one of the places named in `under`, "a,b,...". */
static bool wanted(const char *code, const char *under)
{
	char one[GT_CODE_MAX + 1];
	if (!under || !*under)
		return true;
	while (*under) {
		size_t n = strcspn(under, ",");
		if (n > 0 && n <= GT_CODE_MAX) {
			memcpy(one, under, n);
			one[n] = '\0';
			if (gt_code_within(code, one) ||
			    gt_code_within(one, code))
				return true;
		}
		under += n + (under[n] == ',');
	}
	return false;
}

static int parent_of(const struct world *w, const char *code)
{
	for (unsigned i = w->count; i > 0; i--)
		if (gt_code_child_of(code, w->nodes[i - 1].code))
			return (int)i - 1;
	return -1;
}

static bool add(struct world *w, const char *code, const struct shape *shape)
{
	if (!gt_code_valid(code))
		return false;
	if (!wanted(code, shape->under))
		return true;
	if (gt_code_depth(code) == 4 &&
	    (!shape->villages || !wanted(code, shape->villages)))
		return true;
	if (w->count == NODES_MAX - 1)
		return false;
	struct sim_node *s = &w->nodes[w->count];
	gt_copy(s->code, sizeof s->code, code);
	s->parent = parent_of(w, code);
	if (s->parent < 0 && w->count > 0)
		return false;
	w->count++;
	return true;
}

/* "330106109 001-003 201" stands for four places of one township. */
static bool add_range(struct world *w, const char *prefix, const char *range,
                      const struct shape *shape)
{
	unsigned from, to;
	char code[GT_CODE_MAX + 1];
	int got = sscanf(range, "%u-%u", &from, &to);
	bool good = got > 0;
	if (got == 1)
		to = from;
	for (; good && from <= to; from++) {
		gt_format(code, sizeof code, "%s%03u", prefix, from);
		good = add(w, code, shape);
	}
	return good;
}

bool tree_shape(struct world *w, const struct shape *shape)
{
	static char line[16384];
	FILE *f = fopen(shape->file, "r");
	bool good = f != NULL;
	while (good && fgets(line, sizeof line, f)) {
		char *save = NULL;
		char *first = strtok_r(line, " \n", &save);
		if (!first || *first == '#')
			continue;
		char *part = strtok_r(NULL, " \n", &save);
		if (!part)
			good = add(w, first, shape);
		for (; good && part; part = strtok_r(NULL, " \n", &save))
			good = add_range(w, first, part, shape);
	}
	if (f)
		(void)fclose(f);
	if (f && good && w->count > 1)
		return true;
	(void)fprintf(stderr, "simulate: %s: %s\n", shape->file,
	              !f      ? strerror(errno)
	              : !good ? "not codes, parents before children, or more "
	                        "than are simulated at once; fewer are under "
	                        "--under CODES"
	                      : "fewer than two places are there under "
	                        "--under CODES");
	return false;
}
