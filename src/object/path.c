/* path.c: which names a member may have. */
#include "object.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "utf8.h"

enum { COMPONENT_MAX = 255 }; /* NAME_MAX wherever a package is unpacked */

const char *gt_path_refusal(const char *path, size_t n)
{
	switch (gt_path_check(path, n)) {
	case GT_PATH_FINE:
		return NULL;
#define X(name, en)          \
	case GT_PATH_##name: \
		return en;
		GT_PATH_FAULTS(X)
#undef X
	}
	assert(false); /* every fault has words */
	return "";
}

/* The ASCII letters each combining mark makes one character with (Unicode
 * 15.0, canonical compositions). */
static const struct {
	uint32_t mark;
	const char *letters;
} latin[] = {
        {0x300, "AEINOUWYaeinouwy"},
        {0x301, "ACEGIKLMNOPRSUWYZacegiklmnoprsuwyz"},
        {0x302, "ACEGHIJOSUWYZaceghijosuwyz"},
        {0x303, "AEINOUVYaeinouvy"},
        {0x304, "AEGIOUYaegiouy"},
        {0x306, "AEGIOUaegiou"},
        {0x307, "ABCDEFGHIMNOPRSTWXYZabcdefghmnoprstwxyz"},
        {0x308, "AEHIOUWXYaehiotuwxy"},
        {0x309, "AEIOUYaeiouy"},
        {0x30a, "AUauwy"},
        {0x30b, "OUou"},
        {0x30c, "ACDEGHIKLNORSTUZacdeghijklnorstuz"},
        {0x30f, "AEIORUaeioru"},
        {0x311, "AEIORUaeioru"},
        {0x31b, "OUou"},
        {0x323, "ABDEHIKLMNORSTUVWYZabdehiklmnorstuvwyz"},
        {0x324, "Uu"},
        {0x325, "Aa"},
        {0x326, "STst"},
        {0x327, "CDEGHKLNRSTcdeghklnrst"},
        {0x328, "AEIOUaeiou"},
        {0x32d, "DELNTUdelntu"},
        {0x32e, "Hh"},
        {0x330, "EIUeiu"},
        {0x331, "BDKLNRTZbdhklnrtz"},
};

/* Kana that take a voicing mark: odd ones from ka to do, then by hand. */
static bool voiced(uint32_t base, uint32_t mark)
{
	uint32_t c = base >= 0x30a1 ? base - 0x60 : base; /* katakana */
	bool h = c >= 0x306f && c <= 0x307b && (c - 0x306f) % 3 == 0;
	if (mark == 0x309a || h)
		return h;
	return c == 0x3046 || (c >= 0x304b && c <= 0x3061 && (c & 1) != 0) ||
	       c == 0x3064 || c == 0x3066 || c == 0x3068 || c == 0x309d ||
	       (base >= 0x30ef && base <= 0x30f2);
}

/* prev and c would be one character in NFC: what file systems that decompose
 * names (macOS) hand out for Latin, Japanese and Korean names. */
static bool composes(uint32_t prev, uint32_t c)
{
	if (c >= 0x300 && c <= 0x331 && prev < 0x80 && prev != '\0')
		for (size_t i = 0; i < sizeof latin / sizeof *latin; i++)
			if (latin[i].mark == c &&
			    strchr(latin[i].letters, (int)prev))
				return true;
	if (c == 0x3099 || c == 0x309a)
		return voiced(prev, c);
	if (prev >= 0x1100 && prev <= 0x1112)
		return c >= 0x1161 && c <= 0x1175;
	if (prev >= 0xac00 && prev <= 0xd7a3 && (prev - 0xac00) % 28 == 0)
		return c >= 0x11a8 && c <= 0x11c2;
	return false;
}

/* Characters NFC always replaces by another: Greek and letterlike twins, and
 * the CJK compatibility ideographs (but the twelve that are really unified). */
static bool is_twin(uint32_t c)
{
	static const uint8_t unified[] = {0x0e, 0x0f, 0x11, 0x13, 0x14, 0x1f,
	                                  0x21, 0x23, 0x24, 0x27, 0x28, 0x29};
	if (c == 0x340 || c == 0x341 || c == 0x343 || c == 0x344 ||
	    c == 0x37e || c == 0x387 || c == 0x2126 || c == 0x212a ||
	    c == 0x212b || c == 0x2329 || c == 0x232a || c == 0x2000 ||
	    c == 0x2001 || (c >= 0x2f800 && c <= 0x2fa1d))
		return true;
	if (c < 0xf900 || c > 0xfad9 || c == 0xfa6e || c == 0xfa6f)
		return false;
	return c < 0xfa00 || c > 0xfa29 ||
	       !memchr(unified, (int)(c - 0xfa00), sizeof unified);
}

static enum gt_path_fault check_component(const char *p, size_t n)
{
	if (n == 0)
		return GT_PATH_COMPONENT;
	if (n == 1 && p[0] == '.')
		return GT_PATH_DOT;
	if (n == 2 && p[0] == '.' && p[1] == '.')
		return GT_PATH_ESCAPE;
	return n > COMPONENT_MAX ? GT_PATH_NAME_LONG : GT_PATH_FINE;
}

static enum gt_path_fault check_text(const char *p, size_t n)
{
	uint32_t prev = 0;
	size_t len = 0;
	for (size_t i = 0; i < n; i += len) {
		uint32_t c = gt_utf8_next(p + i, n - i, &len);
		if (c == GT_UTF8_BROKEN)
			return GT_PATH_UTF8;
		if (gt_utf8_control(c))
			return GT_PATH_CONTROL;
		if (c == '\\')
			return GT_PATH_BACKSLASH;
		if (c >= 0x300 && (is_twin(c) || composes(prev, c)))
			return GT_PATH_NFC;
		prev = c;
	}
	return GT_PATH_FINE;
}

enum gt_path_fault gt_path_check(const char *path, size_t n)
{
	if (n == 0)
		return GT_PATH_EMPTY;
	if (n > GT_PATH_MAX)
		return GT_PATH_LONG;
	if (path[0] == '/')
		return GT_PATH_ABSOLUTE;
	for (size_t i = 0; i <= n;) {
		const char *slash = memchr(path + i, '/', n - i);
		size_t end = slash ? (size_t)(slash - path) : n;
		enum gt_path_fault f = check_component(path + i, end - i);
		if (f != GT_PATH_FINE)
			return f;
		i = end + 1;
	}
	return check_text(path, n);
}

/* No letter of these takes part in a composition. */
static bool inert(uint32_t c)
{
	return c < 0x300 || (c >= 0x4e00 && c <= 0x9fff);
}

static bool all_inert(const char *p, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i += len)
		if (!inert(gt_utf8_next(p + i, n - i, &len)))
			return false;
	return true;
}

/* path is UTF-8 of at most GT_PATH_MAX bytes; is it its own NFC? */
static bool is_nfc(const char *path, size_t n)
{
	/* no two bytes decompose into more than three characters (U+0390) */
	enum { ROOM = GT_PATH_MAX / 2 * 3 };
	utf8proc_int32_t c[ROOM];
	const int form = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
	if (all_inert(path, n))
		return true;
	utf8proc_ssize_t count =
	        utf8proc_decompose((const utf8proc_uint8_t *)path,
	                           (utf8proc_ssize_t)n, c, ROOM, form);
	if (count < 0 || count > ROOM)
		return false;
	count = utf8proc_normalize_utf32(c, count, form);
	size_t len = 0, at = 0;
	for (utf8proc_ssize_t i = 0; i < count; i++, at += len)
		if (at == n ||
		    gt_utf8_next(path + at, n - at, &len) != (uint32_t)c[i])
			return false;
	return at == n;
}

enum gt_path_fault gt_path_offer(const char *path, size_t n)
{
	enum gt_path_fault fault = gt_path_check(path, n);
	if (fault != GT_PATH_FINE)
		return fault;
	return is_nfc(path, n) ? GT_PATH_FINE : GT_PATH_NFC;
}

char *gt_path_show(char out[GT_PATH_SHOWN], const char *path, size_t n)
{
	size_t used = 0, len = 0, i = 0;
	out[used++] = '"';
	/* room for one more escape, the dots, the quote and the NUL */
	for (; i < n && used < GT_PATH_SHOWN - 12; i += len) {
		uint32_t c = gt_utf8_next(path + i, n - i, &len);
		if (c != GT_UTF8_BROKEN && !gt_utf8_control(c) && c != '"') {
			memcpy(out + used, path + i, len);
			used += len;
			continue;
		}
		len = 1;
		gt_format(out + used, 5, "\\x%02x", (uint8_t)path[i]);
		used += 4;
	}
	gt_format(out + used, GT_PATH_SHOWN - used, "%s\"", i < n ? "..." : "");
	return out;
}
