/* heal.c: items in the database that are not what was signed any more.
 *
 * Each row keeps the hash of its signed body. The two are compared before an
 * item travels, by whoever reads (src/read), and, row after row, once behind a
 * start and once a day: a disk that rots is found although nobody reads. What
 * does not agree is given to nobody. Its name stays, as of a thing only a
 * child remembers (version 0), and the parent is asked to compare all, so that
 * it comes again; what was published here only people can bring back. A layer
 * stays in force as it was read at the start, for to forget it would be to
 * widen what it narrows.
 * Tests: u_heal.c. */
#include "catalogue_inside.h"

#include "draw.h"

#include <string.h>

enum {
	LOOK_ROWS = 500,
	LOOK_MS = 1000,
	LOOK_AGAIN_MS = 24 * 3600 * 1000,
	SPOILT_MAX = 16, /* found in one look; the next begins behind them */
};

struct spoilt {
	int64_t rid;
	Gt__Kind kind;
	const char *id;
	bool own;
};

void gt_heal_suspect(struct gt_node *n, int64_t rid)
{
	struct gt_catalogue *c = n->catalogue;
	if (c->looked >= rid)
		c->looked = rid - 1;
	c->look_due = n->now.mono_ms;
	c->looking = true;
}

static int tell(struct gt_node *n, const struct spoilt *x)
{
	struct gt_audit row = {.event = "damage",
	                       .kind = gt_kind_name(x->kind),
	                       .subject = x->id,
	                       .result = -GT_EDAMAGED,
	                       .detail = "not what was signed"};
	int status = gt_audit_row(n, &row);
	if (status != 0)
		return status;
	return x->own ? gt_log(n, GT_LOG_ERROR,
	                       "the %s %s in the database is damaged and was "
	                       "made here: publish it anew",
	                       gt_kind_name(x->kind), x->id)
	              : gt_log(n, GT_LOG_WARN,
	                       "the %s %s in the database is damaged: it is "
	                       "fetched again",
	                       gt_kind_name(x->kind), x->id);
}

static int give_up(struct gt_node *n, const struct spoilt *x)
{
	int status = tell(n, x);
	if (status != 0 || x->own)
		return status;
	if (x->kind == GT__KIND__RESOURCE)
		n->catalogue->strangers++;
	n->touched = true;
	enum gt_sql how = x->kind == GT__KIND__LAYER ? GT_SQL_ITEM_DOUBT
	                                             : GT_SQL_ITEM_SPOILT;
	gt_store_bind(n->store, how, "i", x->rid);
	return gt_store_run(n->store, how);
}

/* The parent is asked to compare everything; it sends what we do not claim. */
static int compare_anew(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	gt_draw(n, c->parent_epoch, sizeof c->parent_epoch);
	int status = gt_meta_put_bytes(
	        n->store, "parent_epoch",
	        gt_bytes_of(c->parent_epoch, sizeof c->parent_epoch));
	if (status != 0 || !n->up || !gt_peer_here(n->up))
		return status;
	return gt_drop(n, n->up, "an item here was damaged: all is compared");
}

/* Rows after the one looked at last; those that are spoilt. *end: there are no
 * more. */
static int look(struct gt_node *n, struct spoilt *v, size_t *count, bool *end)
{
	struct gt_catalogue *c = n->catalogue;
	int row = 0, rows = 0, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEMS_LOOK, "ii",
	                                 c->looked, (int64_t)LOOK_ROWS);
	*count = 0;
	while (status == 0 && *count < SPOILT_MAX &&
	       (row = gt_store_step(n->store, GT_SQL_ITEMS_LOOK)) == 1) {
		struct spoilt *x = &v[*count];
		rows++;
		c->looked = x->rid = gt_col_int(st, 0);
		if (gt_item_whole(n, gt_col_bytes(st, 3), gt_col_bytes(st, 4)))
			continue;
		x->kind = (Gt__Kind)gt_col_int(st, 1);
		x->id = gt_arena_str(n->arena, gt_col_text(st, 2));
		x->own = gt_col_int(st, 5) != 0;
		/* what could not be decoded for want of memory is not damaged */
		status = x->id && !gt_arena_short(n->arena) ? 0 : -GT_ENOMEM;
		(*count)++;
	}
	gt_store_reset(n->store, GT_SQL_ITEMS_LOOK);
	*end = *count < SPOILT_MAX && rows < LOOK_ROWS;
	return row < 0 ? row : status;
}

int gt_heal_time(struct gt_node *n)
{
	struct gt_catalogue *c = n->catalogue;
	struct spoilt v[SPOILT_MAX];
	size_t count;
	bool end, others = false;
	if (n->now.mono_ms < c->look_due)
		return 0;
	int status = look(n, v, &count, &end);
	for (size_t i = 0; status == 0 && i < count; i++) {
		status = give_up(n, &v[i]);
		others = others || !v[i].own;
	}
	c->look_due = n->now.mono_ms + (end ? LOOK_AGAIN_MS : LOOK_MS);
	c->looking = !end;
	if (end)
		c->looked = 0;
	return status || !others ? status : compare_anew(n);
}
