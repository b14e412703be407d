/* send.c: records on their way to the parent, and its marks.
 * Tests: u_node_record.c, u_lineage.c, u_rehang.c. */
#include "compare.h"
#include "documents.h"
#include "reckon.h"
#include "records_inside.h"
#include "sealed.h"
#include "sheaf.h"
#include "terms.h"

#include <string.h>

enum {
	LOOKS = 8,  /* at GT_RECORDS_ROWS each, in a turn */
	RUNS = 512, /* of records the parent has not, in a batch */
};

/* A batch on its way out of the database. */
struct reading {
	Gt__Records *m;
	size_t bytes;
	struct gt_damaged damaged;
	struct gt_left left;
	bool waits; /* the next one may not leave yet */
	bool gap;   /* behind the last there are numbers, and no records */
	bool there; /* some are not sent: the parent has said that it has them */
};

/* One row: put into the batch, left here, or set aside. */
static int add_row(struct gt_node *n, struct reading *b, sqlite3_stmt *st)
{
	Gt__Record *r;
	enum gt_leaving leaving = GT_STAYS;
	int64_t seq = gt_col_int(st, 0);
	if (gt_compare_there(n, seq)) {
		n->records->looked = seq;
		b->there = true;
		return 0;
	}
	int status = gt_record_read(n, st, &b->damaged, &r);
	if (status == 0) {
		const char *policy = r->policy;
		status = gt_record_leave(n, r, &b->left, &leaving);
		r->seal = r->policy == policy ? 0 : GT_SEAL_ANEW;
	}
	b->waits = leaving == GT_LACKS_A_KEY;
	if (r && !b->waits)
		n->records->looked = seq;
	if (status == -GT_EDAMAGED)
		return 0;
	if (status != 0 || leaving != GT_LEAVES)
		return status;
	b->bytes +=
	        r->body.len + strlen(r->authority) + strlen(r->policy) + 200;
	b->m->records[b->m->n_records++] = r;
	return 0;
}

/* What was erased behind the last one that is there leaves its numbers: the batch
 * speaks for them too, or whoever waits for their marks would for ever. Not while
 * damaged ones may come back under theirs. */
static void pass_gap(struct gt_node *n, struct reading *b)
{
	struct gt_records *r = n->records;
	b->gap = r->looked < r->seq && r->spoilt == 0 && r->erasures->any &&
	         gt_version_leaves_out(n->up->version);
	if (b->gap)
		r->looked = r->seq;
}

/* What the parent has goes into no batch, and the batch speaks for it. */
static void pass_there(struct gt_node *n, struct reading *b)
{
	int64_t past = gt_compare_past(n, n->records->looked);
	b->there = b->there || past > n->records->looked;
	n->records->looked = past;
}

static bool is_full(const struct reading *b)
{
	return b->waits || b->bytes >= GT_RECORDS_BYTES ||
	       b->m->n_records >= GT_RECORDS_ROWS;
}

/* Rows up to the next that the parent has. *last: there are no more. */
static int read_rows(struct gt_node *n, struct reading *b, bool *last)
{
	size_t seen = 0;
	int row = 0, status = 0;
	int64_t run = gt_compare_run(n, n->records->looked + 1,
	                             (int64_t)GT_RECORDS_ROWS);
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORDS_AFTER, "ii",
	                                 n->records->looked, run);
	while (status == 0 && !is_full(b) &&
	       (row = gt_store_step(n->store, GT_SQL_RECORDS_AFTER)) == 1) {
		status = add_row(n, b, st);
		seen++;
	}
	gt_store_reset(n->store, GT_SQL_RECORDS_AFTER);
	/* no more rows were asked for than these */
	*last = row == 0 && !b->waits && seen < (size_t)run;
	return row < 0 ? row : status;
}

static int read_batch(struct gt_node *n, Gt__Records *m, struct gt_left *left,
                      bool *speaks)
{
	struct reading b = {.m = m};
	int status = 0;
	bool last = false;
	m->records =
	        gt_arena_get(n->arena, GT_RECORDS_ROWS * sizeof *m->records);
	if (!m->records)
		return -GT_ENOMEM;
	for (int runs = 0; status == 0 && !last && !is_full(&b) &&
	                   (runs == 0 || (b.there && runs < RUNS));
	     runs++) {
		pass_there(n, &b);
		status = read_rows(n, &b, &last);
	}
	*left = b.left;
	if (status != 0)
		return status;
	pass_there(n, &b);
	if (last)
		pass_gap(n, &b);
	*speaks = b.gap || b.there;
	return gt_record_tell_damaged(n, &b.damaged);
}

static void batch_name(char out[GT_CHANGE_NAME], const uint8_t *epoch,
                       uint64_t upto)
{
	char hex[17];
	gt_hex(hex, epoch, 8);
	gt_format(out, GT_CHANGE_NAME, "records:%s:%llu", hex,
	          (unsigned long long)upto);
}

uint64_t gt_record_upto(const Gt__Records *m)
{
	uint64_t last = m->n_records ? m->records[m->n_records - 1]->seq : 0;
	return m->upto > last ? m->upto : last;
}

/* " pass=3 drop=1 by 33/4 330106/7": what became of a batch, and the layers that
 * demanded it. */
static void tell_left(const struct gt_node *n, const struct gt_left *left,
                      char *out, size_t cap)
{
	for (int i = 0; i < GT_TREATMENTS; i++) {
		if (left->did[i] == 0)
			continue;
		gt_format(out, cap, " %s=%zu",
		          gt_treatment_name((enum gt_treatment)i),
		          left->did[i]);
		cap -= strlen(out);
		out += strlen(out);
	}
	for (size_t i = 0; i < n->records->nlayers; i++) {
		const struct gt_layer *l = n->records->layers[i];
		if (!gt_code_within(n->code, gt_layer_origin(l)))
			continue;
		gt_format(out, cap, "%s %s/%llu", i ? "" : " by",
		          gt_layer_origin(l),
		          (unsigned long long)gt_layer_version(l));
		cap -= strlen(out);
		out += strlen(out);
	}
}

int gt_record_audit(struct gt_node *n, const char *event, const char *peer,
                    const uint8_t *epoch, const Gt__Records *m, size_t count,
                    const struct gt_left *left)
{
	char name[GT_CHANGE_NAME], detail[400];
	uint64_t bytes = 0;
	gt_format(detail, sizeof detail, "count=%zu", count);
	if (n->records->nlayers > 0)
		tell_left(n, left, detail + strlen(detail),
		          sizeof detail - strlen(detail));
	for (size_t i = 0; i < m->n_records; i++)
		bytes += m->records[i]->body.len;
	batch_name(name, epoch, gt_record_upto(m));
	struct gt_audit row = {.event = event,
	                       .kind = "record",
	                       .peer = peer,
	                       .bytes = bytes,
	                       .transfer = name,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

static bool stays(const struct gt_left *left)
{
	return left->did[GT_AGGREGATE] + left->did[GT_DROP] > 0;
}

/* As the parent takes it. */
static int bind(struct gt_node *n, Gt__Records *m)
{
	if (gt_version_sheaves(n->up->version)) {
		int status = gt_sealed_send(n, m);
		return status ? status : gt_sheaf_bind(n->arena, m);
	}
	for (size_t i = 0; i < m->n_records; i++)
		m->records[i]->seal = 0;
	return 0;
}

static int send_batch(struct gt_node *n)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	struct gt_asking a = {.what = GT_ASKED_RECORDS};
	struct gt_left left;
	bool full;
	int64_t from = n->records->looked;
	bool speaks = false;
	int status = read_batch(n, &m, &left, &speaks);
	bool more = speaks ||
	            (stays(&left) && gt_version_leaves_out(n->up->version));
	if (status == 0)
		status = gt_record_demanded(n, n->code, &m.demanded);
	if (status != 0 || (m.n_records == 0 && !more))
		return status;
	m.after = (uint64_t)n->records->sent;
	m.patient = true;
	if (more)
		m.upto = (uint64_t)n->records->looked;
	a.upto = gt_record_upto(&m);
	Gt__Records wire = m;
	if (m.n_records > 0)
		status = bind(n, &wire);
	if (status != 0)
		return status;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &wire;
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
	                                m.n_records, &left);
}

static int send(struct gt_node *n)
{
	struct gt_records *r = n->records;
	int status = 0;
	assert(r->sent <= r->high && r->sent <= r->looked);
	status = gt_record_uncrowd(n);
	if (status == 0)
		status = gt_spoilt_time(n);
	if (status != 0)
		return status;
	if (!gt_up_ready(n) || n->now.mono_ms < r->retry_ms)
		return 0;
	r->retry_ms = 0;
	bool busy;
	status = gt_compare_go(n, &busy);
	/* where nothing is fit to be sent it goes on in a later turn */
	for (unsigned looks = 0;
	     status == 0 && !busy && looks < LOOKS &&
	     r->batches < GT_RECORD_WINDOW && r->looked < r->seq;
	     looks++) {
		int64_t before = r->looked;
		status = send_batch(n);
		if (r->looked == before)
			break;
	}
	if (status == 0)
		status = gt_spoilt_ask(n);
	return status ? status : gt_recall_ask(n);
}

int gt_records_go(struct gt_node *n)
{
	int status = send(n);
	int64_t before = n->records->seq;
	if (status == 0)
		status = gt_pool_go(n);
	if (status == 0 && n->records->seq > before)
		status = send(n);
	if (status == 0)
		status = gt_documents_go(n);
	if (status == 0)
		status = gt_award_go(n);
	if (status == 0)
		status = gt_terms_go(n);
	return status ? status : gt_reckon_go(n);
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

int gt_records_reply(struct gt_node *n, const struct gt_asking *a,
                     const Gt__RecordsReply *m)
{
	int64_t hop = honest(n, m->hop);
	int status = a->what == GT_ASKED_RECALL ? gt_recall_answered(n, m)
	                                        : gt_spoilt_answered(n, a, m);
	if (status != 0 || !n->up)
		return status;
	if (n->records->batches > 0 && a->upto > 0)
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
	gt_spoilt_anew(n);
	r->sent = r->looked = (int64_t)theirs;
	status = gt_compare_begin(n, r->sent);
	if (status == 0 && other) {
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
	gt_compare_end(n);
	n->records->batches = 0;
	n->records->retry_ms = 0;
	gt_spoilt_anew(n);
	gt_documents_down(n);
}
