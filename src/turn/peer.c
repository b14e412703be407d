#include "peer.h"

#include <string.h>

bool gt_up_ready(const struct gt_node *n)
{
	return n->up && n->up->session == GT_S_READY &&
	       n->up->kind == GT__LINK__CHILD;
}

bool gt_up_following(const struct gt_node *n)
{
	return gt_up_ready(n) && n->up->following;
}

/* ------------------------------------------------------------ slots */

bool gt_peer_here(const struct gt_peer *p)
{
	return p->id != 0 && p->session != GT_S_GONE;
}

struct gt_peer *gt_peer_by_id(struct gt_node *n, uint32_t id)
{
	for (uint32_t i = 0; id != 0 && i < n->npeers; i++)
		if (n->peers[i].id == id)
			return gt_peer_here(&n->peers[i]) ? &n->peers[i] : NULL;
	return NULL;
}

const char *gt_up_code(const struct gt_node *n)
{
	return n->up ? n->up->code : n->parent;
}

struct gt_peer *gt_peer_by_code(struct gt_node *n, const char *code)
{
	for (uint32_t i = 0; i < n->npeers; i++) {
		struct gt_peer *p = &n->peers[i];
		if (p->id && p->session == GT_S_READY && !p->parent &&
		    p->kind == GT__LINK__CHILD && strcmp(p->code, code) == 0)
			return p;
	}
	return NULL;
}

uint64_t gt_peer_copies(const struct gt_node *n)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < n->npeers; i++)
		if (gt_peer_here(&n->peers[i]) && !n->peers[i].parent)
			sum += n->peers[i].child.copies;
	return sum;
}

struct gt_peer *gt_peer_new(struct gt_node *n)
{
	uint32_t slot = 0;
	while (slot < n->config.max_links && n->peers[slot].id)
		slot++;
	if (slot == n->config.max_links)
		return NULL;
	if (slot >= n->npeers)
		n->npeers = slot + 1;
	n->peers[slot] = (struct gt_peer){0};
	return &n->peers[slot];
}

/* ------------------------------------------------------------ going */

/* up: why is "". */
static int note(struct gt_node *n, const struct gt_peer *p, bool up,
                const char *why)
{
	struct gt_audit row = {.event = "link",
	                       .kind = "link",
	                       .subject = p->code,
	                       .peer = p->code,
	                       .detail = up ? "up" : "down"};
	bool written;
	n->touched = true;
	int status = gt_audit_told(n, p->code, &row, &written);
	if (status != 0 || !written)
		return status;
	return *why ? gt_log(n, GT_LOG_INFO, "link to %s (%s) is down: %s",
	                     p->code, p->address, why)
	            : gt_log(n, GT_LOG_INFO,
	                     up ? "link to %s (%s) is up"
	                        : "link to %s (%s) is down",
	                     p->code, p->address);
}

int gt_peer_note(struct gt_node *n, const struct gt_peer *p)
{
	return note(n, p, true, "");
}

int gt_peer_gone(struct gt_node *n, struct gt_peer *p, const char *why)
{
	assert(p->session != GT_S_GONE);
	bool ready = p->session == GT_S_READY;
	p->session = GT_S_GONE;
	n->gone = true;
	n->touched = true;
	if (p == n->up)
		n->up = NULL;
	return ready ? note(n, p, false, why) : 0;
}

static int drop(struct gt_node *n, struct gt_peer *p, int how, const char *why)
{
	struct gt_action *a = gt_act(n, GT_ACT_DROP);
	if (!a)
		return -GT_ENOMEM;
	a->peer = p->id;
	a->status = how;
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
	/* who has proved nothing may call himself anything */
	bool known = p->parent || p->certified || p->session == GT_S_READY;
	bool written;
	int status = gt_audit_told(n, known ? p->code : "", &row, &written);
	if (status == 0 && written)
		status = gt_log(
		        n, GT_LOG_WARN, "dropping the link to %s (%s): %s",
		        p->code[0] ? p->code : "a stranger", p->address, why);
	return status ? status : gt_peer_gone(n, p, "");
}

int gt_drop(struct gt_node *n, struct gt_peer *p, const char *why)
{
	return drop(n, p, 0, why);
}

int gt_drop_silent(struct gt_node *n, struct gt_peer *p, const char *why)
{
	return drop(n, p, -GT_ECLOSED, why);
}

/* ---------------------------------------------------- a child's row */

/* Counters that cannot be, of a row that was damaged: what the child says then
 * is strange, and it shows all it has; its records it hands up again. No number
 * is given twice. */
static int mend(struct gt_node *n, const char *code, struct gt_child *c)
{
	static const int64_t most = INT64_MAX / 2;
	bool feed = c->acked < 0 || c->acked > c->vseq || c->vseq > most ||
	            c->judged < 0 || c->judged_members < 0;
	bool records = c->rooted < 0 || c->rooted > c->records;
	if (!feed && !records)
		return 0;
	if (feed) {
		int64_t last = c->acked > c->vseq ? c->acked : c->vseq;
		c->vseq = c->acked = last < 0 || last > most ? 1 : last + 1;
		c->judged = c->judged_members = 0;
	}
	if (records)
		c->records = c->rooted = 0;
	return gt_log(n, GT_LOG_ERROR,
	              "what the database says of child %s was damaged: it is "
	              "made anew with the child. Look after this disk",
	              code);
}

int gt_peer_load(struct gt_node *n, struct gt_peer *p, bool *same_epoch)
{
	struct gt_child *c = &p->child;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_CHILD_BY_CODE, "t", p->code);
	int row = gt_store_step(n->store, GT_SQL_CHILD_BY_CODE);
	uint8_t epoch[GT_EPOCH_BYTES];
	*same_epoch = true;
	if (row == 1) {
		c->cid = gt_col_int(st, 0);
		*same_epoch = gt_col_fixed(st, 1, epoch, sizeof epoch) &&
		              memcmp(epoch, p->epoch, sizeof epoch) == 0;
		gt_col_fixed(st, 2, c->filter.b, sizeof c->filter.b);
		c->judged_members = gt_col_int(st, 3);
		c->judged = gt_col_int(st, 4);
		c->vseq = gt_col_int(st, 5);
		c->acked = gt_col_int(st, 6);
		c->records = gt_col_int(st, 7);
		c->rooted = gt_col_int(st, 8);
	}
	gt_store_reset(n->store, GT_SQL_CHILD_BY_CODE);
	if (row != 0)
		return row < 0 ? row : mend(n, p->code, c);
	gt_store_bind(n->store, GT_SQL_CHILD_NEW, "ti", p->code,
	              n->now.wall_ms);
	int status = gt_store_run(n->store, GT_SQL_CHILD_NEW);
	c->cid = gt_store_rowid(n->store);
	return status;
}

int gt_peer_save(struct gt_node *n, struct gt_peer *p)
{
	const struct gt_child *c = &p->child;
	assert(c->acked <= c->vseq);
	gt_store_bind(n->store, GT_SQL_CHILD_PUT, "ibbiiiiiii", c->cid,
	              gt_bytes_of(p->epoch, sizeof p->epoch),
	              gt_bytes_of(c->filter.b, sizeof c->filter.b),
	              c->judged_members, c->judged, c->vseq, c->acked,
	              c->records, c->rooted, n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_CHILD_PUT);
}
