/* figures.h: sums of deeds (deed.h), by whatever they are to be told apart by.
 *
 * A *figure* is what was done under one key: numbers that add up, and sketches
 * of who did it and of his visits (sketch.h). Figures of different records are
 * put together, in any order, to those of all; so a database keeps them packed,
 * a piece for some thousands of records each (records/reckon.h). Pure.
 *
 * Tests: u_figures.c. */
#ifndef GT_FIGURES_H
#define GT_FIGURES_H

#include "deed.h"

enum gt_measure {
	GT_STATEMENTS,
	GT_COMPLETIONS,
	GT_NEEDS,
	GT_SPENT_MS,
	GT_AHEAD, /* bear a time that was yet to come when they came here */
	GT_MEASURES
};

enum {
	GT_FIGURE_KEY = 4096, /* bytes of a key at most */
	/* a timestamp so far behind the moment it was received is wrong */
	GT_AHEAD_MS = 3600 * 1000,
};

struct gt_figure {
	uint64_t n[GT_MEASURES];
	struct gt_sketch learners, visits;
};

/* When something was done, by each clock that it can be counted by. */
enum gt_counts_by {
	GT_BY_TIMESTAMP, /* as the statement says, else its origin's clock */
	GT_BY_STORED,    /* when this node received it */
	GT_COUNTS_BY
};

/* A record, beside what is in its statement. */
struct gt_receipt {
	const uint8_t *id; /* GT_UUID_BYTES */
	int64_t origin_ms, stored_ms;
};

/* The day it counts to. */
void gt_figure_day(char day[GT_DEED_DAY], const struct gt_deed *d,
                   const struct gt_receipt *r, enum gt_counts_by by);
/* Adds a deed's numbers, which add up; who it was and his visit are not. */
void gt_figure_count(struct gt_figure *f, const struct gt_deed *d,
                     const struct gt_receipt *r);
/* Adds a deed of that day, all of it. 0, -GT_ENOMEM. */
int gt_figure_add(struct gt_figure *f, const struct gt_deed *d,
                  const struct gt_receipt *r, const char day[GT_DEED_DAY],
                  const uint8_t key[GT_SKETCH_KEY]);
/* Adds another figure. */
int gt_figure_merge(struct gt_figure *f, const struct gt_figure *other);
void gt_figure_free(struct gt_figure *f); /* empties it */

/* Figures by their keys. */
struct gt_figures;
struct gt_figures *gt_figures_new(void);    /* NULL: out of memory */
void gt_figures_free(struct gt_figures *f); /* NULL is fine */
/* The one of that key, made if there is none; good until the next call. NULL:
 * out of memory, or the key is too long. */
struct gt_figure *gt_figures_at(struct gt_figures *f, struct gt_bytes key);
size_t gt_figures_count(const struct gt_figures *f);
/* The memory that they take, roughly. */
size_t gt_figures_bytes(const struct gt_figures *f);
/* The i-th, in the order of the keys, once all are there. */
struct gt_figure *gt_figures_nth(struct gt_figures *f, size_t i,
                                 struct gt_bytes *key);

/* Appends them all, in the order of their keys; the same figures are the same
 * bytes. What is wrong is the buffer's to say. */
void gt_figures_pack(struct gt_buffer *out, struct gt_figures *f);

/* One that is packed, in the bytes it came from. */
struct gt_packed {
	struct gt_bytes key, learners, visits;
	uint64_t n[GT_MEASURES];
};
/* Takes the next from the front of *in. 1; 0, there is no more;
 * -GT_EMALFORMED. */
int gt_packed_next(struct gt_bytes *in, struct gt_packed *out);
/* Adds it to a figure. 0, -GT_ENOMEM, -GT_EMALFORMED. */
int gt_figure_unpack(struct gt_figure *f, const struct gt_packed *p);

#endif
