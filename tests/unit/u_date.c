/* u_date.c: how new the roster is known to be (catalogue/date.c, PROTOCOL.md
 * M35): dates go down and never back, only good ones; without them new entries
 * are refused, and taken up again, none lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "signed.h"

enum { TOP, MID, LOW };

#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS   (INT64_C(3600) * 1000)
#define WARN_MS   (7 * GT_DAY_MS)
#define LIMIT_MS  (30 * GT_DAY_MS)

static struct gt_key dates, other;

static int open_three(void **state, const struct gt_key *key)
{
	struct nodes *t = nodes_new();
	uint8_t seed[32] = {9, 9};
	assert_int_equal(gt_key_from_seed(&dates, seed), 0);
	seed[0] = 8;
	assert_int_equal(gt_key_from_seed(&other, seed), 0);
	*state = t;
	nodes_dir_new(t);
	t->date_key = key;
	t->date_warn_ms = WARN_MS;
	t->date_limit_ms = LIMIT_MS;
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, MID, "3301", "33", nodes_path(t, MID));
	nodes_open(t, LOW, "330106", "3301", nodes_path(t, LOW));
	nodes_enrol(t);
	return 0;
}

static int three(void **state)
{
	return open_three(state, &dates);
}

static int undated(void **state)
{
	return open_three(state, NULL);
}

/* Time goes by, and everybody looks at the clock. */
static void later(struct nodes *t, int64_t ms)
{
	struct gt_event e = {.type = GT_EV_TIME};
	t->now.wall_ms += ms;
	for (unsigned i = 0; i < NODES_MAX; i++)
		if (t->v[i].node)
			assert_int_equal(nodes_event(t, i, &e), 0);
	nodes_run(t);
	nodes_pass(t, 15000);
}

static enum gt_date_state state_of(struct nodes *t, unsigned i)
{
	return nodes_status(t, i)->date;
}

static int64_t date_of(struct nodes *t, unsigned i)
{
	return nodes_status(t, i)->date_ms;
}

static int publish(struct nodes *t, const char *slug)
{
	return nodes_publish(t, TOP, slug, "course", (struct gt_bytes){0},
	                     (struct gt_bytes){0});
}

static int64_t entries(struct nodes *t, unsigned i)
{
	return nodes_int(t, i,
	                 "SELECT count(*) FROM item WHERE kind=1 AND "
	                 "verdict>0");
}

static struct gt_bytes made(struct nodes *t, const struct gt_key *key,
                            const struct gt_key *tree, int64_t at_ms,
                            uint64_t roster)
{
	Gt__Dated m;
	gt__dated__init(&m);
	struct gt_bytes out;
	m.code = gt_lend("33");
	m.tree = gt_lend_bytes(gt_bytes_of(tree->public, 32));
	m.at_ms = at_ms;
	m.roster = roster;
	struct gt_bytes body = gt_arena_pack(t->arena, &m.base);
	assert_int_equal(
	        gt_seal(key, GT__KIND__DATED, &body, 1, t->arena, &out), 0);
	return out;
}

/* What importing it says. */
static int import(struct nodes *t, unsigned i, struct gt_bytes sealed)
{
	struct gt_event e = {.type = GT_EV_MEMBERS,
	                     .token = ++t->tokens,
	                     .actor = "user:test",
	                     .members = &sealed,
	                     .count = 1};
	assert_int_equal(nodes_event(t, i, &e), 0);
	return nodes_last(t, i, GT_ACT_REPLY, 0)->a.status;
}

static void goes_down_every_hour(void **state)
{
	struct nodes *t = *state;
	int64_t start = t->now.wall_ms;
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(date_of(t, LOW), start);
	later(t, HOUR_MS - MINUTE_MS);
	assert_int_equal(date_of(t, LOW), start);
	later(t, MINUTE_MS);
	assert_true(date_of(t, TOP) >= start + HOUR_MS);
	assert_int_equal(date_of(t, LOW), date_of(t, TOP));
	assert_int_equal(state_of(t, LOW), GT_DATE_GOOD);
	/* it is there after a restart, and is not told twice */
	nodes_restart(t, LOW);
	assert_int_equal(date_of(t, LOW), date_of(t, TOP));
	nodes_clear(t, MID);
	nodes_pass(t, 40000);
	const struct done *d = nodes_replied(t, MID, GT__REPLY__BODY_CHANGES);
	assert_true(!d || d->reply->changes->date.len == 0);
}

/* An old tree has none, and goes on as it did. */
static void none_is_named(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	later(t, 1000 * GT_DAY_MS);
	assert_int_equal(state_of(t, MID), GT_DATE_OFF);
	assert_int_equal(publish(t, "a"), 0);
	nodes_run(t);
	assert_int_equal(entries(t, MID), 1);
	/* a key that nobody named signs nothing anybody takes */
	assert_int_equal(
	        import(t, MID, made(t, &dates, &t->roster, t->now.wall_ms, 9)),
	        -GT_ESIGNATURE);
}

/* The row that names the key, and the first date, in one answer. */
static void named_and_told_at_once(void **state)
{
	struct nodes *t = *state;
	t->date_key = &dates;
	nodes_restart(t, TOP);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(state_of(t, LOW), GT_DATE_OFF);
	nodes_members(t, TOP,
	              nodes_member(t, "33", t->v[TOP].key.public, 5,
	                           GT__STANDING__ACTIVE));
	nodes_run(t);
	assert_int_equal(date_of(t, LOW), t->now.wall_ms);
	/* so too above the parent */
	nodes_stop(t, LOW);
	t->date_key = NULL;
	nodes_open(t, 3, "330107", "3301", NULL);
	nodes_members(t, 3,
	              nodes_member(t, "33", t->v[TOP].key.public, 1,
	                           GT__STANDING__ACTIVE));
	nodes_members(t, 3,
	              nodes_member(t, "330107", t->v[3].key.public, 1,
	                           GT__STANDING__ACTIVE));
	nodes_members(t, TOP,
	              nodes_member(t, "330107", t->v[3].key.public, 1,
	                           GT__STANDING__ACTIVE));
	t->roster_only = true;
	nodes_wire(t, 3, TOP, true);
	nodes_run(t);
	assert_true(nodes_dropped(t, 3, "its roster is here"));
	assert_int_equal(date_of(t, 3), t->now.wall_ms);
}

static void only_good_ones(void **state)
{
	struct nodes *t = *state;
	int64_t now = t->now.wall_ms;
	struct gt_key tree = other;
	assert_int_equal(import(t, LOW, made(t, &other, &t->roster, now, 9)),
	                 -GT_ESIGNATURE);
	assert_int_equal(import(t, LOW, made(t, &dates, &tree, now, 9)),
	                 -GT_EIDENTITY);
	assert_int_equal(import(t, LOW,
	                        made(t, &dates, &t->roster,
	                             now + GT_DATE_AHEAD_MS + 1, 9)),
	                 -GT_EINVALID);
	assert_int_equal(date_of(t, LOW), 0);
	assert_int_equal(import(t, LOW, made(t, &dates, &t->roster, now, 9)),
	                 0);
	assert_int_equal(date_of(t, LOW), now);
	/* never back */
	assert_int_equal(
	        import(t, LOW, made(t, &dates, &t->roster, now - 1, 9)), 0);
	assert_int_equal(date_of(t, LOW), now);
	/* nor by a roster that lost rows */
	assert_int_equal(
	        import(t, LOW, made(t, &dates, &t->roster, now + 1, 8)),
	        -GT_ECONFLICT);
	assert_int_equal(date_of(t, LOW), now);
	/* flipped bytes are no date */
	struct gt_bytes bad = made(t, &dates, &t->roster, now + 2, 9);
	uint8_t *copy = gt_arena_copy(t->arena, bad.p, bad.n);
	copy[bad.n / 2] ^= 1;
	assert_true(import(t, LOW, gt_bytes_of(copy, bad.n)) < 0);
	assert_int_equal(date_of(t, LOW), now);
	/* one from a clock that was wrong here gives way */
	t->now.wall_ms -= 10 * GT_DAY_MS;
	now = t->now.wall_ms;
	assert_int_equal(import(t, LOW, made(t, &dates, &t->roster, now, 9)),
	                 0);
	assert_int_equal(date_of(t, LOW), now);
}

/* The parent holds dates back: it is warned of, then new entries wait; what
 * takes away is taken; and all is taken up when a date comes. */
static bool no_dates(struct nodes *t, struct message *m)
{
	if (!m->reply || !t->hooked)
		return true;
	(void)nodes_undate(m);
	return true;
}

static void frozen(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, "old"), 0);
	assert_int_equal(publish(t, "gone"), 0);
	nodes_run(t);
	assert_int_equal(entries(t, MID), 2);
	t->hook = no_dates;
	t->hooked = 1;
	later(t, WARN_MS);
	assert_int_equal(state_of(t, MID), GT_DATE_OLD);
	assert_int_equal(publish(t, "before"), 0);
	nodes_run(t);
	assert_int_equal(entries(t, MID), 3);
	later(t, LIMIT_MS - WARN_MS);
	assert_int_equal(state_of(t, MID), GT_DATE_TOO_OLD);
	assert_int_equal(state_of(t, TOP), GT_DATE_GOOD);
	assert_int_equal(publish(t, "new"), 0);
	assert_int_equal(publish(t, "old"), 0);
	assert_int_equal(nodes_withdraw(t, TOP, "gone"), 0);
	nodes_run(t);
	assert_int_equal(entries(t, MID), 3);
	assert_true(nodes_status(t, MID)->date_missed);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT state FROM item WHERE id='33/gone'"),
	        GT__STATE__WITHDRAWN);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='receive' AND result='UNDATED'"),
	                 2);
	assert_true(nodes_int(t, MID,
	                      "SELECT version FROM item WHERE id='33/old'") <
	            nodes_int(t, TOP,
	                      "SELECT version FROM item WHERE id='33/old'"));
}

static void caught_up(struct nodes *t)
{
	assert_int_equal(state_of(t, MID), GT_DATE_GOOD);
	assert_int_equal(entries(t, MID), 4);
	assert_false(nodes_status(t, MID)->date_missed);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT version FROM item WHERE id='33/old'"),
	        nodes_int(t, TOP,
	                  "SELECT version FROM item WHERE id='33/old'"));
	/* and goes on as before */
	assert_int_equal(publish(t, "next"), 0);
	nodes_run(t);
	assert_int_equal(entries(t, MID), 5);
}

static void held_back_by_the_parent(void **state)
{
	struct nodes *t = *state;
	frozen(t);
	t->hooked = 0;
	later(t, HOUR_MS);
	caught_up(t);
}

/* The same after both were started anew in between. */
static void over_a_restart(void **state)
{
	struct nodes *t = *state;
	frozen(t);
	nodes_restart(t, MID);
	assert_true(nodes_status(t, MID)->date_missed);
	assert_int_equal(state_of(t, MID), GT_DATE_TOO_OLD);
	t->hooked = 0;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	caught_up(t);
}

/* A file that was carried here brings its date: what was missed is taken up on
 * the next link. */
static void by_hand(void **state)
{
	struct nodes *t = *state;
	frozen(t);
	assert_int_equal(
	        import(t, MID, made(t, &dates, &t->roster, t->now.wall_ms, 9)),
	        0);
	nodes_pass(t, 15000);
	caught_up(t);
}

/* A link that breaks in the middle of comparing loses nothing. */
static void cut_while_comparing(void **state)
{
	struct nodes *t = *state;
	frozen(t);
	assert_int_equal(
	        import(t, MID, made(t, &dates, &t->roster, t->now.wall_ms, 9)),
	        0);
	nodes_cut(t, 0);
	unsigned again = nodes_wire(t, MID, TOP, true);
	t->hook = NULL;
	nodes_cut(t, again);
	assert_true(nodes_status(t, MID)->date_missed);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	caught_up(t);
}

/* Nobody was ever told a date: it counts from when the key was named. */
static void never_told(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(state_of(t, LOW), GT_DATE_GOOD);
	later(t, LIMIT_MS - MINUTE_MS);
	assert_int_equal(state_of(t, LOW), GT_DATE_OLD);
	later(t, MINUTE_MS);
	assert_int_equal(state_of(t, LOW), GT_DATE_TOO_OLD);
	assert_int_equal(date_of(t, LOW), 0);
	/* the roster takes the key back: there is no date to wait for */
	t->date_key = NULL;
	nodes_members(t, LOW,
	              nodes_member(t, "33", t->v[TOP].key.public, 5,
	                           GT__STANDING__ACTIVE));
	assert_int_equal(state_of(t, LOW), GT_DATE_OFF);
}

/* Who signs one key does not name signs nothing, and says so. */
static void the_key_is_not_named(void **state)
{
	struct nodes *t = *state;
	nodes_stop(t, TOP);
	t->date_key = &other;
	nodes_restart(t, TOP);
	bool said = false;
	for (size_t k = 0; k < t->v[TOP].nlog; k++)
		said = said ||
		       (t->v[TOP].log[k].a.type == GT_ACT_LOG &&
		        strstr(t->v[TOP].log[k].a.text, "guantong pki date"));
	assert_true(said);
	int64_t before = date_of(t, TOP);
	later(t, 2 * HOUR_MS);
	assert_int_equal(date_of(t, TOP), before);
	/* now it does */
	nodes_members(t, TOP,
	              nodes_member(t, "33", t->v[TOP].key.public, 5,
	                           GT__STANDING__ACTIVE));
	assert_int_equal(date_of(t, TOP), t->now.wall_ms);
}

#define T(f) cmocka_unit_test_setup_teardown(f, three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(goes_down_every_hour),
	        cmocka_unit_test_setup_teardown(none_is_named, undated,
	                                        nodes_gone),
	        cmocka_unit_test_setup_teardown(named_and_told_at_once, undated,
	                                        nodes_gone),
	        T(only_good_ones),
	        T(held_back_by_the_parent),
	        T(over_a_restart),
	        T(by_hand),
	        T(cut_while_comparing),
	        T(never_told),
	        T(the_key_is_not_named),
	};
	return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}
