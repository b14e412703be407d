/* u_http_xapi.c: what all resources under /xapi/ share: who may ask from a
 * browser, what every answer says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_kit.h"

#define VERSION "X-Experience-API-Version: 2.0.0"
#define JSON    VERSION "\nContent-Type: application/json"
#define S1                                                          \
	"{\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":" \
	"\"http://a.b/c\"},\"object\":{\"id\":\"http://a.b/d\"}}"

static long learner(const char *method, const char *path, const char *headers,
                    const char *body)
{
	return ask_door(GT_DOOR_LEARNER, method, path, headers, body);
}

/* The value of a header of the last answer, "": it has none. */
static const char *value_of(const char *name)
{
	static char value[600];
	char want[100];
	gt_format(want, sizeof want, "\n%s: ", name);
	const char *at = strstr(got.head, want);
	value[0] = '\0';
	if (at) {
		at += strlen(want);
		gt_format(value, sizeof value, "%.*s", (int)strcspn(at, "\r\n"),
		          at);
	}
	return value;
}

/* A page of a package asks as a browser does: what its own policy lets it reach,
 * then whether it may, then it hands in. */
static void a_course_in_a_browser(void **state)
{
	char origin[100], want[200], asks[500];
	(void)state;
	gt_format(origin, sizeof origin, "http://a.cn:%u",
	          gt_http_port(http, GT_DOOR_CONTENT));
	assert_int_equal(ask_door(GT_DOOR_CONTENT, "GET", "/c/33/ke/index.html",
	                          "Host: a.cn", NULL),
	                 200);
	gt_format(want, sizeof want,
	          "connect-src 'self' data: blob: http://a.cn:%u/xapi/;",
	          gt_http_port(http, GT_DOOR_LEARNER));
	assert_non_null(strstr(value_of("Content-Security-Policy"), want));
	/* its statements, in the words of those libraries */
	gt_format(asks, sizeof asks,
	          "Host: a.cn\nOrigin: %s\n"
	          "Access-Control-Request-Method: POST\n"
	          "Access-Control-Request-Headers: authorization,content-type,"
	          "if-none-match,x-experience-api-version,x-requested-with",
	          origin);
	assert_int_equal(learner("OPTIONS", "/xapi/statements", asks, NULL),
	                 204);
	assert_string_equal(value_of("Access-Control-Allow-Origin"), origin);
	assert_string_equal(value_of("Access-Control-Allow-Methods"),
	                    "GET, HEAD, POST, PUT, OPTIONS");
	assert_string_equal(value_of("Access-Control-Allow-Headers"),
	                    "authorization,content-type,if-none-match,"
	                    "x-experience-api-version,x-requested-with");
	script(0, "[\"x\"]");
	gt_format(asks, sizeof asks, JSON "\nHost: a.cn\nOrigin: %s", origin);
	assert_int_equal(learner("POST", "/xapi/statements", asks, S1), 200);
	assert_string_equal(value_of("Access-Control-Allow-Origin"), origin);
	const char *exposed = value_of("Access-Control-Expose-Headers");
	assert_non_null(strstr(exposed, "X-Experience-API-Version"));
	assert_non_null(strstr(exposed, "X-Experience-API-Consistent-Through"));
	assert_non_null(strstr(exposed, "ETag"));
	assert_non_null(strstr(exposed, "Last-Modified"));
	assert_non_null(strstr(exposed, "Location"));
	/* and a refusal can be read too */
	assert_int_equal(learner("POST", "/xapi/statements", asks, "{"), 400);
	assert_string_equal(value_of("Access-Control-Allow-Origin"), origin);
}

/* Where the names asked for are none, those the specification has are told. */
static void what_a_preflight_says(void **state)
{
	(void)state;
	assert_int_equal(learner("OPTIONS", "/xapi/statements",
	                         "Access-Control-Request-Headers: a;b", NULL),
	                 204);
	assert_string_equal(value_of("Allow"), "GET, HEAD, POST, PUT, OPTIONS");
	assert_string_equal(
	        value_of("Access-Control-Allow-Headers"),
	        "Authorization, Content-Type, X-Experience-API-Version, "
	        "If-Match, If-None-Match, Accept-Language, Content-Encoding");
	assert_int_equal(learner("OPTIONS", "/xapi/about", NULL, NULL), 204);
	assert_string_equal(value_of("Allow"), "GET, HEAD, OPTIONS");
	assert_int_equal(learner("DELETE", "/xapi/statements", VERSION, NULL),
	                 405);
	assert_string_equal(value_of("Allow"), "GET, HEAD, POST, PUT, OPTIONS");
}

/* Every answer names a moment, whatever else it says. */
static void every_answer_is_consistent(void **state)
{
	static const struct {
		const char *method, *path, *headers, *body;
		int status; /* of the core's */
		long want;
	} row[] = {
	        {"GET", "/xapi/about", NULL, NULL, 0, 200},
	        {"OPTIONS", "/xapi/statements", NULL, NULL, 0, 204},
	        {"GET", "/xapi/nothing", VERSION, NULL, 0, 404},
	        {"GET", "/xapi/", VERSION, NULL, 0, 404},
	        {"GET", "/xapi/statements", VERSION, NULL, 0, 401},
	        {"DELETE", "/xapi/statements", VERSION, NULL, 0, 405},
	        {"GET", "/xapi/about", "Host: evil.example", NULL, 0, 421},
	        {"POST", "/xapi/statements", "Content-Type: application/json",
	         S1, 0, 400},
	        {"POST", "/xapi/statements", JSON, "{", 0, 400},
	        {"POST", "/xapi/statements", JSON "\nContent-Encoding: br", S1,
	         0, 415},
	        {"POST", "/xapi/statements", JSON, S1, 0, 200},
	        {"POST", "/xapi/statements", JSON, S1, -GT_EDENIED, 403},
	        {"POST", "/xapi/statements", JSON, S1, -GT_ECONFLICT, 409},
	        {"POST", "/xapi/statements", JSON, S1, -GT_ELIMIT, 413},
	        {"POST", "/xapi/statements", JSON, S1, -GT_EBUDGET, 429},
	        {"POST", "/xapi/statements", JSON, S1, -GT_ESTORE, 500},
	        {"POST", "/xapi/statements", JSON, S1, -GT_EBUSY, 503},
	        {"POST", "/xapi/statements", JSON, S1, -GT_ENOSPACE, 507},
	};
	(void)state;
	pthread_mutex_lock(&lock);
	core.told_ms = 1767225600123;
	core.era = 4;
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		script(row[i].status, row[i].status ? "why" : "[]");
		long status = learner(row[i].method, row[i].path,
		                      row[i].headers, row[i].body);
		if (status != row[i].want)
			print_error("row %zu: %s\n", i, got.body);
		assert_int_equal(status, row[i].want);
		assert_string_equal(
		        value_of("X-Experience-API-Consistent-Through"),
		        "2026-01-01T00:00:00.123004Z");
		assert_string_equal(value_of("X-Experience-API-Version"),
		                    "2.0.0");
	}
	script(0, "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_course_in_a_browser),
	        cmocka_unit_test(what_a_preflight_says),
	        cmocka_unit_test(every_answer_is_consistent),
	};
	return cmocka_run_group_tests_name("http_xapi", tests, set_up,
	                                   tear_down);
}
