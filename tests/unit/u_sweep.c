/* u_sweep.c: what goes from the object files when a daemon starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema.h"
#include "sweep.h"

struct box {
	char dir[64], database[96];
	sqlite3 *db;
};

static int set_up(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	assert_non_null(b);
	gt_format(b->dir, sizeof b->dir, "/tmp/gt-sweep-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	gt_format(b->database, sizeof b->database, "%s/db", b->dir);
	assert_int_equal(sqlite3_open(b->database, &b->db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(b->db, GT_SCHEMA, NULL, NULL, NULL),
	                 SQLITE_OK);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct box *b = *state;
	char command[128];
	sqlite3_close(b->db);
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

/* The file of the object whose id is n times the same byte. */
static void path_of(const struct box *b, unsigned byte, char out[256])
{
	struct gt_id id;
	char hex[2 * GT_ID_BYTES + 1];
	memset(id.b, (int)byte, sizeof id.b);
	gt_hex(hex, id.b, sizeof id.b);
	gt_format(out, 256, "%s/objects/%.2s/%s.tar.zst", b->dir, hex, hex + 2);
}

static void put_file(const struct box *b, unsigned byte)
{
	char path[256], folder[256];
	path_of(b, byte, path);
	gt_format(folder, sizeof folder, "%s/objects", b->dir);
	(void)mkdir(folder, 0700);
	gt_format(folder, sizeof folder, "%s/objects/%02x", b->dir, byte);
	(void)mkdir(folder, 0700);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fputs("bytes", f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

static bool is_there(const struct box *b, unsigned byte)
{
	char path[256];
	path_of(b, byte, path);
	return access(path, F_OK) == 0;
}

static void row(const struct box *b, unsigned byte, int state, unsigned present)
{
	char sql[512], hex[2 * GT_ID_BYTES + 1];
	struct gt_id id;
	memset(id.b, (int)byte, sizeof id.b);
	gt_hex(hex, id.b, sizeof id.b);
	gt_format(sql, sizeof sql,
	          "INSERT INTO object(id,state,size,frames,present,created_ms,"
	          "completed_ms) VALUES(x'%s',%d,5,2,%u,0,0)",
	          hex, state, present);
	assert_int_equal(sqlite3_exec(b->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void line(const struct box *b, unsigned byte, const char *event)
{
	char sql[512], hex[2 * GT_ID_BYTES + 1];
	struct gt_id id;
	memset(id.b, (int)byte, sizeof id.b);
	gt_hex(hex, id.b, sizeof id.b);
	gt_format(sql, sizeof sql,
	          "INSERT INTO audit(at_ms,node,actor,event,kind,subject,"
	          "version,peer,verdict,rule,layer,result,bytes,transfer,"
	          "detail) VALUES(0,'33','33','%s','object','%s',0,'','','','',"
	          "'ok',0,'','')",
	          event, hex);
	assert_int_equal(sqlite3_exec(b->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static struct gt_swept swept(const struct box *b)
{
	struct gt_swept s;
	char why[256] = "";
	assert_int_equal(gt_sweep(b->dir, b->database, &s, why, sizeof why), 0);
	assert_string_equal(why, "");
	return s;
}

static void what_the_node_gave_up_goes(void **state)
{
	struct box *b = *state;
	put_file(b, 1);
	line(b, 1, "remove");
	put_file(b, 2);
	line(b, 2, "adopt");
	put_file(b, 3);
	row(b, 3, GT_OBJECT_REFUSED, 0);
	struct gt_swept s = swept(b);
	assert_int_equal(s.removed, 3);
	assert_int_equal(s.unknown, 0);
	for (unsigned i = 1; i <= 3; i++)
		assert_false(is_there(b, i));
}

static void what_is_wanted_stays(void **state)
{
	struct box *b = *state;
	for (unsigned i = 1; i <= 4; i++) {
		put_file(b, i);
		row(b, i, (int)i, 1);
		/* given up once, wanted again */
		line(b, i, "remove");
		line(b, i, "adopt");
	}
	assert_int_equal(swept(b).removed, 0);
	for (unsigned i = 1; i <= 4; i++)
		assert_true(is_there(b, i));
}

/* All of it is fetched again; but who publishes it has the only copy. */
static void what_nothing_counts_of_goes(void **state)
{
	struct box *b = *state;
	for (unsigned i = 1; i <= 4; i++) {
		put_file(b, i);
		row(b, i, i < 4 ? (int)i : GT_OBJECT_PARTIAL, 0);
	}
	static const char sql[] =
	        "INSERT INTO "
	        "item(kind,id,seq,version,state,hash,signed,verdict,"
	        "priority,rule,layer,own,type,title,object,updated_ms)"
	        " SELECT 1,'33/a',1,1,0,x'',x'',3,0,'','',1,'','',id,0"
	        " FROM object WHERE hex(id) LIKE '04%'";
	assert_int_equal(sqlite3_exec(b->db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(swept(b).removed, 3);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(is_there(b, i), i == 4);
}

/* A database that is new, or older than the files, says nothing about them. */
static void what_is_unknown_stays_and_is_counted(void **state)
{
	struct box *b = *state;
	put_file(b, 9);
	line(b, 9, "serve");
	struct gt_swept s = swept(b);
	assert_int_equal(s.removed, 0);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(s.unknown_bytes, 5);
	assert_true(is_there(b, 9));
}

static void other_files_are_none_of_its_business(void **state)
{
	struct box *b = *state;
	char path[256];
	put_file(b, 7);
	row(b, 7, GT_OBJECT_COMPLETE, 0);
	gt_format(path, sizeof path, "%s/objects/07/readme.txt", b->dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	struct gt_swept s = swept(b);
	assert_int_equal(s.removed + s.unknown, 0);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_database_that_cannot_be_read_removes_nothing(void **state)
{
	struct box *b = *state;
	struct gt_swept s;
	char why[256] = "";
	put_file(b, 1);
	line(b, 1, "remove");
	assert_int_equal(gt_sweep(b->dir, "/nowhere/db", &s, why, sizeof why),
	                 -GT_ESTORE);
	assert_true(strlen(why) > 0);
	assert_true(is_there(b, 1));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(what_the_node_gave_up_goes),
	        T(what_is_wanted_stays),
	        T(what_nothing_counts_of_goes),
	        T(what_is_unknown_stays_and_is_counted),
	        T(other_files_are_none_of_its_business),
	        T(a_database_that_cannot_be_read_removes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
