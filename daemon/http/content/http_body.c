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
	uint32_t frame; /* the one in `bytes`, UINT32_MAX: none */
	uint8_t *bytes;
};

static void body_free(void *arg)
{
	struct body *b = arg;
	if (!b)
		return;
	if (b->fd >= 0)
		close(b->fd);
	gt_shelf_give(b->http->cache, b->is.shelf);
	free(b->bytes);
	free(b);
}

/* A full queue only puts the repair off to the next reader. */
static void report(struct body *b, struct gt_event e)
{
	e.object = b->is.shelf->object;
	(void)gt_core_post(b->http->env.core, &e, NULL);
}

static int load_with(struct gt_worker *w, struct body *b, uint32_t frame)
{
	const struct gt_manifest *m = b->is.shelf->manifest;
	size_t n = m->stored[frame];
	if (!gt_worker_buffers(w))
		return -GT_ENOMEM;
	int rc = gt_sys_pread(b->fd, w->stored, n, m->stored_at[frame]);
	if (rc != 0)
		return rc;
	struct gt_bytes stored = gt_bytes_of(w->stored, n);
	rc = gt_frame_verify(m, frame, stored);
	if (rc != 0)
		return rc;
	if (!b->is.stored)
		return gt_frame_inflate(w->inflater, m, frame, stored,
		                        b->bytes);
	memcpy(b->bytes, w->stored, n);
	return 0;
}

/* Makes b->bytes hold the frame, or the seek table, which needs no reading. */
static bool load(struct body *b, uint32_t frame)
{
	const struct gt_manifest *m = b->is.shelf->manifest;
	if (frame == m->nframes) {
		gt_manifest_tail(m, b->bytes);
		b->frame = frame;
		return true;
	}
	struct gt_http *http = b->http;
	unsigned beat = gt_pulse_begin(&http->pulse, "body",
	                               (int64_t)gt_sys_now().mono_ms);
	struct gt_worker *w = gt_worker_take(http->workers);
	int rc = w ? load_with(w, b, frame) : -GT_ENOMEM;
	gt_worker_give(http->workers, w);
	gt_pulse_end(&http->pulse, beat);
	b->frame = rc == 0 ? frame : UINT32_MAX;
	if (rc == -GT_EDAMAGED || rc == -GT_EIO)
		report(b, (struct gt_event){.type = GT_EV_FAULT,
		                            .frame = frame,
		                            .status = rc});
	return rc == 0;
}

static uint32_t frame_of(const struct body *b, uint64_t at)
{
	const struct gt_manifest *m = b->is.shelf->manifest;
	if (!b->is.stored)
		return gt_manifest_frame_at(m, at);
	uint32_t low = 0, high = m->nframes + 1;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;
		if (m->stored_at[mid] <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

static ssize_t body_read(void *arg, uint64_t pos, char *out, size_t max)
{
	struct body *b = arg;
	const struct gt_manifest *m = b->is.shelf->manifest;
	uint64_t at = b->is.start + pos;
	uint32_t frame = frame_of(b, at);
	if (at >= (b->is.stored ? m->file_size : m->plain_at[m->nframes]))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (frame != b->frame && !load(b, frame))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	const uint64_t *bounds = b->is.stored ? m->stored_at : m->plain_at;
	uint64_t end = frame == m->nframes ? m->file_size : bounds[frame + 1];
	uint64_t left = end - at;
	size_t n = left < max ? (size_t)left : max;
	memcpy(out, b->bytes + (at - bounds[frame]), n);
	return (ssize_t)n;
}

static int open_body(struct body *b)
{
	const struct gt_shelf *shelf = b->is.shelf;
	b->fd = gt_blobs_open_object(".", &shelf->object);
	if (b->fd == -GT_EUNKNOWN) {
		report(b,
		       (struct gt_event){.type = GT_EV_LOST,
		                         .body = gt_bytes_of(shelf->object.b,
		                                             GT_ID_BYTES),
		                         .detail = gt_look_why(GT_LOOK_GONE)});
		return -GT_EUNAVAILABLE;
	}
	if (b->fd < 0)
		return b->fd;
	uint64_t room = gt_manifest_tail_size(shelf->manifest->nframes);
	if (!b->is.whole || room < GT_FRAME_STORED_MAX)
		room = GT_FRAME_STORED_MAX;
	b->bytes = malloc(room);
	return b->bytes ? 0 : -GT_ENOMEM;
}

struct MHD_Response *gt_http_body(struct gt_http *http,
                                  const struct gt_http_body *what, uint64_t n,
                                  int *status)
{
	struct body *b = n > 0 ? calloc(1, sizeof *b) : NULL;
	*status = -GT_ENOMEM;
	if (!b) {
		gt_shelf_give(http->cache, what->shelf);
		return n > 0 ? NULL : gt_rs_empty();
	}
	*b = (struct body){
	        .http = http, .is = *what, .fd = -1, .frame = UINT32_MAX};
	*status = open_body(b);
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

int gt_http_body_look(struct gt_http *http, struct gt_shelf *shelf,
                      uint64_t start, uint64_t n, gt_http_look *take, void *arg)
{
	const struct gt_manifest *m = shelf->manifest;
	struct body b = {.http = http,
	                 .is = {.shelf = shelf},
	                 .fd = -1,
	                 .frame = UINT32_MAX};
	bool more = true;
	int status = open_body(&b);
	for (uint64_t at = start; status == 0 && more && at < start + n;
	     at = m->plain_at[b.frame + 1]) {
		if (!load(&b, gt_manifest_frame_at(m, at))) {
			status = -GT_EIO;
			break;
		}
		uint64_t end = m->plain_at[b.frame + 1];
		if (end > start + n)
			end = start + n;
		more = take(arg, b.bytes + (at - m->plain_at[b.frame]),
		            (size_t)(end - at));
	}
	if (b.fd >= 0)
		close(b.fd);
	free(b.bytes);
	return status;
}
