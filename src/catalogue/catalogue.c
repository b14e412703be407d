/* catalogue.c: the room as one. */
#include "catalogue_inside.h"

#include <stdlib.h>
#include <string.h>

struct gt_catalogue *gt_catalogue_new(void)
{
	struct gt_catalogue *c = calloc(1, sizeof *c);
	if (c)
		c->counts.changes = -1;
	return c;
}

void gt_catalogue_free(struct gt_catalogue *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < GT_PENDING_MAX; i++)
		free(c->pending[i].copy);
	for (size_t i = 0; i < c->nlayers; i++)
		gt_layer_free(c->layers[i].layer);
	free(c->layers);
	free(c);
}

static int load_seq(struct gt_node *n, Gt__Kind kind)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEM_MAX_SEQ, "i",
	                                 (int64_t)kind);
	int row = gt_store_step(n->store, GT_SQL_ITEM_MAX_SEQ);
	if (row < 0)
		return row;
	n->catalogue->seq[kind] = gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_ITEM_MAX_SEQ);
	return 0;
}

int gt_revoked(struct gt_node *n, const char *code, bool *revoked)
{
	struct gt_item row;
	bool found;
	int status = gt_item_get(n, GT__KIND__MEMBER, code, &row, &found);
	*revoked = status == 0 && found && row.state != GT__STANDING__ACTIVE;
	return status;
}

int gt_catalogue_load(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	struct gt_bytes b;
	int status = gt_meta_get_bytes(n->store, "parent_epoch", n->arena, &b);
	if (status == 0 && b.n == sizeof c->parent_epoch)
		memcpy(c->parent_epoch, b.p, b.n);
	if (status == 0)
		status = gt_meta_get(n->store, "version_floor", 1,
		                     &c->version_floor);
	if (status == 0)
		status = gt_meta_get(n->store, "cursor", 0, &c->cursor);
	if (status == 0)
		status = gt_item_strangers(n);
	if (status == 0)
		status = gt_entries_load(n);
	for (int kind = GT__KIND__RESOURCE;
	     status == 0 && kind <= GT__KIND__MEMBER; kind++)
		status = load_seq(n, (Gt__Kind)kind);
	if (status == 0)
		status = gt_layers_load(n);
	if (status == 0)
		status = gt_revoked(n, n->code, &n->status.revoked);
	if (status == 0)
		status = gt_revoked(n, n->parent, &n->status.parent_revoked);
	if (status == 0)
		status = gt_date_load(n);
	if (status == 0)
		status = gt_signer_load(n);
	if (status == 0)
		status = gt_again_load(n);
	if (status == 0)
		status = gt_cap_load(n);
	return status ? status : gt_heal_time(n);
}

int gt_catalogue_renew(struct gt_node *n)
{
	int status = gt_contest_all(n);
	return status ? status : gt_publish_renew(n);
}

int gt_catalogue_time(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	if (c->ages && n->now.mono_ms >= c->age_due) {
		c->age_due = n->now.mono_ms + GT_AGE_MS;
		gt_judge_anew(n);
		gt_cap_anew(n);
	}
	int status = gt_again_time(n);
	if (status == 0)
		status = gt_cap_time(n);
	return status ? status : gt_heal_time(n);
}

int gt_catalogue_go(struct gt_node *n)
{
	int status = gt_date_look(n);
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		bool more;
		if (gt_peer_here(p) && p->child.parked)
			status = gt_feed_parked(n, p);
		else if (gt_judge_ahead(n, p))
			status = gt_judge(n, p, &more);
	}
	return status;
}

uint64_t gt_catalogue_deadline(const struct gt_node *n)
{
	uint64_t at = gt_cap_due(n) ? 0 : gt_date_deadline(n);
	if (n->catalogue->again_due)
		at = gt_sooner(at, n->catalogue->again_due);
	for (uint32_t i = 0; i < n->npeers; i++) {
		const struct gt_peer *p = &n->peers[i];
		if (!gt_peer_here(p))
			continue;
		if (gt_judge_ahead(n, p))
			return 0;
		if (p->child.parked)
			at = gt_sooner(at, gt_judge_due(n, p)
			                           ? 0
			                           : p->child.parked_until);
	}
	if (n->catalogue->ages && (n->npeers || *n->parent))
		at = gt_sooner(at, n->catalogue->age_due);
	return n->catalogue->looking ? gt_sooner(at, n->catalogue->look_due)
	                             : at;
}

/* The parent judges by a layer of ours that is not the one here: ours must be
 * the newer one. */
static int settle_layer(struct gt_node *n, const Gt__ProveReply *m)
{
	struct gt_item layer;
	bool found;
	int status = gt_item_get(n, GT__KIND__LAYER, n->code, &layer, &found);
	if (status != 0 || (found && !layer.own) ||
	    (found && m->layer_hash.len == GT_ID_BYTES &&
	     memcmp(m->layer_hash.data, layer.hash.b, GT_ID_BYTES) == 0))
		return status;
	if (found && (uint64_t)layer.version > m->layer_version) {
		n->catalogue->layer_news = true;
		return 0;
	}
	if (m->layer_hash.len != GT_ID_BYTES || m->layer_version > INT64_MAX)
		return 0; /* it says nothing more of it */
	return gt_publish_again(n, GT__KIND__LAYER, n->code,
	                        (int64_t)m->layer_version);
}

int gt_catalogue_up(struct gt_node *n, const Gt__ProveReply *m)
{
	int status = settle_layer(n, m);
	return status ? status : gt_follow_start(n);
}

int gt_catalogue_down(struct gt_node *n)
{
	n->status.synced = false;
	return gt_contest_down(n);
}

uint64_t gt_catalogue_cursor(const struct gt_node *n)
{
	return (uint64_t)n->catalogue->cursor;
}
