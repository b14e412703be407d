/* bound.c: how far a flood gets. Whoever never stops is told to come later, and
 * nobody else is for his sake; what a node keeps of him has the end it is said to
 * have; a disk without room takes no records, and what must be here does not
 * give way to what somebody asked for.
 *
 * The node's own counters say only that somebody was refused: who may be and who
 * may not is reckoned here, from what was sent. */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "ask.h"
#include "content_inside.h"
#include "flood.h"
#include "records_inside.h"
#include "work.h"

enum {
	HOUR_MS = 3600000,
	LEAST_ROOM = 64 << 10, /* that any hand-in takes (records/later.c) */
	SLACK = 4096,          /* bytes that rounding of leaks may make */
	HEAPS = 1024,
	GONE = 64
};

/* Of one run of a node. */
static struct {
	uint64_t incarnation, since_ms;
	uint64_t counts[BOUND_KINDS];
	uint64_t evicted;
	int64_t seq, aid;
	int64_t hop; /* the greatest: what was above once waits no more */
} seen[NODES_MAX];

/* What was taken of one who floods, never more than it was: in one run of a
 * node, and what waits there over its runs. */
struct account {
	uint64_t sum, largest;
	struct {
		uint64_t weight;
		int64_t upto;
	} heap[HEAPS];
	size_t heaps;
};
static struct account child, terminal;

/* What was taken of a true child: never less than it was. */
static struct {
	uint64_t level, at_ms;
	int64_t last;
} honest[NODES_MAX];

/* Files given up in this turn. */
static struct gt_id gone[GONE];
static size_t ngone;

void bound_init(void)
{
	memset(seen, 0, sizeof seen);
	memset(honest, 0, sizeof honest);
	child = terminal = (struct account){0};
	ngone = 0;
}

bool bound_has(const struct sim_node *s, const uint8_t id[GT_UUID_BYTES])
{
	return ask_one(s,
	               "SELECT 1 FROM record WHERE id=?2 UNION ALL"
	               " SELECT 1 FROM quarantine WHERE id=?2 LIMIT 1",
	               NULL, id, GT_UUID_BYTES) == 1;
}

/* ------------------------------------------------- of those who flood */

static void take(struct world *w, const struct sim_node *s, struct account *a,
                 uint64_t weight, uint64_t hourly, uint64_t waiting,
                 const char *who)
{
	uint64_t past = w->now - seen[s->index].since_ms, wait = 0;
	size_t kept = 0;
	if (clone_alive(w) || s->two_pasts)
		return; /* the other copy counts for itself */
	a->sum += weight;
	a->largest = weight > a->largest ? weight : a->largest;
	/* what was known already, or is no record, waits for nothing */
	if (a->heaps < HEAPS && s->core->records->seq > seen[s->index].seq) {
		a->heap[a->heaps].weight = weight;
		a->heap[a->heaps++].upto = s->core->records->seq;
	}
	for (size_t i = 0; i < a->heaps; i++)
		if (a->heap[i].upto > seen[s->index].hop) {
			wait += a->heap[i].weight;
			a->heap[kept++] = a->heap[i];
		}
	a->heaps = kept;
	if (a->sum > hourly + hourly / HOUR_MS * past +
	                     hourly % HOUR_MS * past / HOUR_MS + a->largest)
		world_fail(w, "share",
		           "%s took %llu bytes of %s in %llu ms, of %llu per "
		           "hour",
		           s->code, (unsigned long long)a->sum, who,
		           (unsigned long long)past,
		           (unsigned long long)hourly);
	if (wait > (waiting > a->largest ? waiting : a->largest))
		world_fail(w, "waiting",
		           "%llu bytes of %s wait at %s, of %llu that may",
		           (unsigned long long)wait, who, s->code,
		           (unsigned long long)waiting);
}

void bound_taken(struct world *w, struct sim_node *s, uint64_t weight)
{
	struct flood_budget b = flood_budget(w, s);
	if (seen[s->index].incarnation == s->incarnation)
		take(w, s, &child, weight, b.child_hour, b.child_waiting,
		     flood_code());
}

/* So many of a thing that may be so many in an hour. */
static void rows(struct world *w, const struct sim_node *s, const char *events,
                 uint64_t hourly, uint64_t beside)
{
	char sql[160];
	uint64_t past = w->now - seen[s->index].since_ms;
	gt_format(sql, sizeof sql,
	          "SELECT count(*) FROM audit WHERE aid>%lld AND peer=?1"
	          " AND event IN(%s)",
	          (long long)seen[s->index].aid, events);
	int64_t n = ask_one(s, sql, flood_code(), NULL, 0);
	if ((uint64_t)n > hourly + hourly * past / HOUR_MS + 16 + beside)
		world_fail(w, "rows",
		           "%s wrote %lld rows of %s for %s in %llu ms",
		           s->code, (long long)n, events, flood_code(),
		           (unsigned long long)past);
}

/* What is judged for the child by others' doing: of each version, and of all
 * by each version of rules. */
static uint64_t by_others(const struct world *w)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < work.nresources; i++)
		n += work.resources[i].issues.n;
	for (unsigned i = 0; i < w->count; i++)
		n += work.layers[i].n * work.nresources;
	return n;
}

void bound_rows(struct world *w, struct sim_node *s)
{
	uint64_t feed = flood_budget(w, s).feed_rows;
	if (seen[s->index].incarnation != s->incarnation)
		return;
	rows(w, s, "'link','quarantine','receive'", GT_ROWS_HOUR, 0);
	rows(w, s, "'serve'", GT_STRAYS_HOUR, 0);
	if (feed)
		rows(w, s, "'judge'", feed, by_others(w));
	int64_t aside =
	        ask_one(s, "SELECT count(*) FROM quarantine WHERE via=?1",
	                flood_code(), NULL, 0);
	int64_t bytes = ask_one(s,
	                        "SELECT ifnull(sum(length(body)),0)"
	                        " FROM quarantine WHERE via=?1",
	                        flood_code(), NULL, 0);
	if (aside > GT_ASIDE_ROWS || bytes > GT_ASIDE_BYTES)
		world_fail(w, "rows",
		           "%s set aside %lld records of %s, of %lld bytes",
		           s->code, (long long)aside, flood_code(),
		           (long long)bytes);
}

/* ------------------------------------------------------- of the others */

static uint64_t leaked(uint64_t level, uint64_t hourly, uint64_t past_ms)
{
	uint64_t out = past_ms >= HOUR_MS ? level : hourly * past_ms / HOUR_MS;
	return out < level ? level - out : 0;
}

static void child_batch(struct world *w, const struct sim_node *s,
                        const struct sim_node *from, uint64_t weight,
                        const uint64_t *more)
{
	struct flood_budget b = flood_budget(w, s);
	bool refused =
	        more[BOUND_SHARE] + more[BOUND_WAITING] + more[BOUND_ROOM] > 0;
	unsigned i = clone_home(w, from->index);
	honest[i].level =
	        leaked(honest[i].level, b.child_hour, w->now - honest[i].at_ms);
	honest[i].at_ms = w->now;
	if (!refused) {
		honest[i].level += weight;
		honest[i].last = s->core->records->seq;
		return;
	}
	if (clone_alive(w) || s->two_pasts)
		return; /* the other copy counts for itself */
	if (more[BOUND_SHARE] &&
	    honest[i].level + weight + SLACK <= b.child_hour)
		world_fail(w, "share",
		           "%s puts off %s, which brought %llu bytes of %llu",
		           s->code, from->code,
		           (unsigned long long)honest[i].level,
		           (unsigned long long)b.child_hour);
	if (more[BOUND_WAITING] && s->core->records->hop >= honest[i].last)
		world_fail(w, "waiting",
		           "%s puts off %s for what waits, and nothing of it "
		           "does",
		           s->code, from->code);
}

/* What a message says of records at most; 0: it is no such message. */
static uint64_t weight_of(const struct gt_event *e)
{
	enum { RECORDS_TAG = GT__REQUEST__BODY_RECORDS << 3 | 2 };
	if (e->type != GT_EV_MSG || e->body.n == 0 ||
	    e->body.p[0] != RECORDS_TAG)
		return 0;
	struct gt_arena *arena = sim_must(gt_arena_new());
	Gt__Request *r = gt__request__unpack(gt_arena_allocator(arena),
	                                     e->body.n, e->body.p);
	uint64_t weight = BOUND_ROW;
	for (size_t i = 0; r && i < r->records->n_records; i++)
		weight += BOUND_ROW + r->records->records[i]->body.len +
		          strlen(r->records->records[i]->authority);
	gt_arena_free(arena);
	return weight;
}

static void terminal_batch(struct world *w, const struct sim_node *s,
                           const struct gt_event *e)
{
	struct flood_budget b = flood_budget(w, s);
	uint64_t weight = BOUND_ROW;
	for (size_t i = 0; i < e->count; i++)
		weight += e->statements[i].body.n + BOUND_ROW;
	take(w, s, &terminal, weight, b.terminal_hour, b.terminal_waiting,
	     e->detail);
}

/* ----------------------------------------------------------- the disk */

void bound_removed(struct world *w, struct sim_node *s,
                   const struct gt_id *object)
{
	if (w->faults & FAULT_FLOOD && s->core && ngone < GONE)
		gone[ngone++] = *object;
}

#define KEPT(of)                                                         \
	"SELECT 1 FROM item k WHERE (k.object=" of " OR k.prior=" of ")" \
	" AND k.state=0 AND (k.verdict=3 OR k.own=1)"

static void gave_way(struct world *w, const struct sim_node *s)
{
	for (size_t i = 0; i < ngone; i++)
		if (ask_one(s, KEPT("?2"), NULL, gone[i].b, GT_ID_BYTES) == 1)
			world_fail(w, "evicted",
			           "%s gave up for want of room what must be "
			           "here",
			           s->code);
}

/* Something that must be here has no room, and what need not be stays. */
static void starves(struct world *w, const struct sim_node *s)
{
	bool any = false;
	GT_EACH_OBJECT(o, s->core->content)
		any = any || (o->starved && o->filling && !o->doomed && o->m);
	if (any && ask_one(s,
	                   "SELECT 1 FROM object o JOIN item i ON"
	                   " i.object=o.id WHERE o.state=4 AND i.verdict=2"
	                   " AND i.state=0 AND NOT EXISTS(" KEPT("o.id") ")",
	                   NULL, NULL, 0) == 1)
		world_fail(w, "evicted",
		           "%s has no room for what must be here, and keeps "
		           "what somebody asked for",
		           s->code);
}

static void check_room(struct world *w, const struct sim_node *s,
                       const struct gt_event *e, uint64_t evicted)
{
	bool hand_in = e->type == GT_EV_STATEMENTS || weight_of(e) > 0;
	bool full = (e->type == GT_EV_PLACED || e->type == GT_EV_SYNCED) &&
	            e->status == -GT_ENOSPACE;
	if (hand_in && s->room < LEAST_ROOM &&
	    s->core->records->seq > seen[s->index].seq)
		world_fail(w, "room",
		           "%s takes records, told that %llu bytes are left",
		           s->code, (unsigned long long)s->room);
	if (evicted > seen[s->index].evicted)
		gave_way(w, s);
	else if (full)
		starves(w, s);
}

/* --------------------------------------------------------------- hooks */

/* What was brought is forgotten with each run, what waits is not. */
static void begin_account(const struct sim_node *s, struct account *a)
{
	a->sum = 0;
	if (s->restored || s->two_pasts)
		a->heaps = 0;
}

static void begin(struct world *w, const struct sim_node *s)
{
	int64_t hop = s->restored ? 0 : seen[s->index].hop;
	memset(&seen[s->index], 0, sizeof seen[0]);
	seen[s->index].incarnation = s->incarnation;
	seen[s->index].since_ms = w->now;
	seen[s->index].seq = s->core->records->seq;
	seen[s->index].hop = hop;
	if (s->index == flood_terminal())
		begin_account(s, &terminal);
	if ((int)s->index != flood_parent(w))
		return;
	begin_account(s, &child);
	for (unsigned i = 0; i < w->count; i++)
		honest[i].level = 0;
	seen[s->index].aid = ask_one(s, "SELECT ifnull(max(aid),0) FROM audit",
	                             NULL, NULL, 0);
}

static void count(const struct gt_node_status *s, uint64_t out[BOUND_KINDS])
{
	out[BOUND_SHARE] = s->records_over_share;
	out[BOUND_WAITING] = s->records_over_waiting;
	out[BOUND_ROOM] = s->records_no_room;
	out[BOUND_PUT_OFF] = s->records_put_off;
	out[BOUND_HELD] = s->audit_held;
	out[BOUND_LET_GO] = s->records_let_go;
}

void bound_turn(struct world *w, struct sim_node *s, const struct gt_event *e)
{
	uint64_t now[BOUND_KINDS] = {0}, more[BOUND_KINDS];
	if (!(w->faults & FAULT_FLOOD) || !s->core || w->invariant)
		return;
	if (seen[s->index].incarnation != s->incarnation)
		begin(w, s);
	if (seen[s->index].hop < s->core->records->hop)
		seen[s->index].hop = s->core->records->hop;
	count(&s->core->status, now);
	for (unsigned i = 0; i < BOUND_KINDS; i++) {
		more[i] = now[i] - seen[s->index].counts[i];
		w->met[i] += more[i];
	}
	memcpy(seen[s->index].counts, now, sizeof now);
	check_room(w, s, e, s->core->status.objects_evicted);
	const struct sim_node *from = net_child(w, s, e->peer);
	if ((int)s->index == flood_parent(w) && from && weight_of(e) > 0)
		child_batch(w, s, from, weight_of(e), more);
	if (e->type == GT_EV_STATEMENTS && e->detail &&
	    s->core->records->seq > seen[s->index].seq)
		terminal_batch(w, s, e);
	seen[s->index].seq = s->core->records->seq;
	seen[s->index].evicted = s->core->status.objects_evicted;
	ngone = 0;
}
