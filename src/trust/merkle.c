#include "merkle.h"

#include <string.h>

size_t gt_merkle_split(size_t n)
{
	size_t k = 1;
	while (k * 2 < n)
		k *= 2;
	return k;
}

void gt_merkle_node(struct gt_id *out, const struct gt_id *l,
                    const struct gt_id *r)
{
	uint8_t head = 1;
	struct gt_bytes parts[3] = {
	        {&head, 1}, {l->b, GT_ID_BYTES}, {r->b, GT_ID_BYTES}};
	gt_sha256(out, parts, 3);
}

static bool any(const bool *v, size_t at, size_t n)
{
	return memchr(v + at, true, n) != NULL;
}

static const struct gt_gap *find(const struct gt_gap *v, size_t count,
                                 size_t at, size_t n)
{
	size_t lo = 0, hi = count;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (v[mid].at < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < count && v[lo].at == at && v[lo].n == n ? &v[lo] : NULL;
}

static const struct gt_gap *gap_at(const struct gt_merkle *t, size_t at,
                                   size_t n, bool strict)
{
	const struct gt_gap *g = find(t->gaps, t->ngaps, at, n);
	return g || strict ? g : find(t->also, t->nalso, at, n);
}

/* strict: no leaf is here and in a gap. Recursion is as deep as the tree. */
static bool hash_of(const struct gt_merkle *t, size_t at, size_t n, bool strict,
                    struct gt_id *out)
{
	const struct gt_gap *g = gap_at(t, at, n, strict);
	struct gt_id l, r;
	if (g) {
		*out = g->hash;
		return !strict || !any(t->here, at, n);
	}
	if (n == 1) {
		*out = t->leaves[at];
		return t->here[at];
	}
	size_t k = gt_merkle_split(n);
	if (!hash_of(t, at, k, strict, &l) ||
	    !hash_of(t, at + k, n - k, strict, &r))
		return false;
	gt_merkle_node(out, &l, &r);
	return true;
}

bool gt_merkle_root(const struct gt_merkle *t, struct gt_id *root)
{
	return t->n > 0 && t->n <= GT_MERKLE_MAX &&
	       hash_of(t, 0, t->n, true, root);
}

struct told {
	struct gt_gap *v;
	size_t n;
	bool whole;
};

static void tell(const struct gt_merkle *t, const bool *keep, size_t at,
                 size_t n, struct told *out)
{
	struct gt_gap g = {(uint32_t)at, (uint32_t)n, {{0}}};
	if (!any(keep, at, n) && hash_of(t, at, n, false, &g.hash)) {
		out->v[out->n++] = g;
		return;
	}
	if (n == 1) {
		out->whole = out->whole && keep[at];
		return;
	}
	size_t k = gt_merkle_split(n);
	tell(t, keep, at, k, out);
	tell(t, keep, at + k, n - k, out);
}

size_t gt_merkle_gaps(const struct gt_merkle *t, const bool *keep,
                      struct gt_gap *out, bool *whole)
{
	struct told told = {out, 0, true};
	tell(t, keep, 0, t->n, &told);
	*whole = told.whole;
	return told.n;
}

static void put16(uint8_t *out, uint32_t v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

void gt_gaps_write(uint8_t *out, const struct gt_gap *gaps, size_t n)
{
	for (size_t i = 0; i < n; i++, out += GT_GAP_BYTES) {
		put16(out, gaps[i].at);
		put16(out + 2, gaps[i].n);
		memcpy(out + 4, gaps[i].hash.b, GT_ID_BYTES);
	}
}

/* Whether a tree of `count` leaves has that subtree. */
static bool is_subtree(uint32_t at, uint32_t n, uint32_t count)
{
	size_t lo = 0, size = count;
	while (n > 0 && at >= lo && at + n <= lo + size) {
		if (at == lo && n == size)
			return true;
		if (size == 1)
			return false;
		size_t k = gt_merkle_split(size);
		if (at >= lo + k) {
			lo += k;
			size -= k;
		} else {
			size = k;
		}
	}
	return false;
}

int gt_gaps_read(struct gt_gap *out, struct gt_bytes b, uint32_t count)
{
	size_t n = b.n / GT_GAP_BYTES;
	uint32_t end = 0;
	if (b.n % GT_GAP_BYTES != 0 || n > count)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = b.p + i * GT_GAP_BYTES;
		out[i].at = get16(p);
		out[i].n = get16(p + 2);
		memcpy(out[i].hash.b, p + 4, GT_ID_BYTES);
		if (out[i].at < end || !is_subtree(out[i].at, out[i].n, count))
			return -1;
		end = out[i].at + out[i].n;
	}
	return (int)n;
}
