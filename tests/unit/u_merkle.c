/* u_merkle.c: trees with gaps, against a tree that has all its leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "merkle.h"

static uint64_t seed = 0x5eed;

static uint64_t draw(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static struct gt_id leaves[GT_MERKLE_MAX];
static struct gt_gap a[GT_MERKLE_MAX], b[GT_MERKLE_MAX];

static void grow(void)
{
	for (size_t i = 0; i < GT_MERKLE_MAX; i++)
		for (size_t k = 0; k < GT_ID_BYTES; k++)
			leaves[i].b[k] = (uint8_t)draw(256);
}

/* As RFC 6962 2.1 says it. */
static void naive(struct gt_id *out, const struct gt_id *v, size_t n)
{
	struct gt_id l, r;
	uint8_t one = 1;
	size_t k = 1;
	if (n == 1) {
		*out = *v;
		return;
	}
	while (k * 2 < n)
		k *= 2;
	naive(&l, v, k);
	naive(&r, v + k, n - k);
	struct gt_bytes parts[] = {
	        {&one, 1}, {l.b, GT_ID_BYTES}, {r.b, GT_ID_BYTES}};
	gt_sha256(out, parts, 3);
}

static void pick(bool *v, size_t n, uint64_t of)
{
	for (size_t i = 0; i < n; i++)
		v[i] = draw(of) == 0;
}

/* Any leaves and the gaps of the others make the same root. */
static void any_part_makes_the_root(void **state)
{
	(void)state;
	grow();
	for (uint32_t n = 1; n <= 300; n += n < 40 ? 1 : 37) {
		bool all[GT_MERKLE_MAX], keep[GT_MERKLE_MAX], whole;
		static struct gt_id none[GT_MERKLE_MAX];
		struct gt_id want, root;
		naive(&want, leaves, n);
		memset(all, true, sizeof all);
		memset(none, 0, sizeof none);
		struct gt_merkle t = {.leaves = leaves, .here = all, .n = n};
		assert_true(gt_merkle_root(&t, &root));
		assert_true(gt_id_eq(&root, &want));
		for (unsigned of = 1; of < 40; of += 3) {
			pick(keep, n, of);
			size_t ngaps = gt_merkle_gaps(&t, keep, a, &whole);
			assert_true(whole);
			for (uint32_t i = 0; i < n; i++)
				if (keep[i])
					none[i] = leaves[i];
			struct gt_merkle part = {.leaves = none,
			                         .here = keep,
			                         .n = n,
			                         .gaps = a,
			                         .ngaps = ngaps};
			assert_true(gt_merkle_root(&part, &root));
			assert_true(gt_id_eq(&root, &want));
			/* there and back as bytes */
			static uint8_t text[GT_MERKLE_MAX * GT_GAP_BYTES];
			gt_gaps_write(text, a, ngaps);
			assert_int_equal(
			        gt_gaps_read(
			                b,
			                gt_bytes_of(text, ngaps * GT_GAP_BYTES),
			                n),
			        ngaps);
			assert_memory_equal(a, b, ngaps * sizeof *a);
			/* another leaf, or one less, and it is another tree */
			for (uint32_t i = 0; i < n; i++) {
				if (!keep[i])
					continue;
				none[i].b[3] ^= 1;
				assert_true(gt_merkle_root(&part, &root));
				assert_false(gt_id_eq(&root, &want));
				none[i].b[3] ^= 1;
				keep[i] = false;
				assert_false(gt_merkle_root(&part, &root));
				keep[i] = true;
				break;
			}
		}
	}
}

/* Two parts of one tree, each with the gaps of the rest: what neither has. */
static void two_parts_are_joined(void **state)
{
	(void)state;
	grow();
	for (unsigned round = 0; round < 2000; round++) {
		uint32_t n = 1 + (uint32_t)draw(70);
		bool all[80], one[80], other[80], both[80], whole;
		memset(all, true, sizeof all);
		pick(one, n, 1 + draw(9));
		pick(other, n, 1 + draw(9));
		for (uint32_t i = 0; i < n; i++)
			both[i] = one[i] || other[i];
		struct gt_merkle t = {.leaves = leaves, .here = all, .n = n};
		size_t na = gt_merkle_gaps(&t, one, a, &whole);
		size_t nb = gt_merkle_gaps(&t, other, b, &whole);
		struct gt_gap want[80], got[80];
		size_t nwant = gt_merkle_gaps(&t, both, want, &whole);
		struct gt_merkle second = {.leaves = leaves,
		                           .here = other,
		                           .n = n,
		                           .gaps = b,
		                           .ngaps = nb,
		                           .also = a,
		                           .nalso = na};
		assert_int_equal(gt_merkle_gaps(&second, both, got, &whole),
		                 nwant);
		assert_true(whole);
		assert_memory_equal(got, want, nwant * sizeof *got);
	}
}

static void a_leaf_in_a_gap_is_not_in_the_tree(void **state)
{
	bool all[8], keep[8] = {true}, whole;
	struct gt_id root;
	(void)state;
	grow();
	memset(all, true, sizeof all);
	struct gt_merkle t = {.leaves = leaves, .here = all, .n = 8};
	t.ngaps = gt_merkle_gaps(&t, keep, a, &whole);
	t.gaps = a;
	assert_int_equal(t.ngaps, 3);
	/* whoever puts any leaf where the hashes say something else */
	assert_false(gt_merkle_root(&t, &root));
	t.here = keep;
	assert_true(gt_merkle_root(&t, &root));
}

static void gaps_that_are_none(void **state)
{
	static const struct {
		struct gt_gap v[2];
		size_t n;
		uint32_t count;
	} bad[] = {
	        {{{.at = 0, .n = 0}}, 1, 8},
	        {{{.at = 1, .n = 2}}, 1, 8},
	        {{{.at = 0, .n = 3}}, 1, 8},
	        {{{.at = 8, .n = 1}}, 1, 8},
	        {{{.at = 4, .n = 8}}, 1, 8},
	        {{{.at = 65535, .n = 65535}}, 1, 8},
	        {{{.at = 0, .n = 4}, {.at = 2, .n = 2}}, 2, 8},
	        {{{.at = 4, .n = 4}, {.at = 0, .n = 4}}, 2, 8},
	        {{{.at = 0, .n = 1}, {.at = 0, .n = 1}}, 2, 1},
	};
	uint8_t text[3 * GT_GAP_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		gt_gaps_write(text, bad[i].v, bad[i].n);
		assert_int_equal(
		        gt_gaps_read(a,
		                     gt_bytes_of(text, bad[i].n * GT_GAP_BYTES),
		                     bad[i].count),
		        -1);
	}
	assert_int_equal(gt_gaps_read(a, gt_bytes_of(text, 35), 8), -1);
	assert_int_equal(gt_gaps_read(a, gt_bytes_of(text, 0), 8), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(any_part_makes_the_root),
	        cmocka_unit_test(two_parts_are_joined),
	        cmocka_unit_test(a_leaf_in_a_gap_is_not_in_the_tree),
	        cmocka_unit_test(gaps_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
