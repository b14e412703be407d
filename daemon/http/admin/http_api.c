/* http_api.c: the catalogue as JSON. */
#include <string.h>

#include "http_parse.h"
#include "http_request.h"

bool gt_http_resource_query(struct gt_request *rq, struct gt_resource_query *q,
                            const char **bad)
{
	const char *verdict = gt_rq_arg(rq, "verdict");
	const char *limit = gt_rq_arg(rq, "limit");
	uint64_t n = 0;
	*q = (struct gt_resource_query){
	        .text = gt_rq_arg(rq, "q"),
	        .type = gt_rq_arg(rq, "type"),
	        .audience = gt_rq_arg(rq, "audience"),
	        .subject = gt_rq_arg(rq, "subject"),
	        .state = gt_rq_arg(rq, "state"),
	        .after = gt_rq_arg(rq, "after"),
	        .verdict = -1,
	};
	/* a form sends its empty fields too */
	const char **const texts[] = {&q->text,    &q->type,  &q->audience,
	                              &q->subject, &q->state, &q->after};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (*texts[i] && !**texts[i])
			*texts[i] = NULL;
	*bad = NULL;
	if (verdict && *verdict) {
		q->verdict = gt_verdict_parse(verdict);
		if (q->verdict < 0)
			*bad = "verdict";
	}
	if (limit && !gt_http_number(limit, 1000, &n))
		*bad = "limit";
	q->limit = (size_t)n;
	return !*bad;
}

enum MHD_Result gt_http_resources(struct gt_request *rq)
{
	struct gt_resource_query q;
	const char *bad;
	if (!gt_http_resource_query(rq, &q, &bad))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  bad);
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *page = w ? gt_read_resources(w->reader, &q) : NULL;
	gt_worker_give(rq->http, w);
	return gt_rq_json(rq, 200, page);
}

enum MHD_Result gt_http_resource(struct gt_request *rq)
{
	struct gt_worker *w = gt_worker_take(rq->http);
	json_t *r = w ? gt_read_resource(w->reader, rq->rest) : NULL;
	gt_worker_give(rq->http, w);
	if (!json_is_null(r))
		return gt_rq_json(rq, 200, r);
	json_decref(r);
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RESOURCE,
	                  rq->rest);
}
