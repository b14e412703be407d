/* sums_kit.h: a database under SQLite whose pages and log have sums, in a folder
 * of its own; what is done to its files. Header only. */
#ifndef GT_SUMS_KIT_H
#define GT_SUMS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sums_vfs.h"

#define UNUSED __attribute__((unused))

enum { ROWS = 400, TEXT = 300, FLIPS = 60, PAGE = GT_SUMS_PAGE };

struct box {
	char dir[32], db[48], log[56], sums[56];
	struct gt_log_sums *l;
	struct gt_sums *s;
	struct gt_sums_vfs *v;
	bool kept;
	unsigned seed;
};

UNUSED static void files(struct box *b)
{
	gt_format(b->db, sizeof b->db, "%s/db", b->dir);
	gt_format(b->log, sizeof b->log, "%s-wal", b->db);
	gt_format(b->sums, sizeof b->sums, "%s-sums", b->db);
}

UNUSED static int made(void **state)
{
	struct box *b = calloc(1, sizeof *b);
	assert_non_null(b);
	gt_format(b->dir, sizeof b->dir, "/tmp/gt-sums-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	files(b);
	const char *seed = getenv("SEED");
	b->seed =
	        seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
	print_message("SEED=%u\n", b->seed);
	*state = b;
	return 0;
}

UNUSED static void let_go(struct box *b)
{
	gt_sums_vfs_close(b->v);
	gt_sums_close(b->s);
	gt_log_sums_close(b->l);
	b->v = NULL;
	b->l = NULL;
	b->s = NULL;
}

UNUSED static int gone(void **state)
{
	struct box *b = *state;
	char command[64];
	let_go(b);
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

UNUSED static void take(struct box *b, bool anew)
{
	assert_int_equal(gt_sums_open(&b->s, b->db, anew, &b->kept), 0);
	assert_true(gt_sums_here(b->s));
	assert_int_equal(gt_log_sums_open(&b->l, b->log), 0);
	assert_int_equal(gt_sums_vfs_open(&b->v, b->s, b->l), 0);
}

UNUSED static void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

/* As the node has it. NULL name: a program that knows no sums. */
UNUSED static sqlite3 *connect_to(struct box *b, const char *vfs)
{
	sqlite3 *db;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	assert_int_equal(sqlite3_open_v2(b->db, &db, flags, vfs), SQLITE_OK);
	run(db, "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
	        "PRAGMA wal_autocheckpoint=0;PRAGMA cache_size=8;"
	        "PRAGMA journal_size_limit=67108864;");
	return db;
}

UNUSED static sqlite3 *connect_with(struct box *b)
{
	return connect_to(b, gt_sums_vfs_name(b->v));
}

UNUSED static void fill(sqlite3 *db, int from, int to)
{
	char sql[200];
	run(db, "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, x TEXT);"
	        "CREATE INDEX IF NOT EXISTS i ON t(x);");
	gt_format(sql, sizeof sql,
	          "WITH n(i) AS (SELECT %d UNION ALL SELECT i+1 FROM n"
	          " WHERE i<%d) INSERT OR REPLACE INTO t"
	          " SELECT i,printf('%%0*d',%d,i) FROM n",
	          from, to - 1, TEXT);
	run(db, sql);
}

UNUSED static void checkpoint(sqlite3 *db)
{
	assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL,
	                                           SQLITE_CHECKPOINT_PASSIVE,
	                                           NULL, NULL),
	                 SQLITE_OK);
}

/* Every row is what was written, or SQLite's error. */
UNUSED static int read_all(sqlite3 *db, int rows)
{
	sqlite3_stmt *s;
	char want[TEXT + 1];
	int n = 0, rc = sqlite3_prepare_v2(db, "SELECT id,x FROM t ORDER BY id",
	                                   -1, &s, NULL);
	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		assert_int_equal(sqlite3_column_int(s, 0), n);
		snprintf(want, sizeof want, "%0*d", TEXT, n++);
		assert_string_equal((const char *)sqlite3_column_text(s, 1),
		                    want);
	}
	rc = sqlite3_finalize(s);
	if (rc == SQLITE_OK)
		assert_int_equal(n, rows);
	return rc;
}

UNUSED static void assert_reads(struct box *b, int rows)
{
	sqlite3 *db = connect_with(b);
	assert_int_equal(read_all(db, rows), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A database that was ended as it should be. */
UNUSED static void make(struct box *b)
{
	take(b, false);
	sqlite3 *db = connect_with(b);
	fill(db, 0, ROWS);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
}

UNUSED static void again(struct box *b)
{
	take(b, false);
	assert_true(b->kept);
}

UNUSED static uint8_t *slurp(const char *path, size_t *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	uint8_t *p = malloc((size_t)st.st_size + 1);
	assert_non_null(p);
	assert_int_equal(read(fd, p, (size_t)st.st_size), st.st_size);
	close(fd);
	*n = (size_t)st.st_size;
	return p;
}

UNUSED static void flip(const char *path, uint64_t bit)
{
	uint8_t byte;
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
	byte ^= (uint8_t)(1u << bit % 8);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
	close(fd);
}

UNUSED static void spoil(struct box *b, uint32_t page)
{
	static const uint8_t zeros[PAGE / 2];
	int fd = open(b->db, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, zeros, sizeof zeros,
	                        (off_t)(page - 1) * PAGE + PAGE / 2),
	                 sizeof zeros);
	close(fd);
}

UNUSED static void copy(const char *from, const char *to)
{
	size_t n;
	uint8_t *p = slurp(from, &n);
	int fd = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
	free(p);
}

/* What a kill would leave, to be gone on with. */
UNUSED static void kill_it(struct box *b, sqlite3 *db)
{
	char command[200];
	gt_format(command, sizeof command,
	          "mkdir %s/k && cp %s %s %s %s/k && rm -f %s-shm", b->dir,
	          b->db, b->log, b->sums, b->dir, b->db);
	assert_int_equal(system(command), 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	if (b->s)
		let_go(b);
	gt_format(command, sizeof command,
	          "cp %s/k/* %s && rm -r %s/k && rm -f %s-shm", b->dir, b->dir,
	          b->dir, b->db);
	assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, made, gone)

#endif
