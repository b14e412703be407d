/* http_origin.h: the addresses of the node's listeners as a client sees them.
 *
 * Learners, content and staff have a listener each, so that browsers take what
 * comes from one for foreign to the others. Who is at one door and wants what
 * is behind another is told the name he used himself, with the other's port.
 * Tests: u_http_doors.c. */
#ifndef GT_HTTP_ORIGIN_H
#define GT_HTTP_ORIGIN_H

#include "buffer.h"
#include "http_request.h"

enum { GT_ORIGIN_MAX = 320 };

/* "http://HOST:PORT" of a listener, whichever the request came by, or what the
 * configuration says that browsers write for it (http.listen_url,
 * http.content_url). False, and "": the listener is off, or the client named no
 * host. */
bool gt_http_address(struct gt_request *rq, enum gt_http_door door,
                     char out[GT_ORIGIN_MAX]);
/* "http://HOST:PORT" of another listener, or what the configuration says that
 * browsers write for it (http.listen_url, http.content_url); "" when the
 * request came by that listener or by the control socket, where everything is.
 * False, and "": the listener is off, or the client named no host. */
bool gt_http_origin(struct gt_request *rq, enum gt_http_door door,
                    char out[GT_ORIGIN_MAX]);
/* Whether a page is from that listener, as its Origin header has it: by the
 * name its reader uses, a scheme's own port left out. False: it has none. */
bool gt_http_from_origin(struct gt_request *rq, enum gt_http_door door);
/* A page from elsewhere sent it, as a browser says: none of a package of this
 * node. False: also where nobody says. */
bool gt_http_foreign(struct gt_request *rq);
/* Appends that origin, escaped for HTML; nothing when there is none. */
void gt_out_origin(struct gt_buffer *o, struct gt_request *rq,
                   enum gt_http_door door);

#endif
