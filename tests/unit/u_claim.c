/* u_claim.c: what a child claims to hold opens nothing; only what it was judged
 * to may hold does, as it is now and by the rules of now (PROTOCOL.md M19). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "turn.h"
#include "unit/node_kit.h"

static uint8_t name[16] = {7, 7, 7}; /* of what the script fetches */
static const char *const deny_video[] = {"video", "deny", NULL};
static const char *const deny_course[] = {"course", "deny", NULL};
static const char *const list_video[] = {"video", "metadata", NULL};
static const char *const everything[] = {NULL};

static uint32_t rogue(struct nodes *t)
{
	return nodes_child(t, TOP, "3301", &t->v[MID].key);
}

static void claim(struct nodes *t, uint32_t peer, const char *id,
                  Gt__Verdict verdict)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Inventory m = GT__INVENTORY__INIT;
	Gt__Inventory__Row row, *rows = &row;
	gt__inventory__row__init(&row);
	struct gt_id hash = {{0}};
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(t->v[TOP].db,
	                            "SELECT hash FROM item WHERE id=?1", -1,
	                            &st, NULL);
	assert_int_equal(rc, SQLITE_OK);
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		memcpy(hash.b, sqlite3_column_blob(st, 0), sizeof hash.b);
	sqlite3_finalize(st);
	row.id = gt_arena_str(t->arena, id);
	row.hash = (ProtobufCBinaryData){sizeof hash.b, hash.b};
	row.verdict = verdict;
	m.rows = &rows;
	m.n_rows = 1;
	m.first = m.last = true;
	r.body_case = GT__REQUEST__BODY_INVENTORY;
	r.inventory = &m;
	nodes_ask(t, TOP, peer, 60, &r);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_OK));
}

/* Has the child judged: it asks for changes, and need not wait for any. */
static void judged(struct nodes *t, uint32_t peer)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	c.epoch = (ProtobufCBinaryData){16, t->v[TOP].node->epoch};
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_ask(t, TOP, peer, 40, &r);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES));
}

/* 0: it gets what it asked for; else the error's code. */
static int answer(struct nodes *t, uint32_t peer, uint64_t token)
{
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
	if (d) {
		assert_int_equal(d->a.token, token);
		return (int)d->reply->error->code;
	}
	d = nodes_replied(t, TOP, GT__REPLY__BODY_MANIFEST);
	if (!d)
		d = nodes_last(t, TOP, GT_ACT_SERVE, 0);
	assert_non_null(d);
	assert_int_equal(d->a.peer, peer);
	return 0;
}

static int manifest(struct nodes *t, uint32_t peer, const struct pack *p)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetManifest m = GT__GET_MANIFEST__INIT;
	struct gt_id id = p->object;
	m.object = (ProtobufCBinaryData){sizeof id.b, id.b};
	m.transfer = (ProtobufCBinaryData){sizeof name, name};
	r.body_case = GT__REQUEST__BODY_MANIFEST;
	r.manifest = &m;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 50, &r);
	return answer(t, peer, 50);
}

static int frame(struct nodes *t, uint32_t peer, const struct pack *p)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetFrame m = GT__GET_FRAME__INIT;
	struct gt_id id = p->object;
	m.object = (ProtobufCBinaryData){sizeof id.b, id.b};
	m.transfer = (ProtobufCBinaryData){sizeof name, name};
	r.body_case = GT__REQUEST__BODY_FRAME;
	r.frame = &m;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 51, &r);
	return answer(t, peer, 51);
}

static int publish_as(struct nodes *t, const char *slug, const char *type,
                      const struct pack *p)
{
	return nodes_publish(t, TOP, slug, type,
	                     gt_bytes_of(p->manifest, p->manifest_n),
	                     gt_bytes_of(p->out, p->out_n));
}

/* What is denied is claimed, and asked for before and after it was judged. */
static void a_denied_object_is_claimed(void **state)
{
	static const Gt__Verdict claims[] = {
	        GT__VERDICT__DENY, GT__VERDICT__METADATA,
	        GT__VERDICT__ON_DEMAND, GT__VERDICT__MIRROR};
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(nodes_layer(t, TOP, deny_video), 0);
	assert_int_equal(publish_as(t, "a", "video", &p), 0);
	for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
		uint32_t peer = rogue(t);
		claim(t, peer, "33/a", claims[i]);
		assert_int_equal(manifest(t, peer, &p), GT_EDENIED);
		assert_int_equal(frame(t, peer, &p), GT_EDENIED);
		judged(t, peer);
		assert_int_equal(manifest(t, peer, &p), GT_EDENIED);
		assert_int_equal(frame(t, peer, &p), GT_EDENIED);
	}
	pack_clear(&p);
}

/* What may only be listed, too; and what it may have waits to be judged. */
static void a_claim_is_judged_first(void **state)
{
	struct nodes *t = *state;
	struct pack p, q;
	package(&p, 1, 1000);
	package(&q, 2, 1000);
	assert_int_equal(nodes_layer(t, TOP, list_video), 0);
	assert_int_equal(publish_as(t, "a", "video", &p), 0);
	assert_int_equal(publish_as(t, "b", "course", &q), 0);
	uint32_t peer = rogue(t);
	claim(t, peer, "33/a", GT__VERDICT__MIRROR);
	claim(t, peer, "33/b", GT__VERDICT__MIRROR);
	assert_int_equal(manifest(t, peer, &q), GT_EDENIED);
	assert_int_equal(frame(t, peer, &q), GT_EDENIED);
	judged(t, peer);
	assert_int_equal(manifest(t, peer, &p), GT_EDENIED);
	assert_int_equal(manifest(t, peer, &q), 0);
	assert_int_equal(frame(t, peer, &q), 0);
	/* a second inventory takes what was judged away again */
	claim(t, peer, "33/b", GT__VERDICT__MIRROR);
	assert_int_equal(frame(t, peer, &q), GT_EDENIED);
	pack_clear(&p);
	pack_clear(&q);
}

/* The version before was allowed; this one is not, and nobody has judged it
 * yet: the child asks for nothing but bytes. */
static void another_version_is_judged_first(void **state)
{
	struct nodes *t = *state;
	struct pack p, q;
	package(&p, 1, 1000);
	package(&q, 2, 1000);
	assert_int_equal(nodes_layer(t, TOP, deny_video), 0);
	assert_int_equal(publish_as(t, "a", "course", &p), 0);
	uint32_t peer = rogue(t);
	judged(t, peer);
	assert_int_equal(frame(t, peer, &p), 0);
	/* it lets go of the link, so that nothing is judged ahead */
	peer = rogue(t);
	assert_int_equal(publish_as(t, "a", "video", &q), 0);
	assert_int_equal(frame(t, peer, &q), GT_EUNAVAILABLE);
	judged(t, peer);
	assert_int_equal(frame(t, peer, &q), GT_EDENIED);
	pack_clear(&p);
	pack_clear(&q);
}

/* So with the rules: what was allowed by those of before, while the link is
 * there or was not, is not until it is judged by those of now. */
static void other_rules_are_asked_first(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish_as(t, "a", "course", &p), 0);
	uint32_t peer = rogue(t);
	judged(t, peer);
	assert_int_equal(frame(t, peer, &p), 0);
	peer = rogue(t); /* asks for no changes on this link */
	assert_int_equal(frame(t, peer, &p), 0);
	assert_int_equal(nodes_layer(t, TOP, deny_course), 0);
	assert_int_equal(frame(t, peer, &p), GT_EUNAVAILABLE);
	peer = rogue(t);
	assert_int_equal(frame(t, peer, &p), GT_EUNAVAILABLE);
	judged(t, peer);
	assert_int_equal(frame(t, peer, &p), GT_EDENIED);
	assert_int_equal(nodes_layer(t, TOP, everything), 0);
	judged(t, peer);
	assert_int_equal(frame(t, peer, &p), 0);
	pack_clear(&p);
}

/* It waits for what is not here yet; while it does, the rules change. */
static bool no_payload(struct nodes *t, struct message *m)
{
	(void)t;
	return m->npayload == 0;
}

/* LOW's own layer, which gives nothing. */
static void offer_nothing(struct nodes *t, uint32_t peer)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Offer o;
	Gt__Layer l;
	gt__offer__init(&o);
	gt__layer__init(&l);
	l.origin = gt_lend("330106");
	l.version = 1;
	struct gt_bytes body = gt_arena_pack(t->arena, &l.base), sealed;
	assert_int_equal(gt_seal(&t->v[LOW].key, GT__KIND__LAYER, &body, 1,
	                         t->arena, &sealed),
	                 0);
	o.item = gt_lend_bytes(sealed);
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = &o;
	nodes_ask(t, MID, peer, 52, &r);
	assert_non_null(nodes_replied(t, MID, GT__REPLY__BODY_OK));
}

static void rules_change_while_it_waits(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = no_payload;
	assert_int_equal(publish_as(t, "a", "course", &p), 0);
	nodes_run(t);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	c.epoch = (ProtobufCBinaryData){16, t->v[MID].node->epoch};
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_ask(t, MID, peer, 40, &r);
	Gt__GetFrame m = GT__GET_FRAME__INIT;
	struct gt_id id = p.object;
	m.object = (ProtobufCBinaryData){sizeof id.b, id.b};
	m.transfer = (ProtobufCBinaryData){sizeof name, name};
	r.body_case = GT__REQUEST__BODY_FRAME;
	r.frame = &m;
	nodes_ask(t, MID, peer, 51, &r);
	assert_null(nodes_replied(t, MID, GT__REPLY__BODY_ERROR));
	offer_nothing(t, peer);
	t->hook = NULL;
	nodes_cut(t, 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_holds(t, MID, &p);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SERVE), 0);
	const struct done *d = nodes_replied(t, MID, GT__REPLY__BODY_ERROR);
	assert_non_null(d);
	assert_int_equal(d->a.token, 51);
	pack_clear(&p);
}

/* Whatever it claims, asks and lets happen in whatever order, it gets what the
 * rules of now give of the version of now, and nothing else. */
static void whatever_it_claims(void **state)
{
	static const char *const types[] = {"course", "video"};
	static const char *const *const rules[] = {everything, deny_video,
	                                           deny_course, list_video};
	static const bool gives[4][2] = {{1, 1}, {1, 0}, {0, 1}, {1, 0}};
	enum { PACKS = 12, STEPS = 400 };
	struct nodes *t = *state;
	static struct pack p[PACKS];
	unsigned type[2] = {0, 1}, at[2] = {0, 1}, used = 2, order = 0;
	unsigned served = 0, kept = 0;
	uint64_t draw = 11;
	uint32_t peer = rogue(t);
	for (unsigned i = 0; i < PACKS; i++)
		package(&p[i], i + 1, 1000);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(publish_as(t, i ? "b" : "a", types[i], &p[i]),
		                 0);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned which = kit_random(&draw) % 2;
		unsigned what = kit_random(&draw) % 8;
		const char *slug = which ? "b" : "a";
		nodes_clear(t, TOP);
		if (what == 0 && used < PACKS) {
			type[which] = kit_random(&draw) % 2;
			at[which] = used++;
			assert_int_equal(publish_as(t, slug, types[type[which]],
			                            &p[at[which]]),
			                 0);
		} else if (what == 1) {
			order = kit_random(&draw) % 4;
			assert_int_equal(nodes_layer(t, TOP, rules[order]), 0);
		} else if (what == 2) {
			claim(t, peer, which ? "33/b" : "33/a",
			      (Gt__Verdict)(kit_random(&draw) % 4));
		} else if (what == 3) {
			peer = rogue(t);
		} else if (what == 4) {
			judged(t, peer);
		} else {
			int got = what == 5 ? manifest(t, peer, &p[at[which]])
			                    : frame(t, peer, &p[at[which]]);
			bool may = gives[order][type[which]];
			assert_true(got != 0 || may);
			served += got == 0;
			kept += got != 0;
		}
	}
	assert_true(served > 10 && kept > 10);
	for (unsigned i = 0; i < PACKS; i++)
		pack_clear(&p[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_denied_object_is_claimed),
	        T(a_claim_is_judged_first),
	        T(another_version_is_judged_first),
	        T(other_rules_are_asked_first),
	        cmocka_unit_test_setup_teardown(rules_change_while_it_waits,
	                                        nodes_three, nodes_gone),
	        T(whatever_it_claims),
	};
	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
