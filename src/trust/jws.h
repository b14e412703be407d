/* jws.h: a JSON Web Signature in its compact form (RFC 7515), as it signs an
 * xAPI statement: RS256, RS384 or RS512, and nothing else.
 *
 * Where its header brings a chain of certificates (x5c), the signature must be
 * of the key in the first; whose that is, and whether to believe it, is not
 * asked. Without one there is no key to ask.
 *
 * Tests: u_jws.c, fuzz/f_attachment.c. */
#ifndef GT_JWS_H
#define GT_JWS_H

#include "buffer.h"

enum {
	GT_JWS_MAX = 1 << 20, /* bytes of one */
	/* bits of a key: fewer can be forged, more cost too long to look at */
	GT_JWS_KEY_MIN = 2048,
	GT_JWS_KEY_MAX = 4096,
};

/* Reads a signature, and checks it where it brings a key. *payload: what it
 * signs. 0; -GT_EINVALID (it is none, or not of a kind that is taken),
 * -GT_ESIGNATURE (the key in x5c did not make it), -GT_ELIMIT, with why;
 * -GT_ENOMEM. *checked: there was a key, and the signature is of it. */
int gt_jws_open(struct gt_bytes jws, struct gt_buffer *payload, bool *checked,
                char *why, size_t why_cap);

#endif
