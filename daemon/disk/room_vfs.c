#include "room_vfs.h"

#include <errno.h>
#include <stdlib.h>

#include "vfs_layer.h"

struct gt_room_vfs {
	struct gt_vfs_layer layer;
};

/* Who writes to the log may wait: nothing else is to be had. */
static bool is_log(const struct gt_vfs_file *f)
{
	return (f->flags & SQLITE_OPEN_WAL) != 0;
}

/* A quota and a limit are a fault of the disk to SQLite, and all that can befall
 * the index of a log is one thing: errno is still what its write left. */
static enum gt_lack lack_of(sqlite3_file *below, int rc)
{
	int error = errno;
	if (rc == SQLITE_FULL)
		return GT_LACK_ROOM;
	if ((rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_FSYNC) &&
	    below->pMethods->xFileControl(below, SQLITE_FCNTL_LAST_ERRNO,
	                                  &error) != SQLITE_OK)
		return GT_LACK_NONE;
	if (rc != SQLITE_IOERR_WRITE && rc != SQLITE_IOERR_FSYNC &&
	    rc != SQLITE_IOERR_SHMSIZE)
		return GT_LACK_NONE;
	return error == ENOSPC   ? GT_LACK_ROOM
	       : error == EDQUOT ? GT_LACK_QUOTA
	       : error == EFBIG  ? GT_LACK_LIMIT
	                         : GT_LACK_NONE;
}

/* Written as a whole again: what went in before is the same bytes. */
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct gt_room *room = file->layer->arg;
	enum gt_room_for what = is_log(file) ? GT_ROOM_LOG : GT_ROOM_DATABASE;
	enum gt_lack lack;
	int rc;
	do {
		rc = file->below->pMethods->xWrite(file->below, p, n, at);
		lack = lack_of(file->below, rc);
	} while (lack && gt_room_give(room, lack, what));
	if (rc == SQLITE_OK && is_log(file))
		gt_room_found(room);
	return lack ? SQLITE_FULL : rc;
}

/* Not tried again: what a sync that failed leaves in the system's memory counts
 * as written there, and the next one says that all is well (rewrite.h). So the
 * failure stays one; what it was for is remembered. */
static int f_sync(sqlite3_file *f, int flags)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	int rc = file->below->pMethods->xSync(file->below, flags);
	enum gt_lack lack = rc ? lack_of(file->below, rc) : GT_LACK_NONE;
	if (lack)
		gt_room_unsynced(file->layer->arg, lack);
	return rc;
}

/* The index of the log is a file too, and as needful. */
static int f_shm_map(sqlite3_file *f, int page, int size, int extend,
                     void volatile **out)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct gt_room *room = file->layer->arg;
	enum gt_lack lack;
	int rc;
	do {
		rc = file->below->pMethods->xShmMap(file->below, page, size,
		                                    extend, out);
		lack = lack_of(file->below, rc);
	} while (lack && gt_room_give(room, lack, GT_ROOM_INDEX));
	if (rc == SQLITE_OK && extend)
		gt_room_found(room);
	return lack ? SQLITE_FULL : rc;
}

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags,
                  int *out)
{
	const struct gt_vfs_layer *l = v->pAppData;
	int rc = gt_vfs_layer_pass_open(v, path, f, flags, out);
	/* a name may take a block of its folder */
	if (rc == SQLITE_CANTOPEN && (flags & SQLITE_OPEN_WAL) &&
	    gt_room_give(l->arg, GT_LACK_NONE, GT_ROOM_LOG))
		rc = gt_vfs_layer_pass_open(v, path, f, flags, out);
	return rc;
}

int gt_room_vfs_open(struct gt_room_vfs **out, struct gt_room *room,
                     const char *below)
{
	struct gt_room_vfs *r = calloc(1, sizeof *r);
	int status = r ? gt_vfs_layer_open(&r->layer, "room", below, room)
	               : -GT_ENOMEM;
	if (status != 0) {
		free(r);
		return status;
	}
	r->layer.vfs.xOpen = v_open;
	r->layer.methods.xWrite = f_write;
	r->layer.methods.xShmMap = f_shm_map;
	r->layer.methods.xSync = f_sync;
	*out = r;
	return 0;
}

void gt_room_vfs_close(struct gt_room_vfs *v)
{
	if (!v)
		return;
	gt_vfs_layer_close(&v->layer);
	free(v);
}

const char *gt_room_vfs_name(const struct gt_room_vfs *v)
{
	return v->layer.name;
}
