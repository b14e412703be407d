/* u_feed.c: answers to what a child asks of the feed, and to what it offers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "catalogue_inside.h"
#include "unit/catalogue_kit.h"
#include "unit/script_kit.h"

/* ---------------------------------------------------------- Changes */

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
	announce(t, "a", "course");
	const uint8_t *epoch = epoch_of(t, TOP);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	/* beyond the end: nothing may be judged ahead of that answer */
	(void)ask_changes(t, peer, 1000, epoch, &reconcile);
	assert_true(reconcile);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM view"), 0);
	(void)ask_changes(t, peer, 3, epoch, &reconcile);
	assert_true(reconcile);
	/* another epoch, a malformed one */
	(void)ask_changes(t, peer, 0, script_epoch, &reconcile);
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
	announce(t, "a", "course");
	announce(t, "z", "video");
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

/* ------------------------------------------------------------ Offer */

/* A child that is a script shows a layer, as if it were its own. */
static void offer(struct nodes *t, uint32_t peer, const struct gt_key *key,
                  const char *origin, uint64_t number)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Offer o;
	gt__offer__init(&o);
	o.item = gt_lend_bytes(layer(t, key, origin, number));
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = &o;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 70, &r);
}

/* What the child has issued since, it was told at Prove. */
static void an_older_layer_than_was_known(void **state)
{
	struct nodes *t = *state;
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	for (uint64_t number = 5; number >= 4; number--) {
		offer(t, peer, &t->v[MID].key, "3301", number);
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
		offer(t, peer, &t->v[rows[i].key].key, rows[i].origin, 1);
		assert_true(nodes_dropped(t, TOP, rows[i].why));
	}
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT count(*) FROM item WHERE kind=2"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(cursors),
	        T(an_inventory_in_pages),
	        T(many_at_once),
	        T(rows_of_an_answer),
	        T(what_a_child_says_of_itself),
	        T(an_older_layer_than_was_known),
	        T(offers),
	};
	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
