/* http_lead.c: a request on its way from its first line to its answer.
 * Tests: u_http.c, u_http_wire.c, u_http_crowd.c. */
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "door_inside.h"
#include "http_fold.h"
#include "http_origin.h"
#include "http_parse.h"
#include "http_wait.h"
#include "http_wide.h"
#include "http_xapi.h"
#include "sys.h"

static int64_t now(void)
{
	return (int64_t)gt_sys_now().mono_ms;
}

static void is_doing(struct gt_request *rq, enum gt_http_phase phase)
{
	gt_http_open_phase(rq->http->open, rq->place, phase, now());
}

/* ------------------------------------------------------ connections */

/* Has it been given to the server for long heads? */
static bool widened(const struct gt_http_way *way, int fd,
                    const struct sockaddr *from)
{
	uint8_t whence[GT_HTTP_FROM_BYTES];
	gt_http_from_of(whence, from);
	if (!way->wider || !gt_http_wide_is(way->http->wide, whence, now()))
		return false;
	fd = gt_http_wide_take(fd);
	if (fd < 0)
		return false;
	/* which closes it where it cannot */
	(void)MHD_add_connection(way->wider->server, fd, from,
	                         from->sa_family == AF_INET6
	                                 ? sizeof(struct sockaddr_in6)
	                                 : sizeof(struct sockaddr_in));
	return true;
}

/* A head that the library had no room for; or did, in that server. */
static void note_long(const struct gt_http_way *way,
                      const struct gt_request *rq)
{
	uint8_t from[GT_HTTP_FROM_BYTES];
	if (rq->begun != way->wide ||
	    gt_http_place_came(rq->place) < GT_HTTP_CONNECTION_BYTES / 2)
		return;
	gt_http_place_from(rq->place, from);
	gt_http_wide_note(way->http->wide, from, now());
	/* what comes over those would not have the room */
	if (!way->wide)
		gt_http_open_end_idle(way->http->open, from);
}

void gt_http_on_connection(void *arg, struct MHD_Connection *c, void **place,
                           enum MHD_ConnectionNotificationCode what)
{
	const struct gt_http_way *way = arg;
	struct gt_http_open *open = way->http->open;
	if (what != MHD_CONNECTION_NOTIFY_STARTED) {
		gt_http_open_gone(open, *place);
		return;
	}
	int fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)
	                 ->connect_fd;
	const union MHD_ConnectionInfo *from =
	        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = from ? from->client_addr : NULL;
	if (address && widened(way, fd, address)) {
		*place = NULL; /* the library sees a hang-up */
		return;
	}
	*place = gt_http_open_come(open, way->door, fd, address, now());
	const struct gt_http_env *env = &way->http->env;
	if (gt_http_place_first(*place) && env->busy)
		env->busy(env->arg);
}

/* --------------------------------------------------------- requests */

/* 0.9.75, out of memory for the arguments, forgets the 431 it has begun and
 * waits for more of the head until it is late: so it is not given arguments for
 * which it may have none. What stands behind the line is the library's own
 * buffer, in which it is about to part them. */
static bool crowded(const char *uri)
{
	const char *query = strchr(uri, '?');
	size_t args = query != NULL;
	for (const char *at = query; at && (at = strchr(at, '&')); at++)
		args++;
	if (args <= GT_HTTP_ARGS_MAX && strlen(uri) <= GT_HTTP_TARGET_MAX)
		return false;
	if (query)
		((char *)gt_lend(query))[1] = '\0';
	return true;
}

/* The library parts cookies, which nobody here looks at, and where it cannot (a
 * quote that does not end, more than half its room, some hundreds of them) 0.9.75
 * says its 431 twice in one answer. It parts the first header of that name: so
 * that is one of ours. */
static void without_cookies(struct MHD_Connection *c)
{
	(void)MHD_set_connection_value(c, MHD_HEADER_KIND, "Cookie", "");
}

/* Called with the request line, before anything else. */
void *gt_http_on_line(void *arg, const char *uri, struct MHD_Connection *c)
{
	const struct gt_http_way *way = arg;
	struct gt_request *rq = calloc(1, sizeof *rq);
	if (!rq)
		return NULL;
	rq->http = way->http;
	rq->door = way->door;
	rq->wide = way->wide;
	rq->connection = c;
	rq->place =
	        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
	                ->socket_context;
	is_doing(rq, GT_PHASE_HEAD);
	without_cookies(c);
	rq->crowded = crowded(uri);
	size_t n;
	const char *path = gt_http_target(uri, &n, rq->host);
	rq->path = malloc(n + 1);
	if (rq->path && !gt_http_decode(rq->path, n + 1, path, n)) {
		free(rq->path);
		rq->path = NULL;
	}
	return rq;
}

void gt_http_on_done(void *arg, struct MHD_Connection *c, void **state,
                     enum MHD_RequestTerminationCode why)
{
	(void)c;
	const struct gt_http_way *way = arg;
	struct gt_http *http = way->http;
	struct gt_request *rq = *state;
	*state = NULL;
	if (!rq)
		return;
	note_long(way, rq);
	gt_waits_done(http->waits, rq);
	if (rq->door != GT_DOOR_CONTROL)
		atomic_fetch_sub(http->bodies, rq->body_cap);
	/* else it is about to be gone, in the middle of what it was doing */
	if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		is_doing(rq, GT_PHASE_IDLE);
	if (rq->let_go)
		rq->let_go(rq);
	free(rq->path);
	gt_fold_free(rq->fold);
	free(rq->body);
	free(rq->text);
	json_decref(rq->launch);
	gt_http_launching_free(rq->launching);
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
	if (strcmp(name, "DELETE") == 0)
		return GT_HTTP_DELETE;
	return strcmp(name, "OPTIONS") == 0 ? (unsigned)GT_HTTP_OPTIONS : 0;
}

static enum MHD_Result refuse_method(struct gt_request *rq)
{
	struct MHD_Response *rs = gt_rs_text("text/plain", strdup(""), 0);
	char allow[GT_HTTP_METHODS_TEXT];
	gt_http_methods_text(allow, rq->methods);
	if (rs)
		gt_rs_header(rs, "Allow", allow);
	return gt_rq_send(rq, 405, rs);
}

/* Nobody is turned away without a word: there is no place, or no memory, just
 * now. */
static enum MHD_Result refuse_full(struct gt_request *rq)
{
	gt_rq_also(rq, "Retry-After", "2");
	gt_rq_also(rq, "Connection", "close");
	return gt_rq_fail(rq, 503, -GT_EBUSY, GT_T_HTTP_FULL);
}

static bool gzipped(const char *coding)
{
	return strcasecmp(coding, "gzip") == 0 ||
	       strcasecmp(coding, "x-gzip") == 0;
}

/* What the body is to be, as far as its headers say. */
static bool take_body(struct gt_request *rq, enum MHD_Result *answer)
{
	uint64_t length;
	const char *coding = gt_rq_header(rq, "Content-Encoding");
	const char *header = gt_rq_header(rq, "Content-Length");
	bool folds = gt_http_route_folds(rq->route);
	rq->packed = coding && folds && gzipped(coding);
	if (rq->body_max > 0 && coding && !rq->packed &&
	    strcasecmp(coding, "identity") != 0) {
		gt_rq_also(rq, "Accept-Encoding",
		           folds ? "gzip, identity" : "identity");
		*answer = gt_rq_fail(rq, 415, -GT_EINVALID, GT_T_HTTP_ENCODED,
		                     coding);
		return false;
	}
	gt_meeter *meet =
	        rq->packed || rq->folded ? NULL : gt_http_route_meet(rq->route);
	rq->most = meet ? meet(rq) : rq->body_max;
	if (header && gt_http_number(header, UINT64_MAX, &length) &&
	    length > rq->most) {
		*answer = gt_rq_fail(rq, 413, -GT_ELIMIT, GT_T_HTTP_TOO_LARGE);
		return false;
	}
	return true;
}

/* Whatever will be said is dressed as the path's answers are. */
static void find_route(struct gt_request *rq)
{
	if (!rq->path)
		return;
	rq->route = gt_http_route(rq->path, rq->door, rq->method);
	if (!rq->route)
		return;
	rq->rest = rq->path + strlen(rq->route->path);
	rq->dress = rq->route->dress;
	rq->methods = gt_http_route_methods(rq->path, rq->door);
	rq->body_max = rq->route->body_max;
}

/* Another request, folded into this one, is what is asked for; who may, is asked
 * when it is unfolded. False: it is none that there can be. */
static bool is_folded(struct gt_request *rq)
{
	const char *method = gt_rq_arg(rq, "method");
	if (rq->method != GT_HTTP_POST || !method ||
	    !gt_http_route_folds(rq->route) ||
	    gt_http_typed(gt_rq_header(rq, "Content-Type"),
	                  "application/x-www-form-urlencoded") !=
	            GT_TYPED_RIGHT)
		return true;
	rq->folded = true;
	rq->method = method_of(method);
	find_route(rq);
	rq->body_max = GT_FOLD_BYTES;
	return strcmp(method, "HEAD") != 0 && rq->method != GT_HTTP_OPTIONS;
}

/* Who asks, and may he, as often as he does? */
static bool admit(struct gt_request *rq, enum MHD_Result *answer)
{
	int status = gt_http_who_judge(rq);
	if (status != 0)
		*answer = gt_http_who_refuse(rq, status);
	return status == 0 && gt_rq_spend(rq, GT_QUOTA_REQUESTS, 1, answer);
}

/* Everything that can be said before the body has come. True: go on. */
static bool begin(struct gt_request *rq, const char *method,
                  enum MHD_Result *answer)
{
	rq->begun = true;
	rq->method = method_of(method);
	rq->lang = gt_http_language(gt_rq_arg(rq, "lang"),
	                            gt_rq_header(rq, "Accept-Language"),
	                            rq->http->env.config->lang);
	gt_copy(rq->actor, sizeof rq->actor, "terminal");
	find_route(rq);
	if (gt_http_place_spare(rq->place)) {
		*answer = refuse_full(rq);
		return false;
	}
	if (rq->crowded) {
		*answer = gt_rq_fail(rq, 414, -GT_ELIMIT, GT_T_HTTP_CROWDED,
		                     GT_HTTP_TARGET_MAX, GT_HTTP_ARGS_MAX);
		return false;
	}
	if (!rq->path) {
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_PATH);
		return false;
	}
	if (rq->door != GT_DOOR_CONTROL && !gt_http_host_ours(rq)) {
		*answer = gt_rq_fail(rq, 421, -GT_EDENIED, GT_T_HTTP_HOST);
		return false;
	}
	if (!rq->route || !rq->route->handle) {
		*answer = gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
		return false;
	}
	if (!is_folded(rq) || !(rq->method & rq->route->methods)) {
		*answer = refuse_method(rq);
		return false;
	}
	/* who may is asked of what is in it */
	if (rq->folded)
		return take_body(rq, answer);
	return admit(rq, answer) && take_body(rq, answer);
}

/* A piece of the body. The library takes an answer before a body or behind it:
 * what cannot be kept is passed over, and said then. Not for ever: a body that
 * did not say how long it is may have no end, and whoever has sent twice what
 * there may be is cut off. */
static enum MHD_Result keep(struct gt_request *rq, const char *p, size_t n)
{
	rq->came += n;
	if (!rq->refused && rq->came > rq->most)
		rq->refused = 413;
	if (!rq->refused)
		rq->refused =
		        rq->take ? rq->take(rq, p, n) : gt_rq_keep(rq, p, n);
	if (!rq->refused)
		return MHD_YES;
	rq->passed += n;
	return rq->passed <= rq->most ? MHD_YES : MHD_NO;
}

/* The body as it was before it was compressed, and as what it counts. */
static bool unpack(struct gt_request *rq, enum MHD_Result *answer)
{
	uint8_t *out;
	size_t n;
	int status = gt_inflate(&out, &n, gt_bytes_of(rq->body, rq->nbody),
	                        rq->body_max);
	if (status == -GT_EINVALID)
		*answer = gt_rq_fail(rq, 400, status, GT_T_HTTP_NOT_GZIP);
	else if (status != 0)
		*answer = gt_rq_error(rq, status, "");
	if (status != 0)
		return false;
	free(rq->body);
	size_t was = rq->body_cap;
	rq->body = out;
	rq->nbody = rq->body_cap = n;
	rq->packed = false;
	if (rq->door == GT_DOOR_CONTROL ||
	    atomic_fetch_add(rq->http->bodies, n - was) + n - was <=
	            GT_HTTP_BODIES_MAX)
		return true;
	*answer = refuse_full(rq);
	return false;
}

/* The request in the form, in this one's place. */
static int open_form(struct gt_request *rq)
{
	struct gt_bytes content = {0};
	bool brings = rq->method == GT_HTTP_PUT || rq->method == GT_HTTP_POST;
	struct gt_fold *f;
	int status = gt_fold_read(&f, rq->body, rq->nbody);
	if (status != 0)
		return status;
	f->foreign = gt_http_foreign(rq);
	if (gt_fold_content(f, &content) != brings) {
		gt_fold_free(f);
		return -GT_EINVALID;
	}
	/* decoded it is no longer than it was */
	if (content.n > 0)
		memmove(rq->body, content.p, content.n);
	rq->nbody = content.n;
	rq->fold = f;
	return 0;
}

static bool unfold(struct gt_request *rq, enum MHD_Result *answer)
{
	/* the method alone */
	int args = MHD_get_connection_values(rq->connection,
	                                     MHD_GET_ARGUMENT_KIND, NULL, NULL);
	int status = args == 1 ? open_form(rq) : -GT_EINVALID;
	rq->folded = false;
	if (status == -GT_EINVALID)
		*answer = gt_rq_fail(rq, 400, status, GT_T_HTTP_BAD_FORM);
	else if (status != 0)
		*answer = gt_rq_error(rq, status, "");
	return status == 0 && admit(rq, answer);
}

static enum MHD_Result handle(struct gt_request *rq)
{
	enum MHD_Result answer;
	if ((rq->packed && !unpack(rq, &answer)) ||
	    (rq->folded && !unfold(rq, &answer)))
		return answer;
	/* what went by counts too */
	uint64_t n = rq->take ? rq->came : rq->nbody;
	return n == 0 || gt_rq_spend(rq, GT_QUOTA_BYTES, n, &answer)
	               ? rq->route->handle(rq)
	               : answer;
}

static enum MHD_Result whole(struct gt_request *rq)
{
	if (rq->refused == 503)
		return refuse_full(rq);
	if (rq->refused)
		return gt_rq_fail(rq, rq->refused, -GT_ELIMIT,
		                  GT_T_HTTP_TOO_LARGE);
	return rq->woken ? rq->finish(rq) : handle(rq);
}

/* A whole request is handled a round after it was: put to sleep in the round that
 * was reading, the library reads again first when it is let go on, and where the
 * other end has been closed meanwhile it hangs up with the answer at hand. */
static enum MHD_Result step(struct gt_request *rq, const char *method,
                            const char *data, size_t *n)
{
	enum MHD_Result answer = MHD_YES;
	if (!rq->begun) {
		is_doing(rq, GT_PHASE_WORK);
		if (begin(rq, method, &answer))
			is_doing(rq, GT_PHASE_BODY);
	} else if (*n > 0) {
		answer = keep(rq, data, *n);
		*n = 0;
	} else if (!rq->whole) {
		rq->whole = true;
		is_doing(rq, GT_PHASE_WORK);
	} else {
		answer = whole(rq);
	}
	if (rq->answered)
		is_doing(rq, GT_PHASE_SEND);
	return answer;
}

enum MHD_Result gt_http_on_request(void *arg, struct MHD_Connection *c,
                                   const char *url, const char *method,
                                   const char *version, const char *data,
                                   size_t *n, void **state)
{
	struct gt_http *http = ((const struct gt_http_way *)arg)->http;
	(void)url;
	(void)version;
	struct gt_request *rq = *state;
	if (!rq)
		return MHD_NO; /* out of memory */
	rq->connection = c;
	if (rq->answered)
		return MHD_NO; /* and the library, stopping, let it go */
	const char *what = rq->route ? rq->route->path : "?";
	unsigned beat = gt_pulse_begin(&http->pulse, what, now());
	enum MHD_Result answer = step(rq, method, data, n);
	gt_pulse_end(&http->pulse, beat);
	return answer;
}
