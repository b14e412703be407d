/* u_rewrite.c: what a run before could not write is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "rewrite.h"
#include "sys.h"

enum { SIZE = (2 << 20) + 17, PAGE = 4096 };

struct box {
	char dir[64], file[96], why[512];
};

static int set_up(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	assert_non_null(b);
	gt_format(b->dir, sizeof b->dir, "/tmp/gt-rewrite-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	gt_format(b->file, sizeof b->file, "%s/db-wal", b->dir);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct box *b = *state;
	char command[128];
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void put_file(const char *path, const uint8_t *p, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void holds(const char *path, const uint8_t *p, size_t n)
{
	struct gt_buffer file;
	char why[256];
	assert_int_equal(gt_files_read(path, 1 << 24, &file, why, sizeof why),
	                 0);
	assert_int_equal(file.n, n);
	assert_memory_equal(file.p, p, n);
	gt_buffer_free(&file);
}

static void test_none(void **state)
{
	struct box *b = *state;
	char other[112];
	struct stat st;
	assert_int_equal(gt_rewrite_drop(b->file, b->why, sizeof b->why), 0);
	assert_int_equal(gt_rewrite(b->file, b->why, sizeof b->why), 0);
	holds(b->file, (const uint8_t *)"", 0);
	/* an empty one is made anew */
	gt_format(other, sizeof other, "%s-other", b->file);
	assert_int_equal(link(b->file, other), 0);
	assert_int_equal(gt_rewrite(b->file, b->why, sizeof b->why), 0);
	holds(b->file, (const uint8_t *)"", 0);
	assert_int_equal(stat(b->file, &st), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(gt_rewrite_drop(b->file, b->why, sizeof b->why), 0);
	assert_int_equal(access(b->file, F_OK), -1);
	put_file(b->file, (const uint8_t *)"x", 1);
	assert_int_equal(gt_rewrite_drop(b->file, b->why, sizeof b->why), 0);
	holds(b->file, (const uint8_t *)"x", 1);
}

static void test_bytes_stay(void **state)
{
	struct box *b = *state;
	uint8_t *p = malloc(SIZE);
	assert_non_null(p);
	gt_sys_random(p, SIZE);
	put_file(b->file, p, SIZE);
	assert_int_equal(gt_rewrite(b->file, b->why, sizeof b->why), 0);
	holds(b->file, p, SIZE);
	free(p);
}

/* A file may not be written beyond some length: only who writes all of it, and
 * looks at the answers, meets that. */
static void test_every_byte_is_written(void **state)
{
	struct box *b = *state;
	struct rlimit was, less;
	uint8_t *p = calloc(1, SIZE);
	assert_non_null(p);
	put_file(b->file, p, SIZE);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	less = was;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (int i = 0; i < 2; i++) {
		less.rlim_cur = i ? SIZE - 1 : 0;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
		int status = gt_rewrite(b->file, b->why, sizeof b->why);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_true(status < 0);
		assert_non_null(strstr(b->why, b->file));
		holds(b->file, p, SIZE);
	}
	assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
	free(p);
}

static void test_refused(void **state)
{
	struct box *b = *state;
	assert_int_equal(mkdir(b->file, 0700), 0);
	assert_true(gt_rewrite(b->file, b->why, sizeof b->why) < 0);
	assert_non_null(strstr(b->why, b->file));
}

/* ------------------------------------------ what SQLite does itself */

static void copy(const struct box *b, const char *end)
{
	char from[128], to[128];
	struct gt_buffer file;
	char why[256];
	gt_format(from, sizeof from, "%s/db%s", b->dir, end);
	gt_format(to, sizeof to, "%s/crashed%s", b->dir, end);
	assert_int_equal(gt_files_read(from, 1 << 24, &file, why, sizeof why),
	                 0);
	put_file(to, file.p, file.n);
	gt_buffer_free(&file);
}

static void sql(sqlite3 *db, const char *text, const char *want)
{
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL),
	                 SQLITE_OK);
	int rc = sqlite3_step(st);
	if (want) {
		assert_int_equal(rc, SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(st, 0),
		                    want);
	}
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
}

/* The database itself needs no rewriting, because of this: what was copied into
 * it before a crash, and perhaps never reached the disk, is copied again. */
static void test_recovery_copies_all_again(void **state)
{
	struct box *b = *state;
	char path[128];
	static const uint8_t zeros[PAGE];
	sqlite3 *db;
	gt_format(path, sizeof path, "%s/db", b->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "PRAGMA journal_mode=WAL", "wal");
	sql(db, "PRAGMA wal_autocheckpoint=0", NULL);
	sql(db, "CREATE TABLE t(x)", NULL);
	sql(db,
	    "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL"
	    " SELECT i+1 FROM c WHERE i<99) SELECT randomblob(900) FROM c",
	    NULL);
	sql(db, "PRAGMA wal_checkpoint(PASSIVE)", "0");
	copy(b, "");
	copy(b, "-wal");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);

	gt_format(path, sizeof path, "%s/crashed", b->dir);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 3 * PAGE, SEEK_SET), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(fwrite(zeros, 1, PAGE, f), PAGE);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "PRAGMA wal_checkpoint(TRUNCATE)", "0");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "PRAGMA integrity_check", "ok");
	sql(db, "SELECT count(*) FROM t", "99");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_bytes_stay, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(test_every_byte_is_written,
	                                        set_up, tear_down),
	        cmocka_unit_test_setup_teardown(test_refused, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(test_recovery_copies_all_again,
	                                        set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
