/* entries.c: how many entries the parent may send.
 *
 * A name is kept for good, so that no old version of it comes back: what grows
 * never shrinks. Beyond config.entries a new name is not taken, while those that
 * are here go on as ever, their new versions and withdrawals too. What was not
 * taken is written down as that, so that a node which may hold more asks for all
 * of it. Entries published here and those a child holds from a time that is
 * forgotten count, and are not refused here.
 * Tests: u_bounded.c. */
#include "catalogue_inside.h"

#include <string.h>

enum { TELL_MS = 60 * 60 * 1000 };

#define MISSED_KEY "entries_missed"

int gt_entries_load(struct gt_node *n)
{
	int64_t missed = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEM_ENTRIES, "");
	int row = gt_store_step(n->store, GT_SQL_ITEM_ENTRIES);
	n->catalogue->entries = row == 1 ? (uint64_t)gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_ITEM_ENTRIES);
	int status =
	        row < 0 ? row : gt_meta_get(n->store, MISSED_KEY, 0, &missed);
	n->catalogue->entries_missed = missed != 0;
	return status;
}

static int set_missed(struct gt_node *n, bool missed)
{
	if (n->catalogue->entries_missed == missed)
		return 0;
	n->catalogue->entries_missed = missed;
	return gt_meta_put(n->store, MISSED_KEY, missed);
}

/* The first, and one in an hour: who sends without end is not written down
 * without end. */
static int tell(struct gt_node *n, const struct gt_claim *c)
{
	struct gt_catalogue *k = n->catalogue;
	if (k->entries_ms && n->now.mono_ms - k->entries_ms < TELL_MS)
		return 0;
	k->entries_ms = n->now.mono_ms ? n->now.mono_ms : 1;
	struct gt_audit row = {.event = "receive",
	                       .kind = "resource",
	                       .subject = c->id,
	                       .version = c->version,
	                       .peer = n->parent,
	                       .result = -GT_ELIMIT,
	                       .detail =
	                               "the catalogue is full: this entry and "
	                               "those behind it are not taken"};
	int status = gt_audit_row(n, &row);
	return status ? status
	              : gt_log(n, GT_LOG_ERROR,
	                       "the catalogue holds %llu entries, as many as "
	                       "may be here: new ones from %s, first %s, are "
	                       "not taken. If that many are meant to be here, "
	                       "raise storage.entries and restart: what was "
	                       "not taken comes then",
	                       (unsigned long long)k->entries, n->parent,
	                       c->id);
}

int gt_entries_over(struct gt_node *n, const struct gt_claim *c, bool *is)
{
	struct gt_item old;
	bool had = false;
	*is = c->kind == GT__KIND__RESOURCE &&
	      n->catalogue->entries >= n->config.entries;
	int status = *is ? gt_item_get(n, c->kind, c->id, &old, &had) : 0;
	*is = *is && !had;
	if (status != 0 || !*is)
		return status;
	n->status.entries_refused++;
	n->touched = true;
	status = set_missed(n, true);
	return status ? status : tell(n, c);
}

bool gt_entries_missed(const struct gt_node *n)
{
	return n->catalogue->entries_missed;
}

bool gt_entries_back(const struct gt_node *n)
{
	return n->catalogue->entries_missed &&
	       n->catalogue->entries < n->config.entries;
}

int gt_entries_caught_up(struct gt_node *n)
{
	return set_missed(n, false);
}
