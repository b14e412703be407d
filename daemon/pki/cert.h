/* cert.h: P-256 keys and X.509 certificates of a guantong tree.
 *
 * Leaves live at most 90 days, counted from a beginning one day back (clocks
 * of cut-off machines are slow), and name their node in one SAN URI:
 * spiffe://guantong/ and every code from the root to it.
 * Tests: u_pki.c. */
#ifndef GT_CERT_H
#define GT_CERT_H

#include <openssl/x509.h>

#include "buffer.h"

enum { GT_CERT_DAYS = 90, GT_CERT_CA_YEARS = 10, GT_CERT_URI_MAX = 640 };

/* A fresh key. NULL: OpenSSL could not. */
EVP_PKEY *gt_cert_key(void);
/* A certificate authority that signs itself. NULL: OpenSSL could not. */
X509 *gt_cert_authority(EVP_PKEY *key, const char *name, int64_t now_s);
/* A node's certificate, for both ends of a link. days: 1..GT_CERT_DAYS. NULL:
 * OpenSSL could not. */
X509 *gt_cert_leaf(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *code,
                   const char *uri, unsigned days, int64_t now_s);
/* The SAN URI. False: there is none, or it does not fit. */
bool gt_cert_uri(X509 *cert, char *out, size_t cap);
/* notAfter, seconds since the Unix epoch; 0: not to be read. */
int64_t gt_cert_expires(const X509 *cert);

/* The certificate as PEM; p NULL: failed. */
struct gt_buffer gt_cert_pem(X509 *cert);
/* The key as PEM, to be wiped; p NULL: failed. */
struct gt_buffer gt_cert_key_pem(EVP_PKEY *key);
/* The certificate in a PEM text. NULL: not PEM, or not of that kind. Never asks
 * for a pass phrase. */
X509 *gt_cert_of_pem(struct gt_bytes pem);
/* The same of a key. */
EVP_PKEY *gt_cert_key_of_pem(struct gt_bytes pem);

#endif
