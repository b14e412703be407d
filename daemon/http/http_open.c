#include "http_open.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct gt_http_open {
	pthread_mutex_t lock;
	pthread_cond_t change; /* a socket is gone */
	bool cut;
	unsigned n;
	struct place {
		bool taken;
		int fd;
	} places[GT_HTTP_OPEN_MAX];
};

struct gt_http_open *gt_http_open_new(void)
{
	struct gt_http_open *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
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
	pthread_cond_destroy(&t->change);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Lock held. NULL: a newcomer that may not stay. */
static struct place *settle(struct gt_http_open *t, int fd)
{
	if (t->cut)
		return NULL;
	for (unsigned i = 0; i < GT_HTTP_OPEN_MAX; i++) {
		struct place *p = &t->places[i];
		if (p->taken)
			continue;
		*p = (struct place){true, fd};
		t->n++;
		return p;
	}
	return NULL;
}

void gt_http_open_note(void *table, struct MHD_Connection *c, void **place,
                       enum MHD_ConnectionNotificationCode what)
{
	struct gt_http_open *t = table;
	struct place *p = *place;
	pthread_mutex_lock(&t->lock);
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd = MHD_get_connection_info(
		                 c, MHD_CONNECTION_INFO_CONNECTION_FD)
		                 ->connect_fd;
		*place = p = settle(t, fd);
		/* the library's first look at it sees a hang-up, and closes it
		 * without reading */
		if (!p)
			(void)shutdown(fd, SHUT_RDWR);
	} else if (p) {
		/* the socket is closed after this, never before */
		assert(p->taken && t->n > 0);
		p->taken = false;
		t->n--;
		pthread_cond_broadcast(&t->change);
	}
	pthread_mutex_unlock(&t->lock);
}

void gt_http_open_cut(struct gt_http_open *t)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += GT_HTTP_CUT_MS / 1000;
	pthread_mutex_lock(&t->lock);
	t->cut = true;
	for (unsigned i = 0; i < GT_HTTP_OPEN_MAX; i++)
		if (t->places[i].taken)
			(void)shutdown(t->places[i].fd, SHUT_RDWR);
	while (t->n > 0)
		if (pthread_cond_timedwait(&t->change, &t->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&t->lock);
}
