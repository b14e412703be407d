#include "sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/* An entry of the short form: the first 26 bits of a hash, and in the last six
 * how many zeros follow them, and one. Of both the register and what it holds
 * can be told: its number is the first 14 bits. */
enum {
	BITS = 14,      /* of a register's number */
	REST = 64 - 14, /* of a hash, behind it */
	FINE = 26,
	RANK = 6,
	TOP = REST + 1, /* the most that a register can hold */
	FIRST = 16,     /* entries for which there is room at first */
	FEW = 200,      /* that are put in order by comparing */
	MOST = 4096,    /* ... at last; they are put in order no sooner */
};

uint64_t gt_sketch_hash(const uint8_t key[GT_SKETCH_KEY],
                        const struct gt_bytes *parts, size_t n)
{
	struct gt_bytes all[8] = {gt_bytes_of(key, GT_SKETCH_KEY)};
	struct gt_id id;
	uint64_t hash = 0;
	size_t count = 1;
	for (size_t i = 0; i < n && count < sizeof all / sizeof *all; i++)
		all[count++] = parts[i];
	gt_sha256(&id, all, count);
	for (int i = 0; i < 8; i++)
		hash = hash << 8 | id.b[i];
	return hash;
}

/* Zeros before the first one in the last `bits` bits, and one. */
static unsigned rank_of(uint64_t v, unsigned bits)
{
	return v ? (unsigned)__builtin_clzll(v) - (64 - bits) + 1 : bits + 1;
}

/* ------------------------------------------------------- the short form */

static uint32_t entry_of(uint64_t hash)
{
	uint64_t rest = hash & ((1ull << (64 - FINE)) - 1);
	return (uint32_t)(hash >> (64 - FINE)) << RANK |
	       rank_of(rest, 64 - FINE);
}

static void into_register(struct gt_sketch *s, uint32_t entry)
{
	uint32_t fine = entry >> RANK;
	uint32_t low = fine & ((1u << (FINE - BITS)) - 1);
	unsigned rank = low ? rank_of(low, FINE - BITS)
	                    : FINE - BITS + (entry & ((1u << RANK) - 1));
	uint8_t *reg = &s->reg[fine >> (FINE - BITS)];
	if (rank > *reg)
		*reg = (uint8_t)rank;
}

/* By value: of what is as good as random that is far quicker than to compare. */
static bool sort(uint32_t *v, size_t n)
{
	enum { DIGIT = 11, VALUES = 1 << DIGIT };
	uint32_t *to = malloc(n * sizeof *to);
	if (!to)
		return false;
	for (unsigned shift = 0; shift < 32; shift += DIGIT) {
		uint32_t at[VALUES] = {0}, sum = 0;
		for (size_t i = 0; i < n; i++)
			at[v[i] >> shift & (VALUES - 1)]++;
		for (size_t i = 0; i < VALUES; i++) {
			uint32_t here = at[i];
			at[i] = sum;
			sum += here;
		}
		for (size_t i = 0; i < n; i++)
			to[at[v[i] >> shift & (VALUES - 1)]++] = v[i];
		memcpy(v, to, n * sizeof *v);
	}
	free(to);
	return true;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

/* In order, each once: of two with the same bits the one that holds more. */
static void settle(struct gt_sketch *s)
{
	uint32_t n = 0;
	if (s->sorted == s->n)
		return;
	if (s->n < FEW || !sort(s->v, s->n))
		qsort(s->v, s->n, sizeof *s->v, by_value);
	for (uint32_t i = 0; i < s->n; i++)
		if (i + 1 == s->n || s->v[i] >> RANK != s->v[i + 1] >> RANK)
			s->v[n++] = s->v[i];
	s->n = s->sorted = n;
}

static int grow(struct gt_sketch *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : FIRST;
	uint32_t *v = realloc(s->v, cap * sizeof *v);
	if (!v)
		return -GT_ENOMEM;
	s->v = v;
	s->cap = cap;
	return 0;
}

static int to_registers(struct gt_sketch *s)
{
	s->reg = s->reg ? s->reg : calloc(GT_SKETCH_REGISTERS, 1);
	if (!s->reg)
		return -GT_ENOMEM;
	for (uint32_t i = 0; i < s->n; i++)
		into_register(s, s->v[i]);
	free(s->v);
	s->v = NULL;
	s->n = s->sorted = s->cap = 0;
	return 0;
}

/* The form it has for what was added, whichever way it came to that. */
static int shorten(struct gt_sketch *s)
{
	if (s->reg)
		return 0;
	settle(s);
	return s->n > GT_SKETCH_SHORT ? to_registers(s) : 0;
}

static int put(struct gt_sketch *s, uint32_t entry)
{
	int status = 0;
	if (s->reg) {
		into_register(s, entry);
		return 0;
	}
	if (s->n == MOST)
		status = shorten(s);
	else if (s->n == s->cap)
		status = grow(s);
	if (status == 0 && s->reg)
		into_register(s, entry);
	else if (status == 0)
		s->v[s->n++] = entry;
	return status;
}

int gt_sketch_add(struct gt_sketch *s, uint64_t hash)
{
	return put(s, entry_of(hash));
}

int gt_sketch_merge(struct gt_sketch *s, const struct gt_sketch *other)
{
	int status = other->reg && !s->reg ? to_registers(s) : 0;
	for (uint32_t i = 0; status == 0 && i < other->n; i++)
		status = put(s, other->v[i]);
	for (size_t i = 0; status == 0 && other->reg && i < GT_SKETCH_REGISTERS;
	     i++)
		if (other->reg[i] > s->reg[i])
			s->reg[i] = other->reg[i];
	return status;
}

void gt_sketch_free(struct gt_sketch *s)
{
	free(s->v);
	free(s->reg);
	*s = (struct gt_sketch){0};
}

/* ------------------------------------------------------------ how many */

static double sigma(double x)
{
	double y = 1, z = x, last;
	if (x == 1)
		return HUGE_VAL;
	do {
		x *= x;
		last = z;
		z += x * y;
		y += y;
	} while (z != last);
	return z;
}

static double tau(double x)
{
	double y = 1, z = 1 - x, last;
	if (x == 0 || x == 1)
		return 0;
	do {
		x = sqrt(x);
		last = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != last);
	return z / 3;
}

static double estimate(const uint8_t *reg)
{
	const double m = GT_SKETCH_REGISTERS;
	uint32_t of[TOP + 1] = {0};
	for (size_t i = 0; i < GT_SKETCH_REGISTERS; i++)
		of[reg[i] < TOP ? reg[i] : TOP]++;
	double z = m * tau(1 - of[TOP] / m);
	for (int k = REST; k >= 1; k--)
		z = 0.5 * (z + of[k]);
	z += m * sigma(of[0] / m);
	return 0.5 / log(2) * m * m / z;
}

uint64_t gt_sketch_count(struct gt_sketch *s)
{
	const double cells = 1u << FINE;
	(void)shorten(s); /* without memory it is as good */
	if (s->reg)
		return (uint64_t)llround(estimate(s->reg));
	/* of so many cells n are taken */
	return (uint64_t)llround(-cells * log(1 - (double)s->n / cells));
}

/* -------------------------------------------------------------- packed */

/* Four registers, of six bits each, in three bytes. */
static void pack_registers(struct gt_buffer *out, const uint8_t *reg)
{
	for (size_t i = 0; i < GT_SKETCH_REGISTERS; i += 4) {
		uint32_t v = (uint32_t)reg[i] << 18 |
		             (uint32_t)reg[i + 1] << 12 |
		             (uint32_t)reg[i + 2] << 6 | reg[i + 3];
		uint8_t b[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8),
		                (uint8_t)v};
		gt_buffer_add(out, b, sizeof b);
	}
}

void gt_sketch_pack(struct gt_buffer *out, struct gt_sketch *s)
{
	uint8_t b[4];
	if (shorten(s) != 0) {
		out->failed = true;
		return;
	}
	gt_put32(b, s->reg ? UINT32_MAX : s->n);
	gt_buffer_add(out, b, sizeof b);
	if (s->reg)
		pack_registers(out, s->reg);
	for (uint32_t i = 0; i < s->n; i++) {
		gt_put32(b, s->v[i]);
		gt_buffer_add(out, b, sizeof b);
	}
}

static int merge_registers(struct gt_sketch *s, struct gt_bytes p)
{
	if (p.n != GT_SKETCH_REGISTERS * 3 / 4)
		return -GT_EMALFORMED;
	if (to_registers(s) != 0)
		return -GT_ENOMEM;
	for (size_t i = 0; i < GT_SKETCH_REGISTERS; i++) {
		const uint8_t *at = p.p + i / 4 * 3;
		uint32_t v =
		        (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
		uint8_t r = v >> (18 - 6 * (i % 4)) & 0x3f;
		if (r > TOP)
			return -GT_EMALFORMED;
		if (r > s->reg[i])
			s->reg[i] = r;
	}
	return 0;
}

int gt_sketch_merge_packed(struct gt_sketch *s, struct gt_bytes packed)
{
	uint32_t n = packed.n >= 4 ? gt_get32(packed.p) : 0;
	int status = 0;
	if (packed.n < 4)
		return -GT_EMALFORMED;
	if (n == UINT32_MAX)
		return merge_registers(s,
		                       gt_bytes_of(packed.p + 4, packed.n - 4));
	if (n > GT_SKETCH_SHORT || packed.n - 4 != (size_t)n * 4)
		return -GT_EMALFORMED;
	for (uint32_t i = 0; status == 0 && i < n; i++) {
		uint32_t entry = gt_get32(packed.p + 4 + (size_t)i * 4);
		unsigned rank = entry & ((1u << RANK) - 1);
		if (rank == 0 || rank > 64 - FINE + 1)
			return -GT_EMALFORMED;
		status = put(s, entry);
	}
	return status;
}
