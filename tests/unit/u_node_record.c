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

/* ---------------------------------------------------- from a script */

struct wire_record {
	uint64_t seq, origin_seq;
	uint32_t id, form;
	const char *origin, *authority;
	size_t id_bytes;
};

static const Gt__RecordsReply *send(struct nodes *t, uint32_t peer,
                                    uint64_t after, const struct wire_record *v,
                                    size_t n)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	m.after = after;
	m.records = gt_arena_get(t->arena, n * sizeof *m.records);
	assert_non_null(m.records);
	for (size_t i = 0; i < n; i++) {
		Gt__Record *r = gt_arena_get(t->arena, sizeof *r);
		uint8_t *id = gt_arena_get(t->arena, 64);
		assert_non_null(r);
		assert_non_null(id);
		memset(id, 0, 64);
		gt__record__init(r);
		gt_put32(id, v[i].id);
		gt_put32(id + 32, v[i].form);
		r->seq = v[i].seq;
		r->origin = gt_arena_str(t->arena, v[i].origin);
		r->origin_epoch = (ProtobufCBinaryData){16, id + 16};
		r->origin_seq = v[i].origin_seq;
		r->id = (ProtobufCBinaryData){v[i].id_bytes, id};
		r->form = (ProtobufCBinaryData){32, id + 32};
		r->body = (ProtobufCBinaryData){2, id};
		r->authority = gt_arena_str(t->arena, v[i].authority);
		m.records[m.n_records++] = r;
	}
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	nodes_clear(t, MID);
	nodes_ask(t, MID, peer, 30, &q);
	const struct done *d = nodes_replied(t, MID, GT__REPLY__BODY_RECORDS);
	return d ? d->reply->records : NULL;
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
	        T(batches),
	        T(batches_refused),
	        T(long_authorities),
	};
	return cmocka_run_group_tests_name("node_record", tests, NULL, NULL);
}
