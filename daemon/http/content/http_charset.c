#include "http_charset.h"

#include <pthread.h>
#include <string.h>

enum { LOOK_BYTES = 1 << 20, ROWS = 1024 };

/* --------------------------------------------------------- the bytes */

static void feed_utf8(struct gt_charset_look *l, uint8_t c)
{
	if (l->more > 0) {
		l->no_utf8 |= c < l->low || c > l->top;
		l->more--;
		l->low = 0x80;
		l->top = 0xbf;
	} else if (c >= 0x80) {
		/* as utf8.c has it: nothing overlong, no surrogates, nothing
		 * beyond U+10FFFF */
		l->no_utf8 |= c < 0xc2 || c > 0xf4;
		l->more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		l->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		l->top = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	}
}

/* One byte, two, or four with digits second and fourth. */
static void feed_gb(struct gt_charset_look *l, uint8_t c)
{
	bool digit = c >= '0' && c <= '9', lead = c > 0x80 && c < 0xff;
	switch (l->gb) {
	case 0:
		l->no_gb |= c >= 0x80 && !lead;
		l->gb = lead;
		return;
	case 1:
		l->no_gb |= !digit && (c < 0x40 || c == 0x7f || c == 0xff);
		l->gb = digit ? 2 : 0;
		return;
	case 2:
		l->no_gb |= !lead;
		l->gb = 3;
		return;
	default:
		l->no_gb |= !digit;
		l->gb = 0;
	}
}

void gt_charset_feed(struct gt_charset_look *l, const uint8_t *p, size_t n)
{
	size_t left = sizeof l->head - l->nhead;
	size_t k = n < left ? n : left;
	memcpy(l->head + l->nhead, p, k);
	l->nhead += k;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < 0x80 && l->more == 0 && l->gb == 0)
			continue;
		l->high = true;
		feed_utf8(l, p[i]);
		feed_gb(l, p[i]);
	}
}

static bool has_word(const struct gt_charset_look *l, const char *word)
{
	size_t k = strlen(word);
	for (size_t i = 0; i + k <= l->nhead; i++) {
		size_t same = 0;
		while (same < k && gt_lower(l->head[i + same]) == word[same])
			same++;
		if (same == k)
			return true;
	}
	return false;
}

/* <meta charset=gb2312>, <meta ... content="text/html; charset=gbk"> */
static bool declares(const struct gt_charset_look *l)
{
	return has_word(l, "<meta") && has_word(l, "charset");
}

static bool is_type(const char *type, const char *want)
{
	while (*want && gt_lower(*type) == *want) {
		type++;
		want++;
	}
	return *want == '\0';
}

enum gt_charset gt_charset_end(const struct gt_charset_look *l,
                               const char *type, bool whole)
{
	bool plain = is_type(type, "text/plain") ||
	             is_type(type, "text/markdown") ||
	             is_type(type, "text/csv");
	if (!is_type(type, "text/") || strchr(type, ';'))
		return GT_CHARSET_NONE;
	/* all ASCII: whatever a page says of itself also says what its scripts
	 * are in, which say nothing */
	if (!l->high && is_type(type, "text/html") && declares(l))
		return GT_CHARSET_NONE;
	if (!l->no_utf8 && (!whole || l->more == 0))
		return GT_CHARSET_UTF8;
	if (plain && !l->no_gb && (!whole || l->gb == 0))
		return GT_CHARSET_GB18030;
	return GT_CHARSET_NONE;
}

/* ----------------------------------------------------------- looked at */

/* What was found of texts lately. A row is found by the object and the member,
 * and holds the last of those that meet there. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct row {
	struct gt_id object;
	uint32_t index;
	bool known;
	enum gt_charset charset;
} rows[ROWS];

static struct row *row_of(const struct gt_id *object, uint32_t index)
{
	uint32_t h = object->b[0] | (uint32_t)object->b[1] << 8;
	return &rows[(h + index) % ROWS];
}

static bool recall(const struct gt_id *object, uint32_t index,
                   enum gt_charset *out)
{
	const struct row *r = row_of(object, index);
	pthread_mutex_lock(&lock);
	bool is = r->known && r->index == index && gt_id_eq(&r->object, object);
	*out = r->charset;
	pthread_mutex_unlock(&lock);
	return is;
}

static void remember(const struct gt_id *object, uint32_t index,
                     enum gt_charset charset)
{
	pthread_mutex_lock(&lock);
	*row_of(object, index) = (struct row){*object, index, true, charset};
	pthread_mutex_unlock(&lock);
}

static bool take(void *arg, const uint8_t *p, size_t n)
{
	struct gt_charset_look *l = arg;
	gt_charset_feed(l, p, n);
	return !l->no_utf8 || !l->no_gb;
}

static enum gt_charset look(struct gt_http *http, struct gt_worker *w,
                            struct gt_shelf **s, const struct gt_member *m)
{
	const struct gt_file *f = &m->file;
	struct gt_id object = (*s)->index.object;
	struct gt_charset_look l = {0};
	enum gt_charset charset = GT_CHARSET_NONE;
	if (recall(&object, m->number, &charset))
		return charset;
	uint64_t n = f->size < LOOK_BYTES ? f->size : LOOK_BYTES;
	/* what cannot be read is told of when it is sent */
	if (n > 0 && gt_http_body_look(http, w, s, f->offset, n, take, &l) != 0)
		return GT_CHARSET_NONE;
	charset = gt_charset_end(&l, f->media_type, n == f->size);
	remember(&object, m->number, charset);
	return charset;
}

const char *gt_charset_type(struct gt_http *http, struct gt_worker *w,
                            struct gt_shelf **s, const struct gt_member *m,
                            const char *media_type, char room[GT_CHARSET_TYPE])
{
	static const char *const names[] = {NULL, "utf-8", "gb18030"};
	if (!is_type(media_type, "text/") || strchr(media_type, ';'))
		return media_type;
	const char *name = names[look(http, w, s, m)];
	if (!name)
		return media_type;
	gt_format(room, GT_CHARSET_TYPE, "%s; charset=%s", media_type, name);
	return room;
}
