/* fetch.c: asking the parent for manifests and frames.
 *
 * Many requests are outstanding, in a window counted in bytes. The window
 * grows while answers come back promptly and shrinks when they queue (delay
 * based, after LEDBAT, RFC 6817, target 100 ms). Where the least window would
 * take over a second, next to nothing is asked for ahead: there a change or a
 * record's acknowledgement waits behind what has been asked for. */
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "turn.h"

enum {
	ASKED_EXTRA = 4, /* transfers for what people wait for */
	QUEUE_TARGET_MS = 100,
	RETRY_MAX_MS = 60000,
	DENIED_RETRY_MS = 10000,
	THIN_WINDOW = 64 << 10, /* one large frame, or many small ones */
	THIN_MS = 1000,
	RATE_BYTES = 1 << 20 /* what the link's rate is reckoned from */
};

static bool linked(const struct gt_node *n)
{
	return n->up && n->up->session == GT_S_READY && !n->reconciling;
}

/* -------------------------------------------------------- transfers */

static uint32_t filling(const struct gt_node *n)
{
	uint32_t count = 0;
	for (size_t i = 0; i < GT_OBJECTS_OPEN; i++)
		count += n->objects[i].used && n->objects[i].filling;
	return count;
}

/* Gives transfer slots to the objects wanted most. */
static int choose(struct gt_node *n)
{
	enum { CHOICES = 2 * GT_TRANSFERS_MAX };
	struct gt_id ids[CHOICES];
	uint32_t limit[CHOICES];
	size_t count = 0;
	int row, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECTS_WANTED, "i",
	                                 (int64_t)CHOICES);
	while (count < CHOICES &&
	       (row = gt_store_step(n->store, GT_SQL_OBJECTS_WANTED)) != 0) {
		if (row < 0)
			return row;
		gt_col_fixed(st, 0, ids[count].b, GT_ID_BYTES);
		limit[count++] = n->config.transfers +
		                 (gt_col_int(st, 1) ? ASKED_EXTRA : 0);
	}
	gt_store_reset(n->store, GT_SQL_OBJECTS_WANTED);
	n->wanted_dirty = false;
	for (size_t i = 0; status == 0 && i < count; i++) {
		if (filling(n) >= limit[i])
			continue;
		struct gt_object *o;
		status = gt_object_open(n, &ids[i], &o);
		if (o && o->state != GT_OBJECT_COMPLETE) {
			n->touched = n->touched || !o->filling;
			o->filling = true;
		}
	}
	return status;
}

/* --------------------------------------------------------- requests */

static int ask_manifest(struct gt_node *n, struct gt_object *o)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetManifest m = GT__GET_MANIFEST__INIT;
	struct gt_asking a = {
	        .what = GT_ASKED_MANIFEST, .object = o->id, .upto = o->nbytes};
	bool full;
	m.object = (ProtobufCBinaryData){GT_ID_BYTES, o->id.b};
	m.offset = o->nbytes;
	m.transfer = (ProtobufCBinaryData){sizeof o->transfer, o->transfer};
	r.body_case = GT__REQUEST__BODY_MANIFEST;
	r.manifest = &m;
	int status = gt_ask(n, &r, &a, &full);
	o->asked_manifest = status == 0 && !full;
	return status;
}

static int ask_frame(struct gt_node *n, struct gt_object *o, uint32_t frame,
                     bool *full)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetFrame m = GT__GET_FRAME__INIT;
	struct gt_asking a = {.what = GT_ASKED_FRAME,
	                      .object = o->id,
	                      .frame = frame,
	                      .bytes = o->m->stored[frame]};
	m.object = (ProtobufCBinaryData){GT_ID_BYTES, o->id.b};
	m.frame = frame;
	m.transfer = (ProtobufCBinaryData){sizeof o->transfer, o->transfer};
	m.suspect = o->suspect[frame] != 0;
	r.body_case = GT__REQUEST__BODY_FRAME;
	r.frame = &m;
	int status = gt_ask(n, &r, &a, full);
	if (status != 0 || *full)
		return status;
	gt_frame_set(o, frame, GT_FRAME_ASKED);
	n->inflight += a.bytes;
	return 0;
}

static bool room(const struct gt_node *n)
{
	/* Slots are kept free for records, changes and the like. */
	return n->inflight < n->window &&
	       n->asking_count < GT_REQUESTS_MAX - 64;
}

/* Missing, and not about to be copied from the version before. */
static bool to_ask(const struct gt_object *o, uint32_t frame)
{
	return o->frames[frame] == GT_FRAME_MISSING &&
	       (!o->from || o->from[frame] == UINT32_MAX);
}

/* Frames somebody below waits for come first, the rest in file order. */
static int ask_frames(struct gt_node *n, struct gt_object *o)
{
	bool full = false;
	int status = 0;
	for (struct gt_waiter *w = o->waiters;
	     status == 0 && w && room(n) && !full; w = w->next)
		if (w->frame < o->m->nframes && to_ask(o, w->frame))
			status = ask_frame(n, o, w->frame, &full);
	if (!o->filling)
		return status;
	uint32_t i = o->scan;
	for (; status == 0 && i < o->m->nframes && room(n) && !full; i++) {
		if (to_ask(o, i))
			status = ask_frame(n, o, i, &full);
		if (!full && i == o->scan && o->frames[i] != GT_FRAME_MISSING)
			o->scan++;
	}
	return status;
}

static int ask_for(struct gt_node *n, struct gt_object *o)
{
	if (n->now.mono_ms < o->retry_ms || n->paused || o->lost)
		return 0;
	if (!o->m)
		return o->asked_manifest ? 0 : ask_manifest(n, o);
	if (!o->frames || o->count[GT_FRAME_MISSING] == 0)
		return 0;
	return ask_frames(n, o);
}

/* Waited for before wanted, then by priority; ties by slot. */
static bool before(const struct gt_object *a, const struct gt_object *b)
{
	if (!a->waiters != !b->waiters)
		return a->waiters != NULL;
	return a->priority > b->priority;
}

int gt_fetch_go(struct gt_node *n)
{
	struct gt_object *order[GT_OBJECTS_OPEN];
	size_t count = 0;
	int status = n->wanted_dirty ? choose(n) : 0;
	for (size_t i = 0; i < GT_OBJECTS_OPEN; i++) {
		struct gt_object *o = &n->objects[i];
		if (!o->used || o->doomed || (!o->filling && !o->waiters) ||
		    (o->state != GT_OBJECT_WANTED &&
		     o->state != GT_OBJECT_PARTIAL))
			continue;
		size_t at = count++;
		for (; at > 0 && before(o, order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = o;
	}
	for (size_t i = 0; status == 0 && i < count; i++)
		status = gt_fill_go(n, order[i]);
	for (size_t i = 0; status == 0 && linked(n) && i < count; i++)
		status = ask_for(n, order[i]);
	return status;
}

void gt_fetch_reset(struct gt_node *n)
{
	n->inflight = 0;
	n->window = THIN_WINDOW;
	n->rtt_min = 0;
	n->busy_ms = n->busy_bytes = 0;
	for (size_t i = 0; i < GT_OBJECTS_OPEN; i++) {
		struct gt_object *o = &n->objects[i];
		if (!o->used)
			continue;
		o->asked_manifest = false;
		o->retry_ms = 0;
		if (!o->m)
			o->nbytes = 0;
		if (!o->m || !o->frames || o->count[GT_FRAME_ASKED] == 0)
			continue;
		for (uint32_t f = 0; f < o->m->nframes; f++)
			if (o->frames[f] == GT_FRAME_ASKED)
				gt_frame_set(o, f, GT_FRAME_MISSING);
	}
}

/* ---------------------------------------------------------- answers */

/* How long the link was busy with this frame: since the one before it, or since
 * it was asked for less the way there and back. */
static void measure(struct gt_node *n, const struct gt_asking *a)
{
	uint64_t start = a->sent_ms + n->base_ms;
	if (start < n->answered_ms)
		start = n->answered_ms;
	if (start < n->now.mono_ms)
		n->busy_ms += n->now.mono_ms - start;
	n->busy_bytes += a->bytes;
	n->answered_ms = n->now.mono_ms;
	if (n->busy_bytes >= RATE_BYTES) { /* what is long ago counts little */
		n->busy_bytes /= 2;
		n->busy_ms /= 2;
	}
}

/* The window for a link on which the least window takes too long; 0: it is none
 * of these. Four times what is on the way at once keeps it from idling. */
static uint64_t thin_window(const struct gt_node *n)
{
	uint64_t least = n->config.window_min;
	if (n->busy_bytes >= THIN_WINDOW &&
	    n->busy_ms * least < n->busy_bytes * THIN_MS)
		return 0;
	uint64_t rate_ms = n->busy_ms ? n->busy_ms : 1;
	uint64_t window = 4 * n->base_ms * n->busy_bytes / rate_ms;
	if (window > least)
		window = least;
	return window > THIN_WINDOW ? window : THIN_WINDOW;
}

static void adapt(struct gt_node *n, const struct gt_asking *a)
{
	uint64_t rtt = n->now.mono_ms - a->sent_ms;
	n->inflight -= a->bytes;
	measure(n, a);
	if (n->rtt_min == 0 || rtt + 1 < n->rtt_min)
		n->rtt_min = rtt + 1; /* 0 means not measured */
	uint64_t queued = rtt + 1 - n->rtt_min;
	uint64_t thin = thin_window(n);
	if (thin) { /* shrinks as what is outstanding comes in */
		bool above = n->window > thin + a->bytes;
		n->window = above ? n->window - a->bytes : thin;
		return;
	}
	if (queued < QUEUE_TARGET_MS)
		n->window += a->bytes;
	else
		n->window -= a->bytes / 8;
	if (n->window > n->config.window_max)
		n->window = n->config.window_max;
	if (n->window < n->config.window_min)
		n->window = n->config.window_min;
}

static int damaged_manifest(struct gt_node *n, struct gt_object *o,
                            const char *why)
{
	char hex[65];
	gt_hex(hex, o->id.b, GT_ID_BYTES);
	o->nbytes = 0;
	o->retry_ms = n->now.mono_ms + GT_SOON_MS;
	struct gt_audit row = {.event = "damage",
	                       .kind = "object",
	                       .subject = hex,
	                       .peer = n->parent,
	                       .result = -GT_EDAMAGED,
	                       .detail = why};
	return gt_audit_row(n, &row);
}

/* What a signed entry promised of the object must be what the manifest holds.
 * One entry's lie does not take the object from another that is honest. */
static int check_promise(struct gt_node *n, struct gt_object *o, bool *kept)
{
	const struct gt_manifest *m = o->m;
	bool any = false;
	int row = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_ENTRIES, "b",
	                                 gt_bytes_of(o->id.b, GT_ID_BYTES));
	*kept = false;
	while (!*kept &&
	       (row = gt_store_step(n->store, GT_SQL_OBJECT_ENTRIES)) == 1) {
		const Gt__Entry *e = gt_item_entry(n, gt_col_bytes(st, 0));
		any = true;
		*kept = e && e->plain_size == m->plain_at[m->nframes] &&
		        e->stored_size == m->file_size &&
		        e->members == m->nfiles;
	}
	gt_store_reset(n->store, GT_SQL_OBJECT_ENTRIES);
	*kept = *kept || !any;
	return row < 0 ? row : 0;
}

static int manifest_whole(struct gt_node *n, struct gt_object *o)
{
	char why[GT_WHY];
	bool kept = true;
	int bad = gt_object_manifest(o, why);
	if (bad == -GT_ENOMEM)
		return bad;
	if (bad == -GT_EDAMAGED)
		return damaged_manifest(n, o, why);
	if (bad != 0)
		return gt_fill_refuse(n, o, bad, why);
	int status = check_promise(n, o, &kept);
	if (status == 0 && !kept)
		return gt_fill_refuse(n, o, -GT_EINVALID,
		                      "its sizes are not those the publisher "
		                      "signed");
	o->state = GT_OBJECT_PARTIAL;
	n->touched = true;
	gt_store_bind(n->store, GT_SQL_OBJECT_MANIFEST, "bbiioi",
	              gt_bytes_of(o->id.b, GT_ID_BYTES),
	              gt_bytes_of(o->bytes, o->nbytes),
	              (int64_t)o->m->file_size, (int64_t)o->m->nframes,
	              (struct gt_bytes){0}, (int64_t)o->received);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_OBJECT_MANIFEST);
	return status ? status : gt_serve_waiters(n, o, GT_WAIT_MANIFEST);
}

int gt_fetch_manifest(struct gt_node *n, const struct gt_asking *a,
                      const Gt__ManifestPiece *m, struct gt_bytes payload)
{
	struct gt_object *o = gt_object_find(n, &a->object);
	if (!o || o->doomed || o->m || o->state != GT_OBJECT_WANTED)
		return 0;
	o->asked_manifest = false;
	if (m->offset != o->nbytes || m->size > GT_MANIFEST_MAX ||
	    m->size < o->nbytes || payload.n == 0 ||
	    payload.n > m->size - o->nbytes)
		return damaged_manifest(n, o, "a piece that does not fit");
	if (o->cap < m->size) {
		uint8_t *p = realloc(o->bytes, m->size);
		if (!p)
			return -GT_ENOMEM;
		o->bytes = p;
		o->cap = m->size;
	}
	memcpy(o->bytes + o->nbytes, payload.p, payload.n);
	o->nbytes += payload.n;
	o->received += payload.n;
	return o->nbytes < m->size ? 0 : manifest_whole(n, o);
}

int gt_fetch_frame(struct gt_node *n, const struct gt_asking *a,
                   const struct gt_event *e)
{
	struct gt_object *o = gt_object_find(n, &a->object);
	adapt(n, a);
	n->status.frames_in++;
	if (!o || o->doomed || !o->frames || a->frame >= o->m->nframes ||
	    o->frames[a->frame] != GT_FRAME_ASKED)
		return 0;
	if (e->payload.n != o->m->stored[a->frame] || !e->bulk)
		return gt_drop(n, n->up, "a frame of the wrong size");
	struct gt_action *p = gt_act(n, GT_ACT_PLACE);
	if (!p)
		return -GT_ENOMEM;
	p->object = o->id;
	p->frame = a->frame;
	memcpy(p->id.b, o->m->ids + (size_t)a->frame * GT_ID_BYTES,
	       GT_ID_BYTES);
	p->offset = o->m->stored_at[a->frame];
	p->total = o->m->file_size;
	p->n = e->payload.n;
	p->payload = e->payload;
	p->bulk = e->bulk;
	gt_frame_set(o, a->frame, GT_FRAME_PLACING);
	o->jobs++;
	o->received += e->payload.n;
	n->touched = true;
	return 0;
}

int gt_fetch_refused(struct gt_node *n, const struct gt_asking *a,
                     const Gt__Error *m)
{
	struct gt_object *o = gt_object_find(n, &a->object);
	uint64_t wait = m->code == GT_EDENIED ? DENIED_RETRY_MS : m->retry_ms;
	if (a->what == GT_ASKED_FRAME)
		n->inflight -= a->bytes;
	if (!o)
		return 0;
	if (wait < 100)
		wait = 100;
	o->retry_ms =
	        n->now.mono_ms + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	if (a->what == GT_ASKED_MANIFEST)
		o->asked_manifest = false;
	else if (o->frames && a->frame < o->m->nframes &&
	         o->frames[a->frame] == GT_FRAME_ASKED)
		gt_frame_set(o, a->frame, GT_FRAME_MISSING);
	return 0;
}

int gt_fetch_lost(struct gt_node *n, struct gt_object *o, uint32_t frame)
{
	char hex[65], detail[48];
	if (!o->frames || frame >= o->m->nframes ||
	    o->frames[frame] != GT_FRAME_PRESENT)
		return 0;
	gt_hex(hex, o->id.b, GT_ID_BYTES);
	gt_format(detail, sizeof detail, "frame=%u", frame);
	int status =
	        o->state == GT_OBJECT_COMPLETE ? gt_transfer_rename(n, o) : 0;
	gt_frame_set(o, frame, GT_FRAME_MISSING);
	o->state = GT_OBJECT_PARTIAL;
	o->tail = GT_FRAME_MISSING;
	n->wanted_dirty = n->touched = true;
	n->status.frames_damaged++;
	gt_store_bind(n->store, GT_SQL_OBJECT_STATE, "bii",
	              gt_bytes_of(o->id.b, GT_ID_BYTES),
	              (int64_t)GT_OBJECT_PARTIAL, (int64_t)0);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_OBJECT_STATE);
	if (status == 0)
		status = gt_fill_save(n, o);
	struct gt_audit row = {.event = "damage",
	                       .kind = "object",
	                       .subject = hex,
	                       .result = -GT_EDAMAGED,
	                       .bytes = o->m->stored[frame],
	                       .detail = detail};
	return status ? status : gt_audit_row(n, &row);
}

/* ------------------------------------------------------------- time */

int gt_fetch_time(struct gt_node *n)
{
	int status = 0;
	if (n->paused && n->now.mono_ms >= n->probe_due) {
		n->paused = false;
		n->touched = true;
	}
	for (size_t i = 0; status == 0 && i < GT_OBJECTS_OPEN; i++)
		if (n->objects[i].used &&
		    n->now.mono_ms >= n->objects[i].expiry)
			status = gt_serve_expire(n, &n->objects[i], false);
	return status;
}

static uint64_t object_deadline(const struct gt_node *n,
                                const struct gt_object *o)
{
	uint64_t at = o->waiters ? o->expiry : UINT64_MAX;
	bool active = (o->filling || o->waiters) && !n->paused && !o->doomed;
	if (active && o->unsynced > 0 && !o->syncing)
		at = gt_sooner(at, o->unsynced_since + GT_SYNC_MS);
	if (active && linked(n) && o->retry_ms > n->now.mono_ms)
		at = gt_sooner(at, o->retry_ms);
	return at;
}

uint64_t gt_fetch_deadline(const struct gt_node *n)
{
	uint64_t at = n->paused ? n->probe_due : UINT64_MAX;
	for (size_t i = 0; i < GT_OBJECTS_OPEN; i++)
		if (n->objects[i].used)
			at = gt_sooner(at, object_deadline(n, &n->objects[i]));
	return at;
}

/* -------------------------------------------------- asked by people */

static int reply_state(struct gt_node *n, const struct gt_event *e,
                       const struct gt_item *item)
{
	static const char *const names[] = {"listed",   "wanted",   "partial",
	                                    "checking", "complete", "refused"};
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_OBJECT_BY_ID, "b",
	                      gt_bytes_of(item->object.b, GT_ID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_BY_ID);
	int64_t state = row == 1 ? gt_col_int(st, 1) : 0;
	int64_t frames = row == 1 ? gt_col_int(st, 4) : 0;
	int64_t present = row == 1 ? gt_col_int(st, 5) : 0;
	gt_store_reset(n->store, GT_SQL_OBJECT_BY_ID);
	if (row < 0)
		return row;
	return gt_reply(n, e->token, 0,
	                "{\"id\":\"%s\",\"state\":\"%s\",\"present\":%lld,"
	                "\"frames\":%lld}",
	                item->id, item->has_object ? names[state] : "complete",
	                (long long)present, (long long)frames);
}

int gt_fetch_want(struct gt_node *n, const struct gt_event *e)
{
	struct gt_item item;
	bool found;
	int status = gt_item_get(n, GT__KIND__RESOURCE, e->text, &item, &found);
	if (status != 0)
		return status;
	if (!found || item.verdict == GT_DENY)
		return gt_reply(n, e->token, -GT_EUNKNOWN,
		                "%s is not known here", e->text);
	if (item.state == GT__STATE__WITHDRAWN)
		return gt_reply(n, e->token, -GT_EUNAVAILABLE,
		                "%s has been withdrawn by its publisher",
		                e->text);
	if (item.verdict < GT_ON_DEMAND)
		return gt_reply(n, e->token, -GT_EDENIED,
		                "policy lists %s here but does not let it be "
		                "fetched (rule %s of %s)",
		                e->text, item.rule, item.layer);
	if (item.has_object && !item.asked && item.verdict == GT_ON_DEMAND) {
		gt_store_bind(n->store, GT_SQL_ITEM_ASK, "ii", item.rid,
		              (int64_t)1);
		status = gt_store_run(n->store, GT_SQL_ITEM_ASK);
		struct gt_audit row = {.actor = e->actor,
		                       .event = "want",
		                       .kind = "resource",
		                       .subject = item.id,
		                       .version = item.version,
		                       .verdict = "on-demand",
		                       .rule = item.rule,
		                       .layer = item.layer};
		if (status == 0)
			status = gt_audit_row(n, &row);
	}
	if (status == 0 && item.has_object)
		status = gt_object_want(n, &item.object);
	return status ? status : reply_state(n, e, &item);
}

void gt_transfer_status(const struct gt_node *n, struct gt_node_status *out)
{
	out->ntransfers = 0;
	for (size_t i = 0; i < GT_OBJECTS_OPEN; i++) {
		const struct gt_object *o = &n->objects[i];
		if (!o->used || !o->filling ||
		    out->ntransfers == GT_TRANSFERS_MAX)
			continue;
		struct gt_transfer_status *t =
		        &out->transfers[out->ntransfers++];
		*t = (struct gt_transfer_status){.object = o->id};
		gt_copy(t->resource, sizeof t->resource, o->resource);
		if (!o->m)
			continue;
		t->frames = o->m->nframes;
		t->total = o->m->file_size;
		t->present = o->count[GT_FRAME_PLACED] +
		             o->count[GT_FRAME_SYNCING] +
		             o->count[GT_FRAME_PRESENT];
		t->bytes = t->total * t->present / t->frames;
	}
}
