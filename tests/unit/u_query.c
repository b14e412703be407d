/* u_query.c: which arguments a request may have, and which statements fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "json.h"
#include "query.h"

#define ID    "12345678-1234-4234-8234-1234567890ab"
#define AGENT "{\"mbox\":\"mailto:a@b.cn\"}"

static struct gt_query_flaw flaw;

/* "name=value&name=value", nothing encoded; what came of it. */
static bool asks(struct gt_query_args *q, enum gt_query_kind kind,
                 const char *text)
{
	static char room[2000];
	bool fine = true;
	char *save = NULL;
	gt_copy(room, sizeof room, text);
	gt_query_begin(q, kind);
	for (char *p = strtok_r(room, "&", &save); fine && p;
	     p = strtok_r(NULL, "&", &save)) {
		char *value = strchr(p, '=');
		if (value)
			*value++ = '\0';
		fine = gt_query_take(q, p, value ? value : "", &flaw);
	}
	return fine && gt_query_end(q, &flaw);
}

/* Why it is refused, "UNKNOWN verb"; "": it is not. */
static const char *said(enum gt_query_kind kind, const char *text)
{
	static const char *const words[] = {[GT_WRONG_UNKNOWN] = "unknown",
	                                    [GT_WRONG_CASE] = "case",
	                                    [GT_WRONG_TWICE] = "twice",
	                                    [GT_WRONG_VALUE] = "value",
	                                    [GT_WRONG_MISSING] = "missing",
	                                    [GT_WRONG_TOGETHER] = "together"};
	static char out[400];
	struct gt_query_args q;
	out[0] = '\0';
	if (!asks(&q, kind, text))
		gt_format(out, sizeof out, "%s %s%s%s%s%s", words[flaw.wrong],
		          flaw.name, flaw.other ? " " : "",
		          flaw.other ? flaw.other : "", *flaw.what ? ": " : "",
		          flaw.what);
	gt_query_free(&q);
	return out;
}

#define SAID(kind, text, want) \
	assert_string_equal(said(GT_QUERY_##kind, text), want)

static void arguments(void **state)
{
	(void)state;
	SAID(STATEMENTS, "", "");
	SAID(STATEMENTS, "statementId=" ID "&format=ids&attachments=true", "");
	SAID(STATEMENTS, "voidedStatementId=" ID "&lang=zh-CN", "");
	SAID(STATEMENTS,
	     "agent=" AGENT "&verb=http://v/&activity=http://a/"
	     "&registration=" ID "&related_activities=true"
	     "&related_agents=false&since=2026-01-01T00:00:00Z"
	     "&until=2026-01-01T00:00:00.123004Z&limit=0&format=canonical"
	     "&attachments=false&ascending=true&more=1-2",
	     "");
	SAID(STATEMENTS, "foo=1", "unknown foo");
	SAID(STATEMENTS, "\xff\n=1", "unknown ??");
	SAID(STATEMENTS, "StatementId=" ID, "case StatementId statementId");
	SAID(STATEMENTS, "activityId=http://a/", "unknown activityId");
	SAID(STATEMENTS, "limit=1&limit=1", "twice limit");
	SAID(STATEMENTS, "statementId=x", "value statementId");
	SAID(STATEMENTS, "statementId=" ID "&voidedStatementId=" ID,
	     "together voidedStatementId statementId");
	static const char *const page[] = {"agent=" AGENT,
	                                   "verb=http://v/",
	                                   "activity=http://a/",
	                                   "registration=" ID,
	                                   "related_activities=true",
	                                   "related_agents=true",
	                                   "since=2026-01-01T00:00:00Z",
	                                   "until=2026-01-01T00:00:00Z",
	                                   "limit=1",
	                                   "ascending=true",
	                                   "more=1-2"};
	for (size_t i = 0; i < sizeof page / sizeof *page; i++) {
		char text[200], want[100];
		size_t n = strcspn(page[i], "=");
		gt_format(text, sizeof text, "statementId=" ID "&%s", page[i]);
		gt_format(want, sizeof want, "together %.*s statementId",
		          (int)n, page[i]);
		SAID(STATEMENTS, text, want);
		gt_format(text, sizeof text, "voidedStatementId=" ID "&%s",
		          page[i]);
		gt_format(want, sizeof want, "together %.*s voidedStatementId",
		          (int)n, page[i]);
		SAID(STATEMENTS, text, want);
	}
	SAID(STATEMENT_PUT, "", "missing statementId");
	SAID(STATEMENT_PUT, "statementId=" ID, "");
	SAID(STATEMENT_PUT, "statementId=" ID "&format=ids", "unknown format");
	SAID(STATEMENTS_POST, "", "");
	SAID(STATEMENTS_POST, "statementId=" ID, "unknown statementId");
}

static void values(void **state)
{
	(void)state;
	SAID(STATEMENTS, "limit=-1", "value limit");
	SAID(STATEMENTS, "limit=", "value limit");
	SAID(STATEMENTS, "limit=1e3", "value limit");
	SAID(STATEMENTS, "limit=9999999999999999999", "value limit");
	SAID(STATEMENTS, "limit=999999999999999999", "");
	SAID(STATEMENTS, "ascending=True", "value ascending");
	SAID(STATEMENTS, "ascending=1", "value ascending");
	SAID(STATEMENTS, "format=Exact", "value format");
	SAID(STATEMENTS, "more=", "value more");
	SAID(STATEMENTS, "since=yesterday",
	     "value since: not an ISO 8601 time (RFC 3339)");
	SAID(STATEMENTS, "verb=did", "value verb: not an absolute IRI");
	SAID(STATEMENTS, "activity=a b:c",
	     "value activity: not an absolute IRI");
	SAID(STATEMENTS, "registration=1", "value registration");
	SAID(STATEMENTS, "agent={",
	     "value agent: not JSON: it ends too early at byte 1");
	SAID(STATEMENTS, "agent=[]", "value agent: must be an object");
	SAID(STATEMENTS, "agent={\"name\":\"a\"}",
	     "value agent: must have exactly one of mbox, mbox_sha1sum, "
	     "openid, account");
	SAID(STATEMENTS, "agent={\"mbox\":\"a@b.cn\"}",
	     "value agent: mbox: not mailto: and an address; write it as "
	     "mailto:name@example.org");
	SAID(STATEMENTS,
	     "agent={\"objectType\":\"Group\",\"member\":[" AGENT "]}",
	     "value agent: must have exactly one of mbox, mbox_sha1sum, "
	     "openid, account");
	SAID(STATEMENTS,
	     "agent={\"objectType\":\"Group\",\"openid\":\"http://g/\"}", "");
}

static void documents(void **state)
{
#define BOTH "activityId=http://a/&agent=" AGENT
	static const char since[] = "&since=2026-01-01T00:00:00Z";
	char text[300];
	(void)state;
	SAID(ACTIVITY, "", "missing activityId");
	SAID(ACTIVITY, "activityId=http://a/", "");
	SAID(ACTIVITY, "activityId=true",
	     "value activityId: not an absolute IRI");
	SAID(AGENT, "", "missing agent");
	SAID(AGENT, "agent=" AGENT, "");
	SAID(STATE, BOTH, "missing stateId");
	SAID(STATE, "agent=" AGENT "&stateId=s", "missing activityId");
	SAID(STATE, "activityId=http://a/&stateId=s", "missing agent");
	SAID(STATE, BOTH "&stateId=", "value stateId");
	SAID(STATE, BOTH "&stateId=s&registration=" ID, "");
	SAID(STATE, BOTH "&stateId=s&registration=x", "value registration");
	SAID(STATE, BOTH "&stateId=s&since=2026-01-01T00:00:00Z",
	     "unknown since");
	gt_format(text, sizeof text, BOTH "%s", since);
	SAID(STATES, text, "");
	gt_format(text, sizeof text, BOTH "&stateId=s%s", since);
	SAID(STATES, text, "together since stateId");
	SAID(STATES, BOTH "&profileId=p", "unknown profileId");
	gt_format(text, sizeof text, BOTH "%s", since);
	SAID(STATES_DELETE, text, "unknown since");
	SAID(STATES_DELETE, BOTH, "");
	SAID(ACTIVITY_PROFILE, "activityId=http://a/", "missing profileId");
	SAID(ACTIVITY_PROFILE, "activityId=http://a/&profileId=p", "");
	SAID(ACTIVITY_PROFILES, "activityId=http://a/", "");
	gt_format(text, sizeof text, "activityId=http://a/&profileId=p%s",
	          since);
	SAID(ACTIVITY_PROFILES, text, "together since profileId");
	SAID(AGENT_PROFILE, "agent=" AGENT, "missing profileId");
	SAID(AGENT_PROFILES, "agent=" AGENT "&ProfileId=p",
	     "case ProfileId profileId");
	gt_format(text, sizeof text, "agent=" AGENT "%s", since);
	SAID(AGENT_PROFILES, text, "");
}

static void what_was_taken(void **state)
{
	struct gt_query_args q;
	(void)state;
	assert_true(asks(&q, GT_QUERY_STATEMENTS,
	                 "agent=" AGENT "&verb=http://v/&registration=" ID
	                 "&since=2026-01-01T00:00:00.123004Z&limit=7"
	                 "&format=ids&ascending=true&related_agents=true"));
	assert_int_equal(q.filter.agent.by, GT_AGENT_MBOX);
	assert_string_equal(q.filter.agent.id, "mailto:a@b.cn");
	assert_string_equal(q.filter.verb, "http://v/");
	assert_null(q.filter.activity);
	assert_true(q.filter.registered);
	assert_int_equal(q.filter.registration[0], 0x12);
	assert_true(q.filter.related_agents);
	assert_false(q.filter.related_activities);
	assert_true(gt_filter_any(&q.filter));
	assert_int_equal(q.since_ms, 1767225600123);
	assert_int_equal(q.since_mark, 4);
	assert_int_equal(q.until_ms, INT64_MAX);
	assert_int_equal(q.limit, 7);
	assert_int_equal(q.telling, GT_TELL_IDS);
	assert_true(q.ascending);
	assert_true(gt_query_has(&q, GT_ARG_LIMIT));
	assert_false(gt_query_has(&q, GT_ARG_MORE));
	assert_string_equal(q.text[GT_ARG_LIMIT], "7");
	assert_string_equal(gt_query_name(GT_ARG_LIMIT), "limit");
	gt_query_free(&q);
	assert_true(asks(&q, GT_QUERY_STATEMENTS, "limit=3"));
	assert_false(gt_filter_any(&q.filter));
	gt_query_free(&q);
}

/* ------------------------------------------------------------- fitting */

#define G(id)      "{'objectType':'Group','mbox':'mailto:" id "@g.cn'}"
#define P(id)      "{'mbox':'mailto:" id "@b.cn'}"
#define A(id)      "{'id':'http://a/" id "'}"
#define REST       "'verb':{'id':'http://v/1'},'object':" A("1")
#define PLAIN      "{'actor':" P("a") "," REST "}"
#define WITH(more) "{'actor':" P("a") "," REST ",'context':{" more "}}"
#define OBJECT(v) \
	"{'actor':" P("a") ",'verb':{'id':'http://v/1'},'object':" v "}"
#define SUB(v)                                            \
	OBJECT("{'objectType':'SubStatement','actor':" P( \
	        "s") ",'verb':"                           \
	             "{'id':'http://v/s'},'object':" A("s") v "}")

static const char *quoted(const char *text)
{
	static char out[4000];
	gt_copy(out, sizeof out, text);
	for (char *p = out; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return out;
}

/* Whether it fits; at a glance it must not seem otherwise. */
static bool fits(const char *ask, const char *statement, const char *authority)
{
	struct gt_query_args q;
	char asked[600];
	gt_copy(asked, sizeof asked, quoted(ask));
	assert_true(asks(&q, GT_QUERY_STATEMENTS, asked));
	json_t *by = authority ? json_loads(quoted(authority), 0, NULL) : NULL;
	char by_text[600];
	gt_copy(by_text, sizeof by_text, quoted(authority ? authority : ""));
	const char *text = quoted(statement);
	json_t *v = json_loads(text, 0, NULL);
	assert_non_null(v);
	bool yes = gt_query_matches(&q.filter, v, by);
	bool may = gt_query_may_match(&q.filter, gt_bytes_str(text), by_text);
	assert_true(may || !yes);
	/* spelt with an escape it may too */
	char *escaped = json_dumps(v, JSON_COMPACT | JSON_ESCAPE_SLASH);
	assert_true(
	        gt_query_may_match(&q.filter, gt_bytes_str(escaped), by_text) ||
	        !yes);
	free(escaped);
	json_decref(v);
	json_decref(by);
	gt_query_free(&q);
	return yes;
}

static void by_verb_activity_registration(void **state)
{
	(void)state;
	assert_true(fits("verb=http://v/1", PLAIN, NULL));
	assert_false(fits("verb=http://v/", PLAIN, NULL));
	assert_false(fits("verb=http://v/s", SUB(""), NULL));
	assert_true(fits("activity=http://a/1", PLAIN, NULL));
	assert_true(fits("activity=http://a/1&verb=http://v/1", PLAIN, NULL));
	assert_false(fits("activity=http://a/1&verb=http://v/2", PLAIN, NULL));
	assert_true(fits("activity=http://a/2",
	                 OBJECT("{'objectType':'Activity','id':'http://a/2'}"),
	                 NULL));
	/* an agent of that id, were there such */
	assert_false(fits("activity=http://a/2",
	                  OBJECT("{'objectType':'Agent','id':'http://a/2',"
	                         "'mbox':'mailto:x@y.cn'}"),
	                  NULL));
#define IN(key) WITH("'contextActivities':{'" key "':[" A("8") "," A("9") "]}")
	assert_false(fits("activity=http://a/9", IN("parent"), NULL));
#define BROAD "&related_activities=true"
	assert_true(fits("activity=http://a/9" BROAD, IN("parent"), NULL));
	assert_true(fits("activity=http://a/9" BROAD, IN("grouping"), NULL));
	assert_true(fits("activity=http://a/9" BROAD, IN("category"), NULL));
	assert_true(fits("activity=http://a/9" BROAD, IN("other"), NULL));
	assert_false(fits("activity=http://a/9" BROAD, IN("another"), NULL));
	assert_true(fits("activity=http://a/9" BROAD,
	                 WITH("'contextActivities':{'other':" A("9") "}"),
	                 NULL));
	assert_true(fits("activity=http://a/1" BROAD, PLAIN, NULL));
	assert_true(fits("activity=http://a/s" BROAD, SUB(""), NULL));
	assert_false(fits("activity=http://a/s", SUB(""), NULL));
	assert_true(fits(
	        "activity=http://a/9" BROAD,
	        SUB(",'context':{'contextActivities':{'other':[" A("9") "]}}"),
	        NULL));
	assert_true(fits("registration=" ID,
	                 WITH("'registration':"
	                      "'12345678-1234-4234-8234-1234567890AB'"),
	                 NULL));
	assert_false(fits("registration=" ID,
	                  WITH("'registration':"
	                       "'12345678-1234-4234-8234-1234567890AC'"),
	                  NULL));
	assert_false(fits("registration=" ID, PLAIN, NULL));
	assert_false(fits("registration=" ID,
	                  SUB(",'context':{'registration':'" ID "'}"), NULL));
}

static void by_agent(void **state)
{
	static const char sha[] = "agent={'mbox_sha1sum':"
	                          "'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'}";
	(void)state;
#define OF(id)  "agent=" P(id)
#define ANY(id) OF(id) "&related_agents=true"
	assert_true(fits(OF("a"), PLAIN, NULL));
	assert_false(fits(OF("b"), PLAIN, NULL));
	assert_true(fits(OF("b"),
	                 OBJECT("{'objectType':'Agent','mbox':"
	                        "'mailto:b@b.cn'}"),
	                 NULL));
	assert_true(fits("agent=" G("b"), OBJECT(G("b")), NULL));
	/* an agent and a group of one identifier are one */
	assert_true(
	        fits("agent={'mbox':'mailto:b@g.cn'}", OBJECT(G("b")), NULL));
	/* a member */
	assert_true(fits(OF("m"),
	                 "{'actor':{'objectType':'Group','member':[" P(
	                         "l") "," P("m") "]}," REST "}",
	                 NULL));
	assert_true(fits(sha,
	                 "{'actor':{'mbox_sha1sum':"
	                 "'ebd31e95054c018b10727ccffd2ef2ec3a016ee9'}," REST
	                 "}",
	                 NULL));
	assert_true(fits("agent={'openid':'http://o/'}",
	                 "{'actor':{'openid':'http://o/'}," REST "}", NULL));
	assert_false(fits("agent={'openid':'http://o/'}",
	                  "{'actor':{'openid':'http://O/'}," REST "}", NULL));
#define ACCOUNT(home) "{'account':{'homePage':'" home "','name':'1001'}}"
	assert_true(fits("agent=" ACCOUNT("http://h/"),
	                 "{'actor':" ACCOUNT("http://h/") "," REST "}", NULL));
	assert_false(fits("agent=" ACCOUNT("http://h/"),
	                  "{'actor':" ACCOUNT("http://g/") "," REST "}", NULL));
	/* the same text under another key */
	assert_false(fits("agent={'openid':'mailto:a@b.cn'}", PLAIN, NULL));
	/* anywhere */
	assert_false(fits(OF("i"), WITH("'instructor':" P("i")), NULL));
	assert_true(fits(ANY("i"), WITH("'instructor':" P("i")), NULL));
	assert_true(fits(ANY("i"),
	                 WITH("'team':{'objectType':'Group','mbox':"
	                      "'mailto:t@b.cn','member':[" P("i") "]}"),
	                 NULL));
	assert_true(fits(ANY("i"),
	                 WITH("'contextAgents':[{'objectType':'contextAgent',"
	                      "'agent':" P("i") "}]"),
	                 NULL));
	assert_true(fits(ANY("i"),
	                 WITH("'contextGroups':[{'objectType':'contextGroup',"
	                      "'group':{'objectType':'Group','mbox':"
	                      "'mailto:i@b.cn'}}]"),
	                 NULL));
	assert_false(fits(OF("s"), SUB(""), NULL));
	assert_true(fits(ANY("s"), SUB(""), NULL));
	assert_true(fits(ANY("i"), SUB(",'context':{'instructor':" P("i") "}"),
	                 NULL));
	assert_true(fits(ANY("u"), PLAIN, P("u")));
	assert_false(fits(OF("u"), PLAIN, P("u")));
	assert_true(fits(ANY("u"),
	                 "{'actor':" P("a") "," REST ",'authority':" P("u") "}",
	                 NULL));
	/* where another vouches for it the body's says nothing */
	assert_false(fits(ANY("u"),
	                  "{'actor':" P("a") "," REST
	                                     ",'authority':" P("u") "}",
	                  P("w")));
}

static void targets(void **state)
{
	uint8_t id[GT_UUID_BYTES];
	(void)state;
	json_t *v = json_loads(
	        quoted(OBJECT("{'objectType':'StatementRef','id':'" ID "'}")),
	        0, NULL);
	assert_true(gt_query_target(v, id));
	assert_int_equal(id[15], 0xab);
	json_decref(v);
	v = json_loads(quoted(PLAIN), 0, NULL);
	assert_false(gt_query_target(v, id));
	json_decref(v);
	/* which must be looked at whatever it says itself */
	struct gt_filter f = {.verb = "http://v/9"};
	assert_true(gt_query_may_match(
	        &f, gt_bytes_str("{\"objectType\":\"StatementRef\"}"), ""));
	assert_false(gt_query_may_match(&f, gt_bytes_str("{\"x\":1}"), ""));
	assert_false(gt_query_may_match(&f, gt_bytes_str("http://v/"), ""));
	assert_true(gt_query_may_match(&f, gt_bytes_str("hhttp://v/9"), ""));
	assert_true(gt_query_may_match(&f, gt_bytes_str("http:\\/"), ""));
	assert_true(gt_query_may_match(&f, (struct gt_bytes){0}, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(arguments),
	        cmocka_unit_test(values),
	        cmocka_unit_test(documents),
	        cmocka_unit_test(what_was_taken),
	        cmocka_unit_test(by_verb_activity_registration),
	        cmocka_unit_test(by_agent),
	        cmocka_unit_test(targets),
	};
	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
