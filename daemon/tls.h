/* tls.h: an nng TLS engine over OpenSSL 3 (TLS 1.3, mutual), and what the
 * certificates of guantong say. */
#ifndef GT_TLS_H
#define GT_TLS_H

#include "base.h"

/* Registers the engine; once a process, before any other nng call. */
int gt_tls_register(void);
/* Code in the certificate's SAN URI "spiffe://guantong/33/3301/330106": the
 * last component. False: there is none, or it is not a well-formed chain of
 * codes each within the one before. */
bool gt_tls_code_of_uri(const char *uri, char out[GT_CODE_MAX + 1]);

#endif
