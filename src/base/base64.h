/* base64.h: RFC 4648: base64url without padding, and base64 with it. Strict: what
 * is read back is written the same.
 * Tests: u_credential.c, u_jws.c. */
#ifndef GT_BASE64_H
#define GT_BASE64_H

#include "buffer.h"

/* Appends n bytes as base64url. False: no memory, and out is as gt_buffer_add
 * leaves it. */
bool gt_base64_url(struct gt_buffer *out, const uint8_t *p, size_t n);
/* Appends what in says, and a NUL that does not count. 0; -GT_EINVALID: it is
 * none; -GT_ENOMEM. */
int gt_base64_read(struct gt_buffer *out, struct gt_bytes in, bool url);

#endif
