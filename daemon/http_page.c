#include "http_request.h"
enum MHD_Result gt_http_home(struct gt_request *rq)
{
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
}
enum MHD_Result gt_http_resource_page(struct gt_request *rq)
{
	return gt_rq_fail(rq, 404, -GT_EUNKNOWN, GT_T_HTTP_NO_ROUTE);
}
