/* u_base.c: codes, globs, hexadecimal, names of things, lending. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "arena.h"
#include "code.h"

static void codes(void **state)
{
	(void)state;
	assert_true(gt_code_valid("33"));
	assert_true(gt_code_valid("330106109210"));
	assert_true(gt_code_valid("33-nju"));
	assert_false(gt_code_valid("331"));
	assert_false(gt_code_valid("33-"));
	assert_false(gt_code_valid("33-Nju"));
	assert_false(gt_code_valid("x"));
	assert_int_equal(gt_code_depth("330106109"), 3);
	assert_int_equal(gt_code_digits(3), 9);
	assert_int_equal(gt_code_digits(5), 0);
	assert_int_equal(gt_code_digits(-1), 0);
	assert_true(gt_code_within("330106", "3301"));
	assert_true(gt_code_within("330106-b", "330106"));
	assert_false(gt_code_within("330106", "330106-b"));
	assert_false(gt_code_within("3302", "3301"));
	assert_true(gt_code_child_of("3301", "33"));
	assert_true(gt_code_child_of("330106-b", "330106"));
	assert_true(gt_code_child_of("330106109", "330106-b"));
	assert_false(gt_code_child_of("33", "33"));
	assert_false(gt_code_child_of("33", "3301"));
}

static void ids(void **state)
{
	(void)state;
	assert_true(gt_rid_valid("33/phone-basics"));
	assert_true(gt_rid_valid("33-nju/a.b_c"));
	assert_false(gt_rid_valid("33/"));
	assert_false(gt_rid_valid("33/.hidden"));
	assert_false(gt_rid_valid("33/a/b"));
	assert_false(gt_rid_valid("nju/a"));
}

static void globs(void **state)
{
	(void)state;
	assert_true(gt_glob("3301*", "330106"));
	assert_true(gt_glob("*", ""));
	assert_true(gt_glob("a*b?d", "axxbcd"));
	assert_false(gt_glob("a*b", "abc"));
	assert_false(gt_glob("", "a"));
}

static void hexadecimal(void **state)
{
	(void)state;
	uint8_t in[3] = {0, 0xab, 0xff}, back[3];
	char text[7];
	gt_hex(text, in, 3);
	assert_string_equal(text, "00abff");
	assert_true(gt_unhex(back, 3, text));
	assert_memory_equal(in, back, 3);
	assert_false(gt_unhex(back, 3, "00abf"));
	assert_false(gt_unhex(back, 3, "00abff0"));
	assert_false(gt_unhex(back, 3, "00abfg"));
	assert_true(gt_unhex(back, 3, "00ABfF"));
	assert_memory_equal(in, back, 3);
	for (int c = 0; c < 256; c++) {
		static const char small[] = "0123456789abcdef";
		static const char large[] = "ABCDEF";
		const char *s = c ? strchr(small, c) : NULL;
		const char *l = c ? strchr(large, c) : NULL;
		assert_int_equal(gt_hex_digit((char)c), s   ? s - small
		                                        : l ? l - large + 10
		                                            : -1);
		assert_int_equal(gt_lower((char)c),
		                 (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
	}
}

static void names(void **state)
{
	(void)state;
	struct gt_id id = {{1, 0xab}};
	struct gt_transfer_id a = {{1, 0xab}}, b = a, none = {{0}};
	char hex[GT_HEX_ID];
	gt_id_hex(hex, &id);
	assert_string_equal(hex, "01ab"
	                         "000000000000"
	                         "0000000000000000"
	                         "0000000000000000"
	                         "0000000000000000");
	gt_transfer_id_hex(hex, &a);
	assert_string_equal(hex, "01ab"
	                         "000000000000"
	                         "0000000000000000");
	assert_true(gt_transfer_id_eq(&a, &b));
	assert_true(gt_transfer_id_is_zero(&none));
	assert_false(gt_transfer_id_is_zero(&a));
	b.b[GT_TRANSFER_BYTES - 1] = 1;
	assert_false(gt_transfer_id_eq(&a, &b));
	none.b[GT_TRANSFER_BYTES - 1] = 1;
	assert_false(gt_transfer_id_is_zero(&none));
}

static void lending(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {1, 2};
	ProtobufCBinaryData lent = gt_lend_bytes(gt_bytes_of(bytes, 2));
	assert_ptr_equal(gt_lend(bytes), bytes);
	assert_ptr_equal(lent.data, bytes);
	assert_int_equal(lent.len, 2);
	assert_null(gt_lend(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(codes), cmocka_unit_test(ids),
	        cmocka_unit_test(globs), cmocka_unit_test(hexadecimal),
	        cmocka_unit_test(names), cmocka_unit_test(lending),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
