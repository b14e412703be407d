/* u_http_access.c: who may hand in and read records, at the listener. */
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
#define ONE "/xapi/statements?statementId=00000000-0000-4000-8000-000000000"

static long post(const char *name, const char *secret)
{
	return ask_at(false, "POST", "/xapi/statements", as(JSON, name, secret),
	              S1);
}

static long read_all(const char *name, const char *secret)
{
	return ask_at(false, "GET", "/xapi/statements?limit=3",
	              as(VERSION, name, secret), NULL);
}

/* A record of that number was handed in under that authority. */
static void own(unsigned seq, const char *authority)
{
	sqlite3 *db;
	char sql[400];
	gt_format(sql, sizeof sql,
	          "UPDATE record SET authority='%s' WHERE seq=%u", authority,
	          seq);
	assert_int_equal(sqlite3_open(GT_DIR_DATABASE, &db), SQLITE_OK);
	run(db, sql);
	sqlite3_close(db);
}

static void without_one(void **state)
{
	(void)state;
	script(0, "[]");
	assert_int_equal(post(NULL, NULL), 200);
	assert_string_equal(core.actor, "terminal");
	assert_int_equal(core.flags, 0);
	assert_string_equal(core.authority,
	                    "{\"objectType\":\"Agent\",\"account\":{"
	                    "\"homePage\":\"urn:guantong:3301\",\"name\":"
	                    "\"terminal\"}}");
	/* whatever the body says */
	assert_int_equal(
	        ask_at(false, "POST", "/xapi/statements", JSON,
	               "{\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{"
	               "\"id\":\"http://a.b/c\"},\"object\":{\"id\":"
	               "\"http://a.b/d\"},\"authority\":{\"mbox\":"
	               "\"mailto:minister@b.cn\"}}"),
	        200);
	assert_non_null(strstr(core.authority, "\"terminal\""));
	/* nothing is read */
	assert_int_equal(read_all(NULL, NULL), 401);
	assert_true(heads("WWW-Authenticate: Basic"));
	assert_true(says("guantong -C DIR credential add NAME --role reader"));
	assert_int_equal(ask_at(false, "GET", ONE "003", VERSION, NULL), 401);
	assert_int_equal(ask_at(false, "GET",
	                        "/xapi/statements?voidedStatementId=00000000-"
	                        "0000-4000-8000-000000000002",
	                        VERSION, NULL),
	                 401);
	assert_int_equal(ask_at(false, "GET", "/xapi/statements?more=1-9",
	                        VERSION, NULL),
	                 401);
	assert_int_equal(
	        ask_at(false, "OPTIONS", "/xapi/statements", NULL, NULL), 204);
	assert_int_equal(
	        ask_at(false, "DELETE", "/xapi/statements", NULL, NULL), 405);
	assert_true(heads("Allow: GET, HEAD, POST, PUT, OPTIONS"));
	/* a node that gave none away does not look for one */
	assert_int_equal(post("who", "ever"), 200);
	assert_string_equal(core.actor, "terminal");
}

static void a_terminal(void **state)
{
	char secret[GT_CREDENTIAL_SECRET], authority[200];
	(void)state;
	script(0, "[]");
	assert_int_equal(order("/admin/credentials", "{\"name\":\"school\"}"),
	                 200);
	secret_of(secret);
	assert_int_equal(core.posts[GT_EV_NOTE], 1);
	assert_string_equal(core.about, "credential-add");
	assert_int_equal(post("school", secret), 200);
	assert_string_equal(core.actor, "user:school");
	assert_int_equal(core.flags, GT_STATEMENT_NAMED);
	assert_non_null(strstr(core.authority, "\"school\""));
	gt_copy(authority, sizeof authority, core.authority);
	assert_int_equal(post("school", "wrong"), 401);
	assert_true(says("本节点没有与此名称和密钥相符的凭据"));
	assert_int_equal(post("nobody", secret), 401);
	/* who has no name may still */
	assert_int_equal(post(NULL, NULL), 200);
	/* its own, and no more */
	assert_int_equal(read_all("school", secret), 200);
	assert_false(says("\"verb\""));
	assert_int_equal(ask_at(false, "GET", ONE "003",
	                        as(VERSION, "school", secret), NULL),
	                 404);
	own(3, authority);
	assert_int_equal(ask_at(false, "GET", ONE "003",
	                        as(VERSION, "school", secret), NULL),
	                 200);
	assert_int_equal(read_all("school", secret), 200);
	assert_true(says("000000000003"));
	assert_false(says("000000000250"));
	/* away at once */
	assert_int_equal(
	        order("/admin/credentials/remove", "{\"name\":\"school\"}"),
	        200);
	assert_int_equal(read_all("school", secret), 401);
	assert_int_equal(
	        order("/admin/credentials/remove", "{\"name\":\"school\"}"),
	        404);
}

static void a_reader(void **state)
{
	char secret[GT_CREDENTIAL_SECRET];
	(void)state;
	script(0, "[]");
	assert_int_equal(order("/admin/credentials",
	                       "{\"name\":\"report\",\"role\":\"reader\"}"),
	                 200);
	secret_of(secret);
	assert_int_equal(read_all("report", secret), 200);
	assert_true(says("000000000250"));
	assert_int_equal(post("report", secret), 403);
	assert_true(says("statements/write"));
	/* over the network there is no more to be had */
	assert_int_equal(ask_door(GT_DOOR_STAFF, "GET", "/admin/records",
	                          as(VERSION, "report", secret), NULL),
	                 403);
	assert_int_equal(ask_door(GT_DOOR_STAFF, "GET", "/admin/credentials",
	                          as(VERSION, "report", secret), NULL),
	                 403);
	assert_int_equal(ask_at(true, "GET", "/admin/credentials", NULL, NULL),
	                 200);
	assert_true(says("\"report\""));
	assert_false(says(secret));
	assert_int_equal(order("/admin/credentials",
	                       "{\"name\":\"report\",\"role\":\"reader\"}"),
	                 409);
	static const char *const bad[] = {
	        "",
	        "[]",
	        "{}",
	        "{\"name\":\"a:b\"}",
	        "{\"name\":\"a\",\"role\":\"king\"}",
	        "{\"name\":\"terminal\"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(order("/admin/credentials", bad[i]), 400);
	assert_int_equal(order("/admin/credentials",
	                       "{\"name\":\"a\",\"password\":\"short\"}"),
	                 400);
	assert_true(says("8"));
}

static void the_operator(void **state)
{
	(void)state;
	script(0, "[]");
	assert_int_equal(ask_at(true, "POST", "/xapi/statements", JSON, S1),
	                 200);
	assert_int_equal(core.flags,
	                 GT_STATEMENT_NAMED | GT_STATEMENT_OPERATOR);
	assert_non_null(strstr(core.authority, "\"operator:"));
	assert_int_equal(
	        ask_at(true, "GET", "/xapi/statements?limit=3", VERSION, NULL),
	        200);
	assert_true(says("000000000250"));
	script(-GT_EDENIED,
	       "statement 1 voids one that was handed in under another name: "
	       "only that name may, or an operator");
	assert_int_equal(post(NULL, NULL), 403);
	script(0, "[]");
}

static void nobody_any_more(void **state)
{
	(void)state;
	script(0, "[]");
	assert_int_equal(
	        order("/admin/credentials/remove", "{\"name\":\"anonymous\"}"),
	        200);
	assert_int_equal(post(NULL, NULL), 401);
	assert_true(says("guantong -C DIR credential add NAME"));
	assert_int_equal(
	        order("/admin/credentials", "{\"name\":\"anonymous\"}"), 200);
	assert_int_equal(post(NULL, NULL), 200);
	/* a page from elsewhere is nobody until it shows a credential */
	assert_int_equal(ask_at(false, "POST", "/xapi/statements",
	                        JSON "\nOrigin: http://evil.cn", S1),
	                 401);
}

/* A configuration of an earlier release is read once. */
static void upgraded(void **state)
{
	(void)state;
	gt_http_stop(http);
	assert_int_equal(unlink(GT_DIR_CREDENTIALS), 0);
	assert_int_equal(unlink(GT_DIR_ADMITTED), 0);
	config.nusers = 2;
	gt_copy(config.users[0].name, 64, "school");
	gt_copy(config.users[0].password, 128, "pw");
	gt_copy(config.users[1].name, 64, "home");
	gt_copy(config.users[1].password, 128, "other");
	start();
	script(0, "[]");
	assert_int_equal(post(NULL, NULL), 401);
	assert_true(heads("WWW-Authenticate: Basic"));
	assert_int_equal(post("school", "other"), 401);
	assert_int_equal(post("school", "pw"), 200);
	assert_string_equal(core.actor, "user:school");
	assert_int_equal(get("/"), 200);
	gt_http_stop(http);
	gt_copy(config.users[0].password, 128, "changed");
	start();
	script(0, "[]");
	assert_int_equal(post("school", "changed"), 401);
	assert_int_equal(post("school", "pw"), 200);
	config.nusers = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(without_one),
	        cmocka_unit_test(a_terminal),
	        cmocka_unit_test(a_reader),
	        cmocka_unit_test(the_operator),
	        cmocka_unit_test(nobody_any_more),
	        cmocka_unit_test(upgraded),
	};
	return cmocka_run_group_tests_name("http_access", tests, set_up,
	                                   tear_down);
}
