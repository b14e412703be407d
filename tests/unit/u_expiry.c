/* u_expiry.c: a live link warns of the end of its certificates, then ends with
 * them (node/expiry.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nodes.h"

enum { TOP, MID };

#define MINUTE_MS (INT64_C(60) * 1000)

/* Warnings of node i that are not yet looked at. */
static size_t warnings(struct nodes *t, unsigned i)
{
	size_t n = 0;
	for (size_t k = 0; k < t->v[i].nlog; k++) {
		const struct gt_action *a = &t->v[i].log[k].a;
		n += a->type == GT_ACT_LOG && a->status == GT_LOG_WARN &&
		     strstr(a->text, "have it renewed");
	}
	nodes_clear(t, i);
	return n;
}

static void linked(struct nodes *t, int64_t theirs_ms, int64_t ours_ms)
{
	t->theirs_until_ms = theirs_ms ? t->now.wall_ms + theirs_ms : 0;
	t->ours_until_ms = ours_ms ? t->now.wall_ms + ours_ms : 0;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_true(nodes_status(t, MID)->parent_up);
	assert_int_equal(nodes_status(t, MID)->parent_until_ms,
	                 t->theirs_until_ms);
}

/* By whichever of them looked first. */
static void dropped_once(struct nodes *t, const char *why)
{
	unsigned mid = (unsigned)nodes_count(t, MID, GT_ACT_DROP);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP) + mid, 1);
	assert_true(nodes_dropped(t, mid ? MID : TOP, why));
}

static void the_peers_ends(void **state)
{
	struct nodes *t = *state;
	linked(t, MINUTE_MS, 0);
	nodes_pass(t, MINUTE_MS - 1);
	assert_true(nodes_status(t, MID)->parent_up);
	nodes_pass(t, 1);
	dropped_once(t, "the peer's certificate has expired");
	assert_false(nodes_status(t, MID)->parent_up);
	assert_int_equal(nodes_status(t, MID)->parent_until_ms, 0);
	assert_int_equal(nodes_status(t, TOP)->children_up, 0);
}

static void ours_ends(void **state)
{
	struct nodes *t = *state;
	linked(t, 30 * GT_DAY_MS, MINUTE_MS);
	nodes_pass(t, MINUTE_MS);
	dropped_once(t, "this node's certificate has expired");
}

/* Nothing waits for the time: the clock is set, and the next message finds
 * it. */
static void the_clock_is_set(void **state)
{
	struct nodes *t = *state;
	linked(t, 100 * GT_DAY_MS, 0);
	t->now.wall_ms += 101 * GT_DAY_MS;
	assert_true(nodes_status(t, TOP)->children_up);
	assert_int_equal(nodes_publish(t, TOP, "a", "course",
	                               (struct gt_bytes){0},
	                               (struct gt_bytes){0}),
	                 0);
	nodes_run(t);
	assert_true(
	        nodes_dropped(t, MID, "the peer's certificate has expired"));
	assert_int_equal(
	        nodes_int(t, MID, "SELECT count(*) FROM item WHERE kind = 1"),
	        0);
}

/* The wall clock goes on, and both ends look. */
static void later(struct nodes *t, int64_t ms)
{
	t->now.wall_ms += ms;
	nodes_pass(t, 15000);
	t->now.wall_ms -= 15000;
}

static void a_line_a_day_before(void **state)
{
	struct nodes *t = *state;
	linked(t, GT_VALIDITY_WARN_MS + MINUTE_MS, 0);
	assert_int_equal(warnings(t, TOP) + warnings(t, MID), 0);
	later(t, MINUTE_MS);
	assert_int_equal(warnings(t, TOP), 1);
	assert_int_equal(warnings(t, MID), 1);
	later(t, GT_DAY_MS - MINUTE_MS);
	assert_int_equal(warnings(t, TOP), 0);
	later(t, MINUTE_MS);
	assert_int_equal(warnings(t, TOP), 1);
	assert_true(nodes_status(t, MID)->parent_up);
}

/* Without certificates nothing ends. */
static void no_certificates(void **state)
{
	struct nodes *t = *state;
	linked(t, 0, 0);
	later(t, 1000 * GT_DAY_MS);
	assert_int_equal(warnings(t, TOP) + warnings(t, MID), 0);
	assert_true(nodes_status(t, MID)->parent_up);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(the_peers_ends),      T(ours_ends),       T(the_clock_is_set),
	        T(a_line_a_day_before), T(no_certificates),
	};
	return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
