#include "http_body.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "look.h"
#include "sys.h"

struct body {
	struct gt_http *http;
	struct gt_http_body is;
	int fd;
	bool loaded; /* the frame, in bytes */
	struct gt_index_frame frame;
	uint8_t *bytes;
};

static void body_free(void *arg)
{
	struct body *b = arg;
	if (!b)
		return;
	if (b->fd >= 0)
		close(b->fd);
	gt_shelf_give(b->http->shelves, b->is.shelf);
	free(b->bytes);
	free(b);
}

/* A full queue only puts the repair off to the next reader. */
static void report(struct body *b, struct gt_event e)
{
	e.object = b->is.object;
	(void)gt_core_post(b->http->env.core, &e, NULL);
}

/* -------------------------------------------------------- its frames */

/* Where a frame begins and how long it is, in the stream that is sent. */
static uint64_t begins(const struct body *b)
{
	return b->is.stored ? b->frame.stored_at : b->frame.plain_at;
}

static uint32_t length(const struct body *b)
{
	return b->is.stored ? b->frame.stored : b->frame.plain;
}

struct place {
	const struct body *b;
	uint64_t at;
	struct gt_index_frame frame;
};

static bool holds(const struct body *b, const struct gt_index_frame *f,
                  uint64_t at)
{
	uint64_t from = b->is.stored ? f->stored_at : f->plain_at;
	return at >= from && at - from < (b->is.stored ? f->stored : f->plain);
}

/* The frame at a place: most often the one after the last. */
static int locate(const struct gt_index *ix, void *arg)
{
	struct place *p = arg;
	const struct body *b = p->b;
	int status = -GT_EUNKNOWN;
	if (b->loaded)
		status = gt_index_frame(ix, b->frame.number + 1, &p->frame);
	if (status == 0 && holds(b, &p->frame, p->at))
		return 0;
	if (status != 0 && status != -GT_EUNKNOWN)
		return status;
	return b->is.stored ? gt_index_stored_at(ix, p->at, &p->frame)
	                    : gt_index_plain_at(ix, p->at, &p->frame);
}

static int read_frame(struct gt_worker *w, struct body *b)
{
	const struct gt_index_frame *f = &b->frame;
	if (!gt_worker_buffers(w))
		return -GT_ENOMEM;
	int rc = gt_sys_pread(b->fd, w->stored, f->stored, f->stored_at);
	if (rc != 0)
		return rc;
	struct gt_bytes stored = gt_bytes_of(w->stored, f->stored);
	rc = gt_frame_is(f->id.b, f->stored, stored);
	if (rc != 0)
		return rc;
	if (!b->is.stored)
		return gt_frame_unpack(w->inflater, f->plain, stored, b->bytes);
	memcpy(b->bytes, w->stored, f->stored);
	return 0;
}

/* Makes b->bytes hold the frame at a place. Where the disk has it wrong, that is
 * reported. */
static int load_with(struct gt_worker *w, struct body *b, uint64_t at)
{
	struct place p = {.b = b, .at = at};
	int rc = gt_shelf_ask(b->http->shelves, w->reader, &b->is.shelf, locate,
	                      &p);
	b->loaded = false;
	if (rc != 0)
		return -GT_ESTORE;
	b->frame = p.frame;
	rc = read_frame(w, b);
	b->loaded = rc == 0;
	if (rc == -GT_EDAMAGED || rc == -GT_EIO)
		report(b, (struct gt_event){.type = GT_EV_FAULT,
		                            .frame = b->frame.number,
		                            .status = rc});
	return rc;
}

/* What a body asks for on one of the library's threads. */
typedef int work(struct gt_worker *w, struct body *b, void *arg);

static int at_work(struct body *b, work *what, void *arg)
{
	struct gt_http *http = b->http;
	unsigned beat = gt_pulse_begin(&http->pulse, "body",
	                               (int64_t)gt_sys_now().mono_ms);
	struct gt_worker *w = gt_worker_take(http->workers);
	int rc = w ? what(w, b, arg) : -GT_ENOMEM;
	gt_worker_give(http->workers, w);
	gt_pulse_end(&http->pulse, beat);
	return rc;
}

static int load_work(struct gt_worker *w, struct body *b, void *arg)
{
	return load_with(w, b, *(uint64_t *)arg);
}

static bool load(struct body *b, uint64_t at)
{
	return (b->loaded && holds(b, &b->frame, at)) ||
	       at_work(b, load_work, &at) == 0;
}

/* --------------------------------------------------------- its end */

struct tail {
	uint64_t at;
	uint8_t *out;
	size_t n, got;
};

static int copy_tail(const struct gt_index *ix, void *arg)
{
	struct tail *t = arg;
	return gt_index_tail(ix, t->at, t->out, t->n, &t->got);
}

/* The seek table needs no reading of the object's file. */
static int tail_work(struct gt_worker *w, struct body *b, void *arg)
{
	return gt_shelf_ask(b->http->shelves, w->reader, &b->is.shelf,
	                    copy_tail, arg);
}

/* ---------------------------------------------------------- sending */

static ssize_t body_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct body *b = arg;
	uint64_t at = b->is.start + pos;
	if (!b->is.shelf) /* the last call failed */
		return MHD_CONTENT_READER_END_WITH_ERROR;
	uint64_t frames = b->is.stored ? b->is.shelf->index.stored
	                               : b->is.shelf->index.plain;
	if (b->is.whole && at >= frames) {
		struct tail t = {at - frames, (uint8_t *)out, max, 0};
		if (at_work(b, tail_work, &t) != 0 || t.got == 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		return (ssize_t)t.got;
	}
	if (!load(b, at))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	uint64_t left = begins(b) + length(b) - at;
	size_t n = left < max ? (size_t)left : max;
	memcpy(out, b->bytes + (at - begins(b)), n);
	return (ssize_t)n;
}

static int open_body(struct body *b)
{
	b->fd = gt_blobs_open_object(".", &b->is.object);
	if (b->fd == -GT_EUNKNOWN) {
		report(b,
		       (struct gt_event){
		               .type = GT_EV_LOST,
		               .body = gt_bytes_of(b->is.object.b, GT_ID_BYTES),
		               .detail = gt_look_why(GT_LOOK_GONE)});
		return -GT_EUNAVAILABLE;
	}
	if (b->fd < 0)
		return b->fd;
	b->bytes = malloc(GT_FRAME_STORED_MAX);
	return b->bytes ? 0 : -GT_ENOMEM;
}

/* Its first frame is read before anything is promised, so that who asks for what
 * is damaged is told. */
static int first_frame(struct gt_worker *w, struct body *b)
{
	int rc = load_with(w, b, b->is.start);
	return rc == -GT_EDAMAGED || rc == -GT_EIO ? -GT_EUNAVAILABLE : rc;
}

struct MHD_Response *gt_http_body(struct gt_http *http, struct gt_worker *w,
                                  const struct gt_http_body *what, uint64_t n,
                                  int *status)
{
	struct body *b = n > 0 ? calloc(1, sizeof *b) : NULL;
	*status = -GT_ENOMEM;
	if (!b) {
		gt_shelf_give(http->shelves, what->shelf);
		return n > 0 ? NULL : gt_rs_empty();
	}
	*b = (struct body){.http = http, .is = *what, .fd = -1};
	*status = open_body(b);
	if (*status == 0 && w)
		*status = first_frame(w, b);
	struct MHD_Response *rs = NULL;
	if (*status == 0) {
		rs = MHD_create_response_from_callback(n, 64 << 10, body_read,
		                                       b, body_free);
		*status = -GT_ENOMEM;
	}
	if (!rs)
		body_free(b);
	return rs;
}

int gt_http_body_look(struct gt_http *http, struct gt_worker *w,
                      struct gt_shelf **shelf, uint64_t start, uint64_t n,
                      gt_http_look *take, void *arg)
{
	struct body b = {
	        .http = http,
	        .is = {.shelf = *shelf, .object = (*shelf)->index.object},
	        .fd = -1};
	bool more = true;
	int status = open_body(&b);
	for (uint64_t at = start; status == 0 && more && at < start + n;
	     at = begins(&b) + length(&b)) {
		status = load_with(w, &b, at);
		if (status != 0)
			break;
		uint64_t end = begins(&b) + length(&b);
		if (end > start + n)
			end = start + n;
		more = take(arg, b.bytes + (at - begins(&b)),
		            (size_t)(end - at));
	}
	if (b.fd >= 0)
		close(b.fd);
	free(b.bytes);
	*shelf = b.is.shelf;
	return status;
}
