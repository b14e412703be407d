/* u_http.c: both servers over real sockets and a real database. The core is a
 * script here, so that a test decides when and what it replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "dir.h"
#include "guantong.pb-c.h"
#include "http.h"
#include "object_kit.h"
#include "schema.h"
#include "statement.h"
#include "tally.h"

/* -------------------------------------------------------------------- a core
 */

static struct gt_http *http;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static struct {
	bool busy, mute, quit, stranger;
	int status;
	char text[200];
	uint64_t token, generation; /* token: one to be answered */
	unsigned posts[GT_EV_NOTE + 1];
	struct gt_id fault;
	char actor[100], about[200], authority[200];
} core;

bool gt_core_post(struct gt_core *c, const struct gt_event *e, struct gt_msg *m)
{
	(void)c;
	(void)m;
	pthread_mutex_lock(&lock);
	bool taken = !core.busy;
	if (taken) {
		core.posts[e->type]++;
		core.token = core.mute ? 0 : e->token;
		gt_copy(core.actor, sizeof core.actor,
		        e->actor ? e->actor : "");
		gt_copy(core.about, sizeof core.about, e->text ? e->text : "");
		if (e->type == GT_EV_STATEMENTS)
			gt_copy(core.authority, sizeof core.authority,
			        e->statements[0].authority);
		if (e->type == GT_EV_FAULT)
			core.fault = e->object;
		pthread_cond_broadcast(&change);
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

void gt_core_status(struct gt_core *c, struct gt_node_status *out)
{
	(void)c;
	memset(out, 0, sizeof *out);
	pthread_mutex_lock(&lock);
	out->generation = core.generation;
	if (core.stranger) {
		out->strangers = 3;
		out->stranger_ms = 1767225600000;
		gt_copy(out->stranger, sizeof out->stranger, "3301");
	}
	pthread_mutex_unlock(&lock);
}

bool gt_core_wait(struct gt_core *c, uint64_t seen, uint32_t timeout_ms)
{
	struct timespec until;
	(void)c;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)timeout_ms % 1000 * 1000000;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lock);
	while (core.generation <= seen)
		if (pthread_cond_timedwait(&change, &lock, &until) != 0)
			break;
	bool past = core.generation > seen;
	pthread_mutex_unlock(&lock);
	return past;
}

bool gt_core_settle(struct gt_core *c, uint32_t timeout_ms)
{
	(void)c;
	(void)timeout_ms;
	return true;
}

static void *reply(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	while (!core.quit) {
		if (core.token == 0) {
			pthread_cond_wait(&change, &lock);
			continue;
		}
		struct gt_action a = {.type = GT_ACT_REPLY,
		                      .token = core.token,
		                      .status = core.status,
		                      .text = core.text};
		core.token = 0;
		pthread_mutex_unlock(&lock);
		gt_http_reply(http, &a);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void script(int status, const char *text)
{
	pthread_mutex_lock(&lock);
	core.status = status;
	gt_copy(core.text, sizeof core.text, text);
	core.busy = core.mute = false;
	pthread_mutex_unlock(&lock);
}

static unsigned posts(enum gt_event_type type)
{
	pthread_mutex_lock(&lock);
	unsigned n = core.posts[type];
	pthread_mutex_unlock(&lock);
	return n;
}

/* ---------------------------------------------------------------- a database
 */

static char dir[] = "/tmp/gt-http-XXXXXX";
static struct pack pack;
static struct gt_manifest *manifest;
static char hex[2 * GT_ID_BYTES + 1];

static void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;
	int rc = sqlite3_exec(db, sql, NULL, NULL, &why);
	if (rc != SQLITE_OK)
		print_error("%s: %s\n", sql, why);
	assert_int_equal(rc, SQLITE_OK);
}

static void insert(sqlite3 *db, const char *sql, const char *text,
                   struct gt_bytes a, struct gt_bytes b)
{
	sqlite3_stmt *s;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
	if (a.n)
		sqlite3_bind_blob(s, 2, a.p, (int)a.n, SQLITE_STATIC);
	if (b.n)
		sqlite3_bind_blob(s, 3, b.p, (int)b.n, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	sqlite3_finalize(s);
}

/* object: whether it has content, and whether that is the pack. */
static void add_resource(sqlite3 *db, const char *rid, int verdict, int state,
                         const struct gt_id *object)
{
	static int seq;
	char id[100], type[] = "course", lang[] = "zh-CN", zh[] = "第一课<b>",
	              publisher[] = "33", start[] = "index.html", sql[400];
	struct gt_arena *arena = gt_arena_new();
	Gt__Text t;
	Gt__Text *titles[] = {&t};
	Gt__Entry e;
	Gt__Signed s;
	gt__text__init(&t);
	gt__entry__init(&e);
	gt__signed__init(&s);
	gt_copy(id, sizeof id, rid);
	t.lang = lang;
	t.text = zh;
	e.id = id;
	e.version = 1;
	e.publisher = publisher;
	e.type = type;
	e.title = titles;
	e.n_title = 1;
	e.start = start;
	struct gt_bytes oid = {0};
	if (object) {
		oid = gt_bytes_of(object->b, GT_ID_BYTES);
		e.object.len = GT_ID_BYTES;
		e.object.data = gt_arena_copy(arena, object->b, GT_ID_BYTES);
	}
	struct gt_bytes body = gt_arena_pack(arena, &e.base);
	s.kind = GT__KIND__RESOURCE;
	s.body.len = body.n;
	s.body.data = gt_arena_copy(arena, body.p, body.n);
	gt_format(sql, sizeof sql,
	          "INSERT INTO item(kind,id,seq,version,state,hash,signed,"
	          "verdict,priority,rule,layer,own,type,title,object,"
	          "updated_ms) VALUES(1,?1,%d,1,%d,x'00',?2,%d,50,'a rule',"
	          "'33',0,'course','第一课<b>',?3,0)",
	          ++seq, state, verdict);
	insert(db, sql, rid, gt_arena_pack(arena, &s.base), oid);
	gt_arena_free(arena);
}

static void add_record(sqlite3 *db, int n, bool voids)
{
	char body[400], sql[500];
	gt_format(body, sizeof body,
	          "{\"id\":\"00000000-0000-4000-8000-%012d\",\"actor\":"
	          "{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":\"http://a.b/"
	          "c\"},\"object\":{\"id\":\"http://a.b/%d\"},\"n\":1.50}",
	          n, n);
	gt_format(sql, sizeof sql,
	          "INSERT INTO record(seq,stream,origin_seq,id,form,flags,"
	          "target,origin_ms,stored_ms,policy,authority,body) VALUES"
	          "(%d,1,%d,x'0000000000004000800000000000%04d',x'00',%d,"
	          "%s,%d000,%d000,'','',CAST(?1 AS BLOB))",
	          n, n, n, voids,
	          voids ? "x'00000000000040008000000000000002'" : "NULL", n, n);
	insert(db, sql, body, (struct gt_bytes){0}, (struct gt_bytes){0});
}

static void make_database(void)
{
	sqlite3 *db;
	struct gt_id other = {{7}};
	assert_int_equal(sqlite3_open(GT_DIR_DATABASE, &db), SQLITE_OK);
	run(db, "PRAGMA journal_mode=WAL");
	run(db, GT_SCHEMA);
	run(db, GT_SCHEMA_TALLY);
	run(db, GT_SCHEMA_TALLY_OBJECTS);
	add_resource(db, "33/ke", 3, 0, &pack.object);
	add_resource(db, "33/later", 2, 0, &other);
	add_resource(db, "33/coming", 3, 0, &other);
	add_resource(db, "33/listed", 1, 0, &other);
	add_resource(db, "33/gone", 3, 1, &other);
	add_resource(db, "33/notice", 3, 0, NULL);
	insert(db,
	       "INSERT INTO object(id,state,manifest,size,frames,present,"
	       "created_ms,completed_ms) SELECT ?2,4,?3,1,1,1,0,0 WHERE ?1=''",
	       "", gt_bytes_of(pack.object.b, GT_ID_BYTES),
	       gt_bytes_of(pack.manifest, pack.manifest_n));
	run(db, "INSERT INTO stream VALUES(1,'33',x'00',250)");
	for (int i = 1; i <= 250; i++)
		add_record(db, i, i == 5);
	sqlite3_close(db);
}

static void write_object(void)
{
	char path[200];
	gt_format(path, sizeof path, "objects/%.2s", hex);
	mkdir(path, 0700);
	gt_format(path, sizeof path, "objects/%.2s/%s.tar.zst", hex, hex + 2);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(pack.out, 1, pack.out_n, f), pack.out_n);
	assert_int_equal(fclose(f), 0);
}

/* -------------------------------------------------------------------- a client
 */

struct answer {
	CURLcode curl;
	long status;
	size_t n, head_n;
	char head[4096];
	char body[2 << 20];
};
static struct answer got;

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	(void)arg;
	if (n * size >= sizeof got.body - got.n)
		return 0;
	memcpy(got.body + got.n, p, n * size);
	got.n += n * size;
	got.body[got.n] = '\0';
	return n * size;
}

static size_t on_head(char *p, size_t size, size_t n, void *arg)
{
	(void)arg;
	if (n * size < sizeof got.head - got.head_n) {
		memcpy(got.head + got.head_n, p, n * size);
		got.head_n += n * size;
		got.head[got.head_n] = '\0';
	}
	return n * size;
}

/* One request; header may be NULL, or two with a newline between. */
static long ask_at(bool admin, const char *method, const char *path,
                   const char *header, const char *body)
{
	char url[9000], first[500];
	CURL *c = curl_easy_init();
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	while (header) {
		size_t n = strcspn(header, "\n");
		gt_format(first, sizeof first, "%.*s", (int)n, header);
		list = curl_slist_append(list, first);
		header = header[n] ? header + n + 1 : NULL;
	}
	got.n = got.head_n = 0;
	got.body[0] = got.head[0] = '\0';
	gt_format(url, sizeof url, "http://127.0.0.1:%u%s", gt_http_port(http),
	          path);
	if (admin)
		curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, GT_DIR_CONTROL);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
	if (body)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	got.curl = curl_easy_perform(c);
	got.status = 0;
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &got.status);
	curl_slist_free_all(list);
	curl_easy_cleanup(c);
	return got.status;
}

static long get(const char *path)
{
	return ask_at(false, "GET", path, NULL, NULL);
}

static bool says(const char *text)
{
	return strstr(got.body, text) != NULL;
}

static bool heads(const char *text)
{
	return strstr(got.head, text) != NULL;
}

/* ----------------------------------------------------------------- the tests
 */

static struct gt_config config = {.code = "3301",
                                  .name = "杭州<x>",
                                  .lang = "zh-CN",
                                  .parent = "33",
                                  .http = "127.0.0.1:0"};
static pthread_t replier;
static int reloads;

static void on_reload(void *arg)
{
	(void)arg;
	reloads++;
}

static void start(void)
{
	char why[200] = "";
	struct gt_http_env env = {.config = &config,
	                          .core = NULL,
	                          .database = GT_DIR_DATABASE,
	                          .link_port = 7,
	                          .reload = on_reload};
	int rc = gt_http_start(&http, &env, why, sizeof why);
	if (rc != 0)
		print_error("%s\n", why);
	assert_int_equal(rc, 0);
	assert_true(gt_http_port(http) != 0);
}

static int set_up(void **state)
{
	uint8_t *big = malloc(900000);
	uint64_t random = 3;
	(void)state;
	assert_non_null(big);
	for (size_t i = 0; i < 900000; i++)
		big[i] = (uint8_t)kit_random(&random);
	pack_add(&pack, "big.bin", big, 900000);
	pack_add(&pack, "empty.txt", "", 0);
	pack_add(&pack, "index.html", "<p>hello</p>", 12);
	pack_add(&pack, "目录/文 件.txt", "abc", 3);
	free(big);
	pack_make(&pack, 3, 0);
	manifest = pack_manifest(&pack);
	gt_hex(hex, pack.object.b, GT_ID_BYTES);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("data", 0700), 0);
	assert_int_equal(mkdir("objects", 0700), 0);
	make_database();
	write_object();
	curl_global_init(CURL_GLOBAL_ALL);
	start();
	assert_int_equal(pthread_create(&replier, NULL, reply, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	char command[100];
	(void)state;
	gt_http_stop(http);
	pthread_mutex_lock(&lock);
	core.quit = true;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
	pthread_join(replier, NULL);
	gt_manifest_free(manifest);
	pack_clear(&pack);
	curl_global_cleanup();
	gt_format(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

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
	assert_true(heads("Content-Security-Policy: sandbox"));
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

static void damage(void **state)
{
	char path[200];
	(void)state;
	unsigned before = posts(GT_EV_FAULT);
	gt_format(path, sizeof path, "objects/%.2s/%s.tar.zst", hex, hex + 2);
	uint64_t at = manifest->stored_at[1] + 5;
	pack.out[at] ^= 1;
	write_object();
	get("/c/33/ke/big.bin");
	pack.out[at] ^= 1;
	write_object();
	assert_int_not_equal(got.curl, CURLE_OK);
	assert_true(got.n < 900000);
	assert_memory_equal(got.body, pack.members[0].p, got.n);
	assert_int_equal(posts(GT_EV_FAULT), before + 1);
	assert_true(gt_id_eq(&core.fault, &pack.object));
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

#define VERSION "X-Experience-API-Version: 2.0.0"
#define JSON    VERSION "\nContent-Type: application/json"
#define S1                                                         \
	"\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":" \
	"\"http://a.b/c\"},\"object\":{\"id\":\"http://a.b/d\"}"

static long post(const char *body)
{
	return ask_at(false, "POST", "/xapi/statements", JSON, body);
}

static void statements_in(void **state)
{
	static const char id[] = "/xapi/statements?statementId="
	                         "12345678-1234-4234-8234-123456789012";
	(void)state;
	script(0, "[\"x\"]");
	assert_int_equal(post("{" S1 "}"), 200);
	assert_string_equal(got.body, "[\"x\"]");
	assert_true(heads("X-Experience-API-Version: 2.0.0"));
	assert_true(heads("X-Experience-API-Consistent-Through: 1970-"));
	assert_non_null(strstr(core.authority, "urn:guantong:3301"));
	assert_string_equal(core.actor, "terminal");
	assert_int_equal(post("[{" S1 "},{" S1 "}]"), 200);
	unsigned before = posts(GT_EV_STATEMENTS);
	assert_int_equal(post("{\"actor\":3}"), 400);
	assert_int_equal(post("{"), 400);
	assert_int_equal(post(""), 400);
	assert_true(says("message"));
	assert_int_equal(ask_at(false, "POST", "/xapi/statements",
	                        "Content-Type: application/json", "{" S1 "}"),
	                 400);
	assert_int_equal(ask_at(false, "POST", "/xapi/statements",
	                        VERSION "\nContent-Type: multipart/mixed", "x"),
	                 400);
	assert_true(says("multipart"));
	assert_int_equal(posts(GT_EV_STATEMENTS), before);
	assert_int_equal(ask_at(false, "PUT", id, JSON, "{" S1 "}"), 204);
	assert_int_equal(
	        ask_at(false, "PUT", "/xapi/statements", JSON, "{" S1 "}"),
	        400);
	script(-GT_ECONFLICT, "known in another form");
	assert_int_equal(ask_at(false, "PUT", id, JSON, "{" S1 "}"), 409);
	assert_true(says("known in another form"));
	pthread_mutex_lock(&lock);
	core.busy = true;
	pthread_mutex_unlock(&lock);
	assert_int_equal(post("{" S1 "}"), 503);
	script(0, "[]");
}

static long list(const char *query)
{
	char path[300];
	gt_format(path, sizeof path, "/xapi/statements%s", query);
	return ask_at(false, "GET", path, VERSION, NULL);
}

static size_t counted(const char *what)
{
	size_t n = 0;
	for (const char *p = got.body; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void statements_out(void **state)
{
	(void)state;
	assert_int_equal(list("?statementId=00000000-0000-4000-8000-"
	                      "000000000003"),
	                 200);
	assert_true(says("\"n\":1.50"));
	assert_int_equal(list("?statementId=00000000-0000-4000-8000-"
	                      "000000000002"),
	                 404);
	assert_int_equal(list("?voidedStatementId=00000000-0000-4000-8000-"
	                      "000000000002"),
	                 200);
	assert_int_equal(list("?statementId=x"), 400);
	assert_int_equal(list("?agent=x"), 400);
	assert_true(says("agent"));
	assert_int_equal(list("?limit=3"), 200);
	assert_int_equal(counted("\"verb\""), 3);
	const char *newest = strstr(got.body, "000000000250");
	assert_non_null(newest);
	assert_true(newest < strstr(got.body, "000000000249"));
	assert_true(says("\"more\":\"/xapi/statements?more=1-247"));
	assert_int_equal(list("?more=1-247&limit=3&ascending=false"), 200);
	assert_true(says("000000000247"));
	assert_true(says("more=1-244"));
	assert_int_equal(list("?more=x"), 400);
	/* every one once, the voided one not */
	assert_int_equal(list("?limit=500&ascending=true"), 200);
	assert_int_equal(counted("\"verb\""), 249);
	assert_true(says("\"more\":\"\""));
	assert_int_equal(list("?since=1970-01-01T00:00:10Z"
	                      "&until=1970-01-01T00:00:20Z"),
	                 200);
	assert_int_equal(counted("\"verb\""), 10);
	assert_true(says("000000000020"));
	assert_false(says("000000000010\""));
	assert_int_equal(list("?since=yesterday"), 400);
	assert_int_equal(get("/xapi/about"), 200);
	assert_true(says("2.0.0"));
}

/* A second copy of a node: when, whose, and what to do. */
static void strangers(void **state)
{
	(void)state;
	for (unsigned told = 0; told < 2; told++) {
		pthread_mutex_lock(&lock);
		core.stranger = told;
		pthread_mutex_unlock(&lock);
		assert_int_equal(get("/?lang=en"), 200);
		assert_int_equal(says("3301 and this node"), told);
		assert_int_equal(says("stop one of the two copies"), told);
		assert_int_equal(get("/?lang=zh-CN"), 200);
		assert_int_equal(says("3301 与本节点"), told);
		assert_int_equal(get("/metrics"), 200);
		assert_true(says(told ? "\nguantong_strangers_total 3\n"
		                      : "\nguantong_strangers_total 0\n"));
		assert_int_equal(
		        ask_at(true, "GET", "/admin/status", NULL, NULL), 200);
		assert_true(says(told ? "\"stranger\":\"3301\""
		                      : "\"stranger\":null"));
		assert_true(says(told ? "\"stranger_seen\":\"2026-01-01T"
		                      : "\"stranger_seen\":null"));
	}
	pthread_mutex_lock(&lock);
	core.stranger = false;
	pthread_mutex_unlock(&lock);
}

static void administration(void **state)
{
	struct stat st;
	(void)state;
	assert_int_equal(stat(GT_DIR_CONTROL, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(get("/admin/status"), 404);
	assert_int_equal(ask_at(true, "GET", "/admin/status", NULL, NULL), 200);
	assert_true(says("\"generation\":0"));
	assert_true(says("\"link\":7"));
	script(0, "{\"id\":\"33/a\",\"version\":1}");
	assert_int_equal(ask_at(true, "POST", "/admin/publish", NULL,
	                        "{\"id\":\"33/a\",\"type\":\"course\","
	                        "\"title\":{\"en\":\"t\"}}"),
	                 200);
	assert_true(says("\"version\":1"));
	assert_memory_equal(core.actor, "user:", 5);
	assert_string_not_equal(core.actor, "user:operator");
	assert_int_equal(ask_at(true, "POST", "/admin/publish", NULL, "{"),
	                 400);
	assert_int_equal(ask_at(true, "POST", "/admin/withdraw", NULL,
	                        "{\"id\":\"33/a\",\"reason\":\"old\"}"),
	                 200);
	assert_int_equal(
	        ask_at(true, "POST", "/admin/withdraw", NULL, "{\"id\":3}"),
	        400);
	assert_int_equal(ask_at(true, "POST", "/admin/fetch", NULL,
	                        "{\"id\":\"33/later\"}"),
	                 200);
	assert_int_equal(
	        ask_at(true, "POST", "/admin/policy", NULL, "rules: 3\n"), 400);
	assert_int_equal(ask_at(true, "POST", "/admin/members", NULL, "abc"),
	                 400);
	assert_int_equal(ask_at(true, "POST", "/admin/reload", NULL, ""), 200);
	assert_int_equal(reloads, 1);
	static const char *const reads[] = {
	        "/admin/layers",     "/admin/members",
	        "/admin/audit",      "/admin/records?after=3",
	        "/admin/quarantine", "/admin/explain?id=33/ke&for=3301"};
	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
		assert_int_equal(ask_at(true, "GET", reads[i], NULL, NULL),
		                 200);
	assert_int_equal(
	        ask_at(true, "GET", "/admin/audit?when=now", NULL, NULL), 400);
	assert_true(says("when"));
}

static void *advance(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	core.generation++;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void waiting(void **state)
{
	pthread_t t;
	(void)state;
	pthread_create(&t, NULL, advance, NULL);
	assert_int_equal(
	        ask_at(true, "GET", "/admin/wait?generation=0", NULL, NULL),
	        200);
	assert_true(says("\"generation\":1"));
	pthread_join(t, NULL);
	assert_int_equal(ask_at(true, "GET",
	                        "/admin/wait?generation=1&timeout_ms=20", NULL,
	                        NULL),
	                 200);
	assert_true(says("\"generation\":1"));
	assert_int_equal(
	        ask_at(true, "GET", "/admin/wait?generation=x", NULL, NULL),
	        400);
}

/* Stops the servers once a command waits in the core that will never reply. */
static void *stopper(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	while (core.posts[GT_EV_WITHDRAW] < 2)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
	gt_http_stop(http);
	return NULL;
}

static void stopping(void **state)
{
	pthread_t t;
	struct stat st;
	(void)state;
	pthread_mutex_lock(&lock);
	core.mute = true;
	pthread_mutex_unlock(&lock);
	pthread_create(&t, NULL, stopper, NULL);
	assert_int_equal(ask_at(true, "POST", "/admin/withdraw", NULL,
	                        "{\"id\":\"33/a\"}"),
	                 503);
	pthread_join(t, NULL);
	assert_int_not_equal(stat(GT_DIR_CONTROL, &st), 0);
	pthread_mutex_lock(&lock);
	core.mute = false;
	pthread_mutex_unlock(&lock);
	start();
}

static void terminals(void **state)
{
	(void)state;
	gt_http_stop(http);
	config.nusers = 2;
	gt_copy(config.users[0].name, 64, "school");
	gt_copy(config.users[0].password, 128, "pw");
	gt_copy(config.users[1].name, 64, "home");
	gt_copy(config.users[1].password, 128, "other");
	start();
	script(0, "[]");
	assert_int_equal(post("{" S1 "}"), 401);
	assert_true(heads("WWW-Authenticate: Basic"));
	/* school:other */
	assert_int_equal(ask_at(false, "POST", "/xapi/statements",
	                        JSON "\nAuthorization: Basic "
	                             "c2Nob29sOm90aGVy",
	                        "{" S1 "}"),
	                 401);
	assert_int_equal(ask_at(false, "POST", "/xapi/statements",
	                        JSON "\nAuthorization: Basic c2Nob29sOnB3",
	                        "{" S1 "}"),
	                 200);
	assert_string_equal(core.actor, "user:school");
	assert_int_equal(get("/"), 200);
	config.nusers = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(members),
	        cmocka_unit_test(parts),
	        cmocka_unit_test(encoded),
	        cmocka_unit_test(whole_objects),
	        cmocka_unit_test(damage),
	        cmocka_unit_test(absences),
	        cmocka_unit_test(pages),
	        cmocka_unit_test(statements_in),
	        cmocka_unit_test(statements_out),
	        cmocka_unit_test(strangers),
	        cmocka_unit_test(administration),
	        cmocka_unit_test(waiting),
	        cmocka_unit_test(stopping),
	        cmocka_unit_test(terminals),
	};
	return cmocka_run_group_tests_name("http", tests, set_up, tear_down);
}
