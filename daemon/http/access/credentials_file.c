/* credentials_file.c: the file of credentials, read and written.
 * Tests: u_access.c, u_access_rights.c. */
#include <string.h>

#include "credentials.h"
#include "files.h"
#include "iso8601.h"
#include "json.h"
#include "say.h"

enum { FILE_MAX = 4 << 20 };

/* ---------------------------------------------------------- written */

/* What an earlier program knows: it would open as much, and for as long. */
static bool is_plain(const struct gt_credential *r)
{
	return r->expires_ms == 0 &&
	       (r->scopes == GT_SCOPE_TERMINAL || r->scopes == GT_SCOPE_READER);
}

/* Puts a secret's members into v. False: out of memory. */
static bool put_secret(json_t *v, const struct gt_secret *s)
{
	char salt[2 * GT_SECRET_SALT + 1], hash[2 * GT_ID_BYTES + 1];
	gt_hex(salt, s->salt, GT_SECRET_SALT);
	gt_hex(hash, s->hash.b, GT_ID_BYTES);
	return json_object_set_new(v, "kind",
	                           json_string(s->thought_of ? "scrypt-14-8-1"
	                                                     : "sha256")) ==
	               0 &&
	       json_object_set_new(v, "salt", json_string(salt)) == 0 &&
	       json_object_set_new(v, "hash", json_string(hash)) == 0;
}

static bool put_time(json_t *v, const char *key, int64_t ms)
{
	char at[GT_ISO_CHARS];
	gt_iso_format(at, ms);
	return json_object_set_new(v, key, json_string(at)) == 0;
}

static bool put_before(json_t *v, const struct gt_credential *r)
{
	json_t *before = json_object();
	bool ok = before && put_secret(before, &r->before.secret) &&
	          put_time(before, "until", r->before_until_ms) &&
	          json_object_set(v, "before", before) == 0;
	json_decref(before);
	return ok;
}

static json_t *row_json(const struct gt_credential *r)
{
	const struct gt_quota none = {0};
	json_t *v = json_pack("{s:s,s:s}", "name", r->name, "role",
	                      gt_scope_role(r->scopes));
	bool ok = v && put_secret(v, &r->key.secret) &&
	          put_time(v, "created", r->created_ms);
	if (ok && !is_plain(r))
		ok = json_object_set_new(v, "scopes",
		                         gt_scope_list(r->scopes)) == 0;
	if (ok && r->expires_ms > 0)
		ok = put_time(v, "expires", r->expires_ms);
	if (ok && r->before_until_ms > 0)
		ok = put_before(v, r);
	if (ok && memcmp(&r->quota, &none, sizeof none) != 0)
		ok = json_object_set_new(v, "quota",
		                         gt_credentials_quota(&r->quota)) == 0;
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* Those an earlier program may have, or the others. NULL: out of memory. */
static json_t *rows_json(const struct gt_credentials *rows, bool plain)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < rows->n; i++)
		if (is_plain(&rows->v[i]) == plain &&
		    json_array_append_new(list, row_json(&rows->v[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

char *gt_credentials_text(const struct gt_credentials *rows)
{
	json_t *former = gt_credentials_removed(rows);
	json_t *plain = rows_json(rows, true), *scoped = rows_json(rows, false);
	json_t *v = NULL;
	if (former && plain && scoped)
		v = json_pack("{s:i,s:b,s:O,s:O}", "version", 1, "anonymous",
		              rows->anonymous, "credentials", plain, "removed",
		              former);
	if (v && json_array_size(scoped) > 0 &&
	    json_object_set(v, "scoped", scoped) != 0) {
		json_decref(v);
		v = NULL;
	}
	char *text = v ? json_dumps(v, JSON_INDENT(1)) : NULL;
	json_decref(v);
	json_decref(former);
	json_decref(plain);
	json_decref(scoped);
	return text;
}

int gt_credentials_write(const struct gt_credentials *c, const char *path,
                         char *why, size_t why_cap)
{
	char *text = gt_credentials_text(c);
	int status = -GT_ENOMEM;
	gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	if (text)
		status = gt_files_write(path, 0600, GT_FILES_OURS,
		                        gt_bytes_str(text), why, why_cap);
	free(text);
	return status;
}

/* ------------------------------------------------------------- read */

static bool secret_read(struct gt_secret *s, const json_t *v)
{
	const char *kind = gt_json_member(v, "kind");
	const char *salt = gt_json_member(v, "salt");
	const char *hash = gt_json_member(v, "hash");
	s->thought_of = strcmp(kind, "scrypt-14-8-1") == 0;
	return (s->thought_of || strcmp(kind, "sha256") == 0) &&
	       strlen(salt) == 2 * GT_SECRET_SALT &&
	       gt_unhex(s->salt, GT_SECRET_SALT, salt) &&
	       strlen(hash) == 2 * GT_ID_BYTES &&
	       gt_unhex(s->hash.b, GT_ID_BYTES, hash);
}

/* A time that may be missing: 0 then. */
static bool time_read(int64_t *ms, const json_t *v, const char *key)
{
	*ms = 0;
	return !json_object_get(v, key) ||
	       (gt_iso_parse(ms, gt_json_member(v, key)) && *ms > 0);
}

static bool row_read(struct gt_credential *r, const json_t *v, bool plain)
{
	const char *name = gt_json_member(v, "name");
	const json_t *before = json_object_get(v, "before");
	*r = (struct gt_credential){0};
	if (before && (!secret_read(&r->before.secret, before) ||
	               !time_read(&r->before_until_ms, before, "until") ||
	               r->before_until_ms == 0))
		return false;
	return gt_access_name_valid(name) &&
	       gt_copy(r->name, sizeof r->name, name) &&
	       (plain ? gt_scope_of_role(&r->scopes,
	                                 gt_json_member(v, "role")) &&
	                        r->scopes != GT_SCOPE_ALL
	              : gt_scope_from_list(&r->scopes,
	                                   json_object_get(v, "scopes"))) &&
	       secret_read(&r->key.secret, v) &&
	       gt_iso_parse(&r->created_ms, gt_json_member(v, "created")) &&
	       time_read(&r->expires_ms, v, "expires") &&
	       gt_credentials_quota_read(&r->quota,
	                                 json_object_get(v, "quota"));
}

static bool take_rows(struct gt_credentials *rows, const json_t *list,
                      bool plain)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct gt_credential row;
		bool there;
		if (!row_read(&row, json_array_get(list, i), plain))
			return false;
		(void)gt_credentials_find(rows, row.name, &there);
		if (there)
			return false;
		gt_credentials_add(rows, &row);
	}
	return true;
}

/* A file of an earlier program has no such list. */
static bool take_formers(struct gt_credentials *rows, const json_t *list)
{
	size_t n = json_array_size(list);
	if (!list)
		return true;
	if (!json_is_array(list) || n + rows->n > GT_CREDENTIAL_NAMES)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		const char *name = gt_json_member(v, "name");
		struct gt_former f = {.removed_ms = 0};
		bool there, live;
		if (!gt_access_name_valid(name) ||
		    !gt_copy(f.name, sizeof f.name, name) ||
		    !gt_iso_parse(&f.removed_ms, gt_json_member(v, "removed")))
			return false;
		size_t at = gt_credentials_find_former(rows, name, &there);
		(void)gt_credentials_find(rows, name, &live);
		if (there || live)
			return false;
		gt_credentials_put_former(rows, at, &f);
	}
	return true;
}

static bool take(struct gt_credentials *rows, const json_t *v)
{
	const json_t *plain = json_object_get(v, "credentials");
	const json_t *scoped = json_object_get(v, "scoped");
	const json_t *anonymous = json_object_get(v, "anonymous");
	if (json_integer_value(json_object_get(v, "version")) != 1 ||
	    !json_is_boolean(anonymous) || !json_is_array(plain) ||
	    (scoped && !json_is_array(scoped)) ||
	    json_array_size(plain) + json_array_size(scoped) >
	            GT_CREDENTIALS_MAX)
		return false;
	rows->anonymous = json_is_true(anonymous);
	return take_rows(rows, plain, true) && take_rows(rows, scoped, false) &&
	       take_formers(rows, json_object_get(v, "removed"));
}

int gt_credentials_parse(struct gt_credentials *rows, struct gt_bytes text)
{
	json_error_t error;
	int status = 0;
	json_t *v = gt_json_load(text, JSON_REJECT_DUPLICATES, &error);
	size_t n = json_array_size(json_object_get(v, "credentials")) +
	           json_array_size(json_object_get(v, "scoped"));
	if ((!v && !*error.text) ||
	    !gt_credentials_new(rows, n,
	                        json_array_size(json_object_get(v, "removed"))))
		status = -GT_ENOMEM;
	else if (!take(rows, v))
		status = -GT_EINVALID;
	json_decref(v);
	if (status == -GT_EINVALID)
		gt_credentials_free(rows);
	if (status != 0)
		*rows = (struct gt_credentials){0};
	return status;
}

int gt_credentials_read(struct gt_credentials *rows, const char *path,
                        char *why, size_t why_cap)
{
	struct gt_buffer text;
	*rows = (struct gt_credentials){0};
	int status = gt_files_read(path, FILE_MAX, &text, why, why_cap);
	if (status != 0)
		return status;
	status = gt_credentials_parse(rows, gt_buffer_bytes(&text));
	gt_buffer_wipe(&text);
	if (status == -GT_ENOMEM)
		gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	else if (status != 0)
		gt_say_into(why, why_cap, GT_T_ACCESS_BAD_FILE, path);
	return status;
}
