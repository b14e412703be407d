/* documents_up.c: documents on their way to the parent, one batch at a time and
 * behind records.
 *
 * What goes up is marked in its row (up), so that nothing hangs on a number. The
 * parent keeps the number up to which it was told, with what was drawn for the
 * last batch, and says both when a link comes up (M46). If that is less than it
 * took, it forgot: all behind it is marked again. If it is a batch that was never
 * sent from here, this node did, or is one of two copies, and begins anew.
 * Tests: u_roam.c. */
#include <string.h>

#include "documents.h"
#include "documents_take.h"
#include "draw.h"
#include "records_inside.h"

enum {
	BEHIND_MS = 5000, /* while records wait too */
	RETRY_MIN_MS = 1000,
	RETRY_MAX_MS = 10 * 60 * 1000,
};

/* --------------------------------------------------------------- state */

#define CURSOR "documents/"
#define MARKS  "documents/to/"
enum { KEY_CHARS = sizeof MARKS + GT_CODE_MAX };

int gt_documents_count(struct gt_node *n)
{
	struct gt_documents *d = n->records->documents;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_DOCUMENT_COUNTS, "");
	int row = gt_store_step(n->store, GT_SQL_DOCUMENT_COUNTS);
	d->waiting = row == 1 ? gt_col_int(st, 0) : 0;
	d->lost = row == 1 ? gt_col_int(st, 1) : 0;
	gt_store_reset(n->store, GT_SQL_DOCUMENT_COUNTS);
	return row < 0 ? row : 0;
}

int gt_documents_load(struct gt_node *n)
{
	struct gt_documents *d = n->records->documents;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_DOCUMENT_LAST, "");
	int row = gt_store_step(n->store, GT_SQL_DOCUMENT_LAST);
	d->last = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_DOCUMENT_LAST);
	gt_draw(n, d->epoch, sizeof d->epoch);
	return row < 0 ? row : gt_documents_count(n);
}

enum { ONE_MARK = 8 + GT_DOCUMENTS_MARK };

static void unpack(struct gt_documents_mark *m, const uint8_t *p)
{
	m->upto = (int64_t)((uint64_t)gt_get32(p) << 32 | gt_get32(p + 4));
	memcpy(m->mark, p + 8, GT_DOCUMENTS_MARK);
}

static void pack(uint8_t *p, const struct gt_documents_mark *m)
{
	gt_put64(p, (uint64_t)m->upto);
	memcpy(p + 8, m->mark, GT_DOCUMENTS_MARK);
}

/* What this parent was sent. */
static int load_marks(struct gt_node *n)
{
	struct gt_documents *d = n->records->documents;
	char key[KEY_CHARS];
	struct gt_bytes b;
	gt_format(key, sizeof key, MARKS "%s", n->up->code);
	int status = gt_meta_get_bytes(n->store, key, n->arena, &b);
	memset(&d->acked, 0, sizeof d->acked);
	memset(&d->sent, 0, sizeof d->sent);
	if (status == 0 && b.n == 2 * (size_t)ONE_MARK) {
		unpack(&d->acked, b.p);
		unpack(&d->sent, b.p + ONE_MARK);
	}
	return status;
}

static int save_marks(struct gt_node *n)
{
	const struct gt_documents *d = n->records->documents;
	char key[KEY_CHARS];
	uint8_t b[2 * ONE_MARK];
	gt_format(key, sizeof key, MARKS "%s", n->up->code);
	pack(b, &d->acked);
	pack(b + ONE_MARK, &d->sent);
	return gt_meta_put_bytes(n->store, key, gt_bytes_of(b, sizeof b));
}

/* Whether the parent was told something that is not known here. */
static bool is_behind(const struct gt_documents *d, const Gt__ProveReply *m)
{
	struct gt_bytes mark =
	        gt_bytes_of(m->documents_mark.data, m->documents_mark.len);
	if (m->documents > (uint64_t)d->last)
		return true;
	if (mark.n == 0 || (int64_t)m->documents < d->acked.upto)
		return false; /* it knows nothing, or forgot */
	return !gt_bytes_eq(mark,
	                    gt_bytes_of(d->acked.mark, GT_DOCUMENTS_MARK)) &&
	       !gt_bytes_eq(mark, gt_bytes_of(d->sent.mark, GT_DOCUMENTS_MARK));
}

int gt_documents_up(struct gt_node *n, const Gt__ProveReply *m, bool *behind)
{
	struct gt_documents *d = n->records->documents;
	int status = load_marks(n);
	d->looked = 0;
	if (status != 0 || !gt_version_carries(n->up->version))
		return status;
	*behind = *behind || is_behind(d, m);
	if (*behind)
		return 0;
	/* the answer to that got lost */
	if (gt_bytes_eq(
	            gt_bytes_of(d->sent.mark, GT_DOCUMENTS_MARK),
	            gt_bytes_of(m->documents_mark.data, m->documents_mark.len)))
		d->acked = d->sent;
	gt_store_bind(n->store, GT_SQL_DOCUMENTS_AGAIN, "i",
	              (int64_t)m->documents);
	status = gt_store_run(n->store, GT_SQL_DOCUMENTS_AGAIN);
	return status ? status : gt_documents_count(n);
}

void gt_documents_down(struct gt_node *n)
{
	struct gt_documents *d = n->records->documents;
	d->sending = false;
	d->retry_ms = 0;
	d->looked = 0;
}

/* -------------------------------------------------------------- sending */

static int read_batch(struct gt_node *n, Gt__Documents *m, size_t *bytes)
{
	struct gt_documents *d = n->records->documents;
	bool bar = gt_documents_barred(n, n->code, gt_up_code(n));
	Gt__Document *v[GT_DOCUMENTS_ROWS];
	size_t weight = 0, count = 0;
	int row = 0, status = 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_DOCUMENTS_UP, "iii", d->looked,
	                      (int64_t)GT_DOCUMENTS_ROWS, (int64_t)bar);
	while (status == 0 && weight < GT_DOCUMENTS_BATCH &&
	       (row = gt_store_step(n->store, GT_SQL_DOCUMENTS_UP)) == 1) {
		struct gt_document_row r;
		status = gt_document_row(n, st, &r);
		size_t one = status ? 0 : gt_document_weight(&r);
		if (count > 0 && weight + one > GT_DOCUMENTS_BATCH)
			break;
		weight += one;
		*bytes += r.body.n;
		v[count] = status ? NULL : gt_document_to(n, &r);
		status = v[count++] ? 0 : -GT_ENOMEM;
	}
	gt_store_reset(n->store, GT_SQL_DOCUMENTS_UP);
	if (row < 0 || status != 0)
		return row < 0 ? row : status;
	bool all = row == 0 && count < GT_DOCUMENTS_ROWS;
	m->documents = gt_arena_copy(n->arena, v, count * sizeof *v);
	m->n_documents = count;
	m->upto = all ? (uint64_t)d->last
	              : v[count - 1]->number; /* not all: there is one */
	return count > 0 && !m->documents ? -GT_ENOMEM : 0;
}

/* One row at either end, under one name. */
static int write_down(struct gt_node *n, const char *event, const char *peer,
                      const uint8_t *epoch, const Gt__Documents *m,
                      size_t bytes)
{
	char name[GT_CHANGE_NAME], hex[17], detail[64];
	gt_hex(hex, epoch, 8);
	gt_format(name, sizeof name, "documents:%s:%llu", hex,
	          (unsigned long long)m->upto);
	gt_format(detail, sizeof detail, "count=%zu", m->n_documents);
	struct gt_audit row = {.event = event,
	                       .kind = "document",
	                       .peer = peer,
	                       .bytes = bytes,
	                       .transfer = name,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

/* The next number, and something that no other state of this node draws. */
static void draw_mark(struct gt_node *n, uint8_t out[GT_DOCUMENTS_MARK])
{
	const struct gt_documents *d = n->records->documents;
	uint32_t acked = gt_get32(d->acked.mark), sent = gt_get32(d->sent.mark);
	gt_draw(n, out, GT_DOCUMENTS_MARK);
	gt_put32(out, (acked > sent ? acked : sent) + 1);
}

static int send_batch(struct gt_node *n)
{
	struct gt_documents *d = n->records->documents;
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Documents m = GT__DOCUMENTS__INIT;
	struct gt_asking a = {.what = GT_ASKED_DOCUMENTS};
	size_t bytes = 0;
	bool full;
	int status = read_batch(n, &m, &bytes);
	if (status == 0 && m.n_documents == 0)
		d->looked = d->last;
	if (status != 0 || m.n_documents == 0)
		return status;
	struct gt_documents_mark mark = {.upto = (int64_t)m.upto};
	draw_mark(n, mark.mark);
	m.mark = (ProtobufCBinaryData){sizeof mark.mark, mark.mark};
	a.upto = m.upto;
	q.body_case = GT__REQUEST__BODY_DOCUMENTS;
	q.documents = &m;
	status = gt_ask(n, &q, &a, &full);
	if (status != 0 || full)
		return status;
	d->sending = true;
	d->next_ms = n->now.mono_ms + BEHIND_MS;
	d->sent = mark;
	status = save_marks(n);
	return status ? status
	              : write_down(n, "send", gt_up_code(n), n->epoch, &m,
	                           bytes);
}

/* Something may have to be sent, and not only when a parent answers. */
static bool wants(const struct gt_node *n)
{
	const struct gt_documents *d = n->records->documents;
	return gt_up_ready(n) && gt_version_carries(n->up->version) &&
	       !d->sending && d->looked < d->last;
}

/* Records first; but however many there are, a learner's bookmark is not to
 * wait for them all. */
static uint64_t due(const struct gt_node *n)
{
	const struct gt_records *r = n->records;
	uint64_t at = r->looked < r->seq ? r->documents->next_ms : 0;
	return at > r->documents->retry_ms ? at : r->documents->retry_ms;
}

int gt_documents_go(struct gt_node *n)
{
	return wants(n) && n->now.mono_ms >= due(n) ? send_batch(n) : 0;
}

uint64_t gt_documents_deadline(const struct gt_node *n)
{
	return wants(n) ? due(n) : UINT64_MAX;
}

void gt_documents_later(struct gt_node *n, uint64_t retry_ms)
{
	struct gt_documents *d = n->records->documents;
	retry_ms = retry_ms < RETRY_MIN_MS   ? RETRY_MIN_MS
	           : retry_ms > RETRY_MAX_MS ? RETRY_MAX_MS
	                                     : retry_ms;
	d->sending = false;
	d->retry_ms = n->now.mono_ms + retry_ms;
}

/* ------------------------------------------------------------- answered */

static int take_newer(struct gt_node *n, const Gt__Document *w)
{
	struct gt_document_taking t = {.row = gt_document_from(w),
	                               .peer = gt_up_code(n)};
	return gt_document_take(n, &t);
}

static const char *bad_answer(const Gt__DocumentsReply *m, uint64_t upto)
{
	if (m->n_told > GT_DOCUMENTS_ROWS || m->n_newer > GT_DOCUMENTS_ROWS ||
	    m->upto > upto)
		return "an answer about documents over the limit";
	for (size_t i = 0; i < m->n_told; i++)
		if (m->told[i]->number > upto || m->told[i]->first_ms < 0)
			return "a malformed answer about documents";
	for (size_t i = 0; i < m->n_newer; i++)
		if (gt_document_shapeless(m->newer[i]))
			return "a malformed document";
	return NULL;
}

static int told(struct gt_node *n, const Gt__DocumentsReply__Told *one)
{
	if (one->fate != GT__FATE__TAKEN && one->fate != GT__FATE__PASSED)
		return 0; /* it stays here, and is offered on the next link */
	return gt_document_told(n, (int64_t)one->number, one->first_ms);
}

/* The parent has all up to there. */
static int took(struct gt_node *n, int64_t upto)
{
	struct gt_documents *d = n->records->documents;
	int64_t was = d->acked.upto;
	d->acked = d->sent;
	d->acked.upto = upto > was ? upto : was;
	if (upto > d->looked)
		d->looked = upto;
	else
		d->retry_ms = n->now.mono_ms + RETRY_MIN_MS;
	return save_marks(n);
}

int gt_documents_reply(struct gt_node *n, const struct gt_asking *a,
                       const Gt__DocumentsReply *m)
{
	struct gt_documents *d = n->records->documents;
	const char *no = bad_answer(m, a->upto);
	struct gt_hand_in h = {.count = m->n_newer};
	struct gt_refusal later = {0};
	int status = 0;
	d->sending = false;
	if (no)
		return gt_drop(n, n->up, no);
	for (size_t i = 0; status == 0 && i < m->n_told; i++)
		status = told(n, m->told[i]);
	for (size_t i = 0; i < m->n_newer; i++)
		h.bytes += m->newer[i]->body.len;
	if (status == 0 && h.count > 0)
		status = gt_record_admit(n, &h, &later);
	/* without room it comes when a terminal asks for it */
	for (size_t i = 0; status == 0 && later.code == 0 && i < m->n_newer;
	     i++)
		status = take_newer(n, m->newer[i]);
	return status ? status : took(n, (int64_t)m->upto);
}

/* ----------------------------------------------------------- from below */

/* What the child has told, in the epoch it has now; zeros: nothing. */
static int cursor(struct gt_node *n, const struct gt_peer *p,
                  struct gt_documents_mark *out)
{
	char key[KEY_CHARS];
	struct gt_bytes b;
	gt_format(key, sizeof key, CURSOR "%s", p->code);
	int status = gt_meta_get_bytes(n->store, key, n->arena, &b);
	memset(out, 0, sizeof *out);
	if (status == 0 && b.n == (size_t)GT_EPOCH_BYTES + ONE_MARK &&
	    memcmp(b.p, p->epoch, GT_EPOCH_BYTES) == 0)
		unpack(out, b.p + GT_EPOCH_BYTES);
	return status;
}

int gt_documents_cursor(struct gt_node *n, const struct gt_peer *p,
                        Gt__ProveReply *m)
{
	struct gt_documents_mark c;
	int status = cursor(n, p, &c);
	if (status != 0 || c.upto <= 0)
		return status;
	m->documents = (uint64_t)c.upto;
	m->documents_mark =
	        gt_record_field(n, gt_bytes_of(c.mark, sizeof c.mark));
	return m->documents_mark.data ? 0 : -GT_ENOMEM;
}

/* In the transaction that takes them. */
static int move_cursor(struct gt_node *n, const struct gt_peer *p,
                       const Gt__Documents *m, uint64_t upto)
{
	char key[KEY_CHARS];
	uint8_t b[GT_EPOCH_BYTES + ONE_MARK];
	struct gt_documents_mark c;
	int status = cursor(n, p, &c);
	if (status != 0)
		return status;
	if ((int64_t)upto > c.upto)
		c.upto = (int64_t)upto;
	/* else it is an earlier one that comes once more */
	if (gt_get32(m->mark.data) > gt_get32(c.mark))
		memcpy(c.mark, m->mark.data, sizeof c.mark);
	gt_format(key, sizeof key, CURSOR "%s", p->code);
	memcpy(b, p->epoch, GT_EPOCH_BYTES);
	pack(b + GT_EPOCH_BYTES, &c);
	return gt_meta_put_bytes(n->store, key, gt_bytes_of(b, sizeof b));
}

/* An answer on its way. */
struct answer {
	Gt__DocumentsReply m;
	size_t bytes;  /* of the documents in it */
	size_t loaded; /* of bodies that were read for it */
	bool bar;
};
enum { ANSWER_BYTES = 768 << 10, LOADED_BYTES = 4 << 20 };

static int refused(struct gt_node *n, const struct gt_peer *p, int result,
                   const char *why)
{
	struct gt_audit row = {.event = "merge",
	                       .kind = "document",
	                       .peer = p->code,
	                       .result = result,
	                       .detail = why};
	return gt_audit_told(n, p->code, &row, NULL);
}

/* What counts here goes back, if there is room for it in the answer. */
static int give_back(struct gt_node *n, struct answer *a,
                     struct gt_document_taking *t)
{
	size_t weight = gt_document_weight(&t->here);
	if (a->m.n_newer > 0 && a->bytes + weight > ANSWER_BYTES)
		return 0;
	int status = gt_document_load(n, &t->here);
	Gt__Document *w = status ? NULL : gt_document_to(n, &t->here);
	if (!w)
		return status ? status : -GT_ENOMEM;
	a->bytes += weight;
	a->m.newer[a->m.n_newer++] = w;
	return 0;
}

static int take(struct gt_node *n, const struct gt_peer *p, struct answer *a,
                const Gt__Document *w, Gt__DocumentsReply__Told *out)
{
	const char *no = gt_document_shapeless(w);
	out->fate = GT__FATE__REFUSED;
	if (no)
		return refused(n, p, -GT_EMALFORMED, no);
	if (a->bar && *w->agent)
		return refused(n, p, -GT_EDENIED,
		               "a learner's document that the layers keep "
		               "below");
	struct gt_document_taking t = {
	        .row = gt_document_from(w), .peer = p->code, .below = true};
	int status = gt_document_take(n, &t);
	a->loaded += t.here.body.n;
	if (status != 0)
		return status;
	if (t.fate == GT_DOCUMENT_FULL)
		return refused(n, p, -GT_ELIMIT,
		               "its owner has as many documents here as there "
		               "may be, or as large ones");
	out->fate = t.fate == GT_DOCUMENT_TAKEN ? GT__FATE__TAKEN
	                                        : GT__FATE__PASSED;
	if (t.fate == GT_DOCUMENT_PASSED)
		return give_back(n, a, &t);
	out->first_ms = t.here.version.first_ms;
	return 0;
}

static int take_all(struct gt_node *n, const struct gt_peer *p,
                    const Gt__Documents *m, struct answer *a)
{
	size_t count = m->n_documents;
	int status = 0;
	Gt__DocumentsReply__Told *v = gt_arena_get(n->arena, count * sizeof *v);
	a->m.told = gt_arena_get(n->arena, count * sizeof(void *));
	a->m.newer = gt_arena_get(n->arena, count * sizeof(void *));
	if (!v || !a->m.told || !a->m.newer)
		return -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < count && a->loaded < LOADED_BYTES;
	     i++) {
		gt__documents_reply__told__init(&v[i]);
		v[i].number = m->documents[i]->number;
		status = take(n, p, a, m->documents[i], &v[i]);
		a->m.told[a->m.n_told++] = &v[i];
		a->m.upto = v[i].number;
	}
	if (a->m.n_told == count)
		a->m.upto = m->upto;
	return status ? status : move_cursor(n, p, m, a->m.upto);
}

static const char *bad_batch(const Gt__Documents *m, size_t *bytes)
{
	uint64_t last = 0;
	if (m->n_documents == 0 || m->n_documents > GT_DOCUMENTS_ROWS)
		return "a batch of documents over the limit";
	if (m->mark.len != GT_DOCUMENTS_MARK)
		return "a batch of documents without a mark";
	for (size_t i = 0; i < m->n_documents; i++) {
		if (m->documents[i]->number <= last)
			return "documents out of order";
		last = m->documents[i]->number;
		*bytes += m->documents[i]->body.len;
	}
	return m->upto < last || m->upto > INT64_MAX ? "documents out of order"
	                                             : NULL;
}

int gt_documents_batch(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Documents *m)
{
	size_t bytes = 0;
	const char *no = gt_version_carries(p->version) ? bad_batch(m, &bytes)
	                                                : "unknown request";
	if (no)
		return gt_drop(n, p, no);
	struct gt_refusal later = {0};
	char whom[16 + GT_CODE_MAX];
	/* records must not wait for what documents take of the child's share */
	gt_format(whom, sizeof whom, "documents of %s", p->code);
	struct gt_hand_in h = {.whom = whom,
	                       .hourly = n->config.child_hour,
	                       .count = m->n_documents,
	                       .bytes = bytes};
	int status = gt_record_admit(n, &h, &later);
	if (status != 0)
		return status;
	if (later.code != 0)
		return gt_send_error(n, p, token, later.code, later.why,
		                     later.retry_ms);
	struct answer a = {.m = GT__DOCUMENTS_REPLY__INIT,
	                   .bar = gt_documents_barred(n, p->code, n->code)};
	Gt__Reply r = GT__REPLY__INIT;
	status = take_all(n, p, m, &a);
	if (status == 0)
		status = write_down(n, "merge", p->code, p->epoch, m, bytes);
	r.body_case = GT__REPLY__BODY_DOCUMENTS;
	r.documents = &a.m;
	return status ? status
	              : gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}
