/* cap.c: the parent gives no more than the layers here allow.
 *
 * A node holds every layer that binds it, its own and those of all above. So it
 * meets them itself, and what the parent says of a resource holds only as far
 * as they allow: a node in the middle can narrow, and not widen. What the
 * parent said beyond that is kept (table `said`), for the parent does not say
 * it again when the layers change.
 *
 * When they do, or time passes over rules that look at age, all that is here is
 * met again, some rows at each GT_EV_TIME. Of what was denied the words are
 * gone; if any such is left the parent is asked to compare everything anew.
 * Tests: u_cap.c. */
#include "catalogue_inside.h"
#include "draw.h"

#include <string.h>

enum { CAP_ROWS = 512 };

static const struct gt_decision nothing = {GT_DENY, 0, "", ""};

/* ------------------------------------------------- what the layers say */

/* No more than the layers here allow of what is said. True: it was more. */
static bool narrow(struct gt_node *n, const Gt__Entry *entry,
                   struct gt_decision *d)
{
	const struct gt_layer *layers[GT_LAYERS_MAX];
	const struct gt_receiver us = {n->code, n->level};
	for (size_t i = 0; i < n->catalogue->nlayers; i++)
		layers[i] = n->catalogue->layers[i].layer;
	struct gt_decision least = gt_policy_meet(layers, n->catalogue->nlayers,
	                                          entry, &us, n->now.wall_ms);
	if (least.verdict >= d->verdict)
		return false;
	*d = least;
	return true;
}

/* ----------------------------------------------- what the parent said */

static int said_put(struct gt_node *n, const char *id,
                    const struct gt_decision *d)
{
	gt_store_bind(n->store, GT_SQL_SAID_PUT, "tiitt", id,
	              (int64_t)d->verdict, (int64_t)d->priority, d->rule,
	              d->layer);
	n->catalogue->said = true;
	return gt_store_run(n->store, GT_SQL_SAID_PUT);
}

int gt_cap_forget(struct gt_node *n, const char *id)
{
	if (!n->catalogue->said)
		return 0; /* there is no row at all */
	gt_store_bind(n->store, GT_SQL_SAID_DROP, "t", id);
	return gt_store_run(n->store, GT_SQL_SAID_DROP);
}

int gt_cap_forget_all(struct gt_node *n)
{
	if (!n->catalogue->said)
		return 0;
	n->catalogue->said = false;
	gt_store_bind(n->store, GT_SQL_SAID_CLEAR, "");
	return gt_store_run(n->store, GT_SQL_SAID_CLEAR);
}

/* Into d, if the layers keep the item below it now. */
static int said_get(struct gt_node *n, const struct gt_item *item,
                    struct gt_decision *d)
{
	if (!n->catalogue->said)
		return 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SAID_GET, "ii",
	                                 item->rid, item->seq);
	int row = gt_store_step(n->store, GT_SQL_SAID_GET);
	if (row == 1)
		*d = (struct gt_decision){
		        (enum gt_verdict)gt_col_int(st, 0),
		        (uint32_t)gt_col_int(st, 1),
		        gt_arena_str(n->arena, gt_col_text(st, 2)),
		        gt_arena_str(n->arena, gt_col_text(st, 3))};
	gt_store_reset(n->store, GT_SQL_SAID_GET);
	if (row == 1 && (!d->rule || !d->layer))
		return -GT_ENOMEM;
	return row < 0 ? row : 0;
}

/* -------------------------------------------------------------- taking */

static int audit(struct gt_node *n, const struct gt_claim *c,
                 const struct gt_decision *d, const struct gt_decision *said)
{
	char detail[64];
	gt_format(detail, sizeof detail, "the parent said %s",
	          gt_verdict_name(said->verdict));
	struct gt_audit row = {.event = "cap",
	                       .kind = "resource",
	                       .subject = c->id,
	                       .version = c->version,
	                       .peer = gt_up_code(n),
	                       .verdict = gt_verdict_name(d->verdict),
	                       .rule = d->rule,
	                       .layer = d->layer,
	                       .detail = detail};
	n->status.capped++;
	return gt_audit_fed(n, n->parent, &row);
}

/* The claim is taken under what is left of the said decision. */
static int take(struct gt_node *n, const struct gt_claim *c,
                const struct gt_decision *said, int *result, bool *capped)
{
	struct gt_decision d = *said;
	struct gt_claim name = {.kind = c->kind,
	                        .id = c->id,
	                        .version = c->version,
	                        .state = c->state,
	                        .hash = c->hash};
	*capped = narrow(n, c->entry, &d);
	bool words = d.verdict > GT_DENY; /* else only the name stays */
	int status = gt_item_take(n, words ? c : &name, words ? &d : &nothing,
	                          false, result);
	if (status != 0 || *result != 0)
		return status;
	if (!*capped)
		return gt_cap_forget(n, c->id);
	status = said_put(n, c->id, said);
	return status ? status : audit(n, c, &d, said);
}

int gt_cap_take(struct gt_node *n, const struct gt_claim *c,
                const struct gt_decision *said, int *result)
{
	bool capped;
	int status = take(n, c, said, result, &capped);
	if (status != 0 || *result != 0 || !capped)
		return status;
	if (n->catalogue->ncapped++ == 0)
		gt_copy(n->catalogue->capped_first,
		        sizeof n->catalogue->capped_first, c->id);
	return 0;
}

int gt_cap_tell(struct gt_node *n)
{
	size_t count = n->catalogue->ncapped;
	n->catalogue->ncapped = 0;
	if (count == 0)
		return 0;
	return gt_log(n, GT_LOG_WARN,
	              "%s gives this node more than its own and the layers "
	              "above allow, of %zu resource(s), first %s: held back "
	              "here. If no rule was changed just now, look at what "
	              "that node does",
	              gt_up_code(n), count, n->catalogue->capped_first);
}

/* ------------------------------------------------- all that is here */

static bool same(const struct gt_item *item, const struct gt_decision *d)
{
	return item->verdict == d->verdict && item->priority == d->priority &&
	       strcmp(item->rule, d->rule) == 0 &&
	       strcmp(item->layer, d->layer) == 0;
}

static int meet_again(struct gt_node *n, const struct gt_item *item)
{
	struct gt_decision said = {item->verdict, item->priority, item->rule,
	                           item->layer};
	int result;
	bool capped;
	if (item->own)
		return 0;
	int status = said_get(n, item, &said);
	if (status != 0)
		return status;
	if (item->verdict == GT_DENY) {
		n->catalogue->missed =
		        n->catalogue->missed || said.verdict > GT_DENY;
		return 0;
	}
	Gt__Entry *entry = gt_item_entry(n, item->sealed);
	if (!entry)
		return gt_arena_short(n->arena) ? -GT_ENOMEM : 0;
	struct gt_decision d = said;
	(void)narrow(n, entry, &d);
	if (same(item, &d))
		return 0;
	struct gt_claim c = {.kind = GT__KIND__RESOURCE,
	                     .id = item->id,
	                     .version = item->version,
	                     .state = item->state,
	                     .hash = item->hash,
	                     .sealed = item->sealed,
	                     .entry = entry};
	return take(n, &c, &said, &result, &capped);
}

/* Read first, as in judge.c: taking writes to what is walked. */
static int some_again(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	struct gt_item *items =
	        gt_arena_get(n->arena, CAP_ROWS * sizeof *items);
	size_t got = 0;
	int row = 0, status = 0;
	if (!items)
		return -GT_ENOMEM;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEMS_AFTER, "iii",
	                                 (int64_t)GT__KIND__RESOURCE, c->met_to,
	                                 (int64_t)CAP_ROWS);
	while (status == 0 && got < CAP_ROWS &&
	       (row = gt_store_step(n->store, GT_SQL_ITEMS_AFTER)) == 1)
		status = gt_item_of_row(n, st, &items[got++]);
	gt_store_reset(n->store, GT_SQL_ITEMS_AFTER);
	if (row < 0)
		return row;
	for (size_t i = 0; status == 0 && i < got; i++) {
		status = meet_again(n, &items[i]);
		c->met_to = items[i].seq;
	}
	if (got < CAP_ROWS)
		c->met_to = c->seq[GT__KIND__RESOURCE];
	return status;
}

/* The words of what may be held again are gone, and the parent believes that
 * they are here. */
static int compare(struct gt_node *n)
{
	n->catalogue->missed = false;
	int status = gt_contest_all(n);
	if (status == 0 && n->up)
		status = gt_drop(n, n->up,
		                 "the layers changed: all is compared");
	return status;
}

static int finish(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	c->meeting = false;
	int status = gt_meta_put_bytes(n->store, "met",
	                               gt_bytes_of(c->met_by.b, GT_ID_BYTES));
	if (status == 0)
		status = gt_meta_put(n->store, "met_to", c->met_to);
	return status || !c->missed ? status : compare(n);
}

void gt_cap_anew(struct gt_node *n)
{
	n->catalogue->met_to = 0;
	n->catalogue->meeting = *n->parent != '\0';
}

/* They were loaded anew: if they are others, all is met again. */
static void look(struct gt_node *n)
{
	struct gt_id by;
	n->catalogue->met_generation = n->catalogue->layers_generation;
	gt_layers_hash(n, n->code, &by);
	if (gt_id_eq(&by, &n->catalogue->met_by))
		return;
	n->catalogue->met_by = by;
	gt_cap_anew(n);
}

bool gt_cap_due(const struct gt_node *n)
{
	const struct gt_catalogue *c = n->catalogue;
	return *n->parent &&
	       (c->meeting || c->met_generation != c->layers_generation);
}

int gt_cap_time(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	if (!gt_cap_due(n))
		return 0;
	if (c->met_generation != c->layers_generation)
		look(n);
	if (!c->meeting)
		return 0;
	int status = some_again(n);
	if (status == 0 && c->met_to >= c->seq[GT__KIND__RESOURCE])
		status = finish(n);
	return status;
}

int gt_cap_load(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	struct gt_bytes b;
	int status = gt_meta_get_bytes(n->store, "met", n->arena, &b);
	if (status == 0 && b.n == GT_ID_BYTES)
		memcpy(c->met_by.b, b.p, GT_ID_BYTES);
	if (status == 0)
		status = gt_meta_get(n->store, "met_to", 0, &c->met_to);
	if (c->met_to > c->seq[GT__KIND__RESOURCE])
		c->met_to = 0;
	look(n);
	/* what came after that was met when it came, unless another program
	 * took it in */
	c->meeting = *n->parent && c->met_to < c->seq[GT__KIND__RESOURCE];
	gt_store_bind(n->store, GT_SQL_SAID_ANY, "");
	int row = status ? status : gt_store_step(n->store, GT_SQL_SAID_ANY);
	c->said = row == 1;
	gt_store_reset(n->store, GT_SQL_SAID_ANY);
	return row < 0 ? row : 0;
}
