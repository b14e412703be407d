/* http_request.h: one request on its way through the HTTP module.
 *
 * A request lives from its request line until libmicrohttpd says the answer
 * is out. A handler runs once the body is whole and either queues an answer or
 * posts a command: then the connection sleeps and `finish` runs on a worker
 * thread when the core has replied. */
#ifndef GT_HTTP_REQUEST_H
#define GT_HTTP_REQUEST_H

#include <microhttpd.h>

#include "http.h"
#include "http_out.h"
#include "read.h"
#include "text.h"

struct gt_http_cache;
struct gt_request;
typedef enum MHD_Result gt_handler(struct gt_request *rq);

enum gt_method {
	GT_HTTP_GET = 1u << 0, /* HEAD too: the library cuts the body off */
	GT_HTTP_POST = 1u << 1,
	GT_HTTP_PUT = 1u << 2,
	GT_HTTP_OPTIONS = 1u << 3,
};

struct gt_route {
	const char *path; /* ends in '/': everything below it */
	unsigned methods;
	bool admin;
	bool xapi; /* terminals must say who they are */
	size_t body_max;
	gt_handler *handle;
};
extern const struct gt_route gt_routes[];
/* The route for a decoded path; NULL: none. */
const struct gt_route *gt_http_route(const char *path, bool admin);

struct gt_request {
	struct gt_http *http;
	struct MHD_Connection *connection;
	const struct gt_route *route;
	bool admin;
	bool begun;
	bool answered; /* nothing is to be said any more */
	unsigned method;
	char *path;       /* decoded, malloc'ed; NULL: not decodable */
	const char *rest; /* of path, behind the route's */
	const char *lang;
	char actor[96]; /* for audit rows */
	uint8_t *body;
	size_t nbody, body_cap;
	int64_t begun_ms; /* monotonic */
	/* a command under way */
	uint64_t token;
	gt_handler *finish;
	bool woken;
	bool xapi; /* under /xapi/: its headers go with every answer */
	const char *version; /* of xAPI, as asked for; NULL: not known */
	int status;
	char *text; /* malloc'ed; "" at least */
	/* GET /admin/wait */
	uint64_t seen;
	int64_t deadline_ms; /* monotonic */
	struct gt_request *next;
};

/* A reader and buffers a worker thread borrows for one call. */
struct gt_worker {
	struct sqlite3 *db; /* the reader's */
	struct gt_reader *reader;
	int64_t newest; /* seq of a record known to be here: http_xapi.c */
	struct gt_inflater *inflater;
	uint8_t *stored; /* GT_FRAME_STORED_MAX */
	struct gt_worker *next;
};
/* NULL: the database cannot be opened, or out of memory. */
struct gt_worker *gt_worker_take(struct gt_http *http);
void gt_worker_give(struct gt_http *http, struct gt_worker *w);

const struct gt_http_env *gt_http_env_of(struct gt_http *http);
struct gt_http_cache *gt_http_cache_of(struct gt_http *http);

/* ----------------------------------------------------------- asking */

/* NULL: absent. */
const char *gt_rq_header(struct gt_request *rq, const char *name);
const char *gt_rq_arg(struct gt_request *rq, const char *name);

/* -------------------------------------------------------- answering */

/* Adds a header to a response; a failure only loses the header. */
void gt_rs_header(struct MHD_Response *rs, const char *name, const char *value);
/* Headers every answer carries; queues it and lets go of it. */
enum MHD_Result gt_rq_send(struct gt_request *rq, unsigned status,
                           struct MHD_Response *rs);
/* Text from malloc, which is taken over; NULL: answers 500. */
struct MHD_Response *gt_rs_text(const char *type, char *text, size_t n);
enum MHD_Result gt_rq_text(struct gt_request *rq, unsigned status,
                           const char *type, char *text, size_t n);
/* Takes over the value; NULL answers 500 with the reader's reason. */
enum MHD_Result gt_rq_json(struct gt_request *rq, unsigned status,
                           json_t *value);
/* {"error": name of code, "message": sentence}. The text's conversions take
 * the arguments. */
enum MHD_Result gt_rq_fail(struct gt_request *rq, unsigned status, int code,
                           enum gt_text key, ...);
/* The same with a sentence that came from elsewhere, translated if it is the
 * core's (translate.h); "" takes the code's. */
enum MHD_Result gt_rq_error(struct gt_request *rq, int code,
                            const char *message);
/* The HTTP status that fits an error. */
unsigned gt_http_status_of(int code);
/* A text in a language (NULL: the process's) with its conversions filled in. */
void gt_http_say(char *out, size_t cap, const char *lang, enum gt_text key,
                 ...);

/* --------------------------------------------------------- commands */

/* Posts a command (token and actor are set here) and puts the connection to
 * sleep; finish(rq) runs with status and text set. */
enum MHD_Result gt_rq_command(struct gt_request *rq, struct gt_event *e,
                              gt_handler *finish);
/* Puts the connection to sleep until the node's generation is past rq->seen or
 * deadline_ms is over. */
enum MHD_Result gt_rq_wait(struct gt_request *rq, gt_handler *finish);

/* --------------------------------------------------------- handlers */

gt_handler gt_http_home, gt_http_resource_page; /* http_page.c */
gt_handler gt_http_content, gt_http_object;     /* http_content.c */
gt_handler gt_http_resources, gt_http_resource; /* http_api.c */
gt_handler gt_http_health, gt_http_metrics;     /* http_metrics.c */
gt_handler gt_http_about, gt_http_statements;   /* http_xapi.c */
gt_handler gt_http_status, gt_http_wait, gt_http_publish, gt_http_withdraw,
        gt_http_fetch, gt_http_policy, gt_http_explain, gt_http_layers,
        gt_http_members, gt_http_audit, gt_http_records, gt_http_quarantine,
        gt_http_reload; /* http_admin.c */

/* Who a terminal is: 0 and rq->actor set, or an answer to send. */
bool gt_http_xapi_may(struct gt_request *rq);
enum MHD_Result gt_http_xapi_refuse(struct gt_request *rq);

void gt_http_xapi_headers(struct gt_request *rq, struct MHD_Response *rs);

/* Manifests lately used, parsed. http_content.c */
struct gt_http_cache *gt_http_cache_new(void);
void gt_http_cache_free(struct gt_http_cache *cache);
/* A query as gt_read_resources takes it from the query's arguments. False:
 * an argument is wrong and has been named in *bad. http_api.c */
bool gt_http_resource_query(struct gt_request *rq, struct gt_resource_query *q,
                            const char **bad);

#endif
