/* u_node_feed.c: what a child is told of resources, layers and members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "policy.h"
#include "schema.h"

enum { TOP, MID, LOW };

static const uint8_t parent_epoch[16] = {9};
static const char *const everything[] = {NULL};

static void publish(struct nodes *t, const char *slug, const char *type)
{
	struct gt_bytes none = {NULL, 0};
	assert_int_equal(nodes_publish(t, TOP, slug, type, none, none), 0);
	nodes_run(t);
}

static void order(struct nodes *t, const char *const *rules)
{
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	nodes_run(t);
}

static int64_t verdict(struct nodes *t, unsigned i, const char *id)
{
	return nodes_int(
	        t, i, "SELECT verdict FROM item WHERE kind=1 AND id='%s'", id);
}

static int64_t version(struct nodes *t, unsigned i, const char *id)
{
	return nodes_int(t, i,
	                 "SELECT version FROM item WHERE kind=1 AND id='%s' "
	                 "AND length(signed) > 0",
	                 id);
}

static void link_all(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
}

/* ---------------------------------------------------------- changes */

static void new_updated_withdrawn(void **state)
{
	struct nodes *t = *state;
	link_all(t);
	publish(t, "a", "course");
	assert_int_equal(version(t, LOW, "33/a"), 1);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_MIRROR);
	publish(t, "a", "course");
	assert_int_equal(version(t, LOW, "33/a"), 2);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_run(t);
	assert_int_equal(version(t, LOW, "33/a"), 3);
	assert_int_equal(
	        nodes_int(t, LOW, "SELECT state FROM item WHERE id='33/a'"),
	        GT__STATE__WITHDRAWN);
	/* one that never had it is not told */
	nodes_open(t, 3, "3302", "33", NULL);
	nodes_enrol(t);
	nodes_wire(t, 3, TOP, true);
	nodes_run(t);
	assert_int_equal(
	        nodes_int(t, 3, "SELECT count(*) FROM item WHERE kind=1"), 0);
	/* each change is in both ends' audit, under one name */
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'receive' AND subject='33/a'"),
	                 3);
	const char *name = nodes_text(t, LOW,
	                              "SELECT transfer FROM audit WHERE event "
	                              "= 'receive' AND subject='33/a'");
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'judge' AND transfer = '%s' AND peer = "
	                           "'330106'",
	                           name),
	                 1);
}

/* Denied and withdrawn while the link was down: the level below loses what it
 * had, and is not shown what it must not have. */
static void withdrawn_and_denied(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	struct nodes *t = *state;
	unsigned link = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	publish(t, "a", "course");
	publish(t, "b", "video");
	assert_int_equal(version(t, MID, "33/a"), 1);
	nodes_cut(t, link);
	order(t, deny);
	publish(t, "a", "course");
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	assert_int_equal(nodes_withdraw(t, TOP, "b"), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(version(t, MID, "33/a"), 0);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	assert_int_equal(version(t, MID, "33/b"), 2);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT state FROM item WHERE id='33/b'"),
	        GT__STATE__WITHDRAWN);
}

static void a_rule_takes_it_out_and_in_again(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	struct nodes *t = *state;
	link_all(t);
	publish(t, "a", "course");
	publish(t, "b", "video");
	order(t, deny);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_DENY);
	assert_int_equal(version(t, LOW, "33/a"), 0);
	assert_int_equal(version(t, LOW, "33/b"), 1);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'retract' AND subject = '33/a'"),
	                 1);
	/* out to out: not a word crosses the link */
	nodes_clear(t, TOP);
	publish(t, "a", "course");
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES);
	assert_true(!d || d->reply->changes->n_changes == 0);
	/* out to in, at the version of now */
	order(t, everything);
	assert_int_equal(version(t, LOW, "33/a"), 2);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_MIRROR);
}

static void the_parent_is_a_ceiling(void **state)
{
	static const char *const list[] = {"course", "metadata", NULL};
	struct nodes *t = *state;
	link_all(t);
	order(t, list);
	publish(t, "a", "course");
	assert_int_equal(verdict(t, MID, "33/a"), GT_METADATA);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_METADATA);
	/* the lower one cannot widen, but it can narrow */
	assert_int_equal(nodes_layer(t, LOW, everything), 0);
	nodes_run(t);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_METADATA);
	static const char *const deny[] = {"course", "deny", NULL};
	assert_int_equal(nodes_layer(t, LOW, deny), 0);
	nodes_run(t);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_DENY);
	assert_int_equal(nodes_text(t, MID,
	                            "SELECT layer FROM audit WHERE event = "
	                            "'judge' AND subject = '33/a' ORDER BY aid "
	                            "DESC LIMIT 1")[5],
	                 '6'); /* 330106: its own rule decided */
}

static void members_and_layers_come_first(void **state)
{
	struct nodes *t = *state;
	nodes_open(t, 3, "3302", "33", NULL);
	/* 3302 knows the roster's key, itself and its parent, no more */
	nodes_members(t, 3,
	              nodes_member(t, "33", t->v[TOP].key.public, 1,
	                           GT__STANDING__ACTIVE));
	struct gt_bytes own = nodes_member(t, "3302", t->v[3].key.public, 1,
	                                   GT__STANDING__ACTIVE);
	nodes_members(t, 3, own);
	nodes_members(t, TOP, own);
	struct gt_key press;
	uint8_t seed[32] = {8};
	assert_int_equal(gt_key_from_seed(&press, seed), 0);
	order(t, everything);
	publish(t, "a", "course");
	nodes_members(t, TOP,
	              nodes_member(t, "33-press", press.public, 1,
	                           GT__STANDING__ACTIVE));
	nodes_wire(t, 3, TOP, true);
	nodes_run(t);
	const struct done *d = NULL;
	for (size_t k = 0; k < t->v[TOP].nlog && !d; k++)
		if (t->v[TOP].log[k].reply &&
		    t->v[TOP].log[k].reply->body_case ==
		            GT__REPLY__BODY_CHANGES)
			d = &t->v[TOP].log[k];
	assert(d);
	int order_of[4] = {0, 2, 1, 0}, last = 0;
	for (size_t i = 0; i < d->reply->changes->n_changes; i++) {
		ProtobufCBinaryData b = d->reply->changes->changes[i]->item;
		const Gt__Signed *s = gt__signed__unpack(
		        gt_arena_allocator(t->arena), b.len, b.data);
		assert(s && s->kind < 4);
		assert_true(order_of[s->kind] >= last);
		last = order_of[s->kind];
	}
	assert_int_equal(last, 2);
	/* a node not on 3302's way up or down is none of its business */
	assert_int_equal(nodes_int(t, 3,
	                           "SELECT count(*) FROM item WHERE kind=3 "
	                           "AND id='33-press'"),
	                 1);
	assert_int_equal(nodes_int(t, 3,
	                           "SELECT count(*) FROM item WHERE kind=3 "
	                           "AND id='3301'"),
	                 0);
}

/* ------------------------------------------------------ reconciling */

static bool double_all(struct nodes *t, struct message *m)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = m->peer,
	                     .token = m->token,
	                     .body = gt_bytes_of(m->head, m->nhead)};
	if (m->npayload == 0)
		assert_int_equal(nodes_event(t, m->to, &e), 0);
	return true;
}

static void everything_twice(void **state)
{
	struct nodes *t = *state;
	static const char *const deny[] = {"video", "deny", NULL};
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = double_all;
	publish(t, "a", "course");
	publish(t, "b", "video");
	publish(t, "a", "course");
	order(t, deny);
	assert_int_equal(nodes_statements(t, MID, 1, 5, 0), 0);
	nodes_pass(t, 20000);
	assert_int_equal(version(t, MID, "33/a"), 2);
	assert_int_equal(verdict(t, MID, "33/b"), GT_DENY);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 5);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
}

static Gt__Change *ask_changes(struct nodes *t, uint32_t peer, uint64_t after,
                               const uint8_t *epoch, bool *reconcile)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	c.after = after;
	c.epoch = (ProtobufCBinaryData){16, gt_arena_copy(t->arena, epoch, 16)};
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 40, &r);
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES);
	assert_non_null(d);
	*reconcile = d->reply->changes->reconcile;
	return d->reply->changes->n_changes ? d->reply->changes->changes[0]
	                                    : NULL;
}

static const uint8_t *epoch_of(struct nodes *t, unsigned i)
{
	sqlite3_stmt *st;
	assert_int_equal(
	        sqlite3_prepare_v2(t->v[i].db,
	                           "SELECT value FROM meta WHERE key='epoch'",
	                           -1, &st, NULL),
	        SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	const uint8_t *e =
	        gt_arena_copy(t->arena, sqlite3_column_blob(st, 0), 16);
	sqlite3_finalize(st);
	return e;
}

static void cursors(void **state)
{
	struct nodes *t = *state;
	bool reconcile;
	publish(t, "a", "course");
	const uint8_t *epoch = epoch_of(t, TOP);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	/* beyond the end: nothing may be judged ahead of that answer */
	(void)ask_changes(t, peer, 1000, epoch, &reconcile);
	assert_true(reconcile);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM view"), 0);
	(void)ask_changes(t, peer, 3, epoch, &reconcile);
	assert_true(reconcile);
	/* another epoch, a malformed one */
	(void)ask_changes(t, peer, 0, parent_epoch, &reconcile);
	assert_true(reconcile);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
	Gt__Change *first = ask_changes(t, peer, 0, epoch, &reconcile);
	assert_false(reconcile);
	assert_non_null(first);
	/* asked again: answered again, the same */
	Gt__Change *again = ask_changes(t, peer, 0, epoch, &reconcile);
	assert_false(reconcile);
	assert_int_equal(first->seq, again->seq);
	/* what it said it has, it has: going back is an old database */
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	c.after = first->seq;
	c.epoch = (ProtobufCBinaryData){16, gt_arena_copy(t->arena, epoch, 16)};
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_ask(t, TOP, peer, 41, &r);
	(void)ask_changes(t, peer, 0, epoch, &reconcile);
	assert_true(reconcile);
}

static void a_parent_that_forgot(void **state)
{
	struct nodes *t = *state;
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	publish(t, "a", "course");
	publish(t, "b", "course");
	nodes_cut(t, wire);
	/* TOP without its database: another epoch, a feed with b alone */
	gt_node_close(t->v[TOP].node);
	t->v[TOP].node = NULL;
	nodes_open(t, TOP, "33", "", NULL);
	nodes_enrol(t);
	publish(t, "b", "course");
	publish(t, "b", "course");
	publish(t, "c", "course");
	nodes_clear(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_INVENTORY);
	assert_non_null(d);
	assert_true(d->request->inventory->first);
	assert_true(d->request->inventory->last);
	assert_int_equal(d->request->inventory->n_rows, 2);
	/* nothing is deleted on that ground alone */
	assert_int_equal(version(t, MID, "33/a"), 1);
	assert_int_equal(version(t, MID, "33/b"), 2);
	assert_int_equal(version(t, MID, "33/c"), 1);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	static struct gt_node_status s;
	gt_node_status(t->v[MID].node, &s);
	assert_true(s.synced);
}

static void say_inventory(struct nodes *t, uint32_t peer, const char *id,
                          bool first, bool last)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Inventory m = GT__INVENTORY__INIT;
	Gt__Inventory__Row row, *rows = &row;
	gt__inventory__row__init(&row);
	static uint8_t other[32] = {1};
	row.id = gt_arena_str(t->arena, id);
	row.hash = (ProtobufCBinaryData){32, other};
	row.verdict = GT__VERDICT__MIRROR;
	m.rows = &rows;
	m.n_rows = 1;
	m.first = first;
	m.last = last;
	r.body_case = GT__REQUEST__BODY_INVENTORY;
	r.inventory = &m;
	nodes_ask(t, TOP, peer, 60, &r);
}

/* Between two pages nothing may be judged: what a later page says would be
 * taken for old news. */
static void an_inventory_in_pages(void **state)
{
	static const char *const deny[] = {"video", "deny", NULL};
	struct nodes *t = *state;
	bool reconcile;
	publish(t, "a", "course");
	publish(t, "z", "video");
	order(t, deny);
	const uint8_t *epoch = epoch_of(t, TOP);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	(void)ask_changes(t, peer, 1000, epoch, &reconcile);
	assert_true(reconcile);
	say_inventory(t, peer, "33/a", true, false);
	struct gt_event e = {.type = GT_EV_TIME};
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	say_inventory(t, peer, "33/z", false, true);
	(void)ask_changes(t, peer, 0, epoch, &reconcile);
	assert_false(reconcile);
	const Gt__ChangesReply *c =
	        nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES)->reply->changes;
	bool retracted = false;
	for (size_t i = 0; i < c->n_changes; i++)
		retracted |= strcmp(c->changes[i]->retract, "33/z") == 0;
	assert_true(retracted);
}

static void restored_records(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_statements(t, MID, 1, 5, 0), 0);
	nodes_run(t);
	/* MID comes back from a backup made before those five, and is handed
	 * others: the numbers are used again, the records are not lost */
	gt_node_close(t->v[MID].node);
	t->v[MID].node = NULL;
	for (size_t w = 0; w < t->nwires; w++)
		nodes_cut(t, (unsigned)w);
	t->v[MID].lives = 0; /* the epoch of that time */
	nodes_open(t, MID, "3301", "33", NULL);
	nodes_enrol(t);
	assert_int_equal(nodes_statements(t, MID, 101, 3, 0), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_true(
	        nodes_dropped(t, MID, "a new epoch begins: all is compared"));
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 8);
	static struct gt_node_status s;
	gt_node_status(t->v[MID].node, &s);
	assert_int_equal(s.records_waiting, 0);
}

/* ------------------------------------------------------- signatures */

struct script {
	struct nodes *t;
	uint32_t peer;
	uint64_t changes;
	int64_t seq;
};

static void script_up(struct script *s, struct nodes *t)
{
	*s = (struct script){.t = t};
	s->peer =
	        nodes_parent(t, MID, &t->v[TOP].key, parent_epoch, &s->changes);
}

/* Returns the result the child wrote down. */
static const char *send(struct script *s, Gt__Change *change, uint64_t upto)
{
	struct nodes *t = s->t;
	Gt__Reply r = GT__REPLY__INIT;
	Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
	c.epoch = (ProtobufCBinaryData){
	        16, gt_arena_copy(t->arena, parent_epoch, 16)};
	c.changes = &change;
	c.n_changes = 1;
	c.upto = upto;
	r.body_case = GT__REPLY__BODY_CHANGES;
	r.changes = &c;
	nodes_answer(t, MID, s->peer, s->changes, &r, (struct gt_bytes){0});
	s->changes = nodes_asked(t, MID, GT__REQUEST__BODY_CHANGES)->a.token;
	return nodes_text(t, MID,
	                  "SELECT result FROM audit WHERE event IN ('receive', "
	                  "'retract') ORDER BY aid DESC LIMIT 1");
}

static const char *send_item(struct script *s, struct gt_bytes sealed)
{
	Gt__Change c;
	gt__change__init(&c);
	c.seq = (uint64_t)++s->seq;
	c.item = (ProtobufCBinaryData){
	        sealed.n, gt_arena_copy(s->t->arena, sealed.p, sealed.n)};
	c.verdict = GT__VERDICT__MIRROR;
	c.priority = 50;
	return send(s, &c, c.seq);
}

static struct gt_bytes entry(struct nodes *t, const struct gt_key *key,
                             const char *id, const char *publisher,
                             uint64_t number, const char *type)
{
	Gt__Entry e;
	gt__entry__init(&e);
	struct gt_bytes body, sealed;
	e.id = gt_arena_str(t->arena, id);
	e.publisher = gt_arena_str(t->arena, publisher);
	e.version = number;
	e.type = gt_arena_str(t->arena, type);
	body = gt_arena_pack(t->arena, &e.base);
	assert_int_equal(
	        gt_seal(key, GT__KIND__RESOURCE, &body, 1, t->arena, &sealed),
	        0);
	return sealed;
}

static struct gt_bytes layer(struct nodes *t, const struct gt_key *key,
                             const char *origin, uint64_t number)
{
	Gt__Layer m;
	gt__layer__init(&m);
	struct gt_bytes body, sealed;
	m.origin = gt_arena_str(t->arena, origin);
	m.version = number;
	m.fallback = GT__VERDICT__MIRROR;
	body = gt_arena_pack(t->arena, &m.base);
	assert_int_equal(
	        gt_seal(key, GT__KIND__LAYER, &body, 1, t->arena, &sealed), 0);
	return sealed;
}

static void what_is_not_what_its_origin_said(void **state)
{
	struct nodes *t = *state;
	const struct gt_key *top = &t->v[TOP].key, *mid = &t->v[MID].key;
	struct script s;
	script_up(&s, t);
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 5, "course")), "ok");
	struct gt_bytes forged = entry(t, top, "33/a", "33", 6, "course");
	uint8_t *bytes = gt_arena_copy(t->arena, forged.p, forged.n);
	char *at = memchr(bytes, 'c', forged.n);
	for (; memcmp(at, "course", 6) != 0; at++)
		assert_true((uint8_t *)at < bytes + forged.n - 6);
	*at = 'C';
	assert_string_equal(send_item(&s, gt_bytes_of(bytes, forged.n)),
	                    "SIGNATURE");
	/* another member's key, another publisher's name */
	assert_string_equal(
	        send_item(&s, entry(t, mid, "33/a", "33", 6, "course")),
	        "SIGNATURE");
	assert_string_equal(
	        send_item(&s, entry(t, top, "3301/a", "33", 6, "course")),
	        "IDENTITY");
	assert_string_equal(
	        send_item(&s, entry(t, top, "3399/a", "3399", 6, "course")),
	        "SIGNATURE");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/../a", "33", 6, "course")),
	        "IDENTITY");
	/* back in time, and the same time told otherwise */
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 4, "course")),
	        "STALE");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 5, "video")),
	        "CONFLICT");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 0, "video")),
	        "MALFORMED");
	/* layers that are not for us, rows not of the roster's key */
	assert_string_equal(send_item(&s, layer(t, top, "3302", 1)),
	                    "SIGNATURE");
	nodes_members(
	        t, MID,
	        nodes_member(t, "3302", top->public, 1, GT__STANDING__ACTIVE));
	assert_string_equal(send_item(&s, layer(t, top, "3302", 1)), "DENIED");
	assert_string_equal(send_item(&s, layer(t, top, "33", 1)), "ok");
	assert_string_equal(
	        send_item(&s, gt_bytes_of((const uint8_t *)"\xff", 1)),
	        "MALFORMED");
	/* none of it ended the link or left a trace in the catalogue */
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(version(t, MID, "33/a"), 5);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT count(*) FROM item WHERE kind=1"), 1);
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 6, "video")), "ok");
	assert_int_equal(version(t, MID, "33/a"), 6);
}

/* What a node published itself, no neighbour can put away. */
static void what_is_ours(void **state)
{
	struct nodes *t = *state;
	struct gt_bytes none = {NULL, 0};
	struct script s;
	assert_int_equal(nodes_publish(t, MID, "own", "course", none, none), 0);
	script_up(&s, t);
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(t->v[MID].db,
	                                    "SELECT signed FROM item WHERE "
	                                    "id='3301/own'",
	                                    -1, &st, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int n = sqlite3_column_bytes(st, 0);
	struct gt_bytes echo = gt_bytes_of(
	        gt_arena_copy(t->arena, sqlite3_column_blob(st, 0), (size_t)n),
	        (size_t)n);
	sqlite3_finalize(st);
	assert_string_equal(send_item(&s, echo), "DENIED");
	Gt__Change c;
	gt__change__init(&c);
	c.seq = (uint64_t)++s.seq;
	c.retract = gt_arena_str(t->arena, "3301/own");
	(void)send(&s, &c, c.seq);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT own FROM item WHERE id='3301/own' AND "
	                  "verdict=3"),
	        1);
}

static void changes_that_make_no_sense(void **state)
{
	struct nodes *t = *state;
	char *longest = gt_arena_get(t->arena, 5000);
	struct gt_bytes good =
	        entry(t, &t->v[TOP].key, "33/a", "33", 1, "course");
	memset(longest, 'x', 4999);
	longest[4999] = '\0';
	for (unsigned k = 0; k < 8; k++) {
		struct script s;
		script_up(&s, t);
		Gt__Change c;
		gt__change__init(&c);
		c.seq = 1;
		c.verdict = GT__VERDICT__MIRROR;
		c.item = (ProtobufCBinaryData){
		        good.n, gt_arena_copy(t->arena, good.p, good.n)};
		switch (k) {
		case 0:
			c.seq = 0;
			break;
		case 1:
			c.seq = UINT64_MAX;
			break;
		case 2:
			c.verdict = GT__VERDICT__DENY;
			break;
		case 3:
			c.verdict = (Gt__Verdict)9;
			break;
		case 4:
			c.item.len = 0;
			break;
		case 5:
			c.rule = longest;
			break;
		case 6:
			c.layer = longest;
			break;
		default:
			c.item.len = 0;
			c.verdict = GT__VERDICT__DENY;
			c.retract = longest;
			break;
		}
		nodes_clear(t, MID);
		Gt__Reply r = GT__REPLY__INIT;
		Gt__ChangesReply m = GT__CHANGES_REPLY__INIT;
		Gt__Change *list = &c;
		m.epoch = (ProtobufCBinaryData){
		        16, gt_arena_copy(t->arena, parent_epoch, 16)};
		m.changes = &list;
		m.n_changes = 1;
		m.upto = 1;
		r.body_case = GT__REPLY__BODY_CHANGES;
		r.changes = &m;
		nodes_answer(t, MID, s.peer, s.changes, &r,
		             (struct gt_bytes){0});
		assert_true(
		        nodes_dropped(t, MID, "a change that makes no sense"));
		assert_int_equal(nodes_int(t, MID,
		                           "SELECT count(*) FROM item WHERE "
		                           "kind=1"),
		                 0);
	}
}

static void offers(void **state)
{
	struct nodes *t = *state;
	const struct {
		const char *origin;
		unsigned key;
		const char *why;
	} rows[] = {
	        {"330106", LOW, "an Offer that is not the child's own layer"},
	        {"3301", TOP, "not signed by an active key of 3301"},
	};
	for (size_t i = 0; i < 2; i++) {
		uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
		Gt__Request r = GT__REQUEST__INIT;
		Gt__Offer o;
		gt__offer__init(&o);
		struct gt_bytes b =
		        layer(t, &t->v[rows[i].key].key, rows[i].origin, 1);
		o.item = (ProtobufCBinaryData){
		        b.n, gt_arena_copy(t->arena, b.p, b.n)};
		r.body_case = GT__REQUEST__BODY_OFFER;
		r.offer = &o;
		nodes_ask(t, TOP, peer, 70, &r);
		assert_true(nodes_dropped(t, TOP, rows[i].why));
	}
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT count(*) FROM item WHERE kind=2"), 0);
}

/* The parent answers Changes by the layer it has of a child: a newer one goes
 * out before anything is asked that is answered by it, on a new link and on one
 * that is up. */
static void a_layer_goes_before_questions(void **state)
{
	struct nodes *t = *state;
	static const char *const deny[] = {"course", "deny", NULL};
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	nodes_cut(t, wire);
	assert_int_equal(nodes_layer(t, MID, deny), 0);
	publish(t, "a", "course");
	nodes_clear(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	const struct done *offer = nodes_asked(t, MID, GT__REQUEST__BODY_OFFER);
	assert_non_null(offer);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER), 1);
	assert_true(offer < nodes_asked(t, MID, GT__REQUEST__BODY_CHANGES));
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM item"
	                           " WHERE kind = 1"),
	                 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE"
	                           " event IN ('receive', 'retract')"
	                           " AND kind = 'resource'"),
	                 0);
	/* and once, while the link is up */
	nodes_clear(t, MID);
	assert_int_equal(nodes_layer(t, MID, everything), 0);
	nodes_run(t);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER), 1);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM item"
	                           " WHERE kind = 1"),
	                 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_layer_goes_before_questions),
	        T(new_updated_withdrawn),
	        T(withdrawn_and_denied),
	        T(a_rule_takes_it_out_and_in_again),
	        T(the_parent_is_a_ceiling),
	        T(members_and_layers_come_first),
	        T(everything_twice),
	        T(cursors),
	        T(a_parent_that_forgot),
	        T(an_inventory_in_pages),
	        T(restored_records),
	        T(what_is_not_what_its_origin_said),
	        T(what_is_ours),
	        T(changes_that_make_no_sense),
	        T(offers),
	};
	return cmocka_run_group_tests_name("node_feed", tests, NULL, NULL);
}
