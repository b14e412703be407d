/* row.c: records as they lie in the database, none taken for what it is not any
 * more.
 * Tests: u_node_record.c, u_spoilt.c. */
#include "reckon.h"
#include "records_inside.h"
#include "sealed.h"

#include "schema.h"

#include <string.h>

ProtobufCBinaryData gt_record_field(struct gt_node *n, struct gt_bytes b)
{
	uint8_t *p = gt_arena_copy(n->arena, b.p, b.n);
	return (ProtobufCBinaryData){p ? b.n : 0, p};
}

static Gt__Record *of_row(struct gt_node *n, sqlite3_stmt *st)
{
	Gt__Record *r = gt_arena_get(n->arena, sizeof *r);
	if (!r)
		return NULL;
	gt__record__init(r);
	r->seq = (uint64_t)gt_col_int(st, 0);
	r->origin = gt_arena_str(n->arena, gt_col_text(st, 1));
	r->origin_epoch = gt_record_field(n, gt_col_bytes(st, 2));
	r->origin_seq = (uint64_t)gt_col_int(st, 3);
	r->id = gt_record_field(n, gt_col_bytes(st, 4));
	r->form = gt_record_field(n, gt_col_bytes(st, 5));
	r->flags = (uint32_t)gt_col_int(st, 6);
	r->target = gt_record_field(n, gt_col_bytes(st, 7));
	r->stored_ms = gt_col_int(st, 8);
	r->policy = gt_arena_str(n->arena, gt_col_text(st, 9));
	r->body = gt_record_field(n, gt_col_bytes(st, 10));
	r->authority = gt_arena_str(n->arena, gt_col_text(st, 11));
	bool body = r->body.data || gt_col_bytes(st, 10).n == 0;
	return r->origin && r->policy && r->authority && body ? r : NULL;
}

struct gt_arrival gt_record_arrival(const Gt__Record *w)
{
	return (struct gt_arrival){
	        .origin_seq = (int64_t)w->origin_seq,
	        .id = w->id.data,
	        .form = w->form.data,
	        .flags = w->flags,
	        .target = w->target.data,
	        .origin_ms = w->stored_ms,
	        .policy = w->policy,
	        .authority = w->authority,
	        .body = gt_bytes_of(w->body.data, w->body.len)};
}

static int unfit(char *why, size_t why_cap, const char *what)
{
	gt_format(why, why_cap, "%s", what);
	return -GT_EDAMAGED;
}

const char *gt_record_shapeless(const char *who, const Gt__Record *r)
{
	if (r->id.len != GT_UUID_BYTES || r->form.len != GT_ID_BYTES ||
	    r->origin_epoch.len != GT_EPOCH_BYTES || r->origin_seq == 0 ||
	    r->origin_seq > INT64_MAX || r->body.len == 0 ||
	    r->body.len > GT_STATEMENT_MAX ||
	    (r->flags & GT_STATEMENT_VOIDS && r->target.len != GT_UUID_BYTES) ||
	    r->flags & GT_RECORD_RESERVED ||
	    strlen(r->authority) > GT_TEXT_MAX ||
	    strlen(r->policy) > GT_TEXT_MAX)
		return "a malformed record";
	if (!gt_code_valid(r->origin) ||
	    (strcmp(r->origin, who) != 0 && !gt_code_child_of(r->origin, who)))
		return "a record of an origin that is not under the child";
	return NULL;
}

/* What lay on our disk is asked again before it leaves. */
int gt_record_verify(const Gt__Record *r, char *why, size_t why_cap)
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

/* It stays where it is, for its id is taken, and nobody is given it: nobody
 * would take it. Written down once. */
static int set_aside(struct gt_node *n, const Gt__Record *r, int64_t stream,
                     struct gt_damaged *d)
{
	char reason[GT_WHY + 16];
	bool fresh;
	gt_format(reason, sizeof reason, "damaged here: %s", d->why);
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
	if (status != 0)
		return status;
	d->count++;
	n->status.records_damaged++;
	struct gt_audit row = {.event = "damage",
	                       .kind = "record",
	                       .result = -GT_EDAMAGED,
	                       .bytes = r->body.len,
	                       .detail = reason};
	return gt_audit_row(n, &row);
}

void gt_spoilt_below(struct gt_node *n)
{
	for (uint32_t i = 0; i < n->npeers; i++)
		n->peers[i].child.wanted = 0;
}

int64_t gt_spoilt_handed(const struct gt_node *n)
{
	const struct gt_records *r = n->records;
	return r->root > r->high ? r->root : r->high;
}

/* It is known from now on that this one has to come back. */
static int mark(struct gt_node *n, const Gt__Record *r, int64_t stream,
                bool *fresh)
{
	struct gt_records *c = n->records;
	bool root = n->parent[0] == '\0';
	/* a child's that was never handed up: no parent has it from here */
	bool unsent =
	        stream != c->stream && (int64_t)r->seq > gt_spoilt_handed(n);
	gt_store_bind(n->store, GT_SQL_SPOILT_KNOWN, "i", (int64_t)r->seq);
	int known = gt_store_step(n->store, GT_SQL_SPOILT_KNOWN);
	gt_store_reset(n->store, GT_SQL_SPOILT_KNOWN);
	*fresh = known == 0;
	if (known != 0)
		return known < 0 ? known : 0;
	gt_store_bind(
	        n->store, GT_SQL_SPOILT_NEW, "iiibbii", (int64_t)r->seq, stream,
	        (int64_t)r->origin_seq, gt_bytes_of(r->id.data, r->id.len),
	        gt_bytes_of(r->form.data, r->form.len),
	        (int64_t)(root || unsent ? GT_SPOILT_BELOW : GT_SPOILT_ASK),
	        (int64_t)((int64_t)r->seq > c->root));
	n->touched = true;
	c->spoilt++;
	/* who was asked for those behind it is asked for this one too */
	gt_spoilt_below(n);
	return gt_store_run(n->store, GT_SQL_SPOILT_NEW);
}

int gt_record_read(struct gt_node *n, sqlite3_stmt *st, struct gt_damaged *d,
                   Gt__Record **out)
{
	char why[GT_WHY];
	bool fresh = false;
	Gt__Record *r = *out = of_row(n, st);
	int64_t stream = gt_col_int(st, 12);
	int bad = r ? gt_record_verify(r, why, sizeof why) : -GT_ENOMEM;
	if (bad != -GT_EDAMAGED)
		return bad;
	int status = mark(n, r, stream, &fresh);
	if (status != 0 || !fresh)
		return status ? status : bad;
	gt_copy(d->why, sizeof d->why, why);
	status = set_aside(n, r, stream, d);
	return status ? status : bad;
}

int gt_record_tell_damaged(struct gt_node *n, const struct gt_damaged *d)
{
	int status = gt_record_trim_aside(n, n->code);
	if (status != 0 || d->count == 0)
		return status;
	return gt_log(n, GT_LOG_ERROR,
	              "%zu records are damaged here and are not sent (%s); "
	              "guantong -C DIR records quarantine ls lists them",
	              d->count, d->why);
}

/* ------------------------------------------ what is spoilt */

int gt_record_int(struct gt_node *n, enum gt_sql which, int64_t a, int64_t *out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, which, "i", a);
	int row = gt_store_step(n->store, which);
	*out = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, which);
	return row < 0 ? row : 0;
}

/* Kept within what can be: where it began was read from the disk. */
int gt_record_replaced(struct gt_node *n, int change)
{
	struct gt_records *r = n->records;
	int64_t to = r->replaced + change;
	if (to < 0 || to > r->seq)
		return 0;
	r->replaced = to;
	return gt_meta_put(n->store, "replaced", to);
}

int gt_spoilt_load(struct gt_node *n)
{
	struct gt_records *r = n->records;
	gt_store_bind(n->store, GT_SQL_SPOILT_UNSENT, "ii", gt_spoilt_handed(n),
	              r->stream);
	int status = gt_store_run(n->store, GT_SQL_SPOILT_UNSENT);
	if (status != 0)
		return status;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SPOILT_COUNT, "");
	int row = gt_store_step(n->store, GT_SQL_SPOILT_COUNT);
	if (row == 1)
		r->spoilt = (uint64_t)gt_col_int(st, 0);
	gt_store_reset(n->store, GT_SQL_SPOILT_COUNT);
	r->look = 0;
	r->look_due = n->now.mono_ms;
	return row < 0 ? row : 0;
}

int gt_spoilt_take_out(struct gt_node *n, int64_t seq, bool *gone)
{
	int64_t sound, there;
	gt_reckon_again(n);
	int status = gt_record_int(n, GT_SQL_RECORD_SOUND, seq, &sound);
	if (status == 0)
		status = gt_record_int(n, GT_SQL_RECORD_FROM, seq, &there);
	*gone = status == 0 && (sound == 1 || there != seq);
	if (status != 0 || sound != 1)
		return status;
	gt_store_bind(n->store, GT_SQL_RECORD_DELETE, "i", seq);
	status = gt_store_run(n->store, GT_SQL_RECORD_DELETE);
	return status ? status : gt_record_replaced(n, 1);
}

/* What is left of it in the quarantine goes too. */
int gt_spoilt_forget(struct gt_node *n, int64_t seq, int64_t stream,
                     int64_t origin_seq, int64_t need)
{
	/* what was given up is not counted */
	gt_store_bind(n->store, GT_SQL_SPOILT_DROP_LEFT, "i", seq);
	int status = gt_store_run(n->store, GT_SQL_SPOILT_DROP_LEFT);
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, GT_SQL_SPOILT_DROP, "i", seq);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_SPOILT_DROP);
	if (status != 0 || gt_store_changes(n->store) == before)
		return status;
	gt_store_bind(n->store, GT_SQL_QUARANTINE_BACK, "iit", stream,
	              origin_seq, n->code);
	n->touched = true;
	n->records->spoilt--;
	n->status.records_back++;
	status = gt_store_run(n->store, GT_SQL_QUARANTINE_BACK);
	if (status != 0 || need == 0)
		return status;
	gt_store_bind(n->store, GT_SQL_BATCH_NEED, "ii", seq, need);
	return gt_store_run(n->store, GT_SQL_BATCH_NEED);
}

int gt_spoilt_is(struct gt_node *n, int64_t seq, bool *is)
{
	int64_t known = 0, sound = 0;
	int status = 0;
	if (n->records->spoilt > 0)
		status = gt_record_int(n, GT_SQL_SPOILT_KNOWN, seq, &known);
	if (status == 0 && known == 1)
		status = gt_record_int(n, GT_SQL_RECORD_SOUND, seq, &sound);
	*is = sound == 1;
	return status;
}

int gt_spoilt_came(struct gt_node *n, const struct gt_arrival *r)
{
	if (n->records->spoilt == 0)
		return 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SPOILT_BY_ID, "b",
	                                 gt_bytes_of(r->id, GT_UUID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_SPOILT_BY_ID);
	int64_t seq = row == 1 ? gt_col_int(st, 0) : 0;
	int64_t stream = row == 1 ? gt_col_int(st, 1) : 0;
	int64_t origin_seq = row == 1 ? gt_col_int(st, 2) : 0;
	struct gt_bytes form =
	        row == 1 ? gt_col_bytes(st, 3) : (struct gt_bytes){0};
	bool same = form.n == 0 ||
	            gt_bytes_eq(form, gt_bytes_of(r->form, GT_ID_BYTES));
	gt_store_reset(n->store, GT_SQL_SPOILT_BY_ID);
	if (row != 1 || !same)
		return row < 0 ? row : 0;
	int status = gt_sealed_moved(n, seq, n->records->seq);
	return status ? status
	              : gt_spoilt_forget(n, seq, stream, origin_seq,
	                                 n->records->seq);
}
