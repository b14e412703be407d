/* read_seal.c: under whose seal a record is, and whether it is good.
 * Tests: u_read_seal.c, e2e/test_records.py. */
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "json.h"
#include "merkle.h"
#include "read_inside.h"
#include "record_seal.h"
#include "signed.h"
#include "statement.h"

/* A seal, and what is here of its tree. */
struct tree {
	char by[GT_CODE_MAX + 1], origin[GT_CODE_MAX + 1];
	uint8_t signature[GT_SIGNATURE_BYTES];
	uint32_t count, ngaps;
	struct gt_gap gaps[GT_MERKLE_MAX];
	struct gt_id leaves[GT_MERKLE_MAX];
	bool here[GT_MERKLE_MAX];
	/* the record that is asked about */
	int64_t sid;
	uint32_t leaf;
	bool damaged; /* it is not what its form says */
	struct gt_gap path[GT_MERKLE_MAX];
};

/* Of a row of which columns 1 to 7 are what a leaf is of. */
static void leaf_of(sqlite3_stmt *st, struct gt_id *out)
{
	Gt__Record r;
	gt__record__init(&r);
	r.id = gt_lend_bytes(gt_col_bytes(st, 1));
	r.body = gt_lend_bytes(gt_col_bytes(st, 2));
	r.flags = (uint32_t)gt_col_int(st, 3);
	r.stored_ms = gt_col_int(st, 4);
	r.origin = gt_lend(gt_col_text(st, 5));
	r.policy = gt_lend(gt_col_text(st, 6));
	r.authority = gt_lend(gt_col_text(st, 7));
	gt_record_leaf(out, &r);
}

static bool damaged(sqlite3_stmt *st)
{
	char why[200];
	struct gt_bytes id = gt_col_bytes(st, 1), form = gt_col_bytes(st, 2);
	struct gt_bytes target = gt_col_bytes(st, 9);
	struct gt_statement said = {.flags = (uint32_t)gt_col_int(st, 3),
	                            .authority = gt_col_text(st, 7),
	                            .body = gt_col_bytes(st, 8)};
	if (id.n != GT_UUID_BYTES || form.n != GT_ID_BYTES ||
	    (target.n != 0 && target.n != GT_UUID_BYTES))
		return true;
	memcpy(said.id, id.p, id.n);
	memcpy(said.form.b, form.p, form.n);
	if (target.n > 0)
		memcpy(said.target, target.p, target.n);
	return gt_statement_verify(&said, why, sizeof why) != 0;
}

/* The record: its members in *out, *seq 0: there is none. */
static bool read_record(struct gt_reader *r, const uint8_t *id, struct tree *t,
                        json_t *out, int64_t *seq)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_SEAL_RECORD);
	bool ok = st != NULL;
	*seq = 0;
	if (!st)
		return false;
	(void)sqlite3_bind_blob(st, 1, id, GT_UUID_BYTES, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*seq = gt_col_int(st, 0);
		t->damaged = damaged(st);
		gt_copy(t->origin, sizeof t->origin, gt_col_text(st, 5));
		gt_json_set(&ok, out, "seq", json_integer(*seq));
		gt_json_set(&ok, out, "id", gt_json_uuid(gt_col_bytes(st, 1)));
		gt_json_set(&ok, out, "form", gt_json_hex(gt_col_bytes(st, 2)));
		struct gt_id body;
		struct gt_bytes text = gt_col_bytes(st, 8);
		gt_sha256(&body, &text, 1);
		gt_json_set(&ok, out, "body",
		            gt_json_hex(gt_bytes_of(body.b, GT_ID_BYTES)));
		gt_json_set(&ok, out, "flags", json_integer(gt_col_int(st, 3)));
		gt_json_set(&ok, out, "stored",
		            gt_json_time(gt_col_int(st, 4)));
		gt_json_set(&ok, out, "stored_ms",
		            json_integer(gt_col_int(st, 4)));
		gt_json_set(&ok, out, "origin",
		            gt_json_text(gt_col_text(st, 5)));
		gt_json_set(&ok, out, "policy",
		            gt_json_text(gt_col_text(st, 6)));
		gt_json_set(&ok, out, "authority",
		            gt_json_text(gt_col_text(st, 7)));
	}
	return gt_reader_end(r, st, rc) && ok;
}

/* Which leaf it is of which seal; t->sid 0: of none. */
static bool read_place(struct gt_reader *r, int64_t seq, struct tree *t)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_SEALED_AT);
	if (!st)
		return false;
	(void)sqlite3_bind_int64(st, 1, seq);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW && seq < gt_col_int(st, 0) + gt_col_int(st, 1)) {
		t->sid = gt_col_int(st, 2);
		t->leaf =
		        (uint32_t)(gt_col_int(st, 3) + seq - gt_col_int(st, 0));
	}
	return gt_reader_end(r, st, rc);
}

static bool read_seal(struct gt_reader *r, struct tree *t)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_SEAL);
	int ngaps = -1;
	if (!st)
		return false;
	(void)sqlite3_bind_int64(st, 1, t->sid);
	int rc = sqlite3_step(st);
	int64_t count = rc == SQLITE_ROW ? gt_col_int(st, 1) : 0;
	if (count > t->leaf && count <= GT_MERKLE_MAX &&
	    gt_code_valid(gt_col_text(st, 0)) &&
	    gt_col_bytes(st, 2).n == GT_SIGNATURE_BYTES)
		ngaps = gt_gaps_read(t->gaps, gt_col_bytes(st, 3),
		                     (uint32_t)count);
	if (ngaps >= 0) {
		gt_copy(t->by, sizeof t->by, gt_col_text(st, 0));
		memcpy(t->signature, gt_col_bytes(st, 2).p,
		       sizeof t->signature);
		t->count = (uint32_t)count;
		t->ngaps = (uint32_t)ngaps;
	} else {
		t->sid = 0;
	}
	return gt_reader_end(r, st, rc);
}

static bool read_leaves(struct gt_reader *r, struct tree *t)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_SEALED_OF);
	int rc;
	if (!st)
		return false;
	(void)sqlite3_bind_int64(st, 1, t->sid);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t i = gt_col_int(st, 0);
		if (i < 0 || i >= t->count)
			continue;
		leaf_of(st, &t->leaves[i]);
		t->here[i] = true;
	}
	return gt_reader_end(r, st, rc);
}

/* ------------------------------------------------------------- verdict */

enum is { UNSEALED, GENUINE, CHANGED, ALTERED, UNKNOWN };

/* What the roster says of its maker. *hint: the first bytes of the key. */
static bool check(struct gt_reader *r, const struct tree *t,
                  const struct gt_id *root, enum is *is, uint32_t *hint)
{
	const struct gt_record_seal seal = {
	        .by = t->by,
	        .count = t->count,
	        .signature = gt_bytes_of(t->signature, sizeof t->signature)};
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_ITEM);
	int status = -GT_EUNKNOWN;
	if (!st)
		return false;
	(void)sqlite3_bind_int(st, 1, GT__KIND__MEMBER);
	gt_reader_bind(st, 2, t->by);
	int rc = sqlite3_step(st);
	const Gt__Member *m =
	        rc == SQLITE_ROW
	                ? gt_signed_member(
	                          r->arena,
	                          gt_signed_open(r->arena, gt_col_bytes(st, 0)))
	                : NULL;
	if (m && m->standing == GT__STANDING__ACTIVE)
		status = gt_record_seal_check(m, &seal, root, hint);
	*is = status == 0                ? GENUINE
	      : status == -GT_ESIGNATURE ? ALTERED
	                                 : UNKNOWN;
	bool ok = gt_reader_end(r, st, rc) && !gt_arena_short(r->arena) &&
	          status != -GT_ENOMEM;
	gt_arena_reset(r->arena);
	return ok;
}

/* Of the tree, the subtrees beside the way from that leaf to the root. */
static json_t *path_of(struct tree *t, const struct gt_merkle *m)
{
	bool keep[GT_MERKLE_MAX] = {false}, whole, ok = true;
	json_t *list = json_array();
	keep[t->leaf] = true;
	size_t n = gt_merkle_gaps(m, keep, t->path, &whole);
	for (size_t i = 0; i < n; i++) {
		const struct gt_gap *g = &t->path[i];
		json_t *one = json_object();
		gt_json_set(&ok, one, "at", json_integer(g->at));
		gt_json_set(&ok, one, "n", json_integer(g->n));
		gt_json_set(&ok, one, "hash",
		            gt_json_hex(gt_bytes_of(g->hash.b, GT_ID_BYTES)));
		gt_json_add(&ok, list, one);
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *hex_of(const uint8_t *p, size_t n)
{
	char text[2 * GT_SIGNATURE_BYTES + 1];
	gt_hex(text, p, n);
	return json_string(text);
}

static bool tell_seal(struct gt_reader *r, struct tree *t, json_t *out,
                      enum is *is)
{
	char key[9] = "";
	uint32_t hint = 0;
	bool ok = true;
	struct gt_id root;
	const struct gt_merkle m = {.leaves = t->leaves,
	                            .here = t->here,
	                            .n = t->count,
	                            .gaps = t->gaps,
	                            .ngaps = t->ngaps};
	*is = ALTERED;
	if (gt_merkle_root(&m, &root) && !t->damaged &&
	    !check(r, t, &root, is, &hint))
		return false;
	gt_json_set(&ok, out, "by", gt_json_text(t->by));
	gt_json_set(&ok, out, "leaf", json_integer(t->leaf));
	gt_json_set(&ok, out, "leaves", json_integer(t->count));
	if (*is == GENUINE && strcmp(t->by, t->origin) != 0)
		*is = CHANGED;
	if (*is == GENUINE || *is == CHANGED) {
		gt_format(key, sizeof key, "%08x", hint);
		gt_json_set(&ok, out, "key", json_string(key));
	}
	gt_json_set(&ok, out, "path", path_of(t, &m));
	gt_json_set(&ok, out, "signature",
	            hex_of(t->signature, sizeof t->signature));
	return ok;
}

static bool tell(struct gt_reader *r, const uint8_t *id, struct tree *t,
                 json_t *out)
{
	static const char *const names[] = {[UNSEALED] = "unsealed",
	                                    [GENUINE] = "genuine",
	                                    [CHANGED] = "changed",
	                                    [ALTERED] = "altered",
	                                    [UNKNOWN] = "unknown"};
	enum is is = UNSEALED;
	int64_t seq;
	bool ok = out && read_record(r, id, t, out, &seq);
	if (!ok || seq == 0)
		return ok;
	ok = read_place(r, seq, t);
	if (ok && t->sid > 0)
		ok = read_seal(r, t);
	if (ok && t->sid > 0)
		ok = read_leaves(r, t) && tell_seal(r, t, out, &is);
	else if (t->damaged)
		is = ALTERED;
	gt_json_set(&ok, out, "is", json_string(names[is]));
	return ok;
}

json_t *gt_read_seal(struct gt_reader *r, const uint8_t id[GT_UUID_BYTES])
{
	struct tree *t = calloc(1, sizeof *t);
	json_t *out = json_object();
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	bool ok = t && tell(r, id, t, out);
	free(t);
	if (ok)
		return out;
	json_decref(out);
	return NULL;
}
