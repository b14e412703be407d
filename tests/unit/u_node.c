/* u_node.c: turns that fail, what a node is opened with, what it says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_inside.h"
#include "content_inside.h"
#include "nodes.h"
#include "nomem.h"
#include "records_inside.h"

enum { TOP, LOW };

/* -------------------------------------------------- turns that fail */

static struct {
	int ops, left;
} fault;

static int stop_after(void *arg)
{
	(void)arg;
	fault.ops++;
	return fault.left > 0 && --fault.left == 0;
}

static const struct gt_event *orders(struct nodes *t, size_t *n)
{
	static struct gt_statement s[3];
	static struct gt_draft drafts[2];
	static struct gt_event e[3];
	for (uint32_t i = 0; i < 3; i++) {
		s[i] = (struct gt_statement){.body = gt_bytes_str("{}")};
		gt_put32(s[i].id, i + 1);
	}
	for (size_t i = 0; i < 2; i++) {
		Gt__Entry m;
		gt__entry__init(&m);
		m.id = gt_arena_str(t->arena, i ? "33/b" : "33/a");
		m.type = m.id;
		drafts[i] = (struct gt_draft){
		        gt_arena_pack(t->arena, &m.base), {NULL, 0}, ""};
	}
	e[0] = (struct gt_event){.type = GT_EV_STATEMENTS,
	                         .token = 1,
	                         .statements = s,
	                         .count = 3};
	e[1] = (struct gt_event){.type = GT_EV_PUBLISH,
	                         .token = 2,
	                         .drafts = drafts,
	                         .count = 2};
	e[2] = (struct gt_event){.type = GT_EV_NOTE, .text = "x", .token = 3};
	*n = 3;
	return e;
}

/* The store fails after `left` steps of its virtual machine; 0: never. */
static int failing_turn(const char *path, int left, int64_t *rows)
{
	struct nodes *t = nodes_new();
	struct gt_actions a;
	size_t n, taken;
	nodes_open(t, TOP, "33", "", path);
	nodes_members(t, TOP,
	              nodes_member(t, "33", t->v[TOP].key.public, 1,
	                           GT__STANDING__ACTIVE));
	const struct gt_event *e = orders(t, &n);
	fault.ops = 0;
	fault.left = left;
	sqlite3_progress_handler(t->v[TOP].db, 1, stop_after, NULL);
	int status = gt_node_turn(t->v[TOP].node, t->now, e, n, &taken, &a);
	sqlite3_progress_handler(t->v[TOP].db, 0, NULL, NULL);
	if (status != 0) {
		assert_int_equal(status, -GT_ESTORE);
		assert_int_equal(a.n, 0);
		assert_true(strlen(gt_node_why(t->v[TOP].node)) > 0);
	} else {
		assert_int_equal(a.n, 2); /* both orders are answered */
	}
	gt_node_close(t->v[TOP].node);
	t->v[TOP].node = NULL;
	nodes_open(t, TOP, "33", "", path);
	*rows = nodes_int(t, TOP,
	                  "SELECT (SELECT count(*) FROM record) + (SELECT "
	                  "count(*) FROM item WHERE kind = 1) + (SELECT "
	                  "count(*) FROM audit WHERE event NOT IN ('roster',"
	                  "'damage'))");
	nodes_free(t);
	return status;
}

/* Wherever the store fails, nothing is said and nothing is there. */
static void all_or_nothing(void **state)
{
	char dir[] = "/tmp/guantong-node-XXXXXX", path[64], command[64];
	int64_t rows;
	int ops, failures = 0;
	(void)state;
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/db", dir);
	gt_format(command, sizeof command, "rm -f %s*", path);
	assert_int_equal(failing_turn(path, 0, &rows), 0);
	assert_int_equal(rows, 3 + 2 + 4);
	ops = fault.ops;
	assert_true(ops > 100);
	for (int left = 1; left <= ops; left += 1 + ops / 60) {
		assert_int_equal(system(command), 0);
		int status = failing_turn(path, left, &rows);
		assert_int_equal(rows, status ? 0 : 9);
		failures += status != 0;
	}
	assert_true(failures > 40);
	assert_int_equal(system(command), 0);
	gt_format(command, sizeof command, "rmdir %s", dir);
	assert_int_equal(system(command), 0);
}

static int refuse_commit(void *arg)
{
	(void)arg;
	return 1;
}

static void a_commit_that_fails(void **state)
{
	struct nodes *t = *state;
	struct gt_actions a;
	size_t n, taken;
	const struct gt_event *e = orders(t, &n);
	sqlite3_commit_hook(t->v[TOP].db, refuse_commit, NULL);
	int status = gt_node_turn(t->v[TOP].node, t->now, e, n, &taken, &a);
	assert_int_equal(status, -GT_ESTORE);
	assert_int_equal(a.n, 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 0);
	assert_true(strlen(gt_node_why(t->v[TOP].node)) > 0);
}

static void a_database_is_one_nodes(void **state)
{
	struct nodes *t = *state;
	struct gt_node *n;
	struct gt_node_config c = t->v[TOP].config;
	struct gt_actions a;
	char why[256] = "", dir[] = "/tmp/guantong-node-XXXXXX", path[64];
	char command[64];
	sqlite3 *db;
	size_t taken;
	uint8_t entropy[64] = {0};
	const struct gt_event start = {.type = GT_EV_START,
	                               .body = gt_bytes_of(entropy, 64)};
	assert_non_null(mkdtemp(dir));
	gt_format(path, sizeof path, "%s/db", dir);
	nodes_open(t, 2, "3302", "33", path);
	gt_node_close(t->v[2].node);
	t->v[2].node = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(gt_node_open(&n, &c, db, why, sizeof why), 0);
	assert_int_equal(gt_node_turn(n, t->now, &start, 1, &taken, &a),
	                 -GT_EIDENTITY);
	assert_string_equal(gt_node_why(n),
	                    "the database belongs to node 3302, not 33");
	gt_node_close(n);
	gt_format(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	/* and a code under its parent */
	c.parent = "34";
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(gt_node_open(&n, &c, db, why, sizeof why),
	                 -GT_EINVALID);
	assert_string_equal(why, "node code 33 does not fit under parent 34");
}

/* ----------------------------------------------------------- memory */

/* A village has one link to its parent, and room for the one that takes its
 * place. */
static void a_leaf_is_small(void **state)
{
	(void)state;
	enum { LINKS = 4 };
	size_t per_link = sizeof(struct gt_peer) + sizeof(struct gt_served_set);
	size_t all = sizeof(struct gt_node) + sizeof(struct gt_content) +
	             sizeof(struct gt_records) + sizeof(struct gt_catalogue) +
	             LINKS * per_link;
	assert_in_range(all, 1, 100 << 10);
	assert_in_range(per_link, 1, 2 << 10);
}

/* Links beyond what the node was given room for are refused, not counted. */
static void as_many_links_as_configured(void **state)
{
	(void)state;
	struct sqlite3 *db;
	struct gt_node *n;
	char why[200];
	uint8_t entropy[64] = {1}, nonce[32] = {2};
	struct gt_node_config c = {.code = "33", .parent = "", .max_links = 2};
	struct gt_event e[4] = {
	        {.type = GT_EV_START, .body = gt_bytes_of(entropy, 64)}};
	for (uint32_t i = 1; i < 4; i++)
		e[i] = (struct gt_event){.type = GT_EV_PEER_UP,
		                         .peer = i,
		                         .text = "",
		                         .detail = "127.0.0.1:1",
		                         .body = gt_bytes_of(nonce, 32)};
	struct gt_actions a;
	size_t taken;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(gt_node_open(&n, &c, db, why, sizeof why), 0);
	assert_int_equal(
	        gt_node_turn(n, (struct gt_now){1, 1, 0, 0}, e, 4, &taken, &a),
	        0);
	unsigned drops = 0;
	for (size_t i = 0; i < a.n; i++) {
		if (a.v[i].type != GT_ACT_DROP)
			continue;
		drops++;
		assert_int_equal(a.v[i].peer, 3);
		assert_string_equal(a.v[i].text, "too many links");
	}
	assert_int_equal(drops, 1);
	/* one that goes makes room */
	struct gt_event next[2] = {{.type = GT_EV_PEER_DOWN, .peer = 1}, e[3]};
	next[1].peer = 4;
	assert_int_equal(gt_node_turn(n, (struct gt_now){2, 2, 0, 0}, next, 2,
	                              &taken, &a),
	                 0);
	for (size_t i = 0; i < a.n; i++)
		assert_int_not_equal(a.v[i].type, GT_ACT_DROP);
	gt_node_close(n);
}

/* ---------------------------------------------------- configuration */

static struct gt_node *opened(const struct gt_node_config *c)
{
	struct gt_node *n = NULL;
	char why[200] = "";
	sqlite3 *db;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(gt_node_open(&n, c, db, why, sizeof why), 0);
	return n;
}

/* Numbers that are 0 or more than there can be take the default; the largest
 * that can be is taken. */
static void numbers_as_configured(void **state)
{
	(void)state;
	struct gt_node_config c = {.code = "33", .parent = ""};
	struct gt_node *n = opened(&c);
	assert_int_equal(n->config.window_min, 512 << 10);
	assert_int_equal(n->config.window_max, 8 << 20);
	assert_int_equal(n->config.heartbeat_ms, 15000);
	assert_int_equal(n->config.dead_ms, 45000);
	assert_int_equal(n->config.log_pages, 4096);
	assert_int_equal(n->config.max_links, GT_PEERS_MAX);
	assert_int_equal(n->config.transfers, 4);
	assert_int_equal(n->config.protocol_max, GT_PROTOCOL_MAX);
	assert_string_equal(n->software, "");
	assert_string_equal(n->level, "province");
	gt_node_close(n);
	c.window_min = c.window_max = c.heartbeat_ms = c.dead_ms = 1;
	c.log_pages = c.max_links = c.transfers = c.protocol_max = 1;
	c.software = "a program";
	n = opened(&c);
	assert_int_equal(n->config.window_min, 1);
	assert_int_equal(n->config.window_max, 1);
	assert_int_equal(n->config.heartbeat_ms, 1);
	assert_int_equal(n->config.dead_ms, 1);
	assert_int_equal(n->config.log_pages, 1);
	assert_int_equal(n->config.max_links, 1);
	assert_int_equal(n->config.transfers, 1);
	assert_int_equal(n->config.protocol_max, 1);
	assert_string_equal(n->software, "a program");
	gt_node_close(n);
	for (uint32_t more = 0; more < 2; more++) {
		c.log_pages = 4096 + more;
		c.max_links = GT_PEERS_MAX + more;
		c.transfers = GT_TRANSFERS_MAX + more;
		c.protocol_max = GT_PROTOCOL_MAX + more;
		n = opened(&c);
		assert_int_equal(n->config.log_pages, 4096);
		assert_int_equal(n->config.max_links, GT_PEERS_MAX);
		assert_int_equal(n->config.transfers,
		                 more ? 4 : GT_TRANSFERS_MAX);
		assert_int_equal(n->config.protocol_max, GT_PROTOCOL_MAX);
		gt_node_close(n);
	}
}

static void no_memory_to_open(void **state)
{
	(void)state;
	const struct gt_node_config c = {.code = "33", .parent = ""};
	sqlite3_int64 used = sqlite3_memory_used();
	long held = nomem_held();
	for (size_t k = 0; nomem_each(&k);) {
		struct gt_node *n = NULL;
		char why[200] = "";
		sqlite3 *db;
		assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
		int status = gt_node_open(&n, &c, db, why, sizeof why);
		bool hit = nomem_hit();
		assert_int_equal(status, hit ? -GT_ENOMEM : 0);
		assert_string_equal(why, hit ? gt_strerror(GT_ENOMEM) : "");
		if (!hit)
			gt_node_close(n);
		assert_int_equal(nomem_held(), held);
		assert_int_equal(sqlite3_memory_used(), used);
	}
	gt_node_close(NULL);
}

/* Codes have a length, and one that does not fit is none. */
static void codes_that_are_none(void **state)
{
	(void)state;
	char longest[GT_CODE_MAX + 2] = "33-";
	memset(longest + 3, 'x', sizeof longest - 3);
	longest[GT_CODE_MAX] = '\0';
	struct gt_node_config c = {.code = longest, .parent = ""};
	gt_node_close(opened(&c));
	longest[GT_CODE_MAX] = 'x';
	longest[GT_CODE_MAX + 1] = '\0';
	const char *bad[][2] = {
	        {longest, ""}, {"3301", longest}, {"x", ""}, {"33", "33"}};
	for (size_t i = 0; i < 4; i++) {
		struct gt_node *n;
		char why[200] = "", expected[200];
		sqlite3 *db;
		c.code = bad[i][0];
		c.parent = bad[i][1];
		assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
		assert_int_equal(gt_node_open(&n, &c, db, why, sizeof why),
		                 -GT_EINVALID);
		gt_format(expected, sizeof expected,
		          "node code %s does not fit under parent %s", c.code,
		          c.parent);
		assert_string_equal(why, expected);
	}
}

/* ----------------------------------------------------------- status */

static void what_a_link_is_counted_as(void **state)
{
	struct nodes *t = *state;
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	const struct gt_node_status *s = nodes_status(t, TOP);
	assert_int_equal(s->children_up, 1);
	assert_int_equal(s->nchildren, 1);
	assert_string_equal(s->children[0].code, "3301");
	assert_true(s->children[0].up);
	assert_false(s->parent_up);
	assert_int_equal(s->messages_in, 2);
	assert_int_equal(s->messages_out, 2);
	const struct gt_node_status before = *s;
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = peer,
	                     .body = gt_bytes_str("\xff\xff\xff"),
	                     .payload = gt_bytes_str("12345")};
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	s = nodes_status(t, TOP);
	assert_int_equal(s->events, before.events + 1);
	assert_int_equal(s->messages_in, before.messages_in + 1);
	assert_int_equal(s->bytes_in, before.bytes_in + 8);
	assert_int_equal(s->drops, before.drops + 1);
	assert_int_equal(s->commits, before.commits + 1);
	assert_int_equal(s->generation, before.generation + 1);
	assert_int_equal(s->children_up, 0);
	/* it is gone, and what it says is no longer heard */
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	s = nodes_status(t, TOP);
	assert_int_equal(s->events, before.events + 2);
	assert_int_equal(s->messages_in, before.messages_in + 1);
	assert_int_equal(s->commits, before.commits + 1);
	assert_int_equal(s->generation, before.generation + 1);
}

/* Slots beyond those in use are nobody's, whatever is left in them. */
static void beyond_the_links_in_use(void **state)
{
	struct nodes *t = *state;
	struct gt_node *n = t->v[TOP].node;
	nodes_child(t, TOP, "3301", &t->v[LOW].key);
	assert_int_equal(n->npeers, 1);
	n->peers[1] = (struct gt_peer){.id = 999,
	                               .session = GT_S_READY,
	                               .code = "3302",
	                               .heard_ms = 1,
	                               .child = {.cid = 2,
	                                         .parked = true,
	                                         .parked_until = 1,
	                                         .judged = 5}};
	assert_int_equal(nodes_status(t, TOP)->nchildren, 1);
	assert_int_equal(gt_node_deadline(n), t->now.mono_ms + 45000);
	gt_judge_anew(n);
	assert_int_equal(n->peers[1].child.judged, 5);
	nodes_pass(t, 45000);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 1);
	assert_int_equal(n->peers[1].session, GT_S_READY);
	n->peers[1].session = GT_S_GONE;
	struct gt_event down = {.type = GT_EV_PEER_DOWN};
	down.peer = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	assert_int_equal(nodes_event(t, TOP, &down), 0);
	assert_int_equal(n->peers[0].id, 0);
	assert_int_equal(n->peers[1].id, 999);
}

/* The row of a child that has proved itself is there at once, and says in which
 * epoch it was met. */
static void known_from_its_proof_on(void **state)
{
	struct nodes *t = *state;
	nodes_child(t, TOP, "3301", &t->v[LOW].key);
	assert_string_equal(nodes_text(t, TOP, "SELECT hex(epoch) FROM child"),
	                    "04010000000000000000000000000000");
	const struct gt_peer *p = gt_peer_by_code(t->v[TOP].node, "3301");
	assert_non_null(p);
	assert_string_equal(p->child.receiver.code, "3301");
	assert_string_equal(p->child.receiver.level, "city");
	/* and when it was there last */
	struct gt_event down = {.type = GT_EV_PEER_DOWN, .peer = p->id};
	t->now.wall_ms += 5000;
	assert_int_equal(nodes_event(t, TOP, &down), 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT seen_ms FROM child"),
	                 t->now.wall_ms);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_commit_that_fails),
	        T(a_database_is_one_nodes),
	        cmocka_unit_test(all_or_nothing),
	        cmocka_unit_test(a_leaf_is_small),
	        cmocka_unit_test(as_many_links_as_configured),
	        cmocka_unit_test(numbers_as_configured),
	        cmocka_unit_test(no_memory_to_open),
	        cmocka_unit_test(codes_that_are_none),
	        T(what_a_link_is_counted_as),
	        T(beyond_the_links_in_use),
	        T(known_from_its_proof_on),
	};
	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
