/* u_http_api.c: what programs say: statements, and what the operator asks. */
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
	                        JSON "\nAccept-Language: zh-CN",
	                        "{\"actor\":3}"),
	                 400);
	assert_true(says("\"error\":\"INVALID\""));
	assert_true(says("actor: 须为对象"));
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
	script(-GT_ECONFLICT, "33/a is not known here");
	assert_int_equal(ask_at(false, "PUT", id,
	                        JSON "\nAccept-Language: zh-CN", "{" S1 "}"),
	                 409);
	assert_true(says("此处没有 33/a"));
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
	return ask_at(true, "GET", path, VERSION, NULL);
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
	assert_true(heads("Last-Modified: Thu, 01 Jan 1970 00:00:03 GMT"));
	assert_true(says("/n\":1.50"));
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
	/* a number from elsewhere does not make a walk of it */
	assert_int_equal(list("?more=1-9223372036854775806&limit=3"), 200);
	assert_true(says("000000000250"));
	assert_true(says("more=1-247"));
	assert_int_equal(list("?more=251-9223372036854775806&ascending=true"),
	                 200);
	assert_string_equal(got.body, "{\"statements\":[],\"more\":\"\"}");
	assert_int_equal(list("?more=1-9223372036854775807"), 400);
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

static void spoil(const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(GT_DIR_DATABASE, &db), SQLITE_OK);
	run(db, sql);
	sqlite3_close(db);
}

/* An alert finds that the clock was set, when and by how much. */
static void a_clock_that_was_set(void **state)
{
	(void)state;
	assert_int_equal(get("/metrics"), 200);
	assert_true(says("\nguantong_clock_set_timestamp_seconds 0\n"));
	assert_true(says("\nguantong_clock_set_by_seconds 0\n"));
	spoil("INSERT INTO clock_era VALUES(7,1,0,NULL,2,-3600000,"
	      "1767225600000)");
	assert_int_equal(get("/metrics"), 200);
	assert_true(says("\nguantong_clock_era 7\n"));
	assert_true(says("\nguantong_clock_set_timestamp_seconds "
	                 "1767225600\n"));
	assert_true(says("\nguantong_clock_set_by_seconds -3600\n"));
	spoil("DELETE FROM clock_era WHERE era=7");
}

/* One bad row, taken from below by an earlier program or rotted since, breaks
 * no answer: it says that it is a gap, and is counted. */
static void a_bad_row_is_a_gap(void **state)
{
	(void)state;
	spoil("UPDATE record SET body=x'5b312c325d' WHERE seq=248;"
	      "UPDATE record SET authority='},{' WHERE seq=246");
	assert_int_equal(list("?limit=5"), 200);
	assert_int_equal(counted("\"verb\""), 3);
	assert_true(says("\"gaps\":[{\"seq\":248,\"id\":\"00000000-0000-4000-"
	                 "8000-000000000248\",\"stored\":"
	                 "\"1970-01-01T00:04:08.000Z\",\"why\":"
	                 "\"must be an object\"},{\"seq\":246,"));
	assert_true(says("\"more\":\"/xapi/statements?more=1-245"));
	assert_int_equal(list("?limit=500&ascending=true"), 200);
	assert_int_equal(counted("\"verb\""), 247);
	assert_int_equal(list("?statementId=00000000-0000-4000-8000-"
	                      "000000000248"),
	                 404);
	assert_true(says("DAMAGED"));
	assert_true(says("must be an object"));
	assert_int_equal(
	        ask_at(true, "GET", "/admin/records?after=244", NULL, NULL),
	        200);
	assert_int_equal(counted("\"verb\""), 4);
	assert_true(says("\"gap\":\"must be an object\""));
	assert_true(says("\"gap\":\"authority: not JSON: "));
	assert_int_equal(get("/metrics"), 200);
	assert_true(says("\nguantong_record_gaps_total 7\n"));
	assert_int_equal(list("?limit=2"), 200);
	assert_false(says("gaps"));
	spoil("DELETE FROM record WHERE seq IN(246,248)");
}

static void quarantine(void **state)
{
	(void)state;
	spoil("INSERT INTO quarantine(qid,via,stream,origin_seq,id,form,"
	      "origin_ms,at_ms,reason,body) VALUES(3,'330106',1,4,x'00',x'01',"
	      "5000,6000,'a malformed record',x'5b22000aff5d')");
	assert_int_equal(ask_at(true, "GET", "/admin/quarantine/3", NULL, NULL),
	                 200);
	assert_true(says("\"reason\":\"a malformed record\""));
	assert_true(says("\"stored\":\"1970-01-01T00:00:05.000Z\""));
	assert_true(says("\"bytes\":6"));
	assert_true(says("\"body\":\"[\\\"?\\n?]\""));
	assert_int_equal(ask_at(true, "GET", "/admin/quarantine/4",
	                        "Accept-Language: en", NULL),
	                 404);
	assert_true(says("no row 4 in the quarantine"));
	assert_int_equal(ask_at(true, "GET", "/admin/quarantine/x", NULL, NULL),
	                 400);
	script(0, "{\"dropped\":3}");
	assert_int_equal(ask_at(true, "POST", "/admin/quarantine/drop", NULL,
	                        "{\"qid\":3}"),
	                 200);
	assert_true(says("\"dropped\":3"));
	assert_int_equal(posts(GT_EV_QUARANTINE_DROP), 1);
	assert_int_equal(ask_at(true, "POST", "/admin/quarantine/drop", NULL,
	                        "{\"qid\":\"3\"}"),
	                 400);
	spoil("DELETE FROM quarantine");
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
	        "/admin/layers",
	        "/admin/members",
	        "/admin/audit",
	        "/admin/records?after=3",
	        "/admin/quarantine",
	        "/admin/explain?id=33/ke&for=3301",
	        "/admin/records/report?level=city&counts-by=stored",
	        "/admin/records/report?by=day,verb&within=33&from=2025-11"};
	for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
		assert_int_equal(ask_at(true, "GET", reads[i], NULL, NULL),
		                 200);
	assert_int_equal(ask_at(true, "GET",
	                        "/admin/explain?id=33/ke&for=330107", NULL,
	                        NULL),
	                 404);
	assert_true(says("330106"));
	assert_int_equal(
	        ask_at(true, "GET", "/admin/audit?when=now", NULL, NULL), 400);
	assert_true(says("when"));
	assert_int_equal(ask_at(true, "GET", "/admin/records/report?by=when",
	                        NULL, NULL),
	                 400);
	assert_true(says("by"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(statements_in),
	        cmocka_unit_test(statements_out),
	        cmocka_unit_test(a_clock_that_was_set),
	        cmocka_unit_test(a_bad_row_is_a_gap),
	        cmocka_unit_test(quarantine),
	        cmocka_unit_test(strangers),
	        cmocka_unit_test(administration),
	        cmocka_unit_test(waiting),
	        cmocka_unit_test(stopping),
	};
	return cmocka_run_group_tests_name("http_api", tests, set_up,
	                                   tear_down);
}
