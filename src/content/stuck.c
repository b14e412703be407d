/* stuck.c: objects that are wanted and do not come, and why: told once, and
 * kept in a row for those who ask, until something comes.
 *
 * The node above says that it has not what is asked for: it may have it
 * damaged, or not yet. Or the object's file here cannot be made or written, for
 * a reason that is not the disk's room: then that object alone waits, and is
 * tried again ever less often; all others go on.
 * Tests: u_stuck.c. */
#include "content_inside.h"

enum {
	LACKS_MS = 5000, /* of answers without anything, before it is said */
	TRY_MIN_S = 5,
	TRY_MAX_S = 300,
};

/* By a clock that nobody sets: the rows do not outlive the run. */
static int64_t stamp(const struct gt_node *n)
{
	return (int64_t)n->now.mono_ms + 1;
}

static void give_up_slot(struct gt_node *n, struct gt_object *o)
{
	o->filling = false;
	n->content->look = n->touched = true;
}

static int put(struct gt_node *n, struct gt_object *o, enum gt_stuck why,
               int64_t since_ms, const char *detail)
{
	give_up_slot(n, o);
	o->stuck = (uint8_t)why;
	gt_store_bind(n->store, GT_SQL_STUCK_PUT, "biiit",
	              gt_object_key(&o->id), (int64_t)why, since_ms, stamp(n),
	              detail);
	return gt_store_run(n->store, GT_SQL_STUCK_PUT);
}

/* Once more in vain: others of its kind have their turn. */
static int again(struct gt_node *n, struct gt_object *o)
{
	give_up_slot(n, o);
	gt_store_bind(n->store, GT_SQL_STUCK_TRIED, "bi", gt_object_key(&o->id),
	              stamp(n));
	return gt_store_run(n->store, GT_SQL_STUCK_TRIED);
}

int gt_stuck_load(struct gt_node *n)
{
	gt_store_bind(n->store, GT_SQL_STUCK_CLEAR, "");
	return gt_store_run(n->store, GT_SQL_STUCK_CLEAR);
}

int gt_stuck_open(struct gt_node *n, struct gt_object *o)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_STUCK_GET, "b",
	                                 gt_object_key(&o->id));
	int row = gt_store_step(n->store, GT_SQL_STUCK_GET);
	o->stuck = row == 1 ? (uint8_t)gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_STUCK_GET);
	return row < 0 ? row : 0;
}

int gt_stuck_above(struct gt_node *n, struct gt_object *o, uint64_t sent_ms)
{
	uint32_t now = (uint32_t)n->now.mono_ms;
	uint32_t since = o->lacks_ms ? o->lacks_ms : (uint32_t)sent_ms;
	o->lacks_ms = since ? since : 1;
	if (now - since < LACKS_MS)
		return 0;
	o->lacks_ms = now;
	if (o->stuck)
		return again(n, o);
	return put(n, o, GT_STUCK_ABOVE,
	           n->now.wall_ms - (int64_t)(now - since), gt_up_code(n));
}

int gt_stuck_file(struct gt_node *n, struct gt_object *o, int result,
                  struct gt_bytes why)
{
	char hex[GT_HEX_ID], detail[GT_WHY];
	unsigned wait = o->file_wait_s * 2u;
	bool news = o->stuck != GT_STUCK_FILE;
	if (n->now.mono_ms < o->file_due)
		return 0; /* of several under way, one is enough */
	wait = wait < TRY_MIN_S ? TRY_MIN_S : wait;
	o->file_wait_s = (uint16_t)(wait < TRY_MAX_S ? wait : TRY_MAX_S);
	o->file_due = n->now.mono_ms + o->file_wait_s * UINT64_C(1000);
	if (!news)
		return again(n, o);
	gt_id_hex(hex, &o->id);
	gt_format(detail, sizeof detail, "%.*s", (int)why.n,
	          why.n ? (const char *)why.p : "");
	if (!*detail)
		gt_copy(detail, sizeof detail, gt_strerror(result));
	struct gt_audit row = {.event = "damage",
	                       .kind = "object",
	                       .subject = hex,
	                       .result = result,
	                       .detail = detail};
	int status = put(n, o, GT_STUCK_FILE, n->now.wall_ms, detail);
	if (status == 0)
		status = gt_audit_row(n, &row);
	return status ? status
	              : gt_log(n, GT_LOG_ERROR,
	                       "the file of %s cannot be used: %s. Move away "
	                       "what is in its place, or give this user the "
	                       "right to it; all other content goes on, and "
	                       "this one is tried again by itself",
	                       *o->resource ? o->resource : hex, detail);
}

int gt_stuck_over(struct gt_node *n, struct gt_object *o, enum gt_stuck why)
{
	if (why == GT_STUCK_ABOVE)
		o->lacks_ms = 0;
	else
		o->file_due = o->file_wait_s = 0;
	if (o->stuck != why)
		return 0;
	o->stuck = 0;
	n->content->look = n->touched = true;
	gt_store_bind(n->store, GT_SQL_STUCK_DROP, "b", gt_object_key(&o->id));
	return gt_store_run(n->store, GT_SQL_STUCK_DROP);
}
