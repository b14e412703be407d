/* http_error.c: what went wrong, as JSON for programs, as a page for people.
 * Tests: u_http_api.c. */
#include <stdarg.h>

#include "http_html.h"
#include "translate.h"

/* The HTTP status that fits an error. */
static unsigned status_of(int code)
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
	case GT_EBUDGET:
		return 429;
	case GT_ENOSPACE:
		return 507;
	default:
		return 500;
	}
}

static enum MHD_Result fail(struct gt_request *rq, unsigned status, int code,
                            const char *message)
{
	if (gt_page_wanted(rq))
		return gt_page_error(rq, status, gt_errname(code), message);
	struct MHD_Response *rs = gt_rs_error(code, message);
	if (rs && rq->retry_ms > 0) {
		char seconds[24];
		gt_format(seconds, sizeof seconds, "%llu",
		          (unsigned long long)((rq->retry_ms + 999) / 1000));
		gt_rs_header(rs, "Retry-After", seconds);
	}
	return gt_rq_send(rq, status, rs);
}

enum MHD_Result gt_rq_fail(struct gt_request *rq, unsigned status, int code,
                           enum gt_text key, ...)
{
	char message[1024];
	va_list args;
	va_start(args, key);
	gt_http_vsay(message, sizeof message, rq->lang, key, args);
	va_end(args);
	return fail(rq, status, code, message);
}

/* The page that may be why the database failed; 0: none is known. */
static uint32_t bad_page(const struct gt_request *rq, int code)
{
	const struct gt_http_env *env = &rq->http->env;
	return code == -GT_ESTORE && env->bad_page ? env->bad_page(env->arg)
	                                           : 0;
}

enum MHD_Result gt_rq_error(struct gt_request *rq, int code,
                            const char *message)
{
	return gt_rq_error_as(rq, status_of(code), code, message);
}

enum MHD_Result gt_rq_error_as(struct gt_request *rq, unsigned status, int code,
                               const char *message)
{
	char text[GT_TRANSLATE_MAX], again[GT_TRANSLATE_MAX];
	uint32_t page = bad_page(rq, code);
	if (page > 0)
		return gt_rq_fail(rq, status, code, GT_T_HTTP_BAD_PAGE, page);
	if (!message || !*message)
		message = gt_strerror(code);
	message = gt_translate(text, rq->lang, message);
	/* what is full, or over its measure, will not always be */
	if (rq->retry_ms > 0 && (status == 507 || status == 429)) {
		gt_http_say(again, sizeof again, rq->lang, GT_T_HTTP_AGAIN,
		            message,
		            (unsigned long long)((rq->retry_ms + 999) / 1000));
		message = again;
	}
	return fail(rq, status, code, message);
}

enum MHD_Result gt_rq_json(struct gt_request *rq, unsigned status,
                           json_t *value)
{
	if (!value)
		return gt_rq_error(rq, -GT_ESTORE, "");
	return gt_rq_send(rq, status, gt_rs_json(value));
}
