/* u_leave.c: what layers demand of records is done before they leave, and looked
 * for in what comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "demand.h"
#include "nodes.h"
#include "read_inside.h"

enum { TOP, MID, LOW };

static const struct gt_pseudonym_key keys[] = {
        {.scope = "33", .number = 1, .until_ms = 1800000000000, .secret = {1}},
        {.scope = "33",
         .number = 2,
         .from_ms = 1800000000000,
         .until_ms = INT64_MAX,
         .secret = {2}}};

/* 33, 3301 and 330106 on disk, the last with keys or without. */
static struct nodes *three(size_t nkeys)
{
	struct nodes *t = nodes_new();
	nodes_dir_new(t);
	t->v[LOW].names.keys = keys;
	t->v[LOW].names.nkeys = nkeys;
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, MID, "3301", "33", nodes_path(t, MID));
	nodes_open(t, LOW, "330106", "3301", nodes_path(t, LOW));
	nodes_enrol(t);
	return t;
}

static int keyed(void **state)
{
	*state = three(2);
	return 0;
}

static int keyless(void **state)
{
	*state = three(0);
	return 0;
}

/* A rule of node i's layer, which has but one: what becomes of records with
 * that verb ("": any) on their way to that level ("": any). */
static void demand(struct nodes *t, unsigned i, const char *level,
                   const char *verb, Gt__Treatment treatment)
{
	static uint64_t token = 5000;
	Gt__Layer m;
	Gt__Demand d, *list = &d;
	Gt__TraitTest test, *when = &test;
	char *levels = gt_lend(level), *value = gt_lend(verb);
	static char name[] = "the rule";
	gt__layer__init(&m);
	gt__demand__init(&d);
	gt__trait_test__init(&test);
	m.fallback = GT__VERDICT__MIRROR;
	m.demands = &list;
	m.n_demands = 1;
	d.name = name;
	d.treatment = treatment;
	d.levels = &levels;
	d.n_levels = *level != '\0';
	d.when = &when;
	d.n_when = *verb != '\0';
	test.trait = GT__TRAIT__TRAIT_VERB;
	test.values = &value;
	test.n_values = 1;
	if (treatment == GT__TREATMENT__TREAT_REDACT)
		d.fields = GT_REDACT_ALL;
	if (treatment == GT__TREATMENT__TREAT_AGGREGATE)
		d.group = 5;
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .token = ++token,
	                     .body = gt_arena_pack(t->arena, &m.base)};
	assert_int_equal(nodes_event(t, i, &e), 0);
	const struct done *r = nodes_last(t, i, GT_ACT_REPLY, 0);
	if (r->a.status != 0)
		fail_msg("%s", r->a.text);
}

/* In hand at node i, of the verb http://v.cn/FORM. */
static void hand_in(struct nodes *t, unsigned i, uint32_t n, size_t count,
                    unsigned form)
{
	assert_int_equal(nodes_statements(t, i, n, count, form), 0);
}

static void up(struct nodes *t)
{
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
}

static int64_t count(struct nodes *t, unsigned i, const char *what)
{
	return nodes_int(t, i, "SELECT count(*) FROM %s", what);
}

/* Records at node i that name whoever handed them in. */
static int64_t named(struct nodes *t, unsigned i)
{
	return count(t, i,
	             "record WHERE instr(body,'a@b.cn') OR "
	             "instr(authority,'a@b.cn')");
}

static void settled(struct nodes *t)
{
	for (unsigned i = MID; i <= LOW; i++) {
		assert_int_equal(nodes_status(t, i)->records_waiting, 0);
		assert_int_equal(nodes_status(t, i)->records_unrooted, 0);
	}
	for (unsigned i = TOP; i <= LOW; i++)
		assert_int_equal(count(t, i, "quarantine"), 0);
}

/* ------------------------------------------------------------ on the way */

static void names_stay_in_the_county(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	hand_in(t, LOW, 1, 20, 1);
	up(t);
	settled(t);
	assert_int_equal(named(t, LOW), 20);
	for (unsigned i = TOP; i <= MID; i++) {
		assert_int_equal(count(t, i, "record"), 20);
		assert_int_equal(named(t, i), 0);
		assert_string_equal(
		        nodes_text(t, i, "SELECT DISTINCT policy FROM record"),
		        "pseudonymise@330106/1;33.1");
		/* one learner, one pseudonym */
		assert_int_equal(
		        nodes_int(t, i,
		                  "SELECT count(DISTINCT json_extract(body,"
		                  "'$.actor.account.name')) FROM record"),
		        1);
	}
	assert_int_equal(nodes_status(t, LOW)->records_transformed, 20);
	assert_string_equal(
	        nodes_text(t, LOW,
	                   "SELECT detail FROM audit WHERE event='send'"),
	        "count=20 pseudonymise=20 by 330106/1");
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT detail FROM audit WHERE event='merge'"),
	        "count=20 pseudonymise=20");
}

static void fields_are_taken_out(void **state)
{
	struct nodes *t = *state;
	demand(t, TOP, "province", "", GT__TREATMENT__TREAT_REDACT);
	hand_in(t, LOW, 1, 3, 1);
	up(t);
	settled(t);
	assert_string_equal(
	        nodes_text(t, MID, "SELECT DISTINCT policy FROM record"), "");
	assert_string_equal(
	        nodes_text(t, TOP, "SELECT DISTINCT policy FROM record"),
	        "redact:names+responses+text+extensions+attachments@33/1");
	assert_int_equal(named(t, TOP), 3); /* who it was is no field */
}

static void what_is_dropped_is_acknowledged_and_never_sent(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "", "http://v.cn/2", GT__TREATMENT__TREAT_DROP);
	hand_in(t, LOW, 1, 5, 2);
	hand_in(t, LOW, 101, 5, 1);
	hand_in(t, LOW, 201, 5, 2); /* nothing behind them that would go */
	up(t);
	settled(t);
	assert_int_equal(count(t, LOW, "record"), 15);
	assert_int_equal(count(t, MID, "record"), 5);
	assert_int_equal(count(t, TOP, "record"), 5);
	assert_int_equal(nodes_status(t, LOW)->records_withheld, 10);
	/* none of it again on another link, nor after a restart */
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	settled(t);
	assert_int_equal(nodes_status(t, LOW)->records_withheld, 0);
	assert_int_equal(count(t, MID, "record"), 5);
}

/* Something was erased here; more is dropped than is looked at in one go; what
 * lies behind that goes up all the same. */
static void an_erasure_hides_nothing_behind_what_is_dropped(void **state)
{
	struct nodes *t = *state;
	uint8_t item[GT_ERASE_ITEM] = {0};
	demand(t, LOW, "", "http://v.cn/1", GT__TREATMENT__TREAT_DROP);
	hand_in(t, LOW, 1, 3 * GT_RECORDS_ROWS, 1);
	hand_in(t, LOW, 9000, 20, 0);
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(t->v[LOW].db,
	                                    "SELECT id FROM record WHERE seq=1",
	                                    -1, &st, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	item[8] = 1;
	memcpy(item + 9, sqlite3_column_blob(st, 0), GT_UUID_BYTES);
	sqlite3_finalize(st);
	struct gt_event e = {.type = GT_EV_ERASE,
	                     .token = ++t->tokens,
	                     .body = gt_bytes_of(item, sizeof item)};
	assert_int_equal(nodes_event(t, LOW, &e), 0);
	assert_int_equal(count(t, LOW, "erased"), 1);
	up(t);
	assert_int_equal(count(t, TOP, "record"), 20);
}

static void all_of_it_dropped_is_acknowledged_too(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "", "", GT__TREATMENT__TREAT_DROP);
	hand_in(t, LOW, 1, 400, 1);
	hand_in(t, LOW, 401, 400, 1);
	up(t);
	settled(t);
	assert_int_equal(count(t, MID, "record"), 0);
	assert_int_equal(nodes_status(t, LOW)->records_withheld, 800);
}

/* A parent of the program before is told what it understands. */
static void an_older_parent_gets_what_goes(void **state)
{
	struct nodes *t = *state;
	t->v[MID].protocol = 3;
	nodes_restart(t, MID);
	demand(t, LOW, "", "http://v.cn/2", GT__TREATMENT__TREAT_DROP);
	hand_in(t, LOW, 1, 5, 2);
	up(t);
	assert_int_equal(count(t, MID, "record"), 0);
	assert_int_equal(nodes_status(t, LOW)->records_waiting, 5);
	hand_in(t, LOW, 101, 5, 1);
	nodes_pass(t, 20000);
	settled(t);
	assert_int_equal(count(t, MID, "record"), 5);
}

static void without_a_key_it_waits(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	hand_in(t, LOW, 1, 5, 1);
	up(t);
	assert_int_equal(count(t, MID, "record"), 0);
	assert_int_equal(nodes_status(t, LOW)->records_waiting, 5);
	t->v[LOW].names.keys = keys;
	t->v[LOW].names.nkeys = 1;
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	settled(t);
	assert_int_equal(count(t, MID, "record"), 5);
	assert_int_equal(named(t, MID), 0);
}

static void without_a_key_it_goes_when_it_may(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	hand_in(t, LOW, 1, 5, 1);
	up(t);
	assert_int_equal(count(t, MID, "record"), 0);
	demand(t, LOW, "province", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	nodes_pass(t, 20000);
	assert_int_equal(count(t, MID, "record"), 5);
	assert_int_equal(named(t, MID), 5);
}

/* ------------------------------------------------------------- is shown */

static void say(struct nodes *t, uint32_t id, uint32_t target)
{
	static uint64_t token = 9000;
	char body[400], why[200];
	struct gt_statement s;
	gt_format(body, sizeof body,
	          target ? "{\"id\":\"%08x-0000-4000-8000-000000000000\","
	                   "\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{"
	                   "\"id\":\"http://adlnet.gov/expapi/verbs/voided\"},"
	                   "\"object\":{\"objectType\":\"StatementRef\",\"id\":"
	                   "\"%08x-0000-4000-8000-000000000000\"}}"
	                 : "{\"id\":\"%08x-0000-4000-8000-000000000000\","
	                   "\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{"
	                   "\"id\":\"http://v.cn/1\"},\"object\":{\"id\":"
	                   "\"http://o.cn/%u\"}}",
	          id, target);
	assert_int_equal(gt_statements_parse(gt_bytes_str(body), GT_XAPI_ANY,
	                                     NULL, 0, &s, 1, why, sizeof why),
	                 1);
	s.authority = "{\"mbox\":\"mailto:a@b.cn\"}";
	s.flags |= GT_STATEMENT_NAMED;
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = ++token,
	                     .statements = &s,
	                     .count = 1};
	assert_int_equal(nodes_event(t, LOW, &e), 0);
	assert_int_equal(nodes_last(t, LOW, GT_ACT_REPLY, 0)->a.status, 0);
}

static struct gt_reader *reader(struct nodes *t, unsigned i)
{
	sqlite3 *db;
	char why[300];
	assert_int_equal(sqlite3_open(nodes_path(t, i), &db), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	return r;
}

static const char *word(const json_t *v, const char *key)
{
	return json_string_value(json_object_get(v, key));
}

/* Each hop has the join of all layers below whose origin it leaves. */
static void explain_names_layer_and_rule(void **state)
{
	struct nodes *t = *state;
	uint8_t id[GT_UUID_BYTES] = {0};
	demand(t, TOP, "province", "", GT__TREATMENT__TREAT_AGGREGATE);
	demand(t, LOW, "city", "", GT__TREATMENT__TREAT_REDACT);
	up(t); /* the layers come down */
	say(t, 1, 0);
	struct gt_reader *r = reader(t, LOW);
	assert_true(gt_uuid_parse(id, "00000001-0000-4000-8000-000000000000"));
	json_t *v = gt_read_demanded(r, id);
	assert_true(json_is_object(v));
	const json_t *hops = json_object_get(v, "hops");
	assert_int_equal(json_array_size(hops), 2);
	const json_t *one = json_array_get(hops, 0),
	             *two = json_array_get(hops, 1);
	assert_string_equal(word(one, "from"), "330106");
	assert_string_equal(word(one, "to"), "3301");
	assert_string_equal(word(one, "treatment"), "redact");
	assert_string_equal(word(one, "rule"), "the rule");
	assert_string_equal(word(one, "layer"), "330106");
	assert_int_equal(json_array_size(json_object_get(one, "layers")), 2);
	/* the county's rules bind what leaves the county */
	assert_string_equal(word(two, "from"), "3301");
	assert_string_equal(word(two, "treatment"), "aggregate");
	assert_string_equal(word(two, "layer"), "33");
	assert_int_equal(json_array_size(json_object_get(two, "layers")), 1);
	json_decref(v);
	id[0] = 7;
	v = gt_read_demanded(r, id);
	assert_true(json_is_null(v));
	json_decref(v);
	gt_reader_free(r);
}

/* Another layer in place of the node's own, and nothing is changed by asking. */
static void diff_counts_what_would_change(void **state)
{
	struct nodes *t = *state;
	Gt__Layer m;
	Gt__Demand d, *list = &d;
	static char name[] = "all of it";
	gt__layer__init(&m);
	gt__demand__init(&d);
	m.fallback = GT__VERDICT__MIRROR;
	m.demands = &list;
	m.n_demands = 1;
	d.name = name;
	d.treatment = GT__TREATMENT__TREAT_PSEUDONYMISE;
	demand(t, LOW, "", "http://v.cn/2", GT__TREATMENT__TREAT_DROP);
	hand_in(t, LOW, 1, 5, 2);
	hand_in(t, LOW, 101, 7, 1);
	struct gt_reader *r = reader(t, LOW);
	json_t *v = gt_read_demand_diff(r, gt_arena_pack(t->arena, &m.base),
	                                "3301", 0);
	assert_non_null(v);
	assert_int_equal(json_integer_value(json_object_get(v, "looked")), 12);
	assert_int_equal(json_integer_value(json_object_get(v, "changed")), 12);
	const json_t *c = json_object_get(v, "changes");
	assert_int_equal(json_array_size(c), 2);
	assert_string_equal(word(json_array_get(c, 0), "was"), "pass");
	assert_int_equal(json_integer_value(json_object_get(
	                         json_array_get(c, 0), "count")),
	                 7);
	assert_string_equal(word(json_array_get(c, 1), "was"), "drop");
	assert_string_equal(word(json_array_get(c, 1), "becomes"),
	                    "pseudonymise");
	json_decref(v);
	v = gt_read_preview(r, "3301", 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(
	                         json_object_get(v, "did"), "drop")),
	                 5);
	json_decref(v);
	assert_null(gt_read_demand_diff(r, gt_bytes_str("x"), "3301", 0));
	gt_reader_free(r);
}

/* ---------------------------------------------------------- rules change */

static bool no_reply_to_records(struct nodes *t, struct message *m)
{
	(void)t;
	return !(m->reply && m->to == LOW && m->nhead < 40);
}

/* What lay on the wire when the rule came is not sent again as it was; what was
 * taken before it stays. */
static void a_rule_holds_for_what_is_resent(void **state)
{
	struct nodes *t = *state;
	hand_in(t, LOW, 1, 5, 1);
	t->hook = no_reply_to_records;
	unsigned wire = nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 1000);
	hand_in(t, LOW, 101, 5, 1);
	nodes_cut(t, wire);
	t->hook = NULL;
	demand(t, LOW, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	up(t);
	settled(t);
	assert_int_equal(count(t, TOP, "record"), 10);
	assert_true(named(t, MID) <= 5);
	assert_int_equal(count(t, TOP,
	                       "record WHERE seq>5 AND "
	                       "instr(body,'a@b.cn')"),
	                 0);
}

/* A backup that is put back sends all again, by the rules of now. */
static void the_first_that_came_stays(void **state)
{
	struct nodes *t = *state;
	hand_in(t, LOW, 1, 5, 1);
	nodes_snapshot(t, LOW, 3);
	up(t);
	assert_int_equal(named(t, TOP), 5);
	t->v[LOW].restored = true;
	nodes_restore(t, LOW, 3);
	demand(t, LOW, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	settled(t);
	assert_int_equal(count(t, MID, "record"), 5);
	assert_int_equal(count(t, TOP, "record"), 5);
	assert_int_equal(named(t, TOP), 5);
}

static bool nothing_down(struct nodes *t, struct message *m)
{
	return !(t->hooked && m->reply && m->to == LOW && m->nhead > 150);
}

/* The parent has a rule that its child has not heard of. */
static void what_has_not_heard_comes_again(void **state)
{
	struct nodes *t = *state;
	t->hook = nothing_down;
	up(t);
	t->hooked = 1; /* the layer is lost on its way */
	demand(t, MID, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	hand_in(t, LOW, 1, 5, 1);
	nodes_pass(t, 5000);
	assert_int_equal(count(t, MID, "record"), 0);
	assert_int_equal(count(t, MID, "quarantine"), 0);
	assert_int_equal(nodes_status(t, LOW)->records_waiting, 5);
	t->hooked = 0;
	nodes_minute(t, LOW);
	nodes_minute(t, LOW);
	settled(t);
	assert_int_equal(count(t, MID, "record"), 5);
	assert_int_equal(named(t, MID), 0);
}

static bool count_compared(struct nodes *t, struct message *m)
{
	Gt__Request *q =
	        m->reply ? NULL : gt__request__unpack(NULL, m->nhead, m->head);
	t->hooked += q && q->body_case == GT__REQUEST__BODY_COMPARE;
	if (q)
		gt__request__free_unpacked(q, NULL);
	return true;
}

/* The parent forgot; the child asks what it has, and not where that would tell
 * of what stays. */
static int asked_what_is_there(struct nodes *t, Gt__Treatment treatment)
{
	if (treatment != GT__TREATMENT__TREAT_PASS)
		demand(t, LOW, "city", "http://v.cn/2", treatment);
	nodes_snapshot(t, MID, 3);
	hand_in(t, LOW, 1, 400, 1);
	hand_in(t, LOW, 1001, 5, 2);
	up(t);
	t->v[MID].restored = true;
	nodes_restore(t, MID, 3);
	t->hook = count_compared;
	t->hooked = 0;
	up(t);
	settled(t);
	return t->hooked;
}

static void what_stays_is_not_named(void **state)
{
	assert_int_equal(asked_what_is_there(*state, GT__TREATMENT__TREAT_DROP),
	                 0);
}

static void what_does_not_is(void **state)
{
	assert_true(asked_what_is_there(*state, GT__TREATMENT__TREAT_PASS) > 0);
}

/* -------------------------------------------------------- who ignores it */

/* A batch of one, as the node in the middle was given it, from a child that
 * says it knows the layers. */
static void a_child_that_ignores_it_is_not_believed(void **state)
{
	struct nodes *t = *state;
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	Gt__Record r = GT__RECORD__INIT, *list = &r;
	uint8_t epoch[16] = {9};
	struct gt_id hash;
	static char origin[] = "330106";
	struct gt_statement s = nodes_statement(t, 7, 1);
	demand(t, MID, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	uint32_t link = nodes_child(t, MID, "330106", &t->v[LOW].key);
	r.seq = r.origin_seq = 1;
	r.origin = origin;
	r.origin_epoch = (ProtobufCBinaryData){16, epoch};
	r.id = (ProtobufCBinaryData){GT_UUID_BYTES, s.id};
	r.form = (ProtobufCBinaryData){GT_ID_BYTES, s.form.b};
	r.body = gt_lend_bytes(s.body);
	m.records = &list;
	m.n_records = 1;
	m.patient = true;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	nodes_ask(t, MID, link, 50, &q);
	const struct done *e = nodes_replied(t, MID, GT__REPLY__BODY_ERROR);
	assert_non_null(e);
	assert_int_equal(e->reply->error->code, GT_EDENIED);
	assert_true(e->reply->error->retry_ms > 0);
	assert_int_equal(count(t, MID, "quarantine"), 0);
	/* it says that it knows */
	gt_sha256_one(&hash, "3301/1", 6);
	m.demanded = (ProtobufCBinaryData){GT_ID_BYTES, hash.b};
	nodes_ask(t, MID, link, 51, &q);
	e = nodes_replied(t, MID, GT__REPLY__BODY_RECORDS);
	assert_non_null(e);
	assert_int_equal(e->reply->records->hop, 1);
	assert_int_equal(count(t, MID, "record"), 0);
	assert_int_equal(count(t, MID, "quarantine"), 1);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT length(body) FROM quarantine"), 0);
	assert_int_equal(nodes_status(t, MID)->records_quarantined, 1);
	/* it says that it did, and did not */
	static char policy[] = "pseudonymise@3301/1;33.1";
	r.seq = r.origin_seq = 2;
	m.after = 1;
	r.policy = policy;
	nodes_ask(t, MID, link, 52, &q);
	assert_int_equal(count(t, MID, "record"), 0);
	assert_int_equal(nodes_status(t, MID)->records_quarantined, 2);
}

/* -------------------------------------------------------------- voids */

/* The void is of the next key's period; it must count above all the same. */
static void a_void_counts_above_across_keys(void **state)
{
	struct nodes *t = *state;
	demand(t, LOW, "city", "", GT__TREATMENT__TREAT_PSEUDONYMISE);
	t->now.wall_ms = 1799999000000;
	say(t, 1, 0);
	t->now.wall_ms = 1800001000000;
	say(t, 2, 1);
	say(t, 3, 0);
	up(t);
	settled(t);
	assert_int_equal(named(t, TOP), 0);
	assert_int_equal(count(t, TOP, "voids"), 1);
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT count(DISTINCT authority) FROM record"),
	        2);
}

static void a_void_passes_where_all_is_dropped(void **state)
{
	struct nodes *t = *state;
	say(t, 1, 0);
	up(t);
	assert_int_equal(count(t, TOP, "record"), 1);
	demand(t, LOW, "", "", GT__TREATMENT__TREAT_DROP);
	say(t, 2, 1);
	nodes_pass(t, 20000);
	assert_int_equal(count(t, TOP, "record"), 2);
	assert_int_equal(
	        count(t, TOP, "record WHERE flags&1 AND instr(body,'a@b.cn')"),
	        0);
}

int main(void)
{
#define K(f) cmocka_unit_test_setup_teardown(f, keyed, nodes_gone)
#define N(f) cmocka_unit_test_setup_teardown(f, keyless, nodes_gone)
	const struct CMUnitTest tests[] = {
	        K(names_stay_in_the_county),
	        N(fields_are_taken_out),
	        N(what_is_dropped_is_acknowledged_and_never_sent),
	        N(an_erasure_hides_nothing_behind_what_is_dropped),
	        N(all_of_it_dropped_is_acknowledged_too),
	        N(an_older_parent_gets_what_goes),
	        N(without_a_key_it_waits),
	        N(without_a_key_it_goes_when_it_may),
	        K(explain_names_layer_and_rule),
	        K(diff_counts_what_would_change),
	        K(a_rule_holds_for_what_is_resent),
	        K(the_first_that_came_stays),
	        K(what_has_not_heard_comes_again),
	        K(what_stays_is_not_named),
	        K(what_does_not_is),
	        K(a_child_that_ignores_it_is_not_believed),
	        K(a_void_counts_above_across_keys),
	        K(a_void_passes_where_all_is_dropped),
	};
	return cmocka_run_group_tests_name("leave", tests, NULL, NULL);
}
