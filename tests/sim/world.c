/* world.c: the loop, the network, the blob layer. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "object.h"
#include "vfs.h"

enum kind {
	DELIVER,
	TIMER,
	BLOB_DONE,
	LINK_TRY,
	LINK_CUT,
	POWER_CUT,
	POWER_ON,
	TICK,
	DISK_CLEAR,
};

/* A message, counted: the network, an event and a blob action may hold it. */
struct gt_bulk {
	unsigned refs;
	size_t nhead, npayload;
	uint8_t bytes[];
};

struct happening {
	uint64_t at, seq;
	enum kind kind;
	unsigned node;
	uint64_t incarnation; /* of the node it is for; TICK and LINK_*: 0 */
	uint32_t peer;
	struct gt_event event; /* BLOB_DONE, DELIVER */
	char why[200];
	struct gt_bulk *bulk;
};

struct heap {
	struct happening **v;
	size_t n, cap;
};

static void *must(void *p)
{
	if (!p) {
		fputs("simulate: out of memory\n", stderr);
		exit(2);
	}
	return p;
}

/* --------------------------------------------------------------------- heap */

static bool sooner(const struct happening *a, const struct happening *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static struct happening *plan(struct world *w, uint64_t at, enum kind kind,
                              unsigned node)
{
	struct heap *h = w->heap;
	struct happening *e = must(calloc(1, sizeof *e));
	e->at = at < w->now ? w->now : at;
	e->seq = ++w->sequence;
	e->kind = kind;
	e->node = node;
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 1024;
		h->v = must(realloc(h->v, h->cap * sizeof(struct happening *)));
	}
	size_t i = h->n++;
	for (; i > 0 && sooner(e, h->v[(i - 1) / 2]); i = (i - 1) / 2)
		h->v[i] = h->v[(i - 1) / 2];
	h->v[i] = e;
	return e;
}

static struct happening *pop(struct heap *h)
{
	struct happening *top = h->v[0], *last = h->v[--h->n];
	size_t i = 0;
	for (;;) {
		size_t c = 2 * i + 1;
		if (c >= h->n)
			break;
		if (c + 1 < h->n && sooner(h->v[c + 1], h->v[c]))
			c++;
		if (!sooner(h->v[c], last))
			break;
		h->v[i] = h->v[c];
		i = c;
	}
	if (h->n > 0)
		h->v[i] = last;
	return top;
}

static void unref(struct gt_bulk *b)
{
	if (b && --b->refs == 0)
		free(b);
}

static void discard(struct happening *e)
{
	unref(e->bulk);
	free(e);
}

/* -------------------------------------------------------------------- trace */

static void trace(struct world *w, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t parts[4] = {w->now, a, b, c};
	for (unsigned i = 0; i < 4; i++) {
		w->trace ^= parts[i];
		w->trace *= 0x100000001b3u;
	}
}

void world_fail(struct world *w, const char *invariant, const char *fmt, ...)
{
	va_list ap;
	char text[400];
	if (w->failure[0])
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	snprintf(w->failure, sizeof w->failure, "%s: %s", invariant, text);
}

int64_t world_wall(const struct world *w, unsigned node)
{
	return 1767225600000 + (int64_t)w->now + w->nodes[node].clock_off;
}

/* -------------------------------------------------------------------- turns */

static void perform(struct world *w, struct sim_node *s,
                    const struct gt_action *a);
static void power_cut(struct world *w, struct sim_node *s);

static void watch_deadline(struct world *w, struct sim_node *s)
{
	uint64_t at = gt_node_deadline(s->core);
	if (at == UINT64_MAX || (s->deadline > w->now && s->deadline <= at))
		return;
	if (at <= w->now)
		at = w->now + 1;
	s->deadline = at;
	plan(w, at, TIMER, s->index)->incarnation = s->incarnation;
}

static void turn(struct world *w, struct sim_node *s, const struct gt_event *e)
{
	struct gt_actions actions;
	struct gt_now now = {w->now, world_wall(w, s->index)};
	size_t taken;
	uint64_t incarnation = s->incarnation;
	w->events++;
	trace(w, s->index, (uint64_t)e->type, e->token);
	int status = gt_node_turn(s->core, now, e, 1, &taken, &actions);
	if (status != 0) {
		/* Only a disk that fails may stop a node. */
		if (!s->disk.dead && !s->disk.limit)
			world_fail(w, "turn", "node %s stopped: %s", s->code,
			           gt_node_why(s->core));
		power_cut(w, s);
		return;
	}
	for (size_t i = 0;
	     i < actions.n && s->incarnation == incarnation && !s->disk.dead;
	     i++)
		perform(w, s, &actions.v[i]);
	if (s->disk.dead && s->incarnation == incarnation) {
		power_cut(w, s);
		return;
	}
	watch_deadline(w, s);
	check_node(w, s->index);
}

bool world_command(struct world *w, unsigned node, struct gt_event *e)
{
	struct sim_node *s = &w->nodes[node];
	if (!s->core)
		return false;
	turn(w, s, e);
	return true;
}

/* ------------------------------------------------------------------ network */

static struct sim_node *far_end(struct world *w, const struct sim_node *s,
                                uint32_t peer, uint32_t *far)
{
	if (peer == s->uplink) {
		*far = s->uplink_far;
		return &w->nodes[s->parent];
	}
	for (unsigned i = 0; i < w->count; i++) {
		struct sim_node *c = &w->nodes[i];
		if (c->parent == (int)s->index && c->uplink_far == peer &&
		    c->uplink) {
			*far = c->uplink;
			return c;
		}
	}
	return NULL;
}

static uint64_t arrival(struct world *w, struct sim_node *child, bool up)
{
	uint64_t at = w->now + 1 + prng_below(&w->net, 40);
	bool rough = !w->calm && (w->faults & FAULT_REORDER);
	if (!rough && at < child->order[up])
		at = child->order[up];
	child->order[up] = at;
	return at;
}

static void post(struct world *w, struct sim_node *from, uint32_t peer,
                 uint64_t token, struct gt_bulk *m)
{
	uint32_t far;
	struct sim_node *to = far_end(w, from, peer, &far);
	unsigned copies = 1;
	if (to && !w->calm && (w->faults & FAULT_LOSS) &&
	    prng_once_in(&w->net, 400)) {
		copies = 0;
		w->lost++;
	}
	if (to && !w->calm && (w->faults & FAULT_DUPLICATE) &&
	    prng_once_in(&w->net, 100)) {
		copies = 2;
		w->doubled++;
	}
	if (!to)
		copies = 0;
	bool up = to && from->parent == (int)to->index;
	for (; copies > 0; copies--) {
		struct happening *e = plan(w, arrival(w, up ? from : to, up),
		                           DELIVER, to->index);
		e->incarnation = to->incarnation;
		e->peer = far;
		e->event.token = token;
		e->bulk = m;
		m->refs++;
	}
	unref(m);
}

static struct gt_bulk *message(struct gt_bytes head, const void *p, size_t n)
{
	struct gt_bulk *m = must(malloc(sizeof *m + head.n + n));
	*m = (struct gt_bulk){.refs = 1, .nhead = head.n, .npayload = n};
	memcpy(m->bytes, head.p, head.n);
	if (n > 0)
		memcpy(m->bytes + head.n, p, n);
	return m;
}

static void deliver(struct world *w, struct sim_node *s, struct happening *h)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = h->peer,
	                     .token = h->event.token,
	                     .bulk = h->bulk};
	uint32_t far;
	if (!far_end(w, s, h->peer, &far))
		return; /* that link is gone */
	e.body = gt_bytes_of(h->bulk->bytes, h->bulk->nhead);
	e.payload =
	        gt_bytes_of(h->bulk->bytes + h->bulk->nhead, h->bulk->npayload);
	w->messages++;
	turn(w, s, &e);
}

static void peer_event(struct world *w, struct sim_node *s,
                       enum gt_event_type type, uint32_t peer, bool parent)
{
	struct gt_event e = {.type = type,
	                     .peer = peer,
	                     .parent = parent,
	                     .text = "",
	                     .detail = "sim"};
	if (s->core)
		turn(w, s, &e);
}

static void cut(struct world *w, struct sim_node *child)
{
	uint32_t near = child->uplink, far = child->uplink_far;
	if (!near)
		return;
	child->uplink = child->uplink_far = 0;
	peer_event(w, child, GT_EV_PEER_DOWN, near, true);
	peer_event(w, &w->nodes[child->parent], GT_EV_PEER_DOWN, far, false);
	plan(w, w->now + 200 + prng_below(&w->net, 5000), LINK_TRY,
	     child->index);
}

static void try_link(struct world *w, struct sim_node *child)
{
	struct sim_node *parent = &w->nodes[child->parent];
	if (child->uplink || !child->core)
		return;
	if (!parent->core) {
		plan(w, w->now + 1000 + prng_below(&w->net, 5000), LINK_TRY,
		     child->index);
		return;
	}
	uint32_t near = ++w->peers, far = ++w->peers;
	child->uplink = near;
	child->uplink_far = far;
	child->order[0] = child->order[1] = w->now;
	peer_event(w, parent, GT_EV_PEER_UP, far, false);
	if (child->uplink == near)
		peer_event(w, child, GT_EV_PEER_UP, near, true);
	if (!w->calm && (w->faults & FAULT_CUT))
		plan(w, w->now + 1000 + prng_below(&w->net, 600000), LINK_CUT,
		     child->index);
}

/* -------------------------------------------------------------------- blobs */

static void object_name(char out[DISK_NAME], const struct gt_id *id)
{
	memcpy(out, "o/", 2);
	gt_hex(out + 2, id->b, GT_ID_BYTES);
}

static void done(struct world *w, struct sim_node *s, const struct gt_action *a,
                 enum gt_event_type type, int status, const char *why)
{
	struct happening *h = plan(w, w->now + prng_below(&w->disks, 30),
	                           BLOB_DONE, s->index);
	h->incarnation = s->incarnation;
	h->event = (struct gt_event){.type = type,
	                             .frame = a->frame,
	                             .object = a->object,
	                             .status = status};
	gt_copy(h->why, sizeof h->why, why);
	h->event.body = gt_bytes_str(h->why);
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
	uint8_t *p = must(malloc(a->n));
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
	int status = f ? disk_sync(&s->disk, f) : -GT_EIO;
	return status ? status : disk_sync_names(&s->disk);
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
	if (status == 0)
		status = disk_rename(&s->disk, a->text, name);
	return status ? status : disk_sync_names(&s->disk);
}

static void serve(struct world *w, struct sim_node *s,
                  const struct gt_action *a)
{
	char name[DISK_NAME];
	struct gt_id id;
	object_name(name, &a->object);
	struct disk_file *f = disk_open(&s->disk, name, false);
	uint8_t *p = must(malloc(a->n));
	int status = f ? disk_read(&s->disk, f, a->offset, p, a->n) : -GT_EIO;
	gt_sha256_one(&id, p, status ? 0 : a->n);
	if (status == 0 && !gt_id_eq(&id, &a->id))
		world_fail(w, "served", "%s served a damaged frame", s->code);
	if (status == 0)
		post(w, s, a->peer, a->token, message(a->head, p, a->n));
	else if (!s->disk.dead)
		world_fail(w, "present",
		           "%s was to serve a frame that is not on its disk",
		           s->code);
	free(p);
}

static void remove_object(struct sim_node *s, const struct gt_id *id)
{
	char name[DISK_NAME];
	object_name(name, id);
	(void)disk_remove(&s->disk, name);
}

static void perform(struct world *w, struct sim_node *s,
                    const struct gt_action *a)
{
	char why[200] = "";
	int status;
	trace(w, s->index, 100 + (uint64_t)a->type, a->token + a->frame);
	switch (a->type) {
	case GT_ACT_SEND:
		post(w, s, a->peer, a->token,
		     message(a->head, a->payload.p, a->payload.n));
		break;
	case GT_ACT_SERVE:
		serve(w, s, a);
		break;
	case GT_ACT_DROP:
		for (unsigned i = 0; i < w->count; i++)
			if (w->nodes[i].uplink == a->peer ||
			    w->nodes[i].uplink_far == a->peer)
				plan(w, w->now, LINK_CUT, i);
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

/* -------------------------------------------------------------------- power */

static void power_cut(struct world *w, struct sim_node *s)
{
	uint32_t near = s->uplink, far = s->uplink_far;
	if (!s->core)
		return;
	w->power_cuts++;
	s->crashes++;
	s->incarnation++;
	s->disk.dead = true;
	gt_node_close(s->core);
	s->core = NULL;
	s->deadline = 0;
	work_crashed(w, s->index);
	disk_power_cycle(&s->disk, &w->disks);
	if (w->verbose)
		printf("%10llu %-12s power cut\n", (unsigned long long)w->now,
		       s->code);
	if (near) {
		s->uplink = s->uplink_far = 0;
		peer_event(w, &w->nodes[s->parent], GT_EV_PEER_DOWN, far,
		           false);
	}
	for (unsigned i = 0; i < w->count; i++) {
		struct sim_node *c = &w->nodes[i];
		if (c->parent != (int)s->index || !c->uplink)
			continue;
		near = c->uplink;
		c->uplink = c->uplink_far = 0;
		peer_event(w, c, GT_EV_PEER_DOWN, near, true);
		plan(w, w->now + 200 + prng_below(&w->net, 5000), LINK_TRY, i);
	}
	plan(w, w->now + 500 + prng_below(&w->crashes, 60000), POWER_ON,
	     s->index);
}

static void send_members(struct world *w, struct sim_node *s)
{
	struct gt_arena *arena = must(gt_arena_new());
	struct gt_bytes bodies[NODES_MAX], sealed[NODES_MAX];
	for (unsigned i = 0; i < w->count; i++) {
		Gt__Member m;
		gt__member__init(&m);
		m.code = w->nodes[i].code;
		m.version = 1;
		m.key = (ProtobufCBinaryData){32, w->nodes[i].key.public};
		bodies[i] = gt_arena_pack(arena, &m.base);
	}
	if (gt_seal(&w->roster, GT__KIND__MEMBER, bodies, w->count, arena,
	            sealed) != 0)
		exit(2);
	struct gt_event e = {
	        .type = GT_EV_MEMBERS, .members = sealed, .count = w->count};
	turn(w, s, &e);
	gt_arena_free(arena);
}

static void power_on(struct world *w, struct sim_node *s)
{
	char why[256] = "";
	uint8_t entropy[64];
	struct gt_node_config c = {
	        .code = s->code,
	        .parent = s->parent < 0 ? "" : w->nodes[s->parent].code,
	        .software = "sim"};
	if (s->core)
		return;
	memcpy(c.seed, s->key.seed, 32);
	memcpy(c.roster_key, w->roster.public, 32);
	sqlite3 *db = vfs_open_db(s->index);
	if (!db || gt_node_open(&s->core, &c, db, why, sizeof why) != 0) {
		s->core = NULL;
		world_fail(w, "restart", "%s does not start: %s", s->code, why);
		return;
	}
	struct prng p = prng_new(w->seed, FOR_ENTROPY,
	                         s->index * 100003u + s->incarnation);
	prng_fill(&p, entropy, sizeof entropy);
	struct gt_event e = {.type = GT_EV_START,
	                     .body = {entropy, sizeof entropy}};
	turn(w, s, &e);
	if (s->core)
		send_members(w, s);
	if (s->core && s->parent >= 0)
		plan(w, w->now + prng_below(&w->net, 3000), LINK_TRY, s->index);
	if (!w->calm && (w->faults & FAULT_CRASH_CALL) &&
	    prng_once_in(&w->crashes, 3))
		s->disk.die_at =
		        s->disk.calls + 1 + prng_below(&w->crashes, 400);
	if (!w->calm && (w->faults & FAULT_CRASH))
		plan(w, w->now + 1000 + prng_below(&w->crashes, 900000),
		     POWER_CUT, s->index)
		        ->incarnation = s->incarnation;
	if (!w->calm && (w->faults & FAULT_CLOCK) &&
	    prng_once_in(&w->crashes, 4))
		s->clock_off = ((int64_t)prng_below(&w->crashes, 20) - 10) *
		               365 * 86400000;
}

/* --------------------------------------------------------------------- loop */

static void happen(struct world *w, struct happening *h)
{
	struct sim_node *s = &w->nodes[h->node];
	bool current = h->incarnation == s->incarnation;
	switch (h->kind) {
	case DELIVER:
		if (s->core && current)
			deliver(w, s, h);
		break;
	case TIMER:
		if (s->core && current && h->at == s->deadline) {
			struct gt_event e = {.type = GT_EV_TIME};
			s->deadline = 0;
			turn(w, s, &e);
		}
		break;
	case BLOB_DONE:
		if (s->core && current)
			turn(w, s, &h->event);
		break;
	case LINK_TRY:
		try_link(w, s);
		break;
	case LINK_CUT:
		w->cuts += s->uplink != 0;
		cut(w, s);
		break;
	case POWER_CUT:
		if (s->core && current && !w->calm)
			power_cut(w, s);
		break;
	case POWER_ON:
		power_on(w, s);
		break;
	case TICK:
		work_tick(w);
		break;
	case DISK_CLEAR:
	default:
		break;
	}
}

void world_run(struct world *w, uint64_t until)
{
	while (!w->failure[0] && w->heap->n > 0 && w->heap->v[0]->at <= until) {
		struct happening *h = pop(w->heap);
		w->now = h->at;
		happen(w, h);
		discard(h);
	}
	w->now = until;
}

void world_tick_at(struct world *w, uint64_t at)
{
	plan(w, at, TICK, 0);
}

void world_stage(struct world *w, unsigned node, const char *name,
                 const uint8_t *p, size_t n)
{
	struct disk *d = &w->nodes[node].disk;
	struct disk_file *f = disk_open(d, name, true);
	if (f && disk_write(d, f, 0, p, n) == 0 && disk_sync(d, f) == 0)
		(void)disk_sync_names(d);
}

void world_heal(struct world *w)
{
	w->calm = true;
	for (unsigned i = 0; i < w->count; i++) {
		struct sim_node *s = &w->nodes[i];
		s->disk.die_at = 0;
		s->clock_off = 0;
		if (!s->core)
			power_on(w, s);
		else if (s->parent >= 0)
			plan(w, w->now + 1, LINK_TRY, i);
	}
}

/* A five-level chain, then siblings at the lower levels. */
static void name_nodes(struct world *w)
{
	static const char *const chain[] = {"33", "3301", "330106", "330106109",
	                                    "330106109210"};
	for (unsigned i = 0; i < w->count; i++) {
		struct sim_node *s = &w->nodes[i];
		s->index = i;
		if (i < 5) {
			gt_copy(s->code, sizeof s->code, chain[i]);
			s->parent = (int)i - 1;
		} else if (i % 3 == 0) {
			gt_format(s->code, sizeof s->code, "3301061%02u",
			          10 + i);
			s->parent = 2;
		} else {
			gt_format(s->code, sizeof s->code, "330106109%03u",
			          300 + i);
			s->parent = 3;
		}
	}
}

void world_init(struct world *w, uint64_t seed, unsigned faults, unsigned nodes)
{
	uint8_t key[32];
	*w = (struct world){.seed = seed, .faults = faults, .count = nodes};
	w->trace = 0xcbf29ce484222325u;
	w->heap = must(calloc(1, sizeof *w->heap));
	w->net = prng_new(seed, FOR_NETWORK, 0);
	w->disks = prng_new(seed, FOR_DISK, 0);
	w->crashes = prng_new(seed, FOR_CRASHES, 0);
	struct prng p = prng_new(seed, FOR_ENTROPY, 1u << 20);
	prng_fill(&p, key, sizeof key);
	if (gt_key_from_seed(&w->roster, key) != 0)
		exit(2);
	name_nodes(w);
	for (unsigned i = 0; i < w->count; i++) {
		prng_fill(&p, key, sizeof key);
		if (gt_key_from_seed(&w->nodes[i].key, key) != 0)
			exit(2);
		vfs_announce(i, &w->nodes[i].disk);
	}
	for (unsigned i = 0; i < w->count; i++)
		power_on(w, &w->nodes[i]);
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < w->count; i++) {
		w->nodes[i].disk.dead = true;
		gt_node_close(w->nodes[i].core);
		disk_free(&w->nodes[i].disk);
	}
	while (w->heap->n > 0)
		discard(pop(w->heap));
	free(w->heap->v);
	free(w->heap);
}
