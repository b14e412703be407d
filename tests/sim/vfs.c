#include "vfs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { DISKS_MAX = 4096 };

struct file {
	sqlite3_file base;
	struct disk *disk;
	struct disk_file *f;
	bool fresh; /* its name is to be synced with it, once */
};

static struct disk *disks[DISKS_MAX];
static struct prng randomness;

static struct file *of(sqlite3_file *f)
{
	return (struct file *)(void *)f;
}

/* "12/db-wal" -> disk 12, name "db-wal" */
static struct disk *locate(const char *path, const char **name)
{
	char *end;
	unsigned long i = strtoul(path, &end, 10);
	assert(*end == '/' && i < DISKS_MAX && disks[i]);
	*name = end + 1;
	return disks[i];
}

static int f_close(sqlite3_file *f)
{
	(void)f;
	return SQLITE_OK;
}

static int f_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
	struct file *f = of(file);
	uint64_t size = disk_size(f->f);
	if (f->disk->dead)
		return SQLITE_IOERR_READ;
	if ((uint64_t)at + (uint64_t)n <= size)
		return disk_read(f->disk, f->f, (uint64_t)at, p, (size_t)n)
		               ? SQLITE_IOERR_READ
		               : SQLITE_OK;
	memset(p, 0, (size_t)n);
	if ((uint64_t)at < size)
		(void)disk_read(f->disk, f->f, (uint64_t)at, p,
		                (size_t)(size - (uint64_t)at));
	return SQLITE_IOERR_SHORT_READ;
}

static int f_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
	struct file *f = of(file);
	int status = disk_write(f->disk, f->f, (uint64_t)at, p, (size_t)n);
	if (status == -GT_ENOSPACE)
		return SQLITE_FULL;
	return status ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 n)
{
	struct file *f = of(file);
	return disk_truncate(f->disk, f->f, (uint64_t)n) ? SQLITE_IOERR_TRUNCATE
	                                                 : SQLITE_OK;
}

/* As SQLite does it on unix: with the first sync of a journal, and if that
 * fails nobody hears of it. */
static void sync_name(struct file *f)
{
	bool failed = f->disk->failed;
	f->fresh = false;
	(void)disk_sync_names(f->disk, "");
	f->disk->failed = failed;
}

static int f_sync(sqlite3_file *file, int flags)
{
	struct file *f = of(file);
	(void)flags;
	if (disk_sync(f->disk, f->f))
		return SQLITE_IOERR_FSYNC;
	if (f->fresh)
		sync_name(f);
	return SQLITE_OK;
}

static int f_size(sqlite3_file *file, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)disk_size(of(file)->f);
	return SQLITE_OK;
}

static int f_lock(sqlite3_file *f, int level)
{
	(void)f;
	(void)level;
	return SQLITE_OK;
}

static int f_reserved(sqlite3_file *f, int *out)
{
	(void)f;
	*out = 0;
	return SQLITE_OK;
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int f_sector(sqlite3_file *f)
{
	(void)f;
	return DISK_SECTOR;
}

static int f_character(sqlite3_file *f)
{
	(void)f;
	return 0;
}

static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = f_close,
        .xRead = f_read,
        .xWrite = f_write,
        .xTruncate = f_truncate,
        .xSync = f_sync,
        .xFileSize = f_size,
        .xLock = f_lock,
        .xUnlock = f_lock,
        .xCheckReservedLock = f_reserved,
        .xFileControl = f_control,
        .xSectorSize = f_sector,
        .xDeviceCharacteristics = f_character,
};

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *file,
                  int flags, int *out)
{
	struct file *f = of(file);
	const char *name;
	(void)v;
	f->base.pMethods = NULL;
	if (!path)
		return SQLITE_CANTOPEN; /* temporary files are in memory */
	f->disk = locate(path, &name);
	f->f = disk_open(f->disk, name, (flags & SQLITE_OPEN_CREATE) != 0);
	if (!f->f || f->disk->dead)
		return SQLITE_CANTOPEN;
	f->fresh = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
	f->base.pMethods = &methods;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *v, const char *path, int sync_dir)
{
	const char *name;
	struct disk *d = locate(path, &name);
	(void)v;
	if (d->dead)
		return SQLITE_IOERR_DELETE;
	int status = disk_remove(d, name);
	if (status == -GT_EUNKNOWN)
		return SQLITE_IOERR_DELETE_NOENT;
	if (status == 0 && sync_dir)
		status = disk_sync_names(d, "");
	return status ? SQLITE_IOERR_DELETE : SQLITE_OK;
}

static int v_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
	const char *name;
	struct disk *d = locate(path, &name);
	(void)v;
	(void)flags;
	struct disk_file *f = disk_open(d, name, false);
	*out = f != NULL && (flags != SQLITE_ACCESS_EXISTS || disk_size(f) > 0);
	return SQLITE_OK;
}

static int v_full(sqlite3_vfs *v, const char *path, int n, char *out)
{
	(void)v;
	gt_copy(out, (size_t)n, path);
	return SQLITE_OK;
}

static int v_random(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	prng_fill(&randomness, (uint8_t *)out, (size_t)n);
	return n;
}

static int v_sleep(sqlite3_vfs *v, int us)
{
	(void)v;
	return us;
}

static int v_time(sqlite3_vfs *v, double *out)
{
	(void)v;
	*out = 2460000.5;
	return SQLITE_OK;
}

static int v_error(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	(void)n;
	(void)out;
	return 0;
}

void vfs_register(uint64_t seed)
{
	static sqlite3_vfs vfs = {
	        .iVersion = 1,
	        .szOsFile = sizeof(struct file),
	        .mxPathname = DISK_NAME,
	        .zName = "sim",
	        .xOpen = v_open,
	        .xDelete = v_delete,
	        .xAccess = v_access,
	        .xFullPathname = v_full,
	        .xRandomness = v_random,
	        .xSleep = v_sleep,
	        .xCurrentTime = v_time,
	        .xGetLastError = v_error,
	};
	/* One thread: no locks around each allocation. Refused, and right
	 * already, from the second run on. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	randomness = prng_new(seed, FOR_SQLITE, 0);
	sqlite3_vfs_register(&vfs, 0);
}

void vfs_announce(unsigned index, struct disk *d)
{
	assert(index < DISKS_MAX);
	disks[index] = d;
}

sqlite3 *vfs_open_db(unsigned index)
{
	char name[32];
	sqlite3 *db = NULL;
	snprintf(name, sizeof name, "%u/db", index);
	int rc = sqlite3_open_v2(name, &db,
	                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	                                 SQLITE_OPEN_NOMUTEX,
	                         "sim");
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL,
		                  NULL, NULL);
	if (rc == SQLITE_OK)
		return db;
	sqlite3_close(db);
	return NULL;
}
