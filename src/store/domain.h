/* domain.h: what the columns of the database may hold, row by row.
 *
 * The programs write nothing else. A row that holds something else was altered
 * by another hand: what it says cannot be acted upon, whatever the rest of it
 * says. Numbers that only grow are bounded so that one more still has room.
 * Tests: u_domain.c, e2e/test_odd.py. */
#ifndef GT_DOMAIN_H
#define GT_DOMAIN_H

#include <sqlite3.h>

#include "base.h"

enum { GT_ODD_NAME = 24, GT_ODD_SAID = 200 };

/* The first such row. */
struct gt_odd {
	char table[GT_ODD_NAME], column[GT_ODD_NAME];
	char row[64];   /* its key, as text */
	char value[40]; /* what it holds, cut to fit */
	uint64_t rows;  /* such rows in all, as far as was looked */
	/* it is one that no neighbour can have: it was published or handed in
	 * here; then it is the first of those */
	bool only_here;
};

/* One SQL expression over a row of the table, as db has it: the name of the
 * first column that is impossible, or NULL. To be freed by sqlite3_free; NULL:
 * out of memory. */
char *gt_domain_of(sqlite3 *db, const char *table);
/* Looks through all tables. code: the node's, root: it has no parent. 1: all is
 * possible; 0: out->rows are not; -GT_ESTORE: SQLite failed, or was
 * interrupted; -GT_ENOMEM. */
int gt_domain_look(sqlite3 *db, const char *code, bool root,
                   struct gt_odd *out);
/* What of it a person is told. */
void gt_odd_say(char out[GT_ODD_SAID], const struct gt_odd *odd);

#endif
