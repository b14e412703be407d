/* http_parts_out.c: attachments on their way out.
 *
 * Files are read as the answer goes, and hashed: the last bytes of one are given
 * only if all of it is what it is called. What is not ends the answer before its
 * end, and the core is told.
 * Tests: e2e/test_attachments.py. */
#include "http_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annex.h"
#include "attachment.h"
#include "buffer.h"
#include "json.h"
#include "multipart.h"
#include "sys.h"

enum {
	BLOCK = 64 << 10,
	RANDOM = 16,
	MISSING_TOLD = 16, /* in the header, of those that are not here */
};

/* A piece of the answer: bytes, or a file behind them. */
struct piece {
	struct gt_buffer head;
	struct gt_sha2 sha2; /* of the file; n 0: none */
	uint64_t size;
};

struct out {
	struct gt_http *http;
	struct gt_reader *reader; /* while it is made */
	char boundary[2 * RANDOM + 1];
	struct piece *v;
	size_t n, cap;
	size_t missing;
	struct gt_buffer missed;
	/* where it is */
	size_t at;
	uint64_t offset; /* in the piece */
	int fd;
	struct gt_sha2_run run;
};

/* ------------------------------------------------------------- making */

static void out_free(void *arg)
{
	struct out *o = arg;
	for (size_t i = 0; i < o->n; i++)
		gt_buffer_free(&o->v[i].head);
	if (o->fd >= 0)
		close(o->fd);
	gt_buffer_free(&o->missed);
	free(o->v);
	free(o);
}

static struct piece *piece_new(struct out *o)
{
	if (o->n == o->cap) {
		size_t cap = o->cap ? 2 * o->cap : 8;
		struct piece *more = realloc(o->v, cap * sizeof *more);
		if (!more)
			return NULL;
		o->v = more;
		o->cap = cap;
	}
	o->v[o->n] = (struct piece){0};
	return &o->v[o->n++];
}

static bool is_there(const struct out *o, const struct gt_sha2 *sha2)
{
	for (size_t i = 0; i < o->n; i++)
		if (gt_sha2_eq(&o->v[i].sha2, sha2))
			return true;
	return false;
}

static void miss(struct out *o, const char *hex)
{
	if (o->missing++ < MISSING_TOLD)
		gt_buffer_format(&o->missed, "%s%s", o->missed.n ? ", " : "",
		                 hex);
}

/* One attachment, once. */
static bool put(struct out *o, const struct gt_attachment *a)
{
	char hex[GT_SHA2_HEX];
	uint64_t size = 0;
	if (is_there(o, &a->sha2))
		return true;
	gt_sha2_hex(hex, &a->sha2);
	bool wanted, here;
	if (gt_read_attachment(o->reader, &a->sha2, &wanted, &here) != 0)
		return false;
	int fd = here ? gt_annex_open(o->http->annex, &a->sha2, &size)
	              : -GT_EUNKNOWN;
	if (fd == -GT_ENOMEM)
		return false;
	if (fd < 0) {
		/* where it lies somewhere else it need not be here */
		if (!a->linked &&
		    !strstr(o->missed.p ? (char *)o->missed.p : "", hex))
			miss(o, hex);
		return true;
	}
	close(fd);
	struct piece *p = piece_new(o);
	if (!p)
		return false;
	p->sha2 = a->sha2;
	p->size = size;
	gt_multipart_put(&p->head, o->boundary, false, a->type, hex);
	return !p->head.failed;
}

/* All that the statements in a text name: one, or a page of them. */
static bool put_all(struct out *o, struct gt_bytes text)
{
	struct gt_attachments l = {0};
	struct gt_json_iter page, list;
	struct gt_bytes key, value;
	int status = 0;
	static const char statements[] = "\"statements\"";
	bool is_page = gt_json_open(&page, text) == '{' &&
	               gt_json_next(&page, &key, &value) == 1 &&
	               gt_bytes_eq(key, gt_bytes_str(statements)) &&
	               gt_json_open(&list, value) == '[';
	if (!is_page)
		status = gt_attachments_add(&l, text);
	while (is_page && status == 0 && gt_json_next(&list, &key, &value) == 1)
		status = gt_attachments_add(&l, value);
	bool ok = status == 0;
	for (size_t i = 0; ok && i < l.n; i++)
		ok = put(o, &l.v[i]);
	gt_attachments_free(&l);
	return ok && !o->missed.failed;
}

static struct out *out_new(struct gt_http *http, struct gt_reader *reader,
                           const char *text, size_t n)
{
	uint8_t random[RANDOM];
	struct out *o = calloc(1, sizeof *o);
	if (!o)
		return NULL;
	o->http = http;
	o->reader = reader;
	o->fd = -1;
	gt_sys_random(random, sizeof random);
	gt_hex(o->boundary, random, sizeof random);
	struct piece *first = piece_new(o);
	if (first) {
		gt_multipart_put(&first->head, o->boundary, true,
		                 "application/json", "");
		gt_buffer_add(&first->head, text, n);
	}
	bool ok = first && !first->head.failed &&
	          put_all(o, gt_bytes_of(text, n));
	struct piece *last = ok ? piece_new(o) : NULL;
	if (last)
		gt_multipart_close(&last->head, o->boundary);
	if (last && !last->head.failed)
		return o;
	out_free(o);
	return NULL;
}

static uint64_t length(const struct out *o)
{
	uint64_t n = 0;
	for (size_t i = 0; i < o->n; i++)
		n += o->v[i].head.n + o->v[i].size;
	return n;
}

/* ------------------------------------------------------------ sending */

static void tell_lost(const struct out *o, const struct piece *p, int status)
{
	struct gt_event e = {.type = GT_EV_ATTACHMENT_LOST,
	                     .body = gt_sha2_bytes(&p->sha2),
	                     .status = status};
	(void)gt_core_post(o->http->env.core, &e, NULL);
}

/* Of the piece's file, from where we are. */
static ssize_t read_file(struct out *o, const struct piece *p, char *buf,
                         size_t max)
{
	struct gt_sha2 is;
	uint64_t at = o->offset - p->head.n, size;
	if (at == 0) {
		gt_sha2_begin(&o->run, p->sha2.n);
		o->fd = gt_annex_open(o->http->annex, &p->sha2, &size);
		if (o->fd < 0) {
			o->fd = -1;
			return MHD_CONTENT_READER_END_WITH_ERROR;
		}
	}
	size_t n = p->size - at < max ? (size_t)(p->size - at) : max;
	int status = gt_sys_pread(o->fd, buf, n, at);
	if (status == 0)
		gt_sha2_add(&o->run, gt_bytes_of(buf, n));
	if (status == 0 && at + n == p->size) {
		gt_sha2_end(&o->run, &is);
		status = gt_sha2_eq(&is, &p->sha2) ? 0 : -GT_EDAMAGED;
	}
	if (status == -GT_EDAMAGED || status == -GT_EIO)
		tell_lost(o, p, status);
	return status ? MHD_CONTENT_READER_END_WITH_ERROR : (ssize_t)n;
}

static ssize_t read_out(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct out *o = arg;
	(void)pos;
	while (o->at < o->n &&
	       o->offset == o->v[o->at].head.n + o->v[o->at].size) {
		if (o->fd >= 0)
			close(o->fd);
		o->fd = -1;
		o->offset = 0;
		o->at++;
	}
	if (o->at == o->n)
		return MHD_CONTENT_READER_END_OF_STREAM;
	const struct piece *p = &o->v[o->at];
	ssize_t n;
	if (o->offset < p->head.n) {
		size_t left = p->head.n - (size_t)o->offset;
		n = (ssize_t)(left < max ? left : max);
		memcpy(buf, p->head.p + o->offset, (size_t)n);
	} else {
		n = read_file(o, p, buf, max);
	}
	if (n > 0)
		o->offset += (uint64_t)n;
	return n;
}

enum MHD_Result gt_xapi_parts_send(struct gt_request *rq, struct gt_worker *w,
                                   char *text, size_t n, const char *modified)
{
	char type[96];
	struct out *o = out_new(rq->http, w->reader, text, n);
	free(text);
	if (!o)
		return gt_rq_error(rq, -GT_ENOMEM, "");
	gt_format(type, sizeof type, "multipart/mixed; boundary=%s",
	          o->boundary);
	struct MHD_Response *rs = MHD_create_response_from_callback(
	        length(o), BLOCK, read_out, o, out_free);
	if (!rs) {
		out_free(o);
		return gt_rq_error(rq, -GT_ENOMEM, "");
	}
	gt_rs_header(rs, "Content-Type", type);
	if (modified)
		gt_rs_header(rs, "Last-Modified", modified);
	if (o->missing > 0)
		gt_rs_header(rs, "X-Guantong-Attachments-Missing",
		             (const char *)o->missed.p);
	return gt_rq_send(rq, 200, rs);
}
