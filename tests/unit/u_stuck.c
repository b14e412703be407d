/* u_stuck.c: what keeps one object from coming keeps no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "content_inside.h"
#include "unit/node_kit.h"

static int64_t stuck(struct nodes *t)
{
	return nodes_int(t, MID, "SELECT ifnull(sum(why),0) FROM stuck");
}

static void placed(struct nodes *t, const struct pack *p, int status)
{
	struct gt_event e = {.type = GT_EV_PLACED,
	                     .object = p->object,
	                     .frame = 0,
	                     .status = status,
	                     .body = gt_bytes_str("objects/x: Is a folder")};
	assert_int_equal(nodes_event(t, MID, &e), 0);
}

/* Its file cannot be made: it alone waits, ever longer, and is told once. */
static void a_file_that_cannot_be_made(void **state)
{
	struct nodes *t = *state;
	struct pack p, q;
	held_back(t, &p, 300000);
	assert_true(t->nanswers > 0);
	t->nanswers = 0;
	t->v[MID].held = false;
	placed(t, &p, -GT_EIO);
	assert_int_equal(stuck(t), GT_STUCK_FILE);
	assert_false(nodes_status(t, MID)->bulk_paused);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT count(*) FROM audit WHERE event='damage' AND "
	                  "subject='%s' AND result='IO' AND "
	                  "detail='objects/x: Is a folder'",
	                  object_hex(&p.object)),
	        1);
	placed(t, &p, -GT_EIO);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='damage'"),
	                 1);
	/* another one comes meanwhile */
	package(&q, 2, 300000);
	assert_int_equal(publish(t, TOP, "b", &q), 0);
	nodes_pass(t, 3000);
	assert_holds(t, MID, &q);
	assert_int_equal(object_state(t, MID, &p.object), GT_OBJECT_PARTIAL);
	assert_int_equal(stuck(t), GT_STUCK_FILE);
	pack_clear(&p);
	pack_clear(&q);
}

/* The parent has not what is wanted: said once that lasts, not before, and over
 * when something comes. */
static void what_the_parent_has_not(void **state)
{
	struct nodes *t = *state;
	struct gt_node *n = t->v[MID].node;
	struct pack p;
	held_back(t, &p, 300000);
	struct gt_object *o = gt_object_find(n, &p.object);
	assert_non_null(o);
	struct gt_asking a = {.what = GT_ASKED_FRAME,
	                      .object = p.object,
	                      .frame = UINT32_MAX - 1,
	                      .sent_ms = n->now.mono_ms};
	Gt__Error no = GT__ERROR__INIT;
	no.code = GT_EUNAVAILABLE;
	assert_int_equal(gt_fetch_refused(n, &a, &no), 0);
	assert_int_equal(stuck(t), 0);
	n->now.mono_ms += 4999;
	assert_int_equal(gt_fetch_refused(n, &a, &no), 0);
	assert_int_equal(stuck(t), 0);
	n->now.mono_ms += 1;
	/* what is denied is another matter */
	no.code = GT_EDENIED;
	assert_int_equal(gt_fetch_refused(n, &a, &no), 0);
	assert_int_equal(stuck(t), 0);
	no.code = GT_EUNAVAILABLE;
	assert_int_equal(gt_fetch_refused(n, &a, &no), 0);
	assert_int_equal(stuck(t), GT_STUCK_ABOVE);
	assert_int_equal(nodes_int(t, MID, "SELECT since_ms FROM stuck"),
	                 n->now.wall_ms - 5000);
	assert_int_equal(gt_stuck_over(n, o, GT_STUCK_FILE), 0);
	assert_int_equal(stuck(t), GT_STUCK_ABOVE);
	assert_int_equal(gt_stuck_over(n, o, GT_STUCK_ABOVE), 0);
	assert_int_equal(stuck(t), 0);
	pack_clear(&p);
}

/* Short of memory or of descriptors the whole node waits, and says that. */
static void short_of_descriptors(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 300000);
	assert_int_equal(t->answers[0].e.type, GT_EV_PLACED);
	t->answers[0].e.status = -GT_ENOMEM;
	gt_copy(t->answers[0].why, sizeof t->answers[0].why,
	        "objects/x: Too many open files");
	nodes_hear(t, 0);
	assert_true(nodes_status(t, MID)->bulk_paused);
	assert_int_equal(nodes_status(t, MID)->bulk_paused_by, -GT_ENOMEM);
	assert_int_equal(stuck(t), 0);
	const struct done *line = nodes_last(t, MID, GT_ACT_LOG, 0);
	assert_non_null(line);
	assert_non_null(strstr(line->a.text, "objects/x: Too many open files"));
	assert_null(strstr(line->a.text, "Make room"));
	/* and it resumes by itself */
	t->v[MID].held = false;
	while (t->nanswers > 0)
		nodes_hear(t, 0);
	nodes_pass(t, 20000);
	assert_holds(t, MID, &p);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)
int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(a_file_that_cannot_be_made),
	        T(what_the_parent_has_not),
	        T(short_of_descriptors),
	};
	return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
