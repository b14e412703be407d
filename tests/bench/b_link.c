/* b_link.c: what one link carries on this machine, both ends in one process.
 *
 *   b_link [SECONDS]     one JSON line per case
 *
 * The child keeps OUTSTANDING requests under way; the parent answers each with
 * bytes it was not asked to prepare. Counted is what the child received. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "ends.h"

enum { OUTSTANDING = 16 };

struct bench {
	struct rig rig;
	struct gt_links *parent, *child;
	_Atomic uint32_t peer;
	size_t reply;
	atomic_ulong replies;
	atomic_bool over;
};

static void on_up(void *arg, uint32_t peer, enum gt_link_way way,
                  const char *code, const char *above, int64_t until_ms,
                  const char *address)
{
	(void)above;
	(void)until_ms;
	struct bench *b = arg;
	(void)code;
	(void)address;
	if (way == GT_WAY_PARENT)
		b->peer = peer;
	uv_async_send(&b->rig.poke);
}

static void on_down(void *arg, uint32_t peer, const char *why)
{
	struct bench *b = arg;
	(void)peer;
	if (!b->over) {
		fprintf(stderr, "link down: %s\n", why);
		exit(1);
	}
}

static void on_log(void *arg, int level, const char *what, const char *address,
                   const char *shown, const char *why)
{
	(void)arg;
	(void)level;
	fprintf(stderr, "%s %s %s: %s\n", what, address, shown, why);
}

static void on_request(void *arg, uint32_t peer, struct gt_bulk *m)
{
	struct bench *b = arg;
	struct gt_bytes head = gt_bytes_str("head");
	void *bulk = b->reply > 16384 ? malloc(b->reply) : NULL;
	static uint8_t small[16384];
	if (bulk)
		(void)gt_link_send_owned(b->parent, peer, m->token, head, bulk,
		                         b->reply);
	else
		(void)gt_link_send(b->parent, peer, m->token, head,
		                   gt_bytes_of(small, b->reply));
	gt_bulk_unref(m);
}

static void ask(struct bench *b, uint64_t token)
{
	(void)gt_link_send(b->child, b->peer, token, gt_bytes_str("please"),
	                   gt_bytes_of(NULL, 0));
}

static void on_reply(void *arg, uint32_t peer, struct gt_bulk *m)
{
	struct bench *b = arg;
	(void)peer;
	b->replies++;
	if (!b->over)
		ask(b, m->token);
	gt_bulk_unref(m);
}

static void start(struct bench *b, bool insecure, struct ca *ca,
                  struct leaf *at_parent, struct leaf *at_child)
{
	static const struct gt_link_events up = {on_up, on_down, on_request,
	                                         on_log};
	static const struct gt_link_events down = {on_up, on_down, on_reply,
	                                           on_log};
	char address[64], why[256];
	const char *addresses[1] = {address};
	struct gt_links_config p = {
	        .listen = "127.0.0.1:0",
	        .insecure = insecure,
	        .ca_pem = ca_pem(ca),
	        .cert_pem = at_parent->cert_pem,
	        .key_pem = at_parent->key_pem,
	};
	int rv = gt_links_start(&b->parent, &b->rig.loop, &p, &up, b, why,
	                        sizeof why);
	assert(rv == 0);
	gt_format(address, sizeof address, "127.0.0.1:%u",
	          gt_links_port(b->parent));
	struct gt_links_config c = {
	        .parents = addresses,
	        .nparents = 1,
	        .insecure = insecure,
	        .ca_pem = ca_pem(ca),
	        .cert_pem = at_child->cert_pem,
	        .key_pem = at_child->key_pem,
	        .parent_code = "33",
	};
	rv = gt_links_start(&b->child, &b->rig.loop, &c, &down, b, why,
	                    sizeof why);
	assert(rv == 0);
	RIG_WAIT(&b->rig, b->peer != 0);
}

static void on_end(uv_timer_t *timer)
{
	struct bench *b = timer->data;
	b->over = true;
}

static double cpu_s(void)
{
	struct rusage u;
	int rv = getrusage(RUSAGE_SELF, &u);
	assert(rv == 0);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run(const char *name, bool insecure, size_t reply, uint64_t seconds)
{
	static struct bench b;
	uv_timer_t timer;
	struct ca *ca = ca_new("root");
	struct leaf at_parent = leaf_for(ca, "spiffe://guantong/33");
	struct leaf at_child = leaf_for(ca, "spiffe://guantong/33/3301");
	memset(&b, 0, sizeof b);
	b.reply = reply;
	rig_start(&b.rig);
	start(&b, insecure, ca, &at_parent, &at_child);
	(void)uv_timer_init(&b.rig.loop, &timer);
	timer.data = &b;
	uint64_t begin = uv_hrtime();
	double cpu = cpu_s();
	for (uint64_t i = 0; i < OUTSTANDING; i++)
		ask(&b, i);
	uv_timer_start(&timer, on_end, seconds * 1000, 0);
	while (!b.over)
		uv_run(&b.rig.loop, UV_RUN_ONCE);
	double s = (double)(uv_hrtime() - begin) / 1e9;
	double n = (double)b.replies;
	cpu = cpu_s() - cpu;
	printf("{\"case\":\"link-%s\",\"reply_bytes\":%zu,\"outstanding\":%d,"
	       "\"messages_s\":%.0f,\"MB_s\":%.1f,\"cpu_s_GB\":%.2f,"
	       "\"cpu_us_message\":%.1f}\n",
	       name, reply, OUTSTANDING, n / s, n * (double)reply / s / 1e6,
	       reply ? cpu / (n * (double)reply / 1e9) : 0, cpu / n * 1e6);
	gt_links_stop(b.child);
	gt_links_stop(b.parent);
	uv_close((uv_handle_t *)&timer, NULL);
	rig_stop(&b.rig);
	leaf_free(&at_parent);
	leaf_free(&at_child);
	ca_free(ca);
}

int main(int argc, char **argv)
{
	uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	signal(SIGPIPE, SIG_IGN);
	run("tls-small", false, 100, seconds);
	run("tls-1k", false, 1024, seconds);
	run("tls-128k", false, 128 << 10, seconds);
	run("tls-256k", false, 256 << 10, seconds);
	run("plain-small", true, 100, seconds);
	run("plain-256k", true, 256 << 10, seconds);
	return 0;
}
