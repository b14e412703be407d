/* f_record.c: a record a child hands up, to a real node.
 *
 * First byte: what of the envelope is true, bit by bit: 0 the id is the body's,
 * 1 the form, 2 flags and target, 3 the authority is an agent, 4 the origin is
 * under the child, 5 the origin is new. Second and third: how many bytes of
 * authority follow; then the body. Whatever it is, it is acknowledged: taken,
 * set aside or known already. What was taken can be given out: it renders to
 * one JSON object, of that id, vouched for by an object. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nodes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { TOP, MID, KEEP = 256 };
enum {
	ID = 1 << 0,
	FORM = 1 << 1,
	VOID = 1 << 2,
	AUTHORITY = 1 << 3,
	ORIGIN = 1 << 4,
	ANEW = 1 << 5,
};

static struct nodes *t;
static uint32_t peer;
static uint64_t uses;

static void fresh(void)
{
	if (t && uses < KEEP)
		return;
	if (t)
		nodes_free(t);
	t = nodes_new();
	nodes_open(t, TOP, "33", "", NULL);
	nodes_open(t, MID, "3301", "33", NULL);
	nodes_enrol(t);
	peer = nodes_child(t, TOP, "3301", &t->v[MID].key);
	uses = 0;
}

static ProtobufCBinaryData kept(const void *p, size_t n)
{
	return (ProtobufCBinaryData){n, gt_arena_copy(t->arena, p, n)};
}

/* What is true of that body, where it is a statement at all. */
static struct gt_statement truth(struct gt_bytes body)
{
	static const uint8_t ids[1][GT_UUID_BYTES] = {{9}};
	struct gt_statement s = {0};
	char why[200];
	(void)gt_statements_parse(body, GT_XAPI_ANY, ids, 1, &s, 1, why,
	                          sizeof why);
	return s;
}

static void fill(Gt__Record *r, unsigned is, struct gt_bytes authority,
                 struct gt_bytes body)
{
	static const uint8_t other[32] = {7};
	static const char agent[] = "{\"mbox\":\"mailto:a@b.cn\"}";
	struct gt_statement s = truth(body);
	char *text = gt_arena_get(t->arena, authority.n + 1);
	assert(text);
	if (authority.n)
		memcpy(text, authority.p, authority.n);
	text[authority.n] = '\0';
	gt__record__init(r);
	r->seq = uses;
	r->origin = gt_arena_str(t->arena, is & ORIGIN ? "330106" : "3302");
	r->origin_epoch = kept(is & ANEW ? other : other + 8, GT_EPOCH_BYTES);
	r->origin_seq = uses;
	r->id = kept(is & ID ? s.id : other, GT_UUID_BYTES);
	r->form = kept(is & FORM ? s.form.b : other, GT_ID_BYTES);
	r->flags = is & VOID ? s.flags : s.flags ^ GT_STATEMENT_VOIDS;
	r->target = kept(is & VOID ? s.target : other, GT_UUID_BYTES);
	r->authority = is & AUTHORITY ? gt_arena_str(t->arena, agent) : text;
	r->body = kept(body.p, body.n);
}

static void hand_up(Gt__Record *r)
{
	Gt__Request q = GT__REQUEST__INIT;
	Gt__Records m = GT__RECORDS__INIT;
	m.after = uses - 1;
	m.records = &r;
	m.n_records = 1;
	q.body_case = GT__REQUEST__BODY_RECORDS;
	q.records = &m;
	nodes_clear(t, TOP);
	nodes_ask(t, TOP, peer, uses, &q);
	const struct done *d = nodes_replied(t, TOP, GT__REPLY__BODY_RECORDS);
	assert(d && d->reply->records->hop == uses);
}

static void give_out(const struct gt_bytes body, const uint8_t *id,
                     const char *authority)
{
	char want[GT_UUID_TEXT];
	char *text = gt_statement_render_at(body, id, 1000, "x", authority);
	assert(text);
	json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!v) /* numbers beyond 64 bits */
		v = json_loads(text,
		               JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
		               NULL);
	assert(json_is_object(v));
	gt_uuid_format(want, id);
	const char *got = json_string_value(json_object_get(v, "id"));
	uint8_t back[GT_UUID_BYTES];
	assert(got && gt_uuid_parse(back, got) &&
	       memcmp(back, id, GT_UUID_BYTES) == 0);
	json_t *who = json_object_get(v, "authority");
	assert(!*authority || json_is_object(who));
	json_decref(v);
	free(text);
}

static int64_t count(const char *table)
{
	return nodes_int(t, TOP, "SELECT count(*) FROM %s", table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	Gt__Record r;
	if (n < 3)
		return 0;
	fresh();
	uses++;
	gt_arena_reset(t->arena);
	size_t vouch = (size_t)data[1] | (size_t)data[2] << 8;
	if (vouch > n - 3)
		vouch = n - 3;
	const uint8_t *rest = data + 3 + vouch;
	fill(&r, data[0], gt_bytes_of(data + 3, vouch),
	     gt_bytes_of(rest, n - 3 - vouch));
	int64_t records = count("record"), aside = count("quarantine");
	static struct gt_node_status before, after;
	gt_node_status(t->v[TOP].node, &before);
	hand_up(&r);
	gt_node_status(t->v[TOP].node, &after);
	bool taken = count("record") == records + 1;
	bool known = after.records_duplicate == before.records_duplicate + 1;
	bool set_aside =
	        after.records_quarantined == before.records_quarantined + 1;
	assert(taken + known + set_aside == 1);
	assert(count("quarantine") <= aside + set_aside);
	if (taken)
		give_out(gt_bytes_of(r.body.data, r.body.len), r.id.data,
		         r.authority);
	return 0;
}
