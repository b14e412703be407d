/* http_credential.c: who may hand in and read records, told and changed.
 * Tests: u_http_access.c, e2e/test_access.py. */
#include <openssl/crypto.h>
#include <string.h>

#include "access.h"
#include "http_admin.h"
#include "iso8601.h"
#include "json.h"
#include "log.h"

enum { WHY = 512 };

/* One row of the audit log; the core's queue may be full, and what was done is
 * done: the log of the daemon has it then. */
static void note(struct gt_request *rq, const char *what, const char *name,
                 bool again)
{
	char detail[GT_CREDENTIAL_NAME + 32];
	gt_format(detail, sizeof detail, "name=%s%s", name,
	          again ? " again" : "");
	struct gt_event e = {.type = GT_EV_NOTE,
	                     .text = what,
	                     .detail = detail,
	                     .actor = rq->actor};
	bool posted = gt_core_post(rq->http->env.core, &e, NULL);
	gt_log_line(posted ? GT_LOG_INFO : GT_LOG_WARN, what, "name", name,
	            "actor", rq->actor, NULL);
}

/* The name is somebody's, or was, or looks as if it were. */
static enum MHD_Result refuse_name(struct gt_request *rq, int status,
                                   const struct gt_access_wanted *w)
{
	char at[GT_ISO_CHARS];
	bool same = strcmp(w->name, w->other) == 0;
	gt_iso_format(at, w->removed_ms);
	if (w->removed_ms == 0)
		return gt_rq_fail(rq, 409, status,
		                  same ? GT_T_ACCESS_THERE : GT_T_ACCESS_ALIKE,
		                  w->name, w->other);
	if (same)
		return gt_rq_fail(rq, 409, status, GT_T_ACCESS_REMOVED, w->name,
		                  at, w->name);
	return gt_rq_fail(rq, 409, status, GT_T_ACCESS_REMOVED_ALIKE, w->name,
	                  w->other, at, w->other);
}

/* In the caller's language, where the sentence is not of the system's. */
static enum MHD_Result refuse(struct gt_request *rq, int status,
                              const struct gt_access_wanted *w, const char *why)
{
	switch (-status) {
	case GT_EINVALID:
		return gt_rq_fail(rq, 400, status, GT_T_ACCESS_BAD_NAME,
		                  w->name);
	case GT_ELIMIT:
		return gt_rq_fail(rq, 400, status, GT_T_ACCESS_BAD_PASSWORD,
		                  GT_CREDENTIAL_LEAST,
		                  GT_CREDENTIAL_PASSWORD - 1);
	case GT_ESTATE:
		return gt_rq_fail(rq, 409, status, GT_T_ACCESS_MANY,
		                  GT_CREDENTIALS_MAX, GT_CREDENTIAL_NAMES);
	case GT_ECONFLICT:
		return refuse_name(rq, status, w);
	case GT_EUNKNOWN:
		return gt_rq_fail(rq, 404, status,
		                  w->again ? GT_T_ACCESS_NOT_REMOVED
		                           : GT_T_ACCESS_UNKNOWN,
		                  w->name);
	default:
		return gt_rq_error(rq, status, why);
	}
}

/* As a row of the list, with its secret. */
static json_t *made(const struct gt_access_wanted *w, const char *secret)
{
	char created[GT_ISO_CHARS], removed[GT_ISO_CHARS];
	gt_iso_format(created, w->created_ms);
	gt_iso_format(removed, w->removed_ms);
	return json_pack("{s:s,s:s,s:s,s:s?,s:s,s:s*,s:o*}", "name", w->name,
	                 "role", gt_role_name(w->role), "kind",
	                 gt_access_kind(w->name, w->password != NULL),
	                 "created", w->created_ms ? created : NULL, "secret",
	                 secret, "removed", w->removed_ms ? removed : NULL,
	                 "forgot", w->forgot ? json_true() : NULL);
}

static enum MHD_Result add(struct gt_request *rq, const json_t *v)
{
	struct gt_access_wanted w = {
	        .name = gt_json_member(v, "name"),
	        .password = json_string_value(json_object_get(v, "password")),
	        .again = json_is_true(json_object_get(v, "again")),
	        .role = GT_ROLE_TERMINAL};
	const char *word = gt_json_member(v, "role");
	char secret[GT_CREDENTIAL_SECRET], why[WHY] = "";
	if (*word && !gt_role_parse(&w.role, word))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_VALUE,
		                  "role");
	int status =
	        gt_access_add(rq->http->access, &w, secret, why, sizeof why);
	if (status != 0)
		return refuse(rq, status, &w, why);
	note(rq, "credential-add", w.name, w.again);
	json_t *answer = made(&w, secret);
	OPENSSL_cleanse(secret, sizeof secret);
	return gt_rq_json(rq, 200, answer);
}

/* The body, if it is JSON. False: memory was short, and that is answered. */
static bool take_json(struct gt_request *rq, json_t **v,
                      enum MHD_Result *answer)
{
	json_error_t error;
	*v = gt_json_load(gt_bytes_of(rq->body, rq->nbody),
	                  JSON_REJECT_DUPLICATES, &error);
	if (*v || *error.text)
		return true;
	*answer = gt_rq_error(rq, -GT_ENOMEM, "");
	return false;
}

enum MHD_Result gt_http_credentials(struct gt_request *rq)
{
	if (rq->method == GT_HTTP_GET) {
		json_t *list = gt_access_list(rq->http->access);
		json_t *removed = gt_access_removed(rq->http->access);
		json_t *both = json_pack("{s:O,s:O}", "credentials", list,
		                         "removed", removed);
		json_decref(list);
		json_decref(removed);
		return gt_rq_json(rq, 200, both);
	}
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	done = json_is_object(v)
	               ? add(rq, v)
	               : gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_NOT_JSON);
	json_decref(v);
	return done;
}

enum MHD_Result gt_http_credential_remove(struct gt_request *rq)
{
	char why[WHY] = "";
	json_t *v;
	enum MHD_Result done;
	if (!take_json(rq, &v, &done))
		return done;
	const struct gt_access_wanted w = {.name = gt_json_member(v, "name")};
	int status =
	        gt_access_remove(rq->http->access, w.name, why, sizeof why);
	if (status == 0) {
		note(rq, "credential-remove", w.name, false);
		done = gt_rq_json(rq, 200, json_pack("{s:s}", "name", w.name));
	} else {
		done = refuse(rq, status, &w, why);
	}
	json_decref(v);
	return done;
}
