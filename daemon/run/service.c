#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "bulk.h"
#include "dir.h"
#include "fault.h"
#include "files.h"
#include "listen.h"
#include "log.h"
#include "measure.h"
#include "ready.h"
#include "ready_tree.h"
#include "run_inside.h"
#include "say.h"
#include "sys.h"
#include "text.h"
#include "version.h"

enum {
	/* A loaded database may take long to open its books. */
	START_MS = 10 * 60 * 1000,
	STOP_MS = 2000,
	LOOK_MS = 60 * 60 * 1000, /* a clock may be set in between */
	SILENT_MS = 5000, /* later than a heartbeat: something is wrong */
	LINKS_S = 10,     /* it takes no time, or for ever */
	TIMERS = 4,
	ROOM_MS = 1000,
};

/* -------------------------------------------------- toward the core */

static void on_up(void *arg, uint32_t peer, enum gt_link_way way,
                  const char *code, const char *above, int64_t until_ms,
                  const char *address)
{
	struct gt_service *s = arg;
	uint8_t random[32];
	gt_sys_random(random, sizeof random);
	struct gt_event e = {
	        .type = GT_EV_PEER_UP,
	        .peer = peer,
	        .body = {random, sizeof random},
	        .text = code,
	        .detail = address,
	        .above = above,
	        .theirs_until_ms = until_ms,
	        .ours_until_ms = until_ms ? s->certificate.until_ms : 0,
	        .parent = way != GT_WAY_TAKEN,
	        .roster_only = way == GT_WAY_ABOVE,
	};
	gt_log_line(GT_LOG_DEBUG, "link-up", "peer", GT_LOG_U(peer), "code",
	            code, "address", address, NULL);
	(void)gt_core_post(s->core, &e, NULL);
}

static void on_down(void *arg, uint32_t peer, const char *why)
{
	struct gt_service *s = arg;
	struct gt_event e = {
	        .type = GT_EV_PEER_DOWN, .peer = peer, .text = why};
	gt_log_line(GT_LOG_DEBUG, "link-down", "peer", GT_LOG_U(peer), "why",
	            why, NULL);
	(void)gt_core_post(s->core, &e, NULL);
}

static void on_message(void *arg, uint32_t peer, struct gt_bulk *m)
{
	struct gt_service *s = arg;
	struct gt_event e = {
	        .type = GT_EV_MSG, .peer = peer, .token = m->token};
	if (m->malformed) {
		e.status = -GT_EMALFORMED;
	} else {
		e.body = m->head;
		e.payload = m->payload;
	}
	/* a neighbour that floods a busy node finds its link cut, and asks
	 * again when it has dialled; the queue keeps its limit */
	struct gt_links *links = atomic_load(&s->links);
	if (!gt_core_post(s->core, &e, m) && links)
		gt_link_drop(links, peer, gt_strerror(-GT_EBUSY));
}

static void on_link_log(void *arg, int level, const char *what,
                        const char *address, const char *shown, const char *why)
{
	(void)arg;
	gt_log_line(level, what, "address", address, "certificate",
	            *shown ? shown : NULL, "why", why, NULL);
}

static void on_blob_done(void *arg, const struct gt_event *e)
{
	struct gt_service *s = arg;
	if (e->status == -GT_EIO)
		gt_log_line(GT_LOG_ERROR, "disk", "why", gt_strerror(e->status),
		            NULL);
	(void)gt_core_post(s->core, e, NULL);
}

static void on_blob_serve(void *arg, const struct gt_action *a, void *p,
                          size_t n)
{
	struct gt_service *s = arg;
	struct gt_links *links = atomic_load(&s->links);
	if (links)
		(void)gt_link_send_owned(links, a->peer, a->token, a->head, p,
		                         n);
	else
		free(p);
}

/* ---------------------------------------------- toward the operator */

static void on_crowd(uv_timer_t *timer)
{
	struct gt_service *s = timer->data;
	if (!gt_http_tick(s->http))
		(void)uv_timer_stop(timer);
}

static void on_wake(uv_async_t *wake)
{
	struct gt_service *s = wake->data;
	int failed = atomic_load(&s->failed);
	if (failed && !s->failed_told) {
		s->failed_told = true;
		s->events.failed(s->arg, failed);
	}
	if (atomic_exchange(&s->reload, false))
		s->events.reload(s->arg);
	scrub_broke(s);
	if (atomic_exchange(&s->busy, false))
		(void)uv_timer_start(&s->crowd, on_crowd, GT_HTTP_TICK_MS,
		                     GT_HTTP_TICK_MS);
}

/* HTTP's threads. */
static void on_busy(void *arg)
{
	struct gt_service *s = arg;
	atomic_store(&s->busy, true);
	uv_async_send(&s->wake);
}

/* HTTP's threads. The loop knows one at a time. */
static void on_broke(void *arg, const char *why)
{
	struct gt_service *s = arg;
	pthread_mutex_lock(&s->mark_lock);
	gt_copy(s->broke, sizeof s->broke, why);
	pthread_mutex_unlock(&s->mark_lock);
	uv_async_send(&s->wake);
}

/* HTTP's threads. */
static uint32_t on_bad_page(void *arg)
{
	const struct gt_service *s = arg;
	return gt_sums_bad(s->sums);
}

/* HTTP's threads. */
static void on_reload(void *arg)
{
	struct gt_service *s = arg;
	atomic_store(&s->reload, true);
	uv_async_send(&s->wake);
}

/* Says when a certificate ends, a line a day, from two weeks before. The clock
 * may be what is wrong, and be set while we run: nothing is refused here. */
static void on_daily(uv_timer_t *timer)
{
	struct gt_service *s = timer->data;
	const int64_t day_ms = GT_VALIDITY_WARN_MS / 14;
	int64_t until = gt_validity_first(&s->certificate, &s->ca);
	int64_t left = until - gt_sys_now().wall_ms;
	int64_t days = left / day_ms - (left < 0);
	char at[GT_MEASURE_TIME], text[RUN_WHY];
	if (until == 0 || left >= GT_VALIDITY_WARN_MS || days == s->warned_days)
		return;
	s->warned_days = days;
	gt_measure_time(at, until);
	gt_say_into(text, sizeof text,
	            left < 0 ? GT_T_EXPIRY_PAST : GT_T_EXPIRY_SOON, at);
	gt_log_line(left < 0 ? GT_LOG_ERROR : GT_LOG_WARN, "certificate-expiry",
	            "until", at, "why", text, NULL);
}

static void note(struct gt_service *s, const char *what, int status)
{
	struct gt_event e = {
	        .status = status,
	        .type = GT_EV_NOTE,
	        .text = what,
	        .detail = "guantongd " GT_VERSION,
	        .actor = "daemon",
	};
	(void)gt_core_post(s->core, &e, NULL);
}

static void note_mended(struct gt_service *s)
{
	struct gt_event e = {
	        .type = GT_EV_NOTE,
	        .text = "database",
	        .detail = s->mended,
	        .actor = "daemon",
	        .status = -GT_EDAMAGED,
	};
	(void)gt_core_post(s->core, &e, NULL);
}

static bool write_run(struct gt_service *s)
{
	char text[128], why[RUN_WHY];
	struct gt_links *links = atomic_load(&s->links);
	gt_format(text, sizeof text,
	          "{\"pid\":%ld,\"link\":%u,\"http\":%u,\"content\":%u,"
	          "\"staff\":%u," RUN_SUMS "}\n",
	          (long)getpid(), links ? gt_links_port(links) : 0u,
	          gt_http_port(s->http, GT_DOOR_LEARNER),
	          gt_http_port(s->http, GT_DOOR_CONTENT),
	          gt_http_port(s->http, GT_DOOR_STAFF));
	return gt_files_write(GT_DIR_RUN, 0600, GT_FILES_OURS,
	                      gt_bytes_str(text), why, sizeof why) == 0;
}

/* ----------------------------------------------- room on the disk */

/* For want of what the core waits, where it does. */
static enum gt_lack lack_of(const struct gt_service *s, bool is)
{
	enum gt_lack lack = is ? gt_room_lack(s->room) : GT_LACK_NONE;
	return is && lack == GT_LACK_NONE ? GT_LACK_ROOM : lack;
}

/* Core thread, in the middle of a turn, maybe before there is HTTP: open_gate
 * tells it then. */
static void on_stalled(void *arg, bool is)
{
	struct gt_service *s = arg;
	char why[RUN_WHY];
	atomic_store(&s->stalled, is);
	if (is)
		prepare_say_lack(s, why, sizeof why);
	else
		gt_copy(why, sizeof why, gt_text(GT_T_DAEMON_ROOM));
	gt_log_line(is ? GT_LOG_ERROR : GT_LOG_INFO, "disk", "why", why, NULL);
	if (atomic_load(&s->whole))
		gt_http_stalled(s->http, lack_of(s, is));
}

/* Tells the core what records may take. While there is plenty, once. */
static void look_at_room(struct gt_service *s)
{
	gt_room_regain(s->room);
	size_t room = gt_room_look(s->room);
	struct gt_event e = {.type = GT_EV_ROOM, .count = room};
	/* the core has counted down since */
	if ((room == SIZE_MAX && room == s->room_said) ||
	    atomic_load(&s->stalled))
		return;
	s->room_said = room;
	(void)gt_core_post(s->core, &e, NULL);
}

/* Core thread, in the middle of a turn: not a second shall pass until it puts
 * records off. */
static void on_given(void *arg)
{
	struct gt_service *s = arg;
	if (!s->core)
		return;
	struct gt_event e = {.type = GT_EV_ROOM,
	                     .count = gt_room_look(s->room)};
	(void)gt_core_post(s->core, &e, NULL);
}

static void on_room_look(uv_timer_t *timer)
{
	struct gt_service *s = timer->data;
	if (s->run_due)
		s->run_due = !write_run(s);
	look_at_room(s);
}

static void start_looking(struct gt_service *s)
{
	s->room_said = SIZE_MAX;
	look_at_room(s);
	int bad = uv_timer_init(s->loop, &s->look);
	assert(!bad);
	s->look.data = s;
	s->look_open = true;
	bad = uv_timer_start(&s->look, on_room_look, ROOM_MS, ROOM_MS);
	assert(!bad);
}

/* ------------------------------------------------- putting together */

static int open_blobs(struct gt_service *s)
{
	const struct gt_blob_events events = {on_blob_done, on_blob_serve};
	char why[RUN_WHY] = "";
	int status = gt_blobs_open(&s->blobs, s->loop, ".", s->config->reserve,
	                           &events, s, why, sizeof why);
	return status ? prepare_refused("objects", why, GT_SERVICE_SYSTEM) : 0;
}

static int start_core(struct gt_service *s)
{
	const struct gt_core_events events = {perform, perform_failed};
	/* from the first turn on a full disk is waited for */
	gt_room_patient(s->room, true);
	int status = gt_core_start(&s->core, s->node, &events, s);
	return status ? prepare_refused("core", gt_strerror(status),
	                                GT_SERVICE_SYSTEM)
	              : 0;
}

/* What of the node's files does not fit the tree: it starts all the same, and
 * waits for links in vain. */
static void say_tree(const struct gt_service *s)
{
	struct gt_complaints c = {0};
	(void)gt_ready_tree(s->config, &c);
	for (size_t i = 0; i < c.n; i++)
		gt_log_line(GT_LOG_ERROR, "tree", "why", c.v[i], NULL);
	gt_complaints_free(&c);
}

static int start_links(struct gt_service *s)
{
	const struct gt_config *c = s->config;
	const struct gt_link_events events = {on_up, on_down, on_message,
	                                      on_link_log};
	struct gt_dir_pems pems = {0};
	struct gt_links *links = NULL;
	const char *parents[GT_ADDRESSES_MAX], *above[GT_ADDRESSES_MAX];
	char why[RUN_WHY] = "";
	if (!*c->listen && c->naddresses == 0)
		return 0;
	int status = c->insecure ? 0 : prepare_pems(c, &pems);
	if (status != 0) {
		gt_dir_pems_free(&pems);
		return status;
	}
	for (size_t i = 0; i < c->naddresses; i++)
		parents[i] = c->addresses[i];
	for (size_t i = 0; i < c->nabove; i++)
		above[i] = c->above[i];
	struct gt_links_config l = {
	        .listen = *c->listen ? c->listen : NULL,
	        .parents = parents,
	        .nparents = c->naddresses,
	        .above = above,
	        .nabove = c->nabove,
	        .insecure = c->insecure,
	        .ca_pem = (char *)pems.ca.p,
	        .cert_pem = (char *)pems.cert.p,
	        .key_pem = (char *)pems.key.p,
	        .parent_code = c->parent,
	        .max_links = run_small(c->max_links),
	        .max_per_address = run_small(c->max_per_address),
	        .silent_ms = run_small(c->heartbeat_ms) + SILENT_MS,
	};
	/* nng waits for itself when it cannot be initialised: an end that can
	 * be seen is better */
	if (!c->insecure) {
		if (!gt_ready_own(c, (char *)pems.cert.p, why, sizeof why))
			gt_log_line(GT_LOG_ERROR, "certificate", "why", why,
			            NULL);
		(void)gt_validity_of((char *)pems.cert.p, &s->certificate);
		(void)gt_validity_of((char *)pems.ca.p, &s->ca);
		on_daily(&s->daily);
	}
	alarm(LINKS_S);
	status = gt_links_start(&links, s->loop, &l, &events, s, why,
	                        sizeof why);
	if (status == -GT_EUNAVAILABLE)
		gt_listen_refused(why, sizeof why, "link.listen", c->listen,
		                  errno);
	alarm(0);
	gt_dir_pems_free(&pems);
	if (status != 0)
		return prepare_refused("links", why, GT_SERVICE_SYSTEM);
	atomic_store(&s->links, links);
	return 0;
}

static int start_http(struct gt_service *s)
{
	struct gt_links *links = atomic_load(&s->links);
	struct gt_http_env env = {
	        .config = s->config,
	        .core = s->core,
	        .database = s->database,
	        .link_port = links ? gt_links_port(links) : 0,
	        .links = links,
	        .certificate = s->certificate,
	        .ca = s->ca,
	        .reload = on_reload,
	        .busy = on_busy,
	        .broke = on_broke,
	        .bad_page = on_bad_page,
	        .arg = s,
	        .names = &s->names,
	};
	char why[RUN_WHY] = "";
	int status = gt_http_start(&s->http, &env, why, sizeof why);
	bool theirs = status == -GT_EINVALID || status == -GT_EUNAVAILABLE;
	return status ? prepare_refused("http", why,
	                                theirs ? GT_SERVICE_CONFIG
	                                       : GT_SERVICE_SYSTEM)
	              : 0;
}

/* The roster rows known at set-up; the node keeps the newest of each. */
static int post_members(struct gt_service *s)
{
	struct gt_dir_members m;
	char why[RUN_WHY] = "";
	if (gt_dir_read_members(GT_DIR_MEMBERS, &m, why, sizeof why) != 0)
		return prepare_refused("members", why, GT_SERVICE_CONFIG);
	struct gt_event e = {
	        .type = GT_EV_MEMBERS,
	        .token = TOKEN_MEMBERS,
	        .actor = "daemon",
	        .members = m.v,
	        .count = m.n,
	};
	bool ok = m.n == 0 || gt_core_post(s->core, &e, NULL);
	gt_dir_members_free(&m);
	return ok ? 0
	          : prepare_refused("members", gt_strerror(-GT_ENOMEM),
	                            GT_SERVICE_SYSTEM);
}

void gt_service_renew(struct gt_service *s)
{
	gt_http_renew(s->http, true);
}

void gt_service_layer(struct gt_service *s, struct gt_bytes layer,
                      const struct gt_id *layer_hash)
{
	if (layer.n == 0 || perform_is_taken(layer_hash))
		return;
	pthread_mutex_lock(&s->mark_lock);
	s->mark = *layer_hash;
	pthread_mutex_unlock(&s->mark_lock);
	struct gt_event e = {
	        .type = GT_EV_LAYER,
	        .token = TOKEN_LAYER,
	        .actor = "daemon",
	        .body = layer,
	};
	if (!gt_core_post(s->core, &e, NULL))
		gt_log_line(GT_LOG_ERROR, "policy", "why",
		            gt_strerror(-GT_EBUSY), NULL);
}

static int put_together(struct gt_service *s, struct gt_bytes layer,
                        const struct gt_id *layer_hash)
{
	const struct gt_room_events room = {on_stalled, on_given};
	/* before there is a database: one that has run has its roster there */
	say_tree(s);
	int status = prepare_modes(s->config);
	if (status == 0)
		status = prepare_log(s);
	if (status == 0)
		status = prepare_room(s, &room);
	if (status == 0)
		status = prepare_node(s);
	if (status == 0)
		status = open_blobs(s);
	if (status == 0)
		prepare_sweep(s);
	if (status == 0)
		status = start_core(s);
	if (status == 0) {
		start_looking(s);
		prepare_look(s);
		status = post_members(s);
	}
	if (status == 0) {
		gt_service_layer(s, layer, layer_hash);
		note(s, "start", 0);
		if (s->log_missing)
			note(s, "log missing", -GT_EDAMAGED);
		scrub_left(s);
		if (*s->mended)
			note_mended(s);
		status = start_links(s);
	}
	return status ? status : start_http(s);
}

/* All parts are there. What the core said of room before is told now, and again
 * if it changed meanwhile. */
static void open_gate(struct gt_service *s)
{
	bool is = false;
	if (!s->gated)
		return;
	atomic_store(&s->whole, true);
	while (s->http && is != atomic_load(&s->stalled)) {
		is = !is;
		gt_http_stalled(s->http, lack_of(s, is));
	}
	pthread_mutex_unlock(&s->gate);
	s->gated = false;
}

/* The node's first turn is through: its books are in order. Or it waits for room
 * on the disk; then what is here can be read. */
static int first_turn(struct gt_service *s)
{
	uint64_t until = gt_sys_now().mono_ms + START_MS;
	while (!gt_core_settle(s->core, ROOM_MS)) {
		int failed = atomic_load(&s->failed);
		if (failed)
			return failed;
		if (atomic_load(&s->stalled))
			return 0;
		if (gt_sys_now().mono_ms >= until)
			return prepare_refused("core",
			                       gt_strerror(-GT_ETIMEOUT),
			                       GT_SERVICE_FAILED);
	}
	return 0;
}

static int get_ready(struct gt_service *s)
{
	open_gate(s);
	int status = first_turn(s);
	if (status != 0)
		return status;
	guard_start(s);
	s->run_due = !write_run(s);
	if (s->run_due && gt_sys_status(errno) != -GT_ENOSPACE)
		return prepare_refused(GT_DIR_RUN, strerror(errno),
		                       GT_SERVICE_SYSTEM);
	gt_room_regain(s->room);
	struct gt_links *links = atomic_load(&s->links);
	gt_log_line(GT_LOG_INFO, "ready", "code", s->config->code, "link",
	            GT_LOG_U(links ? gt_links_port(links) : 0), "http",
	            GT_LOG_U(gt_http_port(s->http, GT_DOOR_LEARNER)), "content",
	            GT_LOG_U(gt_http_port(s->http, GT_DOOR_CONTENT)), "staff",
	            GT_LOG_U(gt_http_port(s->http, GT_DOOR_STAFF)), "version",
	            GT_VERSION, NULL);
	(void)sd_notify(0, "READY=1");
	watch_start(s);
	return 0;
}

int gt_service_start(struct gt_service **out, uv_loop_t *loop,
                     const struct gt_config *config, struct gt_bytes layer,
                     const struct gt_id *layer_hash,
                     const struct gt_service_events *events, void *arg)
{
	char why[RUN_WHY] = "";
	int status = prepare_kinds(config);
	if (status != 0)
		return status;
	int lock_fd = gt_dir_lock(why, sizeof why);
	if (lock_fd < 0)
		return prepare_refused("directory", why,
		                       lock_fd == -GT_EBUSY
		                               ? GT_SERVICE_RUNNING
		                               : GT_SERVICE_SYSTEM);
	struct gt_service *s = calloc(1, sizeof *s);
	if (!s) {
		close(lock_fd);
		return prepare_refused("memory", gt_strerror(-GT_ENOMEM),
		                       GT_SERVICE_SYSTEM);
	}
	s->loop = loop;
	s->config = config;
	s->events = *events;
	s->arg = arg;
	s->lock_fd = lock_fd;
	s->wake.data = s->crowd.data = s->watch.data = s->guard.data = s;
	int bad = pthread_mutex_init(&s->gate, NULL) |
	          pthread_mutex_init(&s->mark_lock, NULL) |
	          pthread_mutex_lock(&s->gate);
	assert(!bad);
	s->gated = true;
	s->daily.data = s;
	s->warned_days = INT64_MAX;
	bool open = uv_async_init(loop, &s->wake, on_wake) == 0;
	(void)uv_timer_init(loop, &s->daily); /* these four cannot fail */
	(void)uv_timer_init(loop, &s->crowd);
	(void)uv_timer_init(loop, &s->watch);
	(void)uv_timer_init(loop, &s->guard);
	s->handles = TIMERS + open;
	(void)uv_timer_start(&s->daily, on_daily, LOOK_MS, LOOK_MS);
	status = open ? put_together(s, layer, layer_hash)
	              : prepare_refused("loop", gt_strerror(-GT_EIO),
	                                GT_SERVICE_SYSTEM);
	if (status == 0)
		status = get_ready(s);
	if (status != 0)
		(void)gt_service_stop(s);
	else
		*out = s;
	return status;
}

/* ----------------------------------------------------- taking apart */

static void on_closed(uv_handle_t *h)
{
	((struct gt_service *)h->data)->handles--;
}

static void on_look_closed(uv_handle_t *h)
{
	((struct gt_service *)h->data)->look_open = false;
}

/* The core first: nothing is decided that is not performed as far as it can
 * be. Then those it speaks to, in an order in which none meets one that is
 * gone. */
static void take_apart(struct gt_service *s)
{
	struct gt_links *links = atomic_load(&s->links);
	if (s->core)
		gt_core_stop(s->core);
	if (s->blobs)
		gt_blobs_close(s->blobs);
	if (links)
		gt_links_stop(links);
	if (s->http)
		gt_http_stop(s->http);
	if (s->core)
		gt_core_free(s->core);
	if (s->node && s->abandoned)
		gt_node_leave(s->node);
	gt_node_close(s->node);
	while (s->scrubbing)
		uv_run(s->loop, UV_RUN_ONCE);
	gt_room_vfs_close(s->vfs);
	gt_sums_vfs_close(s->sums_vfs);
	gt_sums_close(s->sums);
	gt_log_sums_close(s->log_sums);
	gt_room_close(s->room);
}

bool gt_service_stop(struct gt_service *s)
{
	bool was_ready = atomic_load(&s->whole);
	if (was_ready)
		(void)sd_notify(0, "STOPPING=1");
	if (s->room && atomic_load(&s->stalled))
		gt_room_patient(s->room, false);
	if (s->look_open)
		uv_close((uv_handle_t *)&s->look, on_look_closed);
	open_gate(s);
	if (s->core && was_ready && !atomic_load(&s->failed)) {
		if (!atomic_load(&s->stalled))
			note(s, "stop", 0);
		(void)gt_core_settle(s->core, STOP_MS);
	}
	/* whoever finds the disk full only now has said so, and is no failure */
	if (s->room)
		gt_room_patient(s->room, false);
	(void)uv_timer_stop(&s->crowd);
	(void)uv_timer_stop(&s->watch);
	(void)uv_timer_stop(&s->guard);
	control_stop(s);
	bool wrong = scrub_last(s);
	s->abandoned = s->abandoned || wrong;
	/* before the log goes: with this file and without a log the next start
	 * takes the log for lost */
	if (!s->abandoned && unlink(GT_DIR_RUN) != 0 && errno != ENOENT)
		gt_log_line(GT_LOG_WARN, "run-file", "file", GT_DIR_RUN, "why",
		            strerror(errno), NULL);
	take_apart(s);
	if (s->handles > TIMERS)
		uv_close((uv_handle_t *)&s->wake, on_closed);
	uv_close((uv_handle_t *)&s->daily, on_closed);
	uv_close((uv_handle_t *)&s->crowd, on_closed);
	uv_close((uv_handle_t *)&s->watch, on_closed);
	uv_close((uv_handle_t *)&s->guard, on_closed);
	while (s->handles > 0 || s->look_open || s->control_handles > 0)
		uv_run(s->loop, UV_RUN_ONCE);
	close(s->lock_fd);
	pthread_mutex_destroy(&s->gate);
	pthread_mutex_destroy(&s->mark_lock);
	gt_keyring_wipe(&s->keyring);
	gt_aliases_free(s->aliases);
	free(s);
	return !wrong;
}
