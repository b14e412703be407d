/* http_media.h: which files a browser merely shows, and which may run.
 *
 * A publisher names a file's media type, and browsers go by it. What is known
 * to run nothing of its own by being opened is on a list; everything else but
 * pages, the unknown and the misspelt included, is held in a sandbox. */
#ifndef GT_HTTP_MEDIA_H
#define GT_HTTP_MEDIA_H

#include "object.h"

enum { GT_MEDIA_SERVED = GT_MEDIA_TYPE_MAX + 1 };

/* A member's media type as it is sent: "type/subtype" in small letters, with
 * its parameters if they are well formed, without them if not; what is no type
 * is application/octet-stream. */
void gt_http_media(char out[GT_MEDIA_SERVED], const char *type);
/* Whether it is a page, as packages are made of: these embed what browsers do not
 * show in a sandbox (PDF), and may all that their origin lets them. */
bool gt_http_page(const char *served);
/* Whether such a type, opened in a browser, runs no script of the file's. */
bool gt_http_inert(const char *served);

#endif
