/* what takes a context the caller holds, as in base.c */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sha2.h"

#include <openssl/sha.h>
#include <string.h>

static_assert(sizeof(SHA512_CTX) <= GT_SHA2_STATE, "a digest fits");
static_assert(sizeof(SHA256_CTX) <= GT_SHA2_STATE, "a digest fits");

/* ---------------------------------------------------------- digests */

static bool known(size_t n)
{
	return n == SHA224_DIGEST_LENGTH || n == SHA256_DIGEST_LENGTH ||
	       n == SHA384_DIGEST_LENGTH || n == SHA512_DIGEST_LENGTH;
}

bool gt_sha2_of(struct gt_sha2 *out, const uint8_t *p, size_t n)
{
	if (!known(n))
		return false;
	*out = (struct gt_sha2){.n = (uint8_t)n};
	memcpy(out->b, p, n);
	return true;
}

bool gt_sha2_parse(struct gt_sha2 *out, const char *hex)
{
	size_t n = strlen(hex) / 2;
	*out = (struct gt_sha2){0};
	if (!known(n) || !gt_unhex(out->b, n, hex))
		return false;
	out->n = (uint8_t)n;
	return true;
}

void gt_sha2_hex(char out[GT_SHA2_HEX], const struct gt_sha2 *sha2)
{
	gt_hex(out, sha2->b, sha2->n);
}

bool gt_sha2_eq(const struct gt_sha2 *a, const struct gt_sha2 *b)
{
	return a->n == b->n && memcmp(a->b, b->b, a->n) == 0;
}

struct gt_bytes gt_sha2_bytes(const struct gt_sha2 *sha2)
{
	return gt_bytes_of(sha2->b, sha2->n);
}

/* -------------------------------------------------------- under way */

/* They fail for no reason but a null pointer. */
void gt_sha2_begin(struct gt_sha2_run *run, uint8_t n)
{
	void *c = run->state;
	int ok = 0;
	run->n = n;
	switch (n) {
	case SHA224_DIGEST_LENGTH:
		ok = SHA224_Init(c);
		break;
	case SHA256_DIGEST_LENGTH:
		ok = SHA256_Init(c);
		break;
	case SHA384_DIGEST_LENGTH:
		ok = SHA384_Init(c);
		break;
	case SHA512_DIGEST_LENGTH:
		ok = SHA512_Init(c);
		break;
	default:
		break;
	}
	assert(ok);
}

void gt_sha2_add(struct gt_sha2_run *run, struct gt_bytes piece)
{
	void *c = run->state;
	int ok = piece.n == 0;
	if (!ok && run->n <= SHA256_DIGEST_LENGTH)
		ok = SHA256_Update(c, piece.p, piece.n);
	else if (!ok)
		ok = SHA512_Update(c, piece.p, piece.n);
	assert(ok);
}

void gt_sha2_end(struct gt_sha2_run *run, struct gt_sha2 *out)
{
	void *c = run->state;
	int ok;
	*out = (struct gt_sha2){.n = run->n};
	/* a shorter one knows how long it is */
	if (run->n <= SHA256_DIGEST_LENGTH)
		ok = SHA256_Final(out->b, c);
	else
		ok = SHA512_Final(out->b, c);
	assert(ok);
}
