/* u_waiting.c: what waits for the parent, by whose it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

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

/* What is kept of a name says the same when it is read. */
static void kept_over_a_restart(void **state)
{
	struct gt_waiting *w = gt_waiting_new(), *again = gt_waiting_new();
	uint8_t packed[GT_WAITING_BYTES];
	uint32_t seed = 5;
	int64_t seq = 0;
	(void)state;
	assert_int_equal(gt_waiting_pack(w, "a", packed), 0);
	for (unsigned i = 0; i < 50; i++) {
		seq += 1 + draw(&seed, 9);
		assert_null(gt_waiting_add(w, "a", 3, draw(&seed, 9999), seq));
	}
	size_t n = gt_waiting_pack(w, "a", packed);
	assert_int_equal(n, sizeof packed);
	assert_true(
	        gt_waiting_unpack(again, "a", gt_bytes_of(packed, n), 3, seq));
	for (int64_t hop = 3; hop <= seq; hop++)
		assert_int_equal(gt_waiting_bytes(w, "a", hop),
		                 gt_waiting_bytes(again, "a", hop));
	gt_waiting_free(w);
	gt_waiting_free(again);
}

static void what_is_not_kept(void **state)
{
	struct gt_waiting *w = gt_waiting_new();
	uint8_t packed[GT_WAITING_BYTES + 16];
	(void)state;
	gt_waiting_add(w, "a", 0, 5, 10);
	gt_waiting_add(w, "a", 0, 6, 20);
	size_t n = gt_waiting_pack(w, "a", packed);
	struct gt_bytes all = gt_bytes_of(packed, n);
	/* the parent has it */
	assert_false(gt_waiting_unpack(w, "b", all, 20, 20));
	/* there are no such records; it is cut; it goes backwards */
	assert_false(gt_waiting_unpack(w, "b", all, 0, 19));
	assert_false(
	        gt_waiting_unpack(w, "b", gt_bytes_of(packed, n - 1), 0, 20));
	assert_false(gt_waiting_unpack(w, "b", gt_bytes_of(NULL, 0), 0, 20));
	gt_put64(packed + 16, 9);
	assert_false(gt_waiting_unpack(w, "b", all, 0, 20));
	gt_put64(packed + 16, UINT64_MAX);
	assert_false(gt_waiting_unpack(w, "b", all, 0, 20));
	gt_put64(packed + 16, 20);
	gt_put64(packed + 24, UINT64_MAX);
	assert_false(gt_waiting_unpack(w, "b", all, 0, 20));
	memset(packed, 0, sizeof packed);
	assert_false(gt_waiting_unpack(
	        w, "b", gt_bytes_of(packed, sizeof packed), 0, 20));
	assert_int_equal(gt_waiting_bytes(w, "b", 0), 0);
	gt_waiting_free(w);
}

/* Who gives way is named, so that what is kept of him goes too. */
static void who_gives_way_is_named(void **state)
{
	struct gt_waiting *w = gt_waiting_new();
	uint8_t packed[GT_WAITING_BYTES];
	char name[32];
	(void)state;
	for (int64_t i = 0; i < GT_SHARES_MAX; i++) {
		snprintf(name, sizeof name, "n%lld", (long long)i);
		assert_null(gt_waiting_add(w, name, 0, i == 7 ? 1 : 10, 1 + i));
	}
	size_t n = gt_waiting_pack(w, "n8", packed);
	assert_false(gt_waiting_unpack(w, "x", gt_bytes_of(packed, n), 0, 99));
	assert_string_equal(gt_waiting_add(w, "x", 0, 10, GT_SHARES_MAX + 1),
	                    "n7");
	assert_null(gt_waiting_add(w, "x", 0, 10, GT_SHARES_MAX + 2));
	gt_waiting_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(goes_with_the_mark),
	        cmocka_unit_test(never_less_than_it_is),
	        cmocka_unit_test(many_names),
	        cmocka_unit_test(kept_over_a_restart),
	        cmocka_unit_test(what_is_not_kept),
	        cmocka_unit_test(who_gives_way_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
