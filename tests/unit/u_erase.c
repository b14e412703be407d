/* u_erase.c: what goes at somebody's wish, and does not come again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "person.h"
#include "records_inside.h"

enum { TOP, LOW };

/* Hands in one statement of a person's, number `id`; more: members of it. */
static int hand_in(struct nodes *t, unsigned i, unsigned id, const char *who,
                   const char *verb, const char *object)
{
	char text[800], why[300] = "";
	static const uint8_t none[1][GT_UUID_BYTES];
	struct gt_statement s;
	gt_format(text, sizeof text,
	          "{\"id\":\"00000000-0000-4000-8000-%012u\",\"actor\":{"
	          "\"mbox\":\"mailto:%s@b.cn\"},\"verb\":{\"id\":"
	          "\"%s\"},\"object\":%s}",
	          id, who, verb, object);
	assert_int_equal(gt_statements_parse(gt_bytes_str(text), GT_XAPI_ANY,
	                                     none, 1, &s, 1, why, sizeof why),
	                 1);
	s.flags |= GT_STATEMENT_NAMED;
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = ++t->tokens,
	                     .actor = "user:x",
	                     .statements = &s,
	                     .count = 1};
	assert_int_equal(nodes_event(t, i, &e), 0);
	return nodes_last(t, i, GT_ACT_REPLY, 0)->a.status;
}

#define VERB   "http://v.cn/1"
#define OBJECT "{\"id\":\"http://o.cn/1\"}"

static void item(uint8_t out[GT_ERASE_ITEM], enum gt_person_part part,
                 int64_t number, unsigned id)
{
	char text[GT_UUID_TEXT];
	memset(out, 0, GT_ERASE_ITEM);
	out[0] = (uint8_t)part;
	for (int i = 0; i < 8; i++)
		out[1 + i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
	gt_format(text, sizeof text, "00000000-0000-4000-8000-%012u", id);
	assert_true(gt_uuid_parse(out + 9, text));
}

static const char *erase(struct nodes *t, unsigned i, enum gt_person_part part,
                         int64_t number, unsigned id)
{
	uint8_t one[GT_ERASE_ITEM];
	item(one, part, number, id);
	struct gt_event e = {.type = GT_EV_ERASE,
	                     .token = ++t->tokens,
	                     .actor = "user:x",
	                     .body = gt_bytes_of(one, sizeof one)};
	assert_int_equal(nodes_event(t, i, &e), 0);
	const struct done *d = nodes_last(t, i, GT_ACT_REPLY, 0);
	assert_int_equal(d->a.status, 0);
	return d->a.text;
}

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM record");
}

static int64_t seq_of(struct nodes *t, unsigned i, unsigned id)
{
	return nodes_int(t, i,
	                 "SELECT seq FROM record WHERE hex(id) LIKE"
	                 " '%%%u'",
	                 id);
}

static void a_statement_goes_and_does_not_come_again(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	assert_int_equal(hand_in(t, LOW, 2, "wang", VERB, OBJECT), 0);
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_STATEMENTS, 1, 1),
	                       "\"statement\":1"));
	assert_int_equal(records(t, LOW), 1);
	/* again, it is nobody's any more; and never under another's id */
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_STATEMENTS, 1, 1),
	                       "\"statement\":0"));
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_STATEMENTS, 2, 1),
	                       "\"statement\":0"));
	assert_int_equal(records(t, LOW), 1);
	/* a terminal that brings it once more is told that it is there */
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	assert_int_equal(records(t, LOW), 1);
	/* and so after a start */
	nodes_restart(t, LOW);
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	assert_int_equal(records(t, LOW), 1);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit"
	                           " WHERE event='erase'"),
	                 3);
	/* what is left goes up, and all of it counts as there */
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 1);
	assert_int_equal(gt_records_count(t->v[LOW].node).waiting, 0);
}

static void a_child_that_has_it_is_answered(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 1);
	(void)erase(t, TOP, GT_PERSON_STATEMENTS, 1, 1);
	assert_int_equal(records(t, TOP), 0);
	/* it hands up all it has once more, under another epoch */
	t->v[LOW].restored = true;
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 5000);
	assert_int_equal(records(t, TOP), 0);
	assert_int_equal(gt_records_count(t->v[LOW].node).waiting, 0);
}

/* What is erased at one end goes at the other; at either, of its own place. */
static void told_up_and_down(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(hand_in(t, LOW, i, "li", VERB, OBJECT), 0);
	assert_int_equal(hand_in(t, TOP, 9, "li", VERB, OBJECT), 0);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 5);
	(void)erase(t, LOW, GT_PERSON_STATEMENTS, 2, 2);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 4);
	(void)erase(t, TOP, GT_PERSON_STATEMENTS, seq_of(t, TOP, 3), 3);
	nodes_pass(t, 1000);
	assert_int_equal(records(t, LOW), 2);
	/* each is told once, and the audit names who said so */
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE"
	                           " event='erase' AND peer='3301'"),
	                 1);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE"
	                           " event='erase' AND peer='33'"),
	                 1);
	/* a restored child is told of both again, and hands up neither */
	t->v[LOW].restored = true;
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, LOW), 2);
	assert_int_equal(records(t, TOP), 3);
}

/* The last one, before it went up: its number is waited for by nobody. */
static void the_newest_before_it_went_up(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	assert_int_equal(hand_in(t, LOW, 2, "li", VERB, OBJECT), 0);
	(void)erase(t, LOW, GT_PERSON_STATEMENTS, 2, 2);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 1);
	assert_int_equal(gt_records_count(t->v[LOW].node).waiting, 0);
	assert_int_equal(gt_records_count(t->v[LOW].node).unrooted, 0);
	(void)hand_in(t, LOW, 3, "wang", VERB, OBJECT);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 2);
}

/* A backup of before it was erased, put back, does not bring it back. */
static void a_backup_does_not_bring_it_back(void **state)
{
	struct nodes *t = *state;
	enum { BEFORE = 2 };
	nodes_wire(t, LOW, TOP, true);
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	nodes_run(t);
	nodes_snapshot(t, LOW, BEFORE);
	(void)erase(t, LOW, GT_PERSON_STATEMENTS, 1, 1);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 0);
	nodes_stop(t, LOW);
	t->v[LOW].restored = true;
	nodes_restore(t, LOW, BEFORE);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, LOW), 0);
	assert_int_equal(records(t, TOP), 0);
}

/* A child names what is not its own, and what nobody has. */
static void a_child_that_would_erase_more(void **state)
{
	struct nodes *t = *state;
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	uint8_t ids[3 * GT_UUID_BYTES] = {0};
	char text[GT_UUID_TEXT];
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	assert_int_equal(hand_in(t, TOP, 9, "li", VERB, OBJECT), 0);
	gt_format(text, sizeof text, "00000000-0000-4000-8000-%012u", 9u);
	assert_true(gt_uuid_parse(ids, text));
	c.erased = (ProtobufCBinaryData){sizeof ids, ids};
	c.erased_upto = 3;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_ask(t, TOP, peer, 77, &r);
	assert_int_equal(records(t, TOP), 1);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM erased"), 0);
	c.erased.len = 17;
	nodes_ask(t, TOP, peer, 78, &r);
	assert_true(nodes_dropped(t, TOP, "malformed erasures"));
}

static void run_sql(struct nodes *t, unsigned i, const char *sql)
{
	assert_int_equal(sqlite3_exec(t->v[i].db, sql, NULL, NULL, NULL),
	                 SQLITE_OK);
}

/* What another one handed in under that id, set aside, is his. */
static void what_is_set_aside_for_others_stays(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	nodes_run(t);
	run_sql(t, TOP,
	        "INSERT INTO stream(code,epoch,last) VALUES('3302',"
	        "x'00112233445566778899aabbccddeeff',1);"
	        "INSERT INTO quarantine(via,stream,origin_seq,id,form,"
	        "origin_ms,at_ms,reason,body) SELECT '3302',(SELECT sid FROM "
	        "stream WHERE code='3302'),1,id,x'01',1,1,'r',x'00' FROM "
	        "record");
	(void)erase(t, LOW, GT_PERSON_STATEMENTS, 1, 1);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM quarantine"),
	                 1);
}

/* Damaged, given up by people, and then erased: it was counted out already. */
static void what_was_given_up_is_not_counted_twice(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	assert_int_equal(hand_in(t, LOW, 2, "li", VERB, OBJECT), 0);
	run_sql(t, LOW,
	        "UPDATE record SET body=replace(CAST(body AS TEXT),'li@b',"
	        "'lo@b') WHERE seq=1");
	nodes_restart(t, LOW);
	nodes_pass(t, 5000);
	assert_int_equal(gt_records_count(t->v[LOW].node).spoilt, 1);
	struct gt_event e = {
	        .type = GT_EV_QUARANTINE_DROP,
	        .token = ++t->tokens,
	        .number = nodes_int(t, LOW, "SELECT max(qid) FROM quarantine")};
	assert_int_equal(nodes_event(t, LOW, &e), 0);
	assert_int_equal(gt_records_count(t->v[LOW].node).spoilt, 0);
	(void)erase(t, LOW, GT_PERSON_STATEMENTS, 1, 1);
	assert_int_equal(gt_records_count(t->v[LOW].node).spoilt, 0);
}

/* A backup forgot thirteen; nine of them in a row were erased above: the others
 * come back, on either side of the gap. */
static void a_gap_above_is_no_end(void **state)
{
	enum { BEFORE = 2, ALL = 15 };
	struct nodes *t = *state;
	unsigned w = nodes_wire(t, LOW, TOP, true);
	for (unsigned i = 1; i <= ALL; i++) {
		assert_int_equal(hand_in(t, LOW, i, "li", VERB, OBJECT), 0);
		nodes_run(t);
		if (i == 2)
			nodes_snapshot(t, LOW, BEFORE);
	}
	nodes_cut(t, w);
	for (unsigned i = 4; i < 13; i++)
		(void)erase(t, TOP, GT_PERSON_STATEMENTS, seq_of(t, TOP, i), i);
	t->v[LOW].restored = true;
	nodes_restore(t, LOW, BEFORE);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), ALL - 9);
	assert_int_equal(records(t, LOW), ALL - 9);
	assert_int_equal(gt_records_count(t->v[LOW].node).waiting, 0);
}

/* What one child had erased under an id says nothing of another's. */
static void an_id_that_a_stranger_erased(void **state)
{
	struct nodes *t = *state;
	run_sql(t, TOP,
	        "INSERT INTO erased(id,code,at_ms,receipt) VALUES"
	        "(x'00000000000040008000000000000001','3302',1,0),"
	        "(x'00000000000040008000000000000002','3301',1,0),"
	        "(x'00000000000040008000000000000003','',1,0),"
	        "(x'00000000000040008000000000000004','3302',1,7)");
	nodes_restart(t, TOP);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(hand_in(t, LOW, i, "li", VERB, OBJECT), 0);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 1);
	assert_int_equal(seq_of(t, TOP, 1), 1);
	assert_int_equal(gt_records_count(t->v[LOW].node).waiting, 0);
}

/* Two places used one id; one of them erased its own, and later the other, or the
 * node above both. */
static void an_id_of_two_places(void **state)
{
	enum { OTHER = 2 };
	for (int above = 0; above < 2; above++) {
		struct nodes *t = nodes_new();
		*state = t;
		nodes_dir_new(t);
		nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
		nodes_open(t, LOW, "3301", "33", nodes_path(t, LOW));
		nodes_open(t, OTHER, "3302", "33", nodes_path(t, OTHER));
		nodes_enrol(t);
		nodes_wire(t, LOW, TOP, true);
		assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
		nodes_pass(t, 5000);
		(void)erase(t, LOW, GT_PERSON_STATEMENTS, seq_of(t, LOW, 1), 1);
		nodes_pass(t, 20000);
		assert_int_equal(hand_in(t, OTHER, 1, "li", VERB, OBJECT), 0);
		nodes_wire(t, OTHER, TOP, true);
		nodes_pass(t, 5000);
		assert_int_equal(records(t, TOP), 1);
		unsigned where = above ? TOP : OTHER;
		(void)erase(t, where, GT_PERSON_STATEMENTS, seq_of(t, where, 1),
		            1);
		nodes_pass(t, 60000);
		assert_int_equal(records(t, TOP), 0);
		assert_int_equal(records(t, OTHER), 0);
		assert_int_equal(nodes_gone(state), 0);
	}
}

/* It is damaged here, and waited for, when a child says that it was erased: nor
 * does it come back from above. */
static void what_is_waited_for_is_not_any_more(void **state)
{
	struct nodes *t = *state;
	unsigned w = nodes_wire(t, LOW, TOP, true);
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	nodes_run(t);
	nodes_cut(t, w);
	run_sql(t, TOP,
	        "INSERT INTO spoilt SELECT seq,stream,origin_seq,id,form,1,0 "
	        "FROM record; DELETE FROM record");
	nodes_restart(t, TOP);
	assert_int_equal(gt_records_count(t->v[TOP].node).spoilt, 1);
	(void)erase(t, LOW, GT_PERSON_STATEMENTS, 1, 1);
	nodes_wire(t, LOW, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(gt_records_count(t->v[TOP].node).spoilt, 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM erased"), 1);
}

#define KEY_OVER(column)                                            \
	"PRAGMA writable_schema=ON;UPDATE sqlite_schema SET sql="   \
	"'CREATE UNIQUE INDEX record_key ON record(stream, " column \
	")' WHERE name='record_key';PRAGMA writable_schema=RESET"

/* A row that an index knows for another: the node lives, and keeps it. */
static void a_row_the_indexes_do_not_know(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(hand_in(t, LOW, 1, "li", VERB, OBJECT), 0);
	assert_int_equal(hand_in(t, LOW, 2, "li", VERB, OBJECT), 0);
	run_sql(t, LOW, KEY_OVER("origin_ms"));
	run_sql(t, LOW, "UPDATE record SET origin_seq=77 WHERE seq=1");
	run_sql(t, LOW, KEY_OVER("origin_seq"));
	nodes_restart(t, LOW);
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_STATEMENTS, 1, 1),
	                       "\"kept\":1"));
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_STATEMENTS, 2, 2),
	                       "\"statement\":1"));
}

static void what_voids_stays(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(hand_in(t, LOW, 1, "wang", VERB, OBJECT), 0);
	assert_int_equal(hand_in(t, LOW, 2, "li",
	                         "http://adlnet.gov/expapi/verbs/voided",
	                         "{\"objectType\":\"StatementRef\",\"id\":"
	                         "\"00000000-0000-4000-8000-000000000001\"}"),
	                 0);
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_STATEMENTS, 2, 2),
	                       "\"kept\":1"));
	assert_int_equal(records(t, LOW), 2);
}

/* In what is set aside, documents, and those that gave way. */
static void every_part(void **state)
{
	struct nodes *t = *state;
	char *why = NULL;
	assert_int_equal(
	        sqlite3_exec(t->v[LOW].db,
	                     "INSERT INTO quarantine(qid,via,stream,origin_seq,"
	                     "id,form,origin_ms,at_ms,reason,body) VALUES"
	                     "(7,'',1,1,x'00000000000040008000000000000007',"
	                     "x'00',1,1,'r',x'00');"
	                     "INSERT INTO document(did,kind,agent,activity,"
	                     "registration,id,origin,epoch,seq,first_ms,"
	                     "updated_ms,seen,stored_ms,up,size,etag,gone,"
	                     "actor,type,body) VALUES(8,1,'a','b','','i','33',"
	                     "x'00',1,0,1,x'',1,0,1,'e',0,'','t',x'00');"
	                     "INSERT INTO document_lost(lid,at_ms,won,kind,"
	                     "agent,activity,registration,id,origin,epoch,seq,"
	                     "first_ms,updated_ms,gone,actor,type,body) VALUES"
	                     "(9,1,'33',1,'a','b','','i','33',x'00',1,0,1,0,"
	                     "'','t',x'00')",
	                     NULL, NULL, &why),
	        SQLITE_OK);
	/* its number may be another's by now */
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_ASIDE, 7, 6),
	                       "\"quarantine\":0"));
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_ASIDE, 7, 7),
	                       "\"quarantine\":1"));
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_DOCUMENTS, 8, 0),
	                       "\"document\":1"));
	assert_non_null(
	        strstr(erase(t, LOW, GT_PERSON_LOST, 9, 0), "\"lost\":1"));
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT (SELECT count(*) FROM quarantine)+"
	                           "(SELECT count(*) FROM document)+"
	                           "(SELECT count(*) FROM document_lost)"),
	                 0);
	/* a part there is not */
	assert_non_null(strstr(erase(t, LOW, GT_PERSON_PARTS, 1, 0),
	                       "\"statement\":0"));
}

static void orders_that_make_no_sense(void **state)
{
	struct nodes *t = *state;
	uint8_t *many = calloc(GT_ERASE_MAX + 1, GT_ERASE_ITEM);
	assert_non_null(many);
	for (size_t n = 1; n < 3; n++) {
		struct gt_event e = {
		        .type = GT_EV_ERASE,
		        .token = ++t->tokens,
		        .body = gt_bytes_of(many,
		                            n == 1 ? 7
		                                   : (GT_ERASE_MAX + 1) *
		                                             GT_ERASE_ITEM)};
		assert_int_equal(nodes_event(t, LOW, &e), 0);
		assert_int_equal(nodes_last(t, LOW, GT_ACT_REPLY, 0)->a.status,
		                 -GT_EINVALID);
	}
	free(many);
}

int main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)
	const struct CMUnitTest tests[] = {
	        TEST(a_statement_goes_and_does_not_come_again),
	        TEST(a_child_that_has_it_is_answered),
	        TEST(told_up_and_down),
	        TEST(the_newest_before_it_went_up),
	        TEST(a_backup_does_not_bring_it_back),
	        TEST(a_child_that_would_erase_more),
	        TEST(what_is_set_aside_for_others_stays),
	        TEST(what_was_given_up_is_not_counted_twice),
	        TEST(a_gap_above_is_no_end),
	        TEST(an_id_that_a_stranger_erased),
	        cmocka_unit_test(an_id_of_two_places),
	        TEST(what_is_waited_for_is_not_any_more),
	        TEST(a_row_the_indexes_do_not_know),
	        TEST(what_voids_stays),
	        TEST(every_part),
	        TEST(orders_that_make_no_sense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
