#include "rules.h"

#include <string.h>

#include "object.h"
#include "pb.h"
#include "tar.h"

void gt_rules_init(struct gt_rules *r, char *why, size_t why_cap)
{
	assert(why_cap > 0);
	why[0] = '\0';
	r->why = why;
	r->why_cap = why_cap;
	r->at = r->total = 0;
	gt_order_init(&r->order);
}

int gt_rules_refuse(struct gt_rules *r, int status, const char *what)
{
	gt_format(r->why, r->why_cap, "%s", what);
	return status;
}

int gt_rules_refuse_frame(struct gt_rules *r, int status, uint32_t frame,
                          const char *what)
{
	gt_format(r->why, r->why_cap, "frame %u: %s", (unsigned)frame, what);
	return status;
}

static int refuse_member(struct gt_rules *r, int status, const char *p,
                         size_t n, const char *what)
{
	char shown[GT_PATH_SHOWN];
	gt_format(r->why, r->why_cap, "member %s: %s",
	          gt_path_show(shown, p, n), what);
	return status;
}

/* ----------------------------------------------------------- frames */

int gt_rules_stored(struct gt_rules *r, uint32_t frame, uint64_t size)
{
	if (size > 0 && size <= GT_FRAME_STORED_MAX)
		return 0;
	return gt_rules_refuse_frame(r, -GT_EINVALID, frame,
	                             "its stored size is 0 or over the limit");
}

int gt_rules_plain(struct gt_rules *r, uint32_t frame, uint64_t size)
{
	if (size > 0 && size <= GT_FRAME_PLAIN_MAX)
		return 0;
	return gt_rules_refuse_frame(r, -GT_EINVALID, frame,
	                             "its plain size is 0 or over the limit");
}

/* Runs and large members take turns; each makes at most one frame below the
 * minimum, and each large member is at least one minimum long. Without this a
 * peer could make a gigabyte cost two million requests. */
int gt_rules_frames(struct gt_rules *r, uint32_t nframes, uint64_t total)
{
	r->total = total;
	if (nframes > 3 * (total / GT_FRAME_PLAIN_MIN) + 2)
		return gt_rules_refuse(r, -GT_ELIMIT,
		                       "more frames than its size needs");
	return 0;
}

/* ------------------------------------------------------------ files */

int gt_rules_decode(struct gt_rules *r, uint32_t i, struct gt_bytes encoded,
                    struct gt_encoded_file *out)
{
	struct gt_pb in = {encoded.p, encoded.p + encoded.n};
	*out = (struct gt_encoded_file){0};
	if (!gt_pb_tag(&in, 1, GT_PB_BYTES) || !gt_pb_bytes(&in, &out->path)) {
		gt_format(r->why, r->why_cap, "member %u: it has no path",
		          (unsigned)i);
		return -GT_EMALFORMED;
	}
	const char *path = (const char *)out->path.p;
	const char *fault = gt_path_refusal(path, out->path.n);
	if (fault)
		return refuse_member(r, -GT_EINVALID, path, out->path.n, fault);
	/* 0 is a field's default and is not written */
	bool fine = gt_pb_tag(&in, 2, GT_PB_VARINT) &&
	            gt_pb_varint(&in, &out->offset);
	if (fine && gt_pb_tag(&in, 3, GT_PB_VARINT))
		fine = gt_pb_varint(&in, &out->size) && out->size > 0;
	fine = fine && gt_pb_tag(&in, 4, GT_PB_BYTES) &&
	       gt_pb_bytes(&in, &out->type) && in.p == in.end;
	if (!fine)
		return refuse_member(r, -GT_EMALFORMED, path, out->path.n,
		                     "malformed");
	if (!gt_media_type_valid((const char *)out->type.p, out->type.n))
		return refuse_member(r, -GT_EINVALID, path, out->path.n,
		                     "the media type is not one");
	return 0;
}

int gt_rules_file(struct gt_rules *r, const char *path, uint64_t offset,
                  uint64_t size)
{
	uint8_t head[GT_TAR_HEAD_MAX];
	const char *wrong = gt_order_next(&r->order, path);
	r->at += gt_tar_head(head, path, size);
	if (!wrong && offset != r->at)
		wrong = "it is not where it must start";
	/* so that no sum here can pass 2^64 */
	if (!wrong && size > r->total)
		wrong = "it is larger than all frames";
	if (wrong)
		return refuse_member(r, -GT_EINVALID, path, strlen(path),
		                     wrong);
	r->at += size + gt_tar_padding(size);
	return 0;
}

int gt_rules_end(struct gt_rules *r)
{
	if (r->at + GT_TAR_END == r->total)
		return 0;
	return gt_rules_refuse(r, -GT_EINVALID,
	                       "the frames do not add up to the files");
}
