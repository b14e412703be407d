/* u_http_cert.c: listeners that speak HTTPS, each for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "certs.h"
#include "http_kit.h"

static struct ca *ca;

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int begin(void **state)
{
	int status = set_up(state);
	ca = ca_new("a tree");
	struct leaf ours = leaf_for(ca, "spiffe://guantong/33/3301");
	struct leaf own = leaf_for(ca, "https://xuexi.example.cn");
	assert_int_equal(mkdir("pki", 0700), 0);
	write_file(GT_DIR_CERT, ours.cert_pem);
	write_file(GT_DIR_KEY, ours.key_pem);
	write_file("pki/http-cert.pem", own.cert_pem);
	write_file("pki/http-key.pem", own.key_pem);
	gt_copy(config.certificate, sizeof config.certificate,
	        "pki/http-cert.pem");
	gt_copy(config.key, sizeof config.key, "pki/http-key.pem");
	leaf_free(&ours);
	leaf_free(&own);
	return status;
}

static int finish(void **state)
{
	ca_free(ca);
	return tear_down(state);
}

static void speak(const char *listen, const char *content, const char *staff)
{
	gt_http_stop(http);
	gt_copy(config.listen_tls, sizeof config.listen_tls, listen);
	gt_copy(config.content_tls, sizeof config.content_tls, content);
	gt_copy(config.staff_tls, sizeof config.staff_tls, staff);
	start();
}

static void each_for_itself(void **state)
{
	char want[100];
	(void)state;
	speak("node", "off", "own");
	kit_tls = true;
	assert_int_equal(get("/api/resources"), 200);
	assert_int_equal(get("/metrics"), 200);
	kit_tls = false;
	assert_int_equal(get("/c/33/ke/big.bin"), 200);
	assert_int_equal(got.n, 900000);
	/* who speaks plainly is not understood */
	static const char plain[] =
	        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	assert_int_equal(raw(GT_DOOR_LEARNER, plain, sizeof plain - 1), 0);

	speak("off", "node", "off");
	assert_int_equal(ask_door(GT_DOOR_LEARNER, "GET", "/c/33/ke/index.html",
	                          "Host: a.cn", NULL),
	                 302);
	gt_format(want, sizeof want, "Location: https://a.cn:%u/c/",
	          (unsigned)gt_http_port(http, GT_DOOR_CONTENT));
	assert_true(heads(want));
	kit_tls = true;
	assert_int_equal(get("/c/33/ke/big.bin"), 200);
	assert_int_equal(got.n, 900000);
	assert_memory_equal(got.body, pack.members[0].p, got.n);
	assert_int_equal(get("/c/33/later/x"), 503); /* asleep, and woken */
	kit_tls = false;
}

/* What cannot be shown is said at the start, with nothing open. */
static void no_certificate(void **state)
{
	char why[1000] = "";
	struct gt_http_env env = {.config = &config,
	                          .database = GT_DIR_DATABASE};
	struct leaf other = leaf_for(ca, "spiffe://guantong/33/3302");
	struct gt_http *second = NULL;
	(void)state;
	speak("off", "off", "off");
	gt_copy(config.staff_tls, sizeof config.staff_tls, "own");
	write_file("pki/http-key.pem", other.key_pem);
	assert_int_not_equal(gt_http_start(&second, &env, why, sizeof why), 0);
	assert_null(second);
	assert_non_null(strstr(why, "http.staff_tls"));
	assert_non_null(strstr(why, "pki/http-cert.pem"));
	gt_copy(config.certificate, sizeof config.certificate, "pki/none.pem");
	assert_int_not_equal(gt_http_start(&second, &env, why, sizeof why), 0);
	assert_non_null(strstr(why, "pki/none.pem"));
	gt_copy(config.staff_tls, sizeof config.staff_tls, "off");
	leaf_free(&other);
}

/* Where passwords travel in clear is said. */
static void in_clear(void **state)
{
	(void)state;
	assert_int_equal(ask_at(true, "GET", "/admin/status", NULL, NULL), 200);
	assert_true(says("\"clear\":[]"));
	gt_http_stop(http);
	gt_copy(config.http, sizeof config.http, "0.0.0.0:0");
	gt_copy(config.staff, sizeof config.staff, "0.0.0.0:0");
	start();
	assert_int_equal(ask_at(true, "GET", "/admin/status", NULL, NULL), 200);
	assert_true(says("\"clear\":[\"staff\"]"));
	assert_int_equal(ask_at(true, "POST", "/admin/credentials",
	                        "Content-Type: application/json",
	                        "{\"name\":\"lib\",\"role\":\"reader\"}"),
	                 200);
	assert_int_equal(ask_at(true, "GET", "/admin/status", NULL, NULL), 200);
	assert_true(says("\"clear\":[\"listen\",\"staff\"]"));
	assert_int_equal(get("/?lang=en"), 200);
	assert_true(says("Passwords travel in clear"));
	speak("node", "off", "node");
	assert_int_equal(ask_at(true, "GET", "/admin/status", NULL, NULL), 200);
	assert_true(says("\"clear\":[]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_for_itself),
	        cmocka_unit_test(no_certificate),
	        cmocka_unit_test(in_clear),
	};
	return cmocka_run_group_tests_name("http cert", tests, begin, finish);
}
