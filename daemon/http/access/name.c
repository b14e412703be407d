#include "name.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "buffer.h"
#include "fold.h"
#include "utf8.h"

/* ---------------------------------------------------- what may be in it */

enum script { NONE, ASCII, HAN, UYGHUR, TIBETAN, MONGOLIAN, HANGUL, YI };

/* Without what a script has twice, and marks that change no letter. */
static const struct {
	uint32_t first, last;
	enum script script;
} ranges[] = {
        {'-', '.', ASCII},           {'0', '9', ASCII},
        {'@', 'Z', ASCII},           {'_', '_', ASCII},
        {'a', 'z', ASCII},           {' ', ' ', ASCII},
        {0xb7, 0xb7, ASCII},         {0x3007, 0x3007, HAN},
        {0x3400, 0x4dbf, HAN},       {0x4e00, 0x9fff, HAN},
        {0x20000, 0x323af, HAN},     {0xf0b, 0xf0b, TIBETAN},
        {0xf40, 0xf69, TIBETAN},     {0xf71, 0xf72, TIBETAN},
        {0xf74, 0xf74, TIBETAN},     {0xf7a, 0xf7d, TIBETAN},
        {0xf80, 0xf80, TIBETAN},     {0xf90, 0xfb9, TIBETAN},
        {0x1820, 0x1842, MONGOLIAN}, {0xac00, 0xd7a3, HANGUL},
        {0xa000, 0xa48c, YI},
};

/* Of Arabic letters those of Uyghur and of the Kazakh of China: Persian's and
 * Urdu's are other letters of the same looks. */
static const uint16_t uyghur[] = {
        0x626, 0x627, 0x628, 0x62a, 0x62c, 0x62d, 0x62e, 0x62f, 0x631,
        0x632, 0x633, 0x634, 0x639, 0x63a, 0x641, 0x642, 0x643, 0x644,
        0x645, 0x646, 0x648, 0x649, 0x64a, 0x674, 0x67e, 0x686, 0x698,
        0x6ad, 0x6af, 0x6be, 0x6c6, 0x6c7, 0x6c8, 0x6cb, 0x6d0, 0x6d5,
};

/* A stroke by itself is a letter or a hyphen to the eye. */
static bool is_stroke(uint32_t c)
{
	static const uint16_t strokes[] = {0x4e28, 0x4e36, 0x4e3f,
	                                   0x4e40, 0x4e5a, 0x4e85};
	for (size_t i = 0; i < sizeof strokes / sizeof *strokes; i++)
		if (strokes[i] == c)
			return true;
	return false;
}

static enum script script_of(uint32_t c)
{
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return is_stroke(c) ? NONE : ranges[i].script;
	for (size_t i = 0; i < sizeof uyghur / sizeof *uyghur; i++)
		if (uyghur[i] == c)
			return UYGHUR;
	return NONE;
}

/* Written as it is in form NFKC, so that no letter has two ways to be written. */
static bool is_formed(const char *name)
{
	utf8proc_uint8_t *form = utf8proc_NFKC((const utf8proc_uint8_t *)name);
	bool is = form && strcmp((const char *)form, name) == 0;
	free(form);
	return is;
}

bool gt_access_name_plain(const char *name)
{
	enum script seen = ASCII;
	size_t n = strlen(name), len;
	if (strstr(name, "  "))
		return false;
	for (size_t at = 0; at < n; at += len) {
		enum script s =
		        script_of(gt_utf8_next(name + at, n - at, &len));
		bool neutral = s == ASCII || s == HAN;
		if (s == NONE || (!neutral && seen != ASCII && s != seen))
			return false;
		seen = neutral ? seen : s;
	}
	return is_formed(name);
}

/* ------------------------------------------------------ what looks alike */

/* Each is what stands first in its row, to the eye; the rest of a row is what
 * may be in a name, or was what others of an earlier program most likely have. */
static const char *const rows[] = {
        "aаαɑ", "bЬƅ", "cсϲ",     "dԁ",           "eеҽ",     "gɡ",  "hһ",
        "jјϳ",  "kкκ", "mм",      "nո",           "o0оοօ〇", "pрρ", "qԛ",
        "rг",   "sѕ",  "tтτ",     "uυս",          "vνѵ",     "wԝѡ", "xхχ",
        "yуγү", "iіι", "l1|ӏׁǀ丨", "-‐‑‒–—―−一ー", ".·・‧•∙", "ᠠᠡ",  "ᠣᠤᠥᠦ",
        "ᠬᠭ",   "ᠲᠳ",  "ᠵᠶ",
};

static uint32_t looks(uint32_t c)
{
	if (c < 0x80)
		return c == '0' ? 'o' : c == '1' || c == '|' ? 'l' : c;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = strlen(rows[i]), len, at = 0;
		uint32_t first = gt_utf8_next(rows[i], n, &len);
		for (; at < n; at += len)
			if (gt_utf8_next(rows[i] + at, n - at, &len) == c)
				return first;
	}
	return c;
}

/* I is l to the eye, and i to whoever hears it: both are asked. */
static bool skeleton(struct gt_buffer *out, const char *name, bool eye)
{
	struct gt_buffer seen = {0}, folded = {0};
	bool ok = gt_buffer_add(&seen, "", 0);
	for (; ok && *name; name++)
		ok = gt_buffer_add(&seen, eye && *name == 'I' ? "l" : name, 1);
	ok = ok && gt_fold_name(&folded, (const char *)seen.p);
	const char *p = (const char *)folded.p;
	for (size_t at = 0, len; ok && at < folded.n; at += len) {
		uint8_t bytes[GT_UTF8_MAX];
		uint32_t c = looks(gt_utf8_next(p + at, folded.n - at, &len));
		ok = gt_buffer_add(out, bytes,
		                   (size_t)utf8proc_encode_char(
		                           (utf8proc_int32_t)c, bytes));
	}
	gt_buffer_free(&seen);
	gt_buffer_free(&folded);
	return ok;
}

static int same(const char *a, const char *b, bool eye)
{
	struct gt_buffer one = {0}, other = {0};
	bool ok = skeleton(&one, a, eye) && skeleton(&other, b, eye);
	int is = !ok ? -1
	             : one.n == other.n && memcmp(one.p, other.p, one.n) == 0;
	gt_buffer_free(&one);
	gt_buffer_free(&other);
	return is;
}

int gt_access_name_alike(const char *old, const char *name)
{
	int is = same(old, name, false);
	if (is != 0 || (!strchr(old, 'I') && !strchr(name, 'I')))
		return is;
	return same(old, name, true);
}
