/* send.c: records on their way to the parent, and its marks.
 * Tests: u_node_record.c, u_lineage.c, u_rehang.c. */
#include "records_inside.h"

#include <string.h>

enum { LOOKS = 8 /* at GT_RECORDS_ROWS each, in a turn */ };

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
	bool body = r->body.data || gt_col_bytes(st, 10).n == 0;
	return r->origin && r->policy && r->authority && body ? r : NULL;
}

static int unfit(char *why, size_t why_cap, const char *what)
{
	gt_format(why, why_cap, "%s", what);
	return -GT_EDAMAGED;
}

/* What lay on our disk is asked again before it leaves. 0; -GT_EDAMAGED, and
 * why; -GT_ENOMEM. */
static int verify(const Gt__Record *r, char *why, size_t why_cap)
{
	struct gt_statement said = {
	        .flags = r->flags,
	        .body = gt_bytes_of(r->body.data, r->body.len),
	        .authority = r->authority};
	bool voids = r->flags & GT_STATEMENT_VOIDS;
	if (!gt_code_valid(r->origin) ||
	    r->origin_epoch.len != GT_EPOCH_BYTES || (int64_t)r->origin_seq < 1)
		return unfit(why, why_cap, "its stream is lost");
	if (r->id.len != GT_UUID_BYTES || r->form.len != GT_ID_BYTES ||
	    (voids && r->target.len != GT_UUID_BYTES))
		return unfit(why, why_cap, "a malformed record");
	memcpy(said.id, r->id.data, GT_UUID_BYTES);
	memcpy(said.form.b, r->form.data, GT_ID_BYTES);
	if (voids)
		memcpy(said.target, r->target.data, GT_UUID_BYTES);
	return gt_statement_verify(&said, why, why_cap);
}

/* A batch on its way out of the database. */
struct reading {
	Gt__Records *m;
	size_t bytes, damaged; /* met for the first time */
	char why[GT_WHY];      /* of the last of them */
};

/* It stays where it is, for its id is taken, and is not sent: nobody above
 * would take it. Written down once. */
static int damaged(struct gt_node *n, struct reading *b, const Gt__Record *r,
                   int64_t stream)
{
	char reason[GT_WHY + 16];
	bool fresh;
	gt_format(reason, sizeof reason, "damaged here: %s", b->why);
	const struct gt_set_aside s = {
	        .via = n->code,
	        .stream = stream,
	        .origin_seq = (int64_t)r->origin_seq,
	        .id = gt_bytes_of(r->id.data, r->id.len),
	        .form = gt_bytes_of(r->form.data, r->form.len),
	        .origin_ms = r->stored_ms,
	        .reason = reason,
	        .body = gt_bytes_of(r->body.data, r->body.len)};
	int status = gt_record_set_aside(n, &s, &fresh);
	if (status != 0 || !fresh)
		return status;
	b->damaged++;
	n->status.records_damaged++;
	struct gt_audit row = {.event = "damage",
	                       .kind = "record",
	                       .result = -GT_EDAMAGED,
	                       .bytes = r->body.len,
	                       .detail = reason};
	return gt_audit_row(n, &row);
}

/* One row: put into the batch, or set aside. */
static int add_row(struct gt_node *n, struct reading *b, sqlite3_stmt *st)
{
	Gt__Record *r = record_of_row(n, st);
	int status = r ? verify(r, b->why, sizeof b->why) : -GT_ENOMEM;
	if (r)
		n->records->looked = (int64_t)r->seq;
	if (status == -GT_EDAMAGED)
		return damaged(n, b, r, gt_col_int(st, 12));
	if (status != 0)
		return status;
	b->bytes +=
	        r->body.len + strlen(r->authority) + strlen(r->policy) + 200;
	b->m->records[b->m->n_records++] = r;
	return 0;
}

static int read_batch(struct gt_node *n, Gt__Records *m)
{
	struct reading b = {.m = m};
	int row = 0, status = 0;
	m->records =
	        gt_arena_get(n->arena, GT_RECORDS_ROWS * sizeof *m->records);
	if (!m->records)
		return -GT_ENOMEM;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_RECORDS_AFTER, "ii",
	                      n->records->looked, (int64_t)GT_RECORDS_ROWS);
	while (status == 0 && b.bytes < GT_RECORDS_BYTES &&
	       m->n_records < GT_RECORDS_ROWS &&
	       (row = gt_store_step(n->store, GT_SQL_RECORDS_AFTER)) == 1)
		status = add_row(n, &b, st);
	gt_store_reset(n->store, GT_SQL_RECORDS_AFTER);
	if (row >= 0 && status == 0)
		status = gt_record_trim_aside(n, n->code);
	if (row < 0 || status != 0 || b.damaged == 0)
		return row < 0 ? row : status;
	return gt_log(n, GT_LOG_ERROR,
	              "%zu records are damaged here and are not sent (%s); "
	              "guantong records quarantine ls lists them",
	              b.damaged, b.why);
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
	int64_t from = n->records->looked;
	int status = read_batch(n, &m);
	if (status != 0 || m.n_records == 0)
		return status;
	m.after = (uint64_t)n->records->sent;
	m.patient = true;
	a.upto = m.records[m.n_records - 1]->seq;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	status = gt_ask(n, &q, &a, &full);
	if (full)
		n->records->looked = from;
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
	              : gt_record_audit(n, "send", gt_up_code(n), n->epoch, &m,
	                                m.n_records);
}

int gt_records_go(struct gt_node *n)
{
	struct gt_records *r = n->records;
	int status = 0;
	assert(r->sent <= r->high && r->sent <= r->looked);
	status = gt_record_uncrowd(n);
	if (status != 0)
		return status;
	if (!gt_up_ready(n) || n->now.mono_ms < r->retry_ms)
		return 0;
	r->retry_ms = 0;
	/* where nothing is fit to be sent it goes on in a later turn */
	for (unsigned looks = 0;
	     status == 0 && looks < LOOKS && r->batches < GT_RECORD_WINDOW &&
	     r->looked < r->seq;
	     looks++) {
		int64_t before = r->looked;
		status = send_batch(n);
		if (r->looked == before)
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
	if (n->records->batches == 0 && hop < n->records->sent) {
		/* the parent did not take all of it */
		n->records->sent = n->records->looked = hop;
	}
	return status ? status : gt_records_root(n, m->root);
}

/* After a restore the parent may be behind what it told us, and another one
 * never told us anything. */
int gt_records_up(struct gt_node *n, uint64_t theirs, bool *behind)
{
	struct gt_records *r = n->records;
	int status = 0;
	bool other = strcmp(r->hop_of, n->up->code) != 0;
	*behind = theirs > (uint64_t)r->high;
	if (*behind)
		return 0;
	r->sent = r->looked = (int64_t)theirs;
	if (other) {
		gt_copy(r->hop_of, sizeof r->hop_of, n->up->code);
		status = gt_meta_put_bytes(n->store, "hop_of",
		                           gt_bytes_str(r->hop_of));
	}
	if (status != 0 || (r->hop <= r->sent && !other))
		return status;
	n->touched = true;
	r->hop = r->sent;
	return gt_meta_put(n->store, "hop", r->hop);
}

void gt_records_down(struct gt_node *n)
{
	n->records->batches = 0;
	n->records->retry_ms = 0;
}
