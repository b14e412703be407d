/* u_compare.c: only what differs travels (compare.h, PROTOCOL.md M54). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "compare.h"
#include "nodes.h"
#include "unit/node_kit.h"

enum { KEPT = 3, MANY = 700 };

static size_t travelled, asked;

/* Counts what goes up. */
static bool count(struct nodes *t, struct message *m)
{
	(void)t;
	if (m->reply)
		return true;
	Gt__Request *r = gt__request__unpack(NULL, m->nhead, m->head);
	assert_non_null(r);
	if (r->body_case == GT__REQUEST__BODY_RECORDS)
		travelled += nodes_rows(r->records);
	if (r->body_case == GT__REQUEST__BODY_COMPARE)
		asked++;
	gt__request__free_unpacked(r, NULL);
	return true;
}

/* Links anew as often as it takes to settle. */
static void settle(struct nodes *t, unsigned child, unsigned parent)
{
	travelled = asked = 0;
	t->hook = count;
	for (unsigned w = 0; w < t->nwires; w++)
		nodes_cut(t, w);
	t->nwires = 0;
	for (int i = 0; i < 4; i++) {
		nodes_wire(t, child, parent, true);
		nodes_pass(t, 3000);
		if (nodes_status(t, child)->parent_up)
			break;
	}
	assert_true(nodes_status(t, child)->parent_up);
	t->hook = NULL;
}

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(DISTINCT id) FROM record");
}

static struct gt_record_counts counts(struct nodes *t, unsigned i)
{
	return gt_records_count(t->v[i].node);
}

static void assert_all_there(struct nodes *t, unsigned i, unsigned above)
{
	assert_int_equal(counts(t, i).waiting, 0);
	assert_int_equal(records(t, i), records(t, above));
	assert_int_equal(nodes_int(t, above, "SELECT count(*) FROM record"),
	                 records(t, above));
	/* nor is anything kept of what was found on the link */
	for (unsigned w = 0; w < t->nwires; w++)
		nodes_cut(t, w);
	assert_null(t->v[i].node->records->compare);
}

static void said(struct nodes *t, unsigned i)
{
	t->v[i].restored = true;
	nodes_restart(t, i);
	t->v[i].restored = false;
}

static void hand_in(struct nodes *t, unsigned i, uint32_t first, size_t n)
{
	for (; n > 0; first++, n--)
		assert_int_equal(nodes_statements(t, i, first, 1, 0), 0);
}

/* MID has MANY, and so has TOP. */
static void both_have_many(struct nodes *t)
{
	assert_int_equal(nodes_statements(t, MID, 1000, MANY, 0), 0);
	settle(t, MID, TOP);
	assert_int_equal(travelled, MANY);
	assert_all_there(t, MID, TOP);
}

static void forget(struct nodes *t, unsigned i, const char *which)
{
	char sql[200];
	nodes_stop(t, i);
	nodes_restart(t, i);
	gt_format(sql, sizeof sql, "DELETE FROM record WHERE %s", which);
	assert_int_equal(sqlite3_exec(t->v[i].db, sql, NULL, NULL, NULL), 0);
	nodes_restart(t, i);
}

/* ------------------------------------------------------ what travels */

static void nothing_where_nothing_differs(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	for (unsigned i = TOP; i <= MID; i++) {
		said(t, i);
		settle(t, MID, TOP);
		/* a parent that says so is believed by its row of the child */
		assert_int_equal(asked > 0, i == MID);
		assert_int_equal(travelled, 0);
		assert_int_equal(counts(t, MID).unrooted, 0);
		assert_all_there(t, MID, TOP);
	}
	/* and what comes then does */
	settle(t, MID, TOP);
	assert_int_equal(asked, 0);
	hand_in(t, MID, 5, 3);
	nodes_pass(t, 3000);
	assert_all_there(t, MID, TOP);
}

static void what_the_parent_lacks(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	forget(t, TOP, "seq % 100 = 7");
	assert_int_equal(records(t, TOP), MANY - 7);
	said(t, MID);
	settle(t, MID, TOP);
	assert_int_equal(travelled, 7);
	assert_all_there(t, MID, TOP);
}

/* All of it, by a parent that never had any; and none of it twice. */
static void to_one_that_has_nothing(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1000, MANY, 0), 0);
	settle(t, LOW, MID);
	assert_all_there(t, LOW, MID);
	gt_copy(t->v[LOW].parent, sizeof t->v[LOW].parent, t->v[TOP].code);
	nodes_restart(t, LOW);
	settle(t, LOW, TOP);
	assert_int_equal(travelled, MANY);
	assert_all_there(t, LOW, TOP);
	assert_int_equal(counts(t, LOW).unrooted, 0);
	/* MID, which never sent any, does: once */
	settle(t, MID, TOP);
	assert_int_equal(travelled, MANY);
	assert_all_there(t, MID, TOP);
}

/* An old state of the parent's, which says nothing of it. */
static void behind_a_backup_of_the_parent(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	nodes_snapshot(t, TOP, KEPT);
	hand_in(t, MID, 1, 9);
	settle(t, MID, TOP);
	assert_int_equal(travelled, 9);
	nodes_restore(t, TOP, KEPT);
	settle(t, MID, TOP);
	assert_true(asked > 0);
	assert_int_equal(travelled, 9);
	assert_all_there(t, MID, TOP);
}

/* ... of the child's: numbers stand for other records there. */
static void numbers_that_were_used_again(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	nodes_snapshot(t, MID, KEPT);
	hand_in(t, MID, 1, 5);
	settle(t, MID, TOP);
	assert_int_equal(records(t, TOP), MANY + 5);
	nodes_restore(t, MID, KEPT);
	hand_in(t, MID, 101, 6);
	settle(t, MID, TOP);
	nodes_minute(t, MID);
	nodes_minute(t, MID);
	/* the six, and the five that came back to it */
	assert_in_range(travelled, 6, 11);
	assert_all_there(t, MID, TOP);
	assert_int_equal(records(t, TOP), MANY + 11);
}

/* The same id with other words at two copies: neither is lost. */
static void another_of_the_same_id(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	nodes_snapshot(t, MID, KEPT);
	hand_in(t, MID, 1, 2);
	settle(t, MID, TOP);
	nodes_restore(t, MID, KEPT);
	assert_int_equal(nodes_statements(t, MID, 1, 1, 7), 0);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 0), 0);
	settle(t, MID, TOP);
	assert_int_equal(travelled, 1);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM quarantine"),
	                 1);
	assert_int_equal(records(t, TOP), MANY + 2);
	assert_int_equal(counts(t, MID).waiting, 0);
}

static void hand_in_known(struct nodes *t, unsigned i, uint32_t id)
{
	struct gt_statement s = nodes_statement(t, id, 0);
	static char agent[] = "{\"mbox\":\"mailto:k@b.cn\"}";
	s.authority = agent;
	s.flags |= GT_STATEMENT_NAMED;
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = 77,
	                     .statements = &s,
	                     .count = 1,
	                     .actor = "user:test"};
	assert_int_equal(nodes_event(t, i, &e), 0);
	assert_int_equal(nodes_last(t, i, GT_ACT_REPLY, 0)->a.status, 0);
}

/* What somebody known hands in takes the place of what nobody vouches for. */
static void one_who_is_known(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	nodes_snapshot(t, MID, KEPT);
	hand_in(t, MID, 1, 1);
	settle(t, MID, TOP);
	nodes_restore(t, MID, KEPT);
	hand_in_known(t, MID, 1);
	settle(t, MID, TOP);
	assert_int_equal(travelled, 1);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT flags & 2 FROM record ORDER BY seq "
	                           "DESC LIMIT 1"),
	                 2);
	assert_all_there(t, MID, TOP);
}

/* An earlier program is sent everything. */
static void an_earlier_parent(void **state)
{
	struct nodes *t = *state;
	t->v[TOP].protocol = 5;
	nodes_restart(t, TOP);
	both_have_many(t);
	said(t, MID);
	settle(t, MID, TOP);
	assert_int_equal(asked, 0);
	assert_int_equal(travelled, MANY);
	assert_all_there(t, MID, TOP);
}

/* Each place below is compared, and marks reach down through the one between. */
static void through_one_between(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1000, 300, 0), 0);
	assert_int_equal(nodes_statements(t, MID, 2000, 300, 0), 0);
	settle(t, LOW, MID);
	said(t, LOW);
	settle(t, LOW, MID);
	assert_int_equal(travelled, 0);
	assert_int_equal(counts(t, LOW).waiting, 0);
	assert_int_equal(counts(t, LOW).unrooted, 300);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	nodes_pass(t, 16000);
	assert_int_equal(counts(t, LOW).unrooted, 0);
	forget(t, TOP, "seq IN (3, 500)");
	said(t, MID);
	settle(t, MID, TOP);
	assert_int_equal(travelled, 2);
	assert_int_equal(counts(t, MID).unrooted, 0);
	assert_all_there(t, MID, TOP);
}

/* What the parent erased, or lost the place of, is sent, and changes nothing. */
static void rows_that_are_damaged(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	nodes_stop(t, TOP);
	nodes_restart(t, TOP);
	assert_int_equal(
	        sqlite3_exec(t->v[TOP].db,
	                     "UPDATE record SET form=x'00' WHERE seq=50;"
	                     "UPDATE record SET stream=77 WHERE seq=60",
	                     NULL, NULL, NULL),
	        0);
	nodes_restart(t, TOP);
	said(t, MID);
	settle(t, MID, TOP);
	assert_int_equal(travelled, 2);
	assert_int_equal(counts(t, MID).waiting, 0);
}

/* ------------------------------------------------------ what goes wrong */

static bool lose(struct nodes *t, struct message *m)
{
	(void)m;
	return t->hooked-- > 0;
}

static void a_link_that_ends_anywhere(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	forget(t, TOP, "seq % 100 = 7");
	said(t, MID);
	for (int n = 0; n < 24; n++) {
		for (unsigned w = 0; w < t->nwires; w++)
			nodes_cut(t, w);
		t->nwires = 0;
		t->hook = lose;
		t->hooked = n;
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		t->hook = NULL;
		if (n % 5 == 4)
			nodes_restart(t, n % 2 ? TOP : MID);
	}
	settle(t, MID, TOP);
	assert_all_there(t, MID, TOP);
	assert_int_equal(records(t, TOP), MANY);
}

/* Handed in while it is found out. */
static bool hand_in_now(struct nodes *t, struct message *m)
{
	if (m->reply && t->hooked++ == 2)
		assert_int_equal(nodes_statements(t, MID, 1, 20, 0), 0);
	return true;
}

static void what_comes_meanwhile(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	said(t, MID);
	for (unsigned w = 0; w < t->nwires; w++)
		nodes_cut(t, w);
	t->nwires = 0;
	t->hook = hand_in_now;
	t->hooked = 0;
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	t->hook = NULL;
	assert_int_equal(records(t, TOP), MANY + 20);
	assert_all_there(t, MID, TOP);
}

/* A parent that answers something else is left. */
static bool say_nonsense(struct nodes *t, struct message *m)
{
	Gt__Reply *r =
	        m->reply ? gt__reply__unpack(NULL, m->nhead, m->head) : NULL;
	if (r && r->body_case == GT__REPLY__BODY_COMPARED) {
		Gt__Reply other = GT__REPLY__INIT;
		Gt__Compared c = GT__COMPARED__INIT;
		uint8_t fates[900] = {0};
		other.body_case = GT__REPLY__BODY_COMPARED;
		other.compared = &c;
		c.fates = (ProtobufCBinaryData){
		        t->hooked ? sizeof fates : r->compared->fates.len - 1,
		        fates};
		nodes_replace(m, &other);
	}
	if (r)
		gt__reply__free_unpacked(r, NULL);
	return true;
}

static void an_answer_that_does_not_fit(void **state)
{
	struct nodes *t = *state;
	both_have_many(t);
	for (int i = 0; i < 2; i++) {
		said(t, MID);
		t->nwires = 0;
		t->hook = say_nonsense;
		t->hooked = i;
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		t->hook = NULL;
		assert_true(nodes_dropped(t, MID,
		                          "malformed answer to a comparison of "
		                          "records"));
	}
	settle(t, MID, TOP);
	assert_int_equal(travelled, 0);
	assert_all_there(t, MID, TOP);
}

/* A child that asks what it may not. */
struct bad {
	char origin[8];
	uint64_t first;
	size_t marks, stretches, names;
};

static void bad_questions(void **state)
{
	static struct bad bad[] = {
	        {"33", 0, 12, 1, 0},
	        {"3302", 0, 12, 1, 0},
	        {"", 0, 12, 1, 0},
	        {"x", 0, 12, 1, 0},
	        {"3301", 1, 12, 1, 0},
	        {"3301", UINT64_MAX - 15, 12, 1, 0},
	        {"3301", 0, 13, 1, 0},
	        {"3301", 0, 0, 1, 0},
	        {"3301", 0, 65 * 12, 1, 0},
	        {"3301", 0, 64 * 12, 9, 0},
	        {"3301", 0, 12, 257, 0},
	        {"3301", 0, 12, 1, 24},
	        {"3301", 0, 12, 1, 25 * 8193},
	};
	struct nodes *t = *state;
	static uint8_t bytes[25 * 8193];
	struct gt_key key = t->v[MID].key;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct bad *b = &bad[i];
		Gt__Request q = GT__REQUEST__INIT;
		Gt__Compare m = GT__COMPARE__INIT;
		Gt__Stretch s = GT__STRETCH__INIT, *v[257];
		uint32_t peer = nodes_child(t, TOP, "3301", &key);
		s.origin = bad[i].origin;
		s.first = b->first;
		s.marks = (ProtobufCBinaryData){b->marks, bytes};
		for (size_t k = 0; k < b->stretches; k++)
			v[k] = &s;
		m.stretches = v;
		m.n_stretches = b->stretches;
		m.names = (ProtobufCBinaryData){b->names, bytes};
		q.body_case = GT__REQUEST__BODY_COMPARE;
		q.compare = &m;
		nodes_clear(t, TOP);
		nodes_ask(t, TOP, peer, 5, &q);
		assert_true(nodes_dropped(t, TOP,
		                          "a malformed comparison of records"));
	}
}

/* Whether an id is known is told of what is the child's alone. */
static void ids_of_others(void **state)
{
	struct nodes *t = *state;
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Compare m = GT__COMPARE__INIT;
	uint8_t names[2 * GT_NAME_BYTES] = {0};
	assert_int_equal(nodes_statements(t, TOP, 1, 1, 0), 0);
	assert_int_equal(nodes_statements(t, MID, 2, 1, 0), 0);
	settle(t, MID, TOP);
	for (unsigned i = 0; i < 2; i++) {
		struct gt_statement s = nodes_statement(t, i + 1, 0);
		uint8_t *name = names + i * GT_NAME_BYTES;
		memcpy(name, s.id, GT_UUID_BYTES);
		memcpy(name + GT_UUID_BYTES, s.form.b, GT_NAME_FORM);
	}
	struct gt_key key = t->v[MID].key;
	uint32_t peer = nodes_child(t, TOP, "3301", &key);
	m.names = (ProtobufCBinaryData){sizeof names, names};
	q.body_case = GT__REQUEST__BODY_COMPARE;
	q.compare = &m;
	nodes_ask(t, TOP, peer, 5, &q);
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_COMPARED);
	assert_non_null(d);
	assert_int_equal(d->reply->compared->wanted.len, 1);
	assert_int_equal(d->reply->compared->wanted.data[0], 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three_on_disk, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(nothing_where_nothing_differs),
	        T(what_the_parent_lacks),
	        T(to_one_that_has_nothing),
	        T(behind_a_backup_of_the_parent),
	        T(numbers_that_were_used_again),
	        T(another_of_the_same_id),
	        T(one_who_is_known),
	        T(an_earlier_parent),
	        T(through_one_between),
	        T(rows_that_are_damaged),
	        T(a_link_that_ends_anywhere),
	        T(what_comes_meanwhile),
	        T(an_answer_that_does_not_fit),
	        T(bad_questions),
	        T(ids_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
