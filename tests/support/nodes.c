#include "nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "protocol.h"

struct gt_bulk {
	int nothing;
};

static struct gt_bulk bulk; /* the bytes travel as the payload */

static void *must(void *p)
{
	assert(p);
	return p;
}

static void *copy(const void *p, size_t n)
{
	void *out = must(malloc(n ? n : 1));
	if (n > 0)
		memcpy(out, p, n);
	return out;
}

/* ---------------------------------------------------------- opening */

struct nodes *nodes_new(void)
{
	struct nodes *t = must(calloc(1, sizeof *t));
	uint8_t seed[32] = "the roster key of the tests";
	t->arena = must(gt_arena_new());
	t->now = (struct gt_now){1000, 1767225600000, 0, 0};
	gt__prove_reply__init(&t->proved);
	int status = gt_key_from_seed(&t->roster, seed);
	assert(status == 0);
	return t;
}

void nodes_replace(struct message *m, const Gt__Reply *r)
{
	free(m->head);
	m->nhead = gt__reply__get_packed_size(r);
	m->head = must(malloc(m->nhead + 1));
	gt__reply__pack(r, m->head);
}

bool nodes_undate(struct message *m)
{
	Gt__Reply *r = gt__reply__unpack(NULL, m->nhead, m->head);
	bool dated = r->body_case == GT__REPLY__BODY_CHANGES &&
	             r->changes->date.len > 0;
	if (dated) {
		r->changes->date.len = 0;
		nodes_replace(m, r);
	}
	gt__reply__free_unpacked(r, NULL);
	return dated;
}

static void message_free(struct message *m)
{
	free(m->head);
	free(m->payload);
}

void nodes_free(struct nodes *t)
{
	for (unsigned i = 0; i < NODES_MAX; i++) {
		struct one *s = &t->v[i];
		gt_node_close(s->node);
		for (unsigned f = 0; f < NODES_FILES; f++) {
			free(s->files[f].p);
			free(s->staged[f].file.p);
		}
	}
	for (size_t i = 0; i < t->nqueue; i++)
		message_free(&t->queue[i]);
	free(t->queue);
	free(t->answers);
	gt_arena_free(t->arena);
	free(t);
}

void nodes_open(struct nodes *t, unsigned i, const char *code,
                const char *parent, const char *path)
{
	struct one *s = &t->v[i];
	char why[256] = "";
	uint8_t own = s->entropy ? s->entropy : (uint8_t)(i + 1);
	uint8_t entropy[64] = {own, 77, s->lives++};
	gt_copy(s->code, sizeof s->code, code);
	gt_copy(s->parent, sizeof s->parent, parent);
	s->config = (struct gt_node_config){.code = s->code,
	                                    .parent = s->parent,
	                                    .software = "test",
	                                    .restored = s->restored,
	                                    .protocol_max = s->protocol,
	                                    .above_ms = t->above_ms,
	                                    .date_warn_ms = t->date_warn_ms,
	                                    .date_limit_ms = t->date_limit_ms,
	                                    .terminal_hour = s->hourly,
	                                    .child_hour = s->hourly,
	                                    .on_demand = s->on_demand,
	                                    .terminal_waiting = s->waiting,
	                                    .child_waiting = s->waiting,
	                                    .attachments_hour = s->attachments,
	                                    .awards = s->awards,
	                                    .nawards = s->nawards,
	                                    .entries = s->entries,
	                                    .feed_rows = s->feed_rows,
	                                    .pseudonyms = &s->names};
	gt_copy((char *)s->config.seed, sizeof s->config.seed, code);
	s->config.has_date_seed = i == 0 && t->date_key;
	if (s->config.has_date_seed)
		memcpy(s->config.date_seed, t->date_key->seed, 32);
	memcpy(s->config.roster_key, t->roster.public, 32);
	int status = gt_key_from_seed(&s->key, s->config.seed);
	assert(status == 0);
	status = sqlite3_open(path ? path : ":memory:", &s->db);
	assert(status == SQLITE_OK);
	status = gt_node_open(&s->node, &s->config, s->db, why, sizeof why);
	if (status != 0)
		fprintf(stderr, "%s: %s\n", code, why);
	assert(status == 0);
	struct gt_event e = {.type = GT_EV_START,
	                     .body = gt_bytes_of(entropy, sizeof entropy)};
	status = nodes_event(t, i, &e);
	assert(status == 0);
}

struct gt_bytes nodes_member(struct nodes *t, const char *code,
                             const uint8_t key[32], uint64_t version,
                             int standing)
{
	Gt__Member m;
	gt__member__init(&m);
	struct gt_bytes out;
	m.code = gt_arena_str(t->arena, code);
	m.version = version;
	m.key = (ProtobufCBinaryData){32, gt_arena_copy(t->arena, key, 32)};
	m.standing = (Gt__Standing)standing;
	if (t->date_key && strcmp(code, t->v[0].code) == 0)
		m.date_key =
		        gt_lend_bytes(gt_bytes_of(t->date_key->public, 32));
	struct gt_bytes body = gt_arena_pack(t->arena, &m.base);
	int status =
	        gt_seal(&t->roster, GT__KIND__MEMBER, &body, 1, t->arena, &out);
	assert(status == 0);
	return out;
}

void nodes_members(struct nodes *t, unsigned i, struct gt_bytes sealed)
{
	struct gt_event e = {.type = GT_EV_MEMBERS,
	                     .token = ++t->tokens,
	                     .actor = "user:test",
	                     .members = &sealed,
	                     .count = 1};
	int status = nodes_event(t, i, &e);
	assert(status == 0);
}

void nodes_enrol(struct nodes *t)
{
	for (unsigned of = 0; of < NODES_MAX; of++) {
		struct one *s = &t->v[of];
		if (!s->node)
			continue;
		struct gt_bytes m = nodes_member(t, s->code, s->key.public, 1,
		                                 GT__STANDING__ACTIVE);
		for (unsigned i = 0; i < NODES_MAX; i++)
			if (t->v[i].node)
				nodes_members(t, i, m);
	}
}

/* ---------------------------------------------------------- actions */

static void keep(struct nodes *t, struct one *s, const struct gt_action *a)
{
	assert(s->nlog < NODES_LOG);
	struct done *d = &s->log[s->nlog++];
	*d = (struct done){.a = *a};
	d->a.head.p = gt_arena_copy(t->arena, a->head.p, a->head.n);
	d->a.payload.p = gt_arena_copy(t->arena, a->payload.p, a->payload.n);
	d->a.text = gt_arena_str(t->arena, a->text);
	d->a.bulk = NULL;
	if (a->type != GT_ACT_SEND && a->type != GT_ACT_SERVE)
		return;
	if (a->reply || a->type == GT_ACT_SERVE)
		d->reply = must(gt__reply__unpack(gt_arena_allocator(t->arena),
		                                  a->head.n, a->head.p));
	else
		d->request = must(gt__request__unpack(
		        gt_arena_allocator(t->arena), a->head.n, a->head.p));
}

static struct wire *wire_of(struct nodes *t, unsigned i, uint32_t peer)
{
	for (size_t w = 0; w < t->nwires; w++) {
		struct wire *x = &t->wires[w];
		if (x->up && ((x->child == i && x->near == peer) ||
		              (x->parent == i && x->far == peer)))
			return x;
	}
	return NULL;
}

static void post(struct nodes *t, unsigned i, const struct gt_action *a,
                 struct gt_bytes payload)
{
	struct wire *w = wire_of(t, i, a->peer);
	if (!w)
		return;
	if (t->nqueue == t->capqueue) {
		t->capqueue = 2 * t->capqueue + 64;
		t->queue =
		        must(realloc(t->queue, t->capqueue * sizeof *t->queue));
	}
	bool down = w->parent == i;
	t->queue[t->nqueue++] = (struct message){
	        .to = down ? w->child : w->parent,
	        .peer = down ? w->near : w->far,
	        .token = a->token,
	        .reply = down,
	        .head = copy(a->head.p, a->head.n),
	        .nhead = a->head.n,
	        .payload = copy(payload.p, payload.n),
	        .npayload = payload.n,
	};
}

static void later(struct nodes *t, unsigned i, const struct gt_action *a,
                  enum gt_event_type type, int status, const char *why)
{
	if (t->nanswers == t->capanswers) {
		t->capanswers = 2 * t->capanswers + 64;
		t->answers = must(realloc(t->answers,
		                          t->capanswers * sizeof *t->answers));
	}
	struct answer *r = &t->answers[t->nanswers++];
	*r = (struct answer){.node = i};
	r->e = (struct gt_event){.type = type,
	                         .peer = a->peer,
	                         .frame = a->frame,
	                         .token = a->token,
	                         .status = status,
	                         .object = a->object};
	r->e.transfer = a->transfer;
	gt_copy(r->why, sizeof r->why, why);
}

struct blob *nodes_file(struct nodes *t, unsigned i, const struct gt_id *id)
{
	for (unsigned f = 0; f < NODES_FILES; f++)
		if (t->v[i].files[f].p && gt_id_eq(&t->v[i].files[f].id, id))
			return &t->v[i].files[f];
	return NULL;
}

static struct blob *file_new(struct nodes *t, unsigned i,
                             const struct gt_id *id, size_t n)
{
	struct blob *b = nodes_file(t, i, id);
	for (unsigned f = 0; !b && f < NODES_FILES; f++)
		if (!t->v[i].files[f].p)
			b = &t->v[i].files[f];
	assert(b);
	if (!b->p)
		*b = (struct blob){*id, must(calloc(n ? n : 1, 1)), n};
	return b;
}

/* A file takes all its room at once. */
static bool fits(const struct one *s, const struct gt_id *id, size_t n)
{
	size_t used = 0;
	for (unsigned f = 0; f < NODES_FILES; f++) {
		if (s->files[f].p && gt_id_eq(&s->files[f].id, id))
			return true;
		used += s->files[f].p ? s->files[f].n : 0;
	}
	return s->disk == 0 || used + n <= s->disk;
}

static int put(struct nodes *t, unsigned i, const struct gt_action *a,
               const void *p, bool hashed)
{
	struct gt_id id;
	if (t->v[i].full || !fits(&t->v[i], &a->object, (size_t)a->total))
		return -GT_ENOSPACE;
	gt_sha256_one(&id, p, a->n);
	if (hashed && !gt_id_eq(&id, &a->id))
		return -GT_EDAMAGED;
	struct blob *b = file_new(t, i, &a->object, (size_t)a->total);
	assert(a->offset + a->n <= b->n);
	memcpy(b->p + a->offset, p, a->n);
	return 0;
}

static int read_blob(void *arg, uint64_t at, uint8_t *out, size_t n)
{
	const struct blob *b = arg;
	if (at > b->n || n > b->n - at)
		return -1;
	memcpy(out, b->p + at, n);
	return 0;
}

static int check(struct blob *b, struct gt_bytes manifest, bool all,
                 char why[300])
{
	struct gt_manifest *m;
	if (!b)
		return -GT_EIO;
	int status = gt_manifest_new(&m, manifest, why, 300);
	if (status == 0) {
		status = gt_object_check(m, all, read_blob, b, why, 300);
		gt_manifest_free(m);
	}
	return status;
}

static int adopt(struct nodes *t, unsigned i, const struct gt_action *a,
                 char why[300])
{
	for (unsigned f = 0; f < NODES_FILES; f++) {
		struct blob *b = &t->v[i].staged[f].file;
		if (!b->p || strcmp(t->v[i].staged[f].name, a->text) != 0)
			continue;
		int status = check(b, a->payload, true, why);
		if (status != 0)
			return status;
		struct blob *to = file_new(t, i, &a->object, b->n);
		memcpy(to->p, b->p, b->n);
		free(b->p);
		*b = (struct blob){0};
		return 0;
	}
	return -GT_EIO;
}

static void serve(struct nodes *t, unsigned i, const struct gt_action *a)
{
	struct blob *b = nodes_file(t, i, &a->object);
	struct gt_id id = {0};
	bool here = b && a->offset + a->n <= b->n;
	if (here && a->check)
		gt_sha256_one(&id, b->p + a->offset, a->n);
	if (here && (!a->check || gt_id_eq(&id, &a->id)))
		post(t, i, a, gt_bytes_of(b->p + a->offset, a->n));
	else
		later(t, i, a, GT_EV_FAULT, here ? -GT_EDAMAGED : -GT_EUNKNOWN,
		      "");
}

static void drop(struct nodes *t, unsigned i, uint32_t peer)
{
	struct wire *w = wire_of(t, i, peer);
	if (w)
		nodes_cut(t, (unsigned)(w - t->wires));
}

static void perform(struct nodes *t, unsigned i, const struct gt_action *a)
{
	char why[300] = "";
	struct blob *b = nodes_file(t, i, &a->object), *from;
	int status;
	switch (a->type) {
	case GT_ACT_SEND:
		post(t, i, a, a->payload);
		break;
	case GT_ACT_SERVE:
		serve(t, i, a);
		break;
	case GT_ACT_PLACE:
	case GT_ACT_TAIL:
		status = put(t, i, a, a->payload.p, a->type == GT_ACT_PLACE);
		later(t, i, a, GT_EV_PLACED, status, "");
		break;
	case GT_ACT_COPY:
		from = nodes_file(t, i, &a->from);
		assert(!from || a->from_offset + a->n <= from->n);
		status = from ? put(t, i, a, from->p + a->from_offset, true)
		              : -GT_EIO;
		later(t, i, a, GT_EV_PLACED, status, "");
		break;
	case GT_ACT_SYNC:
		status = !b ? -GT_EUNKNOWN : t->v[i].late ? -GT_ENOSPACE : 0;
		if (b && status)
			memset(b->p, 0, b->n);
		later(t, i, a, GT_EV_SYNCED, status, "");
		break;
	case GT_ACT_CHECK:
		status = b ? check(b, a->payload, false, why) : -GT_EDAMAGED;
		later(t, i, a, GT_EV_CHECKED, status, why);
		break;
	case GT_ACT_ADOPT:
		status = adopt(t, i, a, why);
		later(t, i, a, GT_EV_ADOPTED, status, why);
		break;
	case GT_ACT_REMOVE:
		if (b) {
			free(b->p);
			*b = (struct blob){0};
		}
		break;
	case GT_ACT_DROP:
	case GT_ACT_DIAL_ABOVE:
	case GT_ACT_REPLY:
	case GT_ACT_LOG:
	default:
		break;
	}
}

/* A statement left open would hold on to the database's log. */
static void assert_at_rest(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	while ((st = sqlite3_next_stmt(db, st)))
		assert(!sqlite3_stmt_busy(st));
}

int nodes_event(struct nodes *t, unsigned i, const struct gt_event *e)
{
	struct one *s = &t->v[i];
	struct gt_actions actions;
	size_t taken, first = s->nlog;
	if (t->trial)
		t->trial(t, i, e);
	s->failed = gt_node_turn(s->node, t->now, e, 1, &taken, &actions);
	assert_at_rest(s->db);
	if (s->failed != 0) {
		assert(actions.n == 0);
		return s->failed;
	}
	for (size_t k = 0; k < actions.n; k++) {
		keep(t, s, &actions.v[k]);
		perform(t, i, &actions.v[k]);
	}
	/* only now: the other end's DOWN comes back to this node */
	for (size_t k = first; k < s->nlog; k++)
		if (s->log[k].a.type == GT_ACT_DROP)
			drop(t, i, s->log[k].a.peer);
	return 0;
}

/* ------------------------------------------------------------ links */

static void peer_up(struct nodes *t, unsigned i, uint32_t peer, bool parent,
                    const char *cert)
{
	uint8_t nonce[32];
	memset(nonce, (int)peer, sizeof nonce);
	struct gt_event e = {.type = GT_EV_PEER_UP,
	                     .peer = peer,
	                     .parent = parent,
	                     .text = cert,
	                     .detail = "test",
	                     .roster_only = parent && t->roster_only,
	                     .theirs_until_ms = t->theirs_until_ms,
	                     .ours_until_ms = t->ours_until_ms,
	                     .body = gt_bytes_of(nonce, sizeof nonce)};
	int status = nodes_event(t, i, &e);
	assert(status == 0);
}

static void peer_down(struct nodes *t, unsigned i, uint32_t peer)
{
	struct gt_event e = {.type = GT_EV_PEER_DOWN, .peer = peer};
	int status = t->v[i].node ? nodes_event(t, i, &e) : 0;
	assert(status == 0);
}

unsigned nodes_wire(struct nodes *t, unsigned child, unsigned parent, bool cert)
{
	unsigned number = (unsigned)t->nwires++;
	struct wire *w = &t->wires[number];
	assert(t->nwires <= sizeof t->wires / sizeof *t->wires);
	*w = (struct wire){child, parent, ++t->links, ++t->links, true};
	peer_up(t, parent, w->far, false, cert ? t->v[child].code : "");
	peer_up(t, child, w->near, true, cert ? t->v[parent].code : "");
	return number;
}

void nodes_cut(struct nodes *t, unsigned wire)
{
	struct wire *w = &t->wires[wire];
	if (!w->up)
		return;
	w->up = false;
	peer_down(t, w->child, w->near);
	peer_down(t, w->parent, w->far);
}

uint32_t nodes_link(struct nodes *t, unsigned i, bool parent, const char *cert)
{
	uint32_t peer = ++t->links;
	peer_up(t, i, peer, parent, cert);
	return peer;
}

static void deliver(struct nodes *t, struct message *m)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = m->peer,
	                     .token = m->token,
	                     .body = gt_bytes_of(m->head, m->nhead),
	                     .payload = gt_bytes_of(m->payload, m->npayload),
	                     .bulk = &bulk};
	if (!wire_of(t, m->to, m->peer) || (t->hook && !t->hook(t, m)))
		return;
	e.body = gt_bytes_of(m->head, m->nhead);
	e.payload = gt_bytes_of(m->payload, m->npayload);
	int status = nodes_event(t, m->to, &e);
	assert(status == 0);
}

void nodes_hear(struct nodes *t, size_t nth)
{
	assert(nth < t->nanswers);
	struct answer a = t->answers[nth];
	t->nanswers--;
	memmove(t->answers + nth, t->answers + nth + 1,
	        (t->nanswers - nth) * sizeof *t->answers);
	a.e.body = gt_bytes_str(a.why);
	int status = nodes_event(t, a.node, &a.e);
	assert(status == 0);
}

static bool answer_one(struct nodes *t)
{
	for (size_t k = 0; k < t->nanswers; k++) {
		if (t->v[t->answers[k].node].held)
			continue;
		nodes_hear(t, k);
		return true;
	}
	return false;
}

void nodes_run(struct nodes *t)
{
	unsigned steps = 0;
	do {
		while (t->nqueue > 0) {
			struct message m = t->queue[0];
			t->nqueue--;
			memmove(t->queue, t->queue + 1,
			        t->nqueue * sizeof *t->queue);
			deliver(t, &m);
			message_free(&m);
			assert(++steps < 100000);
		}
	} while (answer_one(t));
}

void nodes_pass(struct nodes *t, uint64_t ms)
{
	uint64_t end = t->now.mono_ms + ms;
	struct gt_event e = {.type = GT_EV_TIME};
	nodes_run(t);
	for (unsigned steps = 0; steps < 10000; steps++) {
		uint64_t at = UINT64_MAX;
		unsigned who = 0;
		for (unsigned i = 0; i < NODES_MAX; i++) {
			uint64_t d = t->v[i].node
			                     ? gt_node_deadline(t->v[i].node)
			                     : UINT64_MAX;
			if (d < at) {
				at = d;
				who = i;
			}
		}
		if (at > end)
			break;
		if (at > t->now.mono_ms) {
			t->now.wall_ms += (int64_t)(at - t->now.mono_ms);
			t->now.mono_ms = at;
		}
		int status = nodes_event(t, who, &e);
		assert(status == 0);
		nodes_run(t);
	}
	t->now.wall_ms += (int64_t)(end - t->now.mono_ms);
	t->now.mono_ms = end;
}

static bool hangs(const struct nodes *t, unsigned child)
{
	for (size_t w = 0; w < t->nwires; w++)
		if (t->wires[w].up && t->wires[w].child == child)
			return true;
	return false;
}

void nodes_minute(struct nodes *t, unsigned last)
{
	for (int s = 0; s < 30; s++) {
		for (unsigned i = 1; i <= last; i++)
			if (!hangs(t, i))
				nodes_wire(t, i, i - 1, true);
		nodes_pass(t, 2000);
	}
}

/* ---------------------------------------------------------- scripts */

static void say(struct nodes *t, unsigned i, uint32_t peer, uint64_t token,
                const ProtobufCMessage *m, struct gt_bytes payload)
{
	struct gt_event e = {.type = GT_EV_MSG,
	                     .peer = peer,
	                     .token = token,
	                     .body = gt_arena_pack(t->arena, m),
	                     .payload = payload,
	                     .bulk = payload.n ? &bulk : NULL};
	int status = nodes_event(t, i, &e);
	assert(status == 0);
}

void nodes_ask(struct nodes *t, unsigned i, uint32_t peer, uint64_t token,
               const Gt__Request *r)
{
	say(t, i, peer, token, &r->base, (struct gt_bytes){0});
}

void nodes_answer(struct nodes *t, unsigned i, uint32_t peer, uint64_t token,
                  const Gt__Reply *r, struct gt_bytes payload)
{
	say(t, i, peer, token, &r->base, payload);
}

static void prove(const struct gt_key *key, const char *role, const char *child,
                  const char *parent, const uint8_t *child_nonce,
                  const uint8_t *parent_nonce, uint8_t proof[64])
{
	uint8_t text[300];
	gt_format((char *)text, sizeof text, "guantong hello v1\n%s\n%s\n%s\n",
	          role, child, parent);
	size_t n = strlen((char *)text);
	memcpy(text + n, child_nonce, 32);
	memcpy(text + n + 32, parent_nonce, 32);
	int status = gt_sign(key, gt_bytes_of(text, n + 64), proof);
	assert(status == 0);
}

uint32_t nodes_child(struct nodes *t, unsigned i, const char *code,
                     const struct gt_key *key)
{
	uint32_t peer = nodes_link(t, i, false, code);
	uint8_t nonce[32] = {3}, epoch[16] = {4, (uint8_t)t->links}, proof[64];
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Hello h;
	gt__hello__init(&h);
	Gt__Prove v = GT__PROVE__INIT;
	h.version_min = GT_PROTOCOL_MIN;
	h.version_max = GT_PROTOCOL_MAX;
	h.code = gt_arena_str(t->arena, code);
	h.parent = t->v[i].code;
	h.epoch = (ProtobufCBinaryData){16, epoch};
	h.nonce = (ProtobufCBinaryData){32, nonce};
	r.body_case = GT__REQUEST__BODY_HELLO;
	r.hello = &h;
	nodes_ask(t, i, peer, 1, &r);
	const struct done *d = nodes_replied(t, i, GT__REPLY__BODY_HELLO);
	assert(d && d->a.peer == peer);
	prove(key, "child", code, t->v[i].code, nonce,
	      d->reply->hello->nonce.data, proof);
	v.proof = (ProtobufCBinaryData){64, proof};
	r.body_case = GT__REQUEST__BODY_PROVE;
	r.prove = &v;
	nodes_ask(t, i, peer, 2, &r);
	d = nodes_replied(t, i, GT__REPLY__BODY_PROVE);
	assert(d && d->a.peer == peer);
	return peer;
}

uint32_t nodes_parent(struct nodes *t, unsigned i, const struct gt_key *key,
                      const uint8_t epoch[16], uint64_t *changes)
{
	uint32_t peer = nodes_link(t, i, true, t->v[i].parent);
	uint8_t nonce[32] = {5}, proof[64];
	Gt__Reply r = GT__REPLY__INIT;
	Gt__HelloReply h;
	gt__hello_reply__init(&h);
	const struct done *d = nodes_asked(t, i, GT__REQUEST__BODY_HELLO);
	assert(d && d->a.peer == peer);
	prove(key, "parent", t->v[i].code, t->v[i].parent,
	      d->request->hello->nonce.data, nonce, proof);
	h.version = d->request->hello->version_max;
	h.code = t->v[i].parent;
	h.epoch = (ProtobufCBinaryData){16, gt_arena_copy(t->arena, epoch, 16)};
	h.nonce = (ProtobufCBinaryData){32, nonce};
	h.proof = (ProtobufCBinaryData){64, proof};
	r.body_case = GT__REPLY__BODY_HELLO;
	r.hello = &h;
	nodes_answer(t, i, peer, d->a.token, &r, (struct gt_bytes){0});
	d = nodes_asked(t, i, GT__REQUEST__BODY_PROVE);
	assert(d && d->a.peer == peer);
	r.body_case = GT__REPLY__BODY_PROVE;
	r.prove = &t->proved;
	nodes_answer(t, i, peer, d->a.token, &r, (struct gt_bytes){0});
	d = nodes_asked(t, i, GT__REQUEST__BODY_CHANGES);
	if (changes)
		*changes = d ? d->a.token : 0;
	return peer;
}
