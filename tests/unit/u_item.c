/* u_item.c: what is taken of what somebody sent, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "catalogue_inside.h"
#include "unit/catalogue_kit.h"
#include "unit/script_kit.h"

static void what_is_not_what_its_origin_said(void **state)
{
	struct nodes *t = *state;
	const struct gt_key *top = &t->v[TOP].key, *mid = &t->v[MID].key;
	struct script s;
	script_up(&s, t);
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 5, "course")), "ok");
	struct gt_bytes forged = entry(t, top, "33/a", "33", 6, "course");
	uint8_t *bytes = gt_arena_copy(t->arena, forged.p, forged.n);
	char *at = memchr(bytes, 'c', forged.n);
	for (; memcmp(at, "course", 6) != 0; at++)
		assert_true((uint8_t *)at < bytes + forged.n - 6);
	*at = 'C';
	assert_string_equal(send_item(&s, gt_bytes_of(bytes, forged.n)),
	                    "SIGNATURE");
	/* another member's key, another publisher's name */
	assert_string_equal(
	        send_item(&s, entry(t, mid, "33/a", "33", 6, "course")),
	        "SIGNATURE");
	assert_string_equal(
	        send_item(&s, entry(t, top, "3301/a", "33", 6, "course")),
	        "IDENTITY");
	assert_string_equal(
	        send_item(&s, entry(t, top, "3399/a", "3399", 6, "course")),
	        "SIGNATURE");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/../a", "33", 6, "course")),
	        "IDENTITY");
	/* back in time, and the same time told otherwise */
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 4, "course")),
	        "STALE");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 5, "video")),
	        "CONFLICT");
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 0, "video")),
	        "MALFORMED");
	/* layers that are not for us, rows not of the roster's key */
	assert_string_equal(send_item(&s, layer(t, top, "3302", 1)),
	                    "SIGNATURE");
	nodes_members(
	        t, MID,
	        nodes_member(t, "3302", top->public, 1, GT__STANDING__ACTIVE));
	assert_string_equal(send_item(&s, layer(t, top, "3302", 1)), "DENIED");
	assert_string_equal(send_item(&s, layer(t, top, "33", 1)), "ok");
	assert_string_equal(
	        send_item(&s, gt_bytes_of((const uint8_t *)"\xff", 1)),
	        "MALFORMED");
	/* nor rows that are not of the roster's key, nor what is no kind */
	struct gt_key roster = t->roster;
	t->roster = t->v[TOP].key;
	assert_string_equal(
	        send_item(&s, nodes_member(t, "3303", top->public, 1,
	                                   GT__STANDING__ACTIVE)),
	        "SIGNATURE");
	t->roster = roster;
	assert_string_equal(
	        nodes_text(t, MID,
	                   "SELECT group_concat(kind||' '||subject||' '||"
	                   "result||': '||detail,x'0a') FROM audit WHERE "
	                   "event='receive' AND result<>'ok'"),
	        "resource  SIGNATURE: bad signature\n"
	        "resource 33/a SIGNATURE: not signed by an active key of 33\n"
	        "resource 3301/a IDENTITY: the id does not begin with the "
	        "publisher's code\n"
	        "resource 3399/a SIGNATURE: not signed by an active key of "
	        "3399\n"
	        "resource 33/../a IDENTITY: the id does not begin with the "
	        "publisher's code\n"
	        "resource 33/a STALE: \n"
	        "resource 33/a CONFLICT: \n"
	        "resource 33/a MALFORMED: version out of range\n"
	        "layer 3302 SIGNATURE: not signed by an active key of 3302\n"
	        "layer 3302 DENIED: a layer that is not for this node\n"
	        "  MALFORMED: malformed signed item\n"
	        "member 3303 SIGNATURE: not signed with the roster key");
	/* none of it ended the link or left a trace in the catalogue */
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
	assert_int_equal(version(t, MID, "33/a"), 5);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT count(*) FROM item WHERE kind=1"), 1);
	assert_string_equal(
	        send_item(&s, entry(t, top, "33/a", "33", 6, "video")), "ok");
	assert_int_equal(version(t, MID, "33/a"), 6);
}

/* Versions go as far as a number does; an object has an id or none. */
static void limits_of_an_entry(void **state)
{
	static const struct {
		uint64_t number;
		size_t object;
		const char *result, *detail;
	} rows[] = {
	        {1, 0, "ok", ""},
	        {2, 32, "ok", ""},
	        {3, 31, "MALFORMED", "malformed object id"},
	        {3, 33, "MALFORMED", "malformed object id"},
	        {INT64_MAX, 0, "ok", ""},
	        {(uint64_t)INT64_MAX + 1, 0, "MALFORMED",
	         "version out of range"},
	};
	struct nodes *t = *state;
	struct script s;
	script_up(&s, t);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		Gt__Entry e;
		gt__entry__init(&e);
		static uint8_t object[33];
		e.id = gt_arena_str(t->arena, "33/a");
		e.publisher = gt_arena_str(t->arena, "33");
		e.version = rows[i].number;
		e.object = (ProtobufCBinaryData){rows[i].object, object};
		assert_string_equal(send_entry(&s, &t->v[TOP].key, &e),
		                    rows[i].result);
		assert_string_equal(
		        nodes_text(t, MID,
		                   "SELECT detail FROM audit WHERE event="
		                   "'receive' ORDER BY aid DESC LIMIT 1"),
		        rows[i].detail);
	}
	assert_int_equal(nodes_count(t, MID, GT_ACT_DROP), 0);
}

/* What a node published itself, no neighbour can put away. */
static void what_is_ours(void **state)
{
	struct nodes *t = *state;
	struct gt_bytes none = {NULL, 0};
	struct script s;
	assert_int_equal(nodes_publish(t, MID, "own", "course", none, none), 0);
	script_up(&s, t);
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_prepare_v2(t->v[MID].db,
	                                    "SELECT signed FROM item WHERE "
	                                    "id='3301/own'",
	                                    -1, &st, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int n = sqlite3_column_bytes(st, 0);
	struct gt_bytes echo = gt_bytes_of(
	        gt_arena_copy(t->arena, sqlite3_column_blob(st, 0), (size_t)n),
	        (size_t)n);
	sqlite3_finalize(st);
	assert_string_equal(send_item(&s, echo), "DENIED");
	Gt__Change c;
	gt__change__init(&c);
	c.seq = (uint64_t)++s.seq;
	c.retract = gt_arena_str(t->arena, "3301/own");
	(void)send(&s, &c, c.seq);
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT own FROM item WHERE id='3301/own' AND "
	                  "verdict=3"),
	        1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(what_is_not_what_its_origin_said),
	        T(limits_of_an_entry),
	        T(what_is_ours),
	};
	return cmocka_run_group_tests_name("item", tests, NULL, NULL);
}
