/* u_wal.c: what is left of the log of a killed node, altered, cut, or whole:
 * what was acknowledged is there, or it is said that it is not. */
#include "unit/sums_kit.h"

#include "wal.h"

enum {
	HEAD = 32,
	FRAME = 24 + PAGE,
	TRIES = 60,
	STEPS = 10, /* transactions */
	STEP = 20,  /* rows in each */
	LIFE = 60,
	COPIED = 96, /* where in the index */
	ATTEMPTED = 128,
};

static const char *const ends[] = {"", "-wal", "-shm", "-sums"};

/* Copies what is there of a database's files. */
static void copy_files(const char *from, const char *to)
{
	char source[80], sink[80];
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		gt_format(source, sizeof source, "%s%s", from, ends[i]);
		gt_format(sink, sizeof sink, "%s%s", to, ends[i]);
		if (access(source, F_OK) == 0)
			copy(source, sink);
		else
			(void)unlink(sink);
	}
}

/* The state of now, as a kill leaves it, and as it can be put back. */
static void keep(struct box *b, const char *name)
{
	char to[64];
	gt_format(to, sizeof to, "%s/%s", b->dir, name);
	copy_files(b->db, to);
}

static void put_back(struct box *b, const char *name)
{
	char from[64];
	gt_format(from, sizeof from, "%s/%s", b->dir, name);
	copy_files(from, b->db);
}

static void drop_index(struct box *b)
{
	char shm[64];
	gt_format(shm, sizeof shm, "%s-shm", b->db);
	(void)unlink(shm);
}

static size_t size_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void index_put(struct box *b, uint64_t at, uint32_t value)
{
	char shm[64];
	gt_format(shm, sizeof shm, "%s-shm", b->db);
	int fd = open(shm, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, sizeof value, (off_t)at),
	                 sizeof value);
	close(fd);
}

/* Rows there are, each as it was written; SQLite's error, negative. */
static int rows_in(struct box *b)
{
	sqlite3 *db = connect_to(b, NULL);
	sqlite3_stmt *s;
	int n = 0;
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	                        (int *)NULL);
	int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL);
	if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW &&
	    strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0)
		rc = SQLITE_CORRUPT;
	(void)sqlite3_finalize(s);
	s = NULL;
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, "SELECT count(*),max(id) FROM t",
		                        -1, &s, NULL);
	if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
		n = sqlite3_column_int(s, 0);
		assert_int_equal(sqlite3_column_int(s, 1), n - 1);
	}
	(void)sqlite3_finalize(s);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return rc == SQLITE_OK ? n : -rc;
}

/* STEPS transactions in the log, kept as "k". */
static void logged(struct box *b)
{
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	for (int i = 0; i < STEPS; i++)
		fill(db, ROWS + i * STEP, ROWS + (i + 1) * STEP);
	keep(b, "k");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
	put_back(b, "k");
}

static struct gt_wal_found looked_behind(struct box *b, enum gt_wal_run run)
{
	struct gt_wal_found f;
	assert_int_equal(gt_wal_look(b->db, run, &f), 0);
	return f;
}

static struct gt_wal_found looked(struct box *b)
{
	return looked_behind(b, GT_WAL_KILLED);
}

enum { ALL = ROWS + STEPS * STEP };

/* ------------------------------------------------------------ tests */

static void a_whole_log_is_left_alone(void **state)
{
	struct box *b = *state;
	size_t n, m;
	logged(b);
	for (int index = 1; index >= 0; index--) {
		if (!index)
			drop_index(b);
		uint8_t *was = slurp(b->log, &n);
		struct gt_wal_found f = looked(b);
		assert_int_equal(f.is, GT_WAL_WHOLE);
		assert_int_equal(f.mended + f.altered, 0);
		uint8_t *now = slurp(b->log, &m);
		assert_int_equal(n, m);
		assert_memory_equal(was, now, n);
		free(was);
		free(now);
	}
	assert_int_equal(rows_in(b), ALL);
}

static void assert_log(struct box *b, const uint8_t *want, size_t size)
{
	size_t n;
	uint8_t *is = slurp(b->log, &n);
	assert_int_equal(n, size);
	assert_memory_equal(is, want, n);
	free(is);
}

/* Mended, and all is there; or said to be lost; and mostly the first. */
static void a_flip_is_mended_or_said(void **state)
{
	struct box *b = *state;
	int mended = 0;
	logged(b);
	size_t size;
	uint8_t *log = slurp(b->log, &size);
	for (int i = 0; i < TRIES; i++) {
		put_back(b, "k");
		uint64_t bit = (uint64_t)rand_r(&b->seed) % (size * 8);
		flip(b->log, bit);
		struct gt_wal_found f = looked(b);
		assert_int_not_equal(f.is, GT_WAL_TANGLED);
		if (f.is == GT_WAL_WHOLE) {
			uint64_t at = bit / 8;
			assert_int_equal(f.mended, 1);
			assert_int_equal(f.frames[0],
			                 at < HEAD ? 0
			                           : (at - HEAD) / FRAME + 1);
			mended++;
			assert_log(b, log, size);
			assert_int_equal(rows_in(b), ALL);
		} else {
			int rows = rows_in(b);
			assert_true(rows >= ROWS && rows < ALL);
			assert_int_equal((rows - ROWS) % STEP, 0);
		}
	}
	free(log);
	print_message("%d of %d mended\n", mended, TRIES);
	assert_true(mended > TRIES / 2);
}

/* Of the last word of what sums are of, and of the second sum, the same bit may
 * be wrong: what lies behind knows which, or the index. */
static void a_sum_is_not_taken_for_a_word(void **state)
{
	struct box *b = *state;
	size_t size;
	logged(b);
	uint8_t *log = slurp(b->log, &size);
	size_t frames = (size - HEAD) / FRAME;
	for (uint32_t bit = 0; bit < HEAD * 8; bit++) {
		put_back(b, "k");
		drop_index(b);
		if (bit % 2)
			(void)unlink(b->sums);
		flip(b->log, bit);
		struct gt_wal_found f = looked(b);
		assert_int_equal(f.is, GT_WAL_WHOLE);
		assert_int_equal(f.mended, 1);
		assert_log(b, log, size);
	}
	for (size_t i = 0; i < frames; i++) {
		size_t at = HEAD + i * FRAME;
		uint64_t sum = (at + 20) * 8 + i % 32;
		/* its upper bits may be those of other words too */
		uint64_t word = (at + FRAME - 4) * 8 + i % 16;
		for (int which = 0; which < 2; which++) {
			put_back(b, "k");
			if (i % 2)
				drop_index(b);
			else
				(void)unlink(b->sums);
			flip(b->log, which ? word : sum);
			struct gt_wal_found f = looked(b);
			assert_int_equal(f.is, GT_WAL_WHOLE);
			assert_int_equal(f.mended, 1);
			assert_log(b, log, size);
		}
	}
	/* nothing is behind it, and nothing knows of it */
	put_back(b, "k");
	drop_index(b);
	(void)unlink(b->sums);
	flip(b->log, (size - FRAME + 20) * 8);
	assert_int_equal(looked(b).mended, 0);
	assert_int_equal(rows_in(b), ALL - STEP);
	free(log);
}

/* But for the last transaction, of which nobody can tell, and the one before,
 * the head of whose commit says that it was one. */
static void without_an_index_too(void **state)
{
	struct box *b = *state;
	logged(b);
	size_t size = size_of(b->log) / FRAME * (STEPS - 2) / STEPS * FRAME;
	for (int i = 0; i < TRIES; i++) {
		uint8_t junk[64];
		put_back(b, "k");
		drop_index(b);
		for (size_t k = 0; k < sizeof junk; k++)
			junk[k] = (uint8_t)rand_r(&b->seed);
		uint64_t at = HEAD + (uint64_t)rand_r(&b->seed) % size;
		int fd = open(b->log, O_WRONLY);
		assert_int_equal(pwrite(fd, junk, sizeof junk, (off_t)at),
		                 sizeof junk);
		close(fd);
		struct gt_wal_found f = looked(b);
		assert_int_equal(f.is, GT_WAL_LOST);
		assert_true(f.altered >= (at - HEAD) / FRAME + 1);
		assert_true(f.altered <= (at + sizeof junk - HEAD) / FRAME + 1);
		assert_true(rows_in(b) < ALL);
	}
}

static void a_log_cut_anywhere_is_said(void **state)
{
	struct box *b = *state;
	logged(b);
	size_t size = size_of(b->log);
	for (int i = 0; i < TRIES / 2; i++) {
		put_back(b, "k");
		size_t to = i > 1 ? (size_t)rand_r(&b->seed) % size : 0;
		assert_int_equal(i == 1 ? unlink(b->log)
		                        : truncate(b->log, (off_t)to),
		                 0);
		assert_int_equal(looked(b).is, GT_WAL_LOST);
		int rows = rows_in(b);
		assert_true(rows >= ROWS && rows < ALL);
	}
}

/* The database has all of it: whatever became of the log, nothing is lost. */
static void what_was_copied_is_not_lost(void **state)
{
	struct box *b = *state;
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	for (int i = 0; i < STEPS; i++)
		fill(db, ROWS + i * STEP, ROWS + (i + 1) * STEP);
	checkpoint(db);
	keep(b, "k");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
	put_back(b, "k");
	size_t size = size_of(b->log);
	for (int i = 0; i < TRIES / 2; i++) {
		put_back(b, "k");
		size_t at = (size_t)rand_r(&b->seed) % size;
		if (i % 2) {
			flip(b->log, at * 8 + 7);
			flip(b->log, (at + 9) % size * 8);
		} else {
			assert_int_equal(truncate(b->log, (off_t)at), 0);
		}
		assert_int_equal(looked(b).is, GT_WAL_WHOLE);
		assert_int_equal(rows_in(b), ALL);
	}
}

/* A reader held the checkpoint up: the database is ahead of what is left. */
static void what_does_not_fit_is_said(void **state)
{
	struct box *b = *state;
	make(b);
	again(b);
	sqlite3 *db = connect_with(b), *reader = connect_with(b);
	fill(db, ROWS, ROWS + 100);
	run(reader, "BEGIN;SELECT count(*) FROM t");
	fill(db, ROWS + 100, ROWS + 200);
	checkpoint(db);
	keep(b, "k");
	run(reader, "COMMIT");
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
	put_back(b, "k");
	assert_int_equal(looked(b).is, GT_WAL_WHOLE);
	assert_int_equal(rows_in(b), ROWS + 200);
	for (int i = 0; i < 4; i++) { /* at its beginning: copied already */
		put_back(b, "k");
		flip(b->log, (HEAD + (size_t)i * FRAME + 1000) * 8);
		flip(b->log, (HEAD + (size_t)i * FRAME + 2000) * 8);
		assert_int_equal(looked(b).is, GT_WAL_TANGLED);
	}
	/* behind what was copied what is left is in order */
	put_back(b, "k");
	assert_int_equal(truncate(b->log, (off_t)size_of(b->log) - 100), 0);
	assert_int_equal(looked(b).is, GT_WAL_LOST);
	assert_int_equal(rows_in(b), ROWS + 100);
	/* a checkpoint that was not through */
	put_back(b, "k");
	uint32_t last = (uint32_t)((size_of(b->log) - HEAD) / FRAME);
	index_put(b, COPIED, 0);
	index_put(b, ATTEMPTED, last);
	assert_int_equal(looked(b).is, GT_WAL_WHOLE);
	flip(b->log, (HEAD + 1000) * 8);
	flip(b->log, (HEAD + 2000) * 8);
	assert_int_equal(looked(b).is, GT_WAL_TANGLED);
}

/* All that is behind the last commit was promised to nobody. */
static void a_torn_end_is_silent(void **state)
{
	struct box *b = *state;
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	fill(db, ROWS, ROWS + STEP);
	size_t good = size_of(b->log);
	run(db, "BEGIN");
	fill(db, 0, ALL); /* more than the cache holds */
	keep(b, "k");
	run(db, "ROLLBACK");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
	put_back(b, "k");
	size_t size = size_of(b->log);
	assert_true(size > good + (size_t)20 * FRAME);
	for (int i = 0; i < TRIES; i++) {
		put_back(b, "k");
		if (i % 2)
			drop_index(b);
		for (int k = 0; k < 3; k++) {
			/* not in its head: what says there that it is a commit
			 * is believed */
			size_t page = (size_t)rand_r(&b->seed) %
			              ((size - good) / FRAME);
			size_t at = good + page * FRAME + (FRAME - PAGE) +
			            (size_t)rand_r(&b->seed) % (PAGE - 9);
			flip(b->log, at * 8);
			flip(b->log, (at + 9) * 8);
		}
		if (i % 3 == 0)
			assert_int_equal(
			        truncate(b->log,
			                 (off_t)(good +
			                         (size_t)rand_r(&b->seed) %
			                                 (size - good))),
			        0);
		/* one flip alone in a frame may be mended, for nothing */
		struct gt_wal_found f = looked(b);
		assert_int_equal(f.is, GT_WAL_WHOLE);
		assert_int_equal(f.altered, 0);
		assert_int_equal(rows_in(b), ROWS + STEP);
	}
}

/* A log of a run before, put back behind a clean end or a kill. */
static void another_log_is_put_aside(void **state)
{
	struct box *b = *state;
	char old[64];
	size_t n;
	logged(b);
	gt_format(old, sizeof old, "%s/k-wal", b->dir);
	again(b); /* copies it */
	assert_reads(b, ALL);
	let_go(b);
	for (int killed = 0; killed <= 1; killed++) {
		again(b);
		sqlite3 *db = connect_with(b);
		fill(db, 0, 5);
		if (killed)
			keep(b, "x");
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		let_go(b);
		if (killed)
			put_back(b, "x");
		copy(old, b->log);
		drop_index(b);
		struct gt_wal_found f =
		        looked_behind(b, killed ? GT_WAL_KILLED : GT_WAL_ENDED);
		assert_int_equal(f.is, killed ? GT_WAL_LOST : GT_WAL_WHOLE);
		assert_int_equal(size_of(f.aside), size_of(old));
		assert_int_equal(unlink(f.aside), 0);
		free(slurp(b->log, &n));
		assert_int_equal(n, HEAD);
		assert_int_equal(rows_in(b), ALL);
	}
}

static void put_aside(struct box *b, const struct gt_wal_found *f, int rows)
{
	size_t n;
	assert_true(size_of(f->aside) > HEAD);
	assert_int_equal(unlink(f->aside), 0);
	free(slurp(b->log, &n));
	assert_int_equal(n, HEAD);
	assert_int_equal(rows_in(b), rows);
}

/* With its own index it would be taken by its salt. Only what a program without
 * sums left behind, who was killed, may be such a one. */
static void another_log_is_known_by_no_index(void **state)
{
	struct box *b = *state;
	logged(b); /* "k" has both */
	again(b);  /* copies it */
	assert_reads(b, ALL);
	sqlite3 *db = connect_with(b);
	fill(db, 0, 5);
	keep(b, "killed");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
	keep(b, "ended");
	for (int run = GT_WAL_ENDED; run <= GT_WAL_KILLED_WITHOUT; run++) {
		put_back(b, run == GT_WAL_ENDED ? "ended" : "killed");
		for (size_t i = 1; i <= 2; i++) {
			char from[64], to[64];
			gt_format(from, sizeof from, "%s/k%s", b->dir, ends[i]);
			gt_format(to, sizeof to, "%s%s", b->db, ends[i]);
			copy(from, to);
		}
		struct gt_wal_found f = looked_behind(b, (enum gt_wal_run)run);
		if (run == GT_WAL_KILLED_WITHOUT) {
			assert_int_equal(f.aside[0], 0);
			continue;
		}
		assert_int_equal(f.is, run == GT_WAL_KILLED ? GT_WAL_LOST
		                                            : GT_WAL_WHOLE);
		put_aside(b, &f, ALL);
	}
}

/* The same log as it was a while before, whatever index is with it; or as it
 * went on elsewhere. */
static void an_older_copy_is_said(void **state)
{
	struct box *b = *state;
	char old[64], shm[64];
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	fill(db, ROWS, ROWS + STEP);
	keep(b, "old");
	fill(db, ROWS + STEP, ROWS + 2 * STEP);
	keep(b, "k");
	checkpoint(db);
	keep(b, "copied");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	let_go(b);
	gt_format(old, sizeof old, "%s/old-wal", b->dir);
	gt_format(shm, sizeof shm, "%s-shm", b->db);
	for (int index = 0; index <= 2; index++) {
		put_back(b, "k");
		copy(old, b->log);
		if (index == 0)
			drop_index(b);
		else if (index == 1) {
			gt_format(old, sizeof old, "%s/old-shm", b->dir);
			copy(old, shm);
			gt_format(old, sizeof old, "%s/old-wal", b->dir);
		}
		assert_int_equal(looked(b).is, GT_WAL_LOST);
		assert_int_equal(rows_in(b), ROWS + STEP);
	}
	put_back(b, "copied"); /* all of it is in the database */
	copy(old, b->log);
	drop_index(b);
	assert_int_equal(looked(b).is, GT_WAL_WHOLE);
	assert_int_equal(rows_in(b), ROWS + 2 * STEP);
	put_back(b, "old");
	db = connect_to(b, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	                        (int *)NULL);
	fill(db, ROWS, ROWS + 3 * STEP);
	keep(b, "other");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	put_back(b, "k");
	gt_format(old, sizeof old, "%s/other-wal", b->dir);
	copy(old, b->log);
	drop_index(b);
	struct gt_wal_found f = looked(b);
	assert_int_equal(f.is, GT_WAL_LOST);
	put_aside(b, &f, ROWS);
}

/* Killed at any time; or the power went, and the index is of before. */
static void no_false_alarm(void **state)
{
	static const int modes[] = {
	        SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL,
	        SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE};
	struct box *b = *state, twin = *b;
	char shm[64], old[64];
	make(b);
	again(b);
	sqlite3 *db = connect_with(b);
	run(db, "PRAGMA journal_size_limit=100000");
	gt_format(twin.db, sizeof twin.db, "%s/k", b->dir);
	gt_format(shm, sizeof shm, "%s/k-shm", b->dir);
	gt_format(old, sizeof old, "%s/k-old", b->dir);
	for (int i = 0; i < LIFE; i++) {
		int from = rand_r(&b->seed) % ROWS;
		if (rand_r(&b->seed) % 3)
			fill(db, from, from + 5);
		else
			(void)sqlite3_wal_checkpoint_v2(
			        db, NULL, modes[rand_r(&b->seed) % 4], NULL,
			        NULL);
		keep(b, "k");
		struct gt_wal_found f = looked(&twin);
		assert_int_equal(f.is, GT_WAL_WHOLE);
		assert_int_equal(f.mended + f.altered, 0);
		assert_false(f.aside[0]);
		if (i % 8 == 0)
			copy(shm, old);
		copy(old, shm);
		f = looked(&twin);
		assert_int_equal(f.is, GT_WAL_WHOLE);
		assert_int_equal(f.mended + f.altered, 0);
		assert_false(f.aside[0]);
		drop_index(&twin);
		f = looked(&twin);
		assert_int_equal(f.is, GT_WAL_WHOLE);
		assert_int_equal(f.mended + f.altered, 0);
		assert_false(f.aside[0]);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_whole_log_is_left_alone),
	        TEST(a_flip_is_mended_or_said),
	        TEST(a_sum_is_not_taken_for_a_word),
	        TEST(without_an_index_too),
	        TEST(a_log_cut_anywhere_is_said),
	        TEST(what_was_copied_is_not_lost),
	        TEST(what_does_not_fit_is_said),
	        TEST(a_torn_end_is_silent),
	        TEST(another_log_is_put_aside),
	        TEST(another_log_is_known_by_no_index),
	        TEST(an_older_copy_is_said),
	        TEST(no_false_alarm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
