/* http_parts.c: attachments on their way in.
 * Tests: e2e/test_attachments.py. */
#include "http_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "annex.h"
#include "attachment.h"
#include "buffer.h"
#include "http_parse.h"
#include "json.h"
#include "jws.h"
#include "measure.h"
#include "multipart.h"
#include "statement.h"
#include "translate.h"

enum { PARTS_MAX = 500 };

struct part {
	struct gt_annexed *file;
	struct gt_sha2 sha2;
};

/* What comes with a request.
 *
 *   1. v[i] belongs to the part number i + 2 of the body: the first are the
 *      statements
 *   2. behind the first thing that is wrong (status) nothing is looked at any
 *      more */
struct gt_xapi_parts {
	struct gt_request *rq;
	struct gt_multipart m;
	struct part *v; /* [PARTS_MAX] */
	size_t n;
	struct gt_brought *brought;
	bool begun;       /* a part has */
	unsigned refused; /* gt_rq_keep's status */
	int status;
	bool known; /* to the core, or it may be */
	char why[512];
};

/* ------------------------------------------------------- as they come */

static int wrong(struct gt_xapi_parts *p, int status, enum gt_text key, ...)
{
	va_list args;
	va_start(args, key);
	gt_http_vsay(p->why, sizeof p->why, p->rq->lang, key, args);
	va_end(args);
	p->status = status;
	return status;
}

static int disk_failed(struct gt_xapi_parts *p, int status)
{
	return wrong(p, status, GT_T_HTTP_PART_DISK,
	             status == -GT_EIO ? gt_translate_errno(errno)
	                               : gt_translate_error(status));
}

static int on_part(void *arg, const struct gt_part *head)
{
	struct gt_xapi_parts *p = arg;
	size_t number = p->n + 2;
	struct gt_sha2 sha2;
	if (!p->begun) {
		p->begun = true;
		return gt_http_typed(head->type, "application/json") ==
		                       GT_TYPED_RIGHT
		               ? 0
		               : wrong(p, -GT_EINVALID, GT_T_HTTP_PART_FIRST);
	}
	if (p->n == PARTS_MAX)
		return wrong(p, -GT_ELIMIT, GT_T_HTTP_PARTS_MANY,
		             (int)PARTS_MAX);
	if (!gt_sha2_parse(&sha2, head->hash))
		return wrong(p, -GT_EINVALID, GT_T_HTTP_PART_HASH, number);
	if (strcasecmp(head->encoding, "binary") != 0)
		return wrong(p, -GT_EINVALID, GT_T_HTTP_PART_ENCODING, number);
	p->v[p->n].sha2 = sha2;
	int status =
	        gt_annex_begin(p->rq->http->annex, sha2.n, &p->v[p->n].file);
	if (status != 0)
		return disk_failed(p, status);
	p->n++;
	return 0;
}

static int on_bytes(void *arg, struct gt_bytes piece)
{
	struct gt_xapi_parts *p = arg;
	char most[GT_MEASURE_SIZE];
	if (p->n == 0) {
		p->refused = gt_rq_keep(p->rq, (const char *)piece.p, piece.n);
		p->status = p->refused ? -GT_ELIMIT : 0;
		return p->status;
	}
	struct gt_annexed *file = p->v[p->n - 1].file;
	uint64_t max = p->rq->http->env.config->attachment_max;
	gt_measure_size(most, max);
	if (piece.n > max - gt_annex_size(file))
		return wrong(p, -GT_ELIMIT, GT_T_HTTP_PART_LARGE, p->n + 1,
		             most);
	int status = gt_annex_add(file, piece);
	return status ? disk_failed(p, status) : 0;
}

static int on_end(void *arg)
{
	struct gt_xapi_parts *p = arg;
	struct gt_sha2 is;
	if (p->n == 0)
		return 0;
	int status = gt_annex_end(p->v[p->n - 1].file, &is);
	if (status != 0)
		return disk_failed(p, status);
	return gt_sha2_eq(&is, &p->v[p->n - 1].sha2)
	               ? 0
	               : wrong(p, -GT_EINVALID, GT_T_HTTP_PART_OTHER, p->n + 1);
}

static unsigned take(struct gt_request *rq, const char *piece, size_t n)
{
	struct gt_xapi_parts *p = rq->parts;
	if (p->status != 0)
		return 0;
	p->status = gt_multipart_feed(&p->m, gt_bytes_of(piece, n));
	if (p->status != 0 && p->m.why)
		gt_copy(p->why, sizeof p->why, p->m.why);
	return p->refused;
}

static void let_go(struct gt_request *rq)
{
	struct gt_xapi_parts *p = rq->parts;
	for (size_t i = 0; i < PARTS_MAX; i++)
		gt_annex_let_go(p->v[i].file, p->known);
	gt_multipart_free(&p->m);
	free(p->brought);
	free(p->v);
	free(p);
}

/* Begins to read parts. False: memory is short. */
static bool begin_with(struct gt_request *rq, const char *boundary)
{
	static const struct gt_multipart_events events = {on_part, on_bytes,
	                                                  on_end};
	struct gt_xapi_parts *p = calloc(1, sizeof *p);
	struct part *v = calloc(PARTS_MAX, sizeof *v);
	if (!p || !v) {
		free(p);
		free(v);
		return false;
	}
	p->rq = rq;
	p->v = v;
	gt_multipart_begin(&p->m, boundary, &events, p);
	rq->parts = p;
	rq->let_go = let_go;
	return true;
}

/* The same where the request says that there are some. */
static bool begin(struct gt_request *rq)
{
	const char *type = gt_rq_header(rq, "Content-Type");
	char boundary[GT_BOUNDARY_MAX + 1];
	return type && gt_multipart_boundary(boundary, type) &&
	       begin_with(rq, boundary);
}

/* A widespread client (@xapi/xapi 2.2.7 in Node.js) says of its parts that they
 * are application/octet-stream: their first line has the boundary then. */
static bool begin_unsaid(struct gt_request *rq)
{
	char type[GT_BOUNDARY_MAX + 48], boundary[GT_BOUNDARY_MAX + 1];
	const uint8_t *b = rq->body;
	const uint8_t *end = rq->nbody > 2 ? memchr(b, '\r', rq->nbody) : NULL;
	size_t n = end ? (size_t)(end - b) : 0;
	const char *said = gt_rq_header(rq, "Content-Type");
	if (!said ||
	    gt_http_typed(said, "application/octet-stream") != GT_TYPED_RIGHT ||
	    n < 3 || n > GT_BOUNDARY_MAX + 2 || memcmp(b, "--", 2) != 0 ||
	    memchr(b, '"', n))
		return false;
	gt_format(type, sizeof type, "multipart/mixed; boundary=\"%.*s\"",
	          (int)(n - 2), (const char *)b + 2);
	return gt_multipart_boundary(boundary, type) &&
	       begin_with(rq, boundary);
}

uint64_t gt_http_statements_meet(struct gt_request *rq)
{
	if (rq->method == GT_HTTP_GET || !begin(rq))
		return rq->body_max;
	rq->take = take;
	return rq->http->env.config->attachments_max;
}

/* A body that had to be kept first, being compressed or folded into another. */
static void feed_kept(struct gt_request *rq)
{
	uint8_t *body = rq->body;
	size_t n = rq->nbody, cap = rq->body_cap;
	rq->body = NULL;
	rq->nbody = rq->body_cap = 0;
	(void)take(rq, (const char *)body, n);
	free(body);
	if (rq->door != GT_DOOR_CONTROL)
		atomic_fetch_sub(rq->http->bodies, cap);
}

/* ------------------------------------------------ when they have come */

/* The disk has no room for the statements: nor for what comes with them. */
static bool is_short(const struct gt_request *rq)
{
	struct gt_node_status *s = malloc(sizeof *s);
	if (s)
		gt_core_status(rq->http->env.core, s);
	bool is = !s || s->records_short;
	free(s);
	return is;
}

int gt_xapi_parts_check(struct gt_request *rq, enum MHD_Result *answer)
{
	struct gt_xapi_parts *p = rq->parts;
	const char *type = gt_rq_header(rq, "Content-Type");
	bool unsaid = !p && begin_unsaid(rq);
	if (!p && !unsaid && (!type || !gt_multipart_is(type)))
		return 0;
	if (!p && (unsaid || begin(rq))) {
		p = rq->parts;
		feed_kept(rq);
	}
	if (!p) {
		*answer =
		        gt_rq_fail(rq, 400, -GT_EINVALID, GT_T_HTTP_MULTIPART);
		return -GT_EINVALID;
	}
	if (p->status == 0) {
		p->status = gt_multipart_end(&p->m);
		gt_copy(p->why, sizeof p->why, p->m.why ? p->m.why : "");
	}
	if (p->status == 0 && !p->begun)
		wrong(p, -GT_EINVALID, GT_T_HTTP_PARTS_NONE);
	if (p->status == 0 && p->n > 0 && is_short(rq)) {
		p->status = -GT_ENOSPACE;
		rq->retry_ms = 30000;
	}
	if (p->status != 0)
		*answer = gt_rq_error(rq, p->status, p->why);
	return p->status;
}

/* The bytes of an attachment, brought or here. 0; -GT_EUNKNOWN: neither. */
static int bytes_of(struct gt_request *rq, const struct gt_sha2 *sha2,
                    struct gt_buffer *out)
{
	struct gt_xapi_parts *p = rq->parts;
	uint64_t size;
	for (size_t i = 0; p && i < p->n; i++)
		if (gt_sha2_eq(&p->v[i].sha2, sha2))
			return gt_annex_back(p->v[i].file, GT_JWS_MAX, out);
	int fd = gt_annex_open(rq->http->annex, sha2, &size);
	if (fd < 0)
		return fd;
	return gt_annex_read(fd, size, sha2, GT_JWS_MAX, out);
}

/* Why a signature is none of its statement. */
static int signs(struct gt_request *rq, const struct gt_statement *s,
                 const struct gt_attachment *a, char *why, size_t why_cap)
{
	struct gt_buffer jws = {0}, payload = {0};
	bool checked;
	int status = bytes_of(rq, &a->sha2, &jws);
	if (status == 0)
		status = gt_jws_open(gt_buffer_bytes(&jws), &payload, &checked,
		                     why, why_cap);
	if (status == 0)
		status = gt_attachment_signs(s->body, gt_buffer_bytes(&payload),
		                             why, why_cap);
	gt_buffer_free(&jws);
	gt_buffer_free(&payload);
	/* whether it may do without is the core's to say */
	return status == -GT_EUNKNOWN || status == -GT_EDAMAGED ? 0 : status;
}

static int check_signature(struct gt_request *rq, const struct gt_statement *s,
                           size_t at, const struct gt_attachment *a,
                           enum MHD_Result *answer)
{
	char why[512] = "", text[GT_TRANSLATE_MAX];
	if (!a->signs || a->sub)
		return 0;
	if (!a->octets) {
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID,
		                     GT_T_HTTP_SIGNATURE_TYPE, at + 1, a->path);
		return -GT_EINVALID;
	}
	int status = signs(rq, s, a, why, sizeof why);
	if (status == -GT_ENOMEM || status == -GT_EIO)
		*answer = gt_rq_error(rq, status, "");
	else if (status != 0)
		*answer = gt_rq_fail(
		        rq, 400, status, GT_T_HTTP_SIGNATURE, at + 1, a->path,
		        gt_translate(text, rq->lang,
		                     *why ? why : gt_strerror(status)));
	return status;
}

/* Every part must be of some statement. */
static int check_named(struct gt_request *rq, const struct gt_attachments *l,
                       enum MHD_Result *answer)
{
	const struct gt_xapi_parts *p = rq->parts;
	for (size_t i = 0; p && i < p->n; i++) {
		if (gt_attachments_find(l, &p->v[i].sha2))
			continue;
		*answer = gt_rq_fail(rq, 400, -GT_EINVALID,
		                     GT_T_HTTP_PART_UNNAMED, i + 2);
		return -GT_EINVALID;
	}
	return 0;
}

int gt_xapi_parts_match(struct gt_request *rq, const struct gt_statement *v,
                        size_t n, enum MHD_Result *answer)
{
	struct gt_attachments l = {0};
	int status = 0;
	for (size_t i = 0; status == 0 && i < n; i++) {
		size_t from = l.n;
		status = gt_attachments_add(&l, v[i].body);
		if (status != 0)
			*answer = gt_rq_error(rq, status, "");
		for (size_t k = from; status == 0 && k < l.n; k++)
			status = check_signature(rq, &v[i], i, &l.v[k], answer);
	}
	if (status == 0)
		status = check_named(rq, &l, answer);
	gt_attachments_free(&l);
	return status;
}

int gt_xapi_parts_keep(struct gt_request *rq, struct gt_event *e,
                       enum MHD_Result *answer)
{
	struct gt_xapi_parts *p = rq->parts;
	int status = 0;
	if (!p || p->n == 0)
		return 0;
	p->brought = calloc(p->n, sizeof *p->brought);
	if (!p->brought)
		status = wrong(p, -GT_ENOMEM, GT_T_HTTP_MEMORY);
	for (size_t i = 0; status == 0 && i < p->n; i++) {
		status = gt_annex_keep(p->v[i].file);
		if (status != 0)
			(void)disk_failed(p, status);
		p->brought[i] = (struct gt_brought){
		        .sha2 = p->v[i].sha2,
		        .size = gt_annex_size(p->v[i].file)};
	}
	if (status != 0) {
		*answer = gt_rq_error(rq, status, p->why);
		return status;
	}
	e->brought = p->brought;
	e->nbrought = p->n;
	/* until it has said otherwise */
	p->known = true;
	return 0;
}

void gt_xapi_parts_taken(struct gt_request *rq, int status)
{
	static const int refused[] = {-GT_EINVALID, -GT_ECONFLICT, -GT_EDENIED,
	                              -GT_EBUDGET, -GT_EBUSY};
	for (size_t i = 0; rq->parts && i < sizeof refused / sizeof *refused;
	     i++)
		if (status == refused[i])
			rq->parts->known = false;
}
