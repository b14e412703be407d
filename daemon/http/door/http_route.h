/* http_route.h: the table of routes: what, how, by whom, handled where.
 * Tests: u_http_parse.c. */
#ifndef GT_HTTP_ROUTE_H
#define GT_HTTP_ROUTE_H

#include "http_request.h"

struct gt_route {
	const char *path; /* ends in '/': everything below it */
	unsigned methods; /* enum gt_method */
	unsigned doors;   /* by which it is reached: 1 << enum gt_http_door */
	unsigned who;     /* one of these suffices */
	size_t body_max;
	/* NULL: there is nothing, and the answer that says so is dressed */
	gt_handler *handle;
	/* adds to every answer of the route; NULL: nothing */
	gt_dresser *dress;
};
/* Ended by a row without a path. */
extern const struct gt_route gt_routes[];
/* The route for a decoded path by a door and a method; the path's first if none
 * takes the method. NULL, or one without a handler: there is nothing at that
 * path. */
const struct gt_route *gt_http_route(const char *path, enum gt_http_door door,
                                     unsigned method);
/* Who says what a body may have before it comes. NULL: it is kept, up to
 * body_max. */
gt_meeter *gt_http_route_meet(const struct gt_route *r);
/* Every method that some route of that path takes. */
unsigned gt_http_route_methods(const char *path, enum gt_http_door door);

/* Its requests may come gzip'ed, and folded into a form (http_fold.h). */
bool gt_http_route_folds(const struct gt_route *route);

#endif
