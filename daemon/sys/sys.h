/* sys.h: the little of the operating system more than one file needs.
 *
 * The room daemon/sys/ is where the process meets the machine: clocks, the
 * kernel's randomness, whole files (files.h), a node's directory (dir.h,
 * node_dir.h), the operator's log (log.h), sockets to listen on (listen.h). It
 * uses src/ and words/ and knows nothing of links, objects or HTTP. It promises
 * that no call is left half done: what is written is durable by name before it
 * is said to be, and every error says what the system said.
 * Tests: u_sync.c, u_rewrite.c. */
#ifndef GT_SYS_H
#define GT_SYS_H

#include "base.h"

/* Both clocks. */
struct gt_now gt_sys_now(void);
/* Nobody else of this user may look into the process or stop it with a
 * debugger, and it leaves no core: there are keys in it. Root still may. */
void gt_sys_keep_secrets(void);
/* Fills from the kernel's generator. Cannot fail: without randomness nothing
 * here is safe, so it stops the process. */
void gt_sys_random(void *out, size_t n);

/* Writes n bytes at offset, all of them. 0, or what gt_sys_status says, with
 * errno. */
int gt_sys_pwrite(int fd, const void *p, size_t n, uint64_t offset);
/* Reads n bytes at offset, all of them. 0, -GT_EDAMAGED: the file ends before;
 * or what gt_sys_status says, with errno. */
int gt_sys_pread(int fd, void *p, size_t n, uint64_t offset);
/* Makes names durable, that is made, renamed or removed ones, of the folder
 * `name` seen from the directory `dir` (AT_FDCWD). What was in the files needs
 * a sync of their own. 0, or what gt_sys_status says, with errno. */
int gt_sys_sync_folder(int dir, const char *name);
/* The same of the folder that path, seen from dir, lies in. */
int gt_sys_sync_parent(int dir, const char *path);
/* Makes a folder, seen from dir, and its name durable. One that was made and is
 * not durable does not stay: whoever finds it there would take it for one that
 * is; so one that is there already was made to last by whoever made it. 0, or
 * what gt_sys_status says, with errno (ENOTDIR: something else has the name);
 * -GT_ESTORE: it was the sync that failed, and what else waited in the folder
 * above is as uncertain. */
int gt_sys_make_folder(int dir, const char *path, unsigned mode);
/* What errno means to the core: -GT_ENOSPACE, -GT_ENOMEM (descriptors too: the
 * file itself may be in order) or -GT_EIO. */
int gt_sys_status(int error);

#endif
