#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nng/nng.h>

#include "net_inside.h"
#include "sys.h"

enum { SWEEP_MS = 50, SWEEP_BATCH = 64 };

/* -------------------------------------------------------- the table */

static struct stream *stream_get(struct gt_links *links, uint32_t peer)
{
	struct stream *s = NULL;
	pthread_mutex_lock(&links->lock);
	if (peer != 0)
		s = links->buckets[peer % STREAM_BUCKETS];
	while (s && s->peer != peer)
		s = s->bucket;
	if (s)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&links->lock);
	return s;
}

static struct out *out_new(uint64_t token, struct gt_bytes head,
                           struct gt_bytes payload, size_t bulk)
{
	size_t n = GT_SP_LEAD_BYTES + head.n + payload.n;
	struct out *o = malloc(sizeof *o + n);
	if (!o)
		return NULL;
	assert(token <= GT_SP_TOKEN_MAX);
	*o = (struct out){.lead_n = n};
	gt_sp_put_lead(o->lead, (uint32_t)token, head.n, payload.n + bulk);
	if (head.n)
		memcpy(o->lead + GT_SP_LEAD_BYTES, head.p, head.n);
	if (payload.n)
		memcpy(o->lead + GT_SP_LEAD_BYTES + head.n, payload.p,
		       payload.n);
	return o;
}

static bool queue(struct gt_links *links, uint32_t peer, struct out *o)
{
	struct stream *s = stream_get(links, peer);
	if (!s) {
		free(o->bulk);
		free(o);
		return false;
	}
	bool ok = stream_queue(s, o);
	stream_unref(s);
	return ok;
}

/* A message that is not sent on a link that stays would be waited for until
 * the other end is thought dead: both begin anew at once. */
static bool unsent(struct gt_links *links, uint32_t peer)
{
	gt_link_cut(links, peer, gt_strerror(-GT_ENOMEM));
	return false;
}

bool gt_link_send(struct gt_links *links, uint32_t peer, uint64_t token,
                  struct gt_bytes head, struct gt_bytes payload)
{
	assert(head.n <= GT_HEAD_MAX && payload.n <= GT_PAYLOAD_MAX);
	struct out *o = out_new(token, head, payload, 0);
	if (!o)
		return unsent(links, peer);
	return queue(links, peer, o);
}

bool gt_link_send_owned(struct gt_links *links, uint32_t peer, uint64_t token,
                        struct gt_bytes head, void *payload, size_t n)
{
	assert(head.n <= GT_HEAD_MAX && n <= GT_PAYLOAD_MAX);
	struct out *o = out_new(token, head, gt_bytes_of(NULL, 0), n);
	if (!o) {
		free(payload);
		return unsent(links, peer);
	}
	o->bulk = payload;
	o->bulk_n = n;
	return queue(links, peer, o);
}

void gt_link_drop(struct gt_links *links, uint32_t peer, const char *why)
{
	struct stream *s = stream_get(links, peer);
	fault_dropped(links, peer, why);
	if (!s)
		return;
	stream_drain(s, why);
	stream_unref(s);
}

void gt_link_cut(struct gt_links *links, uint32_t peer, const char *why)
{
	struct stream *s = stream_get(links, peer);
	fault_dropped(links, peer, why);
	if (!s)
		return;
	stream_fail(s, why);
	stream_unref(s);
}

/* ---------------------------------------------- the loop's own part */

static void bury(struct gt_links *links)
{
	pthread_mutex_lock(&links->lock);
	struct stream *s = links->dead;
	links->dead = NULL;
	pthread_mutex_unlock(&links->lock);
	while (s) {
		struct stream *next = s->dead;
		bool parent = s->parent, lived = stream_reap(s);
		if (parent)
			dialer_lost(links, lived);
		s = next;
	}
}

/* Collects some of the streams whose time is over. *waiting: there are others
 * with a deadline. */
static size_t overdue(struct gt_links *links, struct stream **out,
                      bool *waiting)
{
	uint64_t now = uv_hrtime();
	size_t n = 0;
	pthread_mutex_lock(&links->lock);
	for (struct stream *s = links->all; s; s = s->next) {
		uint64_t deadline = s->deadline;
		if (deadline == 0)
			continue;
		if (now < deadline || n == SWEEP_BATCH) {
			*waiting = true;
			continue;
		}
		atomic_fetch_add(&s->refs, 1);
		out[n++] = s;
	}
	pthread_mutex_unlock(&links->lock);
	return n;
}

static void on_sweep(uv_timer_t *timer)
{
	struct gt_links *links = timer->data;
	struct stream *late[SWEEP_BATCH];
	bool waiting = false;
	size_t n = overdue(links, late, &waiting);
	for (size_t i = 0; i < n; i++) {
		stream_fail(late[i], "handshake took too long");
		stream_unref(late[i]);
	}
	if (!waiting)
		uv_timer_stop(timer);
}

static void on_wake(uv_async_t *wake)
{
	struct gt_links *links = wake->data;
	if (dialer_tend(links))
		gt_link_cut(links, links->parent_peer,
		            "the parent answers anew, but not on this link");
	bury(links);
	dialer_above(links);
	if (links->listener.aio)
		listener_tend(links);
	if (!uv_is_active((uv_handle_t *)&links->sweep))
		uv_timer_start(&links->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

/* --------------------------------------------------- start and stop */

static void on_closed(uv_handle_t *handle)
{
	struct gt_links *links = handle->data;
	if (--links->handles > 0)
		return;
	pthread_mutex_destroy(&links->lock);
	absent_free(links);
	free(links);
}

static void close_handle(uv_handle_t *handle)
{
	uv_close(handle, on_closed);
}

static uint32_t or_else(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static void take_config(struct gt_links *links, const struct gt_links_config *c)
{
	links->config = (struct gt_links_config){
	        .insecure = c->insecure,
	        .handshake_ms = or_else(c->handshake_ms, 5000),
	        .max_links = or_else(c->max_links, GT_PEERS_MAX),
	        .max_per_address = or_else(c->max_per_address, 64),
	        .max_pending = or_else(c->max_pending, 64),
	        .queue_bytes = or_else(c->queue_bytes, 64 << 20),
	        .backoff_min_ms = or_else(c->backoff_min_ms, 200),
	        .backoff_max_ms = or_else(c->backoff_max_ms, 4000),
	        .silent_ms = c->silent_ms,
	};
	if (c->parent_code)
		gt_copy(links->parent_code, sizeof links->parent_code,
		        c->parent_code);
}

static struct gt_links *links_new(uv_loop_t *loop)
{
	struct gt_links *links = calloc(1, sizeof *links);
	if (!links)
		return NULL;
	links->loop = loop;
	links->started_ms = gt_sys_now().wall_ms;
	if (pthread_mutex_init(&links->lock, NULL) != 0) {
		free(links);
		return NULL;
	}
	if (uv_async_init(loop, &links->wake, on_wake) != 0) {
		pthread_mutex_destroy(&links->lock);
		free(links);
		return NULL;
	}
	/* uv_timer_init cannot fail */
	(void)uv_timer_init(loop, &links->sweep);
	(void)uv_timer_init(loop, &links->listener.timer);
	(void)uv_timer_init(loop, &links->dialer.timer);
	links->wake.data = links->sweep.data = links;
	links->listener.timer.data = links->dialer.timer.data = links;
	links->handles = 4;
	return links;
}

static int start(struct gt_links *links, const struct gt_links_config *c,
                 char *why, size_t why_cap)
{
	int rv = 0;
	if (!c->insecure)
		rv = gt_tls_context_new(&links->tls, c->ca_pem, c->cert_pem,
		                        c->key_pem, why, why_cap);
	if (rv == 0 && c->listen)
		rv = listener_start(links, c->listen, why, why_cap);
	if (rv == 0 && c->nparents > 0)
		rv = dialer_start(links, c, why, why_cap);
	return rv;
}

int gt_links_start(struct gt_links **out, uv_loop_t *loop,
                   const struct gt_links_config *config,
                   const struct gt_link_events *events, void *arg, char *why,
                   size_t why_cap)
{
	struct gt_links *links = links_new(loop);
	if (!links) {
		gt_copy(why, why_cap, "out of memory");
		return -GT_ENOMEM;
	}
	take_config(links, config);
	links->events = *events;
	links->arg = arg;
	int rv = start(links, config, why, why_cap);
	if (rv != 0) {
		int error = errno;
		gt_links_stop(links);
		errno = error;
		return rv;
	}
	*out = links;
	return 0;
}

uint16_t gt_links_port(const struct gt_links *links)
{
	return links->listener.port;
}

void gt_link_dial_above(struct gt_links *links)
{
	pthread_mutex_lock(&links->lock);
	links->dialer.above_asked = true;
	pthread_mutex_unlock(&links->lock);
	links_wake(links);
}

void gt_links_redial(struct gt_links *links)
{
	dialer_redial(links);
}

static void fail_all(struct gt_links *links)
{
	for (;;) {
		struct stream *s;
		pthread_mutex_lock(&links->lock);
		s = links->all;
		if (s)
			atomic_fetch_add(&s->refs, 1);
		pthread_mutex_unlock(&links->lock);
		if (!s)
			return;
		stream_fail(s, LINKS_STOPPING);
		stream_unref(s);
		bury(links);
	}
}

void gt_links_stop(struct gt_links *links)
{
	pthread_mutex_lock(&links->lock);
	links->stopping = true;
	pthread_mutex_unlock(&links->lock);
	uv_timer_stop(&links->sweep);
	uv_timer_stop(&links->listener.timer);
	uv_timer_stop(&links->dialer.timer);
	/* No new streams from here on: both wait for their callbacks. */
	listener_stop(links);
	dialer_stop(links);
	fail_all(links);
	gt_tls_context_free(links->tls);
	close_handle((uv_handle_t *)&links->wake);
	close_handle((uv_handle_t *)&links->sweep);
	close_handle((uv_handle_t *)&links->listener.timer);
	close_handle((uv_handle_t *)&links->dialer.timer);
}
