/* rewrite.h: what an earlier run could not write, when a daemon starts.
 *
 * A sync that fails leaves the bytes in the system's memory, marked as written:
 * programs read them there, and no later sync writes them. SQLite would take
 * such a log for what it says, go on behind it and acknowledge, and a power cut
 * would cut the log where the disk never had it. Written over itself first, the
 * log is dirty again, and a sync means what it says.
 *
 * So with names: a folder's sync that failed leaves a new name in memory, and
 * no later sync need write it. SQLite syncs the name of a log it makes, and
 * does not ask whether that went well. So the log is made here, and nothing is
 * put into it before its name is durable; one that is empty may be left from a
 * start that got no further, and is made anew.
 *
 * Nothing else needs this. A database is synced before its log goes, and while
 * the log is there a recovery counts nothing of it as copied, so that the next
 * checkpoint writes all of it again. Of an object only what a sync has promised
 * is remembered; the rest is fetched, and written, again, and a file without
 * any of it goes first (sweep.h). */
#ifndef GT_REWRITE_H
#define GT_REWRITE_H

#include "base.h"

/* Writes the file's bytes over themselves and syncs it and its folder; without
 * any bytes it is made anew. Only while nobody else writes to it. 0; or
 * negative, and why in the reader's language. The bytes stay what they are,
 * also on failure. */
int gt_rewrite(const char *path, char *why, size_t why_cap);
/* Removes the file if it is empty: whoever makes it anew makes its name anew.
 * 0, also without such a file; else as gt_rewrite. */
int gt_rewrite_drop(const char *path, char *why, size_t why_cap);

#endif
