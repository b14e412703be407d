/* u_buffer.c: bytes and texts that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "nomem.h"

static void grows(void **state)
{
	struct gt_buffer b = {0};
	char *text;
	size_t n;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(gt_buffer_add(&b, "ab", 2));
		assert_true(gt_buffer_str(&b, "c"));
		assert_true(gt_buffer_format(&b, "%02d", i % 100));
		assert_int_equal(b.n, 5 * (i + 1));
		assert_true(b.n < b.cap);
		assert_int_equal(strlen((char *)b.p), b.n);
	}
	text = gt_buffer_text(&b, &n);
	assert_int_equal(n, 5000);
	assert_int_equal(strlen(text), n);
	assert_memory_equal(text + n - 10, "abc98abc99", 10);
	free(text);
	/* and begins again */
	assert_null(b.p);
	assert_true(gt_buffer_str(&b, "again"));
	assert_true(gt_bytes_eq(gt_buffer_bytes(&b), gt_bytes_str("again")));
	gt_buffer_free(&b);
}

static void nothing_is_a_text_too(void **state)
{
	struct gt_buffer b = {0};
	size_t n = 1;
	(void)state;
	assert_int_equal(gt_buffer_bytes(&b).n, 0);
	gt_buffer_free(&b);
	char *text = gt_buffer_text(&b, &n);
	assert_int_equal(n, 0);
	assert_string_equal(text, "");
	free(text);
}

static void each_growth_may_fail(void **state)
{
	static const char piece[600] = {'x'};
	long held = nomem_held();
	(void)state;
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_buffer b = {0};
		bool ok = true;
		for (int i = 0; i < 5; i++)
			ok = gt_buffer_add(&b, piece, sizeof piece);
		assert_int_equal(ok, !b.failed);
		char *text = gt_buffer_text(&b, NULL);
		assert_int_equal(text == NULL, nomem_hit());
		assert_int_equal(text != NULL, ok);
		free(text);
	}
	assert_int_equal(nomem_held(), held);
}

/* No machine has so much. */
static void without_memory_nothing_more_is_taken(void **state)
{
	struct gt_buffer b = {0};
	size_t n = 1;
	(void)state;
	assert_true(gt_buffer_str(&b, "kept"));
	assert_false(gt_buffer_room(&b, SIZE_MAX));
	assert_false(gt_buffer_room(&b, SIZE_MAX / 2));
	assert_false(gt_buffer_str(&b, "late"));
	assert_false(gt_buffer_format(&b, "%s", "late"));
	assert_true(b.failed);
	assert_string_equal((char *)b.p, "kept");
	assert_null(gt_buffer_text(&b, &n));
	assert_int_equal(n, 0);
	/* that was the end of it */
	assert_true(gt_buffer_str(&b, "new"));
	gt_buffer_wipe(&b);
	assert_null(b.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(grows),
	        cmocka_unit_test(nothing_is_a_text_too),
	        cmocka_unit_test(each_growth_may_fail),
	        cmocka_unit_test(without_memory_nothing_more_is_taken),
	};
	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
