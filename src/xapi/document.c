#include "document.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "xapi.h"

/* Of what is kept as it came, and may hold U+0000. */
enum {
	LENIENT = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL |
	          JSON_ALLOW_NUL
};

/* In whichever letters. */
static bool alike(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (gt_lower(a[i]) != gt_lower(b[i]))
			return false;
		if (a[i] == '\0')
			return true;
	}
	return true;
}

/* ------------------------------------------------------------ agents */

static void put_lower(struct gt_buffer *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = gt_lower(s[i]);
		gt_buffer_add(out, &c, 1);
	}
}

/* Scheme and host have no case. */
static void put_iri(struct gt_buffer *out, const char *iri)
{
	size_t n = strcspn(iri, ":");
	if (strncmp(iri + n, "://", 3) == 0)
		n += 3 + strcspn(iri + n + 3, "/?#");
	put_lower(out, iri, n);
	gt_buffer_str(out, iri + n);
}

static void put_mbox(struct gt_buffer *out, const char *mbox)
{
	struct gt_buffer text = {0};
	uint8_t sum[GT_SHA1_BYTES];
	char hex[2 * GT_SHA1_BYTES + 1];
	const char *at = strrchr(mbox, '@');
	size_t n = at ? (size_t)(at - mbox) : strlen(mbox);
	gt_buffer_add(&text, mbox, n);
	put_lower(&text, mbox + n, strlen(mbox + n));
	gt_sha1(sum, gt_buffer_bytes(&text));
	gt_hex(hex, sum, sizeof sum);
	gt_buffer_format(out, "sha1:%s", hex);
	out->failed = out->failed || text.failed;
	gt_buffer_free(&text);
}

static void put_agent(struct gt_buffer *out, const json_t *v)
{
	const json_t *account = json_object_get(v, "account");
	const char *sum = gt_json_member(v, "mbox_sha1sum");
	if (strcmp(gt_json_member(v, "objectType"), "Group") == 0)
		gt_buffer_str(out, "group ");
	if (json_object_get(v, "mbox")) {
		put_mbox(out, gt_json_member(v, "mbox"));
	} else if (*sum) {
		gt_buffer_str(out, "sha1:");
		put_lower(out, sum, strlen(sum));
	} else if (account) {
		gt_buffer_str(out, "account:");
		put_iri(out, gt_json_member(account, "homePage"));
		gt_buffer_str(out, " ");
		gt_buffer_str(out, gt_json_member(account, "name"));
	} else {
		gt_buffer_str(out, "openid:");
		put_iri(out, gt_json_member(v, "openid"));
	}
}

int gt_document_agent(struct gt_buffer *out, struct gt_bytes json, char *why,
                      size_t why_cap)
{
	json_error_t error;
	size_t before = out->n;
	if (json.n > GT_TEXT_MAX) {
		gt_format(why, why_cap, "an agent of more than %d bytes",
		          GT_TEXT_MAX);
		return -GT_ELIMIT;
	}
	int rc = gt_xapi_check_text(json, GT_XAPI_ACTOR, GT_XAPI_ANY, why,
	                            why_cap);
	if (rc != 0)
		return rc;
	json_t *v = gt_json_load(json, GT_JSON_STRICT, &error);
	if (!v && !*error.text)
		return -GT_ENOMEM;
	if (!v) {
		gt_format(why, why_cap, "not JSON: %s", gt_json_flaw(&error));
		return -GT_EINVALID;
	}
	put_agent(out, v);
	json_decref(v);
	if (out->failed)
		return -GT_ENOMEM;
	if (out->n - before <= GT_DOCUMENT_NAME_MAX)
		return 0;
	gt_format(why, why_cap, "an agent's identifier of more than %d bytes",
	          GT_DOCUMENT_NAME_MAX);
	return -GT_ELIMIT;
}

/* -------------------------------------------------------------- keys */

static bool fits(const char *text)
{
	return strlen(text) <= GT_DOCUMENT_NAME_MAX;
}

const char *gt_document_unfit(const struct gt_document_key *k)
{
	bool learner = k->kind != GT_DOCUMENT_ACTIVITY;
	bool activity = k->kind != GT_DOCUMENT_AGENT;
	if (k->kind < GT_DOCUMENT_STATE || k->kind > GT_DOCUMENT_ACTIVITY)
		return "a document of an unknown kind";
	if (learner != (*k->agent != '\0'))
		return "a document with no learner, or one too many";
	if (activity ? !gt_xapi_is_iri(k->activity) : *k->activity != '\0')
		return "a document whose activity is no absolute IRI";
	if (*k->registration &&
	    (k->kind != GT_DOCUMENT_STATE || !gt_xapi_is_uuid(k->registration)))
		return "a document whose registration is no UUID";
	if (k->id && *k->id == '\0')
		return "a document without an id";
	return fits(k->activity) && fits(k->agent) && fits(k->id ? k->id : "")
	               ? NULL
	               : "a document whose name is too long";
}

const char *gt_document_owner(const struct gt_document_key *key)
{
	return *key->agent ? key->agent : key->activity;
}

/* ----------------------------------------------------- preconditions */

void gt_document_etag(char out[GT_ETAG_TEXT], struct gt_bytes body)
{
	uint8_t sum[GT_SHA1_BYTES];
	gt_sha1(sum, body);
	out[0] = '"';
	gt_hex(out + 1, sum, sizeof sum);
	out[GT_ETAG_TEXT - 2] = '"';
	out[GT_ETAG_TEXT - 1] = '\0';
}

/* The tag of n bytes at s, quoted or not. */
static bool is_tag(const char *s, size_t n, const char *etag)
{
	const char *bare = etag + 1;
	size_t length = strlen(etag) - 2;
	if (n >= 2 && strncmp(s, "W/", 2) == 0) {
		s += 2;
		n -= 2;
	}
	if (n >= 2 && s[0] == '"' && s[n - 1] == '"') {
		s++;
		n -= 2;
	}
	return n == length && alike(s, bare, n);
}

bool gt_document_named(const char *header, const char *etag)
{
	static const char blank[] = " \t";
	bool named = false;
	while (etag && !named && *header) {
		size_t n = strcspn(header, ","), keep;
		const char *s = header + strspn(header, blank);
		header += n;
		keep = s < header ? (size_t)(header - s) : 0;
		while (keep > 0 && strchr(blank, s[keep - 1]))
			keep--;
		named = (keep == 1 && *s == '*') || is_tag(s, keep, etag);
		header += *header == ',';
	}
	return named;
}

int gt_document_may(const struct gt_document_edit *e, const char *etag,
                    char *why, size_t why_cap)
{
	bool none = !e->if_match && !e->if_no_match;
	if (e->if_match && !gt_document_named(e->if_match, etag)) {
		gt_format(why, why_cap, "%s",
		          etag ? "the document here is another one than "
		                 "If-Match names: get it, and try again"
		               : "there is no document that If-Match could "
		                 "name: put it with If-None-Match: *");
		return -GT_ESTALE;
	}
	if (e->if_no_match && gt_document_named(e->if_no_match, etag)) {
		gt_format(why, why_cap,
		          "there is a document already that If-None-Match "
		          "names: get it, and try again with If-Match");
		return -GT_ESTALE;
	}
	if (!none || e->verb != GT_DOCUMENT_PUT || e->guard == GT_GUARD_NONE)
		return 0;
	if (etag) {
		gt_format(why, why_cap,
		          "there is a document already: get it, and say by "
		          "If-Match with its ETag that it may be replaced");
		return -GT_ECONFLICT;
	}
	if (e->guard == GT_GUARD_THERE)
		return 0;
	gt_format(why, why_cap,
	          "a profile is put with If-Match, or with If-None-Match: * "
	          "where none is there");
	return -GT_EINVALID;
}

/* ------------------------------------------------------------- merge */

bool gt_document_is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof json - 1;
	return alike(type, json, n) &&
	       (type[n] == '\0' || strchr("; \t", type[n]));
}

static json_t *load_object(struct gt_bytes body, char *why, size_t why_cap,
                           int *status)
{
	json_error_t error;
	json_t *v = gt_json_load(body, LENIENT, &error);
	*status = 0;
	if (json_is_object(v))
		return v;
	*status = v || *error.text ? -GT_EINVALID : -GT_ENOMEM;
	gt_format(why, why_cap, "%s",
	          v ? "not an object" : gt_json_flaw(&error));
	json_decref(v);
	return NULL;
}

int gt_document_object(struct gt_bytes body, char *why, size_t why_cap)
{
	int status;
	char flaw[120];
	json_decref(load_object(gt_json_unmarked(body), flaw, sizeof flaw,
	                        &status));
	if (status == -GT_EINVALID)
		gt_format(why, why_cap,
		          "what is posted as JSON has to be one object: %s",
		          flaw);
	return status;
}

/* Members of an object, as they stand in its text. */
struct members {
	struct member {
		struct gt_bytes key, value;
		bool used;
	} * v;
	size_t n, cap;
	json_t *at; /* where a name stands in v */
};

static void members_free(struct members *m)
{
	free(m->v);
	json_decref(m->at);
}

/* A name as it is meant, however it is written. NULL: no memory, or none that
 * can be told (it holds U+0000). */
static json_t *name_of(struct gt_bytes key)
{
	return gt_json_load(key, JSON_DECODE_ANY, NULL);
}

static bool grow(struct members *m)
{
	if (m->n < m->cap)
		return true;
	size_t cap = m->cap ? 2 * m->cap : 16;
	struct member *v = realloc(m->v, cap * sizeof *v);
	if (!v)
		return false;
	m->v = v;
	m->cap = cap;
	return true;
}

/* Of a text that was found to be an object. */
static int members_of(struct members *m, struct gt_bytes text)
{
	struct gt_json_iter it;
	struct gt_bytes key, value;
	int more = 0;
	m->at = json_object();
	if (!m->at)
		return -GT_ENOMEM;
	if (gt_json_open(&it, text) != '{')
		return -GT_EINVALID;
	while ((more = gt_json_next(&it, &key, &value)) == 1) {
		json_t *name = name_of(key);
		bool kept = name && grow(m) &&
		            json_object_set_new_nocheck(
		                    m->at, gt_json_string(name),
		                    json_integer((json_int_t)m->n)) == 0;
		json_decref(name);
		if (!kept)
			return -GT_ENOMEM;
		m->v[m->n++] = (struct member){key, value, false};
	}
	return more == 0 ? 0 : -GT_EINVALID;
}

static void put_member(struct gt_buffer *out, bool *first, struct gt_bytes key,
                       struct gt_bytes value)
{
	gt_buffer_str(out, *first ? "" : ",");
	*first = false;
	gt_buffer_add(out, key.p, key.n);
	gt_buffer_str(out, ":");
	gt_buffer_add(out, value.p, value.n);
}

static int put_merged(struct gt_buffer *out, struct members *a,
                      struct members *b)
{
	bool first = true;
	gt_buffer_str(out, "{");
	for (size_t i = 0; i < a->n; i++) {
		struct gt_bytes value = a->v[i].value;
		json_t *name = name_of(a->v[i].key);
		if (!name)
			return -GT_ENOMEM;
		json_t *at = json_object_get(b->at, gt_json_string(name));
		json_decref(name);
		if (at) {
			struct member *m = &b->v[json_integer_value(at)];
			m->used = true;
			value = m->value;
		}
		put_member(out, &first, a->v[i].key, value);
	}
	for (size_t i = 0; i < b->n; i++)
		if (!b->v[i].used)
			put_member(out, &first, b->v[i].key, b->v[i].value);
	gt_buffer_str(out, "}");
	return out->failed ? -GT_ENOMEM : 0;
}

/* What jansson took for an object the slices may not be: nested too deep. */
static int slice(struct members *m, struct gt_bytes text, const char *which,
                 char *why, size_t why_cap)
{
	char flaw[120];
	int status;
	json_decref(load_object(text, flaw, sizeof flaw, &status));
	if (status == 0)
		status = members_of(m, text);
	else if (status == -GT_EINVALID)
		gt_format(why, why_cap,
		          "%s is no JSON object, and cannot be merged: %s",
		          which, flaw);
	if (status == -GT_EINVALID && m->at)
		gt_format(why, why_cap, "%s is nested too deep", which);
	return status;
}

int gt_document_merge(struct gt_buffer *out, struct gt_bytes there,
                      struct gt_bytes more, char *why, size_t why_cap)
{
	struct members a = {0}, b = {0};
	int status = slice(&a, gt_json_unmarked(there), "the document here",
	                   why, why_cap);
	if (status == 0)
		status = slice(&b, gt_json_unmarked(more), "what is posted",
		               why, why_cap);
	out->n = 0;
	if (status == 0)
		status = put_merged(out, &a, &b);
	members_free(&a);
	members_free(&b);
	if (status != 0 || out->n <= GT_DOCUMENT_MAX)
		return status;
	gt_format(why, why_cap, "merged it comes to more than %d bytes",
	          GT_DOCUMENT_MAX);
	return -GT_ELIMIT;
}
