#include "era.h"

#include "draw.h"
#include "records_inside.h"
#include "schema.h"

enum {
	SLACK_MS = 1000, /* the clock may go back by it: it is waited for */
	LEAP_MS = 60000, /* ... and ahead */
	/* After a restore so many numbers, and up to so many more, are left
	 * out: those of the eras that are forgotten. */
	GAP = 100,
	GAP_DRAWN = 400,
};

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* What the time has gone on by, whatever the wall clock was set to. */
static int64_t clock_ms(const struct gt_node *n)
{
	return (int64_t)(n->now.mono_ms + n->now.slept_ms);
}

/* The latest moment of this era that anybody may have seen. */
static int64_t reached(const struct gt_node *n)
{
	const struct gt_era *e = &n->records->era;
	return later(e->begin_ms, later(n->records->ms, n->now.told_ms));
}

/* Who was told of an era that a restore forgot must not take a new one for it:
 * its number, in a gap, leads to where the first one after the restore begins. */
static int64_t following(struct gt_node *n, int64_t number, bool restored)
{
	uint8_t drawn[2];
	if (!restored)
		return number + 1;
	gt_draw(n, drawn, sizeof drawn);
	return number + 1 + GAP + (drawn[0] << 8 | drawn[1]) % GAP_DRAWN;
}

/* Ends era `number`, whose last moment is end_ms, and begins era `next`. seen:
 * it must be known for what it was, if only to readers. */
static int begin(struct gt_node *n, int64_t number, int64_t next, bool seen,
                 int64_t end_ms, enum gt_era_cause cause, int64_t step_ms)
{
	struct gt_era *e = &n->records->era;
	int status;
	if (seen) {
		gt_store_bind(n->store, GT_SQL_ERA_END, "ii", number, end_ms);
		status = gt_store_run(n->store, GT_SQL_ERA_END);
	} else {
		gt_store_bind(n->store, GT_SQL_ERA_DROP, "i", number);
		status = gt_store_run(n->store, GT_SQL_ERA_DROP);
	}
	if (status != 0)
		return status;
	*e = (struct gt_era){.number = next,
	                     .first = n->records->seq + 1,
	                     .begin_ms = n->now.wall_ms,
	                     .wall_ms = n->now.wall_ms,
	                     .clock_ms = clock_ms(n)};
	n->records->ms = 0;
	n->touched = true;
	gt_store_bind(n->store, GT_SQL_ERA_NEW, "iiiiii", e->number, e->first,
	              e->begin_ms, (int64_t)cause, step_ms, n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_ERA_NEW);
}

/* The operator is told, and it is written down. */
static int tell(struct gt_node *n, int64_t step_ms)
{
	char detail[GT_WHY];
	long long s = step_ms / 1000;
	bool back = step_ms < 0;
	if (back)
		gt_format(detail, sizeof detail,
		          "the clock was set back by %lld s: what is stored "
		          "from now on is of clock era %lld",
		          -s, (long long)n->records->era.number);
	else
		gt_format(detail, sizeof detail,
		          "the clock went ahead by %lld s: what is stored "
		          "from now on is of clock era %lld",
		          s, (long long)n->records->era.number);
	struct gt_audit row = {
	        .event = "note", .kind = "clock", .detail = detail};
	int status = gt_audit_row(n, &row);
	return status ? status
	              : gt_log(n, back ? GT_LOG_WARN : GT_LOG_INFO, "%s",
	                       detail);
}

/* ------------------------------------------------------------ START */

/* The first record from seq `low` on that is stored after ms; one past the last
 * if none is. Within an era `stored` does not decrease. */
static int behind(struct gt_node *n, int64_t low, int64_t ms, int64_t *seq,
                  int64_t *stored_ms)
{
	int64_t high = n->records->seq + 1;
	int row = 0;
	*stored_ms = 0;
	while (row >= 0 && low < high) {
		int64_t mid = low + (high - low) / 2;
		sqlite3_stmt *st =
		        gt_store_bind(n->store, GT_SQL_RECORD_FROM, "i", mid);
		row = gt_store_step(n->store, GT_SQL_RECORD_FROM);
		int64_t found = row == 1 ? gt_col_int(st, 0) : high;
		int64_t at = row == 1 ? gt_col_int(st, 1) : 0;
		gt_store_reset(n->store, GT_SQL_RECORD_FROM);
		if (row != 1 || at > ms) {
			high = mid;
			*stored_ms = row == 1 ? at : *stored_ms;
		} else {
			low = found + 1;
		}
	}
	*seq = low;
	return row < 0 ? row : 0;
}

/* A program that knew no eras, or a clock that was wrong from a start on, left
 * times that are still to come: they are an era by themselves, and the rest of
 * the last one is what it was. */
static int split(struct gt_node *n, int64_t *number, int64_t first)
{
	int64_t wall = n->now.wall_ms, at = 0, ms = 0;
	int status = behind(n, first, wall, &at, &ms);
	if (status != 0 || at == first || at > n->records->seq)
		return status;
	gt_store_bind(n->store, GT_SQL_ERA_END, "ii", *number, wall);
	status = gt_store_run(n->store, GT_SQL_ERA_END);
	++*number;
	gt_store_bind(n->store, GT_SQL_ERA_NEW, "iiiiii", *number, at, ms,
	              (int64_t)GT_ERA_WRONG, ms - wall, wall);
	return status ? status : gt_store_run(n->store, GT_SQL_ERA_NEW);
}

int gt_era_start(struct gt_node *n)
{
	struct gt_records *r = n->records;
	int64_t wall = n->now.wall_ms, newest = r->ms;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ERA_LAST, "");
	int row = gt_store_step(n->store, GT_SQL_ERA_LAST);
	int64_t number = row == 1 ? gt_col_int(st, 0) : 0;
	int64_t first = row == 1 ? gt_col_int(st, 1) : 1;
	int64_t begun = row == 1 ? gt_col_int(st, 2) : 0;
	bool moved = row == 1 && gt_col_int(st, 3) >= GT_ERA_BACK;
	gt_store_reset(n->store, GT_SQL_ERA_LAST);
	if (row < 0)
		return row;
	bool empty = first > r->seq;
	int64_t last = empty ? begun : newest;
	bool back = !empty && wall < newest - SLACK_MS;
	int status = back ? split(n, &number, first) : 0;
	if (status == 0)
		status = begin(
		        n, number, following(n, number, n->config.restored),
		        !empty || moved, later(last, back ? last : wall - 1),
		        back ? GT_ERA_BACK : GT_ERA_START,
		        back ? wall - newest : 0);
	return status || !back ? status : tell(n, wall - newest);
}

/* ------------------------------------------------------------- turn */

int gt_era_turn(struct gt_node *n)
{
	struct gt_era *e = &n->records->era;
	int64_t wall = n->now.wall_ms, reach = reached(n);
	int64_t step = wall - (e->wall_ms + clock_ms(n) - e->clock_ms);
	bool seen = n->records->ms > 0 || n->now.told_ms > 0;
	int status = 0;
	e->stamp_ms = 0;
	if (wall < reach - SLACK_MS || step > LEAP_MS) {
		bool back = wall < reach - SLACK_MS;
		step = back && step > wall - reach ? wall - reach : step;
		status = begin(n, e->number, e->number + 1, seen, reach,
		               back ? GT_ERA_BACK : GT_ERA_AHEAD, step);
		n->now.told_ms = 0; /* of the era before */
		if (status == 0)
			status = tell(n, step);
	}
	e->wall_ms = wall;
	e->clock_ms = clock_ms(n);
	return status;
}

int gt_era_restored(struct gt_node *n)
{
	struct gt_era *e = &n->records->era;
	bool seen = n->records->ms > 0 || n->now.told_ms > 0;
	int64_t reach = reached(n);
	n->now.told_ms = 0;
	return begin(n, e->number, following(n, e->number, true), seen, reach,
	             GT_ERA_START, 0);
}

int64_t gt_era_now(struct gt_node *n)
{
	struct gt_era *e = &n->records->era;
	if (e->stamp_ms == 0)
		e->stamp_ms = later(n->now.wall_ms,
		                    later(n->records->ms, n->now.told_ms) + 1);
	n->records->ms = e->stamp_ms;
	return e->stamp_ms;
}

void gt_era_clock(const struct gt_node *n, struct gt_node_clock *out)
{
	*out = (struct gt_node_clock){.era = n->records->era.number,
	                              .stored_ms = n->records->ms};
}
