/* u_vouched.c: who vouches for a record, who may void one, and who has an id:
 * the same at every hop, whatever comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "read_inside.h"

enum { TOP, MID, LOW };
enum {
	NOBODY = 0,
	NAMED = GT_STATEMENT_NAMED,
	OPERATOR = GT_STATEMENT_NAMED | GT_STATEMENT_OPERATOR,
};

/* A statement with that id, said by somebody at node i: of a verb, or that it
 * voids another. Returns the reply's status. */
static int say(struct nodes *t, unsigned i, const char *who, uint32_t flags,
               unsigned id, const char *verb, unsigned target)
{
	static uint64_t token = 1000;
	char body[400], why[200], agent[80];
	struct gt_statement s;
	if (target)
		gt_format(body, sizeof body,
		          "{\"id\":\"%08x-0000-4000-8000-000000000000\","
		          "\"actor\":{\"mbox\":\"mailto:t@b.cn\"},\"verb\":{"
		          "\"id\":\"http://adlnet.gov/expapi/verbs/voided\"},"
		          "\"object\":{\"objectType\":\"StatementRef\",\"id\":"
		          "\"%08x-0000-4000-8000-000000000000\"}}",
		          id, target);
	else
		gt_format(body, sizeof body,
		          "{\"id\":\"%08x-0000-4000-8000-000000000000\","
		          "\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{"
		          "\"id\":\"http://v.cn/%s\"},\"object\":{\"id\":"
		          "\"http://o.cn/1\"}}",
		          id, verb);
	assert_int_equal(gt_statements_parse(gt_bytes_str(body), GT_XAPI_ANY,
	                                     NULL, 0, &s, 1, why, sizeof why),
	                 1);
	gt_format(agent, sizeof agent, "{\"mbox\":\"mailto:%s@b.cn\"}", who);
	s.authority = agent;
	s.flags |= flags;
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = ++token,
	                     .statements = &s,
	                     .count = 1,
	                     .actor = "user:test"};
	assert_int_equal(nodes_event(t, i, &e), 0);
	return nodes_last(t, i, GT_ACT_REPLY, 0)->a.status;
}

/* What a reader at node i learns of a record: 0: no such; 1: it; -1: it is
 * voided. */
static int seen(struct nodes *t, unsigned i, unsigned id)
{
	sqlite3_stmt *s;
	uint8_t key[GT_UUID_BYTES] = {[6] = 0x40, [8] = 0x80};
	gt_put32(key, id);
	assert_true(gt_reader_functions(t->v[i].db));
	assert_int_equal(sqlite3_prepare_v2(t->v[i].db, gt_queries[GT_Q_RECORD],
	                                    -1, &s, NULL),
	                 SQLITE_OK);
	sqlite3_bind_blob(s, 1, key, sizeof key, SQLITE_STATIC);
	int got = 0;
	if (sqlite3_step(s) == SQLITE_ROW)
		got = sqlite3_column_int(s, 12) ? -1 : 1;
	sqlite3_finalize(s);
	return got;
}

static int64_t count(struct nodes *t, unsigned i, const char *what)
{
	return nodes_int(t, i, "SELECT count(*) FROM %s", what);
}

static const struct gt_node_status *status(struct nodes *t, unsigned i)
{
	static struct gt_node_status s;
	gt_node_status(t->v[i].node, &s);
	return &s;
}

static void up(struct nodes *t)
{
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
}

static void nobody_voids(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 1, "did", 0), 0);
	/* not what is here, not what may come, not what nobody handed in */
	for (unsigned target = 1; target <= 2; target++)
		assert_int_equal(say(t, LOW, "nobody", NOBODY, 9, NULL, target),
		                 -GT_EDENIED);
	assert_int_equal(count(t, LOW, "record"), 1);
	assert_int_equal(seen(t, LOW, 1), 1);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE event="
	                           "'accept' AND result='DENIED'"),
	                 2);
}

static void its_own_and_no_other(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(say(t, LOW, "school", NAMED, 1, "did", 0), 0);
	assert_int_equal(say(t, LOW, "home", NAMED, 9, NULL, 1), -GT_EDENIED);
	assert_int_equal(seen(t, LOW, 1), 1);
	assert_int_equal(say(t, LOW, "school", NAMED, 10, NULL, 1), 0);
	assert_int_equal(seen(t, LOW, 1), -1);
	/* who operates the node may */
	assert_int_equal(say(t, LOW, "school", NAMED, 2, "did", 0), 0);
	assert_int_equal(say(t, LOW, "root", OPERATOR, 11, NULL, 2), 0);
	assert_int_equal(seen(t, LOW, 2), -1);
	up(t);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_int_equal(seen(t, i, 1), -1);
		assert_int_equal(seen(t, i, 2), -1);
		assert_int_equal(seen(t, i, 10), 1);
	}
}

/* It lies there before its target, and counts for nothing when that comes from
 * somebody else. */
static void before_its_target(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(say(t, LOW, "home", NAMED, 9, NULL, 1), 0);
	assert_int_equal(say(t, LOW, "school", NAMED, 10, NULL, 2), 0);
	assert_int_equal(say(t, LOW, "school", NAMED, 1, "did", 0), 0);
	assert_int_equal(say(t, LOW, "school", NAMED, 2, "did", 0), 0);
	up(t);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_int_equal(seen(t, i, 1), 1);
		assert_int_equal(seen(t, i, 2), -1);
	}
}

/* The same name at another node is another one. An operator's word goes as far
 * as his place, wherever the two meet. */
static void from_another_place(void **state)
{
	struct nodes *t = *state;
	for (unsigned id = 1; id <= 3; id++)
		assert_int_equal(say(t, MID, "school", NAMED, id, "did", 0), 0);
	for (unsigned id = 4; id <= 6; id++)
		assert_int_equal(say(t, LOW, "school", NAMED, id, "did", 0), 0);
	assert_int_equal(say(t, LOW, "school", NAMED, 11, NULL, 1), 0);
	assert_int_equal(say(t, LOW, "root", OPERATOR, 12, NULL, 2), 0);
	assert_int_equal(say(t, MID, "school", NAMED, 14, NULL, 4), 0);
	assert_int_equal(say(t, MID, "root", OPERATOR, 15, NULL, 5), 0);
	assert_int_equal(say(t, MID, "root", OPERATOR, 13, NULL, 3), 0);
	assert_int_equal(say(t, TOP, "root", OPERATOR, 16, NULL, 6), 0);
	up(t);
	for (unsigned i = TOP; i <= MID; i++) {
		assert_int_equal(seen(t, i, 1), 1);
		assert_int_equal(seen(t, i, 2), 1);
		assert_int_equal(seen(t, i, 3), -1);
		assert_int_equal(seen(t, i, 4), 1);
		assert_int_equal(seen(t, i, 5), -1);
	}
	assert_int_equal(seen(t, TOP, 6), -1);
	assert_int_equal(seen(t, MID, 6), 1);
}

/* Somebody nobody knows was first with an id: at the same node, and at another
 * one. Who reads sees what the known one handed in; the other's is kept. */
static void no_squatting(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 1, "lied", 0), 0);
	assert_int_equal(say(t, MID, "nobody", NOBODY, 2, "lied", 0), 0);
	up(t);
	assert_int_equal(count(t, TOP, "record"), 2);
	assert_int_equal(say(t, LOW, "school", NAMED, 1, "did", 0), 0);
	assert_int_equal(say(t, LOW, "school", NAMED, 2, "did", 0), 0);
	nodes_pass(t, 20000);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_int_equal(count(t, i, "record"), 2);
		assert_int_equal(
		        count(t, i,
		              "record WHERE CAST(body AS TEXT) LIKE '%%/did%%'"
		              " AND authority LIKE '%%school%%' AND flags=2"),
		        2);
		assert_int_equal(
		        count(t, i,
		              "quarantine WHERE CAST(body AS TEXT) LIKE "
		              "'%%/lied%%' AND reason="
		              "'same id, handed in by nobody known'"),
		        i == LOW ? 1 : 2);
		assert_int_equal(status(t, i)->records_quarantined,
		                 i == LOW ? 1 : 2);
		assert_int_equal(count(t, i, "audit WHERE event='quarantine'"),
		                 i == LOW ? 1 : 2);
	}
	/* and it stays so for who comes late, here and from below */
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 1, "lied", 0),
	                 -GT_ECONFLICT);
	assert_int_equal(say(t, LOW, "home", NAMED, 1, "lied", 0),
	                 -GT_ECONFLICT);
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 1, "did", 0), 0);
	assert_int_equal(count(t, LOW, "record"), 2);
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT value FROM meta WHERE key='replaced'"),
	        2);
}

static void late_from_below(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(say(t, MID, "school", NAMED, 1, "did", 0), 0);
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 1, "lied", 0), 0);
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 2, "did", 0), 0);
	up(t);
	for (unsigned i = TOP; i <= MID; i++) {
		assert_int_equal(count(t, i, "record"), 2);
		assert_int_equal(count(t, i, "record WHERE flags=2"), 1);
	}
	assert_int_equal(count(t, MID, "quarantine"), 1);
	assert_int_equal(status(t, LOW)->records_unrooted, 0);
}

/* A copy of what a known one is about to hand in, or a moment before him: it is
 * his all the same, for him to read and to void. */
static void a_copy_beforehand(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 1, "did", 0), 0);
	up(t);
	assert_int_equal(say(t, LOW, "school", NAMED, 1, "did", 0), 0);
	assert_int_equal(say(t, LOW, "school", NAMED, 9, NULL, 1), 0);
	nodes_pass(t, 20000);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_int_equal(count(t, i, "record"), 2);
		assert_int_equal(
		        count(t, i, "record WHERE authority LIKE '%%school%%'"),
		        2);
		assert_int_equal(count(t, i, "quarantine"), 0);
		assert_int_equal(seen(t, i, 1), -1);
	}
	assert_int_equal(status(t, LOW)->records_unrooted, 0);
	assert_int_equal(count(t, LOW, "audit WHERE event='replace'"), 1);
}

/* A database of the program before, where anybody's void did: what is voided
 * there stays so, and what comes after does not. */
static void voided_before(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 1, "did", 0), 0);
	assert_int_equal(say(t, LOW, "nobody", NOBODY, 2, "did", 0), 0);
	assert_int_equal(say(t, MID, "home", NAMED, 9, NULL, 1), 0);
	assert_int_equal(say(t, MID, "home", NAMED, 10, NULL, 2), 0);
	up(t);
	assert_int_equal(seen(t, MID, 1), 1);
	assert_int_equal(sqlite3_exec(t->v[MID].db,
	                              "DROP TABLE void_kept;DROP TABLE voids;"
	                              "DROP TRIGGER voids_new;"
	                              "DROP TRIGGER voids_was;"
	                              "DROP TRIGGER voids_is;"
	                              "DROP TRIGGER voids_gone;"
	                              "UPDATE record SET flags=1 WHERE flags=3;"
	                              "DELETE FROM record WHERE "
	                              "hex(substr(id,1,4))='0000000A'",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	nodes_restart(t, MID);
	assert_int_equal(seen(t, MID, 1), -1);
	assert_int_equal(seen(t, MID, 2), 1);
	assert_int_equal(say(t, MID, "home", NAMED, 11, NULL, 1), -GT_EDENIED);
	nodes_restart(t, MID);
	assert_int_equal(count(t, MID, "void_kept"), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(nobody_voids),
	        T(its_own_and_no_other),
	        T(before_its_target),
	        T(from_another_place),
	        T(no_squatting),
	        T(late_from_below),
	        T(a_copy_beforehand),
	        cmocka_unit_test_setup_teardown(
	                voided_before, nodes_three_on_disk, nodes_gone),
	};
	return cmocka_run_group_tests_name("vouched", tests, NULL, NULL);
}
