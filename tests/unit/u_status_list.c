/* u_status_list.c: names of lists, and lists packed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "json.h"
#include "status_list.h"

static void names(void **state)
{
	static const char *const bad[] = {
	        "",
	        "urn:guantong:",
	        "urn:guantong:33",
	        "urn:guantong:33:certificates",
	        "urn:guantong:33:certificates:",
	        "urn:guantong:33:certificates:256",
	        "urn:guantong:33:certificates:00",
	        "urn:guantong:33:certificates:1x",
	        "urn:guantong:33:certificates:-1",
	        "urn:guantong:33:certificates:1 ",
	        "urn:guantong:33:other:1",
	        "urn:guantong:x y:certificates:1",
	        "urn:guantong::certificates:1",
	        "urn:guantong:33:certificates:99999999999999999999999",
	        "URN:guantong:33:certificates:1",
	};
	char name[GT_LIST_CHARS], code[GT_CODE_MAX + 1], longest[200];
	int64_t number;
	(void)state;
	for (int64_t i = 0; i < GT_LIST_NUMBERS; i += 51) {
		gt_list_name(name, "330106-b", i);
		assert_true(gt_list_named(name, code, &number));
		assert_string_equal(code, "330106-b");
		assert_int_equal(number, i);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_list_named(bad[i], code, &number));
	memset(longest, '3', sizeof longest);
	memcpy(longest, "urn:guantong:", 13);
	longest[sizeof longest - 1] = '\0';
	assert_false(gt_list_named(longest, code, &number));
}

static json_t *list(const int64_t *gone, size_t n)
{
	static const uint8_t seed[GT_KEY_BYTES] = {1};
	struct gt_key key;
	assert_int_equal(gt_key_from_seed(&key, seed), 0);
	json_t *v = gt_list_sign("33", 0, "2026-01-01T00:00:00.000Z", gone, n,
	                         &key);
	assert_non_null(v);
	return v;
}

static void packed_and_as_it_was(void **state)
{
	enum { MANY = GT_CERTIFICATE_BITS / 2 };
	static const size_t counts[] = {0, 3, MANY};
	static int64_t gone[MANY];
	uint32_t x = 7;
	(void)state;
	/* bits that nobody can guess: a list of the worst kind */
	for (size_t i = 0; i < MANY; i++) {
		x = x * 1664525 + 1013904223;
		gone[i] = (x >> 8) % GT_CERTIFICATE_BITS;
	}
	for (size_t k = 0; k < 3; k++) {
		size_t n = counts[k];
		struct gt_buffer b = {0};
		json_t *v = list(gone, n), *back;
		struct gt_list l;
		assert_int_equal(gt_list_pack(&b, v), 0);
		assert_true(b.n < (n ? GT_LIST_PACKED_MAX : 1000));
		assert_int_equal(gt_list_unpack(&back, gt_buffer_bytes(&b)), 0);
		assert_true(json_equal(v, back));
		assert_int_equal(gt_list_open(back, &l), 0);
		for (size_t i = 0; i < n; i++)
			assert_true(gt_list_has(&l, gone[i]));
		gt_list_close(&l);
		json_decref(back);
		json_decref(v);
		gt_buffer_free(&b);
	}
}

static void unpacks(const void *text, size_t n, int want)
{
	size_t room = ZSTD_compressBound(n);
	uint8_t *p = malloc(room);
	json_t *v;
	assert_non_null(p);
	size_t m = ZSTD_compress(p, room, text, n, 1);
	assert_false(ZSTD_isError(m));
	assert_int_equal(gt_list_unpack(&v, gt_bytes_of(p, m)), want);
	json_decref(v);
	free(p);
}

static void what_is_no_packed_list(void **state)
{
	json_t *v;
	struct gt_buffer b = {0};
	(void)state;
	/* what would fill the memory */
	uint8_t *many = calloc(1, 9 << 20);
	assert_non_null(many);
	unpacks(many, 9 << 20, -GT_EMALFORMED);
	unpacks(many, GT_LIST_TEXT_MAX + 1, -GT_EMALFORMED);
	unpacks(many, 0, -GT_EMALFORMED);
	free(many);
	unpacks("{}", 2, 0);
	unpacks("{", 1, -GT_EMALFORMED);
	unpacks("{\"a\":1,\"a\":2}", 13, -GT_EMALFORMED);
	assert_int_equal(gt_list_unpack(&v, gt_bytes_str("")), -GT_EMALFORMED);
	assert_int_equal(gt_list_unpack(&v, gt_bytes_str("{}")),
	                 -GT_EMALFORMED);
	/* one frame and no more, and all of it */
	json_t *whole = list(NULL, 0);
	assert_int_equal(gt_list_pack(&b, whole), 0);
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(gt_list_unpack(&v, gt_bytes_of(b.p, i)),
		                 -GT_EMALFORMED);
	assert_int_equal(gt_list_pack(&b, whole), 0);
	assert_int_equal(gt_list_unpack(&v, gt_buffer_bytes(&b)),
	                 -GT_EMALFORMED);
	gt_buffer_free(&b);
	json_decref(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(names),
	        cmocka_unit_test(packed_and_as_it_was),
	        cmocka_unit_test(what_is_no_packed_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
