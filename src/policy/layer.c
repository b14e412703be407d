/* layer.c: from a Layer as it is sent to rules that can be asked.
 * Tests: u_policy.c, u_policy_model.c. */
#include "policy_inside.h"

#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "utf8.h"

/* What is being compiled, and whom to tell when it cannot be. */
struct build {
	struct gt_layer *layer;
	char *why;
	size_t why_cap;
	const char *rule;
};

/* The sentence goes to whoever asked; the code comes back. */
#define REFUSE(b, code, ...) \
	(gt_format((b)->why, (b)->why_cap, __VA_ARGS__), -(code))

static int no_memory(struct build *b)
{
	return REFUSE(b, GT_ENOMEM, "out of memory");
}

/* Names go into logs, audit rows and JSON: no control characters. */
static bool is_text(const char *s)
{
	size_t n = strlen(s), len = 0;
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = gt_utf8_next(s + i, n - i, &len);
		if (c == GT_UTF8_BROKEN || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
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

static int compile_patterns(struct build *b, char *const *texts, size_t n,
                            const char *what, const struct gt_pattern **out)
{
	struct gt_pattern *v = gt_arena_get(b->layer->arena, n * sizeof *v);
	if (!v)
		return no_memory(b);
	for (size_t i = 0; i < n; i++) {
		if (strlen(texts[i]) > GT_PATTERN_MAX)
			return REFUSE(b, GT_ELIMIT,
			              "rule %s: a value of %s is longer than "
			              "%d bytes",
			              b->rule, what, GT_PATTERN_MAX);
		if (!is_text(texts[i]))
			return REFUSE(b, GT_EMALFORMED,
			              "rule %s: a value of %s is not text",
			              b->rule, what);
		compile_pattern(&v[i], texts[i]);
	}
	*out = v;
	return 0;
}

static int check_predicate(struct build *b, const Gt__Predicate *p)
{
	const char *name = gt_field_name(p->field);
	if (!name)
		return REFUSE(b, GT_EMALFORMED, "rule %s: unknown field %d",
		              b->rule, (int)p->field);
	if (gt_field_ranged(p->field)) {
		if (!p->ranged || p->n_values > 0)
			return REFUSE(b, GT_EMALFORMED,
			              "rule %s: %s takes a range, not values",
			              b->rule, name);
		if (p->min > p->max)
			return REFUSE(b, GT_EMALFORMED,
			              "rule %s: %s has its minimum above its "
			              "maximum",
			              b->rule, name);
		return 0;
	}
	if (p->ranged)
		return REFUSE(b, GT_EMALFORMED,
		              "rule %s: %s takes values, not a range", b->rule,
		              name);
	if (p->n_values == 0)
		return REFUSE(b, GT_EMALFORMED,
		              "rule %s: %s is compared with no value", b->rule,
		              name);
	return 0;
}

static int compile_tests(struct build *b, const Gt__Rule *in,
                         struct gt_rule *out)
{
	if (in->n_when > GT_PREDICATES_MAX)
		return REFUSE(b, GT_ELIMIT, "rule %s: more than %d predicates",
		              b->rule, GT_PREDICATES_MAX);
	struct gt_test *v =
	        gt_arena_get(b->layer->arena, in->n_when * sizeof *v);
	if (!v)
		return no_memory(b);
	for (size_t i = 0; i < in->n_when; i++) {
		const Gt__Predicate *p = in->when[i];
		int rc = check_predicate(b, p);
		if (rc < 0)
			return rc;
		v[i] = (struct gt_test){.field = p->field,
		                        .negate = p->negate,
		                        .min = p->min,
		                        .max = p->max,
		                        .nvalues = (uint32_t)p->n_values};
		rc = compile_patterns(b, p->values, p->n_values,
		                      gt_field_name(p->field), &v[i].values);
		if (rc < 0)
			return rc;
		b->layer->ages |= p->field == GT__FIELD__AGE;
	}
	out->tests = v;
	out->ntests = (uint32_t)in->n_when;
	return 0;
}

/* The bit of a level's name in this layer, given out on first sight. */
static int level_bit(struct build *b, const char *name, uint32_t *mask)
{
	struct gt_layer *l = b->layer;
	uint32_t i = 0;
	while (i < l->nlevels && strcmp(l->levels[i], name) != 0)
		i++;
	if (i == l->nlevels) {
		size_t n = strlen(name);
		if (n == 0 || n > GT_LEVEL_NAME_MAX || !is_text(name))
			return REFUSE(b, GT_EMALFORMED,
			              "rule %s: not a level's name", b->rule);
		if (i == GT_LEVELS_MAX)
			return REFUSE(b, GT_ELIMIT,
			              "rule %s: more than %d levels named",
			              b->rule, GT_LEVELS_MAX);
		l->levels[l->nlevels++] = name;
	}
	*mask |= 1u << i;
	return 0;
}

static int compile_receivers(struct build *b, const Gt__Rule *in,
                             struct gt_rule *out)
{
	for (size_t i = 0; i < in->n_levels; i++) {
		int rc = level_bit(b, in->levels[i], &out->levels);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < in->n_regions; i++)
		if (in->regions[i][0] == '\0')
			return REFUSE(b, GT_EMALFORMED,
			              "rule %s: an empty region", b->rule);
	out->nregions = (uint32_t)in->n_regions;
	return compile_patterns(b, in->regions, in->n_regions, "to",
	                        &out->regions);
}

static int check_rule(struct build *b, const Gt__Rule *r)
{
	size_t n = strlen(r->name);
	if (n == 0 || !is_text(r->name))
		return REFUSE(b, GT_EMALFORMED, "a rule has no name");
	if (n > GT_RULE_NAME_MAX)
		return REFUSE(b, GT_ELIMIT,
		              "rule %.20s...: the name is longer than %d bytes",
		              r->name, GT_RULE_NAME_MAX);
	b->rule = r->name;
	if (!gt_verdict_name((enum gt_verdict)r->verdict))
		return REFUSE(b, GT_EMALFORMED, "rule %s: unknown verdict %d",
		              r->name, (int)r->verdict);
	if (r->priority > 100)
		return REFUSE(b, GT_EMALFORMED,
		              "rule %s: the priority is above 100", r->name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

/* Names must be unique: an audit row names the rule that decided. */
static int check_unique(struct build *b)
{
	const struct gt_layer *l = b->layer;
	const char **names = gt_arena_get(l->arena, l->nrules * sizeof *names);
	if (!names)
		return no_memory(b);
	for (uint32_t i = 0; i < l->nrules; i++)
		names[i] = l->rules[i].name;
	qsort(names, l->nrules, sizeof *names, by_name);
	for (uint32_t i = 1; i < l->nrules; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return REFUSE(b, GT_EMALFORMED,
			              "rule %s: the name is used twice",
			              names[i]);
	return 0;
}

static int compile_rules(struct build *b, const Gt__Layer *in)
{
	struct gt_layer *l = b->layer;
	if (in->n_rules > GT_RULES_MAX)
		return REFUSE(b, GT_ELIMIT, "more than %d rules", GT_RULES_MAX);
	l->rules = gt_arena_get(l->arena, in->n_rules * sizeof *l->rules);
	if (!l->rules)
		return no_memory(b);
	l->nrules = (uint32_t)in->n_rules;
	for (uint32_t i = 0; i < l->nrules; i++) {
		const Gt__Rule *r = in->rules[i];
		int rc = check_rule(b, r);
		if (rc < 0)
			return rc;
		l->rules[i] =
		        (struct gt_rule){.name = r->name,
		                         .verdict = (enum gt_verdict)r->verdict,
		                         .priority = r->priority};
		rc = compile_receivers(b, r, &l->rules[i]);
		if (rc == 0)
			rc = compile_tests(b, r, &l->rules[i]);
		if (rc < 0)
			return rc;
	}
	return check_unique(b);
}

static int compile(struct build *b, struct gt_bytes body)
{
	struct gt_layer *l = b->layer;
	const Gt__Layer *in =
	        gt__layer__unpack(gt_arena_allocator(l->arena), body.n, body.p);
	if (!in && gt_arena_short(l->arena))
		return no_memory(b);
	if (!in)
		return REFUSE(b, GT_EMALFORMED, "not an encoded layer");
	if (in->origin[0] && !gt_code_valid(in->origin))
		return REFUSE(b, GT_EMALFORMED, "the origin is not a code");
	if (!gt_verdict_name((enum gt_verdict)in->fallback))
		return REFUSE(b, GT_EMALFORMED, "unknown default verdict %d",
		              (int)in->fallback);
	if (in->priority > 100)
		return REFUSE(b, GT_EMALFORMED,
		              "the default's priority is above 100");
	l->origin = in->origin;
	l->version = in->version;
	l->fallback = (enum gt_verdict)in->fallback;
	l->priority = in->priority;
	return compile_rules(b, in);
}

int gt_layer_new(struct gt_layer **out, struct gt_bytes body, char *why,
                 size_t why_cap)
{
	struct build b = {.why = why, .why_cap = why_cap, .rule = ""};
	assert(why_cap > 0);
	why[0] = '\0';
	*out = NULL;
	if (body.n > GT_LAYER_MAX)
		return REFUSE(&b, GT_ELIMIT, "longer than %d bytes",
		              GT_LAYER_MAX);
	b.layer = calloc(1, sizeof *b.layer);
	if (!b.layer)
		return no_memory(&b);
	b.layer->arena = gt_arena_new();
	int rc = b.layer->arena ? compile(&b, body) : no_memory(&b);
	if (rc < 0) {
		gt_layer_free(b.layer);
		return rc;
	}
	*out = b.layer;
	return 0;
}

void gt_layer_free(struct gt_layer *layer)
{
	if (!layer)
		return;
	gt_arena_free(layer->arena);
	free(layer);
}

const char *gt_layer_origin(const struct gt_layer *layer)
{
	return layer->origin;
}

uint64_t gt_layer_version(const struct gt_layer *layer)
{
	return layer->version;
}

bool gt_layer_ages(const struct gt_layer *layer)
{
	return layer->ages;
}
