/* http_answer.c: what every answer has in common.
 * Tests: u_http.c, u_http_api.c. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_fold.h"
#include "http_request.h"

const char *gt_http_door_name(enum gt_http_door door)
{
	static const char *const names[GT_DOORS] = {"listen", "content",
	                                            "staff", "control"};
	return names[door];
}

const char *gt_rq_header(struct gt_request *rq, const char *name)
{
	const char *field = rq->fold ? gt_fold_header(rq->fold, name) : NULL;
	if (field)
		return field;
	/* what it says of the form is not said of what is in it */
	if (rq->fold && strcasecmp(name, "Content-Type") == 0)
		return "application/json";
	/* a browser sends it along by itself, with whatever page's form */
	if (rq->fold && rq->fold->foreign &&
	    strcasecmp(name, "Authorization") == 0)
		return NULL;
	return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND,
	                                   name);
}

const char *gt_rq_host(struct gt_request *rq)
{
	return *rq->host ? rq->host : gt_rq_header(rq, "Host");
}

unsigned gt_rq_keep(struct gt_request *rq, const char *p, size_t n)
{
	size_t cap = rq->body_cap ? rq->body_cap : 4096;
	if (n > rq->body_max - rq->nbody)
		return 413;
	while (cap < rq->nbody + n)
		cap *= 2;
	size_t more = cap - rq->body_cap;
	atomic_size_t *all = rq->http->bodies;
	bool counted = rq->door != GT_DOOR_CONTROL;
	bool fits = !counted || more == 0 ||
	            atomic_fetch_add(all, more) + more <= GT_HTTP_BODIES_MAX;
	uint8_t *body = !fits ? NULL : more ? realloc(rq->body, cap) : rq->body;
	if (!body) {
		if (counted)
			atomic_fetch_sub(all, more);
		return 503;
	}
	rq->body = body;
	rq->body_cap = cap;
	memcpy(rq->body + rq->nbody, p, n);
	rq->nbody += n;
	return 0;
}

void gt_rq_args(struct gt_request *rq, MHD_KeyValueIterator take, void *arg)
{
	if (!rq->fold) {
		MHD_get_connection_values(rq->connection, MHD_GET_ARGUMENT_KIND,
		                          take, arg);
		return;
	}
	for (size_t i = 0; i < rq->fold->n; i++)
		if (gt_fold_is_arg(rq->fold, i) &&
		    take(arg, MHD_GET_ARGUMENT_KIND, rq->fold->field[i].name,
		         rq->fold->field[i].value) != MHD_YES)
			return;
}

const char *gt_rq_arg(struct gt_request *rq, const char *name)
{
	if (rq->fold)
		return gt_fold_arg(rq->fold, name);
	return MHD_lookup_connection_value(rq->connection,
	                                   MHD_GET_ARGUMENT_KIND, name);
}

void gt_rs_header(struct MHD_Response *rs, const char *name, const char *value)
{
	(void)MHD_add_response_header(rs, name, value);
}

void gt_rq_also(struct gt_request *rq, const char *name, const char *value)
{
	assert(rq->nalso < sizeof rq->also / sizeof *rq->also);
	rq->also[rq->nalso].name = name;
	rq->also[rq->nalso++].value = value;
}

enum MHD_Result gt_rq_send(struct gt_request *rq, unsigned status,
                           struct MHD_Response *rs)
{
	if (!rs)
		return MHD_NO; /* out of memory: close */
	gt_rs_header(rs, "X-Content-Type-Options", "nosniff");
	gt_rs_header(rs, "Referrer-Policy", "same-origin");
	if (rq->wide) /* its room would be kept, and cleared for the next */
		gt_rs_header(rs, "Connection", "close");
	if (rq->dress)
		rq->dress(rq, rs);
	for (unsigned i = 0; i < rq->nalso; i++)
		gt_rs_header(rs, rq->also[i].name, rq->also[i].value);
	enum MHD_Result done = MHD_queue_response(rq->connection, status, rs);
	MHD_destroy_response(rs);
	rq->answered = true;
	return done;
}

void gt_http_methods_text(char out[GT_HTTP_METHODS_TEXT], unsigned methods)
{
	static const struct {
		unsigned method;
		const char *name;
	} row[] = {{GT_HTTP_GET, "GET, HEAD"},
	           {GT_HTTP_POST, "POST"},
	           {GT_HTTP_PUT, "PUT"},
	           {GT_HTTP_DELETE, "DELETE"},
	           {GT_HTTP_OPTIONS, "OPTIONS"}};
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		if (!(methods & row[i].method))
			continue;
		gt_format(out + n, GT_HTTP_METHODS_TEXT - n, "%s%s",
		          n ? ", " : "", row[i].name);
		n += strlen(out + n);
	}
}

struct MHD_Response *gt_rs_empty(void)
{
	return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
}

struct MHD_Response *gt_rs_text(const char *type, char *text, size_t n)
{
	if (!text)
		return NULL;
	struct MHD_Response *rs =
	        MHD_create_response_from_buffer(n, text, MHD_RESPMEM_MUST_FREE);
	if (!rs) {
		free(text);
		return NULL;
	}
	gt_rs_header(rs, "Content-Type", type);
	gt_rs_header(rs, "Cache-Control", "no-store");
	return rs;
}

enum MHD_Result gt_rq_text(struct gt_request *rq, unsigned status,
                           const char *type, char *text, size_t n)
{
	return gt_rq_send(rq, status, gt_rs_text(type, text, n));
}

struct MHD_Response *gt_rs_json(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	return gt_rs_text("application/json", text, text ? strlen(text) : 0);
}

struct MHD_Response *gt_rs_error(int code, const char *message)
{
	json_t *v = json_pack("{s:s,s:s}", "error", gt_errname(code), "message",
	                      message);
	if (!v) /* a message that is no UTF-8 */
		v = json_pack("{s:s,s:s}", "error", gt_errname(code), "message",
		              gt_strerror(code));
	return gt_rs_json(v);
}

/* Formats come from texts.def, where both languages have the same
 * conversions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
void gt_http_vsay(char *out, size_t cap, const char *lang, enum gt_text key,
                  va_list args)
{
	const char *fmt = lang ? gt_text_in(lang, key) : gt_text(key);
	int n = vsnprintf(out, cap, fmt, args);
	assert(n >= 0);
}
#pragma GCC diagnostic pop

void gt_http_say(char *out, size_t cap, const char *lang, enum gt_text key, ...)
{
	va_list args;
	va_start(args, key);
	gt_http_vsay(out, cap, lang, key, args);
	va_end(args);
}
