/* stream.c: one connection, from its first byte to its last.
 * Tests: u_link.c, u_hostile.c. */
#include "code.h"
#include "net_inside.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* A link that came up and went at once is no reason to dial at once. */
static const uint64_t lived_ns = 5000000000;

/* --------------------------------------------------------- messages */

static void deliver(struct stream *s, struct gt_bulk *m)
{
	size_t head;
	if (gt_sp_split(m->body, m->n, GT_HEAD_MAX, GT_PAYLOAD_MAX, &head)) {
		m->head = gt_bytes_of(m->body + 4, head);
		m->payload = gt_bytes_of(m->body + 4 + head, m->n - 4 - head);
	} else {
		m->malformed = true;
		m->head = gt_bytes_of(m->body, m->n);
		m->payload = gt_bytes_of(m->body + m->n, 0);
	}
	pthread_mutex_lock(&s->lock);
	bool wanted = s->state == UP;
	pthread_mutex_unlock(&s->lock);
	if (wanted)
		s->links->events.message(s->links->arg, s->peer, m);
	else
		gt_bulk_unref(m);
}

/* ---------------------------------------------------------- failing */

/* Sends what TLS has sealed; true: there is some. Lock held. */
static bool send_sealed(struct stream *s)
{
	const uint8_t *p;
	size_t n = gt_tls_sealed(s->tls, &p);
	nng_iov iov = {(void *)(uintptr_t)p, n};
	assert(!s->tx_busy);
	if (n == 0)
		return false;
	s->tx_busy = true;
	nng_aio_set_iov(s->tx, 1, &iov);
	nng_stream_send(s->nng, s->tx);
	return true;
}

/* An alert or a goodbye, as far as the kernel takes it at once. Lock held. */
static void last_word(struct stream *s)
{
	if (!s->tls || s->tx_busy)
		return;
	(void)gt_tls_goodbye(s->tls);
	(void)send_sealed(s);
}

static void fail_locked(struct stream *s, const char *why)
{
	struct gt_links *links = s->links;
	if (s->state == CLOSED)
		return;
	if (!s->why[0])
		gt_copy(s->why, sizeof s->why, why);
	last_word(s);
	s->state = CLOSED;
	nng_stream_close(s->nng);
	pthread_mutex_lock(&links->lock);
	s->dead = links->dead;
	links->dead = s;
	pthread_mutex_unlock(&links->lock);
	links_wake(links);
}

void stream_fail(struct stream *s, const char *why)
{
	pthread_mutex_lock(&s->lock);
	fail_locked(s, why);
	pthread_mutex_unlock(&s->lock);
}

/* The peer is gone. Lock held. */
static void fail_ended(struct stream *s)
{
	fail_locked(s, s->state == SHAKING ? "the peer closed before the "
	                                     "handshake was done"
	                                   : "the peer closed the link");
}

/* An nng operation ended with rv: say what that means here. */
static void fail_nng(struct stream *s, int rv)
{
	pthread_mutex_lock(&s->lock);
	if (rv == NNG_ECLOSED || rv == NNG_ECONNSHUT)
		fail_ended(s);
	else
		fail_locked(s, nng_strerror(rv));
	pthread_mutex_unlock(&s->lock);
}

/* Whether TLS goes on; if not, the link ends. Lock held. */
static bool tls_goes_on(struct stream *s, enum gt_tls_status status)
{
	if (status == GT_TLS_FAILED)
		fail_locked(s, gt_tls_why(s->tls));
	else if (status == GT_TLS_ENDED)
		fail_ended(s);
	return status == GT_TLS_OK || status == GT_TLS_MORE;
}

/* ---------------------------------------------------------- sending */

static void out_free(struct out *list)
{
	while (list) {
		struct out *next = list->next;
		free(list->bulk);
		free(list);
		list = next;
	}
}

static size_t out_size(const struct out *o)
{
	return o->lead_n + o->bulk_n;
}

struct batch {
	nng_iov *iov;
	unsigned n;
	uint8_t *buffer; /* may be NULL: then nothing is copied */
	size_t used;
	bool open; /* the last iov ends where the buffer's free part begins */
	bool tls;
};

static size_t batch_copy(struct batch *b, const uint8_t *p, size_t n)
{
	size_t room = b->buffer ? STREAM_BUFFER - b->used : 0;
	if (n > room)
		n = room;
	if (n == 0 || (!b->open && b->n == STREAM_IOVS))
		return 0;
	if (!b->open)
		b->iov[b->n++] = (nng_iov){b->buffer + b->used, 0};
	memcpy(b->buffer + b->used, p, n);
	b->iov[b->n - 1].iov_len += n;
	b->used += n;
	b->open = true;
	return n;
}

/* Adds n bytes at p, all or nothing; small ones by copying. */
static bool batch_add(struct batch *b, uint8_t *p, size_t n)
{
	if (n == 0)
		return true;
	if (n <= STREAM_COPY && b->buffer && STREAM_BUFFER - b->used >= n &&
	    batch_copy(b, p, n) == n)
		return true;
	if (b->n == STREAM_IOVS)
		return false;
	b->iov[b->n++] = (nng_iov){p, n};
	b->open = false;
	return true;
}

/* Under TLS a short piece before a large one would go out as a short record of
 * its own: fill it up with the large one's first bytes. */
static size_t batch_fill(struct batch *b, const uint8_t *p, size_t n)
{
	size_t last = b->open ? b->iov[b->n - 1].iov_len % GT_TLS_RECORD : 0;
	if (!b->tls || last == 0 || n <= STREAM_COPY)
		return 0;
	return batch_copy(b, p, GT_TLS_RECORD - last);
}

static bool batch_out(struct batch *b, struct out *o)
{
	size_t room = STREAM_BUFFER - b->used;
	/* A message takes two places at most. */
	if (b->n + 2 > STREAM_IOVS || (b->n > 0 && room < o->lead_n))
		return false;
	bool ok = batch_add(b, o->lead, o->lead_n);
	size_t filled = batch_fill(b, o->bulk, o->bulk_n);
	ok = ok &&
	     batch_add(b, (uint8_t *)o->bulk + filled, o->bulk_n - filled);
	assert(ok);
	return true;
}

/* Moves what fits from the queue into one batch. Lock held. */
static void batch_next(struct stream *s)
{
	/* A header alone needs no buffer: handshakes stay cheap. */
	if (!s->gather && s->state != SHAKING)
		s->gather = malloc(STREAM_BUFFER);
	struct batch b = {
	        .iov = s->iov, .buffer = s->gather, .tls = s->tls != NULL};
	struct out **end = &s->sending;
	assert(!s->sending);
	while (s->queue && batch_out(&b, s->queue)) {
		*end = s->queue;
		end = &s->queue->next;
		s->queue = s->queue->next;
	}
	*end = NULL;
	if (!s->queue)
		s->queue_end = &s->queue;
	s->iovs = b.n;
}

/* Takes n bytes off the batch's head. */
static void advance(struct stream *s, size_t n)
{
	unsigned done = 0;
	while (done < s->iovs && n >= s->iov[done].iov_len)
		n -= s->iov[done++].iov_len;
	memmove(s->iov, s->iov + done, (s->iovs - done) * sizeof *s->iov);
	s->iovs -= done;
	assert(s->iovs > 0 || n == 0);
	if (n > 0) {
		s->iov[0].iov_buf = (uint8_t *)s->iov[0].iov_buf + n;
		s->iov[0].iov_len -= n;
	}
}

/* Seals as much of the batch as one send carries. Lock held. */
static void seal(struct stream *s)
{
	size_t took = 1;
	while (s->iovs > 0 && took > 0) {
		enum gt_tls_status status = gt_tls_write(
		        s->tls, s->iov[0].iov_buf, s->iov[0].iov_len, &took);
		advance(s, took);
		if (!tls_goes_on(s, status))
			return;
	}
}

/* Everything is with the kernel: close, in good order. Under TLS there is a
 * goodbye to be said, upon which the peer, or the deadline, closes. Lock
 * held. */
static void drained(struct stream *s)
{
	if (!s->tls)
		fail_locked(s, s->why);
	else if (gt_tls_goodbye(s->tls))
		(void)send_sealed(s);
}

/* Sends what there is, unless something is on its way. Lock held. */
static void send_more(struct stream *s)
{
	if (s->tx_busy || s->state == CLOSED)
		return;
	if (!s->sending && s->queue)
		batch_next(s);
	if (s->tls)
		seal(s);
	if (s->state == CLOSED)
		return;
	if (s->tls) {
		if (!send_sealed(s))
			gt_tls_rest(s->tls);
	} else if (s->iovs > 0) {
		s->tx_busy = true;
		nng_aio_set_iov(s->tx, s->iovs, s->iov);
		nng_stream_send(s->nng, s->tx);
	}
	if (s->state == DRAINING && !s->tx_busy)
		drained(s);
}

/* n bytes are with the kernel. What is all out, to be freed, comes back. Lock
 * held. */
static struct out *sent(struct stream *s, size_t n)
{
	const uint8_t *p;
	s->tx_busy = false;
	if (s->tls)
		gt_tls_sent(s->tls, n);
	else
		advance(s, n);
	if (s->iovs > 0 || (s->tls && gt_tls_sealed(s->tls, &p) > 0))
		return NULL;
	struct out *done = s->sending;
	s->sending = NULL;
	for (struct out *o = done; o; o = o->next)
		s->queued -= out_size(o);
	return done;
}

static void on_sent(void *arg)
{
	struct stream *s = arg;
	int rv = nng_aio_result(s->tx);
	if (rv != 0) {
		fail_nng(s, rv);
		return;
	}
	pthread_mutex_lock(&s->lock);
	struct out *done = sent(s, nng_aio_count(s->tx));
	send_more(s);
	pthread_mutex_unlock(&s->lock);
	out_free(done);
}

static void queue_locked(struct stream *s, struct out *o)
{
	o->next = NULL;
	*s->queue_end = o;
	s->queue_end = &o->next;
	s->queued += out_size(o);
	send_more(s);
}

bool stream_queue(struct stream *s, struct out *o)
{
	pthread_mutex_lock(&s->lock);
	bool ok = s->state == UP;
	if (ok && s->queued + out_size(o) > s->links->config.queue_bytes) {
		fail_locked(s, "the peer takes too little: its queue is full");
		ok = false;
	}
	if (ok)
		queue_locked(s, o);
	pthread_mutex_unlock(&s->lock);
	if (!ok)
		out_free(o);
	return ok;
}

void stream_drain(struct stream *s, const char *why)
{
	uint64_t limit = (uint64_t)s->links->config.handshake_ms * 1000000;
	pthread_mutex_lock(&s->lock);
	if (s->state == UP) {
		s->state = DRAINING;
		gt_copy(s->why, sizeof s->why, *why ? why : "dropped");
		s->deadline = uv_hrtime() + limit;
		send_more(s);
	}
	pthread_mutex_unlock(&s->lock);
	links_wake(s->links);
}

static bool say_hello(struct stream *s)
{
	struct out *o = malloc(sizeof *o + GT_SP_HEADER_BYTES);
	if (!o)
		return false;
	*o = (struct out){.lead_n = GT_SP_HEADER_BYTES};
	gt_sp_put_header(o->lead, s->parent ? GT_SP_REQ : GT_SP_REP);
	pthread_mutex_lock(&s->lock);
	bool ok = s->state != CLOSED;
	if (ok)
		queue_locked(s, o);
	pthread_mutex_unlock(&s->lock);
	if (!ok)
		out_free(o);
	return ok;
}

/* -------------------------------------------------------- receiving */

/* Where the next bytes go: what is waited for, then the read-ahead. */
static unsigned destination(struct stream *s, nng_iov iov[2])
{
	assert(!s->partial || s->in_n == 0);
	if (s->hello_n < sizeof s->hello) {
		iov[0] = (nng_iov){s->hello + s->hello_n,
		                   sizeof s->hello - s->hello_n};
		return 1;
	}
	if (s->partial) {
		iov[0] = (nng_iov){s->partial->body + s->partial_n,
		                   s->partial->n - s->partial_n};
		iov[1] = (nng_iov){s->in, STREAM_BUFFER};
		return 2;
	}
	iov[0] = (nng_iov){s->in + s->in_n, STREAM_BUFFER - s->in_n};
	return 1;
}

static void receive(struct stream *s)
{
	nng_iov iov[2] = {{s->raw, STREAM_RAW}};
	unsigned n = s->tls ? 1 : destination(s, iov);
	pthread_mutex_lock(&s->lock);
	if (s->state != CLOSED) {
		nng_aio_set_iov(s->rx, n, iov);
		nng_stream_recv(s->nng, s->rx);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Puts the stream among the peers. 0: it was closed meanwhile, or no ids are
 * left. */
static uint32_t come_up(struct stream *s)
{
	struct gt_links *links = s->links;
	pthread_mutex_lock(&s->lock);
	pthread_mutex_lock(&links->lock);
	if (s->state == SHAKING && !links->stopping &&
	    links->last_peer < UINT32_MAX) {
		s->state = UP;
		s->deadline = 0;
		s->since = uv_hrtime();
		s->peer = ++links->last_peer;
		if (s->way == GT_WAY_PARENT) {
			links->parent_peer = s->peer;
			links->parent_told = false;
			gt_copy(links->parent_address,
			        sizeof links->parent_address, s->address);
		}
		if (s->pending)
			links->pending--;
		s->pending = false;
		struct stream **at = &links->buckets[s->peer % STREAM_BUCKETS];
		s->bucket = *at;
		s->bucket_at = at;
		if (*at)
			(*at)->bucket_at = &s->bucket;
		*at = s;
	}
	pthread_mutex_unlock(&links->lock);
	pthread_mutex_unlock(&s->lock);
	return s->peer;
}

static bool identify(struct stream *s)
{
	const char *want = s->links->parent_code;
	bool above = s->way == GT_WAY_ABOVE;
	if (!s->tls)
		return true;
	pthread_mutex_lock(&s->lock);
	gt_copy(s->code, sizeof s->code, gt_tls_code(s->tls));
	pthread_mutex_unlock(&s->lock);
	if (!s->code[0]) {
		stream_fail(s, "the peer is not verified");
		return false;
	}
	if (s->parent && !(above ? gt_code_child_of(want, s->code)
	                         : gt_code_same_place(s->code, want))) {
		char why[256];
		gt_format(why, sizeof why,
		          above ? "the certificate names %s, which is not "
		                  "above the parent %s"
		                : "the certificate names %s, not the parent "
		                  "%s",
		          s->code, want);
		stream_fail(s, why);
		return false;
	}
	return true;
}

/* The peer's SP header is here. */
static bool on_hello(struct stream *s)
{
	if (!gt_sp_header_is(s->hello, s->parent ? GT_SP_REP : GT_SP_REQ)) {
		stream_fail(s, "bad SP header: the peer speaks another "
		               "protocol");
		return false;
	}
	if (!identify(s))
		return false;
	s->in = malloc(STREAM_BUFFER);
	/* T3: the child speaks second, so that a parent which refuses it is
	 * heard before there is unread data to reset the connection. */
	if (!s->in || (s->parent && !say_hello(s))) {
		stream_fail(s, "out of memory");
		return false;
	}
	if (come_up(s) == 0) {
		stream_fail(s, LINKS_STOPPING);
		return false;
	}
	s->links->events.up(s->links->arg, s->peer, s->way, s->code,
	                    s->tls ? gt_tls_above(s->tls) : "",
	                    s->tls ? gt_tls_until(s->tls) : 0, s->address);
	return true;
}

/* Takes messages out of the read-ahead. False: the link has failed. */
static bool parse(struct stream *s)
{
	size_t at = 0;
	while (!s->partial) {
		struct gt_sp_prefix prefix;
		enum gt_sp_status status = gt_sp_parse(s->in + at, s->in_n - at,
		                                       GT_MESSAGE_MAX, &prefix);
		if (status == GT_SP_MORE)
			break;
		struct gt_bulk *m = NULL;
		if (status == GT_SP_OK)
			m = gt_bulk_new(prefix.body);
		if (!m) {
			stream_fail(s, status == GT_SP_OK
			                       ? "out of memory"
			                       : gt_sp_strerror(status));
			return false;
		}
		m->token = prefix.token;
		m->reply = s->parent;
		at += GT_SP_PREFIX_BYTES;
		size_t n = s->in_n - at < m->n ? s->in_n - at : m->n;
		memcpy(m->body, s->in + at, n);
		at += n;
		if (n == m->n) {
			deliver(s, m);
		} else {
			s->partial = m;
			s->partial_n = n;
		}
	}
	memmove(s->in, s->in + at, s->in_n - at);
	s->in_n -= at;
	return true;
}

/* n more bytes are where they were to go. False: the link has failed. */
static bool take(struct stream *s, size_t n)
{
	if (s->hello_n < sizeof s->hello) {
		s->hello_n += n;
		return s->hello_n < sizeof s->hello || on_hello(s);
	}
	if (s->partial) {
		size_t rest = s->partial->n - s->partial_n;
		size_t body = n < rest ? n : rest;
		s->partial_n += body;
		s->in_n = n - body;
		if (body == rest) {
			struct gt_bulk *m = s->partial;
			s->partial = NULL;
			deliver(s, m);
		}
		return s->partial || parse(s);
	}
	s->in_n += n;
	return parse(s);
}

/* Bytes in clear, of what came; 0: there are no more, or the link has failed. */
static size_t unseal(struct stream *s, uint8_t *p, size_t n)
{
	size_t got = 0;
	pthread_mutex_lock(&s->lock);
	if (s->state != CLOSED &&
	    tls_goes_on(s, gt_tls_read(s->tls, p, n, &got)))
		send_more(s); /* a handshake is answered, a write may go on */
	pthread_mutex_unlock(&s->lock);
	return got;
}

/* n bytes came from a peer that speaks TLS. False: the link has failed. */
static bool take_sealed(struct stream *s, size_t n)
{
	nng_iov iov[2];
	pthread_mutex_lock(&s->lock);
	gt_tls_give(s->tls, s->raw, n);
	pthread_mutex_unlock(&s->lock);
	for (;;) {
		(void)destination(s, iov);
		n = unseal(s, iov[0].iov_buf, iov[0].iov_len);
		if (n == 0)
			return true; /* nothing is received when CLOSED */
		if (!take(s, n))
			return false;
	}
}

static void on_received(void *arg)
{
	struct stream *s = arg;
	int rv = nng_aio_result(s->rx);
	size_t n = nng_aio_count(s->rx);
	if (rv != 0 || n == 0) {
		fail_nng(s, rv ? rv : NNG_ECONNSHUT);
		return;
	}
	if (s->parent)
		s->links->heard = uv_hrtime();
	if (s->tls ? take_sealed(s, n) : take(s, n))
		receive(s);
}

/* ----------------------------------------------------- life and end */

static bool origin_of(nng_stream *nng, struct origin *origin, char *text,
                      size_t cap)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	nng_sockaddr a;
	char host[INET6_ADDRSTRLEN];
	*origin = (struct origin){0};
	if (nng_stream_get_addr(nng, NNG_OPT_REMADDR, &a) != 0)
		return false;
	if (a.s_family == NNG_AF_INET) {
		memcpy(origin->b, &a.s_in.sa_addr, 4);
		if (!inet_ntop(AF_INET, &a.s_in.sa_addr, host, sizeof host))
			return false;
		gt_format(text, cap, "%s:%u", host, ntohs(a.s_in.sa_port));
		return true;
	}
	if (a.s_family != NNG_AF_INET6 ||
	    !inet_ntop(AF_INET6, a.s_in6.sa_addr, host, sizeof host))
		return false;
	if (memcmp(a.s_in6.sa_addr, mapped, sizeof mapped) == 0) {
		memcpy(origin->b, a.s_in6.sa_addr + 12, 4);
	} else {
		memcpy(origin->b, a.s_in6.sa_addr, 8);
		origin->v6 = true;
	}
	gt_format(text, cap, "[%s]:%u", host, ntohs(a.s_in6.sa_port));
	return true;
}

static struct stream *stream_new(struct gt_links *links, nng_stream *nng,
                                 enum gt_link_way way)
{
	struct stream *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->links = links;
	s->nng = nng;
	s->way = way;
	s->parent = way != GT_WAY_TAKEN;
	s->queue_end = &s->queue;
	atomic_init(&s->refs, 1);
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return NULL;
	}
	bool ok = nng_aio_alloc(&s->rx, on_received, s) == 0 &&
	          nng_aio_alloc(&s->tx, on_sent, s) == 0;
	if (ok && links->tls) {
		s->tls = gt_tls_new(links->tls, !s->parent);
		s->raw = malloc(STREAM_RAW);
		ok = s->tls && s->raw;
	}
	if (!ok) {
		s->nng = NULL; /* still the caller's */
		stream_unref(s);
		return NULL;
	}
	return s;
}

void stream_unref(struct stream *s)
{
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	out_free(s->queue);
	out_free(s->sending);
	free(s->gather);
	free(s->in);
	gt_bulk_unref(s->partial);
	nng_aio_free(s->rx);
	nng_aio_free(s->tx);
	gt_tls_free(s->tls);
	free(s->raw);
	if (s->nng)
		nng_stream_free(s->nng);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* A handshake that has had a second makes room for a new one: silent
 * connections must not keep others out. Lock of links held. */
static struct stream *oldest_pending(struct gt_links *links)
{
	struct stream *oldest = NULL;
	for (struct stream *s = links->all; s; s = s->next)
		if (s->pending)
			oldest = s;
	if (oldest && uv_hrtime() - oldest->since > 1000000000)
		return oldest;
	return NULL;
}

/* Counts the stream in, or says why not. *victim: to be closed for it. */
static const char *admit(struct gt_links *links, struct stream *s,
                         struct stream **victim)
{
	const struct gt_links_config *config = &links->config;
	uint32_t same = 0;
	if (links->stopping)
		return LINKS_STOPPING;
	if (!s->parent) {
		for (struct stream *o = links->all; o; o = o->next)
			same += !o->parent && memcmp(&o->origin, &s->origin,
			                             sizeof s->origin) == 0;
		if (links->streams >= config->max_links)
			return "too many links";
		if (same >= config->max_per_address)
			return "too many links from this address";
		if (links->pending >= config->max_pending) {
			*victim = oldest_pending(links);
			if (!*victim)
				return "too many handshakes at once";
			atomic_fetch_add(&(*victim)->refs, 1);
		}
		links->streams++;
		links->pending++;
		s->pending = true;
	}
	s->since = uv_hrtime();
	s->next = links->all;
	s->at = &links->all;
	if (s->next)
		s->next->at = &s->next;
	links->all = s;
	return NULL;
}

int stream_open(struct gt_links *links, nng_stream *nng, enum gt_link_way way,
                const char *address)
{
	bool parent = way != GT_WAY_TAKEN;
	struct stream *s = stream_new(links, nng, way), *victim = NULL;
	if (!s) {
		nng_stream_free(nng);
		links_log(links, GT_LOG_ERROR, "link refused", address, "",
		          "out of memory");
		return -GT_ENOMEM;
	}
	if (!origin_of(nng, &s->origin, s->address, sizeof s->address)) {
		stream_unref(s); /* reset before it could be looked at */
		return -GT_ECLOSED;
	}
	if (parent)
		gt_copy(s->address, sizeof s->address, address);
	s->deadline =
	        uv_hrtime() + (uint64_t)links->config.handshake_ms * 1000000;
	/* Ours until the first receive is under way. */
	atomic_fetch_add(&s->refs, 1);
	pthread_mutex_lock(&links->lock);
	const char *refused = admit(links, s, &victim);
	pthread_mutex_unlock(&links->lock);
	if (refused) {
		links_log(links, GT_LOG_WARN, "link refused", s->address, "",
		          refused);
		nng_stream_close(nng);
		stream_unref(s); /* the one above, then the first */
		stream_unref(s); /* NOLINT(clang-analyzer-unix.Malloc) */
		return -GT_ELIMIT;
	}
	if (victim) {
		stream_fail(victim, "handshake too slow: others are waiting");
		stream_unref(victim);
	}
	links_wake(links);
	uint8_t none;
	if (s->tls && parent) /* who dialled speaks first */
		(void)unseal(s, &none, sizeof none);
	/* Before the first receive: that may bring the link up, and whatever
	 * is then sent must come after the header. */
	if (!parent && !say_hello(s))
		stream_fail(s, "out of memory");
	receive(s);
	stream_unref(s);
	return 0;
}

bool stream_reap(struct stream *s)
{
	struct gt_links *links = s->links;
	nng_aio_stop(s->rx);
	nng_aio_stop(s->tx);
	pthread_mutex_lock(&links->lock);
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	if (s->bucket_at) {
		*s->bucket_at = s->bucket;
		if (s->bucket)
			s->bucket->bucket_at = s->bucket_at;
	}
	assert(links->streams >= links->pending);
	if (s->pending)
		links->pending--;
	if (!s->parent)
		links->streams--;
	pthread_mutex_unlock(&links->lock);
	bool lived = s->peer && uv_hrtime() - s->since > lived_ns;
	if (s->way == GT_WAY_PARENT)
		fault_ended(links, s->peer, s->address, s->why);
	if (s->way == GT_WAY_TAKEN && s->tls)
		absent_note(links, gt_tls_named(s->tls), s->address, s->why,
		            lived);
	if (s->peer)
		links->events.down(links->arg, s->peer, s->why);
	else if (strcmp(s->why, LINKS_STOPPING) != 0)
		links_log(links, GT_LOG_WARN,
		          s->parent ? "parent refused" : "link refused",
		          s->address, s->tls ? gt_tls_shown(s->tls) : "",
		          s->why);
	stream_unref(s);
	return lived;
}
