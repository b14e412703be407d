/* u_store.c: statements when they are wanted, transactions when there is
 * something in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>

#include "base.h"
#include "store.h"

static sqlite3 *db;

static struct gt_store *opened(void)
{
	struct gt_store *s = NULL;
	char why[200] = "";
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(gt_store_open(&s, db, why, sizeof why), 0);
	return s;
}

static void each_compiles(void **state)
{
	struct gt_store *s = opened();
	(void)state;
	for (int i = 0; i < GT_SQL_COUNT; i++)
		if (!gt_store_bind(s, (enum gt_sql)i, ""))
			fail_msg("statement %d: %s", i, gt_store_why(s));
	gt_store_close(s);
}

static void nothing_is_no_transaction(void **state)
{
	struct gt_store *s = opened();
	bool changed = true;
	(void)state;
	gt_store_begin(s);
	assert_int_equal(sqlite3_get_autocommit(db), 1);
	assert_int_equal(gt_store_commit(s, &changed), 0);
	assert_false(changed);
	gt_store_close(s);
}

static void all_or_nothing(void **state)
{
	struct gt_store *s = opened();
	int64_t value = 0, before;
	bool changed = false;
	(void)state;
	gt_store_begin(s);
	before = gt_store_changes(s);
	assert_int_equal(gt_meta_put(s, "cursor", 7), 0);
	assert_int_equal(sqlite3_get_autocommit(db), 0);
	assert_true(gt_store_changes(s) > before);
	assert_int_equal(gt_store_commit(s, &changed), 0);
	assert_true(changed);
	assert_int_equal(sqlite3_get_autocommit(db), 1);
	gt_store_begin(s);
	assert_int_equal(gt_meta_put(s, "cursor", 8), 0);
	gt_store_rollback(s);
	assert_int_equal(sqlite3_get_autocommit(db), 1);
	gt_store_begin(s);
	assert_int_equal(gt_meta_get(s, "cursor", 0, &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(gt_store_commit(s, &changed), 0);
	assert_false(changed);
	gt_store_close(s);
}

/* What cannot be compiled stops the transaction, whatever else is done in
 * it. */
static void one_that_fails(void **state)
{
	struct gt_store *s = opened();
	int64_t value;
	bool changed;
	(void)state;
	assert_int_equal(sqlite3_exec(db, "DROP TABLE meta", NULL, NULL, NULL),
	                 SQLITE_OK);
	gt_store_begin(s);
	assert_int_equal(gt_meta_get(s, "cursor", 0, &value), -GT_ESTORE);
	assert_non_null(strstr(gt_store_why(s), "meta"));
	assert_int_equal(gt_store_commit(s, &changed), -GT_ESTORE);
	gt_store_rollback(s);
	assert_non_null(strstr(gt_store_why(s), "meta"));
	gt_store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_compiles),
	        cmocka_unit_test(nothing_is_no_transaction),
	        cmocka_unit_test(all_or_nothing),
	        cmocka_unit_test(one_that_fails),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
