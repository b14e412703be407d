/* files.h: small files written and read whole, and folders made.
 * Tests: u_pki.c, u_rewrite.c. */
#ifndef GT_FILES_H
#define GT_FILES_H

#include "buffer.h"

enum gt_files_how {
	GT_FILES_NEW,     /* -GT_ECONFLICT when there is one: keys */
	GT_FILES_REPLACE, /* the old one stays whole until the new one is */
	/* The same for a path nobody else writes: by way of path.new, so that
	 * a writer that is killed leaves no more than one file behind. */
	GT_FILES_OURS,
};

/* Writes, and makes the bytes and the name durable. The mode is exactly this,
 * whatever the umask. After an error of a REPLACE the file is the old one or
 * the new one, and whole. 0, -GT_ECONFLICT, -GT_EUNKNOWN (no such folder),
 * -GT_EIO, with errno; why: a sentence naming the file. */
int gt_files_write(const char *path, unsigned mode, enum gt_files_how how,
                   struct gt_bytes bytes, char *why, size_t why_cap);
/* Reads a regular file of at most max bytes. 0; -GT_EUNKNOWN (no such file) or
 * -GT_EIO, with errno; -GT_EINVALID: it is a folder, a pipe or a device;
 * -GT_ELIMIT; -GT_ENOMEM. Then *out is empty and why a
 * sentence naming the file. */
int gt_files_read(const char *path, size_t max, struct gt_buffer *out,
                  char *why, size_t why_cap);
/* The same of whatever a person names: a pipe, "-" for standard input. */
int gt_files_take(const char *path, size_t max, struct gt_buffer *out,
                  char *why, size_t why_cap);
/* Whether what is at the path, if anything, is a regular file. 0; -GT_EINVALID
 * or -GT_EIO, with why. */
int gt_files_kind(const char *path, char *why, size_t why_cap);
/* Takes a file's rights from all but its owner, if others have any. 0: they had
 * none, or there is no such file; 1: they had, and have no more; -GT_EIO: they
 * still have, with why. */
int gt_files_close_to_others(const char *path, char *why, size_t why_cap);
/* Makes a directory of this mode, durable by name, and its parents with the
 * usual mode. One that is there already is given the mode. 0; -GT_EUNKNOWN,
 * -GT_EIO, with why. */
int gt_files_mkdir(const char *path, unsigned mode, char *why, size_t why_cap);
/* True when there is nothing at the path, or a directory with nothing in it. */
bool gt_files_empty(const char *path);

#endif
