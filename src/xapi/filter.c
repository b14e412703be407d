/* filter.c: which statements a query is for.
 * Tests: u_query.c. */
#include <string.h>

#include "json.h"
#include "query.h"
#include "statement.h"

/* ------------------------------------------------------------ agents */

struct gt_agent gt_agent_of(const json_t *actor)
{
	static const struct {
		enum gt_agent_by by;
		const char *key;
	} row[] = {{GT_AGENT_MBOX, "mbox"},
	           {GT_AGENT_SHA1, "mbox_sha1sum"},
	           {GT_AGENT_OPENID, "openid"}};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const char *id =
		        json_string_value(json_object_get(actor, row[i].key));
		if (id)
			return (struct gt_agent){row[i].by, id, ""};
	}
	const json_t *account = json_object_get(actor, "account");
	if (!account)
		return (struct gt_agent){GT_AGENT_NONE, "", ""};
	return (struct gt_agent){GT_AGENT_ACCOUNT,
	                         gt_json_member(account, "name"),
	                         gt_json_member(account, "homePage")};
}

bool gt_agent_same(const struct gt_agent *a, const struct gt_agent *b)
{
	if (a->by != b->by)
		return false;
	return (a->by == GT_AGENT_SHA1 ? gt_alike(a->id, b->id, SIZE_MAX)
	                               : strcmp(a->id, b->id) == 0) &&
	       strcmp(a->home, b->home) == 0;
}

/* An agent, or a group that is the one asked for or has it as a member. */
static bool is_actor(const struct gt_filter *f, const json_t *v)
{
	struct gt_agent a = gt_agent_of(v);
	const json_t *members = json_object_get(v, "member");
	if (a.by != GT_AGENT_NONE && gt_agent_same(&f->agent, &a))
		return true;
	for (size_t i = 0; i < json_array_size(members); i++) {
		a = gt_agent_of(json_array_get(members, i));
		if (gt_agent_same(&f->agent, &a))
			return true;
	}
	return false;
}

/* One of those in a list, each under its key. */
static bool is_among(const struct gt_filter *f, const json_t *list,
                     const char *key)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (is_actor(f, json_object_get(json_array_get(list, i), key)))
			return true;
	return false;
}

static bool is_kind(const json_t *object, const char *kind)
{
	return strcmp(gt_json_member(object, "objectType"), kind) == 0;
}

static bool in_context(const struct gt_filter *f, const json_t *context)
{
	return is_actor(f, json_object_get(context, "instructor")) ||
	       is_actor(f, json_object_get(context, "team")) ||
	       is_among(f, json_object_get(context, "contextAgents"),
	                "agent") ||
	       is_among(f, json_object_get(context, "contextGroups"), "group");
}

/* Who did it, or to whom it was done: of a statement, or a SubStatement. */
static bool agent_near(const struct gt_filter *f, const json_t *v)
{
	const json_t *object = json_object_get(v, "object");
	if (is_actor(f, json_object_get(v, "actor")))
		return true;
	return (is_kind(object, "Agent") || is_kind(object, "Group")) &&
	       is_actor(f, object);
}

static bool agent_fits(const struct gt_filter *f, const json_t *v,
                       const json_t *authority)
{
	const json_t *object = json_object_get(v, "object");
	if (agent_near(f, v))
		return true;
	if (!f->related_agents)
		return false;
	if (is_actor(f, authority) ||
	    in_context(f, json_object_get(v, "context")))
		return true;
	return is_kind(object, "SubStatement") &&
	       (agent_near(f, object) ||
	        in_context(f, json_object_get(object, "context")));
}

/* --------------------------------------------------------- the others */

static bool is_activity(const struct gt_filter *f, const json_t *v)
{
	return strcmp(gt_json_member(v, "id"), f->activity) == 0;
}

static bool activity_near(const struct gt_filter *f, const json_t *v)
{
	const json_t *object = json_object_get(v, "object");
	const char *kind = gt_json_member(object, "objectType");
	return (*kind == '\0' || strcmp(kind, "Activity") == 0) &&
	       is_activity(f, object);
}

/* A single one, as it may have been handed in, or a list. */
static bool in_activities(const struct gt_filter *f, const json_t *context)
{
	static const char *const keys[] = {"parent", "grouping", "category",
	                                   "other"};
	const json_t *all = json_object_get(context, "contextActivities");
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		const json_t *v = json_object_get(all, keys[k]);
		if (json_is_object(v) && is_activity(f, v))
			return true;
		for (size_t i = 0; i < json_array_size(v); i++)
			if (is_activity(f, json_array_get(v, i)))
				return true;
	}
	return false;
}

static bool activity_fits(const struct gt_filter *f, const json_t *v)
{
	const json_t *object = json_object_get(v, "object");
	if (activity_near(f, v))
		return true;
	if (!f->related_activities)
		return false;
	if (in_activities(f, json_object_get(v, "context")))
		return true;
	return is_kind(object, "SubStatement") &&
	       (activity_near(f, object) ||
	        in_activities(f, json_object_get(object, "context")));
}

static bool registration_fits(const struct gt_filter *f, const json_t *v)
{
	uint8_t id[GT_UUID_BYTES];
	return gt_uuid_parse(id, gt_json_member(json_object_get(v, "context"),
	                                        "registration")) &&
	       memcmp(id, f->registration, GT_UUID_BYTES) == 0;
}

bool gt_filter_any(const struct gt_filter *f)
{
	return f->agent.by != GT_AGENT_NONE || f->verb || f->activity ||
	       f->registered;
}

bool gt_query_matches(const struct gt_filter *f, const json_t *v,
                      const json_t *authority)
{
	if (f->verb && strcmp(gt_json_member(json_object_get(v, "verb"), "id"),
	                      f->verb) != 0)
		return false;
	if (f->registered && !registration_fits(f, v))
		return false;
	if (f->activity && !activity_fits(f, v))
		return false;
	return f->agent.by == GT_AGENT_NONE ||
	       agent_fits(f, v,
	                  authority ? authority
	                            : json_object_get(v, "authority"));
}

bool gt_query_target(const json_t *v, uint8_t id[GT_UUID_BYTES])
{
	const json_t *object = json_object_get(v, "object");
	return is_kind(object, "StatementRef") &&
	       gt_uuid_parse(id, gt_json_member(object, "id"));
}

/* -------------------------------------------------------- at a glance */

static bool holds(struct gt_bytes in, const char *what)
{
	size_t n = strlen(what);
	const uint8_t *p = in.p;
	while (in.n >= n) {
		const uint8_t *at = n ? memchr(p, *what, in.n - n + 1) : p;
		if (!at)
			return false;
		if (memcmp(at, what, n) == 0)
			return true;
		in.n -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	return false;
}

/* As it stands there, or spelt otherwise: with an escape, or in other
 * letters. */
static bool agent_may(const struct gt_filter *f, struct gt_bytes in)
{
	return f->agent.by == GT_AGENT_NONE || f->agent.by == GT_AGENT_SHA1 ||
	       (holds(in, f->agent.id) && holds(in, f->agent.home));
}

bool gt_query_may_match(const struct gt_filter *f, struct gt_bytes body,
                        const char *authority)
{
	if (body.n == 0 || memchr(body.p, '\\', body.n) ||
	    holds(body, "StatementRef"))
		return true;
	if ((f->verb && !holds(body, f->verb)) ||
	    (f->activity && !holds(body, f->activity)) ||
	    (f->registered && !holds(body, "registration")))
		return false;
	if (agent_may(f, body))
		return true;
	struct gt_bytes who = gt_bytes_str(authority);
	return f->related_agents &&
	       (memchr(who.p, '\\', who.n) || agent_may(f, who));
}
