/* http_xapi.c: what all resources under /xapi/ share: headers, the version, what
 * a browser may ask for, and who hands in or reads. */
#include "http_xapi_inside.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http_parse.h"
#include "stored.h"
#include "translate.h"

/* ---------------------------------------------------------- headers */

void gt_xapi_through(struct gt_request *rq)
{
	rq->through.taken = true;
	rq->through.ms = rq->through.era = 0;
	(void)gt_core_consistent(rq->http->env.core, &rq->through.ms,
	                         &rq->through.era);
}

/* Any page may ask and read what it is told: who shows a credential is its
 * holder, and who shows none from elsewhere is nobody (door/http_who.c). */
static void cross_origin(struct MHD_Response *rs)
{
	gt_rs_header(rs, "Access-Control-Allow-Origin", "*");
	gt_rs_header(rs, "Access-Control-Expose-Headers",
	             "X-Experience-API-Version, "
	             "X-Experience-API-Consistent-Through, ETag, "
	             "Last-Modified, Location, Content-Length, Retry-After, "
	             "WWW-Authenticate");
}

/* Who names no version is told so in the one that he, his name or his address,
 * named last; '2' where that is not known, or another's. */
static struct speaker {
	atomic_uchar spoken;
} speakers[1024];

static struct speaker *speaker_of(const struct gt_request *rq)
{
	char share[GT_XAPI_SHARE];
	struct gt_id sum;
	gt_xapi_share(rq, share);
	gt_sha256_one(&sum, share, strlen(share));
	return &speakers[(sum.b[0] << 8 | sum.b[1]) % 1024];
}

static const char *version_told(const struct gt_request *rq)
{
	if (rq->version)
		return rq->version;
	return atomic_load(&speaker_of(rq)->spoken) == '1' ? "1.0.3" : "2.0.0";
}

void gt_http_xapi_headers(struct gt_request *rq, struct MHD_Response *rs)
{
	char moment[GT_STORED_CHARS];
	if (!rq->through.taken)
		gt_xapi_through(rq);
	gt_stored_format(moment, rq->through.ms, rq->through.era);
	gt_rs_header(rs, "X-Experience-API-Consistent-Through", moment);
	gt_rs_header(rs, "X-Experience-API-Version", version_told(rq));
	cross_origin(rs);
}

/* A browser asks whether it may ask. What it wants to send is granted, whatever
 * names a course's library has for it: nobody here looks at others than these. */
static enum MHD_Result preflight(struct gt_request *rq)
{
	char methods[GT_HTTP_METHODS_TEXT];
	const char *names = gt_rq_header(rq, "Access-Control-Request-Headers");
	struct MHD_Response *rs = gt_rs_empty();
	gt_http_methods_text(methods, rq->methods);
	if (rs) {
		gt_rs_header(rs, "Allow", methods);
		gt_rs_header(rs, "Access-Control-Allow-Methods", methods);
		gt_rs_header(rs, "Access-Control-Allow-Headers",
		             names && gt_http_names(names)
		                     ? names
		                     : "Authorization, Content-Type, "
		                       "X-Experience-API-Version, If-Match, "
		                       "If-None-Match, Accept-Language, "
		                       "Content-Encoding");
		gt_rs_header(rs, "Access-Control-Max-Age", "7200");
		gt_rs_header(rs, "Vary", "Access-Control-Request-Headers");
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

bool gt_xapi_begin(struct gt_request *rq, enum MHD_Result *answer)
{
	if (rq->method == GT_HTTP_OPTIONS) {
		*answer = preflight(rq);
		return false;
	}
	rq->version = version_of(gt_rq_header(rq, "X-Experience-API-Version"));
	gt_xapi_through(rq);
	if (rq->version)
		atomic_store(&speaker_of(rq)->spoken,
		             (unsigned char)*rq->version);
	if (!rq->version)
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_VERSION);
	else if (rq->fold && *rq->version != '1')
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_FOLDED);
	else
		return gt_xapi_within(rq, answer);
	return false;
}

enum MHD_Result gt_http_about(struct gt_request *rq)
{
	if (rq->method == GT_HTTP_OPTIONS)
		return preflight(rq);
	return gt_rq_json(rq, 200,
	                  json_pack("{s:[s,s]}", "version", "2.0.0", "1.0.3"));
}

/* ------------------------------------------------------- arguments */

struct taking {
	struct gt_query_args *q;
	struct gt_query_flaw flaw;
	bool fine;
};

static enum MHD_Result argument(void *arg, enum MHD_ValueKind kind,
                                const char *name, const char *value)
{
	struct taking *t = arg;
	(void)kind;
	t->fine = gt_query_take(t->q, name, value ? value : "", &t->flaw);
	return t->fine ? MHD_YES : MHD_NO;
}

static enum MHD_Result refuse(struct gt_request *rq,
                              const struct gt_query_flaw *f)
{
	static const enum gt_text texts[] = {
	        [GT_WRONG_UNKNOWN] = GT_T_HTTP_ARG_UNKNOWN,
	        [GT_WRONG_CASE] = GT_T_HTTP_ARG_CASE,
	        [GT_WRONG_TWICE] = GT_T_HTTP_ARG_TWICE,
	        [GT_WRONG_VALUE] = GT_T_HTTP_ARG_VALUE,
	        [GT_WRONG_MISSING] = GT_T_HTTP_ARG_MISSING,
	        [GT_WRONG_TOGETHER] = GT_T_HTTP_ARG_TOGETHER};
	char what[GT_TRANSLATE_MAX];
	if (f->wrong == GT_WRONG_VALUE && *f->what)
		return gt_rq_fail(rq, 400, -GT_EINVALID,
		                  GT_T_HTTP_ARG_VALUE_WHY, f->name,
		                  gt_translate(what, rq->lang, f->what));
	return gt_rq_fail(rq, 400, -GT_EINVALID, texts[f->wrong], f->name,
	                  f->other);
}

bool gt_xapi_query(struct gt_request *rq, enum gt_query_kind kind,
                   struct gt_query_args *q, enum MHD_Result *answer)
{
	struct taking t = {.q = q, .fine = true};
	gt_query_begin(q, kind);
	gt_rq_args(rq, argument, &t);
	t.fine = t.fine && gt_query_end(q, &t.flaw);
	if (t.fine)
		return true;
	*answer = refuse(rq, &t.flaw);
	gt_query_free(q);
	return false;
}

void gt_xapi_etag(char out[GT_XAPI_ETAG], const void *p, size_t n)
{
	uint8_t sum[20];
	char hex[2 * sizeof sum + 1];
	int ok = EVP_Digest(p, n, sum, NULL, EVP_sha1(), NULL);
	assert(ok == 1);
	gt_hex(hex, sum, sizeof sum);
	gt_format(out, GT_XAPI_ETAG, "\"%s\"", hex);
}

bool gt_xapi_unchanged(struct gt_request *rq, const char *etag)
{
	const char *header = gt_rq_header(rq, "If-None-Match");
	return header && gt_http_etag_listed(header, etag);
}

/* -------------------------------------------------------------- who */

uint32_t gt_xapi_known(const struct gt_request *rq)
{
	if (rq->who & GT_HTTP_OPERATE)
		return GT_STATEMENT_NAMED | GT_STATEMENT_OPERATOR;
	return rq->named ? GT_STATEMENT_NAMED : 0;
}

char *gt_xapi_authority(struct gt_request *rq)
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

void gt_xapi_share(const struct gt_request *rq, char out[GT_XAPI_SHARE])
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	        rq->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *from = info ? info->client_addr : NULL;
	gt_copy(out, GT_XAPI_SHARE, "");
	if (rq->door == GT_DOOR_CONTROL)
		return;
	gt_copy(out, GT_XAPI_SHARE, rq->actor);
	if (gt_xapi_known(rq) || !from)
		return;
	if (from->sa_family == AF_INET)
		(void)inet_ntop(
		        AF_INET,
		        &((const struct sockaddr_in *)(const void *)from)
		                 ->sin_addr,
		        out, GT_XAPI_SHARE);
	if (from->sa_family == AF_INET6) {
		struct in6_addr a =
		        ((const struct sockaddr_in6 *)(const void *)from)
		                ->sin6_addr;
		memset(a.s6_addr + 8, 0, 8);
		(void)inet_ntop(AF_INET6, &a, out, GT_XAPI_SHARE);
	}
}
