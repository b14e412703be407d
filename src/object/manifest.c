/* manifest.c: from hostile bytes to arrays that may be trusted. */
#include "object.h"

#include <stdlib.h>
#include <string.h>

#include "pb.h"
#include "rules.h"
#include "tail.h"

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

/* ----------------------------------------------------------- decode */

/* Where the parts lie in the encoded bytes. */
struct parts {
	struct gt_bytes ids, stored, plain;
	struct gt_pb files; /* the rest, from the first File's tag on */
	uint32_t nfiles;
};

static int find_parts(struct gt_bytes bytes, struct parts *out,
                      struct gt_rules *r)
{
	struct gt_pb in = {bytes.p, bytes.p + bytes.n};
	uint64_t format;
	if (!gt_pb_tag(&in, 1, GT_PB_VARINT) || !gt_pb_varint(&in, &format))
		return gt_rules_refuse(r, -GT_EMALFORMED, "not a manifest");
	if (format != 1)
		return gt_rules_refuse(r, -GT_EINVALID,
		                       "unknown manifest format");
	if (!gt_pb_tag(&in, 2, GT_PB_BYTES) || !gt_pb_bytes(&in, &out->ids) ||
	    !gt_pb_tag(&in, 3, GT_PB_BYTES) ||
	    !gt_pb_bytes(&in, &out->stored) ||
	    !gt_pb_tag(&in, 4, GT_PB_BYTES) || !gt_pb_bytes(&in, &out->plain))
		return gt_rules_refuse(r, -GT_EMALFORMED,
		                       "the list of frames is malformed");
	out->files = in;
	for (out->nfiles = 0; in.p < in.end; out->nfiles++) {
		struct gt_bytes file;
		if (out->nfiles == GT_FILES_MAX)
			return gt_rules_refuse(r, -GT_ELIMIT, "too many files");
		if (!gt_pb_tag(&in, 5, GT_PB_BYTES) || !gt_pb_bytes(&in, &file))
			return gt_rules_refuse(
			        r, -GT_EMALFORMED,
			        "the list of files is malformed");
	}
	if (out->nfiles == 0)
		return gt_rules_refuse(r, -GT_EINVALID, "no files");
	return 0;
}

typedef int size_rule(struct gt_rules *r, uint32_t frame, uint64_t size);

static int read_sizes(struct gt_bytes packed, uint32_t *out, uint32_t n,
                      size_rule *rule, struct gt_rules *r)
{
	struct gt_pb in = {packed.p, packed.p + packed.n};
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v;
		if (!gt_pb_varint(&in, &v))
			return gt_rules_refuse_frame(r, -GT_EMALFORMED, i,
			                             "its size is missing");
		int status = rule(r, i, v);
		if (status != 0)
			return status;
		out[i] = (uint32_t)v;
	}
	if (in.p < in.end)
		return gt_rules_refuse(r, -GT_EMALFORMED,
		                       "more frame sizes than frames");
	return 0;
}

static int read_frames(struct box *b, const struct parts *parts,
                       struct gt_rules *r)
{
	uint32_t n = b->m.nframes;
	int status;
	memcpy(b->ids, parts->ids.p, parts->ids.n);
	status = read_sizes(parts->stored, b->stored, n, gt_rules_stored, r);
	if (!status)
		status = read_sizes(parts->plain, b->plain, n, gt_rules_plain,
		                    r);
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
                     struct gt_rules *r)
{
	struct gt_encoded_file file;
	int status = gt_rules_decode(r, i, encoded, &file);
	if (status != 0)
		return status;
	b->files[i] = (struct gt_file){keep(b, file.path), keep(b, file.type),
	                               file.offset, file.size};
	return 0;
}

static int check_files(const struct box *b, struct gt_rules *r)
{
	int status = 0;
	for (uint32_t i = 0; status == 0 && i < b->m.nfiles; i++) {
		const struct gt_file *f = &b->files[i];
		status = gt_rules_file(r, f->path, f->offset, f->size);
	}
	return status ? status : gt_rules_end(r);
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

void gt_manifest_shed(struct gt_manifest *m)
{
	struct box *b = (struct box *)(void *)m;
	free(b->files);
	free(b->text);
	b->files = NULL;
	b->text = NULL;
	b->m.files = NULL;
	b->m.nfiles = 0;
}

static int fill(struct box *b, const struct parts *parts, struct gt_rules *r)
{
	struct gt_pb in = parts->files;
	int status = read_frames(b, parts, r);
	for (uint32_t i = 0; !status && i < parts->nfiles; i++) {
		struct gt_bytes file = {NULL, 0};
		/* find_parts has walked here before */
		bool fine = gt_pb_tag(&in, 5, GT_PB_BYTES) &&
		            gt_pb_bytes(&in, &file);
		assert(fine);
		status = read_file(b, i, file, r);
	}
	if (!status)
		status = gt_rules_frames(r, b->m.nframes,
		                         b->plain_at[b->m.nframes]);
	return status ? status : check_files(b, r);
}

int gt_manifest_new(struct gt_manifest **out, struct gt_bytes bytes, char *why,
                    size_t why_cap)
{
	struct gt_rules r;
	struct parts parts;
	int status;
	gt_rules_init(&r, why, why_cap);
	*out = NULL;
	if (bytes.n > GT_MANIFEST_MAX)
		return gt_rules_refuse(&r, -GT_ELIMIT,
		                       "the manifest is too large");
	if (bytes.n == 0)
		return gt_rules_refuse(&r, -GT_EMALFORMED, "not a manifest");
	status = find_parts(bytes, &parts, &r);
	if (status)
		return status;
	if (parts.ids.n == 0 || parts.ids.n % GT_ID_BYTES != 0)
		return gt_rules_refuse(&r, -GT_EMALFORMED,
		                       "the frame ids are not 32 bytes each");
	struct box *b =
	        box_new(parts.ids.n / GT_ID_BYTES, parts.nfiles, bytes.n);
	if (!b)
		return gt_rules_refuse(&r, -GT_ENOMEM, gt_strerror(-GT_ENOMEM));
	status = fill(b, &parts, &r);
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

uint64_t gt_manifest_tail_size(uint32_t nframes)
{
	return GT_TAIL_HEAD + (uint64_t)nframes * GT_TAIL_ENTRY + GT_TAIL_FOOT;
}

void gt_manifest_tail(const struct gt_manifest *m, uint8_t *out)
{
	gt_tail_head(out, m->nframes);
	out += GT_TAIL_HEAD;
	for (uint32_t i = 0; i < m->nframes; i++, out += GT_TAIL_ENTRY)
		gt_tail_entry(out, m->stored[i], m->plain[i]);
	gt_tail_foot(out, m->nframes);
}
