/* sweep.h: object files the database no longer wants, when a daemon starts.
 *
 * A removal is committed first and carried out then; a new object gets its name
 * before it is committed. A crash between the two leaves a file nobody refers
 * to. Such a file goes if the audit log tells that this node removed it or was
 * about to adopt it, or if the object is refused. So does one of which no frame
 * is known to be durable, unless it was published here: all of it is fetched
 * again, and a name that a failed sync left in memory is given anew. A file the
 * database has never heard of stays: the database may be new or older than the
 * files, and they may be the only copy. */
#ifndef GT_SWEEP_H
#define GT_SWEEP_H

#include "base.h"

struct gt_swept {
	uint64_t removed;
	uint64_t unknown, unknown_bytes; /* files left alone */
};

/* dir is the node's directory. Only while nothing else uses the object files.
 * *out is filled on failure too: -GT_ESTORE, and why; -GT_EIO, some could not be
 * read or removed and was passed over, and why the first of it. */
int gt_sweep(const char *dir, const char *database, struct gt_swept *out,
             char *why, size_t why_cap);

#endif
