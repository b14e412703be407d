/* u_node_record.c: learner records through whole cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nodes.h"

enum { TOP, MID, LOW };

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM record");
}

static int64_t mark(struct nodes *t, unsigned i, const char *name)
{
	return nodes_int(t, i, "SELECT value FROM meta WHERE key='%s'", name);
}

static void up_two_hops(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 700, 0), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 700);
	assert_int_equal(mark(t, LOW, "hop"), 700);
	assert_int_equal(mark(t, MID, "hop"), 700);
	nodes_pass(t, 16000);
	assert_int_equal(mark(t, LOW, "root"), 700);
	/* byte for byte, in their own stream and order */
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM record r JOIN stream "
	                           "s ON s.sid = r.stream WHERE s.code = "
	                           "'330106' AND CAST(r.body AS TEXT) LIKE "
	                           "'{%%\"http://v.cn/0\"%%/' || r.origin_seq "
	                           "|| '\"}}'"),
	                 700);
	/* both ends wrote each batch down, under one name */
	for (unsigned i = MID; i <= LOW; i++)
		assert_int_equal(
		        nodes_int(t, i,
		                  "SELECT count(*) FROM audit WHERE event = "
		                  "'send' AND kind='record'"),
		        nodes_int(t, i - 1,
		                  "SELECT count(*) FROM audit WHERE event = "
		                  "'merge'"));
	const char *name = nodes_text(
	        t, LOW, "SELECT transfer FROM audit WHERE event='send'");
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'merge' AND transfer = '%s'",
	                           name),
	                 1);
}

static void handed_in_again(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	assert_int_equal(nodes_statements(t, LOW, 3, 5, 0), 0);
	assert_int_equal(records(t, LOW), 7);
	/* same id, other contents: all of the batch is refused */
	assert_int_equal(nodes_statements(t, LOW, 5, 9, 1), -GT_ECONFLICT);
	assert_int_equal(records(t, LOW), 7);
	assert_int_equal(nodes_int(t, LOW, "SELECT count(*) FROM quarantine"),
	                 0);
}

static void the_same_from_two_sides(void **state)
{
	struct nodes *t = *state;
	/* one learner's device tells the county and the village */
	assert_int_equal(nodes_statements(t, MID, 1, 3, 0), 0);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, MID), 5);
	assert_int_equal(records(t, TOP), 5);
	assert_int_equal(mark(t, LOW, "root"), 5);
}

static void quarantined_where_they_meet(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, MID, 3, 1, 1), 0);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, MID), 5);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM quarantine WHERE via "
	                           "= '330106' AND origin_seq = 3 AND reason = "
	                           "'same id, other contents'"),
	                 1);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'quarantine' AND result = 'CONFLICT'"),
	                 1);
	/* acknowledged all the same: the stream never stalls */
	assert_int_equal(mark(t, LOW, "hop"), 5);
	assert_int_equal(mark(t, LOW, "root"), 5);
	assert_int_equal(records(t, TOP), 5);
}

static void a_link_cut_between(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	unsigned wire = nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_statements(t, LOW, 6, 5, 0), 0);
	nodes_cut(t, wire); /* sent, nobody heard the answer */
	assert_int_equal(nodes_statements(t, LOW, 11, 5, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(records(t, MID), 15);
	assert_int_equal(mark(t, LOW, "hop"), 15);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 15);
	assert_int_equal(mark(t, LOW, "root"), 15);
}

static bool lose_replies(struct nodes *t, struct message *m)
{
	(void)t;
	return !m->reply;
}

/* Taken, and the answer lost: the next link sends none of it again, and the
 * next answer is for all. */
static void an_answer_that_is_lost(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	unsigned wire = nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	t->hook = lose_replies;
	assert_int_equal(nodes_statements(t, LOW, 6, 5, 0), 0);
	nodes_run(t);
	assert_int_equal(records(t, MID), 10);
	nodes_cut(t, wire);
	t->hook = NULL;
	nodes_clear(t, LOW);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_asked_count(t, LOW, GT__REQUEST__BODY_RECORDS),
	                 0);
	assert_int_equal(mark(t, LOW, "hop"), 5);
	assert_int_equal(nodes_statements(t, LOW, 11, 1, 0), 0);
	nodes_run(t);
	const struct done *d = nodes_asked(t, LOW, GT__REQUEST__BODY_RECORDS);
	assert_int_equal(d->request->records->after, 10);
	assert_int_equal(mark(t, LOW, "hop"), 11);
}

/* What is written and counted of it on the way. */
static void told_exactly(void **state)
{
	struct nodes *t = *state;
	char name[80];
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	assert_int_equal(nodes_statements(t, LOW, 4, 3, 0), 0);
	assert_string_equal(nodes_last(t, LOW, GT_ACT_REPLY, 0)->a.text,
	                    "[\"00000004-0000-0000-0000-000000000000\","
	                    "\"00000005-0000-0000-0000-000000000000\","
	                    "\"00000006-0000-0000-0000-000000000000\"]");
	assert_string_equal(
	        nodes_text(t, LOW,
	                   "SELECT group_concat(actor || ' ' || kind || ' ' || "
	                   "bytes || ' ' || detail, '; ') FROM audit WHERE "
	                   "event='accept'"),
	        "user:test record 700 new=5 again=0; "
	        "user:test record 140 new=1 again=2");
	assert_int_equal(nodes_status(t, LOW)->records_in, 6);
	assert_int_equal(nodes_status(t, LOW)->records_duplicate, 2);
	assert_int_equal(nodes_status(t, LOW)->records_waiting, 6);
	assert_int_equal(nodes_status(t, LOW)->records_unrooted, 6);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	gt_format(name, sizeof name, "records:%s:6",
	          nodes_text(t, LOW,
	                     "SELECT lower(substr(hex(value),1,16)) FROM meta "
	                     "WHERE key='epoch'"));
	for (unsigned i = MID; i <= LOW; i++)
		assert_int_equal(
		        nodes_int(t, i,
		                  "SELECT count(*) FROM audit WHERE kind="
		                  "'record' AND event='%s' AND peer='%s' AND "
		                  "bytes=840 AND transfer='%s' AND "
		                  "detail='count=6'",
		                  i == MID ? "merge" : "send",
		                  t->v[MID + LOW - i].code, name),
		        1);
	assert_int_equal(nodes_status(t, LOW)->records_waiting, 0);
	assert_int_equal(nodes_status(t, LOW)->records_unrooted, 6);
	assert_int_equal(nodes_status(t, MID)->records_in, 6);
	assert_int_equal(nodes_status(t, MID)->records_waiting, 6);
	/* the root has what it has */
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_status(t, TOP)->records_waiting, 0);
	assert_int_equal(nodes_status(t, TOP)->records_unrooted, 0);
	assert_int_equal(nodes_status(t, MID)->records_unrooted, 0);
	nodes_pass(t, 16000);
	assert_int_equal(nodes_status(t, LOW)->records_unrooted, 0);
	/* and nothing is remembered of batches that are through */
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM batch"), 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM batch"), 0);
}

/* One of a body given, in the arena, which ends in '\0'. */
static struct gt_statement statement_of(struct nodes *t, const char *body)
{
	struct gt_statement s;
	char why[200];
	char *copy = gt_arena_str(t->arena, body);
	assert_non_null(copy);
	assert_int_equal(gt_statements_parse(gt_bytes_str(copy), GT_XAPI_ANY,
	                                     NULL, 0, &s, 1, why, sizeof why),
	                 1);
	return s;
}

/* One of id n that voids that of id `target`. */
static struct gt_statement void_of(struct nodes *t, uint32_t n, uint32_t target)
{
	char body[300];
	gt_format(body, sizeof body,
	          "{\"id\":\"%08x-0000-0000-0000-000000000000\",\"actor\":"
	          "{\"mbox\":\"mailto:a@b.cn\"},\"verb\":{\"id\":"
	          "\"http://adlnet.gov/expapi/verbs/voided\"},\"object\":{"
	          "\"objectType\":\"StatementRef\",\"id\":"
	          "\"%08x-0000-0000-0000-000000000000\"}}",
	          n, target);
	return statement_of(t, body);
}

/* All there is of a record is the same at the top. */
static void a_void_goes_up(void **state)
{
	struct nodes *t = *state;
	struct gt_statement s = void_of(t, 7, 6);
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = 1,
	                     .statements = &s,
	                     .count = 1};
	s.authority = "{\"mbox\":\"mailto:county@b.cn\"}";
	s.flags |= GT_STATEMENT_NAMED;
	assert_int_equal(nodes_event(t, LOW, &e), 0);
	t->now.wall_ms += 5000;
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_string_equal(
	        nodes_text(t, TOP,
	                   "SELECT s.code || ' ' || r.origin_seq || ' ' || "
	                   "hex(r.id) || ' ' "
	                   "|| r.flags || ' ' || hex(r.target) || ' ' || "
	                   "(r.stored_ms-r.origin_ms) || ' ' || r.authority "
	                   "FROM record r JOIN stream s ON s.sid=r.stream"),
	        "330106 1 00000007000000000000000000000000 3 "
	        "00000006000000000000000000000000 5000 "
	        "{\"mbox\":\"mailto:county@b.cn\"}");
	const char *form = nodes_text(t, TOP, "SELECT hex(form) FROM record");
	char hex[GT_HEX_ID];
	gt_hex(hex, s.form.b, GT_ID_BYTES);
	assert_int_equal(strcasecmp(form, hex), 0);
	assert_string_equal(
	        nodes_text(t, TOP, "SELECT CAST(body AS TEXT) FROM record"),
	        (const char *)s.body.p);
}

/* Marks, numbers and times go on where they were. */
static void a_restart(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	t->now.wall_ms -= 3600000;
	for (unsigned i = TOP; i <= LOW; i++) {
		nodes_restart(t, i);
		assert_int_equal(nodes_status(t, i)->records_waiting, 0);
		assert_int_equal(nodes_status(t, i)->records_unrooted, 0);
	}
	assert_int_equal(nodes_statements(t, LOW, 6, 1, 0), 0);
	assert_int_equal(
	        nodes_int(t, LOW, "SELECT origin_seq FROM record WHERE seq=6"),
	        6);
	assert_int_equal(
	        nodes_int(t, LOW, "SELECT stored_ms FROM record WHERE seq=6"),
	        t->now.wall_ms); /* in an era of its own */
	assert_int_equal(nodes_status(t, LOW)->records_waiting, 1);
	/* a database of a program that kept no such mark: all may be sent */
	assert_int_equal(mark(t, LOW, "sent"), 5);
	assert_int_equal(sqlite3_exec(t->v[LOW].db,
	                              "DELETE FROM meta WHERE key='sent'", NULL,
	                              NULL, NULL),
	                 SQLITE_OK);
	nodes_restart(t, LOW);
	assert_int_equal(mark(t, LOW, "sent"), 6);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(records(t, MID), 6);
	assert_int_equal(mark(t, LOW, "hop"), 6);
}

/* ---------------------------------------------------- from a script */

struct wire_record {
	uint64_t seq, origin_seq;
	uint32_t id, form;
	const char *origin, *authority;
	size_t id_bytes;
};

static Gt__Record *record_of(struct nodes *t, const struct wire_record *v)
{
	Gt__Record *r = gt_arena_get(t->arena, sizeof *r);
	uint8_t *id = gt_arena_get(t->arena, 80);
	struct gt_statement s = nodes_statement(t, v->id, v->form);
	assert_non_null(r);
	assert_non_null(id);
	memset(id, 0, 80);
	gt__record__init(r);
	memcpy(id, s.id, GT_UUID_BYTES);
	memcpy(id + 40, s.form.b, GT_ID_BYTES);
	r->seq = v->seq;
	r->origin = gt_arena_str(t->arena, v->origin);
	r->origin_epoch = (ProtobufCBinaryData){16, id + 20};
	r->origin_seq = v->origin_seq;
	r->id = (ProtobufCBinaryData){v->id_bytes, id};
	r->form = (ProtobufCBinaryData){32, id + 40};
	r->body = (ProtobufCBinaryData){
	        s.body.n, gt_arena_copy(t->arena, s.body.p, s.body.n)};
	r->authority = gt_arena_str(t->arena, v->authority);
	return r;
}

/* Sent to node i; NULL: it is not answered with marks. */
static const Gt__RecordsReply *send_to(struct nodes *t, unsigned i,
                                       uint32_t peer, uint64_t after,
                                       Gt__Record **records, size_t n)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	m.after = after;
	m.records = records;
	m.n_records = n;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	nodes_clear(t, i);
	nodes_ask(t, i, peer, 30, &q);
	const struct done *d = nodes_replied(t, i, GT__REPLY__BODY_RECORDS);
	return d ? d->reply->records : NULL;
}

static const Gt__RecordsReply *send(struct nodes *t, uint32_t peer,
                                    uint64_t after, const struct wire_record *v,
                                    size_t n)
{
	Gt__Record **list = gt_arena_get(t->arena, n * sizeof *list);
	assert_non_null(list);
	for (size_t i = 0; i < n; i++)
		list[i] = record_of(t, &v[i]);
	return send_to(t, MID, peer, after, list, n);
}

static void batches(void **state)
{
	struct nodes *t = *state;
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	const struct wire_record v[] = {
	        {1, 1, 10, 0, "330106", "", 16},
	        {2, 1, 11, 0, "330106109", "", 16},
	        {5, 2, 12, 0, "330106", "", 16}, /* its own gaps are its own */
	};
	const Gt__RecordsReply *r = send(t, peer, 0, v, 3);
	assert_non_null(r);
	assert_int_equal(r->hop, 5);
	assert_int_equal(r->root, 0);
	assert_int_equal(records(t, MID), 3);
	/* again, and half again with one more */
	r = send(t, peer, 0, v, 3);
	assert_int_equal(r->hop, 5);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT count(*) FROM audit WHERE event='merge'"),
	        1);
	const struct wire_record more[] = {v[2],
	                                   {6, 3, 13, 0, "330106", "", 16}};
	r = send(t, peer, 2, more, 2);
	assert_int_equal(r->hop, 6);
	assert_int_equal(records(t, MID), 4);
	/* a gap: not taken, the mark says from where */
	const struct wire_record late = {9, 4, 14, 0, "330106", "", 16};
	r = send(t, peer, 8, &late, 1);
	assert_int_equal(r->hop, 6);
	assert_int_equal(records(t, MID), 4);
	/* one place, two ids: an origin that forgot what it had numbered */
	const struct wire_record twice = {7, 3, 15, 0, "330106", "", 16};
	r = send(t, peer, 6, &twice, 1);
	assert_int_equal(r->hop, 7);
	assert_int_equal(records(t, MID), 5);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM quarantine"),
	                 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM record r JOIN stream "
	                           "s ON s.sid=r.stream WHERE r.origin_seq=3 "
	                           "AND s.code='330106'"),
	                 2);
	/* it may come again, with or without the place it was given */
	const struct wire_record anew = {8, 3, 15, 0, "330106", "", 16};
	r = send(t, peer, 7, &anew, 1);
	assert_int_equal(r->hop, 8);
	assert_int_equal(records(t, MID), 5);
	/* nothing at all: only the marks */
	r = send(t, peer, 8, NULL, 0);
	assert_int_equal(r->hop, 8);
}

/* What the root takes is at the root. */
static void taken_at_the_root(void **state)
{
	struct nodes *t = *state;
	const struct wire_record v = {3, 1, 10, 0, "3301", "", 16};
	Gt__Record *r = record_of(t, &v);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	const Gt__RecordsReply *m = send_to(t, TOP, peer, 0, &r, 1);
	assert_non_null(m);
	assert_int_equal(m->hop, 3);
	assert_int_equal(m->root, 3);
	assert_int_equal(nodes_int(t, TOP, "SELECT rooted FROM child"), 3);
	/* in another epoch it begins at nothing */
	nodes_child(t, TOP, "3301", &t->v[MID].key);
	assert_int_equal(nodes_int(t, TOP, "SELECT records+rooted FROM child"),
	                 0);
	assert_int_equal(nodes_replied(t, TOP, GT__REPLY__BODY_PROVE)
	                         ->reply->prove->records,
	                 0);
}

/* Of a batch that is set aside, all of it, nothing has to get there first. */
static void rooted_when_all_is_set_aside(void **state)
{
	struct nodes *t = *state;
	const struct wire_record v[] = {{1, 1, 3, 7, "330106", "", 16},
	                                {2, 2, 4, 7, "330106", "", 16}};
	assert_int_equal(nodes_statements(t, MID, 3, 2, 1), 0);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	const Gt__RecordsReply *r = send(t, peer, 0, v, 2);
	assert_non_null(r);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM quarantine"),
	                 2);
	assert_int_equal(r->hop, 2);
	assert_int_equal(r->root, 2);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM batch"), 0);
}

/* Nor is a batch of the epoch before waited for. */
static void forgotten_with_its_epoch(void **state)
{
	struct nodes *t = *state;
	const struct wire_record v = {1, 1, 10, 0, "330106", "", 16};
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	assert_non_null(send(t, peer, 0, &v, 1));
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM batch"), 1);
	nodes_child(t, MID, "330106", &t->v[LOW].key);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM batch"), 0);
}

static void batches_refused(void **state)
{
	struct nodes *t = *state;
	const struct {
		struct wire_record v[2];
		size_t n;
		uint64_t after;
		const char *why;
	} rows[] = {
	        {{{2, 1, 1, 0, "330106", "", 16},
	          {2, 2, 2, 0, "330106", "", 16}},
	         2,
	         0,
	         "records out of order"},
	        {{{1, 1, 1, 0, "330106", "", 16}},
	         1,
	         1,
	         "records out of order"},
	        {{{0, 0, 0, 0, "", "", 0}},
	         0,
	         UINT64_MAX,
	         "a batch of records over the limit"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
		assert_null(send(t, peer, rows[i].after, rows[i].v, rows[i].n));
		assert_true(nodes_dropped(t, MID, rows[i].why));
		assert_int_equal(records(t, MID), 0);
	}
}

/* It was acknowledged, and is in the quarantine of `i`, the last row, and
 * nowhere else. */
static void aside(struct nodes *t, const Gt__RecordsReply *m, uint64_t seq,
                  const char *why)
{
	assert_non_null(m);
	assert_int_equal(m->hop, seq);
	assert_string_equal(nodes_text(t, MID,
	                               "SELECT reason FROM quarantine "
	                               "ORDER BY qid DESC LIMIT 1"),
	                    why);
	assert_string_equal(nodes_text(t, MID,
	                               "SELECT event || ' ' || detail FROM "
	                               "audit WHERE event='quarantine' ORDER "
	                               "BY aid DESC LIMIT 1") +
	                            strlen("quarantine "),
	                    why);
}

/* What is no record under this child is set aside and acknowledged: the stream
 * goes on. */
static void strangers_set_aside(void **state)
{
	static const struct {
		struct wire_record v;
		const char *why;
	} rows[] = {
	        {{0, 1, 1, 0, "330106", "", 15}, "a malformed record"},
	        {{0, 0, 1, 0, "330106", "", 16}, "a malformed record"},
	        {{0, 1, 1, 0, "330107", "", 16},
	         "a record of an origin that is not under the child"},
	        {{0, 1, 1, 0, "3301", "", 16},
	         "a record of an origin that is not under the child"},
	        {{0, 1, 1, 0, "x", "", 16},
	         "a record of an origin that is not under the child"},
	        {{0, 1, 1, 0, "330106-", "", 16},
	         "a record of an origin that is not under the child"},
	};
	struct nodes *t = *state;
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	size_t n = sizeof rows / sizeof *rows;
	for (size_t i = 0; i < n; i++) {
		struct wire_record v = rows[i].v;
		v.seq = i + 1;
		aside(t, send(t, peer, i, &v, 1), v.seq, rows[i].why);
		assert_int_equal(records(t, MID), 0);
	}
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM quarantine"),
	                 (int64_t)n);
	assert_int_equal(nodes_status(t, MID)->records_quarantined, n);
	/* a good one behind them */
	const struct wire_record v = {n + 1, 1, 1, 0, "330106", "", 16};
	assert_int_equal(send(t, peer, n, &v, 1)->hop, n + 1);
	assert_int_equal(records(t, MID), 1);
}

/* Text of exactly n bytes that a name fills up. */
static char *padded(struct nodes *t, const char *before, const char *after,
                    size_t n)
{
	size_t head = strlen(before), tail = strlen(after);
	char *text = gt_arena_get(t->arena, n + 1);
	assert_non_null(text);
	assert_true(n >= head + tail);
	memset(text, 'x', n);
	memcpy(text, before, head);
	memcpy(text + n - tail, after, tail + 1);
	return text;
}

enum { EPOCH, ID, FORM, ORIGIN_SEQ, BODY, TARGET, AUTHORITY, POLICY };

/* Makes one part of a good record that long, or that. */
static void stretch(struct nodes *t, Gt__Record *r, int what, uint64_t value)
{
	size_t n = (size_t)value;
	struct gt_statement s;
	uint8_t *bytes = gt_arena_get(t->arena, 96);
	assert_non_null(bytes);
	switch (what) {
	case EPOCH:
		r->origin_epoch.len = n;
		return;
	case ID:
		r->id.len = n;
		return;
	case FORM:
		r->form.len = n;
		return;
	case ORIGIN_SEQ:
		r->origin_seq = value;
		return;
	case BODY:
		if (n == 0 || n > GT_STATEMENT_MAX) {
			r->body.len = n;
			r->body.data = (uint8_t *)padded(t, "", "", n);
			return;
		}
		s = statement_of(
		        t, padded(t,
		                  "{\"id\":\"0000aaaa-0000-0000-0000-"
		                  "000000000000\",\"actor\":{\"mbox\":"
		                  "\"mailto:a@b.cn\",\"name\":\"",
		                  "\"},\"verb\":{\"id\":\"http://v.cn/1\"},"
		                  "\"object\":{\"id\":\"http://o.cn/1\"}}",
		                  n));
		break;
	case TARGET:
		s = void_of(t, 0xbbbb, 6);
		r->flags = GT_STATEMENT_VOIDS;
		memcpy(bytes + 48, s.target, GT_UUID_BYTES);
		r->target = (ProtobufCBinaryData){n, bytes + 48};
		break;
	case AUTHORITY:
		r->authority = padded(
		        t, "{\"mbox\":\"mailto:a@b.cn\",\"name\":\"", "\"}", n);
		return;
	default:
		r->policy = padded(t, "", "", n);
		return;
	}
	memcpy(bytes, s.id, GT_UUID_BYTES);
	memcpy(bytes + 16, s.form.b, GT_ID_BYTES);
	r->id.data = bytes;
	r->form.data = bytes + 16;
	r->body = (ProtobufCBinaryData){
	        s.body.n, gt_arena_copy(t->arena, s.body.p, s.body.n)};
}

/* Every limit of a record, as it is reached and one beyond. */
static void limits_of_a_record(void **state)
{
	struct nodes *t = *state;
	static const struct {
		int what;
		uint64_t value;
		bool good;
	} rows[] = {
	        {EPOCH, 15, false},
	        {EPOCH, 17, false},
	        {ID, 17, false},
	        {FORM, 31, false},
	        {FORM, 33, false},
	        {ORIGIN_SEQ, INT64_MAX, true},
	        {ORIGIN_SEQ, (uint64_t)INT64_MAX + 1, false},
	        {BODY, 0, false},
	        {BODY, GT_STATEMENT_MAX, true},
	        {BODY, GT_STATEMENT_MAX + 1, false},
	        {TARGET, 15, false},
	        {TARGET, 16, true},
	        {TARGET, 17, false},
	        {AUTHORITY, GT_TEXT_MAX, true},
	        {AUTHORITY, GT_TEXT_MAX + 1, false},
	        {POLICY, GT_TEXT_MAX, true},
	        {POLICY, GT_TEXT_MAX + 1, false},
	};
	int64_t taken = 0;
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct wire_record v = {i + 1,    i + 1, i + 1, 0,
		                              "330106", "",    16};
		Gt__Record *r = record_of(t, &v);
		stretch(t, r, rows[i].what, rows[i].value);
		const Gt__RecordsReply *m = send_to(t, MID, peer, i, &r, 1);
		taken += rows[i].good;
		assert_int_equal(records(t, MID), taken);
		assert_non_null(m);
		assert_int_equal(m->hop, i + 1);
		if (!rows[i].good)
			aside(t, m, i + 1, "a malformed record");
	}
	/* of a body too long to be one the beginning is kept */
	assert_int_equal(
	        nodes_int(t, MID, "SELECT max(length(body)) FROM quarantine"),
	        GT_STATEMENT_MAX);
}

/* A child lies about what it hands up, or passes on a lie: each of these once
 * broke every page above that held it. */
static void lies_of_a_record(void **state)
{
	struct nodes *t = *state;
	static const struct {
		const char *body, *authority, *why;
		int form, id, flags;
	} rows[] = {
	        {"[1,2]", "", "must be an object", 0, 0, 0},
	        {"{\"n\":1}", "",
	         "n: no such property in xAPI; what is your own goes into "
	         "extensions",
	         0, 0, 0},
	        {"not json", "", "not JSON, or nested too deep", 0, 0, 0},
	        {NULL, "}, \"stolen\":{",
	         "authority: not JSON: a character is not expected there at "
	         "byte 0",
	         0, 0, 0},
	        {NULL, "\"me\"", "authority: must be an object", 0, 0, 0},
	        {NULL, "{\"mbox\":\"x\"}",
	         "authority: mbox: not mailto: and an address; write it as "
	         "mailto:name@example.org",
	         0, 0, 0},
	        {NULL, "{\"mbox\":\"mailto:a@b.cn\"},\"n\":{}",
	         "authority: not JSON: something follows it at byte 24", 0, 0,
	         0},
	        {NULL, "", "the form is not its statement's", 1, 0, 0},
	        {NULL, "", "the id is not its statement's", 0, 1, 0},
	        {NULL, "", "what it voids is not what its statement voids", 0,
	         0, 1},
	};
	size_t n = sizeof rows / sizeof *rows;
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	for (uint32_t i = 0; i < n; i++) {
		const struct wire_record v = {i + 1,    i + 1, i + 1, 0,
		                              "330106", "",    16};
		Gt__Record *r = record_of(t, &v);
		if (rows[i].body)
			r->body = (ProtobufCBinaryData){
			        strlen(rows[i].body),
			        gt_arena_copy(t->arena, rows[i].body,
			                      strlen(rows[i].body))};
		r->authority = gt_arena_str(t->arena, rows[i].authority);
		r->form.data[7] ^= (uint8_t)rows[i].form;
		r->id.data[7] ^= (uint8_t)rows[i].id;
		r->flags = (uint32_t)rows[i].flags;
		if (r->flags)
			r->target = r->id;
		aside(t, send_to(t, MID, peer, i, &r, 1), i + 1, rows[i].why);
		assert_int_equal(records(t, MID), 0);
	}
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM quarantine"),
	                 (int64_t)n);
	/* the hop above is not even asked, and the marks go up to the end */
	nodes_wire(t, MID, TOP, true);
	const struct wire_record v = {n + 1, n + 1, 99, 0, "330106", "", 16};
	assert_int_equal(send(t, peer, n, &v, 1)->hop, n + 1);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 1);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM quarantine"),
	                 0);
	assert_int_equal(nodes_int(t, MID, "SELECT records=rooted FROM child"),
	                 0);
	nodes_pass(t, 16000);
	assert_int_equal(mark(t, MID, "root"), 1);
}

/* A record that rotted on this disk is not passed on as good: it is set aside
 * and told once, and what lies behind it goes up. */
static void a_damaged_record_stays(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 6, 0), 0);
	static const char spoil[] =
	        "UPDATE record SET body=x'5b315d' WHERE seq=2;"
	        "UPDATE record SET body=replace(CAST(body AS TEXT),'a@b','q@b')"
	        " WHERE seq=3;"
	        "UPDATE record SET stream=77 WHERE seq=4;"
	        "UPDATE record SET authority='{' WHERE seq=6";
	assert_int_equal(sqlite3_exec(t->v[LOW].db, spoil, NULL, NULL, NULL),
	                 SQLITE_OK);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(records(t, MID), 2);
	assert_int_equal(mark(t, LOW, "hop"), 5);
	assert_int_equal(nodes_status(t, LOW)->records_damaged, 4);
	assert_string_equal(
	        nodes_text(t, LOW,
	                   "SELECT group_concat(via || ' ' || origin_seq || "
	                   "' ' || reason, '; ') FROM quarantine"),
	        "330106 2 damaged here: must be an object; "
	        "330106 3 damaged here: the form is not its statement's; "
	        "330106 4 damaged here: its stream is lost; "
	        "330106 6 damaged here: authority: not JSON: it ends too early "
	        "at byte 1");
	assert_string_equal(
	        nodes_last(t, LOW, GT_ACT_LOG, 0)->a.text,
	        "4 records are damaged here and are not sent "
	        "(authority: not JSON: it ends too early at byte 1); "
	        "guantong -C DIR records quarantine ls lists them");
	/* told once, whatever comes */
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(nodes_statements(t, LOW, 7, 1, 0), 0);
	nodes_run(t);
	assert_int_equal(mark(t, LOW, "hop"), 7);
	assert_int_equal(records(t, MID), 3);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='damage'"),
	                 4);
}

/* More of them than a turn looks at. */
static void many_damaged_records(void **state)
{
	enum { MANY = 10 * GT_RECORDS_ROWS };
	struct nodes *t = *state;
	for (uint32_t n = 1; n <= MANY; n += 500)
		assert_int_equal(nodes_statements(t, LOW, n, 500, 0), 0);
	int64_t last = records(t, LOW);
	assert_int_equal(
	        sqlite3_exec(t->v[LOW].db,
	                     "UPDATE record SET body=x'5b5d' WHERE seq<5000",
	                     NULL, NULL, NULL),
	        SQLITE_OK);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	nodes_pass(t, 20000);
	assert_int_equal(mark(t, LOW, "hop"), last);
	assert_int_equal(records(t, MID), last - 4999);
}

/* Who has looked at what was set aside may give it up. */
static void quarantine_dropped(void **state)
{
	struct nodes *t = *state;
	struct gt_event e = {.type = GT_EV_QUARANTINE_DROP,
	                     .number = 1,
	                     .actor = "user:test"};
	assert_int_equal(nodes_event(t, MID, &e), 0);
	assert_int_equal(nodes_last(t, MID, GT_ACT_REPLY, 0)->a.status,
	                 -GT_EUNKNOWN);
	quarantined_where_they_meet(state);
	assert_int_equal(nodes_event(t, MID, &e), 0);
	assert_string_equal(nodes_last(t, MID, GT_ACT_REPLY, 0)->a.text,
	                    "{\"dropped\":1}");
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM quarantine"),
	                 0);
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT actor || ' ' || subject || ' ' || detail "
	                   "FROM audit WHERE event='drop'"),
	        "user:test 00000003-0000-0000-0000-000000000000 same id, "
	        "other contents");
}

static void limits_of_a_batch(void **state)
{
	struct nodes *t = *state;
	static struct wire_record v[GT_RECORDS_ROWS + 1];
	const struct wire_record last = {INT64_MAX, 1, 1, 0, "330106", "", 16};
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	for (uint32_t i = 0; i <= GT_RECORDS_ROWS; i++)
		v[i] = (struct wire_record){i + 1,    i + 2, i + 2, 0,
		                            "330106", "",    16};
	assert_null(send(t, peer, 0, v, GT_RECORDS_ROWS + 1));
	assert_true(nodes_dropped(t, MID, "a batch of records over the limit"));
	peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	const Gt__RecordsReply *m = send(t, peer, 0, v, GT_RECORDS_ROWS);
	assert_non_null(m);
	assert_int_equal(m->hop, GT_RECORDS_ROWS);
	/* a child may number as far as a number goes */
	m = send(t, peer, GT_RECORDS_ROWS, &last, 1);
	assert_non_null(m);
	assert_int_equal(m->hop, INT64_MAX);
	m = send(t, peer, INT64_MAX, NULL, 0);
	assert_non_null(m);
	struct wire_record beyond = last;
	beyond.seq++;
	assert_null(send(t, peer, INT64_MAX, &beyond, 1));
	assert_true(nodes_dropped(t, MID, "records out of order"));
}

/* An answer that says what is known already: nobody need look anew. */
static void an_answer_that_is_no_news(void **state)
{
	static const uint8_t epoch[16] = {1};
	struct nodes *t = *state;
	uint32_t peer = nodes_parent(t, LOW, &t->v[MID].key, epoch, NULL);
	Gt__Reply r = GT__REPLY__INIT;
	Gt__RecordsReply m = GT__RECORDS_REPLY__INIT;
	r.body_case = GT__REPLY__BODY_RECORDS;
	r.records = &m;
	uint64_t tokens[2];
	for (unsigned k = 0; k < 2; k++) {
		nodes_clear(t, LOW);
		assert_int_equal(nodes_statements(t, LOW, k + 1, 1, 0), 0);
		const struct done *d =
		        nodes_asked(t, LOW, GT__REQUEST__BODY_RECORDS);
		assert_non_null(d);
		tokens[k] = d->a.token;
	}
	m.hop = 2; /* both came before the first answer went */
	for (unsigned k = 0; k < 2; k++) {
		const struct gt_node_status before = *nodes_status(t, LOW);
		nodes_answer(t, LOW, peer, tokens[k], &r, (struct gt_bytes){0});
		assert_int_equal(mark(t, LOW, "hop"), 2);
		const struct gt_node_status *after = nodes_status(t, LOW);
		assert_int_equal(after->generation - before.generation, k == 0);
		assert_int_equal(after->commits - before.commits, k == 0);
	}
}

/* What goes up is cut by rows and by bytes, and no more than two batches are
 * under way. */
static void batches_under_way(void **state)
{
	static const uint8_t epoch[16] = {1};
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 1100, 0), 0);
	uint32_t peer = nodes_parent(t, LOW, &t->v[MID].key, epoch, NULL);
	assert_int_equal(nodes_asked_count(t, LOW, GT__REQUEST__BODY_RECORDS),
	                 2);
	const struct done *d = nodes_asked(t, LOW, GT__REQUEST__BODY_RECORDS);
	assert_int_equal(d->request->records->after, GT_RECORDS_ROWS);
	assert_int_equal(nodes_rows(d->request->records), GT_RECORDS_ROWS);
	assert_int_equal(mark(t, LOW, "sent"), 2 * GT_RECORDS_ROWS);
	/* each answer makes room for one more */
	Gt__Reply r = GT__REPLY__INIT;
	Gt__RecordsReply m = GT__RECORDS_REPLY__INIT;
	m.hop = GT_RECORDS_ROWS;
	r.body_case = GT__REPLY__BODY_RECORDS;
	r.records = &m;
	uint64_t second = d->a.token;
	do
		d--;
	while (!d->request ||
	       d->request->body_case != GT__REQUEST__BODY_RECORDS);
	nodes_answer(t, LOW, peer, d->a.token, &r, (struct gt_bytes){0});
	assert_int_equal(mark(t, LOW, "hop"), GT_RECORDS_ROWS);
	d = nodes_asked(t, LOW, GT__REQUEST__BODY_RECORDS);
	assert_int_equal(nodes_rows(d->request->records),
	                 1100 - 2 * GT_RECORDS_ROWS);
	assert_int_equal(mark(t, LOW, "sent"), 1100);
	/* the second was not taken: when nothing is under way, all from there
	 * goes again */
	uint64_t third = d->a.token;
	nodes_clear(t, LOW);
	nodes_answer(t, LOW, peer, second, &r, (struct gt_bytes){0});
	assert_null(nodes_asked(t, LOW, GT__REQUEST__BODY_RECORDS));
	nodes_answer(t, LOW, peer, third, &r, (struct gt_bytes){0});
	d = nodes_asked(t, LOW, GT__REQUEST__BODY_RECORDS);
	assert_non_null(d);
	assert_int_equal(d->request->records->after, 1024);
	assert_int_equal(mark(t, LOW, "hop"), GT_RECORDS_ROWS);
}

/* Authorities count too: a batch must fit a message at every hop. */
static void long_authorities(void **state)
{
	struct nodes *t = *state;
	enum { EACH = 300 };
	static struct wire_record v[EACH];
	const char *text = padded(t, "{\"mbox\":\"mailto:a@b.cn\",\"name\":\"",
	                          "\"}", GT_TEXT_MAX);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	for (uint32_t i = 0; i < EACH; i++)
		v[i] = (struct wire_record){i + 1,    i + 1, i + 1, 0,
		                            "330106", text,  16};
	assert_non_null(send(t, peer, 0, v, 100));
	assert_non_null(send(t, peer, 100, v + 100, 100));
	assert_non_null(send(t, peer, 200, v + 200, 100));
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), EACH);
	for (size_t k = 0; k < t->v[MID].nlog; k++)
		assert_true(t->v[MID].log[k].a.head.n < GT_HEAD_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(up_two_hops),
	        T(handed_in_again),
	        T(the_same_from_two_sides),
	        T(quarantined_where_they_meet),
	        T(a_link_cut_between),
	        T(an_answer_that_is_lost),
	        T(told_exactly),
	        T(a_void_goes_up),
	        cmocka_unit_test_setup_teardown(a_restart, nodes_three_on_disk,
	                                        nodes_gone),
	        T(batches),
	        T(taken_at_the_root),
	        T(rooted_when_all_is_set_aside),
	        T(forgotten_with_its_epoch),
	        T(batches_refused),
	        T(strangers_set_aside),
	        T(limits_of_a_record),
	        T(lies_of_a_record),
	        cmocka_unit_test_setup_teardown(a_damaged_record_stays,
	                                        nodes_three_on_disk,
	                                        nodes_gone),
	        T(many_damaged_records),
	        T(quarantine_dropped),
	        T(limits_of_a_batch),
	        T(an_answer_that_is_no_news),
	        T(batches_under_way),
	        T(long_authorities),
	};
	return cmocka_run_group_tests_name("node_record", tests, NULL, NULL);
}
