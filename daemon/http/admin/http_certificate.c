/* http_certificate.c: certificates of completion: issued and revoked by
 * operators, checked by staff, given out to whoever has their ids.
 * Tests: e2e/test_certificates.py. */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "http_admin.h"
#include "http_parse.h"
#include "http_worker.h"
#include "json.h"
#include "read.h"
#include "statement.h"

/* The body; NULL: answered why not. */
static json_t *take(struct gt_request *rq, enum MHD_Result *answer)
{
	json_error_t error;
	struct gt_bytes text =
	        gt_json_unmarked(gt_bytes_of(rq->body, rq->nbody));
	json_t *v = gt_json_load(text, GT_JSON_STRICT, &error);
	if (!v)
		*answer = *error.text ? gt_rq_fail(rq, 400, -GT_EINVALID,
		                                   GT_T_HTTP_NOT_JSON)
		                      : gt_rq_error(rq, -GT_ENOMEM, "");
	return v;
}

/* ------------------------------------------------------------- orders */

/* A statement that was voided tells of nothing any more. */
static int look(struct gt_request *rq, const uint8_t id[GT_UUID_BYTES],
                bool *voided, char *name, size_t cap)
{
	int64_t stored_ms;
	int status = -GT_ESTORE;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	if (w) {
		free(gt_read_statement(w->reader, id, NULL, voided, &stored_ms,
		                       &status));
		if (!gt_read_own_name(w->reader, name, cap))
			status = -GT_ESTORE;
	}
	gt_worker_give(rq->http->workers, w);
	return status;
}

enum MHD_Result gt_http_certify(struct gt_request *rq)
{
	enum MHD_Result done;
	uint8_t id[GT_UUID_BYTES];
	char name[256] = "";
	bool voided = false;
	json_t *v = take(rq, &done);
	if (!v)
		return done;
	int status = gt_uuid_parse(id, gt_json_member(v, "statement"))
	                     ? look(rq, id, &voided, name, sizeof name)
	                     : -GT_EINVALID;
	if (status == -GT_EINVALID)
		done = gt_rq_fail(rq, 400, status, GT_T_HTTP_KEY_ID,
		                  "statement");
	else if (status == -GT_EUNKNOWN)
		done = gt_rq_fail(rq, 404, status, GT_T_HTTP_NO_STATEMENT);
	else if (status != 0)
		done = gt_rq_error(rq, status, "");
	else if (voided)
		done = gt_rq_fail(rq, 409, -GT_ESTATE,
		                  GT_T_HTTP_STATEMENT_VOIDED);
	else
		done = gt_rq_command(
		        rq,
		        &(struct gt_event){.type = GT_EV_CERTIFY,
		                           .body = gt_bytes_of(id, sizeof id),
		                           .text = gt_json_member(v, "name"),
		                           .detail = name},
		        gt_http_replied);
	json_decref(v);
	return done;
}

enum MHD_Result gt_http_revoke(struct gt_request *rq)
{
	enum MHD_Result done;
	json_t *v = take(rq, &done);
	if (!v)
		return done;
	struct gt_event e = {.type = GT_EV_REVOKE,
	                     .text = gt_json_member(v, "id"),
	                     .detail = gt_json_member(v, "why")};
	done = gt_rq_command(rq, &e, gt_http_replied);
	json_decref(v);
	return done;
}

/* ------------------------------------------------------------ reading */

enum MHD_Result gt_http_certificates(struct gt_request *rq)
{
	uint64_t after = 0;
	const char *from = gt_rq_arg(rq, "after");
	if (from && !gt_http_number(from, INT64_MAX, &after))
		return gt_http_bad_arg(rq, "after");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *v =
	        w ? gt_read_certificates(w->reader, (int64_t)after, 500) : NULL;
	gt_worker_give(rq->http->workers, w);
	return gt_rq_json(rq, 200, v);
}

enum MHD_Result gt_http_verify(struct gt_request *rq)
{
	enum MHD_Result done;
	json_t *v = take(rq, &done);
	if (!v)
		return done;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	json_t *is =
	        w ? gt_read_verify(w->reader, json_object_get(v, "document"),
	                           json_object_get(v, "list"))
	          : NULL;
	gt_worker_give(rq->http->workers, w);
	json_decref(v);
	return gt_rq_json(rq, 200, is);
}

static enum MHD_Result give(struct gt_request *rq, char *text, int status)
{
	if (status == -GT_EUNKNOWN)
		return gt_rq_fail(rq, 404, status, GT_T_HTTP_NO_CERTIFICATE);
	if (!text)
		return gt_rq_error(rq, status, "");
	return gt_rq_text(rq, 200, "application/vc+ld+json", text,
	                  strlen(text));
}

enum MHD_Result gt_http_certificate(struct gt_request *rq)
{
	int status = -GT_ESTORE;
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	char *text =
	        w ? gt_read_certificate(w->reader, rq->rest, &status) : NULL;
	gt_worker_give(rq->http->workers, w);
	return give(rq, text, status);
}

enum MHD_Result gt_http_certificate_list(struct gt_request *rq)
{
	int status = -GT_ESTORE;
	uint64_t number;
	if (!gt_http_number(rq->rest, INT64_MAX, &number))
		return gt_http_bad_arg(rq, "number");
	struct gt_worker *w = gt_worker_take(rq->http->workers);
	char *text = w ? gt_read_certificate_list(w->reader, (int64_t)number,
	                                          &status)
	               : NULL;
	gt_worker_give(rq->http->workers, w);
	return give(rq, text, status);
}
