/* u_adopt.c: bytes published anew while they are let go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "content.h"
#include "node_kit.h"

static uint64_t begin(struct nodes *t, unsigned i, const char *slug,
                      const struct pack *p, size_t bytes)
{
	return nodes_publish_begin(t, i, slug, "course",
	                           gt_bytes_of(p->manifest, p->manifest_n),
	                           gt_bytes_of(p->out, bytes));
}

static int64_t objects(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM object");
}

/* Published as "a", and again as "b" with so many of its bytes; "a" is
 * withdrawn before that is adopted. */
static uint64_t renamed(struct nodes *t, const struct pack *p, size_t bytes)
{
	assert_int_equal(publish(t, TOP, "a", p), 0);
	t->v[TOP].held = true;
	uint64_t token = begin(t, TOP, "b", p, bytes);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	t->v[TOP].held = false;
	return token;
}

static void withdrawn_while_another_is_adopted(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	uint64_t token = renamed(t, &p, p.out_n);
	assert_int_equal(nodes_publish_end(t, TOP, token), 0);
	assert_holds(t, TOP, &p);
	/* and goes with the last that names it */
	assert_int_equal(nodes_withdraw(t, TOP, "b"), 0);
	assert_int_equal(objects(t, TOP), 0);
	assert_null(nodes_file(t, TOP, &p.object));
	pack_clear(&p);
}

static void withdrawn_and_not_adopted(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	uint64_t token = renamed(t, &p, p.out_n - 1);
	assert_true(nodes_publish_end(t, TOP, token) < 0);
	assert_int_equal(objects(t, TOP), 0);
	assert_null(nodes_file(t, TOP, &p.object));
	pack_clear(&p);
}

static void not_adopted_beside_one_that_is(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	t->v[TOP].held = true;
	uint64_t bad = begin(t, TOP, "b", &p, p.out_n - 1);
	uint64_t good = begin(t, TOP, "c", &p, p.out_n);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	t->v[TOP].held = false;
	assert_true(nodes_publish_end(t, TOP, bad) < 0);
	assert_int_equal(nodes_publish_end(t, TOP, good), 0);
	assert_holds(t, TOP, &p);
	pack_clear(&p);
}

/* Fetched from above and let go, its removal waits for the last of it to be
 * placed; meanwhile the same bytes are published here. */
static void withdrawn_above_while_it_is_placed(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 300000);
	assert_true(nodes_count(t, MID, GT_ACT_PLACE) > 1);
	uint64_t token = begin(t, MID, "b", &p, p.out_n);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_run(t);
	assert_int_equal(objects(t, MID), 0);
	t->v[MID].held = false;
	assert_int_equal(nodes_publish_end(t, MID, token), 0);
	assert_holds(t, MID, &p);
	nodes_pass(t, 10000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

/* The same, and the file is not adopted: it goes with the last of it. */
static void not_adopted_while_it_is_placed(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 300000);
	uint64_t token = begin(t, MID, "b", &p, p.out_n - 1);
	assert_int_equal(nodes_withdraw(t, TOP, "a"), 0);
	nodes_run(t);
	assert_int_equal(t->answers[t->nanswers - 1].e.type, GT_EV_ADOPTED);
	nodes_hear(t, t->nanswers - 1);
	assert_true(t->nanswers > 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_REMOVE), 0);
	t->v[MID].held = false;
	assert_true(nodes_publish_end(t, MID, token) < 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_REMOVE), 1);
	assert_int_equal(objects(t, MID), 0);
	assert_null(nodes_file(t, MID, &p.object));
	pack_clear(&p);
}

/* What comes from above is published here before it is whole: the version it
 * was to take the place of goes. */
static void published_before_it_is_fetched(void **state)
{
	struct nodes *t = *state;
	struct pack one, two;
	package(&one, 1, 300000);
	package(&two, 2, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(publish(t, TOP, "a", &one), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &one);
	t->v[MID].held = true;
	assert_int_equal(publish(t, TOP, "a", &two), 0);
	uint64_t token = begin(t, MID, "b", &two, two.out_n);
	assert_int_equal(objects(t, MID), 2);
	t->v[MID].held = false;
	assert_int_equal(nodes_publish_end(t, MID, token), 0);
	nodes_pass(t, 10000);
	assert_holds(t, MID, &two);
	assert_int_equal(objects(t, MID), 1);
	assert_null(nodes_file(t, MID, &one.object));
	pack_clear(&one);
	pack_clear(&two);
}

/* Who waits for it below, while it comes from above, is told to ask again when
 * it is published here. */
static void published_while_it_is_waited_for(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	nodes_open(t, LOW, "330106", "3301", NULL);
	nodes_enrol(t);
	nodes_wire(t, MID, TOP, true);
	nodes_wire(t, LOW, MID, true);
	nodes_run(t);
	t->v[MID].held = true;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	assert_true(nodes_asked_count(t, LOW, GT__REQUEST__BODY_FRAME) > 0);
	uint64_t token = begin(t, MID, "b", &p, p.out_n);
	nodes_clear(t, LOW);
	nodes_clear(t, MID);
	while (!nodes_last(t, MID, GT_ACT_REPLY, 0))
		nodes_hear(t, t->nanswers - 1);
	const struct done *d = nodes_replied(t, MID, GT__REPLY__BODY_ERROR);
	assert_non_null(d);
	assert_int_equal(d->reply->error->code, GT_EUNAVAILABLE);
	t->v[MID].held = false;
	assert_int_equal(nodes_publish_end(t, MID, token), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	assert_holds(t, LOW, &p);
	pack_clear(&p);
}

/* As many as may be under way; one more is told to try again. */
static void as_many_at_once(void **state)
{
	struct nodes *t = *state;
	uint64_t tokens[GT_ADOPTING_MAX];
	struct pack p;
	t->v[TOP].held = true;
	for (unsigned k = 0; k <= GT_ADOPTING_MAX; k++) {
		char slug[8];
		package(&p, k, 10);
		gt_format(slug, sizeof slug, "r%u", k);
		uint64_t token = begin(t, TOP, slug, &p, p.out_n);
		if (k < GT_ADOPTING_MAX)
			tokens[k] = token;
		pack_clear(&p);
	}
	const struct done *d = nodes_last(t, TOP, GT_ACT_REPLY, 0);
	assert_int_equal(d->a.status, -GT_EBUSY);
	assert_string_equal(d->a.text,
	                    "too many publishes under way: try again");
	assert_int_equal(nodes_count(t, TOP, GT_ACT_ADOPT), GT_ADOPTING_MAX);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='adopt' AND kind='object' AND "
	                           "actor='user:test' AND version=0 AND "
	                           "bytes=0 AND length(subject)=64"),
	                 GT_ADOPTING_MAX);
	t->v[TOP].held = false;
	for (unsigned k = 0; k < GT_ADOPTING_MAX; k++)
		assert_int_equal(nodes_publish_end(t, TOP, tokens[k]), 0);
	assert_int_equal(objects(t, TOP), GT_ADOPTING_MAX);
	/* and there is room again */
	package(&p, 100, 10);
	assert_int_equal(publish(t, TOP, "last", &p), 0);
	pack_clear(&p);
}

/* Published while frames of it are on their way to the disk, and its place in
 * memory given up: what is answered behind that is about a file that is another
 * one by then, and is believed of nothing, not even when the same frames are
 * being placed again. */
static void answers_behind_a_publish(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 900000);
	size_t old = t->nanswers;
	assert_true(old > 2);
	uint64_t token = begin(t, MID, "b", &p, p.out_n);
	assert_int_equal(t->answers[old].e.type, GT_EV_ADOPTED);
	nodes_hear(t, old);
	assert_int_equal(nodes_publish_end(t, MID, token), 0);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_COMPLETE);
	nodes_hear(t, --old); /* nobody waits for it */
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_COMPLETE);
	/* the file goes, and comes again from above */
	struct gt_event lost = {.type = GT_EV_LOST,
	                        .body = gt_bytes_of(p.object.b, GT_ID_BYTES),
	                        .detail = "the file is gone"};
	assert_int_equal(nodes_event(t, MID, &lost), 0);
	nodes_run(t);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_PARTIAL);
	assert_true(t->nanswers > old);
	while (old-- > 0)
		nodes_hear(t, 0);
	t->v[MID].held = false;
	nodes_pass(t, 20000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(withdrawn_while_another_is_adopted),
	        T(withdrawn_and_not_adopted),
	        T(not_adopted_beside_one_that_is),
	        T(withdrawn_above_while_it_is_placed),
	        T(not_adopted_while_it_is_placed),
	        T(published_before_it_is_fetched),
	        T(published_while_it_is_waited_for),
	        T(as_many_at_once),
	        T(answers_behind_a_publish),
	};
	return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
