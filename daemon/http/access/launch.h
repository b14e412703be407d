/* launch.h: courses that were launched (cmi5): what each may, for a while.
 *
 * A launch has a secret that is good for one use, within minutes, and buys the
 * token of its session, which is good for hours. It is bound to a learner, a
 * registration and an activity. Each is a file in a folder of its own, so that a
 * classroom that begins at once costs as many small files and not one large one
 * again and again; it holds hashes, and the use of the secret is durable before
 * the token is told. What has ended is removed. Any thread.
 * Tests: u_launch.c, e2e/test_launch.py. */
#ifndef GT_LAUNCH_H
#define GT_LAUNCH_H

#include <jansson.h>

#include "access.h"

enum {
	GT_LAUNCHES_MAX = 4096,
	GT_LAUNCH_ID = 37,               /* a UUID, the end with it */
	GT_LAUNCH_KEY = 80,              /* what the fetch URL has */
	GT_LAUNCH_TTL_MS = 1800000,      /* of the secret, by itself */
	GT_LAUNCH_SESSION_MS = 28800000, /* of the token */
	GT_LAUNCH_TEXT = 8192,           /* of an activity or an agent */
};
#define GT_LAUNCH_LONGEST_MS ((int64_t)7 * 86400000)

/* A session, as it is bound. */
struct gt_launch {
	char session[GT_LAUNCH_ID], registration[GT_LAUNCH_ID];
	const char *activity, *agent; /* an IRI, and JSON */
	int64_t fetch_until_ms;       /* the secret */
	int64_t session_ms; /* the token counts so long from then on */
};

struct gt_launches;

/* Reads what is in the folder, and makes it with the first launch; what has ended,
 * or is no launch, is removed from it. NULL: out of memory. */
struct gt_launches *gt_launches_new(const char *folder);
void gt_launches_free(struct gt_launches *l); /* NULL is fine */

/* Adds one; of another of the same learner, registration and activity the session
 * has ended. key: for the fetch URL, told this once. 0; -GT_ESTATE: there are too
 * many; -GT_ECONFLICT: the session is there; -GT_EIO, -GT_ENOMEM, with why. */
int gt_launches_add(struct gt_launches *l, const struct gt_launch *launch,
                    char key[GT_LAUNCH_KEY], char *why, size_t why_cap);
/* Ends a session. */
void gt_launches_end(struct gt_launches *l, const char *session);

/* Gives the token for the key, once: name and secret, as HTTP Basic has them. 0;
 * -GT_ESTATE: it was given, or it is too late; -GT_EIDENTITY: there is no such
 * key; -GT_EIO, -GT_ENOMEM: it is not given, and may be asked for again. */
int gt_launches_fetch(struct gt_launches *l, const char *key, int64_t now_ms,
                      char session[GT_LAUNCH_ID],
                      char token[GT_CREDENTIAL_SECRET]);
/* Whether a name is one of a session, at that moment. */
bool gt_launches_has(struct gt_launches *l, const char *session,
                     int64_t now_ms);
/* Is that the token of that session, at that moment? 0, with what it is bound to
 * in *bound, to be freed by the caller: {"session","registration","activity",
 * "agent"}; -GT_EIDENTITY; -GT_ESTATE: it has ended; -GT_ENOMEM. */
int gt_launches_prove(struct gt_launches *l, const char *session,
                      const char *token, int64_t now_ms, json_t **bound);
/* As gt_access_spend, from what every session may: a course in a browser, not a
 * relay. */
int gt_launches_spend(struct gt_launches *l, const char *session,
                      enum gt_quota_kind kind, uint64_t n, uint64_t now_ms,
                      int64_t *wait_ms);
/* Removes what has ended. */
void gt_launches_sweep(struct gt_launches *l, int64_t now_ms);
/* How many there are. */
size_t gt_launches_count(struct gt_launches *l);

#endif
