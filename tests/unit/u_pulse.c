/* u_pulse.c: a call that does not end is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "pulse.h"

static void one_that_hangs(void **state)
{
	static struct gt_pulse p;
	const char *what = NULL;
	(void)state;
	assert_int_equal(gt_pulse_stuck(&p, 100, 10, &what), 0);
	unsigned a = gt_pulse_begin(&p, "a", 100);
	unsigned b = gt_pulse_begin(&p, "b", 105);
	assert_int_not_equal(a, b);
	assert_int_equal(gt_pulse_count(&p), 2);
	assert_int_equal(gt_pulse_stuck(&p, 110, 10, &what), 0);
	assert_int_equal(gt_pulse_stuck(&p, 111, 10, &what), 11);
	assert_string_equal(what, "a");
	assert_int_equal(gt_pulse_stuck(&p, 200, 10, &what), 100);
	gt_pulse_end(&p, a);
	assert_int_equal(gt_pulse_stuck(&p, 200, 10, &what), 95);
	assert_string_equal(what, "b");
	gt_pulse_end(&p, b);
	assert_int_equal(gt_pulse_count(&p), 0);
	assert_int_equal(gt_pulse_stuck(&p, 1000000, 10, &what), 0);
}

/* More than are watched: the rest go on unwatched. */
static void too_many(void **state)
{
	static struct gt_pulse p;
	unsigned beat[GT_PULSE_BEATS + 2];
	const char *what = NULL;
	(void)state;
	for (unsigned i = 0; i < GT_PULSE_BEATS + 2; i++)
		beat[i] = gt_pulse_begin(&p, "x", 1);
	assert_int_equal(beat[GT_PULSE_BEATS + 1], GT_PULSE_BEATS);
	for (unsigned i = 0; i < GT_PULSE_BEATS + 2; i++)
		gt_pulse_end(&p, beat[i]);
	assert_int_equal(gt_pulse_stuck(&p, 1000, 1, &what), 0);
}

static void *calls(void *arg)
{
	for (int64_t i = 1; i < 20000; i++)
		gt_pulse_end(arg, gt_pulse_begin(arg, "quick", i));
	return NULL;
}

/* Threads that come and go hide none that stays. */
static void among_others(void **state)
{
	static struct gt_pulse p;
	pthread_t threads[4];
	const char *what = NULL;
	(void)state;
	unsigned stays = gt_pulse_begin(&p, "stays", 1);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, calls, &p),
		                 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(gt_pulse_stuck(&p, 30001, 29999, &what),
		                 30000);
		assert_string_equal(what, "stays");
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	gt_pulse_end(&p, stays);
	assert_int_equal(gt_pulse_stuck(&p, 30001, 1, &what), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_that_hangs),
	        cmocka_unit_test(too_many),
	        cmocka_unit_test(among_others),
	};
	return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
