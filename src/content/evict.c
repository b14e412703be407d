/* evict.c: what is here only because somebody asked for it gives way to what
 * must be here, and stays within its share.
 *
 * Must be here: what is mirrored, and what was published here. All else can be
 * fetched again. Whoever meets a full disk, or the limit, only leaves a mark; who
 * gives way is decided at the end of the turn, when nobody has an object in
 * hand.
 * Tests: u_evict.c. */
#include "content_inside.h"

enum { ROUND = 64 /* that give way at once, at most */ };

int gt_object_kept(struct gt_node *n, const struct gt_id *id)
{
	gt_store_bind(n->store, GT_SQL_OBJECT_KEPT, "b", gt_object_key(id));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_KEPT);
	gt_store_reset(n->store, GT_SQL_OBJECT_KEPT);
	return row;
}

bool gt_content_starved(const struct gt_node *n)
{
	GT_EACH_OBJECT(o, n->content)
		if (o->starved && o->filling && !o->doomed)
			return true;
	return false;
}

int gt_content_admit(struct gt_node *n, const struct gt_id *id, uint64_t size,
                     const char **why)
{
	bool whole;
	*why = NULL;
	int status = gt_object_complete(n, id, &whole);
	int kept = status == 0 && !whole ? gt_object_kept(n, id) : 1;
	if (status != 0 || kept != 0)
		return status ? status : kept < 0 ? kept : 0;
	if (gt_content_starved(n))
		*why = "the disk has no room for it: what must be here still "
		       "lacks some. Make room, or ask again later";
	else if (n->config.on_demand && size > n->config.on_demand)
		*why = "it is larger than all that may be fetched here on "
		       "demand (storage.on_demand)";
	return 0;
}

/* Nobody here has asked for it any more, and it goes. */
static int give_way(struct gt_node *n, const struct gt_id *id)
{
	static const enum gt_sql forget[] = {GT_SQL_OBJECT_UNASK,
	                                     GT_SQL_OBJECT_UNPRIOR};
	int status = 0;
	for (size_t i = 0; status == 0 && i < 2; i++) {
		gt_store_bind(n->store, forget[i], "b", gt_object_key(id));
		status = gt_store_run(n->store, forget[i]);
	}
	n->status.objects_evicted++;
	n->touched = true;
	return status ? status
	              : gt_object_let_go(n, id, "gave way to other content");
}

/* The oldest that may give way, by that statement: as many as are `bytes`, but
 * for `spare`; only whole ones, if asked. *out: bytes that went. */
static int evict(struct gt_node *n, enum gt_sql which, uint64_t bytes,
                 const struct gt_id *spare, bool whole, uint64_t *out)
{
	struct gt_id ids[ROUND], id;
	size_t count = 0;
	int row = 0, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, which, "");
	*out = 0;
	while (count < ROUND && *out < bytes &&
	       (row = gt_store_step(n->store, which)) == 1) {
		bool fits = gt_col_fixed(st, 0, id.b, GT_ID_BYTES) &&
		            !(spare && gt_id_eq(&id, spare)) &&
		            !(whole && gt_col_int(st, 2) != GT_OBJECT_COMPLETE);
		if (!fits)
			continue;
		ids[count++] = id;
		*out += (uint64_t)gt_col_int(st, 1);
	}
	gt_store_reset(n->store, which);
	for (size_t i = 0; row >= 0 && status == 0 && i < count; i++)
		status = give_way(n, &ids[i]);
	if (row < 0 || status != 0 || count == 0)
		return row < 0 ? row : status;
	return gt_log(n, GT_LOG_INFO,
	              "%zu objects that were fetched on demand gave way to "
	              "other content",
	              count);
}

static int lacking(struct gt_node *n)
{
	gt_store_bind(n->store, GT_SQL_OBJECTS_LACKING, "");
	int row = gt_store_step(n->store, GT_SQL_OBJECTS_LACKING);
	gt_store_reset(n->store, GT_SQL_OBJECTS_LACKING);
	return row;
}

/* The object met a full disk. */
static int make_room(struct gt_node *n, struct gt_object *o)
{
	struct gt_id id = o->id;
	uint64_t need = o->m ? o->m->file_size : 0, gone;
	int kept = gt_object_kept(n, &id);
	int first = kept == 0 ? lacking(n) : 0;
	if (kept < 0 || first < 0)
		return kept < 0 ? kept : first;
	if (first == 1)
		return give_way(n, &id);
	if (kept == 1) {
		o->starved = true;
		return evict(n, GT_SQL_OBJECTS_SPARE, need, NULL, false, &gone);
	}
	return evict(n, GT_SQL_OBJECTS_DEMANDED, need, &id, true, &gone);
}

/* All that was asked for is within its share: the oldest goes first. */
static int weigh(struct gt_node *n)
{
	uint64_t sum = 0, gone;
	int row;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECTS_DEMANDED, "");
	while ((row = gt_store_step(n->store, GT_SQL_OBJECTS_DEMANDED)) == 1)
		sum += (uint64_t)gt_col_int(st, 1);
	gt_store_reset(n->store, GT_SQL_OBJECTS_DEMANDED);
	if (row < 0 || sum <= n->config.on_demand)
		return row;
	return evict(n, GT_SQL_OBJECTS_DEMANDED, sum - n->config.on_demand,
	             NULL, false, &gone);
}

int gt_evict_go(struct gt_node *n)
{
	struct gt_content *c = n->content;
	int status = 0;
	if (c->no_room) {
		c->no_room = false;
		GT_EACH_OBJECT(o, c) {
			bool met = o->no_room && !o->doomed;
			o->no_room = false;
			if (status == 0 && met)
				status = make_room(n, o);
		}
	}
	if (status != 0 || !c->weigh)
		return status;
	c->weigh = false;
	return n->config.on_demand ? weigh(n) : 0;
}
