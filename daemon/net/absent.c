/* absent.c: nodes below that are not linked, and why.
 *
 * Of each the last end of a link, or the last that was refused, by the code in
 * the certificate it showed. That of one that was refused is a stranger's word:
 * such rows are the first to go when there is no room.
 * Tests: u_absent.c, u_link.c, e2e/test_link_down.py. */
#include "net_inside.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "sys.h"

enum { ABSENT_MAX = GT_PEERS_MAX };

struct absent {
	char code[GT_CODE_MAX + 1]; /* "": free */
	bool lived;                 /* its link was up for a while once */
	struct gt_fault fault;
};

/* The row of that code, or the one to be given to it. Lock held. */
static struct absent *row_of(struct absent *v, const char *code)
{
	struct absent *least = v;
	for (struct absent *a = v; a < v + ABSENT_MAX; a++) {
		if (strcmp(a->code, code) == 0)
			return a;
		if (!a->code[0])
			return a;
		if (a->lived < least->lived ||
		    (a->lived == least->lived &&
		     a->fault.at_ms < least->fault.at_ms))
			least = a;
	}
	return least;
}

void absent_note(struct gt_links *links, const char *code, const char *address,
                 const char *why, bool lived)
{
	int64_t now = gt_sys_now().wall_ms;
	if (!*code)
		return;
	pthread_mutex_lock(&links->lock);
	if (!links->absent)
		links->absent = calloc(ABSENT_MAX, sizeof *links->absent);
	struct absent *a = links->absent ? row_of(links->absent, code) : NULL;
	if (a && strcmp(a->code, code) != 0) {
		*a = (struct absent){0};
		gt_copy(a->code, sizeof a->code, code);
	}
	if (a) {
		/* dialling again and again does not make it shorter */
		if (lived || a->fault.since_ms == 0)
			a->fault.since_ms = now;
		a->lived = a->lived || lived;
		a->fault.at_ms = now;
		a->fault.kind = gt_fault_kind_of(why);
		gt_copy(a->fault.address, sizeof a->fault.address, address);
		gt_copy(a->fault.why, sizeof a->fault.why, why);
	}
	pthread_mutex_unlock(&links->lock);
}

void gt_links_absent(struct gt_links *links, const char *code,
                     struct gt_fault *out)
{
	*out = (struct gt_fault){.kind = GT_FAULT_OTHER};
	gt_copy(out->why, sizeof out->why,
	        "not linked since this node was started");
	/* without certificates nobody has a name here */
	if (!links || links->config.insecure)
		return;
	pthread_mutex_lock(&links->lock);
	out->at_ms = out->since_ms = links->started_ms;
	struct absent *a = links->absent;
	for (int i = 0; a && i < ABSENT_MAX && a[i].code[0]; i++)
		if (strcmp(a[i].code, code) == 0)
			*out = a[i].fault;
	pthread_mutex_unlock(&links->lock);
}

/* The last first; of too many the first goes. */
static void insert(struct gt_refused *v, size_t *n, size_t cap,
                   const struct absent *a)
{
	size_t at = *n < cap ? (*n)++ : cap;
	while (at > 0 && v[at - 1].fault.at_ms < a->fault.at_ms) {
		if (at < cap)
			v[at] = v[at - 1];
		at--;
	}
	if (at == cap)
		return;
	v[at].fault = a->fault;
	gt_copy(v[at].code, sizeof v[at].code, a->code);
}

size_t gt_links_refused(struct gt_links *links, struct gt_refused *v,
                        size_t cap)
{
	size_t n = 0;
	if (!links)
		return 0;
	pthread_mutex_lock(&links->lock);
	struct absent *a = links->absent;
	for (int i = 0; a && i < ABSENT_MAX && a[i].code[0]; i++)
		if (!a[i].lived)
			insert(v, &n, cap, &a[i]);
	pthread_mutex_unlock(&links->lock);
	return n;
}

void absent_free(struct gt_links *links)
{
	free(links->absent);
}
