/* u_era.c: clocks that were wrong, and readers who read on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "nodes.h"
#include "read.h"
#include "stored.h"

enum { TOP, MID, BACKUP, YEARS = 10, HOUR = 3600000, DAY = 86400000 };
#define DECADE (YEARS * 365 * 86400000LL)

static const char *last(struct nodes *t, unsigned i, const char *column)
{
	return nodes_text(t, i,
	                  "SELECT %s FROM record ORDER BY seq DESC LIMIT 1",
	                  column);
}

static int64_t stored(struct nodes *t, unsigned i)
{
	return atoll(last(t, i, "stored_ms"));
}

/* A reader of node i, who asks for what came since a moment he was told of. */
struct follower {
	struct nodes *t;
	unsigned node;
	char since[GT_STORED_CHARS];
	bool cut; /* he keeps no more than milliseconds */
	char seen[2000];
};

static struct gt_reader *reader_of(struct nodes *t, unsigned i)
{
	char why[200];
	sqlite3 *db;
	assert_int_equal(sqlite3_open_v2(nodes_path(t, i), &db,
	                                 SQLITE_OPEN_READONLY, NULL),
	                 SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	return r;
}

/* What the daemon tells, in a node at rest. */
static void consistent(struct nodes *t, unsigned i, char out[GT_STORED_CHARS])
{
	static int64_t era;
	struct gt_node_clock c;
	gt_node_clock(t->v[i].node, &c);
	if (c.era != era)
		t->now.told_ms = 0;
	era = c.era;
	int64_t ms = t->now.wall_ms - 1;
	if (ms < c.stored_ms)
		ms = c.stored_ms;
	if (ms > t->now.told_ms)
		t->now.told_ms = ms;
	gt_stored_format(out, t->now.told_ms, c.era);
}

/* The ids that are new to him, in order. */
static const char *follow(struct follower *f)
{
	static char fresh[400];
	struct gt_buffer out = {0};
	char until[GT_STORED_CHARS];
	struct gt_statements_query q = {.since_ms = INT64_MIN,
	                                .until_ms = INT64_MAX,
	                                .ascending = true,
	                                .limit = 100,
	                                .bytes = 1 << 20};
	size_t i, n = 0;
	json_t *row;
	consistent(f->t, f->node, until);
	if (f->cut) {
		until[23] = 'Z';
		until[24] = '\0';
	}
	if (*f->since)
		assert_true(
		        gt_stored_parse(&q.since_ms, &q.since_mark, f->since));
	assert_true(gt_stored_parse(&q.until_ms, &q.until_mark, until));
	struct gt_reader *r = reader_of(f->t, f->node);
	gt_buffer_str(&out, "[");
	assert_int_equal(gt_read_statements(r, &q, &out), 0);
	gt_buffer_str(&out, "]");
	gt_reader_free(r);
	json_t *v = json_loadb((const char *)out.p, out.n, 0, NULL);
	assert_non_null(v);
	gt_buffer_free(&out);
	*fresh = '\0';
	json_array_foreach(v, i, row)
	{
		const char *id = json_string_value(json_object_get(row, "id"));
		gt_format(fresh + n, sizeof fresh - n, "%s%ld", n ? " " : "",
		          strtol(id, NULL, 16));
		n = strlen(fresh);
	}
	json_decref(v);
	gt_copy(f->since, sizeof f->since, until);
	return fresh;
}

static void hand_in(struct nodes *t, unsigned i, uint32_t n)
{
	t->now.mono_ms += 10;
	t->now.wall_ms += 10;
	assert_int_equal(nodes_statements(t, i, n, 1, 0), 0);
}

/* One second ten years ahead: what is stored after it bears the right times,
 * and so does what brings none of its own. */
static void a_second_ten_years_ahead(void **state)
{
	struct nodes *t = *state;
	struct follower exact = {.t = t, .node = MID};
	struct follower cut = {.t = t, .node = MID, .cut = true};
	hand_in(t, MID, 1);
	assert_string_equal(follow(&exact), "1");
	assert_string_equal(follow(&cut), "1");
	t->now.wall_ms += DECADE;
	hand_in(t, MID, 2);
	assert_int_equal(stored(t, MID), t->now.wall_ms);
	assert_string_equal(follow(&exact), "2");
	assert_string_equal(follow(&cut), "2");
	t->now.wall_ms -= DECADE;
	hand_in(t, MID, 3);
	assert_int_equal(stored(t, MID), t->now.wall_ms);
	assert_int_equal(atoll(last(t, MID, "origin_ms")), t->now.wall_ms);
	assert_string_equal(follow(&exact), "3");
	assert_string_equal(follow(&cut), "3");
	assert_string_equal(follow(&exact), "");
	hand_in(t, MID, 4);
	assert_string_equal(follow(&exact), "4");
	assert_string_equal(follow(&cut), "4");
	/* the operator is told */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event="
	                           "'note' AND kind='clock'"),
	                 2);
	/* a start, and nothing is spoilt */
	t->now.told_ms = 0;
	nodes_restart(t, MID);
	hand_in(t, MID, 5);
	assert_int_equal(stored(t, MID), t->now.wall_ms);
	assert_string_equal(follow(&exact), "5");
	assert_string_equal(follow(&cut), "5");
}

/* Wrong from a start to the next. */
static void wrong_between_two_starts(void **state)
{
	struct nodes *t = *state;
	struct follower exact = {.t = t, .node = MID};
	hand_in(t, MID, 1);
	assert_string_equal(follow(&exact), "1");
	for (int64_t by = -DECADE; by <= DECADE; by += 2 * DECADE) {
		uint32_t n = by < 0 ? 10 : 20;
		t->now.told_ms = 0;
		t->now.wall_ms += by;
		nodes_restart(t, MID);
		hand_in(t, MID, n);
		assert_int_equal(stored(t, MID), t->now.wall_ms);
		assert_string_equal(follow(&exact), by < 0 ? "10" : "20");
		t->now.told_ms = 0;
		t->now.wall_ms -= by;
		nodes_restart(t, MID);
		hand_in(t, MID, n + 1);
		assert_int_equal(stored(t, MID), t->now.wall_ms);
		assert_string_equal(follow(&exact), by < 0 ? "11" : "21");
	}
}

/* A clock that goes back by less than a second is waited for; what is stored
 * is later than what readers were told of. */
static void within_an_era(void **state)
{
	struct nodes *t = *state;
	struct follower exact = {.t = t, .node = MID};
	hand_in(t, MID, 1);
	assert_string_equal(follow(&exact), "1");
	int64_t was = stored(t, MID);
	t->now.wall_ms -= 500;
	hand_in(t, MID, 2);
	assert_true(stored(t, MID) > was);
	assert_string_equal(follow(&exact), "2");
	hand_in(t, MID, 3);
	assert_string_equal(follow(&exact), "3");
	assert_int_equal(nodes_int(t, MID, "SELECT max(era) FROM clock_era"),
	                 1);
}

/* What an earlier program stored, whose clock was once ahead, keeps its times;
 * what is stored from now on does not bear them. */
static void kept_rows(void **state)
{
	struct nodes *t = *state;
	for (uint32_t n = 1; n <= 4; n++)
		hand_in(t, MID, n);
	char sql[200];
	gt_format(sql, sizeof sql,
	          "DROP TABLE clock_era;UPDATE record SET stored_ms=%lld"
	          " WHERE seq>2",
	          (long long)(t->now.wall_ms + DECADE));
	assert_int_equal(sqlite3_exec(t->v[MID].db, sql, NULL, NULL, NULL),
	                 SQLITE_OK);
	t->now.told_ms = 0;
	nodes_restart(t, MID);
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT group_concat(era || ' ' || seq || ' ' || "
	                   "cause, '; ') FROM clock_era"),
	        "0 1 0; 1 3 4; 2 5 2");
	hand_in(t, MID, 5);
	assert_int_equal(stored(t, MID), t->now.wall_ms);
	/* what the earlier program told of the newest: a moment before it */
	struct follower f = {.t = t, .node = MID};
	gt_stored_format(f.since, t->now.wall_ms + DECADE - 11, 0);
	assert_string_equal(follow(&f), "3 4 5");
	assert_string_equal(follow(&f), "");
	/* somebody's own clock */
	struct follower own = {.t = t, .node = MID};
	gt_stored_format(own.since, t->now.wall_ms - 1, 0);
	assert_string_equal(follow(&own), "5");
}

/* The times of a child are its own; the parent's are not spoilt by them. */
static void a_childs_clock(void **state)
{
	struct nodes *t = *state;
	t->now.wall_ms += DECADE;
	hand_in(t, MID, 1);
	t->now.wall_ms -= DECADE;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_true(stored(t, TOP) <= t->now.wall_ms + 10);
	assert_true(atoll(last(t, TOP, "origin_ms")) > t->now.wall_ms);
	hand_in(t, TOP, 2);
	assert_int_equal(stored(t, TOP), t->now.wall_ms);
}

/* A backup comes back on a machine whose clock goes on from then until it is
 * set: the eras that are forgotten and those that come have other numbers. */
static void after_a_restore(void **state)
{
	struct nodes *t = *state;
	struct follower exact = {.t = t, .node = MID};
	hand_in(t, MID, 1);
	assert_string_equal(follow(&exact), "1");
	nodes_snapshot(t, MID, BACKUP);
	struct gt_now then = t->now;
	for (uint32_t n = 2; n < 5; n++) {
		t->now.wall_ms += DAY;
		t->now.told_ms = 0;
		nodes_restart(t, MID);
		hand_in(t, MID, n);
	}
	assert_string_equal(follow(&exact), "2 3 4");
	t->now.wall_ms = then.wall_ms + 1000;
	t->now.told_ms = 0;
	t->v[MID].restored = true;
	nodes_restore(t, MID, BACKUP);
	t->v[MID].restored = false;
	hand_in(t, MID, 5);
	t->now.wall_ms += 4LL * DAY; /* it is set */
	hand_in(t, MID, 6);
	assert_string_equal(follow(&exact), "5 6");
	assert_string_equal(follow(&exact), "");
	/* once more, from a clock that is behind what is stored after it */
	nodes_snapshot(t, MID, BACKUP);
	t->now.wall_ms += DAY;
	hand_in(t, MID, 7);
	t->now.told_ms = 0;
	nodes_restart(t, MID);
	t->now.wall_ms += DAY;
	hand_in(t, MID, 8);
	assert_string_equal(follow(&exact), "7 8");
	t->now.wall_ms -= DAY;
	t->now.told_ms = 0;
	t->v[MID].restored = true;
	nodes_restore(t, MID, BACKUP);
	t->v[MID].restored = false;
	hand_in(t, MID, 9);
	assert_string_equal(follow(&exact), "9");
}

/* A machine that slept knows by how much; that its clock went on is right. */
static void a_night_asleep(void **state)
{
	struct nodes *t = *state;
	static const char told[] = "SELECT count(*) FROM audit WHERE"
	                           " event='note' AND kind='clock'";
	struct follower exact = {.t = t, .node = MID};
	hand_in(t, MID, 1);
	t->now.wall_ms += DAY;
	t->now.slept_ms += DAY;
	hand_in(t, MID, 2);
	assert_int_equal(stored(t, MID), t->now.wall_ms);
	assert_string_equal(follow(&exact), "1 2");
	assert_int_equal(nodes_int(t, MID, told), 0);
	assert_int_equal(nodes_int(t, MID, "SELECT max(era) FROM clock_era"),
	                 1);
	/* it slept an hour, and its clock says that it was a day */
	t->now.wall_ms += DAY;
	t->now.slept_ms += HOUR;
	hand_in(t, MID, 3);
	assert_int_equal(nodes_int(t, MID, told), 1);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT step_ms FROM clock_era ORDER BY era"
	                           " DESC LIMIT 1"),
	                 DAY - HOUR);
	assert_string_equal(follow(&exact), "3");
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_second_ten_years_ahead),
	        T(wrong_between_two_starts),
	        T(within_an_era),
	        T(kept_rows),
	        T(a_childs_clock),
	        T(after_a_restore),
	        T(a_night_asleep),
	};
	return cmocka_run_group_tests_name("era", tests, NULL, NULL);
}
