/* u_passage.c: what a record becomes on its way, by one rule for all who ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nomem.h"
#include "passage.h"
#include "policy_kit.h"

static const uint8_t id[GT_UUID_BYTES] = {0x11, 0, 0, 0, 0, 0, 0x40, 0, 0x80};
static const char body[] =
        "{\"actor\":{\"mbox\":\"mailto:li@b.cn\",\"name\":\"Li\"},"
        "\"verb\":{\"id\":\"http://v.cn/1\"},\"object\":{\"id\":"
        "\"http://o.cn/1\"},\"result\":{\"response\":\"Li was here\"}}";
static const struct gt_pseudonym_key key = {
        .scope = "33", .number = 1, .until_ms = INT64_MAX, .secret = {1}};

/* A layer of one rule, which is for everybody. */
static struct gt_layer *layer(Gt__Treatment treatment)
{
	Gt__Layer m;
	Gt__Demand d, *list = &d;
	static char name[] = "the rule", origin[] = "33";
	gt__layer__init(&m);
	gt__demand__init(&d);
	m.fallback = GT__VERDICT__MIRROR;
	m.origin = origin;
	m.version = 4;
	m.demands = &list;
	m.n_demands = 1;
	d.name = name;
	d.treatment = treatment;
	if (treatment == GT__TREATMENT__TREAT_REDACT)
		d.fields = GT_REDACT_RESPONSES;
	if (treatment == GT__TREATMENT__TREAT_AGGREGATE)
		d.group = 5;
	return compile(&m);
}

static struct gt_goer goer(const char *text, const char *policy)
{
	return (struct gt_goer){.body = gt_bytes_str(text),
	                        .id = id,
	                        .region = "330106",
	                        .authority = "{\"mbox\":\"mailto:li@b.cn\"}",
	                        .policy = policy};
}

/* What is made of it under that rule; is_done: nothing need be. */
static int make(Gt__Treatment treatment, const struct gt_goer *r,
                struct gt_passed *out, bool *is_done)
{
	struct gt_layer *l = layer(treatment);
	const struct gt_layer *list = l;
	const struct gt_edge e = {&list, 1, "330106", "3301"};
	const struct gt_pseudonyms how = {&key, NULL};
	struct gt_passage p;
	*out = (struct gt_passed){0};
	int status = gt_passage_open(&p, &e, r);
	*is_done = status == 0 && gt_passage_is_done(&p);
	if (status == 0 && !*is_done)
		status = gt_passage_become(&p, r, &how, out);
	gt_passage_close(&p);
	gt_layer_free(l);
	return status;
}

static bool has(const struct gt_buffer *b, const char *text)
{
	struct gt_bytes all = gt_buffer_bytes(b);
	size_t n = strlen(text);
	for (size_t i = 0; i + n <= all.n; i++)
		if (memcmp(all.p + i, text, n) == 0)
			return true;
	return false;
}

static void each_treatment_comes_to_what_it_says(void **state)
{
	(void)state;
	struct gt_goer r = goer(body, "");
	struct gt_passed to;
	bool done;
	assert_int_equal(make(GT__TREATMENT__TREAT_PASS, &r, &to, &done), 0);
	assert_true(done);
	assert_int_equal(make(GT__TREATMENT__TREAT_REDACT, &r, &to, &done), 0);
	assert_false(done);
	assert_true(has(&to.body, "li@b.cn"));
	assert_false(has(&to.body, "was here"));
	assert_string_equal(to.policy, "redact:responses@33/4");
	gt_passed_free(&to);
	assert_int_equal(
	        make(GT__TREATMENT__TREAT_PSEUDONYMISE, &r, &to, &done), 0);
	assert_false(has(&to.body, "li@b.cn"));
	assert_false(has(&to.authority, "li@b.cn"));
	assert_true(has(&to.body, "http://v.cn/1"));
	assert_string_equal(to.policy, "pseudonymise@33/4;33.1");
	gt_passed_free(&to);
	for (int t = GT__TREATMENT__TREAT_AGGREGATE;
	     t <= GT__TREATMENT__TREAT_DROP; t++) {
		assert_int_equal(make((Gt__Treatment)t, &r, &to, &done),
		                 -GT_ELIMIT);
		assert_false(done);
		gt_passed_free(&to);
	}
}

/* What was done on the way is not done again, and no less counts for it. */
static void what_was_done_counts(void **state)
{
	(void)state;
	struct gt_goer r = goer(body, "pseudonymise@330106/7;33.1");
	struct gt_passed to;
	bool done;
	assert_int_equal(
	        make(GT__TREATMENT__TREAT_PSEUDONYMISE, &r, &to, &done), 0);
	assert_true(done);
	r.policy = "redact:names@330106/7";
	assert_int_equal(make(GT__TREATMENT__TREAT_REDACT, &r, &to, &done), 0);
	assert_false(done);
	/* names went before, responses now */
	assert_string_equal(to.policy, "redact:names+responses@33/4");
	assert_false(has(&to.body, "\"Li\""));
	gt_passed_free(&to);
}

/* What comes of it is one statement of that id, or nothing goes. */
static void what_is_none_afterwards_stays(void **state)
{
	(void)state;
	static const char other[] =
	        "{\"id\":\"22000000-0000-4000-8000-000000000000\","
	        "\"actor\":{\"mbox\":\"mailto:li@b.cn\"},\"verb\":{\"id\":"
	        "\"http://v.cn/1\"},\"object\":{\"id\":\"http://o.cn/1\"}}";
	struct gt_goer r = goer(other, "");
	struct gt_passed to;
	bool done;
	assert_int_equal(make(GT__TREATMENT__TREAT_REDACT, &r, &to, &done),
	                 -GT_ELIMIT);
	gt_passed_free(&to);
	/* of no actor: who is asked for an opinion reads it, and no one takes
	 * it */
	r = goer("{\"verb\":{\"id\":\"http://v.cn/1\"},\"object\":{\"id\":"
	         "\"http://o.cn/1\"}}",
	         "");
	assert_int_not_equal(make(GT__TREATMENT__TREAT_REDACT, &r, &to, &done),
	                     0);
	gt_passed_free(&to);
	r = goer("[", "");
	assert_int_equal(make(GT__TREATMENT__TREAT_REDACT, &r, &to, &done),
	                 -GT_EINVALID);
}

static void short_of_memory_it_says_so(void **state)
{
	(void)state;
	struct gt_goer r = goer(body, "");
	struct gt_passed to;
	bool done;
	int status = -GT_ENOMEM;
	size_t i = 0;
	struct gt_layer *l = layer(GT__TREATMENT__TREAT_PSEUDONYMISE);
	const struct gt_layer *list = l;
	const struct gt_edge e = {&list, 1, "330106", "3301"};
	const struct gt_pseudonyms how = {&key, NULL};
	while (nomem_each(&i)) {
		struct gt_passage p;
		to = (struct gt_passed){0};
		status = gt_passage_open(&p, &e, &r);
		done = status == 0;
		if (done)
			status = gt_passage_become(&p, &r, &how, &to);
		gt_passage_close(&p);
		gt_passed_free(&to);
		if (status != 0)
			assert_int_equal(status, -GT_ENOMEM);
	}
	assert_int_equal(status, 0);
	assert_true(i > 3);
	gt_layer_free(l);
}

static void what_was_said_to_be_done_is_looked_for(void **state)
{
	(void)state;
	struct gt_layer *l = layer(GT__TREATMENT__TREAT_PSEUDONYMISE);
	const struct gt_layer *list = l;
	const struct gt_edge e = {&list, 1, "330106", "3301"};
	const struct gt_pseudonyms how = {&key, NULL};
	struct gt_goer r = goer(body, "pseudonymise@33/4;33.1");
	struct gt_passage p;
	struct gt_passed to;
	char text[2000], who[400];
	bool was;
	assert_int_equal(gt_passage_open(&p, &e, &r), 0);
	assert_int_equal(gt_passage_was_done(&p, &r, &was), 0);
	assert_false(was);
	assert_int_equal(gt_passage_become(&p, &r, &how, &to), 0);
	gt_passage_close(&p);
	struct gt_bytes made = gt_buffer_bytes(&to.body),
	                by = gt_buffer_bytes(&to.authority);
	gt_format(text, sizeof text, "%.*s", (int)made.n, (const char *)made.p);
	gt_format(who, sizeof who, "%.*s", (int)by.n, (const char *)by.p);
	gt_passed_free(&to);
	r = goer(text, "pseudonymise@33/4;33.1");
	r.authority = who;
	assert_int_equal(gt_passage_open(&p, &e, &r), 0);
	assert_int_equal(gt_passage_was_done(&p, &r, &was), 0);
	assert_true(was);
	gt_passage_close(&p);
	gt_layer_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_treatment_comes_to_what_it_says),
	        cmocka_unit_test(what_was_done_counts),
	        cmocka_unit_test(what_is_none_afterwards_stays),
	        cmocka_unit_test(short_of_memory_it_says_so),
	        cmocka_unit_test(what_was_said_to_be_done_is_looked_for),
	};
	return cmocka_run_group_tests_name("passage", tests, NULL, NULL);
}
