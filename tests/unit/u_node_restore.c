/* u_node_restore.c: databases that forgot what the neighbours remember. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "nodes.h"
#include "policy.h"
#include <cmocka.h>

enum { TOP, MID, LOW, BEFORE, BEFORE_TOO, MID_KEPT };

#define EPOCH   "SELECT hex(value) FROM meta WHERE key='epoch'"
#define VERSION "SELECT version FROM item WHERE kind=1 AND id='33/a'"

static void a_new_epoch_and_newer_versions(void **state)
{
	struct nodes *t = *state;
	char epoch[64];
	struct gt_bytes none = {0};
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	assert_int_equal(nodes_int(t, TOP, VERSION), 1);
	gt_copy(epoch, sizeof epoch, nodes_text(t, TOP, EPOCH));
	/* a plain restart changes nothing */
	nodes_restart(t, TOP);
	assert_string_equal(nodes_text(t, TOP, EPOCH), epoch);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	assert_int_equal(nodes_int(t, TOP, VERSION), 2);
	/* after a restore nothing that was forgotten can be newer */
	t->v[TOP].restored = true;
	nodes_restart(t, TOP);
	assert_string_not_equal(nodes_text(t, TOP, EPOCH), epoch);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	assert_true(nodes_int(t, TOP, VERSION) >= t->now.wall_ms);
	int64_t version = nodes_int(t, TOP, VERSION);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	assert_int_equal(nodes_int(t, TOP, VERSION), version + 1);
	/* and that stays so without being told again */
	t->v[TOP].restored = false;
	nodes_restart(t, TOP);
	assert_int_equal(nodes_publish(t, TOP, "b", "course", none, none), 0);
	assert_true(
	        nodes_int(t, TOP, "SELECT version FROM item WHERE id='33/b'") >=
	        t->now.wall_ms);
}

/* In the new epoch nothing has been sent. */
static void nothing_is_sent_yet(void **state)
{
	static const char sent[] = "SELECT value FROM meta WHERE key='sent'";
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 1, 5, 0), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, sent), 5);
	nodes_restart(t, MID);
	assert_int_equal(nodes_int(t, MID, sent), 5);
	t->v[MID].restored = true;
	nodes_restart(t, MID);
	assert_int_equal(nodes_int(t, MID, sent), 0);
	/* what is not sent again there was told by its id */
	t->nwires = 0;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, sent), 5);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 5);
}

/* A backup that nobody was told of. */
static void restored_records(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_statements(t, MID, 1, 5, 0), 0);
	nodes_run(t);
	/* MID comes back from a backup made before those five, and is handed
	 * others: the numbers are used again, the records are not lost */
	gt_node_close(t->v[MID].node);
	t->v[MID].node = NULL;
	for (size_t w = 0; w < t->nwires; w++)
		nodes_cut(t, (unsigned)w);
	t->v[MID].lives = 0; /* the epoch of that time */
	nodes_open(t, MID, "3301", "33", NULL);
	nodes_enrol(t);
	assert_int_equal(nodes_statements(t, MID, 101, 3, 0), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_true(
	        nodes_dropped(t, MID, "a new epoch begins: all is compared"));
	/* they go into the new epoch, and it goes on from their numbers */
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM record r JOIN stream "
	                           "s ON s.sid=r.stream JOIN meta m ON m.key="
	                           "'epoch' AND m.value=s.epoch AND s.last=3"),
	                 3);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 8);
	/* and what was forgotten is back, once */
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM record"), 8);
	static struct gt_node_status s;
	gt_node_status(t->v[MID].node, &s);
	assert_int_equal(s.records_waiting, 0);
}

/* A backup from before some that the parent had taken, and told so; what was
 * not sent by then is here, and asked for in vain. */
static void what_was_forgotten_comes_back(void **state)
{
	enum { KEPT = 3, UNSENT = 2, FORGOTTEN = 11 };
	static const char count[] = "SELECT count(*) FROM record";
	static struct gt_node_status s;
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	assert_int_equal(nodes_statements(t, MID, 1, KEPT, 0), 0);
	nodes_run(t);
	for (size_t w = 0; w < t->nwires; w++)
		nodes_cut(t, (unsigned)w);
	assert_int_equal(nodes_statements(t, MID, 11, UNSENT, 0), 0);
	nodes_snapshot(t, MID, BEFORE);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_statements(t, MID, 101, FORGOTTEN, 0), 0);
	nodes_run(t);
	t->v[MID].restored = true;
	nodes_restore(t, MID, BEFORE);
	t->v[MID].restored = false;
	assert_int_equal(nodes_statements(t, MID, 201, 1, 0), 0);
	int64_t all = KEPT + UNSENT + FORGOTTEN + 1;
	for (int link = 0; link < 3; link++) {
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		assert_int_equal(nodes_int(t, MID, count), all);
		assert_int_equal(nodes_int(t, TOP, count), all);
		gt_node_status(t->v[MID].node, &s);
		assert_int_equal(s.records_waiting, 0);
		for (size_t w = 0; w < t->nwires; w++)
			nodes_cut(t, (unsigned)w);
		nodes_restart(t, MID);
	}
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE"
	                           " event='repair'"),
	                 FORGOTTEN);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT length(value) FROM meta WHERE key='recall'"),
	        0);
}

#define HELD "SELECT count(*) FROM item WHERE id='33/a' AND verdict>0"

/* What was retracted leaves its version behind. A publisher that forgot it, and
 * sends an older one when the rules let it in again, is told. */
static void given_up_and_newer_than_what_is_sent(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	static const char *const everything[] = {NULL};
	struct nodes *t = *state;
	struct gt_bytes none = {0};
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_snapshot(t, TOP, BEFORE);
	nodes_wire(t, MID, TOP, true);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, VERSION), 2);
	assert_int_equal(nodes_layer(t, TOP, deny), 0);
	nodes_run(t);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT verdict FROM item WHERE id='33/a'"),
	        GT_DENY);
	t->v[TOP].restored = true;
	nodes_restore(t, TOP, BEFORE);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	/* the publisher has forgotten its rules, the child has not: it keeps to
	 * them until there are newer ones */
	assert_int_equal(
	        nodes_int(t, MID, "SELECT verdict FROM item WHERE id='33/a'"),
	        GT_DENY);
	assert_int_equal(nodes_layer(t, TOP, everything), 0);
	nodes_pass(t, 1);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 1);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT verdict FROM item WHERE id='33/a'"),
	        GT_MIRROR);
	assert_true(nodes_int(t, MID, VERSION) > 2);
	assert_int_equal(nodes_int(t, MID, VERSION),
	                 nodes_int(t, TOP, VERSION));
}

/* A version from a clock that was years ahead is still shown by a neighbour to
 * a publisher that forgot it, and forgets again what it then did: two pasts
 * have no number in common. */
static void forgotten_twice(void **state)
{
	struct nodes *t = *state;
	struct gt_bytes none = {0};
	int64_t ahead = (int64_t)10 * 31536000 * 1000, first, seen[2];
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_snapshot(t, TOP, BEFORE);
	nodes_snapshot(t, TOP, BEFORE_TOO);
	t->now.wall_ms += ahead;
	t->v[TOP].restored = t->v[MID].restored = true;
	nodes_restart(t, TOP);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	first = nodes_int(t, MID, VERSION);
	assert_true(first >= ahead);
	nodes_snapshot(t, MID, MID_KEPT);
	t->now.wall_ms -= ahead;
	for (unsigned i = 0; i < 2; i++) {
		nodes_restore(t, TOP, BEFORE + i);
		if (i > 0)
			nodes_restore(t, MID, MID_KEPT);
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		seen[i] = nodes_int(t, TOP, VERSION);
		assert_true(seen[i] > first);
	}
	assert_int_not_equal(seen[0], seen[1]);
	/* nor if the backup itself is of the time that was ahead */
	nodes_snapshot(t, TOP, BEFORE);
	nodes_snapshot(t, TOP, BEFORE_TOO);
	for (unsigned i = 0; i < 2; i++) {
		nodes_restore(t, TOP, BEFORE + i);
		assert_int_equal(
		        nodes_publish(t, TOP, "a", "course", none, none), 0);
		seen[i] = nodes_int(t, TOP, VERSION);
		assert_true(seen[i] > first);
	}
	assert_int_not_equal(seen[0], seen[1]);
}

/* Two things reach the lowest; then the links are cut, one of them is withdrawn
 * and the node in the middle is lost and replaced. */
static void withdrawn_and_replaced(struct nodes *t)
{
	struct gt_bytes none = {0};
	unsigned up = nodes_wire(t, MID, TOP, true);
	unsigned down = nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	assert_int_equal(nodes_publish(t, TOP, "b", "course", none, none), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW, HELD), 1);
	nodes_cut(t, up);
	nodes_cut(t, down);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	gt_node_close(t->v[MID].node);
	nodes_open(t, MID, "3301", "33", NULL);
	nodes_enrol(t);
}

/* What was withdrawn before the successor came must leave those below all the
 * same. */
static void withdrawn_while_the_parent_forgot(void **state)
{
	struct nodes *t = *state;
	withdrawn_and_replaced(t);
	/* alone with its child it knows nothing and takes nothing away */
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW, HELD), 1);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW, HELD), 0);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM item WHERE "
	                           "id='33/b' AND verdict>0"),
	                 1);
}

/* The same, and the one below is away when the parent comes to know. */
static void withdrawn_while_nobody_looked(void **state)
{
	struct nodes *t = *state;
	withdrawn_and_replaced(t);
	unsigned down = nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	nodes_cut(t, down);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW, HELD), 0);
}

#define T(f, setup) cmocka_unit_test_setup_teardown(f, setup, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_new_epoch_and_newer_versions, nodes_three_on_disk),
	        T(nothing_is_sent_yet, nodes_three_on_disk),
	        T(restored_records, nodes_three),
	        T(what_was_forgotten_comes_back, nodes_three_on_disk),
	        T(given_up_and_newer_than_what_is_sent, nodes_three_on_disk),
	        T(forgotten_twice, nodes_three_on_disk),
	        T(withdrawn_while_the_parent_forgot, nodes_three),
	        T(withdrawn_while_nobody_looked, nodes_three),
	};
	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
