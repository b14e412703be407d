/* read_statements.c: statements as an LRS gives them out, one or a page of
 * them, and where in the order of records a moment lies.
 * Tests: u_read_shapes.c, u_http_api.c. */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "read_inside.h"
#include "statement.h"

/* Rows a page may look at beyond its limit, being voided, before it ends
 * short. */
enum { HIDDEN_MAX = 10000 };

static const char unfit[] = "a record cannot be rendered";

char *gt_reader_statement(sqlite3_stmt *s)
{
	struct gt_bytes id = gt_col_bytes(s, 1);
	if (id.n != GT_UUID_BYTES)
		return NULL;
	return gt_statement_render_at(
	        gt_col_bytes(s, 5), id.p, sqlite3_column_int64(s, 3),
	        sqlite3_column_int64(s, 2), gt_col_text(s, 4));
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
		*stored_ms = sqlite3_column_int64(s, 2);
		text = gt_reader_statement(s);
		if (!text)
			gt_reader_fail(r, unfit);
	}
	if (rc == SQLITE_DONE)
		gt_reader_fail(r, "no such statement");
	if (gt_reader_end(r, s, rc))
		*status = text                ? 0
		          : rc == SQLITE_DONE ? -GT_EUNKNOWN
		                              : -GT_ESTORE;
	return text;
}

/* --------------------------------------------------------- by order */

/* Runs a statement to one record's seq and when it was stored; zeros: none. */
static int place(struct gt_reader *r, sqlite3_stmt *s, int64_t *seq,
                 int64_t *stored_ms)
{
	int64_t n[2];
	if (!gt_reader_numbers(r, s, n, 2))
		return -GT_ESTORE;
	*seq = n[0];
	*stored_ms = n[1];
	return 0;
}

int gt_read_newest(struct gt_reader *r, int64_t *seq, int64_t *stored_ms)
{
	return place(r, gt_reader_query(r, GT_Q_RECORD_NEWEST), seq, stored_ms);
}

/* The least seq stored after ms, one past last, the newest, if none is:
 * `stored` never decreases along seq. 0, or -GT_ESTORE and *seq is of no
 * use. */
static int behind(struct gt_reader *r, int64_t last, int64_t ms, int64_t *seq)
{
	int status = 0;
	int64_t at = 0, found = 0, low = 1, high = last + 1;
	while (status == 0 && low < high) {
		int64_t mid = low + (high - low) / 2;
		sqlite3_stmt *s = gt_reader_query(r, GT_Q_RECORD_FROM);
		if (s)
			(void)sqlite3_bind_int64(s, 1, mid);
		status = place(r, s, &found, &at);
		if (found == 0 || found > last || at > ms)
			high = mid;
		else
			low = found + 1;
	}
	*seq = low;
	return status;
}

/* ----------------------------------------------------------- a page */

/* The seqs stored in the time asked for. */
static int span(struct gt_reader *r, struct gt_statements_query *q)
{
	int64_t last = 0, ms = 0;
	int status = gt_read_newest(r, &last, &ms);
	q->low = 1;
	q->high = last;
	if (status == 0 && q->since_ms != INT64_MIN)
		status = behind(r, last, q->since_ms, &q->low);
	if (status == 0 && q->until_ms != INT64_MAX) {
		status = behind(r, last, q->until_ms, &q->high);
		q->high--;
	}
	return status;
}

struct page {
	struct gt_statements_query *q;
	struct gt_buffer *out;
	size_t begun, n, seen; /* out->n before, statements told, rows seen */
	bool ok;
};

static bool full(const struct page *p)
{
	return p->n >= p->q->limit || p->out->n - p->begun > p->q->bytes;
}

/* One row, which is behind us then. One that is voided came without a body. */
static void tell(struct gt_reader *r, struct page *p, sqlite3_stmt *s)
{
	int64_t seq = sqlite3_column_int64(s, 0);
	if (sqlite3_column_type(s, 5) != SQLITE_NULL) {
		char *text = gt_reader_statement(s);
		p->ok = text != NULL;
		if (!p->ok) {
			gt_reader_fail(r, unfit);
			return;
		}
		gt_buffer_str(p->out, p->n++ ? "," : "");
		gt_buffer_str(p->out, text);
		free(text);
	}
	p->seen++;
	if (p->q->ascending)
		p->q->low = seq + 1;
	else
		p->q->high = seq - 1;
}

int gt_read_statements(struct gt_reader *r, struct gt_statements_query *q,
                       struct gt_buffer *out)
{
	struct page p = {.q = q, .out = out, .begun = out->n, .ok = true};
	const size_t most = q->limit + HIDDEN_MAX;
	int rc = SQLITE_ROW;
	if (q->low == 0 && span(r, q) != 0)
		return -GT_ESTORE;
	sqlite3_stmt *s = gt_reader_query(
	        r, q->ascending ? GT_Q_STATEMENTS_UP : GT_Q_STATEMENTS_DOWN);
	if (!s)
		return -GT_ESTORE;
	(void)sqlite3_bind_int64(s, 1, q->low);
	(void)sqlite3_bind_int64(s, 2, q->high);
	(void)sqlite3_bind_int64(s, 3, (int64_t)most);
	while (p.ok && !full(&p) && (rc = sqlite3_step(s)) == SQLITE_ROW)
		tell(r, &p, s);
	if (!gt_reader_end(r, s, rc) || !p.ok)
		return -GT_ESTORE;
	if (rc == SQLITE_DONE && p.seen < most)
		q->high = q->low - 1;
	return 0;
}
