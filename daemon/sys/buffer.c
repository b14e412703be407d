#include "buffer.h"

#include <stdlib.h>
#include <string.h>

struct gt_bytes gt_buffer_bytes(const struct gt_buffer *b)
{
	return gt_bytes_of(b->p, b->n);
}

bool gt_buffer_room(struct gt_buffer *b, size_t n)
{
	if (n >= SIZE_MAX / 4 - b->n)
		return false;
	if (b->cap - b->n > n)
		return true;
	size_t cap = 2 * b->cap > b->n + n + 1 ? 2 * b->cap : b->n + n + 1;
	uint8_t *p = realloc(b->p, cap);
	if (!p)
		return false;
	p[b->n] = '\0';
	b->p = p;
	b->cap = cap;
	return true;
}

bool gt_buffer_add(struct gt_buffer *b, const void *p, size_t n)
{
	if (!gt_buffer_room(b, n))
		return false;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
	return true;
}

void gt_buffer_free(struct gt_buffer *b)
{
	free(b->p);
	*b = (struct gt_buffer){0};
}

void gt_buffer_wipe(struct gt_buffer *b)
{
	/* a plain memset before free may be left out by the compiler */
	volatile uint8_t *at = b->p;
	for (size_t n = b->cap; n > 0; n--)
		*at++ = 0;
	gt_buffer_free(b);
}
