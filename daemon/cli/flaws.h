/* flaws.h: what is wrong with the entries of a batch: found entry by entry, told
 * at the end, all together.
 * Tests: u_draft.c, e2e/test_newcomer.py. */
#ifndef GT_FLAWS_H
#define GT_FLAWS_H

#include "cli.h"

enum { GT_FLAWS_TOLD = 20 };

/* The entries that are wrong: the first of them in the order of the file with
 * what was said of each, and how many there are. Zero it to begin.
 *   kept <= GT_FLAWS_TOLD; kept <= n */
struct gt_flaws {
	struct gt_flaw {
		size_t entry;
		enum gt_exit code;
		char *text;
	} v[GT_FLAWS_TOLD];
	size_t kept, n;
	FILE *open; /* where one is being said */
	char *said;
	size_t nsaid;
};

/* A stream to say in what is wrong with one entry; NULL: no memory. */
FILE *gt_flaws_open(struct gt_flaws *f);
/* Ends that. code other than GT_EXIT_OK: the entry, by its place in the file, is
 * wrong, once for each such call, with that as exit code. Else what was said is
 * no more than a warning, and goes to err. */
void gt_flaws_close(struct gt_flaws *f, size_t entry, enum gt_exit code,
                    FILE *err);
/* Tells all on err, the first twenty in the order of the file and how many of
 * `all` there are, and empties f. The exit code of the first, GT_EXIT_OK where
 * there is none. */
enum gt_exit gt_flaws_tell(struct gt_flaws *f, size_t all, FILE *err);

#endif
