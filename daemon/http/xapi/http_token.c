/* http_token.c: a course that was launched (cmi5): the token it fetches, and what
 * the token opens.
 * Tests: e2e/test_launch.py. */
#include "http_xapi_inside.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "document.h"
#include "http_parse.h"
#include "json.h"
#include "launch.h"
#include "log.h"
#include "statement.h"
#include "sys.h"

/* ---------------------------------------------------------- the token */

void gt_http_token_headers(struct gt_request *rq, struct MHD_Response *rs)
{
	(void)rq;
	/* whoever has the key may ask from anywhere; nobody else gets a thing */
	gt_rs_header(rs, "Access-Control-Allow-Origin", "*");
	gt_rs_header(rs, "Cache-Control", "no-store");
}

/* As cmi5 has it: also of an error the status is 200. */
static enum MHD_Result refuse(struct gt_request *rq, int status)
{
	static const enum gt_text said[] = {GT_T_LAUNCH_SPENT, GT_T_LAUNCH_KEY,
	                                    GT_T_LAUNCH_FAILED};
	unsigned what = status == -GT_ESTATE      ? 0
	                : status == -GT_EIDENTITY ? 1
	                                          : 2;
	char code[2] = {(char)('1' + what), '\0'}, text[400];
	gt_http_say(text, sizeof text, rq->lang, said[what]);
	return gt_rq_json(
	        rq, 200,
	        json_pack("{s:s,s:s}", "error-code", code, "error-text", text));
}

static enum MHD_Result preflight(struct gt_request *rq)
{
	struct MHD_Response *rs = gt_rs_empty();
	if (rs) {
		const char *names =
		        gt_rq_header(rq, "Access-Control-Request-Headers");
		gt_rs_header(rs, "Access-Control-Allow-Methods",
		             "POST, OPTIONS");
		gt_rs_header(rs, "Access-Control-Allow-Headers",
		             names && gt_http_names(names) ? names
		                                           : "Content-Type");
		gt_rs_header(rs, "Access-Control-Max-Age", "7200");
	}
	return gt_rq_send(rq, 204, rs);
}

enum MHD_Result gt_http_token(struct gt_request *rq)
{
	const char *key = gt_rq_arg(rq, "k");
	char session[GT_LAUNCH_ID], token[GT_CREDENTIAL_SECRET], plain[128],
	        coded[4 * sizeof plain / 3 + 8];
	if (rq->method == GT_HTTP_OPTIONS)
		return preflight(rq);
	int status = gt_launches_fetch(rq->http->launches, key ? key : "",
	                               gt_sys_now().wall_ms, session, token);
	if (status != 0) {
		gt_log_line(GT_LOG_INFO, "launch-refused", "session", session,
		            "why", gt_strerror(status), NULL);
		return refuse(rq, status);
	}
	gt_format(plain, sizeof plain, "%s:%s", session, token);
	(void)EVP_EncodeBlock((unsigned char *)coded,
	                      (const unsigned char *)plain, (int)strlen(plain));
	json_t *v = json_pack("{s:s}", "auth-token", coded);
	OPENSSL_cleanse(token, sizeof token);
	OPENSSL_cleanse(plain, sizeof plain);
	OPENSSL_cleanse(coded, sizeof coded);
	return gt_rq_json(rq, 200, v);
}

/* -------------------------------------------------------- what it opens */

static enum MHD_Result beyond(struct gt_request *rq, const char *what)
{
	return gt_rq_fail(rq, 403, -GT_EDENIED, GT_T_LAUNCH_BEYOND, what);
}

/* 1: the text is the launch's learner; 0; -1: out of memory. */
static int is_learner(const struct gt_request *rq, struct gt_bytes agent)
{
	struct gt_buffer mine = {0}, other = {0};
	char why[200];
	char *text =
	        json_dumps(json_object_get(rq->launch, "agent"), JSON_COMPACT);
	int is = -1;
	if (text && gt_document_agent(&mine, gt_bytes_str(text), why,
	                              sizeof why) == 0) {
		int status = gt_document_agent(&other, agent, why, sizeof why);
		is = status == -GT_ENOMEM
		             ? -1
		             : status == 0 && mine.n == other.n &&
		                       memcmp(mine.p, other.p, mine.n) == 0;
	}
	free(text);
	gt_buffer_free(&mine);
	gt_buffer_free(&other);
	return is;
}

static bool is_bound(const struct gt_request *rq, const char *what,
                     const char *text)
{
	return text && strcasecmp(text, gt_json_member(rq->launch, what)) == 0;
}

/* What a document's arguments may be. NULL: they are; else which is not. */
static const char *stranger(struct gt_request *rq)
{
	const char *path = rq->path, *agent = gt_rq_arg(rq, "agent");
	const char *id = gt_rq_arg(rq, "stateId");
	bool writes = rq->method != GT_HTTP_GET;
	bool state = strcmp(path, "/xapi/activities/state") == 0;
	if (strcmp(path, "/xapi/activities/profile") == 0)
		return writes ? "activities/profile" : NULL;
	if (!state && strcmp(path, "/xapi/agents/profile") != 0 &&
	    strcmp(path, "/xapi/agents") != 0)
		return NULL;
	if (!agent || is_learner(rq, gt_bytes_str(agent)) != 1)
		return "agent";
	if (!state)
		return NULL;
	if (!is_bound(rq, "registration", gt_rq_arg(rq, "registration")))
		return "registration";
	/* the node's own, which goes with all of them too */
	if (writes && (!id || strcmp(id, GT_LAUNCH_DATA) == 0))
		return id ? "stateId=" GT_LAUNCH_DATA : "stateId";
	return NULL;
}

bool gt_xapi_within(struct gt_request *rq, enum MHD_Result *answer)
{
	const char *what = rq->launch ? stranger(rq) : NULL;
	if (what)
		*answer = beyond(rq, what);
	return !what;
}

static const char *stranger_in(const struct gt_request *rq,
                               const struct gt_statement *s)
{
	json_t *v = gt_json_load(s->body, 0, NULL);
	const json_t *context = json_object_get(v, "context");
	char *actor = json_dumps(json_object_get(v, "actor"), JSON_COMPACT);
	bool learner = actor && is_learner(rq, gt_bytes_str(actor)) == 1;
	bool registered = is_bound(rq, "registration",
	                           gt_json_member(context, "registration"));
	free(actor);
	json_decref(v);
	return !learner ? "actor" : registered ? NULL : "context.registration";
}

bool gt_xapi_within_statements(struct gt_request *rq,
                               const struct gt_statement *v, size_t n,
                               enum MHD_Result *answer)
{
	for (size_t i = 0; rq->launch && i < n; i++) {
		const char *what = stranger_in(rq, &v[i]);
		if (!what)
			continue;
		*answer = beyond(rq, what);
		return false;
	}
	return true;
}
