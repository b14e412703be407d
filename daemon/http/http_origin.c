#include "http_origin.h"

#include <string.h>
#include <strings.h>

#include "http_out.h"
#include "http_parse.h"

/* Where a proxy stands before it, and the proxy is. */
static const char *outside(const struct gt_config *c, enum gt_http_door door)
{
	return door == GT_DOOR_LEARNER   ? c->listen_url
	       : door == GT_DOOR_CONTENT ? c->content_url
	                                 : "";
}

bool gt_http_address(struct gt_request *rq, enum gt_http_door door,
                     char out[GT_ORIGIN_MAX])
{
	char host[GT_HOST_MAX];
	uint16_t port = rq->http->ports[door];
	out[0] = '\0';
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

bool gt_http_origin(struct gt_request *rq, enum gt_http_door door,
                    char out[GT_ORIGIN_MAX])
{
	out[0] = '\0';
	return rq->door == door || rq->door == GT_DOOR_CONTROL ||
	       gt_http_address(rq, door, out);
}

/* Without the port that its scheme has by itself, as browsers write it. */
static size_t length(const char *origin)
{
	size_t n = strlen(origin);
	bool tls = strncmp(origin, "https:", 6) == 0;
	const char *port = tls ? ":443" : ":80";
	size_t k = strlen(port);
	return n > k && strcmp(origin + n - k, port) == 0 ? n - k : n;
}

bool gt_http_from_origin(struct gt_request *rq, enum gt_http_door door)
{
	char want[GT_ORIGIN_MAX];
	const char *from = gt_rq_header(rq, "Origin");
	if (!from || !gt_http_origin(rq, door, want) || !*want)
		return false;
	size_t n = length(want);
	return length(from) == n && strncasecmp(from, want, n) == 0;
}

bool gt_http_foreign(struct gt_request *rq)
{
	return gt_rq_header(rq, "Origin") &&
	       !gt_http_from_origin(rq, GT_DOOR_CONTENT);
}

void gt_out_origin(struct gt_buffer *o, struct gt_request *rq,
                   enum gt_http_door door)
{
	char origin[GT_ORIGIN_MAX];
	(void)gt_http_origin(rq, door, origin);
	gt_out_html(o, origin);
}
