/* xapi_table.c: every object, property and type of xAPI, once: what it must be,
 * since which version, and what of it counts when two statements are compared.
 * Tests: u_statement.c, u_form.c. */
#include "xapi_table.h"

#include <string.h>

#include "iso8601.h"

enum {
	MUST = GT_PROP_MUST,
	GONE = GT_PROP_DROPPED,
	FIRST = 1 << GT_XAPI_1,
	SECOND = 1 << GT_XAPI_ANY | 1 << GT_XAPI_2,
};

/* ----------------------------------------------------------- leaves */

#define TEXT(name, test, how, not )                                  \
	static const struct gt_type name = {.shape = GT_SHAPE_TEXT,  \
	                                    .is = gt_xapi_is_##test, \
	                                    .form = how,             \
	                                    .what = not }

static const struct gt_type string = {.shape = GT_SHAPE_TEXT};
TEXT(uuid, uuid, GT_FORM_CASE,
     "not a UUID; write it as xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx in "
     "hexadecimal");
TEXT(iri, iri, GT_FORM_ALL,
     "not an absolute IRI; write it as http://example.org/name");
TEXT(language, language, GT_FORM_CASE,
     "not a language tag; write it as en or zh-CN");
TEXT(mbox, mailto, GT_FORM_ALL,
     "not mailto: and an address; write it as mailto:name@example.org");
TEXT(sha1, sha1, GT_FORM_CASE,
     "not 40 hexadecimal digits, which are the SHA-1 of mailto: and the "
     "address");
TEXT(sha2, sha2, GT_FORM_CASE,
     "not a SHA-2 digest in hexadecimal; it is that of the attachment's bytes");
TEXT(media_type, media_type, GT_FORM_ALL,
     "not a media type; write it as text/plain");
TEXT(timestamp, time, GT_FORM_TIME,
     "not an ISO 8601 time (RFC 3339); write it as 2026-11-22T22:27:37.123Z");
TEXT(version_any, version, GT_FORM_ALL, "not an xAPI version 1.0.x or 2.0.x");
TEXT(version_1, version_1, GT_FORM_ALL,
     "not an xAPI version 1.0.x, which the request is of");
TEXT(interaction_type, interaction, GT_FORM_ALL, "not an interaction type");
static const struct gt_type duration = {
        .shape = GT_SHAPE_TEXT,
        .is = gt_iso_duration,
        .form = GT_FORM_LENGTH,
        .what = "not an ISO 8601 duration; write it as PT1H30M or PT12.5S"};

static const struct gt_type boolean = {.shape = GT_SHAPE_BOOLEAN};
static const struct gt_type number = {.shape = GT_SHAPE_NUMBER};
static const struct gt_type scaled = {.shape = GT_SHAPE_NUMBER,
                                      .rule = gt_rule_scaled};
static const struct gt_type length = {.shape = GT_SHAPE_NUMBER,
                                      .rule = gt_rule_length};
static const struct gt_type languages = {.shape = GT_SHAPE_LANGUAGES};
static const struct gt_type extensions = {.shape = GT_SHAPE_EXTENSIONS};
static const struct gt_type strings = {.shape = GT_SHAPE_LIST, .of = &string};

#define WORD(name, text)                                                     \
	static bool is_##name(const char *s)                                 \
	{                                                                    \
		return strcmp(s, text) == 0;                                 \
	}                                                                    \
	static const struct gt_type word_##name = {.shape = GT_SHAPE_TEXT,   \
	                                           .is = is_##name,          \
	                                           .what = "must be \"" text \
	                                                   "\""}
WORD(agent, "Agent");
WORD(group, "Group");
WORD(activity, "Activity");
WORD(ref, "StatementRef");
WORD(sub, "SubStatement");
WORD(context_agent, "contextAgent");
WORD(context_group, "contextGroup");

/* ----------------------------------------------------------- actors */

static const struct gt_prop account_props[] = {
        {"homePage", &iri, MUST, 0}, {"name", &string, MUST, 0}, {0}};
static const struct gt_type account = {.shape = GT_SHAPE_OBJECT,
                                       .props = account_props};

#define IDENTIFIERS                                                    \
	{"name", &string, 0, 0}, {"mbox", &mbox, 0, 0},                \
	        {"mbox_sha1sum", &sha1, 0, 0}, {"openid", &iri, 0, 0}, \
	{                                                              \
		"account", &account, 0, 0                              \
	}

/* An agent where an actor stands: its objectType is the default. */
static const struct gt_prop agent_props[] = {
        {"objectType", &word_agent, GONE, 0}, IDENTIFIERS, {0}};
const struct gt_type gt_type_agent = {
        .shape = GT_SHAPE_OBJECT, .props = agent_props, .rule = gt_rule_agent};
/* An agent as object must say that it is none of the activities. */
static const struct gt_prop object_agent_props[] = {
        {"objectType", &word_agent, MUST, 0}, IDENTIFIERS, {0}};
static const struct gt_type object_agent = {.shape = GT_SHAPE_OBJECT,
                                            .props = object_agent_props,
                                            .rule = gt_rule_agent};

static const struct gt_type group_members = {
        .shape = GT_SHAPE_LIST, .of = &gt_type_agent, .form = GT_FORM_ORDER};
static const struct gt_prop group_props[] = {
        {"objectType", &word_group, MUST, 0},
        IDENTIFIERS,
        {"member", &group_members, 0, 0},
        {0}};
static const struct gt_type group = {
        .shape = GT_SHAPE_OBJECT, .props = group_props, .rule = gt_rule_group};

static const struct gt_choice actors[] = {
        {"Agent", &gt_type_agent}, {"Group", &group}, {0}};
static const struct gt_type actor = {.shape = GT_SHAPE_CHOICE,
                                     .choices = actors};
const struct gt_type gt_type_authority = {
        .shape = GT_SHAPE_CHOICE, .choices = actors, .rule = gt_rule_authority};
const struct gt_type gt_type_identified = {.shape = GT_SHAPE_CHOICE,
                                           .choices = actors,
                                           .rule = gt_rule_identified};

/* ------------------------------------------------------- activities */

static const struct gt_prop component_props[] = {
        {"id", &string, MUST, 0}, {"description", &languages, 0, 0}, {0}};
static const struct gt_type component = {.shape = GT_SHAPE_OBJECT,
                                         .props = component_props};
static const struct gt_type components = {
        .shape = GT_SHAPE_LIST, .of = &component, .rule = gt_rule_components};

static const struct gt_prop definition_props[] = {
        {"name", &languages, 0, 0},
        {"description", &languages, 0, 0},
        {"type", &iri, 0, 0},
        {"moreInfo", &iri, 0, 0},
        {"extensions", &extensions, 0, 0},
        {"interactionType", &interaction_type, 0, 0},
        {"correctResponsesPattern", &strings, 0, 0},
        {"choices", &components, 0, 0},
        {"scale", &components, 0, 0},
        {"source", &components, 0, 0},
        {"target", &components, 0, 0},
        {"steps", &components, 0, 0},
        {0}};
static const struct gt_type definition = {.shape = GT_SHAPE_OBJECT,
                                          .props = definition_props,
                                          .rule = gt_rule_definition};

static const struct gt_prop activity_props[] = {
        {"objectType", &word_activity, GONE, 0},
        {"id", &iri, MUST, 0},
        {"definition", &definition, GONE, 0},
        {0}};
static const struct gt_type activity = {.shape = GT_SHAPE_OBJECT,
                                        .props = activity_props};
static const struct gt_type activities = {.shape = GT_SHAPE_ONE,
                                          .of = &activity};

/* -------------------------------------------------- result, context */

static const struct gt_prop score_props[] = {{"scaled", &scaled, 0, 0},
                                             {"raw", &number, 0, 0},
                                             {"min", &number, 0, 0},
                                             {"max", &number, 0, 0},
                                             {0}};
static const struct gt_type score = {
        .shape = GT_SHAPE_OBJECT, .props = score_props, .rule = gt_rule_score};

static const struct gt_prop result_props[] = {{"score", &score, 0, 0},
                                              {"success", &boolean, 0, 0},
                                              {"completion", &boolean, 0, 0},
                                              {"response", &string, 0, 0},
                                              {"duration", &duration, 0, 0},
                                              {"extensions", &extensions, 0, 0},
                                              {0}};
static const struct gt_type result = {.shape = GT_SHAPE_OBJECT,
                                      .props = result_props};

static const struct gt_prop ref_props[] = {
        {"objectType", &word_ref, MUST, 0}, {"id", &uuid, MUST, 0}, {0}};
static const struct gt_type statement_ref = {.shape = GT_SHAPE_OBJECT,
                                             .props = ref_props};

static const struct gt_prop context_activities_props[] = {
        {"parent", &activities, 0, 0},
        {"grouping", &activities, 0, 0},
        {"category", &activities, 0, 0},
        {"other", &activities, 0, 0},
        {0}};
static const struct gt_type context_activities = {
        .shape = GT_SHAPE_OBJECT, .props = context_activities_props};

static const struct gt_type types = {
        .shape = GT_SHAPE_LIST, .of = &iri, .rule = gt_rule_types};
static const struct gt_prop context_agent_props[] = {
        {"objectType", &word_context_agent, 0, 0},
        {"agent", &gt_type_agent, MUST, 0},
        {"relevantTypes", &types, 0, 0},
        {0}};
static const struct gt_type context_agent = {.shape = GT_SHAPE_OBJECT,
                                             .props = context_agent_props};
static const struct gt_type context_agents = {.shape = GT_SHAPE_LIST,
                                              .of = &context_agent};
static const struct gt_prop context_group_props[] = {
        {"objectType", &word_context_group, 0, 0},
        {"group", &group, MUST, 0},
        {"relevantTypes", &types, 0, 0},
        {0}};
static const struct gt_type context_group = {.shape = GT_SHAPE_OBJECT,
                                             .props = context_group_props};
static const struct gt_type context_groups = {.shape = GT_SHAPE_LIST,
                                              .of = &context_group};

static const struct gt_prop context_props[] = {
        {"registration", &uuid, 0, 0},
        {"instructor", &actor, 0, 0},
        {"team", &group, 0, 0},
        {"contextActivities", &context_activities, 0, 0},
        {"contextAgents", &context_agents, 0, SECOND},
        {"contextGroups", &context_groups, 0, SECOND},
        {"revision", &string, 0, 0},
        {"platform", &string, 0, 0},
        {"language", &language, 0, 0},
        {"statement", &statement_ref, 0, 0},
        {"extensions", &extensions, 0, 0},
        {0}};
static const struct gt_type context = {.shape = GT_SHAPE_OBJECT,
                                       .props = context_props};

/* ------------------------------------------------------- statements */

static const struct gt_prop verb_props[] = {
        {"id", &iri, MUST, 0}, {"display", &languages, GONE, 0}, {0}};
static const struct gt_type verb = {.shape = GT_SHAPE_OBJECT,
                                    .props = verb_props};

static const struct gt_prop attachment_props[] = {
        {"usageType", &iri, MUST, 0},
        {"display", &languages, MUST, 0},
        {"description", &languages, 0, 0},
        {"contentType", &media_type, MUST, 0},
        {"length", &length, MUST, 0},
        {"sha2", &sha2, MUST, 0},
        {"fileUrl", &iri, 0, 0},
        {0}};
static const struct gt_type attachment = {.shape = GT_SHAPE_OBJECT,
                                          .props = attachment_props};
static const struct gt_type attachments = {.shape = GT_SHAPE_LIST,
                                           .of = &attachment};

static const char no_kind[] = "not a kind of object allowed here";

#define PLAIN                                                                 \
	{"Activity", &activity}, {"Agent", &object_agent}, {"Group", &group}, \
	{                                                                     \
		"StatementRef", &statement_ref                                \
	}

static const struct gt_choice plain_objects[] = {PLAIN, {0}};
static const struct gt_type plain_object = {
        .shape = GT_SHAPE_CHOICE, .choices = plain_objects, .what = no_kind};

#define DONE(object)                                                          \
	{"actor", &actor, MUST, 0}, {"verb", &verb, MUST, 0},                 \
	        {"object", object, MUST, 0}, {"result", &result, 0, 0},       \
	        {"context", &context, 0, 0}, {"timestamp", &timestamp, 0, 0}, \
	{                                                                     \
		"attachments", &attachments, 0, 0                             \
	}

static const struct gt_prop sub_props[] = {
        {"objectType", &word_sub, MUST, 0}, DONE(&plain_object), {0}};
static const struct gt_type sub_statement = {.shape = GT_SHAPE_OBJECT,
                                             .props = sub_props,
                                             .rule = gt_rule_statement};

static const struct gt_choice any_objects[] = {
        PLAIN, {"SubStatement", &sub_statement}, {0}};
static const struct gt_type any_object = {
        .shape = GT_SHAPE_CHOICE, .choices = any_objects, .what = no_kind};

static const struct gt_prop statement_props[] = {
        {"id", &uuid, GONE, 0},
        DONE(&any_object),
        {"stored", &timestamp, GONE, 0},
        {"authority", &gt_type_authority, GONE, 0},
        {"version", &version_1, GONE, FIRST},
        {"version", &version_any, GONE, SECOND},
        {0}};
const struct gt_type gt_type_statement = {.shape = GT_SHAPE_OBJECT,
                                          .props = statement_props,
                                          .rule = gt_rule_statement};

/* ---------------------------------------------------------- walking */

const struct gt_prop *gt_type_prop(const struct gt_type *t,
                                   const struct gt_json_node *member,
                                   enum gt_xapi_version version)
{
	for (const struct gt_prop *p = t->props; p->name; p++)
		if (p->name[0] == member->key[0] &&
		    p->name[1] == member->key[1] &&
		    strcmp(p->name, member->key) == 0 &&
		    strlen(p->name) == member->nkey &&
		    (!p->versions || p->versions & 1u << version))
			return p;
	return NULL;
}

const struct gt_type *gt_type_chosen(const struct gt_type *t,
                                     const struct gt_json_node *v)
{
	const struct gt_json_node *kind = gt_json_find(v, "objectType");
	if (!kind)
		return t->choices->type;
	for (const struct gt_choice *c = t->choices; c->word; c++)
		if (gt_json_is(kind, c->word))
			return c->type;
	return t->what ? NULL : t->choices->type;
}
