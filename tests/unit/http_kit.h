/* http_kit.h: both HTTP servers over real sockets and a real database, and a
 * client. The core is a script here, so that a test decides when and what it
 * replies. Header only, for it stands in the place of the daemon's own core. */
#ifndef GT_HTTP_KIT_H
#define GT_HTTP_KIT_H

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "access.h"
#include "arena.h"
#include "dir.h"
#include "guantong.pb-c.h"
#include "http.h"
#include "json.h"
#include "object_kit.h"
#include "schema.h"
#include "seal.h"
#include "statement.h"
#include "tally.h"

/* ----------------------------------------------------------- a core */

static struct gt_http *http;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static struct {
	bool busy, mute, quit, stranger;
	int status;
	char text[200];
	int64_t told_ms, era;
	uint64_t token, generation; /* token: one to be answered */
	uint64_t held;              /* the last */
	unsigned posts[GT_EV_NOTE + 1];
	struct gt_id fault;
	char actor[100], about[200], authority[200];
	uint32_t flags; /* of the first statement */
} core;

bool gt_core_post(struct gt_core *c, const struct gt_event *e,
                  struct gt_bulk *m)
{
	(void)c;
	(void)m;
	pthread_mutex_lock(&lock);
	bool taken = !core.busy;
	if (taken) {
		core.posts[e->type]++;
		core.token = core.mute ? 0 : e->token;
		core.held = e->token;
		gt_copy(core.actor, sizeof core.actor,
		        e->actor ? e->actor : "");
		gt_copy(core.about, sizeof core.about, e->text ? e->text : "");
		if (e->type == GT_EV_STATEMENTS) {
			gt_copy(core.authority, sizeof core.authority,
			        e->statements[0].authority);
			core.flags = e->statements[0].flags;
		}
		if (e->type == GT_EV_FAULT || e->type == GT_EV_LOST)
			core.fault = e->object;
		pthread_cond_broadcast(&change);
	}
	pthread_mutex_unlock(&lock);
	return taken;
}

bool gt_core_consistent(struct gt_core *c, int64_t *ms, int64_t *era)
{
	(void)c;
	pthread_mutex_lock(&lock);
	*ms = core.told_ms;
	*era = core.era;
	pthread_mutex_unlock(&lock);
	return true;
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

static inline void script(int status, const char *text)
{
	pthread_mutex_lock(&lock);
	core.status = status;
	gt_copy(core.text, sizeof core.text, text);
	core.busy = core.mute = false;
	pthread_mutex_unlock(&lock);
}

static inline unsigned posts(enum gt_event_type type)
{
	pthread_mutex_lock(&lock);
	unsigned n = core.posts[type];
	pthread_mutex_unlock(&lock);
	return n;
}

/* ------------------------------------------------------- a database */

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

/* What the next entries name to begin with. */
static const char *kit_start = "index.html";

/* object: whether it has content, and whether that is the pack. */
static void add_resource(sqlite3 *db, const char *rid, int verdict, int state,
                         const struct gt_id *object)
{
	static int seq;
	char id[100], type[] = "course", lang[] = "zh-CN", zh[] = "第一课<b>",
	              publisher[] = "33", start[100], sql[400];
	struct gt_arena *arena = gt_arena_new();
	Gt__Text t;
	Gt__Text *titles[] = {&t};
	Gt__Entry e;
	Gt__Signed s;
	gt__text__init(&t);
	gt__entry__init(&e);
	gt__signed__init(&s);
	gt_copy(id, sizeof id, rid);
	gt_copy(start, sizeof start, kit_start);
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

/* Enrolled, under a name. */
static void add_member(sqlite3 *db, const char *code, const char *called)
{
	char sql[300], id[GT_CODE_MAX + 1], name[40];
	struct gt_arena *arena = gt_arena_new();
	uint8_t key[GT_KEY_BYTES] = {1};
	static int seq;
	Gt__Member m;
	Gt__Signed s;
	gt__member__init(&m);
	gt__signed__init(&s);
	gt_copy(id, sizeof id, code);
	gt_copy(name, sizeof name, called);
	m.code = id;
	m.name = name;
	m.key.data = key;
	m.key.len = sizeof key;
	struct gt_bytes body = gt_arena_pack(arena, &m.base);
	s.kind = GT__KIND__MEMBER;
	s.body.len = body.n;
	s.body.data = gt_arena_copy(arena, body.p, body.n);
	gt_format(sql, sizeof sql,
	          "INSERT INTO item(kind,id,seq,version,state,hash,signed,"
	          "verdict,priority,rule,layer,own,type,title,updated_ms)"
	          " SELECT 3,?1,%d,1,0,x'00',?2,3,50,'','',0,'','',0"
	          " WHERE ?3 IS NULL",
	          ++seq);
	insert(db, sql, code, gt_arena_pack(arena, &s.base),
	       (struct gt_bytes){0});
	gt_arena_free(arena);
}

static void add_record(sqlite3 *db, int n, bool voids)
{
	char body[500], sql[900], form[GT_HEX_ID], why[200];
	struct gt_statement s;
	gt_format(body, sizeof body,
	          "{\"id\":\"00000000-0000-4000-8000-%012d\",\"actor\":"
	          "{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":\"%s\"},"
	          "\"object\":{%s%012d\"},\"context\":{\"extensions\":{"
	          "\"http://a.b/n\":1.50}}}",
	          n,
	          voids ? "http://adlnet.gov/expapi/verbs/voided"
	                : "http://a.b/c",
	          voids ? "\"objectType\":\"StatementRef\",\"id\":\"00000000-"
	                  "0000-4000-8000-"
	                : "\"id\":\"http://a.b/",
	          voids ? 2 : n);
	assert_int_equal(gt_statements_parse(gt_bytes_str(body), GT_XAPI_ANY,
	                                     NULL, 0, &s, 1, why, sizeof why),
	                 1);
	gt_hex(form, s.form.b, GT_ID_BYTES);
	gt_format(sql, sizeof sql,
	          "INSERT INTO record(seq,stream,origin_seq,id,form,flags,"
	          "target,origin_ms,stored_ms,policy,authority,body) VALUES"
	          "(%d,1,%d,x'0000000000004000800000000000%04d',x'%s',%d,"
	          "%s,%d000,%d000,'','',CAST(?1 AS BLOB))",
	          n, n, n, form, voids,
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
	run(db, GT_SCHEMA_VOIDS);
	run(db, GT_SCHEMA_VOIDERS);
	run(db, GT_SCHEMA_TALLY_OBJECTS);
	run(db, GT_SCHEMA_DAMAGED);
	run(db, GT_SCHEMA_ERAS);
	run(db, GT_SCHEMA_STUCK);
	run(db, GT_SCHEMA_ERASED);
	run(db, GT_SCHEMA_CERTIFICATES);
	run(db, GT_SCHEMA_STATUS_LISTS);
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
	add_member(db, "33", "浙江<省>");
	add_member(db, "330106", "西湖<区>");
	run(db,
	    "INSERT INTO child(code,judged_members,judged,vseq,acked,records,"
	    "rooted,seen_ms) VALUES('330106',0,0,0,0,0,0,0),"
	    "('330107',0,0,0,0,0,0,0)");
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

/* --------------------------------------------------------- a client */

struct answer {
	CURLcode curl;
	long status;
	size_t n, head_n;
	char head[4096];
	char body[2 << 20];
};
static struct answer got;
static bool kit_tls; /* ask by HTTPS, whoever it is that answers */

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

/* Where a path is, as http.h has it. */
static enum gt_http_door door_of(const char *path)
{
	if (strncmp(path, "/c/", 3) == 0 || strncmp(path, "/o/", 3) == 0)
		return GT_DOOR_CONTENT;
	return strcmp(path, "/metrics") == 0 ? GT_DOOR_STAFF : GT_DOOR_LEARNER;
}

/* One request; header may be NULL, or two with a newline between. */
static long ask_door(enum gt_http_door door, const char *method,
                     const char *path, const char *header, const char *body)
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
	gt_format(url, sizeof url, "http%s://127.0.0.1:%u%s",
	          kit_tls ? "s" : "", gt_http_port(http, door), path);
	if (door == GT_DOOR_CONTROL)
		curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, GT_DIR_CONTROL);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 300L);
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

/* Over the control socket, or where the path is. */
static inline long ask_at(bool admin, const char *method, const char *path,
                          const char *header, const char *body)
{
	return ask_door(admin ? GT_DOOR_CONTROL : door_of(path), method, path,
	                header, body);
}

static inline long get(const char *path)
{
	return ask_at(false, "GET", path, NULL, NULL);
}

/* A request as it stands, over a connection of its own, which the server is
 * asked to close. The answer's head and body as they came are got.body. Returns
 * the status, 0 when there was no answer. */
static inline long raw(enum gt_http_door door, const char *text, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons(gt_http_port(http, door)),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t more;
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
	got.n = 0;
	while ((more = recv(fd, got.body + got.n, sizeof got.body - 1 - got.n,
	                    0)) > 0)
		got.n += (size_t)more;
	got.body[got.n] = '\0';
	close(fd);
	got.status = 0;
	(void)sscanf(got.body, "HTTP/1.1 %ld", &got.status);
	return got.status;
}

static inline bool says(const char *text)
{
	return strstr(got.body, text) != NULL;
}

static inline bool heads(const char *text)
{
	return strstr(got.head, text) != NULL;
}

/* ----------------------------------------------------------- set-up */

static struct gt_config config = {.code = "3301",
                                  .name = "杭州<x>",
                                  .lang = "zh-CN",
                                  .parent = "33",
                                  .http = "127.0.0.1:0",
                                  .content = "127.0.0.1:0",
                                  .staff = "127.0.0.1:0",
                                  .names = {"*.example.cn", "a.cn"},
                                  .nnames = 2,
                                  .connections = 64,
                                  .per_address = 32,
                                  .head_ms = 10000,
                                  .body_ms = 60000};
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
	assert_true(gt_http_port(http, GT_DOOR_LEARNER) != 0);
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
	pack_add(&pack, "gbk.html", "<meta charset=gb2312>\xbf\xce", 23);
	pack_add(&pack, "gbk.txt", "\xbf\xce\xb3\xcc", 4);
	pack_add(&pack, "index.html", "<p>hello</p>", 12);
	pack_add(&pack, "目录/index.html", "<p>folder</p>", 13);
	pack_add(&pack, "目录/文 件.txt", "abc", 3);
	pack_add(&pack, "空/x.txt", "x", 1);
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

/* ------------------------------------------------------ credentials */

/* Headers, with the name and its secret if there is one. */
__attribute__((unused)) static const char *
as(const char *headers, const char *name, const char *secret)
{
	static char text[600];
	char plain[200];
	unsigned char coded[300];
	if (!name)
		return headers;
	gt_format(plain, sizeof plain, "%s:%s", name, secret);
	(void)EVP_EncodeBlock(coded, (const unsigned char *)plain,
	                      (int)strlen(plain));
	gt_format(text, sizeof text, "%s\nAuthorization: Basic %s", headers,
	          (const char *)coded);
	return text;
}

__attribute__((unused)) static long order(const char *path, const char *body)
{
	return ask_at(true, "POST", path, "Content-Type: application/json",
	              body);
}

/* The secret in the last answer. */
__attribute__((unused)) static const char *
secret_of(char out[GT_CREDENTIAL_SECRET])
{
	json_t *v = json_loads(got.body, 0, NULL);
	gt_copy(out, GT_CREDENTIAL_SECRET, gt_json_member(v, "secret"));
	json_decref(v);
	return out;
}

#endif
