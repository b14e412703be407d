#include "certificate.h"

#include <string.h>

#include "award.h"
#include "certificate_list.h"
#include "credential.h"
#include "draw.h"
#include "identity.h"
#include "iso8601.h"
#include "json.h"
#include "statement.h"
#include "status_list.h"

#define EPOCH "certified_in"

enum {
	SALT = 16,
	WHY_MAX = 1000,
	NAME_BYTES = 200,
	TITLE_BYTES = 1000,
	ABOUT_BYTES = 4000,
};

/* -------------------------------------------------------------- issuing */

/* One language of a map: Chinese, or else the first. */
static const char *words_of(const json_t *map)
{
	static const char *const first[] = {"zh-CN", "zh-Hans", "zh"};
	const char *key;
	json_t *value;
	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		if (*gt_json_member(map, first[i]))
			return gt_json_member(map, first[i]);
	json_object_foreach((json_t *)gt_lend(map), key,
	                    value) return gt_json_string(value);
	return "";
}

/* What identifies the learner, as Open Badges calls it. False: nothing does. */
static bool identify(struct gt_credential *c, const json_t *actor)
{
	const json_t *account = json_object_get(actor, "account");
	const char *mbox = gt_json_member(actor, "mbox");
	c->identifier_type = "ext:xapi";
	if (strncmp(mbox, "mailto:", 7) == 0) {
		c->identifier = mbox + 7;
		c->identifier_type = "emailAddress";
	} else if (account) {
		c->identifier = gt_json_member(account, "name");
		c->identifier_type = "accountId";
	} else if (*gt_json_member(actor, "mbox_sha1sum")) {
		c->identifier = gt_json_member(actor, "mbox_sha1sum");
	} else {
		c->identifier = gt_json_member(actor, "openid");
	}
	return *c->identifier != '\0';
}

/* No more than so many bytes of a text, whole letters of it, in the arena. NULL:
 * memory was short. */
static const char *cut(struct gt_node *n, const char *text, size_t max)
{
	size_t len = strlen(text);
	if (len <= max)
		return text;
	for (len = max; len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80;)
		len--;
	char *copy = gt_arena_get(n->arena, len + 1);
	if (copy)
		gt_format(copy, len + 1, "%.*s", (int)len, text);
	return copy;
}

/* What is drawn for one. */
struct drawn {
	char id[GT_CERTIFICATE_ID], salt[2 * SALT + 1], from[GT_ISO_CHARS];
};

static void draw(struct gt_node *n, struct drawn *d)
{
	uint8_t id[GT_UUID_BYTES], salt[SALT];
	gt_draw(n, id, sizeof id);
	gt_draw(n, salt, sizeof salt);
	id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
	id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
	gt_copy(d->id, sizeof d->id, "urn:uuid:");
	gt_uuid_format(d->id + strlen(d->id), id);
	gt_hex(d->salt, salt, sizeof salt);
	gt_iso_format(d->from, n->now.wall_ms);
}

/* What the statement says of it. *why: why it cannot be certified. */
static json_t *document(struct gt_node *n, const struct gt_order *o,
                        const struct gt_about *about, const struct drawn *d,
                        int64_t cid, const char **why)
{
	const json_t *s = about->statement;
	const json_t *object = json_object_get(s, "object");
	const json_t *definition = json_object_get(object, "definition");
	const char *kind = gt_json_member(object, "objectType");
	const struct gt_bytes own = gt_bytes_str(
	        gt_json_member(json_object_get(s, "actor"), "name"));
	struct gt_credential c = {
	        .id = d->id,
	        .issuer_code = n->code,
	        .issuer_name = o->issuer,
	        .from = d->from,
	        .salt = d->salt,
	        .name = *o->name ? o->name : (const char *)own.p,
	        .activity = gt_json_member(object, "id"),
	        .title = *o->title ? o->title
	                           : words_of(json_object_get(definition,
	                                                      "name")),
	        .description =
	                words_of(json_object_get(definition, "description")),
	        .list = cid / GT_CERTIFICATE_BITS,
	        .index = cid % GT_CERTIFICATE_BITS};
	*why = "a certificate tells of something completed, passed, mastered "
	       "or satisfied: this statement does not";
	if (!gt_award_verb(about->verb) ||
	    (*kind && strcmp(kind, "Activity") != 0))
		return NULL;
	*why = "nothing identifies the learner of this statement";
	if (!identify(&c, json_object_get(s, "actor")))
		return NULL;
	*why = NULL;
	c.name = cut(n, c.name, NAME_BYTES);
	c.title = cut(n, c.title, TITLE_BYTES);
	c.description = cut(n, c.description, ABOUT_BYTES);
	return c.name && c.title && c.description
	               ? gt_credential_sign(&c, &n->key)
	               : NULL;
}

static int keep(struct gt_node *n, const struct gt_order *o, const char *id,
                int64_t cid, struct gt_bytes text)
{
	struct gt_audit row = {.actor = o->actor,
	                       .event = "certify",
	                       .kind = "certificate",
	                       .rule = o->rule,
	                       .subject = id};
	gt_store_bind(n->store, GT_SQL_CERTIFICATE_NEW, "itbib", cid, id,
	              o->statement, n->now.wall_ms, text);
	int status = gt_store_run(n->store, GT_SQL_CERTIFICATE_NEW);
	if (status == 0)
		status =
		        gt_certificate_list_begin(n, cid / GT_CERTIFICATE_BITS);
	n->touched = true;
	return status ? status : gt_audit_row(n, &row);
}

/* The next number. In another epoch than the last was given in, this may be an old
 * state of the node, that forgot which numbers it gave: two certificates with one
 * bit would be revoked together. So it goes on in a list that is new, at a place
 * that is drawn. */
static int next_number(struct gt_node *n, int64_t *cid)
{
	struct gt_bytes in;
	uint8_t drawn[4];
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_CERTIFICATE_LAST, "");
	int row = gt_store_step(n->store, GT_SQL_CERTIFICATE_LAST);
	*cid = row == 1 ? gt_col_int(st, 0) + 1 : 0;
	gt_store_reset(n->store, GT_SQL_CERTIFICATE_LAST);
	int status =
	        row < 0 ? row
	                : gt_meta_get_bytes(n->store, EPOCH, n->arena, &in);
	if (status != 0 ||
	    (in.n == sizeof n->epoch && memcmp(in.p, n->epoch, in.n) == 0))
		return status;
	if (in.n > 0 && *cid > 0) {
		gt_draw(n, drawn, sizeof drawn);
		*cid = (*cid - 1) / GT_CERTIFICATE_BITS + 1;
		*cid = *cid * GT_CERTIFICATE_BITS +
		       gt_get32(drawn) % (GT_CERTIFICATE_BITS / 2);
	}
	return gt_meta_put_bytes(n->store, EPOCH,
	                         gt_bytes_of(n->epoch, sizeof n->epoch));
}

int gt_certificate_make(struct gt_node *n, const struct gt_order *o,
                        const struct gt_about *about, struct gt_buffer *text,
                        const char **why)
{
	struct drawn d;
	int64_t cid;
	int status = next_number(n, &cid);
	if (status != 0)
		return status;
	*why = "this node has issued all certificates that it can";
	if (cid / GT_CERTIFICATE_BITS >= GT_LIST_NUMBERS)
		return 0;
	draw(n, &d);
	json_t *v = document(n, o, about, &d, cid, why);
	bool made = v && gt_json_canon(text, v) == 0;
	json_decref(v);
	if (*why)
		return 0;
	return made ? keep(n, o, d.id, cid, gt_buffer_bytes(text)) : -GT_ENOMEM;
}

static int certify(struct gt_node *n, const struct gt_event *e,
                   struct gt_bytes body)
{
	struct gt_about about;
	struct gt_buffer text = {0};
	const char *why;
	const struct gt_order o = {.statement = e->body,
	                           .name = e->text ? e->text : "",
	                           .title = "",
	                           .issuer = e->detail ? e->detail : "",
	                           .actor = e->actor};
	int status = gt_about_open(&about, body);
	if (status == -GT_EINVALID)
		return gt_reply(n, e->token, -GT_EDAMAGED, "%s",
		                "this statement is damaged here");
	if (status == 0)
		status = gt_certificate_make(n, &o, &about, &text, &why);
	if (status == 0)
		status = why ? gt_reply(n, e->token, -GT_EINVALID, "%s", why)
		             : gt_reply(n, e->token, 0, "%.*s", (int)text.n,
		                        (const char *)text.p);
	gt_about_close(&about);
	gt_buffer_free(&text);
	return status;
}

/* A column of the one row of a statement that has one parameter, copied into
 * the arena. 1, 0: there is none. */
static int bytes_of(struct gt_node *n, enum gt_sql which, struct gt_bytes key,
                    struct gt_bytes *out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, which, "b", key);
	int row = gt_store_step(n->store, which);
	if (row == 1) {
		struct gt_bytes b = gt_col_bytes(st, 0);
		out->p = gt_arena_copy(n->arena, b.p, b.n);
		out->n = b.n;
		row = out->p ? 1 : -GT_ENOMEM;
	}
	gt_store_reset(n->store, which);
	return row;
}

int gt_certificate_issue(struct gt_node *n, const struct gt_event *e)
{
	struct gt_bytes text;
	if (e->body.n != GT_UUID_BYTES ||
	    (e->text && strlen(e->text) > NAME_BYTES))
		return gt_reply(n, e->token, -GT_EINVALID,
		                "the name on a certificate has at most %d "
		                "bytes",
		                NAME_BYTES);
	int row = bytes_of(n, GT_SQL_CERTIFICATE_OF, e->body, &text);
	if (row == 1)
		return gt_reply(n, e->token, 0, "%.*s", (int)text.n,
		                (const char *)text.p);
	if (row == 0)
		row = bytes_of(n, GT_SQL_CERTIFICATE_BODY, e->body, &text);
	if (row < 0)
		return row;
	return row == 1 ? certify(n, e, text)
	                : gt_reply(n, e->token, -GT_EUNKNOWN,
	                           "no such statement");
}

/* ------------------------------------------------------------- revoking */

int gt_certificate_revoke(struct gt_node *n, const struct gt_event *e)
{
	int64_t cid = 0, revoked_ms = 0;
	const char *why = e->detail ? e->detail : "";
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_CERTIFICATE_GET, "t",
	                                 e->text ? e->text : "");
	int row = gt_store_step(n->store, GT_SQL_CERTIFICATE_GET);
	if (row == 1) {
		cid = gt_col_int(st, 0);
		revoked_ms = gt_col_int(st, 1);
	}
	gt_store_reset(n->store, GT_SQL_CERTIFICATE_GET);
	if (row < 0)
		return row;
	if (row == 0)
		return gt_reply(n, e->token, -GT_EUNKNOWN,
		                "no certificate of that id was issued here");
	if (strlen(why) > WHY_MAX)
		return gt_reply(n, e->token, -GT_ELIMIT,
		                "a reason has at most %d bytes", WHY_MAX);
	struct gt_audit audit = {.actor = e->actor,
	                         .event = "revoke",
	                         .kind = "certificate",
	                         .subject = e->text,
	                         .detail = why};
	int status = 0;
	if (revoked_ms == 0) {
		gt_store_bind(n->store, GT_SQL_CERTIFICATE_REVOKE, "iit", cid,
		              n->now.wall_ms, why);
		status = gt_store_run(n->store, GT_SQL_CERTIFICATE_REVOKE);
		if (status == 0)
			status = gt_certificate_list_sign(
			        n, cid / GT_CERTIFICATE_BITS);
		if (status == 0)
			status = gt_audit_row(n, &audit);
		n->touched = true;
	}
	return status ? status
	              : gt_reply(n, e->token, 0, "{\"revoked\":\"%s\"}",
	                         e->text);
}
