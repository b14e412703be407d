/* multikey.h: keys and signatures as texts that others read.
 *
 * Base58 in Bitcoin's alphabet behind a 'z' (Multibase), and an Ed25519 public
 * key as a Multikey: the bytes ed 01 before it. So did:key names a key by itself,
 * and a signed document can be checked by programs that know nothing of this
 * tree.
 *
 * Tests: u_proof.c, with W3C's own example. */
#ifndef GT_MULTIKEY_H
#define GT_MULTIKEY_H

#include "seal.h"

enum {
	GT_BASE58_BYTES = 96, /* at most, before they are text */
	GT_BASE58_CHARS = 140,
	GT_MULTIKEY_CHARS = 64,
};

/* 'z' and the bytes in base 58; n at most GT_BASE58_BYTES. */
void gt_base58_format(char out[GT_BASE58_CHARS], const void *p, size_t n);
/* The bytes of such a text, `n` of them exactly. False: it is none, or of
 * another length. */
bool gt_base58_parse(uint8_t *out, size_t n, const char *text);

/* "z6Mk..." */
void gt_multikey_format(char out[GT_MULTIKEY_CHARS],
                        const uint8_t public[GT_KEY_BYTES]);
/* False: it is not an Ed25519 key's. */
bool gt_multikey_parse(uint8_t out[GT_KEY_BYTES], const char *text);

#endif
