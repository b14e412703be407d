/* serve.c: answers to what children ask.
 *
 * Every request is answered within a heartbeat: with what was asked for, or
 * with UNAVAILABLE and when to ask again. Requests for what is not here yet
 * wait ("park") and are answered the moment it comes. */
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "turn.h"

/* ---------------------------------------------------------- Changes */

static ProtobufCBinaryData lend(struct gt_bytes b)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = {.in = b.p};
	return (ProtobufCBinaryData){b.n, u.out};
}

static int change_of_row(struct gt_node *n, sqlite3_stmt *st, Gt__Change **out,
                         size_t *bytes)
{
	Gt__Change *c = gt_arena_get(n->arena, sizeof *c);
	struct gt_bytes item = gt_col_bytes(st, 7);
	if (!c)
		return -GT_ENOMEM;
	gt__change__init(c);
	c->seq = (uint64_t)gt_col_int(st, 0);
	c->verdict = (Gt__Verdict)gt_col_int(st, 1);
	c->priority = (uint32_t)gt_col_int(st, 2);
	c->rule = gt_arena_str(n->arena, gt_col_text(st, 3));
	c->layer = gt_arena_str(n->arena, gt_col_text(st, 4));
	if (c->verdict == GT__VERDICT__DENY) {
		c->retract = gt_arena_str(n->arena, gt_col_text(st, 6));
	} else {
		c->item = lend(gt_bytes_of(
		        gt_arena_copy(n->arena, item.p, item.n), item.n));
		if (!c->item.data)
			return -GT_ENOMEM;
	}
	*bytes += item.n + 100;
	*out = c;
	return c->rule && c->layer && c->retract ? 0 : -GT_ENOMEM;
}

static int read_changes(struct gt_node *n, const struct gt_peer *p,
                        Gt__ChangesReply *out, bool *full)
{
	size_t bytes = 0;
	int row = 0, status = 0;
	out->changes =
	        gt_arena_get(n->arena, GT_CHANGES_ROWS * sizeof *out->changes);
	if (!out->changes)
		return -GT_ENOMEM;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_VIEW_AFTER, "iii",
	                                 p->cid, (int64_t)p->parked_after,
	                                 (int64_t)GT_CHANGES_ROWS);
	*full = false;
	while (status == 0 && !*full &&
	       (row = gt_store_step(n->store, GT_SQL_VIEW_AFTER)) == 1) {
		status = change_of_row(n, st, &out->changes[out->n_changes],
		                       &bytes);
		out->upto = (uint64_t)gt_col_int(st, 0);
		*full = ++out->n_changes == GT_CHANGES_ROWS ||
		        bytes >= GT_CHANGES_BYTES;
	}
	gt_store_reset(n->store, GT_SQL_VIEW_AFTER);
	return row < 0 ? row : status;
}

static int send_changes(struct gt_node *n, struct gt_peer *p,
                        Gt__ChangesReply *c)
{
	Gt__Reply r = GT__REPLY__INIT;
	c->epoch = (ProtobufCBinaryData){sizeof n->epoch, n->epoch};
	c->root_mark = (uint64_t)p->rooted;
	p->rooted_told = p->rooted;
	p->parked = false;
	r.body_case = GT__REPLY__BODY_CHANGES;
	r.changes = c;
	return gt_send_reply(n, p, p->parked_token, &r, (struct gt_bytes){0});
}

int gt_serve_parked(struct gt_node *n, struct gt_peer *p)
{
	Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
	bool more = false, full = false;
	int status = 0;
	if (gt_judge_due(n, p))
		status = gt_judge(n, p, &more);
	if (status == 0)
		status = gt_record_child_root(n, p);
	bool news = p->vseq > (int64_t)p->parked_after ||
	            p->rooted > p->rooted_told;
	if (status != 0 || (!news && n->now.mono_ms < p->parked_until))
		return status;
	c.upto = p->parked_after;
	if (p->vseq > (int64_t)p->parked_after)
		status = read_changes(n, p, &c, &full);
	c.more = more || full;
	if (!full)
		c.upto = (uint64_t)p->vseq;
	return status ? status : send_changes(n, p, &c);
}

static int take_status(struct gt_node *n, struct gt_peer *p,
                       const Gt__NodeStatus *s)
{
	struct gt_id hash;
	struct gt_bytes b = gt_arena_pack(n->arena, &s->base);
	if (!b.p)
		return -GT_ENOMEM;
	gt_sha256_one(&hash, b.p, b.n);
	if (gt_id_eq(&hash, &p->status_hash) || b.n > 1024)
		return 0; /* an idle tree writes nothing */
	p->status_hash = hash;
	gt_store_bind(n->store, GT_SQL_CHILD_STATUS, "ibi", p->cid, b,
	              n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_CHILD_STATUS);
}

static int acknowledge(struct gt_node *n, struct gt_peer *p, int64_t after)
{
	if (after <= p->acked)
		return 0;
	gt_store_bind(n->store, GT_SQL_VIEW_ACK, "iii", p->cid, p->acked,
	              after);
	p->acked = after;
	n->touched = true;
	int status = gt_store_run(n->store, GT_SQL_VIEW_ACK);
	return status ? status : gt_session_save(n, p);
}

int gt_serve_changes(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Changes *m)
{
	int status = m->status ? take_status(n, p, m->status) : 0;
	if (status == 0 && p->parked && p->parked_token != token) {
		/* One at a time: the older one is answered first. */
		Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
		c.upto = p->parked_after;
		c.more = true;
		status = send_changes(n, p, &c);
	}
	p->parked_token = token;
	p->parked_after = m->after;
	bool strange = m->epoch.len != sizeof n->epoch ||
	               memcmp(m->epoch.data, n->epoch, sizeof n->epoch) != 0 ||
	               m->after > (uint64_t)p->vseq ||
	               m->after < (uint64_t)p->acked;
	p->following = !strange;
	if (status == 0 && strange) {
		Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
		c.reconcile = true;
		return send_changes(n, p, &c);
	}
	uint32_t wait = m->wait_ms < n->config.heartbeat_ms
	                        ? m->wait_ms
	                        : n->config.heartbeat_ms;
	p->parked = true;
	p->parked_until = n->now.mono_ms + wait;
	return status ? status : acknowledge(n, p, (int64_t)m->after);
}

/* ------------------------------------------- who may have an object */

static int allowed(struct gt_node *n, struct gt_peer *p, const struct gt_id *id,
                   bool *yes)
{
	*yes = gt_id_eq(&p->allowed, id) && p->allowed_vseq == p->vseq &&
	       !gt_id_is_zero(id);
	if (*yes)
		return 0;
	gt_store_bind(n->store, GT_SQL_OBJECT_ALLOWED, "bi",
	              gt_bytes_of(id->b, GT_ID_BYTES), p->cid);
	int row = gt_store_step(n->store, GT_SQL_OBJECT_ALLOWED);
	gt_store_reset(n->store, GT_SQL_OBJECT_ALLOWED);
	if (row < 0)
		return row;
	*yes = row == 1;
	if (*yes) {
		p->allowed = *id;
		p->allowed_vseq = p->vseq;
	}
	return 0;
}

/* Bytes a child asks for that are not here: fetch them as if asked for here,
 * unless this node may not have them any more and the child has yet to hear of
 * that. */
static int ask_above(struct gt_node *n, const struct gt_id *id, bool *may)
{
	int needed = gt_object_needed(n, id);
	*may = needed == 1;
	if (needed != 1)
		return needed;
	gt_store_bind(n->store, GT_SQL_OBJECT_ASK, "b",
	              gt_bytes_of(id->b, GT_ID_BYTES));
	int status = gt_store_run(n->store, GT_SQL_OBJECT_ASK);
	if (status == 0)
		status = gt_object_want(n, id);
	n->wanted_dirty = true;
	return status;
}

static int deny(struct gt_node *n, const struct gt_peer *p, uint64_t token)
{
	return gt_send_error(n, p, token, GT_EDENIED,
	                     "policy does not give you this object", 0);
}

/* The object, if this child may have it. NULL, answered, if not. */
static int open_for(struct gt_node *n, struct gt_peer *p, uint64_t token,
                    ProtobufCBinaryData object, struct gt_object **out)
{
	struct gt_id id;
	bool yes;
	*out = NULL;
	if (object.len != GT_ID_BYTES)
		return gt_drop(n, p, "an object id of the wrong length");
	memcpy(id.b, object.data, GT_ID_BYTES);
	int status = allowed(n, p, &id, &yes);
	if (status == 0 && !yes)
		return deny(n, p, token);
	if (status == 0)
		status = gt_object_open(n, &id, out);
	if (status == 0 && !*out) {
		status = ask_above(n, &id, &yes);
		if (status == 0 && !yes)
			return deny(n, p, token);
		if (status == 0)
			status = gt_object_open(n, &id, out);
	}
	if (status == 0 && !*out)
		status = gt_send_error(n, p, token, GT_EBUSY,
		                       "too many objects open", GT_SOON_MS);
	return status;
}

static int park(struct gt_node *n, struct gt_peer *p, uint64_t token,
                struct gt_object *o, uint32_t frame, uint64_t offset,
                const struct gt_waiter *like)
{
	if (n->nwaiters >= GT_WAITERS_MAX)
		return gt_send_error(n, p, token, GT_EBUSY,
		                     "too many requests are waiting",
		                     GT_SOON_MS);
	struct gt_waiter *w = calloc(1, sizeof *w);
	if (!w)
		return -GT_ENOMEM;
	*w = *like;
	w->next = o->waiters;
	w->peer = p->id;
	w->frame = frame;
	w->token = token;
	w->offset = offset;
	w->until = n->now.mono_ms + n->config.heartbeat_ms;
	o->waiters = w;
	if (w->until < o->expiry)
		o->expiry = w->until;
	n->nwaiters++;
	n->wanted_dirty = true;
	return 0;
}

static void name_transfer(struct gt_waiter *w, ProtobufCBinaryData name)
{
	if (name.len == sizeof w->transfer)
		memcpy(w->transfer, name.data, sizeof w->transfer);
}

/* -------------------------------------------------------- manifests */

static int send_manifest(struct gt_node *n, struct gt_peer *p, uint64_t token,
                         const struct gt_object *o, uint64_t offset,
                         const uint8_t transfer[16])
{
	if (offset >= o->nbytes)
		return gt_send_error(n, p, token, GT_EINVALID,
		                     "offset beyond the manifest's end", 0);
	size_t left = o->nbytes - (size_t)offset;
	Gt__ManifestPiece m = GT__MANIFEST_PIECE__INIT;
	Gt__Reply r = GT__REPLY__INIT;
	m.size = o->nbytes;
	m.offset = offset;
	r.body_case = GT__REPLY__BODY_MANIFEST;
	r.manifest = &m;
	size_t take = left < GT_MANIFEST_PIECE ? left : GT_MANIFEST_PIECE;
	const void *piece = gt_arena_copy(n->arena, o->bytes + offset, take);
	if (!piece)
		return -GT_ENOMEM;
	gt_transfer_count(n, p, transfer, 0, (int64_t)take);
	return gt_send_reply(n, p, token, &r, gt_bytes_of(piece, take));
}

int gt_serve_manifest(struct gt_node *n, struct gt_peer *p, uint64_t token,
                      const Gt__GetManifest *m)
{
	struct gt_object *o;
	struct gt_waiter like = {0};
	name_transfer(&like, m->transfer);
	int status = open_for(n, p, token, m->object, &o);
	if (status != 0 || !o)
		return status;
	if (o->m)
		return send_manifest(n, p, token, o, m->offset, like.transfer);
	return park(n, p, token, o, GT_WAIT_MANIFEST, m->offset, &like);
}

/* ----------------------------------------------------------- frames */

static int send_frame(struct gt_node *n, struct gt_peer *p, uint64_t token,
                      struct gt_object *o, uint32_t frame,
                      const struct gt_waiter *w)
{
	Gt__FrameHead h = GT__FRAME_HEAD__INIT;
	Gt__Reply r = GT__REPLY__INIT;
	struct gt_action *a = gt_act(n, GT_ACT_SERVE);
	if (!a)
		return -GT_ENOMEM;
	h.frame = frame;
	r.body_case = GT__REPLY__BODY_FRAME;
	r.frame = &h;
	a->peer = p->id;
	a->token = token;
	a->frame = frame;
	a->check = w->check;
	a->object = o->id;
	memcpy(a->id.b, o->m->ids + (size_t)frame * GT_ID_BYTES, GT_ID_BYTES);
	a->offset = o->m->stored_at[frame];
	a->n = o->m->stored[frame];
	a->head = gt_arena_pack(n->arena, &r.base);
	o->used_ms = n->now.mono_ms;
	n->status.frames_out++;
	n->status.bytes_out += a->n;
	memcpy(a->transfer, w->transfer, sizeof a->transfer);
	gt_transfer_count(n, p, w->transfer, 1, (int64_t)a->n);
	return a->head.p ? 0 : -GT_ENOMEM;
}

static bool frame_here(const struct gt_object *o, uint32_t frame)
{
	return o->state == GT_OBJECT_COMPLETE ||
	       (o->frames && o->frames[frame] >= GT_FRAME_PLACED);
}

int gt_serve_frame(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__GetFrame *m)
{
	struct gt_object *o;
	struct gt_waiter like = {.check = m->suspect};
	name_transfer(&like, m->transfer);
	int status = open_for(n, p, token, m->object, &o);
	if (status != 0 || !o)
		return status;
	if (o->m && m->frame >= o->m->nframes)
		return gt_send_error(n, p, token, GT_EINVALID,
		                     "no such frame in the object", 0);
	if (o->m && frame_here(o, m->frame))
		return send_frame(n, p, token, o, m->frame, &like);
	return park(n, p, token, o, m->frame, 0, &like);
}

/* ---------------------------------------------------------- waiters */

static int answer_waiter(struct gt_node *n, struct gt_object *o,
                         const struct gt_waiter *w)
{
	struct gt_peer *p = gt_peer_by_id(n, w->peer);
	if (!p || p->session != GT_S_READY)
		return 0;
	if (w->frame == GT_WAIT_MANIFEST)
		return send_manifest(n, p, w->token, o, w->offset, w->transfer);
	if (w->frame >= o->m->nframes)
		return gt_send_error(n, p, w->token, GT_EINVALID,
		                     "no such frame in the object", 0);
	return send_frame(n, p, w->token, o, w->frame, w);
}

int gt_serve_waiters(struct gt_node *n, struct gt_object *o, uint32_t frame)
{
	int status = 0;
	for (struct gt_waiter **at = &o->waiters; status == 0 && *at;) {
		struct gt_waiter *w = *at;
		if (w->frame != frame) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		n->nwaiters--;
		status = answer_waiter(n, o, w);
		free(w);
	}
	return status;
}

int gt_serve_expire(struct gt_node *n, struct gt_object *o, bool all)
{
	int status = 0;
	o->expiry = UINT64_MAX;
	for (struct gt_waiter **at = &o->waiters; status == 0 && *at;) {
		struct gt_waiter *w = *at;
		struct gt_peer *p = gt_peer_by_id(n, w->peer);
		if (p && !all && n->now.mono_ms < w->until) {
			if (w->until < o->expiry)
				o->expiry = w->until;
			at = &w->next;
			continue;
		}
		*at = w->next;
		n->nwaiters--;
		if (p)
			status = gt_send_error(n, p, w->token, GT_EUNAVAILABLE,
			                       "not here yet", GT_SOON_MS);
		free(w);
	}
	return status;
}

void gt_serve_forget(struct gt_node *n, uint32_t peer)
{
	for (size_t i = 0; i < GT_OBJECTS_OPEN; i++) {
		struct gt_waiter **at = &n->objects[i].waiters;
		while (*at) {
			struct gt_waiter *w = *at;
			if (w->peer != peer) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			n->nwaiters--;
			free(w);
		}
	}
}

int gt_serve_fault(struct gt_node *n, const struct gt_event *e)
{
	struct gt_object *o;
	struct gt_peer *p = gt_peer_by_id(n, e->peer);
	bool asker = p && p->session == GT_S_READY;
	int status = gt_object_open(n, &e->object, &o);
	if (status != 0)
		return status;
	if (asker && o && o->m && e->frame < o->m->nframes)
		gt_transfer_count(n, p, e->transfer, -1,
		                  -(int64_t)o->m->stored[e->frame]);
	if (!o || !o->m || e->frame >= o->m->nframes)
		return asker ? gt_send_error(n, p, e->token, GT_EUNAVAILABLE,
		                             "not here any more", GT_SOON_MS)
		             : 0;
	/* that it was not read says nothing of what is there */
	if (e->status == -GT_ENOMEM)
		return asker ? gt_send_error(n, p, e->token, GT_EBUSY,
		                             gt_strerror(e->status), GT_SOON_MS)
		             : 0;
	struct gt_waiter like = {0};
	memcpy(like.transfer, e->transfer, sizeof like.transfer);
	status = gt_fetch_lost(n, o, e->frame);
	if (status == 0 && asker)
		status = park(n, p, e->token, o, e->frame, 0, &like);
	return status;
}

/* ------------------------------------------------------------ Offer */

int gt_serve_offer(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__Offer *m)
{
	static const struct gt_decision keep = {GT_MIRROR, 50, "", ""};
	struct gt_claim c;
	char why[GT_WHY];
	int verdict, result = 0, status;
	if (m->item.len == 0 && *m->given_up)
		return gt_contest_named(n, p, token, m->given_up, m->version);
	status = gt_item_check(n, gt_bytes_of(m->item.data, m->item.len), &c,
	                       &verdict, why);
	if (status != 0)
		return status;
	if (verdict == 0 && gt_contest_concerns(n, &c))
		return gt_contest_shown(n, p, token, &c);
	if (verdict != 0 || c.kind != GT__KIND__LAYER ||
	    strcmp(c.id, p->code) != 0)
		return gt_drop(n, p,
		               verdict ? why
		                       : "an Offer that is not the "
		                         "child's own layer");
	status = gt_item_take(n, &c, &keep, false, &result);
	struct gt_audit row = {.event = "receive",
	                       .kind = "layer",
	                       .subject = c.id,
	                       .version = c.version,
	                       .peer = p->code,
	                       .result = result};
	if (status == 0)
		status = gt_audit_row(n, &row);
	/* ProveReply tells the child what it must be newer than. */
	if (status == 0 && result != 0 && gt_version_tokens(p->version))
		return gt_drop(n, p,
		               "the child has issued a newer layer before");
	return status ? status : gt_send_ok(n, p, token);
}
