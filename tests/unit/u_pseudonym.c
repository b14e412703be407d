/* u_pseudonym.c: keys and their periods, aliases, names made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nomem.h"
#include "pseudonym.h"

static struct gt_pseudonym_key key(const char *scope, uint32_t number,
                                   int64_t from, int64_t until)
{
	struct gt_pseudonym_key k = {
	        .number = number, .from_ms = from, .until_ms = until};
	gt_copy(k.scope, sizeof k.scope, scope);
	memset(k.secret, (int)number, sizeof k.secret);
	return k;
}

static uint32_t at(const struct gt_pseudonym_key *k, size_t n, const char *code,
                   int64_t ms)
{
	const struct gt_pseudonym_key *f = gt_pseudonym_key_at(k, n, code, ms);
	return f ? f->number : 0;
}

static void a_record_takes_the_key_of_its_own_time(void **state)
{
	(void)state;
	const struct gt_pseudonym_key k[] = {
	        key("3301", 1, 0, 1000), key("3301", 2, 1000, 2000),
	        key("3301", 4, 3000, INT64_MAX), key("330106", 9, 0, INT64_MAX),
	        key("3302", 7, 0, INT64_MAX)};
	assert_int_equal(at(k, 5, "330106", 0), 1);
	assert_int_equal(at(k, 5, "330106", 999), 1);
	assert_int_equal(at(k, 5, "330106", 1000), 2);
	assert_int_equal(at(k, 5, "330106", 2500), 4); /* nobody's: the next */
	assert_int_equal(at(k, 5, "330106", -5), 1);
	assert_int_equal(at(k, 5, "330106", 9999), 4);
	assert_int_equal(at(k, 2, "330106", 9999), 2); /* the last */
	assert_int_equal(at(k + 3, 1, "330106", 5), 9);
	assert_int_equal(at(k, 5, "3302", 5), 7);
	assert_int_equal(at(k, 5, "33", 5), 0);
	assert_int_equal(at(k, 0, "3301", 5), 0);
}

static void periods_that_overlap_give_the_newest(void **state)
{
	(void)state;
	const struct gt_pseudonym_key k[] = {key("33", 1, 0, INT64_MAX),
	                                     key("33", 2, 0, INT64_MAX)};
	assert_int_equal(at(k, 2, "33", 5), 2);
}

static struct gt_aliases *read(const char *text)
{
	struct gt_aliases *a;
	char why[200];
	assert_int_equal(
	        gt_aliases_new(&a, gt_bytes_str(text), why, sizeof why), 0);
	return a;
}

static bool find(const struct gt_aliases *a, const char *name, char out[100])
{
	struct gt_canon c = {0};
	struct gt_bytes k, texts;
	assert_int_equal(gt_canon_written(&c, name, strlen(name)), 0);
	bool is = gt_aliases_find(a, &c, &k, &texts);
	gt_canon_free(&c);
	if (is)
		gt_format(out, 100, "%.*s", (int)k.n, (const char *)k.p);
	return is;
}

static void an_operator_says_who_is_one(void **state)
{
	(void)state;
	char one[100], other[100];
	struct gt_aliases *a =
	        read("# who is who\n"
	             "https://x.example|Alice mailto:alice@example.cn "
	             "tel:+8613800001111 33010619900101123X\n"
	             "\n"
	             "bob\tmailto:bob@example.cn # the other\r\n");
	assert_true(find(a, "https://X.example/|alice", one));
	assert_true(find(a, "mailto:ALICE@example.cn", other));
	assert_string_equal(one, other);
	/* an account of any home page, in any spelling */
	assert_true(find(a, "https://other.example|138 0000 1111", other));
	assert_string_equal(one, other);
	assert_true(find(a, "https://o.example|３３010619900101123x", other));
	assert_string_equal(one, other);
	assert_true(find(a, "mailto:bob@example.cn", other));
	assert_string_equal(other, "n:bob");
	assert_false(find(a, "https://other.example|alice", other));
	gt_aliases_free(a);
	assert_false(find(NULL, "bob", other));
}

static void refused(const char *text, const char *part)
{
	struct gt_aliases *a;
	char why[200];
	assert_int_equal(
	        gt_aliases_new(&a, gt_bytes_str(text), why, sizeof why),
	        -GT_EINVALID);
	assert_null(a);
	if (!strstr(why, part))
		fail_msg("%s", why);
}

static void a_bad_line_is_named_and_not_quoted(void **state)
{
	(void)state;
	refused("a b\nmailto:\n", "line 2");
	refused("sha1:", "line 1");
	refused("a b\nc a\n", "share a name");
	struct gt_aliases *a = read("a a A\n");
	gt_aliases_free(a);
}

static void pseudonyms_are_of_key_and_person(void **state)
{
	(void)state;
	struct gt_pseudonym_key k[2] = {key("3301", 1, 0, INT64_MAX),
	                                key("3301", 2, 0, INT64_MAX)};
	struct gt_pseudonyms p = {.key = &k[0]}, q = {.key = &k[1]};
	char a[GT_PSEUDONYM_CHARS], b[GT_PSEUDONYM_CHARS],
	        name[GT_PSEUDONYM_NAME], home[GT_PSEUDONYM_HOME];
	gt_pseudonym(a, &p, "agent", gt_bytes_str("x"));
	gt_pseudonym(b, &p, "agent", gt_bytes_str("x"));
	assert_string_equal(a, b);
	/* printf 'guantong pseudonym v1\n3301\nagent\nx' | openssl dgst -sha256
	 * -mac HMAC -macopt hexkey:0101...01 */
	assert_string_equal(a, "524877233f870c9847a02f3d0d5b37b9831a63a3");
	gt_pseudonym(b, &p, "agent", gt_bytes_str("y"));
	assert_string_not_equal(a, b);
	gt_pseudonym(b, &p, "iri", gt_bytes_str("x"));
	assert_string_not_equal(a, b);
	gt_pseudonym(b, &q, "agent", gt_bytes_str("x"));
	assert_string_not_equal(a, b);
	gt_pseudonym_name(name, &k[1]);
	assert_string_equal(name, "3301.2");
	gt_pseudonym_home(home, &k[1]);
	assert_string_equal(home, "https://pseudonyms.invalid/3301/2");
}

static void no_memory_is_said(void **state)
{
	(void)state;
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_aliases *a;
		char why[200];
		int status = gt_aliases_new(
		        &a, gt_bytes_str("a b c\nmailto:d@e f\n"), why,
		        sizeof why);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
		gt_aliases_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_record_takes_the_key_of_its_own_time),
	        cmocka_unit_test(periods_that_overlap_give_the_newest),
	        cmocka_unit_test(an_operator_says_who_is_one),
	        cmocka_unit_test(a_bad_line_is_named_and_not_quoted),
	        cmocka_unit_test(pseudonyms_are_of_key_and_person),
	        cmocka_unit_test(no_memory_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
