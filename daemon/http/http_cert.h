/* http_cert.h: the certificates listeners show, where they speak HTTPS.
 *
 * libmicrohttpd does TLS by GnuTLS (Debian builds it with that, bookworm and
 * trixie alike). A listener shows the node's own certificate, which leads to the
 * CA of the tree and names the node by its code, so that a browser has to be
 * told to trust it, or one of the operator's. It is read when the node starts
 * and whenever its files change: who begins a handshake then is shown the new
 * one, and connections that are there go on. What cannot be shown is not taken
 * up, and the one before is shown on.
 *
 * The library's callback is handed nothing of ours: each door has one of its
 * own, so one http of a process has them. Tests: u_http_cert.c. */
#ifndef GT_HTTP_CERT_H
#define GT_HTTP_CERT_H

#include <gnutls/abstract.h>

#include "buffer.h"
#include "config.h"
#include "fault.h"
#include "http_request.h"

/* A file as it was when it was last looked at. */
struct gt_http_cert_mark {
	uint64_t inode, size;
	int64_t s, ns; /* when it was written */
};

struct gt_http_cert {
	const char *cert_file, *key_file; /* NULL: no HTTPS */
	struct gt_buffer cert, key;       /* PEM */
	struct gt_validity validity;
	/* the looker's alone: both files, and they may still change */
	struct gt_http_cert_mark seen[2];
	bool moving;
	int64_t told_days; /* that were left when it was last said */
};

/* What `tls` ("off", "node", "own": a field of the configuration, whose names of
 * files are lent) asks for. 0; -GT_EINVALID: not there, or no pair that can be
 * shown; -GT_EUNAVAILABLE: this library cannot; -GT_EIO, -GT_ENOMEM: it could
 * not be read; why: a sentence. */
int gt_http_cert_read(struct gt_http_cert *out, const struct gt_config *config,
                      const char *tls, char *why, size_t why_cap);
/* The callback that shows it at that door from here on, until it is freed. One
 * of the three that have a port. */
gnutls_certificate_retrieve_function3 *
gt_http_cert_show(struct gt_http_cert *cert, enum gt_http_door door);
/* Wipes the key. Nobody shakes hands at its door any more. */
void gt_http_cert_free(struct gt_http_cert *cert);

/* Whether its files have changed since the last look but one, and not since the
 * last: whoever writes two files is not to be met between them. One thread. */
bool gt_http_cert_changed(struct gt_http_cert *cert);
/* Reads its files again. 1: another one is shown from here on; 0: it is the same;
 * as gt_http_cert_read: the one before is shown on. The same thread. */
int gt_http_cert_renew(struct gt_http_cert *cert, char *why, size_t why_cap);
/* From when until when it may be used; zeros: not known, or no HTTPS. Any
 * thread. */
struct gt_validity gt_http_cert_validity(struct gt_http_cert *cert);

#endif
