/* u_jws.c: signatures of statements: what is taken, what is refused, and that a
 * rogue key costs nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "jws.h"

static EVP_PKEY *key;

static void put64(struct gt_buffer *out, const void *p, size_t n, bool url)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
	                            "opqrstuvwxyz0123456789+/";
	const uint8_t *b = p;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)b[i] << 16;
		size_t k = n - i < 3 ? n - i : 3;
		v |= k > 1 ? (uint32_t)b[i + 1] << 8 : 0;
		v |= k > 2 ? b[i + 2] : 0;
		for (size_t d = 0; d < 4; d++) {
			char c = d > k ? '=' : chars[v >> (18 - 6 * d) & 63];
			if (url)
				c = c == '+' ? '-' : c == '/' ? '_' : c;
			if (d <= k || !url)
				gt_buffer_add(out, &c, 1);
		}
	}
}

/* A certificate of that key, signed by ours. */
static void put_cert(struct gt_buffer *out, EVP_PKEY *of)
{
	unsigned char *der = NULL;
	X509 *x = X509_new();
	assert_non_null(x);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_set_pubkey(x, of), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	int n = i2d_X509(x, &der);
	assert_true(n > 0);
	put64(out, der, (size_t)n, false);
	OPENSSL_free(der);
	X509_free(x);
}

/* header, payload, and a signature by our key. */
static struct gt_buffer sign(const char *header, const char *payload,
                             const char *digest)
{
	struct gt_buffer out = {0};
	uint8_t sig[1024];
	size_t n = sizeof sig;
	put64(&out, header, strlen(header), true);
	gt_buffer_str(&out, ".");
	put64(&out, payload, strlen(payload), true);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	assert_int_equal(
	        EVP_DigestSignInit_ex(c, NULL, digest, NULL, NULL, key, NULL),
	        1);
	assert_int_equal(EVP_DigestSign(c, sig, &n, out.p, out.n), 1);
	EVP_MD_CTX_free(c);
	gt_buffer_str(&out, ".");
	put64(&out, sig, n, true);
	return out;
}

/* Opens, and expects; why NULL: it is good. */
static void expect(struct gt_bytes jws, const char *payload, bool key_there,
                   int code, const char *why)
{
	struct gt_buffer got = {0};
	char said[200] = "";
	bool checked;
	assert_int_equal(gt_jws_open(jws, &got, &checked, said, sizeof said),
	                 code);
	assert_string_equal(said, why);
	assert_int_equal(checked, key_there && code == 0);
	if (code == 0) {
		assert_int_equal(got.n, strlen(payload));
		assert_memory_equal(got.p, payload, got.n);
	}
	gt_buffer_free(&got);
}

static void expect_text(const char *jws, int code, const char *why)
{
	expect(gt_bytes_str(jws), "", false, code, why);
}

static void with_header(const char *header, int code, const char *why)
{
	struct gt_buffer b = sign(header, "{}", "SHA256");
	expect(gt_buffer_bytes(&b), "{}", false, code, why);
	gt_buffer_free(&b);
}

static void algorithms(void **state)
{
	(void)state;
	static const char *const algs[][2] = {
	        {"RS256", "SHA256"}, {"RS384", "SHA384"}, {"RS512", "SHA512"}};
	for (size_t i = 0; i < 3; i++) {
		struct gt_buffer header = {0};
		gt_buffer_format(&header, "{\"alg\":\"%s\",\"x5c\":[\"",
		                 algs[i][0]);
		put_cert(&header, key);
		gt_buffer_str(&header, "\"]}");
		struct gt_buffer b =
		        sign((char *)header.p, "{\"a\":1}", algs[i][1]);
		expect(gt_buffer_bytes(&b), "{\"a\":1}", true, 0, "");
		/* another payload under the same signature */
		uint8_t *dot = memchr(b.p, '.', b.n);
		dot[3] = dot[3] == 'A' ? 'B' : 'A';
		expect(gt_buffer_bytes(&b), "", true, -GT_ESIGNATURE,
		       "the key of its certificate did not make it");
		gt_buffer_free(&b);
		/* another algorithm than the header's */
		b = sign((char *)header.p, "{}", algs[(i + 1) % 3][1]);
		expect(gt_buffer_bytes(&b), "", true, -GT_ESIGNATURE,
		       "the key of its certificate did not make it");
		gt_buffer_free(&b);
		gt_buffer_free(&header);
	}
}

static void headers(void **state)
{
	(void)state;
	static const char alg[] = "its alg must be RS256, RS384 or RS512";
	with_header("{\"alg\":\"RS256\"}", 0, "");
	with_header("{\"alg\":\"HS256\"}", -GT_EINVALID, alg);
	with_header("{\"alg\":\"none\"}", -GT_EINVALID, alg);
	with_header("{\"alg\":\"ES256\"}", -GT_EINVALID, alg);
	with_header("{\"alg\":\"PS256\"}", -GT_EINVALID, alg);
	with_header("{}", -GT_EINVALID, alg);
	with_header("[]", -GT_EINVALID, "its header is not a JSON object");
	with_header("x", -GT_EINVALID, "its header is not a JSON object");
	with_header("{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"b64\":false}",
	            -GT_EINVALID,
	            "its header has crit, of which none is known");
	with_header("{\"alg\":\"RS256\",\"x5c\":[]}", -GT_EINVALID,
	            "its x5c is not a list of certificates");
	with_header("{\"alg\":\"RS256\",\"x5c\":[\"AAAA\"]}", -GT_EINVALID,
	            "its x5c does not begin with a certificate");
	with_header("{\"alg\":\"RS256\",\"x5c\":[\"%\"]}", -GT_EINVALID,
	            "its x5c does not begin with a certificate");
}

static void shapes(void **state)
{
	(void)state;
	static const char shape[] = "not a JSON web signature in compact form";
	static const char part[] = "a part of it is not base64url";
	expect_text("", -GT_EINVALID, shape);
	expect_text("a.b", -GT_EINVALID, shape);
	expect_text("a.b.c.d", -GT_EINVALID, shape);
	expect_text("{}", -GT_EINVALID, shape);
	expect_text("a.b.c", -GT_EINVALID, part);
	expect_text("e30=.e30.AAAA", -GT_EINVALID, part);
	expect_text("e31.e30.AA AA", -GT_EINVALID, part);
	/* {"alg":"RS256"} */
	expect_text("eyJhbGciOiJSUzI1NiJ9.e30.", -GT_EINVALID,
	            "it has no signature");
	struct gt_buffer b = {0};
	gt_buffer_str(&b, "e30.e30.");
	for (size_t i = 0; i < 4096; i++)
		gt_buffer_str(&b, "A");
	expect(gt_buffer_bytes(&b), "", false, -GT_ELIMIT,
	       "header or signature are too long");
	while (b.n <= GT_JWS_MAX)
		gt_buffer_str(&b, "AAAA");
	expect(gt_buffer_bytes(&b), "", false, -GT_ELIMIT, "it is too long");
	gt_buffer_free(&b);
}

/* An RSA key of that many bits which nobody has the other half of. */
static EVP_PKEY *rogue(int bits)
{
	EVP_PKEY *out = NULL;
	BIGNUM *n = BN_new(), *e = BN_new();
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	assert_true(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
	assert_true(BN_rand(e, bits - 1, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(c), 1);
	assert_int_equal(
	        EVP_PKEY_fromdata(c, &out, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(c);
	BN_free(n);
	BN_free(e);
	return out;
}

static void rogue_keys(void **state)
{
	(void)state;
	static const struct {
		int bits;
		const char *why;
	} rows[] = {
	        {1024, "the certificate's key has 1024 bits: 2048 to 4096 are "
	               "taken"},
	        {16384, "the certificate's key has 16384 bits: 2048 to 4096 "
	                "are taken"},
	};
	for (size_t i = 0; i < 2; i++) {
		struct gt_buffer header = {0};
		EVP_PKEY *k = rogue(rows[i].bits);
		gt_buffer_str(&header, "{\"alg\":\"RS256\",\"x5c\":[\"");
		put_cert(&header, k);
		gt_buffer_str(&header, "\"]}");
		struct gt_buffer b = sign((char *)header.p, "{}", "SHA256");
		expect(gt_buffer_bytes(&b), "", true, -GT_EINVALID,
		       rows[i].why);
		gt_buffer_free(&b);
		gt_buffer_free(&header);
		EVP_PKEY_free(k);
	}
}

/* The dearest key that is taken: processor time of a look, which is what a
 * stranger can make us spend. */
static void dearest_key(void **state)
{
	(void)state;
	struct gt_buffer header = {0};
	EVP_PKEY *k = rogue(3072);
	gt_buffer_str(&header, "{\"alg\":\"RS256\",\"x5c\":[\"");
	put_cert(&header, k);
	gt_buffer_str(&header, "\"]}");
	struct gt_buffer b = sign((char *)header.p, "{}", "SHA256");
	clock_t begun = clock();
	expect(gt_buffer_bytes(&b), "", true, -GT_ESIGNATURE,
	       "the key of its certificate did not make it");
	print_message("3072 bits, a long exponent: %.1f ms\n",
	              (double)(clock() - begun) * 1e3 / CLOCKS_PER_SEC);
	gt_buffer_free(&b);
	gt_buffer_free(&header);
	EVP_PKEY_free(k);
}

static int setup(void **state)
{
	(void)state;
	key = EVP_RSA_gen(2048);
	return key ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(algorithms),  cmocka_unit_test(headers),
	        cmocka_unit_test(shapes),      cmocka_unit_test(rogue_keys),
	        cmocka_unit_test(dearest_key),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
