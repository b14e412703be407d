/* epoch.c: the life of a database. Its code is given once; its epoch is made
 * anew when it, or what it forgot, comes back.
 * Tests: u_node_restore.c, u_lineage.c. */
#include "draw.h"
#include "node_inside.h"

#include <string.h>

/* A database belongs to one node for life. */
static int load_code(struct gt_node *n)
{
	struct gt_bytes code;
	int status = gt_meta_get_bytes(n->store, "code", n->arena, &code);
	if (status != 0)
		return status;
	if (code.n == 0)
		return gt_meta_put_bytes(n->store, "code",
		                         gt_bytes_str(n->code));
	if (gt_bytes_eq(code, gt_bytes_str(n->code)))
		return 0;
	gt_format(n->why, sizeof n->why,
	          "the database belongs to node %.*s, not %s", (int)code.n,
	          (const char *)code.p, n->code);
	return -GT_EIDENTITY;
}

int gt_epoch_load(struct gt_node *n)
{
	struct gt_bytes b;
	int status = load_code(n);
	if (status == 0)
		status = gt_meta_get_bytes(n->store, "epoch", n->arena, &b);
	if (status != 0)
		return status;
	if (b.n == sizeof n->epoch) {
		memcpy(n->epoch, b.p, b.n);
		return 0;
	}
	gt_draw(n, n->epoch, sizeof n->epoch);
	return gt_meta_put_bytes(n->store, "epoch",
	                         gt_bytes_of(n->epoch, sizeof n->epoch));
}

/* After a restore the neighbours may know records, changes and versions of this
 * node that it does not know itself. Under a new epoch they compare all of it
 * anew; an epoch that no parent has makes us ask ours to compare too; and what
 * is published from now on must be newer than what was published and is
 * forgotten. */
int gt_epoch_renew(struct gt_node *n)
{
	struct gt_audit row = {.event = "note",
	                       .kind = "daemon",
	                       .subject = "restored",
	                       .detail = "a new epoch begins"};
	uint8_t was[GT_EPOCH_BYTES];
	memcpy(was, n->epoch, sizeof was);
	gt_draw(n, n->epoch, sizeof n->epoch);
	int status = gt_meta_put_bytes(n->store, "epoch",
	                               gt_bytes_of(n->epoch, sizeof n->epoch));
	if (status == 0)
		status = gt_catalogue_renew(n);
	if (status == 0)
		status = gt_content_renew(n);
	if (status == 0)
		status = gt_records_unsent(n, was);
	return status ? status : gt_audit_row(n, &row);
}
