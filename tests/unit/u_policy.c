/* u_policy.c: what a layer takes, what it refuses, what it decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nomem.h"
#include "policy_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const int64_t NOW = 1750000000000; /* some day in 2025 */

/* protobuf-c's own initialiser casts const away. */
static Gt__Entry blank(void)
{
	Gt__Entry e;
	gt__entry__init(&e);
	return e;
}

/* One rule "r" with verdict deny and one predicate, over a default mirror. */
struct small {
	Gt__Layer layer;
	Gt__Rule rule;
	Gt__Predicate predicate;
	Gt__Rule *rules[1];
	Gt__Predicate *when[1];
	char *values[4];
	char *levels[2];
	char *regions[2];
};

static void small_init(struct small *s, Gt__Field field)
{
	memset(s, 0, sizeof *s);
	gt__layer__init(&s->layer);
	gt__rule__init(&s->rule);
	gt__predicate__init(&s->predicate);
	s->rules[0] = &s->rule;
	s->when[0] = &s->predicate;
	s->layer.origin = text("33");
	s->layer.rules = s->rules;
	s->layer.n_rules = 1;
	s->layer.fallback = GT__VERDICT__MIRROR;
	s->layer.priority = 50;
	s->rule.name = text("r");
	s->rule.verdict = GT__VERDICT__DENY;
	s->rule.levels = s->levels;
	s->rule.regions = s->regions;
	s->rule.when = s->when;
	s->rule.n_when = 1;
	s->predicate.field = field;
	s->predicate.values = s->values;
	if (field == GT__FIELD__SIZE || field == GT__FIELD__AGE ||
	    field == GT__FIELD__DATE)
		s->predicate.ranged = true;
	else
		s->predicate.n_values = 1;
	s->values[0] = text("x");
}

static bool hits(const struct small *s, const Gt__Entry *e, const char *code,
                 const char *level)
{
	struct gt_layer *l = compile(&s->layer);
	struct gt_receiver to = {code, level};
	struct gt_decision d = gt_layer_decide(l, e, &to, NOW);
	bool hit = d.verdict == GT_DENY;
	assert_string_equal(d.rule, hit ? "r" : "");
	assert_string_equal(d.layer, "33");
	gt_layer_free(l);
	return hit;
}

static bool matches(const struct small *s, const Gt__Entry *e)
{
	return hits(s, e, "330106109210", "village");
}

static void names(void **state)
{
	(void)state;
	for (int v = GT_DENY; v <= GT_MIRROR; v++)
		assert_int_equal(
		        gt_verdict_parse(gt_verdict_name((enum gt_verdict)v)),
		        v);
	assert_int_equal(gt_verdict_parse("ondemand"), -1);
	assert_null(gt_verdict_name((enum gt_verdict)4));
	for (int f = 1; f <= 12; f++)
		assert_int_equal(gt_field_parse(gt_field_name((Gt__Field)f)),
		                 f);
	assert_int_equal(gt_field_parse("colour"), -1);
	assert_null(gt_field_name((Gt__Field)0));
	assert_null(gt_field_name((Gt__Field)13));
	assert_int_equal(gt_verdict_ceiling(GT_DENY), GT_DENY);
	assert_int_equal(gt_verdict_ceiling(GT_METADATA), GT_METADATA);
	assert_int_equal(gt_verdict_ceiling(GT_ON_DEMAND), GT_MIRROR);
	assert_int_equal(gt_verdict_ceiling(GT_MIRROR), GT_MIRROR);
}

static void single_values(void **state)
{
	(void)state;
	Gt__Entry e = blank();
	struct {
		Gt__Field field;
		char **slot;
	} cases[] = {
	        {GT__FIELD__TYPE, &e.type},
	        {GT__FIELD__PUBLISHER, &e.publisher},
	        {GT__FIELD__LICENCE, &e.licence},
	        {GT__FIELD__ORIGIN, &e.origin_level},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct small s;
		small_init(&s, cases[i].field);
		*cases[i].slot = text("video-short");
		s.values[0] = text("video-short");
		assert_true(matches(&s, &e));
		s.values[0] = text("video");
		assert_false(matches(&s, &e));
		s.values[0] = text("video*");
		assert_true(matches(&s, &e));
		s.predicate.negate = true;
		assert_false(matches(&s, &e));
		s.predicate.negate = false;
		s.values[0] = text("v?deo*rt");
		assert_true(matches(&s, &e));
		s.values[0] = text("course");
		s.values[1] = text("*");
		assert_false(matches(&s, &e));
		s.predicate.n_values = 2;
		assert_true(matches(&s, &e));
		*cases[i].slot = text("");
	}
}

static void many_values(void **state)
{
	(void)state;
	Gt__Entry e = blank();
	char *two[] = {text("3301"), text("330106")};
	struct {
		Gt__Field field;
		char ***slot;
		size_t *n;
	} cases[] = {
	        {GT__FIELD__AUDIENCE, &e.audiences, &e.n_audiences},
	        {GT__FIELD__SUBJECT, &e.subjects, &e.n_subjects},
	        {GT__FIELD__LANGUAGE, &e.languages, &e.n_languages},
	        {GT__FIELD__REGION, &e.regions, &e.n_regions},
	        {GT__FIELD__KEYWORD, &e.keywords, &e.n_keywords},
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct small s;
		small_init(&s, cases[i].field);
		*cases[i].slot = two;
		*cases[i].n = 2;
		s.values[0] = text("330106");
		assert_true(matches(&s, &e));
		s.values[0] = text("3302*");
		assert_false(matches(&s, &e));
		s.predicate.negate = true;
		assert_true(matches(&s, &e));
		s.values[0] = text("33010?");
		assert_false(matches(&s, &e));
		/* without values nothing matches, and everything is "not" */
		*cases[i].n = 0;
		s.values[0] = text("*");
		assert_true(matches(&s, &e));
		s.predicate.negate = false;
		assert_false(matches(&s, &e));
	}
}

static void ranges(void **state)
{
	(void)state;
	Gt__Entry e = blank();
	struct small s;
	small_init(&s, GT__FIELD__SIZE);
	s.predicate.min = 10;
	s.predicate.max = 20;
	const struct {
		uint64_t size;
		bool in;
	} sizes[] = {{9, false}, {10, true}, {20, true}, {21, false}};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		e.stored_size = sizes[i].size;
		assert_int_equal(matches(&s, &e), sizes[i].in);
		s.predicate.negate = true;
		assert_int_equal(matches(&s, &e), !sizes[i].in);
		s.predicate.negate = false;
	}
	/* beyond what a range can say is still large */
	s.predicate.max = INT64_MAX;
	e.stored_size = UINT64_MAX;
	assert_true(matches(&s, &e));

	small_init(&s, GT__FIELD__DATE);
	s.predicate.min = s.predicate.max = NOW;
	e.modified_ms = NOW;
	assert_true(matches(&s, &e));
	e.modified_ms = NOW + 1;
	assert_false(matches(&s, &e));

	small_init(&s, GT__FIELD__AGE);
	s.predicate.min = 60;
	s.predicate.max = INT64_MAX;
	e.modified_ms = NOW - 60000;
	assert_true(matches(&s, &e));
	e.modified_ms = NOW - 59999;
	assert_false(matches(&s, &e));
	e.modified_ms = INT64_MIN;
	assert_true(matches(&s, &e));
	/* from the future: new */
	e.modified_ms = INT64_MAX;
	assert_false(matches(&s, &e));
	s.predicate.min = 0;
	s.predicate.max = 0;
	assert_true(matches(&s, &e));
}

static bool ages(const struct small *s)
{
	struct gt_layer *l = compile(&s->layer);
	bool yes = gt_layer_ages(l);
	gt_layer_free(l);
	return yes;
}

/* Age alone makes a verdict change with time, wherever it stands. */
static void time_alone(void **state)
{
	(void)state;
	struct small s, other;
	small_init(&other, GT__FIELD__SIZE);
	Gt__Predicate *when[] = {&s.predicate, &other.predicate};
	for (int f = 1; f <= 12; f++) {
		small_init(&s, (Gt__Field)f);
		assert_int_equal(ages(&s), f == GT__FIELD__AGE);
		s.rule.when = when;
		s.rule.n_when = 2;
		assert_int_equal(ages(&s), f == GT__FIELD__AGE);
	}
}

static void receivers(void **state)
{
	(void)state;
	Gt__Entry e = blank();
	struct small s;
	small_init(&s, GT__FIELD__TYPE);
	s.rule.n_when = 0;
	assert_true(hits(&s, &e, "33", "province"));
	s.levels[0] = text("village");
	s.levels[1] = text("township");
	s.rule.n_levels = 2;
	assert_true(hits(&s, &e, "330106109210", "village"));
	assert_true(hits(&s, &e, "330106109", "township"));
	assert_false(hits(&s, &e, "330106", "county"));
	assert_false(hits(&s, &e, "330106", "never heard of"));
	s.regions[0] = text("3302*");
	s.regions[1] = text("330106109*");
	s.rule.n_regions = 2;
	assert_true(hits(&s, &e, "330106109210", "village"));
	assert_false(hits(&s, &e, "330106110", "township"));
	assert_false(hits(&s, &e, "3302", "city"));
	s.rule.n_levels = 0;
	assert_true(hits(&s, &e, "3302", "city"));
}

static void first_match(void **state)
{
	(void)state;
	struct small s;
	Gt__Entry e = blank();
	Gt__Rule a, b;
	Gt__Rule *rules[] = {&s.rule, &a, &b};
	struct gt_receiver to = {"3301", "city"};
	small_init(&s, GT__FIELD__TYPE);
	gt__rule__init(&a);
	gt__rule__init(&b);
	a.name = text("a");
	a.verdict = GT__VERDICT__METADATA;
	a.priority = 7;
	b.name = text("b");
	s.layer.rules = rules;
	s.layer.n_rules = 3;
	struct gt_layer *l = compile(&s.layer);
	struct gt_decision d = gt_layer_decide(l, &e, &to, NOW);
	assert_string_equal(d.rule, "a");
	assert_int_equal(d.verdict, GT_METADATA);
	assert_int_equal(d.priority, 7);
	assert_false(gt_layer_ages(l));
	assert_string_equal(gt_layer_origin(l), "33");
	gt_layer_free(l);
	gt_layer_free(NULL);
}

/* --------------------------------------------------------- refusals */

static void taken(const struct small *s)
{
	gt_layer_free(compile(&s->layer));
}

static void refused(const struct small *s, int want, const char *reason)
{
	struct gt_layer *l;
	char why[200] = "";
	size_t n = gt__layer__get_packed_size(&s->layer);
	uint8_t *p = malloc(n + 1);
	assert_non_null(p);
	gt__layer__pack(&s->layer, p);
	int rc = gt_layer_new(&l, gt_bytes_of(p, n), why, sizeof why);
	free(p);
	assert_int_equal(rc, want);
	assert_null(l);
	assert_string_equal(why, reason);
}

static void bad_rules(void **state)
{
	(void)state;
	struct small s;
	char longer[GT_PATTERN_MAX + 2];
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';

	small_init(&s, GT__FIELD__TYPE);
	s.rule.name = text("");
	refused(&s, -GT_EMALFORMED, "a rule has no name");
	s.rule.name = text("tab\there");
	refused(&s, -GT_EMALFORMED, "a rule has no name");
	s.rule.name = text("\xc0\x80");
	refused(&s, -GT_EMALFORMED, "a rule has no name");
	s.rule.name = longer;
	refused(&s, -GT_ELIMIT,
	        "rule xxxxxxxxxxxxxxxxxxxx...: the name is longer than 64 "
	        "bytes");
	small_init(&s, GT__FIELD__TYPE);
	s.rule.verdict = (Gt__Verdict)4;
	refused(&s, -GT_EMALFORMED, "rule r: unknown verdict 4");
	s.rule.verdict = GT__VERDICT__DENY;
	s.rule.priority = 101;
	refused(&s, -GT_EMALFORMED, "rule r: the priority is above 100");
	s.rule.priority = 100;
	s.levels[0] = text("");
	s.rule.n_levels = 1;
	refused(&s, -GT_EMALFORMED, "rule r: not a level's name");
	s.rule.n_levels = 0;
	s.regions[0] = text("");
	s.rule.n_regions = 1;
	refused(&s, -GT_EMALFORMED, "rule r: an empty region");
	s.rule.n_regions = 0;
	s.values[0] = longer;
	refused(&s, -GT_ELIMIT,
	        "rule r: a value of type is longer than 256 bytes");
	s.layer.origin = text("331");
	refused(&s, -GT_EMALFORMED, "the origin is not a code");
	s.layer.origin = text("33");
	s.layer.fallback = (Gt__Verdict)9;
	refused(&s, -GT_EMALFORMED, "unknown default verdict 9");
	s.layer.fallback = GT__VERDICT__MIRROR;
	s.layer.priority = 101;
	refused(&s, -GT_EMALFORMED, "the default's priority is above 100");
}

/* The longest text that is taken, and one byte more. */
static void longest_texts(void **state)
{
	(void)state;
	struct small s;
	char name[GT_RULE_NAME_MAX + 2], level[GT_LEVEL_NAME_MAX + 2],
	        glob[GT_PATTERN_MAX + 2];
	memset(name, 'n', sizeof name);
	memset(level, 'l', sizeof level);
	memset(glob, 'g', sizeof glob);
	name[GT_RULE_NAME_MAX] = level[GT_LEVEL_NAME_MAX] =
	        glob[GT_PATTERN_MAX] = '\0';
	small_init(&s, GT__FIELD__TYPE);
	s.layer.priority = s.rule.priority = 100;
	s.rule.name = name;
	s.levels[0] = level;
	s.values[0] = s.regions[0] = glob;
	s.rule.n_levels = s.rule.n_regions = 1;
	taken(&s);

	name[GT_RULE_NAME_MAX] = 'n';
	name[GT_RULE_NAME_MAX + 1] = '\0';
	refused(&s, -GT_ELIMIT,
	        "rule nnnnnnnnnnnnnnnnnnnn...: the name is longer than 64 "
	        "bytes");
	s.rule.name = text("r");
	level[GT_LEVEL_NAME_MAX] = 'l';
	level[GT_LEVEL_NAME_MAX + 1] = '\0';
	refused(&s, -GT_EMALFORMED, "rule r: not a level's name");
	s.rule.n_levels = 0;
	glob[GT_PATTERN_MAX] = 'g';
	glob[GT_PATTERN_MAX + 1] = '\0';
	refused(&s, -GT_ELIMIT,
	        "rule r: a value of to is longer than 256 bytes");
}

/* Names and values are printed: all but control characters is text. */
static void what_is_text(void **state)
{
	(void)state;
	static const char *const good[] = {" ", "~", "\xc2\xa0", "\xe5\x8e\xbf",
	                                   "a b"};
	static const char *const bad[] = {"\x1f",     "\x7f",
	                                  "\xc2\x80", "\xc2\x9f",
	                                  "a\x1f",    "\xe5\x8e\xbf\x1f",
	                                  "\xe5\x8e", "a\xc2"};
	struct small s;
	for (size_t i = 0; i < COUNT(good); i++) {
		small_init(&s, GT__FIELD__TYPE);
		s.rule.name = s.values[0] = s.regions[0] = s.levels[0] =
		        text(good[i]);
		s.rule.n_levels = s.rule.n_regions = 1;
		taken(&s);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		small_init(&s, GT__FIELD__TYPE);
		s.values[0] = text(bad[i]);
		refused(&s, -GT_EMALFORMED,
		        "rule r: a value of type is not text");
		s.regions[0] = text(bad[i]);
		s.rule.n_regions = 1;
		refused(&s, -GT_EMALFORMED,
		        "rule r: a value of to is not text");
		s.levels[0] = text(bad[i]);
		s.rule.n_levels = 1;
		refused(&s, -GT_EMALFORMED, "rule r: not a level's name");
		s.rule.name = text(bad[i]);
		refused(&s, -GT_EMALFORMED, "a rule has no name");
	}
}

/* As many as are taken, and one more: levels, predicates, rules. */
static void as_many_as_are_taken(void **state)
{
	(void)state;
	static Gt__Rule rule[GT_RULES_MAX + 1], *rules[GT_RULES_MAX + 1];
	static char name[GT_RULES_MAX + 1][8];
	struct small s;
	Gt__Predicate *when[GT_PREDICATES_MAX + 1];
	char *levels[GT_LEVELS_MAX + 1];

	small_init(&s, GT__FIELD__TYPE);
	for (size_t i = 0; i < COUNT(levels); i++) {
		gt_format(name[i], sizeof name[i], "%zu", i);
		levels[i] = name[i];
	}
	s.rule.levels = levels;
	s.rule.n_levels = GT_LEVELS_MAX;
	taken(&s);
	s.rule.n_levels++;
	refused(&s, -GT_ELIMIT, "rule r: more than 12 levels named");

	small_init(&s, GT__FIELD__TYPE);
	for (size_t i = 0; i < COUNT(when); i++)
		when[i] = &s.predicate;
	s.rule.when = when;
	s.rule.n_when = GT_PREDICATES_MAX;
	taken(&s);
	s.rule.n_when++;
	refused(&s, -GT_ELIMIT, "rule r: more than 32 predicates");

	small_init(&s, GT__FIELD__TYPE);
	for (size_t i = 0; i < COUNT(rules); i++) {
		gt__rule__init(&rule[i]);
		gt_format(name[i], sizeof name[i], "%zu", i);
		rule[i].name = name[i];
		rules[i] = &rule[i];
	}
	s.layer.rules = rules;
	s.layer.n_rules = GT_RULES_MAX;
	taken(&s);
	s.layer.n_rules++;
	refused(&s, -GT_ELIMIT, "more than 1000 rules");
}

static void bad_predicates(void **state)
{
	(void)state;
	struct small s;
	small_init(&s, (Gt__Field)13);
	refused(&s, -GT_EMALFORMED, "rule r: unknown field 13");
	small_init(&s, GT__FIELD__TYPE);
	s.predicate.n_values = 0;
	refused(&s, -GT_EMALFORMED, "rule r: type is compared with no value");
	s.predicate.n_values = 1;
	s.predicate.ranged = true;
	refused(&s, -GT_EMALFORMED, "rule r: type takes values, not a range");
	small_init(&s, GT__FIELD__SIZE);
	s.predicate.min = 2;
	s.predicate.max = 1;
	refused(&s, -GT_EMALFORMED,
	        "rule r: size has its minimum above its maximum");
	s.predicate.n_values = 1;
	refused(&s, -GT_EMALFORMED, "rule r: size takes a range, not values");
}

static void bad_layers(void **state)
{
	(void)state;
	static uint8_t noise[GT_LAYER_MAX + 1];
	struct small s;
	struct gt_layer *l;
	char why[200];
	Gt__Rule between;
	Gt__Rule *twice[] = {&s.rule, &s.rule};
	Gt__Rule *apart[] = {&s.rule, &between, &s.rule};
	small_init(&s, GT__FIELD__TYPE);
	s.layer.rules = twice;
	s.layer.n_rules = 2;
	refused(&s, -GT_EMALFORMED, "rule r: the name is used twice");
	gt__rule__init(&between);
	between.name = text("b");
	s.layer.rules = apart;
	s.layer.n_rules = 3;
	refused(&s, -GT_EMALFORMED, "rule r: the name is used twice");
	assert_int_equal(gt_layer_new(&l, gt_bytes_of(noise, sizeof noise), why,
	                              sizeof why),
	                 -GT_ELIMIT);
	assert_string_equal(why, "longer than 262144 bytes");
	assert_int_equal(gt_layer_new(&l, gt_bytes_of(noise, GT_LAYER_MAX), why,
	                              sizeof why),
	                 -GT_EMALFORMED);
	assert_string_equal(why, "not an encoded layer");
	assert_int_equal(
	        gt_layer_new(&l, gt_bytes_of(noise, 5), why, sizeof why),
	        -GT_EMALFORMED);
	/* an empty message is an empty layer: it denies everything */
	assert_int_equal(
	        gt_layer_new(&l, gt_bytes_of(noise, 0), why, sizeof why), 0);
	assert_string_equal(why, "");
	gt_layer_free(l);
}

/* Want of memory is not the layer's fault, wherever it strikes. */
static void no_memory(void **state)
{
	(void)state;
	struct small s;
	uint8_t body[400];
	small_init(&s, GT__FIELD__TYPE);
	s.regions[0] = text("33*");
	s.levels[0] = text("village");
	s.rule.n_regions = s.rule.n_levels = 1;
	size_t n = gt__layer__pack(&s.layer, body);
	assert_true(n < sizeof body);
	long held = nomem_held();
	for (size_t i = 0; nomem_each(&i);) {
		struct gt_layer *l;
		char why[200];
		int rc =
		        gt_layer_new(&l, gt_bytes_of(body, n), why, sizeof why);
		bool hit = nomem_hit();
		assert_int_equal(rc, hit ? -GT_ENOMEM : 0);
		assert_string_equal(why, hit ? "out of memory" : "");
		assert_true(hit == !l);
		gt_layer_free(l);
		assert_int_equal(nomem_held(), held);
	}
}

static void ties(void **state)
{
	(void)state;
	struct small s[3];
	static const char *const at[] = {"33", "3301", "330106"};
	static const uint32_t priority[] = {50, 20, 30};
	const struct gt_layer *v[3];
	struct gt_layer *own[3];
	Gt__Entry e = blank();
	struct gt_receiver to = {"330106", "county"};
	for (size_t i = 0; i < 3; i++) {
		small_init(&s[i], GT__FIELD__TYPE);
		s[i].layer.origin = text(at[i]);
		s[i].layer.priority = priority[i];
		v[2 - i] = own[i] = compile(&s[i].layer);
	}
	struct gt_decision d = gt_policy_meet(v, 3, &e, &to, NOW);
	assert_int_equal(d.verdict, GT_MIRROR);
	assert_int_equal(d.priority, 20);
	assert_string_equal(d.layer, "33");
	/* a layer says nothing about who does not lie below its origin */
	to = (struct gt_receiver){"3302", "city"};
	d = gt_policy_meet(v, 2, &e, &to, NOW);
	assert_int_equal(d.verdict, GT_MIRROR);
	assert_int_equal(d.priority, 50);
	assert_string_equal(d.layer, "");
	assert_string_equal(d.rule, "");
	for (size_t i = 0; i < 3; i++)
		gt_layer_free(own[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names),
	        cmocka_unit_test(single_values),
	        cmocka_unit_test(many_values),
	        cmocka_unit_test(ranges),
	        cmocka_unit_test(receivers),
	        cmocka_unit_test(first_match),
	        cmocka_unit_test(bad_rules),
	        cmocka_unit_test(bad_predicates),
	        cmocka_unit_test(bad_layers),
	        cmocka_unit_test(ties),
	        cmocka_unit_test(time_alone),
	        cmocka_unit_test(longest_texts),
	        cmocka_unit_test(what_is_text),
	        cmocka_unit_test(as_many_as_are_taken),
	        cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
