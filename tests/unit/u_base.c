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
	assert_false(gt_code_valid(""));
	assert_false(gt_code_valid("33nju"));
	assert_true(gt_code_valid("33-09az-"));
	assert_false(gt_code_valid("33-a/"));
	assert_false(gt_code_valid("33-a:"));
	assert_false(gt_code_valid("33-a`"));
	assert_false(gt_code_valid("33-a{"));
	char longest[GT_CODE_MAX + 2];
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "33-", 3);
	longest[GT_CODE_MAX + 1] = '\0';
	assert_false(gt_code_valid(longest));
	longest[GT_CODE_MAX] = '\0';
	assert_true(gt_code_valid(longest));
	assert_int_equal(gt_code_depth("33"), 0);
	assert_int_equal(gt_code_depth("330106109"), 3);
	assert_int_equal(gt_code_depth("330106109210-b"), 4);
	assert_int_equal(gt_code_depth("331"), -1);
	assert_int_equal(gt_code_digits(3), 9);
	assert_int_equal(gt_code_digits(5), 0);
	assert_int_equal(gt_code_digits(-1), 0);
	assert_int_equal(gt_code_digits(0), 2);
	assert_int_equal(gt_code_digits(4), 12);
	assert_null(gt_level_name(-1));
	assert_null(gt_level_name(5));
	assert_string_equal(gt_level_name(0), "province");
	assert_string_equal(gt_level_name(4), "village");
	assert_int_equal(gt_level_depth("province"), 0);
	assert_int_equal(gt_level_depth("village"), 4);
	assert_int_equal(gt_level_depth("hamlet"), -1);
	assert_true(gt_code_within("330106", "3301"));
	assert_true(gt_code_within("330106-b", "330106"));
	assert_false(gt_code_within("330106", "330106-b"));
	assert_false(gt_code_within("3302", "3301"));
	assert_true(gt_code_within("330106-b", "330106-b"));
	assert_false(gt_code_within("330106-bc", "330106-b"));
	assert_true(gt_code_child_of("3301", "33"));
	assert_true(gt_code_child_of("330106-b", "330106"));
	assert_true(gt_code_child_of("330106109", "330106-b"));
	assert_false(gt_code_child_of("33", "33"));
	assert_false(gt_code_child_of("33", "3301"));
	assert_false(gt_code_child_of("3401", "33"));
	assert_false(gt_code_child_of("330106-b", "330106-b"));
	assert_false(gt_code_child_of("330106-c", "330106-b"));
	assert_false(gt_code_child_of("330106", "330106-b"));
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
	assert_false(gt_rid_valid("33"));
	assert_true(gt_rid_valid("33/09az._-"));
	assert_false(gt_rid_valid("33/a:"));
	assert_false(gt_rid_valid("33/A"));
	assert_false(gt_rid_valid("33/a`"));
	assert_false(gt_rid_valid("33/a{"));
	char publisher[GT_CODE_MAX + 1], id[GT_RID_MAX + 2];
	memset(id, 'a', sizeof id);
	memcpy(id, "33-", 3);
	/* the longest of both halves, and a character more of either */
	id[GT_CODE_MAX] = '/';
	id[GT_CODE_MAX + 1 + GT_SLUG_MAX] = '\0';
	assert_true(gt_rid_valid(id));
	assert_true(gt_rid_publisher(publisher, id));
	assert_int_equal(strlen(publisher), GT_CODE_MAX);
	id[GT_CODE_MAX + 1 + GT_SLUG_MAX] = 'a';
	id[GT_CODE_MAX + 2 + GT_SLUG_MAX] = '\0';
	assert_false(gt_rid_valid(id));
	id[GT_CODE_MAX] = 'a';
	id[GT_CODE_MAX + 1] = '/';
	assert_false(gt_rid_valid(id));
	assert_false(gt_rid_publisher(publisher, id));
	assert_false(gt_rid_publisher(publisher, "33"));
	/* nothing is written beyond what a code needs */
	struct {
		char code[GT_CODE_MAX + 1], beyond[200];
	} room;
	char much[sizeof room];
	memset(&room, '~', sizeof room);
	memset(much, '3', sizeof much);
	much[sizeof much - 2] = '/';
	much[sizeof much - 1] = '\0';
	assert_false(gt_rid_publisher(room.code, much));
	for (size_t i = 0; i < sizeof room.beyond; i++)
		assert_int_equal(room.beyond[i], '~');
}

static void globs(void **state)
{
	(void)state;
	assert_true(gt_glob("3301*", "330106"));
	assert_true(gt_glob("*", ""));
	assert_true(gt_glob("a*b?d", "axxbcd"));
	assert_false(gt_glob("a*b", "abc"));
	assert_false(gt_glob("", "a"));
	assert_true(gt_glob("", ""));
	assert_false(gt_glob("a", ""));
	assert_false(gt_glob("?", ""));
	assert_true(gt_glob("a**", "a"));
	assert_true(gt_glob("*ab", "aab"));
	assert_true(gt_glob("a*bc*d", "abxbcxd"));
	assert_false(gt_glob("a*bc*d", "abxbxcd"));
}

static void hexadecimal(void **state)
{
	(void)state;
	uint8_t in[3] = {0, 0xab, 0xff}, back[3];
	char text[7];
	gt_hex(text, in, 3);
	assert_string_equal(text, "00abff");
	memset(back, 0x5a, sizeof back);
	assert_true(gt_unhex(back, 3, text));
	assert_memory_equal(in, back, 3);
	assert_false(gt_unhex(back, 3, "00abf"));
	assert_false(gt_unhex(back, 3, "00abff0"));
	assert_false(gt_unhex(back, 3, "00abfg"));
	assert_false(gt_unhex(back, 3, "00abgf"));
	assert_false(gt_unhex(back, 3, "g0abff"));
	assert_false(gt_unhex(back, 3, ""));
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
	assert_true(gt_alike("aBc", "AbC", SIZE_MAX));
	assert_true(gt_alike("", "", SIZE_MAX));
	assert_false(gt_alike("a", "ab", SIZE_MAX));
	assert_false(gt_alike("ab", "a", SIZE_MAX));
	assert_false(gt_alike("a", "b", SIZE_MAX));
	assert_true(gt_alike("aX", "Ay", 1));
	assert_true(gt_alike("a", "b", 0));
	assert_false(gt_alike("[", "{", 1));
}

static void names(void **state)
{
	(void)state;
	struct gt_id id = {{1, 0xab}}, other = id, zero = {{0}};
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
	assert_true(gt_id_eq(&id, &other));
	other.b[GT_ID_BYTES - 1] = 1;
	assert_false(gt_id_eq(&id, &other));
	assert_true(gt_id_is_zero(&zero));
	zero.b[GT_ID_BYTES - 1] = 1;
	assert_false(gt_id_is_zero(&zero));
	assert_true(gt_transfer_id_eq(&a, &b));
	assert_true(gt_transfer_id_is_zero(&none));
	assert_false(gt_transfer_id_is_zero(&a));
	b.b[GT_TRANSFER_BYTES - 1] = 1;
	assert_false(gt_transfer_id_eq(&a, &b));
	none.b[GT_TRANSFER_BYTES - 1] = 1;
	assert_false(gt_transfer_id_is_zero(&none));
}

static void pieces(void **state)
{
	(void)state;
	static const uint8_t wire[] = {1, 2, 3, 4, 0xf5, 6, 7, 0xf8};
	uint8_t out[8] = {0};
	gt_put64(out, 0x01020304f50607f8);
	assert_memory_equal(out, wire, 8);
	gt_put32(out, 0xf50607f8);
	assert_memory_equal(out, wire + 4, 4);
	assert_memory_equal(out + 4, wire + 4, 4);
	assert_int_equal(gt_get32(wire), 0x01020304);
	assert_int_equal(gt_get32(wire + 4), 0xf50607f8);
	assert_int_equal(gt_bytes_str("课").n, 3);
	assert_int_equal(gt_bytes_str(NULL).n, 0);
	struct gt_bytes a = gt_bytes_of(wire, 3), none = {NULL, 0};
	assert_true(gt_bytes_eq(a, gt_bytes_str("\1\2\3")));
	assert_false(gt_bytes_eq(a, gt_bytes_str("\1\2\4")));
	assert_false(gt_bytes_eq(a, gt_bytes_of(wire, 2)));
	assert_true(gt_bytes_eq(none, gt_bytes_of(wire, 0)));
}

/* FIPS 180-2: "abc", whole and in parts, and nothing. */
static void hashes(void **state)
{
	(void)state;
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223"
	                          "b00361a396177a9cb410ff61f20015ad";
	static const char nothing[] = "e3b0c44298fc1c149afbf4c8996fb924"
	                              "27ae41e4649b934ca495991b7852b855";
	const struct gt_bytes parts[] = {
	        gt_bytes_str("a"), {NULL, 0}, gt_bytes_str("bc")};
	struct gt_id id;
	char hex[GT_HEX_ID];
	gt_sha256_one(&id, "abc", 3);
	gt_id_hex(hex, &id);
	assert_string_equal(hex, abc);
	gt_sha256(&id, parts, 3);
	gt_id_hex(hex, &id);
	assert_string_equal(hex, abc);
	gt_sha256(&id, NULL, 0);
	gt_id_hex(hex, &id);
	assert_string_equal(hex, nothing);
}

/* Codes as they travel, with a minus or without, and none that is known. */
static void errors(void **state)
{
	(void)state;
	assert_string_equal(gt_errname(-GT_ENOMEM), "NOMEM");
	assert_string_equal(gt_errname(GT_ETIMEOUT), "TIMEOUT");
	assert_string_equal(gt_strerror(GT_ENOMEM), "out of memory");
	assert_string_equal(gt_strerror(-GT_ETIMEOUT), "timed out");
	assert_string_equal(gt_strerror_zh(-GT_ENOMEM), "内存不足");
	assert_string_equal(gt_strerror(0), "ok");
	assert_string_equal(gt_errname(0), "OK");
	for (int beyond = GT_EUNDATED + 1; beyond < 200; beyond++) {
		assert_string_equal(gt_errname(beyond), "OTHER");
		assert_string_equal(gt_strerror(-beyond), "unknown error");
		assert_string_equal(gt_strerror_zh(-beyond), "未知错误");
	}
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
	        cmocka_unit_test(codes),   cmocka_unit_test(ids),
	        cmocka_unit_test(globs),   cmocka_unit_test(hexadecimal),
	        cmocka_unit_test(names),   cmocka_unit_test(pieces),
	        cmocka_unit_test(hashes),  cmocka_unit_test(errors),
	        cmocka_unit_test(lending),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
