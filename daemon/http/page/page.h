/* page.h: pages for people, in their language, without a script.
 *
 * One page is one handler: it asks src/read for JSON and the core for the
 * status, and writes HTML through http_html.h, which escapes. The room may use
 * the machinery of daemon/http, none of the rooms beside it. It promises that
 * every page can be read without colour, styles or a mouse, and that nothing a
 * catalogue says is taken for markup. What a browser is told when something
 * goes wrong is http_html.h's. */
#ifndef GT_PAGE_H
#define GT_PAGE_H

#include "http_html.h"

/* GET /: how the node is, what it has. http_page.c */
gt_handler gt_http_home;
/* GET /r/RID: one resource. http_page_resource.c */
gt_handler gt_http_resource_page;
/* GET /verify/ID: a certificate issued here, to print, and whether it is
 * genuine now; for whoever has its id. http_page_certificate.c */
gt_handler gt_http_certificate_page;
/* GET /verify: a form for the file of a certificate; POST: whether it is genuine,
 * as a page or, for who takes no HTML, as gt_read_verify says it.
 * http_page_verify.c */
gt_handler gt_http_verify_page;
/* What gt_read_verify says of one, as a list of facts. http_page_certificate.c */
void gt_page_certificate(struct gt_page *p, const json_t *v);
/* Nobody can bring what is damaged of it here: it has to be published again. */
bool gt_page_lost(const json_t *resource);
/* In place of a member: the resource's files are on their way here. */
enum MHD_Result gt_page_arriving(struct gt_request *rq, const json_t *resource);

#endif
