#include "turn.h"

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

int gt_audit_row(struct gt_node *n, const struct gt_audit *a)
{
	gt_store_bind(
	        n->store, GT_SQL_AUDIT, "itttttitttttitt", n->now.wall_ms,
	        n->code, a->actor ? a->actor : n->code, or_empty(a->event),
	        or_empty(a->kind), or_empty(a->subject), a->version,
	        or_empty(a->peer), or_empty(a->verdict), or_empty(a->rule),
	        or_empty(a->layer), a->result ? gt_errname(a->result) : "ok",
	        (int64_t)a->bytes, or_empty(a->transfer), or_empty(a->detail));
	return gt_store_run(n->store, GT_SQL_AUDIT);
}

void gt_change_name(char out[GT_CHANGE_NAME], const uint8_t *epoch,
                    int64_t vseq)
{
	char hex[17];
	gt_hex(hex, epoch, 8);
	gt_format(out, GT_CHANGE_NAME, "change:%s:%lld", hex, (long long)vseq);
}
