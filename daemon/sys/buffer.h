/* buffer.h: bytes from malloc that belong to whoever holds the struct.
 *
 * What gt_bytes lends, a buffer owns: a file read whole, a certificate written
 * out, an answer that grows as it comes. Zero it to begin.
 * Tests: u_config.c, u_pki.c. */
#ifndef GT_BUFFER_H
#define GT_BUFFER_H

#include "base.h"

struct gt_buffer {
	uint8_t *p; /* a NUL stands behind the bytes; NULL: never had any */
	size_t n;   /* without the NUL */
	size_t cap;
};

/* The same bytes, lent. */
struct gt_bytes gt_buffer_bytes(const struct gt_buffer *b);
/* Room for n more bytes and the NUL. False: no memory, b stays as it is. */
bool gt_buffer_room(struct gt_buffer *b, size_t n);
/* Appends. False: no memory, b stays as it is. */
bool gt_buffer_add(struct gt_buffer *b, const void *p, size_t n);
/* Frees the bytes and empties b; an empty one is fine. */
void gt_buffer_free(struct gt_buffer *b);
/* The same for a secret: what it held is overwritten first. One that is to be
 * wiped gets its room at once, since growing leaves copies behind. */
void gt_buffer_wipe(struct gt_buffer *b);

#endif
