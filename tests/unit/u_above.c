/* u_above.c: below a revoked parent, or one that is away, a node asks above it
 * for the roster (node/above.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "node_inside.h"
#include "nodes.h"

enum { TOP, MID, LOW, EVERY_MS = 20 * 60 * 1000, MINUTE_MS = 60 * 1000 };

#define WARN_MS (7 * GT_DAY_MS)

static int three(void **state)
{
	struct nodes *t = nodes_new();
	*state = t;
	nodes_dir_new(t);
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, MID, "3301", "33", nodes_path(t, MID));
	t->above_ms = EVERY_MS;
	nodes_open(t, LOW, "330106", "3301", nodes_path(t, LOW));
	nodes_enrol(t);
	return 0;
}

/* TOP signs dates, and LOW asks above once a day. */
static int dated(void **state)
{
	static struct gt_key dates;
	const uint8_t seed[32] = {9, 9};
	struct nodes *t = nodes_new();
	*state = t;
	assert_int_equal(gt_key_from_seed(&dates, seed), 0);
	t->date_key = &dates;
	t->date_warn_ms = WARN_MS;
	nodes_open(t, TOP, "33", "", NULL);
	nodes_open(t, MID, "3301", "33", NULL);
	t->above_ms = (uint64_t)GT_DAY_MS;
	nodes_open(t, LOW, "330106", "3301", NULL);
	nodes_enrol(t);
	return 0;
}

static void revoke(struct nodes *t, unsigned at, unsigned who, int64_t version)
{
	nodes_members(t, at,
	              nodes_member(t, t->v[who].code, t->v[who].key.public,
	                           (uint64_t)version, GT__STANDING__REVOKED));
}

/* A way for one question, from LOW to node `to`. */
static void way_up(struct nodes *t, unsigned to, bool cert)
{
	t->roster_only = true;
	nodes_wire(t, LOW, to, cert);
	t->roster_only = false;
	nodes_run(t);
}

static size_t dialled(struct nodes *t)
{
	size_t n = nodes_count(t, LOW, GT_ACT_DIAL_ABOVE);
	nodes_clear(t, LOW);
	return n;
}

/* The parent is revoked at the province, and does not say so. */
static void hears_of_its_parent(void **state)
{
	struct nodes *t = *state;
	for (int cert = 0; cert < 2; cert++) {
		revoke(t, TOP, MID, 9 + cert);
		way_up(t, TOP, cert);
		assert_true(nodes_dropped(t, LOW, "its roster is here"));
		assert_true(nodes_status(t, LOW)->parent_revoked);
		assert_int_equal(nodes_int(t, LOW,
		                           "SELECT state FROM item WHERE kind=3"
		                           " AND id='3301'"),
		                 GT__STANDING__REVOKED);
		assert_int_equal(
		        nodes_int(t, LOW,
		                  "SELECT count(*) FROM audit WHERE"
		                  " event='receive' AND kind='member' AND"
		                  " subject='3301' AND peer='33' AND"
		                  " detail='revoked'"),
		        cert + 1);
		nodes_clear(t, LOW);
	}
	/* also once it is started again; the row did not change for nothing */
	int64_t seq = nodes_int(t, LOW, "SELECT max(seq) FROM item");
	nodes_restart(t, LOW);
	assert_true(nodes_status(t, LOW)->parent_revoked);
	way_up(t, TOP, true);
	assert_int_equal(nodes_int(t, LOW, "SELECT max(seq) FROM item"), seq);
	/* it gives nothing else, and leaves nothing behind */
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM child"), 0);
	assert_int_equal(nodes_int(t, LOW, "SELECT count(*) FROM record"), 0);
	/* the roster puts it back */
	nodes_members(t, LOW,
	              nodes_member(t, "3301", t->v[MID].key.public, 20,
	                           GT__STANDING__ACTIVE));
	assert_false(nodes_status(t, LOW)->parent_revoked);
}

/* What it hears goes on to its children by its own feed, revoked parent or
 * not. */
static void tells_those_below(void **state)
{
	struct nodes *t = *state;
	nodes_open(t, 3, "330106109", "330106", NULL);
	nodes_enrol(t);
	nodes_wire(t, 3, LOW, true);
	nodes_run(t);
	revoke(t, TOP, MID, 9);
	way_up(t, TOP, true);
	assert_int_equal(nodes_int(t, 3,
	                           "SELECT state FROM item WHERE kind=3 AND "
	                           "id='3301'"),
	                 GT__STANDING__REVOKED);
	assert_false(nodes_status(t, 3)->parent_revoked);
}

static void when_it_asks(void **state)
{
	struct nodes *t = *state;
	uint64_t dead_ms = 45000;
	assert_int_equal(dialled(t), 0);
	nodes_pass(t, dead_ms - 1);
	assert_int_equal(dialled(t), 0);
	nodes_pass(t, 1);
	assert_int_equal(dialled(t), 1);
	/* nobody is reached: it rests */
	nodes_pass(t, 10 * dead_ms - 1);
	assert_int_equal(dialled(t), 0);
	nodes_pass(t, 1);
	assert_int_equal(dialled(t), 1);
	/* with its parent it needs nobody */
	unsigned wire = nodes_wire(t, LOW, MID, true);
	nodes_pass(t, EVERY_MS / 2);
	assert_true(nodes_status(t, LOW)->parent_up);
	assert_int_equal(dialled(t), 0);
	nodes_cut(t, wire);
	nodes_pass(t, dead_ms);
	assert_int_equal(dialled(t), 1);
	nodes_pass(t, 10 * dead_ms);
	nodes_clear(t, LOW);
	/* the parent that refuses it need not be waited for */
	revoke(t, MID, LOW, 9);
	nodes_pass(t, 10 * dead_ms - 1);
	nodes_clear(t, LOW);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	nodes_pass(t, 1);
	assert_int_equal(dialled(t), 1);
	/* who has no addresses asks nobody */
	nodes_pass(t, 10 * dead_ms);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DIAL_ABOVE), 0);
}

/* A parent that was revoked and says nothing of it: its link is up. */
static void though_the_parent_is_there(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, EVERY_MS - 1);
	assert_int_equal(dialled(t), 0);
	nodes_pass(t, 1);
	assert_true(
	        nodes_dropped(t, LOW, "to ask a node above it for the roster"));
	assert_int_equal(dialled(t), 1);
	revoke(t, TOP, MID, 9);
	way_up(t, TOP, true);
	assert_true(nodes_status(t, LOW)->parent_revoked);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_false(nodes_status(t, LOW)->parent_up);
	assert_true(
	        nodes_dropped(t, LOW, "the parent is not an active member"));
}

/* Its link to the parent, which holds dates back, is there again at once. */
static unsigned meanwhile(struct nodes *t)
{
	unsigned wire = nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_true(nodes_status(t, LOW)->parent_up);
	return wire;
}

/* Steps of a minute until it dials above; minutes, at most `most`. */
static int until_it_asks(struct nodes *t, int most)
{
	for (int minutes = 1; minutes <= most; minutes++) {
		nodes_pass(t, MINUTE_MS);
		nodes_clear(t, MID); /* what it says all the time */
		if (dialled(t)) {
			t->nwires = 0;
			meanwhile(t);
			return minutes;
		}
	}
	return most + 1;
}

static bool no_dates(struct nodes *t, struct message *m)
{
	if (!m->reply || m->to != LOW || t->hooked)
		return true;
	(void)nodes_undate(m);
	return true;
}

/* Whoever has an old date does not wait for its daily round: minutes at first,
 * hours in the end, and as ever when a date has come. */
static void an_old_date_is_asked_about_soon(void **state)
{
	struct nodes *t = *state;
	int rounds = 0, sum = 0, minutes = 0;
	const int day = 24 * 60;
	t->hook = no_dates;
	meanwhile(t);
	/* nothing of it is old: nobody is asked until the day is over */
	assert_int_equal(nodes_status(t, LOW)->date, GT_DATE_GOOD);
	assert_int_equal(until_it_asks(t, 60), 61);
	struct gt_event time = {.type = GT_EV_TIME};
	t->now.wall_ms += WARN_MS;
	assert_int_equal(nodes_event(t, LOW, &time), 0);
	assert_int_equal(nodes_status(t, LOW)->date, GT_DATE_OLD);
	assert_in_range(until_it_asks(t, 10), 3, 6);
	while (sum < 3 * day) {
		int least = 5 << rounds < 240 ? 5 << rounds : 240;
		minutes = until_it_asks(t, day);
		assert_in_range(minutes, rounds ? least / 2 : 3, 241);
		sum += minutes;
		rounds++;
	}
	assert_in_range(minutes, 120, 241);
	/* the first hour has a few rounds, three days have not many */
	assert_in_range(rounds, 3 * 6, 3 * 12 + 6);
	/* one that is reached brings a date; from then on the day counts */
	nodes_members(t, LOW,
	              nodes_member(t, "33", t->v[TOP].key.public, 3,
	                           GT__STANDING__ACTIVE));
	t->hooked = 1;
	way_up(t, TOP, true);
	assert_int_equal(nodes_status(t, LOW)->date, GT_DATE_GOOD);
	t->nwires = 0;
	meanwhile(t);
	minutes = until_it_asks(t, 300); /* what was planned still comes */
	if (minutes <= 300)
		assert_true(until_it_asks(t, 600) > 600);
}

/* A parent that keeps it busy puts it off once, and not for long; nor does one
 * that begins anew all the time. */
static void who_is_busy_asks_all_the_same(void **state)
{
	struct nodes *t = *state;
	t->hook = no_dates;
	unsigned wire = meanwhile(t);
	t->now.wall_ms += WARN_MS;
	for (int minutes = 1; minutes <= 11; minutes++) {
		nodes_cut(t, wire);
		t->nwires = 0;
		wire = meanwhile(t);
		struct gt_node *n = t->v[LOW].node;
		n->up->following = false; /* it compares, for ever */
		nodes_pass(t, MINUTE_MS);
		if (dialled(t)) {
			assert_in_range(minutes, 5, 11);
			return;
		}
	}
	assert_true(false);
}

/* Only a node above the parent is believed, and only with what the roster's key
 * has signed. */
static void whom_it_believes(void **state)
{
	struct nodes *t = *state;
	way_up(t, MID, true);
	assert_true(nodes_dropped(
	        t, LOW, "the certificate is of no node above our parent"));
	/* without certificates the answer tells */
	way_up(t, MID, false);
	assert_true(nodes_dropped(
	        t, LOW, "the node that answered is not above our parent"));
	revoke(t, LOW, TOP, 9);
	way_up(t, TOP, true);
	assert_true(nodes_dropped(t, LOW,
	                          "the node above is not an active member"));
	assert_false(nodes_status(t, LOW)->parent_revoked);
}

static bool forge(struct nodes *t, struct message *m)
{
	if (!m->reply)
		return true;
	Gt__Reply *r = gt__reply__unpack(NULL, m->nhead, m->head);
	if (r->body_case != GT__REPLY__BODY_ROSTER) {
		gt__reply__free_unpacked(r, NULL);
		return true;
	}
	if (t->hooked == 1) { /* the name of the parent, by another key */
		struct gt_key was = t->roster;
		t->roster = t->v[TOP].key;
		struct gt_bytes row =
		        nodes_member(t, "3301", t->v[MID].key.public, 9,
		                     GT__STANDING__REVOKED);
		t->roster = was;
		ProtobufCBinaryData rows[1] = {gt_lend_bytes(row)};
		Gt__RosterReply v = GT__ROSTER_REPLY__INIT;
		Gt__Reply reply = GT__REPLY__INIT;
		v.n_members = 1;
		v.members = rows;
		v.upto = 9;
		reply.body_case = GT__REPLY__BODY_ROSTER;
		reply.roster = &v;
		nodes_replace(m, &reply);
	} else { /* more of the same, for ever */
		r->roster->more = true;
		r->roster->upto = t->hooked == 2 ? 0 : r->roster->upto + 1;
		nodes_replace(m, r);
	}
	gt__reply__free_unpacked(r, NULL);
	return true;
}

static void what_it_does_not_take(void **state)
{
	struct nodes *t = *state;
	t->hook = forge;
	t->hooked = 1;
	way_up(t, TOP, true);
	assert_false(nodes_status(t, LOW)->parent_revoked);
	assert_true(nodes_dropped(t, LOW, "its roster is here"));
	for (t->hooked = 2; t->hooked < 4; t->hooked++) {
		nodes_clear(t, LOW);
		way_up(t, TOP, true);
		assert_true(nodes_dropped(t, LOW, "a roster that never ends"));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, three, nodes_gone)
#define D(f) cmocka_unit_test_setup_teardown(f, dated, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(hears_of_its_parent),
	        T(tells_those_below),
	        T(when_it_asks),
	        T(though_the_parent_is_there),
	        T(whom_it_believes),
	        T(what_it_does_not_take),
	        D(an_old_date_is_asked_about_soon),
	        D(who_is_busy_asks_all_the_same),
	};
	return cmocka_run_group_tests_name("above", tests, NULL, NULL);
}
