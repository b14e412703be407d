/* u_credential.c: certificates of completion, and the list of those revoked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "credential.h"
#include "json.h"

static struct gt_key ours, theirs;

static int setup(void **state)
{
	uint8_t seed[GT_KEY_BYTES] = {1};
	(void)state;
	int status = gt_key_from_seed(&ours, seed);
	seed[0] = 2;
	return status ? status : gt_key_from_seed(&theirs, seed);
}

static const struct gt_credential usual = {
        .id = "urn:uuid:00000000-0000-4000-8000-000000000001",
        .issuer_code = "330106",
        .issuer_name = "\xe8\xa5\xbf\xe6\xb9\x96\xe5\x8c\xba",
        .from = "2026-11-30T12:00:00.000Z",
        .identifier = "mailto:li@b.cn",
        .identifier_type = "emailAddress",
        .salt = "c0ffee",
        .name = "\xe6\x9d\x8e",
        .activity = "http://a.cn/1",
        .title = "Phones",
        .description = "",
        .index = 77,
};

static json_t *again(const json_t *v)
{
	json_error_t error;
	char *text = json_dumps(v, JSON_COMPACT);
	assert_non_null(text);
	json_t *out = gt_json_load(gt_bytes_str(text), GT_JSON_STRICT, &error);
	free(text);
	assert_non_null(out);
	return out;
}

static enum gt_genuine read_as(const json_t *v, struct gt_certificate_read *r)
{
	enum gt_genuine is;
	assert_int_equal(gt_credential_read(v, r, &is), 0);
	return is;
}

static void what_is_signed_is_read(void **state)
{
	struct gt_certificate_read r;
	json_t *made = gt_credential_sign(&usual, &ours);
	json_t *v = again(made);
	char *text = json_dumps(v, 0);
	(void)state;
	assert_int_equal(read_as(v, &r), GT_CERTIFICATE_SIGNED);
	assert_memory_equal(r.key, ours.public, GT_KEY_BYTES);
	assert_string_equal(r.id, usual.id);
	assert_string_equal(r.issuer_code, "330106");
	assert_string_equal(r.name, usual.name);
	assert_string_equal(r.title, "Phones");
	assert_string_equal(r.from, usual.from);
	assert_int_equal(r.index, 77);
	/* who he is can be shown, and is not said */
	assert_null(strstr(text, "li@b.cn"));
	assert_non_null(strstr(text, "sha256$"));
	free(text);
	json_decref(v);
	json_decref(made);
}

/* Every text within it changed, one after the other. */
static void spoil(const json_t *whole, json_t *v, unsigned *count)
{
	struct gt_certificate_read r;
	const char *key;
	json_t *value;
	size_t i;
	if (json_is_string(v)) {
		const char *was = json_string_value(v);
		char *text = strdup(was);
		assert_non_null(text);
		if (!*text) {
			free(text);
			return;
		}
		text[strlen(text) - 1] ^= 1;
		char *kept = strdup(was);
		assert_int_equal(json_string_set_nocheck(v, text), 0);
		assert_int_not_equal(read_as(whole, &r), GT_CERTIFICATE_SIGNED);
		assert_non_null(r.why);
		assert_int_equal(json_string_set_nocheck(v, kept), 0);
		free(text);
		free(kept);
		++*count;
	}
	json_array_foreach(v, i, value) spoil(whole, value, count);
	json_object_foreach(v, key, value) spoil(whole, value, count);
}

static void what_was_altered_is_seen(void **state)
{
	struct gt_certificate_read r;
	unsigned count = 0;
	(void)state;
	json_t *made = gt_credential_sign(&usual, &ours);
	json_t *v = again(made);
	spoil(v, v, &count);
	assert_in_range(count, 25, 60);
	assert_int_equal(read_as(v, &r), GT_CERTIFICATE_SIGNED);
	/* signed anew by somebody else, who stays who he is */
	json_t *other = gt_credential_sign(&usual, &theirs);
	assert_int_equal(read_as(other, &r), GT_CERTIFICATE_SIGNED);
	assert_memory_equal(r.key, theirs.public, GT_KEY_BYTES);
	/* ... or in whose name it was not */
	json_object_set(other, "issuer", json_object_get(v, "issuer"));
	assert_int_not_equal(read_as(other, &r), GT_CERTIFICATE_SIGNED);
	json_decref(other);
	json_decref(v);
	json_decref(made);
}

static void what_is_no_certificate(void **state)
{
	static const char *const texts[] = {
	        "[]",
	        "{}",
	        "[1]",
	        "{\"type\":\"VerifiableCredential\"}",
	        "{\"type\":[\"VerifiableCredential\",\"AchievementCredential\"]"
	        ",\"proof\":[]}",
	        "{\"type\":[\"VerifiableCredential\",\"AchievementCredential\"]"
	        ",\"proof\":{\"type\":\"DataIntegrityProof\",\"cryptosuite\":"
	        "\"eddsa-jcs-2022\",\"verificationMethod\":\"did:key:z\","
	        "\"proofValue\":\"z\"},\"issuer\":\"did:key:z\"}"};
	struct gt_certificate_read r;
	json_error_t error;
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		json_t *v = gt_json_load(gt_bytes_str(texts[i]), 0, &error);
		assert_non_null(v);
		assert_int_equal(read_as(v, &r), GT_CERTIFICATE_NONE);
		assert_non_null(r.why);
		json_decref(v);
	}
}

static void a_list(void **state)
{
	static const int64_t gone[] = {
	        0, 7, 8, 77, GT_CERTIFICATE_BITS - 1, -1, GT_CERTIFICATE_BITS};
	static const int64_t fewer[] = {0, 77};
	char name[GT_LIST_CHARS];
	struct gt_list l, less;
	(void)state;
	gt_list_name(name, "330106", 2);
	json_t *v = gt_list_sign("330106", 2, usual.from, gone, 7, &ours);
	assert_non_null(v);
	assert_int_equal(gt_list_open(v, &l), 0);
	for (int64_t i = 0; i < 200; i++)
		assert_int_equal(gt_list_has(&l, i),
		                 i == 0 || i == 7 || i == 8 || i == 77);
	assert_string_equal(l.from, usual.from);
	assert_string_equal(l.name, name);
	assert_memory_equal(l.key, ours.public, GT_KEY_BYTES);
	assert_true(gt_list_has(&l, GT_CERTIFICATE_BITS - 1));
	assert_false(gt_list_has(&l, GT_CERTIFICATE_BITS));
	assert_false(gt_list_has(&l, -1));
	json_t *w = gt_list_sign("330106", 2, usual.from, fewer, 2, &theirs);
	assert_int_equal(gt_list_open(w, &less), 0);
	assert_memory_equal(less.key, theirs.public, GT_KEY_BYTES);
	assert_true(gt_list_covers(&l, &less));
	assert_true(gt_list_covers(&l, &l));
	assert_false(gt_list_covers(&less, &l));
	gt_list_close(&less);
	gt_list_close(&l);
	json_decref(w);
	json_object_set_new(json_object_get(v, "credentialSubject"),
	                    "encodedList", json_string("uAAAA"));
	assert_int_equal(gt_list_open(v, &l), -GT_ESIGNATURE);
	json_decref(v);
}

/* Others open a list with what they have for gzip. */
static void a_list_is_gzip(void **state)
{
	static const int64_t gone[] = {3};
	struct gt_buffer b = {0};
	(void)state;
	json_t *v = gt_list_sign("33", 0, usual.from, gone, 1, &ours);
	const char *text = gt_json_member(
	        json_object_get(v, "credentialSubject"), "encodedList");
	assert_int_equal(*text, 'u');
	assert_int_equal(gt_base64_read(&b, gt_bytes_str(text + 1), true), 0);
	FILE *f = popen("gzip -dc | od -An -tx1 -N2 | tr -d ' \\n' >/tmp/"
	                "gt-list-$PPID && test \"$(cat /tmp/gt-list-$PPID)\" "
	                "= 1000; s=$?; rm -f /tmp/gt-list-$PPID; exit $s",
	                "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
	assert_int_equal(pclose(f), 0);
	gt_buffer_free(&b);
	json_decref(v);
}

static void base64_of_every_length(void **state)
{
	uint8_t bytes[100];
	(void)state;
	for (size_t n = 0; n < sizeof bytes; n++) {
		struct gt_buffer text = {0}, back = {0};
		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(i * 37 + n * 11);
		assert_true(gt_base64_url(&text, bytes, n));
		assert_int_equal(strlen((char *)text.p), (n * 4 + 2) / 3);
		assert_int_equal(
		        gt_base64_read(&back, gt_buffer_bytes(&text), true), 0);
		assert_int_equal(back.n, n);
		if (n)
			assert_memory_equal(back.p, bytes, n);
		gt_buffer_free(&text);
		gt_buffer_free(&back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_signed_is_read),
	        cmocka_unit_test(what_was_altered_is_seen),
	        cmocka_unit_test(what_is_no_certificate),
	        cmocka_unit_test(a_list),
	        cmocka_unit_test(a_list_is_gzip),
	        cmocka_unit_test(base64_of_every_length),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
