/* u_award.c: what is learned to its end, and what a rule asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "award.h"

#define ADL "http://adlnet.gov/expapi/verbs/"

static const struct gt_award_rule any = {"", "", "", -1};

static struct gt_about about;

static const struct gt_about *of(const char *actor, const char *verb,
                                 const char *object, const char *result)
{
	char text[1000];
	gt_about_close(&about);
	gt_format(text, sizeof text,
	          "{\"actor\":%s,\"verb\":{\"id\":\"%s\"},\"object\":{\"id\":"
	          "\"%s\"},\"result\":%s}",
	          actor, verb, object, result);
	assert_int_equal(gt_about_open(&about, gt_bytes_str(text)), 0);
	return &about;
}

#define LI "{\"mbox\":\"mailto:li@b.cn\"}"

static const struct gt_about *with(const char *result)
{
	return of(LI, ADL "completed", "http://o.cn/1", result);
}

static void learned_to_its_end(void **state)
{
	(void)state;
	assert_true(gt_award_fits(&any, with("{}")));
	assert_true(gt_award_fits(&any, with("{\"success\":true}")));
	assert_false(gt_award_fits(&any, with("{\"success\":false}")));
	assert_false(gt_award_fits(&any, with("{\"completion\":false}")));
	assert_true(gt_award_fits(
	        &any, of(LI, "https://w3id.org/xapi/adl/verbs/satisfied",
	                 "http://o.cn/1", "{}")));
	assert_false(gt_award_fits(
	        &any, of(LI, ADL "attempted", "http://o.cn/1", "{}")));
	assert_false(gt_award_fits(
	        &any, of(LI, "http://x.cn/completed", "http://o.cn/1", "{}")));
}

static void the_activity(void **state)
{
	(void)state;
	struct gt_award_rule r = any;
	r.activity = "http://o.cn/1";
	assert_true(gt_award_fits(&r, with("{}")));
	r.activity = "http://o.cn/2";
	assert_false(gt_award_fits(&r, with("{}")));
	r.activity = "http://o.cn/*";
	assert_true(gt_award_fits(&r, with("{}")));
}

static void the_score(void **state)
{
	static const struct {
		const char *result;
		bool fits;
	} rows[] = {
	        {"{}", false},
	        {"{\"score\":{\"scaled\":0.8}}", true},
	        {"{\"score\":{\"scaled\":1}}", true},
	        {"{\"score\":{\"scaled\":0.799}}", false},
	        {"{\"score\":{\"scaled\":-1}}", false},
	        {"{\"score\":{\"raw\":80,\"max\":100}}", true},
	        {"{\"score\":{\"raw\":79,\"max\":100}}", false},
	        {"{\"score\":{\"raw\":18,\"min\":10,\"max\":20}}", true},
	        {"{\"score\":{\"raw\":17,\"min\":10,\"max\":20}}", false},
	        {"{\"score\":{\"raw\":80}}", false},
	        {"{\"score\":{\"raw\":0,\"min\":0,\"max\":0}}", false},
	        {"{\"score\":{\"scaled\":0.9},\"success\":false}", false},
	};
	struct gt_award_rule r = any;
	(void)state;
	r.score = 800;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(gt_award_fits(&r, with(rows[i].result)),
		                 rows[i].fits);
	/* every thousandth is met by itself */
	for (int i = 0; i <= 1000; i++) {
		char text[64];
		r.score = i;
		gt_format(text, sizeof text, "{\"score\":{\"scaled\":%.3f}}",
		          i / 1000.0);
		assert_true(gt_award_fits(&r, with(text)));
	}
}

static void worth_reading(void **state)
{
	(void)state;
	assert_true(gt_award_maybe(
	        gt_bytes_str("{\"id\":\"http:\\/\\/adlnet.gov\\/expapi\\/verbs"
	                     "\\/passed\"}")));
	assert_true(gt_award_maybe(gt_bytes_str("completed")));
	assert_true(gt_award_maybe(gt_bytes_str("ccompcompleted")));
	assert_false(gt_award_maybe(gt_bytes_str("complete")));
	assert_false(gt_award_maybe(gt_bytes_str("")));
	assert_false(gt_award_maybe((struct gt_bytes){0}));
}

static const uint8_t secret[2][GT_ID_BYTES] = {{1}, {2}};

static int key_of(struct gt_id *out, const struct gt_about *a)
{
	return gt_award_key(out, a, secret[0]);
}

static void one_for_each_learner_and_activity(void **state)
{
	struct gt_id first, other;
	(void)state;
	assert_int_equal(key_of(&first, with("{}")), 0);
	assert_int_equal(
	        key_of(&other,
	               of("{\"mbox\":\"mailto:LI@B.cn\",\"name\":\"x\"}",
	                  ADL "passed", "http://o.cn/1", "{}")),
	        0);
	assert_true(gt_id_eq(&first, &other));
	assert_int_equal(
	        key_of(&other, of(LI, ADL "passed", "http://o.cn/2", "{}")), 0);
	assert_false(gt_id_eq(&first, &other));
	assert_int_equal(
	        key_of(&other, of("{\"mbox\":\"mailto:wang@b.cn\"}",
	                          ADL "passed", "http://o.cn/1", "{}")),
	        0);
	assert_false(gt_id_eq(&first, &other));
	assert_int_equal(
	        key_of(&other, of("{\"objectType\":\"Group\","
	                          "\"member\":[" LI "]}",
	                          ADL "passed", "http://o.cn/1", "{}")),
	        -GT_EINVALID);
	/* and nobody makes it who has no secret */
	assert_int_equal(gt_award_key(&other, with("{}"), secret[1]), 0);
	assert_false(gt_id_eq(&first, &other));
	gt_about_close(&about);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(learned_to_its_end),
	        cmocka_unit_test(the_activity),
	        cmocka_unit_test(the_score),
	        cmocka_unit_test(worth_reading),
	        cmocka_unit_test(one_for_each_learner_and_activity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
