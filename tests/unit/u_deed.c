/* u_deed.c: what reports count of a statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "deed.h"
#include "error.h"
#include "nomem.h"

static const uint8_t key[GT_SKETCH_KEY] = {7};
static const uint8_t id[GT_UUID_BYTES] = {1}, other_id[GT_UUID_BYTES] = {2};

static void open_it(struct gt_deed *d, const char *text)
{
	assert_int_equal(gt_deed_open(d, gt_bytes_str(text), key), 0);
}

static void durations_are_added_up(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ms;
	} is[] = {
	        {"PT3M", 180000},
	        {"PT1H30M5S", 5405000},
	        {"PT0.25S", 250},
	        {"PT1.5H", 5400000},
	        {"P1D", 86400000},
	        {"P2W", 1209600000},
	        {"P1M", 2592000000},
	        {"P1MT1M", 2592060000},
	        {"P1Y", GT_DEED_SPENT_MAX},
	        {"PT99999999999999999999H", GT_DEED_SPENT_MAX},
	        {"PT1000H", GT_DEED_SPENT_MAX},
	        {"PT0S", 0},
	        {"", 0},
	        {"3 minutes", 0},
	        {"P", 0},
	        {"PT-3M", 0},
	};
	for (size_t i = 0; i < sizeof is / sizeof *is; i++)
		assert_true(gt_deed_spent(is[i].text) == is[i].ms);
}

static void an_activity_is_about_a_resource_or_a_subject(void **state)
{
	(void)state;
	static const struct {
		const char *activity, *about;
	} is[] = {
	        {"https://xuexi.example.cn/33/first-lesson", "33/first-lesson"},
	        {"https://x.cn/33/first-lesson/2?a=1#b", "33/first-lesson"},
	        {"http://127.0.0.1:8107/c/33/a/x.html", "33/a"},
	        {"https://x.cn/c/330106109210/herbs?u=33/b",
	         "330106109210/herbs"},
	        {"https://x.cn/33-nju/mooc", "33-nju/mooc"},
	        {"https://x.cn/33", ""},
	        {"https://x.cn/33/", ""},
	        {"https://x.cn/33/UPPER", ""},
	        {"https://33/first-lesson", ""}, /* a host is no code */
	        {"https://x.cn/a?b=/33/c", ""},
	        {"https://x.cn", ""},
	        {"urn:guantong:subject:rural-revitalisation",
	         "=rural-revitalisation"},
	        {"urn:guantong:subject:养老", "=养老"},
	        {"urn:guantong:subject:", ""},
	        {"urn:guantong:subject:a b", ""},
	        {"urn:guantong:hidden:abc", ""},
	        {"", ""},
	};
	char about[GT_RID_MAX + 2];
	for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
		gt_deed_about(about, is[i].activity);
		assert_string_equal(about, is[i].about);
	}
	/* longer than a name may be */
	char text[400] = "urn:guantong:subject:";
	memset(text + strlen(text), 'a', 300);
	gt_deed_about(about, text);
	assert_string_equal(about, "");
	gt_format(text, sizeof text, "https://x.cn/33/%0299d", 1);
	gt_deed_about(about, text);
	assert_string_equal(about, "");
}

static void a_statement_says_what_it_counts_as(void **state)
{
	(void)state;
	struct gt_deed d;
	open_it(&d, "{\"actor\":{\"mbox\":\"mailto:A@x.cn\"},\"verb\":{\"id\":"
	            "\"http://adlnet.gov/expapi/verbs/completed\"},\"object\":"
	            "{\"id\":\"https://x.cn/33/a/1\"},\"result\":{\"duration\":"
	            "\"PT2M\"},\"timestamp\":\"2025-11-04T08:00:00Z\"}");
	assert_true(d.completion && !d.need && !d.visited);
	assert_int_equal(d.spent_ms, 120000);
	assert_int_equal(d.nlearners, 1);
	assert_string_equal(d.about, "33/a");
	assert_true(d.timestamp_ms == 1762243200000);
	gt_deed_close(&d);
	open_it(&d,
	        "{\"actor\":{\"mbox\":\"mailto:a@x.cn\"},\"verb\":{\"id\":"
	        "\"x:passed\"},\"object\":{\"objectType\":\"StatementRef\","
	        "\"id\":\"https://x.cn/33/a/1\"},\"result\":{\"completion\":"
	        "true,\"duration\":1}}");
	assert_true(d.completion);
	assert_string_equal(d.activity, "");
	assert_int_equal(d.spent_ms, 0);
	assert_true(d.timestamp_ms == INT64_MIN);
	gt_deed_close(&d);
	open_it(&d, "{\"verb\":{\"id\":\"" GT_DEED_NEEDS "\"},\"object\":{"
	            "\"id\":\"" GT_DEED_SUBJECT "health\"},\"result\":{"
	            "\"completion\":\"true\"}}");
	assert_true(d.need && !d.completion && d.nlearners == 0);
	assert_string_equal(d.about, "=health");
	gt_deed_close(&d);
	gt_deed_close(&d);
}

static void learners_are_told_apart_by_their_canonical_names(void **state)
{
	(void)state;
	struct gt_deed a, b, c, g;
	open_it(&a, "{\"actor\":{\"mbox\":\"mailto:A@x.cn\"}}");
	open_it(&b,
	        "{\"actor\":{\"mbox\":\"mailto:%61@X.cn\",\"name\":\"z\"}}");
	open_it(&c, "{\"actor\":{\"account\":{\"homePage\":\"https://x.cn\","
	            "\"name\":\"a\"}}}");
	open_it(&g,
	        "{\"actor\":{\"objectType\":\"Group\",\"member\":[{\"mbox\":"
	        "\"mailto:a@x.cn\"},{\"name\":\"nobody\"},{\"account\":{"
	        "\"homePage\":\"https://x.cn\",\"name\":\"a\"}}]}}");
	assert_true(a.learner[0] == b.learner[0]);
	assert_true(a.learner[0] != c.learner[0]);
	assert_int_equal(g.nlearners, 2);
	assert_true(g.learner[0] == a.learner[0]);
	assert_true(g.learner[1] == c.learner[0]);
	gt_deed_close(&g);
	open_it(&g, "{\"actor\":{\"objectType\":\"Group\",\"mbox\":\"mailto:"
	            "g@x.cn\",\"member\":[{\"mbox\":\"mailto:a@x.cn\"}]}}");
	assert_int_equal(g.nlearners, 1);
	assert_true(g.learner[0] != a.learner[0]);
	gt_deed_close(&a);
	gt_deed_close(&b);
	gt_deed_close(&c);
	gt_deed_close(&g);
}

static void a_group_has_no_more_learners_than_have_room(void **state)
{
	(void)state;
	char text[8192] = "{\"actor\":{\"objectType\":\"Group\",\"member\":[";
	for (int i = 0; i < 60; i++) {
		size_t n = strlen(text);
		gt_format(text + n, sizeof text - n,
		          "%s{\"mbox\":\"mailto:m%d@x.cn\"}", i ? "," : "", i);
	}
	gt_format(text + strlen(text), 8, "]}}");
	struct gt_deed d;
	open_it(&d, text);
	assert_int_equal(d.nlearners, GT_DEED_LEARNERS);
	gt_deed_close(&d);
}

static void a_visit_is_a_learner_an_activity_a_day(void **state)
{
	(void)state;
	struct gt_deed d, e;
	static const char first[] =
	        "{\"actor\":{\"mbox\":\"mailto:a@x.cn\"},\"verb\":{\"id\":"
	        "\"x:a\"},\"object\":{\"id\":\"x:1\"}}";
	static const char second[] =
	        "{\"actor\":{\"mbox\":\"mailto:a@x.cn\"},\"verb\":{\"id\":"
	        "\"x:b\"},\"object\":{\"id\":\"x:1\"},\"result\":{}}";
	static const char elsewhere[] =
	        "{\"actor\":{\"mbox\":\"mailto:a@x.cn\"},\"verb\":{\"id\":"
	        "\"x:a\"},\"object\":{\"id\":\"x:2\"}}";
	static const char hall[] =
	        "{\"actor\":{\"mbox\":\"mailto:kiosk@x.cn\"},\"verb\":{\"id\":"
	        "\"" GT_DEED_VISITED "\"},\"object\":{\"id\":\"x:2\"}}";
	open_it(&d, first);
	open_it(&e, second);
	uint64_t v = gt_deed_visit(&d, 0, key, "2025-11-04", id);
	assert_true(v == gt_deed_visit(&e, 0, key, "2025-11-04", other_id));
	assert_true(v != gt_deed_visit(&e, 0, key, "2025-11-05", id));
	gt_deed_close(&e);
	open_it(&e, elsewhere);
	assert_true(v != gt_deed_visit(&e, 0, key, "2025-11-04", id));
	gt_deed_close(&e);
	open_it(&e, hall);
	v = gt_deed_visit(&e, 0, key, "2025-11-04", id);
	assert_true(v == gt_deed_visit(&e, 0, key, "2025-11-05", id));
	assert_true(v != gt_deed_visit(&e, 0, key, "2025-11-04", other_id));
	gt_deed_close(&e);
	gt_deed_close(&d);
}

static void a_day_is_that_of_china(void **state)
{
	(void)state;
	char day[GT_DEED_DAY];
	gt_deed_day(day, 1762271999999); /* 2025-11-04T15:59:59.999Z */
	assert_string_equal(day, "2025-11-04");
	gt_deed_day(day, 1762272000000);
	assert_string_equal(day, "2025-11-05");
	gt_deed_day(day, INT64_MAX);
	assert_string_equal(day, "9999-12-31");
	gt_deed_day(day, INT64_MIN);
	assert_string_equal(day, "0000-01-01");
}

static void what_is_no_statement_is_said(void **state)
{
	(void)state;
	struct gt_deed d;
	static const char *const bad[] = {"", "[]", "3", "{", "{\"a\":}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(gt_deed_open(&d, gt_bytes_str(bad[i]), key),
		                 -GT_EINVALID);
		assert_null(d.statement);
	}
	/* of other types than they should be */
	open_it(&d, "{\"actor\":[],\"verb\":3,\"object\":\"x\",\"result\":[],"
	            "\"timestamp\":{}}");
	assert_string_equal(d.verb, "");
	gt_deed_close(&d);
}

static void no_memory_is_said(void **state)
{
	(void)state;
	static const char text[] =
	        "{\"actor\":{\"mbox\":\"mailto:a@x.cn\"},\"verb\":{\"id\":"
	        "\"x:a\"},\"object\":{\"id\":\"x:1\"}}";
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_deed d;
		int status = gt_deed_open(&d, gt_bytes_str(text), key);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
		gt_deed_close(&d);
	}
}

int main(void)
{
	nomem_json();
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(durations_are_added_up),
	        cmocka_unit_test(an_activity_is_about_a_resource_or_a_subject),
	        cmocka_unit_test(a_statement_says_what_it_counts_as),
	        cmocka_unit_test(
	                learners_are_told_apart_by_their_canonical_names),
	        cmocka_unit_test(a_group_has_no_more_learners_than_have_room),
	        cmocka_unit_test(a_visit_is_a_learner_an_activity_a_day),
	        cmocka_unit_test(a_day_is_that_of_china),
	        cmocka_unit_test(what_is_no_statement_is_said),
	        cmocka_unit_test(no_memory_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
