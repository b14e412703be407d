/* u_publish.c: what people order at a node, and what they are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_inside.h"
#include "node_kit.h"

static int order(struct nodes *t, unsigned i, struct gt_event *e)
{
	e->token = ++t->tokens;
	e->actor = "user:test";
	assert_int_equal(nodes_event(t, i, e), 0);
	const struct done *d = nodes_last(t, i, GT_ACT_REPLY, 0);
	assert_non_null(d);
	assert_int_equal(d->a.token, e->token);
	return d->a.status;
}

static void assert_told(struct nodes *t, unsigned i, const char *text)
{
	assert_string_equal(nodes_last(t, i, GT_ACT_REPLY, 0)->a.text, text);
}

static struct gt_draft draft(struct nodes *t, const char *id)
{
	Gt__Entry e;
	gt__entry__init(&e);
	e.id = gt_arena_str(t->arena, id);
	return (struct gt_draft){
	        gt_arena_pack(t->arena, &e.base), {NULL, 0}, ""};
}

static struct gt_draft typed(struct nodes *t, const char *id, const char *type)
{
	Gt__Entry e;
	gt__entry__init(&e);
	e.id = gt_arena_str(t->arena, id);
	e.type = gt_arena_str(t->arena, type);
	return (struct gt_draft){
	        gt_arena_pack(t->arena, &e.base), {NULL, 0}, ""};
}

static int publish_all(struct nodes *t, unsigned i, const struct gt_draft *d,
                       size_t count)
{
	struct gt_event e = {
	        .type = GT_EV_PUBLISH, .drafts = d, .count = count};
	return order(t, i, &e);
}

static int64_t resources(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT count(*) FROM item WHERE kind=1");
}

/* ------------------------------------------------------- publishing */

static void one_and_some(void **state)
{
	struct nodes *t = *state;
	struct gt_draft d[2] = {draft(t, "33/a"), draft(t, "33/b")};
	assert_int_equal(publish_all(t, TOP, d, 1), 0);
	assert_told(t, TOP, "{\"id\":\"33/a\",\"version\":1,\"object\":\"\"}");
	t->now.wall_ms += 5000;
	d[0] = typed(t, "33/a", "course");
	assert_int_equal(publish_all(t, TOP, d, 2), 0);
	assert_told(t, TOP,
	            "[{\"id\":\"33/a\",\"version\":2,\"object\":\"\"},"
	            "{\"id\":\"33/b\",\"version\":1,\"object\":\"\"}]");
	assert_string_equal(
	        nodes_text(t, TOP,
	                   "SELECT group_concat(actor||' '||kind||' '||subject"
	                   "||' '||version||' '||bytes||' '||result,'; ') FROM "
	                   "audit WHERE event='publish'"),
	        "user:test resource 33/a 1 0 ok; user:test resource 33/a 2 0 "
	        "ok; user:test resource 33/b 1 0 ok");
	/* made once, changed now */
	struct gt_item item;
	bool found;
	struct gt_node *n = t->v[TOP].node;
	assert_int_equal(
	        gt_item_get(n, GT__KIND__RESOURCE, "33/a", &item, &found), 0);
	const Gt__Entry *e = gt_item_entry(n, item.sealed);
	assert_non_null(e);
	assert_int_equal(e->created_ms, t->now.wall_ms - 5000);
	assert_int_equal(e->modified_ms, t->now.wall_ms);
	assert_string_equal(e->publisher, "33");
	assert_string_equal(e->origin_level, "province");
	/* of many one that is refused is all refused */
	d[1] = draft(t, "3301/b");
	assert_int_equal(publish_all(t, TOP, d, 2), -GT_EINVALID);
	assert_told(t, TOP, "this node publishes under 33/, not 3301/");
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT version FROM item WHERE id='33/a'"),
	        2);
}

/* A batch that was broken off is given again: what is out already is no new
 * version, and says so. */
static void the_same_again(void **state)
{
	struct nodes *t = *state;
	struct gt_draft d[3] = {draft(t, "33/a"), draft(t, "33/b"),
	                        draft(t, "33/c")};
	assert_int_equal(publish_all(t, TOP, d, 2), 0);
	t->now.wall_ms += 5000;
	int64_t seq = nodes_int(t, TOP, "SELECT max(seq) FROM item");
	assert_int_equal(publish_all(t, TOP, d, 2), 0);
	assert_told(
	        t, TOP,
	        "[{\"id\":\"33/"
	        "a\",\"version\":1,\"object\":\"\",\"kept\":true},"
	        "{\"id\":\"33/b\",\"version\":1,\"object\":\"\",\"kept\":true}"
	        "]");
	assert_int_equal(nodes_int(t, TOP, "SELECT max(seq) FROM item"), seq);
	d[1] = typed(t, "33/b", "course");
	assert_int_equal(publish_all(t, TOP, d, 3), 0);
	assert_told(t, TOP,
	            "[{\"id\":\"33/"
	            "a\",\"version\":1,\"object\":\"\",\"kept\":true},"
	            "{\"id\":\"33/b\",\"version\":2,\"object\":\"\"},"
	            "{\"id\":\"33/c\",\"version\":1,\"object\":\"\"}]");
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT count(*) FROM audit WHERE event='publish'"),
	        4);
	/* what was withdrawn since is published anew */
	struct gt_event e = {
	        .type = GT_EV_WITHDRAW, .text = "33/a", .detail = ""};
	assert_int_equal(order(t, TOP, &e), 0);
	assert_int_equal(publish_all(t, TOP, d, 1), 0);
	assert_told(t, TOP, "{\"id\":\"33/a\",\"version\":3,\"object\":\"\"}");
	/* with content too */
	struct pack p;
	package(&p, 1, 1000);
	t->alike = true;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(publish(t, TOP, "p", &p), 0);
		assert_holds(t, TOP, &p);
	}
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT version FROM item WHERE id='33/p'"),
	        1);
	pack_clear(&p);
}

/* Would they be taken? Nothing is. */
static void asked_only(void **state)
{
	struct nodes *t = *state;
	static char *texts[GT_VALUES_MAX + 1];
	struct gt_draft d[2] = {draft(t, "33/a"), draft(t, "33/b")};
	struct gt_event e = {
	        .type = GT_EV_PUBLISH, .drafts = d, .count = 2, .dry = true};
	assert_int_equal(order(t, TOP, &e), 0);
	assert_told(t, TOP, "{\"fits\":2}");
	assert_int_equal(resources(t, TOP), 0);
	assert_int_equal(
	        nodes_int(t, TOP,
	                  "SELECT count(*) FROM audit WHERE event='publish'"),
	        0);
	/* its files are not known yet: what it names of them is not looked for */
	Gt__Entry m;
	gt__entry__init(&m);
	m.id = gt_arena_str(t->arena, "33/c");
	m.start = gt_arena_str(t->arena, "index.html");
	d[0].entry = gt_arena_pack(t->arena, &m.base);
	assert_int_equal(order(t, TOP, &e), 0);
	for (size_t k = 0; k <= GT_VALUES_MAX; k++)
		texts[k] = m.id;
	m.subjects = texts;
	m.n_subjects = GT_VALUES_MAX + 1;
	d[0].entry = gt_arena_pack(t->arena, &m.base);
	assert_int_equal(order(t, TOP, &e), -GT_ELIMIT);
	assert_told(t, TOP, "too many values in a field");
	d[0] = draft(t, "3301/b");
	assert_int_equal(order(t, TOP, &e), -GT_EINVALID);
	assert_int_equal(resources(t, TOP), 0);
}

/* Names that are let in from elsewhere are not published. */
static void names_in_another_form(void **state)
{
	struct nodes *t = *state;
	struct pack p = {.n = 0};
	pack_add(&p, "\xd0\xb8\xcc\x86", "x", 1); /* Cyrillic, decomposed */
	pack_make(&p, 1, 0);
	assert_int_equal(publish(t, TOP, "a", &p), -GT_EINVALID);
	assert_told(t, TOP,
	            "the name of \xd0\xb8\xcc\x86 is not in Unicode form NFC");
	assert_int_equal(nodes_count(t, TOP, GT_ACT_ADOPT), 0);
	pack_clear(&p);
}

static void how_many(void **state)
{
	struct nodes *t = *state;
	static struct gt_draft d[GT_SEAL_MAX + 1];
	for (unsigned k = 0; k <= GT_SEAL_MAX; k++) {
		char id[16];
		gt_format(id, sizeof id, "33/r%u", k);
		d[k] = draft(t, id);
	}
	for (size_t count = 0; count <= GT_SEAL_MAX + 1;
	     count += GT_SEAL_MAX + 1) {
		assert_int_equal(publish_all(t, TOP, d, count), -GT_ELIMIT);
		assert_told(t, TOP, "publish 1 to 4096 resources at a time");
		assert_int_equal(resources(t, TOP), 0);
	}
	assert_int_equal(publish_all(t, TOP, d, GT_SEAL_MAX), 0);
	assert_int_equal(resources(t, TOP), GT_SEAL_MAX);
}

static void ids_that_are_none(void **state)
{
	struct nodes *t = *state;
	struct gt_draft d = draft(t, "33/A");
	assert_int_equal(publish_all(t, TOP, &d, 1), -GT_EINVALID);
	assert_told(t, TOP,
	            "33/A is not a resource id: it must be 33/name with name "
	            "of a-z 0-9 . _ -");
	d.entry = gt_bytes_str("\xff\xff");
	assert_int_equal(publish_all(t, TOP, &d, 1), -GT_EINVALID);
	assert_told(t, TOP,
	            "this is not a resource id: it must be 33/name with name "
	            "of a-z 0-9 . _ -");
	d = draft(t, "33/a");
	d.manifest = gt_bytes_str("no manifest");
	assert_int_equal(publish_all(t, TOP, &d, 1), -GT_EMALFORMED);
	assert_int_equal(nodes_count(t, TOP, GT_ACT_ADOPT), 0);
}

/* More values than anybody should have to look through. */
static void values_in_a_field(void **state)
{
	enum { FIELDS = 7, MANY = GT_VALUES_MAX + 1 };
	struct nodes *t = *state;
	static char *texts[MANY];
	static Gt__Text *pairs[MANY], pair;
	gt__text__init(&pair);
	pair.text = gt_arena_str(t->arena, "x");
	for (size_t k = 0; k < MANY; k++) {
		texts[k] = gt_arena_str(t->arena, "x");
		pairs[k] = &pair;
	}
	for (unsigned field = 0; field < FIELDS; field++) {
		for (size_t n = GT_VALUES_MAX; n <= MANY; n++) {
			Gt__Entry e;
			gt__entry__init(&e);
			e.id = gt_arena_str(t->arena, "33/a");
			struct {
				size_t *n;
				char ***texts;
				Gt__Text ***pairs;
			} f[FIELDS] = {
			        {&e.n_subjects, &e.subjects, NULL},
			        {&e.n_audiences, &e.audiences, NULL},
			        {&e.n_languages, &e.languages, NULL},
			        {&e.n_regions, &e.regions, NULL},
			        {&e.n_keywords, &e.keywords, NULL},
			        {&e.n_title, NULL, &e.title},
			        {&e.n_description, NULL, &e.description}};
			*f[field].n = n;
			if (f[field].texts)
				*f[field].texts = texts;
			else
				*f[field].pairs = pairs;
			struct gt_draft d = {gt_arena_pack(t->arena, &e.base),
			                     {NULL, 0},
			                     ""};
			int status = publish_all(t, TOP, &d, 1);
			assert_int_equal(status, n == MANY ? -GT_ELIMIT : 0);
			if (status != 0)
				assert_told(t, TOP,
				            "too many values in a field");
		}
	}
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT version FROM item WHERE id='33/a'"),
	        FIELDS);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM item WHERE kind=1 AND "
	                           "title='x'"),
	                 0); /* the last had descriptions alone */
}

/* An entry has a length, all told. */
static void how_long(void **state)
{
	struct nodes *t = *state;
	static char text[GT_ENTRY_MAX + 1];
	struct gt_draft d = draft(t, "33/a");
	assert_int_equal(publish_all(t, TOP, &d, 1), 0);
	struct gt_item item;
	bool found;
	struct gt_node *n = t->v[TOP].node;
	assert_int_equal(
	        gt_item_get(n, GT__KIND__RESOURCE, "33/a", &item, &found), 0);
	Gt__Entry *e = gt_item_entry(n, item.sealed);
	assert_non_null(e);
	/* the licence makes it exactly as long as may be, then one byte more */
	memset(text, 'x', GT_ENTRY_MAX);
	e->licence = text;
	size_t n0 = gt__entry__get_packed_size(e) - GT_ENTRY_MAX;
	for (int more = 0; more < 2; more++) {
		Gt__Entry again;
		gt__entry__init(&again);
		again.id = gt_arena_str(t->arena, "33/a");
		again.licence = gt_arena_str(t->arena, text);
		again.licence[GT_ENTRY_MAX - n0 + (size_t)more] = '\0';
		d.entry = gt_arena_pack(t->arena, &again.base);
		int status = publish_all(t, TOP, &d, 1);
		assert_int_equal(status, more ? -GT_EMALFORMED : 0);
	}
	assert_told(t, TOP, "malformed entry");
}

/* --------------------------------------------------- names of files */

static int publish_named(struct nodes *t, const char *start,
                         const char *thumbnail, const struct pack *p)
{
	Gt__Entry e;
	gt__entry__init(&e);
	e.id = gt_arena_str(t->arena, "33/a");
	e.start = gt_arena_str(t->arena, start);
	e.thumbnail = gt_arena_str(t->arena, thumbnail);
	struct gt_draft d = {gt_arena_pack(t->arena, &e.base), {NULL, 0}, ""};
	if (p)
		d.manifest = gt_bytes_of(p->manifest, p->manifest_n);
	return publish_all(t, TOP, &d, 1);
}

static void files_that_are_not_there(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish_named(t, "nofile.html", "", &p), -GT_EINVALID);
	assert_told(t, TOP, "its package has no file nofile.html");
	assert_int_equal(publish_named(t, "a.txt", "t.png", &p), -GT_EINVALID);
	assert_told(t, TOP, "its package has no file t.png");
	assert_int_equal(publish_named(t, "a.txt", "", NULL), -GT_EINVALID);
	assert_told(t, TOP, "without files it has no start and no thumbnail");
	assert_int_equal(nodes_count(t, TOP, GT_ACT_ADOPT), 0);
	assert_int_equal(resources(t, TOP), 0);
	pack_clear(&p);
}

static const Gt__Entry *entry(struct nodes *t, unsigned i, const char *id)
{
	struct gt_item item;
	bool found;
	assert_int_equal(gt_item_get(t->v[i].node, GT__KIND__RESOURCE, id,
	                             &item, &found),
	                 0);
	assert_true(found);
	return gt_item_entry(t->v[i].node, item.sealed);
}

/* What begins by itself need not be told to. */
static void started_without_being_told(void **state)
{
	static const char *const second[] = {"index.html", "z.html", NULL};
	static const char *const starts[] = {"index.html", "", "a.html"};
	struct nodes *t = *state;
	for (unsigned i = 0; i < 3; i++) {
		struct pack p = {.n = 0};
		pack_add(&p, "a.html", "a", 1);
		if (second[i])
			pack_add(&p, second[i], "b", 1);
		pack_make(&p, 3, 0);
		assert_int_equal(publish(t, TOP, "a", &p), 0);
		assert_string_equal(entry(t, TOP, "33/a")->start, starts[i]);
		assert_int_equal(entry(t, TOP, "33/a")->members, p.n);
		pack_clear(&p);
	}
}

/* ------------------------------------------------------ withdrawing */

static int withdraw(struct nodes *t, unsigned i, const char *id)
{
	struct gt_event e = {
	        .type = GT_EV_WITHDRAW, .text = id, .detail = "a mistake"};
	return order(t, i, &e);
}

static void taken_back_where_it_was_published(void **state)
{
	struct nodes *t = *state;
	struct gt_draft d = draft(t, "33/a");
	assert_int_equal(publish_all(t, TOP, &d, 1), 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	assert_int_equal(withdraw(t, MID, "33/a"), -GT_EDENIED);
	assert_told(t, MID, "33/a was published elsewhere: withdraw it there");
	assert_int_equal(withdraw(t, MID, "33/b"), -GT_EUNKNOWN);
	assert_told(t, MID, "33/b is not known here");
	for (int again = 0; again < 2; again++) {
		assert_int_equal(withdraw(t, TOP, "33/a"), 0);
		assert_told(t, TOP,
		            "{\"id\":\"33/a\",\"version\":2,\"object\":\"\"}");
	}
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE event="
	                           "'withdraw' AND detail='a mistake' AND "
	                           "version=2 AND actor='user:test'"),
	                 1);
	nodes_run(t);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT state FROM item WHERE id='33/a'"),
	        GT__STATE__WITHDRAWN);
}

/* ----------------------------------------------------------- layers */

static int give_layer(struct nodes *t, unsigned i, const char *text,
                      uint32_t priority)
{
	Gt__Layer m;
	gt__layer__init(&m);
	m.priority = priority;
	m.fallback = GT__VERDICT__MIRROR;
	struct gt_event e = {.type = GT_EV_LAYER,
	                     .body = text ? gt_bytes_str(text)
	                                  : gt_arena_pack(t->arena, &m.base)};
	return order(t, i, &e);
}

static void rules_of_this_node(void **state)
{
	struct nodes *t = *state;
	assert_int_equal(give_layer(t, TOP, "\xff\xff", 0), -GT_EMALFORMED);
	assert_told(t, TOP, "not a layer");
	assert_int_equal(give_layer(t, TOP, NULL, 101), -GT_EMALFORMED);
	assert_told(t, TOP, "the default's priority is above 100");
	assert_int_equal(
	        nodes_int(t, TOP, "SELECT count(*) FROM item WHERE kind=2"), 0);
	/* the same again is no new version */
	for (uint32_t k = 0; k < 4; k++) {
		t->now.wall_ms += 1000;
		assert_int_equal(give_layer(t, TOP, NULL, k / 2), 0);
		assert_told(t, TOP,
		            k / 2 ? "{\"version\":2}" : "{\"version\":1}");
	}
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE event="
	                           "'policy' AND kind='layer' AND subject='33' "
	                           "AND actor='user:test' AND bytes>0"),
	                 2);
}

/* ---------------------------------------------------------- members */

static int give_members(struct nodes *t, const struct gt_bytes *v, size_t count)
{
	struct gt_event e = {
	        .type = GT_EV_MEMBERS, .members = v, .count = count};
	return order(t, TOP, &e);
}

static void rows_of_the_roster(void **state)
{
	struct nodes *t = *state;
	const uint8_t *key = t->v[MID].key.public;
	struct gt_bytes v[3] = {
	        nodes_member(t, "3302", key, 1, GT__STANDING__ACTIVE),
	        nodes_member(t, "3303", key, 2, GT__STANDING__REVOKED),
	        nodes_member(t, "3302", key, 1, GT__STANDING__ACTIVE)};
	assert_int_equal(give_members(t, v, 3), 0);
	assert_told(t, TOP, "{\"taken\":2}");
	assert_string_equal(
	        nodes_text(t, TOP,
	                   "SELECT group_concat(kind||' '||subject||' '||"
	                   "version||' '||detail,'; ') FROM audit WHERE "
	                   "event='roster' AND subject LIKE '330_'"
	                   " AND subject<>'3301'"),
	        "member 3302 1 active; member 3303 2 revoked");
	/* one that is none: what came before it stands */
	v[0] = nodes_member(t, "3304", key, 1, GT__STANDING__ACTIVE);
	v[1] = gt_bytes_str("\xff");
	assert_int_equal(give_members(t, v, 2), -GT_EMALFORMED);
	assert_told(t, TOP, "row 2 (): malformed signed item");
	Gt__Layer m;
	gt__layer__init(&m);
	m.origin = gt_arena_str(t->arena, "33");
	m.version = 1;
	struct gt_bytes body = gt_arena_pack(t->arena, &m.base);
	assert_int_equal(gt_seal(&t->v[TOP].key, GT__KIND__LAYER, &body, 1,
	                         t->arena, &v[0]),
	                 0);
	assert_int_equal(give_members(t, v, 1), -GT_EINVALID);
	assert_told(t, TOP, "row 1 (33): not a roster row");
	/* not of the roster's key, not a code, not a kind there is */
	t->roster = t->v[TOP].key;
	v[0] = nodes_member(t, "3305", key, 1, GT__STANDING__ACTIVE);
	assert_int_equal(give_members(t, v, 1), -GT_ESIGNATURE);
	assert_told(t, TOP, "row 1 (3305): not signed with the roster key");
	v[0] = nodes_member(t, "33-", key, 1, GT__STANDING__ACTIVE);
	assert_int_equal(give_members(t, v, 1), -GT_EMALFORMED);
	assert_told(t, TOP, "row 1 (): malformed member");
	assert_int_equal(
	        gt_seal(&t->v[TOP].key, (Gt__Kind)9, &body, 1, t->arena, &v[0]),
	        0);
	assert_int_equal(give_members(t, v, 1), -GT_EMALFORMED);
	assert_told(t, TOP, "row 1 (): unknown kind of signed item");
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM item WHERE kind=3 "
	                           "AND id>='3302'"),
	                 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_two, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(one_and_some),
	        T(the_same_again),
	        T(asked_only),
	        T(names_in_another_form),
	        T(how_many),
	        T(ids_that_are_none),
	        T(values_in_a_field),
	        T(how_long),
	        T(files_that_are_not_there),
	        T(started_without_being_told),
	        T(taken_back_where_it_was_published),
	        T(rules_of_this_node),
	        T(rows_of_the_roster),
	};
	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
