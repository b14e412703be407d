/* index.h: a manifest in blocks on disk, of which a reader needs a few.
 *
 * A manifest may have 64 MiB, and whoever wants one byte of one member should
 * not have to hold it. Its index is made once, block by block, out of as little
 * memory: rows of frames, then members in their order, then a foot. A block
 * is found by halving, and each carries a checksum over the object's id, its own
 * place and its bytes: one that is damaged, or another's, is never believed, and
 * the index is made anew from the manifest. Nothing here need be durable.
 *
 *   block     GT_INDEX_BLOCK bytes, the last GT_INDEX_SEAL the checksum
 *   frames    rows of 56 bytes: id, stored at, plain at, stored, plain
 *   members   how many, the number of the first; each: lengths of path and
 *             type, offset, size, path and type with a NUL each
 *   foot      "gtindex1", frames, members, blocks of each, plain and stored
 *             bytes
 *
 * Numbers are big-endian. An index that is open is read by any thread. */
#ifndef GT_INDEX_H
#define GT_INDEX_H

#include "object.h"

enum { GT_INDEX_BLOCK = 4096, GT_INDEX_SEAL = 16 };

/* ------------------------------------------------------------- make */

/* Takes the next bytes of the index; 0, or the -GT_E... to fail with. */
typedef int gt_index_put(void *arg, const uint8_t *p, size_t n);
/* Makes the object's index from its manifest, n bytes that read gives. What
 * gt_manifest_new refuses, this refuses; so every member and frame in it may be
 * trusted. Takes some 25 KiB, whatever the manifest's size. 0, -GT_EDAMAGED: not
 * that object's manifest; -GT_EMALFORMED, -GT_ELIMIT, -GT_EINVALID: hostile;
 * -GT_ENOMEM; or read's or put's. why: which member or frame. */
int gt_index_make(const struct gt_id *object, uint64_t n, gt_bytes_at *read,
                  void *read_arg, gt_index_put *put, void *put_arg, char *why,
                  size_t why_cap);

/* ------------------------------------------------------------- read */

/* Statuses of all below: 0; -GT_EDAMAGED, the index is not to be believed;
 * -GT_EUNKNOWN, there is none; or read's. */

struct gt_index {
	struct gt_id object;
	uint32_t nframes, nfiles;
	uint32_t frame_blocks, file_blocks;
	uint64_t plain, stored; /* bytes of all frames */
	uint64_t file_size;     /* of the object file, seek table included */
	gt_bytes_at *read;
	void *arg;
};
/* size: of the whole index, which read gives and must go on to give. */
int gt_index_open(struct gt_index *ix, const struct gt_id *object,
                  uint64_t size, gt_bytes_at *read, void *arg);

/* A frame, as a manifest has it. */
struct gt_index_frame {
	uint32_t number;
	struct gt_id id;
	uint64_t stored_at, plain_at;
	uint32_t stored, plain;
};
/* The frame of that number. */
int gt_index_frame(const struct gt_index *ix, uint32_t number,
                   struct gt_index_frame *out);
/* The one that holds this byte of the tar stream, or of the stored frames.
 * -GT_EUNKNOWN: beyond the last. */
int gt_index_plain_at(const struct gt_index *ix, uint64_t at,
                      struct gt_index_frame *out);
int gt_index_stored_at(const struct gt_index *ix, uint64_t at,
                       struct gt_index_frame *out);
/* Bytes of the seek table from at on, at most n; *got how many, 0 at its end. */
int gt_index_tail(const struct gt_index *ix, uint64_t at, uint8_t *out,
                  size_t n, size_t *got);

/* A member. Its texts lie in the cursor, until that moves. */
struct gt_member {
	uint32_t number;
	struct gt_file file;
};
/* Members from one on, in their order. */
struct gt_index_cursor {
	const struct gt_index *ix;
	uint32_t block;  /* of members, from 0: the one in bytes */
	uint32_t number; /* of the member that comes next */
	uint32_t left;   /* in this block */
	size_t at;
	uint8_t bytes[GT_INDEX_BLOCK];
};
/* To the first member whose path is not before this one. */
int gt_index_seek(struct gt_index_cursor *c, const struct gt_index *ix,
                  const char *path);
/* The member, and on to the next. -GT_EUNKNOWN: that was the last. */
int gt_index_next(struct gt_index_cursor *c, struct gt_member *out);
/* The member of exactly this path. */
int gt_index_find(struct gt_index_cursor *c, const struct gt_index *ix,
                  const char *path, struct gt_member *out);

#endif
