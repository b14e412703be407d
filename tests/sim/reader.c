/* reader.c: at each node somebody reads learner records on from the last moment
 * he was told that all is to be seen up to, and misses nothing, whatever the
 * clock did in between: what is stored after he was told is behind it by (clock
 * era, stored), and so src/read finds it, also after the node was started anew
 * or an old backup of it was restored. And somebody asks for what came since a
 * time of his own, which nobody told him: he gets all that bears a later one. */
#include <string.h>

#include "ask.h"
#include "inside.h"
#include "read_inside.h"
#include "stored.h"

enum { ASKS_EVERY = 3, ANY_EVERY = 64 }; /* turns of anybody */

static struct place {
	uint64_t incarnation;
	bool right;                /* the clock */
	int64_t era, told_ms, seq; /* seq: the newest there was then */
} places[NODES_MAX];

void reader_init(void)
{
	memset(places, 0, sizeof places);
}

static int64_t missed(const struct sim_node *s, const struct place *at)
{
	sqlite3_stmt *st = ask(
	        s, "SELECT count(*) FROM record r WHERE seq>?1 AND"
	           " ((SELECT max(era) FROM clock_era e WHERE e.seq<=r.seq),"
	           "stored_ms)<=(?2,?3)");
	sqlite3_bind_int64(st, 1, at->seq);
	sqlite3_bind_int64(st, 2, at->era);
	sqlite3_bind_int64(st, 3, at->told_ms);
	int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0)
	                                           : -1;
	ask_end(st);
	return n;
}

static int64_t newest(const struct sim_node *s)
{
	return ask_one(s, "SELECT ifnull(max(seq),0) FROM record", NULL, NULL,
	               0);
}

/* How many there are between the two; some may have been erased. */
static int64_t between(const struct sim_node *s, int64_t low, int64_t high)
{
	sqlite3_stmt *st = ask(s, "SELECT count(*) FROM record WHERE seq>?1"
	                          " AND seq<?2");
	sqlite3_bind_int64(st, 1, low);
	sqlite3_bind_int64(st, 2, high);
	int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0)
	                                           : -1;
	ask_end(st);
	return n;
}

/* Where src/read goes on with what he was told, as text, passes over nothing he
 * has not seen. cut: he keeps no more than milliseconds. */
static bool goes_on(const struct sim_node *s, const struct place *at, bool cut)
{
	struct gt_reader r = {.db = sqlite3_db_handle(ask(s, "SELECT 1"))};
	char since[GT_STORED_CHARS];
	int64_t ms = 0, seq = 0;
	unsigned mark = 0;
	gt_stored_format(since, at->told_ms, cut ? 0 : at->era);
	bool fine = gt_stored_parse(&ms, &mark, since) &&
	            gt_reader_behind(&r, newest(s), ms, mark, &seq) == 0 &&
	            between(s, at->seq, seq) == 0;
	for (int q = 0; q < GT_Q_COUNT; q++)
		sqlite3_finalize(r.stmt[q]);
	return fine;
}

static int64_t later(const struct sim_node *s, int64_t ms, int64_t low,
                     int64_t high)
{
	sqlite3_stmt *st = ask(s, "SELECT count(*) FROM record WHERE"
	                          " stored_ms>?1 AND seq BETWEEN ?2 AND ?3");
	sqlite3_bind_int64(st, 1, ms);
	sqlite3_bind_int64(st, 2, low);
	sqlite3_bind_int64(st, 3, high);
	int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0)
	                                           : -1;
	ask_end(st);
	return n;
}

static int64_t stored_about(const struct sim_node *s, int64_t seq)
{
	sqlite3_stmt *st = ask(s, "SELECT stored_ms FROM record WHERE seq<=?1"
	                          " ORDER BY seq DESC LIMIT 1");
	sqlite3_bind_int64(st, 1, seq);
	int64_t ms = sqlite3_step(st) == SQLITE_ROW
	                     ? sqlite3_column_int64(st, 0)
	                     : 0;
	ask_end(st);
	return ms;
}

/* About what one bears, or half way between two: drawn from the count of what
 * has happened, so that no other draw is another for it. */
static bool any_time(const struct world *w, const struct sim_node *s)
{
	struct gt_reader r = {.db = sqlite3_db_handle(ask(s, "SELECT 1"))};
	struct gt_statements_query q = {.until_ms = INT64_MAX};
	static struct gt_when when;
	uint64_t h = w->events * 0x9e3779b97f4a7c15U;
	int64_t last = newest(s), found = 0;
	if (last == 0)
		return true;
	int64_t a = stored_about(s, 1 + (int64_t)((h >> 8) % (uint64_t)last));
	int64_t b = stored_about(s, 1 + (int64_t)((h >> 36) % (uint64_t)last));
	q.since_ms = h >> 63 ? a - 1 : a + (b - a) / 2;
	bool fine = gt_reader_when(&r, last, &q, &when) == 0;
	for (size_t i = 0; fine && i < when.n; i++)
		found += later(s, q.since_ms, when.v[i].low, when.v[i].high);
	for (int i = 0; i < GT_Q_COUNT; i++)
		sqlite3_finalize(r.stmt[i]);
	return fine && found == later(s, q.since_ms, 1, last);
}

/* What was forgotten is not there to be missed. With two pasts, and of a clock
 * that was wrong before a restore, not everything is known (records/era.h). */
static bool comes_back(const struct world *w, const struct sim_node *s,
                       struct place *at)
{
	bool forgets = s->restored;
	int64_t last = newest(s);
	if (at->seq > last)
		at->seq = last;
	if (at->incarnation == 0 || s->two_pasts || s->index == w->count ||
	    (forgets && !at->right))
		return true;
	return goes_on(s, at, false) && (forgets || goes_on(s, at, true));
}

void reader_turn(struct world *w, struct sim_node *s)
{
	struct place *at = &places[s->index];
	struct gt_node_clock clock;
	bool new = at->incarnation != s->incarnation;
	if (!s->core || w->invariant)
		return;
	gt_node_clock(s->core, &clock);
	if (at->era != clock.era)
		s->told_ms = 0; /* of the era before */
	if (w->events % ANY_EVERY == 0 && !any_time(w, s)) {
		world_fail(w, "reader",
		           "who asks %s for a time of his own misses what "
		           "bears a later one",
		           s->code);
		return;
	}
	if (!new && w->events % ASKS_EVERY != 0)
		return;
	if (new ? !comes_back(w, s, at) : missed(s, at) != 0) {
		world_fail(w, "reader",
		           "who reads on at %s misses what was stored since",
		           s->code);
		return;
	}
	int64_t told_ms = world_wall(w, s->index) - 1;
	if (!new && at->era == clock.era && at->told_ms > told_ms)
		told_ms = at->told_ms;
	if (clock.stored_ms > told_ms)
		told_ms = clock.stored_ms;
	*at = (struct place){.incarnation = s->incarnation,
	                     .right = s->clock_off == 0 && s->drift == 0,
	                     .era = clock.era,
	                     .told_ms = told_ms,
	                     .seq = newest(s)};
	s->told_ms = told_ms;
}
