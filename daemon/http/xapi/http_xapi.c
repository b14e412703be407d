/* http_xapi.c: the statements resource, as far as terminals and relays need
 * it: single statements, batches, and the list by time. */
#include "http_xapi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "access.h"
#include "buffer.h"
#include "http_origin.h"
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

/* ---------------------------------------------------------- headers */

void gt_http_xapi_headers(struct gt_request *rq, struct MHD_Response *rs)
{
	gt_rs_header(rs, "X-Experience-API-Version",
	             rq->version ? rq->version : "2.0.0");
	/* Where a terminal has to name itself, a page from elsewhere can do no
	 * harm by asking; where it has not, it could: there courses of this
	 * node alone may. */
	if (gt_access_anonymous(rq->http->access)) {
		gt_rs_header(rs, "Vary", "Origin");
		if (!gt_http_from_origin(rq, GT_DOOR_CONTENT))
			return;
		gt_rs_header(rs, "Access-Control-Allow-Origin",
		             gt_rq_header(rq, "Origin"));
	} else {
		gt_rs_header(rs, "Access-Control-Allow-Origin", "*");
	}
	gt_rs_header(rs, "Access-Control-Expose-Headers",
	             "X-Experience-API-Version, "
	             "X-Experience-API-Consistent-Through, Last-Modified, "
	             "ETag");
}

static enum MHD_Result preflight(struct gt_request *rq)
{
	struct MHD_Response *rs = gt_rs_text("text/plain", strdup(""), 0);
	if (rs) {
		gt_rs_header(rs, "Allow", "GET, HEAD, POST, PUT, OPTIONS");
		gt_rs_header(rs, "Access-Control-Allow-Methods",
		             "GET, HEAD, POST, PUT");
		gt_rs_header(rs, "Access-Control-Allow-Headers",
		             "Authorization, Content-Type, "
		             "X-Experience-API-Version");
	}
	return gt_rq_send(rq, 204, rs);
}

static const char *version_of(const char *header)
{
	static const char *const families[] = {"1.0", "2.0"};
	static const char *const ours[] = {"1.0.3", "2.0.0"};
	for (size_t i = 0; header && i < 2; i++) {
		if (strncmp(header, families[i], 3) != 0)
			continue;
		const char *p = header + 3;
		if (*p == '\0' || (*p == '.' && p[1] != '\0' &&
		                   p[1 + strspn(p + 1, "0123456789")] == '\0'))
			return ours[i];
	}
	return NULL;
}

enum MHD_Result gt_http_about(struct gt_request *rq)
{
	if (rq->method == GT_HTTP_OPTIONS)
		return preflight(rq);
	return gt_rq_json(rq, 200,
	                  json_pack("{s:[s,s]}", "version", "2.0.0", "1.0.3"));
}

/* Everything stored up to the moment it names is visible to who looks from now
 * on, and everything else will bear a later one: taken before the database is
 * read. */
static void through(struct gt_request *rq, char out[GT_STORED_CHARS])
{
	int64_t ms = 0, era = 0;
	(void)gt_core_consistent(rq->http->env.core, &ms, &era);
	gt_stored_format(out, ms, era);
}

static void consistent(struct MHD_Response *rs, const char *moment)
{
	if (rs)
		gt_rs_header(rs, "X-Experience-API-Consistent-Through", moment);
}

static enum MHD_Result send_text(struct gt_request *rq, unsigned status,
                                 char *text, size_t n)
{
	char moment[GT_STORED_CHARS];
	struct MHD_Response *rs = gt_rs_text("application/json", text, n);
	through(rq, moment);
	consistent(rs, moment);
	return gt_rq_send(rq, status, rs);
}

/* ---------------------------------------------------------- storing */

static enum MHD_Result stored(struct gt_request *rq)
{
	if (rq->status != 0)
		return gt_rq_error(rq, rq->status, rq->text);
	if (rq->method == GT_HTTP_PUT) {
		char *none = strdup("");
		return send_text(rq, 204, none, 0);
	}
	char *text = rq->text;
	rq->text = NULL;
	return send_text(rq, 200, text, text ? strlen(text) : 0);
}

/* How far the caller is known: his part of a statement's flags. */
static uint32_t known(const struct gt_request *rq)
{
	if (rq->who & GT_HTTP_OPERATE)
		return GT_STATEMENT_NAMED | GT_STATEMENT_OPERATOR;
	return rq->who & GT_HTTP_OWN ? GT_STATEMENT_NAMED : 0;
}

/* The agent this node answers for: a name at this node, which no credential of
 * a terminal can have if it is an operator's. */
static char *authority_of(struct gt_request *rq)
{
	char home[GT_CODE_MAX + 32], name[sizeof rq->actor + 16];
	const struct gt_config *c = rq->http->env.config;
	gt_format(home, sizeof home, "urn:guantong:%s", c->code);
	const char *colon = strchr(rq->actor, ':');
	gt_format(name, sizeof name, "%s%s",
	          rq->who & GT_HTTP_OPERATE ? "operator:" : "",
	          colon ? colon + 1 : rq->actor);
	json_t *v = json_pack("{s:s,s:{s:s,s:s}}", "objectType", "Agent",
	                      "account", "homePage", home, "name", name);
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
	json_decref(v);
	return text;
}

static void make_ids(uint8_t (*ids)[GT_UUID_BYTES], size_t n)
{
	gt_sys_random(ids, n * sizeof *ids);
	for (size_t i = 0; i < n; i++) {
		ids[i][6] = (uint8_t)((ids[i][6] & 0x0f) | 0x40);
		ids[i][8] = (uint8_t)((ids[i][8] & 0x3f) | 0x80);
	}
}

/* Whose share of what may be handed in it is: the name's, or else the address's
 * (of IPv6 the network's, for a terminal has as many as it likes). "": an
 * operator's, who has none. */
static void share_of(const struct gt_request *rq, char *out, size_t cap)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	        rq->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *from = info ? info->client_addr : NULL;
	gt_copy(out, cap, "");
	if (rq->door == GT_DOOR_CONTROL)
		return;
	gt_copy(out, cap, rq->actor);
	if (known(rq) || !from)
		return;
	if (from->sa_family == AF_INET)
		(void)inet_ntop(
		        AF_INET,
		        &((const struct sockaddr_in *)(const void *)from)
		                 ->sin_addr,
		        out, (socklen_t)cap);
	if (from->sa_family == AF_INET6) {
		struct in6_addr a =
		        ((const struct sockaddr_in6 *)(const void *)from)
		                ->sin6_addr;
		memset(a.s6_addr + 8, 0, 8);
		(void)inet_ntop(AF_INET6, &a, out, (socklen_t)cap);
	}
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
	int n = gt_statements_parse(body, ids, cap, b->v, cap, why, sizeof why);
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
		return send_text(rq, 200, strdup("[]"), 2);
	b->authority = authority_of(rq);
	if (!b->authority)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	for (int i = 0; i < n; i++) {
		b->v[i].authority = b->authority;
		b->v[i].flags |= known(rq);
	}
	char share[96];
	share_of(rq, share, sizeof share);
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
                           const struct ask *ask, const char *moment)
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
	consistent(rs, moment);
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
                            struct ask *ask, const char *moment)
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
	struct MHD_Response *rs = gt_rs_text("application/json", text, n);
	consistent(rs, moment);
	return gt_rq_send(rq, 200, rs);
}

static enum MHD_Result give_out(struct gt_request *rq, struct ask *q)
{
	if (q->bad)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_BAD_ARG,
		                  q->bad);
	if ((q->id || q->voided) && q->args != 1)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_ID_ALONE);
	char *own = rq->who & GT_HTTP_READ ? NULL : authority_of(rq);
	if (!own && !(rq->who & GT_HTTP_READ))
		return gt_rq_error(rq, -GT_ENOMEM, "");
	char moment[GT_STORED_CHARS];
	through(rq, moment);
	q->list.authority = own;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	enum MHD_Result done = !w ? gt_rq_error(rq, -GT_ESTORE, "")
	                       : q->id || q->voided ? one(rq, w, q, moment)
	                                            : list(rq, w, q, moment);
	gt_worker_give(rq->http->workers, w);
	free(own);
	return done;
}

enum MHD_Result gt_http_statements(struct gt_request *rq)
{
	struct ask q = {.list = {.since_ms = INT64_MIN, .until_ms = INT64_MAX}};
	uint8_t id[1][GT_UUID_BYTES];
	if (rq->method == GT_HTTP_OPTIONS)
		return preflight(rq);
	rq->version = version_of(gt_rq_header(rq, "X-Experience-API-Version"));
	if (!rq->version)
		return gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_VERSION);
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
