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
	if (!gt_xapi_is_uuid(text))
		return false;
	for (size_t i = 0; i < GT_UUID_BYTES; i++, text += 2) {
		text += *text == '-';
		out[i] = (uint8_t)(gt_hex_digit(text[0]) << 4 |
		                   gt_hex_digit(text[1]));
	}
	return true;
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
	bool list;                    /* of many; else one by itself */
	struct gt_arena *arena;       /* of the statement at hand */
	struct gt_buffer scratch;
	const uint8_t (*ids)[GT_UUID_BYTES];
	size_t nids;
	struct gt_statement *out;
	size_t cap, n;
	char *why;
	size_t why_cap;
};

/* "statements[3]" of a list, else nothing; out has 32 bytes. */
static const char *place(const struct batch *b, char *out)
{
	*out = '\0';
	if (b->list)
		gt_format(out, 32, "statements[%zu]", b->n);
	return out;
}

static int refuse(struct batch *b, int code, const char *what)
{
	char at[32];
	place(b, at);
	gt_format(b->why, b->why_cap, "%s%s%s", at, *at ? ": " : "", what);
	return code;
}

/* Where it stands is worked out for those that are refused. */
static int check(struct batch *b, const struct gt_json_node *v)
{
	char at[32];
	int rc = gt_xapi_check(v, b->version, b->arena, "", b->why, b->why_cap);
	if (rc == -GT_EINVALID && b->list)
		rc = gt_xapi_check(v, b->version, b->arena, place(b, at),
		                   b->why, b->why_cap);
	return rc;
}

/* The verb alone tells: xapi.h has checked that its object is a reference. */
static void take_target(struct gt_statement *s, const struct gt_json_node *v)
{
	if (!gt_json_is(gt_json_find(gt_json_find(v, "verb"), "id"),
	                "http://adlnet.gov/expapi/verbs/voided"))
		return;
	const char *id =
	        gt_json_text_of(gt_json_find(gt_json_find(v, "object"), "id"));
	bool ok = gt_uuid_parse(s->target, id);
	assert(ok);
	s->flags |= GT_STATEMENT_VOIDS;
}

static int take_id(struct batch *b, struct gt_statement *s,
                   const struct gt_json_node *v)
{
	const struct gt_json_node *own = gt_json_find(v, "id");
	if (own) {
		bool ok = gt_uuid_parse(s->id, own->text);
		assert(ok);
	} else if (b->n < b->nids) {
		memcpy(s->id, b->ids[b->n], GT_UUID_BYTES);
	} else {
		return refuse(b, -GT_ELIMIT, "no id is left to give it");
	}
	for (size_t i = 0; i < b->n; i++)
		if (memcmp(b->out[i].id, s->id, GT_UUID_BYTES) == 0)
			return refuse(b, -GT_EINVALID,
			              "its id is the same as an earlier one's");
	return 0;
}

static int take_json(struct batch *b, struct gt_statement *s)
{
	char what[256];
	struct gt_json_fault fault;
	const struct gt_json_node *v;
	int rc = gt_json_tree(&v, b->arena, s->body, &fault);
	if (rc == -GT_EMALFORMED) {
		gt_format(what, sizeof what, "not JSON: %s at byte %zu",
		          fault.what, fault.at);
		return refuse(b, -GT_EINVALID, what);
	}
	if (rc == 0)
		rc = check(b, v);
	if (rc == 0)
		rc = take_id(b, s, v);
	if (rc == -GT_EINVALID || rc == -GT_ELIMIT)
		return rc;
	if (rc == 0) {
		take_target(s, v);
		rc = gt_form_hash(&s->form, v, b->arena, &b->scratch);
	}
	return rc ? refuse(b, rc, "out of memory") : 0;
}

static int take(struct batch *b, struct gt_bytes body)
{
	if (b->n == b->cap)
		return refuse(b, -GT_ELIMIT, "too many in one batch");
	if (body.n > GT_STATEMENT_MAX)
		return refuse(b, -GT_ELIMIT, "too long");
	struct gt_statement *s = &b->out[b->n];
	*s = (struct gt_statement){.body = body, .authority = ""};
	gt_arena_reset(b->arena);
	int rc = take_json(b, s);
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

static int take_body(struct batch *b, struct gt_bytes json)
{
	struct gt_json_iter it;
	b->list = gt_json_open(&it, json) == '[';
	if (b->list)
		return take_all(b, &it);
	if (!gt_json_trim(&json))
		return refuse(b, -GT_EINVALID, "not JSON, or nested too deep");
	int rc = take(b, json);
	return rc ? rc : 1;
}

int gt_statements_parse(struct gt_bytes json, enum gt_xapi_version version,
                        const uint8_t (*ids)[GT_UUID_BYTES], size_t nids,
                        struct gt_statement *out, size_t cap, char *why,
                        size_t why_cap)
{
	struct batch b = {.version = version,
	                  .arena = gt_arena_new(),
	                  .ids = ids,
	                  .nids = nids,
	                  .out = out,
	                  .cap = cap,
	                  .why = why,
	                  .why_cap = why_cap};
	assert(why_cap > 0);
	*why = '\0';
	int rc = b.arena ? take_body(&b, json)
	                 : refuse(&b, -GT_ENOMEM, "out of memory");
	gt_buffer_free(&b.scratch);
	gt_arena_free(b.arena);
	return rc;
}

/* ----------------------------------------------------------- twins */

static int likeness(struct gt_id *out, const struct gt_json_node *v, int64_t ms,
                    struct gt_arena *arena, struct gt_buffer *scratch)
{
	char given[GT_ISO_CHARS];
	gt_iso_format(given, ms);
	return gt_form_like(out, v, given, arena, scratch);
}

/* One that has no time gets its own only where the other has one. */
static int alike(bool *twins, const struct gt_json_node *a, int64_t a_ms,
                 const struct gt_json_node *b, int64_t b_ms,
                 struct gt_arena *arena)
{
	struct gt_buffer scratch = {0};
	struct gt_id one, other;
	bool timed =
	        gt_json_find(a, "timestamp") || gt_json_find(b, "timestamp");
	int rc = likeness(&one, a, timed ? a_ms : 0, arena, &scratch);
	if (rc == 0)
		rc = likeness(&other, b, timed ? b_ms : 0, arena, &scratch);
	*twins = rc == 0 && gt_id_eq(&one, &other);
	gt_buffer_free(&scratch);
	return rc;
}

int gt_statement_twins(bool *twins, struct gt_bytes a, int64_t a_ms,
                       struct gt_bytes b, int64_t b_ms)
{
	struct gt_json_fault fault;
	const struct gt_json_node *one, *other;
	struct gt_arena *arena = gt_arena_new();
	*twins = false;
	int rc = arena ? gt_json_tree(&one, arena, a, &fault) : -GT_ENOMEM;
	if (rc == 0)
		rc = gt_json_tree(&other, arena, b, &fault);
	if (rc == 0 && one->type == GT_JSON_OBJECT &&
	    other->type == GT_JSON_OBJECT)
		rc = alike(twins, one, a_ms, other, b_ms, arena);
	gt_arena_free(arena);
	return rc == -GT_ENOMEM ? rc : 0;
}

/* -------------------------------------------------------- verifying */

static const char other_id[] = "the id is not its statement's";
static const char other_target[] =
        "what it voids is not what its statement voids";

static int unfit(char *why, size_t why_cap, const char *what)
{
	gt_format(why, why_cap, "%s", what);
	return -GT_EDAMAGED;
}

/* 0 with what the body says by itself, -GT_EDAMAGED, -GT_ENOMEM. id: whether
 * said has one. */
static int read_back(const struct gt_statement *said, bool id,
                     struct gt_statement *got, char *why, size_t why_cap)
{
	const uint8_t(*ids)[GT_UUID_BYTES] = &said->id;
	struct gt_json_iter it;
	if (gt_json_open(&it, said->body) == '[')
		return unfit(why, why_cap, "must be an object");
	int rc = gt_statements_parse(said->body, GT_XAPI_ANY, ids, id, got, 1,
	                             why, why_cap);
	return rc == -GT_ENOMEM ? rc : rc == 1 ? 0 : -GT_EDAMAGED;
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

int gt_statement_verify(const struct gt_statement *said, char *why,
                        size_t why_cap)
{
	struct gt_statement got;
	int rc = read_back(said, true, &got, why, why_cap);
	if (rc != 0)
		return rc;
	if (memcmp(got.id, said->id, GT_UUID_BYTES) != 0)
		return unfit(why, why_cap, other_id);
	if (!gt_id_eq(&got.form, &said->form))
		return unfit(why, why_cap, "the form is not its statement's");
	if ((got.flags ^ said->flags) & GT_STATEMENT_VOIDS ||
	    (got.flags & GT_STATEMENT_VOIDS &&
	     memcmp(got.target, said->target, GT_UUID_BYTES) != 0))
		return unfit(why, why_cap, other_target);
	return verify_authority(said->authority, why, why_cap);
}

int gt_statement_derive(struct gt_statement *s, bool id, char *why,
                        size_t why_cap)
{
	struct gt_statement got;
	int rc = read_back(s, id, &got, why, why_cap);
	if (rc != 0)
		return rc;
	if (id && memcmp(got.id, s->id, GT_UUID_BYTES) != 0)
		return unfit(why, why_cap, other_id);
	if ((got.flags ^ s->flags) & GT_STATEMENT_VOIDS)
		return unfit(why, why_cap, other_target);
	memcpy(s->id, got.id, GT_UUID_BYTES);
	s->form = got.form;
	if (got.flags & GT_STATEMENT_VOIDS)
		memcpy(s->target, got.target, GT_UUID_BYTES);
	return verify_authority(s->authority, why, why_cap);
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

enum { NAME = 32 };

static bool plain(char c)
{
	return (unsigned char)c >= ' ' && (unsigned char)c < 0x7f && c != '\\';
}

/* A name as it reads, perhaps spelt with escapes; "" if it is longer than any
 * that means something here. False: it is not JSON, or memory is short. */
static bool read_name(char out[NAME], struct gt_bytes key)
{
	struct gt_json_fault fault;
	const struct gt_json_node *v;
	struct gt_arena *arena;
	const char *text = (const char *)key.p + 1;
	size_t n = 0;
	gt_copy(out, NAME, "");
	while (n + 2 < key.n && plain(text[n]))
		n++;
	if (n + 2 == key.n) {
		gt_format(out, NAME, "%.*s", n < NAME ? (int)n : 0, text);
		return true;
	}
	arena = gt_arena_new();
	bool ok = arena && gt_json_tree(&v, arena, key, &fault) == 0;
	if (ok && v->n < NAME && strlen(v->text) == v->n)
		gt_copy(out, NAME, v->text);
	gt_arena_free(arena);
	return ok;
}

/* One property. False: its name is not JSON. */
static bool put_member(struct render *r, enum place place, struct gt_bytes key,
                       struct gt_bytes value, bool *any)
{
	char name[NAME];
	if (!read_name(name, key))
		return false;
	bool tell = told(r, place, name);
	if (!tell)
		return true;
	if (*any)
		gt_buffer_add(&r->o, ",", 1);
	*any = true;
	gt_buffer_add(&r->o, key.p, key.n);
	gt_buffer_add(&r->o, ":", 1);
	return put_value(r, within(place, name), value);
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
