/* index_inside.h: what who makes an index and who reads it must agree on. */
#ifndef GT_INDEX_INSIDE_H
#define GT_INDEX_INSIDE_H

#include "index.h"

#define GT_INDEX_MAGIC "gtindex1"

enum {
	GT_INDEX_ROOM = GT_INDEX_BLOCK - GT_INDEX_SEAL, /* of a block */
	GT_INDEX_ROW = GT_ID_BYTES + 8 + 8 + 4 + 4,     /* of a frame */
	GT_INDEX_ROWS = GT_INDEX_ROOM / GT_INDEX_ROW,   /* in a block */
	GT_INDEX_HEAD = 4 + 4,        /* of a block of members */
	GT_INDEX_MEMBER = 2 + 1 + 16, /* before its texts */
	GT_INDEX_FOOT = 8 + 4 * 4 + 16,
};

/* The checksum of the block of that number in the object's index. */
void gt_index_seal(uint8_t out[GT_INDEX_SEAL], const struct gt_id *object,
                   uint64_t number, const uint8_t block[GT_INDEX_ROOM]);

#endif
