/* query.h: what a request under /xapi/ asks for, and which statements fit it.
 *
 * One table says which argument each request may have, which it must, of what
 * type they are and which exclude each other; xAPI 1.0.3 and 2.0.0 have the same
 * (part three, 2.1 to 2.7). Anything else is refused, and the argument is named:
 * one that is not known, is spelt with other capitals, comes twice, or whose
 * value is none.
 *
 * The filter is what of it says which statements are wanted, apart from their
 * order and time: a scan asks gt_query_matches of each, an index may be planned
 * from its members. Pure. */
#ifndef GT_QUERY_H
#define GT_QUERY_H

#include <jansson.h>

#include "base.h"

/* What is asked: a resource and what is to be done with it. */
enum gt_query_kind {
	GT_QUERY_STATEMENTS,        /* GET statements: one, or a page of them */
	GT_QUERY_STATEMENT_PUT,     /* PUT statements */
	GT_QUERY_STATEMENTS_POST,   /* POST statements, which has none */
	GT_QUERY_ACTIVITY,          /* GET activities */
	GT_QUERY_AGENT,             /* GET agents */
	GT_QUERY_STATE,             /* PUT, POST activities/state */
	GT_QUERY_STATES,            /* GET activities/state: one, or which */
	GT_QUERY_STATES_DELETE,     /* DELETE activities/state: one, or all */
	GT_QUERY_ACTIVITY_PROFILE,  /* PUT, POST, DELETE activities/profile */
	GT_QUERY_ACTIVITY_PROFILES, /* GET activities/profile: one, or which */
	GT_QUERY_AGENT_PROFILE,     /* PUT, POST, DELETE agents/profile */
	GT_QUERY_AGENT_PROFILES,    /* GET agents/profile: one, or which */
	GT_QUERY_KINDS,
};

enum gt_query_arg {
	GT_ARG_STATEMENT_ID,
	GT_ARG_VOIDED_ID,
	GT_ARG_AGENT,
	GT_ARG_VERB,
	GT_ARG_ACTIVITY,
	GT_ARG_REGISTRATION,
	GT_ARG_RELATED_ACTIVITIES,
	GT_ARG_RELATED_AGENTS,
	GT_ARG_SINCE,
	GT_ARG_UNTIL,
	GT_ARG_LIMIT,
	GT_ARG_FORMAT,
	GT_ARG_ATTACHMENTS,
	GT_ARG_ASCENDING,
	GT_ARG_MORE, /* this node's own: where the page before ended */
	GT_ARG_ACTIVITY_ID,
	GT_ARG_STATE_ID,
	GT_ARG_PROFILE_ID,
	GT_ARG_LANG, /* this node's own: of what it says, passed over here */
	GT_ARGS,
};

/* How statements are told (tell.h). */
enum gt_telling { GT_TELL_EXACT, GT_TELL_IDS, GT_TELL_CANONICAL };

/* An agent, or a group that has an identifier, by that. */
enum gt_agent_by {
	GT_AGENT_NONE,
	GT_AGENT_MBOX,
	GT_AGENT_SHA1,
	GT_AGENT_OPENID,
	GT_AGENT_ACCOUNT,
};
struct gt_agent {
	enum gt_agent_by by;
	const char *id;   /* mbox, mbox_sha1sum, openid, the account's name */
	const char *home; /* of an account, homePage */
};
/* What identifies that actor, its texts borrowed. GT_AGENT_NONE: nothing. */
struct gt_agent gt_agent_of(const json_t *actor);
/* By the same identifier the same; of a digest in either case. */
bool gt_agent_same(const struct gt_agent *a, const struct gt_agent *b);

/* Which statements; NULL, false, GT_AGENT_NONE: whatever it is. */
struct gt_filter {
	struct gt_agent agent;
	const char *verb, *activity;
	bool registered; /* registration counts */
	uint8_t registration[GT_UUID_BYTES];
	bool related_activities, related_agents; /* anywhere in a statement */
};
bool gt_filter_any(const struct gt_filter *f); /* whether it asks anything */

struct gt_query_args {
	enum gt_query_kind kind;
	unsigned given;            /* 1u << enum gt_query_arg */
	uint8_t id[GT_UUID_BYTES]; /* statementId or voidedStatementId */
	struct gt_filter filter;   /* agent and registration of documents too */
	json_t *agent;
	const char *text[GT_ARGS];  /* each as it was given; NULL: it was not */
	int64_t since_ms, until_ms; /* INT64_MIN, INT64_MAX: not given */
	unsigned since_mark, until_mark; /* stored.h */
	uint64_t limit;                  /* 0: as many as there may be */
	enum gt_telling telling;         /* format */
	bool attachments, ascending;
};

/* Why a request is refused. */
enum gt_query_wrong {
	GT_WRONG_UNKNOWN,  /* name is no argument of it */
	GT_WRONG_CASE,     /* ... but other is, in other letters */
	GT_WRONG_TWICE,    /* name comes twice */
	GT_WRONG_VALUE,    /* its value is none: what says why, if it knows */
	GT_WRONG_MISSING,  /* there must be one */
	GT_WRONG_TOGETHER, /* name does not go with other */
};
struct gt_query_flaw {
	enum gt_query_wrong wrong;
	char name[40]; /* ASCII */
	const char *other;
	char what[200];
};

/* Nothing is given yet. */
void gt_query_begin(struct gt_query_args *q, enum gt_query_kind kind);
/* Takes an argument, which must outlive q. False, and flaw. */
bool gt_query_take(struct gt_query_args *q, const char *name, const char *value,
                   struct gt_query_flaw *flaw);
/* All that there are have been taken: is what must be there, and nothing with
 * what it does not go with? False, and flaw. */
bool gt_query_end(const struct gt_query_args *q, struct gt_query_flaw *flaw);
/* Was it given? */
bool gt_query_has(const struct gt_query_args *q, enum gt_query_arg arg);
/* As it is spelt. */
const char *gt_query_name(enum gt_query_arg arg);
/* Also of one that was only begun. */
void gt_query_free(struct gt_query_args *q);

/* Does that statement by itself fit? authority: who vouches for it, NULL: as its
 * own says. A statement that targets another one (gt_query_target) fits too if
 * that one does; to look it up is the caller's. */
bool gt_query_matches(const struct gt_filter *f, const json_t *statement,
                      const json_t *authority);
/* Can the statement in that text fit, or target one that does? Far quicker than
 * to read it: it is asked first. */
bool gt_query_may_match(const struct gt_filter *f, struct gt_bytes body,
                        const char *authority);
/* The statement that is its object. False: its object is something else. */
bool gt_query_target(const json_t *statement, uint8_t id[GT_UUID_BYTES]);

#endif
