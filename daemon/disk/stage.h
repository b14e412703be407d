/* stage.h: turns what was found of a file or a directory (walk.h) into an
 * object file in DIR/staged.
 *
 * Blocking work on the caller's thread, for the command line and for a worker;
 * touches no other state. A single file becomes a package with one member
 * named after it. Of a directory every regular file under it is a member;
 * empty folders are left out. Symbolic links, devices, FIFOs and sockets are
 * refused wherever they lie, the source itself included, and so is any name
 * gt_path_check refuses: nothing is skipped in silence. A hard link is a file
 * like any other.
 *
 * Until it is whole the file has no name, where the disk can do that: whoever is
 * stopped or killed before leaves nothing. From then until gt_staged_clear it
 * is locked, which the daemon sees: one that nobody holds it removes (blob.h).
 *
 * A file that is not, from before its first byte is read to after its last,
 * the file that was found (same inode, size and times) fails the package: half
 * an edit is never published. */
#ifndef GT_STAGE_H
#define GT_STAGE_H

#include "buffer.h"
#include "walk.h"

enum { GT_STAGED_NAME_MAX = 64 };

struct gt_staged {
	char name[GT_STAGED_NAME_MAX]; /* in DIR/staged: <random>.tar.zst */
	int fd;                        /* holds its lock; -1: nothing does */
	struct gt_buffer manifest;     /* gt_staged_clear frees it */
	struct gt_id object;
	uint64_t plain, stored; /* bytes of the tar stream, of the file */
	uint32_t files;
};

/* Called before the first and after every few bytes read, and at the end with
 * done == total. Both count bytes of files. Nonzero stops the work. */
typedef int gt_stage_progress(void *arg, uint64_t done, uint64_t total);

/* Packs what was found. dir is the node's directory, "." once inside it;
 * DIR/staged is made if it is not there. level is zstd's, 1..19. progress may be
 * NULL.
 *
 * On success the staged file is whole and on disk (fsync). On failure it is
 * removed, *out is empty, and why is a sentence in the reader's language that
 * names the file: -GT_ECONFLICT a file changed while being read; -GT_ELIMIT too
 * much; -GT_ENOSPACE; -GT_EIO; -GT_ENOMEM; -GT_ECLOSED stopped by progress. */
int gt_stage_pack(const char *dir, const struct gt_walk *walk, int level,
                  gt_stage_progress *progress, void *arg, struct gt_staged *out,
                  char *why, size_t why_cap);
/* Frees the manifest and lets the lock go; the staged file stays. */
void gt_staged_clear(struct gt_staged *staged);
/* Removes a staged file nobody adopted. Fine if it is not there. */
void gt_stage_remove(const char *dir, const char *name);

#endif
