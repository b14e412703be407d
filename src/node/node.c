/* node.c: events in, actions out; the turn around them. */
#include "above.h"
#include "certificate.h"
#include "documents.h"
#include "era.h"
#include "expiry.h"
#include "lineage.h"
#include "node_inside.h"
#include "twin.h"

#include <stdlib.h>
#include <string.h>

enum { TURN_BYTES = 32 << 20, TURN_ACTIONS = 16384, LOG_PAGES_MAX = 4096 };

/* ------------------------------------------------ opening and START */

static void defaults(struct gt_node_config *c)
{
	if (!c->window_min)
		c->window_min = 512 << 10;
	if (!c->window_max)
		c->window_max = 8 << 20;
	if (!c->heartbeat_ms)
		c->heartbeat_ms = 15000;
	if (!c->dead_ms)
		c->dead_ms = 45000;
	if (!c->log_pages || c->log_pages > LOG_PAGES_MAX)
		c->log_pages = LOG_PAGES_MAX;
	if (!c->max_links || c->max_links > GT_PEERS_MAX)
		c->max_links = GT_PEERS_MAX;
	if (!c->transfers || c->transfers > GT_TRANSFERS_MAX)
		c->transfers = 4;
	if (!c->entries)
		c->entries = GT_ENTRIES_MAX;
	if (!c->feed_rows)
		c->feed_rows = GT_FEED_ROWS_HOUR;
	if (!c->protocol_max || c->protocol_max > GT_PROTOCOL_MAX)
		c->protocol_max = GT_PROTOCOL_MAX;
}

static bool config_copy(struct gt_node *n, const struct gt_node_config *c)
{
	n->config = *c;
	defaults(&n->config);
	bool fits = gt_copy(n->code, sizeof n->code, c->code) &&
	            gt_copy(n->parent, sizeof n->parent, c->parent);
	gt_copy(n->software, sizeof n->software,
	        c->software ? c->software : "");
	n->config.code = n->code;
	n->config.parent = n->parent;
	n->config.software = n->software;
	n->level = gt_level_name(gt_code_depth(n->code));
	return fits && gt_code_valid(n->code) &&
	       (!*n->parent || gt_code_child_of(n->code, n->parent));
}

/* What the node is made of; 0 or -GT_ENOMEM. */
static int furnish(struct gt_node *n, const uint8_t *seed)
{
	n->arena = gt_arena_new();
	n->seals = gt_seal_cache_new();
	n->shares = gt_shares_new();
	n->peers = calloc(n->config.max_links, sizeof *n->peers);
	n->content = gt_content_new(n->config.max_links);
	n->records = gt_records_new();
	n->catalogue = gt_catalogue_new();
	n->pasts = calloc(1, sizeof *n->pasts);
	if (!n->arena || !n->pasts || !n->seals || !n->shares || !n->peers ||
	    !n->content || !n->records || !n->catalogue)
		return -GT_ENOMEM;
	return gt_key_from_seed(&n->key, seed) ? -GT_ENOMEM : 0;
}

int gt_node_open(struct gt_node **out, const struct gt_node_config *config,
                 struct sqlite3 *db, char *why, size_t why_cap)
{
	struct gt_node *n = calloc(1, sizeof *n);
	int status =
	        n ? gt_store_open(&n->store, db, why, why_cap) : -GT_ENOMEM;
	if (!n)
		sqlite3_close(db);
	if (status == 0 && !config_copy(n, config)) {
		gt_format(why, why_cap,
		          "node code %s does not fit under parent %s",
		          config->code, config->parent);
		status = -GT_EINVALID;
	}
	if (status == 0)
		status = furnish(n, config->seed);
	if (status == -GT_ENOMEM)
		gt_format(why, why_cap, "%s", gt_strerror(GT_ENOMEM));
	if (status != 0) {
		gt_node_close(n);
		return status;
	}
	*out = n;
	return 0;
}

void gt_node_leave(struct gt_node *n)
{
	gt_store_leave(n->store);
}

void gt_node_close(struct gt_node *n)
{
	if (!n)
		return;
	gt_content_free(n->content);
	gt_records_free(n->records);
	gt_catalogue_free(n->catalogue);
	gt_store_close(n->store);
	gt_arena_free(n->arena);
	gt_seal_cache_free(n->seals);
	gt_shares_free(n->shares);
	free(n->pasts);
	free(n->asks.v);
	free(n->peers);
	free(n->actions);
	free(n);
}

static int on_start(struct gt_node *n, const struct gt_event *e)
{
	assert(!n->started && e->body.n >= sizeof n->entropy);
	memcpy(n->entropy, e->body.p, sizeof n->entropy);
	n->started = true;
	int status = gt_epoch_load(n);
	if (status == 0 && n->config.restored)
		status = gt_lineage_forget(n);
	if (status == 0)
		status = gt_twin_load(n);
	if (status == 0)
		status = gt_catalogue_load(n);
	if (status == 0 && n->config.restored)
		status = gt_epoch_renew(n);
	if (status == 0)
		status = gt_records_load(n);
	if (status == 0)
		status = gt_era_start(n);
	gt_above_load(n);
	return status ? status : gt_content_load(n);
}

/* ------------------------------------------------------------- time */

/* A link nobody speaks on, or a request nobody answers, is dead: everything is
 * answered within a heartbeat. */
static int expire_links(struct gt_node *n)
{
	uint64_t dead = n->config.dead_ms;
	int status = 0;
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		if (gt_peer_here(p) && n->now.mono_ms >= p->heard_ms + dead)
			status = gt_drop_silent(n, p, "silent for too long");
		else if (gt_peer_here(p))
			status = gt_expiry_look(n, p);
	}
	if (status == 0 && n->up && n->asks.due &&
	    n->now.mono_ms >= n->asks.due && gt_ask_overdue(n))
		status = gt_drop_silent(n, n->up, "a request stays unanswered");
	return status;
}

static int on_time(struct gt_node *n)
{
	int status = expire_links(n);
	if (status == 0)
		status = gt_above_time(n);
	if (status == 0)
		status = gt_content_time(n);
	if (status == 0)
		status = gt_records_time(n);
	if (status == 0)
		status = gt_documents_time(n);
	return status ? status : gt_catalogue_time(n);
}

static int on_note(struct gt_node *n, const struct gt_event *e)
{
	struct gt_audit row = {.event = "note",
	                       .kind = "daemon",
	                       .actor = e->actor,
	                       .subject = e->text,
	                       .result = e->status,
	                       .detail = e->detail};
	if (e->status == -GT_EDAMAGED)
		n->status.database_damaged++;
	n->status.pages_mended += e->count;
	n->status.pages_bad += (uint64_t)e->number;
	return gt_audit_row(n, &row);
}

static int handle(struct gt_node *n, const struct gt_event *e)
{
	switch (e->type) {
	case GT_EV_START:
		return on_start(n, e);
	case GT_EV_TIME:
		return on_time(n);
	case GT_EV_PEER_UP:
		return gt_dispatch_up(n, e);
	case GT_EV_PEER_DOWN:
		return gt_dispatch_down(n, e);
	case GT_EV_MSG:
		return gt_dispatch_message(n, e);
	case GT_EV_PLACED:
		return gt_fill_placed(n, e);
	case GT_EV_SYNCED:
		return gt_fill_synced(n, e);
	case GT_EV_CHECKED:
		return gt_fill_checked(n, e);
	case GT_EV_ADOPTED:
		return gt_publish_adopted(n, e);
	case GT_EV_FAULT:
		return gt_serve_fault(n, e);
	case GT_EV_LOST:
		return gt_fill_gone(n, e);
	case GT_EV_ROOM:
		return gt_records_room(n, e);
	case GT_EV_PUBLISH:
		return gt_publish(n, e);
	case GT_EV_WITHDRAW:
		return gt_withdraw(n, e);
	case GT_EV_LAYER:
		return gt_publish_layer(n, e);
	case GT_EV_MEMBERS:
		return gt_publish_members(n, e);
	case GT_EV_STATEMENTS:
		return gt_records_accept(n, e);
	case GT_EV_DOCUMENT:
		return gt_documents_edit(n, e);
	case GT_EV_DOCUMENT_LOST:
		return gt_documents_lost(n, e);
	case GT_EV_DOCUMENT_SEEK:
		return gt_documents_seek(n, e);
	case GT_EV_WANT:
		return gt_want(n, e);
	case GT_EV_ATTACHMENT_LOST:
		return gt_records_attachment_lost(n, e);
	case GT_EV_QUARANTINE_DROP:
		return gt_records_drop(n, e);
	case GT_EV_CERTIFY:
		return gt_certificate_issue(n, e);
	case GT_EV_REVOKE:
		return gt_certificate_revoke(n, e);
	case GT_EV_ERASE:
		return gt_records_erase(n, e);
	case GT_EV_KEEP:
		return gt_twin_keep(n, e);
	case GT_EV_NOTE:
		return on_note(n, e);
	default:
		assert(e->type == GT_EV_START); /* the events are all above */
		return -GT_EINVALID;
	}
}

/* ------------------------------------------------------------- turn */

/* What follows from all of a turn's events together. */
static int settle(struct gt_node *n)
{
	int status = gt_session_go(n);
	if (status == 0 && n->gone)
		status = gt_session_bury(n);
	if (status == 0)
		status = gt_follow_offer(n);
	gt_judge_layers(n);
	if (status == 0)
		status = gt_content_go(n);
	if (status == 0)
		status = gt_records_go(n);
	return status ? status : gt_catalogue_go(n);
}

static int fail(struct gt_node *n, int status)
{
	if (n->why[0] == '\0')
		gt_format(n->why, sizeof n->why, "%s",
		          status == -GT_ESTORE && *gt_store_why(n->store)
		                  ? gt_store_why(n->store)
		                  : gt_strerror(status));
	gt_store_rollback(n->store);
	n->nactions = 0;
	return status;
}

int gt_node_turn(struct gt_node *n, struct gt_now now,
                 const struct gt_event *events, size_t count, size_t *taken,
                 struct gt_actions *actions)
{
	bool changed = false;
	gt_arena_reset(n->arena);
	n->nactions = 0;
	n->turn_bytes = 0;
	n->touched = false;
	n->now = now;
	*taken = 0;
	*actions = (struct gt_actions){0};
	int status = gt_store_checkpoint(n->store, (int)n->config.log_pages);
	gt_store_begin(n->store);
	if (status == 0 && n->started)
		status = gt_era_turn(n);
	while (status == 0 && *taken < count && n->turn_bytes < TURN_BYTES &&
	       n->nactions < TURN_ACTIONS) {
		const struct gt_event *e = &events[(*taken)++];
		assert(n->started || e->type == GT_EV_START);
		n->status.events++;
		status = handle(n, e);
		if (status == 0 && n->gone)
			status = gt_session_bury(n);
	}
	if (status == 0)
		status = settle(n);
	/* what was judged without memory was not judged */
	if (status == 0 && gt_arena_short(n->arena))
		status = -GT_ENOMEM;
	if (status == 0)
		status = gt_store_commit(n->store, &changed);
	if (status != 0)
		return fail(n, status);
	if (changed)
		n->status.commits++;
	if (changed || n->touched)
		n->status.generation++;
	*actions = (struct gt_actions){n->actions, n->nactions};
	return 0;
}

void gt_node_clock(const struct gt_node *n, struct gt_node_clock *out)
{
	gt_era_clock(n, out);
}

uint64_t gt_node_deadline(const struct gt_node *n)
{
	uint64_t at =
	        gt_sooner(gt_content_deadline(n), gt_catalogue_deadline(n));
	at = gt_sooner(at, gt_records_deadline(n));
	at = gt_sooner(at, gt_documents_deadline(n));
	at = gt_sooner(at, gt_documents_due(n));
	at = gt_sooner(at, gt_above_deadline(n));
	at = gt_sooner(at, gt_twin_deadline(n));
	for (uint32_t i = 0; i < n->npeers; i++)
		if (gt_peer_here(&n->peers[i]))
			at = gt_sooner(gt_sooner(at, n->peers[i].heard_ms +
			                                     n->config.dead_ms),
			               gt_expiry_deadline(n, &n->peers[i]));
	return n->asks.due ? gt_sooner(at, n->asks.due) : at;
}

const char *gt_node_why(const struct gt_node *n)
{
	return n->why;
}

static void child_status(const struct gt_peer *p, struct gt_child_status *out)
{
	*out = (struct gt_child_status){
	        .up = true,
	        .lag = (uint64_t)(p->child.vseq - p->child.acked),
	        .frames_sent = p->child.frames_sent,
	        .bytes_sent = p->child.bytes_sent};
	gt_copy(out->code, sizeof out->code, p->code);
}

void gt_node_status(const struct gt_node *n, struct gt_node_status *out)
{
	struct gt_record_counts records = gt_records_count(n);
	*out = n->status;
	out->records_short = n->full;
	out->records_crowded = records.crowded;
	out->entries_missed = gt_entries_missed(n);
	out->parent_up = gt_up_ready(n);
	out->copies_below = gt_peer_copies(n);
	out->synced = out->synced && out->parent_up;
	out->parent_until_ms = out->parent_up ? n->up->theirs_until_ms : 0;
	out->cursor = gt_catalogue_cursor(n);
	out->records_waiting = records.waiting;
	out->records_unrooted = records.unrooted;
	out->records_spoilt = records.spoilt;
	out->documents_waiting = records.documents_waiting;
	out->documents_conflicts = records.documents_kept;
	out->nchildren = 0;
	for (uint32_t i = 0; i < n->npeers; i++) {
		const struct gt_peer *p = &n->peers[i];
		if (p->id && !p->parent && p->session == GT_S_READY &&
		    p->kind == GT__LINK__CHILD)
			child_status(p, &out->children[out->nchildren++]);
	}
	out->children_up = out->nchildren;
	gt_content_status(n, out);
}
