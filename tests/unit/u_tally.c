/* u_tally.c: the counts the database keeps are what counting would find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base.h"
#include "schema.h"
#include "store.h"
#include "tally.h"

enum { RESOURCES = 40, OBJECTS = 12, STEPS = 4000, EVERY = 10 };

#define SCAN_RESOURCES                                                \
	"SELECT i.verdict," GT_RESOURCE_STATE ",count(*) FROM item i" \
	" LEFT JOIN object o ON o.id=i.object"                        \
	" WHERE i.kind=1 AND length(i.signed)>0 GROUP BY 1,2"
#define SCAN_OBJECTS                                                      \
	"SELECT state,present>0,count(*),sum(CASE WHEN state=4 THEN size" \
	" WHEN frames>0 THEN size/frames*present ELSE 0 END)"             \
	" FROM object GROUP BY 1,2"
#define SCAN_STRANGERS                                         \
	"SELECT count(*) FROM item WHERE kind=1 AND version=0" \
	" AND length(signed)=0 HAVING count(*)>0"
#define TALLY_RESOURCES                              \
	"SELECT verdict,state,n FROM tally_resource" \
	" WHERE n<>0 AND state NOT IN ('','stranger')"
#define TALLY_OBJECTS \
	"SELECT state,some,n,bytes FROM tally_object WHERE n<>0 OR bytes<>0"
#define TALLY_STRANGERS \
	"SELECT n FROM tally_resource WHERE state='stranger' AND n<>0"

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static void sql(sqlite3 *db, const char *text)
{
	char *why = NULL;
	int rc = sqlite3_exec(db, text, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		print_error("%s: %s\n", text, why);
	sqlite3_free(why);
	assert_int_equal(rc, SQLITE_OK);
}

static int64_t number(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

#define DIFFER(a, b)                                          \
	"SELECT (SELECT count(*) FROM (" a " EXCEPT " b "))+" \
	"(SELECT count(*) FROM (" b " EXCEPT " a "))"

static void assert_counted(sqlite3 *db)
{
	assert_int_equal(number(db, DIFFER(SCAN_RESOURCES, TALLY_RESOURCES)),
	                 0);
	assert_int_equal(number(db, DIFFER(SCAN_OBJECTS, TALLY_OBJECTS)), 0);
	assert_int_equal(number(db, DIFFER(SCAN_STRANGERS, TALLY_STRANGERS)),
	                 0);
}

/* As ITEM_PUT does: a row per thing, changed in place. */
static void put_item(sqlite3 *db)
{
	char text[800], object[16] = "NULL";
	unsigned name = draw(RESOURCES), what = draw(8);
	if (draw(5) > 0)
		gt_format(object, sizeof object, "x'%02x'", draw(OBJECTS));
	gt_format(text, sizeof text,
	          "INSERT INTO item(kind,id,seq,version,state,hash,signed,"
	          "verdict,priority,rule,layer,own,type,title,object,"
	          "updated_ms) VALUES(%u,'%u',(SELECT 1+ifnull(max(seq),0)"
	          " FROM item),%u,%u,x'',x'%s',%u,0,'','',0,'','',%s,0)"
	          " ON CONFLICT(kind,id) DO UPDATE SET seq=excluded.seq,"
	          "version=excluded.version,state=excluded.state,"
	          "signed=excluded.signed,verdict=excluded.verdict,"
	          "object=excluded.object",
	          draw(10) ? 1u : 3u, name, what ? 1u + draw(9) : 0u,
	          draw(6) ? 0u : 1u, what < 2 ? "" : "aa",
	          what < 2 ? 0u : draw(4), object);
	sql(db, text);
}

static void step(sqlite3 *db)
{
	char text[300];
	unsigned object = draw(OBJECTS);
	switch (draw(9)) {
	case 0:
		gt_format(text, sizeof text,
		          "UPDATE item SET asked=%u WHERE id='%u'", draw(2),
		          draw(RESOURCES));
		break;
	case 1:
		gt_format(text, sizeof text,
		          "DELETE FROM object WHERE id=x'%02x'", object);
		break;
	case 2:
		gt_format(text, sizeof text, "DELETE FROM item WHERE id='%u'",
		          draw(4 * RESOURCES));
		break;
	case 3:
		gt_format(text, sizeof text,
		          "UPDATE object SET present=%u WHERE id=x'%02x'",
		          draw(3) * 5, object);
		break;
	case 4:
	case 5:
		gt_format(text, sizeof text,
		          "UPDATE object SET state=n,size=%u,frames=%u,"
		          "completed_ms=CASE n WHEN 4 THEN 9 ELSE"
		          " completed_ms END FROM (SELECT %u AS n)"
		          " WHERE id=x'%02x'",
		          draw(100000), draw(20), 1 + draw(5), object);
		break;
	case 6:
		gt_format(text, sizeof text,
		          "INSERT INTO object(id,state,size,frames,present,"
		          "created_ms,completed_ms) SELECT x'%02x',%u,%u,%u,"
		          "%u,0,0 WHERE NOT EXISTS(SELECT 1 FROM object"
		          " WHERE id=x'%02x')",
		          object, 1 + draw(5), draw(100000), draw(20), draw(3),
		          object);
		break;
	default:
		put_item(db);
		return;
	}
	sql(db, text);
}

static void as_counted(void **state)
{
	sqlite3 *db;
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	sql(db, GT_SCHEMA);
	sql(db, GT_SCHEMA_TALLY);
	sql(db, GT_SCHEMA_TALLY_OBJECTS);
	sql(db, GT_SCHEMA_DAMAGED);
	for (unsigned i = 0; i < STEPS; i++) {
		/* what is rolled back was never counted */
		bool dropped = draw(10) == 0;
		if (dropped)
			sql(db, "BEGIN");
		step(db);
		if (dropped)
			sql(db, "ROLLBACK");
		if (i % EVERY == 0)
			assert_counted(db);
	}
	assert_counted(db);
	/* and it was worth counting */
	assert_true(number(db, "SELECT count(*) FROM tally_resource"
	                       " WHERE n>0") > 8);
	assert_true(number(db, "SELECT ifnull(sum(n),0) FROM tally_resource"
	                       " WHERE state='damaged'") > 0);
	sqlite3_close(db);
}

/* A database of the program before is counted once, when it is opened. */
static void added_later(void **state)
{
	sqlite3 *db;
	struct gt_store *store;
	char why[200] = "";
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	sql(db, GT_SCHEMA "PRAGMA user_version=1");
	for (unsigned i = 0; i < STEPS / 10; i++)
		step(db);
	assert_int_equal(gt_store_open(&store, db, why, sizeof why), 0);
	assert_counted(db);
	for (unsigned i = 0; i < STEPS / 10; i++)
		step(db);
	assert_counted(db);
	gt_store_close(store);
}

/* What an older program left damaged where it was published is known by that. */
static void damaged_before(void **state)
{
	sqlite3 *db;
	struct gt_store *store;
	char why[200] = "";
	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	sql(db, GT_SCHEMA "PRAGMA user_version=1");
	sql(db, "INSERT INTO object(id,state,size,frames,present,created_ms,"
	        "completed_ms) VALUES(x'01',2,9,9,8,5,0),(x'02',2,9,9,8,5,0)");
	sql(db, "INSERT INTO item(kind,id,seq,version,state,hash,signed,"
	        "verdict,priority,rule,layer,own,type,title,object,updated_ms)"
	        " VALUES(1,'a',1,1,0,x'',x'aa',3,0,'','',1,'','',x'01',0),"
	        "(1,'b',2,1,0,x'',x'aa',3,0,'','',0,'','',x'02',0)");
	assert_int_equal(gt_store_open(&store, db, why, sizeof why), 0);
	assert_counted(db);
	assert_int_equal(number(db, "SELECT n FROM tally_resource"
	                            " WHERE state='damaged'"),
	                 1);
	assert_int_equal(number(db, "SELECT n FROM tally_resource"
	                            " WHERE state='partial'"),
	                 1);
	gt_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(as_counted),
	        cmocka_unit_test(added_later),
	        cmocka_unit_test(damaged_before),
	};
	return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
