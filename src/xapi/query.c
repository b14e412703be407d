/* query.c: the arguments of a request.
 * Tests: u_query.c, fuzz/f_query.c. */
#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "statement.h"
#include "stored.h"
#include "xapi.h"

/* ------------------------------------------------------- their types */

/* Takes a value. False: it is none; flaw->what may say more. */
typedef bool take_fn(struct gt_query_args *q, enum gt_query_arg arg,
                     const char *value, struct gt_query_flaw *flaw);

static bool take_id(struct gt_query_args *q, enum gt_query_arg arg,
                    const char *value, struct gt_query_flaw *flaw)
{
	(void)arg;
	(void)flaw;
	return gt_uuid_parse(q->id, value);
}

static bool take_registration(struct gt_query_args *q, enum gt_query_arg arg,
                              const char *value, struct gt_query_flaw *flaw)
{
	(void)arg;
	(void)flaw;
	q->filter.registered = gt_uuid_parse(q->filter.registration, value);
	return q->filter.registered;
}

static bool take_agent(struct gt_query_args *q, enum gt_query_arg arg,
                       const char *value, struct gt_query_flaw *flaw)
{
	struct gt_bytes json = gt_bytes_str(value);
	bool page = q->kind == GT_QUERY_STATEMENTS;
	(void)arg;
	if (gt_xapi_check_text(json, page ? GT_XAPI_ACTOR : GT_XAPI_AGENT,
	                       GT_XAPI_ANY, flaw->what, sizeof flaw->what) != 0)
		return false;
	q->agent = gt_json_load(json, GT_JSON_STRICT, NULL);
	if (!q->agent)
		return false;
	q->filter.agent = gt_agent_of(q->agent);
	return true;
}

static bool take_iri(struct gt_query_args *q, enum gt_query_arg arg,
                     const char *value, struct gt_query_flaw *flaw)
{
	if (!gt_xapi_is_iri(value)) {
		gt_copy(flaw->what, sizeof flaw->what, "not an absolute IRI");
		return false;
	}
	if (arg == GT_ARG_VERB)
		q->filter.verb = value;
	if (arg == GT_ARG_ACTIVITY)
		q->filter.activity = value;
	return true;
}

static bool take_text(struct gt_query_args *q, enum gt_query_arg arg,
                      const char *value, struct gt_query_flaw *flaw)
{
	(void)q;
	(void)flaw;
	return *value != '\0' || arg == GT_ARG_LANG;
}

static bool take_bool(struct gt_query_args *q, enum gt_query_arg arg,
                      const char *value, struct gt_query_flaw *flaw)
{
	bool yes = strcmp(value, "true") == 0;
	(void)flaw;
	if (arg == GT_ARG_RELATED_ACTIVITIES)
		q->filter.related_activities = yes;
	else if (arg == GT_ARG_RELATED_AGENTS)
		q->filter.related_agents = yes;
	else if (arg == GT_ARG_ATTACHMENTS)
		q->attachments = yes;
	else
		q->ascending = yes;
	return yes || strcmp(value, "false") == 0;
}

static bool take_time(struct gt_query_args *q, enum gt_query_arg arg,
                      const char *value, struct gt_query_flaw *flaw)
{
	bool since = arg == GT_ARG_SINCE;
	if (gt_stored_parse(since ? &q->since_ms : &q->until_ms,
	                    since ? &q->since_mark : &q->until_mark, value))
		return true;
	gt_copy(flaw->what, sizeof flaw->what,
	        "not an ISO 8601 time (RFC 3339)");
	return false;
}

static bool take_limit(struct gt_query_args *q, enum gt_query_arg arg,
                       const char *value, struct gt_query_flaw *flaw)
{
	size_t n = strlen(value);
	(void)arg;
	(void)flaw;
	if (n == 0 || n > 18 || strspn(value, "0123456789") != n)
		return false;
	q->limit = strtoull(value, NULL, 10);
	return true;
}

static bool take_format(struct gt_query_args *q, enum gt_query_arg arg,
                        const char *value, struct gt_query_flaw *flaw)
{
	static const char *const words[] = {[GT_TELL_EXACT] = "exact",
	                                    [GT_TELL_IDS] = "ids",
	                                    [GT_TELL_CANONICAL] = "canonical"};
	(void)arg;
	(void)flaw;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(value, words[i]) == 0) {
			q->telling = (enum gt_telling)i;
			return true;
		}
	return false;
}

/* -------------------------------------------------------- the tables */

static const struct {
	const char *name;
	take_fn *take;
} args[GT_ARGS] = {
        [GT_ARG_STATEMENT_ID] = {"statementId", take_id},
        [GT_ARG_VOIDED_ID] = {"voidedStatementId", take_id},
        [GT_ARG_AGENT] = {"agent", take_agent},
        [GT_ARG_VERB] = {"verb", take_iri},
        [GT_ARG_ACTIVITY] = {"activity", take_iri},
        [GT_ARG_REGISTRATION] = {"registration", take_registration},
        [GT_ARG_RELATED_ACTIVITIES] = {"related_activities", take_bool},
        [GT_ARG_RELATED_AGENTS] = {"related_agents", take_bool},
        [GT_ARG_SINCE] = {"since", take_time},
        [GT_ARG_UNTIL] = {"until", take_time},
        [GT_ARG_LIMIT] = {"limit", take_limit},
        [GT_ARG_FORMAT] = {"format", take_format},
        [GT_ARG_ATTACHMENTS] = {"attachments", take_bool},
        [GT_ARG_ASCENDING] = {"ascending", take_bool},
        [GT_ARG_MORE] = {"more", take_text},
        [GT_ARG_ACTIVITY_ID] = {"activityId", take_iri},
        [GT_ARG_STATE_ID] = {"stateId", take_text},
        [GT_ARG_PROFILE_ID] = {"profileId", take_text},
        [GT_ARG_LANG] = {"lang", take_text},
};

#define A(arg) (1u << GT_ARG_##arg)
/* Of a page of statements, which a single one is not asked with. */
#define PAGE                                                               \
	(A(AGENT) | A(VERB) | A(ACTIVITY) | A(REGISTRATION) |              \
	 A(RELATED_ACTIVITIES) | A(RELATED_AGENTS) | A(SINCE) | A(UNTIL) | \
	 A(LIMIT) | A(ASCENDING) | A(MORE))

static const struct {
	unsigned must, may;
} kinds[GT_QUERY_KINDS] = {
        [GT_QUERY_STATEMENTS] = {0, PAGE | A(STATEMENT_ID) | A(VOIDED_ID) |
                                            A(FORMAT) | A(ATTACHMENTS)},
        [GT_QUERY_STATEMENT_PUT] = {A(STATEMENT_ID), 0},
        [GT_QUERY_STATEMENTS_POST] = {0, 0},
        [GT_QUERY_ACTIVITY] = {A(ACTIVITY_ID), 0},
        [GT_QUERY_AGENT] = {A(AGENT), 0},
        [GT_QUERY_STATE] = {A(ACTIVITY_ID) | A(AGENT) | A(STATE_ID),
                            A(REGISTRATION)},
        [GT_QUERY_STATES] = {A(ACTIVITY_ID) | A(AGENT),
                             A(STATE_ID) | A(REGISTRATION) | A(SINCE)},
        [GT_QUERY_STATES_DELETE] = {A(ACTIVITY_ID) | A(AGENT),
                                    A(STATE_ID) | A(REGISTRATION)},
        [GT_QUERY_ACTIVITY_PROFILE] = {A(ACTIVITY_ID) | A(PROFILE_ID), 0},
        [GT_QUERY_ACTIVITY_PROFILES] = {A(ACTIVITY_ID),
                                        A(PROFILE_ID) | A(SINCE)},
        [GT_QUERY_AGENT_PROFILE] = {A(AGENT) | A(PROFILE_ID), 0},
        [GT_QUERY_AGENT_PROFILES] = {A(AGENT), A(PROFILE_ID) | A(SINCE)},
};

/* What does not go together. */
static const struct {
	enum gt_query_arg with;
	unsigned never;
} together[] = {
        {GT_ARG_STATEMENT_ID, PAGE | A(VOIDED_ID)},
        {GT_ARG_VOIDED_ID, PAGE | A(STATEMENT_ID)},
        {GT_ARG_STATE_ID, A(SINCE)},
        {GT_ARG_PROFILE_ID, A(SINCE)},
};

/* ------------------------------------------------------- a request's */

static bool refuse(struct gt_query_flaw *flaw, enum gt_query_wrong wrong,
                   const char *name, const char *other)
{
	size_t n = 0;
	flaw->wrong = wrong;
	flaw->other = other;
	for (; name[n] && n < sizeof flaw->name - 1; n++)
		flaw->name[n] = name[n] > ' ' && name[n] < 0x7f ? name[n] : '?';
	flaw->name[n] = '\0';
	return false;
}

void gt_query_begin(struct gt_query_args *q, enum gt_query_kind kind)
{
	*q = (struct gt_query_args){
	        .kind = kind, .since_ms = INT64_MIN, .until_ms = INT64_MAX};
}

static enum gt_query_arg find(const char *name, unsigned of, bool alike)
{
	unsigned i = 0;
	for (; i < GT_ARGS; i++)
		if (of & 1u << i &&
		    (alike ? gt_alike(name, args[i].name, SIZE_MAX)
		           : strcmp(name, args[i].name) == 0))
			break;
	return (enum gt_query_arg)i;
}

bool gt_query_take(struct gt_query_args *q, const char *name, const char *value,
                   struct gt_query_flaw *flaw)
{
	unsigned of = kinds[q->kind].must | kinds[q->kind].may | A(LANG);
	enum gt_query_arg arg = find(name, of, false);
	flaw->what[0] = '\0';
	if (arg == GT_ARGS) {
		arg = find(name, of, true);
		return arg == GT_ARGS
		               ? refuse(flaw, GT_WRONG_UNKNOWN, name, NULL)
		               : refuse(flaw, GT_WRONG_CASE, name,
		                        args[arg].name);
	}
	if (q->given & 1u << arg)
		return refuse(flaw, GT_WRONG_TWICE, name, NULL);
	q->given |= 1u << arg;
	q->text[arg] = value;
	return args[arg].take(q, arg, value, flaw) ||
	       refuse(flaw, GT_WRONG_VALUE, name, NULL);
}

bool gt_query_end(const struct gt_query_args *q, struct gt_query_flaw *flaw)
{
	flaw->what[0] = '\0';
	for (unsigned i = 0; i < GT_ARGS; i++)
		if (kinds[q->kind].must & ~q->given & 1u << i)
			return refuse(flaw, GT_WRONG_MISSING, args[i].name,
			              NULL);
	for (size_t k = 0; k < sizeof together / sizeof *together; k++) {
		if (!gt_query_has(q, together[k].with))
			continue;
		for (unsigned i = 0; i < GT_ARGS; i++)
			if (together[k].never & q->given & 1u << i)
				return refuse(flaw, GT_WRONG_TOGETHER,
				              args[i].name,
				              args[together[k].with].name);
	}
	return true;
}

bool gt_query_has(const struct gt_query_args *q, enum gt_query_arg arg)
{
	return q->given & 1u << arg;
}

const char *gt_query_name(enum gt_query_arg arg)
{
	return args[arg].name;
}

void gt_query_free(struct gt_query_args *q)
{
	json_decref(q->agent);
	q->agent = NULL;
}
