/* f_cert.c: names in certificates. First byte, modulo 3: the rest is a URI, the
 * subject alternative names of a certificate, or a certificate whole. A name that
 * is taken is that of a place, and its URI leads there from without. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "tls_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void uri(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), code[GT_CODE_MAX + 1] = "";
	char above[GT_CODE_MAX + 1] = "";
	assert(text);
	memcpy(text, data, n);
	text[n] = '\0';
	if (gt_tls_code_of_uri(text, code, above)) {
		const char *last = strrchr(text, '/');
		assert(gt_code_valid(code) && last);
		assert(!above[0] || gt_code_valid(above));
		assert(strcmp(last + 1, code) == 0);
		assert(strncmp(text, "spiffe://guantong/", 18) == 0);
	} else {
		assert(!code[0] && !above[0]);
	}
	free(text);
}

static void certificate(X509 *cert)
{
	char code[GT_CODE_MAX + 1] = "", above[GT_CODE_MAX + 1] = "", why[256];
	if (gt_tls_code_of(cert, code, above))
		assert(gt_code_valid(code) &&
		       (!above[0] || gt_code_valid(above)));
	for (int error = 0; error < 100; error += 9) {
		gt_tls_explain_verify(error, cert, why, sizeof why);
		assert(why[0] && strlen(why) < sizeof why);
	}
}

static void names(const uint8_t *data, size_t n)
{
	X509 *cert = X509_new();
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	assert(cert && bytes);
	int ok = ASN1_OCTET_STRING_set(bytes, data, (int)n);
	assert(ok == 1);
	X509_EXTENSION *e = X509_EXTENSION_create_by_NID(
	        NULL, NID_subject_alt_name, 0, bytes);
	assert(e);
	ok = X509_add_ext(cert, e, -1);
	assert(ok == 1);
	certificate(cert);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(bytes);
	X509_free(cert);
}

static void whole(const uint8_t *data, size_t n)
{
	X509 *cert = d2i_X509(NULL, &data, (long)n);
	if (cert)
		certificate(cert);
	X509_free(cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 1 << 20)
		return 0;
	switch (data[0] % 3) {
	case 0:
		uri(data + 1, size - 1);
		break;
	case 1:
		names(data + 1, size - 1);
		break;
	default:
		whole(data + 1, size - 1);
	}
	ERR_clear_error();
	return 0;
}
