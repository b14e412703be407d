/* http_credential.c: who may hand in and read records, told and changed.
 * Tests: u_http_access.c, e2e/test_access.py. */
#include <openssl/crypto.h>
#include <string.h>

#include "access.h"
#include "credentials.h"
#include "http_admin.h"
#include "iso8601.h"
#include "json.h"
#include "log.h"

enum { WHY = 512 };

/* One row of the audit log; the core's queue may be full, and what was done is
 * done: the log of the daemon has it then. */
static void note(struct gt_request *rq, const char *what, const char *name,
                 const char *more)
{
	char detail[GT_CREDENTIAL_NAME + GT_SCOPE_TEXT + 32];
	gt_format(detail, sizeof detail, "name=%s%s%s", name, *more ? " " : "",
	          more);
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

/* What is said of a credential that is to be: each member may be missing. */
struct said {
	struct gt_access_change change;
	const char *bad; /* the member that is wrong */
};

static bool scopes_of(unsigned *out, const json_t *v)
{
	const json_t *scopes = json_object_get(v, "scopes");
	const char *role = json_string_value(json_object_get(v, "role"));
	if (json_is_string(scopes))
		return gt_scope_parse(out, json_string_value(scopes), NULL, 0);
	if (scopes)
		return gt_scope_from_list(out, scopes);
	return !role || gt_scope_of_role(out, role);
}

static bool expiry_of(struct gt_access_change *c, const json_t *v)
{
	const json_t *at = json_object_get(v, "expires");
	c->expires = at != NULL;
	return !at || json_is_null(at) ||
	       gt_iso_parse(&c->expires_ms, gt_json_string(at));
}

static bool quota_of(struct gt_access_change *c, const json_t *v)
{
	const json_t *quota = json_object_get(v, "quota");
	for (unsigned k = 0; k < GT_QUOTAS; k++)
		c->quota[k] = json_object_get(quota, gt_quota_name(k)) != NULL;
	return gt_credentials_quota_read(&c->most, quota);
}

static struct said listen_to(const json_t *v)
{
	struct said s = {.change = {.name = gt_json_member(v, "name")}};
	if (!scopes_of(&s.change.scopes, v))
		s.bad = json_object_get(v, "scopes") ? "scopes" : "role";
	else if (!expiry_of(&s.change, v))
		s.bad = "expires";
	else if (!quota_of(&s.change, v))
		s.bad = "quota";
	return s;
}

/* The row as the list has it, with what else there is to say of it now. */
static json_t *row_of(struct gt_request *rq, const char *name)
{
	json_t *list = gt_access_list(rq->http->access, name);
	json_t *row = json_incref(json_array_get(list, 0));
	json_decref(list);
	/* it may be gone again, the moment it was made */
	return row ? row : json_pack("{s:s}", "name", name);
}

/* As a row of the list, with its secret. */
static json_t *made(struct gt_request *rq, const struct gt_access_wanted *w,
                    const char *secret)
{
	char removed[GT_ISO_CHARS];
	json_t *v = row_of(rq, w->name);
	gt_iso_format(removed, w->removed_ms);
	bool ok =
	        v && json_object_set_new(v, "secret", json_string(secret)) == 0;
	if (ok && w->removed_ms)
		ok = json_object_set_new(v, "removed", json_string(removed)) ==
		     0;
	if (ok && w->forgot)
		ok = json_object_set_new(v, "forgot", json_true()) == 0;
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static enum MHD_Result add(struct gt_request *rq, const json_t *v)
{
	struct said s = listen_to(v);
	struct gt_access_wanted w = {
	        .name = s.change.name,
	        .password = json_string_value(json_object_get(v, "password")),
	        .again = json_is_true(json_object_get(v, "again")),
	        .scopes = s.change.scopes,
	        .expires_ms = s.change.expires_ms,
	        .quota = s.change.most};
	char secret[GT_CREDENTIAL_SECRET], why[WHY] = "";
	if (s.bad)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_VALUE,
		                  s.bad);
	int status =
	        gt_access_add(rq->http->access, &w, secret, why, sizeof why);
	if (status != 0)
		return refuse(rq, status, &w, why);
	note(rq, "credential-add", w.name, w.again ? "again" : "");
	json_t *answer = made(rq, &w, secret);
	OPENSSL_cleanse(secret, sizeof secret);
	return gt_rq_json(rq, 200, answer);
}

static enum MHD_Result change(struct gt_request *rq, const json_t *v)
{
	struct said s = listen_to(v);
	char why[WHY] = "", text[GT_SCOPE_TEXT] = "";
	const struct gt_access_wanted w = {.name = s.change.name};
	if (s.bad)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_VALUE,
		                  s.bad);
	int status =
	        gt_access_change(rq->http->access, &s.change, why, sizeof why);
	if (status != 0)
		return refuse(rq, status, &w, why);
	if (s.change.scopes)
		gt_scope_text(text, s.change.scopes);
	note(rq, "credential-set", w.name, text);
	return gt_rq_json(rq, 200, row_of(rq, w.name));
}

static enum MHD_Result rotate(struct gt_request *rq, const json_t *v)
{
	const struct gt_access_wanted w = {.name = gt_json_member(v, "name")};
	const json_t *grace = json_object_get(v, "grace_ms");
	char secret[GT_CREDENTIAL_SECRET], why[WHY] = "";
	if (json_integer_value(grace) < 0 ||
	    json_integer_value(grace) > GT_CREDENTIAL_GRACE_MS)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_KEY_VALUE,
		                  "grace_ms");
	int status = gt_access_rotate(
	        rq->http->access, w.name,
	        json_string_value(json_object_get(v, "password")),
	        json_integer_value(grace), secret, why, sizeof why);
	if (status != 0)
		return refuse(rq, status, &w, why);
	note(rq, "credential-rotate", w.name, "");
	json_t *answer = made(rq, &w, secret);
	OPENSSL_cleanse(secret, sizeof secret);
	return gt_rq_json(rq, 200, answer);
}

static enum MHD_Result remove_one(struct gt_request *rq, const json_t *v)
{
	char why[WHY] = "";
	const struct gt_access_wanted w = {.name = gt_json_member(v, "name")};
	int status =
	        gt_access_remove(rq->http->access, w.name, why, sizeof why);
	if (status != 0)
		return refuse(rq, status, &w, why);
	note(rq, "credential-remove", w.name, "");
	return gt_rq_json(rq, 200, json_pack("{s:s}", "name", w.name));
}

/* The body is a JSON object, which does goes on with. */
static enum MHD_Result with_body(struct gt_request *rq,
                                 enum MHD_Result (*does)(struct gt_request *rq,
                                                         const json_t *v))
{
	json_error_t error;
	json_t *v = gt_json_load(gt_bytes_of(rq->body, rq->nbody),
	                         JSON_REJECT_DUPLICATES, &error);
	enum MHD_Result done;
	if (!v && !*error.text)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	done = json_is_object(v)
	               ? does(rq, v)
	               : gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_NOT_JSON);
	json_decref(v);
	return done;
}

enum MHD_Result gt_http_credentials(struct gt_request *rq)
{
	if (rq->method != GT_HTTP_GET)
		return with_body(rq, add);
	json_t *list = gt_access_list(rq->http->access, NULL);
	json_t *removed = gt_access_removed(rq->http->access);
	json_t *both =
	        json_pack("{s:O,s:O}", "credentials", list, "removed", removed);
	json_decref(list);
	json_decref(removed);
	return gt_rq_json(rq, 200, both);
}

enum MHD_Result gt_http_credential_set(struct gt_request *rq)
{
	return with_body(rq, change);
}

enum MHD_Result gt_http_credential_rotate(struct gt_request *rq)
{
	return with_body(rq, rotate);
}

enum MHD_Result gt_http_credential_remove(struct gt_request *rq)
{
	return with_body(rq, remove_one);
}
