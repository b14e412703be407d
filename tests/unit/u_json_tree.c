/* u_json_tree.c: JSON read into an arena: what is taken, what is not and where,
 * and what of it is written. Beside jansson: u_form.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_tree.h"
#include "nomem.h"

static void canonical(const char *in, const char *want)
{
	struct gt_buffer o = {0};
	struct gt_arena *arena = gt_arena_new();
	struct gt_json_fault fault;
	const struct gt_json_node *v;
	assert_int_equal(gt_json_tree(&v, arena, gt_bytes_str(in), &fault), 0);
	gt_json_put(&o, v);
	assert_int_equal(o.n, strlen(want));
	assert_memory_equal(o.p, want, o.n);
	gt_arena_free(arena);
	gt_buffer_free(&o);
}

static void canon(void **state)
{
	(void)state;
	/* RFC 8785, 3.2.2 and 3.2.3 */
	canonical("{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,"
	          "0.000000000000000000000000001],\"string\":\"\\u20ac$\\u000F"
	          "\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
	          "\"literals\":[null,true,false]}",
	          "{\"literals\":[null,true,false],\"numbers\":["
	          "333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":"
	          "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
	canonical("{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"CR\","
	          "\"\\ufb33\":\"Dalet\",\"1\":\"One\","
	          "\"\\ud83d\\ude00\":\"Smile\",\"\\u0080\":\"Control\","
	          "\"\\u00f6\":\"o\"}",
	          "{\"\\r\":\"CR\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
	          "\"\xc3\xb6\":\"o\",\"\xe2\x82\xac\":\"Euro Sign\","
	          "\"\xf0\x9f\x98\x80\":\"Smile\",\"\xef\xac\xb3\":\"Dalet\"}");
	canonical("{ \"b\" : 1.0, \"a\" : { } , \"ab\":[ ]}",
	          "{\"a\":{},\"ab\":[],\"b\":1}");
	canonical("\"\\b\\t\\n\\f\\r\\u0001\\u007f\"",
	          "\"\\b\\t\\n\\f\\r\\u0001\x7f\"");
	/* a name before those it begins; by UTF-16 units, whose surrogates
	 * come before U+E000 */
	canonical("{\"ab\":1,\"a\":2,\"abc\":3,\"\":4}",
	          "{\"\":4,\"a\":2,\"ab\":1,\"abc\":3}");
	canonical(
	        "{\"\xef\xbc\xa1\":1,\"\xee\x80\x80\":2,\"\xf0\x9f\x98\x80\":3,"
	        "\"\xed\x9e\xa3\":4}",
	        "{\"\xed\x9e\xa3\":4,\"\xf0\x9f\x98\x80\":3,\"\xee\x80\x80\":2,"
	        "\"\xef\xbc\xa1\":1}");
	canonical("12345678901234567890", "12345678901234567000");
}

/* What is wrong, and where it stands. */
static void faults(void **state)
{
	static const char none[] = "a character is not expected there";
	static const char early[] = "it ends too early";
	static const char twice[] = "duplicate name in an object";
	static const char more[] = "something follows it";
	static const char large[] = "a number is too large";
	static const char utf8[] = "a text is not UTF-8";
	static const struct {
		const char *in, *what;
		size_t at;
	} row[] = {
	        {"", early, 0},
	        {"  ", early, 2},
	        {"nul", none, 0},
	        {"True", none, 0},
	        {"truex", more, 4},
	        {"1 2", more, 2},
	        {"01", more, 1},
	        {"-", early, 1},
	        {"-x", none, 1},
	        {"+1", none, 0},
	        {".5", none, 0},
	        {"1.", early, 2},
	        {"1.e5", none, 2},
	        {"1e", early, 2},
	        {"1e+", early, 3},
	        {"1ex", none, 2},
	        {"1e309", large, 0},
	        {"-1.8e308", large, 0},
	        {"[1e999999999999999999999]", large, 1},
	        {"[", early, 1},
	        {"[1", early, 2},
	        {"[1,", early, 3},
	        {"[1,]", none, 3},
	        {"[1 2]", none, 3},
	        {"[1}", none, 2},
	        {"{", early, 1},
	        {"{\"a\"", early, 4},
	        {"{\"a\":", early, 5},
	        {"{\"a\":1,}", none, 7},
	        {"{\"a\" 1}", none, 5},
	        {"{a:1}", none, 1},
	        {"{1:2}", none, 1},
	        {"{\"a\":1,\"a\":2}", twice, 12},
	        {"{\"a\":1,\"\\u0061\":2}", twice, 17},
	        {"\"", early, 1},
	        {"\"a", early, 2},
	        {"\"a\\", none, 2},
	        {"\"\\x\"", none, 1},
	        {"\"\\u12\"", none, 1},
	        {"\"\\ud800\"", none, 1},
	        {"\"\\udc00\"", none, 1},
	        {"\"\\ud800\\u0061\"", none, 1},
	        {"\"\\ud800\\ud800\"", none, 1},
	        {"\"a\nb\"", none, 2},
	        {"\"a\x80\"", utf8, 2},
	        {"\"\xc0\x80\"", utf8, 1},
	        {"\"\xed\xa0\x80\"", utf8, 1},
	        {"\"\xf4\x90\x80\x80\"", utf8, 1},
	        {"\"\xe4\xb8\"", utf8, 1},
	        {"\xef\xbb\xbf{}", none, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct gt_arena *arena = gt_arena_new();
		struct gt_json_fault fault;
		const struct gt_json_node *v;
		int rc = gt_json_tree(&v, arena, gt_bytes_str(row[i].in),
		                      &fault);
		assert_int_equal(rc, -GT_EMALFORMED);
		if (strcmp(fault.what, row[i].what) != 0 ||
		    fault.at != row[i].at)
			print_error("%s\n", row[i].in);
		assert_string_equal(fault.what, row[i].what);
		assert_int_equal(fault.at, row[i].at);
		gt_arena_free(arena);
	}
	/* no byte of a text may be a NUL */
	struct gt_arena *arena = gt_arena_new();
	struct gt_json_fault fault;
	const struct gt_json_node *v;
	assert_int_equal(
	        gt_json_tree(&v, arena, gt_bytes_of("\"a\0b\"", 5), &fault),
	        -GT_EMALFORMED);
	assert_string_equal(fault.what, none);
	assert_int_equal(gt_json_tree(&v, arena, gt_bytes_of("1\0", 2), &fault),
	                 -GT_EMALFORMED);
	gt_arena_free(arena);
}

/* What is found in a tree. */
static void found(void **state)
{
	static const char in[] =
	        "{\"a\":\"x\\u0000y\",\"b\\u0000c\":[1,2],\"n\":-1.5e3,"
	        "\"o\":{\"a\":true}}";
	struct gt_arena *arena = gt_arena_new();
	struct gt_json_fault fault;
	const struct gt_json_node *v, *a;
	(void)state;
	assert_int_equal(gt_json_tree(&v, arena, gt_bytes_str(in), &fault), 0);
	assert_int_equal(v->n, 4);
	a = gt_json_find(v, "a");
	assert_int_equal(a->n, 3);
	assert_memory_equal(a->text, "x\0y", 4);
	assert_string_equal(gt_json_text_of(a), "x");
	assert_false(gt_json_is(a, "x"));
	assert_null(gt_json_find(v, "b"));
	assert_int_equal(a->next->nkey, 3);
	assert_int_equal(a->next->n, 2);
	assert_true(gt_json_double(gt_json_find(v, "n")) == -1500);
	assert_string_equal(gt_json_text_of(gt_json_find(v, "n")), "");
	assert_int_equal(gt_json_find(gt_json_find(v, "o"), "a")->type,
	                 GT_JSON_TRUE);
	assert_null(gt_json_find(a, "a"));
	assert_null(gt_json_find(NULL, "a"));
	assert_false(gt_json_is(NULL, ""));
	gt_arena_free(arena);
}

/* A number is read, and written, as strtod and gt_json_number do it; of a great
 * many digits too. */
static void numbers(void **state)
{
	static const char *const row[] = {"0",
	                                  "-0",
	                                  "-0.0e-7",
	                                  "1",
	                                  "100",
	                                  "0.001",
	                                  "123456789012345",
	                                  "1234567890123456",
	                                  "0.1",
	                                  "0.30000000000000004",
	                                  "1e22",
	                                  "1e23",
	                                  "9007199254740993",
	                                  "1.7976931348623157e308",
	                                  "179769313486231570e291",
	                                  "1.7976931348623158e308",
	                                  "5e-324",
	                                  "2e-324",
	                                  "3e-324",
	                                  "1e-999999999",
	                                  "0e999999999",
	                                  "2.2250738585072011e-308",
	                                  "1.00000000000000000000000000001",
	                                  "0.000000000000000000000123e20",
	                                  "1e-290",
	                                  "1e290",
	                                  "1e291",
	                                  "1.5e-291",
	                                  "9.5e-7",
	                                  "9.5e-6",
	                                  "123456789012345e7",
	                                  "123456789012345000000000e-3"};
	char text[1200];
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row + 3; i++) {
		size_t k = i - sizeof row / sizeof *row;
		gt_format(text, sizeof text, "%s",
		          i < sizeof row / sizeof *row ? row[i] : "");
		if (!*text) {
			/* half way between two doubles, and just above it */
			memset(text, '0', sizeof text);
			memcpy(text, "9007199254740993.", 17);
			gt_copy(text + 1100, 2, k == 1 ? "1" : "0");
			text[k == 2 ? 780 : 1099] = k == 0 ? '0' : '1';
		}
		char want[GT_JSON_NUMBER_CHARS];
		struct gt_buffer o = {0};
		size_t n = strlen(text);
		double d = strtod(text, NULL);
		assert_true(gt_json_number_fits(text, n));
		assert_true(gt_json_number_value(text, n) == d);
		gt_json_number(want, d);
		gt_json_put_number(&o, text, n);
		assert_string_equal((const char *)o.p, want);
		gt_buffer_free(&o);
	}
	assert_false(gt_json_number_fits("1.7976931348623159e308", 22));
	assert_false(gt_json_number_fits("1e309", 5));
	assert_true(gt_json_number_fits("0e309", 5));
}

/* As deep as may be, and one deeper. */
static void depth(void **state)
{
	char text[2 * GT_JSON_DEPTH + 3] = "";
	struct gt_arena *arena = gt_arena_new();
	struct gt_json_fault fault;
	const struct gt_json_node *v;
	(void)state;
	for (size_t n = GT_JSON_DEPTH; n <= GT_JSON_DEPTH + 1; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		int rc = gt_json_tree(&v, arena, gt_bytes_of(text, 2 * n),
		                      &fault);
		assert_int_equal(rc, n > GT_JSON_DEPTH ? -GT_EMALFORMED : 0);
	}
	assert_string_equal(fault.what, "nested too deep");
	assert_int_equal(fault.at, GT_JSON_DEPTH);
	gt_arena_free(arena);
}

/* Each allocation fails in turn; an object of many names sorts them. */
static void no_memory(void **state)
{
	enum { NAMES = 4000, EACH = 24 };
	char *text = malloc(NAMES * EACH + 3), *w = text;
	(void)state;
	assert_non_null(text);
	*w++ = '{';
	for (int i = 0; i < NAMES; i++) {
		gt_format(w, EACH, "%s\"name %d\":[%d]", i ? "," : "",
		          NAMES - i, i);
		w += strlen(w);
	}
	*w++ = '}';
	long held = nomem_held();
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_json_fault fault;
		const struct gt_json_node *v;
		struct gt_arena *arena = gt_arena_new();
		int rc = arena ? gt_json_tree(
		                         &v, arena,
		                         gt_bytes_of(text, (size_t)(w - text)),
		                         &fault)
		               : -GT_ENOMEM;
		bool hit = nomem_hit();
		assert_int_equal(rc, hit ? -GT_ENOMEM : 0);
		for (uint32_t i = 1; rc == 0 && i < v->n; i++)
			assert_true(strcmp(v->sorted[i - 1]->key,
			                   v->sorted[i]->key) < 0);
		gt_arena_free(arena);
		assert_int_equal(nomem_held(), held);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(canon), cmocka_unit_test(faults),
	        cmocka_unit_test(found), cmocka_unit_test(numbers),
	        cmocka_unit_test(depth), cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests_name("json_tree", tests, NULL, NULL);
}
