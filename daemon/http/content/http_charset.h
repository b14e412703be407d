/* http_charset.h: what encoding a text of a package is said to be in.
 *
 * What HTTP says beats what a page says of itself, so nothing is said that is
 * not so: utf-8 where the bytes are UTF-8, gb18030 where a plain text decodes as
 * that, else nothing, and the page's own <meta> or @charset decides. It is told
 * from the first megabyte, once for each text: a member's bytes never change. */
#ifndef GT_HTTP_CHARSET_H
#define GT_HTTP_CHARSET_H

#include "http_body.h"

enum gt_charset { GT_CHARSET_NONE, GT_CHARSET_UTF8, GT_CHARSET_GB18030 };

enum { GT_CHARSET_HEAD = 1024 }; /* where HTML declares it */

/* Bytes of a text, looked at as they come. Zero it to begin. */
struct gt_charset_look {
	bool high;           /* not ASCII alone */
	bool no_utf8, no_gb; /* is not that */
	uint8_t more;        /* of a UTF-8 character */
	uint8_t low, top;    /* bounds of its next byte */
	uint8_t gb;          /* bytes of a GB18030 character so far */
	size_t nhead;
	char head[GT_CHARSET_HEAD];
};
void gt_charset_feed(struct gt_charset_look *l, const uint8_t *p, size_t n);
/* What text of this media type is said to be in; whole: nothing is left. */
enum gt_charset gt_charset_end(const struct gt_charset_look *l,
                               const char *media_type, bool whole);

/* The Content-Type of a member that is served as this media type: with what
 * there is to say of the charset (then in room). *shelf, the member's, stays the
 * caller's, and may become another; NULL after a failure. */
enum { GT_CHARSET_TYPE = GT_MEDIA_TYPE_MAX + 32 };
const char *gt_charset_type(struct gt_http *http, struct gt_worker *w,
                            struct gt_shelf **shelf, const struct gt_member *m,
                            const char *media_type, char room[GT_CHARSET_TYPE]);

#endif
