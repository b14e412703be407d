/* u_document.c: keys, preconditions and merging of documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "json.h"

/* ------------------------------------------------------------- agents */

static char *agent(const char *json, int *status)
{
	struct gt_buffer out = {0};
	char why[300] = "";
	*status = gt_document_agent(&out, gt_bytes_str(json), why, sizeof why);
	if (*status != 0) {
		gt_buffer_free(&out);
		assert_true(*why);
		return strdup(why);
	}
	return gt_buffer_text(&out, NULL);
}

static void same(const char *a, const char *b, bool want)
{
	int s, t;
	char *x = agent(a, &s), *y = agent(b, &t);
	assert_int_equal(s, 0);
	assert_int_equal(t, 0);
	assert_int_equal(strcmp(x, y) == 0, want);
	free(x);
	free(y);
}

static void one_learner_one_form(void **state)
{
	(void)state;
	same("{\"mbox\":\"mailto:a@example.cn\"}",
	     "{\"name\":\"A\",\"objectType\":\"Agent\","
	     "\"mbox\":\"mailto:a@EXAMPLE.cn\"}",
	     true);
	same("{\"mbox\":\"mailto:a@example.cn\"}",
	     "{\"mbox\":\"mailto:A@example.cn\"}", false);
	same("{\"mbox_sha1sum\":\"ABCDEFabcdef00112233445566778899aabbccdd\"}",
	     "{\"mbox_sha1sum\":\"abcdefABCDEF00112233445566778899AABBCCDD\"}",
	     true);
	same("{\"openid\":\"HTTPS://Id.Example.cn/A\"}",
	     "{\"openid\":\"https://id.example.cn/A\"}", true);
	same("{\"openid\":\"https://id.example.cn/A\"}",
	     "{\"openid\":\"https://id.example.cn/a\"}", false);
	same("{\"account\":{\"homePage\":\"http://X.cn/h\",\"name\":\"n\"}}",
	     "{\"account\":{\"name\":\"n\",\"homePage\":\"http://x.cn/h\"}}",
	     true);
	same("{\"account\":{\"homePage\":\"http://x.cn/h\",\"name\":\"n\"}}",
	     "{\"account\":{\"homePage\":\"http://x.cn/h\",\"name\":\"N\"}}",
	     false);
	/* no name is another's home page */
	same("{\"account\":{\"homePage\":\"http://x.cn/\",\"name\":\"a b\"}}",
	     "{\"account\":{\"homePage\":\"http://x.cn/a\",\"name\":\"b\"}}",
	     false);
	same("{\"objectType\":\"Group\",\"mbox\":\"mailto:a@example.cn\"}",
	     "{\"mbox\":\"mailto:a@example.cn\"}", false);
}

static void known_by_the_sum_of_his_address(void **state)
{
	struct gt_buffer out = {0};
	uint8_t sum[GT_SHA1_BYTES];
	char json[100], hex[41], why[200];
	(void)state;
	gt_sha1(sum, gt_bytes_str("mailto:a@example.cn"));
	gt_hex(hex, sum, sizeof sum);
	gt_format(json, sizeof json, "{\"mbox_sha1sum\":\"%s\"}", hex);
	assert_int_equal(
	        gt_document_agent(&out, gt_bytes_str(json), why, sizeof why),
	        0);
	same(json, "{\"mbox\":\"mailto:a@example.cn\"}", true);
	gt_buffer_free(&out);
}

static void no_agents(void **state)
{
	static const char *const rows[] = {
	        "",
	        "true",
	        "not JSON",
	        "{}",
	        "[]",
	        "{\"name\":\"A\"}",
	        "{\"mbox\":\"a@b.cn\"}",
	        "{\"mbox\":\"mailto:a@b.cn\",\"openid\":\"http://a.cn/\"}",
	        "{\"objectType\":\"Group\",\"member\":[]}",
	        "{\"objectType\":\"Person\",\"mbox\":\"mailto:a@b.cn\"}",
	        "{\"account\":{\"name\":\"n\"}}"};
	int status;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		free(agent(rows[i], &status));
		assert_int_equal(status, -GT_EINVALID);
	}
	char *long_one = malloc(GT_TEXT_MAX + 2);
	memset(long_one, ' ', GT_TEXT_MAX + 1);
	long_one[GT_TEXT_MAX + 1] = '\0';
	free(agent(long_one, &status));
	assert_int_equal(status, -GT_ELIMIT);
	free(long_one);
}

static void keys(void **state)
{
	static const char uuid[] = "01234567-89ab-cdef-0123-456789abcdef";
	const struct {
		struct gt_document_key key;
		bool fits;
	} rows[] = {
	        {{GT_DOCUMENT_STATE, "http://a.cn/", "sha1:x", "", "b"}, true},
	        {{GT_DOCUMENT_STATE, "http://a.cn/", "sha1:x", uuid, "b"},
	         true},
	        {{GT_DOCUMENT_STATE, "http://a.cn/", "sha1:x", "", NULL}, true},
	        {{GT_DOCUMENT_STATE, "http://a.cn/", "sha1:x", "", ""}, false},
	        {{GT_DOCUMENT_STATE, "http://a.cn/", "sha1:x", "1", "b"},
	         false},
	        {{GT_DOCUMENT_STATE, "no IRI", "sha1:x", "", "b"}, false},
	        {{GT_DOCUMENT_STATE, "http://a.cn/", "", "", "b"}, false},
	        {{GT_DOCUMENT_AGENT, "", "sha1:x", "", "b"}, true},
	        {{GT_DOCUMENT_AGENT, "http://a.cn/", "sha1:x", "", "b"}, false},
	        {{GT_DOCUMENT_AGENT, "", "sha1:x", uuid, "b"}, false},
	        {{GT_DOCUMENT_ACTIVITY, "http://a.cn/", "", "", "b"}, true},
	        {{GT_DOCUMENT_ACTIVITY, "http://a.cn/", "x", "", "b"}, false},
	        {{0, "http://a.cn/", "x", "", "b"}, false},
	        {{4, "http://a.cn/", "x", "", "b"}, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(gt_document_unfit(&rows[i].key) == NULL,
		                 rows[i].fits);
	assert_string_equal(gt_document_owner(&rows[0].key), "sha1:x");
	assert_string_equal(gt_document_owner(&rows[10].key), "http://a.cn/");
}

/* ------------------------------------------------------ preconditions */

static void tags(void **state)
{
	static const char tag[] =
	        "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"";
	char etag[GT_ETAG_TEXT];
	(void)state;
	gt_document_etag(etag, (struct gt_bytes){0});
	assert_string_equal(etag, tag);
	assert_true(gt_document_named("*", tag));
	assert_false(gt_document_named("*", NULL));
	assert_true(gt_document_named(tag, tag));
	assert_false(gt_document_named(tag, NULL));
	assert_true(gt_document_named(
	        "da39a3ee5e6b4b0d3255bfef95601890afd80709", tag));
	assert_true(gt_document_named(
	        "\"1234\" , W/\"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\"",
	        tag));
	assert_false(gt_document_named("\"1234\"", tag));
	assert_false(gt_document_named("", tag));
	assert_false(gt_document_named(",,", tag));
	assert_false(gt_document_named("\"", tag));
}

static void may(void **state)
{
	static const char tag[] =
	        "\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"";
	static const enum gt_document_guard N = GT_GUARD_NONE,
	                                    T = GT_GUARD_THERE,
	                                    A = GT_GUARD_ALWAYS;
	static const enum gt_document_verb PUT = GT_DOCUMENT_PUT,
	                                   POST = GT_DOCUMENT_POST;
	const struct {
		enum gt_document_verb verb;
		enum gt_document_guard guard;
		const char *match, *no_match, *etag;
		int want;
	} rows[] = {
	        {PUT, N, NULL, NULL, NULL, 0},
	        {PUT, N, NULL, NULL, tag, 0},
	        {PUT, T, NULL, NULL, NULL, 0},
	        {PUT, T, NULL, NULL, tag, -GT_ECONFLICT},
	        {PUT, A, NULL, NULL, NULL, -GT_EINVALID},
	        {PUT, A, NULL, NULL, tag, -GT_ECONFLICT},
	        {PUT, A, tag, NULL, tag, 0},
	        {PUT, A, "\"1\"", NULL, tag, -GT_ESTALE},
	        {PUT, A, tag, NULL, NULL, -GT_ESTALE},
	        {PUT, A, NULL, "*", NULL, 0},
	        {PUT, A, NULL, "*", tag, -GT_ESTALE},
	        {PUT, A, NULL, "\"1\"", tag, 0},
	        {POST, A, NULL, NULL, tag, 0},
	        {POST, T, "\"1\"", NULL, tag, -GT_ESTALE},
	        {GT_DOCUMENT_DELETE, A, NULL, NULL, tag, 0},
	        {GT_DOCUMENT_DELETE, A, "\"1\"", NULL, tag, -GT_ESTALE},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char why[200] = "";
		struct gt_document_edit e = {.verb = rows[i].verb,
		                             .guard = rows[i].guard,
		                             .if_match = rows[i].match,
		                             .if_no_match = rows[i].no_match};
		assert_int_equal(
		        gt_document_may(&e, rows[i].etag, why, sizeof why),
		        rows[i].want);
		assert_int_equal(*why != '\0', rows[i].want != 0);
	}
}

/* -------------------------------------------------------------- merge */

static char *merged(const char *a, const char *b, int want)
{
	struct gt_buffer out = {0};
	char why[300] = "";
	int status = gt_document_merge(&out, gt_bytes_str(a), gt_bytes_str(b),
	                               why, sizeof why);
	assert_int_equal(status, want);
	assert_int_equal(*why != '\0', want != 0);
	if (status == 0)
		return gt_buffer_text(&out, NULL);
	gt_buffer_free(&out);
	return NULL;
}

static void merge(void **state)
{
	static const struct {
		const char *a, *b, *out;
	} rows[] = {
	        {"{}", "{}", "{}"},
	        {"{\"a\":1}", "{\"a\":2}", "{\"a\":2}"},
	        {" { \"a\" : 1.00 , \"b\":[1, 2] } ", "{\"c\": null}",
	         "{\"a\":1.00,\"b\":[1, 2],\"c\":null}"},
	        {"{\"a\":{\"x\":1},\"b\":2}", "{\"a\":{\"y\":1}}",
	         "{\"a\":{\"y\":1},\"b\":2}"},
	        /* one name, however it is written */
	        {"{\"\\u0061\":1}", "{\"a\":2}", "{\"\\u0061\":2}"},
	        {"\xef\xbb\xbf{\"a\":1}", "{}", "{\"a\":1}"},
	        {"{\"a\":\"\\u0000\"}", "{\"b\":1}",
	         "{\"a\":\"\\u0000\",\"b\":1}"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = merged(rows[i].a, rows[i].b, 0);
		assert_string_equal(text, rows[i].out);
		free(text);
	}
	merged("[]", "{}", -GT_EINVALID);
	merged("{}", "[]", -GT_EINVALID);
	merged("{}", "{", -GT_EINVALID);
	merged("{\"a\":1,\"a\":2}", "{}", -GT_EINVALID);
	merged("{}", "1", -GT_EINVALID);
	char deep[300] = "{\"a\":";
	for (int i = 0; i < 80; i++)
		strcat(deep, "[");
	for (int i = 0; i < 80; i++)
		strcat(deep, "]");
	strcat(deep, "}");
	merged(deep, "{}", -GT_EINVALID);
}

static void merge_has_a_limit(void **state)
{
	char *big = malloc(GT_DOCUMENT_MAX);
	(void)state;
	memset(big, 'x', GT_DOCUMENT_MAX);
	memcpy(big, "{\"a\":\"", 6);
	memcpy(big + GT_DOCUMENT_MAX - 4, "\"}\0", 3);
	free(merged(big, "{}", 0));
	merged(big, "{\"b\":1234}", -GT_ELIMIT);
	free(big);
}

static uint32_t draw(uint32_t *seed, uint32_t most)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % most;
}

/* Against jansson's own update, which has the same rule for names. */
static void merge_as_another_does_it(void **state)
{
	uint32_t seed = 7;
	(void)state;
	for (int round = 0; round < 3000; round++) {
		json_t *v[2];
		char *text[2];
		for (int i = 0; i < 2; i++) {
			v[i] = json_object();
			for (uint32_t k = draw(&seed, 9); k > 0; k--) {
				char key[8];
				gt_format(key, sizeof key, "k%u",
				          draw(&seed, 7));
				json_object_set_new(
				        v[i], key,
				        draw(&seed, 2)
				                ? json_integer(draw(&seed, 99))
				                : json_pack("{s:i}", key,
				                            draw(&seed, 9)));
			}
			text[i] = json_dumps(v[i], draw(&seed, 2)
			                                   ? JSON_COMPACT
			                                   : JSON_INDENT(2));
		}
		char *out = merged(text[0], text[1], 0);
		json_t *got = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
		json_object_update(v[0], v[1]);
		assert_true(json_equal(got, v[0]));
		free(out);
		json_decref(got);
		for (int i = 0; i < 2; i++) {
			json_decref(v[i]);
			free(text[i]);
		}
	}
}

static void types(void **state)
{
	(void)state;
	assert_true(gt_document_is_json("application/json"));
	assert_true(gt_document_is_json("Application/JSON; charset=utf-8"));
	assert_false(gt_document_is_json("application/json5"));
	assert_false(gt_document_is_json("application/octet-stream"));
	assert_false(gt_document_is_json(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_learner_one_form),
	        cmocka_unit_test(known_by_the_sum_of_his_address),
	        cmocka_unit_test(no_agents),
	        cmocka_unit_test(keys),
	        cmocka_unit_test(tags),
	        cmocka_unit_test(may),
	        cmocka_unit_test(merge),
	        cmocka_unit_test(merge_has_a_limit),
	        cmocka_unit_test(merge_as_another_does_it),
	        cmocka_unit_test(types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
