/* u_http_xapi.c: what all resources under /xapi/ share: who may ask from a
 * browser, what every answer says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zlib.h>

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
	assert_string_equal(value_of("Access-Control-Allow-Origin"), "*");
	assert_string_equal(value_of("Access-Control-Allow-Methods"),
	                    "GET, HEAD, POST, PUT, OPTIONS");
	assert_string_equal(value_of("Access-Control-Allow-Headers"),
	                    "authorization,content-type,if-none-match,"
	                    "x-experience-api-version,x-requested-with");
	script(0, "[\"x\"]");
	gt_format(asks, sizeof asks, JSON "\nHost: a.cn\nOrigin: %s", origin);
	assert_int_equal(learner("POST", "/xapi/statements", asks, S1), 200);
	assert_string_equal(value_of("Access-Control-Allow-Origin"), "*");
	const char *exposed = value_of("Access-Control-Expose-Headers");
	assert_non_null(strstr(exposed, "X-Experience-API-Version"));
	assert_non_null(strstr(exposed, "X-Experience-API-Consistent-Through"));
	assert_non_null(strstr(exposed, "ETag"));
	assert_non_null(strstr(exposed, "Last-Modified"));
	assert_non_null(strstr(exposed, "Location"));
	/* and a refusal can be read too */
	assert_int_equal(learner("POST", "/xapi/statements", asks, "{"), 400);
	assert_string_equal(value_of("Access-Control-Allow-Origin"), "*");
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

static long list(const char *query)
{
	char path[1500];
	gt_format(path, sizeof path, "/xapi/statements%s", query);
	return ask_door(GT_DOOR_CONTROL, "GET", path, VERSION, NULL);
}

static size_t counted(const char *what)
{
	size_t n = 0;
	for (const char *p = got.body; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* What is not understood is named, in the asker's language. */
static void arguments_are_named(void **state)
{
	(void)state;
	assert_int_equal(list("?lang=en&foo=1"), 400);
	assert_true(says("there is no parameter `foo` here"));
	assert_int_equal(list("?lang=en&Verb=http://a.b/c"), 400);
	assert_true(says("no parameter `Verb` here: write `verb`"));
	assert_int_equal(list("?lang=zh-CN&agent=%7B%22mbox%22:3%7D"), 400);
	assert_true(says("参数 `agent` 的值无效：mbox: 须为"));
	assert_int_equal(list("?lang=en&limit=1&limit=2"), 400);
	assert_true(says("`limit` comes twice"));
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "POST",
	                          "/xapi/statements?lang=en&statementId=x",
	                          JSON, S1),
	                 400);
	assert_true(says("there is no parameter `statementId` here"));
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "PUT",
	                          "/xapi/statements?lang=en", JSON, S1),
	                 400);
	assert_true(says("`statementId` is missing"));
}

/* The pages of a query, by the link that each gives: all of it, each once, in
 * order, whatever it was asked with. */
static void more_carries_the_query(void **state)
{
	char path[1500];
	size_t pages = 0, n = 0;
	(void)state;
	gt_copy(path, sizeof path,
	        "/xapi/statements?verb=http%3A%2F%2Fa.b%2Fc&limit=60&format=ids"
	        "&since=1970-01-01T08%3A00%3A10%2B08%3A00"
	        "&agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.cn%22%7D");
	for (char *more = path; *more; pages++) {
		assert_int_equal(
		        ask_door(GT_DOOR_CONTROL, "GET", path, VERSION, NULL),
		        200);
		n += counted("\"verb\":{\"id\":\"http://a.b/c\"}");
		json_t *v = json_loads(got.body, 0, NULL);
		gt_copy(path, sizeof path, gt_json_member(v, "more"));
		json_decref(v);
		more = path;
		if (*more)
			assert_non_null(strstr(
			        more,
			        "&agent=%7B%22mbox%22%3A%22mailto%3Aa%40"
			        "b.cn%22%7D&verb=http%3A//a.b/c&since="
			        "1970-01-01T08%3A00%3A10%2B08%3A00&format="
			        "ids"));
	}
	assert_int_equal(n, 240);
	assert_int_equal(pages, 4);
	assert_int_equal(list("?verb=http://a.b/other"), 200);
	assert_string_equal(got.body, "{\"statements\":[],\"more\":\"\"}");
}

/* One statement: a HEAD says what a GET does, and who has it need not be given it
 * again. */
static void one_and_its_etag(void **state)
{
	static const char path[] =
	        "/xapi/statements?statementId=00000000-0000-4000-8000-"
	        "000000000003";
	char etag[60], headers[200], modified[60], length[30];
	unsigned char sum[20];
	char sha1[41];
	(void)state;
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "GET", path, VERSION, NULL),
	                 200);
	gt_copy(etag, sizeof etag, value_of("ETag"));
	gt_copy(modified, sizeof modified, value_of("Last-Modified"));
	gt_copy(length, sizeof length, value_of("Content-Length"));
	EVP_Digest(got.body, got.n, sum, NULL, EVP_sha1(), NULL);
	gt_hex(sha1, sum, sizeof sum);
	gt_format(headers, sizeof headers, "\"%s\"", sha1);
	assert_string_equal(etag, headers);
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "HEAD", path, VERSION, NULL),
	                 200);
	assert_int_equal(got.n, 0);
	assert_string_equal(value_of("ETag"), etag);
	assert_string_equal(value_of("Last-Modified"), modified);
	assert_string_equal(value_of("Content-Length"), length);
	assert_string_equal(value_of("Content-Type"), "application/json");
	gt_format(headers, sizeof headers, VERSION "\nIf-None-Match: %s", etag);
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "GET", path, headers, NULL),
	                 304);
	assert_int_equal(got.n, 0);
	assert_string_equal(value_of("ETag"), etag);
	gt_format(headers, sizeof headers,
	          VERSION "\nIf-None-Match: \"%.39s0\"", sha1);
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "GET", path, headers, NULL),
	                 200);
	assert_int_equal(list("?statementId=00000000-0000-4000-8000-"
	                      "000000000004"),
	                 200);
	assert_string_not_equal(value_of("ETag"), etag);
}

#define FORM   "Content-Type: application/x-www-form-urlencoded"
#define FOLDED FORM "\nX-Experience-API-Version: 1.0.3"
#define ID3    "00000000-0000-4000-8000-000000000003"

static long folded(const char *method, const char *headers, const char *form)
{
	char path[100];
	gt_format(path, sizeof path, "/xapi/statements?method=%s", method);
	return learner("POST", path, headers, form);
}

/* xAPI 1.0.3 part three, 1.3: what a browser cannot send otherwise. */
static void another_request_in_a_form(void **state)
{
	static const char content[] =
	        "content=%7B%22actor%22%3A%7B%22mbox%22%3A%22mailto%3Aa%40b.cn"
	        "%22%7D%2C%22verb%22%3A%7B%22id%22%3A%22http%3A%2F%2Fa.b%2Fc"
	        "%22%7D%2C%22object%22%3A%7B%22id%22%3A%22http%3A%2F%2Fa.b"
	        "%2Fd%22%7D%7D";
	char form[600];
	(void)state;
	script(0, "[\"x\"]");
	unsigned before = posts(GT_EV_STATEMENTS);
	gt_format(form, sizeof form, "%s&statementId=" ID3, content);
	assert_int_equal(folded("PUT", FOLDED, form), 204);
	assert_int_equal(posts(GT_EV_STATEMENTS), before + 1);
	assert_int_equal(folded("POST", FOLDED, content), 200);
	gt_format(form, sizeof form,
	          "%s&statementId=" ID3 "&x-experience-api-version=1.0",
	          content);
	assert_int_equal(folded("PUT", FORM, form), 204);
	/* over the control socket, where one may read */
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "POST",
	                          "/xapi/statements?method=GET", FOLDED,
	                          "statementId=" ID3 "&format=ids"),
	                 200);
	assert_true(says(ID3));
	/* who may is asked of what is asked for */
	assert_int_equal(folded("GET", FOLDED, "limit=1"), 401);
	before = posts(GT_EV_STATEMENTS);
	/* 2.0.0 has none; and there are other methods */
	gt_format(form, sizeof form, "%s&statementId=" ID3, content);
	assert_int_equal(
	        folded("PUT", FORM "\nX-Experience-API-Version: 2.0.0", form),
	        400);
	gt_format(form, sizeof form,
	          "%s&statementId=" ID3 "&X-Experience-API-Version=0.9",
	          content);
	assert_int_equal(folded("PUT", FOLDED, form), 400);
	assert_int_equal(folded("DELETE", FOLDED, "statementId=" ID3), 405);
	assert_int_equal(folded("HEAD", FOLDED, "statementId=" ID3), 405);
	assert_int_equal(folded("get", FOLDED, "statementId=" ID3), 405);
	assert_int_equal(folded("OPTIONS", FOLDED, ""), 405);
	/* without content, with some, no form, more behind the path */
	assert_int_equal(folded("PUT", FOLDED, "statementId=" ID3), 400);
	assert_int_equal(folded("GET", FOLDED, "limit=1&content=x"), 400);
	assert_int_equal(folded("PUT", FOLDED, "{\"statementId\":%"), 400);
	gt_format(form, sizeof form, "%s&statementId=" ID3, content);
	assert_int_equal(folded("PUT&statementId=" ID3, FOLDED, form), 400);
	assert_int_equal(folded("PUT", JSON, S1), 400);
	assert_true(says("method"));
	assert_int_equal(
	        learner("PUT", "/xapi/statements?method=PUT", FOLDED, form),
	        400);
	/* a page from elsewhere: a form needs no leave of a browser's, so who
	 * sends one has to name himself in it */
	assert_int_equal(folded("PUT", FOLDED "\nOrigin: http://evil.cn", form),
	                 401);
	assert_int_equal(posts(GT_EV_STATEMENTS), before);
}

/* gzip -9 of S1 */
static size_t zipped(uint8_t *out, size_t cap, const char *text)
{
	z_stream z = {0};
	assert_int_equal(
	        deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY),
	        Z_OK);
	z.next_in = gt_lend(text);
	z.avail_in = (unsigned)strlen(text);
	z.next_out = out;
	z.avail_out = (unsigned)cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static long post_packed(const char *coding, const void *p, size_t n)
{
	char request[3000];
	gt_format(request, sizeof request,
	          "POST /xapi/statements HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	          "X-Experience-API-Version: 2.0.0\r\n"
	          "Content-Type: application/json\r\nConnection: close\r\n"
	          "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
	          coding, n);
	size_t head = strlen(request);
	assert_true(head + n < sizeof request);
	memcpy(request + head, p, n);
	return raw(GT_DOOR_LEARNER, request, head + n);
}

static void compressed_bodies(void **state)
{
	static char much[1 << 20];
	uint8_t packed[2000];
	(void)state;
	script(0, "[\"x\"]");
	unsigned before = posts(GT_EV_STATEMENTS);
	size_t n = zipped(packed, sizeof packed, S1);
	assert_int_equal(post_packed("gzip", packed, n), 200);
	assert_int_equal(post_packed("X-GZIP", packed, n), 200);
	assert_int_equal(post_packed("identity", S1, strlen(S1)), 200);
	assert_int_equal(posts(GT_EV_STATEMENTS), before + 3);
	assert_int_equal(post_packed("br", packed, n), 415);
	assert_true(says("Accept-Encoding: gzip, identity\r\n"));
	assert_int_equal(post_packed("gzip, gzip", packed, n), 415);
	assert_int_equal(post_packed("gzip", packed, n - 1), 400);
	assert_int_equal(post_packed("gzip", S1, strlen(S1)), 400);
	memset(much, ' ', sizeof much - 1);
	n = zipped(packed, sizeof packed, much);
	assert_int_equal(post_packed("gzip", packed, n), 413);
	assert_int_equal(posts(GT_EV_STATEMENTS), before + 3);
}

/* Who names no version is told so in the one he named last. */
static void in_the_callers_version(void **state)
{
	(void)state;
	assert_int_equal(learner("POST", "/xapi/statements",
	                         "Content-Type: application/json\n"
	                         "X-Experience-API-Version: 1.0.1",
	                         S1),
	                 200);
	assert_string_equal(value_of("X-Experience-API-Version"), "1.0.3");
	assert_int_equal(learner("POST", "/xapi/statements", NULL, S1), 400);
	assert_string_equal(value_of("X-Experience-API-Version"), "1.0.3");
	assert_int_equal(learner("POST", "/xapi/statements", JSON, S1), 200);
	assert_string_equal(value_of("X-Experience-API-Version"), "2.0.0");
	assert_int_equal(learner("POST", "/xapi/statements", NULL, S1), 400);
	assert_string_equal(value_of("X-Experience-API-Version"), "2.0.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_course_in_a_browser),
	        cmocka_unit_test(what_a_preflight_says),
	        cmocka_unit_test(every_answer_is_consistent),
	        cmocka_unit_test(arguments_are_named),
	        cmocka_unit_test(more_carries_the_query),
	        cmocka_unit_test(one_and_its_etag),
	        cmocka_unit_test(another_request_in_a_form),
	        cmocka_unit_test(compressed_bodies),
	        cmocka_unit_test(in_the_callers_version),
	};
	return cmocka_run_group_tests_name("http_xapi", tests, set_up,
	                                   tear_down);
}
