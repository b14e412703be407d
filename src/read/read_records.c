/* read_records.c: learner records row by row, and what was quarantined.
 * Tests: u_read_shapes.c; and u_read.c, without memory. */
#include <stdlib.h>

#include "counted.h"
#include "json.h"
#include "read_inside.h"
#include "stored.h"

/* Numbers too large for 64 bits become doubles; what jansson cannot hold, a
 * \u0000 in a name, makes it a text. NULL: out of memory. */
static json_t *parse(struct gt_bytes text)
{
	json_error_t error;
	static const size_t as[] = {JSON_ALLOW_NUL,
	                            JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL};
	json_t *v = NULL;
	for (size_t i = 0; !v && i < 2; i++) {
		v = gt_json_load(text, as[i], &error);
		if (!v && !*error.text)
			return NULL;
	}
	return v ? v : json_stringn((const char *)text.p, text.n);
}

static json_t *record(struct gt_reader *r, sqlite3_stmt *s)
{
	char *text, gap[GT_GAP_WHY], stored[GT_STORED_CHARS];
	int status = gt_reader_statement(r, s, &text, gap);
	json_t *v = json_object();
	bool ok = v != NULL && (status == 0 || status == -GT_EDAMAGED);
	gt_json_set(&ok, v, "seq", json_integer(sqlite3_column_int64(s, 0)));
	gt_json_set(&ok, v, "id", gt_json_uuid(gt_col_bytes(s, 1)));
	gt_json_set(&ok, v, "origin", gt_json_text(gt_col_text(s, 10)));
	gt_json_set(&ok, v, "origin_seq",
	            json_integer(sqlite3_column_int64(s, 11)));
	gt_stored_format(stored, gt_col_int(s, 2), gt_col_int(s, 9));
	gt_json_set(&ok, v, "stored", json_string(stored));
	gt_json_set(&ok, v, "era", json_integer(gt_col_int(s, 9)));
	gt_json_set(&ok, v, "voided", json_boolean(sqlite3_column_int(s, 12)));
	gt_json_set(&ok, v, "statement",
	            text ? parse(gt_bytes_str(text)) : json_null());
	if (status == -GT_EDAMAGED)
		gt_json_set(&ok, v, "gap", gt_json_text(gap));
	free(text);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *quarantined(struct gt_reader *r, sqlite3_stmt *s)
{
	(void)r;
	struct gt_bytes body = gt_col_bytes(s, 6);
	json_error_t error;
	json_t *v = json_object();
	json_t *statement = gt_json_load(body, JSON_ALLOW_NUL, &error);
	bool ok = v != NULL && (statement || *error.text);
	gt_json_set(&ok, v, "qid", json_integer(sqlite3_column_int64(s, 0)));
	gt_json_set(&ok, v, "id", gt_json_uuid(gt_col_bytes(s, 1)));
	gt_json_set(&ok, v, "origin", gt_json_text(gt_col_text(s, 2)));
	gt_json_set(&ok, v, "via", gt_json_text(gt_col_text(s, 3)));
	gt_json_set(&ok, v, "at", gt_json_time(sqlite3_column_int64(s, 4)));
	gt_json_set(&ok, v, "reason", gt_json_text(gt_col_text(s, 5)));
	gt_json_set(&ok, v, "statement", statement ? statement : json_null());
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_reader_page(struct gt_reader *r, enum gt_query q, const char *key,
                       gt_reader_row *row, int64_t after, size_t limit)
{
	sqlite3_stmt *s = gt_reader_query(r, q);
	if (!s)
		return NULL;
	json_t *list = json_array();
	bool ok = list != NULL, full = false;
	size_t bytes = 0;
	int rc = SQLITE_DONE;
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	limit = gt_reader_limit(limit, 1000);
	(void)sqlite3_bind_int64(s, 1, after);
	(void)sqlite3_bind_int64(s, 2, (int64_t)limit + 1);
	while (ok && !full && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		full = gt_reader_full(s, list, limit, &bytes);
		if (full)
			break;
		after = sqlite3_column_int64(s, 0);
		gt_json_add(&ok, list, row(r, s));
	}
	ok = gt_reader_end(r, s, rc) && ok;
	return gt_json_page(r, ok, key, list,
	                    full ? json_integer(after) : json_null());
}

json_t *gt_read_records(struct gt_reader *r, int64_t after, size_t limit)
{
	return gt_reader_page(r, GT_Q_RECORDS, "records", record, after, limit);
}

/* JSON null: it is damaged. */
static json_t *group(struct gt_reader *r, sqlite3_stmt *s)
{
	struct gt_bytes body = gt_col_bytes(s, 1), id = gt_col_bytes(s, 2);
	const char *region = gt_col_text(s, 3);
	json_t *said = gt_json_load(body, GT_JSON_STRICT, NULL);
	struct gt_counted c;
	(void)r;
	int status = id.n == GT_UUID_BYTES
	                     ? gt_counted_read(&c, said, body, id.p, region)
	                     : -GT_EINVALID;
	json_t *v = status == 0 ? json_object() : NULL;
	bool ok = v != NULL;
	gt_json_set(&ok, v, "seq", json_integer(gt_col_int(s, 0)));
	gt_json_set(&ok, v, "region", gt_json_text(region));
	gt_json_set(&ok, v, "verb", ok ? gt_json_text(c.cell.verb) : NULL);
	gt_json_set(&ok, v, "activity",
	            ok && *c.cell.activity ? gt_json_text(c.cell.activity)
	                                   : json_null());
	gt_json_set(&ok, v, "month", ok ? gt_json_text(c.month) : NULL);
	gt_json_set(&ok, v, "statements",
	            json_integer(ok ? (json_int_t)c.cell.statements : 0));
	gt_json_set(&ok, v, "learners",
	            json_integer(ok ? (json_int_t)c.cell.learners : 0));
	gt_json_set(&ok, v, "counted", gt_json_time(gt_col_int(s, 4)));
	json_decref(said);
	if (ok)
		return v;
	json_decref(v);
	return status == -GT_EINVALID ? json_null() : NULL;
}

json_t *gt_read_groups(struct gt_reader *r, int64_t after, size_t limit)
{
	return gt_reader_page(r, GT_Q_GROUPS, "groups", group, after, limit);
}

json_t *gt_json_body(struct gt_bytes body)
{
	char *text = malloc(body.n + 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < body.n; i++)
		text[i] = body.p[i] ? (char)body.p[i] : '?';
	text[body.n] = '\0';
	json_t *v = gt_json_text(text);
	free(text);
	return v;
}

json_t *gt_read_quarantined(struct gt_reader *r, int64_t qid)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_QUARANTINED_ONE);
	if (!s)
		return NULL;
	(void)sqlite3_bind_int64(s, 1, qid);
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	int rc = sqlite3_step(s);
	json_t *v = rc == SQLITE_ROW ? quarantined(r, s) : json_null();
	bool ok = v != NULL;
	if (rc == SQLITE_ROW) {
		struct gt_bytes body = gt_col_bytes(s, 6);
		gt_json_set(&ok, v, "origin_seq",
		            json_integer(sqlite3_column_int64(s, 7)));
		gt_json_set(&ok, v, "stored",
		            gt_json_time(sqlite3_column_int64(s, 8)));
		gt_json_set(&ok, v, "form", gt_json_hex(gt_col_bytes(s, 9)));
		gt_json_set(&ok, v, "bytes", json_integer((int64_t)body.n));
		gt_json_set(&ok, v, "body", gt_json_body(body));
	}
	if (gt_reader_end(r, s, rc) && ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_read_quarantine(struct gt_reader *r, int64_t after, size_t limit)
{
	return gt_reader_page(r, GT_Q_QUARANTINE, "quarantine", quarantined,
	                      after, limit);
}
