/* twin.c: which of two that say they are one child is held off (twin.h).
 * Tests: u_twin.c. */
#include "twin.h"

#include <string.h>

#include "lineage.h"
#include "schema.h"

enum { SIGNS = 2, LATER_MS = 2000, TRIED_MS = 10 * 60 * 1000 };

/* One that comes no more is forgotten. */
static const int64_t kept_ms = 30 * (int64_t)86400000;

/* What is known of one that is held off. */
struct row {
	bool there, same; /* ... that shows what this one does */
	enum gt_heldoff word;
	int64_t tried_ms;
};

static int count(struct gt_node *n)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_HELD_COUNT, "");
	int row = gt_store_step(n->store, GT_SQL_HELD_COUNT);
	n->status.copies_held = row == 1 ? (uint64_t)gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_HELD_COUNT);
	n->touched = true;
	return row < 0 ? row : 0;
}

int gt_twin_load(struct gt_node *n)
{
	n->pasts->begun_ms = n->now.mono_ms;
	gt_store_bind(n->store, GT_SQL_HELD_OLD, "i", n->now.wall_ms - kept_ms);
	int status = gt_store_run(n->store, GT_SQL_HELD_OLD);
	return status ? status : count(n);
}

static int read_row(struct gt_node *n, const struct gt_peer *p, struct row *r)
{
	uint8_t shown[GT_ID_BYTES];
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_HELD_GET, "t", p->code);
	int row = gt_store_step(n->store, GT_SQL_HELD_GET);
	*r = (struct row){.there = row == 1};
	if (row == 1) {
		r->same = gt_col_fixed(st, 0, shown, sizeof shown) &&
		          memcmp(shown, p->child.lineage, sizeof shown) == 0;
		r->word = (enum gt_heldoff)gt_col_int(st, 1);
		r->tried_ms = gt_col_int(st, 2);
	}
	gt_store_reset(n->store, GT_SQL_HELD_GET);
	return row < 0 ? row : 0;
}

static int let_in(struct gt_node *n, const struct gt_peer *p)
{
	gt_store_bind(n->store, GT_SQL_HELD_DROP, "t", p->code);
	int status = gt_store_run(n->store, GT_SQL_HELD_DROP);
	return status ? status : count(n);
}

/* The other of the two was here a while ago. */
static int was_here(struct gt_node *n, const struct gt_peer *p, bool *is)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_CHILD_SEEN, "t", p->code);
	int row = gt_store_step(n->store, GT_SQL_CHILD_SEEN);
	int64_t ago = n->now.wall_ms - (row == 1 ? gt_col_int(st, 0) : 0);
	gt_store_reset(n->store, GT_SQL_CHILD_SEEN);
	*is = (ago >= 0 && ago < GT_TWIN_AWAY_MS) ||
	      n->now.mono_ms < n->pasts->begun_ms + GT_TWIN_BACK_MS;
	return row < 0 ? row : 0;
}

static int hold_off(struct gt_node *n, const struct gt_peer *p)
{
	gt_store_bind(n->store, GT_SQL_HELD_PUT, "tbbit", p->code,
	              gt_bytes_of(p->child.lineage, GT_ID_BYTES),
	              gt_bytes_of(p->epoch, sizeof p->epoch), n->now.wall_ms,
	              p->address);
	int status = gt_store_run(n->store, GT_SQL_HELD_PUT);
	if (status == 0)
		status = count(n);
	return status ? status
	              : gt_lineage_note(
	                        n, p,
	                        "two of that code speak at once: the one that "
	                        "came later is held off until an operator "
	                        "says which is right");
}

/* One who is held off already. */
static int look_again(struct gt_node *n, const struct gt_hold *h,
                      const struct gt_peer *p, bool linked, const struct row *r,
                      enum gt_twin *out)
{
	bool near = linked || r->word == GT_HELDOFF_WRONG;
	int status = near ? 0 : was_here(n, p, &near);
	if (status != 0)
		return status;
	*out = GT_TWIN_WAITS;
	if (r->word == GT_HELDOFF_RIGHT || !near) {
		*out = GT_TWIN_OLD;
		return let_in(n, p);
	}
	if (n->now.mono_ms < h->until)
		return 0;
	*out = GT_TWIN_HELD_OFF;
	int64_t since_ms = n->now.wall_ms - r->tried_ms;
	if (since_ms >= 0 && since_ms < TRIED_MS)
		return 0;
	gt_store_bind(n->store, GT_SQL_HELD_TRIED, "tit", p->code,
	              n->now.wall_ms, p->address);
	return gt_store_run(n->store, GT_SQL_HELD_TRIED);
}

/* The other one's Changes waits: it is answered now, and the next one is a sign of
 * life. */
static void probe(struct gt_node *n, struct gt_hold *h, struct gt_child *other)
{
	if (!other->parked || (h->probed && h->asked == other->parked_token))
		return;
	h->signs += h->probed;
	h->probed = true;
	h->asked = other->parked_token;
	other->parked_until = n->now.mono_ms;
}

int gt_twin_look(struct gt_node *n, struct gt_hold *h, const struct gt_peer *p,
                 enum gt_twin *out)
{
	struct gt_peer *other = gt_peer_by_code(n, p->code);
	struct row r;
	int status = read_row(n, p, &r);
	if (status != 0)
		return status;
	if (r.there && r.same)
		return look_again(n, h, p, other != NULL, &r, out);
	*out = other ? GT_TWIN_WAITS : GT_TWIN_OLD;
	if (!other)
		return 0;
	probe(n, h, &other->child);
	if (h->signs >= SIGNS) {
		*out = GT_TWIN_HELD_OFF;
		return hold_off(n, p);
	}
	if (n->now.mono_ms >= h->until)
		*out = GT_TWIN_ASKS_LATER;
	return 0;
}

int gt_twin_meet(struct gt_node *n, const struct gt_peer *p, uint64_t token,
                 enum gt_twin *first)
{
	struct gt_pasts *all = n->pasts;
	struct gt_hold h = {.peer = p->id,
	                    .token = token,
	                    .until = n->now.mono_ms + n->config.heartbeat_ms +
	                             LATER_MS};
	int status = gt_twin_look(n, &h, p, first);
	if (status != 0 || *first != GT_TWIN_WAITS)
		return status;
	if (all->nholds < GT_HOLDS)
		all->holds[all->nholds++] = h;
	else
		*first = GT_TWIN_ASKS_LATER;
	return 0;
}

uint64_t gt_twin_deadline(const struct gt_node *n)
{
	uint64_t at = UINT64_MAX;
	for (size_t i = 0; i < n->pasts->nholds; i++)
		at = gt_sooner(at, n->pasts->holds[i].until);
	return at;
}

int gt_twin_keep(struct gt_node *n, const struct gt_event *e)
{
	static const char *const said[] = {
	        "an operator says that the one that is linked is right",
	        "an operator says that the one that is held off is right"};
	bool held = e->number == 1;
	struct gt_audit row = {.actor = e->actor,
	                       .event = "link",
	                       .kind = "link",
	                       .subject = e->text,
	                       .peer = e->text,
	                       .detail = said[held]};
	int64_t before = gt_store_changes(n->store);
	gt_store_bind(n->store, GT_SQL_HELD_WORD, "ti", e->text,
	              (int64_t)(held ? GT_HELDOFF_RIGHT : GT_HELDOFF_WRONG));
	int status = gt_store_run(n->store, GT_SQL_HELD_WORD);
	if (status == 0 && gt_store_changes(n->store) == before)
		return gt_reply(n, e->token, -GT_EUNKNOWN,
		                "no node of the code %s is held off here",
		                e->text);
	if (status == 0)
		status = count(n);
	if (status == 0)
		status = gt_audit_row(n, &row);
	return status ? status : gt_reply(n, e->token, 0, "{}");
}
