/* identity.c: what a statement is about, and fields taken out of it. */
#include "xapi_inside.h"

#include <stdlib.h>
#include <string.h>

#define ADL_SIGNATURE "http://adlnet.gov/expapi/attachments/signature"

const char *const gt_identity_lists[GT_IDENTITY_LISTS] = {"parent", "grouping",
                                                          "category", "other"};

/* -------------------------------------------------------------- about */

bool gt_identity_is_activity(const json_t *object)
{
	const char *kind = gt_json_member(object, "objectType");
	return *kind == '\0' || strcmp(kind, "Activity") == 0;
}

bool gt_identity_is_sub(const json_t *object)
{
	return strcmp(gt_json_member(object, "objectType"), "SubStatement") ==
	       0;
}

/* One activity, or a list: into v from *n on, if there is one. */
static void ids_of(const json_t *v, const char **ids, size_t *n)
{
	const char *id = gt_json_member(v, "id");
	if (json_is_object(v) && *id) {
		if (ids)
			ids[*n] = id;
		++*n;
	}
	for (size_t i = 0; i < json_array_size(v); i++)
		ids_of(json_array_get(v, i), ids, n);
}

static void activities_of(const json_t *s, const char **ids, size_t *n)
{
	const json_t *object = json_object_get(s, "object");
	const json_t *in = json_object_get(json_object_get(s, "context"),
	                                   "contextActivities");
	if (gt_identity_is_activity(object))
		ids_of(object, ids, n);
	ids_of(json_object_get(in, "parent"), ids, n);
	ids_of(json_object_get(in, "grouping"), ids, n);
	if (gt_identity_is_sub(object))
		activities_of(object, ids, n);
}

static void classes_of(const json_t *s, const char **ids, size_t *n)
{
	const json_t *object = json_object_get(s, "object");
	const json_t *in = json_object_get(json_object_get(s, "context"),
	                                   "contextActivities");
	ids_of(json_object_get(in, "category"), ids, n);
	if (gt_identity_is_sub(object))
		classes_of(object, ids, n);
}

void gt_about_close(struct gt_about *a)
{
	json_decref(a->statement);
	free(a->activities);
	free(a->classes);
	*a = (struct gt_about){0};
}

int gt_about_open(struct gt_about *a, struct gt_bytes body)
{
	json_error_t error;
	size_t na = 0, nc = 0;
	*a = (struct gt_about){0};
	a->statement =
	        gt_json_load(body, GT_JSON_STRICT | JSON_ALLOW_NUL, &error);
	if (!a->statement)
		return error.text[0] ? -GT_EINVALID : -GT_ENOMEM;
	a->verb = gt_json_member(json_object_get(a->statement, "verb"), "id");
	activities_of(a->statement, NULL, &na);
	classes_of(a->statement, NULL, &nc);
	a->activities = calloc(na + 1, sizeof *a->activities);
	a->classes = calloc(nc + 1, sizeof *a->classes);
	if (!a->activities || !a->classes) {
		gt_about_close(a);
		return -GT_ENOMEM;
	}
	activities_of(a->statement, a->activities, &a->nactivities);
	classes_of(a->statement, a->classes, &a->nclasses);
	return 0;
}

/* ----------------------------------------------------- what was there */

/* Whether a signature, anything else was attached, in a SubStatement too. */
void gt_identity_attached(const json_t *s, bool *signature, bool *other)
{
	const json_t *list = json_object_get(s, "attachments");
	const json_t *object = json_object_get(s, "object");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *usage =
		        gt_json_member(json_array_get(list, i), "usageType");
		bool is = strcmp(usage, ADL_SIGNATURE) == 0;
		*signature = *signature || is;
		*other = *other || !is;
	}
	if (gt_identity_is_sub(object))
		gt_identity_attached(object, signature, other);
}

/* The object's member of that name, made if there is none. NULL: out of
 * memory. */
static json_t *member(json_t *of, const char *key)
{
	json_t *v = json_object_get(of, key);
	if (v)
		return v;
	v = json_object();
	return json_object_set_new(of, key, v) == 0 ? v : NULL;
}

bool gt_identity_mark(json_t *s, bool signature, bool other)
{
	if (!signature && !other)
		return true;
	json_t *extensions = member(member(s, "context"), "extensions");
	json_t *list = json_array();
	bool ok = json_object_set_new(extensions, GT_IDENTITY_STRIPPED, list) ==
	          0;
	if (ok && other)
		ok = json_array_append_new(list, json_string("attachments")) ==
		     0;
	if (ok && signature)
		ok = json_array_append_new(list, json_string("signature")) == 0;
	return ok;
}

/* ------------------------------------------------------------- redact */

static void redact_agent(json_t *v, uint32_t fields)
{
	json_t *list = json_object_get(v, "member");
	if (fields & GT_IDENTITY_NAMES)
		json_object_del(v, "name");
	for (size_t i = 0; i < json_array_size(list); i++)
		redact_agent(json_array_get(list, i), fields);
}

static void redact_activity(json_t *v, uint32_t fields)
{
	static const char *const texts[] = {
	        "name",    "description", "moreInfo",
	        "choices", "scale",       "source",
	        "target",  "steps",       "correctResponsesPattern"};
	json_t *d = json_object_get(v, "definition");
	if (fields & GT_IDENTITY_EXTENSIONS)
		json_object_del(d, "extensions");
	for (size_t i = 0;
	     fields & GT_IDENTITY_TEXT && i < sizeof texts / sizeof *texts; i++)
		json_object_del(d, texts[i]);
	if (d && json_object_size(d) == 0)
		json_object_del(v, "definition");
}

static void redact_activities(json_t *v, uint32_t fields)
{
	for (size_t i = 0; i < json_array_size(v); i++)
		redact_activity(json_array_get(v, i), fields);
	if (json_is_object(v))
		redact_activity(v, fields);
}

static void redact_listed(json_t *list, const char *key, uint32_t fields)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		redact_agent(json_object_get(json_array_get(list, i), key),
		             fields);
}

static void redact_context(json_t *c, uint32_t fields)
{
	json_t *in = json_object_get(c, "contextActivities");
	redact_agent(json_object_get(c, "instructor"), fields);
	redact_agent(json_object_get(c, "team"), fields);
	redact_listed(json_object_get(c, "contextAgents"), "agent", fields);
	redact_listed(json_object_get(c, "contextGroups"), "group", fields);
	for (int i = 0; i < GT_IDENTITY_LISTS; i++)
		redact_activities(json_object_get(in, gt_identity_lists[i]),
		                  fields);
	if (fields & GT_IDENTITY_EXTENSIONS)
		json_object_del(c, "extensions");
	if (fields & GT_IDENTITY_TEXT) {
		json_object_del(c, "revision");
		json_object_del(c, "platform");
	}
}

/* A description of a file is text that must be there: without text there are
 * no attachments. */
static void redact_attachments(json_t *s, uint32_t fields)
{
	json_t *list = json_object_get(s, "attachments");
	bool all = fields & (GT_IDENTITY_ATTACHMENTS | GT_IDENTITY_TEXT);
	for (size_t i = json_array_size(list); i-- > 0;) {
		const char *usage =
		        gt_json_member(json_array_get(list, i), "usageType");
		if (all || strcmp(usage, ADL_SIGNATURE) == 0)
			json_array_remove(list, i);
	}
	if (list && json_array_size(list) == 0)
		json_object_del(s, "attachments");
}

/* What a statement and a SubStatement have in common. */
static void redact(json_t *s, uint32_t fields)
{
	json_t *object = json_object_get(s, "object");
	json_t *result = json_object_get(s, "result");
	redact_agent(json_object_get(s, "actor"), fields);
	redact_context(json_object_get(s, "context"), fields);
	redact_attachments(s, fields);
	if (fields & GT_IDENTITY_TEXT)
		json_object_del(json_object_get(s, "verb"), "display");
	if (fields & GT_IDENTITY_RESPONSES)
		json_object_del(result, "response");
	if (fields & GT_IDENTITY_EXTENSIONS)
		json_object_del(result, "extensions");
	if (gt_identity_is_sub(object))
		redact(object, fields);
	else if (gt_identity_is_activity(object))
		redact_activity(object, fields);
	else
		redact_agent(object, fields);
}

int gt_identity_redact(struct gt_buffer *out, struct gt_about *a,
                       uint32_t fields)
{
	bool signature = false, other = false, rest_signature = false,
	     rest = false;
	gt_identity_attached(a->statement, &signature, &other);
	redact(a->statement, fields);
	redact_agent(json_object_get(a->statement, "authority"), fields);
	gt_identity_attached(a->statement, &rest_signature, &rest);
	bool ok = gt_identity_mark(a->statement, signature && !rest_signature,
	                           other && !rest);
	return ok ? gt_json_canon(out, a->statement) : -GT_ENOMEM;
}

int gt_identity_authority_redact(struct gt_buffer *out, const char *authority,
                                 uint32_t fields)
{
	json_t *who =
	        gt_json_load(gt_bytes_str(authority), GT_JSON_STRICT, NULL);
	int status = 0;
	redact_agent(who, fields);
	if (json_is_object(who))
		status = gt_json_canon(out, who);
	json_decref(who);
	return status;
}

/* ---------------------------------------------------------------- bare */

static bool may_stand(const char *key, const json_t *of, const json_t *value)
{
	static const char *const never[] = {"mbox",
	                                    "mbox_sha1sum",
	                                    "openid",
	                                    "display",
	                                    "moreInfo",
	                                    "description",
	                                    "response",
	                                    "revision",
	                                    "platform",
	                                    "attachments",
	                                    "authority",
	                                    "choices",
	                                    "scale",
	                                    "source",
	                                    "target",
	                                    "steps",
	                                    "stored",
	                                    "interactionType",
	                                    "correctResponsesPattern"};
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (strcmp(key, never[i]) == 0)
			return false;
	if (strcmp(key, "homePage") == 0)
		return strncmp(gt_json_string(value), GT_PSEUDONYM_PAGES,
		               strlen(GT_PSEUDONYM_PAGES)) == 0;
	if (strcmp(key, "name") == 0)
		return json_object_get(of, "homePage") != NULL &&
		       strlen(gt_json_string(value)) == GT_PSEUDONYM_CHARS - 1;
	if (strcmp(key, "extensions") == 0)
		return json_object_size(value) == 1 &&
		       json_object_get(value, GT_IDENTITY_STRIPPED) != NULL;
	return true;
}

bool gt_identity_is_bare(const json_t *v)
{
	const char *key;
	json_t *value;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!gt_identity_is_bare(json_array_get(v, i)))
			return false;
	if (!json_is_object(v))
		return true;
	json_object_foreach((json_t *)gt_lend(v), key, value)
	{
		if (!may_stand(key, v, value) || !gt_identity_is_bare(value))
			return false;
	}
	return true;
}
