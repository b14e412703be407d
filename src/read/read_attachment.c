/* read_attachment.c: which attachments are here, by their sha2 and one after
 * the other.
 * Tests: u_node_attach.c. */
#include "read_inside.h"
#include "schema.h"

int gt_read_attachment(struct gt_reader *r, const struct gt_sha2 *sha2,
                       bool *wanted, bool *here)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_ATTACHMENT);
	if (!s)
		return -GT_ESTORE;
	(void)sqlite3_bind_blob(s, 1, sha2->b, sha2->n, SQLITE_STATIC);
	int rc = sqlite3_step(s);
	int64_t state =
	        rc == SQLITE_ROW ? gt_col_int(s, 0) : GT_ATTACHMENT_AWAITED;
	*wanted = state != GT_ATTACHMENT_AWAITED;
	if (here)
		*here = state == GT_ATTACHMENT_HERE;
	return gt_reader_end(r, s, rc) ? 0 : -GT_ESTORE;
}

int gt_read_attachment_next(struct gt_reader *r, int64_t *aid,
                            struct gt_sha2 *sha2, uint64_t *size)
{
	sqlite3_stmt *s = gt_reader_query(r, GT_Q_ATTACHMENT_NEXT);
	if (!s)
		return -GT_ESTORE;
	(void)sqlite3_bind_int64(s, 1, *aid);
	int rc = sqlite3_step(s);
	*sha2 = (struct gt_sha2){0};
	if (rc == SQLITE_ROW) {
		struct gt_bytes b = gt_col_bytes(s, 1);
		*aid = gt_col_int(s, 0);
		(void)gt_sha2_of(sha2, b.p, b.n);
		*size = (uint64_t)gt_col_int(s, 2);
	}
	if (!gt_reader_end(r, s, rc))
		return -GT_ESTORE;
	return rc == SQLITE_ROW;
}
