/* http_cert.h: the certificate a listener shows, if it speaks HTTPS.
 *
 * libmicrohttpd does TLS by GnuTLS and takes PEM texts (Debian builds it with
 * that, bookworm and trixie alike). A listener shows the node's own
 * certificate, which leads to the CA of the tree and names the node by its
 * code, so that a browser has to be told to trust it, or one of the operator's.
 * It is read when the node starts. Tests: u_http_cert.c. */
#ifndef GT_HTTP_CERT_H
#define GT_HTTP_CERT_H

#include "buffer.h"
#include "config.h"

struct gt_http_cert {
	struct gt_buffer cert, key; /* PEM; empty: no HTTPS */
};

/* What `tls` ("off", "node", "own": a field of the configuration) asks for.
 * 0; -GT_EINVALID: not to be read, or no pair; -GT_EUNAVAILABLE: this library
 * cannot; why: a sentence. */
int gt_http_cert_read(struct gt_http_cert *out, const struct gt_config *config,
                      const char *tls, char *why, size_t why_cap);
/* Wipes the key. */
void gt_http_cert_free(struct gt_http_cert *cert);

#endif
