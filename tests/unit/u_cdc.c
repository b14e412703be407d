/* u_cdc.c: cuts against a model of one byte a step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cdc.h"

/* The constants of splitmix64 as its authors give them. */
static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t gear[256];

/* 19 bits below the normal size, 15 above it; the last byte of an odd number
 * is never looked at. */
static size_t model(const uint8_t *p, size_t n)
{
	uint64_t h = 0;
	size_t end = n < 256 << 10 ? n : 256 << 10;
	for (size_t i = 64 << 10; i < (end & ~(size_t)1); i++) {
		uint64_t mask = i < 112 << 10 ? UINT64_C(0x7ffff) << 44
		                              : UINT64_C(0x7fff) << 48;
		h = (h << 1) + gear[p[i]];
		if ((h & mask) == 0)
			return i;
	}
	return end;
}

static void cuts(void **state)
{
	enum { N = 24 << 20 };
	size_t early = 0, late = 0, forced = 0, at = 0;
	uint8_t *p = malloc(N);
	struct gt_cdc cdc;
	uint64_t r = 5;
	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < N; i += 8) {
		uint64_t v = splitmix(&r);
		memcpy(p + i, &v, 8);
	}
	memset(p + N / 2, 0, 1 << 20); /* which has no place to cut */
	gt_cdc_init(&cdc);
	while (at < N) {
		size_t n = gt_cdc_cut(&cdc, p + at, N - at);
		assert_int_equal(n, model(p + at, N - at));
		/* nothing behind the end moves it */
		for (size_t k = 0; k < 3 && k < n; k++)
			assert_int_equal(gt_cdc_cut(&cdc, p + at, n - k),
			                 n - k);
		early += n < 112 << 10;
		late += n > 112 << 10 && n < 256 << 10;
		forced += n == 256 << 10;
		at += n;
	}
	assert_true(early > 5 && late > 50 && forced > 3);
	/* what is left at the end may be of any size */
	static const size_t sizes[] = {1,      65535,  65536,  65537,
	                               114687, 114688, 114689, 200001,
	                               262143, 262144, 262145};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (at = 0; at < 40; at++) {
			const uint8_t *from = p + at * 262144;
			assert_int_equal(gt_cdc_cut(&cdc, from, sizes[i]),
			                 model(from, sizes[i]));
		}
	free(p);
}

/* Ids of objects hang on it: the same for ever. */
static void table(void **state)
{
	struct gt_cdc cdc;
	(void)state;
	gt_cdc_init(&cdc);
	for (size_t i = 0; i < 256; i++) {
		assert_true(cdc.gear[i] == gear[i]);
		assert_true(cdc.gear2[i] == gear[i] * 2);
	}
}

int main(void)
{
	uint64_t x = UINT64_C(0x6775616e746f6e67);
	for (size_t i = 0; i < 256; i++)
		gear[i] = splitmix(&x);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(table),
	        cmocka_unit_test(cuts),
	};
	return cmocka_run_group_tests_name("cdc", tests, NULL, NULL);
}
