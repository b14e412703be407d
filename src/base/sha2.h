/* sha2.h: the four digests of SHA-2 that xAPI names attachments by, over bytes
 * that come in pieces. Which one it is its length says.
 * Tests: u_attachment.c. */
#ifndef GT_SHA2_H
#define GT_SHA2_H

#include "base.h"

enum {
	GT_SHA2_MAX = 64,
	GT_SHA2_HEX = 2 * GT_SHA2_MAX + 1,
	GT_SHA2_STATE = 256, /* bytes a digest under way takes */
};

struct gt_sha2 {
	uint8_t n; /* 28, 32, 48 or 64; 0: none */
	uint8_t b[GT_SHA2_MAX];
};

/* n bytes of a digest. False: there is no SHA-2 of such a length. */
bool gt_sha2_of(struct gt_sha2 *out, const uint8_t *p, size_t n);
/* Hex digits in either case, and the end of the string. False: they are not as
 * many as one of the four has. */
bool gt_sha2_parse(struct gt_sha2 *out, const char *hex);
/* Lower-case hexadecimal. */
void gt_sha2_hex(char out[GT_SHA2_HEX], const struct gt_sha2 *sha2);
/* The same digest by the same function. */
bool gt_sha2_eq(const struct gt_sha2 *a, const struct gt_sha2 *b);
/* The digest's bytes, lent. */
struct gt_bytes gt_sha2_bytes(const struct gt_sha2 *sha2);

/* A digest under way. */
struct gt_sha2_run {
	uint8_t n; /* bytes the digest will have */
	_Alignas(16) uint8_t state[GT_SHA2_STATE];
};

/* Begins the digest that has n bytes, which is one of the four. */
void gt_sha2_begin(struct gt_sha2_run *run, uint8_t n);
/* The bytes that come next. */
void gt_sha2_add(struct gt_sha2_run *run, struct gt_bytes piece);
/* All have come. The run is to be begun again after it. */
void gt_sha2_end(struct gt_sha2_run *run, struct gt_sha2 *out);

#endif
