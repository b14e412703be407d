/* holding.c: what of each object is here: in memory, and in its row. What an
 * object is, is object.h's.
 * Tests: u_node_object.c, u_adopt.c. */
#include "content_inside.h"

#include "draw.h"

#include <stdlib.h>
#include <string.h>

struct gt_object *gt_object_find(struct gt_node *n, const struct gt_id *id)
{
	GT_EACH_OBJECT(o, n->content)
		if (gt_id_eq(&o->id, id))
			return o;
	return NULL;
}

void gt_object_close(struct gt_content *c, struct gt_object *o)
{
	while (o->waiters)
		gt_waiter_drop(c, &o->waiters);
	gt_manifest_free(o->m);
	free(o->bytes);
	free(o->frames);
	free(o->suspect);
	free(o->from);
	*o = (struct gt_object){0};
}

const char gt_not_its_own[] = "the manifest's hash is not the object id";

static bool idle(const struct gt_object *o)
{
	return !o->filling && !o->doomed && o->jobs == 0 && !o->waiters;
}

/* A free slot, or the idle one used least lately. */
static struct gt_object *slot(struct gt_content *c)
{
	struct gt_object *oldest = NULL;
	for (size_t i = 0; i < GT_OBJECTS_OPEN; i++) {
		struct gt_object *o = &c->objects[i];
		if (!o->used)
			return o;
		if (idle(o) && (!oldest || o->used_ms < oldest->used_ms))
			oldest = o;
	}
	if (oldest)
		gt_object_close(c, oldest);
	return oldest;
}

void gt_frame_set(struct gt_object *o, uint32_t frame, enum gt_frame_state to)
{
	o->count[o->frames[frame]]--;
	o->count[to]++;
	o->frames[frame] = (uint8_t)to;
	if (to == GT_FRAME_MISSING && frame < o->scan)
		o->scan = frame;
}

bool gt_frame_here(const struct gt_object *o, uint32_t frame)
{
	return o->state == GT_OBJECT_COMPLETE ||
	       (o->frames && o->frames[frame] >= GT_FRAME_PLACED);
}

struct gt_id gt_frame_id(const struct gt_object *o, uint32_t frame)
{
	struct gt_id id;
	memcpy(id.b, o->m->ids + (size_t)frame * GT_ID_BYTES, GT_ID_BYTES);
	return id;
}

int gt_object_manifest(struct gt_object *o, struct gt_bytes bytes,
                       char why[GT_WHY])
{
	struct gt_id id;
	gt_manifest_id(&id, bytes);
	if (!gt_id_eq(&id, &o->id)) {
		gt_copy(why, GT_WHY, gt_not_its_own);
		return -GT_EDAMAGED;
	}
	int status = gt_manifest_new(&o->m, bytes, why, GT_WHY);
	if (status != 0)
		return status;
	size_t frames = o->m->nframes ? o->m->nframes : 1;
	o->frames = calloc(frames, 1);
	o->suspect = calloc(frames, 1);
	memset(o->count, 0, sizeof o->count);
	o->count[GT_FRAME_MISSING] = o->m->nframes;
	o->scan = 0;
	return o->frames && o->suspect ? 0 : -GT_ENOMEM;
}

/* ---------------------------------------------------------- damaged */

/* 1: something is found for the object, 0: nothing; or an error. */
static int any(struct gt_node *n, enum gt_sql which, const struct gt_id *id)
{
	gt_store_bind(n->store, which, "b", gt_object_key(id));
	int row = gt_store_step(n->store, which);
	gt_store_reset(n->store, which);
	return row;
}

int gt_object_own(struct gt_node *n, const struct gt_id *id)
{
	return any(n, GT_SQL_OBJECT_OWN, id);
}

/* Of an object that was whole until now: whoever looks after the disk, and
 * after what is published, hears of it. */
int gt_object_tell(struct gt_node *n, const struct gt_object *o)
{
	char hex[GT_HEX_ID];
	int own = gt_object_own(n, &o->id);
	const char *name = o->resource;
	gt_id_hex(hex, &o->id);
	if (own < 0)
		return own;
	if (!*name)
		name = hex;
	return own == 1 ? gt_log(n, GT_LOG_ERROR,
	                         "%s was published here, and its content is "
	                         "damaged on this disk: nobody has another "
	                         "copy to give. Publish the same files again",
	                         name)
	                : gt_log(n, GT_LOG_WARN,
	                         "the content of %s is damaged on this disk: "
	                         "what is bad is fetched again",
	                         name);
}

/* Back to where nothing of it was here; what is on its way to the disk, or from
 * above, finds no frame of its own when it comes. */
int gt_object_unread(struct gt_node *n, struct gt_object *o, const char *why)
{
	char hex[GT_HEX_ID], detail[GT_WHY + 40];
	gt_id_hex(hex, &o->id);
	gt_format(detail, sizeof detail, "a stored manifest is damaged: %.150s",
	          why);
	gt_manifest_free(o->m);
	free(o->frames);
	free(o->suspect);
	free(o->from);
	o->m = NULL;
	o->frames = o->suspect = NULL;
	o->from = NULL;
	memset(o->count, 0, sizeof o->count);
	o->scan = 0;
	o->tail = GT_FRAME_MISSING;
	o->state = GT_OBJECT_WANTED;
	o->unsynced = o->copied = 0;
	o->syncing = o->asked_manifest = false;
	o->retry_ms = 0;
	n->content->look = n->touched = true;
	n->status.objects_lost++;
	gt_store_bind(n->store, GT_SQL_OBJECT_UNREAD, "b",
	              gt_object_key(&o->id));
	int status = gt_store_run(n->store, GT_SQL_OBJECT_UNREAD);
	if (status == 0)
		status = gt_transfer_rename(n, o);
	if (status == 0)
		status = gt_object_tell(n, o);
	struct gt_audit row = {.event = "damage",
	                       .kind = "object",
	                       .subject = hex,
	                       .result = -GT_EDAMAGED,
	                       .detail = detail};
	return status ? status : gt_audit_row(n, &row);
}

int gt_object_verify(struct gt_node *n, struct gt_object *o)
{
	struct gt_bytes manifest;
	if (!o->m)
		return 0;
	int status = gt_object_bytes(n, o, &manifest);
	return status == -GT_EDAMAGED ? gt_object_unread(n, o, gt_not_its_own)
	                              : status;
}

/* ---------------------------------------------------------- loading */

static int load_users(struct gt_node *n, struct gt_object *o)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_USERS, "b",
	                                 gt_object_key(&o->id));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_USERS);
	if (row == 1) {
		gt_copy(o->resource, sizeof o->resource, gt_col_text(st, 0));
		o->priority = (uint32_t)gt_col_int(st, 1);
	}
	gt_store_reset(n->store, GT_SQL_OBJECT_USERS);
	if (row < 0)
		return row;
	st = gt_store_bind(n->store, GT_SQL_OBJECT_PRIOR, "b",
	                   gt_object_key(&o->id));
	row = gt_store_step(n->store, GT_SQL_OBJECT_PRIOR);
	if (row == 1)
		gt_col_fixed(st, 0, o->prior.b, GT_ID_BYTES);
	gt_store_reset(n->store, GT_SQL_OBJECT_PRIOR);
	return row < 0 ? row : 0;
}

int gt_object_bytes(struct gt_node *n, const struct gt_object *o,
                    struct gt_bytes *out)
{
	struct gt_id id;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_BY_ID, "b",
	                                 gt_object_key(&o->id));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_BY_ID);
	struct gt_bytes bytes = {0};
	if (row == 1)
		bytes = gt_col_bytes(st, 2);
	gt_manifest_id(&id, bytes);
	*out = gt_bytes_of(gt_arena_copy(n->arena, bytes.p, bytes.n), bytes.n);
	gt_store_reset(n->store, GT_SQL_OBJECT_BY_ID);
	if (row < 0)
		return row;
	if (!gt_id_eq(&id, &o->id))
		return -GT_EDAMAGED;
	return out->p ? 0 : -GT_ENOMEM;
}

int gt_object_piece(struct gt_node *n, const struct gt_object *o,
                    uint64_t offset, uint64_t *size, struct gt_bytes *out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_PIECE, "b",
	                                 gt_object_key(&o->id));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_PIECE);
	int64_t oid = row == 1 ? gt_col_int(st, 0) : 0;
	*size = row == 1 ? (uint64_t)gt_col_int(st, 1) : 0;
	gt_store_reset(n->store, GT_SQL_OBJECT_PIECE);
	*out = (struct gt_bytes){0};
	if (row < 0 || offset >= *size)
		return row < 0 ? row : 0;
	uint64_t left = *size - offset;
	out->n = left < GT_MANIFEST_PIECE ? (size_t)left : GT_MANIFEST_PIECE;
	uint8_t *p = gt_arena_get(n->arena, out->n);
	out->p = p;
	return p ? gt_store_manifest(n->store, oid, offset, p, out->n)
	         : -GT_ENOMEM;
}

/* *lost: it was good when it was stored, and is not any more. */
static int load_manifest(struct gt_object *o, struct gt_bytes manifest,
                         struct gt_bytes have, bool *lost, char why[GT_WHY])
{
	*lost = manifest.n == 0 && o->state > GT_OBJECT_WANTED;
	gt_copy(why, GT_WHY, *lost ? "it is gone" : "");
	if (manifest.n == 0)
		return 0;
	int status = gt_object_manifest(o, manifest, why);
	*lost = status != 0 && status != -GT_ENOMEM;
	if (*lost)
		return 0;
	if (status == 0)
		gt_manifest_shed(o->m);
	for (uint32_t i = 0; status == 0 && i < o->m->nframes; i++) {
		bool present = o->state == GT_OBJECT_COMPLETE ||
		               (have.n > i / 8 && have.p[i / 8] >> i % 8 & 1);
		if (present)
			gt_frame_set(o, i, GT_FRAME_PRESENT);
	}
	if (o->state == GT_OBJECT_COMPLETE)
		o->tail = GT_FRAME_PRESENT;
	return status;
}

static int load(struct gt_node *n, struct gt_object *o, bool *found)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_BY_ID, "b",
	                                 gt_object_key(&o->id));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_BY_ID);
	int status = row < 0 ? row : 0;
	bool named = true, lost = false;
	char why[GT_WHY];
	*found = row == 1 && gt_col_int(st, 1) != GT_OBJECT_REFUSED;
	if (*found) {
		o->state = (int)gt_col_int(st, 1);
		if (o->state == GT_OBJECT_CHECKING)
			o->state = GT_OBJECT_PARTIAL; /* check anew */
		named = gt_col_fixed(st, 7, o->transfer.b, GT_TRANSFER_BYTES);
		o->received = (uint64_t)gt_col_int(st, 8);
		status = load_manifest(o, gt_col_bytes(st, 2),
		                       gt_col_bytes(st, 6), &lost, why);
	}
	gt_store_reset(n->store, GT_SQL_OBJECT_BY_ID);
	if (status == 0 && !named && o->state < GT_OBJECT_COMPLETE)
		status = gt_transfer_rename(n, o);
	if (status == 0 && *found)
		status = load_users(n, o);
	if (status == 0 && *found)
		status = gt_stuck_open(n, o);
	return status || !lost ? status : gt_object_unread(n, o, why);
}

int gt_object_open(struct gt_node *n, const struct gt_id *id,
                   struct gt_object **out)
{
	bool found;
	struct gt_object *o = gt_object_find(n, id);
	*out = NULL;
	if (o) {
		o->used_ms = n->now.mono_ms;
		if (!o->doomed && o->state != GT_OBJECT_REFUSED)
			*out = o;
		return 0;
	}
	o = slot(n->content);
	if (!o)
		return 0;
	*o = (struct gt_object){.used = true,
	                        .id = *id,
	                        .born = n->content->past,
	                        .used_ms = n->now.mono_ms,
	                        .expiry = UINT64_MAX};
	int status = load(n, o, &found);
	if (status != 0 || !found)
		gt_object_close(n->content, o);
	else
		*out = o;
	return status;
}

/* ---------------------------------------------- wanted and released */

int gt_object_needed(struct gt_node *n, const struct gt_id *id)
{
	return any(n, GT_SQL_OBJECT_USERS, id);
}

int gt_object_want(struct gt_node *n, const struct gt_id *id)
{
	struct gt_transfer_id transfer;
	int row = any(n, GT_SQL_OBJECT_BY_ID, id);
	n->content->look = true;
	if (row != 0)
		return row < 0 ? row : 0;
	gt_draw(n, transfer.b, sizeof transfer.b);
	gt_store_bind(n->store, GT_SQL_OBJECT_NEW, "bioiiiobii",
	              gt_object_key(id), (int64_t)GT_OBJECT_WANTED,
	              (struct gt_bytes){0}, (int64_t)0, (int64_t)0, (int64_t)0,
	              (struct gt_bytes){0},
	              gt_bytes_of(transfer.b, sizeof transfer.b),
	              n->now.wall_ms, (int64_t)0);
	return gt_store_run(n->store, GT_SQL_OBJECT_NEW);
}

void gt_object_look(struct gt_node *n)
{
	n->content->look = true;
}

int gt_object_complete(struct gt_node *n, const struct gt_id *id, bool *yes)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_BY_ID, "b",
	                                 gt_object_key(id));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_BY_ID);
	*yes = row == 1 && gt_col_int(st, 1) == GT_OBJECT_COMPLETE;
	gt_store_reset(n->store, GT_SQL_OBJECT_BY_ID);
	return row < 0 ? row : 0;
}

int gt_object_damaged(struct gt_node *n, const struct gt_id *id, bool *yes)
{
	int row = any(n, GT_SQL_OBJECT_DAMAGED, id);
	*yes = row == 1;
	return row < 0 ? row : 0;
}

/* The place of one that is being adopted; zero: a free place. NULL: none. */
static struct gt_id *adopting(struct gt_content *c, const struct gt_id *id)
{
	for (size_t i = 0; i < GT_ADOPTING_MAX; i++)
		if (gt_id_eq(&c->adopting[i], id))
			return &c->adopting[i];
	return NULL;
}

int gt_object_remove(struct gt_node *n, const struct gt_id *id)
{
	if (adopting(n->content, id))
		return 0;
	struct gt_action *a = gt_act(n, GT_ACT_REMOVE);
	if (!a)
		return -GT_ENOMEM;
	a->object = *id;
	return 0;
}

static int audit_remove(struct gt_node *n, const char *kind,
                        const char *subject, const char *detail)
{
	struct gt_audit row = {.event = "remove",
	                       .kind = kind,
	                       .subject = subject,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

int gt_object_release(struct gt_node *n, const struct gt_id *id,
                      const char *rid)
{
	int row = gt_object_needed(n, id);
	if (row != 0)
		return row < 0 ? row : 0;
	row = any(n, GT_SQL_OBJECT_BY_ID, id);
	if (row != 1)
		return row < 0 ? row : 0;
	int status = gt_object_let_go(n, id, "");
	if (status != 0 || !*rid)
		return status;
	/* whose it was, once nothing else says so: by this the rows about the
	 * object are found for those who ask for the resource's
	 * (read_audit.c) */
	char hex[GT_HEX_ID];
	gt_id_hex(hex, id);
	return audit_remove(n, "resource", rid, hex);
}

int gt_object_let_go(struct gt_node *n, const struct gt_id *id, const char *why)
{
	char hex[GT_HEX_ID];
	gt_id_hex(hex, id);
	gt_store_bind(n->store, GT_SQL_OBJECT_DELETE, "b", gt_object_key(id));
	int status = gt_store_run(n->store, GT_SQL_OBJECT_DELETE);
	if (status == 0)
		status = audit_remove(n, "object", hex, why);
	struct gt_object *o = gt_object_find(n, id);
	if (status != 0 || !o)
		return status ? status : gt_object_remove(n, id);
	o->doomed = true;
	o->filling = false;
	status = gt_waiter_expire(n, o, true);
	if (status != 0 || o->jobs > 0)
		return status;
	gt_object_close(n->content, o);
	return gt_object_remove(n, id);
}

int gt_object_drop_priors(struct gt_node *n, const struct gt_id *id)
{
	struct gt_id prior;
	char rid[GT_RID_MAX + 1] = "";
	int status = 0, row = 1;
	while (status == 0 && row == 1) {
		sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_PRIOR,
		                                 "b", gt_object_key(id));
		row = gt_store_step(n->store, GT_SQL_OBJECT_PRIOR);
		if (row == 1) {
			gt_col_fixed(st, 0, prior.b, GT_ID_BYTES);
			gt_copy(rid, sizeof rid, gt_col_text(st, 1));
		}
		gt_store_reset(n->store, GT_SQL_OBJECT_PRIOR);
		if (row != 1)
			break;
		gt_store_bind(n->store, GT_SQL_ITEM_DROP_PRIOR, "bb",
		              gt_object_key(id),
		              gt_bytes_of(prior.b, GT_ID_BYTES));
		status = gt_store_run(n->store, GT_SQL_ITEM_DROP_PRIOR);
		if (status == 0)
			status = gt_object_release(n, &prior, rid);
	}
	return row < 0 ? row : status;
}

struct gt_action *gt_object_act(struct gt_node *n, struct gt_object *o,
                                enum gt_action_type type)
{
	struct gt_action *a = gt_act(n, type);
	if (!a)
		return NULL;
	a->object = o->id;
	a->token = o->born;
	o->jobs++;
	return a;
}

struct gt_object *gt_object_answered(struct gt_node *n,
                                     const struct gt_event *e)
{
	struct gt_object *o = gt_object_find(n, &e->object);
	return o && o->jobs > 0 && e->token == o->born ? o : NULL;
}

int gt_object_job_done(struct gt_node *n, struct gt_object *o)
{
	assert(o->jobs > 0);
	struct gt_id id = o->id;
	if (--o->jobs > 0)
		return 0;
	o->lost = false;
	if (!o->doomed)
		return 0;
	gt_object_close(n->content, o);
	n->content->look = true; /* it may have been wanted again meanwhile */
	return gt_object_remove(n, &id);
}

/* -------------------------------------------------------- published */

void gt_object_adopting(struct gt_node *n, const struct gt_id *id)
{
	static const struct gt_id none;
	struct gt_id *place = adopting(n->content, &none);
	assert(place && !gt_id_is_zero(id));
	*place = *id;
}

void gt_object_adopted(struct gt_node *n, const struct gt_id *id)
{
	struct gt_id *place = adopting(n->content, id);
	assert(place);
	*place = (struct gt_id){0};
}

int gt_object_published(struct gt_node *n, const struct gt_id *id,
                        struct gt_bytes manifest, uint64_t size,
                        uint32_t frames)
{
	/* The same bytes published again are one object. */
	gt_store_bind(n->store, GT_SQL_OBJECT_DELETE, "b", gt_object_key(id));
	int status = gt_store_run(n->store, GT_SQL_OBJECT_DELETE);
	gt_store_bind(n->store, GT_SQL_OBJECT_NEW, "bibiiinnii",
	              gt_object_key(id), (int64_t)GT_OBJECT_COMPLETE, manifest,
	              (int64_t)size, (int64_t)frames, (int64_t)frames,
	              n->now.wall_ms, n->now.wall_ms);
	if (status == 0)
		status = gt_store_run(n->store, GT_SQL_OBJECT_NEW);
	if (status == 0)
		status = gt_object_drop_priors(n, id);
	struct gt_object *o = gt_object_find(n, id);
	if (status == 0 && o)
		status = gt_waiter_expire(n, o, true); /* they ask again */
	if (!o)
		return status;
	n->content->past += o->jobs > 0;
	gt_object_close(n->content, o);
	return status;
}

int gt_object_unpublished(struct gt_node *n, const struct gt_id *id)
{
	int status = gt_object_release(n, id, "");
	if (status != 0 || gt_object_find(n, id)) /* or with its last job */
		return status;
	int row = any(n, GT_SQL_OBJECT_BY_ID, id);
	if (row != 0)
		return row < 0 ? row : 0;
	return gt_object_remove(n, id);
}
