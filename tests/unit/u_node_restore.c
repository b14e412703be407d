/* u_node_restore.c: databases that forgot what the neighbours remember. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "policy.h"

enum { TOP, MID, LOW };

/* A node's database on a file, closed and opened again. */
static struct gt_node *again(struct nodes *t, const char *path, bool restored,
                             uint8_t life)
{
	struct gt_node *n;
	struct gt_node_config c = {.code = "33",
	                           .parent = "",
	                           .software = "test",
	                           .restored = restored};
	struct gt_actions a;
	char why[256] = "";
	sqlite3 *db;
	size_t taken;
	uint8_t entropy[64] = {life};
	const struct gt_event start = {.type = GT_EV_START,
	                               .body = gt_bytes_of(entropy, 64)};
	memcpy(c.seed, t->v[TOP].config.seed, 32);
	memcpy(c.roster_key, t->roster.public, 32);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(gt_node_open(&n, &c, db, why, sizeof why), 0);
	assert_int_equal(gt_node_turn(n, t->now, &start, 1, &taken, &a), 0);
	t->v[TOP].node = n;
	t->v[TOP].db = db;
	return n;
}

static void close_top(struct nodes *t)
{
	gt_node_close(t->v[TOP].node);
	t->v[TOP].node = NULL;
}

#define EPOCH   "SELECT hex(value) FROM meta WHERE key='epoch'"
#define VERSION "SELECT version FROM item WHERE kind=1 AND id='33/a'"

static void a_new_epoch_and_newer_versions(void **state)
{
	struct nodes *t = nodes_new();
	char dir[] = "/tmp/guantong-restore-XXXXXX", path[64], epoch[64];
	char command[64];
	(void)state;
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/db", dir);
	nodes_open(t, TOP, "33", "", path);
	nodes_enrol(t);
	struct gt_bytes none = {0};
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	assert_int_equal(nodes_int(t, TOP, VERSION), 1);
	gt_copy(epoch, sizeof epoch, nodes_text(t, TOP, EPOCH));
	/* a plain restart changes nothing */
	close_top(t);
	again(t, path, false, 8);
	assert_string_equal(nodes_text(t, TOP, EPOCH), epoch);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	assert_int_equal(nodes_int(t, TOP, VERSION), 2);
	/* after a restore nothing that was forgotten can be newer */
	close_top(t);
	again(t, path, true, 9);
	assert_string_not_equal(nodes_text(t, TOP, EPOCH), epoch);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	assert_true(nodes_int(t, TOP, VERSION) >= t->now.wall_ms);
	int64_t version = nodes_int(t, TOP, VERSION);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	assert_int_equal(nodes_int(t, TOP, VERSION), version + 1);
	/* and that stays so without being told again */
	close_top(t);
	again(t, path, false, 10);
	assert_int_equal(nodes_publish(t, TOP, "b", "course", none, none), 0);
	assert_true(
	        nodes_int(t, TOP, "SELECT version FROM item WHERE id='33/b'") >=
	        t->now.wall_ms);
	nodes_free(t);
	gt_format(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

#define HELD "SELECT count(*) FROM item WHERE id='33/a' AND verdict>0"

/* What was retracted leaves its version behind. A publisher that forgot it, and
 * sends an older one when the rules let it in again, is told. */
static void given_up_and_newer_than_what_is_sent(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	struct nodes *t = nodes_new();
	char dir[] = "/tmp/guantong-restore-XXXXXX", path[64];
	char command[160];
	struct gt_bytes none = {0};
	(void)state;
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/db", dir);
	nodes_open(t, TOP, "33", "", path);
	nodes_open(t, MID, "3301", "33", NULL);
	nodes_enrol(t);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	close_top(t);
	gt_format(command, sizeof command, "cp %s %s.old", path, path);
	assert_int_equal(system(command), 0);
	again(t, path, false, 8);
	unsigned link = nodes_wire(t, MID, TOP, true);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, VERSION), 2);
	assert_int_equal(nodes_layer(t, TOP, deny), 0);
	nodes_run(t);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT verdict FROM item WHERE id='33/a'"),
	        GT_DENY);
	nodes_cut(t, link);
	close_top(t);
	gt_format(command, sizeof command, "mv %s.old %s && rm -f %s-wal", path,
	          path, path);
	assert_int_equal(system(command), 0);
	again(t, path, true, 9);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT verdict FROM item WHERE id='33/a'"),
	        GT_MIRROR);
	assert_true(nodes_int(t, MID, VERSION) > 2);
	assert_int_equal(nodes_int(t, MID, VERSION),
	                 nodes_int(t, TOP, VERSION));
	nodes_free(t);
	gt_format(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_new_epoch_and_newer_versions),
	        cmocka_unit_test(given_up_and_newer_than_what_is_sent),
	        cmocka_unit_test_setup_teardown(
	                withdrawn_while_the_parent_forgot, nodes_three,
	                nodes_gone),
	        cmocka_unit_test_setup_teardown(withdrawn_while_nobody_looked,
	                                        nodes_three, nodes_gone),
	};
	return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
