/* certify.c: certificates that people give and take back. What a node has known
 * for revoked stays so as long as it remembers anything at all, whatever its
 * issuer forgets; and in the end all know it, unless somebody on the way lost
 * what he knew, or ran a program that knows nothing of lists. */
#include "certify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "credential.h"
#include "inside.h"
#include "json.h"
#include "status_list.h"
#include "store.h"

enum { PAPERS = 24, TRIES = 16 };

static struct paper {
	const struct record *r;
	unsigned node; /* its issuer */
	uint64_t
	        asked; /* waits for its document; 0: it has it, or none comes */
	uint64_t revoke;  /* waits for the answer that it is revoked */
	bool revoked;     /* it is */
	json_t *document; /* NULL: none */
	int64_t number, index;
	bool seen[NODES_MAX]; /* it was known for revoked there */
} papers[PAPERS];
static unsigned npapers;

void certify_free(void)
{
	for (unsigned i = 0; i < npapers; i++)
		json_decref(papers[i].document);
	npapers = 0;
}

void certify_init(void)
{
	certify_free();
}

/* -------------------------------------------------------------- doing */

static void give(struct world *w, const struct sim_node *s,
                 const struct record *r)
{
	struct gt_event e = {.type = GT_EV_CERTIFY,
	                     .token = ++w->tokens,
	                     .actor = "operator",
	                     .text = "",
	                     .detail = s->code,
	                     .body = gt_bytes_of(r->id, GT_UUID_BYTES)};
	papers[npapers++] =
	        (struct paper){.r = r, .node = s->index, .asked = e.token};
	w->struck[FAULT_BIT_CERTIFY]++;
	world_command(w, s->index, &e);
}

static void take_back(struct world *w, struct paper *p)
{
	struct gt_event e = {.type = GT_EV_REVOKE,
	                     .token = ++w->tokens,
	                     .actor = "operator",
	                     .text = gt_json_member(p->document, "id"),
	                     .detail = "because"};
	p->revoke = e.token;
	w->struck[FAULT_BIT_CERTIFY]++;
	world_command(w, p->node, &e);
}

static bool known(const struct record *r)
{
	for (unsigned i = 0; i < npapers; i++)
		if (papers[i].r == r)
			return true;
	return false;
}

static bool give_some(struct world *w, struct prng *p)
{
	for (int i = 0; i < TRIES && work.nrecords > 0 && npapers < PAPERS;
	     i++) {
		const struct record *r =
		        &work.records[prng_below(p, work.nrecords)];
		const struct sim_node *s = &w->nodes[r->home];
		while (s->parent >= 0 && prng_below(p, 3) == 0)
			s = &w->nodes[s->parent];
		if (!r->acknowledged || r->shared || !work_completes(r) ||
		    !s->core || known(r) || !work_record_at(s, r, false))
			continue;
		give(w, s, r);
		return true;
	}
	return false;
}

static int looked(const struct world *w, const struct sim_node *s,
                  const struct paper *p);

/* Who knows of one that it was revoked. */
static void watch(struct world *w, struct paper *p)
{
	for (unsigned i = 0; p->revoked && i < w->count; i++)
		p->seen[i] = p->seen[i] || (w->nodes[i].core &&
		                            looked(w, &w->nodes[i], p) == 1);
}

void certify_episode(struct world *w)
{
	struct prng *p = sim_draws(w, FAULT_CERTIFY);
	if (npapers > 0)
		watch(w, &papers[prng_below(p, npapers)]);
	if (prng_below(p, 2) && give_some(w, p))
		return;
	for (int i = 0; i < TRIES && npapers > 0; i++) {
		struct paper *one = &papers[prng_below(p, npapers)];
		if (!one->document || one->revoked || one->revoke ||
		    !w->nodes[one->node].core)
			continue;
		take_back(w, one);
		return;
	}
}

static void take_document(struct paper *p, const char *text)
{
	json_error_t error;
	struct gt_certificate_read r;
	enum gt_genuine is;
	char code[GT_CODE_MAX + 1];
	p->document = gt_json_load(gt_bytes_str(text), GT_JSON_STRICT, &error);
	bool read = p->document &&
	            gt_credential_read(p->document, &r, &is) == 0 &&
	            is == GT_CERTIFICATE_SIGNED &&
	            gt_list_named(r.list, code, &p->number);
	if (!read)
		abort();
	p->index = r.index;
}

void certify_replied(const struct gt_action *a)
{
	for (unsigned i = 0; i < npapers; i++) {
		struct paper *p = &papers[i];
		if (p->asked && p->asked == a->token) {
			p->asked = 0;
			if (a->status == 0)
				take_document(p, a->text);
		} else if (p->revoke && p->revoke == a->token) {
			p->revoke = 0;
			p->revoked = a->status == 0;
		}
	}
}

void certify_crashed(unsigned node)
{
	for (unsigned i = 0; i < npapers; i++)
		if (papers[i].node == node)
			papers[i].asked = papers[i].revoke = 0;
}

void certify_forgot(unsigned node)
{
	for (unsigned i = 0; i < npapers; i++)
		papers[i].seen[node] = false;
}

/* ------------------------------------------------------------- looking */

/* What that node knows of it: revoked, not, -1: it has no list. */
static int looked(const struct world *w, const struct sim_node *s,
                  const struct paper *p)
{
	sqlite3_stmt *st = ask(s, "SELECT packed FROM status_list WHERE "
	                          "code=?1 AND number=?2");
	int is = -1;
	json_t *v = NULL;
	struct gt_list l;
	(void)sqlite3_bind_text(st, 1, w->nodes[p->node].code, -1,
	                        SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 2, p->number);
	if (sqlite3_step(st) == SQLITE_ROW &&
	    gt_list_unpack(&v, gt_col_bytes(st, 0)) == 0 &&
	    gt_list_open(v, &l) == 0) {
		is = gt_list_has(&l, p->index);
		gt_list_close(&l);
	}
	json_decref(v);
	ask_end(st);
	return is;
}

static bool unsure(const struct sim_node *s)
{
	return s->forgot || s->emptied || s->ran_old || s->two_pasts ||
	       s->met_two || s->was_hung || !s->core;
}

/* Between its issuer and the root, and from there to that node. */
static bool way_unsure(const struct world *w, const struct paper *p,
                       unsigned node)
{
	bool is = false;
	for (int k = (int)p->node; k >= 0; k = w->nodes[k].parent)
		is = is || unsure(&w->nodes[k]);
	for (int k = (int)node; k >= 0; k = w->nodes[k].parent)
		is = is || unsure(&w->nodes[k]);
	return is;
}

/* From the root to it all speak of lists and are who they were; what they forgot
 * they were told again. */
static bool told_again(const struct world *w, unsigned node)
{
	bool is = true;
	for (int k = (int)node; k >= 0; k = w->nodes[k].parent)
		is = is && w->nodes[k].core && !w->nodes[k].ran_old &&
		     !w->nodes[k].two_pasts && !w->nodes[k].met_two &&
		     !w->nodes[k].was_hung;
	return is;
}

static bool at_right(const struct world *w, struct paper *p, unsigned node,
                     bool loud)
{
	const struct sim_node *s = &w->nodes[node];
	int is = s->core ? looked(w, s, p) : -1;
	const char *wrong = NULL;
	if (s->core && p->seen[node] && !s->two_pasts && is != 1)
		wrong = "what was revoked is good again";
	else if (p->revoked && !way_unsure(w, p, node) && is != 1)
		wrong = "nobody told it what was revoked";
	else if (is != 1 && told_again(w, node) && looked(w, w->nodes, p) == 1)
		wrong = "it has not been told again what was revoked";
	else if (!way_unsure(w, p, node) && is < 0)
		wrong = "it has no list of an issuer's";
	if (wrong && loud)
		printf("not converged: %s: %s (by %s)\n", s->code, wrong,
		       w->nodes[p->node].code);
	p->seen[node] = p->seen[node] || is == 1;
	return !wrong;
}

bool certify_right(const struct world *w, bool loud)
{
	bool right = true;
	for (unsigned i = 0; right && i < npapers; i++)
		for (unsigned k = 0; right && k < w->count; k++)
			if (papers[i].document)
				right = at_right(w, &papers[i], k, loud);
	return right;
}
