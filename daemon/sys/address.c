#include "address.h"

#include <stdlib.h>
#include <string.h>

static bool port_valid(const char *s, bool zero)
{
	size_t n = strspn(s, "0123456789");
	unsigned long v = n > 0 && n <= 5 ? strtoul(s, NULL, 10) : 65536;
	return s[n] == '\0' && v <= 65535 && (zero || v > 0);
}

bool gt_address_valid(const char *text, bool zero)
{
	static const char six[] = "0123456789abcdefABCDEF:.";
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
	                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                           "0123456789.-_";
	size_t n;
	if (text[0] == '[') {
		n = strspn(text + 1, six);
		return n >= 2 && text[n + 1] == ']' && text[n + 2] == ':' &&
		       port_valid(text + n + 3, zero);
	}
	n = strspn(text, name);
	return n > 0 && text[n] == ':' && port_valid(text + n + 1, zero);
}

bool gt_address_split(const char *text, char *host, size_t cap,
                      const char **port)
{
	const char *colon = strrchr(text, ':');
	if (!colon)
		return false;
	size_t n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= cap)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	*port = colon + 1;
	return true;
}
