/* blob_file.h: the files themselves: names, open descriptors, free space.
 *
 * For blob.c only. Any thread. Descriptors are kept open for a while, because
 * an object arrives as thousands of placements; one with bytes not yet synced
 * is closed only when it must be, and then synced first.
 * Tests: u_sync.c, u_blob.c. */
#ifndef GT_BLOB_FILE_H
#define GT_BLOB_FILE_H

#include <sys/types.h>

#include "base.h"

enum {
	GT_BLOB_FDS = 32,
	GT_BLOB_NAME_MAX = 96, /* "objects/ab/<62 hex>.tar.zst" */
	/* Free space is asked for again after so many bytes written. */
	GT_BLOB_SPACE_STEP = 16 << 20,
};

struct gt_blob_store;
struct gt_blob_file {
	struct gt_id object;
	int fd;
	bool sized;     /* as large as it will be */
	bool allocated; /* and its blocks are its own */
	bool named;     /* its name is durable */
	bool dirty;     /* written since the last sync */
	bool lost;   /* some of that, to a full disk; the next SYNC says so */
	bool went;   /* the file before it, by another's hand; the same */
	bool orphan; /* it has no name any more, and goes with its last user */
	unsigned users;
	dev_t device;
	ino_t inode;
	struct gt_blob_file *next; /* most recently used first */
};

/* Opens the node's directory and makes what is missing in it; keeps `reserve`
 * bytes of the disk free. 0, or -GT_EIO, -GT_ENOMEM, and why. */
int gt_blob_store_open(struct gt_blob_store **out, const char *dir,
                       uint64_t reserve, char *why, size_t why_cap);
/* Closes every descriptor; nobody uses a file any more. */
void gt_blob_store_close(struct gt_blob_store *s);
/* Directory of the node, for openat. */
int gt_blob_store_dir(const struct gt_blob_store *s);

/* What it means that an object's file could not be opened for this errno:
 * -GT_EUNKNOWN, there is none that this node may use; or gt_sys_status. */
int gt_blob_open_status(int error);
/* "objects/ab/cdef....tar.zst" */
void gt_blob_name(char out[GT_BLOB_NAME_MAX], const struct gt_id *object);

/* Finds or opens an object's file; give it back with gt_blob_put. With
 * `total` > 0 it is made if there is none, or none this node may use, and given
 * all its blocks. One that was removed or replaced while it was open is not the
 * object's any more. 0, -GT_EUNKNOWN (there is none), -GT_ENOSPACE, -GT_EIO,
 * -GT_ENOMEM. */
int gt_blob_get(struct gt_blob_store *s, const struct gt_id *object,
                uint64_t total, struct gt_blob_file **out);
/* Gives back what gt_blob_get gave; the descriptor may stay open. */
void gt_blob_put(struct gt_blob_store *s, struct gt_blob_file *f);
/* Writes if that leaves the reserve free. 0, -GT_ENOSPACE, -GT_EIO. */
int gt_blob_write(struct gt_blob_store *s, struct gt_blob_file *f,
                  struct gt_bytes bytes, uint64_t offset);
/* Everything written before the call is durable, and so is the name.
 * -GT_ENOSPACE: what was written since the call before, or beside this one, may
 * be gone; write it again. -GT_EUNKNOWN: the file was removed, and all that was
 * in it is gone. -GT_EIO: nothing can be said of it in this run. */
int gt_blob_sync(struct gt_blob_store *s, struct gt_blob_file *f);
/* Closes the descriptor of an object nobody uses: its file is replaced or
 * removed. */
void gt_blob_forget(struct gt_blob_store *s, const struct gt_id *object);
/* Removes the file; none is fine. */
int gt_blob_remove(struct gt_blob_store *s, const struct gt_id *object);
/* Makes staged/name, open as fd, the file of object: durable, name included.
 * -GT_ESTORE: as gt_blob_sync's -GT_EIO. */
int gt_blob_adopt(struct gt_blob_store *s, const char *name, int fd,
                  const struct gt_id *object);

#endif
