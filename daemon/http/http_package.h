/* http_package.h: a resource and the files of its package, as far as its
 * manifest is here.
 * Tests: u_http.c, u_http_api.c. */
#ifndef GT_HTTP_PACKAGE_H
#define GT_HTTP_PACKAGE_H

#include "http_request.h"
#include "shelf.h"

/* The package of a resource as gt_read_resource gives it: *out is its index, to
 * be given back, or NULL where it is not here, or damaged. Then "start" becomes
 * what a reader opens first (object/start.h) whatever the entry names, and
 * start and thumbnail are "" rather than no file. 0, or as gt_shelf_take. */
int gt_http_package(struct gt_request *rq, struct gt_worker *w, json_t *r,
                    struct gt_shelf **out);
/* Its first files, at most n, as [{"path","size","media_type"}]. *s may become
 * another. NULL: out of memory, or it cannot be read. */
json_t *gt_http_first_files(struct gt_request *rq, struct gt_worker *w,
                            struct gt_shelf **s, size_t n);
/* Answers with what gt_read_resource says, and all its files, "files", behind
 * it where the manifest is here. They are sent as they are read, so that a slow
 * client holds few of them; none with ?files=0. JSON null where there is no such resource, or what
 * absent answers. */
enum MHD_Result gt_http_whole_resource(struct gt_request *rq, const char *rid,
                                       gt_handler *absent);

#endif
