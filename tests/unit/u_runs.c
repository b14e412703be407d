/* u_runs.c: sorted runs against a naive model: whatever is put in, taken out,
 * merged, cut off and begun anew, what is asked is what a table would say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nomem.h"
#include "schema.h"
#include "store_inside.h"

static uint64_t seed;

static uint64_t draw(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static sqlite3 *db, *other;
static struct gt_runs *runs;
static char path[64];

static void sql(sqlite3 *to, const char *text)
{
	char *why = NULL;
	int rc = sqlite3_exec(to, text, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		print_error("%s: %s\n", text, why);
	sqlite3_free(why);
	assert_int_equal(rc, SQLITE_OK);
}

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

/* Small tails, so that there are many runs. */
static void begin_runs(void)
{
	runs = gt_runs_new(db, true);
	assert_non_null(runs);
	runs->most_names = 60;
	runs->most_terms = 200;
	runs->most_rows = 9;
}

static int set_up(void **state)
{
	(void)state;
	seed = 88172645463325252u;
	gt_format(path, sizeof path, "/tmp/guantong-runs-%d.db", (int)getpid());
	remove(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sql(db, "PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF;");
	sql(db, GT_SCHEMA_RUNS);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	begin_runs();
	return 0;
}

static int tear_down(void **state)
{
	char name[80];
	(void)state;
	gt_runs_free(runs);
	sqlite3_close(other);
	sqlite3_close(db);
	remove(path);
	gt_format(name, sizeof name, "%s-wal", path);
	remove(name);
	gt_format(name, sizeof name, "%s-shm", path);
	remove(name);
	return 0;
}

/* ----------------------------------------------------------- a model */

enum { NAMES = 3000, TERMS = 12, SEQS = 4000 };

struct model {
	int64_t value[NAMES];
	bool term[TERMS][SEQS];
	int64_t seq;
};
static struct model now, was; /* was: at the last commit */

static void name_of(size_t i, uint64_t *hi, uint64_t *lo)
{
	*hi = (i / 3 + 1) * UINT64_C(0x9e3779b97f4a7c15); /* three share it */
	*lo = i * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint64_t hash_of(size_t t)
{
	return t == 0 ? 0 : t == 1 ? UINT64_MAX : t * UINT64_C(0x123456789abcd);
}

static void put_name(void)
{
	uint64_t hi, lo;
	size_t i = draw(NAMES);
	name_of(i, &hi, &lo);
	now.value[i] = 1 + (int64_t)draw(1u << (1 + draw(24)));
	assert_int_equal(
	        gt_runs_put(runs, GT_RUN_ID,
	                    (struct gt_run_entry){hi, lo, now.value[i]}),
	        0);
}

static void put_terms(void)
{
	if (now.seq + 1 < SEQS)
		now.seq++;
	/* now and then one of long ago */
	int64_t seq = draw(20) ? now.seq : (int64_t)draw((uint64_t)now.seq) + 1;
	for (size_t t = 0; t < TERMS; t++) {
		if (draw(t + 1) > 0)
			continue;
		now.term[t][seq] = true;
		assert_int_equal(
		        gt_runs_put(runs, GT_RUN_TERM,
		                    (struct gt_run_entry){hash_of(t),
		                                          (uint64_t)seq, 0}),
		        0);
	}
}

static void take_out(void)
{
	uint64_t hi, lo;
	size_t i = draw(NAMES), t = draw(TERMS);
	uint64_t seq = draw(SEQS);
	name_of(i, &hi, &lo);
	now.value[i] = 0;
	assert_int_equal(gt_runs_erase(runs, GT_RUN_ID, hi, lo), 0);
	now.term[t][seq] = false;
	assert_int_equal(gt_runs_erase(runs, GT_RUN_TERM, hash_of(t), seq), 0);
}

static void assert_name(struct gt_runs *r, const struct model *m, size_t i)
{
	uint64_t hi, lo;
	int64_t value = 0;
	name_of(i, &hi, &lo);
	int row = gt_runs_get(r, GT_RUN_ID, hi, lo, &value);
	assert_int_equal(row, m->value[i] != 0);
	if (row == 1)
		assert_int_equal(value, m->value[i]);
	assert_int_equal(gt_runs_get(r, GT_RUN_ID, hi, lo + 1, &value), 0);
}

static int64_t nearest(const struct model *m, size_t t, int64_t seq, bool up)
{
	for (; seq >= 0 && seq < SEQS; seq += up ? 1 : -1)
		if (m->term[t][seq])
			return seq;
	return -1;
}

static void assert_terms(struct gt_runs *r, const struct model *m, size_t t)
{
	struct gt_postings *p = gt_postings_new(r, hash_of(t));
	int64_t found, seq;
	assert_non_null(p);
	for (int i = 0; i < 30; i++) {
		seq = (int64_t)draw(SEQS);
		bool up = draw(2);
		/* one where it falls, and some that follow */
		for (int k = 0; k < 4 && seq >= 0 && seq < SEQS; k++) {
			int64_t want = nearest(m, t, seq, up);
			int row = gt_postings_seek(p, seq, up, &found);
			assert_int_equal(row, want >= 0);
			if (row == 1)
				assert_int_equal(found, want);
			seq = row != 1 ? -1 : up ? found + 1 : found - 1;
		}
	}
	gt_postings_free(p);
	p = gt_postings_new(r, hash_of(t) + 5);
	assert_int_equal(gt_postings_seek(p, 1, true, &found), 0);
	assert_int_equal(gt_postings_seek(p, SEQS, false, &found), 0);
	gt_postings_free(p);
}

static void assert_reader(void)
{
	struct gt_runs *r = gt_runs_new(other, false);
	sql(other, "BEGIN");
	for (size_t i = 0; i < 40; i++)
		assert_name(r, &was, draw(NAMES));
	assert_terms(r, &was, draw(TERMS));
	sql(other, "COMMIT");
	gt_runs_free(r);
}

/* ---------------------------------------------------------- property */

static void commit(void)
{
	assert_int_equal(gt_runs_commit(runs), 0);
	sql(db, "COMMIT");
	was = now;
}

/* The turn never was: all that is in memory is gone with it. */
static void cut_off(void)
{
	gt_runs_free(runs);
	sql(db, "ROLLBACK");
	now = was;
	begin_runs();
}

static void turn(void)
{
	bool more;
	sql(db, "BEGIN");
	for (size_t n = draw(30); n > 0; n--)
		put_name();
	for (size_t n = draw(8); n > 0; n--)
		put_terms();
	if (draw(6) == 0)
		take_out();
	for (size_t i = 0; i < 10; i++)
		assert_name(runs, &now, draw(NAMES));
	if (draw(5) > 0)
		assert_int_equal(gt_runs_work(runs, (unsigned)draw(3), &more),
		                 0);
	if (draw(10) == 0)
		gt_runs_rest(runs);
	if (draw(10) == 0)
		cut_off();
	else
		commit();
}

static void model(void **state)
{
	(void)state;
	memset(&now, 0, sizeof now);
	was = now;
	for (int i = 0; i < 1500; i++) {
		turn();
		if (i % 10 == 0)
			assert_reader();
		if (i % 50 == 0)
			assert_terms(runs, &was, draw(TERMS));
	}
	bool more = true;
	while (more) {
		sql(db, "BEGIN");
		assert_int_equal(gt_runs_work(runs, 1, &more), 0);
		commit();
		assert_reader();
	}
	for (size_t i = 0; i < NAMES; i++)
		assert_name(runs, &now, i);
	for (size_t t = 0; t < TERMS; t++)
		assert_terms(runs, &now, t);
	/* as many levels as there must be, and nothing left behind */
	assert_in_range(number(db, "SELECT max(level) FROM run"), 2, 5);
	assert_int_equal(number(db, "SELECT count(*) FROM run WHERE state>0"),
	                 0);
	assert_int_equal(number(db,
	                        "SELECT count(*) FROM run_block WHERE bid/16"
	                        " NOT IN(SELECT gid FROM run_group)"),
	                 0);
	assert_int_equal(number(db, "SELECT count(*) FROM run_group WHERE run"
	                            " NOT IN(SELECT run FROM run)"),
	                 0);
}

static size_t shown[NAMES];

static int show(void *arg, const struct gt_run_entry *e)
{
	for (size_t i = 0; i < NAMES; i++) {
		uint64_t hi, lo;
		name_of(i, &hi, &lo);
		if (e->hi == hi && e->lo == lo)
			shown[i]++;
	}
	++*(size_t *)arg;
	return 0;
}

static void each(void **state)
{
	size_t n = 0, bad;
	(void)state;
	memset(&now, 0, sizeof now);
	was = now;
	for (int i = 0; i < 60; i++)
		turn();
	memset(shown, 0, sizeof shown);
	assert_int_equal(gt_runs_each(runs, GT_RUN_ID, show, &n, &bad), 0);
	assert_int_equal(bad, 0);
	for (size_t i = 0; i < NAMES; i++)
		assert_int_equal(shown[i] > 0, now.value[i] != 0);
	size_t all = n;
	sql(db, "UPDATE run_block SET body=zeroblob(9)"
	        " WHERE bid=(SELECT 16*min(gid) FROM run_group WHERE run IN"
	        "(SELECT run FROM run WHERE kind=1 AND state=0))");
	n = 0;
	gt_runs_free(runs);
	begin_runs();
	assert_int_equal(gt_runs_each(runs, GT_RUN_ID, show, &n, &bad), 0);
	assert_int_equal(bad, 1);
	assert_true(n < all && n > 0);
}

/* Runs of several groups, of a size they have in life. */
static void large(void **state)
{
	(void)state;
	int64_t value;
	bool more = true;
	runs->most_names = 8000;
	runs->most_terms = 60000;
	for (uint64_t i = 0; i < 80; i++) {
		sql(db, "BEGIN");
		for (uint64_t k = i * 1000; k < i * 1000 + 1000; k++) {
			struct gt_run_entry e = {
			        (k + 1) * UINT64_C(0x9e3779b97f4a7c15), k,
			        (int64_t)k + 1};
			assert_int_equal(gt_runs_put(runs, GT_RUN_ID, e), 0);
			for (uint64_t t = 0; t < 8; t++) {
				e = (struct gt_run_entry){k % (t + 1) + t * 100,
				                          k + 1, 0};
				assert_int_equal(
				        gt_runs_put(runs, GT_RUN_TERM, e), 0);
			}
		}
		assert_int_equal(gt_runs_work(runs, 2, &more), 0);
		assert_int_equal(gt_runs_commit(runs), 0);
		sql(db, "COMMIT");
	}
	for (uint64_t k = 0; k < 80000; k += 7) {
		uint64_t hi = (k + 1) * UINT64_C(0x9e3779b97f4a7c15);
		assert_int_equal(gt_runs_get(runs, GT_RUN_ID, hi, k, &value),
		                 1);
		assert_int_equal(value, k + 1);
		assert_int_equal(
		        gt_runs_get(runs, GT_RUN_ID, hi, k + 1, &value), 0);
	}
	struct gt_postings *p = gt_postings_new(runs, 700); /* k % 8 == 0 */
	int64_t seq = 80000, found, n = 0;
	while (gt_postings_seek(p, seq, false, &found) == 1) {
		assert_int_equal(found % 8, 1);
		seq = found - 1;
		n++;
	}
	assert_int_equal(n, 10000);
	for (seq = 0; gt_postings_seek(p, seq, true, &found) == 1; n--)
		seq = found + 1;
	assert_int_equal(n, 0);
	gt_postings_free(p);
	assert_int_equal(gt_runs_count(runs, GT_RUN_ID, &n), 0);
	assert_int_equal(n, 80000);
}

/* ----------------------------------------------------- what is wrong */

static void fill(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		sql(db, "BEGIN");
		for (int k = 0; k < 20; k++)
			put_name();
		put_terms();
		commit();
	}
}

/* What is not what was written names itself, and the set begins anew. */
static void damage(void **state)
{
	static const char *const wrong[] = {
	        "UPDATE run_block SET body=substr(body,1,20)",
	        "UPDATE run_block SET body=x'00'||substr(body,2)",
	        "DELETE FROM run_block",
	        "UPDATE run_group SET guide=substr(guide,1,30)",
	        "UPDATE run_group SET guide=zeroblob(20000)",
	        "UPDATE run_group SET first=x'00'",
	        "UPDATE run_tail SET n=n+1",
	        "UPDATE run_tail SET body=x'0000000000'",
	        "UPDATE run SET level=99",
	        "UPDATE run SET kind=77",
	};
	(void)state;
	memset(&now, 0, sizeof now);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int bad = 0;
		int64_t value;
		fill(31);
		gt_runs_free(runs);
		begin_runs();
		sql(db, "SAVEPOINT a");
		sql(db, wrong[i]);
		for (size_t k = 0; bad >= 0 && k < NAMES; k++) {
			uint64_t hi, lo;
			name_of(k, &hi, &lo);
			if (now.value[k])
				bad = gt_runs_get(runs, GT_RUN_ID, hi, lo,
				                  &value);
		}
		assert_int_equal(bad, -GT_EDAMAGED);
		assert_non_null(strstr(gt_runs_why(runs), "the index of"));
		assert_int_equal(gt_runs_damaged(runs), GT_RUN_ID);
		assert_int_equal(gt_runs_clear(runs, GT_RUN_ID), 0);
		sql(db, "ROLLBACK TO a; RELEASE a");
		gt_runs_free(runs);
		begin_runs();
		sql(db, "BEGIN");
		assert_int_equal(gt_runs_clear(runs, GT_RUN_ID), 0);
		memset(now.value, 0, sizeof now.value);
		commit();
		for (size_t k = 0; k < NAMES; k += 17)
			assert_name(runs, &now, k);
	}
}

/* A turn without memory, or without the database, says so and leaves nothing. */
static void without_memory(void **state)
{
	(void)state;
	memset(&now, 0, sizeof now);
	was = now;
	fill(72);
	gt_runs_free(runs);
	runs = NULL;
	int64_t before = number(db, "SELECT count(*) FROM run");
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_run_entry e = {3, 4, 5};
		int64_t value = 0, found;
		bool more;
		runs = gt_runs_new(db, true);
		int status = runs ? 0 : -GT_ENOMEM;
		sql(db, "BEGIN");
		if (status == 0)
			status = gt_runs_put(runs, GT_RUN_ID, e);
		if (status == 0)
			status = gt_runs_get(runs, GT_RUN_ID, 9, 9, &value);
		if (status == 0)
			status = gt_runs_erase(runs, GT_RUN_TERM, 0, 1);
		if (status == 0)
			status = gt_runs_work(runs, 2, &more);
		if (status == 0)
			runs->most_names = 2;
		if (status == 0)
			status = gt_runs_commit(runs);
		struct gt_postings *p =
		        status == 0 ? gt_postings_new(runs, 0) : NULL;
		if (status == 0)
			status = p ? gt_postings_seek(p, 9, false, &found)
			           : -GT_ENOMEM;
		gt_postings_free(p);
		bool hit = nomem_hit();
		assert_int_equal(status < 0 ? status : 0, hit ? -GT_ENOMEM : 0);
		gt_runs_free(runs);
		runs = NULL;
		sql(db, "ROLLBACK");
		assert_int_equal(number(db, "SELECT count(*) FROM run"),
		                 before);
	}
	begin_runs();
	assert_reader();
}

/* What was erased is in no byte of it. */
static void gone(void **state)
{
	static const uint8_t name[16] = "\xde\xad\xbe\xef__secret__\xca\xfe";
	struct gt_run_entry e = gt_run_unkey(name);
	bool more = true;
	int64_t value;
	(void)state;
	memset(&now, 0, sizeof now);
	for (int i = 0; i < 40; i++) {
		sql(db, "BEGIN");
		e.value = i + 1;
		assert_int_equal(gt_runs_put(runs, GT_RUN_ID, e), 0);
		put_name();
		assert_int_equal(gt_runs_work(runs, i > 20, &more), 0);
		assert_int_equal(gt_runs_commit(runs), 0);
		sql(db, "COMMIT");
	}
	sql(db, "BEGIN");
	assert_int_equal(gt_runs_erase(runs, GT_RUN_ID, e.hi, e.lo), 0);
	assert_int_equal(gt_runs_get(runs, GT_RUN_ID, e.hi, e.lo, &value), 0);
	assert_int_equal(gt_runs_commit(runs), 0);
	sql(db, "COMMIT");
	while (more) {
		sql(db, "BEGIN");
		assert_int_equal(gt_runs_work(runs, 9, &more), 0);
		sql(db, "COMMIT");
	}
	assert_int_equal(gt_runs_get(runs, GT_RUN_ID, e.hi, e.lo, &value), 0);
	assert_int_equal(number(db,
	                        "SELECT (SELECT count(*) FROM run_block WHERE"
	                        " instr(body,x'5f5f7365637265745f5f'))+"
	                        "(SELECT count(*) FROM run_tail WHERE"
	                        " instr(body,x'5f5f7365637265745f5f'))+"
	                        "(SELECT count(*) FROM run_group WHERE"
	                        " instr(guide,x'5f5f736563') OR"
	                        " instr(first,x'5f5f736563'))"),
	                 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(model, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(each, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(large, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(damage, set_up, tear_down),
	        cmocka_unit_test_setup_teardown(without_memory, set_up,
	                                        tear_down),
	        cmocka_unit_test_setup_teardown(gone, set_up, tear_down)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
