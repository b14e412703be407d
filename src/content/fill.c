/* fill.c: from a verified frame to a durable, checked object.
 *
 * PLACING -> PLACED -> SYNCING -> PRESENT; a placed frame may be passed on at
 * once, only a present one is remembered. When all are present, and the seek
 * table with them, the whole is checked; then it is COMPLETE.
 * Tests: u_node_object.c, u_sync.c. */
#include "content_inside.h"

#include "draw.h"

#include <stdlib.h>
#include <string.h>

enum {
	COPIES_AT_ONCE = 64,
	PROBE_MS = 5000, /* after a full disk */
	WHILE_MS = 60000,
	HOUR_MS = 3600000,
};

static int audit(struct gt_node *n, const struct gt_object *o,
                 const char *event, int result, uint64_t bytes,
                 const char *detail)
{
	char hex[GT_HEX_ID], transfer[GT_HEX_TRANSFER], by[GT_CODE_MAX + 1];
	int status = gt_transfer_by(n, o, by);
	gt_id_hex(hex, &o->id);
	gt_transfer_id_hex(transfer, &o->transfer);
	struct gt_audit row = {.event = event,
	                       .kind = "object",
	                       .subject = hex,
	                       .peer = by,
	                       .result = result,
	                       .bytes = bytes,
	                       .transfer = transfer,
	                       .detail = detail};
	return status ? status : gt_audit_row(n, &row);
}

static int set_state(struct gt_node *n, struct gt_object *o, int state)
{
	o->state = state;
	n->touched = true;
	gt_store_bind(n->store, GT_SQL_OBJECT_STATE, "bii",
	              gt_object_key(&o->id), (int64_t)state, n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_OBJECT_STATE);
}

static int save(struct gt_node *n, struct gt_object *o)
{
	size_t len = (o->m->nframes + 7) / 8;
	uint8_t *have = gt_arena_get(n->arena, len);
	if (!have)
		return -GT_ENOMEM;
	memset(have, 0, len);
	for (uint32_t i = 0; i < o->m->nframes; i++)
		if (o->frames[i] == GT_FRAME_PRESENT)
			have[i / 8] |= (uint8_t)(1u << i % 8);
	gt_store_bind(n->store, GT_SQL_OBJECT_FILL, "bibi",
	              gt_object_key(&o->id),
	              (int64_t)o->count[GT_FRAME_PRESENT],
	              gt_bytes_of(have, len), (int64_t)o->received);
	n->touched = true;
	return gt_store_run(n->store, GT_SQL_OBJECT_FILL);
}

/* A disk that stays full is looked at every few seconds, and told of once an
 * hour; one that had room for a while is told of anew. */
static bool is_news(struct gt_node *n, int result)
{
	struct gt_content *c = n->content;
	uint64_t now = n->now.mono_ms;
	if (c->told == result && now < c->told_ms + HOUR_MS &&
	    now < c->probe_due + WHILE_MS)
		return false;
	c->told = result;
	c->told_ms = now;
	return true;
}

/* why: in whose words; empty: the result's. */
static int tell_paused(struct gt_node *n, int result, struct gt_bytes why)
{
	char text[GT_WHY];
	struct gt_audit row = {.event = "note",
	                       .kind = "daemon",
	                       .subject = "bulk paused",
	                       .result = result};
	int status = gt_audit_row(n, &row);
	gt_format(text, sizeof text, "%.*s", (int)why.n,
	          why.n ? (const char *)why.p : "");
	if (why.n == 0 || result == -GT_ENOSPACE)
		gt_copy(text, sizeof text, gt_strerror(result));
	if (status != 0)
		return status;
	if (result == -GT_ENOSPACE)
		return gt_log(n, GT_LOG_WARN,
		              "content is paused: %s; records and metadata go "
		              "on. Make room, it resumes by itself",
		              text);
	return gt_log(n, GT_LOG_WARN,
	              "content is paused: %s; records and metadata go on, and "
	              "it resumes by itself. If this comes again, give the "
	              "node more memory, or more open files (LimitNOFILE=)",
	              text);
}

static int pause_bulk(struct gt_node *n, struct gt_object *o, int result,
                      struct gt_bytes why)
{
	bool news = n->content->paused || is_news(n, result);
	n->content->probe_due = n->now.mono_ms + PROBE_MS;
	if (n->content->paused)
		return 0;
	if (result == -GT_ENOSPACE)
		o->no_room = n->content->no_room = true;
	n->content->paused = true;
	n->content->paused_by = result;
	n->touched = true;
	return news ? tell_paused(n, result, why) : 0;
}

int gt_fill_refuse(struct gt_node *n, struct gt_object *o, int result,
                   const char *why)
{
	o->filling = false;
	n->content->look = true;
	int status = gt_object_remove(n, &o->id);
	if (status == 0)
		status = set_state(n, o, GT_OBJECT_REFUSED);
	if (status == 0)
		status = audit(n, o, "fetch", result, 0, why);
	if (status == 0)
		status =
		        gt_log(n, GT_LOG_ERROR, "refused the content of %s: %s",
		               o->resource, why);
	return status ? status : gt_waiter_expire(n, o, true);
}

/* ----------------------------------------------------------- PLACED */

static void placed(struct gt_node *n, struct gt_object *o, uint64_t bytes)
{
	if (o->unsynced == 0)
		o->unsynced_since = n->now.mono_ms;
	o->unsynced += bytes;
}

/* What a file could not be given, or not be asked. A disk without room, or a
 * node without memory, is so for all of them; anything else is about this one
 * alone. */
static int hindered(struct gt_node *n, struct gt_object *o, int status,
                    struct gt_bytes why)
{
	if (status == -GT_ENOSPACE || status == -GT_ENOMEM)
		return pause_bulk(n, o, status, why);
	return gt_stuck_file(n, o, status, why);
}

static int tail_placed(struct gt_node *n, struct gt_object *o, int status,
                       struct gt_bytes why)
{
	o->tail = status ? GT_FRAME_MISSING : GT_FRAME_PLACED;
	if (status != 0)
		return hindered(n, o, status, why);
	placed(n, o, 1);
	return gt_stuck_over(n, o, GT_STUCK_FILE);
}

static int frame_bad(struct gt_node *n, struct gt_object *o, uint32_t frame,
                     int status, struct gt_bytes why)
{
	bool copied = o->from && o->from[frame] != UINT32_MAX;
	gt_frame_set(o, frame, GT_FRAME_MISSING);
	if (copied)
		o->from[frame] = UINT32_MAX;
	if (status != -GT_EDAMAGED)
		return hindered(n, o, status, why);
	if (copied)
		return 0; /* our old copy is of no use: ask for it */
	o->suspect[frame] = 1;
	o->retry_ms = n->now.mono_ms + GT_SOON_MS;
	n->status.frames_damaged++;
	char detail[48];
	gt_format(detail, sizeof detail, "frame=%u", frame);
	return audit(n, o, "damage", status, o->m->stored[frame], detail);
}

int gt_fill_placed(struct gt_node *n, const struct gt_event *e)
{
	struct gt_object *o = gt_object_answered(n, e);
	if (!o)
		return 0;
	if (o->doomed || !o->m || !o->frames || o->state != GT_OBJECT_PARTIAL)
		return gt_object_job_done(n, o);
	int status = e->status ? e->status : o->lost ? -GT_ENOSPACE : 0;
	o->jobs--;
	o->lost = o->lost && o->jobs > 0;
	if (e->frame == UINT32_MAX)
		return tail_placed(n, o, status, e->body);
	if (e->frame >= o->m->nframes ||
	    o->frames[e->frame] != GT_FRAME_PLACING)
		return 0;
	if (status != 0)
		return frame_bad(n, o, e->frame, status, e->body);
	gt_frame_set(o, e->frame, GT_FRAME_PLACED);
	n->content->look = n->content->look || o->starved;
	o->starved = false;
	o->suspect[e->frame] = 0;
	if (o->from && o->from[e->frame] != UINT32_MAX)
		o->copied += o->m->stored[e->frame];
	placed(n, o, o->m->stored[e->frame]);
	gt_waiter_news(n, o);
	return gt_stuck_over(n, o, GT_STUCK_FILE);
}

/* ------------------------------------------------- files that went */

/* What is in memory of an object of which nothing is on disk any more. A frame
 * that is on its way there stays so; what became of it the check will tell. */
static int empty(struct gt_node *n, struct gt_object *o)
{
	int status =
	        o->state == GT_OBJECT_COMPLETE ? gt_transfer_rename(n, o) : 0;
	for (uint32_t i = 0; i < o->m->nframes; i++)
		if (o->frames[i] >= GT_FRAME_PLACED)
			gt_frame_set(o, i, GT_FRAME_MISSING);
	if (o->tail >= GT_FRAME_PLACED)
		o->tail = GT_FRAME_MISSING;
	o->state = GT_OBJECT_PARTIAL;
	o->unsynced = 0;
	return status;
}

int gt_fill_forget(struct gt_node *n, const struct gt_id *id, const char *why,
                   bool *counted)
{
	struct gt_object *o = gt_object_find(n, id);
	char hex[GT_HEX_ID];
	struct gt_audit row = {.event = "damage",
	                       .kind = "object",
	                       .subject = hex,
	                       .result = -GT_EDAMAGED,
	                       .detail = why};
	int status = o && o->m && !o->doomed ? empty(n, o) : 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_GONE, "b",
	                                 gt_object_key(id));
	int step =
	        status ? status : gt_store_step(n->store, GT_SQL_OBJECT_GONE);
	if (step == 1)
		row.bytes = (uint64_t)gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_OBJECT_GONE);
	*counted = step == 1;
	if (step != 1)
		return step;
	n->content->look = n->touched = true;
	n->status.objects_lost++;
	gt_id_hex(hex, id);
	return gt_audit_row(n, &row);
}

static int tell_gone(struct gt_node *n, const char *why, uint32_t lost,
                     uint32_t own)
{
	int status = lost == own
	                     ? 0
	                     : gt_log(n, GT_LOG_WARN,
	                              "%u object files: %s; they are fetched "
	                              "again",
	                              lost - own, why);
	if (status != 0 || own == 0)
		return status;
	return gt_log(n, GT_LOG_ERROR,
	              "%u object files of what was published here: %s; publish "
	              "it again, or put the files back and start the daemon "
	              "anew; `guantong -C DIR ls --state damaged` names them",
	              own, why);
}

int gt_fill_gone(struct gt_node *n, const struct gt_event *e)
{
	uint32_t lost = 0, own = 0;
	const char *why = e->detail ? e->detail : "";
	struct gt_id id;
	bool counted;
	for (size_t at = 0; at + GT_ID_BYTES <= e->body.n; at += GT_ID_BYTES) {
		memcpy(id.b, e->body.p + at, GT_ID_BYTES);
		int status = gt_fill_forget(n, &id, why, &counted);
		int ours = status == 0 && counted ? gt_object_own(n, &id) : 0;
		if (status != 0 || ours < 0)
			return status ? status : ours;
		lost += counted;
		own += ours == 1;
	}
	return lost ? tell_gone(n, why, lost, own) : 0;
}

/* --------------------------------------------------- SYNC and CHECK */

static int start_sync(struct gt_node *n, struct gt_object *o)
{
	struct gt_action *a = gt_object_act(n, o, GT_ACT_SYNC);
	if (!a)
		return -GT_ENOMEM;
	for (uint32_t i = 0; i < o->m->nframes; i++)
		if (o->frames[i] == GT_FRAME_PLACED)
			gt_frame_set(o, i, GT_FRAME_SYNCING);
	if (o->tail == GT_FRAME_PLACED)
		o->tail = GT_FRAME_SYNCING;
	o->syncing = true;
	o->unsynced = 0;
	return 0;
}

static int start_check(struct gt_node *n, struct gt_object *o)
{
	struct gt_bytes manifest;
	int status = gt_object_bytes(n, o, &manifest);
	if (status == -GT_EDAMAGED)
		return gt_object_unread(n, o, gt_not_its_own);
	struct gt_action *a = status ? NULL : gt_object_act(n, o, GT_ACT_CHECK);
	if (!a)
		return status ? status : -GT_ENOMEM;
	a->payload = manifest;
	return set_state(n, o, GT_OBJECT_CHECKING);
}

static int start_tail(struct gt_node *n, struct gt_object *o)
{
	struct gt_action *a = gt_object_act(n, o, GT_ACT_TAIL);
	uint64_t at = o->m->stored_at[o->m->nframes];
	size_t len = (size_t)(o->m->file_size - at);
	uint8_t *tail = gt_arena_get(n->arena, len);
	if (!a || !tail)
		return -GT_ENOMEM;
	gt_manifest_tail(o->m, tail);
	a->frame = UINT32_MAX;
	a->offset = at;
	a->total = o->m->file_size;
	a->n = len;
	a->payload = gt_bytes_of(tail, len);
	o->tail = GT_FRAME_PLACING;
	return 0;
}

/* A disk may take bytes and find no room for them only when they are synced:
 * then all that no sync before has promised is fetched again. */
static int sync_full(struct gt_node *n, struct gt_object *o)
{
	for (uint32_t i = 0; i < o->m->nframes; i++)
		if (o->frames[i] == GT_FRAME_PLACED ||
		    o->frames[i] == GT_FRAME_SYNCING)
			gt_frame_set(o, i, GT_FRAME_MISSING);
	if (o->tail == GT_FRAME_PLACED || o->tail == GT_FRAME_SYNCING)
		o->tail = GT_FRAME_MISSING;
	o->unsynced = 0;
	o->lost = o->jobs > 0;
	return pause_bulk(n, o, -GT_ENOSPACE, (struct gt_bytes){0});
}

/* There was no descriptor to ask by: what is there is, and is asked again. */
static int sync_later(struct gt_node *n, struct gt_object *o,
                      struct gt_bytes why)
{
	for (uint32_t i = 0; i < o->m->nframes; i++)
		if (o->frames[i] == GT_FRAME_SYNCING)
			gt_frame_set(o, i, GT_FRAME_PLACED);
	if (o->tail == GT_FRAME_SYNCING)
		o->tail = GT_FRAME_PLACED;
	placed(n, o, 1);
	return pause_bulk(n, o, -GT_ENOMEM, why);
}

int gt_fill_synced(struct gt_node *n, const struct gt_event *e)
{
	struct gt_object *o = gt_object_answered(n, e);
	if (!o)
		return 0;
	if (e->status != 0 && e->status != -GT_ENOSPACE &&
	    e->status != -GT_ENOMEM && e->status != -GT_EUNKNOWN) {
		/* After a failed fsync nobody knows what is on disk: stop, come
		 * back, and trust only what an earlier sync promised. */
		gt_copy(n->why, sizeof n->why,
		        "the disk failed to sync an object file");
		return e->status;
	}
	o->syncing = false;
	if (o->doomed || !o->m || o->state != GT_OBJECT_PARTIAL)
		return gt_object_job_done(n, o);
	o->jobs--;
	if (e->status == -GT_EUNKNOWN)
		return gt_fill_forget(n, &o->id, "the file is gone",
		                      &(bool){false});
	if (e->status == -GT_ENOMEM)
		return sync_later(n, o, e->body);
	if (e->status != 0)
		return sync_full(n, o);
	for (uint32_t i = 0; i < o->m->nframes; i++)
		if (o->frames[i] == GT_FRAME_SYNCING)
			gt_frame_set(o, i, GT_FRAME_PRESENT);
	if (o->tail == GT_FRAME_SYNCING)
		o->tail = GT_FRAME_PRESENT;
	return save(n, o);
}

static int complete(struct gt_node *n, struct gt_object *o)
{
	bool damaged;
	int status = gt_object_damaged(n, &o->id, &damaged);
	if (status == 0 && damaged)
		status = audit(n, o, "repair", 0, o->m->file_size, "");
	if (status == 0)
		status = set_state(n, o, GT_OBJECT_COMPLETE);
	if (status == 0)
		status = gt_transfer_finish(n, o);
	if (status == 0)
		status = gt_stuck_over(n, o, GT_STUCK_FILE);
	if (status == 0)
		status = gt_log(n, GT_LOG_INFO, "%s is complete", o->resource);
	o->filling = false;
	o->prior = (struct gt_id){0};
	free(o->from);
	o->from = NULL;
	o->received = o->copied = 0;
	n->content->look = true;
	return status ? status : gt_object_drop_priors(n, &o->id);
}

/* Frames on disk are not what they were: all are asked for again. */
static int start_over(struct gt_node *n, struct gt_object *o, const char *why)
{
	for (uint32_t i = 0; i < o->m->nframes; i++)
		gt_frame_set(o, i, GT_FRAME_MISSING);
	o->tail = GT_FRAME_MISSING;
	n->status.frames_damaged++;
	int status = set_state(n, o, GT_OBJECT_PARTIAL);
	if (status == 0)
		status = save(n, o);
	return status ? status : audit(n, o, "damage", -GT_EDAMAGED, 0, why);
}

int gt_fill_checked(struct gt_node *n, const struct gt_event *e)
{
	struct gt_object *o = gt_object_answered(n, e);
	char why[GT_WHY];
	if (!o)
		return 0;
	if (o->doomed || !o->m || o->state != GT_OBJECT_CHECKING)
		return gt_object_job_done(n, o);
	o->jobs--;
	gt_format(why, sizeof why, "%.*s", (int)e->body.n,
	          (const char *)e->body.p);
	switch (e->status) {
	case 0:
		return complete(n, o);
	case -GT_EDAMAGED:
		return start_over(n, o, why);
	case -GT_EIO:
	case -GT_ENOMEM: {
		int status = set_state(n, o, GT_OBJECT_PARTIAL);
		return status ? status : hindered(n, o, e->status, e->body);
	}
	default:
		return gt_fill_refuse(n, o, e->status, why);
	}
}

int gt_fill_lost(struct gt_node *n, struct gt_object *o, uint32_t frame)
{
	char hex[GT_HEX_ID], detail[48];
	if (!o->frames || frame >= o->m->nframes ||
	    o->frames[frame] != GT_FRAME_PRESENT)
		return 0;
	gt_id_hex(hex, &o->id);
	gt_format(detail, sizeof detail, "frame=%u", frame);
	bool whole = o->state == GT_OBJECT_COMPLETE;
	int status = whole ? gt_transfer_rename(n, o) : 0;
	if (status == 0 && whole)
		status = gt_object_tell(n, o);
	gt_frame_set(o, frame, GT_FRAME_MISSING);
	o->tail = GT_FRAME_MISSING;
	n->content->look = true;
	n->status.frames_damaged++;
	if (status == 0)
		status = set_state(n, o, GT_OBJECT_PARTIAL);
	if (status == 0)
		status = save(n, o);
	struct gt_audit row = {.event = "damage",
	                       .kind = "object",
	                       .subject = hex,
	                       .result = -GT_EDAMAGED,
	                       .bytes = o->m->stored[frame],
	                       .detail = detail};
	return status ? status : gt_audit_row(n, &row);
}

/* ----------------------------------------------------------- copies */

struct named {
	const uint8_t *id;
	uint32_t frame;
};

static int by_id(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = memcmp(x->id, y->id, GT_ID_BYTES);
	return c ? c : (x->frame > y->frame) - (x->frame < y->frame);
}

/* Which frames of the object before have the same bytes. */
static int match_prior(struct gt_object *o, const struct gt_object *old)
{
	uint32_t count = old->m->nframes;
	struct named *names = malloc((count + 1) * sizeof *names);
	o->from = malloc((o->m->nframes + 1) * sizeof *o->from);
	if (!names || !o->from) {
		free(names);
		return -GT_ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		names[i] = (struct named){old->m->ids + (size_t)i * GT_ID_BYTES,
		                          i};
	qsort(names, count, sizeof *names, by_id);
	for (uint32_t i = 0; i < o->m->nframes; i++) {
		const uint8_t *id = o->m->ids + (size_t)i * GT_ID_BYTES;
		uint32_t lo = 0, hi = count;
		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;
			if (memcmp(names[mid].id, id, GT_ID_BYTES) < 0)
				lo = mid + 1;
			else
				hi = mid;
		}
		bool same = lo < count &&
		            memcmp(names[lo].id, id, GT_ID_BYTES) == 0;
		o->from[i] = same ? names[lo].frame : UINT32_MAX;
	}
	free(names);
	return 0;
}

static int start_copies(struct gt_node *n, struct gt_object *o)
{
	struct gt_object *old;
	if (gt_id_is_zero(&o->prior) || o->jobs >= COPIES_AT_ONCE)
		return 0;
	int status = gt_object_open(n, &o->prior, &old);
	if (status != 0)
		return status;
	if (!old || old->state != GT_OBJECT_COMPLETE) {
		/* Nothing to copy from any more: all is asked for. */
		o->prior = (struct gt_id){0};
		free(o->from);
		o->from = NULL;
		return 0;
	}
	if (!o->from)
		status = match_prior(o, old);
	for (uint32_t i = o->scan;
	     status == 0 && i < o->m->nframes && o->jobs < COPIES_AT_ONCE;
	     i++) {
		uint32_t from = o->from[i];
		if (from == UINT32_MAX || o->frames[i] != GT_FRAME_MISSING)
			continue;
		struct gt_action *a = gt_object_act(n, o, GT_ACT_COPY);
		if (!a)
			return -GT_ENOMEM;
		a->frame = i;
		a->from = old->id;
		a->from_offset = old->m->stored_at[from];
		a->offset = o->m->stored_at[i];
		a->total = o->m->file_size;
		a->n = o->m->stored[i];
		a->id = gt_frame_id(o, i);
		gt_frame_set(o, i, GT_FRAME_PLACING);
	}
	return status;
}

/* --------------------------------------------------------- progress */

int gt_fill_go(struct gt_node *n, struct gt_object *o)
{
	int status = 0;
	if (!o->m || !o->frames || o->state != GT_OBJECT_PARTIAL ||
	    n->content->paused || o->lost || n->now.mono_ms < o->file_due)
		return 0;
	if (o->count[GT_FRAME_MISSING] > 0)
		status = start_copies(n, o);
	uint32_t in_file = o->count[GT_FRAME_PLACED] +
	                   o->count[GT_FRAME_SYNCING] +
	                   o->count[GT_FRAME_PRESENT];
	bool all = in_file == o->m->nframes;
	if (status == 0 && all && o->tail == GT_FRAME_MISSING)
		status = start_tail(n, o);
	bool due = o->unsynced >= GT_SYNC_BYTES ||
	           (all && o->tail == GT_FRAME_PLACED) ||
	           n->now.mono_ms >= o->unsynced_since + GT_SYNC_MS;
	if (status == 0 && o->unsynced > 0 && !o->syncing && due)
		status = start_sync(n, o);
	if (status == 0 && o->count[GT_FRAME_PRESENT] == o->m->nframes &&
	    o->tail == GT_FRAME_PRESENT)
		status = start_check(n, o);
	return status;
}
