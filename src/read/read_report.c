/* read_report.c: how much was learnt, by place, subject, time.
 * Tests: u_report.c, u_reckon.c, e2e/test_report.py. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "figures.h"
#include "read_inside.h"
#include "signed.h"

enum {
	SCAN_ROWS = 2000,  /* under one read transaction */
	GROUPS = 100000,   /* a report has at most */
	BYTES = 256 << 20, /* of memory for them */
	FIELD = 1000,      /* bytes of one, beyond which it is cut */
	SUBJECTS = 20000,  /* resources whose subjects are remembered */
	MONTH = 7,
	YEAR = 4 /* characters of a day */
};

static const char *const names[GT_REPORT_BYS] = {
        [GT_REPORT_REGION] = "region",     [GT_REPORT_SUBJECT] = "subject",
        [GT_REPORT_RESOURCE] = "resource", [GT_REPORT_MONTH] = "month",
        [GT_REPORT_DAY] = "day",           [GT_REPORT_YEAR] = "year",
        [GT_REPORT_VERB] = "verb",         [GT_REPORT_ACTIVITY] = "activity"};

const char *gt_report_by_name(unsigned by)
{
	return by < GT_REPORT_BYS ? names[by] : NULL;
}

int gt_report_by_parse(const char *name, size_t n)
{
	for (int i = 0; i < GT_REPORT_BYS; i++)
		if (strlen(names[i]) == n && memcmp(names[i], name, n) == 0)
			return i;
	return -1;
}

struct report {
	struct gt_reader *r;
	const struct gt_report_query *q;
	struct gt_figures *groups;
	struct gt_figure total;
	json_t *subjects; /* of what was met: {resource: [subject...]} */
	struct gt_buffer key;
	uint8_t secret[GT_SKETCH_KEY];
	uint64_t gaps;
	int status;
};

/* What is added: a deed, or figures that are packed, and all that it may be told
 * apart by. Of what is packed the day is a month. */
struct source {
	const char *code, *about, *day, *verb, *activity;
	const struct gt_deed *deed;
	const struct gt_receipt *receipt;
	const struct gt_packed *packed;
};

/* -------------------------------------------------------------- subjects */

static json_t *subjects_of(struct report *p, const char *rid)
{
	sqlite3_stmt *st = gt_reader_query(p->r, GT_Q_CONTENT);
	json_t *v = NULL;
	if (!st)
		return NULL;
	gt_reader_bind(st, 1, rid);
	int rc = sqlite3_step(st);
	gt_arena_reset(p->r->arena);
	const Gt__Entry *e =
	        rc == SQLITE_ROW
	                ? gt_signed_entry(p->r->arena,
	                                  gt_signed_open(p->r->arena,
	                                                 gt_col_bytes(st, 0)))
	                : NULL;
	if (e && e->n_subjects > 0)
		v = gt_json_texts(e->subjects, e->n_subjects);
	else if (!gt_arena_short(p->r->arena))
		v = json_pack("[s]", "-");
	if (gt_reader_end(p->r, st, rc))
		return v;
	json_decref(v);
	return NULL;
}

/* Borrowed. NULL: p->status. */
static const json_t *subjects(struct report *p, const char *about)
{
	bool ok = true;
	json_t *v = json_object_get(p->subjects, *about ? about : "-");
	if (v)
		return v;
	if (json_object_size(p->subjects) >= SUBJECTS)
		json_object_clear(p->subjects);
	v = !*about         ? json_pack("[s]", "-")
	    : *about == '=' ? json_pack("[s]", about + 1)
	                    : subjects_of(p, about);
	gt_json_set(&ok, p->subjects, *about ? about : "-", v);
	if (!ok)
		p->status = -GT_ESTORE;
	return ok ? v : NULL;
}

/* ---------------------------------------------------------------- groups */

static void field(struct gt_buffer *key, const char *text, size_t most)
{
	size_t n = strnlen(text, most), at = key->n;
	gt_buffer_add(key, *text ? text : "-", *text ? n : 1);
	for (size_t i = at; i < key->n; i++)
		if (key->p[i] < ' ')
			key->p[i] = '?';
	gt_buffer_add(key, "\n", 1);
}

static void place(struct gt_buffer *key, const char *code, int level)
{
	char at[GT_CODE_MAX + 1];
	size_t digits = gt_code_digits(level);
	if (level < 0) {
		field(key, code, FIELD);
		return;
	}
	gt_code_place(at, code);
	field(key, at, digits ? digits : FIELD);
}

static void part(struct report *p, enum gt_report_by by, const struct source *s,
                 const char *subject)
{
	switch (by) {
	case GT_REPORT_REGION:
		place(&p->key, s->code, p->q->level);
		return;
	case GT_REPORT_SUBJECT:
		field(&p->key, subject, FIELD);
		return;
	case GT_REPORT_RESOURCE:
		field(&p->key, *s->about == '=' ? "" : s->about, FIELD);
		return;
	case GT_REPORT_MONTH:
		field(&p->key, s->day, MONTH);
		return;
	case GT_REPORT_YEAR:
		field(&p->key, s->day, YEAR);
		return;
	case GT_REPORT_DAY:
		field(&p->key, s->day, FIELD);
		return;
	case GT_REPORT_VERB:
		field(&p->key, s->verb, FIELD);
		return;
	case GT_REPORT_ACTIVITY:
		field(&p->key, s->activity, FIELD);
		return;
	case GT_REPORT_BYS:
	default:
		return;
	}
}

static int into(struct report *p, struct gt_figure *f, const struct source *s)
{
	return s->packed ? gt_figure_unpack(f, s->packed)
	                 : gt_figure_add(f, s->deed, s->receipt, s->day,
	                                 p->secret);
}

/* The total's numbers; whoever is in it is in some group (whole). */
static void number(struct gt_figure *total, const struct source *s)
{
	if (!s->packed)
		gt_figure_count(total, s->deed, s->receipt);
	for (size_t k = 0; s->packed && k < GT_MEASURES; k++)
		total->n[k] += s->packed->n[k];
}

static void group(struct report *p, const struct source *s, const char *subject)
{
	p->key.n = 0;
	for (size_t i = 0; i < p->q->nby; i++)
		part(p, p->q->by[i], s, subject);
	struct gt_figure *f =
	        p->key.failed
	                ? NULL
	                : gt_figures_at(p->groups, gt_buffer_bytes(&p->key));
	p->status = f ? into(p, f, s) : -GT_ENOMEM;
	if (p->status == 0 && gt_figures_count(p->groups) > GROUPS)
		p->status = -GT_ELIMIT;
}

static bool by_subject(const struct gt_report_query *q)
{
	for (size_t i = 0; i < q->nby; i++)
		if (q->by[i] == GT_REPORT_SUBJECT)
			return true;
	return false;
}

static bool wanted(const struct gt_report_query *q, const struct source *s)
{
	return (!q->within || gt_code_within(s->code, q->within)) &&
	       (!q->from || strncmp(s->day, q->from, MONTH) >= 0) &&
	       (!q->until || strncmp(s->day, q->until, MONTH) <= 0);
}

static void take(struct report *p, const struct source *s)
{
	const json_t *v, *list;
	size_t i;
	if (!wanted(p->q, s))
		return;
	number(&p->total, s);
	if (!by_subject(p->q)) {
		group(p, s, "");
		return;
	}
	list = subjects(p, s->about);
	json_array_foreach(list, i, v)
	{
		if (p->status == 0)
			group(p, s, gt_json_string(v));
	}
}

/* --------------------------------------------------------------- records */

static void row(struct report *p, sqlite3_stmt *st)
{
	struct gt_deed d;
	struct gt_bytes id = gt_col_bytes(st, 1), body = gt_col_bytes(st, 5);
	char day[GT_DEED_DAY];
	struct gt_receipt receipt = {id.p, gt_col_int(st, 3),
	                             gt_col_int(st, 4)};
	if (body.n == 0)
		return;
	int status = id.n == GT_UUID_BYTES ? gt_deed_open(&d, body, p->secret)
	                                   : -GT_EINVALID;
	p->gaps += status == -GT_EINVALID;
	if (status != 0) {
		p->status = status == -GT_EINVALID ? 0 : status;
		return;
	}
	gt_figure_day(day, &d, &receipt, p->q->counts_by);
	struct source s = {.code = gt_col_text(st, 2),
	                   .about = d.about,
	                   .day = day,
	                   .verb = d.verb,
	                   .activity = d.activity,
	                   .deed = &d,
	                   .receipt = &receipt};
	take(p, &s);
	gt_deed_close(&d);
}

static void bound(struct report *p)
{
	if (p->status == 0 && gt_figures_bytes(p->groups) > BYTES)
		p->status = -GT_ELIMIT;
	if (p->status == 0 && p->q->enough && p->q->enough(p->q->arg))
		p->status = -GT_ETIMEOUT;
}

/* All from low to high. */
static void pass(struct report *p, int64_t low, int64_t high)
{
	int64_t n = SCAN_ROWS;
	while (p->status == 0 && low <= high && n == SCAN_ROWS) {
		sqlite3_stmt *st = gt_reader_query(p->r, GT_Q_REPORT);
		int rc = SQLITE_DONE;
		if (!st) {
			p->status = -GT_ESTORE;
			return;
		}
		(void)sqlite3_bind_int64(st, 1, low);
		(void)sqlite3_bind_int64(st, 2, high);
		(void)sqlite3_bind_int64(st, 3, SCAN_ROWS);
		for (n = 0;
		     p->status == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW;
		     n++) {
			low = gt_col_int(st, 0) + 1;
			row(p, st);
		}
		if (!gt_reader_end(p->r, st, rc))
			p->status = -GT_ESTORE;
		bound(p);
	}
}

/* ------------------------------------------------------------ what is kept */

/* Numbers of records that lie in no span; those behind the last are from `tail`
 * on. */
struct holes {
	struct {
		int64_t low, high;
	} * v;
	size_t n, cap;
	int64_t tail;
};

static int hole(struct holes *h, int64_t low, int64_t high)
{
	if (h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 16;
		void *v = realloc(h->v, cap * sizeof *h->v);
		if (!v)
			return -GT_ENOMEM;
		h->v = v;
		h->cap = cap;
	}
	h->v[h->n].low = low;
	h->v[h->n++].high = high;
	return 0;
}

bool gt_report_kept(const struct gt_report_query *q)
{
	for (size_t i = 0; i < q->nby; i++)
		if (q->by[i] != GT_REPORT_REGION &&
		    q->by[i] != GT_REPORT_SUBJECT &&
		    q->by[i] != GT_REPORT_RESOURCE &&
		    q->by[i] != GT_REPORT_MONTH && q->by[i] != GT_REPORT_YEAR)
			return false;
	return !q->plain;
}

/* "code\nabout\nmonth"; nothing: how many cannot be read. */
static void take_packed(struct report *p, const struct gt_packed *packed)
{
	char text[GT_CODE_MAX + GT_RID_MAX + 16], *about, *month;
	struct source s = {.code = text, .verb = "", .activity = ""};
	gt_format(text, sizeof text, "%.*s", (int)packed->key.n,
	          (const char *)packed->key.p);
	if (packed->key.n == 0) {
		p->gaps += packed->n[GT_STATEMENTS];
		return;
	}
	about = strchr(text, '\n');
	month = about ? strchr(about + 1, '\n') : NULL;
	if (!month) {
		p->status = -GT_EMALFORMED;
		return;
	}
	*about = *month = '\0';
	s.about = about + 1;
	s.day = month + 1;
	s.packed = packed;
	take(p, &s);
}

static void span(struct report *p, struct gt_bytes body)
{
	struct gt_packed packed;
	int more;
	while (p->status == 0 && (more = gt_packed_next(&body, &packed)) != 0)
		if (more < 0)
			p->status = more;
		else
			take_packed(p, &packed);
}

/* All spans, in one transaction: of the state in which one became of several. */
static void spans(struct report *p, struct holes *h)
{
	sqlite3_stmt *st = gt_reader_query(p->r, GT_Q_FIGURES);
	int rc = SQLITE_DONE;
	h->tail = 1;
	if (!st) {
		p->status = -GT_ESTORE;
		return;
	}
	(void)sqlite3_bind_int(st, 1, (int)p->q->counts_by);
	while (p->status == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t first = gt_col_int(st, 0) / 2;
		if (first < h->tail)
			continue;
		if (first > h->tail)
			p->status = hole(h, h->tail, first - 1);
		h->tail = gt_col_int(st, 1) + 1;
		span(p, gt_col_bytes(st, 2));
		if (p->status == 0)
			bound(p);
	}
	if (!gt_reader_end(p->r, st, rc))
		p->status = -GT_ESTORE;
}

/* The secret of what is kept. Zeros, and not *is: nothing is. */
static int secret(struct gt_reader *r, uint8_t out[GT_SKETCH_KEY], bool *is)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_META);
	if (!st)
		return -GT_ESTORE;
	gt_reader_bind(st, 1, "figures_key");
	memset(out, 0, GT_SKETCH_KEY);
	int rc = sqlite3_step(st);
	*is = rc == SQLITE_ROW && gt_col_fixed(st, 0, out, GT_SKETCH_KEY);
	return gt_reader_end(r, st, rc) ? 0 : -GT_ESTORE;
}

/* Spans, and the records that lie in none. -GT_EMALFORMED: they are not to be
 * had so. */
static void add_up(struct report *p, int64_t seq)
{
	struct holes h = {0};
	uint8_t now[GT_SKETCH_KEY];
	bool is = false;
	spans(p, &h);
	if (p->status == 0)
		p->status = secret(p->r, now, &is);
	if (p->status == 0 && memcmp(now, p->secret, sizeof now) != 0)
		p->status = -GT_EMALFORMED;
	for (size_t i = 0; p->status == 0 && i < h.n; i++)
		pass(p, h.v[i].low, h.v[i].high);
	if (p->status == 0)
		pass(p, h.tail, seq);
	free(h.v);
}

/* ---------------------------------------------------------------- answer */

static void measures(bool *ok, json_t *v, struct gt_figure *f)
{
	double hours = (double)f->n[GT_SPENT_MS] / 3600000;
	const struct {
		const char *name;
		uint64_t n;
	} m[] = {{"visits", gt_sketch_count(&f->visits)},
	         {"learners", gt_sketch_count(&f->learners)},
	         {"completions", f->n[GT_COMPLETIONS]},
	         {"needs", f->n[GT_NEEDS]},
	         {"statements", f->n[GT_STATEMENTS]}};
	for (size_t i = 0; i < sizeof m / sizeof *m; i++)
		gt_json_set(ok, v, m[i].name, json_integer((json_int_t)m[i].n));
	gt_json_set(ok, v, "hours", json_real(round(hours * 100) / 100));
}

static json_t *line(struct report *p, size_t i)
{
	struct gt_bytes key;
	struct gt_figure *f = gt_figures_nth(p->groups, i, &key);
	json_t *v = json_object();
	bool ok = v != NULL;
	const char *at = (const char *)key.p;
	for (size_t k = 0; ok && k < p->q->nby; k++) {
		size_t n = strcspn(at, "\n");
		char text[FIELD + 1];
		gt_format(text, sizeof text, "%.*s", (int)n, at);
		gt_json_set(&ok, v, names[p->q->by[k]], gt_json_text(text));
		at += n + 1;
	}
	measures(&ok, v, f);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

static json_t *by(const struct gt_report_query *q)
{
	json_t *v = json_array();
	bool ok = v != NULL;
	for (size_t i = 0; i < q->nby; i++)
		gt_json_add(&ok, v, json_string(names[q->by[i]]));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

/* Who is in a group is in the total, once. */
static bool join(struct report *p, size_t i)
{
	struct gt_bytes key;
	struct gt_figure *f = gt_figures_nth(p->groups, i, &key);
	return gt_sketch_merge(&p->total.learners, &f->learners) == 0 &&
	       gt_sketch_merge(&p->total.visits, &f->visits) == 0;
}

static json_t *whole(struct report *p, const char *node)
{
	json_t *v = json_object(), *rows = json_array(), *total = json_object();
	bool ok = v && rows && total;
	const char *level = gt_level_name(p->q->level);
	for (size_t i = 0; ok && i < gt_figures_count(p->groups); i++) {
		ok = join(p, i);
		gt_json_add(&ok, rows, ok ? line(p, i) : NULL);
	}
	if (ok)
		measures(&ok, total, &p->total);
	gt_json_set(&ok, v, "node", gt_json_text(node));
	gt_json_set(&ok, v, "by", by(p->q));
	gt_json_set(&ok, v, "level", json_string(level ? level : ""));
	gt_json_set(&ok, v, "counts_by",
	            json_string(p->q->counts_by == GT_BY_STORED ? "stored"
	                                                        : "timestamp"));
	gt_json_set(&ok, v, "rows", rows);
	gt_json_set(&ok, v, "total", total);
	gt_json_set(&ok, v, "ahead",
	            json_integer((json_int_t)p->total.n[GT_AHEAD]));
	gt_json_set(&ok, v, "gaps", json_integer((json_int_t)p->gaps));
	if (ok)
		return v;
	json_decref(v);
	p->status = -GT_ENOMEM;
	return NULL;
}

/* Nothing has been added. */
static int begin(struct report *p)
{
	gt_figures_free(p->groups);
	gt_figure_free(&p->total);
	p->groups = gt_figures_new();
	p->gaps = 0;
	return p->groups ? 0 : -GT_ENOMEM;
}

static void count(struct report *p)
{
	int64_t seq = 0, ms;
	bool kept = false;
	p->status = gt_read_newest(p->r, &seq, &ms);
	if (p->status == 0)
		p->status = secret(p->r, p->secret, &kept);
	if (p->status == 0 && kept && gt_report_kept(p->q)) {
		add_up(p, seq);
		if (p->status != -GT_EMALFORMED)
			return;
		p->status = begin(p);
	}
	if (p->status == 0)
		pass(p, 1, seq);
}

json_t *gt_read_report(struct gt_reader *r, const struct gt_report_query *q,
                       int *status)
{
	struct report p = {.r = r, .q = q, .subjects = json_object()};
	char node[GT_CODE_MAX + 1];
	json_t *v = NULL;
	p.status = p.subjects ? begin(&p) : -GT_ENOMEM;
	if (p.status == 0 && !gt_reader_code(r, node))
		p.status = -GT_ESTORE;
	if (p.status == 0)
		count(&p);
	if (p.status == 0)
		v = whole(&p, node);
	if (p.status != 0 && p.status != -GT_ESTORE)
		gt_reader_fail(r, gt_strerror(-p.status));
	*status = p.status == -GT_ENOMEM ? -GT_ESTORE : p.status;
	gt_figures_free(p.groups);
	gt_figure_free(&p.total);
	json_decref(p.subjects);
	gt_buffer_free(&p.key);
	return v;
}
