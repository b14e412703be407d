/* u_json.c: RFC 8785 canonical bytes, bounds of values. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "json.h"
#include "nomem.h"

/* RFC 8785, appendix B: IEEE 754 bits and what ECMAScript writes. */
static void numbers(void **state)
{
	static const struct {
		uint64_t bits;
		const char *text;
	} row[] = {
	        {0x0000000000000000, "0"},
	        {0x8000000000000000, "0"},
	        {0x0000000000000001, "5e-324"},
	        {0x8000000000000001, "-5e-324"},
	        {0x7fefffffffffffff, "1.7976931348623157e+308"},
	        {0xffefffffffffffff, "-1.7976931348623157e+308"},
	        {0x4340000000000000, "9007199254740992"},
	        {0xc340000000000000, "-9007199254740992"},
	        {0x4430000000000000, "295147905179352830000"},
	        {0x44b52d02c7e14af5, "9.999999999999997e+22"},
	        {0x44b52d02c7e14af6, "1e+23"},
	        {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
	        {0x444b1ae4d6e2ef4e, "999999999999999700000"},
	        {0x444b1ae4d6e2ef4f, "999999999999999900000"},
	        {0x444b1ae4d6e2ef50, "1e+21"},
	        {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
	        {0x3eb0c6f7a0b5ed8d, "0.000001"},
	        {0x41b3de4355555553, "333333333.3333332"},
	        {0x41b3de4355555554, "333333333.33333325"},
	        {0x41b3de4355555555, "333333333.3333333"},
	        {0x41b3de4355555556, "333333333.3333334"},
	        {0x41b3de4355555557, "333333333.33333343"},
	        {0xbecbf647612f3696, "-0.0000033333333333333333"},
	        {0x43143ff3c1cb0959, "1424953923781206.2"},
	        /* below a power of two the gap is half as wide */
	        {0x3d30000000000000, "5.684341886080802e-14"},
	        {0x3ff8000000000000, "1.5"},
	        {0x0010000000000000, "2.2250738585072014e-308"},
	        {0x000fffffffffffff, "2.225073858507201e-308"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		double d;
		char text[GT_JSON_NUMBER_CHARS];
		memcpy(&d, &row[i].bits, sizeof d);
		assert_int_equal(gt_json_number(text, d), strlen(row[i].text));
		assert_string_equal(text, row[i].text);
	}
}

/* Whatever the bits, the text reads back as them. */
/* Of numbers below the normal ones, which have fewer bits, none is written with
 * more digits than any that reads back. */
static void numbers_below_the_normal_ones(void **state)
{
	uint64_t random = 7;
	(void)state;
	for (unsigned i = 1; i < 20000; i++) {
		char out[GT_JSON_NUMBER_CHARS], one[40];
		int digits = 0, least = 1;
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint64_t bits = i < 3000 ? i : (random >> 12) >> i % 52;
		double d;
		memcpy(&d, &bits, sizeof d);
		if (bits == 0)
			continue;
		(void)gt_json_number(out, d);
		assert_true(strtod(out, NULL) == d);
		for (; least < 17; least++) {
			gt_format(one, sizeof one, "%.*e", least - 1, d);
			if (strtod(one, NULL) == d)
				break;
		}
		for (const char *p = out; *p && *p != 'e'; p++)
			digits += *p >= '0' && *p <= '9';
		assert_true(digits <= least);
	}
}

static void numbers_back(void **state)
{
	uint64_t x = 88172645463325252u;
	(void)state;
	for (int i = 0; i < 20000; i++) {
		double d, back;
		char text[GT_JSON_NUMBER_CHARS];
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(&d, &x, sizeof d);
		if (d - d != 0)
			continue;
		gt_json_number(text, d);
		back = strtod(text, NULL);
		assert_memory_equal(&back, &d, sizeof d);
	}
}

static void canonical(const char *in, const char *want)
{
	struct gt_buffer o = {0};
	json_t *v = json_loads(in, GT_JSON_STRICT | JSON_DECODE_ANY, NULL);
	assert_non_null(v);
	assert_int_equal(gt_json_canon(&o, v), 0);
	assert_int_equal(o.n, strlen(want));
	assert_memory_equal(o.p, want, o.n);
	json_decref(v);
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

static void escapes(void **state)
{
	struct gt_buffer o = {0};
	char full[1024];
	(void)state;
	gt_json_put_string(&o, "a\0\"\\\x1f \x7f", 7);
	static const char want[] = "\"a\\u0000\\\"\\\\\\u001f \x7f\"";
	assert_int_equal(o.n, sizeof want - 1);
	assert_memory_equal(o.p, want, o.n);
	o.n = 0;
	gt_json_put_string(&o, "", 0);
	assert_int_equal(o.n, 2);
	/* as much as there is room for, and a byte more */
	o.n = 0;
	memset(full, 'x', sizeof full);
	gt_buffer_add(&o, full, sizeof full);
	gt_buffer_add(&o, full, 1);
	assert_false(o.failed);
	assert_int_equal(o.n, sizeof full + 1);
	assert_memory_equal(o.p, full, sizeof full);
	free(o.p);
}

/* Every element, bars between them, or "!" where it breaks off. */
static void elements(char *out, size_t cap, const char *text)
{
	struct gt_json_iter it;
	struct gt_bytes key, value;
	int rc;
	size_t n = 0, len = strlen(text);
	/* of the exact size, so that a sanitizer sees any overrun */
	char *exact = malloc(len ? len : 1);
	assert_non_null(exact);
	memcpy(exact, text, len);
	if (!gt_json_open(&it, gt_bytes_of(exact, len))) {
		gt_copy(out, cap, "no");
		free(exact);
		return;
	}
	out[0] = '\0';
	while ((rc = gt_json_next(&it, &key, &value)) == 1) {
		gt_format(out + n, cap - n, "%.*s%.*s|", (int)key.n,
		          (const char *)key.p, (int)value.n,
		          (const char *)value.p);
		n += strlen(out + n);
	}
	gt_format(out + n, cap - n, "%s", rc < 0 ? "!" : "");
	free(exact);
}

static void bounds(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
	        {"[]", ""},
	        {" [ 1 , \"a,]\\\"\" ,{\"x\":[1, 2]}] \n",
	         "1|\"a,]\\\"\"|{\"x\":[1, 2]}|"},
	        {"{\"a\" : 1,\"b\":[ ]}", "\"a\"1|\"b\"[ ]|"},
	        {"{}", ""},
	        {"[1,]", "1|!"},
	        {"[1 2]", "1|!"},
	        {"[,1]", "!"},
	        {"[1", "1|!"},
	        {"[1]x", "1|!"},
	        {"[{]}]", "!"},
	        {"[[}]", "!"},
	        {"[\"a]", "!"},
	        {"[\"a\\", "!"},
	        {"{1:2}", "!"},
	        {"{\"a\" 2}", "!"},
	        {"{\"a\":}", "!"},
	        {"[[\"a\"],{\"b\":\"c\"},[\"]\",[]]]",
	         "[\"a\"]|{\"b\":\"c\"}|[\"]\",[]]|"},
	        {"[[1", "!"},
	        {"[{\"a\":1", "!"},
	        {"[[\"a]", "!"},
	        {"[]]", "!"},
	        {"{\"a\":1 x}", "\"a\"1|!"},
	        {"{\"a\"", "!"},
	        {"{[1]:2}", "!"},
	        {"[", "!"},
	        {" ", "no"},
	        {"1", "no"},
	        {"", "no"},
	};
	char out[100];
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		elements(out, sizeof out, row[i].in);
		assert_string_equal(out, row[i].out);
	}
}

static void depth(void **state)
{
	char text[2 * GT_JSON_DEPTH + 3];
	struct gt_bytes in;
	(void)state;
	memset(text, '[', GT_JSON_DEPTH);
	memset(text + GT_JSON_DEPTH, ']', GT_JSON_DEPTH);
	in = gt_bytes_of(text, 2 * GT_JSON_DEPTH);
	assert_true(gt_json_trim(&in));
	memset(text, '[', GT_JSON_DEPTH + 1);
	memset(text + GT_JSON_DEPTH + 1, ']', GT_JSON_DEPTH + 1);
	in = gt_bytes_of(text, 2 * GT_JSON_DEPTH + 2);
	assert_false(gt_json_trim(&in));
	/* an element as deep as may be, and one deeper */
	struct gt_json_iter it;
	struct gt_bytes key, value;
	assert_int_equal(gt_json_open(&it, in), '[');
	assert_int_equal(gt_json_next(&it, &key, &value), 1);
	assert_int_equal(value.n, 2 * GT_JSON_DEPTH);
	memset(text, '[', sizeof text);
	assert_int_equal(gt_json_open(&it, gt_bytes_of(text, sizeof text)),
	                 '[');
	assert_int_equal(gt_json_next(&it, &key, &value), -GT_EMALFORMED);
}

/* The text at the end of a page behind which there is none: who reads on is
 * ended. */
static struct gt_bytes at_the_end(const uint8_t *p, size_t n)
{
	static uint8_t *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	if (!end) {
		end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(end != MAP_FAILED);
		end += page;
		assert_int_equal(mprotect(end, page, PROT_NONE), 0);
	}
	assert_true(n <= page);
	memcpy(end - n, p, n);
	return gt_bytes_of(end - n, n);
}

/* No part of a value is one, whatever lies behind it, or nothing does. */
static void part(struct gt_bytes in)
{
	struct gt_json_iter it;
	struct gt_bytes key, value, copy = in;
	int rc = 1;
	assert_false(gt_json_trim(&copy));
	if (!gt_json_open(&it, in))
		return;
	while ((rc = gt_json_next(&it, &key, &value)) == 1)
		assert_true(value.p + value.n <= in.p + in.n);
	assert_int_equal(rc, -GT_EMALFORMED);
}

static void parts(void **state)
{
	static const char *const row[] = {
	        "[{\"a\":[\"b\\\"\",1]},tr,[[]],{}]",
	        "[\"a\",\"\"]",
	        "{\"a\":{\"b\":[]},\"c\":\"]\"}",
	        "\"a\\\\b\\\"c\"",
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct gt_bytes whole = gt_bytes_str(row[i]), in = whole;
		assert_true(gt_json_trim(&in));
		assert_int_equal(in.n, whole.n);
		for (size_t n = 0; n < whole.n; n++) {
			part(gt_bytes_of(whole.p, n));
			part(at_the_end(whole.p, n));
		}
	}
	struct gt_bytes in = gt_bytes_of("\t12345 ", 5);
	assert_true(gt_json_trim(&in));
	assert_int_equal(in.n, 4);
	assert_memory_equal(in.p, "1234", 4);
	in = gt_bytes_of("1", 1);
	assert_true(gt_json_trim(&in));
	in = gt_bytes_of("1 2", 3);
	assert_false(gt_json_trim(&in));
	assert_int_equal(gt_json_space(gt_bytes_of(" \t\n\r1 ", 6), 0), 4);
	assert_int_equal(gt_json_space(gt_bytes_of("     ", 3), 1), 3);
}

/* Arrays and objects in turn. */
static int canon_deep(int levels)
{
	json_t *v = json_null();
	for (int i = 0; i < levels; i++) {
		json_t *inner = v;
		v = i % 2 ? json_object() : json_array();
		if (i % 2)
			json_object_set_new(v, "a", inner);
		else
			json_array_append_new(v, inner);
	}
	struct gt_buffer o = {0};
	int status = gt_json_canon(&o, v);
	free(o.p);
	json_decref(v);
	return status;
}

static void canon_depth(void **state)
{
	(void)state;
	/* null is a level of its own */
	assert_int_equal(canon_deep(GT_JSON_DEPTH - 1), 0);
	assert_int_equal(canon_deep(GT_JSON_DEPTH), -GT_ELIMIT);
	assert_int_equal(canon_deep(GT_JSON_DEPTH + 1), -GT_ELIMIT);
}

/* More names than fit on the stack, more text than the first buffer takes; what
 * was written before memory ran out stands. */
static void no_memory(void **state)
{
	enum { NAMES = 40, ROUNDS = 20 };
	char name[20], last[] = "z";
	json_t *v = json_object();
	(void)state;
	for (int i = 0; i < NAMES; i++) {
		gt_format(name, sizeof name, "name %d", i);
		json_object_set_new(v, name, json_string("many characters"));
	}
	struct gt_buffer whole = {0};
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(gt_json_canon(&whole, v), 0);
	long held = nomem_held();
	for (size_t n = 0; nomem_each(&n);) {
		struct gt_buffer o = {0};
		int status = 0;
		for (int i = 0; i < ROUNDS && !status; i++)
			status = gt_json_canon(&o, v);
		bool hit = nomem_hit();
		assert_int_equal(status, hit ? -GT_ENOMEM : 0);
		assert_true(hit == (o.n < whole.n));
		assert_memory_equal(o.p ? (const void *)o.p : last, whole.p,
		                    o.n);
		size_t before = o.n;
		gt_buffer_str(&o, last);
		assert_int_equal(o.n, o.failed ? before : before + 1);
		free(o.p);
		assert_int_equal(nomem_held(), held);
	}
	free(whole.p);
	json_decref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers),
	        cmocka_unit_test(numbers_back),
	        cmocka_unit_test(numbers_below_the_normal_ones),
	        cmocka_unit_test(canon),
	        cmocka_unit_test(bounds),
	        cmocka_unit_test(depth),
	        cmocka_unit_test(no_memory),
	        cmocka_unit_test(canon_depth),
	        cmocka_unit_test(escapes),
	        cmocka_unit_test(parts),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
