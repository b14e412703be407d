/* blob.c: the daemon's rules for object files, on a simulated disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "flood.h"
#include "object.h"
#include "schema.h"
#include "store.h"
#include "whisper.h"

static void object_name(char out[DISK_NAME], const struct gt_id *id)
{
	memcpy(out, "o/", 2);
	gt_hex(out + 2, id->b, GT_ID_BYTES);
}

static uint64_t delay(struct world *w, const struct sim_node *s)
{
	uint64_t ms = prng_below(&w->disks, 30);
	if (w->now < s->slow_until && sim_may(w, FAULT_SLOW))
		ms += prng_below(sim_draws(w, FAULT_SLOW), 5000);
	return ms;
}

static void done(struct world *w, struct sim_node *s, const struct gt_action *a,
                 enum gt_event_type type, int status, const char *why)
{
	struct happening *h =
	        sim_plan(w, w->now + delay(w, s), BLOB_DONE, s->index);
	h->incarnation = s->incarnation;
	h->event = (struct gt_event){.type = type,
	                             .frame = a->frame,
	                             .object = a->object,
	                             .status = status};
	gt_copy(h->why, sizeof h->why, why);
	h->event.body = gt_bytes_str(h->why);
}

static void fault(struct world *w, struct sim_node *s,
                  const struct gt_action *a, int status)
{
	struct happening *h =
	        sim_plan(w, w->now + delay(w, s), BLOB_DONE, s->index);
	h->incarnation = s->incarnation;
	h->event = (struct gt_event){.type = GT_EV_FAULT,
	                             .peer = a->peer,
	                             .token = a->token,
	                             .frame = a->frame,
	                             .object = a->object,
	                             .status = status};
	h->event.transfer = a->transfer;
}

static int put(struct sim_node *s, const struct gt_action *a, const void *p,
               bool hashed)
{
	char name[DISK_NAME];
	struct gt_id id;
	if (hashed) {
		gt_sha256_one(&id, p, a->n);
		if (!gt_id_eq(&id, &a->id))
			return -GT_EDAMAGED;
	}
	object_name(name, &a->object);
	struct disk_file *f = disk_open(&s->disk, name, true);
	return f ? disk_write(&s->disk, f, a->offset, p, a->n) : -GT_EIO;
}

static int place_copy(struct sim_node *s, const struct gt_action *a)
{
	char name[DISK_NAME];
	object_name(name, &a->from);
	struct disk_file *f = disk_open(&s->disk, name, false);
	uint8_t *p = sim_must(malloc(a->n));
	int status =
	        f ? disk_read(&s->disk, f, a->from_offset, p, a->n) : -GT_EIO;
	if (status == 0)
		status = put(s, a, p, true);
	free(p);
	return status == -GT_EIO && !s->disk.dead ? -GT_EDAMAGED : status;
}

static int sync_object(struct sim_node *s, const struct gt_action *a)
{
	char name[DISK_NAME];
	object_name(name, &a->object);
	struct disk_file *f = disk_open(&s->disk, name, false);
	if (f && disk_gone(f) && !s->disk.dead)
		return -GT_EUNKNOWN;
	int status = f && !s->broken ? disk_sync(&s->disk, f) : -GT_EIO;
	if (status == 0)
		status = disk_sync_names(&s->disk, "o/");
	s->broken = s->broken || status == -GT_EIO;
	return status;
}

struct reading {
	struct disk *disk;
	struct disk_file *file;
};

static int read_object(void *arg, uint64_t at, uint8_t *out, size_t n)
{
	struct reading *r = arg;
	return disk_read(r->disk, r->file, at, out, n);
}

static int check_file(struct sim_node *s, const char *name,
                      struct gt_bytes manifest, bool all, char why[200])
{
	struct gt_manifest *m;
	struct reading r = {&s->disk, disk_open(&s->disk, name, false)};
	why[0] = '\0';
	if (!r.file)
		return -GT_EIO;
	if (disk_gone(r.file) && !s->disk.dead)
		return -GT_EDAMAGED;
	int status = gt_manifest_new(&m, manifest, why, 200);
	if (status == 0) {
		status = gt_object_check(m, all, read_object, &r, why, 200);
		gt_manifest_free(m);
	}
	return status;
}

static int adopt(struct sim_node *s, const struct gt_action *a, char why[200])
{
	char name[DISK_NAME];
	int status = check_file(s, a->text, a->payload, true, why);
	if (status != 0)
		return status;
	object_name(name, &a->object);
	status = disk_sync(&s->disk, disk_open(&s->disk, a->text, false));
	if (status != 0)
		(void)disk_remove(&s->disk, a->text);
	if (status == 0)
		status = s->broken ? -GT_ESTORE
		                   : disk_rename(&s->disk, a->text, name);
	if (status == 0 && disk_sync_names(&s->disk, "o/") != 0) {
		s->broken = true;
		status = -GT_ESTORE;
	}
	return status;
}

/* Bytes are served as they lie there, unless asked to check: whoever receives
 * them checks, and asks again. */
static void serve(struct world *w, struct sim_node *s,
                  const struct gt_action *a)
{
	char name[DISK_NAME];
	struct gt_id id;
	object_name(name, &a->object);
	struct disk_file *f = disk_open(&s->disk, name, false);
	uint8_t *p = sim_must(malloc(a->n));
	int status = f ? disk_read(&s->disk, f, a->offset, p, a->n) : -GT_EIO;
	/* of a sync that found no room the node hears later */
	bool excused = f && (disk_dropped(f) || disk_rotten(f));
	if (status != 0 && !s->disk.dead && !excused)
		world_fail(w, "present",
		           "%s was to serve a frame that is not on its disk",
		           s->code);
	gt_sha256_one(&id, p, status ? 0 : a->n);
	bool good = status == 0 && gt_id_eq(&id, &a->id);
	if (status == 0 && !good && !excused)
		world_fail(w, "served", "%s served a damaged frame", s->code);
	if (status == 0 && (good || !a->check))
		net_post(w, s, a->peer, a->token,
		         net_message(a->head, p, a->n));
	else if (!s->disk.dead)
		fault(w, s, a, disk_gone(f) ? -GT_EUNKNOWN : -GT_EDAMAGED);
	free(p);
}

static void remove_object(struct sim_node *s, const struct gt_id *id)
{
	char name[DISK_NAME];
	object_name(name, id);
	(void)disk_remove(&s->disk, name);
}

void blob_perform(struct world *w, struct sim_node *s,
                  const struct gt_action *a)
{
	char why[200] = "";
	int status;
	sim_trace(w, s->index, 100 + (uint64_t)a->type, a->token + a->frame);
	switch (a->type) {
	case GT_ACT_SEND:
		whisper_said(w, s, a->peer, a->head);
		net_post(w, s, a->peer, a->token,
		         net_message(a->head, a->payload.p, a->payload.n));
		break;
	case GT_ACT_SERVE:
		check_given(w, s, net_child(w, s, a->peer), &a->object);
		serve(w, s, a);
		break;
	case GT_ACT_DROP:
		net_drop(w, s, a->peer);
		break;
	case GT_ACT_DIAL_ABOVE:
		s->asks_above = true;
		break;
	case GT_ACT_PLACE:
		done(w, s, a, GT_EV_PLACED, put(s, a, a->payload.p, true), "");
		break;
	case GT_ACT_TAIL:
		done(w, s, a, GT_EV_PLACED, put(s, a, a->payload.p, false), "");
		break;
	case GT_ACT_COPY:
		done(w, s, a, GT_EV_PLACED, place_copy(s, a), "");
		break;
	case GT_ACT_SYNC:
		done(w, s, a, GT_EV_SYNCED, sync_object(s, a), "");
		break;
	case GT_ACT_CHECK: {
		char name[DISK_NAME];
		object_name(name, &a->object);
		status = check_file(s, name, a->payload, false, why);
		done(w, s, a, GT_EV_CHECKED, status, why);
		break;
	}
	case GT_ACT_ADOPT:
		status = adopt(s, a, why);
		done(w, s, a, GT_EV_ADOPTED, status, why);
		break;
	case GT_ACT_REMOVE:
		bound_removed(w, s, &a->object);
		remove_object(s, &a->object);
		break;
	case GT_ACT_REPLY:
		work_replied(w, s->index, a);
		break;
	case GT_ACT_LOG:
		if (w->verbose)
			printf("%10llu %-12s %s\n", (unsigned long long)w->now,
			       s->code, a->text);
		break;
	default:
		world_fail(w, "action", "unknown action %d", (int)a->type);
	}
}

/* ---------------------------------------------- reading and rotting */

/* The manifest of a complete object, from the node's own row. */
static struct gt_manifest *manifest_of(struct sim_node *s,
                                       const struct gt_id *id)
{
	struct gt_manifest *m = NULL;
	char why[200];
	sqlite3_stmt *st =
	        ask(s, "SELECT manifest FROM object WHERE id=?1 AND state=4");
	sqlite3_bind_blob(st, 1, id->b, GT_ID_BYTES, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW) {
		struct gt_bytes b =
		        gt_bytes_of(sqlite3_column_blob(st, 0),
		                    (size_t)sqlite3_column_bytes(st, 0));
		if (gt_manifest_new(&m, b, why, sizeof why) != 0)
			m = NULL;
	}
	ask_end(st);
	return m;
}

static bool frame_good(struct sim_node *s, const struct gt_manifest *m,
                       struct disk_file *f, uint32_t i)
{
	uint8_t *p = sim_must(malloc(m->stored[i]));
	struct gt_id id;
	bool good =
	        disk_read(&s->disk, f, m->stored_at[i], p, m->stored[i]) == 0;
	if (good) {
		gt_sha256_one(&id, p, m->stored[i]);
		good = memcmp(id.b, m->ids + (size_t)i * GT_ID_BYTES,
		              GT_ID_BYTES) == 0;
	}
	free(p);
	return good;
}

/* Somebody found no file. */
static void lost(struct world *w, struct sim_node *s, const struct gt_id *id)
{
	struct gt_event e = {.type = GT_EV_LOST,
	                     .body = gt_bytes_of(id->b, GT_ID_BYTES),
	                     .detail = "the file is gone"};
	sim_turn(w, s, &e);
}

int world_read(struct world *w, unsigned node, const struct gt_id *object)
{
	struct sim_node *s = &w->nodes[node];
	struct gt_manifest *m = s->core ? manifest_of(s, object) : NULL;
	char name[DISK_NAME];
	object_name(name, object);
	struct disk_file *f = disk_open(&s->disk, name, false);
	int result = m ? 0 : -1;
	for (uint32_t i = 0; m && result == 0 && i < m->nframes; i++) {
		if (f && frame_good(s, m, f, i))
			continue;
		if (!f || !disk_rotten(f))
			world_fail(w, "present",
			           "%s: a complete object is not on its disk",
			           s->code);
		struct gt_event e = {.type = GT_EV_FAULT,
		                     .object = *object,
		                     .frame = i,
		                     .status = -GT_EDAMAGED};
		if (disk_gone(f))
			lost(w, s, object);
		else
			sim_turn(w, s, &e);
		result = 1;
	}
	gt_manifest_free(m);
	return result;
}

/* Any of the objects here of which something counts (state: at least that), but
 * what rots or goes at its publisher: that nobody can bring back, and is what
 * backups are for. NULL: there is none. */
static struct disk_file *any_object(struct sim_node *s, struct prng *p,
                                    int state, uint64_t *size)
{
	static const char sql[] =
	        "SELECT id,size FROM object o WHERE state BETWEEN ?1 AND 4 AND "
	        "frames>0 AND NOT"
	        " EXISTS(SELECT 1 FROM item i WHERE i.own=1 AND"
	        " (i.object=o.id OR i.prior=o.id)) ORDER BY id";
	sqlite3_stmt *st = ask(s, sql);
	struct gt_id id = {0};
	uint64_t seen = 0;
	sqlite3_bind_int(st, 1, state);
	while (sqlite3_step(st) == SQLITE_ROW)
		if (prng_below(p, ++seen) == 0) {
			gt_col_fixed(st, 0, id.b, GT_ID_BYTES);
			*size = (uint64_t)sqlite3_column_int64(st, 1);
		}
	ask_end(st);
	char name[DISK_NAME];
	object_name(name, &id);
	return seen ? disk_open(&s->disk, name, false) : NULL;
}

void blob_rot(struct world *w, struct sim_node *s)
{
	struct prng *p = sim_draws(w, FAULT_ROT);
	uint64_t size = 0;
	struct disk_file *f = any_object(s, p, GT_OBJECT_COMPLETE, &size);
	if (!f || size < 16)
		return;
	/* The first half: the seek table at the end is made anew by hand. */
	disk_rot(f, prng_below(p, size / 2));
	w->struck[FAULT_BIT_ROT]++;
}

void blob_lose(struct world *w, struct sim_node *s)
{
	uint64_t size;
	struct disk_file *f = any_object(s, sim_draws(w, FAULT_LOSE),
	                                 GT_OBJECT_PARTIAL, &size);
	if (!f)
		return;
	disk_lose(&s->disk, f);
	w->struck[FAULT_BIT_LOSE]++;
}

void blob_look(struct world *w, struct sim_node *s)
{
	enum { MANY = 64 };
	static const char sql[] =
	        "SELECT id FROM object WHERE state=4 OR (state IN(2,3) AND "
	        "present>0) ORDER BY oid";
	struct gt_id gone[MANY];
	char name[DISK_NAME];
	size_t n = 0;
	sqlite3_stmt *st = ask(s, sql);
	while (n < MANY && sqlite3_step(st) == SQLITE_ROW) {
		gt_col_fixed(st, 0, gone[n].b, GT_ID_BYTES);
		object_name(name, &gone[n]);
		struct disk_file *f = disk_open(&s->disk, name, false);
		n += f && disk_gone(f);
	}
	ask_end(st);
	for (size_t i = 0; i < n && s->core; i++)
		lost(w, s, &gone[i]);
}

static bool given_up(const struct sim_node *s, const char *hex,
                     const struct gt_id *id)
{
	return ask_one(s,
	               "SELECT CASE (SELECT CASE WHEN state<4 AND present=0 AND"
	               " NOT EXISTS(SELECT 1 FROM item WHERE own=1 AND"
	               " object=?2) THEN 5 ELSE state END"
	               " FROM object WHERE id=?2)"
	               " WHEN 5 THEN 1 ELSE NOT EXISTS"
	               "(SELECT 1 FROM object WHERE id=?2) AND EXISTS"
	               "(SELECT 1 FROM audit WHERE subject=?1 AND"
	               " kind='object' AND event IN('remove','adopt')) END",
	               hex, id->b, GT_ID_BYTES) == 1;
}

void blob_sweep(struct sim_node *s)
{
	const struct disk_file *at = NULL;
	struct gt_id id;
	for (const char *name; (name = disk_next(&s->disk, &at));)
		if (strncmp(name, "o/", 2) == 0 &&
		    gt_unhex(id.b, GT_ID_BYTES, name + 2) &&
		    given_up(s, name + 2, &id))
			(void)disk_remove(&s->disk, name);
}

/* After a start: what the database calls present must be on the disk. */
static bool verify(struct sim_node *s, sqlite3_stmt *st)
{
	struct gt_manifest *m;
	char name[DISK_NAME], why[200];
	struct gt_id id;
	gt_col_fixed(st, 0, id.b, GT_ID_BYTES);
	bool all = sqlite3_column_int(st, 1) == GT_OBJECT_COMPLETE, good = true;
	struct gt_bytes have = gt_col_bytes(st, 3);
	if (gt_manifest_new(&m, gt_col_bytes(st, 2), why, sizeof why) != 0)
		return false;
	object_name(name, &id);
	struct disk_file *f = disk_open(&s->disk, name, false);
	for (uint32_t i = 0; good && i < m->nframes; i++)
		if (all || (have.n > i / 8 && have.p[i / 8] >> i % 8 & 1))
			good = f && (disk_rotten(f) || frame_good(s, m, f, i));
	gt_manifest_free(m);
	return good;
}

void blob_verify(struct world *w, struct sim_node *s)
{
	static const char sql[] = "SELECT id,state,manifest,have FROM object"
	                          " WHERE state IN(2,3,4) ORDER BY id";
	sqlite3_stmt *st = ask(s, sql);
	bool good = true;
	while (good && sqlite3_step(st) == SQLITE_ROW)
		good = verify(s, st);
	ask_end(st);
	if (!good)
		world_fail(w, "present",
		           "%s starts with a frame called present that is not "
		           "on its disk",
		           s->code);
}
