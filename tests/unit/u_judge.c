/* u_judge.c: what a child is told of resources, layers and members, and when that
 * changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalogue_inside.h"
#include "policy.h"
#include "unit/catalogue_kit.h"

static void new_updated_withdrawn(void **state)
{
	struct nodes *t = *state;
	link_all(t);
	announce(t, "a", "course");
	assert_int_equal(version(t, LOW, "33/a"), 1);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_MIRROR);
	announce(t, "a", "course");
	assert_int_equal(version(t, LOW, "33/a"), 2);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_run(t);
	assert_int_equal(version(t, LOW, "33/a"), 3);
	assert_int_equal(
	        nodes_int(t, LOW, "SELECT state FROM item WHERE id='33/a'"),
	        GT__STATE__WITHDRAWN);
	/* one that never had it is not told */
	nodes_open(t, 3, "3302", "33", NULL);
	nodes_enrol(t);
	nodes_wire(t, 3, TOP, true);
	nodes_run(t);
	assert_int_equal(
	        nodes_int(t, 3, "SELECT count(*) FROM item WHERE kind=1"), 0);
	/* nor is it written down that members are none of its business */
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'judge' AND kind='member' AND "
	                           "verdict='deny'"),
	                 0);
	/* each change is in both ends' audit, under one name */
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'receive' AND subject='33/a'"),
	                 3);
	const char *name = nodes_text(t, LOW,
	                              "SELECT transfer FROM audit WHERE event "
	                              "= 'receive' AND subject='33/a'");
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'judge' AND transfer = '%s' AND peer = "
	                           "'330106'",
	                           name),
	                 1);
}

/* Denied and withdrawn while the link was down: the level below loses what it
 * had, and is not shown what it must not have. */
static void withdrawn_and_denied(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	struct nodes *t = *state;
	unsigned link = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	announce(t, "a", "course");
	announce(t, "b", "video");
	assert_int_equal(version(t, MID, "33/a"), 1);
	nodes_cut(t, link);
	order(t, deny);
	announce(t, "a", "course");
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	assert_int_equal(nodes_withdraw(t, TOP, "b"), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(version(t, MID, "33/a"), 0);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	assert_int_equal(version(t, MID, "33/b"), 2);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT state FROM item WHERE id='33/b'"),
	        GT__STATE__WITHDRAWN);
}

static void a_rule_takes_it_out_and_in_again(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	struct nodes *t = *state;
	link_all(t);
	announce(t, "a", "course");
	announce(t, "b", "video");
	order(t, deny);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_DENY);
	assert_int_equal(version(t, LOW, "33/a"), 0);
	assert_int_equal(version(t, LOW, "33/b"), 1);
	assert_int_equal(nodes_int(t, LOW,
	                           "SELECT count(*) FROM audit WHERE event = "
	                           "'retract' AND subject = '33/a'"),
	                 1);
	/* out to out: not a word crosses the link */
	nodes_clear(t, TOP);
	announce(t, "a", "course");
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_CHANGES);
	assert_true(!d || d->reply->changes->n_changes == 0);
	/* out to in, at the version of now */
	order(t, everything);
	assert_int_equal(version(t, LOW, "33/a"), 2);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_MIRROR);
}

static void the_parent_is_a_ceiling(void **state)
{
	static const char *const list[] = {"course", "metadata", NULL};
	struct nodes *t = *state;
	link_all(t);
	order(t, list);
	announce(t, "a", "course");
	assert_int_equal(verdict(t, MID, "33/a"), GT_METADATA);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_METADATA);
	for (unsigned i = MID; i <= LOW; i++)
		assert_string_equal(
		        nodes_text(t, i,
		                   "SELECT verdict||' '||priority||' '||rule||"
		                   "' '||layer FROM item WHERE id='33/a'"),
		        "1 60 course 33");
	/* the lower one cannot widen, but it can narrow */
	assert_int_equal(nodes_layer(t, LOW, everything), 0);
	nodes_run(t);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_METADATA);
	static const char *const deny[] = {"course", "deny", NULL};
	assert_int_equal(nodes_layer(t, LOW, deny), 0);
	nodes_run(t);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_DENY);
	assert_int_equal(nodes_text(t, MID,
	                            "SELECT layer FROM audit WHERE event = "
	                            "'judge' AND subject = '33/a' ORDER BY aid "
	                            "DESC LIMIT 1")[5],
	                 '6'); /* 330106: its own rule decided */
}

static void members_and_layers_come_first(void **state)
{
	struct nodes *t = *state;
	nodes_open(t, 3, "3302", "33", NULL);
	/* 3302 knows the roster's key, itself and its parent, no more */
	nodes_members(t, 3,
	              nodes_member(t, "33", t->v[TOP].key.public, 1,
	                           GT__STANDING__ACTIVE));
	struct gt_bytes own = nodes_member(t, "3302", t->v[3].key.public, 1,
	                                   GT__STANDING__ACTIVE);
	nodes_members(t, 3, own);
	nodes_members(t, TOP, own);
	struct gt_key press;
	uint8_t seed[32] = {8};
	assert_int_equal(gt_key_from_seed(&press, seed), 0);
	order(t, everything);
	announce(t, "a", "course");
	nodes_members(t, TOP,
	              nodes_member(t, "33-press", press.public, 1,
	                           GT__STANDING__ACTIVE));
	nodes_wire(t, 3, TOP, true);
	nodes_run(t);
	const struct done *d = NULL;
	for (size_t k = 0; k < t->v[TOP].nlog && !d; k++)
		if (t->v[TOP].log[k].reply &&
		    t->v[TOP].log[k].reply->body_case ==
		            GT__REPLY__BODY_CHANGES)
			d = &t->v[TOP].log[k];
	assert(d);
	int order_of[4] = {0, 2, 1, 0}, last = 0;
	for (size_t i = 0; i < d->reply->changes->n_changes; i++) {
		ProtobufCBinaryData b = d->reply->changes->changes[i]->item;
		const Gt__Signed *s = gt__signed__unpack(
		        gt_arena_allocator(t->arena), b.len, b.data);
		assert(s && s->kind < 4);
		assert_true(order_of[s->kind] >= last);
		last = order_of[s->kind];
	}
	assert_int_equal(last, 2);
	/* a node not on 3302's way up or down is none of its business */
	assert_int_equal(nodes_int(t, 3,
	                           "SELECT count(*) FROM item WHERE kind=3 "
	                           "AND id='33-press'"),
	                 1);
	assert_int_equal(nodes_int(t, 3,
	                           "SELECT count(*) FROM item WHERE kind=3 "
	                           "AND id='3301'"),
	                 0);
}

/* A rule that looks at how old things are: time alone takes them away. */
static void by_age(void **state)
{
	struct nodes *t = *state;
	Gt__Layer m;
	Gt__Rule rule, *rules = &rule;
	Gt__Predicate when, *whens = &when;
	gt__layer__init(&m);
	gt__rule__init(&rule);
	gt__predicate__init(&when);
	when.field = GT__FIELD__AGE;
	when.ranged = true;
	when.min = 1800;
	when.max = INT64_MAX;
	rule.name = gt_arena_str(t->arena, "old");
	rule.when = &whens;
	rule.n_when = 1;
	rule.verdict = GT__VERDICT__DENY;
	m.rules = &rules;
	m.n_rules = 1;
	m.fallback = GT__VERDICT__MIRROR;
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .body = gt_arena_pack(t->arena, &m.base)};
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	announce(t, "a", "course");
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	nodes_run(t);
	assert_int_equal(verdict(t, MID, "33/a"), GT_MIRROR);
	/* looked at once an hour */
	nodes_pass(t, 3599 * 1000);
	assert_int_equal(verdict(t, MID, "33/a"), GT_MIRROR);
	nodes_pass(t, 2000);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	announce(t, "b", "course");
	nodes_pass(t, 3597 * 1000);
	assert_int_equal(verdict(t, MID, "33/b"), GT_MIRROR);
	nodes_pass(t, 2000);
	assert_int_equal(verdict(t, MID, "33/b"), GT_DENY);
	/* where nobody is linked there is nobody to judge for */
	nodes_cut(t, 0);
	assert_int_equal(gt_node_deadline(t->v[LOW].node), UINT64_MAX);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(new_updated_withdrawn),
	        T(withdrawn_and_denied),
	        T(a_rule_takes_it_out_and_in_again),
	        T(the_parent_is_a_ceiling),
	        T(members_and_layers_come_first),
	        T(by_age),
	};
	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
