/* contest.c: two bodies under one name.
 *
 * When two copies of a publisher ran, or an old state of it came back, nodes
 * below may hold what it signed and has forgotten: newer than what it sends, or
 * another body of the same version. Neither can win by itself. So the child
 * shows what it holds to its parent, the parent, if it knows no better, to its
 * own, until it reaches the publisher. What is shown is signed by the
 * publisher's own key: nobody can make it up. It issues its own anew, above
 * what it was shown (PROTOCOL.md M32). */
#include <string.h>

#include "lineage.h"

/* Beside all else that is under way; what is left out is shown when it is sent
 * again. */
enum { OUTSTANDING = GT_REQUESTS_MAX / 4 };

static int offer(struct gt_node *n, Gt__Offer *o)
{
	Gt__Request r = GT__REQUEST__INIT;
	struct gt_asking a = {.what = GT_ASKED_OFFER};
	bool full;
	if (!n->up || n->up->session != GT_S_READY ||
	    !gt_version_tokens(n->up->version) ||
	    n->asking_count >= OUTSTANDING)
		return 0;
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = o;
	return gt_ask(n, &r, &a, &full);
}

static int show(struct gt_node *n, struct gt_bytes sealed)
{
	Gt__Offer o = GT__OFFER__INIT;
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = {.in = sealed.p};
	o.item = (ProtobufCBinaryData){sealed.n, u.out};
	return offer(n, &o);
}

/* What was retracted has left its version behind, and no body to show. */
static int name(struct gt_node *n, const char *id, int64_t version)
{
	Gt__Offer o = GT__OFFER__INIT;
	union {
		const char *in;
		char *out;
	} u = {.in = id};
	o.given_up = u.out;
	o.version = (uint64_t)version;
	return offer(n, &o);
}

int gt_contest_refused(struct gt_node *n, const struct gt_claim *c, int result)
{
	struct gt_item held;
	bool found;
	if ((result != -GT_ESTALE && result != -GT_ECONFLICT) ||
	    c->kind == GT__KIND__MEMBER)
		return 0;
	int status = gt_item_get(n, c->kind, c->id, &held, &found);
	if (status != 0 || !found)
		return status;
	if (held.sealed.n > 0)
		return show(n, held.sealed);
	return c->kind == GT__KIND__RESOURCE ? name(n, c->id, held.version) : 0;
}

static bool contradicts(const struct gt_claim *c, const struct gt_item *held)
{
	return c->version > held->version || (c->version == held->version &&
	                                      !gt_id_eq(&c->hash, &held->hash));
}

bool gt_contest_concerns(const struct gt_node *n, const struct gt_claim *c)
{
	if (c->kind == GT__KIND__LAYER)
		return gt_code_within(n->code, c->id);
	return c->kind == GT__KIND__RESOURCE &&
	       gt_code_within(n->code, c->entry->publisher);
}

static int write_down(struct gt_node *n, const struct gt_peer *p, Gt__Kind kind,
                      const char *id, int64_t version, const char *detail)
{
	struct gt_audit row = {.event = "receive",
	                       .kind = kind == GT__KIND__LAYER ? "layer"
	                                                       : "resource",
	                       .subject = id,
	                       .version = version,
	                       .peer = p->code,
	                       .result = -GT_ECONFLICT,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

int gt_contest_named(struct gt_node *n, struct gt_peer *p, const char *id,
                     uint64_t version)
{
	struct gt_item held;
	bool found;
	char publisher[GT_CODE_MAX + 1];
	if (!gt_rid_publisher(publisher, id) ||
	    !gt_code_within(n->code, publisher) || version > INT64_MAX)
		return gt_drop(n, p, "an Offer of what is not from above");
	int status = gt_item_get(n, GT__KIND__RESOURCE, id, &held, &found);
	if (status != 0 || !found || (int64_t)version < held.version)
		return status;
	status = write_down(n, p, GT__KIND__RESOURCE, id, (int64_t)version,
	                    "given up below, and not known here");
	if (status != 0)
		return status;
	return strcmp(publisher, n->code) == 0
	               ? gt_publish_again(n, GT__KIND__RESOURCE, id,
	                                  (int64_t)version)
	               : name(n, id, (int64_t)version);
}

int gt_contest_shown(struct gt_node *n, const struct gt_peer *p,
                     const struct gt_claim *c)
{
	struct gt_item held;
	bool found;
	const char *publisher =
	        c->kind == GT__KIND__LAYER ? c->id : c->entry->publisher;
	int status = gt_item_get(n, c->kind, c->id, &held, &found);
	if (status != 0 || !found || !contradicts(c, &held))
		return status;
	status = write_down(n, p, c->kind, c->id, c->version,
	                    "held below, and not known here");
	if (status != 0)
		return status;
	return strcmp(publisher, n->code) == 0
	               ? gt_publish_again(n, c->kind, c->id, c->version)
	               : show(n, c->sealed);
}
