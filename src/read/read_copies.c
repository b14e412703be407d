/* read_copies.c: children that are held off, for another of their code is linked.
 * Tests: u_read_shapes.c, e2e/test_copies.py. */
#include "read_inside.h"
#include "schema.h"

static const char *right_of(int64_t word)
{
	return word == GT_HELDOFF_RIGHT   ? "held"
	       : word == GT_HELDOFF_WRONG ? "linked"
	                                  : "";
}

static json_t *held(struct gt_reader *r, sqlite3_stmt *s)
{
	(void)r;
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "hid", json_integer(gt_col_int(s, 0)));
	gt_json_set(&ok, v, "code", gt_json_text(gt_col_text(s, 1)));
	gt_json_set(&ok, v, "since", gt_json_time(gt_col_int(s, 2)));
	gt_json_set(&ok, v, "tried", gt_json_time(gt_col_int(s, 3)));
	gt_json_set(&ok, v, "address", gt_json_text(gt_col_text(s, 4)));
	gt_json_set(&ok, v, "epoch", gt_json_hex(gt_col_bytes(s, 5)));
	gt_json_set(&ok, v, "right", json_string(right_of(gt_col_int(s, 6))));
	bool seen = sqlite3_column_type(s, 7) != SQLITE_NULL;
	gt_json_set(&ok, v, "linked_seen",
	            seen ? gt_json_time(gt_col_int(s, 7)) : json_null());
	gt_json_set(&ok, v, "linked_epoch", gt_json_hex(gt_col_bytes(s, 8)));
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_read_copies(struct gt_reader *r, int64_t after, size_t limit)
{
	return gt_reader_page(r, GT_Q_COPIES, "copies", held, after, limit);
}
