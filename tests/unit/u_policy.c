/* u_policy.c: layers decide as written, and meet as a lattice should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code.h"
#include "policy.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const int64_t NOW = 1750000000000; /* some day in 2025 */

static char *text(const char *s)
{
	/* protobuf-c's structs want char *; nothing here is written to */
	union {
		const char *in;
		char *out;
	} u = {s};
	return u.out;
}

static struct gt_layer *compile(const Gt__Layer *layer)
{
	struct gt_layer *out;
	char why[200] = "";
	size_t n = gt__layer__get_packed_size(layer);
	uint8_t *p = malloc(n + 1);
	assert_non_null(p);
	gt__layer__pack(layer, p);
	int rc = gt_layer_new(&out, gt_bytes_of(p, n), why, sizeof why);
	if (rc != 0)
		print_error("%s\n", why);
	assert_int_equal(rc, 0);
	/* the layer keeps nothing of what it was made from */
	memset(p, 0xff, n);
	free(p);
	return out;
}

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

/* ------------------------------------------------------------------ refusals
 */

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
	Gt__Rule *twice[] = {&s.rule, &s.rule};
	small_init(&s, GT__FIELD__TYPE);
	s.layer.rules = twice;
	s.layer.n_rules = 2;
	refused(&s, -GT_EMALFORMED, "rule r: the name is used twice");
	assert_int_equal(gt_layer_new(&l, gt_bytes_of(noise, sizeof noise), why,
	                              sizeof why),
	                 -GT_ELIMIT);
	assert_int_equal(
	        gt_layer_new(&l, gt_bytes_of(noise, 5), why, sizeof why),
	        -GT_EMALFORMED);
	/* an empty message is an empty layer: it denies everything */
	assert_int_equal(
	        gt_layer_new(&l, gt_bytes_of(noise, 0), why, sizeof why), 0);
	gt_layer_free(l);
}

/* ---------------------------------------------------------------- properties
 */

static uint64_t seed;

static uint32_t pick(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

static const char *const words[] = {"a",  "ab", "abc", "b",   "",    "*",
                                    "a*", "*c", "?b",  "a?*", "*b*", "33*"};
static const char *const codes[] = {"33",           "3301",      "330106",
                                    "330106-b",     "330106109", "330106109210",
                                    "330106109211", "3302"};
static const char *const levels[] = {"province", "city",    "county",  "county",
                                     "township", "village", "village", "city"};
enum { RULES = 6, TESTS = 3, VALUES = 3, LAYERS = 5 };

/* A random layer, in the form it was made and compiled. */
struct random_layer {
	Gt__Layer layer;
	Gt__Rule rule[RULES], *rules[RULES];
	Gt__Predicate test[RULES][TESTS], *tests[RULES][TESTS];
	char *values[RULES][TESTS][VALUES], *levels[RULES][2],
	        *regions[RULES][2];
	char name[RULES][8];
	struct gt_layer *compiled;
};

static char *word(void)
{
	return text(words[pick(COUNT(words))]);
}

static void random_test(struct random_layer *l, uint32_t i, uint32_t j)
{
	Gt__Predicate *p = &l->test[i][j];
	gt__predicate__init(p);
	p->field = (Gt__Field)(1 + pick(12));
	p->negate = pick(3) == 0;
	if (p->field == GT__FIELD__SIZE || p->field == GT__FIELD__AGE ||
	    p->field == GT__FIELD__DATE) {
		p->ranged = true;
		p->min = pick(6);
		p->max = p->min + pick(6);
		return;
	}
	p->values = l->values[i][j];
	p->n_values = 1 + pick(VALUES);
	for (size_t k = 0; k < p->n_values; k++)
		p->values[k] = word();
}

static void random_rule(struct random_layer *l, uint32_t i)
{
	static const char *const globs[] = {"33*", "330106*", "3301??", "*",
	                                    "330106109210"};
	Gt__Rule *r = &l->rule[i];
	gt__rule__init(r);
	gt_format(l->name[i], sizeof l->name[i], "r%u", i);
	r->name = l->name[i];
	r->verdict = (Gt__Verdict)pick(4);
	r->priority = pick(4);
	r->levels = l->levels[i];
	r->regions = l->regions[i];
	r->when = l->tests[i];
	r->n_levels = pick(3);
	r->n_regions = pick(3);
	r->n_when = pick(TESTS + 1);
	for (size_t k = 0; k < r->n_levels; k++)
		r->levels[k] = text(levels[pick(COUNT(levels))]);
	for (size_t k = 0; k < r->n_regions; k++)
		r->regions[k] = text(globs[pick(COUNT(globs))]);
	for (uint32_t j = 0; j < r->n_when; j++) {
		random_test(l, i, j);
		l->tests[i][j] = &l->test[i][j];
	}
}

static void random_layer(struct random_layer *l)
{
	gt__layer__init(&l->layer);
	l->layer.origin = text(codes[pick(COUNT(codes))]);
	l->layer.version = pick(3);
	l->layer.fallback = (Gt__Verdict)pick(4);
	l->layer.priority = pick(4);
	l->layer.rules = l->rules;
	l->layer.n_rules = pick(RULES + 1);
	for (uint32_t i = 0; i < l->layer.n_rules; i++) {
		random_rule(l, i);
		l->rules[i] = &l->rule[i];
	}
	l->compiled = compile(&l->layer);
}

struct random_entry {
	Gt__Entry e;
	char *v[5][3];
};

static void random_entry(struct random_entry *r)
{
	Gt__Entry *e = &r->e;
	size_t *n[] = {&e->n_audiences, &e->n_subjects, &e->n_languages,
	               &e->n_regions, &e->n_keywords};
	char ***at[] = {&e->audiences, &e->subjects, &e->languages, &e->regions,
	                &e->keywords};
	gt__entry__init(e);
	e->type = word();
	e->publisher = word();
	e->licence = word();
	e->origin_level = word();
	e->stored_size = pick(12);
	e->modified_ms = (int64_t)pick(12000);
	for (size_t i = 0; i < 5; i++) {
		*n[i] = pick(4);
		*at[i] = r->v[i];
		for (size_t k = 0; k < *n[i]; k++)
			r->v[i][k] = word();
	}
}

/* The matcher the definition of a glob is. */
static bool naive_glob(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return naive_glob(p + 1, s) || (*s && naive_glob(p, s + 1));
	return *s && (*p == '?' || *p == *s) && naive_glob(p + 1, s + 1);
}

static bool naive_values(const Gt__Predicate *p, char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < p->n_values; k++)
			if (naive_glob(p->values[k], v[i]))
				return true;
	return false;
}

static bool naive_range(const Gt__Predicate *p, int64_t v)
{
	return v >= p->min && v <= p->max;
}

static bool naive_holds(const Gt__Predicate *p, const Gt__Entry *e, int64_t now)
{
	int64_t age = (now - e->modified_ms) / 1000;
	switch ((int)p->field) {
	case GT__FIELD__TYPE:
		return naive_values(p, &e->type, 1);
	case GT__FIELD__AUDIENCE:
		return naive_values(p, e->audiences, e->n_audiences);
	case GT__FIELD__SUBJECT:
		return naive_values(p, e->subjects, e->n_subjects);
	case GT__FIELD__LANGUAGE:
		return naive_values(p, e->languages, e->n_languages);
	case GT__FIELD__PUBLISHER:
		return naive_values(p, &e->publisher, 1);
	case GT__FIELD__LICENCE:
		return naive_values(p, &e->licence, 1);
	case GT__FIELD__REGION:
		return naive_values(p, e->regions, e->n_regions);
	case GT__FIELD__KEYWORD:
		return naive_values(p, e->keywords, e->n_keywords);
	case GT__FIELD__SIZE:
		return naive_range(p, (int64_t)e->stored_size);
	case GT__FIELD__AGE:
		return naive_range(p, age < 0 ? 0 : age);
	case GT__FIELD__DATE:
		return naive_range(p, e->modified_ms);
	default:
		return naive_values(p, &e->origin_level, 1);
	}
}

static bool naive_member(char *const *v, size_t n, const char *s)
{
	bool any = n == 0;
	for (size_t i = 0; i < n; i++)
		any |= naive_glob(v[i], s);
	return any;
}

static const Gt__Rule *naive_decide(const Gt__Layer *l, const Gt__Entry *e,
                                    const struct gt_receiver *to, int64_t now)
{
	for (size_t i = 0; i < l->n_rules; i++) {
		const Gt__Rule *r = l->rules[i];
		bool all = naive_member(r->levels, r->n_levels, to->level) &&
		           naive_member(r->regions, r->n_regions, to->code);
		for (size_t k = 0; k < r->n_when; k++)
			all &= naive_holds(r->when[k], e, now) !=
			       (bool)r->when[k]->negate;
		if (all)
			return r;
	}
	return NULL;
}

static void as_the_model_says(void **state)
{
	(void)state;
	static struct random_layer l;
	static struct random_entry e;
	seed = 88172645463325252u;
	for (int i = 0; i < 20000; i++) {
		random_layer(&l);
		for (int k = 0; k < 4; k++) {
			uint32_t c = pick(COUNT(codes));
			struct gt_receiver to = {codes[c], levels[c]};
			int64_t now = (int64_t)pick(20000);
			random_entry(&e);
			const Gt__Rule *want =
			        naive_decide(&l.layer, &e.e, &to, now);
			struct gt_decision d =
			        gt_layer_decide(l.compiled, &e.e, &to, now);
			assert_string_equal(d.rule, want ? want->name : "");
			assert_int_equal(d.verdict, want ? want->verdict
			                                 : l.layer.fallback);
			assert_int_equal(d.priority, want ? want->priority
			                                  : l.layer.priority);
		}
		gt_layer_free(l.compiled);
	}
}

static void same_decision(const struct gt_decision *a,
                          const struct gt_decision *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->priority, b->priority);
	assert_string_equal(a->rule, b->rule);
	assert_string_equal(a->layer, b->layer);
}

static void shuffle(const struct gt_layer **v, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = pick(i);
		const struct gt_layer *t = v[i - 1];
		v[i - 1] = v[k];
		v[k] = t;
	}
}

/* The meet as policy.h defines it, of layers in any order. */
static enum gt_verdict naive_meet(const struct random_layer *l, uint32_t n,
                                  const Gt__Entry *e,
                                  const struct gt_receiver *to, int64_t now)
{
	enum gt_verdict least = GT_MIRROR;
	for (uint32_t i = 0; i < n; i++) {
		if (!gt_code_within(to->code, l[i].layer.origin))
			continue;
		const Gt__Rule *r = naive_decide(&l[i].layer, e, to, now);
		enum gt_verdict v =
		        (enum gt_verdict)(r ? r->verdict : l[i].layer.fallback);
		least = v < least ? v : least;
	}
	return least;
}

static void meets(void **state)
{
	(void)state;
	static struct random_layer l[LAYERS];
	static struct random_entry e;
	const struct gt_layer *v[LAYERS];
	seed = 123456789123u;
	for (int i = 0; i < 10000; i++) {
		uint32_t n = pick(LAYERS + 1), c = pick(COUNT(codes));
		struct gt_receiver to = {codes[c], levels[c]};
		int64_t now = (int64_t)pick(20000);
		random_entry(&e);
		for (uint32_t k = 0; k < n; k++) {
			random_layer(&l[k]);
			v[k] = l[k].compiled;
		}
		struct gt_decision d = gt_policy_meet(v, n, &e.e, &to, now);
		assert_int_equal(d.verdict, naive_meet(l, n, &e.e, &to, now));
		/* a layer less never narrows */
		if (n > 0)
			assert_true(gt_policy_meet(v, n - 1, &e.e, &to, now)
			                    .verdict >= d.verdict);
		/* order never matters, down to the rule that is named */
		for (int k = 0; k < 4; k++) {
			shuffle(v, n);
			struct gt_decision again =
			        gt_policy_meet(v, n, &e.e, &to, now);
			same_decision(&d, &again);
		}
		for (uint32_t k = 0; k < n; k++)
			gt_layer_free(l[k].compiled);
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

/* effective(n) as policy.h defines it, along a chain of nodes. */
static void a_tree_only_narrows(void **state)
{
	(void)state;
	static const size_t chain[] = {0, 1, 2, 4, 5};
	static struct random_layer l[LAYERS];
	static struct random_entry e;
	const struct gt_layer *v[LAYERS];
	seed = 42424242;
	for (int i = 0; i < 4000; i++) {
		enum gt_verdict above = GT_MIRROR;
		random_entry(&e);
		for (uint32_t k = 0; k < LAYERS; k++) {
			random_layer(&l[k]);
			v[k] = l[k].compiled;
		}
		for (size_t k = 0; k < COUNT(chain); k++) {
			struct gt_receiver to = {codes[chain[k]],
			                         levels[chain[k]]};
			enum gt_verdict most = gt_verdict_ceiling(above);
			enum gt_verdict own =
			        gt_policy_meet(v, LAYERS, &e.e, &to, 9000)
			                .verdict;
			enum gt_verdict here = own < most ? own : most;
			if (above <= GT_METADATA)
				assert_true(here <= above);
			assert_true(here <= own);
			above = here;
		}
		for (uint32_t k = 0; k < LAYERS; k++)
			gt_layer_free(l[k].compiled);
	}
}

static void globs(void **state)
{
	(void)state;
	static const char pattern[] = "ab*?", plain[] = "ab";
	seed = 99;
	for (int i = 0; i < 200000; i++) {
		char p[9], s[11];
		uint32_t n = pick(9), m = pick(11);
		for (uint32_t k = 0; k < n; k++)
			p[k] = pattern[pick(4)];
		for (uint32_t k = 0; k < m; k++)
			s[k] = plain[pick(2)];
		p[n] = s[m] = '\0';
		assert_int_equal(gt_glob(p, s), naive_glob(p, s));
	}
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
	        cmocka_unit_test(as_the_model_says),
	        cmocka_unit_test(meets),
	        cmocka_unit_test(ties),
	        cmocka_unit_test(a_tree_only_narrows),
	        cmocka_unit_test(globs),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
