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

#include "turn.h"

/* GT_EV_CERTIFY: answered with the document. */
int gt_certificate_issue(struct gt_node *n, const struct gt_event *e);
/* GT_EV_REVOKE: answered with {"revoked":id}. */
int gt_certificate_revoke(struct gt_node *n, const struct gt_event *e);

#endif
