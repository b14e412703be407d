/* u_dispatch.c: messages that are none, and answers to nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "unit/session_kit.h"

static void raw(struct nodes *t, unsigned i, uint32_t peer, uint64_t token,
                const char *bytes, size_t n, int status)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = peer,
	                     .token = token,
	                     .status = status,
	                     .body = gt_bytes_of(bytes, n)};
	assert_int_equal(nodes_event(t, i, &e), 0);
}

static void not_a_request(void **state)
{
	struct nodes *t = *state;
	uint32_t peer = nodes_link(t, TOP, false, "");
	raw(t, TOP, peer, 7, "\xff\xff\xff", 3, 0);
	assert_refused(t, TOP, GT_EMALFORMED, "malformed request");
	assert_int_equal(nodes_replied(t, TOP, GT__REPLY__BODY_ERROR)->a.token,
	                 7);
	/* a request of a later version: field 1000, and an empty one */
	peer = nodes_link(t, TOP, false, "");
	raw(t, TOP, peer, 8, "\xc2\x3e\x00", 3, 0);
	assert_refused(t, TOP, GT_EMALFORMED, "unknown request");
	peer = nodes_link(t, TOP, false, "");
	raw(t, TOP, peer, 9, "", 0, 0);
	assert_true(nodes_dropped(t, TOP, "unknown request"));
	/* what the transport could not make sense of */
	peer = nodes_link(t, TOP, false, "");
	raw(t, TOP, peer, 10, "", 0, -GT_EMALFORMED);
	assert_refused(t, TOP, GT_EMALFORMED, "malformed message");
}

static void not_an_answer(void **state)
{
	static const uint8_t epoch[16] = {1};
	struct nodes *t = *state;
	uint64_t changes;
	uint32_t peer = nodes_parent(t, LOW, &t->v[TOP].key, epoch, &changes);
	/* to a question never asked: nothing */
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Ok ok = GT__OK__INIT;
	r.body_case = GT__REPLY__BODY_OK;
	r.ok = &ok;
	nodes_answer(t, LOW, peer, changes + 1, &r, (struct gt_bytes){0});
	assert_int_equal(nodes_count(t, LOW, GT_ACT_DROP), 0);
	nodes_answer(t, LOW, peer, changes, &r, (struct gt_bytes){0});
	assert_true(nodes_dropped(t, LOW, "answer does not fit the request"));
	peer = nodes_parent(t, LOW, &t->v[TOP].key, epoch, &changes);
	raw(t, LOW, peer, changes, "\xff\xff", 2, 0);
	assert_true(nodes_dropped(t, LOW, "malformed answer"));
	/* an answer of another link means nothing on this one */
	uint64_t old = changes;
	peer = nodes_parent(t, LOW, &t->v[TOP].key, epoch, &changes);
	assert_true(old != changes);
	nodes_clear(t, LOW);
	nodes_answer(t, LOW, peer, old, &r, (struct gt_bytes){0});
	assert_int_equal(nodes_count(t, LOW, GT_ACT_DROP), 0);
	/* an error to what cannot go wrong ends the link and says so */
	Gt__Error e;
	gt__error__init(&e);
	e.code = GT_EBUSY;
	e.text = gt_arena_str(t->arena, "no");
	r.body_case = GT__REPLY__BODY_ERROR;
	r.error = &e;
	nodes_answer(t, LOW, peer, changes, &r, (struct gt_bytes){0});
	assert_true(nodes_dropped(t, LOW, "the parent answered BUSY: no"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(not_a_request),
	        T(not_an_answer),
	};
	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
