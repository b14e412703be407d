#include "canon.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "json.h"
#include "utf8.h"

enum { ROUNDS = 4, LABEL = 64 };

/* ------------------------------------------------------- percent, fold */

/* In place; whether anything was encoded. */
static bool decode(struct gt_buffer *b)
{
	size_t to = 0;
	bool any = false;
	for (size_t i = 0; i < b->n; i++, to++) {
		int high = -1, low = -1;
		if (b->p[i] == '%' && i + 2 < b->n) {
			high = gt_hex_digit((char)b->p[i + 1]);
			low = gt_hex_digit((char)b->p[i + 2]);
		}
		if (high < 0 || low < 0) {
			b->p[to] = b->p[i];
			continue;
		}
		b->p[to] = (uint8_t)(high * 16 + low);
		i += 2;
		any = true;
	}
	b->n = to;
	for (size_t i = 0; i < to; i++)
		if (b->p[i] == '\0')
			b->p[i] = ' ';
	return any;
}

static void fold_bytes(struct gt_buffer *b)
{
	for (size_t i = 0; i < b->n; i++)
		b->p[i] = (uint8_t)gt_lower((char)b->p[i]);
}

static bool is_ascii(const struct gt_buffer *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] & 0x80)
			return false;
	return true;
}

/* NFKC and case folding. */
static int fold(struct gt_buffer *b)
{
	utf8proc_uint8_t *text = NULL;
	if (is_ascii(b) || !gt_utf8_valid((const char *)b->p, b->n)) {
		fold_bytes(b);
		return 0;
	}
	utf8proc_ssize_t n = utf8proc_map(
	        b->p, (utf8proc_ssize_t)b->n, &text,
	        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
	                UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
	if (n == UTF8PROC_ERROR_NOMEM)
		return -GT_ENOMEM;
	if (n < 0) {
		fold_bytes(b);
		return 0;
	}
	b->n = 0;
	bool ok = gt_buffer_add(b, text, (size_t)n);
	free(text);
	return ok ? 0 : -GT_ENOMEM;
}

/* ----------------------------------------------------------- Punycode */

/* RFC 3492, 6.1. */
static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
	uint32_t k = 0;
	delta = first ? delta / 700 : delta / 2;
	for (delta += delta / count; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

static int digit_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	return c >= '0' && c <= '9' ? c - '0' + 26 : -1;
}

/* One delta; the digits it took are left behind. False: it is none. */
static bool delta_of(const char **s, size_t *n, uint32_t bias, uint32_t *out)
{
	uint64_t i = 0, w = 1;
	for (uint32_t k = 36;; k += 36) {
		int d = *n > 0 ? digit_of(**s) : -1;
		uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
		if (d < 0)
			return false;
		(*s)++;
		(*n)--;
		i += (uint64_t)d * w;
		if (i > UINT32_MAX / 2)
			return false;
		if ((uint32_t)d < t)
			break;
		w *= 36 - t;
		if (w > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)i;
	return true;
}

/* RFC 3492, 6.2: a label behind "xn--", in lower case, to its characters; their
 * number, 0: it is none. */
static size_t punycode(const char *s, size_t n, uint32_t out[LABEL])
{
	size_t count = 0, basic = n;
	bool first = true;
	uint32_t code = 128, bias = 72, i = 0;
	while (basic > 0 && s[basic - 1] != '-')
		basic--;
	for (size_t k = 0; k + 1 < basic; k++)
		out[count++] = (uint32_t)s[k];
	s += basic;
	n -= basic;
	while (n > 0 && count < LABEL) {
		uint32_t delta, many = (uint32_t)count + 1;
		if (!delta_of(&s, &n, bias, &delta))
			return 0;
		bias = adapt(delta, many, first);
		first = false;
		i += delta;
		code += i / many;
		i %= many;
		if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		memmove(out + i + 1, out + i, (count - i) * sizeof *out);
		out[i++] = code;
		count++;
	}
	return n == 0 ? count : 0;
}

static size_t label_at(const uint8_t *p, size_t n)
{
	size_t k = 0;
	while (k < n && k < LABEL - 1 &&
	       (digit_of((char)p[k]) >= 0 || p[k] == '-'))
		k++;
	return k;
}

/* Labels in Unicode; *any: there were some. */
static int unpuny(struct gt_buffer *b, bool *any)
{
	struct gt_buffer out = {0};
	*any = false;
	for (size_t i = 0; i < b->n;) {
		uint32_t c[LABEL];
		size_t n = 0, count = 0;
		if (b->n - i > 4 && memcmp(b->p + i, "xn--", 4) == 0) {
			n = label_at(b->p + i + 4, b->n - i - 4);
			count = punycode((const char *)b->p + i + 4, n, c);
		}
		for (size_t k = 0; k < count; k++) {
			utf8proc_uint8_t text[4];
			utf8proc_ssize_t len = utf8proc_encode_char(
			        (utf8proc_int32_t)c[k], text);
			gt_buffer_add(&out, text, (size_t)len);
		}
		if (count == 0)
			gt_buffer_add(&out, b->p + i, 1);
		*any = *any || count > 0;
		i += count > 0 ? n + 4 : 1;
	}
	if (out.failed) {
		gt_buffer_free(&out);
		return -GT_ENOMEM;
	}
	gt_buffer_free(b);
	*b = out;
	return 0;
}

/* -------------------------------------------------------------- texts */

/* The whole of b; what is found in one spelling may be another inside. */
static int canonical(struct gt_buffer *b)
{
	bool encoded = true, puny = true;
	int status = 0;
	for (int i = 0; status == 0 && i < ROUNDS && (encoded || puny); i++) {
		encoded = decode(b);
		status = fold(b);
		/* a full-width percent sign is one now */
		encoded = encoded || memchr(b->p, '%', b->n);
		if (status == 0)
			status = unpuny(b, &puny);
	}
	return status;
}

static int append(struct gt_buffer *out, const struct gt_buffer *b)
{
	return gt_buffer_add(out, b->p, b->n) ? 0 : -GT_ENOMEM;
}

int gt_canon_text(struct gt_buffer *out, const char *s, size_t n)
{
	struct gt_buffer b = {0};
	int status = gt_buffer_add(&b, s, n) ? canonical(&b) : -GT_ENOMEM;
	if (status == 0)
		status = append(out, &b);
	gt_buffer_free(&b);
	return status;
}

/* Digits and what people write between them, and nothing else. */
static bool is_phone(const struct gt_buffer *b)
{
	size_t digits = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] >= '0' && b->p[i] <= '9')
			digits++;
		else if (!strchr("+-(). ", b->p[i]))
			return false;
	}
	return digits >= 7;
}

static void bare_digits(struct gt_buffer *b)
{
	size_t to = 0;
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] >= '0' && b->p[i] <= '9')
			b->p[to++] = b->p[i];
	b->n = to;
	if (b->n == 13 && memcmp(b->p, "861", 3) == 0) {
		memmove(b->p, b->p + 2, 11);
		b->n = 11;
	}
}

int gt_canon_name(struct gt_buffer *out, const char *s, size_t n)
{
	struct gt_buffer b = {0};
	int status = gt_canon_text(&b, s, n);
	if (status == 0 && b.n > 4 && memcmp(b.p, "tel:", 4) == 0) {
		memmove(b.p, b.p + 4, b.n - 4);
		b.n -= 4;
	}
	if (status == 0 && is_phone(&b))
		bare_digits(&b);
	if (status == 0)
		status = append(out, &b);
	gt_buffer_free(&b);
	return status;
}

/* ------------------------------------------------------------- people */

void gt_canon_clear(struct gt_canon *c)
{
	c->key.n = c->text.n = c->bare.n = 0;
}

void gt_canon_free(struct gt_canon *c)
{
	gt_buffer_free(&c->key);
	gt_buffer_free(&c->text);
	gt_buffer_free(&c->bare);
}

static bool sha1_key(struct gt_canon *c, const char *hex)
{
	return gt_buffer_format(&c->key, "s:%s", hex);
}

/* "mailto:" is left out of the text. */
static int mailbox(struct gt_canon *c, const char *s, size_t n)
{
	static const char scheme[] = "mailto:";
	enum { SCHEME = sizeof scheme - 1 };
	struct gt_buffer b = {0};
	uint8_t sum[SHA_DIGEST_LENGTH];
	char hex[2 * SHA_DIGEST_LENGTH + 1];
	int status = gt_canon_text(&b, s, n);
	if (status == 0 && (b.n < SCHEME || memcmp(b.p, scheme, SCHEME) != 0))
		status = -GT_EINVALID;
	if (status == 0) {
		SHA1(b.p, b.n, sum);
		gt_hex(hex, sum, sizeof sum);
		if (!sha1_key(c, hex) ||
		    !gt_buffer_add(&c->text, b.p + SCHEME, b.n - SCHEME))
			status = -GT_ENOMEM;
	}
	gt_buffer_free(&b);
	return status;
}

static int sha1sum(struct gt_canon *c, const char *s, size_t n)
{
	int status = gt_canon_text(&c->text, s, n);
	return status                                 ? status
	       : sha1_key(c, (const char *)c->text.p) ? 0
	                                              : -GT_ENOMEM;
}

static int openid(struct gt_canon *c, const char *s, size_t n)
{
	int status = gt_canon_text(&c->text, s, n);
	while (c->text.n > 0 && c->text.p[c->text.n - 1] == '/')
		c->text.n--;
	if (status == 0 && !(gt_buffer_str(&c->key, "o:") &&
	                     gt_buffer_add(&c->key, c->text.p, c->text.n)))
		status = -GT_ENOMEM;
	return status;
}

/* home NULL: wherever it is. */
static int account(struct gt_canon *c, const char *home, size_t nhome,
                   const char *name, size_t nname)
{
	int status = gt_canon_name(&c->text, name, nname);
	if (status == 0 && !(gt_buffer_str(&c->bare, "n:") &&
	                     gt_buffer_add(&c->bare, c->text.p, c->text.n)))
		status = -GT_ENOMEM;
	if (status == 0 && !home)
		return append(&c->key, &c->bare);
	if (status == 0 && !gt_buffer_str(&c->key, "a:"))
		status = -GT_ENOMEM;
	if (status == 0)
		status = gt_canon_text(&c->key, home, nhome);
	while (status == 0 && c->key.n > 2 && c->key.p[c->key.n - 1] == '/')
		c->key.n--;
	if (status == 0 && !gt_buffer_str(&c->key, "\n"))
		status = -GT_ENOMEM;
	return status ? status : append(&c->key, &c->text);
}

int gt_canon_agent(struct gt_canon *c, const json_t *agent)
{
	const char *s;
	const json_t *a = json_object_get(agent, "account");
	if (a) {
		const char *home = gt_json_member(a, "homePage");
		const char *name = gt_json_member(a, "name");
		return account(c, home, strlen(home), name, strlen(name));
	}
	if (*(s = gt_json_member(agent, "mbox")))
		return mailbox(c, s, strlen(s));
	if (*(s = gt_json_member(agent, "mbox_sha1sum")))
		return sha1sum(c, s, strlen(s));
	if (*(s = gt_json_member(agent, "openid")))
		return openid(c, s, strlen(s));
	return 0;
}

static bool begins(const char *s, size_t n, const char *with)
{
	size_t k = strlen(with);
	for (size_t i = 0; i < k; i++)
		if (i >= n || gt_lower(s[i]) != with[i])
			return false;
	return true;
}

int gt_canon_written(struct gt_canon *c, const char *s, size_t n)
{
	const char *bar = memchr(s, '|', n);
	if (begins(s, n, "mailto:"))
		return mailbox(c, s, n);
	if (begins(s, n, "sha1:"))
		return sha1sum(c, s + 5, n - 5);
	if (begins(s, n, "openid:"))
		return openid(c, s + 7, n - 7);
	if (bar)
		return account(c, s, (size_t)(bar - s), bar + 1,
		               n - (size_t)(bar + 1 - s));
	return account(c, NULL, 0, s, n);
}
