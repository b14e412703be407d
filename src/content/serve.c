/* serve.c: answers to children that ask for content.
 *
 * Every request is answered within a heartbeat: with what was asked for, or
 * with UNAVAILABLE and when to ask again. Requests for what is not here yet
 * wait ("park") and are answered the moment it comes.
 * Tests: u_serve.c, u_node_object.c, u_adopt.c. */
#include "content_inside.h"

#include "draw.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------- who may have an object */

enum answer { NO, NOT_YET, YES };

/* By the child's view, which catalogue/judge.c keeps. NOT_YET: something else
 * of that name, or by other rules, was allowed; it is being judged. */
static int allowed(struct gt_node *n, struct gt_peer *p, const struct gt_id *id,
                   enum answer *out)
{
	*out = YES;
	if (gt_id_eq(&p->child.allowed, id) &&
	    p->child.allowed_vseq == p->child.vseq && !gt_id_is_zero(id))
		return 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_OBJECT_ALLOWED, "bii",
	                      gt_object_key(id), p->child.cid, p->child.judged);
	int row = gt_store_step(n->store, GT_SQL_OBJECT_ALLOWED);
	bool sure = row == 1 && gt_col_int(st, 0) == 1;
	gt_store_reset(n->store, GT_SQL_OBJECT_ALLOWED);
	if (row < 0)
		return row;
	*out = sure ? YES : row == 1 ? NOT_YET : NO;
	if (sure) {
		p->child.allowed = *id;
		p->child.allowed_vseq = p->child.vseq;
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
	gt_store_bind(n->store, GT_SQL_OBJECT_ASK, "b", gt_object_key(id));
	int status = gt_store_run(n->store, GT_SQL_OBJECT_ASK);
	if (status == 0)
		status = gt_object_want(n, id);
	n->content->look = true;
	return status;
}

/* NO, or NOT_YET, unless this node itself has to let go of it. */
static int refuse(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  const struct gt_id *id, enum answer may)
{
	int needed = may == NO ? 0 : gt_object_needed(n, id);
	if (needed < 0)
		return needed;
	if (needed == 0)
		return gt_send_error(n, p, token, GT_EDENIED,
		                     "policy does not give you this object", 0);
	return gt_send_error(n, p, token, GT_EUNAVAILABLE,
	                     "not judged for you yet", GT_SOON_MS);
}

/* The object, if this child may have it. NULL, answered, if not. */
static int open_for(struct gt_node *n, struct gt_peer *p, uint64_t token,
                    ProtobufCBinaryData object, struct gt_object **out)
{
	struct gt_id id;
	enum answer may;
	bool yes;
	*out = NULL;
	if (object.len != GT_ID_BYTES)
		return gt_drop(n, p, "an object id of the wrong length");
	memcpy(id.b, object.data, GT_ID_BYTES);
	int status = allowed(n, p, &id, &may);
	if (status == 0 && may != YES)
		return refuse(n, p, token, &id, may);
	if (status == 0)
		status = gt_object_open(n, &id, out);
	const char *why = NULL;
	if (status == 0 && !*out)
		status = gt_content_admit(n, &id, 0, &why);
	if (status == 0 && why)
		return gt_send_error(n, p, token, GT_ENOSPACE, why, 60 * 1000);
	if (status == 0 && !*out) {
		status = ask_above(n, &id, &yes);
		if (status == 0 && !yes)
			return refuse(n, p, token, &id, NO);
		if (status == 0)
			status = gt_object_open(n, &id, out);
	}
	if (status == 0 && !*out)
		status = gt_send_error(n, p, token, GT_EBUSY,
		                       "too many objects open", GT_SOON_MS);
	return status;
}

/* -------------------------------------------------------- manifests */

static int send_manifest(struct gt_node *n, struct gt_peer *p, uint64_t token,
                         const struct gt_object *o, uint64_t offset,
                         const struct gt_transfer_id *transfer)
{
	Gt__ManifestPiece m = GT__MANIFEST_PIECE__INIT;
	Gt__Reply r = GT__REPLY__INIT;
	struct gt_bytes piece;
	int status = gt_object_piece(n, o, offset, &m.size, &piece);
	if (status != 0)
		return status;
	if (piece.n == 0)
		return gt_send_error(n, p, token, GT_EINVALID,
		                     "offset beyond the manifest's end", 0);
	m.offset = offset;
	r.body_case = GT__REPLY__BODY_MANIFEST;
	r.manifest = &m;
	gt_transfer_count(n, p, transfer, 0, (int64_t)piece.n);
	return gt_send_reply(n, p, token, &r, piece);
}

int gt_serve_manifest(struct gt_node *n, struct gt_peer *p, uint64_t token,
                      const Gt__GetManifest *m)
{
	struct gt_object *o;
	struct gt_waiter like = {.transfer = gt_transfer_of(m->transfer)};
	int status = open_for(n, p, token, m->object, &o);
	if (status != 0 || !o)
		return status;
	if (o->m)
		return send_manifest(n, p, token, o, m->offset, &like.transfer);
	return gt_waiter_park(n, p, token, o, GT_WAIT_MANIFEST, m->offset,
	                      &like);
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
	a->id = gt_frame_id(o, frame);
	a->offset = o->m->stored_at[frame];
	a->n = o->m->stored[frame];
	a->head = gt_arena_pack(n->arena, &r.base);
	o->used_ms = n->now.mono_ms;
	n->status.frames_out++;
	n->status.bytes_out += a->n;
	a->transfer = w->transfer;
	gt_transfer_count(n, p, &w->transfer, 1, (int64_t)a->n);
	return a->head.p ? 0 : -GT_ENOMEM;
}

int gt_serve_frame(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__GetFrame *m)
{
	struct gt_object *o;
	struct gt_waiter like = {.check = m->suspect,
	                         .transfer = gt_transfer_of(m->transfer)};
	int status = open_for(n, p, token, m->object, &o);
	if (status != 0 || !o)
		return status;
	if (o->m && m->frame >= o->m->nframes)
		return gt_send_error(n, p, token, GT_EINVALID,
		                     "no such frame in the object", 0);
	if (o->m && gt_frame_here(o, m->frame))
		return send_frame(n, p, token, o, m->frame, &like);
	return gt_waiter_park(n, p, token, o, m->frame, 0, &like);
}

/* ---------------------------------------------------------- waiters */

static int answer_waiter(struct gt_node *n, struct gt_object *o,
                         const struct gt_waiter *w)
{
	struct gt_peer *p = gt_peer_by_id(n, w->peer);
	enum answer may;
	if (!p || p->session != GT_S_READY)
		return 0;
	/* while it waited it may have been judged anew */
	int status = allowed(n, p, &o->id, &may);
	if (status == 0 && may != YES)
		return refuse(n, p, w->token, &o->id, may);
	if (status != 0)
		return status;
	if (w->frame == GT_WAIT_MANIFEST)
		return send_manifest(n, p, w->token, o, w->offset,
		                     &w->transfer);
	if (w->frame >= o->m->nframes)
		return gt_send_error(n, p, w->token, GT_EINVALID,
		                     "no such frame in the object", 0);
	return send_frame(n, p, w->token, o, w->frame, w);
}

/* Whether what it waits for is here. */
static bool has_come(const struct gt_object *o, const struct gt_waiter *w)
{
	if (!o->m || w->frame == GT_WAIT_MANIFEST)
		return o->m != NULL;
	return w->frame >= o->m->nframes || gt_frame_here(o, w->frame);
}

static int answer_waiters(struct gt_node *n, struct gt_object *o)
{
	int status = 0;
	o->news = false;
	for (struct gt_waiter **at = &o->waiters; status == 0 && *at;) {
		if (!has_come(o, *at)) {
			at = &(*at)->next;
			continue;
		}
		status = answer_waiter(n, o, *at);
		gt_waiter_drop(n->content, at);
	}
	return status;
}

int gt_serve_go(struct gt_node *n)
{
	int status = 0;
	if (!n->content->news)
		return 0;
	n->content->news = false;
	GT_EACH_OBJECT(o, n->content)
		if (status == 0 && o->news)
			status = answer_waiters(n, o);
	return status;
}

int gt_serve_fault(struct gt_node *n, const struct gt_event *e)
{
	struct gt_object *o;
	struct gt_peer *p = gt_peer_by_id(n, e->peer);
	bool asker = p && p->session == GT_S_READY;
	int status = gt_object_open(n, &e->object, &o);
	if (status != 0)
		return status;
	if (e->frame == UINT32_MAX)
		return o ? gt_object_verify(n, o) : 0;
	if (asker && o && o->m && e->frame < o->m->nframes)
		gt_transfer_count(n, p, &e->transfer, -1,
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
	struct gt_waiter like = {.transfer = e->transfer};
	bool whole = o->state == GT_OBJECT_COMPLETE;
	if (e->status != -GT_EUNKNOWN)
		status = gt_fill_lost(n, o, e->frame);
	else
		status = gt_fill_forget(n, &o->id, "the file is gone",
		                        &(bool){false});
	if (status == 0 && whole && e->status == -GT_EUNKNOWN)
		status = gt_object_tell(n, o);
	if (status == 0 && asker)
		status = gt_waiter_park(n, p, e->token, o, e->frame, 0, &like);
	return status;
}
