/* http_xapi_inside.h: what the resources under /xapi/ share.
 *
 * A resource's handler begins with gt_xapi_begin, looks up what it answers with
 * afterwards, and takes gt_xapi_through once more behind a command to the core.
 * Every answer, also a refusal, gets its headers from gt_http_xapi_headers. A
 * resource is a row for each of its methods in door/http_route.c, and Allow,
 * preflights and CORS say what is written there. */
#ifndef GT_HTTP_XAPI_INSIDE_H
#define GT_HTTP_XAPI_INSIDE_H

#include "http_xapi.h"
#include "query.h"
#include "statement.h"

/* The request's version is taken from its header, which alone judges it. False:
 * it has been answered, being a browser's question (OPTIONS) or of no version. */
bool gt_xapi_begin(struct gt_request *rq, enum MHD_Result *answer);
/* What is stored up to this moment is seen by who looks from here on, and what
 * will be bears a later one: the answer says so. To be called before the
 * database is asked. */
void gt_xapi_through(struct gt_request *rq);

/* The request's arguments, by the table of src/xapi/query.h; they live as long as
 * rq does, and q is to be freed (gt_query_free). False: it has been answered, and
 * there is nothing to free. */
bool gt_xapi_query(struct gt_request *rq, enum gt_query_kind kind,
                   struct gt_query_args *q, enum MHD_Result *answer);

enum { GT_XAPI_ETAG = 44 };
/* "<sha1>", quoted, of what is given out. */
void gt_xapi_etag(char out[GT_XAPI_ETAG], const void *p, size_t n);
/* The caller has what bears that etag (If-None-Match). */
bool gt_xapi_unchanged(struct gt_request *rq, const char *etag);

/* The document of a launch that the course may read alone. */
#define GT_LAUNCH_DATA "LMS.LaunchData"
/* Whether what is asked for is within what the caller's launch is bound to, if he is a
 * course: as far as the arguments tell (gt_xapi_begin asks), and of statements that
 * are handed in. False: it has been answered, with what is not. */
bool gt_xapi_within(struct gt_request *rq, enum MHD_Result *answer);
bool gt_xapi_within_statements(struct gt_request *rq,
                               const struct gt_statement *v, size_t n,
                               enum MHD_Result *answer);

/* How far the caller is known: his part of a statement's flags. */
uint32_t gt_xapi_known(const struct gt_request *rq);
/* The agent this node answers for, as JSON that the caller frees: a name at this
 * node, which no credential of a terminal can have if it is an operator's. NULL:
 * out of memory. */
char *gt_xapi_authority(struct gt_request *rq);
enum { GT_XAPI_SHARE = 96 };
/* Whose share of what may be handed in it is: the name's, or else the address's
 * (of IPv6 the network's, for a terminal has as many as it likes). "": an
 * operator's, who has none. */
void gt_xapi_share(const struct gt_request *rq, char out[GT_XAPI_SHARE]);

#endif
