/* read_certificate.c: certificates issued here, and whether one is genuine.
 * Tests: u_certificate.c, e2e/test_certificates.py. */
#include <stdlib.h>
#include <string.h>

#include "credential.h"
#include "iso8601.h"
#include "json.h"
#include "read_inside.h"
#include "signed.h"
#include "status_list.h"

/* --------------------------------------------------------------- lists */

static json_t *parsed(struct gt_bytes text)
{
	json_error_t error;
	return gt_json_load(text, GT_JSON_STRICT, &error);
}

/* Rows are (cid, id, record, at_ms, revoked_ms, why, document). */
static json_t *row_of(sqlite3_stmt *st)
{
	json_t *v = json_object(), *d = parsed(gt_col_bytes(st, 6));
	struct gt_certificate_read r;
	enum gt_genuine is;
	bool ok = v && gt_credential_read(d, &r, &is) == 0;
	int64_t revoked = gt_col_int(st, 4);
	gt_json_set(&ok, v, "id", gt_json_text(gt_col_text(st, 1)));
	gt_json_set(&ok, v, "statement", gt_json_uuid(gt_col_bytes(st, 2)));
	gt_json_set(&ok, v, "at", gt_json_time(gt_col_int(st, 3)));
	gt_json_set(&ok, v, "revoked",
	            revoked ? gt_json_time(revoked) : json_null());
	gt_json_set(&ok, v, "why", gt_json_text(gt_col_text(st, 5)));
	gt_json_set(&ok, v, "title", gt_json_text(ok ? r.title : ""));
	gt_json_set(&ok, v, "name", gt_json_text(ok ? r.name : ""));
	json_decref(d);
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_read_certificates(struct gt_reader *r, int64_t after, size_t limit)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_CERTIFICATES);
	json_t *list = json_array();
	bool ok = list && st, full = false;
	size_t bytes = 0;
	int rc = SQLITE_DONE;
	if (!st) {
		json_decref(list);
		return NULL;
	}
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	limit = gt_reader_limit(limit, 1000);
	/* numbers begin with 0 */
	(void)sqlite3_bind_int64(st, 1, after);
	(void)sqlite3_bind_int64(st, 2, (int64_t)limit + 1);
	while (ok && !full && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		full = gt_reader_full(st, list, limit, &bytes);
		if (full)
			break;
		after = gt_col_int(st, 0) + 1;
		gt_json_add(&ok, list, row_of(st));
	}
	ok = gt_reader_end(r, st, rc) && ok;
	return gt_json_page(r, ok, "certificates", list,
	                    full ? json_integer(after) : json_null());
}

/* The text in column 0 of one row. */
static char *text_of(struct gt_reader *r, sqlite3_stmt *st, int *status)
{
	int rc = sqlite3_step(st);
	char *text = NULL;
	*status = -GT_EUNKNOWN;
	if (rc == SQLITE_ROW) {
		struct gt_bytes b = gt_col_bytes(st, 0);
		struct gt_buffer copy = {0};
		(void)gt_buffer_add(&copy, b.p, b.n);
		text = gt_buffer_text(&copy, NULL);
		*status = text ? 0 : -GT_ENOMEM;
	}
	if (gt_reader_end(r, st, rc))
		return text;
	free(text);
	*status = -GT_ESTORE;
	return NULL;
}

char *gt_read_certificate(struct gt_reader *r, const char *id, int *status)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_CERTIFICATE);
	*status = -GT_ESTORE;
	if (!st)
		return NULL;
	gt_reader_bind(st, 1, id);
	return text_of(r, st, status);
}

char *gt_read_certificate_list(struct gt_reader *r, int64_t number, int *status)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_CERTIFICATE_LIST);
	*status = -GT_ESTORE;
	if (!st)
		return NULL;
	(void)sqlite3_bind_int64(st, 1, number);
	return text_of(r, st, status);
}

/* -------------------------------------------------------------- verify */

/* Whose certificate it says it is, by the newest row of the roster that is known
 * here: the node's own roster, or what came with that one's list. Who was revoked
 * vouches for nothing: when he signed is what he says himself. */
struct owner {
	bool is;
	char code[GT_CODE_MAX + 1], name[256];
	const Gt__Member *row; /* until the arena is reset */
};

/* The newer of the row in column 0 of what is asked and the one there was. */
static bool newer(struct gt_reader *r, sqlite3_stmt *st, struct owner *o)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const Gt__Member *m = gt_signed_member(
		        r->arena,
		        gt_signed_open(r->arena, gt_col_bytes(st, 0)));
		if (m && strcmp(m->code, o->code) == 0 &&
		    (!o->row || m->version > o->row->version))
			o->row = m;
	}
	return gt_reader_end(r, st, rc) && !gt_arena_short(r->arena);
}

static bool owner(struct gt_reader *r, const char *code, struct owner *o)
{
	*o = (struct owner){0};
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_ITEM);
	if (!st)
		return false;
	if (!gt_copy(o->code, sizeof o->code, code))
		return true;
	(void)sqlite3_bind_int(st, 1, GT__KIND__MEMBER);
	gt_reader_bind(st, 2, o->code);
	if (!newer(r, st, o) || !(st = gt_reader_query(r, GT_Q_LIST_OWNER)))
		return false;
	gt_reader_bind(st, 1, o->code);
	if (!newer(r, st, o))
		return false;
	if (o->row)
		gt_copy(o->name, sizeof o->name, o->row->name);
	return true;
}

bool gt_read_own_name(struct gt_reader *r, char *name, size_t cap)
{
	char code[GT_CODE_MAX + 1];
	gt_copy(name, cap, "");
	if (!gt_reader_code(r, code))
		return false;
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_ITEM);
	if (!st)
		return false;
	(void)sqlite3_bind_int(st, 1, GT__KIND__MEMBER);
	gt_reader_bind(st, 2, code);
	int rc = sqlite3_step(st);
	const Gt__Member *m =
	        rc == SQLITE_ROW
	                ? gt_signed_member(
	                          r->arena,
	                          gt_signed_open(r->arena, gt_col_bytes(st, 0)))
	                : NULL;
	if (m)
		gt_copy(name, cap, m->name);
	bool ok = gt_reader_end(r, st, rc) && !gt_arena_short(r->arena);
	gt_arena_reset(r->arena);
	return ok;
}

/* Whether it was revoked, as far as is known here. */
struct standing {
	bool known, revoked;
	bool bad; /* a list that should say so cannot be read */
	char from[GT_ISO_UTC_CHARS];
};

/* What a list says of it, if it is that list, and of a key of that owner's. 0;
 * -GT_ENOMEM. */
static int look_up(const json_t *list, const struct gt_certificate_read *c,
                   const struct owner *o, struct standing *out)
{
	struct gt_list l;
	int read = gt_list_open(list, &l);
	if (read == -GT_ENOMEM)
		return read;
	bool is = read == 0 && strcmp(l.name, c->list) == 0 && c->index >= 0 &&
	          gt_member_vouches(o->row, l.key);
	out->bad = out->bad || !is;
	out->revoked = out->revoked || (is && gt_list_has(&l, c->index));
	/* both are as they are written here: the later is the greater */
	if (is && strcmp(l.from, out->from) > 0)
		gt_copy(out->from, sizeof out->from, l.from);
	out->known = out->known || is;
	if (read == 0)
		gt_list_close(&l);
	return 0;
}

/* The newest list of that issuer's that came here. NULL: none, or *status. */
static json_t *held(struct gt_reader *r, const char *code, int64_t number,
                    int *status)
{
	json_t *v = NULL;
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_LIST_HELD);
	*status = -GT_ESTORE;
	if (!st)
		return NULL;
	gt_reader_bind(st, 1, code);
	(void)sqlite3_bind_int64(st, 2, number);
	int rc = sqlite3_step(st);
	*status =
	        rc == SQLITE_ROW ? gt_list_unpack(&v, gt_col_bytes(st, 0)) : 0;
	/* damaged: a list that says nothing */
	if (*status == -GT_EMALFORMED)
		*status = (v = json_object()) ? 0 : -GT_ENOMEM;
	if (gt_reader_end(r, st, rc))
		return v;
	json_decref(v);
	*status = -GT_ESTORE;
	return NULL;
}

/* This node's own list, as it signed it last. */
static json_t *own_list(struct gt_reader *r, int64_t number, int *status)
{
	char *text = gt_read_certificate_list(r, number, status);
	json_t *v = text ? parsed(gt_bytes_str(text)) : NULL;
	free(text);
	if (*status == -GT_EUNKNOWN)
		*status = 0;
	if (*status == 0 && text && !v) /* damaged */
		*status = (v = json_object()) ? 0 : -GT_ENOMEM;
	return v;
}

/* By what is known here, of this node's own and of what came, and by the one
 * given: if any says so it was. */
static int stand(struct gt_reader *r, const struct gt_certificate_read *c,
                 const struct owner *o, const json_t *given,
                 struct standing *out)
{
	char own[GT_CODE_MAX + 1], code[GT_CODE_MAX + 1];
	int64_t number;
	int status = 0;
	json_t *lists[2] = {NULL, NULL};
	if (!gt_reader_code(r, own))
		return -GT_ESTORE;
	/* who signs speaks for his own list alone */
	if (gt_list_named(c->list, code, &number) &&
	    strcmp(code, o->code) == 0) {
		lists[0] = held(r, code, number, &status);
		if (status == 0 && strcmp(code, own) == 0)
			lists[1] = own_list(r, number, &status);
	}
	for (size_t i = 0; status == 0 && i < 2; i++)
		if (lists[i])
			status = look_up(lists[i], c, o, out);
	if (status == 0 && given)
		status = look_up(given, c, o, out);
	json_decref(lists[0]);
	json_decref(lists[1]);
	return status;
}

static json_t *verdict(const char *word, const char *why,
                       const struct gt_certificate_read *c, const char *code,
                       const char *name, const struct standing *s)
{
	json_t *v = json_object();
	bool ok = v != NULL;
	gt_json_set(&ok, v, "verdict", json_string(word));
	gt_json_set(&ok, v, "why", gt_json_text(why ? why : ""));
	gt_json_set(&ok, v, "id", gt_json_text(c->id));
	gt_json_set(&ok, v, "title", gt_json_text(c->title));
	gt_json_set(&ok, v, "name", gt_json_text(c->name));
	gt_json_set(&ok, v, "activity", gt_json_text(c->activity));
	gt_json_set(&ok, v, "from", gt_json_text(c->from));
	gt_json_set(&ok, v, "issuer", gt_json_text(code));
	gt_json_set(&ok, v, "issuer_name", gt_json_text(name));
	gt_json_set(&ok, v, "list_as_of",
	            s->known ? gt_json_text(s->from) : json_null());
	if (ok)
		return v;
	json_decref(v);
	return NULL;
}

json_t *gt_read_verify(struct gt_reader *r, const json_t *document,
                       const json_t *list)
{
	struct gt_certificate_read c;
	struct standing s = {0};
	struct owner o = {0};
	enum gt_genuine is;
	const char *word = "none";
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	int status = gt_credential_read(document, &c, &is);
	if (status == 0 && is == GT_CERTIFICATE_SIGNED) {
		if (!owner(r, c.issuer_code, &o))
			return NULL;
		/* who has a key may speak for himself alone */
		o.is = o.row && gt_member_vouches(o.row, c.key);
		c.why = o.is ? "" : "its issuer is nobody this tree knows";
	}
	if (status == 0 && o.is)
		status = stand(r, &c, &o, list, &s);
	if (is == GT_CERTIFICATE_ALTERED)
		word = "altered";
	else if (is == GT_CERTIFICATE_SIGNED)
		word = !o.is       ? "unknown"
		       : s.revoked ? "revoked"
		       : s.bad     ? "bad-list"
		                   : "genuine";
	gt_arena_reset(r->arena);
	return status == 0
	               ? verdict(word, c.why, &c, o.is ? o.code : c.issuer_code,
	                         o.is ? o.name : "", &s)
	               : NULL;
}
