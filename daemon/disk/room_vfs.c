#include "room_vfs.h"

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

/* Written as a whole again: what went in before is the same bytes. */
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	struct gt_room *room = file->layer->arg;
	int rc;
	do
		rc = file->below->pMethods->xWrite(file->below, p, n, at);
	while (rc == SQLITE_FULL && gt_room_give(room, is_log(file)));
	if (rc == SQLITE_OK && is_log(file))
		gt_room_found(room);
	return rc;
}

/* The index of the log is a file too. */
static int f_shm_map(sqlite3_file *f, int page, int size, int extend,
                     void volatile **out)
{
	struct gt_vfs_file *file = gt_vfs_file(f);
	int rc;
	do
		rc = file->below->pMethods->xShmMap(file->below, page, size,
		                                    extend, out);
	while (rc == SQLITE_IOERR_SHMSIZE &&
	       gt_room_give(file->layer->arg, false));
	return rc;
}

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags,
                  int *out)
{
	const struct gt_vfs_layer *l = v->pAppData;
	int rc = gt_vfs_layer_pass_open(v, path, f, flags, out);
	/* a name may take a block of its folder */
	if (rc == SQLITE_CANTOPEN && (flags & SQLITE_OPEN_WAL) &&
	    gt_room_give(l->arg, false))
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
