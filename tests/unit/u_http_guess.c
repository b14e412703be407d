/* u_http_guess.c: guesses cost time, and whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_guess.h"

static struct gt_http_guess *g;
static int64_t now;
static const uint8_t here[GT_HTTP_FROM_BYTES] = {1},
                     there[GT_HTTP_FROM_BYTES] = {2};

static int begin(void **state)
{
	(void)state;
	now = 1000;
	g = gt_http_guess_new();
	return g ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	gt_http_guess_free(g);
	return 0;
}

static void wrong(const char *name, unsigned n)
{
	while (n--)
		(void)gt_http_guess_wrong(g, here, name, now);
}

static int64_t waits(const uint8_t *from, const char *name)
{
	return gt_http_guess_wait(g, from, name, now);
}

static void longer_each_time(void **state)
{
	(void)state;
	assert_int_equal(waits(here, "a"), 0);
	wrong("a", GT_GUESS_FREE - 1);
	assert_int_equal(waits(here, "a"), 0);
	int64_t want = 1000;
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(gt_http_guess_wrong(g, here, "a", now),
		                 GT_GUESS_FREE + i);
		assert_int_equal(waits(here, "a"), want);
		now += want - 1;
		assert_int_equal(waits(here, "a"), 1);
		now++;
		assert_int_equal(waits(here, "a"), 0);
		want = want < 32000 ? 2 * want : GT_GUESS_MOST_MS;
	}
	now += GT_GUESS_FORGET_MS;
	assert_int_equal(gt_http_guess_wrong(g, here, "a", now), 1);
}

/* Others behind the same address, and the same name elsewhere, go on. */
static void nobody_else(void **state)
{
	(void)state;
	wrong("a", 20);
	assert_true(waits(here, "a") > 0);
	assert_int_equal(waits(here, "b"), 0);
	assert_int_equal(waits(there, "a"), 0);
	gt_http_guess_right(g, here, "a");
	assert_int_equal(waits(here, "a"), 0);
	gt_http_guess_right(g, here, "nobody");
}

/* One password tried on many names. */
static void many_names(void **state)
{
	char name[20];
	(void)state;
	for (unsigned i = 0; i < GT_GUESS_FREE_ADDRESS; i++) {
		gt_format(name, sizeof name, "n%u", i);
		assert_int_equal(waits(here, name), 0);
		wrong(name, 1);
	}
	assert_int_equal(waits(here, "any"), 1000);
	assert_int_equal(waits(there, "any"), 0);
	/* being right with one of them does not help with the others */
	gt_http_guess_right(g, here, "n1");
	assert_int_equal(waits(here, "any"), 1000);
	/* however many names: the row of the address stays */
	for (unsigned i = 0; i < 3000; i++) {
		gt_format(name, sizeof name, "m%u", i);
		wrong(name, 1);
	}
	assert_int_equal(waits(here, "any"), GT_GUESS_MOST_MS);
}

/* What is told of an address: at once, then now and then, with all there were. */
static void told(void **state)
{
	(void)state;
	assert_int_equal(gt_http_guess_tell(g, here, true, now), 0);
	wrong("a", GT_GUESS_FREE);
	assert_int_equal(gt_http_guess_tell(g, here, false, now),
	                 GT_GUESS_FREE);
	for (int i = 0; i < 30; i++)
		assert_int_equal(gt_http_guess_tell(g, here, true, now), 0);
	assert_int_equal(gt_http_guess_tell(g, there, true, now), 0);
	now += GT_GUESS_TELL_MS;
	assert_int_equal(gt_http_guess_tell(g, here, true, now),
	                 GT_GUESS_FREE + 31);
	now += GT_GUESS_FORGET_MS;
	wrong("b", 1);
	assert_int_equal(gt_http_guess_tell(g, here, false, now), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(longer_each_time, begin, end),
	        cmocka_unit_test_setup_teardown(nobody_else, begin, end),
	        cmocka_unit_test_setup_teardown(many_names, begin, end),
	        cmocka_unit_test_setup_teardown(told, begin, end),
	};
	return cmocka_run_group_tests_name("http guess", tests, NULL, NULL);
}
