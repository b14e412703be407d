/* u_policy_model.c: random layers and entries against the definition written
 * down plainly: a layer decides as the model does, a meet does not depend on
 * the order of layers, and nothing ever widens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "code.h"
#include "policy_kit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

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
	        cmocka_unit_test(as_the_model_says),
	        cmocka_unit_test(meets),
	        cmocka_unit_test(a_tree_only_narrows),
	        cmocka_unit_test(globs),
	};
	return cmocka_run_group_tests_name("policy model", tests, NULL, NULL);
}
