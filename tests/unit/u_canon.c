/* u_canon.c: one spelling for whatever names a person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "canon.h"
#include "nomem.h"

static void check(const char *in, const char *out,
                  int (*canon)(struct gt_buffer *, const char *, size_t))
{
	struct gt_buffer b = {0};
	assert_int_equal(canon(&b, in, strlen(in)), 0);
	assert_string_equal((const char *)b.p, out);
	gt_buffer_free(&b);
}

static void every_spelling_has_one_text(void **state)
{
	(void)state;
	static const char *const same[] = {
	        "alice@例子.cn",          "ALICE@例子.CN",
	        "ＡＬＩＣＥ＠例子．ｃｎ", "%61lice%40%E4%BE%8B%E5%AD%90.cn",
	        "%2561lice@例子.cn",      "alice@xn--fsqu00a.cn",
	        "alice%40XN--FSQU00A.cn", "％61lice@例子.cn",
	        "alice\u200b@例子.cn", /* a space nobody sees */
	};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		check(same[i], "alice@例子.cn", gt_canon_text);
	check("e\u0301", "é", gt_canon_text);
	check("M\u00dcLLER@b\u00fccher.example", "müller@bücher.example",
	      gt_canon_text);
	check("müller@xn--bcher-kva.example", "müller@bücher.example",
	      gt_canon_text);
}

static void what_is_no_spelling_stays(void **state)
{
	(void)state;
	check("100%", "100%", gt_canon_text);
	check("a%zz%4", "a%zz%4", gt_canon_text);
	check("xn--", "xn--", gt_canon_text);
	check("xn--\x7f", "xn--\x7f", gt_canon_text);
	check("xn--99999999999", "xn--99999999999", gt_canon_text);
	check("A\xffZ", "a\xffz", gt_canon_text);
	check("a%00b", "a b", gt_canon_text);
	check("", "", gt_canon_text);
}

static void telephone_numbers_are_digits(void **state)
{
	(void)state;
	check("+86 138-0000-1111", "13800001111", gt_canon_name);
	check("tel:+8613800001111", "13800001111", gt_canon_name);
	check("１３８００００１１１１", "13800001111", gt_canon_name);
	check("(0571) 8796-0001", "057187960001", gt_canon_name);
	check("330106199001011234", "330106199001011234", gt_canon_name);
	check("33010619900101123X", "33010619900101123x", gt_canon_name);
	check("user-12", "user-12", gt_canon_name);
}

/* The key of an agent, of what an operator writes. */
static void agent_key(const char *json, char out[200])
{
	struct gt_canon c = {0};
	json_t *v = json_loads(json, 0, NULL);
	assert_non_null(v);
	assert_int_equal(gt_canon_agent(&c, v), 0);
	gt_format(out, 200, "%.*s", (int)c.key.n, (const char *)c.key.p);
	gt_canon_free(&c);
	json_decref(v);
}

static void written_key(const char *text, char out[200])
{
	struct gt_canon c = {0};
	assert_int_equal(gt_canon_written(&c, text, strlen(text)), 0);
	gt_format(out, 200, "%.*s", (int)c.key.n, (const char *)c.key.p);
	gt_canon_free(&c);
}

static void an_agent_and_what_an_operator_writes_have_one_key(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
	        {"{\"mbox\":\"mailto:Alice@Example.cn\"}",
	         "mailto:alice@example.cn"},
	        /* of "mailto:alice@example.cn" */
	        {"{\"mbox_sha1sum\":\"5D7BD8CB33A18BA4C74FDDE5CAD1E7EA"
	         "38F3FB15\"}",
	         "sha1:5d7bd8cb33a18ba4c74fdde5cad1e7ea38f3fb15"},
	        {"{\"openid\":\"https://ID.example/Alice/\"}",
	         "openid:https://id.example/alice"},
	        {"{\"account\":{\"homePage\":\"https://X.example/\","
	         "\"name\":\"Alice\"}}",
	         "https://x.example|ALICE"},
	};
	char a[200], b[200];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		agent_key(rows[i][0], a);
		written_key(rows[i][1], b);
		assert_string_equal(a, b);
		assert_true(*a);
	}
	agent_key("{\"objectType\":\"Group\",\"member\":[]}", a);
	assert_string_equal(a, "");
}

static void a_mailbox_and_its_hash_have_one_key(void **state)
{
	(void)state;
	char a[200], b[200];
	agent_key("{\"mbox\":\"mailto:%41LICE@example.cn\"}", a);
	/* printf mailto:alice@example.cn | sha1sum */
	agent_key("{\"mbox_sha1sum\":"
	          "\"a270678b5324ffe4e95ce6846d60cadf39182b5e\"}",
	          b);
	assert_string_equal(a, b);
}

static void no_memory_is_said(void **state)
{
	(void)state;
	static const char in[] =
	        "%61ＡＬＩＣＥ@xn--fsqu00a.cn|tel:+8613800001111";
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_canon c = {0};
		int status = gt_canon_written(&c, in, strlen(in));
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
		gt_canon_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_spelling_has_one_text),
	        cmocka_unit_test(what_is_no_spelling_stays),
	        cmocka_unit_test(telephone_numbers_are_digits),
	        cmocka_unit_test(
	                an_agent_and_what_an_operator_writes_have_one_key),
	        cmocka_unit_test(a_mailbox_and_its_hash_have_one_key),
	        cmocka_unit_test(no_memory_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
