/* u_certificate.c: a node issues certificates, and revokes them. */
#include "certificate_kit.h"

enum { TOP, LOW };

static void hand_in(struct nodes *t, unsigned id, const char *verb,
                    const char *actor)
{
	hand_in_at(t, TOP, id, verb, actor);
}

static int issue(struct nodes *t, unsigned id, const char *name)
{
	return issue_at(t, TOP, id, name);
}

static const char *reply(struct nodes *t)
{
	return reply_at(t, TOP);
}

static int revoke(struct nodes *t, const char *id)
{
	return revoke_at(t, TOP, id);
}

static void once_for_each_statement(void **state)
{
	struct nodes *t = *state;
	struct gt_certificate_read r;
	enum gt_genuine is;
	hand_in(t, 1, COMPLETED, LI);
	assert_int_equal(issue(t, 1, ""), 0);
	char *first = strdup(reply(t));
	assert_int_equal(issue(t, 1, "another name"), 0);
	assert_string_equal(reply(t), first);
	json_t *v = parsed(first);
	assert_int_equal(gt_credential_read(v, &r, &is), 0);
	assert_int_equal(is, GT_CERTIFICATE_SIGNED);
	assert_string_equal(r.name, "Li");
	assert_string_equal(r.title, "\xe6\x89\x8b\xe6\x9c\xba");
	assert_string_equal(r.issuer_code, "33");
	assert_int_equal(r.index, 0);
	assert_null(strstr(first, "li@b.cn"));
	json_decref(v);
	free(first);
	hand_in(t, 2, COMPLETED, LI);
	assert_int_equal(issue(t, 2, "\xe6\x9d\x8e"), 0);
	v = parsed(reply(t));
	assert_int_equal(gt_credential_read(v, &r, &is), 0);
	assert_string_equal(r.name, "\xe6\x9d\x8e");
	assert_int_equal(r.index, 1);
	json_decref(v);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit"
	                           " WHERE event='certify'"),
	                 2);
}

static void what_tells_of_nothing_completed(void **state)
{
	struct nodes *t = *state;
	char name[400];
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	hand_in(t, 1, "http://adlnet.gov/expapi/verbs/attempted", LI);
	assert_int_equal(issue(t, 1, ""), -GT_EINVALID);
	assert_int_equal(issue(t, 9, ""), -GT_EUNKNOWN);
	hand_in(t, 2, COMPLETED,
	        "{\"objectType\":\"Group\",\"member\":[" LI "]}");
	assert_int_equal(issue(t, 2, ""), -GT_EINVALID);
	assert_non_null(strstr(reply(t), "identifies"));
	hand_in(t, 3, COMPLETED, LI);
	assert_int_equal(issue(t, 3, name), -GT_EINVALID);
	assert_int_equal(nodes_int(t, TOP, "SELECT count(*) FROM certificate"),
	                 0);
}

static json_t *list_of(struct nodes *t)
{
	return parsed(nodes_text(t, TOP,
	                         "SELECT CAST(document AS TEXT)"
	                         " FROM certificate_list"
	                         " WHERE number=0"));
}

static void revoked_here_and_elsewhere(void **state)
{
	struct nodes *t = *state;
	hand_in(t, 1, COMPLETED, LI);
	hand_in(t, 2, COMPLETED, LI);
	assert_int_equal(issue(t, 1, ""), 0);
	json_t *one = parsed(reply(t));
	assert_int_equal(issue(t, 2, ""), 0);
	json_t *two = parsed(reply(t));
	nodes_wire(t, LOW, TOP, true);
	nodes_run(t);
	is_at(t, TOP, one, NULL, "genuine", true);
	/* below, the roster knows the key, and the list came */
	is_at(t, LOW, one, NULL, "genuine", true);
	json_t *before = list_of(t);
	is_at(t, LOW, one, before, "genuine", true);
	assert_int_equal(revoke(t, gt_json_member(one, "id")), 0);
	assert_int_equal(revoke(t, gt_json_member(one, "id")), 0);
	assert_int_equal(revoke(t, "urn:uuid:none"), -GT_EUNKNOWN);
	is_at(t, TOP, one, NULL, "revoked", true);
	is_at(t, TOP, two, NULL, "genuine", true);
	json_t *after = list_of(t);
	is_at(t, LOW, one, after, "revoked", true);
	is_at(t, LOW, two, after, "genuine", true);
	/* a list that somebody altered says nothing */
	json_object_set_new(after, "validFrom", json_string("x"));
	is_at(t, LOW, one, after, "bad-list", true);
	/* nor does a list of another kind, or of before it was revoked, at the
	 * node that knows better */
	is_at(t, LOW, one, two, "bad-list", true);
	is_at(t, TOP, one, before, "revoked", true);
	is_at(t, TOP, one, two, "revoked", true);
	is_at(t, TOP, two, one, "bad-list", true);
	json_object_set_new(one, "name", json_string("Rockets"));
	is_at(t, TOP, one, NULL, "altered", false);
	/* who was revoked vouches for nothing */
	nodes_members(t, LOW,
	              nodes_member(t, "33", t->v[TOP].key.public, 99,
	                           GT__STANDING__REVOKED));
	is_at(t, LOW, two, NULL, "unknown", false);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit"
	                           " WHERE event='revoke'"),
	                 1);
	json_decref(before);
	json_decref(after);
	json_decref(one);
	json_decref(two);
}

/* Signed well, by somebody whom the roster has not, or under another's code. */
static void signed_by_a_stranger(void **state)
{
	struct nodes *t = *state;
	uint8_t seed[GT_KEY_BYTES] = {9};
	struct gt_key key;
	struct gt_credential c = {.id = "urn:uuid:1",
	                          .issuer_code = "33",
	                          .issuer_name = "",
	                          .from = "2026-01-01T00:00:00.000Z",
	                          .identifier = "a",
	                          .identifier_type = "accountId",
	                          .salt = "s",
	                          .name = "",
	                          .activity = "http://a.cn/1",
	                          .title = "",
	                          .description = ""};
	assert_int_equal(gt_key_from_seed(&key, seed), 0);
	json_t *v = gt_credential_sign(&c, &key);
	is_at(t, TOP, v, NULL, "unknown", false);
	json_decref(v);
	c.issuer_code = "3301";
	v = gt_credential_sign(&c, &t->v[TOP].key);
	is_at(t, TOP, v, NULL, "unknown", false);
	json_decref(v);
}

int main(void)
{
#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)
	const struct CMUnitTest tests[] = {
	        TEST(once_for_each_statement),
	        TEST(what_tells_of_nothing_completed),
	        TEST(revoked_here_and_elsewhere),
	        TEST(signed_by_a_stranger),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
