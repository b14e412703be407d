/* transfer.c: a fetch from its name to its row in both ends' audit.
 *
 * The child draws the name and closes the transfer with Done. From version 2 on
 * what it says there is kept until the parent has answered, and written down by
 * the parent once: its own rows tell it what it knows already. */
#include <string.h>

#include "schema.h"
#include "turn.h"

static struct gt_bytes name_of(const uint8_t transfer[16])
{
	return gt_bytes_of(transfer, 16);
}

/* --------------------------------------------------------- the name */

int gt_transfer_rename(struct gt_node *n, struct gt_object *o)
{
	gt_draw(n, o->transfer, sizeof o->transfer);
	o->received = 0;
	gt_store_bind(n->store, GT_SQL_OBJECT_TRANSFER, "bb",
	              gt_bytes_of(o->id.b, GT_ID_BYTES), name_of(o->transfer));
	return gt_store_run(n->store, GT_SQL_OBJECT_TRANSFER);
}

int gt_transfer_renew(struct gt_node *n)
{
	gt_store_bind(n->store, GT_SQL_OBJECTS_UNNAME, "");
	int status = gt_store_run(n->store, GT_SQL_OBJECTS_UNNAME);
	for (size_t i = 0; status == 0 && i < GT_OBJECTS_OPEN; i++) {
		struct gt_object *o = &n->objects[i];
		if (o->used && o->state < GT_OBJECT_COMPLETE)
			status = gt_transfer_rename(n, o);
	}
	return status;
}

/* ---------------------------------------------------- parent's side */

static struct gt_served *served(struct gt_node *n, const struct gt_peer *p,
                                const uint8_t transfer[16])
{
	struct gt_served *set = n->served[(uint64_t)p->cid % GT_PEERS_MAX];
	for (unsigned i = 0; i < GT_SERVED_MAX; i++)
		if (set[i].cid == p->cid &&
		    memcmp(set[i].transfer, transfer, 16) == 0)
			return &set[i];
	return NULL;
}

static struct gt_served *serve_anew(struct gt_node *n, const struct gt_peer *p,
                                    const uint8_t transfer[16])
{
	size_t at = (uint64_t)p->cid % GT_PEERS_MAX;
	unsigned next = n->next_served[at]++ % GT_SERVED_MAX;
	struct gt_served *s = &n->served[at][next];
	*s = (struct gt_served){.cid = p->cid};
	memcpy(s->transfer, transfer, 16);
	return s;
}

void gt_transfer_count(struct gt_node *n, struct gt_peer *p,
                       const uint8_t transfer[16], int frames, int64_t bytes)
{
	struct gt_served *s = served(n, p, transfer);
	if (!s && bytes > 0)
		s = serve_anew(n, p, transfer);
	/* what did not go was counted before it failed, or is forgotten */
	if (s && (int64_t)s->bytes + bytes >= 0) {
		s->frames += (uint32_t)frames;
		s->bytes += (uint64_t)bytes;
	}
	p->frames_sent += (uint64_t)(int64_t)frames;
	p->bytes_sent += (uint64_t)bytes;
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
	char object[65], detail[128];
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

int gt_transfer_done(struct gt_node *n, struct gt_peer *p, uint64_t token,
                     const Gt__Done *m)
{
	static const struct gt_served none;
	char transfer[33];
	bool again = false;
	int status = 0;
	if (m->transfer.len != 16 || m->object.len != GT_ID_BYTES ||
	    m->bytes > INT64_MAX)
		return gt_drop(n, p, "malformed Done");
	struct gt_served *s = served(n, p, m->transfer.data);
	gt_hex(transfer, m->transfer.data, 16);
	if (gt_version_hands_over(p->version))
		status = known(n, transfer, p->code, &again);
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
		n->handovers = gt_col_int(st, 0);
		n->handover_last = gt_col_int(st, 1);
	}
	gt_store_reset(n->store, GT_SQL_HANDOVER_COUNT);
	return row < 0 ? row : 0;
}

void gt_transfer_reset(struct gt_node *n)
{
	n->handover_told = 0;
	n->handover_asked = 0;
}

static int forget(struct gt_node *n, int64_t hid)
{
	gt_store_bind(n->store, GT_SQL_HANDOVER_DELETE, "i", hid);
	int row = gt_store_step(n->store, GT_SQL_HANDOVER_DELETE);
	gt_store_reset(n->store, GT_SQL_HANDOVER_DELETE);
	n->handovers -= row == 1; /* it may have been given up meanwhile */
	return row < 0 ? row : 0;
}

/* A parent that never answers must not fill the disk. */
static int give_up_oldest(struct gt_node *n)
{
	char transfer[33] = "", object[65] = "";
	uint8_t t[16], o[GT_ID_BYTES];
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
		gt_col_fixed(st, 2, t, sizeof t);
		gt_col_fixed(st, 3, o, sizeof o);
		gt_hex(transfer, t, sizeof t);
		gt_hex(object, o, sizeof o);
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

static int keep(struct gt_node *n, const struct gt_object *o)
{
	int status = 0;
	if (n->handovers >= GT_HANDOVERS_MAX)
		status = give_up_oldest(n);
	if (status != 0)
		return status;
	n->handovers++;
	gt_store_bind(n->store, GT_SQL_HANDOVER_NEW, "itbbii",
	              ++n->handover_last, n->parent, name_of(o->transfer),
	              gt_bytes_of(o->id.b, GT_ID_BYTES), (int64_t)o->received,
	              (int64_t)o->m->nframes);
	return gt_store_run(n->store, GT_SQL_HANDOVER_NEW);
}

static bool linked(const struct gt_node *n)
{
	return n->up && n->up->session == GT_S_READY;
}

struct ended {
	int64_t hid; /* 0: it is not kept */
	uint8_t transfer[16], object[GT_ID_BYTES];
	int64_t bytes, frames;
};

static int tell(struct gt_node *n, struct ended *e, bool *full)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Done d = GT__DONE__INIT;
	struct gt_asking a = {.what = GT_ASKED_DONE, .upto = (uint64_t)e->hid};
	d.transfer = (ProtobufCBinaryData){sizeof e->transfer, e->transfer};
	d.object = (ProtobufCBinaryData){GT_ID_BYTES, e->object};
	d.bytes = (uint64_t)e->bytes;
	d.frames = (uint32_t)e->frames;
	r.body_case = GT__REQUEST__BODY_DONE;
	r.done = &d;
	return gt_ask(n, &r, &a, full);
}

/* Version 1: said once, and lost with the link. */
static int tell_once(struct gt_node *n, const struct gt_object *o)
{
	struct ended e = {.bytes = (int64_t)o->received,
	                  .frames = o->m->nframes};
	if (!linked(n))
		return 0;
	memcpy(e.transfer, o->transfer, sizeof e.transfer);
	memcpy(e.object, o->id.b, GT_ID_BYTES);
	return tell(n, &e, &(bool){false});
}

int gt_transfer_finish(struct gt_node *n, struct gt_object *o)
{
	char hex[65], transfer[33], detail[GT_RID_MAX + 100];
	uint32_t version = linked(n) ? n->up->version : n->config.protocol_max;
	gt_hex(hex, o->id.b, GT_ID_BYTES);
	gt_hex(transfer, o->transfer, sizeof o->transfer);
	gt_format(detail, sizeof detail,
	          "protocol=%u resource=%s frames=%u copied=%llu bytes",
	          version, o->resource, o->m->nframes,
	          (unsigned long long)o->copied);
	struct gt_audit row = {.event = "fetch",
	                       .kind = "object",
	                       .subject = hex,
	                       .peer = n->parent,
	                       .bytes = o->received,
	                       .transfer = transfer,
	                       .detail = detail};
	int status = gt_audit_row(n, &row);
	if (status != 0 || n->parent[0] == '\0')
		return status;
	return gt_version_hands_over(version) ? keep(n, o) : tell_once(n, o);
}

static int read_kept(struct gt_node *n, struct ended *v, int64_t most,
                     size_t *count)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_HANDOVERS_AFTER, "iti",
	                      n->handover_told, n->parent, most);
	int row;
	*count = 0;
	while ((row = gt_store_step(n->store, GT_SQL_HANDOVERS_AFTER)) == 1) {
		struct ended *e = &v[(*count)++];
		e->hid = gt_col_int(st, 0);
		gt_col_fixed(st, 1, e->transfer, sizeof e->transfer);
		gt_col_fixed(st, 2, e->object, sizeof e->object);
		e->bytes = gt_col_int(st, 3);
		e->frames = gt_col_int(st, 4);
	}
	gt_store_reset(n->store, GT_SQL_HANDOVERS_AFTER);
	return row;
}

int gt_transfer_go(struct gt_node *n)
{
	struct ended v[GT_HANDOVER_WINDOW];
	size_t count;
	bool full = false;
	if (n->handover_told == n->handover_last || !linked(n) ||
	    !gt_version_hands_over(n->up->version) ||
	    n->handover_asked >= GT_HANDOVER_WINDOW)
		return 0;
	int64_t most = GT_HANDOVER_WINDOW - (int64_t)n->handover_asked;
	int status = read_kept(n, v, most, &count);
	if (status == 0 && (int64_t)count < most)
		n->handover_told = n->handover_last; /* none is left out */
	for (size_t i = 0; status == 0 && !full && i < count; i++) {
		status = tell(n, &v[i], &full);
		if (full)
			n->handover_told = v[i].hid - 1;
		else if (n->handover_told < v[i].hid)
			n->handover_told = v[i].hid;
		n->handover_asked += !full;
	}
	return status;
}

int gt_transfer_told(struct gt_node *n, const struct gt_asking *a, bool ok)
{
	if (a->upto == 0)
		return 0;
	n->handover_asked--;
	return ok ? forget(n, (int64_t)a->upto) : 0;
}
