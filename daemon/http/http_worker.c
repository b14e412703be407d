#include "http_worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "database.h"

enum { KEPT = 4 };

struct gt_workers {
	const char *database;
	void (*broke)(void *arg, const char *why);
	void *arg;
	pthread_mutex_t lock; /* of what follows */
	struct gt_worker *idle;
	unsigned nidle, taken;
	uint64_t gaps;
};

struct gt_workers *gt_workers_new(const char *database,
                                  void (*broke)(void *arg, const char *why),
                                  void *arg)
{
	struct gt_workers *ws = calloc(1, sizeof *ws);
	if (ws && pthread_mutex_init(&ws->lock, NULL) != 0) {
		free(ws);
		return NULL;
	}
	if (ws) {
		ws->database = database;
		ws->broke = broke;
		ws->arg = arg;
	}
	return ws;
}

static void worker_free(struct gt_worker *w)
{
	if (!w)
		return;
	gt_reader_free(w->reader);
	gt_inflater_free(w->inflater);
	free(w->stored);
	free(w);
}

void gt_workers_free(struct gt_workers *ws)
{
	if (!ws)
		return;
	for (struct gt_worker *w = ws->idle, *next; w; w = next) {
		next = w->next;
		worker_free(w);
	}
	pthread_mutex_destroy(&ws->lock);
	free(ws);
}

struct gt_worker *gt_worker_take(struct gt_workers *ws)
{
	char why[256] = "";
	pthread_mutex_lock(&ws->lock);
	struct gt_worker *w = ws->idle;
	if (w) {
		ws->idle = w->next;
		ws->nidle--;
	}
	ws->taken++;
	pthread_mutex_unlock(&ws->lock);
	if (w)
		return w;
	w = calloc(1, sizeof *w);
	if (w)
		w->reader = gt_database_reader(ws->database, why, sizeof why);
	if (w && w->reader)
		return w;
	if (w && ws->broke)
		ws->broke(ws->arg, why);
	worker_free(w);
	pthread_mutex_lock(&ws->lock);
	ws->taken--;
	pthread_mutex_unlock(&ws->lock);
	return NULL;
}

unsigned gt_workers_taken(struct gt_workers *ws)
{
	pthread_mutex_lock(&ws->lock);
	unsigned n = ws->taken;
	pthread_mutex_unlock(&ws->lock);
	return n;
}

void gt_worker_give(struct gt_workers *ws, struct gt_worker *w)
{
	if (!w)
		return;
	if (gt_reader_broke(w->reader) && ws->broke)
		ws->broke(ws->arg, gt_reader_why(w->reader));
	gt_reader_rest(w->reader);
	pthread_mutex_lock(&ws->lock);
	ws->taken--;
	ws->gaps += gt_reader_gaps(w->reader) - w->gaps;
	w->gaps = gt_reader_gaps(w->reader);
	if (ws->nidle < KEPT) {
		w->next = ws->idle;
		ws->idle = w;
		ws->nidle++;
		w = NULL;
	}
	pthread_mutex_unlock(&ws->lock);
	worker_free(w);
}

uint64_t gt_workers_gaps(struct gt_workers *ws)
{
	pthread_mutex_lock(&ws->lock);
	uint64_t gaps = ws->gaps;
	pthread_mutex_unlock(&ws->lock);
	return gaps;
}

bool gt_worker_buffers(struct gt_worker *w)
{
	if (!w->stored)
		w->stored = malloc(GT_FRAME_STORED_MAX);
	if (!w->inflater)
		w->inflater = gt_inflater_new();
	return w->stored && w->inflater;
}
