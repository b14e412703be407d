#include "upload.h"

#include <string.h>
#include <strings.h>

#include "multipart.h"

/* Of the parts, as they come. */
struct taken {
	struct gt_buffer *out;
	bool has; /* one had something */
};

static int part(void *arg, const struct gt_part *head)
{
	(void)arg;
	(void)head;
	return 0;
}

static int bytes(void *arg, struct gt_bytes piece)
{
	struct taken *t = arg;
	return t->has || gt_buffer_add(t->out, piece.p, piece.n) ? 0
	                                                         : -GT_ENOMEM;
}

static bool blank(const struct gt_buffer *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strchr(" \t\r\n", b->p[i]))
			return false;
	return true;
}

static int end(void *arg)
{
	struct taken *t = arg;
	if (!t->has && blank(t->out))
		t->out->n = 0;
	t->has = t->out->n > 0;
	return 0;
}

/* The same header of the type that the reader of parts knows. */
static bool boundary_of(char out[GT_BOUNDARY_MAX + 1], const char *content_type)
{
	static const char form[] = "multipart/form-data";
	char mixed[512];
	if (!content_type ||
	    strncasecmp(content_type, form, sizeof form - 1) != 0 ||
	    strlen(content_type) >= sizeof mixed)
		return false;
	gt_format(mixed, sizeof mixed, "multipart/mixed%s",
	          content_type + sizeof form - 1);
	return gt_multipart_boundary(out, mixed);
}

int gt_upload(struct gt_buffer *out, const char *content_type,
              struct gt_bytes body)
{
	static const struct gt_multipart_events events = {part, bytes, end};
	char boundary[GT_BOUNDARY_MAX + 1];
	struct gt_multipart m;
	struct taken t = {.out = out};
	if (!boundary_of(boundary, content_type)) {
		if (content_type && gt_multipart_is(content_type))
			return -GT_EINVALID;
		return gt_buffer_add(out, body.p, body.n) ? 0 : -GT_ENOMEM;
	}
	gt_multipart_begin(&m, boundary, &events, &t);
	int status = gt_multipart_feed(&m, body);
	if (status == 0)
		status = gt_multipart_end(&m);
	gt_multipart_free(&m);
	return status == 0 || status == -GT_ENOMEM ? status : -GT_EINVALID;
}
