/* u_miscount.c: counters in the database that cannot be. They are input: said,
 * and made anew with the neighbours, whichever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"

enum { TOP, MID, LOW };

static size_t said(struct nodes *t, const char *what)
{
	size_t count = 0;
	const struct done *d;
	for (size_t i = 0; (d = nodes_last(t, MID, GT_ACT_LOG, i)); i++)
		count += *what && strncmp(d->a.text, what, strlen(what)) == 0;
	return count;
}

/* The tree is whole before and after, and goes on. */
static void lives_through(struct nodes *t, const char *damage, const char *what)
{
	const struct gt_bytes none = {0};
	uint32_t next = 1;
	assert_int_equal(nodes_statements(t, LOW, next, 3, 0), 0);
	nodes_minute(t, LOW);
	int64_t all = nodes_int(t, LOW, "SELECT count(*) FROM record");
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), all);
	char path[80];
	sqlite3 *db;
	gt_copy(path, sizeof path, nodes_path(t, MID));
	nodes_stop(t, MID); /* it writes its counters down */
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, damage, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	nodes_clear(t, MID);
	nodes_restart(t, MID);
	nodes_minute(t, LOW);
	assert_int_equal(said(t, what), *what ? 1 : 0);
	assert_int_equal(nodes_statements(t, LOW, next + 3, 3, 0), 0);
	assert_int_equal(nodes_publish(t, TOP, "after", "course", none, none),
	                 0);
	nodes_minute(t, LOW);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_int_equal(nodes_int(t, i, "SELECT count(*) FROM record"),
		                 all + 3);
		assert_int_equal(nodes_status(t, i)->records_waiting, 0);
		assert_int_equal(nodes_status(t, i)->records_unrooted, 0);
		assert_int_equal(nodes_int(t, i,
		                           "SELECT count(*) FROM item WHERE "
		                           "kind=1 AND id LIKE '%%after'"),
		                 1);
	}
}

static const char counts[] = "the database's counts of learner records";
static const char of_child[] = "what the database says of child 330106";

static void marks_too_high(void **state)
{
	lives_through(*state,
	              "UPDATE meta SET value=value+1000 WHERE "
	              "typeof(value)='integer'",
	              counts);
}

static void marks_too_low(void **state)
{
	lives_through(*state,
	              "UPDATE meta SET value=-7 WHERE key IN('hop','root');"
	              "INSERT OR REPLACE INTO meta VALUES('replaced',-1)",
	              counts);
}

static void acknowledged_too_high(void **state)
{
	lives_through(*state, "UPDATE child SET acked=acked+100", of_child);
}

static void acknowledged_and_told_nothing(void **state)
{
	lives_through(*state, "UPDATE child SET vseq=0", of_child);
}

static void counters_below_nothing(void **state)
{
	lives_through(*state,
	              "UPDATE child SET acked=-1,vseq=-1,judged=-1,records=-1",
	              of_child);
}

static void counters_without_end(void **state)
{
	lives_through(*state,
	              "UPDATE child SET acked=9223372036854775807,"
	              "vseq=9223372036854775807",
	              of_child);
}

static void at_the_root_too_high(void **state)
{
	lives_through(*state, "UPDATE child SET rooted=rooted+100", of_child);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three_on_disk, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(marks_too_high),         T(marks_too_low),
	        T(acknowledged_too_high),  T(acknowledged_and_told_nothing),
	        T(counters_below_nothing), T(counters_without_end),
	        T(at_the_root_too_high),
	};
	return cmocka_run_group_tests_name("miscount", tests, NULL, NULL);
}
