/* listing.h: a list the daemon has, as one table.
 * Tests: e2e/test_house.py. */
#ifndef GT_LISTING_H
#define GT_LISTING_H

#include "cli.h"

enum { GT_LISTING_COLUMNS = 6 };

struct gt_listing {
	const char *path, *list; /* what to ask, the array's name in it */
	const char *align;       /* gt_table_new's */
	size_t n;                /* columns */
	const char *keys[GT_LISTING_COLUMNS];
	/* what is in each: 't' a text or number as it is, 'w' a word of programs
	 * (word.h), 'i' a time of ISO 8601 */
	const char *forms;
	enum gt_text heads[GT_LISTING_COLUMNS];
};

/* Asks and prints: a table, or the answer itself for whoever wants JSON. */
enum gt_exit gt_listing_run(struct gt_cli *cli, const struct gt_listing *l);

#endif
