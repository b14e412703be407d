/* u_turn.c: actions, answers, and questions to the parent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nomem.h"
#include "unit/turn_kit.h"

/* ---------------------------------------------------------- actions */

static void actions_in_order(void **state)
{
	struct gt_node *n = *state;
	enum { MANY = 600 };
	for (uint64_t i = 0; i < MANY; i++) {
		struct gt_action *a = gt_act(n, GT_ACT_REMOVE);
		assert_non_null(a);
		assert_int_equal(a->type, GT_ACT_REMOVE);
		assert_int_equal(a->token, 0);
		assert_null(a->text);
		a->token = i + 1;
		a->text = "";
		assert_int_equal(n->nactions, i + 1);
	}
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(n->actions[i].token, i + 1);
	/* what an earlier turn left is not in the way */
	n->nactions = 0;
	assert_null(gt_act(n, GT_ACT_LOG)->text);
}

static void no_memory_for_actions(void **state)
{
	struct gt_node *n = *state;
	nomem_after(2); /* 1 is gt_act itself */
	assert_null(gt_act(n, GT_ACT_LOG));
	assert_true(nomem_hit());
	assert_int_equal(n->nactions, 0);
	for (size_t k = 0; nomem_each(&k);) {
		n->capactions = 0;
		free(n->actions);
		n->actions = NULL;
		n->nactions = 0;
		int status = gt_reply(n, 7, 0, "%s", "text");
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
}

static void replies_and_lines(void **state)
{
	struct gt_node *n = *state;
	assert_int_equal(gt_reply(n, 7, -GT_EDENIED, "%s is %d", "x", 12), 0);
	assert_int_equal(gt_log(n, GT_LOG_INFO, "%s", ""), 0);
	const struct gt_action *a = n->actions;
	assert_int_equal(n->nactions, 2);
	assert_int_equal(a[0].type, GT_ACT_REPLY);
	assert_int_equal(a[0].token, 7);
	assert_int_equal(a[0].status, -GT_EDENIED);
	assert_string_equal(a[0].text, "x is 12");
	assert_int_equal(a[1].type, GT_ACT_LOG);
	assert_int_equal(a[1].token, 0);
	assert_int_equal(a[1].status, GT_LOG_INFO);
	assert_string_equal(a[1].text, "");
}

static void the_sooner_of_two(void **state)
{
	(void)state;
	assert_int_equal(gt_sooner(1, 2), 1);
	assert_int_equal(gt_sooner(2, 1), 1);
	assert_int_equal(gt_sooner(UINT64_MAX, 0), 0);
}

/* --------------------------------------------------------- messages */

static void what_is_sent(void **state)
{
	struct gt_node *n = *state;
	const struct gt_peer p = {.id = 3};
	for (int reply = 0; reply < 2; reply++)
		assert_int_equal(gt_send(n, &p, 8, reply, gt_bytes_str("head"),
		                         gt_bytes_str("payload")),
		                 0);
	for (int reply = 0; reply < 2; reply++) {
		const struct gt_action *a = &n->actions[reply];
		assert_int_equal(a->type, GT_ACT_SEND);
		assert_int_equal(a->peer, 3);
		assert_int_equal(a->token, 8);
		assert_int_equal(a->reply, reply);
		assert_true(gt_bytes_eq(a->head, gt_bytes_str("head")));
		assert_true(gt_bytes_eq(a->payload, gt_bytes_str("payload")));
	}
	assert_int_equal(n->turn_bytes, 22);
	assert_int_equal(n->status.messages_out, 2);
	assert_int_equal(n->status.bytes_out, 22);
	/* one that could not be packed */
	struct gt_bytes none = {NULL, 0};
	assert_int_equal(gt_send(n, &p, 8, true, none, none), -GT_ENOMEM);
	assert_int_equal(n->status.messages_out, 2);
}

static const Gt__Reply *reply_sent(struct gt_node *n)
{
	const struct gt_action *a = &n->actions[n->nactions - 1];
	assert_true(a->reply);
	assert_int_equal(a->token, 8);
	Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(n->arena),
	                                 a->head.n, a->head.p);
	assert_non_null(r);
	return r;
}

static void errors(void **state)
{
	struct gt_node *n = *state;
	const struct gt_peer p = {.id = 3};
	static const int codes[] = {GT_EBUSY, -GT_EBUSY};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(gt_send_error(n, &p, 8, codes[i], NULL, 900),
		                 0);
		const Gt__Reply *r = reply_sent(n);
		assert_int_equal(r->body_case, GT__REPLY__BODY_ERROR);
		assert_int_equal(r->error->code, GT_EBUSY);
		assert_string_equal(r->error->text, gt_strerror(GT_EBUSY));
		assert_int_equal(r->error->retry_ms, 900);
	}
	assert_int_equal(gt_send_error(n, &p, 8, GT_ENOMEM, "why", 0), 0);
	const Gt__Reply *r = reply_sent(n);
	assert_int_equal(r->error->code, GT_ENOMEM);
	assert_string_equal(r->error->text, "why");
	assert_int_equal(r->error->retry_ms, 0);
	for (size_t k = 0; nomem_each(&k);) {
		int status = gt_send_error(n, &p, 8, GT_EBUSY, "why", 0);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
	assert_int_equal(gt_send_ok(n, &p, 8), 0);
	assert_int_equal(reply_sent(n)->body_case, GT__REPLY__BODY_OK);
}

/* -------------------------------------------------------- questions */

static const struct gt_peer parent = {.id = 9, .session = GT_S_READY};

static int ask(struct gt_node *n, uint64_t upto, bool *full)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	struct gt_asking a = {.what = GT_ASKED_RECORDS, .upto = upto};
	static struct gt_peer up;
	up = parent;
	n->up = &up;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	return gt_ask(n, &r, &a, full);
}

static uint64_t last_token(const struct gt_node *n)
{
	return n->actions[n->nactions - 1].token;
}

static void as_many_as_there_are_slots(void **state)
{
	struct gt_node *n = *state;
	static uint64_t tokens[GT_REQUESTS_MAX];
	struct gt_asking a;
	bool full = true;
	for (uint64_t i = 0; i < GT_REQUESTS_MAX; i++) {
		/* some are left for what is urgent */
		assert_int_equal(gt_ask_room(n), i < GT_REQUESTS_MAX - 64);
		assert_int_equal(ask(n, i, i % 2 ? &full : NULL), 0);
		assert_false(i % 2 && full);
		tokens[i] = last_token(n);
		assert_int_equal(n->asks.count, i + 1);
	}
	const struct gt_action *sent = &n->actions[n->nactions - 1];
	assert_int_equal(sent->peer, parent.id);
	assert_false(sent->reply);
	assert_int_equal(sent->payload.n, 0);
	/* one more is not asked, nor is that an error */
	assert_int_equal(ask(n, 1, &full), 0);
	assert_true(full);
	assert_int_equal(ask(n, 1, NULL), 0);
	assert_int_equal(n->nactions, GT_REQUESTS_MAX);
	/* each is answered as what it was, once; another takes its slot */
	for (uint64_t i = 0; i < GT_REQUESTS_MAX; i++) {
		assert_true(gt_asked(n, tokens[i], &a));
		assert_int_equal(a.upto, i);
		assert_int_equal(a.what, GT_ASKED_RECORDS);
		assert_false(gt_asked(n, tokens[i], &a));
		assert_int_equal(ask(n, i, &full), 0);
		assert_false(full);
		assert_int_not_equal(last_token(n), tokens[i]);
		assert_false(gt_asked(n, tokens[i], &a));
	}
	assert_int_equal(n->asks.count, GT_REQUESTS_MAX);
	/* a link that is gone takes all of them with it */
	uint64_t token = last_token(n);
	gt_ask_reset(n);
	assert_int_equal(n->asks.count, 0);
	assert_int_equal(n->asks.due, 0);
	assert_false(gt_asked(n, token, &a));
	assert_int_equal(ask(n, 5, &full), 0);
	assert_false(full);
}

/* A token names its slot and how often one was given; of a slot that never was,
 * nothing. */
static void tokens_nobody_gave(void **state)
{
	struct gt_node *n = *state;
	struct gt_asking a;
	gt_ask_reset(n);
	assert_false(gt_asked(n, 0, &a));
	assert_int_equal(ask(n, 5, NULL), 0);
	uint64_t token = last_token(n);
	assert_int_equal(token, GT_REQUESTS_MAX);
	assert_int_equal(n->asks.cap, 32);
	assert_false(gt_asked(n, token + 1, &a));
	assert_false(gt_asked(n, token + 31, &a));
	assert_false(gt_asked(n, token + 32, &a));
	assert_false(gt_asked(n, token + GT_REQUESTS_MAX, &a));
	assert_false(gt_asked(n, token - GT_REQUESTS_MAX, &a));
	assert_true(gt_asked(n, token, &a));
	assert_int_equal(a.sent_ms, 5000);
	/* the next takes the next slot */
	assert_int_equal(ask(n, 5, NULL), 0);
	assert_int_equal(last_token(n), 2 * GT_REQUESTS_MAX + 1);
}

static void no_memory_for_slots(void **state)
{
	struct gt_node *n = *state;
	for (size_t k = 0; nomem_each(&k);) {
		gt_ask_reset(n);
		free(n->asks.v);
		n->asks = (struct gt_asks){0};
		int status = ask(n, 5, NULL);
		assert_int_equal(status, nomem_hit() ? -GT_ENOMEM : 0);
	}
}

static void an_answer_that_is_late(void **state)
{
	struct gt_node *n = *state;
	struct gt_asking a;
	assert_int_equal(gt_answer_ms(n), 90000);
	assert_false(gt_ask_overdue(n));
	assert_int_equal(n->asks.due, 0);
	for (unsigned i = 0; i < 32; i++) {
		assert_int_equal(ask(n, i, NULL), 0);
		assert_int_equal(n->asks.due, 95000);
		n->now.mono_ms += 10;
	}
	/* the oldest counts; while it may come, nothing is late */
	n->now.mono_ms = 94999;
	assert_false(gt_ask_overdue(n));
	assert_int_equal(n->asks.due, 95000);
	n->now.mono_ms = 95000;
	assert_true(gt_ask_overdue(n));
	assert_true(gt_asked(n, n->actions[0].token, &a));
	assert_false(gt_ask_overdue(n));
	assert_int_equal(n->asks.due, 95010);
	/* the last one alone, then none */
	for (unsigned i = 1; i < 31; i++)
		assert_true(gt_asked(n, n->actions[i].token, &a));
	assert_false(gt_ask_overdue(n));
	assert_int_equal(n->asks.due, 95310);
	n->now.mono_ms = 95310;
	assert_true(gt_ask_overdue(n));
	/* of a parent that is gone nothing is waited for */
	n->up = NULL;
	assert_false(gt_ask_overdue(n));
	assert_true(gt_asked(n, n->actions[31].token, &a));
	assert_false(gt_ask_overdue(n));
	assert_int_equal(n->asks.due, 0);
}

/* ------------------------------------------------------- audit rows */

static void a_row_and_its_names(void **state)
{
	struct gt_node *n = *state;
	static const uint8_t epoch[16] = {0xab, 1, 2, 3, 4, 5, 6, 0xcd, 9};
	char change[GT_CHANGE_NAME];
	gt_change_name(change, epoch, 12);
	assert_string_equal(change, "change:ab010203040506cd:12");
	struct gt_audit rows[2] = {{.actor = "a",
	                            .event = "b",
	                            .kind = "c",
	                            .subject = "d",
	                            .version = 2,
	                            .peer = "e",
	                            .verdict = "f",
	                            .rule = "g",
	                            .layer = "h",
	                            .result = -GT_EIO,
	                            .bytes = 3,
	                            .transfer = "i",
	                            .detail = "j"}};
	gt_store_begin(n->store);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(gt_audit_row(n, &rows[i]), 0);
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_COMMIT, "");
	sqlite3 *db = sqlite3_db_handle(st);
	static const char *const expected[2][15] = {
	        {"1000000", "33", "a", "b", "c", "d", "2", "e", "f", "g", "h",
	         "IO", "3", "i", "j"},
	        {"1000000", "33", "33", "", "", "", "0", "", "", "", "", "ok",
	         "0", "", ""}};
	assert_int_equal(sqlite3_prepare_v2(db,
	                                    "SELECT * FROM audit ORDER BY aid",
	                                    -1, &st, NULL),
	                 SQLITE_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		for (int c = 0; c < 15; c++)
			assert_string_equal(
			        (const char *)sqlite3_column_text(st, c + 1),
			        expected[i][c]);
	}
	sqlite3_finalize(st);
}

#define T(f) cmocka_unit_test_setup_teardown(f, turn_new, turn_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(actions_in_order),
	        T(no_memory_for_actions),
	        T(replies_and_lines),
	        T(the_sooner_of_two),
	        T(what_is_sent),
	        T(errors),
	        T(as_many_as_there_are_slots),
	        T(tokens_nobody_gave),
	        T(no_memory_for_slots),
	        T(an_answer_that_is_late),
	        T(a_row_and_its_names),
	};
	return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
