#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 1024 };

struct gt_bytes gt_buffer_bytes(const struct gt_buffer *b)
{
	return gt_bytes_of(b->p, b->n);
}

static bool grow(struct gt_buffer *b, size_t n)
{
	size_t cap = 2 * b->cap > ROOM_LEAST ? 2 * b->cap : ROOM_LEAST;
	uint8_t *p = NULL;
	if (n < SIZE_MAX / 4 - b->n) {
		if (cap < b->n + n + 1)
			cap = b->n + n + 1;
		p = realloc(b->p, cap);
	}
	if (!p) {
		b->failed = true;
		return false;
	}
	p[b->n] = '\0';
	b->p = p;
	b->cap = cap;
	return true;
}

bool gt_buffer_room(struct gt_buffer *b, size_t n)
{
	return !b->failed && (b->cap - b->n > n || grow(b, n));
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

bool gt_buffer_str(struct gt_buffer *b, const char *s)
{
	return gt_buffer_add(b, s, strlen(s));
}

bool gt_buffer_format(struct gt_buffer *b, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	assert(n >= 0);
	bool ok = gt_buffer_room(b, (size_t)n);
	if (ok) {
		(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
	va_end(args);
	return ok;
}

char *gt_buffer_text(struct gt_buffer *b, size_t *n)
{
	char *text = NULL;
	size_t length = 0;
	if (gt_buffer_room(b, 0)) {
		text = (char *)b->p;
		length = b->n;
		b->p = NULL;
	}
	if (n)
		*n = length;
	gt_buffer_free(b);
	return text;
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
