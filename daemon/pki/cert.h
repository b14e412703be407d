/* cert.h: P-256 keys and X.509 certificates of a guantong tree.
 *
 * Leaves live at most 90 days, counted from a beginning one day back (clocks
 * of cut-off machines are slow), and name their node in one SAN URI:
 * spiffe://guantong/ and every code from the root to it. */
#ifndef GT_CERT_H
#define GT_CERT_H

#include <openssl/x509.h>

#include "base.h"

enum { GT_CERT_DAYS = 90, GT_CERT_CA_YEARS = 10, GT_CERT_URI_MAX = 640 };

/* NULL: OpenSSL could not. */
EVP_PKEY *gt_cert_key(void);
/* A certificate authority that signs itself. NULL: OpenSSL could not. */
X509 *gt_cert_authority(EVP_PKEY *key, const char *name, int64_t now_s);
/* A node's certificate, for both ends of a link. days: 1..GT_CERT_DAYS. */
X509 *gt_cert_leaf(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *code,
                   const char *uri, unsigned days, int64_t now_s);
/* The SAN URI. False: there is none, or it does not fit. */
bool gt_cert_uri(X509 *cert, char *out, size_t cap);
/* notAfter, seconds since the Unix epoch; 0: not to be read. */
int64_t gt_cert_expires(const X509 *cert);

/* PEM, malloc'ed; p NULL: failed. Wipe a key's with OPENSSL_cleanse. */
struct gt_bytes gt_cert_pem(X509 *cert);
struct gt_bytes gt_cert_key_pem(EVP_PKEY *key);
/* NULL: not PEM, or not of that kind. Never asks for a pass phrase. */
X509 *gt_cert_of_pem(struct gt_bytes pem);
EVP_PKEY *gt_cert_key_of_pem(struct gt_bytes pem);

#endif
