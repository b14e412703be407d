/* vfs_layer.h: a layer upon one of SQLite's VFSs, through which all goes as it
 * is. Who makes one puts functions of his own in the place of those that do
 * not suit him.
 * Tests: u_room.c, u_sums.c. */
#ifndef GT_VFS_LAYER_H
#define GT_VFS_LAYER_H

#include <sqlite3.h>

#include "base.h"

struct gt_vfs_layer {
	sqlite3_vfs vfs;
	sqlite3_vfs *below;
	sqlite3_io_methods methods; /* of its files */
	void *arg;                  /* its owner's */
	char name[40];              /* what to call it in sqlite3_open_v2 */
};

/* A file of a layer; the file of the VFS below lies behind it. */
struct gt_vfs_file {
	sqlite3_file base;
	struct gt_vfs_layer *layer;
	int flags; /* it was opened with */
	sqlite3_file *below;
};

/* Makes and registers a layer on the VFS of that name, NULL: SQLite's own.
 * `kind` begins its name. What is to be otherwise in vfs and methods is set
 * before a file is opened. 0 or -GT_ENOMEM. */
int gt_vfs_layer_open(struct gt_vfs_layer *l, const char *kind,
                      const char *below, void *arg);
/* No file is open through it by then. */
void gt_vfs_layer_close(struct gt_vfs_layer *l);

/* xOpen as it is without a layer. */
int gt_vfs_layer_pass_open(sqlite3_vfs *v, const char *path, sqlite3_file *f,
                           int flags, int *out);
/* The file, and whose it is: arg of its layer. */
static inline struct gt_vfs_file *gt_vfs_file(sqlite3_file *f)
{
	return (struct gt_vfs_file *)(void *)f;
}

#endif
