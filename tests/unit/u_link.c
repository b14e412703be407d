/* u_link.c: real links over loopback, both ends in this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"
#include "fault.h"

#define PARENT_URI "spiffe://guantong/33"
#define CHILD_URI  "spiffe://guantong/33/3301"

enum {
	DAY = 24 * 3600,
	LONG_MS = 600000, /* where no deadline may fall, however busy the
	                     machine: beyond the patience of RIG_WAIT */
};

static struct ca *root, *other;

/* Two ends and what they need. The parent listens, the child dials it. */
struct pair {
	struct rig rig;
	struct end parent, child;
	struct gt_links_config at_parent, at_child;
	struct leaf parent_leaf, child_leaf;
	char address[64];
	const char *addresses[2];
};

static void pair_init(struct pair *p, bool insecure)
{
	memset(p, 0, sizeof *p);
	rig_start(&p->rig);
	end_init(&p->parent, &p->rig);
	end_init(&p->child, &p->rig);
	p->parent_leaf = leaf_for(root, PARENT_URI);
	p->child_leaf = leaf_for(root, CHILD_URI);
	p->at_parent = (struct gt_links_config){
	        .listen = "tcp://127.0.0.1:0",
	        .insecure = insecure,
	        .ca_pem = ca_pem(root),
	        .handshake_ms = LONG_MS,
	};
	p->at_child = (struct gt_links_config){
	        .parents = p->addresses,
	        .nparents = 1,
	        .insecure = insecure,
	        .ca_pem = ca_pem(root),
	        .parent_code = "33",
	        .handshake_ms = LONG_MS,
	        .backoff_min_ms = 10,
	        .backoff_max_ms = 50,
	};
	p->addresses[0] = p->address;
}

static void listen_at(struct pair *p)
{
	p->at_parent.cert_pem = p->parent_leaf.cert_pem;
	p->at_parent.key_pem = p->parent_leaf.key_pem;
	assert_int_equal(end_start(&p->parent, &p->at_parent), 0);
}

static void dial(struct pair *p)
{
	gt_format(p->address, sizeof p->address, "127.0.0.1:%u",
	          gt_links_port(p->parent.links));
	p->at_child.cert_pem = p->child_leaf.cert_pem;
	p->at_child.key_pem = p->child_leaf.key_pem;
	assert_int_equal(end_start(&p->child, &p->at_child), 0);
}

static void connect_pair(struct pair *p)
{
	listen_at(p);
	dial(p);
	RIG_WAIT(&p->rig, p->parent.ups == 1 && p->child.ups == 1);
}

static void pair_fini(struct pair *p)
{
	end_fini(&p->child);
	end_fini(&p->parent);
	assert_int_equal(p->parent.disorder, 0);
	assert_int_equal(p->child.disorder, 0);
	assert_int_equal(p->parent.ups, p->parent.downs);
	assert_int_equal(p->child.ups, p->child.downs);
	leaf_free(&p->parent_leaf);
	leaf_free(&p->child_leaf);
	rig_stop(&p->rig);
}

static void come_up(void **state)
{
	static struct pair p;
	(void)state;
	pair_init(&p, false);
	connect_pair(&p);
	assert_string_equal(p.parent.code, "3301");
	assert_string_equal(p.child.code, "33");
	assert_string_equal(p.child.address, p.address);
	pair_fini(&p);
}

static void come_up_insecure(void **state)
{
	static struct pair p;
	(void)state;
	pair_init(&p, true);
	connect_pair(&p);
	assert_string_equal(p.parent.code, "");
	pair_fini(&p);
}

/* A township's certificate comes from the county's CA, which the root knows. */
static void intermediate(void **state)
{
	static struct pair p;
	(void)state;
	struct ca *middle = ca_under(root, "middle");
	pair_init(&p, false);
	leaf_free(&p.child_leaf);
	p.child_leaf = leaf_for(middle, CHILD_URI);
	connect_pair(&p);
	assert_string_equal(p.parent.code, "3301");
	pair_fini(&p);
	ca_free(middle);
}

/* ---------------------------------------------------------- refused */

struct refusal {
	const char *name;
	bool parent_sees; /* whose log is looked at */
	const char *want;
	/* what is wrong */
	struct ca **child_ca, **child_trusts;
	const char *child_uri;
	const char *parent_code;
	int64_t child_from, child_until, parent_from, parent_until;
};

static void refuse(const struct refusal *r)
{
	static struct pair p;
	pair_init(&p, false);
	leaf_free(&p.child_leaf);
	leaf_free(&p.parent_leaf);
	p.child_leaf = leaf_new(*r->child_ca, r->child_uri, r->child_from,
	                        r->child_until);
	p.parent_leaf =
	        leaf_new(root, PARENT_URI, r->parent_from, r->parent_until);
	p.at_child.ca_pem = ca_pem(*r->child_trusts);
	p.at_child.parent_code = r->parent_code;
	listen_at(&p);
	dial(&p);
	struct end *end = r->parent_sees ? &p.parent : &p.child;
	RIG_WAIT(&p.rig, end_logged(end, r->want));
	assert_int_equal(p.parent.ups, 0);
	assert_int_equal(p.child.ups, 0);
	pair_fini(&p);
}

static void refused(void **state)
{
	const struct refusal rows[] = {
	        {"wrong CA", true, "unknown CA", &other, &root, CHILD_URI, "33",
	         -DAY, DAY, -DAY, DAY},
	        {"wrong CA, told", false,
	         "refused our certificate: it does not know our CA", &other,
	         &root, CHILD_URI, "33", -DAY, DAY, -DAY, DAY},
	        {"parent's CA unknown", false, "unknown CA", &root, &other,
	         CHILD_URI, "33", -DAY, DAY, -DAY, DAY},
	        {"no name", true, "names no node", &root, &root, NULL, "33",
	         -DAY, DAY, -DAY, DAY},
	        {"another parent", false,
	         "the certificate names 33, not the parent 32", &root, &root,
	         CHILD_URI, "32", -DAY, DAY, -DAY, DAY},
	        {"expired", true, "this machine's clock says 2", &root, &root,
	         CHILD_URI, "33", -2 * DAY, -DAY, -DAY, DAY},
	        {"expired, told", false, "it is expired by the peer's clock",
	         &root, &root, CHILD_URI, "33", -2 * DAY, -DAY, -DAY, DAY},
	        {"parent not yet valid", false, "certificate is not yet valid",
	         &root, &root, CHILD_URI, "33", -DAY, DAY, DAY, 2 * DAY},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("  %s\n", rows[i].name);
		refuse(&rows[i]);
	}
}

/* Of two who were refused at one time either may be named as the last. */
static bool refused_last(struct end *parent, const char *code)
{
	struct gt_refused v[2];
	return gt_links_refused(parent->links, v, 2) == 2 &&
	       strcmp(v[0].code, code) == 0;
}

/* The log names who was refused, and the parent knows why: by the certificate
 * shown, whoever made it. */
static void refused_by_name(void **state)
{
	static struct pair p;
	struct gt_refused v[2];
	struct gt_fault f;
	char code[40], shown[60];
	(void)state;
	pair_init(&p, false);
	listen_at(&p);
	gt_links_absent(p.parent.links, "3301", &f);
	assert_string_equal(f.why, "not linked since this node was started");
	assert_int_equal(gt_links_refused(p.parent.links, v, 2), 0);
	for (int i = 1; i <= 3; i++) {
		leaf_free(&p.child_leaf);
		gt_format(code, sizeof code, "spiffe://guantong/33/330%d", i);
		p.child_leaf = leaf_new(other, code, -DAY, DAY);
		dial(&p);
		gt_format(shown, sizeof shown, "[330%d", i);
		RIG_WAIT(&p.rig, end_logged(&p.parent, shown));
		/* one before it may have dialled once more, and be done later */
		if (i == 3)
			RIG_WAIT(&p.rig, refused_last(&p.parent, "3303"));
		end_stop(&p.child);
	}
	assert_int_equal(gt_links_refused(p.parent.links, v, 2), 2);
	assert_int_equal(v[0].fault.kind, GT_FAULT_UNKNOWN_CA);
	gt_links_absent(p.parent.links, "3301", &f);
	assert_int_equal(f.kind, GT_FAULT_UNKNOWN_CA);
	assert_true(f.since_ms != 0 && f.since_ms <= f.at_ms);
	pair_fini(&p);
}

/* One that was linked and went. */
static void absent(void **state)
{
	static struct pair p;
	struct gt_fault f;
	(void)state;
	pair_init(&p, false);
	connect_pair(&p);
	gt_link_drop(p.parent.links, p.parent.peer, "silent for too long");
	RIG_WAIT(&p.rig, p.parent.downs == 1);
	gt_links_absent(p.parent.links, "3301", &f);
	assert_string_equal(f.why, "silent for too long");
	assert_int_equal(f.kind, GT_FAULT_LOST);
	pair_fini(&p);
}

/* ---------------------------------------------------------- traffic */

static void send_one(struct pair *p, uint64_t token, size_t n)
{
	static const uint8_t head[3] = {1, 2, 3};
	struct gt_bytes h = {head, token % 4};
	uint8_t *payload = malloc(n + 1);
	assert_non_null(payload);
	pattern_fill(payload, n, token);
	if (token % 2) {
		assert_true(gt_link_send(p->child.links, p->child.peer, token,
		                         h, gt_bytes_of(payload, n)));
		free(payload);
	} else {
		assert_true(gt_link_send_owned(p->child.links, p->child.peer,
		                               token, h, payload, n));
	}
}

/* Sizes around every edge there is: buffers, records, limits. */
static size_t size_of(uint64_t token)
{
	static const size_t sizes[] = {
	        0,     1,     100,    5,      GT_PAYLOAD_MAX, 16383, 16384,
	        16385, 20,    65536,  65537,  16320,          7,     256 << 10,
	        3,     65520, 131072, 200000, 32768,          0,
	};
	return token % 40 < 20 ? token % 300 : sizes[token % 20];
}

static void exchange(bool insecure)
{
	static struct pair p;
	enum { COUNT = 1000 };
	pair_init(&p, insecure);
	p.parent.echo = true;
	p.parent.ordered = p.child.ordered = true;
	p.at_child.queue_bytes = p.at_parent.queue_bytes = 1 << 30;
	connect_pair(&p);
	for (uint64_t token = 0; token < COUNT; token++)
		send_one(&p, token, size_of(token));
	RIG_WAIT(&p.rig,
	         p.child.messages == COUNT && p.parent.messages == COUNT);
	assert_int_equal(p.parent.malformed + p.child.malformed, 0);
	assert_int_equal(p.parent.damaged + p.child.damaged, 0);
	assert_int_equal(p.parent.bytes, p.child.bytes);
	pair_fini(&p);
}

static void exchange_plain(void **state)
{
	(void)state;
	exchange(true);
}

static void exchange_tls(void **state)
{
	(void)state;
	exchange(false);
}

static void drop(bool insecure)
{
	static struct pair p;
	enum { COUNT = 60 };
	pair_init(&p, insecure);
	p.parent.ordered = true;
	p.at_child.backoff_min_ms = p.at_child.backoff_max_ms = 60000;
	connect_pair(&p);
	for (uint64_t token = 0; token < COUNT; token++)
		send_one(&p, token, token % 3 ? 256 << 10 : 50);
	gt_link_drop(p.child.links, p.child.peer, "that was all");
	assert_false(gt_link_send(p.child.links, p.child.peer, 1,
	                          gt_bytes_of(NULL, 0), gt_bytes_of(NULL, 0)));
	RIG_WAIT(&p.rig, p.parent.downs == 1 && p.child.downs == 1);
	assert_int_equal(p.parent.messages, COUNT);
	assert_int_equal(p.parent.damaged, 0);
	assert_string_equal(p.child.why, "that was all");
	/* once gone, it is no more than unknown */
	gt_link_drop(p.child.links, p.child.peer, "again");
	gt_link_drop(p.child.links, 12345, "nobody");
	pair_fini(&p);
}

/* Nothing is flushed, nobody is waited for: LONG_MS is what a drop may take. */
static void cut(void **state)
{
	static struct pair p;
	(void)state;
	pair_init(&p, false);
	p.at_child.backoff_min_ms = p.at_child.backoff_max_ms = 60000;
	connect_pair(&p);
	gt_link_cut(p.child.links, p.child.peer, "silent");
	assert_false(gt_link_send(p.child.links, p.child.peer, 1,
	                          gt_bytes_of(NULL, 0), gt_bytes_of(NULL, 0)));
	RIG_WAIT(&p.rig, p.child.downs == 1);
	assert_string_equal(p.child.why, "silent");
	gt_link_cut(p.child.links, p.child.peer, "again");
	pair_fini(&p);
}

static void drop_plain(void **state)
{
	(void)state;
	drop(true);
}

static void drop_tls(void **state)
{
	(void)state;
	drop(false);
}

/* Keeps a port for this test: nobody else is given it, who dials it is refused,
 * and an end may listen on it and cease to. */
static int raw_hold(char *address, size_t cap)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(
	        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	gt_format(address, cap, "127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

/* A listening socket of the test's own, which nng knows nothing of. */
static int raw_listen(char *address, size_t cap)
{
	int fd = raw_hold(address, cap);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* A parent that says hello and then takes nothing. */
static void queue_full(void **state)
{
	static struct pair p;
	static uint8_t payload[200000];
	(void)state;
	pair_init(&p, true);
	p.at_child.queue_bytes = 1 << 20;
	int fd = raw_listen(p.address, sizeof p.address);
	assert_int_equal(end_start(&p.child, &p.at_child), 0);
	assert_true(rig_turn(&p.rig, true)); /* the timer that dials */
	int peer = accept(fd, NULL, NULL);
	assert_true(peer >= 0);
	assert_int_equal(write(peer, "\0SP\0\0\x31\0\0", 8), 8);
	RIG_WAIT(&p.rig, p.child.ups == 1);
	int sent = 0;
	while (sent < 1000 &&
	       gt_link_send(p.child.links, p.child.peer, 1,
	                    gt_bytes_of(NULL, 0),
	                    gt_bytes_of(payload, sizeof payload)))
		sent++;
	assert_in_range(sent, 5, 999);
	RIG_WAIT(&p.rig, p.child.downs == 1);
	assert_true(end_why_has(&p.child, "queue is full"));
	close(peer);
	close(fd);
	pair_fini(&p);
}

/* ---------------------------------------------- ends and new starts */

static void reconnect(void **state)
{
	static struct pair p;
	(void)state;
	char held[64];
	pair_init(&p, false);
	int fd = raw_hold(held, sizeof held);
	p.at_parent.listen = held;
	connect_pair(&p);
	end_stop(&p.parent);
	RIG_WAIT(&p.rig, p.child.downs == 1);
	RIG_WAIT(&p.rig, end_logged(&p.child, "Connection refused"));
	assert_int_equal(end_start(&p.parent, &p.at_parent), 0);
	RIG_WAIT(&p.rig, p.child.ups == 2);
	assert_true(p.child.peer > 1);
	close(fd);
	pair_fini(&p);
}

/* The first address answers to nobody, the second does. */
static void second_address(void **state)
{
	static struct pair p;
	char dead[64];
	(void)state;
	pair_init(&p, false);
	listen_at(&p);
	int fd = raw_hold(dead, sizeof dead);
	p.addresses[0] = dead;
	p.addresses[1] = p.address;
	p.at_child.nparents = 2;
	dial(&p);
	RIG_WAIT(&p.rig, p.child.ups == 1);
	assert_string_equal(p.child.address, p.address);
	close(fd);
	pair_fini(&p);
}

static bool raw_waits(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	return poll(&one, 1, 0) == 1;
}

/* What says nothing is dialled anew, and left for what answers. */
static void silent(void **state)
{
	static struct pair p;
	(void)state;
	pair_init(&p, true);
	p.at_child.silent_ms = 50;
	int fd = raw_listen(p.address, sizeof p.address), peers[2];
	assert_int_equal(end_start(&p.child, &p.at_child), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(p.child.downs, 0);
		RIG_WAIT(&p.rig, raw_waits(fd));
		peers[i] = accept(fd, NULL, NULL);
		assert_int_equal(write(peers[i], "\0SP\0\0\x31\0\0", 8), 8);
		RIG_WAIT(&p.rig, p.child.ups == i + 1);
	}
	RIG_WAIT(&p.rig, p.child.downs == 1);
	assert_true(end_why_has(&p.child, "answers anew"));
	close(fd);
	close(peers[0]);
	close(peers[1]);
	pair_fini(&p);
}

static void redial(void **state)
{
	static struct pair p;
	(void)state;
	pair_init(&p, false);
	p.at_child.backoff_min_ms = p.at_child.backoff_max_ms = 3600000;
	int fd = raw_hold(p.address, sizeof p.address);
	p.at_parent.listen = p.address;
	p.at_child.cert_pem = p.child_leaf.cert_pem;
	p.at_child.key_pem = p.child_leaf.key_pem;
	assert_int_equal(end_start(&p.child, &p.at_child), 0);
	RIG_WAIT(&p.rig, end_logged(&p.child, "not reached"));
	listen_at(&p);
	gt_links_redial(p.child.links);
	RIG_WAIT(&p.rig, p.child.ups == 1);
	close(fd);
	pair_fini(&p);
}

/* Stopping amid traffic, from either side: see end_stop and pair_fini. */
static void stop_amid(void **state)
{
	static struct pair p;
	(void)state;
	for (int i = 0; i < 4; i++) {
		pair_init(&p, i & 1);
		p.parent.echo = true;
		connect_pair(&p);
		for (uint64_t token = 0; token < 200; token++)
			send_one(&p, token, size_of(token));
		RIG_WAIT(&p.rig, p.child.messages > 20);
		end_stop(i & 2 ? &p.parent : &p.child);
		RIG_WAIT(&p.rig, p.parent.downs == 1 && p.child.downs >= 1);
		pair_fini(&p);
	}
}

static void stall(void *arg)
{
	sem_t *until = arg;
	while (sem_wait(until) != 0)
		;
}

/* Ends what the socket to this port may read. */
static void end_unheard(void *arg)
{
	const uint16_t *port = arg;
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in a;
		socklen_t n = sizeof a;
		if (getpeername(fd, (struct sockaddr *)&a, &n) != 0 ||
		    ntohs(a.sin_port) != *port)
			continue;
		assert_int_equal(shutdown(fd, SHUT_RD), 0);
	}
}

/* The end comes while a message is being handled, when no receive waits for it;
 * and the socket lives on, since its peer, busy too, does not close. */
static void end_amid_message(void **state)
{
	static struct pair p;
	uint16_t port;
	sem_t until;
	(void)state;
	pair_init(&p, false);
	assert_int_equal(sem_init(&until, 0, 0), 0);
	p.at_child.backoff_min_ms = p.at_child.backoff_max_ms = 60000;
	p.parent.amid = stall;
	p.parent.amid_arg = &until;
	p.child.amid = end_unheard;
	p.child.amid_arg = &port;
	connect_pair(&p);
	port = gt_links_port(p.parent.links);
	for (uint64_t token = 0; token < 4; token++)
		send_one(&p, token, 100000);
	RIG_WAIT(&p.rig, p.parent.messages == 1);
	assert_true(gt_link_send(p.parent.links, p.parent.peer, 0,
	                         gt_bytes_of(NULL, 0), gt_bytes_of(NULL, 0)));
	RIG_WAIT(&p.rig, p.child.downs == 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(sem_post(&until), 0);
	RIG_WAIT(&p.rig, p.parent.downs == 1);
	pair_fini(&p);
	sem_destroy(&until);
}

static int listening_fd(uint16_t port)
{
	for (int fd = 3; fd < 1024; fd++) {
		struct sockaddr_in a;
		socklen_t n = sizeof a, m = sizeof(int);
		int accepts = 0;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &m) ==
		            0 &&
		    accepts &&
		    getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
		    ntohs(a.sin_port) == port)
			return fd;
	}
	return -1;
}

/* The listening socket dies under nng: a new one takes its place, and the link
 * there was lives on. */
static void listener_dies(void **state)
{
	static struct pair p;
	static struct end second;
	(void)state;
	pair_init(&p, false);
	connect_pair(&p);
	int fd = listening_fd(gt_links_port(p.parent.links));
	assert_true(fd >= 0);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	RIG_WAIT(&p.rig, end_logged(&p.parent, "listening again"));
	end_init(&second, &p.rig);
	assert_int_equal(end_start(&second, &p.at_child), 0);
	RIG_WAIT(&p.rig, second.ups == 1 && p.parent.ups == 2);
	assert_int_equal(p.parent.downs, 0);
	end_fini(&second);
	pair_fini(&p);
}

static void bad_config(void **state)
{
	static struct pair p;
	(void)state;
	pair_init(&p, false);
	assert_int_equal(end_start(&p.parent, &p.at_parent), -GT_EINVALID);
	assert_true(end_why_has(&p.parent, "certificate"));
	p.at_parent.insecure = true;
	p.at_parent.listen = "nonsense";
	assert_int_equal(end_start(&p.parent, &p.at_parent), -GT_EINVALID);
	assert_true(end_why_has(&p.parent, "host:port"));
	char taken[64];
	int fd = raw_listen(taken, sizeof taken);
	p.at_parent.listen = taken;
	assert_int_equal(end_start(&p.parent, &p.at_parent), -GT_EUNAVAILABLE);
	assert_true(end_why_has(&p.parent, "in use"));
	close(fd);
	pair_fini(&p);
}

/* ----------------------------------------------------------- nngcat */

/* A stock REQ socket: what it says is no message of ours, and it gets a
 * well-formed answer all the same. */
static void nngcat(void **state)
{
	static struct pair p;
	static const uint8_t want[] = {0, 0, 0, 5, 's', 'o', 'r', 'r', 'y'};
	char command[256];
	uint8_t got[64];
	(void)state;
	pair_init(&p, true);
	p.parent.answer = "sorry";
	listen_at(&p);
	gt_format(command, sizeof command,
	          "nngcat --req --dial=tcp://127.0.0.1:%u --data=hello --raw "
	          "--recv-timeout=300",
	          gt_links_port(p.parent.links));
	FILE *f = popen(command, "r");
	assert_non_null(f);
	size_t n = fread(got, 1, sizeof got, f);
	assert_int_equal(pclose(f), 0);
	assert_true(n >= sizeof want);
	assert_memory_equal(got, want, sizeof want);
	assert_int_equal(p.parent.malformed, 1);
	RIG_WAIT(&p.rig, p.parent.downs == 1);
	pair_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(come_up),
	        cmocka_unit_test(come_up_insecure),
	        cmocka_unit_test(intermediate),
	        cmocka_unit_test(refused),
	        cmocka_unit_test(refused_by_name),
	        cmocka_unit_test(absent),
	        cmocka_unit_test(exchange_plain),
	        cmocka_unit_test(exchange_tls),
	        cmocka_unit_test(drop_plain),
	        cmocka_unit_test(drop_tls),
	        cmocka_unit_test(cut),
	        cmocka_unit_test(queue_full),
	        cmocka_unit_test(reconnect),
	        cmocka_unit_test(second_address),
	        cmocka_unit_test(silent),
	        cmocka_unit_test(redial),
	        cmocka_unit_test(stop_amid),
	        cmocka_unit_test(end_amid_message),
	        cmocka_unit_test(listener_dies),
	        cmocka_unit_test(bad_config),
	        cmocka_unit_test(nngcat),
	};
	signal(SIGPIPE, SIG_IGN);
	root = ca_new("root");
	other = ca_new("other");
	int rv = cmocka_run_group_tests_name("link", tests, NULL, NULL);
	ca_free(root);
	ca_free(other);
	return rv;
}
