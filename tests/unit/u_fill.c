/* u_fill.c: from frames that are in the file to an object that is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "content_inside.h"
#include "unit/node_kit.h"

/* Fetched, up to the check of the whole, which has yet to answer. */
static void held_at_the_check(struct nodes *t, struct pack *p)
{
	held_back(t, p, 300000);
	while (nodes_count(t, MID, GT_ACT_CHECK) == 0)
		nodes_hear(t, 0);
	assert_int_equal(object_state(t, MID, &p->object), GT_OBJECT_CHECKING);
	assert_int_equal(t->nanswers, 1);
	t->nanswers = 0;
	t->v[MID].held = false;
	nodes_clear(t, MID);
}

static void checked(struct nodes *t, const struct pack *p, int status)
{
	struct gt_event e = {.type = GT_EV_CHECKED,
	                     .object = p->object,
	                     .status = status,
	                     .body = gt_bytes_str("so it is")};
	assert_int_equal(nodes_event(t, MID, &e), 0);
}

static void assert_counted(struct nodes *t, uint32_t frames)
{
	const struct gt_transfer_status *s =
	        &nodes_status(t, MID)->transfers[0];
	assert_int_equal(nodes_status(t, MID)->ntransfers, 1);
	assert_int_equal(s->present, frames);
	assert_int_equal(s->bytes, s->total * frames / s->frames);
}

/* People are told what is in the file; the row knows what is durable. */
static void counted_as_it_gets_there(void **state)
{
	static const char present[] = "SELECT present FROM object";
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 900000);
	assert_true(t->nanswers > 4);
	assert_counted(t, 0);
	nodes_hear(t, 0);
	nodes_hear(t, 0);
	assert_counted(t, 2); /* placed */
	nodes_pass(t, 500);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SYNC), 1);
	assert_counted(t, 2); /* about to be durable */
	assert_int_equal(nodes_int(t, MID, present), 0);
	nodes_hear(t, 0);
	assert_counted(t, 3);
	assert_int_equal(t->answers[t->nanswers - 1].e.type, GT_EV_SYNCED);
	nodes_hear(t, t->nanswers - 1);
	assert_counted(t, 3); /* two of them durable */
	assert_int_equal(nodes_int(t, MID, present), 2);
	pack_clear(&p);
}

static void said_when_it_is_whole(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_at_the_check(t, &p);
	checked(t, &p, 0);
	assert_holds(t, MID, &p);
	const struct done *line = nodes_last(t, MID, GT_ACT_LOG, 0);
	assert_non_null(line);
	assert_int_equal(line->a.status, GT_LOG_INFO);
	assert_string_equal(line->a.text, "33/a is complete");
	pack_clear(&p);
}

/* What is on the disk is not what was put there: none of it counts, in the row
 * neither, and all is fetched again. */
static void begun_again_when_it_is_damaged(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_at_the_check(t, &p);
	t->wires[0].up = false; /* nothing is answered for now */
	checked(t, &p, -GT_EDAMAGED);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_PARTIAL);
	assert_int_equal(nodes_int(t, MID, "SELECT present FROM object"), 0);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT count(*) FROM audit WHERE event='damage' AND "
	                  "kind='object' AND subject='%s' AND peer='33' AND "
	                  "result='DAMAGED' AND detail='so it is'",
	                  object_hex(&p.object)),
	        1);
	assert_int_equal(nodes_status(t, MID)->frames_damaged, 1);
	t->wires[0].up = true;
	nodes_cut(t, 0);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

/* A disk that could not be read says nothing of what is on it: it is checked
 * again when the disk may have recovered, and nothing is fetched for that. */
static void checked_again_when_it_could_not_be_read(void **state)
{
	/* of the file alone, and of the node */
	static const int failures[] = {-GT_EIO, -GT_ENOMEM};
	struct nodes *t = *state;
	struct pack p;
	held_at_the_check(t, &p);
	for (size_t i = 0; i < 2; i++) {
		checked(t, &p, failures[i]);
		assert_int_equal(object_state(t, MID, &p.object),
		                 GT_OBJECT_PARTIAL);
		assert_int_equal(nodes_status(t, MID)->bulk_paused, i == 1);
		t->v[MID].held = true;
		nodes_pass(t, 5000);
		assert_false(nodes_status(t, MID)->bulk_paused);
		assert_int_equal(nodes_count(t, MID, GT_ACT_CHECK), i + 1);
		assert_int_equal(object_state(t, MID, &p.object),
		                 GT_OBJECT_CHECKING);
		t->nanswers = 0;
	}
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_FRAME), 0);
	checked(t, &p, 0);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

static void sql(struct nodes *t, unsigned i, const char *text)
{
	assert_int_equal(sqlite3_exec(t->v[i].db, text, NULL, NULL, NULL),
	                 SQLITE_OK);
}

static void forgotten(struct nodes *t, unsigned i, const struct pack *p)
{
	/* others needed its place in memory */
	struct gt_node *n = t->v[i].node;
	struct gt_object *o = gt_object_find(n, &p->object);
	if (o)
		gt_object_close(n->content, o);
}

static int64_t damages(struct nodes *t, unsigned i)
{
	return nodes_int(t, i,
	                 "SELECT count(*) FROM audit WHERE event='damage' AND "
	                 "detail LIKE 'a stored manifest is damaged: %%'");
}

/* The version before, of which there is a copy to be made, stands in a row that
 * rotted: nothing is copied, all is fetched. */
static void a_version_before_that_cannot_be_read(void **state)
{
	struct nodes *t = *state;
	struct pack one, two;
	package(&two, 2, 300000);
	fetched(t, &one, 300000);
	forgotten(t, MID, &one);
	sql(t, MID, "UPDATE object SET manifest=x'00'");
	assert_int_equal(publish(t, TOP, "a", &two), 0);
	nodes_run(t);
	assert_int_equal(t->v[MID].failed, 0);
	nodes_pass(t, 60000);
	assert_holds(t, MID, &two);
	assert_int_equal(damages(t, MID), 1);
	pack_clear(&one);
	pack_clear(&two);
}

static const char rot[] = "UPDATE object SET manifest="
                          "randomblob(length(manifest))";

/* A child asks for what stands in a row that rotted: the manifest and all of the
 * content come again from above, and the child has them then. */
static void a_manifest_that_rotted(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetched(t, &p, 300000);
	nodes_restart(t, MID);
	sql(t, MID, rot);
	nodes_wire(t, LOW, MID, true);
	nodes_pass(t, 20000);
	assert_int_equal(t->v[MID].failed, 0);
	assert_int_equal(damages(t, MID), 1);
	assert_int_equal(nodes_int(t, MID, "SELECT state FROM object"),
	                 GT_OBJECT_WANTED);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 120000);
	assert_holds(t, MID, &p);
	assert_holds(t, LOW, &p);
	assert_int_equal(damages(t, MID), 1);
	pack_clear(&p);
}

/* A reader could make nothing of it: it is looked at. */
static void a_manifest_a_reader_met(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetched(t, &p, 300000);
	const struct gt_event e = {.type = GT_EV_FAULT,
	                           .object = p.object,
	                           .frame = UINT32_MAX,
	                           .status = -GT_EDAMAGED};
	assert_int_equal(nodes_event(t, MID, &e), 0);
	assert_int_equal(damages(t, MID), 0);
	assert_holds(t, MID, &p);
	sql(t, MID, rot);
	assert_int_equal(nodes_event(t, MID, &e), 0);
	assert_int_equal(damages(t, MID), 1);
	nodes_pass(t, 60000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

/* Nobody above has what was published here: it is said, and is whole when it is
 * published again. */
static void a_manifest_of_its_own_that_rotted(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	fetched(t, &p, 300000);
	forgotten(t, TOP, &p);
	sql(t, TOP, rot);
	const struct gt_event e = {.type = GT_EV_FAULT,
	                           .object = p.object,
	                           .frame = UINT32_MAX,
	                           .status = -GT_EDAMAGED};
	nodes_clear(t, TOP);
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	const struct done *line = nodes_last(t, TOP, GT_ACT_LOG, 0);
	assert_non_null(line);
	assert_non_null(strstr(line->a.text, "33/a was published here"));
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	assert_holds(t, TOP, &p);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(counted_as_it_gets_there),
	        T(said_when_it_is_whole),
	        T(begun_again_when_it_is_damaged),
	        T(checked_again_when_it_could_not_be_read),
	        T(a_version_before_that_cannot_be_read),
	        T(a_manifest_a_reader_met),
	        T(a_manifest_of_its_own_that_rotted),
	        cmocka_unit_test_setup_teardown(a_manifest_that_rotted,
	                                        nodes_three_on_disk,
	                                        nodes_gone),
	};
	return cmocka_run_group_tests_name("fill", tests, NULL, NULL);
}
