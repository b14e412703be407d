/* http_server.c: the servers behind the doors, and what a request goes through.
 * Tests: u_http.c, u_http_stop.c. */
#include "http.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "dir.h"
#include "door_inside.h"
#include "http_open.h"
#include "http_parse.h"
#include "http_shelf.h"
#include "http_wait.h"
#include "sys.h"

enum {
	THREADS = 2, /* of each server */
	STACK_BYTES = 512 << 10,
	PUBLIC_CONNECTIONS = 256,
	PER_ADDRESS = 64, /* a school may sit behind one address */
	ADMIN_CONNECTIONS = 32,
	IDLE_SECONDS = 30,
	BODY_MS = 60000, /* a body must be whole by then */
	CONNECTION_MEMORY = 32 << 10,
	BODIES_MAX = 64 << 20, /* of all public requests together */
};
static_assert(3 * PUBLIC_CONNECTIONS + ADMIN_CONNECTIONS <= GT_HTTP_OPEN_MAX,
              "every connection has its place");

struct way {
	struct gt_http *http;
	enum gt_http_door door;
	struct MHD_Daemon *server; /* NULL: not started */
};

struct gt_http_server {
	struct way ways[GT_DOORS];
	struct gt_http_open *open;
	atomic_size_t bodies; /* bytes of public requests' */
};

/* --------------------------------------------------------- requests */

/* Called with the request line, before anything else. */
static void *on_line(void *arg, const char *uri, struct MHD_Connection *c)
{
	const struct way *way = arg;
	struct gt_request *rq = calloc(1, sizeof *rq);
	if (!rq)
		return NULL;
	rq->http = way->http;
	rq->door = way->door;
	rq->connection = c;
	size_t n;
	const char *path = gt_http_target(uri, &n, rq->host);
	rq->path = malloc(n + 1);
	if (rq->path && !gt_http_decode(rq->path, n + 1, path, n)) {
		free(rq->path);
		rq->path = NULL;
	}
	return rq;
}

static void on_done(void *arg, struct MHD_Connection *c, void **state,
                    enum MHD_RequestTerminationCode why)
{
	(void)c;
	(void)why;
	struct gt_http *http = ((const struct way *)arg)->http;
	struct gt_request *rq = *state;
	*state = NULL;
	if (!rq)
		return;
	gt_waits_done(http->waits, rq);
	if (rq->door != GT_DOOR_CONTROL)
		atomic_fetch_sub(&http->server->bodies, rq->body_cap);
	free(rq->path);
	free(rq->body);
	free(rq->text);
	free(rq);
}

static unsigned method_of(const char *name)
{
	if (strcmp(name, "GET") == 0 || strcmp(name, "HEAD") == 0)
		return GT_HTTP_GET;
	if (strcmp(name, "POST") == 0)
		return GT_HTTP_POST;
	if (strcmp(name, "PUT") == 0)
		return GT_HTTP_PUT;
	return strcmp(name, "OPTIONS") == 0 ? (unsigned)GT_HTTP_OPTIONS : 0;
}

static enum MHD_Result refuse_method(struct gt_request *rq)
{
	struct MHD_Response *rs = gt_rs_text("text/plain", strdup(""), 0);
	char allow[64] = "";
	unsigned m = rq->route->methods;
	gt_format(allow, sizeof allow, "%s%s%s%s",
	          m & GT_HTTP_GET ? "GET, HEAD" : "",
	          m & GT_HTTP_POST ? (m & GT_HTTP_GET ? ", POST" : "POST") : "",
	          m & GT_HTTP_PUT ? ", PUT" : "",
	          m & GT_HTTP_OPTIONS ? ", OPTIONS" : "");
	if (rs)
		gt_rs_header(rs, "Allow", allow);
	return gt_rq_send(rq, 405, rs);
}

/* Everything that can be said before the body has come. True: go on. */
static bool begin(struct gt_request *rq, const char *method,
                  enum MHD_Result *answer)
{
	rq->begun = true;
	rq->begun_ms = (int64_t)gt_sys_now().mono_ms;
	rq->method = method_of(method);
	rq->lang = gt_http_language(gt_rq_arg(rq, "lang"),
	                            gt_rq_header(rq, "Accept-Language"),
	                            rq->http->env.config->lang);
	gt_copy(rq->actor, sizeof rq->actor, "terminal");
	if (!rq->path) {
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_PATH);
		return false;
	}
	rq->route = gt_http_route(rq->path, rq->door);
	if (!rq->route) {
		*answer = gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
		return false;
	}
	rq->rest = rq->path + strlen(rq->route->path);
	rq->dress = rq->route->dress;
	if (!(rq->method & rq->route->methods)) {
		*answer = refuse_method(rq);
		return false;
	}
	if (!gt_http_who_may(rq)) {
		*answer = gt_http_who_refuse(rq);
		return false;
	}
	const char *coding = gt_rq_header(rq, "Content-Encoding");
	if (rq->method & (GT_HTTP_POST | GT_HTTP_PUT) && coding &&
	    strcasecmp(coding, "identity") != 0) {
		gt_rq_also(rq, "Accept-Encoding", "identity");
		*answer = gt_rq_fail(rq, 415, -GT_EINVALID, GT_T_HTTP_ENCODED,
		                     coding);
		return false;
	}
	uint64_t length;
	const char *header = gt_rq_header(rq, "Content-Length");
	if (header && gt_http_number(header, UINT64_MAX, &length) &&
	    length > rq->route->body_max) {
		*answer = gt_rq_fail(rq, 413, -GT_ELIMIT, GT_T_HTTP_TOO_LARGE);
		return false;
	}
	return true;
}

/* False: over a limit; the connection closes. */
static bool keep(struct gt_request *rq, const char *p, size_t n)
{
	if (n > rq->route->body_max - rq->nbody)
		return false;
	if ((int64_t)gt_sys_now().mono_ms - rq->begun_ms > BODY_MS)
		return false;
	if (rq->nbody + n > rq->body_cap) {
		size_t cap = rq->body_cap ? rq->body_cap : 4096;
		while (cap < rq->nbody + n)
			cap *= 2;
		size_t more = cap - rq->body_cap;
		atomic_size_t *all = &rq->http->server->bodies;
		bool counted = rq->door != GT_DOOR_CONTROL;
		if (counted &&
		    atomic_fetch_add(all, more) + more > BODIES_MAX) {
			atomic_fetch_sub(all, more);
			return false;
		}
		uint8_t *body = realloc(rq->body, cap);
		if (!body) {
			if (counted)
				atomic_fetch_sub(all, more);
			return false;
		}
		rq->body = body;
		rq->body_cap = cap;
	}
	memcpy(rq->body + rq->nbody, p, n);
	rq->nbody += n;
	return true;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *n, void **state)
{
	(void)arg;
	(void)url;
	(void)version;
	struct gt_request *rq = *state;
	enum MHD_Result answer = MHD_YES;
	if (!rq)
		return MHD_NO; /* out of memory */
	rq->connection = c;
	if (rq->answered)
		return MHD_NO; /* and the library, stopping, let it go */
	if (!rq->begun) {
		begin(rq, method, &answer);
		return answer;
	}
	if (*n > 0) {
		if (!keep(rq, data, *n))
			return MHD_NO;
		*n = 0;
		return MHD_YES;
	}
	return rq->woken ? rq->finish(rq) : rq->route->handle(rq);
}

/* ------------------------------------------------------ start, stop */

static void no_log(void *arg, const char *fmt, va_list args)
{
	(void)arg;
	(void)fmt;
	(void)args;
}

/* Owns fd from here if it starts. */
static bool serve(struct way *way, int fd)
{
	bool control = way->door == GT_DOOR_CONTROL;
	unsigned connections = control ? ADMIN_CONNECTIONS : PUBLIC_CONNECTIONS;
	unsigned each = control ? 0 : PER_ADDRESS;
	way->server = MHD_start_daemon(
	        MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD |
	                MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
	        0, NULL, NULL, on_request, way, MHD_OPTION_EXTERNAL_LOGGER,
	        no_log, (void *)NULL, MHD_OPTION_LISTEN_SOCKET, fd,
	        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
	        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
	        MHD_OPTION_CONNECTION_LIMIT, connections,
	        MHD_OPTION_PER_IP_CONNECTION_LIMIT, each,
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	        MHD_OPTION_URI_LOG_CALLBACK, on_line, way,
	        MHD_OPTION_NOTIFY_COMPLETED, on_done, way,
	        MHD_OPTION_NOTIFY_CONNECTION, gt_http_open_note,
	        way->http->server->open, MHD_OPTION_END);
	return way->server != NULL;
}

static void http_free(struct gt_http *http)
{
	gt_workers_free(http->workers);
	gt_http_cache_free(http->cache);
	gt_waits_free(http->waits);
	if (http->server)
		gt_http_open_free(http->server->open);
	free(http->server);
	free(http);
}

static struct gt_http_server *server_new(struct gt_http *http)
{
	struct gt_http_server *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	for (unsigned i = 0; i < GT_DOORS; i++)
		s->ways[i] = (struct way){.http = http, .door = i};
	s->open = gt_http_open_new();
	if (s->open)
		return s;
	free(s);
	return NULL;
}

static struct gt_http *http_new(const struct gt_http_env *env)
{
	struct gt_http *http = calloc(1, sizeof *http);
	if (!http)
		return NULL;
	http->env = *env;
	http->waits = gt_waits_new(env->core);
	http->workers = gt_workers_new(env->database);
	http->cache = gt_http_cache_new();
	http->server = server_new(http);
	if (http->waits && http->workers && http->cache && http->server)
		return http;
	http_free(http);
	return NULL;
}

static int start_servers(struct gt_http *http, char *why, size_t why_cap)
{
	int fds[GT_DOORS];
	int status = gt_http_listen(http, fds, ADMIN_CONNECTIONS, why, why_cap);
	if (status != 0)
		return status;
	for (unsigned i = 0; i < GT_DOORS; i++) {
		if (fds[i] < 0 || serve(&http->server->ways[i], fds[i]))
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
	int rc = start_servers(*out, why, why_cap);
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

void gt_http_reply(struct gt_http *http, const struct gt_action *a)
{
	gt_waits_reply(http->waits, a);
}

void gt_http_stop(struct gt_http *http)
{
	gt_waits_stop(http->waits);
	gt_http_open_cut(http->server->open);
	for (unsigned i = 0; i < GT_DOORS; i++)
		if (http->server->ways[i].server)
			MHD_stop_daemon(http->server->ways[i].server);
	(void)unlink(GT_DIR_CONTROL);
	http_free(http);
}
