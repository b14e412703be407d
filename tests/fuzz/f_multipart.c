/* f_multipart.c: bodies of several parts from anybody. The first byte is the
 * size of the pieces they come in, the first line the Content-Type.
 *
 * Whatever the size of the pieces, what is met is the same. */
#include <stdlib.h>
#include <string.h>

#include "multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_part(void *arg, const struct gt_part *p)
{
	gt_buffer_format(arg, "\n[%s|%s|%s]", p->type, p->encoding, p->hash);
	return 0;
}

static int on_bytes(void *arg, struct gt_bytes piece)
{
	assert(piece.n > 0);
	gt_buffer_add(arg, piece.p, piece.n);
	return 0;
}

static int on_end(void *arg)
{
	gt_buffer_str(arg, "\n.");
	return 0;
}

static const struct gt_multipart_events events = {on_part, on_bytes, on_end};

static int read_by(struct gt_buffer *out, const char *boundary,
                   struct gt_bytes in, size_t step)
{
	struct gt_multipart m;
	int status = 0;
	gt_multipart_begin(&m, boundary, &events, out);
	for (size_t at = 0; status == 0 && at < in.n; at += step) {
		size_t n = in.n - at < step ? in.n - at : step;
		status = gt_multipart_feed(&m, gt_bytes_of(in.p + at, n));
	}
	if (status == 0)
		status = gt_multipart_end(&m);
	assert(status == 0 || m.why);
	gt_multipart_free(&m);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char type[256], boundary[GT_BOUNDARY_MAX + 1];
	if (size < 2)
		return 0;
	size_t step = data[0] + 1u;
	struct gt_bytes in = {data + 1, size - 1};
	const uint8_t *lf = memchr(in.p, '\n', in.n);
	size_t n = lf ? (size_t)(lf - in.p) : in.n;
	if (!lf || n >= sizeof type || memchr(in.p, '\0', n))
		return 0;
	memcpy(type, in.p, n);
	type[n] = '\0';
	if (!gt_multipart_boundary(boundary, type))
		return 0;
	assert(gt_multipart_is(type));
	in = gt_bytes_of(lf + 1, in.n - n - 1);
	struct gt_buffer whole = {0}, pieces = {0};
	int one = read_by(&whole, boundary, in, in.n + 1);
	int other = read_by(&pieces, boundary, in, step);
	assert(one == other);
	assert(gt_bytes_eq(gt_buffer_bytes(&whole), gt_buffer_bytes(&pieces)));
	gt_buffer_free(&whole);
	gt_buffer_free(&pieces);
	return 0;
}
