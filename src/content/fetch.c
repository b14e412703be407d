/* fetch.c: asking the parent for manifests and frames. Many requests are
 * outstanding, in a window counted in bytes (window.h).
 * Tests: u_node_object.c, u_node_transfer.c, u_node_lies.c. */
#include "content_inside.h"

#include "signed.h"

#include <stdlib.h>
#include <string.h>

enum {
	ASKED_AT_ONCE = 4, /* transfers for what people wait for */
	RETRY_MIN_MS = 100,
	RETRY_MAX_MS = 60000,
	DENIED_RETRY_MS = 10000,
};

/* -------------------------------------------------------- transfers */

static uint32_t filling(const struct gt_node *n, bool demand, bool stuck)
{
	uint32_t count = 0;
	GT_EACH_OBJECT(o, n->content)
		count += o->filling && o->demand == demand &&
		         (o->stuck != 0) == stuck;
	return count;
}

/* Gives transfer slots to the objects wanted most, of those that must be here or
 * of those that were asked for: each kind has slots of its own, so neither keeps
 * the other waiting; nor does what does not come, which has as many again. */
static int choose_of(struct gt_node *n, bool demand)
{
	struct gt_id ids[GT_TRANSFERS_MAX];
	bool stuck[GT_TRANSFERS_MAX];
	enum gt_sql which =
	        demand ? GT_SQL_OBJECTS_ASKED : GT_SQL_OBJECTS_WANTED;
	uint32_t limit = demand ? ASKED_AT_ONCE : n->config.transfers;
	size_t count = 0;
	int row, status = 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, which, "i", (int64_t)GT_TRANSFERS_MAX);
	while (count < GT_TRANSFERS_MAX &&
	       (row = gt_store_step(n->store, which)) != 0) {
		if (row < 0)
			return row;
		stuck[count] = gt_col_int(st, 1) > 0;
		gt_col_fixed(st, 0, ids[count++].b, GT_ID_BYTES);
	}
	gt_store_reset(n->store, which);
	for (size_t i = 0; status == 0 && i < count; i++) {
		if (filling(n, demand, stuck[i]) >= limit)
			continue;
		struct gt_object *o;
		status = gt_object_open(n, &ids[i], &o);
		if (!o || o->state == GT_OBJECT_COMPLETE || o->filling)
			continue;
		n->touched = true;
		o->filling = true;
		o->demand = demand;
	}
	return status;
}

static int choose(struct gt_node *n)
{
	n->content->look = false;
	int status = choose_of(n, false);
	if (status != 0 || gt_content_starved(n))
		return status;
	return choose_of(n, true);
}

/* ---------------------------------------- manifests on their way here */

/* What has come of its manifest so far. */
static void drop_bytes(struct gt_object *o)
{
	free(o->bytes);
	o->bytes = NULL;
	o->nbytes = o->cap = 0;
}

/* Room for one of so many bytes, beside those of the others. */
static bool manifest_room(struct gt_node *n, const struct gt_object *o,
                          uint64_t size)
{
	uint64_t others = 0;
	GT_EACH_OBJECT(p, n->content)
		others += p != o ? p->cap : 0;
	return others + size <= GT_MANIFESTS_BYTES;
}

/* One that had no room and has some now. Whose manifest is not being asked for
 * gives way: those wanted more were asked for before. */
static bool may_arrive(struct gt_node *n, const struct gt_object *o)
{
	if (o->cap > 0 || manifest_room(n, o, o->expects))
		return true;
	GT_EACH_OBJECT(p, n->content) {
		if (p->cap == 0 || p->asked_manifest)
			continue;
		p->expects = p->cap;
		drop_bytes(p);
	}
	return manifest_room(n, o, o->expects);
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
	m.transfer = (ProtobufCBinaryData){sizeof o->transfer.b, o->transfer.b};
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
	m.transfer = (ProtobufCBinaryData){sizeof o->transfer.b, o->transfer.b};
	m.suspect = o->suspect[frame] != 0;
	r.body_case = GT__REQUEST__BODY_FRAME;
	r.frame = &m;
	int status = gt_ask(n, &r, &a, full);
	if (status != 0 || *full)
		return status;
	gt_frame_set(o, frame, GT_FRAME_ASKED);
	gt_window_ask(&n->content->window, a.bytes);
	return 0;
}

static bool room(const struct gt_node *n)
{
	return gt_window_room(&n->content->window) && gt_ask_room(n);
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
	if (n->now.mono_ms < o->retry_ms || n->now.mono_ms < o->file_due ||
	    n->content->paused || o->lost)
		return 0;
	/* while the disk has no room for what must be here */
	int kept = gt_content_starved(n) ? gt_object_kept(n, &o->id) : 1;
	if (kept != 1)
		return kept;
	bool idle = !o->m ? o->asked_manifest || !may_arrive(n, o)
	                  : !o->frames || o->count[GT_FRAME_MISSING] == 0;
	bool wait = false;
	int status = idle ? 0 : gt_transfer_ask(n, o, &wait);
	if (status != 0 || idle || wait)
		return status;
	return o->m ? ask_frames(n, o) : ask_manifest(n, o);
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
	int status = n->content->look ? choose(n) : 0;
	GT_EACH_OBJECT(o, n->content) {
		if (o->doomed || (!o->filling && !o->waiters) ||
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
	for (size_t i = 0; status == 0 && gt_up_following(n) && i < count; i++)
		status = ask_for(n, order[i]);
	return status;
}

void gt_fetch_down(struct gt_node *n)
{
	gt_window_reset(&n->content->window);
	GT_EACH_OBJECT(o, n->content) {
		o->asked_manifest = o->of_up = false;
		o->retry_ms = 0;
		drop_bytes(o);
		if (!o->m || !o->frames || o->count[GT_FRAME_ASKED] == 0)
			continue;
		for (uint32_t f = 0; f < o->m->nframes; f++)
			if (o->frames[f] == GT_FRAME_ASKED)
				gt_frame_set(o, f, GT_FRAME_MISSING);
	}
}

/* ---------------------------------------------------------- answers */

static int damaged_manifest(struct gt_node *n, struct gt_object *o,
                            const char *why)
{
	char hex[GT_HEX_ID];
	gt_id_hex(hex, &o->id);
	drop_bytes(o);
	o->retry_ms = n->now.mono_ms + GT_SOON_MS;
	struct gt_audit row = {.event = "damage",
	                       .kind = "object",
	                       .subject = hex,
	                       .peer = gt_up_code(n),
	                       .result = -GT_EDAMAGED,
	                       .detail = why};
	return gt_audit_row(n, &row);
}

static Gt__Entry *entry_of(struct gt_node *n, sqlite3_stmt *st)
{
	return gt_signed_entry(n->arena,
	                       gt_signed_open(n->arena, gt_col_bytes(st, 0)));
}

static bool lacks(const struct gt_manifest *m, const char *name)
{
	return *name && gt_manifest_find(m, name) == UINT32_MAX;
}

/* A file an entry names and the package has not is no ground to refuse it:
 * readers are given what there is (object/start.h). Whoever published it, by a
 * program that did not look, shall hear of it: one line is enough. */
static int tell_names(struct gt_node *n, const struct gt_object *o)
{
	int row = 0, status = 0;
	bool told = false;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_ENTRIES, "b",
	                                 gt_object_key(&o->id));
	while (!told && status == 0 &&
	       (row = gt_store_step(n->store, GT_SQL_OBJECT_ENTRIES)) == 1) {
		const Gt__Entry *e = entry_of(n, st);
		told = e &&
		       (lacks(o->m, e->start) || lacks(o->m, e->thumbnail));
		if (told)
			status = gt_log(n, GT_LOG_WARN,
			                "%s names a file that its package has "
			                "not: %.200s. Publish it again there",
			                e->id,
			                lacks(o->m, e->start) ? e->start
			                                      : e->thumbnail);
	}
	gt_store_reset(n->store, GT_SQL_OBJECT_ENTRIES);
	return row < 0 ? row : status;
}

/* What a signed entry promised of the object must be what the manifest holds.
 * One entry's lie does not take the object from another that is honest. */
static int check_promise(struct gt_node *n, struct gt_object *o, bool *kept)
{
	const struct gt_manifest *m = o->m;
	bool any = false;
	int row = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_ENTRIES, "b",
	                                 gt_object_key(&o->id));
	*kept = false;
	while (!*kept &&
	       (row = gt_store_step(n->store, GT_SQL_OBJECT_ENTRIES)) == 1) {
		const Gt__Entry *e = entry_of(n, st);
		any = true;
		*kept = e && e->plain_size == m->plain_at[m->nframes] &&
		        e->stored_size == m->file_size &&
		        e->members == m->nfiles;
	}
	gt_store_reset(n->store, GT_SQL_OBJECT_ENTRIES);
	*kept = *kept || !any;
	return row < 0 ? row : 0;
}

static int take_manifest(struct gt_node *n, struct gt_object *o,
                         struct gt_bytes bytes)
{
	char why[GT_WHY];
	bool kept = true;
	int bad = gt_object_manifest(o, bytes, why);
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
	if (status == 0)
		status = tell_names(n, o);
	o->state = GT_OBJECT_PARTIAL;
	n->content->weigh = n->touched = true;
	gt_store_bind(n->store, GT_SQL_OBJECT_MANIFEST, "bbiioi",
	              gt_object_key(&o->id), bytes, (int64_t)o->m->file_size,
	              (int64_t)o->m->nframes, (struct gt_bytes){0},
	              (int64_t)o->received);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_OBJECT_MANIFEST);
	gt_manifest_shed(o->m);
	gt_waiter_news(n, o);
	return status;
}

/* Then it is in the row, or of no use. */
static int manifest_whole(struct gt_node *n, struct gt_object *o)
{
	int status = take_manifest(n, o, gt_bytes_of(o->bytes, o->nbytes));
	drop_bytes(o);
	return status;
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
	if (o->cap < m->size && !manifest_room(n, o, m->size)) {
		drop_bytes(o);
		o->expects = m->size;
		return 0;
	}
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
	int status = gt_stuck_over(n, o, GT_STUCK_ABOVE);
	return status || o->nbytes < m->size ? status : manifest_whole(n, o);
}

int gt_fetch_frame(struct gt_node *n, const struct gt_asking *a,
                   const struct gt_event *e)
{
	struct gt_object *o = gt_object_find(n, &a->object);
	gt_window_answered(&n->content->window, a->bytes, a->sent_ms,
	                   n->now.mono_ms);
	n->status.frames_in++;
	if (!o || o->doomed || !o->frames || a->frame >= o->m->nframes ||
	    o->frames[a->frame] != GT_FRAME_ASKED)
		return 0;
	if (e->payload.n != o->m->stored[a->frame] || !e->bulk)
		return gt_drop(n, n->up, "a frame of the wrong size");
	struct gt_action *p = gt_object_act(n, o, GT_ACT_PLACE);
	if (!p)
		return -GT_ENOMEM;
	p->frame = a->frame;
	p->id = gt_frame_id(o, a->frame);
	p->offset = o->m->stored_at[a->frame];
	p->total = o->m->file_size;
	p->n = e->payload.n;
	p->payload = e->payload;
	p->bulk = e->bulk;
	gt_frame_set(o, a->frame, GT_FRAME_PLACING);
	o->received += e->payload.n;
	n->touched = true;
	return gt_stuck_over(n, o, GT_STUCK_ABOVE);
}

int gt_fetch_refused(struct gt_node *n, const struct gt_asking *a,
                     const Gt__Error *m)
{
	struct gt_object *o = gt_object_find(n, &a->object);
	uint64_t wait = m->code == GT_EDENIED ? DENIED_RETRY_MS : m->retry_ms;
	if (a->what == GT_ASKED_FRAME)
		gt_window_refused(&n->content->window, a->bytes);
	if (!o)
		return 0;
	if (wait < RETRY_MIN_MS)
		wait = RETRY_MIN_MS;
	o->retry_ms =
	        n->now.mono_ms + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	if (a->what == GT_ASKED_MANIFEST)
		o->asked_manifest = false;
	else if (o->frames && a->frame < o->m->nframes &&
	         o->frames[a->frame] == GT_FRAME_ASKED)
		gt_frame_set(o, a->frame, GT_FRAME_MISSING);
	return m->code == GT_EUNAVAILABLE ? gt_stuck_above(n, o, a->sent_ms)
	                                  : 0;
}

/* ------------------------------------------------------------- time */

static uint64_t object_deadline(const struct gt_node *n,
                                const struct gt_object *o)
{
	uint64_t at = o->waiters ? o->expiry : UINT64_MAX;
	bool active =
	        (o->filling || o->waiters) && !n->content->paused && !o->doomed;
	if (active && o->file_due > n->now.mono_ms)
		return gt_sooner(at, o->file_due);
	if (active && o->unsynced > 0 && !o->syncing)
		at = gt_sooner(at, o->unsynced_since + GT_SYNC_MS);
	if (active && gt_up_following(n) && o->retry_ms > n->now.mono_ms)
		at = gt_sooner(at, o->retry_ms);
	return at;
}

uint64_t gt_fetch_deadline(const struct gt_node *n)
{
	uint64_t at = UINT64_MAX;
	GT_EACH_OBJECT(o, n->content)
		at = gt_sooner(at, object_deadline(n, o));
	return at;
}
