/* u_look.c: whether object files are there, and this node's. */
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

#include "look.h"
#include "schema.h"

struct box {
	char dir[64], database[96];
	sqlite3 *db;
	size_t n, calls;
	/* by the first byte of an id: what was said of it, -1: nothing */
	int said[256];
};

static int set_up(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	char path[96];
	assert_non_null(b);
	gt_format(b->dir, sizeof b->dir, "/tmp/gt-look-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	gt_format(b->database, sizeof b->database, "%s/db", b->dir);
	assert_int_equal(sqlite3_open(b->database, &b->db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(b->db, GT_SCHEMA, NULL, NULL, NULL),
	                 SQLITE_OK);
	gt_format(path, sizeof path, "%s/objects", b->dir);
	assert_int_equal(mkdir(path, 0700), 0);
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

/* The file of the object whose id is the same byte again and again. */
static void path_of(const struct box *b, unsigned byte, char out[256])
{
	struct gt_id id;
	char hex[GT_HEX_ID];
	memset(id.b, (int)byte, sizeof id.b);
	gt_id_hex(hex, &id);
	gt_format(out, 256, "%s/objects/%.2s", b->dir, hex);
	(void)mkdir(out, 0700);
	gt_format(out, 256, "%s/objects/%.2s/%s.tar.zst", b->dir, hex, hex + 2);
}

static void put_file(const struct box *b, unsigned byte, const char *bytes)
{
	char path[256];
	path_of(b, byte, path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(bytes, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void row(const struct box *b, unsigned byte, int state, unsigned present)
{
	char sql[512], hex[GT_HEX_ID];
	struct gt_id id;
	memset(id.b, (int)byte, sizeof id.b);
	gt_id_hex(hex, &id);
	gt_format(sql, sizeof sql,
	          "INSERT INTO object(id,state,size,frames,present,created_ms,"
	          "completed_ms) VALUES(x'%s',%d,5,2,%u,0,0)",
	          hex, state, present);
	assert_int_equal(sqlite3_exec(b->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void found(void *arg, enum gt_look what, const struct gt_id *objects,
                  size_t n)
{
	struct box *b = arg;
	assert_true(n > 0 && n <= GT_LOOK_MANY);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(b->said[objects[i].b[0]], -1);
		b->said[objects[i].b[0]] = (int)what;
	}
	b->n += n;
	b->calls++;
}

static size_t look(struct box *b)
{
	char why[256] = "";
	b->n = b->calls = 0;
	for (size_t i = 0; i < 256; i++)
		b->said[i] = -1;
	assert_int_equal(
	        gt_look(b->dir, b->database, found, b, why, sizeof why), 0);
	assert_string_equal(why, "");
	return b->n;
}

static void files_as_they_should_be(void **state)
{
	struct box *b = *state;
	for (unsigned i = 1; i <= 4; i++) {
		put_file(b, i, "bytes");
		row(b, i, (int)i, 1);
	}
	/* of these nothing counts */
	row(b, 5, GT_OBJECT_WANTED, 0);
	row(b, 6, GT_OBJECT_PARTIAL, 0);
	row(b, 7, GT_OBJECT_REFUSED, 2);
	assert_int_equal(look(b), 0);
}

static void files_that_are_not(void **state)
{
	struct box *b = *state;
	char path[256];
	for (unsigned i = 1; i <= 9; i++) {
		put_file(b, i, i == 4 ? "byte" : i == 5 ? "bytes!" : "bytes");
		row(b, i, i == 2 ? GT_OBJECT_PARTIAL : GT_OBJECT_COMPLETE, 1);
	}
	path_of(b, 1, path);
	assert_int_equal(unlink(path), 0);
	path_of(b, 2, path);
	assert_int_equal(unlink(path), 0);
	path_of(b, 6, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	path_of(b, 7, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	path_of(b, 8, path);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(look(b), geteuid() == 0 ? 6 : 7);
	assert_int_equal(b->said[1], GT_LOOK_GONE);
	assert_int_equal(b->said[2], GT_LOOK_GONE);
	assert_int_equal(b->said[3], -1);
	assert_int_equal(b->said[4], GT_LOOK_SIZE);
	assert_int_equal(b->said[5], GT_LOOK_SIZE);
	assert_int_equal(b->said[6], GT_LOOK_FOREIGN);
	assert_int_equal(b->said[7], GT_LOOK_FOREIGN);
	assert_int_equal(b->said[8], geteuid() == 0 ? -1 : GT_LOOK_FOREIGN);
	for (int w = 0; w < GT_LOOKS; w++)
		assert_true(*gt_look_why((enum gt_look)w));
	assert_string_equal(gt_look_why(GT_LOOKS), "");
}

/* More than one page of rows, and than one list of what is found. */
static void all_of_them(void **state)
{
	struct box *b = *state;
	char command[128];
	for (unsigned i = 0; i < 256; i++)
		row(b, i, GT_OBJECT_COMPLETE, 2);
	gt_format(command, sizeof command, "rm -rf %s/objects", b->dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(look(b), 256);
	assert_int_equal(b->calls, 256 / GT_LOOK_MANY + 1);
}

static void nothing_to_read(void **state)
{
	struct box *b = *state;
	char why[256] = "";
	assert_int_equal(
	        gt_look(b->dir, "/nowhere/db", found, b, why, sizeof why),
	        -GT_ESTORE);
	assert_true(*why);
	*why = '\0';
	assert_int_equal(
	        gt_look("/nowhere", b->database, found, b, why, sizeof why),
	        -GT_ESTORE);
	assert_true(*why);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(files_as_they_should_be),
	        T(files_that_are_not),
	        T(all_of_them),
	        T(nothing_to_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
