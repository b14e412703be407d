/* http_answer.c: what every answer has in common. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_html.h"
#include "http_wait.h"
#include "translate.h"

const char *gt_rq_header(struct gt_request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND,
	                                   name);
}

const char *gt_rq_arg(struct gt_request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->connection,
	                                   MHD_GET_ARGUMENT_KIND, name);
}

void gt_rs_header(struct MHD_Response *rs, const char *name, const char *value)
{
	(void)MHD_add_response_header(rs, name, value);
}

enum MHD_Result gt_rq_send(struct gt_request *rq, unsigned status,
                           struct MHD_Response *rs)
{
	if (!rs)
		return MHD_NO; /* out of memory: close */
	gt_rs_header(rs, "X-Content-Type-Options", "nosniff");
	gt_rs_header(rs, "Referrer-Policy", "same-origin");
	if (rq->xapi)
		gt_http_xapi_headers(rq, rs);
	enum MHD_Result done = MHD_queue_response(rq->connection, status, rs);
	MHD_destroy_response(rs);
	rq->answered = true;
	return done;
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

enum MHD_Result gt_rq_json(struct gt_request *rq, unsigned status,
                           json_t *value)
{
	if (!value)
		return gt_rq_error(rq, -GT_ESTORE, "");
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	return gt_rq_text(rq, status, "application/json", text,
	                  text ? strlen(text) : 0);
}

static enum MHD_Result fail(struct gt_request *rq, unsigned status, int code,
                            const char *message)
{
	if (gt_page_wanted(rq))
		return gt_page_error(rq, status, gt_errname(code), message);
	json_t *v = json_pack("{s:s,s:s}", "error", gt_errname(code), "message",
	                      message);
	if (!v) /* a message that is no UTF-8 */
		v = json_pack("{s:s,s:s}", "error", gt_errname(code), "message",
		              gt_strerror(code));
	return v ? gt_rq_json(rq, status, v) : MHD_NO;
}

/* Formats come from texts.def, where both languages have the same
 * conversions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void say(char *out, size_t cap, const char *lang, enum gt_text key,
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
	say(out, cap, lang, key, args);
	va_end(args);
}

enum MHD_Result gt_rq_fail(struct gt_request *rq, unsigned status, int code,
                           enum gt_text key, ...)
{
	char message[1024];
	va_list args;
	va_start(args, key);
	say(message, sizeof message, rq->lang, key, args);
	va_end(args);
	return fail(rq, status, code, message);
}

unsigned gt_http_status_of(int code)
{
	switch (code < 0 ? -code : code) {
	case GT_EUNKNOWN:
		return 404;
	case GT_EDENIED:
		return 403;
	case GT_ECONFLICT:
	case GT_ESTALE:
	case GT_ESTATE:
		return 409;
	case GT_EINVALID:
	case GT_EMALFORMED:
	case GT_ESIGNATURE:
	case GT_EDAMAGED:
	case GT_EIDENTITY:
		return 400;
	case GT_ELIMIT:
		return 413;
	case GT_EBUSY:
	case GT_EUNAVAILABLE:
	case GT_ECLOSED:
		return 503;
	case GT_ETIMEOUT:
		return 504;
	case GT_ENOSPACE:
		return 507;
	default:
		return 500;
	}
}

enum MHD_Result gt_rq_error(struct gt_request *rq, int code,
                            const char *message)
{
	char text[GT_TRANSLATE_MAX];
	if (!message || !*message)
		message = gt_strerror(code);
	message = gt_translate(text, rq->lang, message);
	return fail(rq, gt_http_status_of(code), code, message);
}
