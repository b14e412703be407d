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
 * The room object/ is that format and nothing else. It uses base/ and zstd, and
 * is pure: it works on bytes handed in and out through callbacks. It promises
 * that whoever holds a gt_manifest may trust it, whatever it was made of, that
 * what is hostile costs no more memory than a small multiple of its bytes, and
 * that one package has one object id, everywhere and for ever.
 *
 *   path media     which names and types a member may have
 *   order tar cdc  members follow one another; headers; where frames are cut
 *   pb manifest    the manifest's encoding, and its rules
 *   rules          the rules, told of one part after the other
 *   index          a manifest in blocks, for those who need a little of it
 *   tail           the seek table
 *   frame check    one frame, and a whole file, held against a manifest
 *   pack           members in, a file and its manifest out
 *   start          which member a reader opens first
 *
 * Tests: u_object.c, of parts u_frame.c, u_check.c, u_pack.c, u_manifest.c. */
#ifndef GT_OBJECT_H
#define GT_OBJECT_H

#include "base.h"

/* ---------------------------------------------------------- members */

struct gt_file {
	const char *path;
	const char *media_type;
	uint64_t offset; /* of the first byte in the tar stream */
	uint64_t size;
};

/* What can be wrong with a member's path, and how a log says it. */
#define GT_PATH_FAULTS(X)                                                \
	X(EMPTY, "the path is empty")                                    \
	X(LONG, "the path is longer than 1024 bytes")                    \
	X(ABSOLUTE, "the path is absolute")                              \
	X(COMPONENT, "the path has an empty component")                  \
	X(DOT, "the path has a \".\" component")                         \
	X(ESCAPE, "the path has a \"..\" component")                     \
	X(NAME_LONG, "a component of the path is longer than 255 bytes") \
	X(BACKSLASH, "the path has a backslash")                         \
	X(CONTROL, "the path has a control character")                   \
	X(UTF8, "the path is not UTF-8")                                 \
	X(NFC, "the path is not in Unicode normalisation form C")

enum gt_path_fault {
	GT_PATH_FINE = 0,
#define X(name, en) GT_PATH_##name,
	GT_PATH_FAULTS(X)
#undef X
};

/* The first thing wrong with a member path: it must be relative, UTF-8 in NFC
 * as far as that can be told without the Unicode tables (see path.c), without
 * control characters (C0, C1, line separators, bidirectional overrides) and
 * backslashes, no component empty, "." or ".." or over 255 bytes, at most
 * GT_PATH_MAX bytes. n need not be strlen(path). */
enum gt_path_fault gt_path_check(const char *path, size_t n);
/* The same in words, NULL: the path may be used. */
const char *gt_path_refusal(const char *path, size_t n);
/* What may be published: as gt_path_check, and NFC by Unicode's own tables
 * (utf8proc's). Those grow with the years, so what another node has published
 * is not held to them. */
enum gt_path_fault gt_path_offer(const char *path, size_t n);
/* A name nobody has checked, made fit for a log line: quoted, what is not
 * plain UTF-8 text as \xNN, cut after about 200 bytes. Returns out. */
enum { GT_PATH_SHOWN = 256 };
char *gt_path_show(char out[GT_PATH_SHOWN], const char *path, size_t n);

/* Media type by extension, "application/octet-stream" when unknown. Never
 * NULL, without parameters. */
const char *gt_media_type(const char *path);
/* What File.media_type may be: "type/subtype", perhaps with "; name=value"
 * after it, printable ASCII without quotes; fit for an HTTP header as it is. */
bool gt_media_type_valid(const char *type, size_t n);
/* A type, of at most GT_MEDIA_TYPE_MAX bytes, with "type/subtype" in small
 * letters: they mean the same in any. */
void gt_media_type_lower(char out[GT_MEDIA_TYPE_MAX + 1], const char *type);

/* --------------------------------------------------------- manifest */

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

/* Decodes and checks every rule, so that whoever holds a gt_manifest may trust
 * its numbers. why (cut to fit, 300 bytes hold any) names the member or frame.
 *   -GT_EMALFORMED  not a Manifest in the one canonical encoding (fields in
 *                   order, each once, shortest varints, no defaults, nothing
 *                   unknown): one package has one manifest and one id
 *   -GT_ELIMIT      too large, too many files, frames or bytes
 *   -GT_EINVALID    format other than 1; no files; a path gt_path_check
 *                   refuses, twice, out of byte order, or under a member that
 *                   is a file; a media type that is not one; an offset other
 *                   than the one tar.h leads to; a frame of 0 bytes or over
 *                   its limit; more frames than cuts of GT_FRAME_PLAIN_MIN and
 *                   the forced ones make; frames that do not add up to the
 *                   tar stream
 *   -GT_ENOMEM
 * Memory is at most a small multiple of bytes.n, which may be hostile. */
int gt_manifest_new(struct gt_manifest **out, struct gt_bytes bytes, char *why,
                    size_t why_cap);
void gt_manifest_free(struct gt_manifest *m); /* NULL is fine */
/* Forgets the members, of which there are many more than frames: nfiles becomes
 * 0. For who goes on to handle frames alone. */
void gt_manifest_shed(struct gt_manifest *m);
/* The id of the object whose encoded manifest this is: its SHA-256. */
void gt_manifest_id(struct gt_id *out, struct gt_bytes bytes);
/* Index of the file, UINT32_MAX: none. O(log n) or better. */
uint32_t gt_manifest_find(const struct gt_manifest *m, const char *path);
/* Frame holding the offset in the tar stream, which must lie within it. */
uint32_t gt_manifest_frame_at(const struct gt_manifest *m, uint64_t plain);
/* The seek table that closes the file: file_size - stored_at[nframes] bytes,
 * which is gt_manifest_tail_size(nframes). */
void gt_manifest_tail(const struct gt_manifest *m, uint8_t *out);
uint64_t gt_manifest_tail_size(uint32_t nframes);

/* ----------------------------------------------------------- frames */

/* SHA-256(stored) is the frame's id and its size is right. 0 or
 * -GT_EDAMAGED. */
int gt_frame_verify(const struct gt_manifest *m, uint32_t frame,
                    struct gt_bytes stored);
/* What decompresses, made once per thread. NULL: out of memory. */
struct gt_inflater;
struct gt_inflater *gt_inflater_new(void);
void gt_inflater_free(struct gt_inflater *z); /* NULL is fine */
/* Decompresses a verified frame into out (plain[frame] bytes, no more).
 * 0, -GT_EDAMAGED. */
int gt_frame_inflate(struct gt_inflater *z, const struct gt_manifest *m,
                     uint32_t frame, struct gt_bytes stored, uint8_t *out);
/* Both of a frame that is known without a manifest: its id and stored size;
 * its plain size, which out must have. */
int gt_frame_is(const uint8_t id[GT_ID_BYTES], uint32_t size,
                struct gt_bytes stored);
int gt_frame_unpack(struct gt_inflater *z, uint32_t plain,
                    struct gt_bytes stored, uint8_t *out);

/* ------------------------------------------------------------ check */

/* Checks that the object file is what its manifest says. Every frame that
 * holds any header or padding is read, verified, decompressed and compared
 * with what tar.h makes of the manifest; so is the seek table. With all true
 * every frame is read, verified and decompressed (publish, scrub). read gives
 * the bytes of the object file.
 * 0, -GT_EIO, -GT_ENOMEM; -GT_EDAMAGED: bytes on disk are not those that were
 * hashed, another copy may do; -GT_EINVALID: they are, and break the manifest's
 * word, no other copy will. why names the frame and the member. */
int gt_object_check(const struct gt_manifest *m, bool all, gt_bytes_at *read,
                    void *arg, char *why, size_t why_cap);

/* ------------------------------------------------------------- pack */

/* Makes an object from members fed in order. Bytes of the object file leave
 * through put, in file order, a frame at a time; put returns 0 or the -GT_E...
 * the packer is to fail with.
 *
 * The same members at the same level with the same zstd give the same bytes
 * and the same object id, however the writes were cut. Frames are cut by
 * cdc.h, and always where a member of GT_FRAME_PLAIN_MIN bytes or more begins
 * and ends; smaller members share frames with their neighbours' headers. Holds
 * about 1 MiB, the compressor's tables and the manifest in the making.
 *
 * After a failure every further call fails the same way. */
typedef int gt_pack_put(void *arg, const uint8_t *p, size_t n);
struct gt_packer;

/* zstd_level is brought into 1..19. NULL: out of memory. */
struct gt_packer *gt_packer_new(int zstd_level, gt_pack_put *put, void *arg);
void gt_packer_free(struct gt_packer *p); /* NULL is fine */
/* Begins a member; the one before must have had all its bytes. Paths must come
 * in ascending byte order and pass gt_path_check. media_type NULL: guessed
 * from the extension. 0, -GT_EINVALID, -GT_ELIMIT, -GT_ENOMEM, or put's. */
int gt_packer_file(struct gt_packer *p, const char *path, uint64_t size,
                   const char *media_type);
/* The next bytes of the member. -GT_EINVALID: more than its size. */
int gt_packer_write(struct gt_packer *p, const void *bytes, size_t n);
/* Closes the object; no files at all is -GT_EINVALID. plain is the size of the
 * tar stream, stored that of the object file. manifest lives until
 * gt_packer_free, and gt_manifest_new accepts it. */
int gt_packer_finish(struct gt_packer *p, struct gt_bytes *manifest,
                     struct gt_id *object, uint64_t *plain, uint64_t *stored);
/* Bytes that a member takes of the manifest, at the least: what adds up to more
 * than GT_MANIFEST_MAX need not be tried. */
uint64_t gt_packer_least(const char *path, uint64_t size);
/* A sentence for the last failure, naming the member; lives as the packer. */
const char *gt_packer_why(const struct gt_packer *p);

#endif
