/* xapi_check.c: what a statement must be, clause by clause.
 * Tests: u_statement.c. */
#include "xapi.h"

#include <math.h>
#include <string.h>

#include "iso8601.h"
#include "json.h"
#include "utf8.h"

/* -------------------------------------------------------- the judge */

/* Where in the statement we are; one step per frame of the C stack. */
struct at {
	const struct at *up;
	const char *key; /* NULL: an array's index */
	size_t index;
};

struct judge {
	const struct at *at;
	bool first; /* the body says it is 1.0 */
	char *why;
	size_t cap;
};

typedef bool judge_fn(struct judge *j, json_t *v);

struct prop {
	const char *name;
	judge_fn *check;
	bool must;
};

/* Bytes of a name that anybody may have made up. */
static int shown(const char *key)
{
	return (int)gt_utf8_cut(key, strlen(key), 100);
}

static size_t put_path(char *out, size_t cap, const struct at *at)
{
	if (!at)
		return 0;
	size_t n = put_path(out, cap, at->up);
	if (at->key)
		gt_format(out + n, cap - n, "%s%.*s", at->up ? "." : "",
		          shown(at->key), at->key);
	else
		gt_format(out + n, cap - n, "[%zu]", at->index);
	return n + strlen(out + n);
}

/* key is the property meant when it is not the place itself. Always false. */
static bool refuse(struct judge *j, const char *key, const char *what)
{
	struct at here = {j->at, key, 0};
	size_t n = put_path(j->why, j->cap, key ? &here : j->at);
	gt_format(j->why + n, j->cap - n, "%s%s", n ? ": " : "", what);
	return false;
}

static bool enter(struct judge *j, const char *key, size_t index,
                  judge_fn *check, json_t *v)
{
	struct at here = {j->at, key, index};
	j->at = &here;
	bool ok = json_is_null(v) ? refuse(j, NULL, "must not be null")
	                          : check(j, v);
	j->at = here.up;
	return ok;
}

static const struct prop *find(const struct prop *props, const char *key)
{
	for (; props->name; props++)
		if (strcmp(props->name, key) == 0)
			return props;
	return NULL;
}

static bool object(struct judge *j, json_t *v)
{
	return json_is_object(v) || refuse(j, NULL, "must be an object");
}

/* An object with these properties and no others. */
static bool shape(struct judge *j, json_t *v, const struct prop *props)
{
	const char *key;
	json_t *value;
	if (!object(j, v))
		return false;
	json_object_foreach(v, key, value)
	{
		const struct prop *p = find(props, key);
		if (!p)
			return refuse(j, key, "no such property in xAPI");
		if (!enter(j, p->name, 0, p->check, value))
			return false;
	}
	for (; props->name; props++)
		if (props->must && !json_object_get(v, props->name))
			return refuse(j, props->name, "is missing");
	return true;
}

static bool each(struct judge *j, json_t *v, judge_fn *check)
{
	if (!json_is_array(v))
		return refuse(j, NULL, "must be an array");
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!enter(j, NULL, i, check, json_array_get(v, i)))
			return false;
	return true;
}

static bool formed(struct judge *j, json_t *v, bool (*is)(const char *),
                   const char *what)
{
	if (!json_is_string(v))
		return refuse(j, NULL, "must be a string");
	return is(json_string_value(v)) || refuse(j, NULL, what);
}

static bool is_word(json_t *v, const char *word)
{
	return json_is_string(v) && strcmp(json_string_value(v), word) == 0;
}

/* ----------------------------------------------------------- leaves */

static bool string(struct judge *j, json_t *v)
{
	return json_is_string(v) || refuse(j, NULL, "must be a string");
}

static bool boolean(struct judge *j, json_t *v)
{
	return json_is_boolean(v) || refuse(j, NULL, "must be true or false");
}

static bool number(struct judge *j, json_t *v)
{
	return json_is_number(v) || refuse(j, NULL, "must be a number");
}

static bool scaled(struct judge *j, json_t *v)
{
	if (!number(j, v))
		return false;
	return fabs(json_number_value(v)) <= 1 ||
	       refuse(j, NULL, "must lie between -1 and 1");
}

static bool length(struct judge *j, json_t *v)
{
	if (!number(j, v))
		return false;
	double d = json_number_value(v);
	return (d >= 0 && d == floor(d)) ||
	       refuse(j, NULL, "must be a whole number of bytes");
}

static bool uuid(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_uuid, "not a UUID");
}

static bool iri(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_iri, "not an absolute IRI");
}

static bool language(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_language, "not a language tag");
}

static bool timestamp(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_time, "not an ISO 8601 time (RFC 3339)");
}

static bool duration(struct judge *j, json_t *v)
{
	return formed(j, v, gt_iso_duration, "not an ISO 8601 duration");
}

static bool mbox(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_mailto, "not mailto: and an address");
}

static bool sha1(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_sha1, "not 40 hexadecimal digits");
}

static bool sha2(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_sha2,
	              "not a SHA-2 digest in hexadecimal");
}

static bool media_type(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_media_type, "not a media type");
}

static bool version_text(struct judge *j, json_t *v)
{
	return formed(j, v, gt_xapi_is_version,
	              "not an xAPI version 1.0.x or 2.0.x");
}

static bool strings(struct judge *j, json_t *v)
{
	return each(j, v, string);
}

static bool language_map(struct judge *j, json_t *v)
{
	const char *key;
	json_t *value;
	if (!object(j, v))
		return false;
	json_object_foreach(v, key, value)
	{
		if (!gt_xapi_is_language(key))
			return refuse(j, key, "not a language tag");
		if (!enter(j, key, 0, string, value))
			return false;
	}
	return true;
}

static bool extensions(struct judge *j, json_t *v)
{
	const char *key;
	json_t *value;
	if (!object(j, v))
		return false;
	json_object_foreach(v, key, value)
	{
		if (!gt_xapi_is_iri(key))
			return refuse(j, key, "not an absolute IRI");
	}
	return true;
}

static bool words(struct judge *j, json_t *v, const char *const *list,
                  const char *what)
{
	for (; *list; list++)
		if (is_word(v, *list))
			return true;
	return refuse(j, NULL, what);
}

#define WORD(fn, text)                                          \
	static bool fn(struct judge *j, json_t *v)              \
	{                                                       \
		return is_word(v, text) ||                      \
		       refuse(j, NULL, "must be \"" text "\""); \
	}
WORD(word_agent, "Agent")
WORD(word_group, "Group")
WORD(word_activity, "Activity")
WORD(word_statement_ref, "StatementRef")
WORD(word_sub_statement, "SubStatement")
WORD(word_context_agent, "contextAgent")
WORD(word_context_group, "contextGroup")

/* ----------------------------------------------------------- actors */

static bool account(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"homePage", iri, true}, {"name", string, true}, {0}};
	return shape(j, v, props);
}

static int identifiers(json_t *v)
{
	return !!json_object_get(v, "mbox") +
	       !!json_object_get(v, "mbox_sha1sum") +
	       !!json_object_get(v, "openid") + !!json_object_get(v, "account");
}

static bool agent(struct judge *j, json_t *v)
{
	static const struct prop props[] = {{"objectType", word_agent, false},
	                                    {"name", string, false},
	                                    {"mbox", mbox, false},
	                                    {"mbox_sha1sum", sha1, false},
	                                    {"openid", iri, false},
	                                    {"account", account, false},
	                                    {0}};
	if (!shape(j, v, props))
		return false;
	return identifiers(v) == 1 ||
	       refuse(j, NULL,
	              "must have exactly one of mbox, mbox_sha1sum, openid, "
	              "account");
}

static bool members(struct judge *j, json_t *v)
{
	return each(j, v, agent);
}

static bool group(struct judge *j, json_t *v)
{
	static const struct prop props[] = {{"objectType", word_group, true},
	                                    {"name", string, false},
	                                    {"mbox", mbox, false},
	                                    {"mbox_sha1sum", sha1, false},
	                                    {"openid", iri, false},
	                                    {"account", account, false},
	                                    {"member", members, false},
	                                    {0}};
	if (!shape(j, v, props))
		return false;
	int n = identifiers(v);
	if (n > 1)
		return refuse(j, NULL,
		              "must have at most one of mbox, mbox_sha1sum, "
		              "openid, account");
	return n == 1 || json_array_size(json_object_get(v, "member")) > 0 ||
	       refuse(j, "member", "is missing in a group nothing identifies");
}

static bool actor(struct judge *j, json_t *v)
{
	return is_word(json_object_get(v, "objectType"), "Group") ? group(j, v)
	                                                          : agent(j, v);
}

/* An agent, or the pair of agents that OAuth makes. */
static bool authority(struct judge *j, json_t *v)
{
	if (!actor(j, v))
		return false;
	if (!is_word(json_object_get(v, "objectType"), "Group"))
		return true;
	return (identifiers(v) == 0 &&
	        json_array_size(json_object_get(v, "member")) == 2) ||
	       refuse(j, NULL,
	              "as a group must be unidentified and have two members");
}

/* ------------------------------------------------------- activities */

static bool interaction_type(struct judge *j, json_t *v)
{
	static const char *const list[] = {
	        "true-false", "choice",      "fill-in",    "long-fill-in",
	        "matching",   "performance", "sequencing", "likert",
	        "numeric",    "other",       NULL};
	return words(j, v, list, "not an interaction type");
}

static bool component(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"id", string, true},
	        {"description", language_map, false},
	        {0}};
	return shape(j, v, props);
}

static bool components(struct judge *j, json_t *v)
{
	if (!each(j, v, component))
		return false;
	for (size_t i = 0; i < json_array_size(v); i++)
		for (size_t k = 0; k < i; k++)
			if (json_equal(
			            json_object_get(json_array_get(v, i), "id"),
			            json_object_get(json_array_get(v, k),
			                            "id")))
				return refuse(j, NULL, "has the same id twice");
	return true;
}

/* Which lists of components go with which interaction. */
static bool interaction_fits(struct judge *j, json_t *v)
{
	static const char *const pairs[][2] = {
	        {"choices", "choice sequencing"}, {"scale", "likert"},
	        {"source", "matching"},           {"target", "matching"},
	        {"steps", "performance"},
	};
	const char *type = gt_json_member(v, "interactionType");
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		if (!json_object_get(v, pairs[i][0]))
			continue;
		if (*type == '\0' || !strstr(pairs[i][1], type))
			return refuse(j, pairs[i][0],
			              "does not go with the interactionType");
	}
	if (json_object_get(v, "correctResponsesPattern") && *type == '\0')
		return refuse(j, "interactionType", "is missing");
	return true;
}

static bool definition(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"name", language_map, false},
	        {"description", language_map, false},
	        {"type", iri, false},
	        {"moreInfo", iri, false},
	        {"extensions", extensions, false},
	        {"interactionType", interaction_type, false},
	        {"correctResponsesPattern", strings, false},
	        {"choices", components, false},
	        {"scale", components, false},
	        {"source", components, false},
	        {"target", components, false},
	        {"steps", components, false},
	        {0}};
	return shape(j, v, props) && interaction_fits(j, v);
}

static bool activity(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"objectType", word_activity, false},
	        {"id", iri, true},
	        {"definition", definition, false},
	        {0}};
	return shape(j, v, props);
}

static bool activities(struct judge *j, json_t *v)
{
	return json_is_array(v) ? each(j, v, activity) : activity(j, v);
}

/* -------------------------------------------------- result, context */

static bool score(struct judge *j, json_t *v)
{
	static const struct prop props[] = {{"scaled", scaled, false},
	                                    {"raw", number, false},
	                                    {"min", number, false},
	                                    {"max", number, false},
	                                    {0}};
	if (!shape(j, v, props))
		return false;
	json_t *raw = json_object_get(v, "raw");
	json_t *min = json_object_get(v, "min");
	json_t *max = json_object_get(v, "max");
	if (min && max && json_number_value(min) >= json_number_value(max))
		return refuse(j, "min", "must be less than max");
	if (raw && min && json_number_value(raw) < json_number_value(min))
		return refuse(j, "raw", "must not be less than min");
	if (raw && max && json_number_value(raw) > json_number_value(max))
		return refuse(j, "raw", "must not be more than max");
	return true;
}

static bool result(struct judge *j, json_t *v)
{
	static const struct prop props[] = {{"score", score, false},
	                                    {"success", boolean, false},
	                                    {"completion", boolean, false},
	                                    {"response", string, false},
	                                    {"duration", duration, false},
	                                    {"extensions", extensions, false},
	                                    {0}};
	return shape(j, v, props);
}

static bool statement_ref(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"objectType", word_statement_ref, true},
	        {"id", uuid, true},
	        {0}};
	return shape(j, v, props);
}

static bool context_activities(struct judge *j, json_t *v)
{
	static const struct prop props[] = {{"parent", activities, false},
	                                    {"grouping", activities, false},
	                                    {"category", activities, false},
	                                    {"other", activities, false},
	                                    {0}};
	return shape(j, v, props);
}

static bool relevant_types(struct judge *j, json_t *v)
{
	return each(j, v, iri) &&
	       (json_array_size(v) > 0 || refuse(j, NULL, "must not be empty"));
}

static bool context_agent(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"objectType", word_context_agent, false},
	        {"agent", agent, true},
	        {"relevantTypes", relevant_types, false},
	        {0}};
	return shape(j, v, props);
}

static bool context_group(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"objectType", word_context_group, false},
	        {"group", group, true},
	        {"relevantTypes", relevant_types, false},
	        {0}};
	return shape(j, v, props);
}

static bool context_agents(struct judge *j, json_t *v)
{
	return j->first ? refuse(j, NULL, "no such property in xAPI 1.0")
	                : each(j, v, context_agent);
}

static bool context_groups(struct judge *j, json_t *v)
{
	return j->first ? refuse(j, NULL, "no such property in xAPI 1.0")
	                : each(j, v, context_group);
}

static bool context(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"registration", uuid, false},
	        {"instructor", actor, false},
	        {"team", group, false},
	        {"contextActivities", context_activities, false},
	        {"contextAgents", context_agents, false},
	        {"contextGroups", context_groups, false},
	        {"revision", string, false},
	        {"platform", string, false},
	        {"language", language, false},
	        {"statement", statement_ref, false},
	        {"extensions", extensions, false},
	        {0}};
	return shape(j, v, props);
}

/* ------------------------------------------------------- statements */

static bool verb(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"id", iri, true}, {"display", language_map, false}, {0}};
	return shape(j, v, props);
}

static bool attachment(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"usageType", iri, true},
	        {"display", language_map, true},
	        {"description", language_map, false},
	        {"contentType", media_type, true},
	        {"length", length, true},
	        {"sha2", sha2, true},
	        {"fileUrl", iri, false},
	        {0}};
	return shape(j, v, props);
}

static bool attachments(struct judge *j, json_t *v)
{
	return each(j, v, attachment);
}

/* What depends on more than one property of a statement. */
static bool together(struct judge *j, json_t *v)
{
	static const char voided[] = "http://adlnet.gov/expapi/verbs/voided";
	const char *kind =
	        gt_json_member(json_object_get(v, "object"), "objectType");
	json_t *where = json_object_get(v, "context");
	bool is_activity = *kind == '\0' || strcmp(kind, "Activity") == 0;
	if (!is_activity && json_object_get(where, "revision"))
		return refuse(j, "context.revision",
		              "only goes with an activity as object");
	if (!is_activity && json_object_get(where, "platform"))
		return refuse(j, "context.platform",
		              "only goes with an activity as object");
	if (strcmp(gt_json_member(json_object_get(v, "verb"), "id"), voided) ==
	            0 &&
	    strcmp(kind, "StatementRef") != 0)
		return refuse(j, "object.objectType",
		              "must be \"StatementRef\" when the verb voids");
	return true;
}

/* Any object but a SubStatement. */
static bool plain_object(struct judge *j, json_t *v)
{
	json_t *kind = json_object_get(v, "objectType");
	if (!kind || is_word(kind, "Activity"))
		return activity(j, v);
	if (is_word(kind, "Agent"))
		return agent(j, v);
	if (is_word(kind, "Group"))
		return group(j, v);
	if (is_word(kind, "StatementRef"))
		return statement_ref(j, v);
	return refuse(j, "objectType", "not a kind of object allowed here");
}

static bool sub_statement(struct judge *j, json_t *v)
{
	static const struct prop props[] = {
	        {"objectType", word_sub_statement, true},
	        {"actor", actor, true},
	        {"verb", verb, true},
	        {"object", plain_object, true},
	        {"result", result, false},
	        {"context", context, false},
	        {"timestamp", timestamp, false},
	        {"attachments", attachments, false},
	        {0}};
	return shape(j, v, props) && together(j, v);
}

static bool any_object(struct judge *j, json_t *v)
{
	return is_word(json_object_get(v, "objectType"), "SubStatement")
	               ? sub_statement(j, v)
	               : plain_object(j, v);
}

bool gt_xapi_check(json_t *statement, enum gt_xapi_version version, char *why,
                   size_t why_cap)
{
	static const struct prop props[] = {{"id", uuid, false},
	                                    {"actor", actor, true},
	                                    {"verb", verb, true},
	                                    {"object", any_object, true},
	                                    {"result", result, false},
	                                    {"context", context, false},
	                                    {"timestamp", timestamp, false},
	                                    {"stored", timestamp, false},
	                                    {"authority", authority, false},
	                                    {"version", version_text, false},
	                                    {"attachments", attachments, false},
	                                    {0}};
	struct judge j = {.first = version == GT_XAPI_1, .cap = why_cap};
	j.why = why;
	return shape(&j, statement, props) && together(&j, statement);
}

/* Of a question: one that is somebody. */
static bool identified(struct judge *j, json_t *v)
{
	if (!actor(j, v))
		return false;
	return identifiers(v) == 1 ||
	       refuse(j, NULL,
	              "must have exactly one of mbox, mbox_sha1sum, openid, "
	              "account");
}

int gt_xapi_check_text(struct gt_bytes json, enum gt_xapi_kind kind,
                       enum gt_xapi_version version, char *why, size_t why_cap)
{
	static judge_fn *const check[] = {[GT_XAPI_AUTHORITY] = authority,
	                                  [GT_XAPI_AGENT] = agent,
	                                  [GT_XAPI_ACTOR] = identified};
	struct judge j = {.first = version == GT_XAPI_1, .cap = why_cap};
	json_error_t error;
	j.why = why;
	gt_format(why, why_cap, "%s", "");
	json_t *v =
	        gt_json_load(json, GT_JSON_STRICT | JSON_DECODE_ANY, &error);
	if (!v && !*error.text)
		return -GT_ENOMEM;
	bool ok = v && gt_json_trim(&json);
	if (!ok)
		gt_format(why, why_cap, "not JSON, or nested too deep");
	else
		ok = check[kind](&j, v);
	json_decref(v);
	return ok ? 0 : -GT_EINVALID;
}

bool gt_xapi_check_identified(json_t *v, char *why, size_t why_cap)
{
	struct judge j = {.cap = why_cap};
	j.why = why;
	if (!is_word(json_object_get(v, "objectType"), "Group"))
		return agent(&j, v);
	return group(&j, v) &&
	       (identifiers(v) == 1 ||
	        refuse(&j, NULL, "as a group must have an identifier"));
}
