/* flood.c: who never stops. A child of the tree's own roster, which is nobody's
 * core but this file, says everything there is to say to its parent, again and
 * again; a terminal hands in and asks without end, at a node whose disk is
 * nearly full. Both end after so many messages, or some minutes, also where the
 * other faults are over by then: the tree has to converge beside them. */
#include "flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "code.h"
#include "protocol.h"
#include "statement.h"
#include "work.h"

enum { CHILD, TERMINAL, WHO };
static const uint32_t LINKS =
        0xf0000000u; /* of the rogue child, from here on */
enum {
	FEW = 100,
	MANY = 1000,      /* it fills its pages, too */
	SPAN_MS = 300000, /* of one flood, about */
	LAST_MS = 900000, /* ... at most */
	BIG = 40 << 10,   /* a record */
	MANY_DONES = 32,  /* of one step */
	BATCH = 4,        /* records of that kind at once */
	HOUR_EACH = 8192, /* budget for each message of a flood */
	MANY_CLAIMS = 10,
	FEED_ROWS = 3600, /* where there are many; the least there can be */
};

static struct {
	int parent;
	unsigned at; /* where the terminal is */
	char code[GT_CODE_MAX + 1];
	struct gt_key key;
	uint64_t size, left[WHO], until[WHO];
	/* the link */
	uint32_t link, links; /* link 0: down */
	uint64_t incarnation; /* of the parent it is to */
	bool ready;
	bool done; /* it says so just now */
	uint32_t version;
	uint8_t nonce[32], theirs[32], epoch[GT_EPOCH_BYTES];
	uint8_t parent_epoch[GT_EPOCH_BYTES];
	uint64_t token, after, layer;
	/* records: the last acknowledged; of the batch on its way */
	uint64_t hop, last, weight;
	uint8_t id[GT_UUID_BYTES];
} rogue;

static struct prng *draws(struct world *w)
{
	return sim_draws(w, FAULT_FLOOD);
}

static bool many(void)
{
	return rogue.size >= MANY;
}

/* ------------------------------------------------------------ who is it */

/* A code below that node's which nobody has. */
static bool name_child(const struct world *w, unsigned parent)
{
	const char *above = w->nodes[parent].code;
	int depth = gt_code_depth(above);
	if (depth < 0 || depth > 3)
		return false;
	gt_format(rogue.code, sizeof rogue.code, "%s%s", above,
	          depth < 2 ? "99" : "999");
	for (unsigned i = 0; i < w->count; i++)
		if (strcmp(w->nodes[i].code, rogue.code) == 0)
			return false;
	return gt_code_child_of(rogue.code, above);
}

void flood_init(struct world *w, uint64_t size)
{
	uint8_t key[32];
	memset(&rogue, 0, sizeof rogue);
	rogue.parent = -1;
	rogue.size = size ? size : FEW;
	bound_init();
	if (!(w->faults & FAULT_FLOOD))
		return;
	prng_fill(draws(w), key, sizeof key);
	if (gt_key_from_seed(&rogue.key, key) != 0)
		exit(2);
	rogue.at = (unsigned)prng_below(draws(w), w->count);
	for (int i = 0; i < 16 && rogue.parent < 0; i++) {
		unsigned parent = (unsigned)prng_below(draws(w), w->count);
		if (name_child(w, parent))
			rogue.parent = (int)parent;
	}
}

int flood_parent(const struct world *w)
{
	return w->faults & FAULT_FLOOD ? rogue.parent : -1;
}

unsigned flood_terminal(void)
{
	return rogue.at;
}

const char *flood_code(void)
{
	return rogue.code;
}

bool flood_member(const struct world *w, const struct sim_node *s,
                  Gt__Member *row)
{
	int parent = flood_parent(w);
	if (parent < 0 || (s->parent >= 0 && (int)s->index != parent))
		return false;
	gt__member__init(row);
	row->code = rogue.code;
	row->version = 1;
	row->parent = gt_lend(w->nodes[parent].code);
	row->key = (ProtobufCBinaryData){32, rogue.key.public};
	return true;
}

/* Far more than the true children and terminals bring in that time. */
struct flood_budget flood_budget(const struct world *w,
                                 const struct sim_node *s)
{
	struct flood_budget b = {0};
	uint64_t hour = HOUR_EACH * (rogue.size > FEW ? rogue.size : FEW);
	if (!(w->faults & FAULT_FLOOD))
		return b;
	if ((int)clone_home(w, s->index) == rogue.parent) {
		b.child_hour = hour;
		b.child_waiting = hour / 8;
		b.feed_rows = many() ? FEED_ROWS : 0;
	}
	b.terminal_hour = hour / 16;
	b.terminal_waiting = hour / 32;
	return b;
}

void flood_config(const struct world *w, const struct sim_node *s,
                  struct gt_node_config *c)
{
	struct flood_budget b = flood_budget(w, s);
	c->child_hour = b.child_hour;
	c->child_waiting = b.child_waiting;
	c->feed_rows = b.feed_rows;
	c->terminal_hour = b.terminal_hour;
	c->terminal_waiting = b.terminal_waiting;
	/* more than any one object */
	if ((w->faults & FAULT_FLOOD) && s->index == rogue.at)
		c->on_demand = 2 << 20;
}

/* -------------------------------------------------------------- the link */

static struct sim_node *parent(struct world *w)
{
	return &w->nodes[rogue.parent];
}

static bool up(struct world *w)
{
	return rogue.link && parent(w)->core &&
	       parent(w)->incarnation == rogue.incarnation;
}

static void say_bytes(struct world *w, struct gt_bytes head)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = rogue.link,
	                     .token = ++rogue.token,
	                     .body = head};
	w->messages++;
	sim_turn(w, parent(w), &e);
}

static void say(struct world *w, Gt__Request *r)
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	say_bytes(w, gt_arena_pack(arena, &r->base));
	gt_arena_free(arena);
}

static void hello(struct world *w)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Hello h = GT__HELLO__INIT;
	h.version_min = GT_PROTOCOL_MIN;
	h.version_max = GT_PROTOCOL_MAX;
	h.code = rogue.code;
	h.parent = parent(w)->code;
	h.epoch = (ProtobufCBinaryData){sizeof rogue.epoch, rogue.epoch};
	h.nonce = (ProtobufCBinaryData){sizeof rogue.nonce, rogue.nonce};
	r.body_case = GT__REQUEST__BODY_HELLO;
	r.hello = &h;
	say(w, &r);
}

static void prove(struct world *w)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Prove v = GT__PROVE__INIT;
	uint8_t text[256], proof[GT_SIGNATURE_BYTES];
	gt_format((char *)text, sizeof text,
	          "guantong hello v1\nchild\n%s\n%s\n", rogue.code,
	          parent(w)->code);
	size_t at = strlen((char *)text);
	memcpy(text + at, rogue.nonce, 32);
	memcpy(text + at + 32, rogue.theirs, 32);
	if (gt_sign(&rogue.key, gt_bytes_of(text, at + 64), proof) != 0)
		exit(2);
	v.proof = (ProtobufCBinaryData){sizeof proof, proof};
	r.body_case = GT__REQUEST__BODY_PROVE;
	r.prove = &v;
	say(w, &r);
}

/* Each time in another epoch: it remembers nothing, so that nobody is taken for
 * a copy. */
static void connect_anew(struct world *w)
{
	uint8_t entropy[32];
	prng_fill(draws(w), entropy, sizeof entropy);
	prng_fill(draws(w), rogue.nonce, sizeof rogue.nonce);
	prng_fill(draws(w), rogue.epoch, sizeof rogue.epoch);
	rogue.link = LINKS + ++rogue.links;
	rogue.incarnation = parent(w)->incarnation;
	rogue.ready = false;
	rogue.version = 0;
	rogue.hop = rogue.last = rogue.after = 0;
	struct gt_event e = {.type = GT_EV_PEER_UP,
	                     .peer = rogue.link,
	                     .body = gt_bytes_of(entropy, sizeof entropy),
	                     .text = "",
	                     .detail = "flood"};
	sim_turn(w, parent(w), &e);
	if (up(w))
		hello(w);
	if (up(w) && rogue.version)
		prove(w);
}

void flood_dropped(const struct sim_node *s, uint32_t peer)
{
	if ((int)s->index == rogue.parent && peer == rogue.link)
		rogue.link = 0;
}

/* ------------------------------------------------- what it is answered */

/* What is acknowledged is there, in whichever table. */
static void acknowledged(struct world *w, struct sim_node *s, uint64_t hop)
{
	bool whole = rogue.last > rogue.hop && hop >= rogue.last;
	rogue.hop = hop;
	if (!whole)
		return;
	rogue.last = 0;
	bound_taken(w, s, rogue.weight);
	if (bound_has(s, rogue.id))
		return;
	world_fail(w, "acknowledged",
	           "%s acknowledged a record of %s and does not have it",
	           s->code, rogue.code);
}

static void changes(const Gt__ChangesReply *m)
{
	rogue.after = m->upto;
	if (m->epoch.len == sizeof rogue.parent_epoch)
		memcpy(rogue.parent_epoch, m->epoch.data, m->epoch.len);
}

static void answered(struct world *w, struct sim_node *s, const Gt__Reply *r)
{
	if (r->body_case == GT__REPLY__BODY_HELLO &&
	    r->hello->nonce.len == 32) {
		memcpy(rogue.theirs, r->hello->nonce.data, 32);
		memcpy(rogue.parent_epoch, r->hello->epoch.data,
		       sizeof rogue.parent_epoch);
		rogue.version = r->hello->version;
	} else if (r->body_case == GT__REPLY__BODY_PROVE) {
		rogue.ready = true;
		rogue.hop = r->prove->records;
	} else if (r->body_case == GT__REPLY__BODY_CHANGES) {
		changes(r->changes);
	} else if (r->body_case == GT__REPLY__BODY_RECORDS) {
		acknowledged(w, s, r->records->hop);
	} else if (r->body_case == GT__REPLY__BODY_ERROR && rogue.done) {
		w->met[BOUND_DONES]++;
	}
}

bool flood_heard(struct world *w, const struct sim_node *s, uint32_t peer,
                 const struct gt_bulk *m)
{
	if (peer < LINKS)
		return false;
	if ((int)s->index != rogue.parent || peer != rogue.link)
		return true;
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(arena), m->nhead,
	                                 m->bytes);
	if (r)
		answered(w, parent(w), r);
	gt_arena_free(arena);
	return true;
}

/* ------------------------------------------------------ what it hands up */

static Gt__Record *row(struct gt_arena *arena, uint64_t seq)
{
	Gt__Record *r = sim_must(gt_arena_get(arena, sizeof *r));
	gt__record__init(r);
	r->seq = r->origin_seq = seq;
	r->origin = rogue.code;
	r->origin_epoch =
	        (ProtobufCBinaryData){sizeof rogue.epoch, rogue.epoch};
	return r;
}

static void hand_up(struct world *w, Gt__Records *m)
{
	Gt__Request r = GT__REQUEST__INIT;
	m->patient = !prng_once_in(draws(w), 8);
	rogue.weight = BOUND_ROW;
	rogue.last = m->after <= rogue.hop && m->n_records > 0
	                     ? m->records[m->n_records - 1]->seq
	                     : 0;
	for (size_t i = 0; i < m->n_records; i++)
		if (m->records[i]->seq > rogue.hop)
			rogue.weight += m->records[i]->body.len + BOUND_ROW;
	r.body_case = GT__REQUEST__BODY_RECORDS;
	r.records = m;
	say(w, &r);
}

/* Good ones, and large. */
static void new_records(struct world *w, struct gt_arena *arena)
{
	Gt__Records m = GT__RECORDS__INIT;
	Gt__Record *all[BATCH];
	char why[200], id[GT_UUID_TEXT];
	m.n_records = 1 + (size_t)prng_below(draws(w), BATCH);
	m.records = all;
	m.after = rogue.hop;
	for (size_t i = 0; i < m.n_records; i++) {
		Gt__Record *r = all[i] = row(arena, rogue.hop + 1 + i);
		size_t pad = (size_t)prng_below(draws(w), BIG);
		char *text = sim_must(gt_arena_get(arena, pad + 512));
		struct gt_statement s;
		prng_fill(draws(w), rogue.id, sizeof rogue.id);
		gt_uuid_format(id, rogue.id);
		int n = snprintf(
		        text, pad + 512,
		        "{\"id\":\"%s\",\"actor\":{\"mbox\":\"mailto:f@b.cn\"},"
		        "\"verb\":{\"id\":\"http://v.cn/9\"},\"object\":"
		        "{\"id\":\"http://o.cn/9\"},\"result\":{\"response\":"
		        "\"%*s\"}}",
		        id, (int)pad, "");
		if (gt_statements_parse(gt_bytes_of(text, (size_t)n),
		                        GT_XAPI_ANY, NULL, 0, &s, 1, why,
		                        sizeof why) != 1) {
			world_fail(w, "statement", "%s", why);
			return;
		}
		r->body = (ProtobufCBinaryData){(size_t)n, (uint8_t *)text};
		r->id.data = gt_arena_copy(arena, s.id, GT_UUID_BYTES);
		r->id.len = GT_UUID_BYTES;
		r->form.data = gt_arena_copy(arena, s.form.b, GT_ID_BYTES);
		r->form.len = GT_ID_BYTES;
	}
	hand_up(w, &m);
}

/* What is no record; from `after` on. */
static void no_records(struct world *w, struct gt_arena *arena, uint64_t after)
{
	Gt__Records m = GT__RECORDS__INIT;
	m.n_records = many() ? GT_RECORDS_ROWS : 16;
	m.records =
	        sim_must(gt_arena_get(arena, m.n_records * sizeof *m.records));
	m.after = after;
	prng_fill(draws(w), rogue.id, sizeof rogue.id);
	for (size_t i = 0; i < m.n_records; i++) {
		m.records[i] = row(arena, after + 1 + i);
		m.records[i]->id =
		        (ProtobufCBinaryData){sizeof rogue.id, rogue.id};
		m.records[i]->body = (ProtobufCBinaryData){4, rogue.id};
	}
	hand_up(w, &m);
}

/* ------------------------------------------------- what else it may say */

/* Names there are, and names there are not, as mirrored. */
static void claim(struct world *w, struct gt_arena *arena, size_t invented)
{
	static uint8_t hash[GT_ID_BYTES];
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Inventory m = GT__INVENTORY__INIT;
	size_t n = work.nresources + invented;
	char text[64];
	m.rows = sim_must(gt_arena_get(arena, n * sizeof *m.rows));
	for (; m.n_rows < n; m.n_rows++) {
		Gt__Inventory__Row *at =
		        sim_must(gt_arena_get(arena, sizeof *at));
		gt__inventory__row__init(at);
		gt_format(text, sizeof text, "%s/x%llu", w->nodes[0].code,
		          (unsigned long long)prng_below(draws(w), 1u << 30));
		at->id = m.n_rows < work.nresources
		                 ? work.resources[m.n_rows].id
		                 : gt_arena_str(arena, text);
		at->hash = (ProtobufCBinaryData){sizeof hash, hash};
		at->verdict = GT__VERDICT__MIRROR;
		m.rows[m.n_rows] = at;
	}
	m.first = prng_once_in(draws(w), 2);
	m.last = prng_once_in(draws(w), 2);
	r.body_case = GT__REQUEST__BODY_INVENTORY;
	r.inventory = &m;
	say(w, &r);
	rogue.after = m.first ? 0 : rogue.after;
}

static struct resource *any_resource(struct world *w)
{
	unsigned n = work.nresources;
	return n ? &work.resources[prng_below(draws(w), n)] : NULL;
}

static void give_up(struct world *w)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Offer m = GT__OFFER__INIT;
	struct resource *of = any_resource(w);
	if (!of)
		return;
	m.given_up = of->id;
	m.version = prng_next(draws(w)) >> prng_below(draws(w), 64);
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = &m;
	say(w, &r);
}

/* Rules of its own, in ever new versions. */
static void lay_down(struct world *w, struct gt_arena *arena)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Offer m = GT__OFFER__INIT;
	Gt__Layer l = GT__LAYER__INIT;
	struct gt_bytes sealed;
	l.origin = rogue.code;
	l.version = ++rogue.layer;
	l.fallback = rogue.layer % 2 ? GT__VERDICT__DENY : GT__VERDICT__MIRROR;
	l.priority = 50;
	struct gt_bytes body = gt_arena_pack(arena, &l.base);
	if (gt_seal(&rogue.key, GT__KIND__LAYER, &body, 1, arena, &sealed) != 0)
		exit(2);
	m.item = gt_lend_bytes(sealed);
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = &m;
	say(w, &r);
}

static void ask_bytes(struct world *w)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetManifest m = GT__GET_MANIFEST__INIT;
	Gt__GetFrame f = GT__GET_FRAME__INIT;
	const struct resource *of = any_resource(w);
	uint8_t transfer[16];
	struct gt_id object;
	prng_fill(draws(w), object.b, sizeof object.b);
	prng_fill(draws(w), transfer, sizeof transfer);
	if (of && prng_below(draws(w), 4))
		object = of->object;
	m.object = f.object = (ProtobufCBinaryData){sizeof object.b, object.b};
	m.transfer = f.transfer =
	        (ProtobufCBinaryData){sizeof transfer, transfer};
	f.frame = (uint32_t)prng_below(draws(w), 4);
	f.suspect = prng_once_in(draws(w), 4);
	r.body_case = prng_below(draws(w), 2) ? GT__REQUEST__BODY_MANIFEST
	                                      : GT__REQUEST__BODY_FRAME;
	if (r.body_case == GT__REQUEST__BODY_MANIFEST)
		r.manifest = &m;
	else
		r.frame = &f;
	say(w, &r);
}

static void end_transfer(struct world *w)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Done m = GT__DONE__INIT;
	uint8_t transfer[16], object[GT_ID_BYTES];
	prng_fill(draws(w), transfer, sizeof transfer);
	prng_fill(draws(w), object, sizeof object);
	m.transfer = (ProtobufCBinaryData){sizeof transfer, transfer};
	m.object = (ProtobufCBinaryData){sizeof object, object};
	r.body_case = GT__REQUEST__BODY_DONE;
	r.done = &m;
	rogue.done = true;
	say(w, &r);
	rogue.done = false;
}

static void ask_changes(struct world *w)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes m = GT__CHANGES__INIT;
	Gt__NodeStatus status = GT__NODE_STATUS__INIT;
	status.records = prng_next(draws(w)) >> 1;
	m.epoch = (ProtobufCBinaryData){sizeof rogue.parent_epoch,
	                                rogue.parent_epoch};
	m.after = rogue.after;
	m.wait_ms = prng_below(draws(w), 2) ? 0 : 1000;
	m.status = &status;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &m;
	say(w, &r);
}

static void ask_roster(struct world *w)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Roster m = GT__ROSTER__INIT;
	r.body_case = GT__REQUEST__BODY_ROSTER;
	r.roster = &m;
	say(w, &r);
}

static void make_noise(struct world *w)
{
	uint8_t noise[64];
	prng_fill(draws(w), noise, sizeof noise);
	say_bytes(w, gt_bytes_of(noise, sizeof noise));
}

/* Whoever says that it has nothing is told what there is, and asks on. */
static void say_something(struct world *w, struct gt_arena *arena)
{
	switch (prng_below(draws(w), 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		new_records(w, arena);
		break;
	case 5:
	case 6:
		no_records(w, arena, rogue.hop);
		break;
	case 7: /* what is there; what leaves a gap */
		no_records(w, arena,
		           prng_below(draws(w), 2) ? 0 : rogue.hop + 1000);
		break;
	case 8:
		claim(w, arena, many() ? 256 : 16);
		for (int i = 1; many() && i < MANY_CLAIMS && up(w); i++)
			claim(w, arena, 0);
		break;
	case 9:
		give_up(w);
		break;
	case 10:
		lay_down(w, arena);
		break;
	case 11:
	case 12:
		ask_bytes(w);
		break;
	case 13:
	case 14:
		ask_changes(w);
		break;
	case 15:
		ask_roster(w);
		break;
	case 16:
		if (prng_once_in(draws(w), 4))
			make_noise(w);
		else
			rogue.link = 0; /* it comes back, and says so */
		break;
	default:
		for (int i = 0; i < (many() ? MANY_DONES : 1) && up(w); i++)
			end_transfer(w);
	}
}

static void child_step(struct world *w)
{
	struct gt_arena *arena = sim_must(gt_arena_new());
	if (!parent(w)->core)
		;
	else if (!up(w) || !rogue.ready)
		connect_anew(w);
	else
		say_something(w, arena);
	gt_arena_free(arena);
	if (parent(w)->core && prng_once_in(draws(w), 16))
		bound_rows(w, parent(w));
}

/* -------------------------------------------------------------- floods */

static void next(struct world *w, uint32_t who)
{
	uint64_t pause = SPAN_MS / rogue.size + 1;
	bool over = rogue.left[who] == 0 || w->now > rogue.until[who];
	if (over) {
		rogue.left[who] = 0;
		return;
	}
	rogue.left[who]--;
	sim_plan(w, w->now + 1 + prng_below(draws(w), 2 * pause), FLOOD, 0)
	        ->peer = who;
}

void flood_step(struct world *w, uint32_t who)
{
	if (who == CHILD)
		child_step(w);
	else
		work_flood(w, rogue.at, draws(w));
	next(w, who);
}

/* The disk of a node that a terminal floods has little room, mostly. */
void flood_episode(struct world *w)
{
	uint32_t who = prng_below(draws(w), 2) ? CHILD : TERMINAL;
	if (who == CHILD && rogue.parent < 0)
		who = TERMINAL;
	if (rogue.left[who] > 0)
		return;
	w->struck[FAULT_BIT_FLOOD]++;
	rogue.left[who] = rogue.size;
	rogue.until[who] = w->now + LAST_MS;
	if (who == TERMINAL && prng_below(draws(w), 3) &&
	    w->nodes[rogue.at].core)
		power_fill(w, &w->nodes[rogue.at], draws(w));
	next(w, who);
}
