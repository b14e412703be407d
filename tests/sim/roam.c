/* roam.c: documents that courses keep, edited at many places, at one and the same
 * time too.
 *
 * Whoever edits one says by its ETag what he replaces, as a course does, so each
 * edit is known to be upon a certain other one. What was acknowledged counts
 * somewhere in the end, or is kept as one that lost, or something is there that
 * was put upon it; and all who have a document and ask for it have the same. */
#include "roam.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "document.h"
#include "store.h"

enum { KEYS = 5, EDITS = 4096, OPEN = 64, BODY = 40 };

static struct edit {
	unsigned key, upon; /* number of what it replaces; 0: nothing */
	bool acknowledged, maybe;
	bool excused; /* the only copy was on a disk that got lost */
} edits[EDITS];       /* number 0 is none */
static unsigned nedits;
static struct {
	uint64_t token; /* 0: free */
	unsigned node, edit;
} commands[OPEN];
static struct prng draw;
static bool off;

void roam_init(struct world *w, bool skip)
{
	memset(edits, 0, sizeof edits);
	memset(commands, 0, sizeof commands);
	nedits = 1;
	draw = prng_new(w->seed, FOR_WORKLOAD, 2);
	off = skip;
}

static struct gt_document_key key_of(unsigned key)
{
	static const char *const ids[KEYS] = {"k0", "k1", "k2", "k3", "k4"};
	static const char learner[] =
	        "sha1:0123456789012345678901234567890123456789";
	return (struct gt_document_key){GT_DOCUMENT_STATE, "http://x.cn/a",
	                                learner, "", ids[key]};
}

static size_t body_of(unsigned number, char out[BODY])
{
	gt_format(out, BODY, "edit %u upon %u", number, edits[number].upon);
	return strlen(out);
}

/* The edit that counts at that node, 0: none. */
static unsigned here(const struct sim_node *s, unsigned key)
{
	sqlite3_stmt *st =
	        ask(s, "SELECT CAST(body AS TEXT) FROM document WHERE id=?1");
	unsigned number = 0;
	sqlite3_bind_text(st, 1, key_of(key).id, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		(void)sscanf(gt_col_text(st, 0), "edit %u", &number);
	ask_end(st);
	return number < nedits ? number : 0;
}

/* ------------------------------------------------------------- deeds */

static void seek(struct world *w, unsigned node, unsigned key)
{
	const struct gt_document_edit d = {
	        .key = key_of(key), .actor = "", .type = ""};
	struct gt_event e = {.type = GT_EV_DOCUMENT_SEEK,
	                     .token = ++w->tokens,
	                     .actor = "terminal",
	                     .document = &d};
	world_command(w, node, &e);
}

static void put(struct world *w, unsigned node, unsigned key)
{
	char body[BODY], was[BODY], etag[GT_ETAG_TEXT];
	unsigned slot = 0, upon = here(&w->nodes[node], key);
	while (slot < OPEN && commands[slot].token)
		slot++;
	if (slot == OPEN || nedits == EDITS)
		return;
	unsigned number = nedits++;
	edits[number] = (struct edit){.key = key, .upon = upon};
	gt_document_etag(etag, gt_bytes_of(was, body_of(upon, was)));
	struct gt_document_edit d = {
	        .key = key_of(key),
	        .verb = GT_DOCUMENT_PUT,
	        .actor = "{}",
	        .type = "text/plain",
	        .body = gt_bytes_of(body, body_of(number, body))};
	if (upon)
		d.if_match = etag;
	else
		d.if_no_match = "*";
	struct gt_event e = {.type = GT_EV_DOCUMENT,
	                     .token = ++w->tokens,
	                     .actor = "user:sim",
	                     .document = &d};
	commands[slot].token = e.token;
	commands[slot].node = node;
	commands[slot].edit = number;
	if (w->verbose)
		printf("%10llu %-12s edits document %u: %s\n",
		       (unsigned long long)w->now, w->nodes[node].code, key,
		       body);
	world_command(w, node, &e);
}

void roam_tick(struct world *w)
{
	unsigned node = (unsigned)prng_below(&draw, w->count);
	unsigned key = (unsigned)prng_below(&draw, KEYS);
	bool edit = prng_once_in(&draw, 2);
	/* of two copies it would have to be known which one it was */
	if (off || clone_alive(w) || !w->nodes[node].core)
		return;
	if (edit)
		put(w, node, key);
	else
		seek(w, node, key);
}

/* ----------------------------------------------------------- answers */

void roam_replied(const struct gt_action *a)
{
	for (unsigned i = 0; i < OPEN; i++) {
		if (!commands[i].token || commands[i].token != a->token)
			continue;
		edits[commands[i].edit].acknowledged = a->status == 0;
		commands[i].token = 0;
	}
}

void roam_crashed(unsigned node)
{
	for (unsigned i = 0; i < OPEN; i++)
		if (commands[i].token && commands[i].node == node) {
			edits[commands[i].edit].maybe = true;
			commands[i].token = 0;
		}
}

/* ------------------------------------------------------------- checks */

static bool is_at(const struct sim_node *s, unsigned number)
{
	char body[BODY];
	size_t n = body_of(number, body);
	return s->core &&
	       (ask_one(s, "SELECT count(*) FROM document WHERE body=?2", NULL,
	                body, n) > 0 ||
	        ask_one(s, "SELECT count(*) FROM document_lost WHERE body=?2",
	                NULL, body, n) > 0);
}

/* Somewhere but at that node (NODES_MAX: anywhere). */
static bool is_there(const struct world *w, unsigned number, unsigned not_at)
{
	for (unsigned i = 0; i <= w->count; i++)
		if (i != not_at && is_at(&w->nodes[i], number))
			return true;
	return false;
}

void roam_lost(const struct world *w, unsigned node)
{
	for (unsigned i = 1; i < nedits; i++)
		if (!edits[i].excused && is_at(&w->nodes[node], i) &&
		    !is_there(w, i, node))
			edits[i].excused = true;
}

static bool accounted_for(const struct world *w, unsigned number)
{
	const struct edit *e = &edits[number];
	if (e->excused || is_there(w, number, NODES_MAX))
		return true;
	for (unsigned i = number + 1; i < nedits; i++)
		if (edits[i].upon == number && edits[i].key == e->key &&
		    (edits[i].acknowledged || edits[i].maybe) &&
		    accounted_for(w, i))
			return true;
	return false;
}

/* All speak of documents to each other. */
static bool spoken(const struct world *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!w->nodes[i].core ||
		    !gt_version_carries(w->nodes[i].protocol))
			return false;
	return true;
}

/* For whoever looks for the cause. */
static void print(const struct sim_node *s, unsigned key)
{
	sqlite3_stmt *st =
	        ask(s, "SELECT CAST(body AS TEXT)||', number '||did||', of '||"
	               "origin||' '||hex(epoch)||' '||seq||', first '||first_ms"
	               "||', up '||up||', seen '||hex(seen) FROM document"
	               " WHERE id=?1");
	sqlite3_bind_text(st, 1, key_of(key).id, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		printf("    %s: %s\n", s->code, gt_col_text(st, 0));
	ask_end(st);
}

static bool agree(struct world *w, bool loud)
{
	bool same = true;
	for (unsigned key = 0; key < KEYS; key++) {
		unsigned top = here(&w->nodes[0], key);
		for (unsigned i = 1; i < w->count; i++) {
			unsigned it = here(&w->nodes[i], key);
			if (it == 0 || it == top)
				continue;
			same = false;
			if (loud)
				printf("not converged: %s: document %u: edit "
				       "%u, at the root %u\n",
				       w->nodes[i].code, key, it, top);
			if (loud)
				print(&w->nodes[i], key);
		}
		if (loud && !same)
			print(&w->nodes[0], key);
	}
	return same;
}

bool roam_right(struct world *w, bool loud)
{
	return off || !spoken(w) || agree(w, loud);
}

bool roam_ask(struct world *w)
{
	if (roam_right(w, false))
		return false;
	for (unsigned i = 1; i < w->count; i++)
		for (unsigned key = 0; key < KEYS; key++)
			if (here(&w->nodes[i], key) != here(&w->nodes[0], key))
				seek(w, i, key);
	return true;
}

void roam_check(struct world *w)
{
	for (unsigned i = 1; i < nedits && !w->invariant && !off; i++)
		if (edits[i].acknowledged && !accounted_for(w, i))
			world_fail(w, "document",
			           "edit %u of document %u, upon %u, was "
			           "acknowledged and is nowhere",
			           i, edits[i].key, edits[i].upon);
}

uint64_t roam_edits(void)
{
	uint64_t n = 0;
	for (unsigned i = 1; i < nedits; i++)
		n += edits[i].acknowledged;
	return n;
}
