/* u_tell.c: a statement whole, by its ids, in one language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "nomem.h"
#include "tell.h"

static const char *told(const char *in, enum gt_telling how,
                        const char *languages)
{
	static char out[4000];
	gt_copy(out, sizeof out, in);
	for (char *p = out; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	char *text = gt_tell(gt_bytes_str(out), how, languages);
	gt_copy(out, sizeof out, text ? text : "none");
	free(text);
	for (char *p = out; *p; p++)
		*p = *p == '"' ? '\'' : *p;
	return out;
}

#define IDS(in, want) assert_string_equal(told(in, GT_TELL_IDS, NULL), want)

static void whole(void **state)
{
	static const char text[] = "{ 'id' : 1.50 , 'actor':{'name':'x'}}";
	(void)state;
	assert_string_equal(told(text, GT_TELL_EXACT, "en"), text);
	assert_string_equal(told("[]", GT_TELL_EXACT, NULL), "none");
	assert_string_equal(told("{", GT_TELL_IDS, NULL), "none");
	assert_string_equal(told("{'actor':[1,}", GT_TELL_IDS, NULL), "none");
}

static void by_ids(void **state)
{
	(void)state;
	IDS("{'id':'i','actor':{'objectType':'Agent','name':'n','mbox':'m'},"
	    "'verb':{'id':'v','display':{'en':'d'}},'object':{'objectType':"
	    "'Activity','id':'o','definition':{'name':{'en':'n'}}},"
	    "'result':{'score':{'raw':1.50}},'stored':'s'}",
	    "{'id':'i','actor':{'mbox':'m'},'verb':{'id':'v'},"
	    "'object':{'id':'o'},'result':{'score':{'raw':1.50}},"
	    "'stored':'s'}");
	/* a group says that it is one; its members only where nothing else
	 * identifies it */
	IDS("{'actor':{'objectType':'Group','name':'g','account':{'homePage':"
	    "'h','name':'n'},'member':[{'mbox':'m','name':'x'}]}}",
	    "{'actor':{'objectType':'Group','account':{'homePage':'h',"
	    "'name':'n'}}}");
	IDS("{'actor':{'objectType':'Group','name':'g','member':[{'mbox':'m',"
	    "'name':'x'},{'name':'y','openid':'o','objectType':'Agent'}]}}",
	    "{'actor':{'objectType':'Group','member':[{'mbox':'m'},"
	    "{'openid':'o'}]}}");
	/* so does an agent where it is the object */
	IDS("{'object':{'name':'x','objectType':'Agent','mbox_sha1sum':'m'}}",
	    "{'object':{'objectType':'Agent','mbox_sha1sum':'m'}}");
	IDS("{'object':{'objectType':'StatementRef','id':'i'}}",
	    "{'object':{'objectType':'StatementRef','id':'i'}}");
	IDS("{'object':{'objectType':'SubStatement','actor':{'objectType':"
	    "'Agent','openid':'o','name':'x'},'verb':{'display':{},'id':'v'},"
	    "'object':{'id':'o','definition':{}}}}",
	    "{'object':{'objectType':'SubStatement','actor':{'openid':'o'},"
	    "'verb':{'id':'v'},'object':{'id':'o'}}}");
	IDS("{'authority':{'name':'x','mbox':'m'},'context':{'registration':"
	    "'r','instructor':{'name':'x','mbox':'m'},'team':{'objectType':"
	    "'Group','mbox':'m','name':'t'},'contextActivities':{'parent':["
	    "{'id':'a','definition':{}},{'id':'b','objectType':'Activity'}]},"
	    "'contextAgents':[{'objectType':'contextAgent','agent':{'name':"
	    "'n','mbox':'m'},'relevantTypes':['t']}],'contextGroups':[{"
	    "'group':{'objectType':'Group','mbox':'m','name':'x'}}],"
	    "'extensions':{'actor':{'name':'stays'}}}}",
	    "{'authority':{'mbox':'m'},'context':{'registration':'r',"
	    "'instructor':{'mbox':'m'},'team':{'objectType':'Group','mbox':"
	    "'m'},'contextActivities':{'parent':[{'id':'a'},{'id':'b'}]},"
	    "'contextAgents':[{'objectType':'contextAgent','agent':{'mbox':"
	    "'m'},'relevantTypes':['t']}],'contextGroups':[{'group':{"
	    "'objectType':'Group','mbox':'m'}}],'extensions':{'actor':{"
	    "'name':'stays'}}}}");
	/* names may be spelt with escapes */
	IDS("{'\\u0061ctor':{'n\\u0061me':'x','mb\\u006fx':'m'}}",
	    "{'\\u0061ctor':{'mb\\u006fx':'m'}}");
}

#define MAP "{'en-US':'u','zh-CN':'z','en-GB':'g','fr':'f'}"
#define SAID(map)                                                    \
	"{'verb':{'id':'v','display':" map "},'object':{'id':'o',"   \
	"'definition':{'name':" map ",'description':" map            \
	",'choices':[{'id':'c','description':" map "}],'scale':[{"   \
	"'description':" map "}],'source':[{'description':" map      \
	"}],'target':[{'description':" map "}],'steps':[{"           \
	"'description':" map "}]}},'context':{'contextActivities':{" \
	"'category':[{'definition':{'name':" map "}}]}},"            \
	"'attachments':[{'display':" MAP "}],'actor':{'name':'n'}}"
#define CANONICAL(languages, want)                                         \
	assert_string_equal(told(SAID(MAP), GT_TELL_CANONICAL, languages), \
	                    SAID(want))

static void by_language(void **state)
{
	(void)state;
	CANONICAL(NULL, "{'en-US':'u'}");
	CANONICAL("", "{'en-US':'u'}");
	CANONICAL("en-GB", "{'en-GB':'g'}");
	CANONICAL("EN-gb", "{'en-GB':'g'}");
	CANONICAL("en", "{'en-US':'u'}");
	CANONICAL("zh", "{'zh-CN':'z'}");
	CANONICAL("fr-CA", "{'fr':'f'}");
	CANONICAL("de, fr;q=0.5, zh-CN;q=0.8", "{'zh-CN':'z'}");
	CANONICAL("fr;q=0.5,zh-CN;q=0.55", "{'zh-CN':'z'}");
	CANONICAL("fr,zh-CN", "{'fr':'f'}");
	CANONICAL("de, *;q=0.1", "{'en-US':'u'}");
	CANONICAL("zh-CN;q=0, de", "{'en-US':'u'}");
	CANONICAL("z", "{'en-US':'u'}");
	CANONICAL(";;,, ;q=,q", "{'en-US':'u'}");
	assert_string_equal(
	        told("{'verb':{'display':{}}}", GT_TELL_CANONICAL, "en"),
	        "{'verb':{'display':{}}}");
	assert_string_equal(
	        told("{'verb':{'display':{'en':1,}}}", GT_TELL_CANONICAL, "en"),
	        "none");
}

static void without_memory(void **state)
{
	static const char text[] =
	        "{\"actor\":{\"n\\u0061me\":1,\"mbox\":\"m\"},\"verb\":"
	        "{\"display\":{\"en\":\"d\"}}}";
	(void)state;
	for (size_t n = 0; nomem_each(&n);) {
		char *text_told =
		        gt_tell(gt_bytes_str(text), GT_TELL_IDS, "en");
		bool short_of = nomem_hit();
		assert_true(short_of == (text_told == NULL));
		if (text_told)
			assert_string_equal(text_told,
			                    "{\"actor\":{\"mbox\":\"m\"},"
			                    "\"verb\":{}}");
		free(text_told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(whole),
	        cmocka_unit_test(by_ids),
	        cmocka_unit_test(by_language),
	        cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests_name("tell", tests, NULL, NULL);
}
