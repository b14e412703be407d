/* u_terms.c: what the index finds is what looking at every record finds:
 * statements drawn from few words, filters too; with targets here and not here
 * yet, behind a restart, damage, a backlog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

#include "buffer.h"
#include "json.h"
#include "read.h"
#include "records_inside.h"
#include "terms.h"
#include "unit/node_kit.h"
#include "xapi_term.h"

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* ----------------------------------------------- statements, filters */

static void agent(struct gt_buffer *b, bool group)
{
	unsigned n = draw(6);
	gt_buffer_str(b, "{");
	if (draw(5) == 0)
		gt_buffer_format(b,
		                 "\"account\":{\"homePage\":\"http://h.cn/%u"
		                 "\",\"name\":\"n%u\"}",
		                 n % 2, n);
	else if (draw(4) == 0)
		gt_buffer_format(b, "\"mbox_sha1sum\":\"%s%038u\"",
		                 draw(2) ? "aB" : "Ab", n);
	else
		gt_buffer_format(b, "\"mbox\":\"mailto:p%u@s.cn\"", n);
	if (group) {
		gt_buffer_str(b, ",\"objectType\":\"Group\",\"member\":[");
		for (unsigned i = draw(3) + 1; i > 0; i--) {
			agent(b, false);
			gt_buffer_str(b, i > 1 ? "," : "");
		}
		gt_buffer_str(b, "]");
	}
	gt_buffer_str(b, "}");
}

static void activity(struct gt_buffer *b)
{
	gt_buffer_format(b, "{\"id\":\"http://a.cn/%u\"}", draw(8));
}

static void uuid(char out[GT_UUID_TEXT], unsigned n)
{
	gt_format(out, GT_UUID_TEXT, "%08x-0000-4000-8000-000000000000", n);
}

static void context(struct gt_buffer *b)
{
	char id[GT_UUID_TEXT];
	const char *comma = "";
	gt_buffer_str(b, ",\"context\":{");
	if (draw(2)) {
		uuid(id, draw(9));
		gt_buffer_format(b, "\"registration\":\"%s\"", id);
		comma = ",";
	}
	if (draw(2)) {
		gt_buffer_format(b, "%s\"instructor\":", comma);
		agent(b, draw(3) == 0);
		comma = ",";
	}
	if (draw(2)) {
		gt_buffer_format(b, "%s\"contextActivities\":{\"%s\":", comma,
		                 draw(2) ? "parent" : "grouping");
		gt_buffer_str(b, "[");
		activity(b);
		gt_buffer_str(b, ",");
		activity(b);
		gt_buffer_str(b, "]}");
	}
	gt_buffer_str(b, "}");
}

static void deed(struct gt_buffer *b, unsigned n, bool top)
{
	char id[GT_UUID_TEXT];
	unsigned kind = draw(top ? 8 : 5);
	gt_buffer_str(b, "\"actor\":");
	agent(b, draw(4) == 0);
	gt_buffer_format(b,
	                 ",\"verb\":{\"id\":\"http://v.cn/%u\"},"
	                 "\"object\":",
	                 draw(5));
	if (kind == 0) {
		agent(b, false);
		/* an agent says that it is one */
		b->n--;
		gt_buffer_str(b, ",\"objectType\":\"Agent\"}");
	} else if (kind == 5) {
		gt_buffer_str(b, "{\"objectType\":\"SubStatement\",");
		deed(b, n, false);
		gt_buffer_str(b, "}");
	} else if (kind >= 6) {
		/* one of before, or that comes later, or never */
		uuid(id, 1000 + draw(n + 20));
		gt_buffer_format(b,
		                 "{\"objectType\":\"StatementRef\",\"id\":\""
		                 "%s\"}",
		                 id);
	} else {
		activity(b);
	}
	if (draw(2))
		context(b);
}

/* Statement number n. */
static void statement(struct gt_buffer *b, unsigned n)
{
	char id[GT_UUID_TEXT];
	uuid(id, 1000 + n);
	gt_buffer_format(b, "{\"id\":\"%s\",", id);
	deed(b, n, true);
	gt_buffer_str(b, "}");
}

/* Its texts are the caller's to keep. */
static json_t *filter(struct gt_filter *f, char verb[40], char act[40])
{
	struct gt_buffer b = {0};
	json_t *who = NULL;
	*f = (struct gt_filter){.related_agents = draw(2),
	                        .related_activities = draw(2)};
	unsigned asks = 1 + draw(15);
	if (asks & 1) {
		agent(&b, false);
		who = json_loadb((const char *)b.p, b.n, 0, NULL);
		f->agent = gt_agent_of(who);
	}
	if (asks & 2) {
		gt_format(verb, 40, "http://v.cn/%u", draw(5));
		f->verb = verb;
	}
	if (asks & 4) {
		gt_format(act, 40, "http://a.cn/%u", draw(8));
		f->activity = act;
	}
	if (asks & 8) {
		char id[GT_UUID_TEXT];
		uuid(id, draw(9));
		f->registered = gt_uuid_parse(f->registration, id);
	}
	gt_buffer_free(&b);
	return who;
}

/* ------------------------------------------------------------- terms */

static bool in_slot(const struct gt_terms *t, const struct gt_term_slot *s)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < s->n; k++)
			if (t->v[i] == s->v[k])
				return true;
	return false;
}

/* What fits has a term out of each slot; what has mostly fits. */
static void cover(void **state)
{
	static struct gt_terms t;
	unsigned fit = 0, found = 0;
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct gt_buffer b = {0};
		struct gt_filter f;
		struct gt_term_slot slots[GT_TERM_SLOTS];
		char verb[40], act[40];
		statement(&b, 50);
		json_t *v = json_loadb((const char *)b.p, b.n, 0, NULL);
		json_t *who = filter(&f, verb, act), *by = NULL;
		assert_non_null(v);
		if (draw(2))
			by = json_pack("{s:s}", "mbox", "mailto:p1@s.cn");
		t.n = 0;
		t.more = false;
		gt_terms_of(&t, v, by);
		size_t n = gt_terms_of_filter(&f, slots);
		bool all = true, fits = gt_query_matches(&f, v, by);
		for (size_t k = 0; k < n; k++)
			all = all && in_slot(&t, &slots[k]);
		assert_true(all || !fits);
		fit += fits;
		found += all;
		json_decref(v);
		json_decref(who);
		json_decref(by);
		gt_buffer_free(&b);
	}
	assert_true(fit > 300);
	assert_int_equal(fit, found);
}

/* A crowd has more words than have room. */
static void crowd(void **state)
{
	static struct gt_terms t;
	json_t *members = json_array();
	(void)state;
	for (int i = 0; i < GT_TERMS_MAX + 5; i++)
		json_array_append_new(
		        members, json_pack("{s:o}", "mbox",
		                           json_sprintf("mailto:%d@a.cn", i)));
	json_t *v = json_pack("{s:{s:o}}", "actor", "member", members);
	gt_terms_of(&t, v, NULL);
	assert_int_equal(t.n, GT_TERMS_MAX);
	assert_true(t.more);
	json_decref(v);
}

/* ---------------------------------------------------------- pages */

static unsigned handed; /* statements so far */

static void hand_in(struct nodes *t, unsigned i, unsigned count)
{
	struct gt_statement *s = calloc(count, sizeof *s);
	struct gt_buffer *b = calloc(count, sizeof *b);
	char why[200];
	for (unsigned k = 0; k < count; k++) {
		statement(&b[k], handed++);
		int n = gt_statements_parse(gt_bytes_of(b[k].p, b[k].n),
		                            GT_XAPI_ANY, NULL, 0, &s[k], 1, why,
		                            sizeof why);
		if (n != 1)
			print_error("%s: %.*s\n", why, (int)b[k].n,
			            (const char *)b[k].p);
		assert_int_equal(n, 1);
		s[k].authority = "{\"mbox\":\"mailto:p2@s.cn\"}";
	}
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .statements = s,
	                     .count = count,
	                     .token = 7};
	assert_int_equal(nodes_event(t, i, &e), 0);
	for (unsigned k = 0; k < count; k++)
		gt_buffer_free(&b[k]);
	free(b);
	free(s);
	nodes_run(t);
}

/* All pages of it, one behind the other. */
static void pages(struct gt_reader *r, struct gt_statements_query q,
                  struct gt_buffer *out)
{
	q.since_ms = INT64_MIN;
	q.until_ms = INT64_MAX;
	q.bytes = 1 << 20;
	unsigned n = 0;
	do {
		size_t was = out->n;
		assert_int_equal(gt_read_statements(r, &q, out), 0);
		gt_buffer_str(out, out->n > was ? "," : "");
		assert_true(n++ < 1000);
	} while (q.low <= q.high);
}

static struct gt_reader *reader_of(struct nodes *t, unsigned i)
{
	char why[200];
	sqlite3 *db;
	assert_int_equal(sqlite3_open(nodes_path(t, i), &db), SQLITE_OK);
	struct gt_reader *r = gt_reader_new(db, why, sizeof why);
	assert_non_null(r);
	return r;
}

/* The index and a look at every record say the same. */
static void assert_same(struct nodes *t, unsigned i, unsigned filters)
{
	struct gt_reader *r = reader_of(t, i);
	int64_t last = nodes_int(t, i,
	                         "SELECT value FROM meta"
	                         " WHERE key='indexed'");
	size_t told = 0;
	for (unsigned k = 0; k < filters; k++) {
		struct gt_buffer by_index = {0}, by_row = {0};
		struct gt_filter f;
		char verb[40], act[40];
		json_t *who = filter(&f, verb, act);
		struct gt_statements_query q = {.filter = &f,
		                                .ascending = draw(2),
		                                .limit = 1 + draw(9)};
		pages(r, q, &by_index);
		nodes_int(t, i,
		          "UPDATE meta SET value=0 WHERE key='indexed'"
		          " RETURNING 1");
		pages(r, q, &by_row);
		nodes_int(t, i,
		          "UPDATE meta SET value=%lld WHERE"
		          " key='indexed' RETURNING 1",
		          (long long)last);
		assert_int_equal(by_index.n, by_row.n);
		if (by_row.n)
			assert_memory_equal(by_index.p, by_row.p, by_row.n);
		told += by_row.n;
		gt_buffer_free(&by_index);
		gt_buffer_free(&by_row);
		json_decref(who);
	}
	assert_true(told > 0);
	gt_reader_free(r);
}

static int64_t indexed(struct nodes *t, unsigned i)
{
	return nodes_int(t, i, "SELECT value FROM meta WHERE key='indexed'");
}

static void same(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	nodes_wire(t, MID, TOP, NULL);
	for (unsigned k = 0; k < 30; k++)
		hand_in(t, MID, 1 + draw(12));
	assert_int_equal(indexed(t, MID), handed);
	assert_int_equal(indexed(t, TOP), handed);
	assert_same(t, MID, 60);
	assert_same(t, TOP, 20);
	nodes_restart(t, MID);
	assert_same(t, MID, 10);
	hand_in(t, MID, 40);
	assert_same(t, MID, 20);
}

/* Made by a program without an index: it is made, a piece a turn. */
static void old(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	for (unsigned k = 0; k < 6; k++)
		hand_in(t, MID, 100);
	nodes_stop(t, MID);
	sqlite3 *db;
	assert_int_equal(sqlite3_open(nodes_path(t, MID), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
	                              "DROP TABLE run;DROP TABLE run_group;"
	                              "DROP TABLE run_block;"
	                              "DROP TABLE run_tail;"
	                              "DELETE FROM meta WHERE key='indexed'",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	sqlite3_close(db);
	nodes_restart(t, MID);
	nodes_run(t);
	nodes_pass(t, 1000);
	assert_int_equal(indexed(t, MID), handed);
	assert_same(t, MID, 20);
}

/* What is damaged of the index is made anew, and keeps nobody from anything. */
static void damage(void **state)
{
	struct nodes *t = *state;
	handed = 0;
	for (unsigned k = 0; k < 5; k++)
		hand_in(t, MID, 60);
	nodes_int(t, MID, "UPDATE run_tail SET body=zeroblob(9) RETURNING 1");
	struct gt_reader *r = reader_of(t, MID);
	struct gt_buffer out = {0};
	struct gt_filter f = {.verb = "http://v.cn/1"};
	pages(r, (struct gt_statements_query){.filter = &f, .limit = 50}, &out);
	assert_true(out.n > 1000);
	gt_buffer_free(&out);
	gt_reader_free(r);
	/* the next run reads it */
	nodes_restart(t, MID);
	hand_in(t, MID, 3);
	nodes_pass(t, 1000);
	assert_int_equal(indexed(t, MID), handed);
	assert_int_equal(nodes_int(t, MID,
	                           "SELECT count(*) FROM run_tail WHERE"
	                           " length(body)=9"),
	                 0);
	assert_same(t, MID, 10);
}

/* What is erased is in no posting any more. */
static void forgotten(void **state)
{
	struct nodes *t = *state;
	struct gt_node *n = t->v[MID].node;
	bool changed;
	handed = 0;
	for (unsigned k = 0; k < 5; k++)
		hand_in(t, MID, 20);
	gt_store_begin(n->store);
	for (int64_t seq = 1; seq <= 100; seq++) {
		sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORDS_WORDS,
		                                 "ii", seq - 1, INT64_C(1));
		assert_int_equal(gt_store_step(n->store, GT_SQL_RECORDS_WORDS),
		                 1);
		struct gt_bytes body = gt_col_bytes(st, 1);
		body.p = gt_arena_copy(n->arena, body.p, body.n);
		const char *by = gt_arena_str(n->arena, gt_col_text(st, 2));
		gt_store_reset(n->store, GT_SQL_RECORDS_WORDS);
		assert_int_equal(gt_terms_forget(n, seq, body, by), 0);
	}
	assert_int_equal(gt_store_commit(n->store, &changed), 0);
	assert_true(changed);
	/* but of what had more words, by a target that came later */
	assert_in_range(nodes_int(t, MID, "SELECT sum(n) FROM run_tail"), 0, 9);
}

#define ON_DISK(f) \
	cmocka_unit_test_setup_teardown(f, nodes_two_on_disk, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(cover), cmocka_unit_test(crowd),
	        ON_DISK(same),           ON_DISK(old),
	        ON_DISK(damage),         ON_DISK(forgotten)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
