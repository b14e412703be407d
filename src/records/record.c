/* record.c: learner records, in from terminals and children, up to the parent.
 *
 * A record is known by (origin, epoch, origin_seq) and by its statement id.
 * Each node numbers what it holds in its own order; its parent keeps, in the
 * same transaction as the rows, the last number it has taken. So a batch sent
 * again changes nothing, and nothing is skipped.
 *
 * Two marks come back: hop (the parent has all up to here) and root (the root
 * has). A node learns its own root mark and works out its children's from the
 * batches they sent. */
#include <string.h>

#include "turn.h"

static struct gt_bytes key(const uint8_t *p, size_t n)
{
	return gt_bytes_of(p, n);
}

static bool is_root(const struct gt_node *n)
{
	return n->parent[0] == '\0';
}

/* ------------------------------------------------------------ state */

static int stream_of(struct gt_node *n, const char *code, const uint8_t *epoch,
                     int64_t *sid, int64_t *last)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_STREAM_GET, "tb",
	                                 code, key(epoch, GT_EPOCH_BYTES));
	int row = gt_store_step(n->store, GT_SQL_STREAM_GET);
	if (row == 1) {
		*sid = gt_col_int(st, 0);
		*last = gt_col_int(st, 1);
	}
	gt_store_reset(n->store, GT_SQL_STREAM_GET);
	if (row != 0)
		return row < 0 ? row : 0;
	gt_store_bind(n->store, GT_SQL_STREAM_NEW, "tb", code,
	              key(epoch, GT_EPOCH_BYTES));
	int status = gt_store_run(n->store, GT_SQL_STREAM_NEW);
	*sid = gt_store_rowid(n->store);
	*last = 0;
	return status;
}

/* A database from before this mark was kept may have sent all it has. */
static int load_sent(struct gt_node *n)
{
	int status = gt_meta_get(n->store, "sent", -1, &n->record_high);
	if (status != 0 || n->record_high >= 0)
		return status;
	n->record_high = n->record_seq;
	return gt_meta_put(n->store, "sent", n->record_high);
}

int gt_record_load(struct gt_node *n)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_MAX, "");
	int row = gt_store_step(n->store, GT_SQL_RECORD_MAX);
	if (row < 0)
		return row;
	n->record_seq = gt_col_int(st, 0);
	n->record_ms = gt_col_int(st, 1);
	gt_store_reset(n->store, GT_SQL_RECORD_MAX);
	int status = gt_meta_get(n->store, "hop", 0, &n->hop);
	if (status == 0)
		status = gt_meta_get(n->store, "root", 0, &n->root);
	if (status == 0)
		status = load_sent(n);
	if (status == 0)
		status = stream_of(n, n->code, n->epoch, &n->stream,
		                   &n->stream_seq);
	if (is_root(n))
		n->hop = n->root = n->record_seq;
	return status;
}

/* In the old stream the parent may know other records by the same numbers; in
 * the new one it knows none, and what it has already it tells by its id. */
int gt_record_renew(struct gt_node *n)
{
	int64_t old = n->stream, last = n->stream_seq;
	int status = gt_record_load(n);
	if (status != 0)
		return status;
	n->stream_seq = last;
	gt_store_bind(n->store, GT_SQL_RECORD_MOVE, "ii", old, n->stream);
	status = gt_store_run(n->store, GT_SQL_RECORD_MOVE);
	gt_store_bind(n->store, GT_SQL_STREAM_LAST, "ii", n->stream, last);
	return status ? status : gt_store_run(n->store, GT_SQL_STREAM_LAST);
}

/* Times never go back, so that "stored since" can be trusted. */
static int64_t stored_now(struct gt_node *n)
{
	if (n->now.wall_ms > n->record_ms)
		n->record_ms = n->now.wall_ms;
	return n->record_ms;
}

struct arrival {
	int64_t stream, origin_seq;
	const uint8_t *id; /* 16 bytes */
	const uint8_t *form;
	uint32_t flags;
	const uint8_t *target;
	int64_t origin_ms;
	const char *policy, *authority;
	struct gt_bytes body;
};

static int insert(struct gt_node *n, const struct arrival *r)
{
	struct gt_bytes target =
	        key(r->flags & GT_STATEMENT_VOIDS ? r->target : NULL,
	            GT_UUID_BYTES);
	gt_store_bind(n->store, GT_SQL_RECORD_NEW, "iibbioiittb", r->stream,
	              r->origin_seq, key(r->id, GT_UUID_BYTES),
	              key(r->form, GT_ID_BYTES), (int64_t)r->flags, target,
	              r->origin_ms, stored_now(n), r->policy, r->authority,
	              r->body);
	int status = gt_store_run(n->store, GT_SQL_RECORD_NEW);
	n->record_seq = gt_store_rowid(n->store);
	n->status.records_in++;
	n->touched = true;
	if (is_root(n))
		n->hop = n->root = n->record_seq;
	return status;
}

enum known { NEW, SAME, OTHER };

static int look_up(struct gt_node *n, const uint8_t *id, const uint8_t *form,
                   enum known *known, int64_t *seq)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_BY_ID, "b",
	                                 key(id, GT_UUID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_RECORD_BY_ID);
	*known = NEW;
	if (row == 1) {
		*seq = gt_col_int(st, 0);
		*known =
		        gt_bytes_eq(gt_col_bytes(st, 1), key(form, GT_ID_BYTES))
		                ? SAME
		                : OTHER;
	}
	gt_store_reset(n->store, GT_SQL_RECORD_BY_ID);
	return row < 0 ? row : 0;
}

/* ---------------------------------------------- handed in by people */

static int refuse_conflict(struct gt_node *n, const struct gt_event *e,
                           const struct gt_statement *s)
{
	char id[37];
	gt_uuid_format(id, s->id);
	struct gt_audit row = {.actor = e->actor,
	                       .event = "accept",
	                       .kind = "record",
	                       .result = -GT_ECONFLICT};
	int status = gt_audit_row(n, &row);
	return status ? status
	              : gt_reply(n, e->token, -GT_ECONFLICT,
	                         "statement %s is already here with other "
	                         "contents",
	                         id);
}

static int reply_ids(struct gt_node *n, const struct gt_event *e)
{
	size_t cap = e->count * 40 + 3, at = 0;
	char *text = gt_arena_get(n->arena, cap);
	if (!text)
		return -GT_ENOMEM;
	text[at++] = '[';
	for (size_t i = 0; i < e->count; i++) {
		char id[37];
		gt_uuid_format(id, e->statements[i].id);
		gt_format(text + at, cap - at, "%s\"%s\"", i ? "," : "", id);
		at += strlen(text + at);
	}
	text[at++] = ']';
	text[at] = '\0';
	return gt_reply(n, e->token, 0, "%s", text);
}

static int accept(struct gt_node *n, const struct gt_event *e)
{
	uint64_t bytes = 0;
	size_t fresh = 0;
	char detail[64];
	int status = 0;
	for (size_t i = 0; status == 0 && i < e->count; i++) {
		const struct gt_statement *s = &e->statements[i];
		enum known known;
		int64_t seq;
		status = look_up(n, s->id, s->form.b, &known, &seq);
		if (status != 0 || known == SAME) {
			n->status.records_dup++;
			continue;
		}
		struct arrival r = {n->stream,
		                    ++n->stream_seq,
		                    s->id,
		                    s->form.b,
		                    s->flags,
		                    s->target,
		                    stored_now(n),
		                    "",
		                    s->authority ? s->authority : "",
		                    s->body};
		status = insert(n, &r);
		bytes += s->body.n;
		fresh++;
	}
	if (status == 0 && fresh > 0) {
		gt_store_bind(n->store, GT_SQL_STREAM_LAST, "ii", n->stream,
		              n->stream_seq);
		status = gt_store_run(n->store, GT_SQL_STREAM_LAST);
	}
	gt_format(detail, sizeof detail, "new=%zu again=%zu", fresh,
	          e->count - fresh);
	struct gt_audit row = {.actor = e->actor,
	                       .event = "accept",
	                       .kind = "record",
	                       .bytes = bytes,
	                       .detail = detail};
	return status ? status : gt_audit_row(n, &row);
}

int gt_record_statements(struct gt_node *n, const struct gt_event *e)
{
	/* All or nothing: a conflict refuses the whole batch (xAPI 1.0.3 part
	 * three, 2.1.1), so look before storing any. */
	for (size_t i = 0; i < e->count; i++) {
		enum known known;
		int64_t seq;
		int status = look_up(n, e->statements[i].id,
		                     e->statements[i].form.b, &known, &seq);
		if (status != 0)
			return status;
		if (known == OTHER)
			return refuse_conflict(n, e, &e->statements[i]);
	}
	int status = accept(n, e);
	return status ? status : reply_ids(n, e);
}

/* ------------------------------------------------------ up, our end */

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
	                      n->record_sent, (int64_t)GT_RECORDS_ROWS);
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

static int audit_batch(struct gt_node *n, const char *event, const char *peer,
                       const uint8_t *epoch, const Gt__Records *m,
                       const char *detail)
{
	char name[GT_CHANGE_NAME];
	uint64_t bytes = 0;
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
	char detail[48];
	bool full;
	int status = read_batch(n, &m);
	if (status != 0 || m.n_records == 0)
		return status;
	m.after = (uint64_t)n->record_sent;
	a.upto = m.records[m.n_records - 1]->seq;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	status = gt_ask(n, &q, &a, &full);
	if (status != 0 || full)
		return status;
	n->record_sent = (int64_t)a.upto;
	n->record_batches++;
	if (n->record_sent > n->record_high) {
		n->record_high = n->record_sent;
		status = gt_meta_put(n->store, "sent", n->record_high);
	}
	gt_format(detail, sizeof detail, "count=%zu", m.n_records);
	return status ? status
	              : audit_batch(n, "send", n->parent, n->epoch, &m, detail);
}

int gt_record_go(struct gt_node *n)
{
	int status = 0;
	if (!n->up || n->up->session != GT_S_READY)
		return 0;
	while (status == 0 && n->record_batches < GT_RECORD_WINDOW &&
	       n->record_sent < n->record_seq) {
		uint32_t before = n->record_batches;
		status = send_batch(n);
		if (n->record_batches == before)
			break;
	}
	return status;
}

int gt_record_root(struct gt_node *n, int64_t root)
{
	/* A mark beyond what we have would be a lie about records to come. */
	if (root > n->record_seq)
		root = n->record_seq;
	if (root <= n->root)
		return 0;
	n->root = root;
	n->touched = true;
	int status = gt_meta_put(n->store, "root", root);
	if (status == 0 && root > n->hop) {
		n->hop = root; /* it went through the parent; the answer got
		                  lost */
		status = gt_meta_put(n->store, "hop", root);
	}
	return status;
}

int gt_record_reply(struct gt_node *n, const Gt__RecordsReply *m)
{
	int status = 0;
	int64_t hop = m->hop > (uint64_t)n->record_seq ? n->record_seq
	                                               : (int64_t)m->hop;
	if (n->record_batches > 0)
		n->record_batches--;
	if (hop > n->hop) {
		n->hop = hop;
		n->touched = true;
		status = gt_meta_put(n->store, "hop", hop);
	}
	if (n->record_batches == 0 && hop < n->record_sent)
		n->record_sent = hop; /* the parent did not take all of it */
	if (status == 0)
		status = gt_record_root(
		        n, m->root > INT64_MAX ? INT64_MAX : (int64_t)m->root);
	return status;
}

/* ---------------------------------------------------- up, their end */

static const char *malformed(const struct gt_node *n, const struct gt_peer *p,
                             const Gt__Record *r, int64_t last)
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
	if (strlen(r->origin) > GT_CODE_MAX || !gt_code_valid(r->origin) ||
	    (strcmp(r->origin, p->code) != 0 &&
	     !gt_code_child_of(r->origin, p->code)))
		return "a record of an origin that is not under the child";
	(void)n;
	return NULL;
}

static int set_aside(struct gt_node *n, const struct gt_peer *p,
                     const struct arrival *r)
{
	static const char reason[] = "same id, other contents";
	gt_store_bind(n->store, GT_SQL_QUARANTINE, "tiibbiitb", p->code,
	              r->stream, r->origin_seq, key(r->id, GT_UUID_BYTES),
	              key(r->form, GT_ID_BYTES), r->origin_ms, n->now.wall_ms,
	              reason, r->body);
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

static int key_taken(struct gt_node *n, const struct arrival *r, bool *taken)
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
                         const Gt__Record *w, struct arrival *r)
{
	static const char domain[] = "guantong second place v1\n";
	struct gt_id id;
	struct gt_bytes parts[3] = {gt_bytes_str(domain),
	                            key(w->origin_epoch.data, GT_EPOCH_BYTES),
	                            key(r->id, GT_UUID_BYTES)};
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
	              : stream_of(n, w->origin, id.b, &r->stream, &last);
}

/* *need: our own record that must reach the root for this one to be there. */
static int merge(struct gt_node *n, const struct gt_peer *p,
                 const Gt__Record *w, struct arrival *r, int64_t *need)
{
	enum known known;
	int64_t seq = 0;
	bool taken = false;
	int status = look_up(n, r->id, r->form, &known, &seq);
	if (status == 0 && known == NEW)
		status = key_taken(n, r, &taken);
	if (status != 0)
		return status;
	if (known == SAME) {
		n->status.records_dup++;
		if (seq > *need)
			*need = seq;
		return 0;
	}
	if (known == OTHER)
		return set_aside(n, p, r);
	if (taken)
		status = another_place(n, p, w, r);
	if (status == 0)
		status = insert(n, r);
	if (n->record_seq > *need)
		*need = n->record_seq;
	if (status == 0) {
		gt_store_bind(n->store, GT_SQL_STREAM_LAST, "ii", r->stream,
		              r->origin_seq);
		status = gt_store_run(n->store, GT_SQL_STREAM_LAST);
	}
	return status;
}

static int merge_wire(struct gt_node *n, const struct gt_peer *p,
                      const Gt__Record *w, int64_t *need)
{
	struct arrival r = {.origin_seq = (int64_t)w->origin_seq,
	                    .id = w->id.data,
	                    .form = w->form.data,
	                    .flags = w->flags,
	                    .target = w->target.data,
	                    .origin_ms = w->stored_ms,
	                    .policy = w->policy,
	                    .authority = w->authority,
	                    .body = gt_bytes_of(w->body.data, w->body.len)};
	int64_t last;
	int status =
	        stream_of(n, w->origin, w->origin_epoch.data, &r.stream, &last);
	return status ? status : merge(n, p, w, &r, need);
}

static int reply_marks(struct gt_node *n, struct gt_peer *p, uint64_t token)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__RecordsReply m = GT__RECORDS_REPLY__INIT;
	int status = gt_record_child_root(n, p);
	m.hop = (uint64_t)p->records;
	m.root = (uint64_t)p->rooted;
	p->rooted_told = p->rooted;
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
	char detail[48];
	int status = 0;
	for (size_t i = 0; status == 0 && i < m->n_records; i++) {
		const Gt__Record *w = m->records[i];
		if ((int64_t)w->seq <= p->records)
			continue; /* sent again */
		status = merge_wire(n, p, w, &need);
		p->records = (int64_t)w->seq;
		taken++;
	}
	if (status != 0 || taken == 0)
		return status;
	gt_store_bind(n->store, GT_SQL_BATCH_NEW, "iii", p->cid, p->records,
	              need);
	status = gt_store_run(n->store, GT_SQL_BATCH_NEW);
	if (status == 0)
		status = gt_session_save(n, p);
	gt_format(detail, sizeof detail, "count=%zu", taken);
	return status ? status
	              : audit_batch(n, "merge", p->code, p->epoch, m, detail);
}

int gt_record_batch(struct gt_node *n, struct gt_peer *p, uint64_t token,
                    const Gt__Records *m)
{
	int64_t last = (int64_t)m->after;
	if (m->n_records > GT_RECORDS_ROWS || m->after > INT64_MAX)
		return gt_drop(n, p, "a batch of records over the limit");
	for (size_t i = 0; i < m->n_records; i++) {
		const char *why = malformed(n, p, m->records[i], last);
		if (why)
			return gt_drop(n, p, why);
		last = (int64_t)m->records[i]->seq;
	}
	int status = 0;
	/* A batch that leaves a gap is not taken; the marks say where we
	 * are. */
	if ((int64_t)m->after <= p->records)
		status = take_batch(n, p, m);
	return status ? status : reply_marks(n, p, token);
}

int gt_record_child_root(struct gt_node *n, struct gt_peer *p)
{
	int64_t reached = p->rooted;
	int row;
	if (p->rooted >= p->records)
		return 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_BATCHES, "i", p->cid);
	while ((row = gt_store_step(n->store, GT_SQL_BATCHES)) == 1 &&
	       gt_col_int(st, 1) <= n->root)
		reached = gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_BATCHES);
	if (row < 0 || reached == p->rooted)
		return row < 0 ? row : 0;
	p->rooted = reached;
	gt_store_bind(n->store, GT_SQL_BATCH_DONE, "ii", p->cid, reached);
	int status = gt_store_run(n->store, GT_SQL_BATCH_DONE);
	return status ? status : gt_session_save(n, p);
}
