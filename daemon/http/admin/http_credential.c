/* http_credential.c: who may hand in and read records, told and changed.
 * Tests: u_http_access.c, e2e/test_access.py. */
#include <openssl/crypto.h>
#include <string.h>

#include "access.h"
#include "http_admin.h"
#include "json.h"
#include "log.h"

enum { WHY = 512 };

/* One row of the audit log; the core's queue may be full, and what was done is
 * done: the log of the daemon has it then. */
static void note(struct gt_request *rq, const char *what, const char *name)
{
	char detail[GT_CREDENTIAL_NAME + 16];
	gt_format(detail, sizeof detail, "name=%s", name);
	struct gt_event e = {.type = GT_EV_NOTE,
	                     .text = what,
	                     .detail = detail,
	                     .actor = rq->actor};
	bool posted = gt_core_post(rq->http->env.core, &e, NULL);
	gt_log_line(posted ? GT_LOG_INFO : GT_LOG_WARN, what, "name", name,
	            "actor", rq->actor, NULL);
}

/* In the caller's language, where the sentence is not of the system's. */
static enum MHD_Result refuse(struct gt_request *rq, int status,
                              const char *name, const char *why)
{
	switch (-status) {
	case GT_EINVALID:
		return gt_rq_fail(rq, 400, status, GT_T_ACCESS_BAD_NAME, name);
	case GT_ELIMIT:
		return gt_rq_fail(rq, 400, status, GT_T_ACCESS_BAD_PASSWORD,
		                  GT_CREDENTIAL_LEAST,
		                  GT_CREDENTIAL_PASSWORD - 1);
	case GT_ESTATE:
		return gt_rq_fail(rq, 409, status, GT_T_ACCESS_MANY,
		                  GT_CREDENTIALS_MAX);
	case GT_ECONFLICT:
		return gt_rq_fail(rq, 409, status, GT_T_ACCESS_THERE, name,
		                  name);
	case GT_EUNKNOWN:
		return gt_rq_fail(rq, 404, status, GT_T_ACCESS_UNKNOWN, name);
	default:
		return gt_rq_error(rq, status, why);
	}
}

static enum MHD_Result add(struct gt_request *rq, const json_t *v)
{
	const char *name = gt_json_member(v, "name");
	const char *word = gt_json_member(v, "role");
	const char *password =
	        json_string_value(json_object_get(v, "password"));
	char secret[GT_CREDENTIAL_SECRET], why[WHY] = "";
	enum gt_role role = GT_ROLE_TERMINAL;
	if (*word && !gt_role_parse(&role, word))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_VALUE,
		                  "role");
	int status = gt_access_add(rq->http->access, name, role, password,
	                           secret, why, sizeof why);
	if (status != 0)
		return refuse(rq, status, name, why);
	note(rq, "credential-add", name);
	json_t *answer = json_pack("{s:s,s:s,s:s}", "name", name, "role",
	                           gt_role_name(role), "secret", secret);
	OPENSSL_cleanse(secret, sizeof secret);
	return gt_rq_json(rq, 200, answer);
}

static json_t *body_of(struct gt_request *rq)
{
	return json_loadb((const char *)rq->body, rq->nbody,
	                  JSON_REJECT_DUPLICATES, NULL);
}

enum MHD_Result gt_http_credentials(struct gt_request *rq)
{
	if (rq->method == GT_HTTP_GET) {
		json_t *list = gt_access_list(rq->http->access);
		return gt_rq_json(rq, 200,
		                  list ? json_pack("{s:o}", "credentials", list)
		                       : NULL);
	}
	json_t *v = body_of(rq);
	enum MHD_Result done =
	        json_is_object(v)
	                ? add(rq, v)
	                : gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_NOT_JSON);
	json_decref(v);
	return done;
}

enum MHD_Result gt_http_credential_remove(struct gt_request *rq)
{
	char why[WHY] = "";
	json_t *v = body_of(rq);
	const char *name = gt_json_member(v, "name");
	int status = gt_access_remove(rq->http->access, name, why, sizeof why);
	enum MHD_Result done;
	if (status == 0) {
		note(rq, "credential-remove", name);
		done = gt_rq_json(rq, 200, json_pack("{s:s}", "name", name));
	} else {
		done = refuse(rq, status, name, why);
	}
	json_decref(v);
	return done;
}
