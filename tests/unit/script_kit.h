/* script_kit.h: a parent of MID that is a script and says what it likes. */
#ifndef GT_SCRIPT_KIT_H
#define GT_SCRIPT_KIT_H

#include "nodes.h"

struct script {
	struct nodes *t;
	unsigned child;
	uint32_t peer;
	uint64_t changes; /* the Changes it has yet to answer */
	int64_t seq;
};

__attribute__((unused)) static const uint8_t script_epoch[16] = {9};

/* In the place of node 0, for node 1. */
__attribute__((unused)) static void script_up(struct script *s, struct nodes *t)
{
	*s = (struct script){.t = t, .child = 1};
	s->peer = nodes_parent(t, s->child, &t->v[0].key, script_epoch,
	                       &s->changes);
}

/* Answers Changes with these, whatever becomes of the link. */
__attribute__((unused)) static void
script_says(struct script *s, Gt__Change **list, size_t n, uint64_t upto)
{
	struct nodes *t = s->t;
	Gt__Reply r = GT__REPLY__INIT;
	Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
	c.epoch = (ProtobufCBinaryData){
	        16, gt_arena_copy(t->arena, script_epoch, 16)};
	c.changes = list;
	c.n_changes = n;
	c.upto = upto;
	r.body_case = GT__REPLY__BODY_CHANGES;
	r.changes = &c;
	nodes_answer(t, s->child, s->peer, s->changes, &r,
	             (struct gt_bytes){0});
}

/* The same, and is asked again. */
__attribute__((unused)) static void
script_goes_on(struct script *s, Gt__Change **list, size_t n, uint64_t upto)
{
	script_says(s, list, n, upto);
	s->changes =
	        nodes_asked(s->t, s->child, GT__REQUEST__BODY_CHANGES)->a.token;
}

/* One change. Returns the result the child wrote down. */
__attribute__((unused)) static const char *
send(struct script *s, Gt__Change *change, uint64_t upto)
{
	script_goes_on(s, &change, 1, upto);
	return nodes_text(s->t, s->child,
	                  "SELECT result FROM audit WHERE event IN ('receive', "
	                  "'retract') ORDER BY aid DESC LIMIT 1");
}

/* A change that carries this, to be mirrored. */
__attribute__((unused)) static Gt__Change
change_of(struct script *s, uint64_t seq, struct gt_bytes sealed)
{
	Gt__Change c;
	gt__change__init(&c);
	c.seq = seq;
	c.item = (ProtobufCBinaryData){
	        sealed.n, gt_arena_copy(s->t->arena, sealed.p, sealed.n)};
	c.verdict = GT__VERDICT__MIRROR;
	c.priority = 50;
	return c;
}

__attribute__((unused)) static const char *send_item(struct script *s,
                                                     struct gt_bytes sealed)
{
	Gt__Change c = change_of(s, (uint64_t)++s->seq, sealed);
	return send(s, &c, c.seq);
}

__attribute__((unused)) static struct gt_bytes sealed(struct nodes *t,
                                                      const struct gt_key *key,
                                                      Gt__Kind kind,
                                                      const ProtobufCMessage *m)
{
	struct gt_bytes body = gt_arena_pack(t->arena, m), out;
	int status = gt_seal(key, kind, &body, 1, t->arena, &out);
	assert_int_equal(status, 0);
	return out;
}

__attribute__((unused)) static const char *
send_entry(struct script *s, const struct gt_key *key, const Gt__Entry *e)
{
	return send_item(s, sealed(s->t, key, GT__KIND__RESOURCE, &e->base));
}

/* An entry without content. */
__attribute__((unused)) static struct gt_bytes
entry(struct nodes *t, const struct gt_key *key, const char *id,
      const char *publisher, uint64_t number, const char *type)
{
	Gt__Entry e;
	gt__entry__init(&e);
	e.id = gt_arena_str(t->arena, id);
	e.publisher = gt_arena_str(t->arena, publisher);
	e.version = number;
	e.type = gt_arena_str(t->arena, type);
	return sealed(t, key, GT__KIND__RESOURCE, &e.base);
}

/* A layer that lets all pass. */
__attribute__((unused)) static struct gt_bytes layer(struct nodes *t,
                                                     const struct gt_key *key,
                                                     const char *origin,
                                                     uint64_t number)
{
	Gt__Layer m;
	gt__layer__init(&m);
	m.origin = gt_arena_str(t->arena, origin);
	m.version = number;
	m.fallback = GT__VERDICT__MIRROR;
	return sealed(t, key, GT__KIND__LAYER, &m.base);
}

#endif
