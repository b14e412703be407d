/* buffer.h: bytes from malloc that belong to whoever holds the struct.
 *
 * What gt_bytes lends, a buffer owns: a file read whole, a certificate written
 * out, a text or an answer that grows. Zero it to begin, set n to 0 to fill it
 * again. Once memory was short it takes nothing more: whoever writes in many
 * pieces looks once, at the end. */
#ifndef GT_BUFFER_H
#define GT_BUFFER_H

#include "base.h"

struct gt_buffer {
	uint8_t *p; /* a NUL stands behind the bytes; NULL: never had any */
	size_t n;   /* without the NUL */
	size_t cap;
	bool failed; /* memory was short */
};

/* The same bytes, lent. */
struct gt_bytes gt_buffer_bytes(const struct gt_buffer *b);
/* Room for n more bytes and the NUL. False: no memory, now or before; the bytes
 * stay as they are. */
bool gt_buffer_room(struct gt_buffer *b, size_t n);
/* Appends n bytes, a string, or a format filled in. False: there was no room;
 * the bytes stay as they are. */
bool gt_buffer_add(struct gt_buffer *b, const void *p, size_t n);
bool gt_buffer_str(struct gt_buffer *b, const char *s);
bool gt_buffer_format(struct gt_buffer *b, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* The bytes as a text, now the caller's, and where n is not NULL their number;
 * b is empty. NULL: memory was short. */
char *gt_buffer_text(struct gt_buffer *b, size_t *n);
/* Frees the bytes and empties b; an empty one is fine. */
void gt_buffer_free(struct gt_buffer *b);
/* The same for a secret: what it held is overwritten first. One that is to be
 * wiped gets its room at once, since growing leaves copies behind. */
void gt_buffer_wipe(struct gt_buffer *b);

#endif
