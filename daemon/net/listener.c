/* listener.c: the accept loop.
 *
 * No error ends it. What passes (a connection reset before it was taken) goes
 * on at once; what lasts (no descriptors, no memory) pauses it for a moment;
 * and a listener that fails again and again is made anew on the same port. The
 * links it accepted know nothing of it.
 * Tests: u_link.c, u_hostile.c. */
#include "net_inside.h"

#include <errno.h>
#include <string.h>

enum { PAUSE_MS = 100, REMAKE_AFTER = 5 };

static void accept_next(struct gt_links *links)
{
	nng_stream_listener_accept(links->listener.nng, links->listener.aio);
}

static void on_accept(void *arg)
{
	struct gt_links *links = arg;
	struct listener *l = &links->listener;
	int rv = nng_aio_result(l->aio);
	if (rv == 0) {
		nng_stream *stream = nng_aio_get_output(l->aio, 0);
		(void)stream_open(links, stream, GT_WAY_TAKEN, "");
	}
	pthread_mutex_lock(&links->lock);
	bool again = !links->stopping && (rv == 0 || rv == NNG_ECONNABORTED ||
	                                  rv == NNG_ECONNRESET);
	if (again)
		l->errors = 0;
	else
		l->error = rv;
	pthread_mutex_unlock(&links->lock);
	if (again)
		accept_next(links);
	else
		links_wake(links);
}

static int make(struct gt_links *links)
{
	struct listener *l = &links->listener;
	int port;
	int rv = nng_stream_listener_alloc(&l->nng, l->url);
	if (rv != 0) {
		l->nng = NULL;
		return rv;
	}
	rv = nng_stream_listener_set_bool(l->nng, NNG_OPT_TCP_NODELAY, true);
	if (rv == 0)
		rv = nng_stream_listener_set_bool(l->nng, NNG_OPT_TCP_KEEPALIVE,
		                                  true);
	if (rv == 0)
		rv = nng_stream_listener_listen(l->nng);
	if (rv == 0)
		rv = nng_stream_listener_get_int(l->nng, NNG_OPT_TCP_BOUND_PORT,
		                                 &port);
	if (rv != 0) {
		nng_stream_listener_free(l->nng);
		l->nng = NULL;
		return rv;
	}
	if (l->port == 0) {
		/* From now on this port, whatever becomes of the socket. */
		char *colon = strrchr(l->url, ':');
		l->port = (uint16_t)port;
		gt_format(colon, sizeof l->url - (size_t)(colon - l->url),
		          ":%d", port);
	}
	return 0;
}

static void unmake(struct listener *l)
{
	if (!l->nng)
		return;
	nng_stream_listener_close(l->nng);
	nng_aio_stop(l->aio);
	nng_stream_listener_free(l->nng);
	l->nng = NULL;
}

/* A stopped aio stays stopped: each listener has its own. */
static int start(struct gt_links *links)
{
	struct listener *l = &links->listener;
	int rv = make(links);
	if (rv != 0)
		return rv;
	nng_aio_free(l->aio);
	l->aio = NULL;
	rv = nng_aio_alloc(&l->aio, on_accept, links);
	if (rv != 0) {
		nng_stream_listener_free(l->nng);
		l->nng = NULL;
		l->aio = NULL;
		return rv;
	}
	accept_next(links);
	return 0;
}

static void on_pause_over(uv_timer_t *timer)
{
	struct gt_links *links = timer->data;
	struct listener *l = &links->listener;
	if (l->errors >= REMAKE_AFTER)
		unmake(l);
	if (l->nng) {
		accept_next(links);
		return;
	}
	int rv = start(links);
	if (rv == 0) {
		l->errors = 0;
		links_log(links, GT_LOG_WARN, "listening again", l->url, "",
		          "");
		return;
	}
	links_log(links, GT_LOG_ERROR, "cannot listen", l->url, "",
	          nng_strerror(rv));
	uv_timer_start(timer, on_pause_over, (uint64_t)10 * PAUSE_MS, 0);
}

void listener_tend(struct gt_links *links)
{
	struct listener *l = &links->listener;
	pthread_mutex_lock(&links->lock);
	int rv = l->error;
	l->error = 0;
	if (rv == NNG_ECLOSED)
		l->errors = REMAKE_AFTER;
	else if (rv != 0 && rv != NNG_ENOFILES && rv != NNG_ENOMEM)
		l->errors++;
	pthread_mutex_unlock(&links->lock);
	if (rv == 0)
		return;
	links_log(links, GT_LOG_WARN, "accepting paused", l->url, "",
	          nng_strerror(rv));
	uv_timer_start(&l->timer, on_pause_over, PAUSE_MS, 0);
}

int listener_start(struct gt_links *links, const char *where, char *why,
                   size_t why_cap)
{
	struct listener *l = &links->listener;
	const char *mark = strstr(where, "://");
	if (mark)
		where = mark + 3;
	if (strlen(where) > 255 || !strrchr(where, ':')) {
		gt_format(why, why_cap, "cannot listen on %s: not host:port",
		          where);
		return -GT_EINVALID;
	}
	gt_format(l->url, sizeof l->url, "tcp://%s", where);
	int rv = start(links);
	if (rv != 0) {
		gt_format(why, why_cap, "cannot listen on %s: %s", where,
		          nng_strerror(rv));
		errno = rv == NNG_EADDRINUSE   ? EADDRINUSE
		        : rv == NNG_EADDRINVAL ? EADDRNOTAVAIL
		        : rv == NNG_EPERM      ? EACCES
		                               : EIO;
		return -GT_EUNAVAILABLE;
	}
	return 0;
}

void listener_stop(struct gt_links *links)
{
	struct listener *l = &links->listener;
	unmake(l);
	nng_aio_free(l->aio);
	l->aio = NULL;
}
