/* f_wire.c: a neighbour that says anything, to a real node.
 *
 * First byte, low two bits: 0 a stranger to a parent, 1 a child that has proved
 * itself, 2 a parent that has not, 3 one that has. Second byte: its lowest bit
 * chooses which open question a parent answers, the others say how many bytes
 * at the end are payload. What is left is the head. No such message may stop
 * the node, which is made anew now and then.
 *
 * That a session's signatures hold is u_seal's to say; here (the Makefile wraps
 * them) they cost nothing, so that a hundred times as many messages are tried
 * in the same time. What is sealed for good is signed as ever.
 *
 * A node keeps what it was told, which libFuzzer takes for a leak each time.
 * libFuzzer: -detect_leaks=0 */
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "nodes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { TOP, MID, KEEP = 1024 };

static struct nodes *t;
static unsigned uses;

int __wrap_gt_sign(const struct gt_key *key, struct gt_bytes text,
                   uint8_t sig[GT_SIGNATURE_BYTES]);
int __wrap_gt_verify(const uint8_t public[GT_KEY_BYTES], struct gt_bytes text,
                     const uint8_t sig[GT_SIGNATURE_BYTES]);

/* Whoever knows the public key can sign. */
static void mark(const uint8_t public[GT_KEY_BYTES], struct gt_bytes text,
                 uint8_t sig[GT_SIGNATURE_BYTES])
{
	struct gt_bytes parts[2] = {{public, GT_KEY_BYTES}, text};
	struct gt_id id;
	gt_sha256(&id, parts, 2);
	memset(sig, 0, GT_SIGNATURE_BYTES);
	memcpy(sig, id.b, sizeof id.b);
}

int __wrap_gt_sign(const struct gt_key *key, struct gt_bytes text,
                   uint8_t sig[GT_SIGNATURE_BYTES])
{
	mark(key->public, text, sig);
	return 0;
}

int __wrap_gt_verify(const uint8_t public[GT_KEY_BYTES], struct gt_bytes text,
                     const uint8_t sig[GT_SIGNATURE_BYTES])
{
	uint8_t good[GT_SIGNATURE_BYTES];
	mark(public, text, good);
	return memcmp(sig, good, sizeof good) == 0 ? 0 : -GT_ESIGNATURE;
}

static void fresh(void)
{
	if (!t)
		heap_own();
	if (t && ++uses % KEEP != 0)
		return;
	if (t)
		nodes_free(t);
	t = nodes_new();
	nodes_open(t, TOP, "33", "", NULL);
	nodes_open(t, MID, "3301", "33", NULL);
	nodes_enrol(t);
}

/* An entry of the parent's, sealed once. */
static struct gt_bytes entry(void)
{
	static uint8_t object[32] = {7}, kept[4096];
	static size_t n;
	Gt__Entry e;
	struct gt_bytes sealed;
	if (n > 0)
		return gt_bytes_of(kept, n);
	gt__entry__init(&e);
	e.id = gt_arena_str(t->arena, "33/a");
	e.publisher = t->v[TOP].code;
	e.version = 1;
	e.object = (ProtobufCBinaryData){32, object};
	struct gt_bytes body = gt_arena_pack(t->arena, &e.base);
	int status = gt_seal(&t->v[TOP].key, GT__KIND__RESOURCE, &body, 1,
	                     t->arena, &sealed);
	assert(status == 0 && sealed.n <= sizeof kept);
	n = sealed.n;
	memcpy(kept, sealed.p, n);
	return gt_bytes_of(kept, n);
}

/* A child that wants an object has a second question open. */
static void want_object(uint32_t peer, uint64_t changes, const uint8_t *epoch)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
	Gt__Change change, *list = &change;
	struct gt_bytes sealed = entry();
	gt__change__init(&change);
	change.seq = 1U + uses;
	change.item = (ProtobufCBinaryData){
	        sealed.n, gt_arena_copy(t->arena, sealed.p, sealed.n)};
	change.verdict = GT__VERDICT__MIRROR;
	c.epoch = (ProtobufCBinaryData){16, gt_arena_copy(t->arena, epoch, 16)};
	c.changes = &list;
	c.n_changes = 1;
	c.upto = 1U + uses;
	r.body_case = GT__REPLY__BODY_CHANGES;
	r.changes = &c;
	nodes_answer(t, MID, peer, changes, &r, (struct gt_bytes){0});
}

static uint64_t question(Gt__Request__BodyCase which)
{
	const struct done *d = nodes_asked(t, MID, which);
	return d ? d->a.token : 0;
}

static void say(unsigned i, uint32_t peer, uint64_t token, const uint8_t *p,
                size_t n, size_t payload)
{
	struct gt_event e = {.type = GT_EV_MSG, .peer = peer, .token = token};
	static int anything;
	union {
		int *i;
		struct gt_bulk *b;
	} bulk = {.i = &anything};
	if (payload > n)
		payload = n;
	e.body = gt_bytes_of(p, n - payload);
	e.payload = gt_bytes_of(p + (n - payload), payload);
	e.bulk = bulk.b;
	int status = nodes_event(t, i, &e);
	assert(status == 0);
	nodes_run(t);
	struct gt_event down = {.type = GT_EV_PEER_DOWN, .peer = peer};
	status = nodes_event(t, i, &down);
	assert(status == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t epoch[16];
	uint64_t token = 1;
	uint32_t peer;
	if (n < 2)
		return 0;
	fresh();
	nodes_clear(t, TOP);
	nodes_clear(t, MID);
	gt_arena_reset(t->arena);
	memset(epoch, (int)(uses / KEEP % 255) + 1, sizeof epoch);
	unsigned to = data[0] & 2 ? MID : TOP;
	switch (data[0] & 3) {
	case 0:
		peer = nodes_link(t, TOP, false, "");
		break;
	case 1:
		peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
		break;
	case 2:
		peer = nodes_link(t, MID, true, "33");
		token = question(GT__REQUEST__BODY_HELLO);
		break;
	default:
		peer = nodes_parent(t, MID, &t->v[TOP].key, epoch, &token);
		if (token)
			want_object(peer, token, epoch);
		token = question(data[1] & 1 ? GT__REQUEST__BODY_MANIFEST
		                             : GT__REQUEST__BODY_CHANGES);
		break;
	}
	say(to, peer, token, data + 2, n - 2, data[1] >> 1);
	return 0;
}
