/* link.h: links to neighbours. nng streams, TLS, SP framing, deadlines.
 *
 * The room daemon/net/ moves messages between this node and its neighbours and
 * says who they are (tls.h). It uses nng, OpenSSL and libuv, knows nothing of
 * what messages mean, and keeps nothing on disk. It promises that a message
 * arrives whole and in order or its link ends, that a peer that is silent, slow
 * or hostile costs no more than its limits, and that nobody is taken for a
 * neighbour whose certificate does not say so. Inside: net_inside.h. A received
 * message is a bulk (bulk.h).
 *
 * Threads: gt_links_* is called from the loop thread; gt_link_* from any,
 * callbacks included. Callbacks run on nng's threads or the loop's and must
 * neither block nor call gt_links_*. For one peer they come one at a time: up
 * once, then messages in order, then down once, also when gt_links_stop ends
 * the link. A peer's id is never used again. */
#ifndef GT_LINK_H
#define GT_LINK_H

#include <uv.h>

#include "base.h"

struct gt_bulk; /* a received message: bulk.h */

/* How a link came about: they dialled; we dialled the parent; we dialled a node
 * above it, for the roster. */
enum gt_link_way { GT_WAY_TAKEN, GT_WAY_PARENT, GT_WAY_ABOVE };

struct gt_link_events {
	/* TLS is done and the SP headers are exchanged. code: from the SAN URI
	 * of the peer's certificate, "" when insecure; above: the one before
	 * it there, "" if there is none; until_ms: wall time when it ends, 0:
	 * there is none. address for logs. */
	void (*up)(void *arg, uint32_t peer, enum gt_link_way way,
	           const char *code, const char *above, int64_t until_ms,
	           const char *address);
	/* The link is over; why: a sentence. */
	void (*down)(void *arg, uint32_t peer, const char *why);
	/* Takes over one reference to m. */
	void (*message)(void *arg, uint32_t peer, struct gt_bulk *m);
	/* Something worth a log line that belongs to no link in being: refused
	 * handshakes, limits hit, dial failures. level: enum gt_log_level.
	 * shown: what the other end's certificate says of itself, if it showed
	 * one; else "". */
	void (*log)(void *arg, int level, const char *what, const char *address,
	            const char *shown, const char *why);
};

struct gt_links_config {
	/* "0.0.0.0:7700", also "tcp://..."; "[::]:7700" takes IPv4 too; NULL:
	 * no children */
	const char *listen;
	const char *const *parents; /* addresses "host:port", tried in turn */
	size_t nparents;
	const char *const *above; /* ... of nodes above the parent */
	size_t nabove;
	bool insecure; /* plain tcp, no certificates */
	const char *ca_pem, *cert_pem, *key_pem; /* PEM text, not file names */
	const char *parent_code;  /* the parent's certificate must carry it, or
	                             of one above it what it lies in */
	uint32_t handshake_ms;    /* 0: 5000 */
	uint32_t max_links;       /* 0: GT_PEERS_MAX */
	uint32_t max_per_address; /* 0: 64 */
	uint32_t max_pending;     /* handshakes at once, 0: 64 */
	uint32_t queue_bytes;     /* unsent bytes that drop a link, 0: 64 MiB */
	uint32_t backoff_min_ms;  /* 0: 200; full jitter up to the maximum */
	uint32_t backoff_max_ms;  /* 0: 4000 */
	uint32_t silent_ms; /* without a byte from the parent for so long, it is
	                       dialled anew beside the link: if it answers,
	                       that one is over. 0: never */
};

struct gt_links;
/* Starts listening and dialling. 0; -GT_EUNAVAILABLE: nothing can listen there,
 * with errno; other negative. why: a sentence on failure, after which the loop
 * must run once more, as after gt_links_stop. */
int gt_links_start(struct gt_links **out, uv_loop_t *loop,
                   const struct gt_links_config *config,
                   const struct gt_link_events *events, void *arg, char *why,
                   size_t why_cap);
/* The port listened on (the system may have chosen it), 0: none. */
uint16_t gt_links_port(const struct gt_links *links);
/* Dials the parent now, forgetting the backoff. */
void gt_links_redial(struct gt_links *links);
/* Dials the nodes above the parent in turn, until one is reached or none is
 * left, before the parent is dialled again; at once if there is no link to it.
 * Any thread. */
void gt_link_dial_above(struct gt_links *links);
/* Closes every link; no callback runs after it returns, and nothing may be sent
 * any more. Memory is freed once the loop has run its close callbacks. */
void gt_links_stop(struct gt_links *links);

/* Queues a message: SP header, head length, head, payload; copies both. False:
 * the link is gone, or is cut because it is over its queue or there is no
 * memory. Any thread. */
bool gt_link_send(struct gt_links *links, uint32_t peer, uint64_t token,
                  struct gt_bytes head, struct gt_bytes payload);
/* As send, but payload is memory from malloc whose ownership passes over (also
 * on failure). For bulk. */
bool gt_link_send_owned(struct gt_links *links, uint32_t peer, uint64_t token,
                        struct gt_bytes head, void *payload, size_t n);
/* Flushes what is queued (within the handshake deadline), then closes. */
void gt_link_drop(struct gt_links *links, uint32_t peer, const char *why);
/* Closes at once: for a peer that would not take a last word. */
void gt_link_cut(struct gt_links *links, uint32_t peer, const char *why);

#endif
