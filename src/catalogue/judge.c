/* judge.c: for each child, which items of the feed it may have.
 *
 * The view holds a verdict for each (child, item) and the number of the change
 * that carried it, so that what a child must be told is a difference, whatever
 * caused it: a new item, an update (judged by its old and its new image), a
 * rule change, time passing. Members and layers are always judged before
 * resources: no child ever has an entry without the layers it was judged by.
 * Tests: u_judge.c, u_policy_model.c. */
#include "catalogue_inside.h"

#include <string.h>

enum { JUDGE_ROWS = 512, JUDGE_AT_ONCE = 2048, JUDGE_AHEAD = 4096 };

struct row {
	bool known;
	int64_t vseq, seq;
	struct gt_decision d;
};

static int view_get(struct gt_node *n, const struct gt_peer *c, int64_t rid,
                    struct row *out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_VIEW_GET, "ii",
	                                 c->child.cid, rid);
	int got = gt_store_step(n->store, GT_SQL_VIEW_GET);
	*out = (struct row){.known = got == 1};
	if (got == 1) {
		out->vseq = gt_col_int(st, 0);
		out->seq = gt_col_int(st, 1);
		out->d.verdict = (enum gt_verdict)gt_col_int(st, 2);
		out->d.priority = (uint32_t)gt_col_int(st, 3);
		out->d.rule = gt_arena_str(n->arena, gt_col_text(st, 4));
		out->d.layer = gt_arena_str(n->arena, gt_col_text(st, 5));
	}
	gt_store_reset(n->store, GT_SQL_VIEW_GET);
	if (got == 1 && (!out->d.rule || !out->d.layer))
		return -GT_ENOMEM;
	return got < 0 ? got : 0;
}

static int view_put(struct gt_node *n, const struct gt_peer *c, int64_t rid,
                    int64_t vseq, int64_t seq, const struct gt_decision *d)
{
	gt_store_bind(n->store, GT_SQL_VIEW_PUT, "iiiiiitt", c->child.cid, rid,
	              vseq, seq, (int64_t)d->verdict, (int64_t)d->priority,
	              d->rule, d->layer);
	return gt_store_run(n->store, GT_SQL_VIEW_PUT);
}

static int audit(struct gt_node *n, const struct gt_peer *c,
                 const struct gt_item *item, const struct gt_decision *d,
                 int64_t vseq)
{
	char change[GT_CHANGE_NAME] = "";
	if (vseq > 0)
		gt_change_name(change, n->epoch, vseq);
	struct gt_audit row = {.event = "judge",
	                       .kind = gt_kind_name(item->kind),
	                       .subject = item->id,
	                       .version = item->version,
	                       .peer = c->code,
	                       .verdict = gt_verdict_name(d->verdict),
	                       .rule = d->rule,
	                       .layer = d->layer,
	                       .transfer = change};
	return c->child.judged_all ? gt_audit_row(n, &row)
	                           : gt_audit_fed(n, c->code, &row);
}

/* --------------------------------------------------------- deciding */

/* Members travel to those they matter to: publishers, and the second nodes of a
 * place, to everyone, a node's row to those above and below it, whichever node
 * of its place. */
enum gt_verdict gt_judge_member(const struct gt_item *item,
                                const struct gt_peer *c)
{
	bool suffixed = strchr(item->id, '-') != NULL;
	char place[GT_CODE_MAX + 1];
	gt_code_place(place, c->code);
	return suffixed || gt_code_within(c->code, item->id) ||
	                       gt_code_within(item->id, place)
	               ? GT_MIRROR
	               : GT_DENY;
}

static enum gt_verdict layer_verdict(const struct gt_item *item,
                                     const struct gt_peer *c)
{
	return strcmp(item->id, c->code) != 0 &&
	                       gt_code_within(c->code, item->id)
	               ? GT_MIRROR
	               : GT_DENY;
}

static struct gt_decision decide_resource(struct gt_node *n,
                                          const struct gt_peer *c,
                                          const struct gt_item *item,
                                          const struct row *old)
{
	struct gt_decision d = {GT_DENY, 0, "", ""};
	const struct gt_layer *layers[GT_LAYERS_MAX];
	const Gt__Entry *entry =
	        item->sealed.n ? gt_item_entry(n, item->sealed) : NULL;
	if (item->verdict == GT_DENY || !entry)
		return d;
	bool withdrawn = item->state == GT__STATE__WITHDRAWN;
	if (withdrawn && (!old->known || old->d.verdict == GT_DENY))
		return d; /* told to those who had it, and to nobody else */
	assert(n->catalogue->nlayers <= GT_LAYERS_MAX);
	for (size_t i = 0; i < n->catalogue->nlayers; i++)
		layers[i] = n->catalogue->layers[i].layer;
	d = gt_policy_meet(layers, n->catalogue->nlayers, entry,
	                   &c->child.receiver, n->now.wall_ms);
	enum gt_verdict ceiling = gt_verdict_ceiling(item->verdict);
	if (d.verdict > ceiling) {
		/* What holds the parent back holds the child back. */
		d.verdict = ceiling;
		d.rule = item->rule;
		d.layer = item->layer;
	}
	if (withdrawn && d.verdict > GT_DENY)
		d = (struct gt_decision){GT_METADATA, 0, "", ""};
	return d;
}

/* What a child says it holds under a verdict. What was judged has the number of
 * the change that carried it. */
static bool only_claimed(const struct row *old)
{
	return old->vseq == 0 && old->d.verdict > GT_DENY;
}

static bool same(const struct row *old, const struct gt_decision *d,
                 const struct gt_item *item)
{
	if (!old->known || only_claimed(old))
		return false;
	if (d->verdict == GT_DENY && old->d.verdict == GT_DENY)
		return strcmp(old->d.rule, d->rule) == 0 &&
		       strcmp(old->d.layer, d->layer) == 0;
	return old->seq == item->seq && old->d.verdict == d->verdict &&
	       old->d.priority == d->priority &&
	       strcmp(old->d.rule, d->rule) == 0 &&
	       strcmp(old->d.layer, d->layer) == 0;
}

/* Whether anything follows from our not knowing of it: not before our parent
 * has told us everything, and never if we published it ourselves and lost
 * it. */
static bool stranger_known(const struct gt_node *n, const struct gt_item *item)
{
	char publisher[GT_CODE_MAX + 1];
	return n->status.synced && gt_rid_publisher(publisher, item->id) &&
	       strcmp(publisher, n->code) != 0;
}

static int judge_item(struct gt_node *n, struct gt_peer *c,
                      const struct gt_item *item)
{
	struct row old;
	struct gt_decision d = {GT_DENY, 50, "", ""};
	int64_t vseq = 0;
	int status = 0;
	if (item->version == 0 && !stranger_known(n, item))
		return 0;
	status = view_get(n, c, item->rid, &old);
	if (status != 0)
		return status;
	if (item->kind == GT__KIND__RESOURCE)
		d = decide_resource(n, c, item, &old);
	else if (item->kind == GT__KIND__LAYER)
		d.verdict = layer_verdict(item, c);
	else
		d.verdict = gt_judge_member(item, c);
	if (same(&old, &d, item))
		return 0;
	if (item->kind != GT__KIND__RESOURCE && d.verdict == GT_DENY &&
	    !old.known)
		return 0;
	if (d.verdict > GT_DENY || (old.known && old.d.verdict > GT_DENY))
		vseq = ++c->child.vseq;
	else if (old.known)
		vseq = old.vseq; /* a retraction not yet acknowledged stays */
	status = view_put(n, c, item->rid, vseq, item->seq, &d);
	return status ? status : audit(n, c, item, &d, vseq);
}

/* Judges up to JUDGE_ROWS items after *from; *some tells whether there were
 * any. The rows are read first: judging writes to the view while the cursor
 * would be open, and decodes into the same arena. */
static int judge_after(struct gt_node *n, struct gt_peer *c, Gt__Kind kind,
                       int64_t *from, size_t *count)
{
	struct gt_item *items =
	        gt_arena_get(n->arena, JUDGE_ROWS * sizeof *items);
	size_t got = 0;
	int row = 0, status = 0;
	if (!items)
		return -GT_ENOMEM;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_ITEMS_AFTER, "iii",
	                      (int64_t)kind, *from, (int64_t)JUDGE_ROWS);
	while (status == 0 && got < JUDGE_ROWS &&
	       (row = gt_store_step(n->store, GT_SQL_ITEMS_AFTER)) == 1)
		status = gt_item_of_row(n, st, &items[got++]);
	gt_store_reset(n->store, GT_SQL_ITEMS_AFTER);
	if (row < 0)
		status = row;
	for (size_t i = 0; status == 0 && i < got; i++) {
		status = judge_item(n, c, &items[i]);
		*from = items[i].seq;
	}
	*count = got;
	return status;
}

/* --------------------------------------------------------- progress */

bool gt_judge_due(const struct gt_node *n, const struct gt_peer *c)
{
	return c->child.judged_members < n->catalogue->seq[GT__KIND__MEMBER] ||
	       c->child.judged_layers < n->catalogue->seq[GT__KIND__LAYER] ||
	       c->child.judged < n->catalogue->seq[GT__KIND__RESOURCE] ||
	       c->child.layers_generation != n->catalogue->layers_generation;
}

bool gt_judge_ahead(const struct gt_node *n, const struct gt_peer *c)
{
	return gt_peer_here(c) && !c->parent && c->following &&
	       !c->child.parked &&
	       c->child.vseq - c->child.acked < JUDGE_AHEAD &&
	       gt_judge_due(n, c);
}

static int judge_all(struct gt_node *n, struct gt_peer *c, Gt__Kind kind,
                     int64_t *from)
{
	size_t count = 1;
	int status = 0;
	while (status == 0 && count > 0 && *from < n->catalogue->seq[kind])
		status = judge_after(n, c, kind, from, &count);
	*from = n->catalogue->seq[kind];
	return status;
}

void gt_judge_current(const struct gt_node *n, struct gt_peer *c)
{
	struct gt_id filter;
	if (c->child.layers_generation == n->catalogue->layers_generation)
		return;
	gt_layers_hash(n, c->code, &filter);
	if (!gt_id_eq(&filter, &c->child.filter)) {
		c->child.judged = 0;
		c->child.allowed = (struct gt_id){0};
	}
	c->child.filter = filter;
	c->child.layers_generation = n->catalogue->layers_generation;
}

void gt_judge_layers(struct gt_node *n)
{
	for (uint32_t i = 0; i < n->npeers; i++)
		if (n->peers[i].child.cid)
			gt_judge_current(n, &n->peers[i]);
}

int gt_judge(struct gt_node *n, struct gt_peer *c, bool *more)
{
	size_t judged = 0, count = 1;
	*more = false;
	gt_judge_current(n, c);
	int status =
	        judge_all(n, c, GT__KIND__MEMBER, &c->child.judged_members);
	if (status == 0)
		status = judge_all(n, c, GT__KIND__LAYER,
		                   &c->child.judged_layers);
	while (status == 0 && count > 0 && judged < JUDGE_AT_ONCE &&
	       c->child.judged < n->catalogue->seq[GT__KIND__RESOURCE]) {
		status = judge_after(n, c, GT__KIND__RESOURCE, &c->child.judged,
		                     &count);
		judged += count;
		if (count == 0)
			c->child.judged = n->catalogue->seq[GT__KIND__RESOURCE];
	}
	*more = c->child.judged < n->catalogue->seq[GT__KIND__RESOURCE];
	c->child.judged_all = c->child.judged_all || !*more;
	return status ? status : gt_peer_save(n, c);
}

void gt_judge_anew(struct gt_node *n)
{
	for (uint32_t i = 0; i < n->npeers; i++)
		n->peers[i].child.judged = 0;
}

/* -------------------------------------------------------- inventory */

/* A name to remember: what came from here, or through here, once. */
static bool may_be_stranger(const struct gt_peer *c,
                            const Gt__Inventory__Row *r)
{
	char publisher[GT_CODE_MAX + 1];
	return r->verdict != GT__VERDICT__DENY && gt_rid_valid(r->id) &&
	       gt_rid_publisher(publisher, r->id) &&
	       !gt_code_within(publisher, c->code);
}

static int inventory_row(struct gt_node *n, struct gt_peer *c,
                         const Gt__Inventory__Row *r)
{
	struct gt_item item;
	bool found;
	int status = gt_item_get(n, GT__KIND__RESOURCE, r->id, &item, &found);
	if (status == 0 && !found && may_be_stranger(c, r)) {
		status = gt_item_stranger(n, r->id);
		if (status == 0)
			status = gt_item_get(n, GT__KIND__RESOURCE, r->id,
			                     &item, &found);
	}
	if (status != 0 || !found)
		return status;
	struct gt_decision d = {GT_DENY, 0, "", ""};
	if (r->verdict >= GT__VERDICT__METADATA &&
	    r->verdict <= GT__VERDICT__MIRROR)
		d.verdict = (enum gt_verdict)r->verdict;
	/* seq 0: some other image than ours; it will be sent again. */
	bool equal = r->hash.len == GT_ID_BYTES &&
	             memcmp(r->hash.data, item.hash.b, GT_ID_BYTES) == 0;
	return view_put(n, c, item.rid, 0, equal ? item.seq : 0, &d);
}

int gt_judge_inventory(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Inventory *m)
{
	int status = 0;
	if (m->n_rows > GT_INVENTORY_ROWS)
		return gt_drop(n, p, "an inventory page over the limit");
	if (m->first) {
		gt_store_bind(n->store, GT_SQL_VIEW_CLEAR, "i", p->child.cid);
		status = gt_store_run(n->store, GT_SQL_VIEW_CLEAR);
		p->child.acked = 0; /* no number of an epoch is given twice */
		p->child.judged = p->child.judged_members =
		        p->child.judged_layers = 0;
		p->child.allowed = (struct gt_id){0};
		p->following = false;
	}
	p->child.judged_all = false; /* whatever page it is */
	for (size_t i = 0; status == 0 && i < m->n_rows; i++)
		status = inventory_row(n, p, m->rows[i]);
	if (status == 0)
		status = gt_peer_save(n, p);
	return status ? status : gt_send_ok(n, p, token);
}
