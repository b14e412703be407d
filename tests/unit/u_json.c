/* u_json.c: RFC 8785 canonical bytes, bounds of values, ISO 8601. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "iso8601.h"
#include "json.h"

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
	struct gt_json_out o = {0};
	json_t *v = json_loads(in, GT_JSON_STRICT | JSON_DECODE_ANY, NULL);
	assert_non_null(v);
	assert_int_equal(gt_json_canon(&o, v), 0);
	assert_int_equal(o.n, strlen(want));
	assert_memory_equal(o.p, want, o.n);
	json_decref(v);
	free(o.p);
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
	canonical("12345678901234567890", "12345678901234567000");
}

/* Every element, bars between them, or "!" where it breaks off. */
static void elements(char *out, size_t cap, const char *text)
{
	struct gt_json_iter it;
	struct gt_bytes key, value;
	int rc;
	size_t n = 0;
	if (!gt_json_open(&it, gt_bytes_str(text))) {
		gt_copy(out, cap, "no");
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
}

static void times(void **state)
{
	static const struct {
		const char *in, *utc;
		int64_t ms;
	} row[] = {
	        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
	        {"2026-11-22T22:27:37.120Z", "2026-11-22T22:27:37.12Z",
	         1795386457120},
	        {"2026-11-23T06:27:37.12+08:00", "2026-11-22T22:27:37.12Z",
	         1795386457120},
	        {"2026-11-23T06:27:37,12+0800", "2026-11-22T22:27:37.12Z",
	         1795386457120},
	        {"2026-11-22T22:27:37.000+00", "2026-11-22T22:27:37Z",
	         1795386457000},
	        {"2026-11-22t22:27:37.1234567891z",
	         "2026-11-22T22:27:37.123456789Z", 1795386457123},
	        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z", 1483228800000},
	        {"2000-02-29T00:00:00", "2000-02-29T00:00:00", 951782400000},
	        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", -1},
	};
	static const char *const bad[] = {
	        "",
	        "2026-11-22",
	        "2026-11-22T22:27Z",
	        "2026-11-22 22:27:37Z",
	        "2026-13-22T22:27:37Z",
	        "2026-02-29T22:27:37Z",
	        "1900-02-29T22:27:37Z",
	        "2026-11-22T24:00:00Z",
	        "2026-11-22T22:27:37.Z",
	        "2026-11-22T22:27:37-00:00",
	        "2026-11-22T22:27:37-0000",
	        "2026-11-22T22:27:37-00",
	        "2026-11-22T22:27:37+24:00",
	        "2026-11-22T22:27:37+08:00x",
	        "26-11-22T22:27:37Z",
	};
	char utc[GT_ISO_UTC_CHARS];
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		int64_t ms;
		assert_true(gt_iso_parse(&ms, row[i].in));
		assert_int_equal(ms, row[i].ms);
		assert_true(gt_iso_utc(utc, row[i].in));
		assert_string_equal(utc, row[i].utc);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_iso_parse(NULL, bad[i]));
	assert_false(gt_iso_utc(utc, "0000-01-01T00:00:00+08:00"));
}

static void times_out(void **state)
{
	char text[GT_ISO_CHARS];
	(void)state;
	gt_iso_format(text, 1795386457012);
	assert_string_equal(text, "2026-11-22T22:27:37.012Z");
	gt_iso_format(text, -1);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	gt_iso_format(text, INT64_MAX);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	gt_iso_format(text, INT64_MIN);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
	for (int64_t day = -800000; day < 2900000; day += 97) {
		int64_t back;
		gt_iso_format(text, day * 86400000);
		if (day < -719528 || day > 2932896)
			continue;
		assert_true(gt_iso_parse(&back, text));
		assert_int_equal(back, day * 86400000);
	}
}

static void durations(void **state)
{
	static const char *const good[] = {"P1Y",    "PT0S",   "P1Y2M3DT4H5M6S",
	                                   "P4W",    "PT1.5S", "PT16.559S",
	                                   "P1DT2H", "PT1,5H", "P0.5Y"};
	static const char *const bad[] = {
	        "",      "P",        "PT",       "1Y",    "P1",     "P1YT",
	        "P4W1D", "P1S",      "PT1Y",     "P1D2M", "PT1S1M", "P1.D",
	        "-P1Y",  "P1.5YT1S", "PT1.5H1M", "p1y"};
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(gt_iso_duration(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(gt_iso_duration(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers),   cmocka_unit_test(numbers_back),
	        cmocka_unit_test(canon),     cmocka_unit_test(bounds),
	        cmocka_unit_test(depth),     cmocka_unit_test(times),
	        cmocka_unit_test(times_out), cmocka_unit_test(durations),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
