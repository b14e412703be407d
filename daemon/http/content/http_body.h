/* http_body.h: an object's bytes on their way out.
 *
 * No byte leaves that was not verified: a frame is read whole, compared with
 * its hash, and only then sliced. A reader holds one frame, however slow it is
 * and whatever the package. What turns out damaged ends the connection
 * and is reported to the core, which fetches it again; so is a file that is
 * not there.
 * Tests: u_http.c. */
#ifndef GT_HTTP_BODY_H
#define GT_HTTP_BODY_H

#include "http_request.h"
#include "shelf.h"

/* What of an object is to be sent, and as what. */
struct gt_http_body {
	struct gt_id object;
	struct gt_shelf *shelf; /* of it */
	bool stored;            /* frames as they are */
	bool whole;             /* the object's file, seek table and all */
	uint64_t start;         /* in the plain (or stored) stream */
};

/* The bytes [start, + n) as a response. Takes over the shelf. w, a worker at
 * hand, reads the first frame now; NULL: it is read as it is sent. NULL, with
 * *status: -GT_EUNAVAILABLE, the object's file, or that frame, is gone or
 * damaged; -GT_EIO; -GT_ESTORE; -GT_ENOMEM. */
struct MHD_Response *gt_http_body(struct gt_http *http, struct gt_worker *w,
                                  const struct gt_http_body *what, uint64_t n,
                                  int *status);

/* Shows take the plain bytes [start, + n), in pieces, until it has seen enough
 * (false) or they end. *shelf stays the caller's, and may become another; NULL
 * after a failure. 0, or as gt_http_body. */
typedef bool gt_http_look(void *arg, const uint8_t *p, size_t n);
int gt_http_body_look(struct gt_http *http, struct gt_worker *w,
                      struct gt_shelf **shelf, uint64_t start, uint64_t n,
                      gt_http_look *take, void *arg);

#endif
