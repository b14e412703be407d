/* check.c: what must be true after each step.
 *
 * Every check compares what a node says with what other nodes hold, never with
 * what it says elsewhere. Items are looked at whenever a feed moves, records on
 * every eighth turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "catalogue_inside.h"
#include "code.h"
#include "content_inside.h"
#include "erase.h"
#include "inside.h"
#include "records_inside.h"
#include "roam.h"
#include "spoil.h"
#include "whisper.h"
#include "work.h"

enum { EVERY = 8, LOOKS = 16 };

/* No clock here makes a version of that, nor does one that is followed: both may
 * be ahead, by decades (catalogue/again.c). */
static const uint64_t LEAST_WILD = UINT64_C(1) << 42;

/* The greatest version of each resource a node has held. */
static uint64_t seen[NODES_MAX][RESOURCES_MAX];
/* ... and of the layer of each place above it, by depth. */
static uint64_t seen_layers[NODES_MAX][GT_LEVELS_MAX];
static int64_t learned[NODES_MAX]; /* end of the feed when issues were read */
/* ... and of each feed when items were looked at, and how often they were since
 * all were. */
static struct {
	int64_t resources, layers;
	unsigned looks;
} looked[NODES_MAX];

/* What the root held, and what others had set aside, when their disks were
 * lost. The marks below stay: they say what has been judged. */
struct lost {
	uint8_t id[GT_UUID_BYTES], form[GT_ID_BYTES];
};
static struct lost *lost;
static size_t nlost;

void check_init(void)
{
	memset(seen, 0, sizeof seen);
	memset(seen_layers, 0, sizeof seen_layers);
	memset(learned, 0, sizeof learned);
	memset(looked, 0, sizeof looked);
	nlost = 0;
}

/* ----------------------------------------------------- signed items */

/* hash NULL: any body. */
static bool issued(const struct issues *all, uint64_t version,
                   const struct gt_id *hash)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].version == version &&
		    (!hash || gt_id_eq(&all->v[i].hash, hash)))
			return true;
	return false;
}

/* Whoever makes a thing says it once: a version has one body, for ever. Two
 * copies of a node, or one that does not know it is an old one, may say two:
 * the tree must agree on one again, see final.c. */
static void learn_row(struct world *w, const struct sim_node *s,
                      struct issues *all, sqlite3_stmt *st)
{
	struct gt_id hash;
	uint64_t version = (uint64_t)gt_col_int(st, 1);
	if (!gt_col_fixed(st, 2, hash.b, GT_ID_BYTES) ||
	    issued(all, version, &hash))
		return;
	if (issued(all, version, NULL) && !s->two_pasts)
		world_fail(w, "fork", "%s has two bodies of version %llu",
		           gt_col_text(st, 0), (unsigned long long)version);
	if (version >= LEAST_WILD)
		world_fail(w, "leap", "%s has version %llu", gt_col_text(st, 0),
		           (unsigned long long)version);
	all->v = sim_must(realloc(all->v, (all->n + 1) * sizeof *all->v));
	all->v[all->n++] = (struct issue){version, hash};
}

/* A feed's end: it moves whenever an item changes. */
static int64_t end_of(const struct sim_node *s)
{
	return s->core->catalogue->seq[GT__KIND__RESOURCE] +
	       s->core->catalogue->seq[GT__KIND__LAYER];
}

static void learn(struct world *w, struct sim_node *s)
{
	unsigned home = clone_home(w, s->index);
	if (learned[s->index] == end_of(s))
		return;
	learned[s->index] = end_of(s);
	sqlite3_stmt *st = ask(s, "SELECT id,version,hash,kind FROM item"
	                          " WHERE kind IN(1,2) AND own");
	while (sqlite3_step(st) == SQLITE_ROW) {
		struct resource *r = work_resource(gt_col_text(st, 0));
		if (gt_col_int(st, 3) == GT__KIND__LAYER)
			learn_row(w, &w->nodes[home], &work.layers[home], st);
		else if (r)
			learn_row(w, &w->nodes[r->node], &r->issues, st);
	}
	ask_end(st);
}

/* maker: the index of whoever signs such a thing. */
static void check_body(struct world *w, const struct sim_node *s,
                       unsigned maker, const struct issues *all,
                       sqlite3_stmt *st)
{
	struct sim_node *from[2] = {&w->nodes[maker], NULL};
	struct gt_id hash = {0};
	uint64_t version = (uint64_t)gt_col_int(st, 1);
	gt_col_fixed(st, 2, hash.b, GT_ID_BYTES);
	from[1] = clone_other(w, from[0]);
	for (int k = 0; k < 2 && from[k]; k++) {
		if (issued(all, version, &hash))
			return;
		if (!from[k]->core)
			return; /* nobody to ask just now */
		learned[from[k]->index] = -1;
		learn(w, from[k]);
	}
	if (!issued(all, version, &hash))
		world_fail(w, "signed",
		           "%s holds %s version %llu as nobody signed it",
		           s->code, gt_col_text(st, 0),
		           (unsigned long long)version);
}

static void check_version(struct world *w, const struct sim_node *s,
                          uint64_t *last, sqlite3_stmt *st)
{
	uint64_t version = (uint64_t)gt_col_int(st, 1);
	if (version < *last)
		world_fail(w, "version", "%s went back from %llu to %llu of %s",
		           s->code, (unsigned long long)*last,
		           (unsigned long long)version, gt_col_text(st, 0));
	*last = version;
}

/* Rules laid down before a thing is published hold from its first moment on:
 * the publisher's feed carries them first, and so does everyone's below. */
static void check_barred(struct world *w, struct sim_node *s,
                         const struct resource *r, uint64_t version)
{
	if (work_denied(w, s, r, version))
		world_fail(w, "denied",
		           "%s holds %s, which was denied to it "
		           "before it was published",
		           s->code, r->id);
}

bool work_denied(const struct world *w, const struct sim_node *s,
                 const struct resource *r, uint64_t version)
{
	return clone_home(w, s->index) != r->node &&
	       version >= r->barred_from &&
	       (r->barred >> gt_code_depth(s->code) & 1) &&
	       gt_code_within(s->code, w->nodes[r->node].code);
}

void check_given(struct world *w, const struct sim_node *s,
                 const struct sim_node *child, const struct gt_id *object)
{
	const struct resource *denied = NULL;
	bool given = false;
	if (!child)
		return;
	sqlite3_stmt *st = ask(s, "SELECT id,version,object=?1 FROM item"
	                          " WHERE object=?1 OR prior=?1");
	sqlite3_bind_blob(st, 1, object->b, GT_ID_BYTES, SQLITE_STATIC);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const struct resource *r = work_resource(gt_col_text(st, 0));
		if (r && gt_col_int(st, 2) == 1 &&
		    work_denied(w, child, r, (uint64_t)gt_col_int(st, 1)))
			denied = r;
		else
			given = true;
	}
	ask_end(st);
	if (denied && !given)
		world_fail(w, "denied",
		           "%s serves bytes of %s to %s, which was denied to "
		           "it before they were published",
		           s->code, denied->id, child->code);
}

/* Whoever knows that it is not told what is revoked takes nothing new, lest it
 * be of one who is. */
static void check_dated(struct world *w, const struct sim_node *s,
                        const struct resource *r, uint64_t last,
                        sqlite3_stmt *st)
{
	bool live = gt_col_int(st, 6) == GT__STATE__LIVE;
	if (s->undated && live && clone_home(w, s->index) != r->node &&
	    (uint64_t)gt_col_int(st, 1) > last)
		world_fail(w, "undated",
		           "%s takes %s version %lld, and the newest date it "
		           "knows is too old",
		           s->code, r->id, (long long)gt_col_int(st, 1));
}

static void check_item(struct world *w, struct sim_node *s, sqlite3_stmt *st)
{
	struct resource *r = work_resource(gt_col_text(st, 0));
	bool has_body = gt_col_int(st, 4) > 0, denied = gt_col_int(st, 3) == 0;
	if (!r)
		return;
	uint64_t *last = &seen[s->index][r - work.resources];
	if (!denied)
		check_dated(w, s, r, *last, st);
	check_version(w, s, last, st);
	if (denied && has_body)
		world_fail(w, "denied",
		           "%s keeps the words of %s, denied to it", s->code,
		           r->id);
	if (denied || !has_body)
		return;
	check_body(w, s, r->node, &r->issues, st);
	check_barred(w, s, r, (uint64_t)gt_col_int(st, 1));
}

/* Whose layer it is, of those that bind the node; -1: of a child, which has
 * only shown it. */
static int maker_of(const struct world *w, const struct sim_node *s,
                    const char *code)
{
	int i = (int)clone_home(w, s->index);
	while (i >= 0 && strcmp(w->nodes[i].code, code) != 0)
		i = w->nodes[i].parent;
	return i;
}

static void check_layer(struct world *w, struct sim_node *s, sqlite3_stmt *st)
{
	int maker = maker_of(w, s, gt_col_text(st, 0));
	if (maker < 0)
		return;
	int depth = gt_code_depth(w->nodes[maker].code);
	check_version(w, s, &seen_layers[s->index][depth], st);
	if (gt_col_int(st, 4) > 0)
		check_body(w, s, (unsigned)maker, &work.layers[maker], st);
}

/* Those that have moved to the ends of their feeds since; all of them every
 * sixteenth time, and where a feed is shorter than it was. */
static void check_items(struct world *w, struct sim_node *s, bool all)
{
	int64_t to[2] = {s->core->catalogue->seq[GT__KIND__RESOURCE],
	                 s->core->catalogue->seq[GT__KIND__LAYER]};
	int64_t from[2] = {looked[s->index].resources, looked[s->index].layers};
	if (!all && to[0] == from[0] && to[1] == from[1])
		return;
	all = all || to[0] < from[0] || to[1] < from[1] ||
	      ++looked[s->index].looks >= LOOKS;
	looked[s->index].resources = to[0];
	looked[s->index].layers = to[1];
	if (all)
		looked[s->index].looks = 0;
	sqlite3_stmt *st =
	        ask(s, "SELECT id,version,hash,verdict,length(signed),kind,"
	               "state FROM item WHERE kind=1 AND seq>?1 UNION ALL"
	               " SELECT id,version,hash,verdict,length(signed),kind,"
	               "state FROM item WHERE kind=2 AND seq>?2");
	sqlite3_bind_int64(st, 1, all ? -1 : from[0]);
	sqlite3_bind_int64(st, 2, all ? -1 : from[1]);
	while (!w->invariant && sqlite3_step(st) == SQLITE_ROW)
		if (gt_col_int(st, 5) == GT__KIND__LAYER)
			check_layer(w, s, st);
		else
			check_item(w, s, st);
	ask_end(st);
}

/* ------------------------------------------------------------ marks */

static bool holds(const struct sim_node *s, const uint8_t *id,
                  const uint8_t *form)
{
	sqlite3_stmt *st =
	        ask(s, "SELECT 1 FROM record WHERE id=?1 UNION ALL"
	               " SELECT 1 FROM quarantine WHERE id=?1 AND form=?2");
	sqlite3_bind_blob(st, 1, id, GT_UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, form, GT_ID_BYTES, SQLITE_STATIC);
	bool yes = sqlite3_step(st) == SQLITE_ROW;
	ask_end(st);
	return yes;
}

/* What it has there of its own is damaged, and no judgement. */
static bool set_aside(const struct sim_node *s, const uint8_t *id,
                      const uint8_t *form)
{
	sqlite3_stmt *st = ask(s, "SELECT 1 FROM quarantine WHERE id=?1 AND"
	                          " form=?2 AND via<>?3");
	sqlite3_bind_text(st, 3, s->code, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 1, id, GT_UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, form, GT_ID_BYTES, SQLITE_STATIC);
	bool yes = sqlite3_step(st) == SQLITE_ROW;
	ask_end(st);
	return yes;
}

/* Either copy of a node will do: both are to be found, and asked. */
static bool holds_any(struct world *w, const struct sim_node *s,
                      const uint8_t *id, const uint8_t *form)
{
	const struct sim_node *other = clone_other(w, s);
	return !s->core || holds(s, id, form) || spoil_was(s, id) ||
	       (other && (!other->core || holds(other, id, form)));
}

static void lose_judged(const struct sim_node *s)
{
	sqlite3_stmt *st = ask(s, "SELECT id,form FROM quarantine UNION ALL"
	                          " SELECT id,form FROM record WHERE ?1");
	sqlite3_bind_int(st, 1, s->parent < 0);
	while (sqlite3_step(st) == SQLITE_ROW) {
		lost = sim_must(realloc(lost, (nlost + 1) * sizeof *lost));
		gt_col_fixed(st, 0, lost[nlost].id, GT_UUID_BYTES);
		gt_col_fixed(st, 1, lost[nlost].form, GT_ID_BYTES);
		nlost++;
	}
	ask_end(st);
}

static bool was_lost(const uint8_t *id, const uint8_t *form)
{
	for (size_t i = 0; i < nlost; i++)
		if (memcmp(lost[i].id, id, GT_UUID_BYTES) == 0 &&
		    memcmp(lost[i].form, form, GT_ID_BYTES) == 0)
			return true;
	return false;
}

bool check_lost(const uint8_t id[GT_UUID_BYTES])
{
	for (size_t i = 0; i < nlost; i++)
		if (memcmp(lost[i].id, id, GT_UUID_BYTES) == 0)
			return true;
	return false;
}

/* At the root, or set aside on the way; true too if that cannot be known. */
static bool rooted(struct world *w, const struct sim_node *s, const uint8_t *id,
                   const uint8_t *form)
{
	for (int i = s->parent; i >= 0; i = w->nodes[i].parent) {
		const struct sim_node *up = &w->nodes[i];
		const struct sim_node *other = clone_other(w, up);
		if (!up->core || set_aside(up, id, form) ||
		    (up->parent < 0 && holds_any(w, up, id, form)) ||
		    (other && (!other->core || set_aside(other, id, form))))
			return true;
	}
	return was_lost(id, form);
}

/* The last record a mark covers, and one before it. What counts a group is passed
 * over: where the rule has changed since it was made it stays, and the mark is
 * right to pass it. */
static bool covered(const struct sim_node *s, int64_t mark,
                    uint8_t id[GT_UUID_BYTES], uint8_t form[GT_ID_BYTES])
{
	sqlite3_stmt *st = ask(s, "SELECT id,form FROM record WHERE seq<=?1"
	                          " AND policy NOT GLOB 'aggregate:*'"
	                          " ORDER BY seq DESC LIMIT 1");
	sqlite3_bind_int64(st, 1, mark);
	bool yes = sqlite3_step(st) == SQLITE_ROW;
	if (yes) {
		gt_col_fixed(st, 0, id, GT_UUID_BYTES);
		gt_col_fixed(st, 1, form, GT_ID_BYTES);
	}
	ask_end(st);
	return yes;
}

static void check_mark(struct world *w, struct sim_node *s, int64_t mark,
                       bool root)
{
	uint8_t id[GT_UUID_BYTES], form[GT_ID_BYTES];
	const struct sim_node *up = &w->nodes[s->parent];
	for (int k = 0; k < 2 && mark > 0; k++) {
		int64_t at =
		        k ? 1 + (int64_t)(w->trace % (uint64_t)mark) : mark;
		if (!covered(s, at, id, form) || spoil_was(s, id) ||
		    erase_asked(id) || whisper_is(id))
			continue;
		bool good = root ? rooted(w, s, id, form)
		                 : holds_any(w, up, id, form);
		if (!good)
			world_fail(w, root ? "root-mark" : "hop-mark",
			           "%s believes record %lld of its own is at "
			           "%s, and it is not",
			           s->code, (long long)at,
			           root ? "the root" : up->code);
	}
}

static void check_marks(struct world *w, struct sim_node *s)
{
	if (s->parent < 0)
		return;
	const struct sim_node *up = &w->nodes[s->parent];
	const struct gt_peer *link = s->core->up;
	/* A parent that was restored has said anew what it has. */
	if (s->marks_unsure && up->core && link &&
	    link->session == GT_S_READY && s->far == s->parent &&
	    memcmp(link->epoch, up->core->epoch, GT_EPOCH_BYTES) == 0)
		s->marks_unsure = false;
	if (up->core && !s->marks_unsure)
		check_mark(w, s, s->core->records->hop, false);
	check_mark(w, s, s->core->records->root, true);
}

/* ---------------------------------------------------------- records */

bool work_record_at(const struct sim_node *s, const struct record *r,
                    bool set_aside_counts)
{
	char body[256];
	size_t n = work_record_body(r, body);
	sqlite3_stmt *st = ask(
	        s, set_aside_counts
	                   ? "SELECT 1 FROM record WHERE id=?1 AND body=?2"
	                     " UNION ALL SELECT 1 FROM quarantine"
	                     " WHERE id=?1 AND body=?2"
	                   : "SELECT 1 FROM record WHERE id=?1 AND body=?2");
	sqlite3_bind_blob(st, 1, r->id, GT_UUID_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, body, (int)n, SQLITE_STATIC);
	bool yes = sqlite3_step(st) == SQLITE_ROW;
	ask_end(st);
	return yes && !spoil_is(s, r);
}

/* One acknowledged record a time is looked for from its origin upward. */
static void check_record(struct world *w)
{
	if (work.nrecords == 0)
		return;
	const struct record *r = &work.records[w->trace % work.nrecords];
	if (!r->acknowledged || r->excused || erase_asked(r->id))
		return;
	for (int i = (int)r->node; i >= 0; i = w->nodes[i].parent) {
		const struct sim_node *s = &w->nodes[i];
		const struct sim_node *other = clone_other(w, s);
		if (!s->core || work_record_at(s, r, true) ||
		    (other && (!other->core || work_record_at(other, r, true))))
			return;
	}
	world_fail(w, "acknowledged",
	           "a record %s acknowledged is neither there nor above",
	           w->nodes[r->node].code);
}

/* ----------------------------------------------------------- limits */

/* What the structs of the core say of themselves and is too dear to assert
 * there: the numbers are those of the comments in *_inside.h and turn.h. */
static const char *broken_asks(const struct gt_node *n)
{
	uint32_t used = 0, contests = 0;
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < n->asks.cap; i++) {
		const struct gt_asking *a = &n->asks.v[i];
		if (a->what == GT_ASKED_NONE)
			continue;
		used++;
		bytes += a->what == GT_ASKED_FRAME ? a->bytes : 0;
		contests += a->what == GT_ASKED_CONTEST;
		if (!n->asks.due || n->asks.due > a->sent_ms + gt_answer_ms(n))
			return "asks 2: due after an answer is";
	}
	if (used != n->asks.count || used > GT_REQUESTS_MAX)
		return "asks 1: slots in use";
	if (used > 0 && !n->up)
		return "asks 3: asked without a link";
	if (contests != n->catalogue->contests)
		return "catalogue 4: contests";
	if (n->catalogue->strangers > GT_STRANGERS_MAX)
		return "catalogue: names only children know";
	return bytes != n->content->window.inflight ? "window 1: inflight"
	                                            : NULL;
}

/* How many frames of an object may be asked for. */
static uint32_t frames_asked(const struct gt_node *n, const struct gt_id *id)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < n->asks.cap; i++)
		count += n->asks.v[i].what == GT_ASKED_FRAME &&
		         gt_id_eq(&n->asks.v[i].object, id);
	return count;
}

static const char *broken_waiter(struct gt_node *n, const struct gt_object *o,
                                 const struct gt_waiter *w)
{
	const struct gt_peer *p = gt_peer_by_id(n, w->peer);
	if (!p || p->parent || p->session != GT_S_READY)
		return "waiter 1: of nobody";
	if (o->m && w->frame >= o->m->nframes)
		return "waiter 2: for no frame";
	return w->until < o->expiry ? "object 9: expiry" : NULL;
}

static const char *broken_life(const struct sim_node *s,
                               const struct gt_object *o)
{
	bool whole =
	        o->state >= GT_OBJECT_PARTIAL && o->state <= GT_OBJECT_COMPLETE;
	if (o->doomed &&
	    (!o->jobs || o->waiters ||
	     ask_one(s, "SELECT state FROM object WHERE id=?2", NULL, o->id.b,
	             GT_ID_BYTES) > GT_OBJECT_WANTED))
		return "object 4: doomed, and here";
	if (o->filling && (o->doomed || o->state >= GT_OBJECT_COMPLETE))
		return "object 5: filling";
	if (o->state != GT_OBJECT_REFUSED && whole != (o->m != NULL))
		return "object 5: state and manifest";
	if (!s->core->up &&
	    (o->asked_manifest || (o->m && o->count[GT_FRAME_ASKED])))
		return "object 6: asked of nobody";
	if (o->m && !o->doomed && o->count[GT_FRAME_ASKED] > 0 &&
	    o->count[GT_FRAME_ASKED] > frames_asked(s->core, &o->id))
		return "object 6: asked, and not";
	if (o->from && gt_id_is_zero(&o->prior))
		return "object 7: from nothing";
	return (o->lost || o->syncing) && !o->jobs ? "object 8: jobs" : NULL;
}

static const char *broken_object(const struct gt_object *o)
{
	uint32_t sum = 0;
	if (!o->m != !o->frames)
		return "object 1: frames without a manifest";
	for (int i = 0; o->m && i < GT_FRAME_STATES; i++)
		sum += o->count[i];
	if (o->m && sum != o->m->nframes)
		return "object 1: counts of frames";
	for (uint32_t i = 0; o->m && i < o->scan; i++)
		if (o->frames[i] == GT_FRAME_MISSING)
			return "object 2: missing below scan";
	return NULL;
}

static const char *broken_pending(const struct gt_node *n)
{
	const struct gt_pending *v = n->catalogue->pending;
	size_t used = 0, adopting = 0;
	for (size_t i = 0; i < GT_PENDING_MAX; i++) {
		const struct gt_pending *p = &v[i];
		bool held = false;
		used += p->used;
		adopting += !gt_id_is_zero(&n->content->adopting[i]);
		if (!p->used && (p->copy || !gt_id_is_zero(&p->object)))
			return "pending 1: a free one";
		for (size_t k = 0; p->used && k < GT_ADOPTING_MAX; k++)
			held = held ||
			       gt_id_eq(&n->content->adopting[k], &p->object);
		if (p->used && !held)
			return "pending 2: not adopting";
		if (p->used && (p->entry.p != p->copy ||
		                p->manifest.p != p->copy + p->entry.n))
			return "pending 3: copy";
	}
	return used != adopting ? "content 4: adopting" : NULL;
}

static const char *broken_objects(const struct sim_node *s)
{
	struct gt_node *n = s->core;
	uint32_t waiters = 0;
	const char *what = NULL;
	GT_EACH_OBJECT(o, n->content) {
		if (gt_object_find(n, &o->id) != o)
			return "content 1: an object twice";
		if (o->news)
			return "content 3: news";
		for (struct gt_waiter *w = o->waiters; w; w = w->next) {
			waiters++;
			if (!what)
				what = broken_waiter(n, o, w);
		}
		if (!what)
			what = broken_object(o);
		if (!what)
			what = broken_life(s, o);
	}
	return waiters != n->content->nwaiters || waiters > GT_WAITERS_MAX
	               ? "content 2: waiters"
	               : what;
}

static const char *broken_content(const struct gt_node *n)
{
	struct gt_content *c = n->content;
	if (c->news)
		return "content 3: news";
	if (c->window.size > n->config.window_max ||
	    c->window.size < GT_WINDOW_THIN ||
	    c->window.inflight > n->config.window_max + GT_FRAME_STORED_MAX)
		return "window 2: size";
	if (c->handovers.told > c->handovers.last ||
	    c->handovers.asked > GT_HANDOVER_WINDOW)
		return "handovers 1, 2";
	if (c->handovers.rows > GT_HANDOVERS_MAX)
		return "handovers: more than may be kept";
	return broken_pending(n);
}

static const char *broken_child(const struct gt_node *n,
                                const struct gt_child *c)
{
	const int64_t *seq = n->catalogue->seq;
	int64_t after = (int64_t)c->parked_after;
	if (c->acked > c->vseq || c->allowed_vseq > c->vseq)
		return "child 1: acked";
	if (c->rooted_told > c->rooted || c->rooted > c->records)
		return "child 2: marks";
	if (c->parked && (after < c->acked || after > c->vseq))
		return "child 3: parked";
	if (c->judged_members > seq[GT__KIND__MEMBER] ||
	    c->judged_layers > seq[GT__KIND__LAYER] ||
	    c->judged > seq[GT__KIND__RESOURCE])
		return "child 4: judged";
	return NULL;
}

static const char *broken_peer(struct gt_node *n, const struct gt_peer *p)
{
	bool ready = p->session == GT_S_READY;
	if (gt_peer_by_id(n, p->id) != p)
		return "peer 1: an id twice, or node 3: gone";
	if (p->session != GT_S_NEW && (p->version < GT_PROTOCOL_MIN ||
	                               p->version > n->config.protocol_max))
		return "peer 2: version";
	if (p->parent != (p == n->up))
		return "node 2: up";
	bool child = !p->parent && p->kind == GT__LINK__CHILD;
	if ((p->child.cid != 0) != (ready && child))
		return "peer 3, 7: cid";
	if (ready && child && gt_peer_by_code(n, p->code) != p)
		return "peer 4: a code twice";
	if (!ready && (p->following || p->child.parked))
		return "peer 5: before READY";
	return p->child.cid ? broken_child(n, &p->child) : NULL;
}

static const char *broken_links(struct gt_node *n)
{
	const char *what = NULL;
	if (n->npeers > n->config.max_links || n->gone)
		return "node 1, 3: slots, or one not buried";
	if (n->up && !n->up->id)
		return "node 2: up";
	if (n->nactions > n->capactions)
		return "node 6: actions";
	if (n->status.commits > n->status.generation)
		return "node 7: commits";
	for (uint32_t i = 0; !what && i < n->npeers; i++)
		if (n->peers[i].id)
			what = broken_peer(n, &n->peers[i]);
	return what;
}

static const char *broken_records(const struct gt_node *n)
{
	const struct gt_records *r = n->records;
	if (r->hop > r->seq || r->root > r->seq)
		return "records 1: marks";
	if (r->sent > r->high)
		return "records 2: sent";
	if (r->batches > GT_RECORD_WINDOW)
		return "records 3: batches";
	if (!*n->parent && (r->hop != r->seq || r->root != r->seq))
		return "records 4: the root's marks";
	return NULL;
}

/* What the database says of the catalogue: looked at when it has changed. */
static const char *broken_catalogue(const struct sim_node *s)
{
	static const char max[] =
	        "SELECT ifnull(max(seq),0) FROM item WHERE kind=";
	const struct gt_catalogue *c = s->core->catalogue;
	char sql[80];
	for (int kind = GT__KIND__RESOURCE; kind <= GT__KIND__MEMBER; kind++) {
		gt_format(sql, sizeof sql, "%s%d", max, kind);
		if (ask_one(s, sql, NULL, NULL, 0) != c->seq[kind])
			return "catalogue 1: seq";
	}
	int64_t layers = ask_one(s, "SELECT count(*) FROM item WHERE kind=2",
	                         NULL, NULL, 0);
	if ((int64_t)c->nlayers !=
	    (layers < GT_LAYERS_MAX ? layers : GT_LAYERS_MAX))
		return "catalogue 2: layers";
	bool same = ask_one(s,
	                    "SELECT ifnull((SELECT value=?2 FROM meta WHERE"
	                    " key='parent_epoch'),?2=zeroblob(16))",
	                    NULL, c->parent_epoch, GT_EPOCH_BYTES) == 1;
	return same == c->contest ? "catalogue 3: contest" : NULL;
}

static void check_invariants(struct world *w, const struct sim_node *s)
{
	const char *what = broken_asks(s->core);
	if (!what)
		what = broken_objects(s);
	if (!what)
		what = broken_content(s->core);
	if (!what)
		what = broken_links(s->core);
	if (!what)
		what = broken_records(s->core);
	if (!what && s->commits != s->core->status.commits)
		what = broken_catalogue(s);
	if (what)
		world_fail(w, "limit", "%s: %s", s->code, what);
}

/* The newest date a node knows goes back only where it lies ahead of its clock,
 * and is the root's: no other node has the key. A clock that was wrong may have
 * made and taken one from any time. */
static void check_date(struct world *w, struct sim_node *s)
{
	const struct gt_date *d = &s->core->catalogue->date;
	int64_t was = s->dated_ms;
	int64_t wall = s->core->now.wall_ms;
	s->dated_ms = d->n ? d->at_ms : 0;
	s->undated =
	        was >= 0 && s->parent >= 0 && *d->by &&
	        wall - (d->n ? d->at_ms : d->since_ms) >= world_date_limit(w);
	if (was < 0)
		return;
	if (s->dated_ms < was && was <= s->core->now.wall_ms + GT_DATE_AHEAD_MS)
		world_fail(w, "date", "%s goes back from date %lld to %lld",
		           s->code, (long long)was, (long long)s->dated_ms);
	if (s->dated_ms > was &&
	    s->dated_ms > s->core->now.wall_ms + GT_DATE_AHEAD_MS)
		world_fail(w, "date", "%s takes date %lld, ahead of its clock",
		           s->code, (long long)s->dated_ms);
}

/* ------------------------------------------------------------ hooks */

void check_node(struct world *w, unsigned node)
{
	struct sim_node *s = &w->nodes[node];
	if (!s->core || w->invariant)
		return;
	learn(w, s);
	check_invariants(w, s);
	check_date(w, s);
	if (s->core->status.strangers > 0 && !s->met_two)
		world_fail(w, "lineage",
		           "%s takes %s for a copy or an old state, and there "
		           "is neither",
		           s->code, s->core->status.stranger);
	if (s->core->status.copies_held > 0 && !s->met_copies)
		world_fail(w, "held-off",
		           "%s holds a child off, and none ever ran twice",
		           s->code);
	check_items(w, s, false);
	w->changes += s->commits != s->core->status.commits;
	s->commits = s->core->status.commits;
	if (w->events % EVERY != 0 || s->checked == w->changes)
		return;
	s->checked = w->changes;
	check_marks(w, s);
	check_record(w);
}

/* It had no power when the disk of the others was lost. */
static void take_back_excuses(const struct sim_node *s)
{
	for (unsigned i = 0; i < work.nrecords; i++) {
		struct record *r = &work.records[i];
		if (!r->excused || !work_record_at(s, r, false))
			continue;
		r->excused = false;
		r->node = s->index;
	}
}

bool check_row(const struct sim_node *s, char said[GT_ODD_SAID])
{
	struct gt_odd odd;
	sqlite3_stmt *st = ask(s, "SELECT count(*) FROM meta");
	int is = gt_domain_look(sqlite3_db_handle(st), s->code, s->parent < 0,
	                        &odd);
	gt_odd_say(said, &odd);
	return is == 1;
}

static void check_rows(struct world *w, const struct sim_node *s)
{
	char said[GT_ODD_SAID];
	if (!check_row(s, said))
		world_fail(w, "row", "%s: %s", s->code, said);
}

void check_started(struct world *w, unsigned node)
{
	take_back_excuses(&w->nodes[node]);
	learned[node] = -1;
	w->changes++;
	check_rows(w, &w->nodes[node]);
	blob_verify(w, &w->nodes[node]);
	check_items(w, &w->nodes[node], true);
}

static void forget_seen(unsigned node)
{
	memset(seen[node], 0, sizeof seen[node]);
	memset(seen_layers[node], 0, sizeof seen_layers[node]);
}

/* Somebody known handed in the record of that id there. */
static bool vouched_at(const struct sim_node *s, const struct record *r)
{
	return s->core &&
	       ask_one(s, "SELECT flags&2 FROM record WHERE id=?2", NULL, r->id,
	               GT_UUID_BYTES) == 2 &&
	       !spoil_is(s, r);
}

/* A copy that nobody known handed in may be left of it. */
static void lose_voices(struct world *w, unsigned node)
{
	for (unsigned i = 0; i < work.nrecords; i++) {
		struct record *r = &work.records[i];
		bool elsewhere = r->voice == NOBODY;
		for (unsigned k = 0; !elsewhere && k <= w->count; k++)
			elsewhere = k != node && vouched_at(&w->nodes[k], r);
		r->unheard = r->unheard || !elsewhere;
	}
}

/* A disk is about to be lost: what is nowhere else is lost with it, and nobody
 * could have kept it. */
void check_restored(struct world *w, unsigned node)
{
	forget_seen(node);
	spoil_forgot(node);
	lose_judged(&w->nodes[node]);
	lose_voices(w, node);
	roam_lost(w, node);
	for (unsigned i = 0; i < work.nrecords; i++) {
		struct record *r = &work.records[i];
		unsigned k = 0;
		while (k <= w->count &&
		       (k == node || !w->nodes[k].core ||
		        !work_record_at(&w->nodes[k], r, false)))
			k++;
		if (k > w->count)
			r->excused = true;
		else if (r->node == node)
			r->node = k; /* it comes up from there again */
	}
}

void check_copied(struct world *w, unsigned node)
{
	const unsigned both[2] = {node, w->count};
	for (unsigned i = 0; i < 2; i++) {
		forget_seen(both[i]);
		learned[both[i]] = looked[both[i]].resources = -1;
		looked[both[i]].looks = LOOKS;
		w->nodes[both[i]].dated_ms = -1;
	}
}
