/* audit.c: what one end of a transfer wrote, the other wrote too.
 *
 * A row is excused for having been on a disk that was lost, or for being what a
 * rogue gave that keeps no books, and for nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "content_inside.h"
#include "inside.h"

/* Rows that went with a node's disk. Their names are names between two: a
 * change has the same one for each child, and two copies of a node may give one
 * name to two changes. */
struct row {
	unsigned node;
	char name[GT_CHANGE_NAME];
	char peer[GT_CODE_MAX + 1];
	char subject[GT_RID_MAX + 1];
	char verdict[16];
	int64_t figure; /* bytes of records, the version of an item */
	bool kept;      /* the disk in its place has it */
	bool forged;    /* a middle node sent it that wrote nothing */
};

struct rows {
	struct row *v;
	size_t n, cap;
};
static struct rows lost; /* sorted, each once */

void audit_init(void)
{
	lost.n = 0;
}

void audit_free(void)
{
	free(lost.v);
	lost = (struct rows){0};
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int by = x->node < y->node ? -1 : x->node > y->node;
	by = by ? by : strcmp(x->name, y->name);
	by = by ? by : strcmp(x->subject, y->subject);
	by = by ? by : strcmp(x->peer, y->peer);
	by = by ? by : strcmp(x->verdict, y->verdict);
	return by ? by : (x->figure > y->figure) - (x->figure < y->figure);
}

static struct row row_of(unsigned node, const char *name, const char *peer,
                         const char *subject, const char *verdict)
{
	struct row r = {.node = node};
	gt_copy(r.name, sizeof r.name, name);
	gt_copy(r.peer, sizeof r.peer, peer);
	gt_copy(r.subject, sizeof r.subject, subject);
	gt_copy(r.verdict, sizeof r.verdict, verdict);
	return r;
}

static struct row row_at(sqlite3_stmt *st, unsigned node)
{
	struct row r = row_of(node, gt_col_text(st, 0), gt_col_text(st, 1),
	                      gt_col_text(st, 2), gt_col_text(st, 3));
	r.figure = gt_col_int(st, 4);
	return r;
}

static struct row *find(const struct rows *in, const struct row *r)
{
	return in->n ? bsearch(r, in->v, in->n, sizeof *r, compare) : NULL;
}

static struct row *another(struct rows *into)
{
	if (into->n == into->cap) {
		into->cap = into->cap ? 2 * into->cap : 1024;
		into->v =
		        sim_must(realloc(into->v, into->cap * sizeof *into->v));
	}
	return &into->v[into->n++];
}

/* Takes all rows of a statement in, as a node's, and ends it. */
static void take(struct rows *into, sqlite3_stmt *st, unsigned node)
{
	while (sqlite3_step(st) == SQLITE_ROW)
		*another(into) = row_at(st, node);
	ask_end(st);
	if (into->n > 0)
		qsort(into->v, into->n, sizeof *into->v, compare);
}

/* One end of an object's way has its figure beside others' and is compared by
 * handed_over(); who takes a thing back names no version. What went wrong on
 * the way ("damage") bears the name too, and is no end. */
#define ROW                                                                  \
	"SELECT DISTINCT transfer,peer,subject,verdict,CASE"                 \
	" WHEN event IN('send','merge') THEN bytes"                          \
	" WHEN event IN('judge','receive') AND verdict<>'deny' THEN version" \
	" ELSE 0 END FROM audit WHERE transfer<>'' AND event<>'damage'"

/* Rows with a name in the books behind an index, to be stepped and ended. */
static sqlite3_stmt *books(const struct sim_node *s)
{
	return ask(s, ROW);
}

void audit_lost(struct world *w, unsigned node, unsigned home)
{
	size_t n = 0;
	take(&lost, books(&w->nodes[node]), home);
	for (size_t i = 0; i < lost.n; i++)
		if (n == 0 || compare(&lost.v[n - 1], &lost.v[i]) != 0)
			lost.v[n++] = lost.v[i];
	lost.n = n;
}

void audit_kept(struct world *w, unsigned node, unsigned home)
{
	size_t n = 0;
	sqlite3_stmt *st = books(&w->nodes[node]);
	while (sqlite3_step(st) == SQLITE_ROW) {
		struct row r = row_at(st, home), *found = find(&lost, &r);
		if (found)
			found->kept = true;
	}
	ask_end(st);
	for (size_t i = 0; i < lost.n; i++)
		if (!lost.v[i].kept || lost.v[i].forged)
			lost.v[n++] = lost.v[i];
	lost.n = n;
}

void audit_forged(const struct sim_node *child, const char *name,
                  const char *subject, int64_t version)
{
	struct row r = row_of((unsigned)child->parent, name, child->code,
	                      subject, "mirror");
	r.figure = version;
	r.forged = true;
	if (find(&lost, &r))
		return;
	*another(&lost) = r;
	qsort(lost.v, lost.n, sizeof *lost.v, compare);
}

static bool excused(const struct sim_node *s, const char *name,
                    const struct sim_node *peer, const char *subject,
                    const char *verdict)
{
	struct row r = row_of(s->index, name, peer->code, subject, verdict);
	return find(&lost, &r) != NULL;
}

bool audit_told(const struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->nodes[i].core &&
		    w->nodes[i].core->content->handovers.rows > 0)
			return false;
	return true;
}

static sqlite3_stmt *rows_with(const struct sim_node *s, const char *events,
                               const struct sim_node *peer, const char *and)
{
	char sql[600];
	snprintf(sql, sizeof sql, ROW " AND event IN(%s) AND peer='%s' %s",
	         events, peer->code, and);
	return ask(s, sql);
}

/* Rows that name a transfer, at one end, must have their like at the other.
 * The parent writes what it sends before the child can hear of it; the child
 * writes what it sends before the parent can. */
static void pair(struct world *w, struct sim_node *from, const char *events,
                 struct sim_node *to, const char *like)
{
	struct rows other = {0};
	take(&other, rows_with(to, like, from, ""), to->index);
	sqlite3_stmt *st = rows_with(from, events, to, "AND result='ok'");
	while (!w->invariant && sqlite3_step(st) == SQLITE_ROW) {
		struct row r = row_at(st, to->index);
		gt_copy(r.peer, sizeof r.peer, from->code);
		if (!find(&other, &r) && !find(&lost, &r))
			world_fail(w, "audit",
			           "%s wrote %s of %s with %s, which did not",
			           from->code, r.name, r.subject, to->code);
	}
	ask_end(st);
	free(other.v);
}

/* fetch: transfer, subject, bytes, rows of that name, not protocol=1?, peer */
static void handed_over(struct world *w, struct sim_node *c, struct sim_node *p,
                        sqlite3_stmt *fetch)
{
	const char *name = gt_col_text(fetch, 0);
	sqlite3_stmt *st = ask(p, "SELECT count(*),min(subject),max(bytes)"
	                          " FROM audit WHERE transfer=?1 AND peer=?2"
	                          " AND event='serve'");
	sqlite3_bind_text(st, 1, name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(st, 2, c->code, -1, SQLITE_STATIC);
	int64_t rows = sqlite3_step(st) == SQLITE_ROW ? gt_col_int(st, 0) : 0;
	bool same = strcmp(gt_col_text(st, 1), gt_col_text(fetch, 1)) == 0 &&
	            gt_col_int(st, 2) == gt_col_int(fetch, 2);
	bool was_lost =
	        rows == 0 && excused(p, name, c, gt_col_text(fetch, 1), "");
	if (gt_col_int(fetch, 3) != 1 || (rows != 1 && !was_lost))
		world_fail(w, "audit",
		           "%s wrote %lld times that it fetched %s, and %s "
		           "%lld times that it served it",
		           c->code, (long long)gt_col_int(fetch, 3), name,
		           p->code, (long long)rows);
	else if (!same && !was_lost)
		world_fail(w, "audit",
		           "%s and %s disagree on what was fetched as %s",
		           c->code, p->code, name);
	ask_end(st);
}

/* Between ends that spoke version 2 every transfer is in both books, once, with
 * the same figures. A child says under which version it closed one; where
 * nobody ever was of an older one it can only be the newest. */
static void transfers(struct world *w, struct sim_node *c, struct sim_node *p)
{
	/* All there is came from this one, or while it was hung elsewhere from
	 * the one above. */
	bool newest = !c->ran_old && !p->ran_old;
	struct sim_node *above = c->was_hung ? &w->nodes[p->parent] : p;
	sqlite3_stmt *st =
	        ask(c, "SELECT transfer,subject,max(bytes),count(*),"
	               "max(detail NOT LIKE 'protocol=1 %'),peer FROM audit"
	               " WHERE event='fetch' AND result='ok'"
	               " GROUP BY transfer");
	while (!w->invariant && sqlite3_step(st) == SQLITE_ROW) {
		const char *by = gt_col_text(st, 5);
		bool other = strcmp(by, p->code) != 0;
		if (other && strcmp(by, above->code) != 0)
			world_fail(w, "audit",
			           "%s wrote that %s gave it %s, its parent "
			           "is %s",
			           c->code, by, gt_col_text(st, 0), p->code);
		else if (newest || gt_col_int(st, 4))
			handed_over(w, c, other ? above : p, st);
	}
	ask_end(st);
}

static void link_of(struct world *w, struct sim_node *c, struct sim_node *p)
{
	pair(w, c, "'receive','retract'", p, "'judge'");
	pair(w, p, "'merge'", c, "'send'");
	pair(w, p, "'serve'", c, "'fetch'");
}

void check_audit(struct world *w)
{
	/* In a large tree of some links, at every level. */
	unsigned step = 1 + (w->count - 1) / 64;
	for (unsigned i = 1; i < w->count; i += step) {
		struct sim_node *c = &w->nodes[i], *p = &w->nodes[c->parent];
		link_of(w, c, p);
		if (c->was_hung)
			link_of(w, c, &w->nodes[p->parent]);
		transfers(w, c, p);
	}
}
