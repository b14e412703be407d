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
	/* a time and no place: 2 bears a later one, and will for ten years */
	assert_string_equal(follow(&cut), "2 4");
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
	assert_string_equal(follow(&cut), "2 5");
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
	/* somebody's own clock: what bears a later time counts */
	struct follower own = {.t = t, .node = MID};
	gt_stored_format(own.since, t->now.wall_ms - 1, 0);
	assert_string_equal(follow(&own), "3 4 5");
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

/* ------------------------------------------------------- any time at all */

enum { RUNS = 12, STEPS = 24, ASKED = 60 };

static uint64_t dice;

static uint32_t draw(uint32_t below)
{
	dice = dice * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(dice >> 33) % below;
}

/* Something happens to the clock, and something is stored or nothing. */
static void live(struct nodes *t, unsigned i, uint32_t *n)
{
	static const int64_t by_ms[] = {DECADE, -DECADE, DAY,   -DAY, HOUR,
	                                -HOUR,  1500,    -1500, 300};
	static int64_t right_ms; /* while it is wrong, what it would be */
	uint32_t what = draw(8);
	t->now.wall_ms += draw(5000);
	if (right_ms && draw(3) == 0) {
		t->now.wall_ms = right_ms + draw(HOUR);
		right_ms = 0;
	} else if (what == 0) { /* no battery */
		right_ms = right_ms ? right_ms : t->now.wall_ms;
		t->now.wall_ms = 2LL * 365 * DAY + draw(DAY);
	} else if (what < 3) {
		t->now.wall_ms += by_ms[draw(sizeof by_ms / sizeof *by_ms)];
	}
	if (t->now.wall_ms < DAY)
		t->now.wall_ms = DAY;
	if (what % 2 == 0) {
		t->now.told_ms = 0;
		nodes_restart(t, i);
	}
	for (uint32_t more = draw(3); more > 0; more--)
		hand_in(t, i, ++*n);
}

static int64_t stored_of(struct nodes *t, unsigned i, uint32_t seq)
{
	return nodes_int(t, i, "SELECT stored_ms FROM record WHERE seq=%u",
	                 seq);
}

/* A time about one that is borne, half way between two, or any. */
static int64_t some_time(struct nodes *t, unsigned i, uint32_t n)
{
	int64_t a = stored_of(t, i, 1 + draw(n));
	int64_t b = stored_of(t, i, 1 + draw(n));
	switch (draw(4)) {
	case 0:
		return a - 1 + draw(3);
	case 1:
		return a + (b - a) / 2;
	case 2:
		return a + ((int64_t)draw(2000) - 1000) * HOUR;
	default:
		return (int64_t)draw(70 * 365) * DAY;
	}
}

/* Which seqs are given, page by page; each once, and in order. */
static void given(struct gt_reader *r, struct gt_statements_query q, uint32_t n,
                  bool *out)
{
	uint32_t was = q.ascending ? 0 : n + 1, pages = 0;
	memset(out, 0, (n + 1) * sizeof *out);
	do {
		struct gt_buffer text = {0};
		size_t at;
		json_t *row;
		gt_buffer_str(&text, "[");
		assert_int_equal(gt_read_statements(r, &q, &text), 0);
		gt_buffer_str(&text, "]");
		json_t *v = json_loadb((const char *)text.p, text.n, 0, NULL);
		assert_non_null(v);
		gt_buffer_free(&text);
		json_array_foreach(v, at, row)
		{
			const char *id =
			        json_string_value(json_object_get(row, "id"));
			uint32_t seq = (uint32_t)strtol(id, NULL, 16);
			assert_true(q.ascending ? seq > was : seq < was);
			assert_true(seq >= 1 && seq <= n);
			out[was = seq] = true;
		}
		json_decref(v);
		assert_true(pages++ <= n + 1);
	} while (q.low <= q.high);
}

#define HOLDS "(begin_ms-1<=%lld AND (end_ms IS NULL OR end_ms>=%lld))"

/* That a row that bears no later time is given all the same behind a moment:
 * the clock went back between an era that may have been meant and its own. */
static bool went_back(struct nodes *t, unsigned i, uint32_t seq, int64_t ms)
{
	long long at = (long long)ms;
	return nodes_int(t, i,
	                 "SELECT count(*) FROM clock_era WHERE era<(SELECT "
	                 "max(era) FROM clock_era WHERE seq<=%u) AND (" HOLDS
	                 " OR (end_ms>%lld AND NOT EXISTS(SELECT 1 FROM "
	                 "clock_era WHERE " HOLDS ")))",
	                 seq, at, at, (long long)stored_of(t, i, seq), at,
	                 at) > 0;
}

static void ask_any(struct nodes *t, unsigned i, struct gt_reader *r,
                    uint32_t n)
{
	bool out[RUNS * STEPS * 3];
	struct gt_statements_query q = {.since_ms = INT64_MIN,
	                                .until_ms = INT64_MAX,
	                                .ascending = draw(2),
	                                .limit = 1 + draw(9),
	                                .bytes = 1 << 20};
	if (draw(4) != 0)
		q.since_ms = some_time(t, i, n);
	if (draw(3) == 0)
		q.until_ms = some_time(t, i, n);
	bool now = nodes_int(t, i,
	                     "SELECT begin_ms-1<=%lld FROM clock_era"
	                     " ORDER BY era DESC LIMIT 1",
	                     (long long)q.until_ms) != 0;
	given(r, q, n, out);
	for (uint32_t seq = 1; seq <= n; seq++) {
		int64_t ms = stored_of(t, i, seq);
		bool since = ms > q.since_ms, until = ms <= q.until_ms;
		if (since && until && !out[seq])
			fail_msg("%u, stored %lld, is not given since %lld "
			         "until %lld",
			         seq, (long long)ms, (long long)q.since_ms,
			         (long long)q.until_ms);
		if (out[seq] && !since)
			assert_true(went_back(t, i, seq, q.since_ms));
		if (out[seq] && !until)
			assert_true(now);
	}
}

/* Whatever the clock did and whatever time is asked for: what bears a later one
 * is given, and nothing twice. */
static void any_time_loses_nothing(void **state)
{
	struct nodes *t = *state;
	uint32_t n = 0;
	dice = 2026;
	for (unsigned run = 0; run < RUNS; run++) {
		for (unsigned step = 0; step < STEPS; step++)
			live(t, MID, &n);
		struct gt_reader *r = reader_of(t, MID);
		for (unsigned asked = 0; asked < ASKED; asked++)
			ask_any(t, MID, r, n);
		gt_reader_free(r);
	}
	assert_true(n > RUNS * STEPS / 2);
}

/* A machine without a battery: it boots in 1972, and is set right. */
static void a_clock_without_a_battery(void **state)
{
	struct nodes *t = *state;
	uint32_t n = 0;
	for (unsigned day = 0; day < 3; day++) {
		bool out[20] = {false};
		struct gt_statements_query q = {.since_ms = t->now.wall_ms -
		                                            30LL * DAY,
		                                .until_ms = INT64_MAX,
		                                .ascending = true,
		                                .limit = 100,
		                                .bytes = 1 << 20};
		hand_in(t, MID, ++n);
		hand_in(t, MID, ++n);
		int64_t right = t->now.wall_ms + DAY;
		t->now.wall_ms = 2LL * 365 * DAY;
		t->now.told_ms = 0;
		nodes_restart(t, MID);
		t->now.wall_ms += 1500;
		t->now.mono_ms += 1500;
		struct gt_reader *r = reader_of(t, MID);
		given(r, q, n, out);
		for (uint32_t seq = day * 2 + 1; seq <= n; seq++)
			assert_true(out[seq]);
		gt_reader_free(r);
		t->now.wall_ms = right;
		hand_in(t, MID, ++n);
		r = reader_of(t, MID);
		q.since_ms = right - 60LL * DAY;
		given(r, q, n, out);
		for (uint32_t seq = 1; seq <= n; seq++)
			assert_true(out[seq]);
		gt_reader_free(r);
	}
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
	        T(a_clock_without_a_battery),
	        T(any_time_loses_nothing),
	};
	return cmocka_run_group_tests_name("era", tests, NULL, NULL);
}
