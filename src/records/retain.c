/* retain.c: records that the root has leave a small node when their time is over.
 *
 * Only what lies up to the root mark goes, and was stored here longer ago than
 * the operator keeps records; what voids another stays. The id is kept, so that
 * a duplicate that comes late is acknowledged and is not new again. The root
 * keeps all. A piece a turn, the oldest first; up to where it was looked is
 * written down.
 *
 * Tests: u_retain.c. */
#include "records_inside.h"

#include <string.h>

enum { PIECE = 200, REST_MS = 10 * 60 * 1000 };

static bool is_root(const struct gt_node *n)
{
	return n->parent[0] == '\0';
}

int gt_retain_load(struct gt_node *n)
{
	struct gt_erasures *r = n->records->erasures;
	(void)gt_store_bind(n->store, GT_SQL_PRUNED_ANY, "");
	int row = gt_store_step(n->store, GT_SQL_PRUNED_ANY);
	gt_store_reset(n->store, GT_SQL_PRUNED_ANY);
	r->pruned = row == 1;
	r->due = n->now.mono_ms;
	return row < 0 ? row
	               : gt_meta_get(n->store, "retained", 0, &r->retained);
}

int gt_retain_is(struct gt_node *n, const uint8_t id[GT_UUID_BYTES], bool *is)
{
	*is = false;
	if (!n->records->erasures->pruned)
		return 0;
	gt_store_bind(n->store, GT_SQL_PRUNED_GET, "b",
	              gt_bytes_of(id, GT_UUID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_PRUNED_GET);
	gt_store_reset(n->store, GT_SQL_PRUNED_GET);
	*is = row == 1;
	return row < 0 ? row : 0;
}

/* What is over. */
struct piece {
	uint8_t ids[PIECE][GT_UUID_BYTES];
	size_t n;
	int64_t upto; /* looked at */
	bool young;   /* the next one's time is not over */
};

static int collect(struct gt_node *n, int64_t before_ms, struct piece *p)
{
	int row = 0;
	size_t seen = 0;
	p->n = 0;
	p->young = false;
	p->upto = n->records->erasures->retained;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_PRUNE_NEXT, "iii", p->upto,
	                      n->records->root, (int64_t)PIECE);
	while (!p->young &&
	       (row = gt_store_step(n->store, GT_SQL_PRUNE_NEXT)) == 1) {
		struct gt_bytes id = gt_col_bytes(st, 1);
		p->young = gt_col_int(st, 2) > before_ms;
		if (p->young)
			break;
		seen++;
		p->upto = gt_col_int(st, 0);
		if (id.n == GT_UUID_BYTES)
			memcpy(p->ids[p->n++], id.p, id.n);
	}
	gt_store_reset(n->store, GT_SQL_PRUNE_NEXT);
	p->young = p->young || seen < PIECE;
	return row < 0 ? row : 0;
}

static int let_go(struct gt_node *n, const uint8_t id[GT_UUID_BYTES],
                  size_t *count)
{
	struct gt_bytes key = gt_bytes_of(id, GT_UUID_BYTES);
	bool gone;
	int status = gt_record_let_go(n, key, &gone);
	if (status != 0 || !gone)
		return status;
	++*count;
	n->records->erasures->pruned = true;
	gt_store_bind(n->store, GT_SQL_PRUNED_NEW, "b", key);
	return gt_store_run(n->store, GT_SQL_PRUNED_NEW);
}

static int write_down(struct gt_node *n, size_t count, int64_t upto)
{
	char detail[64];
	gt_format(detail, sizeof detail, "count=%zu upto=%lld", count,
	          (long long)upto);
	struct gt_audit row = {
	        .event = "prune", .kind = "record", .detail = detail};
	n->touched = true;
	return gt_audit_row(n, &row);
}

int gt_retain_time(struct gt_node *n)
{
	struct gt_erasures *r = n->records->erasures;
	size_t count = 0;
	if (n->now.mono_ms < gt_retain_deadline(n))
		return 0;
	struct piece *p = gt_arena_get(n->arena, sizeof *p);
	int64_t keep = (int64_t)n->config.records_keep_s * 1000;
	int status = p ? collect(n, n->now.wall_ms - keep, p) : -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < p->n; i++)
		status = let_go(n, p->ids[i], &count);
	if (status != 0)
		return status;
	r->due = n->now.mono_ms + (p->young ? REST_MS : 1);
	if (p->upto == r->retained)
		return 0;
	r->retained = p->upto;
	status = gt_meta_put(n->store, "retained", p->upto);
	return status || count == 0 ? status : write_down(n, count, p->upto);
}

uint64_t gt_retain_deadline(const struct gt_node *n)
{
	return is_root(n) || n->config.records_keep_s == 0
	               ? UINT64_MAX
	               : n->records->erasures->due;
}
