/* one person, wherever he is met: src/xapi/person.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "json.h"
#include "person.h"

static enum gt_person_met met(struct gt_person *p, const char *text)
{
	json_error_t error;
	json_t *v = gt_json_load(gt_bytes_str(text), 0, &error);
	assert_non_null(v);
	enum gt_person_met m = gt_person_in(p, v);
	json_decref(v);
	return m;
}

#define STATEMENT(actor, more)                                 \
	"{\"actor\":" actor ",\"verb\":{\"id\":\"http://v\"}," \
	"\"object\":{\"id\":\"http://a\"}" more "}"
#define BOX(text) "{\"mbox\":\"" text "\"}"
#define OTHER     BOX("mailto:wang@b.cn")

/* The same one in each spelling and each place; another one in none. */
static void is_met(void **state)
{
	static const struct {
		const char *text;
		enum gt_person_met as;
	} rows[] = {
	        {STATEMENT(BOX("mailto:li@b.cn"), ""), GT_PERSON_AGENT},
	        {STATEMENT(BOX("MAILTO:Li%40B.cn"), ""), GT_PERSON_AGENT},
	        {STATEMENT("{\"mbox_sha1sum\":"
	                   "\"0f18af6b7ef0f5cd89ba5d2a21c9fd44e3a0d4c6\"}",
	                   ""),
	         GT_PERSON_NOT},
	        {STATEMENT(OTHER, ",\"context\":{\"instructor\":" BOX(
	                                  "mailto:li@b.cn") "}"),
	         GT_PERSON_AGENT},
	        {STATEMENT(OTHER, ",\"context\":{\"team\":{\"objectType\":"
	                          "\"Group\",\"member\":[" BOX(
	                                  "mailto:li@b.cn") "]}}"),
	         GT_PERSON_AGENT},
	        {STATEMENT("{\"account\":{\"homePage\":\"http://h\","
	                   "\"name\":\"li@b.cn\"}}",
	                   ""),
	         GT_PERSON_AGENT},
	        {STATEMENT(OTHER, ",\"result\":{\"response\":"
	                          "\"write to Li@b.cn today\"}"),
	         GT_PERSON_TEXT},
	        {STATEMENT(OTHER, ",\"result\":{\"response\":"
	                          "\"bGlAYi5jbg==\"}"),
	         GT_PERSON_TEXT},
	        {STATEMENT(OTHER, ",\"result\":{\"extensions\":"
	                          "{\"http://x/li@b.cn\":1}}"),
	         GT_PERSON_TEXT},
	        {STATEMENT(OTHER, ""), GT_PERSON_NOT},
	        {STATEMENT(OTHER, ",\"result\":{\"response\":"
	                          "\"13800001111 zhang@b.cn\"}"),
	         GT_PERSON_NOT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_person p = {0};
		assert_int_equal(gt_person_name(&p, "li@b.cn"), 0);
		print_message("  %s\n", rows[i].text);
		assert_int_equal(met(&p, rows[i].text), rows[i].as);
		gt_person_free(&p);
	}
}

static void by_the_hash_of_a_mailbox(void **state)
{
	struct gt_person p = {0};
	(void)state;
	assert_int_equal(gt_person_name(&p, "mailto:li@b.cn"), 0);
	/* printf mailto:li@b.cn | sha1sum */
	assert_int_equal(
	        met(&p,
	            STATEMENT("{\"mbox_sha1sum\":"
	                      "\"d75b2722082e4230e08c8123432e8bc8f3d76689\"}",
	                      "")),
	        GT_PERSON_AGENT);
	gt_person_free(&p);
}

static void by_all_that_his_line_says(void **state)
{
	static const char file[] = "# who is who\n"
	                           "mailto:li@b.cn http://h|330106-7\n"
	                           "mailto:wang@b.cn\n";
	struct gt_aliases *a;
	struct gt_person p = {0};
	char why[200];
	(void)state;
	assert_int_equal(
	        gt_aliases_new(&a, gt_bytes_str(file), why, sizeof why), 0);
	p.aliases = a;
	assert_int_equal(gt_person_name(&p, "http://h|330106-7"), 0);
	assert_int_equal(met(&p, STATEMENT(BOX("mailto:LI@b.cn"), "")),
	                 GT_PERSON_AGENT);
	assert_int_equal(met(&p, STATEMENT(OTHER, ",\"id\":\"li@b.cn\"")),
	                 GT_PERSON_TEXT);
	assert_int_equal(met(&p, STATEMENT(OTHER, "")), GT_PERSON_NOT);
	gt_person_free(&p);
	gt_aliases_free(a);
}

static void what_names_nobody(void **state)
{
	struct gt_person p = {0};
	char text[GT_PERSON_NAME + 2];
	(void)state;
	assert_int_equal(gt_person_name(&p, ""), -GT_EINVALID);
	assert_int_equal(gt_person_name(&p, "  "), -GT_EINVALID);
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(gt_person_name(&p, text), -GT_ELIMIT);
	gt_person_free(&p);
	for (int i = 0; i < GT_PERSON_NAMES; i++)
		assert_int_equal(gt_person_name(&p, "li"), 0);
	assert_int_equal(gt_person_name(&p, "li"), -GT_ELIMIT);
	/* a short name counts where it stands alone */
	assert_int_equal(met(&p, "[\"li\"]"), GT_PERSON_TEXT);
	assert_int_equal(met(&p, "[\"listen\"]"), GT_PERSON_NOT);
	gt_person_free(&p);
	/* nor is one that goes on the same; in Chinese words stand together */
	assert_int_equal(gt_person_name(&p, "village-3"), 0);
	assert_int_equal(
	        gt_person_name(&p, "\xe7\x8e\x8b\xe5\xb0\x8f\xe7\xa3\x8a"), 0);
	assert_int_equal(met(&p, "[\"village-30\",\"my-village-3x\"]"),
	                 GT_PERSON_NOT);
	assert_int_equal(met(&p, "[\"the village-3!\"]"), GT_PERSON_TEXT);
	assert_int_equal(met(&p, "[\"\xe7\x8e\x8b\xe5\xb0\x8f\xe7\xa3\x8a"
	                         "\xe7\x9a\x84\xe8\xaf\xbe\"]"),
	                 GT_PERSON_TEXT);
	gt_person_free(&p);
}

static void in_what_is_no_json(void **state)
{
	static const uint8_t bytes[] = "PK\0\0 li@b.cn \xff";
	struct gt_person p = {0};
	(void)state;
	assert_int_equal(gt_person_name(&p, "li@b.cn"), 0);
	assert_int_equal(
	        gt_person_in_bytes(&p, gt_bytes_of(bytes, sizeof bytes - 1)),
	        GT_PERSON_TEXT);
	assert_int_equal(gt_person_in_bytes(&p, gt_bytes_of(bytes, 5)),
	                 GT_PERSON_NOT);
	assert_int_equal(gt_person_in_bytes(&p, gt_bytes_of(NULL, 0)),
	                 GT_PERSON_NOT);
	gt_person_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(is_met),
	        cmocka_unit_test(by_the_hash_of_a_mailbox),
	        cmocka_unit_test(by_all_that_his_line_says),
	        cmocka_unit_test(what_names_nobody),
	        cmocka_unit_test(in_what_is_no_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
