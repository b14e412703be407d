/* sheaf.c: the records of a batch as they travel between programs of version 6
 * (M48): compressed together, each without what its body says by itself, its
 * numbers as differences from the one before.
 *
 * A statement is some 650 bytes, an identifier of 16 and a form of 32 beside it.
 * In a sheaf of a hundred it is less than 100, for most of it is what all of
 * them say; alone it is some 250, for words that statements are made of lie
 * before it (proto/prefix.h).
 *
 * What the receiver works out from the body need not be compared with it: it is
 * marked, and merge.c does not parse it a second time.
 * Tests: u_sheaf.c, fuzz/f_sheaf.c. */
#include "sheaf.h"

#include <string.h>
#include <zstd.h>

#include "json.h"
#include "prefix.h"
#include "turn.h"

enum { LEVEL = 3 };

/* --------------------------------------------------------------- bind */

/* Whether the body names that id: it is then left out. */
static bool names_itself(const Gt__Record *r)
{
	struct gt_bytes key, value;
	struct gt_json_iter it;
	char id[GT_UUID_TEXT + 2];
	if (r->id.len != GT_UUID_BYTES ||
	    gt_json_open(&it, gt_bytes_of(r->body.data, r->body.len)) != '{')
		return false;
	gt_uuid_format(id + 1, r->id.data);
	id[0] = id[GT_UUID_TEXT] = '"';
	while (gt_json_next(&it, &key, &value) == 1)
		if (gt_bytes_eq(key, gt_bytes_str("\"id\"")))
			return gt_bytes_eq(value,
			                   gt_bytes_of(id, GT_UUID_TEXT + 1));
	return false;
}

/* What a record says beyond its own body and the one before it. */
static void shorten(Gt__Record *out, const Gt__Record *r, const Gt__Record *was)
{
	static char none[] = "";
	/* what came back has a lesser number than what went before it */
	bool same = was && r->origin_seq > was->origin_seq &&
	            strcmp(was->origin, r->origin) == 0 &&
	            gt_bytes_eq(gt_bytes_of(was->origin_epoch.data,
	                                    was->origin_epoch.len),
	                        gt_bytes_of(r->origin_epoch.data,
	                                    r->origin_epoch.len));
	*out = *r;
	out->flags &= ~(uint32_t)GT_SHEAF_NOBODY;
	if (was &&
	    ((r->seal == 1 && was->seal == 1) ||
	     (r->seal > 1 && r->seal == was->seal && r->leaf == was->leaf + 1)))
		out->seal = out->leaf = 0;
	out->form = out->target = (ProtobufCBinaryData){0, NULL};
	if (names_itself(r))
		out->id = (ProtobufCBinaryData){0, NULL};
	if (!was)
		return;
	out->seq = r->seq - was->seq - 1;
	out->stored_ms =
	        (int64_t)((uint64_t)r->stored_ms - (uint64_t)was->stored_ms);
	if (strcmp(was->authority, r->authority) == 0)
		out->authority = none;
	else if (!*r->authority)
		out->flags |= GT_SHEAF_NOBODY;
	if (!same)
		return;
	out->origin = none;
	out->origin_epoch = (ProtobufCBinaryData){0, NULL};
	out->origin_seq = r->origin_seq - was->origin_seq;
}

static int compress(struct gt_arena *arena, struct gt_bytes plain,
                    ProtobufCBinaryData *out)
{
	size_t cap = ZSTD_compressBound(plain.n);
	uint8_t *to = gt_arena_get(arena, cap);
	ZSTD_CCtx *ctx = to ? ZSTD_createCCtx() : NULL;
	if (!ctx)
		return -GT_ENOMEM;
	size_t n =
	        ZSTD_compress_usingDict(ctx, to, cap, plain.p, plain.n,
	                                gt_prefix, sizeof gt_prefix - 1, LEVEL);
	ZSTD_freeCCtx(ctx);
	*out = (ProtobufCBinaryData){n, to};
	return ZSTD_isError(n) ? -GT_ENOMEM : 0;
}

int gt_sheaf_bind(struct gt_arena *arena, Gt__Records *m)
{
	Gt__Records inner = GT__RECORDS__INIT;
	size_t n = m->n_records;
	Gt__Record *v = gt_arena_get(arena, (n + 1) * sizeof *v);
	inner.records = gt_arena_get(arena, (n + 1) * sizeof *inner.records);
	if (!v || !inner.records)
		return -GT_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		shorten(&v[i], m->records[i], i ? m->records[i - 1] : NULL);
		inner.records[i] = &v[i];
	}
	inner.n_records = n;
	inner.n_seals = m->n_seals;
	inner.seals = m->seals;
	struct gt_bytes plain = gt_arena_pack(arena, &inner.base);
	if (!plain.p)
		return -GT_ENOMEM;
	m->sheaf_bytes = (uint32_t)plain.n;
	m->n_records = m->n_seals = 0;
	return compress(arena, plain, &m->sheaf);
}

/* -------------------------------------------------------------- untie */

static int decompress(struct gt_arena *arena, const Gt__Records *m,
                      struct gt_bytes *out)
{
	uint8_t *to;
	if (m->sheaf_bytes > GT_HEAD_MAX ||
	    ZSTD_findFrameCompressedSize(m->sheaf.data, m->sheaf.len) !=
	            m->sheaf.len ||
	    ZSTD_getFrameContentSize(m->sheaf.data, m->sheaf.len) !=
	            m->sheaf_bytes)
		return -GT_EMALFORMED;
	to = gt_arena_get(arena, m->sheaf_bytes + 1);
	ZSTD_DCtx *ctx = to ? ZSTD_createDCtx() : NULL;
	if (!ctx)
		return -GT_ENOMEM;
	size_t n = ZSTD_decompress_usingDict(ctx, to, m->sheaf_bytes,
	                                     m->sheaf.data, m->sheaf.len,
	                                     gt_prefix, sizeof gt_prefix - 1);
	ZSTD_freeDCtx(ctx);
	*out = gt_bytes_of(to, m->sheaf_bytes);
	return n == m->sheaf_bytes ? 0 : -GT_EMALFORMED;
}

static bool add(uint64_t *to, uint64_t was, uint64_t more)
{
	*to += was;
	return *to >= was && *to <= INT64_MAX - more;
}

/* What one before it said for it too. False: numbers that there are not. */
static bool lengthen(Gt__Record *r, const Gt__Record *was)
{
	bool nobody = r->flags & GT_SHEAF_NOBODY;
	bool next = was && r->seal == 0 && was->seal > 1;
	r->flags &= ~(uint32_t)GT_SHEAF_NOBODY;
	if (next) {
		r->seal = was->seal;
		r->leaf = was->leaf + 1;
	} else if (r->seal == 0) {
		r->seal = 1;
	}
	if (!was)
		return true;
	if (!add(&r->seq, was->seq, 1))
		return false;
	r->seq++;
	r->stored_ms =
	        (int64_t)((uint64_t)r->stored_ms + (uint64_t)was->stored_ms);
	if (!*r->authority && !nobody)
		r->authority = was->authority;
	if (*r->origin)
		return true;
	r->origin = was->origin;
	r->origin_epoch = was->origin_epoch;
	return add(&r->origin_seq, was->origin_seq, 0);
}

/* id, form and target, as its body has them. *derived: it has. */
static int derive(struct gt_arena *arena, Gt__Record *r, bool *derived)
{
	char why[GT_WHY];
	struct gt_statement s = {.flags = r->flags,
	                         .body = gt_bytes_of(r->body.data, r->body.len),
	                         .authority = r->authority};
	bool given = r->id.len == GT_UUID_BYTES;
	uint8_t *p = gt_arena_get(arena, 2 * GT_UUID_BYTES + GT_ID_BYTES);
	if (!p)
		return -GT_ENOMEM;
	if (given)
		memcpy(s.id, r->id.data, GT_UUID_BYTES);
	int status = gt_statement_derive(&s, given, why, sizeof why);
	if (status != 0 && status != -GT_EDAMAGED)
		return status;
	/* of what says nothing of itself nothing is said; merge.c looks */
	memcpy(p, s.id, GT_UUID_BYTES);
	memcpy(p + GT_UUID_BYTES, s.target, GT_UUID_BYTES);
	memcpy(p + 2 * GT_UUID_BYTES, s.form.b, GT_ID_BYTES);
	r->id = (ProtobufCBinaryData){GT_UUID_BYTES, p};
	if (r->flags & GT_STATEMENT_VOIDS)
		r->target =
		        (ProtobufCBinaryData){GT_UUID_BYTES, p + GT_UUID_BYTES};
	r->form = (ProtobufCBinaryData){GT_ID_BYTES, p + 2 * GT_UUID_BYTES};
	*derived = status == 0;
	return 0;
}

/* Nothing but as many records and seals as may be: what unpacks has no limit of
 * its own, and nothing at all, a million times over, is large. */
static bool has_room(struct gt_bytes b)
{
	enum { RECORDS = 2 << 3 | 2, SEALS = 10 << 3 | 2 };
	size_t at = 0, records = 0, seals = 0;
	while (at < b.n) {
		uint64_t n = 0;
		uint8_t tag = b.p[at++], one = 0x80;
		for (unsigned bits = 0; one & 0x80; bits += 7) {
			if (at == b.n || bits > 28)
				return false;
			one = b.p[at++];
			n |= (uint64_t)(one & 0x7f) << bits;
		}
		records += tag == RECORDS;
		seals += tag == SEALS;
		if ((tag != RECORDS && tag != SEALS) || n > b.n - at ||
		    records > GT_RECORDS_ROWS || seals > GT_RECORDS_ROWS)
			return false;
		at += n;
	}
	return true;
}

int gt_sheaf_untie(struct gt_arena *arena, Gt__Records *m, bool **derived)
{
	struct gt_bytes plain;
	int status = decompress(arena, m, &plain);
	if (status != 0)
		return status;
	if (!has_room(plain))
		return -GT_EMALFORMED;
	Gt__Records *in = gt__records__unpack(gt_arena_allocator(arena),
	                                      plain.n, plain.p);
	if (!in)
		return gt_arena_short(arena) ? -GT_ENOMEM : -GT_EMALFORMED;
	if (m->n_records > 0 || in->n_records == 0 ||
	    in->n_records > GT_RECORDS_ROWS)
		return -GT_EMALFORMED;
	*derived = gt_arena_get(arena, in->n_records * sizeof **derived);
	if (!*derived)
		return -GT_ENOMEM;
	for (size_t i = 0; i < in->n_records; i++) {
		if (!lengthen(in->records[i], i ? in->records[i - 1] : NULL))
			return -GT_EMALFORMED;
		status = derive(arena, in->records[i], &(*derived)[i]);
		if (status != 0)
			return status;
	}
	m->n_records = in->n_records;
	m->records = in->records;
	m->n_seals = in->n_seals;
	m->seals = in->seals;
	return 0;
}
