/* node.c: events in, actions out; the turn around them. */
#include "lineage.h"

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
	if (!c->transfers || c->transfers > GT_TRANSFERS_MAX)
		c->transfers = 4;
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
	if (status == 0) {
		n->counts.changes = -1;
		n->arena = gt_arena_new();
		n->seals = gt_seal_cache_new();
		if (!n->arena || !n->seals ||
		    gt_key_from_seed(&n->key, config->seed) != 0)
			status = -GT_ENOMEM;
	}
	if (status == -GT_ENOMEM)
		gt_format(why, why_cap, "%s", gt_strerror(GT_ENOMEM));
	if (status != 0) {
		gt_node_close(n);
		return status;
	}
	*out = n;
	return 0;
}

void gt_node_close(struct gt_node *n)
{
	if (!n)
		return;
	gt_objects_close(n);
	for (size_t i = 0; i < GT_PENDING_MAX; i++)
		free(n->pending[i].used
		             ? (void *)(uintptr_t)n->pending[i].entry.p
		             : NULL);
	for (size_t i = 0; i < n->nlayers; i++)
		gt_layer_free(n->layers[i].layer);
	gt_store_close(n->store);
	gt_arena_free(n->arena);
	gt_seal_cache_free(n->seals);
	free(n->actions);
	free(n);
}

static int load_epoch(struct gt_node *n)
{
	struct gt_bytes b;
	int status = gt_meta_get_bytes(n->store, "epoch", n->arena, &b);
	if (status == 0 && b.n == GT_EPOCH_BYTES) {
		memcpy(n->epoch, b.p, b.n);
	} else if (status == 0) {
		gt_draw(n, n->epoch, sizeof n->epoch);
		status = gt_meta_put_bytes(
		        n->store, "epoch",
		        gt_bytes_of(n->epoch, sizeof n->epoch));
	}
	if (status == 0)
		status = gt_meta_get_bytes(n->store, "parent_epoch", n->arena,
		                           &b);
	if (status == 0 && b.n == GT_EPOCH_BYTES)
		memcpy(n->parent_epoch, b.p, b.n);
	if (status == 0)
		status = gt_meta_get(n->store, "version_floor", 1,
		                     &n->version_floor);
	return status;
}

/* After a restore the neighbours may know records, changes and versions of this
 * node that it does not know itself. Under a new epoch they compare all of it
 * anew; an epoch that no parent has makes us ask ours to compare too; and what
 * is published from now on must be newer than what was published and is
 * forgotten: milliseconds are ahead of any count of versions. */
int gt_node_renew(struct gt_node *n)
{
	gt_draw(n, n->epoch, sizeof n->epoch);
	gt_draw(n, n->parent_epoch, sizeof n->parent_epoch);
	/* unless a clock was ahead when it was restored before */
	n->version_floor = n->now.wall_ms > n->version_floor
	                           ? n->now.wall_ms
	                           : gt_version_beyond(n, n->version_floor);
	struct gt_bytes ours = gt_bytes_of(n->epoch, sizeof n->epoch);
	struct gt_bytes theirs =
	        gt_bytes_of(n->parent_epoch, sizeof n->parent_epoch);
	struct gt_audit row = {.event = "note",
	                       .kind = "daemon",
	                       .subject = "restored",
	                       .detail = "a new epoch begins"};
	int status = gt_meta_put_bytes(n->store, "epoch", ours);
	if (status == 0)
		status = gt_meta_put_bytes(n->store, "parent_epoch", theirs);
	if (status == 0)
		status = gt_meta_put(n->store, "version_floor",
		                     n->version_floor);
	if (status == 0)
		status = gt_transfer_renew(n);
	if (status == 0)
		status = gt_meta_put(n->store, "sent", 0);
	return status ? status : gt_audit_row(n, &row);
}

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

static int load_seq(struct gt_node *n)
{
	int status = gt_meta_get(n->store, "cursor", 0, &n->cursor);
	if (status == 0)
		status = gt_item_strangers(n);
	for (int kind = 1; status == 0 && kind <= 3; kind++) {
		sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEM_MAX_SEQ,
		                                 "i", (int64_t)kind);
		status = gt_store_step(n->store, GT_SQL_ITEM_MAX_SEQ);
		if (status < 0)
			return status;
		n->seq[kind] = gt_col_int(st, 0);
		gt_store_reset(n->store, GT_SQL_ITEM_MAX_SEQ);
		status = 0;
	}
	return status;
}

static int on_start(struct gt_node *n, const struct gt_event *e)
{
	assert(!n->started && e->body.n >= sizeof n->entropy);
	memcpy(n->entropy, e->body.p, sizeof n->entropy);
	n->started = true;
	n->wanted_dirty = true;
	gt_fetch_reset(n);
	int status = load_code(n);
	if (status == 0)
		status = load_epoch(n);
	if (status == 0 && n->config.restored)
		status = gt_lineage_forget(n);
	if (status == 0 && n->config.restored)
		status = gt_node_renew(n);
	if (status == 0)
		status = load_seq(n);
	if (status == 0)
		status = gt_layers_load(n);
	if (status == 0)
		status = gt_record_load(n);
	return status ? status : gt_transfer_load(n);
}

/* ------------------------------------------------------------- time */

static int expire_asking(struct gt_node *n)
{
	uint64_t oldest = UINT64_MAX;
	for (uint32_t i = 0; i < GT_REQUESTS_MAX; i++)
		if (n->asking[i].what != GT_ASKED_NONE &&
		    n->asking[i].sent_ms < oldest)
			oldest = n->asking[i].sent_ms;
	n->asking_due = oldest == UINT64_MAX ? 0 : oldest + gt_answer_ms(n);
	if (n->up && n->asking_due && n->now.mono_ms >= n->asking_due)
		return gt_drop_silent(n, n->up, "a request stays unanswered");
	return 0;
}

/* A link nobody speaks on, or a request nobody answers, is dead: everything is
 * answered within a heartbeat. */
static int expire_links(struct gt_node *n)
{
	uint64_t dead = n->config.dead_ms;
	int status = 0;
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		if (p->id && n->now.mono_ms >= p->heard_ms + dead)
			status = gt_drop_silent(n, p, "silent for too long");
	}
	if (status == 0 && n->asking_due && n->now.mono_ms >= n->asking_due)
		status = expire_asking(n);
	return status;
}

static int on_time(struct gt_node *n)
{
	int status = expire_links(n);
	if (status == 0)
		status = gt_fetch_time(n);
	if (status == 0 && n->ages && n->now.mono_ms >= n->age_due) {
		n->age_due = n->now.mono_ms + GT_AGE_MS;
		for (uint32_t i = 0; i < n->npeers; i++)
			n->peers[i].judged = 0;
	}
	return status;
}

static int on_note(struct gt_node *n, const struct gt_event *e)
{
	struct gt_audit row = {.event = "note",
	                       .kind = "daemon",
	                       .actor = e->actor,
	                       .subject = e->text,
	                       .result = e->status,
	                       .detail = e->detail};
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
	case GT_EV_PUBLISH:
		return gt_publish(n, e);
	case GT_EV_WITHDRAW:
		return gt_withdraw(n, e);
	case GT_EV_LAYER:
		return gt_publish_layer(n, e);
	case GT_EV_MEMBERS:
		return gt_publish_members(n, e);
	case GT_EV_STATEMENTS:
		return gt_record_statements(n, e);
	case GT_EV_WANT:
		return gt_fetch_want(n, e);
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
	int status = gt_fetch_go(n);
	if (status == 0)
		status = gt_transfer_go(n);
	if (status == 0)
		status = gt_record_go(n);
	for (uint32_t i = 0; status == 0 && i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		bool more;
		if (p->id && p->parked)
			status = gt_serve_parked(n, p);
		else if (gt_judge_ahead(n, p))
			status = gt_judge(n, p, &more);
	}
	return status;
}

static int fail(struct gt_node *n, int status)
{
	if (n->why[0] == '\0')
		gt_format(n->why, sizeof n->why, "%s",
		          status == -GT_ESTORE ? gt_store_why(n->store)
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
	while (status == 0 && *taken < count && n->turn_bytes < TURN_BYTES &&
	       n->nactions < TURN_ACTIONS) {
		const struct gt_event *e = &events[(*taken)++];
		assert(n->started || e->type == GT_EV_START);
		n->status.events++;
		status = handle(n, e);
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

uint64_t gt_node_deadline(const struct gt_node *n)
{
	uint64_t at = gt_fetch_deadline(n);
	for (uint32_t i = 0; i < n->npeers; i++) {
		const struct gt_peer *p = &n->peers[i];
		if (!p->id)
			continue;
		if (gt_judge_ahead(n, p))
			return 0;
		at = gt_sooner(at, p->heard_ms + n->config.dead_ms);
		if (p->parked)
			at = gt_sooner(
			        at, gt_judge_due(n, p) ? 0 : p->parked_until);
	}
	if (n->asking_due)
		at = gt_sooner(at, n->asking_due);
	if (n->ages && n->npeers)
		at = gt_sooner(at, n->age_due);
	return at;
}

const char *gt_node_why(const struct gt_node *n)
{
	return n->why;
}

void gt_node_status(const struct gt_node *n, struct gt_node_status *out)
{
	*out = n->status;
	out->parent_up = n->up && n->up->session == GT_S_READY;
	out->synced = out->synced && out->parent_up;
	out->bulk_paused = n->paused;
	out->cursor = (uint64_t)n->cursor;
	out->records_waiting = (uint64_t)(n->record_seq - n->hop);
	out->records_unrooted = (uint64_t)(n->record_seq - n->root);
	out->children_up = 0;
	out->nchildren = 0;
	for (uint32_t i = 0; i < n->npeers; i++) {
		const struct gt_peer *p = &n->peers[i];
		if (!p->id || p->parent || p->session != GT_S_READY)
			continue;
		struct gt_child_status *c = &out->children[out->nchildren++];
		*c = (struct gt_child_status){.up = true};
		gt_copy(c->code, sizeof c->code, p->code);
		c->lag = (uint64_t)(p->vseq - p->acked);
		c->frames_sent = p->frames_sent;
		c->bytes_sent = p->bytes_sent;
		out->children_up++;
	}
	gt_transfer_status(n, out);
}
