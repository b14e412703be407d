/* u_contest.c: an Offer whose answer is lost is made again (PROTOCOL.md
 * M32). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "nodes.h"
#include "policy.h"

/* The publisher, a node in between and its child; and states that were kept. */
enum { TOP, MID, LOW, TOP_BEFORE, MID_BEFORE };

#define VERSION "SELECT version FROM item WHERE id='33/a'"
#define VERDICT "SELECT verdict FROM item WHERE id='33/a'"

/* What the wires carried of offers and answers to them, in order: a letter for
 * each, of the node that asked, small for the answer. Nothing gets through from
 * the one on that is to be lost. */
static struct {
	char seen[32];
	char lose; /* '\0': nothing */
	bool losing;
	uint64_t token[3]; /* of the last Offer */
} carried;

static void note(char letter)
{
	size_t n = strlen(carried.seen);
	assert_true(n + 1 < sizeof carried.seen);
	carried.seen[n] = letter;
	carried.seen[n + 1] = '\0';
	carried.losing = carried.losing || letter == carried.lose;
}

static bool watch(struct nodes *t, struct message *m)
{
	static const char asks[] = "TML", answered[] = "tml";
	if (m->reply) {
		Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(t->arena),
		                                 m->nhead, m->head);
		assert_non_null(r);
		if (r->body_case == GT__REPLY__BODY_OK &&
		    m->token == carried.token[m->to])
			note(answered[m->to]);
		return !carried.losing;
	}
	Gt__Request *r = gt__request__unpack(gt_arena_allocator(t->arena),
	                                     m->nhead, m->head);
	assert_non_null(r);
	if (r->body_case == GT__REQUEST__BODY_OFFER) {
		unsigned from = m->to + 1; /* its child */
		carried.token[from] = m->token;
		note(asks[from]);
	}
	return !carried.losing;
}

static void look(struct nodes *t, char lose)
{
	memset(&carried, 0, sizeof carried);
	carried.lose = lose;
	t->hook = watch;
}

static void link_once(struct nodes *t, unsigned lowest)
{
	for (unsigned w = 0; w < t->nwires; w++)
		nodes_cut(t, w);
	t->nwires = 0;
	for (unsigned i = MID; i <= lowest; i++) {
		nodes_wire(t, i, i - 1, true);
		nodes_run(t);
	}
}

/* All links anew, twice: copies and old states are told so on the first one,
 * and come again (M31). */
static void link_all(struct nodes *t, unsigned lowest)
{
	link_once(t, lowest);
	link_once(t, lowest);
}

static void publish(struct nodes *t)
{
	struct gt_bytes none = {0};
	assert_int_equal(nodes_publish(t, TOP, "a", "course", none, none), 0);
	nodes_run(t);
}

/* The first version is everywhere, the second where it is not forgotten. */
static void forgotten(struct nodes *t, bool also_between)
{
	publish(t);
	link_all(t, LOW);
	assert_int_equal(nodes_int(t, LOW, VERSION), 1);
	nodes_snapshot(t, TOP, TOP_BEFORE);
	nodes_snapshot(t, MID, MID_BEFORE);
	publish(t);
	assert_int_equal(nodes_int(t, LOW, VERSION), 2);
	nodes_restore(t, TOP, TOP_BEFORE);
	if (also_between)
		nodes_restore(t, MID, MID_BEFORE);
	assert_int_equal(nodes_int(t, TOP, VERSION), 1);
	assert_int_equal(nodes_int(t, MID, VERSION), also_between ? 1 : 2);
}

/* The second version was retracted from its child, which left its number there
 * and nothing to show; then the publisher forgot it, and the rule. */
static void given_up(struct nodes *t)
{
	static const char *const deny[] = {"course", "deny", NULL};
	publish(t);
	link_all(t, MID);
	nodes_snapshot(t, TOP, TOP_BEFORE);
	publish(t);
	assert_int_equal(nodes_layer(t, TOP, deny), 0);
	nodes_run(t);
	assert_int_equal(nodes_int(t, MID, VERSION), 2);
	assert_int_equal(nodes_int(t, MID, VERDICT), GT_DENY);
	nodes_restore(t, TOP, TOP_BEFORE);
}

/* While something is unanswered, the database names an epoch no parent has. */
static bool in_step(struct nodes *t, unsigned i)
{
	char theirs[GT_HEX_EPOCH];
	gt_copy(theirs, sizeof theirs,
	        nodes_text(t, i - 1,
	                   "SELECT hex(value) FROM meta WHERE key='epoch'"));
	return strcmp(nodes_text(t, i,
	                         "SELECT hex(value) FROM meta WHERE "
	                         "key='parent_epoch'"),
	              theirs) == 0;
}

static void assert_settled(struct nodes *t, unsigned lowest)
{
	int64_t version = nodes_int(t, TOP, VERSION);
	assert_true(version > 2);
	for (unsigned i = MID; i <= lowest; i++) {
		assert_true(in_step(t, i));
		assert_int_equal(nodes_int(t, i, VERSION), version);
	}
	/* and nothing is left to say */
	look(t, '\0');
	link_all(t, lowest);
	for (unsigned i = MID; i <= lowest; i++)
		nodes_restart(t, i);
	link_all(t, lowest);
	assert_string_equal(carried.seen, "");
	assert_int_equal(nodes_int(t, TOP, VERSION), version);
}

/* Sent what it cannot take, the child acknowledges it and offers what it holds.
 * The next link, or its next life, knows of neither; it must be sent all
 * anew. */
static void lost(struct nodes *t, unsigned lowest, bool life_too)
{
	for (unsigned times = 0; times < 2; times++) {
		look(t, 'M');
		link_all(t, MID);
		assert_string_equal(carried.seen, "M");
		assert_int_equal(nodes_int(t, TOP, VERSION), 1);
		assert_false(in_step(t, MID));
		if (life_too)
			nodes_restart(t, MID);
	}
	look(t, '\0');
	link_once(t, MID);
	assert_string_equal(carried.seen, "Mm");
	assert_true(in_step(t, MID));
	link_all(t, lowest);
	assert_settled(t, lowest);
}

static void lost_with_the_link(void **state)
{
	forgotten(*state, false);
	lost(*state, LOW, false);
}

static void lost_with_the_childs_life(void **state)
{
	forgotten(*state, false);
	lost(*state, LOW, true);
}

static void a_name_lost_with_the_link(void **state)
{
	given_up(*state);
	lost(*state, MID, false);
}

static void a_name_lost_with_the_childs_life(void **state)
{
	given_up(*state);
	lost(*state, MID, true);
}

/* Answered, and the answer is lost: the publisher has issued it anew already,
 * so that there is nothing to offer any more. */
static void the_answer_is_lost(void **state)
{
	struct nodes *t = *state;
	forgotten(t, false);
	look(t, 'm');
	link_all(t, MID);
	assert_string_equal(carried.seen, "Mm");
	nodes_restart(t, MID);
	look(t, '\0');
	link_all(t, LOW);
	assert_settled(t, LOW);
}

static void answered_when_the_parent_was(void **state)
{
	struct nodes *t = *state;
	forgotten(t, true);
	look(t, '\0');
	link_all(t, LOW);
	assert_string_equal(carried.seen, "LMml");
	assert_settled(t, LOW);
}

/* The one in between keeps nothing of what it passed on: it is the child that
 * is not answered, and says it again. */
static void lost_beyond_the_one_in_between(void **state)
{
	struct nodes *t = *state;
	forgotten(t, true);
	for (unsigned again = MID; again <= LOW; again++) {
		look(t, 'M');
		link_all(t, LOW);
		assert_string_equal(carried.seen, "LM");
		assert_int_equal(nodes_int(t, TOP, VERSION), 1);
		nodes_restart(t, again);
	}
	look(t, '\0');
	link_once(t, LOW);
	assert_string_equal(carried.seen, "LMml");
	assert_settled(t, LOW);
}

/* One of version 1 knows of no such thing. */
static void an_older_parent_is_shown_nothing(void **state)
{
	struct nodes *t = *state;
	forgotten(t, false);
	t->v[TOP].protocol = 1;
	nodes_restart(t, TOP);
	look(t, '\0');
	link_all(t, LOW);
	assert_string_equal(carried.seen, "");
	assert_int_equal(nodes_int(t, MID, VERSION), 2);
	assert_int_equal(t->v[MID].failed, 0);
}

static void publish_many(struct nodes *t, size_t count)
{
	struct gt_draft *d = gt_arena_get(t->arena, count * sizeof *d);
	char licence[32]; /* what says nothing new is no new version */
	assert_non_null(d);
	gt_format(licence, sizeof licence, "once-%llu",
	          (unsigned long long)++t->tokens);
	for (size_t k = 0; k < count; k++) {
		Gt__Entry e;
		char id[16];
		gt__entry__init(&e);
		gt_format(id, sizeof id, "33/r%zu", k);
		e.id = id;
		e.licence = licence;
		d[k] = (struct gt_draft){
		        gt_arena_pack(t->arena, &e.base), {NULL, 0}, ""};
	}
	struct gt_event e = {
	        .type = GT_EV_PUBLISH, .drafts = d, .count = count};
	assert_int_equal(nodes_event(t, TOP, &e), 0);
	nodes_run(t);
}

/* So many are shown at once; what is left is shown on the next link. */
static void more_than_are_shown_at_once(void **state)
{
	enum { MANY = 300, AT_ONCE = GT_REQUESTS_MAX / 4 };
	struct nodes *t = *state;
	publish_many(t, MANY);
	link_all(t, MID);
	nodes_snapshot(t, TOP, TOP_BEFORE);
	publish_many(t, MANY);
	nodes_restore(t, TOP, TOP_BEFORE);
	nodes_clear(t, MID);
	link_once(t, MID);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER),
	                 AT_ONCE);
	assert_true(nodes_dropped(t, MID, "more to show than could be asked"));
	assert_false(in_step(t, MID));
	nodes_clear(t, MID);
	link_once(t, MID);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_OFFER),
	                 MANY - AT_ONCE);
	assert_true(in_step(t, MID));
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM item WHERE kind=1 AND "
	                           "version>2"),
	                 MANY);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three_on_disk, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(lost_with_the_link),
	        T(lost_with_the_childs_life),
	        T(a_name_lost_with_the_link),
	        T(a_name_lost_with_the_childs_life),
	        T(the_answer_is_lost),
	        T(answered_when_the_parent_was),
	        T(lost_beyond_the_one_in_between),
	        T(an_older_parent_is_shown_nothing),
	        T(more_than_are_shown_at_once),
	};
	return cmocka_run_group_tests_name("contest", tests, NULL, NULL);
}
