#include "reckon.h"

#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "figures.h"
#include "records_inside.h"

enum {
	FAN = 8,             /* spans become one */
	TOP = FAN * FAN,     /* times a span, at most */
	BYTES = 8 << 20,     /* of those that do */
	QUIET_MS = 200,      /* no record has come for so long */
	PATIENT_MS = 60000,  /* for so long records come without end */
	REST_MS = 20,        /* between two spans */
	REST_BUSY_MS = 1000, /* ... while they do */
};

static int64_t span_of(const struct gt_node *n)
{
	return n->config.reckon_span ? n->config.reckon_span : GT_RECKON_SPAN;
}

/* ------------------------------------------------------------ the secret */

/* Sums under one that is gone are of no use. */
static int new_key(struct gt_node *n, uint8_t key[GT_SKETCH_KEY])
{
	gt_draw(n, key, GT_SKETCH_KEY);
	gt_store_bind(n->store, GT_SQL_FIGURES_DROP, "ii", (int64_t)0,
	              INT64_MAX);
	int status = gt_store_run(n->store, GT_SQL_FIGURES_DROP);
	return status ? status
	              : gt_meta_put_bytes(n->store, "figures_key",
	                                  gt_bytes_of(key, GT_SKETCH_KEY));
}

static int load_key(struct gt_node *n, uint8_t key[GT_SKETCH_KEY])
{
	struct gt_bytes is;
	int status = gt_meta_get_bytes(n->store, "figures_key", n->arena, &is);
	if (status != 0 || is.n != GT_SKETCH_KEY)
		return status ? status : new_key(n, key);
	memcpy(key, is.p, GT_SKETCH_KEY);
	return 0;
}

/* ---------------------------------------------------------------- a span */

/* Sums by both clocks. */
struct sums {
	struct gt_figures *of[GT_COUNTS_BY];
	uint8_t key[GT_SKETCH_KEY];
};

static void sums_free(struct sums *s)
{
	for (int by = 0; by < GT_COUNTS_BY; by++)
		gt_figures_free(s->of[by]);
}

static int sums_new(struct sums *s)
{
	bool ok = true;
	for (int by = 0; by < GT_COUNTS_BY; by++) {
		s->of[by] = gt_figures_new();
		ok = ok && s->of[by];
	}
	return ok ? 0 : -GT_ENOMEM;
}

static int add(struct gt_figures *f, const struct gt_deed *d,
               const struct gt_receipt *r, const char *code,
               enum gt_counts_by by, const uint8_t key[GT_SKETCH_KEY])
{
	char day[GT_DEED_DAY], name[GT_CODE_MAX + GT_RID_MAX + 16];
	gt_figure_day(day, d, r, by);
	gt_format(name, sizeof name, "%s\n%s\n%.7s", code, d->about, day);
	struct gt_figure *at = gt_figures_at(f, gt_bytes_str(name));
	return at ? gt_figure_add(at, d, r, day, key) : -GT_ENOMEM;
}

static int gap(struct sums *s)
{
	for (int by = 0; by < GT_COUNTS_BY; by++) {
		struct gt_figure *f =
		        gt_figures_at(s->of[by], gt_bytes_str(""));
		if (!f)
			return -GT_ENOMEM;
		f->n[GT_STATEMENTS]++;
	}
	return 0;
}

/* A row of GT_SQL_FIGURES_OF. */
static int add_row(struct sums *s, sqlite3_stmt *st)
{
	struct gt_deed d;
	struct gt_bytes id = gt_col_bytes(st, 1), body = gt_col_bytes(st, 5);
	const struct gt_receipt r = {id.p, gt_col_int(st, 3),
	                             gt_col_int(st, 4)};
	if (body.n == 0)
		return 0;
	int status = id.n == GT_UUID_BYTES ? gt_deed_open(&d, body, s->key)
	                                   : -GT_EINVALID;
	if (status == -GT_EINVALID)
		return gap(s);
	for (int by = 0; status == 0 && by < GT_COUNTS_BY; by++)
		status = add(s->of[by], &d, &r, gt_col_text(st, 2),
		             (enum gt_counts_by)by, s->key);
	gt_deed_close(&d);
	return status;
}

static int put(struct gt_node *n, struct sums *s, int64_t first, int64_t last)
{
	int status = 0;
	for (int by = 0; status == 0 && by < GT_COUNTS_BY; by++) {
		struct gt_buffer b = {0};
		/* of nothing there is a row too: no blob of no bytes is NULL */
		gt_figures_pack(&b, s->of[by]);
		struct gt_bytes body =
		        b.n ? gt_buffer_bytes(&b) : gt_bytes_str("");
		gt_store_bind(n->store, GT_SQL_FIGURES_NEW, "iib",
		              first * 2 + by, last, body);
		status = b.failed ? -GT_ENOMEM
		                  : gt_store_run(n->store, GT_SQL_FIGURES_NEW);
		gt_buffer_free(&b);
	}
	return status;
}

/* Adds up the records from first on. */
static int reckon(struct gt_node *n, int64_t first)
{
	struct sums s = {{NULL}, {0}};
	int64_t last = first + span_of(n) - 1;
	int row = 1, status = load_key(n, s.key);
	if (status == 0)
		status = sums_new(&s);
	sqlite3_stmt *st = status ? NULL
	                          : gt_store_bind(n->store, GT_SQL_FIGURES_OF,
	                                          "ii", first, last);
	while (status == 0 &&
	       (row = gt_store_step(n->store, GT_SQL_FIGURES_OF)) == 1)
		status = add_row(&s, st);
	gt_store_reset(n->store, GT_SQL_FIGURES_OF);
	if (status == 0 && row < 0)
		status = row;
	if (status == 0)
		status = put(n, &s, first, last);
	sums_free(&s);
	return status;
}

/* ------------------------------------------------------- spans into one */

/* -GT_EMALFORMED: what is kept is none. */
static int merge_body(struct gt_figures *f, struct gt_bytes body)
{
	struct gt_packed p;
	int more, status = 0;
	while (status == 0 && (more = gt_packed_next(&body, &p)) != 0) {
		struct gt_figure *at =
		        more == 1 ? gt_figures_at(f, p.key) : NULL;
		status = more < 0 ? more
		         : at     ? gt_figure_unpack(at, &p)
		                  : -GT_ENOMEM;
	}
	return status;
}

static int merge_rows(struct gt_node *n, struct gt_figures *f, int64_t first,
                      int64_t last, int by)
{
	int row = 1, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_FIGURES_GET, "iii",
	                                 first * 2, last * 2 + 1, (int64_t)by);
	while (status == 0 &&
	       (row = gt_store_step(n->store, GT_SQL_FIGURES_GET)) == 1)
		status = merge_body(f, gt_col_bytes(st, 0));
	gt_store_reset(n->store, GT_SQL_FIGURES_GET);
	return status == 0 && row < 0 ? row : status;
}

static int drop(struct gt_node *n, int64_t first, int64_t last)
{
	gt_store_bind(n->store, GT_SQL_FIGURES_DROP, "ii", first * 2,
	              last * 2 + 1);
	return gt_store_run(n->store, GT_SQL_FIGURES_DROP);
}

/* What makes no sense is added up anew. */
static int merge(struct gt_node *n, int64_t first, int64_t last)
{
	struct sums s = {{NULL}, {0}};
	int status = sums_new(&s);
	for (int by = 0; status == 0 && by < GT_COUNTS_BY; by++)
		status = merge_rows(n, s.of[by], first, last, by);
	if (status == 0 || status == -GT_EMALFORMED) {
		int gone = drop(n, first, last);
		status = gone ? gone : status ? 0 : put(n, &s, first, last);
	}
	sums_free(&s);
	return status;
}

/* --------------------------------------------------------- what is next */

/* Spans side by side, of one size, of which the first begins where one of the
 * next size does. */
struct streak {
	int64_t first, size, n, bytes;
};

/* What there is to do: records from first on to be added up (merges false), or
 * spans put together; none: first 0. */
struct work {
	int64_t first, last;
	bool merges;
};

/* Whether the span completes one of the next size. */
static bool extend(struct streak *s, int64_t first, int64_t last, int64_t bytes,
                   int64_t top)
{
	int64_t size = last - first + 1;
	bool begins = (first - 1) % (size * FAN) == 0;
	if (begins || s->n == 0 || size != s->size ||
	    first != s->first + s->n * s->size)
		*s = (struct streak){first, size, 0, 0};
	if (!begins && s->n == 0)
		return false;
	s->n++;
	s->bytes += bytes;
	return s->n == FAN && size < top && s->bytes <= BYTES;
}

/* One row for each span by each clock, in their order. */
static int find(struct gt_node *n, struct work *w)
{
	struct streak s = {0};
	int64_t next = 1, span = span_of(n);
	int row;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_FIGURES, "");
	*w = (struct work){0};
	while ((row = gt_store_step(n->store, GT_SQL_FIGURES)) == 1) {
		int64_t fid = gt_col_int(st, 0), last = gt_col_int(st, 1);
		if (fid % 2 == 1)
			s.bytes += gt_col_int(st, 2);
		if (fid % 2 == 1 || fid / 2 < next)
			continue;
		if (fid / 2 > next)
			break;
		next = last + 1;
		if (extend(&s, fid / 2, last, gt_col_int(st, 2), span * TOP)) {
			*w = (struct work){s.first, last, true};
			break;
		}
	}
	gt_store_reset(n->store, GT_SQL_FIGURES);
	if (row >= 0 && !w->merges && next + span - 1 <= n->records->seq)
		*w = (struct work){next, 0, false};
	n->records->reckoning->next = next + span - 1;
	return row < 0 ? row : 0;
}

/* ------------------------------------------------------------------ when */

void gt_reckon_free(struct gt_reckoning *x)
{
	free(x);
}

void gt_reckon_again(struct gt_node *n)
{
	struct gt_reckoning *x = n->records->reckoning;
	if (!x)
		return;
	x->look = true;
	x->quiet_due = n->now.mono_ms + QUIET_MS;
}

static bool due(const struct gt_records *r)
{
	const struct gt_reckoning *x = r->reckoning;
	return x && (x->look || r->seq >= x->next);
}

static int step(struct gt_node *n, bool busy)
{
	struct gt_reckoning *x = n->records->reckoning;
	struct work w;
	int status = find(n, &w);
	x->look = status == 0 && w.first > 0;
	x->rest_due = n->now.mono_ms + (busy ? REST_BUSY_MS : REST_MS);
	if (!x->look)
		return status;
	return w.merges ? merge(n, w.first, w.last) : reckon(n, w.first);
}

/* Once there are enough records for a span. */
static int begin(struct gt_node *n)
{
	struct gt_records *r = n->records;
	if (r->reckoning || r->seq < span_of(n))
		return 0;
	r->reckoning = calloc(1, sizeof *r->reckoning);
	if (!r->reckoning)
		return -GT_ENOMEM;
	r->reckoning->look = true;
	return 0;
}

int gt_reckon_go(struct gt_node *n)
{
	int status = begin(n);
	struct gt_reckoning *x = n->records->reckoning;
	uint64_t now = n->now.mono_ms;
	if (status != 0 || !x)
		return status;
	if (n->records->seq != x->seen) {
		x->seen = n->records->seq;
		x->quiet_due = now + QUIET_MS;
	}
	if (!due(n->records)) {
		x->patient_due = 0;
		return 0;
	}
	if (x->patient_due == 0)
		x->patient_due = now + PATIENT_MS;
	bool busy = now < x->quiet_due;
	if (now < x->rest_due || (busy && now < x->patient_due))
		return 0;
	return step(n, busy);
}

uint64_t gt_reckon_deadline(const struct gt_node *n)
{
	const struct gt_reckoning *x = n->records->reckoning;
	if (!due(n->records))
		return UINT64_MAX;
	uint64_t at = gt_sooner(x->quiet_due, x->patient_due);
	return at > x->rest_due ? at : x->rest_due;
}
