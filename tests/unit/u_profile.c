/* u_profile.c: proto/profile.jsonld is an xAPI Profile (1.0), says what deed.h
 * counts, and its templates fit statements that are counted so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "deed.h"
#include "statement.h"

/* ----------------------------------------- what the specification demands */

/* NULL, or the first thing that is wrong. */
static const char *wrong;

static void demand(bool ok, const char *what)
{
	if (!ok && !wrong)
		wrong = what;
}

static bool is_iri(const json_t *v)
{
	return json_is_string(v) && gt_xapi_is_iri(json_string_value(v));
}

static bool is_map(const json_t *v)
{
	const char *tag;
	json_t *text;
	json_object_foreach(gt_lend(v), tag,
	                    text) if (!gt_xapi_is_language(tag) ||
	                              !json_is_string(text) ||
	                              !*json_string_value(text)) return false;
	return json_object_size(v) > 0 && json_object_get(v, "en") &&
	       json_object_get(v, "zh-CN");
}

static bool is_among(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

/* No member but these. */
static void demand_only(const json_t *v, const char *const *names)
{
	const char *name;
	json_t *of;
	json_object_foreach(gt_lend(v), name, of)
	        demand(is_among(name, names), "a property nobody knows");
}

static bool is(const json_t *v, const char *name, const char *text)
{
	return strcmp(gt_json_member(v, name), text) == 0;
}

static json_t *of_id(const json_t *profile, const char *list, const char *id)
{
	json_t *v;
	size_t i;
	json_array_foreach(json_object_get(profile, list), i,
	                   v) if (is(v, "id", id)) return v;
	return NULL;
}

/* Ids are of one thing each, in all of a profile. */
static size_t count_id(const json_t *v, const char *id)
{
	const char *name;
	json_t *of;
	size_t i, n = 0;
	json_object_foreach(gt_lend(v), name, of)
	{
		if (strcmp(name, "id") == 0 && json_is_string(of))
			n += strcmp(json_string_value(of), id) == 0;
		n += count_id(of, id);
	}
	json_array_foreach(v, i, of) n += count_id(of, id);
	return n;
}

/* Of everything that a profile defines. */
static void check_defined(const json_t *profile, const json_t *v)
{
	demand(is_iri(json_object_get(v, "id")), "id");
	demand(count_id(profile, gt_json_member(v, "id")) == 1, "id twice");
	demand(is_map(json_object_get(v, "prefLabel")), "prefLabel");
	demand(is_map(json_object_get(v, "definition")), "definition");
	demand(of_id(profile, "versions", gt_json_member(v, "inScheme")) !=
	               NULL,
	       "inScheme");
}

static void check_concept(const json_t *profile, const json_t *v)
{
	static const char *const types[] = {"Verb", "ActivityType",
	                                    "AttachmentUsageType", NULL};
	static const char *const names[] = {
	        "id", "type", "inScheme", "prefLabel", "definition", NULL};
	check_defined(profile, v);
	demand(is_among(gt_json_member(v, "type"), types), "type");
	demand_only(v, names);
}

static void check_rule(const json_t *v)
{
	static const char *const presences[] = {"included", "excluded",
	                                        "recommended", NULL};
	static const char *const names[] = {"location", "presence", "scopeNote",
	                                    NULL};
	demand(strncmp(gt_json_member(v, "location"), "$.", 2) == 0,
	       "location");
	demand(is_among(gt_json_member(v, "presence"), presences), "presence");
	demand(!json_object_get(v, "scopeNote") ||
	               is_map(json_object_get(v, "scopeNote")),
	       "scopeNote");
	demand_only(v, names);
}

static void check_template(const json_t *profile, const json_t *v)
{
	static const char *const names[] = {
	        "id",         "type", "inScheme",           "prefLabel",
	        "definition", "verb", "objectActivityType", "rules",
	        NULL};
	const json_t *type = json_object_get(v, "objectActivityType");
	json_t *rule;
	size_t i;
	check_defined(profile, v);
	demand(is(v, "type", "StatementTemplate"), "type");
	demand(of_id(profile, "concepts", gt_json_member(v, "verb")) != NULL,
	       "verb");
	demand(!type || of_id(profile, "concepts", gt_json_string(type)),
	       "objectActivityType");
	json_array_foreach(json_object_get(v, "rules"), i, rule)
	        check_rule(rule);
	demand(json_array_size(json_object_get(v, "rules")) > 0, "rules");
	demand_only(v, names);
}

static void check_versions(const json_t *profile)
{
	json_t *v;
	size_t i;
	json_array_foreach(json_object_get(profile, "versions"), i, v)
	{
		demand(is_iri(json_object_get(v, "id")) &&
		               !is(v, "id", gt_json_member(profile, "id")),
		       "versions.id");
		demand(gt_xapi_is_time(gt_json_member(v, "generatedAtTime")),
		       "generatedAtTime");
	}
	demand(i > 0, "versions");
}

static const char *check(const json_t *profile)
{
	static const char *const names[] = {
	        "@context",  "id",         "type",   "conformsTo",
	        "prefLabel", "definition", "author", "versions",
	        "concepts",  "templates",  NULL};
	const json_t *author = json_object_get(profile, "author");
	json_t *v;
	size_t i;
	wrong = NULL;
	demand(is(profile, "@context",
	          "https://w3id.org/xapi/profiles/context"),
	       "@context");
	demand(is(profile, "type", "Profile"), "type");
	demand(is(profile, "conformsTo", "https://w3id.org/xapi/profiles#1.0"),
	       "conformsTo");
	demand(is_iri(json_object_get(profile, "id")), "id");
	demand(is_map(json_object_get(profile, "prefLabel")), "prefLabel");
	demand(is_map(json_object_get(profile, "definition")), "definition");
	demand(is(author, "type", "Organization") &&
	               *gt_json_member(author, "name"),
	       "author");
	check_versions(profile);
	json_array_foreach(json_object_get(profile, "concepts"), i, v)
	        check_concept(profile, v);
	demand(i > 0, "concepts");
	json_array_foreach(json_object_get(profile, "templates"), i, v)
	        check_template(profile, v);
	demand(i > 0, "templates");
	demand_only(profile, names);
	return wrong;
}

/* --------------------------------------------------- statements by them */

/* What lies at "$.a.b". */
static const json_t *at(const json_t *v, const char *location)
{
	const char *s = location + 1;
	while (v && *s == '.') {
		size_t n = strcspn(++s, ".");
		v = json_object_getn(v, s, n);
		s += n;
	}
	return v;
}

static bool fits(const json_t *template, const json_t *statement)
{
	const char *type = gt_json_member(template, "objectActivityType");
	json_t *rule;
	size_t i;
	if (!is(json_object_get(statement, "verb"), "id",
	        gt_json_member(template, "verb")))
		return false;
	if (*type && !is(json_object_get(json_object_get(statement, "object"),
	                                 "definition"),
	                 "type", type))
		return false;
	json_array_foreach(json_object_get(template, "rules"), i, rule)
	{
		bool there = at(statement, gt_json_member(rule, "location"));
		if (is(rule, "presence", "included") && !there)
			return false;
		if (is(rule, "presence", "excluded") && there)
			return false;
	}
	return true;
}

#define NEED                                                                   \
	"{\"actor\":{\"account\":{\"homePage\":\"https://x.cn\",\"name\":"     \
	"\"1001\"}},\"verb\":{\"id\":\"" GT_DEED_NEEDS "\"},\"object\":{"      \
	"\"id\":\"" GT_DEED_SUBJECT "health\",\"definition\":{\"type\":\"urn:" \
	"guantong:activity-type:subject\"}}"
#define VISIT                                                               \
	"{\"actor\":{\"account\":{\"homePage\":\"https://x.cn\",\"name\":"  \
	"\"hall\"}},\"verb\":{\"id\":\"" GT_DEED_VISITED "\"},\"object\":{" \
	"\"id\":\"https://x.cn/33/hall\"}"
#define WHEN ",\"timestamp\":\"2026-11-30T08:00:00Z\"}"

static const struct {
	const char *text, *template;
	bool need, visited;
} examples[] = {
        {NEED "}", "urn:guantong:template:need", true, false},
        {NEED WHEN, "urn:guantong:template:need", true, false},
        {NEED ",\"result\":{\"response\":\"for my mother\"}}", NULL, true,
         false},
        {VISIT WHEN, "urn:guantong:template:visit", false, true},
        {VISIT "}", NULL, false, true},
};

/* ----------------------------------------------------------------- tests */

static json_t *load(void)
{
	json_error_t error;
	json_t *v = json_load_file("proto/profile.jsonld",
	                           JSON_REJECT_DUPLICATES, &error);
	if (!v)
		print_error("%d: %s\n", error.line, error.text);
	assert_non_null(v);
	return v;
}

static void it_is_a_profile(void **state)
{
	(void)state;
	json_t *v = load();
	const char *what = check(v);
	if (what)
		print_error("%s\n", what);
	assert_null(what);
	json_decref(v);
}

static size_t spoilt;

/* Each member of v and below gone, and renamed: what is left is no profile. */
static void spoil(const json_t *whole, json_t *v)
{
	static const char *const may_go[] = {"objectActivityType", "rules",
	                                     "scopeNote", NULL};
	json_t *keys = json_array(), *key, *was, *each;
	const char *name;
	size_t i;
	json_object_foreach(v, name, was)
	        json_array_append_new(keys, json_string(name));
	json_array_foreach(keys, i, key)
	{
		name = json_string_value(key);
		was = json_incref(json_object_get(v, name));
		json_object_del(v, name);
		if (!is_among(name, may_go))
			assert_non_null(check(whole));
		json_object_set_new(v, name, json_integer(3));
		assert_non_null(check(whole));
		json_object_set_new(v, name, was);
		json_object_set_new(v, "another", json_integer(3));
		if (json_object_get(v, "location") ||
		    json_object_get(v, "inScheme"))
			assert_non_null(check(whole));
		json_object_del(v, "another");
		assert_null(check(whole));
		spoilt++;
		spoil(whole, was);
	}
	json_array_foreach(v, i, each) spoil(whole, each);
	json_decref(keys);
}

static void and_nothing_of_it_could_be_otherwise(void **state)
{
	(void)state;
	json_t *v = load();
	spoilt = 0;
	spoil(v, v);
	assert_true(spoilt > 60);
	json_decref(v);
}

static void it_names_what_reports_count(void **state)
{
	(void)state;
	json_t *v = load();
	assert_true(is(of_id(v, "concepts", GT_DEED_NEEDS), "type", "Verb"));
	assert_true(is(of_id(v, "concepts", GT_DEED_VISITED), "type", "Verb"));
	const json_t *subject =
	        of_id(v, "concepts", "urn:guantong:activity-type:subject");
	assert_non_null(strstr(
	        gt_json_member(json_object_get(subject, "definition"), "en"),
	        GT_DEED_SUBJECT));
	json_decref(v);
}

static void its_templates_fit_what_is_counted(void **state)
{
	(void)state;
	static const uint8_t key[GT_SKETCH_KEY] = {1};
	static const uint8_t ids[1][GT_UUID_BYTES] = {{1}};
	json_t *profile = load();
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		struct gt_bytes text = gt_bytes_str(examples[i].text);
		struct gt_statement st;
		struct gt_deed d;
		char why[200];
		json_t *t;
		size_t k;
		assert_int_equal(gt_statements_parse(text, GT_XAPI_2, ids, 1,
		                                     &st, 1, why, sizeof why),
		                 1);
		assert_int_equal(gt_deed_open(&d, text, key), 0);
		assert_true(d.need == examples[i].need);
		assert_true(d.visited == examples[i].visited);
		json_array_foreach(json_object_get(profile, "templates"), k, t)
		{
			bool its = examples[i].template &&
			           is(t, "id", examples[i].template);
			assert_true(fits(t, d.statement) == its);
		}
		gt_deed_close(&d);
	}
	json_decref(profile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_a_profile),
	        cmocka_unit_test(and_nothing_of_it_could_be_otherwise),
	        cmocka_unit_test(it_names_what_reports_count),
	        cmocka_unit_test(its_templates_fit_what_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
