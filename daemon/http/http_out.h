/* http_out.h: what is appended to a text, escaped for where it stands.
 * Tests: u_http_parse.c. */
#ifndef GT_HTTP_OUT_H
#define GT_HTTP_OUT_H

#include "buffer.h"

/* Escaped for HTML text and quoted attributes. */
void gt_out_html(struct gt_buffer *o, const char *s);
/* Percent-encoded but for unreserved characters and '/'. */
void gt_out_url(struct gt_buffer *o, const char *s);
/* "12.3 MiB" */
void gt_out_size(struct gt_buffer *o, uint64_t bytes);

#endif
