/* tls_name.h: certificates read for people: whose they are, what is wrong.
 * Tests: u_tls.c. */
#ifndef GT_TLS_NAME_H
#define GT_TLS_NAME_H

#include <openssl/x509.h>

#include "tls.h"

/* The node's code in the certificate's SAN, and the one above it. False: not
 * exactly one URI of our trust domain, or it does not parse. */
bool gt_tls_code_of(X509 *cert, char out[GT_CODE_MAX + 1],
                    char above[GT_CODE_MAX + 1]);
/* The same of the first certificate of PEM text. False: as above, or there is no
 * certificate. */
bool gt_tls_code_of_pem(const char *pem, char out[GT_CODE_MAX + 1],
                        char above[GT_CODE_MAX + 1]);
/* The subject's common name, as far as it is text that can be shown; "": none. */
void gt_tls_common_name(X509 *cert, char out[GT_TLS_SHOWN]);
/* Milliseconds since the Unix epoch. False: not to be read. */
bool gt_tls_time(const ASN1_TIME *t, int64_t *ms);
/* A sentence for a verification error (X509_V_ERR_...) of this certificate.
 * Names this machine's clock when time is what is wrong. */
void gt_tls_explain_verify(int error, const X509 *cert, char *out, size_t cap);
/* A sentence for an OpenSSL error (ERR_get_error). */
void gt_tls_explain_error(unsigned long error, char *out, size_t cap);

#endif
