/* u_tls.c: names in certificates, sentences about them, TLS as a filter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
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
		char above[GT_CODE_MAX + 1];
		bool ok = gt_tls_code_of_uri(rows[i].uri, code, above);
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
		char code[GT_CODE_MAX + 1], above[GT_CODE_MAX + 1];
		struct leaf leaf = leaf_for(ca, rows[i].san);
		X509 *cert = parsed(&leaf);
		bool ok = gt_tls_code_of(cert, code, above);
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

static void contexts(void **state)
{
	struct gt_tls_context *context = NULL;
	char why[256];
	(void)state;
	struct ca *ca = ca_new("root");
	struct leaf leaf = leaf_for(ca, "spiffe://guantong/33");
	struct leaf odd = leaf_for(ca, "spiffe://guantong/33");
	const char *pem = ca_pem(ca);
	assert_int_equal(gt_tls_context_new(&context, pem, leaf.cert_pem,
	                                    leaf.key_pem, why, sizeof why),
	                 0);
	gt_tls_context_free(context);
	assert_int_equal(gt_tls_context_new(&context, pem, leaf.cert_pem,
	                                    odd.key_pem, why, sizeof why),
	                 -GT_EINVALID);
	assert_non_null(strstr(why, "belong together"));
	assert_int_equal(gt_tls_context_new(&context, "junk", leaf.cert_pem,
	                                    leaf.key_pem, why, sizeof why),
	                 -GT_EINVALID);
	assert_non_null(strstr(why, "CA certificate"));
	assert_int_equal(
	        gt_tls_context_new(&context, pem, NULL, NULL, why, sizeof why),
	        -GT_EINVALID);
	leaf_free(&leaf);
	leaf_free(&odd);
	ca_free(ca);
}

/* Two filters, and the wire between them. */
struct pair {
	struct ca *ca;
	struct leaf leaf[2];
	struct gt_tls_context *context[2];
	struct gt_tls *end[2]; /* the client first */
	uint8_t clear[1 << 20];
	size_t got[2]; /* bytes an end has read so far */
};

static struct pair *pair_new(void)
{
	static const char *const names[] = {"spiffe://guantong/33/3301",
	                                    "spiffe://guantong/33"};
	struct pair *p = calloc(1, sizeof *p);
	char why[256];
	assert_non_null(p);
	p->ca = ca_new("root");
	for (int i = 0; i < 2; i++) {
		p->leaf[i] = leaf_for(p->ca, names[i]);
		assert_int_equal(
		        gt_tls_context_new(&p->context[i], ca_pem(p->ca),
		                           p->leaf[i].cert_pem,
		                           p->leaf[i].key_pem, why, sizeof why),
		        0);
		p->end[i] = gt_tls_new(p->context[i], i == 1);
		assert_non_null(p->end[i]);
	}
	return p;
}

static void pair_free(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		gt_tls_free(p->end[i]);
		gt_tls_context_free(p->context[i]);
		leaf_free(&p->leaf[i]);
	}
	ca_free(p->ca);
	free(p);
}

/* Takes at most n of what one end has to send to the other, which reads; says
 * how that went. */
static enum gt_tls_status carry(struct pair *p, int from, size_t n)
{
	const uint8_t *sealed;
	size_t have = gt_tls_sealed(p->end[from], &sealed), got = 0;
	enum gt_tls_status status;
	int to = !from;
	if (n > have)
		n = have;
	/* exactly so many, that a sanitizer sees one more read */
	uint8_t *copy = malloc(n ? n : 1);
	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, sealed, n);
	gt_tls_sent(p->end[from], n);
	gt_tls_give(p->end[to], copy, n);
	do {
		status = gt_tls_read(p->end[to], p->clear + p->got[to],
		                     sizeof p->clear - p->got[to], &got);
		p->got[to] += got;
	} while (status == GT_TLS_OK);
	free(copy);
	return status;
}

static void shake(struct pair *p)
{
	for (int i = 0; i < 8; i++) {
		assert_int_equal(carry(p, 1, SIZE_MAX), GT_TLS_MORE);
		assert_int_equal(carry(p, 0, SIZE_MAX), GT_TLS_MORE);
	}
	assert_string_equal(gt_tls_code(p->end[0]), "33");
	assert_string_equal(gt_tls_code(p->end[1]), "3301");
}

static void a_write_before_the_handshake_takes_nothing(void **state)
{
	struct pair *p = pair_new();
	size_t took = 9;
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_string_equal(gt_tls_code(p->end[i]), "");
		assert_int_equal(
		        gt_tls_write(p->end[i], (const uint8_t *)"x", 1, &took),
		        GT_TLS_MORE);
		assert_int_equal(took, 0);
		assert_false(gt_tls_goodbye(p->end[i]));
	}
	shake(p);
	assert_int_equal(
	        gt_tls_write(p->end[1], (const uint8_t *)"x", 1, &took),
	        GT_TLS_OK);
	assert_int_equal(took, 1);
	assert_int_equal(carry(p, 1, SIZE_MAX), GT_TLS_MORE);
	assert_int_equal(p->got[0], 1);
	assert_int_equal(p->clear[0], 'x');
	pair_free(p);
}

/* A large message goes out in pieces of the size promised, and arrives however
 * the wire cuts them. */
static void a_megabyte_cut_anywhere(void **state)
{
	static const size_t cuts[] = {1, 5, 4096, 16384 + 22, 70000};
	static uint8_t said[700000];
	struct pair *p = pair_new();
	const uint8_t *sealed;
	(void)state;
	shake(p);
	for (size_t i = 0; i < sizeof said; i++)
		said[i] = (uint8_t)(i * 31 >> 3);
	for (size_t at = 0, took, round = 0; at < sizeof said; at += took) {
		assert_int_equal(gt_tls_write(p->end[1], said + at,
		                              sizeof said - at, &took),
		                 GT_TLS_OK);
		assert_true(took > 0);
		/* more is only written when all is sent */
		while (gt_tls_sealed(p->end[1], &sealed) > 0) {
			assert_in_range(gt_tls_sealed(p->end[1], &sealed), 1,
			                GT_TLS_SEALED);
			assert_int_equal(carry(p, 1, cuts[round++ % 5]),
			                 GT_TLS_MORE);
		}
		gt_tls_rest(p->end[1]);
	}
	assert_int_equal(p->got[0], sizeof said);
	assert_memory_equal(p->clear, said, sizeof said);
	pair_free(p);
}

static void goodbye_comes_behind_what_was_said(void **state)
{
	struct pair *p = pair_new();
	size_t took;
	(void)state;
	shake(p);
	assert_int_equal(
	        gt_tls_write(p->end[0], (const uint8_t *)"last", 4, &took),
	        GT_TLS_OK);
	assert_true(gt_tls_goodbye(p->end[0]));
	assert_false(gt_tls_goodbye(p->end[0]));
	assert_int_equal(carry(p, 0, SIZE_MAX), GT_TLS_ENDED);
	assert_int_equal(p->got[1], 4);
	assert_string_equal(gt_tls_why(p->end[1]), "");
	pair_free(p);
}

/* One bit that is wrong ends the link, and is never read. */
static void a_flipped_bit_is_the_end(void **state)
{
	struct pair *p = pair_new();
	const uint8_t *sealed;
	uint8_t copy[100];
	size_t took, got = 0;
	(void)state;
	shake(p);
	assert_int_equal(
	        gt_tls_write(p->end[0], (const uint8_t *)"word", 4, &took),
	        GT_TLS_OK);
	size_t n = gt_tls_sealed(p->end[0], &sealed);
	assert_in_range(n, 1, sizeof copy);
	memcpy(copy, sealed, n);
	copy[n / 2] ^= 4;
	gt_tls_give(p->end[1], copy, n);
	assert_int_equal(gt_tls_read(p->end[1], p->clear, 4, &got),
	                 GT_TLS_FAILED);
	assert_int_equal(got, 0);
	assert_non_null(strstr(gt_tls_why(p->end[1]), "TLS failed ("));
	assert_string_equal(gt_tls_code(p->end[1]), "");
	/* it says so, and nothing else any more */
	assert_true(gt_tls_sealed(p->end[1], &sealed) > 0);
	assert_int_equal(gt_tls_write(p->end[1], copy, 1, &took),
	                 GT_TLS_FAILED);
	assert_false(gt_tls_goodbye(p->end[1]));
	assert_int_equal(carry(p, 1, SIZE_MAX), GT_TLS_FAILED);
	pair_free(p);
}

/* What a client of our own making wrote goes to the server, which answers
 * nobody. */
static enum gt_tls_status deliver(struct gt_tls *server, BIO *to)
{
	uint8_t bytes[4096], clear[16];
	size_t got = 0;
	int n = BIO_read(to, bytes, sizeof bytes);
	enum gt_tls_status status = GT_TLS_OK;
	assert_true(n > 0);
	gt_tls_give(server, bytes, (size_t)n);
	while (status == GT_TLS_OK)
		status = gt_tls_read(server, clear, sizeof clear, &got);
	return status;
}

/* Asked for new keys for ever, an end owes so many answers at last that it
 * gives up; what it owes has a bound. */
static void new_keys_for_ever(void **state)
{
	struct pair *p = pair_new();
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	BIO *from = BIO_new(BIO_s_mem()), *to = BIO_new(BIO_s_mem());
	BIO *c = BIO_new_mem_buf(p->leaf[0].cert_pem, -1);
	BIO *k = BIO_new_mem_buf(p->leaf[0].key_pem, -1);
	X509 *cert = PEM_read_bio_X509(c, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);
	enum gt_tls_status status = GT_TLS_MORE;
	const uint8_t *sealed;
	(void)state;
	assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	SSL *ssl = SSL_new(ctx);
	SSL_set_bio(ssl, from, to);
	SSL_set_connect_state(ssl);
	while (SSL_do_handshake(ssl) != 1) {
		assert_int_equal(deliver(p->end[1], to), GT_TLS_MORE);
		size_t n = gt_tls_sealed(p->end[1], &sealed);
		assert_int_equal(BIO_write(from, sealed, (int)n), n);
		gt_tls_sent(p->end[1], n);
	}
	for (int i = 0; i < 100000 && status == GT_TLS_MORE; i++) {
		assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED),
		                 1);
		assert_int_equal(SSL_write(ssl, "k", 1), 1);
		status = deliver(p->end[1], to);
	}
	assert_int_equal(status, GT_TLS_FAILED);
	assert_non_null(strstr(gt_tls_why(p->end[1]), "queue is full"));
	assert_true(gt_tls_sealed(p->end[1], &sealed) < 2 * GT_TLS_SEALED);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(c);
	BIO_free(k);
	pair_free(p);
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
	        cmocka_unit_test(uris),
	        cmocka_unit_test(names),
	        cmocka_unit_test(sentences),
	        cmocka_unit_test(contexts),
	        cmocka_unit_test(a_write_before_the_handshake_takes_nothing),
	        cmocka_unit_test(a_megabyte_cut_anywhere),
	        cmocka_unit_test(goodbye_comes_behind_what_was_said),
	        cmocka_unit_test(a_flipped_bit_is_the_end),
	        cmocka_unit_test(new_keys_for_ever),
	        cmocka_unit_test(rehearsals),
	};
	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
