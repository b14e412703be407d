/* u_seek.c: documents of learners who come from elsewhere. */
#include "roam_kit.h"

static uint64_t seek(struct nodes *t, unsigned i, const char *id)
{
	struct gt_document_edit d = {
	        .key = {GT_DOCUMENT_STATE, "http://x.cn/a", learner, "", id},
	        .actor = "",
	        .type = ""};
	struct gt_event e = {.type = GT_EV_DOCUMENT_SEEK,
	                     .token = ++t->tokens,
	                     .actor = "user:test",
	                     .document = &d};
	nodes_clear(t, i);
	assert_int_equal(nodes_event(t, i, &e), 0);
	return e.token;
}

static bool answered(struct nodes *t, unsigned i, uint64_t token)
{
	const struct done *r = nodes_last(t, i, GT_ACT_REPLY, 0);
	return r && r->a.token == token && r->a.status == 0;
}

static void found(struct nodes *t, unsigned i, const char *id)
{
	uint64_t token = seek(t, i, id);
	nodes_run(t);
	assert_true(answered(t, i, token));
}

/* He leaves one village and sits down in another, of another county. */
static void his_bookmark(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "1");
	nodes_run(t);
	assert_string_equal(body_of(t, SIDE, "a"), "");
	uint64_t token = seek(t, SIDE, "a");
	assert_false(answered(t, SIDE, token));
	nodes_run(t);
	assert_true(answered(t, SIDE, token));
	assert_string_equal(body_of(t, SIDE, "a"), "1");
	assert_int_equal(waiting(t, SIDE), 0);
	/* he goes on there, and comes back */
	put(t, SIDE, "a", "2");
	nodes_run(t);
	nodes_pass(t, 3000);
	found(t, LOW, "a");
	assert_string_equal(body_of(t, LOW, "a"), "2");
	put(t, LOW, "a", "3");
	nodes_run(t);
	nodes_pass(t, 3000);
	/* what he deleted is deleted */
	found(t, SIDE, "a");
	take_away(t, SIDE, "a");
	nodes_run(t);
	nodes_pass(t, 3000);
	found(t, LOW, "a");
	assert_string_equal(body_of(t, LOW, "a"), "gone");
	for (unsigned i = TOP; i <= SIDE; i++)
		assert_int_equal(conflicts(t, i), 0);
	/* both ends wrote it down, and not whose it was */
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE kind="
	                           "'document' AND event='serve' AND peer="
	                           "'3302'"),
	                 2);
	assert_int_equal(nodes_int(t, SIDE,
	                           "SELECT count(*) FROM audit WHERE kind="
	                           "'document' AND event='receive'"),
	                 2);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "detail||subject LIKE '%%0123456789%%'"),
	                 0);
}

/* What is known already is not sent; what was asked just now is not asked. */
static void no_more_than_needed(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "1");
	nodes_run(t);
	found(t, SIDE, "a");
	uint64_t token = seek(t, SIDE, "a");
	assert_true(answered(t, SIDE, token));
	assert_int_equal(nodes_asked_count(t, SIDE, GT__REQUEST__BODY_SEEK), 0);
	nodes_pass(t, 3000);
	nodes_clear(t, TOP);
	found(t, SIDE, "a");
	assert_int_equal(nodes_asked_count(t, SIDE, GT__REQUEST__BODY_SEEK), 1);
	const struct done *r = nodes_replied(t, TOP, GT__REPLY__BODY_FOUND);
	assert_non_null(r);
	assert_int_equal(r->reply->found->n_documents, 0);
	/* nor is what nobody has */
	found(t, SIDE, "nothing");
	assert_string_equal(body_of(t, SIDE, "nothing"), "");
}

static void all_of_a_lesson(void **state)
{
	struct nodes *t = *state;
	char id[8];
	settle(t);
	for (int i = 0; i < 150; i++) {
		gt_format(id, sizeof id, "s%d", i);
		put(t, LOW, id, "{}");
	}
	nodes_run(t);
	found(t, SIDE, NULL);
	assert_int_equal(nodes_int(t, SIDE, "SELECT count(*) FROM document"),
	                 150);
	/* one more, and only that comes */
	put(t, LOW, "more", "{}");
	nodes_run(t);
	nodes_pass(t, 3000);
	int64_t last = nodes_int(t, SIDE, "SELECT max(did) FROM document");
	found(t, SIDE, NULL);
	assert_int_equal(nodes_int(t, SIDE, "SELECT count(*) FROM document"),
	                 151);
	assert_int_equal(nodes_int(t, SIDE, "SELECT max(did) FROM document"),
	                 last + 1);
}

/* Nobody waits where there is nothing to wait for. */
static void at_once(void **state)
{
	struct nodes *t = *state;
	uint64_t token = seek(t, SIDE, "a");
	assert_true(answered(t, SIDE, token)); /* no link */
	token = seek(t, TOP, "a");
	assert_true(answered(t, TOP, token)); /* the root */
	settle(t);
	token = seek(t, SIDE, "b");
	assert_false(answered(t, SIDE, token));
	cut(t, SIDE);
	assert_true(answered(t, SIDE, token)); /* it went down */
	nodes_stop(t, TOP);
	t->v[TOP].protocol = 4;
	nodes_restart(t, TOP);
	settle(t);
	token = seek(t, SIDE, "a");
	assert_true(answered(t, SIDE, token)); /* an earlier program */
}

static bool lose_found(struct nodes *t, struct message *m)
{
	Gt__Reply *r =
	        m->reply ? gt__reply__unpack(NULL, m->nhead, m->head) : NULL;
	bool lose = r && r->body_case == GT__REPLY__BODY_FOUND;
	t->hooked += lose;
	if (r)
		gt__reply__free_unpacked(r, NULL);
	return !lose;
}

/* A parent that does not answer in time: so far, and then not again for a
 * while. */
static void not_for_long(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "1");
	nodes_run(t);
	t->hook = lose_found;
	uint64_t token = seek(t, SIDE, "a");
	nodes_pass(t, 1900);
	assert_false(answered(t, SIDE, token));
	nodes_pass(t, 200);
	assert_true(answered(t, SIDE, token));
	assert_string_equal(body_of(t, SIDE, "a"), "");
	token = seek(t, SIDE, "b");
	assert_true(answered(t, SIDE, token));
	t->hook = NULL;
	nodes_pass(t, 10000);
	found(t, SIDE, "a");
	assert_string_equal(body_of(t, SIDE, "a"), "1");
}

/* A level in between has less time than whoever asks it. */
static void in_between(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, SIDE, "a", "1");
	nodes_run(t);
	t->hook = lose_found;
	cut(t, MID);
	link_up(t, MID, TOP);
	uint64_t token = seek(t, LOW, "a");
	nodes_run(t);
	t->hook = NULL; /* only TOP's answer to MID was lost */
	nodes_pass(t, 1850);
	assert_true(answered(t, LOW, token));
	assert_string_equal(body_of(t, LOW, "a"), "");
	nodes_pass(t, 12000);
	found(t, LOW, "a");
	assert_string_equal(body_of(t, LOW, "a"), "1");
	assert_string_equal(body_of(t, MID, "a"), "1");
}

/* Where it may not be known what he does, it is not asked for him. */
static void unnamed(void **state)
{
	struct nodes *t = *state;
	settle(t);
	demand(t, TOP, "province", GT__TREATMENT__TREAT_PSEUDONYMISE);
	settle(t);
	uint64_t token = seek(t, SIDE, "a");
	assert_true(answered(t, SIDE, token));
	assert_int_equal(nodes_asked_count(t, SIDE, GT__REQUEST__BODY_SEEK), 0);
	/* below that, he is known */
	put(t, MID, "b", "1");
	found(t, LOW, "b");
	assert_string_equal(body_of(t, LOW, "b"), "1");
}

/* Who wrote meanwhile, without a link, is not overwritten, nor overwrites. */
static void meanwhile(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "1");
	settle(t);
	cut(t, SIDE);
	put(t, SIDE, "a", "2");
	link_up(t, SIDE, TOP);
	nodes_run(t);
	found(t, SIDE, "a");
	assert_string_equal(body_of(t, SIDE, "a"), "2");
	nodes_pass(t, 3000);
	found(t, LOW, "a");
	assert_string_equal(body_of(t, LOW, "a"), "2");
	assert_int_equal(conflicts(t, TOP), 1);
	/* what lost is kept where it was put, too, should TOP forget */
	assert_int_equal(conflicts(t, MID), 1);
	assert_int_equal(conflicts(t, LOW), 1);
	assert_int_equal(conflicts(t, SIDE), 0);
	assert_string_equal(nodes_text(t, TOP,
	                               "SELECT CAST(body AS TEXT) FROM "
	                               "document_lost"),
	                    "1");
}

static Gt__Seek question(void)
{
	Gt__Seek m;
	gt__seek__init(&m);
	m.kind = 1;
	m.agent = gt_lend(learner);
	m.activity = gt_lend("http://x.cn/a");
	m.id = gt_lend("a");
	m.wait_ms = 4000000000;
	return m;
}

static uint32_t strange(struct nodes *t, const Gt__Seek *m)
{
	static struct gt_key key;
	uint8_t seed[32] = {7};
	Gt__Request q = GT__REQUEST__INIT;
	assert_int_equal(gt_key_from_seed(&key, seed), 0);
	nodes_members(
	        t, TOP,
	        nodes_member(t, "3303", key.public, 1, GT__STANDING__ACTIVE));
	uint32_t peer = nodes_child(t, TOP, "3303", &key);
	q.body_case = GT__REQUEST__BODY_SEEK;
	q.seek = gt_lend(m);
	nodes_ask(t, TOP, peer, ++t->tokens, &q);
	return peer;
}

static void lies(void **state)
{
	struct nodes *t = *state;
	static const char why[] = "a malformed question for documents";
	Gt__Seek bad[4];
	for (int i = 0; i < 4; i++)
		bad[i] = question();
	bad[0].kind = 9;
	bad[1].agent = gt_lend("");
	bad[2].id = gt_lend("\xff");
	bad[3].registration = gt_lend("none");
	for (int i = 0; i < 4; i++) {
		nodes_clear(t, TOP);
		strange(t, &bad[i]);
		assert_true(nodes_dropped(t, TOP, why));
	}
	Gt__Seek good = question();
	nodes_clear(t, TOP);
	strange(t, &good);
	assert_non_null(nodes_replied(t, TOP, GT__REPLY__BODY_FOUND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define D(f) cmocka_unit_test_setup_teardown(f, four, nodes_gone)
	        D(his_bookmark), D(no_more_than_needed), D(all_of_a_lesson),
	        D(at_once),      D(not_for_long),        D(in_between),
	        D(unnamed),      D(meanwhile),           D(lies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
