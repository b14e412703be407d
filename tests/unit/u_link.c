/* u_link.c: real links over loopback, both ends in this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nng/nng.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ends.h"

#define PARENT_URI "spiffe://guantong/33"
#define CHILD_URI  "spiffe://guantong/33/3301"

enum { DAY = 24 * 3600 };

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
	};
	p->at_child = (struct gt_links_config){
	        .parents = p->addresses,
	        .nparents = 1,
	        .insecure = insecure,
	        .ca_pem = ca_pem(root),
	        .parent_code = "33",
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(come_up),
	        cmocka_unit_test(come_up_insecure),
	        cmocka_unit_test(intermediate),
	};
	signal(SIGPIPE, SIG_IGN);
	root = ca_new("root");
	other = ca_new("other");
	int rv = cmocka_run_group_tests_name("link", tests, NULL, NULL);
	ca_free(root);
	ca_free(other);
	return rv;
}
