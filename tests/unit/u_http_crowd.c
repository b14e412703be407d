/* u_http_crowd.c: too many, too slow, from elsewhere, guessing: over real
 * sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "http_kit.h"

enum { MANY = 64 /* http_kit's http.connections */ };

static int dial(enum gt_http_door door)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons(gt_http_port(http, door)),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	                 strlen(text));
}

/* Until the other end has hung up. */
static void await_end(int fd)
{
	char some[4096];
	ssize_t n;
	while ((n = recv(fd, some, sizeof some, 0)) > 0)
		;
	assert_true(n == 0 || errno == ECONNRESET);
}

static uint64_t metric(const char *name)
{
	assert_int_equal(get("/metrics"), 200);
	const char *p = strstr(got.body, name);
	assert_non_null(p);
	return strtoull(p + strlen(name), NULL, 10);
}

/* Whoever holds places without saying what he wants makes way for who does. */
static void drippers(void **state)
{
	int fds[2 * MANY];
	(void)state;
	for (unsigned i = 0; i < 2 * MANY; i++) {
		fds[i] = dial(GT_DOOR_LEARNER);
		put(fds[i], "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ");
		if (i % 8 == 0)
			assert_int_equal(get("/api/resources"), 200);
	}
	assert_int_equal(get("/api/resources"), 200);
	await_end(fds[0]);
	assert_true(metric("\nguantong_http_dropped_slow_total{door=\"listen\"}"
	                   " ") > 0);
	assert_int_equal(
	        metric("\nguantong_http_refused_total{door=\"listen\"} "), 0);
	assert_true(metric("\nguantong_http_connections{door=\"listen\"} ") >
	            0);
	for (unsigned i = 0; i < 2 * MANY; i++)
		close(fds[i]);
}

/* All that are there are being answered: who comes is told so, and when to come
 * again. */
static void told(void **state)
{
	int fds[33];
	(void)state;
	pthread_mutex_lock(&lock);
	core.mute = true; /* nobody gets an answer */
	pthread_mutex_unlock(&lock);
	unsigned before = posts(GT_EV_WANT);
	for (unsigned i = 0; i < 32; i++) { /* http.per_address */
		fds[i] = dial(GT_DOOR_CONTENT);
		put(fds[i],
		    "GET /c/33/later/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
	}
	pthread_mutex_lock(&lock);
	while (core.posts[GT_EV_WANT] < before + 32)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
	assert_int_equal(get("/c/33/ke/index.html"), 503);
	assert_true(heads("Retry-After: 2\r\n"));
	assert_true(heads("Connection: close\r\n"));
	assert_true(says("\"error\":\"BUSY\""));
	/* other doors are not full */
	assert_int_equal(get("/api/resources"), 200);
	assert_int_equal(
	        metric("\nguantong_http_refused_total{door=\"content\"} "), 1);
	for (unsigned i = 0; i < 32; i++)
		close(fds[i]);
	script(0, "[]");
	gt_http_stop(http);
	start();
}

/* All of it has come, and while it is being answered the end of whoever sent it:
 * he waits for the answer all the same. The library had looked for more as soon
 * as it was let go on, and hung up. */
static void nothing_more_to_say(void **state)
{
	static const char text[] =
	        "POST /xapi/statements HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	        "X-Experience-API-Version: 2.0.0\r\nContent-Length: 95\r\n"
	        "Content-Type: application/json\r\n\r\n"
	        "{\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":"
	        "\"http://a.b/c\"},\"object\":{\"id\":\"http://a.b/d\"}}\n";
	enum { N = 20 };
	uint64_t tokens[N];
	int fds[N];
	char some[4096];
	(void)state;
	script(0, "[]");
	pthread_mutex_lock(&lock);
	core.mute = true;
	for (unsigned i = 0; i < N; i++) {
		unsigned before = core.posts[GT_EV_STATEMENTS];
		pthread_mutex_unlock(&lock);
		fds[i] = dial(GT_DOOR_LEARNER);
		put(fds[i], text);
		assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
		pthread_mutex_lock(&lock);
		while (core.posts[GT_EV_STATEMENTS] == before)
			pthread_cond_wait(&change, &lock);
		tokens[i] = core.held;
	}
	pthread_mutex_unlock(&lock);
	script(0, "[]");
	for (unsigned i = 0; i < N; i++) {
		struct gt_action a = {
		        .type = GT_ACT_REPLY, .token = tokens[i], .text = "[]"};
		gt_http_reply(http, &a);
	}
	for (unsigned i = 0; i < N; i++) {
		assert_true(recv(fds[i], some, sizeof some, 0) > 12);
		assert_memory_equal(some, "HTTP/1.1 200", 12);
		close(fds[i]);
	}
}

/* A body that is too much is read to its end and then refused: nobody who
 * sends is hung up on before he can hear why. */
static void too_much(void **state)
{
	static char text[9 << 20];
	(void)state;
	size_t n = (size_t)snprintf(
	        text, sizeof text,
	        "POST /xapi/statements HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	        "X-Experience-API-Version: 2.0.0\r\nConnection: close\r\n"
	        "Content-Type: application/json\r\n"
	        "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
	        8500000);
	memset(text + n, ' ', 8500000);
	n += 8500000;
	n += (size_t)snprintf(text + n, sizeof text - n, "\r\n0\r\n\r\n");
	assert_int_equal(raw(GT_DOOR_LEARNER, text, n), 413);
	assert_true(says("\"error\":\"LIMIT\""));
}

/* One that never ends is not read for ever: whoever has sent twice what there may
 * be is hung up on. */
static void without_end(void **state)
{
	static const char head[] = "POST /xapi/statements HTTP/1.1\r\n"
	                           "Host: 127.0.0.1\r\n"
	                           "X-Experience-API-Version: 2.0.0\r\n"
	                           "Content-Type: application/json\r\n"
	                           "Transfer-Encoding: chunked\r\n\r\n";
	static char chunk[7 + 65536 + 2] = "10000\r\n";
	(void)state;
	memset(chunk + 7, ' ', 65536);
	memcpy(chunk + 7 + 65536, "\r\n", 2);
	int fd = dial(GT_DOOR_LEARNER);
	ssize_t n = send(fd, head, sizeof head - 1, MSG_NOSIGNAL);
	unsigned chunks = 0;
	while (n > 0 && chunks < 1000) {
		n = send(fd, chunk, sizeof chunk, MSG_NOSIGNAL);
		chunks++;
	}
	close(fd);
	assert_in_range(chunks, 8 << 4, 999);
}

/* ------------------------------------------------------------ names */

static void names(void **state)
{
	static const struct {
		const char *host;
		long status;
	} rows[] = {
	        {"127.0.0.1:1", 200},
	        {"192.168.9.9", 200},
	        {"[::1]:8080", 200},
	        {"localhost", 200},
	        {"a.localhost:1", 200},
	        {"LOCALHOST.", 200},
	        {"a.cn", 200},
	        {"A.CN:80", 200},
	        {"x.y.example.cn", 200},
	        {"example.cn", 421},
	        {"evil.example", 421},
	        {"notlocalhost", 421},
	        {"a.cn.evil.example", 421},
	        {"xa.cn", 421},
	        {"127.0.0.1.evil.example", 421},
	        {"127.1", 421},
	        {"0x7f000001", 421},
	        {"a b", 421},
	};
	char header[100];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		gt_format(header, sizeof header, "Host: %s", rows[i].host);
		for (unsigned door = 0; door < GT_DOOR_CONTROL; door++) {
			if (door == GT_DOOR_CONTENT)
				continue;
			long status =
			        ask_door(door, "GET", "/healthz", header, NULL);
			if (status != rows[i].status)
				print_error("%s: %ld\n", rows[i].host, status);
			assert_int_equal(status, rows[i].status);
		}
	}
	assert_int_equal(ask_door(GT_DOOR_CONTENT, "GET", "/c/33/ke/index.html",
	                          "Host: evil.example", NULL),
	                 421);
	assert_int_equal(ask_door(GT_DOOR_LEARNER, "POST", "/xapi/statements",
	                          "Host: evil.example\nContent-Type: "
	                          "application/json\nX-Experience-API-Version: "
	                          "2.0.0",
	                          "[]"),
	                 421);
	assert_true(says("http.names"));
	/* what runs the node has no name to be rebound */
	assert_int_equal(ask_door(GT_DOOR_CONTROL, "GET", "/healthz",
	                          "Host: evil.example", NULL),
	                 200);
	config.nnames = 1;
	gt_copy(config.names[0], sizeof config.names[0], "*");
	assert_int_equal(ask_door(GT_DOOR_LEARNER, "GET", "/healthz",
	                          "Host: evil.example", NULL),
	                 200);
}

/* ---------------------------------------------------------- guesses */

static long guess(const char *name, const char *secret)
{
	return ask_at(false, "GET", "/xapi/statements",
	              as("X-Experience-API-Version: 2.0.0", name, secret),
	              NULL);
}

static void guesses(void **state)
{
	char secret[GT_CREDENTIAL_SECRET];
	(void)state;
	assert_int_equal(order("/admin/credentials",
	                       "{\"name\":\"a\",\"role\":\"reader\"}"),
	                 200);
	assert_int_equal(order("/admin/credentials",
	                       "{\"name\":\"b\",\"role\":\"reader\"}"),
	                 200);
	(void)secret_of(secret);
	/* after a few, the next are not looked at for a while; on a machine so
	 * slow that the while is over, it is longer the next time */
	unsigned n = 0;
	while (guess("a", "x") == 401)
		n++;
	assert_int_equal(got.status, 429);
	assert_true(n >= 5);
	assert_true(heads("Retry-After: "));
	/* others behind the address go on */
	assert_int_equal(guess("b", secret), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(drippers),
	        cmocka_unit_test(told),
	        cmocka_unit_test(nothing_more_to_say),
	        cmocka_unit_test(too_much),
	        cmocka_unit_test(without_end),
	        cmocka_unit_test(guesses),
	        cmocka_unit_test(names),
	};
	return cmocka_run_group_tests_name("http crowd", tests, set_up,
	                                   tear_down);
}
