/* u_http_open.c: who has a place, and who has to give it up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "http_open.h"
#include "listen.h"

enum { MAX = 200 };

/* The most of it that the system tells. An emulator, a sandbox or an old kernel
 * tells less than this one. */
static socklen_t told = UINT32_MAX;
int __real_getsockopt(int fd, int level, int name, void *out, socklen_t *n);
int __wrap_getsockopt(int fd, int level, int name, void *out, socklen_t *n);
int __wrap_getsockopt(int fd, int level, int name, void *out, socklen_t *n)
{
	if (*n > told)
		*n = told;
	return __real_getsockopt(fd, level, name, out, n);
}

static struct gt_http_open *t;
static struct guest {
	struct gt_http_place *place;
	int near, far; /* ours, and his */
} guests[MAX];
static unsigned nguests;
static int64_t now;

static void open_with(unsigned connections, unsigned per_address)
{
	struct gt_http_limits limits[GT_HTTP_OPEN_DOORS];
	for (unsigned i = 0; i < GT_HTTP_OPEN_DOORS; i++)
		limits[i] = (struct gt_http_limits){
		        connections, per_address, 10000, 60000, 30000, false};
	t = gt_http_open_new(limits);
	assert_non_null(t);
	nguests = 0;
	now = 1000000;
}

/* From 10.0.0.from. */
static struct guest *come(unsigned from)
{
	struct guest *g = &guests[nguests++];
	struct sockaddr_in a = {.sin_family = AF_INET,
	                        .sin_addr.s_addr = htonl(0x0a000000 + from)};
	int pair[2];
	assert_true(nguests <= MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	g->near = pair[0];
	g->far = pair[1];
	g->place = gt_http_open_come(t, 1, g->near, (struct sockaddr *)&a, now);
	return g;
}

/* Whether he was hung up on. */
static bool ended(const struct guest *g)
{
	char c;
	return recv(g->far, &c, 1, MSG_DONTWAIT) == 0;
}

static void phase(struct guest *g, enum gt_http_phase p)
{
	gt_http_open_phase(t, g->place, p, now);
}

static struct gt_http_counts counts(void)
{
	struct gt_http_counts c;
	char last[GT_HTTP_FROM_TEXT];
	gt_http_open_counts(t, 1, &c, last);
	return c;
}

static const char *last_from(void)
{
	static char last[GT_HTTP_FROM_TEXT];
	struct gt_http_counts c;
	gt_http_open_counts(t, 1, &c, last);
	return last;
}

static void close_all(void)
{
	for (unsigned i = 0; i < nguests; i++) {
		gt_http_open_gone(t, guests[i].place);
		close(guests[i].near);
		close(guests[i].far);
	}
	assert_false(gt_http_open_sweep(t, now));
	assert_int_equal(counts().open, 0);
	gt_http_open_free(t);
}

/* Idle ones first, the longest idle of them; then the slow; then who has yet to
 * say what he wants; never who is being answered. */
static void who_goes_first(void **state)
{
	(void)state;
	open_with(5, 0);
	struct guest *head = come(1), *slow = come(2), *idle = come(3),
	             *idler = come(4), *work = come(5);
	phase(idler, GT_PHASE_IDLE);
	phase(slow, GT_PHASE_BODY);
	phase(work, GT_PHASE_WORK);
	now += 10;
	phase(idle, GT_PHASE_IDLE);
	now += GT_HTTP_SLOW_AFTER_MS + 1;
	struct guest *order[] = {idler, idle, slow, head};
	for (unsigned i = 0; i < 4; i++) {
		struct guest *g = come(10 + i);
		assert_non_null(g->place);
		assert_false(gt_http_place_spare(g->place));
		phase(g, GT_PHASE_WORK);
		for (unsigned k = 0; k < 4; k++)
			assert_int_equal(ended(order[k]), k <= i);
	}
	assert_int_equal(counts().dropped_idle, 2);
	assert_int_equal(counts().dropped_slow, 2);
	assert_int_equal(counts().open, 5);
	assert_string_equal(last_from(), "10.0.0.1");
	/* all are being answered: he is told */
	struct guest *late = come(20);
	assert_non_null(late->place);
	assert_true(gt_http_place_spare(late->place));
	assert_false(ended(work));
	assert_int_equal(counts().refused, 1);
	assert_int_equal(counts().open, 5);
	assert_string_equal(last_from(), "10.0.0.20");
	close_all();
}

/* Whether the system tells what a connection has moved. */
static bool tells(int fd)
{
	char info[4096];
	socklen_t n = sizeof info;
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &n), 0);
	return n > sizeof(int);
}

/* A body that has just begun, or moves, is not slow; nor is one of which the
 * system does not tell whether it moves. */
static void a_body(void)
{
	char c = 'x';
	uint16_t port;
	int listener, far, near;
	char address[40];
	open_with(1, 0);
	assert_int_equal(gt_listen_tcp("127.0.0.1:0", 1, &listener, &port), 0);
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons(port),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	far = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(far, (struct sockaddr *)&to, sizeof to), 0);
	near = accept(listener, NULL, NULL);
	struct gt_http_place *p =
	        gt_http_open_come(t, 1, near, (struct sockaddr *)&to, now);
	gt_http_open_phase(t, p, GT_PHASE_BODY, now);
	assert_true(gt_http_place_spare(come(1)->place)); /* just begun */
	static char some[40000];
	assert_int_equal(send(far, some, sizeof some, 0), sizeof some);
	for (size_t n = 0; n < sizeof some;)
		n += (size_t)recv(near, address, sizeof address, 0);
	now += GT_HTTP_SLOW_AFTER_MS + 1;
	assert_true(gt_http_place_spare(come(1)->place)); /* 8 kB/s */
	now += 10000;
	bool told_slow = tells(near); /* under 3 */
	assert_int_equal(gt_http_place_spare(come(1)->place), !told_slow);
	if (told_slow)
		assert_int_equal(recv(far, &c, 1, 0), 0);
	gt_http_open_gone(t, p);
	close(near);
	close(far);
	close(listener);
	close_all();
}

static void who_stays(void **state)
{
	(void)state;
	a_body();
}

static void who_stays_untold(void **state)
{
	(void)state;
	told = sizeof(int);
	a_body();
	told = UINT32_MAX;
}

/* Who has too many makes room among his own. */
static void one_address(void **state)
{
	(void)state;
	open_with(10, 3);
	struct guest *other = come(1);
	phase(other, GT_PHASE_IDLE);
	now++;
	struct guest *mine = come(2);
	now++;
	come(2);
	come(2);
	assert_false(ended(mine));
	assert_non_null(come(2)->place);
	assert_true(ended(mine));
	assert_false(ended(other));
	assert_int_equal(counts().open, 4);
	/* all of his are being answered: he is told, others are not hurt */
	for (unsigned i = 2; i < nguests; i++)
		phase(&guests[i], GT_PHASE_WORK);
	assert_true(gt_http_place_spare(come(2)->place));
	assert_false(gt_http_place_spare(come(1)->place));
	close_all();
}

/* Drippers hold nothing: a head and a body have an end, whatever comes. */
static void ends(void **state)
{
	(void)state;
	open_with(10, 0);
	struct guest *head = come(1), *body = come(2), *idle = come(3),
	             *work = come(4), *send = come(5);
	phase(body, GT_PHASE_BODY);
	phase(idle, GT_PHASE_IDLE);
	phase(work, GT_PHASE_WORK);
	phase(send, GT_PHASE_SEND);
	now += 10000;
	assert_true(gt_http_open_sweep(t, now));
	assert_false(ended(head));
	now++;
	gt_http_open_sweep(t, now);
	assert_true(ended(head));
	assert_false(ended(idle));
	now += 20000;
	gt_http_open_sweep(t, now);
	assert_true(ended(idle));
	assert_false(ended(body));
	now += 30000;
	gt_http_open_sweep(t, now);
	assert_true(ended(body));
	now += 1000000;
	gt_http_open_sweep(t, now);
	assert_false(ended(work));
	assert_false(ended(send));
	assert_int_equal(counts().late_head, 1);
	assert_int_equal(counts().late_body, 1);
	assert_int_equal(counts().open, 2);
	close_all();
}

/* Those who are told have few places, and little time. */
static void spare_places(void **state)
{
	(void)state;
	open_with(1, 0);
	phase(come(1), GT_PHASE_WORK);
	for (unsigned i = 0; i < GT_HTTP_SPARE; i++)
		assert_true(gt_http_place_spare(come(2)->place));
	struct guest *g = come(3);
	assert_null(g->place);
	assert_true(ended(g));
	assert_int_equal(counts().refused, GT_HTTP_SPARE);
	assert_int_equal(counts().shut, 1);
	now += 5001;
	gt_http_open_sweep(t, now);
	assert_true(ended(&guests[1]));
	assert_non_null(come(3)->place);
	close_all();
}

static void addresses(void **state)
{
	static const struct {
		const char *address, *text;
	} rows[] = {
	        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
	        {"::ffff:192.168.1.7", "192.168.1.7"},
	        {"fe80::1", "fe80::/64"},
	};
	(void)state;
	open_with(10, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sockaddr_in6 a = {.sin6_family = AF_INET6};
		char text[GT_HTTP_FROM_TEXT];
		uint8_t from[GT_HTTP_FROM_BYTES];
		inet_pton(AF_INET6, rows[i].address, &a.sin6_addr);
		struct guest *g = &guests[nguests++];
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		g->near = pair[0];
		g->far = pair[1];
		g->place = gt_http_open_come(t, 1, g->near,
		                             (struct sockaddr *)&a, now);
		gt_http_place_from(g->place, from);
		gt_http_from_text(text, from);
		assert_string_equal(text, rows[i].text);
	}
	close_all();
}

/* What comes after the end has begun does not stay. */
static void at_the_end(void **state)
{
	(void)state;
	open_with(10, 0);
	gt_http_open_cut(t);
	struct guest *g = come(1);
	assert_null(g->place);
	assert_true(ended(g));
	close_all();
}

/* He has closed his end: what would have to come from him will not. What is his
 * to have is sent all the same. */
static void who_has_left(void **state)
{
	static const struct {
		enum gt_http_phase phase;
		bool goes;
	} rows[] = {{GT_PHASE_HEAD, true},
	            {GT_PHASE_BODY, true},
	            {GT_PHASE_IDLE, true},
	            {GT_PHASE_WORK, false},
	            {GT_PHASE_SEND, false}};
	enum { N = sizeof rows / sizeof *rows };
	struct guest *g[N], *stays, *unread;
	(void)state;
	open_with(2 * N, 0);
	stays = come(1);
	unread = come(1);
	for (unsigned i = 0; i < N; i++) {
		g[i] = come(2);
		phase(g[i], rows[i].phase);
		assert_int_equal(shutdown(g[i]->far, SHUT_WR), 0);
	}
	/* his last words are still to be read */
	assert_int_equal(send(unread->far, "x", 1, 0), 1);
	assert_int_equal(shutdown(unread->far, SHUT_WR), 0);
	assert_true(gt_http_open_sweep(t, now));
	assert_int_equal(counts().open, N + 2);
	/* what he sent last was read, and is being looked at only now */
	phase(g[0], GT_PHASE_HEAD);
	assert_true(gt_http_open_sweep(t, now));
	assert_false(ended(g[0]));
	assert_true(gt_http_open_sweep(t, now));
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(ended(g[i]), rows[i].goes);
	assert_false(ended(stays) || ended(unread));
	assert_int_equal(counts().open, 4);
	assert_int_equal(counts().late_head + counts().late_body, 0);
	/* the two who were asking: who has been answered has all */
	assert_int_equal(counts().left, 2);
	close_all();
}

/* Of one address, at every door, and not what is in the middle of something. */
static void idle_ones(void **state)
{
	uint8_t from[GT_HTTP_FROM_BYTES];
	(void)state;
	open_with(10, 0);
	struct guest *idle = come(1), *busy = come(1), *other = come(2);
	phase(idle, GT_PHASE_IDLE);
	phase(busy, GT_PHASE_WORK);
	phase(other, GT_PHASE_IDLE);
	gt_http_place_from(idle->place, from);
	gt_http_open_end_idle(t, from);
	assert_true(ended(idle));
	assert_false(ended(busy) || ended(other));
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(who_goes_first),
	        cmocka_unit_test(who_stays),
	        cmocka_unit_test(who_stays_untold),
	        cmocka_unit_test(one_address),
	        cmocka_unit_test(ends),
	        cmocka_unit_test(who_has_left),
	        cmocka_unit_test(spare_places),
	        cmocka_unit_test(idle_ones),
	        cmocka_unit_test(addresses),
	        cmocka_unit_test(at_the_end),
	};
	return cmocka_run_group_tests_name("http open", tests, NULL, NULL);
}
