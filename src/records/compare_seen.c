/* compare_seen.c: the parent's end of a comparison (compare.h): what of the
 * child's records is here.
 * Tests: u_compare.c. */
#include "compare.h"

#include <string.h>

/* Whether what the child says can be looked at. */
static bool sound(const struct gt_peer *p, const Gt__Compare *m)
{
	size_t blocks = 0;
	if (m->n_stretches > GT_STRETCHES_MAX ||
	    m->names.len % GT_NAME_BYTES != 0 ||
	    m->names.len > (size_t)GT_NAMES_MAX * GT_NAME_BYTES)
		return false;
	for (size_t i = 0; i < m->n_stretches; i++) {
		const Gt__Stretch *s = m->stretches[i];
		size_t count = s->marks.len / GT_BLOCK_MARK;
		bool below = gt_code_valid(s->origin) &&
		             (strcmp(s->origin, p->code) == 0 ||
		              gt_code_child_of(s->origin, p->code));
		blocks += count;
		if (!below || count == 0 || count > GT_BLOCKS ||
		    s->marks.len % GT_BLOCK_MARK != 0 ||
		    s->first % GT_BLOCK_SEQS != 0 || s->first > INT64_MAX / 2)
			return false;
	}
	return blocks <= GT_BLOCKS_MAX;
}

static uint8_t fate_of(const uint8_t *theirs, const struct gt_named *v,
                       size_t k)
{
	uint8_t ours[GT_BLOCK_MARK];
	gt_compare_mark(ours, v, k);
	if (memcmp(theirs, ours, sizeof ours) == 0)
		return GT__FOUND_THERE__ALL;
	return k > 0 ? GT__FOUND_THERE__OTHER : GT__FOUND_THERE__NONE;
}

static int look_at(struct gt_node *n, const Gt__Stretch *s, struct gt_named *v,
                   int64_t *streams, uint8_t *fates)
{
	static const size_t cap = (size_t)4 * GT_BLOCKS * GT_BLOCK_SEQS;
	uint32_t count = (uint32_t)(s->marks.len / GT_BLOCK_MARK);
	size_t got, at = 0;
	bool all;
	int status = gt_compare_read(n, s->origin, (int64_t)s->first, count, 0,
	                             v, cap, &got, streams, &all);
	for (uint32_t b = 0; status == 0 && b < count; b++) {
		size_t k = gt_compare_rows(v, got, &at, b);
		fates[b] = all ? fate_of(s->marks.data + b * GT_BLOCK_MARK,
		                         v + at, k)
		               : GT__FOUND_THERE__OTHER;
	}
	return status;
}

static int look_at_all(struct gt_node *n, const Gt__Compare *m,
                       Gt__Compared *out)
{
	int64_t streams = GT_COMPARE_STREAMS;
	size_t at = 0, cap = (size_t)4 * GT_BLOCKS * GT_BLOCK_SEQS;
	struct gt_named *v = gt_arena_get(n->arena, cap * sizeof *v);
	uint8_t *fates = gt_arena_get(n->arena, GT_BLOCKS_MAX);
	int status = v && fates ? 0 : -GT_ENOMEM;
	for (size_t i = 0; status == 0 && i < m->n_stretches; i++) {
		const Gt__Stretch *s = m->stretches[i];
		status = look_at(n, s, v, &streams, fates + at);
		at += s->marks.len / GT_BLOCK_MARK;
	}
	out->fates = (ProtobufCBinaryData){at, fates};
	return status;
}

/* What would be passed over if it came (stream.c, merge.c), and nothing else:
 * not what would take the place of the one here, nor what would be set aside. Of
 * a record that is not of the child's place nothing is told. */
static int is_here(struct gt_node *n, const struct gt_peer *p,
                   const uint8_t *name, bool *here)
{
	bool vouched = name[GT_NAME_BYTES - 1] & GT_STATEMENT_NAMED;
	bool spoilt = false;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_COMPARE_ID, "b",
	                                 gt_bytes_of(name, GT_UUID_BYTES));
	int row = gt_store_step(n->store, GT_SQL_COMPARE_ID);
	int64_t seq = row == 1 ? gt_col_int(st, 0) : 0;
	if (row == 1) {
		struct gt_bytes form = gt_col_bytes(st, 1);
		const char *code = gt_col_text(st, 4);
		*here = form.n == GT_ID_BYTES &&
		        (*gt_col_text(st, 3) ||
		         memcmp(form.p, name + GT_UUID_BYTES, GT_NAME_FORM) ==
		                 0) &&
		        (!vouched || gt_col_int(st, 2) & GT_STATEMENT_NAMED) &&
		        (strcmp(code, p->code) == 0 ||
		         gt_code_child_of(code, p->code));
	}
	gt_store_reset(n->store, GT_SQL_COMPARE_ID);
	if (row < 0 || !*here)
		return row < 0 ? row : 0;
	int status = gt_spoilt_is(n, seq, &spoilt);
	*here = !spoilt;
	return status;
}

static int look_for(struct gt_node *n, const struct gt_peer *p,
                    const Gt__Compare *m, Gt__Compared *out)
{
	size_t count = m->names.len / GT_NAME_BYTES, bytes = (count + 7) / 8;
	uint8_t *wanted = gt_arena_get(n->arena, bytes + 1);
	int status = wanted ? 0 : -GT_ENOMEM;
	if (wanted)
		memset(wanted, 0, bytes);
	for (size_t i = 0; status == 0 && i < count; i++) {
		bool here = false;
		status =
		        is_here(n, p, m->names.data + i * GT_NAME_BYTES, &here);
		if (!here)
			wanted[i / 8] |= (uint8_t)(1 << i % 8);
	}
	out->wanted = (ProtobufCBinaryData){bytes, wanted};
	return status;
}

int gt_records_compare(struct gt_node *n, struct gt_peer *p, uint64_t token,
                       const Gt__Compare *m)
{
	Gt__Reply r = GT__REPLY__INIT;
	Gt__Compared c = GT__COMPARED__INIT;
	if (!gt_version_compares(p->version) || !sound(p, m))
		return gt_drop(n, p, "a malformed comparison of records");
	int status = look_at_all(n, m, &c);
	if (status == 0)
		status = look_for(n, p, m, &c);
	p->child.compared = true;
	r.body_case = GT__REPLY__BODY_COMPARED;
	r.compared = &c;
	return status ? status
	              : gt_send_reply(n, p, token, &r, (struct gt_bytes){0});
}
