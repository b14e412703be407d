/* pack.c: members in, an object file and its manifest out.
 * Tests: u_object.c, of whole files. */
#include "object.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "buffer.h"
#include "cdc.h"
#include "order.h"
#include "pb.h"
#include "tar.h"

enum {
	/* a frame that level 1 shrinks by less than 1 in PROBE_GAIN is of bytes
	   already compressed: the level asked for would cost ten times the
	   time for nothing */
	PROBE_GAIN = 50,
	PROBE_FROM = 4, /* below this level the level is as cheap as a probe */
	LEVEL_MAX = 19,
};

struct gt_packer {
	gt_pack_put *put;
	void *arg;
	ZSTD_CCtx *ctx;
	int level;
	struct gt_cdc cdc;
	size_t used; /* of run */
	uint8_t run[GT_FRAME_PLAIN_MAX];
	uint8_t stored[GT_FRAME_STORED_MAX];

	uint64_t plain, stored_size; /* so far */
	uint32_t nframes, nfiles;
	struct gt_buffer ids, stored_sizes, plain_sizes; /* fields 2 to 4 */
	struct gt_buffer files;                          /* fields 5, encoded */
	struct gt_buffer tail; /* sizes as the seek table has them */
	struct gt_buffer manifest;

	struct gt_order order; /* its last path is the member being written */
	uint64_t size, left;
	bool finished;
	int failed;
	char why[GT_PATH_SHOWN + 80];
};

/* ----------------------------------------------------------- basics */

static int fail(struct gt_packer *p, int status, const char *path,
                const char *what)
{
	char shown[GT_PATH_SHOWN];
	p->failed = status;
	if (path)
		gt_format(p->why, sizeof p->why, "member %s: %s",
		          gt_path_show(shown, path, strlen(path)), what);
	else
		gt_format(p->why, sizeof p->why, "%s", what);
	return status;
}

static bool add_varint(struct gt_buffer *b, uint64_t v)
{
	uint8_t varint[GT_PB_VARINT_MAX];
	return gt_buffer_add(b, varint, gt_pb_put(varint, v));
}

static bool add_bytes(struct gt_buffer *b, unsigned number, const void *s,
                      size_t n)
{
	return add_varint(b, number << 3 | GT_PB_BYTES) && add_varint(b, n) &&
	       gt_buffer_add(b, s, n);
}

struct gt_packer *gt_packer_new(int zstd_level, gt_pack_put *put, void *arg)
{
	struct gt_packer *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->put = put;
	p->arg = arg;
	p->level = zstd_level < 1           ? 1
	           : zstd_level > LEVEL_MAX ? LEVEL_MAX
	                                    : zstd_level;
	p->ctx = ZSTD_createCCtx();
	gt_cdc_init(&p->cdc);
	gt_order_init(&p->order);
	if (p->ctx)
		return p;
	gt_packer_free(p);
	return NULL;
}

void gt_packer_free(struct gt_packer *p)
{
	if (!p)
		return;
	ZSTD_freeCCtx(p->ctx);
	gt_buffer_free(&p->ids);
	gt_buffer_free(&p->stored_sizes);
	gt_buffer_free(&p->plain_sizes);
	gt_buffer_free(&p->files);
	gt_buffer_free(&p->tail);
	gt_buffer_free(&p->manifest);
	free(p);
}

const char *gt_packer_why(const struct gt_packer *p)
{
	return p->why;
}

/* ----------------------------------------------------------- frames */

/* Bytes of the manifest, were it written now. */
static size_t manifest_size(const struct gt_packer *p)
{
	return 2 + p->ids.n + p->stored_sizes.n + p->plain_sizes.n +
	       (size_t)3 * (1 + GT_PB_VARINT_MAX) + p->files.n;
}

/* 0: zstd failed, which only a lack of memory can make it do. */
static size_t compress_at(struct gt_packer *p, const uint8_t *plain, size_t n,
                          int level)
{
	size_t k =
	        ZSTD_CCtx_setParameter(p->ctx, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(k))
		k = ZSTD_compress2(p->ctx, p->stored, sizeof p->stored, plain,
		                   n);
	return ZSTD_isError(k) ? 0 : k;
}

static size_t compress(struct gt_packer *p, const uint8_t *plain, size_t n)
{
	if (p->level >= PROBE_FROM) {
		size_t k = compress_at(p, plain, n, 1);
		if (k == 0 || k > n - n / PROBE_GAIN)
			return k;
	}
	return compress_at(p, plain, n, p->level);
}

static int emit(struct gt_packer *p, const uint8_t *plain, size_t n)
{
	size_t k = compress(p, plain, n);
	struct gt_id hash;
	int status;
	if (k == 0)
		return fail(p, -GT_ENOMEM, p->order.last,
		            "cannot be compressed");
	gt_sha256_one(&hash, p->stored, k);
	const uint32_t sizes[] = {(uint32_t)k, (uint32_t)n};
	if (!gt_buffer_add(&p->ids, hash.b, sizeof hash.b) ||
	    !gt_buffer_add(&p->tail, sizes, sizeof sizes) ||
	    !add_varint(&p->stored_sizes, k) || !add_varint(&p->plain_sizes, n))
		return fail(p, -GT_ENOMEM, p->order.last,
		            gt_strerror(-GT_ENOMEM));
	p->nframes++;
	p->stored_size += k;
	if (manifest_size(p) > GT_MANIFEST_MAX)
		return fail(p, -GT_ELIMIT, p->order.last,
		            "the package has become too large");
	status = p->put(p->arg, p->stored, k);
	return status ? fail(p, status, p->order.last, gt_strerror(status)) : 0;
}

/* Emits the first frame of the run; what follows moves to its front. */
static int emit_first(struct gt_packer *p)
{
	size_t n = gt_cdc_cut(&p->cdc, p->run, p->used);
	int status = emit(p, p->run, n);
	p->used -= n;
	memmove(p->run, p->run + n, p->used);
	return status;
}

/* A forced cut: what waits becomes frames. */
static int cut(struct gt_packer *p)
{
	int status = 0;
	while (!status && p->used > 0)
		status = emit_first(p);
	return status;
}

/* Takes bytes of the tar stream. Cuts are looked for only in a full run, so
 * that they do not depend on how the bytes came. */
static int feed(struct gt_packer *p, const uint8_t *bytes, size_t n)
{
	int status = 0;
	p->plain += n;
	while (!status && n > 0) {
		size_t k = sizeof p->run - p->used;
		if (k > n)
			k = n;
		memcpy(p->run + p->used, bytes, k);
		p->used += k;
		bytes += k;
		n -= k;
		if (p->used == sizeof p->run)
			status = emit_first(p);
	}
	return status;
}

/* ---------------------------------------------------------- members */

/* The tag and the length come before the rest, hence the sum first. */
static bool list_file(struct gt_packer *p, uint64_t offset, const char *type)
{
	struct gt_buffer *b = &p->files;
	size_t path_n = strlen(p->order.last), type_n = strlen(type);
	size_t n = 1 + gt_pb_size(path_n) + path_n + 1 + gt_pb_size(offset) +
	           (p->size ? 1 + gt_pb_size(p->size) : 0) + 1 +
	           gt_pb_size(type_n) + type_n;
	return add_varint(b, 5 << 3 | GT_PB_BYTES) && add_varint(b, n) &&
	       add_bytes(b, 1, p->order.last, path_n) &&
	       add_varint(b, 2 << 3 | GT_PB_VARINT) && add_varint(b, offset) &&
	       (p->size == 0 || (add_varint(b, 3 << 3 | GT_PB_VARINT) &&
	                         add_varint(b, p->size))) &&
	       add_bytes(b, 4, type, type_n);
}

uint64_t gt_packer_least(const char *path, uint64_t size)
{
	/* a tag and a length or number each: of the file, its path, offset and
	 * type; of each frame, its id and two sizes */
	enum { FIELDS = 8, FRAME = GT_ID_BYTES + 2 };
	return FIELDS + strlen(path) + strlen(gt_media_type(path)) +
	       size / GT_FRAME_PLAIN_MAX * FRAME;
}

static int check_member(struct gt_packer *p, const char *path,
                        const char *media_type)
{
	const char *fault = gt_path_refusal(path, strlen(path));
	if (p->finished)
		return fail(p, -GT_ESTATE, path, "the package is closed");
	if (p->left > 0)
		return fail(p, -GT_EINVALID, p->order.last,
		            "it has fewer bytes than announced");
	if (fault)
		return fail(p, -GT_EINVALID, path, fault);
	if (p->nfiles == GT_FILES_MAX || manifest_size(p) > GT_MANIFEST_MAX)
		return fail(p, -GT_ELIMIT, path, "too many files");
	if (!gt_media_type_valid(media_type, strlen(media_type)))
		return fail(p, -GT_EINVALID, path, "the media type is not one");
	fault = gt_order_next(&p->order, path);
	return fault ? fail(p, -GT_EINVALID, path, fault) : 0;
}

static int end_member(struct gt_packer *p)
{
	static const uint8_t zeros[GT_TAR_BLOCK];
	int status = p->size >= GT_FRAME_PLAIN_MIN ? cut(p) : 0;
	return status ? status : feed(p, zeros, gt_tar_padding(p->size));
}

int gt_packer_file(struct gt_packer *p, const char *path, uint64_t size,
                   const char *media_type)
{
	uint8_t head[GT_TAR_HEAD_MAX];
	char type[GT_MEDIA_TYPE_MAX + 1];
	size_t n;
	int status = p->failed;
	if (!media_type)
		media_type = gt_media_type(path);
	if (!status)
		status = check_member(p, path, media_type);
	if (status)
		return status;
	if (size > (uint64_t)GT_MANIFEST_MAX * GT_FRAME_PLAIN_MAX)
		return fail(p, -GT_ELIMIT, path, "too large");
	p->size = p->left = size;
	p->nfiles++;
	n = gt_tar_head(head, path, size);
	gt_media_type_lower(type, media_type);
	if (!list_file(p, p->plain + n, type))
		return fail(p, -GT_ENOMEM, path, gt_strerror(-GT_ENOMEM));
	status = feed(p, head, n);
	if (!status && size >= GT_FRAME_PLAIN_MIN)
		status = cut(p);
	return status;
}

int gt_packer_write(struct gt_packer *p, const void *bytes, size_t n)
{
	int status = p->failed;
	if (status || n == 0)
		return status;
	if (p->finished)
		return fail(p, -GT_ESTATE, NULL, "the package is closed");
	if (n > p->left)
		return fail(p, -GT_EINVALID, p->nfiles ? p->order.last : NULL,
		            "it has more bytes than announced");
	p->left -= n;
	status = feed(p, bytes, n);
	if (!status && p->left == 0)
		status = end_member(p);
	return status;
}

/* -------------------------------------------------------------- end */

static bool write_manifest(struct gt_packer *p)
{
	struct gt_buffer *b = &p->manifest;
	return add_varint(b, 1 << 3 | GT_PB_VARINT) && add_varint(b, 1) &&
	       add_bytes(b, 2, p->ids.p, p->ids.n) &&
	       add_bytes(b, 3, p->stored_sizes.p, p->stored_sizes.n) &&
	       add_bytes(b, 4, p->plain_sizes.p, p->plain_sizes.n) &&
	       gt_buffer_add(b, p->files.p, p->files.n);
}

static int put_tail(struct gt_packer *p)
{
	size_t n = (size_t)gt_manifest_tail_size(p->nframes);
	uint32_t *sizes = calloc(2 * (size_t)p->nframes, sizeof *sizes);
	uint8_t *tail = malloc(n);
	int status = -GT_ENOMEM;
	for (size_t i = 0; sizes && i < p->nframes; i++) {
		const uint8_t *entry = p->tail.p + i * 2 * sizeof *sizes;
		memcpy(&sizes[i], entry, sizeof *sizes);
		memcpy(&sizes[p->nframes + i], entry + sizeof *sizes,
		       sizeof *sizes);
	}
	if (sizes && tail) {
		const struct gt_manifest m = {.nframes = p->nframes,
		                              .stored = sizes,
		                              .plain = sizes + p->nframes};
		gt_manifest_tail(&m, tail);
		status = p->put(p->arg, tail, n);
		p->stored_size += n;
	}
	free(sizes);
	free(tail);
	return status ? fail(p, status, NULL, gt_strerror(status)) : 0;
}

int gt_packer_finish(struct gt_packer *p, struct gt_bytes *manifest,
                     struct gt_id *object, uint64_t *plain, uint64_t *stored)
{
	static const uint8_t zeros[GT_TAR_END];
	int status = p->failed;
	if (status)
		return status;
	if (p->finished)
		return fail(p, -GT_ESTATE, NULL, "the package is closed");
	if (p->nfiles == 0)
		return fail(p, -GT_EINVALID, NULL, "no files");
	if (p->left > 0)
		return fail(p, -GT_EINVALID, p->order.last,
		            "it has fewer bytes than announced");
	p->finished = true;
	status = feed(p, zeros, sizeof zeros);
	if (!status)
		status = cut(p);
	if (!status)
		status = put_tail(p);
	if (status)
		return status;
	if (!write_manifest(p))
		return fail(p, -GT_ENOMEM, NULL, gt_strerror(-GT_ENOMEM));
	*manifest = gt_buffer_bytes(&p->manifest);
	gt_manifest_id(object, *manifest);
	*plain = p->plain;
	*stored = p->stored_size;
	return 0;
}
