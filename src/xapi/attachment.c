#define _GNU_SOURCE /* memmem */
#include "attachment.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"

static const char signature[] =
        "http://adlnet.gov/expapi/attachments/signature";
static const char octets[] = "application/octet-stream";

/* ---------------------------------------------------------- reading */

/* The type alone, without parameters and whatever the case. */
static bool is_octets(const char *type)
{
	size_t n = sizeof octets - 1;
	for (size_t i = 0; i < n; i++)
		if (gt_lower(type[i]) != octets[i])
			return false;
	return strchr("; \t", type[n]) != NULL;
}

static int take(struct gt_attachments *list, json_t *v, bool sub, size_t at)
{
	struct gt_attachment a = {.sub = sub};
	const char *type = gt_json_member(v, "contentType");
	if (!gt_sha2_parse(&a.sha2, gt_json_member(v, "sha2")))
		return 0;
	a.linked = *gt_json_member(v, "fileUrl") != '\0';
	a.signs = strcmp(gt_json_member(v, "usageType"), signature) == 0;
	a.octets = is_octets(type);
	gt_copy(a.type, sizeof a.type,
	        *type && strlen(type) < sizeof a.type ? type : octets);
	gt_format(a.path, sizeof a.path, "%sattachments[%zu]",
	          sub ? "object." : "", at);
	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 4;
		struct gt_attachment *more =
		        realloc(list->v, cap * sizeof *more);
		if (!more)
			return -GT_ENOMEM;
		list->v = more;
		list->cap = cap;
	}
	list->v[list->n++] = a;
	return 0;
}

static int take_all(struct gt_attachments *list, json_t *statement, bool sub)
{
	json_t *all = json_object_get(statement, "attachments");
	int status = 0;
	for (size_t i = 0; status == 0 && i < json_array_size(all); i++)
		status = take(list, json_array_get(all, i), sub, i);
	return status;
}

/* Few statements have any: most need not be read for it. */
static bool may_have(struct gt_bytes body)
{
	return body.n > 0 && (memmem(body.p, body.n, "sha2", 4) ||
	                      memmem(body.p, body.n, "\\u00", 4));
}

int gt_attachments_add(struct gt_attachments *list, struct gt_bytes body)
{
	json_error_t error;
	if (!may_have(body))
		return 0;
	json_t *v = gt_json_load(body, GT_JSON_STRICT, &error);
	if (!v)
		return *error.text ? 0 : -GT_ENOMEM;
	json_t *object = json_object_get(v, "object");
	int status = take_all(list, v, false);
	if (status == 0 &&
	    strcmp(gt_json_member(object, "objectType"), "SubStatement") == 0)
		status = take_all(list, object, true);
	json_decref(v);
	return status;
}

void gt_attachments_free(struct gt_attachments *list)
{
	free(list->v);
	*list = (struct gt_attachments){0};
}

const struct gt_attachment *gt_attachments_find(const struct gt_attachments *l,
                                                const struct gt_sha2 *sha2)
{
	for (size_t i = 0; i < l->n; i++)
		if (gt_sha2_eq(&l->v[i].sha2, sha2))
			return &l->v[i];
	return NULL;
}

/* ------------------------------------------------------- signatures */

/* The statement without the attachments that sign it, as text. NULL: out of
 * memory, or *none: it is no JSON object. */
static char *unsigned_of(struct gt_bytes body, bool *none)
{
	json_error_t error;
	json_t *v = gt_json_load(body, GT_JSON_STRICT, &error);
	*none = !json_is_object(v) && (v || *error.text);
	if (!json_is_object(v)) {
		json_decref(v);
		return NULL;
	}
	json_t *all = json_object_get(v, "attachments");
	for (size_t i = json_array_size(all); i-- > 0;)
		if (strcmp(gt_json_member(json_array_get(all, i), "usageType"),
		           signature) == 0)
			json_array_remove(all, i);
	if (json_is_array(all) && json_array_size(all) == 0)
		json_object_del(v, "attachments");
	char *text = json_dumps(v, JSON_COMPACT);
	json_decref(v);
	return text;
}

/* A statement without what signs it. */
struct bare {
	char *text;
	struct gt_statement says;
};

static int read_bare(struct bare *b, struct gt_bytes body, char *why,
                     size_t why_cap)
{
	/* no id that anybody draws: it has none */
	static const uint8_t none[1][GT_UUID_BYTES];
	bool other;
	b->text = unsigned_of(body, &other);
	if (!b->text && !other)
		return -GT_ENOMEM;
	gt_format(why, why_cap, "not a JSON object");
	int n = b->text ? gt_statements_parse(gt_bytes_str(b->text),
	                                      GT_XAPI_ANY, none, 1, &b->says, 1,
	                                      why, why_cap)
	                : -GT_EINVALID;
	return n < 0 ? n : 0;
}

/* By likeness: a time that only one of them has makes another of it. */
static int compare(bool *same, const struct bare *a, const struct bare *b)
{
	static const uint8_t none[GT_UUID_BYTES];
	bool ids = memcmp(a->says.id, none, GT_UUID_BYTES) != 0 &&
	           memcmp(b->says.id, none, GT_UUID_BYTES) != 0;
	*same = !ids || memcmp(a->says.id, b->says.id, GT_UUID_BYTES) == 0;
	if (!*same || gt_id_eq(&a->says.form, &b->says.form))
		return 0;
	return gt_statement_twins(same, gt_bytes_str(a->text), 0,
	                          gt_bytes_str(b->text), 0);
}

int gt_attachment_signs(struct gt_bytes statement, struct gt_bytes payload,
                        char *why, size_t why_cap)
{
	struct bare one = {0}, other = {0};
	char what[512];
	bool same = false;
	int status = read_bare(&one, payload, what, sizeof what);
	if (status == 0)
		status = read_bare(&other, statement, what, sizeof what);
	bool read = status == 0;
	if (read)
		status = compare(&same, &one, &other);
	free(one.text);
	free(other.text);
	if (status == -GT_ENOMEM || same)
		return status;
	if (read)
		gt_format(why, why_cap, "what it signs is another statement");
	else
		gt_format(why, why_cap, "what it signs is not a statement: %s",
		          what);
	return -GT_EINVALID;
}
