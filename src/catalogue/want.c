/* want.c: people here ask for the content of a resource.
 * Tests: u_node_object.c, u_evict.c. */
#include "catalogue_inside.h"
#include "signed.h"

static int reply_state(struct gt_node *n, const struct gt_event *e,
                       const struct gt_item *item)
{
	static const char *const names[] = {"listed",   "wanted",   "partial",
	                                    "checking", "complete", "refused"};
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_OBJECT_BY_ID, "b",
	                      gt_bytes_of(item->object.b, GT_ID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_BY_ID);
	int64_t state = row == 1 ? gt_col_int(st, 1) : 0;
	int64_t frames = row == 1 ? gt_col_int(st, 4) : 0;
	int64_t present = row == 1 ? gt_col_int(st, 5) : 0;
	gt_store_reset(n->store, GT_SQL_OBJECT_BY_ID);
	if (row < 0)
		return row;
	return gt_reply(n, e->token, 0,
	                "{\"id\":\"%s\",\"state\":\"%s\",\"present\":%lld,"
	                "\"frames\":%lld}",
	                item->id, item->has_object ? names[state] : "complete",
	                (long long)present, (long long)frames);
}

/* Published here, and damaged: nobody can bring it. */
static int is_lost(struct gt_node *n, const struct gt_item *item, bool *lost)
{
	*lost = false;
	return item->own && item->has_object
	               ? gt_object_damaged(n, &item->object, lost)
	               : 0;
}

/* Whether there is room for it now; *why: why not. */
static int admit(struct gt_node *n, const struct gt_item *item,
                 const char **why)
{
	const Gt__Entry *e = gt_signed_entry(
	        n->arena, gt_signed_open(n->arena, item->sealed));
	*why = NULL;
	if (!item->has_object || item->verdict != GT_ON_DEMAND)
		return 0;
	return gt_content_admit(n, &item->object, e ? e->stored_size : 0, why);
}

int gt_want(struct gt_node *n, const struct gt_event *e)
{
	struct gt_item item;
	const char *why;
	bool found, lost = false;
	int status = gt_item_get(n, GT__KIND__RESOURCE, e->text, &item, &found);
	if (status != 0)
		return status;
	if (!found || item.verdict == GT_DENY)
		return gt_reply(n, e->token, -GT_EUNKNOWN,
		                "%s is not known here", e->text);
	if (item.state == GT__STATE__WITHDRAWN)
		return gt_reply(n, e->token, -GT_EUNAVAILABLE,
		                "%s has been withdrawn by its publisher",
		                e->text);
	if (item.verdict < GT_ON_DEMAND)
		return gt_reply(n, e->token, -GT_EDENIED,
		                "policy lists %s here but does not let it be "
		                "fetched (rule %s of %s)",
		                e->text, item.rule, item.layer);
	status = is_lost(n, &item, &lost);
	if (status == 0 && lost)
		return gt_reply(n, e->token, -GT_EUNAVAILABLE,
		                "%s was published here, and its content is "
		                "damaged on this disk: nobody has another copy "
		                "to give. Publish the same files again",
		                e->text);
	if (status == 0)
		status = admit(n, &item, &why);
	if (status == 0 && why)
		return gt_reply(n, e->token, -GT_ENOSPACE, "%s: %s", e->text,
		                why);
	if (status == 0 && item.has_object && !item.asked &&
	    item.verdict == GT_ON_DEMAND) {
		gt_store_bind(n->store, GT_SQL_ITEM_ASK, "ii", item.rid,
		              (int64_t)1);
		status = gt_store_run(n->store, GT_SQL_ITEM_ASK);
		struct gt_audit row = {.actor = e->actor,
		                       .event = "want",
		                       .kind = "resource",
		                       .subject = item.id,
		                       .version = item.version,
		                       .verdict = "on-demand",
		                       .rule = item.rule,
		                       .layer = item.layer};
		if (status == 0)
			status = gt_audit_told(n, e->actor, &row, NULL);
	}
	if (status == 0 && item.has_object)
		status = gt_object_want(n, &item.object);
	return status ? status : reply_state(n, e, &item);
}
