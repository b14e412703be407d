/* stream.c: the streams records stand in, their marks, and the way in.
 * Tests: u_node_record.c, u_vouched.c, u_bounded.c, u_miscount.c. */
#include "certificate_list.h"
#include "compare.h"
#include "documents.h"
#include "era.h"
#include "reckon.h"
#include "records_inside.h"
#include "sealed.h"
#include "terms.h"

#include <stdlib.h>
#include <string.h>

struct gt_records *gt_records_new(void)
{
	struct gt_records *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->room = UINT64_MAX;
	r->by_whom = gt_waiting_new();
	r->index = calloc(1, sizeof *r->index);
	r->erasures = calloc(1, sizeof *r->erasures);
	r->documents = calloc(1, sizeof *r->documents);
	r->crowd = calloc(1, sizeof *r->crowd);
	if (r->by_whom && r->index && r->erasures && r->documents && r->crowd)
		return r;
	gt_records_free(r);
	return NULL;
}

void gt_records_free(struct gt_records *r)
{
	if (!r)
		return;
	gt_compare_free(r->compare);
	gt_waiting_free(r->by_whom);
	free(r->index);
	gt_reckon_free(r->reckoning);
	free(r->erasures);
	if (r->documents)
		gt_seeks_free(r->documents->seeks);
	free(r->documents);
	free(r->crowd);
	free(r->layers);
	free(r);
}

struct gt_record_counts gt_records_count(const struct gt_node *n)
{
	const struct gt_records *r = n->records;
	assert(r->root <= r->seq && r->hop <= r->seq);
	assert(0 <= r->replaced && r->replaced <= r->seq);
	return (struct gt_record_counts){
	        .here = (uint64_t)(r->seq - r->replaced),
	        .waiting = (uint64_t)(r->seq - r->hop),
	        .unrooted = (uint64_t)(r->seq - r->root),
	        .documents_waiting = (uint64_t)r->documents->waiting,
	        .documents_kept = (uint64_t)r->documents->lost,
	        .spoilt = r->spoilt,
	        .crowded = r->crowd->whom[0] != '\0'};
}

static bool is_root(const struct gt_node *n)
{
	return n->parent[0] == '\0';
}

/* ------------------------------------------------------------ state */

int gt_stream_of(struct gt_node *n, const char *code, const uint8_t *epoch,
                 int64_t *sid, int64_t *last)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_STREAM_GET, "tb", code,
	                      gt_bytes_of(epoch, GT_EPOCH_BYTES));
	int row = gt_store_step(n->store, GT_SQL_STREAM_GET);
	if (row == 1) {
		*sid = gt_col_int(st, 0);
		*last = gt_col_int(st, 1);
	}
	gt_store_reset(n->store, GT_SQL_STREAM_GET);
	if (row != 0)
		return row < 0 ? row : 0;
	gt_store_bind(n->store, GT_SQL_STREAM_NEW, "tb", code,
	              gt_bytes_of(epoch, GT_EPOCH_BYTES));
	int status = gt_store_run(n->store, GT_SQL_STREAM_NEW);
	*sid = gt_store_rowid(n->store);
	*last = 0;
	return status;
}

/* A database from before this mark was kept may have sent all it has. */
static int load_sent(struct gt_node *n)
{
	int status = gt_meta_get(n->store, "sent", -1, &n->records->high);
	if (status != 0 || n->records->high >= 0)
		return status;
	n->records->high = n->records->seq;
	return gt_meta_put(n->store, "sent", n->records->high);
}

/* What one parent has another one need not have: until it says so (send.c) none
 * of it is there. */
static int load_hop(struct gt_node *n)
{
	struct gt_records *r = n->records;
	struct gt_bytes of;
	int status = gt_meta_get(n->store, "hop", 0, &r->hop);
	if (status == 0)
		status = gt_meta_get_bytes(n->store, "hop_of", n->arena, &of);
	if (status != 0)
		return status;
	gt_format(r->hop_of, sizeof r->hop_of, "%.*s", (int)of.n,
	          (const char *)of.p);
	if (*r->hop_of && !gt_code_same_place(r->hop_of, n->parent))
		r->hop = 0;
	return 0;
}

static int count_replaced(struct gt_node *n)
{
	struct gt_records *r = n->records;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_COUNT, "");
	int row = gt_store_step(n->store, GT_SQL_RECORD_COUNT);
	int64_t here = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_RECORD_COUNT);
	r->replaced = r->seq - here;
	return row < 0 ? row : gt_meta_put(n->store, "replaced", r->replaced);
}

/* What is written down is what a disk gives, and not believed where it cannot
 * be. Nothing is taken for handed up then: the parent says what it has. */
static int mend(struct gt_node *n)
{
	struct gt_records *r = n->records;
	int64_t seq = r->seq;
	int status = 0;
	bool marks = r->hop < 0 || r->hop > seq || r->root < 0 ||
	             r->root > seq || r->high > seq;
	bool count = r->replaced < 0 || r->replaced > seq;
	if (!marks && !count)
		return 0;
	if (marks) {
		r->hop = r->root = 0;
		r->hop_of[0] = '\0';
		r->high = seq;
		status = gt_meta_put(n->store, "hop", 0);
	}
	if (status == 0 && marks)
		status = gt_meta_put(n->store, "root", 0);
	if (status == 0 && marks)
		status = gt_meta_put(n->store, "sent", seq);
	if (status == 0 && count)
		status = count_replaced(n);
	return status ? status
	              : gt_log(n, GT_LOG_ERROR,
	                       "the database's counts of learner records were "
	                       "damaged: they are made anew, and the parent is "
	                       "asked what it has. Look after this disk");
}

static int load(struct gt_node *n)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_MAX, "");
	int row = gt_store_step(n->store, GT_SQL_RECORD_MAX);
	if (row < 0)
		return row;
	/* until a parent says what it has */
	n->records->sent = n->records->looked = 0;
	n->records->seq = gt_col_int(st, 0);
	n->records->ms = gt_col_int(st, 1);
	gt_store_reset(n->store, GT_SQL_RECORD_MAX);
	int status = load_hop(n);
	if (status == 0)
		status = gt_meta_get(n->store, "root", 0, &n->records->root);
	if (status == 0)
		status = gt_meta_get(n->store, "replaced", 0,
		                     &n->records->replaced);
	if (status == 0)
		status = load_sent(n);
	if (status == 0)
		status = mend(n);
	if (status == 0)
		status = gt_stream_of(n, n->code, n->epoch, &n->records->stream,
		                      &n->records->stream_seq);
	if (is_root(n))
		n->records->hop = n->records->root = n->records->seq;
	if (status == 0)
		status = gt_erased_load(n);
	if (status == 0)
		status = gt_erased_marks(n);
	if (status == 0)
		status = gt_lists_load(n);
	if (status == 0)
		status = gt_award_load(n);
	if (status == 0)
		status = gt_recall_load(n);
	if (status == 0)
		status = gt_pool_load(n);
	if (status == 0)
		status = gt_documents_load(n);
	return status ? status : gt_spoilt_load(n);
}

int gt_records_load(struct gt_node *n)
{
	int status = load(n);
	if (status == 0)
		status = gt_terms_load(n);
	return status ? status : gt_record_waits_load(n);
}

/* In the old stream the parent may know other records by the same numbers; in
 * the new one it knows none, and what it has already it tells by its id. */
int gt_records_renew(struct gt_node *n)
{
	int64_t old = n->records->stream, last = n->records->stream_seq;
	int64_t ms = n->records->ms;
	int status = load(n);
	n->records->ms = ms; /* of the clock era that ends */
	if (status == 0)
		status = gt_era_restored(n);
	if (status != 0)
		return status;
	n->records->stream_seq = last;
	gt_store_bind(n->store, GT_SQL_RECORD_MOVE, "ii", old,
	              n->records->stream);
	status = gt_store_run(n->store, GT_SQL_RECORD_MOVE);
	gt_store_bind(n->store, GT_SQL_SPOILT_MOVE, "ii", old,
	              n->records->stream);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_SPOILT_MOVE);
	return status ? status : gt_stream_last(n, n->records->stream, last);
}

int gt_stream_last(struct gt_node *n, int64_t sid, int64_t last)
{
	gt_store_bind(n->store, GT_SQL_STREAM_LAST, "ii", sid, last);
	return gt_store_run(n->store, GT_SQL_STREAM_LAST);
}

int gt_record_insert(struct gt_node *n, const struct gt_arrival *r)
{
	struct gt_bytes target =
	        gt_bytes_of(r->flags & GT_STATEMENT_VOIDS ? r->target : NULL,
	                    GT_UUID_BYTES);
	gt_store_bind(n->store, GT_SQL_RECORD_NEW, "iibbioiittb", r->stream,
	              r->origin_seq, gt_bytes_of(r->id, GT_UUID_BYTES),
	              gt_bytes_of(r->form, GT_ID_BYTES), (int64_t)r->flags,
	              target, r->origin_ms, gt_era_now(n), r->policy,
	              r->authority, r->body);
	int status = gt_store_run(n->store, GT_SQL_RECORD_NEW);
	n->records->seq = gt_store_rowid(n->store);
	if (status == 0)
		status = gt_spoilt_came(n, r);
	if (status == 0)
		status = gt_attach_named(n, n->records->seq, r->body);
	if (r->flags & GT_STATEMENT_VOIDS)
		gt_reckon_again(n);
	if (status == 0 && gt_done_parse(r->policy).treatment == GT_AGGREGATE)
		status = gt_pool_cell(n, n->records->seq);
	n->status.records_in++;
	n->touched = true;
	if (is_root(n))
		n->records->hop = n->records->root = n->records->seq;
	return status;
}

/* An origin that forgot, or two copies of it, gave one number to two records.
 * Both were acknowledged, so both go on: the one that comes second in a stream
 * of its own, which follows from its id and is the same wherever it comes. */
int gt_record_place(struct gt_node *n, const char *code, const uint8_t *epoch,
                    struct gt_arrival *r, bool *another)
{
	static const char domain[] = "guantong second place v1\n";
	struct gt_id id;
	struct gt_bytes parts[3] = {gt_bytes_str(domain),
	                            gt_bytes_of(epoch, GT_EPOCH_BYTES),
	                            gt_bytes_of(r->id, GT_UUID_BYTES)};
	int64_t last;
	gt_store_bind(n->store, GT_SQL_RECORD_BY_KEY, "ii", r->stream,
	              r->origin_seq);
	int row = gt_store_step(n->store, GT_SQL_RECORD_BY_KEY);
	gt_store_reset(n->store, GT_SQL_RECORD_BY_KEY);
	*another = row == 1;
	if (row != 1)
		return row;
	gt_sha256(&id, parts, 3);
	return gt_stream_of(n, code, id.b, &r->stream, &last);
}

/* The row of GT_SQL_RECORD_BY_ID. */
static int compare(sqlite3_stmt *st, const struct gt_arrival *r,
                   struct gt_found *found)
{
	/* of the same words, where the form here is what was altered */
	bool same = gt_bytes_eq(gt_col_bytes(st, 1),
	                        gt_bytes_of(r->form, GT_ID_BYTES)) ||
	            gt_bytes_eq(gt_col_bytes(st, 3), r->body);
	/* what lost something on its way has another form than before, and than
	 * it gets by another rule: the first that came stays */
	same = same || *r->policy || *gt_col_text(st, 5);
	int status = same ? 0
	                  : gt_statement_twins(&same, gt_col_bytes(st, 3),
	                                       gt_col_int(st, 2), r->body,
	                                       r->origin_ms);
	found->seq = gt_col_int(st, 0);
	found->known = same ? GT_RECORD_SAME : GT_RECORD_OTHER;
	found->lesser = r->flags & GT_STATEMENT_NAMED &&
	                !(gt_col_int(st, 4) & GT_STATEMENT_NAMED);
	return status;
}

int gt_record_look_up(struct gt_node *n, const struct gt_arrival *r,
                      struct gt_found *found)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_RECORD_BY_ID, "b",
	                                 gt_bytes_of(r->id, GT_UUID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_RECORD_BY_ID);
	int status = row < 0 ? row : 0;
	bool erased = false;
	*found = (struct gt_found){.known = GT_RECORD_NEW};
	if (row == 1)
		status = compare(st, r, found);
	gt_store_reset(n->store, GT_SQL_RECORD_BY_ID);
	if (row == 0)
		status = gt_erased_is(n, r->id, r->stream, &erased);
	if (erased)
		found->known = GT_RECORD_SAME;
	if (row != 1 || status != 0)
		return status;
	status = gt_spoilt_is(n, found->seq, &found->spoilt);
	found->lesser = found->lesser || found->spoilt;
	return status;
}

int gt_record_give_way(struct gt_node *n, const struct gt_found *found,
                       const struct gt_arrival *r, const char *via)
{
	static const char reason[] = "same id, handed in by nobody known";
	bool other = found->known == GT_RECORD_OTHER;
	int status = 0;
	bool gone;
	/* it is forgotten when the one that comes is put in, if that is what it
	 * was: by its words, where its form is what was altered */
	if (found->spoilt && !other) {
		gt_store_bind(n->store, GT_SQL_SPOILT_FORM, "ib", found->seq,
		              gt_bytes_of(r->form, GT_ID_BYTES));
		status = gt_store_run(n->store, GT_SQL_SPOILT_FORM);
	}
	if (found->spoilt)
		return status ? status
		              : gt_spoilt_take_out(n, found->seq, &gone);
	if (other) {
		gt_store_bind(n->store, GT_SQL_RECORD_ASIDE, "itit", found->seq,
		              via, n->now.wall_ms, reason);
		status = gt_store_run(n->store, GT_SQL_RECORD_ASIDE);
		n->status.records_quarantined++;
		n->records->aside = true;
	}
	if (status == 0)
		status = gt_sealed_leave(n, found->seq);
	gt_store_bind(n->store, GT_SQL_ERASE_ATTACHED, "i", found->seq);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_ERASE_ATTACHED);
	gt_reckon_again(n);
	gt_store_bind(n->store, GT_SQL_RECORD_DELETE, "i", found->seq);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_RECORD_DELETE);
	if (status == 0)
		status = gt_record_replaced(n, 1);
	struct gt_audit row = {.event = other ? "quarantine" : "replace",
	                       .kind = "record",
	                       .peer = strcmp(via, n->code) == 0 ? "" : via,
	                       .result = other ? -GT_ECONFLICT : 0,
	                       .bytes = r->body.n,
	                       .detail = reason};
	return status ? status : gt_audit_told(n, via, &row, NULL);
}

int gt_records_unsent(struct gt_node *n, const uint8_t was[GT_EPOCH_BYTES])
{
	int status = gt_recall_begin(n, was);
	if (status == 0)
		status = gt_pool_renew(n);
	return status ? status : gt_meta_put(n->store, "sent", 0);
}
