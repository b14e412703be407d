/* u_hostile.c: clients that mean harm. Throughout, a good child exchanges
 * messages with the same listener; afterwards, a new one is let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"

enum {
	SHORT_MS = 400,   /* handshake deadline where a test waits for it */
	LONG_MS = 600000, /* where none may fall, however busy the machine */
	WINDOW = 8,
};

static struct ca *root;

struct siege {
	struct rig rig;
	struct end parent, good;
	struct leaf parent_leaf, good_leaf;
	struct gt_links_config at_parent, at_good;
	char address[64];
	const char *addresses[1];
	uint64_t token;
	unsigned lost; /* links of the good child, before it all began */
	uint16_t port;
};
static struct siege w;

/* Keeps the good child's requests going: WINDOW of them at any time. */
static void serve(void)
{
	uint8_t payload[1000];
	assert_int_equal(w.good.downs, w.lost);
	while (w.token < w.good.messages + WINDOW) {
		pattern_fill(payload, sizeof payload, w.token);
		assert_true(gt_link_send(w.good.links, w.good.peer, w.token,
		                         gt_bytes_of(NULL, 0),
		                         gt_bytes_of(payload, sizeof payload)));
		w.token++;
	}
}

/* The good child got n more answers. */
static void served(unsigned n)
{
	unsigned until = w.good.messages + n;
	while (w.good.messages < until) {
		unsigned now = w.good.messages; /* before more can come */
		serve();
		RIG_WAIT(&w.rig, w.good.messages > now);
	}
}

static void begin(bool insecure, uint32_t handshake_ms, uint32_t links,
                  uint32_t same, uint32_t pending)
{
	memset(&w, 0, sizeof w);
	rig_start(&w.rig);
	end_init(&w.parent, &w.rig);
	end_init(&w.good, &w.rig);
	w.parent.echo = true;
	w.good.ordered = true;
	w.parent_leaf = leaf_for(root, "spiffe://guantong/33");
	w.good_leaf = leaf_for(root, "spiffe://guantong/33/3301");
	w.at_parent = (struct gt_links_config){
	        .listen = "127.0.0.1:0",
	        .insecure = insecure,
	        .ca_pem = ca_pem(root),
	        .cert_pem = w.parent_leaf.cert_pem,
	        .key_pem = w.parent_leaf.key_pem,
	        .handshake_ms = handshake_ms,
	        .max_links = links,
	        .max_per_address = same,
	        .max_pending = pending,
	};
	w.at_good = (struct gt_links_config){
	        .parents = w.addresses,
	        .nparents = 1,
	        .insecure = insecure,
	        .ca_pem = ca_pem(root),
	        .cert_pem = w.good_leaf.cert_pem,
	        .key_pem = w.good_leaf.key_pem,
	        .parent_code = "33",
	        .handshake_ms = LONG_MS,
	        .backoff_min_ms = 10,
	        .backoff_max_ms = 50,
	};
	assert_int_equal(end_start(&w.parent, &w.at_parent), 0);
	w.port = gt_links_port(w.parent.links);
	gt_format(w.address, sizeof w.address, "127.0.0.1:%u", w.port);
	w.addresses[0] = w.address;
	assert_int_equal(end_start(&w.good, &w.at_good), 0);
	/* on a slow machine not the first that comes up within SHORT_MS; one
	 * that is up at both ends has no deadline any more */
	RIG_WAIT(&w.rig,
	         w.parent.ups > w.parent.downs && w.good.ups > w.good.downs);
	w.lost = w.good.downs;
	served(20);
}

static void finish(void)
{
	static struct end late;
	served(20);
	end_init(&late, &w.rig);
	assert_int_equal(end_start(&late, &w.at_good), 0);
	RIG_WAIT(&w.rig, late.ups > 0);
	end_fini(&late);
	assert_int_equal(w.good.downs, w.lost);
	assert_int_equal(w.good.damaged + w.parent.damaged, 0);
	end_fini(&w.good);
	end_fini(&w.parent);
	assert_int_equal(w.good.disorder + w.parent.disorder, 0);
	assert_int_equal(w.parent.ups, w.parent.downs);
	leaf_free(&w.parent_leaf);
	leaf_free(&w.good_leaf);
	rig_stop(&w.rig);
}

/* -------------------------------------------------------- attackers */

static int knock(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	                        .sin_port = htons(w.port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void say(int fd, const void *p, size_t n)
{
	/* the other end may have hung up already */
	ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
	(void)sent;
}

static void slam(int fd)
{
	struct linger hard = {.l_onoff = 1};
	int rv = setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	assert_int_equal(rv, 0);
	close(fd);
}

static bool hung_up(int fd)
{
	uint8_t bytes[4096];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (poll(&p, 1, 0) == 1) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		if (n <= 0)
			return true;
	}
	return false;
}

/* Goes on serving until the listener has closed fd. */
static void until_hung_up(int fd)
{
	while (!hung_up(fd))
		served(5);
	close(fd);
}

static const uint8_t hello[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};

/* The start of a ClientHello, as OpenSSL writes it. */
static size_t client_hello(uint8_t *out, size_t cap)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *to = BIO_new(BIO_s_mem());
	SSL_set_bio(ssl, in, to);
	SSL_set_connect_state(ssl);
	assert_int_equal(SSL_do_handshake(ssl), -1);
	int n = BIO_read(to, out, (int)cap);
	assert_true(n > 100);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return (size_t)n;
}

static void half_open(void **state)
{
	int fds[20];
	(void)state;
	begin(false, SHORT_MS, 0, 0, 0);
	for (int i = 0; i < 20; i++)
		fds[i] = knock();
	for (int i = 0; i < 20; i++)
		until_hung_up(fds[i]);
	RIG_WAIT(&w.rig, end_logged(&w.parent, "handshake took too long"));
	finish();
}

static void half_open_plain(void **state)
{
	(void)state;
	begin(true, SHORT_MS, 0, 0, 0);
	int silent = knock(), part = knock();
	say(part, hello, 7);
	until_hung_up(silent);
	until_hung_up(part);
	finish();
}

struct insult {
	const char *name, *want; /* in the log, or why a link went down */
	size_t n;
	uint8_t bytes[24];
	bool greeted; /* SP header first */
};

static void garbage_plain(void **state)
{
	static const struct insult rows[] = {
	        {"http", "bad SP header", 16, "GET / HTTP/1.1\r\n", false},
	        {"zeroes", "bad SP header", 8, {0}, false},
	        {"reply end",
	         "bad SP header",
	         8,
	         {0, 'S', 'P', 0, 0, 0x31, 0, 0},
	         false},
	        {"oversized",
	         "longer than allowed",
	         8,
	         {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	         true},
	        {"one too long",
	         "longer than allowed",
	         8,
	         {0, 0, 0, 0, 0, 0x24, 4, 9},
	         true},
	        {"empty", "too short", 8, {0}, true},
	        {"three bytes", "too short", 8, {0, 0, 0, 0, 0, 0, 0, 3}, true},
	        {"device",
	         "request id",
	         16,
	         {0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0x80, 0, 0, 1},
	         true},
	};
	(void)state;
	_Static_assert(GT_MESSAGE_MAX == 0x240408, "the row one too long");
	begin(true, LONG_MS, 0, 0, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		print_message("  %s\n", rows[i].name);
		int fd = knock();
		if (rows[i].greeted)
			say(fd, hello, sizeof hello);
		say(fd, rows[i].bytes, rows[i].n);
		until_hung_up(fd);
		RIG_WAIT(&w.rig, w.parent.downs + w.parent.logs == i + 1);
		assert_true(rows[i].greeted
		                    ? end_why_has(&w.parent, rows[i].want)
		                    : end_logged(&w.parent, rows[i].want));
	}
	finish();
}

static void garbage_tls(void **state)
{
	uint8_t bytes[4096];
	(void)state;
	begin(false, LONG_MS, 0, 0, 0);
	int fd = knock();
	say(fd, "GET / HTTP/1.1\r\n\r\n", 18);
	until_hung_up(fd);
	RIG_WAIT(&w.rig, end_logged(&w.parent, "does not speak TLS"));
	fd = knock();
	say(fd, hello, sizeof hello); /* SP without TLS */
	until_hung_up(fd);
	finish();
	begin(false, SHORT_MS, 0, 0, 0);
	for (unsigned seed = 0; seed < 20; seed++) {
		size_t n = client_hello(bytes, sizeof bytes);
		for (unsigned i = 0; i < 10; i++)
			bytes[(seed * 31 + i * 97) % n] ^= 0x55;
		fd = knock();
		say(fd, bytes, n);
		until_hung_up(fd);
	}
	finish();
}

/* A TLS client of our own making; NULL cert: it has none. False: it never got
 * through. *ssl is the caller's. */
static bool tls_client(int fd, int version, const struct leaf *leaf, SSL **out)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(ctx, version);
	if (leaf) {
		BIO *c = BIO_new_mem_buf(leaf->cert_pem, -1);
		BIO *k = BIO_new_mem_buf(leaf->key_pem, -1);
		X509 *cert = PEM_read_bio_X509(c, NULL, NULL, NULL);
		EVP_PKEY *key = PEM_read_bio_PrivateKey(k, NULL, NULL, NULL);
		assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
		X509_free(cert);
		EVP_PKEY_free(key);
		BIO_free(c);
		BIO_free(k);
	}
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, fd);
	uint8_t got[8];
	bool ok = SSL_connect(ssl) == 1 && SSL_read(ssl, got, 8) == 8;
	*out = ssl;
	return ok;
}

static void strangers(void **state)
{
	SSL *ssl;
	(void)state;
	begin(false, LONG_MS, 0, 0, 0);
	int fd = knock();
	assert_false(tls_client(fd, TLS1_3_VERSION, NULL, &ssl));
	RIG_WAIT(&w.rig, end_logged(&w.parent, "showed no certificate"));
	SSL_free(ssl);
	close(fd);
	fd = knock();
	assert_false(tls_client(fd, TLS1_2_VERSION, &w.good_leaf, &ssl));
	RIG_WAIT(&w.rig, end_logged(&w.parent, "does not speak TLS 1.3"));
	SSL_free(ssl);
	close(fd);
	served(5);
	finish();
}

/* With a certificate in order, but no manners. */
static void inside_job(void **state)
{
	static const uint8_t huge[8] = {0, 0, 1};
	SSL *ssl;
	(void)state;
	begin(false, LONG_MS, 0, 0, 0);
	int fd = knock();
	assert_true(tls_client(fd, TLS1_3_VERSION, &w.good_leaf, &ssl));
	assert_int_equal(SSL_write(ssl, "garbage!", 8), 8);
	until_hung_up(fd);
	SSL_free(ssl);
	RIG_WAIT(&w.rig, end_logged(&w.parent, "bad SP header"));
	fd = knock();
	assert_true(tls_client(fd, TLS1_3_VERSION, &w.good_leaf, &ssl));
	assert_int_equal(SSL_write(ssl, hello, 8), 8);
	assert_int_equal(SSL_write(ssl, huge, 8), 8);
	until_hung_up(fd);
	SSL_free(ssl);
	RIG_WAIT(&w.rig, end_why_has(&w.parent, "longer than allowed"));
	finish();
	/* through the handshake, then silence */
	begin(false, SHORT_MS, 0, 0, 0);
	fd = knock();
	(void)tls_client(fd, TLS1_3_VERSION, &w.good_leaf, &ssl);
	until_hung_up(fd);
	SSL_free(ssl);
	RIG_WAIT(&w.rig, end_logged(&w.parent, "handshake took too long"));
	finish();
}

static void bursts(bool insecure, int count)
{
	uint8_t bytes[4096];
	size_t n = client_hello(bytes, sizeof bytes);
	begin(insecure, LONG_MS, 0, 0, 0);
	for (int i = 0; i < count; i++) {
		int fd = knock();
		if (!insecure)
			say(fd, bytes, n);
		if (i & 1)
			shutdown(fd, SHUT_WR);
		slam(fd);
		if (i % 10 == 0)
			served(1);
	}
	served(20);
	finish();
}

static void burst_plain(void **state)
{
	(void)state;
	bursts(true, 500);
}

static void burst_tls(void **state)
{
	(void)state;
	bursts(false, 300);
}

/* Byte by byte: there is a deadline for the whole, not for each byte. */
static void slow_loris(void **state)
{
	uint8_t bytes[4096];
	(void)state;
	begin(false, SHORT_MS, 0, 0, 0);
	size_t n = client_hello(bytes, sizeof bytes), at = 0;
	uint64_t start = uv_hrtime(), last = 0;
	int fd = knock();
	while (!hung_up(fd)) {
		uint64_t now = uv_hrtime();
		if (at < n - 1 && now - last > SHORT_MS / 8 * 1000000) {
			say(fd, bytes + at++, 1);
			last = now;
		}
		served(3);
	}
	close(fd);
	assert_true((uv_hrtime() - start) / 1000000 >= SHORT_MS - 10);
	assert_true(at < n - 1); /* had each byte one, all would be said */
	finish();
}

static void limits_per_address(void **state)
{
	int fds[8];
	(void)state;
	begin(true, LONG_MS, 0, 5, 0);
	for (int i = 0; i < 4; i++) { /* with the good child: five */
		fds[i] = knock();
		say(fds[i], hello, sizeof hello);
	}
	RIG_WAIT(&w.rig, w.parent.ups == 5);
	for (int i = 4; i < 8; i++)
		until_hung_up(fds[i] = knock());
	RIG_WAIT(&w.rig, end_logged(&w.parent, "links from this address"));
	assert_int_equal(w.parent.ups, 5);
	for (int i = 0; i < 4; i++) {
		assert_false(hung_up(fds[i]));
		close(fds[i]);
	}
	RIG_WAIT(&w.rig, w.parent.downs == 4);
	finish();
}

static void limits_in_all(void **state)
{
	(void)state;
	begin(true, LONG_MS, 2, 0, 0);
	int fd = knock();
	say(fd, hello, sizeof hello);
	RIG_WAIT(&w.rig, w.parent.ups == 2);
	until_hung_up(knock());
	RIG_WAIT(&w.rig, end_logged(&w.parent, "too many links\n"));
	close(fd);
	RIG_WAIT(&w.rig, w.parent.downs == 1);
	finish();
}

static void limits_pending(void **state)
{
	enum { FDS = 8 };
	int fds[FDS];
	(void)state;
	begin(false, LONG_MS, 0, 0, 4);
	for (int i = 0; i < FDS; i++)
		fds[i] = knock();
	/* on a slow machine one that has had its second makes room instead */
	for (int i = 0; !end_logged(&w.parent, "too many handshakes"); i++) {
		close(fds[i % FDS]);
		fds[i % FDS] = knock();
		served(1);
	}
	for (int i = 0; i < FDS; i++)
		close(fds[i]);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(half_open),
	        cmocka_unit_test(half_open_plain),
	        cmocka_unit_test(garbage_plain),
	        cmocka_unit_test(garbage_tls),
	        cmocka_unit_test(strangers),
	        cmocka_unit_test(inside_job),
	        cmocka_unit_test(burst_plain),
	        cmocka_unit_test(burst_tls),
	        cmocka_unit_test(slow_loris),
	        cmocka_unit_test(limits_per_address),
	        cmocka_unit_test(limits_in_all),
	        cmocka_unit_test(limits_pending),
	};
	signal(SIGPIPE, SIG_IGN);
	root = ca_new("root");
	int rv = cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
	ca_free(root);
	return rv;
}
