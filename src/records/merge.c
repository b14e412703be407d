/* merge.c: records children hand up, each taken once.
 * Tests: u_later.c, u_node_record.c, u_vouched.c, u_node_lies.c, u_lineage.c. */
#include "records_inside.h"
#include "sealed.h"
#include "sheaf.h"
#include "terms.h"

#include <string.h>

enum { UNHEARD_MS = 2000 /* until layers on their way have come */ };

/* 0; -GT_EDAMAGED, and why; -GT_ENOMEM. */
static int verify(const struct gt_arrival *r, char *why, size_t why_cap)
{
	struct gt_statement said = {
	        .flags = r->flags, .body = r->body, .authority = r->authority};
	memcpy(said.id, r->id, GT_UUID_BYTES);
	memcpy(said.form.b, r->form, GT_ID_BYTES);
	if (r->flags & GT_STATEMENT_VOIDS)
		memcpy(said.target, r->target, GT_UUID_BYTES);
	return gt_statement_verify(&said, why, why_cap);
}

static struct gt_bytes at_most(ProtobufCBinaryData b, size_t most)
{
	return gt_bytes_of(b.data, b.len < most ? b.len : most);
}

/* What has not even the shape of a record is nobody's but the child's, by the
 * number it gave it. */
static int set_aside_shapeless(struct gt_node *n, const struct gt_peer *p,
                               const Gt__Record *w, const char *why)
{
	struct gt_set_aside r = {.via = p->code,
	                         .origin_seq = (int64_t)w->seq,
	                         .id = at_most(w->id, GT_UUID_BYTES),
	                         .form = at_most(w->form, GT_ID_BYTES),
	                         .origin_ms = w->stored_ms,
	                         .reason = why,
	                         .result = -GT_EMALFORMED,
	                         .body = at_most(w->body, GT_STATEMENT_MAX)};
	int64_t last;
	int status = gt_stream_of(n, p->code, p->epoch, &r.stream, &last);
	return status ? status : gt_record_quarantine(n, p->code, &r);
}

/* What comes takes its place in its stream, or one of its own. */
static int place(struct gt_node *n, const struct gt_peer *p,
                 const Gt__Record *w, struct gt_arrival *r)
{
	bool another;
	int status = gt_record_place(n, w->origin, w->origin_epoch.data, r,
	                             &another);
	if (status != 0 || !another)
		return status;
	struct gt_audit row = {.event = "merge",
	                       .kind = "record",
	                       .peer = p->code,
	                       .result = -GT_ECONFLICT,
	                       .detail = "another record has its place in its "
	                                 "stream: taken under another"};
	return gt_audit_told(n, p->code, &row, NULL);
}

/* derived: what it says is what its body says. *need: our own record that must
 * reach the root for this one to be there. */
static int merge(struct gt_node *n, const struct gt_peer *p,
                 const Gt__Record *w, struct gt_arrival *r, bool derived,
                 int64_t *need)
{
	struct gt_found f;
	char why[GT_WHY];
	int status = derived ? 0 : verify(r, why, sizeof why);
	if (status == -GT_EDAMAGED)
		return gt_record_quarantine_arrival(n, p->code, p->code, r,
		                                    status, why);
	if (status == 0)
		status = gt_record_look_up(n, r, &f);
	if (status == 0 && f.lesser)
		status = gt_record_give_way(n, &f, r, p->code);
	if (status == 0 && f.lesser)
		f.known = GT_RECORD_NEW;
	if (status != 0)
		return status;
	if (f.known == GT_RECORD_SAME) {
		n->status.records_duplicate++;
		if (f.seq > *need)
			*need = f.seq;
		return 0;
	}
	if (f.known == GT_RECORD_OTHER)
		return gt_record_quarantine_arrival(n, p->code, p->code, r,
		                                    -GT_ECONFLICT,
		                                    "same id, other contents");
	status = place(n, p, w, r);
	if (status == 0)
		status = gt_record_insert(n, r);
	if (n->records->seq > *need)
		*need = n->records->seq;
	return status ? status : gt_stream_last(n, r->stream, r->origin_seq);
}

static int merge_wire(struct gt_node *n, const struct gt_peer *p,
                      const Gt__Record *w, bool derived, int64_t *need)
{
	const char *why = gt_record_shapeless(p->code, w);
	if (why)
		return set_aside_shapeless(n, p, w, why);
	struct gt_arrival r = gt_record_arrival(w);
	int64_t last;
	int status = gt_stream_of(n, w->origin, w->origin_epoch.data, &r.stream,
	                          &last);
	return status ? status : merge(n, p, w, &r, derived, need);
}

/* batch: what is answered; NULL: it was put off. */
static int reply_marks(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Records *batch)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__RecordsReply m = GT__RECORDS_REPLY__INIT;
	int status = gt_records_child_root(n, p);
	m.hop = (uint64_t)p->child.records;
	m.root = (uint64_t)p->child.rooted;
	p->child.rooted_told = p->child.rooted;
	if (status == 0 && batch && gt_version_asks_back(p->version))
		status = gt_spoilt_give(n, p, batch, &m);
	r.body_case = GT__REPLY__BODY_RECORDS;
	r.records = &m;
	return status ? status
	              : gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

/* What it was named for stays unsaid here too: neither body nor form. */
static int set_aside_unheeded(struct gt_node *n, const struct gt_peer *p,
                              const Gt__Record *w)
{
	struct gt_set_aside r = {
	        .via = p->code,
	        .origin_seq = (int64_t)w->origin_seq,
	        .id = gt_bytes_of(w->id.data, w->id.len),
	        .origin_ms = w->stored_ms,
	        .reason =
	                "it says more than the layers let it: it was not kept",
	        .result = -GT_EDENIED};
	int64_t last;
	int status = gt_stream_of(n, w->origin, w->origin_epoch.data, &r.stream,
	                          &last);
	return status ? status : gt_record_quarantine(n, p->code, &r);
}

/* A batch of a child's, and of its records: */
struct batch {
	const Gt__Records *m;
	const bool *derived;     /* sheaf.h; NULL: none is */
	const bool *unheeded;    /* those that say too much; NULL: none does */
	struct gt_sealing seals; /* of a sheaf; .m NULL: it was none */
};

/* One under a seal that is not good: somebody on the way made it, or altered
 * one that went with it. */
static int set_aside_broken(struct gt_node *n, const struct gt_peer *p,
                            const Gt__Record *w)
{
	struct gt_arrival r = gt_record_arrival(w);
	int64_t last;
	int status = gt_stream_of(n, w->origin, w->origin_epoch.data, &r.stream,
	                          &last);
	return status ? status
	              : gt_record_quarantine_arrival(
	                        n, p->code, p->code, &r, -GT_ESIGNATURE,
	                        "its seal is not of who handed it in, or not "
	                        "of this record");
}

/* Record i of a batch. */
static int take_one(struct gt_node *n, const struct gt_peer *p, struct batch *b,
                    size_t i, int64_t *need)
{
	const Gt__Record *w = b->m->records[i];
	struct gt_sealing *s = &b->seals;
	int64_t before = n->records->seq;
	if (b->unheeded && b->unheeded[i])
		return set_aside_unheeded(n, p, w);
	if (s->m && s->is[i] == GT_SEAL_BROKEN)
		return set_aside_broken(n, p, w);
	int status = merge_wire(n, p, w, b->derived && b->derived[i], need);
	if (s->m && n->records->seq > before)
		s->row[i] = n->records->seq;
	if (n->records->seq > before && (!s->m || s->is[i] != GT_SEALED))
		n->status.records_unsealed++;
	return status;
}

static int take_batch(struct gt_node *n, struct gt_peer *p, struct batch *b)
{
	const Gt__Records *m = b->m;
	int64_t need = 0, upto = (int64_t)gt_record_upto(m);
	size_t taken = 0;
	struct gt_left left = {{0}};
	int status = 0;
	if (p->child.compared) /* what it leaves out may be any that are here */
		need = n->records->seq;
	bool news = upto > p->child.records;
	for (size_t i = 0; status == 0 && i < m->n_records; i++) {
		const Gt__Record *w = m->records[i];
		if ((int64_t)w->seq <= p->child.records)
			continue; /* sent again */
		status = take_one(n, p, b, i, &need);
		left.did[gt_done_parse(w->policy).treatment]++;
		p->child.records = (int64_t)w->seq;
		taken++;
	}
	if (status == 0 && b->seals.m)
		status = gt_sealed_keep(n, &b->seals);
	if (status != 0 || !news)
		return status;
	p->child.records = upto;
	gt_store_bind(n->store, GT_SQL_BATCH_NEW, "iii", p->child.cid,
	              p->child.records, need);
	status = gt_store_run(n->store, GT_SQL_BATCH_NEW);
	if (status == 0)
		status = gt_peer_save(n, p);
	if (status == 0)
		status = gt_record_trim_aside(n, p->code);
	return status ? status
	              : gt_record_audit(n, "merge", p->code, p->epoch, m, taken,
	                                &left);
}

/* A child that says it is patient is told when to come. One of an earlier
 * program would drop the link: it is answered after a heartbeat with the marks
 * as they are, and sends the same once more. */
static int put_off(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__Records *m, const struct gt_refusal *why)
{
	struct gt_child *c = &p->child;
	if (m->patient)
		return gt_send_error(n, p, token, why->code, why->why,
		                     why->retry_ms);
	if (c->nlater == GT_RECORD_WINDOW)
		return gt_drop(n, p, "a batch of records over the limit");
	if (c->nlater == 0)
		c->later_until = n->now.mono_ms + n->config.heartbeat_ms;
	c->later[c->nlater++] = token;
	return 0;
}

static bool due(const struct gt_node *n, const struct gt_peer *p)
{
	return gt_peer_here(p) && p->child.nlater > 0 &&
	       n->now.mono_ms >= p->child.later_until;
}

int gt_records_time(struct gt_node *n)
{
	int status = 0;
	for (uint32_t i = 0; i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		if (!due(n, p))
			continue;
		for (uint32_t k = 0; status == 0 && k < p->child.nlater; k++)
			status = reply_marks(n, p, p->child.later[k], NULL);
		p->child.nlater = 0;
	}
	return status;
}

/* What is here already takes nothing, nor does what leaves a gap. */
static struct gt_hand_in hand_in(const struct gt_node *n,
                                 const struct gt_peer *p, const Gt__Records *m)
{
	struct gt_hand_in h = {.whom = p->code,
	                       .hourly = n->config.child_hour,
	                       .waiting = n->config.child_waiting};
	if ((int64_t)m->after > p->child.records)
		return h;
	for (size_t i = 0; i < m->n_records; i++) {
		const Gt__Record *w = m->records[i];
		if ((int64_t)w->seq <= p->child.records)
			continue;
		h.bytes += w->body.len + strlen(w->authority);
		h.count++;
	}
	return h;
}

/* As large as it may be (send.c): there is more behind it. */
static bool is_full(const Gt__Records *m)
{
	size_t bytes = 0;
	for (size_t i = 0; i < m->n_records; i++)
		bytes += m->records[i]->body.len;
	return m->n_records == GT_RECORDS_ROWS || bytes > GT_RECORDS_BYTES / 2;
}

/* Whether records of the batch say more than the layers here let them: by one
 * that knows the same layers, against them; by one that knows others, because
 * it has not heard of them, and it is told to come again when it has. */
static int look_for_unheeded(struct gt_node *n, const struct gt_peer *p,
                             const Gt__Records *m, const bool **unheeded,
                             struct gt_refusal *later)
{
	ProtobufCBinaryData ours;
	bool *v = NULL, any = false;
	int status = 0;
	if (n->records->nlayers == 0 || m->n_records == 0)
		return 0;
	v = gt_arena_get(n->arena, m->n_records * sizeof *v);
	if (!v)
		return -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < m->n_records; i++) {
		const Gt__Record *w = m->records[i];
		bool heeds = true;
		if ((int64_t)w->seq > p->child.records &&
		    !gt_record_shapeless(p->code, w))
			status = gt_record_heeds(n, p, w, &heeds);
		v[i] = !heeds;
		any = any || v[i];
	}
	if (status == 0)
		status = gt_record_demanded(n, p->code, &ours);
	if (status != 0 || !any)
		return status;
	*unheeded = v;
	if (gt_bytes_eq(gt_bytes_of(ours.data, ours.len),
	                gt_bytes_of(m->demanded.data, m->demanded.len)))
		return 0;
	*later = (struct gt_refusal){
	        -GT_EDENIED, UNHEARD_MS,
	        "records say more than the layers let them: take in the "
	        "layers, or update the program of the node that sends them"};
	return 0;
}

/* The numbers are the stream itself: nothing could be acknowledged by them. */
static bool in_order(const Gt__Records *m)
{
	uint64_t last = m->after;
	for (size_t i = 0; i < m->n_records; i++) {
		const Gt__Record *r = m->records[i];
		if (r->seq <= last || r->seq > INT64_MAX)
			return false;
		last = r->seq;
	}
	return last <= INT64_MAX && m->upto <= INT64_MAX &&
	       (m->upto == 0 || m->upto >= last);
}

static int take(struct gt_node *n, struct gt_peer *p, uint64_t token,
                struct batch *b)
{
	const Gt__Records *m = b->m;
	struct gt_refusal later = {0};
	struct gt_hand_in h = hand_in(n, p, m);
	int64_t before = n->records->seq;
	int status = look_for_unheeded(n, p, m, &b->unheeded, &later);
	if (status == 0 && later.code == 0 && h.count > 0)
		status = gt_record_admit(n, &h, &later);
	if (status != 0 || later.code != 0)
		return status ? status : put_off(n, p, token, m, &later);
	gt_terms_batch(n, is_full(m));
	/* A batch that leaves a gap is not taken; the marks say where we
	 * are. */
	if ((int64_t)m->after <= p->child.records)
		status = take_batch(n, p, b);
	if (status == 0 && gt_version_asks_back(p->version))
		status = gt_spoilt_from_child(n, p, m);
	if (status == 0)
		status = gt_record_waits(n, &h, before);
	return status ? status : reply_marks(n, p, token, m);
}

int gt_records_batch(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Records *said)
{
	Gt__Records m = *said;
	struct batch b = {.m = &m};
	bool *derived = NULL;
	if (m.sheaf.len > 0 && gt_version_sheaves(p->version)) {
		int status = gt_sheaf_untie(n->arena, &m, &derived);
		if (status == 0)
			status = gt_sealed_check(n, p, &m, &b.seals);
		if (status != 0)
			return status == -GT_EMALFORMED
			               ? gt_drop(n, p, "a malformed sheaf")
			               : status;
	}
	b.derived = derived;
	if (m.after > INT64_MAX || m.n_records > GT_RECORDS_ROWS ||
	    m.n_wanted > GT_WANTED_ROWS || m.n_again > GT_WANTED_ROWS)
		return gt_drop(n, p, "a batch of records over the limit");
	if (!in_order(&m))
		return gt_drop(n, p, "records out of order");
	return take(n, p, token, &b);
}

int gt_records_child_root(struct gt_node *n, struct gt_peer *p)
{
	int64_t reached = p->child.rooted, root = n->records->root;
	int row, status;
	assert(p->child.rooted_told <= reached && reached <= p->child.records);
	if (p->child.rooted >= p->child.records)
		return 0;
	status = gt_spoilt_held(n, p, &root);
	if (status != 0)
		return status;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_BATCHES, "i", p->child.cid);
	while ((row = gt_store_step(n->store, GT_SQL_BATCHES)) == 1 &&
	       gt_col_int(st, 1) <= root)
		reached = gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_BATCHES);
	if (row < 0 || reached == p->child.rooted)
		return row < 0 ? row : 0;
	p->child.rooted = reached;
	gt_store_bind(n->store, GT_SQL_BATCH_DONE, "ii", p->child.cid, reached);
	status = gt_store_run(n->store, GT_SQL_BATCH_DONE);
	return status ? status : gt_peer_save(n, p);
}

int gt_records_forget(struct gt_node *n, struct gt_peer *p)
{
	p->child.records = 0;
	p->child.rooted = 0;
	gt_store_bind(n->store, GT_SQL_BATCH_CLEAR, "i", p->child.cid);
	return gt_store_run(n->store, GT_SQL_BATCH_CLEAR);
}
