/* http_query.h: values out of arguments and JSON.
 * Tests: u_http_api.c. */
#ifndef GT_HTTP_QUERY_H
#define GT_HTTP_QUERY_H

#include "http_request.h"
#include "json.h"

/* A query as gt_read_resources takes it from the query's arguments. False:
 * an argument is wrong and has been named in *bad. */
bool gt_http_resource_query(struct gt_request *rq, struct gt_resource_query *q,
                            const char **bad);
/* A member of an object as a count; 0 when it is none. */
uint64_t gt_http_count(const json_t *v, const char *key);

#endif
