/* read_eras.c: what was stored behind a moment, or not behind it, whatever the
 * clock did before and since. A moment a reader was told of is a place in the
 * order of records; any other is a time, and what bears a later one counts, in
 * whichever era it lies.
 * Tests: u_era.c. */
#include <stdlib.h>

#include "read_inside.h"
#include "stored.h"

/* A clock era and where in the order it lies: seqs [first, next). */
struct span {
	int64_t era, first, next, begin_ms, end_ms;
	bool open;
};

/* The eras in order. The first may be one of those (OLD) before the newest
 * GT_LOOK_ERAS: one stretch, in which times may lie in any order. */
struct eras {
	struct span v[GT_LOOK_ERAS + 1];
	size_t n;
};

enum { OLD = -1 };

/* What is looked for, and the best found so far. */
struct search {
	int64_t ms;
	int64_t claimed; /* era of the mark; 0: none */
	bool exact, within, before, skipped;
	struct span of_mark, first_within, nearest;
	int64_t after_skipped; /* where the era after the claimed one begins */
};

static bool holds(const struct span *s, int64_t ms)
{
	/* what is told of an era that has just begun may be a moment before */
	return s->begin_ms - 1 <= ms && (s->open || ms <= s->end_ms);
}

static void look_at(struct search *q, const struct span *s)
{
	if (q->claimed && s->era == q->claimed) {
		q->exact = holds(s, q->ms);
		q->of_mark = *s;
	}
	if (q->claimed && s->era > q->claimed && q->of_mark.era != q->claimed &&
	    !q->skipped) {
		q->skipped = true;
		q->after_skipped = s->first;
	}
	if (!q->within && holds(s, q->ms)) {
		q->within = true;
		q->first_within = *s;
	}
	if (!s->open && s->end_ms < q->ms &&
	    (!q->before || s->end_ms > q->nearest.end_ms)) {
		q->before = true;
		q->nearest = *s;
	}
}

/* The rows come in order; where one ends the next one says. */
static int load(struct gt_reader *r, int64_t last, struct eras *e)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_ERAS);
	int rc = SQLITE_DONE;
	e->n = 0;
	if (!st)
		return -GT_ESTORE;
	(void)sqlite3_bind_int(st, 1, GT_LOOK_ERAS);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct span s = {.era = sqlite3_column_int64(st, 0),
		                 .first = sqlite3_column_int64(st, 1),
		                 .next = last + 1,
		                 .begin_ms = sqlite3_column_int64(st, 2),
		                 .end_ms = sqlite3_column_int64(st, 3),
		                 .open = sqlite3_column_type(st, 3) ==
		                         SQLITE_NULL};
		if (e->n == 0 && s.first > 1)
			e->v[e->n++] = (struct span){.era = OLD,
			                             .first = 1,
			                             .begin_ms = INT64_MIN + 1,
			                             .end_ms = s.begin_ms - 1};
		if (e->n > 0)
			e->v[e->n - 1].next = s.first;
		e->v[e->n++] = s;
	}
	return gt_reader_end(r, st, rc) ? 0 : -GT_ESTORE;
}

/* The eras, to be freed. NULL: why is set. */
static struct eras *eras(struct gt_reader *r, int64_t last)
{
	struct eras *e = malloc(sizeof *e);
	if (!e)
		gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	if (e && load(r, last, e) != 0) {
		free(e);
		e = NULL;
	}
	return e;
}

/* The least seq of [low, high) stored after ms, high if none is: within an era
 * `stored` does not decrease. */
static int search(struct gt_reader *r, int64_t low, int64_t high, int64_t ms,
                  int64_t *seq)
{
	int64_t n[2], end = high;
	while (low < high) {
		int64_t mid = low + (high - low) / 2;
		sqlite3_stmt *s = gt_reader_query(r, GT_Q_RECORD_FROM);
		if (s)
			(void)sqlite3_bind_int64(s, 1, mid);
		if (!gt_reader_numbers(r, s, n, 2))
			return -GT_ESTORE;
		if (n[0] == 0 || n[0] >= end || n[1] > ms)
			high = mid;
		else
			low = n[0] + 1;
	}
	*seq = low;
	return 0;
}

/* A moment, and what of the order it splits: exact, all from the place on is
 * behind it and nothing else; else its time counts too. */
struct moment {
	int64_t ms, place;
	bool exact;
};

/* The first place that may be meant. */
static int find(struct gt_reader *r, const struct eras *e, unsigned mark,
                struct moment *m)
{
	struct search q = {.ms = m->ms};
	if (mark && e->n)
		q.claimed = gt_stored_era(mark, e->v[e->n - 1].era);
	for (size_t i = 0; i < e->n; i++)
		look_at(&q, &e->v[i]);
	/* the era it names; or, without a name, the first era that had such a
	 * moment, for what came since has not been seen by all */
	const struct span *s = q.exact    ? &q.of_mark
	                       : q.within ? &q.first_within
	                                  : NULL;
	m->exact = q.exact;
	m->place = q.before ? q.nearest.next : 1;
	if (s && s->era == OLD)
		m->place = s->next;
	else if (s && search(r, s->first, s->next, m->ms, &m->place) != 0)
		return -GT_ESTORE;
	/* An era that left no row, having stored nothing, or that a restore
	 * forgot: nothing after it has been seen. The name may be no name, but
	 * a time somebody cut behind the milliseconds. */
	if (!q.exact && q.skipped && q.after_skipped < m->place)
		m->place = q.after_skipped;
	return 0;
}

/* What is to come before `until` by its place: of a moment now all that there
 * is, though a clock was ahead; of any other nothing, its time counts. */
static int find_until(struct gt_reader *r, const struct eras *e, unsigned mark,
                      struct moment *m)
{
	const struct span *s = e->n ? &e->v[e->n - 1] : NULL;
	int status = find(r, e, mark, m);
	if (status != 0 || m->exact)
		return status;
	m->place = 0;
	return s && s->open && holds(s, m->ms)
	               ? search(r, s->first, s->next, m->ms, &m->place)
	               : 0;
}

/* Where in an era the rows begin that are behind m. */
static int from(struct gt_reader *r, const struct span *s,
                const struct moment *m, int64_t *seq)
{
	if (s->begin_ms > m->ms)
		*seq = s->first;
	else if (!s->open && s->end_ms <= m->ms)
		*seq = s->next;
	else
		return search(r, s->first, s->next, m->ms, seq);
	return 0;
}

static int64_t within(const struct span *s, int64_t seq)
{
	return seq < s->first ? s->first : seq > s->next ? s->next : seq;
}

/* [low, high): of an era, what lies behind since and not behind until. */
static int cut(struct gt_reader *r, const struct span *s,
               const struct moment *since, const struct moment *until,
               int64_t *low, int64_t *high)
{
	bool old = s->era == OLD;
	int status = 0;
	*low = within(s, since->place);
	*high = within(s, until->place);
	if (*low == s->next && !since->exact) {
		if (old)
			*low = s->end_ms > since->ms ? s->first : s->next;
		else
			status = from(r, s, since, low);
	}
	if (status == 0 && *high == s->first && !until->exact) {
		if (old)
			*high = s->next;
		else
			status = from(r, s, until, high);
	}
	return status;
}

static void put(struct gt_when *w, int64_t low, int64_t high)
{
	if (low >= high)
		return;
	if (w->n && w->v[w->n - 1].high + 1 == low)
		w->n--;
	else
		w->v[w->n].low = low;
	w->v[w->n++].high = high - 1;
}

/* By their times alone rows of the old stretch count: which, each says. */
static void sift(struct gt_when *w, const struct eras *e,
                 const struct moment *since, const struct moment *until)
{
	const struct span *s = e->n && e->v[0].era == OLD ? &e->v[0] : NULL;
	w->old = s ? s->next : 0;
	w->since_ms = s && since->place >= s->next ? since->ms : INT64_MIN;
	w->until_ms = s && until->place <= s->first ? until->ms : INT64_MAX;
}

static int split(struct gt_reader *r, const struct gt_statements_query *q,
                 const struct eras *e, struct gt_when *w)
{
	struct moment since = {.ms = q->since_ms, .place = 1, .exact = true};
	struct moment until = {
	        .ms = q->until_ms, .place = INT64_MAX, .exact = true};
	int64_t low = 0, high = 0;
	int status = 0;
	if (q->since_ms != INT64_MIN)
		status = find(r, e, q->since_mark, &since);
	if (status == 0 && q->until_ms != INT64_MAX)
		status = find_until(r, e, q->until_mark, &until);
	w->n = 0;
	for (size_t i = 0; status == 0 && i < e->n; i++) {
		status = cut(r, &e->v[i], &since, &until, &low, &high);
		if (status == 0)
			put(w, low, high);
	}
	sift(w, e, &since, &until);
	return status;
}

int gt_reader_when(struct gt_reader *r, int64_t last,
                   const struct gt_statements_query *q, struct gt_when *w)
{
	struct eras *e = eras(r, last);
	int status = e ? split(r, q, e, w) : -GT_ESTORE;
	free(e);
	return status;
}

int gt_reader_behind(struct gt_reader *r, int64_t last, int64_t ms,
                     unsigned mark, int64_t *seq)
{
	struct moment m = {.ms = ms};
	struct eras *e = eras(r, last);
	int status = e ? find(r, e, mark, &m) : -GT_ESTORE;
	free(e);
	*seq = m.place;
	return status;
}
