/* audit.c: what one end of a transfer wrote, the other wrote too.
 *
 * A row is excused for having been on a disk that was lost, and for nothing
 * else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "inside.h"
#include "state.h"

/* Rows that went with a node's disk. Their names are names between two: a
 * change has the same one for each child, and two copies of a node may give one
 * name to two changes. */
static struct lost {
	unsigned node;
	char name[GT_CHANGE_NAME];
	char peer[GT_CODE_MAX + 1];
	char subject[GT_RID_MAX + 1];
	char verdict[16];
	bool kept; /* the disk in its place has it */
} * lost;          /* sorted */
static size_t nlost, caplost;

void audit_init(void)
{
	nlost = 0;
}

void audit_free(void)
{
	free(lost);
	lost = NULL;
	nlost = caplost = 0;
}

static int compare(const void *a, const void *b)
{
	const struct lost *x = a, *y = b;
	int by = x->node < y->node ? -1 : x->node > y->node;
	by = by ? by : strcmp(x->name, y->name);
	by = by ? by : strcmp(x->subject, y->subject);
	by = by ? by : strcmp(x->peer, y->peer);
	return by ? by : strcmp(x->verdict, y->verdict);
}

static struct lost row(unsigned node, const char *name, const char *peer,
                       const char *subject, const char *verdict)
{
	struct lost l = {.node = node};
	gt_copy(l.name, sizeof l.name, name);
	gt_copy(l.peer, sizeof l.peer, peer);
	gt_copy(l.subject, sizeof l.subject, subject);
	gt_copy(l.verdict, sizeof l.verdict, verdict);
	return l;
}

static struct lost *find(const struct lost *l)
{
	return nlost ? bsearch(l, lost, nlost, sizeof *lost, compare) : NULL;
}

/* Rows with a name in the books behind an index, to be stepped and ended. */
static sqlite3_stmt *books(const struct sim_node *s)
{
	return ask(s, "SELECT DISTINCT transfer,peer,subject,verdict FROM audit"
	              " WHERE transfer<>''");
}

static struct lost row_of(sqlite3_stmt *st, unsigned home)
{
	return row(home, gt_col_text(st, 0), gt_col_text(st, 1),
	           gt_col_text(st, 2), gt_col_text(st, 3));
}

void audit_lost(struct world *w, unsigned node, unsigned home)
{
	size_t before = nlost;
	sqlite3_stmt *st = books(&w->nodes[node]);
	while (sqlite3_step(st) == SQLITE_ROW) {
		if (nlost == caplost) {
			caplost = caplost ? 2 * caplost : 1024;
			lost = sim_must(realloc(lost, caplost * sizeof *lost));
		}
		lost[nlost++] = row_of(st, home);
	}
	ask_end(st);
	if (nlost > before)
		qsort(lost, nlost, sizeof *lost, compare);
	size_t kept = 0; /* each once */
	for (size_t i = 0; i < nlost; i++)
		if (kept == 0 || compare(&lost[kept - 1], &lost[i]) != 0)
			lost[kept++] = lost[i];
	nlost = kept;
}

void audit_kept(struct world *w, unsigned node, unsigned home)
{
	size_t left = 0;
	sqlite3_stmt *st = books(&w->nodes[node]);
	while (sqlite3_step(st) == SQLITE_ROW) {
		struct lost l = row_of(st, home), *found = find(&l);
		if (found)
			found->kept = true;
	}
	ask_end(st);
	for (size_t i = 0; i < nlost; i++)
		if (!lost[i].kept)
			lost[left++] = lost[i];
	nlost = left;
}

static bool excused(const struct sim_node *s, const char *name,
                    const struct sim_node *peer, const char *subject,
                    const char *verdict)
{
	struct lost l = row(s->index, name, peer->code, subject, verdict);
	return find(&l) != NULL;
}

bool audit_told(const struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->nodes[i].core && w->nodes[i].core->handovers > 0)
			return false;
	return true;
}

static sqlite3_stmt *rows_with(const struct sim_node *s, const char *events,
                               const struct sim_node *peer, const char *and)
{
	char sql[300];
	snprintf(sql, sizeof sql,
	         "SELECT DISTINCT transfer,peer,subject,verdict FROM audit"
	         " WHERE event IN(%s) AND peer='%s' AND transfer<>''"
	         " %s",
	         events, peer->code, and);
	return ask(s, sql);
}

/* Rows that name a transfer, at one end, must have their like at the other.
 * The parent writes what it sends before the child can hear of it; the child
 * writes what it sends before the parent can. */
static void pair(struct world *w, struct sim_node *from, const char *events,
                 struct sim_node *to, const char *like)
{
	struct lost *other = NULL;
	size_t n = 0, cap = 0;
	sqlite3_stmt *st = rows_with(to, like, from, "");
	while (sqlite3_step(st) == SQLITE_ROW) {
		if (n == cap) {
			cap = cap ? 2 * cap : 1024;
			other = sim_must(realloc(other, cap * sizeof *other));
		}
		other[n++] = row_of(st, to->index);
	}
	ask_end(st);
	if (n > 0)
		qsort(other, n, sizeof *other, compare);
	st = rows_with(from, events, to, "AND result='ok'");
	while (!w->invariant && sqlite3_step(st) == SQLITE_ROW) {
		struct lost l = row_of(st, to->index);
		gt_copy(l.peer, sizeof l.peer, from->code);
		if (!(n && bsearch(&l, other, n, sizeof l, compare)) &&
		    !find(&l))
			world_fail(w, "audit",
			           "%s wrote %s of %s with %s, which did not",
			           from->code, l.name, l.subject, to->code);
	}
	ask_end(st);
	free(other);
}

/* fetch: transfer, subject, bytes, rows of that name, protocol=2? */
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
	bool newest = !c->ran_old && !p->ran_old;
	sqlite3_stmt *st = ask(c, "SELECT transfer,subject,max(bytes),count(*),"
	                          "max(detail LIKE 'protocol=2 %') FROM audit"
	                          " WHERE event='fetch' AND result='ok'"
	                          " GROUP BY transfer");
	while (!w->invariant && sqlite3_step(st) == SQLITE_ROW)
		if (newest || gt_col_int(st, 4))
			handed_over(w, c, p, st);
	ask_end(st);
}

void check_audit(struct world *w)
{
	for (unsigned i = 1; i < w->count && i < 64; i++) {
		struct sim_node *c = &w->nodes[i], *p = &w->nodes[c->parent];
		pair(w, c, "'receive','retract'", p, "'judge'");
		pair(w, p, "'merge'", c, "'send'");
		pair(w, p, "'serve'", c, "'fetch'");
		transfers(w, c, p);
	}
}
