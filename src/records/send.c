/* send.c: records on their way to the parent, and its marks.
 * Tests: u_node_record.c, u_lineage.c. */
#include "records_inside.h"

#include <string.h>

static ProtobufCBinaryData own(struct gt_node *n, struct gt_bytes b)
{
	uint8_t *p = gt_arena_copy(n->arena, b.p, b.n);
	return (ProtobufCBinaryData){p ? b.n : 0, p};
}

static Gt__Record *record_of_row(struct gt_node *n, sqlite3_stmt *st)
{
	Gt__Record *r = gt_arena_get(n->arena, sizeof *r);
	if (!r)
		return NULL;
	gt__record__init(r);
	r->seq = (uint64_t)gt_col_int(st, 0);
	r->origin = gt_arena_str(n->arena, gt_col_text(st, 1));
	r->origin_epoch = own(n, gt_col_bytes(st, 2));
	r->origin_seq = (uint64_t)gt_col_int(st, 3);
	r->id = own(n, gt_col_bytes(st, 4));
	r->form = own(n, gt_col_bytes(st, 5));
	r->flags = (uint32_t)gt_col_int(st, 6);
	r->target = own(n, gt_col_bytes(st, 7));
	r->stored_ms = gt_col_int(st, 8);
	r->policy = gt_arena_str(n->arena, gt_col_text(st, 9));
	r->body = own(n, gt_col_bytes(st, 10));
	r->authority = gt_arena_str(n->arena, gt_col_text(st, 11));
	return r->origin && r->policy && r->authority && r->body.data ? r
	                                                              : NULL;
}

static int read_batch(struct gt_node *n, Gt__Records *m)
{
	size_t bytes = 0;
	int row = 0, status = 0;
	m->records =
	        gt_arena_get(n->arena, GT_RECORDS_ROWS * sizeof *m->records);
	if (!m->records)
		return -GT_ENOMEM;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_RECORDS_AFTER, "ii",
	                      n->records->sent, (int64_t)GT_RECORDS_ROWS);
	while (status == 0 && bytes < GT_RECORDS_BYTES &&
	       m->n_records < GT_RECORDS_ROWS &&
	       (row = gt_store_step(n->store, GT_SQL_RECORDS_AFTER)) == 1) {
		Gt__Record *r = record_of_row(n, st);
		if (!r) {
			status = -GT_ENOMEM;
			break;
		}
		bytes += r->body.len + strlen(r->authority) +
		         strlen(r->policy) + 200;
		m->records[m->n_records++] = r;
	}
	gt_store_reset(n->store, GT_SQL_RECORDS_AFTER);
	return row < 0 ? row : status;
}

static void batch_name(char out[GT_CHANGE_NAME], const uint8_t *epoch,
                       uint64_t upto)
{
	char hex[17];
	gt_hex(hex, epoch, 8);
	gt_format(out, GT_CHANGE_NAME, "records:%s:%llu", hex,
	          (unsigned long long)upto);
}

int gt_record_audit(struct gt_node *n, const char *event, const char *peer,
                    const uint8_t *epoch, const Gt__Records *m, size_t count)
{
	char name[GT_CHANGE_NAME], detail[48];
	uint64_t bytes = 0;
	gt_format(detail, sizeof detail, "count=%zu", count);
	for (size_t i = 0; i < m->n_records; i++)
		bytes += m->records[i]->body.len;
	batch_name(name, epoch, m->records[m->n_records - 1]->seq);
	struct gt_audit row = {.event = event,
	                       .kind = "record",
	                       .peer = peer,
	                       .bytes = bytes,
	                       .transfer = name,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

static int send_batch(struct gt_node *n)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	struct gt_asking a = {.what = GT_ASKED_RECORDS};
	bool full;
	int status = read_batch(n, &m);
	if (status != 0 || m.n_records == 0)
		return status;
	m.after = (uint64_t)n->records->sent;
	a.upto = m.records[m.n_records - 1]->seq;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	status = gt_ask(n, &q, &a, &full);
	if (status != 0 || full)
		return status;
	n->records->sent = (int64_t)a.upto;
	assert(n->records->batches < GT_RECORD_WINDOW);
	n->records->batches++;
	if (n->records->sent > n->records->high) {
		n->records->high = n->records->sent;
		status = gt_meta_put(n->store, "sent", n->records->high);
	}
	return status ? status
	              : gt_record_audit(n, "send", n->parent, n->epoch, &m,
	                                m.n_records);
}

int gt_records_go(struct gt_node *n)
{
	int status = 0;
	assert(n->records->sent <= n->records->high);
	if (!gt_up_ready(n))
		return 0;
	while (status == 0 && n->records->batches < GT_RECORD_WINDOW &&
	       n->records->sent < n->records->seq) {
		uint32_t before = n->records->batches;
		status = send_batch(n);
		if (n->records->batches == before)
			break;
	}
	return status;
}

/* A mark beyond what we have would be a lie about records to come. */
static int64_t honest(const struct gt_node *n, uint64_t mark)
{
	return mark > (uint64_t)n->records->seq ? n->records->seq
	                                        : (int64_t)mark;
}

int gt_records_root(struct gt_node *n, uint64_t mark)
{
	int64_t root = honest(n, mark);
	if (root <= n->records->root)
		return 0;
	n->records->root = root;
	n->touched = true;
	int status = gt_meta_put(n->store, "root", root);
	if (status == 0 && root > n->records->hop) {
		/* it went through the parent; the answer got lost */
		n->records->hop = root;
		status = gt_meta_put(n->store, "hop", root);
	}
	return status;
}

int gt_records_reply(struct gt_node *n, const Gt__RecordsReply *m)
{
	int status = 0;
	int64_t hop = honest(n, m->hop);
	if (n->records->batches > 0)
		n->records->batches--;
	if (hop > n->records->hop) {
		n->records->hop = hop;
		n->touched = true;
		status = gt_meta_put(n->store, "hop", hop);
	}
	if (n->records->batches == 0 && hop < n->records->sent)
		n->records->sent = hop; /* the parent did not take all of it */
	return status ? status : gt_records_root(n, m->root);
}

/* After a restore the parent may be behind what it told us. */
int gt_records_up(struct gt_node *n, uint64_t theirs, bool *behind)
{
	struct gt_records *r = n->records;
	*behind = theirs > (uint64_t)r->high;
	if (*behind)
		return 0;
	r->sent = (int64_t)theirs;
	if (r->hop <= r->sent)
		return 0;
	r->hop = r->sent;
	return gt_meta_put(n->store, "hop", r->hop);
}

void gt_records_down(struct gt_node *n)
{
	n->records->batches = 0;
}
