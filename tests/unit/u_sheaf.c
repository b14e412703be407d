/* u_sheaf.c: records as they travel, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <zstd.h>

#include "arena.h"
#include "prefix.h"
#include "sheaf.h"

static uint64_t seed = 0x5eed;

static uint64_t draw(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* As a course writes one; `plain`: without an id. */
static const char *text_of(struct gt_arena *a, const uint8_t *id, bool plain)
{
	char *out = gt_arena_get(a, 1000), name[GT_UUID_TEXT],
	     reg[GT_UUID_TEXT];
	uint8_t raw[GT_UUID_BYTES];
	for (int i = 0; i < GT_UUID_BYTES; i++)
		raw[i] = (uint8_t)draw(256);
	raw[6] = (uint8_t)((raw[6] & 15) | 0x40);
	raw[8] = (uint8_t)((raw[8] & 63) | 0x80);
	gt_uuid_format(name, id);
	gt_uuid_format(reg, raw);
	gt_format(
	        out, 1000,
	        "{%s%s%s\"actor\":{\"account\":{\"homePage\":\"https://x.cn\","
	        "\"name\":\"l%u\"}},\"verb\":{\"id\":\"http://adlnet.gov/"
	        "expapi/"
	        "verbs/%s\"},\"object\":{\"id\":\"https://x.cn/lesson/%u\"},"
	        "\"context\":{\"registration\":\"%s\"}}",
	        plain ? "" : "\"id\":\"", plain ? "" : name, plain ? "" : "\",",
	        (unsigned)draw(100000), draw(2) ? "completed" : "answered",
	        (unsigned)draw(900), reg);
	return out;
}

static Gt__Record *record(struct gt_arena *a, bool plain)
{
	Gt__Record *r = gt_arena_get(a, sizeof *r);
	uint8_t *p = gt_arena_get(a, GT_UUID_BYTES + GT_ID_BYTES);
	struct gt_statement s;
	char why[200] = "";
	uint8_t id[1][GT_UUID_BYTES];
	for (int i = 0; i < GT_UUID_BYTES; i++)
		id[0][i] = (uint8_t)draw(256);
	id[0][6] = (uint8_t)((id[0][6] & 15) | 0x40);
	id[0][8] = (uint8_t)((id[0][8] & 63) | 0x80);
	const char *text = text_of(a, id[0], plain);
	assert_int_equal(
	        gt_statements_parse(gt_bytes_str(text), GT_XAPI_ANY,
	                            (const uint8_t(*)[GT_UUID_BYTES])id, 1, &s,
	                            1, why, sizeof why),
	        1);
	memcpy(p, s.id, GT_UUID_BYTES);
	memcpy(p + GT_UUID_BYTES, s.form.b, GT_ID_BYTES);
	gt__record__init(r);
	r->id = (ProtobufCBinaryData){GT_UUID_BYTES, p};
	r->form = (ProtobufCBinaryData){GT_ID_BYTES, p + GT_UUID_BYTES};
	r->body = (ProtobufCBinaryData){strlen(text),
	                                gt_arena_copy(a, text, strlen(text))};
	return r;
}

/* A batch as nodes make one: of several origins, with gaps, some of them back
 * under numbers of before, some with nobody to vouch. */
static void batch(struct gt_arena *a, size_t n, Gt__Records *m)
{
	static char codes[][16] = {"3301", "330106", "330106004"};
	static char none[] = "", redacted[] = "redact:names+text@33/4";
	static char by[][100] = {
	        "", "{\"account\":{\"homePage\":\"urn:guantong:3301\",\"name\":"
	            "\"terminal:1\"}}"};
	static uint8_t epochs[2][16] = {{1}, {2}};
	int64_t ms = 1790000000000;
	uint64_t seq = draw(3), other = 1;
	gt__records__init(m);
	m->after = seq;
	m->records = gt_arena_get(a, n * sizeof *m->records);
	m->n_records = n;
	for (size_t i = 0; i < n; i++) {
		Gt__Record *r = m->records[i] = record(a, draw(4) == 0);
		seq += 1 + (draw(8) == 0 ? draw(1000) : 0);
		other = draw(9) ? other + 1 : 1 + draw(500);
		r->seq = seq;
		r->origin = codes[draw(20) ? 1 : draw(3)];
		r->origin_epoch =
		        (ProtobufCBinaryData){16, epochs[draw(30) == 0]};
		r->origin_seq = other;
		r->seal = 1;
		r->stored_ms = ms += (int64_t)draw(3000) - 500;
		r->authority = by[draw(6) > 0];
		r->policy = draw(9) ? none : redacted;
		r->flags = draw(2) ? GT_STATEMENT_NAMED : 0;
	}
}

static void same(const Gt__Records *a, const Gt__Records *b)
{
	assert_int_equal(a->n_records, b->n_records);
	for (size_t i = 0; i < a->n_records; i++) {
		const Gt__Record *x = a->records[i], *y = b->records[i];
		uint8_t one[2000], other[2000];
		size_t n = gt__record__get_packed_size(x);
		assert_int_equal(n, gt__record__get_packed_size(y));
		assert_true(n <= sizeof one);
		(void)gt__record__pack(x, one);
		(void)gt__record__pack(y, other);
		assert_memory_equal(one, other, n);
	}
}

static void there_and_back(void **state)
{
	struct gt_arena *a = gt_arena_new();
	(void)state;
	for (size_t n = 1; n <= 200; n = n * 2 + 1) {
		Gt__Records m, wire;
		bool *derived;
		batch(a, n, &m);
		wire = m;
		assert_int_equal(gt_sheaf_bind(a, &wire), 0);
		assert_int_equal(wire.n_records, 0);
		assert_int_equal(gt_sheaf_untie(a, &wire, &derived), 0);
		same(&m, &wire);
		for (size_t i = 0; i < n; i++)
			assert_true(derived[i]);
		gt_arena_reset(a);
	}
	gt_arena_free(a);
}

/* A body that is not what its envelope says is not taken for it. */
static void what_does_not_fit_is_marked(void **state)
{
	struct gt_arena *a = gt_arena_new();
	Gt__Records m, wire;
	bool *derived;
	(void)state;
	batch(a, 4, &m);
	m.records[1]->body.data[0] = '[';
	m.records[2]->flags ^= GT_STATEMENT_VOIDS;
	m.records[3] = record(a, true);
	m.records[3]->seq = m.records[2]->seq + 1;
	m.records[3]->origin = m.records[2]->origin;
	m.records[3]->id.len = 0;
	wire = m;
	assert_int_equal(gt_sheaf_bind(a, &wire), 0);
	assert_int_equal(gt_sheaf_untie(a, &wire, &derived), 0);
	assert_true(derived[0]);
	assert_false(derived[1]);
	assert_false(derived[2]);
	assert_false(derived[3]);
	gt_arena_free(a);
}

/* Compresses any Records as a sheaf. */
static void tie(struct gt_arena *a, Gt__Records *inner, Gt__Records *wire)
{
	struct gt_bytes plain = gt_arena_pack(a, &inner->base);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t cap = ZSTD_compressBound(plain.n);
	gt__records__init(wire);
	wire->sheaf_bytes = (uint32_t)plain.n;
	wire->sheaf.data = gt_arena_get(a, cap);
	wire->sheaf.len = ZSTD_compress_usingDict(ctx, wire->sheaf.data, cap,
	                                          plain.p, plain.n, gt_prefix,
	                                          sizeof gt_prefix - 1, 1);
	ZSTD_freeCCtx(ctx);
}

static void malformed(void **state)
{
	static char none[] = "";
	struct gt_arena *a = gt_arena_new();
	Gt__Records m, inner = GT__RECORDS__INIT, wire, bad;
	bool *derived;
	(void)state;
	batch(a, 3, &m);
	inner.records = m.records;
	inner.n_records = 3;
	tie(a, &inner, &wire);
	/* each byte of it cut off, and altered; nothing is read beyond it */
	for (size_t i = 0; i < wire.sheaf.len; i++) {
		bad = wire;
		bad.sheaf.data = gt_arena_copy(a, wire.sheaf.data, i + 1);
		bad.sheaf.len = i;
		assert_int_equal(gt_sheaf_untie(a, &bad, &derived),
		                 -GT_EMALFORMED);
		bad = wire;
		bad.sheaf.data =
		        gt_arena_copy(a, wire.sheaf.data, wire.sheaf.len);
		bad.sheaf.data[i] ^= (uint8_t)(1 + draw(255));
		(void)gt_sheaf_untie(a, &bad, &derived);
	}
	bad = wire;
	bad.sheaf_bytes++;
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	/* more than a message may be, none at all, and records beside it */
	bad = wire;
	bad.sheaf_bytes = GT_HEAD_MAX + 1;
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	inner.n_records = 0;
	tie(a, &inner, &bad);
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	bad = wire;
	bad.n_records = 3;
	bad.records = m.records;
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	/* numbers beyond all */
	inner.n_records = 3;
	m.records[0]->seq = INT64_MAX;
	tie(a, &inner, &bad);
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	m.records[0]->seq = 1;
	m.records[1]->origin = none;
	m.records[1]->origin_seq = UINT64_MAX;
	tie(a, &inner, &bad);
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	gt_arena_free(a);
}

/* More rows than a batch may have. */
static void too_many(void **state)
{
	struct gt_arena *a = gt_arena_new();
	Gt__Records inner = GT__RECORDS__INIT, bad;
	Gt__Record *one = record(a, false);
	bool *derived;
	(void)state;
	inner.n_records = GT_RECORDS_ROWS + 1;
	inner.records = gt_arena_get(a, inner.n_records * sizeof(Gt__Record *));
	for (size_t i = 0; i < inner.n_records; i++)
		inner.records[i] = one;
	tie(a, &inner, &bad);
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	gt_arena_free(a);
}

/* Two million bytes of nothing at all are some hundred on the wire. */
static void a_million_of_nothing(void **state)
{
	struct gt_arena *a = gt_arena_new();
	Gt__Records bad = GT__RECORDS__INIT;
	uint8_t *p = gt_arena_get(a, GT_HEAD_MAX);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	bool *derived;
	(void)state;
	assert_true(p && ctx);
	for (size_t i = 0; i < GT_HEAD_MAX; i += 2) {
		p[i] = 2 << 3 | 2;
		p[i + 1] = 0;
	}
	size_t cap = ZSTD_compressBound(GT_HEAD_MAX);
	bad.sheaf_bytes = GT_HEAD_MAX;
	bad.sheaf.data = gt_arena_get(a, cap);
	bad.sheaf.len = ZSTD_compress_usingDict(ctx, bad.sheaf.data, cap, p,
	                                        GT_HEAD_MAX, gt_prefix,
	                                        sizeof gt_prefix - 1, 3);
	ZSTD_freeCCtx(ctx);
	assert_true(bad.sheaf.len < 1000);
	assert_int_equal(gt_sheaf_untie(a, &bad, &derived), -GT_EMALFORMED);
	assert_false(gt_arena_short(a));
	gt_arena_free(a);
}

/* What it is for. */
static void is_small(void **state)
{
	struct gt_arena *a = gt_arena_new();
	(void)state;
	for (size_t n = 1; n <= 256; n *= 256) {
		Gt__Records m;
		size_t before, after;
		batch(a, n, &m);
		before = gt__records__get_packed_size(&m);
		assert_int_equal(gt_sheaf_bind(a, &m), 0);
		after = gt__records__get_packed_size(&m);
		print_message("%zu records: %zu bytes, %zu\n", n, before,
		              after);
		assert_true(after * (n == 1 ? 2 : 4) < before);
	}
	gt_arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(there_and_back),
	        cmocka_unit_test(what_does_not_fit_is_marked),
	        cmocka_unit_test(malformed),
	        cmocka_unit_test(too_many),
	        cmocka_unit_test(a_million_of_nothing),
	        cmocka_unit_test(is_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
