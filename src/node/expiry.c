#include "expiry.h"

#include "iso8601.h"

void gt_expiry_up(struct gt_peer *p, const struct gt_event *e)
{
	p->theirs_until_ms = e->theirs_until_ms;
	p->ours_until_ms = e->ours_until_ms;
	p->warn_ms = p->theirs_until_ms
	                     ? p->theirs_until_ms - GT_VALIDITY_WARN_MS
	                     : 0;
}

static bool over(int64_t until_ms, int64_t now_ms)
{
	return until_ms != 0 && now_ms >= until_ms;
}

static int warn(struct gt_node *n, struct gt_peer *p)
{
	char at[GT_ISO_CHARS];
	gt_iso_format(at, p->theirs_until_ms);
	p->warn_ms = n->now.wall_ms + GT_DAY_MS;
	n->touched = true;
	return gt_log(n, GT_LOG_WARN,
	              "the certificate of %s ends at %s, and its link to this "
	              "node with it: have it renewed",
	              p->code, at);
}

int gt_expiry_look(struct gt_node *n, struct gt_peer *p)
{
	int64_t now_ms = n->now.wall_ms;
	if (over(p->theirs_until_ms, now_ms))
		return gt_drop(n, p, "the peer's certificate has expired");
	if (over(p->ours_until_ms, now_ms))
		return gt_drop(n, p, "this node's certificate has expired");
	return p->session == GT_S_READY && over(p->warn_ms, now_ms) ? warn(n, p)
	                                                            : 0;
}

static uint64_t due(const struct gt_node *n, int64_t at_ms)
{
	if (at_ms == 0)
		return UINT64_MAX;
	int64_t left = at_ms - n->now.wall_ms;
	return n->now.mono_ms + (left > 0 ? (uint64_t)left : 0);
}

uint64_t gt_expiry_deadline(const struct gt_node *n, const struct gt_peer *p)
{
	uint64_t at =
	        gt_sooner(due(n, p->theirs_until_ms), due(n, p->ours_until_ms));
	return p->session == GT_S_READY ? gt_sooner(at, due(n, p->warn_ms))
	                                : at;
}
