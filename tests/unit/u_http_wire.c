/* u_http_wire.c: requests as strangers' programs and strangers themselves send
 * them: other forms of targets and bodies, numbers that mean harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_kit.h"

#define VERSION "X-Experience-API-Version: 2.0.0"
#define JSON    VERSION "\nContent-Type: application/json"
#define S1                                                         \
	"\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":" \
	"\"http://a.b/c\"},\"object\":{\"id\":\"http://a.b/d\"}"

static long line(enum gt_http_door door, const char *target, const char *host)
{
	char text[1000];
	gt_format(text, sizeof text,
	          "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
	          target, host);
	return raw(door, text, strlen(text));
}

/* A target may be a whole URL (RFC 9112 3.2.2), and its host is the one that
 * counts. */
static void whole_urls(void **state)
{
	char want[200];
	(void)state;
	assert_int_equal(line(GT_DOOR_LEARNER, "http://127.0.0.1/healthz", "x"),
	                 200);
	assert_int_equal(line(GT_DOOR_LEARNER,
	                      "HTTP://127.0.0.1:80/api/resources?limit=1",
	                      "127.0.0.1"),
	                 200);
	assert_true(says("\"resources\""));
	assert_int_equal(line(GT_DOOR_LEARNER, "http://127.0.0.1", "127.0.0.1"),
	                 200);
	assert_int_equal(line(GT_DOOR_CONTENT,
	                      "http://127.0.0.1/c/33/ke/index.html",
	                      "127.0.0.1"),
	                 200);
	assert_int_equal(
	        line(GT_DOOR_LEARNER, "http://127.0.0.2/c/33/ke/x", "[::1]"),
	        302);
	gt_format(want, sizeof want, "http://127.0.0.2:%u/c/33/ke/x",
	          (unsigned)gt_http_port(http, GT_DOOR_CONTENT));
	assert_true(says(want));
	assert_int_equal(
	        line(GT_DOOR_LEARNER, "ftp://127.0.0.1/healthz", "127.0.0.1"),
	        404);
}

static long post_as(const char *headers, const char *body)
{
	return ask_at(false, "POST", "/xapi/statements", headers, body);
}

static void bodies(void **state)
{
	(void)state;
	script(0, "[]");
	unsigned before = posts(GT_EV_STATEMENTS);
	/* some editors and all of .NET put a mark before it */
	assert_int_equal(post_as(JSON, "\xef\xbb\xbf{" S1 "}"), 200);
	assert_int_equal(post_as(JSON, "\xef\xbb\xbf[{" S1 "}]"), 200);
	assert_int_equal(post_as(JSON "; charset=UTF-8", "{" S1 "}"), 200);
	assert_int_equal(posts(GT_EV_STATEMENTS), before + 3);
	assert_int_equal(post_as(JSON, "\xef\xbb\xbf"), 400);
	assert_int_equal(post_as(JSON, "\xef\xbb{" S1 "}"), 400);
	assert_int_equal(post_as(JSON "; charset=gbk", "{" S1 "}"), 415);
	assert_int_equal(post_as(JSON "x", "{" S1 "}"), 400);
	/* compressed: told that it is, and what may be sent instead */
	assert_int_equal(post_as(JSON "\nContent-Encoding: br", "\x1f\x8b"),
	                 415);
	assert_true(heads("Accept-Encoding: gzip, identity\r\n"));
	assert_true(says("br"));
	assert_int_equal(
	        post_as(JSON "\nContent-Encoding: identity", "{" S1 "}"), 200);
	assert_int_equal(ask_at(true, "POST", "/admin/withdraw",
	                        "Content-Encoding: br", "{}"),
	                 415);
	assert_true(heads("Accept-Encoding: identity\r\n"));
	assert_int_equal(ask_at(true, "POST", "/admin/publish", NULL,
	                        "\xef\xbb\xbf{\"id\":\"33/a\",\"type\":"
	                        "\"course\",\"title\":{\"en\":\"t\"}}"),
	                 200);
}

/* No library's words reach a person. */
static void in_our_words(void **state)
{
	static const char *const wrong[] = {
	        "{" S1 ",\"result\":{\"response\":\"\xff\"}}",
	        "{" S1,
	        "{" S1 "}}",
	        "{" S1 ",}",
	        "{" S1 "," S1 "}",
	        "{" S1 ",\"n\":1e999}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(
		        post_as(JSON "\nAccept-Language: en", wrong[i]), 400);
		assert_true(says("not JSON"));
		assert_false(says("near"));
		assert_false(says("JSON_"));
		assert_int_equal(
		        post_as(JSON "\nAccept-Language: zh-CN", wrong[i]),
		        400);
		assert_true(says("不是合法的 JSON"));
		assert_false(says("JSON: "));
	}
	/* which is a character as any other, but in no name of ours */
	assert_int_equal(post_as(JSON,
	                         "{" S1
	                         ",\"result\":{\"response\":\"a\\u0000b\"}}"),
	                 200);
	assert_int_equal(post_as(JSON, "{\"a\\u0000b\":1," S1 "}"), 400);
}

/* ---------------------------------------------------------- numbers */

/* Whatever a number says, an answer costs its page: each of these comes, and
 * right behind it the node is well. */
static void numbers(void **state)
{
	static const char *const paths[] = {
	        "/xapi/statements?limit=%s",
	        "/xapi/statements?more=1-%s",
	        "/xapi/statements?more=%s-250",
	        "/xapi/statements?more=%s-%s&ascending=true",
	        "/xapi/statements?more=1-%s&limit=%s&ascending=true",
	        "/xapi/statements?since=%s-01-01T00:00:00Z",
	        "/xapi/statements?until=9999-12-31T23:59:59.%sZ",
	        "/api/resources?limit=%s",
	        "/api/resources?after=%s",
	        "/?limit=%s",
	        "/?after=%s",
	        "/?page=%s",
	        "/admin/wait?generation=%s&timeout_ms=0",
	        "/admin/wait?generation=0&timeout_ms=%s",
	        "/admin/audit?after=%s",
	        "/admin/audit?limit=%s",
	        "/admin/audit?from=%s&to=%s",
	        "/admin/records?after=%s",
	        "/admin/records?after=%s&limit=%s",
	        "/admin/quarantine?after=%s",
	};
	static const char *const values[] = {
	        "0",
	        "1",
	        "-1",
	        "251",
	        "4294967296",
	        "9223372036854775805",
	        "9223372036854775806",
	        "9223372036854775807",
	        "9223372036854775808",
	        "18446744073709551615",
	        "18446744073709551616",
	        "99999999999999999999999999",
	        "1e18",
	        "0x7fffffffffffffff",
	        "%2B5",
	        "%20",
	        "",
	};
	(void)state;
	pthread_mutex_lock(&lock);
	core.generation = 1; /* nobody waits for one */
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
			char path[400] = "";
			size_t n = 0;
			for (const char *p = paths[i]; *p; p++) {
				bool here = p[0] == '%' && p[1] == 's';
				const char one[2] = {*p, '\0'};
				const char *add = here ? values[k] : one;
				p += here;
				gt_copy(path + n, sizeof path - n, add);
				n += strlen(add);
			}
			bool waits = strstr(path, "timeout_ms=0") == NULL &&
			             strstr(path, "/admin/wait") != NULL;
			if (waits && strstr(path, "generation=0&") == NULL)
				continue;
			long status = ask_at(true, "GET", path, VERSION, NULL);
			if (status != 200 && status != 400)
				print_error("%s: %ld\n", path, status);
			assert_true(status == 200 || status == 400);
		}
	}
	assert_int_equal(get("/healthz"), 200);
	pthread_mutex_lock(&lock);
	core.generation = 0;
	pthread_mutex_unlock(&lock);
}

static void ranges(void **state)
{
	static const char *const rows[] = {
	        "bytes=0-9223372036854775807",
	        "bytes=0-18446744073709551615",
	        "bytes=0-99999999999999999999999999",
	        "bytes=-9223372036854775807",
	        "bytes=-18446744073709551616",
	        "bytes=899999-18446744073709551615",
	};
	char header[100];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_format(header, sizeof header, "Range: %s", rows[i]);
		assert_int_equal(
		        ask_at(false, "GET", "/c/33/ke/big.bin", header, NULL),
		        206);
		assert_true(got.n == 900000 || got.n == 1);
	}
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin",
	                        "Range: bytes=18446744073709551615-", NULL),
	                 416);
}

/* Answered, and once: the library had gone on waiting for a head that was
 * whole. */
static void many_arguments(void **state)
{
	enum { MOST = 30000 };
	static char text[MOST + 200];
	static const struct {
		unsigned args, more; /* bytes */
		long status;
	} rows[] = {{1, 0, 200},     {128, 0, 200},    {129, 0, 414},
	            {490, 0, 414},   {3000, 0, 414},   {1, 11000, 200},
	            {1, 13000, 414}, {128, 11000, 200}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = (size_t)snprintf(text, sizeof text,
		                            "GET /api/resources?b=");
		for (unsigned k = 1; k < rows[i].args; k++)
			n += (size_t)snprintf(text + n, sizeof text - n,
			                      "&a=%u", k);
		memset(text + n, 'x', rows[i].more);
		n += rows[i].more;
		n += (size_t)snprintf(text + n, sizeof text - n,
		                      " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		                      "Connection: close\r\n\r\n");
		assert_int_equal(raw(GT_DOOR_LEARNER, text, n), rows[i].status);
		assert_null(strstr(got.body + 1, "HTTP/1.1 "));
		assert_int_equal(says("128"), rows[i].status == 414);
	}
}

/* Cookies that the library cannot part: they are nobody's business here, and it
 * had said twice in one answer that they are too large. */
static void odd_cookies(void **state)
{
	static char text[40000];
	static const struct {
		const char *name, *each;
		unsigned times, more; /* bytes */
	} rows[] = {{"cookie", "a=\"", 1, 0},    {"Cookie", "a=\"b", 1, 0},
	            {"cookie", "a=1; ", 600, 0}, {"COOKIE", "a=", 1, 16300},
	            {"cookie", "a=", 1, 20000},  {"cookie", "\x01=,;", 9, 0},
	            {"cookie", "a", 1, 29000},   {"cookie", "", 1, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = (size_t)snprintf(
		        text, sizeof text,
		        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		        "Connection: close\r\n%s: ",
		        rows[i].name);
		for (unsigned k = 0; k < rows[i].times; k++)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s",
			                      rows[i].each);
		memset(text + n, 'z', rows[i].more);
		n += rows[i].more;
		n += (size_t)snprintf(text + n, sizeof text - n,
		                      "\r\ncookie: b=\"\r\n\r\n");
		assert_int_equal(raw(GT_DOOR_LEARNER, text, n), 200);
		assert_null(strstr(got.body + 1, "HTTP/1.1 "));
	}
}

/* As many cookies as a browser keeps: told that it is too much once, and served
 * from then on, at every door; a host's cookies are those of all its ports. */
static void cookies_without_end(void **state)
{
	enum { HEADS = 180, EACH = 4096 };
	static char text[HEADS * (EACH + 4) + 1000];
	static const struct {
		enum gt_http_door door;
		const char *target;
	} rows[] = {{GT_DOOR_LEARNER, "/api/resources"},
	            {GT_DOOR_STAFF, "/metrics"},
	            {GT_DOOR_CONTENT, "/c/33/ke/index.html"},
	            {GT_DOOR_LEARNER, "/c/33/ke/index.html"}};
	(void)state;
	for (unsigned i = 0; i <= sizeof rows / sizeof *rows; i++) {
		unsigned k = i > 0 ? i - 1 : 0; /* the first again */
		size_t n = (size_t)snprintf(text, sizeof text,
		                            "GET %s HTTP/1.1\r\nHost: "
		                            "127.0.0.1\r\nCookie: z=1",
		                            rows[k].target);
		for (unsigned c = 0; c < HEADS; c++) {
			n += (size_t)snprintf(text + n, sizeof text - n,
			                      "; b%03u=", c);
			memset(text + n, 'x', EACH - 5);
			n += EACH - 5;
		}
		n += (size_t)snprintf(text + n, sizeof text - n, "\r\n\r\n");
		long want = i == 0 ? 431 : k == 3 ? 302 : 200;
		assert_int_equal(raw(rows[k].door, text, n), want);
		assert_null(strstr(got.body + 1, "HTTP/1.1 "));
		assert_null(strstr(got.body, "Set-Cookie"));
	}
	/* who comes from there with less has his answer too, and one only */
	assert_int_equal(get("/api/resources"), 200);
	assert_true(heads("Connection: close\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(whole_urls),
	        cmocka_unit_test(bodies),
	        cmocka_unit_test(in_our_words),
	        cmocka_unit_test(numbers),
	        cmocka_unit_test(ranges),
	        cmocka_unit_test(many_arguments),
	        cmocka_unit_test(odd_cookies),
	        cmocka_unit_test(cookies_without_end),
	};
	return cmocka_run_group_tests_name("http wire", tests, set_up,
	                                   tear_down);
}
