/* http_statements.c: the statements resource: single statements, batches, and
 * the list by time.
 * Tests: u_http_api.c. */
#include "http_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "http_out.h"
#include "http_parse.h"
#include "iso8601.h"
#include "json.h"
#include "statement.h"
#include "sys.h"
#include "tell.h"

enum {
	PAGE_DEFAULT = 100,
	PAGE_MAX = 500,
	PAGE_BYTES = 4 << 20,
};

/* ---------------------------------------------------------- storing */

static enum MHD_Result stored(struct gt_request *rq)
{
	gt_xapi_parts_taken(rq, rq->status);
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, rq->text);
	gt_xapi_through(rq); /* what it handed in is to be seen */
	if (rq->method == GT_HTTP_PUT)
		return gt_rq_send(rq, 204, gt_rs_empty());
	char *text = rq->text;
	rq->text = NULL;
	return gt_rq_text(rq, 200, "application/json", text,
	                  text ? strlen(text) : 0);
}

static void make_ids(uint8_t (*ids)[GT_UUID_BYTES], size_t n)
{
	gt_sys_random(ids, n * sizeof *ids);
	for (size_t i = 0; i < n; i++) {
		ids[i][6] = (uint8_t)((ids[i][6] & 0x0f) | 0x40);
		ids[i][8] = (uint8_t)((ids[i][8] & 0x3f) | 0x80);
	}
}

/* The version in the header judges, not the one in a body. */
static enum gt_xapi_version judge(const struct gt_request *rq)
{
	return *rq->version == '1' ? GT_XAPI_1 : GT_XAPI_2;
}

struct batch {
	uint8_t ids[GT_STATEMENTS_BATCH][GT_UUID_BYTES];
	struct gt_statement v[GT_STATEMENTS_BATCH];
	char *authority;
};

static enum MHD_Result store(struct gt_request *rq, struct batch *b,
                             const uint8_t *put)
{
	char why[512] = "", text[GT_UUID_TEXT];
	struct gt_bytes body =
	        gt_json_unmarked(gt_bytes_of(rq->body, rq->nbody));
	if (put)
		memcpy(b->ids[0], put, GT_UUID_BYTES);
	else
		make_ids(b->ids, GT_STATEMENTS_BATCH);
	const uint8_t(*ids)[GT_UUID_BYTES] =
	        (const uint8_t(*)[GT_UUID_BYTES])b->ids;
	size_t cap = put ? 1 : GT_STATEMENTS_BATCH;
	int n = gt_statements_parse(body, judge(rq), ids, cap, b->v, cap, why,
	                            sizeof why);
	if (n < 0)
		return gt_rq_error(rq, n, why);
	if (put && n != 1)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_ONE);
	if (put && memcmp(b->v[0].id, put, GT_UUID_BYTES) != 0) {
		gt_uuid_format(text, b->v[0].id);
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_OTHER_ID,
		                  text);
	}
	enum MHD_Result refused;
	if (gt_xapi_parts_match(rq, b->v, (size_t)n, &refused) != 0)
		return refused;
	if (n == 0)
		return gt_rq_text(rq, 200, "application/json", strdup("[]"), 2);
	if (!gt_xapi_within_statements(rq, b->v, (size_t)n, &refused) ||
	    !gt_rq_spend(rq, GT_QUOTA_STATEMENTS, (uint64_t)n, &refused))
		return refused;
	b->authority = gt_xapi_authority(rq);
	if (!b->authority)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	for (int i = 0; i < n; i++) {
		b->v[i].authority = b->authority;
		b->v[i].flags |= gt_xapi_known(rq);
	}
	char share[GT_XAPI_SHARE];
	gt_xapi_share(rq, share);
	struct gt_event e = {.type = GT_EV_STATEMENTS,
	                     .detail = *share ? share : NULL,
	                     .statements = b->v,
	                     .count = (size_t)n};
	if (gt_xapi_parts_keep(rq, &e, &refused) != 0)
		return refused;
	return gt_rq_command(rq, &e, stored);
}

static enum MHD_Result take_in(struct gt_request *rq, const uint8_t *put)
{
	const char *type = gt_rq_header(rq, "Content-Type");
	enum MHD_Result answer;
	if (gt_xapi_parts_check(rq, &answer) != 0)
		return answer;
	enum gt_typed typed = rq->parts
	                              ? GT_TYPED_RIGHT
	                              : gt_http_typed(type, "application/json");
	if (typed == GT_TYPED_CHARSET)
		return gt_rq_fail(rq, 415, -GT_EINVALID, GT_T_HTTP_CHARSET);
	if (typed != GT_TYPED_RIGHT)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_NOT_JSON);
	struct batch *b = calloc(1, sizeof *b);
	if (!b)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	/* the core's queue copies: nothing here outlives the call */
	enum MHD_Result done = store(rq, b, put);
	free(b->authority);
	free(b);
	return done;
}

/* ----------------------------------------------------------- asking */

/* What is asked for, and the headers that go with it. */
static enum MHD_Result give_one(struct gt_request *rq, struct gt_worker *w,
                                const struct gt_query_args *q, char *statement,
                                int64_t stored_ms)
{
	char modified[GT_HTTP_DATE_CHARS], etag[GT_XAPI_ETAG];
	size_t n = strlen(statement);
	gt_http_date(modified, stored_ms);
	if (q->attachments)
		return gt_xapi_parts_send(rq, w, statement, n, modified);
	gt_xapi_etag(etag, statement, n);
	bool same = gt_xapi_unchanged(rq, etag);
	if (same)
		free(statement);
	struct MHD_Response *rs =
	        same ? gt_rs_empty()
	             : gt_rs_text("application/json", statement, n);
	if (rs) {
		gt_rs_header(rs, "ETag", etag);
		gt_rs_header(rs, "Last-Modified", modified);
	}
	return gt_rq_send(rq, same ? 304 : 200, rs);
}

static enum MHD_Result one(struct gt_request *rq, struct gt_worker *w,
                           const struct gt_query_args *q, const char *own)
{
	bool voided = false, want_voided = gt_query_has(q, GT_ARG_VOIDED_ID);
	int64_t ms = 0;
	int status = 0;
	char *statement =
	        gt_read_statement(w->reader, q->id, own, &voided, &ms, &status);
	/* it is not to be had here, and asking again does not help */
	if (status == -GT_EDAMAGED)
		return gt_rq_fail(rq, 404, status, GT_T_HTTP_GAP,
		                  q->text[want_voided ? GT_ARG_VOIDED_ID
		                                      : GT_ARG_STATEMENT_ID],
		                  gt_reader_why(w->reader));
	if (!statement)
		return gt_rq_error(rq, status ? status : -GT_EUNKNOWN, "");
	if (voided != want_voided) {
		free(statement);
		return gt_rq_error(rq, -GT_EUNKNOWN, "");
	}
	if (q->telling == GT_TELL_EXACT)
		return give_one(rq, w, q, statement, ms);
	char *told = gt_tell(gt_bytes_str(statement), q->telling,
	                     gt_rq_header(rq, "Accept-Language"));
	free(statement);
	return told ? give_one(rq, w, q, told, ms)
	            : gt_rq_error(rq, -GT_ENOMEM, "");
}

/* "LOW-HIGH", as this node wrote it into `more`. */
static bool resume(struct gt_statements_query *q, const char *more)
{
	char text[64];
	uint64_t low, high;
	if (!gt_copy(text, sizeof text, more))
		return false;
	char *dash = strchr(text, '-');
	if (!dash)
		return false;
	*dash = '\0';
	if (!gt_http_number(text, INT64_MAX - 1, &low) ||
	    !gt_http_number(dash + 1, INT64_MAX - 1, &high) || low == 0)
		return false;
	q->low = (int64_t)low;
	q->high = (int64_t)high;
	q->timed = true;
	return true;
}

/* What cannot be given out, where there is any: an xAPI client that knows no
 * such member passes it over, and finds the records it can have. */
static void put_gaps(struct gt_buffer *out, struct gt_buffer *gaps)
{
	gt_buffer_str(out, "]");
	if (gaps->n) {
		gt_buffer_str(out, ",\"gaps\":[");
		gt_buffer_add(out, gaps->p, gaps->n);
		gt_buffer_str(out, "]");
	}
	out->failed = out->failed || gaps->failed;
	gt_buffer_free(gaps);
}

/* Where to go on with the answer: all that was asked, and behind which place. */
static void put_more(struct gt_buffer *out, const struct gt_statements_query *l,
                     const struct gt_query_args *q)
{
	gt_buffer_str(out, ",\"more\":\"");
	if (l->low <= l->high)
		gt_buffer_format(out,
		                 "/xapi/statements?more=%lld-%lld&limit=%llu"
		                 "&ascending=%s",
		                 (long long)l->low, (long long)l->high,
		                 (unsigned long long)l->limit,
		                 l->ascending ? "true" : "false");
	for (unsigned i = 0; i < GT_ARGS && l->low <= l->high; i++) {
		if (!q->text[i] || i == GT_ARG_MORE || i == GT_ARG_LIMIT ||
		    i == GT_ARG_ASCENDING || i == GT_ARG_LANG)
			continue;
		gt_buffer_format(out, "&%s=", gt_query_name(i));
		gt_out_url(out, q->text[i]);
	}
	gt_buffer_str(out, "\"}");
}

static enum MHD_Result list(struct gt_request *rq, struct gt_worker *w,
                            const struct gt_query_args *q, const char *own)
{
	struct gt_buffer out = {0}, gaps = {0};
	uint64_t limit = q->limit ? q->limit : PAGE_DEFAULT;
	struct gt_statements_query l = {
	        .since_ms = q->since_ms,
	        .since_mark = q->since_mark,
	        .until_ms = q->until_ms,
	        .until_mark = q->until_mark,
	        .authority = own,
	        .filter = gt_filter_any(&q->filter) ? &q->filter : NULL,
	        .how = q->telling,
	        .languages = gt_rq_header(rq, "Accept-Language"),
	        .ascending = q->ascending,
	        .limit = limit > PAGE_MAX ? PAGE_MAX : (size_t)limit,
	        .gaps = &gaps};
	const char *more = q->text[GT_ARG_MORE];
	if (more && !resume(&l, more))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_ARG_VALUE,
		                  "more");
	gt_buffer_str(&out, "{\"statements\":[");
	l.bytes = PAGE_BYTES - out.n;
	int status = gt_read_statements(w->reader, &l, &out);
	put_gaps(&out, &gaps);
	put_more(&out, &l, q);
	size_t n;
	char *text = gt_buffer_text(&out, &n);
	if (status != 0 || !text) {
		free(text);
		return status ? gt_rq_error(rq, status,
		                            gt_reader_why(w->reader))
		              : gt_rq_error(rq, -GT_ENOMEM, "");
	}
	return q->attachments
	               ? gt_xapi_parts_send(rq, w, text, n, NULL)
	               : gt_rq_text(rq, 200, "application/json", text, n);
}

static enum MHD_Result give_out(struct gt_request *rq,
                                const struct gt_query_args *q)
{
	char *own = rq->who & GT_HTTP_READ ? NULL : gt_xapi_authority(rq);
	if (!own && !(rq->who & GT_HTTP_READ))
		return gt_rq_error(rq, -GT_ENOMEM, "");
	bool single = gt_query_has(q, GT_ARG_STATEMENT_ID) ||
	              gt_query_has(q, GT_ARG_VOIDED_ID);
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	enum MHD_Result done = !w       ? gt_rq_error(rq, -GT_ESTORE, "")
	                       : single ? one(rq, w, q, own)
	                                : list(rq, w, q, own);
	gt_worker_give(rq->http->workers, w);
	free(own);
	return done;
}

enum MHD_Result gt_http_statements(struct gt_request *rq)
{
	enum gt_query_kind kind =
	        rq->method == GT_HTTP_GET   ? GT_QUERY_STATEMENTS
	        : rq->method == GT_HTTP_PUT ? GT_QUERY_STATEMENT_PUT
	                                    : GT_QUERY_STATEMENTS_POST;
	struct gt_query_args q;
	enum MHD_Result done;
	if (!gt_xapi_begin(rq, &done) || !gt_xapi_query(rq, kind, &q, &done))
		return done;
	if (kind == GT_QUERY_STATEMENTS)
		done = give_out(rq, &q);
	else
		done = take_in(rq,
		               kind == GT_QUERY_STATEMENT_PUT ? q.id : NULL);
	gt_query_free(&q);
	return done;
}
