/* http_launch.c: a course is launched (cmi5): the learner's session is made, what
 * the course has to know is put where it looks, and that it was launched is
 * recorded; only then is its URL told.
 * Tests: e2e/test_launch.py. */
#include "http_xapi_inside.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "document.h"
#include "iso8601.h"
#include "json.h"
#include "launch.h"
#include "log.h"
#include "statement.h"
#include "sys.h"

#define CMI5 "https://w3id.org/xapi/cmi5/context/"

/* A launch on its way. Texts are of body. */
struct gt_launching {
	json_t *body;
	const char *activity, *url, *publisher, *mode, *move_on, *endpoint;
	char session[GT_LAUNCH_ID], registration[GT_LAUNCH_ID];
	char key[GT_LAUNCH_KEY];
	char *agent; /* JSON */
	int64_t now_ms, fetch_until_ms, session_ms;
	char home[300]; /* where terminals find the node */
};

void gt_http_launching_free(struct gt_launching *g)
{
	if (!g)
		return;
	json_decref(g->body);
	free(g->agent);
	OPENSSL_cleanse(g, sizeof *g);
	free(g);
}

/* ------------------------------------------------------- what is asked */

static void make_uuid(char out[GT_LAUNCH_ID])
{
	uint8_t id[GT_UUID_BYTES];
	gt_sys_random(id, sizeof id);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	gt_uuid_format(out, id);
}

static bool one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

static const char *or_else(const json_t *v, const char *key, const char *text)
{
	const char *is = gt_json_member(v, key);
	return *is ? is : text;
}

/* A page's address: http or https, whole, of characters that a URL may have. */
static bool is_url(const char *text)
{
	size_t n = strlen(text);
	if (strncmp(text, "http://", 7) != 0 &&
	    strncmp(text, "https://", 8) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	return n > 8 && n < GT_LAUNCH_TEXT && !strchr(text, '#');
}

/* cmi5 has four decimal places, from 0 to 1. */
static bool is_score(const json_t *v)
{
	double d = json_number_value(v);
	return !v || (json_is_number(v) && d >= 0 && d <= 1);
}

static bool is_span(int64_t *out, const json_t *v, const char *key,
                    int64_t by_itself)
{
	const json_t *n = json_object_get(v, key);
	*out = n ? json_integer_value(n) : by_itself;
	return *out > 0 && *out <= GT_LAUNCH_LONGEST_MS;
}

static bool is_agent(struct gt_launching *g)
{
	const json_t *agent = json_object_get(g->body, "agent");
	const json_t *account = json_object_get(agent, "account");
	const char *type = gt_json_member(agent, "objectType");
	g->agent = json_is_object(account) ? json_dumps(agent, JSON_COMPACT)
	                                   : NULL;
	return g->agent && strlen(g->agent) < GT_LAUNCH_TEXT &&
	       (!*type || strcmp(type, "Agent") == 0);
}

static bool is_registration(struct gt_launching *g)
{
	uint8_t id[GT_UUID_BYTES];
	const char *text = gt_json_member(g->body, "registration");
	if (!*text) {
		make_uuid(g->registration);
		return true;
	}
	bool is = gt_uuid_parse(id, text);
	if (is)
		gt_uuid_format(g->registration, id);
	return is;
}

/* NULL: all is well; else the member that is not. */
static const char *understand(struct gt_launching *g)
{
	static const char *const modes[] = {"Normal", "Browse", "Review", NULL};
	static const char *const moves[] = {"Passed",
	                                    "Completed",
	                                    "CompletedAndPassed",
	                                    "CompletedOrPassed",
	                                    "NotApplicable",
	                                    NULL};
	const json_t *v = g->body;
	int64_t ttl_ms;
	g->now_ms = gt_sys_now().wall_ms;
	g->activity = gt_json_member(v, "activity");
	g->url = gt_json_member(v, "url");
	g->publisher = or_else(v, "publisher_id", g->activity);
	g->mode = or_else(v, "mode", "Normal");
	g->move_on = or_else(v, "move_on", "NotApplicable");
	g->endpoint = gt_json_member(v, "endpoint");
	make_uuid(g->session);
	if (!*g->activity || strlen(g->activity) >= GT_LAUNCH_TEXT)
		return "activity";
	if (!is_agent(g))
		return "agent";
	if (!is_url(g->url))
		return "url";
	if (*g->endpoint && !is_url(g->endpoint))
		return "endpoint";
	if (!is_registration(g))
		return "registration";
	if (!one_of(g->mode, modes))
		return "mode";
	if (!one_of(g->move_on, moves))
		return "move_on";
	if (!is_score(json_object_get(v, "mastery_score")))
		return "mastery_score";
	if (!is_span(&ttl_ms, v, "ttl_ms", GT_LAUNCH_TTL_MS))
		return "ttl_ms";
	if (!is_span(&g->session_ms, v, "session_ms", GT_LAUNCH_SESSION_MS))
		return "session_ms";
	g->fetch_until_ms = g->now_ms + ttl_ms;
	return NULL;
}

/* Where terminals find the node, without a slash at its end: as it was said here,
 * or in http.url, or by the address it listens on. */
static bool find_home(struct gt_request *rq, struct gt_launching *g)
{
	const struct gt_config *c = rq->http->env.config;
	const char *said = *g->endpoint ? g->endpoint : c->listen_url;
	unsigned port = rq->http->ports[GT_DOOR_LEARNER];
	if (*said)
		gt_copy(g->home, sizeof g->home, said);
	else
		gt_format(g->home, sizeof g->home, "%s://127.0.0.1:%u",
		          rq->http->tls[GT_DOOR_LEARNER] ? "https" : "http",
		          port);
	size_t n = strlen(g->home);
	while (n > 0 && g->home[n - 1] == '/')
		g->home[--n] = '\0';
	return *said || port > 0;
}

/* ------------------------------------------------------- what is told */

/* Adds what the body has under `from` as `to`. */
static bool hand_on(json_t *to, const char *as, const json_t *body,
                    const char *key)
{
	json_t *v = json_object_get(body, key);
	return !v || json_is_null(v) || json_object_set(to, as, v) == 0;
}

static json_t *grouping(const struct gt_launching *g)
{
	return json_pack("[{s:s,s:s}]", "objectType", "Activity", "id",
	                 g->publisher);
}

/* LMS.LaunchData, cmi5 10.2. NULL: out of memory. */
static char *launch_data(const struct gt_launching *g)
{
	json_t *v =
	        json_pack("{s:{s:{s:o},s:{s:s}},s:s,s:s}", "contextTemplate",
	                  "contextActivities", "grouping", grouping(g),
	                  "extensions", CMI5 "extensions/sessionid", g->session,
	                  "launchMode", g->mode, "moveOn", g->move_on);
	bool ok = v && hand_on(v, "masteryScore", g->body, "mastery_score") &&
	          hand_on(v, "launchParameters", g->body, "parameters") &&
	          hand_on(v, "returnURL", g->body, "return_url") &&
	          hand_on(v, "entitlementKey", g->body, "entitlement");
	char *text = ok ? json_dumps(v, JSON_COMPACT) : NULL;
	json_decref(v);
	return text;
}

/* The node's own statement, cmi5 9.3.1. NULL: out of memory. */
static char *launched(const struct gt_launching *g)
{
	char at[GT_ISO_CHARS];
	json_t *extensions =
	        json_pack("{s:s,s:s,s:s,s:s}", CMI5 "extensions/sessionid",
	                  g->session, CMI5 "extensions/launchmode", g->mode,
	                  CMI5 "extensions/launchurl", g->url,
	                  CMI5 "extensions/moveon", g->move_on);
	bool ok = extensions &&
	          hand_on(extensions, CMI5 "extensions/masteryscore", g->body,
	                  "mastery_score") &&
	          hand_on(extensions, CMI5 "extensions/launchparameters",
	                  g->body, "parameters");
	gt_iso_format(at, g->now_ms);
	json_t *v = json_pack(
	        "{s:O,s:{s:s,s:{s:s}},s:{s:s,s:s},s:{s:s,s:{s:[{s:s}],s:o},"
	        "s:O},s:s}",
	        "actor", json_object_get(g->body, "agent"), "verb", "id",
	        "http://adlnet.gov/expapi/verbs/launched", "display", "en-US",
	        "launched", "object", "objectType", "Activity", "id",
	        g->activity, "context", "registration", g->registration,
	        "contextActivities", "category", "id", CMI5 "categories/cmi5",
	        "grouping", grouping(g), "extensions", extensions, "timestamp",
	        at);
	char *text = v && ok ? json_dumps(v, JSON_COMPACT) : NULL;
	json_decref(extensions);
	json_decref(v);
	return text;
}

/* Percent-encodes what no value of a query is without. */
static void put_value(struct gt_buffer *out, const char *key, const char *value)
{
	gt_buffer_format(out, "%s=", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if (isalnum(c) || strchr("-._~", c))
			gt_buffer_add(out, value, 1);
		else
			gt_buffer_format(out, "%%%02X", c);
	}
}

/* What a browser is sent to. NULL: out of memory. */
static char *launch_url(const struct gt_launching *g)
{
	struct gt_buffer out = {0};
	char text[sizeof g->home + GT_LAUNCH_KEY + 32];
	size_t n;
	gt_buffer_str(&out, g->url);
	gt_buffer_str(&out, strchr(g->url, '?') ? "&" : "?");
	gt_format(text, sizeof text, "%s/xapi/", g->home);
	put_value(&out, "endpoint", text);
	gt_format(text, sizeof text, "%s/launch/fetch?k=%s", g->home, g->key);
	put_value(&out, "&fetch", text);
	put_value(&out, "&actor", g->agent);
	put_value(&out, "&registration", g->registration);
	put_value(&out, "&activityId", g->activity);
	return gt_buffer_text(&out, &n);
}

/* ------------------------------------------------------------- step by step */

/* What was begun is taken back, as far as it can be: the statement is not, for it
 * is the last that can fail. */
static enum MHD_Result fail(struct gt_request *rq)
{
	gt_launches_end(rq->http->launches, rq->launching->session);
	return gt_rq_error(rq, rq->status, rq->text);
}

static enum MHD_Result told(struct gt_request *rq)
{
	const struct gt_launching *g = rq->launching;
	char fetch[GT_ISO_CHARS];
	if (rq->status != 0)
		return fail(rq);
	char *url = launch_url(g);
	gt_iso_format(fetch, g->fetch_until_ms);
	gt_log_line(GT_LOG_INFO, "launch", "session", g->session,
	            "registration", g->registration, "actor", rq->actor, NULL);
	json_t *v =
	        url ? json_pack("{s:s,s:s,s:s,s:s,s:s}", "url", url, "session",
	                        g->session, "registration", g->registration,
	                        "activity", g->activity, "fetch_until", fetch)
	            : NULL;
	free(url);
	return gt_rq_json(rq, 200, v);
}

/* The core's queue copies: nothing here outlives the call. */
static enum MHD_Result record(struct gt_request *rq)
{
	const struct gt_launching *g = rq->launching;
	uint8_t ids[1][GT_UUID_BYTES];
	struct gt_statement s;
	char why[512] = "", id[GT_LAUNCH_ID];
	if (rq->status != 0)
		return fail(rq);
	make_uuid(id);
	(void)gt_uuid_parse(ids[0], id);
	char *text = launched(g), *authority = gt_xapi_authority(rq);
	int n = text && authority
	                ? gt_statements_parse(
	                          gt_bytes_str(text), GT_XAPI_2,
	                          (const uint8_t(*)[GT_UUID_BYTES])ids, 1, &s,
	                          1, why, sizeof why)
	                : -GT_ENOMEM;
	enum MHD_Result done;
	if (n == 1) {
		s.authority = authority;
		s.flags |= gt_xapi_known(rq);
		struct gt_event e = {
		        .type = GT_EV_STATEMENTS, .statements = &s, .count = 1};
		done = gt_rq_command(rq, &e, told);
	} else {
		gt_launches_end(rq->http->launches, g->session);
		done = gt_rq_error(rq, n, why);
	}
	free(text);
	free(authority);
	return done;
}

static enum MHD_Result put_data(struct gt_request *rq)
{
	const struct gt_launching *g = rq->launching;
	struct gt_buffer canonical = {0};
	char why[300] = "";
	char *text = launch_data(g);
	int status =
	        !text ? -GT_ENOMEM
	              : gt_document_agent(&canonical, gt_bytes_str(g->agent),
	                                  why, sizeof why);
	enum MHD_Result done;
	if (status == 0) {
		struct gt_document_edit d = {
		        .key = {GT_DOCUMENT_STATE, g->activity,
		                (const char *)canonical.p, g->registration,
		                GT_LAUNCH_DATA},
		        .verb = GT_DOCUMENT_PUT,
		        .guard = GT_GUARD_NONE,
		        .actor = g->agent,
		        .type = "application/json",
		        .body = gt_bytes_str(text)};
		const char *unfit = gt_document_unfit(&d.key);
		struct gt_event e = {.type = GT_EV_DOCUMENT, .document = &d};
		done = unfit ? gt_rq_error(rq, -GT_EINVALID, unfit)
		             : gt_rq_command(rq, &e, record);
		if (unfit)
			gt_launches_end(rq->http->launches, g->session);
	} else {
		gt_launches_end(rq->http->launches, g->session);
		done = gt_rq_error(rq, status, why);
	}
	free(text);
	gt_buffer_free(&canonical);
	return done;
}

static enum MHD_Result begin(struct gt_request *rq)
{
	struct gt_launching *g = rq->launching;
	const struct gt_launch launch = {.activity = g->activity,
	                                 .agent = g->agent,
	                                 .fetch_until_ms = g->fetch_until_ms,
	                                 .session_ms = g->session_ms};
	struct gt_launch l = launch;
	char why[400] = "";
	gt_copy(l.session, sizeof l.session, g->session);
	gt_copy(l.registration, sizeof l.registration, g->registration);
	int status = gt_launches_add(rq->http->launches, &l, g->key, why,
	                             sizeof why);
	if (status == -GT_ESTATE)
		return gt_rq_fail(rq, 409, status, GT_T_LAUNCH_MANY,
		                  GT_LAUNCHES_MAX);
	return status != 0 ? gt_rq_error(rq, status, why) : put_data(rq);
}

enum MHD_Result gt_http_launch(struct gt_request *rq)
{
	struct gt_launching *g = rq->launching = calloc(1, sizeof *g);
	if (g)
		g->body = gt_json_load(gt_bytes_of(rq->body, rq->nbody),
		                       JSON_REJECT_DUPLICATES, NULL);
	if (!g)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	if (!json_is_object(g->body))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_NOT_JSON);
	const char *bad = understand(g);
	if (bad)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_VALUE,
		                  bad);
	if (!find_home(rq, g))
		return gt_rq_fail(rq, 409, -GT_ESTATE, GT_T_LAUNCH_NOWHERE);
	return begin(rq);
}
