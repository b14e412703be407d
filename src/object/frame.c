/* frame.c: a stored frame, checked before it is trusted and then opened. */
#include "object.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { WINDOW_LOG_MAX = 23 }; /* 8 MiB: what any zstd -d grants */

struct gt_inflater {
	ZSTD_DCtx *ctx;
};

int gt_frame_is(const uint8_t id[GT_ID_BYTES], uint32_t size,
                struct gt_bytes stored)
{
	struct gt_id sum;
	if (stored.n != size)
		return -GT_EDAMAGED;
	gt_sha256_one(&sum, stored.p, stored.n);
	return memcmp(sum.b, id, GT_ID_BYTES) == 0 ? 0 : -GT_EDAMAGED;
}

int gt_frame_verify(const struct gt_manifest *m, uint32_t frame,
                    struct gt_bytes stored)
{
	if (frame >= m->nframes)
		return -GT_EDAMAGED;
	return gt_frame_is(m->ids + (size_t)frame * GT_ID_BYTES,
	                   m->stored[frame], stored);
}

struct gt_inflater *gt_inflater_new(void)
{
	struct gt_inflater *z = calloc(1, sizeof *z);
	if (z)
		z->ctx = ZSTD_createDCtx();
	if (z && z->ctx)
		return z;
	free(z);
	return NULL;
}

void gt_inflater_free(struct gt_inflater *z)
{
	if (!z)
		return;
	ZSTD_freeDCtx(z->ctx);
	free(z);
}

/* RFC 8878, 3.1.1.1: does the header of a frame whose first bytes are good
 * announce a window a stock reader would refuse? */
static bool window_too_large(struct gt_bytes stored)
{
	uint8_t descriptor = stored.p[4];
	if (descriptor & 0x20) /* single segment: the window is the content */
		return false;
	uint64_t base = UINT64_C(1) << (10 + (stored.p[5] >> 3));
	return base + base / 8 * (stored.p[5] & 7) > UINT64_C(1)
	                                                     << WINDOW_LOG_MAX;
}

int gt_frame_inflate(struct gt_inflater *z, const struct gt_manifest *m,
                     uint32_t frame, struct gt_bytes stored, uint8_t *out)
{
	assert(frame < m->nframes);
	return gt_frame_unpack(z, m->plain[frame], stored, out);
}

int gt_frame_unpack(struct gt_inflater *z, uint32_t plain,
                    struct gt_bytes stored, uint8_t *out)
{
	static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
	/* Exactly one zstd frame, nothing skippable, no dictionary, and the
	 * size it claims is the size that was signed. */
	if (stored.n < 6 || memcmp(stored.p, magic, 4) != 0 ||
	    ZSTD_findFrameCompressedSize(stored.p, stored.n) != stored.n ||
	    ZSTD_getFrameContentSize(stored.p, stored.n) != plain ||
	    ZSTD_getDictID_fromFrame(stored.p, stored.n) != 0 ||
	    window_too_large(stored))
		return -GT_EDAMAGED;
	/* The whole output buffer is the budget: nothing else is allocated. */
	if (ZSTD_decompressDCtx(z->ctx, out, plain, stored.p, stored.n) !=
	    plain)
		return -GT_EDAMAGED;
	return 0;
}
