/* u_corrupt.c: a child hands up a thousand envelopes and bodies that are not what
 * they say, among honest ones. Each is set aside where it first arrives,
 * acknowledged, counted and told; none goes on, none breaks what readers ask, and
 * the honest ones reach the root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "read_inside.h"
#include "statement_draw.h"

enum { TOP, MID, LOW };
enum { RECORDS = 1160, EACH = 40, HONEST = 9 /* one in so many */ };

struct liar {
	struct nodes *t;
	struct draw d;
	uint64_t seq;
	unsigned honest, corrupt;
};

/* A statement of every shape, in an envelope that fits. */
static Gt__Record *honest(struct liar *l)
{
	struct nodes *t = l->t;
	struct gt_statement s;
	char why[300];
	uint8_t *room = gt_arena_get(t->arena, 128);
	Gt__Record *r = gt_arena_get(t->arena, sizeof *r);
	uint8_t ids[1][GT_UUID_BYTES] = {{0xab, [6] = 0x40, [8] = 0x80}};
	assert_true(room && r);
	gt_put32(ids[0] + 10, (uint32_t)l->seq);
	draw_statement(&l->d);
	int n = gt_statements_parse(gt_buffer_bytes(&l->d.o), GT_XAPI_2,
	                            (const uint8_t(*)[GT_UUID_BYTES])ids, 1, &s,
	                            1, why, sizeof why);
	assert_int_equal(n, 1);
	gt__record__init(r);
	memset(room, 7, GT_EPOCH_BYTES);
	memcpy(room + 16, s.id, GT_UUID_BYTES);
	memcpy(room + 32, s.form.b, GT_ID_BYTES);
	memcpy(room + 64, s.target, GT_UUID_BYTES);
	r->seq = l->seq;
	r->origin = gt_arena_str(t->arena, "330106");
	r->origin_epoch = (ProtobufCBinaryData){GT_EPOCH_BYTES, room};
	r->origin_seq = l->seq;
	r->id = (ProtobufCBinaryData){GT_UUID_BYTES, room + 16};
	r->form = (ProtobufCBinaryData){GT_ID_BYTES, room + 32};
	r->flags = s.flags;
	if (s.flags & GT_STATEMENT_VOIDS)
		r->target = (ProtobufCBinaryData){GT_UUID_BYTES, room + 64};
	r->stored_ms = 1795386457120;
	r->body = (ProtobufCBinaryData){
	        s.body.n, gt_arena_copy(t->arena, s.body.p, s.body.n)};
	r->authority = gt_arena_str(t->arena, "{\"mbox\":\"mailto:k@b.cn\"}");
	return r;
}

/* Whether the body alone can tell that it was altered: of what no form keeps,
 * such as a verb's display, nobody can. */
static bool tells(const Gt__Record *r)
{
	struct gt_statement said = {
	        .flags = r->flags,
	        .body = gt_bytes_of(r->body.data, r->body.len),
	        .authority = r->authority};
	char why[300];
	memcpy(said.id, r->id.data, GT_UUID_BYTES);
	memcpy(said.form.b, r->form.data, GT_ID_BYTES);
	if (r->target.len)
		memcpy(said.target, r->target.data, GT_UUID_BYTES);
	return gt_statement_verify(&said, why, sizeof why) != 0;
}

static void damage(struct liar *l, Gt__Record *r)
{
	do {
		l->d.o.n = 0;
		gt_buffer_add(&l->d.o, r->body.data, r->body.len);
		draw_damage(&l->d);
		r->body = (ProtobufCBinaryData){
		        l->d.o.n,
		        gt_arena_copy(l->t->arena, l->d.o.p, l->d.o.n)};
	} while (l->d.o.n > 0 && !tells(r));
}

static void corrupt(struct liar *l, Gt__Record *r)
{
	static const char *const who[] = {
	        "",
	        "null",
	        "[]",
	        "{}",
	        "{",
	        "\"me\"",
	        "{\"mbox\":\"mailto:a@b.cn\"},\"x\":{",
	        "\\u0000",
	        "{\"mbox\":\"a@b.cn\"}",
	        "\xff"};
	static const char *const where[] = {"33", "3301", "330107", "330106-",
	                                    "",   "x",    "33010"};
	uint32_t at = draw(&l->d, 32);
	switch (draw(&l->d, 12)) {
	case 0:
		r->id.data[at / 2] ^= (uint8_t)(1u << at % 8);
		/* one without an id of its own has whichever is said */
		if (!tells(r))
			r->form.data[0] ^= 1;
		break;
	case 1:
		r->form.data[at] ^= (uint8_t)(1u << at % 8);
		break;
	case 2:
		r->flags ^= GT_STATEMENT_VOIDS;
		r->target = (ProtobufCBinaryData){GT_UUID_BYTES, r->id.data};
		break;
	case 3:
		r->flags |= GT_STATEMENT_VOIDS;
		r->target = (ProtobufCBinaryData){at % 16, r->id.data};
		break;
	case 4:
		r->authority =
		        gt_arena_str(l->t->arena, who[1 + draw(&l->d, 9)]);
		break;
	case 5:
		r->origin = gt_arena_str(l->t->arena, PICK(&l->d, where));
		break;
	case 6:
		r->id.len = at % 16;
		break;
	case 7:
		r->origin_epoch.len = at % 16;
		break;
	case 8:
		r->origin_seq = at % 2 ? 0 : UINT64_MAX;
		break;
	case 9:
		r->body.len = at % 2 ? 0 : r->body.len - 1;
		break;
	default:
		damage(l, r);
	}
}

static void send(struct liar *l, uint32_t peer, Gt__Record **list, size_t n)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	m.after = list[0]->seq - 1;
	m.records = list;
	m.n_records = n;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	nodes_clear(l->t, MID);
	nodes_ask(l->t, MID, peer, 30, &q);
	const struct done *d =
	        nodes_replied(l->t, MID, GT__REPLY__BODY_RECORDS);
	assert_non_null(d);
	assert_int_equal(d->reply->records->hop, list[n - 1]->seq);
}

static int64_t count(struct nodes *t, unsigned i, const char *what)
{
	return nodes_int(t, i, "SELECT count(*) FROM %s", what);
}

/* Every record there is, is given out; none is a gap. */
static void readable(struct nodes *t, unsigned i, unsigned records)
{
	sqlite3_stmt *s;
	unsigned n = 0;
	char why[GT_GAP_WHY];
	assert_int_equal(sqlite3_prepare_v2(t->v[i].db,
	                                    "SELECT id, body, form, flags, "
	                                    "target, authority FROM record",
	                                    -1, &s, NULL),
	                 SQLITE_OK);
	for (; sqlite3_step(s) == SQLITE_ROW; n++) {
		struct gt_statement said = {
		        .body = gt_bytes_of(sqlite3_column_blob(s, 1),
		                            (size_t)sqlite3_column_bytes(s, 1)),
		        .flags = (uint32_t)sqlite3_column_int(s, 3),
		        .authority = (const char *)sqlite3_column_text(s, 5)};
		memcpy(said.id, sqlite3_column_blob(s, 0), GT_UUID_BYTES);
		memcpy(said.form.b, sqlite3_column_blob(s, 2), GT_ID_BYTES);
		if (sqlite3_column_bytes(s, 4) == GT_UUID_BYTES)
			memcpy(said.target, sqlite3_column_blob(s, 4),
			       GT_UUID_BYTES);
		assert_int_equal(gt_statement_verify(&said, why, sizeof why),
		                 0);
		char *text = gt_statement_render_at(said.body, said.id, 0, "x",
		                                    said.authority);
		assert_non_null(text);
		free(text);
	}
	sqlite3_finalize(s);
	assert_int_equal(n, records);
}

static void a_thousand_lies(void **state)
{
	struct nodes *t = *state;
	struct liar l = {
	        .t = t,
	        .d = {.random = 2463534242u, .nuls = true, .modern = true}};
	static struct gt_node_status s;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	while (l.seq < RECORDS) {
		Gt__Record *list[EACH];
		for (size_t i = 0; i < EACH; i++) {
			l.seq++;
			list[i] = honest(&l);
			if (l.seq % HONEST == 0) {
				l.honest++;
				continue;
			}
			corrupt(&l, list[i]);
			l.corrupt++;
		}
		send(&l, peer, list, EACH);
		nodes_run(t);
		gt_node_status(t->v[MID].node, &s);
		assert_int_equal(s.records_quarantined, l.corrupt);
		assert_int_equal(count(t, MID, "record"), l.honest);
	}
	assert_true(l.corrupt >= 1000);
	nodes_pass(t, 20000);
	assert_int_equal(count(t, MID, "quarantine"), l.corrupt);
	assert_int_equal(count(t, MID, "audit WHERE event='quarantine'"),
	                 l.corrupt);
	/* nothing of it goes beyond */
	assert_int_equal(count(t, TOP, "record"), l.honest);
	assert_int_equal(count(t, TOP, "quarantine"), 0);
	for (unsigned i = TOP; i <= MID; i++)
		readable(t, i, l.honest);
	gt_buffer_free(&l.d.o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_thousand_lies, nodes_three,
	                                        nodes_gone),
	};
	return cmocka_run_group_tests_name("corrupt", tests, NULL, NULL);
}
