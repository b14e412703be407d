/* feed.c: what children are told of the feed, and what they offer. Every
 * request is answered within a heartbeat; a Changes with nothing to tell waits
 * ("parks") for news until then.
 * Tests: u_feed.c, u_node_lies.c. */
#include "catalogue_inside.h"

#include <string.h>

/* ---------------------------------------------------------- Changes */

/* *out NULL: nobody is told of it. */
static int change_of_row(struct gt_node *n, sqlite3_stmt *st, Gt__Change **out,
                         size_t *bytes)
{
	Gt__Change *c = gt_arena_get(n->arena, sizeof *c);
	struct gt_bytes item = gt_col_bytes(st, 7);
	*out = NULL;
	if (!c)
		return -GT_ENOMEM;
	gt__change__init(c);
	c->seq = (uint64_t)gt_col_int(st, 0);
	c->verdict = (Gt__Verdict)gt_col_int(st, 1);
	c->priority = (uint32_t)gt_col_int(st, 2);
	c->rule = gt_arena_str(n->arena, gt_col_text(st, 3));
	c->layer = gt_arena_str(n->arena, gt_col_text(st, 4));
	if (c->verdict == GT__VERDICT__DENY) {
		c->retract = gt_arena_str(n->arena, gt_col_text(st, 6));
	} else if (!gt_item_whole(n, gt_col_bytes(st, 8), item)) {
		/* it is told when it is here again */
		gt_heal_suspect(n, gt_col_int(st, 9));
		return 0;
	} else {
		c->item = gt_lend_bytes(gt_bytes_of(
		        gt_arena_copy(n->arena, item.p, item.n), item.n));
		if (!c->item.data)
			return -GT_ENOMEM;
	}
	*bytes += item.n + 100;
	*out = c;
	return c->rule && c->layer && c->retract ? 0 : -GT_ENOMEM;
}

static int read_changes(struct gt_node *n, const struct gt_peer *p,
                        Gt__ChangesReply *out, bool *full)
{
	size_t bytes = 0;
	int row = 0, status = 0;
	out->changes =
	        gt_arena_get(n->arena, GT_CHANGES_ROWS * sizeof *out->changes);
	if (!out->changes)
		return -GT_ENOMEM;
	sqlite3_stmt *st = gt_store_bind(
	        n->store, GT_SQL_VIEW_AFTER, "iii", p->child.cid,
	        (int64_t)p->child.parked_after, (int64_t)GT_CHANGES_ROWS);
	*full = false;
	while (status == 0 && !*full &&
	       (row = gt_store_step(n->store, GT_SQL_VIEW_AFTER)) == 1) {
		status = change_of_row(n, st, &out->changes[out->n_changes],
		                       &bytes);
		out->upto = (uint64_t)gt_col_int(st, 0);
		out->n_changes += out->changes[out->n_changes] != NULL;
		*full = out->n_changes == GT_CHANGES_ROWS ||
		        bytes >= GT_CHANGES_BYTES;
	}
	gt_store_reset(n->store, GT_SQL_VIEW_AFTER);
	return row < 0 ? row : status;
}

static int send_changes(struct gt_node *n, struct gt_peer *p,
                        Gt__ChangesReply *c)
{
	Gt__Reply r = GT__REPLY__INIT;
	c->epoch = (ProtobufCBinaryData){sizeof n->epoch, n->epoch};
	c->root_mark = (uint64_t)p->child.rooted;
	p->child.rooted_told = p->child.rooted;
	/* behind the row that names its key */
	if (!c->more && !c->reconcile)
		c->date = gt_lend_bytes(gt_date_news(n, p->child.dated_ms));
	if (c->date.len > 0)
		p->child.dated_ms = n->catalogue->date.at_ms;
	int status = gt_records_wanted(n, p, c);
	if (status == 0)
		status = gt_records_erased_put(n, p, c);
	if (status == 0)
		status = gt_records_lists_put(n, p, c);
	p->child.parked = false;
	r.body_case = GT__REPLY__BODY_CHANGES;
	r.changes = c;
	return status ? status
	              : gt_send_reply(n, p, p->child.parked_token, &r,
	                              (struct gt_bytes){0});
}

int gt_feed_parked(struct gt_node *n, struct gt_peer *p)
{
	Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
	bool more = false, full = false;
	int status = 0;
	if (gt_judge_due(n, p))
		status = gt_judge(n, p, &more);
	if (status == 0)
		status = gt_records_child_root(n, p);
	bool news = p->child.vseq > (int64_t)p->child.parked_after ||
	            p->child.rooted > p->child.rooted_told ||
	            gt_records_wants(n, p) || gt_records_erased_news(n, p) ||
	            gt_records_lists_news(n, p) ||
	            gt_date_news(n, p->child.dated_ms).n > 0;
	if (status != 0 || (!news && n->now.mono_ms < p->child.parked_until))
		return status;
	c.upto = p->child.parked_after;
	if (p->child.vseq > (int64_t)p->child.parked_after)
		status = read_changes(n, p, &c, &full);
	c.more = more || full;
	if (!full)
		c.upto = (uint64_t)p->child.vseq;
	return status ? status : send_changes(n, p, &c);
}

static int take_status(struct gt_node *n, struct gt_peer *p,
                       const Gt__NodeStatus *s)
{
	struct gt_id hash;
	struct gt_bytes b = gt_arena_pack(n->arena, &s->base);
	if (!b.p)
		return -GT_ENOMEM;
	gt_sha256_one(&hash, b.p, b.n);
	n->touched = n->touched || p->child.copies != s->copies;
	p->child.copies = s->copies < GT_COPIES_TOLD ? (uint32_t)s->copies
	                                             : GT_COPIES_TOLD;
	if (gt_id_eq(&hash, &p->child.status_hash) || b.n > 1024)
		return 0; /* an idle tree writes nothing */
	p->child.status_hash = hash;
	gt_store_bind(n->store, GT_SQL_CHILD_STATUS, "ibi", p->child.cid, b,
	              n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_CHILD_STATUS);
}

static int acknowledge(struct gt_node *n, struct gt_peer *p, int64_t after)
{
	if (after <= p->child.acked)
		return 0;
	gt_store_bind(n->store, GT_SQL_VIEW_ACK, "iii", p->child.cid,
	              p->child.acked, after);
	p->child.acked = after;
	n->touched = true;
	int status = gt_store_run(n->store, GT_SQL_VIEW_ACK);
	return status ? status : gt_peer_save(n, p);
}

int gt_feed_changes(struct gt_node *n, struct gt_peer *p, uint64_t token,
                    const Gt__Changes *m)
{
	int status = m->status ? take_status(n, p, m->status) : 0;
	if (status == 0)
		status = gt_records_erased_from(n, p, m);
	if (status == 0)
		status = gt_records_lists_from(n, p, m);
	if (status == 0 && p->child.parked && p->child.parked_token != token) {
		/* One at a time: the older one is answered first. */
		Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
		c.upto = p->child.parked_after;
		c.more = true;
		status = send_changes(n, p, &c);
	}
	p->child.parked_token = token;
	p->child.parked_after = m->after;
	bool strange = m->epoch.len != sizeof n->epoch ||
	               memcmp(m->epoch.data, n->epoch, sizeof n->epoch) != 0 ||
	               m->after > (uint64_t)p->child.vseq ||
	               m->after < (uint64_t)p->child.acked;
	p->following = !strange;
	if (status == 0 && strange) {
		Gt__ChangesReply c = GT__CHANGES_REPLY__INIT;
		c.reconcile = true;
		return send_changes(n, p, &c);
	}
	uint32_t wait = m->wait_ms < n->config.heartbeat_ms
	                        ? m->wait_ms
	                        : n->config.heartbeat_ms;
	p->child.parked = true;
	p->child.parked_until = n->now.mono_ms + wait;
	return status ? status : acknowledge(n, p, (int64_t)m->after);
}

/* ----------------------------------------------------------- Roster */

static int send_roster(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       Gt__RosterReply *m)
{
	Gt__Reply r = GT__REPLY__INIT;
	if (!m->more)
		m->date = gt_lend_bytes(gt_date_news(n, 0));
	r.body_case = GT__REPLY__BODY_ROSTER;
	r.roster = m;
	return gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

int gt_feed_roster(struct gt_node *n, struct gt_peer *p, uint64_t token,
                   const Gt__Roster *m)
{
	Gt__RosterReply out = GT__ROSTER_REPLY__INIT;
	struct gt_item item;
	int row = 0, status = 0;
	size_t seen = 0;
	out.members =
	        gt_arena_get(n->arena, GT_ROSTER_ROWS * sizeof *out.members);
	if (!out.members)
		return -GT_ENOMEM;
	out.upto = m->after < INT64_MAX ? m->after : INT64_MAX;
	sqlite3_stmt *st = gt_store_bind(
	        n->store, GT_SQL_ITEMS_AFTER, "iii", (int64_t)GT__KIND__MEMBER,
	        (int64_t)out.upto, (int64_t)GT_ROSTER_ROWS);
	while (status == 0 &&
	       (row = gt_store_step(n->store, GT_SQL_ITEMS_AFTER)) == 1) {
		status = gt_item_of_row(n, st, &item);
		seen++;
		out.upto = (uint64_t)item.seq;
		if (status == 0 && gt_judge_member(&item, p) > GT_DENY)
			out.members[out.n_members++] =
			        gt_lend_bytes(item.sealed);
	}
	gt_store_reset(n->store, GT_SQL_ITEMS_AFTER);
	out.more = seen == GT_ROSTER_ROWS;
	if (row < 0)
		return row;
	return status ? status : send_roster(n, p, token, &out);
}

/* ------------------------------------------------------------ Offer */

int gt_feed_offer(struct gt_node *n, struct gt_peer *p, uint64_t token,
                  const Gt__Offer *m)
{
	static const struct gt_decision keep = {GT_MIRROR, 50, "", ""};
	struct gt_claim c;
	char why[GT_WHY];
	int verdict, result = 0, status;
	if (m->item.len == 0 && *m->given_up)
		return gt_contest_named(n, p, token, m->given_up, m->version);
	status = gt_item_check(n, gt_bytes_of(m->item.data, m->item.len), &c,
	                       &verdict, why);
	if (status != 0)
		return status;
	if (verdict == 0 && gt_contest_concerns(n, &c))
		return gt_contest_shown(n, p, token, &c);
	if (verdict != 0 || c.kind != GT__KIND__LAYER ||
	    strcmp(c.id, p->code) != 0)
		return gt_drop(n, p,
		               verdict ? why
		                       : "an Offer that is not the "
		                         "child's own layer");
	status = gt_item_take(n, &c, &keep, false, &result);
	p->child.judged_all = false;
	struct gt_audit row = {.event = "receive",
	                       .kind = "layer",
	                       .subject = c.id,
	                       .version = c.version,
	                       .peer = p->code,
	                       .result = result};
	if (status == 0)
		status = gt_audit_told(n, p->code, &row, NULL);
	/* ProveReply tells the child what it must be newer than. */
	if (status == 0 && result != 0 && gt_version_tokens(p->version))
		return gt_drop(n, p,
		               "the child has issued a newer layer before");
	return status ? status : gt_send_ok(n, p, token);
}
