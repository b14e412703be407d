#include "certs.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 24 * 3600 };

struct ca {
	EVP_PKEY *key;
	X509 *cert;
	char *pem;   /* own certificate */
	char *chain; /* what a leaf must send along; "" for a root */
};

static char *text_of(BIO *bio)
{
	char *p, *text;
	long n = BIO_get_mem_data(bio, &p);
	assert(n > 0);
	text = calloc(1, (size_t)n + 1);
	assert(text);
	memcpy(text, p, (size_t)n);
	BIO_free(bio);
	return text;
}

static char *cert_text(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ok = PEM_write_bio_X509(bio, cert);
	assert(ok == 1);
	return text_of(bio);
}

static char *key_text(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int ok = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
	                                       NULL);
	assert(ok == 1);
	return text_of(bio);
}

static char *joined(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	char *text = malloc(n + m + 1);
	assert(text);
	memcpy(text, a, n);
	memcpy(text + n, b, m + 1);
	return text;
}

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(ext);
	int ok = X509_add_ext(cert, ext, -1);
	assert(ok == 1);
	X509_EXTENSION_free(ext);
}

static X509 *cert_new(EVP_PKEY *key, const char *name, const X509 *issuer,
                      int64_t from_s, int64_t until_s)
{
	X509 *cert = X509_new();
	uint64_t serial;
	int ok = cert && X509_set_version(cert, 2);
	ok = ok && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1;
	ok = ok &&
	     ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1);
	ok = ok && X509_gmtime_adj(X509_getm_notBefore(cert), (long)from_s);
	ok = ok && X509_gmtime_adj(X509_getm_notAfter(cert), (long)until_s);
	ok = ok && X509_set_pubkey(cert, key);
	X509_NAME *subject = X509_get_subject_name(cert);
	ok = ok &&
	     X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
	                                (const unsigned char *)name, -1, -1, 0);
	ok = ok &&
	     X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer)
	                                       : subject);
	assert(ok);
	return cert;
}

static struct ca *ca_make(struct ca *parent, const char *name)
{
	struct ca *ca = calloc(1, sizeof *ca);
	assert(ca);
	ca->key = EVP_EC_gen("P-256");
	assert(ca->key);
	ca->cert = cert_new(ca->key, name, parent ? parent->cert : NULL, -DAY,
	                    DAY);
	X509 *issuer = parent ? parent->cert : ca->cert;
	add_ext(ca->cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
	add_ext(ca->cert, issuer, NID_key_usage, "critical,keyCertSign");
	add_ext(ca->cert, issuer, NID_subject_key_identifier, "hash");
	int n = X509_sign(ca->cert, parent ? parent->key : ca->key,
	                  EVP_sha256());
	assert(n > 0);
	ca->pem = cert_text(ca->cert);
	ca->chain = parent ? joined(ca->pem, parent->chain) : joined("", "");
	return ca;
}

struct ca *ca_new(const char *name)
{
	return ca_make(NULL, name);
}

struct ca *ca_under(struct ca *parent, const char *name)
{
	return ca_make(parent, name);
}

void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
	free(ca->pem);
	free(ca->chain);
	free(ca);
}

const char *ca_pem(const struct ca *ca)
{
	return ca->pem;
}

struct leaf leaf_new(struct ca *ca, const char *uri, int64_t from_s,
                     int64_t until_s)
{
	struct leaf leaf;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	assert(key);
	X509 *cert = cert_new(key, "node", ca->cert, from_s, until_s);
	add_ext(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE");
	if (uri) {
		char *value = joined("URI:", uri);
		add_ext(cert, ca->cert, NID_subject_alt_name, value);
		free(value);
	}
	int n = X509_sign(cert, ca->key, EVP_sha256());
	assert(n > 0);
	char *own = cert_text(cert);
	leaf.cert_pem = joined(own, ca->chain);
	leaf.key_pem = key_text(key);
	free(own);
	X509_free(cert);
	EVP_PKEY_free(key);
	return leaf;
}

struct leaf leaf_for(struct ca *ca, const char *uri)
{
	return leaf_new(ca, uri, -DAY, DAY);
}

void leaf_free(struct leaf *leaf)
{
	free(leaf->cert_pem);
	free(leaf->key_pem);
	leaf->cert_pem = leaf->key_pem = NULL;
}
