/* sums_vfs.h: SQLite's files with a sum for every page (sums.h).
 *
 * A layer upon SQLite's own VFS (vfs_layer.h), for the one database of its
 * sums. A page that is read and bad is SQLITE_IOERR_DATA. The log stays when
 * the last connection closes, as its first 32 bytes at least.
 * Tests: u_sums.c. */
#ifndef GT_SUMS_VFS_H
#define GT_SUMS_VFS_H

#include "sums.h"

struct gt_sums_vfs;

/* Registers it under a name of its own; it stands on s until it is closed, and
 * no database is open through it by then. 0 or -GT_ENOMEM. */
int gt_sums_vfs_open(struct gt_sums_vfs **out, struct gt_sums *s);
void gt_sums_vfs_close(struct gt_sums_vfs *v); /* NULL is fine */
/* What to call it in sqlite3_open_v2. */
const char *gt_sums_vfs_name(const struct gt_sums_vfs *v);

#endif
