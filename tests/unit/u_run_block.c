/* u_run_block.c: blocks and guides: what is written is what is read, and what
 * is not what was written is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

static uint64_t seed = 88172645463325252u;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int by_key(const void *a, const void *b)
{
	return gt_run_compare(a, b);
}

/* Sorted keys of a shape: how many bits of each half are drawn. */
static size_t keys(struct gt_run_entry *v, size_t n, unsigned hi, unsigned lo)
{
	size_t m = 0;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct gt_run_entry){hi ? draw() >> (64 - hi) : 7,
		                             lo ? draw() >> (64 - lo) : 7,
		                             1 + (int64_t)i};
	qsort(v, n, sizeof *v, by_key);
	for (size_t i = 0; i < n; i++)
		if (m == 0 || gt_run_compare(&v[m - 1], &v[i]) != 0)
			v[m++] = v[i];
	return m;
}

static struct gt_run_entry all[20000], back[GT_BLOCK_ENTRIES];
static struct gt_group_make group;

static void come_back(unsigned hi, unsigned lo, bool names)
{
	size_t n = keys(all, 20000, hi, lo), at = 0, was;
	struct gt_guide g;
	gt_group_begin(&group, names, names ? 2 : 0);
	while (at < n && gt_group_add(&group, &all[at]))
		at++;
	assert_true(at > 0);
	was = at;
	assert_true(gt_guide_read(&g, gt_group_end(&group)));
	assert_int_equal(g.nblocks, group.nblocks);
	at = 0;
	for (unsigned b = 0; b < g.nblocks; b++) {
		int m = gt_block_read(
		        gt_bytes_of(group.blocks[b], group.bytes[b]), back);
		assert_true(m > 0);
		struct gt_run_entry first = gt_guide_first(&g, b);
		assert_int_equal(gt_run_compare(&first, &back[0]), 0);
		for (int i = 0; i < m; i++, at++) {
			assert_int_equal(back[i].hi, all[at].hi);
			assert_int_equal(back[i].lo, all[at].lo);
			assert_int_equal(back[i].value,
			                 names ? all[at].value & 0xffff : 0);
			assert_int_equal(
			        gt_guide_block(&g, all[at].hi, all[at].lo), b);
			assert_true(gt_guide_may(&g, all[at].hi, all[at].lo));
		}
	}
	assert_int_equal(at, was);
}

static void whole(void **state)
{
	(void)state;
	for (int names = 0; names < 2; names++) {
		come_back(64, 64, names);
		come_back(64, 20, names);
		come_back(8, 40, names);
		come_back(0, 14, names);
		come_back(64, 0, names);
		come_back(3, 0, names);
	}
	gt_group_begin(&group, true, 0);
	struct gt_run_entry e = {0, 0, 0};
	assert_true(gt_group_add(&group, &e));
	e = (struct gt_run_entry){UINT64_MAX, UINT64_MAX, 0};
	assert_true(gt_group_add(&group, &e));
	struct gt_guide g;
	assert_true(gt_guide_read(&g, gt_group_end(&group)));
	assert_int_equal(gt_guide_block(&g, UINT64_MAX, 0), 0);
}

/* Ten million random names in 17 bytes each; and filters that do their work. */
static void small(void **state)
{
	size_t n = 0, bytes = 0, wrong = 0;
	struct gt_run_entry e = {0};
	struct gt_guide g;
	(void)state;
	gt_group_begin(&group, true, 3);
	do {
		n++;
		e = (struct gt_run_entry){
		        e.hi + 1 + draw() % (UINT64_MAX / 5000000), draw(),
		        (int64_t)(draw() % 10000000)};
	} while (gt_group_add(&group, &e));
	assert_true(gt_guide_read(&g, gt_group_end(&group)));
	for (unsigned b = 0; b < group.nblocks; b++)
		bytes += group.bytes[b];
	assert_in_range(bytes * 10 / (n - 1), 160, 182);
	assert_in_range(n, GT_GROUP_NAMES, GT_GROUP_NAMES + 300);
	for (int i = 0; i < 10000; i++)
		wrong += gt_guide_may(&g, draw(), draw());
	assert_in_range(wrong, 0, 300);
}

/* Every bit of a block and of a guide counts. */
static void rotten(void **state)
{
	struct gt_run_entry some[3] = {{1, 2, 3}, {1, 9, 4}, {5, 0, 6}};
	uint8_t b[100];
	struct gt_guide g;
	(void)state;
	gt_group_begin(&group, true, 1);
	for (int i = 0; i < 3; i++)
		assert_true(gt_group_add(&group, &some[i]));
	struct gt_bytes guide = gt_group_end(&group);
	size_t n = group.bytes[0];
	memcpy(b, group.blocks[0], n);
	for (size_t i = 0; i < 8 * n; i++) {
		b[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(gt_block_read(gt_bytes_of(b, n), back),
		                 -GT_EDAMAGED);
		b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(gt_block_read(gt_bytes_of(b, i), back),
		                 -GT_EDAMAGED);
	assert_int_equal(gt_block_read(gt_bytes_of(b, n), back), 3);
	n = guide.n;
	memcpy(b, guide.p, n);
	for (size_t i = 0; i < 8 * n; i++) {
		b[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(gt_guide_read(&g, gt_bytes_of(b, n)));
		b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < n; i++)
		assert_false(gt_guide_read(&g, gt_bytes_of(b, i)));
}

/* Bytes whose sum is right and that say what cannot be. */
static void hostile(void **state)
{
	uint8_t b[GT_BLOCK_BYTES];
	struct gt_guide g;
	int read = 0;
	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t n = 8 + draw() % 60;
		for (size_t k = 0; k < n; k++)
			b[k] = (uint8_t)(draw() % (k % 3 ? 256 : 40));
		b[4] = 0;
		b[5] = (uint8_t)(draw() % 12);
		b[6] = (uint8_t)(draw() % 10);
		gt_put32(b, gt_run_sum(b + 4, n - 4));
		int m = gt_block_read(gt_bytes_of(b, n), back);
		assert_true(m == -GT_EDAMAGED || (m > 0 && m < 12));
		read += m > 0;
		for (int k = 1; k < m; k++)
			assert_int_equal(gt_run_compare(&back[k - 1], &back[k]),
			                 -1);
		b[4] = (uint8_t)(draw() % 20);
		gt_put32(b, gt_run_sum(b + 4, n - 4));
		if (gt_guide_read(&g, gt_bytes_of(b, n)))
			assert_true(g.filter + g.filter_bytes == b + n);
	}
	assert_true(read > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(whole), cmocka_unit_test(small),
	        cmocka_unit_test(rotten), cmocka_unit_test(hostile)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
