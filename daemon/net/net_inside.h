/* net_inside.h: what the files of the links share. link.c calls listener.c and
 * dialer.c, these stream.c, and all of them links.c, fault.c and absent.c.
 *
 * One struct stream per connection. Its rx fields belong to whichever thread
 * runs its rx callback (there is one receive at a time); tx fields and state
 * are guarded by its lock. Lock order: stream, then links. nng never calls back
 * from inside a call, so nng may be called with a lock held, except for
 * nng_aio_stop, which waits for callbacks: the loop thread only, no lock held.
 *
 *   SHAKING --SP header in order--> UP --gt_link_drop--> DRAINING
 *      |                             |                      |
 *      +------ any failure ----------+----------------------+--> CLOSED
 *
 * CLOSED closes the nng stream under the lock and queues the struct for the
 * loop, which waits for the callbacks, says down and frees it. Nothing is
 * submitted to nng in CLOSED. */
#ifndef GT_NET_INSIDE_H
#define GT_NET_INSIDE_H

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>

#include "bulk.h"
#include "fault.h"
#include "link.h"
#include "node.h"
#include "sp.h"
#include "tls.h"

enum {
	STREAM_BUFFER = 64 << 10, /* small messages gathered or read at once */
	STREAM_RAW = 64 << 10,    /* TLS: bytes received at once */
	STREAM_IOVS = 8,          /* nng takes no more */
	STREAM_BUCKETS = 256,
	STREAM_COPY = 16 << 10, /* pieces up to this are gathered by copying */
};

enum stream_state { SHAKING, UP, DRAINING, CLOSED };

/* One message (or the SP header) on its way out: lead, then bulk. */
struct out {
	struct out *next;
	void *bulk; /* from malloc */
	size_t bulk_n;
	size_t lead_n;
	uint8_t lead[];
};

struct origin { /* what max_per_address counts by: IPv4, or IPv6 /64 */
	uint8_t b[8];
	bool v6;
};

/*   1. state goes forward only, under lock; in CLOSED nothing is submitted to
 *      nng, and rx and tx are stopped before the struct goes
 *   2. refs: one until the loop has reaped it, one for each call that looked it
 *      up, one of stream_open's until the first receive is under way
 *   3. it is in links->all from when it is counted in until it is reaped, in
 *      links->dead once, from CLOSED until the loop takes it
 *   4. peer is given once, with UP, under both locks, and stays; from then
 *      until it is reaped it is in its bucket. up is said before any message,
 *      down after the last and only if there was a peer
 *   5. pending: others dialled, and it has not come up, nor been reaped
 *   6. deadline is 0 in UP, set in SHAKING and DRAINING
 *   7. tx_busy = a send is under way; sending is what the batch in iov holds, or
 *      held until its last byte was sent; queued = bytes of queue and sending;
 *      queue_end points at the queue's last `next`, or at queue
 *   8. partial, if set, lacks some bytes, and the read-ahead is empty then;
 *      between two receives it holds less than a message's prefix */
struct stream {
	struct gt_links *links;
	nng_stream *nng;
	nng_aio *rx, *tx;
	enum gt_link_way way;
	bool parent; /* we dialled: way is not TAKEN */
	atomic_uint refs;
	_Atomic uint64_t deadline; /* uv_hrtime when it is closed, 0: never */
	struct origin origin;
	char address[64];
	char code[GT_CODE_MAX + 1];

	/* guarded by links->lock */
	struct stream *next, **at;          /* all streams, oldest last */
	struct stream *bucket, **bucket_at; /* by peer, once up */
	struct stream *dead;                /* next to be reaped */
	bool pending;                       /* counted as a handshake */
	uint64_t since; /* uv_hrtime of connect, then of up */
	uint32_t peer;  /* 0 until up */

	/* the rx callback's */
	uint8_t hello[GT_SP_HEADER_BYTES];
	size_t hello_n;
	uint8_t *raw; /* TLS: bytes as they came */
	uint8_t *in;  /* read-ahead */
	size_t in_n;
	struct gt_bulk *partial;
	size_t partial_n;

	pthread_mutex_t lock;
	enum stream_state state;
	struct gt_tls *tls; /* NULL: plain */
	char why[320];
	struct out *queue, **queue_end;
	struct out *sending; /* in the batch under way, oldest first */
	bool tx_busy;
	size_t queued; /* bytes in queue and sending */
	uint8_t *gather;
	nng_iov iov[STREAM_IOVS];
	unsigned iovs;
};

struct listener {
	nng_stream_listener *nng;
	nng_aio *aio;
	uv_timer_t timer; /* until accepting is tried again */
	char url[300];
	uint16_t port;
	/* guarded by links->lock */
	int error;       /* of the accept that stopped the loop, 0: it runs */
	unsigned errors; /* in a row */
};

struct dialer {
	nng_stream_dialer **nng; /* one per address: the parent's first */
	char **address;
	size_t n, n_above; /* the parent's; behind them those above it */
	nng_aio *aio;
	uv_timer_t timer;
	unsigned attempts;           /* since a link last lived */
	size_t at;                   /* address dialled now or last */
	size_t above_at, above_left; /* where above is dialled next; how many
	                                more this time */
	bool dialling;
	bool probing;      /* ... beside a silent link */
	nng_stream *spare; /* that answered; until the silent one is buried */
	unsigned told;     /* attempts when a failure was last logged */
	char told_why[400];
	int linked; /* dials that succeeded less streams lost: -1, 0 or 1 */
	/* guarded by links->lock */
	bool done;
	int result;
	bool above_asked; /* to be dialled: not yet looked at */
};

/* What is not under lock is the loop thread's own, but what callbacks read:
 * config to client, set before the first of them; of listener and dialer the
 * nng objects, the addresses and `at`, which stay while one may come.
 *
 *   1. streams = those in all that others dialled, <= config.max_links;
 *      pending = those of them that are
 *   2. last_peer is the greatest id given; none is given twice
 *   3. stopping is never taken back: nothing is counted in or comes up after it
 *   4. one dial or one link to the parent at a time; while linked > 0 a dial is
 *      a probe, and what it reaches becomes the link once the silent one is
 *      buried
 *   5. handles = uv handles not yet closed; the last one's callback frees this
 *   6. no callback of events is called with a lock held */
struct gt_links {
	uv_loop_t *loop;
	struct gt_links_config config; /* numbers filled in, strings unset */
	char parent_code[GT_CODE_MAX + 1];
	struct gt_link_events events;
	void *arg;
	struct gt_tls_context *tls; /* NULL: plain, for both ends */
	uv_async_t wake;
	uv_timer_t sweep;
	unsigned handles; /* uv handles not yet closed */
	struct listener listener;
	struct dialer dialer;
	_Atomic uint64_t heard; /* uv_hrtime: the last bytes of the parent */

	pthread_mutex_t lock;
	bool stopping;
	struct stream *all;
	struct stream *dead;
	struct stream *buckets[STREAM_BUCKETS];
	uint32_t last_peer;
	uint32_t streams, pending; /* accepted ones; of those, handshaking */
	uint64_t log_second;
	unsigned logged, unlogged;
	/* of the link to the parent: why there is none, and of the last there
	 * was its peer, its address, and whether the core has said why */
	struct gt_fault fault;
	uint32_t parent_peer;
	bool parent_told;
	char parent_address[300];
	struct absent *absent; /* absent.c; NULL: none yet */
	int64_t started_ms;    /* wall time; never changes */
};

/* links.c: any thread */

/* Why every link ends when this node does: nothing went wrong, so it is no line of
 * the log. */
#define LINKS_STOPPING "this node is stopping"

/* A line for the operator, if not too many came this second: anyone may knock
 * as often as he likes. shown: what the other end's certificate says of itself,
 * "": it showed none. */
void links_log(struct gt_links *links, int level, const char *what,
               const char *address, const char *shown, const char *why);
/* Makes the loop look after whatever was left for it. */
void links_wake(struct gt_links *links);

/* fault.c: any thread, no lock held */

/* The parent was not reached. */
void fault_dialled(struct gt_links *links, const char *address,
                   const char *why);
/* The stream to the parent, with this peer (0: it was none yet), is over. */
void fault_ended(struct gt_links *links, uint32_t peer, const char *address,
                 const char *why);
/* The core drops the peer: if that is the parent's link, its reason counts,
 * even where the parent was quicker to close. */
void fault_dropped(struct gt_links *links, uint32_t peer, const char *why);

/* absent.c: any thread, no lock held */

/* A link to a node below ended, lived: after it had been up for a while, or was
 * refused. code: in its certificate, good or not; "": not known. */
void absent_note(struct gt_links *links, const char *code, const char *address,
                 const char *why, bool lived);
/* At the end. */
void absent_free(struct gt_links *links);

/* stream.c: any thread, but for the last */

/* Takes over the nng stream, also on failure. The stream may be gone by the
 * time it returns. 0 or -GT_E...; why it was refused is logged. */
int stream_open(struct gt_links *links, nng_stream *nng, enum gt_link_way way,
                const char *address);
/* Closes now. The first reason given is the one that counts. */
void stream_fail(struct stream *s, const char *why);
/* Queues o (taken over). False: closed or over its limit. */
bool stream_queue(struct stream *s, struct out *o);
/* Sends what is queued, within the handshake's deadline, then closes. */
void stream_drain(struct stream *s, const char *why);
/* One reference less; the last frees it. */
void stream_unref(struct stream *s);
/* Loop thread, once per dead stream: waits for its callbacks and reports it; s
 * may be gone then. True: it had been up for a while. */
bool stream_reap(struct stream *s);

/* listener.c: loop thread */

/* Listens on "host:port" and takes what comes. 0, or -GT_E... and why. */
int listener_start(struct gt_links *links, const char *where, char *why,
                   size_t why_cap);
/* Looks after an accept that failed, if one did. */
void listener_tend(struct gt_links *links);
/* Ends it, waiting for its callback; also one that never started. */
void listener_stop(struct gt_links *links);

/* dialer.c: loop thread */

/* Dials the parent's addresses in turn until one is reached. 0, or -GT_E... and
 * why. */
int dialer_start(struct gt_links *links, const struct gt_links_config *config,
                 char *why, size_t why_cap);
/* Looks after a dial that ended, if one did. True: the parent answered beside a
 * link on which it was silent: that one is to be cut. */
bool dialer_tend(struct gt_links *links);
/* The link to the parent is gone; lived: it had been up for a while, so the
 * next dial needs no long pause. May come before dialer_tend has heard that the
 * dial succeeded. */
void dialer_lost(struct gt_links *links, bool lived);
/* Looks whether those above the parent are to be dialled. */
void dialer_above(struct gt_links *links);
/* Dials now, as if it were the first time. */
void dialer_redial(struct gt_links *links);
/* Ends it, waiting for its callback; also one that never started. */
void dialer_stop(struct gt_links *links);

#endif
