/* u_http_stop.c: the HTTP servers are stopped while they are busy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dir.h"
#include "http.h"

enum {
	CONNECTIONS = 8,
	STAY_MS = 200, /* long enough for a stop to have begun */
};

static struct gt_config config = {.code = "3301",
                                  .lang = "en",
                                  .http = "127.0.0.1:0",
                                  .connections = 64,
                                  .per_address = 32,
                                  .head_ms = 10000,
                                  .body_ms = 60000};
static struct gt_http *http;

/* What the reload handler, the one place where a test can hold one of the
 * library's threads, does. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static struct {
	unsigned calls;   /* so far */
	unsigned allowed; /* calls that may return at once */
	bool stopping;
	pthread_t thread; /* of the last call */
} held;

static void nap(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void on_reload(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	unsigned me = ++held.calls;
	held.thread = pthread_self();
	pthread_cond_broadcast(&change);
	while (me > held.allowed && !held.stopping)
		pthread_cond_wait(&change, &lock);
	bool stay = held.stopping;
	pthread_mutex_unlock(&lock);
	if (stay)
		nap(STAY_MS);
}

static void await_calls(unsigned n)
{
	pthread_mutex_lock(&lock);
	while (held.calls < n)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
}

static void allow(unsigned calls)
{
	pthread_mutex_lock(&lock);
	held.allowed = calls;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

static int dial(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	gt_copy(a.sun_path, sizeof a.sun_path, GT_DIR_CONTROL);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

/* As much as is taken without waiting: the server may be asleep. */
static void put(int fd, const char *text)
{
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	assert_true(n > 0);
}

static const char reload[] = "POST /admin/reload HTTP/1.1\r\nHost: a\r\n"
                             "Content-Length: 0\r\n\r\n";

/* Which of the library's threads serves each connection. */
static void learn(const int fds[], pthread_t threads[])
{
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		char answer[1024];
		unsigned before = held.calls;
		allow(before + 1);
		put(fds[i], reload);
		assert_true(recv(fds[i], answer, sizeof answer, 0) > 0);
		threads[i] = held.thread;
		assert_int_equal(held.calls, before + 1);
	}
}

/* Three or more connections of one thread, in `mine`. */
static unsigned of_one_thread(const int fds[], const pthread_t threads[],
                              int mine[])
{
	unsigned most = 0;
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		unsigned n = 0;
		int same[CONNECTIONS];
		for (unsigned j = 0; j < CONNECTIONS; j++)
			if (pthread_equal(threads[i], threads[j]))
				same[n++] = fds[j];
		if (n <= most)
			continue;
		most = n;
		memcpy(mine, same, sizeof same);
	}
	return most;
}

/* A thread of the library has several requests in one round; the first of them
 * is answered before the stop, the others after it. */
static void stopped_in_a_round(const char *request)
{
	char why[200] = "";
	struct gt_http_env env = {.config = &config,
	                          .database = GT_DIR_DATABASE,
	                          .reload = on_reload};
	int fds[CONNECTIONS], mine[CONNECTIONS] = {0};
	pthread_t threads[CONNECTIONS];
	memset(&held, 0, sizeof held);
	assert_int_equal(gt_http_start(&http, &env, why, sizeof why), 0);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		fds[i] = dial();
	learn(fds, threads);
	unsigned n = of_one_thread(fds, threads, mine);
	assert_true(n >= 3);

	/* held, so that what follows is waiting when the thread looks again */
	unsigned calls = held.calls;
	allow(calls);
	put(mine[0], reload);
	await_calls(calls + 1);
	put(mine[1], reload);
	for (unsigned i = 2; i < n; i++)
		put(mine[i], request);
	allow(calls + 1);
	await_calls(calls + 2);

	pthread_mutex_lock(&lock);
	held.stopping = true;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
	gt_http_stop(http);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
}

static void body_too_large(void **state)
{
	(void)state;
	stopped_in_a_round("POST /xapi/statements HTTP/1.1\r\nHost: a\r\n"
	                   "Content-Length: 99999999999999999999999\r\n\r\n");
}

static void no_request_line(void **state)
{
	(void)state;
	stopped_in_a_round("GET / HTTP/9.9\r\n\r\n");
}

static void no_such_page(void **state)
{
	(void)state;
	stopped_in_a_round("GET /nope HTTP/1.1\r\nHost: a\r\n\r\n");
}

/* Whoever goes on dialling while the servers stop does not keep them up. */
static void *newcomers(void *arg)
{
	int *quit = arg;
	while (!__atomic_load_n(quit, __ATOMIC_ACQUIRE)) {
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		gt_copy(a.sun_path, sizeof a.sun_path, GT_DIR_CONTROL);
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fd < 0)
			break;
		if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
			(void)send(fd, "GET / HTTP/9.9\r\n\r\n", 18,
			           MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void newcomers_meanwhile(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		char why[200] = "";
		struct gt_http_env env = {.config = &config,
		                          .database = GT_DIR_DATABASE};
		pthread_t threads[2];
		int quit = 0;
		assert_int_equal(gt_http_start(&http, &env, why, sizeof why),
		                 0);
		for (unsigned t = 0; t < 2; t++)
			pthread_create(&threads[t], NULL, newcomers, &quit);
		nap(5);
		gt_http_stop(http);
		__atomic_store_n(&quit, 1, __ATOMIC_RELEASE);
		for (unsigned t = 0; t < 2; t++)
			pthread_join(threads[t], NULL);
	}
}

static char dir[] = "/tmp/gt-http-stop-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	return chdir(dir);
}

static int tear_down(void **state)
{
	(void)state;
	return chdir("/") != 0 || rmdir(dir) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(body_too_large),
	        cmocka_unit_test(no_request_line),
	        cmocka_unit_test(no_such_page),
	        cmocka_unit_test(newcomers_meanwhile),
	};
	return cmocka_run_group_tests_name("http stop", tests, set_up,
	                                   tear_down);
}
