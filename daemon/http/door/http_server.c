/* http_server.c: the servers behind the doors, and what a request goes through.
 * Tests: u_http.c, u_http_stop.c. */
#include "http.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "annex.h"
#include "dir.h"
#include "door_inside.h"
#include "http_cert.h"
#include "http_wait.h"
#include "http_wide.h"
#include "launch.h"
#include "log.h"
#include "measure.h"
#include "shelf.h"
#include "sys.h"

enum {
	THREADS = 2, /* of each server */
	STACK_BYTES = 512 << 10,
	ADMIN_CONNECTIONS = 32,
	IDLE_SECONDS = 30,
	TELL_MS = 10000, /* between two lines in the log about full places */
};
static_assert((int)GT_DOORS == (int)GT_HTTP_OPEN_DOORS, "the same doors");

/* What the log has told of a door's places. */
struct told {
	int64_t at_ms;
	struct gt_http_counts counts;
};

struct gt_http_server {
	struct gt_http_way ways[GT_DOORS], wide[GT_DOORS];
	struct gt_http_cert certs[GT_DOORS];
	struct told told[GT_DOORS]; /* gt_http_tick alone */
	atomic_size_t bodies;
};

/* ------------------------------------------------------ start, stop */

static void no_log(void *arg, const char *fmt, va_list args)
{
	(void)arg;
	(void)fmt;
	(void)args;
}

/* What is configured of a listener's TLS. "": it has none. */
static const char *tls_of(const struct gt_config *c, enum gt_http_door door)
{
	const char *const tls[GT_DOORS] = {c->listen_tls, c->content_tls,
	                                   c->staff_tls, ""};
	return strcmp(tls[door], "off") == 0 ? "" : tls[door];
}

static struct gt_http_limits limits_of(const struct gt_config *c,
                                       enum gt_http_door door)
{
	struct gt_http_limits l = {
	        .connections = (unsigned)c->connections,
	        .per_address = (unsigned)c->per_address,
	        .head_ms = (uint32_t)c->head_ms,
	        .body_ms = (uint32_t)c->body_ms,
	        .idle_ms = IDLE_SECONDS * 1000,
	        .tls = *tls_of(c, door) != '\0',
	};
	if (door != GT_DOOR_CONTROL)
		return l;
	l.connections = ADMIN_CONNECTIONS;
	l.per_address = 0;
	return l;
}

/* What browsers of today speak. */
static char tls_versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* How many connections the library is to take. */
static unsigned connections_of(const struct gt_http_way *way)
{
	const struct gt_config *c = way->http->env.config;
	if (way->wide)
		return GT_HTTP_WIDE_CONNECTIONS;
	/* each of its threads may come to have them all; those we have ended
	 * are the library's for a moment more */
	return THREADS *
	       (limits_of(c, way->door).connections * 2 + 2 * GT_HTTP_SPARE);
}

/* Owns fd from here if it starts; -1: it is given its connections. */
static bool serve(struct gt_http_way *way, int fd)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD |
	                 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
	                 (fd < 0 ? MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC : 0);
	size_t room = way->wide ? GT_HTTP_WIDE_BYTES : GT_HTTP_CONNECTION_BYTES;
	struct gt_http_cert *cert = &way->http->certs[way->door];
	bool tls = cert->cert.n > 0;
	gnutls_certificate_retrieve_function3 *show =
	        tls ? gt_http_cert_show(cert, way->door) : NULL;
	way->http->tls[way->door] = tls;
	way->server = MHD_start_daemon(
	        flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL,
	        gt_http_on_request, way, MHD_OPTION_EXTERNAL_LOGGER, no_log,
	        (void *)NULL,
	        /* which is not to be said where there is none; the other says
	         * nothing then */
	        fd < 0 ? MHD_OPTION_LISTEN_BACKLOG_SIZE
	               : MHD_OPTION_LISTEN_SOCKET,
	        fd < 0 ? 1 : fd, MHD_OPTION_THREAD_POOL_SIZE,
	        way->wide ? 0u : (unsigned)THREADS,
	        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
	        MHD_OPTION_CONNECTION_LIMIT, connections_of(way),
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, room,
	        MHD_OPTION_URI_LOG_CALLBACK, gt_http_on_line, way,
	        MHD_OPTION_NOTIFY_COMPLETED, gt_http_on_done, way,
	        MHD_OPTION_NOTIFY_CONNECTION, gt_http_on_connection, way,
	        tls ? MHD_OPTION_HTTPS_CERT_CALLBACK2 : MHD_OPTION_END, show,
	        MHD_OPTION_HTTPS_PRIORITIES, tls_versions, MHD_OPTION_END);
	return way->server != NULL;
}

static bool serve_door(struct gt_http *http, enum gt_http_door door, int fd)
{
	struct gt_http_way *way = &http->server->ways[door];
	if (door != GT_DOOR_CONTROL) {
		way->wider = &http->server->wide[door];
		if (!serve(way->wider, -1))
			return false;
	}
	return serve(way, fd);
}

static void http_free(struct gt_http *http)
{
	gt_workers_free(http->workers);
	gt_shelves_free(http->shelves);
	gt_annex_free(http->annex);
	gt_access_free(http->access);
	gt_launches_free(http->launches);
	gt_waits_free(http->waits);
	gt_http_open_free(http->open);
	gt_http_wide_free(http->wide);
	gt_http_callers_free(http->callers);
	for (unsigned i = 0; http->server && i < GT_DOORS; i++)
		gt_http_cert_free(&http->certs[i]);
	free(http->server);
	free(http);
}

static struct gt_http_server *server_new(struct gt_http *http)
{
	struct gt_http_server *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	for (unsigned i = 0; i < GT_DOORS; i++) {
		s->ways[i] = (struct gt_http_way){.http = http, .door = i};
		s->wide[i] = (struct gt_http_way){
		        .http = http, .door = i, .wide = true};
	}
	http->bodies = &s->bodies;
	http->certs = s->certs;
	return s;
}

static struct gt_http_open *open_new(const struct gt_config *c)
{
	struct gt_http_limits limits[GT_DOORS];
	for (unsigned i = 0; i < GT_DOORS; i++)
		limits[i] = limits_of(c, i);
	return gt_http_open_new(limits);
}

static struct gt_http *http_new(const struct gt_http_env *env)
{
	struct gt_http *http = calloc(1, sizeof *http);
	if (!http)
		return NULL;
	http->env = *env;
	http->waits = gt_waits_new(env->core);
	http->workers = gt_workers_new(env->database, env->broke, env->arg);
	http->shelves = gt_shelves_new(".", env->config->reserve);
	http->annex = gt_annex_new(".", env->config->reserve);
	http->open = open_new(env->config);
	http->wide = gt_http_wide_new();
	http->callers = gt_http_callers_new(env->config);
	http->server = server_new(http);
	if (http->waits && http->workers && http->shelves && http->annex &&
	    http->open && http->wide && http->callers && http->server)
		return http;
	http_free(http);
	return NULL;
}

/* The certificates, before a port is opened that could not be served. */
static int read_certs(struct gt_http *http, char *why, size_t why_cap)
{
	const struct gt_config *c = http->env.config;
	for (unsigned i = 0; i < GT_DOOR_CONTROL; i++) {
		char text[1024];
		int status = gt_http_cert_read(&http->certs[i], c, tls_of(c, i),
		                               text, sizeof text);
		if (status == 0)
			continue;
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_TLS_AT,
		            gt_http_door_name(i), text);
		return status;
	}
	return 0;
}

static int start_servers(struct gt_http *http, char *why, size_t why_cap)
{
	int fds[GT_DOORS];
	int status = read_certs(http, why, why_cap);
	if (status == 0)
		status = gt_http_listen(http, fds, ADMIN_CONNECTIONS, why,
		                        why_cap);
	if (status != 0)
		return status;
	for (unsigned i = 0; i < GT_DOORS; i++) {
		if (fds[i] < 0 || serve_door(http, i, fds[i]))
			continue;
		for (; i < GT_DOORS; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		status = -GT_ENOMEM;
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_START);
	}
	return status;
}

int gt_http_start(struct gt_http **out, const struct gt_http_env *env,
                  char *why, size_t why_cap)
{
	gt_http_who_warm();
	*out = http_new(env);
	if (!*out) {
		gt_copy(why, why_cap, gt_strerror(-GT_ENOMEM));
		return -GT_ENOMEM;
	}
	int rc = gt_http_who_open(*out, why, why_cap);
	if (rc == 0)
		rc = start_servers(*out, why, why_cap);
	if (rc != 0) {
		gt_http_stop(*out);
		*out = NULL;
	}
	return rc;
}

uint16_t gt_http_port(const struct gt_http *http, enum gt_http_door door)
{
	return http->ports[door];
}

void gt_http_take_control(struct gt_http *http, int fd,
                          const struct sockaddr *from, socklen_t n)
{
	(void)MHD_add_connection(http->server->ways[GT_DOOR_CONTROL].server, fd,
	                         from, n);
}

void gt_http_reply(struct gt_http *http, const struct gt_action *a)
{
	gt_waits_reply(http->waits, a);
}

/* What has come to be since the log last told; it need not be told again for a
 * while. */
static void tell(struct gt_http *http, enum gt_http_door door, int64_t now_ms)
{
	struct told *told = &http->server->told[door];
	struct gt_http_counts c, *old = &told->counts;
	char last[GT_HTTP_FROM_TEXT];
	gt_http_open_counts(http->open, door, &c, last);
	uint64_t dropped = c.dropped_idle + c.dropped_slow - old->dropped_idle -
	                   old->dropped_slow;
	uint64_t late =
	        c.late_head + c.late_body - old->late_head - old->late_body;
	uint64_t refused = c.refused + c.shut - old->refused - old->shut;
	if (dropped + late + refused == 0 ||
	    (told->at_ms > 0 && now_ms - told->at_ms < TELL_MS))
		return;
	gt_log_line(refused > 0 ? GT_LOG_WARN : GT_LOG_INFO, "http-crowd",
	            "door", gt_http_door_name(door), "open", GT_LOG_U(c.open),
	            "refused", GT_LOG_U(refused), "dropped", GT_LOG_U(dropped),
	            "late", GT_LOG_U(late), "last", last, NULL);
	told->at_ms = now_ms;
	told->counts = c;
}

bool gt_http_tick(struct gt_http *http)
{
	int64_t now_ms = (int64_t)gt_sys_now().mono_ms;
	bool any = gt_http_open_sweep(http->open, now_ms);
	for (unsigned i = 0; i < GT_DOORS; i++)
		tell(http, i, now_ms);
	return any;
}

/* ----------------------------------------------------- certificates */

static void tell_cert(enum gt_http_door door, int status,
                      const struct gt_http_cert *cert, const char *why)
{
	char at[GT_MEASURE_TIME], text[1200] = "";
	gt_measure_time(at, cert->validity.until_ms);
	if (status < 0)
		gt_http_say(text, sizeof text, NULL, GT_T_HTTP_TLS_KEPT,
		            gt_http_door_name(door), why, at);
	gt_log_line(status < 0 ? GT_LOG_ERROR : GT_LOG_INFO, "https", "door",
	            gt_http_door_name(door), "until", at, "why", text, NULL);
}

/* Says when it ends, a line a day, from two weeks before. */
static void tell_end(enum gt_http_door door, struct gt_http_cert *cert)
{
	const int64_t day_ms = GT_VALIDITY_WARN_MS / 14;
	int64_t left = cert->validity.until_ms - gt_sys_now().wall_ms;
	int64_t days = left / day_ms - (left < 0);
	char at[GT_MEASURE_TIME], text[1200];
	if (cert->validity.until_ms == 0 || left >= GT_VALIDITY_WARN_MS ||
	    days == cert->told_days)
		return;
	cert->told_days = days;
	gt_measure_time(at, cert->validity.until_ms);
	gt_http_say(text, sizeof text, NULL,
	            left < 0 ? GT_T_EXPIRY_HTTPS_PAST : GT_T_EXPIRY_HTTPS_SOON,
	            gt_http_door_name(door), at);
	gt_log_line(left < 0 ? GT_LOG_ERROR : GT_LOG_WARN, "certificate-expiry",
	            "door", gt_http_door_name(door), "until", at, "why", text,
	            NULL);
}

void gt_http_renew(struct gt_http *http, bool asked)
{
	gt_http_who_renew(http, asked);
	for (unsigned i = 0; i < GT_DOOR_CONTROL; i++) {
		struct gt_http_cert *cert = &http->certs[i];
		char why[1024];
		if (!cert->cert_file)
			continue;
		if (asked || gt_http_cert_changed(cert)) {
			int status = gt_http_cert_renew(cert, why, sizeof why);
			if (status != 0)
				tell_cert(i, status, cert, why);
		}
		tell_end(i, cert);
	}
}

int64_t gt_http_stuck(struct gt_http *http, int64_t limit_ms, const char **what)
{
	return gt_pulse_stuck(&http->pulse, (int64_t)gt_sys_now().mono_ms,
	                      limit_ms, what);
}

void gt_http_stalled(struct gt_http *http, enum gt_lack lack)
{
	gt_waits_stalled(http->waits, lack);
}

void gt_http_stop(struct gt_http *http)
{
	gt_waits_stop(http->waits);
	gt_http_open_cut(http->open);
	for (unsigned i = 0; i < GT_DOORS; i++) {
		/* these first: they give connections to those */
		if (http->server->ways[i].server)
			MHD_stop_daemon(http->server->ways[i].server);
		if (http->server->wide[i].server)
			MHD_stop_daemon(http->server->wide[i].server);
	}
	if (http->server->ways[GT_DOOR_CONTROL].server)
		(void)unlink(GT_DIR_CONTROL);
	if (http->access)
		gt_access_keep(http->access, true);
	http_free(http);
}
