/* xapi_text.c: the strings of a statement that must have a form.
 * Tests: u_statement.c. */
#include <string.h>

#include "iso8601.h"
#include "xapi.h"

/* What a byte may be part of. */
enum {
	DIGIT = 1,
	HEX = 2,
	ALPHA = 4,
	MARK = 8,    /* of a scheme, beside letters and digits */
	TOKEN = 16,  /* of a media type */
	FOREIGN = 32 /* never of an IRI, RFC 3987; nor are controls */
};

/* Of ASCII, eight bytes a row, each begun by the one named; u_statement `texts`
 * asks for every byte. */
static const uint8_t classes[256] = {
        /* clang-format off */
        /* 0x00 */ 32, 32, 32, 32, 32, 32, 32, 32,
        /* 0x08 */ 32, 32, 32, 32, 32, 32, 32, 32,
        /* 0x10 */ 32, 32, 32, 32, 32, 32, 32, 32,
        /* 0x18 */ 32, 32, 32, 32, 32, 32, 32, 32,
        /* 0x20 */ 32, 16, 32, 16, 16, 16, 16, 16,
        /* (    */  0,  0, 16, 24,  0, 24, 24,  0,
        /* 0    */ 19, 19, 19, 19, 19, 19, 19, 19,
        /* 8    */ 19, 19,  0,  0, 32,  0, 32,  0,
        /* @    */  0, 22, 22, 22, 22, 22, 22, 20,
        /* H    */ 20, 20, 20, 20, 20, 20, 20, 20,
        /* P    */ 20, 20, 20, 20, 20, 20, 20, 20,
        /* X    */ 20, 20, 20,  0, 32,  0, 48, 16,
        /* `    */ 48, 22, 22, 22, 22, 22, 22, 20,
        /* h    */ 20, 20, 20, 20, 20, 20, 20, 20,
        /* p    */ 20, 20, 20, 20, 20, 20, 20, 20,
        /* x    */ 20, 20, 20, 32, 48, 32, 16, 32,
        /* clang-format on */
};

/* How many of the bytes s begins with are such; its NUL is none but FOREIGN. */
static size_t span(const char *s, unsigned what)
{
	size_t n = 0;
	while (classes[(uint8_t)s[n]] & what)
		n++;
	return n;
}

bool gt_xapi_is_uuid(const char *s)
{
	static const size_t part[] = {8, 4, 4, 4, 12};
	for (size_t i = 0; i < 5; i++) {
		if (span(s, HEX) != part[i])
			return false;
		s += part[i];
		if (*s++ != (i < 4 ? '-' : '\0'))
			return false;
	}
	return true;
}

bool gt_xapi_is_iri(const char *s)
{
	size_t scheme = span(s, ALPHA | DIGIT | MARK);
	if (scheme == 0 || !(classes[(uint8_t)*s] & ALPHA) || s[scheme] != ':')
		return false;
	const char *rest = s + scheme + 1, *p = rest;
	while (!(classes[(uint8_t)*p] & FOREIGN))
		p++;
	return *p == '\0' && p > rest;
}

bool gt_xapi_is_language(const char *s)
{
	size_t n = span(s, ALPHA);
	if (n == 0 || n > 8 || (n == 1 && !strchr("xXiI", *s)))
		return false;
	bool bare = n == 1;
	for (s += n; *s == '-'; s += n) {
		n = span(++s, ALPHA | DIGIT);
		if (n == 0 || n > 8)
			return false;
		bare = false;
	}
	return *s == '\0' && !bare;
}

bool gt_xapi_is_mailto(const char *s)
{
	if (strncmp(s, "mailto:", 7) != 0)
		return false;
	const char *at = strrchr(s + 7, '@');
	return at && at > s + 7 && at[1] != '\0' && gt_xapi_is_iri(s);
}

bool gt_xapi_is_sha1(const char *s)
{
	return span(s, HEX) == 40 && s[40] == '\0';
}

bool gt_xapi_is_sha2(const char *s)
{
	size_t n = span(s, HEX);
	return s[n] == '\0' && (n == 56 || n == 64 || n == 96 || n == 128);
}

bool gt_xapi_is_media_type(const char *s)
{
	size_t n = span(s, TOKEN);
	if (n == 0 || s[n] != '/')
		return false;
	s += n + 1;
	n = span(s, TOKEN);
	return n > 0 && (s[n] == '\0' || s[n] == ';' || s[n] == ' ');
}

bool gt_xapi_is_version(const char *s)
{
	if ((*s != '1' && *s != '2') || s[1] != '.' || s[2] != '0')
		return false;
	s += 3;
	if (*s == '\0')
		return true;
	size_t n = span(s + 1, DIGIT);
	return *s == '.' && n > 0 && s[1 + n] == '\0';
}

bool gt_xapi_is_version_1(const char *s)
{
	return *s == '1' && gt_xapi_is_version(s);
}

bool gt_xapi_is_interaction(const char *s)
{
	static const char *const list[] = {
	        "true-false", "choice",      "fill-in",    "long-fill-in",
	        "matching",   "performance", "sequencing", "likert",
	        "numeric",    "other"};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

bool gt_xapi_is_time(const char *s)
{
	return gt_iso_parse(NULL, s);
}
