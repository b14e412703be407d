/* erase_carry.c: what was erased is told to neighbours that may have it (M60).
 *
 * Both ways go with Changes and its answer: each end says what it erased behind
 * what the other has, and up to where it has the other's. From below only what
 * was handed in within the child's place goes, if it is here: what is not known
 * leaves no trace, so that no child can fill this node or stand in another's
 * way. From above all goes, and its id is kept also where there is none yet: a
 * child may bring it. Marks are of one epoch of the parent's: behind another one
 * all is told anew, and changes nothing that is known.
 *
 * Tests: u_erase.c, e2e/test_person.py. */
#include <string.h>

#include "code.h"
#include "protocol.h"
#include "records_inside.h"

enum { ROWS = 1000 };

/* Ids behind number `after`, for the node of that code: "": the parent. *upto:
 * the last looked at. */
static int read_ids(struct gt_node *n, int64_t after, const char *code,
                    ProtobufCBinaryData *out, int64_t *upto)
{
	uint8_t *ids = gt_arena_get(n->arena, (size_t)ROWS * GT_UUID_BYTES);
	size_t count = 0;
	int row = 0;
	*upto = after;
	if (!ids)
		return -GT_ENOMEM;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ERASED_AFTER, "ii",
	                                 after, (int64_t)ROWS);
	while ((row = gt_store_step(n->store, GT_SQL_ERASED_AFTER)) == 1) {
		const char *of = gt_col_text(st, 2);
		struct gt_bytes id = gt_col_bytes(st, 1);
		*upto = gt_col_int(st, 0);
		if (id.n != GT_UUID_BYTES ||
		    (*code && *of && !gt_code_under(of, code)))
			continue;
		memcpy(ids + count++ * GT_UUID_BYTES, id.p, id.n);
	}
	gt_store_reset(n->store, GT_SQL_ERASED_AFTER);
	*out = (ProtobufCBinaryData){count * GT_UUID_BYTES, count ? ids : NULL};
	return row;
}

static int write_down(struct gt_node *n, const char *peer, size_t gone)
{
	char detail[48];
	gt_format(detail, sizeof detail, "statements=%zu", gone);
	struct gt_audit row = {.event = "erase",
	                       .kind = "person",
	                       .peer = peer,
	                       .detail = detail};
	gt_store_scrub(n->store);
	n->touched = true;
	return gt_audit_told(n, peer, &row, NULL);
}

/* within: where those that go were handed in; keep: ids of none are kept. */
static int take_ids(struct gt_node *n, const char *peer, const char *within,
                    bool keep, const ProtobufCBinaryData *ids)
{
	size_t gone = 0;
	int status = 0;
	for (size_t i = 0; status == 0 && i + GT_UUID_BYTES <= ids->len;
	     i += GT_UUID_BYTES) {
		struct gt_bytes id = gt_bytes_of(ids->data + i, GT_UUID_BYTES);
		bool is, known;
		status = gt_erased_covers(n, id.p, keep ? "" : within, &known);
		if (status != 0 || known)
			continue;
		status = gt_erase_id(n, id, within, &is);
		gone += status == 0 && is;
		if (status == 0 && !is && keep)
			status = gt_erased_bury(n, id, "", 0);
	}
	return status || gone == 0 ? status : write_down(n, peer, gone);
}

static bool shapeless(const ProtobufCBinaryData *ids, uint64_t upto,
                      uint64_t met)
{
	return ids->len % GT_UUID_BYTES != 0 ||
	       ids->len > (size_t)ROWS * GT_UUID_BYTES || upto > INT64_MAX ||
	       met > INT64_MAX;
}

/* --------------------------------------------------------------- child */

static int set(struct gt_node *n, const char *key, int64_t *mark, int64_t to)
{
	if (*mark == to)
		return 0;
	*mark = to;
	return gt_meta_put(n->store, key, to);
}

int gt_erased_marks(struct gt_node *n)
{
	struct gt_erasures *r = n->records->erasures;
	int status = gt_meta_get(n->store, "erased_told", 0, &r->told);
	return status ? status
	              : gt_meta_get(n->store, "erased_met", 0, &r->met);
}

int gt_records_erased_anew(struct gt_node *n)
{
	struct gt_erasures *r = n->records->erasures;
	int status = set(n, "erased_told", &r->told, 0);
	return status ? status : set(n, "erased_met", &r->met, 0);
}

int gt_records_erased_ask(struct gt_node *n, Gt__Changes *m)
{
	struct gt_erasures *r = n->records->erasures;
	int64_t upto = r->told;
	int status = 0;
	if (!gt_version_carries(n->up->version))
		return 0;
	if (r->last > r->told)
		status = read_ids(n, r->told, "", &m->erased, &upto);
	m->erased_upto = (uint64_t)upto;
	m->erased_met = (uint64_t)r->met;
	return status;
}

int gt_records_erased_told(struct gt_node *n, const Gt__ChangesReply *m)
{
	struct gt_erasures *r = n->records->erasures;
	if (shapeless(&m->erased, m->erased_upto, m->erased_met))
		return gt_drop(n, n->up, "malformed erasures");
	int status = take_ids(n, n->up->code, n->code, true, &m->erased);
	if (status == 0 && (int64_t)m->erased_upto > r->met)
		status = set(n, "erased_met", &r->met, (int64_t)m->erased_upto);
	if (status == 0 && (int64_t)m->erased_met > r->told &&
	    (int64_t)m->erased_met <= r->last)
		status =
		        set(n, "erased_told", &r->told, (int64_t)m->erased_met);
	return status;
}

/* -------------------------------------------------------------- parent */

int gt_records_erased_from(struct gt_node *n, struct gt_peer *p,
                           const Gt__Changes *m)
{
	if (!gt_version_carries(p->version))
		return 0;
	if (shapeless(&m->erased, m->erased_upto, m->erased_met))
		return gt_drop(n, p, "malformed erasures");
	p->child.erased_met = (int64_t)m->erased_met;
	p->child.erased_upto = (int64_t)m->erased_upto;
	return take_ids(n, p->code, p->code, false, &m->erased);
}

bool gt_records_erased_news(const struct gt_node *n, const struct gt_peer *p)
{
	return gt_version_carries(p->version) &&
	       n->records->erasures->last > p->child.erased_met;
}

int gt_records_erased_put(struct gt_node *n, const struct gt_peer *p,
                          Gt__ChangesReply *m)
{
	int64_t upto = p->child.erased_met;
	int status = 0;
	if (!gt_version_carries(p->version))
		return 0;
	if (n->records->erasures->last > upto)
		status = read_ids(n, upto, p->code, &m->erased, &upto);
	m->erased_upto = (uint64_t)upto;
	m->erased_met = (uint64_t)p->child.erased_upto;
	return status;
}
