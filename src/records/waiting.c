#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base.h"
#include "limit.h"

enum { HEAPS = 8, NAME_MAX = 112 };

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
	uint32_t rows; /* that were ever used: none behind them is */
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

static struct row *find(struct gt_waiting *w, const char *whom)
{
	for (uint32_t i = 0; i < w->rows; i++)
		if (strncmp(w->v[i].whom, whom, NAME_MAX - 1) == 0)
			return &w->v[i];
	return NULL;
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

void gt_waiting_add(struct gt_waiting *w, const char *whom, int64_t hop,
                    uint64_t bytes, int64_t upto)
{
	struct row *r = find(w, whom);
	if (upto <= hop)
		return;
	if (!r)
		r = settle(w, whom, hop);
	(void)trim(r, hop);
	if (r->n == HEAPS)
		pile_up(r);
	r->heaps[r->n++] = (struct heap){upto, bytes};
}
