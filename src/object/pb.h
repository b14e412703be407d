/* pb.h: protobuf's encoding for the manifest alone.
 *
 * A manifest of a million files would cost protobuf-c several allocations a
 * file, and a hostile one far more memory than it has bytes. This reads in
 * place and accepts only the shortest encoding, so that equal contents are
 * equal bytes.
 *
 * Tests: u_pb.c, u_manifest.c, fuzz/f_manifest.c. */
#ifndef GT_PB_H
#define GT_PB_H

#include "base.h"

enum { GT_PB_VARINT = 0, GT_PB_BYTES = 2, GT_PB_VARINT_MAX = 10 };

/* What is left to read. */
struct gt_pb {
	const uint8_t *p, *end;
};

/* A varint in its shortest form. False: there is none. */
bool gt_pb_varint(struct gt_pb *in, uint64_t *v);
/* A length and as many bytes, lent. False: they are not there. */
bool gt_pb_bytes(struct gt_pb *in, struct gt_bytes *v);
/* Skips the tag if it is the next one; false leaves in as it was. number must
 * be below 16 (a tag of one byte). */
bool gt_pb_tag(struct gt_pb *in, unsigned number, unsigned type);
/* Writes at most GT_PB_VARINT_MAX bytes, returns how many. */
size_t gt_pb_put(uint8_t *out, uint64_t v);
/* What gt_pb_put would write. */
size_t gt_pb_size(uint64_t v);

#endif
