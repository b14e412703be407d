#include "cert.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, SERIAL_BYTES = 16 };

EVP_PKEY *gt_cert_key(void)
{
	return EVP_EC_gen("P-256");
}

static bool set_serial(X509 *x)
{
	uint8_t b[SERIAL_BYTES];
	if (RAND_bytes(b, sizeof b) != 1)
		return false;
	b[0] = (b[0] & 0x7f) | 0x40; /* positive, never short */
	BIGNUM *n = BN_bin2bn(b, sizeof b, NULL);
	bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

static bool set_times(X509 *x, int64_t from_s, int64_t to_s)
{
	time_t zero = 0;
	/* Days and seconds apart, since the offset is a long and an int. */
	return X509_time_adj_ex(X509_getm_notBefore(x), (int)(from_s / DAY_S),
	                        (long)(from_s % DAY_S), &zero) &&
	       X509_time_adj_ex(X509_getm_notAfter(x), (int)(to_s / DAY_S),
	                        (long)(to_s % DAY_S), &zero);
}

static bool name_entry(X509_NAME *name, const char *field, const char *value)
{
	return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
	                                  (const unsigned char *)value, -1, -1,
	                                  0) == 1;
}

static bool extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = e && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static X509 *start(EVP_PKEY *key, const char *name, int64_t from_s,
                   int64_t to_s)
{
	X509 *x = X509_new();
	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
	    set_times(x, from_s, to_s) && X509_set_pubkey(x, key) &&
	    name_entry(X509_get_subject_name(x), "O", "guantong") &&
	    name_entry(X509_get_subject_name(x), "CN", name))
		return x;
	X509_free(x);
	return NULL;
}

X509 *gt_cert_authority(EVP_PKEY *key, const char *name, int64_t now_s)
{
	int64_t from = now_s - DAY_S;
	X509 *x = start(key, name, from,
	                from + (int64_t)GT_CERT_CA_YEARS * 365 * DAY_S);
	if (x && X509_set_issuer_name(x, X509_get_subject_name(x)) &&
	    extend(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	    extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    extend(x, x, NID_subject_key_identifier, "hash") &&
	    X509_sign(x, key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

X509 *gt_cert_leaf(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *code,
                   const char *uri, unsigned days, int64_t now_s)
{
	char san[GT_CERT_URI_MAX + 8];
	int64_t from = now_s - DAY_S;
	assert(days >= 1 && days <= GT_CERT_DAYS);
	gt_format(san, sizeof san, "URI:%s", uri);
	X509 *x = start(key, code, from, from + (int64_t)days * DAY_S);
	if (x && X509_set_issuer_name(x, X509_get_subject_name(ca)) &&
	    extend(x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	    extend(x, ca, NID_key_usage, "critical,digitalSignature") &&
	    extend(x, ca, NID_ext_key_usage, "serverAuth,clientAuth") &&
	    extend(x, ca, NID_subject_alt_name, san) &&
	    extend(x, ca, NID_subject_key_identifier, "hash") &&
	    extend(x, ca, NID_authority_key_identifier, "keyid:always") &&
	    X509_sign(x, ca_key, EVP_sha256()) > 0)
		return x;
	X509_free(x);
	return NULL;
}

bool gt_cert_uri(X509 *cert, char *out, size_t cap)
{
	GENERAL_NAMES *names =
	        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		if (g->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *s = g->d.uniformResourceIdentifier;
		const char *p = (const char *)ASN1_STRING_get0_data(s);
		found = strlen(p) == (size_t)ASN1_STRING_length(s) &&
		        gt_copy(out, cap, p);
	}
	GENERAL_NAMES_free(names);
	return found;
}

int64_t gt_cert_expires(const X509 *cert)
{
	int days = 0, seconds = 0;
	ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
	bool ok = zero && ASN1_TIME_diff(&days, &seconds, zero,
	                                 X509_get0_notAfter(cert));
	ASN1_TIME_free(zero);
	return ok ? (int64_t)days * DAY_S + seconds : 0;
}

static struct gt_buffer drain(BIO *bio, bool ok)
{
	struct gt_buffer out = {0};
	char *p = NULL;
	long n = ok ? BIO_get_mem_data(bio, &p) : 0;
	if (n > 0 && gt_buffer_add(&out, p, (size_t)n))
		OPENSSL_cleanse(p, (size_t)n);
	BIO_free(bio);
	return out;
}

struct gt_buffer gt_cert_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	return drain(bio, bio && PEM_write_bio_X509(bio, cert) == 1);
}

struct gt_buffer gt_cert_key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	return drain(bio,
	             bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL,
	                                                  0, NULL, NULL) == 1);
}

/* OpenSSL's signature. NOLINTNEXTLINE(readability-non-const-parameter) */
static int no_phrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

X509 *gt_cert_of_pem(struct gt_bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, no_phrase, NULL) : NULL;
	BIO_free(bio);
	return x;
}

EVP_PKEY *gt_cert_key_of_pem(struct gt_bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *k = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL)
	                  : NULL;
	BIO_free(bio);
	return k;
}
