#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"

enum { HEAPS = GT_WAITING_HEAPS, NAME_MAX = 112, HEAP_BYTES = 16 };

/* Beyond it the sum of a name's heaps would run over. */
#define HEAP_MAX (UINT64_C(1) << 60)

struct heap {
	int64_t upto;
	uint64_t bytes;
};

struct row {
	char whom[NAME_MAX]; /* "": free */
	uint32_t n;          /* of heaps */
	struct heap heaps[HEAPS];
};

struct gt_waiting {
	uint32_t rows;       /* that were ever used: none behind them is */
	char gone[NAME_MAX]; /* who gave way last */
	struct row v[GT_SHARES_MAX];
};

struct gt_waiting *gt_waiting_new(void)
{
	return calloc(1, sizeof(struct gt_waiting));
}

void gt_waiting_free(struct gt_waiting *w)
{
	free(w);
}

static void take_out(struct row *r, uint32_t from, uint32_t count)
{
	r->n -= count;
	memmove(&r->heaps[from], &r->heaps[from + count],
	        (r->n - from) * sizeof *r->heaps);
}

/* What waits, when what the parent has is out of it. */
static uint64_t trim(struct row *r, int64_t hop)
{
	uint64_t sum = 0;
	uint32_t gone = 0;
	while (gone < r->n && r->heaps[gone].upto <= hop)
		gone++;
	take_out(r, 0, gone);
	for (uint32_t i = 0; i < r->n; i++)
		sum += r->heaps[i].bytes;
	return sum;
}

/* Behind the last: it is not known. */
static uint32_t place(const struct gt_waiting *w, const char *whom)
{
	uint32_t i = 0;
	while (i < w->rows && strncmp(w->v[i].whom, whom, NAME_MAX - 1) != 0)
		i++;
	return i;
}

static struct row *find(struct gt_waiting *w, const char *whom)
{
	uint32_t i = place(w, whom);
	return i < w->rows ? &w->v[i] : NULL;
}

/* A row that was never used, or else that of whom the least waits. */
static struct row *settle(struct gt_waiting *w, const char *whom, int64_t hop)
{
	struct row *least = &w->v[0];
	uint64_t least_bytes = UINT64_MAX;
	if (w->rows < GT_SHARES_MAX) {
		least = &w->v[w->rows++];
	} else {
		for (uint32_t i = 0; i < w->rows && least_bytes > 0; i++) {
			uint64_t bytes = trim(&w->v[i], hop);
			if (bytes < least_bytes) {
				least = &w->v[i];
				least_bytes = bytes;
			}
		}
	}
	gt_copy(w->gone, sizeof w->gone, least->whom);
	*least = (struct row){.n = 0};
	gt_copy(least->whom, sizeof least->whom, whom);
	return least;
}

uint64_t gt_waiting_bytes(struct gt_waiting *w, const char *whom, int64_t hop)
{
	struct row *r = find(w, whom);
	return r ? trim(r, hop) : 0;
}

static void pile_up(struct row *r)
{
	uint32_t at = 0;
	uint64_t least = UINT64_MAX;
	for (uint32_t i = 0; i + 1 < r->n; i++) {
		uint64_t both = r->heaps[i].bytes + r->heaps[i + 1].bytes;
		if (both <= least) {
			least = both;
			at = i;
		}
	}
	r->heaps[at + 1].bytes = least;
	take_out(r, at, 1);
}

const char *gt_waiting_add(struct gt_waiting *w, const char *whom, int64_t hop,
                           uint64_t bytes, int64_t upto)
{
	struct row *r = find(w, whom);
	w->gone[0] = '\0';
	if (upto <= hop)
		return NULL;
	if (!r)
		r = settle(w, whom, hop);
	(void)trim(r, hop);
	if (r->n == HEAPS)
		pile_up(r);
	r->heaps[r->n++] = (struct heap){upto, bytes};
	return w->gone[0] ? w->gone : NULL;
}

/* ---------------------------------------------------------- to keep */

size_t gt_waiting_pack(const struct gt_waiting *w, const char *whom,
                       uint8_t out[GT_WAITING_BYTES])
{
	uint32_t i = place(w, whom);
	const struct row *r = i < w->rows ? &w->v[i] : NULL;
	size_t n = 0;
	for (uint32_t k = 0; r && k < r->n; k++, n += HEAP_BYTES) {
		gt_put64(out + n, (uint64_t)r->heaps[k].upto);
		gt_put64(out + n + HEAP_BYTES / 2, r->heaps[k].bytes);
	}
	return n;
}

static uint64_t number(const uint8_t *p)
{
	uint64_t v = 0;
	for (size_t i = 0; i < HEAP_BYTES / 2; i++)
		v = v << 8 | p[i];
	return v;
}

static bool unpack(struct row *r, struct gt_bytes packed, int64_t seq)
{
	int64_t last = 0;
	if (packed.n % HEAP_BYTES != 0 || packed.n > GT_WAITING_BYTES)
		return false;
	for (size_t at = 0; at < packed.n; at += HEAP_BYTES) {
		uint64_t upto = number(packed.p + at);
		uint64_t bytes = number(packed.p + at + HEAP_BYTES / 2);
		if (upto < (uint64_t)last || upto > (uint64_t)seq ||
		    bytes > HEAP_MAX)
			return false;
		last = (int64_t)upto;
		r->heaps[r->n++] = (struct heap){last, bytes};
	}
	return true;
}

bool gt_waiting_unpack(struct gt_waiting *w, const char *whom,
                       struct gt_bytes packed, int64_t hop, int64_t seq)
{
	struct row r = {.n = 0};
	if (w->rows == GT_SHARES_MAX || !gt_copy(r.whom, sizeof r.whom, whom) ||
	    !unpack(&r, packed, seq) || trim(&r, hop) == 0)
		return false;
	w->v[w->rows++] = r;
	return true;
}
