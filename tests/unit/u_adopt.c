/* u_adopt.c: bytes published anew while they are let go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node_kit.h"

enum { TOP, MID };

static uint64_t begin(struct nodes *t, unsigned i, const char *slug,
                      const struct pack *p, size_t bytes)
{
	return nodes_publish_begin(t, i, slug, "course",
	                           gt_bytes_of(p->manifest, p->manifest_n),
	                           gt_bytes_of(p->out, bytes));
}

static int64_t objects(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM object");
}

/* Published as "a", and again as "b" with so many of its bytes; "a" is
 * withdrawn before that is adopted. */
static uint64_t renamed(struct nodes *t, const struct pack *p, size_t bytes)
{
	assert_int_equal(publish(t, TOP, "a", p), 0);
	t->v[TOP].held = true;
	uint64_t token = begin(t, TOP, "b", p, bytes);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	t->v[TOP].held = false;
	return token;
}

static void withdrawn_while_another_is_adopted(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	uint64_t token = renamed(t, &p, p.out_n);
	assert_int_equal(nodes_publish_end(t, TOP, token), 0);
	assert_holds(t, TOP, &p);
	/* and goes with the last that names it */
	assert_int_equal(nodes_withdraw(t, TOP, "b"), 0);
	assert_int_equal(objects(t, TOP), 0);
	assert_null(nodes_file(t, TOP, &p.object));
	pack_clear(&p);
}

static void withdrawn_and_not_adopted(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	uint64_t token = renamed(t, &p, p.out_n - 1);
	assert_true(nodes_publish_end(t, TOP, token) < 0);
	assert_int_equal(objects(t, TOP), 0);
	assert_null(nodes_file(t, TOP, &p.object));
	pack_clear(&p);
}

static void not_adopted_beside_one_that_is(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	t->v[TOP].held = true;
	uint64_t bad = begin(t, TOP, "b", &p, p.out_n - 1);
	uint64_t good = begin(t, TOP, "c", &p, p.out_n);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	t->v[TOP].held = false;
	assert_true(nodes_publish_end(t, TOP, bad) < 0);
	assert_int_equal(nodes_publish_end(t, TOP, good), 0);
	assert_holds(t, TOP, &p);
	pack_clear(&p);
}

/* Fetched from above and let go, its removal waits for the last of it to be
 * placed; meanwhile the same bytes are published here. */
static void withdrawn_above_while_it_is_placed(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].held = true;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	assert_true(nodes_count(t, MID, GT_ACT_PLACE) > 1);
	uint64_t token = begin(t, MID, "b", &p, p.out_n);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_run(t);
	assert_int_equal(objects(t, MID), 0);
	t->v[MID].held = false;
	assert_int_equal(nodes_publish_end(t, MID, token), 0);
	assert_holds(t, MID, &p);
	nodes_pass(t, 10000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

/* What comes from above is published here before it is whole: the version it
 * was to take the place of goes. */
static void published_before_it_is_fetched(void **state)
{
	struct nodes *t = *state;
	struct pack one, two;
	package(&one, 1, 300000);
	package(&two, 2, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &one), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &one);
	t->v[MID].held = true;
	assert_int_equal(publish(t, TOP, "a", &two), 0);
	uint64_t token = begin(t, MID, "b", &two, two.out_n);
	assert_int_equal(objects(t, MID), 2);
	t->v[MID].held = false;
	assert_int_equal(nodes_publish_end(t, MID, token), 0);
	nodes_pass(t, 10000);
	assert_holds(t, MID, &two);
	assert_int_equal(objects(t, MID), 1);
	assert_null(nodes_file(t, MID, &one.object));
	pack_clear(&one);
	pack_clear(&two);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(withdrawn_while_another_is_adopted),
	        T(withdrawn_and_not_adopted),
	        T(not_adopted_beside_one_that_is),
	        T(withdrawn_above_while_it_is_placed),
	        T(published_before_it_is_fetched),
	};
	return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
