/* read_resource.c: the catalogue as a node holds it.
 * Tests: u_read_shapes.c; and u_read.c, without memory. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "read_inside.h"
#include "schema.h"
#include "signed.h"

/* Rows looked at under one read transaction. */
enum { SCAN_ROWS = 2000 };

/* The entry in a row, until the next. NULL: it is none, or the arena is
 * short. */
static Gt__Entry *entry(struct gt_reader *r, sqlite3_stmt *s)
{
	struct gt_bytes hash = gt_col_bytes(s, 10);
	struct gt_id is;
	gt_arena_reset(r->arena);
	const Gt__Signed *e = gt_signed_open(r->arena, gt_col_bytes(s, 0));
	if (!e)
		return NULL;
	gt_sha256_one(&is, e->body.data, e->body.len);
	bool same =
	        hash.n != GT_ID_BYTES || memcmp(is.b, hash.p, GT_ID_BYTES) == 0;
	return same ? gt_signed_entry(r->arena, e) : NULL;
}

/* ---------------------------------------------------------- filters */

static int fold(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* needle lies in s, ASCII letters in either case. */
static bool contains(const char *s, const char *needle)
{
	for (;; s++) {
		size_t i = 0;
		while (needle[i] && fold(s[i]) == fold(needle[i]))
			i++;
		if (needle[i] == '\0')
			return true;
		if (*s == '\0')
			return false;
	}
}

static bool among(char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

static bool says(const Gt__Entry *e, const char *text)
{
	if (contains(e->id, text))
		return true;
	for (size_t i = 0; i < e->n_title; i++)
		if (contains(e->title[i]->text, text))
			return true;
	return false;
}

/* What of the query SQL does not see: it is inside the signed bytes. */
static bool wanted(const Gt__Entry *e, const struct gt_resource_query *q)
{
	return (!q->text || says(e, q->text)) &&
	       (!q->audience ||
	        among(e->audiences, e->n_audiences, q->audience)) &&
	       (!q->subject || among(e->subjects, e->n_subjects, q->subject));
}

/* ------------------------------------------------------------- rows */

static json_t *texts(Gt__Text *const *list, size_t n)
{
	json_t *v = json_object();
	bool ok = v != NULL;
	for (size_t i = 0; i < n; i++) {
		json_t *lang = gt_json_text(list[i]->lang);
		ok = ok && lang;
		if (ok)
			gt_json_set(&ok, v, json_string_value(lang),
			            gt_json_text(list[i]->text));
		json_decref(lang);
	}
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static void put_lists(bool *ok, json_t *v, const Gt__Entry *e)
{
	gt_json_set(ok, v, "audiences",
	            gt_json_texts(e->audiences, e->n_audiences));
	gt_json_set(ok, v, "subjects",
	            gt_json_texts(e->subjects, e->n_subjects));
	gt_json_set(ok, v, "languages",
	            gt_json_texts(e->languages, e->n_languages));
	gt_json_set(ok, v, "licence", gt_json_text(e->licence));
	gt_json_set(ok, v, "regions", gt_json_texts(e->regions, e->n_regions));
	gt_json_set(ok, v, "keywords",
	            gt_json_texts(e->keywords, e->n_keywords));
}

static void put_entry(bool *ok, json_t *v, const Gt__Entry *e)
{
	gt_json_set(ok, v, "id", gt_json_text(e->id));
	gt_json_set(ok, v, "version", json_integer((int64_t)e->version));
	gt_json_set(ok, v, "type", gt_json_text(e->type));
	gt_json_set(ok, v, "title", texts(e->title, e->n_title));
	gt_json_set(ok, v, "publisher", gt_json_text(e->publisher));
	put_lists(ok, v, e);
	gt_json_set(ok, v, "size", json_integer((int64_t)e->stored_size));
	gt_json_set(ok, v, "plain_size", json_integer((int64_t)e->plain_size));
	gt_json_set(ok, v, "members", json_integer((int64_t)e->members));
	gt_json_set(ok, v, "object",
	            gt_json_hex(gt_bytes_of(e->object.data, e->object.len)));
	gt_json_set(ok, v, "created", gt_json_time(e->created_ms));
	gt_json_set(ok, v, "modified", gt_json_time(e->modified_ms));
}

static json_t *repair(sqlite3_stmt *s)
{
	if (strcmp(gt_col_text(s, 5), "damaged") != 0)
		return json_null();
	if (sqlite3_column_int(s, 8))
		return json_string("publish");
	bool comes = sqlite3_column_int(s, 1) == GT_MIRROR ||
	             sqlite3_column_int(s, 11);
	return json_string(comes ? "parent" : "asked");
}

/* What keeps it from coming. */
static json_t *stuck(sqlite3_stmt *s)
{
	int why = sqlite3_column_int(s, 12);
	if (why != GT_STUCK_ABOVE && why != GT_STUCK_FILE)
		return json_null();
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "why",
	            json_string(why == GT_STUCK_ABOVE ? "above" : "file"));
	gt_json_set(&ok, v, "since", gt_json_time(sqlite3_column_int64(s, 13)));
	gt_json_set(&ok, v, "detail", gt_json_text(gt_col_text(s, 14)));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *resource(sqlite3_stmt *s, const Gt__Entry *e)
{
	json_t *v = json_object();
	bool ok = v != NULL;
	const char *verdict =
	        gt_verdict_name((enum gt_verdict)sqlite3_column_int(s, 1));
	put_entry(&ok, v, e);
	gt_json_set(&ok, v, "verdict", gt_json_text(verdict ? verdict : ""));
	gt_json_set(&ok, v, "priority",
	            json_integer(sqlite3_column_int64(s, 2)));
	gt_json_set(&ok, v, "rule", gt_json_text(gt_col_text(s, 3)));
	gt_json_set(&ok, v, "layer", gt_json_text(gt_col_text(s, 4)));
	gt_json_set(&ok, v, "state", gt_json_text(gt_col_text(s, 5)));
	gt_json_set(&ok, v, "present",
	            json_integer(sqlite3_column_int64(s, 6)));
	gt_json_set(&ok, v, "frames", json_integer(sqlite3_column_int64(s, 7)));
	gt_json_set(&ok, v, "own", json_boolean(sqlite3_column_int(s, 8)));
	gt_json_set(&ok, v, "repair", repair(s));
	gt_json_set(&ok, v, "stuck", stuck(s));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* ---------------------------------------------------------- listing */

struct listing {
	const struct gt_resource_query *q;
	json_t *list;
	size_t limit, looked, bytes;
	char last[GT_RID_MAX + 1]; /* id of the last row looked at */
	bool full, ok;
};

/* Looks at one row; a row that is not an entry is passed over. */
static void look(struct gt_reader *r, struct listing *l, sqlite3_stmt *s)
{
	bool bytes = sqlite3_column_type(s, 0) != SQLITE_NULL;
	Gt__Entry *e = bytes ? entry(r, s) : NULL;
	l->ok = !gt_arena_short(r->arena);
	if (e && wanted(e, l->q)) {
		l->full = gt_reader_full(s, l->list, l->limit, &l->bytes);
		if (!l->full)
			gt_json_add(&l->ok, l->list, resource(s, e));
	}
	if (!l->full)
		gt_copy(l->last, sizeof l->last, gt_col_text(s, 9));
}

/* One transaction's worth. Returns the rows looked at; -1: why is set. */
static int scan(struct gt_reader *r, struct listing *l)
{
	int n = 0, rc = SQLITE_DONE;
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_RESOURCES);
	if (!s)
		return -1;
	char after[GT_RID_MAX + 1];
	gt_copy(after, sizeof after, l->last);
	gt_reader_bind(s, 1, after);
	gt_reader_bind(s, 2, l->q->type);
	(void)sqlite3_bind_int(s, 3, l->q->verdict);
	gt_reader_bind(s, 4, l->q->state);
	(void)sqlite3_bind_int(s, 5, SCAN_ROWS);
	while (!l->full && l->ok && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		look(r, l, s);
		n++;
	}
	l->looked += (size_t)n;
	return gt_reader_end(r, s, rc) ? n : -1;
}

json_t *gt_read_resources(struct gt_reader *r,
                          const struct gt_resource_query *q)
{
	struct listing l = {.q = q,
	                    .list = json_array(),
	                    .limit = gt_reader_limit(q->limit, 1000)};
	int n = SCAN_ROWS;
	l.ok = l.list != NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	gt_copy(l.last, sizeof l.last, q->after ? q->after : "");
	while (l.ok && !l.full && n == SCAN_ROWS && l.looked < GT_LOOK_ENTRIES)
		n = scan(r, &l);
	bool more = l.full || n == SCAN_ROWS;
	return gt_json_page(r, l.ok && n >= 0, "resources", l.list,
	                    more ? gt_json_text(l.last) : json_null());
}

/* -------------------------------------------------------------- one */

static json_t *one(struct gt_reader *r, sqlite3_stmt *s)
{
	Gt__Entry *e = entry(r, s);
	if (!e && !gt_arena_short(r->arena))
		return gt_reader_fail(r, "an entry in the database is damaged");
	if (!e)
		return gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	json_t *v = resource(s, e);
	bool ok = v != NULL;
	gt_json_set(&ok, v, "description",
	            texts(e->description, e->n_description));
	gt_json_set(&ok, v, "start", gt_json_text(e->start));
	gt_json_set(&ok, v, "thumbnail", gt_json_text(e->thumbnail));
	if (ok)
		return v;
	json_decref(v);
	return gt_reader_fail(r, gt_strerror(GT_ENOMEM));
}

static json_t *first(struct gt_reader *r, sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);
	json_t *v = rc == SQLITE_ROW ? one(r, s) : json_null();
	if (gt_reader_end(r, s, rc))
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_read_resource(struct gt_reader *r, const char *id)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_RESOURCE);
	if (!s)
		return NULL;
	gt_reader_bind(s, 1, id);
	return first(r, s);
}

json_t *gt_read_resource_of(struct gt_reader *r, const struct gt_id *object)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_RESOURCE_OF);
	if (!s)
		return NULL;
	gt_reader_bind_id(s, 1, object);
	return first(r, s);
}

/* -------------------------------------------------------- its files */

static int take_object(sqlite3_stmt *s, int column, struct gt_id *object)
{
	struct gt_bytes name = gt_col_bytes(s, column);
	if (name.n != GT_ID_BYTES)
		return -GT_ESTORE;
	memcpy(object->b, name.p, name.n);
	return 0;
}

static int served(sqlite3_stmt *s, struct gt_id *object)
{
	int verdict = sqlite3_column_int(s, 0);
	if (verdict == GT_DENY || sqlite3_column_int(s, 1) != GT__STATE__LIVE)
		return -GT_EUNKNOWN;
	if (verdict == GT_METADATA)
		return -GT_EUNAVAILABLE;
	if (sqlite3_column_int(s, 3) == GT_OBJECT_COMPLETE)
		return take_object(s, 2, object);
	if (sqlite3_column_int(s, 5) == GT_OBJECT_COMPLETE)
		return take_object(s, 4, object);
	return -GT_EUNAVAILABLE;
}

int gt_read_object(struct gt_reader *r, const char *id, struct gt_id *object)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_SERVED);
	if (!s)
		return -GT_ESTORE;
	gt_reader_bind(s, 1, id);
	int rc = sqlite3_step(s);
	int status = rc == SQLITE_ROW ? served(s, object) : -GT_EUNKNOWN;
	return gt_reader_end(r, s, rc) ? status : -GT_ESTORE;
}

/* The number in a row found by an object; 0: there is none. */
static int number_of(struct gt_reader *r, enum gt_query q,
                     const struct gt_id *object, int64_t *out)
{
	sqlite3_stmt *s = gt_reader_query(r, q);
	if (s)
		gt_reader_bind_id(s, 1, object);
	return gt_reader_numbers(r, s, out, 1) ? 0 : -GT_ESTORE;
}

int gt_read_complete(struct gt_reader *r, const struct gt_id *object)
{
	int64_t is;
	int status = number_of(r, GT_Q_COMPLETE, object, &is);
	return status ? status : is ? 0 : -GT_EUNKNOWN;
}

int gt_read_manifest_begin(struct gt_reader *r, const struct gt_id *object,
                           uint64_t *n)
{
	int64_t oid;
	assert(!r->manifest);
	int status = number_of(r, GT_Q_MANIFEST, object, &oid);
	if (status != 0 || oid == 0)
		return status ? status : -GT_EUNKNOWN;
	if (sqlite3_blob_open(r->db, "main", "object", "manifest", oid, 0,
	                      &r->manifest) != SQLITE_OK) {
		gt_reader_failed(r);
		gt_read_manifest_end(r);
		return -GT_ESTORE;
	}
	*n = (uint64_t)sqlite3_blob_bytes(r->manifest);
	return 0;
}

int gt_read_manifest_at(void *reader, uint64_t offset, uint8_t *out, size_t n)
{
	struct gt_reader *r = reader;
	assert(r->manifest && offset <= GT_MANIFEST_MAX && n <= INT_MAX);
	if (sqlite3_blob_read(r->manifest, out, (int)n, (int)offset) ==
	    SQLITE_OK)
		return 0;
	gt_reader_failed(r);
	return -GT_ESTORE;
}

void gt_read_manifest_end(struct gt_reader *r)
{
	sqlite3_blob_close(r->manifest); /* NULL is fine */
	r->manifest = NULL;
}

int gt_read_claim(struct gt_reader *r, const struct gt_id *object,
                  enum gt_claim *claim)
{
	enum { NO_ROW, OF_WORTH, WORTHLESS };
	char hex[GT_HEX_ID];
	int64_t n[2];
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_CLAIM);
	if (!s)
		return -GT_ESTORE;
	gt_id_hex(hex, object);
	gt_reader_bind_id(s, 1, object);
	gt_reader_bind(s, 2, hex);
	if (!gt_reader_numbers(r, s, n, 2))
		return -GT_ESTORE;
	*claim = n[0] == OF_WORTH            ? GT_CLAIM_WANTED
	         : n[0] == WORTHLESS || n[1] ? GT_CLAIM_GIVEN_UP
	                                     : GT_CLAIM_UNKNOWN;
	return 0;
}

int gt_read_held(struct gt_reader *r, int64_t *after, struct gt_held *v,
                 size_t cap, size_t *n)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_HELD);
	int rc = SQLITE_DONE;
	*n = 0;
	if (!s)
		return -GT_ESTORE;
	sqlite3_bind_int64(s, 1, *after);
	sqlite3_bind_int64(s, 2, (int64_t)cap);
	while (*n < cap && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		*after = gt_col_int(s, 0);
		gt_col_fixed(s, 1, v[*n].id.b, GT_ID_BYTES);
		v[(*n)++].size = (uint64_t)gt_col_int(s, 2);
	}
	return gt_reader_end(r, s, rc) ? 0 : -GT_ESTORE;
}
