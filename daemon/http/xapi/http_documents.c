/* http_documents.c: documents that courses keep (State, profiles of agents and
 * activities), and what is known of an activity or an agent.
 * Tests: e2e/test_documents.py, e2e/test_roam.py. */
#include "http_xapi_inside.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "document.h"
#include "iso8601.h"
#include "statement.h"

/* A request's arguments, borrowed, and what they come to. */
struct ask {
	enum gt_document_kind kind; /* 0: of no document */
	const char *activity, *agent, *registration, *id, *since;
	const char *bad; /* the first that cannot be, or comes twice */
	bool get;
	int64_t since_ms;
	char small[GT_UUID_TEXT]; /* the registration's */
	struct gt_buffer canonical;
	struct gt_document_key key;
};

/* Which resource takes which. */
static const char **argument_of(struct ask *q, const char *key)
{
	bool state = q->kind == GT_DOCUMENT_STATE;
	const char *id = state ? "stateId" : "profileId";
	if (q->kind != GT_DOCUMENT_AGENT && strcmp(key, "activityId") == 0)
		return &q->activity;
	if (q->kind != GT_DOCUMENT_ACTIVITY && strcmp(key, "agent") == 0)
		return &q->agent;
	if (state && strcmp(key, "registration") == 0)
		return &q->registration;
	if (q->kind && strcmp(key, id) == 0)
		return &q->id;
	return q->kind && q->get && strcmp(key, "since") == 0 ? &q->since
	                                                      : NULL;
}

static enum MHD_Result argument(void *arg, enum MHD_ValueKind kind,
                                const char *key, const char *value)
{
	struct ask *q = arg;
	const char **at = argument_of(q, key);
	(void)kind;
	if (at && !*at && value)
		*at = value;
	else if (!q->bad)
		q->bad = key;
	return MHD_YES;
}

/* ------------------------------------------------------- what is asked */

static enum MHD_Result bad(struct gt_request *rq, const char *name)
{
	return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG, name);
}

/* 0, or the request is answered and *answer says so. */
static bool canonical(struct gt_request *rq, struct ask *q,
                      enum MHD_Result *answer)
{
	char why[300], text[340];
	int status = gt_document_agent(&q->canonical, gt_bytes_str(q->agent),
	                               why, sizeof why);
	if (status == 0)
		return true;
	gt_format(text, sizeof text, "agent: %s", why);
	*answer = gt_rq_error(rq, status == -GT_ENOMEM ? status : -GT_EINVALID,
	                      status == -GT_ENOMEM ? "" : text);
	return false;
}

static const char *missing(const struct ask *q, bool one)
{
	if (q->kind != GT_DOCUMENT_AGENT && !q->activity)
		return "activityId";
	if (q->kind != GT_DOCUMENT_ACTIVITY && !q->agent)
		return "agent";
	if (one && !q->id)
		return q->kind == GT_DOCUMENT_STATE ? "stateId" : "profileId";
	return NULL;
}

/* Fills in q->key. False: it is answered. one: it must name a document. */
static bool understand(struct gt_request *rq, struct ask *q, bool one,
                       enum MHD_Result *answer)
{
	uint8_t uuid[GT_UUID_BYTES];
	const char *no = q->bad ? q->bad : missing(q, one);
	bool registered = q->registration != NULL;
	if (!no && registered && !gt_uuid_parse(uuid, q->registration))
		no = "registration";
	if (!no && q->since && !gt_iso_parse(&q->since_ms, q->since))
		no = "since";
	if (no) {
		*answer = bad(rq, no);
		return false;
	}
	if (registered)
		gt_uuid_format(q->small, uuid);
	if (q->agent && !canonical(rq, q, answer))
		return false;
	q->key = (struct gt_document_key){
	        q->kind, q->activity ? q->activity : "",
	        q->canonical.n ? (const char *)q->canonical.p : "", q->small,
	        q->id};
	const char *unfit = gt_document_unfit(&q->key);
	if (unfit)
		*answer = gt_rq_error(rq, -GT_EINVALID, unfit);
	return !unfit;
}

static void gather(struct gt_request *rq, struct ask *q)
{
	q->get = rq->method == GT_HTTP_GET;
	q->since_ms = INT64_MIN;
	gt_rq_args(rq, argument, q);
}

/* ------------------------------------------------------------- reading */

static void modified(struct MHD_Response *rs, int64_t ms)
{
	char date[GT_HTTP_DATE_CHARS];
	gt_http_date(date, ms);
	if (rs && ms > 0)
		gt_rs_header(rs, "Last-Modified", date);
}

/* Whoever put it said of what type it is: no browser is to act on that here,
 * among the node's own pages. */
static struct MHD_Response *as_it_came(struct gt_document_found *d)
{
	struct MHD_Response *rs =
	        gt_rs_text(*d->type ? d->type : "application/octet-stream",
	                   (char *)d->body, d->n);
	d->body = NULL;
	if (rs)
		gt_rs_header(rs, "Content-Security-Policy",
		             "sandbox; default-src 'none'");
	return rs;
}

static enum MHD_Result one(struct gt_request *rq, struct gt_worker *w,
                           const struct ask *q)
{
	struct gt_document_found d;
	int status = gt_read_document(w->reader, &q->key, &d);
	if (status != 0)
		return gt_rq_error(
		        rq, status,
		        status == -GT_EUNKNOWN ? "" : gt_reader_why(w->reader));
	const char *known = gt_rq_header(rq, "If-None-Match");
	bool same = known && gt_document_named(known, d.etag);
	struct MHD_Response *rs = same ? gt_rs_empty() : as_it_came(&d);
	if (rs)
		gt_rs_header(rs, "ETag", d.etag);
	modified(rs, d.updated_ms);
	gt_document_found_free(&d);
	return gt_rq_send(rq, same ? 304 : 200, rs);
}

static enum MHD_Result list(struct gt_request *rq, struct gt_worker *w,
                            const struct ask *q)
{
	int64_t newest;
	json_t *v =
	        gt_read_document_ids(w->reader, &q->key, q->since_ms, &newest);
	if (!v)
		return gt_rq_error(rq, -GT_ESTORE, gt_reader_why(w->reader));
	struct MHD_Response *rs = gt_rs_json(v);
	modified(rs, newest);
	return gt_rq_send(rq, 200, rs);
}

static enum MHD_Result give_out(struct gt_request *rq, const struct ask *q)
{
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	enum MHD_Result done = !w          ? gt_rq_error(rq, -GT_ESTORE, "")
	                       : q->key.id ? one(rq, w, q)
	                                   : list(rq, w, q);
	gt_worker_give(rq->http->workers, w);
	return done;
}

/* ------------------------------------------------------------- writing */

static enum MHD_Result edited(struct gt_request *rq)
{
	if (rq->status == -GT_ESTALE)
		return gt_rq_error_as(rq, 412, rq->status, rq->text);
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, rq->text);
	gt_xapi_through(rq);
	struct MHD_Response *rs = gt_rs_empty();
	if (rs && *rq->text)
		gt_rs_header(rs, "ETag", rq->text);
	return gt_rq_send(rq, 204, rs);
}

/* What xAPI 1.0.3 asks of profiles, 2.0.0 asks of states too, and only where
 * something is there. */
static enum gt_document_guard guard_of(const struct gt_request *rq,
                                       enum gt_document_kind kind)
{
	if (*rq->version == '2')
		return GT_GUARD_THERE;
	return kind == GT_DOCUMENT_STATE ? GT_GUARD_NONE : GT_GUARD_ALWAYS;
}

static enum MHD_Result change(struct gt_request *rq, const struct ask *q)
{
	const char *type = gt_rq_header(rq, "Content-Type");
	char share[GT_XAPI_SHARE];
	gt_xapi_share(rq, share);
	struct gt_document_edit d = {
	        .key = q->key,
	        .verb = rq->method == GT_HTTP_PUT    ? GT_DOCUMENT_PUT
	                : rq->method == GT_HTTP_POST ? GT_DOCUMENT_POST
	                                             : GT_DOCUMENT_DELETE,
	        .guard = guard_of(rq, q->kind),
	        .actor = q->agent ? q->agent : "",
	        .type = type && *type ? type : "application/octet-stream",
	        .if_match = gt_rq_header(rq, "If-Match"),
	        .if_no_match = gt_rq_header(rq, "If-None-Match")};
	if (d.verb != GT_DOCUMENT_DELETE)
		d.body = gt_bytes_of(rq->body, rq->nbody);
	struct gt_event e = {.type = GT_EV_DOCUMENT,
	                     .detail = *share ? share : NULL,
	                     .document = &d};
	return gt_rq_command(rq, &e, edited);
}

/* ------------------------------------------------ from the node above */

static enum MHD_Result answer_it(struct gt_request *rq,
                                 enum gt_document_kind kind, bool sought);

/* Whatever came of it: the answer is made of what is here now. */
static enum MHD_Result sought_state(struct gt_request *rq)
{
	return answer_it(rq, GT_DOCUMENT_STATE, true);
}

static enum MHD_Result sought_agent(struct gt_request *rq)
{
	return answer_it(rq, GT_DOCUMENT_AGENT, true);
}

static enum MHD_Result sought_activity(struct gt_request *rq)
{
	return answer_it(rq, GT_DOCUMENT_ACTIVITY, true);
}

/* Whether the core is to look above first, where a learner may have been: before
 * anything is read, and before what is not known here is written. */
static bool to_seek(struct gt_request *rq, const struct ask *q)
{
	struct gt_document_found d = {0};
	bool known = false;
	if (!*rq->http->env.config->parent)
		return false;
	if (q->get || !q->key.id)
		return q->get;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	if (w)
		known = gt_read_document(w->reader, &q->key, &d) == 0;
	gt_worker_give(rq->http->workers, w);
	gt_document_found_free(&d);
	return !known;
}

static enum MHD_Result seek(struct gt_request *rq, const struct ask *q)
{
	static gt_handler *const then[] = {[GT_DOCUMENT_STATE] = sought_state,
	                                   [GT_DOCUMENT_AGENT] = sought_agent,
	                                   [GT_DOCUMENT_ACTIVITY] =
	                                           sought_activity};
	struct gt_document_edit d = {.key = q->key, .actor = "", .type = ""};
	struct gt_event e = {.type = GT_EV_DOCUMENT_SEEK, .document = &d};
	return gt_rq_command(rq, &e, then[q->kind]);
}

static enum MHD_Result answer_it(struct gt_request *rq,
                                 enum gt_document_kind kind, bool sought)
{
	struct ask q = {.kind = kind};
	enum MHD_Result answer;
	gather(rq, &q);
	bool all = q.get ||
	           (rq->method == GT_HTTP_DELETE && kind == GT_DOCUMENT_STATE);
	if (understand(rq, &q, !all, &answer))
		answer = !sought && to_seek(rq, &q) ? seek(rq, &q)
		         : q.get                    ? give_out(rq, &q)
		                                    : change(rq, &q);
	gt_buffer_free(&q.canonical);
	return answer;
}

static enum MHD_Result serve(struct gt_request *rq, enum gt_document_kind kind)
{
	enum MHD_Result answer;
	return gt_xapi_begin(rq, &answer) ? answer_it(rq, kind, false) : answer;
}

enum MHD_Result gt_http_state(struct gt_request *rq)
{
	return serve(rq, GT_DOCUMENT_STATE);
}

enum MHD_Result gt_http_agent_profile(struct gt_request *rq)
{
	return serve(rq, GT_DOCUMENT_AGENT);
}

enum MHD_Result gt_http_activity_profile(struct gt_request *rq)
{
	return serve(rq, GT_DOCUMENT_ACTIVITY);
}

/* ----------------------------------------------- activities and agents */

/* Kind 0 takes both; each takes one. */
static const char *only(const struct ask *q, const char *name)
{
	bool activity = strcmp(name, "activityId") == 0;
	if (q->bad)
		return q->bad;
	if (activity ? q->agent != NULL : q->activity != NULL)
		return activity ? "agent" : "activityId";
	return (activity ? q->activity : q->agent) ? NULL : name;
}

static enum MHD_Result about(struct gt_request *rq, const char *name)
{
	struct ask q = {0};
	enum MHD_Result answer;
	if (!gt_xapi_begin(rq, &answer))
		return answer;
	gather(rq, &q);
	const char *no = only(&q, name);
	if (no || (q.activity && strlen(q.activity) > GT_DOCUMENT_NAME_MAX))
		return bad(rq, no ? no : name);
	if (q.agent && !canonical(rq, &q, &answer)) {
		gt_buffer_free(&q.canonical);
		return answer;
	}
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v = !w        ? NULL
	            : q.agent ? gt_read_person(w->reader, gt_bytes_str(q.agent),
	                                       gt_buffer_bytes(&q.canonical))
	                      : gt_read_activity(w->reader, q.activity);
	answer = v ? gt_rq_json(rq, 200, v)
	           : gt_rq_error(rq, -GT_ESTORE,
	                         w ? gt_reader_why(w->reader) : "");
	gt_worker_give(rq->http->workers, w);
	gt_buffer_free(&q.canonical);
	return answer;
}

enum MHD_Result gt_http_activities(struct gt_request *rq)
{
	return about(rq, "activityId");
}

enum MHD_Result gt_http_agents(struct gt_request *rq)
{
	return about(rq, "agent");
}
