/* http.c: two servers (a TCP port for terminals, a Unix socket for the
 * operator), what a request goes through, and the table of routes. */
#include "http_request.h"

#include <asm/socket.h> /* SO_PEERCRED, which POSIX does not show */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dir.h"
#include "http_open.h"
#include "http_parse.h"
#include "http_wait.h"
#include "object.h"
#include "sys.h"
#include "translate.h"

enum {
	THREADS = 2, /* of each server */
	STACK_BYTES = 512 << 10,
	PUBLIC_CONNECTIONS = 256,
	PER_ADDRESS = 64, /* a school may sit behind one address */
	ADMIN_CONNECTIONS = 32,
	IDLE_SECONDS = 30,
	BODY_MS = 60000, /* a body must be whole by then */
	BACKLOG = 128,
	CONNECTION_MEMORY = 32 << 10,
	BODIES_MAX = 64 << 20, /* of all public requests together */
	WORKERS_KEPT = 4,
};
static_assert(PUBLIC_CONNECTIONS + ADMIN_CONNECTIONS <= GT_HTTP_OPEN_MAX,
              "every connection has its place");

struct gt_http {
	struct gt_http_env env;
	struct gt_waits *waits;
	struct gt_http_cache *cache;
	struct gt_http_open *open;
	struct MHD_Daemon *servers[2]; /* public, admin */
	uint16_t port;
	atomic_size_t bodies;
	pthread_mutex_t lock; /* of what follows */
	struct gt_worker *idle;
	unsigned nidle;
};

/* ----------------------------------------------------------- routes */

enum {
	SMALL = 64 << 10,
	XAPI_MAX = 8 << 20,
	LAYER_TEXT_MAX = 4 << 20,
	MEMBERS_MAX = 32 << 20,
	PUBLISH_MAX = GT_MANIFEST_MAX / 3 * 4 + (1 << 20),
};

#define GET  GT_HTTP_GET
#define POST GT_HTTP_POST
const struct gt_route gt_routes[] = {
        {"/", GET, false, false, 0, gt_http_home},
        {"/r/", GET, false, false, 0, gt_http_resource_page},
        {"/c/", GET, false, false, 0, gt_http_content},
        {"/o/", GET, false, false, 0, gt_http_object},
        {"/api/resources", GET, false, false, 0, gt_http_resources},
        {"/api/resources/", GET, false, false, 0, gt_http_resource},
        {"/xapi/about", GET | GT_HTTP_OPTIONS, false, false, 0, gt_http_about},
        {"/xapi/statements", GET | POST | GT_HTTP_PUT | GT_HTTP_OPTIONS, false,
         true, XAPI_MAX, gt_http_statements},
        {"/healthz", GET, false, false, 0, gt_http_health},
        {"/metrics", GET, false, false, 0, gt_http_metrics},
        {"/admin/status", GET, true, false, 0, gt_http_status},
        {"/admin/wait", GET, true, false, 0, gt_http_wait},
        {"/admin/publish", POST, true, false, PUBLISH_MAX, gt_http_publish},
        {"/admin/withdraw", POST, true, false, SMALL, gt_http_withdraw},
        {"/admin/fetch", POST, true, false, SMALL, gt_http_fetch},
        {"/admin/policy", POST, true, false, LAYER_TEXT_MAX, gt_http_policy},
        {"/admin/members", GET | POST, true, false, MEMBERS_MAX,
         gt_http_members},
        {"/admin/explain", GET, true, false, 0, gt_http_explain},
        {"/admin/layers", GET, true, false, 0, gt_http_layers},
        {"/admin/audit", GET, true, false, 0, gt_http_audit},
        {"/admin/records", GET, true, false, 0, gt_http_records},
        {"/admin/quarantine", GET, true, false, 0, gt_http_quarantine},
        {"/admin/reload", POST, true, false, SMALL, gt_http_reload},
        {NULL, 0, false, false, 0, NULL},
};
#undef GET
#undef POST

const struct gt_route *gt_http_route(const char *path, bool admin)
{
	for (const struct gt_route *r = gt_routes; r->path; r++) {
		size_t n = strlen(r->path);
		bool below = n > 1 && r->path[n - 1] == '/';
		if (r->admin && !admin)
			continue;
		if (below ? strncmp(path, r->path, n) == 0
		          : strcmp(path, r->path) == 0)
			return r;
	}
	return NULL;
}

/* ---------------------------------------------------------- workers */

static struct gt_reader *open_reader(const char *path, sqlite3 **out)
{
	sqlite3 *db = NULL;
	char why[256];
	int rc = sqlite3_open_v2(
	        path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		sqlite3_close(db);
		return NULL;
	}
	*out = db;
	return gt_reader_new(db, why, sizeof why);
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

struct gt_worker *gt_worker_take(struct gt_http *http)
{
	pthread_mutex_lock(&http->lock);
	struct gt_worker *w = http->idle;
	if (w) {
		http->idle = w->next;
		http->nidle--;
	}
	pthread_mutex_unlock(&http->lock);
	if (w)
		return w;
	w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->reader = open_reader(http->env.database, &w->db);
	if (!w->reader) {
		worker_free(w);
		return NULL;
	}
	return w;
}

void gt_worker_give(struct gt_http *http, struct gt_worker *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&http->lock);
	if (http->nidle < WORKERS_KEPT) {
		w->next = http->idle;
		http->idle = w;
		http->nidle++;
		w = NULL;
	}
	pthread_mutex_unlock(&http->lock);
	worker_free(w);
}

const struct gt_http_env *gt_http_env_of(struct gt_http *http)
{
	return &http->env;
}

struct gt_http_cache *gt_http_cache_of(struct gt_http *http)
{
	return http->cache;
}

/* --------------------------------------------------------- requests */

/* Called with the request line, before anything else. */
static void *on_line(void *arg, const char *uri, struct MHD_Connection *c)
{
	struct gt_request *rq = calloc(1, sizeof *rq);
	if (!rq)
		return NULL;
	rq->http = arg;
	rq->connection = c;
	size_t n = strcspn(uri, "?#");
	rq->path = malloc(n + 1);
	if (rq->path && !gt_http_decode(rq->path, n + 1, uri, n)) {
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
	struct gt_http *http = arg;
	struct gt_request *rq = *state;
	*state = NULL;
	if (!rq)
		return;
	gt_waits_done(http->waits, rq);
	if (!rq->admin)
		atomic_fetch_sub(&http->bodies, rq->body_cap);
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
	char *text = strdup("");
	struct MHD_Response *rs = gt_rs_text("text/plain", text, 0);
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

/* glibc reads its switch of name services with the first look-up, and dies of
 * an assertion or worse when memory is short just then: let it be now. */
static void warm_names(void)
{
	char room[4096];
	struct passwd pw, *found = NULL;
	(void)getpwuid_r(geteuid(), &pw, room, sizeof room, &found);
}

/* The operator's name: whoever opened the socket, as the kernel tells. */
static void name_operator(struct gt_request *rq)
{
	struct {
		pid_t pid;
		uid_t uid;
		gid_t gid;
	} peer; /* struct ucred, which POSIX does not show */
	socklen_t n = sizeof peer;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	        rq->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	gt_copy(rq->actor, sizeof rq->actor, "user:operator");
	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED,
	                        &peer, &n) != 0)
		return;
	char room[4096];
	struct passwd pw, *found = NULL;
	if (getpwuid_r(peer.uid, &pw, room, sizeof room, &found) == 0 && found)
		gt_format(rq->actor, sizeof rq->actor, "user:%.80s",
		          found->pw_name);
	else
		gt_format(rq->actor, sizeof rq->actor, "user:%u",
		          (unsigned)peer.uid);
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
	rq->route = gt_http_route(rq->path, rq->admin);
	if (!rq->route) {
		*answer = gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
		return false;
	}
	rq->rest = rq->path + strlen(rq->route->path);
	rq->xapi = strncmp(rq->path, "/xapi/", 6) == 0;
	if (!(rq->method & rq->route->methods)) {
		*answer = refuse_method(rq);
		return false;
	}
	if (rq->admin)
		name_operator(rq);
	else if (rq->route->xapi && rq->method != GT_HTTP_OPTIONS &&
	         !gt_http_xapi_may(rq)) {
		*answer = gt_http_xapi_refuse(rq);
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
		atomic_size_t *all = &rq->http->bodies;
		if (!rq->admin &&
		    atomic_fetch_add(all, more) + more > BODIES_MAX) {
			atomic_fetch_sub(all, more);
			return false;
		}
		uint8_t *body = realloc(rq->body, cap);
		if (!body) {
			if (!rq->admin)
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

static enum MHD_Result on_request(bool admin, struct MHD_Connection *c,
                                  const char *method, const char *data,
                                  size_t *n, void **state)
{
	struct gt_request *rq = *state;
	enum MHD_Result answer = MHD_YES;
	if (!rq)
		return MHD_NO; /* out of memory */
	rq->connection = c;
	if (rq->answered)
		return MHD_NO; /* and the library, stopping, let it go */
	if (!rq->begun) {
		rq->admin = admin;
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

static enum MHD_Result on_public(void *arg, struct MHD_Connection *c,
                                 const char *url, const char *method,
                                 const char *version, const char *data,
                                 size_t *n, void **state)
{
	(void)arg;
	(void)url;
	(void)version;
	return on_request(false, c, method, data, n, state);
}

static enum MHD_Result on_admin(void *arg, struct MHD_Connection *c,
                                const char *url, const char *method,
                                const char *version, const char *data,
                                size_t *n, void **state)
{
	(void)arg;
	(void)url;
	(void)version;
	return on_request(true, c, method, data, n, state);
}

enum MHD_Result gt_rq_command(struct gt_request *rq, struct gt_event *e,
                              gt_handler *finish)
{
	rq->finish = finish;
	return gt_waits_command(rq->http->waits, rq, e);
}

enum MHD_Result gt_rq_wait(struct gt_request *rq, gt_handler *finish)
{
	rq->finish = finish;
	return gt_waits_generation(rq->http->waits, rq);
}

/* ---------------------------------------------------------- sockets */

/* "host:port", "[::]:port" */
static bool split_address(const char *text, char *host, size_t cap,
                          const char **port)
{
	const char *colon = strrchr(text, ':');
	if (!colon)
		return false;
	size_t n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= cap)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	*port = colon + 1;
	return true;
}

static int listen_on(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM, 0), on = 1;
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(fd, a->ai_addr, a->ai_addrlen) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int listen_tcp(const char *address, uint16_t *port, char *why,
                      size_t why_cap)
{
	char host[256];
	const char *service;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	                         .ai_flags = AI_PASSIVE},
	                *list = NULL;
	if (!split_address(address, host, sizeof host, &service) ||
	    getaddrinfo(*host ? host : NULL, service, &hints, &list) != 0) {
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_BAD_ADDRESS, address);
		return -1;
	}
	int fd = -1;
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = listen_on(a);
	int error = errno;
	freeaddrinfo(list);
	if (fd < 0) {
		gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_LISTEN, address,
		            gt_translate_errno(error));
		return -1;
	}
	struct sockaddr_storage at;
	socklen_t n = sizeof at;
	*port = 0;
	if (getsockname(fd, (struct sockaddr *)&at, &n) == 0) {
		if (at.ss_family == AF_INET6)
			*port = ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
		else
			*port = ntohs(((struct sockaddr_in *)&at)->sin_port);
	}
	return fd;
}

/* A stale socket of a daemon that died is in the way and goes; the database
 * already said that there is one daemon only. */
static int listen_unix(const char *path, char *why, size_t why_cap)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = -1;
	if (gt_copy(at.sun_path, sizeof at.sun_path, path))
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
	/* Linux gives the name the mode the socket has before it is bound, so
	 * there is no moment in which others may connect */
	if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 &&
	    (unlink(path) == 0 || errno == ENOENT) &&
	    bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
	    chmod(path, S_IRUSR | S_IWUSR) == 0 &&
	    listen(fd, ADMIN_CONNECTIONS) == 0)
		return fd;
	gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_LISTEN, path,
	            gt_translate_errno(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ------------------------------------------------------ start, stop */

static void no_log(void *arg, const char *fmt, va_list args)
{
	(void)arg;
	(void)fmt;
	(void)args;
}

static struct MHD_Daemon *serve(struct gt_http *http, int fd, bool admin)
{
	unsigned connections = admin ? ADMIN_CONNECTIONS : PUBLIC_CONNECTIONS;
	unsigned each = admin ? 0 : PER_ADDRESS;
	return MHD_start_daemon(
	        MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD |
	                MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
	        0, NULL, NULL, admin ? on_admin : on_public, http,
	        MHD_OPTION_EXTERNAL_LOGGER, no_log, (void *)NULL,
	        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
	        (unsigned)THREADS, MHD_OPTION_THREAD_STACK_SIZE,
	        (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_LIMIT, connections,
	        MHD_OPTION_PER_IP_CONNECTION_LIMIT, each,
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	        MHD_OPTION_URI_LOG_CALLBACK, on_line, http,
	        MHD_OPTION_NOTIFY_COMPLETED, on_done, http,
	        MHD_OPTION_NOTIFY_CONNECTION, gt_http_open_note, http->open,
	        MHD_OPTION_END);
}

static void http_free(struct gt_http *http)
{
	for (struct gt_worker *w = http->idle, *next; w; w = next) {
		next = w->next;
		worker_free(w);
	}
	gt_http_cache_free(http->cache);
	gt_http_open_free(http->open);
	gt_waits_free(http->waits);
	pthread_mutex_destroy(&http->lock);
	free(http);
}

static int start_servers(struct gt_http *http, char *why, size_t why_cap)
{
	int tcp = listen_tcp(http->env.config->http, &http->port, why, why_cap);
	if (tcp < 0)
		return -GT_EIO;
	int local = listen_unix(GT_DIR_CONTROL, why, why_cap);
	if (local < 0) {
		close(tcp);
		return -GT_EIO;
	}
	http->servers[0] = serve(http, tcp, false);
	http->servers[1] = serve(http, local, true);
	if (http->servers[0] && http->servers[1])
		return 0;
	/* a server that started owns its socket */
	if (!http->servers[0])
		close(tcp);
	if (!http->servers[1])
		close(local);
	gt_http_say(why, why_cap, NULL, GT_T_HTTP_NO_START);
	return -GT_ENOMEM;
}

int gt_http_start(struct gt_http **out, const struct gt_http_env *env,
                  char *why, size_t why_cap)
{
	*out = NULL;
	struct gt_http *http = calloc(1, sizeof *http);
	if (!http || pthread_mutex_init(&http->lock, NULL) != 0) {
		free(http);
		gt_copy(why, why_cap, gt_strerror(-GT_ENOMEM));
		return -GT_ENOMEM;
	}
	warm_names();
	http->env = *env;
	http->waits = gt_waits_new(env->core);
	http->cache = gt_http_cache_new();
	http->open = gt_http_open_new();
	if (!http->waits || !http->cache || !http->open) {
		gt_copy(why, why_cap, gt_strerror(-GT_ENOMEM));
		http_free(http);
		return -GT_ENOMEM;
	}
	int rc = start_servers(http, why, why_cap);
	if (rc != 0) {
		gt_http_stop(http);
		return rc;
	}
	*out = http;
	return 0;
}

uint16_t gt_http_port(const struct gt_http *http)
{
	return http->port;
}

void gt_http_reply(struct gt_http *http, const struct gt_action *a)
{
	gt_waits_reply(http->waits, a);
}

void gt_http_stop(struct gt_http *http)
{
	gt_waits_stop(http->waits);
	gt_http_open_cut(http->open);
	for (int i = 0; i < 2; i++)
		if (http->servers[i])
			MHD_stop_daemon(http->servers[i]);
	(void)unlink(GT_DIR_CONTROL);
	http_free(http);
}
