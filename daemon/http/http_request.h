/* http_request.h: one request on its way through the HTTP surfaces.
 *
 * daemon/http/ is the machinery a handler needs: what a request asks, a reader
 * to look things up with (http_worker.h), commands to the core and sleep until
 * they are answered (http_wait.h), answers as bytes, JSON or errors, and the
 * frame of a page (http_html.h). It may use core, disk, config and what is
 * below them, and knows no route: the rooms page, xapi, admin and content hold
 * the handlers, door/ the servers and the table that names them.
 *
 * A request lives from its request line until libmicrohttpd says the answer is
 * out. A handler runs once the body is whole and either queues an answer or
 * posts a command: then the connection sleeps, and `finish` runs on one of the
 * library's threads when the core has replied. Every handler answers exactly
 * once, and nothing here decides: it asks src/read or posts to the core. */
#ifndef GT_HTTP_REQUEST_H
#define GT_HTTP_REQUEST_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "http_env.h"
#include "http_worker.h"
#include "pulse.h"
#include "quota.h"
#include "text.h"

struct gt_access;
struct gt_annex;
struct gt_fold;
struct gt_launches;
struct gt_launching;
struct gt_http_callers;
struct gt_http_cert;
struct gt_http_open;
struct gt_http_place;
struct gt_http_server;
struct gt_request;
struct gt_route;
struct gt_shelves;
struct gt_waits;
struct gt_http_wide;
struct gt_xapi_parts;
typedef enum MHD_Result gt_handler(struct gt_request *rq);
/* Says what its body may have, before it comes; sets rq->take, rq->let_go. */
typedef uint64_t gt_meeter(struct gt_request *rq);
/* Takes a piece of the body. 0, or the status to refuse it with. */
typedef unsigned gt_taker(struct gt_request *rq, const char *p, size_t n);
/* Adds headers to a response. */
typedef void gt_dresser(struct gt_request *rq, struct MHD_Response *rs);

/* The ways in: a listener each for learners, for content and for staff, and the
 * control socket of whoever runs the node. */
enum gt_http_door {
	GT_DOOR_LEARNER, /* http.listen: pages, catalogue, records */
	GT_DOOR_CONTENT, /* http.content: files of resources, nothing else */
	GT_DOOR_STAFF,   /* http.staff: metrics, administration, publishing */
	GT_DOOR_CONTROL, /* control.sock: everything */
	GT_DOORS,
};

/* As the configuration calls it, and logs and metrics. */
const char *gt_http_door_name(enum gt_http_door door);

/* What all requests have at hand, the same from start to stop. */
struct gt_http {
	struct gt_http_env env;
	bool tls[GT_DOORS];         /* HTTPS */
	struct gt_http_cert *certs; /* [GT_DOORS] */
	uint16_t ports[GT_DOORS];   /* as the system chose them; 0: none */
	struct gt_workers *workers;
	struct gt_waits *waits;
	struct gt_shelves *shelves;   /* disk/shelf.h */
	struct gt_annex *annex;       /* disk/annex.h */
	struct gt_access *access;     /* access/access.h */
	struct gt_launches *launches; /* access/launch.h */
	struct gt_http_open *open;
	struct gt_http_callers *callers; /* door/http_who.c alone */
	struct gt_http_wide *wide;       /* door/http_wide.h */
	struct gt_pulse pulse; /* of the library's threads, in our hands */
	atomic_size_t *bodies; /* bytes that requests' bodies hold */
	struct gt_http_server *server; /* door/http_server.c alone */
};

/* Who may call, and what a caller is; a set. Whoever opens the control socket
 * is all of them. */
enum gt_http_who {
	GT_HTTP_ANYBODY = 1u << 0,
	GT_HTTP_HAND_IN = 1u << 1,   /* hands in learner records */
	GT_HTTP_OWN = 1u << 2,       /* reads those it handed in */
	GT_HTTP_READ = 1u << 3,      /* reads everybody's */
	GT_HTTP_VIEW = 1u << 4,      /* sees how the node is */
	GT_HTTP_PUBLISH = 1u << 5,   /* publishes, withdraws */
	GT_HTTP_OPERATE = 1u << 6,   /* policy, roster, credentials, fetching */
	GT_HTTP_AUDIT = 1u << 7,     /* sees who did what, and whose records */
	GT_HTTP_STATE = 1u << 8,     /* State */
	GT_HTTP_PROFILE = 1u << 9,   /* profiles of agents and activities */
	GT_HTTP_DEFINE = 1u << 10,   /* what it says of an activity counts */
	GT_HTTP_READ_ALL = 1u << 11, /* reads whatever there is of these */
	GT_HTTP_ALL = (1u << 12) - 1,
};

enum gt_method {
	GT_HTTP_GET = 1u << 0, /* HEAD too: the library cuts the body off */
	GT_HTTP_POST = 1u << 1,
	GT_HTTP_PUT = 1u << 2,
	GT_HTTP_OPTIONS = 1u << 3,
	GT_HTTP_DELETE = 1u << 4,
};

/* What a target may hold. The library keeps a head in GT_HTTP_CONNECTION_BYTES,
 * half of which what it reads at once may take, and needs 64 bytes for each
 * argument. */
enum {
	GT_HTTP_CONNECTION_BYTES = 32 << 10,
	GT_HTTP_TARGET_MAX = 12 << 10,
	GT_HTTP_ARGS_MAX = 128,
	GT_HTTP_BODIES_MAX = 64 << 20, /* of all requests but the operator's */
};

struct gt_request {
	struct gt_http *http;
	struct MHD_Connection *connection;
	const struct gt_route *route;
	enum gt_http_door door;      /* by which it came */
	struct gt_http_place *place; /* of its connection; NULL: none */
	bool begun, whole;
	bool wide;     /* its head may be long: one request a connection */
	bool answered; /* nothing is to be said any more */
	bool crowded;  /* its target has more than GT_HTTP_TARGET_MAX, _ARGS */
	unsigned method;
	unsigned methods; /* all that its path takes */
	char *path;       /* decoded, malloc'ed; NULL: not decodable */
	char host[256];   /* of a target that is a whole URL, else "" */
	const char *rest; /* of path, behind the route's */
	const char *lang;
	char actor[96]; /* for audit rows */
	unsigned who;   /* what the caller is: enum gt_http_who */
	bool named;     /* by a credential: behind "user:" of actor */
	json_t *launch; /* what its token is bound to (launch.h); NULL: none */
	struct gt_launching *launching; /* xapi/http_launch.c alone */
	uint8_t *body;
	size_t nbody, body_cap;
	size_t body_max;     /* of it that is kept there */
	uint64_t most, came; /* bytes it may have, that have come */
	gt_taker *take;      /* of its pieces; NULL: they are kept in body */
	struct gt_xapi_parts *parts;           /* xapi/http_parts.c alone */
	void (*let_go)(struct gt_request *rq); /* of what that has */
	/* its body is another request (http_fold.h), which has yet to be
	 * unfolded; of what was, the fields. NULL: it stands as it came */
	bool folded;
	struct gt_fold *fold;
	bool packed;      /* its body is gzip'ed */
	int64_t wait_ms;  /* until a password is looked at again */
	unsigned refused; /* the status its body is refused with; 0: not */
	size_t passed;    /* bytes of it that came since */
	/* a command under way */
	uint64_t token;
	gt_handler *finish;
	bool woken;
	gt_dresser *dress; /* of the route's every answer; NULL: none */
	struct {
		const char *name, *value;
	} also[2]; /* gt_rq_also */
	unsigned nalso;
	const char *version; /* of xAPI, as asked for; NULL: not known */
	/* xAPI: what is stored up to that moment was to be seen when the answer
	 * was looked up */
	struct {
		bool taken;
		int64_t ms, era;
	} through;
	int status;
	uint64_t retry_ms; /* not to be asked again before; 0: nothing known */
	char *text;        /* malloc'ed; "" at least */
	/* GET /admin/wait */
	uint64_t seen;
	int64_t deadline_ms; /* monotonic */
	struct gt_request *next;
};

/* -------------------------------------------- asking: http_answer.c */

/* A header of the request, of one that was folded the field in its place. NULL:
 * absent. */
const char *gt_rq_header(struct gt_request *rq, const char *name);
/* The host asked for, with its port: the target's if it is a whole URL, else
 * the header's. NULL: none was named. */
const char *gt_rq_host(struct gt_request *rq);
/* An argument of the query, decoded. NULL: absent. */
const char *gt_rq_arg(struct gt_request *rq, const char *name);
/* All of them, in their order, until take says no. */
void gt_rq_args(struct gt_request *rq, MHD_KeyValueIterator take, void *arg);

/* Keeps n bytes more of the body, as far as the route allows and all bodies
 * together may have. 0, or the status to refuse it with. */
unsigned gt_rq_keep(struct gt_request *rq, const char *p, size_t n);

/* ----------------------------------------- answering: http_answer.c */

/* Adds a header to a response; a failure only loses the header. */
void gt_rs_header(struct MHD_Response *rs, const char *name, const char *value);
/* Adds the headers every answer carries, queues it and lets go of it. NULL
 * closes the connection. */
enum MHD_Result gt_rq_send(struct gt_request *rq, unsigned status,
                           struct MHD_Response *rs);
/* One header more for the answer, whatever it will be, two at most. The value is
 * lent until it is sent. */
void gt_rq_also(struct gt_request *rq, const char *name, const char *value);
enum { GT_HTTP_METHODS_TEXT = 48 };
/* "GET, HEAD, POST": a set of enum gt_method. */
void gt_http_methods_text(char out[GT_HTTP_METHODS_TEXT], unsigned methods);
/* A response without a body. NULL: out of memory. */
struct MHD_Response *gt_rs_empty(void);
/* A response of text from malloc, which is taken over. NULL: the text was, or
 * out of memory. */
struct MHD_Response *gt_rs_text(const char *type, char *text, size_t n);
/* The same of a JSON value. */
struct MHD_Response *gt_rs_json(json_t *value);
/* The same of an error: {"error": name of code, "message": sentence}. */
struct MHD_Response *gt_rs_error(int code, const char *message);
/* Sends gt_rs_text. */
enum MHD_Result gt_rq_text(struct gt_request *rq, unsigned status,
                           const char *type, char *text, size_t n);
/* A text in a language (NULL: the process's) with its conversions filled in. */
void gt_http_say(char *out, size_t cap, const char *lang, enum gt_text key,
                 ...);
/* The same with the arguments as a list. */
void gt_http_vsay(char *out, size_t cap, const char *lang, enum gt_text key,
                  va_list args);

/* --------------------------------------------- errors: http_error.c */

/* Sends a value, which is taken over. NULL, what a reader gives when it could
 * not read, answers 500. */
enum MHD_Result gt_rq_json(struct gt_request *rq, unsigned status,
                           json_t *value);
/* An error as JSON, or as a page for a browser. The text's conversions take
 * the arguments. */
enum MHD_Result gt_rq_fail(struct gt_request *rq, unsigned status, int code,
                           enum gt_text key, ...);
/* The same with a sentence that came from elsewhere, translated if it is the
 * core's (translate.h); NULL and "" take the code's. */
enum MHD_Result gt_rq_error(struct gt_request *rq, int code,
                            const char *message);
/* The same with a status of HTTP that is not the code's. */
enum MHD_Result gt_rq_error_as(struct gt_request *rq, unsigned status, int code,
                               const char *message);

/* --------------------------------------- quotas: http_quota.c */

/* Takes n of a kind from the quota of the credential a caller has shown, if it is
 * one. False: there are not so many left, and that is answered: 429 with
 * Retry-After, or 413 where there never are. */
bool gt_rq_spend(struct gt_request *rq, enum gt_quota_kind kind, uint64_t n,
                 enum MHD_Result *answer);

/* -------------------------------------------- commands: http_wait.c */

/* Posts a command (token and actor are set here) and puts the connection to
 * sleep; finish(rq) runs with status and text set. */
enum MHD_Result gt_rq_command(struct gt_request *rq, struct gt_event *e,
                              gt_handler *finish);
/* Puts the connection to sleep until the node's generation is past rq->seen or
 * deadline_ms is over; finish(rq) runs with status 0, or -GT_EUNAVAILABLE. */
enum MHD_Result gt_rq_wait(struct gt_request *rq, gt_handler *finish);

#endif
