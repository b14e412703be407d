/* rewrite.h: what an earlier run could not write, when a daemon starts.
 *
 * A sync that fails leaves the bytes in the system's memory, marked as written:
 * programs read them there, and no later sync writes them. SQLite would take
 * such a log for what it says, go on behind it and acknowledge, and a power cut
 * would cut the log where the disk never had it. Written over itself first, the
 * log is dirty again, and a sync means what it says.
 *
 * Nothing else needs this. A database is synced before its log goes, and while
 * the log is there a recovery counts nothing of it as copied, so that the next
 * checkpoint writes all of it again. Of an object only what a sync has promised
 * is remembered; the rest is fetched, and written, again. */
#ifndef GT_REWRITE_H
#define GT_REWRITE_H

#include "base.h"

/* Writes the file's bytes over themselves and syncs it and its folder. Only
 * while nobody else writes to it. 0, also without such a file; negative, and
 * why in the reader's language. The bytes stay what they are, also on failure.
 */
int gt_rewrite(const char *path, char *why, size_t why_cap);

#endif
