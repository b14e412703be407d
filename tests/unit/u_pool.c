/* u_pool.c: what stays at a node is told of as groups, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "demand.h"
#include "nodes.h"
#include "read.h"

enum { TOP, MID, LOW };

/* Noon of 2026-10-10 and of 2026-11-10. */
static const int64_t october = 1791604800000, november = 1794283200000,
                     december = 1796875200000;

static int three(void **state)
{
	struct nodes *t = nodes_new();
	nodes_dir_new(t);
	t->now.wall_ms = october;
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, MID, "3301", "33", nodes_path(t, MID));
	nodes_open(t, LOW, "330106", "3301", nodes_path(t, LOW));
	nodes_enrol(t);
	*state = t;
	return 0;
}

/* Node i's layer: one rule, for what goes to that level ("": any). */
static void demand(struct nodes *t, unsigned i, const char *level,
                   Gt__Treatment treatment, uint32_t k)
{
	static uint64_t token = 5000;
	Gt__Layer m;
	Gt__Demand d, *list = &d;
	char *levels = gt_lend(level);
	static char name[] = "the rule";
	gt__layer__init(&m);
	gt__demand__init(&d);
	m.fallback = GT__VERDICT__MIRROR;
	m.demands = &list;
	m.n_demands = 1;
	d.name = name;
	d.treatment = treatment;
	d.levels = &levels;
	d.n_levels = *level != '\0';
	d.group = treatment == GT__TREATMENT__TREAT_AGGREGATE ? k : 0;
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .token = ++token,
	                     .body = gt_arena_pack(t->arena, &m.base)};
	assert_int_equal(nodes_event(t, i, &e), 0);
	assert_int_equal(nodes_last(t, i, GT_ACT_REPLY, 0)->a.status, 0);
}

/* n learners, from `who` on, do something once each at node i. */
static void learn(struct nodes *t, unsigned i, unsigned who, unsigned n,
                  const char *activity)
{
	static uint64_t token = 9000;
	static unsigned id;
	for (unsigned k = 0; k < n; k++) {
		char body[400], why[200];
		struct gt_statement s;
		gt_format(body, sizeof body,
		          "{\"id\":\"%08x-0000-4000-8000-000000000000\","
		          "\"actor\":{\"mbox\":\"mailto:w%u@b.cn\"},\"verb\":{"
		          "\"id\":\"http://v.cn/1\"},\"object\":{\"id\":"
		          "\"http://o.cn/%s\"}}",
		          ++id, who + k, activity);
		assert_int_equal(gt_statements_parse(gt_bytes_str(body),
		                                     GT_XAPI_ANY, NULL, 0, &s,
		                                     1, why, sizeof why),
		                 1);
		s.authority = "{\"mbox\":\"mailto:t@b.cn\"}";
		struct gt_event e = {.type = GT_EV_STATEMENTS,
		                     .token = ++token,
		                     .statements = &s,
		                     .count = 1};
		assert_int_equal(nodes_event(t, i, &e), 0);
		assert_int_equal(nodes_last(t, i, GT_ACT_REPLY, 0)->a.status,
		                 0);
	}
}

static void up(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
}

static void go_on(struct nodes *t, int64_t to_ms)
{
	t->now.wall_ms = to_ms;
	nodes_minute(t, LOW);
	nodes_minute(t, LOW);
}

static int64_t count(struct nodes *t, unsigned i, const char *what)
{
	return nodes_int(t, i, "SELECT count(*) FROM %s", what);
}

#define CELLS "record WHERE policy GLOB 'aggregate:*'"

/* Learners of all the cells node i has. */
static int64_t told(struct nodes *t, unsigned i)
{
	return nodes_int(t, i,
	                 "SELECT ifnull(sum(substr(policy,11,"
	                 "instr(policy,'@')-11)),0) FROM " CELLS);
}

static void settled(struct nodes *t)
{
	for (unsigned i = MID; i <= LOW; i++) {
		assert_int_equal(nodes_status(t, i)->records_waiting, 0);
		assert_int_equal(nodes_status(t, i)->records_unrooted, 0);
	}
	for (unsigned i = TOP; i <= LOW; i++)
		assert_int_equal(count(t, i, "quarantine"), 0);
}

/* No learner of the county is in a byte of the rows above. */
static void nobody_above(struct nodes *t)
{
	for (unsigned i = TOP; i <= MID; i++)
		assert_int_equal(count(t, i,
		                       "record WHERE instr(body,'@b.cn') OR "
		                       "instr(authority,'@b.cn')"),
		                 0);
}

/* As people are shown it, at node i: the first of them. */
static void shown(struct nodes *t, unsigned i, const char *as)
{
	sqlite3 *db;
	char why[300];
	assert_int_equal(sqlite3_open(nodes_path(t, i), &db), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	json_t *v = gt_read_groups(r, 0, 1);
	assert_non_null(v);
	json_t *list = json_object_get(v, "groups");
	assert_int_equal(json_array_size(list), 1);
	json_t *one = json_array_get(list, 0);
	json_object_del(one, "counted");
	json_object_del(one, "seq");
	json_t *is = json_loads(as, 0, NULL);
	assert_true(json_equal(one, is));
	json_decref(is);
	json_decref(v);
	gt_reader_free(r);
}

/* What tells of groups is nobody's deed in a report. */
static void reported(struct nodes *t)
{
	sqlite3 *db;
	char why[300];
	assert_int_equal(sqlite3_open(nodes_path(t, TOP), &db), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	struct gt_report_query q = {
	        .by = {GT_REPORT_VERB}, .nby = 1, .level = -1};
	int status = 0;
	json_t *v = gt_read_report(r, &q, &status);
	assert_non_null(v);
	assert_int_equal(json_array_size(json_object_get(v, "rows")), 0);
	json_decref(v);
	gt_reader_free(r);
}

static void a_month_is_told_of_when_it_is_over(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 7, "a");
	learn(t, LOW, 1, 6, "b");
	up(t);
	settled(t);
	assert_int_equal(count(t, MID, "record"), 0);
	go_on(t, november);
	settled(t);
	assert_int_equal(count(t, LOW, CELLS), 2);
	assert_int_equal(count(t, MID, CELLS), 2);
	assert_int_equal(count(t, TOP, CELLS), 2);
	assert_int_equal(count(t, TOP, "record"), 2);
	assert_int_equal(told(t, TOP), 13);
	assert_string_equal(
	        nodes_text(t, TOP, "SELECT min(policy) FROM " CELLS),
	        "aggregate:6@330106/1");
	assert_string_equal(
	        nodes_text(t, TOP,
	                   "SELECT json_extract(body,'$.object.id')||' '||"
	                   "json_extract(body,'$.timestamp') FROM " CELLS
	                   " ORDER BY policy DESC LIMIT 1"),
	        "http://o.cn/a 2026-09-30T16:00:00.000Z");
	nobody_above(t);
	reported(t);
	shown(t, TOP,
	      "{\"region\":\"330106\",\"verb\":\"http://v.cn/1\","
	      "\"activity\":\"http://o.cn/a\",\"month\":\"2026-10\","
	      "\"statements\":7,\"learners\":7}");
	assert_string_equal(
	        nodes_text(t, LOW,
	                   "SELECT detail FROM audit WHERE event='count'"),
	        "groups=2 looked=13");
	/* not again: not this month, not the next, not after a start */
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, MID, true);
	go_on(t, december);
	settled(t);
	assert_int_equal(count(t, TOP, "record"), 2);
}

/* What of a month was too rare to be told of is, when there is more of it. */
static void what_is_rare_waits(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 3, "a");
	up(t);
	go_on(t, november);
	assert_int_equal(count(t, TOP, "record"), 0);
	assert_int_equal(count(t, LOW, "pool WHERE cell=0"), 3);
	learn(t, LOW, 11, 6, "b");
	go_on(t, december);
	/* three of October stay: then six of November do too, for else three
	 * would be left */
	assert_int_equal(count(t, TOP, "record"), 0);
	learn(t, LOW, 21, 5, "c");
	go_on(t, december + 31 * INT64_C(86400000));
	assert_int_equal(told(t, TOP), 6);
	assert_int_equal(count(t, LOW, "pool WHERE cell=0"), 8);
	settled(t);
}

/* It was told of: it does not go up itself, whatever is demanded later. */
static void what_was_counted_stays_when_the_rule_goes(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 6, "a");
	nodes_snapshot(t, MID, 3);
	up(t);
	go_on(t, november);
	assert_int_equal(told(t, TOP), 6);
	demand(t, LOW, "city", GT__TREATMENT__TREAT_PASS, 0);
	/* the city forgets, and is sent all again */
	t->v[MID].restored = true;
	nodes_restore(t, MID, 3);
	up(t);
	nodes_pass(t, 20000);
	settled(t);
	nobody_above(t);
	assert_int_equal(count(t, TOP, "record"), 1);
	learn(t, LOW, 7, 1, "a");
	nodes_pass(t, 20000);
	assert_int_equal(count(t, TOP, "record"), 2);
}

/* What the parent may have as it is is in no group. */
static void what_went_before_is_not_counted(void **state)
{
	struct nodes *t = *state;
	learn(t, LOW, 1, 6, "a");
	nodes_snapshot(t, MID, 3);
	up(t);
	assert_int_equal(count(t, TOP, "record"), 6);
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	t->v[MID].restored = true;
	nodes_restore(t, MID, 3);
	learn(t, LOW, 11, 5, "b");
	up(t);
	go_on(t, november);
	settled(t);
	assert_int_equal(told(t, TOP), 5);
	assert_int_equal(count(t, TOP, "record"), 7);
}

static bool nothing_up(struct nodes *t, struct message *m)
{
	return !(t->hooked && !m->reply && m->to == MID && m->nhead > 150);
}

/* Made, and on its way, when more is demanded. */
static void a_narrowed_rule_holds_for_a_report_in_flight(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 6, "a");
	learn(t, LOW, 1, 9, "b");
	t->hook = nothing_up;
	up(t);
	t->hooked = 1; /* it is lost */
	go_on(t, november);
	assert_int_equal(count(t, LOW, CELLS), 2);
	assert_int_equal(count(t, MID, "record"), 0);
	t->hooked = 0;
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 8);
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, MID, true);
	go_on(t, november);
	settled(t);
	assert_int_equal(told(t, TOP), 9); /* the six are too few by now */
	assert_int_equal(count(t, TOP, "record"), 1);
	/* and are not told of in another group either */
	go_on(t, december);
	assert_int_equal(count(t, TOP, "record"), 1);
	assert_int_equal(count(t, LOW, CELLS), 2);
}

static void what_is_dropped_by_then_is_not_counted(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 6, "a");
	up(t);
	demand(t, LOW, "city", GT__TREATMENT__TREAT_DROP, 0);
	go_on(t, november);
	settled(t);
	assert_int_equal(count(t, TOP, "record"), 0);
	assert_int_equal(count(t, LOW, CELLS), 0);
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	go_on(t, december);
	assert_int_equal(count(t, TOP, "record"), 0);
}

/* Of a backup that is put back nobody knows whom it told of. before: what is in
 * it was not looked at yet. */
static void back_up(struct nodes *t, bool before)
{
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 6, "a");
	if (before)
		nodes_snapshot(t, LOW, 3);
	up(t);
	if (!before)
		nodes_snapshot(t, LOW, 3);
	learn(t, LOW, 7, 1, "a");
	nodes_pass(t, 20000);
	go_on(t, november);
	assert_int_equal(told(t, TOP), 7);
	t->v[LOW].restored = true;
	nodes_restore(t, LOW, 3);
	nodes_wire(t, LOW, MID, true);
	go_on(t, november);
	learn(t, LOW, 21, 5, "b");
	go_on(t, december);
	settled(t);
	assert_int_equal(count(t, TOP, "record"), 2);
	assert_int_equal(told(t, TOP), 12);
	nobody_above(t);
}

static void a_backup_tells_of_nothing_twice(void **state)
{
	back_up(*state, false);
}

static void nor_does_one_of_before_it_was_looked_at(void **state)
{
	back_up(*state, true);
}

/* At the city's edge: what comes from the counties is counted together, and a
 * county that counts itself is passed on. */
static void the_city_counts_what_the_county_gives(void **state)
{
	struct nodes *t = *state;
	demand(t, TOP, "province", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 4, "a");
	learn(t, MID, 11, 1, "a");
	up(t);
	settled(t);
	assert_int_equal(count(t, MID, "record"), 5);
	go_on(t, november);
	/* 4 + 1: each knows the other's */
	assert_int_equal(count(t, TOP, "record"), 0);
	learn(t, MID, 12, 4, "a");
	learn(t, LOW, 5, 1, "a");
	go_on(t, december);
	assert_int_equal(count(t, TOP, "record"), 0);
	learn(t, MID, 16, 5, "b");
	learn(t, LOW, 31, 5, "b");
	nodes_pass(t, 20000);
	go_on(t, december + 31 * INT64_C(86400000));
	settled(t);
	assert_int_equal(count(t, TOP, CELLS), 1);
	assert_int_equal(told(t, TOP), 10);
	assert_int_equal(count(t, TOP, "record"), 1);
}

/* Somebody below says that it is a count, and it is somebody's record. */
static void what_says_it_is_a_count_is_looked_at(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", GT__TREATMENT__TREAT_AGGREGATE, 5);
	learn(t, LOW, 1, 6, "a");
	up(t);
	go_on(t, november);
	assert_int_equal(count(t, MID, CELLS), 1);
	/* its county, run by somebody else, says more of it than it may */
	learn(t, LOW, 11, 1, "a");
	assert_int_equal(sqlite3_exec(t->v[LOW].db,
	                              "UPDATE record SET policy='aggregate:9@"
	                              "330106/1' WHERE seq=(SELECT max(seq) "
	                              "FROM record)",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_exec(t->v[LOW].db, "DELETE FROM pool", NULL,
	                              NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_exec(t->v[MID].db,
	                              "UPDATE child SET records=records-1",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	nodes_restart(t, LOW);
	nodes_restart(t, MID);
	up(t);
	nodes_pass(t, 20000);
	assert_int_equal(count(t, MID, "record"), 1);
	assert_int_equal(count(t, MID, "quarantine"), 1);
	nobody_above(t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, three, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(a_month_is_told_of_when_it_is_over),
	        T(what_is_rare_waits),
	        T(what_was_counted_stays_when_the_rule_goes),
	        T(what_went_before_is_not_counted),
	        T(a_narrowed_rule_holds_for_a_report_in_flight),
	        T(what_is_dropped_by_then_is_not_counted),
	        T(a_backup_tells_of_nothing_twice),
	        T(nor_does_one_of_before_it_was_looked_at),
	        T(the_city_counts_what_the_county_gives),
	        T(what_says_it_is_a_count_is_looked_at),
	};
	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
