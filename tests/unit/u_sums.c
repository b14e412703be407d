/* u_sums.c: the sums of a database's pages, under SQLite. */
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

enum { ROWS = 400, TEXT = 300, FLIPS = 60, PAGE = GT_SUMS_PAGE };

struct box {
	char dir[32], db[48], log[56], sums[56];
	struct gt_sums *s;
	struct gt_sums_vfs *v;
	bool kept;
	unsigned seed;
};

static void files(struct box *b)
{
	gt_format(b->db, sizeof b->db, "%s/db", b->dir);
	gt_format(b->log, sizeof b->log, "%s-wal", b->db);
	gt_format(b->sums, sizeof b->sums, "%s-sums", b->db);
}

static int made(void **state)
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

static void let_go(struct box *b)
{
	gt_sums_vfs_close(b->v);
	gt_sums_close(b->s);
	b->v = NULL;
	b->s = NULL;
}

static int gone(void **state)
{
	struct box *b = *state;
	char command[64];
	let_go(b);
	gt_format(command, sizeof command, "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

static void take(struct box *b, bool anew)
{
	assert_int_equal(gt_sums_open(&b->s, b->db, anew, &b->kept), 0);
	assert_true(gt_sums_here(b->s));
	assert_int_equal(gt_sums_vfs_open(&b->v, b->s), 0);
}

static void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
}

/* As the node has it. NULL name: a program that knows no sums. */
static sqlite3 *connect_to(struct box *b, const char *vfs)
{
	sqlite3 *db;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	assert_int_equal(sqlite3_open_v2(b->db, &db, flags, vfs), SQLITE_OK);
	run(db, "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
	        "PRAGMA wal_autocheckpoint=0;PRAGMA cache_size=8;"
	        "PRAGMA journal_size_limit=67108864;");
	return db;
}

static sqlite3 *connect_with(struct box *b)
{
	return connect_to(b, gt_sums_vfs_name(b->v));
}

static void fill(sqlite3 *db, int from, int to)
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

static void checkpoint(sqlite3 *db)
{
	assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL,
	                                           SQLITE_CHECKPOINT_PASSIVE,
	                                           NULL, NULL),
	                 SQLITE_OK);
}

/* Every row is what was written, or SQLite's error. */
static int read_all(sqlite3 *db, int rows)
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

static void assert_reads(struct box *b, int rows)
{
	sqlite3 *db = connect_with(b);
	assert_int_equal(read_all(db, rows), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A database that was ended as it should be. */
static void make(struct box *b)
{
	take(b, false);
	sqlite3 *db = connect_with(b);
	fill(db, 0, ROWS);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
}

static void again(struct box *b)
{
	take(b, false);
	assert_true(b->kept);
}

static uint8_t *slurp(const char *path, size_t *n)
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

static void flip(const char *path, uint64_t bit)
{
	uint8_t byte;
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
	byte ^= (uint8_t)(1u << bit % 8);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
	close(fd);
}

static void spoil(struct box *b, uint32_t page)
{
	static const uint8_t zeros[PAGE / 2];
	int fd = open(b->db, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, zeros, sizeof zeros,
	                        (off_t)(page - 1) * PAGE + PAGE / 2),
	                 sizeof zeros);
	close(fd);
}

static void copy(const char *from, const char *to)
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
static void kill_it(struct box *b, sqlite3 *db)
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

/* All pages, from the beginning. */
static struct gt_sums_look look(struct box *b)
{
	struct gt_sums_look l;
	gt_sums_settle(b->s);
	sqlite3 *db = connect_with(b);
	gt_sums_look(b->s, UINT32_MAX, &l);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return l;
}

/* Whether a flip of page 2 is seen: it has a sum. */
static void assert_guarded(struct box *b)
{
	flip(b->db, (uint64_t)PAGE * 8 + 12345);
	struct gt_sums_look l = look(b);
	assert_int_equal(l.mended, 1);
	assert_int_equal(l.pages[0], 2);
}

/* ------------------------------------------------------------ tests */

static void every_flip_is_mended(void **state)
{
	struct box *b = *state;
	size_t size, n;
	make(b);
	uint8_t *good = slurp(b->db, &size);
	for (int i = 0; i < FLIPS; i++) {
		uint64_t bit = (uint64_t)rand_r(&b->seed) % (size * 8);
		flip(b->db, bit);
		again(b);
		assert_reads(b, ROWS);
		struct gt_sums_look l = look(b);
		assert_int_equal(l.mended, 1);
		assert_int_equal(l.bad, 0);
		assert_int_equal(l.pages[0], bit / 8 / PAGE + 1);
		assert_true(l.end);
		let_go(b);
		uint8_t *now = slurp(b->db, &n);
		assert_int_equal(n, size);
		assert_memory_equal(now, good, size);
		free(now);
	}
	free(good);
}

static void every_word_is_mended(void **state)
{
	struct box *b = *state;
	uint8_t page[PAGE], was[PAGE];
	take(b, false);
	for (size_t i = 0; i < PAGE; i++)
		page[i] = (uint8_t)rand_r(&b->seed);
	gt_sums_lock(b->s);
	assert_int_equal(gt_sums_put(b->s, 7, page), 0);
	gt_sums_unlock(b->s);
	memcpy(was, page, PAGE);
	for (size_t at = 0; at < PAGE; at += 8) {
		for (size_t i = 0; i < 8; i++)
			page[at + i] ^= (uint8_t)rand_r(&b->seed);
		page[at] ^= page[at] == was[at];
		assert_int_equal(gt_sums_check(b->s, 7, page), GT_SUM_MENDED);
		assert_memory_equal(page, was, PAGE);
	}
	assert_int_equal(gt_sums_check(b->s, 7, page), GT_SUM_SAME);
	assert_int_equal(gt_sums_check(b->s, 6, page), GT_SUM_NONE);
	page[8] ^= 1;
	page[16] ^= 1;
	assert_int_equal(gt_sums_check(b->s, 7, page), GT_SUM_BAD);
}

static void what_cannot_be_mended_is_given_to_nobody(void **state)
{
	struct box *b = *state;
	make(b);
	spoil(b, 5);
	again(b);
	sqlite3 *db = connect_with(b);
	int rc = read_all(db, ROWS);
	if (rc == SQLITE_OK) /* it is the index's */
		rc = sqlite3_exec(db, "SELECT x FROM t ORDER BY x", NULL, NULL,
		                  NULL);
	assert_int_equal(rc, SQLITE_IOERR);
	assert_int_equal(sqlite3_extended_errcode(db), SQLITE_IOERR_DATA);
	assert_true(gt_sums_met(b->s));
	assert_int_equal(gt_sums_bad(b->s), 5);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	struct gt_sums_look l = look(b);
	assert_int_equal(l.mended, 0);
	assert_int_equal(l.bad, 1);
	assert_int_equal(l.pages[0], 5);
	/* once */
	l = look(b);
	assert_int_equal(l.bad, 0);
}

/* The log of before must not come back either: it is compared whole. */
static void another_program_may_write(void **state)
{
	struct box *b = *state;
	make(b);
	sqlite3 *db = connect_to(b, NULL);
	fill(db, 100, 2 * ROWS);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	take(b, false);
	assert_false(b->kept);
	assert_reads(b, 2 * ROWS);
	assert_int_equal(look(b).bad, 0);
	assert_guarded(b);
}

/* Killed in the midst of it, its log begun anew, or gone on with. */
static void another_program_may_be_killed(void **state)
{
	struct box *b = *state;
	for (int anew = 0; anew < 2; anew++) {
		make(b);
		if (!anew) { /* we are killed first, with a log */
			again(b);
			sqlite3 *ours = connect_with(b);
			fill(ours, 10, 30);
			kill_it(b, ours);
		}
		sqlite3 *db = connect_to(b, NULL);
		fill(db, 100, 2 * ROWS);
		checkpoint(db);
		if (anew)
			fill(db, 5, 10);
		kill_it(b, db);
		take(b, false);
		assert_int_equal(b->kept, !anew);
		assert_reads(b, 2 * ROWS);
		db = connect_with(b);
		checkpoint(db);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_int_equal(look(b).bad, 0);
		assert_reads(b, 2 * ROWS);
		let_go(b);
		assert_int_equal(unlink(b->db), 0);
		assert_int_equal(unlink(b->log), 0);
		assert_int_equal(unlink(b->sums), 0);
	}
}

/* With some of the log copied, some not; the log begun anew; cut off. */
static void a_killed_node_keeps_its_sums(void **state)
{
	struct box *b = *state;
	make(b);
	for (int stage = 0; stage < 4; stage++) {
		again(b);
		sqlite3 *db = connect_with(b);
		fill(db, 0, 50);
		if (stage > 0)
			checkpoint(db);
		if (stage > 1)
			fill(db, 50, 60);
		if (stage > 2)
			assert_int_equal(sqlite3_wal_checkpoint_v2(
			                         db, NULL,
			                         SQLITE_CHECKPOINT_TRUNCATE,
			                         NULL, NULL),
			                 SQLITE_OK);
		kill_it(b, db);
		again(b);
		assert_reads(b, ROWS);
		struct gt_sums_look l = look(b);
		assert_int_equal(l.mended + l.bad, 0);
		assert_guarded(b);
		let_go(b);
	}
}

/* The power goes between the note of a log and its first bytes. */
static void a_log_is_noted_before_it_begins(void **state)
{
	struct box *b = *state;
	char old[64];
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	fill(db, 0, 50);
	checkpoint(db);
	gt_format(old, sizeof old, "%s/old", b->dir);
	copy(b->log, old);
	fill(db, 50, 51); /* begins it anew */
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
	copy(old, b->log);
	take(b, false);
	assert_true(b->kept);
	let_go(b);
	/* and one from before that is another's */
	flip(b->log, 8 * 17);
	take(b, false);
	assert_false(b->kept);
}

static void a_database_of_before_is_taken_over(void **state)
{
	struct box *b = *state;
	sqlite3 *db = connect_to(b, NULL);
	fill(db, 0, ROWS);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	take(b, false);
	assert_false(b->kept);
	assert_reads(b, ROWS);
	struct gt_sums_look l = look(b);
	assert_int_equal(l.mended + l.bad, 0);
	assert_guarded(b);
	let_go(b);
	/* also behind a start in which nothing was written */
	take(b, false);
	assert_reads(b, ROWS);
	(void)look(b);
	assert_guarded(b);
}

static void damaged_sums_hurt_nobody(void **state)
{
	struct box *b = *state;
	size_t size;
	make(b);
	free(slurp(b->sums, &size));
	for (int i = 0; i < FLIPS; i++) {
		uint64_t bit = (uint64_t)rand_r(&b->seed) % (size * 8);
		flip(b->sums, bit);
		take(b, false);
		/* between the head and the first entry there is nothing */
		assert_int_equal(b->kept, bit / 8 >= 16 + 32 + 32 + 8);
		assert_reads(b, ROWS);
		struct gt_sums_look l = look(b);
		assert_int_equal(l.mended + l.bad, 0);
		let_go(b);
	}
	again(b);
	assert_guarded(b);
	let_go(b);
	/* told so: a backup */
	take(b, true);
	assert_false(b->kept);
	assert_reads(b, ROWS);
}

/* Pages that went have no sum when they come again, of whatever. */
static void a_database_may_shrink(void **state)
{
	struct box *b = *state;
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	run(db, "DELETE FROM t WHERE id>20;VACUUM;");
	checkpoint(db);
	/* pages that come back may be holes, and have no sum */
	struct stat pages, sums;
	assert_int_equal(stat(b->db, &pages) | stat(b->sums, &sums), 0);
	assert_int_equal(sums.st_size, 512 + pages.st_size / PAGE * 24);
	fill(db, 0, ROWS);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_reads(b, ROWS);
	struct gt_sums_look l = look(b);
	assert_int_equal(l.mended + l.bad, 0);
	assert_guarded(b);
}

/* A disk that is full: SQLite hears of it, and nothing is said to be there. */
static void before_it_is_settled_nothing_is_looked_at(void **state)
{
	struct box *b = *state;
	struct gt_sums_look l;
	make(b);
	flip(b->db, (uint64_t)PAGE * 8 + 12345);
	again(b);
	sqlite3 *db = connect_with(b);
	gt_sums_look(b->s, UINT32_MAX, &l);
	assert_int_equal(l.mended + l.bad, 0);
	assert_false(l.end);
	/* what was read is */
	assert_int_equal(read_all(db, ROWS), SQLITE_OK);
	gt_sums_look(b->s, UINT32_MAX, &l);
	assert_int_equal(l.mended, gt_sums_met(b->s) ? 0 : l.mended);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, made, gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(every_flip_is_mended),
	        TEST(every_word_is_mended),
	        TEST(what_cannot_be_mended_is_given_to_nobody),
	        TEST(another_program_may_write),
	        TEST(another_program_may_be_killed),
	        TEST(a_killed_node_keeps_its_sums),
	        TEST(a_log_is_noted_before_it_begins),
	        TEST(a_database_of_before_is_taken_over),
	        TEST(damaged_sums_hurt_nobody),
	        TEST(a_database_may_shrink),
	        TEST(before_it_is_settled_nothing_is_looked_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
