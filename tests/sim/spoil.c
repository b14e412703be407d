/* spoil.c: rows of records that rot in the database.
 *
 * What is altered is what a record vouches for itself: its id, form, words,
 * what it voids, who vouches for it and the stream it stands in. A row is
 * altered only where a neighbour that has power has the record whole, by which
 * it can come back: the parent, or the child on its way up. That copy may get
 * lost before it is asked for; then nobody has it, and nobody is to blame. */
#include "spoil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "ask.h"
#include "erase.h"
#include "guantong.pb-c.h"
#include "protocol.h"
#include "read_inside.h"
#include "turn.h"
#include "work.h"

enum {
	ROWS_MAX = 64,
	TRIES = 24,
	NEWEST = 24,
	BODY = 256,
	VOUCHER = 128,
	READ_EACH = 16, /* turns of anybody */
	BEHIND_ID = 46, /* of a body: letters of an id mean the same small */
	NO_STREAM = 1 << 30,
};

/* How a row is altered. */
enum how {
	WORDS,
	SHORTER,
	OTHER_ID,
	OTHER_FORM,
	TARGET,
	AUTHORITY,
	LOST_STREAM,
	HOWS
};

/* A row of `record`, as far as it vouches for itself. */
struct image {
	uint8_t id[GT_UUID_BYTES], form[GT_ID_BYTES], target[GT_UUID_BYTES];
	size_t ntarget, nbody;
	char body[BODY], authority[VOUCHER];
	int64_t stream;
};

static struct row {
	unsigned node;
	const struct record *r;
	int64_t seq;
	enum how how;
	struct image good, bad;
	bool forgot; /* the node lost its disk since */
} rows[ROWS_MAX];
static unsigned nrows;

void spoil_init(struct world *w)
{
	nrows = 0;
	/* Which copy of a node it came back to is another story. */
	if (w->faults & FAULT_CLONE)
		w->faults &= ~(unsigned)FAULT_SPOIL;
}

void spoil_forgot(unsigned node)
{
	for (unsigned i = 0; i < nrows; i++)
		rows[i].forgot = rows[i].forgot || rows[i].node == node;
}

/* ----------------------------------------------------------- the rows */

static void put(char *to, size_t cap, size_t *n, struct gt_bytes b)
{
	*n = b.n < cap ? b.n : cap;
	memset(to, 0, cap);
	memcpy(to, b.p ? b.p : (const uint8_t *)"", *n);
}

static bool read_image(const struct sim_node *s, int64_t seq, struct image *out)
{
	size_t n;
	sqlite3_stmt *st = ask(s, "SELECT id,form,target,body,authority,stream"
	                          " FROM record WHERE seq=?1");
	sqlite3_bind_int64(st, 1, seq);
	bool is = sqlite3_step(st) == SQLITE_ROW;
	memset(out, 0, sizeof *out);
	if (is) {
		put((char *)out->id, GT_UUID_BYTES, &n, gt_col_bytes(st, 0));
		put((char *)out->form, GT_ID_BYTES, &n, gt_col_bytes(st, 1));
		put((char *)out->target, GT_UUID_BYTES, &out->ntarget,
		    gt_col_bytes(st, 2));
		put(out->body, BODY, &out->nbody, gt_col_bytes(st, 3));
		put(out->authority, VOUCHER, &n, gt_col_bytes(st, 4));
		out->stream = gt_col_int(st, 5);
	}
	ask_end(st);
	return is;
}

static bool same(const struct image *a, const struct image *b)
{
	return memcmp(a->id, b->id, sizeof a->id) == 0 &&
	       memcmp(a->form, b->form, sizeof a->form) == 0 &&
	       memcmp(a->target, b->target, sizeof a->target) == 0 &&
	       memcmp(a->body, b->body, sizeof a->body) == 0 &&
	       memcmp(a->authority, b->authority, sizeof a->authority) == 0 &&
	       a->ntarget == b->ntarget && a->nbody == b->nbody &&
	       a->stream == b->stream;
}

static bool is_bad(const struct sim_node *s, const struct row *at)
{
	struct image now;
	return s->core && read_image(s, at->seq, &now) && same(&now, &at->bad);
}

bool spoil_was(const struct sim_node *s, const uint8_t id[GT_UUID_BYTES])
{
	for (unsigned i = 0; i < nrows; i++)
		if (rows[i].node == s->index &&
		    (memcmp(rows[i].good.id, id, GT_UUID_BYTES) == 0 ||
		     memcmp(rows[i].bad.id, id, GT_UUID_BYTES) == 0))
			return true;
	return false;
}

/* The row had that record's words: its id may be another's as well. */
static bool was_of(const struct row *at, const struct record *r)
{
	char body[BODY];
	size_t n = work_record_body(r, body);
	return memcmp(at->good.id, r->id, GT_UUID_BYTES) == 0 &&
	       at->good.nbody == n && memcmp(at->good.body, body, n) == 0;
}

bool spoil_is(const struct sim_node *s, const struct record *r)
{
	for (unsigned i = 0; i < nrows; i++)
		if (rows[i].node == s->index && was_of(&rows[i], r) &&
		    is_bad(s, &rows[i]))
			return true;
	return false;
}

static bool any_old(const struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!gt_version_asks_back(w->nodes[i].protocol))
			return true;
	return false;
}

bool spoil_waits(const struct world *w)
{
	return nrows > 0 && any_old(w);
}

bool spoil_holds(const struct world *w, const struct sim_node *s)
{
	for (int i = s->parent; nrows > 0 && i >= 0; i = w->nodes[i].parent)
		if (ask_one(&w->nodes[i],
		            "SELECT count(*) FROM spoilt WHERE state<2 AND"
		            " held=1",
		            NULL, NULL, 0) > 0)
			return true;
	return false;
}

/* ----------------------------------------------------------- who has it */

/* The node below on the record's way up; NULL: it was handed in here. */
static const struct sim_node *below(const struct world *w, unsigned node,
                                    const struct record *r)
{
	const struct sim_node *c = &w->nodes[r->home];
	while (c->index != node && c->parent >= 0 && c->parent != (int)node)
		c = &w->nodes[c->parent];
	return c->parent == (int)node ? c : NULL;
}

static bool whole_at(const struct sim_node *s, const struct record *r)
{
	return s && s->core && work_record_at(s, r, false);
}

static bool has_whole(const struct world *w, unsigned node,
                      const struct record *r)
{
	int up = w->nodes[node].parent;
	return whole_at(below(w, node, r), r) ||
	       (up >= 0 && whole_at(&w->nodes[up], r));
}

/* Where a record has lost its id it is known by its place in its stream, and
 * that must be the same there. */
static bool same_place(const struct sim_node *s, const struct sim_node *from,
                       const struct row *at)
{
	static const char sql[] =
	        "SELECT s.code,s.epoch,r.origin_seq FROM record r"
	        " JOIN stream s ON s.sid=r.stream WHERE ";
	char mine[160], theirs[160];
	gt_format(mine, sizeof mine, "%s%s", sql, "r.seq=?1");
	gt_format(theirs, sizeof theirs, "%s%s", sql, "r.id=?1");
	sqlite3_stmt *a = ask(s, mine), *b = ask(from, theirs);
	sqlite3_bind_int64(a, 1, at->seq);
	sqlite3_bind_blob(b, 1, at->good.id, GT_UUID_BYTES, SQLITE_STATIC);
	bool is =
	        sqlite3_step(a) == SQLITE_ROW && sqlite3_step(b) == SQLITE_ROW;
	for (int i = 0; is && i < 3; i++)
		is = gt_bytes_eq(gt_col_bytes(a, i), gt_col_bytes(b, i));
	ask_end(a);
	ask_end(b);
	return is;
}

static bool can_give(const struct world *w, const struct sim_node *from,
                     const struct row *at)
{
	return whole_at(from, at->r) &&
	       (at->how != OTHER_ID ||
	        same_place(&w->nodes[at->node], from, at));
}

/* ------------------------------------------------------------- altering */

/* Never the bit that makes letters small. */
static uint8_t flipped(uint8_t byte, struct prng *p)
{
	static const uint8_t bits[] = {1, 2, 4, 8, 16, 64, 128};
	return byte ^ bits[prng_below(p, sizeof bits)];
}

static enum how alter(struct image *m, struct prng *p)
{
	enum how how = (enum how)prng_below(p, HOWS);
	if ((how == TARGET && m->ntarget == 0) ||
	    (how == AUTHORITY && !*m->authority))
		how = WORDS;
	uint8_t *at = NULL;
	if (how == WORDS)
		at = (uint8_t *)m->body + BEHIND_ID +
		     prng_below(p, m->nbody - BEHIND_ID);
	else if (how == OTHER_ID)
		at = m->id + prng_below(p, sizeof m->id);
	else if (how == OTHER_FORM)
		at = m->form + prng_below(p, sizeof m->form);
	else if (how == TARGET)
		at = m->target + prng_below(p, sizeof m->target);
	else if (how == AUTHORITY)
		at = (uint8_t *)m->authority;
	else if (how == SHORTER)
		m->body[--m->nbody] = '\0';
	else
		m->stream += NO_STREAM;
	if (at)
		*at = flipped(*at, p);
	return how;
}

static bool write_image(const struct sim_node *s, int64_t seq,
                        const struct image *m)
{
	sqlite3_stmt *st =
	        ask(s, "UPDATE record SET id=?2,form=?3,target=?4,body=?5,"
	               "authority=?6,stream=?7 WHERE seq=?1");
	sqlite3_bind_int64(st, 1, seq);
	sqlite3_bind_blob(st, 2, m->id, GT_UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(st, 3, m->form, GT_ID_BYTES, SQLITE_STATIC);
	if (m->ntarget)
		sqlite3_bind_blob(st, 4, m->target, (int)m->ntarget,
		                  SQLITE_STATIC);
	else
		sqlite3_bind_null(st, 4);
	sqlite3_bind_blob(st, 5, m->body, (int)m->nbody, SQLITE_STATIC);
	sqlite3_bind_text(st, 6, m->authority, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 7, m->stream);
	bool good = sqlite3_step(st) == SQLITE_DONE;
	ask_end(st);
	return good;
}

/* What it was acknowledged for is looked for from there upward. */
static void move(const struct world *w, unsigned node, struct record *r)
{
	for (int i = (int)r->node; i >= 0; i = w->nodes[i].parent)
		if (i != (int)node && whole_at(&w->nodes[i], r))
			return;
	const struct sim_node *c = below(w, node, r);
	r->node = whole_at(c, r) ? c->index : r->node;
}

static void spoil(struct world *w, struct sim_node *s, struct record *r)
{
	struct row *at = &rows[nrows];
	*at = (struct row){.node = s->index, .r = r};
	at->seq = ask_one(s, "SELECT seq FROM record WHERE id=?2", NULL, r->id,
	                  GT_UUID_BYTES);
	if (!read_image(s, at->seq, &at->good) || at->good.nbody <= BEHIND_ID)
		return;
	at->bad = at->good;
	at->how = alter(&at->bad, sim_draws(w, FAULT_SPOIL));
	/* where that fails, it may be written all the same */
	(void)write_image(s, at->seq, &at->bad);
	nrows++;
	w->struck[FAULT_BIT_SPOIL]++;
	move(w, s->index, r);
	if (w->verbose)
		printf("%10llu %-12s record %lld is altered\n",
		       (unsigned long long)w->now, s->code, (long long)at->seq);
	if (s->disk.dead)
		power_cut(w, s);
	else if (s->disk.failed)
		power_end(w, s);
}

/* Often one of the newest, which may be on its way. */
static struct record *some_record(struct prng *p)
{
	unsigned from = prng_below(p, 2) && work.nrecords > NEWEST
	                        ? work.nrecords - NEWEST
	                        : 0;
	return &work.records[from + prng_below(p, work.nrecords - from)];
}

void spoil_episode(struct world *w)
{
	struct prng *p = sim_draws(w, FAULT_SPOIL);
	unsigned left = 1 + (unsigned)prng_below(p, 3);
	for (int i = 0; i < TRIES && left > 0; i++) {
		if (work.nrecords == 0 || nrows == ROWS_MAX)
			return;
		struct record *r = some_record(p);
		struct sim_node *s = &w->nodes[r->home];
		while (s->parent >= 0 && prng_below(p, 2))
			s = &w->nodes[s->parent];
		if (!r->acknowledged || r->shared || r->excused || !s->core ||
		    erase_asked(r->id) || spoil_was(s, r->id) ||
		    !whole_at(s, r) || !has_whole(w, s->index, r))
			continue;
		spoil(w, s, r);
		left--;
	}
}

/* -------------------------------------------------------- what is checked */

/* Either way a reader comes by it: by its id, by its number. */
static bool given(const struct sim_node *s, const struct row *at)
{
	struct gt_reader r = {0};
	sqlite3_stmt *by[2] = {ask_read(s, gt_queries[GT_Q_RECORD]),
	                       ask_read(s, gt_queries[GT_Q_STATEMENTS_UP])};
	sqlite3_bind_blob(by[0], 1, at->bad.id, GT_UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(by[1], 1, at->seq);
	sqlite3_bind_int64(by[1], 2, at->seq);
	sqlite3_bind_int64(by[1], 3, 1);
	bool is = false;
	for (int i = 0; i < 2; i++) {
		char *text = NULL, gap[GT_GAP_WHY];
		if (sqlite3_step(by[i]) == SQLITE_ROW &&
		    sqlite3_column_type(by[i], 5) != SQLITE_NULL)
			is = gt_reader_statement(&r, by[i], &text, gap) == 0 ||
			     is;
		free(text);
		ask_end(by[i]);
	}
	return is;
}

void spoil_turn(struct world *w, struct sim_node *s)
{
	if (nrows == 0 || w->events % READ_EACH != 0 || !s->core ||
	    w->invariant)
		return;
	const struct row *at = &rows[w->trace % nrows];
	if (at->node != s->index || at->how == LOST_STREAM || !is_bad(s, at) ||
	    !given(s, at))
		return;
	world_fail(w, "spoilt", "%s gives out record %lld, which is altered",
	           s->code, (long long)at->seq);
}

static bool equal(ProtobufCBinaryData b, const void *p, size_t n)
{
	return b.len == n && (n == 0 || memcmp(b.data, p, n) == 0);
}

static bool is_image(const Gt__Record *r, const struct image *m)
{
	return equal(r->id, m->id, sizeof m->id) &&
	       equal(r->form, m->form, sizeof m->form) &&
	       equal(r->target, m->target, m->ntarget) &&
	       equal(r->body, m->body, m->nbody) &&
	       strcmp(r->authority, m->authority) == 0;
}

static void travel(struct world *w, const struct sim_node *s,
                   Gt__Record *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < nrows; k++)
			if (rows[k].node == s->index &&
			    is_image(v[i], &rows[k].bad) &&
			    (!is_image(v[i], &rows[k].good) ||
			     strcmp(v[i]->origin,
			            w->nodes[rows[k].r->home].code) != 0) &&
			    is_bad(s, &rows[k]))
				world_fail(w, "spoilt",
				           "%s sends record %lld, which is "
				           "altered",
				           s->code, (long long)rows[k].seq);
}

void spoil_sent(struct world *w, const struct sim_node *s,
                const struct gt_bulk *m)
{
	enum {
		ASKS = GT__REQUEST__BODY_RECORDS << 3 | 2,
		SAYS = GT__REPLY__BODY_RECORDS << 3 | 2
	};
	if (nrows == 0 || m->nhead == 0 ||
	    (m->bytes[0] != ASKS && m->bytes[0] != SAYS))
		return;
	struct gt_arena *arena = sim_must(gt_arena_new());
	ProtobufCAllocator *a = gt_arena_allocator(arena);
	Gt__Request *q = gt__request__unpack(a, m->nhead, m->bytes);
	Gt__Reply *r = gt__reply__unpack(a, m->nhead, m->bytes);
	if (q && q->body_case == GT__REQUEST__BODY_RECORDS) {
		travel(w, s, q->records->records, q->records->n_records);
		travel(w, s, q->records->again, q->records->n_again);
	}
	if (r && r->body_case == GT__REPLY__BODY_RECORDS)
		travel(w, s, r->records->again, r->records->n_again);
	gt_arena_free(arena);
}

void spoil_settle(struct world *w)
{
	for (unsigned i = 0; i < nrows; i++)
		if (is_bad(&w->nodes[rows[i].node], &rows[i]))
			power_cut(w, &w->nodes[rows[i].node]);
}

static bool wrong(bool loud, const struct sim_node *s, const struct row *at,
                  const char *what)
{
	if (loud)
		printf("not converged: %s: record %lld, altered (%d): %s\n",
		       s->code, (long long)at->seq, (int)at->how, what);
	return false;
}

static bool row_right(const struct world *w, const struct row *at, bool loud)
{
	const struct sim_node *s = &w->nodes[at->node];
	int up = s->parent;
	bool bad = is_bad(s, at);
	int64_t left = ask_one(s,
	                       "SELECT count(*) FROM spoilt WHERE id=?2 AND"
	                       " state<2",
	                       NULL, at->bad.id, GT_UUID_BYTES);
	if (at->forgot && !bad && left == 0)
		return true; /* with what it knew of it */
	if (at->r->shared || (!can_give(w, below(w, at->node, at->r), at) &&
	                      !(up >= 0 && can_give(w, &w->nodes[up], at))))
		return true;
	if (bad)
		return wrong(loud, s, at, "still is");
	if (!whole_at(s, at->r))
		return wrong(loud, s, at, "not back");
	if (left > 0)
		return wrong(loud, s, at, "back, and still waited for");
	if (ask_one(s,
	            "SELECT count(*) FROM quarantine WHERE via=?1 AND"
	            " id=?2",
	            s->code, at->bad.id, GT_UUID_BYTES) > 0)
		return wrong(loud, s, at, "back, and still set aside");
	return true;
}

bool spoil_right(const struct world *w, bool loud)
{
	bool right = true;
	/* what somebody wants gone nobody gives back */
	for (unsigned i = 0; right && i < nrows && !any_old(w); i++)
		right = erase_asked(rows[i].good.id) ||
		        row_right(w, &rows[i], loud);
	return right;
}
