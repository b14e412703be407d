/* aside.c: the quarantine: what cannot be taken, or lies here damaged, kept for
 * people to look at.
 * Tests: u_node_record.c, u_bounded.c. */
#include "records_inside.h"

#include <string.h>

int gt_record_set_aside(struct gt_node *n, const struct gt_set_aside *r,
                        bool *fresh)
{
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, GT_SQL_QUARANTINE, "tiibbiitb", r->via,
	              r->stream, r->origin_seq, r->id, r->form, r->origin_ms,
	              n->now.wall_ms, r->reason, r->body);
	int status = gt_store_run(n->store, GT_SQL_QUARANTINE);
	*fresh = gt_store_changes(n->store) != before;
	n->records->aside = n->records->aside || *fresh;
	return status;
}

int gt_record_quarantine(struct gt_node *n, const char *peer,
                         const struct gt_set_aside *r)
{
	bool fresh;
	int status = gt_record_set_aside(n, r, &fresh);
	n->status.records_quarantined++;
	struct gt_audit row = {.event = "quarantine",
	                       .kind = "record",
	                       .peer = peer,
	                       .result = r->result,
	                       .bytes = r->body.n,
	                       .detail = r->reason};
	return status ? status : gt_audit_told(n, r->via, &row, NULL);
}

int gt_record_quarantine_arrival(struct gt_node *n, const char *via,
                                 const char *peer, const struct gt_arrival *r,
                                 int result, const char *why)
{
	const struct gt_set_aside s = {
	        .via = via,
	        .stream = r->stream,
	        .origin_seq = r->origin_seq,
	        .id = gt_bytes_of(r->id, GT_UUID_BYTES),
	        .form = gt_bytes_of(r->form, GT_ID_BYTES),
	        .origin_ms = r->origin_ms,
	        .reason = why,
	        .result = result,
	        .body = r->body};
	return gt_record_quarantine(n, peer, &s);
}

/* The newest stay, as many as may: whoever fills the quarantine only loses what
 * came by his own way, and of that what he is known for is still there. What
 * goes was acknowledged at its origin, which has it. */
int gt_record_trim_aside(struct gt_node *n, const char *via)
{
	uint64_t rows = 0, bytes = 0;
	int64_t first = -1;
	int row = 0;
	if (!n->records->aside)
		return 0;
	n->records->aside = false;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_QUARANTINE_OF, "t", via);
	while (first < 0 &&
	       (row = gt_store_step(n->store, GT_SQL_QUARANTINE_OF)) == 1) {
		bytes += (uint64_t)gt_col_int(st, 1);
		if (++rows > GT_ASIDE_ROWS || bytes > GT_ASIDE_BYTES)
			first = gt_col_int(st, 0);
	}
	gt_store_reset(n->store, GT_SQL_QUARANTINE_OF);
	if (row < 0 || first < 0)
		return row < 0 ? row : 0;
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, GT_SQL_QUARANTINE_TRIM, "ti", via, first);
	int status = gt_store_run(n->store, GT_SQL_QUARANTINE_TRIM);
	uint64_t gone = (uint64_t)(gt_store_changes(n->store) - before);
	bool tell = n->status.records_let_go / GT_ASIDE_ROWS !=
	                    (n->status.records_let_go + gone) / GT_ASIDE_ROWS ||
	            n->status.records_let_go == 0;
	n->status.records_let_go += gone;
	if (status != 0 || !tell)
		return status;
	return gt_log(n, GT_LOG_WARN,
	              "the quarantine holds as many records by way of %s as it "
	              "may: the oldest go. Look at what is there: guantong -C "
	              "DIR records quarantine ls",
	              via);
}

/* What was damaged here is not waited for any more. */
static int leave(struct gt_node *n, int64_t stream, int64_t origin_seq,
                 struct gt_bytes id)
{
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, GT_SQL_SPOILT_LEAVE, "iib", stream, origin_seq,
	              id);
	int status = gt_store_run(n->store, GT_SQL_SPOILT_LEAVE);
	uint64_t left = (uint64_t)(gt_store_changes(n->store) - before);
	assert(left <= n->records->spoilt);
	n->records->spoilt -= left;
	return status;
}

int gt_records_drop(struct gt_node *n, const struct gt_event *e)
{
	char id[GT_UUID_TEXT] = "";
	struct gt_bytes key = {NULL, 0};
	int64_t stream = 0, origin_seq = 0;
	struct gt_audit row = {.actor = e->actor,
	                       .event = "drop",
	                       .kind = "record",
	                       .subject = id};
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_QUARANTINE_DROP, "i", e->number);
	int found = gt_store_step(n->store, GT_SQL_QUARANTINE_DROP);
	if (found == 1) {
		key = gt_col_bytes(st, 0);
		row.detail = gt_arena_str(n->arena, gt_col_text(st, 1));
		stream = gt_col_int(st, 2);
		origin_seq = gt_col_int(st, 3);
		key.p = gt_arena_copy(n->arena, key.p, key.n);
	}
	if (key.p && key.n == GT_UUID_BYTES)
		gt_uuid_format(id, key.p);
	gt_store_reset(n->store, GT_SQL_QUARANTINE_DROP);
	if (found < 0)
		return found;
	if (found == 0)
		return gt_reply(n, e->token, -GT_EUNKNOWN,
		                "no row %lld in the quarantine",
		                (long long)e->number);
	n->touched = true;
	int status = leave(n, stream, origin_seq, key);
	if (status == 0)
		status = gt_audit_row(n, &row);
	return status ? status
	              : gt_reply(n, e->token, 0, "{\"dropped\":%lld}",
	                         (long long)e->number);
}
