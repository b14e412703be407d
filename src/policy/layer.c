/* layer.c: from a Layer as it is sent to rules that can be asked.
 * Tests: u_policy.c, u_policy_model.c. */
#include "policy_inside.h"

#include <stdlib.h>
#include <string.h>

#include "code.h"

static int check_predicate(struct gt_build *b, const Gt__Predicate *p)
{
	const char *name = gt_field_name(p->field);
	if (!name)
		return GT_REFUSE(b, GT_EMALFORMED, "rule %s: unknown field %d",
		                 b->rule, (int)p->field);
	if (gt_field_ranged(p->field)) {
		if (!p->ranged || p->n_values > 0)
			return GT_REFUSE(
			        b, GT_EMALFORMED,
			        "rule %s: %s takes a range, not values",
			        b->rule, name);
		if (p->min > p->max)
			return GT_REFUSE(
			        b, GT_EMALFORMED,
			        "rule %s: %s has its minimum above its "
			        "maximum",
			        b->rule, name);
		return 0;
	}
	if (p->ranged)
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: %s takes values, not a range",
		                 b->rule, name);
	if (p->n_values == 0)
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: %s is compared with no value",
		                 b->rule, name);
	return 0;
}

static int compile_tests(struct gt_build *b, const Gt__Rule *in,
                         struct gt_rule *out)
{
	if (in->n_when > GT_PREDICATES_MAX)
		return GT_REFUSE(b, GT_ELIMIT,
		                 "rule %s: more than %d predicates", b->rule,
		                 GT_PREDICATES_MAX);
	struct gt_test *v =
	        gt_arena_get(b->layer->arena, in->n_when * sizeof *v);
	if (!v)
		return gt_build_no_memory(b);
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
		rc = gt_build_patterns(b, p->values, p->n_values,
		                       gt_field_name(p->field), &v[i].values);
		if (rc < 0)
			return rc;
		b->layer->ages |= p->field == GT__FIELD__AGE;
	}
	out->tests = v;
	out->ntests = (uint32_t)in->n_when;
	return 0;
}

static int check_rule(struct gt_build *b, const Gt__Rule *r)
{
	int rc = gt_build_name(b, r->name);
	if (rc < 0)
		return rc;
	if (!gt_verdict_name((enum gt_verdict)r->verdict))
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: unknown verdict %d", r->name,
		                 (int)r->verdict);
	if (r->priority > 100)
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: the priority is above 100", r->name);
	return 0;
}

static int compile_rules(struct gt_build *b, const Gt__Layer *in)
{
	struct gt_layer *l = b->layer;
	if (in->n_rules > GT_RULES_MAX)
		return GT_REFUSE(b, GT_ELIMIT, "more than %d rules",
		                 GT_RULES_MAX);
	l->rules = gt_arena_get(l->arena, in->n_rules * sizeof *l->rules);
	if (!l->rules)
		return gt_build_no_memory(b);
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
		rc = gt_build_to(b, r->levels, r->n_levels, r->regions,
		                 r->n_regions, &l->rules[i].to);
		if (rc == 0)
			rc = compile_tests(b, r, &l->rules[i]);
		if (rc < 0)
			return rc;
	}
	return gt_build_unique(b, l->rules, l->nrules, sizeof *l->rules,
	                       offsetof(struct gt_rule, name));
}

static int compile(struct gt_build *b, struct gt_bytes body)
{
	struct gt_layer *l = b->layer;
	const Gt__Layer *in =
	        gt__layer__unpack(gt_arena_allocator(l->arena), body.n, body.p);
	if (!in && gt_arena_short(l->arena))
		return gt_build_no_memory(b);
	if (!in)
		return GT_REFUSE(b, GT_EMALFORMED, "not an encoded layer");
	if (in->origin[0] && !gt_code_valid(in->origin))
		return GT_REFUSE(b, GT_EMALFORMED, "the origin is not a code");
	if (!gt_verdict_name((enum gt_verdict)in->fallback))
		return GT_REFUSE(b, GT_EMALFORMED, "unknown default verdict %d",
		                 (int)in->fallback);
	if (in->priority > 100)
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "the default's priority is above 100");
	l->origin = in->origin;
	l->version = in->version;
	l->fallback = (enum gt_verdict)in->fallback;
	l->priority = in->priority;
	int rc = compile_rules(b, in);
	return rc < 0 ? rc : gt_build_demands(b, in);
}

int gt_layer_new(struct gt_layer **out, struct gt_bytes body, char *why,
                 size_t why_cap)
{
	struct gt_build b = {.why = why, .why_cap = why_cap, .rule = ""};
	assert(why_cap > 0);
	why[0] = '\0';
	*out = NULL;
	if (body.n > GT_LAYER_MAX)
		return GT_REFUSE(&b, GT_ELIMIT, "longer than %d bytes",
		                 GT_LAYER_MAX);
	b.layer = calloc(1, sizeof *b.layer);
	if (!b.layer)
		return gt_build_no_memory(&b);
	b.layer->arena = gt_arena_new();
	int rc = b.layer->arena ? compile(&b, body) : gt_build_no_memory(&b);
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
