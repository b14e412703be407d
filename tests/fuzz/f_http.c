/* f_http.c: headers, paths and drafts as a stranger may send them. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "http_fold.h"
#include "http_media.h"
#include "http_out.h"
#include "http_parse.h"
#include "http_publish.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void headers(const char *text, size_t n)
{
	struct gt_range r;
	const char *path;
	bool slash;
	char rid[GT_RID_MAX + 1], out[300], name[16], password[16];
	if (gt_http_range(text, 1000, &r) == GT_RANGE_PART)
		assert(r.n > 0 && r.from < 1000 && r.n <= 1000 - r.from);
	if (gt_http_decode(out, sizeof out, text, n))
		assert(strlen(out) < sizeof out);
	(void)gt_http_split(text, rid, &path, &slash);
	(void)gt_http_accepts(text, "zstd");
	(void)gt_http_etag_listed(text, "\"a:1\"");
	(void)gt_http_language(text, text, NULL);
	char host[GT_HOST_MAX], media[GT_MEDIA_SERVED];
	size_t target_n;
	const char *target = gt_http_target(text, &target_n, host);
	assert(strlen(host) < sizeof host && target_n > 0);
	assert(memchr(target, '\0', target_n) == NULL);
	if (gt_http_host(host, text))
		assert(*host && !strpbrk(host, "/@\"<>' \r\n"));
	(void)gt_http_typed(text, "application/json");
	(void)gt_http_etag_matches(text, "\"a:1\"");
	gt_http_media(media, text);
	assert(!strpbrk(media, "\r\n,") && *media);
	(void)gt_http_inert(media);
	(void)gt_http_basic(text, name, sizeof name, password, sizeof password);
}

/* A body before it is the request's. */
static void bodies(const char *text, size_t n)
{
	struct gt_fold *f;
	struct gt_bytes content;
	uint8_t *out;
	size_t out_n;
	if (gt_fold_read(&f, text, n) == 0) {
		assert(f->n <= GT_FOLD_FIELDS);
		if (gt_fold_content(f, &content))
			assert(content.n <= n);
		for (size_t i = 0; i < f->n; i++)
			assert(!gt_fold_is_arg(f, i) ||
			       gt_fold_arg(f, f->field[i].name));
		(void)gt_fold_header(f, "If-Match");
		gt_fold_free(f);
	}
	if (gt_inflate(&out, &out_n, gt_bytes_of(text, n), 100000) == 0)
		assert(out_n <= 100000 && out_n <= n * GT_INFLATE_RATIO);
	free(out);
}

static void escapes(const char *text)
{
	struct gt_buffer o = {0};
	gt_out_html(&o, text);
	char *html = gt_buffer_text(&o, NULL);
	assert(!html || !strpbrk(html, "<>\"'"));
	free(html);
}

static void drafts(const char *text, size_t n)
{
	char why[256];
	struct gt_draft *v;
	size_t count;
	json_t *value = json_loadb(text, n, JSON_DECODE_ANY, NULL);
	struct gt_arena *arena = gt_arena_new();
	if (value && arena)
		(void)gt_publish_parse(value, "en", arena, &v, &count, why,
		                       sizeof why);
	gt_arena_free(arena);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);
	if (!text)
		return 0;
	if (n > 0)
		memcpy(text, p, n);
	text[n] = '\0';
	headers(text, n);
	bodies(text, n);
	escapes(text);
	drafts(text, n);
	free(text);
	return 0;
}
