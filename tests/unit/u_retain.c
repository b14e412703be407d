/* u_retain.c: records that the root has are not kept for ever at a small node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nodes.h"
#include "records.h"

enum { TOP, LOW };
enum { KEEP_S = 900 }; /* longer than it rests in between */

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM record");
}

static int keeping(void **state)
{
	int status = nodes_two_on_disk(state);
	if (status != 0)
		return status;
	struct nodes *t = *state;
	t->v[TOP].keep_s = t->v[LOW].keep_s = KEEP_S;
	nodes_restart(t, TOP);
	nodes_restart(t, LOW);
	t->nwires = 0;
	return 0;
}

/* So many times as long as they stay, in steps in which links live on. */
static void pass_times(struct nodes *t, unsigned times)
{
	for (unsigned i = 0; i < times * KEEP_S / 10; i++)
		nodes_pass(t, 10000);
}

static void what_the_root_has_leaves(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 450, 0), 0);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 450);
	pass_times(t, 2);
	assert_int_equal(records(t, LOW), 0);
	assert_int_equal(gt_records_count(t->v[LOW].node).here, 0);
	assert_int_equal(nodes_int(t, LOW, "SELECT count(*) FROM pruned"), 450);
	/* the root keeps all, whatever it is told */
	assert_int_equal(records(t, TOP), 450);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM pruned"), 0);
	/* who brings one again is told that it is there */
	assert_int_equal(nodes_statements(t, LOW, 7, 1, 0), 0);
	assert_int_equal(records(t, LOW), 0);
	nodes_restart(t, LOW);
	assert_int_equal(nodes_statements(t, LOW, 7, 1, 0), 0);
	assert_int_equal(records(t, LOW), 0);
	/* and what is new stays its time, and goes up */
	nodes_wire(t, LOW, TOP, true);
	assert_int_equal(nodes_statements(t, LOW, 1000, 3, 0), 0);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, LOW), 3);
	assert_int_equal(records(t, TOP), 453);
	assert_true(nodes_int(t, LOW,
	                      "SELECT count(*) FROM audit"
	                      " WHERE event='prune'") >= 3);
}

static void what_it_has_not_stays(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	pass_times(t, 3);
	assert_int_equal(records(t, LOW), 5);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 5);
	pass_times(t, 2);
	assert_int_equal(records(t, LOW), 0);
	assert_int_equal(records(t, TOP), 5);
}

static void for_good_unless_said(void **state)
{
	struct nodes *t = *state;
	t->v[LOW].keep_s = 0;
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, TOP, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	pass_times(t, 3);
	assert_int_equal(records(t, LOW), 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, keeping, nodes_gone)
	const struct CMUnitTest tests[] = {
	        TEST(what_the_root_has_leaves),
	        TEST(what_it_has_not_stays),
	        TEST(for_good_unless_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
