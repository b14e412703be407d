/* sums_vfs.h: SQLite's files with a sum for every page (sums.h), and for every
 * page of the log (log_sums.h).
 *
 * A layer upon SQLite's own VFS (vfs_layer.h), for the one database of its
 * sums. A page that is read and bad is SQLITE_IOERR_DATA. Nothing is written
 * behind, or copied from, a log that is not what this process wrote: that is an
 * error too, and SQLITE_FCNTL_CKPT_START (sqlite3_file_control) asks for it
 * before a checkpoint. The log stays when the last connection closes, as its
 * first 32 bytes at least.
 * Tests: u_sums.c, u_log_sums.c. */
#ifndef GT_SUMS_VFS_H
#define GT_SUMS_VFS_H

#include "log_sums.h"
#include "sums.h"

struct gt_sums_vfs;

/* Registers it under a name of its own; it stands on s and log until it is
 * closed, and no database is open through it by then. 0 or -GT_ENOMEM. */
int gt_sums_vfs_open(struct gt_sums_vfs **out, struct gt_sums *s,
                     struct gt_log_sums *log);
void gt_sums_vfs_close(struct gt_sums_vfs *v); /* NULL is fine */
/* What to call it in sqlite3_open_v2. */
const char *gt_sums_vfs_name(const struct gt_sums_vfs *v);

#endif
