/* u_units.c: addresses as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "units.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void addresses(void **state)
{
	(void)state;
	static const char *const yes[] = {"a:1", "10.33.1.6:7700", "[::]:7700",
	                                  "[fe80::1]:65535",
	                                  "sync.zj.example:7700"};
	static const char *const no[] = {
	        "",       "a",        ":7700", "a:",        "a:65536",
	        "a:-1",   "::1:7700", "[::1]", "[]:1",      "[::1]7700",
	        "*:7700", "a b:1",    "a:1x",  "tcp://a:1", "a:000001"};
	for (size_t i = 0; i < COUNT(yes); i++)
		assert_true(gt_address_valid(yes[i], false));
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(gt_address_valid(no[i], true));
	assert_true(gt_address_valid("127.0.0.1:0", true));
	assert_false(gt_address_valid("127.0.0.1:0", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
