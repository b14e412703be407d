/* merge.c: records children hand up, each taken once.
 * Tests: u_node_record.c, u_node_lies.c, u_lineage.c. */
#include "records_inside.h"

#include <string.h>

static const char *malformed(const struct gt_peer *p, const Gt__Record *r,
                             int64_t last)
{
	if ((int64_t)r->seq <= last || r->seq > INT64_MAX)
		return "records out of order";
	if (r->id.len != GT_UUID_BYTES || r->form.len != GT_ID_BYTES ||
	    r->origin_epoch.len != GT_EPOCH_BYTES || r->origin_seq == 0 ||
	    r->origin_seq > INT64_MAX || r->body.len == 0 ||
	    r->body.len > GT_STATEMENT_MAX ||
	    (r->flags & GT_STATEMENT_VOIDS && r->target.len != GT_UUID_BYTES) ||
	    strlen(r->authority) > GT_TEXT_MAX ||
	    strlen(r->policy) > GT_TEXT_MAX)
		return "a malformed record";
	if (!gt_code_valid(r->origin) ||
	    (strcmp(r->origin, p->code) != 0 &&
	     !gt_code_child_of(r->origin, p->code)))
		return "a record of an origin that is not under the child";
	return NULL;
}

static int set_aside(struct gt_node *n, const struct gt_peer *p,
                     const struct gt_arrival *r)
{
	static const char reason[] = "same id, other contents";
	gt_store_bind(n->store, GT_SQL_QUARANTINE, "tiibbiitb", p->code,
	              r->stream, r->origin_seq,
	              gt_bytes_of(r->id, GT_UUID_BYTES),
	              gt_bytes_of(r->form, GT_ID_BYTES), r->origin_ms,
	              n->now.wall_ms, reason, r->body);
	int status = gt_store_run(n->store, GT_SQL_QUARANTINE);
	n->status.records_quarantined++;
	struct gt_audit row = {.event = "quarantine",
	                       .kind = "record",
	                       .peer = p->code,
	                       .result = -GT_ECONFLICT,
	                       .bytes = r->body.n,
	                       .detail = reason};
	return status ? status : gt_audit_row(n, &row);
}

static int key_taken(struct gt_node *n, const struct gt_arrival *r, bool *taken)
{
	gt_store_bind(n->store, GT_SQL_RECORD_BY_KEY, "ii", r->stream,
	              r->origin_seq);
	int row = gt_store_step(n->store, GT_SQL_RECORD_BY_KEY);
	gt_store_reset(n->store, GT_SQL_RECORD_BY_KEY);
	*taken = row == 1;
	return row < 0 ? row : 0;
}

/* An origin that forgot, or two copies of it, gave one number to two records.
 * Both were acknowledged, so both go on: the one that comes second in a stream
 * of its own, which follows from its id and is the same wherever it comes. */
static int another_place(struct gt_node *n, const struct gt_peer *p,
                         const Gt__Record *w, struct gt_arrival *r)
{
	static const char domain[] = "guantong second place v1\n";
	struct gt_id id;
	struct gt_bytes parts[3] = {
	        gt_bytes_str(domain),
	        gt_bytes_of(w->origin_epoch.data, GT_EPOCH_BYTES),
	        gt_bytes_of(r->id, GT_UUID_BYTES)};
	int64_t last;
	gt_sha256(&id, parts, 3);
	struct gt_audit row = {.event = "merge",
	                       .kind = "record",
	                       .peer = p->code,
	                       .result = -GT_ECONFLICT,
	                       .detail = "another record has its place in its "
	                                 "stream: taken under another"};
	int status = gt_audit_row(n, &row);
	return status ? status
	              : gt_stream_of(n, w->origin, id.b, &r->stream, &last);
}

/* *need: our own record that must reach the root for this one to be there. */
static int merge(struct gt_node *n, const struct gt_peer *p,
                 const Gt__Record *w, struct gt_arrival *r, int64_t *need)
{
	enum gt_known known;
	int64_t seq = 0;
	bool taken = false;
	int status = gt_record_look_up(n, r, &known, &seq);
	if (status == 0 && known == GT_RECORD_NEW)
		status = key_taken(n, r, &taken);
	if (status != 0)
		return status;
	if (known == GT_RECORD_SAME) {
		n->status.records_duplicate++;
		if (seq > *need)
			*need = seq;
		return 0;
	}
	if (known == GT_RECORD_OTHER)
		return set_aside(n, p, r);
	if (taken)
		status = another_place(n, p, w, r);
	if (status == 0)
		status = gt_record_insert(n, r);
	if (n->records->seq > *need)
		*need = n->records->seq;
	return status ? status : gt_stream_last(n, r->stream, r->origin_seq);
}

static int merge_wire(struct gt_node *n, const struct gt_peer *p,
                      const Gt__Record *w, int64_t *need)
{
	struct gt_arrival r = {.origin_seq = (int64_t)w->origin_seq,
	                       .id = w->id.data,
	                       .form = w->form.data,
	                       .flags = w->flags,
	                       .target = w->target.data,
	                       .origin_ms = w->stored_ms,
	                       .policy = w->policy,
	                       .authority = w->authority,
	                       .body = gt_bytes_of(w->body.data, w->body.len)};
	int64_t last;
	int status = gt_stream_of(n, w->origin, w->origin_epoch.data, &r.stream,
	                          &last);
	return status ? status : merge(n, p, w, &r, need);
}

static int reply_marks(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__RecordsReply m = GT__RECORDS_REPLY__INIT;
	int status = gt_records_child_root(n, p);
	m.hop = (uint64_t)p->child.records;
	m.root = (uint64_t)p->child.rooted;
	p->child.rooted_told = p->child.rooted;
	r.body_case = GT__REPLY__BODY_RECORDS;
	r.records = &m;
	return status ? status
	              : gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

static int take_batch(struct gt_node *n, struct gt_peer *p,
                      const Gt__Records *m)
{
	int64_t need = 0;
	size_t taken = 0;
	int status = 0;
	for (size_t i = 0; status == 0 && i < m->n_records; i++) {
		const Gt__Record *w = m->records[i];
		if ((int64_t)w->seq <= p->child.records)
			continue; /* sent again */
		status = merge_wire(n, p, w, &need);
		p->child.records = (int64_t)w->seq;
		taken++;
	}
	if (status != 0 || taken == 0)
		return status;
	gt_store_bind(n->store, GT_SQL_BATCH_NEW, "iii", p->child.cid,
	              p->child.records, need);
	status = gt_store_run(n->store, GT_SQL_BATCH_NEW);
	if (status == 0)
		status = gt_peer_save(n, p);
	return status ? status
	              : gt_record_audit(n, "merge", p->code, p->epoch, m,
	                                taken);
}

int gt_records_batch(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Records *m)
{
	int64_t last = (int64_t)m->after;
	if (m->n_records > GT_RECORDS_ROWS || m->after > INT64_MAX)
		return gt_drop(n, p, "a batch of records over the limit");
	for (size_t i = 0; i < m->n_records; i++) {
		const char *why = malformed(p, m->records[i], last);
		if (why)
			return gt_drop(n, p, why);
		last = (int64_t)m->records[i]->seq;
	}
	int status = 0;
	/* A batch that leaves a gap is not taken; the marks say where we
	 * are. */
	if ((int64_t)m->after <= p->child.records)
		status = take_batch(n, p, m);
	return status ? status : reply_marks(n, p, token);
}

int gt_records_child_root(struct gt_node *n, struct gt_peer *p)
{
	int64_t reached = p->child.rooted;
	int row;
	assert(p->child.rooted_told <= reached && reached <= p->child.records);
	if (p->child.rooted >= p->child.records)
		return 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_BATCHES, "i", p->child.cid);
	while ((row = gt_store_step(n->store, GT_SQL_BATCHES)) == 1 &&
	       gt_col_int(st, 1) <= n->records->root)
		reached = gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_BATCHES);
	if (row < 0 || reached == p->child.rooted)
		return row < 0 ? row : 0;
	p->child.rooted = reached;
	gt_store_bind(n->store, GT_SQL_BATCH_DONE, "ii", p->child.cid, reached);
	int status = gt_store_run(n->store, GT_SQL_BATCH_DONE);
	return status ? status : gt_peer_save(n, p);
}

int gt_records_forget(struct gt_node *n, struct gt_peer *p)
{
	p->child.records = 0;
	p->child.rooted = 0;
	gt_store_bind(n->store, GT_SQL_BATCH_CLEAR, "i", p->child.cid);
	return gt_store_run(n->store, GT_SQL_BATCH_CLEAR);
}
