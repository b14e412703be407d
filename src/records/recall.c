/* recall.c: records of this node's own that it forgot and its parent has.
 *
 * A log that was cut, a disk that lied, a backup: what was acknowledged here and
 * handed up is above, and not here any more. Whatever it was, a new epoch begins
 * (node/epoch.c). From then on the parent is asked for what it has of the old
 * one behind the last that is both here and was sent, by number, a few at a
 * time, until it has none behind those asked for: which it says, for numbers may
 * be missing there too, of what was erased or gave way. A parent of an earlier
 * version does not: with it, it ends where none of those asked for came. What comes is put behind the last
 * record here, as if it came now, in the place it had in the old epoch: so it
 * goes up once more, and is known there by its id. One that is here under its
 * id is passed over. How far this has come is written down with the rows: each
 * comes once.
 *
 * The parent is trusted with no more than on any day: what it gives is what it
 * says it is, of this node's own, of the numbers that were asked for. It is no
 * more than there is room for, and GT_RECALL_ROWS of an epoch. An epoch that
 * was forgotten whole is not asked for.
 * Tests: u_node_restore.c. */
#include "protocol.h"
#include "records_inside.h"

#include <string.h>

static const char key[] = "recall";

/* Such as are to be asked for, the oldest first. */
struct list {
	struct gt_recall v[GT_RECALL_EPOCHS];
	size_t n;
};

static int read_list(struct gt_node *n, struct list *l)
{
	struct gt_bytes b;
	int status = gt_meta_get_bytes(n->store, key, n->arena, &b);
	l->n = 0;
	if (status != 0 || b.n == 0 || b.n > sizeof l->v)
		return status;
	memcpy(l->v, b.p, b.n);
	l->n = b.n / sizeof *l->v;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].next < 1 || l->v[i].next > INT64_MAX / 2)
			l->n = 0; /* the disk's, not ours */
	return 0;
}

static int write_list(struct gt_node *n, const struct list *l)
{
	n->records->recalls = l->n > 0;
	return gt_meta_put_bytes(n->store, key,
	                         gt_bytes_of(l->v, l->n * sizeof *l->v));
}

static void drop_first(struct list *l)
{
	memmove(l->v, l->v + 1, --l->n * sizeof *l->v);
}

int gt_recall_load(struct gt_node *n)
{
	struct list l;
	int status = read_list(n, &l);
	n->records->recalls = l.n > 0;
	return status;
}

int gt_recall_first(struct gt_node *n, struct gt_recall *out)
{
	struct list l;
	int status = read_list(n, &l);
	n->records->recalls = l.n > 0;
	if (l.n > 0)
		*out = l.v[0];
	return status;
}

/* The number in that epoch of the last that is here and was sent. */
static int last_sent(struct gt_node *n, struct gt_recall *one)
{
	int64_t sent;
	int status = gt_meta_get(n->store, "sent", INT64_MAX, &sent);
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_RECORD_LAST_SENT, "tbi", n->code,
	                      gt_bytes_of(one->epoch, sizeof one->epoch), sent);
	int row = gt_store_step(n->store, GT_SQL_RECORD_LAST_SENT);
	one->next = row == 1 ? gt_col_int(st, 0) + 1 : 1;
	gt_store_reset(n->store, GT_SQL_RECORD_LAST_SENT);
	return row < 0 ? row : status;
}

int gt_recall_begin(struct gt_node *n, const uint8_t epoch[GT_EPOCH_BYTES])
{
	struct gt_recall one = {.left = GT_RECALL_ROWS};
	struct list l;
	if (n->parent[0] == '\0')
		return 0;
	memcpy(one.epoch, epoch, sizeof one.epoch);
	int status = read_list(n, &l);
	if (status == 0)
		status = last_sent(n, &one);
	if (status != 0)
		return status;
	if (l.n == GT_RECALL_EPOCHS) /* the oldest is given up */
		drop_first(&l);
	l.v[l.n++] = one;
	return write_list(n, &l);
}

int gt_recall_next(struct gt_node *n, size_t came, uint64_t next)
{
	struct list l;
	int status = read_list(n, &l);
	if (status != 0 || l.n == 0)
		return status;
	bool on = gt_version_goes_on(n->up->version)
	                  ? next >= (uint64_t)l.v[0].next + GT_WANTED_ROWS &&
	                            next < INT64_MAX / 2
	                  : came > 0;
	if (on && l.v[0].left > (int64_t)came) {
		l.v[0].next = gt_version_goes_on(n->up->version)
		                      ? (int64_t)next
		                      : l.v[0].next + GT_WANTED_ROWS;
		l.v[0].left -= came > 0 ? (int64_t)came : 1;
	} else {
		drop_first(&l);
	}
	return write_list(n, &l);
}
