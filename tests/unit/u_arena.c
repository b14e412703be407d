/* u_arena.c: what an arena hands out is aligned and its own, and what it could
 * not hand out is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena.h"
#include "guantong.pb-c.h"
#include "nomem.h"

enum { PIECES = 3000, LARGE = 2 << 20 };

static void pieces(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	static uint8_t *p[PIECES];
	/* across blocks, and with pieces larger than one */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < PIECES; i++) {
			size_t n = i == 77 ? LARGE : i % 100;
			p[i] = gt_arena_get(a, n);
			assert_non_null(p[i]);
			assert_int_equal((uintptr_t)p[i] % 16, 0);
			memset(p[i], (int)(i % 251), n);
		}
		for (size_t i = 0; i < PIECES; i++)
			for (size_t k = 0; i != 77 && k < i % 100; k++)
				assert_int_equal(p[i][k], i % 251);
		gt_arena_reset(a);
	}
	gt_arena_free(a);
	gt_arena_free(NULL);
}

static void copies(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	char text[] = "课程";
	char *s = gt_arena_str(a, text);
	uint8_t *b = gt_arena_copy(a, text, 3);
	memset(text, 'x', sizeof text - 1);
	assert_string_equal(s, "课程");
	assert_memory_equal(b, "课", 3);
	assert_null(gt_arena_str(a, NULL));
	assert_null(gt_arena_copy(a, NULL, 3));
	gt_arena_free(a);
}

static void shortage(void **state)
{
	(void)state;
	struct gt_arena *a = gt_arena_new();
	assert_false(gt_arena_short(a));
	assert_null(gt_arena_get(a, SIZE_MAX));
	assert_null(gt_arena_get(a, SIZE_MAX / 2 + 1));
	assert_true(gt_arena_short(a));
	assert_non_null(gt_arena_get(a, 1));
	assert_true(gt_arena_short(a)); /* until it is reset */
	gt_arena_reset(a);
	assert_false(gt_arena_short(a));
	gt_arena_free(a);
}

/* One block is kept, and that not if it is large; what was asked of it before
 * any reset is given back with it. */
static void given_back(void **state)
{
	enum { SMALL = 1000, KEPT = 1 << 20 };
	(void)state;
	struct gt_arena *a = gt_arena_new();
	long held = nomem_held();
	gt_arena_reset(a);
	for (int i = 0; i < PIECES; i++)
		assert_non_null(gt_arena_get(a, SMALL));
	assert_true(nomem_held() > held + 1);
	gt_arena_reset(a);
	assert_int_equal(nomem_held(), held + 1);
	/* the block is used again, from its beginning */
	assert_non_null(gt_arena_get(a, 60 * SMALL));
	assert_int_equal(nomem_held(), held + 1);
	assert_non_null(gt_arena_get(a, KEPT));
	gt_arena_reset(a);
	assert_int_equal(nomem_held(), held + 1);
	assert_non_null(gt_arena_get(a, KEPT));
	assert_int_equal(nomem_held(), held + 1);
	assert_non_null(gt_arena_get(a, KEPT + 16));
	gt_arena_reset(a);
	assert_int_equal(nomem_held(), held);
	gt_arena_free(a);
	assert_int_equal(nomem_held(), held - 1);
}

/* What could not be had leaves the arena as it was: it goes on once there is
 * memory again. */
static void no_memory(void **state)
{
	(void)state;
	long held = nomem_held();
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_arena *a = gt_arena_new();
		char *s = a ? gt_arena_str(a, "abc") : NULL;
		uint8_t *large = s ? gt_arena_get(a, LARGE) : NULL;
		bool hit = nomem_hit();
		assert_true(hit == !large);
		assert_true(!a || gt_arena_short(a) == hit);
		assert_true(!a || gt_arena_get(a, LARGE));
		assert_true(!s || strcmp(s, "abc") == 0);
		gt_arena_free(a);
		assert_int_equal(nomem_held(), held);
	}
}

static void no_memory_to_pack(void **state)
{
	Gt__Text text;
	static char lang[] = "zh";
	(void)state;
	gt__text__init(&text);
	text.lang = lang;
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_arena *a = gt_arena_new();
		struct gt_bytes b = {NULL, 0};
		if (a)
			b = gt_arena_pack(a, &text.base);
		bool hit = nomem_hit();
		assert_true(hit == !b.p);
		assert_int_equal(b.n, hit ? 0 : 4);
		gt_arena_free(a);
	}
	/* a message with nothing in it is no bytes, and there */
	text.lang = lang + 2;
	struct gt_arena *a = gt_arena_new();
	struct gt_bytes b = gt_arena_pack(a, &text.base);
	assert_non_null(b.p);
	assert_int_equal(b.n, 0);
	gt_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pieces),
	        cmocka_unit_test(copies),
	        cmocka_unit_test(shortage),
	        cmocka_unit_test(given_back),
	        cmocka_unit_test(no_memory),
	        cmocka_unit_test(no_memory_to_pack),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
