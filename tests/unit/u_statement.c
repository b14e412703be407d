/* u_statement.c: what is a statement, which are the same, how one is given
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "statement.h"

#define ID  "12345678-1234-4234-8234-1234567890aB"
#define REF "\"objectType\":\"StatementRef\",\"id\":\"" ID "\""
#define A   "\"actor\":{\"mbox\":\"mailto:a@b.cn\"}"
#define V   "\"verb\":{\"id\":\"http://v/did\"}"
#define O   "\"object\":{\"id\":\"http://o/1\"}"
#define AVO A "," V "," O

static const uint8_t ids[4][GT_UUID_BYTES] = {{1}, {2}, {3}, {4}};
static struct gt_statement out[8];
static char why[300];

static int parse(const char *text)
{
	return gt_statements_parse(gt_bytes_str(text), ids, 4, out, 8, why,
	                           sizeof why);
}

static void valid(void **state)
{
	static const char *const row[] = {
	        "{" AVO "}",
	        "{\"id\":\"" ID "\",\"version\":\"1.0.3\",\"timestamp\":"
	        "\"2026-11-22T22:27:37.123+08:00\",\"stored\":"
	        "\"2026-11-22T22:27:37Z\"," AVO "}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		int n = parse(row[i]);
		assert_string_equal(why, "");
		assert_int_equal(n, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(valid),
	};
	return cmocka_run_group_tests_name("statement", tests, NULL, NULL);
}
