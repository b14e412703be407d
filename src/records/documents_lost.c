/* documents_lost.c: what lost against another version is given up, or counts
 * again, as people here say.
 * Tests: u_roam.c, e2e/test_roam.py. */
#include <string.h>

#include "documents.h"
#include "documents_row.h"
#include "records_inside.h"

/* Its row; did is not of it, and 0 says that there is none. */
static int read_lost(struct gt_node *n, int64_t lid, struct gt_document_row *r,
                     bool *found)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_DOCUMENT_LOST_ROW, "i", lid);
	int row = gt_store_step(n->store, GT_SQL_DOCUMENT_LOST_ROW);
	int status = row == 1 ? gt_document_row(n, st, r) : 0;
	gt_store_reset(n->store, GT_SQL_DOCUMENT_LOST_ROW);
	*found = row == 1;
	return row < 0 ? row : status;
}

/* It is put anew, here and now, upon what counts: that is newer than both. */
static int put_back(struct gt_node *n, const struct gt_document_row *lost,
                    bool *fits)
{
	struct gt_document_row here;
	int status = gt_document_look(n, &lost->key, &here);
	*fits = true;
	if (status == 0)
		status = gt_document_room(n, &lost->key, here.did == 0,
		                          lost->body.n, here.body.n, fits);
	if (status != 0 || !*fits)
		return status;
	here.gone = lost->gone;
	here.body = lost->body;
	here.type = lost->type;
	here.actor = lost->actor;
	return gt_document_put(n, &here);
}

static int forget(struct gt_node *n, int64_t lid)
{
	gt_store_bind(n->store, GT_SQL_DOCUMENT_LOST_TRIM, "i", lid);
	n->records->documents->lost--;
	n->touched = true;
	return gt_store_run(n->store, GT_SQL_DOCUMENT_LOST_TRIM);
}

static int write_down(struct gt_node *n, const struct gt_event *e,
                      const struct gt_document_row *r, bool again)
{
	char name[GT_OWNER_NAME];
	int status =
	        gt_document_owner_name(n, gt_document_owner(&r->key), name);
	struct gt_audit row = {
	        .actor = e->actor,
	        .event = again ? "replace" : "drop",
	        .kind = "document",
	        .subject = name,
	        .bytes = r->body.n,
	        .detail = again ? "one that had lost counts again"
	                        : "one that had lost was given up"};
	return status ? status : gt_audit_row(n, &row);
}

int gt_documents_lost(struct gt_node *n, const struct gt_event *e)
{
	struct gt_document_row r;
	bool found, fits = true, again = e->count > 0;
	int status = read_lost(n, e->number, &r, &found);
	if (status != 0)
		return status;
	if (!found)
		return gt_reply(n, e->token, -GT_EUNKNOWN,
		                "no document %lld among those that lost",
		                (long long)e->number);
	if (again)
		status = put_back(n, &r, &fits);
	if (status == 0 && !fits)
		return gt_reply(n, e->token, -GT_ELIMIT, "%s",
		                "its owner has as many documents here as there "
		                "may be, or as large ones");
	if (status == 0)
		status = forget(n, e->number);
	if (status == 0)
		status = write_down(n, e, &r, again);
	return status ? status
	              : gt_reply(n, e->token, 0, "{\"%s\":%lld}",
	                         again ? "restored" : "dropped",
	                         (long long)e->number);
}
