/* u_kind.c: who may open which kind of link, and what it may ask on it (node/
 * kind.c, PROTOCOL.md M33): nobody escapes a level by its own file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "catalogue_inside.h"
#include "nodes.h"
#include "policy.h"

enum { TOP, MID, LOW };

static struct gt_key key_of(uint8_t n)
{
	struct gt_key key;
	uint8_t seed[32] = {n, 77};
	assert_int_equal(gt_key_from_seed(&key, seed), 0);
	return key;
}

/* A row as the roster has it. */
static void enrol(struct nodes *t, unsigned i, const char *code,
                  const char *parent, bool publisher, uint64_t version)
{
	struct gt_key key = key_of((uint8_t)strlen(code));
	Gt__Member m;
	gt__member__init(&m);
	struct gt_bytes out;
	for (unsigned k = 0; k < NODES_MAX; k++)
		if (t->v[k].node && strcmp(t->v[k].code, code) == 0)
			key = t->v[k].key;
	m.code = gt_lend(code);
	m.parent = gt_lend(parent);
	m.version = version;
	m.publisher = publisher;
	m.key = (ProtobufCBinaryData){32, key.public};
	struct gt_bytes body = gt_arena_pack(t->arena, &m.base);
	assert_int_equal(
	        gt_seal(&t->roster, GT__KIND__MEMBER, &body, 1, t->arena, &out),
	        0);
	nodes_members(t, i, out);
}

struct hello {
	const char *code, *parent, *above;
	bool certified;
	Gt__Link kind;
	uint32_t version;
};

static uint32_t say_hello(struct nodes *t, unsigned i, const struct hello *as)
{
	uint32_t peer = ++t->links;
	uint8_t random[32] = {1}, nonce[32] = {3}, epoch[16] = {4};
	struct gt_event e = {.type = GT_EV_PEER_UP,
	                     .peer = peer,
	                     .body = gt_bytes_of(random, sizeof random),
	                     .text = as->certified ? as->code : "",
	                     .above = as->above,
	                     .detail = "test"};
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Hello h;
	gt__hello__init(&h);
	assert_int_equal(nodes_event(t, i, &e), 0);
	h.version_min = 1;
	h.version_max = as->version ? as->version : GT_PROTOCOL_MAX;
	h.code = gt_lend(as->code);
	h.parent = gt_lend(as->parent);
	h.epoch = (ProtobufCBinaryData){16, epoch};
	h.nonce = (ProtobufCBinaryData){32, nonce};
	h.kind = as->kind;
	r.body_case = GT__REQUEST__BODY_HELLO;
	r.hello = &h;
	nodes_clear(t, i);
	nodes_ask(t, i, peer, 1, &r);
	return peer;
}

/* "": it is answered, else why it is not. */
static const char *refused(struct nodes *t, unsigned i, struct hello as)
{
	(void)say_hello(t, i, &as);
	const struct done *d = nodes_replied(t, i, GT__REPLY__BODY_ERROR);
	if (!d) {
		assert_non_null(nodes_replied(t, i, GT__REPLY__BODY_HELLO));
		return "";
	}
	assert_int_equal(nodes_count(t, i, GT_ACT_DROP), 1);
	return d->reply->error->text;
}

static const char another[] = "its parent is another place";

/* A township that writes the province for a parent into its file. */
static void nobody_skips_a_level(void **state)
{
	struct nodes *t = *state;
	enrol(t, TOP, "330106", "3301", false, 2);
	struct hello h = {.code = "330106", .parent = "33"};
	assert_string_equal(refused(t, TOP, h), another);
	/* short certificate paths say nothing against the roster */
	h.certified = true;
	h.above = "";
	assert_string_equal(refused(t, TOP, h), another);
	h.above = "33";
	assert_string_equal(refused(t, TOP, h), another);
	/* nor does an older protocol help */
	h.version = 2;
	assert_string_equal(refused(t, TOP, h), another);
	/* where it belongs it may come in */
	enrol(t, MID, "330106", "3301", false, 2);
	h = (struct hello){.code = "330106", .parent = "3301"};
	assert_string_equal(refused(t, MID, h), "");
	/* once the roster moves it, it may */
	enrol(t, TOP, "330106", "33", false, 3);
	h.parent = "33";
	assert_string_equal(refused(t, TOP, h), "");
}

/* A roster from before it named parents: the certificate's path does, if there
 * is any. */
static void certificates_of_before(void **state)
{
	struct nodes *t = *state;
	enrol(t, TOP, "330106", "", false, 2);
	struct hello h = {.code = "330106",
	                  .parent = "33",
	                  .certified = true,
	                  .above = "3301"};
	assert_string_equal(refused(t, TOP, h), another);
	h.above = "33";
	assert_string_equal(refused(t, TOP, h), "");
	h.above = "33-b";
	assert_string_equal(refused(t, TOP, h), "");
	/* one that names the node alone, and a link without any */
	h.above = "";
	assert_string_equal(refused(t, TOP, h), "");
	h.certified = false;
	h.above = NULL;
	assert_string_equal(refused(t, TOP, h), "");
}

/* 33 is served by 33, 33-a and 33-b, and by no publisher of that place. */
static void whoever_serves_the_place(void **state)
{
	struct nodes *t = *state;
	nodes_open(t, 3, "33-a", "33", NULL);
	nodes_enrol(t);
	enrol(t, 3, "3301", "33", false, 2);
	enrol(t, 3, "330106", "3301", false, 2);
	struct hello h = {.code = "3301", .parent = "33"};
	assert_string_equal(refused(t, 3, h), "");
	h.parent = "33-a";
	assert_string_equal(refused(t, 3, h), "");
	h.parent = "33-b";
	assert_string_equal(refused(t, 3, h), "");
	h.parent = "34";
	assert_string_equal(refused(t, 3, h),
	                    "this node is not the parent that was asked for");
	/* an older one knows nothing of places */
	h.parent = "33";
	h.version = 2;
	assert_string_equal(refused(t, 3, h),
	                    "this node is not the parent that was asked for");
	h = (struct hello){.code = "330106", .parent = "33"};
	assert_string_equal(refused(t, 3, h), another);
	h = (struct hello){.code = "3301-press", .parent = "33"};
	enrol(t, 3, "3301-press", "33", true, 1);
	assert_string_equal(refused(t, 3, h), "a publisher is no child");
}

/* The child looks at the other end the same way: a city whose file says 33 and
 * that reaches 33-a gets on with it; a publisher of the place is no parent. */
static void a_child_of_a_place(void **state)
{
	struct nodes *t = *state;
	nodes_open(t, 3, "33-a", "33", NULL);
	nodes_enrol(t);
	for (unsigned round = 0; round < 2; round++) {
		nodes_clear(t, MID);
		uint32_t near = ++t->links, far = ++t->links;
		uint8_t random[32] = {(uint8_t)(round + 1)};
		struct gt_event e = {.type = GT_EV_PEER_UP,
		                     .peer = far,
		                     .body = gt_bytes_of(random, 32),
		                     .text = "3301",
		                     .above = "33",
		                     .detail = "test"};
		assert_int_equal(nodes_event(t, 3, &e), 0);
		t->wires[t->nwires++] = (struct wire){MID, 3, near, far, true};
		e.peer = near;
		e.parent = true;
		e.text = "33-a";
		e.above = "33";
		assert_int_equal(nodes_event(t, MID, &e), 0);
		nodes_run(t);
		static struct gt_node_status s;
		gt_node_status(t->v[MID].node, &s);
		assert_int_equal(s.parent_up, round == 0);
		if (round == 0) {
			assert_int_equal(
			        nodes_int(t, MID,
			                  "SELECT count(*) FROM audit WHERE "
			                  "event='link' AND peer='33-a'"),
			        1);
			enrol(t, MID, "33-a", "33", true, 9);
			nodes_cut(t, (unsigned)t->nwires - 1);
		} else {
			assert_true(nodes_dropped(
			        t, MID,
			        "the parent is a publisher, not a place's "
			        "node"));
		}
	}
	/* one of another place is not even asked */
	nodes_clear(t, MID);
	(void)nodes_link(t, MID, true, "34");
	assert_true(
	        nodes_dropped(t, MID, "the certificate is not our parent's"));
}

/* ------------------------------------------------- kinds, what they ask */

static uint32_t ready(struct nodes *t, unsigned i, struct hello as,
                      const struct gt_key *key)
{
	uint32_t peer = say_hello(t, i, &as);
	const struct done *d = nodes_replied(t, i, GT__REPLY__BODY_HELLO);
	assert_non_null(d);
	static const char *const words[] = {"child", "child roster-only",
	                                    "child renewal", "child publisher",
	                                    "child peer"};
	uint8_t text[256], proof[64];
	gt_format((char *)text, sizeof text, "guantong hello v1\n%s\n%s\n%s\n",
	          words[as.kind], as.code, t->v[i].code);
	size_t n = strlen((char *)text);
	memset(text + n, 0, 64);
	text[n] = 3;
	memcpy(text + n + 32, d->reply->hello->nonce.data, 32);
	assert_int_equal(gt_sign(key, gt_bytes_of(text, n + 64), proof), 0);
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Prove v = GT__PROVE__INIT;
	v.proof = (ProtobufCBinaryData){64, proof};
	r.body_case = GT__REQUEST__BODY_PROVE;
	r.prove = &v;
	nodes_ask(t, i, peer, 2, &r);
	assert_non_null(nodes_replied(t, i, GT__REPLY__BODY_PROVE));
	return peer;
}

static void every_kind_and_request(void **state)
{
	static const Gt__Request__BodyCase asks[] = {
	        GT__REQUEST__BODY_CHANGES, GT__REQUEST__BODY_MANIFEST,
	        GT__REQUEST__BODY_FRAME,   GT__REQUEST__BODY_RECORDS,
	        GT__REQUEST__BODY_OFFER,   GT__REQUEST__BODY_INVENTORY,
	        GT__REQUEST__BODY_DONE,    GT__REQUEST__BODY_ROSTER};
	static const char *const codes[] = {"3301", "330106", "330106",
	                                    "33-press", "33-b"};
	struct nodes *t = *state;
	enrol(t, TOP, "33-press", "", true, 1);
	enrol(t, TOP, "33-b", "", false, 1);
	Gt__Request r = GT__REQUEST__INIT;
	for (Gt__Link kind = GT__LINK__ROSTER_ONLY; kind <= GT__LINK__PEER;
	     kind++) {
		const char *code = codes[kind];
		struct gt_key key = kind <= GT__LINK__RENEWAL
		                            ? t->v[LOW].key
		                            : key_of((uint8_t)strlen(code));
		for (size_t k = 0; k < sizeof asks / sizeof *asks; k++) {
			uint32_t peer = ready(t, TOP,
			                      (struct hello){.code = code,
			                                     .parent = "33",
			                                     .kind = kind},
			                      &key);
			Gt__Roster roster = GT__ROSTER__INIT;
			Gt__Changes changes = GT__CHANGES__INIT;
			Gt__GetManifest m = GT__GET_MANIFEST__INIT;
			Gt__GetFrame f = GT__GET_FRAME__INIT;
			Gt__Records records = GT__RECORDS__INIT;
			Gt__Offer offer;
			gt__offer__init(&offer);
			Gt__Inventory inventory = GT__INVENTORY__INIT;
			Gt__Done done = GT__DONE__INIT;
			void *const bodies[] = {&changes, &m,     &f,
			                        &records, &offer, &inventory,
			                        &done,    &roster};
			r.body_case = asks[k];
			r.changes = bodies[k];
			nodes_clear(t, TOP);
			nodes_ask(t, TOP, peer, 3, &r);
			bool may = kind == GT__LINK__ROSTER_ONLY &&
			           asks[k] == GT__REQUEST__BODY_ROSTER;
			assert_int_equal(
			        nodes_dropped(t, TOP,
			                      "not on a link of this kind"),
			        !may);
			assert_int_equal(
			        nodes_replied(t, TOP, GT__REPLY__BODY_ROSTER) !=
			                NULL,
			        may);
		}
	}
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM child"), 0);
}

static void who_may_open_which(void **state)
{
	struct nodes *t = *state;
	enrol(t, TOP, "33-press", "", true, 1);
	enrol(t, TOP, "33-b", "", false, 1);
	const struct {
		const char *code;
		Gt__Link kind;
		const char *why;
	} rows[] = {
	        {"330106", GT__LINK__ROSTER_ONLY, ""},
	        {"33-press", GT__LINK__ROSTER_ONLY, ""},
	        {"330106", GT__LINK__PUBLISHING,
	         "the roster has no publisher of that code"},
	        {"33-press", GT__LINK__PUBLISHING, ""},
	        {"33-press", GT__LINK__PEER,
	         "the code is not of a node beside this one"},
	        {"3301", GT__LINK__PEER,
	         "the code is not of a node beside this one"},
	        {"33", GT__LINK__PEER,
	         "the code is not of a node beside this one"},
	        {"33-b", GT__LINK__PEER, ""},
	        {"33-b", GT__LINK__CHILD, ""},
	        {"33", GT__LINK__CHILD,
	         "the code does not lie under this node's"},
	        {"33", GT__LINK__ROSTER_ONLY,
	         "the code does not lie under this node's"},
	        {"3301", (Gt__Link)5, "Hello of an unknown kind of link"},
	        {"3305", GT__LINK__ROSTER_ONLY,
	         "the roster has no active member of that code"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(
		        refused(t, TOP,
		                (struct hello){.code = rows[i].code,
		                               .parent = "33",
		                               .kind = rows[i].kind}),
		        rows[i].why);
	/* before there were kinds there was one */
	assert_string_equal(
	        refused(t, TOP,
	                (struct hello){.code = "330106",
	                               .parent = "33",
	                               .kind = GT__LINK__ROSTER_ONLY,
	                               .version = 2}),
	        "Hello of an unknown kind of link");
}

/* A child's link stays when the same node asks for the roster beside it. */
static void beside_a_child(void **state)
{
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	uint32_t peer = ready(t, TOP,
	                      (struct hello){.code = "3301",
	                                     .parent = "33",
	                                     .kind = GT__LINK__ROSTER_ONLY},
	                      &t->v[MID].key);
	static struct gt_node_status s;
	gt_node_status(t->v[TOP].node, &s);
	assert_int_equal(s.children_up, 1);
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Roster roster = GT__ROSTER__INIT;
	r.body_case = GT__REQUEST__BODY_ROSTER;
	r.roster = &roster;
	nodes_ask(t, TOP, peer, 3, &r);
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_ROSTER);
	assert_non_null(d);
	assert_int_equal(d->reply->roster->n_members, 3);
	assert_false(d->reply->roster->more);
	roster.after = d->reply->roster->upto;
	nodes_ask(t, TOP, peer, 4, &r);
	d = nodes_replied(t, TOP, GT__REPLY__BODY_ROSTER);
	assert_int_equal(d->reply->roster->n_members, 0);
	/* a revoked one loses both */
	nodes_clear(t, TOP);
	nodes_members(t, TOP,
	              nodes_member(t, "3301", t->v[MID].key.public, 9,
	                           GT__STANDING__REVOKED));
	assert_int_equal(nodes_count(t, TOP, GT_ACT_DROP), 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(nobody_skips_a_level),     T(certificates_of_before),
	        T(whoever_serves_the_place), T(a_child_of_a_place),
	        T(every_kind_and_request),   T(who_may_open_which),
	        T(beside_a_child),
	};
	return cmocka_run_group_tests_name("kind", tests, NULL, NULL);
}
