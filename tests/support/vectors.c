#include "vectors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gt_arena *arena;
static struct vector *list;
static size_t count;

static void *copy(const void *p, size_t n)
{
	void *out = gt_arena_copy(arena, p, n);
	assert(out);
	return out;
}

static char *str(const char *s)
{
	return copy(s, strlen(s) + 1);
}

static ProtobufCBinaryData bytes(const void *p, size_t n)
{
	return (ProtobufCBinaryData){n, copy(p, n)};
}

static ProtobufCBinaryData fill(uint8_t b, size_t n)
{
	uint8_t v[64];
	assert(n <= sizeof v);
	memset(v, b, n);
	return bytes(v, n);
}

static ProtobufCBinaryData packed(struct gt_bytes b)
{
	assert(b.p);
	return bytes(b.p, b.n);
}

static struct gt_key key_of(uint8_t b)
{
	uint8_t seed[32];
	struct gt_key key;
	memset(seed, b, sizeof seed);
	int status = gt_key_from_seed(&key, seed);
	assert(status == 0);
	return key;
}

static void add(const char *name, const char *about, const void *m, size_t n)
{
	assert(count < VECTORS_MAX);
	list[count++] = (struct vector){name, about, copy(m, n)};
}

static void request(const char *name, const char *about,
                    Gt__Request__BodyCase which, const void *m, size_t n)
{
	Gt__Request r = GT__REQUEST__INIT;
	r.body_case = which;
	r.hello = copy(m, n); /* all bodies are one pointer */
	add(name, about, &r, sizeof r);
}

static void reply(const char *name, const char *about,
                  Gt__Reply__BodyCase which, const void *m, size_t n)
{
	Gt__Reply r = GT__REPLY__INIT;
	r.body_case = which;
	r.error = copy(m, n);
	add(name, about, &r, sizeof r);
}

#define REQUEST(name, about, which, m) \
	request(name, about, GT__REQUEST__BODY_##which, &(m), sizeof(m))
#define REPLY(name, about, which, m) \
	reply(name, about, GT__REPLY__BODY_##which, &(m), sizeof(m))

/* ---------------------------------------------------- signed things */

static struct gt_bytes entry_body(const char *id)
{
	Gt__Entry e;
	gt__entry__init(&e);
	Gt__Text t, *title = &t;
	gt__text__init(&t);
	char *audience = str("teachers");
	t.lang = str("zh-CN");
	t.text = str("乡村教师数字素养");
	e.id = str(id);
	e.version = 2;
	e.publisher = str("33");
	e.title = &title;
	e.n_title = 1;
	e.type = str("course");
	e.audiences = &audience;
	e.n_audiences = 1;
	e.licence = str("CC-BY-4.0");
	e.created_ms = 1700000000000;
	e.modified_ms = 1700000001000;
	e.plain_size = 1048576;
	e.stored_size = 300000;
	e.members = 3;
	e.object = fill(0xab, 32);
	e.origin_level = str("province");
	return gt_arena_pack(arena, &e.base);
}

static struct gt_bytes layer_body(void)
{
	Gt__Layer m;
	gt__layer__init(&m);
	Gt__Rule r, *rules = &r;
	gt__rule__init(&r);
	Gt__Predicate p = GT__PREDICATE__INIT, *when = &p;
	char *level = str("village"), *value = str("video");
	p.field = GT__FIELD__TYPE;
	p.values = &value;
	p.n_values = 1;
	r.name = str("no-video-in-villages");
	r.levels = &level;
	r.n_levels = 1;
	r.when = &when;
	r.n_when = 1;
	r.verdict = GT__VERDICT__METADATA;
	r.priority = 40;
	m.origin = str("33");
	m.version = 7;
	m.rules = &rules;
	m.n_rules = 1;
	m.fallback = GT__VERDICT__MIRROR;
	m.priority = 50;
	m.created_ms = 1700000000000;
	return gt_arena_pack(arena, &m.base);
}

static struct gt_bytes member_body(void)
{
	Gt__Member m;
	gt__member__init(&m);
	struct gt_key key = key_of(1);
	m.code = str("3301");
	m.version = 1;
	m.level = str("city");
	m.key = bytes(key.public, 32);
	m.name = str("杭州市");
	return gt_arena_pack(arena, &m.base);
}

static struct gt_bytes sealed(uint8_t seed, Gt__Kind kind,
                              const struct gt_bytes *bodies, size_t n, size_t i)
{
	struct gt_bytes out[8];
	struct gt_key key = key_of(seed);
	int status = gt_seal(&key, kind, bodies, n, arena, out);
	assert(status == 0 && i < n && n <= 8);
	return out[i];
}

static void one_signed(const char *name, const char *about, struct gt_bytes b)
{
	const Gt__Signed *s =
	        gt__signed__unpack(gt_arena_allocator(arena), b.n, b.p);
	assert(s);
	list[count++] = (struct vector){name, about, &s->base};
}

static void signed_things(void)
{
	struct gt_bytes body = entry_body("33/literacy"), batch[3];
	struct gt_bytes layer = layer_body(), member = member_body();
	const Gt__Entry *e =
	        gt__entry__unpack(gt_arena_allocator(arena), body.n, body.p);
	assert(e);
	add("entry", "A resource's metadata: the body of signed-entry.", e,
	    sizeof *e);
	batch[0] = entry_body("33/a");
	batch[1] = entry_body("33/b");
	batch[2] = entry_body("33/c");
	one_signed("signed-entry",
	           "A batch of one, signed by 33 (seed 02 x 32): no path.",
	           sealed(2, GT__KIND__RESOURCE, &body, 1, 0));
	one_signed(
	        "signed-batch",
	        "The third of three (33/c): its leaf is a subtree of its own,\n"
	        "so one sibling hash leads to the root.",
	        sealed(2, GT__KIND__RESOURCE, batch, 3, 2));
	one_signed("signed-layer", "33's policy, signed by 33.",
	           sealed(2, GT__KIND__LAYER, &layer, 1, 0));
	one_signed(
	        "signed-member",
	        "A row of the roster, signed with the roster key (seed 03 x 32)"
	        ".",
	        sealed(3, GT__KIND__MEMBER, &member, 1, 0));
}

/* ---------------------------------------------------------- session */

static ProtobufCBinaryData proof(uint8_t seed, const char *role)
{
	uint8_t text[200], sig[64];
	struct gt_key key = key_of(seed);
	gt_format((char *)text, sizeof text,
	          "guantong hello v1\n%s\n3301\n33\n", role);
	size_t n = strlen((char *)text);
	memset(text + n, 0x11, 32);
	memset(text + n + 32, 0x22, 32);
	int status = gt_sign(&key, gt_bytes_of(text, n + 64), sig);
	assert(status == 0);
	return bytes(sig, 64);
}

static void session(void)
{
	Gt__Hello h;
	gt__hello__init(&h);
	Gt__HelloReply hr;
	gt__hello_reply__init(&hr);
	Gt__Prove p = GT__PROVE__INIT;
	Gt__ProveReply pr = GT__PROVE_REPLY__INIT;
	h.version_min = 1;
	h.version_max = 2;
	h.code = str("3301");
	h.parent = str("33");
	h.epoch = fill(0x10, 16);
	h.nonce = fill(0x11, 32);
	h.lineage = fill(0x12, 32);
	REQUEST("hello", "The child's first words.", HELLO, h);
	hr.version = 2;
	hr.code = str("33");
	hr.epoch = fill(0x20, 16);
	hr.nonce = fill(0x22, 32);
	hr.proof = proof(2, "parent");
	REPLY("hello-reply",
	      "The parent (seed 02 x 32) proves itself. Signed text:\n"
	      "\"guantong hello v1\\nparent\\n3301\\n33\\n\", 32 x 11, 32 x "
	      "22.",
	      HELLO, hr);
	p.proof = proof(1, "child");
	REQUEST("prove",
	        "The child (seed 01 x 32) does. Signed text:\n"
	        "\"guantong hello v1\\nchild\\n3301\\n33\\n\", 32 x 11, 32 x "
	        "22.",
	        PROVE, p);
	pr.layer_version = 4;
	pr.records = 1000;
	pr.acked = 77;
	pr.layer_hash = fill(0x13, 32);
	pr.strange = true;
	REPLY("prove-reply", "Where the parent is with this child.", PROVE, pr);
}

/* ------------------------------------------------------------ lists */

/* The list itself is what a zstd makes of it: here, some bytes. */
static Gt__StatusLists *lists_of(uint64_t upto, uint64_t met)
{
	Gt__StatusLists all;
	Gt__StatusList one;
	gt__status_lists__init(&all);
	gt__status_list__init(&one);
	struct gt_bytes body = member_body();
	one.member = packed(sealed(1, GT__KIND__MEMBER, &body, 1, 0));
	one.list = fill(0x28, 24);
	Gt__StatusList *ones[1] = {copy(&one, sizeof one)};
	all.lists = copy(ones, sizeof ones);
	all.n_lists = 1;
	all.upto = upto;
	all.met = met;
	return copy(&all, sizeof all);
}

static void lists(void)
{
	Gt__Changes c = GT__CHANGES__INIT;
	Gt__ChangesReply r = GT__CHANGES_REPLY__INIT;
	c.epoch = fill(0x20, 16);
	c.after = 79;
	c.wait_ms = 15000;
	c.lists = lists_of(4, 11);
	REQUEST("changes-lists",
	        "The child has a list of revoked certificates.", CHANGES, c);
	r.epoch = fill(0x20, 16);
	r.upto = 79;
	r.lists = lists_of(12, 4);
	REPLY("changes-reply-lists", "So has the parent, of somebody else's.",
	      CHANGES, r);
}

/* ------------------------------------------------------------- feed */

static void feed(void)
{
	Gt__Changes c = GT__CHANGES__INIT;
	Gt__NodeStatus s;
	gt__node_status__init(&s);
	Gt__ChangesReply r = GT__CHANGES_REPLY__INIT;
	Gt__Change a, b;
	gt__change__init(&a);
	gt__change__init(&b);
	Gt__Change *changes[2] = {copy(&a, sizeof a), copy(&b, sizeof b)};
	Gt__Inventory m = GT__INVENTORY__INIT;
	Gt__Inventory__Row row;
	gt__inventory__row__init(&row);
	Gt__Inventory__Row *rows = copy(&row, sizeof row);
	Gt__Offer o;
	gt__offer__init(&o);
	struct gt_bytes body = entry_body("33/literacy"), layer = layer_body();
	s.resources = 12;
	s.complete = 5;
	s.wanted = 1;
	s.bytes = 123456789;
	s.records = 1003;
	s.records_waiting = 3;
	s.software = str("guantong 0.1.0");
	c.epoch = fill(0x20, 16);
	c.after = 77;
	c.wait_ms = 15000;
	c.status = copy(&s, sizeof s);
	REQUEST("changes", "What came after 77? Waits up to 15 s.", CHANGES, c);
	changes[0]->seq = 78;
	changes[0]->item = packed(sealed(2, GT__KIND__RESOURCE, &body, 1, 0));
	changes[0]->verdict = GT__VERDICT__ON_DEMAND;
	changes[0]->priority = 60;
	changes[0]->rule = str("courses");
	changes[0]->layer = str("33");
	changes[1]->seq = 79;
	changes[1]->retract = str("33/gone");
	changes[1]->rule = str("no-video-in-villages");
	changes[1]->layer = str("33");
	r.epoch = fill(0x20, 16);
	r.changes = copy(changes, sizeof changes);
	r.n_changes = 2;
	r.upto = 79;
	r.root_mark = 990;
	REPLY("changes-reply", "One entry to hold, one to let go of.", CHANGES,
	      r);
	rows->id = str("33/literacy");
	rows->hash = fill(0xcd, 32);
	rows->verdict = GT__VERDICT__MIRROR;
	m.rows = copy(&rows, sizeof rows);
	m.n_rows = 1;
	m.first = m.last = 1;
	REQUEST("inventory", "All the child holds, on one page.", INVENTORY, m);
	o.item = packed(sealed(1, GT__KIND__LAYER, &layer, 1, 0));
	REQUEST("offer",
	        "A child's layer (the layer of signed-layer, here signed\n"
	        "by 3301: a parent refuses it, for its origin is 33).",
	        OFFER, o);
	gt__offer__init(&o);
	o.given_up = str("33/gone");
	o.version = 12;
	REQUEST("offer-given-up",
	        "The parent sent 33/gone in an older version than the child\n"
	        "once had, and was told to let go of.",
	        OFFER, o);
}

/* ---------------------------------------------------------- content */

static void content(void)
{
	Gt__GetManifest g = GT__GET_MANIFEST__INIT;
	Gt__ManifestPiece mp = GT__MANIFEST_PIECE__INIT;
	Gt__GetFrame f = GT__GET_FRAME__INIT;
	Gt__FrameHead fh = GT__FRAME_HEAD__INIT;
	Gt__Done d = GT__DONE__INIT;
	Gt__Ok ok = GT__OK__INIT;
	Gt__Error e;
	gt__error__init(&e);
	g.object = fill(0xab, 32);
	g.offset = 262144;
	g.transfer = fill(0x77, 16);
	REQUEST("get-manifest", "The manifest from byte 262144 on.", MANIFEST,
	        g);
	mp.size = 262200;
	mp.offset = 262144;
	REPLY("manifest-piece", "The last 56 bytes follow as the payload.",
	      MANIFEST, mp);
	f.object = fill(0xab, 32);
	f.frame = 5;
	f.transfer = fill(0x77, 16);
	f.suspect = 1;
	REQUEST("get-frame", "Frame 5 once more: the last copy was damaged.",
	        FRAME, f);
	fh.frame = 5;
	REPLY("frame-head", "The stored frame follows as the payload.", FRAME,
	      fh);
	d.transfer = fill(0x77, 16);
	d.object = fill(0xab, 32);
	d.bytes = 300200;
	d.frames = 6;
	REQUEST("done",
	        "The child has the object, checked and durable. In version 2 "
	        "it "
	        "says so until it is answered.",
	        DONE, d);
	REPLY("ok", "Nothing more to say.", OK, ok);
	e.code = GT_EUNAVAILABLE;
	e.text = str("not here yet");
	e.retry_ms = 1000;
	REPLY("error", "Ask again in a second.", ERROR, e);
}

static void records(void)
{
	Gt__Records m = GT__RECORDS__INIT;
	Gt__Record one;
	gt__record__init(&one);
	Gt__Record *r = copy(&one, sizeof one);
	Gt__RecordsReply v = GT__RECORDS_REPLY__INIT;
	static const char body[] = "{\"id\":\"...\"}";
	r->seq = 1001;
	r->origin = str("330106109210");
	r->origin_epoch = fill(0x30, 16);
	r->origin_seq = 41;
	r->id = fill(0x44, 16);
	r->form = fill(0x55, 32);
	r->flags = 1;
	r->target = fill(0x66, 16);
	r->stored_ms = 1700000002000;
	r->body = bytes(body, sizeof body - 1);
	r->authority = str("{\"name\":\"school\"}");
	m.after = 1000;
	m.records = copy(&r, sizeof r);
	m.n_records = 1;
	REQUEST("records", "One statement, which voids another.", RECORDS, m);
	Gt__Records w = GT__RECORDS__INIT;
	Gt__RecordName name;
	gt__record_name__init(&name);
	Gt__RecordName *wanted = copy(&name, sizeof name);
	wanted->origin = r->origin;
	wanted->origin_epoch = r->origin_epoch;
	wanted->origin_seq = r->origin_seq;
	wanted->id = r->id;
	w.after = 1001;
	w.patient = true;
	w.wanted = copy(&wanted, sizeof wanted);
	w.n_wanted = 1;
	REQUEST("records-wanted", "It rotted on the child's disk.", RECORDS, w);
	w.n_wanted = 0;
	w.again = m.records;
	w.n_again = 1;
	REQUEST("records-again", "... or on the parent's, which asked for it.",
	        RECORDS, w);
	v.hop = 1001;
	v.root = 990;
	REPLY("records-reply", "The parent has 1001, the root 990.", RECORDS,
	      v);
}

size_t vectors_make(struct gt_arena *a, struct vector out[VECTORS_MAX])
{
	arena = a;
	list = out;
	count = 0;
	session();
	feed();
	lists();
	content();
	records();
	signed_things();
	return count;
}

/* ---------------------------------------------------------- showing */

static void show(FILE *f, const ProtobufCMessage *m, int depth);

static void show_bytes(FILE *f, const ProtobufCBinaryData *b)
{
	for (size_t i = 0; i < b->len; i++)
		fprintf(f, "%02x", b->data[i]);
}

static void show_value(FILE *f, const ProtobufCFieldDescriptor *d,
                       const void *v, int depth)
{
	const ProtobufCEnumValue *e;
	fprintf(f, "%*s%s", 2 * depth, "", d->name);
	switch (d->type) {
	case PROTOBUF_C_TYPE_UINT32:
		fprintf(f, ": %" PRIu32 "\n", *(const uint32_t *)v);
		break;
	case PROTOBUF_C_TYPE_UINT64:
		fprintf(f, ": %" PRIu64 "\n", *(const uint64_t *)v);
		break;
	case PROTOBUF_C_TYPE_INT64:
		fprintf(f, ": %" PRId64 "\n", *(const int64_t *)v);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		fprintf(f, ": %s\n",
		        *(const protobuf_c_boolean *)v ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_STRING:
		fprintf(f, ": \"%s\"\n", *(char *const *)v);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		fputs(": ", f);
		show_bytes(f, v);
		fputc('\n', f);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		e = protobuf_c_enum_descriptor_get_value(d->descriptor,
		                                         *(const int *)v);
		fprintf(f, ": %s\n", e ? e->name : "?");
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		fputs(" {\n", f);
		show(f, *(ProtobufCMessage *const *)v, depth + 1);
		fprintf(f, "%*s}\n", 2 * depth, "");
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
	default:
		assert(false && "a type the protocol does not use");
	}
}

static size_t size_of(ProtobufCType type)
{
	switch ((int)type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		return 8;
	default:
		return 4;
	}
}

/* Proto3: a field at its default is not there. */
static bool absent(const ProtobufCFieldDescriptor *d, const void *v)
{
	static const uint8_t zeros[16];
	if (d->type == PROTOBUF_C_TYPE_STRING)
		return **(char *const *)v == '\0';
	if (d->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(ProtobufCMessage *const *)v == NULL;
	if (d->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)v)->len == 0;
	return memcmp(v, zeros, size_of(d->type)) == 0;
}

static void show(FILE *f, const ProtobufCMessage *m, int depth)
{
	const char *base = (const char *)m;
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *d = &m->descriptor->fields[i];
		const char *v = base + d->offset;
		if (d->label == PROTOBUF_C_LABEL_REPEATED) {
			size_t n = *(
			        const size_t
			                *)(const void *)(base +
			                                 d->quantifier_offset);
			const char *at = *(char *const *)(const void *)v;
			for (size_t k = 0; k < n; k++)
				show_value(f, d, at + k * size_of(d->type),
				           depth);
			continue;
		}
		if (d->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
			if (*(const uint32_t
			              *)(const void *)(base +
			                               d->quantifier_offset) ==
			    d->id)
				show_value(f, d, v, depth);
			continue;
		}
		if (!absent(d, v))
			show_value(f, d, v, depth);
	}
}

char *vectors_show(const ProtobufCMessage *m)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	assert(f);
	fprintf(f, "%s {\n", m->descriptor->short_name);
	show(f, m, 1);
	fputs("}\n", f);
	int status = fclose(f);
	assert(status == 0);
	return text;
}
