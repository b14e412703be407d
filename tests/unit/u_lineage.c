/* u_lineage.c: is the neighbour the one met last time? (PROTOCOL.md M30,
 * M31) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"

/* A parent, its child, and the child's state as it once was. */
enum { TOP, MID, COPY };

static const char *const codes[] = {"33", "3301", "3301"};
static const char *const parents[] = {"", "33", "33"};

static void start(struct nodes *t, unsigned i)
{
	nodes_open(t, i, codes[i], parents[i], nodes_path(t, i));
}

static int two(void **state)
{
	struct nodes *t = nodes_new();
	nodes_dir_new(t);
	start(t, TOP);
	start(t, MID);
	nodes_enrol(t);
	*state = t;
	return 0;
}

/* ---------------------------------------------------------- the kit */

static void link_up(struct nodes *t, unsigned child)
{
	t->nwires = 0; /* all were cut, or are displaced now */
	nodes_wire(t, child, TOP, true);
	nodes_run(t);
}

static void link_again(struct nodes *t, unsigned child)
{
	for (unsigned w = 0; w < t->nwires; w++)
		nodes_cut(t, w);
	link_up(t, child);
}

static bool linked(struct nodes *t, unsigned i)
{
	return nodes_status(t, i)->parent_up;
}

/* Alarms of node i since it was started; the audit has all there ever were. */
static uint64_t alarms(struct nodes *t, unsigned i)
{
	return nodes_status(t, i)->strangers;
}

static int64_t written(struct nodes *t, unsigned i)
{
	return nodes_int(t, i,
	                 "SELECT count(*) FROM audit WHERE event='link' AND "
	                 "result<>'ok'");
}

static void assert_quiet(struct nodes *t)
{
	for (unsigned i = TOP; i <= MID; i++) {
		assert_int_equal(alarms(t, i), 0);
		assert_int_equal(written(t, i), 0);
	}
}

static const char *token(struct nodes *t, unsigned i)
{
	return nodes_text(t, i,
	                  "SELECT hex(value) FROM meta WHERE key='lineage/%s'",
	                  i == TOP ? codes[MID] : codes[TOP]);
}

static const char *epoch(struct nodes *t, unsigned i)
{
	return nodes_text(t, i,
	                  "SELECT hex(value) FROM meta WHERE key='epoch'");
}

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM record");
}

static void assert_records(struct nodes *t, unsigned i, int64_t count)
{
	assert_int_equal(records(t, i), count);
	assert_int_equal(
	        nodes_int(t, i, "SELECT count(DISTINCT id) FROM record"),
	        count);
	assert_int_equal(nodes_int(t, i, "SELECT count(*) FROM quarantine"), 0);
}

static void hand_in(struct nodes *t, unsigned i, uint32_t first, size_t count)
{
	assert_int_equal(nodes_statements(t, i, first, count, 0), 0);
}

/* --------------------------------------------------- no false alarm */

static void both_remember_the_session(void **state)
{
	struct nodes *t = *state;
	char before[GT_HEX_ID];
	assert_string_equal(token(t, TOP), "");
	assert_string_equal(token(t, MID), "");
	link_up(t, MID);
	assert_true(linked(t, MID));
	for (unsigned k = 0; k < 5; k++) {
		assert_int_equal(strlen(token(t, MID)), 64);
		gt_copy(before, sizeof before, token(t, MID));
		/* confirmed, and nothing else proposed */
		assert_int_equal(strlen(token(t, TOP)), 128);
		assert_memory_equal(token(t, TOP), before, 64);
		if (k % 2)
			nodes_restart(t, k % 4 == 1 ? TOP : MID);
		link_again(t, MID);
		assert_true(linked(t, MID));
		assert_string_not_equal(token(t, MID), before);
	}
	assert_quiet(t);
}

/* Loses every message from the n-th on. */
static bool lose(struct nodes *t, struct message *m)
{
	(void)m;
	return t->hooked-- > 0;
}

/* Hello, HelloReply, Prove, ProveReply, and the child's first word are lost in
 * turn, or the ends die with them. Whichever of the two tokens the parent was
 * left with, the next session is the old ones' next. */
static void nothing_lost_is_an_alarm(void **state)
{
	struct nodes *t = *state;
	enum { MESSAGES = 8, TIMES = 3 };
	char at_first[GT_HEX_EPOCH];
	hand_in(t, MID, 1, 3);
	gt_copy(at_first, sizeof at_first, epoch(t, MID));
	for (int n = 0; n < MESSAGES; n++) {
		for (unsigned k = 0; k < TIMES; k++) {
			t->hook = lose;
			t->hooked = n;
			link_again(t, MID);
			if (k == 1)
				nodes_restart(t, MID);
			if (k == 2)
				nodes_restart(t, TOP);
			assert_quiet(t);
		}
		t->hook = NULL;
		link_again(t, MID);
		assert_true(linked(t, MID));
		assert_quiet(t);
		assert_memory_equal(token(t, TOP), token(t, MID), 64);
	}
	assert_string_equal(epoch(t, MID), at_first);
	assert_records(t, TOP, 3);
}

/* On one link after the other: the child was told of its new token and could not
 * say so, then was not told of the next. */
static void nothing_lost_in_a_row_is_an_alarm(void **state)
{
	struct nodes *t = *state;
	enum { FIRST = 2, LAST = 5 };
	for (int n = FIRST; n <= LAST; n++) {
		for (int m = FIRST; m <= LAST; m++) {
			t->hook = lose;
			t->hooked = n;
			link_again(t, MID);
			t->hooked = m;
			link_again(t, MID);
			t->hook = NULL;
			link_again(t, MID);
			assert_true(linked(t, MID));
			assert_quiet(t);
		}
	}
}

static void version_1_in_between(void **state)
{
	struct nodes *t = *state;
	for (unsigned held = TOP; held <= MID; held++) {
		link_again(t, MID);
		t->v[held].protocol = 1;
		nodes_restart(t, held);
		link_again(t, MID);
		assert_true(linked(t, MID));
		t->v[held].protocol = 0;
		nodes_restart(t, held);
		/* the child may remember; the parent must not compare */
		assert_int_equal(strspn(token(t, TOP), "0"), 128);
		link_again(t, MID);
		assert_true(linked(t, MID));
		assert_quiet(t);
		assert_memory_equal(token(t, TOP), token(t, MID), 64);
	}
}

static void restored_and_said_so(void **state)
{
	struct nodes *t = *state;
	char before[GT_HEX_EPOCH];
	for (unsigned i = TOP; i <= MID; i++) {
		link_again(t, MID);
		nodes_snapshot(t, i, COPY);
		hand_in(t, MID, 10 * (i + 1), 5);
		link_again(t, MID);
		gt_copy(before, sizeof before, epoch(t, i));
		t->v[i].restored = true;
		nodes_restore(t, i, COPY);
		t->v[i].restored = false;
		link_again(t, MID);
		assert_true(linked(t, MID));
		assert_string_not_equal(epoch(t, i), before);
		assert_quiet(t);
	}
	assert_records(t, TOP, 10);
}

/* ----------------------------------------------------------- alarms */

static void assert_alarm(struct nodes *t, unsigned i, uint64_t count)
{
	const char *code = i == TOP ? codes[MID] : codes[TOP];
	assert_int_equal(alarms(t, i), count);
	assert_string_equal(nodes_status(t, i)->stranger, code);
	assert_int_equal(nodes_status(t, i)->stranger_ms, t->now.wall_ms);
	assert_int_equal(nodes_int(t, i,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='link' AND result='%s' AND "
	                           "subject='%s' AND peer='%s'",
	                           gt_errname(-GT_ECONFLICT), code, code),
	                 count);
}

/* The copy knows a session that is over: only its token tells, for both have
 * handed in as much. */
static void a_second_copy(void **state)
{
	struct nodes *t = *state;
	char before[GT_HEX_EPOCH];
	hand_in(t, MID, 1, 4);
	link_up(t, MID);
	nodes_snapshot(t, MID, COPY);
	start(t, COPY);
	gt_copy(before, sizeof before, epoch(t, COPY));
	hand_in(t, COPY, 100, 3);
	link_again(t, MID);
	assert_quiet(t);
	/* it is told, and nothing else */
	link_again(t, COPY);
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_PROVE);
	assert_non_null(d);
	assert_true(d->reply->prove->strange);
	assert_int_equal(d->reply->prove->records, 0);
	assert_false(linked(t, COPY));
	assert_int_equal(alarms(t, MID), 0);
	assert_alarm(t, TOP, 1);
	assert_alarm(t, COPY, 1);
	assert_string_not_equal(epoch(t, COPY), before);
	assert_string_equal(epoch(t, MID), before);
	assert_records(t, TOP, 4);
	/* it comes again as what it now is, in the other's place */
	link_again(t, COPY);
	assert_true(linked(t, COPY));
	assert_false(linked(t, MID));
	assert_alarm(t, TOP, 1);
	assert_records(t, TOP, 7);
	/* and the other in its place, with what was handed in at it */
	hand_in(t, MID, 200, 2);
	link_again(t, MID);
	assert_alarm(t, TOP, 2);
	assert_alarm(t, MID, 1);
	link_again(t, MID);
	assert_true(linked(t, MID));
	assert_alarm(t, TOP, 2);
	assert_alarm(t, MID, 1);
	assert_records(t, TOP, 9);
	/* one was stopped: it is quiet from now on */
	nodes_stop(t, COPY);
	link_again(t, MID);
	nodes_restart(t, MID);
	link_again(t, MID);
	assert_alarm(t, TOP, 2);
	assert_int_equal(alarms(t, MID), 0);
	assert_records(t, TOP, 9);
}

/* What a stranger showed, and was proposed, takes nothing from the one who is
 * remembered. */
/* With their memory too: what both would draw next is the same. */
static void a_machine_resumed_twice(void **state)
{
	struct nodes *t = *state;
	char first[GT_HEX_EPOCH];
	link_up(t, MID);
	nodes_snapshot(t, MID, COPY);
	nodes_stop(t, MID);
	for (unsigned i = MID; i <= COPY; i++) {
		t->v[i].entropy = 200;
		t->v[i].lives = 0;
		start(t, i);
	}
	link_again(t, MID);
	assert_quiet(t);
	link_again(t, COPY);
	assert_alarm(t, COPY, 1);
	gt_copy(first, sizeof first, epoch(t, COPY));
	link_again(t, COPY);
	link_again(t, MID);
	assert_alarm(t, MID, 1);
	assert_string_not_equal(epoch(t, MID), first);
}

/* A session in which the parent takes us for another, as if it had never met
 * us. */
static void met_as_strange(struct nodes *t)
{
	char sql[] = "UPDATE meta SET value=randomblob(64)"
	             " WHERE key='lineage/3301'";
	size_t before = t->nwires;
	assert_int_equal(sqlite3_exec(t->v[TOP].db, sql, NULL, NULL, NULL),
	                 SQLITE_OK);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_false(linked(t, MID));
	t->nwires = before; /* it is cut */
}

static bool begins_anew(struct nodes *t)
{
	char before[GT_HEX_EPOCH];
	gt_copy(before, sizeof before, epoch(t, MID));
	met_as_strange(t);
	return strcmp(epoch(t, MID), before) != 0;
}

/* The links of its children are not the parent's to cut by a word, as often as
 * it likes. */
static void a_parent_that_says_so_each_time(void **state)
{
	struct nodes *t = *state;
	enum { LOW = COPY };
	nodes_open(t, LOW, "330106", "3301", nodes_path(t, LOW));
	nodes_enrol(t);
	hand_in(t, MID, 1, 3);
	link_up(t, MID);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	nodes_cut(t, 0);
	assert_true(linked(t, LOW));
	assert_true(begins_anew(t));
	assert_false(linked(t, LOW));
	t->nwires = 0;
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	for (unsigned wait = GT_RENEW_FIRST_MS, k = 0; k < 4; k++, wait *= 2) {
		for (unsigned i = 0; i < 20; i++)
			assert_false(begins_anew(t));
		assert_true(linked(t, LOW));
		nodes_pass(t, wait - 1);
		assert_false(begins_anew(t));
		assert_true(linked(t, LOW));
		/* one that means it says it still */
		nodes_pass(t, 1);
		assert_true(begins_anew(t));
		t->nwires = 0;
		nodes_wire(t, LOW, MID, true);
		nodes_run(t);
	}
	assert_int_equal(alarms(t, MID), 5);
	/* who says it tells of each thing shown once, not of each session */
	assert_int_equal(alarms(t, TOP), 5);
	/* and is believed as soon as it no longer says so */
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_true(linked(t, MID) && linked(t, LOW));
	assert_records(t, TOP, 3);
}

static void a_stranger_confirms_nothing(void **state)
{
	struct nodes *t = *state;
	link_up(t, MID);
	nodes_snapshot(t, MID, COPY);
	start(t, COPY);
	link_again(t, MID);
	link_again(t, COPY);
	assert_alarm(t, TOP, 1);
	nodes_stop(t, COPY);
	link_again(t, MID);
	assert_true(linked(t, MID));
	assert_int_equal(alarms(t, MID), 0);
	assert_alarm(t, TOP, 1);
}

static void restored_without_a_word(void **state)
{
	struct nodes *t = *state;
	for (unsigned i = TOP; i <= MID; i++) {
		int64_t had = written(t, TOP);
		link_again(t, MID);
		nodes_snapshot(t, i, COPY);
		hand_in(t, MID, 10 * (i + 1), 5);
		link_again(t, MID);
		assert_int_equal(written(t, TOP), had);
		nodes_restore(t, i, COPY);
		hand_in(t, MID, 100 * (i + 1), 2);
		link_again(t, MID);
		assert_false(linked(t, MID));
		assert_int_equal(written(t, TOP), had + 1);
		/* once, and nothing is missing or counted twice */
		for (unsigned k = 0; k < 3; k++) {
			link_again(t, MID);
			assert_true(linked(t, MID));
			assert_int_equal(written(t, TOP), had + 1);
		}
		assert_records(t, TOP, 7 * (i + 1));
	}
}

/* ---------------------------------------------------------- hostile */

/* The Hello of node MID, with another lineage in it. */
static void hello_with(struct nodes *t, size_t n)
{
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_HELLO);
	uint8_t *lineage = gt_arena_get(t->arena, n + 1);
	assert_non_null(d);
	assert_non_null(lineage);
	memset(lineage, 7, n + 1);
	Gt__Hello h = *d->request->hello;
	Gt__Request r = *d->request;
	h.lineage = (ProtobufCBinaryData){n, lineage};
	r.hello = &h;
	uint32_t peer = nodes_link(t, TOP, false, codes[MID]);
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 1, &r);
}

static void a_malformed_lineage(void **state)
{
	static const size_t bad[] = {1, 31, 33, 64, 4000};
	struct nodes *t = *state;
	char before[129];
	link_up(t, MID);
	gt_copy(before, sizeof before, token(t, TOP));
	for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
		hello_with(t, bad[k]);
		const struct done *d =
		        nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
		assert_non_null(d);
		assert_int_equal(d->reply->error->code, GT_EMALFORMED);
		assert_true(nodes_dropped(t, TOP,
		                          "Hello with a malformed lineage"));
	}
	/* of a good length it is for Prove to say what it is worth */
	hello_with(t, 32);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_HELLO));
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
	assert_string_equal(token(t, TOP), before);
	assert_int_equal(alarms(t, TOP), 0);
}

/* Takes the lineage out of every Hello. */
static bool hide(struct nodes *t, struct message *m)
{
	Gt__Request *r = gt__request__unpack(gt_arena_allocator(t->arena),
	                                     m->nhead, m->head);
	if (m->reply || !r || r->body_case != GT__REQUEST__BODY_HELLO)
		return true;
	r->hello->lineage.len = 0;
	size_t n = gt__request__get_packed_size(r);
	assert_true(n <= m->nhead);
	m->nhead = gt__request__pack(r, m->head);
	return true;
}

/* Only a new epoch may have forgotten. */
static void nothing_shown_in_a_known_epoch(void **state)
{
	struct nodes *t = *state;
	link_up(t, MID);
	t->hook = hide;
	link_again(t, MID);
	assert_alarm(t, TOP, 1);
	assert_alarm(t, MID, 1);
	link_again(t, MID);
	assert_true(linked(t, MID));
	assert_alarm(t, TOP, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(both_remember_the_session),
	        TEST(nothing_lost_is_an_alarm),
	        TEST(nothing_lost_in_a_row_is_an_alarm),
	        TEST(version_1_in_between),
	        TEST(restored_and_said_so),
	        TEST(a_second_copy),
	        TEST(a_machine_resumed_twice),
	        TEST(a_stranger_confirms_nothing),
	        TEST(a_parent_that_says_so_each_time),
	        TEST(restored_without_a_word),
	        TEST(a_malformed_lineage),
	        TEST(nothing_shown_in_a_known_epoch),
	};
	return cmocka_run_group_tests_name("lineage", tests, NULL, NULL);
}
