/* database.h: the node's database, opened for reading. The connection that
 * writes is the node's own (run/prepare.c).
 * Tests: u_http.c, u_sweep.c. */
#ifndef GT_DATABASE_H
#define GT_DATABASE_H

#include "read.h"

/* A reader on the database at path, or of that URI, which must be there: so it
 * may name a VFS (sums_vfs.h). NULL, with why. */
struct gt_reader *gt_database_reader(const char *path, char *why,
                                     size_t why_cap);

#endif
