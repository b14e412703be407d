/* u_demand.c: what a layer demands of records, how demands join, how what was
 * done is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "demand.h"
#include "nomem.h"
#include "policy_kit.h"

#define VERB "http://adlnet.gov/expapi/verbs/"

static const char *const activities[] = {"https://x.example/health/1",
                                         "https://x.example/health"};
static const char *const classes[] = {"https://w3id.org/xapi/cmi5"};

static struct gt_traits traits(void)
{
	return (struct gt_traits){.verb = VERB "completed",
	                          .activities = activities,
	                          .nactivities = 2,
	                          .region = "330106109210",
	                          .classes = classes,
	                          .nclasses = 1,
	                          .minor = GT_MINOR_UNKNOWN};
}

/* A layer of up to three demands, each with one condition at most. */
struct few {
	Gt__Layer layer;
	Gt__Demand demand[3], *demands[3];
	Gt__TraitTest test[3], *when[3];
	char *value[3], *level[3], *region[3];
};

static void few_init(struct few *f, const char *origin, size_t n)
{
	static char names[3][2] = {"a", "b", "c"};
	memset(f, 0, sizeof *f);
	gt__layer__init(&f->layer);
	f->layer.origin = text(origin);
	f->layer.version = 4;
	f->layer.fallback = GT__VERDICT__MIRROR;
	f->layer.demands = f->demands;
	f->layer.n_demands = n;
	for (size_t i = 0; i < 3; i++) {
		gt__demand__init(&f->demand[i]);
		gt__trait_test__init(&f->test[i]);
		f->demands[i] = &f->demand[i];
		f->when[i] = &f->test[i];
		f->demand[i].name = names[i];
		f->demand[i].when = &f->when[i];
		f->demand[i].levels = &f->level[i];
		f->demand[i].regions = &f->region[i];
		f->test[i].values = &f->value[i];
	}
}

static void demand(struct few *f, size_t i, Gt__Treatment t)
{
	f->demand[i].treatment = t;
	if (t == GT__TREATMENT__TREAT_REDACT)
		f->demand[i].fields = GT_REDACT_NAMES;
	if (t == GT__TREATMENT__TREAT_AGGREGATE)
		f->demand[i].group = 5;
}

static void when(struct few *f, size_t i, Gt__Trait trait, const char *value,
                 bool negate)
{
	f->test[i].trait = trait;
	f->test[i].negate = negate;
	f->value[i] = text(value);
	f->test[i].n_values = 1;
	f->demand[i].n_when = 1;
}

static struct gt_demand ask(const struct few *f, const struct gt_traits *t,
                            const char *code, const char *level)
{
	static char rule[8];
	struct gt_layer *l = compile(&f->layer);
	const struct gt_receiver to = {code, level};
	struct gt_demand d = gt_layer_demand(l, t, &to);
	gt_copy(rule, sizeof rule, d.rule);
	d.rule = rule;
	d.layer = "";
	gt_layer_free(l);
	return d;
}

/* ------------------------------------------------------------- rules */

static void no_rule_passes_and_the_first_that_holds_decides(void **state)
{
	(void)state;
	struct few f;
	struct gt_traits t = traits();
	few_init(&f, "330106", 0);
	assert_int_equal(ask(&f, &t, "3301", "city").treatment, GT_PASS);
	few_init(&f, "330106", 3);
	demand(&f, 0, GT__TREATMENT__TREAT_DROP);
	when(&f, 0, GT__TRAIT__TRAIT_VERB, VERB "failed", false);
	demand(&f, 1, GT__TREATMENT__TREAT_PSEUDONYMISE);
	f.level[1] = text("city");
	f.demand[1].n_levels = 1;
	demand(&f, 2, GT__TREATMENT__TREAT_AGGREGATE);
	struct gt_demand d = ask(&f, &t, "3301", "city");
	assert_int_equal(d.treatment, GT_PSEUDONYMISE);
	assert_string_equal(d.rule, "b");
	assert_int_equal(d.fields, GT_REDACT_ALL);
	d = ask(&f, &t, "33", "province");
	assert_int_equal(d.treatment, GT_AGGREGATE);
	assert_int_equal(d.group, 5);
	t.verb = VERB "failed";
	assert_int_equal(ask(&f, &t, "3301", "city").treatment, GT_DROP);
}

static void every_condition_sees_its_own_trait(void **state)
{
	(void)state;
	static const struct {
		Gt__Trait trait;
		const char *yes, *no;
	} rows[] = {
	        {GT__TRAIT__TRAIT_VERB, VERB "*", VERB "failed"},
	        {GT__TRAIT__TRAIT_ACTIVITY, "https://x.example/health",
	         "https://y*"},
	        {GT__TRAIT__TRAIT_REGION, "330106*", "330107*"},
	        {GT__TRAIT__TRAIT_CLASS, "*cmi5", "*visit"},
	        {GT__TRAIT__TRAIT_MINOR, "unknown", "no"},
	};
	struct gt_traits t = traits();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct few f;
		few_init(&f, "33", 1);
		demand(&f, 0, GT__TREATMENT__TREAT_DROP);
		when(&f, 0, rows[i].trait, rows[i].yes, false);
		assert_int_equal(ask(&f, &t, "33", "province").treatment,
		                 GT_DROP);
		f.test[0].negate = true;
		assert_int_equal(ask(&f, &t, "33", "province").treatment,
		                 GT_PASS);
		when(&f, 0, rows[i].trait, rows[i].no, false);
		assert_int_equal(ask(&f, &t, "33", "province").treatment,
		                 GT_PASS);
	}
}

static void refused(struct few *f, const char *part)
{
	struct gt_layer *l;
	char why[200] = "";
	uint8_t buf[4096];
	size_t n = gt__layer__pack(&f->layer, buf);
	assert_true(n <= sizeof buf);
	assert_true(gt_layer_new(&l, gt_bytes_of(buf, n), why, sizeof why) < 0);
	assert_null(l);
	if (!strstr(why, part))
		fail_msg("%s", why);
}

static void what_no_program_could_mean_is_refused(void **state)
{
	(void)state;
	struct few f;
	few_init(&f, "33", 1);
	f.demand[0].treatment = (Gt__Treatment)9;
	refused(&f, "unknown demand 9");
	few_init(&f, "33", 1);
	when(&f, 0, (Gt__Trait)9, "x", false);
	refused(&f, "unknown condition 9");
	few_init(&f, "33", 1);
	when(&f, 0, GT__TRAIT__TRAIT_MINOR, "perhaps", false);
	refused(&f, "minor is yes, no or unknown");
	few_init(&f, "33", 1);
	when(&f, 0, GT__TRAIT__TRAIT_VERB, "x", false);
	f.test[0].n_values = 0;
	refused(&f, "verb is compared with no value");
	few_init(&f, "33", 1);
	f.demand[0].fields = 1;
	refused(&f, "redact takes fields");
	few_init(&f, "33", 1);
	f.demand[0].treatment = GT__TREATMENT__TREAT_REDACT;
	refused(&f, "redact takes fields");
	f.demand[0].fields = 1u << 9;
	refused(&f, "redact takes fields");
	few_init(&f, "33", 1);
	demand(&f, 0, GT__TREATMENT__TREAT_AGGREGATE);
	f.demand[0].group = 1;
	refused(&f, "aggregate takes a group of 2");
	few_init(&f, "33", 2);
	f.demand[1].name = f.demand[0].name;
	refused(&f, "the name is used twice");
	few_init(&f, "33", 1);
	f.demand[0].name = text("");
	refused(&f, "a rule has no name");
}

static void no_memory_is_said(void **state)
{
	(void)state;
	struct few f;
	uint8_t buf[4096];
	few_init(&f, "33", 3);
	for (size_t i = 0; i < 3; i++)
		when(&f, i, GT__TRAIT__TRAIT_VERB, "x", false);
	size_t n = gt__layer__pack(&f.layer, buf);
	for (size_t k = 0; nomem_each(&k);) {
		struct gt_layer *l;
		char why[200];
		int rc = gt_layer_new(&l, gt_bytes_of(buf, n), why, sizeof why);
		assert_int_equal(rc, nomem_hit() ? -GT_ENOMEM : 0);
		gt_layer_free(l);
	}
}

/* -------------------------------------------------------------- join */

static struct gt_demand some(unsigned i)
{
	static const char *const layers[] = {"33", "3301", "330106"};
	static const char *const rules[] = {"a", "b"};
	struct gt_demand d = {.treatment = (enum gt_treatment)(i % 5),
	                      .rule = rules[i / 5 % 2],
	                      .layer = layers[i / 10 % 3],
	                      .version = 1 + i / 30 % 2};
	d.fields = d.treatment > GT_REDACT    ? GT_REDACT_ALL
	           : d.treatment == GT_REDACT ? 1u + i / 7 % GT_REDACT_ALL
	                                      : 0;
	d.group = d.treatment == GT_AGGREGATE ? 2 + i % 9 : 0;
	return d;
}

static bool same(struct gt_demand a, struct gt_demand b)
{
	return a.treatment == b.treatment && a.fields == b.fields &&
	       a.group == b.group && strcmp(a.layer, b.layer) == 0 &&
	       strcmp(a.rule, b.rule) == 0 && a.version == b.version;
}

/* Whatever was done that satisfies the join satisfies each. */
static bool stricter(struct gt_demand join, struct gt_demand d)
{
	for (unsigned i = 0; i < 5 * 31 * 12; i++) {
		struct gt_done done = {(enum gt_treatment)(i % 4), i / 5 % 31,
		                       i / 155};
		if (done.treatment > GT_REDACT)
			done.fields = GT_REDACT_ALL;
		if (gt_done_satisfies(&done, &join) &&
		    !gt_done_satisfies(&done, &d))
			return false;
	}
	return true;
}

static void joins_only_narrow_in_any_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct gt_demand a = some(i);
		assert_true(same(gt_demand_join(a, a), a));
		assert_true(same(gt_demand_join(a, gt_demand_none()), a));
		for (unsigned k = 0; k < 60; k++) {
			struct gt_demand b = some(k), c = some(i + 7 * k);
			struct gt_demand ab = gt_demand_join(a, b);
			assert_true(same(ab, gt_demand_join(b, a)));
			assert_true(
			        same(gt_demand_join(ab, c),
			             gt_demand_join(a, gt_demand_join(b, c))));
			assert_true(ab.treatment >= a.treatment);
			if (k % 7 == 0)
				assert_true(stricter(ab, a) && stricter(ab, b));
		}
	}
}

static void all_layers_that_bind_the_sender_are_asked(void **state)
{
	(void)state;
	struct few f[3];
	const struct gt_layer *layers[3];
	struct gt_layer *made[3];
	struct gt_traits t = traits();
	few_init(&f[0], "33", 1);
	few_init(&f[1], "330106", 1);
	few_init(&f[2], "330107", 1);
	demand(&f[0], 0, GT__TREATMENT__TREAT_REDACT);
	demand(&f[1], 0, GT__TREATMENT__TREAT_PSEUDONYMISE);
	demand(&f[2], 0, GT__TREATMENT__TREAT_DROP);
	for (int i = 0; i < 3; i++)
		layers[i] = made[i] = compile(&f[i].layer);
	const struct gt_receiver city = {"3301", "city"};
	struct gt_demand d = gt_demand_of(layers, 3, &t, "330106", &city);
	assert_int_equal(d.treatment, GT_PSEUDONYMISE);
	assert_string_equal(d.layer, "330106");
	assert_int_equal(d.version, 4);
	d = gt_demand_of(layers, 3, &t, "330107", &city);
	assert_int_equal(d.treatment, GT_DROP);
	d = gt_demand_of(layers, 3, &t, "3301", &city);
	assert_int_equal(d.treatment, GT_REDACT);
	for (int i = 0; i < 3; i++)
		gt_layer_free(made[i]);
}

static void a_void_goes_up_whatever_is_demanded(void **state)
{
	(void)state;
	const struct gt_receiver city = {"3301", "city"};
	for (int i = GT_PASS; i < GT_TREATMENTS; i++) {
		struct few f;
		struct gt_traits t = traits();
		few_init(&f, "33", 1);
		demand(&f, 0, (Gt__Treatment)i);
		struct gt_layer *l = compile(&f.layer);
		const struct gt_layer *layers[] = {l};
		t.voids = true;
		struct gt_demand d =
		        gt_demand_of(layers, 1, &t, "330106", &city);
		assert_int_equal(d.treatment,
		                 i > GT_PSEUDONYMISE ? GT_PSEUDONYMISE : i);
		assert_int_equal(d.group, 0);
		gt_layer_free(l);
	}
}

/* -------------------------------------------------------------- done */

static void what_was_done_is_read_back(void **state)
{
	(void)state;
	const struct gt_demand by = {.layer = "330106", .version = 7};
	static const struct gt_done rows[] = {
	        {GT_REDACT, GT_REDACT_NAMES | GT_REDACT_EXTENSIONS, 0},
	        {GT_REDACT, GT_REDACT_ALL, 0},
	        {GT_PSEUDONYMISE, GT_REDACT_ALL, 0},
	        {GT_AGGREGATE, GT_REDACT_ALL, 12},
	};
	static const char *const texts[] = {
	        "redact:names+extensions@330106/7;k",
	        "redact:names+responses+text+extensions+attachments@330106/7;k",
	        "pseudonymise@330106/7;k", "aggregate:12@330106/7;k"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[GT_DONE_CHARS];
		gt_done_format(out, &rows[i], &by, "k");
		assert_string_equal(out, texts[i]);
		struct gt_done d = gt_done_parse(out);
		assert_int_equal(d.treatment, rows[i].treatment);
		assert_int_equal(d.fields, rows[i].fields);
		assert_int_equal(d.group, rows[i].group);
	}
}

static void what_says_nothing_of_the_kind_was_not_done(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
	                                    "pass@33/1",
	                                    "drop@33/1",
	                                    "redact@33/1",
	                                    "pseudonymise",
	                                    "pseudonymise:3@33/1",
	                                    "redact:all@33/1",
	                                    "redact:names",
	                                    "redact:names+@33/1",
	                                    "aggregate@33/1",
	                                    "aggregate:x@33/1",
	                                    "aggregate:1234567890@3",
	                                    "Pseudonymise@33/1",
	                                    "@",
	                                    ":",
	                                    "redact:names+text+"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(gt_done_parse(texts[i]).treatment, GT_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(
	                no_rule_passes_and_the_first_that_holds_decides),
	        cmocka_unit_test(every_condition_sees_its_own_trait),
	        cmocka_unit_test(what_no_program_could_mean_is_refused),
	        cmocka_unit_test(no_memory_is_said),
	        cmocka_unit_test(joins_only_narrow_in_any_order),
	        cmocka_unit_test(all_layers_that_bind_the_sender_are_asked),
	        cmocka_unit_test(a_void_goes_up_whatever_is_demanded),
	        cmocka_unit_test(what_was_done_is_read_back),
	        cmocka_unit_test(what_says_nothing_of_the_kind_was_not_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
