/* u_keyring.c: the file of secrets under which records lose their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keyring.h"

#define HEX16 "00112233445566778899aabbccddeeff"

static int parse(struct gt_keyring *r, const char *text, char why[300])
{
	return gt_keyring_parse(r, gt_bytes_str(text), why, 300);
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	struct gt_keyring a = {.n = 0}, b;
	struct gt_buffer text = {0};
	char why[300];
	assert_true(gt_keyring_add(&a, "3301", 1000));
	assert_true(gt_keyring_add(&a, "33", 5000));
	assert_true(gt_keyring_add(&a, "3301", 9000));
	assert_int_equal(a.keys[0].until_ms, 9000);
	assert_int_equal(a.keys[1].until_ms, INT64_MAX);
	assert_int_equal(a.keys[2].number, 2);
	assert_memory_not_equal(a.keys[0].secret, a.keys[2].secret, 32);
	assert_true(gt_keyring_print(&a, &text));
	assert_int_equal(parse(&b, (const char *)text.p, why), 0);
	assert_int_equal(b.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(a.keys[i].scope, b.keys[i].scope);
		assert_int_equal(a.keys[i].number, b.keys[i].number);
		assert_int_equal(a.keys[i].from_ms, b.keys[i].from_ms);
		assert_int_equal(a.keys[i].until_ms, b.keys[i].until_ms);
		assert_memory_equal(a.keys[i].secret, b.keys[i].secret, 32);
	}
	gt_buffer_wipe(&text);
}

static void a_line_that_is_no_key_is_named_without_its_secret(void **state)
{
	(void)state;
	static const char *const rows[] = {
	        "3301 1 2026-01-01T00:00:00Z - " HEX16 HEX16 " more",
	        "3301 1 2026-01-01T00:00:00Z - " HEX16,
	        "3301 0 2026-01-01T00:00:00Z - " HEX16 HEX16,
	        "3301 1 yesterday - " HEX16 HEX16,
	        "3301 1 2026-01-01T00:00:00Z soon " HEX16 HEX16,
	        "zj 1 2026-01-01T00:00:00Z - " HEX16 HEX16,
	        "3301",
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_keyring r;
		char text[400], why[300] = "";
		gt_format(text, sizeof text, "# keys\n\n%s\n", rows[i]);
		assert_int_equal(parse(&r, text, why), -GT_EINVALID);
		assert_non_null(strstr(why, "3"));
		assert_null(strstr(why, "00112233"));
		assert_int_equal(r.n, 0);
	}
}

static void a_key_is_there_once(void **state)
{
	(void)state;
	struct gt_keyring r;
	char why[300];
	assert_int_equal(parse(&r,
	                       "33 1 2026-01-01T00:00:00Z - " HEX16 HEX16 "\n"
	                       "33 1 2027-01-01T00:00:00Z - " HEX16 HEX16 "\n",
	                       why),
	                 -GT_EINVALID);
}

static void no_more_than_may_be(void **state)
{
	(void)state;
	struct gt_keyring r = {.n = 0};
	for (int i = 0; i < GT_PSEUDONYM_KEYS; i++)
		assert_true(gt_keyring_add(&r, "33", i));
	assert_false(gt_keyring_add(&r, "33", 1000));
	r.n = 1;
	assert_false(gt_keyring_add(&r, "33", 0)); /* it begins then already */
}

static void a_key_goes_when_its_time_is_over(void **state)
{
	(void)state;
	struct gt_keyring r = {.n = 0};
	assert_true(gt_keyring_add(&r, "33", 0));
	assert_int_equal(gt_keyring_retire(&r, "33.1", 500), -GT_ESTATE);
	assert_true(gt_keyring_add(&r, "33", 1000));
	assert_int_equal(gt_keyring_retire(&r, "33.1", 500), -GT_ESTATE);
	assert_int_equal(gt_keyring_retire(&r, "33.9", 1000), -GT_EUNKNOWN);
	assert_int_equal(gt_keyring_retire(&r, "33.1", 1000), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.keys[0].number, 2);
	/* numbers are not given again */
	assert_true(gt_keyring_add(&r, "33", 2000));
	assert_int_equal(r.keys[1].number, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_written_is_read_back),
	        cmocka_unit_test(
	                a_line_that_is_no_key_is_named_without_its_secret),
	        cmocka_unit_test(a_key_is_there_once),
	        cmocka_unit_test(no_more_than_may_be),
	        cmocka_unit_test(a_key_goes_when_its_time_is_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
