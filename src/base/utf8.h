/* utf8.h: UTF-8 by the letter of RFC 3629: no surrogates, nothing overlong,
 * nothing beyond U+10FFFF. Whoever looks at characters asks here; what a
 * character means (a control, how wide) each knows best for himself, but for
 * what nobody wants on a screen. */
#ifndef GT_UTF8_H
#define GT_UTF8_H

#include "base.h"

enum { GT_UTF8_MAX = 4 }; /* bytes of a character */

#define GT_UTF8_BROKEN UINT32_MAX

/* The character that s, n bytes of which are there, begins with; its length
 * into *len. GT_UTF8_BROKEN: none, *len is 1. n must not be 0. In a string n
 * may be GT_UTF8_MAX wherever it ends: no byte behind its NUL is looked at. */
uint32_t gt_utf8_next(const char *s, size_t n, size_t *len);
/* All of it is characters. */
bool gt_utf8_valid(const char *s, size_t n);
/* How much to keep of s, which has n bytes, that is `most` bytes or fewer and
 * halves no character. What is broken may be cut anywhere. Looks at no byte
 * beyond `most`. */
size_t gt_utf8_cut(const char *s, size_t n, size_t most);

/* What a terminal or a log viewer would act on instead of showing: C0, DEL, C1,
 * separators of lines, what turns the direction of reading. */
bool gt_utf8_control(uint32_t c);

#endif
