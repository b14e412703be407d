/* u_read_seal.c: what is said of a record's seal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "nodes.h"
#include "read.h"

enum { TOP, MID, LOW };

/* What node i says of statement number n. */
static json_t *ask(struct nodes *t, unsigned i, uint32_t n)
{
	struct gt_reader *r;
	char why[200] = "";
	struct gt_statement s = nodes_statement(t, n, 0);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(nodes_path(t, i), &db), SQLITE_OK);
	r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	json_t *v = gt_read_seal(r, s.id);
	assert_non_null(v);
	gt_reader_free(r);
	sqlite3_close(db);
	return v;
}

static void is(struct nodes *t, unsigned i, uint32_t n, const char *what)
{
	json_t *v = ask(t, i, n);
	assert_string_equal(json_string_value(json_object_get(v, "is")), what);
	json_decref(v);
}

static void run_sql(struct nodes *t, unsigned i, const char *sql)
{
	assert_int_equal(sqlite3_exec(t->v[i].db, sql, NULL, NULL, NULL),
	                 SQLITE_OK);
}

static void every_verdict(void **state)
{
	struct nodes *t = *state;
	json_t *v;
	assert_int_equal(nodes_statements(t, LOW, 1, 9, 0), 0);
	is(t, LOW, 3, "unsealed");
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	for (unsigned i = TOP; i <= LOW; i++)
		for (uint32_t n = 1; n <= 9; n++)
			is(t, i, n, "genuine");
	v = ask(t, TOP, 4);
	assert_string_equal(json_string_value(json_object_get(v, "by")),
	                    "330106");
	assert_int_equal(json_integer_value(json_object_get(v, "leaf")), 3);
	assert_int_equal(json_integer_value(json_object_get(v, "leaves")), 9);
	json_decref(v);
	v = ask(t, TOP, 77);
	assert_int_equal(json_object_size(v), 0);
	json_decref(v);
	/* one that is altered tells of all under its seal */
	run_sql(t, TOP, "UPDATE record SET origin_ms=origin_ms-1 WHERE seq=2");
	is(t, TOP, 2, "altered");
	is(t, MID, 2, "genuine");
	run_sql(t, TOP, "UPDATE record SET origin_ms=origin_ms+1 WHERE seq=2");
	is(t, TOP, 2, "genuine");
	run_sql(t, TOP,
	        "UPDATE record SET body=replace(CAST(body AS "
	        "TEXT),'http','HTTP')"
	        " WHERE seq=2");
	is(t, TOP, 2, "altered");
	run_sql(t, TOP,
	        "UPDATE record SET body=replace(CAST(body AS "
	        "TEXT),'HTTP','http')"
	        " WHERE seq=2");
	is(t, TOP, 2, "genuine");
	/* nor does the roster here know who made it */
	run_sql(t, TOP, "DELETE FROM item WHERE kind=3 AND id='330106'");
	is(t, TOP, 3, "unknown");
	/* what a disk made of a seal is none */
	run_sql(t, TOP, "UPDATE seal SET gaps=x'0102'");
	is(t, TOP, 3, "unsealed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
	        every_verdict, nodes_three_on_disk, nodes_gone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
