/* f_sheaf.c: what lies in a sheaf, before it is compressed; and gaps of a seal.
 *
 * Whatever comes is taken or refused; what was taken is the same when it is bound
 * and untied once more. Gaps that are taken are subtrees, and every leaf is in
 * one of them or can be kept. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "merkle.h"
#include "prefix.h"
#include "sheaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void tie(struct gt_arena *a, struct gt_bytes plain, Gt__Records *m)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t cap = ZSTD_compressBound(plain.n);
	gt__records__init(m);
	m->sheaf_bytes = (uint32_t)plain.n;
	m->sheaf.data = gt_arena_get(a, cap);
	assert(ctx && m->sheaf.data);
	m->sheaf.len = ZSTD_compress_usingDict(ctx, m->sheaf.data, cap, plain.p,
	                                       plain.n, gt_prefix,
	                                       sizeof gt_prefix - 1, 1);
	ZSTD_freeCCtx(ctx);
}

static void same(const Gt__Records *one, const Gt__Records *other)
{
	assert(one->n_records == other->n_records);
	for (size_t i = 0; i < one->n_records; i++) {
		const Gt__Record *x = one->records[i], *y = other->records[i];
		assert(x->seq == y->seq && x->origin_seq == y->origin_seq &&
		       x->stored_ms == y->stored_ms && x->flags == y->flags &&
		       strcmp(x->origin, y->origin) == 0 &&
		       strcmp(x->authority, y->authority) == 0 &&
		       x->body.len == y->body.len && x->seal == y->seal &&
		       x->leaf == y->leaf);
	}
}

static void records(struct gt_arena *a, struct gt_bytes plain)
{
	Gt__Records m, again;
	bool *derived, *once_more;
	tie(a, plain, &m);
	int status = gt_sheaf_untie(a, &m, &derived);
	assert(status == 0 || status == -GT_EMALFORMED);
	/* nobody sends a record of nowhere */
	if (status != 0 || !*m.records[0]->origin)
		return;
	size_t n = m.n_records;
	again = m;
	status = gt_sheaf_bind(a, &again);
	assert(status == 0);
	/* what does not fit its envelope is said again as it is */
	status = gt_sheaf_untie(a, &again, &once_more);
	if (status != 0)
		return;
	m.n_records = n;
	same(&m, &again);
	for (size_t i = 0; i < n; i++)
		assert(!derived[i] || once_more[i]);
}

static void gaps(struct gt_bytes b, uint32_t count)
{
	static struct gt_gap v[GT_MERKLE_MAX], out[GT_MERKLE_MAX];
	static struct gt_id leaves[GT_MERKLE_MAX];
	static bool here[GT_MERKLE_MAX];
	struct gt_id root;
	bool whole;
	int n = gt_gaps_read(v, b, count);
	if (n < 0)
		return;
	memset(here, true, sizeof here);
	for (int i = 0; i < n; i++)
		memset(here + v[i].at, false, v[i].n);
	const struct gt_merkle t = {.leaves = leaves,
	                            .here = here,
	                            .n = count,
	                            .gaps = v,
	                            .ngaps = (size_t)n};
	assert(gt_merkle_root(&t, &root));
	size_t nout = gt_merkle_gaps(&t, here, out, &whole);
	assert(whole && nout <= (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gt_arena *a = gt_arena_new();
	if (size < 2 || !a) {
		gt_arena_free(a);
		return 0;
	}
	if (data[0] & 1)
		records(a, gt_bytes_of(data + 1, size - 1));
	else
		gaps(gt_bytes_of(data + 2, size - 2), 1u + data[1] * 2u);
	gt_arena_free(a);
	return 0;
}
