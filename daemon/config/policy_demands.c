/* policy_demands.c: the part `records` of a policy file: what learner records
 * must become before they go up.
 * Tests: u_config.c. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "config_inside.h"

enum { TRAITS = 5, FIELDS = 5 };

/* One of n words, its number; -1 after a complaint. */
static int read_word(struct gt_reading *r, const struct gt_yaml_node *n,
                     const char *const *words, size_t count)
{
	char *text = gt_reading_text(r, n);
	if (!text)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], text) == 0)
			return (int)i;
	gt_yaml_unknown_word(&r->yaml, n, GT_T_CONF_WORD_NEAR, GT_T_CONF_WORD,
	                     words, count);
	return -1;
}

static void read_value(struct gt_reading *r, Gt__TraitTest *t,
                       const struct gt_yaml_node *n)
{
	const char *minors[] = {gt_minor_name(GT_MINOR_YES),
	                        gt_minor_name(GT_MINOR_NO),
	                        gt_minor_name(GT_MINOR_UNKNOWN)};
	char *text = gt_reading_text(r, n);
	if (!text)
		return;
	if (t->trait == GT__TRAIT__TRAIT_MINOR)
		(void)read_word(r, n, minors, 3);
	else if (strlen(text) > GT_PATTERN_MAX)
		gt_reading_complain(r, n, GT_T_CONF_LONG, "256");
	else if (t->trait == GT__TRAIT__TRAIT_REGION &&
	         !gt_reading_glob(text) && !gt_code_valid(text))
		gt_reading_complain(r, n, GT_T_CONF_BAD_CODE, text);
	t->values[t->n_values++] = text;
}

static void read_values(struct gt_reading *r, Gt__TraitTest *t,
                        const struct gt_yaml_node *n)
{
	const struct gt_yaml_node *inner = gt_yaml_get(n, "not");
	if (inner && n->count == 1) {
		t->negate = true;
		n = inner;
	}
	bool list = n->kind == GT_YAML_LIST;
	size_t count = list ? n->count : 1;
	if (count == 0 || n->kind == GT_YAML_MAP || gt_yaml_is_null(n)) {
		gt_reading_complain(r, n, GT_T_POLICY_NO_VALUE, NULL);
		return;
	}
	t->values = gt_reading_pointers(r, count);
	const struct gt_yaml_node *item = list ? n->first : n;
	for (; t->values && item; item = list ? item->next : NULL)
		read_value(r, t, item);
}

static void read_conditions(struct gt_reading *r, void *arg,
                            const struct gt_yaml_node *map)
{
	Gt__Demand *d = arg;
	const char *known[TRAITS];
	for (int i = 0; i < TRAITS; i++)
		known[i] = gt_trait_name((Gt__Trait)(i + 1));
	for (const struct gt_yaml_node *n = map->first; n; n = n->next) {
		int trait = gt_trait_parse(n->key);
		if (trait < 0) {
			gt_yaml_unknown_key(&r->yaml, n, known, TRAITS);
			continue;
		}
		if (d->n_when == GT_PREDICATES_MAX) {
			gt_reading_complain(r, n, GT_T_CONF_MANY, "32");
			return;
		}
		Gt__TraitTest *t = gt_reading_get(r, sizeof *t);
		if (!t)
			return;
		gt__trait_test__init(t);
		t->trait = (Gt__Trait)trait;
		read_values(r, t, n);
		d->when[d->n_when++] = t;
	}
}

static void read_when(struct gt_reading *r, Gt__Demand *d,
                      const struct gt_yaml_node *when)
{
	if (!gt_yaml_is_null(when))
		d->when = gt_reading_pointers(r, GT_PREDICATES_MAX);
	if (d->when)
		gt_reading_when(r, when, read_conditions, d);
}

static void read_fields(struct gt_reading *r, Gt__Demand *d,
                        const struct gt_yaml_node *n)
{
	const char *words[FIELDS];
	bool list = n->kind == GT_YAML_LIST;
	const struct gt_yaml_node *item = list ? n->first : n;
	for (int i = 0; i < FIELDS; i++)
		words[i] = gt_redact_name(1u << i);
	if (d->treatment != GT__TREATMENT__TREAT_REDACT)
		gt_reading_complain(r, n, GT_T_POLICY_FIELDS_ALONE, NULL);
	if (!item || n->kind == GT_YAML_MAP || gt_yaml_is_null(n)) {
		gt_reading_complain(r, n, GT_T_POLICY_NO_VALUE, NULL);
		return;
	}
	d->fields = 0;
	for (; item; item = list ? item->next : NULL) {
		int i = read_word(r, item, words, FIELDS);
		d->fields |= i < 0 ? 0 : 1u << i;
	}
}

static void read_group(struct gt_reading *r, Gt__Demand *d,
                       const struct gt_yaml_node *n)
{
	char *text = gt_reading_text(r, n);
	if (d->treatment != GT__TREATMENT__TREAT_AGGREGATE)
		gt_reading_complain(r, n, GT_T_POLICY_GROUP_ALONE, NULL);
	if (!text)
		return;
	bool number = strlen(text) > 0 && strlen(text) < 9 &&
	              strspn(text, "0123456789") == strlen(text);
	d->group = number ? (uint32_t)atoi(text) : 0;
	if (d->group < GT_GROUP_MIN || d->group > GT_GROUP_MAX)
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_BAD_COUNT, "2",
		                 "1000000");
}

static void read_demand(struct gt_reading *r, Gt__Demand *d,
                        const struct gt_yaml_node *n)
{
	const char *words[GT_TREATMENTS];
	const struct gt_yaml_node *k;
	for (int i = 0; i < GT_TREATMENTS; i++)
		words[i] = gt_treatment_name((enum gt_treatment)i);
	if ((k = gt_reading_need(r, n, "demand"))) {
		int t = read_word(r, k, words, GT_TREATMENTS);
		d->treatment =
		        t < 0 ? GT__TREATMENT__TREAT_DROP : (Gt__Treatment)t;
	}
	if (d->treatment == GT__TREATMENT__TREAT_REDACT)
		d->fields = GT_REDACT_ALL;
	if (d->treatment == GT__TREATMENT__TREAT_AGGREGATE)
		d->group = GT_GROUP_USUAL;
	if ((k = gt_yaml_get(n, "fields")))
		read_fields(r, d, k);
	if ((k = gt_yaml_get(n, "group")))
		read_group(r, d, k);
}

static bool is_taken(const Gt__Layer *layer, const char *name)
{
	for (size_t i = 0; name[0] && i < layer->n_demands; i++)
		if (strcmp(layer->demands[i]->name, name) == 0)
			return true;
	return false;
}

static void read_rule(struct gt_reading *r, Gt__Layer *layer,
                      const struct gt_yaml_node *n)
{
	static const char *const keys[] = {"name",   "to",     "when",
	                                   "demand", "fields", "group"};
	const struct gt_yaml_node *k;
	Gt__Demand *d = gt_reading_get(r, sizeof *d);
	if (!d)
		return;
	if (n->kind != GT_YAML_MAP) {
		gt_reading_complain(r, n, GT_T_YAML_NOT_MAP, NULL);
		return;
	}
	gt__demand__init(d);
	gt_reading_keys(r, n, keys, sizeof keys / sizeof *keys);
	if ((k = gt_reading_need(r, n, "name"))) {
		d->name = gt_reading_name(r, k);
		if (is_taken(layer, d->name))
			gt_reading_complain(r, k, GT_T_POLICY_NAME_TWICE,
			                    d->name);
	}
	if ((k = gt_yaml_get(n, "to"))) {
		struct gt_reading_receivers to = gt_reading_to(r, k);
		d->levels = to.levels;
		d->n_levels = to.nlevels;
		d->regions = to.regions;
		d->n_regions = to.nregions;
	}
	if ((k = gt_yaml_get(n, "when")))
		read_when(r, d, k);
	read_demand(r, d, n);
	layer->demands[layer->n_demands++] = d;
}

static bool takes_all(const Gt__Demand *d)
{
	return d->n_levels == 0 && d->n_regions == 0 && d->n_when == 0;
}

void gt_reading_demands(struct gt_reading *r, Gt__Layer *layer,
                        const struct gt_yaml_node *n)
{
	const char *taker = NULL;
	if (gt_yaml_is_null(n))
		return;
	if (n->kind != GT_YAML_LIST) {
		gt_reading_complain(r, n, GT_T_YAML_NOT_LIST, NULL);
		return;
	}
	if (n->count > GT_RULES_MAX) {
		gt_reading_complain(r, n, GT_T_CONF_MANY, "1000");
		return;
	}
	layer->demands = gt_reading_pointers(r, n->count);
	for (const struct gt_yaml_node *k = n->first; k && layer->demands;
	     k = k->next) {
		size_t before = layer->n_demands, errors = r->yaml.errors;
		read_rule(r, layer, k);
		if (r->yaml.errors > errors || layer->n_demands == before)
			continue;
		if (taker)
			gt_yaml_warn(&r->yaml, k, GT_T_POLICY_UNREACHED, taker,
			             NULL);
		else if (takes_all(layer->demands[before]))
			taker = layer->demands[before]->name;
	}
}
