/* u_node_feed.c: what a child is told of resources, layers and members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_inside.h"
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
	/* nor is it written down that members are none of its business */
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'judge' AND kind='member' AND "
	                           "verdict='deny'"),
	                 0);
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
	for (unsigned i = MID; i <= LOW; i++)
		assert_string_equal(
		        nodes_text(t, i,
		                   "SELECT verdict||' '||priority||' '||rule||"
		                   "' '||layer FROM item WHERE id='33/a'"),
		        "1 60 course 33");
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

static size_t epoch_bytes = 16;

static Gt__Change *ask_changes(struct nodes *t, uint32_t peer, uint64_t after,
                               const uint8_t *epoch, bool *reconcile)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	c.after = after;
	c.epoch = (ProtobufCBinaryData){epoch_bytes,
	                                gt_arena_copy(t->arena, epoch, 16)};
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
	epoch_bytes = 15;
	(void)ask_changes(t, peer, 0, epoch, &reconcile);
	assert_true(reconcile);
	epoch_bytes = 16;
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
	unsigned kinds[4] = {0};
	for (size_t i = 0; i < c->n_changes; i++) {
		ProtobufCBinaryData b = c->changes[i]->item;
		retracted |= strcmp(c->changes[i]->retract, "33/z") == 0;
		if (b.len == 0)
			continue;
		const Gt__Signed *sealed = gt__signed__unpack(
		        gt_arena_allocator(t->arena), b.len, b.data);
		assert(sealed && sealed->kind < 4);
		kinds[sealed->kind]++;
	}
	assert_true(retracted);
	/* all is sent that it may have: of the members and layers it said
	 * nothing */
	assert_int_equal(kinds[GT__KIND__RESOURCE], 1);
	assert_int_equal(kinds[GT__KIND__LAYER], 1);
	assert_int_equal(kinds[GT__KIND__MEMBER], 3);
}

/* What is more than one answer holds comes in several, and no more is judged at
 * once than a turn should take; the rest is judged while the child is busy. */
static void many_at_once(void **state)
{
	enum { MANY = 2100, AT_ONCE = 2048 };
	static struct gt_draft d[MANY];
	struct nodes *t = *state;
	bool reconcile;
	char title[301];
	memset(title, 'x', 300);
	title[300] = '\0';
	for (unsigned k = 0; k < MANY; k++) {
		char id[16];
		Gt__Entry e;
		gt__entry__init(&e);
		gt_format(id, sizeof id, "33/r%u", k);
		e.id = id;
		e.licence = title;
		d[k] = (struct gt_draft){
		        gt_arena_pack(t->arena, &e.base), {NULL, 0}, ""};
	}
	struct gt_event e = {.type = GT_EV_PUBLISH, .drafts = d, .count = MANY};
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	const uint8_t *epoch = epoch_of(t, TOP);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	(void)ask_changes(t, peer, 0, epoch, &reconcile);
	assert_false(reconcile);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM view v JOIN item i ON "
	                           "i.rid=v.rid AND i.kind=1"),
	                 AT_ONCE);
	const Gt__ChangesReply *c =
	        nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES)->reply->changes;
	size_t bytes = 0;
	for (size_t i = 0; i + 1 < c->n_changes; i++)
		bytes += c->changes[i]->item.len + 100;
	assert_true(bytes < GT_CHANGES_BYTES);
	bytes += c->changes[c->n_changes - 1]->item.len + 100;
	assert_true(bytes >= GT_CHANGES_BYTES);
	assert_true(c->more);
	assert_int_equal(c->upto, c->changes[c->n_changes - 1]->seq);
	assert_int_equal(gt_node_deadline(t->v[TOP].node), 0);
	struct gt_event now = {.type = GT_EV_TIME};
	assert_int_equal(nodes_event(t, TOP, &now), 0);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM view v JOIN item i ON "
	                           "i.rid=v.rid AND i.kind=1"),
	                 MANY);
	assert_true(gt_node_deadline(t->v[TOP].node) > t->now.mono_ms);
	/* the rest, and that it is all */
	uint64_t upto = c->upto;
	(void)ask_changes(t, peer, upto, epoch, &reconcile);
	c = nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES)->reply->changes;
	while (c->more) {
		upto = c->upto;
		(void)ask_changes(t, peer, upto, epoch, &reconcile);
		c = nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES)
		            ->reply->changes;
	}
	assert_int_equal(c->upto,
	                 nodes_int(t, TOP, "SELECT max(vseq) FROM view"));
}

/* An answer holds so many changes, however small. */
static void rows_of_an_answer(void **state)
{
	struct nodes *t = *state;
	bool reconcile;
	const uint8_t *epoch = epoch_of(t, TOP);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	(void)ask_changes(t, peer, 0, epoch, &reconcile);
	/* retractions it has not acknowledged */
	assert_int_equal(
	        sqlite3_exec(t->v[TOP].db,
	                     "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT"
	                     " i+1 FROM c WHERE i<2100) INSERT INTO item SELECT"
	                     " 1000+i,1,'33/r'||i,1000+i,1,0,x'','',0,0,'','',"
	                     "1,'','',NULL,NULL,0,0 FROM c;"
	                     "INSERT INTO view SELECT 1,rid,seq,seq,0,0,'','' "
	                     "FROM item WHERE rid>1000;"
	                     "UPDATE child SET vseq=3100,judged=3100",
	                     NULL, NULL, NULL),
	        SQLITE_OK);
	struct gt_peer *p = gt_peer_by_code(t->v[TOP].node, "3301");
	assert_non_null(p);
	p->child.vseq = 3100;
	p->child.judged = 3100;
	(void)ask_changes(t, peer, 1000, epoch, &reconcile);
	assert_false(reconcile);
	const Gt__ChangesReply *c =
	        nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES)->reply->changes;
	assert_int_equal(c->n_changes, GT_CHANGES_ROWS);
	assert_true(c->more);
	assert_int_equal(c->upto, 1000 + GT_CHANGES_ROWS);
	assert_string_equal(c->changes[0]->retract, "33/r1");
}

/* What a child says of itself is written down when it is another thing than
 * before, and short. */
static void what_a_child_says_of_itself(void **state)
{
	struct nodes *t = *state;
	const uint8_t *epoch = epoch_of(t, TOP);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	char software[1100];
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	Gt__NodeStatus s;
	gt__node_status__init(&s);
	c.epoch = (ProtobufCBinaryData){16, gt_arena_copy(t->arena, epoch, 16)};
	c.status = &s;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	memset(software, 'x', sizeof software);
	s.software = software;
	software[7] = '\0';
	for (uint64_t k = 0; k < 4; k++) {
		size_t n = gt__node_status__get_packed_size(&s);
		s.resources = k / 2;
		t->now.wall_ms += 1000;
		nodes_ask(t, TOP, peer, 40 + k, &r);
		assert_int_equal(
		        nodes_int(t, TOP, "SELECT length(status) FROM child"),
		        gt__node_status__get_packed_size(&s));
		if (k % 2 == 0)
			continue;
		assert_int_equal(n, gt__node_status__get_packed_size(&s));
	}
	/* as long as may be, and longer */
	for (unsigned more = 0; more < 2; more++) {
		memset(software, 'x', sizeof software);
		software[1024 - 5 + more] = '\0';
		assert_int_equal(gt__node_status__get_packed_size(&s),
		                 1024 + more);
		nodes_ask(t, TOP, peer, 50 + more, &r);
		assert_int_equal(
		        nodes_int(t, TOP, "SELECT length(status) FROM child"),
		        1024);
	}
	/* said again, it writes nothing */
	software[1024 - 5] = '\0';
	const uint64_t token = 60;
	nodes_ask(t, TOP, peer, token, &r);
	static struct gt_node_status st;
	gt_node_status(t->v[TOP].node, &st);
	uint64_t commits = st.commits;
	nodes_ask(t, TOP, peer, token, &r);
	gt_node_status(t->v[TOP].node, &st);
	assert_int_equal(st.commits, commits);
}

/* ------------------------------------------------------------ rules */

/* A rule that looks at how old things are: time alone takes them away. */
static void by_age(void **state)
{
	struct nodes *t = *state;
	Gt__Layer m;
	Gt__Rule rule, *rules = &rule;
	Gt__Predicate when, *whens = &when;
	gt__layer__init(&m);
	gt__rule__init(&rule);
	gt__predicate__init(&when);
	when.field = GT__FIELD__AGE;
	when.ranged = true;
	when.min = 1800;
	when.max = INT64_MAX;
	rule.name = gt_arena_str(t->arena, "old");
	rule.when = &whens;
	rule.n_when = 1;
	rule.verdict = GT__VERDICT__DENY;
	m.rules = &rules;
	m.n_rules = 1;
	m.fallback = GT__VERDICT__MIRROR;
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .body = gt_arena_pack(t->arena, &m.base)};
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	publish(t, "a", "course");
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	nodes_run(t);
	assert_int_equal(verdict(t, MID, "33/a"), GT_MIRROR);
	/* looked at once an hour */
	nodes_pass(t, 3599 * 1000);
	assert_int_equal(verdict(t, MID, "33/a"), GT_MIRROR);
	nodes_pass(t, 2000);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	publish(t, "b", "course");
	nodes_pass(t, 3597 * 1000);
	assert_int_equal(verdict(t, MID, "33/b"), GT_MIRROR);
	nodes_pass(t, 2000);
	assert_int_equal(verdict(t, MID, "33/b"), GT_DENY);
	/* where nobody is linked there is nobody to judge for */
	nodes_cut(t, 0);
	assert_int_equal(gt_node_deadline(t->v[LOW].node), UINT64_MAX);
}

/* The layer the parent judges by, and ours. */
static void whose_layer_is_newer(void **state)
{
	static const char own[] =
	        "SELECT version FROM item WHERE kind=2 AND id='3301'";
	static const struct {
		const char *theirs; /* what becomes of the parent's row */
		bool again;
	} rows[] = {{"version=version", false},
	            {"hash=zeroblob(32)", true},
	            {"hash=zeroblob(32),version=version+5", true},
	            {"hash=zeroblob(32),version=1<<53", false}};
	struct nodes *t = *state;
	assert_int_equal(nodes_layer(t, MID, everything), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		assert_int_equal(nodes_int(t, TOP, own),
		                 nodes_int(t, MID, own));
		nodes_cut(t, (unsigned)i * 2);
		char sql[100];
		gt_format(sql, sizeof sql,
		          "UPDATE item SET %s WHERE kind=2 AND id='3301'",
		          rows[i].theirs);
		assert_int_equal(
		        sqlite3_exec(t->v[TOP].db, sql, NULL, NULL, NULL),
		        SQLITE_OK);
		int64_t before = nodes_int(t, MID, own);
		int64_t shown = nodes_int(t, TOP, own);
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		if (rows[i].again)
			assert_true(nodes_int(t, MID, own) > shown);
		else
			assert_int_equal(nodes_int(t, MID, own), before);
		nodes_cut(t, (unsigned)i * 2 + 1);
	}
}

/* A parent that names a version and no layer says nothing. */
static void a_version_of_no_layer(void **state)
{
	struct nodes *t = *state;
	t->proved.layer_version = 7;
	nodes_parent(t, MID, &t->v[TOP].key, parent_epoch, NULL);
	assert_int_equal(t->v[MID].node->catalogue->version_floor, 1);
	uint8_t hash[32] = {1};
	t->proved.layer_hash = (ProtobufCBinaryData){32, hash};
	nodes_parent(t, MID, &t->v[TOP].key, parent_epoch, NULL);
	assert_true(t->v[MID].node->catalogue->version_floor > 7);
}

/* -------------------------------------------------------- comparing */

static const Gt__Inventory *inventory(struct nodes *t, uint64_t *token)
{
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_INVENTORY);
	assert_non_null(d);
	*token = d->a.token;
	nodes_clear(t, MID);
	return d->request->inventory;
}

/* So many rows a page, and not one page more. */
static void pages_of_an_inventory(void **state)
{
	static const size_t counts[] = {0, GT_INVENTORY_ROWS - 1,
	                                GT_INVENTORY_ROWS,
	                                GT_INVENTORY_ROWS + 2};
	struct nodes *t = *state;
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Ok ok = GT__OK__INIT;
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	uint64_t token;
	uint8_t other[16] = {1};
	nodes_parent(t, MID, &t->v[TOP].key, parent_epoch, NULL);
	for (size_t i = 0; i < 4; i++) {
		char sql[400];
		gt_format(sql, sizeof sql,
		          "DELETE FROM item WHERE kind=1;"
		          "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
		          "i+1 FROM c WHERE i<=%zu) INSERT INTO item SELECT "
		          "1000+i,1,'33/r'||(10000+i),1000+i,1,0,zeroblob(32),"
		          "'',1,0,'','',0,'','',NULL,NULL,0,0 FROM c WHERE "
		          "i<=%zu",
		          counts[i], counts[i]);
		assert_int_equal(
		        sqlite3_exec(t->v[MID].db, sql, NULL, NULL, NULL),
		        SQLITE_OK);
		other[0]++;
		nodes_clear(t, MID);
		uint32_t peer =
		        nodes_parent(t, MID, &t->v[TOP].key, other, NULL);
		const Gt__Inventory *m = inventory(t, &token);
		size_t page = counts[i] < GT_INVENTORY_ROWS ? counts[i]
		                                            : GT_INVENTORY_ROWS;
		assert_true(m->first);
		assert_int_equal(m->last, counts[i] < GT_INVENTORY_ROWS);
		assert_int_equal(m->n_rows, page);
		nodes_answer(t, MID, peer, token, &r, (struct gt_bytes){0});
		if (counts[i] >= GT_INVENTORY_ROWS) {
			const char *end = m->rows[page - 1]->id;
			m = inventory(t, &token);
			assert_false(m->first);
			assert_true(m->last);
			assert_int_equal(m->n_rows, counts[i] - page);
			if (m->n_rows)
				assert_true(strcmp(m->rows[0]->id, end) > 0);
			nodes_answer(t, MID, peer, token, &r,
			             (struct gt_bytes){0});
		}
		assert_null(nodes_asked(t, MID, GT__REQUEST__BODY_INVENTORY));
		const struct done *d =
		        nodes_asked(t, MID, GT__REQUEST__BODY_CHANGES);
		assert_non_null(d);
		assert_int_equal(d->request->changes->after, 0);
	}
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
	/* they go into the new epoch, and it goes on from their numbers */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM record r JOIN stream "
	                           "s ON s.sid=r.stream JOIN meta m ON m.key="
	                           "'epoch' AND m.value=s.epoch AND s.last=3"),
	                 3);
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
	/* nor rows that are not of the roster's key, nor what is no kind */
	struct gt_key roster = t->roster;
	t->roster = t->v[TOP].key;
	assert_string_equal(
	        send_item(&s, nodes_member(t, "3303", top->public, 1,
	                                   GT__STANDING__ACTIVE)),
	        "SIGNATURE");
	t->roster = roster;
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT group_concat(kind||' '||subject||' '||"
	                   "result||': '||detail,x'0a') FROM audit WHERE "
	                   "event='receive' AND result<>'ok'"),
	        "resource  SIGNATURE: bad signature\n"
	        "resource 33/a SIGNATURE: not signed by an active key of 33\n"
	        "resource 3301/a IDENTITY: the id does not begin with the "
	        "publisher's code\n"
	        "resource 3399/a SIGNATURE: not signed by an active key of "
	        "3399\n"
	        "resource 33/../a IDENTITY: the id does not begin with the "
	        "publisher's code\n"
	        "resource 33/a STALE: \n"
	        "resource 33/a CONFLICT: \n"
	        "resource 33/a MALFORMED: version out of range\n"
	        "layer 3302 SIGNATURE: not signed by an active key of 3302\n"
	        "layer 3302 DENIED: a layer that is not for this node\n"
	        "  MALFORMED: malformed signed item\n"
	        "member 3303 SIGNATURE: not signed with the roster key");
	/* none of it ended the link or left a trace in the catalogue */
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(version(t, MID, "33/a"), 5);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT count(*) FROM item WHERE kind=1"), 1);
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 6, "video")), "ok");
	assert_int_equal(version(t, MID, "33/a"), 6);
}

/* What is older than what is here is shown to the parent, if there is a slot to
 * ask in; else on the next link. */
static void more_to_show_than_slots(void **state)
{
	struct nodes *t = *state;
	struct gt_node *n = t->v[MID].node;
	const struct gt_key *top = &t->v[TOP].key;
	struct script s;
	script_up(&s, t);
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 5, "course")), "ok");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/b", "33", 5, "course")), "ok");
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Changes none = GT__CHANGES__INIT;
	struct gt_asking a = {.what = GT_ASKED_OFFER};
	q.body_case = GT__REQUEST__BODY_CHANGES;
	q.changes = &none;
	for (bool full = false; !full;)
		assert_int_equal(gt_ask(n, &q, &a, &full), 0);
	/* the answer itself leaves one free */
	Gt__Reply r = GT__REPLY__INIT;
	Gt__ChangesReply m = GT__CHANGES_REPLY__INIT;
	Gt__Change c[2], *list[2] = {&c[0], &c[1]};
	for (unsigned k = 0; k < 2; k++) {
		struct gt_bytes old =
		        entry(t, top, k ? "33/b" : "33/a", "33", 4, "course");
		gt__change__init(&c[k]);
		c[k].seq = (uint64_t)++s.seq;
		c[k].item = (ProtobufCBinaryData){
		        old.n, gt_arena_copy(t->arena, old.p, old.n)};
		c[k].verdict = GT__VERDICT__MIRROR;
	}
	m.epoch = (ProtobufCBinaryData){
	        16, gt_arena_copy(t->arena, parent_epoch, 16)};
	m.changes = list;
	m.n_changes = 2;
	m.upto = (uint64_t)s.seq;
	r.body_case = GT__REPLY__BODY_CHANGES;
	r.changes = &m;
	nodes_clear(t, MID);
	nodes_answer(t, MID, s.peer, s.changes, &r, (struct gt_bytes){0});
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER), 1);
	assert_int_equal(n->catalogue->contests, 1);
	Gt__Ok ok = GT__OK__INIT;
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	nodes_answer(t, MID, s.peer,
	             nodes_asked(t, MID, GT__REQUEST__BODY_OFFER)->a.token, &r,
	             (struct gt_bytes){0});
	assert_true(nodes_dropped(t, MID, "more to show than could be asked"));
}

/* Versions go as far as a number does; an object has an id or none. */
static void limits_of_an_entry(void **state)
{
	static const struct {
		uint64_t number;
		size_t object;
		const char *result, *detail;
	} rows[] = {
	        {1, 0, "ok", ""},
	        {2, 32, "ok", ""},
	        {3, 31, "MALFORMED", "malformed object id"},
	        {3, 33, "MALFORMED", "malformed object id"},
	        {INT64_MAX, 0, "ok", ""},
	        {(uint64_t)INT64_MAX + 1, 0, "MALFORMED",
	         "version out of range"},
	};
	struct nodes *t = *state;
	struct script s;
	script_up(&s, t);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		Gt__Entry e;
		gt__entry__init(&e);
		static uint8_t object[33];
		struct gt_bytes body, sealed;
		e.id = gt_arena_str(t->arena, "33/a");
		e.publisher = gt_arena_str(t->arena, "33");
		e.version = rows[i].number;
		e.object = (ProtobufCBinaryData){rows[i].object, object};
		body = gt_arena_pack(t->arena, &e.base);
		assert_int_equal(gt_seal(&t->v[TOP].key, GT__KIND__RESOURCE,
		                         &body, 1, t->arena, &sealed),
		                 0);
		assert_string_equal(send_item(&s, sealed), rows[i].result);
		assert_string_equal(
		        nodes_text(t, MID,
		                   "SELECT detail FROM audit WHERE event="
		                   "'receive' ORDER BY aid DESC LIMIT 1"),
		        rows[i].detail);
	}
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
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

/* Texts as long as they may be, and the answer around them. */
static void changes_as_they_may_be(void **state)
{
	struct nodes *t = *state;
	char rule[GT_RULE_NAME_MAX + 2], layers[GT_CODE_MAX + 2],
	        retract[GT_RID_MAX + 2];
	struct {
		char *text;
		size_t most;
	} texts[] = {{rule, GT_RULE_NAME_MAX},
	             {layers, GT_CODE_MAX},
	             {retract, GT_RID_MAX}};
	struct gt_bytes good =
	        entry(t, &t->v[TOP].key, "33/a", "33", 1, "course");
	for (unsigned k = 0; k < 6; k++) {
		struct script s;
		script_up(&s, t);
		/* a cursor beyond which it must go on */
		s.seq = 4;
		assert_string_equal(
		        send_item(&s, entry(t, &t->v[TOP].key, "33/b", "33",
		                            1 + k, "course")),
		        "ok");
		Gt__Change c;
		gt__change__init(&c);
		c.seq = 6;
		c.verdict = GT__VERDICT__METADATA;
		c.item = (ProtobufCBinaryData){
		        good.n, gt_arena_copy(t->arena, good.p, good.n)};
		size_t n = texts[k / 2].most + k % 2;
		memset(texts[k / 2].text, 'x', n);
		texts[k / 2].text[n] = '\0';
		if (k / 2 == 0)
			c.rule = rule;
		else if (k / 2 == 1)
			c.layer = layers;
		else {
			c.item.len = 0;
			c.verdict = GT__VERDICT__DENY;
			c.retract = retract;
		}
		nodes_clear(t, MID);
		if (k % 2 == 0) {
			assert_string_equal(send(&s, &c, 6), "ok");
			assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
		} else {
			Gt__Reply r = GT__REPLY__INIT;
			Gt__ChangesReply m = GT__CHANGES_REPLY__INIT;
			Gt__Change *list = &c;
			m.epoch = (ProtobufCBinaryData){
			        16, gt_arena_copy(t->arena, parent_epoch, 16)};
			m.changes = &list;
			m.n_changes = 1;
			m.upto = 6;
			r.body_case = GT__REPLY__BODY_CHANGES;
			r.changes = &m;
			nodes_answer(t, MID, s.peer, s.changes, &r,
			             (struct gt_bytes){0});
			assert_true(nodes_dropped(
			        t, MID, "a change that makes no sense"));
		}
		assert_int_equal(sqlite3_exec(t->v[MID].db,
		                              "DELETE FROM meta WHERE "
		                              "key='cursor'",
		                              NULL, NULL, NULL),
		                 SQLITE_OK);
		t->v[MID].node->catalogue->cursor = 0;
	}
}

/* An answer of another epoch than was asked for, or from before. */
static void answers_of_another_epoch(void **state)
{
	struct nodes *t = *state;
	static const struct {
		size_t bytes;
		uint8_t first;
		uint64_t upto;
		bool good;
	} rows[] = {{16, 9, 1, true},
	            {16, 8, 2, false},
	            {15, 9, 2, false},
	            {16, 9, 0, false},
	            {16, 9, INT64_MAX, true},
	            {16, 9, (uint64_t)INT64_MAX + 1, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct script s;
		uint8_t epoch[16] = {rows[i].first};
		script_up(&s, t);
		Gt__Reply r = GT__REPLY__INIT;
		Gt__ChangesReply m = GT__CHANGES_REPLY__INIT;
		m.epoch = (ProtobufCBinaryData){rows[i].bytes, epoch};
		m.upto = rows[i].upto;
		r.body_case = GT__REPLY__BODY_CHANGES;
		r.changes = &m;
		nodes_clear(t, MID);
		nodes_answer(t, MID, s.peer, s.changes, &r,
		             (struct gt_bytes){0});
		if (rows[i].good)
			assert_int_equal(
			        nodes_int(t, MID,
			                  "SELECT value FROM meta WHERE "
			                  "key='cursor'"),
			        rows[i].upto);
		else
			assert_true(nodes_dropped(t, MID,
			                          "changes of another epoch"));
	}
}

/* What the child has issued since, it was told at Prove. */
static void an_older_layer_than_was_known(void **state)
{
	struct nodes *t = *state;
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	for (uint64_t number = 5; number >= 4; number--) {
		Gt__Request r = GT__REQUEST__INIT;
		Gt__Offer o;
		gt__offer__init(&o);
		struct gt_bytes b = layer(t, &t->v[MID].key, "3301", number);
		o.item = (ProtobufCBinaryData){
		        b.n, gt_arena_copy(t->arena, b.p, b.n)};
		r.body_case = GT__REQUEST__BODY_OFFER;
		r.offer = &o;
		nodes_clear(t, TOP);
		nodes_ask(t, TOP, peer, 70, &r);
		if (number == 5)
			assert_non_null(
			        nodes_replied(t, TOP, GT__REPLY__BODY_OK));
	}
	assert_true(nodes_dropped(t, TOP,
	                          "the child has issued a newer layer before"));
	assert_string_equal(
	        nodes_text(t, TOP,
	                   "SELECT group_concat(subject||' '||version||' '||"
	                   "peer||' '||result,'; ') FROM audit WHERE "
	                   "event='receive' AND kind='layer'"),
	        "3301 5 3301 ok; 3301 4 3301 STALE");
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
	        T(many_at_once),
	        T(rows_of_an_answer),
	        T(what_a_child_says_of_itself),
	        T(by_age),
	        T(whose_layer_is_newer),
	        T(a_version_of_no_layer),
	        T(pages_of_an_inventory),
	        T(restored_records),
	        T(what_is_not_what_its_origin_said),
	        T(more_to_show_than_slots),
	        T(limits_of_an_entry),
	        T(what_is_ours),
	        T(changes_that_make_no_sense),
	        T(changes_as_they_may_be),
	        T(answers_of_another_epoch),
	        T(an_older_layer_than_was_known),
	        T(offers),
	};
	return cmocka_run_group_tests_name("node_feed", tests, NULL, NULL);
}
