/* read_hunt.c: which records may fit what is asked for, by the index.
 *
 * A filter has slots (xapi_term.h): a record that fits is among the postings of
 * each, or among those of which the index cannot tell. The slots are asked in
 * turn for what is not before the last one's answer, until they agree: so what
 * is rare leads what is common past all that cannot fit.
 * Tests: u_terms.c. */
#include <stdlib.h>

#include "read_inside.h"
#include "xapi_term.h"

enum { BLOCK_ROWS = 4 /* what a block costs, in rows */ };

struct gt_hunt {
	struct gt_reader *r;
	struct slot {
		struct gt_postings *of[2];
	} slots[GT_TERM_SLOTS];
	size_t n;
	struct gt_postings *unsure;
	int64_t last;
};

void gt_hunt_free(struct gt_hunt *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < GT_TERM_SLOTS; i++)
		for (size_t k = 0; k < 2; k++)
			gt_postings_free(h->slots[i].of[k]);
	gt_postings_free(h->unsure);
	free(h);
}

int64_t gt_hunt_last(const struct gt_hunt *h)
{
	return h->last;
}

/* The last record that is indexed; 0: none. */
static int last_indexed(struct gt_reader *r, int64_t *last)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_META);
	if (s)
		gt_reader_bind(s, 1, "indexed");
	return gt_reader_numbers(r, s, last, 1) ? 0 : -GT_ESTORE;
}

static bool open(struct gt_hunt *h, const struct gt_filter *f)
{
	struct gt_term_slot slots[GT_TERM_SLOTS];
	struct gt_runs *runs = h->r->runs;
	bool ok = (h->unsure = gt_postings_new(runs, GT_TERM_UNSURE)) != NULL;
	h->n = gt_terms_of_filter(f, slots);
	for (size_t i = 0; ok && i < h->n; i++)
		for (size_t k = 0; ok && k < slots[i].n; k++) {
			h->slots[i].of[k] =
			        gt_postings_new(runs, slots[i].v[k]);
			ok = h->slots[i].of[k] != NULL;
		}
	return ok;
}

int gt_hunt_new(struct gt_reader *r, const struct gt_filter *f,
                struct gt_hunt **out)
{
	int64_t last = 0;
	*out = NULL;
	int status = last_indexed(r, &last);
	if (status != 0 || last <= 0 || !gt_filter_any(f))
		return status;
	if (!r->runs)
		r->runs = gt_runs_new(r->db, false);
	struct gt_hunt *h = r->runs ? calloc(1, sizeof *h) : NULL;
	if (h) {
		gt_runs_fresh(r->runs);
		*h = (struct gt_hunt){.r = r, .last = last};
	}
	if (h && open(h, f)) {
		*out = h;
		return 0;
	}
	gt_hunt_free(h);
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	return -GT_ESTORE;
}

/* What failed, as a reader says it. */
static int failed(struct gt_hunt *h, int row)
{
	if (row == -GT_ESTORE)
		gt_reader_failed(h->r);
	if (row == -GT_ENOMEM)
		gt_reader_fail(h->r, gt_strerror(GT_ENOMEM));
	return row == -GT_ENOMEM ? -GT_ESTORE : row;
}

/* The nearest of some postings: 1, 0: none. */
static int nearest(struct gt_postings *const *of, size_t n, bool up,
                   int64_t from, int64_t *seq)
{
	int any = 0;
	for (size_t i = 0; i < n && of[i]; i++) {
		int64_t here;
		int row = gt_postings_seek(of[i], from, up, &here);
		if (row < 0)
			return row;
		if (row == 1 && (!any || (up ? here < *seq : here > *seq)))
			*seq = here;
		any = any || row == 1;
	}
	return any;
}

static unsigned blocks(const struct gt_hunt *h)
{
	unsigned n = gt_postings_cost(h->unsure);
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < 2 && h->slots[i].of[k]; k++)
			n += gt_postings_cost(h->slots[i].of[k]);
	return n;
}

/* The next on which all slots agree. GT_HUNT_PAUSE: not before that. */
static int agree(struct gt_hunt *h, bool up, size_t *cost, size_t most,
                 int64_t *seq)
{
	size_t same = 0, spent = *cost;
	unsigned before = blocks(h);
	int row = 1;
	for (size_t i = 0; row == 1 && same < h->n; i = (i + 1) % h->n) {
		int64_t here = *seq;
		row = nearest(h->slots[i].of, 2, up, *seq, &here);
		same = row == 1 && here == *seq ? same + 1 : 1;
		*seq = row == 1 ? here : *seq;
		*cost = spent++ + (blocks(h) - before) * BLOCK_ROWS;
		if (row == 1 && same < h->n && *cost >= most)
			row = GT_HUNT_PAUSE;
	}
	return row;
}

int gt_hunt_next(struct gt_hunt *h, bool up, size_t *cost, size_t most,
                 int64_t *seq)
{
	int64_t other = *seq;
	int unsure = nearest(&h->unsure, 1, up, *seq, &other);
	int row = unsure < 0 ? unsure : agree(h, up, cost, most, seq);
	if (row < 0)
		return failed(h, row);
	if (unsure == 1 && (row == 0 || (up ? other < *seq : other > *seq))) {
		*seq = other;
		row = 1;
	}
	return row;
}
