/* walk.h: the regular files of a tree, found and opened without ever following
 * a symbolic link, so that a publisher's folder cannot reach outside itself.
 * Tests: u_stage.c. */
#ifndef GT_WALK_H
#define GT_WALK_H

#include <time.h>

#include "base.h"

/* A file as it was when it was found. */
struct gt_walk_file {
	char *path; /* from the root, "/" between components */
	uint64_t device, inode, size;
	struct timespec modified, changed;
};

struct gt_walk {
	int root; /* directory the paths start from */
	struct gt_walk_file *files;
	size_t n, cap;
	uint64_t bytes; /* sum of sizes */
};

/* Finds every file of source, a file or a directory; sorted by path in byte
 * order. 0, or why not, as a sentence in the reader's language that names the
 * file, and *out is empty: -GT_EINVALID something refused, or no files (of what
 * is refused the first twenty, how many there are, and the command that mends
 * them: GT_WALK_WHY bytes hold it); -GT_EUNKNOWN no such source; -GT_ELIMIT too
 * much; -GT_EIO; -GT_ENOMEM. */
enum { GT_WALK_WHY = 16 << 10 };
int gt_walk_new(struct gt_walk *out, const char *source, char *why,
                size_t why_cap);
/* Frees what was found; w is empty then. */
void gt_walk_clear(struct gt_walk *w);
/* Opens files[i] for reading. The descriptor, or -1: it is not there, or no
 * longer the file that was found; errno says which (ESTALE for the latter). */
int gt_walk_open(const struct gt_walk *w, size_t i);
/* Index of the file of that path, SIZE_MAX: none. */
size_t gt_walk_find(const struct gt_walk *w, const char *path);
/* fd is still exactly what files[i] was. */
bool gt_walk_unchanged(const struct gt_walk *w, size_t i, int fd);

/* why becomes the text of key (enum gt_text) about a path and, where the text
 * has a second %s, detail; the path is shown as gt_path_show does. */
void gt_walk_why(char *why, size_t why_cap, int key, const char *path,
                 const char *detail);
/* The system's words for errno, in buf. */
const char *gt_walk_errno(char *buf, size_t cap, int error);

#endif
