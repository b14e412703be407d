/* certificate_carry.c: lists of revoked certificates go from neighbour to
 * neighbour (M50).
 *
 * As what was erased (erase_carry.c): each end says what it has behind what the
 * other has, and up to where it has the other's. Up goes what was issued within
 * the child's place, down goes all: every node of a tree can check what any other
 * issued. What a neighbour says is taken at nobody's word but the roster's
 * (certificate_list.c). Numbers are of one epoch of the parent's.
 *
 * Tests: u_certificate_list.c, e2e/test_certificates.py. */
#include "certificate_list.h"
#include "code.h"
#include "protocol.h"
#include "records_inside.h"

enum { LISTS = 64, BYTES = 128 << 10, LOOKED = 2000 };

static Gt__StatusList *copy(struct gt_node *n, sqlite3_stmt *st)
{
	Gt__StatusList *m = gt_arena_get(n->arena, sizeof *m);
	struct gt_bytes row = gt_col_bytes(st, 2), list = gt_col_bytes(st, 3);
	if (!m)
		return NULL;
	gt__status_list__init(m);
	m->member = gt_lend_bytes((struct gt_bytes){
	        gt_arena_copy(n->arena, row.p, row.n), row.n});
	m->list = gt_lend_bytes((struct gt_bytes){
	        gt_arena_copy(n->arena, list.p, list.n), list.n});
	return m->member.data && m->list.data ? m : NULL;
}

/* Those behind number `after`, of nodes within that place; NULL: no memory. */
static Gt__StatusLists *behind(struct gt_node *n, int64_t after,
                               const char *within, int64_t met, int *status)
{
	Gt__StatusLists *out = gt_arena_get(n->arena, sizeof *out);
	size_t bytes = 0, looked = 0;
	int row = 0;
	*status = -GT_ENOMEM;
	if (!out)
		return NULL;
	gt__status_lists__init(out);
	out->upto = (uint64_t)after;
	out->met = (uint64_t)met;
	*status = 0;
	if (n->records->erasures->lists.last <= after)
		return out;
	out->lists = gt_arena_get(n->arena, LISTS * sizeof *out->lists);
	*status = out->lists ? 0 : -GT_ENOMEM;
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_STATUS_LISTS_AFTER, "i", after);
	while (*status == 0 && out->n_lists < LISTS && bytes < BYTES &&
	       looked++ < LOOKED &&
	       (row = gt_store_step(n->store, GT_SQL_STATUS_LISTS_AFTER)) ==
	               1) {
		out->upto = (uint64_t)gt_col_int(st, 0);
		if (*within && !gt_code_under(gt_col_text(st, 1), within))
			continue;
		Gt__StatusList *one = copy(n, st);
		*status = one ? 0 : -GT_ENOMEM;
		if (one)
			bytes += one->member.len + one->list.len;
		out->lists[out->n_lists] = one;
		out->n_lists += one != NULL;
	}
	gt_store_reset(n->store, GT_SQL_STATUS_LISTS_AFTER);
	*status = row < 0 ? row : *status;
	return out;
}

static bool shapeless(const Gt__StatusLists *m)
{
	return m->n_lists > LISTS || m->upto > INT64_MAX || m->met > INT64_MAX;
}

static int write_down(struct gt_node *n, const char *peer, const char *why)
{
	struct gt_audit row = {.event = "receive",
	                       .kind = "certificate",
	                       .peer = peer,
	                       .result = why ? -GT_ESIGNATURE : 0,
	                       .detail = why};
	return gt_audit_told(n, peer, &row, NULL);
}

/* One row in the audit for all that came at once. */
static int take(struct gt_node *n, const char *peer, const char *within,
                const Gt__StatusLists *m)
{
	int64_t before = n->records->erasures->lists.last;
	const char *why, *bad = NULL;
	int status = 0;
	for (size_t i = 0; status == 0 && i < m->n_lists; i++) {
		status = gt_list_take(n, within, m->lists[i], &why);
		bad = why ? why : bad;
	}
	if (status == 0 && (bad || n->records->erasures->lists.last > before))
		status = write_down(n, peer, bad);
	return status;
}

/* --------------------------------------------------------------- child */

static int set(struct gt_node *n, const char *key, int64_t *mark, int64_t to)
{
	if (*mark == to)
		return 0;
	*mark = to;
	return gt_meta_put(n->store, key, to);
}

int gt_records_lists_anew(struct gt_node *n)
{
	struct gt_lists *l = &n->records->erasures->lists;
	int status = set(n, "lists_told", &l->told, 0);
	return status ? status : set(n, "lists_met", &l->met, 0);
}

int gt_records_lists_ask(struct gt_node *n, Gt__Changes *m)
{
	struct gt_lists *l = &n->records->erasures->lists;
	char place[GT_CODE_MAX + 1];
	int status = 0;
	if (!gt_version_lists(n->up->version))
		return 0;
	gt_code_place(place, n->code);
	m->lists = behind(n, l->told, place, l->met, &status);
	return status;
}

int gt_records_lists_told(struct gt_node *n, const Gt__ChangesReply *reply)
{
	struct gt_lists *l = &n->records->erasures->lists;
	const Gt__StatusLists *m = reply->lists;
	if (!m || !gt_version_lists(n->up->version))
		return 0;
	if (shapeless(m))
		return gt_drop(n, n->up, "malformed lists");
	int status = take(n, n->up->code, "", m);
	if (status == 0 && (int64_t)m->upto > l->met)
		status = set(n, "lists_met", &l->met, (int64_t)m->upto);
	if (status == 0 && (int64_t)m->met > l->told &&
	    (int64_t)m->met <= l->last)
		status = set(n, "lists_told", &l->told, (int64_t)m->met);
	return status;
}

/* -------------------------------------------------------------- parent */

int gt_records_lists_from(struct gt_node *n, struct gt_peer *p,
                          const Gt__Changes *changes)
{
	const Gt__StatusLists *m = changes->lists;
	char place[GT_CODE_MAX + 1];
	if (!m || !gt_version_lists(p->version))
		return 0;
	if (shapeless(m))
		return gt_drop(n, p, "malformed lists");
	p->child.lists_met = (int64_t)m->met;
	p->child.lists_upto = (int64_t)m->upto;
	gt_code_place(place, p->code);
	return take(n, p->code, place, m);
}

bool gt_records_lists_news(const struct gt_node *n, const struct gt_peer *p)
{
	return gt_version_lists(p->version) &&
	       n->records->erasures->lists.last > p->child.lists_met &&
	       n->now.mono_ms >= n->records->erasures->lists.wake_at;
}

uint64_t gt_lists_deadline(const struct gt_node *n)
{
	uint64_t at = n->records->erasures->lists.wake_at;
	return at > n->now.mono_ms ? at : UINT64_MAX;
}

int gt_records_lists_put(struct gt_node *n, const struct gt_peer *p,
                         Gt__ChangesReply *m)
{
	int status = 0;
	if (!gt_version_lists(p->version))
		return 0;
	m->lists =
	        behind(n, p->child.lists_met, "", p->child.lists_upto, &status);
	return status;
}
