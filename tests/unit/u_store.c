/* u_store.c: statements when they are wanted, transactions when there is
 * something in them, nothing kept once it is closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "base.h"
#include "nomem.h"
#include "store.h"

static char dir[] = "/tmp/guantong-store-XXXXXX", path[64], wal[64];
static sqlite3 *db;
static int64_t idle; /* bytes SQLite has while no database is open */
static char why[200];
static bool sqlite_counts; /* what it asks for counts as ours */

static int open_at(struct gt_store **s, const char *at)
{
	why[0] = '\0';
	assert_int_equal(sqlite3_open(at, &db), SQLITE_OK);
	return gt_store_open(s, db, why, sizeof why);
}

static struct gt_store *opened(void)
{
	struct gt_store *s = NULL;
	assert_int_equal(open_at(&s, ":memory:"), 0);
	return s;
}

/* In a file of its own. */
static struct gt_store *filed(void)
{
	struct gt_store *s = NULL;
	remove(path);
	assert_int_equal(open_at(&s, path), 0);
	return s;
}

static void close_all(struct gt_store *s)
{
	gt_store_close(s);
	assert_int_equal(sqlite3_memory_used(), idle);
	assert_int_equal(nomem_held(), 0);
}

static void sql(sqlite3 *to, const char *text)
{
	assert_int_equal(sqlite3_exec(to, text, NULL, NULL, NULL), SQLITE_OK);
}

/* The first column of the first row. */
static int64_t number(sqlite3 *of, const char *text)
{
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(of, text, -1, &st, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* ---------------------------------------------------------- opening */

static void settings(void **state)
{
	struct gt_store *s = filed();
	int stable = 0;
	(void)state;
	assert_int_equal(number(db, "SELECT journal_mode='wal' FROM"
	                            " pragma_journal_mode"),
	                 1);
	assert_int_equal(number(db, "PRAGMA synchronous"), 2);
	assert_int_equal(number(db, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(
	        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_QPSG, -1, &stable),
	        SQLITE_OK);
	assert_int_equal(stable, 1);
	close_all(s);
}

static void another_version(void **state)
{
	struct gt_store *s;
	(void)state;
	remove(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "PRAGMA user_version=7");
	sqlite3_close(db);
	assert_int_equal(open_at(&s, path), -GT_EVERSION);
	assert_string_equal(why, "the database has schema version 7, this "
	                         "program knows 1: run the version of guantong "
	                         "that made it");
	assert_int_equal(sqlite3_memory_used(), idle);
}

/* What cannot be made whole is not made at all. */
static void not_ours(void **state)
{
	struct gt_store *s;
	(void)state;
	remove(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "CREATE TABLE child(x)");
	sqlite3_close(db);
	assert_int_equal(open_at(&s, path), -GT_ESTORE);
	assert_non_null(strstr(why, "child"));
	assert_int_equal(sqlite3_memory_used(), idle);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM sqlite_schema"), 1);
	assert_int_equal(number(db, "PRAGMA user_version"), 0);
	sqlite3_close(db);
}

static void somebody_writes(void **state)
{
	struct gt_store *s;
	sqlite3 *other;
	(void)state;
	remove(path);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	sql(other, "BEGIN EXCLUSIVE");
	assert_int_equal(open_at(&s, path), -GT_ESTORE);
	assert_string_equal(why, "SQLite 5: database is locked");
	sqlite3_close(other);
	assert_int_equal(sqlite3_memory_used(), idle);
}

/* One that cannot be set as it must be is not worked with. */
static void read_only(void **state)
{
	struct gt_store *s = filed();
	(void)state;
	gt_store_close(s);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "PRAGMA journal_mode=DELETE");
	sqlite3_close(db);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL),
	                 SQLITE_OK);
	assert_int_equal(gt_store_open(&s, db, why, sizeof why), -GT_ESTORE);
	assert_non_null(strstr(why, "readonly"));
	assert_int_equal(sqlite3_memory_used(), idle);
}

/* Wherever memory ends, nothing is kept, and the file opens the next time. */
static void no_memory_to_open(void **state)
{
	struct gt_store *s;
	size_t rounds = 0;
	(void)state;
	sqlite_counts = true;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	nomem_after(1);
	assert_int_equal(gt_store_open(&s, db, why, sizeof why), -GT_ENOMEM);
	assert_string_equal(why, "out of memory");
	assert_int_equal(sqlite3_memory_used(), idle);
	for (bool hit = true; hit; rounds++) {
		if (rounds % 16 == 0)
			remove(path);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		nomem_from(rounds * rounds / 32 + rounds + 2);
		int status = gt_store_open(&s, db, why, sizeof why);
		hit = nomem_hit();
		assert_int_equal(status, hit ? -GT_ESTORE : 0);
		if (hit)
			assert_string_equal(why, "SQLite 7: out of memory");
		else
			gt_store_close(s);
		assert_int_equal(sqlite3_memory_used(), idle);
	}
	sqlite_counts = false;
}

/* ------------------------------------------------------- statements */

static void each_compiles(void **state)
{
	struct gt_store *s = opened();
	(void)state;
	for (int i = 0; i < GT_SQL_COUNT; i++)
		if (!gt_store_bind(s, (enum gt_sql)i, ""))
			fail_msg("statement %d: %s", i, gt_store_why(s));
	close_all(s);
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
	close_all(s);
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
	/* nor is anything read any more */
	assert_int_equal(sqlite3_txn_state(db, NULL), SQLITE_TXN_NONE);
	close_all(s);
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
	close_all(s);
}

/* A value that cannot be bound is told by the next step, or by the commit. */
static void too_large(void **state)
{
	static const char text[200] = "";
	struct gt_bytes large = gt_bytes_of(text, sizeof text);
	struct gt_store *s;
	bool changed;
	(void)state;
	for (int stepped = 0; stepped < 2; stepped++) {
		s = opened();
		sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 100);
		gt_store_begin(s);
		gt_store_bind(s, GT_SQL_META_PUT, "tb", "k", large);
		if (stepped)
			assert_int_equal(gt_store_run(s, GT_SQL_META_PUT),
			                 -GT_ESTORE);
		assert_string_equal(gt_store_why(s),
		                    "SQLite 18: string or blob too big");
		assert_int_equal(gt_store_commit(s, &changed), -GT_ESTORE);
		assert_false(changed);
		assert_int_equal(gt_meta_put(s, "k", 1), -GT_ESTORE);
		assert_string_equal(gt_store_why(s),
		                    "SQLite 18: string or blob too big");
		gt_store_rollback(s);
		close_all(s);
	}
}

static void put(struct gt_store *s, const char *types, struct gt_bytes value)
{
	gt_store_bind(s, GT_SQL_META_PUT, types, "k", value);
	assert_int_equal(gt_store_run(s, GT_SQL_META_PUT), 0);
}

static sqlite3_stmt *get(struct gt_store *s)
{
	sqlite3_stmt *st = gt_store_bind(s, GT_SQL_META_GET, "t", "k");
	assert_int_equal(gt_store_step(s, GT_SQL_META_GET), 1);
	return st;
}

static void values(void **state)
{
	struct gt_store *s = opened();
	const struct gt_bytes none = {NULL, 0}, some = gt_bytes_str("some");
	uint8_t four[4], zeros[4] = {0};
	bool changed;
	(void)state;
	gt_store_begin(s);
	put(s, "to", some);
	assert_true(gt_bytes_eq(gt_col_bytes(get(s), 0), some));
	assert_true(gt_col_fixed(get(s), 0, four, 4));
	assert_memory_equal(four, some.p, 4);
	assert_false(gt_col_fixed(get(s), 0, four, 3));
	assert_memory_equal(four, "\0\0\0e", 4);
	put(s, "to", none);
	assert_int_equal(sqlite3_column_type(get(s), 0), SQLITE_NULL);
	assert_int_equal(gt_col_bytes(get(s), 0).n, 0);
	assert_int_equal(gt_col_int(get(s), 0), 0);
	assert_string_equal(gt_col_text(get(s), 0), "");
	assert_false(gt_col_fixed(get(s), 0, four, 4));
	assert_memory_equal(four, zeros, 4);
	put(s, "tb", none);
	assert_int_equal(sqlite3_column_type(get(s), 0), SQLITE_BLOB);
	assert_int_equal(gt_col_bytes(get(s), 0).n, 0);
	put(s, "tb", some);
	put(s, "tn", none);
	assert_int_equal(sqlite3_column_type(get(s), 0), SQLITE_NULL);
	gt_store_bind(s, GT_SQL_META_PUT, "tt", "k", "text");
	assert_int_equal(gt_store_run(s, GT_SQL_META_PUT), 0);
	assert_string_equal(gt_col_text(get(s), 0), "text");
	gt_store_reset(s, GT_SQL_META_GET);
	assert_int_equal(gt_store_commit(s, &changed), 0);
	/* once it is reset, nothing is read any more */
	assert_int_equal(sqlite3_txn_state(db, NULL), SQLITE_TXN_NONE);
	close_all(s);
}

static void hand_over(struct gt_store *s, int64_t bytes)
{
	gt_store_bind(s, GT_SQL_HANDOVER_NEW, "ntbbii", "33",
	              gt_bytes_str("transfer"), gt_bytes_str("object"), bytes,
	              (int64_t)1);
	assert_int_equal(gt_store_run(s, GT_SQL_HANDOVER_NEW), 0);
}

static int64_t first_after(struct gt_store *s, int64_t after)
{
	sqlite3_stmt *st = gt_store_bind(s, GT_SQL_HANDOVERS_AFTER, "iti",
	                                 after, "33", (int64_t)9);
	assert_int_equal(gt_store_step(s, GT_SQL_HANDOVERS_AFTER), 1);
	return gt_col_int(st, 3);
}

/* Rows come until they end; one bound again begins again. */
static void rows(void **state)
{
	struct gt_store *s = opened();
	(void)state;
	gt_store_begin(s);
	hand_over(s, 100);
	int64_t first = gt_store_rowid(s);
	hand_over(s, 200);
	assert_int_equal(gt_store_rowid(s), first + 1);
	assert_int_equal(first_after(s, 0), 100);
	assert_int_equal(first_after(s, first), 200);
	assert_int_equal(first_after(s, 0), 100);
	assert_int_equal(gt_store_step(s, GT_SQL_HANDOVERS_AFTER), 1);
	assert_int_equal(gt_store_step(s, GT_SQL_HANDOVERS_AFTER), 0);
	/* what is rolled back in the middle of its rows is over */
	assert_int_equal(first_after(s, 0), 100);
	gt_store_rollback(s);
	assert_int_equal(sqlite3_txn_state(db, NULL), SQLITE_TXN_NONE);
	assert_int_equal(number(db, "SELECT count(*) FROM handover"), 0);
	close_all(s);
}

/* ------------------------------------------------------------- meta */

static void meta(void **state)
{
	struct gt_store *s = opened();
	struct gt_arena *a = gt_arena_new();
	struct gt_bytes b = gt_bytes_str("x");
	int64_t value = 0;
	bool changed;
	(void)state;
	gt_store_begin(s);
	assert_int_equal(gt_meta_get(s, "k", -7, &value), 0);
	assert_int_equal(value, -7);
	assert_int_equal(gt_meta_get_bytes(s, "k", a, &b), 0);
	assert_null(b.p);
	assert_int_equal(b.n, 0);
	assert_int_equal(gt_meta_put(s, "k", 1), 0);
	assert_int_equal(gt_meta_put(s, "k", 2), 0);
	assert_int_equal(gt_meta_get(s, "k", -7, &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(gt_meta_put_bytes(s, "e", gt_bytes_of(NULL, 0)), 0);
	assert_int_equal(gt_meta_get_bytes(s, "e", a, &b), 0);
	assert_int_equal(b.n, 0);
	assert_int_equal(gt_meta_put_bytes(s, "b", gt_bytes_str("y")), 0);
	assert_int_equal(gt_meta_get_bytes(s, "b", a, &b), 0);
	assert_true(gt_bytes_eq(b, gt_bytes_str("y")));
	for (size_t n = 0; nomem_each(&n);) {
		int status = gt_meta_get_bytes(s, "b", a, &b);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
	assert_int_equal(gt_store_commit(s, &changed), 0);
	assert_int_equal(sqlite3_txn_state(db, NULL), SQLITE_TXN_NONE);
	gt_arena_free(a);
	close_all(s);
}

/* ------------------------------------------------------ checkpoints */

enum { PAGE = 4096, WAL_HEAD = 32, WAL_FRAME = PAGE + 24 };

static int64_t size_of(const char *name)
{
	struct stat st;
	assert_int_equal(stat(name, &st), 0);
	return st.st_size;
}

/* Commits until the WAL has at least so many pages, and a multiple of 8. */
static int grow(struct gt_store *s, int least)
{
	static uint8_t page[PAGE];
	int pages = 0;
	for (int64_t k = 0; pages < least || pages % 8 != 0; k++) {
		char name[32];
		bool changed;
		gt_format(name, sizeof name, "%d/%d", least, (int)k);
		gt_store_begin(s);
		assert_int_equal(
		        gt_meta_put_bytes(s, name,
		                          gt_bytes_of(page, sizeof page)),
		        0);
		assert_int_equal(gt_store_commit(s, &changed), 0);
		pages = (int)((size_of(wal) - WAL_HEAD) / WAL_FRAME);
	}
	return pages;
}

/* It moves what is as long as asked, and empties what has grown far longer. */
static void checkpoints(void **state)
{
	struct gt_store *s = filed();
	(void)state;
	int pages = grow(s, 64);
	int64_t before = size_of(path);
	assert_int_equal(gt_store_checkpoint(s, pages + 1), 0);
	assert_int_equal(size_of(path), before);
	assert_int_equal(gt_store_checkpoint(s, pages), 0);
	assert_true(size_of(path) > before);
	assert_int_equal((size_of(wal) - WAL_HEAD) / WAL_FRAME, pages);
	/* all of it is moved */
	before = size_of(path);
	assert_int_equal(gt_store_checkpoint(s, 1), 0);
	assert_int_equal((size_of(wal) - WAL_HEAD) / WAL_FRAME, pages);
	close_all(s);

	s = filed();
	pages = grow(s, 64);
	assert_int_equal(gt_store_checkpoint(s, pages / 8), 0);
	assert_true(size_of(wal) > 0);
	close_all(s);

	s = filed();
	pages = grow(s, 64);
	assert_int_equal(gt_store_checkpoint(s, pages / 8 - 1), 0);
	assert_int_equal(size_of(wal), 0);
	close_all(s);
}

/* A reader keeps what came after it from being moved: that is left for later,
 * and counted. */
static void a_reader_in_the_way(void **state)
{
	struct gt_store *s = filed();
	sqlite3 *reader;
	(void)state;
	int moved = grow(s, 64);
	assert_int_equal(sqlite3_open(path, &reader), SQLITE_OK);
	sql(reader, "BEGIN");
	assert_int_equal(number(reader, "SELECT count(*) FROM handover"), 0);
	int left = grow(s, moved + 64) - moved;
	assert_int_equal(gt_store_checkpoint(s, moved + left), 0);
	int64_t before = size_of(path);
	/* emptying is in vain, too, and no error */
	assert_int_equal(gt_store_checkpoint(s, 1), 0);
	assert_true(size_of(wal) > 0);
	sqlite3_close(reader);
	assert_int_equal(gt_store_checkpoint(s, left + 1), 0);
	assert_int_equal(size_of(path), before);
	assert_int_equal(gt_store_checkpoint(s, left), 0);
	assert_true(size_of(path) > before);
	close_all(s);
}

static void no_memory_to_checkpoint(void **state)
{
	struct gt_store *s = filed();
	(void)state;
	int pages = grow(s, 64);
	sqlite_counts = true;
	nomem_from(1);
	assert_int_equal(gt_store_checkpoint(s, pages), -GT_ESTORE);
	assert_true(nomem_hit());
	sqlite_counts = false;
	assert_string_equal(gt_store_why(s), "SQLite 7: out of memory");
	close_all(s);
}

/* Neither from a log that is not whole, nor into what is damaged: what is there
 * is left for the next start to see. */
static void what_is_damaged_is_left(void **state)
{
	static uint8_t junk[PAGE];
	struct gt_store *s = filed();
	struct gt_arena *a = gt_arena_new();
	struct gt_bytes b;
	(void)state;
	assert_int_equal(gt_store_checkpoint(s, grow(s, 64)), 0);
	sql(db, "CREATE TABLE more(x)");
	int64_t size = size_of(path), log = size_of(wal);
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	memset(junk, 0xff, sizeof junk);
	for (int64_t at = PAGE; at < size; at += PAGE) {
		assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
		assert_int_equal(fwrite(junk, PAGE, 1, f), 1);
	}
	assert_int_equal(fclose(f), 0);
	assert_int_equal(sqlite3_db_release_memory(db), SQLITE_OK);
	gt_store_begin(s);
	assert_int_equal(gt_meta_get_bytes(s, "64/3", a, &b), -GT_ESTORE);
	assert_int_equal(strncmp(gt_store_why(s), "SQLite 11", 9), 0);
	gt_store_rollback(s);
	gt_arena_free(a);
	close_all(s);
	assert_int_equal(size_of(path), size);
	assert_int_equal(size_of(wal), log);
	remove(wal);
}

/* ------------------------------------------------------------- main */

static sqlite3_mem_methods plain;

static bool there_is_memory(void)
{
	if (!sqlite_counts)
		return true;
	void *p = malloc(1);
	free(p);
	return p != NULL;
}

static void *take(int n)
{
	return there_is_memory() ? plain.xMalloc(n) : NULL;
}

static void *take_more(void *p, int n)
{
	return there_is_memory() ? plain.xRealloc(p, n) : NULL;
}

static int set_up(void **state)
{
	struct sqlite3_mem_methods ours;
	(void)state;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain),
	                 SQLITE_OK);
	ours = plain;
	ours.xMalloc = take;
	ours.xRealloc = take_more;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours),
	                 SQLITE_OK);
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/db", dir);
	gt_format(wal, sizeof wal, "%s-wal", path);
	gt_store_close(filed());
	idle = sqlite3_memory_used();
	return 0;
}

static int tear_down(void **state)
{
	char command[64];
	(void)state;
	gt_format(command, sizeof command, "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_compiles),
	        cmocka_unit_test(nothing_is_no_transaction),
	        cmocka_unit_test(all_or_nothing),
	        cmocka_unit_test(one_that_fails),
	        cmocka_unit_test(settings),
	        cmocka_unit_test(another_version),
	        cmocka_unit_test(not_ours),
	        cmocka_unit_test(somebody_writes),
	        cmocka_unit_test(read_only),
	        cmocka_unit_test(no_memory_to_open),
	        cmocka_unit_test(too_large),
	        cmocka_unit_test(values),
	        cmocka_unit_test(rows),
	        cmocka_unit_test(meta),
	        cmocka_unit_test(checkpoints),
	        cmocka_unit_test(a_reader_in_the_way),
	        cmocka_unit_test(no_memory_to_checkpoint),
	        cmocka_unit_test(what_is_damaged_is_left),
	};
	return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
