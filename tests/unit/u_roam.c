/* u_roam.c: documents on their way from node to node. */
#include "roam_kit.h"

static void up_to_the_root(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "{\"page\":1}");
	nodes_run(t);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_string_equal(body_of(t, i, "a"), "{\"page\":1}");
		assert_int_equal(waiting(t, i), 0);
	}
	/* it is one version, with one time, everywhere */
	int64_t first = nodes_int(t, LOW, "SELECT first_ms FROM document");
	assert_true(first > 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT first_ms FROM document"),
	                 first);
	assert_string_equal(nodes_text(t, TOP, "SELECT origin FROM document"),
	                    "330106");
	put(t, LOW, "a", "{\"page\":2}");
	nodes_run(t);
	assert_string_equal(body_of(t, TOP, "a"), "{\"page\":2}");
	take_away(t, LOW, "a");
	nodes_run(t);
	assert_string_equal(body_of(t, TOP, "a"), "gone");
	assert_int_equal(conflicts(t, TOP) + conflicts(t, MID), 0);
	/* both ends wrote the same transfer down, and no name */
	assert_int_equal(
	        nodes_int(t, LOW,
	                  "SELECT count(*) FROM audit WHERE event='send' AND "
	                  "kind='document'"),
	        3);
	char name[80];
	gt_copy(name, sizeof name,
	        nodes_text(t, LOW,
	                   "SELECT transfer FROM audit WHERE event='send' AND "
	                   "kind='document' ORDER BY aid DESC"));
	assert_int_equal(
	        nodes_int(t, MID,
	                  "SELECT count(*) FROM audit WHERE event='merge' AND "
	                  "transfer='%s'",
	                  name),
	        1);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM audit WHERE "
	                           "detail||subject LIKE '%%0123456789%%'"),
	                 0);
}

/* What was put while the link was down goes up when it is there. */
static void off_the_line(void **state)
{
	struct nodes *t = *state;
	char id[8];
	settle(t);
	cut(t, LOW);
	for (int i = 0; i < 150; i++) {
		gt_format(id, sizeof id, "s%d", i);
		put(t, LOW, id, "{}");
	}
	nodes_run(t);
	assert_int_equal(waiting(t, LOW), 150);
	settle(t);
	assert_int_equal(waiting(t, LOW), 0);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM document"),
	                 150);
}

static bool lose_answer(struct nodes *t, struct message *m)
{
	Gt__Reply *r =
	        m->reply ? gt__reply__unpack(NULL, m->nhead, m->head) : NULL;
	bool lose = r && r->body_case == GT__REPLY__BODY_DOCUMENTS;
	t->hooked += lose;
	if (r)
		gt__reply__free_unpacked(r, NULL);
	return !lose;
}

/* An answer that is lost: the same goes up again, and changes nothing. */
static void once(void **state)
{
	struct nodes *t = *state;
	settle(t);
	t->hook = lose_answer;
	put(t, LOW, "a", "1");
	nodes_run(t);
	assert_true(t->hooked > 0);
	assert_int_equal(waiting(t, LOW), 1);
	int64_t number = nodes_int(t, MID, "SELECT did FROM document");
	assert_true(number > 0);
	t->hook = NULL;
	cut(t, LOW);
	settle(t);
	assert_int_equal(waiting(t, LOW), 0);
	assert_int_equal(nodes_int(t, MID, "SELECT did FROM document"), number);
	assert_int_equal(conflicts(t, MID), 0);
}

/* Two who did not know of each other: one counts everywhere, the other is kept
 * where that was found, and where it was put. */
static void two_places_at_once(void **state)
{
	struct nodes *t = *state;
	settle(t);
	cut(t, LOW);
	cut(t, SIDE);
	put(t, LOW, "a", "\"low\"");
	put(t, SIDE, "a", "\"side\"");
	link_up(t, LOW, MID);
	nodes_pass(t, 1000);
	assert_string_equal(body_of(t, TOP, "a"), "\"low\"");
	link_up(t, SIDE, TOP); /* a parent has it later: it wins */
	settle(t);
	assert_string_equal(body_of(t, TOP, "a"), "\"side\"");
	assert_int_equal(conflicts(t, TOP), 1);
	assert_string_equal(
	        nodes_text(t, TOP,
	                   "SELECT CAST(body AS TEXT)||origin||won FROM "
	                   "document_lost"),
	        "\"low\"3301063302");
	assert_true(nodes_status(t, TOP)->documents_lost == 1);
	/* whoever puts it anew has to have seen the other: LOW has not, and its
	 * next is a conflict that it wins, listed above and at SIDE's node */
	nodes_pass(t, 1000);
	put(t, LOW, "a", "\"low again\"");
	settle(t);
	assert_string_equal(body_of(t, TOP, "a"), "\"low again\"");
	assert_int_equal(conflicts(t, TOP), 2);
	/* at one moment the name decides, and who comes later may lose */
	cut(t, LOW);
	cut(t, SIDE);
	put(t, LOW, "c", "\"low\"");
	put(t, SIDE, "c", "\"side\"");
	link_up(t, SIDE, TOP);
	link_up(t, LOW, MID);
	assert_string_equal(body_of(t, TOP, "c"), "\"side\"");
	assert_int_equal(conflicts(t, TOP), 3);
	/* it is told so, and keeps its own where people find it */
	assert_string_equal(body_of(t, MID, "c"), "\"side\"");
	assert_int_equal(conflicts(t, MID), 1);
	/* what is put above is met on the way up */
	nodes_pass(t, 1000);
	cut(t, LOW);
	put(t, LOW, "b", "\"low\"");
	put(t, TOP, "b", "\"top\"");
	nodes_pass(t, 1000);
	settle(t);
	assert_string_equal(body_of(t, TOP, "b"), "\"low\"");
	assert_int_equal(conflicts(t, TOP), 4);
}

static int decide(struct nodes *t, unsigned i, int64_t lid, bool again)
{
	struct gt_event e = {.type = GT_EV_DOCUMENT_LOST,
	                     .token = ++t->tokens,
	                     .actor = "user:test",
	                     .number = lid,
	                     .count = again};
	assert_int_equal(nodes_event(t, i, &e), 0);
	const struct done *r = nodes_last(t, i, GT_ACT_REPLY, 0);
	assert_true(r && r->a.token == e.token);
	return r->a.status;
}

/* People look at what lost: it counts again, everywhere, or is given up. */
static void decided(void **state)
{
	struct nodes *t = *state;
	settle(t);
	cut(t, LOW);
	put(t, LOW, "a", "\"low\"");
	put(t, TOP, "a", "\"top\"");
	put(t, LOW, "b", "\"low\"");
	put(t, TOP, "b", "\"top\"");
	nodes_pass(t, 1000);
	settle(t);
	assert_int_equal(conflicts(t, TOP), 2);
	int64_t lid =
	        nodes_int(t, TOP, "SELECT lid FROM document_lost WHERE id='a'");
	assert_int_equal(decide(t, TOP, 99, false), -GT_EUNKNOWN);
	assert_int_equal(decide(t, TOP, lid, true), 0);
	assert_int_equal(conflicts(t, TOP), 1);
	assert_string_equal(body_of(t, TOP, "a"), "\"top\"");
	/* it is upon the other: nobody calls that a conflict once more */
	put(t, LOW, "c", "1");
	settle(t);
	assert_int_equal(conflicts(t, TOP), 1);
	lid = nodes_int(t, TOP, "SELECT lid FROM document_lost");
	assert_int_equal(decide(t, TOP, lid, false), 0);
	assert_int_equal(decide(t, TOP, lid, false), -GT_EUNKNOWN);
	assert_int_equal(conflicts(t, TOP), 0);
	assert_string_equal(body_of(t, TOP, "b"), "\"low\"");
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT count(*) FROM audit WHERE kind='document' "
	                  "AND actor='user:test' AND event IN('drop',"
	                  "'replace')"),
	        2);
}

/* The same said twice is no conflict. */
static void alike(void **state)
{
	struct nodes *t = *state;
	settle(t);
	cut(t, LOW);
	put(t, LOW, "a", "1");
	put(t, TOP, "a", "1");
	nodes_pass(t, 1000);
	settle(t);
	assert_int_equal(
	        conflicts(t, TOP) + conflicts(t, MID) + conflicts(t, LOW), 0);
	assert_int_equal(waiting(t, LOW) + waiting(t, MID), 0);
}

/* A parent that is put back to what it was forgets, and is told again. */
static void parent_restored(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "1");
	settle(t);
	nodes_snapshot(t, MID, KEPT);
	put(t, LOW, "a", "2");
	put(t, LOW, "b", "3");
	settle(t);
	assert_string_equal(body_of(t, MID, "a"), "2");
	nodes_restore(t, MID, KEPT);
	assert_string_equal(body_of(t, MID, "a"), "1");
	settle(t);
	settle(t);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_string_equal(body_of(t, i, "a"), "2");
		assert_string_equal(body_of(t, i, "b"), "3");
		assert_int_equal(conflicts(t, i), 0);
	}
	assert_int_equal(waiting(t, LOW) + waiting(t, MID), 0);
}

/* A child that is: what it shows is older, and it gets what is newer. What it
 * put since, by numbers that stand for others, counts. */
static void child_restored(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "1");
	put(t, LOW, "c", "1");
	settle(t);
	nodes_snapshot(t, LOW, KEPT);
	put(t, LOW, "a", "2");
	settle(t);
	nodes_restore(t, LOW, KEPT);
	put(t, LOW, "c", "4"); /* number 3 too */
	put(t, LOW, "d", "5");
	settle(t);
	settle(t);
	for (unsigned i = TOP; i <= LOW; i++) {
		assert_string_equal(body_of(t, i, "a"), "2");
		assert_string_equal(body_of(t, i, "c"), "4");
		assert_string_equal(body_of(t, i, "d"), "5");
		assert_int_equal(conflicts(t, i), 0);
	}
	assert_int_equal(waiting(t, LOW), 0);
}

/* Said to be restored: the same. */
static void child_says_so(void **state)
{
	struct nodes *t = *state;
	settle(t);
	put(t, LOW, "a", "1");
	settle(t);
	nodes_snapshot(t, LOW, KEPT);
	put(t, LOW, "a", "2");
	settle(t);
	t->v[LOW].restored = true;
	nodes_restore(t, LOW, KEPT);
	t->v[LOW].restored = false;
	assert_string_equal(body_of(t, LOW, "a"), "1");
	settle(t);
	assert_string_equal(body_of(t, LOW, "a"), "2");
	assert_string_equal(body_of(t, TOP, "a"), "2");
	assert_int_equal(conflicts(t, MID) + conflicts(t, LOW), 0);
}

static void earlier_programs(void **state)
{
	struct nodes *t = *state;
	nodes_stop(t, MID);
	t->v[MID].protocol = 4;
	nodes_restart(t, MID);
	settle(t);
	put(t, LOW, "a", "1");
	settle(t);
	assert_int_equal(waiting(t, LOW), 1);
	assert_string_equal(body_of(t, MID, "a"), "");
	/* and when it is brought up to date it comes to know */
	nodes_stop(t, MID);
	t->v[MID].protocol = 0;
	nodes_restart(t, MID);
	settle(t);
	assert_int_equal(waiting(t, LOW), 0);
	assert_string_equal(body_of(t, TOP, "a"), "1");
}

/* Nothing of a learner goes where less is to be known of what he does. */
static void stays_below(void **state)
{
	struct nodes *t = *state;
	settle(t);
	demand(t, TOP, "province", GT__TREATMENT__TREAT_REDACT);
	settle(t);
	struct gt_document_key lesson = {GT_DOCUMENT_ACTIVITY, "http://x.cn/a",
	                                 "", "", "p"};
	put(t, LOW, "a", "1");
	assert_int_equal(edit(t, LOW, GT_DOCUMENT_PUT, &lesson, "2"), 0);
	settle(t);
	assert_string_equal(body_of(t, MID, "a"), "1");
	assert_string_equal(body_of(t, TOP, "a"), "");
	assert_string_equal(body_of(t, TOP, "p"), "2");
	assert_int_equal(waiting(t, LOW), 0);
	assert_int_equal(waiting(t, MID), 1);
	/* until it may */
	demand(t, TOP, "province", GT__TREATMENT__TREAT_PASS);
	settle(t);
	assert_string_equal(body_of(t, TOP, "a"), "1");
	assert_int_equal(waiting(t, MID), 0);
}

/* -------------------------------------------------------- what lies say */

static Gt__Document like(struct nodes *t, uint64_t number)
{
	static uint8_t epoch[GT_EPOCH_BYTES] = {9};
	Gt__Document d;
	(void)t;
	gt__document__init(&d);
	d.number = number;
	d.kind = 1;
	d.agent = gt_lend(learner);
	d.activity = gt_lend("http://x.cn/a");
	d.id = gt_lend("a");
	d.origin = gt_lend("3303");
	d.epoch = (ProtobufCBinaryData){sizeof epoch, epoch};
	d.seq = number;
	d.type = gt_lend("text/plain");
	return d;
}

static const Gt__DocumentsReply *send(struct nodes *t, uint32_t peer,
                                      Gt__Document *const *v, size_t count,
                                      uint64_t upto)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Documents m = GT__DOCUMENTS__INIT;
	Gt__Document *copy[GT_DOCUMENTS_ROWS + 1];
	memcpy(copy, v, count * sizeof *v);
	m.documents = copy;
	m.n_documents = count;
	m.upto = upto;
	static uint8_t mark[8];
	mark[3]++;
	m.mark = (ProtobufCBinaryData){sizeof mark, mark};
	q.body_case = GT__REQUEST__BODY_DOCUMENTS;
	q.documents = &m;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, ++t->tokens, &q);
	const struct done *r = nodes_replied(t, TOP, GT__REPLY__BODY_DOCUMENTS);
	return r ? r->reply->documents : NULL;
}

static void lies(void **state)
{
	struct nodes *t = *state;
	struct gt_key key;
	uint8_t seed[32] = {7}, junk[20] = {1};
	assert_int_equal(gt_key_from_seed(&key, seed), 0);
	nodes_members(
	        t, TOP,
	        nodes_member(t, "3303", key.public, 1, GT__STANDING__ACTIVE));
	uint32_t peer = nodes_child(t, TOP, "3303", &key);
	Gt__Document good = like(t, 1), bad[8], *v[GT_DOCUMENTS_ROWS + 1];
	for (int i = 0; i < 8; i++)
		bad[i] = like(t, (uint64_t)i + 1);
	bad[0].kind = 4;
	bad[1].agent = gt_lend("");
	bad[2].epoch.len = 3;
	bad[3].seen = (ProtobufCBinaryData){sizeof junk, junk};
	bad[4].first_ms = -1;
	bad[5].origin = gt_lend("33x");
	bad[6].seq = UINT64_MAX;
	bad[7].gone = true;
	bad[7].body = (ProtobufCBinaryData){sizeof junk, junk};
	for (int i = 0; i < 8; i++)
		v[i] = &bad[i];
	const Gt__DocumentsReply *r = send(t, peer, v, 8, 8);
	assert_non_null(r);
	assert_int_equal(r->n_told, 8);
	for (int i = 0; i < 8; i++)
		assert_int_equal(r->told[i]->fate, GT__FATE__REFUSED);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM document"), 0);
	/* one that came in times to come came now, and wins nothing by it */
	good.number = 9;
	good.first_ms = t->now.wall_ms + 1000000000;
	v[0] = &good;
	r = send(t, peer, v, 1, 9);
	assert_int_equal(r->told[0]->fate, GT__FATE__TAKEN);
	assert_int_equal(r->told[0]->first_ms, t->now.wall_ms);
	/* a number that was given twice loses nothing */
	Gt__Document twice = like(t, 10);
	twice.seq = good.seq;
	twice.body = (ProtobufCBinaryData){sizeof junk, junk};
	v[0] = &twice;
	r = send(t, peer, v, 1, 10);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM document"), 1);
	assert_int_equal(conflicts(t, TOP), 1);
	/* what is out of order is no batch at all */
	v[0] = v[1] = &good;
	assert_null(send(t, peer, v, 2, 20));
	assert_true(nodes_dropped(t, TOP, "documents out of order"));
	peer = nodes_child(t, TOP, "3303", &key);
	for (int i = 0; i <= GT_DOCUMENTS_ROWS; i++)
		v[i] = &good;
	assert_null(send(t, peer, v, GT_DOCUMENTS_ROWS + 1, 20));
	assert_true(
	        nodes_dropped(t, TOP, "a batch of documents over the limit"));
}

/* ------------------------------------------------------- whatever befalls */

enum { IDS = 4, STEPS = 160 };

static uint32_t draw(uint32_t *seed, uint32_t most)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % most;
}

/* The body counts somewhere, or is listed somewhere, or was put upon: each body
 * here says what it was put upon. */
static bool accounted_for(struct nodes *t, const char *id, int what,
                          const int *upon, int last)
{
	char body[16];
	gt_format(body, sizeof body, "%d", what);
	for (unsigned i = TOP; i <= SIDE; i++)
		if (strcmp(body_of(t, i, id), body) == 0 ||
		    nodes_int(t, i,
		              "SELECT count(*) FROM document_lost WHERE "
		              "id='%s' AND CAST(body AS TEXT)='%s'",
		              id, body) > 0)
			return true;
	for (int next = what + 1; next <= last; next++)
		if (upon[next] == what)
			return accounted_for(t, id, next, upon, last);
	return false;
}

static void agreed(struct nodes *t, const char *id)
{
	char top[16];
	gt_copy(top, sizeof top, body_of(t, TOP, id));
	for (unsigned i = MID; i <= SIDE; i++) {
		const char *here = body_of(t, i, id);
		if (*here && strcmp(here, top) != 0)
			/* who was not told asks: it is known above */
			assert_int_equal(
			        nodes_int(t, i,
			                  "SELECT up FROM document WHERE "
			                  "id='%s'",
			                  id),
			        0);
	}
	assert_int_equal(waiting(t, MID) + waiting(t, LOW) + waiting(t, SIDE),
	                 0);
}

static void whatever_befalls(void **state)
{
	struct nodes *t = *state;
	static int upon[IDS][STEPS + 1]; /* 0: upon nothing; -1: none was put */
	uint32_t seed = 5;
	static const unsigned parents[] = {TOP, TOP, MID, TOP};
	for (int i = 0; i < IDS; i++)
		for (int step = 0; step <= STEPS; step++)
			upon[i][step] = -1;
	settle(t);
	for (int step = 1; step <= STEPS; step++) {
		char id[4], body[16];
		unsigned at = draw(&seed, 4), which = draw(&seed, IDS);
		gt_format(id, sizeof id, "%u", which);
		gt_format(body, sizeof body, "%d", step);
		switch (draw(&seed, 6)) {
		case 0:
			cut(t, 1 + draw(&seed, 3));
			break;
		case 1:
			at = 1 + draw(&seed, 3);
			link_up(t, at, parents[at]);
			break;
		case 2:
			nodes_pass(t, 1 + draw(&seed, 2000));
			break;
		default:
			upon[which][step] = atoi(body_of(t, at, id));
			put(t, at, id, body);
			break;
		}
		for (unsigned i = TOP; i <= SIDE; i++)
			nodes_clear(t, i);
	}
	settle(t);
	for (unsigned which = 0; which < IDS; which++) {
		char id[4];
		gt_format(id, sizeof id, "%u", which);
		agreed(t, id);
		for (int step = 1; step <= STEPS; step++)
			if (upon[which][step] >= 0)
				assert_true(accounted_for(t, id, step,
				                          upon[which], STEPS));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define D(f) cmocka_unit_test_setup_teardown(f, four, nodes_gone)
	        D(up_to_the_root),     D(off_the_line),   D(once),
	        D(two_places_at_once), D(decided),        D(alike),
	        D(parent_restored),    D(child_restored), D(child_says_so),
	        D(earlier_programs),   D(stays_below),    D(lies),
	        D(whatever_befalls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
