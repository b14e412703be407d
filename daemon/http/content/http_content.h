/* http_content.h: the content itself: members of objects, objects as files.
 *
 * http_content.c chooses: which object serves a resource, which member, plain
 * or compressed as stored, whole or in part; http_body.c carries the bytes out,
 * verified; http_charset.c tells what a text is in. What is where in a package
 * its index says (disk/shelf.h), and no more of it is held than is being sent.
 * The room may use the machinery
 * of daemon/http, disk, and page, whose page a browser is shown while files are
 * on their way. It promises that no byte leaves unverified, that an ETag names
 * the bytes it comes with, and that a package's scripts run in an origin of
 * their own. What is not here but may be fetched is asked for and answered with
 * 503 until it is.
 * Tests: u_http.c, browser/test_packages.py. */
#ifndef GT_HTTP_CONTENT_H
#define GT_HTTP_CONTENT_H

#include "http_request.h"

/* GET /c/RID/PATH; without a path, a redirect to where the resource starts; of a
 * folder, its index.html. OPTIONS is answered as browsers ask across origins. */
gt_handler gt_http_content;
/* GET /o/HEX.tar.zst */
gt_handler gt_http_object;
/* Either, asked for where content is not: sends the client on to the same path
 * at the content listener, at the host he named; 404 when that is off. */
gt_handler gt_http_to_content;

#endif
