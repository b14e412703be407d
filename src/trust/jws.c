#include "jws.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "base64.h"
#include "json.h"

enum {
	HEADER_MAX = 128 << 10,
	CERT_MAX = 16 << 10,
	SIGNATURE_MAX = 2048, /* bytes, far beyond a key that is taken */
};

struct jws {
	struct gt_bytes signed_; /* header.payload, as sent */
	struct gt_buffer header, signature;
	json_t *head;
	const char *digest;
	char *why;
	size_t why_cap;
};

static int refuse(struct jws *j, int code, const char *what)
{
	gt_format(j->why, j->why_cap, "%s", what);
	return code;
}

/* Whether libcrypto's last failure was for want of memory; forgets it. */
static bool was_short(void)
{
	bool is = false;
	for (unsigned long e; (e = ERR_get_error());)
		is = is || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
	return is;
}

/* The part up to the next dot, or the end. */
static struct gt_bytes part(struct gt_bytes *in)
{
	const uint8_t *dot = in->n ? memchr(in->p, '.', in->n) : NULL;
	struct gt_bytes out = {in->p, dot ? (size_t)(dot - in->p) : in->n};
	size_t passed = out.n + (dot != NULL);
	*in = gt_bytes_of(in->p + passed, in->n - passed);
	return out;
}

static int split(struct jws *j, struct gt_bytes in, struct gt_buffer *payload)
{
	struct gt_bytes all = in;
	size_t dots = 0;
	for (size_t i = 0; i < in.n; i++)
		dots += in.p[i] == '.';
	if (dots != 2)
		return refuse(j, -GT_EINVALID,
		              "not a JSON web signature in compact form");
	struct gt_bytes header = part(&in), body = part(&in);
	j->signed_ = gt_bytes_of(all.p, header.n + 1 + body.n);
	if (header.n > HEADER_MAX || in.n > SIGNATURE_MAX)
		return refuse(j, -GT_ELIMIT,
		              "header or signature are too long");
	int status = gt_base64_read(&j->header, header, true);
	if (status == 0)
		status = gt_base64_read(payload, body, true);
	if (status == 0)
		status = gt_base64_read(&j->signature, in, true);
	return status == -GT_EINVALID
	               ? refuse(j, status, "a part of it is not base64url")
	               : status;
}

/* ----------------------------------------------------------- header */

static const char *digest_of(const char *alg)
{
	static const char *const algs[][2] = {
	        {"RS256", "SHA256"}, {"RS384", "SHA384"}, {"RS512", "SHA512"}};
	for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
		if (strcmp(alg, algs[i][0]) == 0)
			return algs[i][1];
	return NULL;
}

static int read_header(struct jws *j)
{
	json_error_t error;
	j->head = gt_json_load(gt_buffer_bytes(&j->header), GT_JSON_STRICT,
	                       &error);
	if (!j->head && !*error.text)
		return -GT_ENOMEM;
	if (!json_is_object(j->head))
		return refuse(j, -GT_EINVALID,
		              "its header is not a JSON object");
	j->digest = digest_of(gt_json_member(j->head, "alg"));
	if (!j->digest)
		return refuse(j, -GT_EINVALID,
		              "its alg must be RS256, RS384 or RS512");
	/* what one does not know must be refused, RFC 7515 4.1.11 */
	if (json_object_get(j->head, "crit"))
		return refuse(j, -GT_EINVALID,
		              "its header has crit, of which none is known");
	if (j->signature.n == 0)
		return refuse(j, -GT_EINVALID, "it has no signature");
	return 0;
}

/* -------------------------------------------------------------- key */

/* The key of x5c's first certificate, in *key; NULL: there is no x5c. */
static int read_key(struct jws *j, EVP_PKEY **key)
{
	json_t *chain = json_object_get(j->head, "x5c");
	const char *first = json_string_value(json_array_get(chain, 0));
	struct gt_buffer der = {0};
	*key = NULL;
	if (!chain)
		return 0;
	if (!first)
		return refuse(j, -GT_EINVALID,
		              "its x5c is not a list of certificates");
	struct gt_bytes text = gt_bytes_str(first);
	int status = text.n > CERT_MAX ? -GT_EINVALID
	                               : gt_base64_read(&der, text, false);
	X509 *cert = NULL;
	if (status == 0) {
		const unsigned char *p = der.p;
		cert = d2i_X509(NULL, &p, (long)der.n);
		if (!cert || p != der.p + der.n)
			status = -GT_EINVALID;
	}
	if (status == 0 && !(*key = X509_get_pubkey(cert)))
		status = -GT_EINVALID;
	X509_free(cert);
	gt_buffer_free(&der);
	if (was_short())
		return -GT_ENOMEM;
	return status == -GT_EINVALID
	               ? refuse(j, status,
	                        "its x5c does not begin with a certificate")
	               : status;
}

static int check(struct jws *j, EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return refuse(j, -GT_EINVALID,
		              "the certificate's key is not an RSA key");
	if (bits < GT_JWS_KEY_MIN || bits > GT_JWS_KEY_MAX) {
		gt_format(j->why, j->why_cap,
		          "the certificate's key has %d bits: %d to %d are "
		          "taken",
		          bits, (int)GT_JWS_KEY_MIN, (int)GT_JWS_KEY_MAX);
		return -GT_EINVALID;
	}
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	if (!c)
		return -GT_ENOMEM;
	int good = EVP_DigestVerifyInit_ex(c, NULL, j->digest, NULL, NULL, key,
	                                   NULL);
	if (good == 1)
		good = EVP_DigestVerify(c, j->signature.p, j->signature.n,
		                        j->signed_.p, j->signed_.n);
	EVP_MD_CTX_free(c);
	if (was_short())
		return -GT_ENOMEM;
	return good == 1 ? 0
	                 : refuse(j, -GT_ESIGNATURE,
	                          "the key of its certificate did not make "
	                          "it");
}

int gt_jws_open(struct gt_bytes in, struct gt_buffer *payload, bool *checked,
                char *why, size_t why_cap)
{
	struct jws j = {.why = why, .why_cap = why_cap};
	EVP_PKEY *key = NULL;
	int status = 0;
	*checked = false;
	if (in.n > GT_JWS_MAX)
		status = refuse(&j, -GT_ELIMIT, "it is too long");
	if (status == 0)
		status = split(&j, in, payload);
	if (status == 0)
		status = read_header(&j);
	if (status == 0)
		status = read_key(&j, &key);
	if (status == 0 && key) {
		status = check(&j, key);
		*checked = status == 0;
	}
	EVP_PKEY_free(key);
	json_decref(j.head);
	gt_buffer_free(&j.header);
	gt_buffer_free(&j.signature);
	return status;
}
