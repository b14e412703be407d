/* documents.c: documents terminals put, merge and delete here.
 * Tests: u_documents.c. */
#include "documents.h"

#include <string.h>

#include "documents_row.h"
#include "records_inside.h"

/* An edit on its way. */
struct edit {
	const struct gt_event *e;
	const struct gt_document_edit *d;
	struct gt_document_row row; /* what is there */
	struct gt_bytes body;       /* what is to be */
	struct gt_buffer merged;    /* where that lies if it was merged */
	int code;                   /* why it cannot be: 0, it can */
	char why[GT_WHY];
};

static bool here(const struct gt_document_row *r)
{
	return r->did > 0 && !r->gone;
}

static void refuse(struct edit *x, int code, const char *why)
{
	x->code = code;
	if (why)
		gt_copy(x->why, sizeof x->why, why);
}

/* ------------------------------------------------------------- judging */

/* What of it can be said without looking at what is there. */
static void look_at(struct edit *x)
{
	const struct gt_document_edit *d = x->d;
	const char *unfit = gt_document_unfit(&d->key);
	bool all = !d->key.id;
	if (unfit)
		refuse(x, -GT_EINVALID, unfit);
	else if (all && (d->verb != GT_DOCUMENT_DELETE ||
	                 d->key.kind != GT_DOCUMENT_STATE))
		refuse(x, -GT_EINVALID, "a document without an id");
	else if (d->body.n > GT_DOCUMENT_MAX)
		refuse(x, -GT_ELIMIT, "a document over the limit of 1 MiB");
	else if (strlen(d->type) > GT_DOCUMENT_TYPE_MAX)
		refuse(x, -GT_EINVALID, "a content type that is too long");
}

static int post(struct edit *x)
{
	const struct gt_document_edit *d = x->d;
	bool json = gt_document_is_json(d->type);
	int status = 0;
	if (!here(&x->row) && json)
		status = gt_document_object(d->body, x->why, sizeof x->why);
	if (here(&x->row) && (!json || !gt_document_is_json(x->row.type))) {
		refuse(x, -GT_EINVALID,
		       "only JSON is merged with JSON: put the document, "
		       "which replaces what is here");
	} else if (here(&x->row)) {
		status = gt_document_merge(&x->merged, x->row.body, d->body,
		                           x->why, sizeof x->why);
		x->body = gt_buffer_bytes(&x->merged);
	}
	if (status == -GT_EINVALID || status == -GT_ELIMIT)
		refuse(x, status, NULL);
	return status == -GT_ENOMEM ? status : 0;
}

static int fits(struct gt_node *n, struct edit *x)
{
	bool room;
	int status = gt_document_room(n, &x->d->key, x->row.did == 0, x->body.n,
	                              x->row.body.n, &room);
	if (status == 0 && !room)
		refuse(x, -GT_ELIMIT,
		       "this learner, or activity, has as many documents here "
		       "as there may be, or as large ones: delete some");
	return status;
}

/* *code 0: it may be done, and x->body is what is to be there. */
static int judge(struct gt_node *n, struct edit *x)
{
	const struct gt_document_edit *d = x->d;
	int status = gt_document_get(n, &d->key, &x->row);
	if (status != 0)
		return status;
	x->code = gt_document_may(d, here(&x->row) ? x->row.etag : NULL, x->why,
	                          sizeof x->why);
	x->body = d->body;
	if (x->code == 0 && d->verb == GT_DOCUMENT_POST)
		status = post(x);
	if (status == 0 && x->code == 0 && d->verb != GT_DOCUMENT_DELETE)
		status = fits(n, x);
	return status;
}

/* --------------------------------------------------------------- doing */

static int remove_one(struct gt_node *n, struct gt_document_row *r)
{
	r->gone = true;
	r->body = (struct gt_bytes){0};
	r->type = "";
	return gt_document_put(n, r);
}

/* All states of a learner in an activity, of one registration or of any. */
static int remove_all(struct gt_node *n, const struct gt_document_key *k,
                      size_t *count)
{
	const char *registration = "", *id = "";
	int status = 0, row = 1;
	while (status == 0 && row == 1) {
		struct gt_document_row r;
		sqlite3_stmt *st =
		        gt_store_bind(n->store, GT_SQL_DOCUMENTS_OF, "itttti",
		                      (int64_t)k->kind, k->agent, k->activity,
		                      registration, id, (int64_t)1);
		row = gt_store_step(n->store, GT_SQL_DOCUMENTS_OF);
		status = row == 1 ? gt_document_row(n, st, &r) : 0;
		gt_store_reset(n->store, GT_SQL_DOCUMENTS_OF);
		if (status != 0 || row != 1)
			break;
		registration = r.key.registration;
		id = r.key.id;
		if (r.gone ||
		    (*k->registration &&
		     strcmp(k->registration, r.key.registration) != 0))
			continue;
		status = remove_one(n, &r);
		*count += 1;
	}
	return row < 0 ? row : status;
}

static int do_it(struct gt_node *n, struct edit *x, size_t *count)
{
	const struct gt_document_edit *d = x->d;
	struct gt_document_row *r = &x->row;
	*count = 0;
	if (!d->key.id)
		return remove_all(n, &d->key, count);
	if (d->verb == GT_DOCUMENT_DELETE && !here(r))
		return 0;
	*count = 1;
	if (d->verb == GT_DOCUMENT_DELETE)
		return remove_one(n, r);
	r->key = d->key;
	r->gone = false;
	r->body = x->body;
	r->actor = d->actor;
	if (x->merged.n == 0)
		r->type = d->type;
	return gt_document_put(n, r);
}

/* ----------------------------------------------------------- answering */

static int write_down(struct gt_node *n, const struct edit *x, size_t count)
{
	static const char *const words[] = {[GT_DOCUMENT_PUT] = "put",
	                                    [GT_DOCUMENT_POST] = "merge",
	                                    [GT_DOCUMENT_DELETE] = "delete"};
	char name[GT_OWNER_NAME] = "", detail[64];
	int status = 0;
	if (count > 0)
		status = gt_document_owner_name(
		        n, gt_document_owner(&x->d->key), name);
	gt_format(detail, sizeof detail, "%s %s count=%zu", words[x->d->verb],
	          gt_document_word(x->d->key.kind), count);
	struct gt_audit row = {.actor = x->e->actor,
	                       .event = "accept",
	                       .kind = "document",
	                       .subject = name,
	                       .result = x->code,
	                       .bytes = x->body.n,
	                       .detail = detail};
	if (status != 0)
		return status;
	return x->code && x->e->detail
	               ? gt_audit_told(n, x->e->detail, &row, NULL)
	               : gt_audit_row(n, &row);
}

static int edit(struct gt_node *n, struct edit *x)
{
	size_t count = 0;
	int status = 0;
	if (x->code == 0 && x->d->key.id)
		status = judge(n, x);
	if (status == 0 && x->code == 0)
		status = do_it(n, x, &count);
	if (status == 0 && (count > 0 || x->code != 0))
		status = write_down(n, x, count);
	if (status != 0)
		return status;
	if (x->code != 0)
		return gt_reply(n, x->e->token, x->code, "%s", x->why);
	return gt_reply(n, x->e->token, 0, "%s",
	                here(&x->row) && x->d->key.id ? x->row.etag : "");
}

int gt_documents_edit(struct gt_node *n, const struct gt_event *e)
{
	struct edit x = {.e = e, .d = e->document};
	struct gt_refusal later = {0};
	struct gt_hand_in h = {.whom = e->detail,
	                       .hourly = n->config.terminal_hour,
	                       .count = 1,
	                       .bytes = e->document->body.n};
	look_at(&x);
	int status = x.code ? 0 : gt_record_admit(n, &h, &later);
	if (status == 0 && later.code != 0) {
		status = gt_reply(n, e->token, later.code,
		                  "%s; nothing of this was taken", later.why);
		if (status == 0)
			n->actions[n->nactions - 1].retry_ms = later.retry_ms;
		return status;
	}
	if (status == 0)
		status = edit(n, &x);
	gt_buffer_free(&x.merged);
	return status;
}
