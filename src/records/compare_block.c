/* compare_block.c: records in blocks, as both ends see them (compare.h).
 * Tests: u_compare.c. */
#include "compare.h"

#include <string.h>

static int count_streams(struct gt_node *n, const char *origin, int64_t most,
                         int64_t *out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_COMPARE_STREAMS, "ti",
	                                 origin, most + 1);
	int row = gt_store_step(n->store, GT_SQL_COMPARE_STREAMS);
	*out = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_COMPARE_STREAMS);
	return row < 0 ? row : 0;
}

/* False: it is not what was written. */
static bool name_of(sqlite3_stmt *st, uint8_t name[GT_NAME_BYTES])
{
	uint8_t form[GT_ID_BYTES];
	if (!gt_col_fixed(st, 1, name, GT_UUID_BYTES) ||
	    !gt_col_fixed(st, 2, form, sizeof form))
		return false;
	memcpy(name + GT_UUID_BYTES, form, GT_NAME_FORM);
	name[GT_NAME_BYTES - 1] = (uint8_t)gt_col_int(st, 3);
	return true;
}

int gt_compare_read(struct gt_node *n, const char *origin, int64_t first,
                    uint32_t count, uint32_t base, struct gt_named *v,
                    size_t cap, size_t *got, int64_t *streams, bool *all)
{
	int64_t known;
	int row, status = count_streams(n, origin, *streams, &known);
	*got = 0;
	*all = status == 0 && known <= *streams;
	*streams -= *all ? known : 0;
	if (!*all || known == 0)
		return status;
	sqlite3_stmt *st = gt_store_bind(
	        n->store, GT_SQL_COMPARE_ROWS, "tiii", origin, first,
	        first + (int64_t)count * GT_BLOCK_SEQS - 1, (int64_t)cap + 1);
	while ((row = gt_store_step(n->store, GT_SQL_COMPARE_ROWS)) == 1) {
		*all = *got < cap;
		if (!*all)
			break;
		v[*got].seq = gt_col_int(st, 4);
		v[*got].block = base + (uint32_t)((gt_col_int(st, 0) - first) /
		                                  GT_BLOCK_SEQS);
		*got += name_of(st, v[*got].name);
	}
	gt_store_reset(n->store, GT_SQL_COMPARE_ROWS);
	return row < 0 ? row : 0;
}

void gt_compare_mark(uint8_t mark[GT_BLOCK_MARK], const struct gt_named *v,
                     size_t k)
{
	uint8_t names[4 * GT_BLOCK_SEQS * GT_NAME_BYTES];
	const size_t most = sizeof names / GT_NAME_BYTES;
	struct gt_id hash = {{0}};
	memset(mark, 0, GT_BLOCK_MARK);
	/* one upon the other, where there are more than fit in */
	for (size_t at = 0; at < k; at += most) {
		size_t some = k - at < most ? k - at : most;
		for (size_t i = 0; i < some; i++)
			memcpy(names + i * GT_NAME_BYTES, v[at + i].name,
			       GT_NAME_BYTES);
		struct gt_bytes parts[2] = {
		        gt_bytes_of(hash.b, sizeof hash.b),
		        gt_bytes_of(names, some * GT_NAME_BYTES)};
		gt_sha256(&hash, parts, 2);
	}
	memcpy(mark, hash.b, k > 0 ? GT_BLOCK_MARK : 0);
}

size_t gt_compare_rows(const struct gt_named *v, size_t n, size_t *at,
                       uint32_t block)
{
	while (*at < n && v[*at].block < block)
		++*at;
	size_t end = *at;
	while (end < n && v[end].block == block)
		end++;
	return end - *at;
}
