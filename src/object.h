/* object.h: an object is one seekable .tar.zst file and its manifest.
 *
 * The file is a pax tar stream of the members, deterministic headers, cut into
 * independent zstd frames and closed with the seek table of the zstd seekable
 * format (facebook/zstd contrib/seekable_format, a skippable frame, no
 * checksums). `zstd -d | tar -t` reads it.
 *
 * A frame is at most GT_FRAME_PLAIN_MAX of plain bytes, so that a frame is one
 * message: verified, relayed, placed and acknowledged whole.
 *
 * Pure: works on bytes handed in and out through callbacks. */
#ifndef GT_OBJECT_H
#define GT_OBJECT_H

#include "base.h"

/* ------------------------------------------------------------------ members */

struct gt_file {
	const char *path;
	const char *media_type;
	uint64_t offset; /* of the first byte in the tar stream */
	uint64_t size;
};

/* Why a member path may not be used, or NULL if it may: it must be relative,
 * UTF-8 in NFC as far as that can be told without tables (no combining marks
 * that have a composed form in Latin, no control characters), no empty, "." or
 * ".." component, no backslash, at most GT_PATH_MAX bytes. */
const char *gt_path_refusal(const char *path, size_t n);

/* ----------------------------------------------------------------- manifest */

struct gt_manifest {
	uint32_t nframes;
	const uint8_t *ids;        /* 32 * nframes */
	const uint32_t *stored;    /* sizes in the object file */
	const uint32_t *plain;     /* sizes once decompressed */
	const uint64_t *stored_at; /* nframes + 1 prefix sums */
	const uint64_t *plain_at;  /* nframes + 1 prefix sums */
	uint32_t nfiles;
	const struct gt_file *files; /* in tar order */
	uint64_t file_size; /* of the object file, seek table included */
};

/* Decodes and checks every rule: sizes, limits, paths, no duplicates, files in
 * order where a deterministic writer would have put them. why names the member
 * or frame. 0, -GT_EMALFORMED, -GT_ELIMIT, -GT_EINVALID, -GT_ENOMEM. */
int gt_manifest_new(struct gt_manifest **out, struct gt_bytes bytes, char *why,
                    size_t why_cap);
void gt_manifest_free(struct gt_manifest *m);
void gt_manifest_id(struct gt_id *out, struct gt_bytes bytes);
/* Index of the file, UINT32_MAX: none. O(log n) or better. */
uint32_t gt_manifest_find(const struct gt_manifest *m, const char *path);
/* Frame holding the plain offset; plain_at[nframes] is out of range. */
uint32_t gt_manifest_frame_at(const struct gt_manifest *m, uint64_t plain);
/* The seek table that closes the file: file_size - stored_at[nframes] bytes. */
void gt_manifest_tail(const struct gt_manifest *m, uint8_t *out);

/* ------------------------------------------------------------------- frames */

/* SHA-256(stored) is the frame's id and its size is right. 0 or -GT_EDAMAGED.
 */
int gt_frame_verify(const struct gt_manifest *m, uint32_t frame,
                    struct gt_bytes stored);
/* Decompresses a verified frame into out (plain[frame] bytes, no more).
 * 0, -GT_EDAMAGED. ctx is a gt_inflater made once a thread. */
struct gt_inflater;
struct gt_inflater *gt_inflater_new(void);
void gt_inflater_free(struct gt_inflater *z);
int gt_frame_inflate(struct gt_inflater *z, const struct gt_manifest *m,
                     uint32_t frame, struct gt_bytes stored, uint8_t *out);

/* -------------------------------------------------------------------- check */

/* Checks that the tar stream is exactly what the manifest says: every frame
 * that holds any header or padding is read, verified, decompressed and compared
 * with the header a deterministic writer makes. With all true, every frame is
 * (publish, scrub). read must fill n bytes at offset of the object file.
 * 0, -GT_EDAMAGED, -GT_EIO, -GT_ENOMEM; why names the member. */
typedef int gt_object_read(void *arg, uint64_t offset, uint8_t *out, size_t n);
int gt_object_check(const struct gt_manifest *m, bool all, gt_object_read *read,
                    void *arg, char *why, size_t why_cap);

/* --------------------------------------------------------------------- pack */

/* Makes an object from members fed in order. Bytes of the object file leave
 * through put, in file order. */
typedef int gt_pack_put(void *arg, const uint8_t *p, size_t n);
struct gt_packer;

struct gt_packer *gt_packer_new(int zstd_level, gt_pack_put *put, void *arg);
void gt_packer_free(struct gt_packer *p);
/* Begins a member; the one before must have had all its bytes. Paths must come
 * in ascending byte order. media_type NULL: guessed from the extension. */
int gt_packer_file(struct gt_packer *p, const char *path, uint64_t size,
                   const char *media_type);
int gt_packer_write(struct gt_packer *p, const void *bytes, size_t n);
/* Closes the object. manifest lives until gt_packer_free. */
int gt_packer_finish(struct gt_packer *p, struct gt_bytes *manifest,
                     struct gt_id *object, uint64_t *plain, uint64_t *stored);
/* A sentence for the last failure, naming the member. */
const char *gt_packer_why(const struct gt_packer *p);

const char *gt_media_type(const char *path);

#endif
