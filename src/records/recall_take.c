/* recall_take.c: asks the parent for what this node forgot, and takes it
 * (recall.c).
 * Tests: u_node_restore.c. */
#include "records_inside.h"

#include <string.h>

static Gt__RecordName *name_of(struct gt_node *n, const struct gt_recall *one,
                               int64_t seq)
{
	Gt__RecordName *m = gt_arena_get(n->arena, sizeof *m);
	if (!m)
		return NULL;
	gt__record_name__init(m);
	m->origin = n->code;
	m->origin_epoch =
	        gt_record_field(n, gt_bytes_of(one->epoch, sizeof one->epoch));
	m->origin_seq = (uint64_t)seq;
	return m;
}

int gt_recall_ask(struct gt_node *n)
{
	struct gt_records *r = n->records;
	struct gt_recall one;
	Gt__RecordName *v[GT_WANTED_ROWS];
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	struct gt_asking a = {.what = GT_ASKED_RECALL};
	bool full;
	if (!r->recalls || r->recalling || n->full || !gt_up_ready(n) ||
	    !gt_version_asks_back(n->up->version))
		return 0;
	int status = gt_recall_first(n, &one);
	if (status != 0 || !r->recalls)
		return status;
	for (int i = 0; i < GT_WANTED_ROWS; i++)
		if (!(v[i] = name_of(n, &one, one.next + i)))
			return -GT_ENOMEM;
	m.after = (uint64_t)r->sent;
	m.patient = true;
	m.wanted = v;
	m.n_wanted = GT_WANTED_ROWS;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	status = gt_ask(n, &q, &a, &full);
	r->recalling = status == 0 && !full;
	if (r->recalling)
		n->status.records_asked_back += GT_WANTED_ROWS;
	return status;
}

static bool is_asked_for(const struct gt_node *n, const struct gt_recall *one,
                         const Gt__Record *w)
{
	return gt_record_shapeless(n->code, w) == NULL &&
	       strcmp(w->origin, n->code) == 0 &&
	       memcmp(w->origin_epoch.data, one->epoch, sizeof one->epoch) ==
	               0 &&
	       w->origin_seq >= (uint64_t)one->next &&
	       w->origin_seq < (uint64_t)one->next + GT_WANTED_ROWS;
}

static int tell_back(struct gt_node *n, const Gt__Record *w)
{
	char id[GT_UUID_TEXT];
	gt_uuid_format(id, w->id.data);
	struct gt_audit row = {.event = "repair",
	                       .kind = "record",
	                       .subject = id,
	                       .peer = gt_up_code(n),
	                       .bytes = w->body.len,
	                       .detail = "was forgotten here"};
	n->status.records_back++;
	return gt_audit_row(n, &row);
}

/* Behind the last that is here; whoever has its id already stays. */
static int put(struct gt_node *n, const Gt__Record *w)
{
	struct gt_arrival r = gt_record_arrival(w);
	struct gt_found f;
	int64_t last;
	bool another;
	int status = gt_record_look_up(n, &r, &f);
	if (status != 0 || f.known != GT_RECORD_NEW)
		return status;
	status = gt_stream_of(n, w->origin, w->origin_epoch.data, &r.stream,
	                      &last);
	if (status == 0)
		status = gt_record_place(n, w->origin, w->origin_epoch.data, &r,
		                         &another);
	if (status == 0)
		status = gt_record_insert(n, &r);
	if (status == 0)
		status = gt_pool_never(n, n->records->seq);
	if (status == 0)
		status = gt_stream_last(n, r.stream, r.origin_seq);
	return status ? status : tell_back(n, w);
}

static int take(struct gt_node *n, const Gt__Record *w)
{
	char why[GT_WHY];
	int status = gt_record_verify(w, why, sizeof why);
	if (status != 0)
		return status == -GT_EDAMAGED ? 0 : status;
	return put(n, w);
}

int gt_recall_answered(struct gt_node *n, const Gt__RecordsReply *m)
{
	struct gt_hand_in h = {0};
	struct gt_refusal later = {0};
	Gt__Record *v[GT_WANTED_ROWS];
	struct gt_recall one;
	if (!n->records->recalling)
		return 0;
	n->records->recalling = false;
	int status = gt_recall_first(n, &one);
	if (status != 0 || !n->records->recalls)
		return status;
	if (m->n_again > GT_WANTED_ROWS)
		return gt_drop(n, n->up, "more records than were asked for");
	for (size_t i = 0; i < m->n_again; i++)
		if (is_asked_for(n, &one, m->again[i])) {
			h.bytes += m->again[i]->body.len;
			v[h.count++] = m->again[i];
		}
	status = h.count > 0 ? gt_record_admit(n, &h, &later) : 0;
	if (status != 0 || later.code != 0)
		return status; /* asked again when there is room */
	for (size_t i = 0; status == 0 && i < h.count; i++)
		status = take(n, v[i]);
	return status ? status : gt_recall_next(n, h.count, m->next);
}
