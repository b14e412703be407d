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
} * lost;
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

void audit_lost(struct world *w, unsigned node, unsigned home)
{
	sqlite3_stmt *st =
	        ask(&w->nodes[node],
	            "SELECT DISTINCT transfer,peer,subject,verdict FROM audit"
	            " WHERE transfer<>''");
	while (sqlite3_step(st) == SQLITE_ROW) {
		if (nlost == caplost) {
			caplost = caplost ? 2 * caplost : 1024;
			lost = sim_must(realloc(lost, caplost * sizeof *lost));
		}
		lost[nlost].node = home;
		gt_copy(lost[nlost].name, sizeof lost->name,
		        gt_col_text(st, 0));
		gt_copy(lost[nlost].peer, sizeof lost->peer,
		        gt_col_text(st, 1));
		gt_copy(lost[nlost].subject, sizeof lost->subject,
		        gt_col_text(st, 2));
		gt_copy(lost[nlost].verdict, sizeof lost->verdict,
		        gt_col_text(st, 3));
		nlost++;
	}
	ask_end(st);
}

static bool there(const struct sim_node *s, const struct lost *l)
{
	sqlite3_stmt *st =
	        ask(s, "SELECT 1 FROM audit WHERE transfer=?1 AND peer=?2"
	               " AND subject=?3 AND verdict=?4");
	sqlite3_bind_text(st, 1, l->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, l->peer, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, l->subject, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, l->verdict, -1, SQLITE_STATIC);
	bool yes = sqlite3_step(st) == SQLITE_ROW;
	ask_end(st);
	return yes;
}

void audit_kept(struct world *w, unsigned node, unsigned home)
{
	size_t kept = 0;
	for (size_t i = 0; i < nlost; i++)
		if (lost[i].node != home || !there(&w->nodes[node], &lost[i]))
			lost[kept++] = lost[i];
	nlost = kept;
}

static bool excused(const struct sim_node *s, const char *name,
                    const struct sim_node *peer, const char *subject,
                    const char *verdict)
{
	for (size_t i = 0; i < nlost; i++)
		if (lost[i].node == s->index &&
		    strcmp(lost[i].name, name) == 0 &&
		    strcmp(lost[i].peer, peer->code) == 0 &&
		    strcmp(lost[i].subject, subject) == 0 &&
		    strcmp(lost[i].verdict, verdict) == 0)
			return true;
	return false;
}

bool audit_told(const struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->nodes[i].core && w->nodes[i].core->handovers > 0)
			return false;
	return true;
}

/* Rows that name a transfer, at one end, must have their like at the other.
 * The parent writes what it sends before the child can hear of it; the child
 * writes what it sends before the parent can. */
static void pair(struct world *w, struct sim_node *from, const char *events,
                 struct sim_node *to, const char *like)
{
	char sql[300];
	snprintf(sql, sizeof sql,
	         "SELECT DISTINCT transfer,subject,verdict FROM audit"
	         " WHERE event IN(%s) AND peer='%s' AND transfer<>''"
	         " AND result='ok'",
	         events, to->code);
	sqlite3_stmt *st = ask(from, sql);
	snprintf(sql, sizeof sql,
	         "SELECT 1 FROM audit WHERE transfer=?1 AND subject=?2"
	         " AND verdict=?3 AND event IN(%s) AND peer='%s'",
	         like, from->code);
	sqlite3_stmt *other = ask(to, sql);
	while (!w->invariant && sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < 3; i++)
			sqlite3_bind_text(other, i + 1, gt_col_text(st, i), -1,
			                  SQLITE_TRANSIENT);
		if (sqlite3_step(other) != SQLITE_ROW &&
		    !excused(to, gt_col_text(st, 0), from, gt_col_text(st, 1),
		             gt_col_text(st, 2)))
			world_fail(w, "audit",
			           "%s wrote %s of %s with %s, which did not",
			           from->code, gt_col_text(st, 0),
			           gt_col_text(st, 1), to->code);
		sqlite3_reset(other);
	}
	ask_end(st);
	ask_end(other);
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
