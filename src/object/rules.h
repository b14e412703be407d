/* rules.h: what a manifest must keep, told of its parts as they come, so that
 * whoever has them in an array and whoever never has them all refuse the same.
 *
 * Tests: u_manifest.c, u_index.c, fuzz/f_manifest.c. */
#ifndef GT_RULES_H
#define GT_RULES_H

#include "order.h"

struct gt_rules {
	char *why; /* the last refusal, for people */
	size_t why_cap;
	uint64_t at, total; /* of the tar stream: so far, by the frames */
	struct gt_order order;
};

/* One encoded File, its texts lent. */
struct gt_encoded_file {
	struct gt_bytes path, type;
	uint64_t offset, size;
};

/* Before the first part. why gets what is refused, cut to fit; 300 bytes hold
 * any. */
void gt_rules_init(struct gt_rules *r, char *why, size_t why_cap);
/* Says what is wrong with the whole, or with a frame; returns status. */
int gt_rules_refuse(struct gt_rules *r, int status, const char *what);
int gt_rules_refuse_frame(struct gt_rules *r, int status, uint32_t frame,
                          const char *what);
/* A size of a frame as it was read. 0, -GT_EINVALID. */
int gt_rules_stored(struct gt_rules *r, uint32_t frame, uint64_t size);
int gt_rules_plain(struct gt_rules *r, uint32_t frame, uint64_t size);
/* All frames: so many, of so many plain bytes. 0, -GT_ELIMIT. */
int gt_rules_frames(struct gt_rules *r, uint32_t nframes, uint64_t total);
/* Takes the i-th File apart: its encoding, its path and its media type are
 * right. 0, -GT_EMALFORMED, -GT_EINVALID. */
int gt_rules_decode(struct gt_rules *r, uint32_t i, struct gt_bytes encoded,
                    struct gt_encoded_file *out);
/* The next file, in order, where it must lie; after gt_rules_frames. 0,
 * -GT_EINVALID. */
int gt_rules_file(struct gt_rules *r, const char *path, uint64_t offset,
                  uint64_t size);
/* After the last: the frames add up to the files. 0, -GT_EINVALID. */
int gt_rules_end(struct gt_rules *r);

#endif
