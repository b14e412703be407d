/* u_session.c: who a neighbour is, and what it may say before that is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "protocol.h"
#include "unit/session_kit.h"

static struct gt_key stranger;

/* ----------------------------------------------- hello and prove */

static void hello_and_prove(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_true(ready(t, LOW));
	assert_true(ready(t, TOP));
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'link' AND detail = 'up' AND peer='3301'"),
	                 1);
	/* in this order, and nothing before the proof */
	const struct done *h = nodes_asked(t, LOW, GT__REQUEST__BODY_HELLO);
	const struct done *p = nodes_asked(t, LOW, GT__REQUEST__BODY_PROVE);
	const struct done *c = nodes_asked(t, LOW, GT__REQUEST__BODY_CHANGES);
	assert_true(h && p && c && h < p && p < c);
}

static void without_certificates(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, false);
	nodes_run(t);
	assert_true(ready(t, LOW));
	assert_true(ready(t, TOP));
}

static Gt__Hello hello(struct nodes *t, const char *code)
{
	static uint8_t zeros[32];
	Gt__Hello h;
	gt__hello__init(&h);
	h.version_min = h.version_max = 1;
	h.code = gt_arena_str(t->arena, code);
	h.parent = t->v[TOP].code;
	h.epoch = (ProtobufCBinaryData){16, zeros};
	h.nonce = (ProtobufCBinaryData){32, zeros};
	return h;
}

static void say_hello(struct nodes *t, uint32_t peer, Gt__Hello *h)
{
	Gt__Request r = GT__REQUEST__INIT;
	r.body_case = GT__REQUEST__BODY_HELLO;
	r.hello = h;
	nodes_ask(t, TOP, peer, 1, &r);
}

static void say_prove(struct nodes *t, uint32_t peer, uint8_t *proof, size_t n)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Prove v = GT__PROVE__INIT;
	v.proof = (ProtobufCBinaryData){n, proof};
	r.body_case = GT__REQUEST__BODY_PROVE;
	r.prove = &v;
	nodes_ask(t, TOP, peer, 2, &r);
}

static void hello_refused(void **state)
{
	struct nodes *t = *state;
	struct gt_key key;
	uint8_t seed[32] = {42};
	assert_int_equal(gt_key_from_seed(&key, seed), 0);
	nodes_members(
	        t, TOP,
	        nodes_member(t, "3302", key.public, 1, GT__STANDING__REVOKED));
	const struct {
		const char *cert, *code, *parent;
		uint32_t min, max;
		size_t nonce;
		enum gt_error error;
		const char *why;
	} rows[] = {
	        {"3301", "330106", "33", 1, 1, 32, GT_EIDENTITY,
	         "Hello's code is not the certificate's"},
	        {"", "3301", "3301", 1, 1, 32, GT_EIDENTITY,
	         "this node is not the parent that was asked for"},
	        {"", "34", "33", 1, 1, 32, GT_EIDENTITY,
	         "the code does not lie under this node's"},
	        {"", "33", "33", 1, 1, 32, GT_EIDENTITY,
	         "the code does not lie under this node's"},
	        {"", "3399", "33", 1, 1, 32, GT_EREVOKED,
	         "the roster has no active member of that code"},
	        {"3302", "3302", "33", 1, 1, 32, GT_EREVOKED,
	         "the roster revokes that node"},
	        {"3301", "3301", "33", 7, 9, 32, GT_EVERSION,
	         "no protocol version in common: this node speaks 1 to 6, the "
	         "other 7 to 9"},
	        {"3301", "3301", "33", 0, 0, 32, GT_EVERSION,
	         "no protocol version in common: this node speaks 1 to 6, the "
	         "other 0 to 0"},
	        {"3301", "3301", "33", 2, 1, 32, GT_EVERSION,
	         "no protocol version in common: this node speaks 1 to 6, the "
	         "other 2 to 1"},
	        {"3301", "3301", "33", 1, 1, 31, GT_EMALFORMED,
	         "Hello with a short nonce or epoch"},
	        {"", "33/..", "33", 1, 1, 32, GT_EMALFORMED,
	         "Hello with a malformed code"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t peer = nodes_link(t, TOP, false, rows[i].cert);
		Gt__Hello h = hello(t, rows[i].code);
		h.parent = gt_arena_str(t->arena, rows[i].parent);
		h.version_min = rows[i].min;
		h.version_max = rows[i].max;
		h.nonce.len = rows[i].nonce;
		nodes_clear(t, TOP);
		say_hello(t, peer, &h);
		const struct done *e =
		        nodes_replied(t, TOP, GT__REPLY__BODY_ERROR);
		assert_non_null(e);
		assert_int_equal(e->reply->error->code, rows[i].error);
		assert_true(nodes_dropped(t, TOP, rows[i].why));
	}
	/* a later version that also speaks ours is welcome */
	Gt__Hello h = hello(t, "3301");
	h.version_max = GT_PROTOCOL_MAX + 1;
	h.features = UINT64_MAX;
	nodes_clear(t, TOP);
	say_hello(t, nodes_link(t, TOP, false, "3301"), &h);
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_HELLO);
	assert_non_null(d);
	assert_int_equal(d->reply->hello->version, GT_PROTOCOL_MAX);
	assert_int_equal(d->reply->hello->features, 0);
}

static void a_key_that_is_not_the_members(void **state)
{
	struct nodes *t = *state;
	t->v[LOW].key = stranger;
	uint32_t peer = nodes_link(t, TOP, false, "3301");
	Gt__Hello h = hello(t, "3301");
	uint8_t proof[64] = {0};
	say_hello(t, peer, &h);
	say_prove(t, peer, proof, sizeof proof);
	assert_refused(t, TOP, GT_EIDENTITY,
	               "the proof is not of that code's key");
	peer = nodes_link(t, TOP, false, "3301");
	say_hello(t, peer, &h);
	say_prove(t, peer, proof, 63);
	assert_true(
	        nodes_dropped(t, TOP, "the proof is not of that code's key"));
}

static void reflected(void **state)
{
	struct nodes *t = *state;
	uint32_t peer = nodes_link(t, TOP, false, "3301");
	Gt__Hello h = hello(t, "3301");
	say_hello(t, peer, &h);
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_HELLO);
	assert_non_null(d);
	/* the parent's own proof, handed back */
	say_prove(t, peer, d->reply->hello->proof.data, 64);
	assert_refused(t, TOP, GT_EIDENTITY,
	               "the proof is not of that code's key");
}

static void replayed(void **state)
{
	struct nodes *t = *state;
	nodes_child(t, TOP, "3301", &t->v[LOW].key);
	assert_true(ready(t, TOP));
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	/* what the real child said on that link, said again on another */
	const struct done *old_h = nodes_asked(t, LOW, GT__REQUEST__BODY_HELLO);
	const struct done *old_p = nodes_asked(t, LOW, GT__REQUEST__BODY_PROVE);
	assert_true(old_h && old_p);
	uint32_t peer = nodes_link(t, TOP, false, "3301");
	nodes_ask(t, TOP, peer, 1, old_h->request);
	nodes_ask(t, TOP, peer, 2, old_p->request);
	assert_true(
	        nodes_dropped(t, TOP, "the proof is not of that code's key"));
	/* and the real one is still there */
	assert_true(ready(t, TOP));
	assert_true(ready(t, LOW));
}

static void the_newer_link_wins(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_true(nodes_dropped(t, LOW, "replaced by a newer link"));
	assert_true(ready(t, LOW));
	assert_true(ready(t, TOP));
}

static void the_wrong_parent(void **state)
{
	struct nodes *t = *state;
	nodes_link(t, LOW, true, "34");
	assert_true(
	        nodes_dropped(t, LOW, "the certificate is not our parent's"));
	/* a parent whose proof is of another key */
	uint32_t peer = nodes_link(t, LOW, true, "33");
	const struct done *d = nodes_asked(t, LOW, GT__REQUEST__BODY_HELLO);
	uint8_t nonce[32] = {0}, epoch[16] = {0}, proof[64] = {0};
	Gt__Reply r = GT__REPLY__INIT;
	Gt__HelloReply h;
	gt__hello_reply__init(&h);
	h.version = 1;
	h.code = t->v[TOP].code;
	h.epoch = (ProtobufCBinaryData){16, epoch};
	h.nonce = (ProtobufCBinaryData){32, nonce};
	h.proof = (ProtobufCBinaryData){64, proof};
	r.body_case = GT__REPLY__BODY_HELLO;
	r.hello = &h;
	nodes_answer(t, LOW, peer, d->a.token, &r, (struct gt_bytes){0});
	assert_true(
	        nodes_dropped(t, LOW, "the parent's proof is not of its key"));
	assert_int_equal(nodes_asked_count(t, LOW, GT__REQUEST__BODY_PROVE), 0);
}

/* ----------------------------------------------- before and after */

static void before_prove(void **state)
{
	struct nodes *t = *state;
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	uint32_t peer = nodes_link(t, TOP, false, "3301");
	nodes_ask(t, TOP, peer, 9, &r);
	assert_refused(t, TOP, GT_EIDENTITY, "request before Hello and Prove");
	assert_int_equal(nodes_replied(t, TOP, GT__REPLY__BODY_ERROR)->a.token,
	                 9);
	/* nor between the two */
	peer = nodes_link(t, TOP, false, "3301");
	Gt__Hello h = hello(t, "3301");
	say_hello(t, peer, &h);
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, 9, &r);
	assert_true(nodes_dropped(t, TOP, "request before Hello and Prove"));
	assert_null(nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES));
}

static void out_of_place(void **state)
{
	struct nodes *t = *state;
	uint8_t proof[64] = {0};
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	Gt__Hello h = hello(t, "3301");
	say_hello(t, peer, &h);
	assert_refused(t, TOP, GT_EIDENTITY, "Hello out of place");
	peer = nodes_child(t, TOP, "3301", &t->v[LOW].key);
	say_prove(t, peer, proof, 64);
	assert_refused(t, TOP, GT_EIDENTITY, "Prove out of place");
	peer = nodes_link(t, TOP, false, "");
	say_prove(t, peer, proof, 64);
	assert_true(nodes_dropped(t, TOP, "Prove out of place"));
}

static void silence(void **state)
{
	struct nodes *t = *state;
	nodes_child(t, TOP, "3301", &t->v[LOW].key);
	nodes_pass(t, 44000);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
	nodes_pass(t, 1000);
	assert_true(nodes_dropped(t, TOP, "silent for too long"));
	/* two that talk keep each other */
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	nodes_clear(t, TOP);
	nodes_pass(t, 600000);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 0);
	assert_true(ready(t, LOW));
}

/* A second link to the parent that is refused before it is one takes nothing
 * from the first: what was asked there is still answered. */
static void a_refused_link_leaves_the_other(void **state)
{
	struct nodes *t = *state;
	char code[GT_CODE_MAX + 20];
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	memset(code, '3', sizeof code - 1);
	code[sizeof code - 1] = '\0';
	nodes_link(t, LOW, true, code);
	assert_true(nodes_dropped(t, LOW, "certificate code too long"));
	assert_true(ready(t, LOW));
	assert_int_equal(nodes_publish(t, TOP, "a", "course",
	                               (struct gt_bytes){0},
	                               (struct gt_bytes){0}),
	                 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM item"
	                           " WHERE kind = 1"),
	                 1);
}

static void revoked_on_a_live_link(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	struct gt_bytes m = nodes_member(t, "3301", t->v[LOW].key.public, 2,
	                                 GT__STANDING__REVOKED);
	nodes_members(t, TOP, m);
	nodes_run(t);
	assert_true(nodes_dropped(t, TOP, "the roster revokes this node"));
	assert_false(ready(t, LOW));
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_refused(t, TOP, GT_EREVOKED, "the roster revokes that node");
	/* an older row does not bring it back */
	nodes_members(t, TOP,
	              nodes_member(t, "3301", t->v[LOW].key.public, 1,
	                           GT__STANDING__ACTIVE));
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT state FROM item WHERE kind = 3 AND "
	                           "id = '3301'"),
	                 GT__STANDING__REVOKED);
}

static void the_parent_is_revoked(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	nodes_members(t, LOW,
	              nodes_member(t, "33", t->v[TOP].key.public, 2,
	                           GT__STANDING__REVOKED));
	assert_true(nodes_dropped(t, LOW, "the roster revokes our parent"));
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	assert_true(
	        nodes_dropped(t, LOW, "the parent is not an active member"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(hello_and_prove),
	        T(without_certificates),
	        T(hello_refused),
	        T(a_key_that_is_not_the_members),
	        T(reflected),
	        T(replayed),
	        T(the_newer_link_wins),
	        T(the_wrong_parent),
	        T(before_prove),
	        T(out_of_place),
	        T(silence),
	        T(a_refused_link_leaves_the_other),
	        T(revoked_on_a_live_link),
	        T(the_parent_is_revoked),
	};
	uint8_t seed[32] = {7};
	if (gt_key_from_seed(&stranger, seed) != 0)
		return 1;
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
