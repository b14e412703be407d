/* manifest.c: from hostile bytes to arrays that may be trusted. */
#include "object.h"

#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "pb.h"
#include "tar.h"

enum {
	SEEK_ENTRY = 8,
	SEEK_HEAD = 8,
	SEEK_FOOT = 9,
};
static const uint32_t skippable_magic = 0x184d2a5e, seekable_magic = 0x8f92eab1;

/* A manifest with the memory its const pointers point to. */
struct box {
	struct gt_manifest m; /* first: gt_manifest_free gets this address */
	uint8_t *ids;
	uint32_t *stored, *plain;
	uint64_t *stored_at, *plain_at;
	struct gt_file *files;
	char *text; /* paths and media types, each ended with NUL */
	size_t used;
};

/* What the checks speak with. */
struct complaint {
	char *why;
	size_t cap;
};

static int refuse(const struct complaint *c, int status, const char *what)
{
	gt_format(c->why, c->cap, "%s", what);
	return status;
}

static int refuse_frame(const struct complaint *c, int status, uint32_t i,
                        const char *what)
{
	gt_format(c->why, c->cap, "frame %u: %s", (unsigned)i, what);
	return status;
}

static int refuse_member(const struct complaint *c, int status, const char *p,
                         size_t n, const char *what)
{
	char shown[GT_PATH_SHOWN];
	gt_format(c->why, c->cap, "member %s: %s", gt_path_show(shown, p, n),
	          what);
	return status;
}

/* ----------------------------------------------------------- decode */

/* Where the parts lie in the encoded bytes. */
struct parts {
	struct gt_bytes ids, stored, plain;
	struct gt_pb files; /* the rest, from the first File's tag on */
	uint32_t nfiles;
};

static int find_parts(struct gt_bytes bytes, struct parts *out,
                      const struct complaint *c)
{
	struct gt_pb in = {bytes.p, bytes.p + bytes.n};
	uint64_t format;
	if (!gt_pb_tag(&in, 1, GT_PB_VARINT) || !gt_pb_varint(&in, &format))
		return refuse(c, -GT_EMALFORMED, "not a manifest");
	if (format != 1)
		return refuse(c, -GT_EINVALID, "unknown manifest format");
	if (!gt_pb_tag(&in, 2, GT_PB_BYTES) || !gt_pb_bytes(&in, &out->ids) ||
	    !gt_pb_tag(&in, 3, GT_PB_BYTES) ||
	    !gt_pb_bytes(&in, &out->stored) ||
	    !gt_pb_tag(&in, 4, GT_PB_BYTES) || !gt_pb_bytes(&in, &out->plain))
		return refuse(c, -GT_EMALFORMED,
		              "the list of frames is malformed");
	out->files = in;
	for (out->nfiles = 0; in.p < in.end; out->nfiles++) {
		struct gt_bytes file;
		if (out->nfiles == GT_FILES_MAX)
			return refuse(c, -GT_ELIMIT, "too many files");
		if (!gt_pb_tag(&in, 5, GT_PB_BYTES) || !gt_pb_bytes(&in, &file))
			return refuse(c, -GT_EMALFORMED,
			              "the list of files is malformed");
	}
	if (out->nfiles == 0)
		return refuse(c, -GT_EINVALID, "no files");
	return 0;
}

static int read_sizes(struct gt_bytes packed, uint32_t *out, uint32_t n,
                      uint32_t max, const char *what, const struct complaint *c)
{
	struct gt_pb in = {packed.p, packed.p + packed.n};
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v;
		if (!gt_pb_varint(&in, &v))
			return refuse_frame(c, -GT_EMALFORMED, i,
			                    "its size is missing");
		if (v == 0 || v > max)
			return refuse_frame(c, -GT_EINVALID, i, what);
		out[i] = (uint32_t)v;
	}
	if (in.p < in.end)
		return refuse(c, -GT_EMALFORMED,
		              "more frame sizes than frames");
	return 0;
}

static int read_frames(struct box *b, const struct parts *parts,
                       const struct complaint *c)
{
	uint32_t n = b->m.nframes;
	int status;
	memcpy(b->ids, parts->ids.p, parts->ids.n);
	status = read_sizes(parts->stored, b->stored, n, GT_FRAME_STORED_MAX,
	                    "its stored size is 0 or over the limit", c);
	if (!status)
		status = read_sizes(parts->plain, b->plain, n,
		                    GT_FRAME_PLAIN_MAX,
		                    "its plain size is 0 or over the limit", c);
	if (status)
		return status;
	for (uint32_t i = 0; i < n; i++) {
		b->stored_at[i + 1] = b->stored_at[i] + b->stored[i];
		b->plain_at[i + 1] = b->plain_at[i] + b->plain[i];
	}
	b->m.file_size = b->stored_at[n] + gt_manifest_tail_size(n);
	return 0;
}

/* Text in the box, with its NUL: an encoded string always has at least two
 * bytes more than its text, so the box's bytes.n are enough. */
static const char *keep(struct box *b, struct gt_bytes s)
{
	char *out = b->text + b->used;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	b->used += s.n + 1;
	return out;
}

static int read_file(struct box *b, uint32_t i, struct gt_bytes encoded,
                     const struct complaint *c)
{
	struct gt_pb in = {encoded.p, encoded.p + encoded.n};
	struct gt_file *f = &b->files[i];
	struct gt_bytes path, type;
	const char *fault;
	if (!gt_pb_tag(&in, 1, GT_PB_BYTES) || !gt_pb_bytes(&in, &path)) {
		gt_format(c->why, c->cap, "member %u: it has no path",
		          (unsigned)i);
		return -GT_EMALFORMED;
	}
	fault = gt_path_refusal((const char *)path.p, path.n);
	if (fault)
		return refuse_member(c, -GT_EINVALID, (const char *)path.p,
		                     path.n, fault);
	f->path = keep(b, path);
	/* 0 is a field's default and is not written */
	bool fine = gt_pb_tag(&in, 2, GT_PB_VARINT) &&
	            gt_pb_varint(&in, &f->offset);
	if (fine && gt_pb_tag(&in, 3, GT_PB_VARINT))
		fine = gt_pb_varint(&in, &f->size) && f->size > 0;
	fine = fine && gt_pb_tag(&in, 4, GT_PB_BYTES) &&
	       gt_pb_bytes(&in, &type) && in.p == in.end;
	if (!fine)
		return refuse_member(c, -GT_EMALFORMED, f->path, path.n,
		                     "malformed");
	if (!gt_media_type_valid((const char *)type.p, type.n))
		return refuse_member(c, -GT_EINVALID, f->path, path.n,
		                     "the media type is not one");
	f->media_type = keep(b, type);
	return 0;
}

/* ------------------------------------------------------------ rules */

static int check_files(const struct box *b, const struct complaint *c)
{
	uint8_t head[GT_TAR_HEAD_MAX];
	struct gt_order order;
	uint64_t at = 0, total = b->plain_at[b->m.nframes];
	gt_order_init(&order);
	for (uint32_t i = 0; i < b->m.nfiles; i++) {
		const struct gt_file *f = &b->files[i];
		const char *wrong = gt_order_next(&order, f->path);
		at += gt_tar_head(head, f->path, f->size);
		if (!wrong && f->offset != at)
			wrong = "it is not where it must start";
		/* so that no sum here can pass 2^64 */
		if (!wrong && f->size > total)
			wrong = "it is larger than all frames";
		if (wrong)
			return refuse_member(c, -GT_EINVALID, f->path,
			                     strlen(f->path), wrong);
		at += f->size + gt_tar_padding(f->size);
	}
	if (at + GT_TAR_END != total)
		return refuse(c, -GT_EINVALID,
		              "the frames do not add up to the files");
	return 0;
}

/* Runs and large members take turns; each makes at most one frame below the
 * minimum, and each large member is at least one minimum long. Without this a
 * peer could make a gigabyte cost two million requests. */
static int check_frame_count(const struct box *b, const struct complaint *c)
{
	uint64_t total = b->plain_at[b->m.nframes];
	if (b->m.nframes > 3 * (total / GT_FRAME_PLAIN_MIN) + 2)
		return refuse(c, -GT_ELIMIT, "more frames than its size needs");
	return 0;
}

/* ------------------------------------------------------------- life */

static struct box *box_new(size_t nframes, size_t nfiles, size_t text)
{
	struct box *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->ids = malloc(nframes * GT_ID_BYTES);
	b->stored = malloc(nframes * sizeof *b->stored);
	b->plain = malloc(nframes * sizeof *b->plain);
	b->stored_at = calloc(nframes + 1, sizeof *b->stored_at);
	b->plain_at = calloc(nframes + 1, sizeof *b->plain_at);
	b->files = calloc(nfiles, sizeof *b->files);
	b->text = malloc(text);
	b->m = (struct gt_manifest){.nframes = (uint32_t)nframes,
	                            .ids = b->ids,
	                            .stored = b->stored,
	                            .plain = b->plain,
	                            .stored_at = b->stored_at,
	                            .plain_at = b->plain_at,
	                            .nfiles = (uint32_t)nfiles,
	                            .files = b->files};
	if (b->ids && b->stored && b->plain && b->stored_at && b->plain_at &&
	    b->files && b->text)
		return b;
	gt_manifest_free(&b->m);
	return NULL;
}

void gt_manifest_free(struct gt_manifest *m)
{
	struct box *b = (struct box *)(void *)m;
	if (!b)
		return;
	free(b->ids);
	free(b->stored);
	free(b->plain);
	free(b->stored_at);
	free(b->plain_at);
	free(b->files);
	free(b->text);
	free(b);
}

static int fill(struct box *b, const struct parts *parts,
                const struct complaint *c)
{
	struct gt_pb in = parts->files;
	int status = read_frames(b, parts, c);
	for (uint32_t i = 0; !status && i < parts->nfiles; i++) {
		struct gt_bytes file = {NULL, 0};
		/* find_parts has walked here before */
		bool fine = gt_pb_tag(&in, 5, GT_PB_BYTES) &&
		            gt_pb_bytes(&in, &file);
		assert(fine);
		status = read_file(b, i, file, c);
	}
	if (!status)
		status = check_frame_count(b, c);
	return status ? status : check_files(b, c);
}

int gt_manifest_new(struct gt_manifest **out, struct gt_bytes bytes, char *why,
                    size_t why_cap)
{
	struct complaint c = {why, why_cap};
	struct parts parts;
	int status;
	assert(why_cap > 0);
	why[0] = '\0';
	*out = NULL;
	if (bytes.n > GT_MANIFEST_MAX)
		return refuse(&c, -GT_ELIMIT, "the manifest is too large");
	if (bytes.n == 0)
		return refuse(&c, -GT_EMALFORMED, "not a manifest");
	status = find_parts(bytes, &parts, &c);
	if (status)
		return status;
	if (parts.ids.n == 0 || parts.ids.n % GT_ID_BYTES != 0)
		return refuse(&c, -GT_EMALFORMED,
		              "the frame ids are not 32 bytes each");
	struct box *b =
	        box_new(parts.ids.n / GT_ID_BYTES, parts.nfiles, bytes.n);
	if (!b)
		return refuse(&c, -GT_ENOMEM, gt_strerror(-GT_ENOMEM));
	status = fill(b, &parts, &c);
	if (status)
		gt_manifest_free(&b->m);
	else
		*out = &b->m;
	return status;
}

/* ---------------------------------------------------------- look-up */

void gt_manifest_id(struct gt_id *out, struct gt_bytes bytes)
{
	gt_sha256(out, &bytes, 1);
}

uint32_t gt_manifest_find(const struct gt_manifest *m, const char *path)
{
	uint32_t lo = 0, hi = m->nfiles;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = strcmp(m->files[mid].path, path);
		if (order == 0)
			return mid;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return UINT32_MAX;
}

uint32_t gt_manifest_frame_at(const struct gt_manifest *m, uint64_t plain)
{
	uint32_t lo = 0, hi = m->nframes;
	assert(plain < m->plain_at[m->nframes]);
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (m->plain_at[mid] <= plain)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* ------------------------------------------------------- seek table */

static uint8_t *put_le32(uint8_t *out, uint32_t v)
{
	for (unsigned shift = 0; shift < 32; shift += 8)
		*out++ = (uint8_t)(v >> shift);
	return out;
}

uint64_t gt_manifest_tail_size(uint32_t nframes)
{
	return SEEK_HEAD + (uint64_t)nframes * SEEK_ENTRY + SEEK_FOOT;
}

void gt_manifest_tail(const struct gt_manifest *m, uint8_t *out)
{
	out = put_le32(out, skippable_magic);
	out = put_le32(out, m->nframes * SEEK_ENTRY + SEEK_FOOT);
	for (uint32_t i = 0; i < m->nframes; i++) {
		out = put_le32(out, m->stored[i]);
		out = put_le32(out, m->plain[i]);
	}
	out = put_le32(out, m->nframes);
	*out++ = 0; /* descriptor: no checksums */
	put_le32(out, seekable_magic);
}
