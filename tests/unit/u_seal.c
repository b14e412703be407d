/* u_seal.c: batches of every size sign and verify; any change is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seal.h"

enum { SIZES = 70 };

static struct gt_key key;

static Gt__Signed *decode(struct gt_arena *a, struct gt_bytes b)
{
	Gt__Signed *s = gt__signed__unpack(gt_arena_allocator(a), b.n, b.p);
	assert_non_null(s);
	return s;
}

static void seal(struct gt_arena *a, size_t n, struct gt_bytes *out)
{
	static uint8_t text[SIZES];
	struct gt_bytes bodies[SIZES];
	for (size_t i = 0; i < n; i++) {
		text[i] = (uint8_t)i;
		bodies[i] = gt_bytes_of(text + i, 1);
	}
	assert_int_equal(gt_seal(&key, GT__KIND__RESOURCE, bodies, n, a, out),
	                 0);
}

static void every_size(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	struct gt_seal_cache *cache = gt_seal_cache_new();
	for (size_t n = 1; n <= SIZES; n++) {
		struct gt_bytes out[SIZES];
		gt_arena_reset(a);
		seal(a, n, out);
		for (size_t i = 0; i < n; i++) {
			Gt__Signed *s = decode(a, out[i]);
			assert_int_equal(gt_unseal(s, cache), 0);
			assert_int_equal(s->body.data[0], i);
		}
	}
	gt_seal_cache_free(cache);
	gt_arena_free(a);
}

static void changes_are_refused(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	struct gt_seal_cache *cache = gt_seal_cache_new();
	struct gt_bytes out[SIZES];
	seal(a, 5, out);
	Gt__Signed *s = decode(a, out[3]);
	assert_int_equal(gt_unseal(s, cache), 0);
	s->body.data[0] ^= 1;
	assert_int_equal(gt_unseal(s, cache), -GT_ESIGNATURE);
	s->body.data[0] ^= 1;
	s->kind = GT__KIND__LAYER;
	assert_int_equal(gt_unseal(s, cache), -GT_ESIGNATURE);
	s->kind = GT__KIND__RESOURCE;
	s->signature.data[9] ^= 1;
	assert_int_equal(gt_unseal(s, cache), -GT_ESIGNATURE);
	s->signature.data[9] ^= 1;
	s->index = 2;
	assert_int_not_equal(gt_unseal(s, cache), 0);
	s->index = 3;
	s->count = 9;
	assert_int_not_equal(gt_unseal(s, cache), 0);
	s->count = 5;
	s->n_path--;
	assert_int_equal(gt_unseal(s, cache), -GT_EMALFORMED);
	s->n_path++;
	assert_int_equal(gt_unseal(s, cache), 0);
	gt_seal_cache_free(cache);
	gt_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_size),
	        cmocka_unit_test(changes_are_refused),
	};
	uint8_t seed[32] = {7};
	if (gt_key_from_seed(&key, seed) != 0)
		return 1;
	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
