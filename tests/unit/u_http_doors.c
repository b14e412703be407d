/* u_http_doors.c: the listeners: what is behind which, where they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_kit.h"
#include "listen.h"

static void behind_which(void **state)
{
	static const struct {
		const char *path;
		long status[GT_DOORS]; /* learner, content, staff, control */
	} rows[] = {
	        {"/", {200, 404, 404, 200}},
	        {"/r/33/ke", {200, 404, 404, 200}},
	        {"/c/33/ke/index.html", {302, 200, 404, 200}},
	        {"/o/x", {302, 404, 404, 404}},
	        {"/api/resources", {200, 404, 200, 200}},
	        {"/xapi/about", {200, 404, 404, 200}},
	        {"/xapi/statements", {401, 404, 404, 400}},
	        {"/healthz", {200, 404, 200, 200}},
	        {"/metrics", {404, 404, 200, 200}},
	        {"/admin/status", {404, 404, 403, 200}},
	        {"/admin/audit", {404, 404, 403, 200}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned door = 0; door < GT_DOORS; door++) {
			long status =
			        ask_door(door, "GET", rows[i].path, NULL, NULL);
			if (status != rows[i].status[door])
				print_error("%s, door %u\n", rows[i].path,
				            door);
			assert_int_equal(status, rows[i].status[door]);
		}
	/* what the content listener says of itself names no other */
	assert_int_equal(
	        ask_door(GT_DOOR_CONTENT, "POST", "/c/33/ke/x", NULL, "x"),
	        405);
}

/* The name the client used, with the port content has. */
static void sent_on(void **state)
{
	char want[200];
	unsigned port = gt_http_port(http, GT_DOOR_CONTENT);
	(void)state;
	ask_door(GT_DOOR_LEARNER, "GET", "/c/33/ke/a%20b/%E8%AF%BE",
	         "Host: Xian.example.cn:80", NULL);
	gt_format(want, sizeof want,
	          "Location: "
	          "http://xian.example.cn:%u/c/33/ke/a%%20b/%%E8%%AF%%BE\r\n",
	          port);
	assert_int_equal(got.status, 302);
	assert_true(heads(want));
	assert_true(heads("Access-Control-Allow-Origin: *\r\n"));
	ask_door(GT_DOOR_LEARNER, "GET", "/o/x", "Host: [::1]:8080", NULL);
	gt_format(want, sizeof want, "Location: http://[::1]:%u/o/x\r\n", port);
	assert_true(heads(want));
	assert_int_equal(ask_door(GT_DOOR_LEARNER, "GET", "/c/33/ke/x",
	                          "Host: a\"b", NULL),
	                 421);
}

/* Where proxies stand before the listeners, browsers are led by what they
 * write for those, and may call the node so. */
static void behind_a_proxy(void **state)
{
	(void)state;
	gt_copy(config.listen_url, sizeof config.listen_url,
	        "https://xuexi.example.cn");
	gt_copy(config.content_url, sizeof config.content_url,
	        "https://wenjian.example.cn:444");
	assert_int_equal(ask_door(GT_DOOR_LEARNER, "GET", "/c/33/ke/x",
	                          "Host: XUEXI.example.cn", NULL),
	                 302);
	assert_true(heads("Location: "
	                  "https://wenjian.example.cn:444/c/33/ke/x\r\n"));
	assert_int_equal(ask_door(GT_DOOR_CONTENT, "GET",
	                          "/c/33/none/x?lang=en",
	                          "Accept: text/html\n"
	                          "Host: wenjian.example.cn:444",
	                          NULL),
	                 404);
	assert_true(says("href=\"https://xuexi.example.cn/?lang=en\""));
	assert_int_equal(ask_door(GT_DOOR_LEARNER, "GET", "/",
	                          "Host: wenjian.example.com", NULL),
	                 421);
	config.listen_url[0] = config.content_url[0] = '\0';
}

/* A page of ours at the content listener leads back to where pages are. */
static void sent_back(void **state)
{
	char want[200];
	unsigned port = gt_http_port(http, GT_DOOR_LEARNER);
	(void)state;
	assert_int_equal(ask_door(GT_DOOR_CONTENT, "GET",
	                          "/c/33/none/x?lang=en",
	                          "Accept: text/html\nHost: a.cn", NULL),
	                 404);
	gt_format(want, sizeof want, "href=\"http://a.cn:%u/?lang=en\"", port);
	assert_true(says(want));
	assert_false(says("href=\"/?lang"));
	assert_int_equal(ask_door(GT_DOOR_LEARNER, "GET", "/nope?lang=en",
	                          "Accept: text/html\nHost: a.cn", NULL),
	                 404);
	assert_true(says("href=\"/?lang=en\""));
}

#define STATEMENT                                                   \
	"{\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":" \
	"\"http://a.b/c\"},\"object\":{\"id\":\"http://a.b/d\"}}"

static long hand_in(const char *origin)
{
	char request[300];
	gt_format(request, sizeof request,
	          "Host: a.cn\nX-Experience-API-Version: 2.0.0\n"
	          "Content-Type: application/json\nOrigin: %s",
	          origin);
	return ask_door(GT_DOOR_LEARNER, "POST", "/xapi/statements", request,
	                STATEMENT);
}

/* A course of this node hands in records though nobody has to name himself; a
 * page from elsewhere has to, and is told so in words that it can read. */
static void courses_hand_in(void **state)
{
	char origin[100];
	unsigned port = gt_http_port(http, GT_DOOR_CONTENT);
	const char *const foreign[] = {"http://evil.cn", "http://a.cn:80",
	                               "null", "https://a.cn:", "http://a.cn"};
	(void)state;
	script(0, "[]");
	gt_format(origin, sizeof origin, "http://a.cn:%u", port);
	assert_int_equal(hand_in(origin), 200);
	assert_true(heads("Access-Control-Allow-Origin: *\r\n"));
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		assert_int_equal(hand_in(foreign[i]), 401);
		assert_true(heads("Access-Control-Allow-Origin: *\r\n"));
	}
	gt_copy(config.content_url, sizeof config.content_url,
	        "https://wenjian.cn:443");
	assert_int_equal(hand_in("https://wenjian.cn"), 200);
	assert_int_equal(hand_in(origin), 401);
	config.content_url[0] = '\0';
}

static void again_with(const char *listen, const char *content,
                       const char *staff)
{
	gt_http_stop(http);
	gt_copy(config.http, sizeof config.http, listen);
	gt_copy(config.content, sizeof config.content, content);
	gt_copy(config.staff, sizeof config.staff, staff);
	start();
}

static void shut(void **state)
{
	(void)state;
	again_with("127.0.0.1:0", "off", "off");
	assert_int_equal(gt_http_port(http, GT_DOOR_CONTENT), 0);
	assert_int_equal(gt_http_port(http, GT_DOOR_STAFF), 0);
	assert_int_equal(
	        ask_door(GT_DOOR_LEARNER, "GET", "/c/33/ke/x", NULL, NULL),
	        404);
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "GET", "/c/33/ke/index.html",
	                          NULL, NULL),
	                 200);
	again_with("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
}

/* Two ports in a row, both taken; the first is let go when the second was to be
 * had. */
static void two_in_a_row(int *second, uint16_t *port)
{
	for (unsigned i = 0; i < 100; i++) {
		char address[40];
		uint16_t next;
		int first;
		assert_int_equal(gt_listen_tcp("127.0.0.1:0", 1, &first, port),
		                 0);
		gt_format(address, sizeof address, "127.0.0.1:%u", *port + 1u);
		int status = gt_listen_tcp(address, 1, second, &next);
		close(first);
		if (status == 0)
			return;
	}
	fail();
}

/* A configuration that names one listener alone starts, whoever has the port
 * the next would be at. */
static void neighbour_taken(void **state)
{
	uint16_t port;
	int second;
	char address[40];
	(void)state;
	two_in_a_row(&second, &port);
	gt_format(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
	again_with(address, "auto", "auto");
	assert_int_equal(gt_http_port(http, GT_DOOR_LEARNER), port);
	assert_int_not_equal(gt_http_port(http, GT_DOOR_CONTENT), 0);
	assert_int_not_equal(gt_http_port(http, GT_DOOR_CONTENT), port + 1u);
	assert_int_equal(get("/c/33/ke/index.html"), 200);
	close(second);
	again_with("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(behind_which),
	        cmocka_unit_test(sent_on),
	        cmocka_unit_test(behind_a_proxy),
	        cmocka_unit_test(courses_hand_in),
	        cmocka_unit_test(sent_back),
	        cmocka_unit_test(shut),
	        cmocka_unit_test(neighbour_taken),
	};
	return cmocka_run_group_tests_name("http doors", tests, set_up,
	                                   tear_down);
}
