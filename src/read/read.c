/* read.c: the reader itself, and counts of what there is. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "domain.h"
#include "iso8601.h"
#include "read_inside.h"
#include "schema.h"
#include "statement.h"
#include "utf8.h"

/* ---------------------------------------------------------- opening */

static const char *text_of(sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	return text ? text : "";
}

/* may_void(origin, authority, flags of the one, origin, authority of the
 * other): gt_statement_may_void */
static void may_void(sqlite3_context *out, int n, sqlite3_value **v)
{
	(void)n;
	struct gt_voucher by = {text_of(v[0]), text_of(v[1]),
	                        (uint32_t)sqlite3_value_int64(v[2])};
	struct gt_voucher target = {text_of(v[3]), text_of(v[4]), 0};
	sqlite3_result_int(out, gt_statement_may_void(&by, &target));
}

bool gt_reader_functions(sqlite3 *db)
{
	return sqlite3_create_function_v2(
	               db, "may_void", 5, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
	               NULL, may_void, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(struct gt_reader *r, sqlite3_stmt **s, const char *sql)
{
	if (sqlite3_prepare_v3(r->db, sql, -1, SQLITE_PREPARE_PERSISTENT, s,
	                       NULL) == SQLITE_OK)
		return true;
	gt_reader_failed(r);
	return false;
}

static bool settle(struct gt_reader *r)
{
	sqlite3_stmt *s = NULL;
	/* A reader that checkpointed on its way out would race with the one
	 * connection that may: see the WAL-reset bug of SQLite 3.7..3.51. */
	if (sqlite3_db_config(r->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	                      NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(r->db, 5000) != SQLITE_OK ||
	    sqlite3_wal_autocheckpoint(r->db, 0) != SQLITE_OK ||
	    !gt_reader_functions(r->db) ||
	    sqlite3_exec(r->db, "PRAGMA query_only=1;PRAGMA cache_size=-512;",
	                 NULL, NULL, NULL) != SQLITE_OK) {
		gt_reader_failed(r);
		return false;
	}
	bool ok =
	        prepare(r, &s, "SELECT 1 FROM item,object,child,record,audit");
	sqlite3_finalize(s);
	return ok;
}

struct gt_reader *gt_reader_new(struct sqlite3 *db, char *why, size_t why_cap)
{
	struct gt_reader *r = calloc(1, sizeof *r);
	if (!r) {
		gt_copy(why, why_cap, gt_strerror(-GT_ENOMEM));
		sqlite3_close(db);
		return NULL;
	}
	r->db = db;
	r->arena = gt_arena_new();
	gt_reader_fail(r, gt_strerror(-GT_ENOMEM));
	if (!r->arena || !settle(r)) {
		gt_copy(why, why_cap, r->why);
		gt_reader_free(r);
		return NULL;
	}
	return r;
}

void gt_reader_free(struct gt_reader *r)
{
	if (!r)
		return;
	sqlite3_blob_close(r->manifest); /* NULL is fine */
	for (size_t i = 0; i < GT_Q_COUNT; i++)
		sqlite3_finalize(r->stmt[i]);
	gt_runs_free(r->runs);
	sqlite3_close(r->db);
	gt_arena_free(r->arena);
	free(r);
}

void gt_reader_rest(struct gt_reader *r)
{
	gt_arena_reset(r->arena);
	if (r->runs)
		gt_runs_rest(r->runs);
}

const char *gt_reader_why(const struct gt_reader *r)
{
	return r->why;
}

bool gt_reader_broke(struct gt_reader *r)
{
	bool broke = r->broke;
	r->broke = false;
	return broke;
}

/* A disk without room, a lock that is held, no memory: these pass. */
json_t *gt_reader_failed(struct gt_reader *r)
{
	int code = sqlite3_extended_errcode(r->db), kind = code & 0xff;
	r->broke = r->broke || kind == SQLITE_CORRUPT ||
	           kind == SQLITE_NOTADB || code == SQLITE_IOERR_DATA ||
	           code == SQLITE_IOERR_READ;
	return gt_reader_fail(r, sqlite3_errmsg(r->db));
}

json_t *gt_reader_fail(struct gt_reader *r, const char *why)
{
	gt_copy(r->why, sizeof r->why, why);
	return NULL;
}

/* ------------------------------------------------------- statements */

sqlite3_stmt *gt_reader_query(struct gt_reader *r, enum gt_query q)
{
	sqlite3_stmt **s = &r->stmt[q];
	if (!*s && !prepare(r, s, gt_queries[q]))
		return NULL;
	sqlite3_clear_bindings(*s);
	return *s;
}

bool gt_reader_end(struct gt_reader *r, sqlite3_stmt *s, int rc)
{
	bool ok = rc == SQLITE_DONE || rc == SQLITE_ROW;
	if (!ok)
		gt_reader_failed(r);
	sqlite3_reset(s);
	return ok;
}

bool gt_reader_numbers(struct gt_reader *r, sqlite3_stmt *s, int64_t *out,
                       int n)
{
	if (!s)
		return false;
	int rc = sqlite3_step(s);
	for (int i = 0; i < n; i++)
		out[i] = rc == SQLITE_ROW ? sqlite3_column_int64(s, i) : 0;
	return gt_reader_end(r, s, rc);
}

void gt_reader_bind(sqlite3_stmt *s, int at, const char *text)
{
	/* Fails only when out of memory: the parameter is then NULL and the
	 * step fails as well. */
	if (text)
		(void)sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

void gt_reader_bind_id(sqlite3_stmt *s, int at, const struct gt_id *id)
{
	(void)sqlite3_bind_blob(s, at, id->b, GT_ID_BYTES, SQLITE_STATIC);
}

bool gt_reader_code(struct gt_reader *r, char out[GT_CODE_MAX + 1])
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_META);
	*out = '\0';
	if (!s)
		return false;
	gt_reader_bind(s, 1, "code");
	int rc = sqlite3_step(s);
	gt_copy(out, GT_CODE_MAX + 1,
	        rc == SQLITE_ROW ? gt_col_text(s, 0) : "");
	return gt_reader_end(r, s, rc);
}

bool gt_read_ping(struct gt_reader *r)
{
	char code[GT_CODE_MAX + 1];
	return gt_reader_code(r, code);
}

struct until {
	bool (*enough)(void *arg);
	void *arg;
	bool over;
};

static int on_progress(void *arg)
{
	struct until *u = arg;
	u->over = u->enough(u->arg);
	return u->over;
}

int gt_read_whole(struct gt_reader *r, bool (*enough)(void *arg), void *arg)
{
	enum { STEPS = 10000 };
	struct until u = {enough, arg, false};
	sqlite3_stmt *s = NULL;
	if (!prepare(r, &s, "PRAGMA quick_check(1)"))
		return -GT_ESTORE;
	sqlite3_progress_handler(r->db, STEPS, on_progress, &u);
	int rc = sqlite3_step(s);
	bool whole = rc == SQLITE_ROW && strcmp(gt_col_text(s, 0), "ok") == 0;
	if (!whole && !u.over)
		gt_reader_fail(r, rc == SQLITE_ROW ? gt_col_text(s, 0)
		                                   : sqlite3_errmsg(r->db));
	int code = sqlite3_extended_errcode(r->db);
	bool damaged = rc == SQLITE_ROW || (code & 0xff) == SQLITE_CORRUPT ||
	               code == SQLITE_IOERR_DATA;
	sqlite3_finalize(s);
	sqlite3_progress_handler(r->db, 0, NULL, NULL);
	return whole ? 1 : u.over ? 0 : damaged ? -GT_EDAMAGED : -GT_ESTORE;
}

int gt_read_possible(struct gt_reader *r, const char *code, bool root,
                     bool (*enough)(void *arg), void *arg, bool *only_here)
{
	enum { STEPS = 10000 };
	struct until u = {enough, arg, false};
	struct gt_odd odd;
	sqlite3_progress_handler(r->db, STEPS, on_progress, &u);
	int status = gt_domain_look(r->db, code, root, &odd);
	sqlite3_progress_handler(r->db, 0, NULL, NULL);
	*only_here = odd.only_here;
	if (status < 0 && u.over)
		return 0;
	if (status < 0)
		gt_reader_failed(r);
	if (status != 0)
		return status;
	gt_odd_say(r->why, &odd);
	return -GT_EDAMAGED;
}

/* ----------------------------------------------------------- values */

json_t *gt_json_text(const char *s)
{
	size_t n = strlen(s);
	if (gt_utf8_valid(s, n))
		return json_string_nocheck(s);
	char *plain = malloc(n + 1);
	if (!plain)
		return NULL;
	memcpy(plain, s, n + 1);
	for (size_t i = 0; i < n; i++)
		if ((signed char)s[i] < 0)
			plain[i] = '?';
	json_t *v = json_string_nocheck(plain);
	free(plain);
	return v;
}

json_t *gt_json_hex(struct gt_bytes b)
{
	char hex[GT_HEX_ID];
	if (b.n == 0 || b.n > GT_ID_BYTES)
		return json_null();
	gt_hex(hex, b.p, b.n);
	return json_string(hex);
}

json_t *gt_json_uuid(struct gt_bytes b)
{
	char text[GT_UUID_TEXT];
	if (b.n != GT_UUID_BYTES)
		return json_null();
	gt_uuid_format(text, b.p);
	return json_string(text);
}

json_t *gt_json_time(int64_t ms)
{
	char text[GT_ISO_CHARS];
	gt_iso_format(text, ms);
	return json_string(text);
}

json_t *gt_json_texts(char *const *list, size_t n)
{
	json_t *v = json_array();
	bool ok = v != NULL;
	for (size_t i = 0; i < n; i++)
		gt_json_add(&ok, v, gt_json_text(list[i]));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

void gt_json_set(bool *ok, json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(o, key, value))
		*ok = false;
}

void gt_json_add(bool *ok, json_t *list, json_t *value)
{
	if (json_array_append_new(list, value))
		*ok = false;
}

json_t *gt_json_page(struct gt_reader *r, bool ok, const char *key,
                     json_t *list, json_t *next)
{
	json_t *v = json_object();
	bool made = v != NULL;
	gt_json_set(&made, v, key, list);
	gt_json_set(&made, v, "next", next);
	if (!made && ok)
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	if (made && ok)
		return v;
	json_decref(v);
	return NULL;
}

size_t gt_reader_limit(size_t asked, size_t most)
{
	if (asked == 0)
		asked = 100;
	return asked < most ? asked : most;
}

bool gt_reader_full(sqlite3_stmt *s, const json_t *list, size_t limit,
                    size_t *bytes)
{
	size_t n = json_array_size(list), all = *bytes;
	for (int c = 0; c < sqlite3_column_count(s); c++) {
		int type = sqlite3_column_type(s, c);
		if (type == SQLITE_TEXT || type == SQLITE_BLOB)
			all += (size_t)sqlite3_column_bytes(s, c);
	}
	if (n == limit || (n > 0 && all > GT_PAGE_BYTES))
		return true;
	*bytes = all;
	return false;
}

/* ----------------------------------------------------------- status */

/* A statement that looks at no more than so many rows. */
static sqlite3_stmt *up_to(struct gt_reader *r, enum gt_query q, int rows)
{
	sqlite3_stmt *s = gt_reader_query(r, q);
	if (s)
		(void)sqlite3_bind_int(s, 1, rows);
	return s;
}

/* {"mirror": {"complete": 3}, ...} */
static json_t *count_resources(struct gt_reader *r)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_STATES);
	json_t *all = json_object();
	bool ok = s && all;
	int rc = SQLITE_DONE;
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *verdict = gt_verdict_name(
		        (enum gt_verdict)sqlite3_column_int(s, 0));
		if (!verdict)
			continue;
		if (!json_object_get(all, verdict))
			gt_json_set(&ok, all, verdict, json_object());
		gt_json_set(&ok, json_object_get(all, verdict),
		            gt_col_text(s, 1),
		            json_integer(sqlite3_column_int64(s, 2)));
	}
	if (s && gt_reader_end(r, s, rc) && ok)
		return all;
	json_decref(all);
	return NULL;
}

static bool count_objects(struct gt_reader *r, json_t *status)
{
	int64_t n[4];
	json_t *v = json_object();
	bool ok = v &&
	          gt_reader_numbers(r, gt_reader_query(r, GT_Q_OBJECTS), n, 4);
	if (!ok) {
		json_decref(v);
		return false;
	}
	gt_json_set(&ok, v, "complete", json_integer(n[0]));
	gt_json_set(&ok, v, "partial", json_integer(n[1]));
	gt_json_set(&ok, v, "wanted", json_integer(n[2]));
	gt_json_set(&ok, status, "objects", v);
	gt_json_set(&ok, status, "bytes", json_integer(n[3]));
	return ok;
}

/* Of how many resources the object is damaged, by what mends them. */
static json_t *count_damaged(struct gt_reader *r)
{
	int64_t n[3];
	if (!gt_reader_numbers(r, up_to(r, GT_Q_DAMAGED, GT_LOOK_ROWS), n, 3))
		return NULL;
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "publish", json_integer(n[0]));
	gt_json_set(&ok, v, "parent", json_integer(n[1]));
	gt_json_set(&ok, v, "asked", json_integer(n[2]));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *count_stuck(struct gt_reader *r)
{
	int64_t n[2];
	if (!gt_reader_numbers(r, up_to(r, GT_Q_STUCK, GT_LOOK_ROWS), n, 2))
		return NULL;
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "above", json_integer(n[0]));
	gt_json_set(&ok, v, "file", json_integer(n[1]));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static bool count_records(struct gt_reader *r, json_t *status)
{
	/* records are only ever added at the end and pruned at the front, but
	 * for those that gave way */
	int64_t ends[3], quarantined;
	json_t *v = json_object();
	bool ok = v &&
	          gt_reader_numbers(r, gt_reader_query(r, GT_Q_RECORD_ENDS),
	                            ends, 3) &&
	          gt_reader_numbers(r, up_to(r, GT_Q_QUARANTINED, GT_LOOK_ROWS),
	                            &quarantined, 1);
	if (!ok) {
		json_decref(v);
		return false;
	}
	gt_json_set(
	        &ok, v, "count",
	        json_integer(ends[1] ? ends[1] - ends[0] + 1 - ends[2] : 0));
	gt_json_set(&ok, v, "quarantined", json_integer(quarantined));
	gt_json_set(&ok, v, "last_seq", json_integer(ends[1]));
	gt_json_set(&ok, status, "records", v);
	return ok;
}

static json_t *moved(struct gt_reader *r)
{
	int64_t n[4];
	json_t *v = NULL;
	if (!gt_reader_numbers(r, up_to(r, GT_Q_ERA_MOVED, GT_LOOK_ERAS), n, 4))
		return NULL;
	if (n[1] == 0)
		return json_null();
	bool ok = (v = json_object()) != NULL;
	gt_json_set(&ok, v, "era", json_integer(n[0]));
	gt_json_set(&ok, v, "at", gt_json_time(n[3]));
	gt_json_set(&ok, v, "by_s", json_integer(n[2] / 1000));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *read_clock(struct gt_reader *r)
{
	int64_t n[2];
	if (!gt_reader_numbers(r, gt_reader_query(r, GT_Q_ERA_LAST), n, 2))
		return NULL;
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "era", json_integer(n[0]));
	gt_json_set(&ok, v, "began", gt_json_time(n[1]));
	gt_json_set(&ok, v, "moved", moved(r));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* As the child last told it; null before it has. */
static json_t *child_status(struct gt_bytes encoded)
{
	Gt__NodeStatus *n =
	        encoded.n ? gt__node_status__unpack(NULL, encoded.n, encoded.p)
	                  : NULL;
	json_t *v = n ? json_object() : json_null();
	bool ok = v != NULL;
	if (!n)
		return v;
	gt_json_set(&ok, v, "resources", json_integer((int64_t)n->resources));
	gt_json_set(&ok, v, "complete", json_integer((int64_t)n->complete));
	gt_json_set(&ok, v, "wanted", json_integer((int64_t)n->wanted));
	gt_json_set(&ok, v, "bytes", json_integer((int64_t)n->bytes));
	gt_json_set(&ok, v, "records", json_integer((int64_t)n->records));
	gt_json_set(&ok, v, "records_waiting",
	            json_integer((int64_t)n->records_waiting));
	gt_json_set(&ok, v, "software", gt_json_text(n->software));
	gt_json_set(&ok, v, "copies", json_integer((int64_t)n->copies));
	gt__node_status__free_unpacked(n, NULL);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *one_child(sqlite3_stmt *s)
{
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "code", gt_json_text(gt_col_text(s, 0)));
	gt_json_set(&ok, v, "acked", json_integer(sqlite3_column_int64(s, 1)));
	gt_json_set(&ok, v, "vseq", json_integer(sqlite3_column_int64(s, 2)));
	gt_json_set(&ok, v, "seen", gt_json_time(sqlite3_column_int64(s, 3)));
	gt_json_set(&ok, v, "status", child_status(gt_col_bytes(s, 4)));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *children(struct gt_reader *r)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_CHILDREN);
	json_t *list = json_array();
	bool ok = s && list;
	int rc = SQLITE_DONE;
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW)
		gt_json_add(&ok, list, one_child(s));
	if (s && gt_reader_end(r, s, rc) && ok)
		return list;
	json_decref(list);
	return NULL;
}

/* Certificates issued here, and what is known to be erased. */
static bool count_certified(struct gt_reader *r, json_t *status)
{
	int64_t n[3];
	json_t *v = json_object();
	bool ok = v && gt_reader_numbers(
	                       r, up_to(r, GT_Q_CERTIFIED, GT_LOOK_ROWS), n, 3);
	if (!ok) {
		json_decref(v);
		return false;
	}
	gt_json_set(&ok, v, "issued", json_integer(n[0]));
	gt_json_set(&ok, v, "revoked", json_integer(n[1]));
	gt_json_set(&ok, status, "certificates", v);
	gt_json_set(&ok, status, "erased", json_integer(n[2]));
	return ok;
}

json_t *gt_read_status(struct gt_reader *r)
{
	int64_t ends[2];
	char code[GT_CODE_MAX + 1];
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	ok = gt_reader_code(r, code) && ok;
	gt_json_set(&ok, v, "code", gt_json_text(code));
	gt_json_set(&ok, v, "resources", count_resources(r));
	ok = ok && count_objects(r, v) && count_records(r, v) &&
	     count_certified(r, v);
	gt_json_set(&ok, v, "damaged", count_damaged(r));
	gt_json_set(&ok, v, "stuck", count_stuck(r));
	gt_json_set(&ok, v, "clock", read_clock(r));
	gt_json_set(&ok, v, "children", children(r));
	ok = ok &&
	     gt_reader_numbers(r, gt_reader_query(r, GT_Q_AUDIT_ENDS), ends, 2);
	if (ok)
		gt_json_set(&ok, v, "audit_rows",
		            json_integer(ends[1] ? ends[1] - ends[0] + 1 : 0));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}
