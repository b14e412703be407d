/* demand_make.c: the demands of a Layer as it is sent, compiled.
 * Tests: u_demand.c. */
#include "policy_inside.h"

#include <string.h>

static bool is_minor(const char *text)
{
	return strcmp(text, gt_minor_name(GT_MINOR_YES)) == 0 ||
	       strcmp(text, gt_minor_name(GT_MINOR_NO)) == 0 ||
	       strcmp(text, gt_minor_name(GT_MINOR_UNKNOWN)) == 0;
}

static int check_test(struct gt_build *b, const Gt__TraitTest *t)
{
	const char *name = gt_trait_name(t->trait);
	if (!name)
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: unknown condition %d", b->rule,
		                 (int)t->trait);
	if (t->n_values == 0)
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: %s is compared with no value",
		                 b->rule, name);
	for (size_t i = 0; i < t->n_values; i++)
		if (t->trait == GT__TRAIT__TRAIT_MINOR &&
		    !is_minor(t->values[i]))
			return GT_REFUSE(b, GT_EMALFORMED,
			                 "rule %s: minor is yes, no or unknown",
			                 b->rule);
	return 0;
}

static int compile_tests(struct gt_build *b, const Gt__Demand *in,
                         struct gt_demand_rule *out)
{
	if (in->n_when > GT_PREDICATES_MAX)
		return GT_REFUSE(b, GT_ELIMIT,
		                 "rule %s: more than %d predicates", b->rule,
		                 GT_PREDICATES_MAX);
	struct gt_trait_test *v =
	        gt_arena_get(b->layer->arena, in->n_when * sizeof *v);
	if (!v)
		return gt_build_no_memory(b);
	for (size_t i = 0; i < in->n_when; i++) {
		const Gt__TraitTest *t = in->when[i];
		int rc = check_test(b, t);
		if (rc < 0)
			return rc;
		v[i] = (struct gt_trait_test){.trait = t->trait,
		                              .negate = t->negate,
		                              .nvalues = (uint32_t)t->n_values};
		rc = gt_build_patterns(b, t->values, t->n_values,
		                       gt_trait_name(t->trait), &v[i].values);
		if (rc < 0)
			return rc;
	}
	out->tests = v;
	out->ntests = (uint32_t)in->n_when;
	return 0;
}

/* A field or group where none belongs would be one that somebody counts on. */
static int check_rule(struct gt_build *b, const Gt__Demand *d)
{
	int rc = gt_build_name(b, d->name);
	if (rc < 0)
		return rc;
	if (!gt_treatment_name((enum gt_treatment)d->treatment))
		return GT_REFUSE(b, GT_EMALFORMED, "rule %s: unknown demand %d",
		                 d->name, (int)d->treatment);
	bool redact = d->treatment == GT__TREATMENT__TREAT_REDACT;
	bool counts = d->treatment == GT__TREATMENT__TREAT_AGGREGATE;
	if (d->fields & ~(uint32_t)GT_REDACT_ALL || (d->fields != 0) != redact)
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: redact takes fields, and nothing "
		                 "else does",
		                 d->name);
	if ((d->group != 0) != counts ||
	    (counts && (d->group < GT_GROUP_MIN || d->group > GT_GROUP_MAX)))
		return GT_REFUSE(b, GT_EMALFORMED,
		                 "rule %s: aggregate takes a group of %d to "
		                 "%d, and nothing else does",
		                 d->name, GT_GROUP_MIN, GT_GROUP_MAX);
	return 0;
}

int gt_build_demands(struct gt_build *b, const Gt__Layer *in)
{
	struct gt_layer *l = b->layer;
	if (in->n_demands > GT_RULES_MAX)
		return GT_REFUSE(b, GT_ELIMIT, "more than %d rules",
		                 GT_RULES_MAX);
	l->demands = gt_arena_get(l->arena, in->n_demands * sizeof *l->demands);
	if (!l->demands)
		return gt_build_no_memory(b);
	l->ndemands = (uint32_t)in->n_demands;
	for (uint32_t i = 0; i < l->ndemands; i++) {
		const Gt__Demand *d = in->demands[i];
		int rc = check_rule(b, d);
		if (rc < 0)
			return rc;
		l->demands[i] = (struct gt_demand_rule){
		        .name = d->name,
		        .treatment = (enum gt_treatment)d->treatment,
		        .fields = d->fields,
		        .group = d->group};
		rc = gt_build_to(b, d->levels, d->n_levels, d->regions,
		                 d->n_regions, &l->demands[i].to);
		if (rc == 0)
			rc = compile_tests(b, d, &l->demands[i]);
		if (rc < 0)
			return rc;
	}
	return gt_build_unique(b, l->demands, l->ndemands, sizeof *l->demands,
	                       offsetof(struct gt_demand_rule, name));
}
