/* http_out.h: a text that grows, with escapes for where it goes.
 *
 * After an allocation failed everything is ignored and gt_out_take gives NULL:
 * callers check once, at the end.
 * Tests: u_http_parse.c. */
#ifndef GT_HTTP_OUT_H
#define GT_HTTP_OUT_H

#include "base.h"

struct gt_out {
	char *p;
	size_t n, cap;
	bool failed;
};

/* Appends n bytes, a string, or a format filled in, as they are. */
void gt_out_put(struct gt_out *o, const void *p, size_t n);
void gt_out_str(struct gt_out *o, const char *s);
void gt_out_format(struct gt_out *o, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* Escaped for HTML text and quoted attributes. */
void gt_out_html(struct gt_out *o, const char *s);
/* Percent-encoded but for unreserved characters and '/'. */
void gt_out_url(struct gt_out *o, const char *s);
/* "12.3 MiB" */
void gt_out_size(struct gt_out *o, uint64_t bytes);
/* The text, ended with NUL, now the caller's; NULL: out of memory. */
char *gt_out_take(struct gt_out *o, size_t *n);

#endif
