#include "http_origin.h"

#include "http_out.h"
#include "http_parse.h"

/* Where a proxy stands before it, and the proxy is. */
static const char *outside(const struct gt_config *c, enum gt_http_door door)
{
	return door == GT_DOOR_LEARNER   ? c->listen_url
	       : door == GT_DOOR_CONTENT ? c->content_url
	                                 : "";
}

bool gt_http_origin(struct gt_request *rq, enum gt_http_door door,
                    char out[GT_ORIGIN_MAX])
{
	char host[GT_HOST_MAX];
	uint16_t port = rq->http->ports[door];
	out[0] = '\0';
	if (rq->door == door || rq->door == GT_DOOR_CONTROL)
		return true;
	if (port == 0)
		return false;
	const char *url = outside(rq->http->env.config, door);
	if (*url)
		return gt_copy(out, GT_ORIGIN_MAX, url);
	if (!gt_http_host(host, gt_rq_host(rq)))
		return false;
	gt_format(out, GT_ORIGIN_MAX, "http%s://%s:%u",
	          rq->http->tls[door] ? "s" : "", host, (unsigned)port);
	return true;
}

void gt_out_origin(struct gt_buffer *o, struct gt_request *rq,
                   enum gt_http_door door)
{
	char origin[GT_ORIGIN_MAX];
	(void)gt_http_origin(rq, door, origin);
	gt_out_html(o, origin);
}
