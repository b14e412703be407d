/* u_address.c: addresses as people write them, and sockets at them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "address.h"
#include "listen.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void addresses(void **state)
{
	(void)state;
	static const char *const yes[] = {"a:1", "10.33.1.6:7700", "[::]:7700",
	                                  "[fe80::1]:65535",
	                                  "sync.zj.example:7700"};
	static const char *const no[] = {
	        "",       "a",        ":7700", "a:",        "a:65536",
	        "a:-1",   "::1:7700", "[::1]", "[]:1",      "[::1]7700",
	        "*:7700", "a b:1",    "a:1x",  "tcp://a:1", "a:000001"};
	for (size_t i = 0; i < COUNT(yes); i++)
		assert_true(gt_address_valid(yes[i], false));
	for (size_t i = 0; i < COUNT(no); i++)
		assert_false(gt_address_valid(no[i], true));
	assert_true(gt_address_valid("127.0.0.1:0", true));
	assert_false(gt_address_valid("127.0.0.1:0", false));
}

static void split(void **state)
{
	(void)state;
	static const struct {
		const char *text, *host, *port;
	} yes[] = {{"a.example:1", "a.example", "1"},
	           {"[::1]:7700", "::1", "7700"},
	           {":80", "", "80"},
	           {"[::]:", "::", ""}};
	char host[10];
	const char *port;
	for (size_t i = 0; i < COUNT(yes); i++) {
		assert_true(gt_address_split(yes[i].text, host, sizeof host,
		                             &port));
		assert_string_equal(host, yes[i].host);
		assert_string_equal(port, yes[i].port);
	}
	assert_false(gt_address_split("a", host, sizeof host, &port));
	assert_false(
	        gt_address_split("aa.example:1", host, sizeof host, &port));
}

/* Who listens in whose way, and who would dial himself. */
static void meeting(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool meets, collides;
	} rows[] = {
	        {"127.0.0.1:1", "127.0.0.1:1", true, true},
	        {"127.0.0.1:1", "127.0.0.1:2", false, false},
	        {"127.0.0.1:0", "127.0.0.1:0", false, false},
	        {"127.0.0.1:1", "0.0.0.0:1", true, true},
	        {"localhost:1", "127.0.0.1:1", true, true},
	        {"127.0.0.2:1", "127.0.0.1:1", false, false},
	        {"10.0.0.1:1", "0.0.0.0:1", false, true},
	        {"0.0.0.0:1", "10.0.0.1:1", false, true},
	        {"[::1]:1", "[::]:1", true, true},
	        {"10.0.0.1:1", "[::]:1", false, true},
	        {"[fe80::1]:1", "0.0.0.0:1", false, false},
	        {"sync.example:1", "127.0.0.1:1", false, false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(gt_address_meets(rows[i].a, rows[i].b),
		                 rows[i].meets);
		assert_int_equal(gt_address_collides(rows[i].a, rows[i].b),
		                 rows[i].collides);
	}
}

/* An address is this machine's, whether or not its port is free. */
static void here(void **state)
{
	(void)state;
	int fd = -1;
	uint16_t port = 0;
	char same[32];
	assert_int_equal(gt_listen_tcp("127.0.0.1:0", 4, &fd, &port), 0);
	gt_format(same, sizeof same, "127.0.0.1:%u", (unsigned)port);
	assert_true(gt_listen_here(same));
	close(fd);
	assert_true(gt_listen_here("0.0.0.0:7700"));
	assert_false(gt_listen_here("203.0.113.7:7700"));
}

static void listening(void **state)
{
	(void)state;
	int fd = -1, other = -1;
	uint16_t port = 0, again = 0;
	char same[32];
	assert_int_equal(gt_listen_tcp("127.0.0.1:0", 4, &fd, &port), 0);
	assert_true(fd >= 0 && port > 0);
	gt_format(same, sizeof same, "127.0.0.1:%u", (unsigned)port);
	assert_int_equal(gt_listen_tcp(same, 4, &other, &again), -GT_EIO);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	assert_int_equal(gt_listen_tcp(same, 4, &fd, &again), 0);
	assert_int_equal(again, port);
	close(fd);
	assert_int_equal(gt_listen_tcp("127.0.0.1", 4, &fd, &port),
	                 -GT_EINVALID);
	assert_int_equal(gt_listen_tcp("127.0.0.1:x y", 4, &fd, &port),
	                 -GT_EINVALID);
}

/* What a daemon that died has left is in nobody's way. */
static void a_socket_of_ones_own(void **state)
{
	(void)state;
	char dir[] = "/tmp/gt-listen-XXXXXX", path[64], longer[200];
	struct stat st;
	int fd = -1;
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/control.sock", dir);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(gt_listen_unix(path, 4, &fd), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		assert_int_equal(st.st_mode & 0777, 0600);
		close(fd);
	}
	assert_int_equal(unlink(path), 0);
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(gt_listen_unix(longer, 4, &fd), -GT_EIO);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(gt_listen_unix(path, 4, &fd), -GT_EIO);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(addresses),
	        cmocka_unit_test(split),
	        cmocka_unit_test(meeting),
	        cmocka_unit_test(here),
	        cmocka_unit_test(listening),
	        cmocka_unit_test(a_socket_of_ones_own),
	};
	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
