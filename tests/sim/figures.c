/* figures.c: at each node a report made of sums that are kept is what one made of
 * every record is (records/reckon.h): whatever was voided, erased, forgotten, put
 * back or damaged in between. */
#include <jansson.h>

#include "ask.h"
#include "inside.h"
#include "read_inside.h"

enum { ASKS_EVERY = 16 }; /* turns of anybody */

static json_t *report(struct gt_reader *r, enum gt_counts_by by, bool plain)
{
	int status;
	const struct gt_report_query q = {
	        .by = {GT_REPORT_REGION, GT_REPORT_RESOURCE, GT_REPORT_MONTH},
	        .nby = 3,
	        .level = -1,
	        .counts_by = by,
	        .plain = plain};
	return gt_read_report(r, &q, &status);
}

void figures_turn(struct world *w, struct sim_node *s)
{
	if (!s->core || w->invariant || w->events % ASKS_EVERY != 0)
		return;
	struct gt_reader r = {.db = sqlite3_db_handle(ask_read(s, "SELECT 1"))};
	enum gt_counts_by by =
	        w->events / ASKS_EVERY % 2 ? GT_BY_STORED : GT_BY_TIMESTAMP;
	json_t *kept = report(&r, by, false), *plain = report(&r, by, true);
	bool read = kept && plain, same = read && json_equal(kept, plain);
	json_decref(kept);
	json_decref(plain);
	for (int i = 0; i < GT_Q_COUNT; i++)
		sqlite3_finalize(r.stmt[i]);
	if (read && !same)
		world_fail(w, "figures",
		           "at %s sums of records are not what the records "
		           "say",
		           s->code);
}
