/* http_fold.h: what a body is before it is the request's: compressed, or another
 * request folded into a form (xAPI 1.0.3 part three, 1.3), for browsers that can
 * send nothing else: POST ?method=PUT with the arguments, some headers and the
 * `content` as fields.
 *
 * Any thread; every input is hostile. Tests: u_http_fold.c, u_http_xapi.c. */
#ifndef GT_HTTP_FOLD_H
#define GT_HTTP_FOLD_H

#include "base.h"

enum {
	GT_FOLD_FIELDS = 64,
	GT_FOLD_BYTES = 1 << 20, /* of a form, which anybody may send */
	/* What was compressed may be so many times as large: beyond it somebody
	 * wants our memory and not to save his line. */
	GT_INFLATE_RATIO = 200,
};

struct gt_fold {
	struct {
		const char *name, *value; /* value lies in text */
		size_t n;                 /* of it, which may hold NULs */
		bool header;              /* stands for one */
	} field[GT_FOLD_FIELDS];
	size_t n;
	char *text;   /* malloc'ed */
	bool foreign; /* a page from elsewhere sent it */
};

/* A form (application/x-www-form-urlencoded). 0; -GT_EINVALID: it is none;
 * -GT_ELIMIT: it has more fields; -GT_ENOMEM. */
int gt_fold_read(struct gt_fold **out, const void *form, size_t n);
/* NULL is fine. */
void gt_fold_free(struct gt_fold *f);
/* The header, in any letters, that a field stands for, or the argument. NULL:
 * there is none. */
const char *gt_fold_header(const struct gt_fold *f, const char *name);
const char *gt_fold_arg(const struct gt_fold *f, const char *name);
/* Whether field i is an argument. */
bool gt_fold_is_arg(const struct gt_fold *f, size_t i);
/* The field `content`. False: there is none. */
bool gt_fold_content(const struct gt_fold *f, struct gt_bytes *out);

/* What gzip packed, malloc'ed. 0; -GT_EINVALID: it is none, or not whole;
 * -GT_ELIMIT: it has more than most bytes, or GT_INFLATE_RATIO times its own;
 * -GT_ENOMEM. */
int gt_inflate(uint8_t **out, size_t *out_n, struct gt_bytes packed,
               size_t most);

#endif
