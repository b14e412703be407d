/* compare.h: only what differs travels (PROTOCOL.md, M54).
 *
 * A child whose parent has less of its records than it may have been handed (a
 * new epoch on either side, a backup that came back, another parent) asks what of
 * them is there before it sends any. Both ends look at what was handed in at one
 * place, in blocks of GT_BLOCK_SEQS numbers of its origin's (whatever the epoch: a
 * new one takes the old one's records over), each known by a mark: the hash of
 * the names of what is in it. A name is what tells a record from others: its id,
 * of its form as much as tells it from another of that id, its flags. Of
 * blocks whose marks differ the names are told, and answered with those that
 * are wanted.
 *
 * When in doubt a record is sent: one whose place cannot be looked at, of a row
 * that is damaged, of a place with too many streams. That one is there counts
 * only for the link on which the parent said so.
 *
 * compare.c asks, compare_seen.c answers, compare_block.c is what both do.
 * Tests: u_compare.c, e2e/test_resent.py. */
#ifndef GT_COMPARE_H
#define GT_COMPARE_H

#include "records_inside.h"

enum {
	GT_BLOCK_SEQS = 16,  /* numbers of an origin's in a block */
	GT_BLOCK_MARK = 12,  /* bytes of a block's mark */
	GT_BLOCKS = 64,      /* in a stretch */
	GT_BLOCKS_MAX = 512, /* in a request */
	GT_STRETCHES_MAX = 256,
	GT_NAME_FORM = 8, /* bytes of the form */
	GT_NAME_BYTES = GT_UUID_BYTES + GT_NAME_FORM + 1,
	/* ... in a request: no more rows of a stretch are looked at */
	GT_NAMES_MAX = GT_BLOCKS_MAX * GT_BLOCK_SEQS,
	/* streams that the stretches of one request may lead to */
	GT_COMPARE_STREAMS = 8192,
	GT_COMPARE_LEAST = 8, /* records: fewer are sent */
	/* numbers, of the child's own, that are compared: behind them all is
	 * sent */
	GT_COMPARE_MAX = 1 << 24,
};

/* A record as it is compared. */
struct gt_named {
	int64_t seq;    /* its number here */
	uint32_t block; /* of the request's, from 0 */
	uint8_t name[GT_NAME_BYTES];
};

/* Reads what of that origin lies in count blocks from number `first` on, in the
 * order of its numbers, into v, where there is room for cap; of blocks numbered
 * from `base` on. Rows that are damaged are passed over. *streams: goes down by
 * how many were looked through. False in *all: there is more than v or they have
 * room for, and nothing is known of any. 0, or fatal. */
int gt_compare_read(struct gt_node *n, const char *origin, int64_t first,
                    uint32_t count, uint32_t base, struct gt_named *v,
                    size_t cap, size_t *got, int64_t *streams, bool *all);
/* The mark of the k rows v of one block; all zero where there is none. */
void gt_compare_mark(uint8_t mark[GT_BLOCK_MARK], const struct gt_named *v,
                     size_t k);
/* Of the n rows v in order, those of that block: from *at on; their count. */
size_t gt_compare_rows(const struct gt_named *v, size_t n, size_t *at,
                       uint32_t block);

/* The child's end: what is going on, or was found on this link. */
void gt_compare_free(struct gt_compare *c); /* NULL is fine */

/* The parent has so many of this epoch's: what is here is compared if it, or
 * another one, may once have had more, and there is enough of it. */
int gt_compare_begin(struct gt_node *n, int64_t theirs);
/* The link is gone: nothing is known of what is there. */
void gt_compare_end(struct gt_node *n);
/* Asks on, if that is due. True: it is not known yet what is to be sent. */
int gt_compare_go(struct gt_node *n, bool *busy);
/* Whether the parent said that it has record number seq. */
bool gt_compare_there(const struct gt_node *n, int64_t seq);
/* The last number behind `seq` up to which the parent has all; seq: not the
 * next one. */
int64_t gt_compare_past(const struct gt_node *n, int64_t seq);
/* How many from `seq` on it is not known to have, at most `most`. */
int64_t gt_compare_run(const struct gt_node *n, int64_t seq, int64_t most);

#endif
