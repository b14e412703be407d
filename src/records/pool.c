/* pool.c: records that stay here and are told of as groups (privacy/groups.h).
 *
 * What a layer wants counted (aggregate) stays, and is set apart when it is
 * looked at on its way up: it never goes up itself from then on, for beside the
 * group that tells of it, it would be subtracted. Nor is it counted where the
 * parent may have it: what was sent before, or comes back from there. pool_tell.c
 * makes the reports.
 *
 * What forgot cannot know of whom was told: with a new epoch nothing that was
 * here is counted any more.
 * Tests: u_pool.c. */
#include "records_inside.h"

#include "schema.h"

static const char floor_key[] = "pool_floor";

static int first(struct gt_node *n, enum gt_sql which, int64_t *out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, which, "");
	int row = gt_store_step(n->store, which);
	*out = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, which);
	return row < 0 ? row : 0;
}

int gt_pool_load(struct gt_node *n)
{
	int64_t any;
	int status = first(n, GT_SQL_POOL_ANY, &any);
	n->records->pooled = any != 0;
	return status;
}

int gt_pool_renew(struct gt_node *n)
{
	int64_t last;
	int status = first(n, GT_SQL_RECORD_MAX, &last);
	if (status == 0)
		status = gt_meta_put(n->store, floor_key, last);
	gt_store_bind(n->store, GT_SQL_POOL_NEVER, "");
	return status ? status : gt_store_run(n->store, GT_SQL_POOL_NEVER);
}

int gt_pool_holds(struct gt_node *n, int64_t seq, bool *holds)
{
	*holds = false;
	if (!n->records->pooled)
		return 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_POOL_GET, "i", seq);
	int row = gt_store_step(n->store, GT_SQL_POOL_GET);
	*holds = row == 1 && gt_col_int(st, 0) >= GT_POOL_WAITS;
	gt_store_reset(n->store, GT_SQL_POOL_GET);
	return row < 0 ? row : 0;
}

static int put(struct gt_node *n, int64_t seq, uint32_t least, int64_t cell)
{
	gt_store_bind(n->store, GT_SQL_POOL_ADD, "iii", seq, (int64_t)least,
	              cell);
	n->records->pooled = true;
	return gt_store_run(n->store, GT_SQL_POOL_ADD);
}

int gt_pool_add(struct gt_node *n, int64_t seq, uint32_t least)
{
	int64_t known;
	int status = gt_meta_get(n->store, floor_key, 0, &known);
	/* it may be above as it is */
	if (status != 0 || seq <= n->records->high || seq <= known)
		return status;
	return put(n, seq, least, GT_POOL_WAITS);
}

int gt_pool_never(struct gt_node *n, int64_t seq)
{
	return put(n, seq, 0, GT_POOL_NEVER);
}

int gt_pool_cell(struct gt_node *n, int64_t seq)
{
	return put(n, seq, 0, GT_POOL_CELL);
}
