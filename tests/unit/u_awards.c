/* u_awards.c: rules give certificates by themselves, once. */
#include "award.h"
#include "certificate_kit.h"

enum { TOP, LOW };

static const struct gt_award_rule rules[] = {
        {"Telephones", "http://o.cn/*", "", -1},
        {"", "", "farming", 800},
};

/* The node goes on, with so many rules. */
static void with(struct nodes *t, unsigned at, size_t n)
{
	t->v[at].awards = rules;
	t->v[at].nawards = n;
	nodes_restart(t, at);
}

/* Lets it look at what came. */
static void settle(struct nodes *t)
{
	nodes_pass(t, 5000);
}

static int64_t certificates(struct nodes *t, unsigned at)
{
	return nodes_int(t, at, "SELECT count(*) FROM certificate");
}

#define WANG "{\"mbox\":\"mailto:wang@b.cn\"}"

static void once_for_a_learner_and_an_activity(void **state)
{
	struct nodes *t = *state;
	with(t, TOP, 1);
	hand_in_at(t, TOP, 1, COMPLETED, LI);
	settle(t);
	assert_int_equal(certificates(t, TOP), 1);
	hand_in_at(t, TOP, 2, COMPLETED, LI);
	hand_in_at(t, TOP, 3, "http://adlnet.gov/expapi/verbs/passed",
	           "{\"mbox\":\"mailto:LI@b.cn\"}");
	settle(t);
	assert_int_equal(certificates(t, TOP), 1);
	hand_in_at(t, TOP, 4, COMPLETED, WANG);
	settle(t);
	assert_int_equal(certificates(t, TOP), 2);
	/* the document is by the rule's name, and the audit says by which */
	json_t *v = parsed(nodes_text(t, TOP,
	                              "SELECT CAST(document AS TEXT) FROM "
	                              "certificate WHERE cid=0"));
	struct gt_certificate_read r;
	enum gt_genuine is;
	assert_int_equal(gt_credential_read(v, &r, &is), 0);
	assert_int_equal(is, GT_CERTIFICATE_SIGNED);
	assert_string_equal(r.title, "Telephones");
	assert_string_equal(r.name, "Li");
	is_at(t, TOP, v, NULL, "genuine", true);
	json_decref(v);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='certify' AND rule='Telephones'"),
	                 2);
	/* what was revoked is not given anew */
	assert_int_equal(revoke_at(t, TOP,
	                           nodes_text(t, TOP,
	                                      "SELECT id FROM certificate "
	                                      "WHERE cid=0")),
	                 0);
	hand_in_at(t, TOP, 5, COMPLETED, LI);
	settle(t);
	assert_int_equal(certificates(t, TOP), 2);
}

/* A start goes on behind the last that was looked at. */
static void a_start_forgets_none(void **state)
{
	struct nodes *t = *state;
	with(t, TOP, 1);
	for (unsigned i = 1; i <= 300; i++) {
		char who[80];
		gt_format(who, sizeof who, "{\"mbox\":\"mailto:l%u@b.cn\"}", i);
		hand_in_at(t, TOP, i, COMPLETED, who);
		if (i % 50 == 0)
			nodes_restart(t, TOP);
	}
	settle(t);
	assert_int_equal(certificates(t, TOP), 300);
	nodes_restart(t, TOP);
	settle(t);
	assert_int_equal(certificates(t, TOP), 300);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT value=(SELECT max(seq) FROM record)"
	                           " FROM meta WHERE key='awarded'"),
	                 1);
}

static void from_when_the_rule_is_there(void **state)
{
	struct nodes *t = *state;
	hand_in_at(t, TOP, 1, COMPLETED, LI);
	with(t, TOP, 1);
	settle(t);
	assert_int_equal(certificates(t, TOP), 0);
	hand_in_at(t, TOP, 2, COMPLETED, WANG);
	settle(t);
	assert_int_equal(certificates(t, TOP), 1);
	with(t, TOP, 0);
	hand_in_at(t, TOP, 3, COMPLETED, LI);
	settle(t);
	with(t, TOP, 1);
	settle(t);
	assert_int_equal(certificates(t, TOP), 1);
}

static void what_came_from_below(void **state)
{
	struct nodes *t = *state;
	with(t, TOP, 1);
	nodes_wire(t, LOW, TOP, true);
	hand_in_at(t, LOW, 1, COMPLETED, LI);
	hand_in_at(t, LOW, 2, "http://adlnet.gov/expapi/verbs/attempted", WANG);
	nodes_pass(t, 20000);
	assert_int_equal(certificates(t, LOW), 0);
	assert_int_equal(certificates(t, TOP), 1);
}

/* A void that came first, and one that people gave before. */
static void what_is_left_to_people(void **state)
{
	struct nodes *t = *state;
	with(t, TOP, 0);
	hand_in_at(t, TOP, 1, COMPLETED, LI);
	assert_int_equal(issue_at(t, TOP, 1, "by hand"), 0);
	hand_in_at(t, TOP, 2, COMPLETED, WANG);
	assert_int_equal(sqlite3_exec(t->v[TOP].db,
	                              "INSERT INTO voids SELECT id,2,'33','',"
	                              "99 FROM record WHERE seq=2",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	with(t, TOP, 1);
	assert_int_equal(sqlite3_exec(t->v[TOP].db,
	                              "UPDATE meta SET value=0 WHERE "
	                              "key='awarded'",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	nodes_restart(t, TOP);
	settle(t);
	assert_int_equal(certificates(t, TOP), 1);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM award"), 1);
}

int main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)
	const struct CMUnitTest tests[] = {
	        TEST(once_for_a_learner_and_an_activity),
	        TEST(a_start_forgets_none),
	        TEST(from_when_the_rule_is_there),
	        TEST(what_came_from_below),
	        TEST(what_is_left_to_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
