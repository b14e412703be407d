/* dispatch.c: from a link's events to the file that decides them.
 * Tests: u_node_lies.c, u_session.c. */
#include "above.h"
#include "documents.h"
#include "draw.h"
#include "expiry.h"
#include "lineage.h"
#include "node_inside.h"

#include <string.h>

int gt_dispatch_up(struct gt_node *n, const struct gt_event *e)
{
	struct gt_peer *p = gt_peer_new(n);
	if (!p) {
		struct gt_peer stranger = {.id = e->peer};
		return gt_drop(n, &stranger, "too many links");
	}
	p->id = e->peer;
	p->parent = e->parent;
	p->kind = e->roster_only ? GT__LINK__ROSTER_ONLY : GT__LINK__CHILD;
	p->heard_ms = n->now.mono_ms;
	gt_copy(p->address, sizeof p->address, e->detail ? e->detail : "");
	gt_expiry_up(p, e);
	if (e->text && *e->text) {
		p->certified = true;
		if (!gt_copy(p->code, sizeof p->code, e->text))
			return gt_drop(n, p, "certificate code too long");
		if (e->above)
			gt_copy(p->above, sizeof p->above, e->above);
	}
	gt_stir(n, e->body);
	gt_draw(n, p->nonce_ours, sizeof p->nonce_ours);
	return gt_session_up(n, p);
}

int gt_dispatch_down(struct gt_node *n, const struct gt_event *e)
{
	struct gt_peer *p = gt_peer_by_id(n, e->peer);
	return p ? gt_peer_gone(n, p, e->text ? e->text : "") : 0;
}

static int on_request(struct gt_node *n, struct gt_peer *p,
                      const struct gt_event *e)
{
	Gt__Request *r = gt__request__unpack(gt_arena_allocator(n->arena),
	                                     e->body.n, e->body.p);
	uint64_t token = e->token;
	if (!r || r->body_case == GT__REQUEST__BODY__NOT_SET) {
		int status = gt_send_error(n, p, token, GT_EMALFORMED,
		                           "not a request of this protocol", 0);
		return status ? status
		              : gt_drop(n, p,
		                        r ? "unknown request"
		                          : "malformed request");
	}
	if (r->body_case == GT__REQUEST__BODY_HELLO)
		return gt_session_hello(n, p, token, r->hello);
	if (r->body_case == GT__REQUEST__BODY_PROVE)
		return gt_session_prove(n, p, token, r->prove);
	if (p->session != GT_S_READY) {
		int status = gt_send_error(n, p, token, GT_EIDENTITY,
		                           "say Hello and Prove first", 0);
		return status ? status
		              : gt_drop(n, p, "request before Hello and Prove");
	}
	int status = p->child.cid ? gt_lineage_confirm(n, p) : 0;
	if (status != 0)
		return status;
	gt_judge_current(n, p);
	if (!gt_kind_asks(p, r->body_case)) {
		status = gt_send_error(n, p, token, GT_EDENIED,
		                       "not on a link of this kind", 0);
		return status ? status
		              : gt_drop(n, p, "not on a link of this kind");
	}
	switch (r->body_case) {
	case GT__REQUEST__BODY_CHANGES:
		return gt_feed_changes(n, p, token, r->changes);
	case GT__REQUEST__BODY_MANIFEST:
		return gt_serve_manifest(n, p, token, r->manifest);
	case GT__REQUEST__BODY_FRAME:
		return gt_serve_frame(n, p, token, r->frame);
	case GT__REQUEST__BODY_RECORDS:
		return gt_records_batch(n, p, token, r->records);
	case GT__REQUEST__BODY_OFFER:
		return gt_feed_offer(n, p, token, r->offer);
	case GT__REQUEST__BODY_INVENTORY:
		return gt_judge_inventory(n, p, token, r->inventory);
	case GT__REQUEST__BODY_DONE:
		return gt_transfer_done(n, p, token, r->done);
	case GT__REQUEST__BODY_ROSTER:
		return gt_feed_roster(n, p, token, r->roster);
	case GT__REQUEST__BODY_DOCUMENTS:
		return gt_documents_batch(n, p, token, r->documents);
	case GT__REQUEST__BODY_SEEK:
		return gt_documents_sought(n, p, token, r->seek);
	case GT__REQUEST__BODY_COMPARE:
		return gt_records_compare(n, p, token, r->compare);
	case GT__REQUEST__BODY_HELLO:
	case GT__REQUEST__BODY_PROVE:
	case GT__REQUEST__BODY__NOT_SET:
	case _GT__REQUEST__BODY__CASE_IS_INT_SIZE:
	default:
		return gt_drop(n, p, "unknown request");
	}
}

/* Which reply answers which request; an Error may answer any. */
static bool fits(enum gt_asked what, Gt__Reply__BodyCase reply)
{
	switch (what) {
	case GT_ASKED_HELLO:
		return reply == GT__REPLY__BODY_HELLO;
	case GT_ASKED_PROVE:
		return reply == GT__REPLY__BODY_PROVE;
	case GT_ASKED_CHANGES:
		return reply == GT__REPLY__BODY_CHANGES;
	case GT_ASKED_MANIFEST:
		return reply == GT__REPLY__BODY_MANIFEST;
	case GT_ASKED_FRAME:
		return reply == GT__REPLY__BODY_FRAME;
	case GT_ASKED_RECORDS:
	case GT_ASKED_RECALL:
		return reply == GT__REPLY__BODY_RECORDS;
	case GT_ASKED_ROSTER:
		return reply == GT__REPLY__BODY_ROSTER;
	case GT_ASKED_DOCUMENTS:
		return reply == GT__REPLY__BODY_DOCUMENTS;
	case GT_ASKED_SEEK:
		return reply == GT__REPLY__BODY_FOUND;
	case GT_ASKED_COMPARE:
		return reply == GT__REPLY__BODY_COMPARED;
	case GT_ASKED_OFFER:
	case GT_ASKED_CONTEST:
	case GT_ASKED_INVENTORY:
	case GT_ASKED_DONE:
		return reply == GT__REPLY__BODY_OK;
	case GT_ASKED_NONE:
	default:
		return false;
	}
}

static int on_error_reply(struct gt_node *n, const struct gt_asking *a,
                          const Gt__Error *m)
{
	char why[300];
	if (a->what == GT_ASKED_MANIFEST || a->what == GT_ASKED_FRAME)
		return gt_fetch_refused(n, a, m);
	if (a->what == GT_ASKED_DONE)
		return gt_transfer_put_off(n, a, m->retry_ms);
	if (a->what == GT_ASKED_RECORDS && m->retry_ms > 0)
		return gt_records_later(n, a, m->retry_ms);
	if (a->what == GT_ASKED_SEEK && m->retry_ms > 0)
		return gt_documents_unfound(n, a);
	if (a->what == GT_ASKED_DOCUMENTS && m->retry_ms > 0) {
		gt_documents_later(n, m->retry_ms);
		return 0;
	}
	if (a->what == GT_ASKED_RECALL && m->retry_ms > 0)
		return 0; /* it is asked for on the next link */
	if (a->what == GT_ASKED_HELLO && n->up->kind == GT__LINK__CHILD)
		gt_above_soon(n);
	gt_format(why, sizeof why, "the parent answered %s: %.200s",
	          gt_errname((int)m->code), m->text);
	return gt_drop(n, n->up, why);
}

static int on_fitting_reply(struct gt_node *n, const struct gt_asking *a,
                            const Gt__Reply *r, const struct gt_event *e)
{
	switch (a->what) {
	case GT_ASKED_HELLO:
		return gt_session_hello_reply(n, a, r->hello);
	case GT_ASKED_PROVE:
		return gt_session_prove_reply(n, r->prove);
	case GT_ASKED_CHANGES:
		return gt_follow_changes(n, r->changes);
	case GT_ASKED_MANIFEST:
		return gt_fetch_manifest(n, a, r->manifest, e->payload);
	case GT_ASKED_FRAME:
		return gt_fetch_frame(n, a, e);
	case GT_ASKED_RECORDS:
	case GT_ASKED_RECALL:
		return gt_records_reply(n, a, r->records);
	case GT_ASKED_INVENTORY:
		return gt_follow_inventory(n);
	case GT_ASKED_DONE:
		return gt_transfer_told(n, a);
	case GT_ASKED_CONTEST:
		return gt_contest_answered(n, a);
	case GT_ASKED_ROSTER:
		return gt_above_roster(n, a, r->roster);
	case GT_ASKED_DOCUMENTS:
		return gt_documents_reply(n, a, r->documents);
	case GT_ASKED_SEEK:
		return gt_documents_found(n, a, r->found);
	case GT_ASKED_COMPARE:
		return gt_records_compared(n, r->compared);
	case GT_ASKED_OFFER:
	case GT_ASKED_NONE:
	default:
		return 0;
	}
}

static int on_answer(struct gt_node *n, struct gt_peer *p,
                     const struct gt_event *e)
{
	struct gt_asking a;
	if (!gt_asked(n, e->token, &a))
		return 0; /* answered before, or asked on another link */
	Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(n->arena),
	                                 e->body.n, e->body.p);
	if (!r)
		return gt_drop(n, p, "malformed answer");
	if (r->body_case == GT__REPLY__BODY_ERROR)
		return on_error_reply(n, &a, r->error);
	if (!fits(a.what, r->body_case))
		return gt_drop(n, p, "answer does not fit the request");
	return on_fitting_reply(n, &a, r, e);
}

int gt_dispatch_message(struct gt_node *n, const struct gt_event *e)
{
	struct gt_peer *p = gt_peer_by_id(n, e->peer);
	if (!p)
		return 0; /* dropped earlier in this turn or the last */
	n->status.messages_in++;
	n->status.bytes_in += e->body.n + e->payload.n;
	p->heard_ms = n->now.mono_ms;
	int status = gt_expiry_look(n, p);
	if (status != 0 || !gt_peer_here(p))
		return status;
	if (e->status != 0 && !p->parent) {
		status = gt_send_error(n, p, e->token, GT_EMALFORMED,
		                       "not a message of this protocol", 0);
		return status ? status : gt_drop(n, p, "malformed message");
	}
	if (e->status != 0)
		return gt_drop(n, p, "malformed message");
	return p->parent ? on_answer(n, p, e) : on_request(n, p, e);
}
