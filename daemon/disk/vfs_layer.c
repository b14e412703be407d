#include "vfs_layer.h"

static sqlite3_file *below(sqlite3_file *f)
{
	return gt_vfs_file(f)->below;
}

static sqlite3_vfs *under(sqlite3_vfs *v)
{
	const struct gt_vfs_layer *l = v->pAppData;
	return l->below;
}

/* ------------------------------------------------------------ files */

static int f_close(sqlite3_file *f)
{
	return below(f)->pMethods->xClose(below(f));
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return below(f)->pMethods->xRead(below(f), p, n, at);
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return below(f)->pMethods->xWrite(below(f), p, n, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return below(f)->pMethods->xTruncate(below(f), n);
}

static int f_sync(sqlite3_file *f, int flags)
{
	return below(f)->pMethods->xSync(below(f), flags);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *out)
{
	return below(f)->pMethods->xFileSize(below(f), out);
}

static int f_lock(sqlite3_file *f, int level)
{
	return below(f)->pMethods->xLock(below(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
	return below(f)->pMethods->xUnlock(below(f), level);
}

static int f_reserved(sqlite3_file *f, int *out)
{
	return below(f)->pMethods->xCheckReservedLock(below(f), out);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
	return below(f)->pMethods->xFileControl(below(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
	return below(f)->pMethods->xSectorSize(below(f));
}

static int f_character(sqlite3_file *f)
{
	return below(f)->pMethods->xDeviceCharacteristics(below(f));
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend,
                     void volatile **out)
{
	return below(f)->pMethods->xShmMap(below(f), page, size, extend, out);
}

static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return below(f)->pMethods->xShmLock(below(f), offset, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
	below(f)->pMethods->xShmBarrier(below(f));
}

static int f_shm_unmap(sqlite3_file *f, int delete)
{
	return below(f)->pMethods->xShmUnmap(below(f), delete);
}

/* Version 2: no page is mapped, each is read. */
static const sqlite3_io_methods pass = {
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

int gt_vfs_layer_pass_open(sqlite3_vfs *v, const char *path, sqlite3_file *f,
                           int flags, int *out)
{
	struct gt_vfs_layer *l = v->pAppData;
	struct gt_vfs_file *file = gt_vfs_file(f);
	file->base.pMethods = NULL;
	file->layer = l;
	file->flags = flags;
	file->below = (sqlite3_file *)(void *)(file + 1);
	int rc = l->below->xOpen(l->below, path, file->below, flags, out);
	if (file->below->pMethods)
		file->base.pMethods = &l->methods;
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

int gt_vfs_layer_open(struct gt_vfs_layer *l, const char *kind,
                      const char *below_name, void *arg)
{
	l->below = sqlite3_vfs_find(below_name);
	if (!l->below)
		return -GT_ENOMEM;
	l->arg = arg;
	l->methods = pass;
	gt_format(l->name, sizeof l->name, "%s-%p", kind, (void *)l);
	l->vfs = (sqlite3_vfs){
	        .iVersion = 1,
	        .szOsFile =
	                (int)sizeof(struct gt_vfs_file) + l->below->szOsFile,
	        .mxPathname = l->below->mxPathname,
	        .zName = l->name,
	        .pAppData = l,
	        .xOpen = gt_vfs_layer_pass_open,
	        .xDelete = v_delete,
	        .xAccess = v_access,
	        .xFullPathname = v_full,
	        .xRandomness = v_random,
	        .xSleep = v_sleep,
	        .xCurrentTime = v_time,
	        .xGetLastError = v_error,
	};
	return sqlite3_vfs_register(&l->vfs, 0) == SQLITE_OK ? 0 : -GT_ENOMEM;
}

void gt_vfs_layer_close(struct gt_vfs_layer *l)
{
	(void)sqlite3_vfs_unregister(&l->vfs);
}
