/* u_sync.c: what a sync that fails leaves behind is not taken for durable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blob_file.h"
#include "node_dir.h"
#include "rewrite.h"
#include "sys.h"
#include "text.h"

static char box[64];
static enum { NOTHING, FOLDERS, FILES } fails;

/* In place of the system's: fails as told, once. */
int fsync(int fd)
{
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	if (fails != (S_ISDIR(st.st_mode) ? FOLDERS : FILES))
		return 0;
	fails = NOTHING;
	errno = EIO;
	return -1;
}

static const char *in_box(const char *name)
{
	static char path[4][256];
	static unsigned next;
	char *p = path[next++ % 4];
	gt_format(p, sizeof path[0], "%s/%s", box, name);
	return p;
}

static bool is_there(const char *name)
{
	return access(in_box(name), F_OK) == 0;
}

static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(in_box(name), "wb");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	char why[256];
	gt_format(box, sizeof box, "/tmp/gt-sync-XXXXXX");
	assert_non_null(mkdtemp(box));
	fails = NOTHING;
	return gt_blob_store_open((struct gt_blob_store **)state, box, 0, why,
	                          sizeof why);
}

static int tear_down(void **state)
{
	char command[128];
	gt_blob_store_close(*state);
	gt_format(command, sizeof command, "rm -rf %s", box);
	return system(command);
}

static struct gt_id object(uint8_t folder, uint8_t rest)
{
	struct gt_id id;
	memset(id.b, rest, sizeof id.b);
	id.b[0] = folder;
	return id;
}

static int place(struct gt_blob_store *s, struct gt_id id,
                 struct gt_blob_file **f)
{
	int status = gt_blob_get(s, &id, 5, f);
	if (status == 0)
		status = gt_blob_write(s, *f, gt_bytes_str("bytes"), 0);
	return status;
}

static int adopt(struct gt_blob_store *s, struct gt_id id)
{
	put_file("staged/new", "bytes");
	int fd = open(in_box("staged/new"), O_RDONLY);
	assert_true(fd >= 0);
	int status = gt_blob_adopt(s, "new", fd, &id);
	close(fd);
	return status;
}

/* ---------------------------------------------------------- objects */

/* The folder holds the name of another object too, and the system tells of what
 * it could not write once. */
static void a_name_that_is_lost_may_not_be_the_only_one(void **state)
{
	struct gt_blob_store *s = *state;
	struct gt_blob_file *f, *good;
	assert_int_equal(place(s, object(7, 1), &good), 0);
	assert_int_equal(gt_blob_sync(s, good), 0);
	assert_int_equal(place(s, object(7, 2), &f), 0);
	fails = FOLDERS;
	assert_int_equal(adopt(s, object(7, 3)), -GT_ESTORE);
	assert_int_equal(fails, NOTHING);
	assert_int_equal(gt_blob_sync(s, f), -GT_EIO);
	assert_int_equal(adopt(s, object(7, 4)), -GT_ESTORE);
	gt_blob_put(s, f);
	gt_blob_put(s, good);
	/* what an earlier sync has promised is served until the end */
	struct gt_id id = object(7, 1);
	assert_int_equal(gt_blob_get(s, &id, 0, &good), 0);
	gt_blob_put(s, good);
}

/* Synced a second time it would pass. */
static void what_was_staged_and_not_synced_goes(void **state)
{
	struct gt_blob_store *s = *state;
	struct gt_blob_file *f;
	fails = FILES;
	assert_int_equal(adopt(s, object(7, 3)), -GT_EIO);
	assert_false(is_there("staged/new"));
	/* nobody else is concerned */
	assert_int_equal(place(s, object(7, 2), &f), 0);
	assert_int_equal(gt_blob_sync(s, f), 0);
	gt_blob_put(s, f);
	assert_int_equal(adopt(s, object(7, 3)), 0);
}

static void a_folder_that_is_not_durable_goes(void **state)
{
	struct gt_blob_store *s = *state;
	struct gt_blob_file *f;
	assert_int_equal(place(s, object(7, 2), &f), 0);
	fails = FOLDERS;
	assert_int_equal(adopt(s, object(8, 1)), -GT_ESTORE);
	assert_false(is_there("objects/08"));
	assert_int_equal(gt_blob_sync(s, f), -GT_EIO);
	gt_blob_put(s, f);
	fails = FOLDERS;
	assert_int_equal(place(s, object(9, 1), &f), -GT_EIO);
	assert_false(is_there("objects/09"));
}

static void so_does_one_above_them(void **state)
{
	char why[256];
	gt_blob_store_close(*state);
	*state = NULL;
	assert_int_equal(rmdir(in_box("objects")), 0);
	fails = FOLDERS;
	assert_true(gt_blob_store_open((struct gt_blob_store **)state, box, 0,
	                               why, sizeof why) < 0);
	assert_false(is_there("objects"));
	fails = FOLDERS;
	assert_int_equal(gt_sys_make_folder(AT_FDCWD, in_box("data"), 0700),
	                 -GT_ESTORE);
	assert_false(is_there("data"));
	assert_int_equal(gt_sys_make_folder(AT_FDCWD, in_box("data"), 0700), 0);
	assert_int_equal(gt_sys_make_folder(AT_FDCWD, in_box("data"), 0700), 0);
	assert_int_equal(gt_blob_store_open((struct gt_blob_store **)state, box,
	                                    0, why, sizeof why),
	                 0);
}

static void what_has_the_name_of_a_folder_is_one(void **state)
{
	char why[256];
	(void)state;
	put_file("data", "");
	assert_int_equal(gt_sys_make_folder(AT_FDCWD, in_box("data"), 0700),
	                 -GT_EIO);
	assert_int_equal(errno, ENOTDIR);
	gt_text_language("en");
	assert_int_equal(chdir(box), 0);
	assert_int_equal(gt_dir_lock(why, sizeof why), -GT_EIO);
	assert_string_equal(why, "data: Not a directory");
	assert_int_equal(chdir("/"), 0);
	/* it may lie on another disk */
	assert_int_equal(unlink(in_box("data")), 0);
	assert_int_equal(symlink(box, in_box("data")), 0);
	assert_int_equal(gt_sys_make_folder(AT_FDCWD, in_box("data"), 0700), 0);
}

/* ---------------------------------------------------------- the log */

static void a_log_whose_name_is_not_durable_goes(void **state)
{
	char why[512] = "";
	(void)state;
	for (int i = 0; i < 2; i++) {
		fails = i ? FILES : FOLDERS;
		assert_true(gt_rewrite(in_box("db-wal"), why, sizeof why) < 0);
		assert_non_null(strstr(why, "db-wal"));
		assert_false(is_there("db-wal"));
	}
	/* one with something in it had a durable name before it got that */
	put_file("db-wal", "frames");
	fails = FOLDERS;
	assert_true(gt_rewrite(in_box("db-wal"), why, sizeof why) < 0);
	assert_true(is_there("db-wal"));
}

static void sql(sqlite3 *db, const char *text)
{
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

static ino_t inode(const char *name)
{
	struct stat st;
	assert_int_equal(stat(in_box(name), &st), 0);
	return st.st_ino;
}

/* On a new database, and on one that was closed in order. */
static void sqlite_writes_to_the_log_it_finds(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		char why[512] = "";
		sqlite3 *db;
		assert_int_equal(sqlite3_open(in_box("db"), &db), SQLITE_OK);
		assert_int_equal(gt_rewrite(in_box("db-wal"), why, sizeof why),
		                 0);
		ino_t made = inode("db-wal");
		sql(db, "PRAGMA journal_mode=WAL");
		sql(db, i ? "INSERT INTO t VALUES(1)" : "CREATE TABLE t(x)");
		assert_true(inode("db-wal") == made);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_false(is_there("db-wal"));
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(a_name_that_is_lost_may_not_be_the_only_one),
	        T(what_was_staged_and_not_synced_goes),
	        T(a_folder_that_is_not_durable_goes),
	        T(so_does_one_above_them),
	        T(what_has_the_name_of_a_folder_is_one),
	        T(a_log_whose_name_is_not_durable_goes),
	        T(sqlite_writes_to_the_log_it_finds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
