/* u_waiting.c: what waits for the parent, by whose it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "limit.h"
#include "waiting.h"

static void goes_with_the_mark(void **state)
{
	struct gt_waiting *w = gt_waiting_new();
	(void)state;
	assert_non_null(w);
	assert_int_equal(gt_waiting_bytes(w, "3301", 0), 0);
	gt_waiting_add(w, "3301", 0, 100, 10);
	gt_waiting_add(w, "3302", 0, 7, 11);
	gt_waiting_add(w, "3301", 0, 50, 20);
	assert_int_equal(gt_waiting_bytes(w, "3301", 0), 150);
	assert_int_equal(gt_waiting_bytes(w, "3301", 9), 150);
	assert_int_equal(gt_waiting_bytes(w, "3301", 10), 50);
	assert_int_equal(gt_waiting_bytes(w, "3302", 10), 7);
	assert_int_equal(gt_waiting_bytes(w, "3301", 20), 0);
	/* what the parent has already does not wait */
	gt_waiting_add(w, "3301", 30, 100, 30);
	assert_int_equal(gt_waiting_bytes(w, "3301", 30), 0);
	gt_waiting_free(w);
	gt_waiting_free(NULL);
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

/* Never less than what waits, and all of it goes in the end; a steady stream
 * whose mark is a little behind does not add up. */
static void never_less_than_it_is(void **state)
{
	enum { ROUNDS = 2000 };
	static uint64_t bytes[ROUNDS + 1];
	(void)state;
	for (uint32_t round = 1; round < 20; round++) {
		struct gt_waiting *w = gt_waiting_new();
		uint32_t seed = round;
		int64_t hop = 0;
		for (int64_t seq = 1; seq <= ROUNDS; seq++) {
			bytes[seq] = 1 + draw(&seed, 1000);
			gt_waiting_add(w, "a", hop, bytes[seq], seq);
			if (seq - hop > 50)
				hop += draw(&seed, 50);
			uint64_t truth = 0;
			for (int64_t i = hop + 1; i <= seq; i++)
				truth += bytes[i];
			uint64_t said = gt_waiting_bytes(w, "a", hop);
			assert_in_range(said, truth, 3 * truth + 100000);
		}
		assert_int_equal(gt_waiting_bytes(w, "a", ROUNDS), 0);
		gt_waiting_free(w);
	}
}

/* Whoever comes under many names does not get rid of what he brought. */
static void many_names(void **state)
{
	struct gt_waiting *w = gt_waiting_new();
	char name[32];
	(void)state;
	gt_waiting_add(w, "much", 0, 1000000, 1);
	for (int64_t i = 0; i < 3 * GT_SHARES_MAX; i++) {
		snprintf(name, sizeof name, "n%lld", (long long)i);
		gt_waiting_add(w, name, 0, 10, 2 + i);
	}
	assert_int_equal(gt_waiting_bytes(w, "much", 0), 1000000);
	assert_int_equal(gt_waiting_bytes(w, name, 0), 10);
	gt_waiting_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(goes_with_the_mark),
	        cmocka_unit_test(never_less_than_it_is),
	        cmocka_unit_test(many_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
