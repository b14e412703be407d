/* u_domain.c: what columns may hold, and what is said of a row that holds
 * something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "domain.h"
#include "store.h"
#include "unit/node_kit.h"

static sqlite3 *database(struct nodes *t)
{
	return t->v[MID].db;
}

static void sql(struct nodes *t, const char *text)
{
	assert_int_equal(sqlite3_exec(database(t), text, NULL, NULL, NULL),
	                 SQLITE_OK);
}

static int look(struct nodes *t, struct gt_odd *odd)
{
	return gt_domain_look(database(t), "3301", false, odd);
}

/* A column that is added is given its row in the table. */
static void every_column_has_one(void **state)
{
	struct nodes *t = *state;
	sqlite3_stmt *st;
	unsigned n = 0;
	assert_int_equal(
	        sqlite3_prepare_v2(
	                database(t),
	                "SELECT s.name,i.name FROM sqlite_schema s,"
	                "pragma_table_info(s.name) i WHERE s.type='table'",
	                -1, &st, NULL),
	        SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		char want[100];
		char *is = gt_domain_of(database(t), gt_col_text(st, 0));
		assert_non_null(is);
		gt_format(want, sizeof want, " THEN '%s'", gt_col_text(st, 1));
		if (!strstr(is, want))
			print_error("%s.%s\n", gt_col_text(st, 0),
			            gt_col_text(st, 1));
		assert_non_null(strstr(is, want));
		sqlite3_free(is);
		n++;
	}
	sqlite3_finalize(st);
	assert_true(n > 100);
}

static void found(struct nodes *t, const char *set, const char *said,
                  bool only_here)
{
	char is[GT_ODD_SAID];
	struct gt_odd odd;
	sql(t, "SAVEPOINT a");
	sql(t, set);
	int status = look(t, &odd);
	if (status != 0)
		print_error("%s: %d %s\n", set, status,
		            sqlite3_errmsg(database(t)));
	assert_int_equal(status, 0);
	gt_odd_say(is, &odd);
	assert_string_equal(is, said);
	assert_int_equal(odd.only_here, only_here);
	sql(t, "ROLLBACK TO a;RELEASE a");
	assert_int_equal(look(t, &odd), 1);
}

static void what_is_said(void **state)
{
	struct nodes *t = *state;
	struct gt_odd odd;
	struct pack p;
	fetched(t, &p, 1000);
	assert_int_equal(nodes_statements(t, MID, 1, 2, 0), 0);
	assert_int_equal(look(t, &odd), 1);
	found(t, "UPDATE item SET kind=2,seq=900 WHERE id='33/a'",
	      "table item, row 3, column kind: it cannot be 2; such rows: 1",
	      false);
	found(t, "UPDATE item SET priority=-1 WHERE id='33/a'",
	      "table item, row 3, column priority: it cannot be -1; such rows: "
	      "1",
	      false);
	found(t, "UPDATE object SET created_ms=9e18",
	      "table object, row 1, column created_ms: it cannot be "
	      "9000000000000000000; such rows: 1",
	      false);
	found(t, "UPDATE record SET stored_ms='soon'",
	      "table record, row 1, column stored_ms: it cannot be soon; such "
	      "rows: 2",
	      true);
	found(t, "UPDATE meta SET value='x' WHERE key='epoch'",
	      "table meta, row epoch, column value: it cannot be x; such rows: "
	      "1",
	      false);
	found(t, "UPDATE meta SET value=x'ff00' WHERE key='code'",
	      "table meta, row code, column value: it cannot be x'FF00'; such "
	      "rows: 1",
	      false);
	/* an own one is named before others */
	found(t,
	      "UPDATE audit SET version='x';UPDATE item SET own=1,hash='' "
	      "WHERE id='33/a'",
	      "table item, row 3, column hash: it cannot be ; such rows: 10",
	      true);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)
int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(every_column_has_one),
	        T(what_is_said),
	};
	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
