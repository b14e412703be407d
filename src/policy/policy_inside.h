/* policy_inside.h: a layer compiled for deciding. layer.c makes it, policy.c
 * asks it; nobody else sees it.
 *
 * Everything a decision touches lies in arrays of the layer's own arena and is
 * never written again, so threads may share it. */
#ifndef GT_POLICY_INSIDE_H
#define GT_POLICY_INSIDE_H

#include "arena.h"
#include "demand.h"

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

/* Whom a rule is for. */
struct gt_to {
	uint32_t levels; /* bit i: the layer's levels[i]; 0: every level */
	uint32_t nregions;
	const struct gt_pattern *regions;
};

struct gt_rule {
	struct gt_to to;
	uint32_t ntests;
	uint32_t priority;
	enum gt_verdict verdict;
	const struct gt_test *tests;
	const char *name;
};

/* One condition on a record. */
struct gt_trait_test {
	const struct gt_pattern *values;
	uint32_t nvalues;
	Gt__Trait trait;
	bool negate;
};

struct gt_demand_rule {
	struct gt_to to;
	uint32_t ntests;
	const struct gt_trait_test *tests;
	enum gt_treatment treatment;
	uint32_t fields, group;
	const char *name;
};

struct gt_layer {
	struct gt_rule *rules;
	uint32_t nrules;
	struct gt_demand_rule *demands;
	uint32_t ndemands;
	uint32_t nlevels;
	const char *levels[GT_LEVELS_MAX]; /* every level any rule names */
	enum gt_verdict fallback;
	uint32_t priority;
	bool ages;
	const char *origin;
	uint64_t version;
	struct gt_arena *arena;
};

/* The receiver's level as a bit of this layer; 0: no rule names it. */
uint32_t gt_level_mask(const struct gt_layer *l, const char *level);
/* Whether that is for a receiver of that code and level. */
bool gt_is_for(const struct gt_to *to, uint32_t level, const char *code);
/* Whether any of n patterns is what the text is. */
bool gt_pattern_any(const struct gt_pattern *v, uint32_t n, const char *text);

/* ------------------------------------------------------------ build */

/* What is being compiled, and whom to tell when it cannot be. */
struct gt_build {
	struct gt_layer *layer;
	char *why;
	size_t why_cap;
	const char *rule;
};

/* The sentence goes to whoever asked; the code comes back. */
#define GT_REFUSE(b, code, ...) \
	(gt_format((b)->why, (b)->why_cap, __VA_ARGS__), -(code))

/* Refuses for want of memory: -GT_ENOMEM. */
int gt_build_no_memory(struct gt_build *b);
/* Names go into logs, audit rows and JSON: no control characters. */
bool gt_build_text(const char *s);
/* Takes the name of a rule, of which sentences speak from now on. */
int gt_build_name(struct gt_build *b, const char *name);
/* Values of `what`, each at most so long as it may be. 0 or what it is refused
 * with. */
int gt_build_patterns(struct gt_build *b, char *const *texts, size_t n,
                      const char *what, const struct gt_pattern **out);
/* Whom a rule is for. 0 or what it is refused with. */
int gt_build_to(struct gt_build *b, char *const *levels, size_t nlevels,
                char *const *regions, size_t nregions, struct gt_to *out);
/* Names of n rules, `at` bytes into structs of `size`, must be each its own: an
 * audit row names the rule that decided. */
int gt_build_unique(struct gt_build *b, const void *rules, size_t n,
                    size_t size, size_t at);
/* The demands of a layer (demand_make.c). 0 or what they are refused with. */
int gt_build_demands(struct gt_build *b, const Gt__Layer *in);

/* The field is a number with a range, not text with values. */
bool gt_field_ranged(Gt__Field field);
/* The text, all of it, is what the pattern says. */
bool gt_pattern_match(const struct gt_pattern *p, const char *text);

#endif
