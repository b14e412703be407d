/* u_cap.c: a parent that gives more than the layers allow: the child meets them
 * itself (catalogue/cap.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "catalogue_inside.h"
#include "unit/node_kit.h"

static const uint8_t parent_epoch[16] = {9};

/* The child's parent: a script that has TOP's key, and sends what it likes. */
struct script {
	struct nodes *t;
	uint32_t peer;
	uint64_t changes;
	int64_t seq;
	uint64_t layers, entries; /* versions given out */
};

static void up(struct script *s, struct nodes *t)
{
	Gt__Request__BodyCase page = GT__REQUEST__BODY_INVENTORY;
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Ok ok = GT__OK__INIT;
	s->t = t;
	s->peer =
	        nodes_parent(t, MID, &t->v[TOP].key, parent_epoch, &s->changes);
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	if (s->changes == 0) {
		nodes_answer(t, MID, s->peer,
		             nodes_asked(t, MID, page)->a.token, &r,
		             (struct gt_bytes){0});
		s->changes =
		        nodes_asked(t, MID, GT__REQUEST__BODY_CHANGES)->a.token;
	}
}

/* item n 0: retracts id */
static void say(struct script *s, struct gt_bytes item, const char *id,
                Gt__Verdict verdict)
{
	struct nodes *t = s->t;
	Gt__Reply r = GT__REPLY__INIT;
	Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
	Gt__Change change, *list = &change;
	gt__change__init(&change);
	change.seq = (uint64_t)++s->seq;
	change.item = (ProtobufCBinaryData){
	        item.n, gt_arena_copy(t->arena, item.p, item.n)};
	change.verdict = verdict;
	change.priority = 50;
	if (item.n == 0)
		change.retract = gt_lend(id);
	c.epoch = (ProtobufCBinaryData){
	        16, gt_arena_copy(t->arena, parent_epoch, 16)};
	c.changes = &list;
	c.n_changes = 1;
	c.upto = (uint64_t)s->seq;
	r.body_case = GT__REPLY__BODY_CHANGES;
	r.changes = &c;
	nodes_answer(t, MID, s->peer, s->changes, &r, (struct gt_bytes){0});
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_CHANGES);
	s->changes = d ? d->a.token : 0;
}

static struct gt_bytes sealed(struct script *s, Gt__Kind kind,
                              const ProtobufCMessage *m)
{
	struct gt_bytes body = gt_arena_pack(s->t->arena, m), out;
	assert_int_equal(
	        gt_seal(&s->t->v[TOP].key, kind, &body, 1, s->t->arena, &out),
	        0);
	return out;
}

/* 33's layer: of that type so much, of all else everything. */
static void order(struct script *s, const char *type, Gt__Verdict verdict)
{
	Gt__Layer l;
	Gt__Rule rule, *rules = &rule;
	Gt__Predicate p, *when = &p;
	char *values[] = {gt_lend(type)};
	gt__layer__init(&l);
	gt__rule__init(&rule);
	gt__predicate__init(&p);
	p.field = GT__FIELD__TYPE;
	p.values = values;
	p.n_values = 1;
	rule.name = gt_lend("rule");
	rule.when = &when;
	rule.n_when = 1;
	rule.verdict = verdict;
	rule.priority = 70;
	l.origin = gt_lend("33");
	l.version = ++s->layers;
	l.rules = &rules;
	l.n_rules = 1;
	l.fallback = GT__VERDICT__MIRROR;
	l.priority = 50;
	say(s, sealed(s, GT__KIND__LAYER, &l.base), "", GT__VERDICT__MIRROR);
	nodes_pass(s->t, 1); /* what follows is not done in the same turn */
}

static void give(struct script *s, const char *id, const char *type,
                 Gt__Verdict verdict, struct gt_id *object)
{
	Gt__Entry e;
	gt__entry__init(&e);
	e.id = gt_lend(id);
	e.publisher = gt_lend("33");
	e.type = gt_lend(type);
	e.version = ++s->entries;
	if (object)
		e.object = (ProtobufCBinaryData){32, object->b};
	e.plain_size = e.stored_size = 1000;
	e.members = 1;
	say(s, sealed(s, GT__KIND__RESOURCE, &e.base), id, verdict);
}

static int64_t verdict(struct nodes *t, unsigned i, const char *id)
{
	return nodes_int(t, i,
	                 "SELECT ifnull((SELECT verdict FROM item WHERE kind=1"
	                 " AND id='%s'),-1)",
	                 id);
}

static bool words(struct nodes *t, unsigned i, const char *id)
{
	return nodes_int(t, i,
	                 "SELECT length(signed)>0 FROM item WHERE kind=1 AND "
	                 "id='%s'",
	                 id) == 1;
}

static bool warned(struct nodes *t)
{
	for (size_t k = 0;; k++) {
		const struct done *d = nodes_last(t, MID, GT_ACT_LOG, k);
		if (!d)
			return false;
		if (d->a.status == GT_LOG_WARN &&
		    strstr(d->a.text, "33 gives this node more"))
			return true;
	}
}

/* ------------------------------------------------------------ widened */

static void denied_above_and_given(void **state)
{
	struct nodes *t = *state;
	struct script s = {0};
	struct gt_id object = {{5}};
	up(&s, t);
	order(&s, "video", GT__VERDICT__DENY);
	give(&s, "33/a", "video", GT__VERDICT__MIRROR, &object);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	assert_false(words(t, MID, "33/a"));
	assert_null(nodes_asked(t, MID, GT__REQUEST__BODY_MANIFEST));
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 0);
	assert_true(warned(t));
	/* both that it was given, and that it was held back */
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT verdict||rule||layer||detail FROM audit "
	                   "WHERE event='cap' AND subject='33/a'"),
	        "denyrule33the parent said mirror");
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT verdict FROM audit WHERE event='receive' "
	                   "AND subject='33/a'"),
	        "mirror");
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	/* what it may have it gets, and no word is lost over it */
	nodes_clear(t, MID);
	give(&s, "33/b", "course", GT__VERDICT__MIRROR, &object);
	assert_int_equal(verdict(t, MID, "33/b"), GT_MIRROR);
	assert_non_null(nodes_asked(t, MID, GT__REQUEST__BODY_MANIFEST));
	assert_false(warned(t));
}

static void listed_above_and_given(void **state)
{
	struct nodes *t = *state;
	struct script s = {0};
	struct gt_id object = {{5}};
	up(&s, t);
	order(&s, "video", GT__VERDICT__METADATA);
	give(&s, "33/a", "video", GT__VERDICT__ON_DEMAND, &object);
	assert_int_equal(verdict(t, MID, "33/a"), GT_METADATA);
	assert_true(words(t, MID, "33/a"));
	assert_int_equal(nodes_want(t, MID, "33/a"), -GT_EDENIED);
	/* nor does anybody below get more */
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	assert_int_equal(verdict(t, LOW, "33/a"), GT_METADATA);
	/* the node's own layer counts as any */
	static const char *const deny[] = {"video", "deny", NULL};
	assert_int_equal(nodes_layer(t, MID, deny), 0);
	nodes_pass(t, 1);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	assert_false(words(t, MID, "33/a"));
	assert_int_equal(verdict(t, LOW, "33/a"), GT_DENY);
}

/* ------------------------------------------------------- layers change */

static void a_layer_comes_later(void **state)
{
	struct nodes *t = *state;
	struct script s = {0};
	struct gt_id object = {{5}};
	up(&s, t);
	give(&s, "33/a", "video", GT__VERDICT__MIRROR, &object);
	give(&s, "33/b", "course", GT__VERDICT__MIRROR, NULL);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 1);
	order(&s, "video", GT__VERDICT__METADATA);
	assert_int_equal(verdict(t, MID, "33/a"), GT_METADATA);
	assert_int_equal(verdict(t, MID, "33/b"), GT_MIRROR);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 0);
	/* what the parent said is not said again, and not forgotten */
	order(&s, "course", GT__VERDICT__ON_DEMAND);
	assert_int_equal(verdict(t, MID, "33/a"), GT_MIRROR);
	assert_int_equal(verdict(t, MID, "33/b"), GT_ON_DEMAND);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM said"), 1);
	/* nor is it wider than what it says now */
	give(&s, "33/b", "course", GT__VERDICT__METADATA, NULL);
	order(&s, "video", GT__VERDICT__MIRROR);
	assert_int_equal(verdict(t, MID, "33/b"), GT_METADATA);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM said"), 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
}

/* The words of what was denied are gone: the parent, who believes that they are
 * here, is asked to compare. */
static void let_in_again(void **state)
{
	struct nodes *t = *state;
	struct script s = {0};
	up(&s, t);
	order(&s, "video", GT__VERDICT__DENY);
	give(&s, "33/a", "video", GT__VERDICT__MIRROR, NULL);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	order(&s, "course", GT__VERDICT__DENY);
	assert_true(
	        nodes_dropped(t, MID, "the layers changed: all is compared"));
	nodes_clear(t, MID);
	s.peer = nodes_parent(t, MID, &t->v[TOP].key, parent_epoch, NULL);
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_INVENTORY);
	assert_non_null(d);
	assert_int_equal(d->request->inventory->n_rows, 0);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM said"), 0);
}

/* ... and among true nodes it comes back by itself, whatever was in between. */
static void let_in_again_by_the_parent(void **state)
{
	static const char *const deny[] = {"course", "deny", NULL};
	static const char *const everything[] = {NULL};
	struct nodes *t = *state;
	struct gt_bytes none = {0};
	unsigned wire = nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_run(t);
	assert_int_equal(verdict(t, MID, "33/a"), GT_MIRROR);
	/* the parent never hears of the narrow layer */
	nodes_cut(t, wire);
	assert_int_equal(nodes_layer(t, MID, deny), 0);
	nodes_pass(t, 1);
	assert_int_equal(verdict(t, MID, "33/a"), GT_DENY);
	assert_int_equal(nodes_layer(t, MID, everything), 0);
	nodes_pass(t, 1);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 1000);
	assert_int_equal(verdict(t, MID, "33/a"), GT_MIRROR);
	assert_true(words(t, MID, "33/a"));
}

/* What a program took in that did not meet the layers is met at the start. */
static void met_at_the_start(void **state)
{
	static const char *const list[] = {"video", "metadata", NULL};
	struct nodes *t = *state;
	struct gt_bytes none = {0};
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(nodes_layer(t, TOP, list), 0);
	assert_int_equal(nodes_publish(t, TOP, "a", "video", none, none), 0);
	nodes_pass(t, 1);
	assert_int_equal(verdict(t, MID, "33/a"), GT_METADATA);
	char *error = NULL;
	assert_int_equal(sqlite3_exec(t->v[MID].db,
	                              "UPDATE item SET verdict=3,seq=seq+1 "
	                              "WHERE kind=1",
	                              NULL, NULL, &error),
	                 SQLITE_OK);
	nodes_restart(t, MID);
	nodes_pass(t, 1);
	assert_int_equal(verdict(t, MID, "33/a"), GT_METADATA);
	/* a database from before there was such a thing */
	assert_int_equal(sqlite3_exec(t->v[MID].db,
	                              "UPDATE item SET verdict=3 WHERE kind=1;"
	                              "DELETE FROM meta WHERE key IN('met',"
	                              "'met_to');DROP TABLE said",
	                              NULL, NULL, &error),
	                 SQLITE_OK);
	nodes_restart(t, MID);
	nodes_pass(t, 1);
	assert_int_equal(verdict(t, MID, "33/a"), GT_METADATA);
}

/* --------------------------------------------------------- whatever it says */

/* However the parent and the layers change, no node below holds more than the
 * layers it has give, and it holds all that both give. */
static void whatever_the_parent_says(void **state)
{
	static const char *const types[] = {"course", "video", "document"};
	enum { TYPES = 3, NAMES = 6, STEPS = 400 };
	struct nodes *t = *state;
	struct script s = {0};
	int rule_type = -1;
	Gt__Verdict rule = GT__VERDICT__MIRROR;
	struct {
		int type;
		int64_t said;
	} r[NAMES];
	uint64_t draw = 5;
	unsigned capped = 0, whole = 0;
	memset(r, 0xff, sizeof r);
	up(&s, t);
	nodes_wire(t, LOW, MID, true);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned k = (unsigned)(kit_random(&draw) % NAMES);
		char id[16];
		gt_format(id, sizeof id, "33/r%u", k);
		if (!t->v[MID].node->up)
			up(&s, t); /* it compares */
		if (kit_random(&draw) % 4 == 0) {
			rule_type = (int)(kit_random(&draw) % TYPES);
			rule = (Gt__Verdict)(kit_random(&draw) % 4);
			order(&s, types[rule_type], rule);
		} else if (r[k].said > 0 && kit_random(&draw) % 4 == 0) {
			r[k].said = GT_DENY;
			say(&s, (struct gt_bytes){0}, id, GT__VERDICT__DENY);
		} else {
			r[k].type = (int)(kit_random(&draw) % TYPES);
			r[k].said = 1 + (int64_t)(kit_random(&draw) % 3);
			give(&s, id, types[r[k].type], (Gt__Verdict)r[k].said,
			     NULL);
		}
		nodes_clear(t, MID);
		nodes_clear(t, LOW);
		nodes_clear(t, TOP);
		nodes_pass(t, 10);
		for (unsigned i = 0; i < NAMES; i++) {
			int64_t most = r[i].type == rule_type ? (int64_t)rule
			                                      : GT_MIRROR;
			gt_format(id, sizeof id, "33/r%u", i);
			int64_t has = verdict(t, MID, id);
			int64_t low = verdict(t, LOW, id);
			if (r[i].said < 0)
				continue;
			has = has < 0 ? GT_DENY : has;
			assert_true(has <= most && has <= r[i].said);
			assert_true(
			        low <= most &&
			        low <= (has == GT_ON_DEMAND ? GT_MIRROR : has));
			assert_true(has > 0 || !words(t, MID, id));
			capped += has < r[i].said;
			whole += has == r[i].said && has > 0;
		}
	}
	assert_true(capped > 100 && whole > 100);
}

#define T(f, of) cmocka_unit_test_setup_teardown(f, of, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(denied_above_and_given, nodes_two),
	        T(listed_above_and_given, nodes_three),
	        T(a_layer_comes_later, nodes_two),
	        T(let_in_again, nodes_two),
	        T(let_in_again_by_the_parent, nodes_two),
	        T(met_at_the_start, nodes_two_on_disk),
	        T(whatever_the_parent_says, nodes_three),
	};
	return cmocka_run_group_tests_name("cap", tests, NULL, NULL);
}
