/* pseudonymise.c: a statement built anew out of what names nobody.
 * Tests: u_identity.c. */
#include "xapi_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "iso8601.h"
#include "statement.h"

enum { DURATION = 24 /* characters of one that says how long, no more */ };

/* A statement being built. */
struct build {
	const struct gt_pseudonyms *how;
	struct gt_trace trace;
	struct gt_buffer canon; /* scratch */
	bool failed;            /* memory was short */
};

/* Puts v, which becomes the object's, or notes that there is none of the two; it
 * is freed then. */
static void put(struct build *b, json_t *to, const char *key, json_t *v)
{
	if (json_object_set_new(to, key, v) != 0)
		b->failed = true;
}

static void put_text(struct build *b, json_t *to, const char *key,
                     const char *text)
{
	put(b, to, key, json_string(text));
}

/* As it is, or the one made of it. */
static json_t *iri(struct build *b, const char *text)
{
	char name[GT_PSEUDONYM_CHARS];
	if (!gt_trace_in(&b->trace, text))
		return json_string(text);
	b->canon.n = 0;
	if (gt_canon_text(&b->canon, text, strlen(text)) != 0)
		b->failed = true;
	gt_pseudonym(name, b->how, "iri", gt_buffer_bytes(&b->canon));
	return json_sprintf("urn:guantong:hidden:%s", name);
}

static void put_iri(struct build *b, json_t *to, const char *key,
                    const json_t *from)
{
	const char *text = gt_json_member(from, key);
	if (*text)
		put(b, to, key, iri(b, text));
}

/* ---- agents */

static json_t *account(struct build *b, const struct gt_canon *c)
{
	char name[GT_PSEUDONYM_CHARS], home[GT_PSEUDONYM_HOME];
	struct gt_bytes key = gt_buffer_bytes(&c->key), texts;
	(void)gt_aliases_find(b->how->aliases, c, &key, &texts);
	gt_pseudonym(name, b->how, "agent", key);
	gt_pseudonym_home(home, b->how->key);
	json_t *v = json_object();
	put_text(b, v, "homePage", home);
	put_text(b, v, "name", name);
	return v;
}

static json_t *agent(struct build *b, const json_t *from)
{
	struct gt_canon c = {0};
	const json_t *members = json_object_get(from, "member");
	const char *kind = gt_json_member(from, "objectType");
	json_t *v = json_object();
	if (gt_canon_agent(&c, from) == -GT_ENOMEM)
		b->failed = true;
	if (strcmp(kind, "Group") == 0 || strcmp(kind, "Agent") == 0)
		put_text(b, v, "objectType", kind);
	if (c.key.n > 0)
		put(b, v, "account", account(b, &c));
	gt_canon_free(&c);
	if (json_array_size(members) == 0)
		return v;
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(members); i++)
		if (json_array_append_new(
		            list, agent(b, json_array_get(members, i))) != 0)
			b->failed = true;
	put(b, v, "member", list);
	return v;
}

static void put_agent(struct build *b, json_t *to, const char *key,
                      const json_t *from)
{
	const json_t *v = json_object_get(from, key);
	if (v)
		put(b, to, key, agent(b, v));
}

/* ---- activities */

static json_t *activity(struct build *b, const json_t *from)
{
	const json_t *d = json_object_get(from, "definition");
	json_t *v = json_object();
	if (*gt_json_member(from, "objectType"))
		put_text(b, v, "objectType", "Activity");
	put_iri(b, v, "id", from);
	if (*gt_json_member(d, "type")) {
		json_t *kept = json_object();
		put_iri(b, kept, "type", d);
		put(b, v, "definition", kept);
	}
	return v;
}

static json_t *activities(struct build *b, const json_t *from)
{
	if (json_is_object(from))
		return activity(b, from);
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(from); i++)
		if (json_array_append_new(
		            list, activity(b, json_array_get(from, i))) != 0)
			b->failed = true;
	return list;
}

/* ---- context */

static json_t *relevant(struct build *b, const json_t *from)
{
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(from); i++) {
		const char *text = gt_json_string(json_array_get(from, i));
		if (json_array_append_new(list, iri(b, text)) != 0)
			b->failed = true;
	}
	return list;
}

/* contextAgents, contextGroups. */
static void put_listed(struct build *b, json_t *to, const char *key,
                       const char *who, const json_t *from)
{
	const json_t *v = json_object_get(from, key);
	json_t *list = v ? json_array() : NULL;
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *one = json_array_get(v, i);
		const json_t *types = json_object_get(one, "relevantTypes");
		json_t *kept = json_object();
		if (*gt_json_member(one, "objectType"))
			put_text(b, kept, "objectType",
			         gt_json_member(one, "objectType"));
		put_agent(b, kept, who, one);
		if (types)
			put(b, kept, "relevantTypes", relevant(b, types));
		if (json_array_append_new(list, kept) != 0)
			b->failed = true;
	}
	if (v)
		put(b, to, key, list);
}

static json_t *reference(struct build *b, const json_t *from)
{
	json_t *v = json_object();
	put_text(b, v, "objectType", "StatementRef");
	put_text(b, v, "id", gt_json_member(from, "id"));
	return v;
}

/* Who was registered with whom stays to be seen, not under which number. */
static void put_registration(struct build *b, json_t *to, const json_t *from)
{
	char text[GT_UUID_TEXT], other[GT_UUID_TEXT];
	uint8_t id[GT_UUID_BYTES];
	if (!gt_uuid_parse(id, gt_json_member(from, "registration")))
		return;
	gt_uuid_format(text, id);
	gt_pseudonym_uuid(other, b->how, gt_bytes_str(text));
	put_text(b, to, "registration", other);
}

/* A tag's subtags are letters but for a year, or a region's three digits;
 * what is private in it may be anything. */
static bool is_plain_language(const char *text)
{
	size_t digits = 0;
	for (const char *s = text; *s; s++)
		digits += *s >= '0' && *s <= '9';
	return *text && strlen(text) <= 16 && digits <= 4 &&
	       gt_lower(*text) != 'x' && !strstr(text, "-x-") &&
	       !strstr(text, "-X-");
}

static json_t *context(struct build *b, const json_t *from)
{
	const json_t *in = json_object_get(from, "contextActivities");
	const json_t *statement = json_object_get(from, "statement");
	const char *language = gt_json_member(from, "language");
	json_t *v = json_object();
	put_registration(b, v, from);
	put_agent(b, v, "instructor", from);
	put_agent(b, v, "team", from);
	put_listed(b, v, "contextAgents", "agent", from);
	put_listed(b, v, "contextGroups", "group", from);
	if (is_plain_language(language) && !gt_trace_in(&b->trace, language))
		put_text(b, v, "language", language);
	if (statement)
		put(b, v, "statement", reference(b, statement));
	if (!in)
		return v;
	json_t *kept = json_object();
	for (int i = 0; i < GT_IDENTITY_LISTS; i++) {
		const json_t *list = json_object_get(in, gt_identity_lists[i]);
		if (list)
			put(b, kept, gt_identity_lists[i], activities(b, list));
	}
	put(b, v, "contextActivities", kept);
	return v;
}

/* ---- result */

/* A number that long may be somebody's. */
static bool is_short(const json_t *v)
{
	char text[GT_JSON_NUMBER_CHARS];
	double d = json_number_value(v);
	if (!isfinite(d) || fabs(d) >= 1e7)
		return false;
	size_t n = gt_json_number(text, d);
	return n < GT_TRACE_DIGITS + 2;
}

/* What belongs together goes together. */
static json_t *score(struct build *b, const json_t *from)
{
	static const char *const keys[] = {"raw", "min", "max"};
	json_t *v = json_object();
	const json_t *scaled = json_object_get(from, "scaled");
	bool plain = true;
	for (int i = 0; i < 3; i++) {
		const json_t *n = json_object_get(from, keys[i]);
		plain = plain && (!n || is_short(n));
	}
	for (int i = 0; plain && i < 3; i++) {
		const json_t *n = json_object_get(from, keys[i]);
		if (n)
			put(b, v, keys[i], json_real(json_number_value(n)));
	}
	/* between -1 and 1: to four places */
	if (scaled)
		put(b, v, "scaled",
		    json_real(round(json_number_value(scaled) * 1e4) / 1e4));
	return v;
}

static bool is_short_duration(const char *text)
{
	size_t run = 0;
	for (const char *s = text; *s; s++) {
		run = *s >= '0' && *s <= '9' ? run + 1 : 0;
		if (run >= GT_TRACE_DIGITS)
			return false;
	}
	return *text != '\0' && strlen(text) <= DURATION;
}

static json_t *result(struct build *b, const json_t *from)
{
	static const char *const flags[] = {"success", "completion"};
	const json_t *scores = json_object_get(from, "score");
	const char *duration = gt_json_member(from, "duration");
	json_t *v = json_object();
	if (scores)
		put(b, v, "score", score(b, scores));
	for (int i = 0; i < 2; i++) {
		const json_t *flag = json_object_get(from, flags[i]);
		if (flag)
			put(b, v, flags[i], json_boolean(json_is_true(flag)));
	}
	if (is_short_duration(duration) && !gt_trace_in(&b->trace, duration))
		put_text(b, v, "duration", duration);
	return v;
}

/* ---- statement */

static json_t *verb(struct build *b, const json_t *from)
{
	json_t *v = json_object();
	put_iri(b, v, "id", from);
	return v;
}

static void put_time(struct build *b, json_t *to, const json_t *from)
{
	char text[GT_ISO_CHARS];
	int64_t ms;
	if (!gt_iso_parse(&ms, gt_json_member(from, "timestamp")))
		return;
	gt_iso_format(text, ms);
	put_text(b, to, "timestamp", text);
}

/* a statement's object may be a SubStatement, which has an object */
static json_t *common(struct build *b, const json_t *from);

static json_t *object(struct build *b, const json_t *from)
{
	const char *kind = gt_json_member(from, "objectType");
	if (gt_identity_is_activity(from))
		return activity(b, from);
	if (strcmp(kind, "StatementRef") == 0)
		return reference(b, from);
	if (!gt_identity_is_sub(from))
		return agent(b, from);
	json_t *v = common(b, from);
	put_text(b, v, "objectType", "SubStatement");
	return v;
}

/* What a statement and a SubStatement have in common. */
static json_t *common(struct build *b, const json_t *from)
{
	const json_t *part;
	json_t *v = json_object();
	put_agent(b, v, "actor", from);
	put(b, v, "verb", verb(b, json_object_get(from, "verb")));
	put(b, v, "object", object(b, json_object_get(from, "object")));
	if ((part = json_object_get(from, "result")))
		put(b, v, "result", result(b, part));
	if ((part = json_object_get(from, "context")))
		put(b, v, "context", context(b, part));
	put_time(b, v, from);
	return v;
}

static json_t *statement(struct build *b, const json_t *from)
{
	char id[GT_UUID_TEXT];
	uint8_t bytes[GT_UUID_BYTES];
	bool signature = false, other = false;
	json_t *v = common(b, from);
	if (gt_uuid_parse(bytes, gt_json_member(from, "id"))) {
		gt_uuid_format(id, bytes);
		put_text(b, v, "id", id);
	}
	gt_identity_attached(from, &signature, &other);
	if (v && !gt_identity_mark(v, signature, other))
		b->failed = true;
	return v;
}

static void begin(struct build *b, const char *authority)
{
	json_t *who = *authority ? gt_json_load(gt_bytes_str(authority),
	                                        GT_JSON_STRICT, NULL)
	                         : NULL;
	gt_trace_people(&b->trace, who, b->how->aliases);
	json_decref(who);
}

static int end(struct build *b, json_t *v, struct gt_buffer *out)
{
	int status = b->failed || b->trace.failed || !v ? -GT_ENOMEM
	                                                : gt_json_canon(out, v);
	json_decref(v);
	gt_trace_free(&b->trace);
	gt_buffer_free(&b->canon);
	return status;
}

int gt_identity_pseudonymise(struct gt_buffer *out, const struct gt_about *a,
                             const char *authority,
                             const struct gt_pseudonyms *how)
{
	struct build b = {.how = how};
	begin(&b, authority);
	gt_trace_people(&b.trace, a->statement, how->aliases);
	return end(&b, statement(&b, a->statement), out);
}

/* ------------------------------------------------------- authority */

int gt_identity_authority(struct gt_buffer *out, const char *authority,
                          const struct gt_pseudonyms *how)
{
	struct build b = {.how = how};
	json_t *who =
	        gt_json_load(gt_bytes_str(authority), GT_JSON_STRICT, NULL);
	if (!json_is_object(who)) {
		json_decref(who);
		return 0;
	}
	int status = end(&b, agent(&b, who), out);
	json_decref(who);
	return status;
}
