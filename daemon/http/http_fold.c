#include "http_fold.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* ------------------------------------------------------------- forms */

static const char *header_of(const char *name)
{
	static const char *const names[] = {
	        "Authorization",  "X-Experience-API-Version",
	        "Content-Type",   "Content-Length",
	        "If-Match",       "If-None-Match",
	        "Accept-Language"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcasecmp(name, names[i]) == 0)
			return names[i];
	return NULL;
}

/* Decodes n bytes in place and ends them with NUL, which there is room for.
 * False: a broken escape. */
static bool decode(char *text, size_t *n)
{
	size_t to = 0;
	for (size_t i = 0; i < *n; i++) {
		char c = text[i] == '+' ? ' ' : text[i];
		if (c == '%') {
			int high = i + 2 < *n ? gt_hex_digit(text[i + 1]) : -1;
			int low = high < 0 ? -1 : gt_hex_digit(text[i + 2]);
			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		text[to++] = c;
	}
	text[to] = '\0';
	*n = to;
	return true;
}

/* One field of n bytes, with room for a NUL behind them. */
static int add(struct gt_fold *f, char *text, size_t n)
{
	char *value = memchr(text, '=', n);
	size_t name_n = value ? (size_t)(value - text) : n;
	size_t value_n = value ? n - name_n - 1 : 0;
	if (f->n == GT_FOLD_FIELDS)
		return -GT_ELIMIT;
	value = value ? value + 1 : text + n;
	if (!decode(value, &value_n))
		return -GT_EINVALID;
	if (!decode(text, &name_n) || strlen(text) != name_n)
		return -GT_EINVALID;
	bool content = strcmp(text, "content") == 0;
	if (!content && strlen(value) != value_n)
		return -GT_EINVALID;
	const char *header = header_of(text);
	f->field[f->n].name = header ? header : text;
	f->field[f->n].value = value;
	f->field[f->n].n = value_n;
	f->field[f->n++].header = header != NULL;
	return 0;
}

int gt_fold_read(struct gt_fold **out, const void *form, size_t n)
{
	struct gt_fold *f = calloc(1, sizeof *f);
	int status = f ? 0 : -GT_ENOMEM;
	*out = NULL;
	if (f)
		f->text = malloc(n + 1);
	if (!f || !f->text) {
		free(f);
		return -GT_ENOMEM;
	}
	if (n > 0)
		memcpy(f->text, form, n);
	f->text[n] = '\0';
	char *p = f->text;
	while (status == 0 && n > 0) {
		char *end = memchr(p, '&', n);
		size_t k = end ? (size_t)(end - p) : n;
		if (k > 0)
			status = add(f, p, k);
		k += end != NULL;
		p += k;
		n -= k;
	}
	if (status == 0)
		*out = f;
	else
		gt_fold_free(f);
	return status;
}

void gt_fold_free(struct gt_fold *f)
{
	if (f)
		free(f->text);
	free(f);
}

const char *gt_fold_header(const struct gt_fold *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->field[i].header &&
		    strcasecmp(f->field[i].name, name) == 0)
			return f->field[i].value;
	return NULL;
}

bool gt_fold_is_arg(const struct gt_fold *f, size_t i)
{
	return !f->field[i].header && strcmp(f->field[i].name, "content") != 0;
}

const char *gt_fold_arg(const struct gt_fold *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (gt_fold_is_arg(f, i) && strcmp(f->field[i].name, name) == 0)
			return f->field[i].value;
	return NULL;
}

bool gt_fold_content(const struct gt_fold *f, struct gt_bytes *out)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->field[i].name, "content") == 0) {
			*out = gt_bytes_of(f->field[i].value, f->field[i].n);
			return true;
		}
	return false;
}

/* -------------------------------------------------------- compressed */

enum { GZIP_ALONE = 16 + MAX_WBITS, STEP = 64 << 10 };

/* Room for more, up to most and one byte, by which it is known to be too
 * much. */
static bool grow(uint8_t **p, size_t *cap, size_t most)
{
	size_t want = *cap ? *cap * 2 : STEP;
	want = want < most + 1 ? want : most + 1;
	uint8_t *more = want > *cap ? realloc(*p, want) : NULL;
	if (!more)
		return false;
	*p = more;
	*cap = want;
	return true;
}

static int inflate_all(z_stream *z, uint8_t **out, size_t *out_n, size_t most)
{
	size_t cap = 0, n = 0;
	int rc = Z_OK;
	while (rc == Z_OK) {
		if (n == cap && !grow(out, &cap, most))
			return -GT_ENOMEM;
		z->next_out = *out + n;
		z->avail_out = (unsigned)(cap - n);
		rc = inflate(z, Z_NO_FLUSH);
		n = cap - z->avail_out;
		if (n > most)
			return -GT_ELIMIT;
	}
	*out_n = n;
	if (rc == Z_MEM_ERROR)
		return -GT_ENOMEM;
	return rc == Z_STREAM_END && z->avail_in == 0 ? 0 : -GT_EINVALID;
}

int gt_inflate(uint8_t **out, size_t *out_n, struct gt_bytes packed,
               size_t most)
{
	z_stream z = {.next_in = gt_lend(packed.p),
	              .avail_in = (unsigned)packed.n};
	*out = NULL;
	*out_n = 0;
	if (packed.n > UINT32_MAX / GT_INFLATE_RATIO)
		return -GT_ELIMIT;
	if (packed.n * GT_INFLATE_RATIO < most)
		most = packed.n * GT_INFLATE_RATIO;
	if (inflateInit2(&z, GZIP_ALONE) != Z_OK)
		return -GT_ENOMEM;
	int status = inflate_all(&z, out, out_n, most);
	(void)inflateEnd(&z);
	if (status != 0) {
		free(*out);
		*out = NULL;
	}
	return status;
}
