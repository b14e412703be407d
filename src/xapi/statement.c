#include "statement.h"

#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "form.h"
#include "iso8601.h"
#include "json.h"
#include "utf8.h"
#include "xapi.h"

bool gt_uuid_parse(uint8_t out[GT_UUID_BYTES], const char *text)
{
	char hex[2 * GT_UUID_BYTES + 1];
	size_t n = 0;
	if (!gt_xapi_is_uuid(text))
		return false;
	for (; *text; text++)
		if (*text != '-')
			hex[n++] = *text;
	hex[n] = '\0';
	return gt_unhex(out, GT_UUID_BYTES, hex);
}

void gt_uuid_format(char out[GT_UUID_TEXT], const uint8_t id[GT_UUID_BYTES])
{
	char hex[2 * GT_UUID_BYTES + 1];
	gt_hex(hex, id, GT_UUID_BYTES);
	gt_format(out, GT_UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
	          hex + 12, hex + 16, hex + 20);
}

/* ---------------------------------------------------------- parsing */

struct batch {
	enum gt_xapi_version version; /* which judges */
	struct gt_buffer scratch;
	const uint8_t (*ids)[GT_UUID_BYTES];
	size_t nids;
	struct gt_statement *out;
	size_t cap, n;
	char *why;
	size_t why_cap;
};

/* jansson quotes the bytes it stumbled over, whole characters or not. */
static void make_text(char *s)
{
	if (gt_utf8_valid(s, strlen(s)))
		return;
	for (; *s; s++)
		if ((signed char)*s < 0)
			*s = '?';
}

static int refuse(struct batch *b, int code, const char *what)
{
	gt_format(b->why, b->why_cap, "statement %zu: %s", b->n + 1, what);
	return code;
}

/* The verb alone tells: xapi.h has checked that its object is a reference. */
static void take_target(struct gt_statement *s, json_t *v)
{
	if (strcmp(gt_json_member(json_object_get(v, "verb"), "id"),
	           "http://adlnet.gov/expapi/verbs/voided") != 0)
		return;
	const char *id = gt_json_member(json_object_get(v, "object"), "id");
	bool ok = gt_uuid_parse(s->target, id);
	assert(ok);
	s->flags |= GT_STATEMENT_VOIDS;
}

static int take_id(struct batch *b, struct gt_statement *s, json_t *v)
{
	const char *text = json_string_value(json_object_get(v, "id"));
	if (text) {
		bool ok = gt_uuid_parse(s->id, text);
		assert(ok);
	} else if (b->n < b->nids) {
		memcpy(s->id, b->ids[b->n], GT_UUID_BYTES);
	} else {
		return refuse(b, -GT_ELIMIT, "no id is left to give it");
	}
	for (size_t i = 0; i < b->n; i++)
		if (memcmp(b->out[i].id, s->id, GT_UUID_BYTES) == 0)
			return refuse(b, -GT_EINVALID,
			              "id: the same as an earlier one's");
	return 0;
}

static int take_json(struct batch *b, struct gt_statement *s, json_t *v)
{
	char what[512];
	if (!gt_xapi_check(v, b->version, what, sizeof what))
		return refuse(b, -GT_EINVALID, what);
	int rc = take_id(b, s, v);
	if (rc)
		return rc;
	take_target(s, v);
	rc = gt_form_hash(&s->form, v, &b->scratch);
	return rc ? refuse(b, rc, gt_strerror(rc)) : 0;
}

static int take(struct batch *b, struct gt_bytes body)
{
	json_error_t error;
	if (b->n == b->cap)
		return refuse(b, -GT_ELIMIT, "too many in one batch");
	if (body.n > GT_STATEMENT_MAX)
		return refuse(b, -GT_ELIMIT, "too long");
	struct gt_statement *s = &b->out[b->n];
	*s = (struct gt_statement){.body = body, .authority = ""};
	json_t *v = gt_json_load(body, GT_JSON_STRICT, &error);
	/* jansson has no words for that */
	if (!v && !*error.text)
		return refuse(b, -GT_ENOMEM, "out of memory");
	if (!v) {
		char what[256];
		gt_format(what, sizeof what, "not JSON: %s at byte %d",
		          gt_json_flaw(&error), error.position);
		make_text(what);
		return refuse(b, -GT_EINVALID, what);
	}
	int rc = take_json(b, s, v);
	json_decref(v);
	b->n += rc == 0;
	return rc;
}

static int take_all(struct batch *b, struct gt_json_iter *it)
{
	struct gt_bytes key, body;
	for (;;) {
		int rc = gt_json_next(it, &key, &body);
		if (rc == 0)
			return (int)b->n;
		if (rc < 0)
			return refuse(b, -GT_EINVALID,
			              "not JSON, or nested too deep");
		rc = take(b, body);
		if (rc)
			return rc;
	}
}

int gt_statements_parse(struct gt_bytes json, enum gt_xapi_version version,
                        const uint8_t (*ids)[GT_UUID_BYTES], size_t nids,
                        struct gt_statement *out, size_t cap, char *why,
                        size_t why_cap)
{
	struct batch b = {.version = version,
	                  .ids = ids,
	                  .nids = nids,
	                  .out = out,
	                  .cap = cap,
	                  .why = why,
	                  .why_cap = why_cap};
	struct gt_json_iter it;
	int rc;
	assert(why_cap > 0);
	*why = '\0';
	if (gt_json_open(&it, json) == '[') {
		rc = take_all(&b, &it);
	} else if (!gt_json_trim(&json)) {
		rc = refuse(&b, -GT_EINVALID, "not JSON, or nested too deep");
	} else {
		rc = take(&b, json);
		rc = rc ? rc : 1;
	}
	gt_buffer_free(&b.scratch);
	return rc;
}

/* ----------------------------------------------------------- twins */

/* The statement, with a time of an LRS's if it brought none. */
struct timed {
	json_t *v;
	bool own; /* the time is its own */
};

static int read_timed(struct timed *t, struct gt_bytes body, int64_t ms)
{
	char text[GT_ISO_CHARS];
	json_error_t error;
	t->v = gt_json_load(body, GT_JSON_STRICT, &error);
	if (!json_is_object(t->v))
		return t->v || *error.text ? -GT_EMALFORMED : -GT_ENOMEM;
	t->own = json_object_get(t->v, "timestamp") != NULL;
	gt_iso_format(text, ms);
	if (t->own)
		return 0;
	return json_object_set_new(t->v, "timestamp", json_string(text))
	               ? -GT_ENOMEM
	               : 0;
}

int gt_statement_twins(bool *twins, struct gt_bytes a, int64_t a_ms,
                       struct gt_bytes b, int64_t b_ms)
{
	struct timed one = {0}, other = {0};
	struct gt_buffer scratch = {0};
	struct gt_id forms[2];
	*twins = false;
	int rc = read_timed(&one, a, a_ms);
	if (rc == 0)
		rc = read_timed(&other, b, b_ms);
	if (rc == 0 && one.own != other.own) {
		rc = gt_form_hash(&forms[0], one.v, &scratch);
		if (rc == 0)
			rc = gt_form_hash(&forms[1], other.v, &scratch);
		*twins = rc == 0 && gt_id_eq(&forms[0], &forms[1]);
	}
	gt_buffer_free(&scratch);
	json_decref(one.v);
	json_decref(other.v);
	return rc == -GT_ENOMEM ? rc : 0;
}

/* -------------------------------------------------------- verifying */

static int unfit(char *why, size_t why_cap, const char *what)
{
	gt_format(why, why_cap, "%s", what);
	return -GT_EDAMAGED;
}

/* 0 with what the body says by itself, -GT_EDAMAGED, -GT_ENOMEM. */
static int read_back(const struct gt_statement *said, struct gt_statement *got,
                     char *why, size_t why_cap)
{
	char what[512] = "";
	static const char place[] = "statement 1: "; /* refuse() */
	const uint8_t(*id)[GT_UUID_BYTES] = &said->id;
	struct gt_bytes body = said->body;
	struct batch b = {.ids = id,
	                  .nids = 1,
	                  .out = got,
	                  .cap = 1,
	                  .why = what,
	                  .why_cap = sizeof what};
	int rc = gt_json_trim(&body) ? take(&b, body)
	                             : refuse(&b, -GT_EINVALID,
	                                      "not JSON, or nested too deep");
	gt_buffer_free(&b.scratch);
	if (rc == 0 || rc == -GT_ENOMEM)
		return rc;
	return unfit(why, why_cap, what + strlen(place));
}

static int verify_authority(const char *text, char *why, size_t why_cap)
{
	char what[256], place[300];
	if (!text || !*text)
		return 0;
	int rc = gt_xapi_check_text(gt_bytes_str(text), GT_XAPI_AUTHORITY,
	                            GT_XAPI_ANY, what, sizeof what);
	if (rc != -GT_EINVALID)
		return rc;
	gt_format(place, sizeof place, "authority: %s", what);
	return unfit(why, why_cap, place);
}

static int verify(const struct gt_statement *said, char *why, size_t why_cap)
{
	struct gt_statement got;
	int rc = read_back(said, &got, why, why_cap);
	if (rc != 0)
		return rc;
	if (memcmp(got.id, said->id, GT_UUID_BYTES) != 0)
		return unfit(why, why_cap, "the id is not its statement's");
	if (!gt_id_eq(&got.form, &said->form))
		return unfit(why, why_cap, "the form is not its statement's");
	if ((got.flags ^ said->flags) & GT_STATEMENT_VOIDS ||
	    (got.flags & GT_STATEMENT_VOIDS &&
	     memcmp(got.target, said->target, GT_UUID_BYTES) != 0))
		return unfit(why, why_cap,
		             "what it voids is not what its statement voids");
	return verify_authority(said->authority, why, why_cap);
}

/* Without memory jansson takes a string for an invalid token, or for a shorter
 * one. So nobody is called a liar by one look: if the second goes well, it was
 * the memory. */
int gt_statement_verify(const struct gt_statement *said, char *why,
                        size_t why_cap)
{
	int rc = verify(said, why, why_cap);
	if (rc == -GT_EDAMAGED && verify(said, why, why_cap) == 0)
		rc = -GT_ENOMEM;
	return rc;
}

/* ------------------------------------------------------------ voids */

bool gt_statement_may_void(const struct gt_voucher *by,
                           const struct gt_voucher *target)
{
	if (by->flags & GT_STATEMENT_OPERATOR &&
	    gt_code_within(target->origin, by->origin))
		return true;
	return strcmp(by->origin, target->origin) == 0 &&
	       strcmp(by->authority, target->authority) == 0;
}

/* -------------------------------------------------------- rendering */

enum { HAS_ID = 1, HAS_TIMESTAMP = 2, HAS_AUTHORITY = 4, HAS_VERSION = 8 };

struct render {
	struct gt_buffer o;
	char timestamp[GT_ISO_CHARS];
	const char *stored;
	const char *authority; /* "": the body's, if it names one */
	unsigned has;
	bool any;    /* a property of the statement is told */
	bool modern; /* it uses what only version 2.0 has */
};

static void put_name(struct render *r, const char *name)
{
	if (r->any)
		gt_buffer_add(&r->o, ",", 1);
	r->any = true;
	gt_buffer_add(&r->o, "\"", 1);
	gt_buffer_str(&r->o, name);
	gt_buffer_add(&r->o, "\":", 2);
}

static void put_text(struct render *r, const char *name, const char *text)
{
	put_name(r, name);
	gt_json_put_string(&r->o, text, strlen(text));
}

static unsigned known(const char *name)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {{"id", HAS_ID},
	             {"timestamp", HAS_TIMESTAMP},
	             {"authority", HAS_AUTHORITY},
	             {"version", HAS_VERSION}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].bit;
	return 0;
}

/* Where in a statement a value lies. Only on the way to the activities of a
 * context is anything told otherwise than it came. */
enum place { ELSEWHERE, STATEMENT, OBJECT, CONTEXT, ACTIVITIES, ACTIVITY };

static enum place within(enum place outer, const char *name)
{
	static const struct {
		enum place outer, inner;
		const char *name;
	} row[] = {
	        {STATEMENT, OBJECT, "object"},
	        {STATEMENT, CONTEXT, "context"},
	        {OBJECT, CONTEXT, "context"}, /* of a SubStatement */
	        {CONTEXT, ACTIVITIES, "contextActivities"},
	        {ACTIVITIES, ACTIVITY, "parent"},
	        {ACTIVITIES, ACTIVITY, "grouping"},
	        {ACTIVITIES, ACTIVITY, "category"},
	        {ACTIVITIES, ACTIVITY, "other"},
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (row[i].outer == outer && strcmp(row[i].name, name) == 0)
			return row[i].inner;
	return ELSEWHERE;
}

/* Notes what the property says of its statement. False: it is not told, since
 * this LRS puts its own in its place. */
static bool told(struct render *r, enum place place, const char *name)
{
	r->modern |= place == CONTEXT && (strcmp(name, "contextAgents") == 0 ||
	                                  strcmp(name, "contextGroups") == 0);
	if (place != STATEMENT)
		return true;
	if (strcmp(name, "stored") == 0 ||
	    (*r->authority && strcmp(name, "authority") == 0))
		return false;
	r->has |= known(name);
	return true;
}

static bool put_members(struct render *r, enum place place,
                        struct gt_json_iter *it, bool *any);

/* Every value as it stands, but that a single activity of a context comes as a
 * list (xAPI 1.0.3 part two, 2.4.6.2). */
static bool put_value(struct render *r, enum place place, struct gt_bytes value)
{
	struct gt_json_iter it;
	bool any = false;
	if (place == ELSEWHERE || gt_json_open(&it, value) != '{') {
		gt_buffer_add(&r->o, value.p, value.n);
		return true;
	}
	if (place == ACTIVITY) {
		gt_buffer_str(&r->o, "[");
		gt_buffer_add(&r->o, value.p, value.n);
		gt_buffer_str(&r->o, "]");
		return true;
	}
	gt_buffer_str(&r->o, "{");
	if (!put_members(r, place, &it, &any))
		return false;
	gt_buffer_str(&r->o, "}");
	return true;
}

/* One property. False: its name is not JSON. */
static bool put_member(struct render *r, enum place place, struct gt_bytes key,
                       struct gt_bytes value, bool *any)
{
	/* A string, perhaps spelt with escapes: let jansson read it. */
	json_t *name = gt_json_load(key, JSON_DECODE_ANY, NULL);
	if (!name)
		return false;
	bool tell = told(r, place, json_string_value(name));
	enum place inner = within(place, json_string_value(name));
	json_decref(name);
	if (!tell)
		return true;
	if (*any)
		gt_buffer_add(&r->o, ",", 1);
	*any = true;
	gt_buffer_add(&r->o, key.p, key.n);
	gt_buffer_add(&r->o, ":", 1);
	return put_value(r, inner, value);
}

static bool put_members(struct render *r, enum place place,
                        struct gt_json_iter *it, bool *any)
{
	struct gt_bytes key, value;
	int more;
	while ((more = gt_json_next(it, &key, &value)) == 1)
		if (!put_member(r, place, key, value, any))
			return false;
	return more == 0;
}

static void put_missing(struct render *r, const uint8_t *id)
{
	char uuid[GT_UUID_TEXT];
	gt_uuid_format(uuid, id);
	if (!(r->has & HAS_ID))
		put_text(r, "id", uuid);
	if (!(r->has & HAS_TIMESTAMP))
		put_text(r, "timestamp", r->timestamp);
	put_text(r, "stored", r->stored);
	if (!(r->has & HAS_AUTHORITY) && *r->authority) {
		put_name(r, "authority");
		gt_buffer_str(&r->o, r->authority);
	}
	if (!(r->has & HAS_VERSION))
		put_text(r, "version", r->modern ? "2.0.0" : "1.0.0");
}

char *gt_statement_render_at(struct gt_bytes body,
                             const uint8_t id[GT_UUID_BYTES],
                             int64_t timestamp_ms, const char *stored,
                             const char *authority)
{
	struct render r = {.authority = authority ? authority : "",
	                   .stored = stored};
	struct gt_json_iter it;
	if (gt_json_open(&it, body) != '{')
		return NULL;
	gt_iso_format(r.timestamp, timestamp_ms);
	gt_buffer_add(&r.o, "{", 1);
	bool fine = put_members(&r, STATEMENT, &it, &r.any);
	put_missing(&r, id);
	gt_buffer_add(&r.o, "}", 1);
	if (!fine)
		gt_buffer_free(&r.o);
	return fine ? gt_buffer_text(&r.o, NULL) : NULL;
}
