/* awards.c: certificates that rules give by themselves.
 *
 * Records are looked at in the order of their numbers, behind the turn that took
 * them; meta `awarded` is the last one that was, and moves in the transaction
 * that issues, so that no record is forgotten and none is looked at twice,
 * whenever the node is killed. For one learner and one activity a certificate is
 * given once, by whatever rule, however often he finishes it and whoever brings
 * the record again; what was revoked is not given anew. Rules hold for what comes
 * from when they are there.
 *
 * No certificate is given for a statement that another voids: people decide then.
 * A statement that has one already keeps it.
 *
 * Tests: u_awards.c, e2e/test_certificates.py. */
#include "award.h"

#include <string.h>

#include "certificate.h"
#include "deed.h"
#include "draw.h"
#include "records_inside.h"
#include "signed.h"

enum { LOOKED = 128, FOUND = 16 };

#define KEY    "awarded"
#define SECRET "award_secret"

static size_t rules(const struct gt_node *n)
{
	return n->config.awards ? n->config.nawards : 0;
}

int gt_award_load(struct gt_node *n)
{
	struct gt_records *r = n->records;
	bool any = rules(n) > 0;
	int status = gt_meta_get(n->store, KEY, -1, &r->awarded);
	if (status != 0 || any == (r->awarded >= 0))
		return status;
	r->awarded = any ? r->seq : -1;
	return gt_meta_put(n->store, KEY, r->awarded);
}

/* One that is worth reading. */
struct candidate {
	int64_t seq;
	struct gt_bytes id, body;
};

static struct gt_bytes copied(struct gt_node *n, struct gt_bytes b)
{
	return (struct gt_bytes){gt_arena_copy(n->arena, b.p, b.n), b.n};
}

/* Those behind the last one looked at; *seq: the last of them. */
static int look(struct gt_node *n, struct candidate v[FOUND], size_t *count,
                int64_t *seq)
{
	int row = 0;
	size_t looked = 0;
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_AWARD_AFTER, "i",
	                                 n->records->awarded);
	*count = 0;
	*seq = n->records->awarded;
	while (looked++ < LOOKED && *count < FOUND &&
	       (row = gt_store_step(n->store, GT_SQL_AWARD_AFTER)) == 1) {
		struct gt_bytes body = gt_col_bytes(st, 2);
		*seq = gt_col_int(st, 0);
		if (!gt_award_maybe(body))
			continue;
		struct candidate *c = &v[(*count)++];
		*c = (struct candidate){*seq, copied(n, gt_col_bytes(st, 1)),
		                        copied(n, body)};
		if (!c->id.p || !c->body.p)
			row = -GT_ENOMEM;
	}
	gt_store_reset(n->store, GT_SQL_AWARD_AFTER);
	/* all there are */
	if (row == 0)
		*seq = n->records->seq;
	return row < 0 ? row : 0;
}

/* Whether there is a row of that key. */
static int there(struct gt_node *n, enum gt_sql which, struct gt_bytes key,
                 bool *is)
{
	gt_store_bind(n->store, which, "b", key);
	int row = gt_store_step(n->store, which);
	gt_store_reset(n->store, which);
	*is = row == 1;
	return row < 0 ? row : 0;
}

/* An item of the catalogue, as it was signed. NULL: none. */
static int signed_of(struct gt_node *n, Gt__Kind kind, const char *id,
                     Gt__Signed **out)
{
	sqlite3_stmt *st = gt_store_bind(n->store, GT_SQL_ITEM_BY_ID, "it",
	                                 (int64_t)kind, id);
	int row = gt_store_step(n->store, GT_SQL_ITEM_BY_ID);
	struct gt_bytes b = {0};
	if (row == 1)
		b = copied(n, gt_col_bytes(st, 7));
	gt_store_reset(n->store, GT_SQL_ITEM_BY_ID);
	*out = gt_signed_open(n->arena, b);
	return row < 0 ? row : gt_arena_short(n->arena) ? -GT_ENOMEM : 0;
}

/* It is about that subject by itself, or by what the catalogue says of its
 * resource. */
static int about_it(struct gt_node *n, const char *subject, const json_t *s,
                    bool *is)
{
	char about[GT_RID_MAX + 2];
	Gt__Signed *item;
	gt_deed_about(about,
	              gt_json_member(json_object_get(s, "object"), "id"));
	*is = *subject == '\0' ||
	      (*about == '=' && strcmp(about + 1, subject) == 0);
	if (*is || *about == '\0' || *about == '=')
		return 0;
	int status = signed_of(n, GT__KIND__RESOURCE, about, &item);
	const Gt__Entry *e = gt_signed_entry(n->arena, item);
	for (size_t i = 0; e && !*is && i < e->n_subjects; i++)
		*is = strcmp(e->subjects[i], subject) == 0;
	return status;
}

/* The first rule that it meets. NULL: none. */
static int meets(struct gt_node *n, const struct gt_about *about,
                 const struct gt_award_rule **out)
{
	int status = 0;
	*out = NULL;
	for (size_t i = 0; status == 0 && !*out && i < rules(n); i++) {
		const struct gt_award_rule *rule = &n->config.awards[i];
		bool is = false;
		if (gt_award_fits(rule, about))
			status = about_it(n, rule->subject, about->statement,
			                  &is);
		*out = is ? rule : NULL;
	}
	return status;
}

/* Under which learners are kept in mind; drawn once. */
static int secret(struct gt_node *n, uint8_t out[GT_ID_BYTES])
{
	struct gt_bytes b;
	int status = gt_meta_get_bytes(n->store, SECRET, n->arena, &b);
	if (status == 0 && b.n == GT_ID_BYTES)
		memcpy(out, b.p, b.n);
	if (status != 0 || b.n == GT_ID_BYTES)
		return status;
	gt_draw(n, out, GT_ID_BYTES);
	return gt_meta_put_bytes(n->store, SECRET,
	                         gt_bytes_of(out, GT_ID_BYTES));
}

/* He has it already, or is not to have it by a rule. */
static int has(struct gt_node *n, const struct candidate *c,
               const struct gt_id *key, bool *is)
{
	int status =
	        there(n, GT_SQL_AWARD_IS, gt_bytes_of(key->b, GT_ID_BYTES), is);
	if (status == 0 && !*is)
		status = there(n, GT_SQL_AWARD_VOIDED, c->id, is);
	return status;
}

static int give(struct gt_node *n, const struct candidate *c,
                const struct gt_about *about, const struct gt_id *key,
                const struct gt_award_rule *rule)
{
	Gt__Signed *own;
	struct gt_buffer text = {0};
	const char *why = NULL;
	bool by_hand;
	int status = there(n, GT_SQL_CERTIFICATE_OF, c->id, &by_hand);
	if (status == 0)
		status = signed_of(n, GT__KIND__MEMBER, n->code, &own);
	const Gt__Member *m =
	        status == 0 ? gt_signed_member(n->arena, own) : NULL;
	const struct gt_order o = {.statement = c->id,
	                           .name = "",
	                           .title = rule->name,
	                           .issuer = m ? m->name : "",
	                           .rule = *rule->name       ? rule->name
	                                   : *rule->activity ? rule->activity
	                                                     : rule->subject};
	if (status == 0 && !by_hand)
		status = gt_certificate_make(n, &o, about, &text, &why);
	gt_buffer_free(&text);
	if (status != 0 || why)
		return status;
	gt_store_bind(n->store, GT_SQL_AWARD_NEW, "bbi",
	              gt_bytes_of(key->b, GT_ID_BYTES), c->id, n->now.wall_ms);
	return gt_store_run(n->store, GT_SQL_AWARD_NEW);
}

static int judge(struct gt_node *n, const struct candidate *c)
{
	struct gt_about about;
	const struct gt_award_rule *rule;
	struct gt_id key;
	uint8_t drawn[GT_ID_BYTES];
	bool is;
	int status = gt_about_open(&about, c->body);
	if (status == -GT_EINVALID)
		return 0; /* damaged: it is not here */
	if (status == 0)
		status = meets(n, &about, &rule);
	if (status == 0 && rule) {
		status = secret(n, drawn);
		if (status == 0)
			status = gt_award_key(&key, &about, drawn);
		if (status == 0)
			status = has(n, c, &key, &is);
		if (status == 0 && !is)
			status = give(n, c, &about, &key, rule);
		if (status == -GT_EINVALID)
			status = 0; /* of nobody */
	}
	gt_about_close(&about);
	return status;
}

int gt_award_go(struct gt_node *n)
{
	struct candidate v[FOUND];
	size_t count;
	int64_t seq;
	if (rules(n) == 0 || n->records->awarded >= n->records->seq)
		return 0;
	int status = look(n, v, &count, &seq);
	for (size_t i = 0; status == 0 && i < count; i++)
		status = judge(n, &v[i]);
	if (status != 0)
		return status;
	n->records->awarded = seq;
	return gt_meta_put(n->store, KEY, seq);
}

uint64_t gt_award_deadline(const struct gt_node *n)
{
	return rules(n) > 0 && n->records->awarded < n->records->seq
	               ? n->now.mono_ms
	               : UINT64_MAX;
}
