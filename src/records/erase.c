/* erase.c: what goes at somebody's wish, and does not come again.
 *
 * A statement leaves with its words in the index, what names its attachments,
 * and what was set aside under its id from where it was handed in; the id stays, so that it is acknowledged
 * and not taken whoever brings it again: a terminal, a child, a parent that is
 * asked back for it. What voids another statement stays, for else what it voided
 * would count again.
 *
 * Tests: u_erase.c, e2e/test_person.py. */
#include "code.h"
#include "documents.h"
#include "person.h"
#include "records_inside.h"
#include "sealed.h"
#include "terms.h"

#include <string.h>

/* What one order came to. */
struct outcome {
	int64_t receipt;
	size_t of[GT_PERSON_PARTS];
	size_t kept;
};

int gt_erased_load(struct gt_node *n)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ERASED_ANY, "");
	int row = gt_store_step(n->store, GT_SQL_ERASED_ANY);
	n->records->erasures->any = row == 1 && gt_col_int(st, 0) > 0;
	n->records->erasures->last = row == 1 ? gt_col_int(st, 1) : 0;
	gt_store_reset(n->store, GT_SQL_ERASED_ANY);
	return row < 0 ? row : 0;
}

int gt_erased_is(struct gt_node *n, const uint8_t id[GT_UUID_BYTES],
                 int64_t stream, bool *is)
{
	*is = false;
	if (!n->records->erasures->any)
		return 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_ERASED_GET, "bi",
	                      gt_bytes_of(id, GT_UUID_BYTES), stream);
	int row = gt_store_step(n->store, GT_SQL_ERASED_GET);
	if (row == 1)
		*is = gt_col_int(st, 0) > 0 || stream == 0 ||
		      gt_code_under(gt_col_text(st, 2), gt_col_text(st, 1));
	gt_store_reset(n->store, GT_SQL_ERASED_GET);
	return row < 0 ? row : 0;
}

int gt_erased_covers(struct gt_node *n, const uint8_t id[GT_UUID_BYTES],
                     const char *place, bool *covers)
{
	*covers = false;
	if (!n->records->erasures->any)
		return 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_ERASED_GET, "bi",
	                      gt_bytes_of(id, GT_UUID_BYTES), (int64_t)0);
	int row = gt_store_step(n->store, GT_SQL_ERASED_GET);
	const char *of = row == 1 ? gt_col_text(st, 1) : "";
	if (row == 1)
		*covers = gt_col_int(st, 0) > 0 || !*of ||
		          (*place && gt_code_under(place, of));
	gt_store_reset(n->store, GT_SQL_ERASED_GET);
	return row < 0 ? row : 0;
}

static int run(struct gt_node *n, enum gt_sql which, int64_t number,
               struct gt_bytes id, size_t *did)
{
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, which, id.p ? "ib" : "i", number, id);
	int status = gt_store_run(n->store, which);
	*did += gt_store_changes(n->store) != before;
	return status;
}

/* Its attachments that no other record names go too; their files are swept at
 * the next start. A row that the indexes do not know for what it is stays until
 * it is mended: *gone is false. */
static int take_out(struct gt_node *n, int64_t seq, struct gt_bytes body,
                    const char *authority, int64_t stream, int64_t origin_seq,
                    bool *gone)
{
	const struct gt_bytes none = {0};
	size_t unused = 0;
	int64_t sound;
	int status = gt_record_int(n, GT_SQL_RECORD_SOUND, seq, &sound);
	if (status == 0 && sound == 1)
		status = gt_sealed_leave(n, seq);
	if (status == 0)
		status = gt_spoilt_take_out(n, seq, gone);
	if (status != 0 || !*gone)
		return status;
	status = gt_terms_forget(n, seq, body, authority);
	if (status == 0)
		status = run(n, GT_SQL_ERASE_ATTACHMENT, seq, none, &unused);
	if (status == 0)
		status = run(n, GT_SQL_ERASE_ATTACHED, seq, none, &unused);
	return status ? status
	              : gt_spoilt_forget(n, seq, stream, origin_seq, 0);
}

/* Nor is what was damaged of it here asked back. */
static int wait_no_more(struct gt_node *n, struct gt_bytes id)
{
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, GT_SQL_ERASE_SPOILT, "b", id);
	int status = gt_store_run(n->store, GT_SQL_ERASE_SPOILT);
	uint64_t gone = (uint64_t)(gt_store_changes(n->store) - before);
	assert(gone <= n->records->spoilt);
	n->records->spoilt -= gone;
	return status;
}

int gt_erased_bury(struct gt_node *n, struct gt_bytes id, const char *code,
                   int64_t receipt)
{
	bool covered;
	int status =
	        gt_erased_covers(n, id.p, receipt > 0 ? "" : code, &covered);
	gt_store_bind(n->store, GT_SQL_ERASED_FORGET, "b", id);
	if (status == 0 && !covered) /* told anew, with the wider place */
		status = gt_store_run(n->store, GT_SQL_ERASED_FORGET);
	if (status != 0)
		return status;
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, GT_SQL_ERASED_NEW, "btii", id, code,
	              n->now.wall_ms, receipt);
	status = gt_store_run(n->store, GT_SQL_ERASED_NEW);
	bool fresh = gt_store_changes(n->store) != before;
	if (status == 0)
		status = wait_no_more(n, id);
	gt_store_bind(n->store, GT_SQL_ERASE_CERTIFICATE, "b", id);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_ERASE_CERTIFICATE);
	gt_store_bind(n->store, GT_SQL_ERASE_AWARD, "b", id);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_ERASE_AWARD);
	n->records->erasures->any = true;
	if (status == 0 && fresh)
		n->records->erasures->last = gt_store_rowid(n->store);
	return status;
}

/* A record, as its row has it; texts in the arena. seq 0: there is none. */
struct victim {
	struct gt_bytes body;
	const char *authority, *code;
	int64_t seq, stream, origin_seq;
	bool voids;
};

static int find(struct gt_node *n, struct gt_bytes id, struct victim *v)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_ERASE_RECORD, "b", id);
	int row = gt_store_step(n->store, GT_SQL_ERASE_RECORD);
	*v = (struct victim){0};
	if (row == 1) {
		struct gt_bytes b = gt_col_bytes(st, 0);
		*v = (struct victim){
		        .body = gt_bytes_of(gt_arena_copy(n->arena, b.p, b.n),
		                            b.n),
		        .authority = gt_arena_str(n->arena, gt_col_text(st, 1)),
		        .stream = gt_col_int(st, 2),
		        .origin_seq = gt_col_int(st, 3),
		        .voids = gt_col_int(st, 4) & GT_STATEMENT_VOIDS,
		        .code = gt_arena_str(n->arena, gt_col_text(st, 5)),
		        .seq = gt_col_int(st, 6)};
	}
	gt_store_reset(n->store, GT_SQL_ERASE_RECORD);
	bool lacks = row == 1 && (!v->authority || !v->code ||
	                          (!v->body.p && v->body.n > 0));
	return row < 0 ? row : lacks ? -GT_ENOMEM : 0;
}

static int take_away(struct gt_node *n, struct gt_bytes id,
                     const struct victim *v, const char *place, int64_t receipt,
                     bool *gone)
{
	int status = take_out(n, v->seq, v->body, v->authority, v->stream,
	                      v->origin_seq, gone);
	if (status != 0 || !*gone)
		return status;
	/* of others who used that id nothing goes */
	gt_store_bind(n->store, GT_SQL_ERASE_ASIDE_OF, "bt", id, v->code);
	status = gt_store_run(n->store, GT_SQL_ERASE_ASIDE_OF);
	return status ? status : gt_erased_bury(n, id, place, receipt);
}

/* Or it is waited for: it is damaged here, and may come back of the parent. */
static int bury_waited(struct gt_node *n, struct gt_bytes id,
                       const char *within, const char *place, bool *gone)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_ERASE_WAITED, "b", id);
	int row = gt_store_step(n->store, GT_SQL_ERASE_WAITED);
	*gone = row == 1 && gt_code_under(gt_col_text(st, 0), within);
	gt_store_reset(n->store, GT_SQL_ERASE_WAITED);
	if (row < 0)
		return row;
	return *gone ? gt_erased_bury(n, id, place, 0) : 0;
}

int gt_erase_id(struct gt_node *n, struct gt_bytes id, const char *within,
                bool *gone)
{
	/* the parent's word holds for all there is, a child's for what is its
	 * own: somebody else may use that id */
	const char *place = strcmp(within, n->code) == 0 ? "" : within;
	struct victim v;
	int status = find(n, id, &v);
	*gone = false;
	if (status != 0 || v.voids)
		return status;
	if (v.seq == 0)
		return bury_waited(n, id, within, place, gone);
	return gt_code_under(v.code, within)
	               ? take_away(n, id, &v, place, 0, gone)
	               : 0;
}

static int statement(struct gt_node *n, int64_t seq, struct gt_bytes id,
                     struct outcome *o)
{
	struct victim v;
	bool gone = false;
	int status = find(n, id, &v);
	if (status != 0 || v.seq == 0 || v.seq != seq)
		return status;
	if (!v.voids)
		status = take_away(n, id, &v, v.code, o->receipt, &gone);
	o->kept += !gone;
	o->of[GT_PERSON_STATEMENTS] += gone;
	return status;
}

static int64_t number_of(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

static int erase(struct gt_node *n, const uint8_t *item, struct outcome *o)
{
	const struct gt_bytes none = {0};
	int64_t number = number_of(item + 1);
	struct gt_bytes id = gt_bytes_of(item + 9, GT_UUID_BYTES);
	switch ((enum gt_person_part)item[0]) {
	case GT_PERSON_STATEMENTS:
		return statement(n, number, id, o);
	case GT_PERSON_ASIDE:
		return run(n, GT_SQL_ERASE_ASIDE, number, id,
		           &o->of[GT_PERSON_ASIDE]);
	case GT_PERSON_DOCUMENTS:
		return run(n, GT_SQL_ERASE_DOCUMENT, number, none,
		           &o->of[GT_PERSON_DOCUMENTS]);
	case GT_PERSON_LOST:
		return run(n, GT_SQL_ERASE_LOST, number, none,
		           &o->of[GT_PERSON_LOST]);
	case GT_PERSON_PARTS:
	default:
		return 0;
	}
}

/* Numbers of orders grow. */
static int next_receipt(struct gt_node *n, int64_t *out)
{
	int status = gt_meta_get(n->store, "receipt", 0, out);
	++*out;
	return status ? status : gt_meta_put(n->store, "receipt", *out);
}

int gt_records_erase(struct gt_node *n, const struct gt_event *e)
{
	struct outcome o = {0};
	char detail[160], receipt[32];
	size_t count = e->body.n / GT_ERASE_ITEM;
	if (e->body.n % GT_ERASE_ITEM != 0 || count > GT_ERASE_MAX)
		return gt_reply(n, e->token, -GT_EINVALID,
		                "name 1 to %d things to erase", GT_ERASE_MAX);
	int status = next_receipt(n, &o.receipt);
	for (size_t i = 0; status == 0 && i < count; i++)
		status = erase(n, e->body.p + i * GT_ERASE_ITEM, &o);
	gt_format(receipt, sizeof receipt, "%lld", (long long)o.receipt);
	gt_format(detail, sizeof detail,
	          "statements=%zu quarantined=%zu documents=%zu lost=%zu "
	          "kept=%zu",
	          o.of[GT_PERSON_STATEMENTS], o.of[GT_PERSON_ASIDE],
	          o.of[GT_PERSON_DOCUMENTS], o.of[GT_PERSON_LOST], o.kept);
	struct gt_audit row = {.actor = e->actor,
	                       .event = "erase",
	                       .kind = "person",
	                       .subject = receipt,
	                       .detail = detail};
	if (status == 0)
		status = gt_audit_row(n, &row);
	if (status == 0)
		status = gt_documents_count(n);
	gt_store_scrub(n->store);
	n->touched = true;
	return status ? status
	              : gt_reply(n, e->token, 0,
	                         "{\"receipt\":%lld,\"statement\":%zu,"
	                         "\"quarantine\":%zu,\"document\":%zu,"
	                         "\"lost\":%zu,\"kept\":%zu}",
	                         (long long)o.receipt,
	                         o.of[GT_PERSON_STATEMENTS],
	                         o.of[GT_PERSON_ASIDE],
	                         o.of[GT_PERSON_DOCUMENTS],
	                         o.of[GT_PERSON_LOST], o.kept);
}
