/* xapi_text.c: the strings of a statement that must have a form.
 * Tests: u_statement.c. */
#include <string.h>

#include "iso8601.h"
#include "xapi.h"

#define DIGIT "0123456789"
#define HEX   DIGIT "abcdefABCDEF"
#define ALPHA "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool gt_xapi_is_uuid(const char *s)
{
	static const size_t part[] = {8, 4, 4, 4, 12};
	for (size_t i = 0; i < 5; i++) {
		if (strspn(s, HEX) != part[i])
			return false;
		s += part[i];
		if (*s++ != (i < 4 ? '-' : '\0'))
			return false;
	}
	return true;
}

bool gt_xapi_is_iri(const char *s)
{
	size_t scheme = strspn(s, ALPHA DIGIT "+-.");
	if (scheme == 0 || !strchr(ALPHA, s[0]) || s[scheme] != ':')
		return false;
	const char *rest = s + scheme + 1;
	for (const char *p = rest; *p; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f ||
		    strchr("<>\"{}|\\^`", *p))
			return false;
	return *rest != '\0';
}

bool gt_xapi_is_language(const char *s)
{
	size_t n = strspn(s, ALPHA);
	if (n == 0 || n > 8 || (n == 1 && !strchr("xXiI", *s)))
		return false;
	bool bare = n == 1;
	for (s += n; *s == '-'; s += n) {
		n = strspn(++s, ALPHA DIGIT);
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
	return strlen(s) == 40 && strspn(s, HEX) == 40;
}

bool gt_xapi_is_sha2(const char *s)
{
	size_t n = strlen(s);
	return strspn(s, HEX) == n &&
	       (n == 56 || n == 64 || n == 96 || n == 128);
}

bool gt_xapi_is_media_type(const char *s)
{
	static const char token[] = ALPHA DIGIT "!#$%&'*+.^_`|~-";
	size_t n = strspn(s, token);
	if (n == 0 || s[n] != '/')
		return false;
	s += n + 1;
	n = strspn(s, token);
	return n > 0 && (s[n] == '\0' || s[n] == ';' || s[n] == ' ');
}

bool gt_xapi_is_version(const char *s)
{
	if ((*s != '1' && *s != '2') || s[1] != '.' || s[2] != '0')
		return false;
	s += 3;
	if (*s == '\0')
		return true;
	size_t n = strspn(s + 1, DIGIT);
	return *s == '.' && n > 0 && s[1 + n] == '\0';
}

bool gt_xapi_is_time(const char *s)
{
	return gt_iso_parse(NULL, s);
}
