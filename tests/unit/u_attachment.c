/* u_attachment.c: digests of every length, which attachments a statement names,
 * and whether a signature's payload is the statement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attachment.h"

#define H224 "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"
#define H256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define H384                                               \
	"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163" \
	"1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
#define H512                                                               \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

/* FIPS 180-2, "abc" */
static void digests(void **state)
{
	(void)state;
	static const char *const hex[] = {H224, H256, H384, H512};
	for (size_t i = 0; i < 4; i++) {
		struct gt_sha2 want, got, upper;
		struct gt_sha2_run run;
		char text[GT_SHA2_HEX];
		assert_true(gt_sha2_parse(&want, hex[i]));
		gt_sha2_begin(&run, want.n);
		gt_sha2_add(&run, gt_bytes_str("a"));
		gt_sha2_add(&run, gt_bytes_str(""));
		gt_sha2_add(&run, gt_bytes_str("bc"));
		gt_sha2_end(&run, &got);
		assert_true(gt_sha2_eq(&want, &got));
		gt_sha2_hex(text, &got);
		assert_string_equal(text, hex[i]);
		for (char *p = text; *p; p++)
			*p = *p >= 'a' ? (char)(*p - 32) : *p;
		assert_true(gt_sha2_parse(&upper, text));
		assert_true(gt_sha2_eq(&upper, &got));
		assert_true(gt_sha2_of(&upper, got.b, got.n));
		assert_false(gt_sha2_of(&upper, got.b, 20));
	}
	struct gt_sha2 none;
	assert_false(gt_sha2_parse(&none, ""));
	assert_false(gt_sha2_parse(&none, H224 "0"));
	assert_false(gt_sha2_parse(&none, H224 "00"));
	assert_false(gt_sha2_parse(&none, "zz097d223405d8228642a477bda255b32aad"
	                                  "bce4bda0b3f7e36c9da7"));
}

#define ACTOR  "\"actor\":{\"mbox\":\"mailto:a@b.cn\"}"
#define VERB   "\"verb\":{\"id\":\"http://v/1\"}"
#define OBJECT "\"object\":{\"id\":\"http://o/1\"}"
#define ATTACH(sha2, more)                                             \
	"{\"usageType\":\"http://u/1\",\"display\":{\"en\":\"d\"},"    \
	"\"contentType\":\"text/plain\",\"length\":3,\"sha2\":\"" sha2 \
	"\"" more "}"
#define SIGNED(sha2)                                              \
	"{\"usageType\":\"http://adlnet.gov/expapi/attachments/"  \
	"signature\",\"display\":{\"en\":\"s\"},\"contentType\":" \
	"\"application/octet-stream\",\"length\":3,\"sha2\":\"" sha2 "\"}"

static void named(void **state)
{
	(void)state;
	struct gt_attachments l = {0};
	struct gt_sha2 sha2;
	char type[2 * GT_MEDIA_TYPE_MAX] = "text/";
	memset(type + 5, 'x', GT_MEDIA_TYPE_MAX);
	assert_int_equal(
	        gt_attachments_add(
	                &l,
	                gt_bytes_str(
	                        "{" ACTOR "," VERB
	                        ",\"object\":{\"objectType\":"
	                        "\"SubStatement\"," ACTOR "," VERB "," OBJECT
	                        ",\"attachments\":[" ATTACH(
	                                H512,
	                                "") "]},"
	                                    "\"attachments\":[" ATTACH(
	                                            H256,
	                                            ",\"fileUrl\":"
	                                            "\"http://f/1\"") "," SIGNED(H224) "]}")),
	        0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0].path, "attachments[0]");
	assert_string_equal(l.v[0].type, "text/plain");
	assert_true(l.v[0].linked && !l.v[0].signs && !l.v[0].octets);
	assert_string_equal(l.v[1].path, "attachments[1]");
	assert_true(!l.v[1].linked && l.v[1].signs && l.v[1].octets);
	assert_string_equal(l.v[2].path, "object.attachments[0]");
	assert_true(l.v[2].sub);
	assert_true(gt_sha2_parse(&sha2, H512));
	assert_ptr_equal(gt_attachments_find(&l, &sha2), &l.v[2]);
	assert_true(gt_sha2_parse(&sha2, H384));
	assert_null(gt_attachments_find(&l, &sha2));
	gt_attachments_free(&l);
}

/* Names of JSON may be written in other ways than is usual. */
static void escaped(void **state)
{
	(void)state;
	struct gt_attachments l = {0};
	assert_int_equal(
	        gt_attachments_add(&l, gt_bytes_str("{\"attachments\":[{"
	                                            "\"s\\u0068a2\":\"" H256
	                                            "\"}]}")),
	        0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.v[0].type, "application/octet-stream");
	gt_attachments_free(&l);
}

/* What is no statement names nothing, and does no harm. */
static void odd(void **state)
{
	(void)state;
	static const char *const bodies[] = {
	        "",
	        "sha2",
	        "[\"sha2\"]",
	        "{\"attachments\":{\"sha2\":1}}",
	        "{\"attachments\":[1,{\"sha2\":1},{\"sha2\":\"00\"}]}",
	        "{\"object\":{\"attachments\":[{\"sha2\":\"" H256 "\"}]}}",
	};
	struct gt_attachments l = {0};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_int_equal(
		        gt_attachments_add(&l, gt_bytes_str(bodies[i])), 0);
	assert_int_equal(l.n, 0);
	gt_attachments_free(&l);
}

#define ID    "\"id\":\"5a4c7a3e-6a8a-4a3f-9b6e-0d1c2b3a4f50\""
#define OTHER "\"id\":\"6a4c7a3e-6a8a-4a3f-9b6e-0d1c2b3a4f50\""

static void signs(const char *statement, const char *payload, const char *why)
{
	char said[300] = "";
	int status =
	        gt_attachment_signs(gt_bytes_str(statement),
	                            gt_bytes_str(payload), said, sizeof said);
	assert_int_equal(status, *why ? -GT_EINVALID : 0);
	assert_string_equal(said, why);
}

static void signatures(void **state)
{
	(void)state;
	static const char another[] = "what it signs is another statement";
	static const char plain[] = "{" ACTOR "," VERB "," OBJECT "}";
	static const char ours[] = "{" ID "," ACTOR "," VERB "," OBJECT
	                           ",\"attachments\":[" SIGNED(H256) "]}";
	signs(ours, "{" ID "," ACTOR "," VERB "," OBJECT "}", "");
	signs(ours, plain, "");
	/* what means nothing may differ */
	signs(ours,
	      "{" OBJECT "," VERB ",\"version\":\"1.0.0\",\"actor\":{"
	      "\"objectType\":\"Agent\",\"mbox\":\"mailto:a@b.cn\"}}",
	      "");
	signs("{" ACTOR "," VERB "," OBJECT ",\"result\":{\"duration\":"
	      "\"PT1.239S\"},\"attachments\":[" SIGNED(H256) "]}",
	      "{" ACTOR "," VERB "," OBJECT
	      ",\"result\":{\"duration\":\"PT1.23S\"}}",
	      "");
	signs("{" ACTOR "," VERB "," OBJECT ",\"result\":{\"duration\":"
	      "\"PT1.249S\"},\"attachments\":[" SIGNED(H256) "]}",
	      "{" ACTOR "," VERB "," OBJECT
	      ",\"result\":{\"duration\":\"PT1.23S\"}}",
	      another);
	signs(ours, "{" OTHER "," ACTOR "," VERB "," OBJECT "}", another);
	signs(ours, "{" ACTOR "," OBJECT ",\"verb\":{\"id\":\"http://v/2\"}}",
	      another);
	/* a duration counts to its hundredths (1.0.3 part two, 4.6) */
#define LASTS(d) ",\"result\":{\"duration\":\"" d "\"}"
	signs("{" ACTOR "," VERB "," OBJECT LASTS("PT0.1237S") "}",
	      "{" ACTOR "," VERB "," OBJECT LASTS("PT0.12S") "}", "");
	signs("{" ACTOR "," VERB "," OBJECT LASTS("PT0.1237S") "}",
	      "{" ACTOR "," VERB "," OBJECT LASTS("PT0.13S") "}", another);
	/* other attachments are part of what is signed */
	signs("{" ACTOR "," VERB "," OBJECT
	      ",\"attachments\":[" ATTACH(H384, "") "," SIGNED(H256) "]}",
	      "{" ACTOR "," VERB "," OBJECT
	      ",\"attachments\":[" ATTACH(H384, "") "]}",
	      "");
	signs("{" ACTOR "," VERB "," OBJECT
	      ",\"attachments\":[" ATTACH(H384, "") "," SIGNED(H256) "]}",
	      plain, another);
	signs(ours, "{'id'}",
	      "what it signs is not a statement: not a JSON object");
	signs(ours, "[]",
	      "what it signs is not a statement: not a JSON object");
	signs(ours, "{}",
	      "what it signs is not a statement: actor: is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(digests),    cmocka_unit_test(named),
	        cmocka_unit_test(escaped),    cmocka_unit_test(odd),
	        cmocka_unit_test(signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
