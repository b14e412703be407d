/* u_peer.c: slots of links, how a link goes, and the row of a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nomem.h"
#include "unit/turn_kit.h"

static struct gt_peer *link_new(struct gt_node *n, uint32_t id,
                                enum gt_session session, const char *code)
{
	struct gt_peer *p = gt_peer_new(n);
	assert_non_null(p);
	p->id = id;
	p->session = session;
	gt_copy(p->code, sizeof p->code, code);
	gt_copy(p->address, sizeof p->address, "10.0.0.1");
	return p;
}

/* ------------------------------------------------------------ slots */

static void as_many_as_there_are(void **state)
{
	struct gt_node *n = *state;
	assert_null(gt_peer_by_id(n, 1));
	for (uint32_t i = 0; i < KIT_LINKS; i++) {
		struct gt_peer *p = link_new(n, i + 1, GT_S_NEW, "3301");
		assert_ptr_equal(p, &n->peers[i]);
		assert_int_equal(n->npeers, i + 1);
	}
	assert_null(gt_peer_new(n));
	assert_int_equal(n->npeers, KIT_LINKS);
	for (uint32_t i = 0; i < KIT_LINKS; i++)
		assert_ptr_equal(gt_peer_by_id(n, i + 1), &n->peers[i]);
	assert_null(gt_peer_by_id(n, KIT_LINKS + 1));
	assert_null(gt_peer_by_id(n, 999));
	assert_null(gt_peer_by_code(n, "3309"));
	/* one that is free is taken again, as if nobody had been there */
	n->peers[1].id = 0;
	n->peers[1].child.cid = 8;
	assert_null(gt_peer_by_id(n, 2));
	assert_null(gt_peer_by_id(n, 0));
	struct gt_peer *p = gt_peer_new(n);
	assert_ptr_equal(p, &n->peers[1]);
	assert_int_equal(p->id, 0);
	assert_int_equal(p->child.cid, 0);
	assert_int_equal(p->code[0], 0);
	assert_int_equal(n->npeers, KIT_LINKS);
}

static void by_id_and_code(void **state)
{
	struct gt_node *n = *state;
	struct gt_peer *up = link_new(n, 1, GT_S_READY, "3301");
	struct gt_peer *child = link_new(n, 2, GT_S_READY, "3302");
	struct gt_peer *proving = link_new(n, 3, GT_S_PROVING, "3303");
	struct gt_peer *gone = link_new(n, 4, GT_S_GONE, "3304");
	up->parent = true;
	assert_ptr_equal(gt_peer_by_code(n, "3302"), child);
	assert_null(gt_peer_by_code(n, "3301"));
	assert_null(gt_peer_by_code(n, "3303"));
	assert_null(gt_peer_by_code(n, "3304"));
	assert_null(gt_peer_by_code(n, "3305"));
	assert_ptr_equal(gt_peer_by_id(n, 3), proving);
	assert_null(gt_peer_by_id(n, 4));
	assert_true(gt_peer_here(proving));
	assert_false(gt_peer_here(gone));
	child->id = 0;
	assert_false(gt_peer_here(child));
	assert_null(gt_peer_by_code(n, "3302"));
}

static void the_parents_link(void **state)
{
	struct gt_node *n = *state;
	assert_false(gt_up_ready(n));
	assert_false(gt_up_following(n));
	n->up = link_new(n, 1, GT_S_PROVING, "33");
	n->up->following = true;
	assert_false(gt_up_ready(n));
	assert_false(gt_up_following(n));
	n->up->session = GT_S_READY;
	assert_true(gt_up_ready(n));
	assert_true(gt_up_following(n));
	n->up->following = false;
	assert_true(gt_up_ready(n));
	assert_false(gt_up_following(n));
}

/* ------------------------------------------------------------ going */

static sqlite3_stmt *ask(struct gt_node *n, const char *sql)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_COMMIT, "");
	assert_int_equal(
	        sqlite3_prepare_v2(sqlite3_db_handle(st), sql, -1, &st, NULL),
	        SQLITE_OK);
	return st;
}

/* The audit rows there are, in words. */
static void assert_audit(struct gt_node *n, const char *expected)
{
	sqlite3_stmt *st = ask(
	        n,
	        "SELECT ifnull(group_concat(event||' '||kind||' '||subject"
	        "||' '||peer||' '||result||' '||detail,'; '),'') FROM audit");
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(st, 0), expected);
	sqlite3_finalize(st);
}

static void assert_line(const struct gt_action *a, enum gt_log_level level,
                        const char *text)
{
	assert_int_equal(a->type, GT_ACT_LOG);
	assert_int_equal(a->status, level);
	assert_string_equal(a->text, text);
}

static void closed_by_the_world(void **state)
{
	struct gt_node *n = *state;
	struct gt_peer *p = link_new(n, 1, GT_S_READY, "3301");
	assert_int_equal(gt_peer_note(n, p), 0);
	assert_line(&n->actions[0], GT_LOG_INFO,
	            "link to 3301 (10.0.0.1) is up");
	n->touched = false;
	assert_int_equal(gt_peer_gone(n, p, "Connection reset"), 0);
	assert_int_equal(p->session, GT_S_GONE);
	assert_true(n->gone && n->touched);
	assert_int_equal(n->nactions, 2);
	assert_line(&n->actions[1], GT_LOG_INFO,
	            "link to 3301 (10.0.0.1) is down: Connection reset");
	assert_audit(n, "link link 3301 3301 ok up; link link 3301 3301 ok "
	                "down");
	/* of one that was never ready not a word */
	p = link_new(n, 2, GT_S_PROVING, "3302");
	n->up = p;
	n->touched = false;
	assert_int_equal(gt_peer_gone(n, p, ""), 0);
	assert_true(n->touched);
	assert_null(n->up);
	assert_int_equal(n->nactions, 2);
	/* the parent's stays when another goes */
	n->up = link_new(n, 3, GT_S_READY, "33");
	p = link_new(n, 4, GT_S_NEW, "");
	assert_int_equal(gt_peer_gone(n, p, ""), 0);
	assert_non_null(n->up);
}

static void dropped(void **state)
{
	struct gt_node *n = *state;
	static const struct {
		const char *code, *line;
		int how;
		int (*drop)(struct gt_node *n, struct gt_peer *p,
		            const char *why);
	} rows[] = {
	        {"3301", "dropping the link to 3301 (10.0.0.1): a reason", 0,
	         gt_drop},
	        {"", "dropping the link to a stranger (10.0.0.1): a reason",
	         -GT_ECLOSED, gt_drop_silent},
	};
	for (size_t i = 0; i < 2; i++) {
		char why[20] = "a reason";
		struct gt_peer *p =
		        link_new(n, (uint32_t)i + 5, GT_S_NEW, rows[i].code);
		assert_int_equal(rows[i].drop(n, p, why), 0);
		memset(why, 0, sizeof why); /* it was copied */
		const struct gt_action *a = &n->actions[2 * i];
		assert_int_equal(n->nactions, 2 * i + 2);
		assert_int_equal(a->type, GT_ACT_DROP);
		assert_int_equal(a->peer, i + 5);
		assert_int_equal(a->status, rows[i].how);
		assert_string_equal(a->text, "a reason");
		assert_line(a + 1, GT_LOG_WARN, rows[i].line);
		assert_int_equal(p->session, GT_S_GONE);
		assert_int_equal(n->status.drops, i + 1);
	}
	assert_audit(n, "link link 3301 3301 CLOSED a reason; link link   "
	                "CLOSED a reason");
}

static void no_memory_to_drop_it(void **state)
{
	struct gt_node *n = *state;
	for (size_t k = 0; nomem_each(&k);) {
		struct gt_peer *p = &n->peers[0];
		*p = (struct gt_peer){.id = 1};
		n->npeers = 1;
		free(n->actions);
		n->actions = NULL;
		n->nactions = n->capactions = 0;
		int status = gt_drop(n, p, "a reason");
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
}

/* ---------------------------------------------------- a child's row */

static void what_is_kept_of_a_child(void **state)
{
	struct gt_node *n = *state;
	bool same = false;
	struct gt_peer *p = link_new(n, 1, GT_S_READY, "3301");
	memset(p->epoch, 7, sizeof p->epoch);
	assert_int_equal(gt_peer_load(n, p, &same), 0);
	assert_true(same); /* there is nothing it could differ from */
	assert_int_equal(p->child.cid, 1);
	struct gt_peer *q = link_new(n, 2, GT_S_READY, "3302");
	assert_int_equal(gt_peer_load(n, q, &same), 0);
	assert_int_equal(q->child.cid, 2);
	p->child.judged_members = 11;
	p->child.judged = 12;
	p->child.vseq = 14;
	p->child.acked = 13;
	p->child.records = 16;
	p->child.rooted = 15;
	memset(p->child.filter.b, 9, sizeof p->child.filter.b);
	assert_int_equal(gt_peer_save(n, p), 0);
	/* read again, in the same epoch and in another */
	for (int other = 0; other < 2; other++) {
		memset(&p->child, 0, sizeof p->child);
		p->epoch[15] = (uint8_t)(7 + other);
		same = other;
		assert_int_equal(gt_peer_load(n, p, &same), 0);
		assert_int_equal(same, !other);
		assert_int_equal(p->child.cid, 1);
		assert_int_equal(p->child.judged_members, 11);
		assert_int_equal(p->child.judged, 12);
		assert_int_equal(p->child.acked, 13);
		assert_int_equal(p->child.vseq, 14);
		assert_int_equal(p->child.records, 16);
		assert_int_equal(p->child.rooted, 15);
		for (size_t i = 0; i < sizeof p->child.filter.b; i++)
			assert_int_equal(p->child.filter.b[i], 9);
	}
	/* when it was met, and that it is two */
	sqlite3_stmt *st = ask(n, "SELECT count(*),sum(seen_ms) FROM child");
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(st, 0), 2);
	assert_int_equal(sqlite3_column_int64(st, 1), 2000000);
	sqlite3_finalize(st);
}

#define T(f) cmocka_unit_test_setup_teardown(f, turn_new, turn_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(as_many_as_there_are),
	        T(by_id_and_code),
	        T(the_parents_link),
	        T(closed_by_the_world),
	        T(dropped),
	        T(no_memory_to_drop_it),
	        T(what_is_kept_of_a_child),
	};
	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
