/* u_sealed.c: records are under the seal of where they were handed in, all the
 * way up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"
#include "records_inside.h"
#include "sealed.h"
#include "sheaf.h"

enum { TOP, MID, LOW };

static int64_t records(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM record");
}

/* Records of node i that are a leaf of some seal of `by`. */
static int64_t sealed(struct nodes *t, unsigned i, const char *by)
{
	return nodes_int(t, i,
	                 "SELECT count(*) FROM record r JOIN sealed d ON r.seq"
	                 " BETWEEN d.seq AND d.seq+d.n-1 JOIN seal s ON"
	                 " s.sid=d.sid AND s.by='%s'",
	                 by);
}

static void run_sql(struct nodes *t, unsigned i, const char *sql)
{
	assert_int_equal(sqlite3_exec(t->v[i].db, sql, NULL, NULL, NULL),
	                 SQLITE_OK);
}

static const struct gt_node_status *status(struct nodes *t, unsigned i)
{
	return nodes_status(t, i);
}

/* All seals of node i are good for what lies there and its gaps. */
static void all_good(struct nodes *t, unsigned i)
{
	sqlite3_stmt *st, *of;
	assert_int_equal(sqlite3_prepare_v2(
	                         t->v[i].db,
	                         "SELECT sid,by,count,signature,gaps FROM seal",
	                         -1, &st, NULL),
	                 SQLITE_OK);
	assert_int_equal(
	        sqlite3_prepare_v2(
	                t->v[i].db,
	                "SELECT r.seq-d.seq+d.leaf,r.id,r.body,r.flags,"
	                "r.origin_ms,s.code,r.policy,r.authority FROM sealed d "
	                "JOIN record r ON r.seq BETWEEN d.seq AND d.seq+d.n-1 "
	                "JOIN stream s ON s.sid=r.stream WHERE d.sid=?1",
	                -1, &of, NULL),
	        SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		static struct gt_id leaves[GT_MERKLE_MAX];
		static struct gt_gap gaps[GT_MERKLE_MAX];
		bool here[GT_MERKLE_MAX] = {false};
		struct gt_id root;
		uint32_t count = (uint32_t)sqlite3_column_int(st, 2);
		const char *by = (const char *)sqlite3_column_text(st, 1);
		const struct one *maker = &t->v[TOP];
		for (unsigned k = 0; k < NODES_MAX; k++)
			if (strcmp(t->v[k].code, by) == 0)
				maker = &t->v[k];
		(void)sqlite3_bind_int64(of, 1, sqlite3_column_int64(st, 0));
		while (sqlite3_step(of) == SQLITE_ROW) {
			Gt__Record r = GT__RECORD__INIT;
			int k = sqlite3_column_int(of, 0);
			r.id = gt_lend_bytes(gt_col_bytes(of, 1));
			r.body = gt_lend_bytes(gt_col_bytes(of, 2));
			r.flags = (uint32_t)sqlite3_column_int(of, 3);
			r.stored_ms = sqlite3_column_int64(of, 4);
			r.origin = gt_lend(gt_col_text(of, 5));
			r.policy = gt_lend(gt_col_text(of, 6));
			r.authority = gt_lend(gt_col_text(of, 7));
			gt_record_leaf(&leaves[k], &r);
			here[k] = true;
		}
		sqlite3_reset(of);
		int n = gt_gaps_read(gaps, gt_col_bytes(st, 4), count);
		assert_true(n >= 0);
		const struct gt_merkle tree = {.leaves = leaves,
		                               .here = here,
		                               .n = count,
		                               .gaps = gaps,
		                               .ngaps = (size_t)n};
		assert_true(gt_merkle_root(&tree, &root));
		uint32_t hint;
		Gt__Member m = GT__MEMBER__INIT;
		const struct gt_record_seal seal = {
		        .by = by,
		        .count = count,
		        .signature = gt_col_bytes(st, 3)};
		m.key = gt_lend_bytes(
		        gt_bytes_of(maker->key.public, GT_KEY_BYTES));
		assert_int_equal(gt_record_seal_check(&m, &seal, &root, &hint),
		                 0);
	}
	sqlite3_finalize(of);
	sqlite3_finalize(st);
}

static void through_two_hops(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 700, 0), 0);
	nodes_run(t);
	nodes_wire(t, MID, TOP, true);
	assert_int_equal(nodes_statements(t, MID, 2001, 30, 0), 0);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 730);
	assert_int_equal(sealed(t, LOW, "330106"), 700);
	assert_int_equal(sealed(t, MID, "330106"), 700);
	assert_int_equal(sealed(t, TOP, "330106"), 700);
	assert_int_equal(sealed(t, TOP, "3301"), 30);
	for (unsigned i = TOP; i <= LOW; i++)
		all_good(t, i);
	assert_int_equal(status(t, TOP)->records_unsealed, 0);
	assert_int_equal(status(t, MID)->records_unsealed, 0);
	/* in runs: not a row for each record */
	assert_true(nodes_int(t, TOP, "SELECT count(*) FROM sealed") < 12);
}

/* What came under one seal leaves in pieces: it is one at the other end. */
static void in_pieces(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, MID, 2001, 300, 0), 0);
	assert_int_equal(nodes_statements(t, LOW, 1, 500, 0), 0);
	nodes_run(t);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 800);
	assert_int_equal(sealed(t, TOP, "330106"), 500);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM seal WHERE"
	                           " by='330106'"),
	                 1);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT length(gaps) FROM seal WHERE"
	                           " by='330106'"),
	                 0);
	all_good(t, TOP);
}

/* What is erased, and what gives way, leaves its hash. */
static void what_leaves_its_row(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 9, 0), 0);
	nodes_run(t);
	uint8_t one[GT_ERASE_ITEM] = {0};
	one[8] = 4;
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(t->v[MID].db,
	                                    "SELECT id FROM record WHERE seq=4",
	                                    -1, &st, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	memcpy(one + 9, sqlite3_column_blob(st, 0), GT_UUID_BYTES);
	sqlite3_finalize(st);
	struct gt_event e = {.type = GT_EV_ERASE,
	                     .token = ++t->tokens,
	                     .actor = "user:x",
	                     .body = gt_bytes_of(one, sizeof one)};
	assert_int_equal(nodes_event(t, MID, &e), 0);
	nodes_run(t);
	assert_int_equal(records(t, MID), 8);
	all_good(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 8);
	assert_int_equal(sealed(t, TOP, "330106"), 8);
	all_good(t, TOP);
}

/* -------------------------------------------------- somebody on the way */

enum lie {
	AUTHORITY,
	TIME,
	FORM,
	ORIGIN,
	INVENTED,
	SIGNATURE,
	TWICE,
	MAKER,
	WORDS,
	FLAG,
	KEY,
	LIES
};

static void other_words(Gt__Record *r)
{
	for (size_t i = 0; i + 4 < r->body.len; i++)
		if (memcmp(r->body.data + i, "http", 4) == 0) {
			r->body.data[i] = 'H';
			return;
		}
	fail();
}

static struct gt_arena *liar;

/* What no form tells of: another name for what was done. */
static void more_words(Gt__Record *r)
{
	static const char more[] = "\"definition\":{\"name\":{\"zh\":\"x\"}},";
	static const char object[] = "\"object\":{";
	char *text = gt_arena_get(liar, r->body.len + 1);
	char *out = gt_arena_get(liar, r->body.len + sizeof more);
	assert_true(text && out);
	gt_format(text, r->body.len + 1, "%.*s", (int)r->body.len,
	          (const char *)r->body.data);
	char *at = strstr(text, object);
	if (!at) {
		fail();
		return;
	}
	at += strlen(object);
	gt_format(out, r->body.len + sizeof more, "%.*s%s%s", (int)(at - text),
	          text, more, at);
	r->body = (ProtobufCBinaryData){strlen(out), (uint8_t *)out};
}

static void lie(Gt__Records *m, enum lie which)
{
	static char authority[] = "{\"mbox\":\"mailto:m@b.cn\"}";
	static char mid[] = "3301";
	Gt__Record *r = m->records[1];
	switch (which) {
	case AUTHORITY:
		r->authority = authority;
		break;
	case TIME:
		r->stored_ms -= 86400000;
		break;
	case FORM:
		other_words(r);
		break;
	case ORIGIN:
		r->origin = mid;
		break;
	case INVENTED:
		r->leaf = 2;
		m->records[2]->leaf = 1;
		break;
	case SIGNATURE:
		m->seals[0]->signature.data[5] ^= 1;
		break;
	case TWICE:
		r->leaf = 0;
		break;
	case MAKER:
		m->seals[0]->by = mid;
		break;
	case WORDS:
		more_words(r);
		break;
	case FLAG:
		r->flags |= GT_STATEMENT_OPERATOR;
		break;
	case KEY:
		m->seals[0]->key ^= 1;
		break;
	case LIES:
	default:
		break;
	}
}

/* The node in the middle sends its parent something else. */
static bool altered(struct nodes *t, struct message *m)
{
	if (m->reply || m->to != TOP)
		return true;
	Gt__Request *q = gt__request__unpack(gt_arena_allocator(liar), m->nhead,
	                                     m->head);
	bool *derived;
	assert_non_null(q);
	if (q->body_case != GT__REQUEST__BODY_RECORDS ||
	    q->records->sheaf.len == 0)
		return true;
	assert_int_equal(gt_sheaf_untie(liar, q->records, &derived), 0);
	lie(q->records, (enum lie)t->hooked);
	assert_int_equal(gt_sheaf_bind(liar, q->records), 0);
	struct gt_bytes head = gt_arena_pack(liar, &q->base);
	free(m->head);
	m->nhead = head.n;
	m->head = malloc(head.n + 1);
	assert_non_null(m->head);
	memcpy(m->head, head.p, head.n);
	return true;
}

/* Nothing of it is believed; all of it is acknowledged, and the child's honest
 * ones go on. */
static void who_alters_is_not_believed(void **state)
{
	struct nodes *t = *state;
	unsigned down = nodes_wire(t, LOW, MID, true);
	unsigned up = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	int64_t good = 0, aside = 0;
	for (int which = 0; which < KEY; which++) {
		liar = gt_arena_new();
		nodes_cut(t, up);
		assert_int_equal(nodes_statements(t, LOW,
		                                  100 * (uint32_t)which + 1, 5,
		                                  0),
		                 0);
		nodes_run(t);
		t->hook = altered;
		t->hooked = which;
		up = nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		t->hook = NULL;
		gt_arena_free(liar);
		aside += 5;
		assert_int_equal(records(t, TOP), good);
		assert_int_equal(
		        nodes_int(t, TOP, "SELECT count(*) FROM quarantine"),
		        aside);
		assert_int_equal(status(t, MID)->records_waiting, 0);
		assert_int_equal(nodes_statements(t, LOW,
		                                  100 * (uint32_t)which + 51, 3,
		                                  0),
		                 0);
		nodes_run(t);
		good += 3;
		assert_int_equal(records(t, TOP), good);
	}
	all_good(t, TOP);
	nodes_cut(t, down);
}

/* Made with a key of which the roster here does not know yet. */
static void a_key_that_is_not_known_here(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_run(t);
	liar = gt_arena_new();
	t->hook = altered;
	t->hooked = KEY;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	gt_arena_free(liar);
	assert_int_equal(records(t, TOP), 5);
	assert_int_equal(sealed(t, TOP, "330106"), 0);
	assert_int_equal(status(t, TOP)->records_unsealed, 5);
}

/* A second node of the city has the county for its child: what it relays is of
 * its place. */
static void by_way_of_a_suffix(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 20, 0), 0);
	assert_int_equal(nodes_statements(t, MID, 1001, 3, 0), 0);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, TOP), 23);
	assert_int_equal(sealed(t, TOP, "330106"), 20);
	assert_int_equal(sealed(t, TOP, "3301-b"), 3);
	all_good(t, TOP);
}

static int suffixed(void **state)
{
	struct nodes *t = nodes_new();
	nodes_dir_new(t);
	nodes_open(t, TOP, "33", "", nodes_path(t, TOP));
	nodes_open(t, MID, "3301-b", "33", nodes_path(t, MID));
	nodes_open(t, LOW, "330106", "3301-b", nodes_path(t, LOW));
	nodes_enrol(t);
	*state = t;
	return 0;
}

/* Damaged here, and back of the child under another number: it is the leaf it
 * was. */
static void what_comes_back_is_sealed(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_run(t);
	run_sql(t, MID,
	        "UPDATE record SET body=replace(CAST(body AS TEXT),'a@b','x@b')"
	        " WHERE seq=2");
	nodes_restart(t, MID);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, MID), 5);
	assert_int_equal(nodes_int(t, MID, "SELECT max(seq) FROM record"), 6);
	assert_int_equal(sealed(t, MID, "330106"), 5);
	all_good(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 20000);
	assert_int_equal(sealed(t, TOP, "330106"), 5);
	assert_int_equal(status(t, TOP)->records_unsealed, 0);
	all_good(t, TOP);
}

/* A disk alters what no form tells of: it goes without a seal, and is not taken
 * for a lie. */
static void what_a_disk_altered_goes_without(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_run(t);
	run_sql(t, MID, "UPDATE record SET origin_ms=origin_ms+1 WHERE seq=2");
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 5);
	assert_int_equal(sealed(t, TOP, "330106"), 0);
	assert_int_equal(status(t, TOP)->records_unsealed, 5);
}

/* One of an earlier program hands up without; what it relays too. */
static void an_earlier_program(void **state)
{
	struct nodes *t = *state;
	nodes_stop(t, MID);
	t->v[MID].protocol = 5;
	nodes_restart(t, MID);
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 5, 0), 0);
	nodes_run(t);
	assert_int_equal(records(t, TOP), 5);
	assert_int_equal(sealed(t, TOP, "330106"), 0);
	assert_int_equal(status(t, TOP)->records_unsealed, 5);
	/* it is updated: what is new is sealed where it is handed in */
	nodes_stop(t, MID);
	t->v[MID].protocol = 0;
	nodes_restart(t, MID);
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	assert_int_equal(nodes_statements(t, LOW, 101, 5, 0), 0);
	nodes_run(t);
	assert_int_equal(sealed(t, TOP, "330106"), 5);
	all_good(t, TOP);
}

/* A new epoch hands all of it up again: the seals are what they were. */
static void a_new_epoch(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, LOW, 1, 40, 0), 0);
	nodes_run(t);
	t->v[LOW].restored = true;
	nodes_restart(t, LOW);
	nodes_wire(t, LOW, MID, true);
	assert_int_equal(nodes_statements(t, LOW, 101, 4, 0), 0);
	nodes_pass(t, 20000);
	assert_int_equal(records(t, MID), 44);
	assert_int_equal(sealed(t, MID, "330106"), 44);
	assert_int_equal(status(t, MID)->records_quarantined, 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(sealed(t, TOP, "330106"), 44);
	all_good(t, TOP);
}

int main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, nodes_three_on_disk, nodes_gone)
	const struct CMUnitTest tests[] = {
	        TEST(through_two_hops),
	        TEST(in_pieces),
	        TEST(what_leaves_its_row),
	        TEST(who_alters_is_not_believed),
	        TEST(what_comes_back_is_sealed),
	        TEST(a_key_that_is_not_known_here),
	        cmocka_unit_test_setup_teardown(by_way_of_a_suffix, suffixed,
	                                        nodes_gone),
	        TEST(what_a_disk_altered_goes_without),
	        TEST(an_earlier_program),
	        TEST(a_new_epoch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
