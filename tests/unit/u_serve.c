/* u_serve.c: what a child that is a script gets, and when it waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "content_inside.h"
#include "unit/node_kit.h"

static uint8_t name[17] = {7, 7, 7}; /* of what the script fetches */
static size_t name_n = GT_TRANSFER_BYTES;

/* Has the child judged: it asks for changes, and need not wait for any. */
static void judged(struct nodes *t, unsigned i, uint32_t peer)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	c.epoch = (ProtobufCBinaryData){16, t->v[i].node->epoch};
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	nodes_ask(t, i, peer, 40, &r);
	assert_non_null(nodes_replied(t, i, GT__REPLY__BODY_CHANGES));
}

/* n bytes of it, until the next one. */
static ProtobufCBinaryData id_of(const struct gt_id *id, size_t n)
{
	static uint8_t bytes[GT_ID_BYTES + 1];
	assert_true(n <= sizeof bytes);
	memcpy(bytes, id->b, GT_ID_BYTES);
	return (ProtobufCBinaryData){n, bytes};
}

static void ask(struct nodes *t, unsigned i, uint32_t peer, uint64_t token,
                const Gt__Request *r)
{
	nodes_clear(t, i);
	nodes_ask(t, i, peer, token, r);
}

static void ask_manifest(struct nodes *t, unsigned i, uint32_t peer,
                         uint64_t token, const struct gt_id *id, size_t n,
                         uint64_t offset)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetManifest m = GT__GET_MANIFEST__INIT;
	m.object = id_of(id, n);
	m.transfer = (ProtobufCBinaryData){name_n, name};
	m.offset = offset;
	r.body_case = GT__REQUEST__BODY_MANIFEST;
	r.manifest = &m;
	ask(t, i, peer, token, &r);
}

static void ask_frame(struct nodes *t, unsigned i, uint32_t peer,
                      uint64_t token, const struct gt_id *id, size_t n,
                      uint32_t frame)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__GetFrame m = GT__GET_FRAME__INIT;
	m.object = id_of(id, n);
	m.transfer = (ProtobufCBinaryData){name_n, name};
	m.frame = frame;
	m.suspect = true;
	r.body_case = GT__REQUEST__BODY_FRAME;
	r.frame = &m;
	ask(t, i, peer, token, &r);
}

/* The last answer is this Error, to that request. */
static void assert_told(struct nodes *t, unsigned i, uint64_t token,
                        enum gt_error code, const char *text, uint64_t retry_ms)
{
	const struct done *d = nodes_replied(t, i, GT__REPLY__BODY_ERROR);
	assert_non_null(d);
	assert_int_equal(d->a.token, token);
	assert_int_equal(d->reply->error->code, code);
	assert_string_equal(d->reply->error->text, text);
	assert_int_equal(d->reply->error->retry_ms, retry_ms);
}

static void assert_silent(struct nodes *t, unsigned i)
{
	assert_null(nodes_replied(t, i, GT__REPLY__BODY_ERROR));
	assert_null(nodes_replied(t, i, GT__REPLY__BODY_MANIFEST));
	assert_int_equal(nodes_count(t, i, GT_ACT_SERVE), 0);
}

static uint32_t waiting(struct nodes *t, unsigned i)
{
	return t->v[i].node->content->nwaiters;
}

/* ----------------------------------------------------- what is here */

static void manifests(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	ask_manifest(t, TOP, peer, 50, &p.object, 32, 0);
	assert_told(t, TOP, 50, GT_EDENIED,
	            "policy does not give you this object", 0);
	judged(t, TOP, peer);
	const uint64_t offsets[] = {0, 1, p.manifest_n - 1};
	uint64_t sent = 0;
	for (size_t i = 0; i < 3; i++) {
		ask_manifest(t, TOP, peer, 51, &p.object, 32, offsets[i]);
		const struct done *d =
		        nodes_replied(t, TOP, GT__REPLY__BODY_MANIFEST);
		assert_non_null(d);
		assert_int_equal(d->a.token, 51);
		assert_int_equal(d->reply->manifest->size, p.manifest_n);
		assert_int_equal(d->reply->manifest->offset, offsets[i]);
		size_t n = p.manifest_n - (size_t)offsets[i];
		assert_true(gt_bytes_eq(
		        d->a.payload, gt_bytes_of(p.manifest + offsets[i], n)));
		sent += n;
	}
	assert_int_equal(nodes_status(t, TOP)->children[0].bytes_sent, sent);
	assert_int_equal(nodes_status(t, TOP)->children[0].frames_sent, 0);
	ask_manifest(t, TOP, peer, 52, &p.object, 32, p.manifest_n);
	assert_told(t, TOP, 52, GT_EINVALID, "offset beyond the manifest's end",
	            0);
	ask_manifest(t, TOP, peer, 53, &p.object, 31, 0);
	assert_true(nodes_dropped(t, TOP, "an object id of the wrong length"));
	pack_clear(&p);
}

static void frames(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 300000);
	struct gt_manifest *m = pack_manifest(&p);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	/* a "no" is not remembered as a "yes" */
	for (int k = 0; k < 2; k++) {
		ask_frame(t, TOP, peer, 50, &p.object, 32, 0);
		assert_told(t, TOP, 50, GT_EDENIED,
		            "policy does not give you this object", 0);
	}
	judged(t, TOP, peer);
	const struct gt_node_status before = *nodes_status(t, TOP);
	for (uint32_t f = 0; f < m->nframes; f++) {
		ask_frame(t, TOP, peer, 60 + f, &p.object, 32, f);
		const struct done *d = nodes_last(t, TOP, GT_ACT_SERVE, 0);
		assert_non_null(d);
		assert_int_equal(d->a.peer, peer);
		assert_int_equal(d->a.token, 60 + f);
		assert_int_equal(d->a.frame, f);
		assert_int_equal(d->reply->frame->frame, f);
		assert_true(d->a.check);
		assert_true(gt_id_eq(&d->a.object, &p.object));
		assert_memory_equal(d->a.id.b, m->ids + (size_t)f * 32, 32);
		assert_int_equal(d->a.offset, m->stored_at[f]);
		assert_int_equal(d->a.n, m->stored[f]);
		assert_memory_equal(d->a.transfer.b, name, GT_TRANSFER_BYTES);
	}
	uint64_t bytes = m->stored_at[m->nframes];
	assert_int_equal(nodes_status(t, TOP)->frames_out - before.frames_out,
	                 m->nframes);
	assert_int_equal(nodes_status(t, TOP)->bytes_out - before.bytes_out,
	                 bytes);
	assert_int_equal(nodes_status(t, TOP)->children[0].frames_sent,
	                 m->nframes);
	assert_int_equal(nodes_status(t, TOP)->children[0].bytes_sent, bytes);
	ask_frame(t, TOP, peer, 50, &p.object, 32, m->nframes);
	assert_told(t, TOP, 50, GT_EINVALID, "no such frame in the object", 0);
	ask_frame(t, TOP, peer, 50, &p.object, 33, 0);
	assert_true(nodes_dropped(t, TOP, "an object id of the wrong length"));
	gt_manifest_free(m);
	pack_clear(&p);
}

/* What has no name of a name's length is sent under none. */
static void a_name_that_is_none(void **state)
{
	static const struct gt_transfer_id none;
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	judged(t, TOP, peer);
	for (name_n = 0; name_n <= sizeof name; name_n++) {
		ask_frame(t, TOP, peer, 60, &p.object, 32, 0);
		const struct done *d = nodes_last(t, TOP, GT_ACT_SERVE, 0);
		assert_non_null(d);
		assert_int_equal(gt_transfer_id_eq(&d->a.transfer, &none),
		                 name_n != GT_TRANSFER_BYTES);
	}
	name_n = GT_TRANSFER_BYTES;
	pack_clear(&p);
}

/* What was counted of a transfer is in its row; of the last sixteen. */
static void counted_by_name(void **state)
{
	enum { MANY = 17 };
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	struct gt_manifest *m = pack_manifest(&p);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	judged(t, TOP, peer);
	for (uint8_t k = 0; k < MANY; k++) {
		name[15] = k;
		ask_frame(t, TOP, peer, 60, &p.object, 32, 0);
		ask_frame(t, TOP, peer, 60, &p.object, 32, 0);
	}
	/* one did not go after all; what is not known is not counted down */
	struct gt_event fault = {.type = GT_EV_FAULT,
	                         .peer = peer,
	                         .token = 60,
	                         .object = p.object,
	                         .status = -GT_ENOMEM};
	for (uint8_t k = 0; k < 2; k++) {
		memcpy(fault.transfer.b, name, GT_TRANSFER_BYTES);
		fault.transfer.b[15] = k;
		assert_int_equal(nodes_event(t, TOP, &fault), 0);
	}
	for (uint8_t k = 0; k < MANY; k++) {
		Gt__Request r = GT__REQUEST__INIT;
		Gt__Done d = GT__DONE__INIT;
		uint64_t n = k == 0 ? 0 : k == 1 ? 1 : 2;
		char detail[100];
		name[15] = k;
		d.transfer = (ProtobufCBinaryData){name_n, name};
		d.object = (ProtobufCBinaryData){32, p.object.b};
		d.frames = 5;
		r.body_case = GT__REQUEST__BODY_DONE;
		r.done = &d;
		nodes_ask(t, TOP, peer, 9, &r);
		gt_format(detail, sizeof detail,
		          "protocol=6 frames=5; sent %llu bytes in %llu frames",
		          (unsigned long long)(n * m->stored[0]),
		          (unsigned long long)n);
		assert_string_equal(
		        nodes_text(t, TOP,
		                   "SELECT detail FROM audit WHERE event="
		                   "'serve' ORDER BY aid DESC LIMIT 1"),
		        detail);
	}
	name[15] = 0;
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE event="
	                           "'serve' AND kind='object' AND "
	                           "peer='3301' AND length(subject)=64"),
	                 MANY);
	gt_manifest_free(m);
	pack_clear(&p);
}

/* ------------------------------------------------- what is not here */

static bool no_payload(struct nodes *t, struct message *m)
{
	(void)t;
	return m->npayload == 0;
}

/* MID knows of TOP's object, and gets nothing of it; a script is its child. */
static uint32_t withheld(struct nodes *t, struct pack *p)
{
	package(p, 1, 300000);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = no_payload;
	assert_int_equal(publish(t, TOP, "a", p), 0);
	nodes_run(t);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	judged(t, MID, peer);
	return peer;
}

static void told_to_ask_again_within_a_heartbeat(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	uint32_t peer = withheld(t, &p);
	ask_manifest(t, MID, peer, 70, &p.object, 32, 0);
	assert_silent(t, MID);
	nodes_pass(t, 1000);
	ask_frame(t, MID, peer, 71, &p.object, 32, 0);
	nodes_pass(t, 13999);
	assert_silent(t, MID);
	assert_int_equal(waiting(t, MID), 2);
	nodes_pass(t, 1);
	assert_told(t, MID, 70, GT_EUNAVAILABLE, "not here yet", 1000);
	assert_int_equal(waiting(t, MID), 1);
	nodes_clear(t, MID);
	nodes_pass(t, 999);
	assert_silent(t, MID);
	nodes_pass(t, 1);
	assert_told(t, MID, 71, GT_EUNAVAILABLE, "not here yet", 1000);
	assert_int_equal(waiting(t, MID), 0);
	pack_clear(&p);
}

static void answered_when_it_comes(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	uint32_t peer = withheld(t, &p);
	struct gt_manifest *m = pack_manifest(&p);
	ask_manifest(t, MID, peer, 70, &p.object, 32, 5);
	ask_frame(t, MID, peer, 71, &p.object, 32, 1);
	ask_frame(t, MID, peer, 72, &p.object, 32, m->nframes);
	assert_silent(t, MID);
	t->hook = NULL;
	nodes_cut(t, 0);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	const struct done *d = nodes_replied(t, MID, GT__REPLY__BODY_MANIFEST);
	assert_non_null(d);
	assert_int_equal(d->a.token, 70);
	assert_int_equal(d->reply->manifest->offset, 5);
	assert_int_equal(d->a.payload.n, p.manifest_n - 5);
	assert_told(t, MID, 72, GT_EINVALID, "no such frame in the object", 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SERVE), 1);
	d = nodes_last(t, MID, GT_ACT_SERVE, 0);
	assert_int_equal(d->a.token, 71);
	assert_int_equal(d->a.frame, 1);
	assert_true(d->a.check);
	assert_memory_equal(d->a.transfer.b, name, GT_TRANSFER_BYTES);
	assert_int_equal(waiting(t, MID), 0);
	gt_manifest_free(m);
	pack_clear(&p);
}

/* What comes in the turn in which its time is up has come. */
static void answered_at_the_last_moment(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	held_back(t, &p, 1000);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	judged(t, MID, peer);
	ask_frame(t, MID, peer, 70, &p.object, 32, 0);
	assert_silent(t, MID);
	assert_int_equal(t->nanswers, 1);
	t->now.mono_ms += 15000;
	const struct gt_event e[2] = {t->answers[0].e, {.type = GT_EV_TIME}};
	assert_int_equal(e[0].type, GT_EV_PLACED);
	struct gt_actions a;
	size_t taken, served = 0;
	assert_int_equal(gt_node_turn(t->v[MID].node, t->now, e, 2, &taken, &a),
	                 0);
	for (size_t i = 0; i < a.n; i++) {
		served += a.v[i].type == GT_ACT_SERVE && a.v[i].token == 70;
		assert_false(a.v[i].type == GT_ACT_SEND && a.v[i].reply);
	}
	assert_int_equal(served, 1);
	t->nanswers = 0;
	pack_clear(&p);
}

/* Waited for first, asked for first: what nobody waits for comes after. */
static void fetched_in_the_order_it_is_waited_for(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 2 << 20);
	struct gt_manifest *m = pack_manifest(&p);
	uint32_t last = m->nframes - 1;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = no_payload;
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	nodes_run(t);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	judged(t, MID, peer);
	ask_frame(t, MID, peer, 70, &p.object, 32, last);
	t->hook = NULL;
	nodes_cut(t, 0);
	nodes_clear(t, MID);
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	uint32_t first = UINT32_MAX;
	size_t asked = 0;
	for (size_t k = 0; k < t->v[MID].nlog; k++) {
		const Gt__Request *r = t->v[MID].log[k].request;
		if (!r || r->body_case != GT__REQUEST__BODY_FRAME)
			continue;
		if (first == UINT32_MAX)
			first = r->frame->frame;
		asked += r->frame->frame == last;
	}
	assert_int_equal(first, last);
	/* and is asked for once */
	assert_int_equal(asked, 1);
	gt_manifest_free(m);
	pack_clear(&p);
}

/* What others are fetched before is not: only what is waited for. */
static void fetched_for_who_waits_alone(void **state)
{
	enum { AT_ONCE = 4 };
	struct nodes *t = *state;
	struct pack p;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->v[MID].held = true; /* those before it are never done */
	for (unsigned k = 0; k <= AT_ONCE; k++) {
		char slug[8];
		package(&p, k, k < AT_ONCE ? 10 : 2 << 20);
		gt_format(slug, sizeof slug, "r%u", k);
		assert_int_equal(publish(t, TOP, slug, &p), 0);
		if (k < AT_ONCE)
			pack_clear(&p);
	}
	nodes_run(t);
	assert_int_equal(nodes_status(t, MID)->ntransfers, AT_ONCE);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	judged(t, MID, peer);
	ask_frame(t, MID, peer, 70, &p.object, 32, 3);
	nodes_run(t);
	assert_int_equal(nodes_asked_count(t, MID, GT__REQUEST__BODY_FRAME), 1);
	const struct done *d = nodes_asked(t, MID, GT__REQUEST__BODY_FRAME);
	assert_memory_equal(d->request->frame->object.data, p.object.b, 32);
	assert_int_equal(d->request->frame->frame, 3);
	assert_int_equal(nodes_status(t, MID)->ntransfers, AT_ONCE);
	pack_clear(&p);
}

static void forgotten_with_its_link(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	uint32_t peer = withheld(t, &p);
	nodes_open(t, 3, "330107", "3301", NULL);
	nodes_enrol(t);
	uint32_t other = nodes_child(t, MID, "330107", &t->v[3].key);
	judged(t, MID, other);
	for (uint32_t k = 0; k < 3; k++)
		ask_frame(t, MID, k == 1 ? other : peer, 70 + k, &p.object, 32,
		          k);
	assert_int_equal(waiting(t, MID), 3);
	struct gt_event down = {.type = GT_EV_PEER_DOWN, .peer = peer};
	assert_int_equal(nodes_event(t, MID, &down), 0);
	assert_int_equal(waiting(t, MID), 1);
	nodes_clear(t, MID);
	nodes_pass(t, 15000);
	assert_told(t, MID, 71, GT_EUNAVAILABLE, "not here yet", 1000);
	assert_int_equal(nodes_replied(t, MID, GT__REPLY__BODY_ERROR)->a.peer,
	                 other);
	pack_clear(&p);
}

static void as_many_as_may_wait(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	uint32_t peer = withheld(t, &p);
	for (uint32_t k = 0; k < GT_WAITERS_MAX; k++)
		ask_frame(t, MID, peer, k, &p.object, 32, 0);
	assert_silent(t, MID);
	assert_int_equal(waiting(t, MID), GT_WAITERS_MAX);
	ask_frame(t, MID, peer, 70, &p.object, 32, 0);
	assert_told(t, MID, 70, GT_EBUSY, "too many requests are waiting",
	            1000);
	assert_int_equal(waiting(t, MID), GT_WAITERS_MAX);
	pack_clear(&p);
}

/* Each is a piece of memory: those nobody waits for make room, the others do
 * not. */
static void as_many_objects_as_may_be_open(void **state)
{
	enum { MANY = GT_OBJECTS_OPEN + 1 };
	static struct gt_id ids[MANY];
	struct nodes *t = *state;
	nodes_wire(t, MID, TOP, true);
	nodes_run(t);
	t->hook = no_payload;
	for (unsigned k = 0; k < MANY; k++) {
		struct pack p;
		char slug[8];
		package(&p, k, 10);
		gt_format(slug, sizeof slug, "r%u", k);
		assert_int_equal(publish(t, TOP, slug, &p), 0);
		ids[k] = p.object;
		pack_clear(&p);
	}
	nodes_run(t);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	judged(t, MID, peer);
	for (unsigned k = 0; k + 1 < MANY; k++) {
		ask_manifest(t, MID, peer, 70, &ids[k], 32, 0);
		assert_silent(t, MID);
	}
	ask_manifest(t, MID, peer, 71, &ids[MANY - 1], 32, 0);
	assert_told(t, MID, 71, GT_EBUSY, "too many objects open", 1000);
	/* at the end all of them are here */
	t->hook = NULL;
	nodes_cut(t, 0);
	nodes_wire(t, MID, TOP, true);
	nodes_pass(t, 1000);
	assert_int_equal(
	        nodes_int(t, MID, "SELECT count(*) FROM object WHERE state=4"),
	        MANY);
	ask_manifest(t, MID, peer, 71, &ids[MANY - 1], 32, 0);
	assert_non_null(nodes_replied(t, MID, GT__REPLY__BODY_MANIFEST));
}

/* A child that has yet to hear that it may not have it any more, and that this
 * node has let go of it. */
static void no_longer_to_be_had(void **state)
{
	static const char *const list[] = {"course", "metadata", NULL};
	struct nodes *t = *state;
	struct pack p;
	offered(t, &p, 1000);
	nodes_pass(t, 1000);
	assert_holds(t, MID, &p);
	uint32_t peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	judged(t, MID, peer);
	ask_frame(t, MID, peer, 70, &p.object, 32, 0);
	assert_int_equal(nodes_count(t, MID, GT_ACT_SERVE), 1);
	/* it comes again, and has not asked for changes yet */
	struct gt_event down = {.type = GT_EV_PEER_DOWN, .peer = peer};
	assert_int_equal(nodes_event(t, MID, &down), 0);
	assert_int_equal(nodes_layer(t, TOP, list), 0);
	nodes_run(t);
	assert_null(nodes_file(t, MID, &p.object));
	peer = nodes_child(t, MID, "330106", &t->v[LOW].key);
	ask_frame(t, MID, peer, 71, &p.object, 32, 0);
	assert_told(t, MID, 71, GT_EDENIED,
	            "policy does not give you this object", 0);
	ask_manifest(t, MID, peer, 72, &p.object, 32, 0);
	assert_told(t, MID, 72, GT_EDENIED,
	            "policy does not give you this object", 0);
	assert_int_equal(nodes_int(t, MID, "SELECT count(*) FROM object"), 0);
	pack_clear(&p);
}

/* ----------------------------------------------------------- faults */

static void what_a_fault_was_of(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	package(&p, 1, 1000);
	struct gt_manifest *m = pack_manifest(&p);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	uint32_t peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	judged(t, TOP, peer);
	struct gt_event fault = {.type = GT_EV_FAULT,
	                         .peer = peer,
	                         .token = 77,
	                         .object = p.object,
	                         .frame = m->nframes,
	                         .status = -GT_EDAMAGED};
	/* of a frame there is not */
	nodes_clear(t, TOP);
	assert_int_equal(nodes_event(t, TOP, &fault), 0);
	assert_told(t, TOP, 77, GT_EUNAVAILABLE, "not here any more", 1000);
	assert_holds(t, TOP, &p);
	/* of one that is: its bytes are gone, and who asked waits for others */
	fault.frame = m->nframes - 1;
	nodes_clear(t, TOP);
	assert_int_equal(nodes_event(t, TOP, &fault), 0);
	assert_silent(t, TOP);
	assert_int_equal(waiting(t, TOP), 1);
	assert_int_equal(object_state(t, TOP, &p.object), GT_OBJECT_PARTIAL);
	assert_int_equal(nodes_int(t, TOP, "SELECT present FROM object"),
	                 m->nframes - 1);
	assert_int_equal(nodes_status(t, TOP)->frames_damaged, 1);
	char detail[40];
	gt_format(detail, sizeof detail, "frame=%u", fault.frame);
	assert_int_equal(nodes_int(t, TOP,
	                           "SELECT count(*) FROM audit WHERE "
	                           "event='damage' AND result='DAMAGED' AND "
	                           "subject='%s' AND detail='%s' AND bytes=%u",
	                           object_hex(&p.object), detail,
	                           m->stored[fault.frame]),
	                 1);
	/* said again, it is no news */
	assert_int_equal(nodes_event(t, TOP, &fault), 0);
	assert_int_equal(nodes_status(t, TOP)->frames_damaged, 1);
	assert_int_equal(waiting(t, TOP), 2);
	/* nobody waits on a link that is gone */
	fault.peer = 999;
	assert_int_equal(nodes_event(t, TOP, &fault), 0);
	assert_int_equal(waiting(t, TOP), 2);
	gt_manifest_free(m);
	pack_clear(&p);
}

/* One frame more is lost of what is not whole: the row has what is left, and
 * the transfer is the one it was. */
static void lost_while_others_are_fetched(void **state)
{
	struct nodes *t = *state;
	struct pack p;
	char before[GT_HEX_TRANSFER];
	package(&p, 1, 300000);
	struct gt_manifest *m = pack_manifest(&p);
	assert_true(m->nframes > 2);
	assert_int_equal(publish(t, TOP, "a", &p), 0);
	for (uint32_t f = 0; f < 2; f++) {
		struct gt_event fault = {.type = GT_EV_FAULT,
		                         .object = p.object,
		                         .frame = f,
		                         .status = -GT_EDAMAGED};
		assert_int_equal(nodes_event(t, TOP, &fault), 0);
		assert_int_equal(object_state(t, TOP, &p.object),
		                 GT_OBJECT_PARTIAL);
		assert_int_equal(
		        nodes_int(t, TOP, "SELECT present FROM object"),
		        m->nframes - 1 - f);
		assert_int_equal(
		        nodes_int(t, TOP,
		                  "SELECT count(*) FROM audit WHERE "
		                  "event='damage' AND detail='frame=%u'",
		                  f),
		        1);
		if (f == 0)
			gt_copy(before, sizeof before,
			        nodes_text(t, TOP,
			                   "SELECT hex(transfer) FROM object"));
	}
	assert_string_equal(
	        nodes_text(t, TOP, "SELECT hex(transfer) FROM object"), before);
	gt_manifest_free(m);
	pack_clear(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, nodes_three, nodes_gone)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(manifests),
	        T(frames),
	        T(a_name_that_is_none),
	        T(counted_by_name),
	        T(told_to_ask_again_within_a_heartbeat),
	        T(answered_when_it_comes),
	        T(answered_at_the_last_moment),
	        T(fetched_in_the_order_it_is_waited_for),
	        T(fetched_for_who_waits_alone),
	        T(forgotten_with_its_link),
	        T(as_many_as_may_wait),
	        T(as_many_objects_as_may_be_open),
	        T(no_longer_to_be_had),
	        T(what_a_fault_was_of),
	        T(lost_while_others_are_fetched),
	};
	return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
