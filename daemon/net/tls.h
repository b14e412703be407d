/* tls.h: TLS 1.3 over OpenSSL 3, mutual, as a filter between bytes that came and
 * bytes to be sent; and what the certificates of guantong say.
 *
 * Either end must show a certificate that leads to the configured CA and whose
 * SAN URI names a node; anything else fails the handshake with a reason a
 * person can act on. Host names are not looked at: the URI is the identity.
 *
 * The filter has no socket. What came is given to it and read out in clear; what
 * is written in clear is taken out and sent. The handshake happens meanwhile: a
 * read drives it, a write before it is done takes nothing. Whatever was called,
 * there may be something to send then, an alert after a failure too.
 *
 * Calls for one gt_tls are made one at a time, from any thread. */
#ifndef GT_TLS_H
#define GT_TLS_H

#include "base.h"

enum {
	GT_TLS_RECORD = 16384, /* clear bytes of one record, at most */
	/* What a write makes of clear bytes, at most: sealed at once so much of
	 * a large message goes out by one call. Measured by b_link.c. */
	GT_TLS_SEALED = 128 << 10,
};

struct gt_tls_context; /* CA, own certificate and key, for both ends */
struct gt_tls;         /* one connection */

enum gt_tls_status {
	GT_TLS_OK,
	GT_TLS_MORE,   /* nothing goes on before something has come */
	GT_TLS_ENDED,  /* the peer said goodbye */
	GT_TLS_FAILED, /* for good: gt_tls_why */
};

/* Reads and checks all three. 0 or -GT_E...; why: a sentence. */
int gt_tls_context_new(struct gt_tls_context **out, const char *ca_pem,
                       const char *cert_pem, const char *key_pem, char *why,
                       size_t why_cap);
/* NULL is fine. Connections made with it stay good. */
void gt_tls_context_free(struct gt_tls_context *context);
/* A whole mutual handshake with oneself, and a byte each way. An OpenSSL 3.0
 * that runs out of memory while it looks an algorithm up for the first time
 * finds it "unsupported" for as long as the process lives: so each is looked up
 * here, before a node says that it is ready. Dates are not looked at. 0,
 * -GT_EINVALID or -GT_ENOMEM; why: a sentence. */
int gt_tls_rehearse(const char *ca_pem, const char *cert_pem,
                    const char *key_pem, char *why, size_t why_cap);

/* One end of a connection: server is the end that was dialled. NULL: no
 * memory. */
struct gt_tls *gt_tls_new(struct gt_tls_context *context, bool server);
/* NULL is fine. */
void gt_tls_free(struct gt_tls *tls);

/* n bytes came. They are lent until a read says MORE; nothing may be given
 * before. */
void gt_tls_give(struct gt_tls *tls, const uint8_t *p, size_t n);
/* Clear bytes into p, as many as there are and fit. OK: *got of them, more than
 * none. */
enum gt_tls_status gt_tls_read(struct gt_tls *tls, uint8_t *p, size_t n,
                               size_t *got);
/* Seals clear bytes from p, *took of them: fewer than n when GT_TLS_SEALED is
 * reached, when all has to be sent before more is written; none, and MORE,
 * while the handshake goes on. */
enum gt_tls_status gt_tls_write(struct gt_tls *tls, const uint8_t *p, size_t n,
                                size_t *took);
/* Says goodbye (close_notify) behind everything written so far. False: there is
 * nothing more to say. */
bool gt_tls_goodbye(struct gt_tls *tls);
/* What is to be sent; it stays where it is until it is said to be sent. 0
 * bytes: nothing. */
size_t gt_tls_sealed(const struct gt_tls *tls, const uint8_t **p);
/* n bytes of that are sent. */
void gt_tls_sent(struct gt_tls *tls, size_t n);
/* Nothing more is to be sent for now: memory for it is given back. A link is
 * idle most of its life. */
void gt_tls_rest(struct gt_tls *tls);

/* The node the peer's certificate names, "": none yet, or none in order. */
const char *gt_tls_code(const struct gt_tls *tls);
/* The one above it there, which is its parent's: "", none. */
const char *gt_tls_above(const struct gt_tls *tls);
/* Wall time until when that and all it leads to is good; 0: none yet. */
int64_t gt_tls_until(const struct gt_tls *tls);
/* The code the peer's certificate names, whether it is in order or not: nobody
 * vouches for it. "": none. */
const char *gt_tls_named(const struct gt_tls *tls);
enum { GT_TLS_SHOWN = 160 };
/* The same, with the common name there, for people; "": it showed none. */
const char *gt_tls_shown(const struct gt_tls *tls);
/* What went wrong, "": nothing. */
const char *gt_tls_why(const struct gt_tls *tls);

/* Code in the certificate's SAN URI "spiffe://guantong/33/3301/330106": the
 * last component; above: the one before it, "" if there is none. False: there
 * is no code, or it is not a well-formed chain of codes each within the one
 * before. */
bool gt_tls_code_of_uri(const char *uri, char out[GT_CODE_MAX + 1],
                        char above[GT_CODE_MAX + 1]);

#endif
