#include "signed.h"

#include <string.h>

#include "seal.h"

Gt__Signed *gt_signed_open(struct gt_arena *arena, struct gt_bytes sealed)
{
	if (sealed.n == 0)
		return NULL;
	return gt__signed__unpack(gt_arena_allocator(arena), sealed.n,
	                          sealed.p);
}

static bool is(const Gt__Signed *s, Gt__Kind kind)
{
	return s && s->kind == kind;
}

Gt__Entry *gt_signed_entry(struct gt_arena *arena, const Gt__Signed *s)
{
	if (!is(s, GT__KIND__RESOURCE))
		return NULL;
	return gt__entry__unpack(gt_arena_allocator(arena), s->body.len,
	                         s->body.data);
}

Gt__Layer *gt_signed_layer(struct gt_arena *arena, const Gt__Signed *s)
{
	if (!is(s, GT__KIND__LAYER))
		return NULL;
	return gt__layer__unpack(gt_arena_allocator(arena), s->body.len,
	                         s->body.data);
}

Gt__Member *gt_signed_member(struct gt_arena *arena, const Gt__Signed *s)
{
	if (!is(s, GT__KIND__MEMBER))
		return NULL;
	Gt__Member *m = gt__member__unpack(gt_arena_allocator(arena),
	                                   s->body.len, s->body.data);
	return m && m->key.len == GT_KEY_BYTES ? m : NULL;
}

static bool key_is(const ProtobufCBinaryData *b, const uint8_t *key)
{
	return b->len == GT_KEY_BYTES && memcmp(b->data, key, b->len) == 0;
}

bool gt_member_vouches(const Gt__Member *m, const uint8_t *key)
{
	bool is = key_is(&m->key, key);
	for (size_t i = 0; !is && i < m->n_former; i++)
		is = key_is(&m->former[i], key);
	return is && m->standing == GT__STANDING__ACTIVE;
}

Gt__Dated *gt_signed_date(struct gt_arena *arena, const Gt__Signed *s)
{
	if (!is(s, GT__KIND__DATED))
		return NULL;
	Gt__Dated *m = gt__dated__unpack(gt_arena_allocator(arena), s->body.len,
	                                 s->body.data);
	return m && m->tree.len == GT_KEY_BYTES ? m : NULL;
}
