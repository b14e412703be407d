/* documents_row.c: see documents_row.h.
 * Tests: u_documents.c. */
#include "documents_row.h"

#include <string.h>

#include "draw.h"
#include "records_inside.h"

enum { PRUNE = 256, LOST_ROWS = 256, LOST_BYTES = 16 << 20 };

static const char *text(struct gt_node *n, sqlite3_stmt *st, int col)
{
	return gt_arena_str(n->arena, gt_col_text(st, col));
}

static struct gt_bytes bytes(struct gt_node *n, sqlite3_stmt *st, int col)
{
	struct gt_bytes b = gt_col_bytes(st, col);
	return gt_bytes_of(b.n ? gt_arena_copy(n->arena, b.p, b.n) : NULL, b.n);
}

static int read_row(struct gt_node *n, sqlite3_stmt *st, bool whole,
                    struct gt_document_row *out)
{
	*out = (struct gt_document_row){
	        .did = gt_col_int(st, 0),
	        .key = {(enum gt_document_kind)gt_col_int(st, 1),
	                text(n, st, 3), text(n, st, 2), text(n, st, 4),
	                text(n, st, 5)},
	        .version = {.seq = gt_col_int(st, 8),
	                    .first_ms = gt_col_int(st, 10)},
	        .seen = bytes(n, st, 9),
	        .updated_ms = gt_col_int(st, 11),
	        .up = gt_col_int(st, 12) == 1,
	        .gone = gt_col_int(st, 13) == 1,
	        .etag = text(n, st, 14),
	        .actor = text(n, st, 15),
	        .type = text(n, st, 16),
	        .body = whole ? bytes(n, st, 17)
	                      : gt_bytes_of(NULL, gt_col_bytes(st, 17).n),
	        .beaten = bytes(n, st, 18)};
	gt_copy(out->version.origin, sizeof out->version.origin,
	        gt_col_text(st, 6));
	(void)gt_col_fixed(st, 7, out->version.epoch, GT_EPOCH_BYTES);
	/* damage, or another's hand: who knew of what is not known then */
	if (!gt_seen_valid(out->seen))
		out->seen.n = 0;
	if (!gt_seen_valid(out->beaten))
		out->beaten.n = 0;
	return gt_arena_short(n->arena) ? -GT_ENOMEM : 0;
}

int gt_document_row(struct gt_node *n, sqlite3_stmt *st,
                    struct gt_document_row *out)
{
	return read_row(n, st, true, out);
}

int gt_document_head(struct gt_node *n, sqlite3_stmt *st,
                     struct gt_document_row *out)
{
	return read_row(n, st, false, out);
}

static int get(struct gt_node *n, const struct gt_document_key *key, bool whole,
               struct gt_document_row *out)
{
	sqlite3_stmt *st = gt_store_bind(
	        n->store, GT_SQL_DOCUMENT_GET, "itttt", (int64_t)key->kind,
	        key->agent, key->activity, key->registration, key->id);
	int row = gt_store_step(n->store, GT_SQL_DOCUMENT_GET);
	int status = row < 0 ? row : 0;
	*out = (struct gt_document_row){.key = *key};
	if (row == 1)
		status = read_row(n, st, whole, out);
	gt_store_reset(n->store, GT_SQL_DOCUMENT_GET);
	return status;
}

int gt_document_get(struct gt_node *n, const struct gt_document_key *key,
                    struct gt_document_row *out)
{
	return get(n, key, true, out);
}

int gt_document_look(struct gt_node *n, const struct gt_document_key *key,
                     struct gt_document_row *out)
{
	return get(n, key, false, out);
}

int gt_document_load(struct gt_node *n, struct gt_document_row *r)
{
	struct gt_document_row whole;
	int status = r->body.p || r->body.n == 0
	                     ? 0
	                     : gt_document_get(n, &r->key, &whole);
	if (status == 0 && r->body.n > 0 && !r->body.p)
		r->body = whole.body;
	return status;
}

/* It takes the place of what has its key. */
static int recount(struct gt_node *n, const struct gt_document_row *r)
{
	const struct gt_document_key *k = &r->key;
	gt_store_bind(n->store, GT_SQL_DOCUMENT_WAITS, "itttt",
	              (int64_t)k->kind, k->agent, k->activity, k->registration,
	              k->id);
	int row = gt_store_step(n->store, GT_SQL_DOCUMENT_WAITS);
	gt_store_reset(n->store, GT_SQL_DOCUMENT_WAITS);
	n->records->documents->waiting += r->up - (row == 1);
	return row < 0 ? row : 0;
}

int gt_document_told(struct gt_node *n, int64_t did, int64_t first_ms)
{
	int64_t before = gt_store_changes(n->store);
	n->touched = true;
	gt_store_bind(n->store, GT_SQL_DOCUMENT_TOLD, "ii", did, first_ms);
	int status = gt_store_run(n->store, GT_SQL_DOCUMENT_TOLD);
	n->records->documents->waiting -= gt_store_changes(n->store) - before;
	return status;
}

int gt_document_store(struct gt_node *n, struct gt_document_row *r)
{
	char etag[GT_ETAG_TEXT];
	const struct gt_version *v = &r->version;
	gt_document_etag(etag, r->body);
	r->etag = gt_arena_str(n->arena, etag);
	int status = recount(n, r);
	r->did = ++n->records->documents->last;
	if (r->version.seq == 0)
		r->version.seq = r->did;
	n->touched = true;
	gt_store_bind(n->store, GT_SQL_DOCUMENT_PUT, "iitttttbibiiiitttbiib",
	              r->did, (int64_t)r->key.kind, r->key.agent,
	              r->key.activity, r->key.registration, r->key.id,
	              v->origin, gt_bytes_of(v->epoch, GT_EPOCH_BYTES), v->seq,
	              r->seen, v->first_ms, r->updated_ms, (int64_t)r->up,
	              (int64_t)r->gone, etag, r->actor, r->type, r->body,
	              n->now.wall_ms, (int64_t)r->body.n, r->beaten);
	return status ? status : gt_store_run(n->store, GT_SQL_DOCUMENT_PUT);
}

int gt_document_put(struct gt_node *n, struct gt_document_row *r)
{
	struct gt_seen seen = {0};
	bool root = n->parent[0] == '\0';
	gt_seen_merge(&seen, r->seen);
	if (r->did > 0)
		gt_seen_add(&seen, &r->version);
	r->seen = gt_bytes_of(seen.b, seen.n);
	r->version = (struct gt_version){.first_ms = root ? n->now.wall_ms : 0};
	gt_copy(r->version.origin, sizeof r->version.origin, n->code);
	memcpy(r->version.epoch, n->records->documents->epoch, GT_EPOCH_BYTES);
	r->updated_ms = n->now.wall_ms;
	r->up = !root;
	return gt_document_store(n, r);
}

int gt_document_knows(struct gt_node *n, struct gt_document_row *r)
{
	int64_t was = r->did;
	int status = recount(n, r);
	r->did = ++n->records->documents->last;
	n->touched = true;
	gt_store_bind(n->store, GT_SQL_DOCUMENT_KNOWS, "iibiib", was, r->did,
	              r->seen, (int64_t)r->up, n->now.wall_ms, r->beaten);
	return status ? status : gt_store_run(n->store, GT_SQL_DOCUMENT_KNOWS);
}

/* -------------------------------------------------------------- audit */

int gt_document_owner_name(struct gt_node *n, const char *owner,
                           char out[GT_OWNER_NAME])
{
	static const char key[] = "learner_salt";
	uint8_t fresh[GT_ID_BYTES];
	struct gt_bytes salt;
	struct gt_id id;
	int status = gt_meta_get_bytes(n->store, key, n->arena, &salt);
	if (status == 0 && salt.n == 0) {
		gt_draw(n, fresh, sizeof fresh);
		salt = gt_bytes_of(fresh, sizeof fresh);
		status = gt_meta_put_bytes(n->store, key, salt);
	}
	struct gt_bytes parts[2] = {salt, gt_bytes_str(owner)};
	gt_sha256(&id, parts, 2);
	gt_hex(out, id.b, (GT_OWNER_NAME - 1) / 2);
	return status;
}

const char *gt_document_word(enum gt_document_kind kind)
{
	static const char *const words[] = {
	        [GT_DOCUMENT_STATE] = "state",
	        [GT_DOCUMENT_AGENT] = "agent profile",
	        [GT_DOCUMENT_ACTIVITY] = "activity profile"};
	return words[kind];
}

/* --------------------------------------------------------- what lost */

static int kept_already(struct gt_node *n, const struct gt_document_row *r,
                        bool *kept)
{
	const struct gt_version *v = &r->version;
	gt_store_bind(n->store, GT_SQL_DOCUMENT_LOST, "ttitttbib", r->key.agent,
	              r->key.activity, (int64_t)r->key.kind,
	              r->key.registration, r->key.id, v->origin,
	              gt_bytes_of(v->epoch, GT_EPOCH_BYTES), v->seq, r->body);
	int row = gt_store_step(n->store, GT_SQL_DOCUMENT_LOST);
	gt_store_reset(n->store, GT_SQL_DOCUMENT_LOST);
	*kept = row == 1;
	return row < 0 ? row : 0;
}

static int tell(struct gt_node *n, const char *event, int result,
                const struct gt_document_row *r, const char *peer,
                const char *detail)
{
	char name[GT_OWNER_NAME];
	int status =
	        gt_document_owner_name(n, gt_document_owner(&r->key), name);
	struct gt_audit row = {.event = event,
	                       .kind = "document",
	                       .subject = name,
	                       .peer = peer,
	                       .result = result,
	                       .bytes = r->body.n,
	                       .detail = detail};
	return status ? status : gt_audit_told(n, peer, &row, NULL);
}

/* Of one owner as many stay as may: the oldest goes, and that is said. */
static int trim(struct gt_node *n, const struct gt_document_row *r)
{
	int status = 0;
	while (status == 0) {
		sqlite3_stmt *st =
		        gt_store_bind(n->store, GT_SQL_DOCUMENTS_LOST_OF, "tt",
		                      r->key.agent, r->key.activity);
		int row = gt_store_step(n->store, GT_SQL_DOCUMENTS_LOST_OF);
		int64_t rows = row == 1 ? gt_col_int(st, 0) : 0;
		int64_t size = row == 1 ? gt_col_int(st, 1) : 0;
		int64_t first = row == 1 ? gt_col_int(st, 2) : 0;
		gt_store_reset(n->store, GT_SQL_DOCUMENTS_LOST_OF);
		if (row < 0 || rows <= 1 ||
		    (rows <= LOST_ROWS && size <= LOST_BYTES))
			return row < 0 ? row : 0;
		gt_store_bind(n->store, GT_SQL_DOCUMENT_LOST_TRIM, "i", first);
		status = gt_store_run(n->store, GT_SQL_DOCUMENT_LOST_TRIM);
		n->records->documents->lost--;
		if (status == 0)
			status = tell(n, "drop", -GT_ELIMIT, r, "",
			              "of documents that lost too many were "
			              "kept: the oldest went");
	}
	return status;
}

int gt_document_lose(struct gt_node *n, const struct gt_document_row *r,
                     const char *won, const char *peer)
{
	const struct gt_version *v = &r->version;
	bool kept = r->gone;
	int status = kept ? 0 : kept_already(n, r, &kept);
	if (status != 0)
		return status;
	n->status.documents_lost++;
	if (!kept) {
		gt_store_bind(n->store, GT_SQL_DOCUMENT_LOSE,
		              "ititttttbiiiittb", n->now.wall_ms, won,
		              (int64_t)r->key.kind, r->key.agent,
		              r->key.activity, r->key.registration, r->key.id,
		              v->origin, gt_bytes_of(v->epoch, GT_EPOCH_BYTES),
		              v->seq, v->first_ms, r->updated_ms,
		              (int64_t)r->gone, r->actor, r->type, r->body);
		status = gt_store_run(n->store, GT_SQL_DOCUMENT_LOSE);
		n->records->documents->lost++;
	}
	if (status == 0)
		status = trim(n, r);
	return status ? status
	              : tell(n, "conflict", -GT_ECONFLICT, r, peer,
	                     "two put it and neither knew of the other: the "
	                     "one a parent had later counts, this one is kept");
}

/* --------------------------------------------------------------- room */

static int share(struct gt_node *n, const struct gt_document_key *key,
                 int64_t *rows, int64_t *size)
{
	enum gt_sql which = *key->agent ? GT_SQL_DOCUMENT_SHARE
	                                : GT_SQL_DOCUMENT_SHARE_ACTIVITY;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, which, "t", gt_document_owner(key));
	int row = gt_store_step(n->store, which);
	*rows = row == 1 ? gt_col_int(st, 0) : 0;
	*size = row == 1 ? gt_col_int(st, 1) : 0;
	gt_store_reset(n->store, which);
	return row < 0 ? row : 0;
}

int gt_document_room(struct gt_node *n, const struct gt_document_key *key,
                     bool fresh, size_t bytes, size_t instead, bool *fits)
{
	int64_t rows, size;
	int status = share(n, key, &rows, &size);
	if (status == 0 && fresh && rows >= GT_DOCUMENTS_OWNER) {
		gt_store_bind(n->store, GT_SQL_DOCUMENTS_PRUNE, "tti",
		              key->agent, key->activity, (int64_t)PRUNE);
		status = gt_store_run(n->store, GT_SQL_DOCUMENTS_PRUNE);
		if (status == 0)
			status = share(n, key, &rows, &size);
	}
	*fits = rows + fresh <= GT_DOCUMENTS_OWNER &&
	        (bytes <= instead || size - (int64_t)instead + (int64_t)bytes <=
	                                     GT_DOCUMENTS_BYTES);
	return status;
}
