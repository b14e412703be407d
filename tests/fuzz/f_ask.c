/* f_ask.c: whole HTTP requests, over real sockets, to the servers of a node that
 * has resources and 250 records: query strings, cursors, bodies in parts,
 * headers.
 *
 * First byte, low two bits: the door (learners, content, staff, the control
 * socket). What is left is what the client says, as it is; then it listens until
 * it is answered. (The server works in a directory of its own, so paths given to
 * this program are whole ones.) Each client comes from an address of its own,
 * so that no guess of another one's makes it wait.
 *
 * Nothing may end the server; no answer is a 500; and whoever showed no password
 * at a door for strangers was given no record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#pragma GCC diagnostic ignored "-Wunused-function"
#include "http_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { WORDS_MAX = 128 << 10 };
#define SECRET    "of-all-of-them"
#define SECRET_64 "cmVhZGVyOm9mLWFsbC1vZi10aGVt" /* with the name, reader */
#define LEARNER   "a@b.cn"                       /* in every record */

/* What the server does with us: its end of our connection, -1: not yet accepted;
 * and an event when a request is over, its answer sent. Then we may hang up. */
static atomic_int theirs;
static int over;

void __wrap_gt_http_on_connection(void *way, struct MHD_Connection *c,
                                  void **place,
                                  enum MHD_ConnectionNotificationCode what);
void __real_gt_http_on_connection(void *way, struct MHD_Connection *c,
                                  void **place,
                                  enum MHD_ConnectionNotificationCode what);
void __wrap_gt_http_on_done(void *way, struct MHD_Connection *c, void **state,
                            enum MHD_RequestTerminationCode why);
void __real_gt_http_on_done(void *way, struct MHD_Connection *c, void **state,
                            enum MHD_RequestTerminationCode why);

void __wrap_gt_http_on_connection(void *way, struct MHD_Connection *c,
                                  void **place,
                                  enum MHD_ConnectionNotificationCode what)
{
	__real_gt_http_on_connection(way, c, place, what);
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		theirs = MHD_get_connection_info(
		                 c, MHD_CONNECTION_INFO_CONNECTION_FD)
		                 ->connect_fd;
}

void __wrap_gt_http_on_done(void *way, struct MHD_Connection *c, void **state,
                            enum MHD_RequestTerminationCode why)
{
	__real_gt_http_on_done(way, c, state, why);
	(void)eventfd_write(over, 1);
}

static void leave(void)
{
	(void)tear_down(NULL);
}

static void begin(void)
{
	static bool begun;
	if (begun)
		return;
	begun = true;
	over = eventfd(0, EFD_NONBLOCK);
	(void)set_up(NULL);
	core.generation = UINT64_MAX; /* nobody waits for one */
	script(0, "[]");
	long status = order("/admin/credentials",
	                    "{\"name\":\"reader\",\"role\":\"reader\","
	                    "\"password\":\"" SECRET "\"}");
	assert(status == 200);
	int rc = atexit(leave);
	assert(rc == 0 && over >= 0);
}

static int knock(enum gt_http_door door)
{
	static uint32_t clients;
	struct sockaddr_un at = {.sun_family = AF_UNIX,
	                         .sun_path = GT_DIR_CONTROL};
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons(gt_http_port(http, door)),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = to;
	from.sin_port = 0;
	from.sin_addr.s_addr = htonl(0x7f010001 + clients++ % 0xfffffe);
	bool near = door == GT_DOOR_CONTROL;
	int fd = socket(near ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	assert(fd >= 0);
	int status = near ? connect(fd, (struct sockaddr *)&at, sizeof at)
	                  : bind(fd, (struct sockaddr *)&from, sizeof from);
	if (status == 0 && !near)
		status = connect(fd, (struct sockaddr *)&to, sizeof to);
	assert(status == 0);
	return fd;
}

/* The server has taken all we said. */
static bool taken(void)
{
	int left;
	return theirs >= 0 &&
	       (ioctl(theirs, FIONREAD, &left) != 0 || left == 0);
}

/* What comes back, as far as there is room, until the server hangs up or has
 * answered a request; how much. That we say no more the server hears only once it
 * has taken what we said: it overlooks the one with the other. */
static size_t talk(int fd, const uint8_t *data, size_t n, char *out, size_t cap)
{
	struct pollfd at[2] = {{.fd = fd, .events = POLLIN},
	                       {.fd = over, .events = POLLIN}};
	size_t have = 0;
	ssize_t more = send(fd, data, n, MSG_NOSIGNAL);
	while (more >= 0 && have < cap) {
		if (poll(at, 2, 1) == 0 && taken())
			(void)shutdown(fd, SHUT_WR);
		more = recv(fd, out + have, cap - have, MSG_DONTWAIT);
		if (more == 0 || (more < 0 && (at[1].revents & POLLIN)))
			break;
		have += more > 0 ? (size_t)more : 0;
		more = 0;
	}
	close(fd);
	return have;
}

static bool has(const uint8_t *p, size_t n, const char *word)
{
	size_t k = strlen(word);
	for (size_t i = 0; i + k <= n; i++)
		if (memcmp(p + i, word, k) == 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char said[1 << 20];
	if (n < 1 || n > WORDS_MAX)
		return 0;
	begin();
	enum gt_http_door door = data[0] & 3;
	eventfd_t count;
	theirs = -1;
	(void)eventfd_read(over, &count);
	size_t have = talk(knock(door), data + 1, n - 1, said, sizeof said);
	const uint8_t *answer = (const uint8_t *)said;
	assert(have < 7 || has(answer, 7, "HTTP/1."));
	assert(!has(answer, have, "HTTP/1.1 500 "));
	bool known = door == GT_DOOR_CONTROL || has(data, n, SECRET) ||
	             has(data, n, SECRET_64);
	assert(known || has(data, n, LEARNER) || !has(answer, have, LEARNER));
	return 0;
}
