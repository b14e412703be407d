/* follow.c: keeping up with the parent's feed.
 * Tests: u_follow.c, u_lineage.c, u_node_restore.c. */
#include "catalogue_inside.h"

#include <string.h>

/* Counted anew only when something was written: a node with nothing to do asks
 * its database nothing. */
static int count_status(struct gt_node *n)
{
	struct gt_counts *c = &n->catalogue->counts;
	if (c->changes == gt_store_changes(n->store))
		return 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_COUNTS, "");
	int row = gt_store_step(n->store, GT_SQL_COUNTS);
	if (row == 1)
		*c = (struct gt_counts){.changes = gt_store_changes(n->store),
		                        .resources =
		                                (uint64_t)gt_col_int(st, 0),
		                        .complete = (uint64_t)gt_col_int(st, 1),
		                        .wanted = (uint64_t)gt_col_int(st, 2),
		                        .bytes = (uint64_t)gt_col_int(st, 3)};
	gt_store_reset(n->store, GT_SQL_COUNTS);
	return row < 0 ? row : 0;
}

int gt_follow_offer(struct gt_node *n)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Offer o;
	gt__offer__init(&o);
	struct gt_asking a = {.what = GT_ASKED_OFFER};
	struct gt_item layer;
	bool found;
	if (!n->catalogue->layer_news)
		return 0;
	n->catalogue->layer_news = false;
	if (!gt_up_ready(n))
		return 0; /* the next link compares what both have */
	int status = gt_item_get(n, GT__KIND__LAYER, n->code, &layer, &found);
	if (status != 0 || !found)
		return status;
	o.item = gt_lend_bytes(layer.sealed);
	r.body_case = GT__REQUEST__BODY_OFFER;
	r.offer = &o;
	return gt_ask(n, &r, &a, NULL);
}

static int ask_changes(struct gt_node *n)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Changes c = GT__CHANGES__INIT;
	Gt__NodeStatus s;
	gt__node_status__init(&s);
	struct gt_asking a = {.what = GT_ASKED_CHANGES};
	struct gt_record_counts records = gt_records_count(n);
	int status = count_status(n);
	s.resources = n->catalogue->counts.resources;
	s.complete = n->catalogue->counts.complete;
	s.wanted = n->catalogue->counts.wanted;
	s.bytes = n->catalogue->counts.bytes;
	s.records = records.here;
	s.records_waiting = records.waiting;
	s.software = n->software;
	s.copies = n->status.copies_held + gt_peer_copies(n);
	c.epoch = (ProtobufCBinaryData){sizeof n->catalogue->parent_epoch,
	                                n->catalogue->parent_epoch};
	c.after = (uint64_t)n->catalogue->cursor;
	c.wait_ms = n->config.heartbeat_ms;
	c.status = &s;
	r.body_case = GT__REQUEST__BODY_CHANGES;
	r.changes = &c;
	if (status == 0)
		status = gt_records_erased_ask(n, &c);
	if (status == 0)
		status = gt_records_lists_ask(n, &c);
	if (status == 0) /* what is answered is judged by it */
		status = gt_follow_offer(n);
	return status ? status : gt_ask(n, &r, &a, NULL);
}

static int set_cursor(struct gt_node *n, int64_t cursor)
{
	if (n->catalogue->cursor == cursor)
		return 0;
	n->catalogue->cursor = cursor;
	return gt_meta_put(n->store, "cursor", cursor);
}

static int set_epoch(struct gt_node *n)
{
	memcpy(n->catalogue->parent_epoch, n->up->epoch,
	       sizeof n->catalogue->parent_epoch);
	n->catalogue->contest = false; /* all is being compared */
	int status = gt_meta_put_bytes(
	        n->store, "parent_epoch",
	        gt_bytes_of(n->catalogue->parent_epoch,
	                    sizeof n->catalogue->parent_epoch));
	if (status == 0)
		status = gt_records_erased_anew(n);
	if (status == 0)
		status = gt_records_lists_anew(n);
	return status ? status : set_cursor(n, 0);
}

/* -------------------------------------------------------- inventory */

static int read_inventory(struct gt_node *n, Gt__Inventory *m)
{
	int row = 0, status = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEMS_PAGE, "ti",
	                                 n->catalogue->inventory_after,
	                                 (int64_t)GT_INVENTORY_ROWS);
	m->rows = gt_arena_get(n->arena, GT_INVENTORY_ROWS * sizeof *m->rows);
	while (m->rows && status == 0 && m->n_rows < GT_INVENTORY_ROWS &&
	       (row = gt_store_step(n->store, GT_SQL_ITEMS_PAGE)) == 1) {
		Gt__Inventory__Row *r = gt_arena_get(n->arena, sizeof *r);
		struct gt_bytes hash = gt_col_bytes(st, 1);
		if (!r)
			break;
		gt__inventory__row__init(r);
		r->id = gt_arena_str(n->arena, gt_col_text(st, 0));
		r->hash.data = gt_arena_copy(n->arena, hash.p, hash.n);
		r->hash.len = hash.n;
		r->verdict = (Gt__Verdict)gt_col_int(st, 2);
		status = r->id && r->hash.data ? 0 : -GT_ENOMEM;
		m->rows[m->n_rows++] = r;
	}
	gt_store_reset(n->store, GT_SQL_ITEMS_PAGE);
	return row < 0 ? row : m->rows ? status : -GT_ENOMEM;
}

static int send_inventory(struct gt_node *n)
{
	Gt__Request r = GT__REQUEST__INIT;
	Gt__Inventory m = GT__INVENTORY__INIT;
	struct gt_asking a = {.what = GT_ASKED_INVENTORY};
	m.first = n->catalogue->inventory_after[0] == '\0';
	int status = read_inventory(n, &m);
	if (status != 0)
		return status;
	m.last = m.n_rows < GT_INVENTORY_ROWS;
	n->catalogue->inventory_done = m.last;
	if (m.n_rows > 0)
		gt_copy(n->catalogue->inventory_after,
		        sizeof n->catalogue->inventory_after,
		        m.rows[m.n_rows - 1]->id);
	r.body_case = GT__REQUEST__BODY_INVENTORY;
	r.inventory = &m;
	return gt_ask(n, &r, &a, NULL);
}

/* What was refused for a reason that is gone: it was acknowledged, and comes if
 * all is compared. */
static bool missed_back(const struct gt_node *n)
{
	return gt_date_back(n) || gt_signer_back(n) || gt_entries_back(n);
}

/* All that was refused is said again from here on. */
static int caught_up(struct gt_node *n)
{
	int status = gt_date_caught_up(n);
	if (status == 0)
		status = gt_signer_caught_up(n);
	return status ? status : gt_entries_caught_up(n);
}

static int reconcile(struct gt_node *n)
{
	n->up->following = false;
	n->catalogue->inventory_after[0] = '\0';
	n->status.synced = false;
	/* all is said again */
	int status = gt_cap_forget_all(n);
	return status ? status : send_inventory(n);
}

static int follow(struct gt_node *n)
{
	n->up->following = true;
	return ask_changes(n);
}

int gt_follow_inventory(struct gt_node *n)
{
	if (!n->catalogue->inventory_done)
		return send_inventory(n);
	int status = set_epoch(n);
	if (status == 0)
		status = caught_up(n);
	return status ? status : follow(n);
}

int gt_follow_start(struct gt_node *n)
{
	static const uint8_t none[GT_EPOCH_BYTES];
	if (memcmp(n->catalogue->parent_epoch, none, sizeof none) == 0) {
		int status = set_epoch(n);
		if (status != 0)
			return status;
	}
	if (memcmp(n->catalogue->parent_epoch, n->up->epoch,
	           sizeof n->catalogue->parent_epoch) != 0 ||
	    missed_back(n))
		return reconcile(n);
	return follow(n);
}

/* ---------------------------------------------------------- changes */

static int audit_change(struct gt_node *n, const Gt__Change *c,
                        const struct gt_claim *claim, int result,
                        const char *why)
{
	char change[GT_CHANGE_NAME];
	bool known = claim && claim->kind <= GT__KIND__MEMBER;
	gt_change_name(change, n->up->epoch, (int64_t)c->seq);
	struct gt_audit row = {
	        .event = claim ? "receive" : "retract",
	        .kind = known ? gt_kind_name(claim->kind) : "resource",
	        .subject = claim ? claim->id : c->retract,
	        .version = claim ? claim->version : 0,
	        .peer = gt_up_code(n),
	        .verdict = gt_verdict_name((enum gt_verdict)c->verdict),
	        .rule = c->rule,
	        .layer = c->layer,
	        .result = result,
	        .bytes = c->item.len,
	        .transfer = change,
	        .detail = why};
	return gt_audit_fed(n, n->parent, &row);
}

/* Whether it is an entry, or a version of one, that nothing new enough vouches
 * for. What takes something away is taken at any time. */
static int undated(struct gt_node *n, const struct gt_claim *c, bool *is)
{
	struct gt_item old;
	bool had = false;
	*is = c->kind == GT__KIND__RESOURCE && c->state == GT__STATE__LIVE &&
	      gt_date_state(n) == GT_DATE_TOO_OLD;
	int status = *is ? gt_item_get(n, c->kind, c->id, &old, &had) : 0;
	*is = *is && (!had || old.version < c->version);
	return status || !*is ? status : gt_date_miss(n);
}

static int take_change(struct gt_node *n, const Gt__Change *c)
{
	struct gt_claim claim;
	struct gt_decision d = {(enum gt_verdict)c->verdict, c->priority,
	                        c->rule, c->layer};
	char why[GT_WHY];
	int verdict, result = 0;
	int status = gt_item_check(n, gt_bytes_of(c->item.data, c->item.len),
	                           &claim, &verdict, why);
	if (status != 0)
		return status;
	bool ours = claim.kind != GT__KIND__LAYER ||
	            gt_code_within(n->code, claim.id);
	if (verdict == 0 && !ours) {
		verdict = -GT_EDENIED;
		gt_copy(why, sizeof why, "a layer that is not for this node");
	}
	bool late = false, over = false;
	if (verdict == 0)
		status = undated(n, &claim, &late);
	if (status == 0 && late)
		return audit_change(n, c, &claim, -GT_EUNDATED,
		                    gt_strerror(-GT_EUNDATED));
	if (status == 0 && verdict == 0)
		status = gt_entries_over(n, &claim, &over);
	if (status != 0 || over)
		return status;
	if (status == 0 && verdict == 0 && claim.kind == GT__KIND__RESOURCE)
		status = gt_cap_take(n, &claim, &d, &result);
	else if (verdict == 0)
		status = gt_item_take(n, &claim, &d, false, &result);
	if (status == 0 && claim.unborne && ours)
		status = gt_signer_miss(n, claim.unborne);
	if (status == 0 && verdict != 0)
		status =
		        gt_log(n, GT_LOG_WARN, "refused %s from the parent: %s",
		               claim.id[0] ? claim.id : "an item", why);
	if (status == 0 && result != 0)
		status = gt_contest_refused(n, &claim, result);
	if (status != 0 || !n->up)
		return status;
	return audit_change(n, c, &claim, verdict ? verdict : result, why);
}

static bool sane(const struct gt_node *n, const Gt__Change *c)
{
	bool sent = c->item.len > 0;
	if (c->seq > INT64_MAX || (int64_t)c->seq <= n->catalogue->cursor)
		return false;
	if (strlen(c->rule) > GT_RULE_NAME_MAX ||
	    strlen(c->layer) > GT_CODE_MAX)
		return false;
	if (strlen(c->retract) > GT_RID_MAX)
		return false;
	return sent ? c->verdict >= GT__VERDICT__METADATA &&
	                       c->verdict <= GT__VERDICT__MIRROR
	            : c->verdict == GT__VERDICT__DENY && *c->retract;
}

static int take_changes(struct gt_node *n, const Gt__ChangesReply *m)
{
	int status = 0;
	for (size_t i = 0; status == 0 && n->up && i < m->n_changes; i++) {
		const Gt__Change *c = m->changes[i];
		bool had;
		if (!sane(n, c))
			return gt_drop(n, n->up,
			               "a change that makes no sense");
		if (c->item.len > 0) {
			status = take_change(n, c);
			continue;
		}
		status = gt_item_retract(n, c->retract, &had);
		if (status == 0)
			status = gt_cap_forget(n, c->retract);
		if (status == 0)
			status = audit_change(n, c, NULL, 0, "");
	}
	return status;
}

/* Strangers can be judged now, also for children that are away. */
static int judge_strangers(struct gt_node *n)
{
	gt_judge_anew(n);
	gt_store_bind(n->store, GT_SQL_CHILDREN_JUDGED, "i", (int64_t)0);
	return gt_store_run(n->store, GT_SQL_CHILDREN_JUDGED);
}

int gt_follow_changes(struct gt_node *n, const Gt__ChangesReply *m)
{
	n->status.parent_seen_ms = n->now.wall_ms;
	if (m->reconcile)
		return reconcile(n);
	if (m->epoch.len != sizeof n->catalogue->parent_epoch ||
	    memcmp(m->epoch.data, n->catalogue->parent_epoch, m->epoch.len) !=
	            0 ||
	    m->upto > INT64_MAX || (int64_t)m->upto < n->catalogue->cursor)
		return gt_drop(n, n->up, "changes of another epoch");
	/* before the changes, which it vouches for; and behind them, where the
	 * row that names its key may be */
	int status = gt_date_try(n, m->date);
	if (status == 0)
		status = take_changes(n, m);
	if (status == 0)
		status = gt_date_from(n, m->date);
	if (status == 0)
		status = gt_cap_tell(n);
	if (status != 0 || !n->up)
		return status;
	/* not yet in step: what is missed may be no stranger (M16) */
	if (missed_back(n))
		return reconcile(n);
	if (n->status.synced != !m->more)
		n->touched = true;
	if (!n->status.synced && !m->more && n->catalogue->strangers > 0)
		status = judge_strangers(n);
	n->status.synced = !m->more;
	if (status == 0)
		status = set_cursor(n, (int64_t)m->upto);
	if (status == 0)
		status = gt_records_root(n, m->root_mark);
	if (status == 0)
		status = gt_records_back(n, m);
	if (status == 0 && n->up)
		status = gt_records_erased_told(n, m);
	if (status == 0 && n->up)
		status = gt_records_lists_told(n, m);
	if (status != 0 || !n->up)
		return status;
	return status ? status : ask_changes(n);
}

/* ----------------------------------------------------------- roster */

static int take_row(struct gt_node *n, struct gt_bytes sealed)
{
	static const struct gt_decision keep = {GT_MIRROR, 50, "", ""};
	struct gt_claim c;
	struct gt_item old;
	char why[GT_WHY];
	int verdict, result = 0;
	bool had = false;
	int status = gt_item_check(n, sealed, &c, &verdict, why);
	if (status == 0 && verdict == 0 && c.kind != GT__KIND__MEMBER) {
		verdict = -GT_EINVALID;
		gt_copy(why, sizeof why, "not a roster row");
	}
	if (status == 0 && verdict != 0)
		return gt_log(n, GT_LOG_WARN,
		              "refused a row of the roster from %s: %s",
		              gt_up_code(n), why);
	if (status == 0)
		status = gt_item_get(n, GT__KIND__MEMBER, c.id, &old, &had);
	if (status != 0 || (had && old.version >= c.version))
		return status; /* the parent's words for it stay */
	struct gt_audit row = {.event = "receive",
	                       .kind = "member",
	                       .subject = c.id,
	                       .version = c.version,
	                       .peer = gt_up_code(n),
	                       .detail = c.state ? "revoked" : "active"};
	status = gt_item_take(n, &c, &keep, false, &result);
	row.result = result;
	return status ? status : gt_audit_row(n, &row);
}

int gt_follow_roster(struct gt_node *n, const Gt__RosterReply *m)
{
	int status = 0;
	for (size_t i = 0; status == 0 && n->up && i < m->n_members; i++)
		status = take_row(
		        n, gt_bytes_of(m->members[i].data, m->members[i].len));
	return status ? status : gt_date_from(n, m->date);
}
