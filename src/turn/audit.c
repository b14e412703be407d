#include "turn.h"

#include "share.h"

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

enum { TELL_MS = 10 * 60 * 1000 };

/* ... and 214 more like it. Now and then: whoever goes on has a row let through
 * each second. */
static int tell_held(struct gt_node *n)
{
	char detail[64];
	if (n->held == 0 ||
	    (n->held_ms && n->now.mono_ms - n->held_ms < TELL_MS))
		return 0;
	n->held_ms = n->now.mono_ms ? n->now.mono_ms : 1;
	gt_format(detail, sizeof detail, "and %llu more like it",
	          (unsigned long long)n->held);
	n->held = 0;
	struct gt_audit row = {.event = "note",
	                       .kind = "daemon",
	                       .subject = "rows held back",
	                       .result = -GT_EBUDGET,
	                       .detail = detail};
	int status = gt_audit_row(n, &row);
	return status ? status
	              : gt_log(n, GT_LOG_WARN, "%s were not written down",
	                       detail);
}

static int within(struct gt_node *n, const char *kind, const char *whom,
                  uint64_t hourly, const struct gt_audit *a, bool *written)
{
	char name[GT_RID_MAX];
	gt_format(name, sizeof name, "%s:%s", kind, or_empty(whom));
	*written =
	        gt_share_take(n->shares, name, hourly, 1, n->now.mono_ms) == 0;
	if (!*written) {
		n->held++;
		n->status.audit_held++;
		return 0;
	}
	int status = tell_held(n);
	return status ? status : gt_audit_row(n, a);
}

int gt_audit_told(struct gt_node *n, const char *whom, const struct gt_audit *a,
                  bool *written)
{
	bool may;
	int status = within(n, "rows", whom, GT_ROWS_HOUR, a, &may);
	if (written)
		*written = may;
	return status;
}

int gt_audit_fed(struct gt_node *n, const char *whom, const struct gt_audit *a)
{
	bool may;
	return within(n, "feed", whom, n->config.feed_rows, a, &may);
}

void gt_change_name(char out[GT_CHANGE_NAME], const uint8_t *epoch,
                    int64_t vseq)
{
	char hex[17];
	gt_hex(hex, epoch, 8);
	gt_format(out, GT_CHANGE_NAME, "change:%s:%lld", hex, (long long)vseq);
}
