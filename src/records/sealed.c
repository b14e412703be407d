/* sealed.c: records are signed where they were handed in (M49).
 *
 * What a node hands up is under a seal of the node that a terminal handed it to:
 * one signature over a Merkle tree of up to a batch's records, made when they
 * first leave. So a node on the way can withhold, never alter or invent; and
 * what it has to change, because a layer demands it, it seals itself: the record
 * names what was done.
 *
 * A leaf says all that the way up may not change: id, body, flags, the time and
 * place of handing in, what was done and who vouches. Not its numbers: they are
 * new in each epoch. Of leaves that are not here, or do not go along, the hashes
 * of subtrees stand in (merkle.h). What leaves its row (it is erased, it gives
 * way) leaves its hash.
 *
 * Which records are which leaves is kept in runs, for they come and go together.
 * Tests: u_sealed.c. */
#include "sealed.h"
#include "signed.h"

#include <string.h>

int gt_sealed_maker(struct gt_node *n, const char *code, const Gt__Member **out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SEAL_KEY, "it",
	                                 (int64_t)GT__KIND__MEMBER, code);
	int row = gt_store_step(n->store, GT_SQL_SEAL_KEY);
	const Gt__Member *m = NULL;
	if (row == 1)
		m = gt_signed_member(
		        n->arena,
		        gt_signed_open(n->arena, gt_col_bytes(st, 0)));
	gt_store_reset(n->store, GT_SQL_SEAL_KEY);
	*out = m && m->standing == GT__STANDING__ACTIVE ? m : NULL;
	return row < 0 ? row : gt_arena_short(n->arena) ? -GT_ENOMEM : 0;
}

/* ----------------------------------------------------------------- rows */

/* The row of SEALED_OF or SEALED_LEAF, for its leaf; in place. */
static void leaf_of_row(sqlite3_stmt *st, struct gt_id *out)
{
	struct gt_bytes id = gt_col_bytes(st, 1), body = gt_col_bytes(st, 2);
	Gt__Record r;
	gt__record__init(&r);
	r.id = gt_lend_bytes(id);
	r.body = gt_lend_bytes(body);
	r.flags = (uint32_t)gt_col_int(st, 3);
	r.stored_ms = gt_col_int(st, 4);
	r.origin = gt_lend(gt_col_text(st, 5));
	r.policy = gt_lend(gt_col_text(st, 6));
	r.authority = gt_lend(gt_col_text(st, 7));
	gt_record_leaf(out, &r);
}

/* False: the disk's, not ours. */
static bool of_columns(struct gt_node *n, sqlite3_stmt *st, int first,
                       struct gt_seal_of *out)
{
	int64_t count = gt_col_int(st, first + 1);
	const char *by = gt_col_text(st, first);
	*out = (struct gt_seal_of){.count = (uint32_t)count};
	if (count < 1 || count > GT_MERKLE_MAX || !gt_code_valid(by))
		return false;
	out->by = gt_arena_str(n->arena, by);
	out->gaps = gt_arena_get(n->arena, out->count * sizeof *out->gaps);
	return out->by && out->gaps;
}

static bool read_gaps(struct gt_seal_of *s, struct gt_bytes b)
{
	int ngaps = gt_gaps_read(s->gaps, b, s->count);
	s->ngaps = ngaps > 0 ? (size_t)ngaps : 0;
	return ngaps >= 0;
}

int gt_sealed_get(struct gt_node *n, int64_t sid, struct gt_seal_of *out,
                  bool *found)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SEAL_GET, "i", sid);
	int row = gt_store_step(n->store, GT_SQL_SEAL_GET);
	*found = row == 1 && of_columns(n, st, 0, out) &&
	         read_gaps(out, gt_col_bytes(st, 3));
	if (*found) {
		struct gt_bytes b = gt_col_bytes(st, 2);
		out->sid = sid;
		out->signature =
		        gt_bytes_of(gt_arena_copy(n->arena, b.p, b.n), b.n);
	}
	gt_store_reset(n->store, GT_SQL_SEAL_GET);
	return row < 0 ? row : gt_arena_short(n->arena) ? -GT_ENOMEM : 0;
}

static struct gt_bytes gaps_of(struct gt_node *n, const struct gt_seal_of *s)
{
	uint8_t *p = gt_arena_get(n->arena, s->ngaps * GT_GAP_BYTES + 1);
	if (p)
		gt_gaps_write(p, s->gaps, s->ngaps);
	return gt_bytes_of(p, s->ngaps * GT_GAP_BYTES);
}

int gt_sealed_gaps(struct gt_node *n, const struct gt_seal_of *s)
{
	struct gt_bytes b = gaps_of(n, s);
	if (!b.p)
		return -GT_ENOMEM;
	gt_store_bind(n->store, GT_SQL_SEAL_GAPS, "ib", s->sid, b);
	return gt_store_run(n->store, GT_SQL_SEAL_GAPS);
}

int gt_sealed_new(struct gt_node *n, struct gt_seal_of *s)
{
	struct gt_bytes b = gaps_of(n, s);
	if (!b.p)
		return -GT_ENOMEM;
	gt_store_bind(n->store, GT_SQL_SEAL_NEW, "tibb", s->by,
	              (int64_t)s->count, s->signature, b);
	int status = gt_store_run(n->store, GT_SQL_SEAL_NEW);
	s->sid = gt_store_rowid(n->store);
	return status;
}

int gt_sealed_map(struct gt_node *n, int64_t sid, const int64_t *rows,
                  uint32_t count)
{
	int status = 0;
	for (uint32_t i = 0, k; status == 0 && i < count; i = k) {
		for (k = i + 1; k < count && rows[i] > 0 &&
		                rows[k] == rows[i] + (int64_t)(k - i);
		     k++)
			;
		if (rows[i] == 0)
			continue;
		gt_store_bind(n->store, GT_SQL_SEALED_PUT, "iiii", rows[i],
		              (int64_t)(k - i), sid, (int64_t)i);
		status = gt_store_run(n->store, GT_SQL_SEALED_PUT);
	}
	return status;
}

/* Which leaf of which seal a row is; sid 0: of none. */
struct place {
	int64_t sid;
	uint32_t leaf;
	int64_t from, to; /* rows for which that was asked */
};

static int place_of(struct gt_node *n, int64_t seq, struct place *out)
{
	if (out->sid > 0 && seq > out->from && seq < out->to) {
		out->leaf += (uint32_t)(seq - out->from);
		out->from = seq;
		return 0;
	}
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_SEALED_AT, "i", seq);
	int row = gt_store_step(n->store, GT_SQL_SEALED_AT);
	int64_t first = row == 1 ? gt_col_int(st, 0) : 0;
	int64_t count = row == 1 ? gt_col_int(st, 1) : 0;
	*out = (struct place){0};
	if (row == 1 && seq < first + count)
		*out = (struct place){
		        gt_col_int(st, 2),
		        (uint32_t)(gt_col_int(st, 3) + seq - first), seq,
		        first + count};
	gt_store_reset(n->store, GT_SQL_SEALED_AT);
	return row < 0 ? row : 0;
}

int gt_sealed_leave(struct gt_node *n, int64_t seq)
{
	struct place at = {0};
	struct gt_seal_of s;
	struct gt_id leaf;
	bool found = false;
	int status = place_of(n, seq, &at);
	if (status == 0 && at.sid > 0)
		status = gt_sealed_get(n, at.sid, &s, &found);
	if (status != 0 || !found || at.leaf >= s.count || s.ngaps >= s.count)
		return status;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_SEALED_LEAF, "i", seq);
	int row = gt_store_step(n->store, GT_SQL_SEALED_LEAF);
	if (row == 1)
		leaf_of_row(st, &leaf);
	gt_store_reset(n->store, GT_SQL_SEALED_LEAF);
	if (row != 1)
		return row < 0 ? row : 0;
	size_t i = s.ngaps;
	for (; i > 0 && s.gaps[i - 1].at > at.leaf; i--)
		s.gaps[i] = s.gaps[i - 1];
	if (i > 0 && s.gaps[i - 1].at + s.gaps[i - 1].n > at.leaf)
		return 0; /* it was remembered once */
	s.gaps[i] = (struct gt_gap){at.leaf, 1, leaf};
	s.ngaps++;
	return gt_sealed_gaps(n, &s);
}

int gt_sealed_moved(struct gt_node *n, int64_t from, int64_t to)
{
	struct place at = {0};
	int status = place_of(n, from, &at);
	if (status != 0 || at.sid == 0 || from == to)
		return status;
	gt_store_bind(n->store, GT_SQL_SEALED_PUT, "iiii", to, (int64_t)1,
	              at.sid, (int64_t)at.leaf);
	return gt_store_run(n->store, GT_SQL_SEALED_PUT);
}

/* ----------------------------------------------------------------- send */

/* A seal of a batch on its way: in[i] goes along. */
struct going {
	struct gt_seal_of s;
	struct gt_id *leaves;
	bool *here, *in;
	bool fresh;   /* it was made now */
	uint32_t key; /* ... with which of its maker's keys */
};

struct sending {
	struct gt_node *n;
	Gt__Records *m;
	struct going **v; /* of each seal in m->seals */
	size_t nv;
};

static struct going *another(struct sending *b, size_t leaves)
{
	struct gt_arena *a = b->n->arena;
	struct going *g = gt_arena_get(a, sizeof *g);
	if (!g || b->nv == b->m->n_records)
		return NULL;
	*g = (struct going){.leaves = gt_arena_get(a, leaves * GT_ID_BYTES),
	                    .here = gt_arena_get(a, leaves),
	                    .in = gt_arena_get(a, leaves)};
	if (!g->leaves || !g->here || !g->in)
		return NULL;
	memset(g->here, 0, leaves);
	memset(g->in, 0, leaves);
	return b->v[b->nv++] = g;
}

/* The leaves of a stored seal that are here, and those that are not. */
static int load(struct gt_node *n, struct going *g)
{
	int row = 0;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_SEALED_OF, "i", g->s.sid);
	while ((row = gt_store_step(n->store, GT_SQL_SEALED_OF)) == 1) {
		int64_t i = gt_col_int(st, 0);
		if (i < 0 || i >= g->s.count)
			continue;
		leaf_of_row(st, &g->leaves[i]);
		g->here[i] = true;
	}
	gt_store_reset(n->store, GT_SQL_SEALED_OF);
	return row;
}

/* The one with that number in this batch; NULL: it is not in it yet. */
static struct going *known(const struct sending *b, int64_t sid, size_t *k)
{
	for (*k = b->nv; (*k)-- > 0;)
		if (b->v[*k]->s.sid == sid)
			return b->v[*k];
	return NULL;
}

/* Record i goes under the stored seal it came under. */
static int under_stored(struct sending *b, size_t i, const struct place *at)
{
	Gt__Record *r = b->m->records[i];
	struct gt_seal_of s;
	size_t k;
	bool found = true;
	int status = 0;
	struct going *g = known(b, at->sid, &k);
	if (!g) {
		status = gt_sealed_get(b->n, at->sid, &s, &found);
		if (status != 0 || !found)
			return status;
		g = another(b, s.count);
		if (!g)
			return -GT_ENOMEM;
		g->s = s;
		k = b->nv - 1;
		status = load(b->n, g);
	}
	if (status != 0 || at->leaf >= g->s.count)
		return status;
	gt_record_leaf(&g->leaves[at->leaf], r);
	g->in[at->leaf] = g->here[at->leaf] = true;
	r->seal = (uint32_t)k + 2;
	r->leaf = at->leaf;
	return 0;
}

/* A new seal of this node's over records of the batch that mine[] names. stored:
 * they are as they lie here, and so it is kept. */
static int seal_anew(struct sending *b, const bool *mine, bool stored)
{
	int64_t rows[GT_MERKLE_MAX];
	struct gt_node *n = b->n;
	struct gt_id root;
	uint8_t *signature;
	struct going *g = another(b, b->m->n_records);
	signature = gt_arena_get(n->arena, GT_SIGNATURE_BYTES);
	if (!g || !signature)
		return -GT_ENOMEM;
	g->s.by = n->code;
	g->fresh = true;
	for (size_t i = 0; i < b->m->n_records; i++) {
		Gt__Record *r = b->m->records[i];
		if (!mine[i])
			continue;
		gt_record_leaf(&g->leaves[g->s.count], r);
		g->here[g->s.count] = g->in[g->s.count] = true;
		rows[g->s.count] = (int64_t)r->seq;
		r->seal = (uint32_t)b->nv + 1;
		r->leaf = g->s.count++;
	}
	struct gt_merkle t = {
	        .leaves = g->leaves, .here = g->here, .n = g->s.count};
	bool whole = gt_merkle_root(&t, &root);
	assert(whole);
	int status =
	        gt_record_seal_sign(&n->key, n->code, t.n, &root, signature);
	g->key = gt_record_seal_hint(n->key.public);
	g->s.signature = gt_bytes_of(signature, GT_SIGNATURE_BYTES);
	if (status == 0 && stored)
		status = gt_sealed_new(n, &g->s);
	return status || !stored ? status
	                         : gt_sealed_map(n, g->s.sid, rows, g->s.count);
}

/* The gaps that go along are of what is not in the batch. False: what is here
 * does not suffice, and its records go without. */
static bool close_gaps(struct gt_arena *arena, struct going *g)
{
	struct gt_merkle t = {.leaves = g->leaves,
	                      .here = g->here,
	                      .n = g->s.count,
	                      .gaps = g->s.gaps,
	                      .ngaps = g->s.ngaps};
	struct gt_gap *out = gt_arena_get(arena, t.n * sizeof *out);
	bool whole = false;
	if (out)
		g->s.ngaps = gt_merkle_gaps(&t, g->in, out, &whole);
	g->s.gaps = out;
	return whole;
}

/* Whether a stored seal is still one of what lies here: a disk alters what no
 * form tells of, and nobody would take it. */
static int still_good(struct gt_node *n, struct going *g, bool *good)
{
	const Gt__Member *m = NULL;
	struct gt_id root;
	const struct gt_record_seal seal = {.by = g->s.by,
	                                    .count = g->s.count,
	                                    .signature = g->s.signature};
	const struct gt_merkle t = {.leaves = g->leaves,
	                            .here = g->in,
	                            .n = g->s.count,
	                            .gaps = g->s.gaps,
	                            .ngaps = g->s.ngaps};
	*good = gt_merkle_root(&t, &root);
	int status = *good ? gt_sealed_maker(n, g->s.by, &m) : 0;
	*good = *good && status == 0 && m;
	if (!*good)
		return status;
	status = gt_record_seal_check(m, &seal, &root, &g->key);
	*good = status == 0;
	return status == -GT_ENOMEM ? status : 0;
}

/* Whether it goes along, and with which gaps. */
static int settle(struct gt_node *n, struct going *g, bool *whole)
{
	*whole = close_gaps(n->arena, g);
	return *whole && !g->fresh ? still_good(n, g, whole) : 0;
}

/* Writes them down in the batch; what has none says so. */
static int write_seals(struct sending *b)
{
	Gt__Seal *v = gt_arena_get(b->n->arena, (b->nv + 1) * sizeof *v);
	b->m->seals =
	        gt_arena_get(b->n->arena, (b->nv + 1) * sizeof *b->m->seals);
	if (!v || !b->m->seals)
		return -GT_ENOMEM;
	for (size_t k = 0; k < b->nv; k++) {
		struct going *g = b->v[k];
		bool whole;
		int status = settle(b->n, g, &whole);
		if (status != 0)
			return status;
		gt__seal__init(&v[k]);
		b->m->seals[k] = &v[k];
		v[k].count = whole ? g->s.count : 0;
		if (!whole)
			continue;
		if (strcmp(g->s.by, b->n->code) != 0)
			v[k].by = gt_lend(g->s.by);
		v[k].key = g->key;
		v[k].signature = gt_lend_bytes(g->s.signature);
		v[k].gaps = gt_lend_bytes(gaps_of(b->n, &g->s));
		if (v[k].gaps.len > 0 && !v[k].gaps.data)
			return -GT_ENOMEM;
	}
	b->m->n_seals = b->nv;
	for (size_t i = 0; i < b->m->n_records; i++) {
		Gt__Record *r = b->m->records[i];
		if (r->seal < 2 || v[r->seal - 2].count == 0) {
			r->seal = 1;
			r->leaf = 0;
		}
	}
	return gt_arena_short(b->n->arena) ? -GT_ENOMEM : 0;
}

int gt_sealed_send(struct gt_node *n, Gt__Records *m)
{
	size_t count = m->n_records, own = 0, changed = 0;
	struct sending b = {.n = n, .m = m};
	struct place at = {0};
	int status = 0;
	bool *fresh = gt_arena_get(n->arena, 2 * count);
	b.v = gt_arena_get(n->arena, count * sizeof(struct going *));
	if (!fresh || !b.v)
		return -GT_ENOMEM;
	memset(fresh, 0, 2 * count);
	for (size_t i = 0; status == 0 && i < count; i++) {
		Gt__Record *r = m->records[i];
		bool anew = r->seal == GT_SEAL_ANEW;
		r->seal = 1;
		if (anew) {
			fresh[count + i] = true;
			changed++;
			continue;
		}
		status = place_of(n, (int64_t)r->seq, &at);
		if (status == 0 && at.sid > 0)
			status = under_stored(&b, i, &at);
		else if (strcmp(r->origin, n->code) == 0 && !*r->policy)
			own += fresh[i] = true;
	}
	if (status == 0 && own > 0)
		status = seal_anew(&b, fresh, true);
	if (status == 0 && changed > 0)
		status = seal_anew(&b, fresh + count, false);
	return status ? status : write_seals(&b);
}
