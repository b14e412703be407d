/* u_http_wide.c: where long heads came from, and a socket taken out of a
 * descriptor. The servers for them: u_http_wire.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "http_wide.h"

static struct gt_http_wide *w;

static int begin(void **state)
{
	(void)state;
	w = gt_http_wide_new();
	return w ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	gt_http_wide_free(w);
	return 0;
}

static bool is(uint8_t who, int64_t now_ms)
{
	const uint8_t from[GT_HTTP_FROM_BYTES] = {who};
	return gt_http_wide_is(w, from, now_ms);
}

static void note(uint8_t who, int64_t now_ms)
{
	const uint8_t from[GT_HTTP_FROM_BYTES] = {who};
	gt_http_wide_note(w, from, now_ms);
}

static void known_for_a_while(void **state)
{
	(void)state;
	assert_false(is(1, 0));
	note(1, 0);
	assert_true(is(1, 0) && !is(2, 0));
	assert_true(is(1, GT_HTTP_WIDE_MS - 1));
	assert_false(is(1, GT_HTTP_WIDE_MS));
	/* again: from then */
	note(1, 5);
	note(1, 10);
	assert_true(is(1, GT_HTTP_WIDE_MS + 9));
	/* nobody over no network */
	note(0, 10);
	assert_false(is(0, 10));
}

static void the_oldest_goes(void **state)
{
	(void)state;
	for (uint8_t i = 1; i <= GT_HTTP_WIDE_FROM; i++)
		note(i, i);
	note(1, 100);
	note(200, 101);
	assert_true(is(1, 101) && is(200, 101) && is(3, 101));
	assert_false(is(2, 101));
	note(201, 102);
	assert_false(is(3, 102));
}

static void a_socket_moves(void **state)
{
	int pair[2];
	char c = 0;
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(gt_http_wide_take(-1), -1);
	int fd = gt_http_wide_take(pair[0]);
	assert_true(fd >= 0 && fd != pair[0]);
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	assert_int_equal(recv(pair[0], &c, 1, 0), 0); /* the end of nothing */
	assert_int_equal(recv(fd, &c, 1, 0), 1);
	assert_int_equal(c, 'x');
	close(pair[0]);
	assert_int_equal(send(fd, "y", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(pair[1], &c, 1, 0), 1);
	close(fd);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(known_for_a_while, begin, end),
	        cmocka_unit_test_setup_teardown(the_oldest_goes, begin, end),
	        cmocka_unit_test_setup_teardown(a_socket_moves, begin, end),
	};
	return cmocka_run_group_tests_name("http wide", tests, NULL, NULL);
}
