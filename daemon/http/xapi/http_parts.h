/* http_parts.h: attachments that come with statements, and go out with them.
 *
 * A body of several parts is read as it comes: the statements are kept in
 * memory, attachments go to files (disk/annex.h), and what is wrong is said when
 * the body is over. Attachments are durable before the core hears of them.
 * Tests: e2e/test_attachments.py. */
#ifndef GT_HTTP_PARTS_H
#define GT_HTTP_PARTS_H

#include "http_xapi_inside.h"

/* What is wrong with the parts of a body that is whole. 0; or -GT_E..., *answer
 * is how the request was answered. One that has no parts is in order. */
int gt_xapi_parts_check(struct gt_request *rq, enum MHD_Result *answer);
/* Whether the parts and the statements are of one another, and who signs does
 * sign. As above. */
int gt_xapi_parts_match(struct gt_request *rq, const struct gt_statement *v,
                        size_t n, enum MHD_Result *answer);
/* Makes all parts durable, and tells of them in e; as above. */
int gt_xapi_parts_keep(struct gt_request *rq, struct gt_event *e,
                       enum MHD_Result *answer);
/* The core has answered: what it was told of stays, or it does not. */
void gt_xapi_parts_taken(struct gt_request *rq, int status);

/* Answers with JSON, taken over, and with the attachments that its statements
 * name, each once, as multipart/mixed. What is not here is left out, and said in
 * X-Guantong-Attachments-Missing. modified: Last-Modified; NULL: none. */
enum MHD_Result gt_xapi_parts_send(struct gt_request *rq, struct gt_worker *w,
                                   char *text, size_t n, const char *modified);

#endif
