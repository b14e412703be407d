/* u_proof.c: documents that carry their signature: W3C's own example to the
 * byte, every change refused, want of memory no verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "multikey.h"
#include "proof.h"

/* "Data Integrity EdDSA Cryptosuites v1.0", B.3 */
static const char example[] =
        "{\"@context\":[\"https://www.w3.org/ns/credentials/v2\","
        "\"https://www.w3.org/ns/credentials/examples/v2\"],"
        "\"id\":\"urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33\","
        "\"type\":[\"VerifiableCredential\",\"AlumniCredential\"],"
        "\"name\":\"Alumni Credential\","
        "\"description\":\"A minimum viable example of an Alumni "
        "Credential.\",\"issuer\":\"https://vc.example/issuers/5678\","
        "\"validFrom\":\"2023-01-01T00:00:00Z\",\"credentialSubject\":"
        "{\"id\":\"did:example:abcdefgh\","
        "\"alumniOf\":\"The School of Examples\"}}";
#define PUBLIC "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
#define SECRET "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
#define VALUE                                                   \
	"z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS9" \
	"3FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
static const struct gt_proof says = {.method = "did:key:" PUBLIC "#" PUBLIC,
                                     .created = "2023-02-24T23:36:38Z"};

static json_t *read_text(const char *text)
{
	json_t *v = gt_json_load(gt_bytes_of(text, strlen(text)),
	                         GT_JSON_STRICT, NULL);
	assert_non_null(v);
	return v;
}

/* The example's key: 80 26 and the seed. */
static struct gt_key example_key(void)
{
	struct gt_key key;
	uint8_t secret[2 + GT_KEY_BYTES];
	assert_true(gt_base58_parse(secret, sizeof secret, SECRET));
	assert_int_equal(gt_key_from_seed(&key, secret + 2), 0);
	return key;
}

static void set(json_t *document, const char *key, const char *value)
{
	json_t *proof = json_object_get(document, "proof");
	assert_int_equal(json_object_set_new(proof, key, json_string(value)),
	                 0);
}

static void keys_as_text(void **state)
{
	char text[GT_MULTIKEY_CHARS], of[GT_BASE58_CHARS];
	uint8_t public[GT_KEY_BYTES], zeros[5] = {0, 0, 1, 0, 255}, back[5];
	(void)state;
	struct gt_key key = example_key();
	gt_multikey_format(text, key.public);
	assert_string_equal(text, PUBLIC);
	assert_true(gt_multikey_parse(public, PUBLIC));
	assert_memory_equal(public, key.public, GT_KEY_BYTES);
	gt_base58_format(of, zeros, sizeof zeros);
	assert_true(gt_base58_parse(back, sizeof back, of));
	assert_memory_equal(back, zeros, sizeof zeros);
	/* what is no key: no base, a digit that is none, too short and long,
	 * another kind of key, zeros in front */
	static const char *const bad[] = {"",          &PUBLIC[1],    "z",
	                                  PUBLIC "2",  "z6Mk",        SECRET,
	                                  "z0" PUBLIC, "z1" PUBLIC,   "zl",
	                                  "u" PUBLIC,  "z6Mk\xc3\xa9"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_multikey_parse(public, bad[i]));
}

/* All lengths, with zeros in front. */
static void base58_there_and_back(void **state)
{
	uint8_t bytes[GT_BASE58_BYTES], back[GT_BASE58_BYTES];
	char text[GT_BASE58_CHARS];
	unsigned x = 7;
	(void)state;
	for (size_t n = 0; n <= sizeof bytes; n++) {
		for (size_t lead = 0; lead <= n && lead < 4; lead++) {
			for (size_t i = 0; i < n; i++) {
				x = x * 1103515245 + 12345;
				bytes[i] = i < lead ? 0 : (uint8_t)(x >> 16);
			}
			gt_base58_format(text, bytes, n);
			assert_true(gt_base58_parse(back, n, text));
			assert_memory_equal(back, bytes, n);
			if (n > 0)
				assert_false(
				        gt_base58_parse(back, n - 1, text));
		}
	}
}

static void the_example(void **state)
{
	const char *why;
	struct gt_proof read;
	(void)state;
	struct gt_key key = example_key();
	json_t *v = read_text(example);
	assert_int_equal(gt_proof_read(v, &read, &why), -GT_EMALFORMED);
	assert_int_equal(gt_proof_add(v, &key, &says), 0);
	assert_string_equal(
	        gt_json_member(json_object_get(v, "proof"), "proofValue"),
	        VALUE);
	assert_int_equal(gt_proof_add(v, &key, &says), -GT_EMALFORMED);
	/* as it goes out and comes back */
	char *text = json_dumps(v, JSON_INDENT(2));
	json_decref(v);
	v = read_text(text);
	free(text);
	assert_int_equal(gt_proof_check(v, key.public, &why), 0);
	assert_int_equal(gt_proof_read(v, &read, &why), 0);
	assert_string_equal(read.method, says.method);
	assert_string_equal(read.created, says.created);
	json_decref(v);
}

static void changes_are_refused(void **state)
{
	const char *why;
	(void)state;
	struct gt_key key = example_key(), other;
	uint8_t seed[GT_KEY_BYTES] = {1};
	assert_int_equal(gt_key_from_seed(&other, seed), 0);
	json_t *v = read_text(example);
	assert_int_equal(gt_proof_add(v, &key, &says), 0);
	assert_int_equal(gt_proof_check(v, other.public, &why), -GT_ESIGNATURE);
	json_t *subject = json_object_get(v, "credentialSubject");
	json_object_set_new(subject, "alumniOf", json_string("Another"));
	assert_int_equal(gt_proof_check(v, key.public, &why), -GT_ESIGNATURE);
	json_object_set_new(subject, "alumniOf",
	                    json_string("The School of Examples"));
	assert_int_equal(gt_proof_check(v, key.public, &why), 0);
	/* what the proof says of itself is signed with the rest */
	set(v, "created", "2023-02-24T23:36:39Z");
	assert_int_equal(gt_proof_check(v, key.public, &why), -GT_ESIGNATURE);
	set(v, "created", says.created);
	json_object_set_new(json_object_get(v, "proof"), "x", json_true());
	assert_int_equal(gt_proof_check(v, key.public, &why), -GT_ESIGNATURE);
	json_object_del(json_object_get(v, "proof"), "x");
	assert_int_equal(gt_proof_check(v, key.public, &why), 0);
	/* a context put in front is another; one behind it changes nothing that
	 * the proof was made over */
	json_t *context = json_object_get(v, "@context");
	json_t *longer = json_deep_copy(context);
	json_array_append_new(longer, json_string("https://example.org/more"));
	json_object_set_new(v, "@context", longer);
	assert_int_equal(gt_proof_check(v, key.public, &why), 0);
	json_array_insert_new(longer, 0, json_string("https://example.org"));
	assert_int_equal(gt_proof_check(v, key.public, &why), -GT_ESIGNATURE);
	json_decref(v);
}

static void what_is_no_proof(void **state)
{
	static const struct {
		const char *key, *value, *why;
	} bad[] = {
	        {"type", "Ed25519Signature2020", "another kind"},
	        {"cryptosuite", "eddsa-rdfc-2022", "another kind"},
	        {"proofPurpose", "authentication", "another purpose"},
	        {"verificationMethod", "", "by whom"},
	        {"created", "yesterday", "no time"},
	        {"proofValue", "z123", "not one of Ed25519"},
	        {"proofValue", "", "not one of Ed25519"},
	};
	const char *why;
	(void)state;
	struct gt_key key = example_key();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		json_t *v = read_text(example);
		assert_int_equal(gt_proof_add(v, &key, &says), 0);
		set(v, bad[i].key, bad[i].value);
		assert_int_equal(gt_proof_check(v, key.public, &why),
		                 -GT_EMALFORMED);
		assert_non_null(strstr(why, bad[i].why));
		json_decref(v);
	}
	json_t *list = json_array();
	assert_int_equal(gt_proof_check(list, key.public, &why),
	                 -GT_EMALFORMED);
	assert_int_equal(gt_proof_add(list, &key, &says), -GT_EMALFORMED);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(keys_as_text),
	        cmocka_unit_test(base58_there_and_back),
	        cmocka_unit_test(the_example),
	        cmocka_unit_test(changes_are_refused),
	        cmocka_unit_test(what_is_no_proof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
