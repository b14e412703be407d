/* attach.c: what records name by its sha2, and whether its bytes are here.
 *
 * Bytes are the daemon's, in files; here is only which there are. A row comes
 * with the first record that names it, whoever brings that; the bytes with the
 * statement, or later. What is new here needs its bytes: they come with it, or
 * lie somewhere else (fileUrl); what signs a statement comes with it. A record of a child's is taken without.
 * Tests: u_node_attach.c. */
#include "records_inside.h"

#include <string.h>

#include "attachment.h"
#include "schema.h"

/* The row of a digest. 1 with its number and state; 0: there is none. */
static int find(struct gt_node *n, const struct gt_sha2 *sha2, int64_t *aid,
                enum gt_attachment_state *state)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ATTACHMENT_GET, "b",
	                                 gt_sha2_bytes(sha2));
	int row = gt_store_step(n->store, GT_SQL_ATTACHMENT_GET);
	if (row == 1) {
		*aid = gt_col_int(st, 0);
		*state = (enum gt_attachment_state)gt_col_int(st, 1);
	}
	gt_store_reset(n->store, GT_SQL_ATTACHMENT_GET);
	return row;
}

static int name(struct gt_node *n, int64_t seq, const struct gt_sha2 *sha2)
{
	enum gt_attachment_state state;
	int64_t aid = 0;
	int status = find(n, sha2, &aid, &state);
	if (status == 0) {
		gt_store_bind(n->store, GT_SQL_ATTACHMENT_NEW, "bi",
		              gt_sha2_bytes(sha2), n->now.wall_ms);
		status = gt_store_run(n->store, GT_SQL_ATTACHMENT_NEW);
		aid = gt_store_rowid(n->store);
	}
	if (status < 0)
		return status;
	gt_store_bind(n->store, GT_SQL_ATTACHMENT_NAMED, "ii", aid, seq);
	return gt_store_run(n->store, GT_SQL_ATTACHMENT_NAMED);
}

int gt_attach_named(struct gt_node *n, int64_t seq, struct gt_bytes body)
{
	struct gt_attachments l = {0};
	int status = gt_attachments_add(&l, body);
	for (size_t i = 0; status == 0 && i < l.n; i++)
		status = name(n, seq, &l.v[i].sha2);
	gt_attachments_free(&l);
	return status;
}

static bool comes(const struct gt_event *e, const struct gt_sha2 *sha2)
{
	for (size_t i = 0; i < e->nbrought; i++)
		if (gt_sha2_eq(&e->brought[i].sha2, sha2))
			return true;
	return false;
}

int gt_attach_judge(const struct gt_event *e, const struct gt_statement *s,
                    const char *id, int *code, char why[256])
{
	struct gt_attachments l = {0};
	int status = gt_attachments_add(&l, s->body);
	for (size_t i = 0; status == 0 && *code == 0 && i < l.n; i++) {
		const struct gt_attachment *a = &l.v[i];
		if ((a->linked && !a->signs) || comes(e, &a->sha2))
			continue;
		*code = -GT_EINVALID;
		gt_format(why, 256,
		          "statement %s: %s: its bytes did not come with it: "
		          "send multipart/mixed, with a part "
		          "that has its sha2 as X-Experience-API-Hash",
		          id, a->path);
	}
	gt_attachments_free(&l);
	return status;
}

int gt_attach_brought(struct gt_node *n, const struct gt_event *e)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < e->nbrought; i++) {
		const struct gt_brought *b = &e->brought[i];
		gt_store_bind(n->store, GT_SQL_ATTACHMENT_HERE, "bii",
		              gt_sha2_bytes(&b->sha2), (int64_t)b->size,
		              n->now.wall_ms);
		status = gt_store_run(n->store, GT_SQL_ATTACHMENT_HERE);
		n->touched = true;
	}
	return status;
}

void gt_attach_admit(struct gt_node *n, const struct gt_event *e,
                     struct gt_refusal *out)
{
	char whom[128];
	uint64_t bytes = 0;
	*out = (struct gt_refusal){0};
	for (size_t i = 0; i < e->nbrought; i++)
		bytes += e->brought[i].size;
	if (bytes == 0 || !e->detail || n->config.attachments_hour == 0)
		return;
	/* beside what it hands in of records, which must not wait for it */
	gt_format(whom, sizeof whom, "attachments of %s", e->detail);
	out->retry_ms =
	        gt_share_take(n->shares, whom, n->config.attachments_hour,
	                      bytes, n->now.mono_ms);
	if (out->retry_ms == 0)
		return;
	out->code = -GT_EBUDGET;
	out->why = "these are more attachments than one may hand in per hour";
	n->status.records_over_share++;
}

int gt_records_attachment_lost(struct gt_node *n, const struct gt_event *e)
{
	char hex[GT_SHA2_HEX];
	struct gt_sha2 sha2;
	enum gt_attachment_state state;
	int64_t aid;
	if (!gt_sha2_of(&sha2, e->body.p, e->body.n))
		return 0;
	int row = find(n, &sha2, &aid, &state);
	if (row != 1 || state != GT_ATTACHMENT_HERE)
		return row < 0 ? row : 0;
	gt_store_bind(n->store, GT_SQL_ATTACHMENT_LOST, "bi", e->body,
	              n->now.wall_ms);
	int status = gt_store_run(n->store, GT_SQL_ATTACHMENT_LOST);
	gt_sha2_hex(hex, &sha2);
	n->touched = true;
	struct gt_audit audit = {.event = "damage",
	                         .kind = "attachment",
	                         .subject = hex,
	                         .result = e->status};
	if (status == 0)
		status = gt_audit_row(n, &audit);
	return status ? status
	              : gt_log(n, GT_LOG_WARN,
	                       "the attachment %s is lost here: %s", hex,
	                       gt_strerror(e->status));
}
