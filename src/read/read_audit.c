/* read_audit.c: the audit trail.
 * Tests: u_read_shapes.c; and u_read.c, without memory. */
#include <string.h>

#include "read_inside.h"
#include "signed.h"

enum {
	GLOB_CHARS = 512,
	WANTED = 16,   /* the column */
	SUBJECT = 12,  /* the parameter */
	ABOUT_MAX = 7, /* subjects of GT_Q_AUDIT_ABOUT */
	REMOVED_LOOK = 5000,
	REMOVED_MAX = 3, /* of them, what is not its content any more */
};

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
		            gt_json_text(gt_col_text(s, text[i].column)));
	gt_json_set(&ok, v, "version",
	            json_integer(sqlite3_column_int64(s, 7)));
	gt_json_set(&ok, v, "bytes", json_integer(sqlite3_column_int64(s, 13)));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* Subjects of the rows about a resource and its content. */
struct about {
	char v[ABOUT_MAX][GT_RID_MAX + 1];
	int n;
};

struct trail {
	const struct gt_audit_query *q;
	enum gt_query query;
	struct about about;
	json_t *list;
	size_t limit, bytes;
	int64_t after, upto; /* aids: looked at up to here, until there */
	bool ok;
};

static void add(struct about *a, const char *subject)
{
	for (int i = 0; i < a->n; i++)
		if (strcmp(a->v[i], subject) == 0)
			return;
	if (*subject && a->n < ABOUT_MAX)
		gt_copy(a->v[a->n++], sizeof a->v[0], subject);
}

static void add_object(struct about *a, struct gt_bytes id)
{
	char hex[GT_HEX_ID] = "";
	if (id.n == GT_ID_BYTES)
		gt_hex(hex, id.p, id.n);
	add(a, hex);
}

/* The content it has, as the row says and, of what is withdrawn, the entry. */
static bool add_content(struct gt_reader *r, struct about *a, const char *rid)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_CONTENT);
	if (!s)
		return false;
	gt_reader_bind(s, 1, rid);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		gt_arena_reset(r->arena);
		const Gt__Signed *e =
		        gt_signed_open(r->arena, gt_col_bytes(s, 0));
		const Gt__Entry *m = e ? gt_signed_entry(r->arena, e) : NULL;
		add_object(a, gt_col_bytes(s, 1));
		add_object(a, gt_col_bytes(s, 2));
		if (m)
			add_object(a,
			           gt_bytes_of(m->object.data, m->object.len));
	}
	return gt_reader_end(r, s, rc);
}

static bool add_removed(struct gt_reader *r, struct about *a, const char *rid)
{
	int rc = SQLITE_DONE;
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_AUDIT_REMOVED);
	if (!s)
		return false;
	gt_reader_bind(s, 1, rid);
	(void)sqlite3_bind_int(s, 2, REMOVED_MAX);
	(void)sqlite3_bind_int(s, 3, REMOVED_LOOK);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		add(a, gt_col_text(s, 0));
	return gt_reader_end(r, s, rc);
}

static bool find_about(struct gt_reader *r, struct about *a, const char *rid)
{
	add(a, rid);
	return add_content(r, a, rid) && add_removed(r, a, rid);
}

static void bind_globs(sqlite3_stmt *s, const struct gt_audit_query *q,
                       char space[6][GLOB_CHARS])
{
	const char *const pattern[6] = {q->actor, q->peer, q->subject,
	                                q->event, q->kind, q->result};
	for (int i = 0; i < 6; i++)
		gt_reader_bind(s, 5 + i, glob(space[i], pattern[i]));
}

static int64_t from(const struct trail *t)
{
	return t->q->from_ms ? t->q->from_ms : INT64_MIN;
}

static int64_t to(const struct trail *t)
{
	return t->q->to_ms ? t->q->to_ms : INT64_MAX;
}

/* One read transaction's worth, which is all that a page may cost. */
static bool scan(struct gt_reader *r, struct trail *t)
{
	char space[6][GLOB_CHARS];
	int rc = SQLITE_DONE, looked = 0;
	sqlite3_stmt *s = gt_reader_query(r, t->query);
	if (!s)
		return false;
	(void)sqlite3_bind_int64(s, 1, t->after);
	(void)sqlite3_bind_int64(s, 2, t->upto);
	(void)sqlite3_bind_int64(s, 3, from(t));
	(void)sqlite3_bind_int64(s, 4, to(t));
	bind_globs(s, t->q, space);
	gt_reader_bind(s, 11, t->q->type);
	if (t->query == GT_Q_AUDIT_SUBJECT)
		gt_reader_bind(s, SUBJECT, t->q->subject);
	for (int i = 0; i < t->about.n; i++)
		gt_reader_bind(s, SUBJECT + i, t->about.v[i]);
	while (t->ok && looked < GT_LOOK_ROWS &&
	       (rc = sqlite3_step(s)) == SQLITE_ROW) {
		bool wanted = sqlite3_column_int(s, WANTED) != 0;
		if (wanted && gt_reader_full(s, t->list, t->limit, &t->bytes))
			break;
		looked++;
		t->after = sqlite3_column_int64(s, 0);
		if (wanted)
			gt_json_add(&t->ok, t->list, audit_row(s));
	}
	if (rc == SQLITE_DONE)
		t->after = t->upto;
	return gt_reader_end(r, s, rc);
}

/* Where the rows of that time lie, if an index says it of no more than a page
 * may look at. If not, the pages lead there. */
static bool narrow(struct gt_reader *r, struct trail *t)
{
	int64_t at[3];
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_AUDIT_AT);
	if (!s)
		return false;
	(void)sqlite3_bind_int64(s, 1, from(t));
	(void)sqlite3_bind_int64(s, 2, to(t));
	(void)sqlite3_bind_int(s, 3, GT_LOOK_ROWS);
	if (!gt_reader_numbers(r, s, at, 3))
		return false;
	if (at[2] == GT_LOOK_ROWS)
		return true;
	t->after = t->after < at[0] - 1 ? at[0] - 1 : t->after;
	t->upto = at[1];
	return true;
}

static bool walk(struct gt_reader *r, struct trail *t)
{
	int64_t ends[2];
	if (!gt_reader_numbers(r, gt_reader_query(r, GT_Q_AUDIT_ENDS), ends, 2))
		return false;
	t->upto = ends[1];
	if ((t->q->from_ms || t->q->to_ms) && !narrow(r, t))
		return false;
	return t->after >= t->upto || scan(r, t);
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
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	bool ok = !q->resource || find_about(r, &t.about, q->resource);
	if (q->resource)
		t.query = GT_Q_AUDIT_ABOUT;
	ok = ok && walk(r, &t) && t.ok;
	return gt_json_page(r, ok, "rows", t.list,
	                    t.after < t.upto ? json_integer(t.after)
	                                     : json_null());
}
