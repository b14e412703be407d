/* copies.h: what was put aside beside the database and nobody removed: databases
 * that were damaged (guantong.db.damaged-SECONDS, with their sums), logs that
 * were another's (guantong.db-wal.other-SECONDS).
 *
 * They are for people to look at, and each is as large as what it was. So of
 * each kind the newest stay, and the older ones go. */
#ifndef GT_COPIES_H
#define GT_COPIES_H

#include "base.h"

enum { GT_COPIES_KEPT = 3 /* of each kind */ };

struct gt_copies {
	size_t count;   /* databases and logs */
	uint64_t bytes; /* they take, with the sums */
};

/* What there is beside the database at this path. */
void gt_copies_look(const char *database, struct gt_copies *out);
/* Removes what is older than the newest GT_COPIES_KEPT of its kind, and says so
 * of each, by its path. One that cannot be removed stays, and those newer than
 * it. */
void gt_copies_trim(const char *database,
                    void (*gone)(void *arg, const char *path), void *arg);

#endif
