#include "index.h"

#include <string.h>

#include "index_inside.h"
#include "tail.h"

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)gt_get32(p) << 32 | gt_get32(p + 4);
}

void gt_index_seal(uint8_t out[GT_INDEX_SEAL], const struct gt_id *object,
                   uint64_t number, const uint8_t block[GT_INDEX_ROOM])
{
	uint8_t place[8];
	struct gt_id sum;
	gt_put64(place, number);
	const struct gt_bytes parts[] = {{object->b, GT_ID_BYTES},
	                                 {place, sizeof place},
	                                 {block, GT_INDEX_ROOM}};
	gt_sha256(&sum, parts, sizeof parts / sizeof *parts);
	memcpy(out, sum.b, GT_INDEX_SEAL);
}

static int load(const struct gt_index *ix, uint64_t number,
                uint8_t out[GT_INDEX_BLOCK])
{
	uint8_t seal[GT_INDEX_SEAL];
	int status =
	        ix->read(ix->arg, number * GT_INDEX_BLOCK, out, GT_INDEX_BLOCK);
	if (status != 0)
		return status;
	gt_index_seal(seal, &ix->object, number, out);
	return memcmp(seal, out + GT_INDEX_ROOM, GT_INDEX_SEAL) == 0
	               ? 0
	               : -GT_EDAMAGED;
}

/* --------------------------------------------------------------- open */

/* The counts belong to one another, and to the size. */
static bool adds_up(const struct gt_index *ix, uint64_t blocks)
{
	uint64_t rows =
	        ix->nframes / GT_INDEX_ROWS + (ix->nframes % GT_INDEX_ROWS > 0);
	return ix->nframes > 0 && ix->nfiles > 0 && rows == ix->frame_blocks &&
	       ix->file_blocks > 0 &&
	       (uint64_t)ix->frame_blocks + ix->file_blocks + 1 == blocks;
}

int gt_index_open(struct gt_index *ix, const struct gt_id *object,
                  uint64_t size, gt_bytes_at *read, void *arg)
{
	uint8_t p[GT_INDEX_BLOCK];
	*ix = (struct gt_index){.object = *object, .read = read, .arg = arg};
	if (size == 0 || size % GT_INDEX_BLOCK != 0)
		return -GT_EDAMAGED;
	int status = load(ix, size / GT_INDEX_BLOCK - 1, p);
	if (status != 0)
		return status;
	ix->nframes = gt_get32(p + 8);
	ix->nfiles = gt_get32(p + 12);
	ix->frame_blocks = gt_get32(p + 16);
	ix->file_blocks = gt_get32(p + 20);
	ix->plain = get64(p + 24);
	ix->stored = get64(p + 32);
	ix->file_size = ix->stored + gt_manifest_tail_size(ix->nframes);
	return memcmp(p, GT_INDEX_MAGIC, 8) == 0 &&
	                       adds_up(ix, size / GT_INDEX_BLOCK)
	               ? 0
	               : -GT_EDAMAGED;
}

/* ------------------------------------------------------------- frames */

/* One row. What a seal vouches for is as it was made; what nobody made must do
 * no harm either. */
static int row(const uint8_t *p, uint32_t number, struct gt_index_frame *out)
{
	*out = (struct gt_index_frame){.number = number};
	memcpy(out->id.b, p, GT_ID_BYTES);
	p += GT_ID_BYTES;
	out->stored_at = get64(p);
	out->plain_at = get64(p + 8);
	out->stored = gt_get32(p + 16);
	out->plain = gt_get32(p + 20);
	return out->stored > 0 && out->stored <= GT_FRAME_STORED_MAX &&
	                       out->plain > 0 &&
	                       out->plain <= GT_FRAME_PLAIN_MAX
	               ? 0
	               : -GT_EDAMAGED;
}

int gt_index_frame(const struct gt_index *ix, uint32_t number,
                   struct gt_index_frame *out)
{
	uint8_t p[GT_INDEX_BLOCK];
	if (number >= ix->nframes)
		return -GT_EUNKNOWN;
	int status = load(ix, number / GT_INDEX_ROWS, p);
	if (status != 0)
		return status;
	return row(p + (size_t)(number % GT_INDEX_ROWS) * GT_INDEX_ROW, number,
	           out);
}

enum { STORED_AT = GT_ID_BYTES, PLAIN_AT = GT_ID_BYTES + 8 };

/* The last row among n whose number at `column` is not above at. The first is
 * not. */
static uint32_t last_row(const uint8_t *p, uint32_t n, size_t column,
                         uint64_t at)
{
	uint32_t low = 0, high = n;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if (get64(p + (size_t)mid * GT_INDEX_ROW + column) <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static int frame_at(const struct gt_index *ix, size_t column, uint64_t at,
                    struct gt_index_frame *out)
{
	uint8_t p[GT_INDEX_BLOCK];
	uint32_t low = 0, high = ix->frame_blocks;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		int status = load(ix, mid, p);
		if (status != 0)
			return status;
		if (get64(p + column) <= at)
			low = mid;
		else
			high = mid;
	}
	int status = load(ix, low, p);
	if (status != 0)
		return status;
	uint32_t first = low * GT_INDEX_ROWS;
	uint32_t n = ix->nframes - first;
	uint32_t i =
	        last_row(p, n < GT_INDEX_ROWS ? n : GT_INDEX_ROWS, column, at);
	return row(p + (size_t)i * GT_INDEX_ROW, first + i, out);
}

int gt_index_plain_at(const struct gt_index *ix, uint64_t at,
                      struct gt_index_frame *out)
{
	if (at >= ix->plain)
		return -GT_EUNKNOWN;
	int status = frame_at(ix, PLAIN_AT, at, out);
	bool in = status == 0 && at >= out->plain_at &&
	          at - out->plain_at < out->plain;
	return status ? status : in ? 0 : -GT_EDAMAGED;
}

int gt_index_stored_at(const struct gt_index *ix, uint64_t at,
                       struct gt_index_frame *out)
{
	if (at >= ix->stored)
		return -GT_EUNKNOWN;
	int status = frame_at(ix, STORED_AT, at, out);
	bool in = status == 0 && at >= out->stored_at &&
	          at - out->stored_at < out->stored;
	return status ? status : in ? 0 : -GT_EDAMAGED;
}

/* --------------------------------------------------------------- tail */

/* The part of the table that begins at or before at, its place in *from and its
 * length in *n: the head, a block of entries, the foot. */
static int tail_part(const struct gt_index *ix, uint64_t at,
                     uint8_t out[GT_INDEX_BLOCK], uint64_t *from, size_t *n)
{
	uint8_t p[GT_INDEX_BLOCK];
	uint64_t foot = GT_TAIL_HEAD + (uint64_t)ix->nframes * GT_TAIL_ENTRY;
	*from = at < GT_TAIL_HEAD ? 0 : foot;
	*n = at < GT_TAIL_HEAD ? GT_TAIL_HEAD : GT_TAIL_FOOT;
	if (at < GT_TAIL_HEAD)
		gt_tail_head(out, ix->nframes);
	else if (at >= foot)
		gt_tail_foot(out, ix->nframes);
	if (at < GT_TAIL_HEAD || at >= foot)
		return 0;
	uint32_t block =
	        (uint32_t)((at - GT_TAIL_HEAD) / GT_TAIL_ENTRY) / GT_INDEX_ROWS;
	uint32_t first = block * GT_INDEX_ROWS, left = ix->nframes - first;
	int status = load(ix, block, p);
	*n = 0;
	for (uint32_t i = 0; status == 0 && i < left && i < GT_INDEX_ROWS;
	     i++, *n += GT_TAIL_ENTRY) {
		struct gt_index_frame f;
		status = row(p + (size_t)i * GT_INDEX_ROW, first + i, &f);
		gt_tail_entry(out + *n, f.stored, f.plain);
	}
	*from = GT_TAIL_HEAD + (uint64_t)first * GT_TAIL_ENTRY;
	return status;
}

int gt_index_tail(const struct gt_index *ix, uint64_t at, uint8_t *out,
                  size_t n, size_t *got)
{
	uint8_t part[GT_INDEX_BLOCK];
	uint64_t end = gt_manifest_tail_size(ix->nframes), from;
	size_t have;
	for (*got = 0; *got < n && at < end;) {
		int status = tail_part(ix, at, part, &from, &have);
		if (status != 0)
			return status;
		size_t skip = (size_t)(at - from), take = have - skip;
		if (take > n - *got)
			take = n - *got;
		memcpy(out + *got, part + skip, take);
		*got += take;
		at += take;
	}
	return 0;
}

/* ------------------------------------------------------------- members */

static int load_members(struct gt_index_cursor *c, uint32_t block)
{
	int status =
	        load(c->ix, (uint64_t)c->ix->frame_blocks + block, c->bytes);
	c->block = block;
	c->left = status == 0 ? gt_get32(c->bytes) : 0;
	c->number = gt_get32(c->bytes + 4);
	c->at = GT_INDEX_HEAD;
	return status == 0 && c->left == 0 ? -GT_EDAMAGED : status;
}

/* The member at c->at, and where the next one is. */
static int read_member(const struct gt_index_cursor *c, struct gt_member *out,
                       size_t *next)
{
	const uint8_t *p = c->bytes + c->at;
	if (c->at + GT_INDEX_MEMBER > GT_INDEX_ROOM)
		return -GT_EDAMAGED;
	size_t path_n = (size_t)p[0] << 8 | p[1], type_n = p[2];
	size_t end = c->at + GT_INDEX_MEMBER + path_n + 1 + type_n + 1;
	const uint8_t *path = p + GT_INDEX_MEMBER, *type = path + path_n + 1;
	if (end > GT_INDEX_ROOM || path_n > GT_PATH_MAX ||
	    type_n > GT_MEDIA_TYPE_MAX || path[path_n] || type[type_n])
		return -GT_EDAMAGED;
	*out = (struct gt_member){c->number,
	                          {(const char *)path, (const char *)type,
	                           get64(p + 3), get64(p + 11)}};
	*next = end;
	return out->file.offset <= c->ix->plain &&
	                       out->file.size <= c->ix->plain - out->file.offset
	               ? 0
	               : -GT_EDAMAGED;
}

int gt_index_next(struct gt_index_cursor *c, struct gt_member *out)
{
	size_t next;
	int status = 0;
	if (c->left == 0 && c->block + 1 >= c->ix->file_blocks)
		return -GT_EUNKNOWN;
	if (c->left == 0)
		status = load_members(c, c->block + 1);
	if (status == 0)
		status = read_member(c, out, &next);
	if (status != 0)
		return status;
	c->at = next;
	c->number++;
	c->left--;
	return 0;
}

/* The block to look in: the last that does not begin after path. */
static int seek_block(struct gt_index_cursor *c, const char *path)
{
	uint32_t low = 0, high = c->ix->file_blocks;
	struct gt_member first;
	size_t next;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		int status = load_members(c, mid);
		if (status == 0)
			status = read_member(c, &first, &next);
		if (status != 0)
			return status;
		if (strcmp(first.file.path, path) <= 0)
			low = mid;
		else
			high = mid;
	}
	return load_members(c, low);
}

int gt_index_seek(struct gt_index_cursor *c, const struct gt_index *ix,
                  const char *path)
{
	struct gt_member m;
	size_t next;
	c->ix = ix;
	int status = seek_block(c, path);
	while (status == 0 && c->left > 0) {
		status = read_member(c, &m, &next);
		if (status != 0 || strcmp(m.file.path, path) >= 0)
			break;
		c->at = next;
		c->number++;
		c->left--;
	}
	return status;
}

int gt_index_find(struct gt_index_cursor *c, const struct gt_index *ix,
                  const char *path, struct gt_member *out)
{
	int status = gt_index_seek(c, ix, path);
	if (status == 0)
		status = gt_index_next(c, out);
	if (status == 0 && strcmp(out->file.path, path) != 0)
		status = -GT_EUNKNOWN;
	return status;
}
