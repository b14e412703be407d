/* read_log.c: the audit trail, learner records, what was quarantined. */
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "statement.h"

/* ------------------------------------------------------------ audit */

/* Numbers of audit rows looked at under one read transaction. */
enum { SCAN_ROWS = 100000, GLOB_CHARS = 512 };

/* SQLite's GLOB knows [sets] besides * and ?: put what it would take for one in
 * a set of its own. */
static const char *glob(char out[GLOB_CHARS], const char *pattern)
{
	size_t n = 0;
	if (!pattern)
		return NULL;
	for (; *pattern && n < GLOB_CHARS - 4; pattern++) {
		const char *piece = *pattern == '[' ? "[[]" : NULL;
		if (piece) {
			memcpy(out + n, piece, 3);
			n += 3;
		} else {
			out[n++] = *pattern;
		}
	}
	out[n] = '\0';
	return out;
}

static json_t *audit_row(sqlite3_stmt *s)
{
	static const struct {
		const char *key;
		int column;
	} text[] = {{"node", 2},    {"actor", 3},     {"event", 4},
	            {"kind", 5},    {"subject", 6},   {"peer", 8},
	            {"verdict", 9}, {"rule", 10},     {"layer", 11},
	            {"result", 12}, {"transfer", 14}, {"detail", 15}};
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "aid", json_integer(sqlite3_column_int64(s, 0)));
	gt_json_set(&ok, v, "at", gt_json_time(sqlite3_column_int64(s, 1)));
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		gt_json_set(&ok, v, text[i].key,
		            gt_json_text(gt_reader_text(s, text[i].column)));
	gt_json_set(&ok, v, "version",
	            json_integer(sqlite3_column_int64(s, 7)));
	gt_json_set(&ok, v, "bytes", json_integer(sqlite3_column_int64(s, 13)));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

struct trail {
	const struct gt_audit_query *q;
	enum gt_query query;
	json_t *list;
	size_t limit;
	int64_t after, upto,
	        last; /* aid looked past, end of scan, last taken */
	bool full, ok;
};

static void bind_globs(sqlite3_stmt *s, const struct gt_audit_query *q,
                       char space[6][GLOB_CHARS])
{
	const char *const pattern[6] = {q->actor, q->peer, q->subject,
	                                q->event, q->kind, q->result};
	for (int i = 0; i < 6; i++)
		gt_reader_bind(s, 5 + i, glob(space[i], pattern[i]));
}

static bool scan(struct gt_reader *r, struct trail *t)
{
	char space[6][GLOB_CHARS];
	int rc = SQLITE_DONE;
	sqlite3_stmt *s = gt_reader_query(r, t->query);
	if (!s)
		return false;
	(void)sqlite3_bind_int64(s, 1, t->after);
	(void)sqlite3_bind_int64(s, 2, t->upto);
	(void)sqlite3_bind_int64(s, 3,
	                         t->q->from_ms ? t->q->from_ms : INT64_MIN);
	(void)sqlite3_bind_int64(s, 4, t->q->to_ms ? t->q->to_ms : INT64_MAX);
	bind_globs(s, t->q, space);
	gt_reader_bind(s, 11, t->q->type);
	(void)sqlite3_bind_int64(s, 12, (int64_t)t->limit + 1);
	if (t->query == GT_Q_AUDIT_SUBJECT)
		gt_reader_bind(s, 13, t->q->subject);
	while (t->ok && !t->full && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		t->full = json_array_size(t->list) == t->limit;
		if (t->full)
			break;
		t->last = sqlite3_column_int64(s, 0);
		gt_json_add(&t->ok, t->list, audit_row(s));
	}
	return gt_reader_end(r, s, rc);
}

/* An index holds few rows of what it selects: one scan. Without one, go through
 * the trail in steps, so that no transaction is long. */
static bool walk(struct gt_reader *r, struct trail *t)
{
	int64_t ends[2];
	t->upto = INT64_MAX;
	if (t->query != GT_Q_AUDIT_ALL)
		return scan(r, t);
	if (!gt_reader_numbers(r, gt_reader_query(r, GT_Q_AUDIT_ENDS), ends, 2))
		return false;
	if (t->after < ends[0] - 1)
		t->after = ends[0] - 1;
	while (t->ok && !t->full && t->after < ends[1]) {
		t->upto = ends[1] - t->after > SCAN_ROWS ? t->after + SCAN_ROWS
		                                         : ends[1];
		if (!scan(r, t))
			return false;
		t->after = t->upto;
	}
	return true;
}

json_t *gt_read_audit(struct gt_reader *r, const struct gt_audit_query *q)
{
	struct trail t = {.q = q,
	                  .query = GT_Q_AUDIT_ALL,
	                  .list = json_array(),
	                  .limit = gt_reader_limit(q->limit, 10000),
	                  .after = q->after};
	t.ok = t.list != NULL;
	if (q->subject && !strpbrk(q->subject, "*?"))
		t.query = GT_Q_AUDIT_SUBJECT;
	else if (q->from_ms)
		t.query = GT_Q_AUDIT_AT;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	bool ok = walk(r, &t) && t.ok;
	return gt_json_page(r, ok, "rows", t.list,
	                    t.full ? json_integer(t.last) : json_null());
}

/* ---------------------------------------------------------- records */

/* JSON null if it is not JSON. Numbers too large for 64 bits become doubles. */
static json_t *parse(const char *text)
{
	json_t *v = text ? json_loads(text, 0, NULL) : NULL;
	if (!v && text)
		v = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
	return v ? v : json_null();
}

static char *render(sqlite3_stmt *s)
{
	struct gt_bytes id = gt_reader_blob(s, 1);
	if (id.n != GT_UUID_BYTES)
		return NULL;
	return gt_statement_render_at(
	        gt_reader_blob(s, 7), id.p, sqlite3_column_int64(s, 5),
	        sqlite3_column_int64(s, 4), gt_reader_text(s, 6));
}

static json_t *record(sqlite3_stmt *s)
{
	char *text = render(s);
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "seq", json_integer(sqlite3_column_int64(s, 0)));
	gt_json_set(&ok, v, "id", gt_json_uuid(gt_reader_blob(s, 1)));
	gt_json_set(&ok, v, "origin", gt_json_text(gt_reader_text(s, 2)));
	gt_json_set(&ok, v, "origin_seq",
	            json_integer(sqlite3_column_int64(s, 3)));
	gt_json_set(&ok, v, "stored", gt_json_time(sqlite3_column_int64(s, 4)));
	gt_json_set(&ok, v, "voided", json_boolean(sqlite3_column_int(s, 8)));
	gt_json_set(&ok, v, "statement", parse(text));
	free(text);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *quarantined(sqlite3_stmt *s)
{
	struct gt_bytes body = gt_reader_blob(s, 6);
	json_t *v = json_object();
	bool ok = v != NULL;
	json_t *statement = json_loadb((const char *)body.p, body.n, 0, NULL);
	gt_json_set(&ok, v, "qid", json_integer(sqlite3_column_int64(s, 0)));
	gt_json_set(&ok, v, "id", gt_json_uuid(gt_reader_blob(s, 1)));
	gt_json_set(&ok, v, "origin", gt_json_text(gt_reader_text(s, 2)));
	gt_json_set(&ok, v, "via", gt_json_text(gt_reader_text(s, 3)));
	gt_json_set(&ok, v, "at", gt_json_time(sqlite3_column_int64(s, 4)));
	gt_json_set(&ok, v, "reason", gt_json_text(gt_reader_text(s, 5)));
	gt_json_set(&ok, v, "statement", statement ? statement : json_null());
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* Rows after a number, in its order, and that of the last one if more follow.
 * Column 0 is the number, ?1 where to begin, ?2 how many. */
static json_t *page(struct gt_reader *r, enum gt_query q, const char *key,
                    json_t *(*row)(sqlite3_stmt *), int64_t after, size_t limit)
{
	sqlite3_stmt *s = gt_reader_query(r, q);
	if (!s)
		return NULL;
	json_t *list = json_array();
	bool ok = list != NULL, full = false;
	int rc = SQLITE_DONE;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	limit = gt_reader_limit(limit, 1000);
	(void)sqlite3_bind_int64(s, 1, after);
	(void)sqlite3_bind_int64(s, 2, (int64_t)limit + 1);
	while (ok && !full && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		full = json_array_size(list) == limit;
		if (full)
			break;
		after = sqlite3_column_int64(s, 0);
		gt_json_add(&ok, list, row(s));
	}
	ok = gt_reader_end(r, s, rc) && ok;
	return gt_json_page(r, ok, key, list,
	                    full ? json_integer(after) : json_null());
}

json_t *gt_read_records(struct gt_reader *r, int64_t after, size_t limit)
{
	return page(r, GT_Q_RECORDS, "records", record, after, limit);
}

json_t *gt_read_quarantine(struct gt_reader *r, int64_t after, size_t limit)
{
	return page(r, GT_Q_QUARANTINE, "quarantine", quarantined, after,
	            limit);
}

char *gt_read_statement(struct gt_reader *r, const uint8_t id[GT_UUID_BYTES],
                        bool *voided, int64_t *stored_ms, int *status)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_RECORD);
	char *text = NULL;
	*status = -GT_ESTORE;
	if (!s)
		return NULL;
	(void)sqlite3_bind_blob(s, 1, id, GT_UUID_BYTES, SQLITE_STATIC);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*voided = sqlite3_column_int(s, 8) != 0;
		*stored_ms = sqlite3_column_int64(s, 4);
		text = render(s);
		if (!text)
			gt_reader_fail(r, "a record cannot be rendered");
	}
	if (rc == SQLITE_DONE)
		gt_reader_fail(r, "no such statement");
	if (gt_reader_end(r, s, rc))
		*status = text                ? 0
		          : rc == SQLITE_DONE ? -GT_EUNKNOWN
		                              : -GT_ESTORE;
	return text;
}
