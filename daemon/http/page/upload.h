/* upload.h: what a form of a page sent: the first of its fields that holds
 * something.
 *
 * Browsers send a form with a file as multipart/form-data (RFC 7578), a field a
 * part; which field it is does not matter to the pages here. What is no form is
 * the thing itself, as a program posts it.
 * Tests: u_upload.c, e2e/test_certificates.py. */
#ifndef GT_UPLOAD_H
#define GT_UPLOAD_H

#include "buffer.h"

/* Appends what was sent in a body of that Content-Type (NULL is fine). 0, and
 * nothing where all was empty; -GT_EINVALID: a form that is not whole; -GT_ENOMEM. */
int gt_upload(struct gt_buffer *out, const char *content_type,
              struct gt_bytes body);

#endif
