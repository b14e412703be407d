/* read_statements.c: statements as an LRS gives them out, one or a page of
 * them.
 * Tests: u_read_shapes.c, u_http_api.c. */
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "json.h"
#include "read_inside.h"
#include "statement.h"
#include "stored.h"
#include "tell.h"

/* Rows a page may look at beyond its limit, being voided or another's, or not
 * what is asked for, before it ends short. */
enum { HIDDEN_MAX = 10000, UNFIT_MAX = 20000 };

/* Damage may lie in any column: nothing here is taken on trust. */
static bool said(sqlite3_stmt *s, struct gt_statement *out)
{
	*out = (struct gt_statement){.flags = (uint32_t)gt_col_int(s, 7),
	                             .body = gt_col_bytes(s, 5),
	                             .authority = gt_col_text(s, 4)};
	bool target = gt_col_fixed(s, 8, out->target, GT_UUID_BYTES);
	return gt_col_fixed(s, 1, out->id, GT_UUID_BYTES) &&
	       gt_col_fixed(s, 6, out->form.b, GT_ID_BYTES) &&
	       (target || !(out->flags & GT_STATEMENT_VOIDS));
}

int gt_reader_statement(struct gt_reader *r, sqlite3_stmt *s, char **text,
                        char gap[GT_GAP_WHY])
{
	struct gt_statement v;
	char stored[GT_STORED_CHARS];
	int status = -GT_EDAMAGED;
	*text = NULL;
	if (said(s, &v))
		status = gt_statement_verify(&v, gap, GT_GAP_WHY);
	else
		gt_copy(gap, GT_GAP_WHY, "a malformed record");
	r->gaps += status == -GT_EDAMAGED;
	if (status == -GT_EDAMAGED)
		gt_reader_fail(r, gap);
	if (status == -GT_ENOMEM)
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	if (status != 0)
		return status == -GT_EDAMAGED ? status : -GT_ESTORE;
	gt_stored_format(stored, gt_col_int(s, 2), gt_col_int(s, 9));
	*text = gt_statement_render_at(v.body, v.id, gt_col_int(s, 3), stored,
	                               v.authority);
	if (!*text)
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	return *text ? 0 : -GT_ESTORE;
}

uint64_t gt_reader_gaps(const struct gt_reader *r)
{
	return r->gaps;
}

char *gt_read_statement(struct gt_reader *r, const uint8_t id[GT_UUID_BYTES],
                        const char *authority, bool *voided, int64_t *stored_ms,
                        int *status)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_RECORD);
	char *text = NULL, gap[GT_GAP_WHY];
	*status = -GT_ESTORE;
	if (!s)
		return NULL;
	(void)sqlite3_bind_blob(s, 1, id, GT_UUID_BYTES, SQLITE_STATIC);
	int rc = sqlite3_step(s), found = -GT_EUNKNOWN;
	gt_reader_fail(r, "no such statement");
	if (rc == SQLITE_ROW && authority &&
	    strcmp(gt_col_text(s, 4), authority) != 0)
		rc = SQLITE_DONE;
	if (rc == SQLITE_ROW) {
		*voided = sqlite3_column_int(s, 12) != 0;
		*stored_ms = sqlite3_column_int64(s, 2);
		found = gt_reader_statement(r, s, &text, gap);
	}
	if (gt_reader_end(r, s, rc))
		*status = found;
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

/* ----------------------------------------------------------- a page */

/* The seqs stored in the time asked for. */
static int span(struct gt_reader *r, struct gt_statements_query *q,
                struct gt_when *w)
{
	int64_t last = 0, ms = 0;
	int status = gt_read_newest(r, &last, &ms);
	q->timed = q->timed || q->low == 0;
	bool any_time = !q->timed ||
	                (q->since_ms == INT64_MIN && q->until_ms == INT64_MAX);
	if (status == 0 && !any_time)
		status = gt_reader_when(r, last, q, w);
	if (status == 0 && any_time) {
		w->n = 1;
		w->v[0].low = 1;
		w->v[0].high = q->low ? INT64_MAX : last;
		w->old = 0;
	}
	if (status == 0 && q->low == 0) {
		q->low = w->n ? w->v[0].low : last + 1;
		q->high = w->n ? w->v[w->n - 1].high : last;
	}
	return status;
}

struct page {
	struct gt_statements_query *q;
	const struct gt_when *when;
	struct gt_buffer *out;
	size_t begun, n, seen; /* out->n before, statements told, rows seen */
	size_t most;           /* rows that may be seen */
	size_t gaps;           /* told of */
	struct gt_hunt *hunt;  /* NULL: row by row */
	int status;
};

static bool full(const struct page *p)
{
	return p->n + p->gaps >= p->q->limit || p->seen >= p->most ||
	       p->out->n - p->begun > p->q->bytes;
}

static void put_gap(struct gt_buffer *out, sqlite3_stmt *s, const char *why)
{
	char id[GT_UUID_TEXT] = "", stored[GT_STORED_CHARS];
	struct gt_bytes bytes = gt_col_bytes(s, 1);
	if (bytes.n == GT_UUID_BYTES)
		gt_uuid_format(id, bytes.p);
	gt_stored_format(stored, gt_col_int(s, 2), gt_col_int(s, 9));
	gt_buffer_format(out,
	                 "%s{\"seq\":%lld,\"id\":\"%s\",\"stored\":\"%s\","
	                 "\"why\":",
	                 out->n ? "," : "",
	                 (long long)sqlite3_column_int64(s, 0), id, stored);
	gt_json_put_string(out, why, strlen(why));
	gt_buffer_str(out, "}");
}

static bool in_time(const struct gt_when *w, sqlite3_stmt *s)
{
	int64_t ms = sqlite3_column_int64(s, 2);
	return sqlite3_column_int64(s, 0) >= w->old ||
	       (ms > w->since_ms && ms <= w->until_ms);
}

/* What of a statement is asked for. */
static int put_statement(struct gt_reader *r, struct page *p, const char *text)
{
	bool whole = p->q->how == GT_TELL_EXACT;
	char *told =
	        whole ? NULL
	              : gt_tell(gt_bytes_str(text), p->q->how, p->q->languages);
	if (!whole && !told) {
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
		return -GT_ESTORE;
	}
	gt_buffer_str(p->out, p->n++ ? "," : "");
	gt_buffer_str(p->out, told ? told : text);
	free(told);
	return 0;
}

/* What is voided, or another's, came without a body. 0, -GT_ESTORE. */
static int tell(struct gt_reader *r, struct page *p, sqlite3_stmt *s)
{
	char *text, gap[GT_GAP_WHY];
	int fits = 1;
	if (sqlite3_column_type(s, 5) == SQLITE_NULL || !in_time(p->when, s))
		return 0;
	if (p->q->filter)
		fits = gt_reader_fits(r, p->q->filter, gt_col_bytes(s, 5),
		                      gt_col_text(s, 4), p->q->authority,
		                      &p->seen);
	if (fits != 1)
		return fits;
	int status = gt_reader_statement(r, s, &text, gap);
	if (status == -GT_EDAMAGED) {
		p->gaps++;
		if (p->q->gaps)
			put_gap(p->q->gaps, s, gap);
		return 0;
	}
	if (status != 0)
		return status;
	status = put_statement(r, p, text);
	free(text);
	return status;
}

/* One row, which is behind us then. */
static void pass(struct gt_reader *r, struct page *p, sqlite3_stmt *s)
{
	int64_t seq = sqlite3_column_int64(s, 0);
	p->status = tell(r, p, s);
	if (p->status != 0)
		return;
	p->seen++;
	if (p->q->ascending)
		p->q->low = seq + 1;
	else
		p->q->high = seq - 1;
}

/* Row by row what the page has room for. True: all of it. */
static bool scan(struct gt_reader *r, struct page *p, int64_t low, int64_t high)
{
	int rc = SQLITE_ROW;
	if (low > high)
		return true;
	if (p->seen >= p->most)
		return false;
	sqlite3_stmt *s = gt_reader_query(
	        r, p->q->ascending ? GT_Q_STATEMENTS_UP : GT_Q_STATEMENTS_DOWN);
	if (!s) {
		p->status = -GT_ESTORE;
		return false;
	}
	(void)sqlite3_bind_int64(s, 1, low);
	(void)sqlite3_bind_int64(s, 2, high);
	(void)sqlite3_bind_int64(s, 3, (int64_t)(p->most - p->seen));
	gt_reader_bind(s, 4, p->q->authority);
	while (p->status == 0 && !full(p) &&
	       (rc = sqlite3_step(s)) == SQLITE_ROW)
		pass(r, p, s);
	if (p->status != 0)
		(void)sqlite3_reset(s);
	else if (!gt_reader_end(r, s, rc))
		p->status = -GT_ESTORE;
	return p->status == 0 && rc == SQLITE_DONE && p->seen < p->most;
}

/* One record, if it is there and the page has room. False: it is full. */
static bool look_at(struct gt_reader *r, struct page *p, int64_t seq)
{
	bool all = scan(r, p, seq, seq);
	if (!all)
		return false;
	if (p->q->ascending)
		p->q->low = seq + 1;
	else
		p->q->high = seq - 1;
	return true;
}

/* The same by the index, where there is one. */
static bool hunt(struct gt_reader *r, struct page *p, int64_t low, int64_t high)
{
	bool up = p->q->ascending;
	while (low <= high) {
		int64_t seq = up ? low : high;
		int row = gt_hunt_next(p->hunt, up, &p->seen, p->most, &seq);
		if (row == -GT_EDAMAGED)
			return scan(r, p, low, high);
		p->status = row < 0 ? row : 0;
		if (row < 0)
			return false;
		bool within = row != 0 && seq >= low && seq <= high;
		if (up)
			p->q->low = within ? seq : high + 1;
		else
			p->q->high = within ? seq : low - 1;
		if (!within)
			return true;
		if (row == GT_HUNT_PAUSE || full(p) || !look_at(r, p, seq))
			return false;
		low = up ? seq + 1 : low;
		high = up ? high : seq - 1;
	}
	return true;
}

/* Of one stretch what the page has room for. True: all of it. */
static bool stretch(struct gt_reader *r, struct page *p, int64_t low,
                    int64_t high)
{
	int64_t last = p->hunt ? gt_hunt_last(p->hunt) : 0;
	if (low < p->q->low)
		low = p->q->low;
	if (high > p->q->high)
		high = p->q->high;
	int64_t until = high < last ? high : last;
	int64_t from = low > last ? low : last + 1;
	if (p->q->ascending)
		return hunt(r, p, low, until) && scan(r, p, from, high);
	return scan(r, p, from, high) && hunt(r, p, low, until);
}

static int fill(struct gt_reader *r, struct gt_statements_query *q,
                struct gt_buffer *out, struct gt_when *w)
{
	struct page p = {.q = q, .when = w, .out = out, .begun = out->n};
	p.most = q->limit + (q->filter ? UNFIT_MAX : HIDDEN_MAX);
	bool all = true;
	p.status = span(r, q, w);
	if (p.status == 0 && q->filter)
		p.status = gt_hunt_new(r, q->filter, &p.hunt);
	for (size_t i = 0; p.status == 0 && all && i < w->n; i++) {
		size_t at = q->ascending ? i : w->n - 1 - i;
		all = stretch(r, &p, w->v[at].low, w->v[at].high);
	}
	if (p.status == 0 && all)
		q->high = q->low - 1;
	gt_hunt_free(p.hunt);
	return p.status;
}

/* The index and the records as they were at one moment: what is merged away
 * meanwhile is there. */
static int fill_at_once(struct gt_reader *r, struct gt_statements_query *q,
                        struct gt_buffer *out, struct gt_when *w)
{
	if (!q->filter)
		return fill(r, q, out, w);
	if (sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK) {
		gt_reader_failed(r);
		return -GT_ESTORE;
	}
	int status = fill(r, q, out, w);
	/* nothing was written: there is nothing that could fail */
	(void)sqlite3_exec(r->db, "COMMIT", NULL, NULL, NULL);
	return status;
}

int gt_read_statements(struct gt_reader *r, struct gt_statements_query *q,
                       struct gt_buffer *out)
{
	struct gt_when *w = malloc(sizeof *w);
	if (!w)
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	int status = w ? fill_at_once(r, q, out, w) : -GT_ESTORE;
	free(w);
	return status;
}
