/* u_bounded.c: what a neighbour or a terminal can make grow by saying it again
 * has an end: rows of the audit, the quarantine, layers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nodes.h"
#include "turn.h"

enum { TOP, LOW };

#define COUNT(t, of) nodes_int(t, TOP, "SELECT count(*) FROM " of)

/* Records without a shape, from number `from` on; bytes in each. */
static void shapeless(struct nodes *t, uint32_t link, uint64_t from,
                      size_t many, size_t bytes)
{
	static uint8_t body[GT_STATEMENT_MAX];
	static Gt__Record rows[GT_RECORDS_ROWS];
	Gt__Record *all[GT_RECORDS_ROWS];
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	assert_true(many <= GT_RECORDS_ROWS && bytes <= sizeof body);
	for (size_t i = 0; i < many; i++) {
		gt__record__init(&rows[i]);
		rows[i].seq = from + i;
		rows[i].body = (ProtobufCBinaryData){bytes, body};
		all[i] = &rows[i];
	}
	m.after = from - 1;
	m.records = all;
	m.n_records = many;
	m.patient = true;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, link, from, &q);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_RECORDS));
}

static void the_quarantine_of_a_child(void **state)
{
	struct nodes *t = *state;
	uint32_t link = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	uint64_t at = 1;
	for (; at <= 2 * GT_ASIDE_ROWS; at += GT_RECORDS_ROWS)
		shapeless(t, link, at, GT_RECORDS_ROWS, 10);
	assert_int_equal(COUNT(t, "quarantine"), GT_ASIDE_ROWS);
	/* the newest are there */
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT max(origin_seq) FROM quarantine"),
	        at - 1);
	assert_int_equal(nodes_status(t, TOP)->records_let_go,
	                 at - 1 - GT_ASIDE_ROWS);
	/* nor more bytes than may be */
	for (unsigned i = 0; i < 100; i++, at++)
		shapeless(t, link, at, 1, GT_STATEMENT_MAX);
	assert_in_range(
	        nodes_int(t, TOP, "SELECT sum(length(body)) FROM quarantine"),
	        GT_ASIDE_BYTES / 2, GT_ASIDE_BYTES);
	/* and of each row one of the audit only as long as that is not noise */
	assert_true(COUNT(t, "audit WHERE event='quarantine'") <= GT_ROWS_HOUR);
}

/* A link that is made and thrown away, again and again. */
static void rows_of_links(void **state)
{
	struct nodes *t = *state;
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Prove m = GT__PROVE__INIT;
	uint8_t entropy[32] = {9};
	q.body_case = GT__REQUEST__BODY_PROVE;
	q.prove = &m;
	for (uint32_t i = 0; i < 2 * GT_ROWS_HOUR; i++) {
		struct gt_event up = {.type = GT_EV_PEER_UP,
		                      .peer = 1000 + i,
		                      .body = gt_bytes_of(entropy, 32),
		                      .text = "",
		                      .detail = "10.0.0.9:1"};
		nodes_clear(t, TOP);
		assert_int_equal(nodes_event(t, TOP, &up), 0);
		nodes_ask(t, TOP, 1000 + i, 1, &q);
		assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 1);
		assert_true(nodes_count(t, TOP, GT_ACT_LOG) <= 2);
	}
	assert_true(COUNT(t, "audit WHERE event='link'") <= GT_ROWS_HOUR + 2);
	assert_int_equal(nodes_status(t, TOP)->audit_held, GT_ROWS_HOUR);
	/* the next that is written says how many there were */
	t->now.mono_ms += 3600 * 1000;
	struct gt_event up = {.type = GT_EV_PEER_UP,
	                      .peer = 900,
	                      .body = gt_bytes_of(entropy, 32),
	                      .text = "",
	                      .detail = "10.0.0.9:1"};
	assert_int_equal(nodes_event(t, TOP, &up), 0);
	nodes_ask(t, TOP, 900, 1, &q);
	assert_int_equal(COUNT(t, "audit WHERE subject='rows held back' AND "
	                          "detail='and 7200 more like it'"),
	                 1);
}

/* A terminal that hands in again what is refused. */
static void rows_of_refusals(void **state)
{
	struct nodes *t = *state;
	t->v[TOP].terminal = "10.0.0.7";
	assert_int_equal(nodes_statements(t, TOP, 1, 1, 0), 0);
	int64_t before = COUNT(t, "audit");
	for (unsigned i = 0; i < GT_ROWS_HOUR + 500; i++) {
		nodes_clear(t, TOP);
		assert_int_equal(nodes_statements(t, TOP, 1, 1, 1),
		                 -GT_ECONFLICT);
	}
	assert_int_equal(COUNT(t, "audit") - before, GT_ROWS_HOUR);
}

/* A page of an inventory: names that only the child knows, from number `from`
 * on. */
static void claim_at(struct nodes *t, unsigned at, uint32_t link,
                     uint64_t token, const char *of, uint32_t from, size_t many)
{
	static char ids[GT_INVENTORY_ROWS][32];
	static Gt__Inventory__Row rows[GT_INVENTORY_ROWS];
	static Gt__Inventory__Row *all[GT_INVENTORY_ROWS];
	uint8_t hash[GT_ID_BYTES] = {7};
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Inventory m = GT__INVENTORY__INIT;
	for (size_t i = 0; i < many; i++) {
		gt__inventory__row__init(&rows[i]);
		gt_format(ids[i], sizeof ids[i], "%s/x%u", of,
		          (unsigned)(from + i));
		rows[i].id = ids[i];
		rows[i].hash = (ProtobufCBinaryData){sizeof hash, hash};
		rows[i].verdict = GT__VERDICT__MIRROR;
		all[i] = &rows[i];
	}
	m.first = from == 0;
	m.rows = all;
	m.n_rows = many;
	q.body_case = GT__REQUEST__BODY_INVENTORY;
	q.inventory = &m;
	nodes_clear(t, at);
	nodes_ask(t, at, link, token, &q);
	assert_non_null(nodes_replied(t, at, GT__REPLY__BODY_OK));
}

static void claim(struct nodes *t, uint32_t link, uint64_t token,
                  const char *of, uint32_t from, size_t many)
{
	claim_at(t, TOP, link, token, of, from, many);
}

#define STRANGERS "item WHERE kind=1 AND version=0"

/* Names that nobody here has heard of: so many are remembered, of all children
 * together, and the rest is answered and forgotten; what is known is not. */
static void names_only_children_have(void **state)
{
	struct nodes *t = *state;
	nodes_dir_new(t);
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, LOW, "3301", "33", NULL);
	nodes_enrol(t);
	assert_int_equal(nodes_publish(t, TOP, "known", "document",
	                               (struct gt_bytes){0},
	                               (struct gt_bytes){0}),
	                 0);
	uint32_t link = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	uint32_t at = 0, tokens = 1;
	for (; at < GT_STRANGERS_MAX + GT_INVENTORY_ROWS;
	     at += GT_INVENTORY_ROWS)
		claim(t, link, tokens++, "44", at, GT_INVENTORY_ROWS);
	assert_int_equal(COUNT(t, STRANGERS), GT_STRANGERS_MAX);
	assert_int_equal(COUNT(t, "view"), GT_STRANGERS_MAX);
	/* what is not the child's to say, or was never anybody's, is none */
	claim(t, link, tokens++, "330106", at, 10);
	claim(t, link, tokens++, "no such code", at, 10);
	/* counted anew by a node that starts, and by nobody forgotten */
	nodes_stop(t, TOP);
	nodes_restart(t, TOP);
	link = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	claim(t, link, tokens++, "45", 1, GT_INVENTORY_ROWS);
	assert_int_equal(COUNT(t, STRANGERS), GT_STRANGERS_MAX);
	/* a name that is known takes no place of them */
	claim(t, link, tokens++, "33", 1, 1);
	assert_int_equal(COUNT(t, "item WHERE id='33/known'"), 1);
	assert_int_equal(COUNT(t, STRANGERS), GT_STRANGERS_MAX);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
}

/* --------------------------------------------- what feeds make grow */

/* LEFT: of the rows of an hour, when the rest has been used. */
enum { DOCUMENTS = 60, HOURLY = 3600, LEFT = 360, FEW = 50 };

static struct nodes *feeding(void **state, uint64_t entries)
{
	struct nodes *t = *state;
	t->v[TOP].feed_rows = t->v[LOW].feed_rows = HOURLY;
	t->v[LOW].entries = entries;
	nodes_dir_new(t);
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, LOW, "3301", "33", nodes_path(t, LOW));
	nodes_enrol(t);
	return t;
}

static void use(struct nodes *t, unsigned i, const char *whom)
{
	assert_int_equal(gt_share_take(t->v[i].node->shares, whom, HOURLY,
	                               HOURLY - LEFT, t->now.mono_ms),
	                 0);
}

static void publish(struct nodes *t, unsigned from, unsigned count)
{
	char slug[16];
	for (unsigned i = from; i < from + count; i++) {
		gt_format(slug, sizeof slug, "d%u", i);
		assert_int_equal(nodes_publish(t, TOP, slug, "document",
		                               (struct gt_bytes){0},
		                               (struct gt_bytes){0}),
		                 0);
	}
}

#define LISTED        "item WHERE kind=1 AND verdict>0 AND length(signed)>0"
#define AT_LOW(t, of) nodes_int(t, LOW, "SELECT count(*) FROM " of)

/* A child turns its rules over, and over again, and each time all there is is
 * judged for it. */
static void layers_without_end(void **state)
{
	static const char *const rules[2][3] = {{"document", "deny", NULL},
	                                        {"document", "mirror", NULL}};
	struct nodes *t = feeding(state, 0);
	publish(t, 0, DOCUMENTS);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	int64_t before = COUNT(t, "audit WHERE event='judge'");
	assert_true(before >= DOCUMENTS);
	use(t, TOP, "feed:3301");
	for (unsigned i = 0; i < 2 * LEFT / DOCUMENTS; i++) {
		assert_int_equal(nodes_layer(t, LOW, rules[i % 2]), 0);
		nodes_run(t);
	}
	assert_in_range(COUNT(t, "audit WHERE event='judge'"), LEFT / 2,
	                LEFT + 3 * DOCUMENTS);
	assert_true(nodes_status(t, TOP)->audit_held > LEFT / 2);
	/* of all its layers the last is here, and a row for each thing */
	assert_int_equal(COUNT(t, "item WHERE kind=2"), 1);
	assert_in_range(COUNT(t, "view"), DOCUMENTS, DOCUMENTS + 5);
	/* and it has what the last of them says */
	assert_int_equal(AT_LOW(t, LISTED), DOCUMENTS);
	/* what others bring about is written down as ever */
	before = COUNT(t, "audit WHERE event='judge'");
	publish(t, DOCUMENTS, 5);
	nodes_run(t);
	assert_int_equal(COUNT(t, "audit WHERE event='judge'") - before, 5);
	/* it is said, once */
	assert_in_range(COUNT(t, "audit WHERE subject='rows held back'"), 0, 1);
	nodes_pass(t, 3600 * 1000);
	assert_int_equal(nodes_layer(t, LOW, rules[0]), 0);
	nodes_run(t);
	assert_in_range(COUNT(t, "audit WHERE subject='rows held back'"), 1, 2);
	assert_int_equal(AT_LOW(t, LISTED), 0);
}

/* A child that says again and again what it holds, and is judged again: also
 * with a new link each time. */
static void inventories_without_end(void **state)
{
	struct nodes *t = feeding(state, 0);
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	publish(t, 0, DOCUMENTS);
	use(t, TOP, "feed:3301");
	uint32_t link = 0;
	uint64_t token = 1;
	q.body_case = GT__REQUEST__BODY_CHANGES;
	q.changes = &c;
	c.epoch = (ProtobufCBinaryData){GT_EPOCH_BYTES, t->v[TOP].node->epoch};
	for (unsigned i = 0; i < 2 * LEFT / DOCUMENTS; i++) {
		if (i % 5 == 0)
			link = nodes_child(t, TOP, "3301", &t->v[LOW].key);
		claim(t, link, token++, "33", 0, 1);
		nodes_clear(t, TOP);
		nodes_ask(t, TOP, link, token++, &q);
		assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES));
	}
	assert_in_range(COUNT(t, "audit WHERE event='judge'"), LEFT / 2,
	                LEFT + 3 * DOCUMENTS);
	assert_true(nodes_status(t, TOP)->audit_held > LEFT / 2);
}

/* It comes in step, and goes on to name what nobody knows: each name is judged
 * for it. */
static void names_without_end(void **state)
{
	enum { CHILD = 2, PAGE = 60 };
	struct nodes *t = feeding(state, 0);
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	uint64_t token = 1;
	nodes_open(t, CHILD, "330106", "3301", nodes_path(t, CHILD));
	nodes_enrol(t);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_true(nodes_status(t, LOW)->synced);
	uint32_t link = nodes_child(t, LOW, "330106", &t->v[CHILD].key);
	q.body_case = GT__REQUEST__BODY_CHANGES;
	q.changes = &c;
	c.epoch = (ProtobufCBinaryData){GT_EPOCH_BYTES, t->v[LOW].node->epoch};
	claim_at(t, LOW, link, token++, "33", 0, 1);
	nodes_ask(t, LOW, link, token++, &q);
	use(t, LOW, "feed:330106");
	for (uint32_t i = 0; i < 3 * LEFT / PAGE; i++) {
		claim_at(t, LOW, link, token++, "33", 1 + i * PAGE, PAGE);
		nodes_ask(t, LOW, link, token++, &q);
	}
	assert_in_range(AT_LOW(t, "audit WHERE event='judge'"), LEFT / 2,
	                LEFT + PAGE);
	assert_true(nodes_status(t, LOW)->audit_held > LEFT);
}

/* A parent that has a new version of everything all the time. */
static void versions_without_end(void **state)
{
	struct nodes *t = feeding(state, 0);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	use(t, LOW, "feed:33");
	for (unsigned i = 0; i < 2 * LEFT / DOCUMENTS; i++) {
		publish(t, 0, DOCUMENTS);
		nodes_run(t);
		nodes_clear(t, TOP);
		nodes_clear(t, LOW);
	}
	assert_in_range(AT_LOW(t, "audit WHERE event='receive'"), LEFT / 2,
	                LEFT + 3 * DOCUMENTS);
	assert_true(nodes_status(t, LOW)->audit_held > LEFT / 2);
	assert_int_equal(AT_LOW(t, LISTED), DOCUMENTS);
	assert_int_equal(nodes_int(t, LOW, "SELECT min(version) FROM " LISTED),
	                 nodes_int(t, TOP, "SELECT min(version) FROM " LISTED));
}

/* A catalogue that grows without end: as many entries as may be, and what was
 * not taken comes when more may. */
static void entries_without_end(void **state)
{
	struct nodes *t = feeding(state, FEW);
	publish(t, 0, FEW);
	unsigned wire = nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(AT_LOW(t, LISTED), FEW);
	assert_int_equal(nodes_status(t, LOW)->entries_refused, 0);
	publish(t, FEW, 20);
	nodes_run(t);
	assert_int_equal(AT_LOW(t, LISTED), FEW);
	assert_int_equal(nodes_status(t, LOW)->entries_refused, 20);
	/* told once; nothing is written of each */
	assert_int_equal(AT_LOW(t, "audit WHERE result='LIMIT'"), 1);
	assert_int_equal(AT_LOW(t, "item WHERE kind=1"), FEW);
	assert_true(nodes_status(t, LOW)->parent_up);
	/* those that are here go on: a new version, a withdrawal */
	publish(t, 7, 1);
	assert_int_equal(nodes_withdraw(t, TOP, "d8"), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT version FROM item WHERE "
	                           "id='33/d7'"),
	                 2);
	assert_int_equal(
	        nodes_int(t, LOW, "SELECT state FROM item WHERE id='33/d8'"),
	        GT__STATE__WITHDRAWN);
	/* a restart by itself changes nothing, and does not go round */
	nodes_cut(t, wire);
	nodes_restart(t, LOW);
	wire = nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(AT_LOW(t, "item WHERE kind=1"), FEW);
	/* more may be here: all of it comes */
	nodes_cut(t, wire);
	t->v[LOW].entries = 0;
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(AT_LOW(t, "item WHERE kind=1"), FEW + 20);
	assert_int_equal(nodes_status(t, LOW)->entries_refused, 0);
	assert_int_equal(AT_LOW(t, "meta WHERE key='entries_missed' AND "
	                           "value=1"),
	                 0);
}

static int none(void **state)
{
	*state = nodes_new();
	return 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)
#define N(f) cmocka_unit_test_setup_teardown(f, none, nodes_gone)
	const struct CMUnitTest tests[] = {
	        T(the_quarantine_of_a_child), T(rows_of_links),
	        T(rows_of_refusals),          N(names_only_children_have),
	        N(layers_without_end),        N(inventories_without_end),
	        N(names_without_end),         N(versions_without_end),
	        N(entries_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
