/* run_block.c: the bytes of runs: blocks of entries, guides to them.
 *
 * A block: check sum of the rest (4), entries (2), bytes of a value (1), 0 (1),
 * and each entry as what it differs by from the one before it: lengths (1: of
 * the first half's difference, high, of the second's, low), those bytes, the
 * value. Where the first half is the same the second is a difference too. All
 * numbers big-endian.
 *
 * A guide: check sum (4), blocks (1), 0 (3), the first key of each (16), and the
 * filter.
 * Tests: u_run_block.c. */
#include <string.h>

#include "store_inside.h"

enum { HEAD = 8, PROBES = 5 };

uint32_t gt_run_sum(const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ n;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t w = 0;
		memcpy(&w, p + i, n - i < 8 ? n - i : 8);
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	return (uint32_t)(h >> 16 ^ h);
}

int gt_run_compare(const struct gt_run_entry *a, const struct gt_run_entry *b)
{
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return a->lo < b->lo ? -1 : a->lo > b->lo;
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)gt_get32(p) << 32 | gt_get32(p + 4);
}

void gt_run_key(uint8_t out[16], uint64_t hi, uint64_t lo)
{
	gt_put64(out, hi);
	gt_put64(out + 8, lo);
}

struct gt_run_entry gt_run_unkey(const uint8_t key[16])
{
	return (struct gt_run_entry){.hi = get64(key), .lo = get64(key + 8)};
}

unsigned gt_run_width(uint64_t most)
{
	unsigned n = 0;
	for (; most; most >>= 8)
		n++;
	return n;
}

/* --------------------------------------------------------- a block */

void gt_block_begin(struct gt_block_make *m, unsigned width)
{
	assert(width <= 8);
	m->at = HEAD;
	m->n = 0;
	m->width = width;
	m->last = (struct gt_run_entry){0};
}

static void put(struct gt_block_make *m, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		m->b[m->at++] = (uint8_t)(v >> 8 * bytes);
}

bool gt_block_add(struct gt_block_make *m, const struct gt_run_entry *e)
{
	uint64_t hi = e->hi - m->last.hi;
	uint64_t lo = hi == 0 ? e->lo - m->last.lo : e->lo;
	unsigned nhi = gt_run_width(hi), nlo = gt_run_width(lo);
	assert(m->n == 0 || gt_run_compare(&m->last, e) < 0);
	if (m->at + 1 + nhi + nlo + m->width > sizeof m->b ||
	    m->n == GT_BLOCK_ENTRIES)
		return false;
	m->b[m->at++] = (uint8_t)(nhi << 4 | nlo);
	put(m, hi, nhi);
	put(m, lo, nlo);
	put(m, (uint64_t)e->value, m->width);
	if (m->n++ == 0)
		m->first = *e;
	m->last = *e;
	return true;
}

struct gt_bytes gt_block_end(struct gt_block_make *m)
{
	m->b[4] = (uint8_t)(m->n >> 8);
	m->b[5] = (uint8_t)m->n;
	m->b[6] = (uint8_t)m->width;
	m->b[7] = 0;
	gt_put32(m->b, gt_run_sum(m->b + 4, m->at - 4));
	return gt_bytes_of(m->b, m->at);
}

static uint64_t take(const uint8_t **p, unsigned bytes)
{
	uint64_t v = 0;
	while (bytes-- > 0)
		v = v << 8 | *(*p)++;
	return v;
}

/* The entries behind the head of a block; false: they are not n. */
static bool entries(const uint8_t *p, const uint8_t *end, unsigned n,
                    unsigned width, struct gt_run_entry *out)
{
	struct gt_run_entry e = {0};
	for (unsigned i = 0; i < n; i++) {
		unsigned nhi = p < end ? *p >> 4 : 9;
		unsigned nlo = p < end ? *p & 15 : 9;
		struct gt_run_entry was = e;
		if (nhi > 8 || nlo > 8 ||
		    (size_t)(end - p) < 1 + (size_t)nhi + nlo + width)
			return false;
		p++;
		uint64_t hi = take(&p, nhi), lo = take(&p, nlo);
		e.hi += hi;
		e.lo = hi == 0 ? e.lo + lo : lo;
		e.value = (int64_t)take(&p, width);
		if (i > 0 && gt_run_compare(&was, &e) >= 0)
			return false;
		out[i] = e;
	}
	return p == end;
}

int gt_block_read(struct gt_bytes block, struct gt_run_entry *out)
{
	const uint8_t *p = block.p;
	if (block.n < HEAD || block.n > GT_BLOCK_BYTES ||
	    gt_get32(p) != gt_run_sum(p + 4, block.n - 4))
		return -GT_EDAMAGED;
	unsigned n = (unsigned)p[4] << 8 | p[5], width = p[6];
	if (n == 0 || n > GT_BLOCK_ENTRIES || width > 8 ||
	    !entries(p + HEAD, p + block.n, n, width, out))
		return -GT_EDAMAGED;
	return (int)n;
}

/* --------------------------------------------------------- a group */

/* Two numbers out of a key, by which it is found in the filter. */
static uint64_t hash_of(uint64_t hi, uint64_t lo)
{
	uint64_t h = hi * UINT64_C(0xbf58476d1ce4e5b9) ^ lo;
	h = (h ^ h >> 31) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 29;
}

/* The bits of a hash, one after the other. */
static size_t bit_of(uint64_t hash, unsigned probe, size_t bits)
{
	uint32_t a = (uint32_t)hash, b = (uint32_t)(hash >> 32) | 1;
	return (size_t)((uint64_t)(uint32_t)(a + probe * b) * bits >> 32);
}

void gt_group_begin(struct gt_group_make *m, bool names, unsigned width)
{
	m->nblocks = m->n = m->nhash = 0;
	m->names = names;
	gt_block_begin(&m->block, width);
}

static void end_block(struct gt_group_make *m)
{
	struct gt_bytes b = gt_block_end(&m->block);
	memcpy(m->blocks[m->nblocks], b.p, b.n);
	m->bytes[m->nblocks] = b.n;
	m->first[m->nblocks++] = m->block.first;
	gt_block_begin(&m->block, m->block.width);
}

bool gt_group_add(struct gt_group_make *m, const struct gt_run_entry *e)
{
	bool full = m->nblocks == GT_GROUP_BLOCKS;
	if (!full && !gt_block_add(&m->block, e)) {
		end_block(m);
		full = m->nblocks == GT_GROUP_BLOCKS ||
		       (m->names && m->n >= GT_GROUP_NAMES);
		if (!full)
			gt_block_add(&m->block, e);
	}
	if (full || (m->nblocks > 0 && m->block.n == 0))
		return false;
	m->n++;
	if (m->names)
		m->hash[m->nhash++] = hash_of(e->hi, e->lo);
	return true;
}

struct gt_bytes gt_group_end(struct gt_group_make *m)
{
	if (m->block.n > 0)
		end_block(m);
	assert(m->nblocks > 0);
	size_t n = HEAD + 16 * m->nblocks;
	size_t most = GT_GUIDE_BYTES - n, want = 8 + m->nhash * 10 / 8;
	size_t filter = !m->names ? 0 : want < most ? want : most;
	memset(m->guide, 0, n + filter);
	m->guide[4] = (uint8_t)m->nblocks;
	for (unsigned i = 0; i < m->nblocks; i++)
		gt_run_key(m->guide + HEAD + 16 * i, m->first[i].hi,
		           m->first[i].lo);
	for (unsigned i = 0; i < m->nhash; i++)
		for (unsigned k = 0; k < PROBES; k++) {
			size_t bit = bit_of(m->hash[i], k, 8 * filter);
			m->guide[n + bit / 8] |= (uint8_t)(1u << bit % 8);
		}
	n += filter;
	gt_put32(m->guide, gt_run_sum(m->guide + 4, n - 4));
	return gt_bytes_of(m->guide, n);
}

bool gt_guide_read(struct gt_guide *g, struct gt_bytes bytes)
{
	if (bytes.n < HEAD || bytes.n > GT_GUIDE_BYTES ||
	    gt_get32(bytes.p) != gt_run_sum(bytes.p + 4, bytes.n - 4))
		return false;
	g->nblocks = bytes.p[4];
	g->first = bytes.p + HEAD;
	if (g->nblocks == 0 || g->nblocks > GT_GROUP_BLOCKS ||
	    bytes.n < HEAD + 16 * (size_t)g->nblocks)
		return false;
	g->filter = g->first + 16 * (size_t)g->nblocks;
	g->filter_bytes = bytes.n - HEAD - 16 * (size_t)g->nblocks;
	return true;
}

struct gt_run_entry gt_guide_first(const struct gt_guide *g, unsigned block)
{
	return gt_run_unkey(g->first + 16 * (size_t)block);
}

int gt_guide_block(const struct gt_guide *g, uint64_t hi, uint64_t lo)
{
	uint8_t key[16];
	int i = (int)g->nblocks - 1;
	gt_run_key(key, hi, lo);
	while (i >= 0 && memcmp(g->first + 16 * i, key, 16) > 0)
		i--;
	return i;
}

bool gt_guide_may(const struct gt_guide *g, uint64_t hi, uint64_t lo)
{
	uint64_t h = hash_of(hi, lo);
	if (g->filter_bytes == 0)
		return true;
	for (unsigned k = 0; k < PROBES; k++) {
		size_t bit = bit_of(h, k, 8 * g->filter_bytes);
		if (!(g->filter[bit / 8] >> bit % 8 & 1))
			return false;
	}
	return true;
}
