/* u_tls.c: names in certificates, sentences about them, configurations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <openssl/pem.h>
#include <string.h>

#include "certs.h"
#include "tls_name.h"

static void uris(void **state)
{
	static const struct {
		const char *uri, *code; /* NULL: refused */
	} rows[] = {
	        {"spiffe://guantong/33", "33"},
	        {"spiffe://guantong/33/3301/330106", "330106"},
	        {"spiffe://guantong/33/3301/330106/330106109/330106109210",
	         "330106109210"},
	        {"spiffe://guantong/33/33-nju", "33-nju"},
	        {"spiffe://guantong/33/3301/330106/330106-b", "330106-b"},
	        {"spiffe://guantong/33/330106", "330106"}, /* level left out */
	        {"", NULL},
	        {"spiffe://guantong", NULL},
	        {"spiffe://guantong/", NULL},
	        {"spiffe://guantong/33/", NULL},
	        {"spiffe://guantong//33", NULL},
	        {"spiffe://guantong/33//3301", NULL},
	        {"spiffe://other/33", NULL},
	        {"spiffe://guantong.example/33", NULL},
	        {"https://guantong/33", NULL},
	        {"SPIFFE://guantong/33", NULL},
	        {"spiffe://guantong/33/3201", NULL}, /* not within */
	        {"spiffe://guantong/3301/33", NULL}, /* outward */
	        {"spiffe://guantong/33/33", NULL},
	        {"spiffe://guantong/33/33-nju/3301", "3301"},
	        {"spiffe://guantong/331", NULL},
	        {"spiffe://guantong/zj", NULL},
	        {"spiffe://guantong/33?x", NULL},
	        {"spiffe://guantong/33#x", NULL},
	        {"spiffe://guantong/33/../33", NULL},
	        {"spiffe://guantong/33-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	         "aaaaaaaaaaaaaaaaaaaaaaaa",
	         NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char code[GT_CODE_MAX + 1] = "untouched";
		bool ok = gt_tls_code_of_uri(rows[i].uri, code);
		assert_string_equal(ok ? code : "refused",
		                    rows[i].code ? rows[i].code : "refused");
		if (!ok)
			assert_string_equal(code, "untouched");
	}
}

static X509 *parsed(const struct leaf *leaf)
{
	BIO *bio = BIO_new_mem_buf(leaf->cert_pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

static void names(void **state)
{
	static const struct {
		const char *san;
		const char *code;
	} rows[] = {
	        {"spiffe://guantong/33/3301", "3301"},
	        {NULL, NULL},
	        {"https://example.org/33", NULL},
	        {"spiffe://guantong/33,DNS:a.example", "33"},
	        {"spiffe://guantong/33,URI:spiffe://guantong/33/3301", NULL},
	        {"spiffe://guantong/33,URI:https://example.org/", NULL},
	};
	(void)state;
	struct ca *ca = ca_new("root");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char code[GT_CODE_MAX + 1];
		struct leaf leaf = leaf_for(ca, rows[i].san);
		X509 *cert = parsed(&leaf);
		bool ok = gt_tls_code_of(cert, code);
		assert_string_equal(ok ? code : "refused",
		                    rows[i].code ? rows[i].code : "refused");
		X509_free(cert);
		leaf_free(&leaf);
	}
	ca_free(ca);
}

static void sentences(void **state)
{
	char text[256];
	(void)state;
	struct ca *ca = ca_new("root");
	struct leaf leaf = leaf_for(ca, NULL);
	X509 *cert = parsed(&leaf);
	gt_tls_explain_verify(X509_V_ERR_CERT_NOT_YET_VALID, cert, text,
	                      sizeof text);
	assert_non_null(strstr(text, "not yet valid"));
	assert_non_null(strstr(text, "this machine's clock says 2"));
	assert_int_equal(text[strlen(text) - 1], 'Z');
	gt_tls_explain_verify(X509_V_ERR_CERT_HAS_EXPIRED, NULL, text,
	                      sizeof text);
	assert_non_null(strstr(text, "expired"));
	assert_non_null(strstr(text, "an unknown time"));
	/* no room is no reason to write past the end */
	char small[8];
	gt_tls_explain_verify(X509_V_ERR_CERT_HAS_EXPIRED, cert, small,
	                      sizeof small);
	assert_string_equal(small, "certifi");
	X509_free(cert);
	leaf_free(&leaf);
	ca_free(ca);
}

static void configurations(void **state)
{
	nng_tls_config *config;
	char why[256];
	(void)state;
	struct ca *ca = ca_new("root");
	struct leaf leaf = leaf_for(ca, "spiffe://guantong/33");
	struct leaf odd = leaf_for(ca, "spiffe://guantong/33");
	const char *pem = ca_pem(ca);
	assert_int_equal(gt_tls_register(), 0);
	assert_string_equal(nng_tls_engine_name(), "guantong-openssl");
	assert_int_equal(gt_tls_config(&config, true, pem, leaf.cert_pem,
	                               leaf.key_pem, why, sizeof why),
	                 0);
	nng_tls_config_free(config);
	assert_int_equal(gt_tls_config(&config, true, pem, leaf.cert_pem,
	                               odd.key_pem, why, sizeof why),
	                 -GT_EINVALID);
	assert_non_null(strstr(why, "belong together"));
	assert_int_equal(gt_tls_config(&config, true, "junk", leaf.cert_pem,
	                               leaf.key_pem, why, sizeof why),
	                 -GT_EINVALID);
	assert_non_null(strstr(why, "CA certificate"));
	assert_int_equal(
	        gt_tls_config(&config, false, pem, NULL, NULL, why, sizeof why),
	        -GT_EINVALID);
	/* what is not negotiable cannot be switched off */
	assert_int_equal(nng_tls_config_alloc(&config, NNG_TLS_MODE_SERVER), 0);
	assert_int_not_equal(
	        nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_NONE), 0);
	assert_int_not_equal(
	        nng_tls_config_version(config, NNG_TLS_1_2, NNG_TLS_1_2), 0);
	nng_tls_config_free(config);
	leaf_free(&leaf);
	leaf_free(&odd);
	ca_free(ca);
}

/* What a node says to itself before it is ready. */
static void rehearsals(void **state)
{
	char why[512] = "";
	(void)state;
	struct ca *ca = ca_new("root"), *other = ca_new("other");
	struct ca *under = ca_under(ca, "city");
	struct leaf good = leaf_for(ca, "spiffe://guantong/33");
	struct leaf chained = leaf_for(under, "spiffe://guantong/33/3301");
	struct leaf old = leaf_new(ca, "spiffe://guantong/33", -200, -100);
	struct leaf nameless = leaf_for(ca, NULL);
	const struct {
		const struct ca *ca;
		const struct leaf *leaf;
		const char *refused; /* "": it is not */
	} rows[] = {
	        {ca, &good, ""},
	        {ca, &chained, ""},
	        {ca, &old, ""}, /* the clock may be what is wrong */
	        {ca, &nameless, "refused: "},
	        {other, &good, "refused: "},
	};
	assert_int_equal(gt_tls_register(), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int status = gt_tls_rehearse(
		        ca_pem(rows[i].ca), rows[i].leaf->cert_pem,
		        rows[i].leaf->key_pem, why, sizeof why);
		assert_int_equal(status, *rows[i].refused ? -GT_EINVALID : 0);
		assert_non_null(strstr(why, rows[i].refused));
	}
	leaf_free(&good);
	leaf_free(&chained);
	leaf_free(&old);
	leaf_free(&nameless);
	ca_free(under);
	ca_free(other);
	ca_free(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(uris),       cmocka_unit_test(names),
	        cmocka_unit_test(sentences),  cmocka_unit_test(configurations),
	        cmocka_unit_test(rehearsals),
	};
	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
