/* u_access_quota.c: what may be done in a while, against a model that remembers
 * everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quota.h"

static uint64_t draw(uint64_t *seed, uint64_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 20) % n;
}

static void all_at_once_and_then_evenly(void **state)
{
	const struct gt_quota q = {.most = {60, 0, 0}};
	struct gt_quota_meter m = {{0}};
	int64_t wait, now = 5000;
	(void)state;
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(
		        gt_quota_take(&q, &m, GT_QUOTA_REQUESTS, 1, now, &wait),
		        0);
	assert_int_equal(gt_quota_used(&q, &m, GT_QUOTA_REQUESTS, now), 60);
	assert_int_equal(
	        gt_quota_take(&q, &m, GT_QUOTA_REQUESTS, 1, now, &wait),
	        -GT_EBUSY);
	assert_int_equal(wait, 1000);
	/* not a millisecond before it is said, and then */
	assert_int_equal(
	        gt_quota_take(&q, &m, GT_QUOTA_REQUESTS, 1, now + 999, &wait),
	        -GT_EBUSY);
	assert_int_equal(
	        gt_quota_take(&q, &m, GT_QUOTA_REQUESTS, 1, now + 1000, &wait),
	        0);
	assert_int_equal(
	        gt_quota_take(&q, &m, GT_QUOTA_REQUESTS, 1, now + 1000, &wait),
	        -GT_EBUSY);
	/* ten at a time wait for ten */
	assert_int_equal(
	        gt_quota_take(&q, &m, GT_QUOTA_REQUESTS, 10, now + 1000, &wait),
	        -GT_EBUSY);
	assert_int_equal(wait, 10000);
	assert_int_equal(
	        gt_quota_take(&q, &m, GT_QUOTA_REQUESTS, 61, now, &wait),
	        -GT_ELIMIT);
	assert_int_equal(wait, 0);
	/* the others have none */
	assert_int_equal(
	        gt_quota_take(&q, &m, GT_QUOTA_BYTES, UINT64_MAX, now, &wait),
	        0);
	assert_int_equal(gt_quota_used(&q, &m, GT_QUOTA_REQUESTS, now + 120000),
	                 0);
}

/* Whatever comes when: no window has more than twice the number, in the long run
 * there is the number in each, and whoever waits as told is let in. */
static void never_more_than_it_is(void **state)
{
	enum { EVENTS = 3000 };
	static struct {
		int64_t at;
		uint64_t n;
	} done[EVENTS];
	uint64_t seed = 11;
	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		enum gt_quota_kind k = (enum gt_quota_kind)draw(&seed, 3);
		uint64_t most =
		        1 + draw(&seed, (uint64_t)1 << (1 + draw(&seed, 39)));
		struct gt_quota q = {.most = {most, most, most}};
		struct gt_quota_meter m = {{0}};
		int64_t window = gt_quota_window_ms(k), now = 1, wait,
		        first = 1;
		uint64_t all = 0;
		unsigned nd = 0;
		for (unsigned i = 0; i < EVENTS; i++) {
			uint64_t n = 1 + draw(&seed, most);
			now += (int64_t)draw(&seed, (uint64_t)window / 4);
			int status = gt_quota_take(&q, &m, k, n, now, &wait);
			if (status == -GT_EBUSY && draw(&seed, 2)) {
				assert_true(wait > 0 && wait <= window);
				struct gt_quota_meter early = m;
				int64_t none;
				assert_int_equal(gt_quota_take(&q, &early, k, n,
				                               now + wait - 1,
				                               &none),
				                 -GT_EBUSY);
				now += wait;
				status =
				        gt_quota_take(&q, &m, k, n, now, &wait);
				assert_int_equal(status, 0);
			}
			if (status != 0)
				continue;
			done[nd].at = now;
			done[nd++].n = n;
			all += n;
			uint64_t in = 0;
			for (unsigned j = nd;
			     j-- > 0 && done[j].at > now - window;)
				in += done[j].n;
			assert_true(in <= 2 * most);
			assert_true(gt_quota_used(&q, &m, k, now) >= n);
			assert_true(gt_quota_used(&q, &m, k, now) <= most + 1 ||
			            most >= (uint64_t)1 << 31);
		}
		/* windows that have begun, and the one at the beginning */
		uint64_t windows = (uint64_t)((now - first) / window) + 2;
		assert_true(all / windows <= most);
	}
}

static void of_another_clock(void **state)
{
	struct gt_quota_meter m = {{INT64_MAX, 7, -3}};
	(void)state;
	gt_quota_settle(&m, 1000);
	assert_int_equal(m.until_us[GT_QUOTA_REQUESTS], 61000000);
	assert_int_equal(m.until_us[GT_QUOTA_STATEMENTS], 7);
	assert_int_equal(m.until_us[GT_QUOTA_BYTES], -3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(all_at_once_and_then_evenly),
	        cmocka_unit_test(never_more_than_it_is),
	        cmocka_unit_test(of_another_clock),
	};
	return cmocka_run_group_tests_name("access_quota", tests, NULL, NULL);
}
