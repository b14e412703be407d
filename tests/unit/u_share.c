/* u_share.c: how much one may hand in per hour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "limit.h"
#include "share.h"

enum { HOUR = 3600 * 1000, MUCH = 3600000 };

static int made(void **state)
{
	*state = gt_shares_new();
	return *state ? 0 : -1;
}

static int gone(void **state)
{
	gt_shares_free(*state);
	return 0;
}

static void a_burst_then_a_rate(void **state)
{
	struct gt_shares *s = *state;
	assert_int_equal(gt_share_take(s, "a", MUCH, MUCH, 5), 0);
	uint64_t wait = gt_share_take(s, "a", MUCH, 1000, 5);
	assert_in_range(wait, 1000, 2001);
	/* another's is another's */
	assert_int_equal(gt_share_take(s, "b", MUCH, MUCH, 5), 0);
	/* by then it is taken, and no more than that */
	assert_int_equal(gt_share_take(s, "a", MUCH, 1000, 5 + wait), 0);
	assert_int_not_equal(gt_share_take(s, "a", MUCH, MUCH, 5 + wait), 0);
	assert_int_equal(gt_share_take(s, "a", MUCH, MUCH, 5 + wait + HOUR), 0);
}

/* More than an hour's in one piece would else never be taken. */
static void a_piece_larger_than_all(void **state)
{
	struct gt_shares *s = *state;
	assert_int_equal(gt_share_take(s, "a", MUCH, 3 * MUCH, 0), 0);
	uint64_t wait = gt_share_take(s, "a", MUCH, 3 * MUCH, 0);
	assert_int_not_equal(wait, 0);
	assert_int_equal(gt_share_take(s, "a", MUCH, 3 * MUCH, wait), 0);
}

static void small_steps_leak_too(void **state)
{
	struct gt_shares *s = *state;
	assert_int_equal(gt_share_take(s, "a", 3600, 3600, 0), 0);
	uint64_t taken = 0;
	/* a byte a second, asked for every millisecond */
	for (uint64_t ms = 1; ms <= 10000; ms++)
		taken += gt_share_take(s, "a", 3600, 1, ms) == 0;
	assert_in_range(taken, 9, 10);
}

/* Under many names nobody gets rid of what he did under one. */
static void many_names(void **state)
{
	struct gt_shares *s = *state;
	char name[32];
	assert_int_equal(gt_share_take(s, "a", MUCH, MUCH, 0), 0);
	for (int i = 0; i < 3 * GT_SHARES_MAX; i++) {
		(void)snprintf(name, sizeof name, "n%d", i);
		assert_int_equal(gt_share_take(s, name, MUCH, 100, 1), 0);
	}
	assert_int_not_equal(gt_share_take(s, "a", MUCH, 100000, 2), 0);
}

/* Whatever comes when: never more than an hour's beyond the rate. */
static void never_beyond_the_rate(void **state)
{
	uint64_t r = 7;
	for (int round = 0; round < 200; round++) {
		struct gt_shares *s = *state;
		uint64_t now = (uint64_t)round * 10 * HOUR, from = now;
		uint64_t taken = 0;
		for (int i = 0; i < 100; i++) {
			r = r * 6364136223846793005u + 1442695040888963407u;
			uint64_t bytes = (r >> 33) % MUCH;
			now += (r >> 20) % (HOUR / 4);
			if (gt_share_take(s, "a", MUCH, bytes, now) == 0)
				taken += bytes;
			assert_true(taken <= MUCH + (now - from) * 1001 / 1000);
		}
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, made, gone)
	const struct CMUnitTest tests[] = {
	        T(a_burst_then_a_rate),   T(a_piece_larger_than_all),
	        T(small_steps_leak_too),  T(many_names),
	        T(never_beyond_the_rate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
