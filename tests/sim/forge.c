/* forge.c: what neighbours that are no friends would do. A node in the middle
 * passes an item on with other words in it and a version that beats the true
 * one, gives more than it may, or holds dates back; a child claims to hold
 * everything, and asks for what it is denied. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "ask.h"
#include "audit.h"
#include "inside.h"
#include "store.h"
#include "work.h"

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

/* The node has every layer that binds it, as it is where it comes from: it can
 * know by itself what it may hold. */
static bool has_layers(const struct world *w, const struct sim_node *s)
{
	static const char sql[] = "SELECT version FROM item WHERE kind=2"
	                          " AND id=?1";
	for (int i = s->parent; i >= 0; i = w->nodes[i].parent) {
		const struct sim_node *up = &w->nodes[i];
		if (!up->core || ask_one(up, sql, up->code, NULL, 0) !=
		                         ask_one(s, sql, up->code, NULL, 0))
			return false;
	}
	return s->core != NULL;
}

/* The true words of something that is denied to the child, from where they come
 * from, as if it were to be mirrored. */
static bool widen(const struct world *w, const struct sim_node *child,
                  struct gt_arena *arena, const uint8_t *epoch, Gt__Change *c,
                  struct prng *p)
{
	char name[GT_CHANGE_NAME];
	unsigned n = work.nresources;
	unsigned at = n > 0 ? (unsigned)prng_below(p, n) : 0;
	bool found = false;
	for (unsigned i = 0; i < n && !found; i++) {
		const struct resource *r = &work.resources[(at + i) % n];
		const struct sim_node *from = &w->nodes[r->node];
		if (!from->core || !work_denied(w, child, r, r->version) ||
		    !has_layers(w, child))
			continue;
		sqlite3_stmt *st =
		        ask(from, "SELECT signed,version FROM item WHERE"
		                  " kind=1 AND id=?1 AND own"
		                  " AND version>=?2");
		sqlite3_bind_text(st, 1, r->id, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, (int64_t)r->version);
		if (sqlite3_step(st) == SQLITE_ROW) {
			struct gt_bytes b = gt_col_bytes(st, 0);
			uint64_t seq = c->seq;
			gt__change__init(c);
			c->seq = seq;
			c->item.data = gt_arena_copy(arena, b.p, b.n);
			c->item.len = b.n;
			c->verdict = GT__VERDICT__MIRROR;
			c->priority = 50;
			gt_change_name(name, epoch, (int64_t)c->seq);
			audit_forged(child, name, r->id, gt_col_int(st, 1));
			found = true;
		}
		ask_end(st);
	}
	return found;
}

struct gt_bulk *net_forge(const struct world *w, const struct sim_node *child,
                          const struct gt_bulk *m, struct prng *p)
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
		bool wide = prng_below(p, 2) == 0 &&
		            c->epoch.len == GT_EPOCH_BYTES &&
		            widen(w, child, arena, c->epoch.data, copy, p);
		if (wide || forge_item(arena, copy)) {
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

struct gt_bulk *net_undated(struct gt_bulk *m)
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(arena), m->nhead,
	                                 m->bytes);
	struct gt_bulk *out = m;
	if (r && r->body_case == GT__REPLY__BODY_CHANGES &&
	    r->changes->date.len > 0) {
		r->changes->date = (ProtobufCBinaryData){0};
		out = net_message(gt_arena_pack(arena, &r->base), NULL, 0);
		net_unref(m);
	}
	gt_arena_free(arena);
	return out;
}

/* ------------------------------------------------ a child that lies */

static struct gt_bulk *ask_of(struct gt_arena *arena, Gt__Request *r)
{
	return net_message(gt_arena_pack(arena, &r->base), NULL, 0);
}

/* All there is, as mirrored, of images that nobody has. */
static struct gt_bulk *everything(struct gt_arena *arena)
{
	static Gt__Inventory__Row rows[RESOURCES_MAX];
	Gt__Inventory__Row *list[RESOURCES_MAX];
	static uint8_t hash[GT_ID_BYTES];
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Inventory m = GT__INVENTORY__INIT;
	for (unsigned i = 0; i < work.nresources; i++) {
		list[i] = &rows[i];
		gt__inventory__row__init(list[i]);
		list[i]->id = work.resources[i].id;
		list[i]->hash = (ProtobufCBinaryData){sizeof hash, hash};
		list[i]->verdict = GT__VERDICT__MIRROR;
	}
	m.rows = list;
	m.n_rows = work.nresources;
	m.first = m.last = true;
	r.body_case = GT__REQUEST__BODY_INVENTORY;
	r.inventory = &m;
	return ask_of(arena, &r);
}

static struct gt_bulk *bytes_of(struct gt_arena *arena, struct gt_id *object,
                                bool manifest)
{
	static uint8_t transfer[16] = {9};
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetManifest m = GT__GET_MANIFEST__INIT;
	Gt__GetFrame f = GT__GET_FRAME__INIT;
	m.object = (ProtobufCBinaryData){sizeof object->b, object->b};
	m.transfer = (ProtobufCBinaryData){sizeof transfer, transfer};
	f.object = m.object;
	f.transfer = m.transfer;
	r.body_case =
	        manifest ? GT__REQUEST__BODY_MANIFEST : GT__REQUEST__BODY_FRAME;
	if (manifest)
		r.manifest = &m;
	else
		r.frame = &f;
	return ask_of(arena, &r);
}

void net_claims(struct world *w, const struct sim_node *child,
                const struct gt_bulk *m, struct gt_bulk *out[FORGE_ASKS])
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Request *r = gt__request__unpack(gt_arena_allocator(arena),
	                                     m->nhead, m->bytes);
	struct resource *wish = NULL;
	unsigned n = work.nresources, at = 0;
	if (n > 0)
		at = (unsigned)prng_below(sim_draws(w, FAULT_FORGE), n);
	for (unsigned i = 0; i < n && !wish; i++) {
		struct resource *one = &work.resources[(at + i) % n];
		if (!gt_id_is_zero(&one->object) &&
		    work_denied(w, child, one, one->version))
			wish = one;
	}
	if (r && r->body_case == GT__REQUEST__BODY_CHANGES && wish) {
		out[0] = everything(arena);
		out[1] = bytes_of(arena, &wish->object, true);
		out[2] = bytes_of(arena, &wish->object, false);
	}
	gt_arena_free(arena);
}
