#include "tls_name.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "code.h"
#include "measure.h"
#include "sys.h"
#include "utf8.h"

static const char domain[] = "spiffe://guantong/";

bool gt_tls_code_of_uri(const char *uri, char out[GT_CODE_MAX + 1],
                        char above[GT_CODE_MAX + 1])
{
	char outer[GT_CODE_MAX + 1] = "", code[GT_CODE_MAX + 1];
	char last[GT_CODE_MAX + 1] = "";
	if (strncmp(uri, domain, sizeof domain - 1) != 0)
		return false;
	for (const char *p = uri + sizeof domain - 1;;) {
		size_t n = strcspn(p, "/");
		if (n == 0 || n > GT_CODE_MAX)
			return false;
		memcpy(code, p, n);
		code[n] = '\0';
		if (!gt_code_valid(code))
			return false;
		if (outer[0] && !gt_code_child_of(code, outer))
			return false;
		memcpy(last, outer, sizeof last);
		memcpy(outer, code, n + 1);
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	memcpy(out, outer, sizeof outer);
	memcpy(above, last, sizeof last);
	return true;
}

/* The URI as a C string, if it has no NUL inside: a name that ends early for
 * one reader and late for another is an old way in. */
static bool uri_of(const GENERAL_NAME *name, char out[512])
{
	if (name->type != GEN_URI)
		return false;
	const ASN1_IA5STRING *s = name->d.uniformResourceIdentifier;
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int n = ASN1_STRING_length(s);
	if (n <= 0 || n >= 512 || memchr(p, 0, (size_t)n))
		return false;
	memcpy(out, p, (size_t)n);
	out[n] = '\0';
	return true;
}

bool gt_tls_code_of(X509 *cert, char out[GT_CODE_MAX + 1],
                    char above[GT_CODE_MAX + 1])
{
	GENERAL_NAMES *names =
	        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int uris = 0;
	bool ok = false;
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		char uri[512];
		if (name->type != GEN_URI)
			continue;
		uris++;
		ok = uri_of(name, uri) && gt_tls_code_of_uri(uri, out, above);
	}
	GENERAL_NAMES_free(names);
	return uris == 1 && ok;
}

bool gt_tls_code_of_pem(const char *pem, char out[GT_CODE_MAX + 1],
                        char above[GT_CODE_MAX + 1])
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	bool ok = cert && gt_tls_code_of(cert, out, above);
	X509_free(cert);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}

void gt_tls_common_name(X509 *cert, char out[GT_TLS_SHOWN])
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	X509_NAME_ENTRY *e = at >= 0 ? X509_NAME_get_entry(subject, at) : NULL;
	unsigned char *text = NULL;
	int n = e ? ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(e))
	          : -1;
	out[0] = '\0';
	if (n > 0 && n < GT_TLS_SHOWN - GT_CODE_MAX - 1 &&
	    gt_utf8_valid((char *)text, (size_t)n)) {
		memcpy(out, text, (size_t)n);
		out[n] = '\0';
	}
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	OPENSSL_free(text);
	ERR_clear_error();
}

bool gt_tls_time(const ASN1_TIME *t, int64_t *ms)
{
	const int64_t day_s = GT_DAY_MS / 1000;
	int days, seconds;
	ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
	/* without a time of its own, OpenSSL counts to the present */
	bool ok = zero && t && ASN1_TIME_diff(&days, &seconds, zero, t) == 1;
	if (ok)
		*ms = (days * day_s + seconds) * 1000;
	ASN1_TIME_free(zero);
	return ok;
}

static void time_of(const ASN1_TIME *t, char out[GT_MEASURE_TIME])
{
	int64_t ms;
	if (gt_tls_time(t, &ms))
		gt_measure_time(out, ms);
	else
		gt_copy(out, GT_MEASURE_TIME, "an unknown time");
}

void gt_tls_explain_verify(int error, const X509 *cert, char *out, size_t cap)
{
	char now[GT_MEASURE_TIME], when[GT_MEASURE_TIME];
	gt_measure_time(now, gt_sys_now().wall_ms);
	switch (error) {
	case X509_V_ERR_CERT_NOT_YET_VALID:
		time_of(cert ? X509_get0_notBefore(cert) : NULL, when);
		gt_format(out, cap,
		          "certificate is not yet valid (from %s): this "
		          "machine's clock says %s",
		          when, now);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		time_of(cert ? X509_get0_notAfter(cert) : NULL, when);
		gt_format(out, cap,
		          "certificate has expired (at %s): this machine's "
		          "clock says %s",
		          when, now);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		gt_format(out, cap, "certificate comes from an unknown CA (%s)",
		          X509_verify_cert_error_string(error));
		break;
	case X509_V_ERR_APPLICATION_VERIFICATION:
		gt_copy(out, cap,
		        "certificate names no node: it needs exactly one SAN "
		        "URI, spiffe://guantong/...");
		break;
	default:
		gt_format(out, cap, "certificate refused (%s)",
		          X509_verify_cert_error_string(error));
	}
}

/* What the other end said of ours, as far as it says. */
static const char *alert_text(int reason)
{
	switch (reason) {
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		return "it does not know our CA";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return "it is expired by the peer's clock";
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
		return "it is not valid, or not yet by the peer's clock";
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return "it saw none";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
		return "it is revoked";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
		return "it names no node";
	default:
		return NULL;
	}
}

void gt_tls_explain_error(unsigned long error, char *out, size_t cap)
{
	int reason = ERR_GET_REASON(error);
	const char *alert = alert_text(reason), *text;
	char now[GT_MEASURE_TIME];
	if (ERR_GET_LIB(error) != ERR_LIB_SSL) {
		text = ERR_reason_error_string(error);
		gt_format(out, cap, "TLS failed (%s)", text ? text : "unknown");
		return;
	}
	if (alert) {
		gt_measure_time(now, gt_sys_now().wall_ms);
		gt_format(out, cap,
		          "the peer refused our certificate: %s (this "
		          "machine's clock says %s)",
		          alert, now);
		return;
	}
	switch (reason) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		gt_copy(out, cap, "the peer showed no certificate");
		break;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_UNEXPECTED_MESSAGE:
		gt_copy(out, cap, "the peer does not speak TLS");
		break;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		gt_copy(out, cap, "the peer does not speak TLS 1.3");
		break;
	default:
		text = ERR_reason_error_string(error);
		gt_format(out, cap, "TLS failed (%s)", text ? text : "unknown");
	}
}
