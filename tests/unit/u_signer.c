/* u_signer.c: what is refused because the roster does not bear out who signed it
 * comes when it does (catalogue/signer.c, PROTOCOL.md M15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nodes.h"

enum { TOP, MID, LOW };

/* The row of `who`, as node LOW has it from now on. */
static void row(struct nodes *t, unsigned who, const struct gt_key *key,
                uint64_t version, int standing)
{
	nodes_members(t, LOW,
	              nodes_member(t, t->v[who].code, key->public, version,
	                           standing));
}

static void publish(struct nodes *t, const char *slug)
{
	assert_int_equal(nodes_publish(t, TOP, slug, "course",
	                               (struct gt_bytes){0},
	                               (struct gt_bytes){0}),
	                 0);
}

static void wired(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
}

/* Entries, new versions of them, withdrawals and layers of TOP. */
static const char *const rules[] = {"exam", "deny", NULL};

static void refused(struct nodes *t)
{
	publish(t, "new");
	publish(t, "old");
	assert_int_equal(nodes_withdraw(t, TOP, "gone"), 0);
	assert_int_equal(nodes_layer(t, TOP, rules), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM item WHERE"
	                           " id='33/new'"),
	                 1);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(DISTINCT subject)"
	                           " FROM audit WHERE"
	                           " event='receive' AND"
	                           " result='SIGNATURE'"),
	                 4);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM item WHERE"
	                           " id='33/new' OR kind=2"),
	                 0);
}

#define SUMS                                               \
	"SELECT sum(version)+100*count(*)+1000*sum(state)" \
	" FROM item WHERE kind IN(1,2)"

static void here(struct nodes *t)
{
	assert_true(nodes_int(t, TOP, SUMS) > 1300);
	assert_int_equal(nodes_int(t, LOW, SUMS), nodes_int(t, TOP, SUMS));
	/* and it goes on as before */
	publish(t, "next");
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW, SUMS), nodes_int(t, TOP, SUMS));
}

static void before(struct nodes *t)
{
	wired(t);
	publish(t, "old");
	publish(t, "gone");
	nodes_run(t);
}

static void taken_back(void **state)
{
	struct nodes *t = *state;
	before(t);
	row(t, TOP, &t->v[TOP].key, 9, GT__STANDING__REVOKED);
	refused(t);
	row(t, TOP, &t->v[TOP].key, 10, GT__STANDING__ACTIVE);
	nodes_pass(t, 15000);
	here(t);
}

/* It had another key by the roster here. */
static void another_key(void **state)
{
	struct nodes *t = *state;
	before(t);
	row(t, TOP, &t->v[LOW].key, 9, GT__STANDING__ACTIVE);
	refused(t);
	row(t, TOP, &t->v[TOP].key, 10, GT__STANDING__ACTIVE);
	nodes_pass(t, 15000);
	here(t);
}

/* The row comes while the parent is away, and this node starts anew before and
 * behind it. */
static void over_restarts(void **state)
{
	struct nodes *t = *state;
	before(t);
	row(t, TOP, &t->v[TOP].key, 9, GT__STANDING__REVOKED);
	refused(t);
	nodes_restart(t, LOW);
	row(t, TOP, &t->v[TOP].key, 10, GT__STANDING__ACTIVE);
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	here(t);
}

/* A link that breaks in the middle of comparing loses nothing. */
static void cut_while_comparing(void **state)
{
	struct nodes *t = *state;
	before(t);
	row(t, TOP, &t->v[TOP].key, 9, GT__STANDING__REVOKED);
	refused(t);
	row(t, TOP, &t->v[TOP].key, 10, GT__STANDING__ACTIVE);
	nodes_cut(t, 1);
	unsigned again = nodes_wire(t, LOW, MID, true);
	nodes_cut(t, again);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	here(t);
}

/* Rows of others, and one that goes on refusing, are no ground to compare all;
 * and all is compared once. */
static void only_for_that(void **state)
{
	struct nodes *t = *state;
	before(t);
	row(t, TOP, &t->v[TOP].key, 9, GT__STANDING__REVOKED);
	refused(t);
	nodes_clear(t, LOW);
	row(t, TOP, &t->v[TOP].key, 10, GT__STANDING__REVOKED);
	row(t, MID, &t->v[MID].key, 10, GT__STANDING__ACTIVE);
	nodes_pass(t, 15000);
	assert_int_equal(nodes_asked_count(t, LOW, GT__REQUEST__BODY_INVENTORY),
	                 0);
	row(t, TOP, &t->v[TOP].key, 11, GT__STANDING__ACTIVE);
	nodes_pass(t, 15000);
	row(t, TOP, &t->v[TOP].key, 12, GT__STANDING__ACTIVE);
	nodes_pass(t, 15000);
	assert_int_equal(nodes_asked_count(t, LOW, GT__REQUEST__BODY_INVENTORY),
	                 1);
	here(t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three_on_disk, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(taken_back),          T(another_key),   T(over_restarts),
	        T(cut_while_comparing), T(only_for_that),
	};
	return cmocka_run_group_tests_name("signer", tests, NULL, NULL);
}
