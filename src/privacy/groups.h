/* groups.h: learners told of only as groups: counts that can be laid beside each
 * other, and subtracted, without any of them speaking of fewer than k.
 *
 * Records that stay at a node under `aggregate` lie in a pool. A report takes
 * what lies there and makes *cells* of it: of a verb, an activity and a month, so
 * many statements by so many learners. Three things hold whatever comes later:
 *
 *   1. A record is in one cell at most, ever, and no sum is told beside its
 *      parts. So any two unions of cells are of records that are apart, or one
 *      lies in the other and what is left is cells again.
 *   2. A cell is of k learners or more: k the greatest of its records'. It still
 *      is when any one place below takes its own records out of it, or they all
 *      come from that place: 4 + 1 from two children tell either of the other.
 *   3. What is left in the pool is of k learners or more too, or of none. How
 *      many records stay can be seen above, in the numbers that are missing: who
 *      takes all cells from that finds no few either. Where it would be fewer,
 *      the least cell goes back (the complement).
 *
 * What is too rare for its activity is counted with the other rare ones of its
 * verb and month, activity "". What is in no cell waits for the next report.
 *
 * Distinct learners of several cells cannot be told from their counts: no
 * sketches go up, for where two of them overlap they would tell of a few.
 *
 * Pure.
 * Tests: u_groups.c, against one who subtracts whatever he can. */
#ifndef GT_GROUPS_H
#define GT_GROUPS_H

#include "base.h"

enum {
	GT_GROUPS_ROWS = 20000, /* in a report */
	GT_GROUPS_WHO = 32,     /* learners of a record */
	GT_GROUPS_MONTH = 8,    /* "2026-11", with its NUL */
};

/* A record of the pool. Texts are copied. */
struct gt_group_row {
	const char *verb, *activity;
	const char *part; /* the place below that it comes from */
	char month[GT_GROUPS_MONTH];
	uint32_t least;              /* k, as it is demanded for this one */
	uint64_t who[GT_GROUPS_WHO]; /* a number for each learner */
	size_t nwho;
};

struct gt_group_cell {
	const char *verb, *activity; /* activity "": several */
	const char *month;
	uint64_t statements, learners;
	uint32_t least; /* k */
};

struct gt_groups;
struct gt_groups *gt_groups_new(void);    /* NULL: out of memory */
void gt_groups_free(struct gt_groups *g); /* NULL is fine */
/* 0; -GT_ENOMEM; -GT_ELIMIT, it is full. */
int gt_groups_add(struct gt_groups *g, const struct gt_group_row *row);
/* Makes the cells, once. 0, -GT_ENOMEM. */
int gt_groups_settle(struct gt_groups *g);
size_t gt_groups_cells(const struct gt_groups *g);
/* Lent by g. */
struct gt_group_cell gt_groups_cell(const struct gt_groups *g, size_t i);
/* The cell the i-th row that was added is in; -1: none, it stays in the pool. */
int gt_groups_cell_of(const struct gt_groups *g, size_t i);

#endif
