/* http_statements.c: the statements resource: single statements, batches, and
 * the list by time.
 * Tests: u_http_api.c. */
#include "http_xapi_inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buffer.h"
#include "http_parse.h"
#include "iso8601.h"
#include "json.h"
#include "statement.h"
#include "stored.h"
#include "sys.h"

enum {
	PAGE_DEFAULT = 100,
	PAGE_MAX = 500,
	PAGE_BYTES = 4 << 20,
};

/* ---------------------------------------------------------- storing */

static enum MHD_Result stored(struct gt_request *rq)
{
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
                             const uint8_t (*put)[GT_UUID_BYTES])
{
	char why[512] = "", text[GT_UUID_TEXT];
	struct gt_bytes body =
	        gt_json_unmarked(gt_bytes_of(rq->body, rq->nbody));
	if (put)
		memcpy(b->ids[0], *put, GT_UUID_BYTES);
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
	if (put && memcmp(b->v[0].id, *put, GT_UUID_BYTES) != 0) {
		gt_uuid_format(text, b->v[0].id);
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_OTHER_ID,
		                  text);
	}
	if (n == 0)
		return gt_rq_text(rq, 200, "application/json", strdup("[]"), 2);
	enum MHD_Result refused;
	if (!gt_rq_spend(rq, GT_QUOTA_STATEMENTS, (uint64_t)n, &refused))
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
	return gt_rq_command(rq, &e, stored);
}

static enum MHD_Result take_in(struct gt_request *rq,
                               const uint8_t (*put)[GT_UUID_BYTES])
{
	const char *type = gt_rq_header(rq, "Content-Type");
	if (type && strncasecmp(type, "multipart/", 10) == 0)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_ATTACHMENTS);
	enum gt_typed typed = gt_http_typed(type, "application/json");
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

struct ask {
	const char *id, *voided, *bad;
	const char *more;
	uint64_t limit;
	struct gt_statements_query list;
	unsigned args;
};

static bool boolean(const char *value, bool *out)
{
	*out = strcmp(value, "true") == 0;
	return *out || strcmp(value, "false") == 0;
}

static enum MHD_Result argument(void *arg, enum MHD_ValueKind kind,
                                const char *key, const char *value)
{
	struct ask *q = arg;
	bool flag, fine = false;
	(void)kind;
	value = value ? value : "";
	q->args++;
	if (strcmp(key, "statementId") == 0) {
		q->id = value;
		fine = true;
	} else if (strcmp(key, "voidedStatementId") == 0) {
		q->voided = value;
		fine = true;
	} else if (strcmp(key, "limit") == 0) {
		fine = gt_http_number(value, UINT32_MAX, &q->limit);
	} else if (strcmp(key, "ascending") == 0) {
		fine = boolean(value, &q->list.ascending);
	} else if (strcmp(key, "since") == 0) {
		fine = gt_stored_parse(&q->list.since_ms, &q->list.since_mark,
		                       value);
	} else if (strcmp(key, "until") == 0) {
		fine = gt_stored_parse(&q->list.until_ms, &q->list.until_mark,
		                       value);
	} else if (strcmp(key, "more") == 0) {
		q->more = value;
		fine = true;
	} else if (strcmp(key, "format") == 0) {
		fine = strcmp(value, "exact") == 0;
		q->args--;
	} else if (strcmp(key, "attachments") == 0) {
		fine = boolean(value, &flag) && !flag;
		q->args--;
	} else if (strcmp(key, "lang") == 0) {
		fine = true;
		q->args--;
	}
	if (!fine && !q->bad)
		q->bad = key;
	return MHD_YES;
}

static enum MHD_Result one(struct gt_request *rq, struct gt_worker *w,
                           const struct ask *ask)
{
	uint8_t id[GT_UUID_BYTES];
	bool voided = false, want_voided = ask->voided != NULL;
	const char *text = want_voided ? ask->voided : ask->id;
	int64_t ms = 0;
	int status = 0;
	if (!gt_uuid_parse(id, text))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  want_voided ? "voidedStatementId"
		                              : "statementId");
	char *statement = gt_read_statement(w->reader, id, ask->list.authority,
	                                    &voided, &ms, &status);
	/* it is not to be had here, and asking again does not help */
	if (status == -GT_EDAMAGED)
		return gt_rq_fail(rq, 404, status, GT_T_HTTP_GAP, text,
		                  gt_reader_why(w->reader));
	if (!statement)
		return gt_rq_error(rq, status ? status : -GT_EUNKNOWN, "");
	if (voided != want_voided) {
		free(statement);
		return gt_rq_error(rq, -GT_EUNKNOWN, "");
	}
	char modified[GT_HTTP_DATE_CHARS];
	gt_http_date(modified, ms);
	struct MHD_Response *rs =
	        gt_rs_text("application/json", statement, strlen(statement));
	if (rs)
		gt_rs_header(rs, "Last-Modified", modified);
	return gt_rq_send(rq, 200, rs);
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

/* A time asked for, which holds for the pages to come too. */
static void put_time(struct gt_buffer *out, const char *key, int64_t ms,
                     unsigned mark)
{
	char text[GT_STORED_CHARS];
	if (ms == INT64_MIN || ms == INT64_MAX)
		return;
	gt_stored_format(text, ms, mark);
	gt_buffer_format(out, "&%s=%s", key, text);
}

/* Where to go on with the answer, and its end. */
static void put_more(struct gt_buffer *out, const struct gt_statements_query *q)
{
	char more[160] = "";
	if (q->low <= q->high)
		gt_format(more, sizeof more,
		          "/xapi/statements?more=%lld-%lld&limit=%llu"
		          "&ascending=%s",
		          (long long)q->low, (long long)q->high,
		          (unsigned long long)q->limit,
		          q->ascending ? "true" : "false");
	gt_buffer_str(out, ",\"more\":\"");
	gt_buffer_str(out, more);
	if (*more) {
		put_time(out, "since", q->since_ms, q->since_mark);
		put_time(out, "until", q->until_ms, q->until_mark);
	}
	gt_buffer_str(out, "\"}");
}

static enum MHD_Result list(struct gt_request *rq, struct gt_worker *w,
                            struct ask *ask)
{
	struct gt_statements_query *q = &ask->list;
	struct gt_buffer out = {0}, gaps = {0};
	if (ask->limit == 0)
		ask->limit = PAGE_DEFAULT;
	q->limit = ask->limit > PAGE_MAX ? PAGE_MAX : (size_t)ask->limit;
	if (ask->more && !resume(q, ask->more))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  "more");
	gt_buffer_str(&out, "{\"statements\":[");
	q->bytes = PAGE_BYTES - out.n;
	q->gaps = &gaps;
	int status = gt_read_statements(w->reader, q, &out);
	put_gaps(&out, &gaps);
	put_more(&out, q);
	size_t n;
	char *text = gt_buffer_text(&out, &n);
	if (status != 0 || !text) {
		free(text);
		return status ? gt_rq_error(rq, status,
		                            gt_reader_why(w->reader))
		              : gt_rq_error(rq, -GT_ENOMEM, "");
	}
	return gt_rq_text(rq, 200, "application/json", text, n);
}

static enum MHD_Result give_out(struct gt_request *rq, struct ask *q)
{
	if (q->bad)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  q->bad);
	if ((q->id || q->voided) && q->args != 1)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_ID_ALONE);
	char *own = rq->who & GT_HTTP_READ ? NULL : gt_xapi_authority(rq);
	if (!own && !(rq->who & GT_HTTP_READ))
		return gt_rq_error(rq, -GT_ENOMEM, "");
	q->list.authority = own;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	enum MHD_Result done = !w ? gt_rq_error(rq, -GT_ESTORE, "")
	                       : q->id || q->voided ? one(rq, w, q)
	                                            : list(rq, w, q);
	gt_worker_give(rq->http->workers, w);
	free(own);
	return done;
}

enum MHD_Result gt_http_statements(struct gt_request *rq)
{
	struct ask q = {.list = {.since_ms = INT64_MIN, .until_ms = INT64_MAX}};
	uint8_t id[1][GT_UUID_BYTES];
	enum MHD_Result done;
	if (!gt_xapi_begin(rq, &done))
		return done;
	MHD_get_connection_values(rq->connection, MHD_GET_ARGUMENT_KIND,
	                          argument, &q);
	if (rq->method == GT_HTTP_GET)
		return give_out(rq, &q);
	if (rq->method == GT_HTTP_POST) {
		if (q.args > 0 || q.bad)
			return gt_rq_fail(rq, 400, -GT_EINVALID,
			                  GT_T_HTTP_POST_ARGS);
		return take_in(rq, NULL);
	}
	if (!q.id || q.args != 1 || q.bad || !gt_uuid_parse(id[0], q.id))
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  "statementId");
	return take_in(rq, (const uint8_t(*)[GT_UUID_BYTES])id);
}
