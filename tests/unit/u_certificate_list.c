/* u_certificate_list.c: lists of revoked certificates travel, and nobody makes
 * what was revoked good again. */
#include "certificate_kit.h"
#include "records_inside.h"
#include "status_list.h"

enum { TOP, MID, LOW, SIDE, BACKUP = 9 };

/* 33 with 3301, that with 330106; and 3302 beside it, which knows of nobody but
 * itself and what lies above. */
static int four(void **state)
{
	int status = nodes_three_on_disk(state);
	struct nodes *t = *state;
	nodes_open(t, SIDE, "3302", "33", nodes_path(t, SIDE));
	for (unsigned i = 0; i < 2; i++) {
		unsigned who = i ? SIDE : TOP;
		struct gt_bytes m =
		        nodes_member(t, t->v[who].code, t->v[who].key.public, 1,
		                     GT__STANDING__ACTIVE);
		nodes_members(t, SIDE, m);
		nodes_members(t, TOP, m);
	}
	return status;
}

static void wire(struct nodes *t)
{
	nodes_wire(t, LOW, MID, true);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, SIDE, TOP, true);
	nodes_run(t);
}

/* A certificate for statement `id`. */
static json_t *certificate(struct nodes *t, unsigned at, unsigned id)
{
	hand_in_at(t, at, id, COMPLETED, LI);
	assert_int_equal(issue_at(t, at, id, ""), 0);
	return parsed(reply_at(t, at));
}

static void everywhere(struct nodes *t, const json_t *v, const char *verdict)
{
	for (unsigned i = TOP; i <= SIDE; i++)
		is_at(t, i, v, NULL, verdict, true);
}

static void run_sql(struct nodes *t, unsigned i, const char *sql)
{
	assert_int_equal(sqlite3_exec(t->v[i].db, sql, NULL, NULL, NULL),
	                 SQLITE_OK);
}

static void known_to_all_the_tree(void **state)
{
	struct nodes *t = *state;
	json_t *one = certificate(t, LOW, 1), *two = certificate(t, LOW, 2);
	/* nobody else has heard of its issuer or of the list */
	is_at(t, TOP, one, NULL, "genuine", false);
	is_at(t, SIDE, one, NULL, "unknown", false);
	wire(t);
	nodes_pass(t, 60000);
	everywhere(t, one, "genuine");
	assert_int_equal(revoke_at(t, LOW, gt_json_member(one, "id")), 0);
	nodes_pass(t, 60000);
	everywhere(t, one, "revoked");
	everywhere(t, two, "genuine");
	/* nothing goes on for ever */
	int64_t last = nodes_int(t, TOP, "SELECT max(lid) FROM status_list");
	nodes_pass(t, 60000);
	assert_int_equal(nodes_int(t, TOP, "SELECT max(lid) FROM status_list"),
	                 last);
	assert_int_equal(nodes_int(t, SIDE, "SELECT count(*) FROM status_list"),
	                 1);
	/* and a start changes nothing of it */
	for (unsigned i = TOP; i <= SIDE; i++)
		nodes_restart(t, i);
	everywhere(t, one, "revoked");
	wire(t);
	nodes_pass(t, 60000);
	assert_int_equal(nodes_int(t, TOP, "SELECT max(lid) FROM status_list"),
	                 last);
	json_decref(one);
	json_decref(two);
}

/* An issuer that signs without end does not wake the whole tree without end. */
static void no_more_than_need_be(void **state)
{
	struct nodes *t = *state;
	enum { MANY = 40 };
	json_t *v[MANY];
	wire(t);
	for (unsigned i = 0; i < MANY; i++)
		v[i] = certificate(t, TOP, i + 1);
	nodes_pass(t, 60000);
	size_t before = nodes_asked_count(t, SIDE, GT__REQUEST__BODY_CHANGES);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(revoke_at(t, TOP, gt_json_member(v[i], "id")),
		                 0);
		nodes_pass(t, 50);
	}
	size_t asked =
	        nodes_asked_count(t, SIDE, GT__REQUEST__BODY_CHANGES) - before;
	assert_in_range(asked, 1, 3);
	/* and at the end of that time it is, though nobody asks */
	nodes_pass(t, 6000);
	is_at(t, SIDE, v[MANY - 1], NULL, "revoked", true);
	nodes_pass(t, 20000);
	for (unsigned i = 0; i < MANY; i++) {
		everywhere(t, v[i], "revoked");
		json_decref(v[i]);
	}
}

/* A list that an earlier program signed, or before the roster had its issuer. */
static void of_an_earlier_program(void **state)
{
	struct nodes *t = *state;
	json_t *one = certificate(t, LOW, 1);
	run_sql(t, LOW, "DELETE FROM status_list");
	nodes_restart(t, LOW);
	assert_int_equal(nodes_int(t, LOW, "SELECT count(*) FROM status_list"),
	                 1);
	wire(t);
	nodes_pass(t, 60000);
	everywhere(t, one, "genuine");
	json_decref(one);
}

/* A neighbour of an earlier program is told nothing, and goes on. */
static void beside_an_earlier_program(void **state)
{
	struct nodes *t = *state;
	t->v[MID].protocol = 5;
	nodes_restart(t, MID);
	json_t *one = certificate(t, LOW, 1);
	wire(t);
	nodes_pass(t, 60000);
	assert_true(nodes_status(t, MID)->parent_up);
	assert_true(nodes_status(t, LOW)->parent_up);
	is_at(t, TOP, one, NULL, "genuine", false);
	is_at(t, SIDE, one, NULL, "unknown", false);
	/* renewed, it passes on what waited */
	t->v[MID].protocol = 0;
	for (unsigned i = TOP; i <= SIDE; i++)
		nodes_restart(t, i);
	wire(t);
	nodes_pass(t, 60000);
	everywhere(t, one, "genuine");
	json_decref(one);
}

/* An old state of the issuer, put back without a word, forgot what it revoked. */
static void an_issuer_that_forgot(void **state)
{
	struct nodes *t = *state;
	json_t *one = certificate(t, LOW, 1), *two = certificate(t, LOW, 2);
	wire(t);
	nodes_pass(t, 60000);
	nodes_snapshot(t, LOW, BACKUP);
	assert_int_equal(revoke_at(t, LOW, gt_json_member(one, "id")), 0);
	nodes_pass(t, 60000);
	everywhere(t, one, "revoked");
	nodes_stop(t, LOW);
	nodes_restore(t, LOW, BACKUP);
	is_at(t, LOW, one, NULL, "genuine", true);
	t->now.wall_ms += 3600000;
	assert_int_equal(revoke_at(t, LOW, gt_json_member(two, "id")), 0);
	nodes_wire(t, LOW, MID, true);
	nodes_minute(t, LOW);
	nodes_pass(t, 60000);
	nodes_minute(t, LOW);
	nodes_pass(t, 60000);
	everywhere(t, two, "revoked");
	everywhere(t, one, "revoked");
	/* and what it signs from now on has both */
	json_t *list = parsed(nodes_text(t, LOW,
	                                 "SELECT CAST(document AS TEXT) FROM "
	                                 "certificate_list"));
	struct gt_list l;
	assert_int_equal(gt_list_open(list, &l), 0);
	assert_true(gt_list_has(&l, 0) && gt_list_has(&l, 1));
	gt_list_close(&l);
	json_decref(list);
	json_decref(one);
	json_decref(two);
}

/* An old state does not give a number once more that it forgot. */
static void numbers_that_were_forgotten(void **state)
{
	struct nodes *t = *state;
	json_t *one = certificate(t, LOW, 1);
	wire(t);
	nodes_pass(t, 60000);
	nodes_snapshot(t, LOW, BACKUP);
	json_t *two = certificate(t, LOW, 2);
	nodes_pass(t, 60000);
	nodes_stop(t, LOW);
	t->v[LOW].restored = true;
	nodes_restore(t, LOW, BACKUP);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 60000);
	json_t *three = certificate(t, LOW, 3), *four = certificate(t, LOW, 4);
	assert_int_equal(revoke_at(t, LOW, gt_json_member(three, "id")), 0);
	nodes_pass(t, 60000);
	everywhere(t, three, "revoked");
	everywhere(t, four, "genuine");
	everywhere(t, two, "genuine");
	everywhere(t, one, "genuine");
	assert_int_equal(
	        nodes_int(t, LOW, "SELECT max(cid)/131072 FROM certificate"),
	        1);
	json_decref(one);
	json_decref(two);
	json_decref(three);
	json_decref(four);
}

/* A clock that is set back signs no list that is older. */
static void a_clock_set_back(void **state)
{
	struct nodes *t = *state;
	json_t *one = certificate(t, LOW, 1);
	wire(t);
	nodes_pass(t, 60000);
	t->now.wall_ms -= INT64_C(86400000) * 30;
	assert_int_equal(revoke_at(t, LOW, gt_json_member(one, "id")), 0);
	nodes_pass(t, 60000);
	everywhere(t, one, "revoked");
	json_decref(one);
}

/* Whom the roster revokes is nobody, wherever his lists came. */
static void an_issuer_that_is_revoked(void **state)
{
	struct nodes *t = *state;
	json_t *one = certificate(t, LOW, 1);
	wire(t);
	nodes_pass(t, 60000);
	everywhere(t, one, "genuine");
	nodes_members(t, TOP,
	              nodes_member(t, "330106", t->v[LOW].key.public, 2,
	                           GT__STANDING__REVOKED));
	nodes_pass(t, 60000);
	is_at(t, TOP, one, NULL, "unknown", false);
	is_at(t, MID, one, NULL, "unknown", false);
	is_at(t, SIDE, one, NULL, "unknown", false);
	json_decref(one);
}

/* A row of 330106 by which that is its key, and that another before it. */
static struct gt_bytes rekeyed(struct nodes *t, uint64_t version,
                               const uint8_t *key, const uint8_t *former,
                               int standing)
{
	Gt__Member m;
	ProtobufCBinaryData keys[2];
	static char code[] = "330106";
	static const uint8_t others[GT_KEY_BYTES] = {1};
	gt__member__init(&m);
	struct gt_bytes out;
	m.code = code;
	m.version = version;
	m.key = gt_lend_bytes(gt_bytes_of(key, GT_KEY_BYTES));
	m.standing = (Gt__Standing)standing;
	keys[0] = gt_lend_bytes(gt_bytes_of(others, GT_KEY_BYTES));
	if (former)
		keys[1] = gt_lend_bytes(gt_bytes_of(former, GT_KEY_BYTES));
	m.former = keys;
	m.n_former = former ? 2 : 1;
	struct gt_bytes body = gt_arena_pack(t->arena, &m.base);
	assert_int_equal(
	        gt_seal(&t->roster, GT__KIND__MEMBER, &body, 1, t->arena, &out),
	        0);
	return out;
}

/* What was signed by a key that was renewed stands; by one that was lost, or of
 * who was revoked, it does not. */
static void a_key_that_was_renewed(void **state)
{
	struct nodes *t = *state;
	uint8_t seed[GT_KEY_BYTES] = {44};
	struct gt_key fresh;
	const uint8_t *old = t->v[LOW].key.public;
	assert_int_equal(gt_key_from_seed(&fresh, seed), 0);
	json_t *one = certificate(t, LOW, 1);
	wire(t);
	nodes_pass(t, 60000);
	everywhere(t, one, "genuine");
	nodes_members(t, TOP,
	              rekeyed(t, 2, fresh.public, old, GT__STANDING__ACTIVE));
	nodes_pass(t, 60000);
	/* by its list too, which the former key signed */
	is_at(t, TOP, one, NULL, "genuine", true);
	is_at(t, MID, one, NULL, "genuine", true);
	is_at(t, SIDE, one, NULL, "genuine", true);
	/* the list of the new key, of the same issuer */
	static const int64_t first[] = {0};
	json_t *list = gt_list_sign("330106", 0, "2031-01-01T00:00:00.000Z",
	                            first, 1, &fresh);
	is_at(t, SIDE, one, list, "revoked", true);
	json_decref(list);
	nodes_members(t, TOP,
	              rekeyed(t, 3, fresh.public, NULL, GT__STANDING__ACTIVE));
	nodes_pass(t, 60000);
	is_at(t, TOP, one, NULL, "unknown", false);
	is_at(t, SIDE, one, NULL, "unknown", false);
	nodes_members(t, TOP,
	              rekeyed(t, 4, fresh.public, old, GT__STANDING__REVOKED));
	nodes_pass(t, 60000);
	is_at(t, SIDE, one, NULL, "unknown", false);
	json_decref(one);
}

/* ------------------------------------------------------ told by a liar */

static struct gt_bytes packed(struct nodes *t, json_t *v)
{
	struct gt_buffer b = {0};
	assert_int_equal(gt_list_pack(&b, v), 0);
	struct gt_bytes out = {gt_arena_copy(t->arena, b.p, b.n), b.n};
	gt_buffer_free(&b);
	json_decref(v);
	return out;
}

static struct gt_bytes list_of(struct nodes *t, const char *code,
                               const char *from, const struct gt_key *key)
{
	return packed(t, gt_list_sign(code, 0, from, NULL, 0, key));
}

static uint32_t peer;
static uint64_t token;

static void tell(struct nodes *t, struct gt_bytes member, struct gt_bytes list)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	Gt__StatusLists all = GT__STATUS_LISTS__INIT;
	Gt__StatusList one = GT__STATUS_LIST__INIT, *ones[] = {&one};
	one.member = gt_lend_bytes(member);
	one.list = gt_lend_bytes(list);
	all.lists = ones;
	all.n_lists = 1;
	all.upto = ++token;
	c.lists = &all;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_ask(t, TOP, peer, 100 + token, &r);
}

static int64_t held(struct nodes *t)
{
	return nodes_int(t, TOP, "SELECT count(*) FROM status_list");
}

static void at_nobodys_word_but_the_rosters(void **state)
{
	struct nodes *t = *state;
	const struct gt_key *key = &t->v[MID].key, *low = &t->v[LOW].key;
	static const char at[] = "2026-01-02T03:04:05.000Z";
	uint8_t seed[GT_KEY_BYTES] = {9};
	struct gt_key other, roster = t->roster;
	struct gt_bytes mid =
	        nodes_member(t, "3301", key->public, 1, GT__STANDING__ACTIVE);
	struct gt_bytes junk = gt_bytes_str("junk");
	assert_int_equal(gt_key_from_seed(&other, seed), 0);
	peer = nodes_child(t, TOP, "3301", key);
	/* another's key; another's code; no list; nothing */
	tell(t, mid, list_of(t, "3301", at, &other));
	tell(t, mid, list_of(t, "330106", at, key));
	tell(t, mid, junk);
	tell(t, junk, list_of(t, "3301", at, key));
	tell(t, (struct gt_bytes){0}, (struct gt_bytes){0});
	/* a list of no issuer's naming, or of a time that is none */
	tell(t, mid, list_of(t, "33/01", at, key));
	tell(t, mid, list_of(t, "3301", "tomorrow", key));
	/* a roster of somebody's own */
	t->roster = other;
	struct gt_bytes false_row =
	        nodes_member(t, "3301", other.public, 9, GT__STANDING__ACTIVE);
	t->roster = roster;
	tell(t, false_row, list_of(t, "3301", at, &other));
	/* a row that is good, of one who was revoked; and of one elsewhere */
	tell(t,
	     nodes_member(t, "330106", low->public, 9, GT__STANDING__REVOKED),
	     list_of(t, "330106", at, low));
	tell(t, nodes_member(t, "3302", low->public, 9, GT__STANDING__ACTIVE),
	     list_of(t, "3302", at, low));
	assert_int_equal(held(t), 0);
	assert_true(nodes_int(t, TOP,
	                      "SELECT count(*) FROM audit WHERE "
	                      "kind='certificate' AND result='SIGNATURE'") > 0);
	/* and this is one */
	tell(t, mid, list_of(t, "3301", at, key));
	assert_int_equal(held(t), 1);
	nodes_restart(t, TOP);
	assert_int_equal(held(t), 1);
}

static void newest_and_never_less(void **state)
{
	struct nodes *t = *state;
	const struct gt_key *key = &t->v[MID].key;
	static const int64_t bits[] = {4, 7};
	static const char early[] = "2026-01-02T03:04:05.000Z",
	                  late[] = "2026-01-02T03:04:06.000Z",
	                  later[] = "2026-01-02T03:04:07.000Z";
	struct gt_bytes mid =
	        nodes_member(t, "3301", key->public, 1, GT__STANDING__ACTIVE);
	peer = nodes_child(t, TOP, "3301", key);
	tell(t, mid, packed(t, gt_list_sign("3301", 0, late, bits, 1, key)));
	int64_t at_ms = nodes_int(t, TOP, "SELECT at_ms FROM status_list");
	tell(t, mid, list_of(t, "3301", early, key));
	/* of a later time, and without what was revoked */
	tell(t, mid, list_of(t, "3301", later, key));
	assert_int_equal(nodes_int(t, TOP, "SELECT at_ms FROM status_list"),
	                 at_ms);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "instr(detail,'lacks some')"),
	                 1);
	tell(t, mid, packed(t, gt_list_sign("3301", 0, later, bits, 2, key)));
	assert_int_equal(nodes_int(t, TOP, "SELECT at_ms FROM status_list"),
	                 at_ms + 1000);
	assert_int_equal(held(t), 1);
}

static void more_than_may_come_at_once(void **state)
{
	struct nodes *t = *state;
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	Gt__StatusLists all = GT__STATUS_LISTS__INIT;
	Gt__StatusList one = GT__STATUS_LIST__INIT, *ones[65];
	for (size_t i = 0; i < 65; i++)
		ones[i] = &one;
	all.lists = ones;
	all.n_lists = 65;
	c.lists = &all;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	nodes_ask(t, TOP, peer, 77, &r);
	assert_true(nodes_dropped(t, TOP, "malformed lists"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, four, nodes_gone)
	const struct CMUnitTest tests[] = {
	        TEST(known_to_all_the_tree),
	        TEST(no_more_than_need_be),
	        TEST(of_an_earlier_program),
	        TEST(beside_an_earlier_program),
	        TEST(an_issuer_that_forgot),
	        TEST(numbers_that_were_forgotten),
	        TEST(a_clock_set_back),
	        TEST(an_issuer_that_is_revoked),
	        TEST(a_key_that_was_renewed),
	        TEST(at_nobodys_word_but_the_rosters),
	        TEST(newest_and_never_less),
	        TEST(more_than_may_come_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
