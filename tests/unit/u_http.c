/* u_http.c: what a terminal reads: contents, whole objects, pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_kit.h"
#include "shelf.h"

static void members(void **state)
{
	char header[200], etag[100];
	(void)state;
	assert_int_equal(get("/c/33/ke/big.bin"), 200);
	assert_int_equal(got.n, 900000);
	assert_memory_equal(got.body, pack.members[0].p, 900000);
	assert_true(heads("nosniff"));
	assert_true(heads("Content-Length: 900000"));
	assert_int_equal(get("/c/33/ke/empty.txt"), 200);
	assert_int_equal(got.n, 0);
	assert_int_equal(get("/c/33/ke/index.html"), 200);
	assert_string_equal(got.body, "<p>hello</p>");
	assert_true(heads("text/html; charset=utf-8"));
	assert_true(heads("Content-Security-Policy: default-src 'self'"));
	assert_false(heads("sandbox")); /* browsers show no PDF in one */
	assert_int_equal(get("/c/33/ke/%E7%9B%AE%E5%BD%95/%E6%96%87%20"
	                     "%E4%BB%B6.txt"),
	                 200);
	assert_string_equal(got.body, "abc");
	assert_int_equal(ask_at(false, "HEAD", "/c/33/ke/big.bin", NULL, NULL),
	                 200);
	assert_true(heads("Content-Length: 900000"));
	assert_int_equal(got.n, 0);
	gt_format(etag, sizeof etag, "\"%s:0\"", hex);
	assert_true(heads(etag));
	gt_format(header, sizeof header, "If-None-Match: %s", etag);
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin", header, NULL),
	                 304);
	assert_int_equal(got.n, 0);
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin",
	                        "If-None-Match: \"x\"", NULL),
	                 200);
}

#define FOLDER "/c/33/ke/%E7%9B%AE%E5%BD%95"

/* A folder's address is that of its first page; without the slash the links in
 * it would lead elsewhere. */
static void folders(void **state)
{
	(void)state;
	assert_int_equal(get(FOLDER "/"), 200);
	assert_string_equal(got.body, "<p>folder</p>");
	assert_int_equal(get(FOLDER), 302);
	assert_true(heads("Location: " FOLDER "/\r"));
	assert_int_equal(get("/c/33/ke/%E7%A9%BA"), 302);
	assert_int_equal(get("/c/33/ke/%E7%A9%BA/"), 404);
	assert_int_equal(get("/c/33/ke/index.html/"), 404);
	assert_int_equal(get("/c/33/ke/none/"), 404);
	assert_int_equal(get("/c/33/ke//"), 400);
	assert_int_equal(get(FOLDER "//"), 400);
	assert_int_equal(get("/c/33/ke/"), 302);
	assert_true(heads("Location: /c/33/ke/index.html\r"));
	assert_int_equal(get("/c/33/ke"), 302);
}

/* What is not UTF-8 is not called that. */
static void legacy_texts(void **state)
{
	(void)state;
	for (int again = 0; again < 2; again++) {
		assert_int_equal(get("/c/33/ke/gbk.html"), 200);
		assert_true(heads("Content-Type: text/html\r"));
		assert_int_equal(get("/c/33/ke/gbk.txt"), 200);
		assert_true(heads("Content-Type: text/plain; charset=gb18030"));
		assert_int_equal(get("/c/33/ke/empty.txt"), 200);
		assert_true(heads("Content-Type: text/plain; charset=utf-8"));
	}
}

/* What jQuery's getJSON asks first, from a frame without an origin. */
static void preflights(void **state)
{
	(void)state;
	assert_int_equal(
	        ask_at(false, "OPTIONS", "/c/33/ke/index.html",
	               "Origin: null\nAccess-Control-Request-Method: GET\n"
	               "Access-Control-Request-Headers: x-requested-with",
	               NULL),
	        204);
	assert_true(heads("Access-Control-Allow-Origin: *\r"));
	assert_true(heads("Access-Control-Allow-Methods: GET, HEAD\r"));
	assert_true(heads("Access-Control-Allow-Headers: x-requested-with\r"));
	assert_int_equal(ask_at(false, "OPTIONS", "/c/33/ke/index.html",
	                        "Access-Control-Request-Headers: a\"b", NULL),
	                 204);
	assert_false(heads("Access-Control-Allow-Headers"));
	assert_int_equal(ask_at(false, "OPTIONS", "/o/x", NULL, NULL), 204);
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/index.html",
	                        "Service-Worker: script", NULL),
	                 403);
}

static void parts(void **state)
{
	static const struct {
		const char *header;
		long status;
		size_t from, n;
	} rows[] = {
	        {"Range: bytes=0-0", 206, 0, 1},
	        {"Range: bytes=300000-699999", 206, 300000, 400000},
	        {"Range: bytes=899999-", 206, 899999, 1},
	        {"Range: bytes=-10", 206, 899990, 10},
	        {"Range: bytes=900000-", 416, 0, 0},
	        {"Range: bytes=0-1,5-6", 200, 0, 900000},
	        {"Range: bytes=0-1\nIf-Range: \"old\"", 200, 0, 900000},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin",
		                        rows[i].header, NULL),
		                 rows[i].status);
		assert_int_equal(got.n, rows[i].n);
		assert_memory_equal(got.body, pack.members[0].p + rows[i].from,
		                    rows[i].n);
	}
	ask_at(false, "GET", "/c/33/ke/big.bin", rows[1].header, NULL);
	assert_true(heads("Content-Range: bytes 300000-699999/900000"));
}

/* What is gone on with is what it was, or nothing is sent. */
static void gone_on_with(void **state)
{
	char header[300], etag[200], *end;
	(void)state;
	assert_int_equal(get("/c/33/ke/big.bin"), 200);
	gt_copy(etag, sizeof etag, strstr(got.head, "ETag: ") + 6);
	end = strchr(etag, '\r');
	assert_non_null(end);
	*end = '\0';
	static const struct {
		const char *before, *behind;
		long status;
	} rows[] = {
	        {"", "", 206},  {"\"x\", ", "", 206},     {"W/", "", 412},
	        {"", "x", 412}, {"\"old\", W/", "", 412},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_format(header, sizeof header,
		          "Range: bytes=5-9\nIf-Match: %s%s%s", rows[i].before,
		          etag, rows[i].behind);
		assert_int_equal(
		        ask_at(false, "GET", "/c/33/ke/big.bin", header, NULL),
		        rows[i].status);
	}
	assert_true(heads(etag)); /* what is here now */
	assert_true(says("\"error\":\"STALE\""));
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin",
	                        "If-Match: \"old\"\nAccept: text/html", NULL),
	                 412);
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin",
	                        "If-Match: *\nRange: bytes=0-1", NULL),
	                 206);
	assert_int_equal(ask_at(false, "HEAD", "/c/33/ke/index.html",
	                        "If-Match: \"old\"", NULL),
	                 412);
	gt_format(header, sizeof header, "/o/%s.tar.zst", hex);
	assert_int_equal(
	        ask_at(false, "GET", header, "If-Match: \"old\"", NULL), 412);
	/* a file that is as it was is as long as it is */
	gt_format(header, sizeof header, "If-None-Match: %s", etag);
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin", header, NULL),
	                 304);
	assert_int_equal(got.n, 0);
	assert_false(heads("Content-Length: 0\r"));
	assert_true(heads("Content-Length: 900000\r"));
	/* and the connection goes on */
	assert_int_equal(get("/c/33/ke/index.html"), 200);
}

static void encoded(void **state)
{
	(void)state;
	uint32_t i = gt_manifest_find(manifest, "big.bin");
	const struct gt_file *f = &manifest->files[i];
	uint32_t frame = gt_manifest_frame_at(manifest, f->offset);
	bool fits = manifest->plain_at[frame] == f->offset;
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/big.bin",
	                        "Accept-Encoding: zstd", NULL),
	                 200);
	assert_int_equal(heads("Content-Encoding: zstd"), fits);
	if (fits) {
		assert_memory_equal(
		        got.body, pack.out + manifest->stored_at[frame], got.n);
		assert_true(heads("-zstd\""));
	}
	/* a small member shares its frame */
	assert_int_equal(ask_at(false, "GET", "/c/33/ke/index.html",
	                        "Accept-Encoding: zstd", NULL),
	                 200);
	assert_string_equal(got.body, "<p>hello</p>");
	assert_false(heads("Content-Encoding"));
}

static void whole_objects(void **state)
{
	char path[200], header[100];
	(void)state;
	gt_format(path, sizeof path, "/o/%s.tar.zst", hex);
	assert_int_equal(get(path), 200);
	assert_int_equal(got.n, pack.out_n);
	assert_memory_equal(got.body, pack.out, pack.out_n);
	gt_format(header, sizeof header, "Range: bytes=%llu-",
	          (unsigned long long)pack.out_n - 30);
	assert_int_equal(ask_at(false, "GET", path, header, NULL), 206);
	assert_int_equal(got.n, 30);
	assert_memory_equal(got.body, pack.out + pack.out_n - 30, 30);
	path[4] = path[4] == '0' ? '1' : '0';
	assert_int_equal(get(path), 404);
	assert_int_equal(get("/o/x.tar.zst"), 404);
}

/* Flips a bit in a frame, asks for the file, and flips it back. */
static unsigned ask_damaged(uint32_t frame)
{
	uint64_t at = manifest->stored_at[frame] + 5;
	pack.out[at] ^= 1;
	write_object();
	unsigned status = (unsigned)get("/c/33/ke/big.bin");
	pack.out[at] ^= 1;
	write_object();
	return status;
}

static void damage(void **state)
{
	(void)state;
	unsigned before = posts(GT_EV_FAULT);
	/* behind what has gone out already */
	ask_damaged(2);
	assert_int_not_equal(got.curl, CURLE_OK);
	assert_true(got.n < 900000);
	assert_memory_equal(got.body, pack.members[0].p, got.n);
	assert_int_equal(posts(GT_EV_FAULT), before + 1);
	assert_true(gt_id_eq(&core.fault, &pack.object));
	/* before anything has */
	assert_int_equal(ask_damaged(1), 503);
	assert_true(heads("Retry-After: 1"));
	assert_int_equal(posts(GT_EV_FAULT), before + 2);
	assert_int_equal(get("/c/33/ke/big.bin"), 200);
}

/* It is said to be on its way, and is. */
static void a_file_that_went(void **state)
{
	char path[200];
	(void)state;
	unsigned before = posts(GT_EV_LOST);
	gt_format(path, sizeof path, "objects/%.2s/%s.tar.zst", hex, hex + 2);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(get("/c/33/ke/big.bin"), 503);
	assert_true(heads("Retry-After: 1"));
	gt_format(path, sizeof path, "/o/%s.tar.zst", hex);
	assert_int_equal(get(path), 503);
	assert_int_equal(posts(GT_EV_LOST), before + 2);
	assert_true(gt_id_eq(&core.fault, &pack.object));
	write_object();
	assert_int_equal(get("/c/33/ke/big.bin"), 200);
}

static void absences(void **state)
{
	(void)state;
	script(0, "{}");
	assert_int_equal(get("/c/33/later/x"), 503);
	assert_true(heads("Retry-After: 1"));
	assert_true(says("\"fetching\":true"));
	assert_int_equal(posts(GT_EV_WANT), 1);
	assert_string_equal(core.about, "33/later");
	assert_string_equal(core.actor, "terminal");
	assert_int_equal(get("/c/33/coming/x"), 503);
	assert_int_equal(posts(GT_EV_WANT), 1);
	assert_int_equal(get("/c/33/listed/x"), 403);
	assert_true(says("a rule"));
	assert_true(says("DENIED"));
	assert_int_equal(get("/c/33/gone/x"), 410);
	assert_int_equal(get("/c/33/notice/x"), 404);
	assert_int_equal(get("/c/33/none/x"), 404);
	assert_int_equal(get("/c/33/ke/none"), 404);
	assert_int_equal(get("/c/33/ke/../../x") / 100, 4);
	assert_int_equal(get("/c/33/ke/a%2f..%2fb"), 400);
	assert_int_equal(get("/c/%00"), 400);
	assert_int_equal(get("/c//"), 404);
	assert_int_equal(get("/c/33/ke/"), 302);
	assert_true(heads("Location: /c/33/ke/index.html"));
	script(0, "");
	assert_int_equal(ask_at(false, "GET", "/c/33/later/x",
	                        "Accept: text/html", NULL),
	                 503);
	assert_true(heads("Refresh: 2"));
	assert_true(says("<progress"));
	script(-GT_ENOSPACE, "the disk is full");
	assert_int_equal(get("/c/33/later/x"), 507);
	assert_true(says("the disk is full"));
}

static void pages(void **state)
{
	(void)state;
	assert_int_equal(get("/?lang=zh-CN"), 200);
	assert_true(says("第一课&lt;b&gt;"));
	assert_true(says("杭州&lt;x&gt;"));
	assert_true(says("<html lang=\"zh-CN\">"));
	assert_true(says("学习资源"));
	assert_false(says("http://"));
	/* nodes by name; the one nobody named by its code */
	assert_true(says("</span> 浙江&lt;省&gt; 33 <span"));
	assert_true(says("class=\"title\">西湖&lt;区&gt; 330106</th>"));
	assert_true(says("class=\"title\">330107</th>"));
	assert_int_equal(get("/?lang=en&q=%22%3E%3Cscript%3E&type=%3Cx"), 200);
	assert_true(says("Nothing here matches"));
	assert_true(says("&lt;script&gt;"));
	assert_false(says("<script"));
	assert_int_equal(get("/r/33/ke?lang=en"), 200);
	assert_true(says("href=\"/c/33/ke/index.html\""));
	assert_true(says("a rule"));
	assert_int_equal(get("/r/33/%3Cb%3E"), 404);
	assert_false(says("<b>"));
	assert_int_equal(get("/?q=%ff%fe%3Cscript%3E"), 200);
	/* more than one page looks through: it says so, and leads on */
	assert_false(says("rel=\"next\""));
	sqlite3 *db;
	assert_int_equal(sqlite3_open(GT_DIR_DATABASE, &db), SQLITE_OK);
	run(db, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c"
	        " WHERE x<10050) INSERT INTO item(kind,id,seq,version,state,"
	        "hash,signed,verdict,priority,rule,layer,own,type,title,object,"
	        "asked,updated_ms) SELECT 1,printf('00/%05d',x),-x,1,0,x'00',"
	        "x'',0,0,'','',0,'','',NULL,0,0 FROM c");
	assert_int_equal(get("/?lang=en&q=%ff%fe%3Cscript%3E"), 200);
	assert_true(says("after=00%2F10000#list") ||
	            says("after=00/10000#list"));
	assert_true(says("looked through so far"));
	run(db, "DELETE FROM item WHERE id LIKE '00/%'");
	sqlite3_close(db);
	assert_int_equal(get("/api/resources/33/ke"), 200);
	assert_true(says("\"id\":\"33/ke\""));
	assert_int_equal(get("/api/resources?limit=2"), 200);
	assert_int_equal(get("/api/resources?limit=x"), 400);
	assert_int_equal(get("/api/resources/33/none"), 404);
	assert_int_equal(get("/healthz"), 200);
	assert_int_equal(get("/metrics"), 200);
	assert_true(says("# TYPE guantong_commits_total counter\n"));
	assert_int_equal(get("/nothing"), 404);
	assert_true(says("{\"error\":\"UNKNOWN\""));
	/* a person is told in a page, a program in JSON */
	assert_int_equal(ask_at(false, "GET", "/nothing?lang=zh-CN",
	                        "Accept: text/html,*/*;q=0.8", NULL),
	                 404);
	assert_true(heads("text/html; charset=utf-8"));
	assert_true(says("<html lang=\"zh-CN\">"));
	assert_int_equal(ask_at(false, "GET", "/api/resources/33/none",
	                        "Accept: text/html", NULL),
	                 404);
	assert_true(says("{\"error\":\"UNKNOWN\""));
	assert_int_equal(ask_at(false, "POST", "/metrics", NULL, "x"), 405);
	assert_true(heads("Allow: GET, HEAD"));
}

/* It is as well as its database can be read. */
static void health(void **state)
{
	sqlite3 *db;
	(void)state;
	assert_int_equal(get("/healthz?lang=en"), 200);
	assert_string_equal(got.body, "ok\n");
	assert_int_equal(sqlite3_open(GT_DIR_DATABASE, &db), SQLITE_OK);
	run(db, "ALTER TABLE meta RENAME TO lost");
	assert_int_equal(get("/healthz?lang=en"), 503);
	assert_true(says("database"));
	run(db, "ALTER TABLE lost RENAME TO meta");
	assert_int_equal(get("/healthz?lang=en"), 200);
	sqlite3_close(db);
}

static json_t *resource_of(const char *path)
{
	assert_int_equal(get(path), 200);
	assert_true(heads("Content-Type: application/json"));
	json_t *r = json_loads(got.body, 0, NULL);
	assert_non_null(r);
	return r;
}

/* All files of a package, and what there is of the names in its entry. */
static void packages(void **state)
{
	sqlite3 *db;
	size_t i;
	json_t *f;
	(void)state;
	assert_int_equal(sqlite3_open(GT_DIR_DATABASE, &db), SQLITE_OK);
	kit_start = "nofile.html";
	add_resource(db, "33/zz-astray", 3, 0, &pack.object);
	kit_start = "index.html";
	sqlite3_close(db);
	json_t *r = resource_of("/api/resources/33/ke");
	json_t *files = json_object_get(r, "files");
	assert_int_equal(json_array_size(files), manifest->nfiles);
	json_array_foreach(files, i, f)
	{
		const struct gt_file *want = &manifest->files[i];
		assert_string_equal(gt_json_member(f, "path"), want->path);
		assert_string_equal(gt_json_member(f, "media_type"),
		                    want->media_type);
		assert_int_equal(json_integer_value(json_object_get(f, "size")),
		                 want->size);
	}
	assert_string_equal(gt_json_member(r, "start"), "index.html");
	assert_string_equal(gt_json_member(r, "thumbnail"), "");
	json_decref(r);
	/* an entry may name a file that its package has not */
	r = resource_of("/api/resources/33/zz-astray");
	assert_string_equal(gt_json_member(r, "start"), "index.html");
	json_decref(r);
	/* without a manifest nobody can say */
	r = resource_of("/api/resources/33/coming");
	assert_string_equal(gt_json_member(r, "start"), "index.html");
	assert_null(json_object_get(r, "files"));
	json_decref(r);
	assert_int_equal(get("/r/33/ke"), 200);
	for (i = 0; i < manifest->nfiles; i++)
		assert_true(says(manifest->files[i].path));
	/* one index, whoever asks and for what */
	struct gt_shelf_counts c;
	gt_shelves_count(http->shelves, &c);
	assert_int_equal(c.open, 1);
	assert_int_equal(c.users, 0);
	assert_int_equal(c.made, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(members),
	        cmocka_unit_test(parts),
	        cmocka_unit_test(folders),
	        cmocka_unit_test(gone_on_with),
	        cmocka_unit_test(packages),
	        cmocka_unit_test(legacy_texts),
	        cmocka_unit_test(preflights),
	        cmocka_unit_test(encoded),
	        cmocka_unit_test(whole_objects),
	        cmocka_unit_test(damage),
	        cmocka_unit_test(absences),
	        cmocka_unit_test(pages),
	        cmocka_unit_test(a_file_that_went),
	        cmocka_unit_test(health),
	};
	return cmocka_run_group_tests_name("http", tests, set_up, tear_down);
}
