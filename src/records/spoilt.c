/* spoilt.c: records that are damaged here, or gone, and come back from a
 * neighbour that has them.
 *
 * All records are looked at, row after row, behind a start and once a day. What
 * is not whole is known by its number and its names until it is whole again:
 * first the parent is asked, whom it may have been handed up to; what the
 * parent has not, or was never handed, the child it came by. What the parent had takes its old
 * place. What it had not takes a new one behind the last, as if it came now:
 * the marks may have passed over the old one, and so it goes up like any other,
 * and is known by its id where it was already. Until then what a child handed
 * up with it does not count as at the root.
 *
 * Who had it not may have it back an hour later, and a disk without room takes
 * nothing back: so all are asked again in a while.
 *
 * An id that is handed in or handed up anew brings a record back too (stream.c,
 * a spoilt one gives way). Neither end is trusted with more than it is on any
 * day: what comes must be what it says it is, and by its id or its form the one
 * that was asked for.
 * Tests: u_spoilt.c. */
#include "protocol.h"
#include "reckon.h"
#include "records_inside.h"
#include "terms.h"

#include "schema.h"

#include <string.h>

enum {
	LOOK_ROWS = 500,
	LOOK_MS = 1000,
	LOOK_AGAIN_MS = 24 * 3600 * 1000,
	WHOLE_MAX = 8, /* found whole again in one look */
	ASK_AGAIN_MS = 3600 * 1000,
};

/* A record that is waited for. */
struct spoilt {
	int64_t seq, stream, origin_seq;
	bool by_id;
	uint8_t form[GT_ID_BYTES];
	bool has_form;
	bool bare; /* nothing but its key is left */
};

/* Where one that comes came from. */
struct source {
	const char *via, *under; /* whose it may be, or of one below */
	bool above;
	const struct gt_peer *child; /* NULL: it is none's */
};

void gt_spoilt_anew(struct gt_node *n)
{
	n->records->nasked = 0;
	n->records->refused = false;
	n->records->recalling = false;
	/* a parent that cannot be asked is passed over */
	if (n->records->spoilt > 0 && n->up &&
	    !gt_version_asks_back(n->up->version))
		gt_spoilt_below(n);
}

/* ------------------------------------------------------------- find */

static int found_row(struct gt_node *n, enum gt_sql which, sqlite3_stmt *st,
                     struct spoilt *s, bool *is)
{
	int row = gt_store_step(n->store, which);
	*is = row == 1;
	if (row == 1) {
		s->seq = gt_col_int(st, 0);
		s->stream = gt_col_int(st, 1);
		s->origin_seq = gt_col_int(st, 2);
		s->has_form = gt_col_fixed(st, 3, s->form, sizeof s->form);
		s->bare = gt_col_int(st, 4) == 1;
	}
	gt_store_reset(n->store, which);
	return row < 0 ? row : 0;
}

static int stream_known(struct gt_node *n, const char *code,
                        ProtobufCBinaryData epoch, int64_t *sid, bool *is)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_STREAM_GET, "tb", code,
	                      gt_bytes_of(epoch.data, epoch.len));
	int row = gt_store_step(n->store, GT_SQL_STREAM_GET);
	*is = row == 1;
	*sid = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_STREAM_GET);
	return row < 0 ? row : 0;
}

/* The one that w is, as far as what is left of it tells. */
static int find(struct gt_node *n, const Gt__Record *w, struct spoilt *s,
                bool *is)
{
	int64_t sid;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SPOILT_BY_ID, "b",
	                                 gt_bytes_of(w->id.data, w->id.len));
	int status = found_row(n, GT_SQL_SPOILT_BY_ID, st, s, is);
	s->by_id = *is;
	if (status == 0 && !*is)
		status = stream_known(n, w->origin, w->origin_epoch, &sid, is);
	if (status != 0 || s->by_id || !*is)
		return status;
	st = gt_store_bind(n->store, GT_SQL_SPOILT_BY_KEY, "ii", sid,
	                   (int64_t)w->origin_seq);
	status = found_row(n, GT_SQL_SPOILT_BY_KEY, st, s, is);
	*is = *is && (s->bare || (s->has_form && memcmp(s->form, w->form.data,
	                                                sizeof s->form) == 0));
	return status;
}

/* ------------------------------------------------------------- take */

/* The stream it stood in here, if that is known; else the one it says. */
static int place(struct gt_node *n, const Gt__Record *w, const struct spoilt *s,
                 struct gt_arrival *r)
{
	int64_t last;
	bool same, another;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_STREAM_CODE, "i", s->stream);
	int row = gt_store_step(n->store, GT_SQL_STREAM_CODE);
	same = row == 1 && strcmp(gt_col_text(st, 0), w->origin) == 0 &&
	       s->origin_seq > 0;
	gt_store_reset(n->store, GT_SQL_STREAM_CODE);
	if (row < 0)
		return row;
	r->stream = s->stream;
	r->origin_seq = same ? s->origin_seq : (int64_t)w->origin_seq;
	int status = same ? 0
	                  : gt_stream_of(n, w->origin, w->origin_epoch.data,
	                                 &r->stream, &last);
	return status ? status
	              : gt_record_place(n, w->origin, w->origin_epoch.data, r,
	                                &another);
}

/* At its old number, and of that time. */
static int put_back(struct gt_node *n, int64_t seq, int64_t stored_ms,
                    const struct gt_arrival *r)
{
	struct gt_bytes target =
	        gt_bytes_of(r->flags & GT_STATEMENT_VOIDS ? r->target : NULL,
	                    GT_UUID_BYTES);
	gt_store_bind(
	        n->store, GT_SQL_RECORD_AT, "iiibbioiittb", seq, r->stream,
	        r->origin_seq, gt_bytes_of(r->id, GT_UUID_BYTES),
	        gt_bytes_of(r->form, GT_ID_BYTES), (int64_t)r->flags, target,
	        r->origin_ms, stored_ms, r->policy, r->authority, r->body);
	int status = gt_store_run(n->store, GT_SQL_RECORD_AT);
	if (status == 0)
		status = gt_terms_again(n, seq);
	gt_reckon_again(n);
	return status ? status : gt_record_replaced(n, -1);
}

static int put(struct gt_node *n, const struct source *from,
               const struct spoilt *s, int64_t stored_ms,
               const struct gt_arrival *r)
{
	if (from->above)
		return put_back(n, s->seq, stored_ms, r);
	int status = gt_record_insert(n, r);
	return status ? status : gt_stream_last(n, r->stream, r->origin_seq);
}

static int tell_back(struct gt_node *n, const struct source *from,
                     const struct spoilt *s, const Gt__Record *w)
{
	char id[GT_UUID_TEXT], detail[64];
	gt_uuid_format(id, w->id.data);
	gt_format(detail, sizeof detail, "was damaged here as number %lld",
	          (long long)s->seq);
	struct gt_audit row = {.event = "repair",
	                       .kind = "record",
	                       .subject = id,
	                       .peer = from->via,
	                       .bytes = w->body.len,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

/* What came is what was waited for. */
static int settle(struct gt_node *n, const struct source *from,
                  const struct spoilt *s, const Gt__Record *w)
{
	struct gt_arrival r = gt_record_arrival(w);
	struct gt_found f;
	bool gone;
	int64_t stored_ms = 0; /* known as long as its row is there */
	int status = gt_record_int(n, GT_SQL_RECORD_STORED, s->seq, &stored_ms);
	if (status == 0)
		status = gt_record_look_up(n, &r, &f);
	bool elsewhere = f.known != GT_RECORD_NEW && f.seq != s->seq;
	/* whoever was asked has what took its id, as this node has */
	if (elsewhere && f.known == GT_RECORD_SAME && s->has_form &&
	    memcmp(s->form, r.form, sizeof s->form) != 0)
		return status;
	if (status == 0)
		status = gt_spoilt_take_out(n, s->seq, &gone);
	if (status != 0 || !gone)
		return status;
	if (elsewhere && f.lesser && !f.spoilt) {
		status = gt_record_give_way(n, &f, &r, from->via);
		elsewhere = false;
	}
	bool other = elsewhere && f.known == GT_RECORD_OTHER;
	if (status == 0 && (!elsewhere || other))
		status = place(n, w, s, &r);
	if (status == 0 && !elsewhere)
		status = put(n, from, s, stored_ms, &r);
	int64_t need = elsewhere ? f.seq : from->above ? 0 : n->records->seq;
	if (status == 0)
		status = gt_spoilt_forget(n, s->seq, s->stream, s->origin_seq,
		                          need);
	/* both were acknowledged; in the place of what was damaged, which is
	 * gone by now */
	if (status == 0 && other)
		status = gt_record_quarantine_arrival(
		        n, from->above ? n->code : from->via, from->via, &r,
		        -GT_ECONFLICT, "same id, other contents");
	return status ? status : tell_back(n, from, s, w);
}

static int take(struct gt_node *n, const struct source *from,
                const Gt__Record *w)
{
	struct spoilt s;
	char why[GT_WHY];
	bool is, heeds = true;
	if (gt_record_shapeless(from->under, w))
		return 0;
	int status = gt_record_verify(w, why, sizeof why);
	if (status != 0)
		return status == -GT_EDAMAGED ? 0 : status;
	if (from->child)
		status = gt_record_heeds(n, from->child, w, &heeds);
	if (status != 0 || !heeds)
		return status;
	status = find(n, w, &s, &is);
	return status || !is ? status : settle(n, from, &s, w);
}

static int take_all(struct gt_node *n, const struct source *from,
                    Gt__Record *const *v, size_t count)
{
	int status = 0;
	if (n->records->spoilt == 0 || n->full)
		return 0;
	for (size_t i = 0; status == 0 && i < count; i++)
		status = take(n, from, v[i]);
	return status;
}

int gt_spoilt_from_child(struct gt_node *n, struct gt_peer *p,
                         const Gt__Records *m)
{
	const struct source from = {
	        .via = p->code, .under = p->code, .child = p};
	struct gt_hand_in h = {.count = m->n_again};
	struct gt_refusal later;
	if (m->n_again == 0 || n->records->spoilt == 0)
		return 0;
	for (size_t i = 0; i < m->n_again; i++)
		h.bytes += m->again[i]->body.len;
	/* what has no room now is asked for again */
	int status = gt_record_admit(n, &h, &later);
	return status || later.code ? status
	                            : take_all(n, &from, m->again, m->n_again);
}

/* -------------------------------------------------------------- ask */

static Gt__RecordName *name_of(struct gt_node *n, sqlite3_stmt *st)
{
	Gt__RecordName *m = gt_arena_get(n->arena, sizeof *m);
	if (!m)
		return NULL;
	gt__record_name__init(m);
	m->origin = gt_arena_str(n->arena, gt_col_text(st, 1));
	m->origin_epoch = gt_record_field(n, gt_col_bytes(st, 2));
	m->origin_seq = (uint64_t)gt_col_int(st, 3);
	m->id = gt_record_field(n, gt_col_bytes(st, 4));
	return m->origin ? m : NULL;
}

static bool concerns(const struct gt_peer *p, const char *origin)
{
	return *origin == '\0' || strcmp(origin, p->code) == 0 ||
	       gt_code_child_of(origin, p->code);
}

/* Names behind number `after` in a state of first..last, and for p alone, if it
 * is one. seqs: their numbers. */
struct names {
	int64_t after;
	enum gt_spoilt first, last;
	const struct gt_peer *p;
	Gt__RecordName **v;
	int64_t seqs[GT_WANTED_ROWS];
	size_t n;
};

static int read_names(struct gt_node *n, struct names *m)
{
	int row = 0;
	m->n = 0;
	m->v = gt_arena_get(n->arena, GT_WANTED_ROWS * sizeof(void *));
	if (!m->v)
		return -GT_ENOMEM;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_SPOILT_ASK, "iii", m->after,
	                      (int64_t)m->last, (int64_t)m->first);
	while (m->n < GT_WANTED_ROWS &&
	       (row = gt_store_step(n->store, GT_SQL_SPOILT_ASK)) == 1) {
		if (m->p && !concerns(m->p, gt_col_text(st, 1)))
			continue;
		m->seqs[m->n] = gt_col_int(st, 0);
		m->v[m->n] = name_of(n, st);
		if (!m->v[m->n++])
			row = -GT_ENOMEM;
	}
	gt_store_reset(n->store, GT_SQL_SPOILT_ASK);
	return row < 0 ? row : 0;
}

static bool above_knows(const struct gt_node *n)
{
	return gt_up_ready(n) && gt_version_asks_back(n->up->version);
}

int gt_spoilt_ask(struct gt_node *n)
{
	struct gt_records *r = n->records;
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	struct gt_asking a = {.what = GT_ASKED_RECORDS};
	struct names v = {.first = GT_SPOILT_ASK, .last = GT_SPOILT_ASK};
	bool full;
	if (r->spoilt == 0 || r->nasked > 0 || r->refused || n->full ||
	    !above_knows(n))
		return 0;
	int status = read_names(n, &v);
	if (status != 0 || v.n == 0)
		return status;
	m.after = (uint64_t)r->sent;
	m.patient = true;
	m.wanted = v.v;
	m.n_wanted = v.n;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	status = gt_ask(n, &q, &a, &full);
	if (status != 0 || full)
		return status;
	r->nasked = v.n;
	memcpy(r->asked, v.seqs, sizeof r->asked);
	n->status.records_asked_back += v.n;
	return 0;
}

int gt_spoilt_answered(struct gt_node *n, const struct gt_asking *a,
                       const Gt__RecordsReply *m)
{
	struct gt_records *r = n->records;
	const struct source from = {
	        .via = gt_up_code(n), .under = n->code, .above = true};
	if (a->upto > 0 || r->nasked == 0)
		return 0;
	if (m->n_again > GT_WANTED_ROWS)
		return gt_drop(n, n->up, "more records than were asked for");
	if (n->full) { /* it is asked for them when there is room */
		r->nasked = 0;
		return 0;
	}
	int status = take_all(n, &from, m->again, m->n_again);
	/* those that are not back yet, the parent has not; a child that is
	 * linked was passed by when it was asked for others */
	gt_spoilt_below(n);
	for (size_t i = 0; status == 0 && i < r->nasked; i++) {
		gt_store_bind(n->store, GT_SQL_SPOILT_STATE, "ii", r->asked[i],
		              (int64_t)GT_SPOILT_BELOW);
		status = gt_store_run(n->store, GT_SQL_SPOILT_STATE);
	}
	r->nasked = 0;
	return status;
}

/* A parent that knows nothing of this is passed over. */
int gt_records_wanted(struct gt_node *n, struct gt_peer *p,
                      Gt__ChangesReply *out)
{
	struct names v = {.after = p->child.wanted,
	                  .first = gt_up_ready(n) && !above_knows(n)
	                                   ? GT_SPOILT_ASK
	                                   : GT_SPOILT_BELOW,
	                  .last = GT_SPOILT_BELOW,
	                  .p = p};
	if (!gt_records_wants(n, p))
		return 0;
	int status = read_names(n, &v);
	if (status != 0)
		return status;
	p->child.wanted = v.n > 0 ? v.seqs[v.n - 1] : INT64_MAX;
	out->wanted = v.v;
	out->n_wanted = v.n;
	n->status.records_asked_back += v.n;
	return 0;
}

bool gt_records_wants(const struct gt_node *n, const struct gt_peer *p)
{
	return n->records->spoilt > 0 && !n->full &&
	       p->child.wanted < INT64_MAX && gt_version_asks_back(p->version);
}

/* ------------------------------------------------------------- give */

static int number_of(struct gt_node *n, const Gt__RecordName *w, int64_t *seq)
{
	bool is = false;
	int64_t sid;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_BY_ID, "b",
	                                 gt_bytes_of(w->id.data, w->id.len));
	int row = gt_store_step(n->store, GT_SQL_RECORD_BY_ID);
	*seq = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_RECORD_BY_ID);
	if (row != 0 || w->origin_seq < 1 || w->origin_seq > INT64_MAX)
		return row < 0 ? row : 0;
	int status = stream_known(n, w->origin, w->origin_epoch, &sid, &is);
	if (status != 0 || !is)
		return status;
	st = gt_store_bind(n->store, GT_SQL_RECORD_BY_KEY, "ii", sid,
	                   (int64_t)w->origin_seq);
	row = gt_store_step(n->store, GT_SQL_RECORD_BY_KEY);
	*seq = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_RECORD_BY_KEY);
	return row < 0 ? row : 0;
}

/* *out NULL: it is not here, or not whole either. */
static int read_one(struct gt_node *n, const Gt__RecordName *w,
                    Gt__Record **out)
{
	struct gt_damaged d = {0};
	int64_t seq;
	*out = NULL;
	int status = number_of(n, w, &seq);
	if (status != 0 || seq == 0)
		return status;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_RECORD_BY_SEQ, "i", seq);
	int row = gt_store_step(n->store, GT_SQL_RECORD_BY_SEQ);
	status = row == 1 ? gt_record_read(n, st, &d, out) : row;
	gt_store_reset(n->store, GT_SQL_RECORD_BY_SEQ);
	if (status != 0)
		*out = NULL;
	if (status == 0 || status == -GT_EDAMAGED)
		status = gt_record_tell_damaged(n, &d);
	return status;
}

/* The parent gets of it what it would get on any day; *r NULL: nothing. */
static int leaves(struct gt_node *n, Gt__Record **r)
{
	struct gt_left left = {{0}};
	enum gt_leaving leaving;
	int status = gt_record_leave(n, *r, &left, &leaving);
	if (status != 0 || leaving != GT_LEAVES)
		*r = NULL;
	return status;
}

static int read_all(struct gt_node *n, const struct gt_peer *p,
                    Gt__RecordName *const *wanted, size_t count,
                    Gt__Record ***v, size_t *nv)
{
	int status = 0;
	*nv = 0;
	*v = gt_arena_get(n->arena, GT_WANTED_ROWS * sizeof **v);
	if (!*v)
		return -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < count; i++) {
		Gt__Record *r;
		status = read_one(n, wanted[i], &r);
		if (status == 0 && r && !p)
			status = leaves(n, &r);
		/* a child is given what is its own alone */
		if (status == 0 && r && (!p || concerns(p, r->origin)))
			(*v)[(*nv)++] = r;
	}
	return status;
}

/* Where the stream of that one goes on here; 0: it does not. */
static int goes_on(struct gt_node *n, const struct gt_peer *p,
                   const Gt__RecordName *w, uint64_t *next)
{
	bool is = false;
	int64_t sid = 0;
	if (!gt_version_goes_on(p->version) || !concerns(p, w->origin) ||
	    w->origin_seq > INT64_MAX)
		return 0;
	int status = stream_known(n, w->origin, w->origin_epoch, &sid, &is);
	if (status != 0 || !is)
		return status;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_NEXT, "ii",
	                                 sid, (int64_t)w->origin_seq);
	int row = gt_store_step(n->store, GT_SQL_RECORD_NEXT);
	if (row == 1)
		*next = (uint64_t)gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_RECORD_NEXT);
	return row < 0 ? row : 0;
}

int gt_spoilt_give(struct gt_node *n, const struct gt_peer *p,
                   const Gt__Records *m, Gt__RecordsReply *out)
{
	if (m->n_wanted == 0)
		return 0;
	int status = read_all(n, p, m->wanted, m->n_wanted, &out->again,
	                      &out->n_again);
	return status ? status
	              : goes_on(n, p, m->wanted[m->n_wanted - 1], &out->next);
}

int gt_records_back(struct gt_node *n, const Gt__ChangesReply *c)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	struct gt_asking a = {.what = GT_ASKED_RECORDS};
	bool full;
	if (c->n_wanted == 0)
		return 0;
	if (c->n_wanted > GT_WANTED_ROWS)
		return gt_drop(n, n->up, "more is asked back than may be");
	int status =
	        read_all(n, NULL, c->wanted, c->n_wanted, &m.again, &m.n_again);
	if (status != 0 || m.n_again == 0)
		return status;
	m.after = (uint64_t)n->records->sent;
	m.patient = true;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	return gt_ask(n, &q, &a, &full); /* full: it is asked again */
}

/* ------------------------------------------------------------ marks */

int gt_spoilt_held(struct gt_node *n, const struct gt_peer *p, int64_t *root)
{
	int row = 0;
	if (n->records->spoilt == 0)
		return 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SPOILT_HELD, "");
	while ((row = gt_store_step(n->store, GT_SQL_SPOILT_HELD)) == 1 &&
	       !concerns(p, gt_col_text(st, 1)))
		;
	if (row == 1 && gt_col_int(st, 0) <= *root)
		*root = gt_col_int(st, 0) - 1;
	gt_store_reset(n->store, GT_SQL_SPOILT_HELD);
	return row < 0 ? row : 0;
}

/* ------------------------------------------------------------- look */

/* What was damaged is whole: the disk, or memory, was wrong for a while. It may
 * have been passed over since. */
static int whole_again(struct gt_node *n, const Gt__Record *w)
{
	const struct source from = {.via = n->code};
	struct spoilt s;
	bool is;
	int status = find(n, w, &s, &is);
	if (status != 0 || !is || s.seq != (int64_t)w->seq)
		return status;
	return settle(n, &from, &s, w);
}

static int is_marked(struct gt_node *n, int64_t seq, bool *is)
{
	int64_t known = 0;
	int status =
	        n->records->spoilt > 0
	                ? gt_record_int(n, GT_SQL_SPOILT_KNOWN, seq, &known)
	                : 0;
	*is = known == 1;
	return status;
}

static int look(struct gt_node *n, struct gt_damaged *d, Gt__Record **whole,
                size_t *nwhole, bool *end)
{
	struct gt_records *r = n->records;
	int row = 0, rows = 0, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORDS_AFTER, "ii",
	                                 r->look, (int64_t)LOOK_ROWS);
	while (status == 0 && *nwhole < WHOLE_MAX &&
	       (row = gt_store_step(n->store, GT_SQL_RECORDS_AFTER)) == 1) {
		Gt__Record *w;
		bool marked = false;
		rows++;
		r->look = gt_col_int(st, 0);
		status = gt_record_read(n, st, d, &w);
		if (status == 0)
			status = is_marked(n, r->look, &marked);
		else if (status == -GT_EDAMAGED)
			status = 0;
		if (marked)
			whole[(*nwhole)++] = w;
	}
	gt_store_reset(n->store, GT_SQL_RECORDS_AFTER);
	*end = *nwhole < WHOLE_MAX && rows < LOOK_ROWS;
	return row < 0 ? row : status;
}

/* Whoever had it not may have it by now. */
static int ask_again(struct gt_node *n)
{
	struct gt_records *r = n->records;
	if (r->spoilt > 0 && n->now.mono_ms < r->again_due)
		return 0;
	r->again_due = n->now.mono_ms + ASK_AGAIN_MS;
	if (r->spoilt == 0)
		return 0;
	r->refused = false;
	gt_spoilt_below(n);
	if (!above_knows(n))
		return 0;
	gt_store_bind(n->store, GT_SQL_SPOILT_AGAIN, "ii", gt_spoilt_handed(n),
	              r->stream);
	return gt_store_run(n->store, GT_SQL_SPOILT_AGAIN);
}

int gt_spoilt_time(struct gt_node *n)
{
	struct gt_records *r = n->records;
	struct gt_damaged d = {0};
	Gt__Record *whole[WHOLE_MAX];
	size_t nwhole = 0;
	bool end;
	int status = ask_again(n);
	if (status != 0 || n->now.mono_ms < r->look_due)
		return status;
	status = look(n, &d, whole, &nwhole, &end);
	for (size_t i = 0; status == 0 && i < nwhole; i++)
		status = whole_again(n, whole[i]);
	r->look_due = n->now.mono_ms + (end ? LOOK_AGAIN_MS : LOOK_MS);
	r->looking = !end;
	if (end)
		r->look = 0;
	return status ? status : gt_record_tell_damaged(n, &d);
}
