#include "http_cert.h"

#include <microhttpd.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "dir.h"
#include "files.h"
#include "http_request.h"

enum { PEM_MAX = 256 << 10 };

void gt_http_cert_free(struct gt_http_cert *cert)
{
	gt_buffer_free(&cert->cert);
	gt_buffer_wipe(&cert->key);
	*cert = (struct gt_http_cert){0};
}

static int no_phrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return 0; /* nobody is there to be asked */
}

/* Whether the first certificate and the key belong together: GnuTLS would say
 * no more than that it does not start. */
static bool pair(const struct gt_http_cert *c)
{
	BIO *in = BIO_new_mem_buf(c->cert.p, (int)c->cert.n);
	BIO *key_in = BIO_new_mem_buf(c->key.p, (int)c->key.n);
	X509 *cert = in ? PEM_read_bio_X509(in, NULL, no_phrase, NULL) : NULL;
	EVP_PKEY *key =
	        key_in ? PEM_read_bio_PrivateKey(key_in, NULL, no_phrase, NULL)
	               : NULL;
	bool fit = cert && key && X509_check_private_key(cert, key) == 1;
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(in);
	BIO_free(key_in);
	return fit;
}

int gt_http_cert_read(struct gt_http_cert *out, const struct gt_config *config,
                      const char *tls, char *why, size_t why_cap)
{
	bool own = strcmp(tls, "own") == 0;
	const char *cert = own ? config->certificate : GT_DIR_CERT;
	const char *key = own ? config->key : GT_DIR_KEY;
	*out = (struct gt_http_cert){0};
	if (!*tls || strcmp(tls, "off") == 0)
		return 0;
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_TLS);
		return -GT_EUNAVAILABLE;
	}
	int status = gt_files_read(cert, PEM_MAX, &out->cert, why, why_cap);
	if (status == 0)
		status = gt_files_read(key, PEM_MAX, &out->key, why, why_cap);
	bool fits = status == 0 && pair(out);
	if (status == 0 && !fits)
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_PAIR, cert, key);
	if (fits)
		return 0;
	gt_http_cert_free(out);
	return -GT_EINVALID;
}
