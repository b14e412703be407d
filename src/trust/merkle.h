/* merkle.h: trees of hashes (RFC 6962) of which some leaves are not at hand.
 *
 * A tree of n leaves splits at the largest power of two below n. Where nobody
 * has the leaves of a whole subtree, or they are not sent, its hash stands in
 * for them: a gap. So whoever holds some of the leaves, and gaps for all the
 * others, works out the root, and knows of each of his that it is in the tree.
 *
 * Tests: u_merkle.c, against a naive tree. */
#ifndef GT_MERKLE_H
#define GT_MERKLE_H

#include "sha2.h"

enum {
	GT_MERKLE_MAX = 512, /* leaves of a tree with gaps */
	GT_GAP_BYTES = 36,   /* of one, as it is stored or sent: at, n, hash */
};

/* The hash of a subtree: leaves at .. at + n - 1. */
struct gt_gap {
	uint32_t at, n;
	struct gt_id hash;
};

/* n leaves; leaves[i] counts where here[i]. Borrowed. */
struct gt_merkle {
	const struct gt_id *leaves;
	const bool *here;
	uint32_t n;                /* at most GT_MERKLE_MAX */
	const struct gt_gap *gaps; /* by place, none within another */
	size_t ngaps;
	/* of another look at the same tree, for gt_merkle_gaps alone */
	const struct gt_gap *also;
	size_t nalso;
};

/* The largest power of two below n, n > 1. */
size_t gt_merkle_split(size_t n);
void gt_merkle_node(struct gt_id *out, const struct gt_id *l,
                    const struct gt_id *r);

/* False: some leaf is neither here nor in a gap, or is both. */
bool gt_merkle_root(const struct gt_merkle *t, struct gt_id *root);

/* The largest subtrees with none of keep[], in order, into out[t->n]; how many.
 * A leaf may be here and in a gap. *whole: all of them could be told. */
size_t gt_merkle_gaps(const struct gt_merkle *t, const bool *keep,
                      struct gt_gap *out, bool *whole);

/* n gaps as bytes: GT_GAP_BYTES each. */
void gt_gaps_write(uint8_t *out, const struct gt_gap *gaps, size_t n);
/* The other way, into out[count]: subtrees of a tree of `count` leaves, in order,
 * none within another. How many; -1: they are not. */
int gt_gaps_read(struct gt_gap *out, struct gt_bytes b, uint32_t count);

#endif
