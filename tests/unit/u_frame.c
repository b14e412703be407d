/* u_frame.c: frames that are damaged, forged, or more than they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "unit/object_kit.h"

/* A one-frame manifest around any bytes, as a hostile publisher makes it. */
static int inflate_as(const void *stored, size_t n, uint32_t plain)
{
	uint32_t stored_size = (uint32_t)n;
	uint64_t stored_at[2] = {0, n}, plain_at[2] = {0, plain};
	struct gt_id id;
	struct gt_manifest m = {.nframes = 1,
	                        .ids = id.b,
	                        .stored = &stored_size,
	                        .plain = &plain,
	                        .stored_at = stored_at,
	                        .plain_at = plain_at};
	struct gt_inflater *z = gt_inflater_new();
	/* exactly as large as signed: the sanitizer sees a byte too many */
	uint8_t *out = malloc(plain);
	assert_non_null(z);
	assert_non_null(out);
	gt_sha256_one(&id, stored, n);
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_of(stored, n)), 0);
	int status = gt_frame_inflate(z, &m, 0, gt_bytes_of(stored, n), out);
	free(out);
	gt_inflater_free(z);
	return status;
}

static void bombs(void **state)
{
	enum { HUGE = 64 << 20, CAP = 256 << 10 };
	uint8_t *zeros = calloc(1, HUGE), *frame = malloc(CAP);
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	size_t n;
	(void)state;
	assert_true(zeros && frame && ctx);
	n = ZSTD_compressCCtx(ctx, frame, CAP, zeros, HUGE, 1);
	assert_false(ZSTD_isError(n));
	assert_int_equal(inflate_as(frame, n, 1000), -GT_EDAMAGED);
	assert_int_equal(inflate_as(frame, n, CAP), -GT_EDAMAGED);
	/* honest ones */
	n = ZSTD_compressCCtx(ctx, frame, CAP, zeros, 1000, 1);
	assert_int_equal(inflate_as(frame, n, 1000), 0);
	assert_int_equal(inflate_as(frame, n, 999), -GT_EDAMAGED);
	assert_int_equal(inflate_as(frame, n, 1001), -GT_EDAMAGED);
	assert_int_equal(inflate_as(frame, n - 1, 1000), -GT_EDAMAGED);
	/* two frames for one, and one with a skippable frame behind it */
	memcpy(frame + n, frame, n);
	assert_int_equal(inflate_as(frame, 2 * n, 1000), -GT_EDAMAGED);
	memcpy(frame + n, "\x50\x2a\x4d\x18\0\0\0\0", 8);
	assert_int_equal(inflate_as(frame, n + 8, 1000), -GT_EDAMAGED);
	assert_int_equal(inflate_as("\x50\x2a\x4d\x18\0\0\0\0", 8, 1),
	                 -GT_EDAMAGED);
	/* no content size in the header */
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
	n = ZSTD_compress2(ctx, frame, CAP, zeros, 1000);
	assert_int_equal(inflate_as(frame, n, 1000), -GT_EDAMAGED);
	/* a window of 16 MiB for a thousand bytes: RFC 8878 by hand */
	static const uint8_t wide[] = {0x28, 0xb5, 0x2f, 0xfd, 0x40, 0x70,
	                               0xe8, 0x02, 0x43, 0x1f, 0x00, 0x00};
	uint8_t fits[sizeof wide];
	memcpy(fits, wide, sizeof wide);
	fits[5] = 0x68; /* 8 MiB */
	assert_int_equal(inflate_as(fits, sizeof fits, 1000), 0);
	assert_int_equal(inflate_as(wide, sizeof wide, 1000), -GT_EDAMAGED);
	fits[5] = 0x67; /* 4 MiB and seven eighths of it */
	assert_int_equal(inflate_as(fits, sizeof fits, 1000), 0);
	fits[5] = 0x69; /* 8 MiB and one eighth */
	assert_int_equal(inflate_as(fits, sizeof fits, 1000), -GT_EDAMAGED);
	assert_int_equal(inflate_as(fits, 5, 1000), -GT_EDAMAGED);
	ZSTD_freeCCtx(ctx);
	free(zeros);
	free(frame);
}

/* Whoever signs what is no frame: zstd has the last word. */
static void damaged_frames(void **state)
{
	uint8_t text[1000], frame[2000], out[1000];
	uint64_t r = 8;
	size_t refused = 0;
	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = kit_letter(&r);
	size_t n = ZSTD_compress(frame, sizeof frame, text, sizeof text, 3);
	for (size_t i = 8; i < n; i++) {
		frame[i] ^= 0x55;
		size_t k = ZSTD_decompress(out, sizeof out, frame, n);
		bool good = k == sizeof out;
		refused += !good;
		assert_int_equal(inflate_as(frame, n, sizeof text),
		                 good ? 0 : -GT_EDAMAGED);
		frame[i] ^= 0x55;
	}
	assert_true(refused > 10);
}

/* The right bytes by their hash, of another number than was signed; and a frame
 * there is not. */
static void other_sizes(void **state)
{
	uint32_t size = 3, plain = 1;
	struct gt_id id;
	struct gt_manifest m = {
	        .nframes = 1, .ids = id.b, .stored = &size, .plain = &plain};
	(void)state;
	gt_sha256_one(&id, "abc", 3);
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_str("abc")), 0);
	assert_int_equal(gt_frame_verify(&m, 1, gt_bytes_str("abc")),
	                 -GT_EDAMAGED);
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_str("abd")),
	                 -GT_EDAMAGED);
	size = 4;
	assert_int_equal(gt_frame_verify(&m, 0, gt_bytes_str("abc")),
	                 -GT_EDAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(bombs),
	        cmocka_unit_test(damaged_frames),
	        cmocka_unit_test(other_sizes),
	};
	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
