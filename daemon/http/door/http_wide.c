#include "http_wide.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct from {
	uint8_t b[GT_HTTP_FROM_BYTES];
	int64_t at_ms;
	bool is;
};

struct gt_http_wide {
	pthread_mutex_t lock; /* of what follows */
	struct from from[GT_HTTP_WIDE_FROM];
};

struct gt_http_wide *gt_http_wide_new(void)
{
	struct gt_http_wide *w = calloc(1, sizeof *w);
	if (w && pthread_mutex_init(&w->lock, NULL) == 0)
		return w;
	free(w);
	return NULL;
}

void gt_http_wide_free(struct gt_http_wide *w)
{
	if (!w)
		return;
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* The lock is held. */
static struct from *find(struct gt_http_wide *w,
                         const uint8_t from[GT_HTTP_FROM_BYTES], int64_t now_ms)
{
	for (size_t i = 0; i < GT_HTTP_WIDE_FROM; i++) {
		struct from *f = &w->from[i];
		if (f->is && now_ms - f->at_ms < GT_HTTP_WIDE_MS &&
		    memcmp(f->b, from, GT_HTTP_FROM_BYTES) == 0)
			return f;
	}
	return NULL;
}

/* A free one, else the oldest. The lock is held. */
static struct from *spare(struct gt_http_wide *w)
{
	struct from *found = &w->from[0];
	for (size_t i = 0; i < GT_HTTP_WIDE_FROM && found->is; i++)
		if (!w->from[i].is || w->from[i].at_ms < found->at_ms)
			found = &w->from[i];
	return found;
}

void gt_http_wide_note(struct gt_http_wide *w,
                       const uint8_t from[GT_HTTP_FROM_BYTES], int64_t now_ms)
{
	static const uint8_t none[GT_HTTP_FROM_BYTES];
	if (memcmp(from, none, sizeof none) == 0)
		return;
	pthread_mutex_lock(&w->lock);
	struct from *f = find(w, from, now_ms);
	f = f ? f : spare(w);
	f->is = true;
	f->at_ms = now_ms;
	memcpy(f->b, from, sizeof f->b);
	pthread_mutex_unlock(&w->lock);
}

bool gt_http_wide_is(struct gt_http_wide *w,
                     const uint8_t from[GT_HTTP_FROM_BYTES], int64_t now_ms)
{
	pthread_mutex_lock(&w->lock);
	bool is = find(w, from, now_ms) != NULL;
	pthread_mutex_unlock(&w->lock);
	return is;
}

int gt_http_wide_take(int fd)
{
	int pair[2];
	int socket_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (socket_fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	               pair) != 0) {
		close(socket_fd);
		return -1;
	}
	bool put =
	        dup2(pair[0], fd) == fd && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
	close(pair[0]);
	close(pair[1]);
	if (put)
		return socket_fd;
	close(socket_fd);
	return -1;
}
