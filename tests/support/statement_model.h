/* statement_model.h: what a statement is, and its form, the plain way: a tree of
 * jansson's, clause by clause, changed in place. What src/xapi/ does in one walk
 * along a table must come to the same (u_form.c, fuzz/f_form.c). */
#ifndef GT_TEST_STATEMENT_MODEL_H
#define GT_TEST_STATEMENT_MODEL_H

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "iso8601.h"
#include "json.h"
#include "utf8.h"
#include "xapi.h"

#define DIGIT "0123456789"
#define HEX   DIGIT "abcdefABCDEF"
#define ALPHA "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool model_is_uuid(const char *s)
{
	static const size_t part[] = {8, 4, 4, 4, 12};
	for (size_t i = 0; i < 5; i++) {
		if (strspn(s, HEX) != part[i])
			return false;
		s += part[i];
		if (*s++ != (i < 4 ? '-' : '\0'))
			return false;
	}
	return true;
}

static bool model_is_iri(const char *s)
{
	size_t scheme = strspn(s, ALPHA DIGIT "+-.");
	if (scheme == 0 || !strchr(ALPHA, s[0]) || s[scheme] != ':')
		return false;
	const char *rest = s + scheme + 1;
	for (const char *p = rest; *p; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f ||
		    strchr("<>\"{}|\\^`", *p))
			return false;
	return *rest != '\0';
}

static bool model_is_language(const char *s)
{
	size_t n = strspn(s, ALPHA);
	if (n == 0 || n > 8 || (n == 1 && !strchr("xXiI", *s)))
		return false;
	bool bare = n == 1;
	for (s += n; *s == '-'; s += n) {
		n = strspn(++s, ALPHA DIGIT);
		if (n == 0 || n > 8)
			return false;
		bare = false;
	}
	return *s == '\0' && !bare;
}

static bool model_is_mailto(const char *s)
{
	if (strncmp(s, "mailto:", 7) != 0)
		return false;
	const char *at = strrchr(s + 7, '@');
	return at && at > s + 7 && at[1] != '\0' && model_is_iri(s);
}

static bool model_is_sha1(const char *s)
{
	return strlen(s) == 40 && strspn(s, HEX) == 40;
}

static bool model_is_sha2(const char *s)
{
	size_t n = strlen(s);
	return strspn(s, HEX) == n &&
	       (n == 56 || n == 64 || n == 96 || n == 128);
}

static bool model_is_media_type(const char *s)
{
	static const char token[] = ALPHA DIGIT "!#$%&'*+.^_`|~-";
	size_t n = strspn(s, token);
	if (n == 0 || s[n] != '/')
		return false;
	s += n + 1;
	n = strspn(s, token);
	return n > 0 && (s[n] == '\0' || s[n] == ';' || s[n] == ' ');
}

static bool model_is_version(const char *s)
{
	if ((*s != '1' && *s != '2') || s[1] != '.' || s[2] != '0')
		return false;
	s += 3;
	if (*s == '\0')
		return true;
	size_t n = strspn(s + 1, DIGIT);
	return *s == '.' && n > 0 && s[1 + n] == '\0';
}

static bool model_is_time(const char *s)
{
	return gt_iso_parse(NULL, s);
}

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
	return formed(j, v, model_is_uuid, "not a UUID");
}

static bool iri(struct judge *j, json_t *v)
{
	return formed(j, v, model_is_iri, "not an absolute IRI");
}

static bool language(struct judge *j, json_t *v)
{
	return formed(j, v, model_is_language, "not a language tag");
}

static bool timestamp(struct judge *j, json_t *v)
{
	return formed(j, v, model_is_time, "not an ISO 8601 time (RFC 3339)");
}

static bool duration(struct judge *j, json_t *v)
{
	return formed(j, v, gt_iso_duration, "not an ISO 8601 duration");
}

static bool mbox(struct judge *j, json_t *v)
{
	return formed(j, v, model_is_mailto, "not mailto: and an address");
}

static bool sha1(struct judge *j, json_t *v)
{
	return formed(j, v, model_is_sha1, "not 40 hexadecimal digits");
}

static bool sha2(struct judge *j, json_t *v)
{
	return formed(j, v, model_is_sha2, "not a SHA-2 digest in hexadecimal");
}

static bool media_type(struct judge *j, json_t *v)
{
	return formed(j, v, model_is_media_type, "not a media type");
}

static bool version_text(struct judge *j, json_t *v)
{
	if (j->first && is_word(v, "") == false && json_is_string(v) &&
	    *json_string_value(v) != '1')
		return refuse(j, NULL, "not 1.0");
	return formed(j, v, model_is_version,
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
		if (!model_is_language(key))
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
		if (!model_is_iri(key))
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
	if (min && max && json_number_value(min) > json_number_value(max))
		return refuse(j, "min", "must not be more than max");
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

static bool model_check(json_t *statement, enum gt_xapi_version version,
                        char *why, size_t why_cap)
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

/* Every step is bool: false is out of memory. A property that is not there is
 * passed over; the statement is valid, so that types need no asking. */

static bool form_set_text(json_t *v, const char *key, const char *text)
{
	return json_object_set_new_nocheck(v, key, json_string(text)) == 0;
}

static bool form_lower(json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));
	if (!s)
		return true;
	size_t n = strlen(s);
	char *text = malloc(n + 1);
	if (!text)
		return false;
	for (size_t i = 0; i <= n; i++)
		text[i] = gt_lower(s[i]);
	bool ok = strcmp(text, s) == 0 || form_set_text(v, key, text);
	free(text);
	return ok;
}

static void form_drop_default(json_t *v, const char *word)
{
	const char *s = json_string_value(json_object_get(v, "objectType"));
	if (s && strcmp(s, word) == 0)
		json_object_del(v, "objectType");
}

/* ----------------------------------------------------------- actors */

struct form_sorted {
	json_t *value;
	struct gt_buffer text;
};

/* No text of an object begins another's. */
static int form_by_text(const void *a, const void *b)
{
	const struct gt_buffer *x = &((const struct form_sorted *)a)->text;
	const struct gt_buffer *y = &((const struct form_sorted *)b)->text;
	return memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
}

/* The list in the order of rows; the rows keep their references. */
static void form_refill(json_t *list, const struct form_sorted *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_array_set(list, i, rows[i].value);
}

static bool form_sort(json_t *list)
{
	size_t n = json_array_size(list);
	if (n < 2)
		return true;
	struct form_sorted *rows = calloc(n, sizeof *rows);
	if (!rows)
		return false;
	bool ok = true;
	for (size_t i = 0; i < n; i++) {
		rows[i].value = json_incref(json_array_get(list, i));
		ok = ok && gt_json_canon(&rows[i].text, rows[i].value) == 0;
	}
	if (ok) {
		qsort(rows, n, sizeof *rows, form_by_text);
		form_refill(list, rows, n);
	}
	for (size_t i = 0; i < n; i++) {
		json_decref(rows[i].value);
		gt_buffer_free(&rows[i].text);
	}
	free(rows);
	return ok;
}

static bool form_actor(json_t *v)
{
	form_drop_default(v, "Agent");
	if (!form_lower(v, "mbox_sha1sum"))
		return false;
	json_t *list = json_object_get(v, "member");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *member = json_array_get(list, i);
		form_drop_default(member, "Agent");
		if (!form_lower(member, "mbox_sha1sum"))
			return false;
	}
	return form_sort(list);
}

/* ---------------------------------------------------------- context */

static void form_activity(json_t *v)
{
	form_drop_default(v, "Activity");
	json_object_del(v, "definition");
}

static bool form_context_activities(json_t *v)
{
	static const char *const keys[] = {"parent", "grouping", "category",
	                                   "other"};
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		json_t *list = json_object_get(v, keys[k]);
		if (json_is_object(list)) {
			json_t *one = json_array();
			if (!one || json_array_append(one, list) ||
			    json_object_set(v, keys[k], one)) {
				json_decref(one);
				return false;
			}
			json_decref(one);
			list = one;
		}
		for (size_t i = 0; i < json_array_size(list); i++)
			form_activity(json_array_get(list, i));
	}
	return true;
}

static bool form_context_actors(json_t *list, const char *key)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!form_actor(json_object_get(json_array_get(list, i), key)))
			return false;
	return true;
}

static bool form_context(json_t *v)
{
	return form_lower(v, "registration") && form_lower(v, "language") &&
	       form_actor(json_object_get(v, "instructor")) &&
	       form_actor(json_object_get(v, "team")) &&
	       form_lower(json_object_get(v, "statement"), "id") &&
	       form_context_activities(
	               json_object_get(v, "contextActivities")) &&
	       form_context_actors(json_object_get(v, "contextAgents"),
	                           "agent") &&
	       form_context_actors(json_object_get(v, "contextGroups"),
	                           "group");
}

/* -------------------------------------------------------- statement */

/* a statement's object may be a SubStatement, which has an object */
static bool form_common(json_t *v);

static bool form_object(json_t *v)
{
	const char *kind = json_string_value(json_object_get(v, "objectType"));
	if (!kind || strcmp(kind, "Activity") == 0)
		form_activity(v);
	else if (strcmp(kind, "StatementRef") == 0)
		return form_lower(v, "id");
	else if (strcmp(kind, "SubStatement") == 0)
		return form_common(v);
	else if (strcmp(kind, "Group") == 0)
		return form_actor(v);
	else
		/* an agent as object must say so: that is not a default */
		return form_lower(v, "mbox_sha1sum");
	return true;
}

static bool form_timestamp(json_t *v)
{
	const char *s = json_string_value(json_object_get(v, "timestamp"));
	char utc[GT_ISO_UTC_CHARS];
	if (!s || !gt_iso_utc(utc, s))
		return true;
	return form_set_text(v, "timestamp", utc);
}

/* What a statement and a SubStatement have in common. */
static bool form_common(json_t *v)
{
	json_t *list = json_object_get(v, "attachments");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!form_lower(json_array_get(list, i), "sha2"))
			return false;
	json_object_del(json_object_get(v, "verb"), "display");
	return form_actor(json_object_get(v, "actor")) &&
	       form_object(json_object_get(v, "object")) &&
	       form_context(json_object_get(v, "context")) && form_timestamp(v);
}

static int model_reduce(json_t *statement)
{
	static const char *const assigned[] = {"id", "stored", "authority",
	                                       "version"};
	for (size_t i = 0; i < sizeof assigned / sizeof *assigned; i++)
		json_object_del(statement, assigned[i]);
	return form_common(statement) ? 0 : -GT_ENOMEM;
}

static int model_hash(struct gt_id *out, json_t *statement,
                      struct gt_buffer *scratch)
{
	int rc = model_reduce(statement);
	scratch->n = 0;
	if (rc == 0)
		rc = gt_json_canon(scratch, statement);
	if (rc == 0)
		gt_sha256_one(out, scratch->p, scratch->n);
	return rc;
}

#endif
