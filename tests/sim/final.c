/* final.c: when the faults are over, everything is as policy says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "certify.h"
#include "code.h"
#include "erase.h"
#include "policy.h"
#include "read_inside.h"
#include "roam.h"
#include "schema.h"
#include "spoil.h"
#include "store.h"
#include "whisper.h"
#include "work.h"

/* The verdict by the promise, not by the code: the least of what each layer
 * from the root to the node says, and never beyond what the node above can
 * give. A parent that only lists has nothing to pass on but the listing; what
 * it fetches when asked it can pass on when asked. */
static unsigned expected(struct world *w, const struct resource *r,
                         unsigned node)
{
	if (node == r->node)
		return GT_MIRROR;
	if (w->nodes[node].parent < 0)
		return GT_DENY;
	unsigned v = expected(w, r, (unsigned)w->nodes[node].parent);
	if (v == GT_MIRROR || v == GT_ON_DEMAND)
		v = GT_MIRROR;
	int depth = gt_code_depth(w->nodes[node].code);
	for (int i = (int)node; i >= 0; i = w->nodes[i].parent) {
		unsigned says = work_verdict((unsigned)i, r->type, depth);
		v = says < v ? says : v;
	}
	return v;
}

/* All rows, for whoever looks for the cause. */
static void print_rows(const struct sim_node *s, const char *sql,
                       const char *id)
{
	sqlite3_stmt *st = ask(s, sql);
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	while (sqlite3_step(st) == SQLITE_ROW) {
		printf("    %s", s->code);
		for (int i = 0; i < sqlite3_column_count(st); i++)
			printf(" %s", gt_col_text(st, i));
		printf("\n");
	}
	ask_end(st);
}

/* What the node and those above it know of a resource, and what each wrote
 * down of it last. */
static void print_past(const struct world *w, const struct sim_node *s,
                       const char *id)
{
	for (int i = (int)s->index; i >= 0; i = w->nodes[i].parent) {
		const struct sim_node *n = &w->nodes[i];
		if (!n->core)
			continue;
		print_rows(n,
		           "SELECT 'item version',version,'state',state,"
		           "'verdict',verdict,'own',own,length(signed),'bytes'"
		           " FROM item WHERE id=?1",
		           id);
		print_rows(n,
		           "SELECT 'told',c.code,'verdict',v.verdict,'as',"
		           "v.vseq,'of',c.vseq,'held',c.acked FROM view v"
		           " JOIN item i USING(rid) JOIN child c USING(cid)"
		           " WHERE i.id=?1",
		           id);
		print_rows(n,
		           "SELECT aid,at_ms-1767225600000,event,kind,version,"
		           "verdict,peer,result,detail FROM audit WHERE"
		           " subject=?1 OR event='note'"
		           " ORDER BY aid DESC LIMIT 12",
		           id);
	}
}

static bool wrong(bool loud, const struct sim_node *s, const char *id,
                  const char *what)
{
	if (loud)
		printf("not converged: %s: %s: %s\n", s->code, id, what);
	return false;
}

static bool object_right(struct world *w, struct sim_node *s,
                         const struct resource *r, unsigned v, bool loud)
{
	bool asked = v == GT_ON_DEMAND &&
	             work.asked[s->index] == 1 + (unsigned)(r - work.resources);
	if (gt_id_is_zero(&r->object) || (v < GT_MIRROR && !asked))
		return true;
	if (ask_one(s, "SELECT state FROM object WHERE id=?2", NULL,
	            r->object.b, GT_ID_BYTES) != GT_OBJECT_COMPLETE)
		return wrong(loud, s, r->id, "its object is not complete");
	/* Somebody plays all of it: what rotted is seen, and healed. */
	if (world_read(w, s->index, &r->object) != 0)
		return wrong(loud, s, r->id, "a frame is damaged");
	return true;
}

/* The body the publisher has, whatever its copies once said. */
static bool same_body(struct world *w, struct sim_node *s,
                      const struct resource *r)
{
	struct sim_node *from = &w->nodes[r->node];
	struct gt_id hash = {0};
	if (!from->core)
		return false;
	sqlite3_stmt *st =
	        ask(from, "SELECT hash FROM item WHERE kind=1 AND id=?1");
	sqlite3_bind_text(st, 1, r->id, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		gt_col_fixed(st, 0, hash.b, GT_ID_BYTES);
	ask_end(st);
	return ask_one(s, "SELECT hash IS ?2 FROM item WHERE kind=1 AND id=?1",
	               r->id, hash.b, GT_ID_BYTES) == 1;
}

static bool resource_right(struct world *w, struct sim_node *s,
                           const struct resource *r, bool loud)
{
	unsigned v = expected(w, r, s->index);
	bool here = ask_one(s,
	                    "SELECT count(*) FROM item WHERE kind=1 AND id=?1"
	                    " AND verdict>0 AND state=0",
	                    r->id, NULL, 0) > 0;
	if (r->withdrawn)
		return here ? wrong(loud, s, r->id, "withdrawn, still here")
		            : true;
	if ((v > GT_DENY) != here)
		return wrong(loud, s, r->id, here ? "denied, here" : "missing");
	if (v == GT_DENY)
		return true;
	if (ask_one(s, "SELECT verdict FROM item WHERE kind=1 AND id=?1", r->id,
	            NULL, 0) != (int64_t)v)
		return wrong(loud, s, r->id, "another verdict");
	if (!same_body(w, s, r))
		return wrong(loud, s, r->id, "another body than its publisher");
	bool none = gt_id_is_zero(&r->object);
	if (!none && ask_one(s,
	                     "SELECT object IS ?2 FROM item WHERE kind=1 AND"
	                     " id=?1",
	                     r->id, r->object.b, GT_ID_BYTES) != 1)
		return wrong(loud, s, r->id, "another version's object");
	return object_right(w, s, r, v, loud);
}

/* On the way up, with its words, for somebody to look at. */
static bool set_aside(const struct world *w, const struct record *r)
{
	char body[256];
	size_t n = work_record_body(r, body);
	for (int i = (int)r->node; i >= 0; i = w->nodes[i].parent)
		if (ask_one(&w->nodes[i],
		            "SELECT count(*) FROM quarantine WHERE body=?2",
		            NULL, body, n) > 0)
			return true;
	return check_lost(r->id);
}

/* Who vouched for it and when it was stored first are as they were there. */
static bool same_beside(const struct world *w, const struct record *r)
{
	static const char sql[] = "SELECT origin_ms,authority,form,flags"
	                          " FROM record WHERE id=?1";
	sqlite3_stmt *st[2] = {ask(&w->nodes[0], sql),
	                       ask(&w->nodes[r->node], sql)};
	bool same = true;
	for (int i = 0; i < 2 && st[0] != st[1]; i++) {
		sqlite3_bind_blob(st[i], 1, r->id, GT_UUID_BYTES,
		                  SQLITE_STATIC);
		same = same && sqlite3_step(st[i]) == SQLITE_ROW;
	}
	for (int i = 0; i < 4 && same && st[0] != st[1]; i++)
		same = gt_bytes_eq(gt_col_bytes(st[0], i),
		                   gt_col_bytes(st[1], i));
	ask_end(st[0]);
	ask_end(st[1]);
	return same;
}

/* What a reader there learns of it: 0: no such; 1: it; -1: it is voided. */
static int read_of(const struct sim_node *s, const struct record *r)
{
	sqlite3_stmt *st = ask_read(s, gt_queries[GT_Q_RECORD]);
	sqlite3_bind_blob(st, 1, r->id, GT_UUID_BYTES, SQLITE_STATIC);
	int got = 0;
	if (sqlite3_step(st) == SQLITE_ROW)
		got = gt_col_int(st, 12) ? -1 : 1;
	ask_end(st);
	return got;
}

/* It was altered there, and nobody was left who could give it back. */
static bool rotten(const struct sim_node *s, const struct record *r)
{
	return spoil_was(s, r->id) &&
	       (spoil_is(s, r) || !work_record_at(s, r, false));
}

/* A reader there is kept from what somebody who may has voided, and from
 * nothing else. Records of one id that were handed in by several are left out:
 * who of them has it is not for this to say. */
static bool voided_right(const struct world *w, const struct sim_node *s,
                         const struct record *r)
{
	bool must = false, may = false;
	bool known = !r->voids && !r->shared && !rotten(s, r);
	int got = known ? read_of(s, r) : 0;
	for (unsigned k = 0; got != 0 && k < work.nrecords; k++) {
		const struct record *v = &work.records[k];
		if (!v->voids || !work_may_void(w, v, r) ||
		    memcmp(v->target, r->id, GT_UUID_BYTES) != 0)
			continue;
		may = true;
		must = must || (v->acknowledged && !v->shared &&
		                work_record_at(s, v, false));
	}
	return got == 0 || (got < 0 ? may : !must);
}

/* Nobody unknown has the id of what a known one handed in. */
static bool has_its_id(const struct sim_node *root, const struct record *r)
{
	return r->voice == NOBODY || r->unheard ||
	       ask_one(root, "SELECT flags&2 FROM record WHERE id=?2", NULL,
	               r->id, GT_UUID_BYTES) == 2;
}

/* Every acknowledged record is at the root once, in one of the forms that were
 * acknowledged for its id, and the others are set aside; and one that voids
 * another does. */
static const char *record_wrong(const struct world *w, const struct record *r)
{
	const struct sim_node *root = &w->nodes[0];
	if (ask_one(root, "SELECT count(*) FROM record WHERE id=?2", NULL,
	            r->id, GT_UUID_BYTES) != 1)
		return "not there once";
	bool match = work_record_at(root, r, false);
	if (match && !r->shared && !rotten(&w->nodes[r->node], r) &&
	    !same_beside(w, r))
		return "stored or vouched for otherwise than at its origin";
	if (match && r->voids &&
	    ask_one(root, "SELECT count(*) FROM record WHERE target=?2", NULL,
	            r->target, GT_UUID_BYTES) < 1)
		return "does not void what it should";
	if (!has_its_id(root, r))
		return "hidden by what nobody known handed in";
	if (!voided_right(w, root, r) ||
	    !voided_right(w, &w->nodes[r->node], r))
		return "voided by who may not, or not by who may";
	if (!match && !set_aside(w, r))
		return "neither there nor set aside";
	for (unsigned k = 0; !match && k < work.nrecords; k++)
		match = memcmp(work.records[k].id, r->id, GT_UUID_BYTES) == 0 &&
		        work_record_at(root, &work.records[k], false);
	return match ? NULL : "changed on the way";
}

/* What a node took in and forgot comes back to it, if its parent did not forget
 * it too and both know how to ask. */
static bool back_at_home(const struct world *w, const struct record *r)
{
	const struct sim_node *s = &w->nodes[r->home];
	const struct sim_node *up = s->parent < 0 ? NULL : &w->nodes[s->parent];
	return !up || r->shared || s->emptied || up->forgot || s->ran_old ||
	       up->ran_old || s->two_pasts || up->two_pasts || s->was_hung ||
	       w->struck[FAULT_BIT_SPOIL] > 0 || work_record_at(s, r, true);
}

static bool records_right(struct world *w, bool loud)
{
	for (unsigned i = 0; i < work.nrecords && !spoil_waits(w); i++) {
		const struct record *r = &work.records[i];
		bool must =
		        r->acknowledged && !r->excused && !erase_asked(r->id);
		const char *bad = must ? record_wrong(w, r) : NULL;
		if (bad)
			return wrong(loud, &w->nodes[0], "record", bad);
		if (must && !back_at_home(w, r))
			return wrong(loud, &w->nodes[r->home], "record",
			             "it was forgotten here and did not come "
			             "back");
	}
	return true;
}

/* Something here that the node may have names it, for now or until a newer one
 * is whole. */
static bool may_keep(struct world *w, const struct sim_node *s,
                     const struct gt_id *object)
{
	sqlite3_stmt *st = ask(s, "SELECT id FROM item WHERE kind=1 AND"
	                          " (object=?1 OR prior=?1)");
	bool may = false;
	sqlite3_bind_blob(st, 1, object->b, GT_ID_BYTES, SQLITE_TRANSIENT);
	while (!may && sqlite3_step(st) == SQLITE_ROW) {
		const struct resource *r = work_resource(gt_col_text(st, 0));
		may = r && !r->withdrawn &&
		      expected(w, r, s->index) >= GT_ON_DEMAND;
	}
	ask_end(st);
	return may;
}

/* What policy does not give is gone, the bytes with it. */
static bool nothing_left(struct world *w, struct sim_node *s, bool loud)
{
	const struct disk_file *at = NULL;
	struct gt_id id;
	bool right = true;
	sqlite3_stmt *st = ask(s, "SELECT id FROM object");
	while (right && sqlite3_step(st) == SQLITE_ROW)
		right = gt_col_fixed(st, 0, id.b, GT_ID_BYTES) &&
		        may_keep(w, s, &id);
	ask_end(st);
	if (!right)
		return wrong(loud, s, "object", "here, and not to be");
	if (ask_one(s,
	            "SELECT count(*) FROM item i JOIN object o ON"
	            " o.id=i.object AND o.state=4 WHERE i.prior IS NOT NULL",
	            NULL, NULL, 0) > 0)
		return wrong(loud, s, "object", "the one before is still here");
	for (const char *name; (name = disk_next(&s->disk, &at));)
		if (strncmp(name, "o/", 2) == 0 &&
		    !(gt_unhex(id.b, GT_ID_BYTES, name + 2) &&
		      ask_one(s, "SELECT state FROM object WHERE id=?2", NULL,
		              id.b, GT_ID_BYTES) > 0))
			return wrong(loud, s, name, "a file nobody wants");
	return true;
}

static bool node_quiet(const struct world *w, struct sim_node *s, bool loud)
{
	struct gt_node_status *st = malloc(sizeof *st);
	if (!st)
		exit(2);
	gt_node_status(s->core, st);
	bool linked = s->parent < 0 || (st->parent_up && st->synced);
	bool rooted = st->records_unrooted == 0 || spoil_waits(w) ||
	              spoil_holds(w, s);
	free(st);
	if (!linked)
		return wrong(loud, s, "link", "not up and in step");
	return rooted ? true : wrong(loud, s, "records", "not all at the root");
}

/* Within a clock era what comes later is stored later, whatever the clock did. */
static bool in_order(struct sim_node *s, bool loud)
{
	if (ask_one(s,
	            "SELECT count(*) FROM (SELECT stored_ms-lag(stored_ms)"
	            " OVER (PARTITION BY (SELECT max(era) FROM clock_era e"
	            " WHERE e.seq<=r.seq) ORDER BY seq) AS later FROM record r)"
	            " WHERE later<0",
	            NULL, NULL, 0) > 0)
		return wrong(loud, s, "record", "stored before the last");
	return true;
}

static bool possible(struct sim_node *s, bool loud)
{
	char said[GT_ODD_SAID];
	return check_row(s, said) || wrong(loud, s, "row", said);
}

static bool node_right(struct world *w, struct sim_node *s, bool loud)
{
	bool right = s->core && node_quiet(w, s, loud);
	for (unsigned r = 0; right && r < work.nresources; r++) {
		if (work.resources[r].version == 0)
			continue;
		right = resource_right(w, s, &work.resources[r], loud);
		if (!right && loud && w->verbose)
			print_past(w, s, work.resources[r].id);
	}
	return right && nothing_left(w, s, loud) && in_order(s, loud) &&
	       possible(s, loud);
}

/* The n-th of what a node has on demand only, 0: none; and how many there
 * are. */
static unsigned on_demand(struct world *w, unsigned node, uint64_t n,
                          unsigned *count)
{
	unsigned found = 0;
	*count = 0;
	for (unsigned i = 0; i < work.nresources; i++) {
		const struct resource *r = &work.resources[i];
		if (r->version == 0 || r->withdrawn ||
		    gt_id_is_zero(&r->object) ||
		    expected(w, r, node) != GT_ON_DEMAND)
			continue;
		if ((*count)++ == n)
			found = i + 1;
	}
	return found;
}

void check_ask(struct world *w)
{
	for (unsigned i = 0; i < w->count && !w->invariant; i++) {
		unsigned count;
		(void)on_demand(w, i, 0, &count);
		if (count == 0)
			continue;
		work.asked[i] = on_demand(w, i, (w->trace + i) % count, &count);
		struct gt_event e = {
		        .type = GT_EV_WANT,
		        .token = ++w->tokens,
		        .text = work.resources[work.asked[i] - 1].id,
		        .actor = "terminal"};
		world_command(w, i, &e);
	}
}

bool check_converged(struct world *w, bool loud)
{
	bool right = !clone_alive(w);
	if (!right && loud)
		printf("not converged: two copies of a node still run\n");
	/* the node that was not right before is asked first */
	right = right && node_right(w, &w->nodes[w->not_right], loud);
	for (unsigned i = 0; right && i < w->count; i++) {
		right = node_right(w, &w->nodes[i], loud);
		w->not_right = right ? 0 : i;
	}
	right = right && records_right(w, loud) && spoil_right(w, loud) &&
	        roam_right(w, loud) && erase_right(w, loud) &&
	        whisper_right(w, loud) && certify_right(w, loud);
	return right;
}
