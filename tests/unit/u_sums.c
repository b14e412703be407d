/* u_sums.c: the sums of a database's pages, under SQLite. */
#include "unit/sums_kit.h"

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

/* Of a file that was cut short, whole pages or a part of one, no zeros are taken
 * for what was there: who reads is refused, and the look tells. */
static void what_was_cut_off_is_missed(void **state)
{
	static const off_t off[] = {PAGE / 2, PAGE, 3 * PAGE + 9};
	struct box *b = *state;
	size_t size, now;
	make(b);
	uint8_t *good = slurp(b->db, &size);
	for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
		off_t left = (off_t)size - off[i];
		assert_int_equal(truncate(b->db, left), 0);
		again(b);
		gt_sums_attach(b->s);
		assert_false(gt_sums_met(b->s));
		gt_sums_settle(b->s);
		assert_true(gt_sums_met(b->s));
		struct gt_sums_look l;
		gt_sums_look(b->s, 0, &l);
		assert_int_equal(l.bad, 1);
		assert_int_equal(l.pages[0], left / PAGE + 1);
		gt_sums_look(b->s, UINT32_MAX, &l);
		assert_int_equal(l.bad, (off[i] - 1) / PAGE);
		assert_true(l.end);
		/* nothing of the file changed by that */
		let_go(b);
		free(slurp(b->db, &now));
		assert_int_equal(now, left);
		int fd = open(b->db, O_RDWR);
		assert_int_equal(pwrite(fd, good, size, 0), size);
		close(fd);
	}
	/* no more than a word can be put right */
	assert_int_equal(truncate(b->db, (off_t)size - 1), 0);
	again(b);
	assert_int_equal(look(b).mended, 1);
	let_go(b);
	uint8_t *mended = slurp(b->db, &now);
	assert_int_equal(now, size);
	assert_memory_equal(mended, good, size);
	free(mended);
	free(good);
	again(b);
	assert_reads(b, ROWS);
	assert_int_equal(look(b).bad, 0);
}

/* Where SQLite itself is content: the part of the last page that is there. */
static void a_part_of_a_page_is_none(void **state)
{
	struct box *b = *state;
	size_t size;
	make(b);
	free(slurp(b->db, &size));
	assert_int_equal(truncate(b->db, (off_t)size - PAGE / 2), 0);
	again(b);
	sqlite3 *db = connect_with(b);
	int rc = read_all(db, ROWS);
	if (rc == SQLITE_OK) /* it is the index's */
		rc = sqlite3_exec(db, "SELECT x FROM t ORDER BY x", NULL, NULL,
		                  NULL);
	assert_int_equal(rc, SQLITE_IOERR);
	assert_int_equal(gt_sums_bad(b->s), size / PAGE);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
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
	size_t n;
	uint8_t *begin = slurp(old, &n);
	begin[20] ^= 1;
	assert_int_equal(gt_sums_log(b->s, begin), 0);
	free(begin);
	kill_it(b, db);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(every_flip_is_mended),
	        TEST(every_word_is_mended),
	        TEST(what_cannot_be_mended_is_given_to_nobody),
	        TEST(what_was_cut_off_is_missed),
	        TEST(a_part_of_a_page_is_none),
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
