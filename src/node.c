/* node.c: events in, actions out; the turn around them. */
#include "state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_BYTES = 32 << 20, TURN_ACTIONS = 16384 };

/* ------------------------------------------------------------------- acting */

struct gt_action *gt_act(struct gt_node *n, enum gt_action_type type)
{
	if (n->nactions == n->capactions) {
		size_t cap = n->capactions ? 2 * n->capactions : 256;
		void *v = realloc(n->actions, cap * sizeof *n->actions);
		if (!v)
			return NULL;
		n->actions = v;
		n->capactions = cap;
	}
	struct gt_action *a = &n->actions[n->nactions++];
	*a = (struct gt_action){.type = type};
	return a;
}

int gt_send(struct gt_node *n, const struct gt_peer *p, uint64_t token,
            bool reply, struct gt_bytes head, struct gt_bytes payload)
{
	struct gt_action *a = gt_act(n, GT_ACT_SEND);
	if (!a || !head.p)
		return -GT_ENOMEM;
	a->peer = p->id;
	a->token = token;
	a->reply = reply;
	a->head = head;
	a->payload = payload;
	n->turn_bytes += head.n + payload.n;
	n->status.messages_out++;
	n->status.bytes_out += head.n + payload.n;
	return 0;
}

int gt_send_reply(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  const Gt__Reply *r, struct gt_bytes payload)
{
	return gt_send(n, p, token, true, gt_arena_pack(n->arena, &r->base),
	               payload);
}

int gt_send_error(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                  int code, const char *text, uint64_t retry_ms)
{
	Gt__Error e;
	gt__error__init(&e);
	Gt__Reply r = GT__REPLY__INIT;
	e.code = (uint32_t)(code < 0 ? -code : code);
	e.text = gt_arena_str(n->arena, text ? text : gt_strerror(code));
	if (!e.text)
		return -GT_ENOMEM;
	e.retry_ms = retry_ms;
	r.body_case = GT__REPLY__BODY_ERROR;
	r.error = &e;
	return gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}

int gt_ask(struct gt_node *n, const Gt__Request *r,
           const struct gt_asking *asking, bool *full)
{
	if (full)
		*full = n->asking_count == GT_REQUESTS_MAX;
	if (n->asking_count == GT_REQUESTS_MAX)
		return 0;
	while (n->asking[n->asking_next].what != GT_ASKED_NONE)
		n->asking_next = (n->asking_next + 1) % GT_REQUESTS_MAX;
	uint32_t slot = n->asking_next;
	struct gt_asking *a = &n->asking[slot];
	*a = *asking;
	a->sent_ms = n->now.mono_ms;
	a->generation = ++n->asking_generation & 0xfffff;
	n->asking_count++;
	if (!n->asking_due)
		n->asking_due =
		        n->now.mono_ms + 2 * (uint64_t)n->config.dead_ms;
	n->asking_next = (slot + 1) % GT_REQUESTS_MAX;
	return gt_send(n, n->up, (uint64_t)a->generation << 10 | slot, false,
	               gt_arena_pack(n->arena, &r->base), (struct gt_bytes){0});
}

int gt_drop(struct gt_node *n, struct gt_peer *p, const char *why)
{
	struct gt_action *a = gt_act(n, GT_ACT_DROP);
	if (!a)
		return -GT_ENOMEM;
	a->peer = p->id;
	a->text = gt_arena_str(n->arena, why);
	if (!a->text)
		return -GT_ENOMEM;
	n->status.drops++;
	struct gt_audit row = {.event = "link",
	                       .kind = "link",
	                       .subject = p->code,
	                       .peer = p->code,
	                       .result = -GT_ECLOSED,
	                       .detail = why};
	int status = gt_audit_row(n, &row);
	if (status == 0)
		status = gt_log(
		        n, GT_LOG_WARN, "dropping the link to %s (%s): %s",
		        p->code[0] ? p->code : "a stranger", p->address, why);
	if (status == 0)
		status = gt_session_down(n, p);
	return status;
}

__attribute__((format(printf, 5, 0))) static int
text_action(struct gt_node *n, enum gt_action_type type, uint64_t token,
            int status, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	struct gt_action *a = gt_act(n, type);
	char *text = gt_arena_get(n->arena, (size_t)len + 1);
	if (!a || !text || len < 0)
		return -GT_ENOMEM;
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	a->token = token;
	a->status = status;
	a->text = text;
	return 0;
}

int gt_reply(struct gt_node *n, uint64_t token, int status, const char *fmt,
             ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = text_action(n, GT_ACT_REPLY, token, status, fmt, ap);
	va_end(ap);
	return rc;
}

int gt_log(struct gt_node *n, enum gt_log_level level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = text_action(n, GT_ACT_LOG, 0, (int)level, fmt, ap);
	va_end(ap);
	return rc;
}

void gt_draw(struct gt_node *n, uint8_t *out, size_t len)
{
	while (len > 0) {
		struct gt_id block;
		uint8_t count[8];
		gt_put64(count, n->drawn++);
		struct gt_bytes parts[2] = {{n->entropy, sizeof n->entropy},
		                            {count, sizeof count}};
		gt_sha256(&block, parts, 2);
		size_t take = len < sizeof block.b ? len : sizeof block.b;
		memcpy(out, block.b, take);
		out += take;
		len -= take;
	}
}

struct gt_peer *gt_peer_by_id(struct gt_node *n, uint32_t id)
{
	for (uint32_t i = 0; id != 0 && i < n->npeers; i++)
		if (n->peers[i].id == id)
			return &n->peers[i];
	return NULL;
}

struct gt_peer *gt_peer_by_code(struct gt_node *n, const char *code)
{
	for (uint32_t i = 0; i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		if (p->id && p->session == GT_S_READY && !p->parent &&
		    strcmp(p->code, code) == 0)
			return p;
	}
	return NULL;
}

/* --------------------------------------------------------- opening and START
 */

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
	if (!c->transfers || c->transfers > GT_TRANSFERS_MAX)
		c->transfers = 4;
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
static int renew(struct gt_node *n)
{
	if (!n->config.restored)
		return 0;
	gt_draw(n, n->epoch, sizeof n->epoch);
	gt_draw(n, n->parent_epoch, sizeof n->parent_epoch);
	if (n->now.wall_ms > n->version_floor)
		n->version_floor = n->now.wall_ms;
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
	n->window = n->config.window_min;
	int status = load_code(n);
	if (status == 0)
		status = load_epoch(n);
	if (status == 0)
		status = renew(n);
	if (status == 0)
		status = load_seq(n);
	if (status == 0)
		status = gt_layers_load(n);
	if (status == 0)
		status = gt_record_load(n);
	return status;
}

/* -------------------------------------------------------------------- links */

static int on_peer_up(struct gt_node *n, const struct gt_event *e)
{
	uint32_t slot = 0;
	while (slot < GT_PEERS_MAX && n->peers[slot].id)
		slot++;
	if (slot == GT_PEERS_MAX) {
		struct gt_peer stranger = {.id = e->peer};
		return gt_drop(n, &stranger, "too many links");
	}
	if (slot >= n->npeers)
		n->npeers = slot + 1;
	struct gt_peer *p = &n->peers[slot];
	*p = (struct gt_peer){.id = e->peer, .parent = e->parent};
	p->heard_ms = n->now.mono_ms;
	gt_copy(p->address, sizeof p->address, e->detail ? e->detail : "");
	if (e->text && *e->text) {
		p->certified = true;
		if (!gt_copy(p->code, sizeof p->code, e->text))
			return gt_drop(n, p, "certificate code too long");
	}
	if (e->body.n >= sizeof p->nonce_ours)
		memcpy(p->nonce_ours, e->body.p, sizeof p->nonce_ours);
	else
		gt_draw(n, p->nonce_ours, sizeof p->nonce_ours);
	return gt_session_up(n, p);
}

static int on_peer_down(struct gt_node *n, const struct gt_event *e)
{
	struct gt_peer *p = gt_peer_by_id(n, e->peer);
	return p ? gt_session_down(n, p) : 0;
}

static int on_request(struct gt_node *n, struct gt_peer *p,
                      const struct gt_event *e)
{
	Gt__Request *r = gt__request__unpack(gt_arena_allocator(n->arena),
	                                     e->body.n, e->body.p);
	uint64_t token = e->token;
	if (!r || r->body_case == GT__REQUEST__BODY__NOT_SET) {
		int status = gt_send_error(n, p, token, GT_EMALFORMED,
		                           "not a request of this protocol", 0);
		return status ? status
		              : gt_drop(n, p,
		                        r ? "unknown request"
		                          : "malformed request");
	}
	if (r->body_case == GT__REQUEST__BODY_HELLO)
		return gt_session_hello(n, p, token, r->hello);
	if (r->body_case == GT__REQUEST__BODY_PROVE)
		return gt_session_prove(n, p, token, r->prove);
	if (p->session != GT_S_READY) {
		int status = gt_send_error(n, p, token, GT_EIDENTITY,
		                           "say Hello and Prove first", 0);
		return status ? status
		              : gt_drop(n, p, "request before Hello and Prove");
	}
	switch (r->body_case) {
	case GT__REQUEST__BODY_CHANGES:
		return gt_serve_changes(n, p, token, r->changes);
	case GT__REQUEST__BODY_MANIFEST:
		return gt_serve_manifest(n, p, token, r->manifest);
	case GT__REQUEST__BODY_FRAME:
		return gt_serve_frame(n, p, token, r->frame);
	case GT__REQUEST__BODY_RECORDS:
		return gt_record_batch(n, p, token, r->records);
	case GT__REQUEST__BODY_OFFER:
		return gt_serve_offer(n, p, token, r->offer);
	case GT__REQUEST__BODY_INVENTORY:
		return gt_judge_inventory(n, p, token, r->inventory);
	case GT__REQUEST__BODY_DONE:
		return gt_serve_done(n, p, token, r->done);
	case GT__REQUEST__BODY_HELLO:
	case GT__REQUEST__BODY_PROVE:
	case GT__REQUEST__BODY__NOT_SET:
	case _GT__REQUEST__BODY__CASE_IS_INT_SIZE:
	default:
		return gt_drop(n, p, "unknown request");
	}
}

/* Which reply answers which request; an Error may answer any. */
static bool fits(enum gt_asked what, Gt__Reply__BodyCase reply)
{
	switch (what) {
	case GT_ASKED_HELLO:
		return reply == GT__REPLY__BODY_HELLO;
	case GT_ASKED_PROVE:
		return reply == GT__REPLY__BODY_PROVE;
	case GT_ASKED_CHANGES:
		return reply == GT__REPLY__BODY_CHANGES;
	case GT_ASKED_MANIFEST:
		return reply == GT__REPLY__BODY_MANIFEST;
	case GT_ASKED_FRAME:
		return reply == GT__REPLY__BODY_FRAME;
	case GT_ASKED_RECORDS:
		return reply == GT__REPLY__BODY_RECORDS;
	case GT_ASKED_OFFER:
	case GT_ASKED_INVENTORY:
	case GT_ASKED_DONE:
		return reply == GT__REPLY__BODY_OK;
	case GT_ASKED_NONE:
	default:
		return false;
	}
}

static int on_error_reply(struct gt_node *n, const struct gt_asking *a,
                          const Gt__Error *m)
{
	char why[300];
	if (a->what == GT_ASKED_MANIFEST || a->what == GT_ASKED_FRAME)
		return gt_fetch_refused(n, a, m);
	if (a->what == GT_ASKED_DONE)
		return 0;
	gt_format(why, sizeof why, "the parent answered %s: %.200s",
	          gt_errname((int)m->code), m->text);
	return gt_drop(n, n->up, why);
}

static int on_fitting_reply(struct gt_node *n, const struct gt_asking *a,
                            const Gt__Reply *r, const struct gt_event *e)
{
	switch (a->what) {
	case GT_ASKED_HELLO:
		return gt_session_hello_reply(n, r->hello);
	case GT_ASKED_PROVE:
		return gt_session_prove_reply(n, r->prove);
	case GT_ASKED_CHANGES:
		return gt_follow_changes(n, r->changes);
	case GT_ASKED_MANIFEST:
		return gt_fetch_manifest(n, a, r->manifest, e->payload);
	case GT_ASKED_FRAME:
		return gt_fetch_frame(n, a, e);
	case GT_ASKED_RECORDS:
		return gt_record_reply(n, r->records);
	case GT_ASKED_INVENTORY:
		return gt_follow_inventory(n);
	case GT_ASKED_OFFER:
	case GT_ASKED_DONE:
	case GT_ASKED_NONE:
	default:
		return 0;
	}
}

static int on_answer(struct gt_node *n, struct gt_peer *p,
                     const struct gt_event *e)
{
	struct gt_asking *slot = &n->asking[e->token % GT_REQUESTS_MAX];
	struct gt_asking a = *slot;
	if (a.what == GT_ASKED_NONE || a.generation != e->token >> 10)
		return 0; /* answered before, or asked on another link */
	*slot = (struct gt_asking){0};
	n->asking_count--;
	Gt__Reply *r = gt__reply__unpack(gt_arena_allocator(n->arena),
	                                 e->body.n, e->body.p);
	if (!r)
		return gt_drop(n, p, "malformed answer");
	if (r->body_case == GT__REPLY__BODY_ERROR)
		return on_error_reply(n, &a, r->error);
	if (!fits(a.what, r->body_case))
		return gt_drop(n, p, "answer does not fit the request");
	return on_fitting_reply(n, &a, r, e);
}

static int on_msg(struct gt_node *n, const struct gt_event *e)
{
	struct gt_peer *p = gt_peer_by_id(n, e->peer);
	if (!p)
		return 0; /* dropped earlier in this turn or the last */
	n->status.messages_in++;
	n->status.bytes_in += e->body.n + e->payload.n;
	p->heard_ms = n->now.mono_ms;
	if (e->status != 0 && !p->parent) {
		int status = gt_send_error(n, p, e->token, GT_EMALFORMED,
		                           "not a message of this protocol", 0);
		return status ? status : gt_drop(n, p, "malformed message");
	}
	if (e->status != 0)
		return gt_drop(n, p, "malformed message");
	return p->parent ? on_answer(n, p, e) : on_request(n, p, e);
}

/* --------------------------------------------------------------------- time */

static uint64_t answer_time(const struct gt_node *n)
{
	return 2 * (uint64_t)n->config.dead_ms;
}

static int expire_asking(struct gt_node *n)
{
	uint64_t oldest = UINT64_MAX;
	for (uint32_t i = 0; i < GT_REQUESTS_MAX; i++)
		if (n->asking[i].what != GT_ASKED_NONE &&
		    n->asking[i].sent_ms < oldest)
			oldest = n->asking[i].sent_ms;
	n->asking_due = oldest == UINT64_MAX ? 0 : oldest + answer_time(n);
	if (n->up && n->asking_due && n->now.mono_ms >= n->asking_due)
		return gt_drop(n, n->up, "a request stays unanswered");
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
			status = gt_drop(n, p, "silent for too long");
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
		return on_peer_up(n, e);
	case GT_EV_PEER_DOWN:
		return on_peer_down(n, e);
	case GT_EV_MSG:
		return on_msg(n, e);
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

/* --------------------------------------------------------------------- turn */

/* What follows from all of a turn's events together. */
static int settle(struct gt_node *n)
{
	int status = gt_fetch_go(n);
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
	int status = gt_store_checkpoint(n->store);
	if (status == 0)
		status = gt_store_begin(n->store);
	while (status == 0 && *taken < count && n->turn_bytes < TURN_BYTES &&
	       n->nactions < TURN_ACTIONS) {
		const struct gt_event *e = &events[(*taken)++];
		assert(n->started || e->type == GT_EV_START);
		n->status.events++;
		status = handle(n, e);
	}
	if (status == 0)
		status = settle(n);
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

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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
		at = sooner(at, p->heard_ms + n->config.dead_ms);
		if (p->parked)
			at = sooner(at,
			            gt_judge_due(n, p) ? 0 : p->parked_until);
	}
	if (n->asking_due)
		at = sooner(at, n->asking_due);
	if (n->ages && n->npeers)
		at = sooner(at, n->age_due);
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
