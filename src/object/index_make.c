/* index_make.c: an index, from a manifest that is never held.
 * Tests: u_index.c, fuzz/f_manifest.c. */
#include <stdlib.h>
#include <string.h>

#include "index_inside.h"
#include "pb.h"
#include "rules.h"

/* ---------------------------------------------- a manifest in pieces */

/* A part of it, read from its front. */
struct part {
	gt_bytes_at *read;
	void *arg;
	uint64_t at, end;
	uint64_t held_at; /* what is in held */
	size_t held_n;
	int status; /* read's, if it failed */
	uint8_t held[4096];
};

static void part_init(struct part *s, gt_bytes_at *read, void *arg, uint64_t at,
                      uint64_t n)
{
	s->read = read;
	s->arg = arg;
	s->at = s->held_at = at;
	s->end = at + n;
	s->held_n = 0;
	s->status = 0;
}

/* The next n bytes, without taking them; fewer at the end, none after a
 * failure. At most what is held at once. */
static struct gt_bytes peek(struct part *s, size_t n)
{
	assert(n <= sizeof s->held);
	if (n > s->end - s->at)
		n = (size_t)(s->end - s->at);
	if (s->status == 0 && s->at + n > s->held_at + s->held_n) {
		uint64_t left = s->end - s->at;
		s->held_at = s->at;
		s->held_n =
		        left < sizeof s->held ? (size_t)left : sizeof s->held;
		s->status = s->read(s->arg, s->at, s->held, s->held_n);
	}
	if (s->status != 0)
		return (struct gt_bytes){0};
	return gt_bytes_of(s->held + (s->at - s->held_at), n);
}

static bool varint(struct part *s, uint64_t *v)
{
	struct gt_bytes b = peek(s, GT_PB_VARINT_MAX);
	struct gt_pb in = {b.p, b.p + b.n};
	if (!gt_pb_varint(&in, v))
		return false;
	s->at += (uint64_t)(in.p - b.p);
	return true;
}

static bool tag(struct part *s, unsigned number, unsigned type)
{
	struct gt_bytes b = peek(s, 1);
	struct gt_pb in = {b.p, b.p + b.n};
	if (!gt_pb_tag(&in, number, type))
		return false;
	s->at++;
	return true;
}

/* A field of bytes as a part of its own. */
static bool field(struct part *s, unsigned number, struct part *out)
{
	uint64_t n;
	if (!tag(s, number, GT_PB_BYTES) || !varint(s, &n) ||
	    n > s->end - s->at)
		return false;
	part_init(out, s->read, s->arg, s->at, n);
	s->at += n;
	return true;
}

/* --------------------------------------------------- an index, growing */

struct making {
	struct gt_rules rules;
	struct part whole, ids, stored, plain;
	struct gt_encoded_file file;
	char path[GT_PATH_MAX + 1];
	gt_index_put *put;
	void *arg;
	struct gt_index ix; /* counts so far */
	uint64_t blocks;
	size_t used; /* of block */
	uint8_t block[GT_INDEX_BLOCK];
};

static int flush(struct making *m)
{
	memset(m->block + m->used, 0, GT_INDEX_ROOM - m->used);
	gt_index_seal(m->block + GT_INDEX_ROOM, &m->ix.object, m->blocks++,
	              m->block);
	m->used = 0;
	return m->put(m->arg, m->block, sizeof m->block);
}

/* ----------------------------------------------------------- frames */

static int add_frame(struct making *m, const uint8_t *id, uint32_t stored,
                     uint32_t plain)
{
	uint8_t *p = m->block + m->used;
	memcpy(p, id, GT_ID_BYTES);
	p += GT_ID_BYTES;
	gt_put64(p, m->ix.stored);
	gt_put64(p + 8, m->ix.plain);
	gt_put32(p + 16, stored);
	gt_put32(p + 20, plain);
	m->used += GT_INDEX_ROW;
	m->ix.stored += stored;
	m->ix.plain += plain;
	return m->used + GT_INDEX_ROW > GT_INDEX_ROOM ? flush(m) : 0;
}

static int size_missing(struct making *m, const struct part *s, uint32_t i)
{
	if (s->status != 0)
		return s->status;
	return gt_rules_refuse_frame(&m->rules, -GT_EMALFORMED, i,
	                             "its size is missing");
}

static int make_frame(struct making *m, uint32_t i)
{
	uint64_t stored, plain;
	if (!varint(&m->stored, &stored))
		return size_missing(m, &m->stored, i);
	if (!varint(&m->plain, &plain))
		return size_missing(m, &m->plain, i);
	int status = gt_rules_stored(&m->rules, i, stored);
	if (status == 0)
		status = gt_rules_plain(&m->rules, i, plain);
	struct gt_bytes id = peek(&m->ids, GT_ID_BYTES);
	if (status == 0)
		status = m->ids.status;
	if (status != 0)
		return status;
	m->ids.at += id.n;
	return add_frame(m, id.p, (uint32_t)stored, (uint32_t)plain);
}

static int make_frames(struct making *m)
{
	uint64_t ids = m->ids.end - m->ids.at;
	int status = 0;
	if (ids == 0 || ids % GT_ID_BYTES != 0)
		return gt_rules_refuse(&m->rules, -GT_EMALFORMED,
		                       "the frame ids are not 32 bytes each");
	m->ix.nframes = (uint32_t)(ids / GT_ID_BYTES);
	for (uint32_t i = 0; status == 0 && i < m->ix.nframes; i++)
		status = make_frame(m, i);
	if (status == 0 &&
	    (m->stored.at < m->stored.end || m->plain.at < m->plain.end))
		return gt_rules_refuse(&m->rules, -GT_EMALFORMED,
		                       "more frame sizes than frames");
	if (status == 0 && m->used > 0)
		status = flush(m);
	m->ix.frame_blocks = (uint32_t)m->blocks;
	if (status != 0)
		return status;
	return gt_rules_frames(&m->rules, m->ix.nframes, m->ix.plain);
}

/* ---------------------------------------------------------- members */

static int add_file(struct making *m)
{
	const struct gt_encoded_file *f = &m->file;
	size_t n = GT_INDEX_MEMBER + f->path.n + 1 + f->type.n + 1;
	int status = 0;
	if (m->used + n > GT_INDEX_ROOM)
		status = flush(m);
	if (status != 0)
		return status;
	if (m->used == 0) {
		gt_put32(m->block, 0);
		gt_put32(m->block + 4, m->ix.nfiles);
		m->used = GT_INDEX_HEAD;
	}
	uint8_t *p = m->block + m->used;
	p[0] = (uint8_t)(f->path.n >> 8);
	p[1] = (uint8_t)f->path.n;
	p[2] = (uint8_t)f->type.n;
	gt_put64(p + 3, f->offset);
	gt_put64(p + 11, f->size);
	p += GT_INDEX_MEMBER;
	memcpy(p, f->path.p, f->path.n);
	p += f->path.n;
	*p++ = '\0';
	memcpy(p, f->type.p, f->type.n);
	p[f->type.n] = '\0';
	gt_put32(m->block, gt_get32(m->block) + 1);
	m->used += n;
	m->ix.nfiles++;
	return 0;
}

static int make_file(struct making *m)
{
	struct part *s = &m->whole;
	uint64_t n = 0;
	if (m->ix.nfiles == GT_FILES_MAX)
		return gt_rules_refuse(&m->rules, -GT_ELIMIT, "too many files");
	/* no File that may be is longer than what is held at once */
	bool fine = tag(s, 5, GT_PB_BYTES) && varint(s, &n) &&
	            n <= s->end - s->at && n <= sizeof s->held;
	struct gt_bytes encoded = peek(s, fine ? (size_t)n : 0);
	if (s->status != 0)
		return s->status;
	if (!fine)
		return gt_rules_refuse(&m->rules, -GT_EMALFORMED,
		                       "the list of files is malformed");
	int status =
	        gt_rules_decode(&m->rules, m->ix.nfiles, encoded, &m->file);
	if (status != 0)
		return status;
	memcpy(m->path, m->file.path.p, m->file.path.n);
	m->path[m->file.path.n] = '\0';
	status =
	        gt_rules_file(&m->rules, m->path, m->file.offset, m->file.size);
	if (status == 0)
		status = add_file(m);
	s->at += n;
	return status;
}

static int make_files(struct making *m)
{
	int status = 0;
	while (status == 0 && m->whole.at < m->whole.end)
		status = make_file(m);
	if (status == 0 && m->ix.nfiles == 0)
		return gt_rules_refuse(&m->rules, -GT_EINVALID, "no files");
	if (status == 0)
		status = gt_rules_end(&m->rules);
	if (status == 0)
		status = flush(m);
	m->ix.file_blocks = (uint32_t)m->blocks - m->ix.frame_blocks;
	return status;
}

/* ------------------------------------------------------------ whole */

static int make_foot(struct making *m)
{
	uint8_t *p = m->block;
	memcpy(p, GT_INDEX_MAGIC, 8);
	gt_put32(p + 8, m->ix.nframes);
	gt_put32(p + 12, m->ix.nfiles);
	gt_put32(p + 16, m->ix.frame_blocks);
	gt_put32(p + 20, m->ix.file_blocks);
	gt_put64(p + 24, m->ix.plain);
	gt_put64(p + 32, m->ix.stored);
	m->used = GT_INDEX_FOOT;
	return flush(m);
}

static int open_parts(struct making *m)
{
	struct part *s = &m->whole;
	uint64_t format = 0;
	bool is = tag(s, 1, GT_PB_VARINT) && varint(s, &format);
	bool fine = is && format == 1 && field(s, 2, &m->ids) &&
	            field(s, 3, &m->stored) && field(s, 4, &m->plain);
	if (s->status != 0)
		return s->status;
	if (!is)
		return gt_rules_refuse(&m->rules, -GT_EMALFORMED,
		                       "not a manifest");
	if (format != 1)
		return gt_rules_refuse(&m->rules, -GT_EINVALID,
		                       "unknown manifest format");
	if (!fine)
		return gt_rules_refuse(&m->rules, -GT_EMALFORMED,
		                       "the list of frames is malformed");
	return 0;
}

static int make(struct making *m, uint64_t n)
{
	struct gt_id id;
	if (n > GT_MANIFEST_MAX)
		return gt_rules_refuse(&m->rules, -GT_ELIMIT,
		                       "the manifest is too large");
	int status = gt_sha256_at(&id, n, m->whole.read, m->whole.arg);
	if (status != 0)
		return status;
	if (!gt_id_eq(&id, &m->ix.object))
		return gt_rules_refuse(&m->rules, -GT_EDAMAGED,
		                       "the manifest's hash is not the "
		                       "object id");
	status = open_parts(m);
	if (status == 0)
		status = make_frames(m);
	if (status == 0)
		status = make_files(m);
	return status ? status : make_foot(m);
}

int gt_index_make(const struct gt_id *object, uint64_t n, gt_bytes_at *read,
                  void *read_arg, gt_index_put *put, void *put_arg, char *why,
                  size_t why_cap)
{
	struct making *m = malloc(sizeof *m);
	if (!m) {
		gt_copy(why, why_cap, gt_strerror(-GT_ENOMEM));
		return -GT_ENOMEM;
	}
	gt_rules_init(&m->rules, why, why_cap);
	part_init(&m->whole, read, read_arg, 0, n);
	m->put = put;
	m->arg = put_arg;
	m->ix = (struct gt_index){.object = *object};
	m->blocks = 0;
	m->used = 0;
	int status = make(m, n);
	if (status != 0 && why[0] == '\0')
		gt_copy(why, why_cap, gt_strerror(status));
	free(m);
	return status;
}
