/* column.c: columns of a row (store.h).
 * Tests: u_store.c. */
#include <string.h>

#include "store.h"

int64_t gt_col_int(sqlite3_stmt *st, int col)
{
	return sqlite3_column_int64(st, col);
}

const char *gt_col_text(sqlite3_stmt *st, int col)
{
	const char *t = (const char *)sqlite3_column_text(st, col);
	return t ? t : "";
}

struct gt_bytes gt_col_bytes(sqlite3_stmt *st, int col)
{
	const uint8_t *p = sqlite3_column_blob(st, col);
	int n = sqlite3_column_bytes(st, col);
	return (struct gt_bytes){p, p ? (size_t)n : 0};
}

bool gt_col_fixed(sqlite3_stmt *st, int col, uint8_t *out, size_t n)
{
	struct gt_bytes b = gt_col_bytes(st, col);
	if (b.n != n) {
		memset(out, 0, n);
		return false;
	}
	memcpy(out, b.p, n);
	return true;
}
