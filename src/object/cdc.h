/* cdc.h: where a run of bytes is cut into frames.
 *
 * FastCDC (Xia et al., "The Design of Fast Content-Defined Chunking for Data
 * Deduplication Based Storage Systems", TPDS 2020): gear hash, normalised
 * chunking, two bytes per step. A cut depends only on the bytes since the last
 * one, so that an edit moves the cuts around it and no others.
 *
 * The mean is not GT_CDC_NORMAL; measured, 2 cores of a virtual machine, zstd
 * 1.5.4 level 3, `build/release/tests/bench/b_cdc .html
 * /usr/share/doc/debian-handbook/html` (62 MB of text; .png: 133 MB):
 *
 *            cuts   mean      at max  scan      ratio  of 64K  256K   1M
 *   .html     407   149 KiB   1.7 %   3.4 GB/s  3.90   3.62    4.04   4.40
 *   .png      925   141 KiB   2.4 %   3.8 GB/s  1.03   1.02    1.04   1.03
 *
 * ratio is by these cuts, beside fixed cuts of three sizes.
 */
#ifndef GT_CDC_H
#define GT_CDC_H

#include "base.h"

enum {
	GT_CDC_MIN = GT_FRAME_PLAIN_MIN,
	GT_CDC_NORMAL = 112 << 10, /* cuts get 16 times likelier from here on */
	GT_CDC_MAX = GT_FRAME_PLAIN_MAX,
};

struct gt_cdc {
	uint64_t gear[256];
	uint64_t gear2[256]; /* gear << 1, for the first byte of a step */
};

/* Fills the table; the same everywhere and for ever. */
void gt_cdc_init(struct gt_cdc *cdc);
/* Length of the first chunk of p[0..n), n > 0. A result of n below GT_CDC_MAX
 * means no cut was found: more bytes may change it. */
size_t gt_cdc_cut(const struct gt_cdc *cdc, const uint8_t *p, size_t n);

#endif
