/* multipart.h: a body of several parts, as xAPI sends attachments: RFC 2046,
 * multipart/mixed.
 *
 * The reader is fed pieces of any size and keeps no more than the head of one
 * part: what lies in a part goes by. Lines end in CR LF. What stands before the
 * first boundary and behind the last is passed over. Of a part's head three
 * fields count, each once at most: Content-Type, Content-Transfer-Encoding,
 * X-Experience-API-Hash, in any case, folded or not.
 *
 * Tests: u_multipart.c, fuzz/f_multipart.c. */
#ifndef GT_MULTIPART_H
#define GT_MULTIPART_H

#include "buffer.h"

enum {
	GT_BOUNDARY_MAX = 70, /* chars, RFC 2046 5.1.1 */
	GT_PART_HEAD_MAX = 8 << 10,
	GT_PART_FIELD_MAX = 256, /* chars of one that counts */
};

/* The head of a part. A field it has not is "". */
struct gt_part {
	char type[GT_PART_FIELD_MAX];     /* Content-Type */
	char encoding[GT_PART_FIELD_MAX]; /* Content-Transfer-Encoding */
	char hash[GT_PART_FIELD_MAX];     /* X-Experience-API-Hash */
};

/* What is met, in order: a part, its bytes in pieces of any size, its end. 0 to
 * go on, or -GT_E..., which gt_multipart_feed returns; then the reader is not
 * to be fed again. */
struct gt_multipart_events {
	int (*part)(void *arg, const struct gt_part *head);
	int (*bytes)(void *arg, struct gt_bytes piece);
	int (*end)(void *arg);
};

/* A reader. Nothing in it is to be freed but its head. */
struct gt_multipart {
	const struct gt_multipart_events *events;
	void *arg;
	int state;
	char boundary[4 + GT_BOUNDARY_MAX + 1]; /* CR LF -- boundary */
	size_t n;                               /* of it */
	size_t met;  /* bytes of the boundary met last */
	size_t line; /* of those, what ends the line before and is no data */
	bool in_part;
	size_t parts;
	struct gt_buffer head;
	const char *why; /* what is wrong, a sentence; NULL: nothing here */
};

/* The boundary that a Content-Type of multipart/mixed names. False: it is of
 * another type, or names none that may be one. */
bool gt_multipart_boundary(char out[GT_BOUNDARY_MAX + 1],
                           const char *content_type);
/* Whether a Content-Type says that the body is of several parts, of whichever
 * kind. */
bool gt_multipart_is(const char *content_type);

/* Begins to read. boundary is copied, events are borrowed. */
void gt_multipart_begin(struct gt_multipart *m, const char *boundary,
                        const struct gt_multipart_events *events, void *arg);
/* The next piece of the body. 0; -GT_EINVALID, -GT_ELIMIT, with m->why;
 * -GT_ENOMEM; or what an event returned. */
int gt_multipart_feed(struct gt_multipart *m, struct gt_bytes piece);
/* The body is over. 0; -GT_EINVALID with m->why: the last boundary has not
 * come. */
int gt_multipart_end(struct gt_multipart *m);
/* Frees what was kept of a head; also of one that was never begun, if it is
 * zero. */
void gt_multipart_free(struct gt_multipart *m);

/* Writes the line that begins a part, and its head: that of the statements if
 * hash is "", of an attachment else. What follows is the part's bytes. */
void gt_multipart_put(struct gt_buffer *out, const char *boundary, bool first,
                      const char *type, const char *hash);
/* Writes the line that ends all. */
void gt_multipart_close(struct gt_buffer *out, const char *boundary);

#endif
