/* tls.h: an nng TLS engine over OpenSSL 3 (TLS 1.3, mutual), and what the
 * certificates of guantong say.
 *
 * Either end must show a certificate that leads to the configured CA and whose
 * SAN URI names a node; anything else fails the handshake with a reason a
 * person can act on. Host names are not looked at: the URI is the identity.
 *
 * Contract beyond nng's: a send completes only when its whole buffer has gone
 * out, and a receive into more than GT_TLS_WHOLE bytes only when the buffer is
 * full. That saves a thread switch for each TLS record of a large message.
 *
 * nng's TLS tells the end of a connection to whatever waits at that moment, and
 * to nobody who comes later: a receive begun after the end waits for ever. So
 * one receive of nng's, the watch, waits all the time and gets nothing but the
 * end; data is received past nng, by gt_tls_recv. */
#ifndef GT_TLS_H
#define GT_TLS_H

#include "base.h"

enum {
	GT_TLS_WHOLE = 16384,
	/* Plaintext of one record: with its 22 bytes of overhead it still fits
	 * nng's 16,384-byte ring, so that one record is one write to TCP. */
	GT_TLS_RECORD = 16384 - 64,
};

struct nng_aio;
struct nng_stream;
struct nng_tls_config;

struct gt_tls_peer {
	bool verified; /* handshake done, certificate in order */
	char code[GT_CODE_MAX + 1];
	char why[256]; /* what went wrong so far; "" nothing */
};

/* Registers the engine; once per process, before any other nng call. 0, or an
 * nng error number. Any later call does nothing. */
int gt_tls_register(void);
/* A configuration for either end, all of it checked. 0 or -GT_E...; why: a
 * sentence. Free with nng_tls_config_free. */
int gt_tls_config(struct nng_tls_config **out, bool server, const char *ca_pem,
                  const char *cert_pem, const char *key_pem, char *why,
                  size_t why_cap);
/* A whole mutual handshake with oneself, and a byte each way. An OpenSSL 3.0
 * that runs out of memory while it looks an algorithm up for the first time
 * finds it "unsupported" for as long as the process lives: so each is looked up
 * here, before a node says that it is ready. Dates are not looked at. 0, or
 * -GT_EINVALID; why: a sentence. */
int gt_tls_rehearse(const char *ca_pem, const char *cert_pem,
                    const char *key_pem, char *why, size_t why_cap);
/* Begins the watch; once per stream, before the first receive. The callback of
 * aio comes when the connection is over, from either side, and must call
 * gt_tls_ended with its result. */
void gt_tls_watch(struct nng_stream *stream, struct nng_aio *aio);
/* Takes the watch's result: a receive that waits ends. */
void gt_tls_ended(struct nng_stream *stream, int rv);
/* In place of nng_stream_recv, one at a time: when aio's callback comes with
 * result 0, *got bytes are at p. Cannot be cancelled; ends when the watch does,
 * so stop the watch first, then this aio. */
void gt_tls_recv(struct nng_stream *stream, struct nng_aio *aio, uint8_t *p,
                 size_t n, size_t *got);
/* What is known of the other end of a tls+tcp stream. Any thread, also after
 * the stream has failed or been closed, not after it is freed. */
void gt_tls_peer(struct nng_stream *stream, struct gt_tls_peer *out);
/* Says goodbye (close_notify) behind everything sent so far. */
void gt_tls_goodbye(struct nng_stream *stream);

/* Code in the certificate's SAN URI "spiffe://guantong/33/3301/330106": the
 * last component. False: there is none, or it is not a well-formed chain of
 * codes each within the one before. */
bool gt_tls_code_of_uri(const char *uri, char out[GT_CODE_MAX + 1]);

#endif
