/* u_rehang.c: another parent. What is remembered of one is not taken for the
 * other's: who gave which bytes, what of the records it has, what it said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "content_inside.h"
#include "nodes.h"
#include "records_inside.h"
#include "unit/node_kit.h"

/* LOW's parent is MID, or by its file TOP: nodes_enrol's rows name none. */
static void hang(struct nodes *t, unsigned under)
{
	gt_copy(t->v[LOW].parent, sizeof t->v[LOW].parent, t->v[under].code);
	nodes_restart(t, LOW);
}

static unsigned link_to(struct nodes *t, unsigned parent)
{
	unsigned wire = nodes_wire(t, LOW, parent, true);
	nodes_pass(t, 3000);
	return wire;
}

static int64_t count(struct nodes *t, unsigned i, const char *where)
{
	return nodes_int(t, i, "SELECT count(*) FROM audit WHERE %s", where);
}

/* --------------------------------------------------- who gave the bytes */

static bool lose_late_frames(struct nodes *t, struct message *m)
{
	return m->to != LOW || m->npayload < 20000 || ++t->hooked <= 3;
}

/* MID has a package, and LOW the beginning of it by MID. */
static void begun(struct nodes *t, struct pack *p)
{
	package(p, 1, 2000000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", p), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, p);
	t->hook = lose_late_frames;
	link_to(t, MID);
	assert_int_equal(object_state(t, LOW, &p->object), GT_OBJECT_PARTIAL);
	t->hook = NULL;
}

/* The last bytes came from MID; that they are whole is seen when LOW's file
 * names another parent. */
static void the_supplier_is_kept(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	/* its disk has all, and has not said so when it is started anew */
	t->v[LOW].held = true;
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	for (int i = 0;
	     i < 100 && object_state(t, LOW, &p.object) < GT_OBJECT_CHECKING;
	     i++) {
		if (t->nanswers > 0)
			nodes_hear(t, 0);
		nodes_pass(t, 600);
	}
	assert_int_equal(object_state(t, LOW, &p.object), GT_OBJECT_CHECKING);
	t->nanswers = 0; /* what its life before asked the disk */
	t->v[LOW].held = false;
	hang(t, TOP);
	nodes_pass(t, 3000);
	nodes_pass(t, 3000);
	assert_holds(t, LOW, &p);
	assert_int_equal(
	        count(t, LOW, "event='fetch' AND result='ok' AND peer='3301'"),
	        1);
	assert_int_equal(count(t, LOW, "event='fetch'"), 1);
	/* TOP, which gave nothing, is told nothing */
	link_to(t, TOP);
	assert_int_equal(count(t, TOP, "event='serve' AND peer='330106'"), 0);
	assert_int_equal(nodes_int(t, LOW, "SELECT count(*) FROM handover"), 1);
	/* MID is, once it is the parent again */
	hang(t, MID);
	link_to(t, MID);
	assert_int_equal(nodes_int(t, LOW, "SELECT count(*) FROM handover"), 0);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT bytes FROM audit WHERE event='serve'"),
	        nodes_int(t, LOW,
	                  "SELECT bytes FROM audit WHERE event='fetch'"));
	pack_clear(&p);
}

/* One half by MID, one by TOP: each is said of the one it is of. */
static void each_part_has_its_supplier(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	char first[40];
	begun(t, &p);
	gt_copy(first, sizeof first,
	        nodes_text(t, LOW, "SELECT lower(hex(transfer)) FROM object"));
	int64_t of_mid = nodes_int(t, LOW, "SELECT received FROM object");
	assert_true(of_mid > 0);
	hang(t, TOP);
	assert_string_equal(nodes_text(t, LOW, "SELECT supplier FROM object"),
	                    "3301");
	link_to(t, TOP);
	assert_holds(t, LOW, &p);
	assert_int_equal(
	        nodes_int(t, LOW,
	                  "SELECT bytes FROM audit WHERE event='fetch' AND "
	                  "result='CLOSED' AND peer='3301' AND transfer='%s'",
	                  first),
	        of_mid);
	struct gt_manifest *m = pack_manifest(&p);
	assert_int_equal(
	        nodes_int(t, LOW,
	                  "SELECT bytes FROM audit WHERE event='fetch' AND "
	                  "result='ok' AND peer='33'"),
	        (int64_t)(p.manifest_n + m->stored_at[m->nframes]) - of_mid);
	gt_manifest_free(m);
	/* the part says under which name it went on */
	assert_int_equal(
	        nodes_int(t, LOW,
	                  "SELECT p.detail LIKE '%%33 goes on with it as '||"
	                  "w.transfer FROM audit p, audit w WHERE "
	                  "p.result='CLOSED' AND p.event='fetch' AND "
	                  "w.result='ok' AND w.event='fetch'"),
	        1);
	/* TOP wrote what it gave and no more; MID's part has no end */
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT bytes FROM audit WHERE event='serve' AND "
	                  "peer='330106'"),
	        nodes_int(t, LOW,
	                  "SELECT bytes FROM audit WHERE event='fetch' AND "
	                  "result='ok'"));
	assert_int_equal(count(t, MID, "event='serve'"), 0);
	assert_int_equal(nodes_int(t, LOW, "SELECT count(*) FROM handover"), 0);
	pack_clear(&p);
}

/* The same parent again is no other one: the transfer goes on. */
static void the_same_goes_on(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	begun(t, &p);
	hang(t, TOP); /* and nobody is reached there */
	nodes_pass(t, 3000);
	hang(t, MID);
	link_to(t, MID);
	assert_holds(t, LOW, &p);
	assert_int_equal(count(t, LOW, "event='fetch'"), 1);
	assert_int_equal(count(t, MID, "event='serve'"), 1);
	pack_clear(&p);
}

/* A fetch that is whole while a node above the parent is asked for the roster
 * is not from that one. */
static void the_node_above_gave_nothing(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_pass(t, 3000);
	unsigned wire = nodes_wire(t, LOW, MID, true);
	t->v[LOW].held = true;
	nodes_run(t);
	nodes_cut(t, wire);
	t->roster_only = true;
	nodes_wire(t, LOW, TOP, true);
	t->roster_only = false;
	/* what the disk has to say is heard while that link is up */
	while (t->nanswers > 0)
		nodes_hear(t, 0);
	t->v[LOW].held = false;
	nodes_pass(t, 3000);
	link_to(t, MID);
	assert_holds(t, LOW, &p);
	assert_int_equal(count(t, LOW, "event='fetch' AND peer<>'3301'"), 0);
	assert_int_equal(count(t, LOW, "event='fetch'"), 1);
	assert_int_equal(count(t, MID, "event='serve'"), 1);
	pack_clear(&p);
}

/* What an earlier program began has no supplier: it is the parent's. */
static void an_older_database(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	begun(t, &p);
	nodes_stop(t, LOW);
	nodes_restart(t, LOW);
	assert_int_equal(sqlite3_exec(t->v[LOW].db,
	                              "ALTER TABLE object DROP COLUMN supplier",
	                              NULL, NULL, NULL),
	                 0);
	nodes_restart(t, LOW);
	assert_string_equal(nodes_text(t, LOW, "SELECT supplier FROM object"),
	                    "");
	link_to(t, MID);
	assert_holds(t, LOW, &p);
	assert_int_equal(count(t, LOW, "event='fetch' AND peer='3301'"), 1);
	assert_int_equal(count(t, MID, "event='serve'"), 1);
	pack_clear(&p);
}

/* --------------------------------------------------------- other marks */

enum { TWIN = 3 }; /* 33-a, which serves the place of 33 too */

static void open_twin(struct nodes *t)
{
	nodes_open(t, TWIN, "33-a", "", nodes_path(t, TWIN));
	nodes_enrol(t);
}

static uint64_t waiting(struct nodes *t, unsigned i)
{
	return gt_records_count(t->v[i].node).waiting;
}

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM record");
}

static void assert_no_alarm(struct nodes *t)
{
	for (unsigned i = 0; i < NODES_MAX; i++)
		if (t->v[i].node)
			assert_int_equal(nodes_status(t, i)->strangers, 0);
}

static bool lose_records(struct nodes *t, struct message *m)
{
	(void)t;
	if (m->reply)
		return true;
	Gt__Request *r = gt__request__unpack(NULL, m->nhead, m->head);
	bool it = r->body_case == GT__REQUEST__BODY_RECORDS;
	gt__request__free_unpacked(r, NULL);
	return !it;
}

/* What one node of the parent's place has, the other has yet to be sent. */
static void records_are_at_one_parent(void **state)
{
	struct nodes *t = *state;
	open_twin(t);
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	assert_int_equal(waiting(t, MID), 0);
	nodes_cut(t, wire);
	t->hook = lose_records;
	wire = nodes_wire(t, MID, TWIN, true);
	nodes_run(t);
	assert_int_equal(waiting(t, MID), 3);
	nodes_cut(t, wire);
	nodes_restart(t, MID);
	assert_int_equal(waiting(t, MID), 3);
	t->hook = NULL;
	wire = nodes_wire(t, MID, TWIN, true);
	nodes_pass(t, 3000);
	assert_int_equal(waiting(t, MID), 0);
	assert_int_equal(records(t, TWIN), 3);
	/* the first has them still, and is sent none of them again */
	nodes_cut(t, wire);
	nodes_clear(t, MID);
	wire = nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	assert_int_equal(waiting(t, MID), 0);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_RECORDS),
	                 0);
	/* and what came since waits for it alone */
	assert_int_equal(nodes_statements(t, MID, 9, 1, 0), 0);
	nodes_pass(t, 3000);
	nodes_cut(t, wire);
	t->hook = lose_records;
	nodes_wire(t, MID, TWIN, true);
	nodes_run(t);
	assert_int_equal(waiting(t, MID), 1);
	assert_no_alarm(t);
}

/* Until the parent of another place has spoken nothing counts as there. */
static void records_of_a_node_hung_elsewhere(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	link_to(t, MID); /* which has no link itself */
	assert_int_equal(waiting(t, LOW), 0);
	hang(t, TOP);
	assert_int_equal(waiting(t, LOW), 3);
	link_to(t, TOP);
	assert_int_equal(waiting(t, LOW), 0);
	assert_int_equal(records(t, TOP), 3);
	/* hung back they are where they were, at once */
	hang(t, MID);
	link_to(t, MID);
	assert_int_equal(waiting(t, LOW), 0);
	nodes_wire(t, MID, TOP, true); /* once, though they come twice */
	nodes_pass(t, 3000);
	assert_int_equal(records(t, TOP), 3);
	assert_no_alarm(t);
}

/* A file that names another parent, where nobody answers, takes nothing from
 * what the right one has. */
static void a_slip_in_the_file_costs_nothing(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 3, 0), 0);
	link_to(t, MID);
	hang(t, TOP);
	assert_int_equal(waiting(t, LOW), 3);
	hang(t, MID);
	assert_int_equal(waiting(t, LOW), 0);
}

static void room(struct nodes *t, unsigned i, size_t bytes)
{
	struct gt_event e = {.type = GT_EV_ROOM, .count = bytes};
	assert_int_equal(nodes_event(t, i, &e), 0);
}

/* One that puts records off does so for itself. */
static void another_is_asked_at_once(void **state)
{
	struct nodes *t = *state;
	open_twin(t);
	room(t, TOP, 0);
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	nodes_pass(t, 16000); /* it answers later, and says no */
	nodes_pass(t, 16000);
	assert_true(t->v[MID].node->records->retry_ms > t->now.mono_ms);
	nodes_cut(t, wire);
	nodes_wire(t, MID, TWIN, true);
	nodes_run(t);
	assert_int_equal(waiting(t, MID), 0);
}

/* What one parent has waits for the other, and counts against whose it is. */
static void who_may_hand_in(void **state)
{
	struct nodes *t = *state;
	open_twin(t);
	t->v[MID].waiting = 1;
	nodes_restart(t, MID);
	t->v[MID].terminal = "10.0.0.1";
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_statements(t, MID, 1, 1, 0), 0);
	nodes_run(t);
	assert_int_equal(waiting(t, MID), 0);
	nodes_cut(t, wire);
	t->hook = lose_records;
	nodes_wire(t, MID, TWIN, true);
	nodes_run(t);
	assert_int_equal(waiting(t, MID), 1);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 0), -GT_EBUDGET);
	t->hook = NULL;
	nodes_wire(t, MID, TWIN, true);
	nodes_pass(t, 3000);
	assert_int_equal(waiting(t, MID), 0);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 0), 0);
}

/* The place in a feed is a place in one parent's. */
static void the_feed_is_of_one_parent(void **state)
{
	struct nodes *t = *state;
	const struct gt_bytes none = {0};
	nodes_wire(t, MID, TOP, true);
	link_to(t, MID);
	for (char name[] = "a"; *name < 'f'; ++*name)
		assert_int_equal(
		        nodes_publish(t, TOP, name, "course", none, none), 0);
	assert_int_equal(nodes_publish(t, MID, "x", "course", none, none), 0);
	nodes_pass(t, 3000);
	hang(t, TOP);
	assert_int_equal(nodes_publish(t, TOP, "late", "course", none, none),
	                 0);
	link_to(t, TOP);
	assert_int_equal(
	        nodes_int(t, LOW,
	                  "SELECT count(*) FROM item WHERE id LIKE '33/%%' "
	                  "AND verdict=3"),
	        nodes_int(t, TOP,
	                  "SELECT count(*) FROM item WHERE kind=1 AND "
	                  "own"));
	assert_string_equal(
	        nodes_text(t, LOW,
	                   "SELECT hex(value) FROM meta WHERE "
	                   "key='parent_epoch'"),
	        nodes_text(t, TOP,
	                   "SELECT hex(value) FROM meta WHERE key='epoch'"));
	hang(t, MID);
	link_to(t, MID);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM item WHERE "
	                           "id='3301/x' AND verdict=3"),
	                 1);
	assert_no_alarm(t);
}

static bool hold_dates_back(struct nodes *t, struct message *m)
{
	if (!m->reply || m->to != LOW)
		return true;
	if (nodes_undate(m))
		t->hooked++;
	return true;
}

/* What was refused of one parent, for want of a date, is had of the other. */
static void what_was_refused(void **state)
{
	static struct gt_key dates;
	const uint8_t seed[32] = {9, 9};
	const struct gt_bytes none = {0};
	struct nodes *t = *state;
	assert_int_equal(gt_key_from_seed(&dates, seed), 0);
	t->date_key = &dates;
	t->date_limit_ms = 30 * GT_DAY_MS;
	struct gt_bytes row = nodes_member(t, "33", t->v[TOP].key.public, 2,
	                                   GT__STANDING__ACTIVE);
	for (unsigned i = 0; i < 3; i++) {
		nodes_restart(t, i);
		nodes_members(t, i, row);
	}
	t->now.wall_ms += 31 * GT_DAY_MS;
	t->hook = hold_dates_back;
	nodes_wire(t, MID, TOP, true);
	link_to(t, MID);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_pass(t, 3000);
	assert_true(t->hooked > 0);
	assert_true(nodes_status(t, LOW)->date_missed);
	assert_int_equal(count(t, LOW, "result='UNDATED'"), 1);
	t->hook = NULL;
	hang(t, TOP);
	assert_true(nodes_status(t, LOW)->date_missed);
	link_to(t, TOP);
	assert_false(nodes_status(t, LOW)->date_missed);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM item WHERE "
	                           "id='33/a' AND verdict=3"),
	                 1);
}

/* A frame that came damaged is suspect at whom it came from. */
static void suspect_is_who_gave_it(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	begun(t, &p);
	struct gt_object *o = gt_object_find(t->v[LOW].node, &p.object);
	assert_non_null(o);
	for (int other = 0; other < 2; other++) {
		memset(o->suspect, 1, o->m->nframes);
		if (other)
			assert_int_equal(
			        sqlite3_exec(t->v[LOW].db,
			                     "UPDATE object SET supplier='33'",
			                     NULL, NULL, NULL),
			        0);
		nodes_clear(t, LOW);
		t->hook = lose_late_frames;
		link_to(t, MID);
		const struct done *d =
		        nodes_asked(t, LOW, GT__REQUEST__BODY_FRAME);
		assert_non_null(d);
		assert_int_equal(d->request->frame->suspect, !other);
		assert_string_equal(
		        nodes_text(t, LOW, "SELECT supplier FROM object"),
		        "3301");
	}
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three_on_disk, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(the_supplier_is_kept),
	        T(each_part_has_its_supplier),
	        T(the_same_goes_on),
	        T(the_node_above_gave_nothing),
	        T(an_older_database),
	        T(records_are_at_one_parent),
	        T(records_of_a_node_hung_elsewhere),
	        T(a_slip_in_the_file_costs_nothing),
	        T(another_is_asked_at_once),
	        T(who_may_hand_in),
	        T(the_feed_is_of_one_parent),
	        T(what_was_refused),
	        T(suspect_is_who_gave_it),
	};
	return cmocka_run_group_tests_name("rehang", tests, NULL, NULL);
}
