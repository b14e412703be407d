#include "core.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bulk.h"
#include "pulse.h"
#include "sys.h"

enum { REST_MS = 5000, BURST = 64 /* events */ };

/* A waiting event and, behind it in the same allocation, all it points to. */
struct queued {
	struct queued *next;
	struct gt_bulk *m;
	size_t weight; /* against GT_CORE_QUEUE_BYTES */
	struct gt_event e;
};

/*   1. waiting, weight: what is posted and not through its turn, the list the
 *      thread has taken included; so until it quits
 *   2. handled <= done <= posts; handled is done when the status was shown
 *   3. quit is never taken back; after it nothing is posted, and the thread
 *      ends with the turn it is in
 *   4. shown and next_shown are two, and change places under the lock: nobody
 *      sees half a status
 *   5. the node is turned by the core's thread alone, and neither perform nor
 *      failed is called with the lock held */
struct gt_core {
	struct gt_node *node;
	struct gt_core_events events;
	void *arg;
	pthread_t thread;
	bool joined;

	pthread_mutex_t lock;   /* all below, to the blank line */
	pthread_cond_t posted;  /* the core waits on it */
	pthread_cond_t changed; /* gt_core_wait waits on it */
	struct queued *first, **last;
	size_t waiting, weight; /* posted and not yet through a turn */
	uint64_t posts;         /* events, since the start */
	uint64_t handled;       /* of those, what the status shown counts in */
	unsigned settling;      /* how many wait for the two to meet */
	uint64_t moved_ms; /* since then something waits, and none was taken */
	bool quit;
	bool lost; /* an event the node must hear found no memory */
	struct gt_node_status *shown;
	/* What readers were told of the time. told_ms: the latest moment in
	 * this era; seen: the clocks when the last turn began; turning: it is
	 * not through yet, and may store at its moment. */
	struct {
		bool known, turning;
		bool leapt; /* a reader found it so: a turn is due */
		int64_t era, told_ms;
		struct gt_now seen;
	} clock;

	struct gt_pulse pulse; /* of its turns */

	/* the core thread's own */
	struct gt_node_status *next_shown;
	uint64_t done;   /* events through their turn */
	uint64_t tidied; /* done when memory was last given back */
	uint64_t shown_ms;
	bool stale; /* turns since the status was last shown */
	struct gt_event *batch;
};

/* ------------------------------------------------- copying an event */

/* Measures when base is NULL, else copies: the same walk does both, so that
 * the two cannot disagree. */
struct copier {
	uint8_t *base;
	size_t used;
};

static void *copy(struct copier *c, const void *p, size_t n, size_t align)
{
	size_t at = (c->used + align - 1) & ~(align - 1);
	c->used = at + n;
	if (!c->base)
		return NULL;
	if (n)
		memcpy(c->base + at, p, n);
	return c->base + at;
}

static void copy_bytes(struct copier *c, struct gt_bytes *to,
                       struct gt_bytes from)
{
	void *p = copy(c, from.p, from.n, 1);
	*to = gt_bytes_of(p, from.n);
}

static void copy_text(struct copier *c, const char **to, const char *from)
{
	*to = from ? copy(c, from, strlen(from) + 1, 1) : NULL;
}

static void copy_drafts(struct copier *c, struct gt_event *to,
                        const struct gt_event *from)
{
	struct gt_draft *v = copy(c, from->drafts, from->count * sizeof *v, 16);
	struct gt_draft none;
	to->drafts = v;
	for (size_t i = 0; i < from->count; i++) {
		struct gt_draft *d = v ? &v[i] : &none;
		copy_bytes(c, &d->entry, from->drafts[i].entry);
		copy_bytes(c, &d->manifest, from->drafts[i].manifest);
		copy_text(c, &d->staged, from->drafts[i].staged);
	}
}

static void copy_members(struct copier *c, struct gt_event *to,
                         const struct gt_event *from)
{
	struct gt_bytes *v =
	        copy(c, from->members, from->count * sizeof *v, 16);
	struct gt_bytes none;
	to->members = v;
	for (size_t i = 0; i < from->count; i++)
		copy_bytes(c, v ? &v[i] : &none, from->members[i]);
}

static void copy_statements(struct copier *c, struct gt_event *to,
                            const struct gt_event *from)
{
	struct gt_statement *v =
	        copy(c, from->statements, from->count * sizeof *v, 16);
	struct gt_statement none;
	to->statements = v;
	for (size_t i = 0; i < from->count; i++) {
		struct gt_statement *s = v ? &v[i] : &none;
		copy_bytes(c, &s->body, from->statements[i].body);
		copy_text(c, &s->authority, from->statements[i].authority);
	}
}

static void copy_document(struct copier *c, struct gt_event *to,
                          const struct gt_event *from)
{
	const struct gt_document_edit *d = from->document;
	struct gt_document_edit none, *v = copy(c, d, sizeof *d, 16);
	to->document = v;
	v = v ? v : &none;
	copy_text(c, &v->key.activity, d->key.activity);
	copy_text(c, &v->key.agent, d->key.agent);
	copy_text(c, &v->key.registration, d->key.registration);
	copy_text(c, &v->key.id, d->key.id);
	copy_text(c, &v->actor, d->actor);
	copy_text(c, &v->type, d->type);
	copy_text(c, &v->if_match, d->if_match);
	copy_text(c, &v->if_no_match, d->if_no_match);
	copy_bytes(c, &v->body, d->body);
}

static void copy_event(struct copier *c, struct gt_event *to,
                       const struct gt_event *from)
{
	*to = *from;
	if (from->type != GT_EV_MSG) {
		copy_bytes(c, &to->body, from->body);
		copy_bytes(c, &to->payload, from->payload);
	}
	copy_text(c, &to->text, from->text);
	copy_text(c, &to->detail, from->detail);
	copy_text(c, &to->above, from->above);
	copy_text(c, &to->actor, from->actor);
	if (from->drafts)
		copy_drafts(c, to, from);
	if (from->members)
		copy_members(c, to, from);
	if (from->statements)
		copy_statements(c, to, from);
	if (from->document)
		copy_document(c, to, from);
	if (from->brought)
		to->brought = copy(c, from->brought,
		                   from->nbrought * sizeof *from->brought, 8);
}

static struct queued *queued_new(const struct gt_event *e, struct gt_bulk *m)
{
	struct copier c = {NULL, (sizeof(struct queued) + 15) & ~(size_t)15};
	struct gt_event scratch;
	size_t head = c.used;
	copy_event(&c, &scratch, e);
	struct queued *q = malloc(c.used);
	if (!q)
		return NULL;
	c.base = (uint8_t *)q;
	c.used = head;
	q->next = NULL;
	q->m = m;
	copy_event(&c, &q->e, e);
	q->e.bulk = m;
	q->weight = c.used + (m ? m->head.n + m->payload.n : 0);
	return q;
}

static void queued_free(struct queued *q)
{
	if (q->m)
		gt_bulk_unref(q->m);
	free(q);
}

static void free_list(struct queued *q)
{
	while (q) {
		struct queued *next = q->next;
		queued_free(q);
		q = next;
	}
}

/* -------------------------------------------------------- the queue */

/* Whether the node can do without hearing of it: a neighbour asks again, a
 * person is told that the node is busy. */
static bool refusable(enum gt_event_type type)
{
	return type == GT_EV_MSG || type >= GT_EV_PUBLISH;
}

static bool admit(const struct gt_core *core, const struct gt_event *e,
                  size_t weight)
{
	if (core->quit)
		return false;
	if (!refusable(e->type))
		return true;
	/* one event may be larger than the limit; it then waits alone */
	return core->waiting < GT_CORE_QUEUE_EVENTS &&
	       (core->waiting == 0 ||
	        core->weight + weight <= GT_CORE_QUEUE_BYTES);
}

bool gt_core_post(struct gt_core *core, const struct gt_event *e,
                  struct gt_bulk *m)
{
	struct queued *q = queued_new(e, m);
	pthread_mutex_lock(&core->lock);
	bool ok = q && admit(core, e, q->weight);
	if (ok) {
		*core->last = q;
		core->last = &q->next;
		core->weight += q->weight;
		if (core->waiting++ == 0)
			core->moved_ms = gt_sys_now().mono_ms;
		core->posts++;
		/* one wake-up per batch: the core takes all there is */
		if (core->first == q)
			pthread_cond_signal(&core->posted);
	} else if (!q && !refusable(e->type)) {
		core->lost = true;
		pthread_cond_signal(&core->posted);
	}
	pthread_mutex_unlock(&core->lock);
	if (!ok && q)
		queued_free(q);
	else if (!q && m)
		gt_bulk_unref(m);
	return ok;
}

static void wait_until(pthread_cond_t *cond, pthread_mutex_t *lock,
                       uint64_t mono_ms)
{
	struct timespec at = {(time_t)(mono_ms / 1000),
	                      (long)(mono_ms % 1000) * 1000000};
	int rc = mono_ms == UINT64_MAX
	                 ? pthread_cond_wait(cond, lock)
	                 : pthread_cond_timedwait(cond, lock, &at);
	assert(rc == 0 || rc == ETIMEDOUT);
}

/* Sleeps until there is something to do and takes all of it. False: stop. */
static bool take(struct gt_core *core, uint64_t deadline, struct queued **list)
{
	pthread_mutex_lock(&core->lock);
	while (!core->quit && !core->lost && !core->first &&
	       !core->clock.leapt && gt_sys_now().mono_ms < deadline)
		wait_until(&core->posted, &core->lock, deadline);
	*list = core->first;
	core->first = NULL;
	core->last = &core->first;
	bool go = !core->quit && !core->lost;
	pthread_mutex_unlock(&core->lock);
	return go;
}

/* ------------------------------------------------------- the status */

static void show(struct gt_core *core, uint64_t mono_ms)
{
	gt_node_status(core->node, core->next_shown);
	pthread_mutex_lock(&core->lock);
	struct gt_node_status *was = core->shown;
	core->shown = core->next_shown;
	core->next_shown = was;
	assert(core->done <= core->posts);
	core->handled = core->done;
	if (was->generation != core->shown->generation || core->settling)
		pthread_cond_broadcast(&core->changed);
	pthread_mutex_unlock(&core->lock);
	core->shown_ms = mono_ms;
	core->stale = false;
}

void gt_core_status(struct gt_core *core, struct gt_node_status *out)
{
	pthread_mutex_lock(&core->lock);
	*out = *core->shown;
	pthread_mutex_unlock(&core->lock);
}

bool gt_core_wait(struct gt_core *core, uint64_t seen, uint32_t timeout_ms)
{
	uint64_t until = gt_sys_now().mono_ms + timeout_ms;
	pthread_mutex_lock(&core->lock);
	while (!core->quit && core->shown->generation <= seen &&
	       gt_sys_now().mono_ms < until)
		wait_until(&core->changed, &core->lock, until);
	bool past = core->shown->generation > seen;
	pthread_mutex_unlock(&core->lock);
	return past;
}

bool gt_core_settle(struct gt_core *core, uint32_t timeout_ms)
{
	uint64_t until = gt_sys_now().mono_ms + timeout_ms;
	pthread_mutex_lock(&core->lock);
	uint64_t mark = core->posts;
	core->settling++;
	while (!core->quit && core->handled < mark &&
	       gt_sys_now().mono_ms < until)
		wait_until(&core->changed, &core->lock, until);
	core->settling--;
	bool done = core->handled >= mark && !core->quit;
	pthread_mutex_unlock(&core->lock);
	return done;
}

/* ------------------------------------------------------- the thread */

static void fail(struct gt_core *core, int status, const char *why)
{
	gt_core_quit(core);
	core->events.failed(core->arg, status, why);
}

/* Gives back the memory and the room of the events a turn has taken. */
static struct queued *release(struct gt_core *core, struct queued *q, size_t n)
{
	size_t weight = 0, count = n;
	while (n--) {
		struct queued *next = q->next;
		weight += q->weight;
		queued_free(q);
		q = next;
	}
	pthread_mutex_lock(&core->lock);
	assert(core->weight >= weight && core->waiting >= count);
	core->weight -= weight;
	core->waiting -= count;
	core->moved_ms = gt_sys_now().mono_ms;
	pthread_mutex_unlock(&core->lock);
	return q;
}

static bool awaited(struct gt_core *core)
{
	pthread_mutex_lock(&core->lock);
	bool settling = core->settling > 0;
	pthread_mutex_unlock(&core->lock);
	return settling;
}

/* -------------------------------------------------------- the clock */

static struct gt_now clock_in(struct gt_core *core)
{
	pthread_mutex_lock(&core->lock);
	struct gt_now now = gt_sys_now();
	now.told_ms = core->clock.known ? core->clock.told_ms : 0;
	core->clock.seen = now;
	core->clock.turning = true;
	core->clock.leapt = false;
	pthread_mutex_unlock(&core->lock);
	return now;
}

static void clock_out(struct gt_core *core)
{
	struct gt_node_clock now;
	gt_node_clock(core->node, &now);
	pthread_mutex_lock(&core->lock);
	if (!core->clock.known || core->clock.era != now.era)
		core->clock.told_ms = 0;
	if (now.stored_ms > core->clock.told_ms)
		core->clock.told_ms = now.stored_ms;
	core->clock.era = now.era;
	core->clock.known = true;
	core->clock.turning = false;
	pthread_mutex_unlock(&core->lock);
}

/* The clock says a moment; the turn under way began at an earlier one. A clock
 * that leapt since the last turn is not believed: that is for the next one, which
 * must not wait until something happens. */
static int64_t moment(struct gt_core *core)
{
	const struct gt_now *seen = &core->clock.seen;
	struct gt_now now = gt_sys_now();
	int64_t passed = (int64_t)(now.mono_ms + now.slept_ms - seen->mono_ms -
	                           seen->slept_ms);
	if (core->clock.turning)
		return seen->wall_ms - 1;
	if (now.wall_ms <= seen->wall_ms + passed + 1000)
		return now.wall_ms - 1;
	core->clock.leapt = true;
	pthread_cond_signal(&core->posted);
	return seen->wall_ms - 1;
}

bool gt_core_consistent(struct gt_core *core, int64_t *ms, int64_t *era)
{
	pthread_mutex_lock(&core->lock);
	bool known = core->clock.known;
	if (known) {
		int64_t now = moment(core);
		if (now > core->clock.told_ms)
			core->clock.told_ms = now;
		*ms = core->clock.told_ms;
		*era = core->clock.era;
	}
	pthread_mutex_unlock(&core->lock);
	return known;
}

static bool leapt(struct gt_core *core)
{
	pthread_mutex_lock(&core->lock);
	bool leapt = core->clock.leapt;
	pthread_mutex_unlock(&core->lock);
	return leapt;
}

/* One turn over the head of the list, and the clock's event if it is due. */
static bool turn(struct gt_core *core, struct queued **list)
{
	struct gt_now now = gt_sys_now();
	struct gt_actions actions = {NULL, 0};
	size_t n = 0, taken = 0;
	for (struct queued *q = *list; q && n < GT_TURN_EVENTS - 1; q = q->next)
		core->batch[n++] = q->e;
	size_t posted = n;
	if (now.mono_ms >= gt_node_deadline(core->node) || leapt(core))
		core->batch[n++] = (struct gt_event){.type = GT_EV_TIME};
	if (n == 0)
		return true;
	now = clock_in(core);
	unsigned beat =
	        gt_pulse_begin(&core->pulse, "turn", (int64_t)now.mono_ms);
	int status =
	        gt_node_turn(core->node, now, core->batch, n, &taken, &actions);
	if (status == 0)
		clock_out(core);
	if (status != 0) {
		gt_pulse_end(&core->pulse, beat);
		fail(core, status, gt_node_why(core->node));
		return false;
	}
	/* without progress the loop around this would never end */
	assert(taken > 0 && taken <= n);
	for (size_t i = 0; i < actions.n; i++)
		core->events.perform(core->arg, &actions.v[i]);
	gt_pulse_end(&core->pulse, beat);
	size_t gone = taken < posted ? taken : posted;
	core->done += gone;
	core->stale = true;
	if (now.mono_ms - core->shown_ms >= GT_CORE_STATUS_MS || awaited(core))
		show(core, now.mono_ms);
	*list = release(core, *list, gone);
	return true;
}

int64_t gt_core_stuck(struct gt_core *core, int64_t limit_ms)
{
	const char *what;
	int64_t now = (int64_t)gt_sys_now().mono_ms, waited = 0;
	pthread_mutex_lock(&core->lock);
	if (core->waiting > 0 && !core->quit)
		waited = now - (int64_t)core->moved_ms;
	pthread_mutex_unlock(&core->lock);
	int64_t turns = gt_pulse_stuck(&core->pulse, now, limit_ms, &what);
	return waited > limit_ms && waited > turns ? waited : turns;
}

static bool quitting(struct gt_core *core)
{
	pthread_mutex_lock(&core->lock);
	bool quit = core->quit;
	pthread_mutex_unlock(&core->lock);
	return quit;
}

static bool idle(struct gt_core *core)
{
	pthread_mutex_lock(&core->lock);
	bool none = !core->first;
	pthread_mutex_unlock(&core->lock);
	return none;
}

/* After a burst of work and then a long rest, gives the memory of the burst
 * back to the system: a village's node shares a small machine. */
static void tidy(struct gt_core *core, uint64_t rested_ms)
{
	if (rested_ms < REST_MS || core->done - core->tidied < BURST)
		return;
	(void)malloc_trim(0);
	core->tidied = core->done;
}

static void *run(void *arg)
{
	struct gt_core *core = arg;
	struct queued *list = NULL;
	uint64_t rest = gt_sys_now().mono_ms;
	while (take(core, gt_node_deadline(core->node), &list)) {
		bool ok = true;
		tidy(core, gt_sys_now().mono_ms - rest);
		do
			ok = turn(core, &list);
		while (ok && list && !quitting(core));
		free_list(list);
		if (!ok)
			return NULL;
		/* nobody sleeps on an old view of a node at rest */
		if (core->stale && idle(core))
			show(core, gt_sys_now().mono_ms);
		rest = gt_sys_now().mono_ms;
	}
	free_list(list);
	if (core->lost && !quitting(core))
		fail(core, -GT_ENOMEM, gt_strerror(-GT_ENOMEM));
	return NULL;
}

static void destroy(struct gt_core *core)
{
	free_list(core->first);
	pthread_cond_destroy(&core->posted);
	pthread_cond_destroy(&core->changed);
	pthread_mutex_destroy(&core->lock);
	free(core->shown);
	free(core->next_shown);
	free(core->batch);
	free(core);
}

static void init_locks(struct gt_core *core)
{
	pthread_condattr_t attr;
	int bad = pthread_condattr_init(&attr) |
	          pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) |
	          pthread_cond_init(&core->posted, &attr) |
	          pthread_cond_init(&core->changed, &attr) |
	          pthread_condattr_destroy(&attr) |
	          pthread_mutex_init(&core->lock, NULL);
	assert(!bad); /* on Linux these fail for bad arguments only */
}

static bool post_start(struct gt_core *core)
{
	uint8_t random[64];
	gt_sys_random(random, sizeof random);
	return gt_core_post(core,
	                    &(struct gt_event){
	                            .type = GT_EV_START,
	                            .body = {random, sizeof random},
	                    },
	                    NULL);
}

int gt_core_start(struct gt_core **out, struct gt_node *node,
                  const struct gt_core_events *events, void *arg)
{
	struct gt_core *core = calloc(1, sizeof *core);
	if (!core)
		return -GT_ENOMEM;
	core->node = node;
	core->events = *events;
	core->arg = arg;
	core->last = &core->first;
	core->shown = calloc(1, sizeof *core->shown);
	core->next_shown = calloc(1, sizeof *core->next_shown);
	core->batch = malloc(GT_TURN_EVENTS * sizeof *core->batch);
	init_locks(core);
	*out = core; /* before there is a thread whose callbacks may read it */
	if (!core->shown || !core->next_shown || !core->batch ||
	    !post_start(core) ||
	    pthread_create(&core->thread, NULL, run, core) != 0) {
		*out = NULL;
		destroy(core);
		return -GT_ENOMEM;
	}
	return 0;
}

void gt_core_quit(struct gt_core *core)
{
	pthread_mutex_lock(&core->lock);
	core->quit = true;
	pthread_cond_signal(&core->posted);
	pthread_cond_broadcast(&core->changed);
	pthread_mutex_unlock(&core->lock);
}

void gt_core_stop(struct gt_core *core)
{
	gt_core_quit(core);
	if (core->joined)
		return;
	int rc = pthread_join(core->thread, NULL);
	assert(rc == 0);
	core->joined = true;
}

void gt_core_free(struct gt_core *core)
{
	gt_core_stop(core);
	destroy(core);
}
