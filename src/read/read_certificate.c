/* read_certificate.c: certificates issued here, and whether one is genuine.
 * Tests: u_certificate.c, e2e/test_certificates.py. */
#include <stdlib.h>
#include <string.h>

#include "credential.h"
#include "json.h"
#include "read_inside.h"
#include "signed.h"

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

/* Whose key it is, by the roster: *found; and his code and name. Who was revoked
 * vouches for nothing: when he signed is what he says himself. */
static bool owner(struct gt_reader *r, const uint8_t key[GT_KEY_BYTES],
                  bool *found, char code[GT_CODE_MAX + 1], char *name,
                  size_t cap)
{
	sqlite3_stmt *st = gt_reader_query(r, GT_Q_KIND);
	int rc = SQLITE_DONE;
	*found = false;
	if (!st)
		return false;
	(void)sqlite3_bind_int(st, 1, GT__KIND__MEMBER);
	while (!*found && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		gt_arena_reset(r->arena);
		const Gt__Member *m = gt_signed_member(
		        r->arena,
		        gt_signed_open(r->arena, gt_col_bytes(st, 0)));
		*found = m && m->standing == GT__STANDING__ACTIVE &&
		         m->key.len == GT_KEY_BYTES &&
		         memcmp(m->key.data, key, GT_KEY_BYTES) == 0;
		if (!*found)
			continue;
		gt_copy(code, GT_CODE_MAX + 1, m->code);
		gt_copy(name, cap, m->name);
	}
	bool ok = gt_reader_end(r, st, rc) && !gt_arena_short(r->arena);
	gt_arena_reset(r->arena);
	return ok;
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
	bool bad;         /* a list that should say so cannot be read */
	const char *from; /* lives as long as list */
	json_t *list;     /* this node's own, to be given back */
};

/* 0; -GT_ENOMEM. */
static int look_up(const json_t *list, const struct gt_certificate_read *c,
                   struct standing *out)
{
	bool revoked = false;
	const char *from;
	int read =
	        gt_list_read(list, c->key, c->list, c->index, &revoked, &from);
	if (read == -GT_ENOMEM)
		return read;
	out->bad = out->bad || read != 0;
	out->revoked = out->revoked || (read == 0 && revoked);
	if (read == 0 && !out->known)
		out->from = from;
	out->known = out->known || read == 0;
	return 0;
}

/* By this node's own list, if the document names that, and by the one given: if
 * either says so it was. */
static int stand(struct gt_reader *r, const struct gt_certificate_read *c,
                 const json_t *given, struct standing *out)
{
	char own[GT_CODE_MAX + 1], name[GT_LIST_CHARS];
	const char *colon = strrchr(c->list, ':');
	int64_t number = colon ? strtoll(colon + 1, NULL, 10) : -1;
	int status = 0;
	*out = (struct standing){.from = ""};
	if (!gt_reader_code(r, own))
		return -GT_ESTORE;
	gt_list_name(name, own, number);
	if (strcmp(name, c->list) == 0) {
		char *text = gt_read_certificate_list(r, number, &status);
		out->list = text ? parsed(gt_bytes_str(text)) : NULL;
		free(text);
		if (status == 0 || status == -GT_EUNKNOWN)
			status = look_up(out->list, c, out);
	}
	if (status == 0 && given)
		status = look_up(given, c, out);
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
	struct standing s = {.from = ""};
	enum gt_genuine is;
	char code[GT_CODE_MAX + 1] = "", name[256] = "";
	bool found = false;
	const char *word = "none";
	gt_reader_fail(r, gt_strerror(GT_ENOMEM));
	int status = gt_credential_read(document, &c, &is);
	if (status == 0 && is == GT_CERTIFICATE_SIGNED) {
		if (!owner(r, c.key, &found, code, name, sizeof name))
			return NULL;
		/* who has that key may speak for himself alone */
		found = found && strcmp(code, c.issuer_code) == 0;
		c.why = found ? "" : "its issuer is nobody this tree knows";
	}
	if (status == 0 && found)
		status = stand(r, &c, list, &s);
	if (is == GT_CERTIFICATE_ALTERED)
		word = "altered";
	else if (is == GT_CERTIFICATE_SIGNED)
		word = !found      ? "unknown"
		       : s.revoked ? "revoked"
		       : s.bad     ? "bad-list"
		                   : "genuine";
	json_t *v = status == 0
	                    ? verdict(word, c.why, &c,
	                              found ? code : c.issuer_code, name, &s)
	                    : NULL;
	json_decref(s.list);
	return v;
}
