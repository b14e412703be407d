/* u_statement.c: what is a statement, which are the same, how one is given
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "json.h"
#include "nomem.h"
#include "statement.h"
#include "xapi.h"

/* Statements are written with ' for ", and with $A $V $O for a plain actor,
 * verb and object, $I for a UUID, $L for an actor's identifier. */
static const char *const brief[][2] = {
        {"$A", "'actor':{'mbox':'mailto:a@b.cn'}"},
        {"$V", "'verb':{'id':'http://v/did'}"},
        {"$O", "'object':{'id':'http://o/1'}"},
        {"$I", "12345678-1234-4234-8234-1234567890aB"},
        {"$L", "'mbox':'mailto:a@b.cn'"},
};

static char text[8192];

static const char *expand(const char *in)
{
	size_t n = 0;
	for (; *in; in++) {
		const char *put = NULL;
		for (size_t i = 0; *in == '$' && i < 5; i++)
			if (in[1] == brief[i][0][1])
				put = brief[i][1];
		if (put) {
			gt_format(text + n, sizeof text - n, "%s", put);
			n += strlen(put);
			in++;
		} else {
			text[n++] = *in;
		}
		assert_true(n + 100 < sizeof text);
	}
	text[n] = '\0';
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	return text;
}

static const uint8_t ids[4][GT_UUID_BYTES] = {{1}, {2}, {3}, {4}};
static struct gt_statement out[8];
static char why[300];

static int parse_as(enum gt_xapi_version version, const char *in)
{
	return gt_statements_parse(gt_bytes_str(expand(in)), version, ids, 4,
	                           out, 8, why, sizeof why);
}

static int parse(const char *in)
{
	return parse_as(GT_XAPI_ANY, in);
}

#define WITH(more)    "{$A,$V,$O," more "}"
#define CONTEXT(more) WITH("'context':{" more "}")
#define RESULT(more)  WITH("'result':{" more "}")
#define ACTOR(more)   "{'actor':{" more "},$V,$O}"
#define OBJECT(more)  "{$A,$V,'object':{" more "}}"
#define DEFINE(more)  OBJECT("'id':'http://o/1','definition':{" more "}")
#define SUB(more)     OBJECT("'objectType':'SubStatement'," more)
#define KIND                                                           \
	"'usageType':'http://u/1','display':{'en':'x'},'contentType':" \
	"'text/plain;charset=utf-8'"
#define SHA2      \
	"'sha2':" \
	"'495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a'"
#define ATTACH KIND ",'length':3," SHA2
#define VOID   "'verb':{'id':'http://adlnet.gov/expapi/verbs/voided'}"

static const char *const valid[] = {
        /* of H5P, which cannot say how well a text was read */
        RESULT("'score':{'min':0,'max':0,'raw':0}"),
        RESULT("'response':'a\\u0000b','extensions':{'x:y':{'\\u0000':1}}"),
        "{$A,$V,$O}",
        " {$A,$V,$O}\n",
        WITH("'id':'$I','version':'1.0.3','stored':'2026-11-22T22:27:37Z',"
             "'timestamp':'2026-11-22T22:27:37.123+08:00'"),
        WITH("'version':'2.0.0'"),
        WITH("'authority':{$L}"),
        WITH("'authority':{'objectType':'Group','member':[{$L},{$L}]}"),
        WITH("'attachments':[{" ATTACH "}]"),
        WITH("'attachments':[{" ATTACH ",'fileUrl':'https://f/1'}]"),
        ACTOR("'objectType':'Agent','name':'x','openid':'http://me/'"),
        ACTOR("'account':{'homePage':'http://h/','name':'17'}"),
        ACTOR("'mbox_sha1sum':'ebd31e95054c018b10727ccffd2ef2ec3a016ee9'"),
        ACTOR("'objectType':'Group','member':[{$L}]"),
        ACTOR("'objectType':'Group',$L"),
        ACTOR("'objectType':'Group',$L,'member':[]"),
        "{$A,'verb':{'id':'http://v/1','display':{'zh-Hans-CN':'x'}},$O}",
        OBJECT("'objectType':'Agent',$L"),
        OBJECT("'objectType':'Group',$L"),
        OBJECT("'objectType':'StatementRef','id':'$I'"),
        OBJECT("'objectType':'Activity','id':'urn:x:1'"),
        SUB("$A,$V,$O"),
        SUB("$A,$V,$O,'result':{},'context':{'platform':'x'},'timestamp':"
            "'2026-11-22T22:27:37Z','attachments':[{" ATTACH "}]"),
        SUB("$A,$V,'object':{'objectType':'StatementRef','id':'$I'}"),
        "{$A," VOID ",'object':{'objectType':'StatementRef','id':'$I'}}",
        DEFINE("'name':{'en':'n'},'description':{},'type':'http://t/1',"
               "'moreInfo':'http://m/','extensions':{'http://e/':null}"),
        DEFINE("'interactionType':'choice','correctResponsesPattern':['a'],"
               "'choices':[{'id':'a','description':{'en':'A'}},{'id':'b'}]"),
        DEFINE("'interactionType':'matching','source':[],'target':[]"),
        RESULT("'score':{'scaled':-1,'raw':5,'min':0,'max':10},"
               "'success':true,'completion':false,'response':'',"
               "'duration':'PT16.559S','extensions':{'x:y':{'a':[null]}}"),
        CONTEXT("'registration':'$I','instructor':{$L},'team':"
                "{'objectType':'Group',$L},'revision':'1','platform':'p',"
                "'language':'zh-CN','statement':{'objectType':"
                "'StatementRef','id':'$I'},'extensions':{}"),
        CONTEXT("'contextActivities':{'parent':{'id':'http://p/'},"
                "'grouping':[{'id':'http://p/'}],'category':[],'other':"
                "[{'id':'http://q/'}]}"),
        CONTEXT("'contextAgents':[{'objectType':'contextAgent','agent':"
                "{$L},'relevantTypes':['http://t/']}],'contextGroups':"
                "[{'objectType':'contextGroup','group':{'objectType':"
                "'Group',$L}}]"),
        CONTEXT("'contextAgents':[{'agent':{$L},'relevantTypes':['x:y',"
                "'x:z']}]"),
        WITH("'version':'2.0.0','context':{'contextAgents':[],"
             "'contextGroups':[]}"),
        WITH("'attachments':[{" KIND ",'length':0," SHA2 "}]"),
        DEFINE("'interactionType':'sequencing','choices':[]"),
        DEFINE("'interactionType':'likert','scale':[{'id':'a'}]"),
        DEFINE("'interactionType':'performance','steps':[{'id':'a'}]"),
        DEFINE("'interactionType':'true-false'"),
        RESULT("'score':{'scaled':1}"),
        RESULT("'score':{'raw':0,'min':0}"),
        RESULT("'score':{'raw':10,'max':10}"),
        RESULT("'score':{'raw':-5}"),
        RESULT("'score':{'raw':5}"),
        RESULT("'score':{'min':5}"),
        RESULT("'score':{'max':-5}"),
        "{$A,$V,'object':{'objectType':'Activity','id':'x:y'},'context':"
        "{'revision':'1','platform':'p'}}",
        "{$A,$V,'object':{'objectType':'Agent',$L},'context':{'language':"
        "'en'}}",
};

static void accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
		int n = parse(valid[i]);
		if (n != 1)
			print_error("%s: %s\n", valid[i], why);
		assert_int_equal(n, 1);
		assert_string_equal(why, "");
	}
}

/* A statement, and the property its refusal names. */
static const char *const invalid[][2] = {
        {"{$V,$O}", "actor: is missing"},
        {"{$A,$O}", "verb: is missing"},
        {"{$A,$V}", "object: is missing"},
        {WITH("'extra':1"), "extra: no such property"},
        {ACTOR("$L,'x':1"), "actor.x: no such"},
        {ACTOR("'objectType':'Group',$L,'x':1"), "actor.x: no such"},
        {ACTOR("'account':{'homePage':'http://h/','name':'x','x':1}"),
         "actor.account.x: no such"},
        {"{$A,'verb':{'id':'x:y','x':1},$O}", "verb.x: no such"},
        {OBJECT("'objectType':'StatementRef','id':'$I','x':1"),
         "object.x: no such"},
        {SUB("$A,$V,$O,'x':1"), "object.x: no such"},
        {DEFINE("'x':1"), "object.definition.x: no such"},
        {DEFINE("'interactionType':'choice','choices':[{'id':'a','x':1}]"),
         "object.definition.choices[0].x: no such"},
        {RESULT("'x':1"), "result.x: no such"},
        {RESULT("'score':{'x':1}"), "result.score.x: no such"},
        {CONTEXT("'x':1"), "context.x: no such"},
        {CONTEXT("'contextAgents':[{'x':1}]"),
         "context.contextAgents[0].x: no such"},
        {CONTEXT("'contextGroups':[{'x':1}]"),
         "context.contextGroups[0].x: no such"},
        {WITH("'id':'1234'"), "id: not a UUID"},
        {WITH("'id':'12345678-1234-4234-8234-1234567890ag'"), "id: not a"},
        {WITH("'id':'12345678-1234-4234-8234-1234567890abc'"), "id: not a"},
        {WITH("'id':7"), "id: must be a string"},
        {WITH("'id':null"), "id: must not be null"},
        {WITH("'version':'0.9'"), "version: not an xAPI version"},
        {WITH("'version':'1.0.'"), "version: not an xAPI version"},
        {WITH("'timestamp':'yesterday'"), "timestamp: not an ISO"},
        {WITH("'timestamp':'2026-11-22T22:27:37-00:00'"), "timestamp: not"},
        {WITH("'stored':'x'"), "stored: not an ISO"},
        {WITH("'authority':{'objectType':'Group','member':[{$L}]}"),
         "authority: as a group"},
        {WITH("'authority':{'objectType':'Group',$L,'member':[{$L},{$L}]}"),
         "authority: as a group"},
        {WITH("'attachments':{}"), "attachments: must be an array"},
        {WITH("'attachments':[{" ATTACH "},{}]"),
         "attachments[1].usageType: is missing"},
        {WITH("'attachments':[{" ATTACH ",'x':1}]"), "attachments[0].x: no"},
        {WITH("'attachments':[{" KIND ",'length':-1," SHA2 "}]"),
         "attachments[0].length: must be a whole number"},
        {WITH("'attachments':[{" KIND ",'length':1.5," SHA2 "}]"),
         "attachments[0].length: must be a whole number"},
        {WITH("'attachments':[{" KIND ",'length':'3'," SHA2 "}]"),
         "attachments[0].length: must be a number"},
        {WITH("'attachments':[{" KIND ",'length':3,'sha2':'495395'}]"),
         "attachments[0].sha2: not a SHA-2"},
        {WITH("'attachments':[{'contentType':'text'}]"),
         "attachments[0].contentType: not a media type"},
        {WITH("'attachments':[null]"), "attachments[0]: must not be null"},
        {WITH("'authority':{'objectType':'Group','member':[{$L},{$L},{$L}]}"),
         "authority: as a group"},
        {WITH("'authority':{}"), "authority: must have exactly one"},
        {WITH("'authority':{'objectType':'Group','member':[{$L},{}]}"),
         "authority.member[1]: must have exactly one"},
        {"{'actor':[],$V,$O}", "actor: must be an object"},
        {ACTOR(""), "actor: must have exactly one"},
        {ACTOR("$L,'openid':'http://me/'"), "actor: must have exactly one"},
        {ACTOR("$L,'member':[]"), "actor.member: no such"},
        {ACTOR("$L,'objectType':'Person'"), "actor.objectType: must be"},
        {ACTOR("'mbox':'a@b.cn'"), "actor.mbox: not mailto"},
        {ACTOR("'mbox':'mailto:a b@c.cn'"), "actor.mbox: not mailto"},
        {ACTOR("'mbox':'mailto:ab'"), "actor.mbox: not mailto"},
        {ACTOR("'mbox_sha1sum':'ebd3'"), "actor.mbox_sha1sum: not 40"},
        {ACTOR("'openid':'me'"), "actor.openid: not an absolute IRI"},
        {ACTOR("'account':{'name':'x'}"), "actor.account.homePage: is m"},
        {ACTOR("'account':{'homePage':'http://h/'}"), "actor.account.name: "},
        {ACTOR("'account':{'homePage':'h','name':'x'}"),
         "actor.account.homePage: not"},
        {ACTOR("'name':1,$L"), "actor.name: must be a string"},
        {ACTOR("'objectType':'Group'"), "actor.member: is missing"},
        {ACTOR("'objectType':'Group','member':[]"), "actor.member: is mis"},
        {ACTOR("'objectType':'Group',$L,'openid':'x:y'"), "actor: must have"},
        {ACTOR("'objectType':'Group','member':[{$L},{'objectType':'Group',"
               "$L}]"),
         "actor.member[1].objectType: must be"},
        {"{$A,'verb':{'display':{}},$O}", "verb.id: is missing"},
        {"{$A,'verb':{'id':'did'},$O}", "verb.id: not an absolute IRI"},
        {"{$A,'verb':{'id':'x:y','display':{'not a tag':'x'}},$O}",
         "verb.display.not a tag: not a language"},
        {"{$A,'verb':{'id':'x:y','display':{'en':1}},$O}",
         "verb.display.en: must be a string"},
        {"{$A,'verb':{'id':'x:y','display':'did'},$O}",
         "verb.display: must be an object"},
        {"{$A,$V,'object':'http://o/1'}", "object: must be an object"},
        {OBJECT("'objectType':'Thing','id':'x:y'"), "object.objectType: not"},
        {OBJECT("'objectType':7,'id':'x:y'"), "object.objectType: not"},
        {OBJECT("'objectType':'Agent'"), "object: must have exactly one"},
        {OBJECT("'objectType':'Group'"), "object.member: is missing"},
        {OBJECT("'objectType':'Activity'"), "object.id: is missing"},
        {OBJECT("'id':'o'"), "object.id: not an absolute IRI"},
        {OBJECT("'id':'x:y','name':'x'"), "object.name: no such"},
        {OBJECT("'objectType':'StatementRef'"), "object.id: is missing"},
        {OBJECT("'objectType':'StatementRef','id':'x:y'"), "object.id: not"},
        {"{$A," VOID ",$O}", "object.objectType: must be \"StatementRef\""},
        {"{$A," VOID ",'object':{'objectType':'Agent',$L}}",
         "object.objectType: must be \"StatementRef\""},
        {SUB("$A," VOID ",$O"),
         "object.object.objectType: must be \"StatementRef\""},
        {"{$A,$V,'object':{'objectType':'StatementRef','id':'$I'},"
         "'context':{'platform':'p'}}",
         "context.platform: only"},
        {SUB("$A,$V"), "object.object: is missing"},
        {SUB("$A,$V,'object':7"), "object.object: must be an object"},
        {SUB("$A,$V,$O,'id':'$I'"), "object.id: no such"},
        {SUB("$A,$V,$O,'stored':'2026-11-22T22:27:37Z'"), "object.stored: "},
        {SUB("$A,$V,$O,'version':'1.0.0'"), "object.version: no such"},
        {SUB("$A,$V,$O,'authority':{$L}"), "object.authority: no such"},
        {SUB("$A,$V,'object':{'objectType':'SubStatement',$A,$V,$O}"),
         "object.object.objectType: not"},
        {SUB("$A,$V,'object':{'objectType':'Agent',$L},'context':"
             "{'platform':'p'}"),
         "object.context.platform: only"},
        {DEFINE("'name':'n'"), "object.definition.name: must be an object"},
        {DEFINE("'type':'t'"), "object.definition.type: not"},
        {DEFINE("'moreInfo':'t'"), "object.definition.moreInfo: not"},
        {DEFINE("'extensions':{'e':1}"), "object.definition.extensions.e: "},
        {DEFINE("'interactionType':'guess'"),
         "object.definition.interactionType: not"},
        {DEFINE("'correctResponsesPattern':['a']"),
         "object.definition.interactionType: is missing"},
        {DEFINE("'interactionType':'choice','scale':[]"),
         "object.definition.scale: does not go"},
        {DEFINE("'interactionType':'likert','choices':[]"),
         "object.definition.choices: does not go"},
        {DEFINE("'interactionType':'choice','source':[]"),
         "object.definition.source: does not go"},
        {DEFINE("'interactionType':'choice','target':[]"),
         "object.definition.target: does not go"},
        {DEFINE("'interactionType':'choice','steps':[]"),
         "object.definition.steps: does not go"},
        {DEFINE("'choices':[]"), "object.definition.choices: does not go"},
        {DEFINE("'interactionType':'choice','choices':{}"),
         "object.definition.choices: must be an array"},
        {DEFINE("'interactionType':'choice','choices':[{'id':'a'},{'id':"
                "'b'},{'id':'c'},{'id':'b'}]"),
         "object.definition.choices: has the same id"},
        {DEFINE("'interactionType':'choice','choices':[{'id':'a'},{'id':"
                "'a'}]"),
         "object.definition.choices: has the same id"},
        {DEFINE("'interactionType':'choice','choices':[{}]"),
         "object.definition.choices[0].id: is missing"},
        {RESULT("'score':{'scaled':1.01}"), "result.score.scaled: must lie"},
        {RESULT("'score':{'scaled':-1.01}"), "result.score.scaled: must lie"},
        {RESULT("'score':{'scaled':'1'}"), "result.score.scaled: must be a"},
        {RESULT("'score':{'min':'5'}"), "result.score.min: must be a number"},
        {RESULT("'score':{'max':'5'}"), "result.score.max: must be a number"},
        {RESULT("'score':{'min':6,'max':5}"),
         "result.score.min: must not be more"},
        {RESULT("'score':{'raw':'5'}"), "result.score.raw: must be a number"},
        {RESULT("'score':{'raw':5,'min':6}"), "result.score.raw: must not be"},
        {RESULT("'score':{'raw':5,'max':4}"), "result.score.raw: must not be"},
        {RESULT("'score':5"), "result.score: must be an object"},
        {RESULT("'success':'true'"), "result.success: must be true"},
        {RESULT("'completion':1"), "result.completion: must be true"},
        {RESULT("'response':5"), "result.response: must be a string"},
        {RESULT("'duration':'5 min'"), "result.duration: not an ISO"},
        {RESULT("'extensions':{'a b':1}"), "result.extensions.a b: not"},
        {CONTEXT("'registration':'7'"), "context.registration: not a UUID"},
        {CONTEXT("'instructor':{}"), "context.instructor: must have"},
        {CONTEXT("'team':{$L}"), "context.team.objectType: is missing"},
        {CONTEXT("'language':'zh_CN'"), "context.language: not a language"},
        {CONTEXT("'statement':{'id':'$I'}"),
         "context.statement.objectType: is missing"},
        {CONTEXT("'contextActivities':{'mother':[]}"),
         "context.contextActivities.mother: no such"},
        {CONTEXT("'contextActivities':{'parent':[{'id':'x'}]}"),
         "context.contextActivities.parent[0].id: not"},
        {CONTEXT("'contextActivities':{'parent':{'objectType':'Agent',"
                 "'id':'x:y'}}"),
         "context.contextActivities.parent.objectType: must"},
        {CONTEXT("'contextAgents':[{'agent':{$L},'relevantTypes':[]}]"),
         "context.contextAgents[0].relevantTypes: must not be empty"},
        {CONTEXT("'contextAgents':[{'agent':{$L},'relevantTypes':['x:y',"
                 "'z']}]"),
         "context.contextAgents[0].relevantTypes[1]: not an absolute"},
        {CONTEXT("'contextGroups':[{'group':{$L}}]"),
         "context.contextGroups[0].group.objectType: is missing"},
        {"{$A,$V,'object':{'objectType':'Agent',$L},'context':"
         "{'revision':'1'}}",
         "context.revision: only"},
        {"{$A,$V,$O,'context':null}", "context: must not be null"},
        {"{$A,$A,$V,$O}", "not JSON: duplicate"},
        {"{$A,$V,$O", "not JSON"},
        {"{$A,$V,$O}}", "not JSON"},
        {WITH("'result':{'score':{'raw':1e999}}"), "not JSON"},
        {"17", "must be an object"},
        {"'\\\xde\xb3\xb3\xa1'", "not JSON"},
        {"", "not JSON"},
        {WITH("'result':{'response':'\xff'}"), "not JSON"},
        {WITH("'result':{'score':{'raw':1e999}}"), "not JSON"},
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) {
		char want[200];
		int n = parse(invalid[i][0]);
		gt_copy(want, sizeof want, invalid[i][1]);
		if (n != -GT_EINVALID || strncmp(why, want, strlen(want)) != 0)
			print_error("%s\n  %d %s\n", invalid[i][0], n, why);
		assert_int_equal(n, -GT_EINVALID);
		assert_memory_equal(why, want, strlen(want));
	}
}

/* The request's version judges, whatever the body says its own is. */
static void versions(void **state)
{
	static const char *const says[] = {"", "'version':'1.0.3',",
	                                   "'version':'2.0.0',"};
	static const char *const has[] = {"contextAgents", "contextGroups"};
	char in[300], want[160];
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		gt_format(in, sizeof in, "{%s$A,$V,$O,'context':{'%s':[]}}",
		          says[i % 3], has[i / 3]);
		gt_format(want, sizeof want,
		          "context.%s: no such property in xAPI 1.0; send "
		          "X-Experience-API-Version: 2.0.0",
		          has[i / 3]);
		assert_int_equal(parse(in), 1);
		assert_int_equal(parse_as(GT_XAPI_2, in), 1);
		assert_int_equal(parse_as(GT_XAPI_1, in), -GT_EINVALID);
		assert_string_equal(
		        why, i % 3 < 2 ? want
		                       : "version: not an xAPI version 1.0.x, "
		                         "which the request is of");
	}
}

/* What stands alone: who vouches, and whom a question is about. */
static void alone(void **state)
{
	static const struct {
		enum gt_xapi_kind kind;
		const char *in, *why; /* NULL: taken */
	} row[] = {
	        {GT_XAPI_AGENT, "{$L}", NULL},
	        {GT_XAPI_AGENT, " {$L} ", NULL},
	        {GT_XAPI_AGENT, "{$L}x", "not JSON"},
	        {GT_XAPI_AGENT, "{$L", "not JSON"},
	        {GT_XAPI_AGENT, "", "not JSON"},
	        {GT_XAPI_AGENT, "null", "must be an object"},
	        {GT_XAPI_AGENT, "[{$L}]", "must be an object"},
	        {GT_XAPI_AGENT, "{'mbox':7}", "mbox: must be a string"},
	        {GT_XAPI_AGENT, "{'objectType':'Group',$L}",
	         "objectType: must be \"Agent\""},
	        {GT_XAPI_ACTOR, "{'objectType':'Group',$L}", NULL},
	        {GT_XAPI_ACTOR, "{'objectType':'Group','member':[{$L}]}",
	         "must have exactly one of"},
	        {GT_XAPI_AUTHORITY, "{$L}", NULL},
	        {GT_XAPI_AUTHORITY,
	         "{'objectType':'Group','member':[{$L},{$L}]}", NULL},
	        {GT_XAPI_AUTHORITY, "{'objectType':'Group','member':[{$L}]}",
	         "as a group must be"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		int rc = gt_xapi_check_text(gt_bytes_str(expand(row[i].in)),
		                            row[i].kind, GT_XAPI_1, why,
		                            sizeof why);
		assert_int_equal(rc, row[i].why ? -GT_EINVALID : 0);
		if (row[i].why)
			assert_memory_equal(why, row[i].why,
			                    strlen(row[i].why));
	}
}

/* A refusal is text, and keeps what was. */
static void quoted(void **state)
{
	(void)state;
	assert_int_equal(parse("{\xe6\x89\x8b}"), -GT_EINVALID);
	assert_non_null(strstr(why, "a character is not expected there"));
	assert_int_equal(parse("'\\\xde\xb3\xb3\xa1'"), -GT_EINVALID);
	assert_non_null(strstr(why, "not JSON: "));
	assert_null(strstr(why, "near"));
}

/* A name that somebody made up is shown up to its 100th byte. */
static void long_names(void **state)
{
	char in[200], want[200];
	(void)state;
	for (int n = 99; n <= 101; n++) {
		gt_format(in, sizeof in, "{$A,$V,$O,'%0*d':1}", n, 7);
		gt_format(want, sizeof want,
		          "%0*d: no such property in xAPI; what is your own "
		          "goes into extensions",
		          n < 100 ? n : 100, n > 100 ? 0 : 7);
		assert_int_equal(parse(in), -GT_EINVALID);
		assert_string_equal(why, want);
	}
}

/* The strings that must have a form: these have it, those have not. */
static void texts(void **state)
{
#define HEX8  "0123abCD"
#define HEX40 HEX8 HEX8 HEX8 HEX8 HEX8
#define HEX56 HEX40 HEX8 HEX8
	static const struct {
		bool (*is)(const char *);
		const char *good[12], *bad[20];
	} row[] = {
	        {gt_xapi_is_uuid,
	         {"12345678-1234-4234-8234-1234567890aB"},
	         {"", "1234567-1234-4234-8234-1234567890ab",
	          "123456789-1234-4234-8234-1234567890ab",
	          "12345678-123-4234-8234-1234567890ab",
	          "12345678-1234-423-8234-1234567890ab",
	          "12345678-1234-4234-823-1234567890ab",
	          "12345678-1234-4234-8234-1234567890a",
	          "12345678-1234-4234-8234-1234567890abc",
	          "12345678-1234-4234-8234-1234567890ab-",
	          "12345678-1234-4234-8234-1234567890ag",
	          "12345678-1234-4234-8234", "12345678:1234-4234-8234-"}},
	        {gt_xapi_is_iri,
	         {"a:b", "Z+-.9:/", "x:!", "x:~", "x::", "x:\xe6\x89\x8b"},
	         {"", "a", "a:", ":b", "9a:b", "+a:b", "a_b:c", "a:b c",
	          "a:\x1f", "a:b\x7f", "a:<", "a:>", "a:\"", "a:{", "a:}",
	          "a:|", "a:\\", "a:^", "a:`b"}},
	        {gt_xapi_is_language,
	         {"en", "EN", "zh-Hans-CN", "abcdefgh", "ab-12345678", "en-a",
	          "x-y", "X-y", "i-klingon", "I-b"},
	         {"", "e", "x", "i", "abcdefghi", "e-n", "en-", "en--a", "-en",
	          "en-123456789", "en_US", "en-a b", "en ", "1a", "en-U_S"}},
	        {gt_xapi_is_mailto,
	         {"mailto:a@b", "mailto:a@b@c"},
	         {"", "mailto:", "mailto:ab", "mailto:@b", "mailto:a@",
	          "mailto:a@b@", "Mailto:a@b", "mailt:a@b", "mailto a@b",
	          "mailto:a b@c", "a@b"}},
	        {gt_xapi_is_sha1,
	         {HEX40},
	         {"", HEX8 HEX8 HEX8 HEX8 "0123abC", HEX40 "0", HEX40 "g",
	          HEX8 HEX8 HEX8 HEX8 "0123abCg"}},
	        {gt_xapi_is_sha2,
	         {HEX56, HEX56 HEX8, HEX56 HEX40, HEX56 HEX56 HEX8 HEX8},
	         {"", HEX40, HEX56 "0", HEX56 HEX8 "0", HEX56 HEX40 "0",
	          HEX56 HEX56 HEX8 HEX8 "0", HEX56 "0123abC",
	          HEX56 HEX8 HEX8 HEX8 HEX8 "0123abC", HEX56 HEX56 HEX8,
	          HEX56 "0123abCg", HEX40 HEX8 "0123abC"}},
	        {gt_xapi_is_media_type,
	         {"a/b", "text/plain", "text/plain;charset=x", "text/plain ;x",
	          "application/vnd.x+json"},
	         {"", "a", "/b", "a/", "a/;x", "a/ b", "a b/c", "a/b,c",
	          "a/b/c", "/"}},
	        {gt_xapi_is_version,
	         {"1.0", "2.0", "1.0.3", "2.0.10"},
	         {"", "1", "1.", "0.9", "3.0", "1.1", "1x0", "1.0.", "1.0.x",
	          "1.0.3x", "1.0x", "1.0-3", "1.0.3.1", "2.1.0", "1.03"}},
	        {gt_xapi_is_time,
	         {"2026-11-22T22:27:37Z"},
	         {"", "2026-11-22", "2026-13-22T22:27:37Z"}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const char *const *s;
		for (s = row[i].good; *s; s++)
			if (!row[i].is(*s))
				fail_msg("%zu: %s", i, *s);
		for (s = row[i].bad; *s; s++)
			if (row[i].is(*s))
				fail_msg("%zu: not %s", i, *s);
	}
}

/* ---------------------------------------------------------- batches */

static void slices(void **state)
{
	static const char *const body[] = {
	        "{ $A ,\n$V,$O, 'result':{'response':'}],[{\\\\'}}",
	        "{$A,$V,$O,'id':'$I', 'timestamp' : '2026-11-22T22:27:37Z'}",
	        "{$A," VOID ",'object':{'objectType':'StatementRef','id':'$I'},"
	        "'authority':{$L}}"};
	char all[2000], each[3][700];
	static const uint8_t id[GT_UUID_BYTES] = {
	        0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0x42, 0x34,
	        0x82, 0x34, 0x12, 0x34, 0x56, 0x78, 0x90, 0xab};
	(void)state;
	for (size_t i = 0; i < 3; i++)
		gt_copy(each[i], sizeof each[i], expand(body[i]));
	gt_format(all, sizeof all, " [ %s\t,%s , %s]\r\n", each[0], each[1],
	          each[2]);
	int n = gt_statements_parse(gt_bytes_str(all), GT_XAPI_ANY, ids, 4, out,
	                            8, why, sizeof why);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(out[i].body.n, strlen(each[i]));
		assert_memory_equal(out[i].body.p, each[i], out[i].body.n);
		assert_true((const char *)out[i].body.p > all &&
		            (const char *)out[i].body.p < all + sizeof all);
		assert_string_equal(out[i].authority, "");
	}
	assert_memory_equal(out[0].id, ids[0], GT_UUID_BYTES);
	assert_memory_equal(out[1].id, id, GT_UUID_BYTES);
	assert_memory_equal(out[2].id, ids[2], GT_UUID_BYTES);
	assert_int_equal(out[1].flags, 0);
	assert_int_equal(out[2].flags, GT_STATEMENT_VOIDS);
	assert_memory_equal(out[2].target, id, GT_UUID_BYTES);
}

static void batches(void **state)
{
	static const struct {
		const char *in, *why;
		int rc;
	} row[] = {
	        {"[]", "", 0},
	        {"[{$A,$V,$O},{$A,$V}]", "statements[1].object: is missing",
	         -GT_EINVALID},
	        {"[{$A,$V,$O},7]", "statements[1]: must be an object",
	         -GT_EINVALID},
	        {"[{$A,$V,$O},[]]", "statements[1]: must be an object",
	         -GT_EINVALID},
	        {"[{$A,$V,$O},]", "statements[1]: not JSON", -GT_EINVALID},
	        {"[{$A,$V,$O} {$A,$V,$O}]", "statements[1]: not JSON",
	         -GT_EINVALID},
	        {"[{$A,$V,$O}]]", "statements[1]: not JSON", -GT_EINVALID},
	        {"[{$A,$V,$O,'id':'$I'},{$A,$V,$O,'id':"
	         "'12345678-1234-4234-8234-1234567890Ab'}]",
	         "statements[1]: its id is the same", -GT_EINVALID},
	        {"[{$A,$V,$O},{$A,$V,$O},{$A,$V,$O},{$A,$V,$O},{$A,$V,$O}]",
	         "statements[4]: no id", -GT_ELIMIT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_int_equal(parse(row[i].in), row[i].rc);
		assert_memory_equal(why, row[i].why, strlen(row[i].why));
	}
	assert_int_equal(
	        gt_statements_parse(
	                gt_bytes_str(expand("[{$A,$V,$O},{$A,$V,$O}]")),
	                GT_XAPI_ANY, ids, 4, out, 1, why, sizeof why),
	        -GT_ELIMIT);
}

static void too_long(void **state)
{
	size_t n = GT_STATEMENT_MAX + 1;
	char *big = malloc(n);
	(void)state;
	assert_non_null(big);
	memset(big, ' ', n);
	big[0] = '{';
	big[n - 1] = '}';
	assert_int_equal(gt_statements_parse(gt_bytes_of(big, n), GT_XAPI_ANY,
	                                     ids, 4, out, 8, why, sizeof why),
	                 -GT_ELIMIT);
	assert_string_equal(why, "too long");
	/* as long as may be */
	big[n - 2] = '}';
	assert_int_equal(gt_statements_parse(gt_bytes_of(big, n - 1),
	                                     GT_XAPI_ANY, ids, 4, out, 8, why,
	                                     sizeof why),
	                 -GT_EINVALID);
	assert_string_equal(why, "actor: is missing");
	free(big);
}

/* A refusal cut short is still UTF-8. */
static void cut(void **state)
{
	char tiny[64];
	(void)state;
	for (size_t cap = 16; cap < sizeof tiny; cap++) {
		expand(WITH("'\xe6\x89\x8b\xe6\x9c\xba\xe6\x89\x8b\xe6\x9c\xba"
		            "\xe6\x89\x8b\xe6\x9c\xba\xe6\x89\x8b':1"));
		assert_int_equal(gt_statements_parse(gt_bytes_str(text),
		                                     GT_XAPI_ANY, ids, 4, out,
		                                     8, tiny, cap),
		                 -GT_EINVALID);
		json_t *v = json_string(tiny);
		assert_non_null(v);
		json_decref(v);
	}
}

/* ------------------------------------------------------------ forms */

#define SHA_LOWER "0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd0123abcd"
#define SHA_UPPER "0123ABCD0123ABCD0123ABCD0123ABCD0123ABCD0123ABCD0123ABCD"

static const struct {
	const char *a, *b;
	bool same;
} forms[] = {
        {"{$A,$V,$O}", "{ $O,$V,\n$A}", true},
        {"{$A,$V,$O}",
         WITH("'id':'$I','version':'1.0.3','stored':'2026-11-22T22:27:37Z',"
              "'authority':{$L}"),
         true},
        {"{$A,$V,$O}", DEFINE("'name':{'en':'x'}"), true},
        {"{$A,$V,$O}", OBJECT("'id':'http://o/1','objectType':'Activity'"),
         true},
        {"{$A,$V,$O}", OBJECT("'id':'http://o/2'"), false},
        {"{$A,$V,$O}", ACTOR("$L,'objectType':'Agent'"), true},
        {"{$A,$V,$O}", ACTOR("$L,'name':'x'"), false},
        {"{$A,$V,$O}", ACTOR("'mbox':'mailto:A@b.cn'"), false},
        {"{$A,$V,$O}",
         "{$A,'verb':{'id':'http://v/did','display':{'en':'did'}},$O}", true},
        {"{$A,$V,$O}", WITH("'timestamp':'2026-11-22T22:27:37Z'"), false},
        {WITH("'timestamp':'2026-11-22T22:27:37Z'"),
         WITH("'timestamp':'2026-11-23T06:27:37.000+08:00'"), true},
        {WITH("'timestamp':'2026-11-22T22:27:37Z'"),
         WITH("'timestamp':'2026-11-22T22:27:37.001Z'"), false},
        {ACTOR("'objectType':'Group','member':[{$L},{'openid':'x:y'}]"),
         ACTOR("'objectType':'Group','member':[{'openid':'x:y',"
               "'objectType':'Agent'},{$L}]"),
         true},
        {ACTOR("'objectType':'Group','member':[{$L},{'openid':'x:y'}]"),
         ACTOR("'objectType':'Group','member':[{$L},{'openid':'x:z'}]"), false},
        {CONTEXT("'team':{'objectType':'Group','member':[{$L},{'openid':"
                 "'x:y'}]}"),
         CONTEXT("'team':{'objectType':'Group','member':[{'openid':'x:y'},"
                 "{$L}]}"),
         true},
        {ACTOR("'mbox_sha1sum':'ebd31e95054c018b10727ccffd2ef2ec3a016ee9'"),
         ACTOR("'mbox_sha1sum':'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'"),
         true},
        {CONTEXT("'registration':'$I','language':'zh-CN'"),
         CONTEXT("'registration':'12345678-1234-4234-8234-1234567890AB',"
                 "'language':'zh-cn'"),
         true},
        {CONTEXT("'contextActivities':{'parent':{'id':'x:y','definition':"
                 "{}}}"),
         CONTEXT("'contextActivities':{'parent':[{'id':'x:y'}]}"), true},
        {CONTEXT("'contextActivities':{'parent':[{'id':'x:y'},{'id':"
                 "'x:z'}]}"),
         CONTEXT("'contextActivities':{'parent':[{'id':'x:z'},{'id':"
                 "'x:y'}]}"),
         false},
        {ACTOR("'objectType':'Group','member':[{'objectType':'Agent',"
               "'mbox_sha1sum':'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'}]"),
         ACTOR("'objectType':'Group','member':[{"
               "'mbox_sha1sum':'ebd31e95054c018b10727ccffd2ef2ec3a016ee9'}]"),
         true},
        {ACTOR("'objectType':'Group','member':[{'openid':'x:c'},{'openid':"
               "'x:a'},{'openid':'x:b'},{'openid':'x:aa'}]"),
         ACTOR("'objectType':'Group','member':[{'openid':'x:aa'},{'openid':"
               "'x:b'},{'openid':'x:c'},{'openid':'x:a'}]"),
         true},
        {OBJECT("'objectType':'Agent','mbox_sha1sum':"
                "'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'"),
         OBJECT("'objectType':'Agent','mbox_sha1sum':"
                "'ebd31e95054c018b10727ccffd2ef2ec3a016ee9'"),
         true},
        {OBJECT("'objectType':'Group','member':[{$L},{'openid':'x:y'}]"),
         OBJECT("'objectType':'Group','member':[{'openid':'x:y'},{$L}]"), true},
        {CONTEXT("'instructor':{'objectType':'Agent',$L}"),
         CONTEXT("'instructor':{$L}"), true},
        {CONTEXT("'statement':{'objectType':'StatementRef','id':'$I'}"),
         CONTEXT("'statement':{'objectType':'StatementRef','id':"
                 "'12345678-1234-4234-8234-1234567890AB'}"),
         true},
        {CONTEXT("'contextActivities':{'grouping':{'id':'x:y'},'category':"
                 "[{'id':'x:y','objectType':'Activity'}],'other':[{'id':"
                 "'x:y'},{'id':'x:z','definition':{}}]}"),
         CONTEXT("'contextActivities':{'grouping':[{'id':'x:y'}],'category':"
                 "{'id':'x:y'},'other':[{'id':'x:y'},{'id':'x:z'}]}"),
         true},
        {CONTEXT("'contextAgents':[{'agent':{'objectType':'Agent',$L}}]"),
         CONTEXT("'contextAgents':[{'agent':{$L}}]"), true},
        {CONTEXT("'contextGroups':[{'group':{'objectType':'Group',"
                 "'member':[{$L},{'openid':'x:y'}]}}]"),
         CONTEXT("'contextGroups':[{'group':{'objectType':'Group',"
                 "'member':[{'openid':'x:y'},{$L}]}}]"),
         true},
        {WITH("'attachments':[{" KIND ",'length':3,'sha2':'" SHA_LOWER "'},"
              "{" KIND ",'length':3,'sha2':'" SHA_UPPER "'}]"),
         WITH("'attachments':[{" KIND ",'length':3,'sha2':'" SHA_UPPER "'},"
              "{" KIND ",'length':3,'sha2':'" SHA_LOWER "'}]"),
         true},
        {RESULT("'duration':'PT60S'"), RESULT("'duration':'PT1M'"), false},
        {RESULT("'score':{'raw':1}"), RESULT("'score':{'raw':1.0e0}"), true},
        {RESULT("'score':{'raw':1}"), RESULT("'score':{'raw':1.5}"), false},
        {RESULT("'success':true"), RESULT("'success':false"), false},
        {RESULT("'response':'\\u0041'"), RESULT("'response':'A'"), true},
        {RESULT("'extensions':{'x:y':'A'}"), RESULT("'extensions':{'x:y':'a'}"),
         false},
        {SUB("$A,$V,$O"),
         SUB("$A,'verb':{'id':'http://v/did','display':{}},'object':{'id':"
             "'http://o/1','definition':{}}"),
         true},
        {OBJECT("'objectType':'Agent',$L"), OBJECT("'objectType':'Group',$L"),
         false},
        {"{$A," VOID ",'object':{'objectType':'StatementRef','id':'$I'}}",
         "{$A," VOID ",'object':{'objectType':'StatementRef','id':"
         "'12345678-1234-4234-8234-1234567890AB'}}",
         true},
};

static void same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		assert_int_equal(parse(forms[i].a), 1);
		struct gt_id a = out[0].form;
		assert_int_equal(parse(forms[i].b), 1);
		if (gt_id_eq(&a, &out[0].form) != forms[i].same)
			print_error("%s\n%s\n", forms[i].a, forms[i].b);
		assert_int_equal(gt_id_eq(&a, &out[0].form), forms[i].same);
	}
}

/* Of two of one id: the same beyond their forms? Without a time, and with the
 * very one it was given; and what xAPI does not compare. */
static const struct {
	const char *a, *b;
	int64_t a_ms, b_ms;
	bool twins;
} pairs[] = {
        {"{$A,$V,$O}",
         WITH("'id':'$I','timestamp':'2026-11-22T22:27:37.120Z','stored':"
              "'2026-11-22T22:27:37.120Z','authority':{$L},'version':'1.0.0'"),
         1795386457120, 5, true},
        {"{$A,$V,$O}", WITH("'timestamp':'2026-11-23T06:27:37.12+08:00'"),
         1795386457120, 1795386457120, true},
        {"{$A,$V,$O}", WITH("'timestamp':'2026-11-22T22:27:37.121Z'"),
         1795386457120, 5, false},
        {"{$A,$V,'object':{'id':'http://o/2'}}",
         WITH("'timestamp':'2026-11-22T22:27:37.120Z'"), 1795386457120, 5,
         false},
        {WITH("'timestamp':'2026-11-22T22:27:37.120Z'"),
         WITH("'timestamp':'2026-11-22T22:27:37.12Z'"), 1, 2, true},
        {"{$A,$V,$O}", "{$A,$V,$O}", 7, 8, true},
        {WITH("'timestamp':'2026-11-22T22:27:37.120Z'"),
         WITH("'timestamp':'2026-11-22T22:27:37.121Z'"), 1, 2, false},
        /* the case of a tag in a map */
        {WITH("'attachments':[{" KIND ",'length':3,'sha2':'" SHA_LOWER
              "','description':{'en-US':'x','ZH':'y','en':'z'}}]"),
         WITH("'attachments':[{" KIND ",'length':3,'sha2':'" SHA_LOWER
              "','description':{'zh':'y','en':'z','EN-us':'x'}}]"),
         1, 2, true},
        {WITH("'attachments':[{" KIND ",'length':3,'sha2':'" SHA_LOWER
              "','description':{'en-US':'x'}}]"),
         WITH("'attachments':[{" KIND ",'length':3,'sha2':'" SHA_LOWER
              "','description':{'en-us':'X'}}]"),
         1, 2, false},
        /* what of a duration is below its hundredths */
        {RESULT("'duration':'P1DT12H36M0.1237S'"),
         RESULT("'duration':'P1DT12H36M0.12S'"), 1, 2, true},
        {RESULT("'duration':'PT1.009S'"), RESULT("'duration':'PT1S'"), 1, 2,
         true},
        {RESULT("'duration':'PT1,5S'"), RESULT("'duration':'PT1.50S'"), 1, 2,
         true},
        {RESULT("'duration':'PT1.13S'"), RESULT("'duration':'PT1.12S'"), 1, 2,
         false},
        {RESULT("'duration':'PT1.129M'"), RESULT("'duration':'PT1.12M'"), 1, 2,
         false},
        {RESULT("'duration':'PT60S'"), RESULT("'duration':'PT1M'"), 1, 2,
         false},
        /* what is none cannot be anyone's */
        {"[$A]", WITH("'timestamp':'2026-11-22T22:27:37.120Z'"), 1795386457120,
         5, false},
        {"{$A", "{$A,$V,$O}", 7, 7, false},
};

static void twins(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char a[1024];
		bool told = !pairs[i].twins;
		gt_copy(a, sizeof a, expand(pairs[i].a));
		struct gt_bytes one = gt_bytes_str(a),
		                other = gt_bytes_str(expand(pairs[i].b));
		assert_int_equal(gt_statement_twins(&told, one, pairs[i].a_ms,
		                                    other, pairs[i].b_ms),
		                 0);
		if (told != pairs[i].twins)
			print_error("%s\n%s\n", pairs[i].a, pairs[i].b);
		assert_int_equal(told, pairs[i].twins);
		/* whichever comes first */
		assert_int_equal(gt_statement_twins(&told, other, pairs[i].b_ms,
		                                    one, pairs[i].a_ms),
		                 0);
		assert_int_equal(told, pairs[i].twins);
	}
}

/* ------------------------------------------------------------ voids */

/* Who may void what: the same place and authority, or an operator above. */
static void who_may_void(void **state)
{
	static const struct {
		struct gt_voucher by, target;
		bool may;
	} row[] = {
	        {{"3301", "a", 2}, {"3301", "a", 0}, true},
	        {{"3301", "a", 0}, {"3301", "a", 2}, true},
	        {{"3301", "a", 2}, {"3301", "b", 2}, false},
	        {{"3301", "a", 2}, {"330106", "a", 2}, false},
	        {{"330106", "a", 2}, {"3301", "a", 2}, false},
	        {{"3301", "a", 6}, {"3301", "b", 2}, true},
	        {{"3301", "a", 6}, {"330106109", "b", 2}, true},
	        {{"33", "a", 6}, {"330106109", "b", 0}, true},
	        {{"330106", "a", 6}, {"3301", "b", 0}, false},
	        {{"330106", "a", 6}, {"330107", "b", 0}, false},
	        {{"330106", "a", 6}, {"330107", "a", 0}, false},
	        {{"330106-b", "a", 6}, {"330106", "b", 0}, false},
	        {{"330106-b", "a", 6}, {"330106-b", "b", 0}, true},
	        {{"330106", "a", 6}, {"330106-b", "b", 0}, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		assert_int_equal(
		        gt_statement_may_void(&row[i].by, &row[i].target),
		        row[i].may);
}

/* What is given out is the same statement when it comes back. */
static void given_out_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) {
		char kept[4096];
		bool told = true;
		assert_int_equal(parse(valid[i]), 1);
		gt_copy(kept, sizeof kept, text);
		struct gt_id form = out[0].form;
		char *given = gt_statement_render_at(
		        gt_bytes_str(kept), ids[0], 1795386457120,
		        "2026-11-22T22:27:37.999Z",
		        "{\"mbox\":\"mailto:lrs@b.cn\"}");
		assert_non_null(given);
		int n = gt_statements_parse(gt_bytes_str(given), GT_XAPI_ANY,
		                            ids, 4, out, 8, why, sizeof why);
		if (n != 1)
			print_error("%s\n%s\n", given, why);
		assert_int_equal(n, 1);
		if (!gt_id_eq(&form, &out[0].form)) {
			assert_int_equal(
			        gt_statement_twins(&told, gt_bytes_str(kept),
			                           1795386457120,
			                           gt_bytes_str(given), 9),
			        0);
			assert_true(told);
		}
		free(given);
	}
}

/* The hash is of these very bytes, as anybody can make them. */
static void form_bytes(void **state)
{
	static const char bytes[] =
	        "{\"actor\":{\"mbox\":\"mailto:a@b.cn\"},\"object\":{\"id\":"
	        "\"http://o/1\"},\"verb\":{\"id\":\"http://v/did\"}}";
	struct gt_id want;
	(void)state;
	gt_sha256_one(&want, bytes, sizeof bytes - 1);
	assert_int_equal(parse("{$A,$V,$O}"), 1);
	assert_memory_equal(&out[0].form, &want, sizeof want);
}

/* -------------------------------------------------------- rendering */

#define REST  ",'id':'','timestamp':'','version':''"
#define GIVEN ",'stored':'1970-01-01T00:00:02.000Z','authority':{'x':1}"

static void rendered(void **state)
{
	static const struct {
		const char *body, *want;
	} row[] = {
	        {"{}", "{'id':'01000000-0000-0000-0000-000000000000',"
	               "'timestamp':'1970-01-01T00:00:01.000Z','stored':"
	               "'1970-01-01T00:00:02.000Z','authority':{'x':1},"
	               "'version':'1.0.0'}"},
	        {" {'n':1.50e0 , 'big':123456789012345678901,'id' :'$I'}",
	         "{'n':1.50e0,'big':123456789012345678901,'id':'$I',"
	         "'timestamp':'1970-01-01T00:00:01.000Z','stored':"
	         "'1970-01-01T00:00:02.000Z','authority':{'x':1},"
	         "'version':'1.0.0'}"},
	        {"{'version':'2.0.0','stored':'old','\\u0069d':'x',"
	         "'authority':{},'timestamp':'then'}",
	         "{'version':'2.0.0','\\u0069d':'x','timestamp':'then',"
	         "'stored':'1970-01-01T00:00:02.000Z','authority':{'x':1}}"},
	        /* a single activity of a context is a list, wherever */
	        {"{'context' : { 'contextActivities':{'parent': {'id':1.50} ,"
	         "'grouping':[{}],'\\u0063ategory':{}}, 'x':{'parent':{}}},"
	         "'object':{'context':{'contextActivities':{'other':{}}},"
	         "'object':{'context':{'contextActivities':{'other':{}}}}},"
	         "'contextActivities':{'parent':{}}" REST "}",
	         "{'context':{'contextActivities':{'parent':[{'id':1.50}],"
	         "'grouping':[{}],'\\u0063ategory':[{}]},'x':{'parent':{}}},"
	         "'object':{'context':{'contextActivities':{'other':[{}]}},"
	         "'object':{'context':{'contextActivities':{'other':{}}}}},"
	         "'contextActivities':{'parent':{}}" REST GIVEN "}"},
	        /* version 1.0 has no such context */
	        {"{'context':{'contextGroups':[]},'id':'','timestamp':''}",
	         "{'context':{'contextGroups':[]},'id':'','timestamp':'',"
	         "'stored':'1970-01-01T00:00:02.000Z','authority':{'x':1},"
	         "'version':'2.0.0'}"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		char *got = gt_statement_render_at(
		        gt_bytes_str(expand(row[i].body)), ids[0], 1000,
		        "1970-01-01T00:00:02.000Z", "{\"x\":1}");
		assert_non_null(got);
		assert_string_equal(got, expand(row[i].want));
		free(got);
	}
	/* a row of an earlier program has its authority in the body */
	char *old = gt_statement_render_at(
	        gt_bytes_str(expand("{'authority':{}" REST "}")), ids[0], 0,
	        "1970-01-01T00:00:02.000Z", "");
	assert_string_equal(old, expand("{'authority':{}" REST
	                                ",'stored':'1970-01-01T00:00:02.000Z'"
	                                "}"));
	free(old);
	static const char *const nobody[] = {NULL, ""};
	for (size_t i = 0; i < 2; i++) {
		char *got = gt_statement_render_at(
		        gt_bytes_str("{\"n\":1}"), ids[0], 1000,
		        "1970-01-01T00:00:02.000Z", nobody[i]);
		assert_non_null(got);
		assert_string_equal(
		        got, expand("{'n':1,'id':'01000000-0000-0000-0000-"
		                    "000000000000','timestamp':"
		                    "'1970-01-01T00:00:01.000Z','stored':"
		                    "'1970-01-01T00:00:02.000Z','version':"
		                    "'1.0.0'}"));
		free(got);
	}
	static const char *const bad[] = {"",
	                                  "[]",
	                                  "{",
	                                  "{'a':1",
	                                  "{1:2}",
	                                  "{'a':1}x",
	                                  "{'a\n':1}",
	                                  "{'context':{1:2}}",
	                                  "{'object':{'a\n':1}}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_null(gt_statement_render_at(gt_bytes_str(expand(bad[i])),
		                                   ids[0], 0, "", ""));
}

static void uuids(void **state)
{
	uint8_t id[GT_UUID_BYTES];
	char back[GT_UUID_TEXT];
	(void)state;
	assert_true(gt_uuid_parse(id, "12345678-1234-4234-8234-1234567890aB"));
	gt_uuid_format(back, id);
	assert_string_equal(back, "12345678-1234-4234-8234-1234567890ab");
	assert_false(gt_uuid_parse(id, "12345678123442348234-1234567890ab"));
	assert_false(gt_uuid_parse(id, ""));
	/* what is none has left it as it was */
	gt_uuid_format(back, id);
	assert_string_equal(back, "12345678-1234-4234-8234-1234567890ab");
}

/* -------------------------------------------------------- no memory */

/* Something to allocate for each of the ways a statement is reduced. */
static const char *const rich[] = {
        WITH("'id':'$I','timestamp':'2026-11-23T06:27:37.000+08:00',"
             "'attachments':[{" KIND ",'length':3,'sha2':'" SHA_UPPER "'}]"),
        ACTOR("'objectType':'Group','member':[{'mbox_sha1sum':"
              "'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'},{$L}]"),
        ACTOR("'mbox_sha1sum':'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'"),
        OBJECT("'objectType':'Agent','mbox_sha1sum':"
               "'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'"),
        OBJECT("'objectType':'Group','member':[{$L},{'openid':'x:y'}]"),
        "{$A," VOID ",'object':{'objectType':'StatementRef','id':'$I'}}",
        SUB("$A,$V,$O,'context':{'registration':'$I','language':'zh-CN'}"),
        CONTEXT("'instructor':{'mbox_sha1sum':"
                "'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'},'statement':"
                "{'objectType':'StatementRef','id':'$I'},"
                "'contextActivities':{'parent':{'id':'x:y'}},"
                "'contextAgents':[{'agent':{'mbox_sha1sum':"
                "'EBD31E95054C018B10727CCFFD2EF2EC3A016EE9'}}],"
                "'contextGroups':[{'group':{'objectType':'Group','member':"
                "[{$L},{'openid':'x:y'}]}}]"),
};

static void no_memory_to_reduce(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rich / sizeof *rich; i++) {
		struct gt_id want, got;
		long held = nomem_held();
		assert_int_equal(parse(rich[i]), 1);
		want = out[0].form;
		for (size_t n = 0; nomem_each(&n);) {
			struct gt_buffer scratch = {0};
			struct gt_json_fault fault;
			const struct gt_json_node *v;
			struct gt_arena *arena = gt_arena_new();
			int rc =
			        arena ? gt_json_tree(&v, arena,
			                             gt_bytes_str(text), &fault)
			              : -GT_ENOMEM;
			if (rc == 0)
				rc = gt_form_hash(&got, v, arena, &scratch);
			bool hit = nomem_hit();
			assert_int_equal(rc, hit ? -GT_ENOMEM : 0);
			if (!hit)
				assert_true(gt_id_eq(&got, &want));
			gt_buffer_free(&scratch);
			gt_arena_free(arena);
			assert_int_equal(nomem_held(), held);
		}
	}
}

/* A text for which there is no memory is not one that is no JSON. */
static void no_memory_to_parse(void **state)
{
	static char longer[9000];
	(void)state;
	for (size_t i = 0; i <= sizeof rich / sizeof *rich; i++) {
		long held = nomem_held();
		struct gt_id want;
		const char *one = i > 0 ? rich[i - 1] : longer;
		size_t n = (size_t)snprintf(longer, sizeof longer,
		                            "{$A,$V,$O,'result':{'response':'");
		memset(longer + n, 'r', 4000);
		(void)snprintf(
		        longer + n + 4000, sizeof longer - n - 4000,
		        "'},'context':{'extensions':{'http://e/1234567890"
		        "1234567890':12345678901234567890}}}");
		assert_int_equal(parse(one), 1);
		want = out[0].form;
		for (n = 0; nomem_each(&n);) {
			int got = parse(one);
			bool hit = nomem_hit();
			assert_int_equal(got, hit ? -GT_ENOMEM : 1);
			if (!hit)
				assert_true(gt_id_eq(&out[0].form, &want));
			assert_int_equal(nomem_held(), held);
		}
	}
}

static void no_memory_to_render(void **state)
{
	(void)state;
	long held = nomem_held();
	expand(WITH("'timestamp':'2026-11-22T22:27:37Z','stored':'x'"));
	for (size_t n = 0; nomem_each(&n);) {
		char *got = gt_statement_render_at(
		        gt_bytes_str(text), ids[0], 1000,
		        "1970-01-01T00:00:02.000Z", "{\"x\":1}");
		assert_true(nomem_hit() == !got);
		free(got);
		assert_int_equal(nomem_held(), held);
	}
}

static void no_memory_for_twins(void **state)
{
	static const char a[] = "{\"n\":[1,{\"b\":2}]}";
	static const char b[] = "{\"n\":[1,{\"b\":2}],"
	                        "\"timestamp\":\"1970-01-01T00:00:01Z\"}";
	(void)state;
	long held = nomem_held();
	int last = 0;
	for (size_t n = 0; nomem_each(&n);) {
		bool told = true;
		int rc = gt_statement_twins(&told, gt_bytes_str(a), 1000,
		                            gt_bytes_str(b), 0);
		bool hit = nomem_hit();
		last = hit ? rc : last;
		assert_int_equal(rc, hit ? -GT_ENOMEM : 0);
		assert_int_equal(told, !hit);
		assert_int_equal(nomem_held(), held);
	}
	assert_int_equal(last, -GT_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(accepted),
	        cmocka_unit_test(refused),
	        cmocka_unit_test(versions),
	        cmocka_unit_test(alone),
	        cmocka_unit_test(slices),
	        cmocka_unit_test(batches),
	        cmocka_unit_test(too_long),
	        cmocka_unit_test(cut),
	        cmocka_unit_test(same),
	        cmocka_unit_test(twins),
	        cmocka_unit_test(no_memory_for_twins),
	        cmocka_unit_test(who_may_void),
	        cmocka_unit_test(given_out_and_back),
	        cmocka_unit_test(form_bytes),
	        cmocka_unit_test(rendered),
	        cmocka_unit_test(uuids),
	        cmocka_unit_test(quoted),
	        cmocka_unit_test(long_names),
	        cmocka_unit_test(texts),
	        cmocka_unit_test(no_memory_to_parse),
	        cmocka_unit_test(no_memory_to_reduce),
	        cmocka_unit_test(no_memory_to_render),
	};
	nomem_json();
	return cmocka_run_group_tests_name("statement", tests, NULL, NULL);
}
