/* forge.c: what a node in the middle that is no friend would do: pass an item
 * on with other words in it and a version that beats the true one. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "inside.h"

static struct gt_bytes other_entry(struct gt_arena *arena, const Gt__Signed *s)
{
	ProtobufCAllocator *a = gt_arena_allocator(arena);
	Gt__Entry *e = gt__entry__unpack(a, s->body.len, s->body.data);
	if (!e)
		return (struct gt_bytes){0};
	e->version += 1000;
	return gt_arena_pack(arena, &e->base);
}

/* Without its rules. */
static struct gt_bytes other_layer(struct gt_arena *arena, const Gt__Signed *s)
{
	ProtobufCAllocator *a = gt_arena_allocator(arena);
	Gt__Layer *l = gt__layer__unpack(a, s->body.len, s->body.data);
	if (!l)
		return (struct gt_bytes){0};
	l->version += 1000;
	l->n_rules = 0;
	return gt_arena_pack(arena, &l->base);
}

static bool forge_item(struct gt_arena *arena, Gt__Change *c)
{
	ProtobufCAllocator *a = gt_arena_allocator(arena);
	Gt__Signed *s = gt__signed__unpack(a, c->item.len, c->item.data);
	struct gt_bytes body = {0};
	if (s && s->kind == GT__KIND__RESOURCE)
		body = other_entry(arena, s);
	else if (s && s->kind == GT__KIND__LAYER)
		body = other_layer(arena, s);
	if (body.n == 0)
		return false;
	s->body = (ProtobufCBinaryData){body.n,
	                                gt_arena_copy(arena, body.p, body.n)};
	struct gt_bytes item = gt_arena_pack(arena, &s->base);
	c->item = (ProtobufCBinaryData){item.n,
	                                gt_arena_copy(arena, item.p, item.n)};
	return true;
}

struct gt_bulk *net_forge(const struct gt_bulk *m, struct prng *p)
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	ProtobufCAllocator *a = gt_arena_allocator(arena);
	Gt__Reply *r = gt__reply__unpack(a, m->nhead, m->bytes);
	struct gt_bulk *out = NULL;
	if (r && r->body_case == GT__REPLY__BODY_CHANGES &&
	    r->changes->n_changes > 0) {
		Gt__ChangesReply *c = r->changes;
		size_t n = c->n_changes;
		Gt__Change **all = gt_arena_get(arena, (n + 1) * sizeof *all);
		Gt__Change *one = c->changes[prng_below(p, n)];
		Gt__Change *copy = gt_arena_get(arena, sizeof *copy);
		sim_must(all);
		*(Gt__Change *)sim_must(copy) = *one;
		copy->seq = c->changes[0]->seq;
		if (forge_item(arena, copy)) {
			all[0] = copy;
			memcpy(all + 1, c->changes, n * sizeof *all);
			c->changes = all;
			c->n_changes = n + 1;
			out = net_message(gt_arena_pack(arena, &r->base), NULL,
			                  0);
		}
	}
	gt_arena_free(arena);
	return out;
}
