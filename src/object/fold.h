/* fold.h: names as they are elsewhere.
 *
 * A package's names differ by their bytes. Where it is unpacked two of them may
 * be one: on file systems that take both cases for the same (Windows, Macs, USB
 * sticks), that compose or decompose names (Macs), that drop dots and blanks at
 * the end of a name (Windows, FAT). Others cannot be there at all. */
#ifndef GT_FOLD_H
#define GT_FOLD_H

#include "buffer.h"

/* Appends the path, which gt_path_check accepts, in the form in which two that
 * may become one are the same; a folder's path is where its members' paths
 * begin. False: out of memory. */
bool gt_fold(struct gt_buffer *out, const char *path);
/* A name in the path means a device to Windows, or has a character that it (and
 * FAT) does not know in names. */
bool gt_fold_reserved(const char *path);

/* Appends a name of UTF-8 as people see it: without case, and what looks the
 * same is (NFKC, its case folded, what cannot be seen left out). False: out of
 * memory. */
bool gt_fold_name(struct gt_buffer *out, const char *name);

#endif
