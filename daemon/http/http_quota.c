/* http_quota.c: how much a credential may do, taken as it is done.
 * Tests: u_http_access.c, e2e/test_access.py. */
#include <string.h>

#include "access.h"
#include "http_request.h"
#include "json.h"
#include "launch.h"
#include "sys.h"

static enum MHD_Result refuse(struct gt_request *rq, enum gt_quota_kind kind,
                              const char *name, int64_t wait_ms)
{
	static const enum gt_text said[GT_QUOTAS] = {
	        [GT_QUOTA_REQUESTS] = GT_T_HTTP_QUOTA_REQUESTS,
	        [GT_QUOTA_STATEMENTS] = GT_T_HTTP_QUOTA_STATEMENTS,
	        [GT_QUOTA_BYTES] = GT_T_HTTP_QUOTA_BYTES};
	char seconds[24];
	gt_format(seconds, sizeof seconds, "%lld",
	          (long long)(wait_ms + 999) / 1000);
	gt_rq_also(rq, "Retry-After", seconds);
	return gt_rq_fail(rq, 429, -GT_EBUDGET, said[kind], seconds, name);
}

bool gt_rq_spend(struct gt_request *rq, enum gt_quota_kind kind, uint64_t n,
                 enum MHD_Result *answer)
{
	int64_t wait_ms;
	if (!rq->named)
		return true;
	const char *name = rq->actor + strlen("user:");
	struct gt_now now = gt_sys_now();
	int status = rq->launch ? gt_launches_spend(
	                                  rq->http->launches,
	                                  gt_json_member(rq->launch, "session"),
	                                  kind, n, now.mono_ms, &wait_ms)
	                        : gt_access_spend(rq->http->access, name, kind,
	                                          n, now, &wait_ms);
	if (status == 0)
		return true;
	*answer = status == -GT_ELIMIT ? gt_rq_fail(rq, 413, -GT_EBUDGET,
	                                            GT_T_HTTP_QUOTA_NEVER, name)
	                               : refuse(rq, kind, name, wait_ms);
	return false;
}
