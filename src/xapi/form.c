#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "iso8601.h"

/* Every step is bool: false is out of memory. A property that is not there is
 * passed over; the statement is valid, so that types need no asking. */

static bool set_text(json_t *v, const char *key, const char *text)
{
	return json_object_set_new_nocheck(v, key, json_string(text)) == 0;
}

static bool lower(json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));
	if (!s)
		return true;
	size_t n = strlen(s);
	char *text = malloc(n + 1);
	if (!text)
		return false;
	for (size_t i = 0; i <= n; i++)
		text[i] = gt_lower(s[i]);
	bool ok = strcmp(text, s) == 0 || set_text(v, key, text);
	free(text);
	return ok;
}

static void drop_default(json_t *v, const char *word)
{
	const char *s = json_string_value(json_object_get(v, "objectType"));
	if (s && strcmp(s, word) == 0)
		json_object_del(v, "objectType");
}

/* ----------------------------------------------------------- actors */

struct sorted {
	json_t *value;
	struct gt_buffer text;
};

/* No text of an object begins another's. */
static int by_text(const void *a, const void *b)
{
	const struct gt_buffer *x = &((const struct sorted *)a)->text;
	const struct gt_buffer *y = &((const struct sorted *)b)->text;
	return memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
}

/* The list in the order of rows; the rows keep their references. */
static void refill(json_t *list, const struct sorted *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_array_set(list, i, rows[i].value);
}

static bool sort(json_t *list)
{
	size_t n = json_array_size(list);
	if (n < 2)
		return true;
	struct sorted *rows = calloc(n, sizeof *rows);
	if (!rows)
		return false;
	bool ok = true;
	for (size_t i = 0; i < n; i++) {
		rows[i].value = json_incref(json_array_get(list, i));
		ok = ok && gt_json_canon(&rows[i].text, rows[i].value) == 0;
	}
	if (ok) {
		qsort(rows, n, sizeof *rows, by_text);
		refill(list, rows, n);
	}
	for (size_t i = 0; i < n; i++) {
		json_decref(rows[i].value);
		gt_buffer_free(&rows[i].text);
	}
	free(rows);
	return ok;
}

static bool actor(json_t *v)
{
	drop_default(v, "Agent");
	if (!lower(v, "mbox_sha1sum"))
		return false;
	json_t *list = json_object_get(v, "member");
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *member = json_array_get(list, i);
		drop_default(member, "Agent");
		if (!lower(member, "mbox_sha1sum"))
			return false;
	}
	return sort(list);
}

/* ---------------------------------------------------------- context */

static void activity(json_t *v)
{
	drop_default(v, "Activity");
	json_object_del(v, "definition");
}

static bool context_activities(json_t *v)
{
	static const char *const keys[] = {"parent", "grouping", "category",
	                                   "other"};
	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		json_t *list = json_object_get(v, keys[k]);
		if (json_is_object(list)) {
			json_t *one = json_array();
			if (!one || json_array_append(one, list) ||
			    json_object_set(v, keys[k], one)) {
				json_decref(one);
				return false;
			}
			json_decref(one);
			list = one;
		}
		for (size_t i = 0; i < json_array_size(list); i++)
			activity(json_array_get(list, i));
	}
	return true;
}

static bool context_actors(json_t *list, const char *key)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!actor(json_object_get(json_array_get(list, i), key)))
			return false;
	return true;
}

static bool context(json_t *v)
{
	return lower(v, "registration") && lower(v, "language") &&
	       actor(json_object_get(v, "instructor")) &&
	       actor(json_object_get(v, "team")) &&
	       lower(json_object_get(v, "statement"), "id") &&
	       context_activities(json_object_get(v, "contextActivities")) &&
	       context_actors(json_object_get(v, "contextAgents"), "agent") &&
	       context_actors(json_object_get(v, "contextGroups"), "group");
}

/* -------------------------------------------------------- statement */

/* a statement's object may be a SubStatement, which has an object */
static bool common(json_t *v);

static bool object(json_t *v)
{
	const char *kind = json_string_value(json_object_get(v, "objectType"));
	if (!kind || strcmp(kind, "Activity") == 0)
		activity(v);
	else if (strcmp(kind, "StatementRef") == 0)
		return lower(v, "id");
	else if (strcmp(kind, "SubStatement") == 0)
		return common(v);
	else if (strcmp(kind, "Group") == 0)
		return actor(v);
	else
		/* an agent as object must say so: that is not a default */
		return lower(v, "mbox_sha1sum");
	return true;
}

static bool timestamp(json_t *v)
{
	const char *s = json_string_value(json_object_get(v, "timestamp"));
	char utc[GT_ISO_UTC_CHARS];
	if (!s || !gt_iso_utc(utc, s))
		return true;
	return set_text(v, "timestamp", utc);
}

/* What a statement and a SubStatement have in common. */
static bool common(json_t *v)
{
	json_t *list = json_object_get(v, "attachments");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!lower(json_array_get(list, i), "sha2"))
			return false;
	json_object_del(json_object_get(v, "verb"), "display");
	return actor(json_object_get(v, "actor")) &&
	       object(json_object_get(v, "object")) &&
	       context(json_object_get(v, "context")) && timestamp(v);
}

int gt_form_reduce(json_t *statement)
{
	static const char *const assigned[] = {"id", "stored", "authority",
	                                       "version"};
	for (size_t i = 0; i < sizeof assigned / sizeof *assigned; i++)
		json_object_del(statement, assigned[i]);
	return common(statement) ? 0 : -GT_ENOMEM;
}

int gt_form_hash(struct gt_id *out, json_t *statement,
                 struct gt_buffer *scratch)
{
	int rc = gt_form_reduce(statement);
	scratch->n = 0;
	if (rc == 0)
		rc = gt_json_canon(scratch, statement);
	if (rc == 0)
		gt_sha256_one(out, scratch->p, scratch->n);
	return rc;
}
