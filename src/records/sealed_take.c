/* sealed_take.c: seals over records that come are checked, and kept (M49).
 *
 * A seal is good if the leaves that came with it, and hashes for the others,
 * make the root that its maker signed: a node of the child's place, by the
 * roster. The node where a record was handed in may seal it as it is; another
 * one, in whose place that lies, what it has changed, which the record names.
 * What came under a seal that is not good is somebody's work on the way, and is
 * quarantined. Where a maker's key is not known here, or there is no seal, as from
 * earlier programs, nothing is known: it is taken, and counted.
 *
 * A seal whose records come in two batches is stored once: what one lacks the
 * other may have.
 * Tests: u_sealed.c. */
#include "sealed.h"

#include <string.h>

/* ---------------------------------------------------------------- check */

/* What came of a seal, by leaf. */
struct came {
	struct gt_id leaves[GT_MERKLE_MAX];
	bool here[GT_MERKLE_MAX];
	bool keep[GT_MERKLE_MAX]; /* is here from now on */
	int64_t rows[GT_MERKLE_MAX];
};

static int read_seal(struct gt_node *n, const struct gt_peer *p,
                     const Gt__Seal *w, struct gt_seal_of *out)
{
	*out = (struct gt_seal_of){
	        .by = *w->by ? w->by : p->code,
	        .count = w->count,
	        .signature = gt_bytes_of(w->signature.data, w->signature.len)};
	if (w->count == 0)
		return 0; /* it had not enough of it */
	if (w->count > GT_MERKLE_MAX || !gt_code_valid(out->by) ||
	    w->signature.len != GT_SIGNATURE_BYTES)
		return -GT_EMALFORMED;
	out->gaps = gt_arena_get(n->arena, w->count * sizeof *out->gaps);
	if (!out->gaps)
		return -GT_ENOMEM;
	int ngaps = gt_gaps_read(
	        out->gaps, gt_bytes_of(w->gaps.data, w->gaps.len), w->count);
	out->ngaps = ngaps > 0 ? (size_t)ngaps : 0;
	return ngaps < 0 ? -GT_EMALFORMED : 0;
}

static int read_seals(struct gt_node *n, const struct gt_peer *p,
                      struct gt_sealing *s)
{
	const Gt__Records *m = s->m;
	int status = m->n_seals > m->n_records ? -GT_EMALFORMED : 0;
	for (size_t k = 0; status == 0 && k < m->n_seals; k++)
		status = read_seal(n, p, m->seals[k], &s->seals[k]);
	for (size_t i = 0; status == 0 && i < m->n_records; i++) {
		const Gt__Record *r = m->records[i];
		size_t k = r->seal > 1 ? r->seal - 2 : 0;
		s->seal[i] = -1;
		if (r->seal <= 1)
			continue;
		if (k >= m->n_seals || r->leaf >= s->seals[k].count)
			return -GT_EMALFORMED;
		s->seal[i] = (int32_t)k;
		s->leaf[i] = r->leaf;
		if (!gt_record_shapeless(p->code, r))
			gt_record_leaf(&s->leaves[i], r);
		else
			s->seal[i] = -1;
	}
	return status;
}

/* Whether `by` may have sealed that one. */
static bool may_seal(const char *by, const Gt__Record *r)
{
	return strcmp(by, r->origin) == 0 ||
	       (gt_done_parse(r->policy).treatment != GT_PASS &&
	        gt_code_under(r->origin, by));
}

/* The leaves that came under seal k. False: one came twice, or is not its
 * maker's to seal. */
static bool tree_of(const struct gt_sealing *s, size_t k)
{
	struct came *c = s->came;
	memset(c->here, 0, s->seals[k].count);
	for (size_t i = 0; i < s->m->n_records; i++) {
		uint32_t leaf = s->leaf[i];
		if (s->seal[i] != (int32_t)k)
			continue;
		if (c->here[leaf] ||
		    !may_seal(s->seals[k].by, s->m->records[i]))
			return false;
		c->leaves[leaf] = s->leaves[i];
		c->here[leaf] = true;
	}
	return true;
}

static int check(struct gt_node *n, const struct gt_peer *p,
                 const struct gt_sealing *s, size_t k, enum gt_sealed *is)
{
	struct gt_id root;
	const struct gt_seal_of *seal = &s->seals[k];
	const Gt__Member *maker;
	uint32_t hint;
	*is = GT_UNSEALED;
	if (seal->count == 0)
		return 0;
	*is = GT_SEAL_BROKEN;
	const struct gt_merkle t = {.leaves = s->came->leaves,
	                            .here = s->came->here,
	                            .n = seal->count,
	                            .gaps = seal->gaps,
	                            .ngaps = seal->ngaps};
	if (!gt_code_under(seal->by, p->code) || !tree_of(s, k) ||
	    !gt_merkle_root(&t, &root))
		return 0;
	int status = gt_sealed_maker(n, seal->by, &maker);
	if (status == 0 && maker) {
		const struct gt_record_seal said = {seal->by, seal->count,
		                                    seal->signature,
		                                    s->m->seals[k]->key};
		status = gt_record_seal_check(maker, &said, &root, &hint);
	}
	if (status == -GT_ENOMEM || status == -GT_ESIGNATURE)
		return status == -GT_ENOMEM ? status : 0;
	/* a key that the roster here has not, or not yet, says nothing */
	*is = status == 0 && maker ? GT_SEALED : GT_UNSEALED;
	return status == -GT_EUNKNOWN ? 0 : status;
}

int gt_sealed_check(struct gt_node *n, const struct gt_peer *p,
                    const Gt__Records *m, struct gt_sealing *s)
{
	struct gt_arena *a = n->arena;
	size_t count = m->n_records + 1, nseals = m->n_seals + 1;
	*s = (struct gt_sealing){
	        .m = m,
	        .seals = gt_arena_get(a, nseals * sizeof *s->seals),
	        .seal = gt_arena_get(a, count * sizeof *s->seal),
	        .leaf = gt_arena_get(a, count * sizeof *s->leaf),
	        .is = gt_arena_get(a, count * sizeof *s->is),
	        .row = gt_arena_get(a, count * sizeof *s->row),
	        .leaves = gt_arena_get(a, count * sizeof *s->leaves),
	        .came = gt_arena_get(a, sizeof *s->came)};
	enum gt_sealed *is = gt_arena_get(a, nseals * sizeof *is);
	if (!s->seals || !s->seal || !s->leaf || !s->is || !s->row ||
	    !s->leaves || !s->came || !is)
		return -GT_ENOMEM;
	int status = read_seals(n, p, s);
	for (size_t k = 0; status == 0 && k < m->n_seals; k++)
		status = check(n, p, s, k, &is[k]);
	for (size_t i = 0; status == 0 && i < m->n_records; i++) {
		s->row[i] = 0;
		s->is[i] = s->seal[i] < 0 ? GT_UNSEALED : is[s->seal[i]];
	}
	return status;
}

/* ----------------------------------------------------------------- keep */

/* The same seal as it is stored; *found. */
static int stored(struct gt_node *n, const struct gt_seal_of *seal,
                  struct gt_seal_of *out, bool *found)
{
	sqlite3_stmt *st =
	        gt_store_bind(n->store, GT_SQL_SEAL_OF, "b", seal->signature);
	int row = gt_store_step(n->store, GT_SQL_SEAL_OF);
	int64_t sid = row == 1 ? gt_col_int(st, 0) : 0;
	gt_store_reset(n->store, GT_SQL_SEAL_OF);
	*found = false;
	if (row != 1)
		return row;
	int status = gt_sealed_get(n, sid, out, found);
	*found = *found && out->count == seal->count &&
	         strcmp(out->by, seal->by) == 0;
	return status;
}

/* False: none of it was taken. */
static bool came_under(const struct gt_sealing *s, size_t k, struct came *c)
{
	bool any = false;
	memset(c, 0, sizeof *c);
	for (size_t i = 0; i < s->m->n_records; i++) {
		uint32_t leaf = s->leaf[i];
		if (s->seal[i] != (int32_t)k || s->is[i] != GT_SEALED)
			continue;
		c->leaves[leaf] = s->leaves[i];
		c->here[leaf] = true;
		c->rows[leaf] = s->row[i];
		c->keep[leaf] = s->row[i] > 0;
		any = any || s->row[i] > 0;
	}
	return any;
}

/* What was here of it before is here still. */
static void keep_old(struct came *c, const struct gt_seal_of *old)
{
	size_t g = 0;
	for (uint32_t i = 0; i < old->count; i++) {
		while (g < old->ngaps && old->gaps[g].at + old->gaps[g].n <= i)
			g++;
		if (g == old->ngaps || old->gaps[g].at > i)
			c->keep[i] = true;
	}
}

/* What of seal k was taken, and what stays away. */
static int keep(struct gt_node *n, const struct gt_sealing *s, size_t k)
{
	struct gt_seal_of *seal = &s->seals[k], old = {0};
	struct came *c = s->came;
	bool found = false, whole;
	if (!came_under(s, k, c))
		return 0;
	int status = stored(n, seal, &old, &found);
	struct gt_gap *out = gt_arena_get(n->arena, seal->count * sizeof *out);
	if (status != 0 || !out)
		return status ? status : -GT_ENOMEM;
	if (found)
		keep_old(c, &old);
	const struct gt_merkle t = {.leaves = c->leaves,
	                            .here = c->here,
	                            .n = seal->count,
	                            .gaps = seal->gaps,
	                            .ngaps = seal->ngaps,
	                            .also = old.gaps,
	                            .nalso = found ? old.ngaps : 0};
	seal->ngaps = gt_merkle_gaps(&t, c->keep, out, &whole);
	seal->gaps = out;
	seal->sid = found ? old.sid : 0;
	status = found ? gt_sealed_gaps(n, seal) : gt_sealed_new(n, seal);
	return status ? status
	              : gt_sealed_map(n, seal->sid, c->rows, seal->count);
}

int gt_sealed_keep(struct gt_node *n, const struct gt_sealing *s)
{
	int status = 0;
	for (size_t k = 0; status == 0 && k < s->m->n_seals; k++)
		status = keep(n, s, k);
	return status;
}
