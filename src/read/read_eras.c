/* read_eras.c: where in the order of records a moment lies that a reader was
 * told of, whatever the clock did since.
 * Tests: u_era.c. */
#include "read_inside.h"
#include "stored.h"

/* A clock era and where in the order it lies: seqs [first, next). */
struct span {
	int64_t era, first, next, begin_ms, end_ms;
	bool open;
};

/* What is looked for, and the best found so far. */
struct search {
	int64_t ms;
	unsigned mark;
	int64_t last;    /* newest seq */
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

/* What is older than a thousand starts is one stretch, whatever the clock did in
 * it: nobody reads on from there. */
static void look_before(struct search *q, int64_t first, int64_t begin_ms)
{
	struct span s = {.era = -1,
	                 .first = 1,
	                 .next = first,
	                 .begin_ms = INT64_MIN + 1,
	                 .end_ms = begin_ms - 1};
	if (first > 1)
		look_at(q, &s);
}

/* The rows come in order; where one ends the next one says. */
static int walk(struct gt_reader *r, struct search *q)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_ERAS);
	struct span s = {0};
	bool any = false;
	int rc = SQLITE_DONE;
	if (!st)
		return -GT_ESTORE;
	(void)sqlite3_bind_int(st, 1, GT_LOOK_ERAS);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		s.next = sqlite3_column_int64(st, 1);
		if (any)
			look_at(q, &s);
		else
			look_before(q, s.next, sqlite3_column_int64(st, 2));
		any = true;
		s = (struct span){.era = sqlite3_column_int64(st, 0),
		                  .first = s.next,
		                  .begin_ms = sqlite3_column_int64(st, 2),
		                  .end_ms = sqlite3_column_int64(st, 3),
		                  .open = sqlite3_column_type(st, 3) ==
		                          SQLITE_NULL};
	}
	s.next = q->last + 1;
	if (any)
		look_at(q, &s);
	return gt_reader_end(r, st, rc) ? 0 : -GT_ESTORE;
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

int gt_reader_behind(struct gt_reader *r, int64_t last, int64_t ms,
                     unsigned mark, int64_t *seq)
{
	int64_t newest[2];
	struct search q = {.ms = ms, .mark = mark, .last = last};
	if (!gt_reader_numbers(r, gt_reader_query(r, GT_Q_ERA_LAST), newest, 2))
		return -GT_ESTORE;
	if (mark)
		q.claimed = gt_stored_era(mark, newest[0]);
	if (walk(r, &q) != 0)
		return -GT_ESTORE;
	/* the era it names; or, without a name, the first era that had such a
	 * moment, for what came since has not been seen by all */
	const struct span *s = q.exact    ? &q.of_mark
	                       : q.within ? &q.first_within
	                                  : NULL;
	*seq = q.before ? q.nearest.next : 1;
	if (s && search(r, s->first, s->next, ms, seq) != 0)
		return -GT_ESTORE;
	/* An era that left no row, having stored nothing, or that a restore
	 * forgot: nothing after it has been seen. The name may be no name, but
	 * a time somebody cut behind the milliseconds. */
	if (!q.exact && q.skipped && q.after_skipped < *seq)
		*seq = q.after_skipped;
	return 0;
}
