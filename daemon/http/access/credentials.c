#include "credentials.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "iso8601.h"
#include "json.h"
#include "say.h"
#include "utf8.h"

enum { FILE_MAX = 1 << 20 };

/* ------------------------------------------------------------ words */

static const char *const roles[GT_ROLES] = {"terminal", "reader"};

const char *gt_role_name(enum gt_role role)
{
	return roles[role];
}

bool gt_role_parse(enum gt_role *role, const char *name)
{
	for (size_t i = 0; i < GT_ROLES; i++)
		if (strcmp(roles[i], name) == 0) {
			*role = (enum gt_role)i;
			return true;
		}
	return false;
}

bool gt_access_name_valid(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n >= GT_CREDENTIAL_NAME || !gt_utf8_valid(name, n) ||
	    name[0] == ' ' || name[n - 1] == ' ' || strchr(name, ':') ||
	    strcmp(name, GT_ACCESS_ANONYMOUS) == 0 ||
	    strcmp(name, "terminal") == 0)
		return false;
	for (; *name; name++)
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	return true;
}

/* ----------------------------------------------------- lists by name */

/* Where the name is among n things of that size that begin with theirs, or
 * would be. */
static size_t place_in(const void *v, size_t n, size_t size, const char *name,
                       bool *there)
{
	const char *first = v;
	size_t low = 0, high = n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(first + mid * size, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*there = low < n && strcmp(first + low * size, name) == 0;
	return low;
}
static_assert(offsetof(struct gt_credential, name) == 0 &&
                      offsetof(struct gt_former, name) == 0,
              "place_in");

static void put_in(void *v, size_t *n, size_t size, size_t at, const void *one)
{
	char *place = (char *)v + at * size;
	memmove(place + size, place, (*n - at) * size);
	memcpy(place, one, size);
	++*n;
}

static void take_out(void *v, size_t *n, size_t size, size_t at)
{
	char *place = (char *)v + at * size;
	--*n;
	memmove(place, place + size, (*n - at) * size);
}

size_t gt_credentials_find(const struct gt_credentials *c, const char *name,
                           bool *there)
{
	return place_in(c->v, c->n, sizeof *c->v, name, there);
}

size_t gt_credentials_find_former(const struct gt_credentials *c,
                                  const char *name, bool *there)
{
	return place_in(c->former, c->nformer, sizeof *c->former, name, there);
}

void gt_credentials_add(struct gt_credentials *c,
                        const struct gt_credential *row)
{
	bool there;
	size_t at = gt_credentials_find_former(c, row->name, &there);
	if (there)
		take_out(c->former, &c->nformer, sizeof *c->former, at);
	at = gt_credentials_find(c, row->name, &there);
	put_in(c->v, &c->n, sizeof *c->v, at, row);
}

void gt_credentials_drop(struct gt_credentials *c, size_t at,
                         int64_t removed_ms)
{
	bool there;
	struct gt_former f = {.removed_ms = removed_ms};
	gt_copy(f.name, sizeof f.name, c->v[at].name);
	take_out(c->v, &c->n, sizeof *c->v, at);
	at = gt_credentials_find_former(c, f.name, &there);
	put_in(c->former, &c->nformer, sizeof *c->former, at, &f);
}

/* ------------------------------------------------------------ memory */

void gt_credentials_free(struct gt_credentials *c)
{
	if (c->v)
		OPENSSL_cleanse(c->v, c->n * sizeof *c->v);
	free(c->v);
	free(c->former);
}

bool gt_credentials_new(struct gt_credentials *out, size_t n, size_t nformer)
{
	*out = (struct gt_credentials){
	        .v = malloc((n ? n : 1) * sizeof *out->v),
	        .former = malloc((nformer ? nformer : 1) * sizeof *out->former),
	};
	if (out->v && out->former)
		return true;
	gt_credentials_free(out);
	*out = (struct gt_credentials){0};
	return false;
}

bool gt_credentials_copy(struct gt_credentials *to,
                         const struct gt_credentials *from)
{
	if (!gt_credentials_new(to, from->n + 1, from->nformer + 1))
		return false;
	to->n = from->n;
	to->nformer = from->nformer;
	to->anonymous = from->anonymous;
	if (from->n > 0)
		memcpy(to->v, from->v, from->n * sizeof *to->v);
	if (from->nformer > 0)
		memcpy(to->former, from->former,
		       from->nformer * sizeof *to->former);
	return true;
}

/* ------------------------------------------------------- on the disk */

static json_t *row_json(const struct gt_credential *r)
{
	char salt[2 * GT_SECRET_SALT + 1], hash[2 * GT_ID_BYTES + 1],
	        at[GT_ISO_CHARS];
	gt_hex(salt, r->secret.salt, GT_SECRET_SALT);
	gt_hex(hash, r->secret.hash.b, GT_ID_BYTES);
	gt_iso_format(at, r->created_ms);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "name", r->name, "role",
	                 gt_role_name(r->role), "kind",
	                 r->secret.thought_of ? "scrypt-14-8-1" : "sha256",
	                 "salt", salt, "hash", hash, "created", at);
}

static bool row_read(struct gt_credential *r, const json_t *v)
{
	const char *name = gt_json_member(v, "name");
	const char *kind = gt_json_member(v, "kind");
	const char *salt = gt_json_member(v, "salt");
	const char *hash = gt_json_member(v, "hash");
	*r = (struct gt_credential){0};
	r->secret.thought_of = strcmp(kind, "scrypt-14-8-1") == 0;
	return (r->secret.thought_of || strcmp(kind, "sha256") == 0) &&
	       gt_access_name_valid(name) &&
	       gt_copy(r->name, sizeof r->name, name) &&
	       gt_role_parse(&r->role, gt_json_member(v, "role")) &&
	       strlen(salt) == 2 * GT_SECRET_SALT &&
	       gt_unhex(r->secret.salt, GT_SECRET_SALT, salt) &&
	       strlen(hash) == 2 * GT_ID_BYTES &&
	       gt_unhex(r->secret.hash.b, GT_ID_BYTES, hash) &&
	       gt_iso_parse(&r->created_ms, gt_json_member(v, "created"));
}

json_t *gt_credentials_removed(const struct gt_credentials *rows)
{
	json_t *list = json_array();
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < rows->nformer; i++) {
		char at[GT_ISO_CHARS];
		gt_iso_format(at, rows->former[i].removed_ms);
		ok = json_array_append_new(list, json_pack("{s:s,s:s}", "name",
		                                           rows->former[i].name,
		                                           "removed", at)) == 0;
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

static char *dump(const struct gt_credentials *rows)
{
	json_t *list = json_array(), *former = gt_credentials_removed(rows);
	bool ok = list && former;
	for (size_t i = 0; ok && i < rows->n; i++)
		ok = json_array_append_new(list, row_json(&rows->v[i])) == 0;
	json_t *v = ok ? json_pack("{s:i,s:b,s:O,s:O}", "version", 1,
	                           "anonymous", rows->anonymous, "credentials",
	                           list, "removed", former)
	               : NULL;
	json_decref(former);
	char *text = v ? json_dumps(v, JSON_INDENT(1)) : NULL;
	json_decref(v);
	json_decref(list);
	return text;
}

int gt_credentials_write(const struct gt_credentials *c, const char *path,
                         char *why, size_t why_cap)
{
	char *text = dump(c);
	int status = -GT_ENOMEM;
	gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	if (text)
		status = gt_files_write(path, 0600, GT_FILES_OURS,
		                        gt_bytes_str(text), why, why_cap);
	free(text);
	return status;
}

static const char names_head[] = "names of credentials that were given here\n";

bool gt_credentials_names(struct gt_buffer *out, const struct gt_credentials *c)
{
	bool ok = gt_buffer_str(out, names_head);
	for (size_t i = 0; ok && i < c->n + c->nformer; i++)
		ok = gt_buffer_str(out, i < c->n ? c->v[i].name
		                                 : c->former[i - c->n].name) &&
		     gt_buffer_str(out, "\n");
	return ok;
}

/* A line of the text, which may be of no use. There is room. */
static void recall(struct gt_credentials *c, const char *line, size_t n,
                   int64_t removed_ms)
{
	bool live, there;
	struct gt_former f = {.removed_ms = removed_ms};
	if (n >= sizeof f.name)
		return;
	memcpy(f.name, line, n);
	(void)gt_credentials_find(c, f.name, &live);
	size_t at = gt_credentials_find_former(c, f.name, &there);
	if (gt_access_name_valid(f.name) && !live && !there &&
	    c->n + c->nformer < GT_CREDENTIAL_NAMES)
		put_in(c->former, &c->nformer, sizeof *c->former, at, &f);
}

bool gt_credentials_recall(struct gt_credentials *c, const char *text,
                           int64_t removed_ms, bool *told)
{
	size_t n;
	*told = strncmp(text, names_head, strlen(names_head)) == 0;
	if (!*told)
		return true;
	struct gt_former *former =
	        realloc(c->former, GT_CREDENTIAL_NAMES * sizeof *former);
	if (!former)
		return false;
	c->former = former;
	for (text += strlen(names_head); *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		recall(c, text, n, removed_ms);
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
		put_in(rows->former, &rows->nformer, sizeof *rows->former, at,
		       &f);
	}
	return true;
}

static bool take(struct gt_credentials *rows, const json_t *v)
{
	const json_t *list = json_object_get(v, "credentials");
	const json_t *anonymous = json_object_get(v, "anonymous");
	size_t n = json_array_size(list);
	if (json_integer_value(json_object_get(v, "version")) != 1 ||
	    !json_is_boolean(anonymous) || !json_is_array(list) ||
	    n > GT_CREDENTIALS_MAX)
		return false;
	rows->anonymous = json_is_true(anonymous);
	for (size_t i = 0; i < n; i++) {
		struct gt_credential row;
		bool there;
		if (!row_read(&row, json_array_get(list, i)))
			return false;
		(void)gt_credentials_find(rows, row.name, &there);
		if (there)
			return false;
		gt_credentials_add(rows, &row);
	}
	return take_formers(rows, json_object_get(v, "removed"));
}

int gt_credentials_read(struct gt_credentials *rows, const char *path,
                        char *why, size_t why_cap)
{
	struct gt_buffer text;
	*rows = (struct gt_credentials){0};
	int status = gt_files_read(path, FILE_MAX, &text, why, why_cap);
	if (status != 0)
		return status;
	json_error_t error;
	json_t *v = gt_json_load(gt_buffer_bytes(&text), JSON_REJECT_DUPLICATES,
	                         &error);
	gt_buffer_wipe(&text);
	if ((!v && !*error.text) ||
	    !gt_credentials_new(
	            rows, json_array_size(json_object_get(v, "credentials")),
	            json_array_size(json_object_get(v, "removed"))))
		status = -GT_ENOMEM;
	else if (!take(rows, v))
		status = -GT_EINVALID;
	json_decref(v);
	if (status == -GT_ENOMEM)
		gt_copy(why, why_cap, gt_strerror(GT_ENOMEM));
	else if (status != 0)
		gt_say_into(why, why_cap, GT_T_ACCESS_BAD_FILE, path);
	if (status != 0) {
		gt_credentials_free(rows);
		*rows = (struct gt_credentials){0};
	}
	return status;
}
