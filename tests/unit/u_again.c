/* u_again.c: what others say they gave up makes few new versions, and none that
 * no clock could have made (catalogue/again.c, PROTOCOL.md M32). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nodes.h"
#include "turn.h"

enum { TOP, MID, PAUSE = 600000 };

static int64_t version(struct nodes *t, const char *id)
{
	return nodes_int(t, TOP, "SELECT version FROM item WHERE id='%s'", id);
}

static void publish(struct nodes *t, const char *slug)
{
	struct gt_bytes none = {0};
	assert_int_equal(nodes_publish(t, TOP, slug, "course", none, none), 0);
}

static void changes(struct nodes *t, uint32_t peer)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	c.epoch = (ProtobufCBinaryData){16, t->v[TOP].node->epoch};
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_ask(t, TOP, peer, 40, &r);
}

/* A child that was given all there is. */
static uint32_t rogue(struct nodes *t)
{
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	changes(t, peer);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES));
	return peer;
}

static void give_up(struct nodes *t, uint32_t peer, const char *id,
                    uint64_t version)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Offer o;
	gt__offer__init(&o);
	o.given_up = gt_lend(id);
	o.version = version;
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = &o;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 60, &r);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_OK));
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
}

/* The child is there all the time. */
static void pass(struct nodes *t, uint32_t peer, uint64_t ms)
{
	for (; ms > 0; ms -= ms < 10000 ? ms : 10000) {
		nodes_clear(t, TOP);
		nodes_pass(t, ms < 10000 ? ms : 10000);
		changes(t, peer);
	}
}

static void once_in_a_while(void **state)
{
	struct nodes *t = *state;
	publish(t, "a");
	publish(t, "b");
	uint32_t peer = rogue(t);
	give_up(t, peer, "33/a", 5);
	int64_t first = version(t, "33/a");
	assert_true(first > 5);
	for (unsigned i = 0; i < 400; i++)
		give_up(t, peer, "33/a", (uint64_t)first + i);
	assert_int_equal(version(t, "33/a"), first);
	/* another name is another matter */
	assert_int_equal(version(t, "33/b"), 1);
	give_up(t, peer, "33/b", 5);
	assert_true(version(t, "33/b") > 5);
	/* what was named meanwhile is not forgotten */
	pass(t, peer, PAUSE - 1);
	assert_int_equal(version(t, "33/a"), first);
	pass(t, peer, 1);
	int64_t second = version(t, "33/a");
	assert_true(second > first + 399);
	pass(t, peer, 2 * PAUSE);
	assert_int_equal(version(t, "33/a"), second);
}

/* ... nor with the node's life. */
static void it_waits_over_a_restart(void **state)
{
	struct nodes *t = *state;
	publish(t, "a");
	uint32_t peer = rogue(t);
	give_up(t, peer, "33/a", 5);
	int64_t first = version(t, "33/a");
	give_up(t, peer, "33/a", (uint64_t)first + 9);
	nodes_restart(t, TOP);
	nodes_pass(t, PAUSE - 1);
	assert_int_equal(version(t, "33/a"), first);
	nodes_pass(t, 1);
	assert_true(version(t, "33/a") > first + 9);
}

static void only_what_it_was_given(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	struct nodes *t = *state;
	assert_int_equal(nodes_layer(t, TOP, deny), 0);
	publish(t, "a");
	uint32_t peer = rogue(t);
	give_up(t, peer, "33/a", 5);
	give_up(t, peer, "33/never", 5);
	/* claimed to be held, and not given */
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Inventory m = GT__INVENTORY__INIT;
	Gt__Inventory__Row row, *rows = &row;
	gt__inventory__row__init(&row);
	row.id = gt_lend("33/a");
	row.verdict = GT__VERDICT__MIRROR;
	m.rows = &rows;
	m.n_rows = 1;
	m.first = m.last = true;
	r.body_case = GT__REQUEST__BODY_INVENTORY;
	r.inventory = &m;
	nodes_ask(t, TOP, peer, 61, &r);
	give_up(t, peer, "33/a", 5);
	assert_int_equal(version(t, "33/a"), 1);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "result='CONFLICT'"),
	                 0);
}

static void no_leaps(void **state)
{
	struct nodes *t = *state;
	const uint64_t years = (uint64_t)1 << 39, draws = (uint64_t)1 << 26;
	publish(t, "a");
	uint32_t peer = rogue(t);
	uint64_t wall = (uint64_t)t->now.wall_ms;
	give_up(t, peer, "33/a", INT64_MAX);
	give_up(t, peer, "33/a", ((uint64_t)1 << 53) - 1);
	give_up(t, peer, "33/a", wall + years + 1);
	assert_int_equal(version(t, "33/a"), 1);
	give_up(t, peer, "33/a", wall + years);
	uint64_t at = (uint64_t)version(t, "33/a");
	assert_true(at > wall + years);
	/* from there on by draws, each in its time */
	pass(t, peer, PAUSE);
	wall = (uint64_t)t->now.wall_ms;
	give_up(t, peer, "33/a", at + draws + 1);
	assert_int_equal(version(t, "33/a"), at);
	give_up(t, peer, "33/a", at + draws);
	assert_true(version(t, "33/a") > (int64_t)(at + draws));
	/* and a true one still heals */
	at = (uint64_t)version(t, "33/a");
	assert_true(at < (uint64_t)1 << 53);
}

/* So many names in a while, whatever there is. */
static void so_many_names(void **state)
{
	enum { MANY = 80, AT_ONCE = 64 };
	struct nodes *t = *state;
	char slug[MANY][8], id[16];
	for (unsigned i = 0; i < MANY; i++) {
		gt_format(slug[i], sizeof slug[i], "r%u", i);
		publish(t, slug[i]);
	}
	uint32_t peer = rogue(t);
	for (unsigned i = 0; i < MANY; i++) {
		gt_format(id, sizeof id, "33/%s", slug[i]);
		give_up(t, peer, id, 5);
	}
	const char *more = "SELECT count(*) FROM item WHERE kind=1 AND "
	                   "version>5";
	assert_int_equal(nodes_int(t, TOP, "%s", more), AT_ONCE);
	pass(t, peer, PAUSE);
	assert_int_equal(nodes_int(t, TOP, "%s", more), MANY);
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT count(*) FROM meta WHERE key GLOB 'again/*'"),
	        0);
}

#define T(f, of) cmocka_unit_test_setup_teardown(f, of, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(once_in_a_while, nodes_two),
	        T(it_waits_over_a_restart, nodes_two_on_disk),
	        T(only_what_it_was_given, nodes_two),
	        T(no_leaps, nodes_two),
	        T(so_many_names, nodes_two),
	};
	return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
