/* policy_file.c: a policy file to an encoded Layer. The file's shape is shown
 * by configs/policy-*.yaml.
 * Tests: u_config.c. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "config_inside.h"
#include "measure.h"
#include "translate.h"
#include "word.h"

enum { PRIORITY = 50 };

/* ---------------------------------------------------- common values */

/* A verdict, or -1 after a complaint. */
static int read_verdict(struct gt_reading *r, const struct gt_yaml_node *n)
{
	char *text = gt_reading_text(r, n);
	int v = text ? gt_verdict_parse(text) : -1;
	if (text && v < 0)
		gt_yaml_unknown_word(&r->yaml, n, GT_T_CONF_WORD_NEAR,
		                     GT_T_CONF_WORD, r->verdicts,
		                     GT_READING_VERDICTS);
	return v;
}

static uint32_t read_priority(struct gt_reading *r,
                              const struct gt_yaml_node *n)
{
	char *text = gt_reading_text(r, n);
	if (!text)
		return 0;
	uint32_t v = 0;
	for (size_t i = 0; v <= 100 && text[i]; i++)
		v = text[i] >= '0' && text[i] <= '9'
		            ? v * 10 + (uint32_t)(text[i] - '0')
		            : 101;
	if (v > 100 || !text[0]) {
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_BAD_COUNT, "0",
		                 "100");
		return 0;
	}
	return v;
}

/* ------------------------------------------------------- predicates */

/* A word of an open vocabulary that seems to be a slip for a usual one: a rule
 * that asks for it would hold for nothing. */
static void check_free(struct gt_reading *r, Gt__Field field,
                       const struct gt_yaml_node *n)
{
	const char *const *usual =
	        field == GT__FIELD__TYPE       ? gt_word_types
	        : field == GT__FIELD__AUDIENCE ? gt_word_audiences
	        : field == GT__FIELD__SUBJECT  ? gt_word_subjects
	                                       : NULL;
	const char *meant = usual ? gt_word_slip(n->text, usual) : NULL;
	if (meant && r->strict)
		gt_yaml_complain(&r->yaml, n, NULL, GT_T_CONF_WORD_NEAR,
		                 n->text, meant);
	else if (meant)
		gt_yaml_warn(&r->yaml, n, GT_T_CONF_WORD_NEAR, n->text, meant);
}

/* Words that stand for something are checked, others are free. */
static void check_value(struct gt_reading *r, Gt__Field field,
                        const struct gt_yaml_node *n)
{
	if (strlen(n->text) > GT_PATTERN_MAX)
		gt_reading_complain(r, n, GT_T_CONF_LONG, "256");
	else if (gt_reading_glob(n->text))
		return;
	else if ((field == GT__FIELD__REGION ||
	          field == GT__FIELD__PUBLISHER) &&
	         !gt_code_valid(n->text))
		gt_reading_complain(r, n, GT_T_CONF_BAD_CODE, n->text);
	else if (field == GT__FIELD__ORIGIN && gt_level_depth(n->text) < 0)
		gt_yaml_unknown_word(&r->yaml, n, GT_T_CONF_WORD_NEAR,
		                     GT_T_CONF_WORD, r->levels,
		                     GT_READING_LEVELS);
	else
		check_free(r, field, n);
}

static void read_values(struct gt_reading *r, Gt__Predicate *p,
                        const struct gt_yaml_node *n)
{
	bool list = n->kind == GT_YAML_LIST;
	size_t count = list ? n->count : 1;
	const struct gt_yaml_node *item = list ? n->first : n;
	if (count == 0 || gt_yaml_is_null(n)) {
		gt_reading_complain(r, n, GT_T_POLICY_NO_VALUE, NULL);
		return;
	}
	p->values = gt_reading_pointers(r, count);
	for (; p->values && item; item = list ? item->next : NULL) {
		char *text = gt_reading_text(r, item);
		if (!text)
			continue;
		check_value(r, p->field, item);
		p->values[p->n_values++] = text;
	}
}

/* One end of a range, in the unit the field is kept in. */
static void read_end(struct gt_reading *r, Gt__Field field,
                     const struct gt_yaml_node *n, bool max, int64_t *out)
{
	char *text = gt_reading_text(r, n);
	uint64_t v = 0;
	if (!text)
		return;
	if (field == GT__FIELD__DATE) {
		if (!gt_measure_read_date(out, text, max))
			gt_reading_complain(r, n, GT_T_POLICY_BAD_DATE, text);
		return;
	}
	if (field == GT__FIELD__SIZE && !gt_measure_read_size(&v, text))
		gt_reading_complain(r, n, GT_T_POLICY_BAD_SIZE, text);
	else if (field == GT__FIELD__AGE && !gt_measure_read_duration(&v, text))
		gt_reading_complain(r, n, GT_T_POLICY_BAD_AGE, text);
	if (field == GT__FIELD__AGE)
		v /= 1000;
	*out = v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

static void read_range(struct gt_reading *r, Gt__Predicate *p,
                       const struct gt_yaml_node *n)
{
	static const char *const keys[] = {"min", "max", "not"};
	p->ranged = true;
	p->min = p->field == GT__FIELD__DATE ? INT64_MIN : 0;
	p->max = INT64_MAX;
	if (n->kind != GT_YAML_MAP) {
		gt_reading_complain(r, n, GT_T_POLICY_NOT_RANGE, NULL);
		return;
	}
	const struct gt_yaml_node *min = gt_yaml_get(n, "min");
	const struct gt_yaml_node *max = gt_yaml_get(n, "max");
	if (!gt_reading_keys(r, n, keys, p->negate ? 2 : 3))
		return;
	if (!min && !max)
		gt_reading_complain(r, n, GT_T_POLICY_NOT_RANGE, NULL);
	if (min)
		read_end(r, p->field, min, false, &p->min);
	if (max)
		read_end(r, p->field, max, true, &p->max);
	if (p->min > p->max)
		gt_reading_complain(r, n, GT_T_POLICY_CROSSED, NULL);
}

static bool is_ranged(Gt__Field field)
{
	return field == GT__FIELD__SIZE || field == GT__FIELD__AGE ||
	       field == GT__FIELD__DATE;
}

static void read_predicate(struct gt_reading *r, Gt__Predicate *p,
                           const struct gt_yaml_node *n)
{
	static const char *const not_[] = {"not"};
	const struct gt_yaml_node *inner = gt_yaml_get(n, "not");
	if (inner && n->count == 1) {
		p->negate = true;
		n = inner;
	}
	if (is_ranged(p->field)) {
		read_range(r, p, n);
		if (inner && !p->negate)
			gt_reading_complain(r, inner, GT_T_POLICY_NOT_ALONE,
			                    NULL);
	} else if (n->kind != GT_YAML_MAP) {
		read_values(r, p, n);
	} else if (n->count == 0 || p->negate) {
		gt_reading_complain(r, n, GT_T_POLICY_NO_VALUE, NULL);
	} else {
		gt_reading_keys(r, n, not_, 1);
	}
}

/* The conditions of one map, after those already there. */
static void read_conditions(struct gt_reading *r, void *arg,
                            const struct gt_yaml_node *map)
{
	Gt__Rule *rule = arg;
	for (const struct gt_yaml_node *n = map->first; n; n = n->next) {
		int field = gt_field_parse(n->key);
		if (field < 0) {
			gt_yaml_unknown_key(&r->yaml, n, r->fields,
			                    GT_READING_FIELDS);
			continue;
		}
		if (rule->n_when == GT_PREDICATES_MAX) {
			gt_reading_complain(r, n, GT_T_CONF_MANY, "32");
			return;
		}
		Gt__Predicate *p = gt_reading_get(r, sizeof *p);
		if (!p)
			return;
		gt__predicate__init(p);
		p->field = (Gt__Field)field;
		read_predicate(r, p, n);
		rule->when[rule->n_when++] = p;
	}
}

static void read_when(struct gt_reading *r, Gt__Rule *rule,
                      const struct gt_yaml_node *when)
{
	if (!gt_yaml_is_null(when))
		rule->when = gt_reading_pointers(r, GT_PREDICATES_MAX);
	if (rule->when)
		gt_reading_when(r, when, read_conditions, rule);
}

/* ------------------------------------------------------------ rules */

static bool is_taken(const Gt__Layer *layer, const char *name)
{
	for (size_t i = 0; name[0] && i < layer->n_rules; i++)
		if (strcmp(layer->rules[i]->name, name) == 0)
			return true;
	return false;
}

static void read_rule(struct gt_reading *r, Gt__Layer *layer,
                      const struct gt_yaml_node *n)
{
	static const char *const keys[] = {"name", "to", "when", "verdict",
	                                   "priority"};
	const struct gt_yaml_node *k;
	Gt__Rule *rule = gt_reading_get(r, sizeof *rule);
	if (!rule)
		return;
	if (n->kind != GT_YAML_MAP) {
		gt_reading_complain(r, n, GT_T_YAML_NOT_MAP, NULL);
		return;
	}
	gt__rule__init(rule);
	rule->priority = PRIORITY;
	gt_reading_keys(r, n, keys, sizeof keys / sizeof *keys);
	if ((k = gt_reading_need(r, n, "name"))) {
		rule->name = gt_reading_name(r, k);
		if (is_taken(layer, rule->name))
			gt_reading_complain(r, k, GT_T_POLICY_NAME_TWICE,
			                    rule->name);
	}
	if ((k = gt_yaml_get(n, "to"))) {
		struct gt_reading_receivers to = gt_reading_to(r, k);
		rule->levels = to.levels;
		rule->n_levels = to.nlevels;
		rule->regions = to.regions;
		rule->n_regions = to.nregions;
	}
	if ((k = gt_yaml_get(n, "when")))
		read_when(r, rule, k);
	if ((k = gt_reading_need(r, n, "verdict"))) {
		int v = read_verdict(r, k);
		rule->verdict = v < 0 ? GT__VERDICT__DENY : (Gt__Verdict)v;
	}
	if ((k = gt_yaml_get(n, "priority")))
		rule->priority = read_priority(r, k);
	layer->rules[layer->n_rules++] = rule;
}

static bool takes_all(const Gt__Rule *rule)
{
	return rule->n_levels == 0 && rule->n_regions == 0 && rule->n_when == 0;
}

static void read_rules(struct gt_reading *r, Gt__Layer *layer,
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
	layer->rules = gt_reading_pointers(r, n->count);
	for (const struct gt_yaml_node *k = n->first; k && layer->rules;
	     k = k->next) {
		size_t before = layer->n_rules, errors = r->yaml.errors;
		read_rule(r, layer, k);
		if (r->yaml.errors > errors || layer->n_rules == before)
			continue;
		if (taker)
			gt_yaml_warn(&r->yaml, k, GT_T_POLICY_UNREACHED, taker,
			             NULL);
		else if (takes_all(layer->rules[before]))
			taker = layer->rules[before]->name;
	}
}

static void read_layer(struct gt_reading *r, Gt__Layer *layer)
{
	static const char *const keys[] = {"policy", "default", "priority",
	                                   "rules", "records"};
	const struct gt_yaml_node *root = r->yaml.root, *k;
	layer->priority = PRIORITY;
	gt_reading_keys(r, root, keys, sizeof keys / sizeof *keys);
	if ((k = gt_yaml_get(root, "policy")))
		gt_reading_text(r, k);
	if ((k = gt_reading_need(r, root, "default"))) {
		int v = read_verdict(r, k);
		layer->fallback = v < 0 ? GT__VERDICT__DENY : (Gt__Verdict)v;
	}
	if ((k = gt_yaml_get(root, "priority")))
		layer->priority = read_priority(r, k);
	if ((k = gt_yaml_get(root, "rules")))
		read_rules(r, layer, k);
	if ((k = gt_yaml_get(root, "records")))
		gt_reading_demands(r, layer, k);
}

/* ----------------------------------------------------------- result */

/* Encodes, and lets the core say whether it would take the result. */
static void encode(struct gt_reading *r, const Gt__Layer *layer,
                   struct gt_buffer *out)
{
	struct gt_layer *probe = NULL;
	char why[256], text[GT_TRANSLATE_MAX];
	if (!gt_buffer_room(out, gt__layer__get_packed_size(layer))) {
		r->yaml.no_memory = true;
		return;
	}
	out->n = gt__layer__pack(layer, out->p);
	int rc = gt_layer_new(&probe, gt_buffer_bytes(out), why, sizeof why);
	gt_layer_free(probe);
	if (rc == 0)
		return;
	gt_buffer_free(out);
	gt_reading_complain(r, r->yaml.root, GT_T_POLICY_REFUSED,
	                    gt_translate(text, r->yaml.lang, why));
}

static void fill_words(struct gt_reading *r)
{
	for (int i = 0; i < GT_READING_FIELDS; i++)
		r->fields[i] = gt_field_name((Gt__Field)(i + 1));
	for (int i = 0; i < GT_READING_VERDICTS; i++)
		r->verdicts[i] = gt_verdict_name((enum gt_verdict)i);
	for (int i = 0; i < GT_READING_LEVELS; i++)
		r->levels[i] = gt_level_name(i);
}

static int parse(struct gt_buffer *layer, const char *name,
                 struct gt_bytes text, const char *lang, bool strict,
                 struct gt_complaints *complaints)
{
	struct gt_reading r = {.yaml = {0}, .strict = strict};
	Gt__Layer draft;
	gt__layer__init(&draft);
	*layer = (struct gt_buffer){0};
	fill_words(&r);
	if (gt_yaml_parse(&r.yaml, name, text, lang, complaints)) {
		read_layer(&r, &draft);
		if (gt_yaml_status(&r.yaml) == 0)
			encode(&r, &draft, layer);
	}
	gt_yaml_free(&r.yaml);
	return gt_yaml_status(&r.yaml);
}

int gt_policy_parse(struct gt_buffer *layer, const char *name,
                    struct gt_bytes text, const char *lang,
                    struct gt_complaints *complaints)
{
	return parse(layer, name, text, lang, false, complaints);
}

int gt_policy_take(struct gt_buffer *layer, const char *name,
                   struct gt_bytes text, const char *lang,
                   struct gt_complaints *complaints)
{
	return parse(layer, name, text, lang, true, complaints);
}
