/* u_salvage.c: databases of which pages cannot be read: whatever page it is, all
 * else is kept, and what is gone is known by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificate_kit.h"
#include "node_kit.h"
#include "salvage.h"

enum { PAGE = 4096, RECORDS = 120, RESOURCES = 12, BYTES = 2000 };

#define WHOLE "SELECT count(*) FROM object WHERE state=4"
/* what is published or wanted here and has no row that says how much of it is */
#define UNHELD                                                                \
	"SELECT count(*) FROM item WHERE object IS NOT NULL AND state=0 AND " \
	"(own=1 OR verdict=3) AND object NOT IN (SELECT id FROM object)"

/* The database of MID, as bytes, and where another is made. */
struct copy {
	uint8_t *p;
	size_t n;
	char bad[80], made[80];
};

static sqlite3 *opened(const char *path)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* Sums of records that may not all be there any more. */
static void added_up(struct nodes *t)
{
	sqlite3 *db = opened(nodes_path(t, MID));
	assert_int_equal(number(db, "INSERT INTO figures VALUES(2,100,x'00')"
	                            " RETURNING 1"),
	                 1);
	sqlite3_close(db);
}

static void filled(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	for (int i = 0; i < RESOURCES; i++) {
		char slug[8];
		struct pack p;
		gt_format(slug, sizeof slug, "r%d", i);
		package(&p, (unsigned)i, BYTES);
		assert_int_equal(publish(t, i % 2 ? MID : TOP, slug, &p), 0);
		pack_clear(&p);
	}
	for (uint32_t i = 0; i < RECORDS; i += 20)
		assert_int_equal(nodes_statements(t, MID, 1 + i, 20, 0), 0);
	nodes_pass(t, 20000);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"),
	                 RECORDS);
	assert_int_equal(nodes_int(t, MID, WHOLE), RESOURCES);
	nodes_stop(t, MID);
	added_up(t);
}

static void taken(struct nodes *t, struct copy *c)
{
	struct stat st;
	gt_format(c->bad, sizeof c->bad, "%s/bad", t->dir);
	gt_format(c->made, sizeof c->made, "%s/made", t->dir);
	int fd = open(nodes_path(t, MID), O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	c->n = (size_t)st.st_size;
	c->p = malloc(c->n);
	assert_non_null(c->p);
	assert_int_equal(read(fd, c->p, c->n), c->n);
	close(fd);
}

static void written(const char *path, const uint8_t *p, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static void gone(const struct copy *c)
{
	char sums[100];
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < 4; i++) {
		gt_format(sums, sizeof sums, "%s%s", c->bad, ends[i]);
		(void)unlink(sums);
		gt_format(sums, sizeof sums, "%s%s", c->made, ends[i]);
		(void)unlink(sums);
	}
}

/* What is made of a file of n bytes. */
static int salvaged_from(struct copy *c, const uint8_t *p, size_t n,
                         struct gt_salvaged *out)
{
	char why[300] = "";
	gone(c);
	written(c->bad, p, n);
	sqlite3 *from = opened(c->bad), *to = opened(c->made);
	int status = gt_salvage(from, to, "3301", false, out, why, sizeof why);
	sqlite3_close(from);
	if (status != 0)
		assert_true(*why != '\0');
	return status;
}

/* n pages from the first on are nothing but zeros, or noise. */
static int salvaged(struct copy *c, size_t first, size_t n, int with,
                    struct gt_salvaged *out)
{
	uint8_t *p = malloc(c->n);
	assert_non_null(p);
	memcpy(p, c->p, c->n);
	memset(p + first * PAGE, with, n * PAGE);
	int status = salvaged_from(c, p, c->n, out);
	free(p);
	return status;
}

static uint64_t holes(const struct gt_salvaged *s, const char *table)
{
	uint64_t all = 0;
	for (size_t i = 0; i < s->ntables; i++)
		if (!table || strcmp(s->tables[i].name, table) == 0)
			all += s->tables[i].holes;
	return all;
}

/* What is kept, and what is known to be gone, is all there was. */
static void looked_at(const struct copy *c, const struct gt_salvaged *s)
{
	sqlite3 *db = opened(c->made);
	sqlite3_stmt *st;
	sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	int64_t kept = number(db, "SELECT count(*) FROM record");
	int64_t named = number(db, "SELECT count(*) FROM spoilt");
	if (holes(s, "record") == 0)
		assert_int_equal(kept, RECORDS);
	assert_int_equal(kept + named, RECORDS);
	assert_int_equal(s->asked, named);
	assert_int_equal(s->gone, 0);
	assert_int_equal(number(db, "SELECT seq FROM sqlite_sequence WHERE "
	                            "name='record'"),
	                 RECORDS);
	if (holes(s, "item") == 0)
		assert_int_equal(
		        number(db, "SELECT count(*) FROM item WHERE kind=1"),
		        RESOURCES);
	assert_int_equal(number(db, UNHELD), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM figures"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM tally_object"),
	                 number(db, "SELECT count(DISTINCT state*2+(present>0)"
	                            ") FROM object"));
	sqlite3_close(db);
}

static void each_page(void **state)
{
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s;
	size_t refused = 0, lost = 0, none = 0;
	filled(t);
	taken(t, &c);
	for (size_t page = 0; page < c.n / PAGE; page++) {
		int status = salvaged(&c, page, 1, page % 2 ? 0 : 0xa5, &s);
		if (status != 0) {
			refused++;
			continue;
		}
		looked_at(&c, &s);
		lost += holes(&s, "record") > 0;
		none += holes(&s, NULL) == 0;
	}
	/* what tables there are stands on the first pages */
	assert_true(refused >= 1 && refused < 8);
	assert_true(lost > 5);
	assert_true(none > 5); /* indexes, and what is free */
	gone(&c);
	free(c.p);
}

/* Of a file that was cut short what is left is kept. Where an index lost its
 * end, some that is gone has no name any more. */
static void cut_short(void **state)
{
	static const size_t odd[] = {0, 1, 100, 512, 2048, PAGE - 1};
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s;
	size_t done = 0;
	filled(t);
	taken(t, &c);
	for (size_t page = 0; page < c.n / PAGE; page++) {
		size_t n = page * PAGE + odd[page % 6];
		if (salvaged_from(&c, c.p, n, &s) != 0) {
			assert_int_equal(done, 0);
			continue;
		}
		sqlite3 *db = opened(c.made);
		int64_t kept = number(db, "SELECT count(*) FROM record");
		assert_true(kept <= RECORDS);
		sqlite3_close(db);
		done++;
	}
	/* the tables' names stand on the first pages, and some behind: once
	 * they are there, all else may be missing */
	assert_true(done > 5);
	assert_int_equal(salvaged_from(&c, c.p, c.n - PAGE, &s), 0);
	assert_int_equal(salvaged_from(&c, c.p, c.n - 1, &s), 0);
	gone(&c);
	free(c.p);
}

/* What stands behind the end is no part of it. */
static void too_long(void **state)
{
	static const size_t more[] = {1, 700, PAGE, 5 * PAGE + 3};
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s;
	filled(t);
	taken(t, &c);
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		uint8_t *p = malloc(c.n + more[i]);
		assert_non_null(p);
		memcpy(p, c.p, c.n);
		memset(p + c.n, 0xa5, more[i]);
		assert_int_equal(salvaged_from(&c, p, c.n + more[i], &s), 0);
		looked_at(&c, &s);
		assert_int_equal(holes(&s, NULL), 0);
		free(p);
	}
	gone(&c);
	free(c.p);
}

/* A stretch of a disk. */
static void many_pages(void **state)
{
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s;
	size_t done = 0;
	filled(t);
	taken(t, &c);
	for (size_t page = 4; page + 8 < c.n / PAGE; page += 5) {
		if (salvaged(&c, page, 8, 0, &s) != 0)
			continue;
		sqlite3 *db = opened(c.made);
		assert_true(number(db, "SELECT count(*) FROM record") > 0 ||
		            s.asked > 0 || s.restored);
		sqlite3_close(db);
		done++;
	}
	assert_true(done > 3);
	gone(&c);
	free(c.p);
}

/* Without the last page that holds some of the table. */
static void without(struct copy *c, const char *table, struct gt_salvaged *s)
{
	size_t page = c->n / PAGE - 1;
	while (page > 0 &&
	       (salvaged(c, page, 1, 0, s) != 0 || holes(s, table) == 0))
		page--;
	assert_true(page > 0);
}

/* MID, with the database that was made. */
static void resumed(struct nodes *t, const struct copy *c)
{
	char command[300];
	gt_format(command, sizeof command, "cp %s %s && rm -f %s-*", c->made,
	          nodes_path(t, MID), nodes_path(t, MID));
	assert_int_equal(system(command), 0);
	nodes_restart(t, MID);
}

/* The node goes on with what is left, and neighbours bring back the rest. */
static void it_goes_on(void **state)
{
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s = {0};
	filled(t);
	taken(t, &c);
	without(&c, "record", &s);
	assert_true(s.asked > 0);
	resumed(t, &c);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, s.asked);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(nodes_status(t, MID)->records_spoilt, 0);
	assert_int_equal(nodes_status(t, MID)->records_back, s.asked);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"),
	                 RECORDS);
	assert_int_equal(nodes_statements(t, MID, 500, 1, 0), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"),
	                 RECORDS + 1);
	gone(&c);
	free(c.p);
}

/* What is above is fetched again; of what was published here it is known that it
 * was whole. */
static void objects_come_again(void **state)
{
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s = {0};
	filled(t);
	taken(t, &c);
	without(&c, "object", &s);
	resumed(t, &c);
	int64_t left = nodes_int(t, MID, WHOLE);
	assert_true(left < RESOURCES);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(nodes_int(t, MID, UNHELD), 0);
	assert_int_equal(nodes_int(t, MID,
	                           WHOLE " AND id IN (SELECT object FROM item "
	                                 "WHERE own=0)"),
	                 RESOURCES / 2);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM object WHERE "
	                           "state<4 AND completed_ms=0"),
	                 0);
	gone(&c);
	free(c.p);
}

/* What was only here is named. */
/* Lists of revoked certificates that went are told again, from above and from
 * below. */
static void lists_come_again(void **state)
{
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s = {0};
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	hand_in_at(t, TOP, 1, COMPLETED, LI);
	assert_int_equal(issue_at(t, TOP, 1, ""), 0);
	json_t *one = parsed(reply_at(t, TOP));
	assert_int_equal(revoke_at(t, TOP, gt_json_member(one, "id")), 0);
	nodes_pass(t, 20000);
	is_at(t, MID, one, NULL, "revoked", true);
	nodes_stop(t, MID);
	taken(t, &c);
	without(&c, "status_list", &s);
	resumed(t, &c);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM status_list"),
	                 0);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	is_at(t, MID, one, NULL, "revoked", true);
	json_decref(one);
	gone(&c);
	free(c.p);
}

static void what_is_gone(void **state)
{
	struct nodes *t = *state;
	struct copy c;
	struct gt_salvaged s = {0};
	for (uint32_t i = 0; i < RECORDS; i += 20)
		assert_int_equal(nodes_statements(t, MID, 1 + i, 20, 0), 0);
	nodes_stop(t, MID);
	taken(t, &c);
	without(&c, "record", &s);
	assert_true(s.gone > 0 && s.asked == 0);
	assert_true(s.nnames > 0 && strlen(s.names[0]) == GT_UUID_TEXT - 1);
	sqlite3 *db = opened(c.made);
	assert_int_equal(number(db, "SELECT count(*) FROM quarantine WHERE "
	                            "reason LIKE 'lost: %' AND via='3301'"),
	                 s.gone);
	assert_int_equal(number(db, "SELECT count(*) FROM record") +
	                         (int64_t)s.gone,
	                 RECORDS);
	sqlite3_close(db);
	nodes_restart(t, MID);
	gone(&c);
	free(c.p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(each_page),        T(cut_short),   T(too_long),
	        T(many_pages),       T(it_goes_on),  T(objects_come_again),
	        T(lists_come_again), T(what_is_gone)};
	return cmocka_run_group_tests_name("salvage", tests, NULL, NULL);
}
