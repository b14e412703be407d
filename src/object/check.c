/* check.c: is this file the object its manifest describes?
 *
 * The tar stream is gaps and members in turn: gap i lies before member i and
 * holds the padding of member i-1 and the header of member i; the last gap
 * holds padding and the end of the archive. Gaps follow from the manifest, so
 * they are written again and compared; members are proven by frame ids.
 * Tests: u_object.c, of whole files. */
#include "object.h"

#include <stdlib.h>
#include <string.h>

#include "tar.h"

enum { GAP_MAX = GT_TAR_BLOCK + GT_TAR_HEAD_MAX };

struct check {
	const struct gt_manifest *m;
	gt_bytes_at *read;
	void *arg;
	char *why;
	size_t why_cap;
	struct gt_inflater *z;
	uint8_t *stored, *plain; /* the largest frame fits */
	size_t stored_cap;
	uint32_t gap; /* first gap that ends after the frame begins */
};

static uint64_t gap_begin(const struct gt_manifest *m, uint32_t i)
{
	return i == 0 ? 0 : m->files[i - 1].offset + m->files[i - 1].size;
}

static uint64_t gap_end(const struct gt_manifest *m, uint32_t i)
{
	return i < m->nfiles ? m->files[i].offset : m->plain_at[m->nframes];
}

static size_t gap_bytes(const struct gt_manifest *m, uint32_t i,
                        uint8_t out[GAP_MAX])
{
	size_t n = i == 0 ? 0 : gt_tar_padding(m->files[i - 1].size);
	memset(out, 0, GT_TAR_BLOCK);
	if (i < m->nfiles)
		return n +
		       gt_tar_head(out + n, m->files[i].path, m->files[i].size);
	memset(out + n, 0, GT_TAR_END);
	return n + GT_TAR_END;
}

static int complain(struct check *c, int status, uint32_t frame,
                    uint32_t member, const char *what)
{
	char shown[GT_PATH_SHOWN];
	const char *path = c->m->files[member].path;
	gt_format(c->why, c->why_cap, "frame %u, member %s: %s",
	          (unsigned)frame, gt_path_show(shown, path, strlen(path)),
	          what);
	return status;
}

/* The member a frame begins in, or whose header it begins in. */
static uint32_t member_of(const struct check *c, uint32_t frame)
{
	if (gap_begin(c->m, c->gap) > c->m->plain_at[frame])
		return c->gap - 1;
	return c->gap < c->m->nfiles ? c->gap : c->m->nfiles - 1;
}

static int load(struct check *c, uint32_t frame)
{
	const struct gt_manifest *m = c->m;
	struct gt_bytes stored = {c->stored, m->stored[frame]};
	if (c->read(c->arg, m->stored_at[frame], c->stored, stored.n))
		return complain(c, -GT_EIO, frame, member_of(c, frame),
		                "it cannot be read");
	if (gt_frame_verify(m, frame, stored))
		return complain(c, -GT_EDAMAGED, frame, member_of(c, frame),
		                "its bytes differ from its hash");
	if (gt_frame_inflate(c->z, m, frame, stored, c->plain))
		return complain(c, -GT_EINVALID, frame, member_of(c, frame),
		                "it does not decompress to its size");
	return 0;
}

/* Compares every gap, as far as it lies in the loaded frame. */
static int compare(struct check *c, uint32_t frame)
{
	const struct gt_manifest *m = c->m;
	uint64_t begin = m->plain_at[frame], end = m->plain_at[frame + 1];
	uint8_t want[GAP_MAX];
	for (uint32_t i = c->gap; i <= m->nfiles; i++) {
		uint64_t from = gap_begin(m, i), to = gap_end(m, i);
		if (from >= end)
			break;
		size_t n = gap_bytes(m, i, want);
		assert(n == to - from);
		uint64_t a = from > begin ? from : begin;
		uint64_t b = to < end ? to : end;
		if (memcmp(c->plain + (a - begin), want + (a - from),
		           (size_t)(b - a)) != 0)
			return complain(c, -GT_EINVALID, frame,
			                i < m->nfiles ? i : m->nfiles - 1,
			                i < m->nfiles
			                        ? "its tar header is not "
			                          "what the manifest says"
			                        : "the end of the tar stream "
			                          "is not zeros");
	}
	return 0;
}

static int check_frames(struct check *c, bool all)
{
	const struct gt_manifest *m = c->m;
	for (uint32_t i = 0; i < m->nframes; i++) {
		while (gap_end(m, c->gap) <= m->plain_at[i])
			c->gap++;
		if (!all && gap_begin(m, c->gap) >= m->plain_at[i + 1])
			continue;
		int status = load(c, i);
		if (!status)
			status = compare(c, i);
		if (status)
			return status;
	}
	return 0;
}

static int check_tail(struct check *c)
{
	const struct gt_manifest *m = c->m;
	uint64_t at = m->stored_at[m->nframes];
	size_t n = (size_t)(m->file_size - at), piece;
	uint8_t *want = malloc(n);
	int status = want ? 0 : -GT_ENOMEM;
	if (want)
		gt_manifest_tail(m, want);
	for (size_t i = 0; !status && i < n; i += piece) {
		piece = n - i < c->stored_cap ? n - i : c->stored_cap;
		if (c->read(c->arg, at + i, c->stored, piece))
			status = -GT_EIO;
		else if (memcmp(c->stored, want + i, piece) != 0)
			status = -GT_EDAMAGED;
	}
	free(want);
	if (status)
		gt_format(c->why, c->why_cap, "the seek table: %s",
		          gt_strerror(status));
	return status;
}

/* An object of one short page is checked often: its buffers are no larger than
 * it needs, but for what is read at once of a seek table. */
static size_t largest(const uint32_t *sizes, uint32_t n)
{
	size_t most = 4096;
	for (uint32_t i = 0; i < n; i++)
		if (sizes[i] > most)
			most = sizes[i];
	return most;
}

int gt_object_check(const struct gt_manifest *m, bool all, gt_bytes_at *read,
                    void *arg, char *why, size_t why_cap)
{
	struct check c = {.m = m,
	                  .read = read,
	                  .arg = arg,
	                  .why = why,
	                  .why_cap = why_cap,
	                  .z = gt_inflater_new(),
	                  .stored_cap = largest(m->stored, m->nframes)};
	int status = -GT_ENOMEM;
	c.stored = malloc(c.stored_cap);
	c.plain = malloc(largest(m->plain, m->nframes));
	if (c.z && c.stored && c.plain)
		status = check_frames(&c, all);
	else
		gt_format(why, why_cap, "%s", gt_strerror(status));
	if (!status)
		status = check_tail(&c);
	gt_inflater_free(c.z);
	free(c.stored);
	free(c.plain);
	return status;
}
