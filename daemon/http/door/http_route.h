/* http_route.h: the table of routes: what, how, by whom, handled where.
 * Tests: u_http_parse.c. */
#ifndef GT_HTTP_ROUTE_H
#define GT_HTTP_ROUTE_H

#include "http_request.h"

/* Who may call, and what a caller is; a set. Whoever opens the control socket
 * is all of them; at a listener a caller is ANYBODY, and a TERMINAL when it has
 * proved its name or the node has no users. */
enum gt_http_who {
	GT_HTTP_ANYBODY = 1u << 0,
	GT_HTTP_TERMINAL = 1u << 1, /* sends learner records, asks for them */
	GT_HTTP_VIEW = 1u << 2,     /* sees how the node is */
	GT_HTTP_PUBLISH = 1u << 3,  /* publishes, withdraws */
	GT_HTTP_OPERATE = 1u << 4,  /* policy, roster, what is fetched */
	GT_HTTP_AUDIT = 1u << 5,    /* sees who did what, and whose records */
};

struct gt_route {
	const char *path; /* ends in '/': everything below it */
	unsigned methods; /* enum gt_method */
	unsigned doors;   /* by which it is reached: 1 << enum gt_http_door */
	unsigned who;     /* one of these suffices */
	size_t body_max;
	gt_handler *handle;
	/* adds to every answer of the route; NULL: nothing */
	gt_dresser *dress;
};
/* Ended by a row without a path. */
extern const struct gt_route gt_routes[];
/* The route for a decoded path by a door. NULL: there is none. */
const struct gt_route *gt_http_route(const char *path, enum gt_http_door door);

#endif
