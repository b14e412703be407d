/* u_http_parse.c: the pure half of HTTP: headers, paths, escapes, drafts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "guantong.pb-c.h"
#include "http_content.h"
#include "http_out.h"
#include "http_parse.h"
#include "http_publish.h"
#include "http_route.h"

static void ranges(void **state)
{
	static const struct {
		const char *header;
		uint64_t size;
		enum gt_ranged want;
		uint64_t from, n;
	} rows[] = {
	        {NULL, 10, GT_RANGE_WHOLE, 0, 10},
	        {"bytes=0-", 10, GT_RANGE_PART, 0, 10},
	        {"bytes=2-4", 10, GT_RANGE_PART, 2, 3},
	        {"bytes=9-99", 10, GT_RANGE_PART, 9, 1},
	        {"bytes=-3", 10, GT_RANGE_PART, 7, 3},
	        {"bytes=-99", 10, GT_RANGE_PART, 0, 10},
	        {"bytes=10-", 10, GT_RANGE_UNFIT, 0, 10},
	        {"bytes=-0", 10, GT_RANGE_UNFIT, 0, 10},
	        {"bytes=0-0", 0, GT_RANGE_UNFIT, 0, 0},
	        {"bytes=4-2", 10, GT_RANGE_WHOLE, 0, 10},
	        {"bytes=0-1,3-4", 10, GT_RANGE_WHOLE, 0, 10},
	        {"bytes=", 10, GT_RANGE_WHOLE, 0, 10},
	        {"bytes=-", 10, GT_RANGE_WHOLE, 0, 10},
	        {"bytes=a-b", 10, GT_RANGE_WHOLE, 0, 10},
	        {"lines=0-1", 10, GT_RANGE_WHOLE, 0, 10},
	        {"bytes=1-99999999999999999999999999", 10, GT_RANGE_PART, 1, 9},
	        {"bytes=99999999999999999999999999-", 10, GT_RANGE_UNFIT, 0,
	         10},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct gt_range r;
		enum gt_ranged got =
		        gt_http_range(rows[i].header, rows[i].size, &r);
		assert_int_equal(got, rows[i].want);
		assert_int_equal(r.n, rows[i].n);
		assert_int_equal(r.from, rows[i].from);
	}
}

static bool decodes(const char *raw, const char *want)
{
	char out[64];
	if (!gt_http_decode(out, sizeof out, raw, strlen(raw)))
		return false;
	assert_string_equal(out, want);
	return true;
}

static void paths(void **state)
{
	char rid[GT_RID_MAX + 1], small[4];
	const char *path;
	bool slash;
	(void)state;
	assert_true(decodes("/c/33/a%20b", "/c/33/a b"));
	assert_true(decodes("/%e8%af%be", "/课"));
	assert_true(decodes("%2e%2E/", "../"));
	assert_false(decodes("/%", ""));
	assert_false(decodes("/%4", ""));
	assert_false(decodes("/%zz", ""));
	assert_false(decodes("/%00x", ""));
	assert_false(decodes("/%0a", ""));
	assert_false(gt_http_decode(small, sizeof small, "abcd", 4));
	assert_true(gt_http_decode(small, sizeof small, "abc", 3));

	assert_true(gt_http_split("33/a/b/c.html", rid, &path, &slash));
	assert_string_equal(rid, "33/a");
	assert_string_equal(path, "b/c.html");
	assert_true(gt_http_split("33/a/", rid, &path, &slash));
	assert_true(slash);
	assert_string_equal(path, "");
	assert_true(gt_http_split("33/a", rid, &path, &slash));
	assert_false(slash);
	assert_string_equal(path, "");
	assert_false(gt_http_split("33", rid, &path, &slash));
	assert_false(gt_http_split("/", rid, &path, &slash));
	assert_false(gt_http_split("33/../x", rid, &path, &slash));
	assert_false(gt_http_split("33//x", rid, &path, &slash));
}

static void headers(void **state)
{
	(void)state;
	assert_true(gt_http_accepts("gzip, zstd;q=0.5", "zstd"));
	assert_true(gt_http_accepts("ZSTD", "zstd"));
	assert_false(gt_http_accepts("gzip, zstd;q=0", "zstd"));
	assert_false(gt_http_accepts("zstd; q=0.000", "zstd"));
	assert_false(gt_http_accepts("gzip, zstdx", "zstd"));
	assert_false(gt_http_accepts(NULL, "zstd"));
	assert_true(gt_http_etag_listed("\"a:1\"", "\"a:1\""));
	assert_true(gt_http_etag_listed("\"b\", W/\"a:1\"", "\"a:1\""));
	assert_true(gt_http_etag_listed("*", "\"a:1\""));
	assert_false(gt_http_etag_listed("\"a:12\"", "\"a:1\""));
	assert_false(gt_http_etag_listed("\"a:1", "\"a:1\""));
	assert_false(gt_http_etag_listed(NULL, "\"a:1\""));
	assert_string_equal(gt_http_language(NULL, NULL, NULL), "en");
	assert_string_equal(gt_http_language(NULL, NULL, "zh-CN"), "zh-CN");
	assert_string_equal(gt_http_language("en", "zh", "zh-CN"), "en");
	assert_string_equal(
	        gt_http_language(NULL, "en;q=0.3,zh-TW;q=0.9", "en"), "zh-CN");
	assert_string_equal(
	        gt_http_language("<x>", "fr, en-GB;q=0.7, zh;q=0.2", "zh-CN"),
	        "en");
	assert_string_equal(gt_http_language(NULL, ";;,,q=,zh;q", NULL),
	                    "zh-CN");
}

static void secrets(void **state)
{
	char name[16], password[16];
	uint8_t out[16];
	size_t n;
	(void)state;
	assert_true(gt_http_basic("Basic YTpiOmM=", name, sizeof name, password,
	                          sizeof password));
	assert_string_equal(name, "a");
	assert_string_equal(password, "b:c");
	assert_false(gt_http_basic("Basic YQ==", name, sizeof name, password,
	                           sizeof password));
	assert_false(gt_http_basic("Basic !", name, sizeof name, password,
	                           sizeof password));
	assert_false(gt_http_basic("Bearer YTpi", name, sizeof name, password,
	                           sizeof password));
	assert_true(gt_http_unbase64(out, &n, "AAECAw==", 8));
	assert_int_equal(n, 4);
	assert_memory_equal(out, "\0\1\2\3", 4);
	assert_true(gt_http_unbase64(out, &n, "", 0));
	assert_false(gt_http_unbase64(out, &n, "AAEC=w==", 8));
	assert_false(gt_http_unbase64(out, &n, "AA==AAAA", 8));
	assert_false(gt_http_unbase64(out, &n, "A===", 4));
	assert_true(gt_http_same_secret("secret", "secret"));
	assert_false(gt_http_same_secret("secret", "secre"));
	assert_false(gt_http_same_secret("secret", "Secret"));
}

static void escapes(void **state)
{
	struct gt_buffer o = {0};
	(void)state;
	gt_out_html(&o, "<a href='x'>&\"课</a>");
	char *text = gt_buffer_text(&o, NULL);
	assert_string_equal(
	        text, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;课&lt;/a&gt;");
	free(text);
	gt_out_url(&o, "a b/课?#\"%");
	text = gt_buffer_text(&o, NULL);
	assert_string_equal(text, "a%20b/%E8%AF%BE%3F%23%22%25");
	free(text);
	static const struct {
		uint64_t n;
		const char *want;
	} sizes[] = {{0, "0 B"},           {1023, "1023 B"},
	             {1024, "1.0 KiB"},    {1536, "1.5 KiB"},
	             {5 << 20, "5.0 MiB"}, {UINT64_C(3) << 40, "3.0 TiB"}};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		gt_out_size(&o, sizes[i].n);
		text = gt_buffer_text(&o, NULL);
		assert_string_equal(text, sizes[i].want);
		free(text);
	}
}

static void routes(void **state)
{
	(void)state;
	assert_non_null(gt_http_route("/", GT_DOOR_LEARNER, GT_HTTP_GET));
	assert_non_null(
	        gt_http_route("/c/33/a/b", GT_DOOR_CONTENT, GT_HTTP_GET));
	assert_non_null(
	        gt_http_route("/admin/status", GT_DOOR_CONTROL, GT_HTTP_GET));
	assert_null(
	        gt_http_route("/admin/status", GT_DOOR_LEARNER, GT_HTTP_GET));
	assert_null(gt_http_route("/admin/", GT_DOOR_CONTROL, GT_HTTP_GET));
	assert_null(gt_http_route("/c", GT_DOOR_CONTENT, GT_HTTP_GET));
	assert_null(gt_http_route("/nothing", GT_DOOR_CONTROL, GT_HTTP_GET));
	assert_null(gt_http_route("", GT_DOOR_LEARNER, GT_HTTP_GET));
	assert_ptr_not_equal(
	        gt_http_route("/api/resources", GT_DOOR_LEARNER, GT_HTTP_GET),
	        gt_http_route("/api/resources/33/a", GT_DOOR_LEARNER,
	                      GT_HTTP_GET));
}

/* What is behind which door, and who may call it. */
static void doors(void **state)
{
	(void)state;
	for (const struct gt_route *r = gt_routes; r->path; r++) {
		bool is_admin = strncmp(r->path, "/admin/", 7) == 0;
		bool is_content = strcmp(r->path, "/c/") == 0 ||
		                  strcmp(r->path, "/o/") == 0;
		bool by_content = r->doors & 1u << GT_DOOR_CONTENT;
		unsigned public = GT_HTTP_ANYBODY | GT_HTTP_HAND_IN |
		                  GT_HTTP_OWN | GT_HTTP_READ | GT_HTTP_STATE |
		                  GT_HTTP_PROFILE;
		assert_non_null(
		        gt_http_route(r->path, GT_DOOR_CONTROL, GT_HTTP_GET));
		assert_int_not_equal(r->who, 0);
		assert_int_not_equal(r->doors, 0);
		assert_int_equal(!(r->who & public), is_admin);
		/* what changes something for everybody is the operator's; the
		 * key of a launch is in its address, and a certificate that
		 * is looked at changes nothing */
		if (r->methods & (GT_HTTP_POST | GT_HTTP_PUT) &&
		    strcmp(r->path, "/launch/fetch") != 0 &&
		    strcmp(r->path, "/verify") != 0)
			assert_false(r->who & GT_HTTP_ANYBODY);
		/* packages run where nothing else is */
		if (by_content)
			assert_true(is_content);
		if (is_content && !by_content)
			assert_ptr_equal(r->handle, gt_http_to_content);
		if (is_admin)
			assert_int_equal(r->doors, 1u << GT_DOOR_CONTROL |
			                                   1u << GT_DOOR_STAFF);
	}
	assert_null(gt_http_route("/xapi/statements", GT_DOOR_CONTENT,
	                          GT_HTTP_GET));
	assert_null(
	        gt_http_route("/xapi/statements", GT_DOOR_STAFF, GT_HTTP_GET));
	assert_null(gt_http_route("/metrics", GT_DOOR_LEARNER, GT_HTTP_GET));
	assert_null(gt_http_route("/", GT_DOOR_CONTENT, GT_HTTP_GET));
}

static void targets(void **state)
{
	static const struct {
		const char *target, *path, *host;
	} rows[] = {
	        {"/a?b", "/a", ""},
	        {"/", "/", ""},
	        {"*", "*", ""},
	        {"http://h/a?b", "/a", "h"},
	        {"HTTP://h:80/a/b#c", "/a/b", "h:80"},
	        {"https://[::1]/", "/", "[::1]"},
	        {"http://h", "/", "h"},
	        {"http://h?a", "/", "h"},
	        {"http:///a", "/a", ""},
	        {"ftp://h/a", "ftp://h/a", ""},
	        {"/http://h/a", "/http://h/a", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char host[GT_HOST_MAX];
		size_t n;
		const char *p = gt_http_target(rows[i].target, &n, host);
		assert_int_equal(n, strlen(rows[i].path));
		assert_memory_equal(p, rows[i].path, n);
		assert_string_equal(host, rows[i].host);
	}
}

static void typed(void **state)
{
	static const struct {
		const char *header;
		enum gt_typed want;
	} rows[] = {
	        {"application/json", GT_TYPED_RIGHT},
	        {"Application/JSON", GT_TYPED_RIGHT},
	        {" application/json ", GT_TYPED_RIGHT},
	        {"application/json; charset=utf-8", GT_TYPED_RIGHT},
	        {"application/json;charset=\"UTF-8\"", GT_TYPED_RIGHT},
	        {"application/json; a=b ;charset=utf8", GT_TYPED_RIGHT},
	        {"application/json;", GT_TYPED_RIGHT},
	        {"application/json; x", GT_TYPED_RIGHT},
	        {"application/json; charset=gbk", GT_TYPED_CHARSET},
	        {"application/json; x=y; CHARSET=utf-16", GT_TYPED_CHARSET},
	        {"application/json; charset=", GT_TYPED_CHARSET},
	        {"application/jsonx", GT_TYPED_OTHER},
	        {"application/json-seq", GT_TYPED_OTHER},
	        {"application/json, text/plain", GT_TYPED_OTHER},
	        {"application/json x", GT_TYPED_OTHER},
	        {"application/jso", GT_TYPED_OTHER},
	        {"text/json", GT_TYPED_OTHER},
	        {"", GT_TYPED_OTHER},
	        {NULL, GT_TYPED_OTHER},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(
		        gt_http_typed(rows[i].header, "application/json"),
		        rows[i].want);
}

static void hosts(void **state)
{
	static const struct {
		const char *header, *host;
	} rows[] = {
	        {"a.example.cn", "a.example.cn"},
	        {"A.Example.CN:8080", "a.example.cn"},
	        {"127.0.0.1:1", "127.0.0.1"},
	        {"[::1]:8080", "[::1]"},
	        {"[::1]", "[::1]"},
	        {"a:", "a"},
	        {NULL, NULL},
	        {"", NULL},
	        {":80", NULL},
	        {"a:b", NULL},
	        {"a:1:2", NULL},
	        {"a/b", NULL},
	        {"a\"b", NULL},
	        {"a@b", NULL},
	        {"[::1", NULL},
	        {"[]:1", NULL},
	        {"[::1]x:1", NULL},
	        {"::1", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char host[GT_HOST_MAX];
		bool ok = gt_http_host(host, rows[i].header);
		assert_int_equal(ok, rows[i].host != NULL);
		if (ok)
			assert_string_equal(host, rows[i].host);
	}
}

/* ----------------------------------------------------------- drafts */

static int parse(const char *text, char why[256])
{
	struct gt_arena *arena = gt_arena_new();
	struct gt_draft *drafts;
	size_t n = 0;
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(v);
	int rc = gt_publish_parse(v, "en", arena, &drafts, &n, why, 256);
	if (rc == 0) {
		Gt__Entry *e = gt__entry__unpack(NULL, drafts[0].entry.n,
		                                 drafts[0].entry.p);
		assert_non_null(e);
		assert_string_equal(e->id, "33/a");
		assert_string_equal(e->title[0]->text, "课");
		gt__entry__free_unpacked(e, NULL);
		rc = (int)n;
	}
	gt_arena_free(arena);
	json_decref(v);
	return rc;
}

#define BASE "\"id\":\"33/a\",\"type\":\"course\",\"title\":{\"zh-CN\":\"课\"}"

static void drafts(void **state)
{
	static const struct {
		const char *text;
		int want;
		const char *named; /* in the sentence */
	} rows[] = {
	        {"{" BASE "}", 1, ""},
	        {"{" BASE ",\"regions\":[\"3301\"],\"keywords\":[\"x\"]}", 1,
	         ""},
	        {"{" BASE ",\"staged\":\"x.tar.zst\",\"manifest\":\"AAAA\"}", 1,
	         ""},
	        {"[{" BASE "},{" BASE "}]", 2, ""},
	        {"[]", -GT_ELIMIT, ""},
	        {"3", -GT_EINVALID, "object"},
	        {"{" BASE ",\"tpye\":\"x\"}", -GT_EINVALID, "tpye"},
	        {"{\"id\":\"33/a\",\"type\":\"x\"}", -GT_EINVALID, "title"},
	        {"{\"id\":\"a\",\"type\":\"x\",\"title\":{\"en\":\"t\"}}",
	         -GT_EINVALID, "id"},
	        {"{\"id\":\"33/a\",\"title\":{\"en\":\"t\"}}", -GT_EINVALID,
	         "type"},
	        {"{" BASE ",\"audiences\":\"all\"}", -GT_EINVALID, "audiences"},
	        {"{" BASE ",\"audiences\":[1]}", -GT_EINVALID, "audiences"},
	        {"{" BASE ",\"subjects\":[\"\"]}", -GT_EINVALID, "subjects"},
	        {"{" BASE ",\"regions\":[\"x\"]}", -GT_EINVALID, "regions"},
	        {"{" BASE ",\"start\":\"../x\"}", -GT_EINVALID, "start"},
	        {"{" BASE ",\"thumbnail\":\"/x\"}", -GT_EINVALID, "thumbnail"},
	        {"{" BASE ",\"description\":[]}", -GT_EINVALID, "description"},
	        {"{" BASE ",\"description\":{\"<\":\"x\"}}", -GT_EINVALID,
	         "description"},
	        {"{" BASE ",\"staged\":\"../x\",\"manifest\":\"AAAA\"}",
	         -GT_EINVALID, "staged"},
	        {"{" BASE ",\"staged\":\"x\"}", -GT_EINVALID, "manifest"},
	        {"{" BASE ",\"staged\":\"x\",\"manifest\":\"?\"}", -GT_EINVALID,
	         "manifest"},
	        {"[{" BASE ",\"staged\":\"x\",\"manifest\":\"AAAA\"}]",
	         -GT_EINVALID, "staged"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char why[256] = "";
		assert_int_equal(parse(rows[i].text, why), rows[i].want);
		assert_non_null(strstr(why, rows[i].named));
		assert_int_equal(rows[i].want < 0, why[0] != '\0');
	}
}

static void draft_limits(void **state)
{
	char why[256], text[4000] = "{" BASE ",\"keywords\":[\"x\"";
	(void)state;
	for (int i = 0; i < GT_VALUES_MAX; i++)
		strcat(text, ",\"x\"");
	strcat(text, "]}");
	assert_int_equal(parse(text, why), -GT_ELIMIT);
	assert_non_null(strstr(why, "keywords"));
	strcpy(text, "{" BASE ",\"licence\":\"");
	for (int i = 0; i < 300; i++)
		strcat(text, "x");
	strcat(text, "\"}");
	assert_int_equal(parse(text, why), -GT_ELIMIT);
	assert_non_null(strstr(why, "licence"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ranges),  cmocka_unit_test(paths),
	        cmocka_unit_test(headers), cmocka_unit_test(secrets),
	        cmocka_unit_test(escapes), cmocka_unit_test(routes),
	        cmocka_unit_test(doors),   cmocka_unit_test(targets),
	        cmocka_unit_test(typed),   cmocka_unit_test(hosts),
	        cmocka_unit_test(drafts),  cmocka_unit_test(draft_limits),
	};
	return cmocka_run_group_tests_name("http_parse", tests, NULL, NULL);
}
