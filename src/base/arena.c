#include "arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 << 10, KEEP = 1 << 20 };

struct block {
	struct block *next;
	size_t cap, used;
	max_align_t data[];
};

struct gt_arena {
	struct block *head; /* the one being filled */
	bool shortage;      /* since the last reset */
	ProtobufCAllocator allocator;
};

static void *allocate(void *data, size_t n)
{
	return gt_arena_get(data, n);
}

static void release(void *data, void *p)
{
	(void)data;
	(void)p;
}

struct gt_arena *gt_arena_new(void)
{
	struct gt_arena *a = calloc(1, sizeof *a);
	if (a)
		a->allocator = (ProtobufCAllocator){allocate, release, a};
	return a;
}

static void free_from(struct block *b)
{
	while (b) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
}

void gt_arena_free(struct gt_arena *a)
{
	if (!a)
		return;
	free_from(a->head);
	free(a);
}

bool gt_arena_short(const struct gt_arena *a)
{
	return a->shortage;
}

void gt_arena_reset(struct gt_arena *a)
{
	a->shortage = false;
	if (!a->head)
		return;
	free_from(a->head->next);
	a->head->next = NULL;
	a->head->used = 0;
	if (a->head->cap > KEEP) {
		free(a->head);
		a->head = NULL;
	}
}

static struct block *grow(struct gt_arena *a, size_t n)
{
	size_t cap = n > BLOCK ? n : BLOCK;
	struct block *b = n > SIZE_MAX / 2 ? NULL : malloc(sizeof *b + cap);
	a->shortage = a->shortage || !b;
	if (!b)
		return NULL;
	b->cap = cap;
	b->used = 0;
	b->next = a->head;
	a->head = b;
	return b;
}

void *gt_arena_get(struct gt_arena *a, size_t n)
{
	struct block *b = a->head;
	n = n > SIZE_MAX - 15 ? n : (n + 15) & ~(size_t)15;
	if (!b || b->cap - b->used < n)
		b = grow(a, n);
	if (!b)
		return NULL;
	void *p = (uint8_t *)b->data + b->used;
	b->used += n;
	return p;
}

void *gt_arena_copy(struct gt_arena *a, const void *p, size_t n)
{
	if (!p)
		return NULL;
	void *q = gt_arena_get(a, n);
	if (q)
		memcpy(q, p, n);
	return q;
}

char *gt_arena_str(struct gt_arena *a, const char *s)
{
	return gt_arena_copy(a, s, s ? strlen(s) + 1 : 0);
}

ProtobufCAllocator *gt_arena_allocator(struct gt_arena *a)
{
	return &a->allocator;
}

struct gt_bytes gt_arena_pack(struct gt_arena *a, const ProtobufCMessage *m)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *p = gt_arena_get(a, n ? n : 1);
	if (!p)
		return (struct gt_bytes){NULL, 0};
	return (struct gt_bytes){p, protobuf_c_message_pack(m, p)};
}

ProtobufCBinaryData gt_lend_bytes(struct gt_bytes b)
{
	return (ProtobufCBinaryData){b.n, gt_lend(b.p)};
}
