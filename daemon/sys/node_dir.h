/* node_dir.h: reads what set-up left in a node's directory (dir.h).
 * Tests: e2e/test_house.py. */
#ifndef GT_NODE_DIR_H
#define GT_NODE_DIR_H

#include "buffer.h"

/* 64 hex digits and perhaps the end of a line. 0, or negative with why, which
 * names the file. */
int gt_dir_read_key(const char *path, uint8_t out[32], char *why,
                    size_t why_cap);

/* A file of roster rows: 32-bit big-endian length, encoded Signed, again and
 * again. v points into file. */
struct gt_dir_members {
	struct gt_buffer file;
	struct gt_bytes *v;
	size_t n;
};
/* All rows of such bytes, at most `most`: *v is from malloc and points into in.
 * 0, -GT_EMALFORMED, -GT_ELIMIT, -GT_ENOMEM; negative: *v is NULL, *n 0. */
int gt_dir_split(struct gt_bytes in, size_t most, struct gt_bytes **v,
                 size_t *n);
/* The next row of such bytes; *rest moves behind it, *row points into them. 1;
 * 0: none is left; -GT_EMALFORMED. */
int gt_dir_next_member(struct gt_bytes *rest, struct gt_bytes *row);
/* All of a file's rows. No such file: none, and 0. Negative: why, which names
 * the file, and *out is empty. */
int gt_dir_read_members(const char *path, struct gt_dir_members *out, char *why,
                        size_t why_cap);
/* Frees what was read; *m is empty then. */
void gt_dir_members_free(struct gt_dir_members *m);

/* Certificates and key for links, as text. */
struct gt_dir_pems {
	struct gt_buffer ca, cert, key;
};
/* Reads all three from the node's directory. 0, or negative with why, which
 * names the file, as *file does (NULL: nobody asks); then *out is empty, and
 * errno is the system's. */
int gt_dir_read_pems(struct gt_dir_pems *out, const char **file, char *why,
                     size_t why_cap);
/* Overwrites the key before it is given back. */
void gt_dir_pems_free(struct gt_dir_pems *p);

/* Makes DIR/data and takes its lock: two daemons on one directory would
 * destroy it. The lock's descriptor (the lock goes with it); -GT_EBUSY another
 * daemon has it; other negative, with why. */
int gt_dir_lock(char *why, size_t why_cap);
/* The process that holds the lock of the directory dirfd is open on, asked
 * without taking it; 0: none does, or the kernel does not tell. */
long gt_dir_runs(int dirfd);

#endif
