#include "base.h"

/* The plain functions, marked old in OpenSSL 3 but there: the new ones look the
 * algorithm up and allocate at each call, which costs more than hashing a node
 * of a Merkle tree. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

struct gt_bytes gt_bytes_of(const void *p, size_t n)
{
	return (struct gt_bytes){p, n};
}

struct gt_bytes gt_bytes_str(const char *s)
{
	return (struct gt_bytes){(const uint8_t *)s, s ? strlen(s) : 0};
}

bool gt_bytes_eq(struct gt_bytes a, struct gt_bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool gt_id_eq(const struct gt_id *a, const struct gt_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool gt_id_is_zero(const struct gt_id *a)
{
	static const struct gt_id zero;
	return gt_id_eq(a, &zero);
}

bool gt_transfer_id_eq(const struct gt_transfer_id *a,
                       const struct gt_transfer_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool gt_transfer_id_is_zero(const struct gt_transfer_id *a)
{
	static const struct gt_transfer_id zero;
	return gt_transfer_id_eq(a, &zero);
}

void gt_hex(char *out, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = '\0';
}

void gt_id_hex(char out[GT_HEX_ID], const struct gt_id *id)
{
	gt_hex(out, id->b, sizeof id->b);
}

void gt_transfer_id_hex(char out[GT_HEX_TRANSFER],
                        const struct gt_transfer_id *id)
{
	gt_hex(out, id->b, sizeof id->b);
}

char gt_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool gt_alike(const char *a, const char *b, size_t n)
{
	size_t i = 0;
	while (i < n && a[i] && gt_lower(a[i]) == gt_lower(b[i]))
		i++;
	return i == n || a[i] == b[i];
}

int gt_hex_digit(char c)
{
	c = gt_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool gt_unhex(uint8_t *out, size_t n, const char *hex)
{
	for (size_t i = 0; i < n; i++) {
		int hi = gt_hex_digit(hex[2 * i]);
		int lo = hi < 0 ? -1 : gt_hex_digit(hex[2 * i + 1]);
		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return hex[2 * n] == '\0';
}

bool gt_copy(char *out, size_t cap, const char *s)
{
	size_t n = strlen(s);
	bool fits = n < cap;
	assert(cap > 0);
	n = gt_utf8_cut(s, n, cap - 1);
	memcpy(out, s, n);
	out[n] = '\0';
	return fits;
}

void gt_format(char *out, size_t cap, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(out, cap, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if (cap > 0 && (size_t)n >= cap)
		out[gt_utf8_cut(out, (size_t)n, cap - 1)] = '\0';
}

void *gt_lend(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = {.in = p};
	return u.out;
}

uint32_t gt_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

void gt_put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void gt_put64(uint8_t *p, uint64_t v)
{
	gt_put32(p, (uint32_t)(v >> 32));
	gt_put32(p + 4, (uint32_t)v);
}

void gt_sha256(struct gt_id *out, const struct gt_bytes *parts, size_t n)
{
	SHA256_CTX c;
	int ok = SHA256_Init(&c);
	for (size_t i = 0; ok && i < n; i++)
		ok = SHA256_Update(&c, parts[i].p, parts[i].n);
	ok = ok && SHA256_Final(out->b, &c);
	/* Without a hash nothing here can be true: stop rather than guess. */
	assert(ok);
}

void gt_sha256_one(struct gt_id *out, const void *p, size_t n)
{
	struct gt_bytes part = {p, n};
	gt_sha256(out, &part, 1);
}

int gt_sha256_at(struct gt_id *out, uint64_t n, gt_bytes_at *read, void *arg)
{
	uint8_t piece[8192];
	SHA256_CTX c;
	int status = 0, ok = SHA256_Init(&c);
	for (uint64_t at = 0; ok && status == 0 && at < n;) {
		size_t k =
		        n - at < sizeof piece ? (size_t)(n - at) : sizeof piece;
		status = read(arg, at, piece, k);
		ok = status != 0 || SHA256_Update(&c, piece, k);
		at += k;
	}
	ok = ok && SHA256_Final(out->b, &c);
	assert(ok);
	return status;
}

void gt_sha1(uint8_t out[GT_SHA1_BYTES], struct gt_bytes text)
{
	const void *done = SHA1(text.p, text.n, out);
	assert(done);
	(void)done;
}
