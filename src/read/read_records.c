/* read_records.c: learner records row by row, and what was quarantined.
 * Tests: u_read_shapes.c; and u_read.c, without memory. */
#include <stdlib.h>

#include "read_inside.h"

/* JSON null if it is not JSON. Numbers too large for 64 bits become doubles. */
static json_t *parse(const char *text)
{
	json_t *v = text ? json_loads(text, 0, NULL) : NULL;
	if (!v && text)
		v = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
	return v ? v : json_null();
}

static json_t *record(sqlite3_stmt *s)
{
	char *text = gt_reader_statement(s);
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "seq", json_integer(sqlite3_column_int64(s, 0)));
	gt_json_set(&ok, v, "id", gt_json_uuid(gt_col_bytes(s, 1)));
	gt_json_set(&ok, v, "origin", gt_json_text(gt_col_text(s, 6)));
	gt_json_set(&ok, v, "origin_seq",
	            json_integer(sqlite3_column_int64(s, 7)));
	gt_json_set(&ok, v, "stored", gt_json_time(sqlite3_column_int64(s, 2)));
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
	struct gt_bytes body = gt_col_bytes(s, 6);
	json_t *v = json_object();
	bool ok = v != NULL;
	json_t *statement = json_loadb((const char *)body.p, body.n, 0, NULL);
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
