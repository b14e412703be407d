/* xapi_check.c: walks a value along the table of what it must be.
 * Tests: u_statement.c. */
#include "xapi_table.h"

#include <string.h>

#include "utf8.h"

/* Where in the value we are; one step per frame of the C stack. */
struct at {
	const struct at *up;
	const char *key; /* NULL: an array's index */
	size_t index;
};

struct judge {
	const struct at *at;
	enum gt_xapi_version version;
	struct gt_arena *arena;
	const char *place; /* of all that is judged; "": nowhere else */
	char *why;
	size_t cap;
};

/* Bytes of a name that anybody may have made up. */
static int shown(const char *key)
{
	return (int)gt_utf8_cut(key, strlen(key), 100);
}

static size_t put_path(struct judge *j, const struct at *at)
{
	if (!at) {
		gt_copy(j->why, j->cap, j->place);
		return strlen(j->why);
	}
	size_t n = put_path(j, at->up);
	if (at->key)
		gt_format(j->why + n, j->cap - n, "%s%.*s", n ? "." : "",
		          shown(at->key), at->key);
	else
		gt_format(j->why + n, j->cap - n, "[%zu]", at->index);
	return n + strlen(j->why + n);
}

/* key is the property meant when it is not the place itself. Always false. */
static bool refuse(struct judge *j, const char *key, const char *what)
{
	struct at here = {j->at, key, 0};
	size_t n = put_path(j, key ? &here : j->at);
	gt_format(j->why + n, j->cap - n, "%s%s", n ? ": " : "", what);
	return false;
}

/* what a type is made of has types */
static bool check(struct judge *j, const struct gt_type *t,
                  const struct gt_json_node *v);

static bool enter(struct judge *j, const char *key, size_t index,
                  const struct gt_type *t, const struct gt_json_node *v)
{
	struct at here = {j->at, key, index};
	j->at = &here;
	bool ok = v->type == GT_JSON_NULL
	                  ? refuse(j, NULL, "must not be null; leave it out")
	                  : check(j, t, v);
	j->at = here.up;
	return ok;
}

static bool text(struct judge *j, const struct gt_type *t,
                 const struct gt_json_node *v)
{
	if (v->type != GT_JSON_STRING)
		return refuse(j, NULL, "must be a string");
	/* no form of any has a NUL in it */
	return !t->is || (strlen(v->text) == v->n && t->is(v->text)) ||
	       refuse(j, NULL, t->what);
}

static bool unknown(struct judge *j, const struct gt_type *t,
                    const struct gt_json_node *member)
{
	if (gt_type_prop(t, member, GT_XAPI_ANY))
		return refuse(j, member->key,
		              "no such property in xAPI 1.0; send "
		              "X-Experience-API-Version: 2.0.0");
	return refuse(j, member->key,
	              "no such property in xAPI; what is your own goes into "
	              "extensions");
}

static bool object(struct judge *j, const struct gt_type *t,
                   const struct gt_json_node *v)
{
	if (v->type != GT_JSON_OBJECT)
		return refuse(j, NULL, "must be an object");
	for (const struct gt_json_node *m = v->first; m; m = m->next) {
		const struct gt_prop *p = gt_type_prop(t, m, j->version);
		if (!p)
			return unknown(j, t, m);
		if (!enter(j, p->name, 0, p->type, m))
			return false;
	}
	for (const struct gt_prop *p = t->props; p->name; p++)
		if (p->flags & GT_PROP_MUST && !gt_json_find(v, p->name))
			return refuse(j, p->name, "is missing");
	return true;
}

static bool choice(struct judge *j, const struct gt_type *t,
                   const struct gt_json_node *v)
{
	const struct gt_type *chosen = gt_type_chosen(t, v);
	return chosen ? check(j, chosen, v) : refuse(j, "objectType", t->what);
}

static bool list(struct judge *j, const struct gt_type *t,
                 const struct gt_json_node *v)
{
	size_t i = 0;
	if (v->type != GT_JSON_ARRAY)
		return refuse(j, NULL, "must be an array");
	for (const struct gt_json_node *m = v->first; m; m = m->next)
		if (!enter(j, NULL, i++, t->of, m))
			return false;
	return true;
}

/* Names are tags and values texts, or names are IRIs. */
static bool map(struct judge *j, const struct gt_type *t,
                const struct gt_json_node *v)
{
	bool tags = t->shape == GT_SHAPE_LANGUAGES;
	static const struct gt_type any = {.shape = GT_SHAPE_TEXT};
	if (v->type != GT_JSON_OBJECT)
		return refuse(j, NULL, "must be an object");
	for (const struct gt_json_node *m = v->first; m; m = m->next) {
		bool is = strlen(m->key) == m->nkey &&
		          (tags ? gt_xapi_is_language(m->key)
		                : gt_xapi_is_iri(m->key));
		if (!is)
			return refuse(j, m->key,
			              tags ? "not a language tag; write it as "
			                     "en or zh-CN"
			                   : "not an absolute IRI; write it as "
			                     "http://example.org/name");
		if (tags && !enter(j, m->key, 0, &any, m))
			return false;
	}
	return true;
}

static bool shaped(struct judge *j, const struct gt_type *t,
                   const struct gt_json_node *v)
{
	switch (t->shape) {
	case GT_SHAPE_TEXT:
		return text(j, t, v);
	case GT_SHAPE_NUMBER:
		return v->type == GT_JSON_NUMBER ||
		       refuse(j, NULL, "must be a number");
	case GT_SHAPE_BOOLEAN:
		return v->type == GT_JSON_TRUE || v->type == GT_JSON_FALSE ||
		       refuse(j, NULL, "must be true or false");
	case GT_SHAPE_OBJECT:
		return object(j, t, v);
	case GT_SHAPE_CHOICE:
		return choice(j, t, v);
	case GT_SHAPE_LIST:
		return list(j, t, v);
	case GT_SHAPE_ONE:
		return v->type == GT_JSON_ARRAY ? list(j, t, v)
		                                : check(j, t->of, v);
	case GT_SHAPE_LANGUAGES:
	case GT_SHAPE_EXTENSIONS:
		return map(j, t, v);
	}
	return false;
}

static bool check(struct judge *j, const struct gt_type *t,
                  const struct gt_json_node *v)
{
	const char *key = NULL;
	if (!shaped(j, t, v))
		return false;
	const char *what = t->rule ? t->rule(v, &key, j->arena) : NULL;
	return !what || refuse(j, key, what);
}

/* 0, -GT_EINVALID, -GT_ENOMEM. */
static int judged(struct judge *j, const struct gt_type *t,
                  const struct gt_json_node *v)
{
	bool ok = check(j, t, v);
	if (gt_arena_short(j->arena))
		return -GT_ENOMEM;
	return ok ? 0 : -GT_EINVALID;
}

int gt_xapi_check(const struct gt_json_node *statement,
                  enum gt_xapi_version version, struct gt_arena *arena,
                  const char *place, char *why, size_t why_cap)
{
	struct judge j = {.version = version,
	                  .arena = arena,
	                  .place = place,
	                  .why = why,
	                  .cap = why_cap};
	return judged(&j, &gt_type_statement, statement);
}

int gt_xapi_check_text(struct gt_bytes json, enum gt_xapi_kind kind,
                       enum gt_xapi_version version, char *why, size_t why_cap)
{
	static const struct gt_type *const types[] = {
	        [GT_XAPI_AUTHORITY] = &gt_type_authority,
	        [GT_XAPI_AGENT] = &gt_type_agent,
	        [GT_XAPI_ACTOR] = &gt_type_identified};
	const struct gt_json_node *v;
	struct gt_json_fault fault;
	struct gt_arena *arena = gt_arena_new();
	struct judge j = {.version = version,
	                  .arena = arena,
	                  .place = "",
	                  .why = why,
	                  .cap = why_cap};
	gt_format(why, why_cap, "%s", "");
	int rc = arena ? gt_json_tree(&v, arena, json, &fault) : -GT_ENOMEM;
	if (rc == 0)
		rc = judged(&j, types[kind], v);
	if (rc == -GT_EMALFORMED) {
		gt_format(why, why_cap, "not JSON: %s at byte %zu", fault.what,
		          fault.at);
		rc = -GT_EINVALID;
	}
	gt_arena_free(arena);
	return rc;
}
