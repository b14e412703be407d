/* u_log_sums.c: the log of a database that is in use, altered by another hand:
 * nothing of that is read, acknowledged behind, or copied into the database. */
#include "unit/sums_kit.h"

#include <pthread.h>
#include <stdatomic.h>

enum { HEAD = 32, FRAME = 24 + PAGE, LIFE = 150, SOME = 8 };

struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes of(const char *path)
{
	struct bytes b;
	b.p = slurp(path, &b.n);
	return b;
}

static void assert_unchanged(const char *path, struct bytes *was)
{
	struct bytes now = of(path);
	assert_int_equal(now.n, was->n);
	assert_memory_equal(now.p, was->p, now.n);
	free(now.p);
	free(was->p);
}

/* Some rows in the database, others, and other values, in its log. */
static sqlite3 *half_logged(struct box *b)
{
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	fill(db, ROWS, 2 * ROWS);
	assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_WHOLE);
	return db;
}

static size_t frames(struct box *b)
{
	struct stat st;
	assert_int_equal(stat(b->log, &st), 0);
	return (size_t)(st.st_size - HEAD) / FRAME;
}

static void overwrite(const char *path, uint64_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)at), n);
	close(fd);
}

static void zero(struct box *b, uint64_t at, size_t n)
{
	uint8_t *zeros = calloc(1, n);
	assert_non_null(zeros);
	overwrite(b->log, at, zeros, n);
	free(zeros);
}

static int ask(sqlite3 *db)
{
	int rc =
	        sqlite3_file_control(db, "main", SQLITE_FCNTL_CKPT_START, NULL);
	return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static void leave(sqlite3 *db)
{
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	                        (int *)NULL);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Neither a checkpoint that asks, nor one that does not, nor the close. */
static void assert_never_copied(struct box *b, sqlite3 *db)
{
	struct bytes was = of(b->db);
	assert_int_equal(ask(db), SQLITE_IOERR_DATA);
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
	                                   NULL, NULL);
	assert_int_equal(rc, SQLITE_IOERR);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_unchanged(b->db, &was);
	assert_int_not_equal(gt_log_sums_wrong(b->l), GT_LOG_WHOLE);
	let_go(b);
}

static void gone_on_with(struct box *b)
{
	assert_int_equal(unlink(b->db), 0);
	assert_int_equal(unlink(b->log), 0);
	assert_int_equal(unlink(b->sums), 0);
	char shm[64];
	gt_format(shm, sizeof shm, "%s-shm", b->db);
	(void)unlink(shm);
}

/* ------------------------------------------------------------ tests */

static void zeroed_pages_are_never_copied(void **state)
{
	struct box *b = *state;
	for (int i = 0; i < 4; i++) {
		sqlite3 *db = half_logged(b);
		size_t k = (size_t)rand_r(&b->seed) % frames(b);
		zero(b, HEAD + k * FRAME + 24, (size_t)2048 << i % 2);
		int rc = read_all(db, 2 * ROWS);
		assert_true(rc == SQLITE_OK || rc == SQLITE_IOERR);
		assert_never_copied(b, db);
		gone_on_with(b);
	}
}

/* From the copy on each page is looked at for itself: without being asked. */
static void a_page_altered_behind_the_look_is_not_copied(void **state)
{
	struct box *b = *state;
	sqlite3 *db = half_logged(b);
	assert_int_equal(ask(db), SQLITE_OK);
	size_t k = (size_t)rand_r(&b->seed) % frames(b);
	zero(b, HEAD + k * FRAME + 24, PAGE);
	assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL,
	                                           SQLITE_CHECKPOINT_PASSIVE,
	                                           NULL, NULL),
	                 SQLITE_IOERR);
	assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_FRAME);
	leave(db);
	/* and no page of the database is one that was not written */
	uint8_t *zeros = calloc(1, PAGE);
	struct bytes now = of(b->db);
	for (size_t at = 0; at < now.n; at += PAGE)
		assert_memory_not_equal(now.p + at, zeros, PAGE);
	free(now.p);
	free(zeros);
}

static void a_cut_log_takes_no_more(void **state)
{
	struct box *b = *state;
	char *why = NULL;
	for (int i = 0; i < 4; i++) {
		sqlite3 *db = half_logged(b);
		struct stat st;
		assert_int_equal(stat(b->log, &st), 0);
		off_t to = i ? (off_t)((size_t)rand_r(&b->seed) %
		                       (size_t)st.st_size)
		             : 0;
		assert_int_equal(truncate(b->log, to), 0);
		struct bytes was = of(b->db);
		if (i % 2)
			assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_SHORT);
		int rc = sqlite3_exec(db, "INSERT INTO t VALUES(-1,'x')", NULL,
		                      NULL, &why);
		assert_int_equal(rc, SQLITE_IOERR);
		sqlite3_free(why);
		assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_SHORT);
		assert_unchanged(b->db, &was);
		assert_never_copied(b, db);
		gone_on_with(b);
	}
}

/* Cut, and as long again: of holes. */
static void a_log_of_holes_is_never_copied(void **state)
{
	struct box *b = *state;
	sqlite3 *db = half_logged(b);
	struct stat st;
	assert_int_equal(stat(b->log, &st), 0);
	assert_int_equal(truncate(b->log, 0), 0);
	assert_int_equal(truncate(b->log, st.st_size), 0);
	assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_OTHER);
	assert_never_copied(b, db);
}

static void a_log_that_begins_otherwise_is_seen(void **state)
{
	struct box *b = *state;
	for (uint64_t at = 0; at < HEAD; at += 9) {
		sqlite3 *db = half_logged(b);
		flip(b->log, at * 8 + 1);
		assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_OTHER);
		assert_never_copied(b, db);
		gone_on_with(b);
	}
}

static void a_flip_in_it_is_mended(void **state)
{
	struct box *b = *state;
	uint32_t told[GT_LOG_TOLD];
	for (int i = 0; i < SOME; i++) {
		sqlite3 *db = half_logged(b);
		size_t k = (size_t)rand_r(&b->seed) % frames(b);
		struct bytes was = of(b->log);
		flip(b->log, (HEAD + k * FRAME + 24) * 8 +
		                     (size_t)rand_r(&b->seed) % (PAGE * 8));
		if (i % 2) /* by whoever looks; else by its reader, or not */
			assert_int_equal(gt_log_sums_look(b->l, 1000, told), 1);
		else
			assert_int_equal(read_all(db, 2 * ROWS), SQLITE_OK);
		assert_int_equal(ask(db), SQLITE_OK);
		size_t n = gt_log_sums_look(b->l, 1, told);
		assert_int_equal(n, i % 2 ? 0 : 1);
		if (n)
			assert_int_equal(told[0], k + 1);
		assert_unchanged(b->log, &was);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_WHOLE);
		assert_reads(b, 2 * ROWS);
		let_go(b);
		gone_on_with(b);
	}
}

/* What is recovered is known from then on. */
static void the_log_of_a_killed_node_is_guarded(void **state)
{
	struct box *b = *state;
	sqlite3 *db = half_logged(b);
	kill_it(b, db);
	again(b);
	db = connect_with(b);
	assert_int_equal(read_all(db, 2 * ROWS), SQLITE_OK);
	size_t k = (size_t)rand_r(&b->seed) % frames(b);
	zero(b, HEAD + k * FRAME + 24, PAGE / 2);
	assert_never_copied(b, db);
}

struct looker {
	struct box *b;
	atomic_bool end;
	size_t looks;
};

static void *look_on(void *arg)
{
	struct looker *k = arg;
	uint32_t told[GT_LOG_TOLD];
	while (!atomic_load(&k->end)) {
		assert_int_equal(gt_log_sums_look(k->b->l, 64, told), 0);
		assert_int_equal(gt_log_sums_wrong(k->b->l), GT_LOG_WHOLE);
		k->looks++;
	}
	return NULL;
}

static void one_thing(struct box *b, sqlite3 *db, sqlite3 *reader)
{
	static const int modes[] = {
	        SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL,
	        SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE};
	int from = rand_r(&b->seed) % ROWS, rc = SQLITE_OK;
	switch (rand_r(&b->seed) % 6) {
	case 0: /* more than the cache holds goes into the log, and is undone */
		run(db, "BEGIN;UPDATE t SET x=x||'y';ROLLBACK");
		break;
	case 1:
		assert_int_equal(ask(db), SQLITE_OK);
		rc = sqlite3_wal_checkpoint_v2(
		        db, NULL, modes[rand_r(&b->seed) % 4], NULL, NULL);
		assert_true(rc == SQLITE_OK || rc == SQLITE_BUSY);
		break;
	case 2:
		run(reader, sqlite3_get_autocommit(reader)
		                    ? "BEGIN;SELECT count(*) FROM t"
		                    : "COMMIT");
		break;
	case 3:
		assert_int_equal(read_all(reader, ROWS), SQLITE_OK);
		break;
	default: /* pages written twice in one transaction */
		run(db, "BEGIN;UPDATE t SET x=x||'y'");
		fill(db, 0, ROWS);
		run(db, "COMMIT");
		fill(db, from, from + 1);
	}
}

/* What SQLite itself does to a log is never taken for another hand's. */
static void no_false_alarm(void **state)
{
	struct box *b = *state;
	struct looker k = {.b = b};
	pthread_t thread;
	make(b);
	again(b);
	sqlite3 *db = connect_with(b), *reader = connect_with(b);
	run(db, "PRAGMA journal_size_limit=100000");
	assert_int_equal(pthread_create(&thread, NULL, look_on, &k), 0);
	for (int i = 0; i < LIFE; i++)
		one_thing(b, db, reader);
	atomic_store(&k.end, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(k.looks > 0);
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(gt_log_sums_wrong(b->l), GT_LOG_WHOLE);
	assert_reads(b, ROWS);
}

/* A commit's head without its page, where the disk is full: no commit. */
static void half_a_commit_is_none(void **state)
{
	static const uint8_t page[GT_SUMS_PAGE];
	uint8_t begin[32] = {0x37, 0x7f, 6, 0x82, 0, 0x2d, 0xe2, 0x18};
	uint8_t head[24] = {0};
	struct gt_log_sums *l;
	struct box *b = *state;
	begin[10] = 0x10; /* 4096 */
	head[7] = 9;
	head[23] = 7;
	assert_int_equal(gt_log_sums_open(&l, b->log), 0);
	gt_log_sums_after(l, 0, begin, sizeof begin);
	gt_log_sums_after(l, 32, head, sizeof head);
	assert_int_equal(gt_log_sums_synced(l).frame, 0);
	gt_log_sums_after(l, 32 + 24, page, sizeof page);
	assert_int_equal(gt_log_sums_synced(l).frame, 1);
	gt_log_sums_after(l, 32 + 4120, head, sizeof head);
	assert_int_equal(gt_log_sums_synced(l).frame, 1);
	gt_log_sums_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(zeroed_pages_are_never_copied),
	        TEST(a_page_altered_behind_the_look_is_not_copied),
	        TEST(a_cut_log_takes_no_more),
	        TEST(a_log_of_holes_is_never_copied),
	        TEST(a_log_that_begins_otherwise_is_seen),
	        TEST(a_flip_in_it_is_mended),
	        TEST(the_log_of_a_killed_node_is_guarded),
	        TEST(no_false_alarm),
	        TEST(half_a_commit_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
