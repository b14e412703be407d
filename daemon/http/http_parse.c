#include "http_parse.h"

#include <string.h>
#include <strings.h>

#include "address.h"
#include "code.h"

bool gt_http_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 20 || text[n] != '\0')
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return v <= max;
}

/* Digits at *p, which moves past them. A number too large to hold is the
 * largest: a range that ends beyond the end is cut, not refused. */
static bool digits(const char **p, uint64_t *out)
{
	uint64_t v = 0;
	const char *s = *p;
	for (; *s >= '0' && *s <= '9'; s++) {
		uint64_t digit = (uint64_t)(*s - '0');
		v = v > (UINT64_MAX - digit) / 10 ? UINT64_MAX : v * 10 + digit;
	}
	if (s == *p)
		return false;
	*p = s;
	*out = v;
	return true;
}

enum gt_ranged gt_http_range(const char *header, uint64_t size,
                             struct gt_range *out)
{
	*out = (struct gt_range){0, size};
	if (!header || strncasecmp(header, "bytes=", 6) != 0)
		return GT_RANGE_WHOLE;
	const char *p = header + 6;
	uint64_t first = 0, last = UINT64_MAX;
	bool suffix = *p == '-';
	if (suffix) {
		p++;
		if (!digits(&p, &last) || *p != '\0')
			return GT_RANGE_WHOLE;
		if (last == 0 || size == 0)
			return GT_RANGE_UNFIT;
		out->n = last < size ? last : size;
		out->from = size - out->n;
		return GT_RANGE_PART;
	}
	if (!digits(&p, &first) || *p != '-')
		return GT_RANGE_WHOLE;
	p++;
	if (*p != '\0' && (!digits(&p, &last) || *p != '\0'))
		return GT_RANGE_WHOLE;
	if (last < first)
		return GT_RANGE_WHOLE;
	if (first >= size)
		return GT_RANGE_UNFIT;
	if (last >= size)
		last = size - 1;
	*out = (struct gt_range){first, last - first + 1};
	return GT_RANGE_PART;
}

const char *gt_http_target(const char *target, size_t *n,
                           char host[GT_HOST_MAX])
{
	static const char *const schemes[] = {"http://", "https://"};
	const char *path = target;
	host[0] = '\0';
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(schemes[i]);
		if (strncasecmp(target, schemes[i], len) != 0)
			continue;
		size_t host_n = strcspn(target + len, "/?#");
		gt_format(host, GT_HOST_MAX, "%.*s", (int)host_n, target + len);
		path = target + len + host_n;
	}
	*n = strcspn(path, "?#");
	if (*n > 0)
		return path;
	*n = 1; /* a URL may end with its host */
	return "/";
}

bool gt_http_decode(char *out, size_t cap, const char *raw, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)raw[i];
		if (c == '%') {
			if (n - i < 3)
				return false;
			int high = gt_hex_digit(raw[i + 1]),
			    low = gt_hex_digit(raw[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || len + 1 >= cap)
			return false;
		out[len++] = (char)c;
	}
	if (cap == 0)
		return false;
	out[len] = '\0';
	return true;
}

bool gt_http_split(const char *text, char rid[GT_RID_MAX + 1],
                   const char **path, bool *slash)
{
	const char *a = strchr(text, '/');
	if (!a)
		return false;
	size_t n = (size_t)(a + 1 - text) + strcspn(a + 1, "/");
	if (n > GT_RID_MAX)
		return false;
	memcpy(rid, text, n);
	rid[n] = '\0';
	*slash = text[n] == '/';
	*path = text + n + (*slash ? 1 : 0);
	return gt_rid_valid(rid);
}

/* ------------------------------------------------------------ lists */

/* One element of a comma-separated header: its token, trimmed, and whether it
 * carries a weight, in thousandths. Returns where the next one starts. */
static const char *element(const char *p, const char **token, size_t *n,
                           int *weight)
{
	p += strspn(p, " \t,");
	size_t whole = strcspn(p, ",");
	size_t len = strcspn(p, ",;");
	*token = p;
	*n = len;
	while (*n > 0 && (p[*n - 1] == ' ' || p[*n - 1] == '\t'))
		--*n;
	*weight = 1000;
	const char *end = p + whole, *q = p + len;
	while (end - q >= 3 && !(q[0] == 'q' && q[1] == '='))
		q++;
	if (end - q >= 3 && q[2] == '0') {
		*weight = 0;
		int unit = 100;
		for (q += 4; q < end && *q >= '0' && *q <= '9'; q++) {
			*weight += unit * (*q - '0');
			unit /= 10;
		}
	}
	return end;
}

static bool token_is(const char *token, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(token, word, n) == 0;
}

bool gt_http_accepts(const char *header, const char *coding)
{
	const char *token;
	size_t n;
	int weight;
	for (const char *p = header; p && *p;) {
		p = element(p, &token, &n, &weight);
		if (token_is(token, n, coding))
			return weight > 0;
	}
	return false;
}

static bool etag_in(const char *header, const char *etag, bool strong)
{
	size_t n = strlen(etag);
	for (const char *p = header; p && *p;) {
		p += strspn(p, " \t,");
		if (*p == '*')
			return true;
		bool weak = strncmp(p, "W/", 2) == 0;
		p += weak ? 2 : 0;
		if (!(weak && strong) && strncmp(p, etag, n) == 0 &&
		    (p[n] == '\0' || strchr(" \t,", p[n])))
			return true;
		if (*p == '"') {
			const char *end = strchr(p + 1, '"');
			if (!end)
				return false;
			p = end + 1;
		} else {
			p += strcspn(p, ",");
		}
	}
	return false;
}

bool gt_http_etag_listed(const char *header, const char *etag)
{
	return etag_in(header, etag, false);
}

bool gt_http_etag_matches(const char *header, const char *etag)
{
	return etag_in(header, etag, true);
}

/* The value of a parameter, out of its quotes. Returns what is behind it. */
static const char *parameter(const char *p, const char **value, size_t *n)
{
	bool quoted = *p == '"';
	p += quoted;
	*value = p;
	*n = strcspn(p, quoted ? "\"" : "; \t");
	p += *n;
	return p + (quoted && *p == '"');
}

enum gt_typed gt_http_typed(const char *header, const char *type)
{
	static const char blank[] = " \t";
	if (!header)
		return GT_TYPED_OTHER;
	const char *p = header + strspn(header, blank);
	size_t n = strcspn(p, "; \t");
	if (!token_is(p, n, type))
		return GT_TYPED_OTHER;
	p += n;
	p += strspn(p, blank);
	while (*p == ';') {
		const char *name = p + 1 + strspn(p + 1, blank), *value;
		size_t name_n = strcspn(name, "=; \t");
		p = name + name_n;
		if (*p == '=') {
			p = parameter(p + 1, &value, &n);
			if (token_is(name, name_n, "charset") &&
			    !token_is(value, n, "utf-8") &&
			    !token_is(value, n, "utf8"))
				return GT_TYPED_CHARSET;
		}
		p += strspn(p, blank);
	}
	return *p == '\0' ? GT_TYPED_RIGHT : GT_TYPED_OTHER;
}

bool gt_http_names(const char *text)
{
	return strlen(text) < 1000 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
	                         "QRSTUVWXYZ0123456789-_, ")] == '\0';
}

static const char *language_of(const char *tag, size_t n)
{
	if (n >= 2 && strncasecmp(tag, "zh", 2) == 0)
		return "zh-CN";
	if (n >= 2 && strncasecmp(tag, "en", 2) == 0)
		return "en";
	return NULL;
}

const char *gt_http_language(const char *query, const char *accept,
                             const char *fallback)
{
	const char *best = query ? language_of(query, strlen(query)) : NULL;
	if (best)
		return best;
	int best_weight = 0;
	for (const char *p = accept; p && *p;) {
		const char *token;
		size_t n;
		int weight;
		p = element(p, &token, &n, &weight);
		const char *lang = language_of(token, n);
		if (lang && weight > best_weight) {
			best = lang;
			best_weight = weight;
		}
	}
	if (!best && fallback)
		best = language_of(fallback, strlen(fallback));
	return best ? best : "en";
}

bool gt_http_host(char out[GT_HOST_MAX], const char *header)
{
	char text[GT_HOST_MAX];
	if (!header || !gt_copy(text, sizeof text, header))
		return false;
	for (char *p = text; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;
	char *port = end ? end + 1 : text + strcspn(text, ":");
	if (*port != '\0' && *port != ':')
		return false;
	bool numbered = *port == ':';
	*port = '\0';
	if (numbered && port[1 + strspn(port + 1, "0123456789")] != '\0')
		return false;
	/* as an address that may be listened on, whatever its port */
	char address[GT_HOST_MAX + 8];
	gt_format(address, sizeof address, "%s:0", text);
	return gt_address_valid(address, true) &&
	       gt_copy(out, GT_HOST_MAX, text);
}

/* ---------------------------------------------------------- secrets */

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool gt_http_unbase64(uint8_t *out, size_t *len, const char *text, size_t n)
{
	*len = 0;
	if (n % 4 != 0)
		return false;
	for (size_t i = 0; i < n; i += 4) {
		uint32_t v = 0;
		size_t pad = 0;
		for (size_t k = 0; k < 4; k++) {
			int s = sextet(text[i + k]);
			if (text[i + k] == '=' && k >= 2 && i + 4 == n) {
				pad++;
				s = 0;
			} else if (pad > 0) {
				return false;
			}
			if (s < 0)
				return false;
			v = v << 6 | (uint32_t)s;
		}
		for (size_t k = 0; k < 3 - pad; k++)
			out[(*len)++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return true;
}

bool gt_http_basic(const char *header, char *name, size_t name_cap,
                   char *password, size_t password_cap)
{
	char plain[512];
	size_t n;
	if (!header || strncasecmp(header, "Basic ", 6) != 0)
		return false;
	const char *text = header + 6;
	text += strspn(text, " ");
	if (strlen(text) > sizeof plain / 3 * 4)
		return false;
	if (!gt_http_unbase64((uint8_t *)plain, &n, text, strlen(text)) ||
	    n >= sizeof plain || memchr(plain, '\0', n))
		return false;
	plain[n] = '\0';
	char *colon = strchr(plain, ':');
	if (!colon)
		return false;
	*colon = '\0';
	return gt_copy(name, name_cap, plain) &&
	       gt_copy(password, password_cap, colon + 1);
}

bool gt_http_bearer(const char *header, char *secret, size_t cap)
{
	if (!header || strncasecmp(header, "Bearer ", 7) != 0)
		return false;
	const char *text = header + 7;
	text += strspn(text, " ");
	return *text && gt_copy(secret, cap, text);
}

bool gt_http_same_secret(const char *a, const char *b)
{
	struct gt_id x, y;
	/* hashes have one length, so neither length nor prefix shows */
	gt_sha256_one(&x, a, strlen(a));
	gt_sha256_one(&y, b, strlen(b));
	unsigned differ = 0;
	for (size_t i = 0; i < GT_ID_BYTES; i++)
		differ |= (unsigned)(x.b[i] ^ y.b[i]);
	return differ == 0;
}
