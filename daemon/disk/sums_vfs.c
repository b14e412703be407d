#include "sums_vfs.h"

#include <stdlib.h>

#include "vfs_layer.h"
#include "wal.h"

struct gt_sums_vfs {
	struct gt_vfs_layer layer;
	struct gt_sums *sums;
	struct gt_log_sums *log;
};

static struct gt_sums_vfs *vfs_of(const struct gt_vfs_file *f)
{
	return f->layer->arg;
}

static bool is_database(const struct gt_vfs_file *f)
{
	return (f->flags & SQLITE_OPEN_MAIN_DB) != 0;
}

static bool is_log(const struct gt_vfs_file *f)
{
	return (f->flags & SQLITE_OPEN_WAL) != 0;
}

static bool is_page(int n, sqlite3_int64 at)
{
	return n == GT_SUMS_PAGE && at % GT_SUMS_PAGE == 0;
}

static uint32_t page_of(sqlite3_int64 at)
{
	return (uint32_t)(at / GT_SUMS_PAGE) + 1;
}

static int rc_of(int status)
{
	return status == 0              ? SQLITE_OK
	       : status == -GT_ENOSPACE ? SQLITE_FULL
	                                : SQLITE_IOERR_WRITE;
}

static int read_log(struct gt_vfs_file *file, void *p, int n, sqlite3_int64 at)
{
	struct gt_log_sums *l = vfs_of(file)->log;
	int rc = file->below->pMethods->xRead(file->below, p, n, at);
	if (rc == SQLITE_IOERR_SHORT_READ)
		gt_log_sums_missed(l);
	if (rc != SQLITE_OK)
		return rc;
	return gt_log_sums_read(l, (uint64_t)at, p, (size_t)n)
	               ? SQLITE_OK
	               : SQLITE_IOERR_DATA;
}

/* A page is read in pieces only by who looks what database it is. */
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	if (is_log(file))
		return read_log(file, p, n, at);
	int rc = file->below->pMethods->xRead(file->below, p, n, at);
	/* behind the end of a file that was cut short SQLite reads zeros, and
	 * believes them */
	bool read = rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ;
	if (!read || !is_database(file) || !is_page(n, at))
		return rc;
	return gt_sums_check(vfs_of(file)->sums, page_of(at), p) == GT_SUM_BAD
	               ? SQLITE_IOERR_DATA
	               : rc;
}

/* Nothing comes here but from the log: from one that is not whole, nothing. */
static int write_page(struct gt_vfs_file *file, const void *p, int n,
                      sqlite3_int64 at)
{
	struct gt_sums *s = vfs_of(file)->sums;
	uint32_t page = page_of(at), last = page_of(at + n - 1);
	if (gt_log_sums_found(vfs_of(file)->log))
		return SQLITE_IOERR_WRITE;
	gt_sums_lock(s);
	int rc = rc_of(is_page(n, at)
	                       ? gt_sums_put(s, page, p)
	                       : gt_sums_forget(s, page, last - page + 1));
	if (rc == SQLITE_OK) {
		rc = file->below->pMethods->xWrite(file->below, p, n, at);
		if (rc != SQLITE_OK) /* what is there now nobody knows */
			(void)gt_sums_forget(s, page, last - page + 1);
	}
	gt_sums_unlock(s);
	return rc;
}

static int write_log(struct gt_vfs_file *file, const void *p, int n,
                     sqlite3_int64 at)
{
	const struct gt_sums_vfs *v = vfs_of(file);
	int rc = SQLITE_OK;
	if (!gt_log_sums_before(v->log, (uint64_t)at, (size_t)n))
		return SQLITE_IOERR_WRITE;
	if (at == 0 && n == GT_SUMS_LOG)
		rc = rc_of(gt_sums_log(v->sums, p));
	if (rc == SQLITE_OK)
		rc = file->below->pMethods->xWrite(file->below, p, n, at);
	if (rc == SQLITE_OK)
		gt_log_sums_after(v->log, (uint64_t)at, p, (size_t)n);
	return rc;
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	if (is_database(file))
		return write_page(file, p, n, at);
	if (is_log(file))
		return write_log(file, p, n, at);
	return file->below->pMethods->xWrite(file->below, p, n, at);
}

/* wal.h: what an index of before knows is not of the empty log. Durable before
 * the frames go. */
static int begin_anew(struct gt_vfs_file *file)
{
	enum { DURABLE = SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY };
	sqlite3_file *below = file->below;
	uint8_t begin[GT_WAL_BEGIN];
	sqlite3_int64 size = 0;
	int rc = below->pMethods->xFileSize(below, &size);
	if (rc != SQLITE_OK || size <= GT_WAL_BEGIN)
		return rc;
	rc = below->pMethods->xRead(below, begin, sizeof begin, 0);
	if (rc == SQLITE_OK && gt_wal_next(begin))
		rc = write_log(file, begin, sizeof begin, 0);
	if (rc == SQLITE_OK)
		rc = below->pMethods->xSync(below, DURABLE);
	return rc;
}

static int cut_log(struct gt_vfs_file *file, sqlite3_int64 n)
{
	const struct gt_sums_vfs *v = vfs_of(file);
	int rc = SQLITE_OK;
	if (gt_sums_here(v->sums) && n < GT_SUMS_LOG) {
		n = GT_SUMS_LOG;
		rc = begin_anew(file);
	}
	if (rc != SQLITE_OK)
		return rc;
	gt_log_sums_lock(v->log);
	gt_log_sums_cut(v->log, (uint64_t)n);
	rc = file->below->pMethods->xTruncate(file->below, n);
	gt_log_sums_unlock(v->log);
	if (rc == SQLITE_OK && n == GT_SUMS_LOG)
		gt_sums_emptied(v->sums);
	return rc;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct gt_sums *s = vfs_of(file)->sums;
	if (is_log(file))
		return cut_log(file, n);
	if (!is_database(file))
		return file->below->pMethods->xTruncate(file->below, n);
	gt_sums_lock(s);
	int rc = rc_of(
	        gt_sums_forget(s, page_of(n + GT_SUMS_PAGE - 1), UINT32_MAX));
	if (rc == SQLITE_OK)
		rc = file->below->pMethods->xTruncate(file->below, n);
	gt_sums_unlock(s);
	return rc;
}

/* The log is let go when both are durable. They go to the disk together. SQLite
 * does so when the database has all of the log; what readers keep from it waits
 * for the next time. */
static int sync_database(struct gt_vfs_file *file, int flags)
{
	struct gt_sums *s = vfs_of(file)->sums;
	gt_sums_hurry(s);
	int rc = file->below->pMethods->xSync(file->below, flags);
	if (rc == SQLITE_OK && gt_sums_sync(s) != 0)
		rc = SQLITE_IOERR_FSYNC;
	if (rc == SQLITE_OK)
		gt_sums_copied(s);
	return rc;
}

static int f_sync(sqlite3_file *f, int flags)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	if (is_database(file))
		return sync_database(file, flags);
	int rc = file->below->pMethods->xSync(file->below, flags);
	if (rc != SQLITE_OK || !is_log(file))
		return rc;
	struct gt_log_commit last = gt_log_sums_synced(vfs_of(file)->log);
	if (last.frame > 0)
		gt_sums_commit(vfs_of(file)->sums, last.frame, last.sums);
	return rc;
}

/* A checkpoint asks before it begins (store.c); SQLite itself only says so. */
static int f_control(sqlite3_file *f, int op, void *arg)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	if (op == SQLITE_FCNTL_CKPT_START && is_database(file)) {
		if (!gt_log_sums_all(vfs_of(file)->log))
			return SQLITE_IOERR_DATA;
		gt_sums_copying(vfs_of(file)->sums);
	}
	return file->below->pMethods->xFileControl(file->below, op, arg);
}

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags,
                  int *out)
{
	const struct gt_vfs_layer *l = v->pAppData;
	struct gt_sums *s = ((const struct gt_sums_vfs *)l->arg)->sums;
	int keep = 1;
	int rc = gt_vfs_layer_pass_open(v, path, f, flags, out);
	if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB) ||
	    !gt_sums_here(s))
		return rc;
	gt_sums_attach(s);
	sqlite3_file *below = gt_vfs_file(f)->below;
	(void)below->pMethods->xFileControl(below, SQLITE_FCNTL_PERSIST_WAL,
	                                    &keep);
	return rc;
}

int gt_sums_vfs_open(struct gt_sums_vfs **out, struct gt_sums *s,
                     struct gt_log_sums *log)
{
	struct gt_sums_vfs *v = calloc(1, sizeof *v);
	int status =
	        v ? gt_vfs_layer_open(&v->layer, "sums", NULL, v) : -GT_ENOMEM;
	if (status != 0) {
		free(v);
		return status;
	}
	v->sums = s;
	v->log = log;
	v->layer.vfs.xOpen = v_open;
	v->layer.methods.xRead = f_read;
	v->layer.methods.xWrite = f_write;
	v->layer.methods.xTruncate = f_truncate;
	v->layer.methods.xSync = f_sync;
	v->layer.methods.xFileControl = f_control;
	*out = v;
	return 0;
}

void gt_sums_vfs_close(struct gt_sums_vfs *v)
{
	if (!v)
		return;
	gt_vfs_layer_close(&v->layer);
	free(v);
}

const char *gt_sums_vfs_name(const struct gt_sums_vfs *v)
{
	return v->layer.name;
}
