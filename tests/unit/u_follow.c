/* u_follow.c: what the parent says of its feed, and what it is told and shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "catalogue_inside.h"
#include "policy.h"
#include "unit/catalogue_kit.h"
#include "unit/script_kit.h"

/* -------------------------------------------------------- comparing */

static bool double_all(struct nodes *t, struct message *m)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = m->peer,
	                     .token = m->token,
	                     .body = gt_bytes_of(m->head, m->nhead)};
	if (m->npayload == 0)
		assert_int_equal(nodes_event(t, m->to, &e), 0);
	return true;
}

static void everything_twice(void **state)
{
	struct nodes *t = *state;
	static const char *const deny[] = {"video", "deny", NULL};
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = double_all;
	announce(t, "a", "course");
	announce(t, "b", "video");
	announce(t, "a", "course");
	order(t, deny);
	assert_int_equal(nodes_statements(t, MID, 1, 5, 0), 0);
	nodes_pass(t, 20000);
	assert_int_equal(version(t, MID, "33/a"), 2);
	assert_int_equal(verdict(t, MID, "33/b"), GT_DENY);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM record"), 5);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
}

static void a_parent_that_forgot(void **state)
{
	struct nodes *t = *state;
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	announce(t, "a", "course");
	announce(t, "b", "course");
	nodes_cut(t, wire);
	/* TOP without its database: another epoch, a feed with b alone */
	gt_node_close(t->v[TOP].node);
	t->v[TOP].node = NULL;
	nodes_open(t, TOP, "33", "", NULL);
	nodes_enrol(t);
	announce(t, "b", "course");
	announce(t, "b", "course");
	announce(t, "c", "course");
	nodes_clear(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_INVENTORY);
	assert_non_null(d);
	assert_true(d->request->inventory->first);
	assert_true(d->request->inventory->last);
	assert_int_equal(d->request->inventory->n_rows, 2);
	/* nothing is deleted on that ground alone */
	assert_int_equal(version(t, MID, "33/a"), 1);
	assert_int_equal(version(t, MID, "33/b"), 2);
	assert_int_equal(version(t, MID, "33/c"), 1);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	static struct gt_node_status s;
	gt_node_status(t->v[MID].node, &s);
	assert_true(s.synced);
}

static const Gt__Inventory *inventory(struct nodes *t, uint64_t *token)
{
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_INVENTORY);
	assert_non_null(d);
	*token = d->a.token;
	nodes_clear(t, MID);
	return d->request->inventory;
}

/* So many rows a page, and not one page more. */
static void pages_of_an_inventory(void **state)
{
	static const size_t counts[] = {0, GT_INVENTORY_ROWS - 1,
	                                GT_INVENTORY_ROWS,
	                                GT_INVENTORY_ROWS + 2};
	struct nodes *t = *state;
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Ok ok = GT__OK__INIT;
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	uint64_t token;
	uint8_t other[16] = {1};
	nodes_parent(t, MID, &t->v[TOP].key, script_epoch, NULL);
	for (size_t i = 0; i < 4; i++) {
		char sql[400];
		gt_format(sql, sizeof sql,
		          "DELETE FROM item WHERE kind=1;"
		          "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
		          "i+1 FROM c WHERE i<=%zu) INSERT INTO item SELECT "
		          "1000+i,1,'33/r'||(10000+i),1000+i,1,0,zeroblob(32),"
		          "'',1,0,'','',0,'','',NULL,NULL,0,0 FROM c WHERE "
		          "i<=%zu",
		          counts[i], counts[i]);
		assert_int_equal(
		        sqlite3_exec(t->v[MID].db, sql, NULL, NULL, NULL),
		        SQLITE_OK);
		other[0]++;
		nodes_clear(t, MID);
		uint32_t peer =
		        nodes_parent(t, MID, &t->v[TOP].key, other, NULL);
		const Gt__Inventory *m = inventory(t, &token);
		size_t page = counts[i] < GT_INVENTORY_ROWS ? counts[i]
		                                            : GT_INVENTORY_ROWS;
		assert_true(m->first);
		assert_int_equal(m->last, counts[i] < GT_INVENTORY_ROWS);
		assert_int_equal(m->n_rows, page);
		nodes_answer(t, MID, peer, token, &r, (struct gt_bytes){0});
		if (counts[i] >= GT_INVENTORY_ROWS) {
			const char *end = m->rows[page - 1]->id;
			m = inventory(t, &token);
			assert_false(m->first);
			assert_true(m->last);
			assert_int_equal(m->n_rows, counts[i] - page);
			if (m->n_rows)
				assert_true(strcmp(m->rows[0]->id, end) > 0);
			nodes_answer(t, MID, peer, token, &r,
			             (struct gt_bytes){0});
		}
		assert_null(nodes_asked(t, MID, GT__REQUEST__BODY_INVENTORY));
		const struct done *d =
		        nodes_asked(t, MID, GT__REQUEST__BODY_CHANGES);
		assert_non_null(d);
		assert_int_equal(d->request->changes->after, 0);
	}
}

/* ---------------------------------------------------------- Changes */

/* What is older than what is here is shown to the parent, if there is a slot to
 * ask in; else on the next link. */
static void more_to_show_than_slots(void **state)
{
	struct nodes *t = *state;
	struct gt_node *n = t->v[MID].node;
	const struct gt_key *top = &t->v[TOP].key;
	struct script s;
	script_up(&s, t);
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 5, "course")), "ok");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/b", "33", 5, "course")), "ok");
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Changes none = GT__CHANGES__INIT;
	struct gt_asking a = {.what = GT_ASKED_OFFER};
	q.body_case = GT__REQUEST__BODY_CHANGES;
	q.changes = &none;
	for (bool full = false; !full;)
		assert_int_equal(gt_ask(n, &q, &a, &full), 0);
	/* the answer itself leaves one free */
	Gt__Change c[2], *list[2] = {&c[0], &c[1]};
	for (unsigned k = 0; k < 2; k++) {
		struct gt_bytes old =
		        entry(t, top, k ? "33/b" : "33/a", "33", 4, "course");
		c[k] = change_of(&s, (uint64_t)++s.seq, old);
	}
	nodes_clear(t, MID);
	script_says(&s, list, 2, (uint64_t)s.seq);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER), 1);
	assert_int_equal(n->catalogue->contests, 1);
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Ok ok = GT__OK__INIT;
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	nodes_answer(t, MID, s.peer,
	             nodes_asked(t, MID, GT__REQUEST__BODY_OFFER)->a.token, &r,
	             (struct gt_bytes){0});
	assert_true(nodes_dropped(t, MID, "more to show than could be asked"));
}

static void changes_that_make_no_sense(void **state)
{
	struct nodes *t = *state;
	char *longest = gt_arena_get(t->arena, 5000);
	struct gt_bytes good =
	        entry(t, &t->v[TOP].key, "33/a", "33", 1, "course");
	memset(longest, 'x', 4999);
	longest[4999] = '\0';
	for (unsigned k = 0; k < 8; k++) {
		struct script s;
		script_up(&s, t);
		Gt__Change c = change_of(&s, 1, good), *list = &c;
		switch (k) {
		case 0:
			c.seq = 0;
			break;
		case 1:
			c.seq = UINT64_MAX;
			break;
		case 2:
			c.verdict = GT__VERDICT__DENY;
			break;
		case 3:
			c.verdict = (Gt__Verdict)9;
			break;
		case 4:
			c.item.len = 0;
			break;
		case 5:
			c.rule = longest;
			break;
		case 6:
			c.layer = longest;
			break;
		default:
			c.item.len = 0;
			c.verdict = GT__VERDICT__DENY;
			c.retract = longest;
			break;
		}
		nodes_clear(t, MID);
		script_says(&s, &list, 1, 1);
		assert_true(
		        nodes_dropped(t, MID, "a change that makes no sense"));
		assert_int_equal(nodes_int(t, MID,
		                           "SELECT count(*) FROM item WHERE "
		                           "kind=1"),
		                 0);
	}
}

/* Texts as long as they may be, and the answer around them. */
static void changes_as_they_may_be(void **state)
{
	struct nodes *t = *state;
	char rule[GT_RULE_NAME_MAX + 2], layers[GT_CODE_MAX + 2],
	        retract[GT_RID_MAX + 2];
	struct {
		char *text;
		size_t most;
	} texts[] = {{rule, GT_RULE_NAME_MAX},
	             {layers, GT_CODE_MAX},
	             {retract, GT_RID_MAX}};
	struct gt_bytes good =
	        entry(t, &t->v[TOP].key, "33/a", "33", 1, "course");
	for (unsigned k = 0; k < 6; k++) {
		struct script s;
		script_up(&s, t);
		/* a cursor beyond which it must go on */
		s.seq = 4;
		assert_string_equal(
		        send_item(&s, entry(t, &t->v[TOP].key, "33/b", "33",
		                            1 + k, "course")),
		        "ok");
		Gt__Change c = change_of(&s, 6, good), *list = &c;
		c.verdict = GT__VERDICT__METADATA;
		size_t n = texts[k / 2].most + k % 2;
		memset(texts[k / 2].text, 'x', n);
		texts[k / 2].text[n] = '\0';
		if (k / 2 == 0)
			c.rule = rule;
		else if (k / 2 == 1)
			c.layer = layers;
		else {
			c.item.len = 0;
			c.verdict = GT__VERDICT__DENY;
			c.retract = retract;
		}
		nodes_clear(t, MID);
		if (k % 2 == 0) {
			assert_string_equal(send(&s, &c, 6), "ok");
			assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
		} else {
			script_says(&s, &list, 1, 6);
			assert_true(nodes_dropped(
			        t, MID, "a change that makes no sense"));
		}
		assert_int_equal(sqlite3_exec(t->v[MID].db,
		                              "DELETE FROM meta WHERE "
		                              "key='cursor'",
		                              NULL, NULL, NULL),
		                 SQLITE_OK);
		t->v[MID].node->catalogue->cursor = 0;
	}
}

/* An answer of another epoch than was asked for, or from before. */
static void answers_of_another_epoch(void **state)
{
	struct nodes *t = *state;
	static const struct {
		size_t bytes;
		uint8_t first;
		uint64_t upto;
		bool good;
	} rows[] = {{16, 9, 1, true},
	            {16, 8, 2, false},
	            {15, 9, 2, false},
	            {16, 9, 0, false},
	            {16, 9, INT64_MAX, true},
	            {16, 9, (uint64_t)INT64_MAX + 1, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct script s;
		uint8_t epoch[16] = {rows[i].first};
		script_up(&s, t);
		Gt__Reply r = GT__REPLY__INIT;
		Gt__ChangesReply m = GT__CHANGES_REPLY__INIT;
		m.epoch = (ProtobufCBinaryData){rows[i].bytes, epoch};
		m.upto = rows[i].upto;
		r.body_case = GT__REPLY__BODY_CHANGES;
		r.changes = &m;
		nodes_clear(t, MID);
		nodes_answer(t, MID, s.peer, s.changes, &r,
		             (struct gt_bytes){0});
		if (rows[i].good)
			assert_int_equal(
			        nodes_int(t, MID,
			                  "SELECT value FROM meta WHERE "
			                  "key='cursor'"),
			        rows[i].upto);
		else
			assert_true(nodes_dropped(t, MID,
			                          "changes of another epoch"));
	}
}

/* ------------------------------------------------------- our layer */

/* The layer the parent judges by, and ours. */
static void whose_layer_is_newer(void **state)
{
	static const char own[] =
	        "SELECT version FROM item WHERE kind=2 AND id='3301'";
	static const struct {
		const char *theirs; /* what becomes of the parent's row */
		bool again;
	} rows[] = {{"version=version", false},
	            {"hash=zeroblob(32)", true},
	            {"hash=zeroblob(32),version=version+5", true},
	            {"hash=zeroblob(32),version=1<<53", false}};
	struct nodes *t = *state;
	assert_int_equal(nodes_layer(t, MID, everything), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		assert_int_equal(nodes_int(t, TOP, own),
		                 nodes_int(t, MID, own));
		nodes_cut(t, (unsigned)i * 2);
		char sql[100];
		gt_format(sql, sizeof sql,
		          "UPDATE item SET %s WHERE kind=2 AND id='3301'",
		          rows[i].theirs);
		assert_int_equal(
		        sqlite3_exec(t->v[TOP].db, sql, NULL, NULL, NULL),
		        SQLITE_OK);
		int64_t before = nodes_int(t, MID, own);
		int64_t shown = nodes_int(t, TOP, own);
		nodes_wire(t, MID, TOP, true);
		nodes_run(t);
		if (rows[i].again)
			assert_true(nodes_int(t, MID, own) > shown);
		else
			assert_int_equal(nodes_int(t, MID, own), before);
		nodes_cut(t, (unsigned)i * 2 + 1);
	}
}

/* A parent that names a version and no layer says nothing. */
static void a_version_of_no_layer(void **state)
{
	struct nodes *t = *state;
	t->proved.layer_version = 7;
	nodes_parent(t, MID, &t->v[TOP].key, script_epoch, NULL);
	assert_int_equal(t->v[MID].node->catalogue->version_floor, 1);
	uint8_t hash[32] = {1};
	t->proved.layer_hash = (ProtobufCBinaryData){32, hash};
	nodes_parent(t, MID, &t->v[TOP].key, script_epoch, NULL);
	assert_true(t->v[MID].node->catalogue->version_floor > 7);
}

/* The parent answers Changes by the layer it has of a child: a newer one goes
 * out before anything is asked that is answered by it, on a new link and on one
 * that is up. */
static void a_layer_goes_before_questions(void **state)
{
	struct nodes *t = *state;
	static const char *const deny[] = {"course", "deny", NULL};
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	nodes_cut(t, wire);
	assert_int_equal(nodes_layer(t, MID, deny), 0);
	announce(t, "a", "course");
	nodes_clear(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	const struct done *offer = nodes_asked(t, MID, GT__REQUEST__BODY_OFFER);
	assert_non_null(offer);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER), 1);
	assert_true(offer < nodes_asked(t, MID, GT__REQUEST__BODY_CHANGES));
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM item"
	                           " WHERE kind = 1"),
	                 0);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE"
	                           " event IN ('receive', 'retract')"
	                           " AND kind = 'resource'"),
	                 0);
	/* and once, while the link is up */
	nodes_clear(t, MID);
	assert_int_equal(nodes_layer(t, MID, everything), 0);
	nodes_run(t);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER), 1);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM item"
	                           " WHERE kind = 1"),
	                 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(everything_twice),           T(a_parent_that_forgot),
	        T(pages_of_an_inventory),      T(more_to_show_than_slots),
	        T(changes_that_make_no_sense), T(changes_as_they_may_be),
	        T(answers_of_another_epoch),   T(whose_layer_is_newer),
	        T(a_version_of_no_layer),      T(a_layer_goes_before_questions),
	};
	return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
