/* attachment.h: what a statement says of its attachments, and whether what was
 * sent with it is that.
 *
 * A statement names an attachment by its sha2, in its own list or in that of
 * its SubStatement. `length` is told and not judged: what has the digest is what
 * was meant, however long somebody took it to be.
 *
 * Tests: u_attachment.c, fuzz/f_attachment.c. */
#ifndef GT_ATTACHMENT_H
#define GT_ATTACHMENT_H

#include "sha2.h"
#include "statement.h"

enum { GT_ATTACHMENT_PATH = 64 };

struct gt_attachment {
	struct gt_sha2 sha2;
	bool linked; /* it has a fileUrl: its bytes need not come */
	bool signs;  /* it is the statement's signature (jws.h) */
	bool octets; /* its contentType is application/octet-stream */
	bool sub;    /* it is the SubStatement's */
	/* contentType; application/octet-stream where it is longer */
	char type[GT_MEDIA_TYPE_MAX + 1];
	char path[GT_ATTACHMENT_PATH]; /* "object.attachments[3]" */
};

struct gt_attachments {
	struct gt_attachment *v; /* from malloc */
	size_t n, cap;
};

/* Appends what the statement names; the same digest as often as it is named.
 * Of JSON that is no valid statement whatever looks like it. 0, -GT_ENOMEM. */
int gt_attachments_add(struct gt_attachments *list, struct gt_bytes body);
/* Frees them; *list is empty then. */
void gt_attachments_free(struct gt_attachments *list);
/* The first that has the digest; NULL: none. */
const struct gt_attachment *gt_attachments_find(const struct gt_attachments *l,
                                                const struct gt_sha2 *sha2);

/* Whether a signature's payload is the statement: of its likeness (form.h) once
 * the signatures themselves are left out of the list of attachments, and the
 * same id, where both have one. 0; -GT_EINVALID, and why; -GT_ENOMEM. */
int gt_attachment_signs(struct gt_bytes statement, struct gt_bytes payload,
                        char *why, size_t why_cap);

#endif
