/* u_tar.c: headers, byte for byte; that a stock tar reads them is u_object.c's
 * to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tar.h"

static uint8_t head[GT_TAR_HEAD_MAX];

/* A path of n bytes, with slashes after so many of them; 0: no more. */
static const char *path_of(size_t n, size_t slash, size_t other)
{
	static char path[GT_PATH_MAX + 1];
	memset(path, 'a', n);
	if (slash)
		path[slash] = '/';
	if (other)
		path[other] = '/';
	path[n] = '\0';
	return path;
}

static void fields(void **state)
{
	(void)state;
	uint8_t want[512] = "a/b";
	memcpy(want + 100,
	       "0000644\0"
	       "0000000\0"
	       "0000000\0",
	       24);
	memcpy(want + 124,
	       "00000001234\0"
	       "00000000000\0",
	       24);
	memcpy(want + 148, "007065\0 0", 9);
	memcpy(want + 257,
	       "ustar\0"
	       "00",
	       8);
	memcpy(want + 329,
	       "0000000\0"
	       "0000000\0",
	       16);
	unsigned sum = 0;
	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : want[i];
	char digits[8];
	gt_format(digits, sizeof digits, "%06o", sum);
	memcpy(want + 148, digits, 6);
	assert_int_equal(gt_tar_head(head, "a/b", 01234), 512);
	assert_memory_equal(head, want, 512);
}

static void splits(void **state)
{
	static const struct {
		size_t n, slash, other;
		size_t prefix; /* n: it needs an extended header */
	} rows[] = {
	        {100, 0, 0, 0},     {100, 50, 0, 0},    {101, 0, 0, 101},
	        {101, 1, 0, 1},     {101, 1, 3, 1},     {101, 99, 0, 99},
	        {200, 98, 0, 200},  {200, 99, 0, 99},   {200, 98, 101, 101},
	        {256, 155, 0, 155}, {256, 154, 0, 256}, {256, 156, 0, 256},
	        {257, 155, 0, 257}, {250, 155, 0, 155}, {250, 156, 0, 250},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = rows[i].n, k = rows[i].prefix;
		const char *path = path_of(n, rows[i].slash, rows[i].other);
		size_t whole = gt_tar_head(head, path, 0);
		if (whole != (k == n ? 1536 : 512))
			fail_msg("row %zu: %zu", i, whole);
		if (k == n)
			continue;
		size_t name = k ? n - k - 1 : n;
		assert_memory_equal(head, path + n - name, name);
		assert_true(name == 100 || head[name] == '\0');
		assert_memory_equal(head + 345, path, k);
		assert_true(k == 155 || head[345 + k] == '\0');
	}
}

/* What no ustar header can say, and the harmless name for who knows no pax. */
static void extended(void **state)
{
	(void)state;
	assert_int_equal(gt_tar_head(head, "课/Az09.-a~", 3), 1536);
	assert_string_equal((char *)head, "PaxHeaders/next");
	assert_int_equal(head[156], 'x');
	static const uint8_t zeros[512];
	assert_memory_equal(head + 15, zeros, 100 - 15);
	assert_memory_equal(head + 157, zeros, 100);
	assert_memory_equal(head + 265, zeros, 64);
	assert_memory_equal(head + 345, zeros, 512 - 345);
	assert_memory_equal(head + 512 + 21, zeros, 512 - 21);
	assert_memory_equal(head + 124, "00000000025", 12);
	assert_memory_equal(head + 512, "21 path=课/Az09.-a~\n\0", 22);
	assert_string_equal((char *)head + 1024, "____Az09.-a_");
	assert_int_equal(head[1024 + 156], '0');
	assert_memory_equal(head + 1024 + 124, "00000000003", 12);
	assert_int_equal(gt_tar_head(head, path_of(101, 0, 0), 0), 1536);
	assert_memory_equal(head + 512, "111 path=aaa", 12);
	assert_memory_equal(head + 1024, path_of(100, 0, 0), 100);
	/* lengths that count their own digits */
	char path[92] = "é";
	memset(path + 2, 'a', 89);
	gt_tar_head(head, path, 0);
	assert_memory_equal(head + 512, "101 path=", 9);
	assert_memory_equal(head + 512 + 100, "\n\0", 2);
	path[90] = '\0';
	gt_tar_head(head, path, 0);
	assert_memory_equal(head + 512, "99 path=", 8);
	assert_memory_equal(head + 512 + 98, "\n\0", 2);
	/* the longest there is: both records, and their padding */
	assert_int_equal(gt_tar_head(head, path_of(GT_PATH_MAX, 0, 0),
	                             UINT64_C(1) << 33),
	                 512 + 1536 + 512);
	assert_memory_equal(head + 512 + 1035 - 1, "\n19 size=8589934592\n",
	                    20);
	assert_memory_equal(head + 512 + 1536 + 124, "00000000000", 12);
	assert_int_equal(gt_tar_head(head, "a", (UINT64_C(1) << 33) - 1), 512);
	assert_memory_equal(head + 124, "77777777777", 12);
}

static void padding(void **state)
{
	(void)state;
	assert_int_equal(gt_tar_padding(0), 0);
	assert_int_equal(gt_tar_padding(1), 511);
	assert_int_equal(gt_tar_padding(511), 1);
	assert_int_equal(gt_tar_padding(512), 0);
	assert_int_equal(gt_tar_padding(UINT64_MAX), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(fields),
	        cmocka_unit_test(splits),
	        cmocka_unit_test(extended),
	        cmocka_unit_test(padding),
	};
	return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
