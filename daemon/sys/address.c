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

static bool is_any(const char *host)
{
	return !*host || strcmp(host, "0.0.0.0") == 0 ||
	       strcmp(host, "::") == 0 || strcmp(host, "*") == 0;
}

static bool is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strcmp(host, "localhost") == 0;
}

/* "localhost" may be either of its two. */
static bool one_host(const char *a, const char *b)
{
	return strcmp(a, b) == 0 ||
	       (is_loopback(a) && is_loopback(b) &&
	        (strcmp(a, "localhost") == 0 || strcmp(b, "localhost") == 0));
}

bool gt_address_meets(const char *a, const char *listen)
{
	char one[256], two[256];
	const char *port, *at;
	if (!gt_address_split(a, one, sizeof one, &port) ||
	    !gt_address_split(listen, two, sizeof two, &at) ||
	    strcmp(port, at) != 0 || strcmp(port, "0") == 0)
		return false;
	return one_host(one, two) || (is_any(two) && is_loopback(one));
}

bool gt_address_collides(const char *a, const char *b)
{
	char one[256], two[256];
	const char *port, *at;
	if (!gt_address_split(a, one, sizeof one, &port) ||
	    !gt_address_split(b, two, sizeof two, &at) ||
	    strcmp(port, at) != 0 || strcmp(port, "0") == 0)
		return false;
	/* every address of one kind is not every one of the other */
	bool kin = !strchr(one, ':') == !strchr(two, ':') ||
	           strcmp(one, "::") == 0 || strcmp(two, "::") == 0;
	return one_host(one, two) || (kin && (is_any(one) || is_any(two)));
}
