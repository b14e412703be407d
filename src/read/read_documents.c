/* read_documents.c: documents that courses keep, and what statements say of an
 * activity or of an agent.
 * Tests: e2e/test_documents.py. */
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "json.h"
#include "read_inside.h"

enum {
	MENTIONS = 1000, /* statements one question takes apart */
	NAMES = 64,      /* of one person */
};

/* --------------------------------------------------------- documents */

static sqlite3_stmt *query(struct gt_reader *r, enum gt_query q,
                           const struct gt_document_key *key)
{
	sqlite3_stmt *s = gt_reader_query(r, q);
	if (!s)
		return NULL;
	(void)sqlite3_bind_int(s, 1, (int)key->kind);
	gt_reader_bind(s, 2, key->agent);
	gt_reader_bind(s, 3, key->activity);
	gt_reader_bind(s, 4, key->registration);
	return s;
}

static bool take(sqlite3_stmt *s, struct gt_document_found *out)
{
	struct gt_bytes body = gt_col_bytes(s, 2);
	gt_copy(out->etag, sizeof out->etag, gt_col_text(s, 0));
	out->type = strdup(gt_col_text(s, 1));
	out->body = malloc(body.n + 1);
	out->updated_ms = gt_col_int(s, 3);
	out->n = body.n;
	if (out->type && out->body) {
		if (body.n)
			memcpy(out->body, body.p, body.n);
		return true;
	}
	gt_document_found_free(out);
	return false;
}

void gt_document_found_free(struct gt_document_found *d)
{
	free(d->type);
	free(d->body);
	*d = (struct gt_document_found){0};
}

int gt_read_document(struct gt_reader *r, const struct gt_document_key *key,
                     struct gt_document_found *out)
{
	sqlite3_stmt *s = query(r, GT_Q_DOCUMENT, key);
	*out = (struct gt_document_found){0};
	if (!s)
		return -GT_ESTORE;
	gt_reader_bind(s, 5, key->id);
	int rc = sqlite3_step(s);
	bool row = rc == SQLITE_ROW, had = row && take(s, out);
	if (!gt_reader_end(r, s, rc))
		gt_document_found_free(out);
	else if (!row)
		return -GT_EUNKNOWN;
	else if (had)
		return 0;
	else
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	return -GT_ESTORE;
}

json_t *gt_read_document_ids(struct gt_reader *r,
                             const struct gt_document_key *key,
                             int64_t since_ms, int64_t *newest_ms)
{
	sqlite3_stmt *s = query(r, GT_Q_DOCUMENT_IDS, key);
	json_t *list = s ? json_array() : NULL;
	bool ok = list != NULL;
	int rc = SQLITE_DONE;
	*newest_ms = 0;
	if (!s)
		return NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	(void)sqlite3_bind_int64(s, 5, since_ms);
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		gt_json_add(&ok, list, gt_json_text(gt_col_text(s, 0)));
		if (gt_col_int(s, 1) > *newest_ms)
			*newest_ms = gt_col_int(s, 1);
	}
	if (gt_reader_end(r, s, rc) && ok)
		return list;
	json_decref(list);
	return NULL;
}

/* ---------------------------------------------------------- conflicts */

static json_t *conflict(sqlite3_stmt *s)
{
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "lid", json_integer(gt_col_int(s, 0)));
	gt_json_set(&ok, v, "at", gt_json_time(gt_col_int(s, 1)));
	gt_json_set(&ok, v, "won", gt_json_text(gt_col_text(s, 2)));
	gt_json_set(&ok, v, "kind", json_integer(gt_col_int(s, 3)));
	gt_json_set(&ok, v, "activity", gt_json_text(gt_col_text(s, 4)));
	gt_json_set(&ok, v, "id", gt_json_text(gt_col_text(s, 5)));
	gt_json_set(&ok, v, "origin", gt_json_text(gt_col_text(s, 6)));
	gt_json_set(&ok, v, "updated", gt_json_time(gt_col_int(s, 7)));
	gt_json_set(&ok, v, "type", gt_json_text(gt_col_text(s, 8)));
	gt_json_set(&ok, v, "bytes", json_integer(gt_col_int(s, 9)));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_read_document_conflict(struct gt_reader *r, int64_t lid)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_DOCUMENT_LOST);
	if (!s)
		return NULL;
	(void)sqlite3_bind_int64(s, 1, lid);
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	int rc = sqlite3_step(s);
	json_t *v = rc == SQLITE_ROW ? conflict(s) : json_null();
	bool ok = v != NULL;
	if (rc == SQLITE_ROW) {
		gt_json_set(&ok, v, "agent", gt_json_text(gt_col_text(s, 10)));
		gt_json_set(&ok, v, "registration",
		            gt_json_text(gt_col_text(s, 11)));
		gt_json_set(&ok, v, "body", gt_json_body(gt_col_bytes(s, 12)));
	}
	if (gt_reader_end(r, s, rc) && ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_read_document_conflicts(struct gt_reader *r, int64_t after,
                                   size_t limit)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_DOCUMENTS_LOST);
	json_t *list = s ? json_array() : NULL;
	bool ok = list != NULL, full = false;
	int rc = SQLITE_DONE;
	if (!s)
		return NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	limit = gt_reader_limit(limit, 1000);
	(void)sqlite3_bind_int64(s, 1, after);
	(void)sqlite3_bind_int64(s, 2, (int64_t)limit + 1);
	while (ok && !full && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		full = json_array_size(list) == limit;
		if (full)
			break;
		after = gt_col_int(s, 0);
		gt_json_add(&ok, list, conflict(s));
	}
	ok = gt_reader_end(r, s, rc) && ok;
	return gt_json_page(r, ok, "conflicts", list,
	                    full ? json_integer(after) : json_null());
}

/* ----------------------------------------- what statements say of a name */

/* What is looked for in a statement, and what came of it. */
struct search {
	const char *name;          /* an activity's id */
	struct gt_bytes canonical; /* or an agent */
	json_t *out;
	bool failed;
	void (*meet)(struct search *s, json_t *v);
};

/* Everything in a statement that can be an activity or an agent; extensions are
 * whatever somebody put there. */
static void walk(struct search *s, json_t *v)
{
	const char *key;
	json_t *value;
	if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++)
			walk(s, json_array_get(v, i));
		return;
	}
	if (!json_is_object(v))
		return;
	s->meet(s, v);
	json_object_foreach(v, key, value)
	{
		if (strcmp(key, "extensions") != 0 &&
		    strcmp(key, "definition") != 0)
			walk(s, value);
	}
}

/* The name as a statement's text may hold it: JSON's own escapes, and slashes
 * as PHP writes them. */
static bool needles(const char *name, struct gt_buffer v[2])
{
	gt_json_put_string(&v[0], name, strlen(name));
	for (size_t i = 0; i < v[0].n; i++) {
		if (v[0].p[i] == '/')
			gt_buffer_str(&v[1], "\\");
		gt_buffer_add(&v[1], &v[0].p[i], 1);
	}
	return !v[0].failed && !v[1].failed;
}

/* The newest GT_LOOK_ROWS records, those that hold the name, newest first. */
static bool each_mention(struct gt_reader *r, struct search *s,
                         const char *name)
{
	struct gt_buffer text[2] = {{0}, {0}};
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_MENTIONS);
	int rc = SQLITE_DONE;
	bool ok = st && needles(name, text);
	for (int i = 0; ok && i < 2; i++)
		(void)sqlite3_bind_blob64(st, 1 + i, text[i].p, text[i].n,
		                          SQLITE_STATIC);
	if (ok) {
		(void)sqlite3_bind_int64(st, 3, GT_LOOK_ROWS);
		(void)sqlite3_bind_int64(st, 4, MENTIONS);
	}
	while (ok && !s->failed && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		json_t *v = gt_json_load(gt_col_bytes(st, 0),
		                         JSON_DECODE_INT_AS_REAL, NULL);
		walk(s, v);
		json_decref(v);
	}
	if (s->failed || (st && !ok))
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	if (st && !gt_reader_end(r, st, rc))
		ok = false;
	gt_buffer_free(&text[0]);
	gt_buffer_free(&text[1]);
	return ok && !s->failed;
}

/* ------------------------------------------------------------ activity */

/* What is there already is of a newer statement, and stays. */
static bool add_missing(json_t *to, json_t *from)
{
	const char *key;
	json_t *value;
	bool ok = true;
	json_object_foreach(from, key, value)
	{
		json_t *there = json_object_get(to, key);
		if (!there)
			ok = ok && json_object_set(to, key, value) == 0;
		else if (json_is_object(there) && json_is_object(value))
			ok = ok &&
			     json_object_update_missing(there, value) == 0;
	}
	return ok;
}

static void meet_activity(struct search *s, json_t *v)
{
	const char *kind = gt_json_member(v, "objectType");
	json_t *said = json_object_get(v, "definition");
	if (strcmp(gt_json_member(v, "id"), s->name) != 0 ||
	    (*kind && strcmp(kind, "Activity") != 0) || !json_is_object(said))
		return;
	json_t *known = json_object_get(s->out, "definition");
	if (known)
		s->failed = !add_missing(known, said);
	else
		s->failed = json_object_set_new(s->out, "definition",
		                                json_deep_copy(said)) != 0;
}

json_t *gt_read_activity(struct gt_reader *r, const char *id)
{
	struct search s = {.name = id, .meet = meet_activity};
	s.out = json_pack("{s:s,s:s}", "objectType", "Activity", "id", id);
	if (!s.out)
		return gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	if (each_mention(r, &s, id))
		return s.out;
	json_decref(s.out);
	return NULL;
}

/* -------------------------------------------------------------- person */

static void add_once(struct search *s, const char *key, json_t *value)
{
	json_t *list = json_object_get(s->out, key);
	if (!list) {
		s->failed = s->failed ||
		            json_object_set_new(s->out, key, json_array()) != 0;
		list = json_object_get(s->out, key);
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), value))
			return;
	if (!s->failed && json_array_size(list) < NAMES)
		s->failed = json_array_append(list, value) != 0;
}

static void add_person(struct search *s, json_t *agent, bool named)
{
	static const char *const keys[] = {"mbox", "mbox_sha1sum", "openid",
	                                   "account", "name"};
	for (size_t i = 0; i < (named ? 5 : 4); i++) {
		json_t *value = json_object_get(agent, keys[i]);
		if (value)
			add_once(s, keys[i], value);
	}
}

/* One agent, without what only a group has. */
static bool same_agent(const struct search *s, json_t *v, bool *failed)
{
	struct gt_buffer mine = {0};
	char why[GT_GAP_WHY];
	char *text = json_dumps(v, JSON_COMPACT);
	int status = text ? gt_document_agent(&mine, gt_bytes_str(text), why,
	                                      sizeof why)
	                  : -GT_ENOMEM;
	bool same = status == 0 &&
	            gt_bytes_eq(gt_buffer_bytes(&mine), s->canonical);
	*failed = *failed || status == -GT_ENOMEM;
	free(text);
	gt_buffer_free(&mine);
	return same;
}

static void meet_agent(struct search *s, json_t *v)
{
	bool may = json_object_get(v, "mbox") || json_object_get(v, "openid") ||
	           json_object_get(v, "mbox_sha1sum") ||
	           json_object_get(v, "account");
	if (may && same_agent(s, v, &s->failed))
		add_person(s, v, true);
}

/* What its identifier is called by in a statement's text. */
static const char *value_of(json_t *agent)
{
	static const char *const keys[] = {"mbox", "mbox_sha1sum", "openid"};
	for (size_t i = 0; i < 3; i++)
		if (json_object_get(agent, keys[i]))
			return gt_json_member(agent, keys[i]);
	return gt_json_member(json_object_get(agent, "account"), "name");
}

json_t *gt_read_person(struct gt_reader *r, struct gt_bytes agent,
                       struct gt_bytes canonical)
{
	struct search s = {.canonical = canonical, .meet = meet_agent};
	json_t *v = gt_json_load(agent, GT_JSON_STRICT, NULL);
	s.out = json_pack("{s:s}", "objectType", "Person");
	s.failed = !v || !s.out;
	if (!s.failed)
		add_person(&s, v, false);
	bool ok = !s.failed && each_mention(r, &s, value_of(v));
	json_decref(v);
	if (ok)
		return s.out;
	json_decref(s.out);
	return s.failed ? gt_reader_fail(r, gt_strerror(GT_ENOMEM)) : NULL;
}
