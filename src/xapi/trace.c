/* trace.c: names looked for in every spelling.
 * Tests: u_identity.c. */
#include "trace.h"

#include <string.h>

#include "json.h"
#include "utf8.h"

enum {
	WHOLE = 5,   /* shorter names count only where they stand alone */
	LEAST64 = 6, /* characters of Base64 that are looked into */
	DEPTH = GT_JSON_DEPTH,
};

void gt_trace_add(struct gt_trace *t, const uint8_t *text, size_t n)
{
	while (n > 0 && text[n - 1] == ' ')
		n--;
	if (n < 2 || t->count > GT_TRACE_NAMES)
		return;
	for (size_t at = 0; at < t->names.n;) {
		const char *known = (const char *)t->names.p + at;
		size_t k = strlen(known);
		if (k == n && memcmp(known, text, n) == 0)
			return;
		at += k + 1;
	}
	t->count++;
	if (!gt_buffer_add(&t->names, text, n) ||
	    !gt_buffer_add(&t->names, "", 1))
		t->failed = true;
}

void gt_trace_free(struct gt_trace *t)
{
	gt_buffer_free(&t->names);
}

/* -------------------------------------------------------------- names */

/* What stands before the @ is a name too, if it is long enough to be one. */
static void add_text(struct gt_trace *t, const uint8_t *text, size_t n)
{
	const uint8_t *at = n ? memchr(text, '@', n) : NULL;
	gt_trace_add(t, text, n);
	if (at && at - text >= WHOLE)
		gt_trace_add(t, text, (size_t)(at - text));
}

static void add_canon(struct gt_trace *t, const struct gt_canon *c,
                      const struct gt_aliases *aliases)
{
	struct gt_bytes key, texts;
	add_text(t, c->text.p, c->text.n);
	/* a mailbox's key is its mbox_sha1sum */
	if (c->key.n > 2 && c->key.p[0] == 's')
		gt_trace_add(t, c->key.p + 2, c->key.n - 2);
	if (!gt_aliases_find(aliases, c, &key, &texts))
		return;
	for (size_t at = 0; at < texts.n;) {
		size_t k = strlen((const char *)texts.p + at);
		add_text(t, texts.p + at, k);
		at += k + 1;
	}
}

static void add_agent(struct gt_trace *t, const json_t *v,
                      const struct gt_aliases *aliases)
{
	struct gt_canon c = {0};
	struct gt_buffer name = {0};
	const char *s = gt_json_member(v, "name");
	int status = gt_canon_agent(&c, v);
	if (status == 0 && c.key.n > 0)
		add_canon(t, &c, aliases);
	if (status == 0 && *s)
		status = gt_canon_text(&name, s, strlen(s));
	gt_trace_add(t, name.p, name.n);
	if (status == -GT_ENOMEM)
		t->failed = true;
	gt_buffer_free(&name);
	gt_canon_free(&c);
}

static bool is_agent(const json_t *v)
{
	return json_object_get(v, "mbox") ||
	       json_object_get(v, "mbox_sha1sum") ||
	       json_object_get(v, "openid") || json_object_get(v, "account") ||
	       json_object_get(v, "member");
}

static void people(struct gt_trace *t, const json_t *v,
                   const struct gt_aliases *aliases, int depth)
{
	const char *key;
	json_t *value;
	if (depth == DEPTH)
		return;
	if (is_agent(v))
		add_agent(t, v, aliases);
	for (size_t i = 0; i < json_array_size(v); i++)
		people(t, json_array_get(v, i), aliases, depth + 1);
	if (!json_is_object(v))
		return;
	json_object_foreach((json_t *)gt_lend(v), key, value)
	        people(t, value, aliases, depth + 1);
}

void gt_trace_people(struct gt_trace *t, const json_t *v,
                     const struct gt_aliases *aliases)
{
	people(t, v, aliases, 0);
}

/* ----------------------------------------------------------- patterns */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* Digits, the last of a card's may be an x; not part of a longer number. */
static bool number_at(const uint8_t *p, size_t n, size_t i)
{
	size_t k = i;
	while (k < n && is_digit(p[k]))
		k++;
	size_t digits = k - i;
	bool x = digits == 17 && k < n && p[k] == 'x';
	k += x;
	if (i > 0 && is_digit(p[i - 1]))
		return false;
	return x || digits == 18 ||
	       (digits == 11 && p[i] == '1' && p[i + 1] >= '3') ||
	       (digits == 13 && memcmp(p + i, "861", 3) == 0);
}

static bool has_number(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(p[i]))
			continue;
		if (number_at(p, n, i))
			return true;
		while (i + 1 < n && is_digit(p[i + 1]))
			i++;
	}
	return false;
}

static bool has_address(const uint8_t *p, size_t n)
{
	for (size_t i = 1; i + 1 < n; i++)
		if (p[i] == '@' && is_word(p[i - 1]) && is_word(p[i + 1]))
			return true;
	return false;
}

/* As people write numbers: 138-0000-1111. */
static bool has_spaced_number(struct gt_trace *t, const uint8_t *p, size_t n)
{
	struct gt_buffer b = {0};
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		bool between = i > 0 && i + 1 < n && strchr("-. _", p[i]) &&
		               is_digit(p[i - 1]) && is_digit(p[i + 1]);
		if (between)
			any = true;
		else if (!gt_buffer_add(&b, p + i, 1))
			t->failed = true;
	}
	bool has = any && has_number(b.p, b.n);
	gt_buffer_free(&b);
	return has;
}

/* ------------------------------------------------------------- search */

static bool is_alnum(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z');
}

/* What is at i goes on before or behind: it is part of a longer name. */
static bool goes_on(const uint8_t *p, size_t n, size_t i, size_t k)
{
	return (i > 0 && is_alnum(p[i - 1]) && is_alnum(p[i])) ||
	       (i + k < n && is_alnum(p[i + k - 1]) && is_alnum(p[i + k]));
}

/* only: of names that were given, not of what may hide one. */
static bool found(const uint8_t *p, size_t n, const char *name, size_t k,
                  bool only)
{
	for (size_t i = 0; i + k <= n; i++) {
		const uint8_t *at = memchr(p + i, name[0], n - i - k + 1);
		if (!at)
			return false;
		i = (size_t)(at - p);
		if (memcmp(at, name, k) != 0 || (only && goes_on(p, n, i, k)))
			continue;
		if (k >= WHOLE || ((i == 0 || !is_word(p[i - 1])) &&
		                   (i + k == n || !is_word(p[i + k]))))
			return true;
	}
	return false;
}

static bool known(const struct gt_trace *t, const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < t->names.n;) {
		const char *name = (const char *)t->names.p + at;
		size_t k = strlen(name);
		if (found(p, n, name, k, t->only))
			return true;
		at += k + 1;
	}
	return false;
}

/* Of canonical text. */
static bool carries(struct gt_trace *t, const uint8_t *p, size_t n)
{
	bool is = known(t, p, n);
	if (is || t->only)
		return is;
	return has_address(p, n) || has_number(p, n) ||
	       has_spaced_number(t, p, n);
}

static bool carries_canon(struct gt_trace *t, const uint8_t *s, size_t n)
{
	struct gt_buffer b = {0};
	if (gt_canon_text(&b, (const char *)s, n) != 0)
		t->failed = true;
	bool is = carries(t, b.p, b.n);
	gt_buffer_free(&b);
	return is;
}

/* ------------------------------------------------------------- Base64 */

static int value64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* What n characters are from the one at `skip` on. */
static size_t decode64(uint8_t *out, const char *s, size_t n, size_t skip)
{
	uint32_t bits = 0, have = 0;
	size_t k = 0;
	for (size_t i = skip; i < n; i++) {
		bits = bits << 6 | (uint32_t)value64(s[i]);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[k++] = (uint8_t)(bits >> have);
	}
	return k;
}

/* Bytes that are no text only carry what they spell by letter. */
static bool carries_bytes(struct gt_trace *t, uint8_t *p, size_t n)
{
	if (gt_utf8_valid((const char *)p, n))
		return carries_canon(t, p, n);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)gt_lower((char)p[i]);
	return known(t, p, n);
}

/* A run of its alphabet, which may begin before what is encoded does. */
static bool run64(struct gt_trace *t, const char *s, size_t n)
{
	struct gt_buffer b = {0};
	bool is = false;
	if (!gt_buffer_room(&b, n)) {
		t->failed = true;
		return true;
	}
	for (size_t skip = 0; skip < 4 && !is; skip++)
		is = carries_bytes(t, b.p, decode64(b.p, s, n, skip));
	gt_buffer_free(&b);
	return is;
}

/* slash: it belongs to the alphabet, and is not what lies between two runs. */
static bool base64(struct gt_trace *t, const char *s, bool slash)
{
	for (size_t i = 0; s[i];) {
		size_t n = 0;
		while (s[i + n] && value64(s[i + n]) >= 0 &&
		       (slash || s[i + n] != '/'))
			n++;
		if (n >= LEAST64 && run64(t, s + i, n))
			return true;
		i += n ? n : 1;
	}
	return false;
}

/* In the text without its percent signs, of either kind of run. */
static bool in_base64(struct gt_trace *t, const char *text)
{
	return base64(t, text, false) ||
	       (strchr(text, '/') && base64(t, text, true));
}

bool gt_trace_in(struct gt_trace *t, const char *text)
{
	struct gt_buffer plain = {0};
	if (t->failed || t->count > GT_TRACE_NAMES)
		return true;
	bool is = carries_canon(t, (const uint8_t *)text, strlen(text)) ||
	          in_base64(t, text);
	if (!is && strchr(text, '%')) {
		/* "=" and "+" may be percent-encoded in it */
		for (const char *s = text; *s; s++) {
			int high = *s == '%' ? gt_hex_digit(s[1]) : -1;
			int low = high >= 0 ? gt_hex_digit(s[2]) : -1;
			char c = low >= 0 ? (char)(high * 16 + low) : *s;
			gt_buffer_add(&plain, &c, 1);
			s += low >= 0 ? 2 : 0;
		}
		t->failed = t->failed || plain.failed;
		is = plain.n > 0 && in_base64(t, (const char *)plain.p);
	}
	gt_buffer_free(&plain);
	return is || t->failed;
}
