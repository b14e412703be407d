/* sys.h: the little of the operating system more than one file needs. */
#ifndef GT_SYS_H
#define GT_SYS_H

#include "base.h"

/* Both clocks. */
struct gt_now gt_sys_now(void);
/* Fills from the kernel's generator. Cannot fail: without randomness nothing
 * here is safe, so it stops the process. */
void gt_sys_random(void *out, size_t n);

/* A whole file of at most max bytes, malloc'ed with a NUL behind. 0, or
 * -GT_EIO with errno set (ENOENT when there is none), -GT_ELIMIT,
 * -GT_ENOMEM. */
int gt_sys_read_file(const char *path, size_t max, struct gt_bytes *out);
/* Writes path.new, syncs, renames: readers see the old file or the new, and a
 * writer that is killed leaves no more than one file behind. For a path nobody
 * else writes; see gt_files_write for those of people. */
int gt_sys_write_file(const char *path, struct gt_bytes bytes);
/* mkdir 0700 unless it is there already, durable by name. 0 or -GT_EIO with
 * errno set. */
int gt_sys_mkdir(const char *path);

/* All of it or an error: 0, or what gt_sys_status says; pread at the end of the
 * file is -GT_EDAMAGED. */
int gt_sys_pwrite(int fd, const void *p, size_t n, uint64_t offset);
int gt_sys_pread(int fd, void *p, size_t n, uint64_t offset);
/* Makes names durable, that is made, renamed or removed ones: of the folder
 * `name` seen from the directory `dir` (AT_FDCWD), and of the folder that path
 * lies in. What was in the files needs a sync of their own. 0, or what
 * gt_sys_status says, with errno set. */
int gt_sys_sync_folder(int dir, const char *name);
int gt_sys_sync_parent(const char *path);
/* The same for a folder just made, which goes again when that fails: whoever
 * finds it there would take it for one that is durable. */
int gt_sys_sync_made(const char *path);
/* What errno means to the core: -GT_ENOSPACE, -GT_ENOMEM (descriptors too: the
 * file itself may be in order) or -GT_EIO. */
int gt_sys_status(int error);

#endif
