#include "encoding.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { LINE = 100 /* bytes of a line that are decoded */ };

/* Characters of Chinese text: what else decodes by chance (Latin 1 does, as rare
 * characters and ones of private use) is no sign of anything. */
static bool is_chinese(uint32_t c)
{
	return (c >= 0x4e00 && c <= 0x9fa5) || (c >= 0x3000 && c <= 0x303f) ||
	       (c >= 0xff00 && c <= 0xffef) || (c >= 0x2010 && c <= 0x2027) ||
	       c == 0xb7 || c == 0xd7 || (c >= 0x2460 && c <= 0x24ff);
}

/* What is shown stands in one line of a terminal. */
static bool fits(char *s, bool chinese)
{
	size_t n = strlen(s), len = 0;
	for (size_t i = 0; i < n; i += len) {
		if (s[i] == '\t')
			s[i] = ' ';
		uint32_t c = gt_utf8_next(s + i, n - i, &len);
		if (gt_utf8_control(c) ||
		    (chinese && c >= 0x80 && !is_chinese(c)))
			return false;
	}
	return true;
}

/* The beginning of a line in UTF-8: of n bytes as many characters as are whole
 * and have room. False: it is not that encoding. */
static bool decode(char out[GT_ENCODING_SHOWN], const char *name,
                   const uint8_t *p, size_t n)
{
	iconv_t with = iconv_open("UTF-8", name);
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	if (with == (iconv_t)-1)
		return false;
	bool cut = n > LINE;
	char *from = gt_lend((const char *)p), *to = out;
	size_t in = cut ? LINE : n, room = GT_ENCODING_SHOWN - 1;
	size_t bad = iconv(with, &from, &in, &to, &room);
	(void)iconv_close(with);
	*to = '\0';
	/* at a cut a character may be halved */
	return bad != SIZE_MAX || room < GT_UTF8_MAX || (cut && in < 4);
}

static size_t line_end(const uint8_t *p, size_t n)
{
	const uint8_t *nl = memchr(p, '\n', n);
	size_t k = nl ? (size_t)(nl - p) : n;
	return k > 0 && p[k - 1] == '\r' ? k - 1 : k;
}

/* UTF-16: its mark in front, or every other byte of its first two characters a
 * zero. Its first line is shown. */
static bool utf16(struct gt_encoding *e, struct gt_bytes text)
{
	const uint8_t *p = text.p;
	if (text.n < 2 || text.n % 2)
		return false;
	bool little = p[0] == 0xff && p[1] == 0xfe;
	bool big = p[0] == 0xfe && p[1] == 0xff;
	size_t mark = little || big ? 2 : 0, n = mark;
	if (!mark) {
		little = p[0] && !p[1];
		big = !p[0] && p[1];
	}
	if (!little && !big)
		return false;
	while (n + 1 < text.n && (p[n] | p[n + 1] << 8) != '\n' &&
	       (p[n] << 8 | p[n + 1]) != '\n' &&
	       (p[n] | p[n + 1] << 8) != '\r' && (p[n] << 8 | p[n + 1]) != '\r')
		n += 2;
	e->name = little ? "UTF-16LE" : "UTF-16BE";
	e->line = e->column = 1;
	if (!decode(e->shown, e->name, p + mark, n - mark) ||
	    !fits(e->shown, false))
		e->shown[0] = '\0';
	return true;
}

bool gt_encoding_other(struct gt_encoding *out, struct gt_bytes text)
{
	const char *p = (const char *)text.p;
	size_t line = 0, len = 0;
	*out = (struct gt_encoding){.line = 1, .column = 1};
	if (utf16(out, text))
		return true;
	for (size_t i = 0; i < text.n; i += len) {
		uint32_t c = gt_utf8_next(p + i, text.n - i, &len);
		out->column++;
		if (c == '\n') {
			out->line++;
			out->column = 1;
			line = i + 1;
		}
		if (c != GT_UTF8_BROKEN)
			continue;
		size_t n = line_end(text.p + line, text.n - line);
		out->column--;
		if (decode(out->shown, "GB18030", text.p + line, n) &&
		    fits(out->shown, true))
			out->name = "GB18030";
		else
			out->shown[0] = '\0';
		return true;
	}
	return false;
}

/* zh_CN.GBK, zh_CN.gb2312, zh_CN.GB18030 */
static bool terminal_is_gb(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;
	for (size_t i = 0; i < 3 && (!value || !*value); i++)
		value = getenv(names[i]);
	const char *dot = value ? strchr(value, '.') : NULL;
	return dot && gt_lower(dot[1]) == 'g' && gt_lower(dot[2]) == 'b';
}

void gt_encoding_print(FILE *out, const char *text)
{
	iconv_t with =
	        terminal_is_gb() ? iconv_open("GB18030", "UTF-8") : (iconv_t)-1;
	char *from = gt_lend(text), *kept = NULL;
	size_t in = strlen(text), room = 2 * in + 4;
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	if (with != (iconv_t)-1)
		kept = malloc(room);
	char *to = kept;
	if (kept && iconv(with, &from, &in, &to, &room) != SIZE_MAX)
		(void)fwrite(kept, 1, (size_t)(to - kept), out);
	else
		(void)fputs(text, out);
	free(kept);
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	if (with != (iconv_t)-1)
		(void)iconv_close(with);
}
