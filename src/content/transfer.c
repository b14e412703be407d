/* transfer.c: a fetch from its name to its row in both ends' audit.
 *
 * A transfer has one name and one supplier. The parent may be another one before
 * the object is whole: then what the first gave is closed as a part, written
 * down here under the name by which it knows it, and the other goes on under a
 * new name. So no row says of bytes that they came from who did not give them.
 *
 * The child draws the name and closes the transfer with Done. From version 2 on
 * what it says there is kept until the parent has answered, and written down by
 * the parent once: its own rows tell it what it knows already.
 * Tests: u_node_transfer.c, u_serve.c, u_rehang.c. */
#include "content_inside.h"

#include "draw.h"

#include <string.h>

enum { AGAIN_MAX_MS = 10 * 60 * 1000 };

static struct gt_bytes name_of(const struct gt_transfer_id *transfer)
{
	return gt_bytes_of(transfer->b, GT_TRANSFER_BYTES);
}

struct gt_transfer_id gt_transfer_of(ProtobufCBinaryData name)
{
	struct gt_transfer_id id = {0};
	if (name.len == sizeof id.b)
		memcpy(id.b, name.data, sizeof id.b);
	return id;
}

/* --------------------------------------------------------- the name */

int gt_transfer_rename(struct gt_node *n, struct gt_object *o)
{
	gt_draw(n, o->transfer.b, sizeof o->transfer.b);
	o->received = 0;
	gt_store_bind(n->store, GT_SQL_OBJECT_TRANSFER, "bb",
	              gt_object_key(&o->id), name_of(&o->transfer));
	return gt_store_run(n->store, GT_SQL_OBJECT_TRANSFER);
}

static int supplier_of(struct gt_node *n, const struct gt_object *o,
                       char out[GT_CODE_MAX + 1])
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_OBJECT_SUPPLIER, "b",
	                                 gt_object_key(&o->id));
	int row = gt_store_step(n->store, GT_SQL_OBJECT_SUPPLIER);
	gt_copy(out, GT_CODE_MAX + 1, row == 1 ? gt_col_text(st, 0) : "");
	gt_store_reset(n->store, GT_SQL_OBJECT_SUPPLIER);
	return row < 0 ? row : 0;
}

int gt_transfer_by(struct gt_node *n, const struct gt_object *o,
                   char by[GT_CODE_MAX + 1])
{
	int status = supplier_of(n, o, by);
	if (!*by)
		gt_copy(by, GT_CODE_MAX + 1, n->parent);
	return status;
}

/* Nobody closes it with Done: the other end has no row of it, as of any
 * transfer that ends before the object is whole. */
static int close_part(struct gt_node *n, struct gt_object *o, const char *by)
{
	char hex[GT_HEX_ID], was[GT_HEX_TRANSFER], is[GT_HEX_TRANSFER],
	        detail[GT_RID_MAX + GT_CODE_MAX + 100];
	struct gt_audit row = {.event = "fetch",
	                       .kind = "object",
	                       .subject = hex,
	                       .peer = by,
	                       .result = -GT_ECLOSED,
	                       .bytes = o->received,
	                       .transfer = was,
	                       .detail = detail};
	gt_id_hex(hex, &o->id);
	gt_transfer_id_hex(was, &o->transfer);
	int status = gt_transfer_rename(n, o);
	gt_transfer_id_hex(is, &o->transfer);
	gt_format(detail, sizeof detail,
	          "resource=%s, a part: %s goes on with it as %s", o->resource,
	          n->up->code, is);
	return status ? status : gt_audit_row(n, &row);
}

static int supplied_by_up(struct gt_node *n, struct gt_object *o,
                          const char *before)
{
	int status = 0;
	if (*before && o->received > 0)
		status = close_part(n, o, before);
	if (o->m) /* that was damaged at another place */
		memset(o->suspect, 0, o->m->nframes);
	gt_store_bind(n->store, GT_SQL_OBJECT_SUPPLY, "bt",
	              gt_object_key(&o->id), n->up->code);
	return status ? status : gt_store_run(n->store, GT_SQL_OBJECT_SUPPLY);
}

int gt_transfer_ask(struct gt_node *n, struct gt_object *o, bool *wait)
{
	char by[GT_CODE_MAX + 1];
	*wait = false;
	if (o->of_up)
		return 0;
	int status = supplier_of(n, o, by);
	bool other = status == 0 && strcmp(by, n->up->code) != 0;
	*wait = other && o->jobs > 0;
	o->of_up = !*wait;
	return other && !*wait ? supplied_by_up(n, o, by) : status;
}

int gt_content_renew(struct gt_node *n)
{
	gt_store_bind(n->store, GT_SQL_OBJECTS_UNNAME, "");
	int status = gt_store_run(n->store, GT_SQL_OBJECTS_UNNAME);
	GT_EACH_OBJECT(o, n->content)
		if (status == 0 && o->state < GT_OBJECT_COMPLETE)
			status = gt_transfer_rename(n, o);
	return status;
}

/* ---------------------------------------------------- parent's side */

static struct gt_served_set *served_by(struct gt_content *c, int64_t cid)
{
	return &c->served[(uint64_t)cid % c->links];
}

static struct gt_served *served(struct gt_content *c, int64_t cid,
                                const struct gt_transfer_id *transfer)
{
	struct gt_served_set *set = served_by(c, cid);
	for (unsigned i = 0; i < GT_SERVED_MAX; i++)
		if (set->v[i].cid == cid &&
		    gt_transfer_id_eq(&set->v[i].transfer, transfer))
			return &set->v[i];
	return NULL;
}

static struct gt_served *serve_anew(struct gt_content *c, int64_t cid,
                                    const struct gt_transfer_id *transfer)
{
	struct gt_served_set *set = served_by(c, cid);
	struct gt_served *s = &set->v[set->next++ % GT_SERVED_MAX];
	*s = (struct gt_served){.cid = cid, .transfer = *transfer};
	return s;
}

void gt_transfer_count(struct gt_node *n, struct gt_peer *p,
                       const struct gt_transfer_id *transfer, int frames,
                       int64_t bytes)
{
	int64_t cid = p->child.cid;
	struct gt_served *s = served(n->content, cid, transfer);
	if (!s && bytes > 0)
		s = serve_anew(n->content, cid, transfer);
	/* what did not go was counted before it failed, or is forgotten */
	if (s && (int64_t)s->bytes + bytes >= 0) {
		s->frames += (uint32_t)frames;
		s->bytes += (uint64_t)bytes;
	}
	p->child.frames_sent += (uint64_t)(int64_t)frames;
	p->child.bytes_sent += (uint64_t)bytes;
}

static int known(struct gt_node *n, const char *transfer, const char *peer,
                 bool *yes)
{
	gt_store_bind(n->store, GT_SQL_SERVE_KNOWN, "tt", transfer, peer);
	int row = gt_store_step(n->store, GT_SQL_SERVE_KNOWN);
	gt_store_reset(n->store, GT_SQL_SERVE_KNOWN);
	*yes = row == 1;
	return row < 0 ? row : 0;
}

/* In version 1 the row's bytes are what was counted here. In version 2 they are
 * the child's, so that both rows say the same, and the count stands beside. */
static int write_serve(struct gt_node *n, const struct gt_peer *p,
                       const char *transfer, const Gt__Done *m,
                       const struct gt_served *s)
{
	char object[GT_HEX_ID], detail[128];
	bool theirs = gt_version_hands_over(p->version);
	unsigned long long frames = s->frames, bytes = s->bytes;
	if (theirs)
		gt_format(detail, sizeof detail,
		          "protocol=%u frames=%u; sent %llu bytes in %llu "
		          "frames",
		          p->version, m->frames, bytes, frames);
	else
		gt_format(detail, sizeof detail,
		          "frames=%llu; child counts %llu bytes", frames,
		          (unsigned long long)m->bytes);
	gt_hex(object, m->object.data, GT_ID_BYTES);
	struct gt_audit row = {.event = "serve",
	                       .kind = "object",
	                       .subject = object,
	                       .peer = p->code,
	                       .bytes = theirs ? m->bytes : s->bytes,
	                       .transfer = transfer,
	                       .detail = detail};
	return gt_audit_row(n, &row);
}

/* Whether a row may be written now; *code, *retry_ms: why not. Each row is the
 * child's doing, and a rogue's would be without end: of what it was served it
 * may close as much as any child could fetch, of what this node knows nothing
 * of, as much as an honest one may have kept for it. */
static bool may_close(struct gt_node *n, const struct gt_peer *p, bool ours,
                      int *code, uint64_t *retry_ms)
{
	char whom[GT_CODE_MAX + 8];
	*code = -GT_ENOSPACE;
	*retry_ms = GT_SOON_MS;
	if (n->full)
		return false;
	*code = -GT_EBUDGET;
	gt_format(whom, sizeof whom, "%s:%s", ours ? "done" : "stray", p->code);
	*retry_ms = gt_share_take(n->shares, whom,
	                          ours ? GT_DONES_HOUR : GT_STRAYS_HOUR, 1,
	                          n->now.mono_ms);
	return *retry_ms == 0;
}

int gt_transfer_done(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Done *m)
{
	static const struct gt_served none;
	char transfer[GT_HEX_TRANSFER];
	bool again = false;
	int status = 0, code;
	uint64_t retry_ms;
	if (m->transfer.len != GT_TRANSFER_BYTES ||
	    m->object.len != GT_ID_BYTES || m->bytes > INT64_MAX)
		return gt_drop(n, p, "malformed Done");
	struct gt_transfer_id name = gt_transfer_of(m->transfer);
	struct gt_served *s = served(n->content, p->child.cid, &name);
	gt_transfer_id_hex(transfer, &name);
	if (gt_version_hands_over(p->version))
		status = known(n, transfer, p->code, &again);
	if (status == 0 && !again && !may_close(n, p, s, &code, &retry_ms))
		return gt_send_error(n, p, token, code, NULL, retry_ms);
	if (status == 0 && !again)
		status = write_serve(n, p, transfer, m, s ? s : &none);
	if (s)
		*s = none;
	return status ? status : gt_send_ok(n, p, token);
}

/* ----------------------------------------------------- child's side */

int gt_transfer_load(struct gt_node *n)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_HANDOVER_COUNT, "");
	int row = gt_store_step(n->store, GT_SQL_HANDOVER_COUNT);
	if (row == 1) {
		n->content->handovers.rows = gt_col_int(st, 0);
		n->content->handovers.last = gt_col_int(st, 1);
	}
	gt_store_reset(n->store, GT_SQL_HANDOVER_COUNT);
	return row < 0 ? row : 0;
}

static int forget(struct gt_node *n, int64_t hid)
{
	gt_store_bind(n->store, GT_SQL_HANDOVER_DELETE, "i", hid);
	int row = gt_store_step(n->store, GT_SQL_HANDOVER_DELETE);
	gt_store_reset(n->store, GT_SQL_HANDOVER_DELETE);
	n->content->handovers.rows -=
	        row == 1; /* it may have been given up meanwhile */
	return row < 0 ? row : 0;
}

/* A parent that never answers must not fill the disk. */
static int give_up_oldest(struct gt_node *n)
{
	char transfer[GT_HEX_TRANSFER] = "", object[GT_HEX_ID] = "";
	struct gt_transfer_id t;
	struct gt_id o;
	struct gt_audit row = {.event = "note",
	                       .kind = "object",
	                       .result = -GT_ELIMIT,
	                       .detail = "the parent never acknowledged this "
	                                 "transfer: it is not told any more"};
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_HANDOVER_OLDEST, "");
	int step = gt_store_step(n->store, GT_SQL_HANDOVER_OLDEST);
	int64_t hid = gt_col_int(st, 0);
	if (step == 1) {
		row.peer = gt_arena_str(n->arena, gt_col_text(st, 1));
		gt_col_fixed(st, 2, t.b, sizeof t.b);
		gt_col_fixed(st, 3, o.b, sizeof o.b);
		gt_transfer_id_hex(transfer, &t);
		gt_id_hex(object, &o);
		row.bytes = (uint64_t)gt_col_int(st, 4);
	}
	gt_store_reset(n->store, GT_SQL_HANDOVER_OLDEST);
	if (step != 1)
		return step;
	row.subject = object;
	row.transfer = transfer;
	int status = gt_audit_row(n, &row);
	return status ? status : forget(n, hid);
}

static int keep(struct gt_node *n, const struct gt_object *o, const char *by)
{
	int status = 0;
	if (n->content->handovers.rows >= GT_HANDOVERS_MAX)
		status = give_up_oldest(n);
	if (status != 0)
		return status;
	n->content->handovers.rows++;
	gt_store_bind(n->store, GT_SQL_HANDOVER_NEW, "itbbii",
	              ++n->content->handovers.last, by, name_of(&o->transfer),
	              gt_object_key(&o->id), (int64_t)o->received,
	              (int64_t)o->m->nframes);
	return gt_store_run(n->store, GT_SQL_HANDOVER_NEW);
}

struct ended {
	int64_t hid; /* 0: it is not kept */
	struct gt_transfer_id transfer;
	struct gt_id object;
	int64_t bytes, frames;
};

static int tell(struct gt_node *n, struct ended *e, bool *full)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Done d = GT__DONE__INIT;
	struct gt_asking a = {.what = GT_ASKED_DONE, .upto = (uint64_t)e->hid};
	d.transfer = (ProtobufCBinaryData){sizeof e->transfer.b, e->transfer.b};
	d.object = (ProtobufCBinaryData){sizeof e->object.b, e->object.b};
	d.bytes = (uint64_t)e->bytes;
	d.frames = (uint32_t)e->frames;
	r.body_case = GT__REQUEST__BODY_DONE;
	r.done = &d;
	return gt_ask(n, &r, &a, full);
}

/* Version 1: said once, on the link that there is. */
static int tell_once(struct gt_node *n, const struct gt_object *o)
{
	struct ended e = {.transfer = o->transfer,
	                  .object = o->id,
	                  .bytes = (int64_t)o->received,
	                  .frames = o->m->nframes};
	return tell(n, &e, &(bool){false});
}

int gt_transfer_finish(struct gt_node *n, struct gt_object *o)
{
	char hex[GT_HEX_ID], transfer[GT_HEX_TRANSFER],
	        detail[GT_RID_MAX + 100];
	char by[GT_CODE_MAX + 1];
	int status = gt_transfer_by(n, o, by);
	bool here = gt_up_ready(n) && strcmp(n->up->code, by) == 0;
	uint32_t version = here ? n->up->version : n->config.protocol_max;
	gt_id_hex(hex, &o->id);
	gt_transfer_id_hex(transfer, &o->transfer);
	gt_format(detail, sizeof detail,
	          "protocol=%u resource=%s frames=%u copied=%llu bytes",
	          version, o->resource, o->m->nframes,
	          (unsigned long long)o->copied);
	struct gt_audit row = {.event = "fetch",
	                       .kind = "object",
	                       .subject = hex,
	                       .peer = by,
	                       .bytes = o->received,
	                       .transfer = transfer,
	                       .detail = detail};
	if (status == 0)
		status = gt_audit_row(n, &row);
	if (status != 0 || n->parent[0] == '\0')
		return status;
	if (gt_version_hands_over(version))
		return keep(n, o, by);
	return here ? tell_once(n, o) : 0;
}

static int read_kept(struct gt_node *n, struct ended *v, int64_t most,
                     size_t *count)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_HANDOVERS_AFTER, "iti",
	                      n->content->handovers.told, n->up->code, most);
	int row;
	*count = 0;
	while ((row = gt_store_step(n->store, GT_SQL_HANDOVERS_AFTER)) == 1) {
		struct ended *e = &v[(*count)++];
		e->hid = gt_col_int(st, 0);
		gt_col_fixed(st, 1, e->transfer.b, sizeof e->transfer.b);
		gt_col_fixed(st, 2, e->object.b, sizeof e->object.b);
		e->bytes = gt_col_int(st, 3);
		e->frames = gt_col_int(st, 4);
	}
	gt_store_reset(n->store, GT_SQL_HANDOVERS_AFTER);
	return row;
}

/* Whoever put one off has taken none since: all that is kept is told again. */
static bool may_tell(struct gt_node *n)
{
	struct gt_handovers *h = &n->content->handovers;
	if (!h->again_ms)
		return true;
	if (n->now.mono_ms < h->again_ms)
		return false;
	h->again_ms = 0;
	h->told = 0;
	return true;
}

int gt_transfer_go(struct gt_node *n)
{
	struct ended v[GT_HANDOVER_WINDOW];
	size_t count;
	bool full = false;
	if (!may_tell(n))
		return 0;
	if (n->content->handovers.told == n->content->handovers.last ||
	    !gt_up_ready(n) || !gt_version_hands_over(n->up->version) ||
	    n->content->handovers.asked >= GT_HANDOVER_WINDOW)
		return 0;
	int64_t most =
	        GT_HANDOVER_WINDOW - (int64_t)n->content->handovers.asked;
	int status = read_kept(n, v, most, &count);
	if (status == 0 && (int64_t)count < most)
		n->content->handovers.told =
		        n->content->handovers.last; /* none is left out */
	for (size_t i = 0; status == 0 && !full && i < count; i++) {
		status = tell(n, &v[i], &full);
		if (full)
			n->content->handovers.told = v[i].hid - 1;
		else if (n->content->handovers.told < v[i].hid)
			n->content->handovers.told = v[i].hid;
		n->content->handovers.asked += !full;
	}
	return status;
}

/* A Done that is kept has its answer; version 1 keeps none. */
static bool answered(struct gt_node *n, const struct gt_asking *a)
{
	if (a->upto == 0)
		return false;
	assert(n->content->handovers.asked > 0);
	n->content->handovers.asked--;
	return true;
}

int gt_transfer_told(struct gt_node *n, const struct gt_asking *a)
{
	return answered(n, a) ? forget(n, (int64_t)a->upto) : 0;
}

int gt_transfer_put_off(struct gt_node *n, const struct gt_asking *a,
                        uint64_t retry_ms)
{
	if (!answered(n, a) || retry_ms == 0)
		return 0;
	if (retry_ms < GT_SOON_MS)
		retry_ms = GT_SOON_MS;
	if (retry_ms > AGAIN_MAX_MS)
		retry_ms = AGAIN_MAX_MS;
	n->content->handovers.again_ms = n->now.mono_ms + retry_ms;
	return 0;
}
