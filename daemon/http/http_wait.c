#include "http_wait.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sys.h"

enum {
	WATCH_SLICE_MS = 250, /* a newcomer's deadline is at most this late */
	GOODBYE_MS = 1000,
	STALLED_MS = 30000, /* until it is worth another try */
};

struct gt_waits {
	struct gt_core *core;
	pthread_mutex_t lock;
	pthread_cond_t change; /* somebody to watch for; nobody awake; stop */
	struct gt_request *commands;
	struct gt_request *watching;
	uint64_t last_token;
	unsigned awake; /* woken, answer not yet out */
	bool stopping;
	enum gt_lack lack; /* for want of which the core waits */
	bool watcher;      /* the thread runs; it starts with the first need */
	pthread_t thread;
};

struct gt_waits *gt_waits_new(struct gt_core *core)
{
	struct gt_waits *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->core = core;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	bool ok = pthread_mutex_init(&w->lock, NULL) == 0;
	if (ok && pthread_cond_init(&w->change, &attr) != 0) {
		pthread_mutex_destroy(&w->lock);
		ok = false;
	}
	pthread_condattr_destroy(&attr);
	if (!ok) {
		free(w);
		return NULL;
	}
	return w;
}

void gt_waits_free(struct gt_waits *w)
{
	if (!w)
		return;
	assert(!w->watcher && !w->commands && !w->watching);
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* Out of its list already: nobody else knows the request. It may be gone as
 * soon as the connection is resumed. */
static void wake(struct gt_request *rq, int status, char *text)
{
	rq->status = status;
	free(rq->text); /* of an order that went before this one */
	rq->text = text;
	rq->next = NULL;
	rq->woken = true;
	MHD_resume_connection(rq->connection);
}

/* Counts as awake from here, so that stop waits for its answer. Lock held. */
static struct gt_request *take(struct gt_waits *w, uint64_t token)
{
	for (struct gt_request **p = &w->commands; *p; p = &(*p)->next) {
		struct gt_request *rq = *p;
		if (rq->token != token)
			continue;
		*p = rq->next;
		w->awake++;
		return rq;
	}
	return NULL;
}

void gt_waits_reply(struct gt_waits *w, const struct gt_action *a)
{
	pthread_mutex_lock(&w->lock);
	struct gt_request *rq = take(w, a->token);
	pthread_mutex_unlock(&w->lock);
	if (!rq)
		return;
	rq->retry_ms = a->retry_ms;
	wake(rq, a->status, a->text ? strdup(a->text) : NULL);
}

static void wake_stalled(struct gt_request *rq, enum gt_lack lack)
{
	static const enum gt_text texts[] = {
	        [GT_LACK_NONE] = GT_T_HTTP_STALLED,
	        [GT_LACK_ROOM] = GT_T_HTTP_STALLED,
	        [GT_LACK_QUOTA] = GT_T_HTTP_STALLED_QUOTA,
	        [GT_LACK_LIMIT] = GT_T_HTTP_STALLED_LIMIT};
	char text[512];
	gt_http_say(text, sizeof text, rq->lang, texts[lack]);
	rq->retry_ms = STALLED_MS;
	wake(rq, -GT_ENOSPACE, strdup(text));
}

void gt_waits_stalled(struct gt_waits *w, enum gt_lack lack)
{
	struct gt_request *all = NULL;
	pthread_mutex_lock(&w->lock);
	w->lack = lack;
	if (lack) {
		all = w->commands;
		w->commands = NULL;
	}
	for (struct gt_request *rq = all; rq; rq = rq->next)
		w->awake++;
	pthread_mutex_unlock(&w->lock);
	while (all) {
		struct gt_request *rq = all;
		all = rq->next;
		wake_stalled(rq, lack);
	}
}

enum MHD_Result gt_rq_command(struct gt_request *rq, struct gt_event *e,
                              gt_handler *finish)
{
	struct gt_waits *w = rq->http->waits;
	rq->finish = finish;
	/* asleep before the core can answer */
	MHD_suspend_connection(rq->connection);
	pthread_mutex_lock(&w->lock);
	bool stopping = w->stopping;
	enum gt_lack lack = w->lack;
	uint64_t token = rq->token = e->token = ++w->last_token;
	if (stopping || lack) {
		w->awake++;
	} else {
		rq->next = w->commands;
		w->commands = rq;
	}
	pthread_mutex_unlock(&w->lock);
	if (stopping) {
		wake(rq, -GT_EUNAVAILABLE, NULL);
		return MHD_YES;
	}
	if (lack) {
		wake_stalled(rq, lack);
		return MHD_YES;
	}
	e->actor = rq->actor;
	if (gt_core_post(w->core, e, NULL))
		return MHD_YES;
	/* stop may have been quicker */
	pthread_mutex_lock(&w->lock);
	rq = take(w, token);
	pthread_mutex_unlock(&w->lock);
	if (rq)
		wake(rq, -GT_EBUSY, NULL);
	return MHD_YES;
}

/* --------------------------------------------------------- watching */

/* Takes out all whose wait is over. Lock held. */
static struct gt_request *ripe(struct gt_waits *w, uint64_t generation)
{
	int64_t now = (int64_t)gt_sys_now().mono_ms;
	struct gt_request *out = NULL, **p = &w->watching;
	while (*p) {
		struct gt_request *rq = *p;
		bool over = generation > rq->seen || now >= rq->deadline_ms ||
		            w->stopping;
		if (!over) {
			p = &rq->next;
			continue;
		}
		*p = rq->next;
		rq->next = out;
		out = rq;
		w->awake++;
	}
	return out;
}

static uint32_t slice(const struct gt_waits *w)
{
	int64_t now = (int64_t)gt_sys_now().mono_ms, least = WATCH_SLICE_MS;
	for (const struct gt_request *r = w->watching; r; r = r->next)
		if (r->deadline_ms - now < least)
			least = r->deadline_ms - now;
	return least < 1 ? 1 : (uint32_t)least;
}

/* Sleeps without a wake-up while nobody watches. */
static void *watch(void *arg)
{
	struct gt_waits *w = arg;
	struct gt_node_status *status = malloc(sizeof *status);
	pthread_mutex_lock(&w->lock);
	while (!w->stopping || w->watching) {
		if (!w->watching) {
			pthread_cond_wait(&w->change, &w->lock);
			continue;
		}
		uint64_t generation = 0;
		if (status) {
			gt_core_status(w->core, status);
			generation = status->generation;
		}
		struct gt_request *out = ripe(w, generation);
		uint32_t ms = slice(w);
		pthread_mutex_unlock(&w->lock);
		while (out) {
			struct gt_request *rq = out;
			out = rq->next;
			wake(rq, 0, NULL);
		}
		gt_core_wait(w->core, generation, ms);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	free(status);
	return NULL;
}

enum MHD_Result gt_rq_wait(struct gt_request *rq, gt_handler *finish)
{
	struct gt_waits *w = rq->http->waits;
	rq->finish = finish;
	MHD_suspend_connection(rq->connection);
	pthread_mutex_lock(&w->lock);
	if (!w->stopping && !w->watcher)
		w->watcher = pthread_create(&w->thread, NULL, watch, w) == 0;
	bool refused = w->stopping || !w->watcher;
	if (refused) {
		w->awake++;
	} else {
		rq->next = w->watching;
		w->watching = rq;
		pthread_cond_broadcast(&w->change);
	}
	pthread_mutex_unlock(&w->lock);
	if (refused)
		wake(rq, -GT_EUNAVAILABLE, NULL);
	return MHD_YES;
}

/* ---------------------------------------------------------- the end */

void gt_waits_done(struct gt_waits *w, const struct gt_request *rq)
{
	if (!rq->woken)
		return;
	pthread_mutex_lock(&w->lock);
	assert(w->awake > 0);
	w->awake--;
	pthread_cond_broadcast(&w->change);
	pthread_mutex_unlock(&w->lock);
}

void gt_waits_stop(struct gt_waits *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	struct gt_request *out = w->commands;
	w->commands = NULL;
	for (struct gt_request *r = out; r; r = r->next)
		w->awake++;
	pthread_cond_broadcast(&w->change);
	bool join = w->watcher;
	pthread_mutex_unlock(&w->lock);
	while (out) {
		struct gt_request *rq = out;
		out = rq->next;
		wake(rq, -GT_EUNAVAILABLE, NULL);
	}
	if (join)
		pthread_join(w->thread, NULL);
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += GOODBYE_MS / 1000;
	pthread_mutex_lock(&w->lock);
	w->watcher = false;
	while (w->awake > 0)
		if (pthread_cond_timedwait(&w->change, &w->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&w->lock);
}
