/* tar.h: the one way an object's tar stream may be written.
 *
 * POSIX.1-2017 pax interchange format. A member is an optional 'x' extended
 * header, a ustar header and the bytes, padded with zeros to 512; two zero
 * blocks end the stream. Mode 0644, ids 0, mtime 0, no names of people, so
 * that the stream is determined by paths, sizes and bytes alone.
 *
 * The extended header is written only where ustar cannot say it: a path that
 * is not ASCII or does not split into 155 + 100 bytes, a size of 8 GiB or
 * more.
 *
 * Tests: u_tar.c, and u_object.c, which lets a stock tar read it. */
#ifndef GT_TAR_H
#define GT_TAR_H

#include "base.h"

enum {
	GT_TAR_BLOCK = 512,
	GT_TAR_END = 1024,      /* the zeros after the last member */
	GT_TAR_HEAD_MAX = 3072, /* longest header, extended one included */
};

/* Writes the header of a member, a multiple of GT_TAR_BLOCK bytes, and returns
 * its length. path must be one gt_path_check accepts. */
size_t gt_tar_head(uint8_t out[GT_TAR_HEAD_MAX], const char *path,
                   uint64_t size);
/* Zeros that follow a member of this size: 0..511. */
size_t gt_tar_padding(uint64_t size);

#endif
