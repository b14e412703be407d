/* versions.h: which of two versions of a document is the newer one, and what is
 * to be done when neither knew of the other.
 *
 * A version is named by who put it, in which epoch of his (one begins at each
 * start), and his number for it, which grows. It remembers of the versions it knew of (`seen`) the newest
 * of each origin and epoch: what was put upon what was seen is newer, whatever
 * clocks say. Where neither knew of the other, people wrote in two places at
 * once: one wins, by when a parent had it first, then by its name, and the
 * other is kept for them to look at (documents_row.h). The winner has seen the
 * loser from then on, so that nobody decides the same once more.
 *
 * `seen` is bytes: of each version the length of its code, the code, the epoch,
 * eight bytes of number; at most GT_SEEN_MAX of them, the oldest goes first:
 * then two that did know of each other may look as if they had not, and both
 * are kept, which loses nothing. Pure.
 * Tests: u_versions.c. */
#ifndef GT_VERSIONS_H
#define GT_VERSIONS_H

#include "base.h"

enum {
	GT_SEEN_MAX = 32,
	GT_SEEN_ONE = 1 + GT_CODE_MAX + GT_EPOCH_BYTES + 8,
	GT_SEEN_BYTES = GT_SEEN_MAX * GT_SEEN_ONE,
};

struct gt_version {
	char origin[GT_CODE_MAX + 1];
	uint8_t epoch[GT_EPOCH_BYTES];
	int64_t seq;
	int64_t first_ms; /* when a parent had it first; 0: none yet */
};

/* What a version has seen, in room of its own. */
struct gt_seen {
	size_t n;
	uint8_t b[GT_SEEN_BYTES];
};

/* Whether the bytes are what they should be. */
bool gt_seen_valid(struct gt_bytes seen);
/* Whether v, or a later one of its origin in its epoch, is in it. */
bool gt_seen_has(struct gt_bytes seen, const struct gt_version *v);
/* Puts v in, the last; what is older of its origin and epoch goes. */
void gt_seen_add(struct gt_seen *to, const struct gt_version *v);
/* Puts in all that is in `more`, which is valid. */
void gt_seen_merge(struct gt_seen *to, struct gt_bytes more);

/* The very same name. */
bool gt_version_same(const struct gt_version *a, const struct gt_version *b);

enum gt_precedence {
	GT_VERSION_SAME,
	GT_VERSION_NEWER, /* a knew of b */
	GT_VERSION_OLDER, /* b knew of a */
	GT_VERSION_BESIDE /* neither of the other */
};
/* How a, which has seen a_seen, stands to b. Where each knows of the other, as
 * two do that were decided upon in two places, the greater name decides: when a
 * parent had them first they may know otherwise in another place. */
enum gt_precedence gt_version_compare(const struct gt_version *a,
                                      struct gt_bytes a_seen,
                                      const struct gt_version *b,
                                      struct gt_bytes b_seen);
/* Of two versions beside each other a wins: a parent had it later, or at the
 * same time, and its name is the greater one. One that no parent has had counts
 * as later than all. Exactly one of two that differ wins. */
bool gt_version_wins(const struct gt_version *a, const struct gt_version *b);

#endif
