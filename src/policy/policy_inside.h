/* policy_inside.h: a layer compiled for deciding. layer.c makes it, policy.c
 * asks it; nobody else sees it.
 *
 * Everything a decision touches lies in arrays of the layer's own arena and is
 * never written again, so threads may share it. */
#ifndef GT_POLICY_INSIDE_H
#define GT_POLICY_INSIDE_H

#include "arena.h"
#include "policy.h"

enum gt_pattern_kind {
	GT_PATTERN_EXACT,
	GT_PATTERN_PREFIX, /* "3301*" */
	GT_PATTERN_ANY,    /* "*" */
	GT_PATTERN_GLOB,   /* anything else with * or ? */
};

struct gt_pattern {
	const char *text;
	uint32_t n; /* bytes that must be there: of the text, or its prefix */
	enum gt_pattern_kind kind;
};

/* One predicate. Which of patterns and range counts is told by the field. */
struct gt_test {
	const struct gt_pattern *values;
	uint32_t nvalues;
	Gt__Field field;
	bool negate;
	int64_t min, max; /* both ends belong to it */
};

struct gt_rule {
	uint32_t levels; /* bit i: the layer's levels[i]; 0: every level */
	uint32_t nregions, ntests;
	uint32_t priority;
	enum gt_verdict verdict;
	const struct gt_pattern *regions;
	const struct gt_test *tests;
	const char *name;
};

struct gt_layer {
	struct gt_rule *rules;
	uint32_t nrules;
	uint32_t nlevels;
	const char *levels[GT_LEVELS_MAX]; /* every level any rule names */
	enum gt_verdict fallback;
	uint32_t priority;
	bool ages;
	const char *origin;
	uint64_t version;
	struct gt_arena *arena;
};

/* The field is a number with a range, not text with values. */
bool gt_field_ranged(Gt__Field field);
/* The text, all of it, is what the pattern says. */
bool gt_pattern_match(const struct gt_pattern *p, const char *text);

#endif
