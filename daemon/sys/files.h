/* files.h: small files written and read whole, for people or by them. */
#ifndef GT_FILES_H
#define GT_FILES_H

#include "base.h"

enum gt_files_how {
	GT_FILES_NEW,     /* -GT_ECONFLICT when there is one: keys */
	GT_FILES_REPLACE, /* the old one stays whole until the new one is */
};

/* Writes, and makes the bytes and the name durable. The mode is exactly this,
 * whatever the umask. After an error of a REPLACE the file is the old one or
 * the new one, and whole. 0, -GT_ECONFLICT, -GT_EIO; why: a sentence naming the
 * file. */
int gt_files_write(const char *path, unsigned mode, enum gt_files_how how,
                   struct gt_bytes bytes, char *why, size_t why_cap);
/* Reads at most max bytes ("-": standard input) into malloc'ed memory, with a
 * NUL behind them that is not counted. 0, -GT_EUNKNOWN (no such file), -GT_EIO,
 * -GT_ELIMIT, -GT_ENOMEM. */
int gt_files_read(const char *path, size_t max, struct gt_bytes *out, char *why,
                  size_t why_cap);
/* Makes a directory of this mode, and its parents with the usual one. One that
 * is there already is fine. */
int gt_files_mkdir(const char *path, unsigned mode, char *why, size_t why_cap);
/* True when the path is no directory, or one with nothing in it. */
bool gt_files_empty(const char *path);

#endif
