/* xapi_rules.c: what of a statement depends on more than one of its values, or
 * on the size of one.
 * Tests: u_statement.c. */
#include "xapi_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------- numbers */

const char *gt_rule_scaled(const struct gt_json_node *v, const char **key,
                           struct gt_arena *arena)
{
	(void)key;
	(void)arena;
	return fabs(gt_json_double(v)) <= 1 ? NULL
	                                    : "must lie between -1 and 1";
}

const char *gt_rule_length(const struct gt_json_node *v, const char **key,
                           struct gt_arena *arena)
{
	double d = gt_json_double(v);
	(void)key;
	(void)arena;
	return d >= 0 && d == floor(d) ? NULL
	                               : "must be a whole number of bytes";
}

/* No min above max. As large as max it may be: H5P says so of what cannot be
 * scored, {"min":0,"max":0,"raw":0}. */
const char *gt_rule_score(const struct gt_json_node *v, const char **key,
                          struct gt_arena *arena)
{
	const struct gt_json_node *raw = gt_json_find(v, "raw");
	const struct gt_json_node *min = gt_json_find(v, "min");
	const struct gt_json_node *max = gt_json_find(v, "max");
	(void)arena;
	*key = "min";
	if (min && max && gt_json_double(min) > gt_json_double(max))
		return "must not be more than max";
	*key = "raw";
	if (raw && min && gt_json_double(raw) < gt_json_double(min))
		return "must not be less than min";
	if (raw && max && gt_json_double(raw) > gt_json_double(max))
		return "must not be more than max";
	return NULL;
}

/* ----------------------------------------------------------- actors */

static int identifiers(const struct gt_json_node *v)
{
	return !!gt_json_find(v, "mbox") + !!gt_json_find(v, "mbox_sha1sum") +
	       !!gt_json_find(v, "openid") + !!gt_json_find(v, "account");
}

static uint32_t members(const struct gt_json_node *v)
{
	const struct gt_json_node *list = gt_json_find(v, "member");
	return list ? list->n : 0;
}

const char *gt_rule_agent(const struct gt_json_node *v, const char **key,
                          struct gt_arena *arena)
{
	(void)key;
	(void)arena;
	return identifiers(v) == 1 ? NULL
	                           : "must have exactly one of mbox, "
	                             "mbox_sha1sum, openid, account";
}

const char *gt_rule_group(const struct gt_json_node *v, const char **key,
                          struct gt_arena *arena)
{
	int n = identifiers(v);
	(void)arena;
	if (n > 1)
		return "must have at most one of mbox, mbox_sha1sum, openid, "
		       "account";
	*key = "member";
	return n == 1 || members(v) > 0
	               ? NULL
	               : "is missing in a group nothing identifies";
}

const char *gt_rule_identified(const struct gt_json_node *v, const char **key,
                               struct gt_arena *arena)
{
	return gt_rule_agent(v, key, arena);
}

/* An agent, or the pair of agents that OAuth makes. */
const char *gt_rule_authority(const struct gt_json_node *v, const char **key,
                              struct gt_arena *arena)
{
	(void)key;
	(void)arena;
	if (!gt_json_is(gt_json_find(v, "objectType"), "Group") ||
	    (identifiers(v) == 0 && members(v) == 2))
		return NULL;
	return "as a group must be unidentified and have two members";
}

/* ------------------------------------------------------- activities */

static int by_id(const void *a, const void *b)
{
	const struct gt_json_node *x = *(const struct gt_json_node *const *)a;
	const struct gt_json_node *y = *(const struct gt_json_node *const *)b;
	int order = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
	return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

const char *gt_rule_components(const struct gt_json_node *v, const char **key,
                               struct gt_arena *arena)
{
	size_t n = 0;
	const struct gt_json_node **ids =
	        gt_arena_get(arena, (v->n + 1) * sizeof *ids);
	(void)key;
	if (!ids)
		return NULL; /* the arena says so */
	for (const struct gt_json_node *m = v->first; m; m = m->next)
		ids[n++] = gt_json_find(m, "id");
	qsort(ids, n, sizeof *ids, by_id);
	for (size_t i = 1; i < n; i++)
		if (by_id(&ids[i - 1], &ids[i]) == 0)
			return "has the same id twice";
	return NULL;
}

/* Which lists of components go with which interaction. */
const char *gt_rule_definition(const struct gt_json_node *v, const char **key,
                               struct gt_arena *arena)
{
	static const char *const pairs[][2] = {
	        {"choices", "choice sequencing"}, {"scale", "likert"},
	        {"source", "matching"},           {"target", "matching"},
	        {"steps", "performance"},
	};
	const char *type = gt_json_text_of(gt_json_find(v, "interactionType"));
	(void)arena;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		*key = pairs[i][0];
		if (gt_json_find(v, *key) &&
		    (*type == '\0' || !strstr(pairs[i][1], type)))
			return "does not go with the interactionType";
	}
	*key = "interactionType";
	return gt_json_find(v, "correctResponsesPattern") && *type == '\0'
	               ? "is missing"
	               : NULL;
}

const char *gt_rule_types(const struct gt_json_node *v, const char **key,
                          struct gt_arena *arena)
{
	(void)key;
	(void)arena;
	return v->n > 0 ? NULL : "must not be empty";
}

/* ------------------------------------------------------- statements */

/* Also of a SubStatement. */
const char *gt_rule_statement(const struct gt_json_node *v, const char **key,
                              struct gt_arena *arena)
{
	static const char voided[] = "http://adlnet.gov/expapi/verbs/voided";
	const struct gt_json_node *kind =
	        gt_json_find(gt_json_find(v, "object"), "objectType");
	const struct gt_json_node *where = gt_json_find(v, "context");
	bool is_activity = !kind || gt_json_is(kind, "Activity");
	(void)arena;
	*key = "context.revision";
	if (!is_activity && gt_json_find(where, "revision"))
		return "only goes with an activity as object";
	*key = "context.platform";
	if (!is_activity && gt_json_find(where, "platform"))
		return "only goes with an activity as object";
	*key = "object.objectType";
	if (gt_json_is(gt_json_find(gt_json_find(v, "verb"), "id"), voided) &&
	    !gt_json_is(kind, "StatementRef"))
		return "must be \"StatementRef\" when the verb voids";
	return NULL;
}
