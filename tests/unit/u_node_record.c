/* u_node_record.c: learner records through whole cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

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
	                           "'330106' AND CAST(r.body AS TEXT) = "
	                           "'{\"n\":' || r.origin_seq || "
	                           "',\"form\":0}'"),
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
	        "user:test record 80 new=5 again=0; "
	        "user:test record 16 new=1 again=2");
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
		                  "bytes=96 AND transfer='%s' AND "
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

/* All there is of a record is the same at the top. */
static void a_void_goes_up(void **state)
{
	struct nodes *t = *state;
	struct gt_statement s = {.body = gt_bytes_str("{}"),
	                         .authority = "the county",
	                         .flags = GT_STATEMENT_VOIDS};
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .token = 1,
	                     .statements = &s,
	                     .count = 1};
	gt_put32(s.id, 7);
	gt_put32(s.target, 6);
	gt_put32(s.form.b, 8);
	assert_int_equal(nodes_event(t, LOW, &e), 0);
	t->now.wall_ms += 5000;
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_string_equal(
	        nodes_text(t, TOP,
	                   "SELECT s.code || ' ' || r.origin_seq || ' ' || "
	                   "hex(r.id) || ' ' || hex(substr(r.form,1,4)) || ' ' "
	                   "|| r.flags || ' ' || hex(r.target) || ' ' || "
	                   "(r.stored_ms-r.origin_ms) || ' ' || r.authority || "
	                   "' ' || CAST(r.body AS TEXT) FROM record r JOIN "
	                   "stream s ON s.sid=r.stream"),
	        "330106 1 00000007000000000000000000000000 00000008 1 "
	        "00000006000000000000000000000000 5000 the county {}");
}

/* Marks, numbers and times go on where they were. */
static void a_restart(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	int64_t latest = nodes_int(t, LOW, "SELECT max(stored_ms) FROM record");
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
	        latest);
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
	uint8_t *id = gt_arena_get(t->arena, 64);
	assert_non_null(r);
	assert_non_null(id);
	memset(id, 0, 64);
	gt__record__init(r);
	gt_put32(id, v->id);
	gt_put32(id + 32, v->form);
	r->seq = v->seq;
	r->origin = gt_arena_str(t->arena, v->origin);
	r->origin_epoch = (ProtobufCBinaryData){16, id + 16};
	r->origin_seq = v->origin_seq;
	r->id = (ProtobufCBinaryData){v->id_bytes, id};
	r->form = (ProtobufCBinaryData){32, id + 32};
	r->body = (ProtobufCBinaryData){2, id};
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
	char *longest = gt_arena_get(t->arena, GT_TEXT_MAX + 2);
	memset(longest, 'x', GT_TEXT_MAX + 1);
	longest[GT_TEXT_MAX + 1] = '\0';
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
	        {{{1, 1, 1, 0, "330106", "", 15}}, 1, 0, "a malformed record"},
	        {{{1, 0, 1, 0, "330106", "", 16}}, 1, 0, "a malformed record"},
	        {{{1, 1, 1, 0, "330106", longest, 16}},
	         1,
	         0,
	         "a malformed record"},
	        {{{1, 1, 1, 0, "330107", "", 16}},
	         1,
	         0,
	         "a record of an origin that is not under the child"},
	        {{{1, 1, 1, 0, "3301", "", 16}},
	         1,
	         0,
	         "a record of an origin that is not under the child"},
	        {{{1, 1, 1, 0, "x", "", 16}},
	         1,
	         0,
	         "a record of an origin that is not under the child"},
	        {{{1, 1, 1, 0, "330106-", "", 16}},
	         1,
	         0,
	         "a record of an origin that is not under the child"},
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

/* Every limit of a record, as it is reached and one beyond. */
static void limits_of_a_record(void **state)
{
	struct nodes *t = *state;
	enum { EPOCH, ID, FORM, ORIGIN_SEQ, BODY, TARGET, AUTHORITY, POLICY };
	static uint8_t body[GT_STATEMENT_MAX + 1];
	const struct {
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
	        {BODY, 1, true},
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
	uint64_t last = 0;
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *text = gt_arena_get(t->arena, GT_TEXT_MAX + 2);
		size_t n = (size_t)rows[i].value;
		const struct wire_record v = {last + 1, i + 1, i + 1, 0,
		                              "330106", "",    16};
		Gt__Record *r = record_of(t, &v);
		switch (rows[i].what) {
		case EPOCH:
			r->origin_epoch.len = n;
			break;
		case ID:
			r->id.len = n;
			break;
		case FORM:
			r->form.len = n;
			break;
		case ORIGIN_SEQ:
			r->origin_seq = rows[i].value;
			break;
		case BODY:
			r->body = (ProtobufCBinaryData){n, body};
			break;
		case TARGET:
			r->flags = GT_STATEMENT_VOIDS;
			r->target = (ProtobufCBinaryData){n, body};
			break;
		default:
			memset(text, 'x', n);
			text[n] = '\0';
			*(rows[i].what == POLICY ? &r->policy : &r->authority) =
			        text;
			break;
		}
		const Gt__RecordsReply *m = send_to(t, MID, peer, last, &r, 1);
		assert_int_equal(m != NULL, rows[i].good);
		taken += rows[i].good;
		assert_int_equal(records(t, MID), taken);
		last++;
		if (m)
			continue;
		assert_true(nodes_dropped(t, MID, "a malformed record"));
		/* it comes again in a new epoch, and counts anew */
		last = 0;
		peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	}
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
	assert_int_equal(d->request->records->n_records, GT_RECORDS_ROWS);
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
	assert_int_equal(d->request->records->n_records,
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
	char *text = gt_arena_get(t->arena, GT_TEXT_MAX + 1);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	memset(text, 'x', GT_TEXT_MAX);
	text[GT_TEXT_MAX] = '\0';
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
	        T(limits_of_a_record),
	        T(limits_of_a_batch),
	        T(an_answer_that_is_no_news),
	        T(batches_under_way),
	        T(long_authorities),
	};
	return cmocka_run_group_tests_name("node_record", tests, NULL, NULL);
}
