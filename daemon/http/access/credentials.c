#include "credentials.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "iso8601.h"
#include "utf8.h"

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

void gt_credentials_put_former(struct gt_credentials *c, size_t at,
                               const struct gt_former *f)
{
	put_in(c->former, &c->nformer, sizeof *c->former, at, f);
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

/* ------------------------------------------------------------- told */

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

json_t *gt_credentials_quota(const struct gt_quota *quota)
{
	json_t *v = json_object();
	for (unsigned k = 0; k < GT_QUOTAS; k++)
		if (quota->most[k] > 0 &&
		    json_object_set_new(
		            v, gt_quota_name(k),
		            json_integer((json_int_t)quota->most[k])) != 0) {
			json_decref(v);
			return NULL;
		}
	return v;
}

bool gt_credentials_quota_read(struct gt_quota *out, const json_t *v)
{
	*out = (struct gt_quota){0};
	if (!v || json_is_null(v))
		return true;
	size_t found = 0;
	for (unsigned k = 0; k < GT_QUOTAS; k++) {
		const json_t *n = json_object_get(v, gt_quota_name(k));
		json_int_t most = json_integer_value(n);
		if (!n)
			continue;
		if (!json_is_integer(n) || most < 0 ||
		    (uint64_t)most > GT_QUOTA_MOST)
			return false;
		out->most[k] = (uint64_t)most;
		found++;
	}
	return json_object_size(v) == found && json_is_object(v);
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
