/* reader.c: at each node somebody reads learner records on from the last moment
 * he was told that all is to be seen up to, and misses nothing: what is stored
 * after he was told is behind it by (clock era, stored), whatever the clock did
 * in between. He begins anew with each start. */
#include "ask.h"
#include "inside.h"

enum { ASKS_EVERY = 3 }; /* turns of anybody */

static struct place {
	uint64_t incarnation;
	int64_t era, told_ms, seq; /* seq: the newest there was then */
} places[NODES_MAX];

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

void reader_turn(struct world *w, struct sim_node *s)
{
	struct place *at = &places[s->index];
	struct gt_node_clock clock;
	if (!s->core || w->invariant || w->events % ASKS_EVERY != 0)
		return;
	if (at->incarnation == s->incarnation && missed(s, at) != 0) {
		world_fail(w, "reader",
		           "who reads on at %s misses what was stored since",
		           s->code);
		return;
	}
	gt_node_clock(s->core, &clock);
	int64_t told_ms = world_wall(w, s->index) - 1;
	if (at->incarnation == s->incarnation && at->era == clock.era &&
	    at->told_ms > told_ms)
		told_ms = at->told_ms;
	if (clock.stored_ms > told_ms)
		told_ms = clock.stored_ms;
	*at = (struct place){
	        .incarnation = s->incarnation,
	        .era = clock.era,
	        .told_ms = told_ms,
	        .seq = ask_one(s, "SELECT ifnull(max(seq),0) FROM record", NULL,
	                       NULL, 0)};
	s->told_ms = told_ms;
}
