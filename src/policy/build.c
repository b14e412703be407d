/* build.c: what rules of every kind are made of, checked: names, values, whom
 * they are for.
 * Tests: u_policy.c, u_demand.c. */
#include "policy_inside.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

int gt_build_no_memory(struct gt_build *b)
{
	return GT_REFUSE(b, GT_ENOMEM, "out of memory");
}

bool gt_build_text(const char *s)
{
	size_t n = strlen(s), len = 0;
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = gt_utf8_next(s + i, n - i, &len);
		if (c == GT_UTF8_BROKEN || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

int gt_build_name(struct gt_build *b, const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || !gt_build_text(name))
		return GT_REFUSE(b, GT_EMALFORMED, "a rule has no name");
	if (n > GT_RULE_NAME_MAX)
		return GT_REFUSE(
		        b, GT_ELIMIT,
		        "rule %.20s...: the name is longer than %d bytes", name,
		        GT_RULE_NAME_MAX);
	b->rule = name;
	return 0;
}

static void compile_pattern(struct gt_pattern *p, const char *text)
{
	size_t literal = strcspn(text, "*?");
	size_t stars = strspn(text + literal, "*");
	p->text = text;
	p->n = (uint32_t)literal;
	if (text[literal] == '\0')
		p->kind = GT_PATTERN_EXACT;
	else if (text[literal + stars] != '\0')
		p->kind = GT_PATTERN_GLOB;
	else
		p->kind = literal ? GT_PATTERN_PREFIX : GT_PATTERN_ANY;
}

int gt_build_patterns(struct gt_build *b, char *const *texts, size_t n,
                      const char *what, const struct gt_pattern **out)
{
	struct gt_pattern *v = gt_arena_get(b->layer->arena, n * sizeof *v);
	if (!v)
		return gt_build_no_memory(b);
	for (size_t i = 0; i < n; i++) {
		if (strlen(texts[i]) > GT_PATTERN_MAX)
			return GT_REFUSE(b, GT_ELIMIT,
			                 "rule %s: a value of %s is longer "
			                 "than %d bytes",
			                 b->rule, what, GT_PATTERN_MAX);
		if (!gt_build_text(texts[i]))
			return GT_REFUSE(b, GT_EMALFORMED,
			                 "rule %s: a value of %s is not text",
			                 b->rule, what);
		compile_pattern(&v[i], texts[i]);
	}
	*out = v;
	return 0;
}

/* The bit of a level's name in this layer, given out on first sight. */
static int level_bit(struct gt_build *b, const char *name, uint32_t *mask)
{
	struct gt_layer *l = b->layer;
	uint32_t i = 0;
	while (i < l->nlevels && strcmp(l->levels[i], name) != 0)
		i++;
	if (i == l->nlevels) {
		size_t n = strlen(name);
		if (n == 0 || n > GT_LEVEL_NAME_MAX || !gt_build_text(name))
			return GT_REFUSE(b, GT_EMALFORMED,
			                 "rule %s: not a level's name",
			                 b->rule);
		if (i == GT_LEVELS_MAX)
			return GT_REFUSE(b, GT_ELIMIT,
			                 "rule %s: more than %d levels named",
			                 b->rule, GT_LEVELS_MAX);
		l->levels[l->nlevels++] = name;
	}
	*mask |= 1u << i;
	return 0;
}

int gt_build_to(struct gt_build *b, char *const *levels, size_t nlevels,
                char *const *regions, size_t nregions, struct gt_to *out)
{
	out->levels = 0;
	for (size_t i = 0; i < nlevels; i++) {
		int rc = level_bit(b, levels[i], &out->levels);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < nregions; i++)
		if (regions[i][0] == '\0')
			return GT_REFUSE(b, GT_EMALFORMED,
			                 "rule %s: an empty region", b->rule);
	out->nregions = (uint32_t)nregions;
	return gt_build_patterns(b, regions, nregions, "to", &out->regions);
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

int gt_build_unique(struct gt_build *b, const void *rules, size_t n,
                    size_t size, size_t at)
{
	const char **names = gt_arena_get(b->layer->arena, n * sizeof *names);
	if (!names)
		return gt_build_no_memory(b);
	for (size_t i = 0; i < n; i++)
		memcpy(&names[i], (const char *)rules + i * size + at,
		       sizeof names[i]);
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return GT_REFUSE(b, GT_EMALFORMED,
			                 "rule %s: the name is used twice",
			                 names[i]);
	return 0;
}
