/* u_twin.c: of two that are one child the one that comes later is held off (twin.h,
 * PROTOCOL.md M55). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nodes.h"
#include "twin.h"

enum { TOP, MID, COPY };

static const char *const codes[] = {"33", "3301", "3301"};
static const char *const parents[] = {"", "33", "33"};

static void start(struct nodes *t, unsigned i)
{
	nodes_open(t, i, codes[i], parents[i], nodes_path(t, i));
}

static char first_epoch[64];

static const char *epoch(struct nodes *t, unsigned i)
{
	return nodes_text(t, i,
	                  "SELECT hex(value) FROM meta WHERE key='epoch'");
}

static void hand_in(struct nodes *t, unsigned i, uint32_t first)
{
	assert_int_equal(nodes_statements(t, i, first, 3, 0), 0);
}

static bool linked(struct nodes *t, unsigned i)
{
	return nodes_status(t, i)->parent_up;
}

static uint64_t held(struct nodes *t)
{
	return nodes_status(t, TOP)->copies_held;
}

static void dial(struct nodes *t, unsigned i)
{
	nodes_wire(t, i, TOP, true);
	nodes_run(t);
}

static void cut(struct nodes *t)
{
	for (unsigned w = 0; w < t->nwires; w++)
		nodes_cut(t, w);
	t->nwires = 0;
}

/* MID is linked to TOP, and COPY is what it was a session ago. */
static int three(void **state)
{
	struct nodes *t = nodes_new();
	nodes_dir_new(t);
	start(t, TOP);
	start(t, MID);
	nodes_enrol(t);
	hand_in(t, MID, 1);
	dial(t, MID);
	nodes_snapshot(t, MID, COPY);
	start(t, COPY);
	gt_copy(first_epoch, sizeof first_epoch, epoch(t, COPY));
	cut(t);
	dial(t, MID);
	hand_in(t, COPY, 100);
	*state = t;
	return 0;
}

static int64_t records(struct nodes *t)
{
	return nodes_int(t, TOP, "SELECT count(*) FROM record");
}

static int keep(struct nodes *t, const char *code, int64_t which)
{
	struct gt_event e = {.type = GT_EV_KEEP,
	                     .token = 9,
	                     .text = code,
	                     .number = which,
	                     .actor = "user:op"};
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	return nodes_last(t, TOP, GT_ACT_REPLY, 0)->a.status;
}

static void assert_off(struct nodes *t, unsigned i)
{
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
	assert_non_null(d);
	assert_int_equal(d->reply->error->code, GT_ECONFLICT);
	assert_false(linked(t, i));
}

/* ------------------------------------------------------------ held off */

static void both_speak(void **state)
{
	struct nodes *t = *state;
	for (int k = 0; k < 5; k++) {
		dial(t, COPY);
		nodes_pass(t, k ? 17000 : 10);
		assert_off(t, COPY);
		assert_true(linked(t, MID));
		assert_int_equal(held(t), 1);
		/* told once */
		assert_int_equal(nodes_status(t, TOP)->strangers, 1);
	}
	assert_string_equal(epoch(t, COPY), first_epoch);
	assert_string_equal(epoch(t, MID), first_epoch);
	assert_int_equal(records(t), 3);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='link' AND result='CONFLICT' AND "
	                           "detail LIKE 'two of that code speak%%'"),
	                 1);
	/* the other one goes on, on this link and others */
	hand_in(t, MID, 200);
	nodes_run(t);
	assert_int_equal(records(t), 6);
	cut(t);
	dial(t, MID);
	assert_true(linked(t, MID));
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT tried_ms=since_ms FROM held"), 1);
	nodes_pass(t, 600000); /* that is written down now and then */
	dial(t, MID);
	dial(t, COPY);
	nodes_pass(t, 17000);
	assert_off(t, COPY);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT tried_ms>since_ms FROM held WHERE "
	                           "code='3301' AND word=0"),
	                 1);
}

static bool mid_is_dead(struct nodes *t, struct message *m)
{
	return m->reply || m->to != TOP || m->peer != (uint32_t)t->hooked;
}

/* A machine that lost its power and came back as it was a while ago. */
static void its_own_old_link(void **state)
{
	struct nodes *t = *state;
	t->hooked = (int)t->wires[0].far;
	t->hook = mid_is_dead;
	dial(t, COPY);
	/* not before the old link has ended */
	assert_false(linked(t, COPY));
	assert_string_equal(epoch(t, COPY), first_epoch);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
	for (int k = 0; k < 20 && !linked(t, COPY); k++) {
		nodes_pass(t, 3000);
		if (nodes_status(t, COPY)->drops > (uint64_t)k || k % 6 == 5)
			dial(t, COPY);
	}
	t->hook = NULL;
	dial(t, COPY);
	assert_true(linked(t, COPY));
	assert_int_equal(held(t), 0);
	assert_string_not_equal(epoch(t, COPY), first_epoch);
	assert_int_equal(records(t), 6);
}

/* What was on its way before the other one came says nothing. */
static bool after_one(struct nodes *t, struct message *m)
{
	return m->reply || m->to != TOP ||
	       m->peer != (uint32_t)t->wires[0].far || t->hooked-- > 0;
}

static void one_word_is_no_sign(void **state)
{
	struct nodes *t = *state;
	t->hook = after_one;
	t->hooked = 1;
	dial(t, COPY);
	nodes_pass(t, 17000);
	t->hook = NULL;
	assert_off(t, COPY);
	assert_int_equal(held(t), 0);
	assert_int_equal(nodes_status(t, TOP)->strangers, 0);
}

static void one_that_says_it_was_restored(void **state)
{
	struct nodes *t = *state;
	t->v[COPY].restored = true;
	nodes_restart(t, COPY);
	t->v[COPY].restored = false;
	gt_copy(first_epoch, sizeof first_epoch, epoch(t, MID));
	dial(t, COPY);
	assert_true(linked(t, COPY));
	assert_false(linked(t, MID));
	/* and then it is the other one that came later */
	dial(t, MID);
	assert_off(t, MID);
	assert_true(linked(t, COPY));
	assert_int_equal(held(t), 1);
	assert_string_equal(epoch(t, MID), first_epoch);
}

static void through_a_restart(void **state)
{
	struct nodes *t = *state;
	dial(t, COPY);
	assert_int_equal(held(t), 1);
	nodes_restart(t, TOP);
	t->nwires = 0;
	assert_int_equal(held(t), 1);
	nodes_pass(t, 3600000);
	nodes_restart(t, TOP);
	/* the one that is held off is the first to come */
	dial(t, COPY);
	nodes_pass(t, 17000);
	assert_off(t, COPY);
	dial(t, MID);
	assert_true(linked(t, MID));
	dial(t, COPY);
	nodes_pass(t, 17000);
	assert_off(t, COPY);
	assert_string_equal(epoch(t, COPY), first_epoch);
}

/* --------------------------------------------------------- and let in */

static void the_other_is_switched_off(void **state)
{
	struct nodes *t = *state;
	nodes_pass(t, GT_TWIN_BACK_MS); /* TOP runs for longer */
	nodes_minute(t, MID);
	dial(t, COPY);
	nodes_pass(t, 17000);
	assert_int_equal(held(t), 1);
	nodes_stop(t, MID);
	t->nwires = 0;
	nodes_pass(t, GT_TWIN_AWAY_MS - 60000);
	dial(t, COPY);
	nodes_pass(t, 17000);
	assert_off(t, COPY);
	nodes_pass(t, 60000);
	dial(t, COPY); /* as an old state */
	dial(t, COPY);
	assert_true(linked(t, COPY));
	assert_int_equal(held(t), 0);
	assert_int_equal(records(t), 6);
}

static void an_operator_says_it_is_right(void **state)
{
	struct nodes *t = *state;
	dial(t, COPY);
	assert_int_equal(keep(t, "3302", 1), -GT_EUNKNOWN);
	assert_int_equal(keep(t, "3301", 1), 0);
	assert_int_equal(held(t), 0);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "actor='user:op' AND subject='3301' AND "
	                           "detail LIKE '%%held off is right'"),
	                 1);
	dial(t, COPY); /* it is told that it is strange, and begins anew */
	dial(t, COPY);
	assert_true(linked(t, COPY));
	assert_false(linked(t, MID));
	assert_int_equal(records(t), 6);
	hand_in(t, MID, 300);
	dial(t, MID);
	assert_off(t, MID);
	assert_true(linked(t, COPY));
	assert_int_equal(held(t), 1);
	assert_string_equal(epoch(t, MID), first_epoch);
}

static void an_operator_says_it_is_wrong(void **state)
{
	struct nodes *t = *state;
	dial(t, COPY);
	assert_int_equal(keep(t, "3301", 0), 0);
	assert_int_equal(held(t), 0); /* nobody has to look at it any more */
	cut(t);
	nodes_stop(t, MID);
	for (int k = 0; k < 3; k++) {
		nodes_pass(t, 2 * GT_TWIN_AWAY_MS);
		dial(t, COPY);
		nodes_pass(t, 17000);
		assert_off(t, COPY);
	}
	/* it may be said otherwise */
	assert_int_equal(keep(t, "3301", 1), 0);
	dial(t, COPY);
	dial(t, COPY);
	assert_true(linked(t, COPY));
}

static void more_than_may_wait(void **state)
{
	struct nodes *t = *state;
	t->hooked = (int)t->wires[0].far;
	t->hook = mid_is_dead;
	for (unsigned k = 0; k <= GT_HOLDS; k++) {
		t->nwires = 1;
		dial(t, COPY);
	}
	assert_off(t, COPY);
	t->hook = NULL;
	assert_int_equal(held(t), 0);
	assert_true(linked(t, MID));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, three, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(both_speak),
	        T(its_own_old_link),
	        T(one_word_is_no_sign),
	        T(one_that_says_it_was_restored),
	        T(through_a_restart),
	        T(the_other_is_switched_off),
	        T(an_operator_says_it_is_right),
	        T(an_operator_says_it_is_wrong),
	        T(more_than_may_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
