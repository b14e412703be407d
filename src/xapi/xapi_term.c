/* Tests: u_terms.c. */
#include "xapi_term.h"

#include <string.h>

#include "json.h"
#include "statement.h"

/* What a word is: near, what a plain query finds; far, what only one for what
 * is related does too. */
enum word {
	VERB = 1,
	AGENT_NEAR = 2,
	AGENT_FAR = 3,
	ACTIVITY_NEAR = 4,
	ACTIVITY_FAR = 5,
	REGISTRATION = 6,
};

/* ------------------------------------------------------------ hashing */

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	h ^= n * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < n; i += 8) {
		uint64_t w = 0;
		for (size_t k = 0; k < 8 && i + k < n; k++)
			w |= (uint64_t)p[i + k] << 8 * k;
		h = (h ^ w) * UINT64_C(0xbf58476d1ce4e5b9);
		h ^= h >> 29;
		h *= UINT64_C(0x94d049bb133111eb);
		h ^= h >> 32;
	}
	return h;
}

static uint64_t hash_of(enum word word, const void *bytes, size_t n)
{
	uint64_t h =
	        mix((uint64_t)word * UINT64_C(0xff51afd7ed558ccd), bytes, n);
	return h == GT_TERM_UNSURE ? 1 : h;
}

static uint64_t text_hash(enum word word, const char *text)
{
	return hash_of(word, text, strlen(text));
}

/* A digest is the same in either case. */
static uint64_t agent_hash(enum word word, const struct gt_agent *a)
{
	uint8_t lower[40];
	size_t n = strlen(a->id), i = 0;
	uint64_t h;
	for (; a->by == GT_AGENT_SHA1 && i < n && i < sizeof lower; i++)
		lower[i] = (uint8_t)gt_lower(a->id[i]);
	h = hash_of(word, i ? (const void *)lower : a->id, i ? i : n);
	h = mix(h + (uint64_t)a->by, a->home, strlen(a->home));
	return h == GT_TERM_UNSURE ? 1 : h;
}

/* ------------------------------------------------------- a statement */

static void add(struct gt_terms *t, uint64_t term)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i] == term)
			return;
	if (t->n == GT_TERMS_MAX)
		t->more = true;
	else
		t->v[t->n++] = term;
}

static void add_agent(struct gt_terms *t, enum word word, const json_t *v)
{
	struct gt_agent a = gt_agent_of(v);
	if (a.by != GT_AGENT_NONE)
		add(t, agent_hash(word, &a));
}

/* An agent, or a group and its members. */
static void add_actor(struct gt_terms *t, enum word word, const json_t *v)
{
	const json_t *members = json_object_get(v, "member");
	add_agent(t, word, v);
	for (size_t i = 0; !t->more && i < json_array_size(members); i++)
		add_agent(t, word, json_array_get(members, i));
}

static void add_activity(struct gt_terms *t, enum word word, const json_t *v)
{
	const char *id = gt_json_member(v, "id");
	if (*id)
		add(t, text_hash(word, id));
}

static void add_each(struct gt_terms *t, const json_t *list, const char *key)
{
	for (size_t i = 0; !t->more && i < json_array_size(list); i++)
		add_actor(t, AGENT_FAR,
		          json_object_get(json_array_get(list, i), key));
}

static void add_context(struct gt_terms *t, const json_t *context)
{
	static const char *const keys[] = {"parent", "grouping", "category",
	                                   "other"};
	const json_t *all = json_object_get(context, "contextActivities");
	add_actor(t, AGENT_FAR, json_object_get(context, "instructor"));
	add_actor(t, AGENT_FAR, json_object_get(context, "team"));
	add_each(t, json_object_get(context, "contextAgents"), "agent");
	add_each(t, json_object_get(context, "contextGroups"), "group");
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		const json_t *v = json_object_get(all, keys[k]);
		if (json_is_object(v))
			add_activity(t, ACTIVITY_FAR, v);
		for (size_t i = 0; !t->more && i < json_array_size(v); i++)
			add_activity(t, ACTIVITY_FAR, json_array_get(v, i));
	}
}

/* Who did it, to what: of a statement (near), of a SubStatement (far). */
static void add_deed(struct gt_terms *t, const json_t *v, bool near)
{
	const json_t *object = json_object_get(v, "object");
	const char *kind = gt_json_member(object, "objectType");
	enum word agent = near ? AGENT_NEAR : AGENT_FAR;
	add_actor(t, agent, json_object_get(v, "actor"));
	if (strcmp(kind, "Agent") == 0 || strcmp(kind, "Group") == 0)
		add_actor(t, agent, object);
	else if (*kind == '\0' || strcmp(kind, "Activity") == 0)
		add_activity(t, near ? ACTIVITY_NEAR : ACTIVITY_FAR, object);
	else if (near && strcmp(kind, "SubStatement") == 0)
		add_deed(t, object, false);
	add_context(t, json_object_get(v, "context"));
}

void gt_terms_of(struct gt_terms *t, const json_t *v, const json_t *authority)
{
	uint8_t id[GT_UUID_BYTES];
	const char *verb = gt_json_member(json_object_get(v, "verb"), "id");
	if (*verb)
		add(t, text_hash(VERB, verb));
	if (gt_uuid_parse(id, gt_json_member(json_object_get(v, "context"),
	                                     "registration")))
		add(t, hash_of(REGISTRATION, id, sizeof id));
	add_deed(t, v, true);
	add_actor(t, AGENT_FAR,
	          authority ? authority : json_object_get(v, "authority"));
}

/* ---------------------------------------------------------- a filter */

size_t gt_terms_of_filter(const struct gt_filter *f,
                          struct gt_term_slot s[GT_TERM_SLOTS])
{
	size_t n = 0;
	if (f->registered)
		s[n++] = (struct gt_term_slot){
		        {hash_of(REGISTRATION, f->registration, GT_UUID_BYTES)},
		        1};
	if (f->agent.by != GT_AGENT_NONE)
		s[n++] = (struct gt_term_slot){
		        {agent_hash(AGENT_NEAR, &f->agent),
		         agent_hash(AGENT_FAR, &f->agent)},
		        f->related_agents ? 2 : 1};
	if (f->activity)
		s[n++] = (struct gt_term_slot){
		        {text_hash(ACTIVITY_NEAR, f->activity),
		         text_hash(ACTIVITY_FAR, f->activity)},
		        f->related_activities ? 2 : 1};
	if (f->verb)
		s[n++] = (struct gt_term_slot){{text_hash(VERB, f->verb)}, 1};
	return n;
}
