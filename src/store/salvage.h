/* salvage.h: a new database out of one that cannot be read whole.
 *
 * What is missing of a file that was cut short is unreadable as any damage is.
 * All that can still be read is copied, row by row; what an index alone is
 * needed for is made anew with it. Of the records that are gone the indexes
 * mostly still have the names: they are noted as spoilt (schema.h), so that
 * neighbours are asked for them, and those nobody else can have are set aside
 * by name. The old database is only read.
 * Tests: u_salvage.c, e2e/test_flips.py. */
#ifndef GT_SALVAGE_H
#define GT_SALVAGE_H

#include <sqlite3.h>

#include "base.h"

enum { GT_SALVAGE_TABLES = 40, GT_SALVAGE_NAMES = 20, GT_SALVAGE_NAME = 120 };

/* What came of it. */
struct gt_salvaged {
	struct gt_salvaged_table {
		char name[24];
		uint64_t kept;
		uint64_t holes; /* stretches that cannot be read */
	} tables[GT_SALVAGE_TABLES];
	size_t ntables;
	uint64_t rows;  /* kept in all */
	uint64_t asked; /* records a neighbour may have */
	uint64_t gone;  /* records nobody else can have */
	/* what neighbours remember may be newer than what is left: to be
	 * started as a backup is */
	bool restored;
	/* what was published or handed in here and is gone, the first of them,
	 * by id */
	char names[GT_SALVAGE_NAMES][GT_SALVAGE_NAME];
	size_t nnames;
	uint64_t own; /* published here, and gone */
};

/* Fills `to`, an empty database, with what of `from` can be read; code: the
 * node's, root: it has no parent. Takes `to` over and closes it, whatever
 * comes; it is not synced then. 0, -GT_ENOMEM, or -GT_ESTORE with why: not even
 * what tables there are can be read, or `to` cannot be written. */
int gt_salvage(sqlite3 *from, sqlite3 *to, const char *code, bool root,
               struct gt_salvaged *out, char *why, size_t why_cap);

enum { GT_SALVAGE_SAID = 200 };
/* What came of it, in the words of the audit log. */
void gt_salvage_say(char out[GT_SALVAGE_SAID], const struct gt_salvaged *s);

#endif
