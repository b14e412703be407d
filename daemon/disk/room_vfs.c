#include "room_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>

/* The file of the VFS below lies behind it. */
struct file {
	sqlite3_file base;
	struct gt_room *room;
	bool log; /* who writes here may wait: nothing else is to be had */
	sqlite3_file *below;
};

struct gt_room_vfs {
	sqlite3_vfs vfs;
	sqlite3_vfs *below;
	struct gt_room *room;
	char name[40];
};

static struct file *of(sqlite3_file *f)
{
	return (struct file *)(void *)f;
}

static sqlite3_vfs *under(sqlite3_vfs *v)
{
	const struct gt_room_vfs *r = v->pAppData;
	return r->below;
}

/* ------------------------------------------------------------ files */

static int f_close(sqlite3_file *f)
{
	return of(f)->below->pMethods->xClose(of(f)->below);
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return of(f)->below->pMethods->xRead(of(f)->below, p, n, at);
}

/* Written as a whole again: what went in before is the same bytes. */
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct file *file = of(f);
	int rc;
	do
		rc = file->below->pMethods->xWrite(file->below, p, n, at);
	while (rc == SQLITE_FULL && gt_room_give(file->room, file->log));
	if (rc == SQLITE_OK && file->log)
		gt_room_found(file->room);
	return rc;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return of(f)->below->pMethods->xTruncate(of(f)->below, n);
}

static int f_sync(sqlite3_file *f, int flags)
{
	return of(f)->below->pMethods->xSync(of(f)->below, flags);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *out)
{
	return of(f)->below->pMethods->xFileSize(of(f)->below, out);
}

static int f_lock(sqlite3_file *f, int level)
{
	return of(f)->below->pMethods->xLock(of(f)->below, level);
}

static int f_unlock(sqlite3_file *f, int level)
{
	return of(f)->below->pMethods->xUnlock(of(f)->below, level);
}

static int f_reserved(sqlite3_file *f, int *out)
{
	return of(f)->below->pMethods->xCheckReservedLock(of(f)->below, out);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
	return of(f)->below->pMethods->xFileControl(of(f)->below, op, arg);
}

static int f_sector(sqlite3_file *f)
{
	return of(f)->below->pMethods->xSectorSize(of(f)->below);
}

static int f_character(sqlite3_file *f)
{
	return of(f)->below->pMethods->xDeviceCharacteristics(of(f)->below);
}

/* The index of the log is a file too. */
static int f_shm_map(sqlite3_file *f, int page, int size, int extend,
                     void volatile **out)
{
	struct file *file = of(f);
	int rc;
	do
		rc = file->below->pMethods->xShmMap(file->below, page, size,
		                                    extend, out);
	while (rc == SQLITE_IOERR_SHMSIZE && gt_room_give(file->room, false));
	return rc;
}

static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return of(f)->below->pMethods->xShmLock(of(f)->below, offset, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
	of(f)->below->pMethods->xShmBarrier(of(f)->below);
}

static int f_shm_unmap(sqlite3_file *f, int delete)
{
	return of(f)->below->pMethods->xShmUnmap(of(f)->below, delete);
}

static const sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = f_close,
        .xRead = f_read,
        .xWrite = f_write,
        .xTruncate = f_truncate,
        .xSync = f_sync,
        .xFileSize = f_size,
        .xLock = f_lock,
        .xUnlock = f_unlock,
        .xCheckReservedLock = f_reserved,
        .xFileControl = f_control,
        .xSectorSize = f_sector,
        .xDeviceCharacteristics = f_character,
        .xShmMap = f_shm_map,
        .xShmLock = f_shm_lock,
        .xShmBarrier = f_shm_barrier,
        .xShmUnmap = f_shm_unmap,
};

/* -------------------------------------------------------------- VFS */

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags,
                  int *out)
{
	const struct gt_room_vfs *r = v->pAppData;
	struct file *file = of(f);
	int rc;
	file->base.pMethods = NULL;
	file->room = r->room;
	file->log = (flags & SQLITE_OPEN_WAL) != 0;
	file->below = (sqlite3_file *)(void *)(file + 1);
	/* a name may take a block of its folder */
	rc = r->below->xOpen(r->below, path, file->below, flags, out);
	if (rc == SQLITE_CANTOPEN && file->log && gt_room_give(r->room, false))
		rc = r->below->xOpen(r->below, path, file->below, flags, out);
	if (file->below->pMethods)
		file->base.pMethods = &methods;
	return rc;
}

static int v_delete(sqlite3_vfs *v, const char *path, int sync)
{
	return under(v)->xDelete(under(v), path, sync);
}

static int v_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
	return under(v)->xAccess(under(v), path, flags, out);
}

static int v_full(sqlite3_vfs *v, const char *path, int n, char *out)
{
	return under(v)->xFullPathname(under(v), path, n, out);
}

static int v_random(sqlite3_vfs *v, int n, char *out)
{
	return under(v)->xRandomness(under(v), n, out);
}

static int v_sleep(sqlite3_vfs *v, int us)
{
	return under(v)->xSleep(under(v), us);
}

static int v_time(sqlite3_vfs *v, double *out)
{
	return under(v)->xCurrentTime(under(v), out);
}

static int v_error(sqlite3_vfs *v, int n, char *out)
{
	return under(v)->xGetLastError(under(v), n, out);
}

int gt_room_vfs_open(struct gt_room_vfs **out, struct gt_room *room)
{
	struct gt_room_vfs *r = calloc(1, sizeof *r);
	sqlite3_vfs *below = sqlite3_vfs_find(NULL);
	if (!r || !below) {
		free(r);
		return -GT_ENOMEM;
	}
	r->below = below;
	r->room = room;
	gt_format(r->name, sizeof r->name, "room-%p", (void *)r);
	r->vfs = (sqlite3_vfs){
	        .iVersion = 1,
	        .szOsFile = (int)sizeof(struct file) + below->szOsFile,
	        .mxPathname = below->mxPathname,
	        .zName = r->name,
	        .pAppData = r,
	        .xOpen = v_open,
	        .xDelete = v_delete,
	        .xAccess = v_access,
	        .xFullPathname = v_full,
	        .xRandomness = v_random,
	        .xSleep = v_sleep,
	        .xCurrentTime = v_time,
	        .xGetLastError = v_error,
	};
	if (sqlite3_vfs_register(&r->vfs, 0) != SQLITE_OK) {
		free(r);
		return -GT_ENOMEM;
	}
	*out = r;
	return 0;
}

void gt_room_vfs_close(struct gt_room_vfs *v)
{
	if (!v)
		return;
	(void)sqlite3_vfs_unregister(&v->vfs);
	free(v);
}

const char *gt_room_vfs_name(const struct gt_room_vfs *v)
{
	return v->name;
}
