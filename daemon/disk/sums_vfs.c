#include "sums_vfs.h"

#include <stdlib.h>

#include "vfs_layer.h"

struct gt_sums_vfs {
	struct gt_vfs_layer layer;
};

static bool is_database(const struct gt_vfs_file *f)
{
	return (f->flags & SQLITE_OPEN_MAIN_DB) != 0;
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

/* A page is read in pieces only by who looks what database it is. */
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	int rc = file->below->pMethods->xRead(file->below, p, n, at);
	if (rc != SQLITE_OK || !is_database(file) || !is_page(n, at))
		return rc;
	return gt_sums_check(file->layer->arg, page_of(at), p) == GT_SUM_BAD
	               ? SQLITE_IOERR_DATA
	               : SQLITE_OK;
}

static int write_page(struct gt_vfs_file *file, const void *p, int n,
                      sqlite3_int64 at)
{
	struct gt_sums *s = file->layer->arg;
	uint32_t page = page_of(at), last = page_of(at + n - 1);
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

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	int rc = SQLITE_OK;
	if (is_database(file))
		return write_page(file, p, n, at);
	if ((file->flags & SQLITE_OPEN_WAL) && at == 0 && n == GT_SUMS_LOG)
		rc = rc_of(gt_sums_log(file->layer->arg, p));
	return rc ? rc : file->below->pMethods->xWrite(file->below, p, n, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct gt_sums *s = file->layer->arg;
	int rc = SQLITE_OK;
	if ((file->flags & SQLITE_OPEN_WAL) && gt_sums_here(s) &&
	    n < GT_SUMS_LOG)
		n = GT_SUMS_LOG;
	if (!is_database(file))
		return file->below->pMethods->xTruncate(file->below, n);
	gt_sums_lock(s);
	rc = rc_of(
	        gt_sums_forget(s, page_of(n + GT_SUMS_PAGE - 1), UINT32_MAX));
	if (rc == SQLITE_OK)
		rc = file->below->pMethods->xTruncate(file->below, n);
	gt_sums_unlock(s);
	return rc;
}

/* The log is let go when both are durable. They go to the disk together. */
static int f_sync(sqlite3_file *f, int flags)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	if (is_database(file))
		gt_sums_hurry(file->layer->arg);
	int rc = file->below->pMethods->xSync(file->below, flags);
	if (rc == SQLITE_OK && is_database(file) &&
	    gt_sums_sync(file->layer->arg) != 0)
		rc = SQLITE_IOERR_FSYNC;
	return rc;
}

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags,
                  int *out)
{
	const struct gt_vfs_layer *l = v->pAppData;
	int keep = 1;
	int rc = gt_vfs_layer_pass_open(v, path, f, flags, out);
	if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB) ||
	    !gt_sums_here(l->arg))
		return rc;
	gt_sums_attach(l->arg);
	sqlite3_file *below = gt_vfs_file(f)->below;
	(void)below->pMethods->xFileControl(below, SQLITE_FCNTL_PERSIST_WAL,
	                                    &keep);
	return rc;
}

int gt_sums_vfs_open(struct gt_sums_vfs **out, struct gt_sums *s)
{
	struct gt_sums_vfs *v = calloc(1, sizeof *v);
	int status =
	        v ? gt_vfs_layer_open(&v->layer, "sums", NULL, s) : -GT_ENOMEM;
	if (status != 0) {
		free(v);
		return status;
	}
	v->layer.vfs.xOpen = v_open;
	v->layer.methods.xRead = f_read;
	v->layer.methods.xWrite = f_write;
	v->layer.methods.xTruncate = f_truncate;
	v->layer.methods.xSync = f_sync;
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
