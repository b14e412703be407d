/* u_later.c: records that are told to come later, through whole cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nodes.h"

enum { TOP, LOW };

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM record");
}

static void room(struct nodes *t, unsigned i, size_t bytes)
{
	struct gt_event e = {.type = GT_EV_ROOM, .count = bytes};
	assert_int_equal(nodes_event(t, i, &e), 0);
}

static int64_t rows(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM audit");
}

static void no_room_for_terminals(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, TOP, 1, 3, 0), 0);
	room(t, TOP, 0);
	assert_true(nodes_status(t, TOP)->records_short);
	int64_t before = rows(t, TOP);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(nodes_statements(t, TOP, 10 + i, 1, 0),
		                 -GT_ENOSPACE);
		const struct done *d = nodes_last(t, TOP, GT_ACT_REPLY, 0);
		assert_in_range(d->a.retry_ms, 1000, 60000);
		assert_non_null(strstr(d->a.text, "nothing of this was taken"));
	}
	/* nothing is written of those who are put off */
	assert_int_equal(rows(t, TOP), before);
	assert_int_equal(records(t, TOP), 3);
	assert_int_equal(nodes_status(t, TOP)->records_no_room, 100);
	/* a little is not enough: it would come and go */
	room(t, TOP, 1000);
	assert_int_equal(nodes_statements(t, TOP, 10, 1, 0), -GT_ENOSPACE);
	room(t, TOP, SIZE_MAX);
	assert_false(nodes_status(t, TOP)->records_short);
	assert_int_equal(nodes_statements(t, TOP, 10, 1, 0), 0);
}

/* Between two looks at the disk nobody takes more than there was. */
static void room_is_counted_down(void **state)
{
	struct nodes *t = *state;
	unsigned taken = 0;
	room(t, TOP, 2 << 20);
	for (unsigned i = 0; i < 2000; i++)
		taken += nodes_statements(t, TOP, 1 + i, 1, 0) == 0;
	assert_in_range(taken, 15, 40);
	assert_int_equal(records(t, TOP), taken);
}

static bool impatient(struct nodes *t, struct message *m)
{
	if (m->reply)
		return true;
	Gt__Request *q = gt__request__unpack(NULL, m->nhead, m->head);
	assert_non_null(q);
	if (q->body_case == GT__REQUEST__BODY_RECORDS) {
		q->records->patient = false;
		m->nhead = gt__request__pack(q, m->head);
		t->hooked++;
	}
	gt__request__free_unpacked(q, NULL);
	return true;
}

static void handed_up_later(struct nodes *t)
{
	unsigned wire = nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	room(t, TOP, 0);
	assert_int_equal(nodes_statements(t, LOW, 1, 700, 0), 0);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 0);
	/* the link stays, and what else there is goes on */
	assert_int_equal(nodes_publish(t, TOP, "new", "document",
	                               (struct gt_bytes){0},
	                               (struct gt_bytes){0}),
	                 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM item WHERE id = "
	                           "'33/new'"),
	                 1);
	nodes_clear(t, LOW);
	for (unsigned i = 0; i < 20; i++)
		nodes_pass(t, 10000);
	assert_true(nodes_status(t, LOW)->parent_up);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'link'"),
	                 1);
	/* tried again now and then: not all the time */
	size_t tries = nodes_asked_count(t, LOW, GT__REQUEST__BODY_RECORDS);
	assert_in_range(tries, 2, 30);
	room(t, TOP, SIZE_MAX);
	for (unsigned i = 0; i < 6; i++)
		nodes_pass(t, 10000);
	assert_int_equal(records(t, TOP), 700);
	assert_int_equal(nodes_status(t, LOW)->records_waiting, 0);
	nodes_cut(t, wire);
}

static void a_parent_without_room_says_later(void **state)
{
	struct nodes *t = *state;
	handed_up_later(t);
	assert_in_range(nodes_status(t, LOW)->records_put_off, 2, 30);
}

/* One of an earlier program would take an Error for the end of the link. */
static void an_earlier_child_copes(void **state)
{
	struct nodes *t = *state;
	t->hook = impatient;
	handed_up_later(t);
	assert_true(t->hooked > 1);
	assert_int_equal(nodes_status(t, LOW)->records_put_off, 0);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
}

static void cut_while_put_off(void **state)
{
	struct nodes *t = *state;
	t->hook = impatient;
	unsigned wire = nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	room(t, TOP, 0);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_run(t);
	nodes_cut(t, wire);
	nodes_pass(t, 60000);
	room(t, TOP, SIZE_MAX);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 60000);
	assert_int_equal(records(t, TOP), 5);
}

static void a_terminals_share(void **state)
{
	struct nodes *t = *state;
	t->v[TOP].hourly = 1000000;
	nodes_open(t, TOP, "33", "", NULL);
	t->v[TOP].terminal = "10.0.0.7";
	unsigned taken = 0, put_off = 0;
	for (unsigned i = 0; i < 100; i++) {
		int s = nodes_statements(t, TOP, 1 + 50 * i, 50, 0);
		assert_true(s == 0 || s == -GT_EBUDGET);
		taken += s == 0;
		put_off += s != 0;
	}
	assert_in_range(taken, 10, 60);
	assert_int_equal(records(t, TOP), taken * 50);
	assert_int_equal(nodes_status(t, TOP)->records_over_share, put_off);
	assert_true(nodes_last(t, TOP, GT_ACT_REPLY, 0)->a.retry_ms >= 1000);
	/* one's share is not another's, and an operator has none */
	t->v[TOP].terminal = "10.0.0.8";
	assert_int_equal(nodes_statements(t, TOP, 6000, 50, 0), 0);
	t->v[TOP].terminal = NULL;
	assert_int_equal(nodes_statements(t, TOP, 7000, 500, 0), 0);
	t->v[TOP].terminal = "10.0.0.7";
	nodes_pass(t, 3600 * 1000);
	assert_int_equal(nodes_statements(t, TOP, 8000, 50, 0), 0);
}

static void a_childs_share(void **state)
{
	struct nodes *t = *state;
	t->v[TOP].hourly = 1000000;
	nodes_open(t, TOP, "33", "", NULL);
	nodes_open(t, LOW, "3301", "33", NULL);
	nodes_enrol(t);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(nodes_statements(t, LOW, 1 + 500 * i, 500, 0),
		                 0);
	nodes_run(t);
	assert_in_range(records(t, TOP), 500, 5000);
	assert_true(nodes_status(t, LOW)->parent_up);
	/* all of it in the end, at that rate */
	for (unsigned i = 0; i < 600 && records(t, TOP) < 10000; i++)
		nodes_pass(t, 60000);
	assert_int_equal(records(t, TOP), 10000);
	assert_true(nodes_status(t, TOP)->records_over_share > 0);
}

/* The link is down for long: so much of one terminal waits, and no more. */
static void what_waits_of_a_terminal(void **state)
{
	struct nodes *t = *state;
	t->v[LOW].waiting = 1000000;
	nodes_open(t, TOP, "33", "", NULL);
	nodes_open(t, LOW, "3301", "33", NULL);
	nodes_enrol(t);
	t->v[LOW].terminal = "10.0.0.7";
	unsigned taken = 0, put_off = 0;
	for (unsigned i = 0; i < 100; i++) {
		int s = nodes_statements(t, LOW, 1 + 50 * i, 50, 0);
		assert_true(s == 0 || s == -GT_EBUDGET);
		taken += s == 0;
		put_off += s != 0;
		nodes_pass(t, 3600 * 1000); /* however slowly it comes */
	}
	assert_in_range(taken, 10, 60);
	assert_int_equal(records(t, LOW), taken * 50);
	assert_int_equal(nodes_status(t, LOW)->records_over_waiting, put_off);
	assert_int_equal(nodes_status(t, LOW)->records_over_share, 0);
	assert_true(nodes_status(t, LOW)->records_crowded);
	const struct done *d = nodes_last(t, LOW, GT_ACT_REPLY, 0);
	assert_true(d->a.retry_ms >= 1000);
	assert_non_null(strstr(d->a.text, "nothing of this was taken"));
	/* others go on */
	t->v[LOW].terminal = "10.0.0.8";
	assert_int_equal(nodes_statements(t, LOW, 6000, 50, 0), 0);
	t->v[LOW].terminal = NULL;
	assert_int_equal(nodes_statements(t, LOW, 7000, 500, 0), 0);
	/* with the link all that was taken goes up, and it may again */
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), taken * 50 + 550);
	assert_false(nodes_status(t, LOW)->records_crowded);
	t->v[LOW].terminal = "10.0.0.7";
	assert_int_equal(nodes_statements(t, LOW, 8000, 50, 0), 0);
}

/* Who brings a node down, or sees it restarted, has no more for that. */
static void a_restart_does_not_forgive(void **state)
{
	struct nodes *t = *state;
	unsigned taken = 0;
	t->v[LOW].waiting = 1000000;
	nodes_dir_new(t);
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, LOW, "3301", "33", nodes_path(t, LOW));
	nodes_enrol(t);
	t->v[LOW].terminal = "10.0.0.7";
	for (unsigned life = 0; life < 5; life++) {
		for (unsigned i = 0; i < 30; i++)
			taken += nodes_statements(t, LOW,
			                          1 + 10000 * life + 50 * i, 50,
			                          0) == 0;
		nodes_stop(t, LOW);
		nodes_restart(t, LOW);
		nodes_pass(t, 3600 * 1000);
	}
	assert_in_range(taken, 10, 60);
	assert_int_equal(records(t, LOW), taken * 50);
	/* others have theirs, and what is gone up is forgotten for good */
	t->v[LOW].terminal = "10.0.0.8";
	assert_int_equal(nodes_statements(t, LOW, 60000, 50, 0), 0);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM meta WHERE key LIKE "
	                           "'waits/%%'"),
	                 2);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), taken * 50 + 50);
	nodes_stop(t, LOW);
	nodes_restart(t, LOW);
	nodes_pass(t, 0);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM meta WHERE key LIKE "
	                           "'waits/%%'"),
	                 0);
	t->v[LOW].terminal = "10.0.0.7";
	assert_int_equal(nodes_statements(t, LOW, 70000, 50, 0), 0);
}

/* At the root nothing waits, so nobody is told to wait. */
static void nothing_waits_at_the_root(void **state)
{
	struct nodes *t = *state;
	t->v[TOP].waiting = 100000;
	nodes_open(t, TOP, "33", "", NULL);
	t->v[TOP].terminal = "10.0.0.7";
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(nodes_statements(t, TOP, 1 + 50 * i, 50, 0),
		                 0);
	assert_int_equal(nodes_status(t, TOP)->records_over_waiting, 0);
}

/* A child that brings much while its parent's own link is down. */
static void what_waits_of_a_child(void **state)
{
	enum { BELOW = 2 };
	struct nodes *t = *state;
	t->v[LOW].waiting = 1000000;
	nodes_open(t, TOP, "33", "", NULL);
	nodes_open(t, LOW, "3301", "33", NULL);
	nodes_open(t, BELOW, "330106", "3301", NULL);
	nodes_enrol(t);
	unsigned up = nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	nodes_wire(t, BELOW, LOW, true);
	nodes_run(t);
	nodes_cut(t, up);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(
		        nodes_statements(t, BELOW, 1 + 500 * i, 500, 0), 0);
	for (unsigned i = 0; i < 600; i++)
		nodes_pass(t, 10000);
	assert_in_range(records(t, LOW), 500, 2500);
	assert_true(nodes_status(t, BELOW)->parent_up);
	assert_true(nodes_status(t, BELOW)->records_put_off > 0);
	assert_true(nodes_status(t, LOW)->records_crowded);
	/* nothing that was acknowledged is lost, and all of it comes */
	nodes_wire(t, LOW, TOP, true);
	for (unsigned i = 0; i < 600 && records(t, TOP) < 10000; i++)
		nodes_pass(t, 10000);
	assert_int_equal(records(t, TOP), 10000);
	assert_int_equal(nodes_status(t, BELOW)->records_waiting, 0);
	assert_false(nodes_status(t, LOW)->records_crowded);
}

/* A child says that it is through with what it never fetched. */
static void done_without_end(void **state)
{
	struct nodes *t = *state;
	uint32_t link = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	uint8_t object[32] = {1}, transfer[16] = {0};
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Done d = GT__DONE__INIT;
	d.object = (ProtobufCBinaryData){32, object};
	d.transfer = (ProtobufCBinaryData){16, transfer};
	q.body_case = GT__REQUEST__BODY_DONE;
	q.done = &d;
	for (uint32_t i = 0; i < 3 * GT_STRAYS_HOUR; i++) {
		gt_put32(transfer, i + 1);
		nodes_clear(t, TOP);
		nodes_ask(t, TOP, link, i + 1, &q);
	}
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'serve'"),
	                 GT_STRAYS_HOUR);
	/* it is told, the link stays, and what is written is answered */
	const struct done *e = nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
	assert_non_null(e);
	assert_int_equal(e->reply->error->code, GT_EBUDGET);
	assert_true(e->reply->error->retry_ms > 0);
	gt_put32(transfer, 1);
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, link, 1, &q);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_OK));
	/* nor is anything written on a disk that is full */
	nodes_pass(t, 0);
	t->now.mono_ms += 3600 * 1000;
	room(t, TOP, 0);
	gt_put32(transfer, UINT32_MAX);
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, link, 2, &q);
	e = nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
	assert_non_null(e);
	assert_int_equal(e->reply->error->code, GT_ENOSPACE);
}

static int none(void **state)
{
	*state = nodes_new();
	return 0;
}

static int closed(void **state)
{
	return nodes_gone(state);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)
#define N(f) cmocka_unit_test_setup_teardown(f, none, closed)
	const struct CMUnitTest tests[] = {
	        T(no_room_for_terminals),
	        T(room_is_counted_down),
	        T(a_parent_without_room_says_later),
	        T(an_earlier_child_copes),
	        T(cut_while_put_off),
	        T(done_without_end),
	        N(a_terminals_share),
	        N(a_childs_share),
	        N(what_waits_of_a_terminal),
	        N(a_restart_does_not_forgive),
	        N(nothing_waits_at_the_root),
	        N(what_waits_of_a_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
