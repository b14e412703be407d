/* http_api.c: the catalogue as JSON. */
#include "http_admin.h"
#include "http_package.h"
#include "http_query.h"

enum MHD_Result gt_http_resources(struct gt_request *rq)
{
	struct gt_resource_query q;
	const char *bad;
	if (!gt_http_resource_query(rq, &q, &bad))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  bad);
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *page = w ? gt_read_resources(w->reader, &q) : NULL;
	gt_worker_give(rq->http->workers, w);
	return gt_rq_json(rq, 200, page);
}

static enum MHD_Result no_resource(struct gt_request *rq)
{
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_RESOURCE,
	                  rq->rest);
}

enum MHD_Result gt_http_resource(struct gt_request *rq)
{
	return gt_http_whole_resource(rq, rq->rest, no_resource);
}
