/* dialer.c: the way to the parent, and above it when that is asked for. One
 * dial or one link at a time; addresses in turn; between attempts a pause of
 * full-jitter exponential backoff, so that a county does not come back as one
 * wave.
 *
 * A link is taken up again within five seconds of when the parent can be
 * reached: a dial that nobody answers is given up after DIAL_MS, which is when
 * the system has asked for the third time, and the pauses stay below four
 * seconds. Nor is a link waited for on which nothing comes any more, for what
 * was lost on it is sent again at pauses that grow as long as the outage was: the
 * parent is dialled beside it.
 * Tests: u_link.c. */
#include "net_inside.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

enum { DIAL_MS = 3500 };

static enum gt_link_way way_of(const struct dialer *d)
{
	return d->at < d->n ? GT_WAY_PARENT : GT_WAY_ABOVE;
}

static void on_dialled(void *arg)
{
	struct gt_links *links = arg;
	struct dialer *d = &links->dialer;
	int rv = nng_aio_result(d->aio);
	nng_stream *stream = rv == 0 ? nng_aio_get_output(d->aio, 0) : NULL;
	if (d->probing) {
		d->spare = stream;
	} else if (stream) {
		if (stream_open(links, stream, way_of(d), d->address[d->at]) !=
		    0)
			rv = NNG_ECLOSED;
	}
	pthread_mutex_lock(&links->lock);
	d->done = true;
	d->result = rv;
	pthread_mutex_unlock(&links->lock);
	links_wake(links);
}

/* For how long the parent may still say nothing; 0: it is silent. */
static uint64_t patience_ms(const struct gt_links *links)
{
	uint64_t since_ms = (uv_hrtime() - links->heard) / 1000000;
	return since_ms < links->config.silent_ms
	               ? links->config.silent_ms - since_ms
	               : 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct gt_links *links = timer->data;
	struct dialer *d = &links->dialer;
	if (d->dialling)
		return;
	uint64_t wait_ms = d->linked > 0 ? patience_ms(links) : 0;
	if (wait_ms > 0) {
		uv_timer_start(timer, on_timer, wait_ms, 0);
		return;
	}
	d->probing = d->linked > 0;
	if (d->above_left > 0) {
		d->above_left--;
		d->at = d->n + d->above_at++ % d->n_above;
	} else {
		d->at = d->attempts % d->n;
		d->attempts++;
	}
	d->dialling = true;
	nng_stream_dialer_dial(d->nng[d->at], d->aio);
}

/* Uniform in [0, ceiling]; the ceiling doubles with each round. */
static uint64_t pause_ms(const struct gt_links *links)
{
	const struct dialer *d = &links->dialer;
	uint64_t ceiling = links->config.backoff_min_ms, any;
	size_t rounds = d->attempts / d->n;
	for (size_t i = 0; i < rounds; i++) {
		ceiling *= 2;
		if (ceiling >= links->config.backoff_max_ms)
			break;
	}
	if (ceiling > links->config.backoff_max_ms)
		ceiling = links->config.backoff_max_ms;
	if (uv_random(NULL, NULL, &any, sizeof any, 0, NULL) != 0)
		any = uv_hrtime();
	return any % (ceiling + 1);
}

static void later(struct gt_links *links)
{
	uint64_t ms = links->dialer.above_left ? 0 : pause_ms(links);
	uv_timer_start(&links->dialer.timer, on_timer, ms, 0);
}

void dialer_above(struct gt_links *links)
{
	struct dialer *d = &links->dialer;
	pthread_mutex_lock(&links->lock);
	bool asked = d->above_asked;
	d->above_asked = false;
	pthread_mutex_unlock(&links->lock);
	if (!asked || links->stopping)
		return;
	d->above_left = d->n_above;
	if (d->above_left > 0 && !d->dialling && d->linked == 0)
		later(links);
}

/* What came of a dial, in words. What the resolver says is not told apart from
 * what connect says, but by who was to be dialled. */
static void explain(const char *address, int rv, char *why, size_t why_cap)
{
	bool lookup = rv == NNG_EAGAIN || rv == NNG_EADDRINVAL ||
	              rv == NNG_EINVAL || rv == NNG_ENOTSUP ||
	              (rv & NNG_ESYSERR);
	char host[256];
	unsigned char ip[sizeof(struct in6_addr)];
	const char *mark = strstr(address, "://"), *port;
	if (lookup &&
	    gt_address_split(mark ? mark + 3 : address, host, sizeof host,
	                     &port) &&
	    *host && inet_pton(AF_INET, host, ip) != 1 && !strchr(host, ':'))
		gt_format(why, why_cap, "the name %s cannot be looked up (%s)",
		          host, nng_strerror(rv));
	else
		gt_copy(why, why_cap, nng_strerror(rv));
}

/* There is a link now. */
static void linked(struct gt_links *links)
{
	struct dialer *d = &links->dialer;
	d->linked++;
	d->told = 0;
	if (links->config.silent_ms > 0 && d->linked > 0)
		uv_timer_start(&d->timer, on_timer, links->config.silent_ms, 0);
}

/* A parent that is away for weeks is a line at the 1st, 2nd, 4th, 8th ... dial,
 * and whenever it is away in another way. */
static void tell(struct gt_links *links, bool above, const char *why)
{
	struct dialer *d = &links->dialer;
	if (!above && d->told > 0 && d->attempts < 2 * d->told &&
	    d->attempts >= d->told && strcmp(why, d->told_why) == 0)
		return;
	if (!above) {
		d->told = d->attempts;
		gt_copy(d->told_why, sizeof d->told_why, why);
	}
	links_log(links, GT_LOG_WARN,
	          above ? "node above not reached" : "parent not reached",
	          d->address[d->at], "", why);
}

static void failed(struct gt_links *links, bool above)
{
	struct dialer *d = &links->dialer;
	char why[sizeof d->told_why];
	explain(d->address[d->at], d->result, why, sizeof why);
	tell(links, above, why);
	/* what went wrong after the dial has its own reason */
	if (d->result != NNG_ECLOSED && !above)
		fault_dialled(links, d->address[d->at], why);
}

/* The spare becomes the link, where there is none. */
static void take_spare(struct gt_links *links)
{
	struct dialer *d = &links->dialer;
	nng_stream *stream = d->spare;
	d->spare = NULL;
	if (stream_open(links, stream, way_of(d), d->address[d->at]) == 0)
		linked(links);
	else
		later(links);
}

/* True: the silent link is to be cut. */
static bool probed(struct gt_links *links)
{
	struct dialer *d = &links->dialer;
	d->probing = false;
	if (d->spare && d->linked <= 0) {
		take_spare(links);
		return false;
	}
	if (d->spare && patience_ms(links) == 0)
		return true;
	if (d->spare)
		nng_stream_free(d->spare);
	d->spare = NULL;
	later(links);
	return false;
}

bool dialer_tend(struct gt_links *links)
{
	struct dialer *d = &links->dialer;
	pthread_mutex_lock(&links->lock);
	bool done = d->done;
	d->done = false;
	pthread_mutex_unlock(&links->lock);
	if (!done || links->stopping)
		return false;
	d->dialling = false;
	if (d->probing)
		return probed(links);
	bool above = way_of(d) == GT_WAY_ABOVE;
	if (d->result == 0)
		linked(links);
	else
		failed(links, above);
	if (d->result == 0 && above)
		d->above_left = 0;
	if (d->linked == 0)
		later(links);
	return false;
}

void dialer_lost(struct gt_links *links, bool lived)
{
	struct dialer *d = &links->dialer;
	d->linked--;
	assert(d->linked >= -1);
	if (links->stopping)
		return;
	if (lived)
		d->attempts = 0;
	if (d->spare)
		take_spare(links);
	else if (!d->dialling)
		later(links);
}

void dialer_redial(struct gt_links *links)
{
	struct dialer *d = &links->dialer;
	if (d->n == 0)
		return;
	d->attempts = 0;
	if (!d->dialling && d->linked == 0)
		uv_timer_start(&d->timer, on_timer, 0, 0);
}

static int make(struct gt_links *links, const char *address)
{
	struct dialer *d = &links->dialer;
	nng_stream_dialer *nng;
	char url[300];
	const char *mark = strstr(address, "://");
	gt_format(url, sizeof url, "tcp://%s", mark ? mark + 3 : address);
	int rv = nng_stream_dialer_alloc(&nng, url);
	if (rv != 0)
		return rv;
	rv = nng_stream_dialer_set_bool(nng, NNG_OPT_TCP_NODELAY, true);
	if (rv == 0)
		rv = nng_stream_dialer_set_bool(nng, NNG_OPT_TCP_KEEPALIVE,
		                                true);
	size_t i = d->n + d->n_above;
	if (rv == 0 && !(d->address[i] = strdup(address)))
		rv = NNG_ENOMEM;
	if (rv != 0) {
		nng_stream_dialer_free(nng);
		return rv;
	}
	d->nng[i] = nng;
	return 0;
}

static int make_all(struct gt_links *links, const char *const *addresses,
                    size_t n, size_t *made, char *why, size_t why_cap)
{
	for (size_t i = 0; i < n; i++) {
		int rv = make(links, addresses[i]);
		if (rv != 0) {
			gt_format(why, why_cap, "cannot dial %s: %s",
			          addresses[i], nng_strerror(rv));
			return -GT_EINVALID;
		}
		++*made;
	}
	return 0;
}

int dialer_start(struct gt_links *links, const struct gt_links_config *config,
                 char *why, size_t why_cap)
{
	struct dialer *d = &links->dialer;
	size_t n = config->nparents + config->nabove;
	d->nng = calloc(n, sizeof *d->nng);
	d->address = calloc(n, sizeof *d->address);
	if (!d->nng || !d->address ||
	    nng_aio_alloc(&d->aio, on_dialled, links) != 0) {
		gt_copy(why, why_cap, "out of memory");
		return -GT_ENOMEM;
	}
	int status = make_all(links, config->parents, config->nparents, &d->n,
	                      why, why_cap);
	if (status == 0)
		status = make_all(links, config->above, config->nabove,
		                  &d->n_above, why, why_cap);
	if (status != 0)
		return status;
	nng_aio_set_timeout(d->aio, DIAL_MS);
	uv_timer_start(&d->timer, on_timer, 0, 0);
	return 0;
}

void dialer_stop(struct gt_links *links)
{
	struct dialer *d = &links->dialer;
	size_t n = d->n + d->n_above;
	for (size_t i = 0; i < n; i++)
		nng_stream_dialer_close(d->nng[i]);
	nng_aio_stop(d->aio);
	nng_aio_free(d->aio);
	d->aio = NULL;
	if (d->spare)
		nng_stream_free(d->spare);
	d->spare = NULL;
	for (size_t i = 0; i < n; i++) {
		nng_stream_dialer_free(d->nng[i]);
		free(d->address[i]);
	}
	free(d->nng);
	free(d->address);
	d->nng = NULL;
	d->address = NULL;
	d->n = d->n_above = 0;
}
