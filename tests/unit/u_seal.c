/* u_seal.c: batches of every size sign and verify; any change is refused; want
 * of memory is never a verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "nomem.h"
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
	/* what was found bad is not remembered as good */
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

/* A batch of the largest size, and what lies beyond it. */
static void largest_batch(void **state)
{
	(void)state;
	static struct gt_bytes bodies[GT_SEAL_MAX + 1], out[GT_SEAL_MAX + 1];
	struct gt_arena *a = gt_arena_new();
	struct gt_seal_cache *cache = gt_seal_cache_new();
	for (size_t i = 0; i < GT_SEAL_MAX + 1; i++)
		bodies[i] = gt_bytes_str("one of many");
	assert_int_equal(gt_seal(&key, GT__KIND__RESOURCE, bodies, 0, a, out),
	                 -GT_ELIMIT);
	assert_int_equal(gt_seal(&key, GT__KIND__RESOURCE, bodies,
	                         GT_SEAL_MAX + 1, a, out),
	                 -GT_ELIMIT);
	assert_int_equal(
	        gt_seal(&key, GT__KIND__RESOURCE, bodies, GT_SEAL_MAX, a, out),
	        0);
	Gt__Signed *s = decode(a, out[GT_SEAL_MAX - 1]);
	assert_int_equal(s->n_path, GT_SEAL_DEPTH);
	assert_int_equal(gt_unseal(s, cache), 0);
	/* the path of the last of one more is short enough */
	s->index = GT_SEAL_MAX;
	s->count = GT_SEAL_MAX + 1;
	s->n_path = 1;
	assert_int_equal(gt_unseal(s, cache), -GT_EMALFORMED);
	gt_seal_cache_free(cache);
	gt_arena_free(a);
}

/* Lengths and places that no seal has are refused before anything is hashed,
 * whatever bytes stand behind them. */
static void shapes(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	struct gt_bytes out[SIZES];
	ProtobufCBinaryData path[GT_SEAL_DEPTH + 1];
	seal(a, 2, out);
	Gt__Signed *s = decode(a, out[1]);
	s->key.len--;
	assert_int_equal(gt_unseal(s, NULL), -GT_EMALFORMED);
	s->key.len++;
	s->signature.len--;
	assert_int_equal(gt_unseal(s, NULL), -GT_EMALFORMED);
	s->signature.len++;
	s->path[0].len--;
	assert_int_equal(gt_unseal(s, NULL), -GT_EMALFORMED);
	s->path[0].len++;
	assert_int_equal(gt_unseal(s, NULL), 0);
	for (size_t i = 0; i < GT_SEAL_DEPTH + 1; i++)
		path[i] = s->path[0];
	s->path = path;
	for (s->n_path = 2; s->n_path <= GT_SEAL_DEPTH + 1; s->n_path++)
		assert_int_equal(gt_unseal(s, NULL), -GT_EMALFORMED);

	seal(a, 1, out);
	s = decode(a, out[0]);
	s->index = 1;
	assert_int_equal(gt_unseal(s, NULL), -GT_EMALFORMED);
	s->index = s->count = 0;
	assert_int_equal(gt_unseal(s, NULL), -GT_EMALFORMED);
	s->count = 1;
	assert_int_equal(gt_unseal(s, NULL), 0);
	gt_arena_free(a);
}

/* -------------------------------------------------------- no memory */

/* What OpenSSL asks for counts as ours. */
static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void *grow(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return realloc(p, n);
}

static void give(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* Pieces that are kept, but for what OpenSSL notes of errors by the thread. */
static long held(void)
{
	OPENSSL_thread_stop();
	return nomem_held();
}

static void no_memory_to_sign(void **state)
{
	(void)state;
	struct gt_bytes text = gt_bytes_str("text");
	uint8_t want[GT_SIGNATURE_BYTES], sig[GT_SIGNATURE_BYTES];
	assert_int_equal(gt_sign(&key, text, want), 0);
	long before = held();
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_key again = {0};
		memset(sig, 0, sizeof sig);
		int status = gt_key_from_seed(&again, key.seed);
		if (status == 0)
			status = gt_sign(&again, text, sig);
		bool hit = nomem_hit();
		assert_true(status == 0 || (hit && status == -GT_ENOMEM));
		if (status == 0) {
			assert_memory_equal(&again, &key, sizeof key);
			assert_memory_equal(sig, want, sizeof sig);
		}
		assert_int_equal(held(), before);
	}
}

/* Whether one request fails or all do from there on, a good signature is not
 * called bad, nor a bad one good. */
static void no_memory_to_verify(void **state)
{
	(void)state;
	static void (*const arm[])(size_t) = {nomem_after, nomem_from};
	struct gt_bytes text = gt_bytes_str("text");
	uint8_t sig[GT_SIGNATURE_BYTES];
	assert_int_equal(gt_sign(&key, text, sig), 0);
	for (int bad = 0; bad < 2; bad++) {
		int want = bad ? -GT_ESIGNATURE : 0;
		sig[9] ^= (uint8_t)bad;
		assert_int_equal(gt_verify(key.public, text, sig), want);
		long before = held();
		for (size_t k = 0; k < 2; k++) {
			bool hit = true;
			for (size_t n = 1; hit; n++) {
				arm[k](n);
				int status = gt_verify(key.public, text, sig);
				hit = nomem_hit();
				assert_true(status == want ||
				            (hit && status == -GT_ENOMEM));
				assert_int_equal(held(), before);
			}
		}
	}
}

static void no_memory_to_seal(void **state)
{
	(void)state;
	struct gt_bytes body[3] = {gt_bytes_str("a"), gt_bytes_str("b"),
	                           gt_bytes_str("c")};
	long before = held();
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_bytes out[3];
		struct gt_arena *a = gt_arena_new();
		struct gt_seal_cache *cache = gt_seal_cache_new();
		int status = a && cache ? gt_seal(&key, GT__KIND__LAYER, body,
		                                  3, a, out)
		                        : -GT_ENOMEM;
		bool hit = nomem_hit();
		assert_true(status == 0 || (hit && status == -GT_ENOMEM));
		for (size_t i = 0; status == 0 && i < 3; i++)
			assert_int_equal(gt_unseal(decode(a, out[i]), cache),
			                 0);
		gt_seal_cache_free(cache);
		gt_arena_free(a);
		assert_int_equal(held(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_size),
	        cmocka_unit_test(changes_are_refused),
	        cmocka_unit_test(largest_batch),
	        cmocka_unit_test(shapes),
	        cmocka_unit_test(no_memory_to_sign),
	        cmocka_unit_test(no_memory_to_verify),
	        cmocka_unit_test(no_memory_to_seal),
	};
	uint8_t seed[32] = {7};
	if (CRYPTO_set_mem_functions(take, grow, give) != 1)
		return 1;
	if (gt_key_from_seed(&key, seed) != 0)
		return 1;
	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
