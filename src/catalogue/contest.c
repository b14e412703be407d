/* contest.c: two bodies under one name.
 *
 * When two copies of a publisher ran, or an old state of it came back, nodes
 * below may hold what it signed and has forgotten: newer than what it sends, or
 * another body of the same version. Neither can win by itself. So the child
 * shows what it holds to its parent, the parent, if it knows no better, to its
 * own, until it reaches the publisher. What is shown is signed by the
 * publisher's own key: nobody can make it up. It issues its own anew, above
 * what it was shown (PROTOCOL.md M32). */
#include "catalogue_inside.h"
#include "draw.h"

#include <string.h>

/* Beside all else that is under way. */
enum { OUTSTANDING = GT_REQUESTS_MAX / 4 };

/* Who waits for the answer: a child, or this node itself (p NULL). */
struct asker {
	const struct gt_peer *p;
	uint64_t token;
};

static int put_parent_epoch(struct gt_node *n, const uint8_t *epoch)
{
	return gt_meta_put_bytes(n->store, "parent_epoch",
	                         gt_bytes_of(epoch, GT_EPOCH_BYTES));
}

int gt_contest_all(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	gt_draw(n, c->parent_epoch, sizeof c->parent_epoch);
	return put_parent_epoch(n, c->parent_epoch);
}

/* What the parent sent is acknowledged, so that it is not sent again: until
 * what was shown is answered, the database names an epoch that no parent has,
 * and a link or a life that ends first makes us compare everything anew. */
static int keep_in_mind(struct gt_node *n)
{
	uint8_t other[GT_EPOCH_BYTES];
	if (n->catalogue->contest)
		return 0;
	n->catalogue->contest = true;
	gt_draw(n, other, sizeof other);
	return put_parent_epoch(n, other);
}

/* *asked: the answer to `from` comes with the parent's. */
static int offer(struct gt_node *n, Gt__Offer *o, struct asker from,
                 bool *asked)
{
	Gt__Request r = GT__REQUEST__INIT;
	struct gt_asking a = {.what = GT_ASKED_CONTEST,
	                      .frame = from.p ? from.p->id : 0,
	                      .upto = from.token};
	bool full = false;
	if (!n->up || !gt_version_tokens(n->up->version))
		return 0;
	*asked = true;
	if (n->up->session != GT_S_READY ||
	    n->catalogue->contests >= OUTSTANDING) {
		n->catalogue->contests_left = true;
		return from.p ? 0 : keep_in_mind(n);
	}
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = o;
	int status = from.p ? 0 : keep_in_mind(n);
	if (status == 0)
		status = gt_ask(n, &r, &a, &full);
	n->catalogue->contests += status == 0 && !full;
	n->catalogue->contests_left = n->catalogue->contests_left || full;
	return status;
}

static int show(struct gt_node *n, struct gt_bytes sealed, struct asker from,
                bool *asked)
{
	Gt__Offer o;
	gt__offer__init(&o);
	o.item = gt_lend_bytes(sealed);
	return offer(n, &o, from, asked);
}

/* What was retracted has left its version behind, and no body to show. */
static int name(struct gt_node *n, const char *id, int64_t version,
                struct asker from, bool *asked)
{
	Gt__Offer o;
	gt__offer__init(&o);
	o.given_up = gt_lend(id);
	o.version = (uint64_t)version;
	return offer(n, &o, from, asked);
}

int gt_contest_answered(struct gt_node *n, const struct gt_asking *a)
{
	struct gt_peer *p = a->frame ? gt_peer_by_id(n, a->frame) : NULL;
	int status = p ? gt_send_ok(n, p, a->upto) : 0;
	assert(n->catalogue->contests > 0);
	n->catalogue->contests--;
	if (status != 0 || n->catalogue->contests > 0)
		return status;
	if (n->catalogue->contests_left)
		return gt_drop(n, n->up, "more to show than could be asked");
	if (!n->catalogue->contest)
		return 0;
	n->catalogue->contest = false;
	return put_parent_epoch(n, n->catalogue->parent_epoch);
}

int gt_contest_down(struct gt_node *n)
{
	struct gt_bytes b;
	bool open = n->catalogue->contest;
	n->catalogue->contest = n->catalogue->contests_left = false;
	n->catalogue->contests = 0;
	if (!open)
		return 0;
	int status = gt_meta_get_bytes(n->store, "parent_epoch", n->arena, &b);
	if (status == 0 && b.n == GT_EPOCH_BYTES)
		memcpy(n->catalogue->parent_epoch, b.p, b.n);
	return status;
}

int gt_contest_refused(struct gt_node *n, const struct gt_claim *c, int result)
{
	const struct asker us = {0};
	struct gt_item held;
	bool found, asked;
	if ((result != -GT_ESTALE && result != -GT_ECONFLICT) ||
	    c->kind == GT__KIND__MEMBER)
		return 0;
	int status = gt_item_get(n, c->kind, c->id, &held, &found);
	if (status != 0 || !found)
		return status;
	if (held.sealed.n > 0)
		return show(n, held.sealed, us, &asked);
	return c->kind == GT__KIND__RESOURCE
	               ? name(n, c->id, held.version, us, &asked)
	               : 0;
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
	                       .kind = gt_kind_name(kind),
	                       .subject = id,
	                       .version = version,
	                       .peer = p->code,
	                       .result = -GT_ECONFLICT,
	                       .detail = detail};
	return gt_audit_told(n, p->code, &row, NULL);
}

/* Whether the child was given that resource: what it was never told of it has
 * not given up. A claim (judge.c) has no number. */
static int given(struct gt_node *n, const struct gt_peer *p, int64_t rid,
                 bool *yes)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_VIEW_GET, "ii",
	                                 p->child.cid, rid);
	int row = gt_store_step(n->store, GT_SQL_VIEW_GET);
	*yes = row == 1 && gt_col_int(st, 0) > 0 && gt_col_int(st, 2) > GT_DENY;
	gt_store_reset(n->store, GT_SQL_VIEW_GET);
	return row < 0 ? row : 0;
}

int gt_contest_named(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const char *id, uint64_t version)
{
	const struct asker child = {p, token};
	struct gt_item held;
	bool found, asked = false;
	char publisher[GT_CODE_MAX + 1];
	if (!gt_rid_publisher(publisher, id) ||
	    !gt_code_within(n->code, publisher) || version > INT64_MAX)
		return gt_drop(n, p, "an Offer of what is not from above");
	bool yes = false;
	int status = gt_item_get(n, GT__KIND__RESOURCE, id, &held, &found);
	if (status == 0 && found)
		status = given(n, p, held.rid, &yes);
	if (status != 0)
		return status;
	if (!yes || (int64_t)version < held.version)
		return gt_send_ok(n, p, token);
	status = write_down(n, p, GT__KIND__RESOURCE, id, (int64_t)version,
	                    "given up below, and not known here");
	if (status == 0 && strcmp(publisher, n->code) == 0)
		status = gt_again(n, id, held.version, (int64_t)version);
	else if (status == 0)
		status = name(n, id, (int64_t)version, child, &asked);
	return status || asked ? status : gt_send_ok(n, p, token);
}

int gt_contest_shown(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                     const struct gt_claim *c)
{
	const struct asker child = {p, token};
	struct gt_item held;
	bool found, asked = false;
	const char *publisher =
	        c->kind == GT__KIND__LAYER ? c->id : c->entry->publisher;
	int status = gt_item_get(n, c->kind, c->id, &held, &found);
	if (status != 0)
		return status;
	if (!found || !contradicts(c, &held))
		return gt_send_ok(n, p, token);
	status = write_down(n, p, c->kind, c->id, c->version,
	                    "held below, and not known here");
	if (status == 0 && strcmp(publisher, n->code) == 0)
		status = gt_publish_again(n, c->kind, c->id, c->version);
	else if (status == 0)
		status = show(n, c->sealed, child, &asked);
	return status || asked ? status : gt_send_ok(n, p, token);
}
