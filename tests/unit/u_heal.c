/* u_heal.c: items that rot in the database: given to nobody, and fetched
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "protocol.h"

enum { TOP, MID, LOW };

static void publish(struct nodes *t, unsigned i, const char *slug)
{
	assert_int_equal(nodes_publish(t, i, slug, "course",
	                               (struct gt_bytes){0},
	                               (struct gt_bytes){0}),
	                 0);
}

/* A bit of the signed body of every item of that kind flips; the body is what
 * the envelope begins with, behind its kind. */
static void rot(struct nodes *t, unsigned i, int kind, const char *id, int at)
{
	char sql[600];
	gt_format(sql, sizeof sql,
	          "UPDATE item SET signed=CAST(substr(signed,1,%d)||"
	          "CASE substr(signed,%d,1) WHEN x'61' THEN x'62' ELSE x'61' "
	          "END||substr(signed,%d) AS BLOB) WHERE kind=%d AND id='%s'",
	          at - 1, at, at + 1, kind, id);
	assert_int_equal(sqlite3_exec(t->v[i].db, sql, NULL, NULL, NULL),
	                 SQLITE_OK);
}

static bool same_item(struct nodes *t, unsigned a, unsigned b, const char *id)
{
	char one[2000], two[2000];
	static const char sql[] = "SELECT version||hex(hash)||hex(signed) FROM "
	                          "item WHERE kind=1 AND id='%s'";
	gt_copy(one, sizeof one, nodes_text(t, a, sql, id));
	gt_copy(two, sizeof two, nodes_text(t, b, sql, id));
	return *one && strcmp(one, two) == 0;
}

static int64_t damages(struct nodes *t, unsigned i)
{
	return nodes_int(t, i,
	                 "SELECT count(*) FROM audit WHERE event='damage' AND "
	                 "detail='not what was signed'");
}

static void found_at_a_start(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	for (int i = 0; i < 3; i++)
		publish(t, TOP, i == 0 ? "a" : i == 1 ? "b" : "c");
	nodes_minute(t, MID);
	assert_true(same_item(t, MID, TOP, "33/b"));
	rot(t, MID, 1, "33/b", 12);
	assert_false(same_item(t, MID, TOP, "33/b"));
	nodes_restart(t, MID);
	nodes_minute(t, MID);
	assert_int_equal(damages(t, MID), 1);
	assert_true(same_item(t, MID, TOP, "33/b"));
	assert_true(same_item(t, MID, TOP, "33/a"));
	/* once */
	nodes_minute(t, MID);
	assert_int_equal(damages(t, MID), 1);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT ifnull(sum(n),0) FROM tally_resource"
	                           " WHERE state='stranger'"),
	                 0);
}

/* Nobody below is told of it, nor loses what it has, and then it is right. */
static void not_passed_on(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	publish(t, TOP, "a");
	publish(t, TOP, "b");
	nodes_minute(t, MID);
	rot(t, MID, 1, "33/a", 12);
	nodes_wire(t, LOW, MID, true);
	nodes_minute(t, LOW);
	assert_int_equal(damages(t, MID), 1);
	assert_true(same_item(t, MID, TOP, "33/a"));
	assert_true(same_item(t, LOW, TOP, "33/a"));
	assert_true(same_item(t, LOW, TOP, "33/b"));
	assert_int_equal(damages(t, LOW), 0);
	/* it never came there in another form */
	assert_int_equal(
	        nodes_int(t, LOW,
	                  "SELECT count(*) FROM audit WHERE event='receive' "
	                  "AND subject='33/a'"),
	        1);
	assert_int_equal(
	        nodes_int(t, LOW,
	                  "SELECT count(*) FROM audit WHERE event='retract'"),
	        0);
}

/* The roster's row of a node above: without it there is no link. */
static void a_member(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	rot(t, MID, 3, "33", 12);
	nodes_restart(t, MID);
	nodes_pass(t, 2000);
	assert_int_equal(damages(t, MID), 1);
	/* as at each start of the daemon */
	nodes_members(t, MID,
	              nodes_member(t, "33", t->v[TOP].key.public, 1,
	                           GT__STANDING__ACTIVE));
	nodes_wire(t, MID, TOP, true);
	publish(t, TOP, "a");
	nodes_minute(t, MID);
	assert_true(same_item(t, MID, TOP, "33/a"));
}

/* Only people can bring it back; children keep what they have. */
static void published_here(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	publish(t, TOP, "a");
	nodes_minute(t, MID);
	rot(t, TOP, 1, "33/a", 12);
	nodes_restart(t, TOP);
	nodes_clear(t, TOP);
	nodes_minute(t, MID);
	assert_int_equal(damages(t, TOP), 1);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT verdict FROM item WHERE id='33/a'"),
	        3);
	publish(t, TOP, "a");
	nodes_minute(t, MID);
	assert_true(same_item(t, MID, TOP, "33/a"));
}

int main(void)
{
#define T(f, up) cmocka_unit_test_setup_teardown(f, up, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(found_at_a_start, nodes_two_on_disk),
	        T(not_passed_on, nodes_three),
	        T(a_member, nodes_two_on_disk),
	        T(published_here, nodes_two_on_disk),
	};
	return cmocka_run_group_tests_name("heal", tests, NULL, NULL);
}
