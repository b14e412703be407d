/* certificate.h: certificates of completion, issued and revoked by this node
 * (trust/credential.h says what one is).
 *
 * One statement has one certificate: to ask again answers with the same. Each
 * has a bit of a list; what is revoked stays so. The list is signed anew, with
 * its time, whenever one of it is revoked, and first when one of it is issued
 * (certificate_list.h).
 *
 * Returns as turn.h says; who asked is answered.
 * Tests: u_certificate.c, e2e/test_certificates.py. */
#ifndef GT_CERTIFICATE_H
#define GT_CERTIFICATE_H

#include "buffer.h"
#include "turn.h"

struct gt_about;

/* What is to be certified, and how. Texts are borrowed; "" where there is none. */
struct gt_order {
	struct gt_bytes statement; /* its id */
	const char *name;          /* to be printed; "": as it says */
	const char *title;         /* of what was learned; "": as it says */
	const char *issuer;        /* what this node is called */
	const char *actor, *rule;  /* for the audit */
};
/* Issues one for a statement that has none: *text is the document. *why: a
 * sentence, it cannot be certified; NULL: it is. */
int gt_certificate_make(struct gt_node *n, const struct gt_order *o,
                        const struct gt_about *about, struct gt_buffer *text,
                        const char **why);

/* GT_EV_CERTIFY: answered with the document. */
int gt_certificate_issue(struct gt_node *n, const struct gt_event *e);
/* GT_EV_REVOKE: answered with {"revoked":id}. */
int gt_certificate_revoke(struct gt_node *n, const struct gt_event *e);

#endif
