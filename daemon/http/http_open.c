#include "http_open.h"

#include <arpa/inet.h>
#include <linux/tcp.h> /* what a connection has moved, which POSIX has not */
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the spare places are for must be read quickly. */
enum { SPARE_HEAD_MS = 5000 };

struct gt_http_place {
	struct gt_http_place *next, **prev;
	unsigned door;
	int fd;
	uint8_t from[GT_HTTP_FROM_BYTES];
	enum gt_http_phase phase;
	int64_t born_ms, since_ms; /* since: of the phase */
	bool spare;
	bool alone; /* as it came */
	bool asks;  /* a first line has come */
	bool left;  /* the last sweep found him gone, in this phase */
	bool ended; /* shut down; its place is another's already */
};

/*   1. every connection the library has is in the list, until it says it is
 *      about to close it: so its socket is open while it is there
 *   2. n[door]: those of it neither spare nor ended, never over its limit
 *   3. spare[door]: those that are spare and not ended */
struct gt_http_open {
	struct gt_http_limits limits[GT_HTTP_OPEN_DOORS];
	pthread_mutex_t lock;  /* of what follows */
	pthread_cond_t change; /* a connection is gone */
	bool cut;
	unsigned all;
	struct gt_http_place *first;
	unsigned n[GT_HTTP_OPEN_DOORS], spare[GT_HTTP_OPEN_DOORS];
	struct gt_http_counts counts[GT_HTTP_OPEN_DOORS];
	uint8_t last[GT_HTTP_OPEN_DOORS][GT_HTTP_FROM_BYTES];
};

struct gt_http_open *
gt_http_open_new(const struct gt_http_limits limits[GT_HTTP_OPEN_DOORS])
{
	struct gt_http_open *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	memcpy(t->limits, limits, sizeof t->limits);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	bool locked = pthread_mutex_init(&t->lock, NULL) == 0;
	bool ok = locked && pthread_cond_init(&t->change, &attr) == 0;
	pthread_condattr_destroy(&attr);
	if (ok)
		return t;
	if (locked)
		pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}

void gt_http_open_free(struct gt_http_open *t)
{
	if (!t)
		return;
	while (t->first) {
		struct gt_http_place *p = t->first;
		t->first = p->next;
		free(p);
	}
	pthread_cond_destroy(&t->change);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* -------------------------------------------------------- addresses */

void gt_http_from_of(uint8_t out[GT_HTTP_FROM_BYTES], const struct sockaddr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	memset(out, 0, GT_HTTP_FROM_BYTES);
	if (a && a->sa_family == AF_INET) {
		memcpy(&four, a, sizeof four);
		memcpy(out, mapped, sizeof mapped);
		memcpy(out + 12, &four.sin_addr, 4);
	} else if (a && a->sa_family == AF_INET6) {
		memcpy(&six, a, sizeof six);
		bool is_four = memcmp(&six.sin6_addr, mapped, 12) == 0;
		/* who has one address of a /64 has them all */
		memcpy(out, &six.sin6_addr, is_four ? 16 : 8);
	}
}

void gt_http_place_from(const struct gt_http_place *p,
                        uint8_t from[GT_HTTP_FROM_BYTES])
{
	memset(from, 0, GT_HTTP_FROM_BYTES);
	if (p)
		memcpy(from, p->from, GT_HTTP_FROM_BYTES);
}

void gt_http_from_text(char out[GT_HTTP_FROM_TEXT],
                       const uint8_t from[GT_HTTP_FROM_BYTES])
{
	static const uint8_t none[GT_HTTP_FROM_BYTES];
	char text[INET6_ADDRSTRLEN] = "";
	bool four = memcmp(from, none, 10) == 0 && from[10] == 0xff;
	out[0] = '\0';
	if (memcmp(from, none, sizeof none) == 0)
		return;
	(void)inet_ntop(four ? AF_INET : AF_INET6, four ? from + 12 : from,
	                text, sizeof text);
	gt_format(out, GT_HTTP_FROM_TEXT, "%s%s", text, four ? "" : "/64");
}

static bool same_from(const struct gt_http_place *p,
                      const uint8_t from[GT_HTTP_FROM_BYTES])
{
	return memcmp(p->from, from, GT_HTTP_FROM_BYTES) == 0;
}

/* ----------------------------------------------------------- places */

/* What it has moved so far; what is no TCP moves none. False: an old kernel, a
 * sandbox or an emulator tells the beginning of it only. */
static bool moved(const struct gt_http_place *p, uint64_t *in, uint64_t *out)
{
	enum {
		TOLD = offsetof(struct tcp_info, tcpi_bytes_received) +
		       sizeof(uint64_t) /* the later of the two */
	};
	struct tcp_info info = {0};
	socklen_t n = sizeof info;
	bool tcp = getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0;
	*in = info.tcpi_bytes_received;
	*out = info.tcpi_bytes_acked;
	return !tcp || n >= TOLD;
}

/* Bytes a second, both ways, over its whole life. Where that is not told nobody
 * is called slow, for all would be. */
static uint64_t pace(const struct gt_http_place *p, int64_t now_ms)
{
	uint64_t in, out;
	int64_t age = now_ms - p->born_ms;
	if (!moved(p, &in, &out))
		return UINT64_MAX;
	return (in + out) * 1000 / (uint64_t)(age < 1 ? 1 : age);
}

uint64_t gt_http_place_came(const struct gt_http_place *p)
{
	uint64_t in = 0, out;
	return !p ? 0 : moved(p, &in, &out) ? in : UINT64_MAX;
}

static bool moves_bytes(const struct gt_http_place *p)
{
	return p->phase == GT_PHASE_BODY || p->phase == GT_PHASE_SEND;
}

/* Shuts it down; its place is free from now. Lock held. */
static void end(struct gt_http_open *t, struct gt_http_place *p)
{
	assert(!p->ended);
	p->ended = true;
	if (p->spare)
		t->spare[p->door]--;
	else
		t->n[p->door]--;
	(void)shutdown(p->fd, SHUT_RDWR);
}

/* Who is to go: 0 not he; the more the sooner. Within one the longest, or the
 * slowest, goes first. */
static unsigned claim(const struct gt_http_place *p, int64_t now_ms,
                      uint64_t *pace_of)
{
	*pace_of = UINT64_MAX;
	if (p->phase == GT_PHASE_IDLE)
		return 3;
	if (p->phase == GT_PHASE_HEAD)
		return 1;
	if (!moves_bytes(p) || now_ms - p->since_ms < GT_HTTP_SLOW_AFTER_MS)
		return 0;
	*pace_of = pace(p, now_ms);
	return *pace_of < GT_HTTP_SLOW_BYTES ? 2 : 0;
}

/* Of a door, and of an address if one is given. Lock held. */
static struct gt_http_place *victim(struct gt_http_open *t, unsigned door,
                                    const uint8_t *from, int64_t now_ms)
{
	struct gt_http_place *found = NULL;
	unsigned most = 0;
	uint64_t least_pace = UINT64_MAX;
	for (struct gt_http_place *p = t->first; p; p = p->next) {
		uint64_t pace_of;
		if (p->ended || p->spare || p->door != door ||
		    (from && !same_from(p, from)))
			continue;
		unsigned much = claim(p, now_ms, &pace_of);
		bool sooner = much == 2
		                      ? pace_of < least_pace
		                      : found && p->since_ms < found->since_ms;
		if (much == 0 || much < most || (much == most && !sooner))
			continue;
		most = much;
		least_pace = pace_of;
		found = p;
	}
	return found;
}

static unsigned count_from(const struct gt_http_open *t, unsigned door,
                           const uint8_t from[GT_HTTP_FROM_BYTES])
{
	unsigned n = 0;
	for (const struct gt_http_place *p = t->first; p; p = p->next)
		n += p->door == door && !p->ended && !p->spare &&
		     same_from(p, from);
	return n;
}

/* Makes room at a door for one more from there. Lock held. */
static bool make_room(struct gt_http_open *t, unsigned door,
                      const uint8_t from[GT_HTTP_FROM_BYTES], int64_t now_ms)
{
	const struct gt_http_limits *l = &t->limits[door];
	struct gt_http_counts *c = &t->counts[door];
	bool crowded = l->per_address > 0 &&
	               count_from(t, door, from) >= l->per_address;
	if (!crowded && t->n[door] < l->connections)
		return true;
	struct gt_http_place *p =
	        victim(t, door, crowded ? from : NULL, now_ms);
	memcpy(t->last[door], p ? p->from : from, GT_HTTP_FROM_BYTES);
	if (!p)
		return false;
	if (p->phase == GT_PHASE_IDLE)
		c->dropped_idle++;
	else
		c->dropped_slow++;
	end(t, p);
	return true;
}

/* False: there is not even a spare place. Lock held. */
static bool settle(struct gt_http_open *t, struct gt_http_place *p,
                   int64_t now_ms)
{
	struct gt_http_counts *c = &t->counts[p->door];
	p->phase = GT_PHASE_HEAD;
	p->born_ms = p->since_ms = now_ms;
	p->spare = !make_room(t, p->door, p->from, now_ms);
	if (p->spare && t->spare[p->door] >= GT_HTTP_SPARE) {
		c->shut++;
		return false;
	}
	if (p->spare) {
		c->refused++;
		t->spare[p->door]++;
	} else {
		c->taken++;
		t->n[p->door]++;
	}
	return true;
}

/* Lock held. */
static void put_in(struct gt_http_open *t, struct gt_http_place *p)
{
	p->next = t->first;
	p->prev = &t->first;
	if (p->next)
		p->next->prev = &p->next;
	t->first = p;
	p->alone = t->all++ == 0;
}

struct gt_http_place *gt_http_open_come(struct gt_http_open *t, unsigned door,
                                        int fd, const struct sockaddr *from,
                                        int64_t now_ms)
{
	struct gt_http_place *p = calloc(1, sizeof *p);
	bool stays = false;
	assert(door < GT_HTTP_OPEN_DOORS);
	if (p) {
		p->door = door;
		p->fd = fd;
		gt_http_from_of(p->from, from);
		pthread_mutex_lock(&t->lock);
		stays = !t->cut && settle(t, p, now_ms);
		if (stays)
			put_in(t, p);
		pthread_mutex_unlock(&t->lock);
	}
	/* from here it may be ended by others, but is gone by us alone */
	if (stays)
		return p;
	free(p);
	/* the library's first look at it sees a hang-up, and closes it without
	 * reading */
	(void)shutdown(fd, SHUT_RDWR);
	return NULL;
}

/* The other end is closed, and nothing that came is left to be read. */
static bool closed(const struct gt_http_place *p)
{
	char c;
	return recv(p->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Who has left: in the middle of what he had begun to ask? Who was here to see
 * that somebody answers has not: his end is one byte to the kernel. */
static bool amid(const struct gt_http_open *t, const struct gt_http_place *p)
{
	uint64_t in, out;
	if (p->phase != GT_PHASE_HEAD || p->asks)
		return p->phase == GT_PHASE_HEAD || p->phase == GT_PHASE_BODY;
	return !t->limits[p->door].tls && (!moved(p, &in, &out) || in > 1);
}

void gt_http_open_gone(struct gt_http_open *t, struct gt_http_place *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&t->lock);
	if (!p->ended && amid(t, p) && closed(p))
		t->counts[p->door].left++;
	/* the socket is closed after this, never before */
	if (!p->ended && p->spare)
		t->spare[p->door]--;
	else if (!p->ended)
		t->n[p->door]--;
	*p->prev = p->next;
	if (p->next)
		p->next->prev = p->prev;
	t->all--;
	pthread_cond_broadcast(&t->change);
	pthread_mutex_unlock(&t->lock);
	free(p);
}

void gt_http_open_phase(struct gt_http_open *t, struct gt_http_place *p,
                        enum gt_http_phase phase, int64_t now_ms)
{
	if (!p)
		return;
	pthread_mutex_lock(&t->lock);
	p->phase = phase;
	p->since_ms = now_ms;
	p->asks = true;
	p->left = false;
	pthread_mutex_unlock(&t->lock);
}

bool gt_http_place_first(const struct gt_http_place *p)
{
	return p && p->alone;
}

bool gt_http_place_spare(const struct gt_http_place *p)
{
	return p && p->spare;
}

/* ------------------------------------------------------------ sweep */

/* The counter of what it is late with; NULL: it is not, or may be. */
static uint64_t *late(struct gt_http_open *t, const struct gt_http_place *p,
                      int64_t now_ms)
{
	const struct gt_http_limits *l = &t->limits[p->door];
	struct gt_http_counts *c = &t->counts[p->door];
	int64_t took = now_ms - p->since_ms;
	if (p->phase == GT_PHASE_HEAD &&
	    (took > l->head_ms || (p->spare && took > SPARE_HEAD_MS)))
		return &c->late_head;
	return p->phase == GT_PHASE_BODY && took > l->body_ms ? &c->late_body
	                                                      : NULL;
}

/* It waits for what will not come. An answer that is being made or sent is his
 * all the same; and what came with his end may have been read and not yet be
 * looked at, so it is waited for until the next sweep. */
static bool left(struct gt_http_place *p)
{
	if (p->phase == GT_PHASE_WORK || p->phase == GT_PHASE_SEND ||
	    !closed(p))
		return false;
	bool before = p->left;
	p->left = true;
	return before;
}

static bool idles(const struct gt_http_open *t, const struct gt_http_place *p,
                  int64_t now_ms)
{
	return p->phase == GT_PHASE_IDLE &&
	       now_ms - p->since_ms > t->limits[p->door].idle_ms;
}

bool gt_http_open_sweep(struct gt_http_open *t, int64_t now_ms)
{
	pthread_mutex_lock(&t->lock);
	for (struct gt_http_place *p = t->first; p; p = p->next) {
		uint64_t *count = p->ended ? NULL : late(t, p, now_ms);
		if (count) {
			++*count;
			memcpy(t->last[p->door], p->from, GT_HTTP_FROM_BYTES);
			end(t, p);
		} else if (!p->ended && (left(p) || idles(t, p, now_ms))) {
			t->counts[p->door].left += p->left && amid(t, p);
			end(t, p);
		}
	}
	bool any = t->all > 0;
	pthread_mutex_unlock(&t->lock);
	return any;
}

/* Kept for a next request, or opened by a browser for a first to come. */
static bool unused(const struct gt_http_place *p)
{
	return p->phase == GT_PHASE_IDLE ||
	       (p->phase == GT_PHASE_HEAD && !p->asks &&
	        gt_http_place_came(p) == 0);
}

void gt_http_open_end_idle(struct gt_http_open *t,
                           const uint8_t from[GT_HTTP_FROM_BYTES])
{
	pthread_mutex_lock(&t->lock);
	for (struct gt_http_place *p = t->first; p; p = p->next)
		if (!p->ended && unused(p) && same_from(p, from))
			end(t, p);
	pthread_mutex_unlock(&t->lock);
}

void gt_http_open_counts(struct gt_http_open *t, unsigned door,
                         struct gt_http_counts *out,
                         char last[GT_HTTP_FROM_TEXT])
{
	pthread_mutex_lock(&t->lock);
	*out = t->counts[door];
	out->open = t->n[door];
	gt_http_from_text(last, t->last[door]);
	pthread_mutex_unlock(&t->lock);
}

void gt_http_open_cut(struct gt_http_open *t)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += GT_HTTP_CUT_MS / 1000;
	pthread_mutex_lock(&t->lock);
	t->cut = true;
	for (struct gt_http_place *p = t->first; p; p = p->next)
		if (!p->ended)
			end(t, p);
	while (t->all > 0)
		if (pthread_cond_timedwait(&t->change, &t->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&t->lock);
}
