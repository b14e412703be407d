/* room_vfs.h: SQLite's files on the room that is kept for them (room.h).
 *
 * A layer upon a VFS (vfs_layer.h). What does not fit is written again once room
 * was given; all else goes through as it is. So the node that writes never
 * hears of a full disk while anything is kept, and a transaction that has begun
 * is not lost for want of a page of its log.
 * Tests: u_room.c. */
#ifndef GT_ROOM_VFS_H
#define GT_ROOM_VFS_H

#include "room.h"

struct gt_room_vfs;

/* Registers it under a name of its own, upon the VFS `below`, NULL: SQLite's
 * own. It stands on r until it is closed, and no database is open through it by
 * then. 0 or -GT_ENOMEM. */
int gt_room_vfs_open(struct gt_room_vfs **out, struct gt_room *r,
                     const char *below);
void gt_room_vfs_close(struct gt_room_vfs *v); /* NULL is fine */
/* What to call it in sqlite3_open_v2. */
const char *gt_room_vfs_name(const struct gt_room_vfs *v);

#endif
